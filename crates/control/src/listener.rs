//! A port that publishers and players connect to.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use crate::error::check_length;
use crate::machine::{Queue, due};
use crate::{Error, Machine, Now};

/// How long connections may take to close, so that a stopped listener's port is free within a second.
const DRAIN: Duration = Duration::from_millis(900);

/// What a listener is.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ListenerConfig {
    /// 1–128 characters, unique among listeners.
    pub name: String,
    /// The address to listen on.
    pub bind: IpAddr,
    /// 1–65535.
    pub port: u16,
    /// Whether TLS is spoken.
    pub tls: bool,
    /// Seconds of media queued per player, at least 1. A player that falls behind skips to the next keyframe.
    pub buffer_s: u32,
    /// Whether it should run.
    pub active: bool,
    /// Who may publish and play.
    pub policy: ListenerPolicy,
}

/// Who may publish and play at a listener.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum ListenerPolicy {
    /// Whoever has a key.
    Keyed,
    /// Everybody, under any name.
    Open,
    /// Everybody with one of these names who comes from one of these addresses. An empty list allows all.
    AllowList {
        /// Stream names.
        names: Vec<String>,
        /// Addresses.
        addresses: Vec<IpAddr>,
    },
}

impl ListenerConfig {
    /// An active one on all addresses, with keys.
    pub fn new(name: impl Into<String>, port: u16) -> Self {
        Self {
            name: name.into(),
            bind: IpAddr::from([0, 0, 0, 0]),
            port,
            tls: false,
            buffer_s: 5,
            active: true,
            policy: ListenerPolicy::Keyed,
        }
    }

    /// Says what is wrong with it.
    pub fn check(&self) -> Result<(), Error> {
        check_length("name", &self.name, 128, "must have 1 to 128 characters")?;
        if self.port == 0 {
            return Err(Error::Invalid { field: "port", why: "must be 1 to 65535" });
        }
        if !(1..=3600).contains(&self.buffer_s) {
            return Err(Error::Invalid { field: "buffer_s", why: "must be 1 to 3600" });
        }
        Ok(())
    }

    fn same_socket(&self, other: &Self) -> bool {
        (self.bind, self.port, self.tls) == (other.bind, other.port, other.tls)
    }
}

/// A port as text, as APIs get it: a whole number from 1 to 65535.
pub fn parse_port(text: &str) -> Result<u16, Error> {
    let is_number = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|it| is_number && *it > 0)
        .ok_or(Error::Invalid { field: "port", why: "must be 1 to 65535" })
}

/// Where a listener stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum ListenerState {
    /// Nothing is bound.
    Stopped,
    /// A port was asked for.
    Binding,
    /// Connections are taken.
    Listening,
    /// Connections are being closed.
    Draining {
        /// When the port is given up at the latest.
        until: Duration,
    },
    /// The port could not be had.
    Failed,
}

/// What happens to a [`Listener`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum ListenerEvent {
    /// Run.
    Start,
    /// Stop.
    Stop,
    /// Change.
    Update(ListenerConfig),
    /// The port that was asked for is bound.
    Bound,
    /// It is not.
    BindFailed,
    /// All connections are closed.
    Drained,
}

/// What a [`Listener`] wants done.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum ListenerAction {
    /// Bind this; say [`Bound`](ListenerEvent::Bound) or [`BindFailed`](ListenerEvent::BindFailed).
    Bind {
        /// The address.
        bind: IpAddr,
        /// The port.
        port: u16,
        /// Whether TLS is spoken.
        tls: bool,
    },
    /// Take no more connections and close those that are there; say [`Drained`](ListenerEvent::Drained).
    CloseConnections,
    /// Close the socket of this address, with every connection that is left.
    Release {
        /// The address.
        bind: IpAddr,
        /// The port.
        port: u16,
    },
    /// It runs.
    Started,
    /// It stopped.
    Stopped,
    /// It could not start, or keeps running as it was because the change could not be made.
    Failed,
}

/// One listener.
///
/// A change of address, port or TLS binds the new socket first. Only when that worked are connections closed and the
/// old socket given up; otherwise everything stays as it was.
///
/// # States
///
/// In `when`, a time in italics is the deadline of the state; events that change nothing are left out.
#[doc = include_str!("../tables/listener.md")]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Listener {
    config: ListenerConfig,
    state: ListenerState,
    /// What is being bound while the old socket still serves.
    pending: Option<ListenerConfig>,
    /// Whether to start again when drained.
    restart: bool,
    bind_failed: bool,
    actions: Queue<ListenerAction>,
}

impl Listener {
    /// A stopped one; [`ListenerEvent::Start`] starts it.
    pub fn new(config: ListenerConfig) -> Result<Self, Error> {
        config.check()?;
        Ok(Self {
            config: ListenerConfig { active: false, ..config },
            state: ListenerState::Stopped,
            pending: None,
            restart: false,
            bind_failed: false,
            actions: Queue::actions(),
        })
    }

    /// What it is.
    pub fn config(&self) -> &ListenerConfig {
        &self.config
    }

    /// Where it stands.
    pub fn state(&self) -> ListenerState {
        self.state
    }

    /// Whether it is on its way from one state to another.
    pub fn is_changing(&self) -> bool {
        let moves = matches!(self.state, ListenerState::Binding | ListenerState::Draining { .. });
        moves || self.pending.is_some()
    }

    /// Whether the last attempt to bind failed: tell the caller `port_in_use`.
    pub fn bind_failed(&self) -> bool {
        self.bind_failed
    }

