//! The boxes of a fragmented file, for the finaliser and the index.

use core::ops::Range;

use bytes::Bytes;

use crate::fields::length_of;
use crate::fragment_head::FragmentHead;
use crate::movie::Extends;
use crate::{Fmp4Error, ReadLimits};

/// How much is read where a box begins, to have most heads of fragments in one read.
const READ_AHEAD: u64 = 4 * 1024;

/// Goes through the boxes of a recording without reading its media.
#[derive(Debug)]
pub(crate) struct Scanner {
    /// The recording's length, and how much of it is whole boxes. The second is found by the first pass.
    length: u64,
    end: u64,
    limits: ReadLimits,
    /// Where the next box begins.
    position: u64,
    /// What was read last, and where it begins.
    window: Bytes,
    window_start: u64,
    asked: Option<Range<u64>>,
    /// A fragment's head that waits for its media, and where it begins.
    head: Option<(FragmentHead, u64)>,
    short_read: bool,
}

/// What a scanner finds.
#[derive(Debug)]
pub(crate) enum Found {
    /// Nothing before these bytes are there.
    Need(Range<u64>),
    /// The body of a `moov`, and where it begins.
    Movie {
        body: Bytes,
        offset: u64,
    },
    Fragment(Fragment),
    End,
}

/// A `moof`, and the body of its `mdat`.
#[derive(Debug)]
pub(crate) struct Fragment {
    pub(crate) head: FragmentHead,
    /// Where the `moof` begins.
    pub(crate) begin: u64,
    pub(crate) payload: Range<u64>,
}

/// A box of the recording.
struct Outline {
    kind: [u8; 4],
    body: Range<u64>,
}

impl Scanner {
    pub(crate) fn new(length: u64, limits: ReadLimits) -> Self {
        Self {
            length,
            end: length,
            limits,
            position: 0,
            window: Bytes::new(),
            window_start: 0,
            asked: None,
            head: None,
            short_read: false,
        }
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    pub(crate) fn left_out(&self) -> u64 {
        self.length - self.end
    }

    pub(crate) fn restart(&mut self) {
        self.position = 0;
    }

    pub(crate) fn supply(&mut self, bytes: Bytes) {
        if let Some(asked) = self.asked.take() {
            self.short_read = length_of(bytes.len()) < asked.end - asked.start;
            (self.window, self.window_start) = (bytes, asked.start);
        }
    }

    /// The file has grown to this length.
    pub(crate) fn grow(&mut self, length: u64) {
        self.position = self.position.min(self.end);
        (self.length, self.end) = (length, length);
    }

    /// The next thing of interest. `defaults` knows the index and the defaults of a track by its number.
    pub(crate) fn next(
        &mut self,
        defaults: impl Fn(u32) -> Option<(usize, Extends)>,
    ) -> Result<Found, Fmp4Error> {
        if self.short_read {
            let what = "the recording ends before the length that was told";
            return Err(self.malformed(what, "4.2"));
        }
        while self.position < self.end {
            let outline = match self.outline()? {
                Ok(outline) if outline.body.end <= self.end => outline,
                Ok(_) => break,
                Err(needed) if needed.end <= self.end => return Ok(self.need(needed)),
                Err(_) => break,
            };
            let limit = match &outline.kind {
                b"moov" => ("moov", self.limits.moov),
                b"moof" => ("moof", self.limits.moof),
                b"mdat" => {
                    self.position = outline.body.end;
                    match self.head.take() {
                        Some((head, begin)) => {
                            return self.fragment(head, begin, outline.body).map(Found::Fragment);
                        }
                        None => continue, // media that nobody speaks of
                    }
                }
                _ => {
                    self.position = outline.body.end;
                    continue;
                }
            };
            let Range { start, end } = outline.body;
            if end - start > limit.1.into() {
                return Err(Fmp4Error::Limit { which: limit.0, limit: limit.1.into() });
            }
            let Some(body) = self.bytes(start..end) else {
                // From its head on, which is looked at again.
                return Ok(self.need(self.position..end));
            };
            let begin = self.position;
            self.position = end;
            if outline.kind == *b"moov" {
                return Ok(Found::Movie { body, offset: start });
            }
            if self.head.is_some() {
                return Err(self.malformed("a fragment without media", "8.8.4"));
            }
            let head = FragmentHead::parse(&body, start, begin, self.limits.runs, &defaults)?;
            self.head = Some((head, begin));
        }
        // A head without its media belongs to what is left out, as does a box that is cut short.
        let begin = self.head.take().map_or(self.position, |(_, begin)| begin);
        self.end = self.end.min(begin);
        Ok(Found::End)
    }

    /// Checks that the fragment's samples lie in its media.
    fn fragment(
        &self,
        head: FragmentHead,
        begin: u64,
        payload: Range<u64>,
    ) -> Result<Fragment, Fmp4Error> {
        for run in &head.runs {
            if run.offset < payload.start
                || run.offset.saturating_add(run.totals.bytes) > payload.end
            {
                return Err(
                    self.malformed("samples outside the mdat that follows their moof", "8.8.8")
                );
            }
        }
        Ok(Fragment { head, begin, payload })
    }

    /// Type and place of the box at the current position, or what must be read to know them (§4.2).
    fn outline(&self) -> Result<Result<Outline, Range<u64>>, Fmp4Error> {
        let start = self.position;
        let fixed = start..start.saturating_add(8);
        let Some(head) = self.bytes(fixed.clone()) else {
            return Ok(Err(fixed));
        };
        let Some(&[s0, s1, s2, s3, k0, k1, k2, k3]) = head.first_chunk() else {
            return Ok(Err(fixed));
        };
        let (size, head) = match u32::from_be_bytes([s0, s1, s2, s3]) {
            0 => (self.end - start, 8),
            1 => {
                let large = fixed.end..fixed.end.saturating_add(8);
                match self.bytes(large.clone()).as_deref().and_then(<[u8]>::first_chunk) {
                    Some(size) => (u64::from_be_bytes(*size), 16),
                    None => return Ok(Err(large)),
                }
            }
            size => (size.into(), 8),
        };
        if size < head {
            return Err(self.malformed("a box that is shorter than its head", "4.2"));
        }
        let body = start.saturating_add(head)..start.saturating_add(size);
        Ok(Ok(Outline { kind: [k0, k1, k2, k3], body }))
    }

    /// Bytes of the recording, if they were read.
    fn bytes(&self, range: Range<u64>) -> Option<Bytes> {
        let start = usize::try_from(range.start.checked_sub(self.window_start)?).ok()?;
        let end = usize::try_from(range.end.checked_sub(self.window_start)?).ok()?;
        (end <= self.window.len()).then(|| self.window.slice(start..end))
    }

    fn need(&mut self, range: Range<u64>) -> Found {
        let end = range.end.max(range.start.saturating_add(READ_AHEAD)).min(self.length);
        let range = range.start..end;
        self.asked = Some(range.clone());
        Found::Need(range)
    }

    fn malformed(&self, what: &'static str, section: &'static str) -> Fmp4Error {
        Fmp4Error::Malformed { offset: self.position, what, section }
    }
}
