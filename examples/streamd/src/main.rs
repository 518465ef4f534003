//! A complete live server made of the Levada crates: RTMP in; RTMP, HTTP-FLV, HLS and Low-Latency HLS out.
//!
//! ```sh
//! cargo run --release -p streamd -- --demo
//! ffmpeg -re -i film.mp4 -c copy -f flv rtmp://127.0.0.1/live/film
//! open http://127.0.0.1:8080/
//! ```

mod api;
mod bell;
mod clips;
mod config;
mod connect;
mod control;
mod countries;
mod demo;
mod doors;
mod driver;
mod effects;
mod facts;
mod figures;
mod finalise;
mod gate;
mod hooks;
mod http;
mod http_client;
mod hub;
mod journal;
mod lock;
mod log;
mod metrics;
mod observer;
mod outputs;
mod packager;
mod places;
mod proxy;
mod pulls;
mod reader;
mod record;
mod relay;
mod resume;
mod room;
mod rtmp;
mod server;
mod shelf;
mod signing;
mod store;
mod stream;
mod timelines;
mod tls;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tracing::{error, info, warn};

use api::auth::Tokens;
use config::Config;
use control::Control;
use countries::Countries;
use server::Server;

/// How long players and recordings may take to end.
const DRAIN: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    match begin() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("streamd: {why:#}");
            ExitCode::FAILURE
        }
    }
}

fn begin() -> anyhow::Result<()> {
    let config = Config::load()?;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(config.threads()).enable_all().build()?.block_on(run(config))
}

async fn run(config: Config) -> anyhow::Result<()> {
    let quota = log::begin(config.log);
    tokio::spawn(async move { quota.tell().await });
    let rtmp = bind(config.rtmp, "--rtmp").await?;
    let rtmps = match config.rtmps {
        Some(address) => Some((bind(address, "--rtmps").await?, tls::server(&config)?)),
        None => None,
    };
    let http = bind(config.http, "--http").await?;
    let countries = Countries::load(config.countries.as_deref())?;
    let key = if config.is_open() { None } else { Some(tls::publish_key(&config.data)?) };
    let (control, effects) =
        Control::open(config.plane(), &config.data, config.journal.as_deref())?;
    let tls = levada_tls::client_config(tls::roots(config.relay_ca.as_deref())?)?;
    let (rtmp_at, http_at) = (rtmp.local_addr()?, http.local_addr()?);
    let tokens = Tokens::load(config.tokens.as_deref(), &config.data, http_at)?;
    let needs_token = !tokens.is_open();
    let server = Arc::new(Server::new(config.clone(), key.clone(), tokens, control, tls));
    let _ = server.http.set(http_at.port());
    server.set_countries(countries);
    server.figures.load(&server.control)?;
    let secret = if key.is_some() {
        format!("?key=… ({})", config.data.join("publish.key").display())
    } else {
        String::new()
    };
    println!("publish to  rtmp://{rtmp_at}/live/NAME{secret}");
    if let Some((rtmps, _)) = &rtmps {
        let address = rtmps.local_addr()?;
        let _ = server.rtmps.set(address.port());
        println!("       and  rtmps://{address}/live/NAME{secret}");
    }
    println!("watch at    http://{http_at}/");
    let token = match (&config.tokens, needs_token) {
        (Some(file), true) => format!(" with a token of {}", file.display()),
        (None, true) => format!(" with a token ({})", config.data.join("api.token").display()),
        (_, false) => String::new(),
    };
    println!("API at      http://{http_at}/v1{token}");

    let mut listeners = tokio::task::JoinSet::new();
    server.doors.bring(rtmp)?;
    tokio::spawn(control::keep_saved(server.clone()));
    let keeper = server.clone();
    tokio::spawn(async move { keeper.control.keep_time().await });
    tokio::spawn(figures::keep_saved(server.clone()));
    tokio::spawn(effects::run(server.clone(), effects));
    tokio::spawn(record::keep_count(server.clone()));
    clips::go_on(&server);
    let main = server.open_main(rtmp_at).await?;
    if let Some((rtmps, tls)) = rtmps {
        listeners.spawn(rtmp::listen(rtmps, Some(tls), server.clone(), main));
    }
    relay::start(&server).await?;
    listeners.spawn(http::listen(http, server.clone()));
    if config.demo {
        let key = key.map(|it| format!("?key={it}")).unwrap_or_default();
        let url = format!("rtmp://{}/live/demo{key}", reachable(rtmp_at));
        tokio::spawn(demo::run(url, server.tls.clone()));
    }
    until_told_to_stop(&server).await?;
    info!("stopping: telling publishers, ending recordings and playlists; again to stop at once");
    server.stop();
    let drained = async {
        listeners.join_all().await;
        hub::finish_all(&server, DRAIN).await;
        tokio::task::block_in_place(|| {
            server.figures.save(&server.control)?;
            server.control.save()
        })
    };
    tokio::select! {
        saved = drained => {
            saved?;
            info!("stopped");
        }
        told = until_told_to_stop(&server) => {
            told?;
            warn!("stopped at once");
        }
    }
    Ok(())
}

async fn bind(address: SocketAddr, option: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}: is another server running? Choose another address with {option}")
    })
}

/// Where a listener on all addresses is reached from here.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            [127, 0, 0, 1].into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    address
}

/// Reads the files of `--config` and `--countries` again: both, or none if one has a mistake.
#[cfg(unix)]
fn read_again(server: &Server) -> anyhow::Result<()> {
    let config = server.config();
    let config = match (&config.config, &config.countries) {
        (None, Some(_)) => Config::clone(&config),
        _ => config.reload()?,
    };
    server.set_countries(Countries::load(config.countries.as_deref())?);
    server.set_config(config);
    Ok(())
}

/// Waits for ctrl-c or SIGTERM; SIGHUP reads the settings again.
#[cfg(unix)]
async fn until_told_to_stop(server: &Server) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            it = tokio::signal::ctrl_c() => return Ok(it?),
            _ = terminate.recv() => return Ok(()),
            _ = hang_up.recv() => match read_again(server) {
                Ok(()) => info!("read the settings again"),
                Err(why) => error!(why = format!("{why:#}"), "the settings stay as they were"),
            }
        }
    }
}

#[cfg(not(unix))]
async fn until_told_to_stop(_server: &Server) -> anyhow::Result<()> {
    Ok(tokio::signal::ctrl_c().await?)
}
