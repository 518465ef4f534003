//! Dates of `EXT-X-PROGRAM-DATE-TIME` and `EXT-X-DATERANGE`: ISO 8601 with milliseconds, read and written without
//! a calendar library. The arithmetic is that of the proleptic Gregorian calendar in eras of 400 years.

use core::fmt;

const DAY_MS: i64 = 86_400_000;

/// Milliseconds since 1970 that print as an ISO 8601 date in UTC.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Date(pub(crate) i64);

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.0.div_euclid(DAY_MS));
        let ms = self.0.rem_euclid(DAY_MS);
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
            ms % 1000
        )
    }
}

/// Reads `2026-03-01T12:00:00.000Z`: fraction optional, zone `Z`, `+hh:mm`, `+hhmm`, `+hh` or missing (UTC).
pub(crate) fn parse(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let mut fields = date.splitn(3, '-');
    let (year, month, day) =
        (number(fields.next()?, 4)?, number(fields.next()?, 2)?, number(fields.next()?, 2)?);
    let (clock, zone) = match time.find(['Z', 'z', '+', '-']) {
        Some(at) => time.split_at_checked(at)?,
        None => (time, "Z"),
    };
    let (clock, fraction) = clock.split_once(['.', ',']).unwrap_or((clock, ""));
    let mut fields = clock.splitn(3, ':');
    let (hour, minute) = (number(fields.next()?, 2)?, number(fields.next()?, 2)?);
    let second = fields.next().map_or(Some(0), |it| number(it, 2))?;
    let in_range = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 25
        && minute < 60
        && second < 61;
    if !in_range {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(seconds * 1000 + milliseconds(fraction)? - zone_minutes(zone)? * 60_000)
}

fn number(digits: &str, len: usize) -> Option<i64> {
    if digits.len() != len || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

fn milliseconds(fraction: &str) -> Option<i64> {
    if !fraction.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    Some(
        fraction
            .bytes()
            .chain(*b"000")
            .take(3)
            .fold(0, |ms, digit| ms * 10 + i64::from(digit - b'0')),
    )
}

fn zone_minutes(zone: &str) -> Option<i64> {
    let sign = match zone.as_bytes().first()? {
        b'Z' | b'z' => return (zone.len() == 1).then_some(0),
        b'-' => -1,
        _ => 1,
    };
    let digits = zone.get(1..)?;
    let (hours, minutes) = match digits.len() {
        2 => (digits, "00"),
        4 => digits.split_at_checked(2)?,
        _ => digits.split_once(':')?,
    };
    Some(sign * (number(hours, 2)? * 60 + number(minutes, 2)?))
}

/// Days since 1970-01-01. Years begin in March here, so that the leap day is the last of its year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year.div_euclid(400) * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a number of days since 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let year = days.div_euclid(146_097) * 400 + year_of_era + i64::from(month >= 10);
    (year, if month < 10 { month + 3 } else { month - 9 }, day)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_dates() {
        // Values from `date -u -d @N`.
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_772_366_400_000, "2026-03-01T12:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(Date(ms).to_string(), text);
            assert_eq!(parse(text), Some(ms));
        }
    }

    #[test]
    fn zones_and_fractions() {
        let noon = Some(1_772_366_400_000);
        for text in [
            "2026-03-01T12:00:00Z",
            "2026-03-01T13:00:00+01:00",
            "2026-03-01T13:00:00.000+0100",
            "2026-03-01T04:00:00-08",
            "2026-03-01T12:00:00",
        ] {
            assert_eq!(parse(text), noon, "{text}");
        }
        assert_eq!(parse("2026-03-01T12:00:00.1234567Z"), Some(1_772_366_400_123));
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "T",
            "2026-03-01",
            "2026-13-01T00:00:00Z",
            "2026-03-01T12:00:00Zx",
            "26-3-1T1:2:3Z",
            "2026-03-01T12:00:00+é1",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_writes(ms in -62_135_596_800_000_i64..253_402_300_800_000) {
            prop_assert_eq!(parse(&Date(ms).to_string()), Some(ms));
        }
    }
}
