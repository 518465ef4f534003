//! Recordings in other forms, when somebody asks for one: plain MP4, fragmented MP4, FLV, clips.

use std::fmt::{self, Display, Formatter};
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::{Buf, Bytes, BytesMut};
use levada_buf::Outbox;
use levada_flv::{FlvHeader, FlvItem, FlvReader, FlvWriter, Metadata, Packer, Timeline};
use levada_fmp4::{Finaliser, Fmp4Item, Fmp4Reader, ReadLimits, Step};
use levada_hls::Output;
use levada_media::{Frame, MediaEvent, MediaKind, Rounding, Timescale, Track, TrackId};
use tokio::sync::Mutex;

use crate::packager::{Held, Packager, Unpacking};
use crate::shelf::Film;

/// What a recording can be made into. The names of what is made end with these.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// Plain MP4, all files of the recording in one.
    Plain,
    /// Fragmented MP4, for playlists.
    Fragmented,
    /// FLV, all files of the recording in one.
    Flv,
}

impl Form {
    const ALL: [Self; 3] = [Self::Plain, Self::Fragmented, Self::Flv];

    pub fn ending(self) -> &'static str {
        match self {
            Self::Plain => ".plain.mp4",
            Self::Fragmented => ".fragments.mp4",
            Self::Flv => ".whole.flv",
        }
    }
}

/// Why nothing can be made of media, if that is not the disk's fault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unfit {
    NoMedia,
    CodecChange,
}

impl Display for Unfit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoMedia => "there is no media in it",
            Self::CodecChange => "its codecs change on the way",
        })
    }
}

impl std::error::Error for Unfit {}

/// One at a time: it is work for the disk.
static TURN: Mutex<()> = Mutex::const_new(());

/// A recording in another form, beside its first file. It is made if it is not there, or older than the recording. A
/// file that has the form already is not made again.
pub async fn made(files: Vec<PathBuf>, form: Form) -> anyhow::Result<PathBuf> {
    let _turn = TURN.lock().await;
    tokio::task::spawn_blocking(move || make(&files, form)).await?
}

/// Whether a file was made of a recording, by its name.
pub fn was_made(name: &str) -> Option<Form> {
    Form::ALL.into_iter().find(|it| name.ends_with(it.ending()))
}

/// Everything that may have been made of a file of a recording.
pub fn made_of(file: &Path) -> impl Iterator<Item = PathBuf> {
    Form::ALL.into_iter().map(|it| beside(file, it.ending()))
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let name = file.file_name().and_then(|it| it.to_str()).unwrap_or_default();
    file.with_file_name(format!("{name}{ending}"))
}

fn is_flv(file: &Path) -> bool {
    file.extension().is_some_and(|it| it == "flv")
}

fn make(files: &[PathBuf], form: Form) -> anyhow::Result<PathBuf> {
    let (first, last) = files.first().zip(files.last()).context("nothing was recorded")?;
    let single = files.len() == 1;
    if single && form == Form::Flv && is_flv(first)
        || single && form == Form::Fragmented && !is_flv(first)
    {
        return Ok(first.clone());
    }
    let made = beside(first, form.ending());
    let changed = |file: &Path| file.metadata().and_then(|it| it.modified());
    if changed(&made).is_ok_and(|made| changed(last).is_ok_and(|it| it <= made)) {
        return Ok(made);
    }
    replace(&made, |to| match form {
        Form::Fragmented => fragment(files, to, None),
        Form::Flv => flv(files, to),
        Form::Plain if single && !is_flv(first) => finalise(first, to),
        Form::Plain => {
            let fragments = beside(first, ".between.tmp");
            let done = fragment(files, &fragments, None).and_then(|()| finalise(&fragments, to));
            let _ = std::fs::remove_file(fragments);
            done
        }
    })?;
    Ok(made)
}

/// Makes a file under another name first, so that it is whole or not there.
fn replace(file: &Path, write: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let unfinished = beside(file, ".tmp");
    let written = write(&unfinished).and_then(|()| Ok(std::fs::rename(&unfinished, file)?));
    if written.is_err() {
        let _ = std::fs::remove_file(&unfinished);
    }
    written
}

/// Cuts a stretch out of a recording, outward to keyframes, into a fragmented MP4. Milliseconds of the recording.
pub fn cut(files: &[PathBuf], from: u64, to: u64, into: &Path) -> anyhow::Result<()> {
    replace(into, |it| fragment(files, it, Some(Cut::new(from, to))))
}

