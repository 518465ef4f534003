use core::time::Duration;

use levada_control::{
    AccessRule, AccessRules, Action, BodyFacts, Claim, Claims, Entropy, Fact, HookConfig,
    HookFormat, InputConfig, InputId, ListenerConfig, ListenerId, ListenerPolicy, Loss, NoPlaylist,
    Notice, NoticeKind, Now, OutputConfig, OutputError, OutputEvent, OutputId, Plane, PlaneConfig,
    PlaylistRequest, Profile, ProfileKind, Reply, Request, RuleAction, SessionId, Slot, StreamName,
    Subject, Target, TargetRules, Token, Viewer, Who, decide, hook_body, origin_matches,
    parse_pull_list,
};

/// Bytes as a source of decisions: runs dry into zeros.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        let n = usize::from(self.next());
        from.get(n % from.len().max(1)).copied()
    }
}

/// Names, URL lists, targets and playlist queries: what is accepted holds what it promises.
pub fn control_names(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else { return };
    let name = StreamName::parse(text);
    assert!(text.starts_with(name.name()) && !name.name().contains('?'));
    assert!(name.token().is_none_or(|it| !it.is_empty() && text.contains(it)));
    let mut rules = TargetRules::default();
    rules.pull_over_http = true;
    if let Ok(places) = parse_pull_list(text, &rules) {
        assert!(!places.is_empty() && text.chars().count() <= 255);
        assert!(places.iter().all(|it| it.port > 0 && !it.host.is_empty()));
    }
    let (url, key) = text.split_once('\n').map_or((text, None), |(url, key)| (url, Some(key)));
    if let Ok((target, secret)) = Target::parse(url, key, &rules) {
        assert!(!target.app.is_empty() && !secret.reveal().is_empty());
        assert!(!target.url().contains(char::is_control));
        // Joined again it is the same target with the same name.
        let (url, name) = target.reveal(&secret);
        let again = Target::parse(&url, Some(name), &rules);
        // An `@` in a password takes three characters more.
        if !name.starts_with('/') && url.len() <= 2048 {
            assert_eq!(again, Ok((target, secret)));
        }
    }
    for is_clip in [false, true] {
        let Ok(request) = PlaylistRequest::parse(text, is_clip) else { continue };
        match request.range(1_000, 100_000, true) {
            Ok((from, to)) => assert!(from <= to && from >= 1_000 && to <= 100_000),
            Err(why) => assert!(matches!(why, NoPlaylist::TooEarly | NoPlaylist::NoSource)),
        }
    }
}

/// Claims, rules and origins: whoever is let in has a token that says so, and comes from where it may.
pub fn control_access(data: &[u8]) {
    let mut bytes = Bytes(data);
    let now = Now::new(Duration::ZERO, 1_767_225_600_000);
    let seconds = |byte: u8| i64::from(byte) * 1000 + 1_767_225_600 - 20_000;
    let mut claims =
        Claims { sub: "input".into(), exp: Some(seconds(bytes.next())), ..Claims::default() };
    if bytes.next() & 1 == 1 {
        claims.nbf = Some(seconds(bytes.next()));
    }
    let address: [u8; 4] = core::array::from_fn(|_| bytes.next());
    for _ in 0..bytes.next() % 8 {
        let action = if bytes.next() & 1 == 0 { RuleAction::Allow } else { RuleAction::Block };
        let network = format!("{}.{}.0.0/{}", bytes.next(), bytes.next(), bytes.next() % 40);
        let who =
            if bytes.next() & 3 == 0 { Who::Any } else { Who::Networks { ip: vec![network] } };
        claims.rules.push(AccessRule { who, action });
    }
    let text = String::from_utf8_lossy(bytes.0).into_owned();
    let (pattern, origin) = text.split_once('\n').unwrap_or((&text, "https://a.example"));
    let mut rules = AccessRules::default();
    rules.require_signed = true;
    rules.allowed_origins = vec![pattern.to_owned()];
    let viewer = Viewer {
        address: address.into(),
        country: None,
        origin: Some(origin),
        referer: None,
        download: false,
    };
    let answer = decide(now, &rules, &["input"], Token::Verified(&claims), &viewer);
    if let Ok(allowed) = &answer {
        assert!(origin_matches(pattern, origin));
        assert_eq!(allowed.cors_origin.as_deref(), Some(origin));
        assert!(claims.exp.is_some_and(|it| it > 1_767_225_600) && claims.rules.len() <= 5);
        assert!(claims.nbf.is_none_or(|it| it <= 1_767_225_600));
    }
    assert!(decide(now, &rules, &["input"], Token::None, &viewer).is_err());
    // A pattern without a star means one host: itself, and nothing that only ends with it.
    if pattern.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'.') && !pattern.is_empty() {
        assert!(origin_matches(pattern, &format!("https://{pattern}")));
        assert!(!origin_matches(pattern, &format!("https://x{pattern}")));
    }
}

