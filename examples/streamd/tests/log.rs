//! What strangers can make it say.

mod support;

use serde_json::Value;
use support::{Client, Folder, Server};

#[test]
fn log_03_a_peer_does_not_fill_the_log_and_what_is_left_out_is_counted() {
    const REFUSED: usize = 200;
    let folder = Folder::new("log");
    let server = Server::start(&folder, &["--log", "json"]);
    let _holder = Client::publish(server.rtmp, "live/a");
    let begin = std::time::Instant::now();
    for _ in 0..REFUSED {
        assert!(Client::publish(server.rtmp, "live/a").rejected.is_some());
    }
    let seconds = begin.elapsed().as_secs() as usize + 2;
    let (written, left_out) = server.until("every refusal is told or counted", |server| {
        let said = server.said();
        let lines = said.lines().filter_map(|it| serde_json::from_str::<Value>(it).ok());
        let (mut written, mut left_out) = (0, 0);
        for line in lines {
            let fields = &line["fields"];
            match fields["message"].as_str().unwrap_or_default() {
                "refused to publish" => written += 1,
                "lines of one kind were left out of the log: too many"
                    if fields["place"]
                        .as_str()
                        .is_some_and(|it| it.starts_with("streamd::rtmp:")) =>
                {
                    left_out += fields["lines"].as_u64().unwrap() as usize;
                }
                _ => {}
            }
        }
        (written + left_out >= REFUSED).then_some((written, left_out))
    });
    assert_eq!(written + left_out, REFUSED);
    assert!(written >= 20 && written <= 20 * seconds, "{written} in {seconds} s");
}
