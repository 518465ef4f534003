//! PES payloads of audio: any number of frames, which may be cut anywhere.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem::take;

use bytes::Bytes;
use levada_media::{
    CodecParams, Frame, MediaEvent, RandomAccess, Ticks, Timescale, Track, TrackId,
};

use super::cutter::{Cut, Cutter, Needs};
use super::sink::Sink;
use crate::Finding;
use crate::clock::SECOND;

/// The most frames in one PES packet; what follows is dropped. Usual ones have up to a dozen.
const MAX_FRAMES: usize = 1024;

/// The most bytes of a frame whose end has not come.
const MAX_REST: usize = 64 * 1024;

#[derive(Debug)]
pub(crate) struct AudioReader {
    id: TrackId,
    language: Option<Arc<str>>,
    cutter: Cutter,
    /// What the frames need that came last, and whether they can have it.
    announced: Option<(Needs, bool)>,
    /// The beginning of a frame whose end is in the next PES packet.
    rest: Vec<u8>,
    /// The last timestamp, and the samples of the frames since.
    clock: Option<(i64, u64)>,
}

impl AudioReader {
    pub(crate) fn new(id: TrackId, language: Option<Arc<str>>, cutter: Cutter) -> Self {
        Self { id, language, cutter, announced: None, rest: Vec::new(), clock: None }
    }

    pub(crate) fn is_announced(&self) -> bool {
        matches!(self.announced, Some((_, true)))
    }

    /// Makes the frames that end in a PES packet.
    ///
    /// Its timestamp is that of the first frame that begins in it (ISO/IEC 13818-1 §2.4.3.7).
    pub(crate) fn read(&mut self, pts: Option<i64>, payload: &[u8], sink: &mut Sink<'_>) {
        let carried = self.rest.len();
        let mut bytes = take(&mut self.rest);
        bytes.extend_from_slice(payload);
        let mut timestamp = pts;
        if pts.is_none() {
            sink.found(Finding::NoTimestamp(self.id));
        }

        let mut at = 0;
        let mut skipped = 0;
        let mut room = MAX_FRAMES;
        while let Some(cut) = self.cutter.next(&bytes, &mut at, &mut skipped) {
            if room == 0 {
                skipped += (bytes.len() - cut.start) as u64;
                at = bytes.len();
                break;
            }
            room -= 1;
            if cut.start >= carried
                && let Some(pts) = timestamp.take()
            {
                self.clock = Some((pts, 0));
            }
            self.frame(&cut, sink);
        }
        if skipped > 0 {
            sink.found(Finding::BytesBetweenFrames { track: self.id, skipped });
        }
        bytes.drain(..at);
        if bytes.len() > MAX_REST {
            let skipped = bytes.len() as u64;
            sink.found(Finding::BytesBetweenFrames { track: self.id, skipped });
            bytes.clear();
        }
        self.rest = bytes;
    }

    /// Forgets a frame whose end was lost.
    pub(crate) fn reset(&mut self) {
        self.rest.clear();
    }

    fn frame(&mut self, cut: &Cut<'_>, sink: &mut Sink<'_>) {
        let Some((base, samples)) = &mut self.clock else { return };
        let (base, before) = (*base, *samples);
        *samples = samples.saturating_add(cut.samples.into());
        let usable = match &self.announced {
            Some((needs, usable)) if *needs == cut.needs => *usable,
            _ => {
                let usable = self.announce(cut, sink);
                self.announced = Some((cut.needs.clone(), usable));
                usable
            }
        };
        if !usable || cut.payload.is_empty() {
            return sink.found(Finding::BadFrame(self.id));
        }
        let pts = base.saturating_add(ticks(before, cut.rate));
        let mut frame = Frame::new(self.id, Ticks(pts), Bytes::copy_from_slice(cut.payload));
        frame.facts.random_access = RandomAccess::Instant;
        sink.media(MediaEvent::Frame(frame));
    }

    fn announce(&self, cut: &Cut<'_>, sink: &mut Sink<'_>) -> bool {
        let Ok(params) = self.cutter.params(cut) else {
            sink.found(Finding::BadParameters(self.id));
            return false;
        };
        let mut track = Track::new(self.id, Timescale::MPEG, CodecParams::Audio(params));
        track.language = self.language.clone();
        sink.media(MediaEvent::Track(track));
        true
    }
}

/// Samples in 90 kHz ticks.
fn ticks(samples: u64, rate: u32) -> i64 {
    let rate = u64::from(rate.max(1));
    let whole = samples.saturating_mul(SECOND.cast_unsigned()).saturating_add(rate / 2) / rate;
    i64::try_from(whole).unwrap_or(i64::MAX)
}
