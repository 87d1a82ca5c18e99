//! `POST /hooks/gitlab/{app}`: GitLab tells that something happened. The answer comes when the delivery is
//! stored durably; the work is done later.

use super::Edge;
use super::problem::Refusal;
use super::visit::Visit;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use slipway_domain::id::AppId;
use slipway_portal::Error;
use slipway_portal::webhook::{self, Headers};

/// The handler. An unknown app and a wrong token get the same answer.
pub async fn gitlab(
    State(edge): State<Edge>,
    Extension(visit): Extension<Visit>,
    Path(app): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let sent = Headers {
        token: text("x-gitlab-token"),
        event: text("x-gitlab-event"),
        event_uuid: text("x-gitlab-event-uuid"),
        idempotency_key: text("idempotency-key"),
    };
    let accepted = match app.parse::<AppId>() {
        Ok(app) => webhook::accept(&edge.portal, app, &sent, &body).await,
        Err(_) => Err(Error::NotFound),
    };
    match accepted {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(error) => Refusal::of(&visit, error).into_response(),
    }
}
