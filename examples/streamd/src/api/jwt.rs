//! JSON web tokens of callers: signed with the secret of the tokens file, HMAC and SHA-256, nothing else.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use levada_control::{Algorithm, Secret, parse_seconds};
use serde_json::Value;
use sha2::Sha256;

/// Longer ones are not looked at.
const MAX_LEN: usize = 4096;

/// What a token says, if its signature is right and it is valid at this moment.
pub fn verify(token: &str, secret: &Secret, now: i64) -> Option<Value> {
    if token.len() > MAX_LEN {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    if !Algorithm::Hs256.matches(json(header)?["alg"].as_str()?) {
        return None;
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()).ok()?;
    mac.update(signed.as_bytes());
    // In constant time.
    mac.verify_slice(&decode(signature)?).ok()?;
    let claims = json(claims)?;
    let begun = seconds(&claims["nbf"])?.is_none_or(|it| it <= now);
    let over = seconds(&claims["exp"])?.is_some_and(|it| it <= now);
    (begun && !over).then_some(claims)
}

fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}

fn json(text: &str) -> Option<Value> {
    serde_json::from_slice(&decode(text)?).ok()
}

/// A moment, or that there is none. Nothing if it is neither.
fn seconds(value: &Value) -> Option<Option<i64>> {
    match value {
        Value::Null => Some(None),
        Value::Number(number) => {
            let whole = || number.to_string().split('.').next().and_then(parse_seconds);
            number.as_i64().or_else(whole).map(Some)
        }
        Value::String(text) => parse_seconds(text).map(Some),
        _ => None,
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A token with these claims.
    pub fn sign(header: &str, claims: &str, secret: &str) -> String {
        let encode = |it: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(it);
        let signed = format!("{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()));
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(signed.as_bytes());
        format!("{signed}.{}", encode(&mac.finalize().into_bytes()))
    }

    pub const HS256: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

    #[test]
    fn s14_only_what_the_secret_signed_is_believed_and_only_in_its_time() {
        let secret = Secret::new("canary-secret-01");
        let verify = |token: &str| super::verify(token, &secret, 1000);
        let sign = |header, claims| sign(header, claims, "canary-secret-01");
        let good = sign(HS256, r#"{"user_id":"ann","exp":1001,"nbf":"1000"}"#);
        assert_eq!(verify(&good).unwrap()["user_id"], "ann");
        assert_eq!(super::verify(&good, &Secret::new("canary-secret-02"), 1000), None);
        for (header, claims) in [
            (HS256, r#"{"exp":1000}"#),
            (HS256, r#"{"exp":"soon"}"#),
            (HS256, r#"{"nbf":1001}"#),
            (HS256, r#"{"exp":[]}"#),
            (HS256, "no JSON"),
            (r#"{"alg":"none"}"#, "{}"),
            (r#"{"alg":"HS512"}"#, "{}"),
            ("{}", "{}"),
        ] {
            assert_eq!(verify(&sign(header, claims)), None, "{header} {claims}");
        }
        for bad in ["", "..", "a.b.c", &good[..good.len() - 1], &format!("{good}=")] {
            assert_eq!(verify(bad), None, "{bad}");
        }
        let mut changed = good.into_bytes();
        changed[40] ^= 1;
        assert_eq!(verify(std::str::from_utf8(&changed).unwrap()), None);
    }
}
