//! ID tokens (`OpenID` Connect Core 1.0, 2 and 3.1.3.7): a JWS (RFC 7515) in its compact form, checked against the
//! provider's keys (RFC 7517).
//!
//! Two algorithms are taken, RS256 and ES256, by name: neither `none` nor a shared secret ever passes, whatever the
//! token says of itself.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use slipway_domain::time::{SECOND, Timestamp};
use subtle::ConstantTimeEq as _;

/// How far the clocks may be apart, in s.
const SKEW: i64 = 60;

/// The oldest token that is taken, in s: it was just made.
const AGE: i64 = 600;

/// Why a token is not believed. Never shown to people: the log has it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Doubt {
    /// It is no compact JWS of an ID token.
    #[error("the ID token cannot be read")]
    Unreadable,
    /// Another algorithm than RS256 and ES256.
    #[error("the ID token is signed by {0}, which is not taken")]
    Algorithm(String),
    /// None of the provider's keys.
    #[error("the ID token is signed by a key that the provider does not publish")]
    Key,
    /// The signature does not hold.
    #[error("the signature of the ID token does not hold")]
    Signature,
    /// It comes from somebody else, is for somebody else, or for another sign-in.
    #[error("the ID token's {0} is another one")]
    Other(&'static str),
    /// It has ended, or is from the future, or too old.
    #[error("the ID token is not of now")]
    Time,
    /// The person did not sign in anew.
    #[error("the ID token does not say that the person has signed in anew")]
    NotAnew,
}

/// A key of a JWK set.
#[derive(Clone, Debug, Deserialize)]
pub struct Key {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default, rename = "use")]
    usage: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
}

/// A JWK set. A key that cannot be read is passed over: providers publish keys for other uses too.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Keys {
    keys: Vec<serde_json::Value>,
}

/// What the token must be.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Who makes it.
    pub issuer: &'a str,
    /// For whom.
    pub client: &'a str,
    /// For which sign-in.
    pub nonce: &'a str,
    /// Since when the person must have signed in; `None`: whenever they did.
    pub anew_since: Option<Timestamp>,
    /// The time.
    pub now: Timestamp,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
}

/// One audience or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
struct Standard {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    iat: i64,
    #[serde(default)]
    azp: Option<String>,
    #[serde(default)]
    nonce: Option<String>,
    #[serde(default)]
    auth_time: Option<i64>,
}

/// The claims of a token that holds: subject and everything else.
#[derive(Clone, Debug)]
pub struct Claims {
    /// Who, to the provider.
    pub subject: String,
    /// All of them.
    pub all: serde_json::Map<String, serde_json::Value>,
}

impl Keys {
    /// The keys that can be read, for signatures.
    fn read(&self) -> impl Iterator<Item = Key> + '_ {
        let read = self
            .keys
            .iter()
            .filter_map(|key| serde_json::from_value::<Key>(key.clone()).ok());
        read.filter(|key| key.usage.as_deref().is_none_or(|usage| usage == "sig"))
    }

    /// How many an ID token can be checked by.
    pub fn usable(&self) -> usize {
        self.read()
            .filter(|key| signed_by(key, b"", b"").is_some())
            .count()
    }
}

fn decoded(part: &str) -> Result<Vec<u8>, Doubt> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Doubt::Unreadable)
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Doubt> {
    serde_json::from_slice(bytes).map_err(|_| Doubt::Unreadable)
}

/// Checks `token` and answers with what it says.
///
/// # Errors
/// See [`Doubt`]. [`Doubt::Key`] may mean that the provider has new keys.
pub fn check(token: &str, keys: &Keys, expected: Expected<'_>) -> Result<Claims, Doubt> {
    let (signed, signature) = token.rsplit_once('.').ok_or(Doubt::Unreadable)?;
    let (header, payload) = signed.split_once('.').ok_or(Doubt::Unreadable)?;
    let header: Header = json(&decoded(header)?)?;
    verify(&header, keys, signed.as_bytes(), &decoded(signature)?)?;
    let payload = decoded(payload)?;
    let standard: Standard = json(&payload)?;
    holds(&standard, expected)?;
    Ok(Claims {
        subject: standard.sub,
        all: json(&payload)?,
    })
}

fn verify(header: &Header, keys: &Keys, signed: &[u8], signature: &[u8]) -> Result<(), Doubt> {
    let kind = match header.alg.as_str() {
        "RS256" => "RSA",
        "ES256" => "EC",
        other => return Err(Doubt::Algorithm(other.chars().take(16).collect())),
    };
    let fits = |key: &Key| key.kty == kind && (header.kid.is_none() || key.kid == header.kid);
    let mut doubt = Doubt::Key;
    for key in keys.read().filter(fits) {
        match signed_by(&key, signed, signature) {
            Some(true) => return Ok(()),
            Some(false) => doubt = Doubt::Signature,
            None => {}
        }
    }
    Err(doubt)
}

/// Whether `key` made the signature; `None` where it is no key for that.
fn signed_by(key: &Key, signed: &[u8], signature: &[u8]) -> Option<bool> {
    let part = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_deref()?).ok();
    if key.kty != "RSA" && key.kty != "EC" {
        return None;
    }
    if key.kty == "RSA" {
        let components = RsaPublicKeyComponents {
            n: part(&key.n)?,
            e: part(&key.e)?,
        };
        return Some(
            components
                .verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature)
                .is_ok(),
        );
    }
    let (x, y) = (part(&key.x)?, part(&key.y)?);
    if key.crv.as_deref() != Some("P-256") || x.len() != 32 || y.len() != 32 {
        return None;
    }
    // An uncompressed point (SEC 1, 2.3.3).
    let point = [&[4u8][..], &x, &y].concat();
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    Some(public.verify(signed, signature).is_ok())
}

fn holds(token: &Standard, expected: Expected<'_>) -> Result<(), Doubt> {
    if token.iss != expected.issuer {
        return Err(Doubt::Other("issuer"));
    }
    let (ours, alone) = match &token.aud {
        Audience::One(one) => (one == expected.client, true),
        Audience::Several(several) => (
            several.iter().any(|one| one == expected.client),
            several.len() == 1,
        ),
    };
    let party = match &token.azp {
        Some(party) => party == expected.client,
        None => alone,
    };
    if !ours || !party {
        return Err(Doubt::Other("audience"));
    }
    let nonce = token.nonce.as_deref().unwrap_or_default();
    if !bool::from(nonce.as_bytes().ct_eq(expected.nonce.as_bytes())) {
        return Err(Doubt::Other("nonce"));
    }
    let now = expected.now.micros().div_euclid(SECOND);
    if token.exp <= now - SKEW || token.iat > now + SKEW || token.iat < now - AGE {
        return Err(Doubt::Time);
    }
    if token.sub.is_empty() || token.sub.len() > 255 {
        return Err(Doubt::Unreadable);
    }
    if let Some(since) = expected.anew_since {
        let since = since.micros().div_euclid(SECOND);
        if token.auth_time.is_none_or(|at| at < since - SKEW) {
            return Err(Doubt::NotAnew);
        }
    }
    Ok(())
}
