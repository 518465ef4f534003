use alloc::format;
use alloc::vec;

use super::*;
use crate::tests::at;

/// 2026-01-01T00:00:00Z.
const NOW_S: i64 = 1_767_225_600;

fn claims() -> Claims {
    Claims { sub: "input".into(), exp: Some(NOW_S + 3600), ..Claims::default() }
}

fn viewer() -> Viewer<'static> {
    Viewer {
        address: [192, 0, 2, 7].into(),
        country: None,
        origin: None,
        referer: None,
        download: false,
    }
}

fn signed() -> AccessRules {
    AccessRules { require_signed: true, ..AccessRules::default() }
}

fn ask(claims: &Claims, viewer: &Viewer<'_>) -> Result<(), Denied> {
    decide(at(0), &signed(), &["input"], Token::Verified(claims), viewer).map(drop)
}

#[test]
fn c06_tokens_are_good_from_nbf_to_exp_for_their_subject() {
    let none = decide(at(0), &signed(), &["input"], Token::None, &viewer());
    assert_eq!(none.map_err(|it| it.status()), Err(401));
    assert_eq!(ask(&claims(), &viewer()), Ok(()));
    for (exp, answer) in [
        (NOW_S + 1, Ok(())),
        (NOW_S, Err(Denied::TokenExpired)),
        (NOW_S - 1, Err(Denied::TokenExpired)),
        (NOW_S + 86_400, Ok(())),
        (NOW_S + 86_401, Err(Denied::TokenBadSignature)),
        (i64::MAX, Err(Denied::TokenBadSignature)),
        (i64::MIN, Err(Denied::TokenExpired)),
    ] {
        assert_eq!(ask(&Claims { exp: Some(exp), ..claims() }, &viewer()), answer, "{exp}");
    }
    assert_eq!(ask(&Claims { exp: None, ..claims() }, &viewer()), Err(Denied::TokenBadSignature));
    for (nbf, answer) in
        [(NOW_S - 1, Ok(())), (NOW_S, Ok(())), (NOW_S + 1, Err(Denied::TokenNotYet))]
    {
        assert_eq!(ask(&Claims { nbf: Some(nbf), ..claims() }, &viewer()), answer, "{nbf}");
    }
    let other = Claims { sub: "other".into(), ..claims() };
    assert_eq!(ask(&other, &viewer()), Err(Denied::TokenWrongSubject));
    let both =
        decide(at(0), &signed(), &["recording", "input"], Token::Verified(&claims()), &viewer());
    assert!(both.is_ok(), "a token for an input opens its running recording");
}

#[test]
fn a_token_that_is_bad_is_refused_even_where_none_is_needed() {
    let open = AccessRules::default();
    assert!(decide(at(0), &open, &["input"], Token::None, &viewer()).is_ok());
    let bad = decide(at(0), &open, &["input"], Token::Bad(Denied::TokenBadSignature), &viewer());
    assert_eq!(bad.map_err(|it| it.status()), Err(403));
}

#[test]
fn algorithms_are_the_keys_own() {
    assert_eq!(["RS256", "EdDSA", "HS256"].map(|it| Algorithm::parse(it).is_some()), [true; 3]);
    for bad in ["none", "None", "", "rs256", "HS512", "ES256"] {
        assert_eq!(Algorithm::parse(bad), None, "{bad}");
    }
    assert!(!Algorithm::Rs256.matches("HS256"), "a public key is no secret to sign with");
    assert!(Algorithm::Rs256.matches("RS256"));
}

fn rule(who: Who, action: RuleAction) -> AccessRule {
    AccessRule { who, action }
}

fn networks(list: &[&str]) -> Who {
    Who::Networks { ip: list.iter().map(|it| (*it).into()).collect() }
}

