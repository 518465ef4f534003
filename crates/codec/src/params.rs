use bytes::Bytes;
use levada_media::{AudioCodec, AudioParams, VideoCodec, VideoParams};

use crate::{CodecError, aac, ac3, av1, avc, flac, hevc, mp3, opus, vp9};

/// All that a video track's configuration record says.
///
/// The record is what [`VideoCodec`] names for the codec, and is copied if it is a slice of something larger.
pub fn video_params(codec: VideoCodec, config: Bytes) -> Result<VideoParams, CodecError> {
    match codec {
        VideoCodec::Avc => avc::params(config),
        VideoCodec::Hevc => hevc::params(config),
        VideoCodec::Av1 => av1::params(config),
        VideoCodec::Vp8 | VideoCodec::Vp9 => vp9::params(codec, config),
        _ => Err(CodecError::Unsupported { what: "this video codec" }),
    }
}

/// All that an audio track's configuration record says.
pub fn audio_params(codec: AudioCodec, config: Bytes) -> Result<AudioParams, CodecError> {
    match codec {
        AudioCodec::Aac => aac::params(config),
        AudioCodec::Opus => opus::params(config),
        AudioCodec::Mp3 => mp3::params(config),
        AudioCodec::Ac3 | AudioCodec::Eac3 => ac3::params(codec, config),
        AudioCodec::Flac => flac::params(config),
        _ => Err(CodecError::Unsupported { what: "this audio codec" }),
    }
}
