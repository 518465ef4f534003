//! What was answered is there after a SIGKILL at any moment.

mod support;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use support::{Folder, Server};

/// A few random numbers, the same ones for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// What one caller was told: each thing by its place, as it was last shown. And what it asked for without an answer.
#[derive(Default)]
struct Told {
    things: BTreeMap<String, Value>,
    deleted: Vec<String>,
    /// The place of what was being changed, or nothing if something was being made.
    open: Option<Option<String>>,
    count: u64,
}

/// What stays the same while nothing happens. The port is another after each start: of URLs the keys stay.
fn lasting(mut thing: Value) -> Value {
    for name in ["ingest", "playback"] {
        if let Some(key) = thing.pointer(&format!("/{name}/rtmp/key")).cloned() {
            thing[name] = key;
        }
    }
    for name in ["status", "connections", "outputs"] {
        thing.as_object_mut().unwrap().remove(name);
    }
    thing
}

impl Told {
    /// Asks, and takes in the answer. Nothing once the server is gone.
    fn ask(&mut self, server: &Server, method: &str, path: &str, body: &Value) -> Option<Value> {
        self.open = Some(
            (method != "POST" || path.ends_with("keys")).then(|| path.replace("/rotate-keys", "")),
        );
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let (status, _, answer) = server.try_send(method, path, "", text.as_bytes())?;
        assert!(
            (200..300).contains(&status),
            "{method} {path}: {}",
            String::from_utf8_lossy(&answer)
        );
        let answer =
            if status == 204 { Value::Null } else { serde_json::from_slice(&answer).ok()? };
        self.open = None;
        self.count += 1;
        Some(answer)
    }

    fn make(&mut self, server: &Server, list: &str, body: &Value) -> Option<()> {
        let made = self.ask(server, "POST", list, body)?;
        self.things.insert(format!("{list}/{}", made["id"].as_str().unwrap()), lasting(made));
        Some(())
    }

    /// One random thing to do.
    fn step(&mut self, server: &Server, dice: &mut Dice, name: &str) -> Option<()> {
        let name = format!("{name}-{}-{}", self.count, dice.below(1_000_000));
        let some = |told: &Self, list: &str, dice: &mut Dice| {
            let all: Vec<_> = told
                .things
                .keys()
                .filter(|it| it.rfind('/') == Some(list.len()) && it.starts_with(list))
                .collect();
            (!all.is_empty()).then(|| all[dice.below(all.len() as u64) as usize].clone())
        };
        let input = some(self, "/v1/inputs", dice);
        match (dice.below(10), input) {
            (0..=2, _) | (3..=6, None) => self.make(server, "/v1/inputs", &json!({ "name": name })),
            (3 | 4, Some(at)) => {
                let body = json!({ "name": name, "meta": { "n": self.count }, "recording": { "mode": "automatic" } });
                let seen = self.ask(server, "PATCH", &at, &body)?;
                self.things.insert(at, lasting(seen));
                Some(())
            }
            (5, Some(at)) => {
                let seen = self.ask(server, "POST", &format!("{at}/rotate-keys"), &Value::Null)?;
                self.things.insert(at, lasting(seen));
                Some(())
            }
            (6, Some(at)) => {
                self.ask(server, "DELETE", &at, &Value::Null)?;
                self.things.retain(|it, _| !it.starts_with(&at));
                self.deleted.push(at);
                Some(())
            }
            (7, Some(at)) => {
                let body = json!({ "name": name, "url": "rtmp://t.example/app", "key": format!("key-of-{name}") });
                self.make(server, &format!("{at}/outputs"), &body)
            }
            (8, _) => self.make(
                server,
                "/v1/hooks",
                &json!({ "url": "https://h.example/", "format": "native", "events": ["hook.test"] }),
            ),
            _ => self.make(server, "/v1/shows", &json!({ "name": name, "inputs": [] })),
        }
    }

    /// Compares with what is there now.
    fn check(&self, server: &Server, seed: u64) {
        let open = self.open.as_ref().and_then(Option::as_deref);
        let is_open = |at: &str| open.is_some_and(|open| at.starts_with(open));
        for (at, thing) in self.things.iter().filter(|it| !is_open(it.0)) {
            let (status, now) = server.call("GET", at, &Value::Null);
            assert_eq!(status, 200, "seed {seed}: {at} is gone");
            assert_eq!(&lasting(now), thing, "seed {seed}: {at}");
        }
        for at in &self.deleted {
            assert_eq!(server.call("GET", at, &Value::Null).0, 404, "seed {seed}: {at} is back");
        }
    }
}

#[test]
fn a_sigkill_at_any_moment_loses_nothing_that_was_answered() {
    let folder = Folder::new("survives");
    let mut dice = Dice(u64::from(std::process::id()));
    let seed = dice.0;
    let mut callers: Vec<Told> = (0..3).map(|_| Told::default()).collect();
    for round in 0..8 {
        let server = Server::start(&folder, &[]);
        for told in &mut callers {
            told.check(&server, seed);
            // What was asked for without an answer is done or not; from here on it is as it is seen.
            if let Some(Some(at)) = told.open.take() {
                told.things.retain(|it, _| !it.starts_with(&at));
            }
        }
        let expected: usize = callers
            .iter()
            .map(|it| {
                it.things
                    .keys()
                    .filter(|it| it.matches('/').count() == 3 && it.starts_with("/v1/inputs"))
                    .count()
            })
            .sum();
        let there = server.json("/v1/inputs?limit=1000")["inputs"].as_array().unwrap().len();
        assert!(
            (expected..=expected + 3 * round).contains(&there),
            "seed {seed}: {there} inputs, {expected} were answered"
        );
        let wait = std::time::Duration::from_millis(20 + dice.below(400));
        std::thread::scope(|scope| {
            for (at, told) in callers.iter_mut().enumerate() {
                let (server, mut dice) = (&server, Dice(dice.below(u64::MAX >> 1) + at as u64));
                let name = format!("r{round}c{at}");
                scope.spawn(move || while told.step(server, &mut dice, &name).is_some() {});
            }
            std::thread::sleep(wait);
            server.signal("KILL");
        });
        assert_eq!(server.end(), None);
    }
    let server = Server::start(&folder, &[]);
    callers.iter().for_each(|it| it.check(&server, seed));
    let answered: u64 = callers.iter().map(|it| it.count).sum();
    assert!(answered > 50, "{answered} answers are too few to say anything");
    println!("{answered} answers, all there");
}
