use crate::bits::{Bits, Overrun};

/// Pictures that one set can name: the decoded picture buffer has 16 places, one of which holds the current picture
/// (§A.4.2).
const MOST: usize = 16;

/// A short-term reference picture set (§7.3.7), which must be understood to find what follows it: the length of a
/// set that is predicted from the one before it depends on how many pictures that one names.
#[derive(Clone, Copy, Debug, Default)]
struct Set {
    /// Differences of picture order: the earlier pictures from near to far, then the later ones.
    deltas: [i32; MOST],
    earlier: usize,
    len: usize,
}

/// Skips the sets of a sequence parameter set. `Ok(None)` if one of them names too many pictures.
pub(super) fn skip_sets(bits: &mut Bits<'_>, count: u32) -> Result<Option<()>, Overrun> {
    let mut last = Set::default();
    for index in 0..count {
        // inter_ref_pic_set_prediction_flag
        let next =
            if index > 0 && bits.flag()? { predicted(bits, &last)? } else { explicit(bits)? };
        let Some(next) = next else { return Ok(None) };
        last = next;
    }
    Ok(Some(()))
}

fn explicit(bits: &mut Bits<'_>) -> Result<Option<Set>, Overrun> {
    let (earlier, later) = (bits.ue()?, bits.ue()?);
    let mut set = Set::default();
    for (count, sign) in [(earlier, -1_i32), (later, 1)] {
        let mut delta = 0_i32;
        for _ in 0..count {
            let step = i32::try_from(bits.ue()?).unwrap_or(i32::MAX).saturating_add(1);
            delta = delta.saturating_add(sign.saturating_mul(step));
            bits.skip(1)?; // used_by_curr_pic_s0_flag, used_by_curr_pic_s1_flag
            if set.push(delta).is_none() {
                return Ok(None);
            }
        }
    }
    set.earlier = usize::try_from(earlier).unwrap_or_default();
    Ok(Some(set))
}

/// Equations 7-61 and 7-62.
fn predicted(bits: &mut Bits<'_>, from: &Set) -> Result<Option<Set>, Overrun> {
    let negative = bits.flag()?; // delta_rps_sign
    let step = i32::try_from(bits.ue()?).unwrap_or(i32::MAX).saturating_add(1);
    let step = if negative { step.saturating_neg() } else { step };
    let named = from.deltas.get(..from.len).unwrap_or_default();
    // What each picture of the other set becomes, then that set's own picture; `None` if it is left out.
    let mut moved = [None; MOST + 1];
    for (place, delta) in moved.iter_mut().zip(named.iter().copied().chain([0])) {
        // used_by_curr_pic_flag, or else use_delta_flag
        let kept = bits.flag()? || bits.flag()?;
        *place = kept.then(|| delta.saturating_add(step));
    }
    let own = moved.get(from.len).copied().flatten();
    let (earlier, later) = moved.split_at_checked(from.earlier).unwrap_or((&moved, &[]));
    let later = later.get(..from.len.saturating_sub(from.earlier)).unwrap_or_default();
    let mut set = Set::default();
    // The earlier pictures from near to far are: later ones that have become so, the other set's own, earlier ones.
    let new_earlier = later.iter().rev().copied().chain([own]).chain(earlier.iter().copied());
    for delta in new_earlier.flatten().filter(|&it| it < 0) {
        if set.push(delta).is_none() {
            return Ok(None);
        }
    }
    set.earlier = set.len;
    let new_later = earlier.iter().rev().copied().chain([own]).chain(later.iter().copied());
    for delta in new_later.flatten().filter(|&it| it > 0) {
        if set.push(delta).is_none() {
            return Ok(None);
        }
    }
    Ok(Some(set))
}

impl Set {
    fn push(&mut self, delta: i32) -> Option<()> {
        *self.deltas.get_mut(self.len)? = delta;
        self.len += 1;
        Some(())
    }
}
