//! Passwords: argon2id with the parameters OWASP recommends (19 MiB, 2 passes, 1 lane).

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::OnceLock;

fn hasher() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Hashes a password with a fresh salt, as a PHC string. Takes tens of milliseconds: call it off the
/// async threads.
///
/// # Panics
/// Never: the salt has the length that argon2 asks for.
pub fn hash(password: &str) -> String {
    let salt: [u8; 16] = rand::random();
    let salt = SaltString::encode_b64(&salt).expect("16 bytes are a salt");
    hasher()
        .hash_password(password.as_bytes(), &salt)
        .expect("argon2 takes any password")
        .to_string()
}

/// Whether `password` is the one that was hashed. Without a hash (an unknown account, one that signs in
/// elsewhere) it takes the same time and says no.
pub fn verify(password: &str, stored: Option<&str>) -> bool {
    static NOBODY: OnceLock<String> = OnceLock::new();
    let nobody = NOBODY.get_or_init(|| hash("nobody's password"));
    let text = stored.unwrap_or(nobody);
    let matches = PasswordHash::new(text)
        .is_ok_and(|parsed| hasher().verify_password(password.as_bytes(), &parsed).is_ok());
    matches && stored.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_of_a_known_account_verifies() {
        let stored = hash("correct horse");
        assert!(verify("correct horse", Some(&stored)));
        assert!(!verify("wrong horse", Some(&stored)));
        assert!(!verify("nobody's password", None));
        assert_ne!(stored, hash("correct horse"), "salts differ");
    }
}
