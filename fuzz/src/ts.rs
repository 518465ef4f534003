use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use levada_codec::{audio_params, nal, video_params};
use levada_media::{
    AudioCodec, CodecParams, DataCodec, Frame, MediaEvent, MediaKind, Ticks, Timescale, Track,
    TrackId, VideoCodec,
};
use levada_ts::{DemuxConfig, Finding, MuxConfig, TsDemuxer, TsEvent, TsMuxer};

/// A stream with one track of every kind, so that arbitrary packets find someone to take them.
///
/// The first byte says what the rest is: bytes as they are, or a script of packets behind good tables. Whatever it
/// is, any cut of it gives the same events, and what comes out can be given to others.
pub fn ts_demux(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    let stream = if kind & 1 == 0 { data.to_vec() } else { packets(data) };
    let whole = demux(&[&stream]);
    let size = usize::from(kind >> 1) * 5 + 1;
    assert_eq!(demux(&stream.chunks(size).collect::<Vec<_>>()), whole);

    let mut muxer = TsMuxer::new(MuxConfig::default());
    let mut out = BytesMut::new();
    for event in &whole {
        let TsEvent::Media(event) = event else { continue };
        if let MediaEvent::Frame(frame) = event
            && frame.track.kind == MediaKind::Video
        {
            assert!(nal::units(&frame.data, 4).all(|it| it.is_ok()) || frame.data.len() > 5 * 1024);
        }
        let _ = muxer.push(event, &mut out);
    }
    muxer.flush(&mut out);
    assert!(out.len().is_multiple_of(188));
}

fn demux(pieces: &[&[u8]]) -> Vec<TsEvent> {
    let mut config = DemuxConfig::default();
    (config.max_pes, config.max_pending) = (10_000, 30_000);
    let mut demuxer = TsDemuxer::new(config);
    let mut input = BytesMut::new();
    let mut events = Vec::new();
    for piece in pieces {
        input.extend_from_slice(piece);
        events.extend(std::iter::from_fn(|| demuxer.next_event(&mut input)));
        assert!(input.len() < 613);
    }
    demuxer.end();
    events.extend(std::iter::from_fn(|| demuxer.next_event(&mut input)));
    assert!(input.is_empty());
    events
}

/// Good tables, then packets as the script says: flags and PID, the length of the payload, the payload.
fn packets(mut script: &[u8]) -> Vec<u8> {
    let mut stream = tables();
    let mut counters = [0_u8; 8];
    while let [op, len, rest @ ..] = script {
        let pid = usize::from(op & 7);
        let (payload, rest) = rest.split_at(usize::from(*len).min(184).min(rest.len()));
        script = rest;
        let step = if op & 0xC0 == 0xC0 { 2 } else { 1 };
        counters[pid] = (counters[pid] + step) % 16;
        let start = (op & 0x08) << 3;
        let room = 184 - payload.len();
        let control = if room > 0 { 0x30 } else { 0x10 };
        stream.extend([0x47, 0x01 | start, pid as u8, control | counters[pid]]);
        stream.extend((0..room).map(|at| match at {
            0 => (room - 1) as u8,
            1 => {
                if op & 0x30 == 0x30 {
                    0x80
                } else {
                    0x40
                }
            }
            _ => 0xFF,
        }));
        stream.extend(payload);
    }
    stream
}

/// PAT and PMT with one track of every kind.
fn tables() -> Vec<u8> {
    let mut muxer = TsMuxer::new(MuxConfig::default());
    let mut out = BytesMut::new();
    for track in tracks() {
        muxer.push(&MediaEvent::Track(track), &mut out).unwrap();
    }
    let tag = Frame::new(TrackId::data(0), Ticks(0), Bytes::from_static(b"ID3\x04\0\0\0\0\0\0"));
    muxer.push(&MediaEvent::Frame(tag), &mut out).unwrap();
    out[..2 * 188].to_vec()
}

