//! Dates of the proleptic Gregorian calendar, UTC.

use alloc::string::String;

struct Date {
    year: i64,
    month: i64,
    day: i64,
    of_day: i64,
}

fn date(unix_ms: i64) -> Date {
    let of_day = unix_ms.rem_euclid(86_400_000);
    // Days since 0000-03-01: years then end with the leap day, and 400 of them have 146,097 days.
    let days = unix_ms.div_euclid(86_400_000) + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months from March on have 153 days in each five of them.
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Date { year, month, day: day_of_year - (153 * shifted + 2) / 5 + 1, of_day }
}

/// `2026-11-20T18:03:04.005Z`, as RFC 3339 has it.
pub fn rfc3339(unix_ms: i64) -> String {
    let Date { year, month, day, of_day } = date(unix_ms);
    let (hour, minute, second) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1000 % 60);
    alloc::format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
        of_day % 1000
    )
}

/// `2026-11-20 18:03:04 +0000`, for names of recordings.
pub(crate) fn plain_utc(unix_ms: i64) -> String {
    let Date { year, month, day, of_day } = date(unix_ms);
    let (hour, minute, second) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1000 % 60);
    alloc::format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} +0000")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_that_are_known() {
        for (unix_ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_767_225_600_000, "2026-01-01T00:00:00.000Z"),
            (4_102_444_800_000, "2100-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(rfc3339(unix_ms), text);
        }
        assert_eq!(plain_utc(1_000_000_000_000), "2001-09-09 01:46:40 +0000");
        // No moment that fits can panic.
        for extreme in [i64::MIN, i64::MAX] {
            assert!(rfc3339(extreme).ends_with('Z'));
        }
    }
}
