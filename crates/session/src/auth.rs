//! The two password exchanges of old servers: `authmod=adobe` and `authmod=llnw`.
//!
//! ```text
//!   connect app                                         ─►
//!       ◄─ Rejected "… code=403 need auth; authmod=adobe …"          close
//!   connect app?authmod=adobe&user=U                    ─►
//!       ◄─ Rejected "… ?reason=needauth&user=U&salt=S&challenge=C&opaque=O"   close
//!   connect app?authmod=adobe&user=U&challenge=N&response=R&opaque=O  ─►
//!       ◄─ Success, or Rejected "… ?reason=authfailed"
//! ```
//!
//! Each step is a new connection. MD5 is what these servers ask for; it protects nothing by today's standards, so
//! use them over TLS only.

use md5::{Digest, Md5};

use crate::url::split_query;

/// The most bytes of one parameter in a challenge. Real ones have 8 to 32.
const MAX_PARAMETER: usize = 256;

/// A user and a password, for servers that ask for them.
#[derive(Clone, Eq, PartialEq)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The password. It is never sent, only hashed.
    pub password: String,
}

impl core::fmt::Debug for Credentials {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.write_str("Credentials(…)")
    }
}

/// Which of the two exchanges.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Method {
    Adobe,
    Llnw,
}

/// How far the exchange is, from one connection to the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// The application without what was appended to it.
    app: Option<String>,
    /// How often we answered.
    answers: u8,
}

impl Progress {
    /// The application to connect to next. `None` when no answer is left to give: who is refused after that is refused.
    pub(crate) fn answer(
        &mut self,
        challenge: &Challenge,
        credentials: &Credentials,
        app: &str,
        chance: &str,
    ) -> Option<String> {
        if self.answers >= 2 {
            return None;
        }
        self.answers += 1;
        let app = self.app.get_or_insert_with(|| app.to_owned());
        let (path, query) = split_query(app);
        let answer = challenge.answer(credentials, path, chance);
        Some(if query.is_empty() {
            format!("{app}{answer}")
        } else {
            format!("{app}&{}", answer.trim_start_matches('?'))
        })
    }
}

/// What a refusal asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Challenge {
    /// To say who we are.
    Identify(Method),
    /// To prove it.
    Adobe { salt: String, challenge: String, opaque: Option<String> },
    /// To prove it.
    Llnw { nonce: String },
}

impl Challenge {
    /// Reads the description of a `NetConnection.Connect.Rejected`. Parameters that are missing or oversized make it
    /// a plain refusal.
    pub(crate) fn parse(description: &str) -> Option<Self> {
        let method = if description.contains("authmod=adobe") {
            Method::Adobe
        } else if description.contains("authmod=llnw") {
            Method::Llnw
        } else {
            return None;
        };
        let Some((_, query)) = description.split_once('?') else {
            return description.contains("code=403 need auth").then_some(Self::Identify(method));
        };
        let parameter = |name| parameter(query, name);
        if parameter("reason")? != "needauth" {
            return None;
        }
        Some(match method {
            Method::Adobe => Self::Adobe {
                salt: parameter("salt")?,
                challenge: parameter("challenge")?,
                opaque: parameter("opaque"),
            },
            Method::Llnw => Self::Llnw { nonce: parameter("nonce")? },
        })
    }

    /// What is to be appended to `app` and `tcUrl` of the next attempt. `chance` are 8 hexadecimal digits.
    pub(crate) fn answer(&self, credentials: &Credentials, app: &str, chance: &str) -> String {
        let Credentials { user, password } = credentials;
        match self {
            Self::Identify(Method::Adobe) => format!("?authmod=adobe&user={user}"),
            Self::Identify(Method::Llnw) => format!("?authmod=llnw&user={user}"),
            Self::Adobe { salt, challenge, opaque } => {
                let secret = base64(&md5(&[user, salt, password]));
                let asked = opaque.as_ref().unwrap_or(challenge);
                let response = base64(&md5(&[&secret, asked, chance]));
                let opaque = opaque.as_ref().map(|it| format!("&opaque={it}")).unwrap_or_default();
                format!("?authmod=adobe&user={user}&challenge={chance}&response={response}{opaque}")
            }
            Self::Llnw { nonce } => {
                let instance = if app.contains('/') { "" } else { "/_definst_" };
                let who = hex(&md5(&[user, ":live:", password]));
                let what = hex(&md5(&["publish:/", app, instance]));
                let response =
                    hex(&md5(&[&who, ":", nonce, ":00000001:", chance, ":auth:", &what]));
                format!(
                    "?authmod=llnw&user={user}&nonce={nonce}&cnonce={chance}&nc=00000001&response={response}"
                )
            }
        }
    }
}

