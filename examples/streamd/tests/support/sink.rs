//! An endpoint for webhooks that answers as it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;
use sha2::Sha256;

use super::PATIENCE;

/// What a post is answered with.
#[derive(Clone, Debug)]
pub enum Answer {
    Status(u16),
    /// With another header.
    With(u16, String),
    /// Nothing, ever.
    Nothing,
    /// 200, then a body without end.
    Endless,
}

/// A post as it came.
#[derive(Clone, Debug)]
pub struct Post {
    pub path: String,
    pub id: String,
    pub attempt: u32,
    pub signature: String,
    pub body: String,
    pub at: Instant,
    /// The status that it got.
    pub answered: u16,
}

impl Post {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Whether it was signed with this, just now.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let (time, sum) = self.signature.split_once(",sig1=").unwrap();
        let time = time.strip_prefix("time=").unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{time}.{}", self.body).as_bytes());
        let good: String =
            mac.finalize().into_bytes().iter().map(|it| format!("{it:02x}")).collect();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        good == sum && now.as_secs().abs_diff(time.parse().unwrap()) < 60
    }
}

#[derive(Default)]
struct Seen {
    posts: Vec<Post>,
    /// Posts that were read and not answered yet, for each path.
    open: Vec<String>,
    /// Whether a path ever had two of them.
    crowded: bool,
    /// Bytes of endless answers that were taken, once they were cut.
    taken: Vec<usize>,
}

impl Seen {
    fn close(&mut self, path: &str) {
        if let Some(open) = self.open.iter().position(|it| it == path) {
            self.open.remove(open);
        }
    }
}

/// The endpoint.
#[derive(Clone)]
pub struct Sink {
    pub address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Sink {
    /// One that asks what to answer to each post.
    pub fn start(answer: impl Fn(&Post) -> Answer + Send + Sync + 'static) -> Self {
        Self::listen(answer, |sink, socket, answer| sink.take(socket, answer))
    }

    /// The same behind TLS.
    pub fn start_tls(
        config: Arc<ServerConfig>,
        answer: impl Fn(&Post) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::listen(answer, move |sink, socket, answer| {
            let tls = ServerConnection::new(config.clone()).ok()?;
            sink.take(StreamOwned::new(tls, socket), answer)
        })
    }

    fn listen(
        answer: impl Fn(&Post) -> Answer + Send + Sync + 'static,
        serve: impl Fn(&Self, TcpStream, &dyn Fn(&Post) -> Answer) -> Option<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let sink = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let (taking, shared) = (sink.clone(), Arc::new((answer, serve)));
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let (sink, shared) = (taking.clone(), shared.clone());
                std::thread::spawn(move || (shared.1)(&sink, socket, &shared.0));
            }
        });
        sink
    }

    fn take(&self, mut socket: impl Read + Write, answer: &dyn Fn(&Post) -> Answer) -> Option<()> {
        let mut post = read(&mut BufReader::new(&mut socket))?;
        let answer = answer(&post);
        post.answered = match answer {
            Answer::Status(status) | Answer::With(status, _) => status,
            Answer::Endless => 200,
            Answer::Nothing => 0,
        };
        let path = post.path.clone();
        {
            let mut seen = self.seen.lock().unwrap();
            seen.crowded |= seen.open.contains(&path);
            seen.open.push(path.clone());
            seen.posts.push(post);
        }
        if matches!(answer, Answer::Nothing) {
            // Until the other side gives up.
            let _ = socket.read(&mut [0]);
        }
        // First: the next post may come while the answer to this one is on its way.
        self.seen.lock().unwrap().close(&path);
        self.give(socket, &answer);
        Some(())
    }

    fn give(&self, mut socket: impl Read + Write, answer: &Answer) {
        let end = "content-length: 0\r\nconnection: close\r\n\r\n";
        let _ = match answer {
            Answer::Status(status) => write!(socket, "HTTP/1.1 {status} x\r\n{end}"),
            Answer::With(status, header) => {
                write!(socket, "HTTP/1.1 {status} x\r\n{header}\r\n{end}")
            }
            Answer::Nothing => Ok(()),
            Answer::Endless => write!(socket, "HTTP/1.1 200 x\r\n\r\n").map(|()| {
                let mut taken = 0;
                while socket.write_all(&[b'x'; 4096]).is_ok() {
                    taken += 4096;
                }
                self.seen.lock().unwrap().taken.push(taken);
            }),
        };
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Posts to a path, in the order in which they came.
    pub fn posts(&self, path: &str) -> Vec<Post> {
        let seen = self.seen.lock().unwrap();
        seen.posts.iter().filter(|it| it.path == path).cloned().collect()
    }

    /// Whether never two posts were under way to one path.
    pub fn was_one_at_a_time(&self) -> bool {
        !self.seen.lock().unwrap().crowded
    }

    /// How much of endless answers was taken.
    pub fn taken(&self) -> Vec<usize> {
        self.seen.lock().unwrap().taken.clone()
    }

    /// Waits until the posts to a path are so.
    pub fn until(&self, path: &str, so: impl Fn(&[Post]) -> bool) -> Vec<Post> {
        let begin = Instant::now();
        loop {
            let posts = self.posts(path);
            if so(&posts) {
                return posts;
            }
            assert!(begin.elapsed() < PATIENCE, "never: {posts:#?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Post> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let header = |name: &str| {
        let found = lines.iter().find(|it| it.to_lowercase().starts_with(&format!("{name}: ")));
        found.map(|it| it[name.len() + 2..].to_owned()).unwrap_or_default()
    };
    assert_eq!(header("content-type"), "application/json");
    let mut body = vec![0; header("content-length").parse().unwrap()];
    reader.read_exact(&mut body).ok()?;
    Some(Post {
        path: lines[0].split(' ').nth(1)?.to_owned(),
        id: header("webhook-id"),
        attempt: header("webhook-attempt").parse().ok()?,
        signature: header("webhook-signature"),
        body: String::from_utf8(body).ok()?,
        at: Instant::now(),
        answered: 0,
    })
}
