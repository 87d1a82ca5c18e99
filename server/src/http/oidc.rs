//! An `OpenID` Connect provider by discovery (`OpenID` Connect Discovery 1.0): its endpoints, its keys, and who it says
//! somebody is.

use super::discovery::{self, Document};
use super::exchange::{Exchange, Line, read_json};
use super::id_token::{self, Claims, Doubt, Expected, Keys};
use anyhow::{Context as _, bail, ensure};
use oauth2::basic::{
    BasicClient, BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
    BasicTokenType,
};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, ExtraTokenFields,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, StandardRevocableToken, StandardTokenResponse,
    TokenResponse as _, TokenUrl,
};
use serde::{Deserialize, Serialize};
use slipway_domain::time::Timestamp;
use slipway_portal::identity::Outside;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use url::Url;

/// How long what a provider published is believed.
const REMEMBERED: Duration = Duration::from_hours(1);

/// How often a provider is asked for its keys again because of a key that is not known.
const AGAIN: Duration = Duration::from_secs(30);

/// How a provider is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The last part of its addresses here, and the first of the groups it fills.
    pub key: String,
    /// For people.
    pub name: String,
    /// The issuer, exactly as its tokens say.
    pub issuer: String,
    /// What Slipway is registered as.
    pub client_id: String,
    /// The secret of that.
    pub client_secret: String,
    /// What is asked for, beside `openid`.
    pub scopes: Vec<String>,
    /// The claim that lists somebody's groups.
    pub groups_claim: Option<String>,
    /// Only people with a verified address of one of these domains come in; none: everybody.
    pub allowed_domains: Vec<String>,
}

/// The ID token beside the access token.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct WithIdToken {
    #[serde(default)]
    id_token: Option<String>,
}
impl ExtraTokenFields for WithIdToken {}

type Client = oauth2::Client<
    BasicErrorResponse,
    StandardTokenResponse<WithIdToken, BasicTokenType>,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
>;

struct Known {
    at: Instant,
    document: Document,
    keys: Keys,
    /// When the keys were asked for because one was not known.
    again_at: Option<Instant>,
}

/// A provider that people sign in with.
pub struct Oidc {
    setup: Setup,
    redirect: RedirectUrl,
    line: Line,
    known: Mutex<Option<Known>>,
}

/// What a sign-in is asked for with.
pub struct Asking<'a> {
    /// Comes back with the answer.
    pub state: &'a str,
    /// Comes back in the ID token.
    pub nonce: &'a str,
    /// Of the verifier (RFC 7636).
    pub challenge: PkceCodeChallenge,
    /// Whether the person must sign in anew.
    pub anew: bool,
}

/// What an answer is checked against.
pub struct Answering<'a> {
    /// The code that came.
    pub code: String,
    /// The verifier of the challenge.
    pub verifier: String,
    /// The nonce that was sent.
    pub nonce: &'a str,
    /// Since when the person must have signed in.
    pub anew_since: Option<Timestamp>,
    /// The time.
    pub now: Timestamp,
}

impl Oidc {
    /// A provider of `setup`, to which Slipway is registered under `public_url`.
    ///
    /// # Errors
    /// One of the URLs is none.
    pub fn new(setup: Setup, public_url: &str, line: Line) -> anyhow::Result<Self> {
        let redirect = RedirectUrl::new(format!("{public_url}/sign-in/{}/callback", setup.key))?;
        Ok(Self {
            setup,
            redirect,
            line,
            known: Mutex::new(None),
        })
    }

    /// How it is set up.
    pub const fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Where to send a person.
    ///
    /// # Errors
    /// The provider does not answer, or says something impossible of itself.
    pub async fn address(&self, asking: Asking<'_>) -> anyhow::Result<Url> {
        let document = self.document().await?;
        let state = asking.state.to_owned();
        let client = BasicClient::new(ClientId::new(self.setup.client_id.clone()))
            .set_auth_uri(AuthUrl::new(document.authorization_endpoint)?)
            .set_redirect_uri(self.redirect.clone());
        let mut request = client
            .authorize_url(move || CsrfToken::new(state))
            .add_scope(Scope::new(String::from("openid")))
            .add_scopes(self.setup.scopes.iter().cloned().map(Scope::new))
            .add_extra_param("nonce", asking.nonce)
            .set_pkce_challenge(asking.challenge);
        if asking.anew {
            request = request
                .add_extra_param("prompt", "login")
                .add_extra_param("max_age", "0");
        }
        Ok(request.url().0)
    }

    /// Whether the issuer that an answer names (RFC 9207) is this one; a provider that promises to name it must.
    ///
    /// # Errors
    /// The provider does not answer.
    pub async fn is_from_here(&self, issuer: Option<&str>) -> anyhow::Result<bool> {
        let document = self.document().await?;
        Ok(match issuer {
            Some(issuer) => issuer == self.setup.issuer,
            None => !document.authorization_response_iss_parameter_supported,
        })
    }

