//! Moves bytes between a socket and an endpoint.
//!
//! One player of hundreds does this for every message of its stream, so it is one function that looks at everything
//! once, not a `select!` that begins anew to wait for each: most of what a connection waits for hardly ever happens.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use levada_buf::Endpoint;
use socket2::SockRef;
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep, timeout};

/// The most that is read ahead of an endpoint that does not go on.
const INPUT: usize = 64 * 1024;
/// What is read ahead at first. Players say little.
const INPUT_AT_FIRST: usize = 1024;
/// Slices of one write: a message has two.
const SLICES: usize = 64;
/// An application never stops for lack of room before so much waits.
const CROWDED: usize = 64 * 1024;
/// How long the reason why a connection ends may take to be written.
const FAREWELL: Duration = Duration::from_secs(2);
/// For a timer that nobody waits for.
const LONG: Duration = Duration::from_secs(3600);

/// What the application does with an endpoint.
pub trait Application<E: Endpoint> {
    /// Something happened. `Err` ends the connection once everything is written.
    fn handle(&mut self, endpoint: &mut E, event: E::Event) -> anyhow::Result<()>;

    /// There may be room in the outbox: send what waits. Says whether it did more than send, so that the endpoint may
    /// have something to tell.
    fn fill(&mut self, _endpoint: &mut E) -> bool {
        false
    }

    /// Ready when [`fill`](Self::fill) may have something new.
    fn poll_woken(&mut self, _context: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// Drives an endpoint until the connection ends.
pub async fn drive<E, A>(
    socket: TcpStream,
    endpoint: &mut E,
    application: &mut A,
) -> anyhow::Result<()>
where
    E: Endpoint<Error: std::error::Error + Send + Sync + 'static>,
    A: Application<E>,
{
    let mut driver = Driver {
        socket,
        endpoint,
        application,
        input: BytesMut::new(),
        ahead: INPUT_AT_FIRST,
        news: true,
        moved: true,
        timer: Box::pin(sleep(LONG)),
    };
    let ended = poll_fn(|context| driver.poll(context)).await;
    if ended.is_err() {
        // Why is said to the peer too, unless it does not listen.
        let _ = timeout(FAREWELL, driver.flush()).await;
    }
    ended
}

/// One system call of the socket's own: `writev` would find its way there through the layers of files.
fn poll_send(
    socket: &TcpStream,
    context: &mut Context<'_>,
    slices: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    loop {
        ready!(socket.poll_write_ready(context))?;
        let send = || match slices {
            [slice] => SockRef::from(socket).send(slice),
            _ => SockRef::from(socket).send_vectored(slices),
        };
        match socket.try_io(Interest::WRITABLE, send) {
            Err(why) if why.kind() == io::ErrorKind::WouldBlock => {}
            done => return Poll::Ready(done),
        }
    }
}

struct Driver<'a, E, A> {
    socket: TcpStream,
    endpoint: &'a mut E,
    application: &'a mut A,
    input: BytesMut,
    /// How much is read at once. It grows with a peer that sends much.
    ahead: usize,
    /// The endpoint may have something to tell, and its deadline may be another: not after every message that a player
    /// gets, for which its memory would have to be fetched.
    news: bool,
    moved: bool,
    /// Set to the endpoint's deadline or before it: deadlines move on with nearly every turn, and are looked at
    /// when the timer runs out.
    timer: Pin<Box<Sleep>>,
}

impl<E, A> Driver<'_, E, A>
where
    E: Endpoint<Error: std::error::Error + Send + Sync + 'static>,
    A: Application<E>,
{
    /// Does everything that can be done now, after one read. Ready when the connection ended.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<anyhow::Result<()>> {
        let mut asked = false;
        loop {
            let mut more = self.turn()?;
            more |= self.poll_write(context)?;
            if !asked && self.input.len() < INPUT {
                asked = true;
                match self.poll_read(context)? {
                    Poll::Ready(0) => return Poll::Ready(Ok(())),
                    Poll::Ready(_) => {
                        self.news = true;
                        // It is the turn of others before the next read.
                        context.waker().wake_by_ref();
                        more = true;
                    }
                    Poll::Pending => {}
                }
            }
            more |= self.poll_due(context);
            more |= self.application.poll_woken(context).is_ready();
            if !more {
                self.rest();
                return Poll::Pending;
            }
        }
    }

    /// Everything that can be done without the socket. Says whether something happened, of which the application may
    /// have more to send.
    fn turn(&mut self) -> anyhow::Result<bool> {
        self.news |= self.application.fill(self.endpoint);
        self.moved |= self.news;
        let mut happened = false;
        while self.news {
            match self.endpoint.next_event(&mut self.input, Instant::now())? {
                Some(event) => self.application.handle(self.endpoint, event)?,
                None => self.news = false,
            }
            happened |= self.news;
        }
        Ok(happened)
    }

    /// Writes what the socket takes, many messages at once. Says whether the application may have had to stop for
    /// lack of room, and now has some.
    fn poll_write(&mut self, context: &mut Context<'_>) -> io::Result<bool> {
        let out = self.endpoint.output();
        let before = out.remaining();
        while out.has_remaining() {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let filled = out.slices(&mut slices);
            match poll_send(&self.socket, context, &slices[..filled])? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(count) => out.advance(count),
                Poll::Pending => break,
            }
        }
        Ok(before >= CROWDED && out.remaining() < before)
    }

    /// Reads once. There is no buffer before there is something to be read: most peers say little.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.socket.poll_read_ready(context))?;
            if self.input.capacity() - self.input.len() < self.ahead / 4 {
                self.input.reserve(self.ahead);
            }
            let room = self.input.capacity() - self.input.len();
            match self.socket.try_read_buf(&mut self.input) {
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => {}
                Ok(count) if count == room => {
                    self.ahead = INPUT.min(self.ahead * 2);
                    return Poll::Ready(Ok(count));
                }
                done => return Poll::Ready(done),
            }
        }
    }

    /// Lets the buffer go of a peer that says little, and has said nothing that is not understood yet.
    fn rest(&mut self) {
        if self.input.is_empty() && self.ahead < INPUT {
            self.input = BytesMut::new();
        }
    }

    /// Whether the endpoint was told the time.
    fn poll_due(&mut self, context: &mut Context<'_>) -> bool {
        if !std::mem::take(&mut self.moved) && !self.timer.is_elapsed() {
            return false;
        }
        let deadline = self.endpoint.deadline();
        let is_early = deadline.is_some_and(|it| it < self.timer.deadline().into_std());
        if !is_early && !self.timer.is_elapsed() {
            return false;
        }
        let now = Instant::now();
        self.timer.as_mut().reset(deadline.unwrap_or(now + LONG).into());
        // It is elapsed at once where the time has come.
        let due = self.timer.as_mut().poll(context).is_ready();
        if due {
            self.endpoint.handle_timeout(now);
            (self.news, self.moved) = (true, true);
        }
        due
    }

    /// Writes what is left.
    async fn flush(&mut self) -> io::Result<()> {
        while self.endpoint.output().has_remaining() {
            self.socket.write_buf(self.endpoint.output()).await?;
        }
        self.socket.shutdown().await
    }
}
