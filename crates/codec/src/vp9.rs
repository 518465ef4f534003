//! VP9.

use bytes::Bytes;
use levada_media::{FrameFacts, VideoCodec, VideoParams};

use crate::{CodecError, Defects};

pub(crate) fn params(codec: VideoCodec, config: Bytes) -> Result<VideoParams, CodecError> {
    Ok(VideoParams::new(codec, config))
}

/// What one track's frames need to be understood.
#[derive(Debug)]
pub(crate) struct FrameReader;

impl FrameReader {
    pub(crate) fn new(_codec: VideoCodec) -> Self {
        Self
    }

    pub(crate) fn inspect(&mut self, _data: &[u8]) -> FrameFacts {
        FrameFacts::default()
    }

    pub(crate) fn defects(&self) -> Defects {
        Defects::default()
    }
}
