use bytes::Buf;
use levada_test::{hex, same_at_every_cut, vectors};

use super::*;
use crate::packet::BLOCK;

/// What can be seen of a server: what it wrote, how it ended, what it forgave, what is left.
#[derive(Debug, PartialEq)]
struct Seen {
    written: Vec<u8>,
    progress: Result<Progress, HandshakeError>,
    quirks: Vec<HandshakeQuirk>,
    left: Vec<u8>,
}

fn serve_pieces(pieces: &[&[u8]]) -> Seen {
    let mut server = ServerHandshake::new(Entropy::new([7; 1528]));
    let (mut input, mut out) = (BytesMut::new(), Outbox::new());
    let mut progress = server.advance(&mut input, &mut out);
    assert_eq!(progress, Ok(Progress::NeedMore(1)));
    for piece in pieces {
        input.extend_from_slice(piece);
        progress = server.advance(&mut input, &mut out);
        assert_eq!(server.advance(&mut input, &mut out), progress, "the same again");
    }
    Seen {
        written: out.copy_to_bytes(out.remaining()).to_vec(),
        progress,
        quirks: core::iter::from_fn(|| server.take_quirk()).collect(),
        left: input.to_vec(),
    }
}

/// However the wire is cut.
fn serve(wire: &[u8]) -> Seen {
    same_at_every_cut(wire, serve_pieces);
    serve_pieces(&[wire])
}

fn vector(name: &str) -> Block {
    let all = vectors(env!("CARGO_MANIFEST_DIR"), "handshake.json");
    let vector = all.iter().find(|it| it["name"] == name).unwrap_or_else(|| panic!("{name}"));
    hex(vector["hex"].as_str().unwrap()).try_into().unwrap()
}

/// What a plain server with our entropy sends.
fn plain_s1() -> Block {
    plain_block(&Entropy::new([7; 1528]))
}

fn plain_c1() -> Block {
    let mut c1 = [0x5A; BLOCK];
    c1[..8].copy_from_slice(&[0, 0, 0x30, 0x39, 0, 0, 0, 0]);
    c1
}

