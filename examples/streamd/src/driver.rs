//! Moves bytes between a socket and an endpoint.

use std::future::pending;
use std::io;
use std::time::Instant;

use bytes::{Buf, BytesMut};
use levada_buf::Endpoint;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep_until;

/// The most that is read ahead of an endpoint that does not go on.
const INPUT: usize = 64 * 1024;

/// What the application does with an endpoint.
pub trait Application<E: Endpoint> {
    /// Something happened. `Err` ends the connection once everything is written.
    fn handle(&mut self, endpoint: &mut E, event: E::Event) -> anyhow::Result<()>;

    /// There may be room in the outbox: send what waits.
    fn fill(&mut self, _endpoint: &mut E) {}

    /// Resolves when [`fill`](Self::fill) may have something new.
    fn woken(&mut self) -> impl Future<Output = ()> + Send {
        pending()
    }
}

/// Drives an endpoint until the connection ends.
pub async fn drive<E, A>(
    mut socket: TcpStream,
    endpoint: &mut E,
    application: &mut A,
) -> anyhow::Result<()>
where
    E: Endpoint<Error: std::error::Error + Send + Sync + 'static>,
    A: Application<E>,
{
    let mut input = BytesMut::with_capacity(INPUT);
    loop {
        if let Err(why) = turn(endpoint, application, &mut input) {
            flush(&mut socket, endpoint).await?;
            return Err(why);
        }
        if input.capacity() - input.len() < INPUT / 4 {
            input.reserve(INPUT);
        }
        let waiting = endpoint.output().has_remaining();
        let deadline = endpoint.deadline();
        let due = async {
            match deadline {
                Some(at) => sleep_until(at.into()).await,
                None => pending().await,
            }
        };
        let (mut reader, mut writer) = socket.split();
        tokio::select! {
            count = reader.read_buf(&mut input), if input.len() < INPUT => if count? == 0 { return Ok(()) },
            // One gathering write for everything that waits.
            count = writer.write_buf(endpoint.output()), if waiting => { count?; }
            () = due => endpoint.handle_timeout(Instant::now()),
            () = application.woken() => {}
        }
    }
}

/// Everything that can be done without the socket.
fn turn<E, A>(endpoint: &mut E, application: &mut A, input: &mut BytesMut) -> anyhow::Result<()>
where
    E: Endpoint<Error: std::error::Error + Send + Sync + 'static>,
    A: Application<E>,
{
    while let Some(event) = endpoint.next_event(input, Instant::now())? {
        application.handle(endpoint, event)?;
    }
    application.fill(endpoint);
    Ok(())
}

/// Writes what is left, as it may hold the reason why the connection ends, but does not wait long for it.
async fn flush<E: Endpoint>(socket: &mut TcpStream, endpoint: &mut E) -> io::Result<()> {
    let all = async {
        while endpoint.output().has_remaining() {
            socket.write_buf(endpoint.output()).await?;
        }
        socket.shutdown().await
    };
    tokio::time::timeout(std::time::Duration::from_secs(2), all).await?
}
