//! The control plane at work: a lock around the plane and its keys, and a task that writes down what it decided.
//!
//! Operators call [`Control::request`], which answers when the change is on the disk. Drivers call [`Control::fact`].
//! What the plane wants done goes through one queue to [`effects`](crate::effects), in order.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bytes::Bytes;
use levada_control::{
    Action, Entropy, Entry, Error, Fact, Keyring, Loss, Notice, Now, Plane, PlaneConfig, Refusal,
    Reply, Request, SessionId, Step,
};
use tokio::sync::{Notify, broadcast, mpsc, watch};
use tracing::error;

use crate::bell::{Bell, Listener};
use crate::journal::Journal;
use crate::lock::lock;
use crate::server::{Server, main_of, work};
use crate::store::{self, Extras, Frozen, Store};
use crate::stream::unix_ms;
use crate::timelines::Timelines;

/// Notices that a slow listener may be behind before it misses some.
const NOTICES: usize = 1024;
/// How often what drivers reported is written down.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// The plane, its keys, and everything that is told by it.
#[derive(Debug)]
pub struct Control {
    begin: Instant,
    state: Mutex<State>,
    pub store: Store,
    effects: mpsc::UnboundedSender<Effect>,
    notices: broadcast::Sender<Arc<Notice>>,
    pub timelines: Timelines,
    orders: Mutex<HashMap<SessionId, Told>>,
    /// The next deadline may be another.
    timers: Notify,
    /// Somebody waits for the disk.
    save: Notify,
    saved: watch::Sender<u64>,
}

struct State {
    plane: Plane,
    keys: Keyring,
    extras: Extras,
    journal: Journal,
    /// Counts changes, so that whoever made one knows when it is on the disk.
    revision: u64,
    /// The last change that webhooks are told of.
    told: u64,
}

impl std::fmt::Debug for State {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("State").field("revision", &self.revision).finish_non_exhaustive()
    }
}

/// What a publisher's or player's connection is told.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    Close(Loss),
    Reject(Refusal),
}

/// What a connection was told, and what rings when it is.
#[derive(Debug, Default)]
struct Told {
    order: Option<Order>,
    bell: Arc<Bell>,
}

/// What is to be done, in this order.
pub enum Effect {
    Act(Action),
    Then(Box<dyn FnOnce() + Send>),
}

/// A request, with secrets and extras that belong to it: they are there before anything is done about it.
pub struct Change<'a> {
    request: Request,
    with: With<'a>,
}

type With<'a> = Box<dyn FnOnce(&Reply, &mut Keyring, &mut Extras) + Send + 'a>;

impl From<Request> for Change<'_> {
    fn from(request: Request) -> Self {
        Self { request, with: Box::new(|_, _, _| {}) }
    }
}

impl<'a> Change<'a> {
    #[must_use]
    pub fn with(self, with: impl FnOnce(&Reply, &mut Keyring, &mut Extras) + Send + 'a) -> Self {
        Self { with: Box::new(with), ..self }
    }
}

/// Random bytes of the system.
pub struct Chance;

impl Entropy for Chance {
    fn fill(&mut self, buffer: &mut [u8]) {
        if let Err(why) = getrandom::fill(buffer) {
            // Without randomness there are no keys, and nothing here is worth going on for.
            error!(%why, "the system gives no random bytes");
            std::process::abort();
        }
    }
}

impl Control {
    /// Goes on where the database left off. What is to be done comes out of the receiver.
    pub fn open(
        config: PlaneConfig,
        data: &Path,
        journal: Option<&Path>,
    ) -> anyhow::Result<(Self, mpsc::UnboundedReceiver<Effect>)> {
        let store = Store::open(data)?;
        let kept = store.read()?;
        let begin = Instant::now();
        let now = Now::new(Duration::ZERO, unix_ms());
        let restored = kept.plane.is_some();
        let mut plane = match kept.plane {
            Some(snapshot) => Plane::restore(snapshot, now),
            None => Plane::new(config.clone()),
        };
        plane.configure(config);
        let journal = Journal::begin(journal, &plane)?;
        let (effects, queue) = mpsc::unbounded_channel();
        let state =
            State { plane, keys: kept.keys, extras: kept.extras, journal, revision: 0, told: 0 };
        let control = Self {
            begin,
            state: Mutex::new(state),
            store,
            effects,
            notices: broadcast::Sender::new(NOTICES),
            timelines: Timelines::default(),
            orders: Mutex::default(),
            timers: Notify::new(),
            save: Notify::new(),
            saved: watch::Sender::new(0),
        };
        if restored {
            control.begin_again();
        }
        Ok((control, queue))
    }

