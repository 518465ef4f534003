//! The report as JSON, by hand: the shape is small, and stays.

use alloc::string::String;
use core::fmt::{self, Display, Write};

use crate::{GopReport, Intervals, Measure, TrackReport, Verdict};

impl GopReport {
    /// The report as one JSON object. Times are in seconds, rates in bits or frames a second.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        let mut object = Object::begin(&mut out);
        object.text("policy", &self.policy.name);
        object.raw("accepted", self.is_accepted());
        object.text("gop", self.kind().id());
        object.raw("duration", Seconds(self.duration.0));
        object.raw("bytes", self.bytes);
        object.raw("bitrate", self.bitrate());
        object.raw("peak_bitrate", self.peak_bitrate);
        object.list("tracks", &self.tracks, track);
        object.list("verdicts", &self.verdicts, verdict);
        object.end();
        out
    }
}

fn track(track: &TrackReport, object: &mut Object<'_>) {
    object.text("track", track.id);
    object.text("codec", &track.codec);
    object.raw("frames", track.frames);
    object.raw("bytes", track.bytes);
    object.raw("duration", Seconds(track.duration.0));
    object.raw("bitrate", track.bitrate);
    if let Some(video) = &track.video {
        object.raw("width", video.size.0);
        object.raw("height", video.size.1);
        object.text("gop", video.kind.id());
        object.raw("keyframes", video.keyframes);
        object.raw("b_frames", video.b_frames);
        object.raw("longest_b_run", video.longest_b_run);
        object.raw("reorder", video.reorder);
        if let Some(rate) = video.frame_rate {
            object.raw("frame_rate", Thousandths(rate));
        }
        if let Some(rate) = video.promised_frame_rate {
            object.raw("promised_frame_rate", Thousandths(rate));
        }
        if let Some(interval) = &video.interval {
            object.object("interval", |it| intervals(interval, it));
        }
    }
    if let Some((rate, channels)) = track.audio {
        object.raw("sample_rate", rate);
        object.raw("channels", channels);
    }
}

fn intervals(intervals: &Intervals, object: &mut Object<'_>) {
    object.raw("count", intervals.count);
    object.raw("min", Seconds(intervals.min));
    object.raw("mean", Seconds(intervals.mean));
    object.raw("max", Seconds(intervals.max));
    object.raw("deviation", Seconds(intervals.deviation));
}

fn verdict(verdict: &Verdict, object: &mut Object<'_>) {
    object.text("rule", verdict.rule);
    object.text("severity", verdict.severity);
    if let Some(track) = verdict.track {
        object.text("track", track);
    }
    object.raw("count", verdict.count);
    object.raw("first", Seconds(verdict.first.0));
    object.raw("last", Seconds(verdict.last.0));
    object.measure("measured", &verdict.worst);
    if let Some(limit) = &verdict.limit {
        object.measure("limit", limit);
    }
    object.text("hint", verdict.rule.hint());
}

/// An object that is being written. Writing to a `String` does not fail.
struct Object<'a> {
    out: &'a mut String,
    empty: bool,
}

impl<'a> Object<'a> {
    fn begin(out: &'a mut String) -> Self {
        out.push('{');
        Self { out, empty: true }
    }

    fn end(self) {
        self.out.push('}');
    }

    fn name(&mut self, name: &str) {
        if !core::mem::take(&mut self.empty) {
            self.out.push(',');
        }
        let _ = write!(self.out, "\"{name}\":");
    }

    /// A number or a truth value.
    fn raw(&mut self, name: &str, value: impl Display) {
        self.name(name);
        let _ = write!(self.out, "{value}");
    }

    fn text(&mut self, name: &str, value: impl Display) {
        self.name(name);
        self.out.push('"');
        let _ = write!(Escaped(self.out), "{value}");
        self.out.push('"');
    }

    fn object(&mut self, name: &str, write: impl FnOnce(&mut Object<'_>)) {
        self.name(name);
        let mut object = Object::begin(self.out);
        write(&mut object);
        object.end();
    }

    fn list<T>(&mut self, name: &str, items: &[T], write: impl Fn(&T, &mut Object<'_>)) {
        self.name(name);
        self.out.push('[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            let mut object = Object::begin(self.out);
            write(item, &mut object);
            object.end();
        }
        self.out.push(']');
    }

    fn measure(&mut self, name: &str, measure: &Measure) {
        match measure {
            Measure::Time(micros) => self.raw(name, Seconds(*micros)),
            Measure::Bitrate(value) | Measure::Count(value) | Measure::Percent(value) => {
                self.raw(name, value);
            }
            Measure::FrameRate(rate) => self.raw(name, Thousandths(*rate)),
            Measure::SampleRate(rate) => self.raw(name, rate),
            Measure::Size(..) | Measure::Name(_) => self.text(name, measure),
        }
    }
}

/// Text inside quotes (RFC 8259 §7).
struct Escaped<'a>(&'a mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            match letter {
                '"' | '\\' => {
                    self.0.push('\\');
                    self.0.push(letter);
                }
                // HTML around the JSON must not end it.
                '<' | '>' | '&' | '\0'..='\x1F' | '\x7F' | '\u{2028}' | '\u{2029}' => {
                    write!(self.0, "\\u{:04x}", u32::from(letter))?;
                }
                _ => self.0.push(letter),
            }
        }
        Ok(())
    }
}

struct Seconds(i64);

impl Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let micros = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:06}", micros / 1_000_000, micros % 1_000_000)
    }
}

struct Thousandths(u64);

impl Display for Thousandths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}
