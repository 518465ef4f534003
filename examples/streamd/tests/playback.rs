//! Playback by ids and tokens from a real server, by the ids of the acceptance checks.

mod support;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::BytesMut;
use levada_flv::TagKind;
use levada_fmp4::{Fmp4Item, Fmp4Reader, ReadLimits};
use levada_hls::{ReadMedia, ReadPlaylist, Variables, read_playlist};
use levada_media::MediaKind;
use serde_json::{Value, json};
use support::{Client, Folder, Server, film, is_header, tags, text};

fn make(server: &Server, settings: Value) -> Value {
    server.post("/v1/inputs", &settings)
}

fn publisher(server: &Server, input: &Value) -> Client {
    let publisher =
        Client::publish(server.rtmp, &format!("live/{}", text(&input["ingest"]["rtmp"]["key"])));
    assert_eq!(publisher.rejected, None);
    publisher
}

/// The answer to a request for a playlist, once it is 200.
fn playlist(server: &Server, path: &str) -> String {
    server.until(path, |it| {
        let (status, _, body) = it.ask(path, "");
        (status == 200).then(|| String::from_utf8(body).unwrap())
    })
}

fn media(text: &str) -> ReadMedia {
    match read_playlist(text, &Variables::default()) {
        Ok(ReadPlaylist::Media(read)) => {
            assert_eq!(read.violations, [], "{text}");
            read
        }
        other => panic!("no media playlist: {other:?}\n{text}"),
    }
}

fn seconds(playlist: &ReadMedia) -> f64 {
    playlist.segments.iter().map(|it| it.duration.as_secs_f64()).sum()
}

/// Pictures in all segments of a playlist, each fetched as a player does, and whether each begins with a keyframe.
fn pictures(server: &Server, base: &str, playlist: &ReadMedia) -> usize {
    let fetch = |uri: &str, range: Option<&levada_hls::ByteRange>| {
        let header = range.map_or_else(String::new, |it| {
            format!("range: bytes={}-{}\r\n", it.offset, it.offset + it.len - 1)
        });
        let (status, _, body) = server.ask(&format!("{base}{uri}"), &header);
        assert_eq!(status, if range.is_some() { 206 } else { 200 }, "{uri}");
        body
    };
    let mut count = 0;
    for segment in &playlist.segments {
        let map = segment.map.as_ref().unwrap();
        let mut input = BytesMut::new();
        input.extend_from_slice(&fetch(&map.uri, map.byte_range.as_ref()));
        input.extend_from_slice(&fetch(&segment.uri, segment.byte_range.as_ref()));
        let mut reader = Fmp4Reader::new(ReadLimits::default());
        let mut first = true;
        while let Some(item) = reader.read(&mut input).unwrap() {
            let Fmp4Item::Frame(frame) = item else { continue };
            if frame.track.kind == MediaKind::Video {
                assert!(frame.is_key() || !std::mem::take(&mut first), "a keyframe first");
                first = false;
                count += 1;
            }
        }
        reader.finish(&input).unwrap();
    }
    count
}

