//! What the plane wants done, done: one action after the other, each in no time. What takes longer is a task.

use std::sync::Arc;

use levada_control::Action;
use tokio::sync::mpsc::UnboundedReceiver;
use tracing::debug;

use crate::control::{Effect, Order};
use crate::hooks::Attempt;
use crate::server::Server;
use crate::{clips, doors, hooks, hub, outputs, pulls, record};

/// Runs as long as the server.
pub async fn run(server: Arc<Server>, mut effects: UnboundedReceiver<Effect>) {
    while let Some(effect) = effects.recv().await {
        match effect {
            Effect::Act(action) => perform(&server, action),
            Effect::Then(work) => work(),
        }
    }
}

fn perform(server: &Arc<Server>, action: Action) {
    match action {
        Action::Bind { listener, bind, port, tls } => {
            doors::open(server, listener, (bind, port).into(), tls);
        }
        Action::CloseConnections(listener) => doors::empty(server, listener),
        Action::Release { bind, port, .. } => server.doors.close((bind, port).into()),
        Action::CloseSession { session, reason } => {
            server.control.order(session, Order::Close(reason));
        }
        Action::Reject { session, why } => server.control.order(session, Order::Reject(why)),
        Action::Use { input, .. } => hub::use_chosen(server, input),
        Action::EndPlaylist(input) => hub::end(server, input),
        Action::RecordingBegin { recording, input, continues } => {
            record::begin(server, recording, input, continues);
        }
        Action::RecordingFinish(recording) => record::finish(server, recording),
        Action::RecordingDelete(recording) => record::delete(server, recording),
        Action::ClipMake { clip, recording, start_ms, duration_ms } => {
            clips::make(server, clip, recording, start_ms, duration_ms);
        }
        Action::ClipDelete(clip) => clips::delete(server, clip),
        Action::HookPost { hook, delivery, attempt, url, body } => {
            hooks::post(server, Attempt { hook, delivery, attempt }, url, body);
        }
        Action::HookAbort { hook, delivery, attempt } => {
            server.hooks.abort(Attempt { hook, delivery, attempt });
        }
        Action::OutputConnect { output, attempt } => outputs::connect(server, output, attempt),
        Action::OutputFeed { output, attempt } => server.outputs.feed(output, attempt),
        Action::OutputDrop { output, attempt } => server.outputs.drop_video(output, attempt),
        Action::OutputClose { output, attempt } => server.outputs.close(output, attempt),
        Action::OutputAbort { output, attempt } => server.outputs.abort(output, attempt),
        Action::PullConnect { input, attempt, url } => pulls::connect(server, input, attempt, url),
        Action::PullClose { input, attempt } => server.pulls.close(input, attempt),
        other => debug!(action = ?other, "nobody does this"),
    }
}
