//! `/streaming/statistics`.

use levada_control::rfc3339;
use serde_json::json;

use super::input_of;
use crate::api::ApiError;
use crate::api::asked::{May, Read};
use crate::api::fields::needed;
use crate::api::outcome::{Answer, Outcome};
use crate::stream::unix_ms;

/// What a stream is like at this moment. Nothing is kept of before: one row, or none when it is not live.
pub async fn ffprobe(May(asked, _): May<Read>) -> Outcome {
    let id = needed("stream_id", asked.query.get("stream_id"))?;
    asked.server.control.read(|plane, _, _| {
        let input = input_of(plane, id)?;
        let input = plane.input(input).ok_or_else(|| ApiError::not_found("stream"))?;
        if input.machine.used().is_none() {
            return Ok(Answer::of(json!({ "data": [] })));
        }
        let figures = input.health.figures();
        let (second, video) = (&figures.second, figures.video);
        let bytes = second.video_bytes + second.audio_bytes;
        let row = json!({
            "time": rfc3339(unix_ms()),
            "avg_bitrate": bytes * 8 * 1000 / u64::from(second.media_ms.max(1)),
            "sum_frames": second.video_frames,
            "max_height": video.map(|it| it.1.1),
            "max_fps": second.video_frames,
            "max_keyframe_interval": figures.gops.max_ms.div_ceil(1000),
        });
        Ok(Answer::of(json!({ "data": [row] })))
    })
}
