use alloc::vec::Vec;
use core::num::NonZeroU32;

use bytes::{BufMut, Bytes};
use levada_media::{Frame, FrameFacts, Leading, MediaKind, RandomAccess, Slices, Ticks, TrackId};

use crate::event::{ProducerTime, Reference, SegmentIndex, write_brands};
use crate::init::InitTrack;
use crate::writer::{write_box, write_full_box};
use crate::{EventMessage, Fmp4Error, InitSegment, Pieces};

/// What a [`Fragmenter`] holds at most before it is cut.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FragmentLimits {
    /// Frames of all tracks. Worst-case memory: 112 bytes for each, beside the payloads. Default 65,536, which is
    /// ten minutes of usual video and audio.
    pub frames: usize,
    /// Bytes of all frames. Payloads are shared, so this is what the fragment pins. Default 1 GiB: `data_offset` is
    /// a signed 32-bit number (ISO/IEC 14496-12 §8.8.8), so more than 2 GiB cannot be written.
    pub bytes: usize,
    /// Event messages that wait for a fragment, made of ID3 frames. Default 1,024. Their bytes count as those of
    /// frames do.
    pub events: usize,
}

impl Default for FragmentLimits {
    fn default() -> Self {
        Self { frames: 1 << 16, bytes: 1 << 30, events: 1024 }
    }
}

/// What stands in front of a `moof`. The default is nothing.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Preface<'a> {
    /// The brands of a `styp`, the first of them is the major one. Empty: no box.
    /// [`SEGMENT_BRANDS`](Preface::SEGMENT_BRANDS) suit the first fragment of a segment.
    pub brands: &'a [[u8; 4]],
    /// When the producer handled a frame of this fragment.
    pub producer_time: Option<ProducerTime>,
    /// Event messages, in front of those that ID3 frames make.
    pub events: &'a [EventMessage],
    /// Whether a `sidx` with this fragment as its one part is written.
    pub index: bool,
}

impl<'a> Preface<'a> {
    /// Brands of a segment's first fragment: DASH media segment, CMAF segment, fragment and chunk.
    pub const SEGMENT_BRANDS: &'static [[u8; 4]] = &[*b"msdh", *b"cmfs", *b"cmff", *b"cmfl"];

    /// Nothing but a `styp`.
    pub fn segment() -> Self {
        Self { brands: Self::SEGMENT_BRANDS, ..Self::default() }
    }

    /// Adds event messages.
    pub fn events(self, events: &'a [EventMessage]) -> Self {
        Self { events, ..self }
    }

    /// Adds the time of a producer.
    pub fn producer_time(self, time: ProducerTime) -> Self {
        Self { producer_time: Some(time), ..self }
    }

    /// Adds an index.
    pub fn index(self) -> Self {
        Self { index: true, ..self }
    }
}

/// Makes fragments of frames: `moof` and `mdat`, in which no media byte is copied.
///
/// [`push`](Self::push) takes frames of any of the tracks, in decoding order within each; [`cut`](Self::cut) makes
/// one fragment of all that were pushed. Where to cut is the caller's decision.
///
/// The decode time of each fragment is that of its first frame, never a sum of durations, so nothing drifts. A frame
/// lasts until the next one of its track. The last frame of a fragment lasts as long as [`continue_at`] says, else
/// as its own `duration`, else as the frame before it: say it exactly where it is known, because players dislike
/// gaps.
///
/// Frames of ID3 data tracks become event messages in front of the fragment. Frames of other data tracks have no
/// place in a file and are left out.
///
/// ```
/// # use levada_media::{Track, Timescale, VideoCodec, VideoParams, CodecParams};
/// use bytes::Bytes;
/// use levada_fmp4::{Fragmenter, InitSegment, Preface};
/// use levada_media::{Frame, Ticks, TrackId};
///
/// # let video = VideoParams::new(VideoCodec::Av1, Bytes::from_static(&[0x81, 0, 0, 0]));
/// # let track = Track::new(TrackId::video(0), Timescale::MPEG, CodecParams::Video(video));
/// let init = InitSegment::new(&[track])?;
/// let mut fragmenter = Fragmenter::new(&init);
/// let payload = Bytes::from(vec![0; 5000]);
/// fragmenter.push(Frame::new(TrackId::video(0), Ticks(900_000), payload.clone()))?;
/// fragmenter.continue_at(TrackId::video(0), Ticks(903_000));
///
/// let pieces = fragmenter.cut(&Preface::segment()).unwrap();
/// assert_eq!(pieces.iter().last().unwrap().as_ptr(), payload.as_ptr()); // shared, not copied
/// # Ok::<(), levada_fmp4::Fmp4Error>(())
/// ```
///
/// [`continue_at`]: Self::continue_at
#[derive(Clone, Debug)]
pub struct Fragmenter {
    lanes: Vec<Lane>,
    limits: FragmentLimits,
    sequence: u32,
    /// The sums over all lanes.
    frames: usize,
    bytes: usize,
    /// ID3 frames that wait for the next fragment.
    events: Vec<EventMessage>,
    next_event: u32,
}

