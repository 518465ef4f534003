//! One endless fragmented MP4 for a `<video>` or for Media Source. All its viewers share the fragments.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::atomic::{
    AtomicBool,
    Ordering::{Acquire, Release},
};
use std::sync::{Arc, Mutex, RwLock, Weak};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use levada_fmp4::Pieces;
use levada_hls::Output;
use levada_relay::{Cursor, Next, Ring, RingLimits};
use tokio::sync::watch;

use crate::lock::{lock, read, write};
use crate::packager::Packager;
use crate::reader::Reader;
use crate::stream::Stream;

/// How much media a fragment holds: the latency that packaging adds.
const FRAGMENT: Duration = Duration::from_millis(200);

/// The fragments of a stream, made as long as somebody watches.
#[derive(Debug)]
pub struct Feed {
    ring: RwLock<Ring<Pieces>>,
    changed: watch::Sender<()>,
    over: AtomicBool,
}

/// Where a stream keeps its feed.
pub type Slot = Mutex<Weak<Feed>>;

/// The feed of a stream. It begins with the newest keyframe.
fn feed(stream: &Arc<Stream>) -> Arc<Feed> {
    let mut slot = lock(&stream.mp4);
    if let Some(feed) = slot.upgrade() {
        return feed;
    }
    let feed = Arc::new(Feed {
        ring: RwLock::new(Ring::new(RingLimits::default())),
        changed: watch::Sender::new(()),
        over: AtomicBool::new(false),
    });
    *slot = Arc::downgrade(&feed);
    tokio::spawn(make(stream.follower(), Arc::downgrade(&feed)));
    feed
}

async fn make(mut reader: Reader, feed: Weak<Feed>) {
    let mut packager = Packager::new(FRAGMENT);
    loop {
        let items = reader.next_some(1 << 20).await;
        let Some(feed) = feed.upgrade() else { return };
        match &items {
            Some(items) => items.iter().for_each(|it| packager.push(it)),
            None => packager.finish(),
        }
        while let Some(output) = packager.next() {
            let mut ring = write(&feed.ring);
            match output {
                Output::Init(init) => {
                    let size = init.data.len();
                    let _ = ring.push_header(0, Pieces::from(init.data), size);
                }
                Output::Part(part) => {
                    let size = part.body.len();
                    ring.push(part.body, size, part.independent);
                }
                _ => {}
            }
        }
        if items.is_none() {
            feed.over.store(true, Release);
        }
        feed.changed.send_replace(());
        if items.is_none() {
            return;
        }
    }
}

struct Viewer {
    feed: Arc<Feed>,
    cursor: Cursor,
    changed: watch::Receiver<()>,
    _counted: crate::reader::Counted,
}

pub fn response(stream: &Arc<Stream>) -> Response {
    let feed = feed(stream);
    let cursor = read(&feed.ring).join();
    let changed = feed.changed.subscribe();
    let viewer =
        Viewer { feed, cursor, changed, _counted: crate::reader::Counted::new(stream.clone()) };
    let body = stream::unfold(viewer, |mut viewer| async move {
        let pieces = viewer.next().await?;
        Some((stream::iter(pieces.into_iter().map(Ok::<_, Infallible>)), viewer))
    });
    ([(header::CONTENT_TYPE, "video/mp4")], Body::from_stream(body.flatten())).into_response()
}

impl Viewer {
    async fn next(&mut self) -> Option<VecDeque<Bytes>> {
        loop {
            self.changed.borrow_and_update();
            let over = self.feed.over.load(Acquire);
            let pieces = self.read();
            if !pieces.is_empty() {
                return Some(pieces);
            }
            if over {
                return None;
            }
            self.changed.changed().await.ok()?;
        }
    }

    fn read(&mut self) -> VecDeque<Bytes> {
        let ring = read(&self.feed.ring);
        let mut all = VecDeque::new();
        while all.len() < 256 {
            match ring.next(&mut self.cursor) {
                Next::Header(pieces) | Next::Item(pieces) => all.extend(pieces.iter().cloned()),
                Next::Skipped { .. } => {}
                Next::Empty => break,
            }
        }
        all
    }
}
