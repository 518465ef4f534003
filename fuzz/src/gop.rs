use bytes::Bytes;
use levada_gop::{Bounds, GopPolicy, GopValidator, Severity};
use levada_media::{
    AudioCodec, AudioParams, CodecParams, Frame, Leading, MediaEvent, RandomAccess, Slices, Ticks,
    Timescale, Track, TrackId, VideoCodec, VideoParams,
};

/// Any events, in any order: nothing panics, what is told adds up to the report, memory is bounded, and a verdict
/// of acceptance means that there was no error.
pub fn gop_events(script: &[u8]) {
    let Some((policy, mut script)) = script.split_first() else { return };
    let mut validator = GopValidator::new(self::policy(*policy));
    let (mut told, mut errors) = (0, false);
    while let [op, a, b, c, d, rest @ ..] = script {
        script = rest;
        let event = event(*op, [*a, *b, *c, *d]);
        let found = validator.observe(&event);
        assert!(found.len() <= 16);
        told += found.len() as u64;
        errors |= found.iter().any(|it| it.severity == Severity::Error);
    }
    let found = validator.finish();
    told += found.len() as u64;
    errors |= found.iter().any(|it| it.severity == Severity::Error);
    let report = validator.report();
    assert_eq!(report.verdicts.iter().map(|it| it.count).sum::<u64>(), told);
    assert_eq!(report.is_accepted(), !errors);
    assert!(report.to_json().ends_with('}'));
    let svg = report.to_svg();
    assert!(svg.ends_with("</svg>\n") && svg.len() < 400_000);
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
}

fn policy(choice: u8) -> GopPolicy {
    let mut all = GopPolicy::all();
    let count = all.len();
    let mut policy = all.swap_remove(usize::from(choice) % count);
    if choice & 0x80 != 0 {
        policy.interval = Bounds::between(40_000 * i64::from(choice & 0x0F), 1_000_000);
        policy.b_frames = Some(u32::from(choice >> 4 & 3));
    }
    policy
}

fn event(op: u8, bytes: [u8; 4]) -> MediaEvent {
    let id = match op & 3 {
        0 => TrackId::video(0),
        1 => TrackId::audio(0),
        2 => TrackId::video(1),
        _ => TrackId::data(0),
    };
    let [a, b, c, d] = bytes;
    match op >> 2 & 7 {
        0 => {
            let scale = Timescale::new(u32::from_be_bytes(bytes).max(1)).unwrap();
            let mut video = VideoParams::new(VideoCodec::Avc, Bytes::copy_from_slice(&[a]));
            (video.width, video.height) = (u32::from(b) * 16, u32::from(c) * 16);
            video.frame_rate = Some((c.into(), d.into()));
            video.reorder = Some(d & 3);
            let audio = AudioParams::new(AudioCodec::Aac, Bytes::new());
            let params =
                if op & 1 == 0 { CodecParams::Video(video) } else { CodecParams::Audio(audio) };
            MediaEvent::Track(Track::new(id, scale, params))
        }
        1 if d > 0xF0 => MediaEvent::End(id),
        _ => {
            // Times are near each other, but for some that are not.
            let time = i64::from(u16::from_be_bytes([a, b]));
            let time = if op & 0x80 != 0 { time << (c & 0x3F) } else { time };
            let mut frame = Frame::new(id, Ticks(time), vec![0; usize::from(d) * 9].into());
            frame.cts = i32::from(c.cast_signed()) << (op >> 5);
            frame.facts.random_access = match c & 7 {
                0 => RandomAccess::Instant,
                1 => RandomAccess::Recovery(0),
                2 => RandomAccess::Recovery(d.into()),
                3 => RandomAccess::Intra,
                _ => RandomAccess::No,
            };
            frame.facts.slices =
                [Slices::Unknown, Slices::I, Slices::P, Slices::B][usize::from(c >> 3 & 3)];
            frame.facts.leading =
                [Leading::Unknown, Leading::No, Leading::Decodable, Leading::Undecodable]
                    [usize::from(c >> 5 & 3)];
            frame.facts.marked_key = c & 0x80 != 0;
            MediaEvent::Frame(frame)
        }
    }
}
