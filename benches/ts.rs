//! MPEG-TS: a minute of H.264 and AAC into packets, and back.
//!
//! ```sh
//! cargo bench -p levada-benches --bench ts --features peers
//! ```
//!
//! Writing is from frames as RTMP carries them to a buffer of packets that is used again every two seconds, as for
//! HLS segments; with PCR, delimiters, parameter sets, ADTS headers, and lengths made start codes. Reading is from
//! reads of 64 KiB to frames. The names of the peers say what is missing from their work.

use std::hint::black_box;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use levada_benches::{Case, Work, bench, memcpy, memcpy_case, workload};
use levada_codec::{audio_params, video_params};
use levada_media::{
    AudioCodec, CodecParams, Frame, MediaEvent, RandomAccess, Ticks, Timescale, Track, TrackId,
    VideoCodec,
};
use levada_ts::{DemuxConfig, MuxConfig, TsDemuxer, TsMuxer};

/// What is read at once.
const READ: usize = 64 * 1024;

fn main() {
    let mut cases = vec![
        on_frames("mux TS/levada", |frames| {
            let events: Vec<MediaEvent> = frames.into_iter().map(MediaEvent::Frame).collect();
            let mut out = BytesMut::new();
            Box::new(move || mux(&events, &mut out))
        }),
        on_frames("mux TS/memcpy", |frames| {
            let mut scratch = Vec::new();
            Box::new(move || frames.iter().for_each(|it| memcpy(&it.data, &mut scratch)))
        }),
        on_stream("demux TS/levada", demux),
    ];
    #[cfg(feature = "peers")]
    cases.extend(peers::cases());
    cases.push(memcpy_case("demux TS", READ, stream));
    bench(cases);
}

fn on_frames(name: &str, run: impl FnOnce(Vec<Frame>) -> Box<dyn FnMut()> + 'static) -> Case {
    Case::new(name, || {
        let frames = frames();
        Work::on(frames.iter().map(|it| it.data.len()).sum(), run(frames))
    })
}

fn on_stream(name: &str, run: impl Fn(&[u8]) + 'static) -> Case {
    Case::new(name, || {
        let stream = stream();
        Work::on(stream.len(), move || run(black_box(&stream)))
    })
}

/// All frames as packets.
fn stream() -> Bytes {
    let mut stream = BytesMut::new();
    let mut muxer = muxer(&mut stream);
    for frame in frames() {
        muxer.push(&MediaEvent::Frame(frame), &mut stream).unwrap();
    }
    muxer.flush(&mut stream);
    stream.freeze()
}

fn tracks() -> [Track; 2] {
    let avc = b"\x01\x4d\x40\x0b\xff\xe1\x00\x17\x67\x4d\x40\x0b\xec\xa1\x46\xfc\x98\x08\x80\x00\x00\x03\x00\x80\x00\
                \x00\x19\x07\x8a\x14\xcb\x01\x00\x06\x68\xeb\xe0\x41\x2c\x80";
    let video = video_params(VideoCodec::Avc, Bytes::from_static(avc)).unwrap();
    let audio = audio_params(AudioCodec::Aac, Bytes::from_static(b"\x12\x10")).unwrap();
    [
        Track::new(TrackId::video(0), Timescale::MILLIS, CodecParams::Video(video)),
        Track::new(TrackId::audio(0), Timescale::MILLIS, CodecParams::Audio(audio)),
    ]
}

/// The workload's frames: pictures of four slices.
fn frames() -> Vec<Frame> {
    let frame = |body: levada_benches::Body| {
        let time = Ticks(body.timestamp.into());
        if !body.video {
            return Frame::new(TrackId::audio(0), time, body.bytes.slice(2..));
        }
        let key = body.bytes[0] == 0x17;
        let mut data = BytesMut::new();
        let noise = &body.bytes[5..];
        for slice in noise.chunks(noise.len().div_ceil(4)) {
            data.put_u32(slice.len() as u32 + 1);
            data.put_u8(if key { 0x65 } else { 0x41 });
            // Noise would hold start codes, which slices never do.
            data.extend(slice.iter().map(|it| if *it == 0 { 0x80 } else { *it }));
        }
        let mut frame = Frame::new(TrackId::video(0), time, data.freeze());
        frame.facts.marked_key = key;
        if key {
            frame.facts.random_access = RandomAccess::Instant;
        }
        frame
    };
    workload().into_iter().map(frame).collect()
}

fn muxer(out: &mut BytesMut) -> TsMuxer {
    let mut muxer = TsMuxer::new(MuxConfig::default());
    for track in tracks() {
        muxer.push(&MediaEvent::Track(track), out).unwrap();
    }
    muxer
}

fn mux(events: &[MediaEvent], out: &mut BytesMut) {
    let mut muxer = muxer(out);
    for event in black_box(events) {
        if matches!(event, MediaEvent::Frame(frame) if frame.facts.marked_key) {
            muxer.flush(out);
            black_box(&out[..]);
            out.clear();
            muxer.start_segment();
        }
        muxer.push(event, out).unwrap();
    }
    muxer.flush(out);
    black_box(&out[..]);
    out.clear();
}

