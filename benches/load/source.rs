//! What is published: pictures and sound that mean nothing, and say when they left.

use std::time::Duration;

use bytes::Bytes;
use levada_chunk::{Message, MessageStreamId, MessageType};

/// H.264 High 1280 × 720, and AAC of 44.1 kHz: enough for servers that look into what they pass on.
const AVC: &[u8] = b"\x17\x00\0\0\0\x01\x4d\x40\x1f\xff\xe1\x00\x1a\x67\x4d\x40\x1f\xa6\x11\x02\x80\xbf\xe5\xc0\x44\0\0\x03\0\x04\0\0\x03\0\xc8\x3c\x60\xc8\x46\x01\x00\x05\x68\xe8\x43\x14\xb2";
const AAC: &[u8] = b"\xaf\x00\x12\x10";

const FPS: u64 = 30;
/// Two seconds.
const GOP: u64 = 2 * FPS;
/// A keyframe takes as much as so many others.
const KEY: u64 = 5;
const AUDIO_BODY: usize = 372;

/// Where a stamp stands in a body: behind the head of the tag, and with pictures behind the head of the NAL unit.
const IN_VIDEO: usize = 5 + 4 + 1;
const IN_AUDIO: usize = 2;

/// The two that are stamped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Track {
    Video,
    Audio,
}

/// What stands in every frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stamp {
    pub track: Track,
    pub key: bool,
    /// Counts the frames of its track.
    pub number: u64,
    /// When it was given to the publisher's socket, from the start of the program on.
    pub sent: Duration,
}

/// The frames of one publisher, without end.
pub struct Source {
    key: Vec<u8>,
    other: Vec<u8>,
    audio: Vec<u8>,
    pictures: u64,
    sounds: u64,
}

impl Source {
    /// A source of so many kbit/s of pictures.
    pub fn new(kbit: u32) -> Self {
        let of_gop = usize::try_from(u64::from(kbit) * 125 * GOP / FPS).unwrap_or(usize::MAX);
        let other = of_gop / usize::try_from(GOP - 1 + KEY).unwrap_or(1);
        Self {
            key: picture(0x17, 0x65, other.saturating_mul(5)),
            other: picture(0x27, 0x41, other),
            audio: filled(vec![0xAF, 1], AUDIO_BODY),
            pictures: 0,
            sounds: 0,
        }
    }

    /// What goes before everything else.
    pub fn headers() -> [Message; 2] {
        let header =
            |kind, body| Message::new(kind, MessageStreamId(1), 0, Bytes::from_static(body));
        [header(MessageType::VIDEO, AVC), header(MessageType::AUDIO, AAC)]
    }

    /// When the next frame is due, from the first on.
    pub fn due(&self) -> Duration {
        picture_at(self.pictures).min(sound_at(self.sounds))
    }

    /// The next frame, stamped with `sent`.
    pub fn next(&mut self, sent: Duration) -> Message {
        let at = self.due();
        let timestamp = u32::try_from(at.as_millis()).unwrap_or(u32::MAX);
        let (kind, template, place, number) = if at == picture_at(self.pictures) {
            let number = self.pictures;
            self.pictures += 1;
            let template = if number.is_multiple_of(GOP) { &self.key } else { &self.other };
            (MessageType::VIDEO, template, IN_VIDEO, number)
        } else {
            self.sounds += 1;
            (MessageType::AUDIO, &self.audio, IN_AUDIO, self.sounds - 1)
        };
        let mut body = template.clone();
        put(&mut body[place..place + STAMP], number, sent);
        Message::new(kind, MessageStreamId(1), timestamp, body.into())
    }
}

impl Stamp {
    /// Reads the stamp in the body of a message or tag. `None` of what is not a frame of a [`Source`].
    pub fn read(track: Track, body: &[u8]) -> Option<Self> {
        let (place, key) = match track {
            Track::Video => (IN_VIDEO, body.first()? >> 4 == 1),
            Track::Audio => (IN_AUDIO, false),
        };
        let stamp = body.get(place..place + STAMP)?;
        let (mark, numbers) = stamp.split_at(MARK.len());
        let (number, sent) = numbers.split_at(DIGITS);
        (mark == MARK).then(|| Self {
            track,
            key,
            number: value(number),
            sent: Duration::from_micros(value(sent)),
        })
    }
}

const MARK: &[u8] = b"\xFEload\xFE";
/// Bytes of a number: seven bits in each, so that none is zero, and nothing looks like the start of a NAL unit.
const DIGITS: usize = 6;
const STAMP: usize = MARK.len() + 2 * DIGITS;

fn put(place: &mut [u8], number: u64, sent: Duration) {
    let micros = u64::try_from(sent.as_micros()).unwrap_or(u64::MAX);
    let (mark, numbers) = place.split_at_mut(MARK.len());
    mark.copy_from_slice(MARK);
    for (digits, value) in numbers.chunks_exact_mut(DIGITS).zip([number, micros]) {
        for (index, digit) in digits.iter_mut().enumerate() {
            *digit = 0x80 | (value >> (7 * index) & 0x7F) as u8;
        }
    }
}

fn value(digits: &[u8]) -> u64 {
    digits.iter().rev().fold(0, |sum, digit| sum << 7 | u64::from(digit & 0x7F))
}

fn picture_at(number: u64) -> Duration {
    Duration::from_micros(number * 1_000_000 / FPS)
}

fn sound_at(number: u64) -> Duration {
    Duration::from_micros(number * 1024 * 1_000_000 / 44_100)
}

/// A body with one NAL unit of `size` bytes.
fn picture(head: u8, unit: u8, size: usize) -> Vec<u8> {
    let size = size.max(1 + STAMP);
    let mut body = vec![head, 1, 0, 0, 0];
    body.extend_from_slice(&u32::try_from(size).unwrap_or(u32::MAX).to_be_bytes());
    body.push(unit);
    filled(body, IN_VIDEO - 1 + size)
}

/// Fills a body up with bytes that are never zero.
fn filled(mut body: Vec<u8>, size: usize) -> Vec<u8> {
    let mut noise = 0x9E37_79B9_u32;
    while body.len() < size {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        body.push((noise >> 24) as u8 | 1);
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stamped_is_read() {
        let mut source = Source::new(4000);
        let mut stamps = Vec::new();
        let mut bytes = 0;
        while source.due() < Duration::from_secs(10) {
            let at = source.due();
            let message = source.next(at);
            let track = match message.kind {
                MessageType::VIDEO => Track::Video,
                _ => Track::Audio,
            };
            bytes += if track == Track::Video { message.payload.len() } else { 0 };
            let stamp = Stamp::read(track, &message.payload).expect("stamped");
            assert_eq!(stamp.sent, at);
            stamps.push(stamp);
        }
        let video: Vec<_> = stamps.iter().filter(|it| it.track == Track::Video).collect();
        assert_eq!(video.len(), 300);
        assert!(video.iter().zip(0..).all(|(it, number)| it.number == number));
        assert_eq!(video.iter().filter(|it| it.key).count(), 5);
        assert!((4_950_000..5_050_000).contains(&bytes), "{bytes} bytes of pictures");
        for header in Source::headers() {
            assert_eq!(Stamp::read(Track::Video, &header.payload), None);
        }
    }
}
