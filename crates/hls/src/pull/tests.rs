use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec;

use levada_media::{
    AudioCodec, AudioParams, CodecParams, Frame, MediaKind, Ticks, Timescale, Track, TrackId,
};

use super::*;
use crate::{Answer, Container, Origin, OriginConfig, Request, Window};

const BASE: &str = "http://h.example/live/s/index.m3u8";

/// A server in memory: an origin, or files.
struct Server {
    origin: Option<Origin>,
    files: BTreeMap<String, Bytes>,
    requests: Vec<String>,
}

impl Server {
    fn answer(&mut self, fetch: &Fetch) -> Fetched {
        let name = fetch.url.strip_prefix("http://h.example/live/s/").unwrap_or(&fetch.url);
        self.requests.push(name.into());
        if let Some(body) = self.files.get(name) {
            let body = match fetch.range {
                Some((offset, len)) => body.slice(offset as usize..(offset + len) as usize),
                None => body.clone(),
            };
            return Fetched::Body { url: fetch.url.clone(), body };
        }
        let Some(origin) = &mut self.origin else { return Fetched::Status(404) };
        match origin.get(&Request::new(name)) {
            Answer::Ready(reply) if reply.status == 200 => {
                Fetched::Body { url: fetch.url.clone(), body: reply.body.join() }
            }
            Answer::Ready(reply) => Fetched::Status(reply.status),
            Answer::Wait(waiter) => {
                origin.give_up(waiter);
                Fetched::Status(503)
            }
        }
    }
}

/// Fetches as long as there is something to fetch now.
fn pull(puller: &mut Puller, server: &mut Server, now: Duration) -> Vec<PullEvent> {
    let mut events = vec![];
    while let Some(fetch) = puller.next_fetch(now) {
        let fetched = server.answer(&fetch);
        puller.handle_fetched(fetch.id, fetched, now);
        while let Some(event) = puller.next_event() {
            events.push(event);
        }
    }
    events
}

fn audio() -> Track {
    let mut params = AudioParams::new(AudioCodec::Aac, Bytes::from_static(&[0x11, 0x90]));
    (params.sample_rate, params.channels, params.samples_per_frame) = (48_000, 2, Some(1024));
    params.rfc6381 = "mp4a.40.2".into();
    Track::new(TrackId::audio(0), Timescale::MILLIS, CodecParams::Audio(params))
}

fn push(origin: &mut Origin, frames: core::ops::Range<i64>) {
    for n in frames {
        let payload = Bytes::from(format!("!frame {n}").into_bytes());
        let frame = Frame::new(TrackId::audio(0), Ticks((n * 1024 + 24) / 48), payload);
        origin.push(MediaEvent::Frame(frame), n * 21).unwrap();
    }
}

fn live(container: Container, part: bool) -> Server {
    let mut config = OriginConfig {
        window: Window::Sliding(Duration::from_secs(20)),
        ..OriginConfig::default()
    };
    config.segmenter.container = container;
    config.segmenter.part = config.segmenter.part.filter(|_| part);
    let mut origin = Origin::new(config);
    origin.push(MediaEvent::Track(audio()), 0).unwrap();
    Server { origin: Some(origin), files: BTreeMap::new(), requests: vec![] }
}

fn payloads(events: &[PullEvent]) -> Vec<String> {
    let frames = events.iter().filter_map(|it| match it {
        PullEvent::Media(MediaEvent::Frame(frame)) => {
            Some(String::from_utf8(frame.data.to_vec()).unwrap())
        }
        _ => None,
    });
    frames.collect()
}

#[test]
fn what_an_origin_publishes_is_pulled_frame_by_frame() {
    for (container, part) in
        [(Container::Fmp4, true), (Container::Fmp4, false), (Container::Ts, false)]
    {
        let mut server = live(container, part);
        let mut puller = Puller::new(BASE, PullerConfig::default());
        let (mut events, mut pushed) = (vec![], 0);
        for second in 0..40 {
            push(server.origin.as_mut().unwrap(), pushed..pushed + 47);
            pushed += 47;
            if second == 5 {
                server.requests.clear();
            }
            if second >= 5 {
                events.extend(pull(&mut puller, &mut server, Duration::from_secs(second)));
            }
        }
        server.origin.as_mut().unwrap().finish().unwrap();
        events.extend(pull(&mut puller, &mut server, Duration::from_secs(45)));
        assert_eq!(events.last(), Some(&PullEvent::Ended), "{container:?}");
        let got = payloads(&events);
        let first: i64 = got[0].trim_start_matches("!frame ").parse().unwrap();
        let expected: Vec<_> = (first..pushed).map(|n| format!("!frame {n}")).collect();
        assert!(
            first < 100 && got == expected,
            "{container:?}: {} of {pushed}, from {first}",
            got.len()
        );
        let odd = events
            .iter()
            .filter(|it| !matches!(it, PullEvent::Media(_) | PullEvent::Ended))
            .count();
        assert_eq!(odd, 0, "{container:?}: {events:?}");
        // A playlist is not asked for more often than its segments are long.
        let reloads = server.requests.iter().filter(|it| it.ends_with("main.m3u8")).count();
        assert!((12..=30).contains(&reloads), "{reloads} reloads in 40 s");
        let tracks =
            events.iter().filter(|it| matches!(it, PullEvent::Media(MediaEvent::Track(_)))).count();
        assert_eq!(tracks, 1);
    }
}

