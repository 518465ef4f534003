//! What streamd is told: options of the command line, and the same ones in a TOML file.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::parser::ValueSource;
use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, ValueEnum};
use levada_control::{
    InputConfig, Network, Place, PlaneConfig, Profile, ProfileKind, RecordingMode, Target,
    TargetRules, parse_pull_list,
};
use levada_gop::GopPolicy;
use levada_session::{NameRules, StreamPath};

use crate::facts;

/// A live server: publish to it over RTMP, watch over RTMP, HTTP-FLV, HLS, Low-Latency HLS or on its page.
///
/// Publish to   rtmp://HOST/live/NAME (OBS: server rtmp://HOST/live, stream key NAME), and
/// watch at     http://HOST:8080/ (all streams, with a player)
///              http://HOST:8080/live/NAME/index.m3u8 (HLS; low latency for players that know it)
///              http://HOST:8080/live/NAME.flv (HTTP-FLV), http://HOST:8080/live/NAME.mp4 (fragmented MP4)
///              rtmp://HOST/live/NAME
///
/// NAME is yours to choose: letters, digits, dots, dashes and underscores.
#[derive(Clone, Debug, Parser)]
#[allow(
    rustdoc::bare_urls,
    rustdoc::broken_intra_doc_links,
    reason = "the command line's help is plain text"
)]
#[command(version, verbatim_doc_comment, args_override_self = true, after_help = EXAMPLES)]
pub struct Config {
    /// Publish a small clip of our own again and again, as live/demo.
    #[arg(long, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, hide_default_value = true, value_name = "BOOL")]
    pub demo: bool,
    /// Where encoders publish, and where players of RTMP play.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:1935", help_heading = "Listening")]
    pub rtmp: SocketAddr,
    /// The same behind TLS. Off unless given; 0.0.0.0:443 is what encoders expect.
    #[arg(long, value_name = "ADDR", help_heading = "Listening")]
    pub rtmps: Option<SocketAddr>,
    /// The certificate chain for --rtmps, in PEM. Without one a self-signed certificate is made at the first start,
    /// which is good for trying only.
    #[arg(long, value_name = "FILE", requires = "key", help_heading = "Listening")]
    pub cert: Option<PathBuf>,
    /// The private key of --cert, in PEM.
    #[arg(long, value_name = "FILE", requires = "cert", help_heading = "Listening")]
    pub key: Option<PathBuf>,
    /// The page, HLS, HTTP-FLV, metrics.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", help_heading = "Listening")]
    pub http: SocketAddr,

    /// Let anybody publish. This is so anyway while --rtmp and --rtmps are loopback addresses. Otherwise publishers
    /// append ?key=… to the name; the key is in DATA/publish.key, made at the first start.
    #[arg(long, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, hide_default_value = true, value_name = "BOOL", help_heading = "Publishing")]
    pub open: bool,
    /// What becomes of a publisher whose stream is live already.
    #[arg(long, value_name = "POLICY", default_value = "reject", help_heading = "Publishing")]
    pub second_publisher: SecondPublisher,
    /// For how many seconds a stream waits for a publisher that left. Its players and its recording wait with it.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds, help_heading = "Publishing")]
    pub reconnect: Duration,

    /// Whose rules streams are held against, on the page and in metrics: any, or twitch, youtube, cloudflare,
    /// facebook, ivs, apple-hls and others. Nothing is refused for it.
    #[arg(long, value_name = "RULES", default_value = facts::ANY, value_parser = rules, help_heading = "Publishing")]
    pub health: String,

    /// Whom the API obeys: a TOML file with [[token]] tables of token, scopes (read, manage, start-output, stop-output,
    /// play, reveal-keys; all unless given) and user. STREAMD_TOKEN in the environment is one more. Without any,
    /// everybody may call while --http is a loopback address; otherwise a token is made in DATA/api.token.
    #[arg(long, value_name = "FILE", help_heading = "Listening")]
    pub tokens: Option<PathBuf>,

