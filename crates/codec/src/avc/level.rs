use super::Sps;

/// What a level allows (H.264 table A-1).
#[derive(Clone, Copy)]
pub(super) struct Level {
    idc: u8,
    /// `MaxFS`: macroblocks in a frame.
    pub(super) frame_mbs: u32,
    /// `MaxDpbMbs`: macroblocks in the decoded picture buffer.
    pub(super) dpb_mbs: u32,
}

const LEVELS: [Level; 20] = [
    level(9, 99, 396),
    level(10, 99, 396),
    level(11, 396, 900),
    level(12, 396, 2376),
    level(13, 396, 2376),
    level(20, 396, 2376),
    level(21, 792, 4752),
    level(22, 1620, 8100),
    level(30, 1620, 8100),
    level(31, 3600, 18_000),
    level(32, 5120, 20_480),
    level(40, 8192, 32_768),
    level(41, 8192, 32_768),
    level(42, 8704, 34_816),
    level(50, 22_080, 110_400),
    level(51, 36_864, 184_320),
    level(52, 36_864, 184_320),
    level(60, 139_264, 696_320),
    level(61, 139_264, 696_320),
    level(62, 139_264, 696_320),
];

const fn level(idc: u8, frame_mbs: u32, dpb_mbs: u32) -> Level {
    Level { idc, frame_mbs, dpb_mbs }
}

/// The level that a set declares, if there is such a one.
pub(super) fn of(sps: &Sps) -> Option<Level> {
    // Level 1b is 9, or 11 with constraint_set3_flag in the first three profiles (§A.3.1).
    let is_1b =
        sps.level == 11 && sps.constraints & 0x10 != 0 && matches!(sps.profile, 66 | 77 | 88);
    let idc = if is_1b { 9 } else { sps.level };
    LEVELS.iter().find(|it| it.idc == idc).copied()
}
