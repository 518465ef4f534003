use core::fmt;

/// What can be relied on between keyframes, as far as the stream has been seen. Each is worse than the one before.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum GopKind {
    /// No keyframe was seen.
    #[default]
    Unknown,
    /// Every keyframe is one that nothing after it looks behind.
    Closed,
    /// So are all keyframes; other frames are intra-coded too, and promise nothing.
    ClosedWithExtraIntra,
    /// Keyframes are only marked as such by the container: nothing proves or disproves them.
    Unproven,
    /// There are no keyframes: the picture is refreshed bit by bit.
    GradualRefresh,
    /// Some keyframes allow frames to look behind them, and none does.
    OpenWithoutLeading,
    /// Some frames look behind a keyframe.
    Open,
}

impl GopKind {
    /// Its name in reports, which does not change.
    pub fn id(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Closed => "closed",
            Self::ClosedWithExtraIntra => "closed-with-extra-I",
            Self::Unproven => "unproven",
            Self::GradualRefresh => "gradual-refresh",
            Self::OpenWithoutLeading => "open-signalled-no-leading",
            Self::Open => "open",
        }
    }
}

impl fmt::Display for GopKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
