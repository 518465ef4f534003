//! The report as a picture: what came when, how large it was, and what is wrong with it, on one time axis.
//!
//! ```text
//! ┌ policy ──────────────────────────────── ACCEPTED ┐
//! │ duration │ video │ keyframes │ GOPs │ bit rate   │   cards
//! │ keyframe intervals over the band that is allowed │   a bar a GOP
//! │ frame sizes, by what a frame is                  │   a bar a frame, or some
//! │ findings: a line each, with marks where they are │
//! └──────────────────────────────────────────────────┘
//! ```
//!
//! It refers to nothing outside of itself, and follows the viewer's choice of light or dark.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt::{self, Display, Write};

use crate::finding::Thousandths;
use crate::report::channel_name;
use crate::video::{FrameBar, FrameKind, GopBar};
use crate::{GopReport, Measure, Severity, Verdict};

const WIDTH: f64 = 1200.0;
const MARGIN: f64 = 32.0;
/// Where the time axis begins: left of it are the labels of the other axes.
const LEFT: f64 = MARGIN + 52.0;
const RIGHT: f64 = WIDTH - MARGIN;

const CARDS: f64 = 92.0;
const INTERVALS: f64 = 212.0;
const INTERVALS_HEIGHT: f64 = 120.0;
const SIZES: f64 = 400.0;
const SIZES_HEIGHT: f64 = 150.0;
const FINDINGS: f64 = 612.0;
const ROW: f64 = 58.0;

/// Verdicts that are listed; the rest is counted.
const MAX_ROWS: usize = 12;

const STYLE: &str = "\
:root{color-scheme:light dark}\
svg{--paper:#fff;--card:#f4f5f7;--ink:#1c2330;--faint:#667085;--line:#e3e6eb;--ok:#3566c9;--band:#1f9d5518;--good:#14804a;\
--bad:#cf2e2e;--warn:#b26b00;--key:#8e3fc4;--recovery:#d9722b;--intra:#d05a9c;--p:#3566c9;--b:#8fb3ee;\
font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;background:var(--paper)}\
@media(prefers-color-scheme:dark){svg{--paper:#12161d;--card:#1c222c;--ink:#e8ecf3;--faint:#98a2b3;--line:#2b3340;\
--ok:#6d9bf1;--band:#3ccf7e1c;--good:#3ccf7e;--bad:#ff6b6b;--warn:#f0b429;--key:#c58af0;--recovery:#f2994a;\
--intra:#f08ac0;--p:#6d9bf1;--b:#3d5f9e}}\
text{fill:var(--ink);font-size:13px}.h{font-size:22px;font-weight:650}.s{font-size:14px;font-weight:600}\
.f{fill:var(--faint);font-size:12px}.v{font-size:17px;font-weight:600}.e{text-anchor:end}.m{text-anchor:middle}\
.g{stroke:var(--line);stroke-width:1}.c{fill:var(--card)}.badge{fill:var(--paper);font-weight:700;letter-spacing:.06em}";

