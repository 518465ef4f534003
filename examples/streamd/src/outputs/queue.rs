//! What waits for a target that does not take it as fast as it comes.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use levada_chunk::MessageType;

use crate::stream::Item;

/// The most that waits, in bytes: a target that takes less than the sound of a stream does not fill the memory.
const ROOM: usize = 32 * 1024 * 1024;

/// Media in order, each with when it came. Video can be dropped up to a keyframe; sound and headers stay.
#[derive(Debug, Default)]
pub struct Queue {
    items: VecDeque<(Instant, Item)>,
    bytes: usize,
    /// Video is dropped until a keyframe comes.
    skipping: bool,
    /// Frames of video that were dropped.
    pub dropped: u64,
}

fn is_frame(item: &Item) -> bool {
    item.message.kind() == MessageType::VIDEO && !item.header
}

impl Queue {
    pub fn push(&mut self, item: Item, at: Instant) {
        if self.bytes > ROOM {
            self.items.retain(|(_, it)| it.header);
            self.bytes = self.items.iter().map(|(_, it)| it.message.payload().len()).sum();
            self.skipping = true;
        }
        if is_frame(&item) {
            self.skipping &= !item.key;
            if self.skipping {
                self.dropped += 1;
                return;
            }
        }
        self.bytes += item.message.payload().len();
        self.items.push_back((at, item));
    }

    pub fn first(&self) -> Option<&Item> {
        self.items.front().map(|(_, it)| it)
    }

    pub fn remove_first(&mut self) {
        if let Some((_, item)) = self.items.pop_front() {
            self.bytes -= item.message.payload().len();
        }
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// When the oldest came that can be dropped.
    pub fn oldest(&self) -> Option<Instant> {
        self.items.iter().find(|(_, it)| is_frame(it)).map(|(at, _)| *at)
    }

    /// How long ago that was.
    pub fn age(&self) -> Duration {
        self.oldest().map(|it| it.elapsed()).unwrap_or_default()
    }

    /// Drops video up to the next keyframe: behind the one that waits first, if that is one.
    pub fn drop_to_keyframe(&mut self) {
        let (mut bytes, mut dropped, mut done) = (0, 0, false);
        self.items.retain(|(_, it)| {
            if done || !is_frame(it) {
                return true;
            }
            done = it.key && dropped > 0;
            if !done {
                dropped += 1;
                bytes += it.message.payload().len();
            }
            done
        });
        self.bytes -= bytes;
        self.dropped += dropped;
        self.skipping |= dropped > 0 && !done;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use levada_chunk::{ChunkSize, Message, MessageStreamId, SharedMessage};

    use super::*;

    fn item(kind: MessageType, key: bool, header: bool, time: u32) -> Item {
        let payload = Bytes::from_static(b"four");
        let message = Message::new(kind, MessageStreamId(1), time, payload);
        let message = SharedMessage::new(message, ChunkSize::DEFAULT).unwrap();
        Item { message, simple: None, number: time.into(), header, key }
    }

    /// `K` and `v` are video, `a` sound, `h` a header of video.
    fn queue(text: &str) -> Queue {
        let mut queue = Queue::default();
        push(&mut queue, text);
        queue
    }

    fn push(queue: &mut Queue, text: &str) {
        for letter in text.chars() {
            let kind = if letter == 'a' { MessageType::AUDIO } else { MessageType::VIDEO };
            queue.push(item(kind, letter == 'K', letter == 'h', 0), Instant::now());
        }
    }

    fn text(queue: &Queue) -> String {
        let letter = |(_, it): &(Instant, Item)| match (it.message.kind(), it.key, it.header) {
            (MessageType::AUDIO, ..) => 'a',
            (_, true, _) => 'K',
            (_, _, true) => 'h',
            _ => 'v',
        };
        assert_eq!(queue.bytes, queue.items.len() * 4);
        queue.items.iter().map(letter).collect()
    }

    #[test]
    fn video_goes_up_to_the_next_keyframe_and_sound_and_headers_stay() {
        for (before, after, dropped) in [
            ("vavhavKvaKv", "ahaKvaKv", 3),
            ("KavaKav", "aaKav", 2),
            ("aaK", "aa", 1),
            ("aha", "aha", 0),
        ] {
            let mut queue = queue(before);
            queue.drop_to_keyframe();
            assert_eq!((text(&queue).as_str(), queue.dropped), (after, dropped), "{before}");
        }
    }

    #[test]
    fn without_a_keyframe_all_goes_until_one_comes() {
        let mut queue = queue("vava");
        queue.drop_to_keyframe();
        push(&mut queue, "vavKv");
        assert_eq!((text(&queue).as_str(), queue.dropped), ("aaaKv", 4));
    }

    #[test]
    fn what_can_be_dropped_has_an_age_and_nothing_else_has() {
        assert_eq!(queue("haa").oldest(), None);
        assert_eq!(queue("haa").age(), Duration::ZERO);
        let queue = queue("haav");
        assert_eq!(queue.oldest(), Some(queue.items[3].0));
    }
}
