use bytes::Buf;
use levada_test::same_at_every_cut;

use super::*;
use crate::ServerHandshake;
use crate::packet::BLOCK;

type Outcome = (Result<Progress, HandshakeError>, Vec<u8>, Vec<HandshakeQuirk>, Vec<u8>);

/// Progress, what was sent, what was forgiven, what is left.
fn connect_pieces(mut client: ClientHandshake, pieces: &[&[u8]]) -> Outcome {
    let (mut input, mut out) = (BytesMut::new(), Outbox::new());
    let mut progress = client.advance(&mut input, &mut out);
    assert_eq!(progress, Ok(Progress::NeedMore(1)));
    for piece in pieces {
        input.extend_from_slice(piece);
        progress = client.advance(&mut input, &mut out);
        assert_eq!(client.advance(&mut input, &mut out), progress, "the same again");
    }
    let quirks = core::iter::from_fn(|| client.take_quirk()).collect();
    (progress, out.copy_to_bytes(out.remaining()).to_vec(), quirks, input.to_vec())
}

fn entropy() -> Entropy {
    Entropy::new([7; 1528])
}

fn connect(client: fn(Entropy) -> ClientHandshake, wire: &[u8]) -> Outcome {
    same_at_every_cut(wire, |pieces| connect_pieces(client(entropy()), pieces));
    connect_pieces(client(entropy()), &[wire])
}

const DONE: Result<Progress, HandshakeError> = Ok(Progress::Done(Flavor::Plain));

#[test]
fn a_plain_handshake() {
    let c1 = plain_block(&entropy());
    let s1 = [0xA5; BLOCK];
    let wire = [&[3][..], &s1, &c1, b"chunks"].concat();
    let (progress, sent, quirks, left) = connect(ClientHandshake::new, &wire);
    assert_eq!((progress, quirks, &left[..]), (DONE, vec![], &b"chunks"[..]));
    assert_eq!(sent, [&[3][..], &c1, &s1].concat());
}

#[test]
fn quirk_04_hostile_hsk_10_servers_that_answer_anything() {
    for s1 in [[0; BLOCK], [0xFF; BLOCK]] {
        for s2 in [[0; BLOCK], [0xEE; BLOCK]] {
            let wire = [&[3][..], &s1, &s2, b"chunks"].concat();
            let (progress, sent, quirks, left) = connect(ClientHandshake::new, &wire);
            assert_eq!((progress, &left[..]), (DONE, &b"chunks"[..]));
            assert_eq!(sent[1537..], s1);
            assert_eq!(quirks, [HandshakeQuirk::WrongEcho]);
        }
    }
}

#[test]
fn hostile_hsk_10_a_wrong_version() {
    for version in 0..=255 {
        let expected = match version {
            3 => continue,
            0..32 => HandshakeError::UnsupportedVersion { version },
            first => HandshakeError::NotRtmp { first },
        };
        let (progress, sent, ..) = connect(ClientHandshake::new, &[version, 1, 2]);
        assert_eq!((progress, sent.len()), (Err(expected), 1537));
    }
}

#[test]
fn s1_is_answered_before_s2_comes() {
    let (progress, sent, ..) =
        connect_pieces(ClientHandshake::new(entropy()), &[&[3], &[1; BLOCK]]);
    assert_eq!((progress, sent.len()), (Ok(Progress::NeedMore(1536)), 1 + 2 * 1536));
}

/// Joins our two ends.
fn meet(mut client: ClientHandshake) -> (Flavor, Vec<HandshakeQuirk>) {
    let mut server = ServerHandshake::new(Entropy::new([9; 1528]));
    let (mut up, mut down) = (BytesMut::new(), BytesMut::new());
    for _ in 0..3 {
        let mut out = Outbox::new();
        let done = client.advance(&mut down, &mut out).unwrap();
        up.extend_from_slice(&out.copy_to_bytes(out.remaining()));
        let met = server.advance(&mut up, &mut out).unwrap();
        down.extend_from_slice(&out.copy_to_bytes(out.remaining()));
        if let (Progress::Done(ours), Progress::Done(theirs)) = (done, met) {
            assert_eq!(ours, theirs);
            let mut quirks: Vec<_> = core::iter::from_fn(|| client.take_quirk()).collect();
            quirks.extend(core::iter::from_fn(|| server.take_quirk()));
            return (ours, quirks);
        }
    }
    panic!("they never met");
}

#[test]
fn our_client_meets_our_server() {
    assert_eq!(meet(ClientHandshake::new(entropy())), (Flavor::Plain, vec![]));
}

#[cfg(feature = "digest")]
mod with_digest {
    use super::*;
    use crate::digest::{Layout, Signer, find, first_block, is_signed, second_block};

    const DONE: Result<Progress, HandshakeError> = Ok(Progress::Done(Flavor::Digest));

    #[test]
    fn our_client_meets_our_server_with_digest() {
        assert_eq!(meet(ClientHandshake::with_digest(entropy())), (Flavor::Digest, vec![]));
    }

    /// nginx-rtmp answers digest-first whatever it was offered; others in the other layout.
    #[test]
    fn quirk_05_a_digest_is_answered_with_a_signature() {
        for layout in [Layout::DigestFirst, Layout::KeyFirst] {
            let theirs = Entropy::new([9; 1528]);
            let c1 = first_block(&entropy(), Signer::Client, Layout::DigestFirst);
            let s1 = first_block(&theirs, Signer::Server, layout);
            let (_, c1_digest) = find(&c1, Signer::Client).unwrap();
            let s2 = second_block(&theirs, Signer::Server, &c1_digest);
            let wire = [&[3][..], &s1, &s2].concat();
            let (progress, sent, quirks, _) = connect(ClientHandshake::with_digest, &wire);
            assert_eq!((progress, quirks), (DONE, vec![]));
            assert_eq!(sent[..1537], [&[3][..], &c1].concat());
            let (_, s1_digest) = find(&s1, Signer::Server).unwrap();
            let c2 = sent[1537..].try_into().unwrap();
            assert!(is_signed(&c2, Signer::Client, &s1_digest));
        }
    }

    #[test]
    fn a_plain_server_is_answered_plainly() {
        let c1 = first_block(&entropy(), Signer::Client, Layout::DigestFirst);
        for (version, quirks) in [(0, vec![]), (3, vec![HandshakeQuirk::VersionWithoutDigest])] {
            let mut s1 = [0xA5; BLOCK];
            s1[4..8].fill(version);
            let wire = [&[3][..], &s1, &c1].concat();
            let (progress, sent, seen, _) = connect(ClientHandshake::with_digest, &wire);
            assert_eq!((progress, &sent[1537..]), (Ok(Progress::Done(Flavor::Plain)), &s1[..]));
            assert_eq!(seen, quirks);
        }
    }

    #[test]
    fn a_wrong_signature_is_forgiven() {
        let s1 = first_block(&Entropy::new([9; 1528]), Signer::Server, Layout::KeyFirst);
        let wire = [&[3][..], &s1, &[0; BLOCK]].concat();
        let (progress, _, quirks, _) = connect(ClientHandshake::with_digest, &wire);
        assert_eq!((progress, quirks), (DONE, vec![HandshakeQuirk::WrongEcho]));
    }
}
