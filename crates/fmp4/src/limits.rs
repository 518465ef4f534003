/// What a reader accepts. Every limit is a field, so that there is one place to look at.
///
/// Worst-case memory is the largest of `moov`, `moof`, `frame` and `event`, twice while it is gathered, and what the
/// tracks keep: `tracks` times the codec's parameter sets, which are no longer than the `moov` that brought them.
/// Nothing is reserved for bytes that were announced and have not come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ReadLimits {
    /// Bytes of a `moov`. Default 32 MiB: a plain file of some hours has its sample tables in there, that of a
    /// fragmented stream has a kilobyte or two.
    pub moov: u32,
    /// Bytes of a `moof`. Default 4 MiB, which is 250,000 samples with all fields.
    pub moof: u32,
    /// Bytes of one sample. Default 16 MiB: twice what RTMP lets a publisher send.
    pub frame: u32,
    /// Bytes of an `emsg` or `prft` box. Default 256 KiB.
    pub event: u32,
    /// Tracks in a `moov`. Default 64.
    pub tracks: usize,
    /// Runs of samples in one `moof`. Default 4,096; each costs 120 bytes while its fragment is read.
    pub runs: usize,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self {
            moov: 32 << 20,
            moof: 4 << 20,
            frame: 16 << 20,
            event: 256 << 10,
            tracks: 64,
            runs: 4096,
        }
    }
}
