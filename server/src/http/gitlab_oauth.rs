//! A GitLab that people sign in with: OAuth 2.0 authorization code with PKCE (RFC 6749, RFC 7636), then its own word
//! on who came (GitLab REST v4, `/user`).

use super::exchange::{Exchange, Line, read_json};
use oauth2::basic::BasicClient;
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse as _, TokenUrl,
};
use serde::Deserialize;
use slipway_portal::identity::Outside;
use url::Url;

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// A GitLab that people sign in with.
pub struct Gitlab {
    name: String,
    base_url: String,
    client: Client,
    line: Line,
}

/// Who GitLab says it is (`/api/v4/user`).
#[derive(Deserialize)]
struct Identity {
    id: u64,
    username: String,
    name: String,
    email: Option<String>,
}

impl Gitlab {
    /// A client of the GitLab at `base_url`, to which Slipway is registered under `public_url`.
    ///
    /// # Errors
    /// One of the URLs is none.
    pub fn new(
        name: &str,
        base_url: &str,
        id: &str,
        secret: &str,
        public_url: &str,
        line: Line,
    ) -> anyhow::Result<Self> {
        let base_url = base_url.trim_end_matches('/').to_owned();
        let client = BasicClient::new(ClientId::new(id.to_owned()))
            .set_client_secret(ClientSecret::new(secret.to_owned()))
            .set_auth_uri(AuthUrl::new(format!("{base_url}/oauth/authorize"))?)
            .set_token_uri(TokenUrl::new(format!("{base_url}/oauth/token"))?)
            .set_redirect_uri(RedirectUrl::new(format!("{public_url}/sign-in/gitlab/callback"))?);
        Ok(Self {
            name: name.to_owned(),
            base_url,
            client,
            line,
        })
    }

    /// For people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is: what its people's identities are linked under.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Where to send a person.
    pub fn address(&self, state: &str, challenge: PkceCodeChallenge) -> Url {
        let state = state.to_owned();
        let (url, _) = self
            .client
            .authorize_url(move || CsrfToken::new(state))
            .add_scope(Scope::new(String::from("read_user")))
            .set_pkce_challenge(challenge)
            .url();
        url
    }

    /// Who came back.
    ///
    /// # Errors
    /// GitLab does not answer, or takes the code for none of its own.
    pub async fn identity(&self, code: String, verifier: String) -> anyhow::Result<Outside> {
        let token = self
            .client
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier))
            .request_async(&Exchange(self.line.clone()))
            .await?;
        let url = format!("{}/api/v4/user", self.base_url);
        let answer = self.line.get(&url, Some(token.access_token().secret())).await?;
        let identity: Identity = read_json(answer).await?;
        Ok(Outside {
            issuer: self.base_url.clone(),
            subject: identity.id.to_string(),
            provider: self.name.clone(),
            username: identity.username,
            name: identity.name,
            // GitLab shows an address here only once it is confirmed.
            email: identity.email,
            groups: None,
        })
    }
}