fn parameter(query: &str, name: &str) -> Option<String> {
    let value = query.split(['&', ' ', ']']).find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name).then_some(value)
    })?;
    (value.len() <= MAX_PARAMETER).then(|| value.to_owned())
}

fn md5(parts: &[&str]) -> [u8; 16] {
    let mut digest = Md5::new();
    for part in parts {
        digest.update(part.as_bytes());
    }
    digest.finalize().into()
}

/// 8 digits for [`Challenge::answer`], from the bytes that the caller drew for the handshake.
pub(crate) fn chance(entropy: &[u8]) -> String {
    let digest = Md5::digest(entropy);
    hex(digest.get(..4).unwrap_or_default())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

/// RFC 4648 §4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, it| bits << 8 | u32::from(*it));
        let bits = bits << (8 * (3 - group.len()));
        for place in 0..4 {
            let index = usize::try_from(bits >> (18 - 6 * place) & 0x3f).unwrap_or_default();
            let letter = ALPHABET.get(index).copied().unwrap_or_default();
            text.push(if place > group.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials() -> Credentials {
        Credentials { user: "u".into(), password: "secret".into() }
    }

    #[test]
    fn answers_are_those_of_ffmpeg_and_gstreamer() {
        let vectors = levada_test::vectors(env!("CARGO_MANIFEST_DIR"), "auth_url.json");
        let mut checked = 0;
        for vector in vectors {
            let text = |key: &str| vector[key].as_str().unwrap();
            let (challenge, app, chance) = match text("kind") {
                "auth_adobe" => {
                    let opaque = vector["opaque"].as_str();
                    let mut description = format!(
                        "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=u&salt={}&challenge={}",
                        text("salt"),
                        text("challenge"),
                    );
                    if let Some(opaque) = opaque {
                        description += &format!("&opaque={opaque}");
                    }
                    (Challenge::parse(&description).unwrap(), "live", text("challenge2"))
                }
                "auth_llnw" => {
                    let description =
                        format!("[ authmod=llnw ] ?reason=needauth&user=u&nonce={}", text("nonce"));
                    (Challenge::parse(&description).unwrap(), text("app"), text("cnonce"))
                }
                _ => continue,
            };
            let expected = vector["expect"]["query"].as_str().unwrap();
            assert_eq!(challenge.answer(&credentials(), app, chance), expected);
            checked += 1;
        }
        assert_eq!(checked, 5);
    }

    #[test]
    fn the_first_refusal_only_asks_who_we_are() {
        let description = "[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ";
        let challenge = Challenge::parse(description).unwrap();
        assert_eq!(challenge, Challenge::Identify(Method::Adobe));
        assert_eq!(challenge.answer(&credentials(), "live", ""), "?authmod=adobe&user=u");
    }

    #[test]
    fn cli_05_parameters_missing_or_oversized_are_a_refusal() {
        for description in [
            "no such thing".to_owned(),
            "authmod=adobe ?reason=authfailed".to_owned(),
            "authmod=adobe ?reason=nosuchuser&salt=1&challenge=2".to_owned(),
            "authmod=adobe ?reason=needauth&salt=1".to_owned(),
            format!("authmod=adobe ?reason=needauth&salt={}&challenge=2", "s".repeat(65_536)),
            "authmod=llnw ?reason=needauth&user=u".to_owned(),
            "authmod=other ?reason=needauth&nonce=1".to_owned(),
        ] {
            assert_eq!(Challenge::parse(&description), None, "{description:.60}");
        }
        let longest = "s".repeat(MAX_PARAMETER);
        let description = format!("authmod=llnw ?reason=needauth&nonce={longest}");
        assert_eq!(Challenge::parse(&description), Some(Challenge::Llnw { nonce: longest }));
    }

    /// RFC 4648 §10.
    #[test]
    fn base64_of_the_rfc() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