    /// Who came back.
    ///
    /// # Errors
    /// The provider does not answer, or its answer is not to be believed.
    pub async fn identity(&self, answering: Answering<'_>) -> anyhow::Result<Outside> {
        let document = self.document().await?;
        let client: Client = Client::new(ClientId::new(self.setup.client_id.clone()));
        let secret_goes = if document.secret_in_body() {
            AuthType::RequestBody
        } else {
            AuthType::BasicAuth
        };
        let client = client
            .set_auth_type(secret_goes)
            .set_client_secret(ClientSecret::new(self.setup.client_secret.clone()))
            .set_token_uri(TokenUrl::new(document.token_endpoint.clone())?)
            .set_redirect_uri(self.redirect.clone());
        let token = client
            .exchange_code(AuthorizationCode::new(answering.code))
            .set_pkce_verifier(PkceCodeVerifier::new(answering.verifier))
            .request_async(&Exchange(self.line.clone()))
            .await
            .context("the code could not be exchanged")?;
        let id_token = token.extra_fields().id_token.as_deref();
        let id_token = id_token.context("the provider sent no ID token")?;
        let expected = Expected {
            issuer: &self.setup.issuer,
            client: &self.setup.client_id,
            nonce: answering.nonce,
            anew_since: answering.anew_since,
            now: answering.now,
        };
        let mut claims = self.checked(id_token, expected).await?;
        if let Some(endpoint) = &document.userinfo_endpoint {
            let secret = token.access_token().secret();
            self.add_userinfo(&mut claims, endpoint, secret).await?;
        }
        self.outside(&claims)
    }

    async fn checked(&self, id_token: &str, expected: Expected<'_>) -> anyhow::Result<Claims> {
        let keys = self.keys(false).await?;
        match id_token::check(id_token, &keys, expected) {
            Err(Doubt::Key) => {}
            other => return Ok(other?),
        }
        // The provider may have changed its keys.
        let keys = self.keys(true).await?;
        Ok(id_token::check(id_token, &keys, expected)?)
    }

    /// What the ID token leaves out; only where it is about the same person (`OpenID` Connect Core, 5.3.2).
    async fn add_userinfo(&self, claims: &mut Claims, endpoint: &str, token: &str) -> anyhow::Result<()> {
        let wanted = ["preferred_username", "name", "email", "email_verified"];
        let groups = self.setup.groups_claim.as_deref();
        if wanted
            .into_iter()
            .chain(groups)
            .all(|claim| claims.all.contains_key(claim))
        {
            return Ok(());
        }
        let answer = self.line.get(endpoint, Some(token)).await;
        let answer = answer.context("the userinfo endpoint does not answer")?;
        let more: serde_json::Map<String, serde_json::Value> = read_json(answer.error_for_status()?).await?;
        let subject = more.get("sub").and_then(serde_json::Value::as_str);
        ensure!(
            subject == Some(&claims.subject),
            "the userinfo endpoint speaks of somebody else"
        );
        for (name, value) in more {
            claims.all.entry(name).or_insert(value);
        }
        Ok(())
    }

    fn outside(&self, claims: &Claims) -> anyhow::Result<Outside> {
        let text = |name: &str| {
            let text = claims.all.get(name).and_then(serde_json::Value::as_str);
            text.map(str::trim).filter(|text| !text.is_empty())
        };
        // Some providers send the flag as text.
        let flag = claims.all.get("email_verified");
        let verified = flag.is_some_and(|flag| flag.as_bool() == Some(true) || flag.as_str() == Some("true"));
        let email = text("email").filter(|_| verified);
        if !self.setup.allowed_domains.is_empty() {
            let domain = email
                .and_then(|email| email.rsplit_once('@'))
                .map(|(_, domain)| domain);
            let allowed = |domain: &str| {
                self.setup
                    .allowed_domains
                    .iter()
                    .any(|one| one.eq_ignore_ascii_case(domain))
            };
            if !domain.is_some_and(allowed) {
                bail!(NotAllowed);
            }
        }
        let username = text("preferred_username").or(email).unwrap_or(&claims.subject);
        Ok(Outside {
            issuer: self.setup.issuer.clone(),
            subject: claims.subject.clone(),
            provider: self.setup.name.clone(),
            username: username.to_owned(),
            name: text("name").unwrap_or(username).to_owned(),
            email: email.map(str::to_owned),
            groups: self
                .setup
                .groups_claim
                .as_deref()
                .map(|claim| self.groups(claims, claim)),
        })
    }

    /// The groups that the claim lists, as groups here name them: `key:group`. No claim is no group.
    fn groups(&self, claims: &Claims, claim: &str) -> slipway_portal::identity::Groups {
        let listed = match claims.all.get(claim) {
            Some(serde_json::Value::Array(list)) => {
                list.iter().filter_map(serde_json::Value::as_str).collect()
            }
            Some(serde_json::Value::String(one)) => vec![one.as_str()],
            _ => Vec::new(),
        };
        slipway_portal::identity::Groups {
            prefix: format!("{}:", self.setup.key),
            names: listed
                .into_iter()
                .map(|name| format!("{}:{name}", self.setup.key))
                .collect(),
        }
    }

    async fn document(&self) -> anyhow::Result<Document> {
        let mut known = self.known.lock().await;
        if let Some(known) = known.as_ref().filter(|known| known.at.elapsed() < REMEMBERED) {
            return Ok(known.document.clone());
        }
        let document = discovery::discover(&self.line, &self.setup.issuer).await?;
        let keys = discovery::keys(&self.line, &document).await?;
        *known = Some(Known {
            at: Instant::now(),
            document: document.clone(),
            keys,
            again_at: None,
        });
        Ok(document)
    }

    async fn keys(&self, again: bool) -> anyhow::Result<Keys> {
        self.document().await?;
        let mut known = self.known.lock().await;
        let known = known.as_mut().context("the provider was forgotten meanwhile")?;
        if again && known.again_at.is_none_or(|at| at.elapsed() >= AGAIN) {
            known.keys = discovery::keys(&self.line, &known.document).await?;
            known.again_at = Some(Instant::now());
        }
        Ok(known.keys.clone())
    }
}

/// The person is nobody whom the configuration lets in.
#[derive(Debug, thiserror::Error)]
#[error("no verified address of a domain that the configuration allows")]
pub struct NotAllowed;
