use alloc::vec::Vec;

use bytes::{BufMut, Bytes};
use levada_media::{
    AudioCodec, AudioParams, CodecParams, Colour, Hdr, Track, VideoCodec, VideoParams,
};

use crate::Fmp4Error;
use crate::writer::{write_box, write_full_box};

/// How many bits a second a track takes, for players that like to know before they start.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "the two rates of a btrt box")]
pub struct BitRate {
    /// The highest over any second.
    pub max: u32,
    /// The average.
    pub average: u32,
}

/// Writes the sample entry of a video or audio track.
pub(crate) fn write_entry(
    out: &mut Vec<u8>,
    track: &Track,
    in_band: bool,
    rate: Option<BitRate>,
) -> Result<(), Fmp4Error> {
    let refuse = |what| Err(Fmp4Error::Parameters { track: track.id, what });
    match &*track.params {
        CodecParams::Video(params) => {
            if params.config.is_empty() {
                return refuse("there is no configuration record");
            }
            let (Ok(width), Ok(height)) = (params.width.try_into(), params.height.try_into())
            else {
                return refuse("a picture of more than 65,535 samples a side");
            };
            let Some((kind, config)) = video_names(params.codec, in_band) else {
                return refuse("no sample entry is known for this codec");
            };
            write_visual(out, kind, config, (width, height), params, rate);
        }
        CodecParams::Audio(params) => {
            let Some(kind) = audio_name(params.codec) else {
                return refuse("no sample entry is known for this codec");
            };
            let Some(config) = audio_config(params, rate.unwrap_or_default()) else {
                return refuse("the configuration record is missing or cut short");
            };
            write_audio(out, kind, &config, params, rate);
        }
        CodecParams::Data(_) => return refuse("data tracks have no sample entry"),
    }
    Ok(())
}

fn video_names(codec: VideoCodec, in_band: bool) -> Option<(&'static [u8; 4], &'static [u8; 4])> {
    Some(match codec {
        VideoCodec::Avc if in_band => (b"avc3", b"avcC"),
        VideoCodec::Avc => (b"avc1", b"avcC"),
        VideoCodec::Hevc if in_band => (b"hev1", b"hvcC"),
        VideoCodec::Hevc => (b"hvc1", b"hvcC"),
        VideoCodec::Av1 => (b"av01", b"av1C"),
        VideoCodec::Vp9 => (b"vp09", b"vpcC"),
        VideoCodec::Vp8 => (b"vp08", b"vpcC"),
        _ => return None,
    })
}

/// ISO/IEC 14496-12 §12.1.3.
fn write_visual(
    out: &mut Vec<u8>,
    kind: &[u8; 4],
    config: &[u8; 4],
    (width, height): (u16, u16),
    params: &VideoParams,
    rate: Option<BitRate>,
) {
    write_box(out, kind, |out| {
        out.put_bytes(0, 6);
        out.put_u16(1); // data_reference_index
        out.put_bytes(0, 16);
        out.put_u16(width);
        out.put_u16(height);
        out.put_u32(0x0048_0000); // 72 dpi
        out.put_u32(0x0048_0000);
        out.put_u32(0);
        out.put_u16(1); // frame_count
        out.put_bytes(0, 32); // compressorname
        out.put_u16(0x0018); // depth
        out.put_u16(0xFFFF); // pre_defined
        if config == b"vpcC" {
            write_full_box(out, config, 1, 0, |out| out.put_slice(&params.config));
        } else {
            write_box(out, config, |out| out.put_slice(&params.config));
        }
        if let Some((horizontal, vertical)) = params.pixel_aspect {
            write_box(out, b"pasp", |out| {
                out.put_u32(horizontal);
                out.put_u32(vertical);
            });
        }
        if let Some(colour) = params.colour {
            write_colour(out, colour);
        }
        if let Some(hdr) = params.hdr {
            write_hdr(out, hdr);
        }
        if let Some(rate) = rate {
            write_bit_rate(out, rate);
        }
    });
}

/// ISO/IEC 14496-12 §12.1.5.
fn write_colour(out: &mut Vec<u8>, colour: Colour) {
    write_box(out, b"colr", |out| {
        out.put_slice(b"nclx");
        out.put_u16(colour.primaries.into());
        out.put_u16(colour.transfer.into());
        out.put_u16(colour.matrix.into());
        out.put_u8(u8::from(colour.full_range) << 7);
    });
}

/// ISO/IEC 14496-12 §12.1.6 and §12.1.7: the fields of two H.265 SEI messages, green and blue before red.
fn write_hdr(out: &mut Vec<u8>, hdr: Hdr) {
    if let (Some([red, green, blue, white]), Some((highest, lowest))) =
        (hdr.mastering_primaries, hdr.mastering_luminance)
    {
        write_box(out, b"mdcv", |out| {
            for (x, y) in [green, blue, red, white] {
                out.put_u16(x);
                out.put_u16(y);
            }
            out.put_u32(highest);
            out.put_u32(lowest);
        });
    }
    if let Some((highest, average)) = hdr.content_light {
        write_box(out, b"clli", |out| {
            out.put_u16(highest);
            out.put_u16(average);
        });
    }
}

/// ISO/IEC 14496-12 §8.5.2.
fn write_bit_rate(out: &mut Vec<u8>, rate: BitRate) {
    write_box(out, b"btrt", |out| {
        out.put_u32(0); // bufferSizeDB
        out.put_u32(rate.max);
        out.put_u32(rate.average);
    });
}

