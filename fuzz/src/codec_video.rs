use bytes::{Bytes, BytesMut};
use levada_codec::{Inspector, av1, complete, video_params, vp9};
use levada_media::{CodecParams, RandomAccess, VideoCodec};

/// AV1: a record and temporal units, each behind a length of one byte. Records, formats and facts agree.
pub fn codec_av1(data: &[u8]) {
    let mut units = units(data);
    let record = Bytes::copy_from_slice(units.next().unwrap_or_default());
    if let Ok(config) = av1::Config::parse(&record) {
        assert_eq!(av1::Config::parse(&config.encode()), Ok(config));
    }
    let mut track = levada_media::VideoParams::new(VideoCodec::Av1, record.clone());
    if let Ok(params) = video_params(VideoCodec::Av1, record) {
        assert!(params.rfc6381.starts_with("av01."));
        track = params;
    }
    let track = CodecParams::Video(track);
    let mut inspector = Inspector::new(&track);
    for unit in units {
        let sample = av1::without_delimiters(&Bytes::copy_from_slice(unit));
        if let Ok(sample) = &sample {
            assert_eq!(av1::without_delimiters(sample).as_ref(), Ok(sample));
            annex_b_and_back(sample);
            assert_eq!(inspector.inspect(unit).parameter_sets, has_sequence_header(sample));
        } else {
            inspector.inspect(unit);
            assert!(!inspector.defects().is_empty());
        }
        let _ = av1::annex_b_to_low_overhead(unit, &mut BytesMut::new());
        if let Some(completed) = complete(&track, unit) {
            assert!(completed.video().is_some_and(|it| it.width > 0 && it.height > 0));
        }
    }
}

fn has_sequence_header(sample: &[u8]) -> bool {
    av1::obus(sample).flatten().any(|it| it.kind == av1::ObuKind::SEQUENCE_HEADER)
}

/// What comes back has the same OBUs. (The bytes differ where a size was written longer than it has to be, or not
/// at all.)
fn annex_b_and_back(sample: &[u8]) {
    let (mut delimited, mut back) = (BytesMut::new(), BytesMut::new());
    av1::low_overhead_to_annex_b(sample, &mut delimited).unwrap();
    av1::annex_b_to_low_overhead(&delimited, &mut back).unwrap();
    let parts =
        |data| av1::obus(data).map(|it| it.map(|it| (it.kind, it.layer, it.payload)).unwrap());
    assert!(parts(sample).eq(parts(&back)));
}

/// VP9 and VP8: records survive, superframes stay within bounds, key frames say their size.
pub fn codec_vp9(data: &[u8]) {
    if let Ok(config) = vp9::Config::parse(data) {
        assert_eq!(vp9::Config::parse(&config.encode()), Ok(config));
    }
    let frames = vp9::frames(data);
    assert!(frames.map(<[u8]>::len).sum::<usize>() <= data.len());
    for codec in [VideoCodec::Vp9, VideoCodec::Vp8] {
        let params = CodecParams::Video(video_params(codec, Bytes::new()).unwrap());
        let facts = Inspector::new(&params).inspect(data);
        let completed = complete(&params, data);
        assert_eq!(facts.random_access == RandomAccess::Instant, completed.is_some());
        if let Some(completed) = completed {
            assert_eq!(complete(&completed, data), None);
        }
    }
}

/// Pieces of the input, each behind its length.
fn units(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    core::iter::from_fn(move || {
        let (&len, rest) = data.split_first()?;
        let (unit, rest) = rest.split_at(usize::from(len).min(rest.len()));
        data = rest;
        Some(unit)
    })
}
