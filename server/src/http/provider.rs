//! The providers that people sign in with, each under a key of its own: those of the configuration, and those that
//! operators set up while the server runs.

use super::exchange::Line;
use super::gitlab_oauth::Gitlab;
use super::oidc::{Answering, Asking, Oidc, Setup};
use anyhow::Context as _;
use parking_lot::Mutex;
use slipway_domain::id::ProviderId;
use slipway_domain::provider::{Configured, ConfiguredKind};
use slipway_portal::identity::Outside;
use slipway_portal::ports::ProviderAccess;
use slipway_portal::{OpCtx, provider};
use std::collections::HashMap;
use std::sync::Arc;
use url::Url;

/// A provider.
pub enum Provider {
    /// A GitLab, by its own API.
    Gitlab(Box<Gitlab>),
    /// An `OpenID` Connect provider.
    Oidc(Box<Oidc>),
}

impl Provider {
    /// The last part of its addresses here.
    pub fn key(&self) -> &str {
        match self {
            Self::Gitlab(_) => "gitlab",
            Self::Oidc(oidc) => &oidc.setup().key,
        }
    }

    /// As the use cases know it, where it is the configuration's.
    pub fn configured(&self) -> Configured {
        let (name, issuer, kind) = match self {
            Self::Gitlab(gitlab) => (gitlab.name(), gitlab.base_url(), ConfiguredKind::Gitlab),
            Self::Oidc(oidc) => (
                oidc.setup().name.as_str(),
                oidc.setup().issuer.as_str(),
                ConfiguredKind::Oidc,
            ),
        };
        Configured {
            key: self.key().to_owned(),
            name: name.to_owned(),
            issuer: issuer.to_owned(),
            kind,
        }
    }

    /// Where to send a person.
    ///
    /// # Errors
    /// The provider does not answer, or cannot ask somebody to sign in anew.
    pub async fn address(&self, asking: Asking<'_>) -> anyhow::Result<Url> {
        match self {
            Self::Gitlab(_) if asking.anew => {
                anyhow::bail!("a GitLab cannot be told to ask for the password again")
            }
            Self::Gitlab(gitlab) => Ok(gitlab.address(asking.state, asking.challenge)),
            Self::Oidc(oidc) => oidc.address(asking).await,
        }
    }

    /// Whether the issuer that an answer names is this one.
    ///
    /// # Errors
    /// The provider does not answer.
    pub async fn is_from_here(&self, issuer: Option<&str>) -> anyhow::Result<bool> {
        match self {
            // GitLab names none; one that is named is not GitLab's.
            Self::Gitlab(gitlab) => Ok(issuer.is_none_or(|issuer| issuer == gitlab.base_url())),
            Self::Oidc(oidc) => oidc.is_from_here(issuer).await,
        }
    }

    /// Who came back.
    ///
    /// # Errors
    /// The provider does not answer, or its answer is not to be believed.
    pub async fn identity(&self, answering: Answering<'_>) -> anyhow::Result<Outside> {
        match self {
            Self::Gitlab(gitlab) => gitlab.identity(answering.code, answering.verifier).await,
            Self::Oidc(oidc) => oidc.identity(answering).await,
        }
    }
}

/// All providers.
pub struct Providers {
    configured: Vec<Arc<Provider>>,
    line: Line,
    public_url: String,
    /// Those of operators by their versions, with what they have published of themselves.
    kept: Mutex<HashMap<ProviderId, (i64, Arc<Provider>)>>,
}

impl Providers {
    /// Those of the configuration, and those of operators, which are reached by `line`.
    pub fn new(configured: Vec<Provider>, line: Line, public_url: &str) -> Self {
        Self {
            configured: configured.into_iter().map(Arc::new).collect(),
            line,
            public_url: public_url.to_owned(),
            kept: Mutex::default(),
        }
    }

    /// The provider of that key, if people can sign in with it now. What operators set up is read from the database
    /// every time: so a change counts at once, whichever replica it was made at.
    ///
    /// # Errors
    /// The database does not answer, or the provider's secret does not open.
    pub async fn find(&self, ctx: &OpCtx, key: &str) -> anyhow::Result<Option<Arc<Provider>>> {
        if let Some(found) = self.configured.iter().find(|one| one.key() == key) {
            return Ok(Some(Arc::clone(found)));
        }
        let access = provider::access(ctx, key).await;
        let access = access.context("the provider cannot be looked up")?;
        access.map(|access| self.set_up(access)).transpose()
    }

    /// The one that was made of this version before, or a new one.
    fn set_up(&self, access: ProviderAccess) -> anyhow::Result<Arc<Provider>> {
        let (id, version) = (access.provider.id, access.provider.version);
        let known = self.kept.lock().get(&id).cloned();
        if let Some((_, provider)) = known.filter(|(known, _)| *known == version) {
            return Ok(provider);
        }
        let oidc = Oidc::new(setup(access), &self.public_url, self.line.clone())?;
        let provider = Arc::new(Provider::Oidc(Box::new(oidc)));
        self.kept.lock().insert(id, (version, Arc::clone(&provider)));
        Ok(provider)
    }
}

fn setup(access: ProviderAccess) -> Setup {
    let provider = access.provider;
    Setup {
        key: provider.key,
        name: provider.name,
        issuer: provider.issuer,
        client_id: provider.client_id,
        client_secret: access.client_secret,
        scopes: provider.scopes,
        groups_claim: provider.groups_claim,
        allowed_domains: provider.allowed_domains,
    }
}
