use alloc::format;
use alloc::string::String;

use bytes::Bytes;
use levada_media::{Colour, VideoCodec, VideoParams};

use super::{Header, Vp8KeyFrame, frames};
use crate::CodecError;

const SPEC: &str = "VP-ISOBMFF §2.2";

/// Version 1, no flags: what stands before a record in its box, and what ffmpeg puts before it in RTMP too.
const BOX_HEADER: [u8; 4] = [1, 0, 0, 0];

/// The largest picture of each level, in luma samples, with the level's number (VP9 annex A). Among those of one size,
/// the first: the frame rate, which tells them apart, is not in the stream.
const LEVELS: [(u32, u8); 10] = [
    (36_864, 10),
    (73_728, 11),
    (122_880, 20),
    (245_760, 21),
    (552_960, 30),
    (983_040, 31),
    (2_228_224, 40),
    (8_912_896, 50),
    (35_651_584, 60),
    (u32::MAX, 62),
];

/// A `VPCodecConfigurationRecord`, the content of a `vpcC` box behind its version and flags.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// 0 to 3.
    pub profile: u8,
    /// Ten times the level. 0: not known.
    pub level: u8,
    /// 8, 10 or 12.
    pub bit_depth: u8,
    /// 0: 4:2:0 with chroma between lines, 1: 4:2:0 with chroma on the luma samples, 2: 4:2:2, 3: 4:4:4, 4: 4:4:0.
    pub chroma: u8,
    /// Colour description; 2 is unspecified.
    pub colour: Colour,
}

impl Config {
    /// Parses a record, with or without the box's version and flags before it.
    pub fn parse(data: &[u8]) -> Result<Self, CodecError> {
        // A record cannot begin with these four bytes: its bit depth would be 0.
        let record = data.strip_prefix(&BOX_HEADER).unwrap_or(data);
        let skipped = data.len() - record.len();
        let malformed = |offset, what| {
            Err(CodecError::Malformed { offset: skipped + offset, what, spec: SPEC })
        };
        let Some(&[profile, level, bits, primaries, transfer, matrix, _, _]) = record.first_chunk()
        else {
            return malformed(record.len(), "a cut vpcC");
        };
        if profile > 3 {
            return malformed(0, "a reserved profile");
        }
        let bit_depth = bits >> 4;
        if !matches!(bit_depth, 8 | 10 | 12) {
            return malformed(2, "an impossible bit depth");
        }
        let chroma = bits >> 1 & 7;
        if chroma > 4 {
            return malformed(2, "a reserved chroma subsampling");
        }
        let colour = Colour { primaries, transfer, matrix, full_range: bits & 1 == 1 };
        Ok(Self { profile, level, bit_depth, chroma, colour })
    }

    /// The record of a stream that has sent none, from a sample that begins with a key frame.
    pub fn of_key_frame(sample: &[u8]) -> Option<Self> {
        let header = Header::parse(frames(sample).next()?).ok()?;
        let key = header.key_frame?;
        let area = side(key.width).saturating_mul(side(key.height));
        let level = LEVELS.iter().find(|(largest, _)| area <= *largest).map_or(0, |it| it.1);
        let chroma = match (key.subsampling_x, key.subsampling_y) {
            (true, true) => 1,
            (true, false) => 2,
            (false, false) => 3,
            (false, true) => 4,
        };
        Some(Self {
            profile: header.profile,
            level,
            bit_depth: key.bit_depth,
            chroma,
            colour: key.colour(),
        })
    }

    /// The record, without the box's version and flags.
    pub fn encode(&self) -> [u8; 8] {
        let Colour { primaries, transfer, matrix, full_range } = self.colour;
        let bits = self.bit_depth << 4 | (self.chroma & 7) << 1 | u8::from(full_range);
        [self.profile, self.level, bits, primaries, transfer, matrix, 0, 0]
    }

    /// The codec's name in playlists (VP-ISOBMFF §3): `vp09.00.10.08`, and the rest if it is not the usual.
    pub fn rfc6381(&self, codec: VideoCodec) -> String {
        let full = self.rfc6381_full(codec);
        match full.strip_suffix(".01.01.01.01.00") {
            Some(short) => short.into(),
            None => full,
        }
    }

    /// The same with all fields. Unspecified colours are named as those of BT.709, which is what leaving them out
    /// means.
    pub fn rfc6381_full(&self, codec: VideoCodec) -> String {
        let Colour { primaries, transfer, matrix, full_range } = self.colour;
        let [primaries, transfer, matrix] =
            [primaries, transfer, matrix].map(|it| if it == 2 { 1 } else { it });
        format!(
            "{}.{:02}.{:02}.{:02}.{:02}.{:02}.{:02}.{:02}.{:02}",
            if codec == VideoCodec::Vp8 { "vp08" } else { "vp09" },
            self.profile,
            self.level,
            self.bit_depth,
            self.chroma,
            primaries,
            transfer,
            matrix,
            u8::from(full_range),
        )
    }
}

/// All that a VP9 or VP8 track's record says. Its size is in the key frames, see [`complete`](crate::complete); a
/// record that is empty says nothing at all.
pub(crate) fn params(codec: VideoCodec, record: &Bytes) -> Result<VideoParams, CodecError> {
    if record.is_empty() {
        let mut params = VideoParams::new(codec, Bytes::new());
        params.rfc6381 = if codec == VideoCodec::Vp8 { "vp08" } else { "vp09" }.into();
        return Ok(params);
    }
    Ok(params_of(codec, Config::parse(record)?))
}

/// The same parameters with what a key frame says, if they lack something and it is a key frame.
pub(crate) fn with_key_frame(params: &VideoParams, sample: &[u8]) -> Option<VideoParams> {
    if params.width != 0 && !params.config.is_empty() {
        return None;
    }
    let config = Config::parse(&params.config).ok();
    let mut completed;
    if params.codec == VideoCodec::Vp8 {
        let key = Vp8KeyFrame::parse(sample).ok()?;
        let usual = Config {
            profile: 0,
            level: 0,
            bit_depth: 8,
            chroma: 0,
            colour: Colour { primaries: 2, transfer: 2, matrix: 2, full_range: false },
        };
        completed = params_of(params.codec, config.unwrap_or(usual));
        (completed.width, completed.height) = (key.width.into(), key.height.into());
    } else {
        let found = Config::of_key_frame(sample)?;
        let key = Header::parse(frames(sample).next()?).ok()?.key_frame?;
        completed = params_of(params.codec, config.unwrap_or(found));
        (completed.width, completed.height) = (side(key.width), side(key.height));
    }
    // What a container said of them stays.
    completed.pixel_aspect = params.pixel_aspect;
    completed.frame_rate = params.frame_rate;
    completed.hdr = params.hdr;
    completed.colour = params.colour.or(completed.colour);
    Some(completed)
}

fn params_of(codec: VideoCodec, config: Config) -> VideoParams {
    let mut params = VideoParams::new(codec, Bytes::copy_from_slice(&config.encode()));
    let Colour { primaries, transfer, matrix, full_range } = config.colour;
    let says_something = (primaries, transfer, matrix, full_range) != (2, 2, 2, false);
    params.rfc6381 = config.rfc6381(codec);
    params.profile = config.profile;
    params.level = config.level;
    params.bit_depth = config.bit_depth;
    params.reorder = Some(0);
    params.colour = says_something.then_some(config.colour);
    params
}

/// 16 bits hold 1 to 65,536.
fn side(value: u16) -> u32 {
    u32::from(value.wrapping_sub(1)) + 1
}
