//! `[database]`: where everything is kept.

use super::Problem;
use serde::Deserialize;

/// `[database]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// `sqlite://path/to/slipway.db`, or `postgres://user:password@host/name`.
    pub url: String,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: String::from("sqlite://slipway.db"),
        }
    }
}

impl Database {
    /// The URL without the password, for people.
    pub fn shown(&self) -> String {
        match url::Url::parse(&self.url) {
            Ok(mut url) if url.password().is_some() => {
                let _ = url.set_password(Some("***"));
                url.to_string()
            }
            _ => self.url.clone(),
        }
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let known = ["sqlite:", "postgres:", "postgresql:"];
        if known.iter().any(|scheme| self.url.starts_with(scheme)) {
            return Vec::new();
        }
        let what = "must start with sqlite:// or postgres://; write for example sqlite://slipway.db";
        vec![Problem::new("database.url", what)]
    }
}
