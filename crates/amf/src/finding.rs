/// A deviation that was accepted while reading.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Finding {
    /// Where in the message body.
    pub offset: usize,
    /// What it was.
    pub what: Deviation,
}

/// What real software gets wrong and is understood all the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Deviation {
    /// An ECMA array has another number of members than it says. The end marker decides. (Many cameras write 0.)
    EcmaCount {
        /// What it says.
        announced: u32,
        /// What it has.
        actual: u32,
    },
    /// The message ends at a property boundary where an object is open: it was taken as the object's end. Only a
    /// [lenient](crate::amf0::Decoder::lenient) decoder does that. (Old FLV tools.)
    MissingEnd,
    /// One more `09` or `00 00 09` after the last value: it was left out. Only a
    /// [lenient](crate::amf0::Decoder::lenient) decoder does that. (Some cameras.)
    StrayEnd,
    /// An AMF3-capable message without its selector byte: it was read as AMF0.
    MissingSelector,
    /// A boolean that is neither 0 nor 1: it was read as true.
    BooleanByte(u8),
    /// An AMF3 integer in more bytes than it needs.
    LongInteger,
    /// An AMF3 reference to an object of another type than its marker says. The index decides.
    ReferenceMarker(u8),
}

/// A peer can make findings faster than anybody can read them. The first ones tell the story.
pub(crate) const MAX_FINDINGS: usize = 16;
