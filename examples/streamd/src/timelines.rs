//! What happened to each input, as far as memory goes: for people who ask why.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use levada_control::{InputId, Notice, NoticeKind};

use crate::lock::lock;

/// Notices that are remembered of one input.
const LONGEST: usize = 100;

/// The newest notices of all inputs that there are.
#[derive(Debug, Default)]
pub struct Timelines(Mutex<HashMap<InputId, VecDeque<Arc<Notice>>>>);

impl Timelines {
    fn lock(&self) -> MutexGuard<'_, HashMap<InputId, VecDeque<Arc<Notice>>>> {
        lock(&self.0)
    }

    pub fn remember(&self, notice: &Arc<Notice>) {
        let Some(input) = notice.input.as_ref().map(|it| it.id) else { return };
        let mut all = self.lock();
        if matches!(notice.kind, NoticeKind::InputDeleted) {
            all.remove(&input);
            return;
        }
        // Recordings outlive their input: what happens to them has no timeline to go to.
        let is_new = !all.contains_key(&input);
        let outlives = notice.kind.name().starts_with("recording.");
        if is_new && outlives {
            return;
        }
        let line = all.entry(input).or_default();
        if line.len() == LONGEST {
            line.pop_front();
        }
        line.push_back(notice.clone());
    }

    /// The newest last.
    pub fn of(&self, input: InputId) -> Vec<Arc<Notice>> {
        self.lock().get(&input).into_iter().flatten().cloned().collect()
    }
}