fn wire(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

const DONE: Result<Progress, HandshakeError> = Ok(Progress::Done(Flavor::Plain));

#[test]
fn quirk_02_a_plain_client_gets_its_block_back() {
    let seen = serve(&wire(&[&[3], &plain_c1(), &plain_s1()]));
    assert_eq!(seen.progress, DONE);
    assert_eq!(seen.written, wire(&[&[3], &plain_s1(), &plain_c1()]));
    assert_eq!((seen.quirks, seen.left), (vec![], vec![]));
}

#[test]
fn quirk_01_the_answer_comes_as_soon_as_c1_is_there() {
    let mut server = ServerHandshake::new(Entropy::new([7; 1528]));
    let (mut input, mut out) = (BytesMut::from(&[3][..]), Outbox::new());
    assert_eq!(server.advance(&mut input, &mut out), Ok(Progress::NeedMore(1536)));
    let c1 = plain_c1();
    let mut needed = 1536;
    for part in [&c1[..500], &c1[500..1535], &c1[1535..]] {
        assert_eq!(out.remaining(), 0);
        input.extend_from_slice(part);
        needed -= part.len();
        let more = if needed == 0 { 1536 } else { needed };
        assert_eq!(server.advance(&mut input, &mut out), Ok(Progress::NeedMore(more)));
    }
    assert_eq!(out.remaining(), 1 + 2 * 1536);
}

/// A driver that reads exactly what is asked for takes no byte of the chunk stream.
#[test]
fn the_bytes_asked_for_are_exact() {
    let wire = wire(&[&[3], &plain_c1(), &plain_s1(), b"chunks"]);
    let mut server = ServerHandshake::new(Entropy::new([7; 1528]));
    let (mut input, mut out) = (BytesMut::new(), Outbox::new());
    let mut rest = &wire[..];
    while let Progress::NeedMore(count) = server.advance(&mut input, &mut out).unwrap() {
        let (now, later) = rest.split_at(count);
        input.extend_from_slice(now);
        rest = later;
    }
    assert_eq!((rest, input.len()), (&b"chunks"[..], 0));
}

#[test]
fn quirk_03_hostile_hsk_05_a_wrong_echo_is_forgiven() {
    let mut wrong_time = plain_s1();
    wrong_time[3] = 1;
    for c2 in [[0; BLOCK], plain_c1(), vector("c2_not_an_echo"), wrong_time] {
        let seen = serve(&wire(&[&[3], &plain_c1(), &c2]));
        assert_eq!((seen.progress, seen.quirks), (DONE, vec![HandshakeQuirk::WrongEcho]));
    }
    // The time of reading is the client's.
    let mut c2 = plain_s1();
    c2[4..8].fill(9);
    assert_eq!(serve(&wire(&[&[3], &plain_c1(), &c2])).quirks, []);
}

#[test]
fn hostile_hsk_01_other_versions() {
    for version in 0..=255 {
        let seen = serve(&wire(&[&[version], &plain_c1()]));
        let expected = match version {
            3 => continue,
            0..32 => HandshakeError::UnsupportedVersion { version },
            first => HandshakeError::NotRtmp { first },
        };
        // On the first byte, and nothing is written.
        assert_eq!(seen.progress, Err(expected));
        assert!(seen.written.is_empty());
    }
}

#[test]
fn quirk_08_rtmpe_is_refused_by_name() {
    for (version, rtmpe) in [(6, true), (8, true), (9, true), (5, false)] {
        let error = HandshakeError::UnsupportedVersion { version };
        assert_eq!(serve(&[version]).progress, Err(error));
        assert_eq!(error.to_string().ends_with("it is RTMPE, use RTMPS"), rtmpe);
    }
    let error = HandshakeError::NotRtmp { first: 0x16 };
    assert_eq!(
        error.to_string(),
        "byte 0x16 at offset 0 begins no RTMP connection (RTMP 1.0 §5.2.2)"
    );
}

#[test]
fn hostile_hsk_02_cut_after_every_byte() {
    let wire = wire(&[&[3], &plain_c1()]);
    for cut in 0..wire.len() {
        let seen = serve_pieces(&[&wire[..cut]]);
        let missing = if cut == 0 { 1 } else { 1537 - cut };
        assert_eq!(seen.progress, Ok(Progress::NeedMore(missing)));
        assert!(seen.written.is_empty());
    }
}

#[test]
fn hostile_hsk_03_a_version_and_an_odd_time_in_a_plain_block() {
    let mut c1 = plain_c1();
    c1[..8].copy_from_slice(&[0xFF; 8]);
    let seen = serve(&wire(&[&[3], &c1, &plain_s1()]));
    assert_eq!(seen.progress, DONE);
    assert_eq!(seen.written[1537..], c1);
    assert_eq!(seen.quirks, [HandshakeQuirk::VersionWithoutDigest]);
}

#[test]
fn quirk_06_hostile_hsk_04_a_digest_that_does_not_fit() {
    for name in ["c1_tampered", "s1_digest_first"] {
        let c1 = vector(name);
        let seen = serve(&wire(&[&[3], &c1, &plain_s1()]));
        assert_eq!(seen.progress, DONE);
        assert_eq!(seen.written, wire(&[&[3], &plain_s1(), &c1]));
        assert_eq!(seen.quirks, [HandshakeQuirk::VersionWithoutDigest]);
    }
}

#[test]
fn hostile_hsk_06_hsk_07_everything_in_one_segment() {
    let seen = serve(&wire(&[&[3], &plain_c1(), &plain_s1(), b"connect and more"]));
    assert_eq!((seen.progress, &seen.left[..]), (DONE, &b"connect and more"[..]));
}

#[test]
fn hostile_hsk_08_the_first_block_twice() {
    let seen = serve(&wire(&[&[3], &plain_c1(), &[3], &plain_c1()]));
    assert_eq!((seen.progress, seen.quirks), (DONE, vec![HandshakeQuirk::WrongEcho]));
    // The last byte of the second C1 is where the chunk stream begins.
    assert_eq!(seen.left, [0x5A]);
}

#[cfg(feature = "digest")]
mod with_digest {
    use super::*;
    use crate::digest::{Layout, Signer, find, is_signed, second_block};

    const DONE: Result<Progress, HandshakeError> = Ok(Progress::Done(Flavor::Digest));

    #[test]
    fn a_digest_is_answered_in_its_layout() {
        for (name, layout) in [
            ("c1_digest_first", Layout::DigestFirst),
            ("c1_key_first", Layout::KeyFirst),
            ("captured_c1_ffmpeg", Layout::DigestFirst),
        ] {
            let c1 = vector(name);
            let entropy = Entropy::new([9; 1528]);
            let s1 = serve_pieces(&[&[3], &c1]).written[1..1537].try_into().unwrap();
            let (answered, s1_digest) = find(&s1, Signer::Server).unwrap();
            assert_eq!(answered, layout, "{name}");

            let c2 = second_block(&entropy, Signer::Client, &s1_digest);
            let seen = serve(&wire(&[&[3], &c1, &c2, b"chunks"]));
            assert_eq!((seen.progress, seen.quirks), (DONE, vec![]), "{name}");
            assert_eq!(seen.left, b"chunks");
            let (_, c1_digest) = find(&c1, Signer::Client).unwrap();
            let s2 = seen.written[1537..].try_into().unwrap();
            assert!(is_signed(&s2, Signer::Server, &c1_digest), "{name}");
        }
    }

    /// FFmpeg publishes with a digest in C1 and a plain copy of S1 for C2.
    #[test]
    fn quirk_03_an_echo_in_place_of_a_signature() {
        let c1 = vector("captured_c1_ffmpeg");
        let s1 = &serve_pieces(&[&[3], &c1]).written[1..1537];
        let seen = serve(&wire(&[&[3], &c1, s1]));
        assert_eq!((seen.progress, seen.quirks), (DONE, vec![HandshakeQuirk::WrongEcho]));
    }
}
