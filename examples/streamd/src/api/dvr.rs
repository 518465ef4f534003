//! `/v1/inputs/{input}/dvr`: what players may go back to.

use levada_control::InputId;

use super::ApiError;
use super::read::nothing;
use super::route::{Answer, Call, Route};

pub const ROUTES: &[Route] = &[Route::delete("/v1/inputs/{input}/dvr", |it| Box::pin(forget(it)))
    .about(
        "Forget the past of a live stream: its playlists begin anew. Its recording stays whole.",
    )];

async fn forget(call: Call) -> Answer {
    let id: InputId = call.id("input")?;
    if call.server.control.read(|plane, _, _| plane.input(id).is_none()) {
        return Err(ApiError::not_found("input"));
    }
    if let Some(stream) = call.server.hub.of_input(id) {
        stream.forget_past();
    }
    nothing()
}