impl GopReport {
    /// The report as an SVG picture, for a file of its own or inside a page.
    pub fn to_svg(&self) -> String {
        let rows = self.verdicts.len().min(MAX_ROWS);
        let more = usize::from(self.verdicts.len() > MAX_ROWS || rows == 0);
        let height = FINDINGS + 24.0 + ROW * rows as f64 + 24.0 * more as f64 + MARGIN;
        let mut picture = Picture { out: String::new(), span: self.duration.0.max(1) };
        let title = format!(
            "{}: {}",
            if self.policy.name.is_empty() { "stream report" } else { &self.policy.name },
            if self.is_accepted() { "accepted" } else { "not accepted" }
        );
        picture.put(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
             height=\"{height}\" role=\"img\"><title>{}</title><style>{STYLE}</style>\
             <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"var(--paper)\"/>",
            Text(&title)
        ));
        self.draw_head(&mut picture);
        self.draw_cards(&mut picture);
        self.draw_intervals(&mut picture);
        self.draw_sizes(&mut picture);
        self.draw_findings(&mut picture);
        picture.out.push_str("</svg>\n");
        picture.out
    }

    fn draw_head(&self, picture: &mut Picture) {
        let name = if self.policy.name.is_empty() { "Stream report" } else { &self.policy.name };
        picture.text(MARGIN, 56.0, "h", name);
        let (word, color) =
            if self.is_accepted() { ("ACCEPTED", "good") } else { ("NOT ACCEPTED", "bad") };
        let width = 26.0 + 10.4 * word.len() as f64;
        let left = RIGHT - width;
        picture.put(format_args!(
            "<rect x=\"{left:.1}\" y=\"32\" width=\"{width:.1}\" height=\"34\" rx=\"17\" fill=\"var(--{color})\"/>"
        ));
        picture.text(left + width / 2.0, 54.0, "badge m", word);
    }

    fn draw_cards(&self, picture: &mut Picture) {
        let video = self.tracks.iter().find_map(|it| Some((it, it.video.as_ref()?)));
        let audio = self.tracks.iter().find_map(|it| Some((it, it.audio?)));
        let pictures = video.map_or_else(
            || (String::from("none"), String::new()),
            |(track, video)| {
                let size = Measure::Size(video.size.0, video.size.1).to_string();
                let rate = video.frame_rate.map(|it| format!("{} · ", Measure::FrameRate(it)));
                (size, rate.unwrap_or_default() + &track.codec)
            },
        );
        let sound = audio.map_or_else(
            || (String::from("none"), String::new()),
            |(track, (rate, channels))| {
                let note = format!("{} · {}", channel_name(channels), track.codec);
                (Measure::SampleRate(rate).to_string(), note)
            },
        );
        let keys = video.map_or_else(
            || (String::from("none"), String::new()),
            |(_, video)| match video.interval {
                Some(it) => {
                    let [min, mean, max, deviation] =
                        [it.min, it.mean, it.max, it.deviation].map(Measure::Time);
                    (format!("every {mean}"), format!("{min} to {max}, σ {deviation}"))
                }
                None => (video.keyframes.to_string(), String::from("no interval seen")),
            },
        );
        let b_frames = video.map_or(0, |(_, video)| video.longest_b_run);
        let b_frames = match b_frames {
            0 => String::from("no B-frames"),
            count => format!("up to {count} B-frames in a row"),
        };
        let peak = format!("peak {}", Measure::Bitrate(self.peak_bitrate));
        let cards = [
            ("Duration", Measure::Time(self.duration.0).to_string(), size(self.bytes)),
            ("Pictures", pictures.0, pictures.1),
            ("Sound", sound.0, sound.1),
            ("Keyframes", keys.0, keys.1),
            ("GOPs", self.kind().to_string(), b_frames),
            ("Bit rate", Measure::Bitrate(self.bitrate()).to_string(), peak),
        ];
        let (gap, count) = (12.0, cards.len() as f64);
        let width = (RIGHT - MARGIN - gap * (count - 1.0)) / count;
        for (index, (name, value, note)) in cards.into_iter().enumerate() {
            let x = MARGIN + (width + gap) * index as f64;
            picture.put(format_args!(
                "<rect class=\"c\" x=\"{x:.1}\" y=\"{CARDS}\" width=\"{width:.1}\" height=\"82\" rx=\"10\"/>"
            ));
            picture.text(x + 14.0, CARDS + 24.0, "f", name);
            let class = if value.chars().count() > 17 { "s" } else { "v" };
            picture.text(x + 14.0, CARDS + 47.0, class, &value);
            picture.text(x + 14.0, CARDS + 68.0, "f", &note);
        }
    }

    fn draw_intervals(&self, picture: &mut Picture) {
        picture.text(MARGIN, INTERVALS - 8.0, "s", "Keyframe interval");
        let bounds = self.policy.interval;
        let longest = self.gops.iter().map(|it| it.interval).max().unwrap_or(0);
        let top = longest.max(bounds.max.unwrap_or(0)).max(bounds.min.unwrap_or(0));
        let axis = Axis::new(INTERVALS, INTERVALS_HEIGHT, micros(top), 1_000_000);
        if bounds.min.is_some() || bounds.max.is_some() {
            let low = axis.y(micros(bounds.min.unwrap_or(0)));
            let high = axis.y(bounds.max.map_or(axis.top, micros));
            let (width, height) = (RIGHT - LEFT, (low - high).max(2.0));
            picture.put(format_args!(
                "<rect x=\"{LEFT}\" y=\"{high:.1}\" width=\"{width}\" height=\"{height:.1}\" fill=\"var(--band)\"/>"
            ));
            let allowed = match (bounds.min, bounds.max) {
                (Some(min), Some(max)) if min == max => Measure::Time(max).to_string(),
                (Some(min), Some(max)) => {
                    format!("{} to {}", Measure::Time(min), Measure::Time(max))
                }
                (Some(min), None) => format!("at least {}", Measure::Time(min)),
                (_, max) => format!("at most {}", Measure::Time(max.unwrap_or(0))),
            };
            picture.text(RIGHT, INTERVALS - 8.0, "f e", format_args!("allowed: {allowed}"));
        }
        picture.axis(&axis, " s");
        for gop in &self.gops {
            picture.gop(gop, &axis);
        }
        for bound in [bounds.min, bounds.max].into_iter().flatten() {
            let y = axis.y(micros(bound));
            picture.put(format_args!(
                "<line x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"var(--good)\" \
                 stroke-dasharray=\"5 4\"/>"
            ));
        }
        picture.time_axis(INTERVALS + INTERVALS_HEIGHT);
    }

    fn draw_sizes(&self, picture: &mut Picture) {
        picture.text(MARGIN, SIZES - 8.0, "s", "Frame sizes");
        let largest = self.frames.iter().map(|it| it.bytes).max().unwrap_or(0);
        let axis = Axis::new(SIZES, SIZES_HEIGHT, largest, 1000);
        picture.axis(&axis, " kB");
        let lasting = self.frames.iter().map(|it| it.end.saturating_sub(it.at));
        let shortest = lasting.filter(|it| *it > 0).min().unwrap_or(0);
        let usual = picture.x(shortest) - LEFT;
        let mut x = RIGHT;
        for (kind, name, color) in KINDS.into_iter().rev() {
            let of_kind = || self.frames.iter().filter(move |it| it.kind == kind);
            if of_kind().next().is_none() {
                continue;
            }
            picture.frames(of_kind(), &axis, usual, color);
            x -= 26.0 + 7.2 * name.len() as f64;
            let y = SIZES - 17.0;
            picture.put(format_args!(
                "<rect x=\"{x:.1}\" y=\"{y}\" width=\"10\" height=\"10\" rx=\"2\" fill=\"var(--{color})\"/>"
            ));
            picture.text(x + 15.0, SIZES - 8.0, "f", name);
        }
        picture.time_axis(SIZES + SIZES_HEIGHT);
    }

    fn draw_findings(&self, picture: &mut Picture) {
        picture.text(MARGIN, FINDINGS, "s", "Findings");
        let mut y = FINDINGS + 24.0;
        if self.verdicts.is_empty() {
            picture.text(MARGIN, y + 4.0, "f", "None.");
        }
        for verdict in self.verdicts.iter().take(MAX_ROWS) {
            self.draw_verdict(verdict, y, picture);
            y += ROW;
        }
        let more = self.verdicts.len().saturating_sub(MAX_ROWS);
        if more > 0 {
            picture.text(MARGIN, y + 4.0, "f", format_args!("and {more} more"));
        }
    }

    fn draw_verdict(&self, verdict: &Verdict, y: f64, picture: &mut Picture) {
        let color = match verdict.severity {
            Severity::Error => "bad",
            Severity::Warning => "warn",
        };
        picture.put(format_args!("<g fill=\"var(--{color})\">"));
        picture.put(format_args!(
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"5\"/>",
            MARGIN + 6.0,
            y - 1.0
        ));
        let mut last = f64::MIN;
        for mark in self
            .marks
            .iter()
            .filter(|it| (it.rule, it.severity) == (verdict.rule, verdict.severity))
        {
            let x = picture.x(mark.at).clamp(LEFT, RIGHT - 3.0);
            // Marks that would touch are one.
            if x - last >= 4.0 {
                last = x;
                let top = y + 27.0;
                picture.put(format_args!(
                    "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"3\" height=\"10\" rx=\"1\"/>"
                ));
            }
        }
        picture.put(format_args!("</g>"));
        let line = y + 32.0;
        picture.put(format_args!(
            "<line class=\"g\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{line:.1}\" y2=\"{line:.1}\" opacity=\".6\"/>"
        ));
        picture.text(MARGIN + 20.0, y + 4.0, "s", Headline(verdict));
        picture.text(MARGIN + 20.0, y + 21.0, "f", verdict.rule.hint());
    }
}

