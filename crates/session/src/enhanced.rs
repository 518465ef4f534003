//! What the two ends of Enhanced RTMP tell each other in `connect`.
//!
//! Enhanced RTMP v2, "Enhancing NetConnection connect Command".

use core::fmt;

use levada_amf::{Object, Value};

/// The most codecs that are remembered of one peer and kind. The specification knows 5 of video and 6 of audio.
const MAX_CODECS: usize = 32;

/// What codecs are called on the wire: `avc1`, `hvc1`, `av01`, `Opus` …
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(clippy::exhaustive_structs, reason = "four bytes, whatever they say")]
pub struct FourCc(pub [u8; 4]);

impl fmt::Debug for FourCc {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0.escape_ascii())
    }
}

/// What a peer can do with a codec, a sum of the constants.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "a set of bits, known or not")]
pub struct CodecFlags(pub u32);

impl CodecFlags {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// It can decode it.
    pub const DECODE: Self = Self(1);
    /// It can encode it.
    pub const ENCODE: Self = Self(2);
    /// It can pass it on.
    pub const FORWARD: Self = Self(4);
    /// All three.
    pub const ALL: Self = Self(7);

    /// Both sets together.
    #[must_use]
    pub const fn and(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    /// Whether all of these are in it.
    pub const fn has(self, all: Self) -> bool {
        self.0 & all.0 == all.0
    }
}

/// What a peer can do, codec by codec: `videoFourCcInfoMap` and `audioFourCcInfoMap`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Codecs {
    any: CodecFlags,
    each: Vec<(FourCc, CodecFlags)>,
}

impl Codecs {
    /// The same flags for every codec: the member `*`.
    pub fn any(flags: CodecFlags) -> Self {
        Self { any: flags, each: Vec::new() }
    }

    /// Adds flags for one codec. Codecs beyond the 32nd are not remembered.
    #[must_use]
    pub fn with(mut self, codec: FourCc, flags: CodecFlags) -> Self {
        self.add(codec, flags);
        self
    }

    /// What can be done with a codec.
    pub fn flags(&self, codec: FourCc) -> CodecFlags {
        let own = self.each.iter().find(|(it, _)| *it == codec);
        own.map_or(self.any, |(_, flags)| flags.and(self.any))
    }

    /// Whether nothing was declared: a peer that knows only the old codec numbers, or does not tell.
    pub fn is_empty(&self) -> bool {
        self.any == CodecFlags::NONE && self.each.is_empty()
    }

    fn add(&mut self, codec: FourCc, flags: CodecFlags) {
        if let Some((_, own)) = self.each.iter_mut().find(|(it, _)| *it == codec) {
            *own = own.and(flags);
        } else if self.each.len() < MAX_CODECS {
            self.each.push((codec, flags));
        }
    }

    fn add_named(&mut self, name: &[u8], flags: CodecFlags) {
        if name == b"*" {
            self.any = self.any.and(flags);
        } else if let Ok(codec) = name.try_into() {
            self.add(FourCc(codec), flags);
        }
    }

    fn read(&mut self, map: Option<&Value>) {
        for (name, flags) in map.and_then(Value::as_object).into_iter().flatten() {
            self.add_named(name.as_bytes(), CodecFlags(to_flags(Some(flags))));
        }
    }

    fn encode(&self) -> Object {
        let any = (self.any != CodecFlags::NONE).then(|| ("*".to_owned(), self.any.0));
        let each = self.each.iter().map(|(codec, flags)| (text(*codec), flags.0));
        any.into_iter().chain(each).collect()
    }

    fn names(&self) -> impl Iterator<Item = String> {
        let any = (self.any != CodecFlags::NONE).then(|| "*".to_owned());
        any.into_iter().chain(self.each.iter().map(|(codec, _)| text(*codec)))
    }
}

/// The extensions of `capsEx`, a sum of the constants.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "a set of bits, known or not")]
pub struct Extensions(pub u32);

impl Extensions {
    /// A request to reconnect is understood.
    pub const RECONNECT: Self = Self(1);
    /// Several tracks of a kind are.
    pub const MULTITRACK: Self = Self(2);
    /// Modifiers before a packet are at least skipped.
    pub const MOD_EX: Self = Self(4);
    /// The modifier that adds nanoseconds is obeyed.
    pub const NANO_OFFSET: Self = Self(8);
    /// All four.
    pub const ALL: Self = Self(15);

    /// Whether all of these are in it.
    pub const fn has(self, all: Self) -> bool {
        self.0 & all.0 == all.0
    }
}

/// What one end of a connection declares about itself.
///
/// A flag means that it at least parses and degrades gracefully. Publishers send enhanced packets without
/// declaring them (OBS does), so this is for deciding what to *send*: to a player that did not declare a codec, nothing of it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Enhanced video codecs.
    pub video: Codecs,
    /// Enhanced audio codecs.
    pub audio: Codecs,
    /// The extensions understood.
    pub extensions: Extensions,
    /// `videoFunction`: 1 client seek, 2 HDR, 4 metadata packets, 8 large-scale tiles.
    pub video_function: u32,
    /// `videoCodecs`: the old codec numbers, one bit each. RTMP 1.0 §7.2.1.1.
    pub video_codecs: u32,
    /// `audioCodecs`: the same for audio.
    pub audio_codecs: u32,
}

