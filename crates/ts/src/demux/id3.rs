//! PES payloads of timed ID3: one tag, or a piece of one.

use alloc::sync::Arc;
use alloc::vec::Vec;

use bytes::Bytes;
use levada_codec::mp3::id3v2_len;
use levada_media::{
    CodecParams, DataCodec, Frame, MediaEvent, RandomAccess, Ticks, Timescale, Track, TrackId,
};

use super::sink::Sink;
use crate::Finding;

/// The longest tag that is read.
const MAX_TAG: usize = 256 * 1024;

/// Bytes in front of a tag that some writers put there: the header of a metadata access unit cell (ISO/IEC 13818-1
/// §2.12.4.2).
const CELL_HEADER: usize = 5;

#[derive(Debug)]
pub(crate) struct Id3Reader {
    id: TrackId,
    language: Option<Arc<str>>,
    announced: bool,
    /// The tag whose end has not come, and when it takes effect.
    tag: Vec<u8>,
    pts: i64,
}

impl Id3Reader {
    pub(crate) fn new(id: TrackId, language: Option<Arc<str>>) -> Self {
        Self { id, language, announced: false, tag: Vec::new(), pts: 0 }
    }

    pub(crate) fn is_announced(&self) -> bool {
        self.announced
    }

    /// Takes a PES packet. One without a timestamp goes on with the tag before it.
    pub(crate) fn read(&mut self, pts: Option<i64>, payload: &[u8], sink: &mut Sink<'_>) {
        if let Some(pts) = pts {
            if !self.tag.is_empty() {
                sink.found(Finding::BadFrame(self.id));
            }
            let cell = payload.get(CELL_HEADER..).filter(|it| it.starts_with(b"ID3"));
            self.tag.clear();
            self.tag.extend_from_slice(cell.unwrap_or(payload));
            self.pts = pts;
        } else if self.tag.is_empty() {
            return sink.found(Finding::NoTimestamp(self.id));
        } else {
            self.tag.extend_from_slice(payload);
        }
        let Some(len) = id3v2_len(&self.tag).filter(|len| *len <= MAX_TAG) else {
            self.tag.clear();
            return sink.found(Finding::BadFrame(self.id));
        };
        if let Some(tag) = self.tag.get(..len) {
            let data = Bytes::copy_from_slice(tag);
            self.tag.clear();
            self.emit(data, sink);
        }
    }

    /// Forgets a tag whose end was lost.
    pub(crate) fn reset(&mut self) {
        self.tag.clear();
    }

    fn emit(&mut self, data: Bytes, sink: &mut Sink<'_>) {
        if !self.announced {
            let mut track = Track::new(self.id, Timescale::MPEG, CodecParams::Data(DataCodec::Id3));
            track.language = self.language.clone();
            sink.media(MediaEvent::Track(track));
            self.announced = true;
        }
        let mut frame = Frame::new(self.id, Ticks(self.pts), data);
        frame.facts.random_access = RandomAccess::Instant;
        sink.media(MediaEvent::Frame(frame));
    }
}
