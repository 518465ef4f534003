//! Keys that playback tokens are signed with, and the tokens: JWS in the compact form (RFC 7515).
//!
//! Of a key that somebody else signs with, only the public part is kept, as a JWK (RFC 7517). The server has a key of
//! its own for tokens that it makes itself.

mod rsa;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use levada_control::{Algorithm, Claims, Denied, Error, Reply, Request, SigningKeyId};
use ring::signature::{self, Ed25519KeyPair, KeyPair, RsaPublicKeyComponents};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::control::Control;

/// The key id of the server's own tokens, and where its secret is kept.
const OWN: &str = "server";
const OWN_PLACE: &str = "token-key";

/// The longest token that is looked at.
const MAX_TOKEN: usize = 8 * 1024;

/// Where the public part of a key is kept.
fn place_of(id: SigningKeyId) -> String {
    format!("signing-key/{id}")
}

/// A key that was just made. Its private part is in here, and nowhere else.
pub struct NewKey {
    pub id: SigningKeyId,
    /// PKCS #8, for the algorithms with a public part.
    pub pem: Option<String>,
    /// With the private part.
    pub jwk: Value,
}

/// Makes a key and keeps what is needed to check its tokens.
pub async fn create(control: &Control, algorithm: Algorithm) -> anyhow::Result<NewKey> {
    let Made { public, private, pem } =
        tokio::task::spawn_blocking(move || make(algorithm)).await??;
    let keep = |reply: &Reply, extras: &mut crate::store::Extras| {
        if let Reply::SigningKey(id) = reply {
            extras.insert(place_of(*id), public);
        }
    };
    let request = Request::AddSigningKey(algorithm);
    let reply = control.request_with(request, |reply, _, extras| keep(reply, extras)).await?;
    let Reply::SigningKey(id) = reply else { bail!("no key was made") };
    let mut jwk = private;
    jwk["kid"] = id.to_string().into();
    jwk["use"] = "sig".into();
    Ok(NewKey { id, pem, jwk })
}

/// Forgets a key: its tokens are worth nothing from now on.
pub async fn delete(control: &Control, id: SigningKeyId) -> Result<(), Error> {
    control
        .request_with(Request::DeleteSigningKey(id), |_, _, extras| {
            extras.remove(&place_of(id));
        })
        .await
        .map(drop)
}

/// A token signed with the server's own key.
pub async fn token(control: &Control, claims: &Claims) -> anyhow::Result<String> {
    let kept = control.read(|_, _, extras| extras.get(OWN_PLACE).cloned());
    let key = match kept {
        Some(key) => key,
        None => {
            let Made { public, .. } = make(Algorithm::Hs256)?;
            // Another request may have made one meanwhile: the first stays.
            control
                .keep(|_, extras| extras.entry(OWN_PLACE.to_owned()).or_insert(public).clone())
                .await
        }
    };
    let header = json!({ "alg": Algorithm::Hs256.as_str(), "typ": "JWT", "kid": OWN });
    let mut body = serde_json::to_value(claims)?;
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|_, it| !it.is_null());
    }
    let signed = format!("{}.{}", encode(header.to_string()), encode(body.to_string()));
    let secret = field(&key, "k").context("the server's key is damaged")?;
    let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret);
    let signature = ring::hmac::sign(&secret, signed.as_bytes());
    Ok(format!("{signed}.{}", encode(signature)))
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
}

/// Whether a text has the form of a token: three parts with dots between them.
pub fn is_token(text: &str) -> bool {
    text.bytes().filter(|it| *it == b'.').count() == 2
}

/// What a token says, if its signature is that of the key that it names.
pub fn open(control: &Control, token: &str) -> Result<Claims, Denied> {
    let bad = Denied::TokenBadSignature;
    if token.len() > MAX_TOKEN {
        return Err(bad);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(bad)?;
    let (header, body) = signed.split_once('.').ok_or(bad)?;
    let header: Header = serde_json::from_slice(&decode(header).ok_or(bad)?).map_err(|_| bad)?;
    let (algorithm, key) = find(control, &header.kid).ok_or(Denied::TokenUnknownKey)?;
    let signature = decode(signature).ok_or(bad)?;
    if !algorithm.matches(&header.alg)
        || !verify(algorithm, &key, signed.as_bytes(), &signature).unwrap_or(false)
    {
        return Err(bad);
    }
    serde_json::from_slice(&decode(body).ok_or(bad)?).map_err(|_| bad)
}

/// The key of a name, and what it is for: whatever a token's header says.
fn find(control: &Control, kid: &str) -> Option<(Algorithm, Value)> {
    control.read(|plane, _, extras| {
        if kid == OWN {
            return Some((Algorithm::Hs256, extras.get(OWN_PLACE)?.clone()));
        }
        let id = kid.parse().ok()?;
        Some((plane.signing_key(id)?, extras.get(&place_of(id))?.clone()))
    })
}

fn verify(algorithm: Algorithm, key: &Value, signed: &[u8], signature: &[u8]) -> Option<bool> {
    Some(match algorithm {
        Algorithm::Rs256 => {
            let key = RsaPublicKeyComponents { n: field(key, "n")?, e: field(key, "e")? };
            key.verify(&signature::RSA_PKCS1_2048_8192_SHA256, signed, signature).is_ok()
        }
        Algorithm::EdDsa => {
            signature::UnparsedPublicKey::new(&signature::ED25519, field(key, "x")?)
                .verify(signed, signature)
                .is_ok()
        }
        Algorithm::Hs256 => {
            let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &field(key, "k")?);
            ring::hmac::verify(&key, signed, signature).is_ok()
        }
        _ => false,
    })
}

