//! What is known of a stream's media, for people.

use std::collections::{BTreeMap, VecDeque};

use levada_gop::{Bounds, GopPolicy, GopValidator};
use levada_media::{CodecParams, MediaEvent, MediaKind, Track, TrackId};
use serde_json::{Value, json};

/// Frames that the page draws: ten seconds of 30 pictures.
const DRAWN: usize = 300;
/// Findings that are shown.
const SHOWN: usize = 10;
/// Characters of an encoder's name that are shown.
const ENCODER: usize = 200;

/// What streams are held against unless a platform is named: what makes players start and recover slowly.
pub const ANY: &str = "any";

/// The rules of that name.
pub fn policy(name: &str) -> Option<GopPolicy> {
    if name != ANY {
        return GopPolicy::known(name);
    }
    let mut policy = GopPolicy::named(ANY);
    policy.preferred = Bounds::up_to(4_000_000);
    policy.tolerance = 100_000;
    Some(policy)
}

/// Grows with every frame.
#[derive(Debug)]
pub struct Facts {
    policy: GopPolicy,
    validator: GopValidator,
    tracks: BTreeMap<TrackId, Track>,
    drawn: VecDeque<Drawn>,
    findings: VecDeque<String>,
    /// The software that the publisher says it is.
    pub encoder: Option<String>,
    pub finding_count: u64,
    pub frames: u64,
    pub keyframes: u64,
    pub gop_ms: u64,
    last_key: Option<i64>,
    /// Bytes of this second, and of the last ones.
    bytes: u64,
    seconds: VecDeque<u64>,
}

#[derive(Debug)]
struct Drawn {
    number: u64,
    ms: i64,
    bytes: usize,
    key: bool,
}

impl Facts {
    pub fn new(policy: GopPolicy) -> Self {
        Self {
            validator: GopValidator::new(policy.clone()),
            policy,
            tracks: BTreeMap::new(),
            drawn: VecDeque::new(),
            findings: VecDeque::new(),
            encoder: None,
            finding_count: 0,
            frames: 0,
            keyframes: 0,
            gop_ms: 0,
            last_key: None,
            bytes: 0,
            seconds: VecDeque::new(),
        }
    }

    /// A publisher came back: another timeline begins.
    pub fn restart(&mut self) {
        self.validator = GopValidator::new(self.policy.clone());
        for track in self.tracks.values() {
            self.validator.observe(&MediaEvent::Track(track.clone()));
        }
        self.findings.clear();
        self.encoder = None;
        self.last_key = None;
    }

    pub fn arrived(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    pub fn observe(&mut self, event: &MediaEvent) {
        self.finding_count += self.validator.observe(event).len() as u64;
        match event {
            MediaEvent::Track(track) => {
                self.tracks.insert(track.id, track.clone());
            }
            MediaEvent::End(id) => {
                self.tracks.remove(id);
            }
            MediaEvent::Frame(frame) if frame.track == TrackId::video(0) => {
                let Some(track) = self.tracks.get(&frame.track) else { return };
                let ms = (track.timescale.seconds(frame.dts) * 1000.0) as i64;
                self.frames += 1;
                if frame.is_key() {
                    self.keyframes += 1;
                    if let Some(last) = self.last_key.replace(ms) {
                        self.gop_ms = u64::try_from(ms - last).unwrap_or_default();
                    }
                }
                if self.drawn.len() == DRAWN {
                    self.drawn.pop_front();
                }
                let (number, bytes, key) = (self.frames, frame.data.len(), frame.is_key());
                self.drawn.push_back(Drawn { number, ms, bytes, key });
            }
            MediaEvent::Frame(_) => {}
        }
    }

    /// The publisher says what software it is.
    pub fn made_by(&mut self, encoder: Option<&str>) {
        self.encoder = encoder.map(|it| it.chars().take(ENCODER).collect());
    }

    /// Something is odd. The newest ones are shown, the same one once.
    pub fn found(&mut self, what: String) {
        self.finding_count += 1;
        if self.findings.contains(&what) {
            return;
        }
        if self.findings.len() == SHOWN {
            self.findings.pop_front();
        }
        self.findings.push_back(what);
    }

    /// Called once a second.
    pub fn measure(&mut self) {
        self.seconds.push_back(std::mem::take(&mut self.bytes));
        if self.seconds.len() > 5 {
            self.seconds.pop_front();
        }
    }

    /// Bits a second, over the last five.
    pub fn bit_rate(&self) -> u64 {
        8 * self.seconds.iter().sum::<u64>() / (self.seconds.len() as u64).max(1)
    }

    /// RFC 6381 names of the first tracks of each kind: what a page asks Media Source for.
    pub fn codecs(&self) -> String {
        let all: Vec<_> = self
            .tracks
            .values()
            .map(|it| it.params.rfc6381())
            .filter(|it| !it.is_empty())
            .collect();
        all.join(",")
    }

    /// The codecs of all tracks, and the size of the first video track.
    pub fn codecs_and_size(&self) -> (Vec<String>, Option<(u32, u32)>) {
        let codecs = self.tracks.values().map(|it| it.params.rfc6381().to_owned());
        let size = self.tracks.values().find_map(|it| it.params.video());
        (codecs.filter(|it| !it.is_empty()).collect(), size.map(|it| (it.width, it.height)))
    }

    pub fn has(&self, kind: MediaKind) -> bool {
        self.tracks.keys().any(|it| it.kind == kind)
    }

    pub fn tracks(&self) -> Value {
        self.tracks.values().map(track).collect()
    }

    /// What is not as it should be, and what to do about it.
    pub fn health(&self) -> Value {
        let verdicts = self.validator.report().verdicts.into_iter().map(|it| {
            let limit = it.limit.map(|it| format!(", limit {it}")).unwrap_or_default();
            let text = format!("{}: {}{limit} ({} times)", it.rule, it.worst, it.count);
            json!({ "severity": it.severity.to_string(), "text": text, "hint": it.rule.hint() })
        });
        let others = self
            .findings
            .iter()
            .map(|it| json!({ "severity": "warning", "text": it, "hint": null }));
        verdicts.chain(others).collect()
    }

    /// The newest frames, for the timeline.
    pub fn timeline(&self) -> Value {
        self.drawn.iter().map(|it| json!([it.number, it.ms, it.bytes, it.key])).collect()
    }
}

fn track(track: &Track) -> Value {
    let codec = track.params.rfc6381();
    match &*track.params {
        CodecParams::Video(it) => {
            let rate = it.frame_rate.map(|(n, d)| f64::from(n) / f64::from(d.max(1)));
            json!({"id": track.id.to_string(), "kind": "video", "codec": codec, "width": it.width, "height": it.height, "frame_rate": rate})
        }
        CodecParams::Audio(it) => {
            json!({"id": track.id.to_string(), "kind": "audio", "codec": codec, "sample_rate": it.sample_rate, "channels": it.channels})
        }
        CodecParams::Data(_) => json!({"id": track.id.to_string(), "kind": "data"}),
    }
}
