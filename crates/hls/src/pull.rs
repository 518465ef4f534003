//! Pulling a stream from another server: playlists and segments in, frames out.

mod lane;

use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use levada_media::MediaEvent;
use thiserror::Error;

use crate::url::resolve;
use crate::{ReadError, ReadMultivariant, ReadPlaylist, Variables, read_playlist};
use lane::Lane;

/// How a [`Puller`] pulls.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PullerConfig {
    /// The variant to take is the best one of at most this many bits a second. Default: the best.
    pub bandwidth: u64,
    /// How many target durations before its end a live stream is begun. Default 3, the least that is allowed.
    pub behind: u32,
    /// The largest resource that is fetched. Default 64 MiB.
    pub largest: usize,
    /// How long a fetch may take. Default 10 s.
    pub patience: Duration,
    /// How often a playlist may fail, or stay as it is beyond its target duration, before the pull has failed.
    /// Default 5.
    pub failures: u32,
}

impl Default for PullerConfig {
    fn default() -> Self {
        Self {
            bandwidth: u64::MAX,
            behind: 3,
            largest: 64 * 1024 * 1024,
            patience: Duration::from_secs(10),
            failures: 5,
        }
    }
}

/// Something to fetch over HTTP.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Fetch {
    /// Give it back with the result.
    pub id: u64,
    /// What.
    pub url: String,
    /// Only these bytes of it: offset and length, for a `Range` header.
    pub range: Option<(u64, u64)>,
    /// Read no more than this.
    pub largest: usize,
    /// Give up after this long.
    pub patience: Duration,
}

/// How a fetch ended.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "it did, or it did not")]
pub enum Fetched {
    /// With a body, from the URL that redirects ended at.
    Body {
        /// Where it came from.
        url: String,
        /// What came.
        body: Bytes,
    },
    /// With a status other than 200 and 206.
    Status(u16),
    /// Without an answer, or with one that was too large or too slow.
    Failed,
}

/// What a [`Puller`] tells.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PullEvent {
    /// A track, a frame, or the end of a track.
    Media(MediaEvent),
    /// What comes next does not continue the timeline of what came before.
    Discontinuity,
    /// Something was left out or put right, and the pull goes on.
    Finding(PullFinding),
    /// The stream has ended.
    Ended,
    /// The pull is over. Whether trying again makes sense, [`PullError::is_permanent`] says.
    Failed(PullError),
}

/// What a pull could do without.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum PullFinding {
    /// A segment could not be had.
    #[error("segment {sequence} could not be had: {why:?}")]
    Segment {
        /// Media sequence number.
        sequence: u64,
        /// The status, or nothing.
        why: Option<u16>,
    },
    /// Segments left the playlist before they were fetched.
    #[error("{0} segments left the playlist before they were fetched")]
    Missed(u64),
    /// A segment could not be read to its end.
    #[error("segment {sequence}: {why}")]
    Broken {
        /// Media sequence number.
        sequence: u64,
        /// What was wrong.
        why: String,
    },
    /// A playlist breaks a rule, told once for each kind of playlist.
    #[error("playlist: {0}")]
    Playlist(String),
}

/// Why a pull failed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum PullError {
    /// A playlist could not be had.
    #[error("the playlist could not be had: {0:?}")]
    Unavailable(Option<u16>),
    /// It is no playlist.
    #[error(transparent)]
    Playlist(#[from] ReadError),
    /// It does not grow.
    #[error("the playlist has not grown for too long")]
    Stalled,
    /// It is encrypted in a way that is not supported.
    #[error("encryption {0:?} is not supported: only AES-128 is")]
    Encryption(String),
    /// Its segments are neither MPEG-TS nor fMP4, or nothing in it can be used.
    #[error("there is nothing in it that can be played")]
    NothingToPlay,
}

impl PullError {
    /// Whether trying again will give the same.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Unavailable(status) => matches!(status, Some(400..=403 | 405..=407 | 410 | 414)),
            Self::Stalled => false,
            Self::Playlist(_) | Self::Encryption(_) | Self::NothingToPlay => true,
        }
    }
}

/// Pulls an HLS stream, without IO: it says what to fetch, takes what came, and gives out frames.
///
/// `now` is any clock that does not go back.
///
/// ```
/// use core::time::Duration;
/// use levada_hls::{Fetched, PullEvent, Puller, PullerConfig};
///
/// let mut puller = Puller::new("http://origin.example/live/index.m3u8", PullerConfig::default());
/// let now = Duration::ZERO;
/// let fetch = puller.next_fetch(now).unwrap();
/// assert_eq!(fetch.url, "http://origin.example/live/index.m3u8");
/// puller.handle_fetched(fetch.id, Fetched::Status(403), now);
/// assert!(matches!(puller.next_event(), Some(PullEvent::Failed(why)) if why.is_permanent()));
/// ```
#[derive(Debug)]
pub struct Puller {
    config: PullerConfig,
    url: String,
    state: State,
    lanes: Vec<Lane>,
    next_id: u64,
    events: VecDeque<PullEvent>,
}

