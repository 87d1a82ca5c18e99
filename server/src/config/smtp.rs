//! `[smtp]`: the mail server of organizations that have none of their own.

use super::{Problem, Secret, from_folder};
use serde::Deserialize;
use slipway_domain::mail::{self, MailServer, Security, Sender};
use slipway_portal::ports::MailAccess;
use std::path::{Path, PathBuf};

/// `[smtp]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    /// The server's name or address.
    pub host: String,
    /// Its port; without it the one of the security: 465, 587 or 25.
    pub port: Option<u16>,
    /// `tls` (from the start), `starttls` (required), or `none`.
    #[serde(default = "starttls")]
    pub security: String,
    /// Who to sign in as; without it nobody does.
    pub username: Option<String>,
    /// The password …
    pub password: Option<Secret>,
    /// … or the file that holds it.
    pub password_file: Option<PathBuf>,
    /// Who mail comes from, as in `Slipway <slipway@example.com>`.
    pub from: String,
}

fn starttls() -> String {
    Security::StartTls.key().to_owned()
}

impl Smtp {
    /// How to reach the server.
    ///
    /// # Errors
    /// The password's file cannot be read, or a value is wrong; says which.
    pub fn access(&self) -> Result<MailAccess, String> {
        let security = Security::from_key(&self.security).unwrap_or_default();
        Ok(MailAccess {
            server: MailServer {
                host: mail::host(&self.host).map_err(|wrong| wrong.en)?,
                port: self.port.unwrap_or_else(|| security.port()),
                security,
                username: self.username.clone().unwrap_or_default(),
                sender: Sender::parse(&self.from).map_err(|wrong| wrong.en)?,
            },
            password: self.password()?,
            operator: true,
        })
    }

    fn password(&self) -> Result<String, String> {
        match (&self.password, &self.password_file) {
            (Some(password), _) => Ok(password.expose().to_owned()),
            (None, Some(file)) => std::fs::read_to_string(file)
                .map(|text| text.trim().to_owned())
                .map_err(|error| format!("password_file {} cannot be read: {error}", file.display())),
            (None, None) => Ok(String::new()),
        }
    }

    pub(super) fn resolve(&mut self, folder: &Path) {
        if let Some(file) = &mut self.password_file {
            from_folder(folder, file);
        }
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut add = |key: &str, what: String| problems.push(Problem::new(format!("smtp.{key}"), what));
        if let Err(wrong) = mail::host(&self.host) {
            add("host", format!("`{}` is no host; {}", self.host, wrong.en));
        }
        if self.port == Some(0) {
            add(
                "port",
                String::from("is 0; use the server's port, or leave it away"),
            );
        }
        if Security::from_key(&self.security).is_none() {
            let what = format!("`{}` is unknown; use tls, starttls or none", self.security);
            add("security", what);
        }
        let secrets = usize::from(self.password.is_some()) + usize::from(self.password_file.is_some());
        if secrets != usize::from(self.username.is_some()) {
            let what = "set username with exactly one of password and password_file, or none of the three";
            add("username", String::from(what));
        }
        if let Err(wrong) = Sender::parse(&self.from) {
            add("from", format!("`{}` is no sender; {}", self.from, wrong.en));
        }
        problems
    }
}
