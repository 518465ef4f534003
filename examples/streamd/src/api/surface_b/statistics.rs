//! `/streaming/statistics`.

use levada_control::rfc3339;
use serde_json::json;

use super::input_of;
use crate::api::ApiError;
use crate::api::asked::{Asked, May, Read};
use crate::api::fields::needed;
use crate::api::outcome::{Answer, Outcome};
use crate::figures::Stretch;

const DAY: i64 = 86_400;

/// What a stream was like, in rows of so many minutes or more. Four hours are kept, also over a restart.
pub async fn ffprobe(May(asked, _): May<Read>) -> Outcome {
    let id = needed("stream_id", asked.query.get("stream_id"))?;
    let input = asked.server.control.read(|plane, _, _| input_of(plane, id))?;
    let from = moment(&asked, "date_from")?.unwrap_or(0);
    let to = moment(&asked, "date_to")?.unwrap_or(i64::MAX);
    let rows = asked.server.figures.between(input, from, to, width(&asked)?);
    Ok(Answer::of(json!({ "data": rows.iter().map(row).collect::<Vec<_>>() })))
}

fn row(it: &Stretch) -> serde_json::Value {
    json!({
        "time": rfc3339(it.at.saturating_mul(1000)),
        "avg_bitrate": it.bytes.saturating_mul(8000) / it.media_ms.max(1),
        "sum_frames": it.frames,
        "max_height": it.height,
        "max_fps": it.fps,
        "max_keyframe_interval": it.keyframe_ms.div_ceil(1000),
    })
}

/// The seconds of a row: a minute unless it is said, and no less.
fn width(asked: &Asked) -> Result<i64, ApiError> {
    let units = asked.query.get("units").map_or("minute", String::as_str);
    let unit = match units.trim_end_matches('s') {
        "second" => 1,
        "minute" => 60,
        "hour" => 3600,
        "day" => DAY,
        _ => return Err(ApiError::invalid("units", "must be second, minute, hour or day")),
    };
    let wrong = || ApiError::invalid("interval", "must be a number of at least 1");
    let count = asked.query.get("interval").map_or(Ok(1), |it| it.parse().map_err(|_| wrong()))?;
    if count < 1 {
        return Err(wrong());
    }
    Ok(unit.max(60).max(unit.saturating_mul(count)))
}

fn moment(asked: &Asked, name: &str) -> Result<Option<i64>, ApiError> {
    let wrong = || ApiError::invalid(name, "must be a date, as 2026-11-20 or 2026-11-20T18:03:04Z");
    asked.query.get(name).map(|it| unix_seconds(it).ok_or_else(wrong)).transpose()
}

/// `2026-11-20`, or `2026-11-20T18:03:04Z` with anything behind the dot of a second.
fn unix_seconds(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
    let time = time.trim_end_matches('Z').split('.').next()?;
    let numbers = |text: &str, mark: char| -> Option<Vec<i64>> {
        let digits = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
        text.split(mark).map(|it| it.parse().ok().filter(|_| digits(it))).collect()
    };
    let (date, time) = (numbers(date, '-')?, numbers(time, ':')?);
    let ([year, month, day], [hour, minute, second]) = (date.as_slice(), time.as_slice()) else {
        return None;
    };
    let fits = (1970..10_000).contains(year)
        && (1..=12).contains(month)
        && (1..=31).contains(day)
        && *hour < 24
        && *minute < 60
        && *second < 61;
    // Years from March on end with the leap day; months from there have 153 days in each five of them.
    let (year, month) = if *month > 2 { (*year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
    fits.then(|| (days - 719_469) * DAY + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t38_dates_of_queries() {
        for (text, seconds) in [
            ("1970-01-01", 0),
            ("2000-02-29", 951_782_400),
            ("2024-02-29T23:59:59.999Z", 1_709_251_199),
            ("2026-01-01 00:00:01", 1_767_225_601),
        ] {
            assert_eq!(unix_seconds(text), Some(seconds), "{text}");
        }
        for bad in [
            "",
            "today",
            "2026-13-01",
            "2026-01-00",
            "2026-01-01T24:00:00Z",
            "+2026-1-1",
            "2026-01-01T1:2",
            "99999999999-01-01",
        ] {
            assert_eq!(unix_seconds(bad), None, "{bad}");
        }
    }
}
