//! Codec names as playlists, MIME types and manifests write them (RFC 6381).
//!
//! Each codec's configuration makes its own name, found in [`VideoParams::rfc6381`](levada_media::VideoParams) and
//! [`AudioParams::rfc6381`](levada_media::AudioParams). Here are lists of them, and the way back.

use alloc::string::String;

use levada_media::{AudioCodec, CodecParams, VideoCodec};

/// The value of a `CODECS` attribute or `codecs` parameter: each name once, in the order given.
///
/// ```
/// use bytes::Bytes;
/// use levada_codec::{audio_params, rfc6381};
/// use levada_media::{AudioCodec, CodecParams};
///
/// let aac = CodecParams::Audio(audio_params(AudioCodec::Aac, Bytes::from_static(&[0x11, 0x90]))?);
/// let mp3 = CodecParams::Audio(audio_params(AudioCodec::Mp3, Bytes::new())?);
/// assert_eq!(rfc6381::list([&aac, &mp3, &aac]), "mp4a.40.2,mp4a.40.34");
/// # Ok::<(), levada_codec::CodecError>(())
/// ```
pub fn list<'a>(tracks: impl IntoIterator<Item = &'a CodecParams>) -> String {
    let mut list = String::new();
    for name in tracks.into_iter().map(CodecParams::rfc6381).filter(|it| !it.is_empty()) {
        if !list.split(',').any(|it| it == name) {
            if !list.is_empty() {
                list.push(',');
            }
            list.push_str(name);
        }
    }
    list
}

/// Which video codec a name is for.
pub fn video_codec(name: &str) -> Option<VideoCodec> {
    match name.trim().split('.').next()? {
        "avc1" | "avc3" => Some(VideoCodec::Avc),
        "hvc1" | "hev1" => Some(VideoCodec::Hevc),
        "av01" => Some(VideoCodec::Av1),
        // The second forms are those of WebM.
        "vp09" | "vp9" => Some(VideoCodec::Vp9),
        "vp08" | "vp8" => Some(VideoCodec::Vp8),
        _ => None,
    }
}

/// Which audio codec a name is for.
pub fn audio_codec(name: &str) -> Option<AudioCodec> {
    let mut parts = name.trim().split('.');
    match parts.next()? {
        // MP4 registration authority, object type indications; 40 has an audio object type behind it.
        "mp4a" => match (parts.next()?, parts.next()) {
            ("40", Some("32" | "33")) => None,
            ("40", Some("34")) | ("69" | "6B" | "6b", _) => Some(AudioCodec::Mp3),
            ("40" | "66" | "67" | "68", _) => Some(AudioCodec::Aac),
            ("A5" | "a5", _) => Some(AudioCodec::Ac3),
            ("A6" | "a6", _) => Some(AudioCodec::Eac3),
            ("AD" | "ad", _) => Some(AudioCodec::Opus),
            _ => None,
        },
        "Opus" | "opus" => Some(AudioCodec::Opus),
        "mp3" | ".mp3" => Some(AudioCodec::Mp3),
        "ac-3" => Some(AudioCodec::Ac3),
        "ec-3" | "ec+3" => Some(AudioCodec::Eac3),
        "fLaC" | "flac" => Some(AudioCodec::Flac),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_other_writers() {
        for (name, codec) in [
            ("avc1.64001f", VideoCodec::Avc),
            (" avc3.64001f", VideoCodec::Avc),
            ("hev1.1.6.L93.90", VideoCodec::Hevc),
            ("av01.0.04M.08", VideoCodec::Av1),
            ("vp9", VideoCodec::Vp9),
            ("vp09.00.31.08", VideoCodec::Vp9),
            ("vp8", VideoCodec::Vp8),
        ] {
            assert_eq!(video_codec(name), Some(codec), "{name}");
            assert_eq!(audio_codec(name), None, "{name}");
        }
        for (name, codec) in [
            ("mp4a.40.2", AudioCodec::Aac),
            ("mp4a.40.42", AudioCodec::Aac),
            ("mp4a.67", AudioCodec::Aac),
            ("mp4a.40.34", AudioCodec::Mp3),
            ("mp4a.6B", AudioCodec::Mp3),
            ("mp4a.69", AudioCodec::Mp3),
            ("Opus", AudioCodec::Opus),
            ("ac-3", AudioCodec::Ac3),
            ("ec-3", AudioCodec::Eac3),
            ("fLaC", AudioCodec::Flac),
        ] {
            assert_eq!(audio_codec(name), Some(codec), "{name}");
            assert_eq!(video_codec(name), None, "{name}");
        }
        for name in ["", "mp4a", "mp4a.40.33", "mp4v.20.9", "vvc1.1.L51", "stpp.ttml.im1t"] {
            assert_eq!((video_codec(name), audio_codec(name)), (None, None), "{name}");
        }
    }
}
