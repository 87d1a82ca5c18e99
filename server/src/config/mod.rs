//! Configuration: defaults, then `slipway.toml`, then `SLIPWAY__SECTION__KEY` of the environment.
//!
//! Every section has its file here. What cannot be right is refused at start, with the key, where its
//! value came from, and what to write instead.

mod attachments;
mod clusters;
mod database;
mod error;
mod gitlab;
mod log;
mod oidc;
mod outgoing;
mod secret;
mod secrets;
mod server;
mod sign_in;
mod smtp;

pub use attachments::Attachments;
pub use clusters::Cluster;
pub use database::Database;
pub use error::{ConfigError, Problem};
pub use gitlab::Gitlab;
pub use log::{Format, Log};
pub use oidc::Oidc;
pub use outgoing::Outgoing;
pub use secret::Secret;
pub use secrets::Secrets;
pub use server::Server;
pub use sign_in::{GitlabSignIn, SignIn};
pub use smtp::Smtp;

use figment::Figment;
use figment::providers::{Env, Format as _, Toml};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The file that is read where none is named, if it is there.
const FILE: &str = "slipway.toml";

/// What separates sections and keys in the environment, as in `SLIPWAY__DATABASE__URL`.
const PREFIX: &str = "SLIPWAY__";

/// The whole configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `[server]`
    pub server: Server,
    /// `[database]`
    pub database: Database,
    /// `[secrets]`
    pub secrets: Secrets,
    /// `[sign_in]`
    pub sign_in: SignIn,
    /// `[[oidc]]`
    pub oidc: Vec<Oidc>,
    /// `[[gitlab]]`
    pub gitlab: Vec<Gitlab>,
    /// `[[clusters]]`
    pub clusters: Vec<Cluster>,
    /// `[smtp]`
    pub smtp: Option<Smtp>,
    /// `[attachments]`
    pub attachments: Attachments,
    /// `[outgoing]`
    pub outgoing: Outgoing,
    /// `[log]`
    pub log: Log,
}

impl Config {
    /// Reads the configuration. `file`: as named on the command line, which must then be there.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let path = match file {
            Some(path) if !path.is_file() => return Err(ConfigError::NoFile(path.to_owned())),
            Some(path) => path.to_owned(),
            None => PathBuf::from(FILE),
        };
        let mut figment = Figment::new();
        if path.is_file() {
            figment = figment.merge(Toml::file_exact(&path));
        }
        let figment = figment.merge(Env::prefixed(PREFIX).split("__"));
        let mut config: Self = figment.extract().map_err(ConfigError::read)?;
        // Paths in the file are meant from where the file is.
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        config.resolve(&folder);
        let problems = config.problems();
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError::wrong(&figment, problems))
        }
    }

    fn resolve(&mut self, folder: &Path) {
        for oidc in &mut self.oidc {
            oidc.resolve(folder);
        }
        for gitlab in &mut self.gitlab {
            gitlab.resolve(folder);
        }
        for cluster in &mut self.clusters {
            cluster.resolve(folder);
        }
        self.attachments.resolve(folder);
        if let Some(smtp) = &mut self.smtp {
            smtp.resolve(folder);
        }
    }

    fn problems(&self) -> Vec<Problem> {
        let mut problems = self.server.problems();
        problems.extend(self.database.problems());
        problems.extend(self.secrets.problems());
        problems.extend(self.sign_in.problems(!self.oidc.is_empty()));
        problems.extend(self.attachments.problems());
        problems.extend(self.outgoing.problems());
        problems.extend(self.log.problems());
        for (number, oidc) in self.oidc.iter().enumerate() {
            problems.extend(oidc.problems(number));
            if self.oidc.iter().take(number).any(|before| before.key == oidc.key) {
                let what = "is another provider's already; choose another";
                problems.push(Problem::new(format!("oidc.{number}.key"), what));
            }
        }
        for (number, gitlab) in self.gitlab.iter().enumerate() {
            problems.extend(gitlab.problems(number));
        }
        for (number, cluster) in self.clusters.iter().enumerate() {
            problems.extend(cluster.problems(number));
        }
        if let Some(smtp) = &self.smtp {
            problems.extend(smtp.problems());
        }
        problems
    }
}

/// `path` as meant from `folder`.
fn from_folder(folder: &Path, path: &mut PathBuf) {
    if path.is_relative() {
        *path = folder.join(&*path);
    }
}
