//! What ffprobe and ffmpeg say of a file.

use std::time::Duration;

use serde_json::Value;

use crate::tool::run;

/// A packet as ffprobe shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Packet {
    /// `video` or `audio`.
    pub kind: String,
    pub stream: u64,
    /// Microseconds.
    pub pts: Option<i64>,
    pub dts: Option<i64>,
    pub key: bool,
    pub size: usize,
    pub position: Option<u64>,
    /// The MD5 of its bytes.
    pub hash: String,
}

/// A whole file.
#[derive(Clone, Debug)]
pub struct Probed {
    pub streams: Vec<Value>,
    pub packets: Vec<Packet>,
}

const LIMIT: Duration = Duration::from_secs(60);

/// Reads everything with Debian's ffprobe (`ffprobe`) or the newest (`ffprobe8`), which must not complain.
#[track_caller]
pub fn probe(prober: &str, file: &str) -> Probed {
    let line = format!(
        "{prober} -v error -show_streams -show_packets -show_data_hash md5 -of json {file}"
    );
    parse(&run(&line, LIMIT).silent().stdout)
}

pub fn parse(json: &str) -> Probed {
    let json: Value = serde_json::from_str(json).expect("JSON of ffprobe");
    let streams = json["streams"].as_array().cloned().unwrap_or_default();
    let base = |stream: u64| {
        let found = streams.iter().find(|it| it["index"] == stream).expect("a stream of a packet");
        let (numerator, denominator) =
            found["time_base"].as_str().and_then(|it| it.split_once('/')).expect("a time base");
        (numerator.parse::<i64>().expect("a number"), denominator.parse::<i64>().expect("a number"))
    };
    let packets = json["packets"].as_array().into_iter().flatten().map(|it| {
        let stream = it["stream_index"].as_u64().expect("a stream index");
        let (numerator, denominator) = base(stream);
        let time = |name: &str| {
            // Rounded to the nearest microsecond.
            it[name].as_i64().map(|it| (it * numerator * 2_000_000 / denominator + 1).div_euclid(2))
        };
        Packet {
            kind: it["codec_type"].as_str().unwrap_or_default().to_owned(),
            stream,
            pts: time("pts"),
            dts: time("dts"),
            key: it["flags"].as_str().is_some_and(|it| it.contains('K')),
            size: number(&it["size"]),
            position: it["pos"].as_str().and_then(|it| it.parse().ok()),
            hash: it["data_hash"].as_str().unwrap_or_default().to_owned(),
        }
    });
    Probed { packets: packets.collect(), streams }
}

fn number(value: &Value) -> usize {
    value.as_str().and_then(|it| it.parse().ok()).unwrap_or_default()
}

impl Probed {
    pub fn of(&self, kind: &str) -> Vec<&Packet> {
        self.packets.iter().filter(|it| it.kind == kind && it.size > 0).collect()
    }

    pub fn codec(&self, kind: &str) -> &str {
        let stream = self.streams.iter().find(|it| it["codec_type"] == kind);
        stream.and_then(|it| it["codec_name"].as_str()).unwrap_or("none")
    }
}

/// What was received has to be one unbroken run of the packets sent, byte by byte, with their distances in time.
/// Returns how many video and audio packets it is.
#[track_caller]
pub fn same_run(sent: &Probed, got: &Probed) -> (usize, usize) {
    let mut shift = None;
    let video = run_of("video", sent, got, &mut shift);
    let audio = run_of("audio", sent, got, &mut shift);
    (video, audio)
}

#[track_caller]
fn run_of(kind: &str, sent: &Probed, got: &Probed, shift: &mut Option<i64>) -> usize {
    let (sent, got) = (sent.of(kind), got.of(kind));
    let Some(first) = got.first() else {
        assert!(sent.is_empty(), "no {kind} packet came");
        return 0;
    };
    // Sound may repeat itself byte by byte: once the shift is known, the time tells which of them it is.
    let is_first = |it: &Packet| {
        let later = first.dts.zip(it.dts).map(|(other, one)| other - one);
        it.hash == first.hash && (shift.is_none() || later.is_none() || later == *shift)
    };
    let from = sent
        .iter()
        .position(|it| is_first(it))
        .unwrap_or_else(|| panic!("the first {kind} packet was never sent: {first:?}"));
    for (at, (one, other)) in sent.iter().skip(from).zip(&got).enumerate() {
        assert_eq!(one.hash, other.hash, "{kind} packet {at} of {}", got.len());
        assert_eq!(one.key, other.key, "the flag of {kind} packet {at}");
        let (Some(one), Some(other)) = (one.dts, other.dts) else { continue };
        let expected = *shift.get_or_insert(other - one);
        assert_eq!(other - one, expected, "the time of {kind} packet {at}, in microseconds");
    }
    assert!(from + got.len() <= sent.len(), "more {kind} packets came than were sent");
    got.len()
}

/// Every frame has to decode, without a word of the decoder. Times are replaced: of those it judges the null muxer, too,
/// and live encoders have frames that are late.
#[track_caller]
pub fn decodes(ffmpeg: &str, file: &str) {
    let probed = probe(if ffmpeg == "ffmpeg" { "ffprobe" } else { "ffprobe8" }, file);
    let video = if probed.of("video").is_empty() { "" } else { "-map 0:v -vf setpts=N/(FR*TB)" };
    let audio = if probed.of("audio").is_empty() { "" } else { "-map 0:a -af asetpts=N/(SR*TB)" };
    run(&format!("{ffmpeg} -v error -xerror -i {file} {video} {audio} -f null -"), LIMIT).silent();
}
