//! A target for pushes. Prints what it gets as lines of JSON; refuses, stalls, reads slowly or hangs up when told to.
//!
//! ```sh
//! cargo run -p levada-minimal --bin rtmp-sink
//! cargo run -p levada-minimal --bin rtmp-sink -- --stall-after 500    # reads no more after 500 messages
//! ```

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Parser;
use levada_chunk::{Message, MessageType};
use levada_flv::{Role, role};
use levada_minimal::hub::tag_kind;
use levada_minimal::sink::{Manners, Seen, listen};
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[derive(Parser)]
struct Args {
    /// Where to listen.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:1936")]
    listen: SocketAddr,
    /// Refuse connections of RTMP.
    #[arg(long)]
    refuse: bool,
    /// Refuse to be published to.
    #[arg(long)]
    reject: bool,
    /// Take connections and say nothing.
    #[arg(long)]
    mute: bool,
    /// Read nothing any more after N messages.
    #[arg(long, value_name = "N")]
    stall_after: Option<u64>,
    /// Read no more than so many bytes a second.
    #[arg(long, value_name = "BYTES")]
    slow: Option<u32>,
    /// Hang up after N messages.
    #[arg(long, value_name = "N")]
    close_after: Option<u64>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let Args { listen: address, refuse, reject, mute, stall_after, slow, close_after } =
        Args::parse();
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}: choose another address with --listen")
    })?;
    println!("{}", json!({ "listening": listener.local_addr()?.to_string() }));
    let manners = Manners { refuse, reject, mute, stall_after, slow, close_after };
    let tallies = Mutex::new(HashMap::new());
    Ok(listen(listener, manners, move |connection, seen| {
        let mut tallies = tallies.lock().unwrap_or_else(PoisonError::into_inner);
        let tally: &mut Tally = tallies.entry(connection).or_default();
        let (what, detail) = match &seen {
            Seen::Opened => ("opened", Value::Null),
            Seen::Asked(name) => ("asked", name.as_str().into()),
            Seen::Media(message) if !tally.count(message) => return,
            Seen::Media(_) => ("media", tally.json()),
            Seen::Unpublished => ("unpublished", tally.json()),
            Seen::Closed => ("closed", tally.json()),
        };
        println!("{}", json!({ "connection": connection, "event": what, "detail": detail }));
        if matches!(seen, Seen::Closed) {
            tallies.remove(&connection);
        }
    })
    .await?)
}

/// What came over a connection.
#[derive(Default)]
struct Tally {
    audio: u64,
    video: u64,
    bytes: usize,
    keyframes: u64,
    /// Whether the first picture was a keyframe.
    first_is_key: Option<bool>,
    newest: Option<u32>,
    steps_back: u64,
    told: Option<Instant>,
}

impl Tally {
    /// Says whether it is time to tell: with the first message, and once a second.
    fn count(&mut self, message: &Message) -> bool {
        let role = role(tag_kind(message.kind), &message.payload);
        let is_frame = !matches!(role, Role::Header(_));
        self.bytes += message.payload.len();
        match message.kind {
            MessageType::AUDIO => self.audio += u64::from(is_frame),
            MessageType::VIDEO if is_frame => {
                self.video += 1;
                self.keyframes += u64::from(role == Role::Key);
                self.first_is_key.get_or_insert(role == Role::Key);
            }
            _ => {}
        }
        self.steps_back += u64::from(self.newest.is_some_and(|it| message.timestamp < it));
        self.newest = Some(message.timestamp);
        let due = self.told.is_none_or(|it| it.elapsed() >= Duration::from_secs(1));
        if due {
            self.told = Some(Instant::now());
        }
        due
    }

    fn json(&self) -> Value {
        json!({
            "audio": self.audio, "video": self.video, "bytes": self.bytes,
            "keyframes": self.keyframes, "first_is_key": self.first_is_key,
            "newest_ms": self.newest, "steps_back": self.steps_back,
        })
    }
}