/// What waits of one track.
#[derive(Clone, Debug)]
struct Lane {
    track: InitTrack,
    frames: Vec<Frame>,
    /// No frame may be decoded before this.
    reached: Ticks,
    /// How long the newest frame of which that is known lasted.
    usual: u32,
    /// What is taken from composition offsets and given to decode times.
    delay: i32,
}

impl Fragmenter {
    /// A fragmenter for the tracks of an init segment. Its first fragment has the sequence number 1.
    pub fn new(init: &InitSegment) -> Self {
        Self::with_limits(init, FragmentLimits::default())
    }

    /// The same with other limits.
    pub fn with_limits(init: &InitSegment, limits: FragmentLimits) -> Self {
        let lane = |track: &InitTrack| Lane {
            track: *track,
            frames: Vec::new(),
            reached: Ticks(0),
            usual: track.nominal,
            delay: 0,
        };
        let lanes = init.tracks().iter().map(lane).collect();
        let limits = FragmentLimits { bytes: limits.bytes.min(1 << 30), ..limits };
        Self { lanes, limits, sequence: 1, frames: 0, bytes: 0, events: Vec::new(), next_event: 0 }
    }

    /// Sets the sequence number of the next fragment, to go on where another left off.
    pub fn set_sequence(&mut self, sequence: u32) {
        self.sequence = sequence;
    }

    /// Moves the decode times of a track up by `delay` ticks and its composition offsets down, so that a stream
    /// whose first picture is shown `delay` after it is decoded starts with an offset of 0 (CMAF's `cmf2`). No
    /// picture is shown at another time than before. Call it before the first frame.
    pub fn set_composition_delay(&mut self, track: TrackId, delay: u32) {
        if let Some(lane) = self.lane(track) {
            lane.delay = i32::try_from(delay).unwrap_or(i32::MAX);
        }
    }

