//! Frames into packets.

mod clock;
mod gather;
mod multiplex;
mod picture;
mod program;
mod timeline;

use alloc::vec::Vec;

use bytes::BytesMut;
use levada_codec::CodecError;
use levada_media::{CodecParams, Frame, MediaEvent, MediaKind, Track, TrackId};

use crate::carriage::Carriage;
use crate::packetize::PacketWriter;
use crate::pes::Times;
use crate::{MuxConfig, TsError};
use clock::ticks;
use gather::Gatherer;
use multiplex::Multiplex;
use picture::PictureWriter;
use program::Entry;
use timeline::{MAX_COMPOSITION, Timeline};

/// The most tracks that a stream can have at once. Each costs a few hundred bytes, and what
/// [`MuxConfig::audio_hold`] holds back.
pub const MAX_TRACKS: usize = 16;

/// Writes frames as an MPEG transport stream.
///
/// Each call appends whole packets of 188 bytes to the caller's buffer. Frames come in decoding order within their
/// track, and tracks interleaved by decoding time.
///
/// For HLS, a segment is what is written from one [`start_segment`](Self::start_segment) to the next:
///
/// ```
/// use bytes::{Bytes, BytesMut};
/// use levada_media::{CodecParams, DataCodec, Frame, MediaEvent, Ticks, Timescale, Track, TrackId};
/// use levada_ts::{MuxConfig, TsMuxer};
///
/// let track = Track::new(TrackId::data(0), Timescale::MPEG, CodecParams::Data(DataCodec::Id3));
/// let frame = Frame::new(track.id, Ticks(0), Bytes::from_static(b"ID3"));
///
/// let mut muxer = TsMuxer::new(MuxConfig::default());
/// let mut segment = BytesMut::new();
/// muxer.push(&MediaEvent::Track(track), &mut segment)?;
/// muxer.start_segment();
/// muxer.push(&MediaEvent::Frame(frame), &mut segment)?;
/// muxer.flush(&mut segment);
/// assert_eq!(segment.len(), 3 * 188); // PAT, PMT, one frame
/// # Ok::<(), levada_ts::TsError>(())
/// ```
#[derive(Debug)]
pub struct TsMuxer {
    start: i64,
    audio_hold: i64,
    tracks: Vec<TrackWriter>,
    multiplex: Multiplex,
}

/// What had to be changed to write a frame. Usually nothing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Written {
    /// By how many 90 kHz ticks it is decoded later than it says, so that it comes behind the frame before it.
    /// Negative where it is decoded earlier, so that it is not shown before.
    pub dts_moved: i64,
    /// By how many 90 kHz ticks it is shown later than it says, as it is not decoded before.
    pub pts_moved: i64,
    /// Its time is so far from what came before that the stream's clock was restarted, and marked so.
    pub discontinuity: bool,
    /// It has no payload, and was left out.
    pub empty: bool,
}

/// One track: what its frames become, and when.
#[derive(Debug)]
struct TrackWriter {
    id: TrackId,
    entry: Entry,
    /// Whether it has ended. Its place, PID and counter wait for another.
    ended: bool,
    timeline: Timeline,
    form: Form,
}

/// How frames become the payload of PES packets.
#[derive(Debug)]
enum Form {
    /// A picture of any length is spread over packets as it is converted.
    Picture(PictureWriter),
    /// All else is small, and gathered.
    Bytes(Gatherer),
}

impl TsMuxer {
    /// A muxer without tracks.
    pub fn new(config: MuxConfig) -> Self {
        Self {
            start: ticks(config.start),
            audio_hold: ticks(config.audio_hold),
            tracks: Vec::new(),
            multiplex: Multiplex::new(&config),
        }
    }

    /// Writes what an event means.
    ///
    /// A new or changed track is in the tables in front of the next frame. Audio frames may wait for others, see
    /// [`MuxConfig::audio_hold`].
    ///
    /// # Errors
    ///
    /// Nothing of the event was written, and the muxer goes on.
    pub fn push(&mut self, event: &MediaEvent, out: &mut BytesMut) -> Result<Written, TsError> {
        match event {
            MediaEvent::Track(track) => self.set_track(track, out).map(|()| Written::default()),
            MediaEvent::Frame(frame) => self.write_frame(frame, out),
            MediaEvent::End(id) => {
                self.end_track(*id, out);
                Ok(Written::default())
            }
        }
    }

    /// Has the next packets begin a segment: with PAT and PMT. Counters and times go on.
    ///
    /// [`flush`](Self::flush) into the segment before it first.
    pub fn start_segment(&mut self) {
        self.multiplex.start_segment();
    }

    /// Writes the audio frames that wait for others.
    pub fn flush(&mut self, out: &mut BytesMut) {
        self.flush_before(i64::MAX, out);
    }

    /// Tells the reader that times do not go on from here: the source is another, or has restarted.
    pub fn mark_discontinuity(&mut self) {
        self.multiplex.restart();
        for track in &mut self.tracks {
            track.timeline.restart();
        }
    }

    fn set_track(&mut self, track: &Track, out: &mut BytesMut) -> Result<(), TsError> {
        let mut writer = TrackWriter::new(track)?;
        self.flush_track(track.id, out);
        let same = self.tracks.iter().position(|it| it.id == track.id);
        let full = self.tracks.len() >= MAX_TRACKS;
        let place = same.or_else(|| self.tracks.iter().position(|it| full && it.ended));
        match place.and_then(|index| self.tracks.get_mut(index)) {
            Some(place) => {
                writer.timeline.follow(&place.timeline);
                *place = writer;
            }
            None if full => {
                let limit = MAX_TRACKS as u64;
                return Err(TsError::Limit { track: track.id, which: "tracks", limit });
            }
            None => self.tracks.push(writer),
        }
        self.set_program();
        Ok(())
    }