    /// Whether this port is in its hands, or about to be.
    pub(crate) fn uses_port(&self, port: u16) -> bool {
        let wanted = self.pending.as_ref().is_some_and(|it| it.port == port);
        let idle = matches!(self.state, ListenerState::Stopped | ListenerState::Failed);
        wanted || (self.config.port == port && !idle)
    }

    /// The process began anew: nothing is bound.
    pub(crate) fn restart(&mut self) {
        self.actions.clear();
        (self.state, self.pending, self.restart) = (ListenerState::Stopped, None, false);
    }

    fn start(&mut self) {
        self.config.active = true;
        match self.state {
            ListenerState::Stopped | ListenerState::Failed => {
                self.state = ListenerState::Binding;
                self.bind_failed = false;
                self.actions.push(bind(&self.config));
            }
            ListenerState::Draining { .. } => self.restart = true,
            ListenerState::Binding | ListenerState::Listening => {}
        }
    }

    fn stop(&mut self, now: Now) {
        self.config.active = false;
        self.restart = false;
        if let Some(wanted) = self.pending.take() {
            self.actions.push(release(&wanted));
        }
        match self.state {
            ListenerState::Binding => {
                self.actions.push(release(&self.config));
                self.stopped();
            }
            ListenerState::Listening => self.drain(now),
            ListenerState::Failed => self.state = ListenerState::Stopped,
            ListenerState::Stopped | ListenerState::Draining { .. } => {}
        }
    }

    fn drain(&mut self, now: Now) {
        self.state = ListenerState::Draining { until: now.mono.saturating_add(DRAIN) };
        self.actions.push(ListenerAction::CloseConnections);
    }

    fn drained(&mut self) {
        self.actions.push(release(&self.config));
        self.stopped();
        if core::mem::take(&mut self.restart) {
            self.start();
        }
    }

    fn stopped(&mut self) {
        self.state = ListenerState::Stopped;
        self.actions.push(ListenerAction::Stopped);
    }

    fn update(&mut self, now: Now, new: ListenerConfig) -> Result<(), Error> {
        new.check()?;
        if !new.active {
            self.stop(now);
            if matches!(self.state, ListenerState::Draining { .. }) {
                self.drained();
            }
            self.config = new;
            return Ok(());
        }
        match self.state {
            ListenerState::Listening if self.config.same_socket(&new) => {
                // Same socket: every connection is closed all the same, then it serves anew.
                self.config = new;
                self.restart = true;
                self.drain(now);
            }
            ListenerState::Listening => {
                if let Some(wanted) = self.pending.take() {
                    self.actions.push(release(&wanted));
                }
                self.bind_failed = false;
                self.actions.push(bind(&new));
                self.pending = Some(new);
            }
            ListenerState::Binding => {
                self.actions.push(release(&self.config));
                self.config = new;
                self.state = ListenerState::Stopped;
                self.start();
            }
            ListenerState::Stopped | ListenerState::Failed | ListenerState::Draining { .. } => {
                let draining = matches!(self.state, ListenerState::Draining { .. });
                if draining {
                    self.actions.push(release(&self.config));
                    self.stopped();
                    self.restart = false;
                }
                self.config = new;
                self.start();
            }
        }
        Ok(())
    }

    fn bound(&mut self) {
        match (self.state, self.pending.take()) {
            (ListenerState::Listening, Some(new)) => {
                self.actions.push(ListenerAction::CloseConnections);
                self.actions.push(release(&self.config));
                self.config = new;
                self.actions.push(ListenerAction::Started);
            }
            (ListenerState::Binding, _) => {
                self.state = ListenerState::Listening;
                self.actions.push(ListenerAction::Started);
            }
            // A late answer: what was bound has been released already.
            _ => {}
        }
    }

    fn bind_failure(&mut self) {
        let keeps_running = self.state == ListenerState::Listening && self.pending.take().is_some();
        if self.state == ListenerState::Binding {
            self.state = ListenerState::Failed;
        } else if !keeps_running {
            return;
        }
        self.bind_failed = true;
        self.actions.push(ListenerAction::Failed);
    }
}

fn bind(config: &ListenerConfig) -> ListenerAction {
    ListenerAction::Bind { bind: config.bind, port: config.port, tls: config.tls }
}

fn release(config: &ListenerConfig) -> ListenerAction {
    ListenerAction::Release { bind: config.bind, port: config.port }
}

impl Machine for Listener {
    type Event = ListenerEvent;
    type Action = ListenerAction;

    fn handle(&mut self, now: Now, event: ListenerEvent) -> Result<(), Error> {
        self.tick(now);
        match event {
            ListenerEvent::Start => self.start(),
            ListenerEvent::Stop => self.stop(now),
            ListenerEvent::Update(new) => return self.update(now, new),
            ListenerEvent::Bound => self.bound(),
            ListenerEvent::BindFailed => self.bind_failure(),
            ListenerEvent::Drained => {
                if matches!(self.state, ListenerState::Draining { .. }) {
                    self.drained();
                }
            }
        }
        Ok(())
    }

    fn tick(&mut self, now: Now) {
        if due(self.next_deadline(), now) {
            self.drained();
        }
    }

    fn next_deadline(&self) -> Option<Duration> {
        match self.state {
            ListenerState::Draining { until } => Some(until),
            _ => None,
        }
    }

    fn poll(&mut self) -> Option<ListenerAction> {
        self.actions.pop()
    }
}
