//! Fragmented MP4: a minute of the shared workload into fragments of two seconds, back into frames, and into a plain
//! file.
//!
//! ```sh
//! cargo bench -p levada-benches --bench fmp4 --features peers
//! ```
//!
//! Writing means from frames in memory to fragments that can be sent. The peers do what they are made for: Levada and
//! shiguredo_mp4 write heads and leave the media where they are, mp4-atom has boxes only, to which the media are
//! appended here, scuffle-transmuxer takes FLV tags and returns one fragment a frame. Finalising is counted without
//! the copying of the media, which is the driver's.

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use levada_benches::{Case, Work, bench, memcpy_case, workload};
use levada_fmp4::{
    Finaliser, Fmp4Reader, Fragmenter, InitSegment, Pieces, Preface, ReadLimits, Step,
};
use levada_media::{
    AudioCodec, AudioParams, CodecParams, Frame, RandomAccess, Ticks, Timescale, Track, TrackId,
    VideoCodec, VideoParams,
};

const VIDEO: TrackId = TrackId::video(0);
const AUDIO: TrackId = TrackId::audio(0);

/// What the x264 of the workload would say: 1920 x 1080, high profile.
const AVCC: &[u8] = &[
    0x01, 0x64, 0x00, 0x28, 0xFF, 0xE1, 0x00, 0x1B, 0x67, 0x64, 0x00, 0x28, 0xAC, 0xD9, 0x40, 0x78,
    0x02, 0x27, 0xE5, 0xC0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xF0, 0x3C,
    0x60, 0xC6, 0x58, 0x01, 0x00, 0x06, 0x68, 0xEB, 0xE3, 0xCB, 0x22, 0xC0, 0xFD, 0xF8, 0xF8, 0x00,
];

fn main() {
    let mut cases = vec![
        on_frames("write fMP4/levada", |frames| Box::new(move || drop(black_box(write(&frames))))),
        on_file("read fMP4/levada, 64 KiB reads", read),
        Case::new("read fMP4/levada, in memory", || {
            let file = file();
            Work::with(file.len(), move || BytesMut::from(&file[..]), read_all)
        }),
        on_file("finalise fMP4/levada, without the copying", finalise),
    ];
    #[cfg(feature = "peers")]
    cases.extend(peers::cases());
    cases.push(memcpy_case("write fMP4", usize::MAX, file));
    cases.push(memcpy_case("read fMP4", 64 * 1024, file));
    bench(cases);
}

fn on_frames(name: &str, run: impl FnOnce(Vec<Frame>) -> Box<dyn FnMut()> + 'static) -> Case {
    Case::new(name, || {
        let frames = frames();
        Work::on(frames.iter().map(|it| it.data.len()).sum(), run(frames))
    })
}

fn on_file(name: &str, run: impl Fn(&Bytes) + 'static) -> Case {
    Case::new(name, || {
        let file = file();
        Work::on(file.len(), move || run(black_box(&file)))
    })
}

/// What is written, as a file.
fn file() -> Bytes {
    let mut whole = Pieces::from(init().bytes());
    whole.extend(&write(&frames()));
    whole.join()
}

fn frames() -> Vec<Frame> {
    let mut audio = 0;
    let frame = |body: levada_benches::Body| {
        let data = body.bytes.slice(if body.video { 5.. } else { 2.. });
        if body.video {
            let mut frame = Frame::new(VIDEO, Ticks(i64::from(body.timestamp) * 90), data);
            if body.bytes[0] == 0x17 {
                frame.facts.random_access = RandomAccess::Instant;
            }
            return frame;
        }
        audio += 1024;
        Frame::new(AUDIO, Ticks(audio - 1024), data)
    };
    workload().into_iter().map(frame).collect()
}

fn init() -> InitSegment {
    let mut video = VideoParams::new(VideoCodec::Avc, Bytes::from_static(AVCC));
    (video.width, video.height) = (1920, 1080);
    let mut audio = AudioParams::new(AudioCodec::Aac, Bytes::from_static(&[0x12, 0x10]));
    (audio.sample_rate, audio.channels, audio.samples_per_frame) = (44_100, 2, Some(1024));
    InitSegment::new(&[
        Track::new(VIDEO, Timescale::MPEG, CodecParams::Video(video)),
        Track::new(AUDIO, Timescale::new(44_100).unwrap(), CodecParams::Audio(audio)),
    ])
    .unwrap()
}

/// Where a fragment begins: at every key frame.
fn begins(frame: &Frame) -> bool {
    frame.track == VIDEO && frame.is_key()
}