impl Capabilities {
    /// Of an end that passes on what it gets, whatever the codec: a server, a relay.
    pub fn forwarder() -> Self {
        Self {
            video: Codecs::any(CodecFlags::FORWARD),
            audio: Codecs::any(CodecFlags::FORWARD),
            extensions: Extensions::ALL,
            ..Self::legacy()
        }
    }

    /// Of an end without Enhanced RTMP. The codec bits are those that FFmpeg and GStreamer send: everything but
    /// what never was.
    pub fn legacy() -> Self {
        Self { video_function: 1, video_codecs: 252, audio_codecs: 4071, ..Self::default() }
    }

    /// Reads the members of a `connect` object or of either object of its result, on top of what is known.
    pub(crate) fn read(&mut self, object: &Object) {
        let list = object.get("fourCcList").map(Value::to_strings);
        for name in list.into_iter().flatten().take(2 * MAX_CODECS) {
            // v1 does not say which kind a codec is of, nor what can be done with it.
            self.video.add_named(name.as_bytes(), CodecFlags::ALL);
            self.audio.add_named(name.as_bytes(), CodecFlags::ALL);
        }
        self.video.read(object.get("videoFourCcInfoMap"));
        self.audio.read(object.get("audioFourCcInfoMap"));
        self.extensions.0 |= to_flags(object.get("capsEx"));
        self.video_function |= to_flags(object.get("videoFunction"));
        self.video_codecs |= to_flags(object.get("videoCodecs"));
        self.audio_codecs |= to_flags(object.get("audioCodecs"));
    }

    /// Adds the enhanced members to an object of ours: the list for readers of v1, the maps for those of v2.
    pub(crate) fn write(&self, object: &mut Object) {
        if self.video.is_empty() && self.audio.is_empty() && self.extensions.0 == 0 {
            return;
        }
        let mut names: Vec<String> = Vec::new();
        for name in self.video.names().chain(self.audio.names()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        object.push("fourCcList", names.into_iter().map(Value::from).collect::<Vec<_>>());
        object.push("videoFourCcInfoMap", self.video.encode());
        object.push("audioFourCcInfoMap", self.audio.encode());
        object.push("capsEx", self.extensions.0);
    }
}

fn text(codec: FourCc) -> String {
    String::from_utf8_lossy(&codec.0).into_owned()
}

/// Bits from a number that a peer sent: whatever is no whole number of 32 bits has none.
fn to_flags(value: Option<&Value>) -> u32 {
    value.and_then(Value::to_u32).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HVC1: FourCc = FourCc(*b"hvc1");
    const OPUS: FourCc = FourCc(*b"Opus");

    fn read(object: &Object) -> Capabilities {
        let mut peer = Capabilities::default();
        peer.read(object);
        peer
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let mut own = Capabilities::forwarder();
        own.video = own.video.with(HVC1, CodecFlags::DECODE);
        let mut object = Object::new();
        own.write(&mut object);
        object.remove("fourCcList"); // says less, and would add to the flags
        object.push("videoFunction", 1);
        object.push("videoCodecs", 252);
        object.push("audioCodecs", 4071);
        assert_eq!(read(&object), own);
        assert_eq!(own.video.flags(HVC1), CodecFlags(5));
        assert_eq!(own.audio.flags(OPUS), CodecFlags::FORWARD);
    }

    #[test]
    fn a_legacy_end_adds_nothing() {
        let mut object = Object::new();
        Capabilities::legacy().write(&mut object);
        assert!(object.is_empty());
    }

    #[test]
    fn the_list_of_version_1() {
        let list = vec![Value::from("hvc1"), Value::from(7), Value::from("too long")];
        let peer = read(&Object::new().with("fourCcList", list));
        assert_eq!(peer.video.flags(HVC1), CodecFlags::ALL);
        assert_eq!(peer.video.flags(OPUS), CodecFlags::NONE);
        let peer = read(&Object::new().with("fourCcList", vec![Value::from("*")]));
        assert_eq!(
            (peer.video.flags(HVC1), peer.audio.flags(OPUS)),
            (CodecFlags::ALL, CodecFlags::ALL)
        );
    }

    #[test]
    fn cmd_19_lists_without_end_and_numbers_that_are_none() {
        let list: Vec<Value> = (0..100_000).map(|it| Value::from(format!("{it:04}"))).collect();
        let map: Object = (0..4000).map(|it| (format!("{it:04}"), Value::from(4))).collect();
        let object = Object::new()
            .with("fourCcList", list)
            .with("videoFourCcInfoMap", map)
            .with("audioFourCcInfoMap", "no map")
            .with("capsEx", f64::NAN)
            .with("videoFunction", 1e300);
        let peer = read(&object);
        assert_eq!((peer.video.each.len(), peer.audio.each.len()), (MAX_CODECS, MAX_CODECS));
        assert_eq!((peer.extensions.0, peer.video_function), (0, 0));
    }
}
