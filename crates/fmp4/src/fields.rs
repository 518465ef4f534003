//! Fields and boxes of a box that is there in whole. Nothing here allocates, recurses or believes a length.

use crate::Fmp4Error;

/// The rest of a box, read from the front.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
    /// Where `rest` ends in the input.
    end: u64,
    /// The clause that describes the box, for errors.
    section: &'static str,
}

/// A box inside another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Child<'a> {
    pub(crate) kind: [u8; 4],
    /// What stands behind size and type.
    pub(crate) body: Fields<'a>,
    /// The whole box.
    pub(crate) whole: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The bytes of a box, of which the first stands at `offset` of the input.
    pub(crate) fn new(bytes: &'a [u8], offset: u64) -> Self {
        Self { rest: bytes, end: offset.saturating_add(length(bytes)), section: "4.2" }
    }

    /// Names the clause that describes what is read from here on.
    pub(crate) fn of(self, section: &'static str) -> Self {
        Self { section, ..self }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Where the next field stands in the input.
    pub(crate) fn offset(&self) -> u64 {
        self.end.saturating_sub(length(self.rest))
    }

    pub(crate) fn malformed(&self, what: &'static str) -> Fmp4Error {
        Fmp4Error::Malformed { offset: self.offset(), what, section: self.section }
    }

    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], Fmp4Error> {
        let (field, rest) = self
            .rest
            .split_first_chunk()
            .ok_or_else(|| self.malformed("a box that is cut short"))?;
        self.rest = rest;
        Ok(*field)
    }

    pub(crate) fn slice(&mut self, count: usize) -> Result<&'a [u8], Fmp4Error> {
        let (field, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or_else(|| self.malformed("a box that is cut short"))?;
        self.rest = rest;
        Ok(field)
    }

    pub(crate) fn skip(&mut self, count: usize) -> Result<(), Fmp4Error> {
        self.slice(count).map(|_| ())
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Fmp4Error> {
        self.take().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Fmp4Error> {
        self.take().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Fmp4Error> {
        self.take().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Fmp4Error> {
        self.take().map(u64::from_be_bytes)
    }

    /// 32 bits in version 0 of a box, 64 in version 1.
    pub(crate) fn sized(&mut self, version: u8) -> Result<u64, Fmp4Error> {
        if version == 0 { self.u32().map(u64::from) } else { self.u64() }
    }

    /// The version and the flags that a full box begins with (§4.2).
    pub(crate) fn version(&mut self) -> Result<(u8, u32), Fmp4Error> {
        let word = self.u32()?;
        Ok((word.to_be_bytes()[0], word & 0xFF_FFFF))
    }

    /// Text up to a 0 byte.
    pub(crate) fn text(&mut self) -> Result<&'a [u8], Fmp4Error> {
        let length = self.rest.iter().position(|it| *it == 0);
        let text = self.slice(length.ok_or_else(|| self.malformed("text without an end"))?)?;
        self.skip(1)?;
        Ok(text)
    }

    /// A table of `count` rows of `width` bytes each, checked against what is there.
    pub(crate) fn rows(&mut self, count: u32, width: usize) -> Result<&'a [u8], Fmp4Error> {
        let bytes = usize::try_from(count).ok().and_then(|count| count.checked_mul(width));
        match bytes.filter(|bytes| *bytes <= self.rest.len()) {
            Some(bytes) => self.slice(bytes),
            None => Err(self.malformed("a table longer than its box")),
        }
    }

    /// The next box inside this one. `None` at the end, and before fewer bytes than a box has: QuickTime ends lists
    /// of boxes with four zero bytes.
    pub(crate) fn child(&mut self) -> Result<Option<Child<'a>>, Fmp4Error> {
        if self.rest.len() < 8 {
            return Ok(None);
        }
        let (start, offset) = (self.rest, self.offset());
        let size = self.u32()?;
        let kind = self.take()?;
        let size = match size {
            0 => length(start),
            1 => self.u64()?,
            size => size.into(),
        };
        let header = start.len() - self.rest.len();
        let size = usize::try_from(size).ok().filter(|size| (header..=start.len()).contains(size));
        let Some((whole, rest)) = size.and_then(|size| start.split_at_checked(size)) else {
            let what = "a box that is shorter than its head, or longer than the box around it";
            return Err(Fmp4Error::Malformed { offset, what, section: "4.2" });
        };
        self.rest = rest;
        let body = Fields::new(whole.get(header..).unwrap_or_default(), offset + length_of(header));
        Ok(Some(Child { kind, body, whole }))
    }

    /// The first box of a kind, somewhere in what is left.
    pub(crate) fn find(self, kind: &[u8; 4]) -> Result<Option<Self>, Fmp4Error> {
        Ok(self.find_child(kind)?.map(|child| child.body))
    }

    /// The first box of a kind, with its head.
    pub(crate) fn find_child(mut self, kind: &[u8; 4]) -> Result<Option<Child<'a>>, Fmp4Error> {
        while let Some(child) = self.child()? {
            if child.kind == *kind {
                return Ok(Some(child));
            }
        }
        Ok(None)
    }
}

/// Lengths in memory fit into 64 bits.
pub(crate) fn length(bytes: &[u8]) -> u64 {
    length_of(bytes.len())
}

pub(crate) fn length_of(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
