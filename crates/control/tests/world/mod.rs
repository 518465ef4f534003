//! A plane with a keyring, a clock and dice, and everything it wanted done.
#![allow(dead_code, reason = "each test file uses its part of it")]

use std::net::IpAddr;
use std::time::Duration;

use levada_control::*;

/// A random number generator that always throws the same.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() >> 33) as usize % n.max(1)
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

impl Entropy for Dice {
    fn fill(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            *byte = self.next().to_be_bytes()[0];
        }
    }
}

pub(crate) const START: i64 = 1_767_225_600_000;
pub(crate) const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

pub(crate) fn at(ms: u64) -> Now {
    Now { mono: Duration::from_millis(ms), unix_ms: START + ms as i64 }
}

pub(crate) struct World {
    pub(crate) plane: Plane,
    pub(crate) keys: Keyring,
    pub(crate) dice: Dice,
    pub(crate) ms: u64,
    /// All that was wanted since it was last taken.
    pub(crate) actions: Vec<Action>,
    pub(crate) journal: Vec<Entry>,
    pub(crate) listener: Option<ListenerId>,
}

impl World {
    pub(crate) fn new(config: PlaneConfig) -> Self {
        let (plane, keys, dice) = (Plane::new(config), Keyring::default(), Dice::new(1));
        Self { plane, keys, dice, ms: 0, actions: Vec::new(), journal: Vec::new(), listener: None }
    }

    /// With a keyed listener that listens.
    pub(crate) fn listening() -> Self {
        Self::listening_with(PlaneConfig::default())
    }

    pub(crate) fn listening_with(config: PlaneConfig) -> Self {
        let mut world = Self::new(config);
        let Ok(Reply::Listener(id)) =
            world.step(Request::CreateListener(ListenerConfig::new("main", 1935)))
        else {
            panic!("a listener")
        };
        world.listener = Some(id);
        world.step(Fact::Bound(id)).unwrap();
        world.actions.clear();
        world
    }

    pub(crate) fn step(&mut self, step: impl Into<Step>) -> Result<Reply, String> {
        let (_, entry) = record(&mut self.plane, at(self.ms), step, &mut self.dice);
        for action in &entry.actions {
            if let Action::Keys(change) = action {
                self.keys.apply(*change, &mut self.dice);
            }
        }
        self.actions.extend(entry.actions.iter().cloned());
        let answer = entry.answer.clone();
        self.journal.push(entry);
        answer
    }

    pub(crate) fn ok(&mut self, step: impl Into<Step>) -> Reply {
        self.step(step).expect("it can be done")
    }

    /// Lets time pass, stopping at every deadline.
    pub(crate) fn pass(&mut self, ms: u64) {
        let end = self.ms + ms;
        while let Some(next) = self.plane.next_deadline().filter(|it| *it <= at(end).mono) {
            let next = next.as_nanos().div_ceil(1_000_000) as u64;
            assert!(next >= self.ms, "deadlines lie ahead");
            self.ms = next.max(self.ms);
            self.ok(Step::Tick);
            assert!(
                self.plane.next_deadline().is_none_or(|it| it > at(self.ms).mono),
                "nothing spins"
            );
        }
        self.ms = end;
        self.ok(Step::Tick);
    }

    /// The actions since the last take.
    pub(crate) fn take(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// The names of the notices since the last take.
    pub(crate) fn told(&mut self) -> Vec<&'static str> {
        let notices = self.take().into_iter().filter_map(|it| match it {
            Action::Notice(notice) => Some(notice.kind.name()),
            _ => None,
        });
        notices.collect()
    }

    pub(crate) fn input(&mut self, config: InputConfig) -> InputId {
        match self.ok(Request::CreateInput(config)) {
            Reply::Input(id) => id,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn key(&self, key: KeyRef) -> String {
        self.keys.secret(key).expect("a key").reveal().to_owned()
    }

    pub(crate) fn publish_as(
        &mut self,
        app: &str,
        name: &str,
        address: IpAddr,
    ) -> Result<SessionId, String> {
        let listener = self.listener.unwrap();
        let claim = self.plane.claim(listener, Use::Publish, app, name, &self.keys);
        match self.step(Fact::Publish { listener, claim, address, template: None })? {
            Reply::Publishing { session, .. } => Ok(session),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn publish(&mut self, input: InputId) -> Result<SessionId, String> {
        let key = self.key(KeyRef::Publish(input));
        // Another address each time: the rate limit has its own test.
        let address = IpAddr::from((self.dice.next() as u32).to_be_bytes());
        self.publish_as("live", &key, address)
    }

    pub(crate) fn media(&mut self, session: SessionId) {
        self.ok(Fact::Media { session, position_ms: self.ms, video: true });
    }

    /// A publisher with media.
    pub(crate) fn live(&mut self, input: InputId) -> SessionId {
        let session = self.publish(input).expect("it may publish");
        self.media(session);
        session
    }

    pub(crate) fn gone(&mut self, session: SessionId, reason: Loss) {
        self.ok(Fact::Gone { session, reason });
    }

    pub(crate) fn output(&mut self, input: InputId, name: &str) -> OutputId {
        let (target, secret) = Target::parse(
            "rtmp://target.example/app",
            Some("canary-output-key"),
            &TargetRules::default(),
        )
        .unwrap();
        match self.ok(Request::CreateOutputs(input, vec![OutputConfig::new(name, target)])) {
            Reply::Outputs(ids) => {
                self.keys.put(KeyRef::Output(ids[0]), secret);
                ids[0]
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn state(&self, input: InputId) -> Phase {
        self.plane.input(input).expect("an input").machine.phase()
    }
}
