use std::io::{self, IoSlice, Write};
use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf, BytesMut};
use levada_buf::{Endpoint, Outbox};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};

use crate::TlsError;

/// How many bytes are encrypted before they are written, or decrypted before they are used: 64 KiB, four records of
/// the largest size.
pub const AHEAD: usize = 64 * 1024;

/// An endpoint behind TLS.
///
/// What [`output`](Endpoint::output) lends is refilled at each call, so a driver that has written all of it calls it
/// again until it stays empty.
#[derive(Debug)]
pub struct Tls<S> {
    inner: S,
    connection: Connection,
    /// What was decrypted and not used yet.
    plaintext: BytesMut,
    /// What was encrypted and not written yet.
    out: Outbox,
    /// The inner endpoint has nothing more to say but what it has put out.
    ending: bool,
    peer_closed: bool,
    failed: Option<rustls::Error>,
}

impl<S: Endpoint> Tls<S> {
    /// The server's end.
    ///
    /// # Errors
    ///
    /// When rustls does not like the configuration.
    pub fn server(config: Arc<ServerConfig>, inner: S) -> Result<Self, rustls::Error> {
        Ok(Self::over(Connection::Server(ServerConnection::new(config)?), inner))
    }

    /// The client's end. `host` is what the certificate must be for, and the server is told (SNI) if it is a name.
    ///
    /// # Errors
    ///
    /// When `host` is neither a name nor an address, or rustls does not like the configuration.
    pub fn client(config: Arc<ClientConfig>, host: &str, inner: S) -> Result<Self, rustls::Error> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            rustls::Error::General("the host is neither a name nor an address".into())
        })?;
        Ok(Self::over(Connection::Client(ClientConnection::new(config, name)?), inner))
    }

    fn over(mut connection: Connection, inner: S) -> Self {
        // Plaintext before the end of the handshake, and records: no more than we keep ourselves.
        connection.set_buffer_limit(Some(AHEAD));
        Self {
            inner,
            connection,
            plaintext: BytesMut::new(),
            out: Outbox::with_budget(AHEAD),
            ending: false,
            peer_closed: false,
            failed: None,
        }
    }

    /// The endpoint inside.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// The endpoint inside: where the application answers and sends.
    pub fn inner_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Decrypts one read's worth of what came, if there is room for it. False when that changed nothing.
    fn decrypt(&mut self, input: &mut BytesMut) -> Result<bool, rustls::Error> {
        if self.peer_closed {
            input.clear(); // nothing counts after close_notify (RFC 8446 §6.1)
            return Ok(false);
        }
        if input.is_empty() || self.plaintext.len() >= AHEAD || !self.connection.wants_read() {
            return Ok(false);
        }
        let mut ciphertext = &input[..];
        let taken = self.connection.read_tls(&mut ciphertext).unwrap_or_default();
        input.advance(taken);
        let state = self.connection.process_new_packets()?;
        let length = state.plaintext_bytes_to_read();
        let start = self.plaintext.len();
        self.plaintext.resize(start + length, 0);
        let mut filled = start;
        while let Some(room) = self.plaintext.get_mut(filled..).filter(|it| !it.is_empty()) {
            match io::Read::read(&mut self.connection.reader(), room) {
                Ok(count) if count > 0 => filled += count,
                _ => break,
            }
        }
        self.plaintext.truncate(filled);
        self.peer_closed = state.peer_has_closed();
        Ok(taken > 0 || filled > start || self.peer_closed)
    }

    /// Encrypts what the inner endpoint has put out, as far as there is room for it.
    fn encrypt(&mut self) {
        while self.out.room() > 0 {
            if self.connection.wants_write() {
                // Into memory: it cannot fail.
                let _ = self.connection.write_tls(&mut Sink(&mut self.out));
                continue;
            }
            let waiting = self.inner.output();
            if !waiting.has_remaining() {
                if !self.ending {
                    break;
                }
                self.ending = false;
                self.connection.send_close_notify();
                continue;
            }
            let mut slices = [IoSlice::new(&[]); 16];
            let filled = waiting.slices(&mut slices);
            let slices = slices.get(..filled).unwrap_or_default();
            match self.connection.writer().write_vectored(slices) {
                Ok(count) if count > 0 => waiting.advance(count),
                _ => break, // before the end of the handshake only so much is taken
            }
        }
    }
}

impl<S: Endpoint> Endpoint for Tls<S> {
    type Event = S::Event;
    type Error = TlsError<S::Error>;

    fn next_event(
        &mut self,
        input: &mut BytesMut,
        now: Instant,
    ) -> Result<Option<S::Event>, TlsError<S::Error>> {
        if let Some(why) = &self.failed {
            return Err(TlsError::Tls(why.clone()));
        }
        loop {
            match self.inner.next_event(&mut self.plaintext, now) {
                Ok(Some(event)) => return Ok(Some(event)),
                Ok(None) => {}
                Err(why) => {
                    self.ending = true;
                    return Err(TlsError::Inner(why));
                }
            }
            match self.decrypt(input) {
                Ok(true) => {}
                Ok(false) if self.peer_closed => {
                    self.ending = true;
                    return Err(TlsError::Closed);
                }
                Ok(false) => return Ok(None),
                Err(why) => {
                    self.failed = Some(why.clone());
                    return Err(TlsError::Tls(why));
                }
            }
        }
    }

    fn output(&mut self) -> &mut Outbox {
        self.encrypt();
        &mut self.out
    }

    fn deadline(&self) -> Option<Instant> {
        self.inner.deadline()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.inner.handle_timeout(now);
    }
}

/// Writes into an outbox.
struct Sink<'a>(&'a mut Outbox);

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.put(bytes);
        Ok(bytes.len())
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        slices.iter().for_each(|it| self.0.put(it));
        Ok(slices.iter().map(|it| it.len()).sum())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
