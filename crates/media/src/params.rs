use alloc::string::String;

use bytes::Bytes;

/// How to decode a track, and what its headers say.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "one variant for each MediaKind")]
pub enum CodecParams {
    /// A video track.
    Video(VideoParams),
    /// An audio track.
    Audio(AudioParams),
    /// A data track.
    Data(DataCodec),
}

impl CodecParams {
    /// The facts of a video track.
    pub fn video(&self) -> Option<&VideoParams> {
        if let Self::Video(params) = self { Some(params) } else { None }
    }

    /// The facts of an audio track.
    pub fn audio(&self) -> Option<&AudioParams> {
        if let Self::Audio(params) = self { Some(params) } else { None }
    }

    /// The name of the codec for `CODECS` attributes and MIME types (RFC 6381). Empty for data tracks.
    pub fn rfc6381(&self) -> &str {
        match self {
            Self::Video(params) => &params.rfc6381,
            Self::Audio(params) => &params.rfc6381,
            Self::Data(_) => "",
        }
    }
}

/// A video codec.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum VideoCodec {
    /// H.264. Configuration: `AVCDecoderConfigurationRecord`. Payload: length-prefixed NAL units.
    Avc,
    /// H.265. Configuration: `HEVCDecoderConfigurationRecord`. Payload: length-prefixed NAL units.
    Hevc,
    /// AV1. Configuration: `AV1CodecConfigurationRecord`. Payload: one temporal unit in low-overhead OBUs.
    Av1,
    /// VP9. Configuration: `VPCodecConfigurationRecord` (without the box's version and flags). Payload: one
    /// frame or superframe.
    Vp9,
    /// VP8. Configuration as VP9's. Payload: one frame.
    Vp8,
}

/// An audio codec.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum AudioCodec {
    /// AAC. Configuration: `AudioSpecificConfig`. Payload: one raw data block, no ADTS header.
    Aac,
    /// Opus. Configuration: the identification header of RFC 7845, from `OpusHead` on. Payload: one packet.
    Opus,
    /// MPEG audio, layer III. No configuration. Payload: one frame with its header.
    Mp3,
    /// AC-3. Configuration: the content of a `dac3` box. Payload: one synchronisation frame.
    Ac3,
    /// E-AC-3. Configuration: the content of a `dec3` box. Payload: the synchronisation frames of one access unit.
    Eac3,
    /// FLAC. Configuration: the `STREAMINFO` block with its four-byte header, other blocks may follow. Payload:
    /// one frame.
    Flac,
}

/// What a data track carries.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum DataCodec {
    /// Timed ID3 tags, one complete tag a frame.
    Id3,
    /// RTMP data messages, AMF0: name and values.
    Script,
}

/// What the headers of a video track say. `None` and 0 mean that they don't.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct VideoParams {
    /// Which codec it is.
    pub codec: VideoCodec,
    /// The configuration record. Owned, never a slice of an input block.
    pub config: Bytes,
    /// RFC 6381 name, e.g. `avc1.64001f`.
    pub rfc6381: String,
    /// Visible size in luma samples, cropping applied, sample aspect ratio not.
    pub width: u32,
    /// See `width`.
    pub height: u32,
    /// Width and height of a sample, e.g. 1:1.
    pub pixel_aspect: Option<(u32, u32)>,
    /// Frames a second as a fraction, where the headers promise it.
    pub frame_rate: Option<(u32, u32)>,
    /// The codec's own profile number: H.264 and H.265 `profile_idc`, AV1 and VP9 profile.
    pub profile: u8,
    /// The codec's own level number: H.264 `level_idc`, H.265 `general_level_idc`, AV1 `seq_level_idx`.
    pub level: u8,
    /// Bits a luma sample.
    pub bit_depth: u8,
    /// Whether pictures may be fields.
    pub interlaced: bool,
    /// How many pictures can come before another in decoding order and after it in output order.
    pub reorder: Option<u8>,
    /// Colour description.
    pub colour: Option<Colour>,
    /// Static HDR metadata.
    pub hdr: Option<Hdr>,
}

impl VideoParams {
    /// Parameters of which nothing more is known.
    pub fn new(codec: VideoCodec, config: Bytes) -> Self {
        Self {
            codec,
            config,
            rfc6381: String::new(),
            width: 0,
            height: 0,
            pixel_aspect: None,
            frame_rate: None,
            profile: 0,
            level: 0,
            bit_depth: 8,
            interlaced: false,
            reorder: None,
            colour: None,
            hdr: None,
        }
    }
}

/// Colour description in the code points of ITU-T H.273.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the four values that every codec and container name"
)]
pub struct Colour {
    /// Colour primaries. 2 is unspecified.
    pub primaries: u8,
    /// Transfer characteristics. 2 is unspecified, 16 is PQ, 18 is HLG.
    pub transfer: u8,
    /// Matrix coefficients. 2 is unspecified.
    pub matrix: u8,
    /// Whether samples use all code values.
    pub full_range: bool,
}

/// Static HDR metadata in the units of H.265 annex D.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "the fields of two SEI messages that do not grow")]
pub struct Hdr {
    /// Red, green, blue and white chromaticity (x, y) in steps of 0.00002.
    pub mastering_primaries: Option<[(u16, u16); 4]>,
    /// Highest and lowest luminance of the mastering display in steps of 0.0001 cd/m².
    pub mastering_luminance: Option<(u32, u32)>,
    /// Highest content light level and highest frame-average light level, in cd/m².
    pub content_light: Option<(u16, u16)>,
}

/// What the headers of an audio track say.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AudioParams {
    /// Which codec it is.
    pub codec: AudioCodec,
    /// The configuration record; empty where the codec has none. Owned, never a slice of an input block.
    pub config: Bytes,
    /// RFC 6381 name, e.g. `mp4a.40.2`.
    pub rfc6381: String,
    /// Output samples a second, extensions (SBR) applied. 0 if not known.
    pub sample_rate: u32,
    /// Output channels, extensions (PS) applied. 0 if not known.
    pub channels: u8,
    /// Output samples of every frame, if they are all of one length.
    pub samples_per_frame: Option<u32>,
    /// Samples to drop at the start, at `sample_rate` (Opus pre-skip).
    pub priming: u32,
}

impl AudioParams {
    /// Parameters of which nothing more is known.
    pub fn new(codec: AudioCodec, config: Bytes) -> Self {
        Self {
            codec,
            config,
            rfc6381: String::new(),
            sample_rate: 0,
            channels: 0,
            samples_per_frame: None,
            priming: 0,
        }
    }
}
