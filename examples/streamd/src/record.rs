//! Recordings: a file grows by whole tags or fragments, each in one write, so that it is whole at any moment.

use std::collections::{HashMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use levada_buf::Outbox;
use levada_control::{
    Fact, InputId, Observation, RecordedMedia, RecordingError, RecordingId, RecordingMode,
};
use levada_flv::{FlvHeader, FlvTag, FlvWriter};
use levada_hls::Output;
use serde_json::Value;
use tokio::sync::watch;
use tracing::{info, warn};

use crate::config::{MEGABYTE, Record, Sync};
use crate::lock::lock;
use crate::packager::Packager;
use crate::reader::Reader;
use crate::server::{Server, work};
use crate::store::Extras;
use crate::stream::{Item, Stream, tag_kind};

/// How long nothing is recorded after a failure: a disk that is full.
const PAUSE: Duration = Duration::from_secs(5);

/// How often the plane hears how much there is.
const REPORT: Duration = Duration::from_millis(500);

/// How often the room for recordings is looked at.
const COUNT: Duration = Duration::from_secs(1);

/// Of which stream something is recorded, and how it is told the number of the item before which it ends.
type Running = (Arc<Stream>, watch::Sender<Option<u64>>);

/// What is being recorded.
#[derive(Debug, Default)]
pub struct Recorders {
    running: Mutex<HashMap<RecordingId, Running>>,
    /// Whether there may be no more on the disk.
    full: AtomicBool,
}

impl Recorders {
    fn lock(&self) -> MutexGuard<'_, HashMap<RecordingId, Running>> {
        lock(&self.running)
    }
}

/// Where the recordings of a stream are.
pub fn folder(data: &Path, path: &str) -> PathBuf {
    data.join("recordings").join(path)
}

/// Where the names of a recording's files are kept.
fn place_of(recording: RecordingId) -> String {
    format!("recording/{recording}")
}

