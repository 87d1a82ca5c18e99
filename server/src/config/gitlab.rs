//! `[[gitlab]]`: GitLab connections that the installation brings along.

use super::{Problem, Secret, from_folder};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use url::Url;

/// `[[gitlab]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gitlab {
    /// The slug of the organization it is for; the only one there is where it is not set.
    pub organization: Option<String>,
    /// For people, unique in the organization.
    pub name: String,
    /// The URL, without `/api/v4`.
    pub base_url: String,
    /// An access token with the `api` scope …
    pub token: Option<Secret>,
    /// … or the file that holds it.
    pub token_file: Option<PathBuf>,
}

/// `text` as the base URL of a server, without a slash at the end.
pub(super) fn base(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host())
        .then(|| text.trim_end_matches('/').to_owned())
}

impl Gitlab {
    /// The access token.
    ///
    /// # Errors
    /// The file cannot be read; says which and why.
    pub fn token(&self) -> Result<String, String> {
        match (&self.token, &self.token_file) {
            (Some(token), _) => Ok(token.expose().to_owned()),
            (None, Some(file)) => std::fs::read_to_string(file)
                .map(|text| text.trim().to_owned())
                .map_err(|error| format!("token_file {} cannot be read: {error}", file.display())),
            (None, None) => Err(String::from("has neither token nor token_file")),
        }
    }

    /// The URL without a slash at the end.
    pub fn base(&self) -> String {
        self.base_url.trim_end_matches('/').to_owned()
    }

    pub(super) fn resolve(&mut self, folder: &Path) {
        if let Some(file) = &mut self.token_file {
            from_folder(folder, file);
        }
    }

    pub(super) fn problems(&self, number: usize) -> Vec<Problem> {
        let key = |name: &str| format!("gitlab.{number}.{name}");
        let mut problems = Vec::new();
        if self.name.trim().is_empty() {
            problems.push(Problem::new(key("name"), "is empty; give the connection a name"));
        }
        match base(&self.base_url) {
            None => {
                let what = format!(
                    "`{}` is not a URL; write for example https://gitlab.example.com",
                    self.base_url
                );
                problems.push(Problem::new(key("base_url"), what));
            }
            Some(base) if base.ends_with("/api/v4") => {
                problems.push(Problem::new(
                    key("base_url"),
                    "is the API's URL; leave /api/v4 away",
                ));
            }
            Some(_) => {}
        }
        if self.token.is_some() == self.token_file.is_some() {
            problems.push(Problem::new(
                key("token"),
                "set exactly one of token and token_file",
            ));
        }
        problems
    }
}