/// Bodies are valid JSON whatever names hold.
pub fn control_hook_body(data: &[u8]) {
    let mut bytes = Bytes(data);
    let formats =
        [HookFormat::Native, HookFormat::LiveInputs, HookFormat::Streams, HookFormat::Calls];
    let Some(format) = bytes.pick(&formats) else { return };
    let kind = bytes.next();
    let name = String::from_utf8_lossy(bytes.0).into_owned();
    let output = OutputId::from_bytes([kind; 16]);
    let kind = match kind % 5 {
        0 => NoticeKind::InputSuspended { reason: Loss::Idle, resume_until: i64::from(kind) },
        1 => NoticeKind::OutputStarted { output, name: name.clone() },
        2 => NoticeKind::OutputFailed { output, name: name.clone(), why: OutputError::Tls },
        3 => NoticeKind::InputLive { slot: Slot::Primary },
        _ => NoticeKind::InputErrored { reason: Loss::NoMedia },
    };
    let mut config = PlaneConfig::default();
    config.public_base = name.clone();
    let notice = notice(kind, &name);
    let facts =
        levada_control::StreamFacts { client_user_id: Some(name.clone()), ..Default::default() };
    let facts = BodyFacts { stream: Some(&facts), public_base: &name, ..BodyFacts::default() };
    let Some(body) = hook_body(format, &notice, facts) else { return };
    assert!(serde_json::from_str::<serde_json::Value>(&body).is_ok(), "{body}");
    assert!(!body.contains(char::is_control));
}

/// A notice can't be made outside of its crate: take one that a plane made and put the name and kind in.
fn notice(kind: NoticeKind, name: &str) -> Notice {
    let mut plane = Plane::new(PlaneConfig::default());
    let mut zeros = Dice(1);
    let config = InputConfig::new("cam", Profile::default());
    let Ok(Reply::Input(id)) =
        plane.handle(Now::default(), Request::CreateInput(config), &mut zeros)
    else {
        unreachable!("an input can be made")
    };
    let _ = plane.handle(Now::default(), Request::RotateKeys(id), &mut zeros);
    let notices = core::iter::from_fn(|| plane.poll()).filter_map(|it| match it {
        Action::Notice(notice) => Some(notice),
        _ => None,
    });
    let mut notice = notices.last().unwrap_or_else(|| unreachable!("rotation is told"));
    if let Some(Subject { name: subject, .. }) = notice.input.as_mut() {
        name.clone_into(subject);
    }
    notice.kind = kind;
    notice
}

/// Chance that is none.
struct Dice(u64);

impl Entropy for Dice {
    fn fill(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            *byte = self.0.to_be_bytes()[0];
        }
    }
}

/// A plane under any events: no panic, nothing spins, and a twin that is told the same does the same.
pub fn control_plane(data: &[u8]) {
    let mut bytes = Bytes(data);
    let mut config = PlaneConfig::default();
    config.limits.hook_queue = 4;
    let mut planes = [Plane::new(config.clone()), Plane::new(config)];
    let mut dice = [Dice(7), Dice(7)];
    let (mut ms, mut inputs, mut outputs, mut sessions) =
        (0_u64, Vec::new(), Vec::new(), Vec::new());
    let mut listeners: Vec<ListenerId> = Vec::new();
    for _ in 0..200 {
        if bytes.0.is_empty() {
            break;
        }
        ms += u64::from(bytes.next()).pow(2);
        let now = Now::new(Duration::from_millis(ms), i64::try_from(ms).unwrap_or(i64::MAX));
        let step = step(&mut bytes, &inputs, &outputs, &sessions, &listeners, ms);
        let answers: Vec<_> = planes
            .iter_mut()
            .zip(&mut dice)
            .map(|(plane, dice)| {
                let answer = plane.handle(now, step.clone(), dice);
                (answer, core::iter::from_fn(|| plane.poll()).collect::<Vec<_>>())
            })
            .collect();
        assert_eq!(answers.first(), answers.last(), "the same calls, the same actions");
        assert!(planes[0].next_deadline().is_none_or(|it| it > now.mono), "nothing spins");
        match answers.into_iter().next().map(|(answer, _)| answer) {
            Some(Ok(Reply::Input(id))) => inputs.push(id),
            Some(Ok(Reply::Outputs(ids))) => outputs.extend(ids),
            Some(Ok(Reply::Listener(id))) => listeners.push(id),
            Some(Ok(Reply::Publishing { session, .. } | Reply::Playing { session, .. })) => {
                sessions.push(session)
            }
            _ => {}
        }
    }
    // And from a snapshot it goes on as it would have.
    let now = Now::new(Duration::from_millis(ms), i64::try_from(ms).unwrap_or(i64::MAX));
    let mut restored = Plane::restore(planes[0].snapshot(), now);
    let later = Now::new(Duration::from_millis(ms + 100_000), now.unix_ms + 100_000);
    assert_eq!(restored.tick(later), planes[1].tick(later));
    assert!(core::iter::from_fn(|| restored.poll()).eq(core::iter::from_fn(|| planes[1].poll())));
}

