//! Records publishers into FLV files with plain threads and blocking sockets: proof that no runtime is needed.
//!
//! ```sh
//! cargo run -p levada-blocking -- recordings/
//! ffmpeg -re -i film.mp4 -c copy -f flv rtmp://127.0.0.1/live/film      # recordings/live-film.flv
//! ```

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::{Buf, BytesMut};
use clap::Parser;
use levada_buf::{Endpoint, Outbox};
use levada_chunk::{Message, MessageStreamId, MessageType};
use levada_flv::{FlvHeader, FlvTag, FlvWriter, TagKind};
use levada_handshake::Entropy;
use levada_session::{Rejection, ServerConfig, ServerEvent, ServerSession};

/// How much is read at once.
const INPUT: usize = 64 * 1024;

#[derive(Parser)]
struct Args {
    /// The folder for the recordings.
    folder: PathBuf,
    /// Where to listen.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:1935")]
    listen: SocketAddr,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    std::fs::create_dir_all(&args.folder)
        .with_context(|| format!("cannot make the folder {}", args.folder.display()))?;
    let listener = TcpListener::bind(args.listen).with_context(|| {
        format!("cannot listen on {}: choose another address with --listen", args.listen)
    })?;
    println!("publish to rtmp://{}/live/NAME", listener.local_addr()?);
    let config = Arc::new(ServerConfig::default());
    let folder: Arc<Path> = args.folder.into();
    for socket in listener.incoming() {
        let (socket, config, folder) = (socket?, config.clone(), folder.clone());
        thread::spawn(move || match serve(socket, config, folder) {
            Ok(()) => println!("disconnected"),
            Err(why) => println!("{why}"),
        });
    }
    Ok(())
}

fn serve(
    mut socket: TcpStream,
    config: Arc<ServerConfig>,
    folder: Arc<Path>,
) -> anyhow::Result<()> {
    socket.set_nodelay(true)?;
    let mut random = [0; 1528];
    getrandom::fill(&mut random)?;
    let mut session = ServerSession::new(config, Entropy::new(random), Instant::now());
    let mut recorder = Recorder { folder, files: HashMap::new() };
    let mut input = BytesMut::with_capacity(INPUT);
    loop {
        let ended = loop {
            match session.next_event(&mut input, Instant::now()) {
                Ok(Some(event)) => recorder.handle(&mut session, event)?,
                Ok(None) => break None,
                Err(why) => break Some(why),
            }
        };
        flush(&mut socket, session.output())?;
        if let Some(why) = ended {
            return Err(why.into());
        }
        // Reading waits for bytes, and no longer than the session allows.
        let wait = session.deadline().map(|it| it.saturating_duration_since(Instant::now()));
        socket.set_read_timeout(wait.map(|it| it.max(Duration::from_millis(1))))?;
        match read(&mut socket, &mut input) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(why)
                if matches!(why.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) =>
            {
                session.handle_timeout(Instant::now());
            }
            Err(why) => return Err(why.into()),
        }
    }
}

/// One read to the end of the buffer.
fn read(socket: &mut TcpStream, input: &mut BytesMut) -> io::Result<usize> {
    let len = input.len();
    input.resize(len + INPUT, 0);
    let count = socket.read(&mut input[len..]);
    input.truncate(len + *count.as_ref().unwrap_or(&0));
    count
}

/// Writes all of an outbox, up to 64 pieces at a time.
fn flush(writer: &mut impl Write, out: &mut Outbox) -> io::Result<()> {
    while out.has_remaining() {
        let mut slices = [IoSlice::new(&[]); 64];
        let filled = out.slices(&mut slices);
        let written = writer.write_vectored(&slices[..filled])?;
        out.advance(written);
    }
    Ok(())
}

struct Recorder {
    folder: Arc<Path>,
    files: HashMap<MessageStreamId, Recording>,
}

struct Recording {
    file: File,
    writer: FlvWriter,
    out: Outbox,
}

impl Recorder {
    fn handle(&mut self, session: &mut ServerSession, event: ServerEvent) -> anyhow::Result<()> {
        match event {
            ServerEvent::Connect(request) => session.accept_connect(request),
            ServerEvent::Publish(request) => {
                // The path holds letters, digits, `._-` and slashes, nothing that leaves the folder.
                let path = self.folder.join(request.path.path().replace('/', "-") + ".flv");
                println!("recording {}", path.display());
                let mut recording = Recording {
                    file: File::create(path)?,
                    writer: FlvWriter::default(),
                    out: Outbox::new(),
                };
                recording.writer.header(&FlvHeader::new(true, true), &mut recording.out);
                self.files.insert(session.accept_publish(request), recording);
            }
            ServerEvent::Play(request) => {
                session.reject(request, &Rejection::not_found("nothing is played here"));
            }
            ServerEvent::Media { stream, message } => {
                if let Some(recording) = self.files.get_mut(&stream) {
                    recording.take(message)?;
                }
            }
            ServerEvent::StreamClosed(stream) => drop(self.files.remove(&stream)),
            _ => {}
        }
        Ok(())
    }
}

impl Recording {
    fn take(&mut self, message: Message) -> anyhow::Result<()> {
        let kind = match message.kind {
            MessageType::AUDIO => TagKind::Audio,
            MessageType::VIDEO => TagKind::Video,
            _ => TagKind::Script,
        };
        self.writer.tag(&FlvTag::new(kind, message.timestamp, message.payload), &mut self.out)?;
        Ok(flush(&mut self.file, &mut self.out)?)
    }
}
