use alloc::collections::binary_heap::PeekMut;
use alloc::collections::{BinaryHeap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::num::NonZeroU32;

use bytes::{Buf, Bytes, BytesMut};
use levada_codec::Inspector;
use levada_media::{CodecParams, Frame, Leading, MediaKind, Ticks, Track, TrackId};

use crate::entry::read_entry;
use crate::fields::{Fields, length_of};
use crate::fragment_head::FragmentHead;
use crate::movie::{Extends, Movie, TrackBoxes};
use crate::samples::{Cursor, Sample, Samples};
use crate::table::Table;
use crate::{EventMessage, Fmp4Error, ProducerTime, ReadLimits};

/// Units up to this length wait in the input until they are whole, and are then sliced. Longer ones are copied out
/// as they come, so that an input buffer of this size is enough for every file.
const GATHER_FROM: usize = 64 * 1024;

/// A box of length 0 goes up to the end of the file. It is taken to be longer than any file.
const ENDLESS: u64 = u64::MAX / 2;

/// What a [`Fmp4Reader`] finds, in the order of the file.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fmp4Item {
    /// A track begins, or goes on with other parameters.
    Track(Track),
    /// A frame, on the timeline of the presentation: edit lists are applied, so the first may have a time below 0.
    Frame(Frame),
    /// An event message. Those of version 0 stand in front of the fragment whose time they count from.
    Event(EventMessage),
    /// When the producer handled a frame of the fragment that follows.
    ProducerTime(ProducerTime),
    /// Something that is not as it should be, and was read all the same. Each kind is told once.
    Tolerated(Quirk),
}

/// A deviation that a [`Fmp4Reader`] accepts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Quirk {
    /// A track of another kind, or with a codec that is not one of ours, or encrypted, is left out: subtitles,
    /// timecode, chapters.
    TrackLeftOut,
    /// A codec's record is not understood. The track's parameters hold what the container says.
    CodecRecord,
    /// An edit list does more than delay a track and skip its beginning. The rest of it is ignored.
    EditList,
    /// A fragment without a decode time (`tfdt`). It goes on where the one before it ended, as in files of early
    /// Smooth Streaming encoders.
    NoDecodeTime,
    /// A fragment of a track that the `moov` does not have. It is left out.
    UnknownTrack,
    /// A fragment in front of any `moov`. It is left out.
    NoMovie,
}

/// Reads fragmented MP4, and plain MP4 whose `moov` stands in front.
///
/// ```
/// use bytes::BytesMut;
/// use levada_fmp4::{Fmp4Item, Fmp4Reader, ReadLimits};
///
/// fn frames(file: &[u8]) -> Result<usize, levada_fmp4::Fmp4Error> {
///     let mut reader = Fmp4Reader::new(ReadLimits::default());
///     let (mut input, mut frames) = (BytesMut::new(), 0);
///     for read in file.chunks(4096) {
///         input.extend_from_slice(read);
///         while let Some(item) = reader.read(&mut input)? {
///             frames += usize::from(matches!(item, Fmp4Item::Frame(_)));
///         }
///     }
///     reader.finish(&input).map(|()| frames)
/// }
/// # assert_eq!(frames(include_bytes!("../testdata/ff_cmaf_v.mp4")), Ok(50));
/// ```
#[derive(Debug)]
pub struct Fmp4Reader {
    limits: ReadLimits,
    state: State,
    /// Where the unit that is read next begins: bytes since the first.
    position: u64,
    /// What has come of it, if it is gathered.
    gathered: BytesMut,
    lanes: Vec<Lane>,
    has_movie: bool,
    /// The samples that are to come, nearest on top.
    cursors: BinaryHeap<Cursor>,
    items: VecDeque<Fmp4Item>,
    quirks: Vec<Quirk>,
    failed: Option<Fmp4Error>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Between boxes.
    Head,
    /// In a box that is read in whole: its type, where it begins, how long its body is.
    Body { kind: [u8; 4], start: u64, size: usize },
    /// In a box that is of no interest.
    Skip { left: u64 },
    /// In an `mdat`.
    Media { left: u64 },
}

/// A track that is read.
#[derive(Debug)]
struct Lane {
    number: u32,
    track: Track,
    defaults: Extends,
    /// See `Edits::shift`.
    shift: i64,
    /// Where the last fragment ended.
    next_dts: i64,
    inspector: Inspector,
}