    /// Nothing is open any more. Everything opens anew but `--rtmp`, which may have another address by now:
    /// [`open_main`](crate::server::Server::open_main) knows it.
    fn begin_again(&self) {
        let mut state = self.lock();
        if let Some(main) = main_of(&state.plane) {
            let _ = self.step(&mut state, Request::StopListener(main).into());
        }
        let _ = self.step(&mut state, Fact::Restarted.into());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// This moment, as the plane counts it.
    pub fn now(&self) -> Now {
        Now::new(self.begin.elapsed(), unix_ms())
    }

    /// Looks at the plane.
    pub fn read<R>(&self, look: impl FnOnce(&Plane, &Keyring, &Extras) -> R) -> R {
        let state = self.lock();
        look(&state.plane, &state.keys, &state.extras)
    }

    /// Reports what a driver saw.
    pub fn fact(&self, fact: Fact) -> Result<Reply, Error> {
        self.step(&mut self.lock(), fact.into())
    }

    /// The same, and does something right after what the plane wants then.
    pub fn fact_then(&self, fact: Fact, work: impl FnOnce() + Send + 'static) {
        let mut state = self.lock();
        let _ = self.step(&mut state, fact.into());
        let _ = self.effects.send(Effect::Then(Box::new(work)));
    }

    /// Decides about a claim and reports it, all at one moment.
    pub fn claim(&self, claim: impl FnOnce(&Plane, &Keyring) -> Fact) -> Result<Reply, Error> {
        let mut state = self.lock();
        let fact = claim(&state.plane, &state.keys);
        self.step(&mut state, fact.into())
    }

    /// Does what an operator asks for in the light of what there is, and answers when the disk has it. Nothing else
    /// happens between the look and the change.
    pub async fn change<'a, E: From<Error>>(
        &self,
        make: impl FnOnce(&Plane, &Keyring, &Extras) -> Result<Change<'a>, E>,
    ) -> Result<Reply, E> {
        let (reply, revision) = self.take(make)?;
        self.on_disk(revision).await;
        Ok(reply)
    }

    /// Does what an operator asks for, and answers when the disk has it.
    pub async fn request(&self, request: Request) -> Result<Reply, Error> {
        self.change(|_, _, _| Ok(request.into())).await
    }

    /// The same, with secrets and extras that belong to it: they are there before anything is done about it.
    pub async fn request_with(
        &self,
        request: Request,
        with: impl FnOnce(&Reply, &mut Keyring, &mut Extras) + Send,
    ) -> Result<Reply, Error> {
        self.change(|_, _, _| Ok(Change::from(request).with(with))).await
    }

    /// The same without waiting for the disk, for what is asked for again after a restart.
    pub fn request_now(
        &self,
        request: Request,
        with: impl FnOnce(&Reply, &mut Keyring, &mut Extras) + Send,
    ) -> Result<Reply, Error> {
        self.take(|_, _, _| Ok(Change::from(request).with(with))).map(|it| it.0)
    }

