//! Playlists and segments: how long a playlist of 60 segments, one of low latency and one of a week take to write
//! out, and how many bytes a second become segments. Beside `m3u8-rs` and `quick-m3u8` (feature `peers`), which knows
//! lines and no playlists.

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use levada_benches::{Case, Work, bench, memcpy_case, workload};
use levada_flv::{TagKind, Unpacked, Unpacker};
use levada_fmp4::Pieces;
use levada_hls::{
    Container, Opening, Output, Playlist, PlaylistConfig, Segment, Segmenter, SegmenterConfig,
    Variables, Window, read_playlist,
};
use levada_media::MediaEvent;

fn main() {
    let mut cases = playlists();
    #[cfg(feature = "peers")]
    cases.extend(peers::cases());
    cases.push(update());
    cases.extend(segments());
    bench(cases);
}

/// A stream of `seconds` with a keyframe every two, packaged: what a playlist is told.
fn outputs(seconds: i64, parts: bool) -> Vec<Output> {
    use levada_media::{
        AudioCodec, AudioParams, CodecParams, Frame, Ticks, Timescale, Track, TrackId,
    };
    let mut params = AudioParams::new(AudioCodec::Aac, Bytes::from_static(&[0x11, 0x90]));
    (params.sample_rate, params.channels, params.samples_per_frame) = (48_000, 2, Some(960));
    let mut config = SegmenterConfig::default();
    config.part = config.part.filter(|_| parts);
    config.track_wait = Duration::ZERO;
    let mut segmenter = Segmenter::new(config);
    let track = Track::new(TrackId::audio(0), Timescale::MILLIS, CodecParams::Audio(params));
    segmenter.push(MediaEvent::Track(track), 0).unwrap();
    for n in 0..seconds * 50 {
        let frame = Frame::new(TrackId::audio(0), Ticks(n * 20), Bytes::from_static(&[0x21]));
        segmenter.push(MediaEvent::Frame(frame), 0).unwrap();
    }
    std::iter::from_fn(|| segmenter.next_output()).collect()
}

fn playlist(seconds: i64, parts: bool, window: Window) -> Playlist {
    let mut config = PlaylistConfig::new(2, "main");
    config.window = window;
    config.part_target = parts.then_some(Duration::from_millis(500));
    let mut playlist = Playlist::new(config);
    for output in outputs(seconds, parts) {
        tell(&mut playlist, &output);
    }
    playlist
}

fn tell(playlist: &mut Playlist, output: &Output) {
    match output {
        Output::Open(opening) => playlist.open(*opening),
        Output::Part(part) => playlist.push_part(part),
        Output::Segment(segment) => drop(playlist.push_segment(segment)),
        _ => {}
    }
}

fn sliding(seconds: u64) -> Window {
    Window::Sliding(Duration::from_secs(seconds))
}

/// A playlist of 60 segments.
fn text() -> Bytes {
    playlist(130, false, sliding(120)).write(false).join()
}

/// A case in bytes of the playlist's text.
fn write_case(
    name: &str,
    make: fn() -> Playlist,
    write: impl Fn(&Playlist) -> Pieces + 'static,
) -> Case {
    Case::new(name, move || {
        let playlist = make();
        Work::on(playlist.write(false).len(), move || write(black_box(&playlist)))
    })
}

fn playlists() -> Vec<Case> {
    let plain = || playlist(130, false, sliding(120));
    let low_latency = || playlist(30, true, sliding(20));
    let day = || playlist(24 * 3600, false, Window::Event);
    let write = |it: &Playlist| it.write(false);
    let join = |it: &Playlist| Pieces::from(it.write(false).join());
    vec![
        write_case("write a playlist of 60 segments/levada", plain, write),
        write_case("write a playlist of 60 segments/levada, joined", plain, join),
        memcpy_case("write a playlist of 60 segments", usize::MAX, text),
        write_case("write a low-latency playlist of 10 segments/levada", low_latency, write),
        write_case("write a low-latency playlist of 10 segments/levada, joined", low_latency, join),
        write_case("write a playlist of a day/levada", day, write),
        Case::new("read a playlist of 60 segments/levada", || {
            let text = String::from_utf8(text().to_vec()).unwrap();
            let variables = Variables::default();
            Work::on(text.len(), move || read_playlist(black_box(&text), &variables).unwrap())
        }),
        memcpy_case("read a playlist of 60 segments", usize::MAX, text),
    ]
}

/// A segment more, and the playlist written out: what a server does every two seconds.
fn update() -> Case {
    Case::new("a segment more, an hour of DVR/levada", || {
        let segments: Vec<(Opening, Segment)> = outputs(600, false)
            .into_iter()
            .filter_map(|it| match it {
                Output::Segment(it) => Some((it.opening, it)),
                _ => None,
            })
            .collect();
        let mut playlist = playlist(3600, false, sliding(3600));
        let mut next = 0;
        Work::on(playlist.write(false).len(), move || {
            let (opening, segment) = &segments[next % segments.len()];
            next += 1;
            playlist.open(*opening);
            playlist.push_segment(segment);
            playlist.write(false)
        })
    })
}

