use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};

use bytes::{Bytes, BytesMut};
use levada_amf::{AmfError, AmfString, Object, Value, amf0};
use levada_media::{AudioParams, CodecParams, Track, VideoParams};

use crate::format::{audio_fourcc, video_fourcc};
use crate::{CodecId, FourCc, KeyframeIndex, Script};

/// What a stream says of itself: `onMetaData`. Every value is optional, and none is to be trusted: configuration
/// records know better.
///
/// What has no field here is kept in [`other`](Self::other), and written again.
///
/// ```
/// use levada_flv::{Metadata, VideoMetadata};
///
/// let mut metadata = Metadata::default();
/// metadata.video.width = Some(1920.0);
/// metadata.other.push("title", "a day at the river");
/// let body = metadata.encode()?; // of a tag of kind `Script`
///
/// let read = Metadata::parse(body, levada_amf::AmfLimits::default())?.unwrap();
/// assert_eq!(read, metadata);
/// # Ok::<(), levada_amf::AmfError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Metadata {
    /// Seconds. 0 while a stream is live.
    pub duration: Option<f64>,
    /// Video track 0.
    pub video: VideoMetadata,
    /// Audio track 0.
    pub audio: AudioMetadata,
    /// Other video tracks (`videoTrackIdInfoMap`). An entry may hold only what differs from track 0.
    pub video_tracks: BTreeMap<u8, VideoMetadata>,
    /// Other audio tracks (`audioTrackIdInfoMap`).
    pub audio_tracks: BTreeMap<u8, AudioMetadata>,
    /// The software that made it.
    pub encoder: Option<String>,
    /// Bytes of the file.
    pub file_size: Option<f64>,
    /// Where the keyframes are in the file.
    pub keyframes: Option<KeyframeIndex>,
    /// Everything else, in order.
    pub other: Object,
}

/// What metadata says of a video track.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct VideoMetadata {
    /// Its codec: a number or a FourCC, in some streams as text.
    pub codec: Option<CodecId>,
    /// Pixels.
    pub width: Option<f64>,
    /// Pixels.
    pub height: Option<f64>,
    /// Frames a second.
    pub frame_rate: Option<f64>,
    /// Kilobits a second.
    pub data_rate: Option<f64>,
    /// Everything else in the entry of a track. Empty for track 0, whose properties stand among the others.
    pub other: Object,
}

/// What metadata says of an audio track.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct AudioMetadata {
    /// Its codec: a number or a FourCC, in some streams as text.
    pub codec: Option<CodecId>,
    /// Samples a second.
    pub sample_rate: Option<f64>,
    /// Bits a sample.
    pub sample_size: Option<f64>,
    /// Channels.
    pub channels: Option<f64>,
    /// Whether there are two channels.
    pub stereo: Option<bool>,
    /// Kilobits a second.
    pub data_rate: Option<f64>,
    /// Everything else in the entry of a track. Empty for track 0, whose properties stand among the others.
    pub other: Object,
}

/// The name of the script data that holds metadata.
const NAME: &str = "onMetaData";

