use levada_media::{AudioCodec, AudioParams, CodecParams, VideoCodec, VideoParams};

use crate::{ac3, av1, mp3, vp9};

/// A track's parameters with what its first frame says, if they lack something that it can tell.
///
/// Some formats begin tracks without a configuration, or with one that leaves out the size: MP3, AC-3 and E-AC-3 over
/// RTMP, VP8 and VP9 everywhere, AV1 with an empty list of OBUs. There the first frame (of video: the first key frame)
/// is the configuration.
///
/// ```
/// use bytes::Bytes;
/// use levada_codec::{audio_params, complete};
/// use levada_media::{AudioCodec, CodecParams};
///
/// let params = CodecParams::Audio(audio_params(AudioCodec::Mp3, Bytes::new())?);
/// let params = complete(&params, &[0xFF, 0xFB, 0x90, 0x64]).unwrap();
/// assert_eq!(params.audio().unwrap().sample_rate, 44_100);
/// assert_eq!(complete(&params, &[0xFF, 0xFB, 0x90, 0x64]), None);
/// # Ok::<(), levada_codec::CodecError>(())
/// ```
pub fn complete(params: &CodecParams, frame: &[u8]) -> Option<CodecParams> {
    match params {
        CodecParams::Video(params) => complete_video(params, frame).map(CodecParams::Video),
        CodecParams::Audio(params) => complete_audio(params, frame).map(CodecParams::Audio),
        CodecParams::Data(_) => None,
    }
}

fn complete_video(params: &VideoParams, frame: &[u8]) -> Option<VideoParams> {
    match params.codec {
        VideoCodec::Av1 => av1::with_sequence_header(params, frame),
        VideoCodec::Vp8 | VideoCodec::Vp9 => vp9::with_key_frame(params, frame),
        _ => None,
    }
}

fn complete_audio(params: &AudioParams, frame: &[u8]) -> Option<AudioParams> {
    if params.sample_rate != 0 && params.channels != 0 {
        return None;
    }
    match params.codec {
        AudioCodec::Mp3 => mp3::Header::parse(frame).ok()?.params().ok(),
        AudioCodec::Ac3 | AudioCodec::Eac3 => ac3::with_frame(params, frame),
        _ => None,
    }
}