#[derive(Debug, Eq, PartialEq)]
enum State {
    /// The first playlist is to be fetched, or is being fetched.
    First {
        asked: Option<u64>,
    },
    Running,
    Over,
}

impl Puller {
    /// A puller of the stream whose playlist is there: a multivariant or a media playlist.
    pub fn new(url: &str, config: PullerConfig) -> Self {
        Self {
            config,
            url: url.into(),
            state: State::First { asked: None },
            lanes: Vec::new(),
            next_id: 0,
            events: VecDeque::new(),
        }
    }

    /// What to fetch now. Several fetches may be under way: at most one for each playlist and its segments.
    pub fn next_fetch(&mut self, now: Duration) -> Option<Fetch> {
        let id = self.next_id;
        let (url, range) = match &mut self.state {
            State::Over => return None,
            State::First { asked: Some(_) } => return None,
            State::First { asked } => {
                *asked = Some(id);
                (self.url.clone(), None)
            }
            State::Running => self.lanes.iter_mut().find_map(|it| it.next_fetch(id, now))?,
        };
        self.next_id += 1;
        let (largest, patience) = (self.config.largest, self.config.patience);
        Some(Fetch { id, url, range, largest, patience })
    }

    /// Takes the result of a fetch.
    pub fn handle_fetched(&mut self, id: u64, fetched: Fetched, now: Duration) {
        let result = match &self.state {
            State::First { asked } if *asked == Some(id) => self.handle_first(fetched, now),
            State::Running => {
                let lane = self.lanes.iter_mut().find(|it| it.is_waiting_for(id));
                lane.map_or(Ok(()), |it| {
                    it.handle_fetched(fetched, now, &self.config, &mut self.events)
                })
            }
            _ => Ok(()),
        };
        if let Err(why) = result {
            self.fail(why);
        } else if self.state == State::Running && self.lanes.iter().all(Lane::is_done) {
            self.state = State::Over;
            self.events.push_back(PullEvent::Ended);
        }
    }

    /// When [`next_fetch`](Self::next_fetch) has something again, if it has nothing now.
    pub fn deadline(&self) -> Option<Duration> {
        self.lanes.iter().filter_map(Lane::deadline).min().filter(|_| self.state == State::Running)
    }

    /// What came of it all.
    pub fn next_event(&mut self) -> Option<PullEvent> {
        self.events.pop_front()
    }

    fn handle_first(&mut self, fetched: Fetched, now: Duration) -> Result<(), PullError> {
        let (url, body) = match fetched {
            Fetched::Body { url, body } => (url, body),
            Fetched::Status(status) => return Err(PullError::Unavailable(Some(status))),
            Fetched::Failed => return Err(PullError::Unavailable(None)),
        };
        let text = String::from_utf8_lossy(&body);
        match read_playlist(&text, &variables(&url))? {
            ReadPlaylist::Media(list) => {
                let mut lane = Lane::new(url);
                lane.take_playlist(list, now, &self.config, &mut self.events)?;
                self.lanes.push(lane);
            }
            ReadPlaylist::Multivariant(list) => {
                self.tell(&list.violations);
                self.lanes = choose(&list, &url, self.config.bandwidth)?;
            }
        }
        self.state = State::Running;
        Ok(())
    }

    fn tell(&mut self, violations: &[crate::Violation]) {
        if let Some(first) = violations.first() {
            self.events.push_back(PullEvent::Finding(PullFinding::Playlist(first.to_string())));
        }
    }

    fn fail(&mut self, why: PullError) {
        self.state = State::Over;
        self.events.push_back(PullEvent::Failed(why));
    }
}

/// What a playlist's own variables may refer to: the query of its URL.
fn variables(url: &str) -> Variables {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    Variables { query: query.split('#').next().unwrap_or_default().into(), ..Variables::default() }
}

/// The best variant that fits, and the sound that goes with it.
fn choose(list: &ReadMultivariant, url: &str, bandwidth: u64) -> Result<Vec<Lane>, PullError> {
    let best =
        list.variants.iter().filter(|it| it.bandwidth <= bandwidth).max_by_key(|it| it.bandwidth);
    let smallest = || list.variants.iter().min_by_key(|it| it.bandwidth);
    let variant = best.or_else(smallest).ok_or(PullError::NothingToPlay)?;
    let sounds =
        || list.renditions.iter().filter(|it| it.kind == "AUDIO" && it.group == variant.audio);
    let sound =
        sounds().find(|it| it.default).or_else(|| sounds().next()).filter(|it| !it.uri.is_empty());
    let uris = [Some(&variant.uri), sound.map(|it| &it.uri)];
    Ok(uris.into_iter().flatten().map(|uri| Lane::new(resolve(url, uri))).collect())
}

#[cfg(test)]
mod tests;
