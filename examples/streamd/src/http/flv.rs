//! HTTP-FLV: the messages of a stream behind the heads of FLV tags, without end.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Buf;
use futures_util::{StreamExt, stream};
use levada_buf::Outbox;
use levada_flv::{FlvHeader, FlvTag, FlvWriter};
use levada_media::MediaKind;

use crate::reader::Reader;
use crate::server::Server;
use crate::stream::{Stream, tag_kind};

/// What is taken from the ring at once.
const AT_ONCE: usize = 256 * 1024;

struct Player {
    reader: Reader,
    writer: FlvWriter,
    out: Outbox,
    server: Arc<Server>,
    skips: u64,
}

pub fn response(stream: &Arc<Stream>, server: Arc<Server>) -> Response {
    let has = |kind| stream.packaging().facts.has(kind);
    let header = FlvHeader::new(has(MediaKind::Audio), has(MediaKind::Video));
    let mut player = Player {
        reader: stream.player(),
        writer: FlvWriter::new(),
        out: Outbox::new(),
        server,
        skips: 0,
    };
    player.writer.header(&header, &mut player.out);
    let body = stream::unfold(player, |mut player| async move {
        let pieces = player.next().await?;
        Some((stream::iter(pieces.into_iter().map(Ok::<_, Infallible>)), player))
    });
    ([(header::CONTENT_TYPE, "video/x-flv")], Body::from_stream(body.flatten())).into_response()
}

impl Player {
    /// The next tags: small ones together, large bodies as they are.
    async fn next(&mut self) -> Option<VecDeque<Bytes>> {
        let items = self.reader.next_some(AT_ONCE).await?;
        for item in items {
            let message = &item.message;
            let body = message.payload().clone();
            let tag = FlvTag::new(tag_kind(message.kind()), message.timestamp(), body);
            // What fits in a message of RTMP fits in a tag.
            let _ = self.writer.tag(&tag, &mut self.out);
        }
        let skips = std::mem::replace(&mut self.skips, self.reader.skips);
        self.server.metrics.skips.fetch_add(self.reader.skips - skips, Relaxed);
        let mut pieces = VecDeque::new();
        while self.out.has_remaining() {
            let len = self.out.chunk().len();
            pieces.push_back(self.out.copy_to_bytes(len));
        }
        Some(pieces)
    }
}
