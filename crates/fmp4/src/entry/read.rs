use alloc::vec::Vec;

use bytes::{BufMut, Bytes};
use levada_media::{AudioCodec, AudioParams, CodecParams, Colour, Hdr, VideoCodec, VideoParams};

use crate::Fmp4Error;
use crate::fields::{Child, Fields};

/// What a sample entry says. `None` if its codec is not one of ours, or encrypted.
///
/// The second value tells whether the codec's own record could be understood. If not, the parameters hold what the
/// container says.
pub(crate) fn read_entry(
    entry: Child<'_>,
    stsd_version: u8,
) -> Result<Option<(CodecParams, bool)>, Fmp4Error> {
    let mut body = entry.body.of("8.5.2");
    body.skip(8)?; // reserved, data_reference_index
    Ok(match &entry.kind {
        b"avc1" | b"avc3" => read_visual(body, VideoCodec::Avc, b"avcC")?,
        b"hvc1" | b"hev1" => read_visual(body, VideoCodec::Hevc, b"hvcC")?,
        b"av01" => read_visual(body, VideoCodec::Av1, b"av1C")?,
        b"vp09" => read_visual(body, VideoCodec::Vp9, b"vpcC")?,
        b"vp08" => read_visual(body, VideoCodec::Vp8, b"vpcC")?,
        b"mp4a" | b".mp3" | b"Opus" | b"ac-3" | b"ec-3" | b"fLaC" => {
            read_audio(&entry.kind, body, stsd_version)?
        }
        _ => None,
    })
}

/// §12.1.3.
fn read_visual(
    mut body: Fields<'_>,
    codec: VideoCodec,
    record: &[u8; 4],
) -> Result<Option<(CodecParams, bool)>, Fmp4Error> {
    body.skip(16)?;
    let (width, height) = (body.u16()?, body.u16()?);
    body.skip(50)?;
    let children = body;
    let Some(mut record_body) = children.find(record)? else {
        return Err(body.of("12.1.3").malformed("a sample entry without its codec's record"));
    };
    if record == b"vpcC" {
        record_body.version()?;
    }
    let config = Bytes::copy_from_slice(record_body.rest());
    let (mut params, understood) = match levada_codec::video_params(codec, config.clone()) {
        Ok(params) => (params, true),
        Err(_) => (VideoParams::new(codec, config), false),
    };
    if params.width == 0 || params.height == 0 {
        (params.width, params.height) = (width.into(), height.into());
    }
    if params.pixel_aspect.is_none()
        && let Some(mut pasp) = children.find(b"pasp")?
    {
        let (horizontal, vertical) = (pasp.u32()?, pasp.u32()?);
        params.pixel_aspect = Some((horizontal, vertical)).filter(|(h, v)| *h > 0 && *v > 0);
    }
    if params.colour.is_none()
        && let Some(colr) = children.find(b"colr")?
    {
        params.colour = read_colour(colr.of("12.1.5"))?;
    }
    if params.hdr.is_none() {
        params.hdr = read_hdr(children)?;
    }
    Ok(Some((CodecParams::Video(params), understood)))
}

/// §12.1.5: `nclx`, and QuickTime's `nclc` without the range. ICC profiles are left alone.
fn read_colour(mut body: Fields<'_>) -> Result<Option<Colour>, Fmp4Error> {
    let kind: [u8; 4] = body.take()?;
    if kind != *b"nclx" && kind != *b"nclc" {
        return Ok(None);
    }
    let (primaries, transfer, matrix) = (body.u16()?, body.u16()?, body.u16()?);
    let full_range = kind == *b"nclx" && body.u8()? & 0x80 != 0;
    // Code points of H.273 have eight bits; 2 is "unspecified".
    let code = |field: u16| u8::try_from(field).unwrap_or(2);
    let (primaries, transfer, matrix) = (code(primaries), code(transfer), code(matrix));
    Ok(Some(Colour { primaries, transfer, matrix, full_range }))
}

/// §12.1.6 and §12.1.7.
fn read_hdr(children: Fields<'_>) -> Result<Option<Hdr>, Fmp4Error> {
    let mut hdr = Hdr::default();
    if let Some(mut mdcv) = children.find(b"mdcv")? {
        let mut points = [(0, 0); 4];
        for point in &mut points {
            *point = (mdcv.u16()?, mdcv.u16()?);
        }
        let [green, blue, red, white] = points;
        hdr.mastering_primaries = Some([red, green, blue, white]);
        hdr.mastering_luminance = Some((mdcv.u32()?, mdcv.u32()?));
    }
    if let Some(mut clli) = children.find(b"clli")? {
        hdr.content_light = Some((clli.u16()?, clli.u16()?));
    }
    Ok((hdr != Hdr::default()).then_some(hdr))
}

