use levada_test::{Vector, hex, vectors};
use proptest::prelude::*;

use super::*;
use crate::packet::is_echo;

fn block(picture: &str) -> Block {
    hex(picture).try_into().unwrap()
}

fn text<'a>(vector: &'a Vector, member: &str) -> &'a str {
    vector[member].as_str().unwrap()
}

fn signer(vector: &Vector) -> Signer {
    match text(vector, "signer") {
        "client" => Signer::Client,
        "server" => Signer::Server,
        other => panic!("{other}"),
    }
}

fn found(block: &Block, signer: Signer) -> serde_json::Value {
    match find(block, signer) {
        None => serde_json::json!([null, null, null]),
        Some((layout, digest)) => {
            let name = if layout == Layout::DigestFirst { "digest_first" } else { "key_first" };
            serde_json::json!([name, digest_at(block, layout), to_hex(&digest)])
        }
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

#[test]
fn every_handshake_vector() {
    let mut seen = 0;
    for vector in vectors(env!("CARGO_MANIFEST_DIR"), "handshake.json") {
        let (name, expect) = (text(&vector, "name"), &vector["expect"]);
        match text(&vector, "what") {
            "digest" => {
                let expected = ["layout", "digest_pos", "digest"].map(|it| expect[it].clone());
                let found = found(&block(text(&vector, "hex")), signer(&vector));
                assert_eq!(found, serde_json::json!(expected), "{name}");
            }
            "second" => {
                let block = block(text(&vector, "hex"));
                let peer: Digest = hex(text(&vector, "peer_digest")).try_into().unwrap();
                assert_eq!(is_signed(&block, signer(&vector), &peer), expect["valid"], "{name}");
                let mac = signature_mac(&block, signer(&vector), &peer);
                let signature: Digest = mac.finalize().into_bytes().into();
                assert_eq!(to_hex(&signature), expect["signature"], "{name}");
            }
            "positions" => {
                let block = block(text(&vector, "hex"));
                let at = |layout| serde_json::json!(digest_at(&block, layout));
                assert_eq!(at(Layout::DigestFirst), expect["digest_first"][0], "{name}");
                assert_eq!(at(Layout::KeyFirst), expect["key_first"][0], "{name}");
            }
            "echo" => {
                let (second, first) = (text(&vector, "hex"), text(&vector, "first"));
                let both = expect["time_echo"] == true && expect["random_echo"] == true;
                assert_eq!(is_echo(&block(second), &block(first)), both, "{name}");
            }
            // RTMPE is refused.
            "rtmpe_keys" | "rc4" => continue,
            other => panic!("{other}"),
        }
        seen += 1;
    }
    assert_eq!(seen, 25);
}

/// The blocks of the vectors that were made from a known filler are the ones we make from it.
#[test]
fn our_blocks_are_those_of_the_vectors() {
    for vector in vectors(env!("CARGO_MANIFEST_DIR"), "handshake.json") {
        let (name, layout) = match text(&vector, "name") {
            it @ ("c1_digest_first" | "s1_digest_first") => (it, Layout::DigestFirst),
            it @ ("c1_key_first" | "s1_key_first") => (it, Layout::KeyFirst),
            _ => continue,
        };
        let theirs = block(text(&vector, "hex"));
        assert_eq!(theirs[4..8], signer(&vector).version(), "{name}");
        // Undo the digest: whatever stood there is written over.
        let at = digest_at(&theirs, layout);
        let mut filler = theirs;
        filler[at..at + DIGEST].fill(0);
        let entropy = Entropy::new(filler[8..].try_into().unwrap());
        let mut ours = first_block(&entropy, signer(&vector), layout);
        assert_eq!(ours[8..at], theirs[8..at], "{name}");
        // Their time is 1 or 2, ours 0: put it in, and make the digest again.
        ours[..4].copy_from_slice(&theirs[..4]);
        let digest = digest_mac(&ours, at, signer(&vector)).finalize().into_bytes();
        ours[at..at + DIGEST].copy_from_slice(&digest);
        assert_eq!(ours, theirs, "{name}");
    }
}

#[test]
fn our_second_blocks_are_signed_as_theirs() {
    let mut seen = 0;
    for vector in vectors(env!("CARGO_MANIFEST_DIR"), "handshake.json") {
        if text(&vector, "what") != "second" || vector["expect"]["valid"] == false {
            continue;
        }
        let theirs = block(text(&vector, "hex"));
        let peer: Digest = hex(text(&vector, "peer_digest")).try_into().unwrap();
        let mut random = [0; 1528];
        random[..SIGNATURE_AT].copy_from_slice(&theirs[..SIGNATURE_AT]);
        let ours = second_block(&Entropy::new(random), signer(&vector), &peer);
        assert_eq!(ours, theirs, "{}", vector["name"]);
        seen += 1;
    }
    assert_eq!(seen, 7);
}

/// HSK-04: whatever the selectors are, the digest stays inside its half.
#[test]
fn hostile_hsk_04_selectors_of_all_ones() {
    let block = [0xFF; BLOCK];
    assert_eq!(digest_at(&block, Layout::DigestFirst), 12 + 1020 % 728);
    assert_eq!(digest_at(&block, Layout::KeyFirst), 776 + 1020 % 728);
    assert_eq!(find(&block, Signer::Client), None);
}

proptest! {
    #[test]
    fn what_is_signed_is_found(seed in proptest::array::uniform32(any::<u8>())) {
        let mut random = [0; 1528];
        for (index, byte) in random.iter_mut().enumerate() {
            let [low, high, ..] = index.to_le_bytes();
            *byte = seed[index % 32].wrapping_mul(low | 1) ^ high;
        }
        let entropy = Entropy::new(random);
        for signer in [Signer::Client, Signer::Server] {
            for layout in [Layout::DigestFirst, Layout::KeyFirst] {
                let block = first_block(&entropy, signer, layout);
                let at = digest_at(&block, layout);
                prop_assert!(at + DIGEST <= BLOCK);
                let (found, digest) = find(&block, signer).unwrap();
                prop_assert_eq!((found, &digest[..]), (layout, &block[at..at + DIGEST]));
                let other = if signer == Signer::Client { Signer::Server } else { Signer::Client };
                prop_assert_eq!(find(&block, other), None);
                let second = second_block(&entropy, other, &digest);
                prop_assert!(is_signed(&second, other, &digest));
                prop_assert!(!is_signed(&second, signer, &digest));
            }
        }
    }
}
