//! `/v1/ports`: which ports are used by whom.

use std::net::TcpListener;

use levada_control::parse_port;
use serde_json::{Value, json};

use super::kind::{Field, Kind, must};
use super::read::ok;
use super::route::{Answer, Call, Route};
use crate::server::Server;

const VIEW: &[Field] = &[
    must("port", Kind::Whole(1, 65_535)),
    must("free", Kind::Flag),
    must(
        "used_by",
        Kind::Maybe(&Kind::Object(&[
            must("kind", Kind::Word(&["listener", "http", "rtmps"])),
            must("id", Kind::Maybe(&Kind::Id(24))),
            must("name", Kind::Text(1, 128)),
        ])),
    ),
];

pub const ROUTES: &[Route] = &[
    Route::get("/v1/ports", |it| Box::pin(list(it)))
        .about("The ports that this server uses.")
        .gives(&[must("ports", Kind::List(&Kind::Object(VIEW), 1000))]),
    Route::get("/v1/ports/{port}", |it| Box::pin(one(it)))
        .about("Whether a port is free, for this server and for the system.")
        .gives(VIEW),
];

async fn list(call: Call) -> Answer {
    let mut ports: Vec<u16> = call.server.control.read(|plane, _, _| {
        let all = plane.listeners().map(|it| it.machine.config().port);
        all.filter(|it| plane.port_owner(*it).is_some()).collect()
    });
    ports.extend(call.server.http.get().copied());
    ports.extend(call.server.rtmps.get().copied());
    ports.sort_unstable();
    ports.dedup();
    let all: Vec<Value> = ports.into_iter().map(|it| view(it, user(&call.server, it))).collect();
    ok(&json!({ "ports": all }))
}

async fn one(call: Call) -> Answer {
    let port = parse_port(call.word("port"))?;
    ok(&view(port, user(&call.server, port)))
}

/// Who uses a port here.
fn user(server: &Server, port: u16) -> Option<Value> {
    let listener = server.control.read(|plane, _, _| {
        let it = plane.listener(plane.port_owner(port)?)?;
        let name = &it.machine.config().name;
        Some(json!({ "kind": "listener", "id": it.id.to_string(), "name": name }))
    });
    let fixed = |kind: &str, it: Option<&u16>| {
        (it == Some(&port)).then(|| json!({ "kind": kind, "id": null, "name": kind }))
    };
    listener
        .or_else(|| fixed("http", server.http.get()))
        .or_else(|| fixed("rtmps", server.rtmps.get()))
}

fn view(port: u16, used_by: Option<Value>) -> Value {
    // The system knows of others: who can bind it at this moment could have it.
    let free = used_by.is_none() && TcpListener::bind(("0.0.0.0", port)).is_ok();
    json!({ "port": port, "free": free, "used_by": used_by })
}