/// Includes the copy into the input block that stands for the socket's read.
fn demux(stream: &[u8]) {
    let mut demuxer = TsDemuxer::new(DemuxConfig::default());
    let mut input = BytesMut::with_capacity(2 * READ);
    for bytes in stream.chunks(READ) {
        input.extend_from_slice(bytes);
        while let Some(event) = demuxer.next_event(&mut input) {
            black_box(&event);
        }
    }
    assert!(!input.has_remaining());
}

#[cfg(feature = "peers")]
mod peers {
    use super::*;

    /// A frame as the peers want it: Annex B with delimiter and parameter sets, ADTS. Only `transmux` converts.
    struct Unit {
        video: bool,
        key: bool,
        ticks: u64,
        data: Bytes,
    }

    pub fn cases() -> [Case; 7] {
        let mux = |name: &str, run: fn(Vec<Unit>) -> Box<dyn FnMut()>| {
            on_frames(name, move |frames| run(units(&frames)))
        };
        [
            mux("mux TS/mpeg2ts, no conversion", mpeg2ts),
            mux("mux TS/xmpegts, no conversion, no lead", xmpegts),
            mux("mux TS/mpeg-ts-core, no conversion, no PCR", mpeg_ts_core),
            on_frames("mux TS/transmux, no random access indicator", |_| transmux(&stream())),
            on_stream("demux TS/mpeg-ts-core, no conversion", |stream| {
                let mut demuxer = mpeg_ts_core::Demuxer::new();
                for bytes in stream.chunks(READ) {
                    demuxer.push_bytes(bytes);
                    while let Ok(Some(unit)) = demuxer.poll_access_unit() {
                        black_box(&unit);
                    }
                }
                black_box(demuxer.finish());
            }),
            on_stream("demux TS/transmux", |stream| {
                let mut demuxer = transmux::StreamingTsDemux::new();
                for bytes in stream.chunks(READ) {
                    demuxer.feed(bytes);
                    while let Some(event) = demuxer.poll_event() {
                        black_box(&event);
                    }
                }
            }),
            on_stream("demux TS/mpeg2ts, no conversion", |stream| {
                use mpeg2ts::pes::{PesPacketReader, ReadPesPacket};
                let packets = mpeg2ts::ts::TsPacketReader::new(stream);
                let mut reader = PesPacketReader::new(packets);
                while let Some(packet) = reader.read_pes_packet().unwrap() {
                    black_box(&packet);
                }
            }),
        ]
    }

    fn units(frames: &[Frame]) -> Vec<Unit> {
        let [video, audio] = tracks();
        let avc = levada_codec::avc::Config::parse(&video.params.video().unwrap().config).unwrap();
        let aac = levada_codec::aac::Config::parse(&audio.params.audio().unwrap().config).unwrap();
        let mut adts = levada_codec::adts::Framer::new(&aac).unwrap();
        let unit = |frame: &Frame| {
            let (video, key) = (frame.track == video.id, frame.facts.marked_key);
            let mut data = BytesMut::new();
            if video {
                avc.to_annex_b(&frame.data, key, &mut data).unwrap();
            } else {
                data.put_slice(adts.head(frame.data.len()).unwrap());
                data.put_slice(&frame.data);
            }
            let ticks = 90 * frame.dts.0.cast_unsigned() + 126_000;
            Unit { video, key, ticks, data: data.freeze() }
        };
        frames.iter().map(unit).collect()
    }

