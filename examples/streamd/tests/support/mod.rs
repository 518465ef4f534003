//! A real streamd process, and clients for it that need nothing but these crates.
#![allow(dead_code, reason = "each test program uses a part of it")]

pub mod sink;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use levada_buf::Endpoint;
use levada_chunk::{ChunkSize, Message, MessageStreamId, MessageType, SharedMessage};
use levada_flv::{FlvItem, FlvReader, FlvTag, TagKind};
use levada_handshake::Entropy;
use levada_session::{
    Capabilities, ClientConfig, ClientEvent, ClientSession, PlayStart, PublishKind, RtmpUrl,
};
use serde_json::Value;

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A folder that is gone with the test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("streamd-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub fn files(&self, ending: &str) -> Vec<PathBuf> {
        let (mut files, mut folders) = (Vec::new(), vec![self.0.clone()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.to_str().unwrap().ends_with(ending) {
                    files.push(path);
                }
            }
        }
        files.sort();
        files
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The server.
pub struct Server {
    child: Child,
    pub rtmp: SocketAddr,
    pub rtmps: Option<SocketAddr>,
    pub http: SocketAddr,
    log: Arc<Mutex<String>>,
    stdout: String,
}

pub fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_streamd"))
}

impl Server {
    /// Starts one on free ports.
    pub fn start(folder: &Folder, options: &[&str]) -> Self {
        Self::spawn(program(), folder, options)
    }

    /// The same, where no file may be larger than so many blocks of 512 bytes: what a full disk looks like.
    #[cfg(unix)]
    pub fn cramped(folder: &Folder, options: &[&str], blocks: u32) -> Self {
        let mut shell = Command::new("sh");
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_streamd")]);
        Self::spawn(shell, folder, options)
    }

    /// The same with so many open files at most.
    #[cfg(unix)]
    pub fn with_files(folder: &Folder, options: &[&str], files: u32) -> Self {
        let mut shell = Command::new("sh");
        let script = format!("ulimit -n {files}; exec \"$0\" \"$@\"");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_streamd")]);
        Self::spawn(shell, folder, options)
    }

    fn spawn(mut command: Command, folder: &Folder, options: &[&str]) -> Self {
        if !options.contains(&"--rtmp") {
            command.args(["--rtmp", "127.0.0.1:0"]);
        }
        command.args(["--http", "127.0.0.1:0", "--data"]).arg(&folder.0).args(options);
        command
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let to = log.clone();
        std::thread::spawn(move || {
            let mut line = String::new();
            while stderr.read_line(&mut line).is_ok_and(|it| it > 0) {
                to.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut stdout = String::new();
        loop {
            let line = lines.next().expect("streamd ended").unwrap();
            let last = line.starts_with("API");
            stdout.push_str(&line);
            stdout.push('\n');
            if last {
                break;
            }
        }
        let address = |scheme: &str| {
            let begin = stdout.find(scheme)? + scheme.len();
            stdout[begin..].split('/').next()?.replace("0.0.0.0", "127.0.0.1").parse().ok()
        };
        let (rtmp, rtmps, http) = (address("rtmp://"), address("rtmps://"), address("http://"));
        Self { child, rtmp: rtmp.unwrap(), rtmps, http: http.unwrap(), log, stdout }
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Waits for its end.
    pub fn end(mut self) -> Option<i32> {
        let code = self.child.wait().unwrap().code();
        self.stdout.clear();
        code
    }

    /// All that it said.
    pub fn said(&self) -> String {
        format!("{}{}", self.stdout, self.log.lock().unwrap())
    }

    /// The body of an answer of 200.
    pub fn get(&self, path: &str) -> Vec<u8> {
        let (status, _, body) = self.ask(path, "");
        assert_eq!(status, 200, "{path}");
        body
    }

    pub fn text(&self, path: &str) -> String {
        String::from_utf8(self.get(path)).unwrap()
    }

    pub fn json(&self, path: &str) -> serde_json::Value {
        serde_json::from_slice(&self.get(path)).unwrap()
    }

    /// Status and JSON of the answer to a request with a body of JSON.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.call_as("", method, path, body)
    }

    /// The same, with headers.
    pub fn call_as(&self, headers: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, _, body) = self.send(method, path, headers, body.as_bytes());
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// What comes of a POST, which has to go well.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.call("POST", path, body);
        assert!((200..300).contains(&status), "POST {path}: {status} {answer}");
        answer
    }

    #[track_caller]
    pub fn patch(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.call("PATCH", path, body);
        assert_eq!(status, 200, "PATCH {path}: {answer}");
        answer
    }

    #[track_caller]
    pub fn delete(&self, path: &str) {
        let (status, answer) = self.call("DELETE", path, &Value::Null);
        assert_eq!(status, 204, "DELETE {path}: {answer}");
    }

    /// Status, head and body of the answer to a request.
    pub fn ask(&self, path: &str, headers: &str) -> (u16, String, Vec<u8>) {
        self.send("GET", path, headers, b"")
    }

    /// The same of any method, with a body.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> (u16, String, Vec<u8>) {
        self.try_send(method, path, headers, body).expect("an answer")
    }

    /// The same, of a server that may be gone: nothing if there is no answer with a whole head.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> Option<(u16, String, Vec<u8>)> {
        let mut socket = self.request(method, path, headers, body).ok()?;
        let mut all = Vec::new();
        let _ = socket.read_to_end(&mut all);
        let head = all.windows(4).position(|it| it == b"\r\n\r\n")? + 4;
        let body = all.split_off(head);
        let head = String::from_utf8(all).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = if head.to_lowercase().contains("transfer-encoding: chunked") {
            unchunked(&body)
        } else {
            body
        };
        Some((status, head, body))
    }

