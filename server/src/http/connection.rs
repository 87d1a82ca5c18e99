//! `GET /connections/gitlab/callback`: somebody comes back from GitLab, where they were to authorize a connection.
//!
//! It only takes in what they bring, and leads to the page of the connections, which says what came of it. What they
//! bring counts by its state alone: see [`slipway_portal::connection::oauth`].

use super::visit::Visit;
use super::{Edge, flash, local, problem};
use axum::Extension;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use slipway_app::connection::{FROM_GITLAB, connections_of};
use slipway_app::{AppError, Flash};
use slipway_portal::Error;
use slipway_portal::connection::oauth::{self, ComingBack};

/// What GitLab sends along.
#[derive(Deserialize)]
pub struct Sent {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
}

/// The handler.
pub async fn come_back(
    State(edge): State<Edge>,
    Extension(visit): Extension<Visit>,
    Query(sent): Query<Sent>,
) -> Response {
    let back = ComingBack {
        state: sent.state.unwrap_or_default(),
        code: sent.code,
        error: sent.error,
    };
    let arrival = oauth::come_back(&visit.ctx, back).await;
    let left = match arrival.came {
        Ok(came) => Flash {
            form: FROM_GITLAB.to_owned(),
            error: AppError::default(),
            fields: vec![
                (String::from("connection"), came.connection),
                (String::from("username"), came.username),
            ],
            shown: None,
        },
        Err(Error::Unauthenticated) => {
            return Redirect::to(&local::with("/sign-in", "error", "expired")).into_response();
        }
        Err(error) => {
            tracing::warn!(
                request_id = visit.ctx.request_id(),
                code = error.code(),
                "a GitLab connection was not authorized"
            );
            if arrival.org.is_none() {
                return problem::Refusal::of(&visit, error).into_response();
            }
            Flash {
                form: FROM_GITLAB.to_owned(),
                error: flash::shown(&visit, &error),
                ..Flash::default()
            }
        }
    };
    let org = arrival.org.unwrap_or_default();
    flash::leave(&edge, &visit, left, &connections_of(&org)).await
}
