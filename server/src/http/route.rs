//! The table of every route that is neither a page nor a server function: method, path, who may ask.
//!
//! The router is built from it and the permission coverage test reads it, so neither can forget a row.

use super::visit::Visit;
use super::{
    Edge, api, attachments, connection, health, join, live, oauth, preferences, problem, second_step,
    sign_in, tokens, webhooks,
};
use axum::extract::Request;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Router};
use slipway_portal::Error;
use slipway_portal::connection::oauth::CALLBACK;

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone: it says nothing about anybody's work.
    Anyone,
    /// People who are signed in; what they see is decided by the use case.
    SignedIn,
    /// Whoever proves it in the request itself, by a token.
    Proof,
}

/// One route.
#[derive(Clone, Copy)]
pub struct Route {
    /// The HTTP method.
    pub method: &'static str,
    /// The path, in axum's notation.
    pub path: &'static str,
    /// Who may ask.
    pub access: Access,
    handler: fn() -> MethodRouter<Edge>,
}

pub(super) const fn route(
    method: &'static str,
    path: &'static str,
    access: Access,
    handler: fn() -> MethodRouter<Edge>,
) -> Route {
    Route {
        method,
        path,
        access,
        handler,
    }
}

/// Every route but those of the REST API, whose nouns have their own.
pub const ROUTES: &[Route] = &[
    route("GET", "/healthz", Access::Anyone, || get(health::healthz)),
    route("GET", "/readyz", Access::Anyone, || get(health::readyz)),
    route("GET", "/metrics", Access::Proof, || get(health::metrics)),
    route("POST", "/sign-in", Access::Anyone, || post(sign_in::sign_in)),
    route("POST", "/sign-in/code", Access::Proof, || {
        post(second_step::enter)
    }),
    route("POST", "/sign-out", Access::Anyone, || post(sign_in::sign_out)),
    route("GET", "/sign-in/{provider}", Access::Anyone, || get(oauth::leave)),
    route("GET", "/sign-in/{provider}/callback", Access::Proof, || {
        get(oauth::come_back)
    }),
    route("GET", CALLBACK, Access::Proof, || get(connection::come_back)),
    route("POST", "/join", Access::Proof, || post(join::join)),
    route("POST", "/preferences", Access::Anyone, || {
        post(preferences::choose)
    }),
    route("POST", "/hooks/gitlab/{app}", Access::Proof, || {
        post(webhooks::gitlab)
    }),
    route("POST", "/me/tokens", Access::SignedIn, || post(tokens::create)),
    route("POST", "/project-tokens", Access::SignedIn, || {
        post(tokens::create_for_project)
    }),
    route("POST", slipway_app::board::file::UPLOAD, Access::SignedIn, || {
        post(attachments::upload).layer(attachments::limit())
    }),
    route("POST", slipway_app::intake::UPLOAD, Access::SignedIn, || {
        post(attachments::take).layer(attachments::limit())
    }),
    route("GET", "/live", Access::SignedIn, || get(live::stream)),
    route("GET", "/api/v1/openapi.json", Access::Anyone, || {
        get(api::openapi)
    }),
    route("GET", "/api/v1/docs", Access::Anyone, || get(api::docs::page)),
];

/// Every route.
pub fn all() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().chain(api::ROUTES.iter().copied().flatten())
}

/// Adds the table to `router`.
pub fn routes(mut router: Router<Edge>, edge: &Edge) -> Router<Edge> {
    for route in all() {
        let mut handler = (route.handler)();
        if route.access == Access::SignedIn {
            if route.path.starts_with("/api/v1/") {
                handler = handler
                    .route_layer(from_fn_with_state(edge.clone(), api::once::once))
                    .route_layer(from_fn_with_state(edge.clone(), api::limit::limit));
            }
            handler = handler.route_layer(from_fn(signed_in));
        }
        router = router.route(route.path, handler);
    }
    router
}

/// Turns away whoever is not signed in, before any handler looks at the request.
async fn signed_in(Extension(visit): Extension<Visit>, request: Request, next: Next) -> Response {
    if visit.ctx.user().is_err() {
        return problem::Refusal::of(&visit, Error::Unauthenticated).into_response();
    }
    next.run(request).await
}
