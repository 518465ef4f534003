//! Moves bytes between a socket and an endpoint.

use std::future::pending;
use std::io;
use std::time::Instant;

use bytes::{Buf, BytesMut};
use levada_buf::Endpoint;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::sleep_until;

/// The most that is read ahead of an endpoint that does not go on.
const INPUT: usize = 64 * 1024;

/// What the application does with an endpoint.
pub trait Application<E: Endpoint> {
    /// Something happened.
    fn handle(&mut self, endpoint: &mut E, event: E::Event, now: Instant);

    /// There is room in the outbox: send what waits.
    fn fill(&mut self, _endpoint: &mut E, _now: Instant) {}

    /// Resolves when [`fill`](Self::fill) may have something new.
    fn woken(&mut self) -> impl Future<Output = ()> + Send {
        pending()
    }
}

/// Drives an endpoint until the connection ends.
pub async fn drive<S, E, A>(mut socket: S, endpoint: &mut E, application: &mut A) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
    E: Endpoint,
    A: Application<E>,
{
    let mut input = BytesMut::with_capacity(INPUT);
    loop {
        let mut over = false;
        loop {
            let now = Instant::now();
            match endpoint.next_event(&mut input, now) {
                Ok(Some(event)) => application.handle(endpoint, event, now),
                Ok(None) => break,
                Err(_) => {
                    over = true;
                    break;
                }
            }
        }
        application.fill(endpoint, Instant::now());
        if over {
            while endpoint.output().has_remaining() {
                socket.write_buf(endpoint.output()).await?;
            }
            return socket.shutdown().await;
        }
        let waiting = endpoint.output().has_remaining();
        let deadline = endpoint.deadline();
        let due = async {
            match deadline {
                Some(at) => sleep_until(at.into()).await,
                None => pending().await,
            }
        };
        if input.capacity() - input.len() < INPUT / 4 {
            input.reserve(INPUT);
        }
        let (mut reader, mut writer) = tokio::io::split(&mut socket);
        tokio::select! {
            count = reader.read_buf(&mut input), if input.len() < INPUT => if count? == 0 { return Ok(()) },
            count = writer.write_buf(endpoint.output()), if waiting => { count?; }
            () = due => endpoint.handle_timeout(Instant::now()),
            () = application.woken() => {}
        }
    }
}
