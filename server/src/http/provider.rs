//! The providers that people sign in with, each under a key of its own.

use super::gitlab_oauth::Gitlab;
use super::oidc::{Answering, Asking, Oidc};
use slipway_portal::identity::Outside;
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

    /// For the pages.
    pub fn shown(&self) -> slipway_app::Provider {
        let (name, issuer, anew) = match self {
            Self::Gitlab(gitlab) => (gitlab.name(), gitlab.base_url(), false),
            Self::Oidc(oidc) => (oidc.setup().name.as_str(), oidc.setup().issuer.as_str(), true),
        };
        slipway_app::Provider {
            key: self.key().to_owned(),
            name: name.to_owned(),
            issuer: issuer.to_owned(),
            anew,
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
