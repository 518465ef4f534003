//! AAC.

use bytes::Bytes;
use levada_media::{AudioCodec, AudioParams};

use crate::CodecError;

pub(crate) fn params(config: Bytes) -> Result<AudioParams, CodecError> {
    Ok(AudioParams::new(AudioCodec::Aac, config))
}
