//! `[secrets]`: the key that seals tokens and kubeconfigs at rest.

use super::{Problem, Secret};
use serde::Deserialize;

/// The shortest key that is taken, in bytes.
const KEY_MIN: usize = 16;

/// `[secrets]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Secrets {
    /// The key in use.
    pub key: Secret,
    /// Keys before it, which may still open what they sealed.
    pub previous_keys: Vec<Secret>,
}

impl Secrets {
    pub(super) fn problems(&self) -> Vec<Problem> {
        if self.key.expose().len() >= KEY_MIN {
            return Vec::new();
        }
        let what = format!(
            "needs at least {KEY_MIN} characters that nobody can guess; make them with `openssl rand -base64 32`, \
             keep them safe, and set SLIPWAY__SECRETS__KEY"
        );
        vec![Problem::new("secrets.key", what)]
    }
}
