/// The deepest nesting of containers that a value can have: 64.
///
/// Every walk through a value recurses: clone, compare, print, encode, drop. This bound, kept by construction,
/// is what makes that safe on any stack. See [`AmfLimits::depth`](crate::AmfLimits::depth) for what is read.
pub const MAX_DEPTH: usize = 64;

/// How many levels of containers are below one container.
///
/// Invariant: a container never holds a value deeper than `MAX_DEPTH - 1`. What would break that is not taken
/// in, and the container counts as deeper than [`MAX_DEPTH`] from then on, so that no parent takes it either and
/// encoding it fails.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Below(u8);

impl Below {
    pub(crate) const ZERO: Self = Self(0);

    /// Whether a value of this depth may be taken in.
    pub(crate) fn admit(&mut self, depth: usize) -> bool {
        if depth == 0 {
            return true;
        }
        let levels = u8::try_from(depth.min(MAX_DEPTH)).unwrap_or(u8::MAX);
        self.0 = self.0.max(levels);
        depth < MAX_DEPTH
    }

    /// The depth of the container itself: 1 when all it holds is flat.
    pub(crate) fn depth(self) -> usize {
        usize::from(self.0) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_that_is_too_much_spoils_the_container() {
        let mut below = Below::default();
        assert_eq!(below.depth(), 1);
        assert!(below.admit(MAX_DEPTH - 1));
        assert_eq!(below.depth(), MAX_DEPTH);
        assert!(!below.admit(MAX_DEPTH));
        assert!(below.admit(0));
        assert_eq!(below.depth(), MAX_DEPTH + 1);
    }
}
