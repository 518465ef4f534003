//! A publisher of our own, for a first look.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::BytesMut;
use levada_buf::Endpoint;
use levada_chunk::{ChunkSize, Message, MessageStreamId, MessageType, SharedMessage};
use levada_flv::{FlvItem, FlvReader, FlvTag, PacketKind, Role, TagKind, VideoBody, role};
use levada_session::{ClientConfig, ClientEvent, ClientSession, PublishKind, RtmpUrl};
use tokio::time::{Sleep, sleep};
use tracing::warn;

use crate::connect::{self, Client};

/// Ten seconds of a gradient and a quiet tone, made with ffmpeg.
const CLIP: &[u8] = include_bytes!("demo/clip.flv");
/// How long it lasts.
const LENGTH: u32 = 10_000;

/// Publishes the clip again and again through our own port, like anybody else.
pub async fn run(url: String, tls: Arc<rustls::ClientConfig>) {
    loop {
        if let Err(why) = publish(&url, &tls).await {
            warn!(%why, "the demo stopped; beginning again");
        }
        sleep(Duration::from_secs(2)).await;
    }
}

async fn publish(url: &str, tls: &Arc<rustls::ClientConfig>) -> anyhow::Result<()> {
    let url = RtmpUrl::parse(url)?;
    let chunk_size = ClientConfig::new(url.clone()).chunk_size;
    let mut demo = Demo {
        key: url.stream.clone(),
        tags: tags()?,
        next: 0,
        begin: None,
        to: None,
        chunk_size,
        timer: Box::pin(sleep(Duration::ZERO)),
    };
    Ok(connect::run(url, tls, &mut demo).await?)
}

/// Everything in the clip but its last tags, if they lie beyond its length.
fn tags() -> anyhow::Result<Vec<FlvTag>> {
    let mut input = BytesMut::from(CLIP);
    let mut reader = FlvReader::new();
    let mut tags = Vec::new();
    while let Some(item) = reader.read(&mut input).context("the clip is broken")? {
        if let FlvItem::Tag(tag) = item
            && tag.timestamp < LENGTH
            && !is_end(&tag)
        {
            tags.push(tag);
        }
    }
    Ok(tags)
}

/// Encoders end video with a tag that says so. Here it goes on.
fn is_end(tag: &FlvTag) -> bool {
    let body =
        (tag.kind == TagKind::Video).then(|| VideoBody::parse(tag.body.clone()).ok()).flatten();
    body.is_some_and(|it| it.packets.clone().any(|it| it.kind == PacketKind::SequenceEnd))
}

struct Demo {
    key: String,
    tags: Vec<FlvTag>,
    /// Counts on over all rounds.
    next: usize,
    begin: Option<Instant>,
    to: Option<MessageStreamId>,
    chunk_size: ChunkSize,
    timer: Pin<Box<Sleep>>,
}

impl Demo {
    /// The next tag, its time, and whether it is worth sending in every round.
    fn due(&self) -> Option<(&FlvTag, u32)> {
        let tag = self.tags.get(self.next % self.tags.len().max(1))?;
        let round = u32::try_from(self.next / self.tags.len()).unwrap_or_default();
        Some((tag, round.wrapping_mul(LENGTH).wrapping_add(tag.timestamp)))
    }
}

impl Client for Demo {
    fn begin(&mut self, session: &mut ClientSession) -> anyhow::Result<()> {
        Ok(session.publish(&self.key, PublishKind::Live)?)
    }

    fn handle(&mut self, _session: &mut ClientSession, event: ClientEvent) -> anyhow::Result<()> {
        if let ClientEvent::Publishing(to) = event {
            (self.to, self.begin) = (Some(to), Some(Instant::now()));
        }
        Ok(())
    }

    fn fill(&mut self, session: &mut ClientSession) {
        let (Some(to), Some(begin)) = (self.to, self.begin) else { return };
        while let Some((tag, time)) = self.due() {
            if begin.elapsed() < Duration::from_millis(time.into()) || session.output().room() == 0
            {
                return;
            }
            let kind = match tag.kind {
                TagKind::Audio => MessageType::AUDIO,
                TagKind::Video => MessageType::VIDEO,
                _ => MessageType::DATA_AMF0,
            };
            let again = self.next >= self.tags.len()
                && matches!(role(tag.kind, &tag.body), Role::Header(_));
            let message = Message::new(kind, to, time, tag.body.clone());
            if let Ok(message) = SharedMessage::new(message, self.chunk_size)
                && !again
            {
                let _ = session.send(to, &message);
            }
            self.next += 1;
        }
    }

    fn poll_wake(&mut self, context: &mut task::Context<'_>) -> Poll<()> {
        let (Some(begin), Some((_, time))) = (self.begin, self.due()) else { return Poll::Pending };
        let due = begin + Duration::from_millis(time.into());
        self.timer.as_mut().reset(due.into());
        self.timer.as_mut().poll(context)
    }
}