    /// It writes packets; what is in them is the caller's work.
    fn mpeg2ts(units: Vec<Unit>) -> Box<dyn FnMut()> {
        use mpeg2ts::es::{StreamId, StreamType};
        use mpeg2ts::pes::PesHeader;
        use mpeg2ts::time::{ClockReference, Timestamp};
        use mpeg2ts::ts::payload::{self, Pat, Pes, Pmt};
        use mpeg2ts::ts::{
            AdaptationField, ContinuityCounter, EsInfo, Pid, ProgramAssociation, TsHeader,
            TsPacket, TsPacketWriter, TsPayload, VersionNumber, WriteTsPacket,
        };

        let pid = |pid| Pid::new(pid).unwrap();
        let header = |pid, counter: &mut ContinuityCounter| {
            let header = TsHeader {
                transport_error_indicator: false,
                transport_priority: false,
                pid,
                transport_scrambling_control: mpeg2ts::ts::TransportScramblingControl::NotScrambled,
                continuity_counter: *counter,
            };
            counter.increment();
            header
        };
        let es = |stream_type, number| EsInfo {
            stream_type,
            elementary_pid: pid(number),
            descriptors: Vec::new(),
        };
        let pat = Pat {
            transport_stream_id: 1,
            version_number: VersionNumber::new(),
            table: vec![ProgramAssociation { program_num: 1, program_map_pid: pid(0x1000) }],
        };
        let pmt = Pmt {
            program_num: 1,
            pcr_pid: Some(pid(0x100)),
            version_number: VersionNumber::new(),
            program_info: Vec::new(),
            es_info: vec![es(StreamType::H264, 0x100), es(StreamType::AdtsAac, 0x101)],
        };
        let mut out = Vec::new();
        Box::new(move || {
            let mut counters = [ContinuityCounter::new(); 4];
            for unit in black_box(&units) {
                if unit.key {
                    black_box(&out[..]);
                    out.clear();
                }
                let mut writer = TsPacketWriter::new(&mut out);
                let mut write = |pid, counter: &mut _, adaptation_field, payload| {
                    let header = header(pid, counter);
                    let packet = TsPacket { header, adaptation_field, payload: Some(payload) };
                    writer.write_ts_packet(&packet).unwrap();
                };
                if unit.key {
                    write(pid(0), &mut counters[2], None, TsPayload::Pat(pat.clone()));
                    write(pid(0x1000), &mut counters[3], None, TsPayload::Pmt(pmt.clone()));
                }
                let lane = usize::from(!unit.video);
                let pid = pid(0x100 + lane as u16);
                let field = AdaptationField {
                    discontinuity_indicator: false,
                    random_access_indicator: unit.key || !unit.video,
                    es_priority_indicator: false,
                    pcr: unit
                        .video
                        .then(|| ClockReference::new((unit.ticks - 63_000) * 300).unwrap()),
                    opcr: None,
                    splice_countdown: None,
                    transport_private_data: Vec::new(),
                    extension: None,
                };
                let room = 184 - 14 - if unit.video { 8 } else { 2 };
                let (first, rest) = unit.data.split_at(room.min(unit.data.len()));
                let pes = Pes {
                    header: PesHeader {
                        stream_id: StreamId::new(if unit.video { 0xE0 } else { 0xC0 }),
                        priority: false,
                        data_alignment_indicator: true,
                        copyright: false,
                        original_or_copy: false,
                        pts: Some(Timestamp::new(unit.ticks).unwrap()),
                        dts: None,
                        escr: None,
                    },
                    pes_packet_len: if unit.video { 0 } else { unit.data.len() as u16 + 8 },
                    data: payload::Bytes::new(first).unwrap(),
                };
                write(pid, &mut counters[lane], Some(field), TsPayload::PesStart(pes));
                for piece in rest.chunks(184) {
                    let bytes = payload::Bytes::new(piece).unwrap();
                    let payload = TsPayload::PesContinuation(bytes);
                    write(pid, &mut counters[lane], None, payload);
                }
            }
        })
    }

    fn xmpegts(units: Vec<Unit>) -> Box<dyn FnMut()> {
        use xmpegts::define::{
            MPEG_FLAG_H264_H265_WITH_AUD, MPEG_FLAG_IDR_FRAME, epsi_stream_type,
        };
        use xmpegts::ts::TsMuxer;

        Box::new(move || {
            let mut muxer = TsMuxer::new();
            let audio =
                muxer.add_stream(epsi_stream_type::PSI_STREAM_AAC, Default::default()).unwrap();
            let video =
                muxer.add_stream(epsi_stream_type::PSI_STREAM_H264, Default::default()).unwrap();
            for unit in black_box(&units) {
                if unit.key {
                    black_box(muxer.get_data());
                    muxer.reset();
                }
                let pid = if unit.video { video } else { audio };
                let key = if unit.key { MPEG_FLAG_IDR_FRAME } else { 0 };
                let ticks = unit.ticks.cast_signed();
                // It takes the payload away, so somebody has to make one.
                let payload = bytes::BytesMut::from(&unit.data[..]);
                muxer
                    .write(pid, ticks, ticks, key | MPEG_FLAG_H264_H265_WITH_AUD, payload)
                    .unwrap();
            }
            black_box(muxer.get_data());
        })
    }

    fn mpeg_ts_core(units: Vec<Unit>) -> Box<dyn FnMut()> {
        use mpeg_ts_core::{ElementaryStream, Muxer, StreamType};

        let streams = [
            ElementaryStream { pid: 0x100, stream_type: StreamType::H264 },
            ElementaryStream { pid: 0x101, stream_type: StreamType::Aac },
        ];
        let mut out = Vec::new();
        Box::new(move || {
            let mut muxer = Muxer::new(1, 0x1000, &streams).unwrap();
            for unit in black_box(&units) {
                if unit.key {
                    black_box(&out[..]);
                    out.clear();
                    muxer.write_pat_pmt(&mut out);
                }
                let pid = if unit.video { 0x100 } else { 0x101 };
                muxer
                    .write_access_unit(pid, &unit.data, unit.ticks, None, unit.key, &mut out)
                    .unwrap();
            }
            black_box(&out[..]);
        })
    }

    /// The whole minute at once, as it has no other way to take frames that are not its own.
    fn transmux(stream: &[u8]) -> Box<dyn FnMut()> {
        use broadcast_common::Package;
        use transmux::{TsDemux, TsMux};

        let media = TsDemux::new().demux(stream).unwrap();
        Box::new(move || {
            black_box(TsMux::new().package(black_box(&media)).unwrap());
        })
    }
}
