//! `GET /sign-in/{provider}` and its callback: the way to a provider and back, to sign in, to link an identity, or to
//! prove who one is.
//!
//! What must be remembered while the person is away is sealed into a short-lived cookie: which provider, its state, the
//! verifier, the nonce. So an answer counts only in the browser that asked for it, from the provider it asked, once.

use super::oidc::{Answering, Asking, NotAllowed};
use super::provider::Provider;
use super::visit::Visit;
use super::{Edge, cookie, csrf, flash, local, sign_in};
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, header};
use oauth2::PkceCodeChallenge;
use serde::{Deserialize, Serialize};
use slipway_app::Flash;
use slipway_app::me::security::{BACK, FROM_PROVIDER};
use slipway_domain::time::{MINUTE, SECOND, Timestamp};
use slipway_portal::identity::{self, Outside};
use slipway_portal::{Error, session};
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

/// What the cookie is sealed for.
const SEALED_FOR: &str = "sign-in with a provider";

/// How long somebody may stay away, in µs.
const AWAY: i64 = 10 * MINUTE;

/// What somebody goes to a provider for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To sign in.
    #[default]
    SignIn,
    /// To link who they are there to their account.
    Link,
    /// To prove that it is them.
    Confirm,
}

/// What is remembered meanwhile.
#[derive(Serialize, Deserialize)]
struct Trip {
    provider: String,
    state: String,
    nonce: String,
    verifier: String,
    next: String,
    purpose: Purpose,
    /// The session that it is for; none to sign in.
    session: Option<String>,
    at: Timestamp,
}

const fn cookie_name(edge_is_https: bool) -> &'static str {
    if edge_is_https {
        "__Host-slipway_trip"
    } else {
        "slipway_trip"
    }
}

fn random() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// What it is for, and where to go afterwards.
#[derive(Deserialize)]
pub struct Leaving {
    #[serde(default)]
    purpose: Purpose,
    #[serde(default)]
    next: String,
}

/// The provider of that key; `None`, with a word in the log, where it cannot be had.
async fn provider(edge: &Edge, visit: &Visit, key: &str) -> Option<Arc<Provider>> {
    match edge.providers.find(&visit.ctx, key).await {
        Ok(found) => found,
        Err(error) => {
            let request_id = visit.ctx.request_id();
            tracing::error!(
                provider = key,
                error = format!("{error:#}"),
                request_id,
                "no way to a provider"
            );
            None
        }
    }
}

/// `GET /sign-in/{provider}`: sends the person to the provider.
pub async fn leave(
    State(edge): State<Edge>,
    Extension(visit): Extension<Visit>,
    Path(key): Path<String>,
    Query(leaving): Query<Leaving>,
    headers: HeaderMap,
) -> Response {
    let purpose = leaving.purpose;
    let Some(provider) = provider(&edge, &visit, &key).await else {
        return failed("provider", "/");
    };
    let session = match about(&edge, &visit, purpose, &headers) {
        Ok(session) => session,
        Err(error) => return told(&edge, &visit, &error).await,
    };
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let trip = Trip {
        provider: key,
        state: random(),
        nonce: random(),
        verifier: verifier.into_secret(),
        next: local::path(&leaving.next).to_owned(),
        purpose,
        session,
        at: edge.portal.clock.now(),
    };
    let asking = Asking {
        state: &trip.state,
        nonce: &trip.nonce,
        challenge,
        anew: purpose == Purpose::Confirm,
    };
    let url = match provider.address(asking).await {
        Ok(url) => url,
        Err(error) => return unbelieved(&edge, &visit, &trip, &error).await,
    };
    let text = serde_json::to_string(&trip).unwrap_or_default();
    let sealed = edge.portal.sealer.seal(SEALED_FOR, &text);
    let https = edge.is_https();
    let cookie = cookie::set(cookie_name(https), &sealed, AWAY / SECOND, https);
    ([(header::SET_COOKIE, cookie)], Redirect::to(url.as_str())).into_response()
}

/// The session that the trip is for. What is linked to an account is not begun by other sites: whoever is signed in at
/// the provider as somebody else would get into it.
fn about(edge: &Edge, visit: &Visit, purpose: Purpose, headers: &HeaderMap) -> Result<Option<String>, Error> {
    if purpose == Purpose::SignIn {
        return Ok(None);
    }
    visit.ctx.user()?;
    if !csrf::is_own_page(headers, &edge.portal.public_url) {
        return Err(csrf::refusal());
    }
    if purpose == Purpose::Link {
        session::proved(&visit.ctx)?;
    }
    Ok(visit.session.as_ref().map(|session| session.key().to_string()))
}