impl Metadata {
    /// What can be said of these tracks.
    pub fn of<'a>(tracks: impl IntoIterator<Item = &'a Track>) -> Self {
        let mut metadata = Self::default();
        for track in tracks {
            match (&*track.params, track.id.number) {
                (CodecParams::Video(video), 0) => metadata.video = VideoMetadata::of(video),
                (CodecParams::Video(video), number) => {
                    metadata.video_tracks.insert(number, VideoMetadata::of(video));
                }
                (CodecParams::Audio(audio), 0) => metadata.audio = AudioMetadata::of(audio),
                (CodecParams::Audio(audio), number) => {
                    metadata.audio_tracks.insert(number, AudioMetadata::of(audio));
                }
                (CodecParams::Data(_), _) => {}
            }
        }
        metadata
    }

    /// Parses the body of a script tag. `None` if it is other script data.
    ///
    /// # Errors
    ///
    /// If it is not AMF, or over the limits.
    pub fn parse(body: Bytes, limits: levada_amf::AmfLimits) -> Result<Option<Self>, AmfError> {
        let script = Script::parse(crate::TagKind::Script, body, limits)?;
        Ok(Self::from_script(&script))
    }

    /// The metadata in script data, if it is any. Nothing of it refers to the message any more.
    pub fn from_script(script: &Script) -> Option<Self> {
        if script.name != NAME {
            return None;
        }
        // An ECMA array by the text, an object from some encoders, AMF3 from a few.
        let properties = script.values.iter().find_map(|value| match value {
            Value::Amf3(value) => value.clone().into_amf0().as_object().cloned(),
            value => value.as_object().cloned(),
        });
        Some(Self::from_object(properties.unwrap_or_default()))
    }

    /// The body of a tag of kind `Script`.
    ///
    /// # Errors
    ///
    /// If [`other`](Self::other) holds what cannot be written.
    pub fn encode(&self) -> Result<Bytes, AmfError> {
        let mut body = BytesMut::new();
        amf0::encode_all(&[NAME.into(), Value::ecma_array(self.to_object())], &mut body)?;
        Ok(body.freeze())
    }

    /// Where in an [encoded](Self::encode) body the eight bytes of a number stand. A file writer that knows
    /// `duration` and `filesize` only at the end writes them over the zeros of the beginning.
    pub fn number_offset(body: &[u8], property: &str) -> Option<usize> {
        let mut pattern = BytesMut::new();
        pattern.extend_from_slice(&u16::try_from(property.len()).ok()?.to_be_bytes());
        pattern.extend_from_slice(property.as_bytes());
        pattern.extend_from_slice(&[0]); // AMF0 §2.2: number
        let at = body.windows(pattern.len()).position(|it| it == pattern)? + pattern.len();
        (at + 8 <= body.len()).then_some(at)
    }

    fn from_object(properties: Object) -> Self {
        let mut metadata = Self::default();
        for (name, mut value) in properties {
            value.detach();
            let taken = match name.as_str().unwrap_or_default() {
                "duration" => number(&value, &mut metadata.duration),
                "filesize" | "fileSize" => number(&value, &mut metadata.file_size),
                "encoder" => set(&mut metadata.encoder, value.as_str().map(ToString::to_string)),
                "keyframes" => {
                    set(&mut metadata.keyframes, value.as_object().and_then(KeyframeIndex::parse))
                }
                "videoTrackIdInfoMap" => {
                    track_map(&value, &mut metadata.video_tracks, VideoMetadata::from_object)
                }
                "audioTrackIdInfoMap" => {
                    track_map(&value, &mut metadata.audio_tracks, AudioMetadata::from_object)
                }
                name => metadata.video.take(name, &value) || metadata.audio.take(name, &value),
            };
            if !taken {
                let mut name = name;
                name.detach();
                metadata.other.push(name, value);
            }
        }
        metadata
    }

    /// In the order in which FFmpeg writes.
    fn to_object(&self) -> Object {
        let mut object = Object::new();
        put(&mut object, "duration", self.duration);
        self.video.put(&mut object, VIDEO_NAMES);
        self.audio.put(&mut object, AUDIO_NAMES);
        if !self.video_tracks.is_empty() {
            let entries = self.video_tracks.iter().map(|(number, track)| {
                let mut entry = Object::new();
                track.put(&mut entry, VIDEO_NAMES);
                (number.to_string(), entry)
            });
            object.push("videoTrackIdInfoMap", entries.collect::<Object>());
        }
        if !self.audio_tracks.is_empty() {
            let entries = self.audio_tracks.iter().map(|(number, track)| {
                let mut entry = Object::new();
                track.put(&mut entry, AUDIO_TRACK_NAMES);
                (number.to_string(), entry)
            });
            object.push("audioTrackIdInfoMap", entries.collect::<Object>());
        }
        object.extend(self.other.clone());
        put(&mut object, "encoder", self.encoder.clone());
        put(&mut object, "filesize", self.file_size);
        put(&mut object, "keyframes", self.keyframes.as_ref().map(KeyframeIndex::to_value));
        object
    }
}

const VIDEO_NAMES: [&str; 5] = ["width", "height", "videodatarate", "framerate", "videocodecid"];
const AUDIO_NAMES: [&str; 6] = [
    "audiodatarate",
    "audiosamplerate",
    "audiosamplesize",
    "audiochannels",
    "stereo",
    "audiocodecid",
];
/// In the entries of tracks two properties have other names (E-RTMP §Enhancing onMetaData).
const AUDIO_TRACK_NAMES: [&str; 6] =
    ["audiodatarate", "samplerate", "audiosamplesize", "channels", "stereo", "audiocodecid"];

impl VideoMetadata {
    fn of(video: &VideoParams) -> Self {
        let known = |size: u32| (size > 0).then_some(size.into());
        Self {
            codec: video_fourcc(video.codec).map(CodecId::FourCc),
            width: known(video.width),
            height: known(video.height),
            frame_rate: video
                .frame_rate
                .map(|(count, per)| f64::from(count) / f64::from(per.max(1))),
            ..Self::default()
        }
    }

    fn from_object(properties: &Object) -> Self {
        let mut video = Self::default();
        for (name, value) in properties {
            if !video.take(name.as_str().unwrap_or_default(), value) {
                video.other.push(name.clone(), value.clone());
            }
        }
        video.other.detach();
        video
    }

