use super::Sps;

/// What a level allows (H.264 table A-1).
#[derive(Clone, Copy)]
pub(super) struct Level {
    /// `MaxFS`: macroblocks in a frame.
    pub(super) frame_mbs: u32,
    /// `MaxDpbMbs`: macroblocks in the decoded picture buffer.
    pub(super) dpb_mbs: u32,
}

/// The level that a set declares, if there is such a one.
pub(super) fn of(sps: &Sps) -> Option<Level> {
    // Level 1b is 9, or 11 with constraint_set3_flag in the first three profiles (§A.3.1).
    let is_1b =
        sps.level == 11 && sps.constraints & 0x10 != 0 && matches!(sps.profile, 66 | 77 | 88);
    let idc = if is_1b { 9 } else { sps.level };
    let (frame_mbs, dpb_mbs) = match idc {
        9 | 10 => (99, 396),
        11 => (396, 900),
        12 | 13 | 20 => (396, 2376),
        21 => (792, 4752),
        22 | 30 => (1620, 8100),
        31 => (3600, 18_000),
        32 => (5120, 20_480),
        40 | 41 => (8192, 32_768),
        42 => (8704, 34_816),
        50 => (22_080, 110_400),
        51 | 52 => (36_864, 184_320),
        60..=62 => (139_264, 696_320),
        _ => return None,
    };
    Some(Level { frame_mbs, dpb_mbs })
}
