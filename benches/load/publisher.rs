//! Publishers: all of them on one thread, each frame at its own time.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bytes::{Buf, BytesMut};
use levada_buf::Endpoint;
use levada_chunk::{ChunkSize, Message, MessageStreamId, SharedMessage};
use levada_session::{ClientConfig, ClientEvent, ClientSession, RtmpUrl};

use crate::source::Source;
use crate::target;

/// What the publishers tell the players.
#[derive(Debug, Default)]
pub struct Shared {
    pub stop: AtomicBool,
    /// Pictures that the slowest publisher has sent.
    pub pictures: AtomicU64,
    /// Frames that left more than 5 ms after their time, as this program had no processor or the server did not read.
    pub late: AtomicU64,
}

pub struct Publisher {
    socket: TcpStream,
    session: ClientSession,
    input: BytesMut,
    scratch: Vec<u8>,
    to: MessageStreamId,
    chunk_size: ChunkSize,
    source: Source,
    /// When its first frame was due.
    begin: Instant,
    pictures: u64,
}

/// Sends everything in time until it is told to stop.
pub fn run(mut all: Vec<Publisher>, epoch: Instant, shared: &Arc<Shared>) -> anyhow::Result<()> {
    while !shared.stop.load(Relaxed) {
        let Some(next) = all.iter_mut().min_by_key(|it| it.due()) else { return Ok(()) };
        thread::sleep(next.due().saturating_duration_since(Instant::now()));
        if next.due().elapsed() > Duration::from_millis(5) {
            shared.late.fetch_add(1, Relaxed);
        }
        next.turn(epoch).context("a publisher ended")?;
        let pictures = all.iter().map(|it| it.pictures).min().unwrap_or_default();
        shared.pictures.store(pictures, Relaxed);
    }
    Ok(())
}

impl Publisher {
    /// Connects, and waits until the server wants the stream. Its frames begin at `begin`.
    pub fn connect(url: &RtmpUrl, kbit: u32, begin: Instant) -> anyhow::Result<Self> {
        let address = target::address(url)?;
        let socket = TcpStream::connect_timeout(&address, Duration::from_secs(5))
            .with_context(|| format!("nobody listens at {address}: is the server running?"))?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut publisher = Self {
            socket,
            session: target::publisher(url)?,
            input: BytesMut::new(),
            scratch: vec![0; 64 * 1024],
            to: MessageStreamId(0),
            chunk_size: ClientConfig::new(url.clone()).chunk_size,
            source: Source::new(kbit),
            begin,
            pictures: 0,
        };
        while publisher.to == MessageStreamId(0) {
            publisher.write()?;
            publisher.read().context("the server does not answer")?;
        }
        for header in Source::headers() {
            publisher.send(header)?;
        }
        publisher.write()?;
        publisher.socket.set_nonblocking(true)?;
        Ok(publisher)
    }

    fn due(&self) -> Instant {
        self.begin + self.source.due()
    }

    /// Sends what is due, and hears what the server says.
    fn turn(&mut self, epoch: Instant) -> anyhow::Result<()> {
        let message = self.source.next(epoch.elapsed());
        self.pictures += u64::from(message.kind == levada_chunk::MessageType::VIDEO);
        self.send(message)?;
        self.session.handle_timeout(Instant::now());
        self.write()?;
        self.read()
    }

    fn send(&mut self, message: Message) -> anyhow::Result<()> {
        let message = SharedMessage::new(message, self.chunk_size)?;
        self.session.send(self.to, &message).context("the server does not read what is published")
    }

    fn write(&mut self) -> anyhow::Result<()> {
        while self.session.output().has_remaining() {
            // A whole message in one write, as an encoder does.
            let out = self.session.output();
            let mut slices = [std::io::IoSlice::new(&[]); 16];
            let filled = out.slices(&mut slices);
            match self.socket.write_vectored(&slices[..filled]) {
                Ok(count) => out.advance(count),
                Err(why) if why.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(why) => return Err(why.into()),
            }
        }
        Ok(())
    }

    fn read(&mut self) -> anyhow::Result<()> {
        match self.socket.read(&mut self.scratch) {
            Ok(0) => bail!("the server closed the connection"),
            Ok(count) => self.input.extend_from_slice(&self.scratch[..count]),
            Err(why) if why.kind() == ErrorKind::WouldBlock && self.to != MessageStreamId(0) => {
                return Ok(());
            }
            Err(why) => return Err(why.into()),
        }
        while let Some(event) = self.session.next_event(&mut self.input, Instant::now())? {
            match event {
                ClientEvent::Publishing(stream) => self.to = stream,
                ClientEvent::Rejected { info, .. } => bail!("the server refuses: {}", info.code),
                ClientEvent::Moved(_) => bail!("the server sends us elsewhere: give that URL"),
                _ => {}
            }
        }
        Ok(())
    }
}
