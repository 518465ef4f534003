use alloc::vec::Vec;

use levada_media::Colour;

use crate::CodecError;
use crate::bits::Bits;

/// A sequence header (§5.5).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SequenceHeader {
    /// 0 Main, 1 High (4:4:4), 2 Professional.
    pub profile: u8,
    /// Whether there is one picture only, with a header of few words.
    pub reduced_still_picture: bool,
    /// Pictures a second as a fraction, if they are promised to be that regular.
    pub frame_rate: Option<(u32, u32)>,
    /// At least one. The first one is for decoders that take all.
    pub operating_points: Vec<OperatingPoint>,
    /// Largest width of a frame, in luma samples.
    pub max_width: u32,
    /// Largest height.
    pub max_height: u32,
    /// 8, 10 or 12.
    pub bit_depth: u8,
    /// Whether there is no chroma.
    pub monochrome: bool,
    /// Whether chroma has half the width.
    pub subsampling_x: bool,
    /// Whether chroma has half the height.
    pub subsampling_y: bool,
    /// Where chroma samples are: 0 unknown, 1 vertical, 2 colocated.
    pub chroma_position: u8,
    /// Colour description; 2 is unspecified.
    pub colour: Colour,
    /// Whether film grain is to be made by the decoder.
    pub film_grain: bool,
    /// What frame headers are read by.
    pub(super) tools: Tools,
}

/// One way of decoding the stream, with all layers or some (§6.4.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct OperatingPoint {
    /// Which layers it takes: temporal in bits 0 to 7, spatial in bits 8 to 11. 0: all.
    pub layers: u16,
    /// Level index: 2.0 is 0, 2.1 is 1, 3.0 is 4.
    pub level: u8,
    /// Whether it is of the High tier.
    pub high_tier: bool,
    /// Frames to decode before the first is shown, if it says.
    pub display_delay: Option<u8>,
    /// Whether frame headers can have a removal time for it.
    pub(super) has_decoder_model: bool,
}

/// The parts of a sequence header without which a frame header cannot be read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Tools {
    /// Bits of the removal time, if there is a decoder model.
    pub(super) removal_time_bits: Option<u32>,
    /// Bits of the presentation time in frame headers, 0 if there is none.
    pub(super) presentation_time_bits: u32,
    /// 0 if frames have no id.
    pub(super) frame_id_bits: u32,
    /// `seq_force_screen_content_tools`; `None`: frames say.
    pub(super) screen_content: Option<bool>,
    /// `seq_force_integer_mv`; `None`: frames say.
    pub(super) integer_mv: Option<bool>,
    /// 0 if frames have no order hint.
    pub(super) order_hint_bits: u32,
}

impl SequenceHeader {
    /// Parses the payload of a sequence header OBU.
    pub fn parse(payload: &[u8]) -> Result<Self, CodecError> {
        Self::fields(&mut Bits::new(payload)).map_err(|it| it.of("AV1 §5.5"))
    }

    fn fields(bits: &mut Bits<'_>) -> Result<Self, CodecError> {
        let profile = small(bits, 3)?;
        if profile > 2 {
            return Err(malformed(bits, "a reserved profile"));
        }
        let _still_picture = bits.flag()?;
        let reduced_still_picture = bits.flag()?;
        let mut tools = Tools::default();
        let mut frame_rate = None;
        let operating_points = if reduced_still_picture {
            let level = small(bits, 5)?;
            Vec::from([OperatingPoint {
                layers: 0,
                level,
                high_tier: false,
                display_delay: None,
                has_decoder_model: false,
            }])
        } else {
            let timing = Timing::parse(bits)?;
            frame_rate = timing.frame_rate;
            tools.removal_time_bits = timing.model.map(|it| it.removal_time_bits);
            tools.presentation_time_bits = timing.presentation_time_bits();
            operating_points(bits, timing.model)?
        };

        let [width_bits, height_bits] = [bits.u(4)? + 1, bits.u(4)? + 1];
        let [max_width, max_height] = [bits.u(width_bits)? + 1, bits.u(height_bits)? + 1];
        if !reduced_still_picture && bits.flag()? {
            let delta = bits.u(4)? + 2;
            tools.frame_id_bits = delta + bits.u(3)? + 1;
        }
        // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter.
        bits.skip(3)?;
        if !reduced_still_picture {
            inter_tools(bits, &mut tools)?;
        }
        // enable_superres, enable_cdef, enable_restoration.
        bits.skip(3)?;

        let mut header = Self {
            profile,
            reduced_still_picture,
            frame_rate,
            operating_points,
            max_width,
            max_height,
            bit_depth: 8,
            monochrome: false,
            subsampling_x: true,
            subsampling_y: true,
            chroma_position: 0,
            colour: Colour { primaries: 2, transfer: 2, matrix: 2, full_range: false },
            film_grain: false,
            tools,
        };
        header.colour_config(bits)?;
        header.film_grain = bits.flag()?;
        Ok(header)
    }

