//! How it starts, what it connects to, and how it ends.

mod support;

use std::sync::Arc;
use std::time::Instant;

use support::{Client, Folder, Server, clip, program};

#[test]
fn mistakes_are_told_with_what_to_do() {
    let folder = Folder::new("mistakes");
    let told = |text: &str| {
        let file = folder.0.join("streamd.toml");
        std::fs::write(&file, text).unwrap();
        let out = program().arg("--config").arg(&file).output().unwrap();
        assert!(!out.status.success());
        String::from_utf8(out.stderr).unwrap()
    };
    assert!(told("htpp = \"127.0.0.1:0\"").contains("did you mean \"http\"?"));
    assert!(told("record = \"mkv\"").contains("possible values: flv, fmp4, off"));
    assert!(told("http = ").contains("streamd.toml"));
    let server = Server::start(&folder, &[]);
    let taken = server.http.to_string();
    let out = program().args(["--rtmp", "127.0.0.1:0", "--http", &taken]).output().unwrap();
    let why = String::from_utf8(out.stderr).unwrap();
    assert!(
        !out.status.success() && why.contains("choose another address with --http")
            || why.contains("Choose another address with --http"),
        "{why}"
    );
    let help = String::from_utf8(program().arg("--help").output().unwrap().stdout).unwrap();
    for option in [
        "--rtmp", "--rtmps", "--cert", "--key", "--http", "--data", "--open", "--config", "--log",
        "--hls", "--record", "--push", "--pull", "--demo",
    ] {
        assert!(help.contains(option), "{option}");
    }
}

#[test]
fn a_config_file_is_read_and_read_again() {
    let folder = Folder::new("config");
    let file = folder.0.join("streamd.toml");
    std::fs::write(
        &file,
        "second-publisher = \"reject\"\nlog = \"json\"\n[app.cam]\nrecord = \"flv\"\n",
    )
    .unwrap();
    let server = Server::start(&folder, &["--config", file.to_str().unwrap()]);
    let mut first = Client::publish(server.rtmp, "cam/a");
    first.send_all(&clip()[..50]);
    server.until("cam is recorded", |_| folder.files(".flv").first().map(drop));
    assert!(Client::publish(server.rtmp, "cam/a").rejected.is_some());
    std::fs::write(&file, "second-publisher = \"take-over\"\nlog = \"json\"\n").unwrap();
    server.signal("HUP");
    server.until("it is read again", |it| {
        it.said().contains("read the settings again").then_some(())
    });
    // For streams that begin from now on.
    let _first = Client::publish(server.rtmp, "cam/b");
    assert!(Client::publish(server.rtmp, "cam/b").rejected.is_none());
    assert!(
        server
            .said()
            .lines()
            .filter(|it| it.starts_with('{'))
            .all(|it| serde_json::from_str::<serde_json::Value>(it).is_ok())
    );
}

#[test]
fn sigterm_ends_in_order() {
    let folder = Folder::new("term");
    let server = Server::start(&folder, &["--record", "fmp4"]);
    let mut publisher = Client::publish(server.rtmp, "live/a");
    publisher.send_all(&clip());
    let mut player = Client::play(server.rtmp, "live/a");
    player.until(|it| it.media().len() > 10);
    let begin = Instant::now();
    server.signal("TERM");
    player.until(|it| it.over);
    publisher.until(|it| it.over);
    assert_eq!(server.end(), Some(0));
    assert!(begin.elapsed().as_secs() < 10);
    assert_eq!(folder.files(".mp4").len(), 1);
}

#[test]
fn the_demo_plays() {
    let folder = Folder::new("demo");
    let server = Server::start(&folder, &["--demo"]);
    let mut player = server.until("the demo is live", |it| {
        Some(Client::play(it.rtmp, "live/demo")).filter(|it| it.rejected.is_none())
    });
    player.until(|it| it.media().len() > 20);
    assert_eq!(server.said().lines().take(3).count(), 3);
}

#[test]
fn streams_are_pushed_and_pulled() {
    let (folder, other_folder) = (Folder::new("push"), Folder::new("pushed"));
    let other = Server::start(&other_folder, &[]);
    let push = format!("live/a=rtmp://{}/live/pushed?token=canary77", other.rtmp);
    let server = Server::start(&folder, &["--push", &push]);
    let mut publisher = Client::publish(server.rtmp, "live/a");
    let clip = clip();
    publisher.send_all(&clip);
    let live = |server: &Server| {
        server.json("/v1/streams")["streams"][0]["frames"].as_u64().unwrap_or(0) > 100
    };
    server.until("it is live", |it| live(it).then_some(()));
    let pulling_folder = Folder::new("pull");
    let pull = format!("live/pulled=rtmp://{}/live/a", server.rtmp);
    let pulling = Server::start(&pulling_folder, &["--pull", &pull]);
    let mut round = 1;
    let mut flow = |so: &dyn Fn() -> bool| {
        let begin = Instant::now();
        while !so() {
            for tag in &clip {
                publisher.send(tag, tag.timestamp + round * 10_000);
            }
            publisher.send_all(&[]);
            publisher.step();
            round += 1;
            assert!(begin.elapsed() < support::PATIENCE, "{}", server.json("/v1/relays"));
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    };
    flow(&|| live(&other) && live(&pulling));
    let status = || server.json("/v1/relays")["relays"][0].clone();
    flow(&|| status()["acknowledged_bytes"].as_u64().unwrap() > 0);
    assert_eq!(
        (status()["state"].as_str(), status()["stream"].as_str()),
        (Some("live"), Some("live/a"))
    );
    assert!(status()["acknowledged_bytes"].as_u64() <= status()["sent_bytes"].as_u64());
    assert!(!server.said().contains("canary77") && !server.text("/v1/relays").contains("canary77"));
    // The other one goes away: tried again, and said.
    drop(other);
    flow(&|| !status()["error"].is_null());
}

#[test]
fn g01_rtmps_with_a_certificate_of_its_own() {
    let folder = Folder::new("tls");
    let server = Server::start(&folder, &["--rtmps", "127.0.0.1:0"]);
    let cert = folder.0.join("self-signed.pem");
    // One server pulls from the other over TLS.
    let mut publisher = Client::publish(server.rtmp, "live/a");
    publisher.send_all(&clip());
    let pulling_folder = Folder::new("tlspull");
    let pull = format!(
        "rtmps://{}/live/a",
        server.rtmps.unwrap().to_string().replace("127.0.0.1", "localhost")
    );
    let pulling =
        Server::start(&pulling_folder, &["--pull", &pull, "--relay-ca", cert.to_str().unwrap()]);
    let live =
        Arc::new(|server: &Server| server.json("/v1/streams")["streams"][0]["frames"].as_u64());
    pulling.until("it is pulled", |it| live(it).filter(|it| *it > 10));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = folder.0.join("self-signed.key").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
}

#[test]
fn a_restart_opens_the_port_that_it_is_told_and_no_other() {
    let folder = Folder::new("again");
    let server = Server::start(&folder, &[]);
    drop(Client::publish(server.rtmp, "live/a"));
    server.signal("KILL");
    server.end();
    let server = Server::start(&folder, &[]);
    // Nobody who comes at once is sent away.
    assert!(Client::publish(server.rtmp, "live/b").stream.is_some());
    let said = server.until("a port", |it| it.said().contains("opened a port").then(|| it.said()));
    let opened: Vec<_> = said.lines().filter(|it| it.contains("opened a port")).collect();
    assert_eq!(opened.len(), 1, "{said}");
    assert!(opened[0].ends_with(&server.rtmp.to_string()) && !said.contains("closed a port"));
}
