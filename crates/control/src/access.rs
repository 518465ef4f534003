//! Who may watch: tokens, rules, origins.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use thiserror::Error;

use crate::{Error, Now};

/// The longest time that a token may be good for: 24 h.
pub const LONGEST_TOKEN_S: i64 = 86_400;

/// The most rules in a token.
pub const MAX_RULES: usize = 5;

/// Who may watch an input or a recording.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct AccessRules {
    /// Whether a token is needed.
    pub require_signed: bool,
    /// Pages that may embed it: hosts, with `*.` for any depth below, with a port if it is not the scheme's own.
    /// Empty: any.
    pub allowed_origins: Vec<String>,
    /// Whether a viewer that names no origin is refused.
    pub strict_origin: bool,
}

/// Why a viewer was refused.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Denied {
    /// No token where one is needed.
    #[error("a token is needed")]
    TokenMissing,
    /// It is over.
    #[error("the token has expired")]
    TokenExpired,
    /// It has not begun.
    #[error("the token is not valid yet")]
    TokenNotYet,
    /// It is for something else.
    #[error("the token is for something else")]
    TokenWrongSubject,
    /// Its signature, algorithm or form is wrong.
    #[error("the token's signature is wrong")]
    TokenBadSignature,
    /// Its key does not exist, or no more.
    #[error("the token's key is unknown")]
    TokenUnknownKey,
    /// One of its rules blocks this viewer.
    #[error("the token does not allow this viewer")]
    TokenRule,
    /// It does not allow downloads.
    #[error("the token does not allow downloads")]
    TokenDownload,
    /// This page may not embed it.
    #[error("this origin is not allowed")]
    Origin,
    /// As many viewers are there as may be.
    #[error("there are too many viewers")]
    TooManyViewers,
}

impl Denied {
    /// The word for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TokenMissing => "token_missing",
            Self::TokenExpired => "token_expired",
            Self::TokenNotYet => "token_not_yet",
            Self::TokenWrongSubject => "token_wrong_subject",
            Self::TokenBadSignature => "token_bad_signature",
            Self::TokenUnknownKey => "token_unknown_key",
            Self::TokenRule => "token_rule",
            Self::TokenDownload => "token_download",
            Self::Origin => "origin",
            Self::TooManyViewers => "too_many_viewers",
        }
    }

    /// The HTTP status: 401 without a token, 403 with a wrong one, 503 when it is full.
    pub const fn status(self) -> u16 {
        match self {
            Self::TokenMissing => 401,
            Self::TooManyViewers => 503,
            _ => 403,
        }
    }
}

/// How a token is signed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Algorithm {
    /// RSA with SHA-256.
    #[default]
    Rs256,
    /// Ed25519.
    EdDsa,
    /// HMAC with SHA-256.
    Hs256,
}

impl Algorithm {
    /// From a token's header. `none` and everything else that is not on the list is none.
    pub fn parse(alg: &str) -> Option<Self> {
        [Self::Rs256, Self::EdDsa, Self::Hs256].into_iter().find(|it| it.as_str() == alg)
    }

    /// As it stands in a token's header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::EdDsa => "EdDSA",
            Self::Hs256 => "HS256",
        }
    }

    /// Whether a token with this header may be checked with a key that was made for another algorithm: never. An RSA
    /// public key taken for an HMAC secret would let everybody sign.
    pub fn matches(self, header_alg: &str) -> bool {
        Self::parse(header_alg) == Some(self)
    }
}

/// What a token says. Its signature has been checked by the caller, with the key that its header names and that key's
/// own algorithm: this crate holds no cryptography.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
#[expect(clippy::exhaustive_structs, reason = "filled in by whoever parsed the token")]
pub struct Claims {
    /// The input or recording that it opens.
    pub sub: String,
    /// Until when, in Unix seconds. Needed. Read it with [`parse_seconds`] if it came as text.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "number_or_text"))]
    pub exp: Option<i64>,
    /// From when.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "number_or_text"))]
    pub nbf: Option<i64>,
    /// Whether files may be downloaded.
    pub downloadable: bool,
    /// Who may use it. The first that matches decides.
    #[cfg_attr(feature = "serde", serde(rename = "accessRules"))]
    pub rules: Vec<AccessRule>,
}

#[cfg(feature = "serde")]
fn number_or_text<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<i64>, D::Error> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
        Fraction(f64),
        Text(String),
    }
    let either = <Option<Either> as serde::Deserialize>::deserialize(deserializer)?;
    match either {
        None => Ok(None),
        Some(Either::Number(number)) => Ok(Some(number)),
        #[expect(clippy::cast_possible_truncation, reason = "saturates; whole seconds are enough")]
        Some(Either::Fraction(number)) => Ok(Some(number as i64)),
        Some(Either::Text(text)) => parse_seconds(&text)
            .map(Some)
            .ok_or_else(|| serde::de::Error::custom("not a number of seconds")),
    }
}