/// The kinds of frames with their names and colours, the most important one first.
const KINDS: [(FrameKind, &str, &str); 5] = [
    (FrameKind::Key, "keyframe", "key"),
    (FrameKind::Recovery, "recovery point", "recovery"),
    (FrameKind::Intra, "I-frame", "intra"),
    (FrameKind::Predicted, "P-frame", "p"),
    (FrameKind::Bidirectional, "B-frame", "b"),
];

/// A verdict in one line, without the hint.
struct Headline<'a>(&'a Verdict);

impl Display for Headline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = self.0;
        write!(f, "{}", verdict.rule)?;
        if let Some(track) = verdict.track {
            write!(f, " · {track}")?;
        }
        write!(f, " · {}", verdict.worst)?;
        if let Some(limit) = &verdict.limit {
            write!(f, " (limit {limit})")?;
        }
        match verdict.count {
            1 => write!(f, " at {}", Clock(verdict.first.0)),
            count => write!(f, ", {count} times from {}", Clock(verdict.first.0)),
        }
    }
}

/// A vertical axis from 0 up.
struct Axis {
    y: f64,
    height: f64,
    /// The value at the top.
    top: u64,
    /// How much of the value is one of what the labels count.
    unit: u64,
}

impl Axis {
    /// An axis with some room above `largest`.
    fn new(y: f64, height: f64, largest: u64, unit: u64) -> Self {
        Self { y, height, top: largest.max(1).saturating_add(largest / 10), unit }
    }

