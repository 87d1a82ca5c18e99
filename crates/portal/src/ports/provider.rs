//! Providers of sign-in that operators set up: asking one what it says of itself, and where they are kept.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{Authorized, Server};
use async_trait::async_trait;
use slipway_domain::id::{ProviderId, UserId};
use slipway_domain::provider::{Discovered, Provider, ProviderReport};
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;
use std::net::IpAddr;

/// A provider as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderRecord {
    /// What operators see.
    pub provider: Provider,
    /// The client secret, sealed for the provider.
    pub client_secret: String,
    /// When it was set up.
    pub created_at: Timestamp,
}

/// A provider as people sign in with it.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderAccess {
    /// It.
    pub provider: Provider,
    /// The client secret.
    pub client_secret: String,
}

impl std::fmt::Debug for ProviderAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderAccess")
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

/// Why a provider could not be asked, or is not to be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The address leads where addresses that people type may not.
    #[error("{0} is Slipway's own machine, its link or a metadata service")]
    OutOfBounds(IpAddr),
    /// Nobody answers, or not in time.
    #[error("{url} does not answer: {why}")]
    Unreachable {
        /// What was asked.
        url: String,
        /// What went wrong.
        why: String,
    },
    /// It answers with another status than 200.
    #[error("{url} answers {status}")]
    Refused {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// What it answers is not what is asked for.
    #[error("{url} is no {what}: {why}")]
    Unreadable {
        /// What was asked.
        url: String,
        /// `discovery document` or `JWK set`.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// It calls itself otherwise.
    #[error("the provider calls itself {0}; write it exactly so in issuer")]
    OtherIssuer(String),
    /// One of its endpoints is no URL, or less protected than the issuer.
    #[error("{0} is not an https URL")]
    Endpoint(String),
}

impl ProviderError {
    /// What happened, and what to do.
    pub fn text(&self) -> Text {
        match self {
            Self::OutOfBounds(address) => Text::new(
                format!(
                    "This leads to {address}: Slipway's own machine, its network link or a metadata service. Use the \
                     provider's own address, or allow this one in slipway.toml (outgoing.allow)."
                ),
                format!(
                    "该地址指向 {address}，即 Slipway 所在机器、其链路或云元数据服务。请填写提供方自己的地址，\
                     或在 slipway.toml 中放行（outgoing.allow）。"
                ),
            ),
            Self::Unreachable { url, why } => Text::new(
                format!(
                    "{url} does not answer ({why}). Check the issuer, and the network from Slipway's machine."
                ),
                format!("{url} 无响应（{why}）。请检查 Issuer 以及 Slipway 所在机器的网络。"),
            ),
            Self::Refused { url, status } => Text::new(
                format!("{url} answers {status}. Is the issuer whole, with its path?"),
                format!("{url} 返回 {status}。请检查 Issuer 是否完整（包括路径）。"),
            ),
            Self::Unreadable { url, what, why } => Text::new(
                format!("{url} is no {what} ({why}). Is this the issuer of an OpenID Connect provider?"),
                format!(
                    "{url} 的内容不符合要求（{what}：{why}）。请确认这是 OpenID Connect 提供方的 Issuer。"
                ),
            ),
            Self::OtherIssuer(said) => Text::new(
                format!(
                    "The provider calls itself {said}. Write the issuer exactly so, with or without a slash at its end."
                ),
                format!("该提供方自称 {said}。请按此原样填写 Issuer，注意末尾是否有斜杠。"),
            ),
            Self::Endpoint(url) => Text::new(
                format!(
                    "The provider names the endpoint {url}, which is not https. Correct that at the provider."
                ),
                format!("该提供方公布的端点 {url} 不是 https 地址，请在提供方更正。"),
            ),
        }
    }
}

/// Asks providers.
#[async_trait]
pub trait ProviderConnector: Send + Sync {
    /// Whether an issuer that somebody typed may be asked: it does not lead out of bounds
    /// ([`Outgoing`](crate::outgoing::Outgoing)) as names resolve now. Every connection asks again.
    async fn admits(&self, issuer: &str) -> Result<(), ProviderError>;
    /// What the provider of an issuer that somebody typed says of itself, with its keys.
    async fn discover(&self, issuer: &str) -> Result<Discovered, ProviderError>;
}

/// Providers.
#[async_trait]
pub trait ProviderTx: Send {
    /// All, by key.
    async fn providers(&mut self, server: &Authorized<Server, See>) -> StoreResult<Vec<ProviderRecord>>;
    /// One, by its key.
    async fn provider(
        &mut self,
        server: &Authorized<Server, See>,
        key: &str,
    ) -> StoreResult<Option<ProviderRecord>>;
    /// Those that are on, by key: for whoever signs in.
    async fn providers_on(&mut self) -> StoreResult<Vec<ProviderRecord>>;
    /// Keeps a new one. `Constraint` where the key is taken.
    async fn insert_provider(
        &mut self,
        server: &Authorized<Server, Modify>,
        record: &ProviderRecord,
    ) -> StoreResult<()>;
    /// Changes the one that still has the version of `record`, which grows; its key stays. `Gone` where it has another.
    async fn update_provider(
        &mut self,
        server: &Authorized<Server, Modify>,
        record: &ProviderRecord,
    ) -> StoreResult<()>;
    /// Keeps how its last test went.
    async fn report_provider(
        &mut self,
        server: &Authorized<Server, See>,
        id: ProviderId,
        report: &ProviderReport,
    ) -> StoreResult<()>;
    /// Forgets it. The identities that are linked with it stay.
    async fn delete_provider(
        &mut self,
        server: &Authorized<Server, Modify>,
        id: ProviderId,
    ) -> StoreResult<()>;
    /// The identities, by person and issuer, of everybody who has one of `issuer` and whose account is on; with
    /// `passwords`, only of those who have no password.
    async fn identities_beside(
        &mut self,
        server: &Authorized<Server, See>,
        issuer: &str,
        passwords: bool,
    ) -> StoreResult<Vec<(UserId, String)>>;
}
