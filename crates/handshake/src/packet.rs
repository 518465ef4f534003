use bytes::BytesMut;

use crate::{Entropy, HandshakeError};

/// The only version in use. RTMP 1.0 §5.2.2.
pub(crate) const VERSION: u8 = 3;

/// The size of C1, C2, S1 and S2. RTMP 1.0 §5.2.3.
pub(crate) const BLOCK: usize = 1536;

/// C1, C2, S1 or S2.
///
/// ```text
///       plain                          digest
///  0    time (4)                       time (4)
///  4    zero (4) / time of reading (4) version (4)
///  8    random (1528)                  two halves, see `digest`
/// ```
pub(crate) type Block = [u8; BLOCK];

/// A plain C1 or S1. Its time is 0: the zero point is free, and nobody uses it.
pub(crate) fn plain_block(entropy: &Entropy) -> Block {
    let mut block = [0; BLOCK];
    if let Some((_, random)) = block.split_first_chunk_mut::<8>() {
        random.copy_from_slice(entropy.bytes());
    }
    block
}

/// Takes the version byte, or says that it has not come.
pub(crate) fn take_version(input: &mut BytesMut) -> Result<Option<()>, HandshakeError> {
    match input.first() {
        None => Ok(None),
        Some(&VERSION) => {
            let _ = input.split_to(1);
            Ok(Some(()))
        }
        Some(&version @ 0..32) => Err(HandshakeError::UnsupportedVersion { version }),
        Some(&first) => Err(HandshakeError::NotRtmp { first }),
    }
}

/// Takes a whole block, or says how many bytes it lacks.
pub(crate) fn take_block(input: &mut BytesMut) -> Result<Block, usize> {
    let Some(block) = input.first_chunk::<BLOCK>().copied() else {
        return Err(BLOCK - input.len());
    };
    let _ = input.split_to(BLOCK);
    Ok(block)
}

/// Whether a first block shows a product version where the plain handshake has zeros.
pub(crate) fn has_version(block: &Block) -> bool {
    block[4..8] != [0; 4]
}

/// Whether `second` repeats the time and the random bytes of `first`. The time of reading is the peer's own.
pub(crate) fn is_echo(second: &Block, first: &Block) -> bool {
    second[..4] == first[..4] && second[8..] == first[8..]
}
