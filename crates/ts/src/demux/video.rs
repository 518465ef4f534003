//! PES payloads of H.264 and H.265: from start codes to lengths, with the parameter sets in the track.

use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};
use levada_codec::{CodecError, Inspector, avc, hevc, nal, video_params};
use levada_media::{CodecParams, Frame, MediaEvent, Ticks, Timescale, Track, TrackId, VideoCodec};

use super::sink::Sink;
use crate::Finding;
use crate::pes::Times;

/// The most access units in one PES packet. HLS has one; broadcasts may have a few.
const MAX_FRAMES: usize = 64;

#[derive(Debug)]
pub(crate) struct VideoReader {
    id: TrackId,
    codec: VideoCodec,
    /// `None` before the first parameter sets.
    current: Option<Current>,
    last: Option<Times>,
    /// Ticks between the last two frames.
    step: i64,
}

/// The parameters that frames need.
#[derive(Debug)]
struct Current {
    config: Bytes,
    parameter_sets: Vec<Bytes>,
    inspector: Inspector,
    interlaced: bool,
}

/// What a NAL unit is to us.
enum Unit {
    Delimiter,
    ParameterSet { sequence: bool },
    Sample,
    Dropped,
}

impl VideoReader {
    pub(crate) fn new(id: TrackId, codec: VideoCodec) -> Self {
        Self { id, codec, current: None, last: None, step: 1 }
    }

    pub(crate) fn is_announced(&self) -> bool {
        self.current.is_some()
    }

    /// Makes the frames of a PES packet, usually one.
    ///
    /// A delimiter inside begins another frame, unless pictures may be fields: two fields are one frame.
    pub(crate) fn read(
        &mut self,
        times: Option<Times>,
        marked_key: bool,
        payload: &[u8],
        sink: &mut Sink<'_>,
    ) {
        let mut frame = BytesMut::with_capacity(payload.len());
        let mut sets: Vec<&[u8]> = Vec::new();
        let mut times = times;
        let mut frames = 0;
        for unit in nal::annex_b_units(payload) {
            match self.kind_of(unit) {
                Unit::Delimiter if !frame.is_empty() && !self.is_interlaced() => {
                    self.finish(times.take(), marked_key, &sets, frame.split().freeze(), sink);
                    sets.clear();
                    frames += 1;
                    if frames == MAX_FRAMES {
                        return sink.found(Finding::BadFrame(self.id));
                    }
                }
                Unit::Delimiter | Unit::Dropped => {}
                Unit::ParameterSet { .. } if sets.len() >= nal::MAX_UNITS => {}
                Unit::ParameterSet { .. } => sets.push(unit),
                Unit::Sample => nal::put_length_prefixed(unit, &mut frame),
            }
        }
        self.finish(times, marked_key, &sets, frame.freeze(), sink);
    }

    fn finish(
        &mut self,
        times: Option<Times>,
        marked_key: bool,
        sets: &[&[u8]],
        data: Bytes,
        sink: &mut Sink<'_>,
    ) {
        if !sets.is_empty() && self.configure(sets, sink).is_err() {
            sink.found(Finding::BadParameters(self.id));
        }
        if data.is_empty() {
            if sets.is_empty() {
                sink.found(Finding::BadFrame(self.id));
            }
            return;
        }
        let Some(times) = self.times(times, sink) else { return };
        let Some(current) = &mut self.current else {
            return sink.found(Finding::BeforeParameters(self.id));
        };
        let mut facts = current.inspector.inspect(&data);
        facts.marked_key = marked_key;
        let mut frame = Frame::new(self.id, Ticks(times.dts), data);
        frame.cts = super::composition(times);
        frame.facts = facts;
        sink.media(MediaEvent::Frame(frame));
    }

    /// The times of the next frame: its own, or one step behind the frame before it.
    fn times(&mut self, own: Option<Times>, sink: &mut Sink<'_>) -> Option<Times> {
        let times = match (own, self.last) {
            (Some(own), last) => {
                self.step = last.map_or(1, |last| own.dts.saturating_sub(last.dts)).max(1);
                own
            }
            (None, last) => {
                sink.found(Finding::NoTimestamp(self.id));
                let last = last?;
                let dts = last.dts.saturating_add(self.step);
                Times { dts, pts: dts }
            }
        };
        self.last = Some(times);
        Some(times)
    }

    /// Takes a frame's own parameter sets, and announces the track if they are new.
    fn configure(&mut self, sets: &[&[u8]], sink: &mut Sink<'_>) -> Result<(), CodecError> {
        let brings_sequence = sets
            .iter()
            .any(|set| matches!(self.kind_of(set), Unit::ParameterSet { sequence: true }));
        // Without a sequence parameter set of its own, a frame adds to what there was.
        let kept = match &self.current {
            Some(current) if !brings_sequence => &current.parameter_sets[..],
            _ => &[],
        };
        let mut all: Vec<&[u8]> = kept.iter().map(|it| &it[..]).collect();
        for set in sets {
            if !all.contains(set) {
                all.push(set);
            }
        }
        let config = match self.codec {
            VideoCodec::Hevc => hevc::Config::from_units(all.iter().copied())?.encode()?,
            _ => avc::Config::from_units(all.iter().copied())?.encode()?,
        };
        if self.current.as_ref().is_some_and(|it| it.config == config) {
            return Ok(());
        }
        let params = video_params(self.codec, config.clone())?;
        let interlaced = params.interlaced;
        let params = CodecParams::Video(params);
        self.current = Some(Current {
            config,
            parameter_sets: all.into_iter().map(Bytes::copy_from_slice).collect(),
            inspector: Inspector::new(&params),
            interlaced,
        });
        sink.media(MediaEvent::Track(Track::new(self.id, Timescale::MPEG, params)));
        Ok(())
    }

    fn is_interlaced(&self) -> bool {
        self.current.as_ref().is_some_and(|it| it.interlaced)
    }

    fn kind_of(&self, unit: &[u8]) -> Unit {
        let first = unit.first().copied().unwrap_or_default();
        let (kind, is_sample) = match self.codec {
            VideoCodec::Hevc => (first >> 1 & 0x3F, hevc::is_sample_unit(unit)),
            _ => (first & 0x1F, avc::is_sample_unit(unit)),
        };
        match (self.codec, kind) {
            _ if is_sample => Unit::Sample,
            // H.265 table 7-1
            (VideoCodec::Hevc, 35) => Unit::Delimiter,
            (VideoCodec::Hevc, 32 | 34) => Unit::ParameterSet { sequence: false },
            (VideoCodec::Hevc, 33) => Unit::ParameterSet { sequence: true },
            // H.264 table 7-1
            (VideoCodec::Avc, 9) => Unit::Delimiter,
            (VideoCodec::Avc, 8 | 13) => Unit::ParameterSet { sequence: false },
            (VideoCodec::Avc, 7) => Unit::ParameterSet { sequence: true },
            _ => Unit::Dropped,
        }
    }
}
