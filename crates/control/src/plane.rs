//! All machines together: who owns what, and who hears of what.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::admission::Attempts;
use crate::timers::Timers;
use crate::{
    Algorithm, Apps, ClipId, ClipOrder, Entropy, Error, Health, Hook, HookId, Input, InputId,
    Limits, Listener, ListenerId, Machine, Now, Output, OutputId, Pull, Recorder, Recording,
    RecordingId, SessionId, Show, ShowId, SigningKeyId, Slot, TargetRules,
};

mod fact;
mod observe;
mod operate;
mod publish;
mod request;
mod route;
mod view;

pub use fact::{Action, Fact, Step};
pub use request::{
    HookConfig, InputConfig, OutputConfig, RecordingConfig, Reply, Request, ShowConfig,
};
pub use view::{
    ClipView, HookView, InputView, ListenerView, OutputView, Playback, SessionView, ShowView,
};

/// What a plane is told once.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PlaneConfig {
    /// How much of everything there may be.
    pub limits: Limits,
    /// Where the server may call.
    pub targets: TargetRules,
    /// The applications of keyed listeners.
    pub apps: Apps,
    /// Where players find the server, such as `https://live.example.org`. Written into hook bodies.
    pub public_base: String,
}

/// Whose deadline it is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Owner {
    Listener(ListenerId),
    Input(InputId),
    Output(OutputId),
    Recording(RecordingId),
    Clip(ClipId),
    Show(ShowId),
    Hook(HookId),
}

#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct ListenerEntry {
    machine: Listener,
    created: i64,
    modified: Option<i64>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct InputEntry {
    config: InputConfig,
    number: i64,
    created: i64,
    modified: i64,
    keys_rotated: Option<i64>,
    machine: Input,
    pull: Pull,
    /// The session that the pull's present attempt is.
    pulled: Option<SessionId>,
    recorder: Recorder,
    health: Health,
    outputs: Vec<OutputId>,
    shows: Vec<ShowId>,
    players: usize,
    /// The last notice's number.
    seq: u64,
    /// Whether the world was told that it is live and not yet that it is not.
    told_live: bool,
    /// Of an input that is there as long as its publisher is: its place on its open listener.
    ephemeral: Option<String>,
    /// Whether the pull switched it off.
    deactivated: bool,
    /// Whether it is counted among the active ones.
    active: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Role {
    Publisher(Slot),
    Player,
    Pull(u64),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Session {
    listener: Option<ListenerId>,
    input: InputId,
    role: Role,
    since: i64,
}

#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct OutputEntry {
    config: OutputConfig,
    input: InputId,
    number: i64,
    created: i64,
    machine: Output,
}

#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct ClipEntry {
    order: ClipOrder,
    recording: RecordingId,
    created: i64,
    expires: Option<Duration>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct ShowEntry {
    config: ShowConfig,
    number: i64,
    created: i64,
    machine: Show,
}

#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct HookEntry {
    config: HookConfig,
    created: i64,
    machine: Hook,
}

/// Everything a live server decides.
///
/// Tell it what operators want and what drivers see with [`handle`](Self::handle), let time pass with
/// [`tick`](Self::tick), and do what [`poll`](Self::poll) hands out. The same calls give the same actions, byte for
/// byte: [`record`](crate::record) writes them down, [`replay`](crate::replay) tries them again.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Plane {
    config: PlaneConfig,
    /// The caller's clock at the beginning, and ours.
    zero: Duration,
    base: Duration,
    last: Now,
    next_number: i64,
    listeners: BTreeMap<ListenerId, ListenerEntry>,
    inputs: BTreeMap<InputId, InputEntry>,
    numbers: BTreeMap<i64, InputId>,
    aliases: BTreeMap<String, InputId>,
    ephemeral: BTreeMap<String, InputId>,
    sessions: BTreeMap<SessionId, Session>,
    players: usize,
    active_inputs: usize,
    outputs: BTreeMap<OutputId, OutputEntry>,
    recordings: BTreeMap<RecordingId, Recording>,
    clips: BTreeMap<ClipId, ClipEntry>,
    shows: BTreeMap<ShowId, ShowEntry>,
    hooks: BTreeMap<HookId, HookEntry>,
    signing_keys: BTreeMap<SigningKeyId, (Algorithm, i64)>,
    attempts: Attempts,
    storage_used: u64,
    /// The last number of a notice without an input.
    seq: u64,
    #[cfg_attr(feature = "serde", serde(skip))]
    timers: Timers<Owner>,
    actions: VecDeque<Action>,
}

