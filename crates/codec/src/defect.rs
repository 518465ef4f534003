use core::fmt;

/// A deviation from a codec's format that is tolerated.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
#[repr(u8)]
pub enum Defect {
    /// The configuration record cannot be parsed. Frames are taken as they come.
    UnreadableConfig,
    /// The configuration record is a byte stream with start codes.
    StartCodeInConfig,
    /// Reserved bits of the configuration record are not what they have to be.
    ReservedBits,
    /// Bytes follow the configuration record.
    JunkAfterConfig,
    /// The configuration record and its parameter sets name different profiles or levels.
    ConfigContradictsParameterSet,
    /// A parameter set holds start codes.
    StartCodeInParameterSet,
    /// Zero bytes follow a parameter set.
    ZerosAfterParameterSet,
    /// Other bytes follow a parameter set.
    JunkAfterParameterSet,
    /// A parameter set ends inside its usability information.
    CutParameterSet,
    /// A value is outside its range and is taken as not told.
    OutOfRange,
    /// Pictures are larger than their declared level allows, or no level is declared.
    BeyondLevel,
    /// A parameter set cannot be parsed.
    UnreadableParameterSet,
    /// A frame refers to parameter sets that were not sent.
    MissingParameterSet,
    /// A frame holds start codes where lengths should be.
    StartCodeInFrame,
    /// A frame ends inside a NAL unit, an OBU or a header.
    CutFrame,
    /// A frame holds more units than anybody needs. Those behind the limit are not looked at.
    TooManyUnits,
    /// A frame holds empty NAL units.
    EmptyUnit,
    /// A NAL unit has its forbidden bit set, or a type that has no place in a file.
    InvalidUnit,
    /// A frame holds no picture.
    NoPicture,
    /// A slice header cannot be parsed.
    UnreadableSlice,
    /// A supplemental message reaches beyond its NAL unit.
    CutMessage,
    /// An AV1 key frame comes without the sequence header that it should have with it.
    KeyWithoutSequenceHeader,
}

impl Defect {
    /// All of them, in the order of their declaration.
    const ALL: &[Self] = &[
        Self::UnreadableConfig,
        Self::StartCodeInConfig,
        Self::ReservedBits,
        Self::JunkAfterConfig,
        Self::ConfigContradictsParameterSet,
        Self::StartCodeInParameterSet,
        Self::ZerosAfterParameterSet,
        Self::JunkAfterParameterSet,
        Self::CutParameterSet,
        Self::OutOfRange,
        Self::BeyondLevel,
        Self::UnreadableParameterSet,
        Self::MissingParameterSet,
        Self::StartCodeInFrame,
        Self::CutFrame,
        Self::TooManyUnits,
        Self::EmptyUnit,
        Self::InvalidUnit,
        Self::NoPicture,
        Self::UnreadableSlice,
        Self::CutMessage,
        Self::KeyWithoutSequenceHeader,
    ];

    const fn bit(self) -> u64 {
        1 << self as u8
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnreadableConfig => "the configuration record cannot be parsed",
            Self::StartCodeInConfig => "the configuration record is a byte stream",
            Self::ReservedBits => "reserved bits of the configuration record are wrong",
            Self::JunkAfterConfig => "bytes follow the configuration record",
            Self::ConfigContradictsParameterSet => {
                "the configuration record contradicts its parameter sets"
            }
            Self::StartCodeInParameterSet => "a parameter set holds start codes",
            Self::ZerosAfterParameterSet => "zeros follow a parameter set",
            Self::JunkAfterParameterSet => "junk follows a parameter set",
            Self::CutParameterSet => "a parameter set is cut",
            Self::OutOfRange => "a value is outside its range",
            Self::BeyondLevel => "pictures are larger than their level allows",
            Self::UnreadableParameterSet => "a parameter set cannot be parsed",
            Self::MissingParameterSet => "parameter sets are missing",
            Self::StartCodeInFrame => "a frame holds start codes in place of lengths",
            Self::CutFrame => "a frame ends inside a unit",
            Self::TooManyUnits => "a frame holds too many units",
            Self::EmptyUnit => "a frame holds empty NAL units",
            Self::InvalidUnit => "a NAL unit is invalid",
            Self::NoPicture => "a frame holds no picture",
            Self::UnreadableSlice => "a slice header cannot be parsed",
            Self::CutMessage => "a supplemental message is cut",
            Self::KeyWithoutSequenceHeader => "an AV1 key frame has no sequence header with it",
        })
    }
}

/// A set of [`Defect`]s.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub struct Defects(u64);

impl Defects {
    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this one is among them.
    pub fn contains(self, defect: Defect) -> bool {
        self.0 & defect.bit() != 0
    }

    /// Adds one.
    pub fn insert(&mut self, defect: Defect) {
        self.0 |= defect.bit();
    }

    /// Adds all of `others`.
    pub fn extend(&mut self, others: Self) {
        self.0 |= others.0;
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Defect> {
        Defect::ALL.iter().copied().filter(move |&it| self.contains(it))
    }
}

impl fmt::Debug for Defects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in() {
        let mut all = Defects::default();
        for (index, &defect) in Defect::ALL.iter().enumerate() {
            assert_eq!(usize::from(defect as u8), index, "{defect:?} is out of place in ALL");
            assert!(!all.contains(defect));
            all.insert(defect);
            assert_eq!(all.iter().last(), Some(defect));
        }
        let mut both = Defects::default();
        both.insert(Defect::CutFrame);
        both.extend(all);
        assert_eq!(both, all);
        assert!(Defects::default().is_empty() && !all.is_empty());
    }
}