/// The workload as a publisher's frames, and their bytes.
fn events() -> (Vec<MediaEvent>, usize) {
    let mut unpacker = Unpacker::default();
    let avcc = b"\x17\x00\0\0\0\x01\x42\xc0\x1e\xff\xe1\0\x08\x67\x42\xc0\x1e\xda\x02\x80\xbf\x01\0\x04\x68\xce\x3c\x80";
    unpacker.push(TagKind::Video, 0, Bytes::from_static(avcc));
    unpacker.push(TagKind::Audio, 0, Bytes::from_static(b"\xaf\x00\x12\x10"));
    let mut events: Vec<MediaEvent> = Vec::new();
    let mut bytes = 0;
    for mut body in workload() {
        if body.video {
            // One NAL unit behind its length, so that MPEG-TS can be made of it.
            let mut payload = body.bytes.to_vec();
            let len = u32::try_from(payload.len() - 9).unwrap();
            payload[5..9].copy_from_slice(&len.to_be_bytes());
            payload[9] = if payload[0] == 0x17 { 0x65 } else { 0x41 };
            body.bytes = Bytes::from(payload);
        }
        bytes += body.bytes.len();
        let kind = if body.video { TagKind::Video } else { TagKind::Audio };
        unpacker.push(kind, body.timestamp, body.bytes);
        while let Some(unpacked) = unpacker.next() {
            if let Unpacked::Event(event) = unpacked {
                events.push(event);
            }
        }
    }
    (events, bytes)
}

fn segments() -> Vec<Case> {
    let case = |(name, container, part): (&str, Container, bool)| {
        Case::new(format!("segmenter/levada, {name}"), move || {
            let (events, bytes) = events();
            Work::on(bytes, move || {
                let mut config = SegmenterConfig::default();
                config.container = container;
                config.part = config.part.filter(|_| part);
                let mut segmenter = Segmenter::new(config);
                for event in &events {
                    let _ = segmenter.push(event.clone(), 0);
                    while let Some(output) = segmenter.next_output() {
                        black_box(&output);
                    }
                }
            })
        })
    };
    let shapes = [
        ("fMP4", Container::Fmp4, false),
        ("fMP4 with parts", Container::Fmp4, true),
        ("MPEG-TS", Container::Ts, false),
    ];
    let mut cases: Vec<Case> = shapes.map(case).into();
    cases.push(memcpy_case("segmenter", 64 * 1024, || vec![7; events().1].into()));
    cases
}

#[cfg(feature = "peers")]
mod peers {
    use quick_m3u8::config::ParsingOptionsBuilder;
    use quick_m3u8::date::DateTime;
    use quick_m3u8::tag::{KnownTag, hls};
    use quick_m3u8::{HlsLine, Reader, Writer};

    use super::*;

    pub fn cases() -> [Case; 4] {
        [
            Case::new("write a playlist of 60 segments/m3u8-rs", || {
                let text = text();
                let (_, playlist) = m3u8_rs::parse_media_playlist(&text).unwrap();
                Work::on(text.len(), move || {
                    let mut out = Vec::with_capacity(8192);
                    playlist.write_to(&mut out).unwrap();
                    out
                })
            }),
            Case::new("write a playlist of 60 segments/quick-m3u8, lines", || {
                let text = text();
                let segments = quick_segments(&text);
                Work::on(text.len(), move || quick_write(black_box(&segments)))
            }),
            Case::new("read a playlist of 60 segments/m3u8-rs", || {
                let text = text();
                let bytes = text.len();
                Work::on(bytes, move || m3u8_rs::parse_media_playlist(black_box(&text)).unwrap().1)
            }),
            Case::new("read a playlist of 60 segments/quick-m3u8, lines", || {
                let text = text();
                Work::on(text.len(), move || quick_read(black_box(&text), |it| drop(black_box(it))))
            }),
        ]
    }

    fn quick_read(text: &[u8], mut each: impl FnMut(HlsLine<'_>)) {
        let options = ParsingOptionsBuilder::new().with_parsing_for_all_tags().build();
        let mut reader = Reader::from_bytes(text, options);
        while let Some(line) = reader.read_line().unwrap() {
            each(line);
        }
    }

    /// Their dates, durations and names.
    fn quick_segments(text: &[u8]) -> Vec<(DateTime, f64, String)> {
        let (mut segments, mut next) = (Vec::new(), (None, 0.0));
        quick_read(text, |line| match line {
            HlsLine::KnownTag(KnownTag::Hls(hls::Tag::ProgramDateTime(it))) => {
                next.0 = Some(it.program_date_time());
            }
            HlsLine::KnownTag(KnownTag::Hls(hls::Tag::Inf(it))) => next.1 = it.duration(),
            HlsLine::Uri(it) => segments.push((next.0.unwrap(), next.1, it.into_owned())),
            _ => {}
        });
        assert_eq!(segments.len(), 60);
        segments
    }

    fn quick_write(segments: &[(DateTime, f64, String)]) -> Vec<u8> {
        let mut writer = Writer::new(Vec::with_capacity(8192));
        let mut line = |it| writer.write_line(it).unwrap();
        line(hls::M3u.into());
        line(hls::Version::new(6).into());
        line(hls::Targetduration::new(2).into());
        line(hls::MediaSequence::new(5).into());
        line(hls::Map::builder().with_uri("init.mp4").finish().into());
        for (date, duration, name) in segments {
            line(hls::ProgramDateTime::new(*date).into());
            line(hls::Inf::new(*duration, "").into());
            line(HlsLine::uri(name.as_str()));
        }
        writer.into_inner()
    }
}