    fn take(&mut self, name: &str, value: &Value) -> bool {
        match name {
            "width" => number(value, &mut self.width),
            "height" => number(value, &mut self.height),
            "framerate" => number(value, &mut self.frame_rate),
            "videodatarate" => number(value, &mut self.data_rate),
            "videocodecid" => codec(value, &mut self.codec),
            _ => false,
        }
    }

    fn put(&self, object: &mut Object, names: [&'static str; 5]) {
        let [width, height, data_rate, frame_rate, codec] = names;
        put(object, width, self.width);
        put(object, height, self.height);
        put(object, data_rate, self.data_rate);
        put(object, frame_rate, self.frame_rate);
        put(object, codec, self.codec.map(codec_value));
        object.extend(self.other.clone());
    }
}

impl AudioMetadata {
    fn of(audio: &AudioParams) -> Self {
        Self {
            codec: audio_fourcc(audio.codec).map(CodecId::FourCc),
            sample_rate: (audio.sample_rate > 0).then_some(audio.sample_rate.into()),
            channels: (audio.channels > 0).then_some(audio.channels.into()),
            stereo: (audio.channels > 0).then_some(audio.channels == 2),
            ..Self::default()
        }
    }

    fn from_object(properties: &Object) -> Self {
        let mut audio = Self::default();
        for (name, value) in properties {
            if !audio.take(name.as_str().unwrap_or_default(), value) {
                audio.other.push(name.clone(), value.clone());
            }
        }
        audio.other.detach();
        audio
    }

    fn take(&mut self, name: &str, value: &Value) -> bool {
        match name {
            "audiosamplerate" | "samplerate" => number(value, &mut self.sample_rate),
            "audiosamplesize" => number(value, &mut self.sample_size),
            "audiochannels" | "channels" => number(value, &mut self.channels),
            "audiodatarate" => number(value, &mut self.data_rate),
            "audiocodecid" => codec(value, &mut self.codec),
            "stereo" => set(&mut self.stereo, value.to_bool()),
            _ => false,
        }
    }

    fn put(&self, object: &mut Object, names: [&'static str; 6]) {
        let [data_rate, sample_rate, sample_size, channels, stereo, codec] = names;
        put(object, data_rate, self.data_rate);
        put(object, sample_rate, self.sample_rate);
        put(object, sample_size, self.sample_size);
        put(object, channels, self.channels);
        put(object, stereo, self.stereo);
        put(object, codec, self.codec.map(codec_value));
        object.extend(self.other.clone());
    }
}

fn put<V: Into<Value>>(object: &mut Object, name: &'static str, value: Option<V>) {
    if let Some(value) = value {
        object.push(name, value);
    }
}

/// Sets a field to what a value says, if it says anything: of a name that stands twice the last sensible value counts.
fn set<T>(field: &mut Option<T>, value: Option<T>) -> bool {
    let is_sensible = value.is_some();
    if is_sensible {
        *field = value;
    }
    is_sensible
}

/// Numbers also come as text and as booleans. Says whether it is one.
fn number(value: &Value, field: &mut Option<f64>) -> bool {
    set(field, value.to_number())
}

/// A legacy id, a FourCC as a number or as text. Says whether it is one.
fn codec(value: &Value, field: &mut Option<CodecId>) -> bool {
    let text = value.as_string().map(AmfString::as_bytes);
    let codec = match (text.and_then(|it| <[u8; 4]>::try_from(it).ok()), value.to_u32()) {
        (_, Some(id @ 0..=15)) => Some(CodecId::Legacy(id.to_le_bytes()[0])),
        (Some(name), _) => Some(CodecId::FourCc(FourCc(name))),
        (None, Some(name)) => Some(CodecId::FourCc(FourCc::from_number(name))),
        (None, None) => None,
    };
    set(field, codec)
}

fn codec_value(codec: CodecId) -> Value {
    match codec {
        CodecId::Legacy(id) => u32::from(id).into(),
        CodecId::FourCc(name) => name.number().into(),
    }
}

/// Keys are track numbers in decimal. An entry that is none spoils the map, which is then kept as it is.
fn track_map<T>(value: &Value, tracks: &mut BTreeMap<u8, T>, entry: fn(&Object) -> T) -> bool {
    let Some(object) = value.as_object() else { return false };
    let parsed: Option<BTreeMap<u8, T>> = object
        .iter()
        .map(|(number, value)| Some((number.as_str()?.parse().ok()?, entry(value.as_object()?))))
        .collect();
    parsed.map(|parsed| *tracks = parsed).is_some()
}