    /// Where callers of the API and viewers find this server, as https://live.example.org. Unless given, under the name
    /// that they call it by.
    #[arg(long, value_name = "URL", value_parser = public, help_heading = "Listening")]
    pub public: Option<String>,
    /// The name of this server in a region, for streams that ask for one: --region eu=eu.example.org. May be given many
    /// times.
    #[arg(long, value_name = "NAME=HOST", action = ArgAction::Append, value_parser = region, help_heading = "Listening")]
    pub region: Vec<(String, String)>,
    /// Answer calls of the live inputs API without the envelope of result, success, errors and messages.
    #[arg(long, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, hide_default_value = true, value_name = "BOOL", help_heading = "Listening")]
    pub bare: bool,

    /// Where recordings, keys and certificates are kept.
    #[arg(
        long,
        value_name = "DIR",
        default_value = "./streamd-data",
        help_heading = "Packaging and recording"
    )]
    pub data: PathBuf,
    /// Record every stream, as FLV or as fragmented MP4. What was received is in the file a moment later, and stays
    /// there whatever happens to the server.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "off",
        help_heading = "Packaging and recording"
    )]
    pub record: Record,
    /// Begin another recording at the first keyframe after so many seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = "Packaging and recording")]
    pub record_part: Option<Duration>,
    /// Record no more when all recordings together have so many megabytes.
    #[arg(long, value_name = "MB", help_heading = "Packaging and recording")]
    pub record_space: Option<u64>,
    /// Record no more when the disk has less than so many megabytes left.
    #[arg(
        long,
        value_name = "MB",
        default_value_t = 100,
        help_heading = "Packaging and recording"
    )]
    pub min_free: u64,
    /// When what is recorded goes to the disk itself: when the system likes, which survives the end of this program, or
    /// after each tag or fragment, which survives a loss of power and costs some of the disk's time.
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "none",
        help_heading = "Packaging and recording"
    )]
    pub sync: Sync,
    /// What HLS segments are made of.
    #[arg(
        long,
        value_name = "CONTAINER",
        default_value = "fmp4",
        help_heading = "Packaging and recording"
    )]
    pub hls: Hls,

    /// Threads that move media: half of the processors unless given. One moves about 10 Gbit/s to RTMP players; more than
    /// there are idle processors cost time and save none.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = "Running")]
    threads: Option<u16>,
    /// Write everything that the control plane is told and decides into this file, a line of JSON each.
    #[arg(long, value_name = "FILE", help_heading = "Running")]
    pub journal: Option<PathBuf>,

    /// Send a live stream on: --push rtmp://a.example/app/key, for the first stream that is live, or
    /// --push live/NAME=rtmp://… for a certain one. May be given many times.
    #[arg(long, value_name = "[PATH=]URL", action = ArgAction::Append, value_parser = push, help_heading = "Relays")]
    pub push: Vec<Relay>,
    /// Fetch a stream from elsewhere and publish it here under its name, or under PATH: --pull live/a=rtmp://… May
    /// be given many times. URLs are those of RTMP, of FLV over HTTP and of HLS. Several with blanks between them are
    /// tried in turn until one has the stream.
    #[arg(long, value_name = "[PATH=]URL", action = ArgAction::Append, value_parser = pull, help_heading = "Relays")]
    pub pull: Vec<Relay>,
    /// Trust the certificates of this PEM file, too, when relays, webhooks and pulls go over TLS.
    #[arg(long, value_name = "FILE", help_heading = "Relays")]
    pub relay_ca: Option<PathBuf>,
    /// Let what is made over the API call private and loopback addresses: webhooks, outputs, pulls. Otherwise this
    /// server's own network is out of their reach.
    #[arg(long, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, hide_default_value = true, value_name = "BOOL", help_heading = "Relays")]
    pub private_targets: bool,

    /// Where players of RTMP, HTTP-FLV and MP4 begin: at the newest keyframe, which shows a picture at once, or with
    /// the next one, which saves up to a GOP of latency.
    #[arg(long, value_name = "PLACE", default_value = "keyframe", help_heading = "Players")]
    pub join: Join,
    /// How many seconds a player may take nothing of what waits for it. Slow ones skip to a keyframe before.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds, help_heading = "Players")]
    pub stall: Duration,

    /// Which country viewers are in, for access rules of countries: a file with a network and a country a line, as
    /// 192.0.2.0/24,PT or 2001:db8::/32,DE. Networks must not overlap. Without it nobody's country is known, and such
    /// rules match nobody. SIGHUP reads it again.
    #[arg(long, value_name = "FILE", help_heading = "Players")]
    pub countries: Option<PathBuf>,

    /// Balancers before --rtmp and --rtmps: addresses or networks, as 192.0.2.0/24, whose connections begin with the
    /// PROXY protocol (version 1 or 2). May be given many times.
    #[arg(long, value_name = "NETWORK", action = ArgAction::Append, value_parser = network, help_heading = "Limits")]
    pub trust_proxy: Vec<Network>,
    /// Connections in all.
    #[arg(long, value_name = "N", default_value_t = 10_000, help_heading = "Limits")]
    pub max_connections: usize,
    /// Connections from one address.
    #[arg(long, value_name = "N", default_value_t = 2_000, help_heading = "Limits")]
    pub max_per_address: usize,
    /// Streams at once.
    #[arg(long, value_name = "N", default_value_t = 100, help_heading = "Limits")]
    pub max_streams: usize,
    /// Viewers of one stream over HLS.
    #[arg(long, value_name = "N", default_value_t = 10_000, help_heading = "Limits")]
    pub max_viewers: usize,

    /// Read options from this TOML file: http = "0.0.0.0:8080", push = ["rtmp://…"]. The command line goes first.
    /// [app.NAME] holds record and hls for one application. SIGHUP reads it again: record, hls, second-publisher,
    /// reconnect, join, stall and the limits then hold for streams and connections that begin from there on.
    #[arg(long, value_name = "FILE", help_heading = "Running")]
    pub config: Option<PathBuf>,
    /// How log lines are written. RUST_LOG sets how many: RUST_LOG=debug.
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Running")]
    pub log: Log,

    /// What differs for single applications, by name.
    #[arg(skip)]
    pub apps: Vec<(String, App)>,
}