    fn y(&self, value: u64) -> f64 {
        self.y + self.height - self.height * (value as f64 / self.top as f64).clamp(0.0, 1.0)
    }
}

struct Picture {
    out: String,
    /// Microseconds from the left to the right.
    span: i64,
}

impl Picture {
    /// Writing to a `String` does not fail.
    fn put(&mut self, markup: fmt::Arguments<'_>) {
        let _ = self.out.write_fmt(markup);
    }

    fn text(&mut self, x: f64, y: f64, class: &str, text: impl Display) {
        self.put(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\">{}</text>",
            Text(text)
        ));
    }

    fn x(&self, micros: i64) -> f64 {
        LEFT + (RIGHT - LEFT) * (micros as f64 / self.span as f64).clamp(0.0, 1.0)
    }

    fn axis(&mut self, axis: &Axis, unit: &str) {
        // In thousandths, as labels may have decimals.
        let step = nice((axis.top / 4).saturating_mul(1000) / axis.unit);
        for index in 0..=8 {
            let label = step.saturating_mul(index);
            let value = label.saturating_mul(axis.unit) / 1000;
            if value > axis.top {
                break;
            }
            let y = axis.y(value);
            self.put(format_args!(
                "<line class=\"g\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"
            ));
            self.text(LEFT - 8.0, y + 4.0, "f e", format_args!("{}{unit}", Thousandths(label)));
        }
    }

    fn time_axis(&mut self, y: f64) {
        let step = nice_time(self.span / 8);
        for at in (0..=8).map(|index| step.saturating_mul(index)) {
            if at <= self.span {
                self.text(self.x(at), y + 18.0, "f m", Clock(at));
            }
        }
    }

    fn gop(&mut self, gop: &GopBar, axis: &Axis) {
        let (left, right) = (self.x(gop.at), self.x(gop.end));
        let (width, top) = ((right - left - 1.5).max(1.0), axis.y(micros(gop.interval)));
        let height = axis.y + axis.height - top;
        let color = if gop.bad { "bad" } else { "ok" };
        let (start, interval) = (Clock(gop.at), Measure::Time(gop.interval));
        let (frames, bytes) = (gop.frames, size(gop.bytes));
        self.put(format_args!(
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"2\" \
             fill=\"var(--{color})\"><title>{start}: {interval}, {frames} frames, {bytes}</title></rect>"
        ));
    }

    /// All frames of a kind as one path, each `usual` wide or wider.
    fn frames<'a>(
        &mut self,
        frames: impl Iterator<Item = &'a FrameBar>,
        axis: &Axis,
        usual: f64,
        color: &str,
    ) {
        self.put(format_args!("<path fill=\"var(--{color})\" d=\""));
        let bottom = axis.y + axis.height;
        for frame in frames {
            let left = self.x(frame.at);
            // The first frame does not know how long it lasts.
            let right = self.x(frame.end).max(left + usual);
            let width = ((right - left) * 0.85).max(0.6);
            let height = (bottom - axis.y(frame.bytes)).max(0.5);
            self.put(format_args!("M{left:.1} {bottom:.1}v-{height:.1}h{width:.1}v{height:.1}z"));
        }
        self.put(format_args!("\"/>"));
    }
}