/// The names of a recording's files, in order.
pub fn names(extras: &Extras, recording: RecordingId) -> Vec<&str> {
    let names = extras.get(&place_of(recording)).and_then(Value::as_array);
    names.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The files of a recording, in order.
pub fn files(server: &Server, recording: RecordingId) -> Vec<PathBuf> {
    server
        .control
        .read(|_, _, extras| names(extras, recording).into_iter().map(PathBuf::from).collect())
}

/// How much of a recording is on the disk, in milliseconds, if its files say so.
pub fn written(server: &Server, recording: RecordingId) -> Option<u64> {
    let mut sum = 0;
    for file in files(server, recording) {
        if file.extension().is_none_or(|it| it != "mp4") {
            return None;
        }
        let film = tokio::task::block_in_place(|| server.shelf.film(&file)).ok()?;
        sum += lock(&film).duration_ms();
    }
    Some(sum)
}

/// The recording that a file belongs to, by its path below the folder of all recordings.
pub fn of_file(server: &Server, path: &Path) -> Option<RecordingId> {
    let path = Path::new("recordings").join(path);
    server.control.read(|_, _, extras| {
        let begin = "recording/".to_owned();
        let recordings = extras.range(begin..).take_while(|it| it.0.starts_with("recording/"));
        let has = |files: &Value| {
            let mut names = files.as_array().into_iter().flatten().filter_map(Value::as_str);
            names.any(|it| Path::new(it).ends_with(&path))
        };
        let found = recordings.into_iter().find(|it| has(it.1))?;
        found.0.strip_prefix("recording/")?.parse().ok()
    })
}

/// Writes an input's media from a keyframe on; the first recording of a broadcast has all of it. Recordings that follow
/// each other hold every message once.
pub fn begin(
    server: &Arc<Server>,
    recording: RecordingId,
    input: InputId,
    continues: Option<RecordingId>,
) {
    let Some(stream) = server.hub.of_input(input) else {
        let _ = server.control.fact(Fact::RecordingFailed(recording, RecordingError::Io));
        return;
    };
    let automatic = server.control.read(|plane, _, _| {
        let mode = plane.input(input).map(|it| it.config.recording.mode);
        mode == Some(RecordingMode::Automatic)
    });
    let whole = automatic && continues.is_none();
    let beginning = if whole { stream.take_beginning() } else { None };
    let reader = beginning.unwrap_or_else(|| stream.recorder());
    let finish = watch::Sender::new(None);
    let told = finish.subscribe();
    server.recorders.lock().insert(recording, (stream, finish));
    tokio::spawn(record(server.clone(), reader, recording, told));
}

/// Ends a recording after what has come by now. One that nobody writes any more, as after a restart, is complete.
pub fn finish(server: &Arc<Server>, recording: RecordingId) {
    match server.recorders.lock().get(&recording) {
        Some((stream, finish)) => finish.send_modify(|it| {
            it.get_or_insert(stream.recorded_to());
        }),
        None => complete(server, recording),
    }
}

fn complete(server: &Server, recording: RecordingId) {
    for fact in [Fact::RecordingViewable(recording), Fact::RecordingReady(recording)] {
        let _ = server.control.fact(fact);
    }
}

/// Deletes a recording's files, and what was made of them.
pub fn delete(server: &Arc<Server>, recording: RecordingId) {
    let server = server.clone();
    tokio::spawn(async move {
        for file in files(&server, recording) {
            let made: Vec<_> = crate::finalise::made_of(&file).collect();
            for file in made.into_iter().chain([file]) {
                match tokio::fs::remove_file(&file).await {
                    Err(why) if why.kind() != io::ErrorKind::NotFound => {
                        warn!(file = %file.display(), %why, "cannot delete a recording");
                    }
                    _ => {}
                }
            }
        }
        server.control.keep(|_, extras| extras.remove(&place_of(recording))).await;
    });
}

async fn record(
    server: Arc<Server>,
    mut reader: Reader,
    recording: RecordingId,
    mut told: watch::Receiver<Option<u64>>,
) {
    let mut undecided = reader.stream().undecided.subscribe();
    let path = reader.stream().path().to_owned();
    let config = server.config();
    let place = Place {
        folder: folder(&config.data, &path),
        sync: config.sync == Sync::Fragment,
        made: Vec::new(),
    };
    let format = config.record_of(&path);
    let mut sink: Option<Sink> = None;
    let mut tally = Tally::default();
    let mut paused_until = None;
    let mut holes = 0;
    let mut reported = Instant::now();
    loop {
        let report_at = tokio::time::Instant::from_std(reported + REPORT);
        let items = tokio::select! {
            items = next(&mut reader, &mut undecided, &mut told) => items,
            // Also when nothing comes any more: the plane counts gaps from there.
            () = tokio::time::sleep_until(report_at), if tally.told < tally.duration => {
                reported = Instant::now();
                tally.report(&server, recording, reader.stream());
                continue;
            }
        };
        let Some(items) = items else { break };
        if std::mem::replace(&mut holes, reader.holes) != reader.holes {
            warn!(path, "the disk is too slow: a part of the recording is missing");
        }
        if paused_until.is_some_and(|it| Instant::now() < it) {
            continue;
        }
        if sink.is_none() {
            // The ring gives all headers and a keyframe to a reader that begins.
            if paused_until.take().is_some() {
                reader = reader.stream().follower();
                sink = Some(Sink::new(&place, format));
                continue;
            }
            sink = Some(Sink::new(&place, format));
        }
        let Some(open) = &mut sink else { continue };
        let written = tokio::task::block_in_place(|| {
            room(&server)?;
            items.iter().try_for_each(|it| open.write(it))
        });
        tally.count(&items);
        tally.take_files(&server, recording, open).await;
        if let Err(why) = written {
            warn!(path, %why, "the recording ends here; trying again in a while");
            server.metrics.recording_errors.fetch_add(1, Relaxed);
            if let Some(session) = reader.stream().used() {
                let _ = server.control.fact(Fact::Observed(session, Observation::StorageFull));
            }
            sink = None;
            paused_until = Some(Instant::now() + PAUSE);
        }
    }
    if let Some(mut open) = sink {
        match tokio::task::block_in_place(|| open.finish()) {
            Ok(()) => info!(path, "the recording is complete"),
            Err(why) => warn!(path, %why, "the recording ended early"),
        }
        tally.take_files(&server, recording, &mut open).await;
    }
    tally.report(&server, recording, reader.stream());
    // The stream may be over before the plane says so: the recording ends when it does.
    let stream = reader.stream().clone();
    drop(reader);
    let _ = tokio::time::timeout(PAUSE, told.wait_for(Option::is_some)).await;
    server.recorders.lock().remove(&recording);
    if tally.files.is_empty() {
        warn!(path = stream.path(), "nothing could be recorded");
        let _ = server.control.fact(Fact::RecordingFailed(recording, RecordingError::Io));
    } else {
        complete(&server, recording);
    }
}

/// What comes next of a recording. `None` at its end. Can be dropped at any time without loss.
async fn next(
    reader: &mut Reader,
    undecided: &mut watch::Receiver<u64>,
    told: &mut watch::Receiver<Option<u64>>,
) -> Option<VecDeque<Item>> {
    loop {
        undecided.mark_unchanged();
        let end = *told.borrow_and_update();
        let items = reader.read_while(1 << 20, |it| {
            let decided = !it.key || it.number < *undecided.borrow();
            decided && end.is_none_or(|end| it.number < end)
        });
        if !items.is_empty() {
            return Some(items);
        }
        if end.is_some() || reader.is_at_end() {
            return None;
        }
        tokio::select! {
            () = reader.wake() => {}
            _ = undecided.changed() => {}
            _ = told.changed() => {}
        }
    }
}

/// Whether there may be more on the disk.
pub fn room(server: &Server) -> io::Result<()> {
    if server.recorders.full.load(Relaxed) {
        return Err(io::Error::new(
            io::ErrorKind::StorageFull,
            "--record-space or --min-free says so",
        ));
    }
    Ok(())
}

/// Counts what is recorded, and looks at how much room is left. Runs as long as the server.
pub async fn keep_count(server: Arc<Server>) {
    let mut told = None;
    loop {
        let (used, most) = server.control.read(|plane, _, _| {
            let sizes = plane.recordings().map(|it| it.facts().media.size);
            (sizes.sum::<u64>(), plane.config().limits.storage)
        });
        if told.replace(used) != Some(used) {
            let _ = server.control.fact(Fact::Storage(used));
        }
        let config = server.config();
        let free = work(&server, |it| Ok(free_space(&it.config().data))).await.unwrap_or_default();
        let too_little = free.is_some_and(|it| it < config.min_free.saturating_mul(MEGABYTE));
        server.recorders.full.store(too_little || most.is_some_and(|it| used >= it), Relaxed);
        tokio::time::sleep(COUNT).await;
    }
}

#[cfg(unix)]
fn free_space(folder: &Path) -> Option<u64> {
    let about = rustix::fs::statvfs(folder).ok()?;
    Some(about.f_bavail.saturating_mul(about.f_frsize))
}

#[cfg(not(unix))]
fn free_space(_folder: &Path) -> Option<u64> {
    None
}

/// What is in a recording so far.
#[derive(Debug, Default)]
struct Tally {
    files: Vec<PathBuf>,
    /// The time of the newest frame, and the media time since the first.
    newest: Option<u32>,
    duration: u64,
    /// As much of it as the plane knows of.
    told: u64,
}

impl Tally {
    fn count(&mut self, items: &VecDeque<Item>) {
        for time in items.iter().filter(|it| !it.header).map(|it| it.message.timestamp()) {
            let step = time.wrapping_sub(self.newest.unwrap_or(time));
            if step <= u32::MAX / 2 {
                self.duration += u64::from(step);
                self.newest = Some(time);
            }
        }
    }

    /// Keeps the names of new files, so that they are found after a restart.
    async fn take_files(&mut self, server: &Server, recording: RecordingId, sink: &mut Sink) {
        let new = std::mem::take(sink.new_files());
        if new.is_empty() {
            return;
        }
        self.files.extend(new);
        let names = self.files.iter().map(|it| it.to_string_lossy().into_owned()).collect();
        server.control.keep(|_, extras| extras.insert(place_of(recording), names)).await;
    }

    fn report(&mut self, server: &Server, recording: RecordingId, stream: &Stream) {
        self.told = self.duration;
        let size = |it: &PathBuf| std::fs::metadata(it).map_or(0, |it| it.len());
        let (codecs, dimensions) = stream.packaging().facts.codecs_and_size();
        let media = RecordedMedia {
            duration_ms: self.duration,
            size: self.files.iter().map(size).sum(),
            parts: u32::try_from(self.files.len()).unwrap_or(u32::MAX),
            codecs,
            dimensions,
            renditions: Vec::new(),
        };
        let _ = server.control.fact(Fact::Recorded(recording, media));
    }
}

/// Where files go, and whether each write goes to the disk at once.
#[derive(Clone, Debug)]
struct Place {
    folder: PathBuf,
    sync: bool,
    /// Files that were made, until somebody takes their names.
    made: Vec<PathBuf>,
}

/// A recording of either kind.
#[derive(Debug)]
enum Sink {
    Flv { place: Place, file: Option<Whole>, writer: FlvWriter, begin: Option<u32> },
    Fmp4 { place: Place, file: Option<Whole>, packager: Box<Packager> },
}

impl Sink {
    fn new(place: &Place, format: Record) -> Self {
        let place = place.clone();
        match format {
            Record::Fmp4 | Record::Off => {
                let packager = Box::new(Packager::new(Duration::from_secs(1)));
                Self::Fmp4 { place, file: None, packager }
            }
            Record::Flv => Self::Flv { place, file: None, writer: FlvWriter::new(), begin: None },
        }
    }

    fn write(&mut self, item: &Item) -> io::Result<()> {
        match self {
            Self::Flv { place, file, writer, begin } => {
                let mut out = Outbox::new();
                if file.is_none() {
                    writer.header(&FlvHeader::new(true, true), &mut out);
                }
                writer.tag(&tag(item, begin), &mut out).map_err(io::Error::other)?;
                if file.is_none() {
                    *file = Some(Whole::create(place, "flv")?);
                }
                file.as_mut().map_or(Ok(()), |it| it.append(&pieces(&mut out)))
            }
            Self::Fmp4 { place, file, packager } => {
                packager.push(item);
                drain(packager, place, file)
            }
        }
    }

    fn new_files(&mut self) -> &mut Vec<PathBuf> {
        match self {
            Self::Flv { place, .. } | Self::Fmp4 { place, .. } => &mut place.made,
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        let Self::Fmp4 { place, file, packager } = self else { return Ok(()) };
        packager.finish();
        drain(packager, place, file)
    }
}

/// The tag of a message, on the clock of the file: that begins with the first frame. Headers that were kept for those
/// who come later may be much older.
fn tag(item: &Item, begin: &mut Option<u32>) -> FlvTag {
    let message = &item.message;
    if !item.header {
        begin.get_or_insert(message.timestamp());
    }
    let since = begin.map_or(0, |begin| message.timestamp().wrapping_sub(begin));
    let timestamp = if since > u32::MAX / 2 { 0 } else { since };
    FlvTag::new(tag_kind(message.kind()), timestamp, message.payload().clone())
}

/// Writes what the packager has. Other codec parameters are another file.
fn drain(packager: &mut Packager, place: &mut Place, file: &mut Option<Whole>) -> io::Result<()> {
    while let Some(output) = packager.next() {
        match output {
            Output::Init(init) => {
                let mut new = Whole::create(place, "mp4")?;
                new.append(&[init.data])?;
                *file = Some(new);
            }
            Output::Part(part) => {
                if let Some(file) = file {
                    let pieces: Vec<Bytes> = part.body.iter().cloned().collect();
                    file.append(&pieces)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn pieces(out: &mut Outbox) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    while out.has_remaining() {
        let len = out.chunk().len();
        pieces.push(out.copy_to_bytes(len));
    }
    pieces
}

/// A file that holds nothing but whole units.
#[derive(Debug)]
struct Whole {
    file: File,
    len: u64,
    sync: bool,
}

impl Whole {
    /// A new file named after the time. An existing one is never touched.
    fn create(place: &mut Place, extension: &str) -> io::Result<Self> {
        let Place { folder, sync, made } = place;
        std::fs::create_dir_all(&*folder)?;
        let name = timestamp();
        for n in 0..1000 {
            let file = match n {
                0 => folder.join(format!("{name}.{extension}")),
                n => folder.join(format!("{name}-{n}.{extension}")),
            };
            match OpenOptions::new().write(true).create_new(true).open(&file) {
                Ok(open) => {
                    made.push(file);
                    return Ok(Self { file: open, len: 0, sync: *sync });
                }
                Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {}
                Err(why) => return Err(why),
            }
        }
        Err(io::Error::other("there are a thousand recordings of this second"))
    }

    /// One write for a whole unit. What was written of one that does not fit is taken back.
    fn append(&mut self, pieces: &[Bytes]) -> io::Result<()> {
        let total: usize = pieces.iter().map(Bytes::len).sum();
        let written = self.gather(pieces, total);
        match written {
            Ok(()) => {
                self.len += total as u64;
                if self.sync { self.file.sync_data() } else { Ok(()) }
            }
            Err(why) => {
                let _ = self.file.set_len(self.len);
                Err(why)
            }
        }
    }

    fn gather(&mut self, pieces: &[Bytes], total: usize) -> io::Result<()> {
        let slices: Vec<IoSlice<'_>> = pieces.iter().map(|it| IoSlice::new(it)).collect();
        // Systems take at most 1024 pieces at once: a fragment has two or three dozen.
        let count = self.file.write_vectored(&slices)?;
        if count == total {
            return Ok(());
        }
        let all: Vec<u8> = pieces.concat();
        self.file.write_all(all.get(count..).unwrap_or_default())
    }
}

/// Now, in UTC, as it stands in file names: 20260301T142530Z.
fn timestamp() -> String {
    let seconds = u64::try_from(crate::stream::unix_ms() / 1000).unwrap_or_default();
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", time / 3600, time / 60 % 60, time % 60)
}

/// Year, month and day of a number of days since 1970-01-01, in the Gregorian calendar.
fn civil(days: u64) -> (u64, u64, u64) {
    // Counted from 0000-03-01, so that leap days stand at the ends of years and of 400-year eras.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_777), (2026, 11, 20));
        assert_eq!(civil(47_541), (2100, 3, 1));
    }

    #[test]
    fn out_15_a_recording_never_overwrites_another() {
        let folder = std::env::temp_dir().join(format!("streamd-record-{}", std::process::id()));
        let mut place = Place { folder: folder.clone(), sync: true, made: Vec::new() };
        let mut first = Whole::create(&mut place, "flv").unwrap();
        first.append(&[Bytes::from_static(b"one"), Bytes::from_static(b"two")]).unwrap();
        for _ in 0..3 {
            Whole::create(&mut place, "flv").unwrap();
        }
        assert_eq!(place.made.len(), 4);
        let files = std::fs::read_dir(&folder).unwrap().count();
        let full = std::fs::read_dir(&folder)
            .unwrap()
            .filter(|it| it.as_ref().unwrap().metadata().unwrap().len() == 6);
        assert_eq!((files, full.count()), (4, 1));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