    /// Takes a frame for the fragment that comes next.
    ///
    /// An error refuses this frame and changes nothing: after [`Fmp4Error::Limit`] cut and push again, after
    /// [`Fmp4Error::OutOfOrder`] leave the frame out or announce a [`discontinuity`](Self::discontinuity).
    pub fn push(&mut self, frame: Frame) -> Result<(), Fmp4Error> {
        let limits = self.limits;
        let bytes = self.bytes.saturating_add(frame.data.len());
        limit("frames", self.frames + 1, limits.frames)?;
        limit("bytes", bytes, limits.bytes)?;
        let events = (self.events.len(), self.events.iter().map(|it| it.data.len()).sum::<usize>());
        let lane = self.lane(frame.track).ok_or(Fmp4Error::UnknownTrack(frame.track))?;
        if frame.dts < lane.reached {
            let (track, after, dts) = (frame.track, lane.reached, frame.dts);
            return Err(Fmp4Error::OutOfOrder { track, after, dts });
        }
        if frame.track.kind == MediaKind::Data {
            if !lane.track.id3 {
                return Ok(());
            }
            limit("events", events.0 + 1, limits.events)?;
            limit("bytes", bytes.saturating_add(events.1), limits.bytes)?;
            let timescale = lane.track.timescale;
            let event = EventMessage::id3(timescale, frame.pts(), self.next_event, frame.data);
            self.next_event = self.next_event.wrapping_add(1);
            self.events.push(event);
            return Ok(());
        }
        if let Some(last) = lane.frames.last_mut() {
            let gap = frame.dts.0 - last.dts.0; // both are at least 0
            let gap = u32::try_from(gap)
                .map_err(|_| Fmp4Error::Limit { which: "gap", limit: u32::MAX.into() })?;
            last.duration = NonZeroU32::new(gap);
            lane.usual = if gap > 0 { gap } else { lane.usual };
        }
        lane.reached = frame.dts;
        lane.frames.push(frame);
        self.frames += 1;
        self.bytes = bytes;
        Ok(())
    }

    /// Says when the frame that follows in a track will be decoded, and so how long the last one lasts.
    pub fn continue_at(&mut self, track: TrackId, dts: Ticks) {
        let last = self.lane(track).and_then(|lane| lane.frames.last_mut());
        if let Some(last) = last {
            let duration = u32::try_from((dts - last.dts).0);
            last.duration = duration.ok().and_then(NonZeroU32::new).or(last.duration);
        }
    }

    /// Lets time go back: the next frame of any track may have any decode time from 0 on.
    ///
    /// Cut before. A player must be told, or be given a new file.
    pub fn discontinuity(&mut self) {
        self.lanes.iter_mut().for_each(|lane| lane.reached = Ticks(0));
    }

    /// Whether no frame waits.
    pub fn is_empty(&self) -> bool {
        self.frames == 0
    }

    /// How many bytes of frames wait.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Makes a fragment of the frames that wait. `None` if there are none; events then wait on.
    pub fn cut(&mut self, preface: &Preface<'_>) -> Option<Pieces> {
        if self.is_empty() {
            return None;
        }
        let moof = self.write_fragment();
        let mut head = Vec::new();
        self.write_preface(preface, moof.len() + self.bytes, &mut head);
        let head = if head.is_empty() {
            moof
        } else {
            head.extend_from_slice(&moof);
            head
        };

        let mut pieces = Vec::with_capacity(1 + self.frames);
        pieces.push(Bytes::from(head));
        for lane in &mut self.lanes {
            pieces.extend(lane.frames.drain(..).map(|frame| frame.data));
        }
        (self.frames, self.bytes) = (0, 0);
        self.sequence = self.sequence.wrapping_add(1);
        Some(pieces.into())
    }

    /// `moof`, and the head of its `mdat`.
    fn write_fragment(&mut self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + 80 * self.lanes.len() + 16 * self.frames);
        // Where each track's data_offset stands, and what lies in front of its data in the mdat.
        let mut offsets = Vec::with_capacity(self.lanes.len());
        let mut before = 0;
        write_box(&mut out, b"moof", |out| {
            write_full_box(out, b"mfhd", 0, 0, |out| out.put_u32(self.sequence));
            for lane in self.lanes.iter_mut().filter(|lane| !lane.frames.is_empty()) {
                offsets.push((lane.write(out), before));
                before += lane.frames.iter().map(|frame| frame.data.len()).sum::<usize>();
            }
        });
        let data_start = out.len() + 8;
        for (place, before) in offsets {
            // Below 2^31, see `FragmentLimits::bytes`.
            let offset = u32::try_from(data_start + before).unwrap_or(0);
            if let Some(place) = out.get_mut(place..place + 4) {
                place.copy_from_slice(&offset.to_be_bytes());
            }
        }
        out.put_u32(u32::try_from(8 + self.bytes).unwrap_or(0));
        out.put_slice(b"mdat");
        out
    }

    fn write_preface(&mut self, preface: &Preface<'_>, fragment: usize, out: &mut Vec<u8>) {
        if let [major, ..] = preface.brands {
            write_brands(out, b"styp", major, preface.brands);
        }
        if let Some(time) = preface.producer_time
            && let Some(lane) = self.lane(time.track).filter(|lane| lane.track.number > 0)
        {
            let media_time = time.media_time.saturating_add_signed(lane.delay.into());
            ProducerTime { media_time, ..time }.write(lane.track.number, out);
        }
        for event in preface.events.iter().chain(&self.events) {
            event.write(out);
        }
        self.events.clear();
        let first = self.lanes.iter().find(|lane| !lane.frames.is_empty());
        if let Some(lane) = first.filter(|_| preface.index) {
            lane.index(fragment).write(out);
        }
    }

    fn lane(&mut self, track: TrackId) -> Option<&mut Lane> {
        self.lanes.iter_mut().find(|lane| lane.track.id == track)
    }
}