    fn request(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> std::io::Result<TcpStream> {
        let mut socket = TcpStream::connect(self.http)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let length = match body.len() {
            0 => String::new(),
            length => format!("content-length: {length}\r\n"),
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}{length}\r\n"
        );
        socket.write_all(request.as_bytes())?;
        // Who refuses a body early may close before all of it is sent.
        let _ = socket.write_all(body);
        Ok(socket)
    }

    /// The beginning of an endless body.
    pub fn beginning(&self, path: &str, bytes: usize) -> Vec<u8> {
        let mut socket = self.request("GET", path, "", b"").unwrap();
        let (mut all, mut block) = (Vec::new(), [0; 4096]);
        loop {
            let count = socket.read(&mut block).unwrap();
            all.extend_from_slice(&block[..count]);
            if let Some(head) = all.windows(4).position(|it| it == b"\r\n\r\n") {
                let body = unchunked(&all[head + 4..]);
                if body.len() >= bytes || count == 0 {
                    return body;
                }
            }
        }
    }

    /// What `/v1/events` tells from now on.
    pub fn events(&self) -> BufReader<TcpStream> {
        let mut socket = TcpStream::connect(self.http).unwrap();
        socket.write_all(b"GET /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        let mut lines = BufReader::new(socket);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            lines.read_line(&mut head).unwrap();
        }
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        lines
    }

