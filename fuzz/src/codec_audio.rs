use bytes::Bytes;
use levada_codec::{Splitter, SyncHeader, aac, ac3, adts, audio_params, complete, flac, mp3, opus};
use levada_media::{AudioCodec, CodecParams};

/// Every audio record that can be read is written so that it is read as the same, and its facts make sense.
pub fn codec_audio(data: &[u8]) {
    if let Ok(config) = aac::Config::parse(data) {
        assert_eq!(aac::Config::parse(&config.encode()).as_ref(), Ok(&config));
        assert!(config.sample_rate() > 0 && config.core_rate() > 0);
        let plain = config.hierarchical();
        assert_eq!(plain.sample_rate(), config.sample_rate());
        if let Ok(mut framer) = adts::Framer::new(&config) {
            let head = framer.head(data.len()).map(<[u8]>::to_vec);
            let header = head.and_then(|it| adts::Header::parse(&it));
            assert!(header.is_err() || data.len() <= adts::MAX_PAYLOAD);
        }
    }
    if let Ok(head) = opus::Head::parse(data) {
        assert_eq!(opus::Head::parse(&head.encode()).as_ref(), Ok(&head));
        assert_eq!(opus::Head::parse_dops(&head.encode_dops()), Ok(head));
    }
    if let Ok(config) = ac3::Ac3Config::parse(data) {
        assert_eq!(ac3::Ac3Config::parse(&config.encode()), Ok(config));
    }
    if let Ok(config) = ac3::Eac3Config::parse(data) {
        assert_eq!(ac3::Eac3Config::parse(&config.encode()), Ok(config));
    }
    if let Ok(info) = flac::StreamInfo::parse(data) {
        assert_eq!(flac::StreamInfo::parse(&info.encode_block()), Ok(info));
    }
    if let Ok(samples) = opus::packet_samples(data) {
        assert!((120..=opus::MAX_PACKET_SAMPLES).contains(&samples));
    }
    if let Ok(header) = flac::FrameHeader::parse(data) {
        assert!((1..=65_536).contains(&header.samples));
    }
    for codec in [
        AudioCodec::Aac,
        AudioCodec::Opus,
        AudioCodec::Mp3,
        AudioCodec::Ac3,
        AudioCodec::Eac3,
        AudioCodec::Flac,
    ] {
        for record in [Bytes::copy_from_slice(data), Bytes::new()] {
            let Ok(params) = audio_params(codec, record) else { continue };
            assert!(!params.rfc6381.is_empty());
            if let Some(completed) = complete(&CodecParams::Audio(params), data) {
                assert!(completed.audio().is_some_and(|it| it.sample_rate > 0));
            }
        }
    }
}

/// Frames with sync words are the same however the stream is cut, and nothing is left out uncounted.
pub fn codec_sync(data: &[u8]) {
    let Some((&[kind, at], stream)) = data.split_first_chunk() else { return };
    let at = stream.len() * usize::from(at) / 255;
    match kind % 3 {
        0 => same_frames::<adts::Header>(stream, at),
        1 => same_frames::<mp3::Header>(stream, at),
        _ => {
            same_frames::<ac3::Header>(stream, at);
            if let Ok(Some(len)) = ac3::access_unit_len(stream) {
                assert!(len > 0 && len <= stream.len());
                assert!(ac3::Ac3Config::parse(&stream[..len]).is_ok() || len >= ac3::Header::LEN);
                let _ = ac3::Eac3Config::of(&stream[..len]);
            }
        }
    }
}

fn same_frames<H: SyncHeader>(stream: &[u8], at: usize) {
    let (head, tail) = stream.split_at(at);
    let whole = split::<H>(&[stream]);
    assert_eq!(whole, split::<H>(&[head, tail]));
    let (lengths, skipped, rest) = whole;
    assert_eq!(lengths.iter().sum::<usize>() + skipped as usize + rest, stream.len());
}

fn split<H: SyncHeader>(pieces: &[&[u8]]) -> (Vec<usize>, u64, usize) {
    let mut splitter = Splitter::<H>::new();
    let mut input = Vec::new();
    let mut lengths = Vec::new();
    for piece in pieces {
        input.extend_from_slice(piece);
        let mut rest = &input[..];
        while let Some(frame) = splitter.next(&mut rest) {
            assert!(frame.data.len() >= H::LEN);
            lengths.push(frame.data.len());
        }
        input = rest.to_vec();
    }
    (lengths, splitter.skipped(), input.len())
}
