//! Where a publisher's media waits until it is used.

use levada_chunk::Message;
use levada_control::Observation;
use levada_flv::{Role, TagKind};

use crate::stream::tag_kind;

/// Media that waits at most, in bytes, each message's own place among them.
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
    /// Something was too much: what comes is of no use up to the next keyframe.
    broken: bool,
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
    /// Its number, if it is a keyframe at which the plane may begin a recording.
    pub asked: Option<u64>,
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
        self.broken &= !keyframe;
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
        let full = self.bytes > ROOM;
        if seen.keyframe && !seen.begins || full {
            self.waiting.clear();
            self.bytes = 0;
        }
        self.broken |= full && !seen.keyframe;
        if !self.broken {
            self.bytes += size_of::<Message>() + message.payload.len();
            self.waiting.push(message);
        }
    }

    /// Whether a message is of use to somebody who has what waited.
    pub fn goes_on(&self, role: Role) -> bool {
        !self.broken || matches!(role, Role::Header(_))
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

#[cfg(test)]
mod tests {
    use levada_chunk::{MessageStreamId, MessageType};

    use super::*;

    fn message(timestamp: u32, payload: &[u8]) -> Message {
        let payload = payload.to_vec().into();
        Message::new(MessageType::VIDEO, MessageStreamId(1), timestamp, payload)
    }

    /// Puts a message into a room, and says whether it would go on from there.
    fn put(room: &mut Room, timestamp: u32, payload: &[u8], role: Role) -> bool {
        let message = message(timestamp, payload);
        let seen = room.look(&message, role);
        room.wait(message, role, &seen);
        room.goes_on(role)
    }

    fn times(room: &mut Room) -> Vec<u32> {
        room.empty().iter().map(|it| it.timestamp).collect()
    }

    #[test]
    fn what_waits_begins_with_a_keyframe_also_when_it_was_too_much() {
        let (big, small) = (vec![0; ROOM], [0; 8]);
        for first in [Role::Key, Role::Other] {
            let mut room = Room::default();
            assert!(put(&mut room, 0, &small, Role::Header(1)));
            assert!(put(&mut room, 10, &big, first));
            assert!(!put(&mut room, 20, &small, Role::Other), "too much: what follows is broken");
            assert!(!put(&mut room, 30, &small, Role::Other));
            assert!(put(&mut room, 30, &small, Role::Header(2)), "headers stay");
            assert_eq!(room.waiting.len(), 0);
            assert!(put(&mut room, 40, &small, Role::Key));
            assert!(put(&mut room, 50, &small, Role::Other));
            assert_eq!(times(&mut room), [40, 40, 40, 50], "two headers, the keyframe, the rest");
        }
    }

    #[test]
    fn a_keyframe_that_finds_no_room_begins_anew() {
        let mut room = Room::default();
        put(&mut room, 10, &vec![0; ROOM], Role::Other);
        assert!(put(&mut room, 20, &[0; 8], Role::Key));
        assert_eq!(times(&mut room), [20]);
    }

    #[test]
    fn messages_of_no_size_take_room_too() {
        let mut room = Room::default();
        put(&mut room, 0, &[], Role::Key);
        let most = ROOM / size_of::<Message>() + 1;
        let fitted = (1..=most as u32).filter(|it| put(&mut room, *it, &[], Role::Other)).count();
        assert_eq!(fitted, most - 1);
    }
}
