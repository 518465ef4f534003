use core::time::Duration;

/// How a [`TsMuxer`](crate::TsMuxer) writes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct MuxConfig {
    /// Added to all times, so that what is decoded at 0 has a clock before it. Default 1.4 s.
    pub start: Duration,
    /// How long before its decoding time a frame arrives, by the stream's own clock. Default 0.7 s.
    ///
    /// Decoders that follow the clock, as VLC and GStreamer do, hold that much before they show the first frame. It
    /// has to cover the transmission time of the largest frame.
    pub clock_lead: Duration,
    /// The longest time between two clock references. Default 40 ms, as DVB asks for; ISO/IEC 13818-1 allows
    /// 100 ms. Each frame of the first video track carries one. Where frames are further apart than this, each
    /// more costs a packet.
    ///
    /// Without video it is at least 100 ms, so that audio is not outweighed by its clock.
    pub clock_interval: Duration,
    /// How often PAT and PMT are repeated, so that a reader who comes later can begin. Default 500 ms.
    ///
    /// `None` leaves them at the start of each segment, which is enough for HLS.
    pub table_interval: Option<Duration>,
    /// How long audio frames wait for others to share their PES packet. Default 60 ms: three frames of AAC.
    ///
    /// Only frames that follow each other without a gap share one, as only the first keeps its own timestamp.
    pub audio_hold: Duration,
}

impl Default for MuxConfig {
    fn default() -> Self {
        Self {
            start: Duration::from_millis(1400),
            clock_lead: Duration::from_millis(700),
            clock_interval: Duration::from_millis(40),
            table_interval: Some(Duration::from_millis(500)),
            audio_hold: Duration::from_millis(60),
        }
    }
}

/// What a [`TsDemuxer`](crate::TsDemuxer) reads, and how much it holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DemuxConfig {
    /// The number of the programme to read. Default `None`: the first.
    pub program: Option<u16>,
    /// The most bytes of one PES packet. Default 8 MiB: a frame of 4K video at its highest rates has a tenth.
    pub max_pes: usize,
    /// The most bytes of PES packets that are not complete, all tracks together. Default 12 MiB.
    ///
    /// This bounds the memory of a demuxer: it holds at most this, twice the largest frame, and 64 KiB a track.
    pub max_pending: usize,
}

impl Default for DemuxConfig {
    fn default() -> Self {
        Self { program: None, max_pes: 8 << 20, max_pending: 12 << 20 }
    }
}
