use alloc::vec::Vec;

use levada_amf::amf0::Array;
use levada_amf::{Object, Value};

/// Where the keyframes of a file are: the `keyframes` object of `onMetaData`.
///
/// ```
/// use levada_flv::{Keyframe, KeyframeIndex};
///
/// let index = KeyframeIndex::from_iter([
///     Keyframe { seconds: 0.0, position: 500 },
///     Keyframe { seconds: 2.0, position: 90_500 },
/// ]);
/// assert_eq!(index.before(1.9).unwrap().position, 500);
/// assert_eq!(index.before(2.0).unwrap().position, 90_500);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyframeIndex(Vec<Keyframe>);

/// One entry of a [`KeyframeIndex`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "the format has these two")]
pub struct Keyframe {
    /// When.
    pub seconds: f64,
    /// The offset in the file at which its tag begins.
    pub position: u64,
}

impl KeyframeIndex {
    /// The last keyframe at or before a time, or the first one. This is where to begin reading to show that time:
    /// see [`FlvReader::at`](crate::FlvReader::at).
    pub fn before(&self, seconds: f64) -> Option<&Keyframe> {
        let after = self.0.partition_point(|it| it.seconds <= seconds);
        self.0.get(after.saturating_sub(1))
    }

    /// All keyframes, in order of time.
    pub fn iter(&self) -> impl Iterator<Item = &Keyframe> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `None` unless there are two lists of numbers. Entries that are not in both are left out, and so are those
    /// that go back in time (some writers begin with a second entry of time 0, for the sequence headers).
    pub(crate) fn parse(object: &Object) -> Option<Self> {
        let times = object.get("times")?.as_array()?;
        let positions = object.get("filepositions")?.as_array()?;
        let pairs = times.iter().zip(positions);
        let entries = pairs.filter_map(|(seconds, position)| {
            Some(Keyframe { seconds: seconds.as_number()?, position: to_u64(position)? })
        });
        Some(entries.collect())
    }

    pub(crate) fn to_value(&self) -> Value {
        let times: Array = self.0.iter().map(|it| it.seconds).collect();
        let positions: Array = self.0.iter().map(|it| it.position as f64).collect();
        Object::new().with("times", times).with("filepositions", positions).into()
    }
}

impl FromIterator<Keyframe> for KeyframeIndex {
    /// Keeps those that are later than the one before, so that the index can be searched.
    fn from_iter<I: IntoIterator<Item = Keyframe>>(keyframes: I) -> Self {
        let mut kept: Vec<Keyframe> = Vec::new();
        for keyframe in keyframes {
            let later = kept.last().is_none_or(|last| keyframe.seconds >= last.seconds);
            if later && keyframe.seconds.is_finite() {
                kept.push(keyframe);
            }
        }
        Self(kept)
    }
}

/// A file offset: whole, not negative, and exact as a double.
pub(crate) fn to_u64(value: &Value) -> Option<u64> {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    let number = value.to_number()?;
    if !(0.0..=EXACT).contains(&number) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between 0 and 2^53, fractions are dropped"
    )]
    let whole = number as u64;
    Some(whole)
}
