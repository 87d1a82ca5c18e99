//! `[[oidc]]`: providers of sign-in by `OpenID` Connect discovery.

use super::{Problem, Secret, from_folder};
use crate::http::oidc::Setup;
use serde::Deserialize;
use slipway_domain::name::Slug;
use std::path::{Path, PathBuf};

/// `[[oidc]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// The last part of its addresses in Slipway, and the first of the groups that it fills, as in `keycloak:devs`.
    pub key: String,
    /// For people, on the button.
    pub name: String,
    /// The issuer, exactly as the provider calls itself.
    pub issuer: String,
    /// The client id that Slipway is registered as, with the redirect URI `…/sign-in/{key}/callback`.
    pub client_id: String,
    /// Its secret …
    pub client_secret: Option<Secret>,
    /// … or the variable of the environment that holds it …
    pub client_secret_env: Option<String>,
    /// … or the file that does.
    pub client_secret_file: Option<PathBuf>,
    /// What is asked for beside `openid`.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// The claim that lists somebody's groups; without it the provider fills none.
    pub groups_claim: Option<String>,
    /// Only people with a verified address of one of these domains come in; without it everybody.
    #[serde(default)]
    pub allowed_domains: Vec<String>,
}

fn scopes() -> Vec<String> {
    vec![String::from("profile"), String::from("email")]
}

impl Oidc {
    /// The client secret.
    ///
    /// # Errors
    /// The variable is not set or the file cannot be read; says which.
    pub fn client_secret(&self) -> Result<String, String> {
        if let Some(secret) = &self.client_secret {
            return Ok(secret.expose().to_owned());
        }
        if let Some(name) = &self.client_secret_env {
            return std::env::var(name)
                .map_err(|_| format!("client_secret_env names {name}, which the environment does not have"));
        }
        let Some(file) = &self.client_secret_file else {
            return Err(String::from("has no client secret"));
        };
        std::fs::read_to_string(file)
            .map(|text| text.trim().to_owned())
            .map_err(|error| format!("client_secret_file {} cannot be read: {error}", file.display()))
    }

    /// As the HTTP edge is told.
    ///
    /// # Errors
    /// The secret cannot be read.
    pub fn setup(&self) -> Result<Setup, String> {
        Ok(Setup {
            key: self.key.clone(),
            name: self.name.clone(),
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret()?,
            scopes: self.scopes.clone(),
            groups_claim: self.groups_claim.clone(),
            allowed_domains: self.allowed_domains.clone(),
        })
    }

    pub(super) fn resolve(&mut self, folder: &Path) {
        if let Some(file) = &mut self.client_secret_file {
            from_folder(folder, file);
        }
    }

    pub(super) fn problems(&self, number: usize) -> Vec<Problem> {
        let key = |name: &str| format!("oidc.{number}.{name}");
        let mut problems = Vec::new();
        if let Err(error) = Slug::parse(&self.key) {
            problems.push(Problem::new(key("key"), error.to_string()));
        } else if matches!(self.key.as_str(), "gitlab" | "code") {
            problems.push(Problem::new(
                key("key"),
                "is an address of Slipway's own; choose another",
            ));
        }
        if self.name.trim().is_empty() {
            problems.push(Problem::new(key("name"), "is empty; give the provider a name"));
        }
        if super::gitlab::base(&self.issuer).is_none() {
            let what = format!(
                "`{}` is not a URL; write for example https://sso.example.com/realms/work",
                self.issuer
            );
            problems.push(Problem::new(key("issuer"), what));
        }
        if self.client_id.is_empty() {
            let what = format!(
                "is empty; register Slipway with the provider, with the redirect URI …/sign-in/{}/callback",
                self.key
            );
            problems.push(Problem::new(key("client_id"), what));
        }
        let given = [
            self.client_secret.is_some(),
            self.client_secret_env.is_some(),
            self.client_secret_file.is_some(),
        ];
        if given.into_iter().filter(|given| *given).count() != 1 {
            let what = "set exactly one of client_secret, client_secret_env and client_secret_file";
            problems.push(Problem::new(key("client_secret"), what));
        }
        problems
    }
}