impl Fmp4Reader {
    /// A reader at the first byte of a file, or of an init segment to which media segments are fed after it.
    pub fn new(limits: ReadLimits) -> Self {
        Self {
            limits,
            state: State::Head,
            position: 0,
            gathered: BytesMut::new(),
            lanes: Vec::new(),
            has_movie: false,
            cursors: BinaryHeap::new(),
            items: VecDeque::new(),
            quirks: Vec::new(),
            failed: None,
        }
    }

    /// The next item that the bytes at hand complete; `None` asks for more.
    ///
    /// Errors stay: every later call returns the same one.
    pub fn read(&mut self, input: &mut BytesMut) -> Result<Option<Fmp4Item>, Fmp4Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.next_item(input).inspect_err(|error| self.failed = Some(error.clone()))
    }

    /// Says whether the file may end here, when nothing is left to read but `rest`, which [`read`](Self::read) did
    /// not want: between boxes, with no sample missing.
    pub fn finish(&self, rest: &[u8]) -> Result<(), Fmp4Error> {
        let what = match self.state {
            _ if self.failed.is_some() => return self.failed.clone().map_or(Ok(()), Err),
            State::Head if !self.cursors.is_empty() => "the input ends in front of samples",
            State::Head if rest.is_empty() => return Ok(()),
            State::Skip { left } | State::Media { left }
                if left > ENDLESS && self.cursors.is_empty() =>
            {
                return Ok(());
            }
            _ => "the input ends inside a box",
        };
        Err(Fmp4Error::Malformed { offset: self.position, what, section: "4.2" })
    }

    fn next_item(&mut self, input: &mut BytesMut) -> Result<Option<Fmp4Item>, Fmp4Error> {
        loop {
            if let Some(item) = self.items.pop_front() {
                return Ok(Some(item));
            }
            let moved = match self.state {
                State::Head => self.read_head(input)?,
                State::Body { kind, start, size } => self.read_body(kind, start, size, input)?,
                State::Skip { left } => self.skip(left, input),
                State::Media { left } => self.read_media(left, input)?,
            };
            if !moved {
                return Ok(None);
            }
        }
    }

    /// Size and type of a box (§4.2). `false` asks for more bytes, here and below.
    fn read_head(&mut self, input: &mut BytesMut) -> Result<bool, Fmp4Error> {
        let Some(&[s0, s1, s2, s3, k0, k1, k2, k3]) = input.first_chunk() else {
            return Ok(false);
        };
        let (size, kind) = (u32::from_be_bytes([s0, s1, s2, s3]), [k0, k1, k2, k3]);
        let (size, head) = match size {
            0 => (u64::MAX, 8),
            1 => match input.get(8..).and_then(<[u8]>::first_chunk) {
                Some(large) => (u64::from_be_bytes(*large), 16),
                None => return Ok(false),
            },
            size => (u64::from(size), 8_usize),
        };
        let start = self.position;
        let Some(body) = size.checked_sub(length_of(head)) else {
            let what = "a box that is shorter than its head";
            return Err(Fmp4Error::Malformed { offset: start, what, section: "4.2" });
        };
        let limit = match &kind {
            b"moov" => Some(("moov", self.limits.moov)),
            b"moof" => Some(("moof", self.limits.moof)),
            b"emsg" | b"prft" => Some(("event", self.limits.event)),
            _ => None,
        };
        self.state = match limit {
            Some((which, limit)) if body > limit.into() => {
                return Err(Fmp4Error::Limit { which, limit: limit.into() });
            }
            Some(_) => {
                State::Body { kind, start, size: usize::try_from(body).unwrap_or(usize::MAX) }
            }
            None if kind == *b"mdat" => self.begin_media(start, body)?,
            None => State::Skip { left: body },
        };
        input.advance(head);
        self.position = start.saturating_add(length_of(head));
        Ok(true)
    }

    fn begin_media(&self, start: u64, left: u64) -> Result<State, Fmp4Error> {
        if self.has_movie {
            return Ok(State::Media { left });
        }
        let what = "a file whose media stand in front of its moov";
        Err(Fmp4Error::Unsupported { offset: start, what })
    }

    fn read_body(
        &mut self,
        kind: [u8; 4],
        start: u64,
        size: usize,
        input: &mut BytesMut,
    ) -> Result<bool, Fmp4Error> {
        let Some(body) = self.take(size, input) else {
            return Ok(false);
        };
        let offset = self.position;
        self.position = offset.saturating_add(length_of(size));
        self.state = State::Head;
        match &kind {
            b"moov" => self.read_movie(&body, offset)?,
            b"moof" => self.read_fragment(&body, offset, start)?,
            b"emsg" => {
                let event = EventMessage::parse(Fields::new(&body, offset))?;
                self.items.push_back(Fmp4Item::Event(event));
            }
            _ => {
                let (number, time) = ProducerTime::parse(Fields::new(&body, offset))?;
                if let Some(lane) = self.lanes.iter().find(|lane| lane.number == number) {
                    let time = ProducerTime { track: lane.track.id, ..time };
                    self.items.push_back(Fmp4Item::ProducerTime(time));
                }
            }
        }
        Ok(true)
    }

    fn read_movie(&mut self, moov: &Bytes, offset: u64) -> Result<(), Fmp4Error> {
        let movie = Movie::parse(Fields::new(moov, offset), self.limits.tracks)?;
        let old = core::mem::take(&mut self.lanes);
        self.cursors.clear();
        self.has_movie = true;
        for boxes in &movie.tracks {
            let Some((params, understood)) = self.read_params(boxes)? else {
                self.tolerate(Quirk::TrackLeftOut);
                continue;
            };
            if !understood {
                self.tolerate(Quirk::CodecRecord);
            }
            if boxes.edits.is_partial {
                self.tolerate(Quirk::EditList);
            }
            let track = self.name(boxes, params);
            if !old.iter().any(|lane| lane.track == track) {
                self.items.push_back(Fmp4Item::Track(track.clone()));
            }
            if let Some((table, offset)) = Table::parse(boxes.tables, moov)? {
                let (lane, samples) = (self.lanes.len(), Samples::Table(table));
                self.cursors.push(Cursor { offset, lane, dts: 0, samples });
            }
            self.lanes.push(Lane {
                number: boxes.number,
                inspector: Inspector::new(&track.params),
                track,
                defaults: movie.extends(boxes.number),
                shift: boxes.edits.shift,
                next_dts: 0,
            });
        }
        Ok(())
    }

    /// The parameters of the first sample entry, which a fragment's samples have unless it says otherwise.
    fn read_params(
        &self,
        boxes: &TrackBoxes<'_>,
    ) -> Result<Option<(CodecParams, bool)>, Fmp4Error> {
        let mut entries = boxes.entries;
        match entries.child()? {
            Some(entry) if boxes.kind.is_some() => read_entry(entry, boxes.stsd_version),
            _ => Ok(None),
        }
    }

    /// A track's name: its kind, and its number among those of that kind.
    fn name(&self, boxes: &TrackBoxes<'_>, params: CodecParams) -> Track {
        let kind = if params.video().is_some() { MediaKind::Video } else { MediaKind::Audio };
        let number = self.lanes.iter().filter(|lane| lane.track.id.kind == kind).count();
        let number = u8::try_from(number).unwrap_or(u8::MAX);
        let id =
            if kind == MediaKind::Video { TrackId::video(number) } else { TrackId::audio(number) };
        let mut track = Track::new(id, boxes.timescale, params);
        track.language = boxes.language.as_deref().map(Arc::from);
        track
    }

    fn read_fragment(&mut self, moof: &Bytes, offset: u64, start: u64) -> Result<(), Fmp4Error> {
        if !self.has_movie {
            self.tolerate(Quirk::NoMovie);
            return Ok(());
        }
        if !self.cursors.is_empty() {
            let what = "a fragment in front of the last one's samples";
            return Err(Fmp4Error::Malformed { offset: start, what, section: "8.8.8" });
        }
        let defaults = |number: u32| {
            let lane = self.lanes.iter().position(|lane| lane.number == number)?;
            self.lanes.get(lane).map(|it| (lane, it.defaults))
        };
        let head = FragmentHead::parse(moof, offset, start, self.limits.runs, defaults)?;
        if head.has_unknown_track {
            self.tolerate(Quirk::UnknownTrack);
        }
        for run in head.runs {
            let Some(lane) = self.lanes.get_mut(run.lane) else { continue };
            let dts = run.decode_time.unwrap_or(lane.next_dts);
            lane.next_dts = dts.saturating_add_unsigned(run.totals.duration);
            if run.run.left() > 0 {
                let samples = Samples::Run(run.run);
                self.cursors.push(Cursor { offset: run.offset, lane: run.lane, dts, samples });
            }
            if run.decode_time.is_none() && run.is_first {
                self.tolerate(Quirk::NoDecodeTime);
            }
        }
        Ok(())
    }

    fn skip(&mut self, left: u64, input: &mut BytesMut) -> bool {
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        input.advance(count);
        self.position = self.position.saturating_add(length_of(count));
        let left = left - length_of(count);
        self.state = if left == 0 { State::Head } else { State::Skip { left } };
        count > 0 || left == 0
    }

    /// Goes to the next sample, and takes it.
    fn read_media(&mut self, left: u64, input: &mut BytesMut) -> Result<bool, Fmp4Error> {
        let malformed =
            |what| Fmp4Error::Malformed { offset: self.position, what, section: "8.8.8" };
        let Some((place, sample)) = self.cursors.peek().map(|it| (it.offset, it.sample())) else {
            self.state = State::Skip { left };
            return Ok(true);
        };
        let Some(sample) = sample else {
            self.cursors.pop();
            return Ok(true);
        };
        let size = u64::from(sample.size);
        let gap = place.checked_sub(self.position);
        let gap =
            gap.ok_or_else(|| malformed("a sample that lies before another, or outside mdat"))?;
        if gap > left || (gap == left && size > 0) {
            self.state = State::Skip { left };
            return Ok(true);
        }
        if gap > 0 {
            let count = usize::try_from(gap).unwrap_or(usize::MAX).min(input.len());
            input.advance(count);
            self.position = self.position.saturating_add(length_of(count));
            self.state = State::Media { left: left - length_of(count) };
            return Ok(count > 0);
        }
        if size > left {
            return Err(malformed("a sample that reaches over the end of its mdat"));
        }
        if sample.size > self.limits.frame {
            return Err(Fmp4Error::Limit { which: "frame", limit: self.limits.frame.into() });
        }
        let Some(data) = self.take(usize::try_from(size).unwrap_or(usize::MAX), input) else {
            return Ok(false);
        };
        self.position = self.position.saturating_add(size);
        self.state = State::Media { left: left - size };
        self.emit(sample, data);
        Ok(true)
    }

    /// Makes a frame of a sample and moves its cursor.
    fn emit(&mut self, sample: Sample, data: Bytes) {
        let Some(mut cursor) = self.cursors.peek_mut() else { return };
        let (dts, lane) = (cursor.dts, cursor.lane);
        cursor.advance(sample);
        if cursor.sample().is_none() {
            PeekMut::pop(cursor);
        } else {
            drop(cursor);
        }
        let Some(lane) = self.lanes.get_mut(lane) else { return };
        self.items.push_back(Fmp4Item::Frame(lane.frame(dts, sample, data)));
    }

    /// The next `size` bytes, once they are there. See [`GATHER_FROM`].
    fn take(&mut self, size: usize, input: &mut BytesMut) -> Option<Bytes> {
        if self.gathered.is_empty() && input.len() >= size {
            return Some(input.split_to(size).freeze());
        }
        if size <= GATHER_FROM {
            return None;
        }
        let part = input.split_to((size - self.gathered.len()).min(input.len()));
        self.gathered.extend_from_slice(&part);
        (self.gathered.len() == size).then(|| core::mem::take(&mut self.gathered).freeze())
    }

    fn tolerate(&mut self, quirk: Quirk) {
        if !self.quirks.contains(&quirk) {
            self.quirks.push(quirk);
            self.items.push_back(Fmp4Item::Tolerated(quirk));
        }
    }
}

impl Lane {
    fn frame(&mut self, dts: i64, sample: Sample, data: Bytes) -> Frame {
        let mut frame = Frame::new(self.track.id, Ticks(dts.saturating_add(self.shift)), data);
        frame.cts = sample.cts;
        frame.duration = NonZeroU32::new(sample.duration);
        frame.facts = self.inspector.inspect(&frame.data);
        if self.track.params.video().is_some() {
            // What the container says is used where the frame itself does not say it.
            let facts = &mut frame.facts;
            facts.marked_key = sample.is_sync();
            facts.disposable |= sample.flags >> 22 & 3 == 2;
            if facts.leading == Leading::Unknown {
                facts.leading = match sample.flags >> 26 & 3 {
                    1 => Leading::Undecodable,
                    2 => Leading::No,
                    3 => Leading::Decodable,
                    _ => Leading::Unknown,
                };
            }
        }
        frame
    }
}
