//! One player: it reads, looks at the stamps and throws everything away.

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::bail;
use bytes::{Buf, Bytes, BytesMut};
use levada_buf::{Endpoint, Outbox};
use levada_chunk::MessageType;
use levada_flv::TagKind;
use levada_session::{ClientEvent, ClientSession};
use mio::net::TcpStream;

use crate::flv::{self, Answer};
use crate::source::{Stamp, Track};
use crate::target::{self, Target};

pub struct Player {
    pub socket: TcpStream,
    wire: Wire,
    input: BytesMut,
    pub begun: Instant,
    /// From `begun` to the first keyframe.
    pub picture: Option<Duration>,
    /// The number that follows, of pictures and of sound.
    expected: [Option<u64>; 2],
}

enum Wire {
    Rtmp(Box<ClientSession>),
    Flv { request: Outbox, answer: Box<Answer> },
}

/// What a player found in what it read.
pub enum Found {
    Bytes(u64),
    /// A frame, how many are missing before it, and whether it is out of its place.
    Frame {
        stamp: Stamp,
        missing: u64,
        misplaced: bool,
    },
}

impl Player {
    pub fn connect(target: &Target, address: SocketAddr) -> anyhow::Result<Self> {
        let begun = Instant::now();
        let socket = TcpStream::connect(address)?;
        let wire = match target {
            Target::Rtmp(url) => Wire::Rtmp(Box::new(target::player(url)?)),
            Target::Flv { host, path } => {
                Wire::Flv { request: flv::request(host, path), answer: Box::default() }
            }
        };
        let (picture, expected) = (None, [None; 2]);
        Ok(Self { socket, wire, input: BytesMut::new(), begun, picture, expected })
    }

    /// The pictures that came, the missing ones included.
    pub fn pictures(&self) -> u64 {
        self.expected[Track::Video as usize].unwrap_or_default()
    }

    /// Reads all that is there.
    pub fn read(&mut self, scratch: &mut [u8], mut tell: impl FnMut(Found)) -> anyhow::Result<()> {
        loop {
            let count = match self.socket.read(scratch) {
                Ok(0) => bail!("the server closed the connection"),
                Ok(count) => count,
                Err(why) if is_early(&why) => return Ok(()),
                Err(why) => return Err(why.into()),
            };
            tell(Found::Bytes(count as u64));
            self.input.extend_from_slice(&scratch[..count]);
            while let Some((track, body)) = self.next()? {
                let Some(stamp) = Stamp::read(track, &body) else { continue };
                if stamp.key && self.picture.is_none() {
                    self.picture = Some(self.begun.elapsed());
                }
                tell(self.place(stamp));
            }
            // Less than there is room for was all.
            if count < scratch.len() {
                return Ok(());
            }
        }
    }

    fn place(&mut self, stamp: Stamp) -> Found {
        let expected = &mut self.expected[stamp.track as usize];
        let should = expected.unwrap_or(stamp.number);
        let misplaced = stamp.number < should;
        if !misplaced {
            *expected = Some(stamp.number + 1);
        }
        Found::Frame { stamp, missing: stamp.number.saturating_sub(should), misplaced }
    }

    /// The body of the next message or tag.
    fn next(&mut self) -> anyhow::Result<Option<(Track, Bytes)>> {
        match &mut self.wire {
            Wire::Rtmp(session) => {
                while let Some(event) = session.next_event(&mut self.input, Instant::now())? {
                    match event {
                        ClientEvent::Media { message, .. } => match message.kind {
                            MessageType::VIDEO => return Ok(Some((Track::Video, message.payload))),
                            MessageType::AUDIO => return Ok(Some((Track::Audio, message.payload))),
                            _ => {}
                        },
                        ClientEvent::Rejected { info, .. } => bail!("refused: {}", info.code),
                        ClientEvent::EndOfStream(_) => bail!("the server ended the stream"),
                        _ => {}
                    }
                }
            }
            Wire::Flv { answer, .. } => {
                while let Some(tag) = answer.next(&mut self.input)? {
                    match tag.kind {
                        TagKind::Video => return Ok(Some((Track::Video, tag.body))),
                        TagKind::Audio => return Ok(Some((Track::Audio, tag.body))),
                        _ => {}
                    }
                }
            }
        }
        Ok(None)
    }

    /// Says what is to be said to the server.
    pub fn write(&mut self) -> anyhow::Result<()> {
        let out = match &mut self.wire {
            Wire::Rtmp(session) => session.output(),
            Wire::Flv { request, .. } => request,
        };
        while out.has_remaining() {
            let mut slices = [IoSlice::new(&[]); 8];
            let filled = out.slices(&mut slices);
            match self.socket.write_vectored(&slices[..filled]) {
                Ok(count) => out.advance(count),
                Err(why) if is_early(&why) => return Ok(()),
                Err(why) => return Err(why.into()),
            }
        }
        Ok(())
    }

    /// Called once a second.
    pub fn handle_timeout(&mut self) {
        if let Wire::Rtmp(session) = &mut self.wire {
            session.handle_timeout(Instant::now());
        }
    }
}

/// Whether it is to be done again after the next event.
fn is_early(why: &std::io::Error) -> bool {
    matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected)
}
