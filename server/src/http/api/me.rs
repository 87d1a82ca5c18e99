//! The caller.

use super::Answer;
use super::ask::{Asked, OrRefuse as _};
use super::place::Person;
use super::refusals::Reads;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::routing::get;
use serde::Serialize;
use utoipa::ToSchema;

/// The routes.
pub const ROUTES: &[Route] = &[route("GET", "/api/v1/me", Access::SignedIn, || get(show))];

/// Who is asking, and by what.
#[derive(Serialize, ToSchema)]
pub struct Me {
    /// The person.
    #[serde(flatten)]
    person: Person,
    /// The token that was sent; none in a browser's session.
    token: Option<Token>,
}

/// A token by name.
#[derive(Serialize, ToSchema)]
pub struct Token {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// What its owner calls it.
    name: String,
    /// What it may do.
    scopes: Vec<&'static str>,
}

/// Who is asking.
#[utoipa::path(
    get,
    path = "/api/v1/me",
    tag = "People",
    operation_id = "me",
    responses((status = 200, description = "The caller", body = Me), Reads)
)]
pub async fn show(asked: Asked) -> Answer<Me> {
    let person = asked.ctx().user().cloned().or_refuse(&asked)?;
    let token = asked.ctx().token().map(|token| Token {
        id: token.id.to_string(),
        name: token.name.clone(),
        scopes: token
            .scopes
            .iter()
            .map(slipway_domain::token::Scope::key)
            .collect(),
    });
    Ok(Json(Me {
        person: Person::of(&person),
        token,
    }))
}
