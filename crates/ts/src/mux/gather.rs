//! Audio frames on their way into a PES packet that they share.

use alloc::vec::Vec;

use bytes::BufMut;
use levada_codec::{CodecError, aac, adts};
use levada_media::{AudioCodec, CodecParams};

use crate::clock::SECOND;
use crate::pes::MAX_PAYLOAD;

/// Gathers frames behind each other, each in the form that its codec has in a transport stream.
///
/// Invariant: `bytes` is at most [`MAX_PAYLOAD`] bytes, or one frame.
#[derive(Debug)]
pub(crate) struct Gatherer {
    framing: Framing,
    cadence: Cadence,
    bytes: Vec<u8>,
    first: i64,
    frames: i64,
}

/// What stands in front of a frame.
#[derive(Debug)]
enum Framing {
    /// Nothing: it has a header of its own.
    None,
    Adts(adts::Framer),
    /// The control header of the Opus mapping.
    Opus,
}

/// How long frames last, as far as it is known.
#[derive(Clone, Copy, Debug)]
enum Cadence {
    /// That many samples each, at that rate.
    Samples(i64, i64),
    /// Each for itself.
    Unknown,
}

impl Gatherer {
    pub(crate) fn new(params: &CodecParams) -> Result<Self, CodecError> {
        let audio = params.audio();
        let framing = match audio {
            Some(audio) if audio.codec == AudioCodec::Aac => {
                Framing::Adts(adts::Framer::new(&aac::Config::parse(&audio.config)?)?)
            }
            Some(audio) if audio.codec == AudioCodec::Opus => Framing::Opus,
            _ => Framing::None,
        };
        let cadence = match audio {
            Some(audio) if audio.sample_rate > 0 => {
                audio.samples_per_frame.map_or(Cadence::Unknown, |samples| {
                    Cadence::Samples(samples.into(), audio.sample_rate.into())
                })
            }
            _ => Cadence::Unknown,
        };
        Ok(Self { framing, cadence, bytes: Vec::new(), first: 0, frames: 0 })
    }

    /// Whether a frame cannot share a packet with what is there.
    pub(crate) fn is_broken_by(&self, pts: i64, payload: usize) -> bool {
        if self.bytes.is_empty() {
            return false;
        }
        let Some(next) = self.next() else { return true };
        let Cadence::Samples(samples, rate) = self.cadence else { return true };
        let tolerance = samples * SECOND / rate / 2;
        (pts.saturating_sub(next)).abs() > tolerance
            || self.bytes.len() + payload + adts::HEADER_LEN > MAX_PAYLOAD
    }

    /// Adds a frame.
    pub(crate) fn push(&mut self, pts: i64, data: &[u8]) -> Result<(), CodecError> {
        match &mut self.framing {
            Framing::None => {}
            Framing::Adts(framer) => self.bytes.extend_from_slice(framer.head(data.len())?),
            Framing::Opus => put_opus_control(data.len(), &mut self.bytes),
        }
        self.bytes.extend_from_slice(data);
        if self.frames == 0 {
            self.first = pts;
        }
        self.frames += 1;
        Ok(())
    }

    /// Whether there is nothing to wait for: the next frame would begin `hold` behind the first.
    pub(crate) fn is_full(&self, hold: i64) -> bool {
        self.next().is_none_or(|next| next.saturating_sub(self.first) >= hold)
    }

    /// When the first frame is shown that waits.
    pub(crate) fn waits_since(&self) -> Option<i64> {
        (self.frames > 0).then_some(self.first)
    }

    /// Lends what was gathered, for the borrower to clear, and when it is shown. The next frame is a first one.
    pub(crate) fn take(&mut self) -> Option<(i64, &mut Vec<u8>)> {
        (core::mem::take(&mut self.frames) > 0).then_some((self.first, &mut self.bytes))
    }

    /// When the next frame begins if it follows without a gap.
    fn next(&self) -> Option<i64> {
        match self.cadence {
            Cadence::Samples(samples, rate) => {
                Some(self.first.saturating_add((self.frames * samples * SECOND + rate / 2) / rate))
            }
            Cadence::Unknown => None,
        }
    }
}

/// The control header of "Encapsulation of Opus packets in MPEG-TS": prefix and flags, then the length in as many
/// bytes of 255 as it has, and the rest.
///
/// ```text
/// 0x3FF:11 start_trim:1 end_trim:1 extension:1 00   FF*  length % 255
/// ```
fn put_opus_control(len: usize, bytes: &mut Vec<u8>) {
    bytes.put_u16(0x3FF << 5);
    bytes.put_bytes(0xFF, len / 255);
    bytes.put_u8(u8::try_from(len % 255).unwrap_or_default());
}
