//! Everything that happened to a plane, so that it can happen again.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::{Action, Entropy, Error, Now, Plane, Reply, Step};

/// One step of a plane with all that went in and came out. With the feature `serde` it is a line of JSON.
///
/// It holds no secret, because a plane never sees one.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(clippy::exhaustive_structs, reason = "a record of the past")]
pub struct Entry {
    /// When.
    pub now: Now,
    /// What happened.
    pub step: Step,
    /// The random bytes that were drawn.
    pub entropy: Vec<u8>,
    /// What was answered, or the error's text.
    pub answer: Result<Reply, String>,
    /// What the plane wanted done.
    pub actions: Vec<Action>,
}

/// Remembers what was drawn.
struct Tap<'a> {
    source: &'a mut dyn Entropy,
    drawn: Vec<u8>,
}

impl Entropy for Tap<'_> {
    fn fill(&mut self, buffer: &mut [u8]) {
        self.source.fill(buffer);
        self.drawn.extend_from_slice(buffer);
    }
}

/// Gives out what was drawn before, then zeros.
struct Replayed<'a>(&'a [u8]);

impl Entropy for Replayed<'_> {
    fn fill(&mut self, buffer: &mut [u8]) {
        let (now, later) = self.0.split_at(buffer.len().min(self.0.len()));
        buffer.fill(0);
        for (byte, drawn) in buffer.iter_mut().zip(now) {
            *byte = *drawn;
        }
        self.0 = later;
    }
}

/// Does one step, takes all actions, and writes everything down. The answer stands beside it, as
/// [`Plane::handle`] gives it.
pub fn record(
    plane: &mut Plane,
    now: Now,
    step: impl Into<Step>,
    entropy: &mut dyn Entropy,
) -> (Result<Reply, Error>, Entry) {
    let step = step.into();
    let mut tap = Tap { source: entropy, drawn: Vec::new() };
    let reply = plane.handle(now, step.clone(), &mut tap);
    let answer = reply.clone().map_err(|it| it.to_string());
    let actions = core::iter::from_fn(|| plane.poll()).collect();
    (reply, Entry { now, step, entropy: tap.drawn, answer, actions })
}

/// The first entry that came out differently.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "two of the same, side by side")]
pub struct Difference {
    /// Which entry, from 0.
    pub index: usize,
    /// What is written.
    pub written: Entry,
    /// What came out this time.
    pub found: Entry,
}

/// Does everything in a journal again, beginning with the plane as it was then. Says how many entries came out the
/// same, or which was the first that did not.
///
/// ```
/// # use levada_control::*;
/// # struct Zeros;
/// # impl Entropy for Zeros { fn fill(&mut self, buffer: &mut [u8]) { buffer.fill(0) } }
/// let mut plane = Plane::new(PlaneConfig::default());
/// let begin = plane.snapshot();
/// let request = Request::CreateListener(ListenerConfig::new("main", 1935));
/// let journal = [record(&mut plane, Now::default(), request, &mut Zeros).1];
///
/// let mut again = Plane::restore(begin, Now::default());
/// assert_eq!(replay(&mut again, &journal), Ok(1));
/// ```
#[expect(clippy::result_large_err, reason = "made once, to be printed")]
pub fn replay(plane: &mut Plane, journal: &[Entry]) -> Result<usize, Difference> {
    for (index, written) in journal.iter().enumerate() {
        let (_, found) =
            record(plane, written.now, written.step.clone(), &mut Replayed(&written.entropy));
        if found != *written {
            return Err(Difference { index, written: written.clone(), found });
        }
    }
    Ok(journal.len())
}
