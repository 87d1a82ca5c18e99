//! `POST /join`: uses an invitation, by whoever is signed in or by a new account. The page is the app's.

use super::visit::Visit;
use super::{Edge, flash, local, problem, sign_in};
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use http::HeaderMap;
use serde::Deserialize;
use slipway_app::Flash;
use slipway_portal::person::NewAccount;
use slipway_portal::{Error, Result, invitation};

/// Where the form posts to, and its page.
const ACTION: &str = "/join";

/// What the form sends. Nothing in it says which place or role: only the token does.
#[derive(Deserialize)]
pub struct Sent {
    #[serde(default)]
    token: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
}

/// The handler.
pub async fn join(
    State(edge): State<Edge>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    Form(sent): Form<Sent>,
) -> Response {
    match accepted(&edge, &visit, &sent).await {
        Ok(response) => response,
        Err(error) if problem::wants_html(&headers) => refused(&edge, &visit, &sent, &error).await,
        Err(error) => problem::Refusal::of(&visit, error).into_response(),
    }
}

async fn accepted(edge: &Edge, visit: &Visit, sent: &Sent) -> Result<Response> {
    if visit.ctx.user().is_ok() {
        let place = invitation::accept(&visit.ctx, &sent.token).await?;
        return Ok(Redirect::to(&place.path()).into_response());
    }
    if !edge.local_accounts {
        return Err(Error::Unauthenticated);
    }
    let account = NewAccount {
        username: sent.username.trim().to_owned(),
        name: sent.name.clone(),
        email: None,
        password: sent.password.clone(),
    };
    let (person, place) = invitation::join(&visit.ctx, &sent.token, account).await?;
    Ok(sign_in::begin(edge, visit, person.id, &place.path()).await)
}

async fn refused(edge: &Edge, visit: &Visit, sent: &Sent, error: &Error) -> Response {
    let typed = |name: &str, value: &str| (name.to_owned(), value.chars().take(100).collect());
    let flash = Flash {
        form: ACTION.to_owned(),
        error: flash::shown(visit, error),
        fields: vec![typed("name", &sent.name), typed("username", &sent.username)],
        shown: None,
    };
    let back = local::with(ACTION, "token", &sent.token);
    flash::leave(edge, visit, flash, &back).await
}
