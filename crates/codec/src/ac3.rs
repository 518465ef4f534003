//! AC-3 and E-AC-3.

use bytes::Bytes;
use levada_media::{AudioCodec, AudioParams};

use crate::CodecError;

pub(crate) fn params(codec: AudioCodec, config: Bytes) -> Result<AudioParams, CodecError> {
    Ok(AudioParams::new(codec, config))
}
