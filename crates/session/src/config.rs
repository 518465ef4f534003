use core::time::Duration;

use levada_amf::{AmfLimits, Value};
use levada_chunk::{ChunkLimits, ChunkSize, Tolerance};

use crate::auth::Progress;
use crate::{Capabilities, Credentials, NameRules, RtmpUrl};

/// How a server presents itself and what it allows. Shared by all its sessions.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The size of the chunks we send. Every [`SharedMessage`](levada_chunk::SharedMessage) should be cut to it.
    /// 65,536: nearly every message is then one chunk, whose body is shared with all receivers as it is.
    pub chunk_size: ChunkSize,
    /// How often the peer is to acknowledge, in bytes, and the bandwidth we tell it. 2,500,000, as most servers.
    pub window: u32,
    /// What `connect` is answered with as our version. Some clients look for `FMS/`.
    pub version: String,
    /// What we declare of Enhanced RTMP: by default that we pass on whatever comes.
    pub capabilities: Capabilities,
    /// What names of applications and streams may look like.
    pub names: NameRules,
    /// Whether a refused `publish` or `play` ends the connection, once no other stream of it lives. Encoders
    /// (DJI, OBS) go on as if nothing had happened if it does not.
    pub close_after_refusal: bool,
    /// Which deviations of the chunk stream are taken.
    pub tolerance: Tolerance,
    /// What a peer can make us do and keep.
    pub limits: SessionLimits,
    /// How long things may take.
    pub timeouts: Timeouts,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            chunk_size: large_chunks(),
            window: 2_500_000,
            version: "FMS/3,5,7,7009".to_owned(),
            capabilities: Capabilities::forwarder(),
            names: NameRules::default(),
            close_after_refusal: true,
            tolerance: Tolerance::default(),
            limits: SessionLimits::default(),
            timeouts: Timeouts::default(),
        }
    }
}

/// Where a client connects to, and how it presents itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientConfig {
    /// The server, and the application there. The stream is named by [`publish`](crate::ClientSession::publish) and
    /// [`play`](crate::ClientSession::play).
    pub url: RtmpUrl,
    /// For servers that ask for a user and a password (`authmod=adobe` and `authmod=llnw`).
    pub credentials: Option<Credentials>,
    /// What we say we are. `None`: what old servers expect, `FMLE/3.0` of publishers and Flash Player of players.
    pub flash_version: Option<String>,
    /// Values behind the object of `connect`, for servers that want tokens there.
    pub arguments: Vec<Value>,
    /// The size of the chunks we send. Every [`SharedMessage`](levada_chunk::SharedMessage) should be cut to it. 65,536.
    pub chunk_size: ChunkSize,
    /// How often the server is to acknowledge, in bytes. 2,500,000.
    pub window: u32,
    /// How much a player buffers, which servers may send ahead: 3,000 ms.
    pub buffer_ms: u32,
    /// Whether a player announces itself with `FCSubscribe`, which some networks of servers need.
    pub subscribe: bool,
    /// Whether to offer the digest handshake. Only servers of long ago insist on it.
    pub digest: bool,
    /// What we declare of Enhanced RTMP.
    pub capabilities: Capabilities,
    /// Which deviations of the chunk stream are taken.
    pub tolerance: Tolerance,
    /// What a server can make us do and keep.
    pub limits: SessionLimits,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// How far an exchange of passwords is.
    pub(crate) auth: Progress,
    /// How often we were sent elsewhere already.
    pub(crate) hops: u8,
}

impl ClientConfig {
    /// The usual, for a URL. A user and a password in it are taken as credentials, any other number of things before its `@` as arguments
    /// (RTMP Family URI Schemes §4).
    pub fn new(url: RtmpUrl) -> Self {
        let (credentials, arguments) = match url.user_info.as_slice() {
            [user, password] => {
                (Some(Credentials { user: user.clone(), password: password.clone() }), Vec::new())
            }
            others => (None, others.iter().cloned().map(Value::from).collect()),
        };
        Self {
            url,
            credentials,
            flash_version: None,
            arguments,
            chunk_size: large_chunks(),
            window: 2_500_000,
            buffer_ms: 3000,
            subscribe: false,
            digest: false,
            capabilities: Capabilities::forwarder(),
            tolerance: Tolerance::default(),
            limits: SessionLimits::default(),
            timeouts: Timeouts::default(),
            auth: Progress::default(),
            hops: 0,
        }
    }
}

