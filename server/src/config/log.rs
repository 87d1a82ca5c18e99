//! `[log]`: what is written to standard error.

use super::Problem;
use serde::Deserialize;

/// `[log]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `text` for people, `json` for collectors.
    pub format: Format,
    /// What is written, as in `info,slipway_portal=debug`. `RUST_LOG` wins over it.
    pub filter: String,
}

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: Format::Text,
            filter: String::from("info,sqlx=warn,hyper=warn,kube=warn"),
        }
    }
}

impl Log {
    pub(super) fn problems(&self) -> Vec<Problem> {
        match tracing_subscriber::EnvFilter::try_new(&self.filter) {
            Ok(_) => Vec::new(),
            Err(error) => {
                vec![Problem::new(
                    "log.filter",
                    format!("{error}; write for example info,slipway_portal=debug"),
                )]
            }
        }
    }
}
