//! Splitting a byte stream into audio frames that begin with a sync word: ADTS, MPEG audio, AC-3.

/// The header of a frame that says how long the frame is.
///
/// Implemented by [`adts::Header`](crate::adts::Header), [`mp3::Header`](crate::mp3::Header) and
/// [`ac3::Header`](crate::ac3::Header), and by nothing else.
pub trait SyncHeader: Copy + sealed::Sealed {
    /// Bytes that are needed to tell a header.
    const LEN: usize;

    /// The header at the beginning of `data`, which is at least [`LEN`](Self::LEN) long. `None` if there is none.
    fn read(data: &[u8]) -> Option<Self>;

    /// The length of the whole frame in bytes, header included. At least [`LEN`](Self::LEN).
    fn frame_len(&self) -> usize;

    /// Whether a frame with this header can follow one with `other`'s in one stream.
    fn follows(&self, other: &Self) -> bool;
}

pub(crate) mod sealed {
    #[expect(unnameable_types, reason = "nobody else is to implement it")]
    pub trait Sealed {}
}

/// Cuts a byte stream into frames.
///
/// ```text
/// in step:      │ frame │ frame │ frame …     a header is taken where the last frame ended
/// out of step:  junk… │ frame │ head          a header counts only if another one follows its frame
/// ```
///
/// It starts in step. Where no header stands it gets out of step, and looks for the next one byte by byte; what it
/// leaves out is counted. Any way of cutting the input gives the same frames.
///
/// ```
/// use levada_codec::adts::{Framer, Header};
/// use levada_codec::{aac, Splitter};
///
/// let mut framer = Framer::new(&aac::Config::new(2, 48_000, 2)?)?;
/// let mut stream = vec![0x00];
/// for payload in [&[1, 2, 3][..], &[4, 5]] {
///     stream.extend_from_slice(framer.head(payload.len())?);
///     stream.extend_from_slice(payload);
/// }
/// let mut splitter = Splitter::<Header>::new();
/// let mut input = &stream[..];
/// let frame = splitter.next(&mut input).unwrap();
/// assert_eq!(frame.data[frame.header.header_len()..], [1, 2, 3]);
/// assert_eq!(splitter.next(&mut input).unwrap().data.len(), 9);
/// assert_eq!(splitter.next(&mut input), None);
/// assert_eq!(splitter.skipped(), 1);
/// # Ok::<(), levada_codec::CodecError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Splitter<H> {
    /// Out of step.
    searching: bool,
    skipped: u64,
    header: core::marker::PhantomData<H>,
}

/// One frame out of a [`Splitter`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SyncFrame<'a, H> {
    /// What its header says.
    pub header: H,
    /// The whole frame, from its sync word on.
    pub data: &'a [u8],
}

impl<H: SyncHeader> Splitter<H> {
    /// One that is in step: a frame is expected first.
    pub fn new() -> Self {
        Self { searching: false, skipped: 0, header: core::marker::PhantomData }
    }

    /// Takes the next frame off the front of `input`. `None`: the frame is not all there. What is left in `input`
    /// belongs before the bytes that come next; it is never longer than two frames.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Option<SyncFrame<'a, H>> {
        loop {
            if input.len() < H::LEN {
                return None;
            }
            if let Some(header) = H::read(input) {
                let (data, rest) = input.split_at_checked(header.frame_len())?;
                if !self.searching || is_confirmed(&header, rest)? {
                    self.searching = false;
                    *input = rest;
                    return Some(SyncFrame { header, data });
                }
            }
            self.searching = true;
            self.skipped = self.skipped.saturating_add(1);
            *input = input.get(1..)?;
        }
    }

    /// Bytes that were in no frame.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }
}

/// Whether a header of the same stream follows. `None` if there is too little to tell.
fn is_confirmed<H: SyncHeader>(header: &H, rest: &[u8]) -> Option<bool> {
    (rest.len() >= H::LEN).then(|| H::read(rest).is_some_and(|next| next.follows(header)))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::vec::Vec;

    use super::*;

    /// What a splitter makes of a stream that comes in pieces.
    #[derive(Debug, PartialEq)]
    pub(crate) struct Split<H> {
        pub(crate) frames: Vec<(H, Vec<u8>)>,
        pub(crate) skipped: u64,
        pub(crate) rest: Vec<u8>,
    }

    pub(crate) fn split<H: SyncHeader>(pieces: &[&[u8]]) -> Split<H> {
        let mut splitter = Splitter::<H>::new();
        let mut frames = Vec::new();
        let mut input = Vec::new();
        for piece in pieces {
            input.extend_from_slice(piece);
            let mut rest = &input[..];
            while let Some(frame) = splitter.next(&mut rest) {
                frames.push((frame.header, frame.data.into()));
            }
            assert!(splitter.next(&mut rest).is_none(), "asked again without new bytes");
            input = rest.into();
        }
        Split { frames, skipped: splitter.skipped(), rest: input }
    }
}