    /// §5.5.2.
    fn colour_config(&mut self, bits: &mut Bits<'_>) -> Result<(), CodecError> {
        let high_bit_depth = bits.flag()?;
        let twelve_bit = self.profile == 2 && high_bit_depth && bits.flag()?;
        self.bit_depth = match (high_bit_depth, twelve_bit) {
            (false, _) => 8,
            (true, false) => 10,
            (true, true) => 12,
        };
        self.monochrome = self.profile != 1 && bits.flag()?;
        if bits.flag()? {
            self.colour.primaries = bits.u8()?;
            self.colour.transfer = bits.u8()?;
            self.colour.matrix = bits.u8()?;
        }
        if self.monochrome {
            self.colour.full_range = bits.flag()?;
            return Ok(());
        }
        let Colour { primaries, transfer, matrix, .. } = self.colour;
        if (primaries, transfer, matrix) == (1, 13, 0) {
            // sRGB.
            self.colour.full_range = true;
            (self.subsampling_x, self.subsampling_y) = (false, false);
        } else {
            self.colour.full_range = bits.flag()?;
            (self.subsampling_x, self.subsampling_y) = match (self.profile, self.bit_depth) {
                (0, _) => (true, true),
                (1, _) => (false, false),
                (_, 12) => {
                    let x = bits.flag()?;
                    (x, x && bits.flag()?)
                }
                _ => (true, false),
            };
            if self.subsampling_x && self.subsampling_y {
                self.chroma_position = small(bits, 2)?;
            }
        }
        // separate_uv_delta_q.
        bits.skip(1)?;
        Ok(())
    }
}

/// `timing_info` and `decoder_model_info` (§5.5.3, §5.5.4).
#[derive(Clone, Copy, Default)]
struct Timing {
    frame_rate: Option<(u32, u32)>,
    equal_picture_interval: bool,
    model: Option<DecoderModel>,
}

#[derive(Clone, Copy)]
struct DecoderModel {
    delay_bits: u32,
    removal_time_bits: u32,
    presentation_time_bits: u32,
}

impl Timing {
    fn parse(bits: &mut Bits<'_>) -> Result<Self, CodecError> {
        let mut timing = Self::default();
        if !bits.flag()? {
            return Ok(timing);
        }
        let [ticks, scale] = [bits.u(32)?, bits.u(32)?];
        timing.equal_picture_interval = bits.flag()?;
        if timing.equal_picture_interval {
            let ticks_per_picture = uvlc(bits)?.saturating_add(1);
            timing.frame_rate = ticks
                .checked_mul(ticks_per_picture)
                .filter(|&it| it > 0 && scale > 0)
                .map(|it| (scale, it));
        }
        if bits.flag()? {
            let delay_bits = bits.u(5)? + 1;
            bits.skip(32)?;
            let [removal_time_bits, presentation_time_bits] = [bits.u(5)? + 1, bits.u(5)? + 1];
            timing.model =
                Some(DecoderModel { delay_bits, removal_time_bits, presentation_time_bits });
        }
        Ok(timing)
    }

    fn presentation_time_bits(&self) -> u32 {
        match self.model {
            Some(model) if !self.equal_picture_interval => model.presentation_time_bits,
            _ => 0,
        }
    }
}

fn operating_points(
    bits: &mut Bits<'_>,
    model: Option<DecoderModel>,
) -> Result<Vec<OperatingPoint>, CodecError> {
    let has_display_delay = bits.flag()?;
    let count = bits.u(5)? + 1;
    let mut points = Vec::new();
    for _ in 0..count {
        let [low, high, ..] = bits.u(12)?.to_le_bytes();
        let level = small(bits, 5)?;
        let high_tier = level > 7 && bits.flag()?;
        let mut has_decoder_model = false;
        if let Some(model) = model {
            has_decoder_model = bits.flag()?;
            if has_decoder_model {
                bits.u(model.delay_bits)?;
                bits.u(model.delay_bits)?;
                bits.skip(1)?;
            }
        }
        let delayed = has_display_delay && bits.flag()?;
        let display_delay = if delayed { Some(small(bits, 4)? + 1) } else { None };
        points.push(OperatingPoint {
            layers: u16::from_le_bytes([low, high]),
            level,
            high_tier,
            display_delay,
            has_decoder_model,
        });
    }
    Ok(points)
}

/// From `enable_interintra_compound` to `order_hint_bits_minus_1`.
fn inter_tools(bits: &mut Bits<'_>, tools: &mut Tools) -> Result<(), CodecError> {
    bits.skip(4)?;
    let has_order_hint = bits.flag()?;
    if has_order_hint {
        // enable_jnt_comp, enable_ref_frame_mvs.
        bits.skip(2)?;
    }
    // Each: let frames choose, else a fixed value.
    tools.screen_content = if bits.flag()? { None } else { Some(bits.flag()?) };
    if tools.screen_content != Some(false) {
        tools.integer_mv = if bits.flag()? { None } else { Some(bits.flag()?) };
    }
    if has_order_hint {
        tools.order_hint_bits = bits.u(3)? + 1;
    }
    Ok(())
}

/// §4.10.3. Like an unsigned Exp-Golomb code, but 32 and more leading zeros are one number.
fn uvlc(bits: &mut Bits<'_>) -> Result<u32, CodecError> {
    let mut zeros = 0;
    while !bits.flag()? {
        zeros += 1;
    }
    if zeros >= 32 {
        return Ok(u32::MAX);
    }
    let base = (1_u32 << zeros) - 1;
    Ok(base + bits.u(zeros)?)
}

fn small(bits: &mut Bits<'_>, count: u32) -> Result<u8, CodecError> {
    Ok(bits.u(count)?.to_le_bytes()[0])
}

fn malformed(bits: &Bits<'_>, what: &'static str) -> CodecError {
    CodecError::Malformed { offset: bits.position() / 8, what, spec: "" }
}
