//! Frames into the bytes of parts: one seam for both containers.

use bytes::{Bytes, BytesMut};
use levada_fmp4::{Fragmenter, InitSegment, Pieces, Preface};
use levada_media::{Frame, MediaEvent, Ticks, Track, TrackId};
use levada_ts::{MuxConfig, TsMuxer};

use crate::{Container, SegmentError};

/// Makes parts of frames, in one container.
#[derive(Debug)]
pub(crate) enum Package {
    /// One fragment a part.
    Fmp4 { init: Bytes, fragmenter: Fragmenter, begins: bool },
    /// Whole packets.
    Ts { muxer: TsMuxer, packets: BytesMut },
}

impl Package {
    pub(crate) fn new(container: Container, tracks: &[Track]) -> Result<Self, SegmentError> {
        match container {
            Container::Fmp4 => {
                let init = InitSegment::new(tracks)?;
                let fragmenter = Fragmenter::new(&init);
                Ok(Self::Fmp4 { init: init.bytes(), fragmenter, begins: true })
            }
            Container::Ts => {
                // The tables stand at the start of each segment, which is enough for HLS.
                let mut config = MuxConfig::default();
                config.table_interval = None;
                let (mut muxer, mut packets) = (TsMuxer::new(config), BytesMut::new());
                for track in tracks {
                    muxer.push(&MediaEvent::Track(track.clone()), &mut packets)?;
                }
                Ok(Self::Ts { muxer, packets })
            }
        }
    }

    /// The init section, where the container has one.
    pub(crate) fn init(&self) -> Option<Bytes> {
        match self {
            Self::Fmp4 { init, .. } => Some(init.clone()),
            Self::Ts { .. } => None,
        }
    }

    pub(crate) fn push(&mut self, frame: Frame) -> Result<(), SegmentError> {
        match self {
            Self::Fmp4 { fragmenter, .. } => fragmenter.push(frame)?,
            Self::Ts { muxer, packets } => {
                muxer.push(&MediaEvent::Frame(frame), packets)?;
            }
        }
        Ok(())
    }

    /// The bytes since the last cut. `next` says when each track goes on.
    pub(crate) fn cut(&mut self, next: impl Iterator<Item = (TrackId, Ticks)>) -> Pieces {
        match self {
            Self::Fmp4 { fragmenter, begins, .. } => {
                next.for_each(|(track, dts)| fragmenter.continue_at(track, dts));
                let preface =
                    if core::mem::take(begins) { Preface::segment() } else { Preface::default() };
                fragmenter.cut(&preface).unwrap_or_default()
            }
            Self::Ts { muxer, packets } => {
                muxer.flush(packets);
                Pieces::from(packets.split().freeze())
            }
        }
    }

    /// Has the next bytes begin a segment.
    pub(crate) fn start_segment(&mut self) {
        match self {
            Self::Fmp4 { begins, .. } => *begins = true,
            Self::Ts { muxer, .. } => muxer.start_segment(),
        }
    }
}
