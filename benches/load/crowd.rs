//! All players on one thread: they come one after the other, then what they get is measured.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use mio::event::Source;
use mio::{Events, Interest, Poll, Token};

use crate::player::{Found, Player};
use crate::publisher::Shared;
use crate::source::Stamp;
use crate::tally::Tally;
use crate::target::Target;

/// Between two players that come.
const APART: Duration = Duration::from_millis(4);
/// How long all of them may take to get their first picture, beside the time that they need to come.
const PATIENCE: Duration = Duration::from_secs(10);
/// A player whose newest picture is so many behind at the end stands still.
const BEHIND: u64 = 60;

pub struct Crowd {
    poll: Poll,
    targets: Vec<(Target, SocketAddr)>,
    /// Those that stay, then those that come late. `None`: gone.
    players: Vec<Option<Player>>,
    stay: usize,
    scratch: Vec<u8>,
    epoch: Instant,
    shared: Arc<Shared>,
    /// Since when it is measured.
    since: Option<Duration>,
    tally: Tally,
    tended: Instant,
}

impl Crowd {
    pub fn new(targets: Vec<Target>, epoch: Instant, shared: Arc<Shared>) -> anyhow::Result<Self> {
        let with_address = |it: Target| it.address().map(|address| (it, address));
        Ok(Self {
            poll: Poll::new()?,
            targets: targets.into_iter().map(with_address).collect::<Result<_, _>>()?,
            players: Vec::new(),
            stay: 0,
            scratch: vec![0; 256 * 1024],
            epoch,
            shared,
            since: None,
            tally: Tally::default(),
            tended: epoch,
        })
    }

    /// Lets so many players come, and waits until each has its first picture.
    pub fn gather(&mut self, count: usize) -> anyhow::Result<()> {
        for index in 0..count {
            self.join()?;
            if index % 100 == 99 {
                eprintln!("{} of {count} players are there", index + 1);
            }
            self.turn_until(Instant::now() + APART)?;
        }
        self.stay = count;
        let begin = Instant::now();
        while self.pictureless() > 0 {
            if let Some(why) = &self.tally.first_loss {
                bail!("{} of {count} players were cut off: {why}", self.tally.lost);
            }
            if begin.elapsed() > PATIENCE {
                bail!(
                    "{} of {count} players got no picture within {PATIENCE:?}",
                    self.pictureless()
                );
            }
            self.turn_until(Instant::now() + Duration::from_millis(50))?;
        }
        Ok(())
    }

    /// Measures for so long, while so many more come one after the other, each until it has a picture.
    pub fn measure(&mut self, span: Duration, late: usize) -> anyhow::Result<Tally> {
        let begin = Instant::now();
        self.since = Some(begin - self.epoch);
        self.tally = Tally::default();
        let step = span / u32::try_from(late.max(1)).unwrap_or(u32::MAX);
        for index in 0..late.max(1) {
            let at = begin + step * u32::try_from(index).unwrap_or(u32::MAX);
            if late > 0 {
                // Never in step with the keyframes.
                self.turn_until(at + step * u32::try_from(index * 7 % 10).unwrap_or(0) / 20)?;
                self.join()?;
            }
            self.turn_until(at + step)?;
            if index * 4 % late.max(4) < 4 {
                let done = begin.elapsed().as_secs_f64();
                eprintln!("measured {done:.0} of {:.0} s", span.as_secs_f64());
            }
        }
        Ok(self.end())
    }

    fn end(&mut self) -> Tally {
        let mut tally = std::mem::take(&mut self.tally);
        self.since = None;
        tally.pictureless = self.players.iter().skip(self.stay).flatten().count() as u64;
        let newest = self.shared.pictures.load(Relaxed);
        for player in self.players.iter().take(self.stay).flatten() {
            let behind = newest.saturating_sub(player.pictures());
            if behind > BEHIND {
                tally.lose(format!("the stream stood still {behind} pictures ago"));
            }
        }
        tally
    }

    /// Players that stay and have no picture yet.
    fn pictureless(&self) -> usize {
        self.players.iter().flatten().filter(|it| it.picture.is_none()).count()
    }

    fn join(&mut self) -> anyhow::Result<()> {
        let index = self.players.len();
        let (target, address) = &self.targets[index % self.targets.len()];
        let mut player = Player::connect(target, *address).context("cannot connect a player")?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        player.socket.register(self.poll.registry(), Token(index), interest)?;
        self.players.push(Some(player));
        Ok(())
    }

    fn turn_until(&mut self, end: Instant) -> anyhow::Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.poll.poll(&mut events, Some(left)) {
                Err(why) if why.kind() == std::io::ErrorKind::Interrupted => {}
                it => it?,
            }
            for event in &events {
                self.tend(event.token().0);
            }
            if self.tended.elapsed() > Duration::from_secs(1) {
                self.tended = Instant::now();
                self.players.iter_mut().flatten().for_each(Player::handle_timeout);
            }
            if left.is_zero() {
                return Ok(());
            }
        }
    }

    /// Reads and writes what one player can.
    fn tend(&mut self, index: usize) {
        let Some(Some(player)) = self.players.get_mut(index) else { return };
        // The clock is read once: all that one read brings is there at the same time.
        let now = self.epoch.elapsed();
        let begun = player.begun - self.epoch;
        let (since, tally) = (self.since, &mut self.tally);
        let tell = |found| count(tally, since, now, begun, &found);
        let done = player.read(&mut self.scratch, tell).and_then(|()| player.write());
        let late = self.since.is_some() && index >= self.stay;
        match (done, player.picture) {
            (Err(why), _) => self.tally.lose(format!("{why:#}")),
            (Ok(()), Some(after)) if late => self.tally.joins.add(after),
            _ => return,
        }
        self.players[index] = None;
    }
}

/// Counts what was found since it is measured.
fn count(
    tally: &mut Tally,
    since: Option<Duration>,
    now: Duration,
    begun: Duration,
    found: &Found,
) {
    let Some(since) = since else { return };
    match *found {
        Found::Bytes(count) => tally.bytes += count,
        Found::Frame { stamp: Stamp { sent, .. }, missing, misplaced } => {
            tally.frames += 1;
            tally.missing += missing;
            tally.misplaced += u64::from(misplaced);
            // What was sent before a player came is from the server's memory, and no latency.
            if sent >= since.max(begun) {
                tally.latency.add(now.saturating_sub(sent));
            }
        }
    }
}
