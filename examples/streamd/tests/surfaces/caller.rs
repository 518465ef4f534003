//! A caller of the API.

use std::io::{Read, Write};
use std::marker::PhantomData;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Client, Folder, PATIENCE, Server, clip};

/// The tokens of [`tokens`]: everything, looking only, starting and stopping outputs.
pub const ANN: &str = "canary-token-of-ann";
pub const BOB: &str = "canary-token-of-bob";
pub const SECRET: &str = "canary-secret-of-all-signed-tokens";

/// A surface, as it is called.
pub trait Surface {
    /// Before every path.
    const PREFIX: &'static str = "";

    /// What somebody sends who may do everything.
    fn header() -> String;
}

/// A server whose callers are those of [`tokens`].
pub struct Stage<S> {
    pub folder: Folder,
    pub server: Server,
    surface: PhantomData<S>,
}

impl<S: Surface> Stage<S> {
    pub fn new(name: &str) -> Self {
        Self::with(name, &[])
    }

    pub fn with(name: &str, options: &[&str]) -> Self {
        Self::on(Folder::new(name), options)
    }

    fn on(folder: Folder, options: &[&str]) -> Self {
        let tokens = tokens(&folder);
        let options = [&["--tokens", &tokens, "--private-targets"], options].concat();
        let server = Server::start(&folder, &options);
        Self { folder, server, surface: PhantomData }
    }

    /// Ends the server, and gives its folder.
    pub fn end(self) -> Folder {
        self.server.signal("TERM");
        assert_eq!(self.server.end(), Some(0));
        self.folder
    }

    /// A server that goes on where the one before ended.
    pub fn again(folder: Folder) -> Self {
        Self::on(folder, &[])
    }

    pub fn ann(&self) -> Caller<'_> {
        Caller { server: &self.server, header: S::header(), prefix: S::PREFIX }
    }
}

/// `--tokens` with a file of three users.
fn tokens(folder: &Folder) -> String {
    let file = folder.0.join("tokens.toml");
    let text = format!(
        "jwt_secret = \"{SECRET}\"\n\
         [[token]]\ntoken = \"{ANN}\"\nuser = \"ann\"\n\
         [[token]]\ntoken = \"{BOB}\"\nuser = \"bob\"\nscopes = [\"read\"]\n"
    );
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub text: String,
}

impl Answer {
    /// The body of an answer with this status.
    #[track_caller]
    pub fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { serde_json::from_str(&self.text).unwrap() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|it| it.split_once(": "));
        lines.find(|it| it.0.eq_ignore_ascii_case(name)).map(|it| it.1)
    }
}

/// Somebody who calls a server with a certain header.
pub struct Caller<'a> {
    pub server: &'a Server,
    pub header: String,
    /// Before every path.
    pub prefix: &'static str,
}

impl Caller<'_> {
    pub fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, path, &body)
    }

    pub fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        let path = format!("{}{path}", self.prefix);
        request(self.server.http, method, &path, &self.header, body)
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        self.call("GET", path, Value::Null).json(200)
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: Value) -> Value {
        self.call("POST", path, body).json(200)
    }
}

pub fn request(to: SocketAddr, method: &str, path: &str, header: &str, body: &str) -> Answer {
    let mut socket = TcpStream::connect(to).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n{header}\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).unwrap();
    // A server that refuses a large body does not read it.
    let _ = socket.write_all(body.as_bytes());
    let mut all = Vec::new();
    let _ = socket.read_to_end(&mut all);
    let all = String::from_utf8(all).unwrap();
    let (head, text) = all.split_once("\r\n\r\n").expect("no head");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), text: text.to_owned() }
}

/// A publisher that goes on at its own pace until it is dropped, with the clip again and again.
pub struct Feed {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Feed {
    pub fn begin(to: SocketAddr, path: &str) -> Self {
        let (stop, path) = (Arc::new(AtomicBool::new(false)), path.to_owned());
        let told = stop.clone();
        let thread = Some(std::thread::spawn(move || feed(Client::publish(to, &path), &told)));
        Self { stop, thread }
    }
}

fn feed(mut publisher: Client, told: &AtomicBool) {
    let (all, begin) = (clip(), Instant::now());
    let key = all.iter().position(|it| it.body[..2] == [0x17, 1]).unwrap();
    let (headers, media) = all.split_at(key);
    publisher.send_all(headers);
    let rounds = (0..).map(|it| it * 10_000);
    let tags = rounds.flat_map(|at| media.iter().map(move |it| (it, it.timestamp + at)));
    for (tag, timestamp) in tags {
        while begin.elapsed() < Duration::from_millis(timestamp.into()) {
            publisher.step();
            if told.load(Relaxed) || publisher.over {
                return;
            }
        }
        publisher.send(tag, timestamp);
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// A port that is free now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