/// Unix seconds as text.
pub fn parse_seconds(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// One rule of a token.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(clippy::exhaustive_structs, reason = "filled in by whoever parsed the token")]
pub struct AccessRule {
    /// Whom it is about.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub who: Who,
    /// What it does.
    pub action: RuleAction,
}

/// Whom a rule is about.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(tag = "type"))]
#[non_exhaustive]
pub enum Who {
    /// Everybody.
    #[cfg_attr(feature = "serde", serde(rename = "any"))]
    Any,
    /// These networks. Those of one IP version say nothing of viewers of the other.
    #[cfg_attr(feature = "serde", serde(rename = "ip.src"))]
    Networks {
        /// Addresses, or networks as `192.0.2.0/24`.
        ip: Vec<String>,
    },
    /// These countries. A viewer whose country is unknown is in none.
    #[cfg_attr(feature = "serde", serde(rename = "ip.geoip.country"))]
    Countries {
        /// Codes of two letters.
        country: Vec<String>,
    },
}

/// What a rule does with a viewer whom it is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum RuleAction {
    /// Let in.
    Allow,
    /// Refuse.
    Block,
}

/// A network: an address and how many of its bits count.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Parses `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let address = address.parse::<IpAddr>().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => {
                bits.bytes().all(|it| it.is_ascii_digit()).then(|| bits.parse().ok())??
            }
            None => most,
        };
        (bits <= most).then_some(Self { address, bits })
    }

    /// The first and the last address of it.
    pub fn bounds(&self) -> (IpAddr, IpAddr) {
        let bits = u32::from(self.bits);
        match self.address {
            IpAddr::V4(it) => {
                let hosts = u32::MAX.checked_shr(bits).unwrap_or(0);
                let (first, last) = (it.to_bits() & !hosts, it.to_bits() | hosts);
                (Ipv4Addr::from_bits(first).into(), Ipv4Addr::from_bits(last).into())
            }
            IpAddr::V6(it) => {
                let hosts = u128::MAX.checked_shr(bits).unwrap_or(0);
                let (first, last) = (it.to_bits() & !hosts, it.to_bits() | hosts);
                (Ipv6Addr::from_bits(first).into(), Ipv6Addr::from_bits(last).into())
            }
        }
    }

    /// Whether an address lies in it. A v4 address in v6 clothes counts as v4.
    pub fn contains(&self, address: IpAddr) -> bool {
        fn same(a: u128, b: u128, width: u32, bits: u8) -> bool {
            let shift = width.saturating_sub(u32::from(bits));
            a.checked_shr(shift).unwrap_or(0) == b.checked_shr(shift).unwrap_or(0)
        }
        match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                same(a.to_bits().into(), b.to_bits().into(), 32, self.bits)
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128, self.bits),
            _ => false,
        }
    }
}