impl Lane {
    /// Writes `traf` and returns where its `data_offset` stands (ISO/IEC 14496-12 §8.8.6 to §8.8.12).
    ///
    /// What all frames have in common stands once in `tfhd`, the rest in the rows of `trun`.
    fn write(&mut self, out: &mut Vec<u8>) -> usize {
        let common = Common::of(&mut *self);
        let start = self.frames.first().map_or(0, |first| self.decode_time(first));
        let mut data_offset = 0;
        write_box(out, b"traf", |out| {
            let flags = 0x02_0000 // offsets count from the moof
                | flag(common.duration, 0x08)
                | flag(common.size, 0x10)
                | flag(common.flags, 0x20);
            write_full_box(out, b"tfhd", 0, flags, |out| {
                out.put_u32(self.track.number);
                [common.duration, common.size, common.flags]
                    .iter()
                    .flatten()
                    .for_each(|it| out.put_u32(*it));
            });
            write_full_box(out, b"tfdt", 1, 0, |out| out.put_u64(start));
            let rows = [
                common.duration.is_none(),
                common.size.is_none(),
                common.flags.is_none(),
                common.has_offsets,
            ];
            let flags = 0x01 // data_offset
                | flag(common.first_flags, 0x04)
                | u32::from(rows[0]) << 8
                | u32::from(rows[1]) << 9
                | u32::from(rows[2]) << 10
                | u32::from(rows[3]) << 11;
            // Version 1: composition offsets are signed.
            write_full_box(out, b"trun", u8::from(rows[3]), flags, |out| {
                out.put_u32(u32::try_from(self.frames.len()).unwrap_or(u32::MAX));
                data_offset = out.len();
                out.put_u32(0);
                common.first_flags.iter().for_each(|it| out.put_u32(*it));
                for frame in &self.frames {
                    let row = [
                        duration(frame),
                        size(frame),
                        sample_flags(frame, &self.track),
                        frame.cts.saturating_sub(self.delay).cast_unsigned(),
                    ];
                    for (field, _) in row.iter().zip(rows).filter(|(_, present)| *present) {
                        out.put_u32(*field);
                    }
                }
            });
        });
        data_offset
    }

    fn decode_time(&self, frame: &Frame) -> u64 {
        // Neither is negative: `push` refuses such times.
        (frame.dts + Ticks(self.delay.into())).0.cast_unsigned()
    }

    fn index(&self, fragment: usize) -> SegmentIndex {
        let earliest = self.frames.iter().map(|frame| frame.pts().0).min().unwrap_or(0);
        let duration = self.frames.iter().map(duration).fold(0, u32::saturating_add);
        let starts_with =
            self.frames.first().and_then(|first| access_point(&first.facts, &self.track));
        let size = u32::try_from(fragment).unwrap_or(u32::MAX);
        SegmentIndex::new(
            self.track.number,
            self.track.timescale,
            earliest.max(0).cast_unsigned(),
            Vec::from([Reference { size, duration, starts_with }]),
        )
    }
}