#[test]
fn a_live_stream_is_begun_near_its_end() {
    let mut server = live(Container::Fmp4, false);
    push(server.origin.as_mut().unwrap(), 0..47 * 18);
    let mut puller = Puller::new(BASE, PullerConfig::default());
    let events = pull(&mut puller, &mut server, Duration::ZERO);
    let seconds = payloads(&events).len() / 47;
    assert!(
        (6..=8).contains(&seconds),
        "{seconds} s at the start: three target durations, by whole segments"
    );
}

fn vod(playlist: &str) -> Server {
    let files = BTreeMap::from([("index.m3u8".into(), Bytes::from(playlist.to_string()))]);
    Server { origin: None, files, requests: vec![] }
}

fn testdata(name: &str) -> Bytes {
    Bytes::from(std::fs::read(format!("{}/testdata/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap())
}

/// Segments that ffmpeg 5.1 made and openssl encrypted.
#[cfg(feature = "aes")]
#[test]
fn encrypted_segments_of_others() {
    let mut server = vod(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:7793\n\
         #EXT-X-KEY:METHOD=AES-128,URI=\"key.bin\",IV=0x0123456789ABCDEF0123456789ABCDEF\n#EXTINF:1.000,\n\
         enc_iv0.ts\n#EXT-X-KEY:METHOD=AES-128,URI=\"key.bin\"\n#EXTINF:1.000,\nenc_msn7794.ts\n#EXT-X-ENDLIST\n",
    );
    for name in ["key.bin", "enc_iv0.ts", "enc_msn7794.ts"] {
        server.files.insert(name.into(), testdata(name));
    }
    let events = pull(&mut Puller::new(BASE, PullerConfig::default()), &mut server, Duration::ZERO);
    assert_eq!(server.requests, ["index.m3u8", "key.bin", "enc_iv0.ts", "enc_msn7794.ts"]);
    let of = |kind| {
        let frames = events.iter().filter(
            |it| matches!(it, PullEvent::Media(MediaEvent::Frame(it)) if it.track.kind == kind),
        );
        frames.count()
    };
    // ffprobe counts as many in the two plain segments.
    assert_eq!((of(MediaKind::Video), of(MediaKind::Audio)), (50, 95));
    assert_eq!(events.last(), Some(&PullEvent::Ended));
}

#[test]
fn what_cannot_be_had_is_left_out() {
    let mut server = vod(
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.ts\n#EXTINF:1,\nb.ts\n#EXT-X-ENDLIST\n",
    );
    let events = pull(&mut Puller::new(BASE, PullerConfig::default()), &mut server, Duration::ZERO);
    let missing = |sequence| PullEvent::Finding(PullFinding::Segment { sequence, why: Some(404) });
    assert_eq!(events, [missing(0), missing(1), PullEvent::Ended]);
}

#[test]
fn failures_say_whether_to_try_again() {
    for (fetched, permanent) in [
        (Fetched::Status(404), false),
        (Fetched::Status(403), true),
        (Fetched::Status(503), false),
        (Fetched::Failed, false),
        (Fetched::Body { url: BASE.into(), body: Bytes::from_static(b"<html>") }, true),
    ] {
        let mut puller = Puller::new(BASE, PullerConfig::default());
        let fetch = puller.next_fetch(Duration::ZERO).unwrap();
        puller.handle_fetched(fetch.id, fetched.clone(), Duration::ZERO);
        let Some(PullEvent::Failed(why)) = puller.next_event() else { panic!("{fetched:?}") };
        assert_eq!(why.is_permanent(), permanent, "{why}");
        assert_eq!((puller.next_fetch(Duration::MAX), puller.deadline()), (None, None));
    }
    let key = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n#EXTINF:1,\na.ts\n";
    let events =
        pull(&mut Puller::new(BASE, PullerConfig::default()), &mut vod(key), Duration::ZERO);
    assert_eq!(events.last(), Some(&PullEvent::Failed(PullError::Encryption("SAMPLE-AES".into()))));
}

#[test]
fn a_playlist_that_does_not_grow_has_stalled() {
    let mut server = vod("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.ts\n");
    let mut puller = Puller::new(BASE, PullerConfig::default());
    let mut now = Duration::ZERO;
    let failed = loop {
        let events = pull(&mut puller, &mut server, now);
        if let Some(PullEvent::Failed(why)) = events.last() {
            break why.clone();
        }
        now = puller.deadline().unwrap();
    };
    assert_eq!(failed, PullError::Stalled);
    assert_eq!(now, Duration::from_secs(2 + 10), "a segment, and ten times half a target duration");
}

#[test]
fn the_best_variant_that_fits_and_its_sound() {
    let text = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",URI=\"x.m3u8\"\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"y\",DEFAULT=YES,URI=\"y.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=100,AUDIO=\"a\"\nlow.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=900,AUDIO=\"a\"\nhigh.m3u8\n";
    for (bandwidth, expected) in [(u64::MAX, "high.m3u8"), (899, "low.m3u8"), (1, "low.m3u8")] {
        let mut server = vod(text);
        let mut puller = Puller::new(BASE, PullerConfig { bandwidth, ..PullerConfig::default() });
        for _ in 0..3 {
            let fetch = puller.next_fetch(Duration::ZERO).unwrap();
            let fetched = server.answer(&fetch);
            if server.requests.len() == 1 {
                puller.handle_fetched(fetch.id, fetched, Duration::ZERO);
            }
        }
        assert_eq!(server.requests, ["index.m3u8", expected, "y.m3u8"]);
    }
}
