//! Codes of an authenticator: HOTP (RFC 4226) over steps of 30 s (RFC 6238), six digits, SHA-1: what every
//! authenticator speaks.

use hmac::{Hmac, Mac};
use qrcodegen::{QrCode, QrCodeEcc};
use sha1::Sha1;
use slipway_domain::factor::Qr;
use slipway_domain::time::{SECOND, Timestamp};
use std::fmt::Write as _;
use subtle::ConstantTimeEq as _;

/// The length of a secret, in bytes (RFC 4226, 4: that of the hash).
pub const SECRET: usize = 20;

/// How long a code holds, in µs.
const STEP: i64 = 30 * SECOND;

/// How many steps a clock may be off, either way.
const DRIFT: i64 = 1;

/// The quiet zone around a QR code, in modules (ISO/IEC 18004).
const QUIET: i32 = 4;

/// The step of `at`.
pub const fn step(at: Timestamp) -> i64 {
    at.micros().div_euclid(STEP)
}

/// The code of `step`, six digits.
///
/// # Panics
/// Never: HMAC takes keys of any length.
pub fn code(secret: &[u8], step: i64) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).expect("HMAC takes any key");
    mac.update(&step.to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let offset = usize::from(hash[19] & 15);
    let word = u32::from_be_bytes([hash[offset], hash[offset + 1], hash[offset + 2], hash[offset + 3]]);
    format!("{:06}", (word & 0x7fff_ffff) % 1_000_000)
}

/// The step that `typed` is the code of, around `now`.
pub fn step_of(secret: &[u8], typed: &str, now: Timestamp) -> Option<i64> {
    let now = step(now);
    // Newest first; all of them are compared.
    let mut found = None;
    for step in now - DRIFT..=now + DRIFT {
        if bool::from(code(secret, step).as_bytes().ct_eq(typed.as_bytes())) {
            found = Some(step);
        }
    }
    found
}

/// Bytes in base32 (RFC 4648) without padding.
pub fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::new();
    for chunk in bytes.chunks(5) {
        let mut word = [0u8; 8];
        word[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(word);
        let letters = (chunk.len() * 8).div_ceil(5);
        for index in 0..letters {
            let five = (bits >> (35 - 5 * index)) & 31;
            text.push(char::from(LETTERS[usize::try_from(five).unwrap_or(0)]));
        }
    }
    text
}

/// `text` in groups of four with `between` between them.
pub fn grouped(text: &str, between: char) -> String {
    let mut grouped = String::new();
    for (index, letter) in text.chars().enumerate() {
        if index > 0 && index % 4 == 0 {
            grouped.push(between);
        }
        grouped.push(letter);
    }
    grouped
}

/// What an authenticator reads: the key URI format, as `otpauth://totp/Slipway:dora?secret=…`. `account` is a sign-in
/// name and the letters of base32 need no escaping; `issuer` is escaped.
pub fn uri(secret: &[u8], account: &str, issuer: &str) -> String {
    let issuer = escaped(issuer);
    format!(
        "otpauth://totp/{issuer}:{}?secret={}&issuer={issuer}",
        escaped(account),
        base32(secret)
    )
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// The QR code of `text`; `None` where it is too long for one.
pub fn qr(text: &str) -> Option<Qr> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in 0..code.size() {
            if code.get_module(x, y) {
                let _ = write!(path, "M{},{}h1v1h-1z", x + QUIET, y + QUIET);
            }
        }
    }
    Some(Qr {
        size: code.size() + 2 * QUIET,
        path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn the_codes_are_those_of_rfc_6238_appendix_b() {
        let at = |second: i64| code(SECRET, step(Timestamp(second * SECOND)));
        // The last six of the eight digits there.
        assert_eq!(at(59), "287082");
        assert_eq!(at(1_111_111_109), "081804");
        assert_eq!(at(1_234_567_890), "005924");
        assert_eq!(at(20_000_000_000), "353130");
    }

    #[test]
    fn a_clock_may_be_one_step_off_and_no_more() {
        let now = Timestamp(1_000_000 * STEP);
        for (off, known) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let typed = code(SECRET, step(now) + off);
            assert_eq!(
                step_of(SECRET, &typed, now),
                known.then_some(step(now) + off),
                "{off}"
            );
        }
        assert_eq!(step_of(SECRET, "", now), None);
    }

    #[test]
    fn base32_is_that_of_rfc_4648() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
        assert_eq!(grouped("ABCDEFGHIJ", ' '), "ABCD EFGH IJ");
    }

    #[test]
    fn the_picture_says_who_and_where() {
        let uri = uri(SECRET, "dora", "Slipway");
        assert_eq!(
            uri,
            "otpauth://totp/Slipway:dora?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Slipway"
        );
        assert!(super::uri(SECRET, "dora", "a&b c").ends_with("&issuer=a%26b%20c"));
        let qr = qr(&uri).unwrap();
        assert!(qr.size > 29 && qr.path.starts_with("M4,4h1v1h-1z"), "{}", qr.size);
    }
}
