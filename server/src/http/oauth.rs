//! Sign-in with a GitLab: OAuth 2.0 authorization code with PKCE (RFC 6749, RFC 7636).
//!
//! What must be remembered while the person is at GitLab is sealed into a short-lived cookie, so that a
//! GET changes nothing here.

use super::visit::Visit;
use super::{Edge, cookie, local, sign_in};
use axum::Extension;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, header};
use oauth2::basic::BasicClient;
use oauth2::{
    AsyncHttpClient, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
    TokenResponse as _, TokenUrl,
};
use serde::{Deserialize, Serialize};
use slipway_domain::time::{MINUTE, Timestamp};
use std::pin::Pin;
use subtle::ConstantTimeEq as _;

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// What the cookie is sealed for.
const SEALED_FOR: &str = "sign-in with gitlab";

/// How long somebody may stay at GitLab, in µs.
const AWAY: i64 = 10 * MINUTE;

/// A GitLab that people sign in with.
pub struct Gitlab {
    base_url: String,
    client: Client,
    http: reqwest::Client,
}

/// What is remembered meanwhile.
#[derive(Serialize, Deserialize)]
struct Trip {
    state: String,
    verifier: String,
    next: String,
    at: Timestamp,
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
    pub fn new(base_url: &str, id: &str, secret: &str, public_url: &str) -> anyhow::Result<Self> {
        let base_url = base_url.trim_end_matches('/').to_owned();
        let client = BasicClient::new(ClientId::new(id.to_owned()))
            .set_client_secret(ClientSecret::new(secret.to_owned()))
            .set_auth_uri(AuthUrl::new(format!("{base_url}/oauth/authorize"))?)
            .set_token_uri(TokenUrl::new(format!("{base_url}/oauth/token"))?)
            .set_redirect_uri(RedirectUrl::new(format!("{public_url}/sign-in/gitlab/callback"))?);
        let http = reqwest::Client::builder()
            // A redirect of the token endpoint would carry the code elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(std::time::Duration::from_secs(10))
            .build()?;
        Ok(Self {
            base_url,
            client,
            http,
        })
    }

    async fn identity(&self, code: String, verifier: String) -> anyhow::Result<Identity> {
        let token = self
            .client
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier))
            .request_async(&Exchange(self.http.clone()))
            .await?;
        let url = format!("{}/api/v4/user", self.base_url);
        let answer = self
            .http
            .get(url)
            .bearer_auth(token.access_token().secret())
            .send()
            .await?;
        Ok(answer.error_for_status()?.json().await?)
    }
}

/// Carries requests of `oauth2` over our own HTTP client.
struct Exchange(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Exchange {
    type Error = Trouble;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Trouble>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let mut answer = self.0.execute(request.try_into()?).await?;
            let mut response = HttpResponse::new(Vec::new());
            *response.status_mut() = answer.status();
            *response.headers_mut() = std::mem::take(answer.headers_mut());
            *response.body_mut() = answer.bytes().await?.to_vec();
            Ok(response)
        })
    }
}

/// The HTTP client could not do it.
#[derive(Debug, thiserror::Error)]
#[error("GitLab does not answer")]
struct Trouble(#[from] reqwest::Error);

const fn cookie_name(edge_is_https: bool) -> &'static str {
    if edge_is_https {
        "__Host-slipway_trip"
    } else {
        "slipway_trip"
    }
}

/// Where to go afterwards.
#[derive(Deserialize)]
pub struct Leaving {
    #[serde(default)]
    next: String,
}

/// `GET /sign-in/gitlab`: sends the person to GitLab.
pub async fn leave(State(edge): State<Edge>, Query(leaving): Query<Leaving>) -> Response {
    let Some(gitlab) = &edge.gitlab else {
        return failed("provider", "/");
    };
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state) = gitlab
        .client
        .authorize_url(CsrfToken::new_random)
        .add_scope(Scope::new(String::from("read_user")))
        .set_pkce_challenge(challenge)
        .url();
    let trip = Trip {
        state: state.secret().clone(),
        verifier: verifier.secret().clone(),
        next: local::path(&leaving.next).to_owned(),
        at: edge.portal.clock.now(),
    };
    let sealed = edge
        .portal
        .sealer
        .seal(SEALED_FOR, &serde_json::to_string(&trip).unwrap_or_default());
    let https = edge.is_https();
    let cookie = cookie::set(cookie_name(https), &sealed, AWAY / 1_000_000, https);
    ([(header::SET_COOKIE, cookie)], Redirect::to(url.as_str())).into_response()
}

/// What GitLab sends along.
#[derive(Deserialize)]
pub struct ComingBack {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
}

/// `GET /sign-in/gitlab/callback`: the person comes back from GitLab.
pub async fn come_back(
    State(edge): State<Edge>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    Query(sent): Query<ComingBack>,
) -> Response {
    let https = edge.is_https();
    let mut response = finish(&edge, &visit, &headers, sent).await;
    response
        .headers_mut()
        .append(header::SET_COOKIE, cookie::remove(cookie_name(https), https));
    response
}

async fn finish(edge: &Edge, visit: &Visit, headers: &HeaderMap, sent: ComingBack) -> Response {
    let Some(gitlab) = &edge.gitlab else {
        return failed("provider", "/");
    };
    let Some(trip) = trip_of(edge, headers) else {
        return failed("expired", "/");
    };
    let same = sent
        .state
        .is_some_and(|state| bool::from(state.as_bytes().ct_eq(trip.state.as_bytes())));
    if !same {
        return failed("expired", &trip.next);
    }
    if let Some(error) = sent.error {
        tracing::info!(error, "somebody did not let GitLab sign them in");
        return failed("provider", &trip.next);
    }
    let Some(code) = sent.code else {
        return failed("provider", &trip.next);
    };
    let identity = match gitlab.identity(code, trip.verifier).await {
        Ok(identity) => identity,
        Err(error) => {
            tracing::warn!(
                error = format!("{error:#}"),
                request_id = visit.ctx.request_id(),
                "sign-in with GitLab failed"
            );
            return failed("provider", &trip.next);
        }
    };
    let signed_in = slipway_portal::person::sign_in_by_identity(
        &visit.ctx,
        &gitlab.base_url,
        &identity.id.to_string(),
        &identity.username,
        &identity.name,
        identity.email.as_deref(),
    )
    .await;
    match signed_in {
        Ok(person) => sign_in::begin(edge, visit, &person.as_ref(), &trip.next).await,
        Err(error) => failed(error.code(), &trip.next),
    }
}

fn trip_of(edge: &Edge, headers: &HeaderMap) -> Option<Trip> {
    let sealed = cookie::read(headers, cookie_name(edge.is_https()))?;
    let trip: Trip = serde_json::from_str(&edge.portal.sealer.open(SEALED_FOR, sealed).ok()?).ok()?;
    (edge.portal.clock.now().since(trip.at) < AWAY).then_some(trip)
}

fn failed(code: &str, next: &str) -> Response {
    let mut path = local::with("/sign-in", "error", code);
    if next != "/" {
        path = local::with(&path, "next", next);
    }
    Redirect::to(&path).into_response()
}
