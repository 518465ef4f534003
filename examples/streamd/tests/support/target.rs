//! Targets for outputs, and a camera that goes on in real time.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use levada_chunk::{Message, MessageType};
use levada_flv::FlvTag;
use levada_minimal::sink::{Manners, Seen, listen};
use tokio::sync::oneshot;

use crate::support::{Client, PATIENCE, Server, clip, is_header};

pub type Log = Arc<Mutex<Vec<(u64, Instant, Seen)>>>;

/// A target on a thread of its own, until it is dropped.
pub struct Target {
    pub address: SocketAddr,
    pub log: Log,
    _stop: oneshot::Sender<()>,
}

impl Target {
    pub fn new(manners: Manners) -> Self {
        let (log, (stop, stopped)) = (Log::default(), oneshot::channel::<()>());
        let (to, socket) = (log.clone(), std::net::TcpListener::bind("127.0.0.1:0").unwrap());
        let address = socket.local_addr().unwrap();
        socket.set_nonblocking(true).unwrap();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let socket = tokio::net::TcpListener::from_std(socket).unwrap();
                let tell = move |connection, seen| {
                    to.lock().unwrap().push((connection, Instant::now(), seen));
                };
                tokio::select! {
                    _ = listen(socket, manners, tell) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, log, _stop: stop }
    }

    pub fn good() -> Self {
        Self::new(Manners::default())
    }

    pub fn url(&self, key: &str) -> String {
        format!("rtmp://{}/live/{key}", self.address)
    }

    pub fn count(&self, what: impl Fn(&Seen) -> bool) -> usize {
        self.log.lock().unwrap().iter().filter(|(.., it)| what(it)).count()
    }

    pub fn connections(&self) -> usize {
        self.count(|it| matches!(it, Seen::Opened))
    }

    /// Sound and pictures: when they came, and what they are.
    pub fn media(&self) -> Vec<(Instant, Message)> {
        self.media_of(None)
    }

    /// The same of one connection.
    pub fn media_of(&self, connection: Option<u64>) -> Vec<(Instant, Message)> {
        let log = self.log.lock().unwrap();
        let of_it = log.iter().filter(|(it, ..)| connection.is_none_or(|one| one == *it));
        let media = of_it.filter_map(|(_, at, seen)| match seen {
            Seen::Media(it) if it.kind != MessageType::DATA_AMF0 => Some((*at, it.clone())),
            _ => None,
        });
        media.collect()
    }

    pub fn has(&self, body: &Bytes) -> bool {
        self.media().iter().any(|(_, it)| it.payload == *body)
    }
}

pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !so() {
        assert!(begin.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Sends as a camera does, in real time, from a place in the clip on, until something is so.
pub struct Camera {
    pub client: Client,
    pub clip: Vec<FlvTag>,
    begin: Instant,
    pub next: usize,
}

impl Camera {
    pub fn new(server: &Server, path: &str) -> Self {
        let client = Client::publish(server.rtmp, path);
        Self { client, clip: clip(), begin: Instant::now(), next: 0 }
    }

    pub fn step(&mut self) {
        loop {
            let tag = &self.clip[self.next % self.clip.len()];
            let round = u32::try_from(self.next / self.clip.len()).unwrap();
            let time = round * 9_900 + tag.timestamp;
            if self.begin.elapsed() < Duration::from_millis(time.into()) {
                return self.client.step();
            }
            if round == 0 || !is_header(tag) {
                self.client.send(tag, time);
            }
            self.next += 1;
        }
    }

    pub fn until(&mut self, what: &str, mut so: impl FnMut() -> bool) {
        let begin = Instant::now();
        while !so() {
            assert!(begin.elapsed() < PATIENCE * 2, "never: {what}");
            assert!(!self.client.over, "closed while waiting: {what} {:?}", self.client.rejected);
            self.step();
        }
    }

    pub fn run(&mut self, span: Duration) {
        let begin = Instant::now();
        self.until("time passes", || begin.elapsed() > span);
    }
}
