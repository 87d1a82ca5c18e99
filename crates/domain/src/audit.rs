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

/// The first line of the log as CSV (RFC 4180).
pub const CSV_HEAD: &str =
    "seq,at,actor,via,request_id,action,target_kind,target_id,target,outcome,summary\r\n";

impl AuditRow {
    /// The row as a line of CSV (RFC 4180), its instant in RFC 3339. Names are people's own words, and a spreadsheet
    /// would run what begins like a formula: such a cell begins with an apostrophe.
    pub fn csv(&self) -> String {
        let summary = self.summary.to_string();
        let cells = [
            self.seq.to_string(),
            self.at.rfc3339(),
            csv_cell(&self.actor),
            csv_cell(&self.via),
            csv_cell(&self.request_id),
            csv_cell(&self.action),
            csv_cell(&self.target_kind),
            csv_cell(&self.target_id),
            csv_cell(&self.target),
            self.outcome.key().to_owned(),
            csv_cell(&summary),
        ];
        format!("{}\r\n", cells.join(","))
    }
}

/// A cell of CSV (RFC 4180). A spreadsheet would run what begins like a formula: such a cell begins with an apostrophe.
pub fn csv_cell(text: &str) -> String {
    let formula = text
        .trim_start_matches([' ', '"'])
        .starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let text = if formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
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
        fn no_cell_runs_in_a_spreadsheet_or_breaks_out_of_its_column(text in "[=+@\t\r\n \",a-c-]{0,12}") {
            let shown = csv_cell(&text);
            let quoted = shown.starts_with('"');
            let inner = if quoted { shown[1..shown.len() - 1].replace("\"\"", "\"") } else { shown.clone() };
            prop_assert!(!inner.trim_start_matches(' ').starts_with(['=', '+', '-', '@', '\t', '\r', '\n']));
            prop_assert!(quoted || !shown.contains([',', '"', '\r', '\n']));
            prop_assert!(inner == text || inner == format!("'{text}"), "nothing is lost");
        }

        #[test]
        fn the_previous_hash_is_part_of_the_next(p in "[0-9a-f]{8}", q in "[0-9a-f]{8}", a in ".{0,20}") {
            prop_assume!(p != q);
            prop_assert_ne!(chain_hash(&p, &[&a]), chain_hash(&q, &[&a]));
        }
    }
}