#[test]
fn c25_the_first_rule_that_matches_decides() {
    let allowed = |rules: Vec<AccessRule>, address: [u8; 4], country| {
        let viewer = Viewer { address: address.into(), country, ..viewer() };
        ask(&Claims { rules, ..claims() }, &viewer).is_ok()
    };
    let home = || networks(&["192.0.2.0/24", "198.51.100.1"]);
    let block_rest = || rule(Who::Any, RuleAction::Block);
    let rules = || vec![rule(home(), RuleAction::Allow), block_rest()];
    assert!(allowed(rules(), [192, 0, 2, 255], None));
    assert!(allowed(rules(), [198, 51, 100, 1], None));
    assert!(!allowed(rules(), [198, 51, 100, 2], None));
    assert!(!allowed(vec![block_rest(), rule(home(), RuleAction::Allow)], [192, 0, 2, 1], None));
    assert!(
        allowed(vec![rule(home(), RuleAction::Block)], [203, 0, 113, 1], None),
        "no match allows"
    );
    let country =
        || rule(Who::Countries { country: vec!["DE".into(), "PT".into()] }, RuleAction::Allow);
    assert!(allowed(vec![country(), block_rest()], [1, 1, 1, 1], Some("pt")));
    assert!(!allowed(vec![country(), block_rest()], [1, 1, 1, 1], Some("US")));
    assert!(
        !allowed(vec![country(), block_rest()], [1, 1, 1, 1], None),
        "an unknown country is in no list"
    );
    let many = |count| vec![rule(Who::Any, RuleAction::Allow); count];
    assert!(allowed(many(MAX_RULES), [1, 1, 1, 1], None));
    assert!(!allowed(many(MAX_RULES + 1), [1, 1, 1, 1], None));
}

#[test]
fn c25_rules_of_one_ip_version_say_nothing_of_the_other() {
    let rules = vec![rule(networks(&["0.0.0.0/0"]), RuleAction::Block)];
    let blocked = |address: &str| {
        let viewer = Viewer { address: address.parse().unwrap(), ..viewer() };
        ask(&Claims { rules: rules.clone(), ..claims() }, &viewer).is_err()
    };
    assert!(blocked("8.8.8.8"));
    assert!(!blocked("2001:db8::1"));
    assert!(blocked("::ffff:8.8.8.8"), "a v4 viewer in v6 clothes");
}

#[test]
fn networks_at_their_edges() {
    let contains = |network: &str, address: &str| {
        Network::parse(network).unwrap().contains(address.parse().unwrap())
    };
    assert!(contains("10.0.0.0/8", "10.255.255.255") && !contains("10.0.0.0/8", "11.0.0.0"));
    assert!(contains("0.0.0.0/0", "255.1.1.1"));
    assert!(contains("192.0.2.1/32", "192.0.2.1") && !contains("192.0.2.1/32", "192.0.2.0"));
    assert!(
        contains("2001:db8::/32", "2001:db8:ffff::1") && !contains("2001:db8::/32", "2001:db9::")
    );
    assert!(contains("::/0", "2001:db8::1"));
    for bad in [
        "",
        "10.0.0.0/33",
        "::/129",
        "10.0.0.0/-1",
        "10.0.0.0/+8",
        "10.0.0.0/",
        "10.0.0/8",
        "a/8",
        "10.0.0.0/999",
    ] {
        assert_eq!(Network::parse(bad), None, "{bad}");
    }
}

#[test]
fn c07_origins() {
    for (pattern, origin, meant) in [
        ("example.com", "https://example.com", true),
        ("example.com", "http://example.com", true),
        ("EXAMPLE.com", "https://Example.COM/page?x", true),
        ("example.com", "https://www.example.com", false),
        ("example.com", "https://example.com.evil.org", false),
        ("example.com", "https://evil.org/example.com", false),
        ("example.com", "https://example.com@evil.org", false),
        ("example.com", "https://badexample.com", false),
        ("*.example.com", "https://a.example.com", true),
        ("*.example.com", "https://a.b.example.com", true),
        ("*.example.com", "https://example.com", false),
        ("*.example.com", "https://badexample.com", false),
        ("*.example.com", "https://.example.com", false),
        ("*.", "https://a.b", false),
        ("example.com", "https://example.com:443", true),
        ("example.com", "http://example.com:443", false),
        ("example.com", "https://example.com:8443", false),
        ("example.com:8443", "https://example.com:8443", true),
        ("example.com:8443", "https://example.com", false),
        ("https://example.com", "https://example.com", true),
        ("[::1]", "http://[::1]", true),
        ("[::1]:8080", "http://[::1]:8080", true),
        ("*", "https://anything.org", true),
        ("example.com", "null", false),
        ("example.com", "file:///etc", false),
        ("", "https://", false),
    ] {
        assert_eq!(origin_matches(pattern, origin), meant, "{pattern} {origin}");
    }
}