fn write(frames: &[Frame]) -> Vec<Pieces> {
    let mut fragmenter = Fragmenter::new(&init());
    let mut out = Vec::new();
    for frame in frames {
        if begins(frame) {
            fragmenter.continue_at(VIDEO, frame.dts);
            out.extend(fragmenter.cut(&Preface::segment()));
        }
        fragmenter.push(frame.clone()).unwrap();
    }
    out.extend(fragmenter.cut(&Preface::segment()));
    out
}

/// Includes the copy into the input block that stands for the socket's read.
fn read(file: &Bytes) {
    let mut reader = Fmp4Reader::new(ReadLimits::default());
    let mut input = BytesMut::new();
    for bytes in file.chunks(64 * 1024) {
        input.extend_from_slice(bytes);
        take_items(&mut reader, &mut input);
    }
    reader.finish(&input).unwrap();
}

fn read_all(file: &mut BytesMut) {
    let mut reader = Fmp4Reader::new(ReadLimits::default());
    take_items(&mut reader, file);
    reader.finish(file).unwrap();
}

fn take_items(reader: &mut Fmp4Reader, input: &mut BytesMut) {
    while let Some(item) = reader.read(input).unwrap() {
        black_box(&item);
    }
}

fn finalise(file: &Bytes) {
    let mut finaliser = Finaliser::new(file.len() as u64, ReadLimits::default());
    loop {
        match finaliser.next_step().unwrap() {
            Step::Read(range) => {
                finaliser.supply(file.slice(range.start as usize..range.end as usize))
            }
            Step::Done => return,
            step => drop(black_box(step)),
        }
    }
}

#[cfg(feature = "peers")]
mod peers {
    use std::collections::HashMap;

    use super::*;

    pub(super) fn cases() -> [Case; 4] {
        [
            on_frames("write fMP4/mp4-atom", |frames| {
                let fragments = fragments(&frames);
                Box::new(move || drop(black_box(mp4_atom(black_box(&fragments)))))
            }),
            on_frames("write fMP4/shiguredo_mp4, heads", |frames| {
                let fragments = fragments(&frames);
                Box::new(move || drop(black_box(shiguredo(black_box(&fragments)))))
            }),
            on_frames("write fMP4/scuffle-transmuxer, FLV in", |frames| {
                let flv = flv(&frames);
                Box::new(move || {
                    black_box(scuffle(black_box(&flv)));
                })
            }),
            on_file("read fMP4/mp4-atom, boxes", mp4_atom_read),
        ]
    }

    fn fragments(frames: &[Frame]) -> Vec<Vec<Frame>> {
        let mut out: Vec<Vec<Frame>> = Vec::new();
        for frame in frames {
            if begins(frame) {
                out.push(Vec::new());
            }
            out.last_mut().unwrap().push(frame.clone());
        }
        out
    }

    fn durations(fragment: &[Frame]) -> HashMap<TrackId, Vec<(&Frame, u32)>> {
        let mut tracks: HashMap<TrackId, Vec<(&Frame, u32)>> = HashMap::new();
        for frame in fragment {
            let rows = tracks.entry(frame.track).or_default();
            if let Some((last, duration)) = rows.last_mut() {
                *duration = (frame.dts.0 - last.dts.0) as u32;
            }
            rows.push((frame, if frame.track == VIDEO { 3000 } else { 1024 }));
        }
        tracks
    }

    fn mp4_atom(fragments: &[Vec<Frame>]) -> Vec<Vec<u8>> {
        use mp4_atom::{Encode, Mfhd, Moof, Tfdt, Tfhd, Traf, Trun, TrunEntry};

        let fragment = |(sequence, frames): (u32, &Vec<Frame>)| {
            let tracks = durations(frames);
            let traf = |(id, track): (u32, TrackId)| {
                let rows = &tracks[&track];
                let entry = |(frame, duration): &(&Frame, u32)| TrunEntry {
                    duration: Some(*duration),
                    size: Some(frame.data.len() as u32),
                    flags: Some(if frame.is_key() || track == AUDIO {
                        0x0200_0000
                    } else {
                        0x0101_0000
                    }),
                    cts: None,
                };
                let samples = rows.iter().map(entry).collect::<Vec<_>>().into();
                Traf {
                    tfhd: Tfhd { track_id: id, default_base_is_moof: true, ..Tfhd::default() },
                    tfdt: Some(Tfdt { base_media_decode_time: rows[0].0.dts.0 as u64 }),
                    trun: vec![Trun { data_offset: Some(0), samples }],
                    ..Traf::default()
                }
            };
            let mut moof = Moof {
                mfhd: Mfhd { sequence_number: sequence },
                traf: [(1, VIDEO), (2, AUDIO)].into_iter().map(traf).collect(),
            };
            let mut out = Vec::new();
            moof.encode(&mut out).unwrap();
            let mut offset = out.len() as i32 + 8;
            for (traf, track) in moof.traf.iter_mut().zip([VIDEO, AUDIO]) {
                traf.trun[0].data_offset = Some(offset);
                offset += tracks[&track].iter().map(|it| it.0.data.len() as i32).sum::<i32>();
            }
            let media = offset as usize - out.len() - 8;
            out.clear();
            out.reserve(offset as usize);
            moof.encode(&mut out).unwrap();
            out.extend_from_slice(&(8 + media as u32).to_be_bytes());
            out.extend_from_slice(b"mdat");
            for track in [VIDEO, AUDIO] {
                tracks[&track].iter().for_each(|it| out.extend_from_slice(&it.0.data));
            }
            out
        };
        (1..).zip(fragments).map(fragment).collect()
    }