/// The files' media as one fragmented MP4, or a stretch of it.
fn fragment(files: &[PathBuf], to: &Path, mut cut: Option<Cut>) -> anyhow::Result<()> {
    let mut to = BufWriter::new(File::create(to)?);
    let mut packager = Packager::new(Duration::from_secs(1));
    let mut inits = 0;
    let from = cut.as_ref().map_or(0, |it| it.from);
    read(files, from, &mut |event, at| {
        match &mut cut {
            Some(cut) => {
                cut.take(event, at);
                cut.passed.drain(..).for_each(|it| packager.push_event(it));
            }
            None => packager.push_event(event),
        }
        drain(&mut packager, &mut to, &mut inits)?;
        Ok(cut.as_ref().is_none_or(|it| !it.is_over))
    })?;
    packager.finish();
    drain(&mut packager, &mut to, &mut inits)?;
    if inits == 0 {
        bail!(Unfit::NoMedia);
    }
    Ok(to.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?)
}

fn drain(packager: &mut Packager, to: &mut impl Write, inits: &mut u32) -> anyhow::Result<()> {
    while let Some(output) = packager.next() {
        match output {
            Output::Init(init) => {
                *inits += 1;
                if *inits > 1 {
                    bail!(Unfit::CodecChange);
                }
                to.write_all(&init.data)?;
            }
            Output::Part(part) => part.body.iter().try_for_each(|it| to.write_all(it))?,
            _ => {}
        }
    }
    Ok(())
}

/// The files' media as one FLV.
fn flv(files: &[PathBuf], to: &Path) -> anyhow::Result<()> {
    let mut to = BufWriter::new(File::create(to)?);
    let (mut packer, mut writer, mut out) = (Packer::default(), FlvWriter::new(), Outbox::new());
    let mut timeline = Timeline::new(levada_flv::TimelineConfig::default());
    let mut tracks: Vec<Track> = Vec::new();
    let mut begun = false;
    read(files, 0, &mut |event, _| {
        match &event {
            MediaEvent::Track(track) if !begun => {
                tracks.retain(|it| it.id != track.id);
                tracks.push(track.clone());
                return Ok(true);
            }
            _ => {}
        }
        if !std::mem::replace(&mut begun, true) {
            let has = |kind| tracks.iter().any(|it| it.id.kind == kind);
            let header = FlvHeader::new(has(MediaKind::Audio), has(MediaKind::Video));
            writer.header(&header, &mut out);
            writer.packed(&packer.pack_metadata(&Metadata::of(&tracks))?, &mut out)?;
            for track in tracks.drain(..) {
                for tag in packer.pack(&timeline.push(MediaEvent::Track(track)))? {
                    writer.packed(&tag, &mut out)?;
                }
            }
        }
        for tag in packer.pack(&timeline.push(event))? {
            writer.packed(&tag, &mut out)?;
        }
        while out.has_remaining() {
            let written = to.write(out.chunk())?;
            out.advance(written);
        }
        Ok(true)
    })?;
    if !begun {
        bail!(Unfit::NoMedia);
    }
    Ok(to.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?)
}

/// Takes an event and its time in milliseconds of the recording, and says whether it wants more.
type Take<'a> = &'a mut dyn FnMut(MediaEvent, u64) -> anyhow::Result<bool>;

/// Reads the media of a recording, from a keyframe before a time on.
fn read(files: &[PathBuf], from: u64, take: Take<'_>) -> anyhow::Result<()> {
    let mut begin = 0;
    for file in files {
        let (more, end) = if is_flv(file) {
            read_flv(file, begin, take)?
        } else {
            read_mp4(file, begin, from, take)?
        };
        if !more {
            return Ok(());
        }
        begin = end;
    }
    Ok(())
}

/// Whether more is wanted, and where the file ends.
fn read_flv(file: &Path, begin: u64, take: Take<'_>) -> anyhow::Result<(bool, u64)> {
    let mut file = File::open(file)?;
    let (mut reader, mut input) = (FlvReader::new(), BytesMut::new());
    let (mut unpacking, mut clock) = (Unpacking::default(), Clock::new(begin));
    while fill(&mut file, &mut input)? {
        while let Some(item) = reader.read(&mut input)? {
            let FlvItem::Tag(tag) = item else { continue };
            unpacking.push(tag.kind, tag.timestamp, tag.body);
            while let Some(held) = unpacking.next() {
                let Held::Event(event) = held else { continue };
                let at = clock.at(&event);
                if !take(event, at)? {
                    return Ok((false, clock.newest));
                }
            }
        }
    }
    Ok((true, clock.newest))
}

