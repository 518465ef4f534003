use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::time::Duration;

use bytes::{Bytes, BytesMut};
use levada_fmp4::{Fmp4Item, Fmp4Reader, ReadLimits};
use levada_ts::{DemuxConfig, TsDemuxer, TsEvent};

use super::{Fetched, PullError, PullEvent, PullFinding, PullerConfig, variables};
use crate::url::resolve;
use crate::{
    ByteRange, Key, Map, PlaylistType, ReadMedia, ReadPlaylist, ReadSegment, read_playlist,
};

/// One media playlist that is followed.
#[derive(Debug)]
pub(super) struct Lane {
    url: String,
    /// Segments that are to be fetched.
    queue: VecDeque<ReadSegment>,
    /// The media sequence number after the last queued segment.
    next: Option<u64>,
    target: Duration,
    ended: bool,
    /// When the playlist is asked for again.
    reload: Option<Duration>,
    /// How often it failed or stayed as it was.
    failures: u32,
    unchanged: u32,
    told: bool,
    asked: Option<(u64, Asked)>,
    demuxer: Option<Demuxer>,
    /// The init section that was read.
    map: Option<Arc<Map>>,
    key: Option<(String, [u8; 16])>,
    discontinuity: Option<u64>,
}

/// What is being fetched.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Asked {
    Playlist,
    Key(String),
    Map(Arc<Map>),
    Segment,
}

#[derive(Debug)]
enum Demuxer {
    Ts(TsDemuxer, BytesMut),
    Fmp4(Fmp4Reader, BytesMut),
}

