//! A stream of another server, published here.

use std::sync::Arc;

use anyhow::bail;
use levada_session::{ClientEvent, ClientSession, PlayStart, RtmpUrl};

use super::{BackOff, Status};
use crate::connect::{self, Client};
use crate::hub::{self, Publisher};
use crate::server::Server;

pub async fn run(
    server: Arc<Server>,
    path: String,
    url: RtmpUrl,
    tls: Arc<rustls::ClientConfig>,
    status: Arc<Status>,
) {
    let mut back_off = BackOff::new();
    status.change(|it| it.path = Some(path.clone()));
    while !server.is_stopping() {
        back_off.begin(&status);
        let mut source = Source {
            server: &server,
            path: &path,
            key: url.stream.clone(),
            publisher: None,
            status: &status,
        };
        let ended = tokio::select! {
            ended = connect::run(url.clone(), Some(tls.clone()), &mut source) => ended,
            () = server.stopping() => return,
        };
        drop(source);
        back_off.wait(&status, ended).await;
    }
}

struct Source<'a> {
    server: &'a Arc<Server>,
    path: &'a str,
    key: String,
    publisher: Option<Publisher>,
    status: &'a Status,
}

impl Client for Source<'_> {
    fn begin(&mut self, session: &mut ClientSession) -> anyhow::Result<()> {
        Ok(session.play(&self.key, PlayStart::Any, None)?)
    }

    fn handle(&mut self, session: &mut ClientSession, event: ClientEvent) -> anyhow::Result<()> {
        match event {
            ClientEvent::Media { message, .. } => {
                let received = message.payload.len() as u64;
                if self.publisher.is_none() {
                    self.publisher = Some(hub::publish_open(self.server, self.path)?);
                    self.status.change(|it| (it.what, it.error) = ("live", None));
                }
                self.status.change(|it| it.confirmed += received);
                if let Some(publisher) = &mut self.publisher {
                    publisher.push(message);
                    if publisher.ordered().is_some() {
                        bail!("somebody else publishes this stream here now");
                    }
                }
            }
            ClientEvent::EndOfStream(_) => session.close(std::time::Instant::now()),
            _ => {}
        }
        Ok(())
    }
}
