use core::fmt;

use levada_media::{AudioCodec, VideoCodec};

/// A codec in four characters, as Enhanced RTMP and ISO base media files name it.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(clippy::exhaustive_structs, reason = "four bytes")]
pub struct FourCc(pub [u8; 4]);

impl FourCc {
    /// AV1.
    pub const AV1: Self = Self(*b"av01");
    /// VP8.
    pub const VP8: Self = Self(*b"vp08");
    /// VP9.
    pub const VP9: Self = Self(*b"vp09");
    /// H.264.
    pub const AVC: Self = Self(*b"avc1");
    /// H.265.
    pub const HEVC: Self = Self(*b"hvc1");
    /// H.266.
    pub const VVC: Self = Self(*b"vvc1");
    /// AC-3.
    pub const AC3: Self = Self(*b"ac-3");
    /// E-AC-3.
    pub const EAC3: Self = Self(*b"ec-3");
    /// Opus.
    pub const OPUS: Self = Self(*b"Opus");
    /// MPEG audio, layer III.
    pub const MP3: Self = Self(*b".mp3");
    /// FLAC.
    pub const FLAC: Self = Self(*b"fLaC");
    /// AAC.
    pub const AAC: Self = Self(*b"mp4a");

    /// All of the above.
    const KNOWN: [Self; 12] = [
        Self::AV1,
        Self::VP8,
        Self::VP9,
        Self::AVC,
        Self::HEVC,
        Self::VVC,
        Self::AC3,
        Self::EAC3,
        Self::OPUS,
        Self::MP3,
        Self::FLAC,
        Self::AAC,
    ];

    /// The four characters of a number in `onMetaData`.
    ///
    /// GStreamer (to 1.28) writes them from back to front, which is undone where it makes sense of them.
    pub fn from_number(number: u32) -> Self {
        let (forward, backward) = (Self(number.to_be_bytes()), Self(number.to_le_bytes()));
        if Self::KNOWN.contains(&backward) { backward } else { forward }
    }

    /// The four characters as one number, which is how `onMetaData` writes them.
    pub const fn number(self) -> u32 {
        u32::from_be_bytes(self.0)
    }

    /// Whether coded frames of it have a composition time on the wire (E-RTMP §Enhanced Video).
    pub(crate) fn has_composition_time(self) -> bool {
        [Self::AVC, Self::HEVC, Self::VVC].contains(&self)
    }
}

impl fmt::Debug for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl fmt::Display for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

/// How a message names its codec.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a header has one form or the other")]
pub enum CodecId {
    /// The four bits of FLV 10.1: a video codec id or a sound format.
    Legacy(u8),
    /// The FourCC of Enhanced RTMP.
    FourCc(FourCc),
}

/// FLV 10.1 §E.4.3.1, and what the CDN extension of 2016 added: 12, 13 and 14 laid out as AVC is.
pub(crate) const LEGACY_AVC: u8 = 7;
pub(crate) const LEGACY_HEVC: u8 = 12;
const LEGACY_AV1: u8 = 13;
const LEGACY_VVC: u8 = 14;

/// FLV 10.1 §E.4.2.1.
pub(crate) const LEGACY_MP3: u8 = 2;
pub(crate) const LEGACY_AAC: u8 = 10;
const LEGACY_MP3_8K: u8 = 14;

impl CodecId {
    /// The video codec, if it is one that we know how to unpack.
    pub fn video(self) -> Option<VideoCodec> {
        Some(match self {
            Self::Legacy(LEGACY_AVC) | Self::FourCc(FourCc::AVC) => VideoCodec::Avc,
            Self::Legacy(LEGACY_HEVC) | Self::FourCc(FourCc::HEVC) => VideoCodec::Hevc,
            Self::Legacy(LEGACY_AV1) | Self::FourCc(FourCc::AV1) => VideoCodec::Av1,
            Self::FourCc(FourCc::VP9) => VideoCodec::Vp9,
            Self::FourCc(FourCc::VP8) => VideoCodec::Vp8,
            _ => return None,
        })
    }

    /// The audio codec, if it is one that we know how to unpack.
    pub fn audio(self) -> Option<AudioCodec> {
        Some(match self {
            Self::Legacy(LEGACY_AAC) | Self::FourCc(FourCc::AAC) => AudioCodec::Aac,
            Self::Legacy(LEGACY_MP3 | LEGACY_MP3_8K) | Self::FourCc(FourCc::MP3) => AudioCodec::Mp3,
            Self::FourCc(FourCc::OPUS) => AudioCodec::Opus,
            Self::FourCc(FourCc::FLAC) => AudioCodec::Flac,
            Self::FourCc(FourCc::AC3) => AudioCodec::Ac3,
            Self::FourCc(FourCc::EAC3) => AudioCodec::Eac3,
            _ => return None,
        })
    }

    /// Whether a legacy video body of this codec has the packet type and composition time of AVC.
    pub(crate) fn is_laid_out_as_avc(self) -> bool {
        matches!(self, Self::Legacy(LEGACY_AVC | LEGACY_HEVC | LEGACY_AV1 | LEGACY_VVC))
    }
}

impl fmt::Display for CodecId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Legacy(id) => write!(f, "id {id}"),
            Self::FourCc(name) => write!(f, "{name}"),
        }
    }
}

/// The FourCC of a video codec.
pub(crate) fn video_fourcc(codec: VideoCodec) -> Option<FourCc> {
    Some(match codec {
        VideoCodec::Avc => FourCc::AVC,
        VideoCodec::Hevc => FourCc::HEVC,
        VideoCodec::Av1 => FourCc::AV1,
        VideoCodec::Vp9 => FourCc::VP9,
        VideoCodec::Vp8 => FourCc::VP8,
        _ => return None,
    })
}

/// The FourCC of an audio codec.
pub(crate) fn audio_fourcc(codec: AudioCodec) -> Option<FourCc> {
    Some(match codec {
        AudioCodec::Aac => FourCc::AAC,
        AudioCodec::Mp3 => FourCc::MP3,
        AudioCodec::Opus => FourCc::OPUS,
        AudioCodec::Flac => FourCc::FLAC,
        AudioCodec::Ac3 => FourCc::AC3,
        AudioCodec::Eac3 => FourCc::EAC3,
        _ => return None,
    })
}