/// A key before it has a name.
struct Made {
    public: Value,
    private: Value,
    pem: Option<String>,
}

fn make(algorithm: Algorithm) -> anyhow::Result<Made> {
    match algorithm {
        Algorithm::Rs256 => {
            let key = rsa::Key::generate();
            // Whoever checks it once more would also find what went wrong here.
            ring::signature::RsaKeyPair::from_pkcs8(&key.pkcs8())
                .map_err(|why| anyhow::anyhow!("the key is wrong: {why}"))?;
            let [n, e] = key.public().map(encode);
            let [d, p, q, dp, dq, qi] = key.private().map(encode);
            let public = json!({ "kty": "RSA", "alg": "RS256", "n": n, "e": e });
            let private = json!({
                "kty": "RSA", "alg": "RS256", "n": n, "e": e,
                "d": d, "p": p, "q": q, "dp": dp, "dq": dq, "qi": qi,
            });
            Ok(Made { public, private, pem: Some(pem(&key.pkcs8())) })
        }
        Algorithm::EdDsa => {
            let seed = random()?;
            let pair = Ed25519KeyPair::from_seed_unchecked(&seed)
                .map_err(|_| anyhow::anyhow!("the key is wrong"))?;
            let x = encode(pair.public_key());
            let public = json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": x });
            let private = json!({
                "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": x, "d": encode(seed),
            });
            let pem = pem(&[ED25519_PKCS8, &seed].concat());
            Ok(Made { public, private, pem: Some(pem) })
        }
        Algorithm::Hs256 => {
            let jwk = json!({ "kty": "oct", "alg": "HS256", "k": encode(random()?) });
            Ok(Made { public: jwk.clone(), private: jwk, pem: None })
        }
        _ => bail!("keys of this kind cannot be made"),
    }
}

/// What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410 §7).
const ED25519_PKCS8: &[u8] = &[
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

fn random() -> anyhow::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
    Ok(bytes)
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines = text.as_bytes().chunks(64).map(String::from_utf8_lossy);
    let lines: Vec<_> = lines.collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The bytes of a field of a JWK.
fn field(key: &Value, name: &str) -> Option<Vec<u8>> {
    decode(key[name].as_str()?)
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;

    use super::*;

    /// Signs with the private part of a key as its owner would.
    fn sign(algorithm: Algorithm, made: &Made, text: &[u8]) -> Vec<u8> {
        let der = || {
            let pem = made.pem.as_deref().unwrap();
            STANDARD
                .decode(pem.lines().filter(|it| !it.starts_with('-')).collect::<String>())
                .unwrap()
        };
        match algorithm {
            Algorithm::Rs256 => {
                let pair = ring::signature::RsaKeyPair::from_pkcs8(&der()).unwrap();
                let mut signature = vec![0; pair.public().modulus_len()];
                let (padding, chance) = (&signature::RSA_PKCS1_SHA256, SystemRandom::new());
                pair.sign(padding, &chance, text, &mut signature).unwrap();
                signature
            }
            Algorithm::EdDsa => {
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der()).unwrap();
                pair.sign(text).as_ref().to_vec()
            }
            _ => {
                let key = field(&made.private, "k").unwrap();
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key);
                ring::hmac::sign(&key, text).as_ref().to_vec()
            }
        }
    }

    #[test]
    fn c24_what_a_new_key_signs_its_public_part_verifies() {
        for algorithm in [Algorithm::Rs256, Algorithm::EdDsa, Algorithm::Hs256] {
            let (made, other) = (make(algorithm).unwrap(), make(algorithm).unwrap());
            let signature = sign(algorithm, &made, b"text");
            assert_eq!(verify(algorithm, &made.public, b"text", &signature), Some(true));
            assert_eq!(verify(algorithm, &made.public, b"texT", &signature), Some(false));
            assert_eq!(verify(algorithm, &other.public, b"text", &signature), Some(false));
            if algorithm != Algorithm::Hs256 {
                assert_eq!(field(&made.public, "d"), None, "nothing private is kept");
            }
        }
    }
}