fn read_mp4(path: &Path, begin: u64, from: u64, take: Take<'_>) -> anyhow::Result<(bool, u64)> {
    let film = Film::of(path)?;
    let mut file = File::open(path)?;
    let (mut reader, mut input) = (Fmp4Reader::new(ReadLimits::default()), BytesMut::new());
    let mut clock = Clock::new(begin);
    clock.zero = film.zero();
    let Some(init) = film.init() else { return Ok((true, begin)) };
    input.resize(usize::try_from(init.end)?, 0);
    file.read_exact(&mut input)?;
    file.seek(SeekFrom::Start(film.offset_before(from.saturating_sub(begin))))?;
    loop {
        while let Some(item) = reader.read(&mut input)? {
            let event = match item {
                Fmp4Item::Track(track) => MediaEvent::Track(track),
                Fmp4Item::Frame(frame) => MediaEvent::Frame(frame),
                _ => continue,
            };
            let at = clock.at(&event);
            if !take(event, at)? {
                return Ok((false, clock.newest));
            }
        }
        if !fill(&mut file, &mut input)? {
            return Ok((true, begin + film.duration_ms()));
        }
    }
}

/// Reads on. `false` at the end.
fn fill(file: &mut File, input: &mut BytesMut) -> io::Result<bool> {
    let mut block = [0; 64 * 1024];
    let count = file.read(&mut block)?;
    input.extend_from_slice(block.get(..count).unwrap_or_default());
    Ok(count > 0)
}

/// The time of events, in milliseconds of the recording.
struct Clock {
    begin: u64,
    scales: Vec<(TrackId, Timescale)>,
    /// The time that is the file's beginning, in milliseconds.
    zero: Option<i64>,
    newest: u64,
}

impl Clock {
    fn new(begin: u64) -> Self {
        Self { begin, scales: Vec::new(), zero: None, newest: begin }
    }

    fn at(&mut self, event: &MediaEvent) -> u64 {
        match event {
            MediaEvent::Track(track) => {
                self.scales.retain(|it| it.0 != track.id);
                self.scales.push((track.id, track.timescale));
            }
            MediaEvent::Frame(Frame { track, dts, .. }) => {
                let scale = self.scales.iter().find(|it| it.0 == *track);
                let scale = scale.map_or(Timescale::MILLIS, |it| it.1);
                let ms = scale.rescale(*dts, Timescale::MILLIS, Rounding::Nearest).0;
                let since = ms.saturating_sub(*self.zero.get_or_insert(ms)).max(0);
                self.newest = self.begin.saturating_add(since.unsigned_abs());
            }
            MediaEvent::End(_) => {}
        }
        self.newest
    }
}

/// What of a recording belongs to a stretch: from the last keyframe before it to the first one behind it.
struct Cut {
    from: u64,
    to: u64,
    tracks: Vec<TrackId>,
    /// From the newest keyframe on, until it is known whether another one comes in time.
    held: Vec<MediaEvent>,
    begun: bool,
    /// Whether there is a keyframe to begin with.
    has_key: bool,
    is_over: bool,
    passed: Vec<MediaEvent>,
}

impl Cut {
    fn new(from: u64, to: u64) -> Self {
        let (tracks, held, passed) = (Vec::new(), Vec::new(), Vec::new());
        let (begun, has_key, is_over) = (false, false, false);
        Self { from, to, tracks, held, begun, has_key, is_over, passed }
    }

    fn take(&mut self, event: MediaEvent, at: u64) {
        let MediaEvent::Frame(frame) = &event else {
            if let MediaEvent::Track(track) = &event {
                self.tracks.push(track.id);
            }
            self.passed.push(event);
            return;
        };
        let video = self.tracks.iter().any(|it| it.kind == MediaKind::Video);
        let key = if video { frame.track.kind == MediaKind::Video && frame.is_key() } else { true };
        let had_key = self.has_key;
        self.has_key |= key;
        if self.begun {
            self.is_over = key && had_key && at >= self.to;
            if !self.is_over {
                self.passed.push(event);
            }
        } else if at <= self.from {
            if key {
                self.held.clear();
            }
            self.held.push(event);
        } else {
            self.begun = true;
            self.passed.append(&mut self.held);
            self.passed.push(event);
        }
    }
}

