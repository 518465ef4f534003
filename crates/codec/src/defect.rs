use core::fmt;

/// A deviation from a codec's format that is tolerated.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
#[repr(u8)]
pub enum Defect {
    /// The configuration record cannot be parsed. Frames are taken as they come.
    UnreadableConfig,
    /// A frame ends inside a NAL unit, an OBU or a header.
    CutFrame,
}

impl Defect {
    /// All of them.
    const ALL: &[Self] = &[Self::UnreadableConfig, Self::CutFrame];
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnreadableConfig => "the configuration record cannot be parsed",
            Self::CutFrame => "a frame ends inside a unit",
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
        self.0 & (1 << defect as u8) != 0
    }

    /// Adds one.
    pub fn insert(&mut self, defect: Defect) {
        self.0 |= 1 << defect as u8;
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
