//! Signatures as Standard Webhooks says: `v1,` and base64 of HMAC-SHA256 over id, timestamp and body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use slipway_domain::subscriber::SECRET_PREFIX;

/// A new signing secret: [`SECRET_PREFIX`] and 256 random bits in base64.
pub fn new_secret() -> String {
    format!("{SECRET_PREFIX}{}", STANDARD.encode(rand::random::<[u8; 32]>()))
}

/// The signature of a webhook by `secret`; `timestamp` is in s since the epoch. `None`: the secret is none.
pub fn signature(secret: &str, id: &str, timestamp: i64, body: &str) -> Option<String> {
    let key = STANDARD.decode(secret.strip_prefix(SECRET_PREFIX)?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_standard_webhooks_has_the_signature_that_it_should() {
        let signed = signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            "{\"test\": 2432232314}",
        );
        assert_eq!(
            signed.as_deref(),
            Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        );
    }

    #[test]
    fn every_part_is_signed_and_secrets_are_new() {
        let (a, b) = (new_secret(), new_secret());
        assert_ne!(a, b);
        let signed = signature(&a, "1", 2, "3");
        assert!(signed.is_some());
        for other in [
            signature(&b, "1", 2, "3"),
            signature(&a, "0", 2, "3"),
            signature(&a, "1", 0, "3"),
            signature(&a, "1", 2, "0"),
        ] {
            assert_ne!(signed, other);
        }
        assert_eq!(signature("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "1", 2, "3"), None);
    }
}