/// A span that is not negative.
fn micros(span: i64) -> u64 {
    span.max(0).unsigned_abs()
}

/// The next larger of 1, 2 and 5 with zeros.
fn nice(at_least: u64) -> u64 {
    let powers = (0..19).map(|power| 10_u64.saturating_pow(power));
    let mut steps = powers.flat_map(|power| [1, 2, 5].map(|it| power.saturating_mul(it)));
    steps.find(|step| *step >= at_least).unwrap_or(u64::MAX)
}

/// A step on a time axis, in microseconds, that people count in.
fn nice_time(at_least: i64) -> i64 {
    const SECONDS: [i64; 14] =
        [10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400];
    let nice_in = |unit: i64| {
        let count = nice((at_least / unit).max(1).unsigned_abs());
        i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(unit)
    };
    if at_least <= 5_000_000 {
        return nice_in(1000);
    }
    let step = SECONDS.into_iter().map(|it| it * 1_000_000).find(|step| *step >= at_least);
    step.unwrap_or_else(|| nice_in(86_400_000_000))
}

/// A time as a clock shows it.
struct Clock(i64);

impl Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.max(0) / 1000;
        let (seconds, rest) = (millis / 1000, millis % 1000);
        let (hours, minutes, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        if hours > 0 {
            write!(f, "{hours}:{minutes:02}:{second:02}")?;
        } else {
            write!(f, "{minutes}:{second:02}")?;
        }
        if rest > 0 && hours == 0 {
            let digits = format!("{rest:03}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        Ok(())
    }
}

/// Bytes as people say it.
fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        10_000_000..10_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}

/// Text between tags (XML 1.0 §2.4), without what XML has no form for.
struct Text<T>(T);

impl<T: Display> Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaped(f), "{}", self.0)
    }
}

struct Escaped<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            match letter {
                '<' => self.0.write_str("&lt;")?,
                '>' => self.0.write_str("&gt;")?,
                '&' => self.0.write_str("&amp;")?,
                '"' => self.0.write_str("&quot;")?,
                '\0'..='\x08' | '\x0B' | '\x0C' | '\x0E'..='\x1F' | '\u{FFFE}' | '\u{FFFF}' => {
                    self.0.write_char('\u{FFFD}')?;
                }
                _ => self.0.write_char(letter)?,
            }
        }
        Ok(())
    }
}
