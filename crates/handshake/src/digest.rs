//! The digest in a first block and the signature in a second one. In no Adobe text: facts of practice.
//!
//! ```text
//!             0      4         8                        772                      1536
//!  DigestFirst  time │ version │ sel ··· [digest] ···   │ ··· [key] ···       sel │
//!  KeyFirst     time │ version │ ··· [key] ···      sel │ sel ··· [digest] ···    │
//! ```
//!
//! Bytes 8 to 1535 are two halves of 764 bytes in one of two orders. In the digest half a selector of 4 bytes
//! says, by the sum of its bytes, where the 32 bytes of digest stand. The other half is for RTMPE's public key
//! and random without it. Numbers are avoided for the orders: "scheme 0" means the first to some and the second to others.

#![expect(clippy::indexing_slicing, reason = "`digest_at` is at most 1503, all else is constant")]

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::Entropy;
use crate::packet::{BLOCK, Block, plain_block};

/// The size of a digest and of a signature.
const DIGEST: usize = 32;

/// Where the signature of a second block stands: at its end.
const SIGNATURE_AT: usize = BLOCK - DIGEST;

/// Ends both product keys.
const KEY_TAIL: [u8; 32] = [
    0xf0, 0xee, 0xc2, 0x4a, 0x80, 0x68, 0xbe, 0xe8, 0x2e, 0x00, 0xd0, 0xd1, 0x02, 0x9e, 0x7e, 0x57,
    0x6e, 0xec, 0x5d, 0x2d, 0x29, 0x80, 0x6f, 0xab, 0x93, 0xb8, 0xe6, 0x36, 0xcf, 0xeb, 0x31, 0xae,
];

pub(crate) type Digest = [u8; DIGEST];

/// Which order the halves of a block have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Layout {
    DigestFirst,
    KeyFirst,
}

/// Whose key a digest is made with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Signer {
    Client,
    Server,
}

impl Signer {
    /// The key of the first block's digest.
    fn name(self) -> &'static [u8] {
        match self {
            Self::Client => b"Genuine Adobe Flash Player 001",
            Self::Server => b"Genuine Adobe Flash Media Server 001",
        }
    }

    /// Four bytes that must not be 0. The client's is a Flash Player of 2008 or later, the server's an FMS 4.
    fn version(self) -> [u8; 4] {
        match self {
            Self::Client => [0x80, 0x00, 0x07, 0x02],
            Self::Server => [0x04, 0x05, 0x00, 0x01],
        }
    }
}

/// A first block with its digest in place.
pub(crate) fn first_block(entropy: &Entropy, signer: Signer, layout: Layout) -> Block {
    let mut block = plain_block(entropy);
    block[4..8].copy_from_slice(&signer.version());
    let at = digest_at(&block, layout);
    let digest: Digest = digest_mac(&block, at, signer).finalize().into_bytes().into();
    block[at..at + DIGEST].copy_from_slice(&digest);
    block
}

/// The digest of a first block and its layout, if there is one that fits.
pub(crate) fn find(block: &Block, signer: Signer) -> Option<(Layout, Digest)> {
    [Layout::DigestFirst, Layout::KeyFirst].into_iter().find_map(|layout| {
        let at = digest_at(block, layout);
        let digest: Digest = block[at..at + DIGEST].try_into().ok()?;
        digest_mac(block, at, signer).verify_slice(&digest).ok()?;
        Some((layout, digest))
    })
}

/// A second block: chance, and the signature that answers the digest of the peer's first block.
pub(crate) fn second_block(entropy: &Entropy, signer: Signer, peer_digest: &Digest) -> Block {
    let mut block = [0; BLOCK];
    block[..SIGNATURE_AT].copy_from_slice(&entropy.bytes()[..SIGNATURE_AT]);
    let signature: Digest =
        signature_mac(&block, signer, peer_digest).finalize().into_bytes().into();
    block[SIGNATURE_AT..].copy_from_slice(&signature);
    block
}

/// Whether a second block answers the digest of a first one.
pub(crate) fn is_signed(block: &Block, signer: Signer, digest: &Digest) -> bool {
    signature_mac(block, signer, digest).verify_slice(&block[SIGNATURE_AT..]).is_ok()
}

/// Where the digest stands. At most 1503, so that it ends inside the block.
fn digest_at(block: &Block, layout: Layout) -> usize {
    let (selector, base) = match layout {
        Layout::DigestFirst => (&block[8..12], 12),
        Layout::KeyFirst => (&block[772..776], 776),
    };
    base + selector.iter().map(|it| usize::from(*it)).sum::<usize>() % 728
}

/// The digest covers the block without itself.
fn digest_mac(block: &Block, at: usize, signer: Signer) -> Hmac<Sha256> {
    mac(signer.name()).chain_update(&block[..at]).chain_update(&block[at + DIGEST..])
}

/// The key of the signature is itself made from the digest that it answers.
fn signature_mac(block: &Block, signer: Signer, peer_digest: &Digest) -> Hmac<Sha256> {
    let mut key = [0; 68];
    let (name, tail) = (signer.name(), KEY_TAIL);
    let length = name.len() + tail.len();
    key[..name.len()].copy_from_slice(name);
    key[name.len()..length].copy_from_slice(&tail);
    let key: Digest = mac(&key[..length]).chain_update(peer_digest).finalize().into_bytes().into();
    mac(&key).chain_update(&block[..SIGNATURE_AT])
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn mac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

#[cfg(test)]
mod tests;