/// Waits until a recording has ended, and gives its playlist.
fn ended(server: &Server, base: &str, id: &str) -> ReadMedia {
    server.until("its end", |it| {
        let (status, _, body) = it.ask(&format!("{base}{id}.m3u8"), "");
        let text = String::from_utf8(body).unwrap();
        (status == 200 && text.contains("#EXT-X-ENDLIST")).then(|| media(&text))
    })
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|it| {
        let (found, value) = it.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn running(server: &Server, id: &str) -> String {
    server.until("it is recorded", |it| {
        it.json(&format!("/{id}/lifecycle"))["videoUID"].as_str().map(str::to_owned)
    })
}

#[test]
fn c03_c05_c10_c22_c33_live_then_recorded_then_without_its_input() {
    for format in ["fmp4", "flv"] {
        let folder = Folder::new(&format!("watch-{format}"));
        let server = Server::start(&folder, &["--record", format]);
        let input = make(
            &server,
            json!({ "name": "a", "recording": { "mode": "automatic", "reconnect_window_s": 1 } }),
        );
        let id = text(&input["id"]);
        let base = format!("/{id}/manifest/");
        let (status, head, _) = server.ask(&format!("{base}video.m3u8"), "");
        assert_eq!(status, 204, "nothing is live: {head}");
        let nothing = json!({ "isInput": true, "videoUID": null, "live": false });
        assert_eq!(server.json(&format!("/{id}/lifecycle")), nothing);

        let film = film(18);
        let mut encoder = publisher(&server, &input);
        encoder.send_all(&film);
        let index = playlist(&server, &format!("{base}video.m3u8"));
        assert!(index.contains("\nmain.m3u8\n"), "{index}");
        let live = media(&playlist(&server, &format!("{base}main.m3u8")));
        assert!(!live.ended && pictures(&server, &base, &live) > 100);
        let recording = running(&server, id);
        assert!(server.json(&format!("/{id}/lifecycle"))["live"].as_bool().unwrap());
        assert_eq!(server.ask(&format!("/v1/recordings/{recording}/media.mp4"), "").0, 404);

        encoder.leave();
        let own = format!("/{recording}/manifest/");
        let whole = ended(&server, &own, &recording);
        assert_eq!(server.ask(&format!("{base}video.m3u8"), "").0, 204);
        let sent = film.iter().filter(|it| it.kind == TagKind::Video && !is_header(it)).count();
        assert_eq!(pictures(&server, &own, &whole), sent, "all of it is there");
        assert!((17.5..18.5).contains(&seconds(&whole)), "{}", seconds(&whole));
        let first = playlist(&server, &format!("{own}video.m3u8"));
        assert!(first.contains("CODECS=\"avc1.") && first.contains("RESOLUTION="), "{first}");
        let (status, head, _) = server.ask(&format!("/{recording}/watch"), "");
        assert_eq!(
            (status, header(&head, "content-type")),
            (200, Some("text/html; charset=utf-8"))
        );
        let about = server.json(&format!("/{recording}/lifecycle"));
        assert_eq!((&about["isInput"], &about["live"]), (&json!(false), &json!(false)));

        // As files, in whole and in part.
        let mp4 = server.get(&format!("/v1/recordings/{recording}/media.mp4"));
        let boxes = |name: &[u8]| mp4.windows(4).filter(|it| *it == name).count();
        assert_eq!((&mp4[4..8], boxes(b"moov"), boxes(b"moof")), (&b"ftyp"[..], 1, 0));
        let flv = server.get(&format!("/v1/recordings/{recording}/media.flv"));
        let videos = tags(&flv);
        let videos = videos.iter().filter(|it| it.kind == TagKind::Video && !is_header(it));
        assert_eq!(videos.count(), sent);
        let (status, head, part) =
            server.ask(&format!("/v1/recordings/{recording}/media.flv"), "range: bytes=0-2\r\n");
        assert_eq!((status, part.as_slice()), (206, &b"FLV"[..]), "{head}");
        assert_eq!(header(&head, "content-type"), Some("video/x-flv"));

        server.delete(&format!("/v1/inputs/{id}"));
        assert_eq!(server.ask(&format!("{base}video.m3u8"), "").0, 404);
        assert_eq!(ended(&server, &own, &recording).segments.len(), whole.segments.len());
    }
}

#[test]
fn ids_that_name_nothing_are_404_with_a_number() {
    let folder = Folder::new("badid");
    let server = Server::start(&folder, &[]);
    for path in [
        "/00000000000000000000000000000000/manifest/video.m3u8",
        "/00000000000000000000000000000000/lifecycle",
    ] {
        let (status, head, body) = server.ask(path, "");
        assert_eq!((status, header(&head, "x-err-code")), (404, Some("2000")), "{path}");
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["error"]["code"], "bad_id");
    }
    let input = make(&server, json!({ "name": "a" }));
    let id = text(&input["id"]);
    for name in ["nothing.m4s", "../../etc/passwd", "main-0.m4s", &format!("{id}-0.mp4")] {
        let status = server.ask(&format!("/{id}/manifest/{name}"), "").0;
        assert!(matches!(status, 204 | 404), "{name}: {status}");
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Signs with a key as the API gave it.
fn token(key: &Value, header: &Value, claims: &Value) -> String {
    let part = |it: &Value| URL_SAFE_NO_PAD.encode(it.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let der = || {
        let pem = text(&key["pem"]);
        STANDARD.decode(pem.lines().filter(|it| !it.starts_with('-')).collect::<String>()).unwrap()
    };
    let signature = match text(&key["alg"]) {
        "RS256" => {
            let pair = ring::signature::RsaKeyPair::from_pkcs8(&der()).unwrap();
            let mut signature = vec![0; pair.public().modulus_len()];
            let chance = ring::rand::SystemRandom::new();
            let padding = &ring::signature::RSA_PKCS1_SHA256;
            pair.sign(padding, &chance, signed.as_bytes(), &mut signature).unwrap();
            signature
        }
        "EdDSA" => {
            let pair = ring::signature::Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der());
            pair.unwrap().sign(signed.as_bytes()).as_ref().to_vec()
        }
        _ => hmac(&URL_SAFE_NO_PAD.decode(text(&key["jwk"]["k"])).unwrap(), &signed),
    };
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn hmac(secret: &[u8], text: &str) -> Vec<u8> {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
    ring::hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

fn refusal(server: &Server, name: &str) -> (u16, String) {
    let (status, _, body) = server.ask(&format!("/{name}/manifest/video.m3u8"), "");
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    (status, body["error"]["code"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn c06_c24_c25_tokens_and_their_keys() {
    let folder = Folder::new("signed");
    let server = Server::start(&folder, &[]);
    let input = make(&server, json!({ "name": "a", "recording": { "require_signed": true } }));
    let other = make(&server, json!({ "name": "b" }));
    let (id, other) = (text(&input["id"]), text(&other["id"]));
    let mut encoder = publisher(&server, &input);
    encoder.send_all(&film(9));
    assert_eq!(refusal(&server, id), (401, "token_missing".into()));

    // The server's own.
    let wanted = json!({ "sub": id });
    let own = server.post("/v1/tokens", &wanted)["token"].as_str().unwrap().to_owned();
    let index = playlist(&server, &format!("/{own}/manifest/video.m3u8"));
    assert!(index.contains("\nmain.m3u8\n"), "what is named keeps the token: {index}");
    let base = format!("/{own}/manifest/");
    let live = media(&playlist(&server, &format!("{base}main.m3u8")));
    assert!(pictures(&server, &base, &live) > 100);
    assert_eq!(server.ask(&format!("/{id}/manifest/main.m3u8"), "").0, 401);
    assert_eq!(server.ask(&format!("/{id}/live.flv"), "").0, 401);
    assert_eq!(server.ask(&format!("/{id}/index.m3u8"), "").0, 401, "not by its path either");
    assert_eq!(server.ask(&format!("/{id}.flv"), "").0, 401);
    assert_eq!(&server.beginning(&format!("/{own}/live.flv"), 13)[..3], b"FLV");
    assert_eq!(refusal(&server, &format!("{own}x")), (403, "token_bad_signature".into()));

    for alg in ["RS256", "EdDSA", "HS256"] {
        let key = server.post("/v1/signing-keys", &json!({ "alg": alg }));
        let kid = text(&key["id"]);
        let head = json!({ "alg": alg, "kid": kid });
        let sign = |claims: Value| token(&key, &head, &claims);
        let good = || sign(json!({ "sub": id, "exp": now() + 60 }));
        assert_eq!(refusal(&server, &good()).0, 200, "{alg}");
        assert_eq!(refusal(&server, &sign(json!({ "sub": id, "exp": "4102444800" }))).0, 403);
        let in_text = sign(json!({ "sub": id, "exp": (now() + 60).to_string() }));
        assert_eq!(refusal(&server, &in_text).0, 200);
        for (claims, code) in [
            (json!({ "sub": id }), "token_bad_signature"),
            (json!({ "sub": id, "exp": now() - 1 }), "token_expired"),
            (json!({ "sub": id, "exp": now() + 90_000 }), "token_bad_signature"),
            (json!({ "sub": id, "exp": now() + 60, "nbf": now() + 30 }), "token_not_yet"),
            (json!({ "sub": "nothing", "exp": now() + 60 }), "token_wrong_subject"),
            (
                json!({ "sub": id, "exp": now() + 60, "accessRules": [{ "type": "ip.src", "ip": ["127.0.0.0/8"], "action": "block" }] }),
                "token_rule",
            ),
        ] {
            assert_eq!(refusal(&server, &sign(claims)), (403, code.into()), "{alg}");
        }
        let allowed = json!({ "sub": id, "exp": now() + 60, "accessRules": [
            { "type": "ip.src", "ip": ["127.0.0.1"], "action": "allow" },
            { "type": "any", "action": "block" },
        ] });
        assert_eq!(refusal(&server, &sign(allowed)).0, 200);
        // For another input it opens that one, which nobody publishes.
        assert_eq!(refusal(&server, &sign(json!({ "sub": other, "exp": now() + 60 }))).0, 204);
        // Signed by somebody else, or not at all, or with the public part as a secret.
        let claims = json!({ "sub": id, "exp": now() + 60 });
        let unsigned = token(&key, &json!({ "alg": "none", "kid": kid }), &claims);
        assert_eq!(refusal(&server, &unsigned), (403, "token_bad_signature".into()));
        if alg == "RS256" {
            let part = |it: &Value| URL_SAFE_NO_PAD.encode(it.to_string());
            let head = json!({ "alg": "HS256", "kid": kid });
            let signed = format!("{}.{}", part(&head), part(&claims));
            let public = URL_SAFE_NO_PAD.decode(text(&key["jwk"]["n"])).unwrap();
            let forged = URL_SAFE_NO_PAD.encode(hmac(&public, &signed));
            assert_eq!(refusal(&server, &format!("{signed}.{forged}")).0, 403);
        }
        let listed = server.json("/v1/signing-keys");
        let shown = listed["signing_keys"].as_array().unwrap().iter().find(|it| it["id"] == kid);
        assert!(shown.is_some_and(|it| it.get("pem").is_none() && it.get("jwk").is_none()));
        server.delete(&format!("/v1/signing-keys/{kid}"));
        assert_eq!(refusal(&server, &good()), (403, "token_unknown_key".into()));
    }
    let (status, why) =
        server.call("POST", "/v1/tokens", &json!({ "sub": id, "exp": now() + 90_000 }));
    assert_eq!((status, &why["error"]["field"]), (400, &json!("exp")));
    assert!(!server.said().contains(&own), "tokens are not logged");
}

#[test]
fn c25_rules_of_countries_go_by_the_file() {
    let folder = Folder::new("countries");
    let file = folder.0.join("countries.csv");
    std::fs::write(&file, "# of the test\n127.0.0.0/8,PT\n2001:db8::/32,DE\n").unwrap();
    let server = Server::start(&folder, &["--countries", file.to_str().unwrap()]);
    let input = make(&server, json!({ "name": "a", "recording": { "require_signed": true } }));
    let mut encoder = publisher(&server, &input);
    encoder.send_all(&film(9));
    let manifest = |server: &Server, input: &Value, action: &str, country: &str| {
        let rule = json!({ "type": "ip.geoip.country", "action": action, "country": [country] });
        let rules = json!([rule, { "type": "any", "action": if action == "allow" { "block" } else { "allow" } }]);
        let wanted = json!({ "sub": input["id"], "rules": rules });
        let token = server.post("/v1/tokens", &wanted)["token"].clone();
        server.ask(&format!("/{}/manifest/video.m3u8", text(&token)), "").0
    };
    server.until("it is live", |it| (manifest(it, &input, "allow", "PT") == 200).then_some(()));
    assert_eq!(manifest(&server, &input, "block", "pt"), 403);
    assert_eq!(manifest(&server, &input, "allow", "DE"), 403);
    // Another file, by SIGHUP; one with a mistake changes nothing.
    std::fs::write(&file, "127.0.0.1,DE\n").unwrap();
    server.signal("HUP");
    server.until("read again", |it| (manifest(it, &input, "allow", "DE") == 200).then_some(()));
    std::fs::write(&file, "127.0.0.1,PT\n127.0.0.2,Portugal\n").unwrap();
    server.signal("HUP");
    server.until("it is refused", |it| it.said().contains("line 2: a country").then_some(()));
    assert_eq!(manifest(&server, &input, "allow", "DE"), 200);
    // Nobody's country is known without a file, and no server starts with a wrong one.
    let none = Folder::new("no-countries");
    let server = Server::start(&none, &[]);
    let input = make(&server, json!({ "name": "a", "recording": { "require_signed": true } }));
    let mut encoder = publisher(&server, &input);
    encoder.send_all(&film(9));
    server.until("it is live", |it| (manifest(it, &input, "block", "DE") == 200).then_some(()));
    assert_eq!(manifest(&server, &input, "allow", "DE"), 403);
    let wrong = support::program()
        .args(["--rtmp", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data"])
        .arg(&none.0)
        .arg("--countries")
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(!wrong.status.success() && said.contains("countries.csv: line 2: a country"), "{said}");
}

#[test]
fn c07_only_allowed_origins_read_it() {
    let folder = Folder::new("origins");
    let server = Server::start(&folder, &[]);
    let settings = json!({ "name": "a", "recording": { "allowed_origins": ["*.example.com"] } });
    let input = make(&server, settings);
    let mut encoder = publisher(&server, &input);
    encoder.send_all(&film(9));
    let path = format!("/{}/manifest/video.m3u8", text(&input["id"]));
    playlist(&server, &path);
    let from = |origin: &str| {
        let header = if origin.is_empty() { "".into() } else { format!("origin: {origin}\r\n") };
        let (status, head, _) = server.ask(&path, &header);
        (status, self::header(&head, "access-control-allow-origin").map(str::to_owned), head)
    };
    let (status, allowed, head) = from("https://tv.example.com");
    assert_eq!((status, allowed.as_deref()), (200, Some("https://tv.example.com")));
    assert_eq!(header(&head, "vary"), Some("Origin"));
    assert_eq!(from("").0, 200);
    for origin in ["https://example.com", "https://badexample.com", "https://a.example.com:1"] {
        let (status, allowed, _) = from(origin);
        assert_eq!((status, allowed), (403, None), "{origin}");
    }
    let open = make(&server, json!({ "name": "b" }));
    let mut encoder = publisher(&server, &open);
    encoder.send_all(&film(9));
    let path = format!("/{}/manifest/video.m3u8", text(&open["id"]));
    playlist(&server, &path);
    let (_, head, _) = server.ask(&path, "origin: https://anywhere.example\r\n");
    assert_eq!(header(&head, "access-control-allow-origin"), Some("*"));
}

#[test]
fn c08_a_recording_keeps_the_rules_it_began_with() {
    let folder = Folder::new("precedence");
    let server = Server::start(&folder, &[]);
    let settings = json!({ "name": "a", "recording": { "mode": "automatic", "reconnect_window_s": 1, "require_signed": true } });
    let input = make(&server, settings);
    let id = text(&input["id"]);
    let mut encoder = publisher(&server, &input);
    encoder.send_all(&film(9));
    let own = text(&server.post("/v1/tokens", &json!({ "sub": id }))["token"]).to_owned();
    let recording = running(&server, &own);
    assert_eq!(refusal(&server, &recording).0, 401);
    assert_eq!(refusal(&server, &own).0, 200);
    // Other settings of the input: for it at once, and not for what was recorded before.
    server.patch(&format!("/v1/inputs/{id}"), &json!({ "recording": { "require_signed": false } }));
    assert_eq!(refusal(&server, id).0, 200);
    assert_eq!(refusal(&server, &recording).0, 401);
    encoder.leave();
    let wanted = json!({ "sub": recording });
    let watch = text(&server.post("/v1/tokens", &wanted)["token"]).to_owned();
    ended(&server, &format!("/{watch}/manifest/"), &recording);
    assert_eq!(refusal(&server, &recording).0, 401);
    assert_eq!(server.ask(&format!("/v1/recordings/{recording}/media.mp4"), "").0, 401);
    let file = format!("/v1/recordings/{watch}/media.mp4");
    assert_eq!(server.ask(&file, "").0, 403, "the token is for watching only");
    let wanted = json!({ "sub": recording, "downloadable": true });
    let take = text(&server.post("/v1/tokens", &wanted)["token"]).to_owned();
    assert_eq!(server.ask(&format!("/v1/recordings/{take}/media.mp4"), "").0, 200);
    let listed = server.json("/v1/recordings").to_string();
    let written = folder.files(".mp4");
    let below = written[0].strip_prefix(folder.0.join("recordings")).unwrap();
    let path = format!("/recordings/{}", below.display());
    assert_eq!(server.ask(&path, "").0, 401, "nor by its file: {listed}");
}

#[test]
fn c16_c05_a_publisher_that_comes_back_makes_one_discontinuity() {
    let folder = Folder::new("again");
    let server = Server::start(&folder, &[]);
    let settings =
        json!({ "name": "a", "recording": { "mode": "automatic", "reconnect_window_s": 10 } });
    let input = make(&server, settings);
    let id = text(&input["id"]);
    let mut encoder = publisher(&server, &input);
    encoder.send_all(&film(9));
    let path = format!("/{id}/manifest/main.m3u8");
    let before = media(&playlist(&server, &path));
    let recording = running(&server, id);
    encoder.reset();
    server.until("it is suspended", |it| {
        let state = &it.json(&format!("/v1/inputs/{id}"))["status"]["state"];
        (state == "suspended").then_some(())
    });
    assert!(!playlist(&server, &path).contains("#EXT-X-ENDLIST"));
    let mut encoder = publisher(&server, &input);
    encoder.send_all(&film(9));
    let text = server.until("it goes on", |it| {
        let text = it.text(&path);
        (media(&text).segments.len() > before.segments.len() + 2).then_some(text)
    });
    let after = media(&text);
    assert_eq!(text.matches("#EXT-X-DISCONTINUITY\n").count(), 1, "{text}");
    assert!(!after.ended && after.media_sequence >= before.media_sequence);
    assert_eq!(running(&server, id), recording, "one recording");
}

#[test]
fn c29_parts_only_where_low_latency_is_wanted() {
    let folder = Folder::new("latency");
    let server = Server::start(&folder, &[]);
    for low_latency in [true, false] {
        let input = make(&server, json!({ "name": "a", "low_latency": low_latency }));
        let mut encoder = publisher(&server, &input);
        encoder.send_all(&film(9));
        let path = format!("/{}/manifest/main.m3u8", text(&input["id"]));
        let text = playlist(&server, &path);
        assert_eq!(text.contains("#EXT-X-PART:"), low_latency, "{text}");
        assert_eq!(text.contains("CAN-BLOCK-RELOAD=YES"), low_latency);
        if low_latency {
            let next = media(&text);
            let next = next.media_sequence + next.segments.len() as u64 + 1;
            let asked = format!("{path}?_HLS_msn={next}&_HLS_part=0");
            let waiting = std::thread::scope(|scope| {
                let waiting = scope.spawn(|| server.text(&asked));
                std::thread::sleep(Duration::from_millis(100));
                assert!(!waiting.is_finished(), "it waits for what is not there");
                let more = film(18);
                encoder.send_all(&more[more.partition_point(|it| it.timestamp < 9000)..]);
                waiting.join().unwrap()
            });
            assert!(waiting.contains(&format!("main-{next}.0.m4s")), "{waiting}");
        }
    }
}

#[test]
fn c30_t31_t32_windows_of_the_past() {
    let folder = Folder::new("dvr");
    let server = Server::start(&folder, &[]);
    for (settings, least, most) in [
        (json!({ "name": "a" }), 55.0, 66.0),
        (json!({ "name": "a", "dvr": { "enabled": true, "window_s": 30 } }), 28.0, 36.0),
        (json!({ "name": "a", "dvr": { "enabled": true, "window_s": 3600 } }), 85.0, 91.0),
    ] {
        let input = make(&server, settings);
        let mut encoder = publisher(&server, &input);
        encoder.send_all(&film(90));
        let path = format!("/{}/manifest/main.m3u8", text(&input["id"]));
        let listed = server.until("all of it", |it| {
            let (status, _, body) = it.ask(&path, "");
            let text = String::from_utf8(body).unwrap();
            (status == 200)
                .then(|| media(&text))
                .filter(|it| it.media_sequence + it.segments.len() as u64 >= 43)
        });
        assert!((least..most).contains(&seconds(&listed)), "{}", seconds(&listed));
        // T32: all that is older goes.
        server.delete(&format!("/v1/inputs/{}/dvr", text(&input["id"])));
        let left = media(&server.text(&path));
        assert!((6.0..9.0).contains(&seconds(&left)), "{}", seconds(&left));
        let end = |it: &ReadMedia| it.media_sequence + it.segments.len() as u64;
        assert!(end(&left) >= end(&listed));
    }
    // What is recorded goes back to the beginning.
    let input = make(&server, json!({ "name": "b", "recording": { "mode": "automatic" } }));
    let id = text(&input["id"]);
    let mut encoder = publisher(&server, &input);
    encoder.send_all(&film(90));
    let recording = running(&server, id);
    let whole = server.until("all of it", |it| {
        let (status, _, index) = it.ask(&format!("/{id}/manifest/video.m3u8?dvrEnabled=true"), "");
        let named = String::from_utf8(index).unwrap().contains(&format!("\n{recording}.m3u8"));
        if status != 200 || !named {
            return None;
        }
        let text = it.text(&format!("/{id}/manifest/{recording}.m3u8"));
        assert!(text.contains("#EXT-X-PLAYLIST-TYPE:EVENT") && !text.contains("ENDLIST"));
        Some(media(&text)).filter(|it| seconds(it) > 85.0)
    });
    assert!(pictures(&server, &format!("/{id}/manifest/"), &whole) > 85 * 25);
}

#[test]
fn c31_previews_and_clips_by_query() {
    let folder = Folder::new("preview");
    let server = Server::start(&folder, &[]);
    for recording in ["automatic", "off"] {
        let input = make(&server, json!({ "name": "a", "recording": { "mode": recording } }));
        let id = text(&input["id"]);
        let base = format!("/{id}/manifest/");
        let mut encoder = publisher(&server, &input);
        encoder.send_all(&film(36));
        // What stands in a playlist with the query, or in the one that it names.
        let part = |path: &str| {
            let (status, head, body) = server.ask(path, "");
            let text = String::from_utf8(body).unwrap();
            let query = path.split_once('?').unwrap().1;
            let named = format!("main.m3u8?{query}");
            if text.contains(&format!("\n{named}\n")) {
                (status, head, server.text(&format!("{base}{named}")))
            } else {
                (status, head, text)
            }
        };
        let (head, preview) = server.until("all of it", |_| {
            let (status, head, text) = part(&format!("{base}video.m3u8?duration=5s"));
            let start: f64 = header(&head, "preview-start-seconds")?.parse().ok()?;
            (status == 200 && start >= 28.0).then(|| (head, media(&text)))
        });
        let start: f64 = header(&head, "preview-start-seconds").unwrap().parse().unwrap();
        assert!((28.0..=31.0).contains(&start), "{start}");
        assert!(preview.ended && (5.0..=9.0).contains(&seconds(&preview)));
        let of = if recording == "off" { id.to_owned() } else { running(&server, id) };
        assert_eq!(header(&head, "stream-media-id"), Some(of.as_str()));

        let (status, head, clip) = part(&format!("{base}clip.m3u8?time=10s&duration=4s"));
        let clip = media(&clip);
        let start: f64 = header(&head, "preview-start-seconds").unwrap().parse().unwrap();
        assert!(status == 200 && clip.ended && start <= 10.1, "{start}");
        assert!(start + seconds(&clip) >= 13.9 && seconds(&clip) <= 8.5, "{}", seconds(&clip));
        assert!(pictures(&server, &base, &clip) >= 99);
        for (query, status) in [
            ("clip.m3u8?time=0s&duration=61s", 400),
            ("clip.m3u8?time=0s", 400),
            ("video.m3u8?duration=6m", 400),
            ("clip.m3u8?time=30s&duration=30s", 425),
            ("clip.m3u8?time=600s&duration=1s", 425),
        ] {
            assert_eq!(server.ask(&format!("{base}{query}"), "").0, status, "{query}");
        }
    }
}

#[test]
fn c34_viewers_are_counted_and_limited() {
    let folder = Folder::new("viewers");
    let server = Server::start(&folder, &["--max-viewers", "2"]);
    let input = make(&server, json!({ "name": "a" }));
    let id = text(&input["id"]);
    let mut encoder = publisher(&server, &input);
    encoder.send_all(&film(9));
    let views = || server.json(&format!("/{id}/views"))["liveViewers"].as_u64().unwrap();
    assert_eq!(views(), 0);
    let path = format!("/{id}/manifest/video.m3u8");
    playlist(&server, &path);
    let ask = |agent: &str| server.ask(&path, &format!("user-agent: {agent}\r\n")).0;
    assert_eq!((ask("one"), views()), (200, 2));
    assert_eq!((ask("two"), ask("one"), views()), (503, 200, 2));
}

/// Paths of the description that answer with media, and the kinds that they say.
fn described(server: &Server) -> Vec<(String, Vec<String>)> {
    let document = server.json("/v1/openapi.json");
    let paths = document["paths"].as_object().unwrap();
    let kinds = |operations: &Value| -> Vec<String> {
        let kinds = operations["get"]["responses"]["200"]["content"].as_object();
        let names = kinds.into_iter().flat_map(|it| it.keys());
        let is_media = |it: &&String| it.starts_with("video/") || it.ends_with("mpegurl");
        names.filter(is_media).cloned().collect()
    };
    let all = paths.iter().map(|(path, operations)| (path.clone(), kinds(operations)));
    all.filter(|it| !it.1.is_empty()).collect()
}

#[test]
fn media_are_as_they_are_described() {
    let folder = Folder::new("described-media");
    let server = Server::start(&folder, &[]);
    let recorded = json!({ "mode": "automatic", "reconnect_window_s": 1 });
    let input = make(&server, json!({ "name": "a", "recording": recorded }));
    let id = text(&input["id"]);
    let mut encoder = publisher(&server, &input);
    encoder.send_all(&film(9));
    let recording = running(&server, id);
    let clip = server.until("so much is recorded", |it| {
        let wanted = json!({ "source": recording, "start_ms": 0, "duration_ms": 2000 });
        Some(it.call("POST", "/v1/clips", &wanted)).filter(|it| it.0 < 300).map(|it| it.1)
    });
    assert_eq!(&server.beginning(&format!("/{id}/live.flv"), 3)[..3], b"FLV");
    encoder.leave();
    ended(&server, &format!("/{recording}/manifest/"), &recording);
    let shown = server.json(&format!("/v1/recordings/{recording}"));
    let file = text(&shown["files"][0]["url"]).strip_prefix("/recordings/").unwrap();
    let words = [
        ("{recording}", recording.as_str()),
        ("{subject}", &recording),
        ("{clip}", text(&clip["id"])),
        ("{path}", file),
    ];
    let all = described(&server);
    assert_eq!(all.len(), 8, "{all:?}");
    for (path, kinds) in all.iter().filter(|it| !it.0.ends_with("/live.flv")) {
        let mut real = words.iter().fold(path.clone(), |path, (name, id)| path.replace(name, id));
        if path.ends_with("/clip.m3u8") {
            real.push_str("?time=0s&duration=2s");
        }
        let (status, head, body) = server.ask(&real, "");
        let kind = header(&head, "content-type").unwrap_or_default();
        assert_eq!(status, 200, "{real}: {head}");
        assert!(kinds.iter().any(|it| it == kind), "{real}: {kind}");
        assert!(!body.is_empty(), "{real}");
        if kind.starts_with("video/") {
            let (status, head, part) = server.ask(&real, "range: bytes=4-7\r\n");
            assert_eq!((status, part.as_slice()), (206, &body[4..8]), "{real}: {head}");
            let (status, ..) = server.ask(&real, "range: bytes=999999999-\r\n");
            assert_eq!(status, 416, "{real}");
        }
        // They are read, and nothing else.
        let (status, head, _) = server.send("POST", &real, "", b"");
        assert_eq!(status, 405, "{real}: {head}");
    }
}

#[test]
fn t36_clips_are_files_of_their_own() {
    let folder = Folder::new("clips");
    let server = Server::start(&folder, &[]);
    let settings = json!({ "name": "a", "recording": { "mode": "automatic", "reconnect_window_s": 1, "require_signed": true } });
    let input = make(&server, settings);
    let id = text(&input["id"]);
    let mut encoder = publisher(&server, &input);
    encoder.send_all(&film(18));
    let token = |sub: &str| {
        let wanted = json!({ "sub": sub, "downloadable": true });
        text(&server.post("/v1/tokens", &wanted)["token"]).to_owned()
    };
    let own = token(id);
    let recording = running(&server, &own);
    let order = |body: Value| server.call("POST", "/v1/clips", &body);
    let clip = server.until("so much is recorded", |_| {
        let wanted = json!({ "source": recording, "start_ms": 3500, "duration_ms": 8000 });
        Some(order(wanted)).filter(|it| it.0 < 300).map(|it| it.1)
    });
    let wrong = order(json!({ "source": recording, "start_ms": 3500, "duration_ms": 600_000 }));
    assert_eq!(wrong.0, 400);
    assert_eq!(clip["require_signed"], true);
    let clip = text(&clip["id"]);
    assert_eq!(server.ask(&format!("/{clip}/manifest/video.m3u8"), "").0, 401, "the same rules");
    server.until("it has been cut", |it| {
        let seen = it.json(&format!("/v1/clips/{clip}"));
        assert_eq!((&seen["require_signed"], &seen["start_ms"]), (&json!(true), &json!(3500)));
        (seen["ready"] == true).then_some(())
    });
    let base = format!("/{}/manifest/", token(clip));
    let index = playlist(&server, &format!("{base}video.m3u8"));
    assert!(index.contains("CODECS=\"avc1.") && index.contains(&format!("\n{clip}.m3u8")));
    let listed = media(&server.text(&format!("{base}{clip}.m3u8")));
    assert!(listed.ended && (8.9..=9.1).contains(&seconds(&listed)), "{}", seconds(&listed));
    assert_eq!(pictures(&server, &base, &listed), 225);
    let mp4 = server.get(&format!("/v1/clips/{}/media.mp4", token(clip)));
    assert_eq!(&mp4[4..8], b"ftyp");
    // It stays when its recording goes, unless that was not wanted.
    let wanted = json!({ "source": recording, "start_ms": 0, "duration_ms": 2000, "keep": true });
    let kept = text(&server.post("/v1/clips", &wanted)["id"]).to_owned();
    let kept_base = format!("/{}/manifest/", token(&kept));
    playlist(&server, &format!("{kept_base}video.m3u8"));
    encoder.leave();
    ended(&server, &format!("/{}/manifest/", token(&recording)), &recording);
    server.delete(&format!("/v1/recordings/{recording}"));
    server.until("it is gone", |it| {
        (it.ask(&format!("{base}video.m3u8"), "").0 == 403).then_some(())
    });
    assert_eq!(server.ask(&format!("{kept_base}video.m3u8"), "").0, 200);
    server.until("its files are gone", |_| {
        (folder.files(&format!("{clip}.mp4")).is_empty() && folder.files(".mp4").len() == 1)
            .then_some(())
    });
    server.delete(&format!("/v1/clips/{kept}"));
    server.until("no clip is left", |_| folder.files(".mp4").is_empty().then_some(()));
}

#[test]
fn t36_a_clip_that_cannot_be_cut_says_why() {
    let folder = Folder::new("uncut");
    let server = Server::start(&folder, &[]);
    let input = make(
        &server,
        json!({ "name": "a", "recording": { "mode": "automatic", "reconnect_window_s": 1 } }),
    );
    let mut encoder = publisher(&server, &input);
    encoder.send_all(&film(18));
    let recording = running(&server, text(&input["id"]));
    encoder.leave();
    ended(&server, &format!("/{recording}/manifest/"), &recording);
    // A clip's id, and how it ended.
    let order = |server: &Server| {
        let wanted =
            json!({ "source": recording, "start_ms": 12_000, "duration_ms": 3000, "keep": true });
        let path = format!("/v1/clips/{}", text(&server.post("/v1/clips", &wanted)["id"]));
        let end = server.until("it is decided", |it| {
            let seen = it.json(&path);
            assert_eq!(seen["ready"] == true, seen["state"] == "ready", "{seen}");
            (seen["state"] != "pending").then_some(seen)
        });
        (text(&end["id"]).to_owned(), end["state"].clone(), end["error"].clone())
    };
    let again = |server: Server, options: &[&str]| {
        server.signal("TERM");
        assert_eq!(server.end(), Some(0));
        Server::start(&folder, options)
    };
    let (good, state, why) = order(&server);
    assert_eq!((state, why), (json!("ready"), Value::Null));

    let file = folder.files(".mp4").into_iter().find(|it| !it.ends_with(format!("{good}.mp4")));
    let file = file.unwrap();
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 3]).unwrap();
    let (_, state, why) = order(&server);
    assert_eq!((state, why), (json!("failed"), json!("no_media")));
    std::fs::remove_file(&file).unwrap();
    let (gone, state, why) = order(&server);
    assert_eq!((state, why), (json!("failed"), json!("source_gone")));
    assert_eq!(server.ask(&format!("/v1/clips/{gone}/media.mp4"), "").0, 404);

    // The next process cuts what is not there, and does not try again what failed.
    std::fs::write(&file, &whole).unwrap();
    std::fs::remove_file(folder.0.join(format!("clips/{good}.mp4"))).unwrap();
    let server = again(server, &[]);
    server.until("the first clip is there again", |it| {
        (it.json(&format!("/v1/clips/{good}"))["ready"] == true).then_some(())
    });
    assert_eq!(server.json(&format!("/v1/clips/{gone}"))["error"], "source_gone");
    let server = again(server, &["--min-free", "999999999"]);
    let (_, state, why) = order(&server);
    assert_eq!((state, why), (json!("failed"), json!("storage_full")));
}