impl Claims {
    /// Says whether a token can be made of these, now.
    pub fn check(&self, now: Now) -> Result<(), Error> {
        let invalid = |field, why| Err(Error::Invalid { field, why });
        let seconds = now.unix_ms.div_euclid(1000);
        match self.exp {
            Some(exp) if exp > seconds && exp.saturating_sub(seconds) <= LONGEST_TOKEN_S => {}
            _ => return invalid("exp", "must lie at most 24 hours ahead"),
        }
        if self.rules.len() > MAX_RULES {
            return invalid("accessRules", "must be at most 5");
        }
        for rule in &self.rules {
            match &rule.who {
                Who::Networks { ip }
                    if ip.len() > 100 || ip.iter().any(|it| Network::parse(it).is_none()) =>
                {
                    return invalid("accessRules", "must name at most 100 addresses or networks");
                }
                Who::Countries { country }
                    if country.len() > 300 || country.iter().any(|it| it.len() != 2) =>
                {
                    return invalid("accessRules", "must name countries by two letters");
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn allows(&self, viewer: &Viewer<'_>) -> bool {
        let is_about = |who: &Who| match who {
            Who::Any => true,
            Who::Networks { ip } => {
                ip.iter().filter_map(|it| Network::parse(it)).any(|it| it.contains(viewer.address))
            }
            Who::Countries { country } => viewer
                .country
                .is_some_and(|it| country.iter().any(|listed| listed.eq_ignore_ascii_case(it))),
        };
        let first = self.rules.iter().take(MAX_RULES).find(|it| is_about(&it.who));
        first.is_none_or(|it| it.action == RuleAction::Allow)
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "filled in per request")]
pub struct Viewer<'a> {
    /// Where from.
    pub address: IpAddr,
    /// Its country, if the caller can tell.
    pub country: Option<&'a str>,
    /// The header `Origin`.
    pub origin: Option<&'a str>,
    /// The header `Referer`.
    pub referer: Option<&'a str>,
    /// Whether it wants a file.
    pub download: bool,
}

/// The token that a viewer brought.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Token<'a> {
    /// None.
    None,
    /// One that the caller could not verify.
    Bad(Denied),
    /// One whose signature is right.
    Verified(&'a Claims),
}

/// A viewer may watch.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Allowed {
    /// For `Access-Control-Allow-Origin`; send `Vary: Origin` with it.
    pub cors_origin: Option<String>,
}

/// Decides whether a viewer may watch what `subjects` name: an input's or a recording's id, and for the recording that
/// is running also its input's.
///
/// Token first, then origin.
pub fn decide(
    now: Now,
    rules: &AccessRules,
    subjects: &[&str],
    token: Token<'_>,
    viewer: &Viewer<'_>,
) -> Result<Allowed, Denied> {
    match token {
        Token::Bad(why) => return Err(why),
        Token::None if rules.require_signed => return Err(Denied::TokenMissing),
        Token::None => {}
        Token::Verified(claims) => check_token(now, claims, subjects, viewer)?,
    }
    check_origin(rules, viewer)
}

fn check_token(
    now: Now,
    claims: &Claims,
    subjects: &[&str],
    viewer: &Viewer<'_>,
) -> Result<(), Denied> {
    let seconds = now.unix_ms.div_euclid(1000);
    let exp = claims.exp.ok_or(Denied::TokenBadSignature)?;
    if exp <= seconds {
        return Err(Denied::TokenExpired);
    }
    if exp.saturating_sub(seconds) > LONGEST_TOKEN_S {
        return Err(Denied::TokenBadSignature);
    }
    if claims.nbf.is_some_and(|it| it > seconds) {
        return Err(Denied::TokenNotYet);
    }
    if !subjects.contains(&claims.sub.as_str()) {
        return Err(Denied::TokenWrongSubject);
    }
    if claims.rules.len() > MAX_RULES || !claims.allows(viewer) {
        return Err(Denied::TokenRule);
    }
    if viewer.download && !claims.downloadable {
        return Err(Denied::TokenDownload);
    }
    Ok(())
}

fn check_origin(rules: &AccessRules, viewer: &Viewer<'_>) -> Result<Allowed, Denied> {
    let origin = viewer.origin.or(viewer.referer);
    if rules.allowed_origins.is_empty() {
        return Ok(Allowed { cors_origin: viewer.origin.map(|_| "*".to_string()) });
    }
    let Some(origin) = origin else {
        return if rules.strict_origin {
            Err(Denied::Origin)
        } else {
            Ok(Allowed { cors_origin: None })
        };
    };
    if rules.allowed_origins.iter().any(|it| origin_matches(it, origin)) {
        Ok(Allowed { cors_origin: viewer.origin.map(ToString::to_string) })
    } else {
        Err(Denied::Origin)
    }
}

/// Whether a page at `origin` is meant by `pattern`.
///
/// | pattern | meant | not meant |
/// |---|---|---|
/// | `example.com` | `https://example.com` | `https://www.example.com`, `https://example.com:8443` |
/// | `*.example.com` | `https://a.b.example.com` | `https://example.com`, `https://badexample.com` |
/// | `example.com:8443` | `https://example.com:8443` | `https://example.com` |
pub fn origin_matches(pattern: &str, origin: &str) -> bool {
    let Some((scheme, rest)) = origin.split_once("://") else { return false };
    let own_port = match scheme.to_ascii_lowercase().as_str() {
        "https" => "443",
        "http" => "80",
        _ => return false,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    // `https://good.example@bad.example` is bad.example.
    let authority = authority.rsplit_once('@').map_or(authority, |(_, it)| it);
    let (host, port) = host_and_port(authority, own_port);
    let pattern = pattern.split_once("://").map_or(pattern, |(_, it)| it);
    let (wanted_host, wanted_port) = host_and_port(pattern, own_port);
    if host.is_empty() || port != wanted_port {
        return false;
    }
    let (host, wanted) = (host.to_ascii_lowercase(), wanted_host.to_ascii_lowercase());
    match wanted.strip_prefix("*.") {
        Some(apex) => host
            .strip_suffix(apex)
            .and_then(|it| it.strip_suffix('.'))
            .is_some_and(|below| !apex.is_empty() && !below.is_empty()),
        None => wanted == "*" || host == wanted,
    }
}

fn host_and_port<'a>(authority: &'a str, own_port: &'a str) -> (&'a str, &'a str) {
    match authority.rsplit_once(':') {
        // The colons inside brackets are part of the address.
        Some((host, port)) if !port.contains(']') => {
            (host, if port.is_empty() { own_port } else { port })
        }
        _ => (authority, own_port),
    }
}

#[cfg(test)]
mod tests;
