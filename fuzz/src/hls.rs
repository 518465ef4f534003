use bytes::Bytes;
use levada_hls::{
    Answer, Container, DateRange, Origin, OriginConfig, ReadMedia, ReadPlaylist, Request,
    Variables, Window, read_playlist,
};
use levada_media::{
    AudioCodec, AudioParams, CodecParams, Frame, MediaEvent, RandomAccess, Ticks, Timescale, Track,
    TrackId, VideoCodec, VideoParams,
};
use std::time::Duration;

/// Whatever text comes, reading ends; what is read has numbers in order.
pub fn playlist_read(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(ReadPlaylist::Media(list)) = read_playlist(&text, &Variables::default()) {
        let mut next = list.media_sequence.saturating_add(list.skip.map_or(0, |it| it.segments));
        for segment in &list.segments {
            assert_eq!(segment.sequence, next);
            assert!(!segment.uri.is_empty());
            next = next.saturating_add(1);
        }
    }
}

/// A publisher that does what the script says, and players that ask for anything: every listed resource can be had,
/// every playlist keeps the rules, nobody waits for ever.
pub fn hls_origin(script: &[u8]) {
    let [mode, script @ ..] = script else { return };
    let mut config = OriginConfig::default();
    config.window = Window::Sliding(Duration::from_secs(10));
    config.waiting = 4;
    if mode & 1 != 0 {
        (config.segmenter.container, config.segmenter.part) = (Container::Ts, None);
    }
    let mut origin = Origin::new(config);
    let (videos, audios) = (mode >> 1 & 3, mode >> 3 & 3);
    for number in 0..videos {
        let _ = origin.push(MediaEvent::Track(video(number, 30)), 0);
    }
    for number in 0..audios {
        let _ = origin.push(MediaEvent::Track(audio(number)), 0);
    }
    let mut at = 0_i64;
    for pair in script.chunks_exact(2) {
        let (op, argument) = (pair[0], i64::from(pair[1]));
        match op & 15 {
            0..=7 => {
                at += argument;
                let mut frame = Frame::new(
                    TrackId::video(op & 1),
                    Ticks(at),
                    Bytes::from_static(&[0, 0, 0, 2, 0x65, 0x88]),
                );
                if op & 6 == 0 {
                    frame.facts.random_access = RandomAccess::Instant;
                }
                let _ = origin.push(MediaEvent::Frame(frame), at);
            }
            8..=11 => {
                let frame = Frame::new(
                    TrackId::audio(op & 1),
                    Ticks(at),
                    Bytes::from_static(&[0x21, 0x10]),
                );
                let _ = origin.push(MediaEvent::Frame(frame), at);
            }
            12 => at += (argument - 100) * 300,
            13 => drop(origin.push(MediaEvent::Track(video(op >> 4 & 1, pair[1])), at)),
            14 => drop(origin.push(MediaEvent::End(TrackId::video(op >> 4 & 1)), at)),
            _ => check(&mut origin, argument),
        }
    }
    let _ = origin.finish();
    check(&mut origin, 0);
    assert_eq!(origin.waiting(), 0);
}

fn check(origin: &mut Origin, argument: i64) {
    let mut range = DateRange::new(&(argument % 16).to_string(), argument * 100);
    range.duration = Some(Duration::from_millis(argument.unsigned_abs() * 50));
    origin.set_date_range(range);
    for name in ["main.m3u8", "v0.m3u8", "v1.m3u8", "a0.m3u8"] {
        let query = format!("_HLS_msn={}&_HLS_part={}", argument / 8, argument % 8);
        match origin.get(&request(name, &query)) {
            Answer::Ready(reply) => assert!(matches!(reply.status, 200 | 400 | 404 | 503)),
            Answer::Wait(waiter) => assert_eq!(origin.give_up(waiter).status, 503),
        }
        let Some((text, list)) = media(origin, name, "") else { continue };
        let (_, delta) = media(origin, name, "_HLS_skip=v2").unwrap();
        let skipped = delta.skip.map_or(0, |it| it.segments as usize);
        assert_eq!(delta.segments.len() + skipped, list.segments.len(), "{text}");
        // A gap is listed so that nobody asks for it.
        let there = list.segments.iter().filter(|it| !it.gap);
        for uri in there.flat_map(|it| it.parts.iter().map(|it| &it.uri).chain([&it.uri])) {
            match origin.get(&request(uri, "")) {
                Answer::Ready(reply) => assert_eq!(reply.status, 200, "{uri}\n{text}"),
                Answer::Wait(_) => panic!("{uri} is listed and has to be waited for"),
            }
        }
    }
}

fn media(origin: &mut Origin, name: &str, query: &str) -> Option<(String, ReadMedia)> {
    let reply = match origin.get(&request(name, query)) {
        Answer::Ready(reply) => reply,
        Answer::Wait(waiter) => {
            origin.give_up(waiter);
            return None;
        }
    };
    if reply.status != 200 {
        return None;
    }
    let text = String::from_utf8(reply.body.join().to_vec()).unwrap();
    let Ok(ReadPlaylist::Media(list)) = read_playlist(&text, &Variables::default()) else {
        panic!("not read back: {text}")
    };
    assert!(list.violations.is_empty(), "{:?}\n{text}", list.violations);
    Some((text, list))
}

fn request<'a>(name: &'a str, query: &'a str) -> Request<'a> {
    let mut request = Request::new(name);
    request.query = query;
    request
}

fn video(number: u8, level: u8) -> Track {
    let config = vec![
        1, 66, 0xC0, level, 0xFF, 0xE1, 0, 8, 0x67, 66, 0xC0, level, 0xDA, 2, 0x80, 0xBF, 1, 0, 4,
        0x68, 0xCE, 0x3C, 0x80,
    ];
    let mut params = VideoParams::new(VideoCodec::Avc, Bytes::from(config));
    (params.width, params.height) = (640, 360);
    Track::new(TrackId::video(number), Timescale::MILLIS, CodecParams::Video(params))
}

fn audio(number: u8) -> Track {
    let mut params = AudioParams::new(AudioCodec::Aac, Bytes::from_static(&[0x11, 0x90]));
    (params.sample_rate, params.channels, params.samples_per_frame) = (48_000, 2, Some(1024));
    Track::new(TrackId::audio(number), Timescale::MILLIS, CodecParams::Audio(params))
}
