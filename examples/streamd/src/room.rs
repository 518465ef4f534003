//! Where a publisher's media waits until it is used.

use levada_chunk::Message;
use levada_control::Observation;
use levada_flv::{Role, TagKind};

use crate::stream::tag_kind;

/// Media that waits at most, in bytes.
const ROOM: usize = 32 * 1024 * 1024;
/// After this much sound without a picture, there is sound alone.
const SOUND_ALONE_MS: u32 = 1_000;
/// How often sound alone counts as a keyframe.
const SOUND_KEY_MS: u32 = 1_000;

/// A publisher's headers, and what came since its newest keyframe.
#[derive(Debug, Default)]
pub struct Room {
    headers: Vec<(u8, Message)>,
    waiting: Vec<Message>,
    bytes: usize,
    has_video: bool,
    /// When sound came first, and when it last counted as a keyframe.
    sound: Option<u32>,
    /// Whether there was anything to be played.
    began: bool,
}

/// What a message is to the plane.
#[derive(Debug, Default)]
pub struct Seen {
    /// There is something to be played now, for the first time.
    pub begins: bool,
    pub keyframe: bool,
    pub video: bool,
    /// Where it is on the stream's clock.
    pub position_ms: u64,
    /// There is a playlist now, for the first time.
    pub playable: bool,
    /// What the judge of media wants to know.
    pub observations: Vec<Observation>,
}

impl Room {
    /// Keeps headers, and says what a message with this role is to the plane.
    pub fn look(&mut self, message: &Message, role: Role) -> Seen {
        let kind = tag_kind(message.kind);
        let video = kind == TagKind::Video;
        self.has_video |= video;
        let keyframe = match role {
            Role::Header(slot) => {
                self.headers.retain(|(it, _)| *it != slot);
                self.headers.push((slot, message.clone()));
                return Seen { video, ..Seen::default() };
            }
            Role::Key => true,
            Role::Other => kind == TagKind::Audio && self.sound_counts(message.timestamp),
        };
        let begins = keyframe && !self.began;
        self.began |= keyframe;
        Seen { begins, keyframe, video, ..Seen::default() }
    }

    /// Whether sound stands for pictures here. Pictures may still come in its first second.
    fn sound_counts(&mut self, now: u32) -> bool {
        if self.has_video {
            return false;
        }
        let since = now.wrapping_sub(*self.sound.get_or_insert(now));
        let counts = since >= if self.began { SOUND_KEY_MS } else { SOUND_ALONE_MS };
        if counts {
            self.sound = Some(now);
        }
        counts
    }

    /// Keeps a message for later. From the first keyframe on, everything since the newest is enough.
    pub fn wait(&mut self, message: Message, role: Role, seen: &Seen) {
        if matches!(role, Role::Header(_)) {
            return;
        }
        if seen.keyframe && !seen.begins || self.bytes > ROOM {
            self.waiting.clear();
            self.bytes = 0;
        }
        self.bytes += message.payload.len();
        self.waiting.push(message);
    }

    /// Everything, headers first. They stay.
    pub fn empty(&mut self) -> Vec<Message> {
        self.bytes = 0;
        let first = self.waiting.first().map(|it| it.timestamp);
        let headers = self.headers.iter().map(|(_, it)| {
            let mut header = it.clone();
            header.timestamp = first.unwrap_or(header.timestamp);
            header
        });
        headers.chain(std::mem::take(&mut self.waiting)).collect()
    }
}
