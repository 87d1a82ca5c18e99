//! Secrets at rest: XChaCha20-Poly1305, the key from configuration, its id stored beside the text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};

/// Seals and opens secrets. Holds the current key and the older ones that may still open.
#[derive(Clone)]
pub struct Sealer {
    current: String,
    keys: Vec<(String, XChaCha20Poly1305)>,
}

/// Why a secret does not open.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// It was sealed with a key that the configuration no longer has.
    #[error(
        "the secret was sealed with key {0}, which the configuration does not have; add it to `secrets.previous_keys`"
    )]
    UnknownKey(String),
    /// It was changed, or moved to another row.
    #[error("the sealed secret was changed or belongs to another row")]
    Broken,
}

impl Sealer {
    /// A sealer for `key` (any text, at least 16 bytes; hashed to 256 bits) and the keys before it.
    pub fn new(key: &str, previous: &[String]) -> Self {
        let mut keys = Vec::new();
        for text in std::iter::once(key).chain(previous.iter().map(String::as_str)) {
            let digest = Sha256::digest(text.as_bytes());
            keys.push((key_id(text), XChaCha20Poly1305::new(&digest)));
        }
        Self {
            current: key_id(key),
            keys,
        }
    }

    /// Seals `secret` for the row `context` (its id), so that it opens nowhere else.
    ///
    /// # Panics
    /// Never in practice: the AEAD refuses only plaintexts of 256 GiB.
    pub fn seal(&self, context: &str, secret: &str) -> String {
        let nonce: [u8; 24] = rand::random();
        let payload = Payload {
            msg: secret.as_bytes(),
            aad: context.as_bytes(),
        };
        let text = self.keys[0]
            .1
            .encrypt(XNonce::from_slice(&nonce), payload)
            .expect("a secret fits in memory");
        format!(
            "{}.{}.{}",
            self.current,
            STANDARD.encode(nonce),
            STANDARD.encode(text)
        )
    }

    /// Whether `sealed` was sealed with the current key.
    pub fn is_current(&self, sealed: &str) -> bool {
        sealed.split('.').next() == Some(self.current.as_str())
    }

    /// Opens what [`seal`](Self::seal) made for the same `context`.
    ///
    /// # Errors
    /// See [`SealError`].
    pub fn open(&self, context: &str, sealed: &str) -> Result<String, SealError> {
        let mut parts = sealed.splitn(3, '.');
        let (Some(id), Some(nonce), Some(text)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(SealError::Broken);
        };
        let key = self
            .keys
            .iter()
            .find(|(k, _)| k == id)
            .ok_or_else(|| SealError::UnknownKey(id.to_owned()))?;
        let nonce = STANDARD.decode(nonce).map_err(|_| SealError::Broken)?;
        let text = STANDARD.decode(text).map_err(|_| SealError::Broken)?;
        if nonce.len() != 24 {
            return Err(SealError::Broken);
        }
        let payload = Payload {
            msg: &text,
            aad: context.as_bytes(),
        };
        let plain = key
            .1
            .decrypt(XNonce::from_slice(&nonce), payload)
            .map_err(|_| SealError::Broken)?;
        String::from_utf8(plain).map_err(|_| SealError::Broken)
    }
}

fn key_id(key: &str) -> String {
    hex::encode(&Sha256::digest(format!("slipway key id {key}").as_bytes())[..4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_only_in_its_row_and_with_its_key() {
        let old = Sealer::new("the old key of sixteen", &[]);
        let sealed = old.seal("row-1", "glpat-secret");
        assert!(!sealed.contains("glpat"));
        assert_eq!(old.open("row-1", &sealed).unwrap(), "glpat-secret");
        assert!(matches!(old.open("row-2", &sealed), Err(SealError::Broken)));
        let new = Sealer::new(
            "the new key of sixteen",
            &[String::from("the old key of sixteen")],
        );
        assert_eq!(new.open("row-1", &sealed).unwrap(), "glpat-secret");
        let other = Sealer::new("another key of sixteen", &[]);
        assert!(matches!(
            other.open("row-1", &sealed),
            Err(SealError::UnknownKey(_))
        ));
    }
}
