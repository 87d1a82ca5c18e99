//! An authenticator app: RFC 6238 once more, by another hand, from the base32 that the page shows.

use sha1::{Digest as _, Sha1};
use slipway_domain::time::{SECOND, Timestamp};

/// An authenticator that holds one secret.
pub struct Authenticator(Vec<u8>);

impl Authenticator {
    /// An authenticator of the secret in base32, as a person would type it.
    ///
    /// # Panics
    /// Where it is no base32.
    pub fn of(text: &str) -> Self {
        let (mut bytes, mut bits, mut held) = (Vec::new(), 0u32, 0);
        for letter in text.chars().filter(|c| *c != ' ') {
            let five = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(letter).expect("base32");
            bits = (bits << 5) | u32::try_from(five).expect("five bits");
            held += 5;
            if held >= 8 {
                held -= 8;
                bytes.push(u8::try_from((bits >> held) & 255).expect("a byte"));
            }
        }
        Self(bytes)
    }

    /// The code that it shows at `now`.
    ///
    /// # Panics
    /// Before the epoch.
    pub fn code(&self, now: Timestamp) -> String {
        let counter = u64::try_from(now.micros() / (30 * SECOND)).expect("after the epoch");
        let hash = self.hmac(&counter.to_be_bytes());
        let at = usize::from(hash[19] % 16);
        let word = hash[at..at + 4]
            .iter()
            .fold(0u32, |word, byte| (word << 8) | u32::from(*byte));
        format!("{:06}", (word % (1 << 31)) % 1_000_000)
    }

    /// HMAC-SHA-1 from its definition (RFC 2104).
    fn hmac(&self, message: &[u8]) -> Vec<u8> {
        let pad = |byte: u8| {
            let mut block = [byte; 64];
            for (at, own) in block.iter_mut().zip(&self.0) {
                *at ^= own;
            }
            block
        };
        let inner = Sha1::new()
            .chain_update(pad(0x36))
            .chain_update(message)
            .finalize();
        let outer = Sha1::new().chain_update(pad(0x5c)).chain_update(inner).finalize();
        outer.to_vec()
    }
}
