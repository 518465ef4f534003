use bytes::{Bytes, BytesMut};
use h264_reader::nal::sps::{ChromaFormat, SeqParameterSet};
use h264_reader::rbsp;
use levada_codec::{CodecError, Inspector, avc, hevc, nal, sei, video_params};
use levada_media::{CodecParams, FrameFacts, VideoCodec, VideoParams};

/// The units of any bytes, found in one pass, are those that a search place by place finds; and they survive the way
/// to lengths and back.
pub fn codec_nal(data: &[u8]) {
    let units: Vec<&[u8]> = nal::annex_b_units(data).collect();
    let at = (0..data.len().saturating_sub(2)).filter(|&at| data[at..at + 3] == [0, 0, 1]);
    let starts: Vec<usize> = at.collect();
    let slow = starts.iter().enumerate().map(|(index, start)| {
        let end = starts.get(index + 1).copied().unwrap_or(data.len());
        let mut unit = &data[start + 3..end];
        while let [rest @ .., 0] = unit {
            unit = rest;
        }
        unit
    });
    assert!(slow.filter(|it| !it.is_empty()).eq(units.iter().copied()));

    let mut lengths = BytesMut::new();
    nal::annex_b_to_length_prefixed(data, &mut lengths);
    if units.len() <= nal::MAX_UNITS {
        let back: Result<Vec<&[u8]>, CodecError> = nal::units(&lengths, 4).collect();
        assert_eq!(back.as_deref(), Ok(&units[..]));
        let mut annex_b = BytesMut::new();
        nal::length_prefixed_to_annex_b(&lengths, 4, &mut annex_b).unwrap();
        assert!(nal::annex_b_units(&annex_b).eq(units));
    }
    for length_size in 0..6 {
        let mut rest = nal::units(data, length_size);
        let whole: usize = rest.by_ref().map_while(Result::ok).map(<[u8]>::len).sum();
        assert!(whole <= data.len() && rest.next().is_none());
    }
    for message in sei::messages(&nal::unescape(data)).map_while(Result::ok) {
        assert!(sei::captions(message.payload).count() <= 31);
    }
}

/// H.264: a record and frames, each behind a length of two bytes.
pub fn codec_avc(data: &[u8]) {
    let mut parts = parts(data);
    let record = parts.next().unwrap_or_default();
    if let Ok(config) = avc::Config::parse(record) {
        let again = avc::Config::parse(&config.encode().unwrap()).unwrap();
        assert_eq!((again.sps, again.pps), (config.sps.clone(), config.pps));
        config.sps.iter().for_each(|unit| beside_h264_reader(unit));
    }
    let parts: Vec<&[u8]> = parts.collect();
    for unit in parts.iter().flat_map(|it| nal::units(it, 4).map_while(Result::ok)) {
        beside_h264_reader(unit);
    }
    frames(VideoCodec::Avc, record, &parts);
}

/// H.265: a record and frames, each behind a length of two bytes.
pub fn codec_hevc(data: &[u8]) {
    let mut parts = parts(data);
    let record = parts.next().unwrap_or_default();
    if let Ok(config) = hevc::Config::parse(record) {
        let again = hevc::Config::parse(&config.encode().unwrap()).unwrap();
        assert_eq!((again.arrays, again.profile), (config.arrays, config.profile));
    }
    let parts: Vec<&[u8]> = parts.collect();
    for unit in parts.iter().flat_map(|it| nal::units(it, 4).map_while(Result::ok)) {
        if let Ok(sps) = hevc::Sps::parse(unit) {
            assert!((1..=sps.coded.0).contains(&sps.width()));
            assert!((1..=sps.coded.1).contains(&sps.height()));
        }
        let _ = (hevc::Vps::parse(unit), hevc::Pps::parse(unit));
    }
    frames(VideoCodec::Hevc, record, &parts);
}

/// What one track's inspector says does not depend on anything but its frames, and a record that it makes of them is
/// one that can be read.
fn frames(codec: VideoCodec, record: &[u8], frames: &[&[u8]]) {
    let record = Bytes::copy_from_slice(record);
    let track = match video_params(codec, record.clone()) {
        Ok(params) => {
            assert!(params.width > 0 && params.height > 0 && !params.rfc6381.is_empty());
            params
        }
        Err(_) => VideoParams::new(codec, record),
    };
    let track = CodecParams::Video(track);
    let mut inspectors = [Inspector::new(&track), Inspector::new(&track)];
    for frame in frames {
        let facts: [FrameFacts; 2] = inspectors.each_mut().map(|it| it.inspect(frame));
        assert_eq!(facts[0], facts[1]);
        if let Some(config) = inspectors[0].take_config() {
            video_params(codec, config).unwrap();
        }
    }
}

/// A sequence parameter set that `h264-reader` accepts is accepted here, with the same meaning.
fn beside_h264_reader(unit: &[u8]) {
    let ours = avc::Sps::parse(unit);
    if let Ok(sps) = &ours {
        assert!(sps.width() > 0 && sps.height() > 0);
        assert!(sps.width() <= 16_880 && sps.height() <= 16_880);
    }
    if unit.first().is_none_or(|it| it & 0x9F != 7) {
        return;
    }
    let Ok(rbsp) = rbsp::decode_nal(unit) else { return };
    let Ok(theirs) = SeqParameterSet::from_bits(rbsp::BitReader::new(&rbsp[..])) else { return };
    let (Ok(size), false) = (
        theirs.pixel_dimensions(),
        matches!(theirs.chroma_info.chroma_format, ChromaFormat::Invalid(_)),
    ) else {
        return;
    };
    match ours {
        Ok(ours) => {
            assert_eq!((ours.width(), ours.height()), size);
            assert_eq!(ours.frame_num_bits, theirs.log2_max_frame_num());
            assert_eq!(ours.id, theirs.id().id());
        }
        Err(CodecError::Limit { .. }) => {}
        Err(error) => assert!(size.0 == 0 || size.1 == 0, "{error}"),
    }
}

fn parts(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    nal::units(data, 2).map_while(Result::ok)
}