impl Plane {
    /// An empty one.
    pub fn new(config: PlaneConfig) -> Self {
        let attempts = Attempts::new(config.limits.attempts);
        Self {
            config,
            zero: Duration::ZERO,
            base: Duration::ZERO,
            last: Now::default(),
            next_number: 1,
            listeners: BTreeMap::new(),
            inputs: BTreeMap::new(),
            numbers: BTreeMap::new(),
            aliases: BTreeMap::new(),
            ephemeral: BTreeMap::new(),
            sessions: BTreeMap::new(),
            players: 0,
            active_inputs: 0,
            outputs: BTreeMap::new(),
            recordings: BTreeMap::new(),
            clips: BTreeMap::new(),
            shows: BTreeMap::new(),
            hooks: BTreeMap::new(),
            signing_keys: BTreeMap::new(),
            attempts,
            storage_used: 0,
            seq: 0,
            timers: Timers::default(),
            actions: VecDeque::new(),
        }
    }

    /// Everything that is worth keeping, at this moment. Holds no secret: store the
    /// [`Keyring`](crate::Keyring) beside it.
    pub fn snapshot(&self) -> Snapshot {
        // Timers are made anew from what the machines say.
        Snapshot { plane: Self { timers: Timers::default(), ..self.clone() } }
    }

    /// Goes on from a snapshot. Time that passed since, on the calendar, has passed for every schedule in it.
    ///
    /// If the process was restarted, report [`Fact::Restarted`] next.
    pub fn restore(snapshot: Snapshot, now: Now) -> Self {
        let mut plane = snapshot.plane;
        // A plane that nothing has happened to has no time to count from.
        let since = if plane.last == Now::default() { now.unix_ms } else { plane.last.unix_ms };
        let passed = u64::try_from(now.unix_ms.saturating_sub(since)).unwrap_or(0);
        (plane.zero, plane.base) =
            (now.mono, plane.last.mono.saturating_add(Duration::from_millis(passed)));
        plane.last = plane.ours(now);
        plane.set_all_timers();
        plane
    }

    /// The plane exactly as it was, on the clock that it had: what a journal begins with. To go on after a restart,
    /// [`restore`](Self::restore) it.
    pub fn rewind(snapshot: Snapshot) -> Self {
        let mut plane = snapshot.plane;
        plane.set_all_timers();
        plane
    }

    /// Other limits, targets and addresses from now on. What there is already stays, even if it is more than may be.
    pub fn configure(&mut self, config: PlaneConfig) {
        self.config = config;
    }

    /// Does one step. An error says why it was not done; then nothing has changed but for what time did.
    ///
    /// Random bytes are drawn for new ids only.
    pub fn handle(
        &mut self,
        now: Now,
        step: impl Into<Step>,
        entropy: &mut dyn Entropy,
    ) -> Result<Reply, Error> {
        let step = step.into();
        self.advance(now)?;
        if self.actions.len() >= self.config.limits.actions {
            return Err(Error::Full);
        }
        let now = self.last;
        match step {
            Step::Request(request) => self.operate(now, request, entropy),
            Step::Fact(fact) => self.observe(now, fact, entropy),
            Step::Tick => Ok(Reply::Done),
        }
    }

