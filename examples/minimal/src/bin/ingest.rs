//! Accepts publishers and prints what arrives: tracks, keyframes, findings.
//!
//! ```sh
//! cargo run -p levada-minimal --bin ingest -- --listen 127.0.0.1:1935
//! ffmpeg -re -i film.mp4 -c copy -f flv rtmp://127.0.0.1/live/film
//! ```

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use clap::Parser;
use levada_chunk::{Message, MessageStreamId, MessageType};
use levada_flv::{TagKind, Unpacked, Unpacker};
use levada_media::{CodecParams, MediaEvent};
use levada_minimal::driver::{Application, drive};
use levada_minimal::entropy;
use levada_session::{Rejection, ServerConfig, ServerEvent, ServerSession};
use tokio::net::TcpListener;

#[derive(Parser)]
struct Args {
    /// Where to listen.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:1935")]
    listen: SocketAddr,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let listener = TcpListener::bind(args.listen).await.with_context(|| {
        format!("cannot listen on {}: choose another address with --listen", args.listen)
    })?;
    println!("publish to rtmp://{}/live/NAME", listener.local_addr()?);
    let config = Arc::new(ServerConfig::default());
    loop {
        let (socket, peer) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let mut session = ServerSession::new(config.clone(), entropy(), Instant::now());
        tokio::spawn(async move {
            let mut ingest = Ingest { peer, streams: HashMap::new() };
            match drive(socket, &mut session, &mut ingest).await {
                Ok(()) => println!("{peer}: disconnected"),
                Err(why) => println!("{peer}: {why}"),
            }
        });
    }
}

struct Ingest {
    peer: SocketAddr,
    streams: HashMap<MessageStreamId, Stream>,
}

struct Stream {
    path: String,
    unpacker: Unpacker,
    frames: u64,
    bytes: u64,
}

impl Application<ServerSession> for Ingest {
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
                let unpacker = Unpacker::default();
                self.streams.insert(stream, Stream { path, unpacker, frames: 0, bytes: 0 });
            }
            ServerEvent::Play(request) => {
                session.reject(request, &Rejection::not_found("nothing is played here"));
            }
            ServerEvent::Media { stream, message } => {
                if let Some(stream) = self.streams.get_mut(&stream) {
                    stream.take(message);
                }
            }
            ServerEvent::StreamClosed(stream) => {
                if let Some(Stream { path, frames, bytes, .. }) = self.streams.remove(&stream) {
                    println!("{path}: ended after {frames} frames, {bytes} bytes");
                }
            }
            other => println!("{peer}: {other:?}"),
        }
        Ok(())
    }
}

impl Stream {
    fn take(&mut self, message: Message) {
        self.bytes += message.payload.len() as u64;
        let kind = match message.kind {
            MessageType::VIDEO => TagKind::Video,
            MessageType::AUDIO => TagKind::Audio,
            MessageType::DATA_AMF3 => TagKind::ScriptAmf3,
            _ => TagKind::Script,
        };
        self.unpacker.push(kind, message.timestamp, message.payload);
        while let Some(unpacked) = self.unpacker.next() {
            let path = &self.path;
            match unpacked {
                Unpacked::Event(MediaEvent::Track(track)) => {
                    println!("{path}: {} is {}", track.id, describe(&track.params));
                }
                Unpacked::Event(MediaEvent::Frame(frame)) => {
                    self.frames += 1;
                    if frame.track.kind == levada_media::MediaKind::Video && frame.is_key() {
                        println!(
                            "{path}: keyframe at {} ms, {} bytes",
                            frame.dts.0,
                            frame.data.len()
                        );
                    }
                }
                Unpacked::Finding(finding) => println!("{path}: {finding:?}"),
                _ => {}
            }
        }
    }
}

fn describe(params: &CodecParams) -> String {
    let name = params.rfc6381();
    match params {
        CodecParams::Video(video) => format!("{name}, {}x{}", video.width, video.height),
        CodecParams::Audio(audio) => {
            format!("{name}, {} Hz, {} channels", audio.sample_rate, audio.channels)
        }
        CodecParams::Data(data) => format!("{data:?}"),
    }
}
