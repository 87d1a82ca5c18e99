//! The `SourceForge` port over the `gitlab` crate (GitLab REST v4).
//!
//! [`client`] decides what a refusal means and how long anything may take, [`answer`] reads answers without
//! trusting their shape, [`gitlab`](mod@gitlab) and [`ci`] have one method per use, [`oauth`] gets tokens.

mod answer;
mod archive;
mod call;
mod change;
mod ci;
mod client;
mod gitlab;
mod group;
mod issue;
mod oauth;
#[cfg(test)]
mod recorded;
mod report;

use async_trait::async_trait;
use client::Client;
use oauth::Endpoint;
use slipway_guard::Guard;
use slipway_portal::outgoing::Outgoing;
use slipway_portal::ports::{
    AskingGrant, CodeGrant, ForgeAccess, ForgeConnector, ForgeError, GrantError, OauthApplication,
    OauthTokens, SourceForge,
};
use std::sync::{Arc, OnceLock};
use url::Url;

/// Makes clients, which share two HTTP clients: one in bounds, and one for what the operator wrote.
pub struct GitlabConnector {
    guard: Guard,
    typed: OnceLock<reqwest::Client>,
    operators: OnceLock<reqwest::Client>,
}

impl GitlabConnector {
    /// A connector whose clients stay in `outgoing`'s bounds unless the operator wrote the access.
    pub fn new(outgoing: Outgoing) -> Self {
        Self {
            guard: Guard::new(outgoing),
            typed: OnceLock::new(),
            operators: OnceLock::new(),
        }
    }

    /// For what people typed.
    fn typed(&self) -> Result<&reqwest::Client, ForgeError> {
        kept(&self.typed, || client::http(Some(&self.guard)))
    }

    fn endpoint(&self) -> Result<Endpoint<'_>, ForgeError> {
        Ok(Endpoint {
            http: self.typed()?,
            guard: &self.guard,
        })
    }
}

/// What is kept, made at its first use.
fn kept(
    cell: &OnceLock<reqwest::Client>,
    first: impl FnOnce() -> Result<reqwest::Client, ForgeError>,
) -> Result<&reqwest::Client, ForgeError> {
    if let Some(kept) = cell.get() {
        return Ok(kept);
    }
    let client = first()?;
    Ok(cell.get_or_init(|| client))
}

#[async_trait]
impl ForgeConnector for GitlabConnector {
    async fn admits(&self, base_url: &str) -> Result<(), ForgeError> {
        match Url::parse(base_url) {
            Ok(url) => self.guard.admits(&url).await.map_err(client::out_of_bounds),
            Err(_) => Err(ForgeError::Unreachable(format!("{base_url} is not an address"))),
        }
    }

    fn connect(&self, access: &ForgeAccess) -> Result<Arc<dyn SourceForge>, ForgeError> {
        let (http, guard) = if access.operator {
            (kept(&self.operators, || client::http(None))?, None)
        } else {
            (self.typed()?, Some(self.guard.clone()))
        };
        let client = Client::new(access, http.clone(), guard)?;
        Ok(Arc::new(gitlab::Gitlab::new(client)))
    }

    fn authorize_url(&self, asking: &AskingGrant<'_>) -> Result<String, ForgeError> {
        Ok(oauth::page(asking)?.into())
    }

    async fn redeem(
        &self,
        application: &OauthApplication,
        code: &CodeGrant<'_>,
    ) -> Result<OauthTokens, GrantError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.code),
            ("redirect_uri", code.redirect_uri),
            ("code_verifier", code.verifier),
        ];
        self.endpoint()?.tokens(application, &form).await
    }

    async fn refresh(
        &self,
        application: &OauthApplication,
        refresh_token: &str,
        redirect_uri: &str,
    ) -> Result<OauthTokens, GrantError> {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
            ("redirect_uri", redirect_uri),
        ];
        self.endpoint()?.tokens(application, &form).await
    }

    async fn revoke(&self, application: &OauthApplication, refresh_token: &str) -> Result<(), GrantError> {
        self.endpoint()?.revoke(application, refresh_token).await
    }
}
