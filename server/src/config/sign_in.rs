//! `[sign_in]`: the ways in.

use super::{Problem, Secret};
use serde::Deserialize;

/// `[sign_in]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SignIn {
    /// Whether local accounts sign in by password.
    pub local: bool,
    /// `[sign_in.gitlab]`: OAuth 2.0 with a GitLab.
    pub gitlab: Option<GitlabSignIn>,
    /// Minutes without a request after which a session ends.
    pub idle_minutes: u32,
    /// Hours after which a session ends in any case.
    pub session_hours: u32,
}

/// `[sign_in.gitlab]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitlabSignIn {
    /// For people; `GitLab` where it is not set.
    #[serde(default = "gitlab")]
    pub name: String,
    /// The GitLab's URL.
    pub base_url: String,
    /// The application id that GitLab shows.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
}

fn gitlab() -> String {
    String::from("GitLab")
}

impl Default for SignIn {
    fn default() -> Self {
        Self {
            local: true,
            gitlab: None,
            idle_minutes: 12 * 60,
            session_hours: 7 * 24,
        }
    }
}

impl SignIn {
    /// `others`: whether there are other providers.
    pub(super) fn problems(&self, others: bool) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !self.local && self.gitlab.is_none() && !others {
            let what = "is off and there is no [sign_in.gitlab] and no [[oidc]]: nobody could sign in; set one of them";
            problems.push(Problem::new("sign_in.local", what));
        }
        if self.idle_minutes == 0 {
            problems.push(Problem::new("sign_in.idle_minutes", "must be at least 1"));
        }
        if self.session_hours == 0 {
            problems.push(Problem::new("sign_in.session_hours", "must be at least 1"));
        }
        if let Some(gitlab) = &self.gitlab {
            if super::gitlab::base(&gitlab.base_url).is_none() {
                let what = format!(
                    "`{}` is not a URL; write for example https://gitlab.example.com",
                    gitlab.base_url
                );
                problems.push(Problem::new("sign_in.gitlab.base_url", what));
            }
            if gitlab.client_id.is_empty() {
                let what = "is empty; register Slipway in GitLab under Applications with the scope read_user";
                problems.push(Problem::new("sign_in.gitlab.client_id", what));
            }
        }
        problems
    }
}
