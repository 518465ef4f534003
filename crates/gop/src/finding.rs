use alloc::borrow::Cow;
use core::fmt;

use levada_media::{Ticks, TrackId};

use crate::{Rule, Severity};

/// One thing that is not as the policy wants it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// Which rule it breaks. [`Rule::hint`] says what to do.
    pub rule: Rule,
    /// How much it weighs.
    pub severity: Severity,
    /// The track, if it is of one.
    pub track: Option<TrackId>,
    /// When, in microseconds since the stream began.
    pub at: Ticks,
    /// What was found.
    pub measured: Measure,
    /// What would have been right, if that is one value.
    pub limit: Option<Measure>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", Measure::Time(self.at.0), self.severity, self.rule)?;
        if let Some(track) = self.track {
            write!(f, " ({track})")?;
        }
        write!(f, ": {}", self.measured)?;
        if let Some(limit) = &self.limit {
            write!(f, ", limit {limit}")?;
        }
        Ok(())
    }
}

/// A measured value or a limit.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Measure {
    /// Microseconds.
    Time(i64),
    /// Bits a second.
    Bitrate(u64),
    /// Frames in 1000 seconds.
    FrameRate(u64),
    /// Samples a second.
    SampleRate(u32),
    /// How many.
    Count(u64),
    /// Hundredths.
    Percent(u64),
    /// Width and height.
    Size(u32, u32),
    /// A name: a codec, a profile, a kind of GOP.
    Name(Cow<'static, str>),
}

impl Measure {
    /// A name that is known when the program is written.
    pub(crate) const fn name(name: &'static str) -> Self {
        Self::Name(Cow::Borrowed(name))
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(micros) => {
                let sign = if *micros < 0 { "-" } else { "" };
                let millis = (micros.unsigned_abs() + 500) / 1000;
                write!(f, "{sign}{} s", Thousandths(millis))
            }
            Self::Bitrate(bits) if *bits >= 1_000_000 => {
                write!(f, "{} Mbit/s", Thousandths(bits / 10_000 * 10))
            }
            Self::Bitrate(bits) => write!(f, "{} kbit/s", bits / 1000),
            Self::FrameRate(rate) => write!(f, "{} fps", Thousandths(*rate)),
            Self::SampleRate(rate) => write!(f, "{} kHz", Thousandths((*rate).into())),
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent} %"),
            Self::Size(width, height) => write!(f, "{width}x{height}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// A number with up to three decimals, none of them a zero at the end.
pub(crate) struct Thousandths(pub(crate) u64);

impl fmt::Display for Thousandths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 1000, self.0 % 1000);
        match rest {
            0 => write!(f, "{whole}"),
            rest if rest % 100 == 0 => write!(f, "{whole}.{}", rest / 100),
            rest if rest % 10 == 0 => write!(f, "{whole}.{:02}", rest / 10),
            rest => write!(f, "{whole}.{rest:03}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn values_read_as_people_write_them() {
        for (measure, text) in [
            (Measure::Time(10_040_000), "10.04 s"),
            (Measure::Time(2_000_400), "2 s"),
            (Measure::Time(-66_700), "-0.067 s"),
            (Measure::Bitrate(6_012_345), "6.01 Mbit/s"),
            (Measure::Bitrate(128_500), "128 kbit/s"),
            (Measure::FrameRate(59_940), "59.94 fps"),
            (Measure::SampleRate(44_100), "44.1 kHz"),
            (Measure::Percent(25), "25 %"),
            (Measure::Size(1920, 1080), "1920x1080"),
            (Measure::name("open"), "open"),
        ] {
            assert_eq!(measure.to_string(), text);
        }
    }

    #[test]
    fn a_finding_is_one_line() {
        let finding = Finding {
            rule: Rule::IntervalMax,
            severity: Severity::Error,
            track: Some(TrackId::video(0)),
            at: Ticks(12_000_000),
            measured: Measure::Time(10_040_000),
            limit: Some(Measure::Time(10_000_000)),
        };
        assert_eq!(
            finding.to_string(),
            "12 s error video.interval.max (video 0): 10.04 s, limit 10 s"
        );
    }
}