/// §12.2.3, and the two longer forms of QuickTime.
fn read_audio(
    kind: &[u8; 4],
    mut body: Fields<'_>,
    stsd_version: u8,
) -> Result<Option<(CodecParams, bool)>, Fmp4Error> {
    let version = body.u16()?;
    body.skip(6)?;
    let channels = body.u16()?;
    body.skip(6)?; // sample size, pre_defined, reserved
    let rate = body.u32()? >> 16;
    match version {
        1 if stsd_version == 0 => body.skip(16)?,
        2 => body.skip(36)?,
        _ => {}
    }
    let Some((codec, config)) = audio_config(kind, body.of("12.2.3"))? else {
        return Ok(None);
    };
    let (mut params, understood) = match levada_codec::audio_params(codec, config.clone()) {
        Ok(params) => (params, true),
        Err(_) => (AudioParams::new(codec, config), false),
    };
    if params.sample_rate == 0 {
        params.sample_rate = rate;
    }
    if params.channels == 0 {
        params.channels = u8::try_from(channels).unwrap_or(u8::MAX);
    }
    Ok(Some((CodecParams::Audio(params), understood)))
}

/// The codec and its record in the form that [`AudioCodec`] names.
fn audio_config(
    kind: &[u8; 4],
    children: Fields<'_>,
) -> Result<Option<(AudioCodec, Bytes)>, Fmp4Error> {
    let required = |record: &[u8; 4]| {
        let missing = || children.malformed("a sample entry without its codec's record");
        children.find(record)?.ok_or_else(missing)
    };
    let copied = |record: Fields<'_>| Bytes::copy_from_slice(record.rest());
    Ok(Some(match kind {
        b".mp3" => (AudioCodec::Mp3, Bytes::new()),
        b"Opus" => (AudioCodec::Opus, opus_head(required(b"dOps")?)?),
        b"ac-3" => (AudioCodec::Ac3, copied(required(b"dac3")?)),
        b"ec-3" => (AudioCodec::Eac3, copied(required(b"dec3")?)),
        b"fLaC" => {
            let mut record = required(b"dfLa")?;
            record.version()?;
            (AudioCodec::Flac, copied(record))
        }
        _ => {
            // QuickTime wraps it once more.
            let nested = match children.find(b"wave")? {
                Some(wave) => wave.find(b"esds")?,
                None => None,
            };
            return read_esds(match nested {
                Some(esds) => esds,
                None => required(b"esds")?,
            });
        }
    }))
}

/// `dOps` is big endian, `OpusHead` (RFC 7845 §5.1) little.
fn opus_head(mut body: Fields<'_>) -> Result<Bytes, Fmp4Error> {
    let [_, channels, p1, p0, r3, r2, r1, r0, g1, g0, family] = body.take()?;
    let mut head = Vec::with_capacity(21 + usize::from(channels));
    head.put_slice(b"OpusHead");
    head.put_slice(&[1, channels, p0, p1, r0, r1, r2, r3, g0, g1, family]);
    if family != 0 {
        head.put_slice(body.slice(2 + usize::from(channels))?);
    }
    Ok(head.into())
}

/// ISO/IEC 14496-14 §5.6, ISO/IEC 14496-1 §7.2.6.
fn read_esds(body: Fields<'_>) -> Result<Option<(AudioCodec, Bytes)>, Fmp4Error> {
    let mut body = body.of("14496-14 5.6");
    body.version()?;
    let (tag, mut stream) = read_descriptor(&mut body)?;
    if tag != 0x03 {
        return Err(body.malformed("no ES_Descriptor"));
    }
    stream.skip(2)?;
    let flags = stream.u8()?;
    if flags & 0x80 != 0 {
        stream.skip(2)?; // dependsOn_ES_ID
    }
    if flags & 0x40 != 0 {
        let length = stream.u8()?;
        stream.skip(length.into())?; // URL
    }
    if flags & 0x20 != 0 {
        stream.skip(2)?; // OCR_ES_ID
    }
    let (tag, mut decoder) = read_descriptor(&mut stream)?;
    if tag != 0x04 {
        return Err(stream.malformed("no DecoderConfigDescriptor"));
    }
    let object_type = decoder.u8()?;
    decoder.skip(12)?; // stream type, buffer size, bit rates
    let mut config = Bytes::new();
    while !decoder.is_empty() {
        let (tag, specific) = read_descriptor(&mut decoder)?;
        if tag == 0x05 {
            config = Bytes::copy_from_slice(specific.rest());
        }
    }
    Ok(match object_type {
        // MPEG-4 audio; MPEG-2 AAC main, low complexity, scalable sampling rate
        0x40 | 0x66..=0x68 => Some((AudioCodec::Aac, config)),
        0x69 | 0x6B => Some((AudioCodec::Mp3, Bytes::new())),
        _ => None,
    })
}

/// ISO/IEC 14496-1 §8.3.3: a tag, and a length of one to four bytes with seven bits each.
fn read_descriptor<'a>(fields: &mut Fields<'a>) -> Result<(u8, Fields<'a>), Fmp4Error> {
    let tag = fields.u8()?;
    let mut length = 0;
    for _ in 0..4 {
        let byte = fields.u8()?;
        length = length << 7 | usize::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            break;
        }
    }
    let offset = fields.offset();
    let section = "14496-1 8.3.3";
    Ok((tag, Fields::new(fields.slice(length)?, offset).of(section)))
}
