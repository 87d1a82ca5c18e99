//! What an `OpenID` Connect provider says of itself (`OpenID` Connect Discovery 1.0), and its keys (RFC 7517).

use super::exchange::{Line, Trouble, body};
use super::id_token::Keys;
use async_trait::async_trait;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use slipway_domain::provider::{Discovered, SECRET_WAYS, secret_ways};
use slipway_portal::ports::{ProviderConnector, ProviderError};
use url::Url;

/// What a provider says of itself.
#[derive(Clone, Debug, Deserialize)]
pub struct Document {
    issuer: String,
    /// Where people are sent.
    pub authorization_endpoint: String,
    /// Where a code is exchanged.
    pub token_endpoint: String,
    /// Where its keys are.
    pub jwks_uri: String,
    /// Where it says more about somebody.
    #[serde(default)]
    pub userinfo_endpoint: Option<String>,
    /// Whether it names itself in its answers (RFC 9207).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    response_types_supported: Option<Vec<String>>,
    #[serde(default)]
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    id_token_signing_alg_values_supported: Option<Vec<String>>,
    #[serde(default)]
    scopes_supported: Option<Vec<String>>,
    #[serde(default)]
    claims_supported: Option<Vec<String>>,
}

impl Document {
    /// Whether the client secret goes into the body of a request, since the provider takes it in no header.
    pub fn secret_in_body(&self) -> bool {
        let ways = secret_ways(self.token_endpoint_auth_methods_supported.as_deref());
        let [header, body] = SECRET_WAYS;
        !ways.contains(&header) && ways.contains(&body)
    }

    fn discovered(self, keys: &Keys) -> Discovered {
        Discovered {
            flows: self.response_types_supported,
            challenges: self.code_challenge_methods_supported,
            userinfo: self.userinfo_endpoint.is_some(),
            secret_ways: self.token_endpoint_auth_methods_supported,
            algorithms: self.id_token_signing_alg_values_supported,
            scopes: self.scopes_supported,
            claims: self.claims_supported,
            keys: keys.usable(),
        }
    }
}

/// Where the provider of `issuer` says it (section 4).
fn address(issuer: &str) -> String {
    format!(
        "{}/.well-known/openid-configuration",
        issuer.trim_end_matches('/')
    )
}

/// Reads and checks what the provider of `issuer` says of itself.
///
/// # Errors
/// It does not answer, or says something impossible; says what to do.
pub async fn discover(line: &Line, issuer: &str) -> Result<Document, ProviderError> {
    let document: Document = read(line, &address(issuer), "discovery document").await?;
    if document.issuer != issuer {
        return Err(ProviderError::OtherIssuer(shown(&document.issuer)));
    }
    let secure = issuer.starts_with("https:");
    let userinfo = document.userinfo_endpoint.iter();
    let endpoints = [
        &document.authorization_endpoint,
        &document.token_endpoint,
        &document.jwks_uri,
    ];
    for endpoint in endpoints.into_iter().chain(userinfo) {
        let scheme = Url::parse(endpoint).map(|url| url.scheme().to_owned());
        if !scheme.is_ok_and(|scheme| scheme == "https" || (!secure && scheme == "http")) {
            return Err(ProviderError::Endpoint(shown(endpoint)));
        }
    }
    Ok(document)
}

/// The keys of a provider.
///
/// # Errors
/// As [`discover`].
pub async fn keys(line: &Line, document: &Document) -> Result<Keys, ProviderError> {
    read(line, &document.jwks_uri, "JWK set").await
}

/// A provider's own words, cut to what a page shows.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

async fn read<T: DeserializeOwned>(line: &Line, url: &str, what: &'static str) -> Result<T, ProviderError> {
    let trouble = |error: Trouble| match error {
        Trouble::OutOfBounds(out) => ProviderError::OutOfBounds(out.0),
        other => ProviderError::Unreachable {
            url: shown(url),
            why: innermost(&other),
        },
    };
    let answer = line.get(url, None).await.map_err(trouble)?;
    if !answer.status().is_success() {
        return Err(ProviderError::Refused {
            url: shown(url),
            status: answer.status().as_u16(),
        });
    }
    let bytes = body(answer).await.map_err(trouble)?;
    serde_json::from_slice(&bytes).map_err(|error| ProviderError::Unreadable {
        url: shown(url),
        what,
        why: shown(&error.to_string()),
    })
}

/// What an error was made of at its deepest: `Connection refused`, say.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    shown(&deepest.to_string())
}

/// Asks the providers that operators typed, in bounds.
pub struct Discovery(Line);

impl Discovery {
    /// Asks by `line`.
    pub const fn new(line: Line) -> Self {
        Self(line)
    }
}

#[async_trait]
impl ProviderConnector for Discovery {
    async fn admits(&self, issuer: &str) -> Result<(), ProviderError> {
        let Ok(url) = Url::parse(issuer) else {
            return Err(ProviderError::Endpoint(shown(issuer)));
        };
        let admitted = self.0.admits(&url).await;
        admitted.map_err(|out| ProviderError::OutOfBounds(out.0))
    }

    async fn discover(&self, issuer: &str) -> Result<Discovered, ProviderError> {
        let document = discover(&self.0, issuer).await?;
        let keys = keys(&self.0, &document).await?;
        Ok(document.discovered(&keys))
    }
}