    /// Boxes only: no frames come out.
    fn mp4_atom_read(file: &Bytes) {
        use mp4_atom::{Any, Decode};

        let mut rest = &black_box(file)[..];
        while !rest.is_empty() {
            black_box(Any::decode(&mut rest).unwrap());
        }
    }

    fn shiguredo(fragments: &[Vec<Frame>]) -> Vec<Vec<u8>> {
        use shiguredo_mp4::boxes::{SampleEntry, UnknownBox};
        use shiguredo_mp4::mux::{Fmp4SegmentMuxer, Sample};
        use shiguredo_mp4::{BoxSize, BoxType, TrackKind};

        let entry = |kind: &[u8; 4]| {
            let box_type = BoxType::Normal(*kind);
            let payload = vec![0; 28];
            let box_size = BoxSize::with_payload_size(box_type, payload.len() as u64);
            SampleEntry::Unknown(UnknownBox { box_type, box_size, payload })
        };
        let mut muxer = Fmp4SegmentMuxer::new().unwrap();
        let mut is_first = true;
        let fragment = |frames: &Vec<Frame>| {
            let mut samples = Vec::with_capacity(frames.len());
            let (mut offset, tracks) = (0, durations(frames));
            for (track, kind, rate, name) in [
                (VIDEO, TrackKind::Video, 90_000, b"avc1"),
                (AUDIO, TrackKind::Audio, 44_100, b"mp4a"),
            ] {
                for (index, (frame, duration)) in tracks[&track].iter().enumerate() {
                    samples.push(Sample {
                        track_kind: kind,
                        sample_entry: (is_first && index == 0).then(|| entry(name)),
                        keyframe: frame.is_key() || track == AUDIO,
                        timescale: std::num::NonZeroU32::new(rate).unwrap(),
                        duration: *duration,
                        composition_time_offset: None,
                        data_offset: offset,
                        data_size: frame.data.len(),
                    });
                    offset += frame.data.len() as u64;
                }
            }
            is_first = false;
            muxer.create_media_segment_metadata(&samples).unwrap()
        };
        fragments.iter().map(fragment).collect()
    }

    /// The workload as FLV tags, without the file's head.
    fn flv(frames: &[Frame]) -> Bytes {
        let mut out = Vec::new();
        let mut tag = |kind: u8, time: u32, head: &[u8], body: &[u8]| {
            let size = (head.len() + body.len()) as u32;
            out.extend_from_slice(&[0; 4]); // nobody looks at the previous tag's size
            out.push(kind);
            out.extend_from_slice(&size.to_be_bytes()[1..]);
            out.extend_from_slice(&time.to_be_bytes()[1..]);
            out.extend_from_slice(&[(time >> 24) as u8, 0, 0, 0]);
            out.extend_from_slice(head);
            out.extend_from_slice(body);
        };
        tag(9, 0, &[0x17, 0, 0, 0, 0], AVCC);
        tag(8, 0, &[0xAF, 0], &[0x12, 0x10]);
        for frame in frames {
            if frame.track == VIDEO {
                let head = [if frame.is_key() { 0x17 } else { 0x27 }, 1, 0, 0, 0];
                tag(9, (frame.dts.0 / 90) as u32, &head, &frame.data);
            } else {
                tag(8, (frame.dts.0 * 1000 / 44_100) as u32, &[0xAF, 1], &frame.data);
            }
        }
        out.into()
    }

    fn scuffle(flv: &Bytes) -> usize {
        let mut transmuxer = scuffle_transmuxer::Transmuxer::new();
        transmuxer.demux(flv.clone()).unwrap();
        let mut bytes = 0;
        while let Some(result) = transmuxer.mux().unwrap() {
            bytes += black_box(result.into_bytes()).len();
        }
        assert!(bytes > flv.len() / 2);
        bytes
    }
}
