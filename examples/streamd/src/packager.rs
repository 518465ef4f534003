//! From messages to fragments, for files and for endless responses.

use std::time::Duration;

use bytes::Bytes;
use levada_flv::{TagKind, Unpacked, Unpacker};
use levada_hls::{Output, Segmenter, SegmenterConfig};
use levada_media::MediaEvent;

use crate::stream::{Item, tag_kind, unix_ms};

/// What message bodies hold.
pub enum Held {
    Event(MediaEvent),
    /// The software that the publisher says it is, if its newest metadata say so.
    Encoder(Option<String>),
    /// Something is odd.
    Finding(String),
}

/// Message bodies to media events, and to words about their publisher and about what is odd.
#[derive(Debug, Default)]
pub struct Unpacking(Unpacker);

impl Unpacking {
    pub fn push(&mut self, kind: TagKind, timestamp: u32, body: Bytes) {
        self.0.push(kind, timestamp, body);
    }

    pub fn next(&mut self) -> Option<Held> {
        loop {
            match self.0.next()? {
                // Encoders say so when they stop, but they may come back: whether it is over is the server's decision.
                Unpacked::Event(MediaEvent::End(_)) => {}
                Unpacked::Event(event) => return Some(Held::Event(event)),
                Unpacked::Metadata(metadata) => return Some(Held::Encoder(metadata.encoder)),
                Unpacked::Finding(finding) => return Some(Held::Finding(finding.to_string())),
                _ => {}
            }
        }
    }
}

/// Makes one endless MP4: an init segment, then fragments of at most a length.
#[derive(Debug)]
pub struct Packager {
    unpacking: Unpacking,
    segmenter: Segmenter,
    init: Bytes,
}

impl Packager {
    pub fn new(fragment: Duration) -> Self {
        let mut config = SegmenterConfig::default();
        config.part = Some(fragment);
        // Nothing waits for a playlist here.
        config.target_duration = Some(10);
        config.track_wait = Duration::from_millis(500);
        Self {
            unpacking: Unpacking::default(),
            segmenter: Segmenter::new(config),
            init: Bytes::new(),
        }
    }

    /// Takes a message in. Frames that cannot be packaged are left out.
    pub fn push(&mut self, item: &Item) {
        let message = &item.message;
        self.push_tag(tag_kind(message.kind()), message.timestamp(), message.payload().clone());
    }

    fn push_tag(&mut self, kind: TagKind, timestamp: u32, body: Bytes) {
        self.unpacking.push(kind, timestamp, body);
        while let Some(held) = self.unpacking.next() {
            if let Held::Event(event) = held {
                self.push_event(event);
            }
        }
    }

    pub fn push_event(&mut self, event: MediaEvent) {
        if let Err(why) = self.segmenter.push(event, unix_ms()) {
            tracing::debug!(%why, "left out");
        }
    }

    /// Init segments, parts and segments. A segment repeats its parts.
    pub fn next(&mut self) -> Option<Output> {
        loop {
            match self.segmenter.next_output()? {
                // A publisher that came back with the same codecs goes on in the same file.
                Output::Init(init) if init.data == self.init => {}
                Output::Init(init) => {
                    self.init = init.data.clone();
                    return Some(Output::Init(init));
                }
                other => return Some(other),
            }
        }
    }

    pub fn finish(&mut self) {
        let _ = self.segmenter.finish();
    }
}