fn step(
    bytes: &mut Bytes<'_>,
    inputs: &[InputId],
    outputs: &[OutputId],
    sessions: &[SessionId],
    listeners: &[ListenerId],
    ms: u64,
) -> levada_control::Step {
    let input = bytes.pick(inputs).unwrap_or(InputId::from_bytes([0; 16]));
    let output = bytes.pick(outputs).unwrap_or(OutputId::from_bytes([0; 16]));
    let session = bytes.pick(sessions).unwrap_or(SessionId::from_bytes([0; 8]));
    let listener = bytes.pick(listeners).unwrap_or(ListenerId::from_bytes([0; 12]));
    let kinds =
        [ProfileKind::Default, ProfileKind::LiveInputs, ProfileKind::Streams, ProfileKind::Servers];
    let kind = bytes.pick(&kinds).unwrap_or_default();
    let attempt = u64::from(bytes.next() % 4);
    let slot = if bytes.next() & 1 == 0 { Slot::Primary } else { Slot::Backup };
    let config = || InputConfig::new("cam", Profile::of(kind));
    match bytes.next() % 22 {
        0 => Request::CreateInput(config()).into(),
        1 => Request::UpdateInput(input, config()).into(),
        2 => Request::DeleteInput(input).into(),
        3 => Request::RotateKeys(input).into(),
        4 => Request::StartRecording(input).into(),
        5 => Request::StopRecording(input).into(),
        6 => {
            let Ok((target, _)) =
                Target::parse("rtmp://t.example/a", Some("k"), &TargetRules::default())
            else {
                unreachable!("a target")
            };
            Request::CreateOutputs(
                input,
                vec![OutputConfig::new(format!("o{}", bytes.next() % 4), target)],
            )
            .into()
        }
        7 => Request::EnableOutput(output, slot == Slot::Primary).into(),
        8 => Request::StopOutputs(input).into(),
        9 => {
            let mut listener = ListenerConfig::new(
                format!("l{}", bytes.next() % 4),
                1000 + u16::from(bytes.next() % 4),
            );
            if slot == Slot::Backup {
                listener.policy = ListenerPolicy::Open;
            }
            Request::CreateListener(listener).into()
        }
        10 => Request::StopListener(listener).into(),
        11 => Fact::Bound(listener).into(),
        12..=14 => {
            let claim = match bytes.next() % 3 {
                0 => Claim::Open { app: "live".into(), name: format!("n{}", bytes.next() % 3) },
                _ => Claim::Input { input, slot, rendition: None },
            };
            let address = [10, 0, 0, bytes.next()].into();
            if bytes.next().is_multiple_of(4) {
                return Fact::Play { listener, claim, address }.into();
            }
            Fact::Publish { listener, claim, address, template: None }.into()
        }
        15 => Fact::Media { session, position_ms: ms, video: true }.into(),
        16 => Fact::Keyframe { session, position_ms: ms }.into(),
        17 => Fact::Gone { session, reason: Loss::Closed }.into(),
        18 => Fact::Output(output, OutputEvent::Published { attempt }).into(),
        19 => Fact::Output(
            output,
            OutputEvent::Lost { attempt, why: OutputError::RemoteClosed, remote: None },
        )
        .into(),
        20 => Request::CreateHook(HookConfig::new("https://h.example/", HookFormat::Native)).into(),
        _ => Fact::Restarted.into(),
    }
}
