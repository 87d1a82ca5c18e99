//! `POST /sign-in/code`: the second step of signing in, after the password. The page is the app's.
//!
//! Whose password was right is sealed into a short-lived cookie, so that a password alone begins no session.

use super::visit::Visit;
use super::{Edge, cookie, flash, local, problem, sign_in};
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use slipway_app::Flash;
use slipway_domain::id::UserId;
use slipway_domain::time::{MINUTE, SECOND, Timestamp};
use slipway_portal::{Error, person};

/// Where the form posts to, and its page.
const ACTION: &str = "/sign-in/code";

/// What the cookie is sealed for.
const SEALED_FOR: &str = "second step";

/// How long the code may take, in µs.
const PATIENCE: i64 = 10 * MINUTE;

/// Who has come half the way.
#[derive(Serialize, Deserialize)]
struct Half {
    person: UserId,
    next: String,
    at: Timestamp,
}

/// What the form sends.
#[derive(Deserialize)]
pub struct Sent {
    #[serde(default)]
    code: String,
}

const fn cookie_name(https: bool) -> &'static str {
    if https {
        "__Host-slipway_half"
    } else {
        "slipway_half"
    }
}

/// Asks `person`, whose password was right, for their code.
pub fn ask(edge: &Edge, person: UserId, next: &str) -> Response {
    let half = Half {
        person,
        next: local::path(next).to_owned(),
        at: edge.portal.clock.now(),
    };
    let text = serde_json::to_string(&half).unwrap_or_default();
    let sealed = edge.portal.sealer.seal(SEALED_FOR, &text);
    let https = edge.is_https();
    let cookie = cookie::set(cookie_name(https), &sealed, PATIENCE / SECOND, https);
    ([(header::SET_COOKIE, cookie)], Redirect::to(ACTION)).into_response()
}

fn half_of(edge: &Edge, headers: &HeaderMap) -> Option<Half> {
    let sealed = cookie::read(headers, cookie_name(edge.is_https()))?;
    let half: Half = serde_json::from_str(&edge.portal.sealer.open(SEALED_FOR, sealed).ok()?).ok()?;
    (edge.portal.clock.now().since(half.at) < PATIENCE).then_some(half)
}

/// The handler.
pub async fn enter(
    State(edge): State<Edge>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    Form(sent): Form<Sent>,
) -> Response {
    let Some(half) = half_of(&edge, &headers) else {
        return Redirect::to("/sign-in?error=expired").into_response();
    };
    let entered = person::sign_in_by_code(&visit.ctx, half.person, &sent.code, &visit.address).await;
    match entered {
        Ok(person) => {
            let mut response = sign_in::begin(&edge, &visit, &person.as_ref(), &half.next).await;
            let https = edge.is_https();
            let gone = cookie::remove(cookie_name(https), https);
            response.headers_mut().append(header::SET_COOKIE, gone);
            response
        }
        Err(error) if problem::wants_html(&headers) => refused(&edge, &visit, &error).await,
        Err(error) => problem::Refusal::of(&visit, error).into_response(),
    }
}

async fn refused(edge: &Edge, visit: &Visit, error: &Error) -> Response {
    let flash = Flash {
        form: ACTION.to_owned(),
        error: flash::shown(visit, error),
        ..Flash::default()
    };
    flash::leave(edge, visit, flash, ACTION).await
}
