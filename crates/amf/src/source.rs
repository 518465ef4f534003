use alloc::vec::Vec;
use core::ops::Range;

use bytes::Bytes;

use crate::finding::MAX_FINDINGS;
use crate::{
    AmfError, AmfLimits, AmfString, Deviation, Fault, Finding, Limit, MAX_DEPTH, Unsupported,
};

/// The message being read, and what is left of its limits. Both decoders read from one.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    input: Bytes,
    /// Invariant: never beyond the end of `input`.
    position: usize,
    limits: AmfLimits,
    values_left: usize,
    bytes_left: usize,
    /// List entries that may still be allocated before they are read.
    ahead_left: usize,
    findings: Vec<Finding>,
    format: Format,
}

/// Which of the two documents an error has to cite.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Format {
    Amf0,
    Amf3,
}

/// How many list entries of a message may be allocated before they are read. It saves the lists of a usual
/// message from growing step by step, and is too little to hurt when a peer announces what never comes.
const MAX_AHEAD: usize = 32;

impl Source {
    pub(crate) fn new(input: Bytes, limits: AmfLimits, format: Format) -> Self {
        Self {
            input,
            position: 0,
            limits,
            values_left: limits.values,
            bytes_left: limits.bytes,
            ahead_left: MAX_AHEAD,
            findings: Vec::new(),
            format,
        }
    }

    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// What was not read yet.
    pub(crate) fn rest(&self) -> &[u8] {
        self.input.get(self.position..).unwrap_or_default()
    }

    pub(crate) fn rest_bytes(&self) -> Bytes {
        self.input.slice(self.position..)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.position >= self.input.len()
    }

    /// Goes on behind `count` bytes of the rest.
    pub(crate) fn skip(&mut self, count: usize) {
        debug_assert!(count <= self.rest().len());
        self.position += count;
    }

    pub(crate) fn u8(&mut self) -> Result<u8, AmfError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, AmfError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, AmfError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn f64(&mut self) -> Result<f64, AmfError> {
        self.array().map(f64::from_be_bytes)
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], AmfError> {
        let Some(&array) = self.rest().first_chunk() else { return Err(self.truncated()) };
        self.position += N;
        Ok(array)
    }

    /// The string in the next `length` bytes.
    pub(crate) fn string(&mut self, length: usize) -> Result<AmfString, AmfError> {
        let range = self.text(length, Limit::String, self.limits.string)?;
        Ok(AmfString::slice_of(&self.input, range))
    }

    /// The string behind a 32-bit length.
    pub(crate) fn long_string(&mut self) -> Result<AmfString, AmfError> {
        let length = self.u32()?;
        self.string(length as usize)
    }

    /// The name of a property or class in the next `length` bytes.
    pub(crate) fn name(&mut self, length: usize) -> Result<AmfString, AmfError> {
        let range = self.text(length, Limit::Name, self.limits.name)?;
        Ok(AmfString::slice_of(&self.input, range))
    }

    /// The byte array in the next `length` bytes.
    pub(crate) fn bytes(&mut self, length: usize) -> Result<Bytes, AmfError> {
        let range = self.text(length, Limit::String, self.limits.string)?;
        Ok(self.input.slice(range))
    }

    /// Where the next `length` bytes are, which have a limit of their own.
    fn text(
        &mut self,
        length: usize,
        which: Limit,
        limit: usize,
    ) -> Result<Range<usize>, AmfError> {
        self.check_room(length)?;
        if length > limit {
            return Err(self.limit(which, limit));
        }
        self.charge(length)?;
        let start = self.position;
        self.position += length;
        Ok(start..self.position)
    }

    /// Fails unless `length` bytes are there: before anything is allocated for what a peer announces.
    pub(crate) fn check_room(&self, length: usize) -> Result<(), AmfError> {
        if length > self.rest().len() { Err(self.truncated()) } else { Ok(()) }
    }

    /// Counts one value.
    pub(crate) fn count_value(&mut self) -> Result<(), AmfError> {
        if self.values_left == 0 {
            return Err(self.limit(Limit::Values, self.limits.values));
        }
        self.values_left -= 1;
        Ok(())
    }

    /// How many entries to allocate at once for a list that seems to have `count`.
    pub(crate) fn allocate_ahead(&mut self, count: usize) -> usize {
        let granted = count.min(self.ahead_left);
        self.ahead_left -= granted;
        granted
    }

    /// Counts bytes of text and data.
    pub(crate) fn charge(&mut self, bytes: usize) -> Result<(), AmfError> {
        if bytes > self.bytes_left {
            return Err(self.limit(Limit::Bytes, self.limits.bytes));
        }
        self.bytes_left -= bytes;
        Ok(())
    }

    /// Fails when a container at this depth, 1 for the outermost, is too deep.
    pub(crate) fn check_depth(&self, depth: usize) -> Result<(), AmfError> {
        let limit = self.limits.depth.min(MAX_DEPTH);
        if depth > limit { Err(self.limit(Limit::Depth, limit)) } else { Ok(()) }
    }

    pub(crate) fn set_format(&mut self, format: Format) {
        self.format = format;
    }

    pub(crate) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    pub(crate) fn tolerate(&mut self, offset: usize, what: Deviation) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Finding { offset, what });
        }
    }

    pub(crate) fn malformed(&self, offset: usize, what: Fault) -> AmfError {
        let section = match (self.format, what) {
            (Format::Amf0, Fault::Truncated) => "AMF0 §2",
            (Format::Amf0, Fault::InvalidReference) => "AMF0 §2.9",
            (_, Fault::UnexpectedEnd) => "AMF0 §2.11",
            (Format::Amf3, Fault::Truncated) => "AMF3 §3",
            (Format::Amf3, Fault::InvalidReference) => "AMF3 §2.2",
            (_, Fault::Selector) => "RTMP 1.0 §7.1.1",
        };
        AmfError::Malformed { offset, what, section }
    }

    pub(crate) fn unsupported(&self, offset: usize, what: Unsupported) -> AmfError {
        let section = match (self.format, what) {
            (_, Unsupported::Externalizable) => "AMF3 §3.12",
            (Format::Amf0, Unsupported::Marker(_)) => "AMF0 §2.1",
            (Format::Amf3, Unsupported::Marker(_)) => "AMF3 §3.1",
        };
        AmfError::Unsupported { offset, what, section }
    }

    #[cold]
    fn truncated(&self) -> AmfError {
        self.malformed(self.position, Fault::Truncated)
    }

    #[cold]
    fn limit(&self, which: Limit, limit: usize) -> AmfError {
        AmfError::Limit { offset: self.position, which, limit }
    }
}
