use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use core::slice;

use bytes::{Buf, Bytes, BytesMut};

/// Bytes in order, in as many blocks as they came in: the head of a fragment and the payloads of its frames.
///
/// Nothing is joined until [`join`](Self::join) is called. A clone is one reference count, so the same segment can
/// be handed to any number of HTTP responses: [`len`](Self::len) is the `Content-Length`, [`iter`](Self::iter) the
/// body for servers that take blocks, [`buf`](Self::buf) the body for those that take a [`Buf`], and
/// [`slice`](Self::slice) answers a range request.
///
/// ```
/// use bytes::Bytes;
/// use levada_fmp4::Pieces;
///
/// let pieces: Pieces = [Bytes::from_static(b"head"), Bytes::from_static(b"media")].into_iter().collect();
/// assert_eq!(pieces.len(), 9);
/// assert_eq!(pieces.slice(2..6).join(), "adme");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Pieces {
    /// Invariant: none is empty.
    pieces: Arc<Vec<Bytes>>,
    /// Invariant: the sum of their lengths.
    len: usize,
}

impl Pieces {
    /// No bytes.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The blocks in order. None of them is empty.
    pub fn iter(&self) -> slice::Iter<'_, Bytes> {
        self.pieces.iter()
    }

    /// Puts a block behind what is there.
    pub fn push(&mut self, piece: Bytes) {
        self.extend([piece]);
    }

    /// The bytes of a range, sharing the blocks. What lies behind the end is left out.
    pub fn slice(&self, range: Range<usize>) -> Self {
        let mut start = 0;
        let parts = self.iter().filter_map(|piece| {
            let from = range.start.saturating_sub(start).min(piece.len());
            let to = range.end.saturating_sub(start).min(piece.len());
            start += piece.len();
            (from < to).then(|| piece.slice(from..to))
        });
        parts.collect()
    }

    /// All bytes in one block: a copy, unless there is only one.
    pub fn join(&self) -> Bytes {
        if let [only] = &self.pieces[..] {
            return only.clone();
        }
        let mut joined = BytesMut::with_capacity(self.len);
        self.iter().for_each(|piece| joined.extend_from_slice(piece));
        joined.freeze()
    }

    /// The bytes as a [`Buf`], from the first on.
    pub fn buf(&self) -> PiecesBuf {
        PiecesBuf { pieces: self.clone(), index: 0, offset: 0, remaining: self.len }
    }
}

impl From<Bytes> for Pieces {
    fn from(piece: Bytes) -> Self {
        Self::from_iter([piece])
    }
}

impl From<Vec<Bytes>> for Pieces {
    fn from(mut pieces: Vec<Bytes>) -> Self {
        pieces.retain(|piece| !piece.is_empty());
        let len = pieces.iter().map(Bytes::len).sum();
        Self { pieces: Arc::new(pieces), len }
    }
}

impl FromIterator<Bytes> for Pieces {
    fn from_iter<I: IntoIterator<Item = Bytes>>(pieces: I) -> Self {
        Self::from(pieces.into_iter().collect::<Vec<_>>())
    }
}

impl Extend<Bytes> for Pieces {
    fn extend<I: IntoIterator<Item = Bytes>>(&mut self, more: I) {
        let pieces = Arc::make_mut(&mut self.pieces);
        for piece in more.into_iter().filter(|piece| !piece.is_empty()) {
            self.len += piece.len();
            pieces.push(piece);
        }
    }
}

impl<'a> Extend<&'a Self> for Pieces {
    fn extend<I: IntoIterator<Item = &'a Self>>(&mut self, more: I) {
        self.extend(more.into_iter().flat_map(|pieces| pieces.iter().cloned()));
    }
}

