//! Where packets begin: they have no length and no escape, only their first byte, over and over.
//!
//! ```text
//! 188        47 … │ 47 … │ 47 …              as it is
//! 192   ttttt47 … │ ttttt47 … │ …            M2TS: four bytes of arrival time in front
//! 204        47 … pppp │ 47 … pppp │ …       with 16 bytes of parity behind
//! ```

use bytes::{Buf, BytesMut};

use crate::packet::{PACKET, SYNC};

/// Size of a packet with what surrounds it, and where in it the packet begins.
const FORMS: [(usize, usize); 3] = [(PACKET, 0), (PACKET + 4, 4), (PACKET + 16, 0)];

/// How many packets in a row must begin where they should before a beginning is believed.
const STRIDES: usize = 3;

/// Bytes that are needed to try all forms at one place.
const WINDOW: usize = 4 + 204 * (STRIDES - 1) + 1;

/// Skipped bytes after which it is told, even if no packet follows.
const REPORT: usize = 64 * 1024;

#[derive(Debug)]
pub(crate) struct Framing {
    /// `None` while it is looked for.
    form: Option<(usize, usize)>,
    /// Bytes taken off the input in all.
    offset: u64,
    /// Of which were skipped since that was told last. Less than [`REPORT`].
    skipped: usize,
    /// Whether no more bytes will come.
    ended: bool,
}

/// What is at the front of the input.
#[derive(Debug)]
pub(crate) enum Front {
    /// A packet that begins behind `lead` bytes and ends, with all that surrounds it, behind `size`. It stays until
    /// [`Framing::pass`].
    Packet { lead: usize, size: usize },
    /// So many bytes were no packet, and are gone.
    Skipped(u64),
}

impl Framing {
    pub(crate) fn new() -> Self {
        Self { form: None, offset: 0, skipped: 0, ended: false }
    }

    /// Where the front of the input is in the stream.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// No more bytes will come.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.ended
    }

    /// What is at the front, if it is all there. Takes bytes that certainly are no packet.
    pub(crate) fn look(&mut self, input: &mut BytesMut) -> Option<Front> {
        loop {
            let Some((size, lead)) = self.form else {
                if let Some(front) = self.search(input) {
                    return Some(front);
                }
                self.form?;
                continue;
            };
            if input.get(lead).is_some_and(|&first| first != SYNC) {
                self.form = None;
                continue;
            }
            let size = if self.ended { size.min(input.len()) } else { size };
            if input.len() < size.max(lead + PACKET) {
                return self.ended.then(|| self.skip_rest(input)).flatten();
            }
            return Some(Front::Packet { lead, size });
        }
    }

    /// Takes bytes that were a packet.
    pub(crate) fn pass(&mut self, size: usize, input: &mut BytesMut) {
        input.advance(size);
        self.offset += size as u64;
    }

    /// Looks for a form and a place where packets begin, and skips up to it.
    fn search(&mut self, input: &mut BytesMut) -> Option<Front> {
        let places =
            if self.ended { input.len() } else { (input.len() + 1).saturating_sub(WINDOW) };
        let places = places.min(REPORT - self.skipped);
        let found = (0..places).find_map(|at| {
            let rest = input.get(at..)?;
            Some((at, FORMS.into_iter().find(|form| self.fits(rest, *form))?))
        });
        let skipped = found.map_or(places, |(at, _)| at);
        input.advance(skipped);
        self.offset += skipped as u64;
        self.skipped += skipped;
        self.form = found.map(|(_, form)| form);
        let tell = found.is_some() || self.ended || self.skipped >= REPORT;
        (tell && self.skipped > 0)
            .then(|| Front::Skipped(core::mem::take(&mut self.skipped) as u64))
    }

    fn fits(&self, bytes: &[u8], (size, lead): (usize, usize)) -> bool {
        let firsts = (0..STRIDES).map(|stride| bytes.get(lead + stride * size));
        let whole = bytes.len() >= lead + PACKET;
        whole && firsts.flatten().all(|first| *first == SYNC)
    }

    fn skip_rest(&mut self, input: &mut BytesMut) -> Option<Front> {
        let rest = input.len() as u64;
        input.clear();
        self.offset += rest;
        (rest > 0).then_some(Front::Skipped(rest))
    }
}