impl Lane {
    pub(super) fn new(url: String) -> Self {
        Self {
            url,
            queue: VecDeque::new(),
            next: None,
            target: Duration::from_secs(1),
            ended: false,
            reload: Some(Duration::ZERO),
            failures: 0,
            unchanged: 0,
            told: false,
            asked: None,
            demuxer: None,
            map: None,
            key: None,
            discontinuity: None,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.ended && self.queue.is_empty() && self.asked.is_none()
    }

    pub(super) fn is_waiting_for(&self, id: u64) -> bool {
        self.asked.as_ref().is_some_and(|(asked, _)| *asked == id)
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.reload.filter(|_| self.asked.is_none() && self.queue.is_empty())
    }

    /// The next thing to fetch: what the first segment needs, the segment, or else the playlist when it is time.
    pub(super) fn next_fetch(
        &mut self,
        id: u64,
        now: Duration,
    ) -> Option<(String, Option<(u64, u64)>)> {
        if self.asked.is_some() {
            return None;
        }
        let (asked, uri, range) = match self.queue.front() {
            None => {
                self.reload.filter(|at| *at <= now)?;
                self.asked = Some((id, Asked::Playlist));
                return Some((self.url.clone(), None));
            }
            Some(segment) => self.needed(segment),
        };
        self.asked = Some((id, asked));
        Some((resolve(&self.url, &uri), range.map(|it| (it.offset, it.len))))
    }

    fn needed(&self, segment: &ReadSegment) -> (Asked, String, Option<ByteRange>) {
        if let Some(map) = segment.map.as_ref().filter(|it| Some(*it) != self.map.as_ref()) {
            return (Asked::Map(map.clone()), map.uri.clone(), map.byte_range);
        }
        if let Some(key) =
            aes(segment).filter(|it| self.key.as_ref().is_none_or(|(uri, _)| *uri != it.uri))
        {
            return (Asked::Key(key.uri.clone()), key.uri.clone(), None);
        }
        (Asked::Segment, segment.uri.clone(), segment.byte_range)
    }

    pub(super) fn handle_fetched(
        &mut self,
        fetched: Fetched,
        now: Duration,
        config: &PullerConfig,
        events: &mut VecDeque<PullEvent>,
    ) -> Result<(), PullError> {
        let Some((_, asked)) = self.asked.take() else { return Ok(()) };
        let (url, body) = match fetched {
            Fetched::Body { url, body } => (url, body),
            Fetched::Status(status) => {
                return self.not_had(&asked, Some(status), now, config, events);
            }
            Fetched::Failed => return self.not_had(&asked, None, now, config, events),
        };
        match asked {
            Asked::Playlist => {
                match read_playlist(&String::from_utf8_lossy(&body), &variables(&url))? {
                    ReadPlaylist::Media(list) => {
                        self.url = url;
                        self.take_playlist(list, now, config, events)
                    }
                    ReadPlaylist::Multivariant(_) => Err(PullError::NothingToPlay),
                }
            }
            Asked::Key(uri) => match <[u8; 16]>::try_from(&body[..]) {
                Ok(key) => {
                    self.key = Some((uri, key));
                    Ok(())
                }
                Err(_) => Err(PullError::Encryption("a key that has not 16 bytes".into())),
            },
            Asked::Map(map) => {
                self.map = Some(map);
                self.demuxer =
                    Some(Demuxer::Fmp4(Fmp4Reader::new(ReadLimits::default()), BytesMut::new()));
                self.feed(&body, 0, events);
                Ok(())
            }
            Asked::Segment => self.take_segment(&body, events),
        }
    }

    fn not_had(
        &mut self,
        asked: &Asked,
        status: Option<u16>,
        now: Duration,
        config: &PullerConfig,
        events: &mut VecDeque<PullEvent>,
    ) -> Result<(), PullError> {
        if let (Asked::Segment | Asked::Map(_) | Asked::Key(_), Some(segment)) =
            (asked, self.queue.pop_front())
        {
            let sequence = segment.sequence;
            events.push_back(PullEvent::Finding(PullFinding::Segment { sequence, why: status }));
            return Ok(());
        }
        self.failures += 1;
        let error = PullError::Unavailable(status);
        if self.failures >= config.failures || error.is_permanent() {
            return Err(error);
        }
        self.reload = Some(now + self.target / 2);
        Ok(())
    }

    /// Queues what is new in a playlist, and decides when to look again (rfc8216bis §6.3.4).
    pub(super) fn take_playlist(
        &mut self,
        list: ReadMedia,
        now: Duration,
        config: &PullerConfig,
        events: &mut VecDeque<PullEvent>,
    ) -> Result<(), PullError> {
        self.failures = 0;
        if let Some(first) = list.violations.first().filter(|_| !self.told) {
            self.told = true;
            events.push_back(PullEvent::Finding(PullFinding::Playlist(first.to_string())));
        }
        self.target = Duration::from_secs(list.target_duration.clamp(1, 3600));
        let begin = match self.next {
            Some(next) => next,
            None => beginning(&list, self.target * config.behind),
        };
        let oldest = list.segments.first().map_or(begin, |it| it.sequence);
        if oldest > begin {
            events.push_back(PullEvent::Finding(PullFinding::Missed(oldest - begin)));
        }
        let last = list.segments.last().map(|it| (it.sequence + 1, it.duration));
        let before = self.queue.len();
        self.queue.extend(list.segments.into_iter().filter(|it| it.sequence >= begin && !it.gap));
        self.next = Some(last.map_or(begin, |(next, _)| next.max(begin)));
        if let Some(key) =
            self.queue.iter().flat_map(|it| it.keys.iter()).find(|it| it.method != "AES-128")
        {
            return Err(PullError::Encryption(key.method.clone()));
        }
        self.ended = list.ended;
        let grown = self.queue.len() > before;
        self.unchanged = if grown { 0 } else { self.unchanged + 1 };
        // Half a target duration each: three target durations beyond what is allowed.
        if !self.ended && self.unchanged > config.failures * 2 {
            return Err(PullError::Stalled);
        }
        let wait = if grown {
            last.map_or(self.target, |(_, duration)| duration)
        } else {
            self.target / 2
        };
        self.reload = (!self.ended).then_some(now + wait);
        Ok(())
    }

    fn take_segment(
        &mut self,
        body: &Bytes,
        events: &mut VecDeque<PullEvent>,
    ) -> Result<(), PullError> {
        let Some(segment) = self.queue.pop_front() else { return Ok(()) };
        let sequence = segment.sequence;
        let broken = |why: String| PullEvent::Finding(PullFinding::Broken { sequence, why });
        let plain = match (aes(&segment), &self.key) {
            (Some(key), Some((_, secret))) => match decrypt(body, key, secret, sequence) {
                Ok(plain) => plain,
                Err(why) => {
                    events.push_back(broken(why));
                    return Ok(());
                }
            },
            _ => body.clone(),
        };
        let jumps = self
            .discontinuity
            .replace(segment.discontinuity)
            .is_some_and(|it| it != segment.discontinuity);
        if jumps {
            events.push_back(PullEvent::Discontinuity);
            if let Some(Demuxer::Ts(demuxer, _)) = &mut self.demuxer {
                demuxer.mark_discontinuity();
            }
        }
        if self.demuxer.is_none() {
            if plain.first() != Some(&0x47) {
                return Err(PullError::NothingToPlay);
            }
            self.demuxer =
                Some(Demuxer::Ts(TsDemuxer::new(DemuxConfig::default()), BytesMut::new()));
        }
        self.feed(&plain, sequence, events);
        Ok(())
    }

    fn feed(&mut self, body: &Bytes, sequence: u64, events: &mut VecDeque<PullEvent>) {
        match &mut self.demuxer {
            Some(Demuxer::Ts(demuxer, input)) => {
                input.extend_from_slice(body);
                if self.ended && self.queue.is_empty() {
                    demuxer.end();
                }
                while let Some(event) = demuxer.next_event(input) {
                    events.push_back(match event {
                        TsEvent::Media(event) => PullEvent::Media(event),
                        TsEvent::Found { finding, .. } => PullEvent::Finding(PullFinding::Broken {
                            sequence,
                            why: finding.to_string(),
                        }),
                    });
                }
            }
            Some(Demuxer::Fmp4(reader, input)) => {
                input.extend_from_slice(body);
                loop {
                    let event = match reader.read(input) {
                        Ok(None) => break,
                        Ok(Some(Fmp4Item::Track(track))) => levada_media::MediaEvent::Track(track),
                        Ok(Some(Fmp4Item::Frame(frame))) => levada_media::MediaEvent::Frame(frame),
                        Ok(Some(_)) => continue,
                        Err(why) => {
                            let why = why.to_string();
                            events.push_back(PullEvent::Finding(PullFinding::Broken {
                                sequence,
                                why,
                            }));
                            // The next segment begins with its init section.
                            (self.demuxer, self.map) = (None, None);
                            break;
                        }
                    };
                    events.push_back(PullEvent::Media(event));
                }
            }
            None => {}
        }
    }
}

/// Where to begin: at the start of what stays, else so long before the end of what does not.
fn beginning(list: &ReadMedia, behind: Duration) -> u64 {
    let first = list.segments.first().map_or(list.media_sequence, |it| it.sequence);
    if list.ended || list.playlist_type != PlaylistType::Live {
        return first;
    }
    let mut span = Duration::ZERO;
    let far_enough = list.segments.iter().rev().find(|it| {
        span += it.duration;
        span >= behind
    });
    far_enough.map_or(first, |it| it.sequence)
}

fn aes(segment: &ReadSegment) -> Option<&Key> {
    segment.keys.iter().find(|it| it.method == "AES-128")
}

#[cfg(feature = "aes")]
fn decrypt(body: &Bytes, key: &Key, secret: &[u8; 16], sequence: u64) -> Result<Bytes, String> {
    let iv = key.iv.unwrap_or_else(|| crate::sequence_iv(sequence));
    crate::decrypt_segment(body, secret, &iv).map_err(|why| why.to_string())
}

#[cfg(not(feature = "aes"))]
fn decrypt(_body: &Bytes, _key: &Key, _secret: &[u8; 16], _sequence: u64) -> Result<Bytes, String> {
    Err("built without the feature aes".into())
}