/// What the provider sends along.
#[derive(Deserialize)]
pub struct ComingBack {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

/// `GET /sign-in/{provider}/callback`: the person comes back.
pub async fn come_back(
    State(edge): State<Edge>,
    Extension(visit): Extension<Visit>,
    Path(key): Path<String>,
    headers: HeaderMap,
    Query(sent): Query<ComingBack>,
) -> Response {
    let https = edge.is_https();
    let mut response = match trip_of(&edge, &headers, &key, sent.state.as_deref()) {
        Some(trip) => finish(&edge, &visit, &trip, sent).await,
        None => failed("expired", "/"),
    };
    response
        .headers_mut()
        .append(header::SET_COOKIE, cookie::remove(cookie_name(https), https));
    response
}

/// The trip that the answer belongs to: of this browser, to this provider, with this state.
fn trip_of(edge: &Edge, headers: &HeaderMap, key: &str, state: Option<&str>) -> Option<Trip> {
    let sealed = cookie::read(headers, cookie_name(edge.is_https()))?;
    let trip: Trip = serde_json::from_str(&edge.portal.sealer.open(SEALED_FOR, sealed).ok()?).ok()?;
    let fresh = edge.portal.clock.now().since(trip.at) < AWAY;
    let same = bool::from(state?.as_bytes().ct_eq(trip.state.as_bytes()));
    (fresh && same && trip.provider == key).then_some(trip)
}

async fn finish(edge: &Edge, visit: &Visit, trip: &Trip, sent: ComingBack) -> Response {
    let Some(provider) = provider(edge, visit, &trip.provider).await else {
        return failed("provider", "/");
    };
    if let Err(error) = identity::use_state(&visit.ctx, &trip.state).await {
        tracing::warn!(
            request_id = visit.ctx.request_id(),
            code = error.code(),
            "an answer came twice"
        );
        return failed("expired", &trip.next);
    }
    match believed(edge, &provider, trip, sent).await {
        Ok(who) => arrive(edge, visit, trip, &who).await,
        Err(error) => unbelieved(edge, visit, trip, &error).await,
    }
}

async fn believed(
    edge: &Edge,
    provider: &Provider,
    trip: &Trip,
    sent: ComingBack,
) -> anyhow::Result<Outside> {
    anyhow::ensure!(
        provider.is_from_here(sent.iss.as_deref()).await?,
        "the answer is from another issuer, or does not say from which"
    );
    if let Some(error) = sent.error {
        let error: String = error.chars().take(100).collect();
        anyhow::bail!("the provider says {error:?}");
    }
    let Some(code) = sent.code else {
        anyhow::bail!("the answer has no code");
    };
    let answering = Answering {
        code,
        verifier: trip.verifier.clone(),
        nonce: &trip.nonce,
        anew_since: (trip.purpose == Purpose::Confirm).then_some(trip.at),
        now: edge.portal.clock.now(),
    };
    provider.identity(answering).await
}

async fn arrive(edge: &Edge, visit: &Visit, trip: &Trip, who: &Outside) -> Response {
    if trip.purpose == Purpose::SignIn {
        return match identity::sign_in(&visit.ctx, who).await {
            Ok(person) => sign_in::begin(edge, visit, &person.as_ref(), &trip.next).await,
            Err(error) => failed(error.code(), &trip.next),
        };
    }
    let here = visit.session.as_ref().map(|session| session.key().to_string());
    if here.is_none() || here != trip.session {
        return failed("expired", BACK);
    }
    let done = match trip.purpose {
        Purpose::Link => identity::link(&visit.ctx, who).await,
        Purpose::Confirm | Purpose::SignIn => identity::prove(&visit.ctx, who).await,
    };
    match done {
        Ok(()) => Redirect::to(BACK).into_response(),
        Err(error) => told(edge, visit, &error).await,
    }
}

/// What the provider says is not to be believed: the log has why, people have what to do.
async fn unbelieved(edge: &Edge, visit: &Visit, trip: &Trip, error: &anyhow::Error) -> Response {
    tracing::warn!(
        provider = trip.provider,
        error = format!("{error:#}"),
        request_id = visit.ctx.request_id(),
        "sign-in with a provider failed"
    );
    let code = if error.is::<NotAllowed>() {
        "not_allowed"
    } else {
        "provider"
    };
    if trip.purpose == Purpose::SignIn {
        return failed(code, &trip.next);
    }
    let error = Error::refused(
        "provider",
        "The provider did not confirm who you are. Nothing was changed. Try again.",
        "登录提供方未能确认你的身份，未做任何更改。请重试。",
    );
    told(edge, visit, &error).await
}

/// Leads to the page about signing in, which says what went wrong.
async fn told(edge: &Edge, visit: &Visit, error: &Error) -> Response {
    if matches!(error, Error::Unauthenticated) {
        return failed("expired", BACK);
    }
    let flash = Flash {
        form: FROM_PROVIDER.to_owned(),
        error: flash::shown(visit, error),
        ..Flash::default()
    };
    flash::leave(edge, visit, flash, BACK).await
}

fn failed(code: &str, next: &str) -> Response {
    let mut path = local::with("/sign-in", "error", code);
    if next != "/" {
        path = local::with(&path, "next", next);
    }
    Redirect::to(&path).into_response()
}