/// A fragmented MP4 as a plain one.
fn finalise(fragmented: &Path, to: &Path) -> anyhow::Result<()> {
    let (mut from, mut to) = (File::open(fragmented)?, BufWriter::new(File::create(to)?));
    let mut finaliser = Finaliser::new(from.metadata()?.len(), ReadLimits::default());
    loop {
        match finaliser.next_step()? {
            Step::Read(range) => {
                let mut bytes = vec![0; usize::try_from(range.end - range.start)?];
                from.seek(SeekFrom::Start(range.start))?;
                from.read_exact(&mut bytes)?;
                finaliser.supply(Bytes::from(bytes));
            }
            Step::Write(bytes) => to.write_all(&bytes)?,
            Step::Copy(range) => {
                from.seek(SeekFrom::Start(range.start))?;
                io::copy(&mut (&mut from).take(range.end - range.start), &mut to)?;
            }
            Step::Done => {
                to.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIP: &[u8] = include_bytes!("demo/clip.flv");
    /// With other parameter sets.
    const OTHER: &[u8] =
        include_bytes!("../../../crates/flv/testdata/media/h264_baseline_aac44s.flv");

    /// Times of pictures in milliseconds, and whether they are keyframes.
    fn pictures(file: &Path) -> Vec<(u64, bool)> {
        let (mut all, mut clock) = (Vec::new(), Clock::new(0));
        read(&[file.to_owned()], 0, &mut |event, _| {
            let at = clock.at(&event);
            if let MediaEvent::Frame(frame) = &event
                && frame.track.kind == MediaKind::Video
            {
                all.push((at, frame.is_key()));
            }
            Ok(true)
        })
        .unwrap();
        all
    }

    #[test]
    fn c31_t36_a_cut_goes_outward_to_keyframes_and_every_form_has_every_picture() {
        let folder = std::env::temp_dir().join(format!("streamd-cut-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let flv = folder.join("a.flv");
        std::fs::write(&flv, CLIP).unwrap();
        let whole = pictures(&flv);
        // The first sound is a little before the first picture.
        let keys: Vec<u64> = whole.iter().filter(|it| it.1).map(|it| it.0).collect();
        assert_eq!(keys[..3], [21, 1021, 2021]);
        let mp4 = make(std::slice::from_ref(&flv), Form::Fragmented).unwrap();
        let back = make(&[mp4.clone(), mp4.clone()], Form::Flv).unwrap();
        assert_eq!(pictures(&mp4).len(), whole.len());
        assert_eq!(pictures(&back).len(), 2 * whole.len(), "two files, one after the other");
        for source in [&flv, &mp4] {
            for (from, to, least, most) in [
                (2500, 4500, 2, 5),
                (2100, 3900, 2, 4),
                (0, 1, 0, 1),
                (8500, 99_000, 8, usize::MAX),
            ] {
                let clip = folder.join("clip.mp4");
                cut(std::slice::from_ref(source), from, to, &clip).unwrap();
                let end = keys.get(most).copied().unwrap_or(u64::MAX);
                let expected = whole.iter().filter(|it| it.0 >= keys[least] && it.0 < end).count();
                let cut = pictures(&clip);
                assert_eq!(cut.len(), expected, "{from}..{to} of {}", source.display());
                assert!(cut[0].1 && cut[0].0 < 50, "a keyframe, and the clip's own clock");
            }
            let behind = cut(std::slice::from_ref(source), 60_000, 61_000, &folder.join("c"));
            assert_eq!(behind.unwrap_err().downcast_ref(), Some(&Unfit::NoMedia));
        }
        let other = folder.join("b.flv");
        std::fs::write(&other, OTHER).unwrap();
        let ends = whole.last().unwrap().0;
        let across = cut(&[flv, other], ends - 1000, ends + 1000, &folder.join("c"));
        assert_eq!(across.unwrap_err().downcast_ref(), Some(&Unfit::CodecChange));
        assert!(cut(&[], 0, 1, &folder.join("c")).is_err(), "there is nothing");
        assert!(!folder.join("c").exists() && !folder.join("c.tmp").exists());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
