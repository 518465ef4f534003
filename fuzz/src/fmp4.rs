use bytes::{Bytes, BytesMut};
use levada_fmp4::{
    Finaliser, Fmp4Error, Fmp4Item, Fmp4Reader, Fragmenter, InitSegment, Pieces, Preface,
    ReadLimits, Step,
};
use levada_media::{
    AudioCodec, AudioParams, CodecParams, Frame, RandomAccess, Ticks, Timescale, Track, TrackId,
    VideoCodec, VideoParams,
};

const VIDEO: TrackId = TrackId::video(0);
const AUDIO: TrackId = TrackId::audio(0);

/// Any bytes, behind an init segment or alone: every cut gives the same items, there are no more of them than bytes,
/// and what can be finalised holds the same frames.
pub fn fmp4_read(data: &[u8]) {
    let Some((mode, data)) = data.split_first() else { return };
    let mut file = Vec::new();
    if mode & 1 != 0 {
        file.extend_from_slice(&init().bytes());
    }
    file.extend_from_slice(data);
    let whole = read(&file, file.len().max(1));
    for size in [1, 2 + usize::from(mode >> 1)] {
        assert_eq!(read(&file, size), whole);
    }
    assert!(whole.0.len() <= file.len());
    if let Ok((plain, end)) = finalise(&file)
        && let (recorded, Ok(())) = read(&file[..end], file.len().max(1))
    {
        let (kept, end) = read(&plain, plain.len().max(1));
        assert_eq!(end, Ok(()));
        assert_eq!(payloads(&kept), payloads(&recorded));
    }
}

/// Any frames, cut anywhere: they read back equal, from the fragments and from the plain file that is made of them.
pub fn fmp4_round_trip(data: &[u8]) {
    let init = init();
    let mut fragmenter = Fragmenter::new(&init);
    let mut file = Pieces::from(init.bytes());
    let mut pushed = Vec::new();
    let mut times = [0_i64; 2];
    for step in data.chunks_exact(6) {
        let &[op, gap, cts, shift, size, fill] = step else { return };
        let (index, track) = if op & 1 == 0 { (0, VIDEO) } else { (1, AUDIO) };
        times[index] += i64::from(gap) << (shift % 24);
        let mut frame = Frame::new(track, Ticks(times[index]), vec![fill; size.into()].into());
        frame.cts = i32::from(cts.cast_signed()) << (shift % 25);
        if op & 2 != 0 || track == AUDIO {
            frame.facts.random_access = RandomAccess::Instant;
        }
        match fragmenter.push(frame.clone()) {
            Ok(()) => pushed.push(frame),
            Err(Fmp4Error::Limit { which: "gap", .. }) => {
                times[index] -= i64::from(gap) << (shift % 24)
            }
            Err(other) => panic!("{other}"),
        }
        if op & 0x1C == 0 {
            file.extend(&fragmenter.cut(&Preface::segment().index()));
        }
    }
    file.extend(&fragmenter.cut(&Preface::default()));
    let file = file.join();

    let (items, end) = read(&file, 1000);
    assert_eq!(end, Ok(()));
    assert_eq!(
        payloads(&items),
        payloads(&pushed.iter().cloned().map(Fmp4Item::Frame).collect::<Vec<_>>())
    );
    for track in [VIDEO, AUDIO] {
        let read = frames(&items).filter(|it| it.track == track);
        let pushed = pushed.iter().filter(|it| it.track == track);
        for (read, pushed) in read.zip(pushed) {
            assert_eq!((read.dts, read.cts, &read.data), (pushed.dts, pushed.cts, &pushed.data));
            assert_eq!(read.is_key() || read.facts.marked_key, pushed.is_key());
        }
    }
    let (plain, end) = finalise(&file).unwrap();
    assert_eq!(end, file.len());
    let (kept, end) = read(&plain, plain.len());
    assert_eq!((payloads(&kept), end), (payloads(&items), Ok(())));
}

fn init() -> InitSegment {
    let video = VideoParams::new(VideoCodec::Vp8, Bytes::from_static(&[0; 8]));
    let mut audio = AudioParams::new(AudioCodec::Aac, Bytes::from_static(&[0x11, 0x90]));
    (audio.sample_rate, audio.channels) = (48_000, 2);
    let scale = Timescale::new(48_000).unwrap();
    let tracks = [
        Track::new(VIDEO, Timescale::MPEG, CodecParams::Video(video)),
        Track::new(AUDIO, scale, CodecParams::Audio(audio)),
    ];
    InitSegment::new(&tracks).unwrap()
}

fn read(file: &[u8], size: usize) -> (Vec<Fmp4Item>, Result<(), Fmp4Error>) {
    let mut reader = Fmp4Reader::new(ReadLimits::default());
    let (mut input, mut items) = (BytesMut::new(), Vec::new());
    for piece in file.chunks(size) {
        input.extend_from_slice(piece);
        loop {
            match reader.read(&mut input) {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break,
                Err(error) => return (items, Err(error)),
            }
        }
    }
    (items, reader.finish(&input))
}

fn frames(items: &[Fmp4Item]) -> impl Iterator<Item = &Frame> {
    items.iter().filter_map(|it| if let Fmp4Item::Frame(frame) = it { Some(frame) } else { None })
}

/// The frames of each track in their order, without those that have no bytes: their place in the file is anywhere.
fn payloads(items: &[Fmp4Item]) -> Vec<(TrackId, Bytes)> {
    let mut out: Vec<_> = frames(items).map(|it| (it.track, it.data.clone())).collect();
    out.retain(|(_, data)| !data.is_empty());
    out.sort_by_key(|(track, _)| *track);
    out
}

/// The plain file, and how much of the recording is in it.
fn finalise(recording: &[u8]) -> Result<(Vec<u8>, usize), Fmp4Error> {
    let part = |range: core::ops::Range<u64>| &recording[range.start as usize..range.end as usize];
    let mut out = Vec::new();
    let mut finaliser = Finaliser::new(recording.len() as u64, ReadLimits::default());
    for _ in 0..100_000 {
        match finaliser.next_step()? {
            Step::Read(range) => finaliser.supply(Bytes::copy_from_slice(part(range))),
            Step::Write(bytes) => out.extend_from_slice(&bytes),
            Step::Copy(range) => out.extend_from_slice(part(range)),
            Step::Done => return Ok((out, recording.len() - finaliser.left_out() as usize)),
        }
    }
    panic!("no end");
}