/// In bytes.
pub const MEGABYTE: u64 = 1_000_000;
/// The application that calls are published to, as `call/TYPE/ID?KEY`.
pub const CALLS: &str = "call";

const EXAMPLES: &str = "\
Examples:
  streamd --demo                                     see it work: open http://127.0.0.1:8080/
  streamd --record fmp4 --data /srv/live             record everything
  streamd --rtmp 0.0.0.0:1935 --http 0.0.0.0:8080    for everybody; publishers need the key
  streamd --push rtmp://a.rtmp.youtube.com/live2/KEY send on what is published here";

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum SecondPublisher {
    /// It is refused.
    Reject,
    /// It takes over; the first one is disconnected.
    TakeOver,
    /// It takes over if the first one has sent nothing for three seconds.
    TakeOverIfStale,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Record {
    /// As FLV: everything that was sent, as it was sent.
    Flv,
    /// As fragmented MP4, a fragment a second.
    Fmp4,
    /// Not at all.
    Off,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Sync {
    /// When the system likes.
    None,
    /// After each tag or fragment.
    Fragment,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Hls {
    /// Fragmented MP4, in parts for low latency.
    Fmp4,
    /// MPEG-TS, for old players. Without parts.
    Ts,
    /// Nothing: there is no HLS, which takes most of the memory.
    Off,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Join {
    /// At the newest keyframe.
    Keyframe,
    /// With what comes next, from a keyframe on.
    Next,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Log {
    Json,
    Text,
}

/// What `[app.NAME]` changes.
#[derive(Clone, Copy, Debug, Default)]
pub struct App {
    record: Option<Record>,
    hls: Option<Hls>,
}

/// A stream here, if one is named, and a URL elsewhere. The URL may hold a key and is not shown.
#[derive(Clone)]
pub struct Relay {
    pub path: Option<String>,
    pub url: String,
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Relay({:?}, …)", self.path)
    }
}

impl Relay {
    fn parse(text: &str) -> Result<Self, String> {
        let (path, url) = match text.split_once('=') {
            Some((path, url)) if !path.contains("://") => {
                (Some(path.trim_matches('/').to_owned()), url)
            }
            _ => (None, text),
        };
        if let Some(path) = &path {
            let (app, name) = path.split_once('/').unwrap_or((path, ""));
            StreamPath::new(app, name, &NameRules::default())
                .map_err(|why| format!("{path:?} is no stream's path: {why}"))?;
        }
        Ok(Self { path, url: url.to_owned() })
    }

    /// Where a pulled stream is found here.
    pub fn pull_path(&self) -> &str {
        self.path.as_deref().unwrap_or_default()
    }

    fn places(&self) -> impl Iterator<Item = Place> {
        let target = Target::parse(&self.url, None, &anywhere()).map(|(it, _)| it.place);
        parse_pull_list(&self.url, &anywhere()).unwrap_or_default().into_iter().chain(target.ok())
    }
}

/// The command line may name any place.
pub fn anywhere() -> TargetRules {
    let mut rules = TargetRules::default();
    (rules.private_allowed, rules.pull_over_http) = (true, true);
    rules
}

fn push(text: &str) -> Result<Relay, String> {
    let relay = Relay::parse(text)?;
    Target::parse(&relay.url, None, &anywhere())
        .map_err(|why| format!("{why}, as in rtmp://host/app/key"))?;
    Ok(relay)
}

fn pull(text: &str) -> Result<Relay, String> {
    let mut relay = Relay::parse(text)?;
    parse_pull_list(&relay.url, &anywhere()).map_err(|why| {
        format!("{why}, as in rtmp://host/app/name or https://host/live/name.m3u8")
    })?;
    if relay.path.is_none() {
        // The name that it has there.
        let url = relay.url.split(['?', ' ']).next().unwrap_or_default();
        let name = url.rsplit('/').next().unwrap_or_default();
        let name = name.split('.').next().unwrap_or_default();
        relay = Relay::parse(&format!("live/{name}={}", relay.url))?;
    }
    Ok(relay)
}

fn network(text: &str) -> Result<Network, String> {
    Network::parse(text).ok_or_else(|| "an address or a network is needed, as 192.0.2.0/24".into())
}

fn public(text: &str) -> Result<String, String> {
    let known = ["http://", "https://"].iter().any(|it| text.starts_with(it));
    let plain =
        !text.contains(|it: char| it.is_whitespace() || it.is_control() || "?#@\"".contains(it));
    if !known || !plain {
        return Err("a URL is needed, as https://live.example.org".into());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn region(text: &str) -> Result<(String, String), String> {
    let (name, host) = text
        .split_once('=')
        .filter(|it| !it.0.is_empty() && !it.1.is_empty())
        .ok_or("a region and its host are needed, as eu=eu.example.org")?;
    Ok((name.to_owned(), host.to_owned()))
}

fn rules(text: &str) -> Result<String, String> {
    let known = || GopPolicy::all().into_iter().map(|it| it.name).collect::<Vec<_>>().join(", ");
    facts::policy(text).map(|it| it.name).ok_or_else(|| format!("any, or one of {}", known()))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds is needed".to_owned())?;
    if !(0.0..=86_400.0).contains(&seconds) {
        return Err("between 0 and 86400 seconds".into());
    }
    Ok(Duration::from_secs_f64(seconds))
}

impl Config {
    /// Reads the command line, and the file if it names one. Ends the program on `--help` and on mistakes.
    pub fn load() -> anyhow::Result<Self> {
        let arguments: Vec<_> = std::env::args_os().collect();
        let command = Self::parse_from(&arguments);
        match &command.config {
            Some(file) => Self::with_file(file, &arguments),
            None => Ok(command),
        }
    }

    /// The same again, when the file may have changed. Mistakes leave everything as it was.
    pub fn reload(&self) -> anyhow::Result<Self> {
        let Some(file) = &self.config else { bail!("there is no --config to read again") };
        Self::with_file(file, &std::env::args_os().collect::<Vec<_>>())
    }

    fn with_file(file: &Path, arguments: &[std::ffi::OsString]) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}: is the path right?", file.display()))?;
        let (mut all, apps) = options(&text).with_context(|| format!("in {}", file.display()))?;
        // What the command line says replaces what the file says, lists included.
        let given = Self::command().get_matches_from(arguments);
        let from_line = |name: &str| {
            given.value_source(&name.replace('-', "_")) == Some(ValueSource::CommandLine)
        };
        all.retain(|(name, _)| !from_line(name));
        let line = all.into_iter().map(|(name, value)| format!("--{name}={value}").into());
        let line =
            arguments.iter().take(1).cloned().chain(line).chain(arguments.iter().skip(1).cloned());
        let matches = Self::command()
            .try_get_matches_from(line)
            .with_context(|| format!("in {} or on the command line", file.display()))?;
        let mut config = Self::from_arg_matches(&matches)?;
        config.apps = apps;
        Ok(config)
    }

    /// Threads that move media.
    pub fn threads(&self) -> usize {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or(processors.div_ceil(2), usize::from)
    }

    /// Whether publishers need no key.
    pub fn is_open(&self) -> bool {
        let loopback = |it: &SocketAddr| match it.ip() {
            IpAddr::V4(it) => it.is_loopback(),
            IpAddr::V6(it) => {
                it.is_loopback() || it.to_ipv4_mapped().is_some_and(|it: Ipv4Addr| it.is_loopback())
            }
        };
        self.open || (loopback(&self.rtmp) && self.rtmps.as_ref().is_none_or(loopback))
    }

    fn app(&self, path: &str) -> App {
        let name = path.split('/').next().unwrap_or_default();
        self.apps.iter().find(|(it, _)| it == name).map(|(_, it)| *it).unwrap_or_default()
    }

    /// How a stream is recorded.
    pub fn record_of(&self, path: &str) -> Record {
        self.app(path).record.unwrap_or(self.record)
    }

    /// What the input of an openly published name is.
    pub fn open_input(&self, path: &str) -> InputConfig {
        let mut profile = Profile::of(ProfileKind::Default);
        profile.reconnect_window = self.reconnect;
        profile.takeover_after = match self.second_publisher {
            SecondPublisher::Reject => None,
            SecondPublisher::TakeOver => Some(Duration::ZERO),
            SecondPublisher::TakeOverIfStale => profile.takeover_after,
        };
        profile.recording.part_limit = self.record_part;
        let mut input = InputConfig::new(path, profile);
        input.low_latency = true;
        if self.record_of(path) != Record::Off {
            input.recording.mode = RecordingMode::Automatic;
        }
        input
    }

    /// What the control plane is told.
    pub fn plane(&self) -> PlaneConfig {
        let mut plane = PlaneConfig::default();
        plane.limits.active_inputs = self.max_streams;
        plane.limits.players = self.max_connections;
        plane.limits.storage = self.record_space.map(|it| it.saturating_mul(MEGABYTE));
        plane.public_base = self.public.clone().unwrap_or_default();
        plane.apps.calls = Some(CALLS.into());
        plane.targets.private_allowed = self.private_targets;
        plane.targets.pull_over_http = true;
        plane.targets.trusted =
            self.push.iter().chain(&self.pull).flat_map(Relay::places).collect();
        plane
    }

    /// How a stream is packaged.
    pub fn hls_of(&self, path: &str) -> Hls {
        self.app(path).hls.unwrap_or(self.hls)
    }
}

type Options = (Vec<(String, String)>, Vec<(String, App)>);

/// The options of a file, as they would stand on the command line.
fn options(text: &str) -> anyhow::Result<Options> {
    let table: toml::Table = text.parse()?;
    let command = Config::command();
    let known: Vec<&str> = command
        .get_arguments()
        .filter_map(|it| it.get_long())
        .filter(|it| *it != "config")
        .collect();
    let (mut all, mut apps) = (Vec::new(), Vec::new());
    for (key, value) in table {
        match value {
            toml::Value::Table(named) if key == "app" => {
                for (name, table) in named {
                    apps.push((name.clone(), app(&name, &table)?));
                }
            }
            value => {
                check(&key, &known)?;
                let values = match value {
                    toml::Value::Array(values) => values,
                    value => vec![value],
                };
                for value in values {
                    all.push((key.clone(), plain(&key, &value)?));
                }
            }
        }
    }
    Ok((all, apps))
}

fn app(name: &str, table: &toml::Value) -> anyhow::Result<App> {
    let Some(table) = table.as_table() else { bail!("[app.{name}] is a table") };
    let mut app = App::default();
    for (key, value) in table {
        check(key, &["record", "hls"])?;
        let text = plain(key, value)?;
        let wrong = |why: String| anyhow::anyhow!("[app.{name}] {key} = {text:?}: {why}");
        match key.as_str() {
            "record" => app.record = Some(Record::from_str(&text, false).map_err(wrong)?),
            _ => app.hls = Some(Hls::from_str(&text, false).map_err(wrong)?),
        }
    }
    Ok(app)
}

fn check(key: &str, known: &[&str]) -> anyhow::Result<()> {
    if known.contains(&key) {
        return Ok(());
    }
    let near = known
        .iter()
        .max_by(|a, b| strsim::jaro_winkler(a, key).total_cmp(&strsim::jaro_winkler(b, key)));
    bail!("there is no option {key:?}: did you mean {:?}?", near.copied().unwrap_or_default())
}

fn plain(key: &str, value: &toml::Value) -> anyhow::Result<String> {
    Ok(match value {
        toml::Value::String(it) => it.clone(),
        toml::Value::Integer(it) => it.to_string(),
        toml::Value::Float(it) => it.to_string(),
        toml::Value::Boolean(it) => it.to_string(),
        _ => bail!("{key:?} takes a text, a number, a truth value or a list of them"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_the_options_of_the_command_line() {
        let (all, apps) = options("http = \"0.0.0.0:80\"\nopen = true\npush = [\"rtmp://a/b/c\", \"rtmp://d/e/f\"]\n[app.cam]\nrecord = \"flv\"").unwrap();
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert!(all.contains(&pair("http", "0.0.0.0:80")) && all.contains(&pair("open", "true")));
        assert_eq!(all.iter().filter(|it| it.0 == "push").count(), 2);
        assert_eq!((apps[0].0.as_str(), apps[0].1.record), ("cam", Some(Record::Flv)));
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        let why = |text| options(text).unwrap_err().to_string();
        assert_eq!(why("htpp = 1"), "there is no option \"htpp\": did you mean \"http\"?");
        assert_eq!(
            why("[app.a]\nrecrod = 1"),
            "there is no option \"recrod\": did you mean \"record\"?"
        );
    }

    #[test]
    fn only_loopback_is_open() {
        let open = |line: &[&str]| Config::parse_from([&["streamd"], line].concat()).is_open();
        assert!(
            open(&[])
                && open(&["--rtmp", "[::1]:1935"])
                && open(&["--rtmp", "0.0.0.0:1935", "--open"])
        );
        assert!(!open(&["--rtmp", "0.0.0.0:1935"]) && !open(&["--rtmps", "0.0.0.0:443"]));
    }

    #[test]
    fn relays_name_a_stream_or_none() {
        let it = push("live/a=rtmp://h/app/key?x=1").unwrap();
        assert_eq!((it.path.as_deref(), it.url.as_str()), (Some("live/a"), "rtmp://h/app/key?x=1"));
        assert_eq!(push("rtmp://h/app/key?x=1").unwrap().path, None);
        assert!(push("http://h/a/b").is_err() && push("live/../a=rtmp://h/a/b").is_err());
        assert_eq!(pull("rtmp://h/app/key?x=1 rtmp://h/b/c").unwrap().pull_path(), "live/key");
        assert_eq!(pull("live/a=rtmp://h/app/key").unwrap().pull_path(), "live/a");
        assert!(!format!("{it:?}").contains("key"));
    }

    #[test]
    fn the_command_is_sound() {
        Config::command().debug_assert();
    }
}
