//! What can be seen of a plane. Views borrow and show no secrets: there are none in here.

use core::net::IpAddr;
use core::time::Duration;

use super::{HookConfig, InputConfig, InputEntry, OutputConfig, Plane, Role, ShowConfig};
use crate::{
    AccessRules, Algorithm, ClipId, ClipOrder, Health, Hook, HookId, Input, InputId, Listener,
    ListenerId, NoPlaylist, Output, OutputId, Pull, Recorder, Recording, RecordingId, SessionId,
    Show, ShowId, ShowStatus, SigningKeyId, Slot,
};

/// A listener.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ListenerView<'a> {
    /// Its id.
    pub id: ListenerId,
    /// Its machine, with its configuration.
    pub machine: &'a Listener,
    /// Publishers and players on it.
    pub connections: usize,
    /// When it was made.
    pub created: i64,
    /// When it was changed.
    pub modified: Option<i64>,
}

/// An input.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct InputView<'a> {
    /// Its id.
    pub id: InputId,
    /// Its number.
    pub number: i64,
    /// What it is.
    pub config: &'a InputConfig,
    /// Its machine.
    pub machine: &'a Input,
    /// Its pull.
    pub pull: &'a Pull,
    /// Its recorder.
    pub recorder: &'a Recorder,
    /// The judge of its media.
    pub health: &'a Health,
    /// Its outputs, oldest first.
    pub outputs: &'a [OutputId],
    /// How many play it.
    pub players: usize,
    /// When it was made.
    pub created: i64,
    /// When it was changed.
    pub modified: i64,
    /// When its keys were replaced.
    pub keys_rotated: Option<i64>,
    /// Whether a pull without data switched it off.
    pub deactivated: bool,
    /// Whether it goes with its publisher.
    pub ephemeral: bool,
}

/// An output.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct OutputView<'a> {
    /// Its id.
    pub id: OutputId,
    /// Its number.
    pub number: i64,
    /// Its input.
    pub input: InputId,
    /// What it is.
    pub config: &'a OutputConfig,
    /// Its machine, with its figures.
    pub machine: &'a Output,
    /// When it was made.
    pub created: i64,
}

/// A show.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ShowView<'a> {
    /// Its id.
    pub id: ShowId,
    /// Its number.
    pub number: i64,
    /// What it is.
    pub config: &'a ShowConfig,
    /// Its machine.
    pub machine: &'a Show,
    /// When it was made.
    pub created: i64,
}

/// A webhook.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct HookView<'a> {
    /// Its id.
    pub id: HookId,
    /// What it is.
    pub config: &'a HookConfig,
    /// Its machine, with its log.
    pub machine: &'a Hook,
    /// When it was made.
    pub created: i64,
}

/// A clip.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ClipView<'a> {
    /// Its id.
    pub id: ClipId,
    /// What it is.
    pub order: &'a ClipOrder,
    /// What it was cut from, which may be gone.
    pub recording: RecordingId,
    /// When it was made.
    pub created: i64,
    /// When it goes, on the calendar.
    pub expires: Option<i64>,
}

/// A publisher's or player's stay.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SessionView {
    /// Its id.
    pub id: SessionId,
    /// What it publishes to, or plays.
    pub input: InputId,
    /// Where it came in. A pull came in nowhere.
    pub listener: Option<ListenerId>,
    /// What it publishes as. `None`: it plays.
    pub slot: Option<Slot>,
    /// When it was taken.
    pub since: i64,
}

/// What a show's audience gets.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Playback<'a> {
    /// This input's playlist.
    Live(InputId),
    /// This recording, or else this input's last DVR window.
    Replay(Option<RecordingId>, Option<InputId>),
    /// A 404 with these.
    Message(ShowStatus, &'a str),
}

impl Plane {
    /// What it was told at the beginning.
    pub fn config(&self) -> &super::PlaneConfig {
        &self.config
    }

    /// The moment up to which everything has happened, on the clock that deadlines are on.
    /// [`Now::unix_at`](crate::Now::unix_at) of it says what the calendar has for a deadline.
    pub fn now(&self) -> crate::Now {
        self.last
    }