/// One track of every kind that has a form in a transport stream, but for E-AC-3 and AC-3, whose frames are not
/// easily made.
fn tracks() -> Vec<Track> {
    let avc = b"\x01\x4d\x40\x0b\xff\xe1\x00\x17\x67\x4d\x40\x0b\xec\xa1\x46\xfc\x98\x08\x80\x00\x00\x03\x00\x80\x00\
                \x00\x19\x07\x8a\x14\xcb\x01\x00\x06\x68\xeb\xe0\x41\x2c\x80";
    let opus = b"OpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00";
    let avc = video_params(VideoCodec::Avc, Bytes::from_static(avc)).unwrap();
    let audio = |codec, config: &'static [u8]| {
        CodecParams::Audio(audio_params(codec, Bytes::from_static(config)).unwrap())
    };
    [
        (TrackId::video(0), CodecParams::Video(avc)),
        (TrackId::audio(0), audio(AudioCodec::Aac, b"\x11\x90")),
        (TrackId::audio(1), audio(AudioCodec::Opus, opus)),
        (TrackId::data(0), CodecParams::Data(DataCodec::Id3)),
        (TrackId::audio(2), audio(AudioCodec::Mp3, b"")),
        (TrackId::audio(3), audio(AudioCodec::Ac3, b"\x10\x3d\xc0")),
        (TrackId::audio(4), audio(AudioCodec::Eac3, b"\x06\x00\x20\x0f\x00")),
    ]
    .map(|(id, params)| Track::new(id, Timescale::MPEG, params))
    .to_vec()
}

/// Arbitrary frames of H.264, AAC, Opus and ID3 come back as they went in, without a finding.
pub fn ts_round_trip(mut script: &[u8]) {
    let mut config = MuxConfig::default();
    config.audio_hold = Duration::ZERO;
    let mut muxer = TsMuxer::new(config);
    let mut out = BytesMut::new();
    let tracks = &tracks()[..4];
    for track in tracks {
        muxer.push(&MediaEvent::Track(track.clone()), &mut out).unwrap();
    }
    let mut sent: Vec<Frame> = Vec::new();
    let mut time = 0_i64;
    while let [op, step, len, rest @ ..] = script {
        let (payload, rest) = rest.split_at((usize::from(*len) * 3).min(rest.len()));
        script = rest;
        if op & 0xF0 == 0xF0 {
            muxer.start_segment();
            continue;
        }
        // Steps go forward, and not so far that the clock would start anew.
        time += i64::from(*step) * 40 + 1;
        // A key first: frames before parameter sets are not read.
        let index = if sent.is_empty() { 0 } else { usize::from(op & 3) };
        let track = &tracks[index];
        let data = match index {
            0 => picture(payload, sent.is_empty()),
            2 => opus(payload),
            3 => tag(payload),
            _ if payload.is_empty() => Bytes::from_static(b"\x21"),
            _ => Bytes::copy_from_slice(payload),
        };
        let mut frame = Frame::new(track.id, Ticks(time), data);
        if index == 0 {
            frame.cts = i32::from(op >> 2 & 3) * 3600;
        }
        let written = muxer.push(&MediaEvent::Frame(frame.clone()), &mut out).unwrap();
        assert!(written.dts_moved == 0 && written.pts_moved == 0 && !written.empty);
        sent.push(frame);
    }
    muxer.flush(&mut out);
    assert!(out.chunks(188).all(|it| it.len() == 188 && it[0] == 0x47));

    let events = demux(&[&out]);
    let start = 126_000;
    for track in tracks {
        let got = events.iter().filter_map(|event| match event {
            TsEvent::Media(MediaEvent::Frame(it)) if it.track == track.id => Some(it),
            _ => None,
        });
        let of_track = sent.iter().filter(|it| it.track == track.id);
        assert_eq!(got.clone().count(), of_track.clone().count());
        for (got, sent) in got.zip(of_track) {
            assert_eq!((got.dts.0, got.cts), (sent.dts.0 + start, sent.cts));
            assert_eq!(got.data, sent.data);
        }
    }
    // A discontinuity is no fault: a script may step over ten seconds.
    let fault = |it: &&TsEvent| matches!(it, TsEvent::Found { finding, .. } if !matches!(finding, Finding::Discontinuity { .. }));
    assert_eq!(events.iter().find(fault), None);
}

/// A picture of one unit without what would be taken for a start code.
fn picture(payload: &[u8], key: bool) -> Bytes {
    let mut data = BytesMut::new();
    data.put_u32(payload.len() as u32 + 2);
    data.put_slice(&[if key { 0x65 } else { 0x41 }, 0x88]);
    data.extend(payload.iter().map(|it| it | 1));
    data.freeze()
}

/// A packet of one frame of 20 ms.
fn opus(payload: &[u8]) -> Bytes {
    [&[0xFC], payload].concat().into()
}

fn tag(payload: &[u8]) -> Bytes {
    let len = payload.len() as u16;
    let head = [b'I', b'D', b'3', 4, 0, 0, 0, 0, (len >> 7) as u8, (len & 0x7F) as u8];
    [&head, payload].concat().into()
}
