//! Accepts publishers, prints what arrives (tracks, keyframes, findings), and lets others play it.
//!
//! ```sh
//! cargo run -p levada-minimal --bin ingest
//! ffmpeg -re -i film.mp4 -c copy -f flv rtmp://127.0.0.1/live/film
//! ffplay rtmp://127.0.0.1/live/film
//! ```

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use bytes::Buf;
use clap::Parser;
use levada_buf::Endpoint;
use levada_chunk::{ChunkSize, MessageStreamId};
use levada_flv::{Unpacked, Unpacker};
use levada_media::{MediaEvent, MediaKind};
use levada_minimal::connect::AHEAD;
use levada_minimal::hub::{Fan, Hub, Reader, tag_kind};
use levada_minimal::serve::{self, Server};
use levada_minimal::{describe, entropy};
use levada_session::{SendError, ServerConfig, ServerEvent, ServerSession};
use tokio::net::TcpListener;

#[derive(Parser)]
struct Args {
    /// Where to listen.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:1935")]
    listen: SocketAddr,
    /// Speak RTMPS, with the certificate of this PEM file.
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// The key of the certificate, in PEM.
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let tls = args.cert.zip(args.key).map(|(cert, key)| serve::tls(&cert, &key)).transpose()?;
    let listener = TcpListener::bind(args.listen).await.with_context(|| {
        format!("cannot listen on {}: choose another address with --listen", args.listen)
    })?;
    let scheme = if tls.is_some() { "rtmps" } else { "rtmp" };
    println!("publish to and play from {scheme}://{}/live/NAME", listener.local_addr()?);
    let (config, hub) = (Arc::new(ServerConfig::default()), Hub::default());
    loop {
        let (socket, peer) = listener.accept().await?;
        let mut ingest = Ingest {
            peer,
            hub: hub.clone(),
            chunk_size: config.chunk_size,
            publishing: HashMap::new(),
            playing: None,
        };
        let (session, tls) =
            (ServerSession::new(config.clone(), entropy(), Instant::now()), tls.clone());
        tokio::spawn(async move {
            match serve::serve(socket, session, &mut ingest, tls).await {
                Ok(()) => println!("{peer}: disconnected"),
                Err(why) => println!("{peer}: {why}"),
            }
        });
    }
}

struct Ingest {
    peer: SocketAddr,
    hub: Hub,
    chunk_size: ChunkSize,
    publishing: HashMap<MessageStreamId, (String, Fan, Unpacker)>,
    playing: Option<(MessageStreamId, Reader)>,
}

impl Server for Ingest {
    fn handle(&mut self, session: &mut ServerSession, event: ServerEvent) -> anyhow::Result<()> {
        let peer = self.peer;
        match event {
            ServerEvent::Connect(request) => {
                println!("{peer}: connects to {:?} with {:?}", request.app, request.flash_version);
                session.accept_connect(request);
            }
            ServerEvent::Publish(request) => {
                let path = request.path.path().to_owned();
                println!("{peer}: publishes {path}");
                let stream = session.accept_publish(request);
                self.publishing
                    .insert(stream, (path.clone(), self.hub.stream(&path), Unpacker::default()));
            }
            ServerEvent::Play(request) => {
                println!("{peer}: plays {}", request.path.path());
                let reader = self.hub.stream(request.path.path()).join();
                self.playing = Some((session.accept_play(request), reader));
            }
            ServerEvent::Media { stream, message } => {
                let Some((path, fan, unpacker)) = self.publishing.get_mut(&stream) else {
                    return Ok(());
                };
                unpacker.push(tag_kind(message.kind), message.timestamp, message.payload.clone());
                print(path, unpacker);
                fan.push(message, self.chunk_size)?;
            }
            ServerEvent::StreamClosed(stream) => {
                self.publishing.remove(&stream);
                self.playing = self.playing.take().filter(|(to, _)| *to != stream);
            }
            other => println!("{peer}: {other:?}"),
        }
        Ok(())
    }

    fn fill(&mut self, session: &mut ServerSession) -> anyhow::Result<()> {
        let Some((to, reader)) = &mut self.playing else { return Ok(()) };
        while session.output().remaining() < AHEAD {
            let Some(message) = reader.next_message() else { break };
            match session.send(*to, &message) {
                Ok(()) | Err(SendError::Full) => {}
                Err(why) => return Err(why.into()),
            }
        }
        Ok(())
    }

    async fn wake(&mut self) {
        match &mut self.playing {
            Some((_, reader)) => reader.wake().await,
            None => std::future::pending().await,
        }
    }
}

fn print(path: &str, unpacker: &mut Unpacker) {
    while let Some(unpacked) = unpacker.next() {
        match unpacked {
            Unpacked::Event(MediaEvent::Track(track)) => {
                println!("{path}: {} is {}", track.id, describe(&track.params));
            }
            Unpacked::Event(MediaEvent::Frame(it))
                if it.track.kind == MediaKind::Video && it.is_key() =>
            {
                println!("{path}: keyframe at {} ms, {} bytes", it.dts.0, it.data.len());
            }
            Unpacked::Finding(finding) => println!("{path}: {finding:?}"),
            _ => {}
        }
    }
}
