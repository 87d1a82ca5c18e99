//! `POST /sign-in` and `POST /sign-out`. The page itself is the app's.

use super::visit::Visit;
use super::{Edge, flash, local, problem};
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use http::{HeaderMap, header};
use serde::Deserialize;
use slipway_app::Flash;
use slipway_domain::id::UserId;
use slipway_portal::Error;

/// Where the form posts to.
const ACTION: &str = "/sign-in";

/// What the form sends.
#[derive(Deserialize)]
pub struct Credentials {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
}

/// Signs in by password.
pub async fn sign_in(
    State(edge): State<Edge>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    Form(sent): Form<Credentials>,
) -> Response {
    if !edge.local_accounts {
        return problem::Refusal::of(&visit, Error::NotFound).into_response();
    }
    match slipway_portal::person::sign_in(&visit.ctx, sent.username.trim(), &sent.password, &visit.address)
        .await
    {
        Ok(person) => {
            tracing::info!(
                person = person.username,
                request_id = visit.ctx.request_id(),
                "signed in"
            );
            begin(&edge, &visit, person.id, &sent.next).await
        }
        Err(error) if problem::wants_html(&headers) => refused(&edge, &visit, &sent, &error).await,
        Err(error) => problem::Refusal::of(&visit, error).into_response(),
    }
}

/// Begins the session under a fresh id and leads to where the person wanted to go.
pub async fn begin(edge: &Edge, visit: &Visit, person: UserId, next: &str) -> Response {
    match edge.sessions.start(person, visit.session.as_ref()).await {
        Ok(cookie) => ([(header::SET_COOKIE, cookie)], Redirect::to(local::path(next))).into_response(),
        Err(error) => problem::Refusal::of(visit, error).into_response(),
    }
}

async fn refused(edge: &Edge, visit: &Visit, sent: &Credentials, error: &Error) -> Response {
    let mut path = local::with(ACTION, "error", error.code());
    if local::path(&sent.next) != "/" {
        path = local::with(&path, "next", &sent.next);
    }
    let flash = Flash {
        form: ACTION.to_owned(),
        error: flash::shown(visit, error),
        fields: vec![(
            String::from("username"),
            sent.username.chars().take(100).collect(),
        )],
        shown: None,
    };
    flash::leave(edge, visit, flash, &path).await
}

/// Signs out. Without a session it does nothing, and says the same.
pub async fn sign_out(State(edge): State<Edge>, Extension(visit): Extension<Visit>) -> Response {
    let Some(session) = &visit.session else {
        return Redirect::to(ACTION).into_response();
    };
    match edge.sessions.end_of(session).await {
        Ok(cookie) => ([(header::SET_COOKIE, cookie)], Redirect::to(ACTION)).into_response(),
        Err(error) => problem::Refusal::of(&visit, error).into_response(),
    }
}