fn audio_name(codec: AudioCodec) -> Option<&'static [u8; 4]> {
    Some(match codec {
        AudioCodec::Aac | AudioCodec::Mp3 => b"mp4a",
        AudioCodec::Opus => b"Opus",
        AudioCodec::Ac3 => b"ac-3",
        AudioCodec::Eac3 => b"ec-3",
        AudioCodec::Flac => b"fLaC",
        _ => return None,
    })
}

/// The box that describes the codec.
fn audio_config(params: &AudioParams, rate: BitRate) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let config = &params.config;
    if config.is_empty() && params.codec != AudioCodec::Mp3 {
        return None;
    }
    match params.codec {
        AudioCodec::Aac => write_esds(&mut out, 0x40, config, rate),
        // MPEG-2 audio has the rates below 32 kHz.
        AudioCodec::Mp3 if params.sample_rate < 32_000 => write_esds(&mut out, 0x69, &[], rate),
        AudioCodec::Mp3 => write_esds(&mut out, 0x6B, &[], rate),
        AudioCodec::Opus => {
            let body = opus_box(config)?;
            write_box(&mut out, b"dOps", |out| out.put_slice(&body));
        }
        AudioCodec::Ac3 => write_box(&mut out, b"dac3", |out| out.put_slice(config)),
        AudioCodec::Eac3 => write_box(&mut out, b"dec3", |out| out.put_slice(config)),
        AudioCodec::Flac => write_full_box(&mut out, b"dfLa", 0, 0, |out| out.put_slice(config)),
        _ => return None,
    }
    Some(out)
}

/// `OpusHead` (RFC 7845 §5.1) is little endian, `dOps` big.
///
/// ```text
/// "OpusHead" version channels pre_skip-16 rate-32 gain-16 family [streams coupled mapping…]
/// ```
fn opus_box(head: &Bytes) -> Option<Vec<u8>> {
    let fields = head.strip_prefix(b"OpusHead")?;
    let (&[_, channels, p0, p1, r0, r1, r2, r3, g0, g1, family], mapping) =
        fields.split_first_chunk()?;
    let mut out = Vec::with_capacity(fields.len());
    out.put_slice(&[0, channels, p1, p0, r3, r2, r1, r0, g1, g0, family]);
    if family != 0 {
        out.put_slice(mapping.get(..2 + usize::from(channels))?);
    }
    Some(out)
}

/// ISO/IEC 14496-14 §5.6: an ES_Descriptor with ES_ID 0, which a file implies.
fn write_esds(out: &mut Vec<u8>, object_type: u8, config: &[u8], rate: BitRate) {
    write_full_box(out, b"esds", 0, 0, |out| {
        write_descriptor(out, 0x03, |out| {
            out.put_u16(0); // ES_ID
            out.put_u8(0); // no dependence, no URL, no clock, priority 0
            write_descriptor(out, 0x04, |out| {
                out.put_u8(object_type);
                out.put_u8(0x15); // audio, not upstream, reserved bit
                out.put_uint(0, 3); // bufferSizeDB
                out.put_u32(rate.max);
                out.put_u32(rate.average);
                if !config.is_empty() {
                    write_descriptor(out, 0x05, |out| out.put_slice(config));
                }
            });
            write_descriptor(out, 0x06, |out| out.put_u8(0x02)); // as in MP4 files
        });
    });
}

/// ISO/IEC 14496-1 §8.3.3: a length of one to four bytes with seven bits each.
fn write_descriptor(out: &mut Vec<u8>, tag: u8, body: impl FnOnce(&mut Vec<u8>)) {
    let mut inner = Vec::new();
    body(&mut inner);
    out.put_u8(tag);
    let length = inner.len();
    for shift in [21, 14, 7] {
        if length >> shift > 0 {
            out.put_u8(0x80 | low_bits(length >> shift));
        }
    }
    out.put_u8(low_bits(length));
    out.put_slice(&inner);
}

fn low_bits(length: usize) -> u8 {
    u8::try_from(length & 0x7F).unwrap_or_default()
}

/// ISO/IEC 14496-12 §12.2.3.
fn write_audio(
    out: &mut Vec<u8>,
    kind: &[u8; 4],
    config: &[u8],
    params: &AudioParams,
    rate: Option<BitRate>,
) {
    write_box(out, kind, |out| {
        out.put_bytes(0, 6);
        out.put_u16(1); // data_reference_index
        out.put_bytes(0, 8);
        out.put_u16(params.channels.into());
        out.put_u16(sample_size(params));
        out.put_bytes(0, 4);
        // 16.16, and 0 where the rate does not fit: the codec's own header says it.
        let sample_rate =
            if params.codec == AudioCodec::Opus { 48_000 } else { params.sample_rate };
        out.put_u16(sample_rate.try_into().unwrap_or(0));
        out.put_u16(0);
        out.put_slice(config);
        if let Some(rate) = rate.filter(|_| kind != b"mp4a") {
            write_bit_rate(out, rate);
        }
    });
}

/// 16 for all codecs but FLAC, which has the bits of its `STREAMINFO` (RFC 9639 §8.2).
fn sample_size(params: &AudioParams) -> u16 {
    match (params.codec, params.config.get(16..18)) {
        // sample rate 20, channels 3, bits 5: the bits begin in the third of these bytes
        (AudioCodec::Flac, Some(&[high, low])) => u16::from((high & 1) << 4 | low >> 4) + 1,
        _ => 16,
    }
}