    /// Waits until something is so.
    pub fn until<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let begin = Instant::now();
        loop {
            if let Some(it) = look(self) {
                return it;
            }
            assert!(begin.elapsed() < PATIENCE, "never: {what}\n{}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The whole chunks of a chunked body.
fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(end) = body.windows(2).position(|it| it == b"\r\n") {
        let len = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        let Some(chunk) = body.get(end + 2..end + 2 + len) else { break };
        all.extend_from_slice(chunk);
        body = body.get(end + 4 + len..).unwrap_or_default();
    }
    all
}

/// A value that has to be a text.
#[track_caller]
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// The clip of the demo, without the metadata: what is sent is what comes.
pub fn clip() -> Vec<FlvTag> {
    tags(include_bytes!("../../src/demo/clip.flv"))
        .into_iter()
        .filter(|it| matches!(it.kind, TagKind::Audio | TagKind::Video) && it.timestamp < 9_900)
        .collect()
}

/// The clip several times, one after the other.
pub fn film(seconds: u32) -> Vec<FlvTag> {
    let clip = clip();
    let (headers, frames): (Vec<_>, Vec<_>) = clip.into_iter().partition(is_header);
    let rounds = (0..seconds.div_ceil(9)).flat_map(|round| {
        let whole = frames.iter().filter(|it| it.timestamp < 9000).cloned();
        whole.map(move |it| FlvTag::new(it.kind, it.timestamp + round * 9000, it.body))
    });
    headers.into_iter().chain(rounds).filter(|it| it.timestamp < seconds * 1000).collect()
}

/// All whole tags of a file.
pub fn tags(file: &[u8]) -> Vec<FlvTag> {
    let (mut reader, mut input, mut all) = (FlvReader::new(), BytesMut::from(file), Vec::new());
    while let Some(item) = reader.read(&mut input).unwrap() {
        if let FlvItem::Tag(tag) = item {
            all.push(tag);
        }
    }
    all
}

pub fn is_header(tag: &FlvTag) -> bool {
    tag.body.get(1) == Some(&0)
}

/// A client of RTMP.
pub struct Client {
    socket: TcpStream,
    pub session: ClientSession,
    input: BytesMut,
    pub stream: Option<MessageStreamId>,
    pub received: Vec<Message>,
    pub rejected: Option<String>,
    pub over: bool,
    chunk_size: ChunkSize,
}

impl Client {
    fn connect(address: SocketAddr, path: &str) -> (Self, String) {
        Self::connect_knowing(address, path, Capabilities::forwarder())
    }

    fn connect_knowing(address: SocketAddr, path: &str, knows: Capabilities) -> (Self, String) {
        let url = RtmpUrl::parse(&format!("rtmp://{address}/{path}")).unwrap();
        let name = url.stream.clone();
        let mut config = ClientConfig::new(url);
        config.capabilities = knows;
        let chunk_size = config.chunk_size;
        let session = ClientSession::new(config, Entropy::new([7; 1528]), Instant::now());
        let socket = TcpStream::connect(address).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
        let client = Self {
            socket,
            session,
            input: BytesMut::new(),
            stream: None,
            received: Vec::new(),
            rejected: None,
            over: false,
            chunk_size,
        };
        (client, name)
    }

    /// Publishes, or is refused.
    pub fn publish(address: SocketAddr, path: &str) -> Self {
        let (mut client, name) = Self::connect(address, path);
        client.session.publish(&name, PublishKind::Live).unwrap();
        client.until(|it| it.stream.is_some() || it.rejected.is_some() || it.over);
        client
    }

    /// Publishes behind a balancer that says something first.
    pub fn publish_behind(address: SocketAddr, header: &[u8], path: &str) -> Self {
        let (mut client, name) = Self::connect(address, path);
        client.socket.write_all(header).unwrap();
        client.session.publish(&name, PublishKind::Live).unwrap();
        client.until(|it| it.stream.is_some() || it.rejected.is_some() || it.over);
        client
    }

    /// Goes away once the server has read everything. Dropped, it may leave words of the server unread, and the system
    /// then sends a reset, which takes back what the server has not read yet.
    pub fn leave(mut self) {
        self.socket.shutdown(std::net::Shutdown::Write).unwrap();
        self.socket.set_read_timeout(Some(PATIENCE)).unwrap();
        while self.socket.read(&mut [0; 4096]).is_ok_and(|it| it > 0) {}
    }

    /// Goes away without a word: what is not read yet makes the system send a reset.
    pub fn reset(self) {
        let linger = socket2::SockRef::from(&self.socket);
        linger.set_linger(Some(Duration::ZERO)).unwrap();
    }

    pub fn play(address: SocketAddr, path: &str) -> Self {
        let (mut client, name) = Self::connect(address, path);
        client.session.play(&name, PlayStart::Any, None).unwrap();
        client.until(|it| it.stream.is_some() || it.rejected.is_some() || it.over);
        client
    }

    /// Plays as somebody who knows nothing of Enhanced RTMP.
    pub fn play_simply(address: SocketAddr, path: &str) -> Self {
        let (mut client, name) = Self::connect_knowing(address, path, Capabilities::default());
        client.session.play(&name, PlayStart::Any, None).unwrap();
        client.until(|it| it.stream.is_some() || it.rejected.is_some() || it.over);
        client
    }

    /// Writes, reads what there is, and takes in what it means.
    pub fn step(&mut self) {
        let mut block = [0; 65_536];
        let out = self.session.output();
        while out.has_remaining() {
            match self.socket.write(out.chunk()) {
                Ok(count) => out.advance(count),
                Err(why) if would_block(&why) => break,
                Err(_) => {
                    self.over = true;
                    return;
                }
            }
        }
        match self.socket.read(&mut block) {
            Ok(0) => self.over = true,
            Ok(count) => self.input.extend_from_slice(&block[..count]),
            Err(why) if would_block(&why) => self.session.handle_timeout(Instant::now()),
            Err(_) => self.over = true,
        }
        loop {
            match self.session.next_event(&mut self.input, Instant::now()) {
                Ok(Some(ClientEvent::Publishing(stream) | ClientEvent::Playing(stream))) => {
                    self.stream = Some(stream)
                }
                Ok(Some(ClientEvent::Media { message, .. })) => self.received.push(message),
                Ok(Some(ClientEvent::Rejected { info, .. })) => self.rejected = Some(info.code),
                Ok(Some(ClientEvent::EndOfStream(_) | ClientEvent::Closed(_))) => self.over = true,
                Ok(Some(_)) => {}
                Ok(None) => return,
                Err(_) => {
                    self.over = true;
                    return;
                }
            }
        }
    }

    pub fn until(&mut self, so: impl Fn(&Self) -> bool) {
        let begin = Instant::now();
        while !so(self) {
            assert!(
                begin.elapsed() < PATIENCE,
                "it never was so; {} messages came, over: {}",
                self.received.len(),
                self.over
            );
            self.step();
        }
    }

    /// Sends a tag, at another time than its own.
    pub fn send(&mut self, tag: &FlvTag, timestamp: u32) {
        let kind = if tag.kind == TagKind::Video { MessageType::VIDEO } else { MessageType::AUDIO };
        let to = self.stream.expect("not publishing");
        let message = Message::new(kind, to, timestamp, tag.body.clone());
        self.session.send(to, &SharedMessage::new(message, self.chunk_size).unwrap()).unwrap();
    }

    /// Sends `onMetaData` with a text under a name.
    pub fn send_metadata(&mut self, name: &str, text: &str) {
        let mut body = BytesMut::from(&b"\x02\0\x0aonMetaData\x03"[..]);
        body.extend_from_slice(&u16::try_from(name.len()).unwrap().to_be_bytes());
        body.extend_from_slice(name.as_bytes());
        body.extend_from_slice(b"\x0c");
        body.extend_from_slice(&u32::try_from(text.len()).unwrap().to_be_bytes());
        body.extend_from_slice(text.as_bytes());
        body.extend_from_slice(b"\0\0\x09");
        let to = self.stream.expect("not publishing");
        let message = Message::new(MessageType::DATA_AMF0, to, 0, body.freeze());
        self.session.send(to, &SharedMessage::new(message, self.chunk_size).unwrap()).unwrap();
        self.step();
    }

    /// Sends tags as fast as they go, and sees that all of them are on their way.
    pub fn send_all(&mut self, tags: &[FlvTag]) {
        for tag in tags {
            self.send(tag, tag.timestamp);
            if self.session.output().remaining() > 64 * 1024 {
                self.step();
            }
        }
        while self.session.output().has_remaining() && !self.over {
            self.step();
        }
    }

    /// What a player got, without metadata.
    pub fn media(&self) -> Vec<(MessageType, u32, Bytes)> {
        let media = |it: &&Message| matches!(it.kind, MessageType::AUDIO | MessageType::VIDEO);
        self.received
            .iter()
            .filter(media)
            .map(|it| (it.kind, it.timestamp, it.payload.clone()))
            .collect()
    }
}

fn would_block(why: &std::io::Error) -> bool {
    matches!(why.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}
