use bytes::Bytes;
use levada_media::{AudioCodec, AudioParams, VideoCodec, VideoParams};

use crate::{CodecError, aac, ac3, av1, avc, flac, hevc, mp3, opus, vp9};

/// All that a video track's configuration record says.
///
/// The record is what [`VideoCodec`] names for the codec, and is copied if it is a slice of something larger.
#[expect(
    clippy::needless_pass_by_value,
    reason = "records are handed over, whatever becomes of them"
)]
pub fn video_params(codec: VideoCodec, config: Bytes) -> Result<VideoParams, CodecError> {
    match codec {
        VideoCodec::Avc => avc::params(&config),
        VideoCodec::Hevc => hevc::params(&config),
        VideoCodec::Av1 => av1::params(&config),
        VideoCodec::Vp8 | VideoCodec::Vp9 => vp9::params(codec, &config),
        _ => Err(CodecError::Unsupported { what: "this video codec" }),
    }
}

/// All that an audio track's configuration record says.
#[expect(
    clippy::needless_pass_by_value,
    reason = "records are handed over, whatever becomes of them"
)]
pub fn audio_params(codec: AudioCodec, config: Bytes) -> Result<AudioParams, CodecError> {
    match codec {
        AudioCodec::Aac => aac::params(&config),
        AudioCodec::Opus => opus::params(&config),
        AudioCodec::Mp3 => mp3::params(&config),
        AudioCodec::Ac3 | AudioCodec::Eac3 => ac3::params(codec, &config),
        AudioCodec::Flac => flac::params(&config),
        _ => Err(CodecError::Unsupported { what: "this audio codec" }),
    }
}

#[cfg(test)]
mod tests {
    use std::vec;

    use levada_test::allocations;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Received bytes drive memory, announced counts never do.
        #[test]
        fn hostile_g2_no_record_takes_more_memory_than_it_has(
            head in proptest::sample::select(vec![
                "", "OpusHead\x01", "\x01", "\u{0}", "\x11", "fLaC\u{0}\u{0}\u{0}\x22",
            ]),
            tail in proptest::collection::vec(any::<u8>(), 0..600),
        ) {
            let record = Bytes::from([head.as_bytes(), &tail].concat());
            let bound = 2 * record.len() as u64 + 4096;
            for codec in [
                AudioCodec::Aac, AudioCodec::Opus, AudioCodec::Mp3, AudioCodec::Ac3, AudioCodec::Eac3,
                AudioCodec::Flac,
            ] {
                let taken = allocations(|| drop(audio_params(codec, record.clone())));
                prop_assert!(taken.peak_bytes <= bound, "{codec:?}: {taken:?}");
            }
            for codec in [VideoCodec::Av1, VideoCodec::Vp8, VideoCodec::Vp9] {
                let taken = allocations(|| drop(video_params(codec, record.clone())));
                prop_assert!(taken.peak_bytes <= bound, "{codec:?}: {taken:?}");
            }
        }
    }
}