/// What a peer can make a session do and keep.
///
/// Worst-case memory before a stream was accepted is that of [`ChunkLimits::UNAUTHENTICATED`] and `max_replies`: about
/// 0.4 MiB. A publisher can use what `chunks` allows, a player `send_budget`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SessionLimits {
    /// Of the chunk stream before the first `publish` was accepted.
    pub chunks_before_publish: ChunkLimits,
    /// Of the chunk stream afterwards, and of what a server sends to us.
    pub chunks: ChunkLimits,
    /// Of one command.
    pub amf: AmfLimits,
    /// The message streams of one connection: 16. Real clients use one, some two.
    pub max_streams: u16,
    /// Commands that each need work of us, on the average: 50 a second.
    pub commands_per_second: u32,
    /// The same at once: 100.
    pub command_burst: u32,
    /// Pings that are answered: 10 a second. More are not.
    pub pings_per_second: u32,
    /// Messages of types that nobody knows: 100. More are a sign that the stream is not what it seems.
    pub max_unknown: u32,
    /// Bytes of our own replies that wait for a peer which does not read: 64 KiB.
    pub max_replies: u32,
    /// The smallest acknowledgement window that is obeyed: 32 KiB. Smaller ones count as this.
    pub min_window: u32,
    /// Bytes that wait for a peer before media is refused with [`Full`](crate::SendError::Full): 8 MiB.
    pub send_budget: u32,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            chunks_before_publish: ChunkLimits::UNAUTHENTICATED,
            chunks: ChunkLimits::default(),
            amf: AmfLimits::default(),
            max_streams: 16,
            commands_per_second: 50,
            command_burst: 100,
            pings_per_second: 10,
            max_unknown: 100,
            max_replies: 64 * 1024,
            min_window: 32 * 1024,
            send_budget: 8 * 1024 * 1024,
        }
    }
}

/// How long things may take. Each is for the whole of it: a byte now and then does not put it off. `Duration::MAX` is for
/// ever.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Timeouts {
    /// The handshake: 10 s.
    pub handshake: Duration,
    /// From there to `connect`, or to its answer: 10 s.
    pub connect: Duration,
    /// The application's answer to a request, after which it is refused: 10 s.
    pub answer: Duration,
    /// From `connect` to a `publish` or `play`, and while no stream is in use; or to the answers to ours: 15 s.
    pub stream: Duration,
    /// From `publish` to the first media: 20 s.
    pub first_media: Duration,
    /// Without a byte from a publisher: 15 s. Encoders that lost their network come back within this time, and
    /// find their name in use until then.
    pub publisher: Duration,
    /// Without a byte from a player or a server, which have nothing to say but answers to pings: 120 s.
    pub quiet: Duration,
    /// Quiet before a ping: 30 s.
    pub ping: Duration,
    /// Without the peer taking any of the bytes that wait for it: 10 s, and up to half of that more.
    pub write: Duration,
    /// For one message to come in: 30 s, and up to as much more.
    pub message: Duration,
    /// For the peer to close after our farewell: 1 s. Closing at once could destroy the farewell on its way.
    pub linger: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(10),
            stream: Duration::from_secs(15),
            first_media: Duration::from_secs(20),
            publisher: Duration::from_secs(15),
            quiet: Duration::from_secs(120),
            ping: Duration::from_secs(30),
            write: Duration::from_secs(10),
            message: Duration::from_secs(30),
            linger: Duration::from_secs(1),
        }
    }
}

pub(crate) const fn large_chunks() -> ChunkSize {
    match ChunkSize::new(65_536) {
        Some(size) => size,
        None => ChunkSize::DEFAULT,
    }
}
