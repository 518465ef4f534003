use alloc::string::String;
use core::fmt::Write;

use crate::bits::{Bits, Overrun};

/// What a decoder has to be able to do: the general part of `profile_tier_level` (§7.3.3).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct ProfileTierLevel {
    /// `general_profile_space`.
    pub space: u8,
    /// `general_tier_flag`: the high tier.
    pub high_tier: bool,
    /// `general_profile_idc`: 1 Main, 2 Main 10, 3 Main Still Picture, 4 range extensions …
    pub profile: u8,
    /// `general_profile_compatibility_flag`s, flag 0 in the highest bit.
    pub compatibility: u32,
    /// The 48 constraint flags, the first one in the highest bit of the first byte.
    pub constraints: [u8; 6],
    /// `general_level_idc`: 30 times the level.
    pub level: u8,
}

impl ProfileTierLevel {
    /// The RFC 6381 name as ISO/IEC 14496-15 annex E makes it. It begins with `hvc1` if parameter sets are out of
    /// band and with `hev1` if not.
    pub fn rfc6381(&self, sample_entry: &str) -> String {
        let space = match self.space {
            1 => "A",
            2 => "B",
            3 => "C",
            _ => "",
        };
        let tier = if self.high_tier { 'H' } else { 'L' };
        let Self { profile, level, .. } = self;
        let compatibility = self.compatibility.reverse_bits();
        let mut name =
            alloc::format!("{sample_entry}.{space}{profile}.{compatibility:X}.{tier}{level}");
        let last = self.constraints.iter().rposition(|&it| it != 0);
        for byte in self.constraints.iter().take(last.map_or(0, |it| it + 1)) {
            // Writing into a String does not fail.
            let _ = write!(name, ".{byte:X}");
        }
        name
    }

    /// Whether the pictures are fields, or frames made of them.
    pub(super) fn interlaced(&self) -> bool {
        // general_progressive_source_flag, general_interlaced_source_flag
        let [flags, ..] = self.constraints;
        flags & 0xC0 == 0x40
    }

    /// The twelve bytes as they stand in a parameter set and in a configuration record.
    pub(super) fn to_bytes(self) -> [u8; 12] {
        let first = (self.space & 3) << 6 | u8::from(self.high_tier) << 5 | self.profile & 0x1F;
        let [a, b, c, d] = self.compatibility.to_be_bytes();
        let [e, f, g, h, i, j] = self.constraints;
        [first, a, b, c, d, e, f, g, h, i, j, self.level]
    }

    pub(super) fn from_bytes(bytes: [u8; 12]) -> Self {
        let [first, a, b, c, d, e, f, g, h, i, j, level] = bytes;
        Self {
            space: first >> 6,
            high_tier: first & 0x20 != 0,
            profile: first & 0x1F,
            compatibility: u32::from_be_bytes([a, b, c, d]),
            constraints: [e, f, g, h, i, j],
            level,
        }
    }

    /// `profile_tier_level(1, sub_layers - 1)`.
    pub(super) fn read(bits: &mut Bits<'_>, sub_layers: u8) -> Result<Self, Overrun> {
        let mut bytes = [0; 12];
        for byte in &mut bytes {
            *byte = bits.u8()?;
        }
        // Then for each lower sub-layer whether it has a profile and a level, filled up to eight, then those.
        if sub_layers > 1 {
            let present = bits.u(16)?;
            for sub_layer in 0..u32::from(sub_layers - 1) {
                let pair = present << (2 * sub_layer) & 0xC000;
                let profile = if pair & 0x8000 != 0 { 88 } else { 0 };
                let level = if pair & 0x4000 != 0 { 8 } else { 0 };
                bits.skip(profile + level)?;
            }
        }
        Ok(Self::from_bytes(bytes))
    }
}