#[test]
fn c07_c08_the_token_goes_before_the_origin() {
    let rules = AccessRules { allowed_origins: vec!["example.com".into()], ..signed() };
    let ask = |token, viewer: &Viewer<'_>| decide(at(0), &rules, &["input"], token, viewer);
    let foreign = Viewer { origin: Some("https://evil.org"), ..viewer() };
    assert_eq!(ask(Token::None, &foreign), Err(Denied::TokenMissing));
    let claims = claims();
    assert_eq!(ask(Token::Verified(&claims), &foreign), Err(Denied::Origin));
    let own = Viewer { origin: Some("https://example.com"), ..viewer() };
    let allowed = Allowed { cors_origin: Some("https://example.com".into()) };
    assert_eq!(ask(Token::Verified(&claims), &own), Ok(allowed));
    let referer = Viewer { referer: Some("https://evil.org/page"), ..viewer() };
    assert_eq!(ask(Token::Verified(&claims), &referer), Err(Denied::Origin));
    assert!(ask(Token::Verified(&claims), &viewer()).is_ok(), "a player that names no origin");
    let strict = AccessRules { strict_origin: true, ..rules.clone() };
    let denied = decide(at(0), &strict, &["input"], Token::Verified(&claims), &viewer());
    assert_eq!(denied, Err(Denied::Origin));
}

#[test]
fn networks_from_their_first_to_their_last_address() {
    for (network, first, last) in [
        ("192.0.2.77/24", "192.0.2.0", "192.0.2.255"),
        ("192.0.2.77", "192.0.2.77", "192.0.2.77"),
        ("192.0.2.77/0", "0.0.0.0", "255.255.255.255"),
        ("2001:db8:1::/32", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("::1/128", "::1", "::1"),
        ("::1/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ] {
        let network = Network::parse(network).unwrap();
        let bounds: (IpAddr, IpAddr) = (first.parse().unwrap(), last.parse().unwrap());
        assert_eq!(network.bounds(), bounds);
        assert!(network.contains(bounds.0) && network.contains(bounds.1));
    }
}

#[test]
fn downloads_need_a_token_that_says_so() {
    let wants = Viewer { download: true, ..viewer() };
    assert_eq!(ask(&claims(), &wants), Err(Denied::TokenDownload));
    assert_eq!(ask(&Claims { downloadable: true, ..claims() }, &wants), Ok(()));
}

#[test]
fn tokens_that_may_be_made() {
    let check = |claims: Claims| claims.check(at(0)).map_err(|it| it.field());
    assert_eq!(check(claims()), Ok(()));
    assert_eq!(check(Claims { exp: None, ..claims() }), Err(Some("exp")));
    assert_eq!(check(Claims { exp: Some(NOW_S + 86_401), ..claims() }), Err(Some("exp")));
    let with = |rules| check(Claims { rules, ..claims() });
    assert_eq!(with(vec![rule(Who::Any, RuleAction::Block); 6]), Err(Some("accessRules")));
    assert_eq!(with(vec![rule(networks(&["x"]), RuleAction::Block)]), Err(Some("accessRules")));
    let codes = Who::Countries { country: vec!["DEU".into()] };
    assert_eq!(with(vec![rule(codes, RuleAction::Block)]), Err(Some("accessRules")));
}

#[cfg(feature = "serde")]
#[test]
fn claims_as_json_with_numbers_as_text() {
    let text = format!(
        r#"{{"sub":"input","kid":"k","exp":"{}","nbf":{NOW_S},"accessRules":[
            {{"type":"ip.geoip.country","action":"allow","country":["PT"]}},
            {{"type":"ip.src","action":"block","ip":["10.0.0.0/8"]}},
            {{"type":"any","action":"block"}}]}}"#,
        NOW_S + 60
    );
    let found: Claims = serde_json::from_str(&text).unwrap();
    assert_eq!((found.exp, found.nbf, found.downloadable), (Some(NOW_S + 60), Some(NOW_S), false));
    assert_eq!(found.rules[1], rule(networks(&["10.0.0.0/8"]), RuleAction::Block));
    assert_eq!(found.rules[2].who, Who::Any);
    for bad in [
        r#"{"sub":"a","exp":"soon"}"#,
        r#"{"sub":"a","exp":true}"#,
        r#"{"accessRules":[{"type":"x"}]}"#,
    ] {
        assert!(serde_json::from_str::<Claims>(bad).is_err(), "{bad}");
    }
}
