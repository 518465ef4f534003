//! A target to push to, which can be as bad as targets are: it refuses, stops reading, reads slowly, hangs up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use levada_buf::Endpoint;
use levada_chunk::Message;
use levada_session::{Rejection, ServerConfig, ServerEvent, ServerSession};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, sleep_until, timeout};

/// How bad it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manners {
    /// Refuse `connect`.
    pub refuse: bool,
    /// Refuse `publish`.
    pub reject: bool,
    /// Say nothing at all.
    pub mute: bool,
    /// Read nothing any more after so many messages.
    pub stall_after: Option<u64>,
    /// Read no more than so many bytes a second.
    pub slow: Option<u32>,
    /// Hang up after so many messages.
    pub close_after: Option<u64>,
}

/// What it saw of a connection.
#[derive(Debug)]
pub enum Seen {
    /// It was made.
    Opened,
    /// `publish`, under a name.
    Asked(String),
    /// Audio, video or data.
    Media(Message),
    /// The stream was ended in order.
    Unpublished,
    /// It is gone.
    Closed,
}

/// Accepts connections for ever, and tells what it sees of each. They are counted from 1.
pub async fn listen(
    listener: TcpListener,
    manners: Manners,
    tell: impl Fn(u64, Seen) + Send + Sync + 'static,
) -> std::io::Result<()> {
    let tell = Arc::new(tell);
    for number in 1.. {
        let (socket, _) = listener.accept().await?;
        let tell = tell.clone();
        tokio::spawn(async move {
            tell(number, Seen::Opened);
            if manners.mute {
                std::future::pending::<()>().await;
            }
            let mut sink = Sink { manners, messages: 0, tell: |seen| tell(number, seen) };
            // However it ends, the other side is to blame or was meant to suffer.
            let _ = sink.serve(socket).await;
            tell(number, Seen::Closed);
        });
    }
    Ok(())
}

struct Sink<F> {
    manners: Manners,
    messages: u64,
    tell: F,
}

impl<F: Fn(Seen)> Sink<F> {
    async fn serve(&mut self, mut socket: TcpStream) -> anyhow::Result<()> {
        socket.set_nodelay(true)?;
        let config = Arc::new(ServerConfig::default());
        let mut session = ServerSession::new(config, crate::entropy(), Instant::now());
        let mut input = BytesMut::new();
        loop {
            while let Some(event) = session.next_event(&mut input, Instant::now())? {
                self.handle(&mut session, event);
                if self.manners.close_after.is_some_and(|it| self.messages >= it) {
                    return Ok(());
                }
                if self.manners.stall_after.is_some_and(|it| self.messages >= it) {
                    std::future::pending::<()>().await;
                }
            }
            socket.write_all_buf(session.output()).await?;
            let deadline = session.deadline();
            let due = async {
                match deadline {
                    Some(at) => sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                count = read(&mut socket, &mut input, self.manners.slow) => if count? == 0 { return Ok(()) },
                () = due => session.handle_timeout(Instant::now()),
            }
        }
    }

    fn handle(&mut self, session: &mut ServerSession, event: ServerEvent) {
        match event {
            ServerEvent::Connect(request) if self.manners.refuse => {
                session.reject(request, &Rejection::denied("this target takes nobody"));
            }
            ServerEvent::Connect(request) => session.accept_connect(request),
            ServerEvent::Publish(request) => {
                let path = &request.path;
                let query = if path.query().is_empty() { "" } else { "?" };
                (self.tell)(Seen::Asked(format!("{}{query}{}", path.path(), path.query())));
                if self.manners.reject {
                    session.reject(request, &Rejection::in_use("this name is in use"));
                } else {
                    session.accept_publish(request);
                }
            }
            ServerEvent::Media { message, .. } => {
                self.messages += 1;
                (self.tell)(Seen::Media(message));
            }
            ServerEvent::StreamClosed(_) => (self.tell)(Seen::Unpublished),
            _ => {}
        }
    }
}

/// Reads what there is, or a tenth of what a second allows. Can be dropped without loss.
async fn read(
    socket: &mut TcpStream,
    input: &mut BytesMut,
    slow: Option<u32>,
) -> std::io::Result<usize> {
    let Some(slow) = slow else { return socket.read_buf(input).await };
    sleep(Duration::from_millis(100)).await;
    let most = usize::try_from(slow / 10).unwrap_or(usize::MAX).max(1);
    let mut part = bytes::BufMut::limit(input, most);
    match timeout(Duration::ZERO, socket.read_buf(&mut part)).await {
        Ok(count) => count,
        Err(_) => socket.readable().await.map(|()| 1),
    }
}