impl<'a> IntoIterator for &'a Pieces {
    type Item = &'a Bytes;
    type IntoIter = slice::Iter<'a, Bytes>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The same bytes, however they are cut.
impl PartialEq for Pieces {
    fn eq(&self, other: &Self) -> bool {
        if self.len != other.len {
            return false;
        }
        let (mut left, mut right) = (self.buf(), other.buf());
        while left.has_remaining() {
            let common = left.chunk().len().min(right.chunk().len());
            if left.chunk().get(..common) != right.chunk().get(..common) {
                return false;
            }
            left.advance(common);
            right.advance(common);
        }
        true
    }
}

impl Eq for Pieces {}

/// [`Pieces`] on their way out.
#[derive(Clone, Debug)]
pub struct PiecesBuf {
    pieces: Pieces,
    /// The block that is going out, and how much of it is out.
    index: usize,
    offset: usize,
    remaining: usize,
}

impl Buf for PiecesBuf {
    fn remaining(&self) -> usize {
        self.remaining
    }

    fn chunk(&self) -> &[u8] {
        let piece = self.pieces.pieces.get(self.index);
        piece.and_then(|piece| piece.get(self.offset..)).unwrap_or_default()
    }

    /// # Panics
    ///
    /// When `count` is more than [`remaining`](Self::remaining): the caller claims to have written what was never
    /// there.
    fn advance(&mut self, mut count: usize) {
        assert!(
            count <= self.remaining,
            "cannot advance by {count}, {} bytes remain",
            self.remaining
        );
        self.remaining -= count;
        while count >= self.chunk().len() && count > 0 {
            count -= self.chunk().len();
            self.index += 1;
            self.offset = 0;
        }
        self.offset += count;
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn pieces(parts: &[&'static [u8]]) -> Pieces {
        parts.iter().map(|part| Bytes::from_static(part)).collect()
    }

    #[test]
    fn empty_blocks_are_left_out() {
        let mut some = pieces(&[b"", b"ab", b"", b"c"]);
        some.push(Bytes::new());
        some.extend(&Some(pieces(&[b"", b"d"])));
        assert_eq!(some.iter().map(Bytes::len).collect::<Vec<_>>(), [2, 1, 1]);
        assert_eq!((some.len(), some.join()), (4, Bytes::from_static(b"abcd")));
        assert!(pieces(&[b""]).is_empty());
    }

    #[test]
    fn every_slice_is_that_of_the_whole() {
        let some = pieces(&[b"ab", b"cde", b"f"]);
        for start in 0..8 {
            for end in start..8 {
                let expected = &b"abcdef"[start.min(6)..end.min(6)];
                assert_eq!(some.slice(start..end).join(), expected);
            }
        }
    }

    #[test]
    fn a_buf_gives_the_bytes_in_any_steps() {
        let some = pieces(&[b"ab", b"cde", b"f"]);
        for step in 1..7 {
            let (mut buf, mut out) = (some.buf(), vec![]);
            while buf.has_remaining() {
                let count = step.min(buf.remaining());
                out.extend_from_slice(&buf.copy_to_bytes(count));
                assert_eq!(buf.remaining(), 6 - out.len());
            }
            assert_eq!(out, b"abcdef");
            assert_eq!(buf.chunk(), b"");
        }
    }

    #[test]
    fn equal_is_who_has_the_same_bytes() {
        let some = pieces(&[b"ab", b"cde", b"f"]);
        assert_eq!(some, pieces(&[b"abc", b"def"]));
        assert_ne!(some, pieces(&[b"abc", b"deg"]));
        assert_ne!(some, pieces(&[b"abc", b"de"]));
        assert_eq!(Pieces::new(), pieces(&[b""]));
    }

    #[test]
    fn a_clone_is_no_copy_and_changes_apart() {
        let mut some = pieces(&[b"ab"]);
        let other = some.clone();
        some.push(Bytes::from_static(b"c"));
        assert_eq!((some.len(), other.len()), (3, 2));
        assert_eq!(some.iter().next().unwrap().as_ptr(), other.iter().next().unwrap().as_ptr());
    }
}
