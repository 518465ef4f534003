//! Who calls, and what they may do.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use anyhow::{Context, bail};
use axum::http::{HeaderMap, HeaderValue, header};
use levada_control::{Scope, Secret};
use serde::Deserialize;

use super::{ApiError, jwt};
use crate::stream::unix_ms;

/// All scopes: what somebody has whom nobody restricted.
pub const ALL: [Scope; 6] = [
    Scope::Read,
    Scope::Manage,
    Scope::StartOutput,
    Scope::StopOutput,
    Scope::Play,
    Scope::RevealKeys,
];

/// The characters of the shortest token or secret.
const SHORTEST: usize = 16;

/// What a signed token's user may do whom the file says nothing of.
const GUEST: [Scope; 2] = [Scope::Read, Scope::Play];

/// The tokens that there are. They are not printed.
#[derive(Debug, Default)]
pub struct Tokens {
    tokens: Vec<Token>,
    /// What tokens of surface C are signed with.
    pub jwt_secret: Option<Secret>,
    /// Whether callers need none.
    open: bool,
}

#[derive(Debug)]
struct Token {
    secret: Secret,
    scopes: Vec<Scope>,
    user: String,
}

/// `--tokens FILE`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    jwt_secret: Option<String>,
    #[serde(default)]
    token: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    token: String,
    scopes: Option<Vec<Scope>>,
    #[serde(default)]
    user: String,
}

impl Tokens {
    /// The tokens of the file and of `STREAMD_TOKEN`. Without any, everybody on this machine may call; if others can
    /// reach the port, a token is made and kept beside the publish key.
    pub fn load(file: Option<&Path>, data: &Path, http: SocketAddr) -> anyhow::Result<Self> {
        let mut all = Self::default();
        if let Some(file) = file {
            all.read(file).with_context(|| format!("in {}", file.display()))?;
        }
        if let Ok(token) = std::env::var("STREAMD_TOKEN") {
            all.add(token, None, String::new())?;
        }
        all.open = all.tokens.is_empty() && all.jwt_secret.is_none() && http.ip().is_loopback();
        if all.tokens.is_empty() && !all.open {
            all.add(crate::tls::api_token(data)?, None, String::new())?;
        }
        Ok(all)
    }

    fn read(&mut self, file: &Path) -> anyhow::Result<()> {
        let text = std::fs::read_to_string(file).context("cannot read it: is the path right?")?;
        // The parser's message may quote a line with a token in it.
        let Ok(file) = toml::from_str::<File>(&text) else {
            bail!("[[token]] tables with token, scopes and user, and jwt_secret, are expected");
        };
        if file.jwt_secret.as_ref().is_some_and(|it| it.len() < SHORTEST) {
            bail!("jwt_secret needs at least {SHORTEST} characters");
        }
        self.jwt_secret = file.jwt_secret.map(Secret::new);
        file.token.into_iter().try_for_each(|it| self.add(it.token, it.scopes, it.user))
    }

    fn add(
        &mut self,
        token: String,
        scopes: Option<Vec<Scope>>,
        user: String,
    ) -> anyhow::Result<()> {
        if token.len() < SHORTEST {
            bail!("a token needs at least {SHORTEST} characters");
        }
        let scopes = scopes.unwrap_or_else(|| ALL.to_vec());
        self.tokens.push(Token { secret: Secret::new(token), scopes, user });
        Ok(())
    }

    /// Whether callers need no token.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Whose token that is. All are compared, whichever fits.
    fn find(&self, text: &str) -> Option<Caller> {
        let mut found = None;
        for token in &self.tokens {
            if token.secret.matches(text) {
                found = Some(Caller { scopes: token.scopes.clone(), user: token.user.clone() });
            }
        }
        found
    }

    /// Whose signed token that is. Its user has the scopes that the file gives to that name; one without a user, as
    /// back ends sign for themselves, has all.
    fn signed(&self, text: &str) -> Option<Caller> {
        let now = unix_ms().div_euclid(1000);
        let claims = jwt::verify(text, self.jwt_secret.as_ref()?, now)?;
        let Some(user) = ["user_id", "id"].iter().find_map(|it| claims[*it].as_str()) else {
            return Some(Caller::anybody());
        };
        let of_user = self.tokens.iter().find(|it| !user.is_empty() && it.user == user);
        let scopes = of_user.map_or_else(|| GUEST.to_vec(), |it| it.scopes.clone());
        Some(Caller { scopes, user: user.to_owned() })
    }

    /// Whose token there is, in any of the headers that the surfaces use.
    fn by_token(&self, headers: &HeaderMap) -> Result<Caller, ApiError> {
        let found = given(headers).and_then(|it| self.find(it).or_else(|| self.signed(it)));
        match found {
            Some(caller) => Ok(caller),
            None if self.open => Ok(Caller::anybody()),
            None => Err(ApiError::unauthorized()),
        }
    }

