//! `--push` and `--pull`: outputs and inputs of the plane that the command line asks for.

use std::sync::Arc;

use levada_control::{
    InputConfig, InputId, KeyRef, Notice, NoticeKind, OutputConfig, OutputView, Phase, Plane,
    PullState, Reply, Request, Secret, Target, parse_pull_list,
};
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tracing::{info, warn};

use crate::config::{Relay, anywhere};
use crate::server::Server;
use crate::stream::Stream;

/// What names of outputs and aliases of inputs begin with that are ours.
const PUSH: &str = "--push ";
const PULL: &str = "--pull ";

/// The alias of the input that is pulled to a path.
pub fn alias(path: &str) -> String {
    format!("{PULL}{path}")
}

/// The path that an input with this alias is pulled to.
pub fn pulled_path(alias: &str) -> Option<&str> {
    alias.strip_prefix(PULL)
}

/// Whether only the command line may call something that.
pub fn is_ours(name: &str) -> bool {
    [PUSH, PULL].iter().any(|it| name.starts_with(it))
}

/// Makes what the command line names, and forgets what an earlier one named.
pub async fn start(server: &Arc<Server>) -> anyhow::Result<()> {
    let config = server.config();
    let wanted: Vec<String> = config.pull.iter().map(|it| alias(it.pull_path())).collect();
    for request in server.control.read(|plane, _, _| left_over(plane, &wanted)) {
        server.control.request(request).await?;
    }
    for relay in &config.pull {
        pull(server, relay).await?;
    }
    if !config.push.is_empty() {
        tokio::spawn(push_all(server.clone(), config.push.clone()));
    }
    Ok(())
}

fn left_over(plane: &Plane, wanted: &[String]) -> Vec<Request> {
    let outputs = plane.outputs().filter(|it| it.config.name.starts_with(PUSH));
    let inputs = plane.inputs().filter(|it| {
        it.config.alias.as_ref().is_some_and(|it| it.starts_with(PULL) && !wanted.contains(it))
    });
    let outputs = outputs.map(|it| Request::DeleteOutput(it.id));
    outputs.chain(inputs.map(|it| Request::DeleteInput(it.id))).collect()
}

/// An input that is pulled to a path. One that is there begins anew, with its first URL and without a wait.
async fn pull(server: &Arc<Server>, relay: &Relay) -> anyhow::Result<()> {
    let (control, path) = (&server.control, relay.pull_path());
    let mut config: InputConfig = server.config().open_input(path);
    config.alias = Some(alias(path));
    config.pull = Some(parse_pull_list(&relay.url, &anywhere())?);
    let key = |id| (KeyRef::Pull(id), Secret::new(&*relay.url));
    let Some(id) = control.read(|plane, _, _| plane.input_by_alias(&alias(path))) else {
        let request = Request::CreateInput(config);
        control
            .request_with(request, |reply, keys, _| {
                if let Reply::Input(id) = reply {
                    let (key, secret) = key(*id);
                    keys.put(key, secret);
                }
            })
            .await?;
        return Ok(());
    };
    let mut off = config.clone();
    off.enabled = false;
    let (key, secret) = key(id);
    control.request_with(Request::UpdateInput(id, off), |_, keys, _| keys.put(key, secret)).await?;
    control.request(Request::UpdateInput(id, config)).await?;
    Ok(())
}

/// Gives each push its output whenever a stream for it is live.
async fn push_all(server: Arc<Server>, pushes: Vec<Relay>) {
    let mut notices = server.control.notices();
    loop {
        for (number, push) in pushes.iter().enumerate() {
            give_output(&server, number, push);
        }
        if !other_streams(&mut notices).await {
            return;
        }
    }
}

/// Resolves when streams may have begun or ended. `false`: none ever will again.
async fn other_streams(notices: &mut Receiver<Arc<Notice>>) -> bool {
    loop {
        match notices.recv().await.map(|it| it.kind.clone()) {
            Ok(
                NoticeKind::InputLive { .. }
                | NoticeKind::InputEnded { .. }
                | NoticeKind::InputDeleted,
            )
            | Err(RecvError::Lagged(_)) => return true,
            Err(RecvError::Closed) => return false,
            Ok(_) => {}
        }
    }
}

fn push_name(number: usize) -> String {
    format!("{PUSH}{}", number + 1)
}

/// The output that a push has at the moment.
fn carried(plane: &Plane, number: usize) -> Option<OutputView<'_>> {
    let name = push_name(number);
    let is_active = |it: InputId| plane.input(it).is_some_and(|it| it.machine.phase().is_active());
    plane.outputs().find(|it| it.config.name == name && is_active(it.input))
}

/// Makes the output of a push, if it has none and its stream is live: the named one, or any.
fn give_output(server: &Arc<Server>, number: usize, push: &Relay) {
    let streams = match &push.path {
        Some(path) => server.hub.find(path).into_iter().collect(),
        None => server.hub.all(),
    };
    let stream = server.control.read(|plane, _, _| {
        let phase = |it: &Arc<Stream>| plane.input(it.input()).map(|it| it.machine.phase());
        let is_live = |it: &Arc<Stream>| matches!(phase(it), Some(Phase::Live { .. }));
        streams.into_iter().find(is_live).filter(|_| carried(plane, number).is_none())
    });
    let Some(stream) = stream else { return };
    let Ok((target, key)) = Target::parse(&push.url, None, &anywhere()) else { return };
    let config = OutputConfig::new(push_name(number), target);
    let request = Request::CreateOutputs(stream.input(), vec![config]);
    let made = server.control.request_now(request, |reply, keys, _| {
        if let Reply::Outputs(ids) = reply {
            ids.iter().for_each(|id| keys.put(KeyRef::Output(*id), key.clone()));
        }
    });
    match made {
        Ok(_) => info!(path = stream.path(), push = number + 1, "pushing"),
        Err(why) => warn!(path = stream.path(), push = number + 1, %why, "cannot push"),
    }
}

/// How all of them are. The URLs' keys are not in it.
pub fn status(server: &Server) -> Vec<Value> {
    let config = server.config();
    let path = |input| server.hub.of_input(input).map(|it| it.path().to_owned());
    server.control.read(|plane, _, _| {
        let pushes = config.push.iter().enumerate().map(|(number, push)| {
            let Some(output) = carried(plane, number) else {
                return json!({ "kind": "push", "state": "waiting", "stream": push.path });
            };
            let figures = output.machine.figures();
            json!({
                "kind": "push", "host": output.config.target.place.host,
                "state": output.machine.state().as_str(), "stream": path(output.input),
                "tries": output.machine.attempt(), "sent_bytes": figures.bytes_sent,
                "acknowledged_bytes": figures.progress.acknowledged,
                "dropped_frames": figures.progress.dropped_frames,
                "error": figures.last_error.map(|it| it.code()),
            })
        });
        let pulls = config.pull.iter().filter_map(|it| {
            let input = plane.input(plane.input_by_alias(&alias(it.pull_path()))?)?;
            let state = match input.pull.state() {
                PullState::Off => "off",
                PullState::Connecting => "connecting",
                PullState::Receiving => "live",
                PullState::Waiting { .. } => "waiting",
                _ => "deactivated",
            };
            let host = input.config.pull.iter().flatten().nth(input.pull.url()).map(|it| &it.host);
            Some(json!({
                "kind": "pull", "host": host, "state": state, "stream": it.pull_path(),
                "tries": input.pull.attempt(), "error": input.pull.last_failure().map(|it| it.code()),
            }))
        });
        pushes.chain(pulls).collect()
    })
}
