//! Messages from a file or from a server, whichever a person names.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use levada_flv::TagKind;
use levada_session::{ClientEvent, ClientSession, PlayStart, RtmpUrl};
use tokio::time::{Instant, sleep_until};

use crate::connect::{Client, run};
use crate::file::read_tags;
use crate::hub::tag_kind;

/// Reads an FLV file, standard input (`-`) or a stream of an RTMP URL, and hands out what is in it: kind, timestamp
/// in milliseconds, body. A stream is read to its end, or for so many seconds.
pub async fn read(
    from: &str,
    seconds: Option<u64>,
    mut each: impl FnMut(TagKind, u32, Bytes) -> anyhow::Result<()> + Send,
) -> anyhow::Result<()> {
    if !from.contains("://") {
        let path = if from == "-" { "/dev/stdin" } else { from };
        return read_tags(Path::new(path), |tag| each(tag.kind, tag.timestamp, tag.body)).await;
    }
    let url = RtmpUrl::parse(from).context("that is no RTMP URL: rtmp://HOST/APP/NAME")?;
    let until = seconds.map(|it| Instant::now() + Duration::from_secs(it));
    run(url.clone(), None, &mut Player { name: url.stream, until, each }).await
}

struct Player<F> {
    name: String,
    until: Option<Instant>,
    each: F,
}

impl<F: FnMut(TagKind, u32, Bytes) -> anyhow::Result<()> + Send> Client for Player<F> {
    fn begin(&mut self, session: &mut ClientSession) -> anyhow::Result<()> {
        Ok(session.play(&self.name, PlayStart::Any, None)?)
    }

    fn handle(&mut self, session: &mut ClientSession, event: ClientEvent) -> anyhow::Result<()> {
        match event {
            ClientEvent::Media { message, .. } => {
                (self.each)(tag_kind(message.kind), message.timestamp, message.payload)?;
            }
            ClientEvent::EndOfStream(_) => session.close(std::time::Instant::now()),
            _ => {}
        }
        Ok(())
    }

    fn fill(&mut self, session: &mut ClientSession) -> anyhow::Result<()> {
        if self.until.take_if(|it| *it <= Instant::now()).is_some() {
            session.close(std::time::Instant::now());
        }
        Ok(())
    }

    async fn wake(&mut self) {
        match self.until {
            Some(until) => sleep_until(until).await,
            None => std::future::pending().await,
        }
    }
}
