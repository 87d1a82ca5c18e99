//! The audit log: rows that are chained by hash, so that a change in the past shows.

use crate::id::AuditId;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How an audited act ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was refused.
    Refused,
    /// It was tried and failed.
    Failed,
}

impl Outcome {
    /// The stored key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    /// Reads the stored key.
    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Done, Self::Refused, Self::Failed]
            .into_iter()
            .find(|o| o.key() == key)
    }
}

/// A row as people read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// Which.
    pub id: AuditId,
    /// Its number in the organization's chain, from 1.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who: a display name, `slipway` for the system itself.
    pub actor: String,
    /// By which channel: `web`, `api`, `system`, `cli`.
    pub via: String,
    /// The request.
    pub request_id: String,
    /// What: a stable key such as `promotion.request`.
    pub action: String,
    /// The kind of the target: `app`, `promotion`, …
    pub target_kind: String,
    /// The target's id.
    pub target_id: String,
    /// The target's name then.
    pub target: String,
    /// What changed, without secrets: a JSON object.
    pub summary: serde_json::Value,
    /// How it ended.
    pub outcome: Outcome,
}

/// The hash of a row: SHA-256 over the previous row's hash and the row's fields, each with its length
/// before it, in hex.
pub fn chain_hash(previous: &str, fields: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for field in std::iter::once(&previous).chain(fields) {
        hasher.update((field.len() as u64).to_be_bytes());
        hasher.update(field.as_bytes());
    }
    hex::encode(hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn moving_a_border_between_fields_changes_the_hash(a in ".{1,20}", b in ".{1,20}") {
            let joined = format!("{a}{b}");
            prop_assert_ne!(chain_hash("", &[&a, &b]), chain_hash("", &[&joined, ""]));
        }

        #[test]
        fn the_previous_hash_is_part_of_the_next(p in "[0-9a-f]{8}", q in "[0-9a-f]{8}", a in ".{0,20}") {
            prop_assume!(p != q);
            prop_assert_ne!(chain_hash(&p, &[&a]), chain_hash(&q, &[&a]));
        }
    }
}