    fn end_track(&mut self, id: TrackId, out: &mut BytesMut) {
        self.flush_track(id, out);
        self.tracks.iter_mut().filter(|it| it.id == id).for_each(|it| it.ended = true);
        self.set_program();
    }

    fn flush_track(&mut self, id: TrackId, out: &mut BytesMut) {
        let Self { tracks, multiplex, .. } = self;
        for (index, track) in tracks.iter_mut().enumerate().filter(|(_, it)| it.id == id) {
            track.flush_before(i64::MAX, index, multiplex, out);
        }
    }

    /// The clock is in the packets of the first video track, or else of the first audio track.
    fn set_program(&mut self) {
        let live = || self.tracks.iter().enumerate().filter(|(_, it)| !it.ended);
        let first = |kind| live().find(|(_, it)| it.id.kind == kind).map(|(index, _)| index);
        let clock = first(MediaKind::Video).or_else(|| first(MediaKind::Audio));
        self.multiplex.set_program(clock, live().map(|(index, it)| (index, &it.entry)));
    }

    fn write_frame(&mut self, frame: &Frame, out: &mut BytesMut) -> Result<Written, TsError> {
        let id = frame.track;
        let unknown = TsError::UnknownTrack(id);
        let live = |it: &TrackWriter| it.id == id && !it.ended;
        let index = self.tracks.iter().position(live).ok_or(unknown)?;
        let track = self.tracks.get(index).ok_or(unknown)?;
        let limit = MAX_COMPOSITION.cast_unsigned();
        let wanted = track.timeline.times(frame, self.start).ok_or(TsError::Limit {
            track: id,
            which: "ticks between decoding and showing",
            limit,
        })?;
        // Data may lie far ahead, and come late.
        let discontinuity = id.kind != MediaKind::Data
            && (self.multiplex.is_passed_by(wanted.dts) || track.timeline.is_restarted_by(wanted));
        if discontinuity {
            self.flush(out);
            self.mark_discontinuity();
        }
        self.flush_before(wanted.dts.saturating_sub(self.audio_hold), out);

        let Self { tracks, multiplex, audio_hold, .. } = self;
        let track = tracks.get_mut(index).ok_or(unknown)?;
        let times = track.timeline.put_in_order(wanted);
        let written = track
            .write(index, frame, times, *audio_hold, multiplex, out)
            .map_err(|why| TsError::of(id, why))?;
        Ok(Written {
            dts_moved: times.dts.saturating_sub(wanted.dts),
            pts_moved: times.pts.saturating_sub(wanted.pts),
            discontinuity,
            empty: !written,
        })
    }

    fn flush_before(&mut self, time: i64, out: &mut BytesMut) {
        let Self { tracks, multiplex, .. } = self;
        for (index, track) in tracks.iter_mut().enumerate() {
            track.flush_before(time, index, multiplex, out);
        }
    }
}

impl TrackWriter {
    fn new(track: &Track) -> Result<Self, TsError> {
        let id = track.id;
        let carriage = Carriage::of_track(&track.params)
            .map_err(|what| TsError::Unsupported { track: id, what })?;
        let form = match &*track.params {
            CodecParams::Video(video) => PictureWriter::new(video).map(Form::Picture),
            params => Gatherer::new(params).map(Form::Bytes),
        };
        Ok(Self {
            id,
            entry: Entry::new(carriage, track),
            ended: false,
            timeline: Timeline::new(track.timescale),
            form: form.map_err(|why| TsError::of(id, why))?,
        })
    }

    /// Whether there was anything to write.
    fn write(
        &mut self,
        index: usize,
        frame: &Frame,
        times: Times,
        hold: i64,
        multiplex: &mut Multiplex,
        out: &mut BytesMut,
    ) -> Result<bool, CodecError> {
        match &mut self.form {
            Form::Picture(writer) => {
                let Some(picture) = writer.plan(frame)? else { return Ok(false) };
                let heading = self.entry.heading(index, times, picture.random_access);
                let put =
                    |packets: &mut PacketWriter<'_>| writer.put(picture, &frame.data, packets);
                multiplex.write_picture(heading, picture.len, put, out);
            }
            Form::Bytes(_) if frame.data.is_empty() => return Ok(false),
            Form::Bytes(gatherer) => {
                if gatherer.is_broken_by(times.pts, frame.data.len()) {
                    flush(gatherer, &self.entry, index, multiplex, out);
                }
                gatherer.push(times.pts, &frame.data)?;
                if gatherer.is_full(hold) {
                    flush(gatherer, &self.entry, index, multiplex, out);
                }
            }
        }
        Ok(true)
    }

    /// Writes what has waited since `time` or longer.
    fn flush_before(
        &mut self,
        time: i64,
        index: usize,
        multiplex: &mut Multiplex,
        out: &mut BytesMut,
    ) {
        if let Form::Bytes(gatherer) = &mut self.form
            && gatherer.waits_since().is_some_and(|since| since <= time)
        {
            flush(gatherer, &self.entry, index, multiplex, out);
        }
    }
}

fn flush(
    gatherer: &mut Gatherer,
    entry: &Entry,
    index: usize,
    multiplex: &mut Multiplex,
    out: &mut BytesMut,
) {
    if let Some((pts, bytes)) = gatherer.take() {
        let random_access = entry.carriage != Carriage::Id3;
        let heading = entry.heading(index, Times { pts, dts: pts }, random_access);
        multiplex.write_bytes(heading, bytes, out);
        bytes.clear();
    }
}