    fn take<'a, E: From<Error>>(
        &self,
        make: impl FnOnce(&Plane, &Keyring, &Extras) -> Result<Change<'a>, E>,
    ) -> Result<(Reply, u64), E> {
        let mut state = self.lock();
        let Change { request, with } = make(&state.plane, &state.keys, &state.extras)?;
        let (reply, actions) = self.decide(&mut state, request.into());
        if let Ok(reply) = &reply {
            let State { keys, extras, .. } = &mut *state;
            with(reply, keys, extras);
        }
        self.pass_on(actions);
        Ok((reply?, state.revision))
    }

    /// Changes what is kept beside the plane, and returns when the disk has it.
    pub async fn keep<R>(&self, change: impl FnOnce(&Plane, &mut Extras) -> R) -> R {
        let (result, revision) = {
            let mut state = self.lock();
            state.revision += 1;
            let State { plane, extras, .. } = &mut *state;
            (change(plane, extras), state.revision)
        };
        self.on_disk(revision).await;
        result
    }

    async fn on_disk(&self, revision: u64) {
        if *self.saved.borrow() >= revision {
            return;
        }
        self.save.notify_one();
        let _ = self.saved.subscribe().wait_for(|it| *it >= revision).await;
    }

    /// Returns when the disk has everything that webhooks have been told of.
    pub async fn told_on_disk(&self) {
        let told = self.lock().told;
        self.on_disk(told).await;
    }

    fn step(&self, state: &mut State, step: Step) -> Result<Reply, Error> {
        let (reply, actions) = self.decide(state, step);
        self.pass_on(actions);
        reply
    }

    /// One step, written into the journal, with its keys made.
    fn decide(&self, state: &mut State, step: Step) -> (Result<Reply, Error>, Vec<Action>) {
        let State { plane, keys, journal, revision, told, .. } = state;
        let (reply, entry) = levada_control::record(plane, self.now(), step, &mut Chance);
        *revision += 1;
        journal.write(&entry);
        if plane.hooks().next().is_some() && tells(&entry) {
            *told = *revision;
            self.save.notify_one();
        }
        let mut actions = entry.actions;
        actions.retain(|it| match it {
            Action::Keys(change) => {
                keys.apply(*change, &mut Chance);
                false
            }
            _ => true,
        });
        (reply, actions)
    }

    /// Under the lock, so that the queue has the plane's order.
    fn pass_on(&self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Notice(notice) => {
                    let notice = Arc::new(notice);
                    self.timelines.remember(&notice);
                    let _ = self.notices.send(notice);
                }
                action => {
                    let _ = self.effects.send(Effect::Act(action));
                }
            }
        }
        self.timers.notify_one();
    }

    /// Waits until something is so, or no longer than that. What is so has to be told by a notice.
    pub async fn until(&self, limit: Duration, so: impl Fn(&Plane) -> bool) {
        let mut notices = self.notices();
        let waited = async {
            while !self.read(|plane, _, _| so(plane)) {
                let _ = notices.recv().await;
            }
        };
        let _ = tokio::time::timeout(limit, waited).await;
    }

    /// Everything that happens from now on.
    pub fn notices(&self) -> broadcast::Receiver<Arc<Notice>> {
        self.notices.subscribe()
    }

    /// The journal from now on: its first line, and those that follow.
    pub fn journal(&self) -> anyhow::Result<(Bytes, broadcast::Receiver<Bytes>)> {
        let state = self.lock();
        state.journal.read(&state.plane)
    }

    /// Rings when a connection is told something, from its acceptance to [`forget`](Self::forget).
    pub fn orders(&self, session: SessionId) -> Listener {
        lock(&self.orders).entry(session).or_default().bell.listen()
    }

    /// What a connection was told.
    pub fn ordered(&self, session: SessionId) -> Option<Order> {
        lock(&self.orders).get(&session)?.order
    }

    /// Tells a connection. One that is not there yet will find it.
    pub fn order(&self, session: SessionId, order: Order) {
        let mut orders = lock(&self.orders);
        let told = orders.entry(session).or_default();
        told.order = Some(order);
        told.bell.ring();
    }

    /// The connection is gone.
    pub fn forget(&self, session: SessionId) {
        lock(&self.orders).remove(&session);
    }

    /// Ticks whenever something comes due. Runs as long as the server.
    pub async fn keep_time(&self) {
        loop {
            let deadline = self.read(|plane, _, _| plane.next_deadline());
            let due = async {
                match deadline {
                    Some(at) => tokio::time::sleep_until((self.begin + at).into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => {
                    let _ = self.step(&mut self.lock(), Step::Tick);
                }
                () = self.timers.notified() => {}
            }
        }
    }

    /// Writes everything if it changed.
    pub fn save(&self) -> anyhow::Result<()> {
        let (frozen, revision) = {
            let mut state = self.lock();
            if state.revision == *self.saved.borrow() {
                return Ok(());
            }
            let State { plane, keys, extras, revision, .. } = &mut *state;
            store::forget_gone(extras, plane);
            (Frozen::new(plane.snapshot(), keys, extras), *revision)
        };
        self.store.write(&frozen)?;
        self.saved.send_replace(revision);
        Ok(())
    }
}

/// Writes what changed: at once if somebody waits for it, else now and then. Runs as long as the server.
pub async fn keep_saved(server: Arc<Server>) {
    loop {
        let control = &server.control;
        let asked = tokio::time::timeout(SAVE_EVERY, control.save.notified()).await.is_ok();
        if let Err(why) = work(&server, |it| it.control.save()).await {
            error!(why = format!("{why:#}"), "cannot write control.redb: is the disk full?");
            // Whoever asked is kept waiting until it can be promised.
            if asked {
                control.save.notify_one();
            }
            tokio::time::sleep(SAVE_EVERY).await;
        }
    }
}

/// Whether webhooks may hear of a step.
fn tells(entry: &Entry) -> bool {
    matches!(entry.step, Step::Request(_))
        || entry.actions.iter().any(|it| matches!(it, Action::Notice(_)))
}