    /// Does what has come due. While the queue of actions is full, it waits.
    pub fn tick(&mut self, now: Now) -> Result<(), Error> {
        self.advance(now)
    }

    /// When to call [`tick`](Self::tick) next, in the caller's `mono`.
    pub fn next_deadline(&self) -> Option<Duration> {
        let at = self.timers.next()?;
        Some(self.zero.saturating_add(at.saturating_sub(self.base)))
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The caller's time on our clock, which goes on where the snapshot's stood.
    fn ours(&self, now: Now) -> Now {
        Now {
            mono: self.base.saturating_add(now.mono.saturating_sub(self.zero)),
            unix_ms: now.unix_ms,
        }
    }

    fn advance(&mut self, now: Now) -> Result<(), Error> {
        let now =
            if now.mono < self.zero { return Err(Error::TimeWentBack) } else { self.ours(now) };
        if now.mono < self.last.mono {
            return Err(Error::TimeWentBack);
        }
        self.last = now;
        // Every machine's next deadline lies ahead once it was ticked: each owner comes up once, and again only when
        // what happened to another gave it a new deadline, which lies ahead too.
        while let Some(owner) = self.timers.first_due(now.mono) {
            if self.actions.len() >= self.config.limits.actions {
                return Ok(());
            }
            self.tick_owner(now, owner);
        }
        Ok(())
    }

    fn tick_owner(&mut self, now: Now, owner: Owner) {
        match owner {
            Owner::Listener(id) => self.with_listener(now, id, |it| it.tick(now)),
            Owner::Input(id) => {
                if let Some(entry) = self.inputs.get_mut(&id) {
                    entry.machine.tick(now);
                    entry.pull.tick(now);
                    entry.recorder.tick(now);
                }
                self.settle_input(now, id);
            }
            Owner::Output(id) => self.with_output(now, id, |it| it.tick(now)),
            Owner::Recording(id) => self.with_recording(now, id, |it| it.tick(now)),
            Owner::Clip(id) => self.remove_clip(id),
            Owner::Show(id) => self.with_show(now, id, |it| it.tick(now)),
            Owner::Hook(id) => self.with_hook(id, |it| it.tick(now)),
        }
    }

    /// Takes over the deadline of whoever was touched.
    fn set_timer(&mut self, owner: Owner) {
        let at = match owner {
            Owner::Listener(id) => {
                self.listeners.get(&id).and_then(|it| it.machine.next_deadline())
            }
            Owner::Input(id) => self.inputs.get(&id).and_then(|it| {
                crate::machine::earliest([
                    it.machine.next_deadline(),
                    it.pull.next_deadline(),
                    it.recorder.next_deadline(),
                ])
            }),
            Owner::Output(id) => self.outputs.get(&id).and_then(|it| it.machine.next_deadline()),
            Owner::Recording(id) => self.recordings.get(&id).and_then(Machine::next_deadline),
            Owner::Clip(id) => self.clips.get(&id).and_then(|it| it.expires),
            Owner::Show(id) => self.shows.get(&id).and_then(|it| it.machine.next_deadline()),
            Owner::Hook(id) => self.hooks.get(&id).and_then(|it| it.machine.next_deadline()),
        };
        self.timers.set(owner, at);
    }

    fn set_all_timers(&mut self) {
        let owners: Vec<Owner> = (self.listeners.keys().copied().map(Owner::Listener))
            .chain(self.inputs.keys().copied().map(Owner::Input))
            .chain(self.outputs.keys().copied().map(Owner::Output))
            .chain(self.recordings.keys().copied().map(Owner::Recording))
            .chain(self.clips.keys().copied().map(Owner::Clip))
            .chain(self.shows.keys().copied().map(Owner::Show))
            .chain(self.hooks.keys().copied().map(Owner::Hook))
            .collect();
        for owner in owners {
            self.set_timer(owner);
        }
    }
}

/// A plane at rest. With the feature `serde` it can be stored.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Snapshot {
    plane: Plane,
}
