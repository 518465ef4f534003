//! Pulls over HTTP: FLV as it comes, HLS segment by segment.

use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use bytes::{Bytes, BytesMut};
use levada_control::PullFailure;
use levada_flv::{FlvItem, FlvReader, Packer};
use levada_hls::{Fetch, Fetched, PullEvent, Puller, PullerConfig};
use tokio::time::{sleep, sleep_until, timeout};
use tracing::debug;

use super::line::Line;
use super::{Source, message};
use crate::http_client::{Answer, NoAnswer};
use crate::server::Server;

/// How far before its time FLV is taken: what a server sends at once to one that joins, and no whole film.
const LEAD: Duration = Duration::from_secs(10);
/// How long HLS rests when there is nothing to fetch and nothing to send.
const REST: Duration = Duration::from_secs(1);

/// Pulls a URL of HTTP or HTTPS until it ends.
pub async fn pull(url: &str, source: &mut Source) -> PullFailure {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let ended = if path.ends_with(".m3u8") || path.ends_with(".m3u") {
        hls(url, source).await
    } else {
        flv(url, source).await
    };
    match ended {
        Ok(()) => PullFailure::Closed,
        Err(why) => why,
    }
}

async fn get(
    url: &str,
    headers: HeaderMap,
    fine: StatusCode,
    server: &Server,
) -> Result<Answer, PullFailure> {
    let allowed = |host: &str, port, address| server.may_call(host, port, address);
    let answer = server.client.get(url, headers, allowed).await.map_err(failure)?;
    if answer.status == fine { Ok(answer) } else { Err(PullFailure::Http(answer.status.as_u16())) }
}

fn failure(why: NoAnswer) -> PullFailure {
    match why {
        NoAnswer::Url | NoAnswer::Name => PullFailure::Dns,
        NoAnswer::Forbidden => PullFailure::Forbidden,
        NoAnswer::Connect | NoAnswer::TimedOut => PullFailure::Connect,
        NoAnswer::Tls => PullFailure::Tls,
        NoAnswer::Broken => PullFailure::Closed,
    }
}

async fn flv(url: &str, source: &mut Source) -> Result<(), PullFailure> {
    let mut answer = get(url, HeaderMap::new(), StatusCode::OK, &source.server).await?;
    source.connected().map_err(|_| PullFailure::Closed)?;
    let (mut reader, mut input) = (FlvReader::new(), BytesMut::new());
    let mut first = None;
    while let Some(bytes) = answer.chunk().await.map_err(failure)? {
        input.extend_from_slice(&bytes);
        while let Some(item) = reader.read(&mut input).map_err(|_| PullFailure::Closed)? {
            let FlvItem::Tag(tag) = item else { continue };
            let (begin, zero) = *first.get_or_insert((Instant::now(), tag.timestamp));
            let played = Duration::from_millis(tag.timestamp.saturating_sub(zero).into());
            sleep(played.saturating_sub(begin.elapsed() + LEAD)).await;
            source.push(message(tag.kind, tag.timestamp, tag.body));
        }
    }
    Ok(())
}

async fn hls(url: &str, source: &mut Source) -> Result<(), PullFailure> {
    let (server, begin) = (source.server.clone(), Instant::now());
    let mut puller = Puller::new(url, PullerConfig::default());
    let (mut line, mut packer) = (Line::default(), Packer::default());
    let mut over = false;
    let mut fetching = None;
    loop {
        while let Some(event) = puller.next_event() {
            match event {
                PullEvent::Media(event) => line.put(event),
                PullEvent::Ended => over = true,
                PullEvent::Failed(why) => {
                    debug!(%why, "HLS cannot be pulled");
                    return Err(PullFailure::Closed);
                }
                PullEvent::Finding(what) => debug!(%what, "pulling HLS"),
                _ => {}
            }
        }
        while let Some((time, event)) = line.next_due(Instant::now()) {
            source.connected().map_err(|_| PullFailure::Closed)?;
            for tag in packer.pack(&event).into_iter().flatten() {
                source.push(message(tag.kind, time, tag.body()));
            }
        }
        if over && line.is_empty() {
            return Ok(());
        }
        if fetching.is_none() {
            fetching = puller.next_fetch(begin.elapsed()).map(|it| Box::pin(fetch(it, &server)));
        }
        let reload = puller.deadline().filter(|_| fetching.is_none()).map(|it| begin + it);
        let rest = Instant::now() + REST;
        let wake = [reload, line.deadline()].into_iter().flatten().min().unwrap_or(rest);
        let fetched = async {
            match &mut fetching {
                Some(it) => it.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            fetched = fetched => {
                let (id, body) = fetched?;
                fetching = None;
                puller.handle_fetched(id, body, begin.elapsed());
            }
            () = sleep_until(wake.min(rest).into()) => {}
        }
    }
}

async fn fetch(fetch: Fetch, server: &Server) -> Result<(u64, Fetched), PullFailure> {
    let (mut headers, mut fine) = (HeaderMap::new(), StatusCode::OK);
    if let Some((offset, length)) = fetch.range {
        let range = format!("bytes={offset}-{}", (offset + length).saturating_sub(1));
        headers.extend(HeaderValue::from_str(&range).ok().map(|it| (header::RANGE, it)));
        fine = StatusCode::PARTIAL_CONTENT;
    }
    let whole = async {
        let mut answer = get(&fetch.url, headers, fine, server).await?;
        let mut body = BytesMut::new();
        while let Some(bytes) = answer.chunk().await.map_err(failure)? {
            if body.len() + bytes.len() > fetch.largest {
                return Err(PullFailure::Closed);
            }
            body.extend_from_slice(&bytes);
        }
        Ok(body.freeze())
    };
    let body: Bytes = timeout(fetch.patience, whole).await.unwrap_or(Err(PullFailure::Connect))?;
    Ok((fetch.id, Fetched::Body { url: fetch.url, body }))
}