    fn view_input<'a>(id: InputId, it: &'a InputEntry) -> InputView<'a> {
        InputView {
            id,
            number: it.number,
            config: &it.config,
            machine: &it.machine,
            pull: &it.pull,
            recorder: &it.recorder,
            health: &it.health,
            outputs: &it.outputs,
            players: it.players,
            created: it.created,
            modified: it.modified,
            keys_rotated: it.keys_rotated,
            deactivated: it.deactivated,
            ephemeral: it.ephemeral.is_some(),
        }
    }

    /// An input.
    pub fn input(&self, id: InputId) -> Option<InputView<'_>> {
        self.inputs.get(&id).map(|it| Self::view_input(id, it))
    }

    /// All inputs, by id.
    pub fn inputs(&self) -> impl Iterator<Item = InputView<'_>> {
        self.inputs.iter().map(|(id, it)| Self::view_input(*id, it))
    }

    /// The input with a number.
    pub fn input_by_number(&self, number: i64) -> Option<InputId> {
        self.numbers.get(&number).copied()
    }

    /// The input with an alias.
    pub fn input_by_alias(&self, alias: &str) -> Option<InputId> {
        self.aliases.get(alias).copied()
    }

    /// How many inputs are connecting, live or suspended.
    pub fn active_inputs(&self) -> usize {
        self.active_inputs
    }

    /// An output.
    pub fn output(&self, id: OutputId) -> Option<OutputView<'_>> {
        let it = self.outputs.get(&id)?;
        Some(OutputView {
            id,
            number: it.number,
            input: it.input,
            config: &it.config,
            machine: &it.machine,
            created: it.created,
        })
    }

    /// All outputs, by id.
    pub fn outputs(&self) -> impl Iterator<Item = OutputView<'_>> {
        self.outputs.keys().filter_map(|id| self.output(*id))
    }

    /// A recording.
    pub fn recording(&self, id: RecordingId) -> Option<&Recording> {
        self.recordings.get(&id)
    }

    /// All recordings, by id.
    pub fn recordings(&self) -> impl Iterator<Item = &Recording> {
        self.recordings.values()
    }

    /// A listener.
    pub fn listener(&self, id: ListenerId) -> Option<ListenerView<'_>> {
        let it = self.listeners.get(&id)?;
        let connections = self.sessions.values().filter(|it| it.listener == Some(id)).count();
        Some(ListenerView {
            id,
            machine: &it.machine,
            connections,
            created: it.created,
            modified: it.modified,
        })
    }

    /// All listeners, by id.
    pub fn listeners(&self) -> impl Iterator<Item = ListenerView<'_>> {
        self.listeners.keys().filter_map(|id| self.listener(*id))
    }

    /// Which listener has a port, or is about to have it. Whether the system has it free, only the system knows.
    pub fn port_owner(&self, port: u16) -> Option<ListenerId> {
        self.listeners.iter().find(|(_, it)| it.machine.uses_port(port)).map(|(id, _)| *id)
    }

    /// A show.
    pub fn show(&self, id: ShowId) -> Option<ShowView<'_>> {
        let it = self.shows.get(&id)?;
        Some(ShowView {
            id,
            number: it.number,
            config: &it.config,
            machine: &it.machine,
            created: it.created,
        })
    }

    /// All shows, by id.
    pub fn shows(&self) -> impl Iterator<Item = ShowView<'_>> {
        self.shows.keys().filter_map(|id| self.show(*id))
    }

    /// What a show's audience gets at this moment.
    pub fn playback(&self, id: ShowId) -> Option<Playback<'_>> {
        let show = self.shows.get(&id)?;
        let status = show.machine.status();
        let live = show.config.inputs.iter().copied().find(|it| self.is_live(*it));
        let replay = || {
            let of_it = |it: &&Recording| {
                show.config.inputs.contains(&it.facts().input) && it.can_be_watched()
            };
            self.recordings
                .values()
                .filter(of_it)
                .max_by_key(|it| it.facts().started)
                .map(|it| it.facts().id)
        };
        Some(match (status, live) {
            (ShowStatus::Live, Some(input)) => Playback::Live(input),
            (ShowStatus::Finished, _) if show.config.replay_after_finish => {
                Playback::Replay(replay(), show.config.inputs.first().copied())
            }
            _ => Playback::Message(status, show.machine.message()),
        })
    }

    /// A webhook.
    pub fn hook(&self, id: HookId) -> Option<HookView<'_>> {
        let it = self.hooks.get(&id)?;
        Some(HookView { id, config: &it.config, machine: &it.machine, created: it.created })
    }

    /// All webhooks, by id.
    pub fn hooks(&self) -> impl Iterator<Item = HookView<'_>> {
        self.hooks.keys().filter_map(|id| self.hook(*id))
    }

    /// A clip.
    pub fn clip(&self, id: ClipId) -> Option<ClipView<'_>> {
        let it = self.clips.get(&id)?;
        let expires = it.expires.map(|at| self.last.unix_at(at));
        Some(ClipView {
            id,
            order: &it.order,
            recording: it.recording,
            created: it.created,
            expires,
        })
    }

    /// All clips, by id.
    pub fn clips(&self) -> impl Iterator<Item = ClipView<'_>> {
        self.clips.keys().filter_map(|id| self.clip(*id))
    }

    /// A signing key's algorithm: what a token that names it must be signed with, whatever its header says.
    pub fn signing_key(&self, id: SigningKeyId) -> Option<Algorithm> {
        self.signing_keys.get(&id).map(|(algorithm, _)| *algorithm)
    }

    /// All signing keys, with when they were made.
    pub fn signing_keys(&self) -> impl Iterator<Item = (SigningKeyId, Algorithm, i64)> {
        self.signing_keys.iter().map(|(id, (algorithm, created))| (*id, *algorithm, *created))
    }

    /// What a session is part of, and since when.
    pub fn session(&self, id: SessionId) -> Option<(InputId, i64)> {
        self.sessions.get(&id).map(|it| (it.input, it.since))
    }

    /// The publishers of an input, with since when.
    pub fn publishers(&self, input: InputId) -> impl Iterator<Item = (SessionId, i64)> {
        let is_one = move |it: &super::Session| it.input == input && it.role != Role::Player;
        self.sessions.iter().filter(move |(_, it)| is_one(it)).map(|(id, it)| (*id, it.since))
    }

    /// Everybody who publishes to an input or plays it over RTMP.
    pub fn sessions(&self, input: InputId) -> impl Iterator<Item = SessionView> {
        let of_it = self.sessions.iter().filter(move |(_, it)| it.input == input);
        of_it.map(|(id, it)| SessionView {
            id: *id,
            input: it.input,
            listener: it.listener,
            slot: match it.role {
                Role::Publisher(slot) => Some(slot),
                Role::Pull(_) => Some(Slot::Primary),
                Role::Player => None,
            },
            since: it.since,
        })
    }

    /// The rules and subjects for playback by the id of an input or a recording: the input's own settings, or what the
    /// recording inherited. A token for an input also opens the recording that it is being recorded into.
    pub fn access_by_input(&self, id: InputId) -> Result<&AccessRules, NoPlaylist> {
        self.inputs.get(&id).map(|it| &it.config.recording.access).ok_or(NoPlaylist::BadId)
    }

    /// As [`access_by_input`](Self::access_by_input). With the rules, the input whose tokens open it too.
    pub fn access_by_recording(
        &self,
        id: RecordingId,
    ) -> Result<(&AccessRules, Option<InputId>), NoPlaylist> {
        let recording = self.recordings.get(&id).ok_or(NoPlaylist::BadId)?;
        if !recording.can_be_watched() {
            return Err(NoPlaylist::NotReady);
        }
        let input = recording.facts().input;
        let runs =
            self.inputs.get(&input).is_some_and(|it| it.recorder.state().recording() == Some(id));
        Ok((&recording.facts().access, runs.then_some(input)))
    }

    /// Whether an address that a target's name resolved to may be connected to.
    pub fn allows_address(&self, address: IpAddr) -> bool {
        self.config.targets.allows(address)
    }

    /// Bytes of recordings, as last reported.
    pub fn storage_used(&self) -> u64 {
        self.storage_used
    }

    /// Actions that wait to be taken.
    pub fn waiting(&self) -> usize {
        self.actions.len()
    }

    /// How long an input has been in its phase.
    pub fn phase_age(&self, id: InputId) -> Option<Duration> {
        self.inputs.get(&id).map(|it| self.last.mono.saturating_sub(it.machine.since()))
    }
}