/// What the frames of a track have in common, so that it need not stand in every row.
struct Common {
    duration: Option<u32>,
    size: Option<u32>,
    /// Of all frames, or of all but the first.
    flags: Option<u32>,
    /// Of the first, if only that differs.
    first_flags: Option<u32>,
    has_offsets: bool,
}

impl Common {
    /// Also settles how long the last frame lasts.
    fn of(lane: &mut Lane) -> Self {
        let (usual, delay) = (NonZeroU32::new(lane.usual), lane.delay);
        if let Some(last) = lane.frames.last_mut() {
            last.duration = last.duration.or(usual);
            lane.usual = last.duration.map_or(lane.usual, NonZeroU32::get);
        }
        let track = &lane.track;
        let Some((first, rest)) = lane.frames.split_first() else {
            return Self {
                duration: None,
                size: None,
                flags: None,
                first_flags: None,
                has_offsets: false,
            };
        };
        let first_flags = sample_flags(first, track);
        let rest_flags = rest.first().map_or(first_flags, |second| sample_flags(second, track));
        let mut common = Self {
            duration: Some(duration(first)),
            // Rows of a size at least, so that a reader is not asked for frames that no byte stands for.
            size: Some(size(first)).filter(|size| *size > 0),
            flags: Some(rest_flags),
            first_flags: Some(first_flags).filter(|it| *it != rest_flags),
            has_offsets: first.cts != delay,
        };
        for frame in rest {
            common.duration = common.duration.filter(|it| *it == duration(frame));
            common.size = common.size.filter(|it| *it == size(frame));
            common.flags = common.flags.filter(|it| *it == sample_flags(frame, track));
            common.has_offsets |= frame.cts != delay;
        }
        common.first_flags = common.first_flags.filter(|_| common.flags.is_some());
        common
    }
}

fn limit(which: &'static str, count: usize, limit: usize) -> Result<(), Fmp4Error> {
    let refused = Fmp4Error::Limit { which, limit: u64::try_from(limit).unwrap_or(u64::MAX) };
    if count > limit { Err(refused) } else { Ok(()) }
}

fn flag(field: Option<u32>, bit: u32) -> u32 {
    if field.is_some() { bit } else { 0 }
}

fn duration(frame: &Frame) -> u32 {
    frame.duration.map_or(0, NonZeroU32::get)
}

fn size(frame: &Frame) -> u32 {
    u32::try_from(frame.data.len()).unwrap_or(u32::MAX)
}

/// The type of the stream access point that a frame is, if it is a sync sample.
fn access_point(facts: &FrameFacts, track: &InitTrack) -> Option<u8> {
    match facts.random_access {
        _ if track.all_sync => Some(1),
        RandomAccess::Instant => Some(1),
        RandomAccess::Recovery(0) if track.open_sync => Some(3),
        // Nobody looked into the frame: believe the container that it came in.
        RandomAccess::No if facts.marked_key && facts.slices == Slices::Unknown => Some(1),
        _ => None,
    }
}

/// ISO/IEC 14496-12 §8.8.3.1.
///
/// ```text
/// reserved 4 | is_leading 2 | depends_on 2 | is_depended_on 2 | redundancy 2 | padding 3 | non_sync 1 | priority 16
/// ```
fn sample_flags(frame: &Frame, track: &InitTrack) -> u32 {
    if track.all_sync {
        return 0x0200_0000;
    }
    let facts = &frame.facts;
    let sync = access_point(facts, track).is_some();
    let independent =
        sync || facts.slices == Slices::I || facts.random_access == RandomAccess::Intra;
    let leading = match facts.leading {
        Leading::Unknown => 0,
        Leading::Undecodable => 1,
        Leading::No => 2,
        Leading::Decodable => 3,
    };
    let depends_on = if independent { 2 } else { 1 };
    leading << 26
        | depends_on << 24
        | (u32::from(facts.disposable) * 2) << 22
        | u32::from(!sync) << 16
}
