//! `POST /preferences`: theme and language.

use super::visit::{LOCALE, Visit};
use super::{Edge, cookie, local, problem};
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use http::header;
use serde::Deserialize;
use slipway_domain::text::Locale;

/// The cookie that holds the chosen theme.
const THEME: &str = "slipway_theme";

/// A year, in seconds.
const YEAR: i64 = 365 * 24 * 3600;

/// What can be chosen. What is left out stays.
#[derive(Debug, Deserialize)]
pub struct Choice {
    theme: Option<String>,
    locale: Option<String>,
    next: Option<String>,
}

/// The handler. The language of somebody signed in is also kept in their profile.
pub async fn choose(
    State(edge): State<Edge>,
    Extension(visit): Extension<Visit>,
    Form(choice): Form<Choice>,
) -> Response {
    let mut response = Redirect::to(local::path(choice.next.as_deref().unwrap_or("/"))).into_response();
    if let Some(theme) = choice
        .theme
        .as_deref()
        .filter(|theme| matches!(*theme, "light" | "dark" | "system"))
    {
        response.headers_mut().append(
            header::SET_COOKIE,
            cookie::set(THEME, theme, YEAR, edge.is_https()),
        );
    }
    if let Some(tag) = choice.locale {
        let locale = Locale::from_tag(&tag);
        if visit.ctx.user().is_ok()
            && let Err(error) = slipway_portal::person::set_locale(&visit.ctx, locale).await
        {
            return problem::Refusal::of(&visit, error).into_response();
        }
        response.headers_mut().append(
            header::SET_COOKIE,
            cookie::set(LOCALE, locale.tag(), YEAR, edge.is_https()),
        );
    }
    response
}