    /// Who calls. Where nobody needs a token, whoever speaks from this machine may; but not a page of another site in
    /// a browser on this machine: that is known by its `Origin`, or by a `Host` that is a name of its own.
    pub fn caller(&self, headers: &HeaderMap) -> Result<Caller, ApiError> {
        let text = |name| headers.get(name).and_then(|it: &HeaderValue| it.to_str().ok());
        if self.open {
            let host = text(header::HOST).is_none_or(is_local);
            let origin = text(header::ORIGIN)
                .is_none_or(|it| it.split_once("://").is_some_and(|it| is_local(it.1)));
            if !(host && origin) {
                return Err(ApiError::foreign());
            }
        }
        self.by_token(headers)
    }
}

/// Whether a host is this machine, or an address, which no foreign name stands behind.
fn is_local(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|it| it.is_ascii_digit()) => host,
        _ => authority,
    };
    let inner = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || inner.parse::<IpAddr>().is_ok()
}

/// The token of a request: `x-access-token`, or `authorization` with the word that says what follows. A signed token
/// stands alone there, and another header says what it is.
fn given(headers: &HeaderMap) -> Option<&str> {
    let value = |name: &str| headers.get(name).and_then(|it| it.to_str().ok());
    let authorization = || value(header::AUTHORIZATION.as_str());
    if let Some(token) = value("x-access-token") {
        return Some(token);
    }
    if value("stream-auth-type") == Some("jwt") {
        return authorization();
    }
    let (kind, token) = authorization()?.split_once(' ')?;
    let known = ["bearer", "apikey"].iter().any(|it| kind.eq_ignore_ascii_case(it));
    known.then_some(token.trim())
}

/// Somebody with rights.
#[derive(Clone, Debug)]
pub struct Caller {
    pub scopes: Vec<Scope>,
    /// Whose token it is, or nothing.
    pub user: String,
}

impl Caller {
    fn anybody() -> Self {
        Self { scopes: ALL.to_vec(), user: String::new() }
    }

    pub fn has(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// Somebody who has shown nothing.
    pub fn nobody() -> Self {
        Self { scopes: Vec::new(), user: String::new() }
    }

    /// Says what is missing.
    pub fn need(&self, scope: Scope) -> Result<(), ApiError> {
        if self.has(scope) { Ok(()) } else { Err(ApiError::forbidden(scope)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> Tokens {
        let mut tokens = Tokens::default();
        tokens.add("canary-token-0001".into(), None, "ann".into()).unwrap();
        tokens.add("canary-token-0002".into(), Some(vec![Scope::Read]), "bob".into()).unwrap();
        tokens
    }

    fn with(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())])
    }

    #[test]
    fn api_01_every_header_of_the_surfaces_names_the_same_tokens() {
        let tokens = tokens();
        for (name, value) in [
            ("authorization", "Bearer canary-token-0002"),
            ("authorization", "APIKey canary-token-0002"),
            ("x-access-token", "canary-token-0002"),
        ] {
            let caller = tokens.caller(&with(name, value)).unwrap();
            assert_eq!(
                (caller.user.as_str(), caller.scopes.as_slice()),
                ("bob", &[Scope::Read][..])
            );
            assert!(caller.need(Scope::Manage).is_err());
        }
        for (name, value) in [
            ("authorization", "Bearer canary-token-000"),
            ("authorization", "Basic canary-token-0001"),
            ("x-access-token", ""),
            ("cookie", "canary-token-0001"),
        ] {
            assert_eq!(tokens.caller(&with(name, value)).unwrap_err().status.as_u16(), 401);
        }
    }

    #[test]
    fn s14_a_signed_token_names_its_user_whom_the_file_gives_scopes() {
        let mut tokens = tokens();
        tokens.jwt_secret = Some(Secret::new("canary-secret-01"));
        let signed = |claims| jwt::tests::sign(jwt::tests::HS256, claims, "canary-secret-01");
        let call = |claims, says_so| {
            let mut headers = with("authorization", &signed(claims));
            if says_so {
                headers.insert("stream-auth-type", "jwt".parse().unwrap());
            }
            tokens.caller(&headers).map(|it| (it.user, it.scopes))
        };
        assert_eq!(call(r#"{"user_id":"ann"}"#, true).unwrap(), ("ann".into(), ALL.to_vec()));
        assert_eq!(call(r#"{"id":"bob"}"#, true).unwrap(), ("bob".into(), vec![Scope::Read]));
        assert_eq!(call(r#"{"user_id":"eve"}"#, true).unwrap(), ("eve".into(), GUEST.to_vec()));
        assert_eq!(call("{}", true).unwrap(), (String::new(), ALL.to_vec()));
        assert_eq!(call("{}", false).unwrap_err().status.as_u16(), 401);
        let d = tokens.caller(&with("x-access-token", &signed(r#"{"id":"ann"}"#))).unwrap();
        assert_eq!(d.user, "ann");
    }

    #[test]
    fn log_02_tokens_are_not_printed() {
        let shown = format!("{:?}", tokens());
        assert!(!shown.contains("canary-token"), "{shown}");
    }
}
