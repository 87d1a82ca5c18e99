//! Second factors: a code of an authenticator (RFC 6238) after the password.

use crate::identity::IdentityView;
use crate::time::{MINUTE, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a new secret waits for its first code, in µs.
pub const ENROLMENT_LASTS: i64 = 15 * MINUTE;

/// How many recovery codes somebody gets.
pub const RECOVERY_CODES: usize = 10;

/// A secret that waits for its first code. Only its owner ever sees it, and only until then.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolment {
    /// The secret to type, in base32 (RFC 4648) in groups of four.
    pub secret: String,
    /// What the picture says: an `otpauth` URI.
    pub uri: String,
    /// The picture.
    pub qr: Qr,
}

impl std::fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Enrolment")
    }
}

/// A QR code as a path of SVG.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Qr {
    /// Its width and height in modules, the quiet zone of four at each side included.
    pub size: i32,
    /// The dark modules, for the attribute `d`.
    pub path: String,
}

/// Where somebody's second factor stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Factor {
    /// There is none.
    Off,
    /// A secret waits for its first code.
    Pending(Enrolment),
    /// It is asked for at every sign-in by password.
    On {
        /// Since when.
        since: Timestamp,
        /// Recovery codes that were not used yet.
        codes_left: i64,
    },
}

/// What the page of how somebody signs in shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Security {
    /// The sign-in name.
    pub username: String,
    /// Whether they sign in by a password.
    pub has_password: bool,
    /// Their second factor.
    pub factor: Factor,
    /// Whether they proved lately that it is them, and so may change all of this.
    pub proved: bool,
    /// The identities that they sign in with elsewhere.
    pub identities: Vec<IdentityView>,
}
