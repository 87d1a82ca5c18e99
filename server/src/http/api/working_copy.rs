//! The pipeline of an app as it is being edited.

use super::Answer;
use super::ask::{Asked, Body, IfMatch, OrRefuse as _, Path};
use super::place::AppPath;
use super::proposal::Proposal;
use super::refusals::{Changes, Reads};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use slipway_domain::working_copy::EditorView;
use slipway_portal::working_copy;
use utoipa::ToSchema;

/// The routes.
pub const ROUTES: &[Route] = &[
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy",
        Access::SignedIn,
        || get(show),
    ),
    route(
        "PUT",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy",
        Access::SignedIn,
        || axum::routing::put(save),
    ),
    route(
        "DELETE",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy",
        Access::SignedIn,
        || axum::routing::delete(discard),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy/propose",
        Access::SignedIn,
        || post(propose),
    ),
];

/// A pipeline file as it is being edited.
#[derive(Serialize, ToSchema)]
pub struct WorkingCopy {
    /// Raised by every save; 0: nothing was saved, this is the repository's file.
    version: i64,
    /// The branch it was taken from.
    branch: String,
    /// The last commit that changed the file there; none: there was no file.
    base_commit: Option<String>,
    /// The whole file.
    text: String,
    /// Whether it differs from what it was taken from.
    changed: bool,
    /// Whether the repository's file changed since.
    moved: bool,
    /// The name of whoever saved it last.
    updated_by: Option<String>,
    /// When.
    #[schema(format = "date-time")]
    updated_at: Option<String>,
}

impl From<EditorView> for WorkingCopy {
    fn from(view: EditorView) -> Self {
        let copy = view.copy;
        Self {
            changed: copy.is_changed(),
            moved: view.moved.is_some(),
            version: copy.version,
            branch: copy.branch,
            base_commit: copy.base_commit,
            text: copy.text,
            updated_by: copy.updated_by.map(|by| by.username),
            updated_at: copy.updated_at.map(slipway_domain::time::Timestamp::rfc3339),
        }
    }
}

/// A save of it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SavedText {
    /// The whole file.
    text: String,
    /// The commit that it was taken from; none: the one of now.
    #[serde(default)]
    base_commit: Option<String>,
}

/// What is proposed under which title.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProposedTitle {
    /// The title of the merge request; empty: the names of what is changed.
    title: String,
}

async fn opened(asked: &Asked, at: &AppPath) -> Result<EditorView, Refusal> {
    working_copy::open(asked.ctx(), &at.org, &at.project, &at.app)
        .await
        .or_refuse(asked)
}

/// The pipeline as it is being edited; where nobody does, the repository's file.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy",
    tag = "Pipelines",
    operation_id = "working_copies.show",
    params(AppPath),
    responses((status = 200, description = "The file", body = WorkingCopy, headers(("ETag" = String))), Reads)
)]
pub async fn show(asked: Asked, Path(at): Path<AppPath>) -> Result<Response, Refusal> {
    let found = WorkingCopy::from(opened(&asked, &at).await?);
    let tag = HeaderValue::try_from(format!("\"{}\"", found.version));
    let mut response = Json(found).into_response();
    if let Ok(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// Saves the file as it is being edited; with `If-Match`, only where that is still its version. Nothing reaches the
/// repository before it is proposed.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy",
    tag = "Pipelines",
    operation_id = "working_copies.save",
    params(AppPath, ("If-Match" = Option<String>, Header, description = "The ETag it was read with")),
    request_body = SavedText,
    responses((status = 200, description = "It is saved", body = WorkingCopy), Changes)
)]
pub async fn save(
    asked: Asked,
    Path(at): Path<AppPath>,
    IfMatch(expected): IfMatch,
    Body(sent): Body<SavedText>,
) -> Answer<WorkingCopy> {
    let now = opened(&asked, &at).await?.copy;
    let input = working_copy::Save {
        version: expected.unwrap_or(now.version),
        base_commit: sent.base_commit.or(now.base_commit),
        base: None,
        text: sent.text,
    };
    working_copy::save(asked.ctx(), &at.org, &at.project, &at.app, &input)
        .await
        .or_refuse(&asked)?;
    Ok(Json(opened(&asked, &at).await?.into()))
}

/// Forgets what is being edited; with `If-Match`, only where that is still its version.
#[utoipa::path(
    delete,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy",
    tag = "Pipelines",
    operation_id = "working_copies.discard",
    params(AppPath, ("If-Match" = Option<String>, Header, description = "The ETag it was read with")),
    responses((status = 204, description = "It is gone"), Changes)
)]
pub async fn discard(
    asked: Asked,
    Path(at): Path<AppPath>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Refusal> {
    let version = match expected {
        Some(version) => version,
        None => opened(&asked, &at).await?.copy.version,
    };
    working_copy::discard(asked.ctx(), &at.org, &at.project, &at.app, version)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Proposes the file as a merge request; with `If-Match`, only where that is still its version.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy/propose",
    tag = "Pipelines",
    operation_id = "working_copies.propose",
    params(AppPath, ("If-Match" = Option<String>, Header, description = "The ETag it was read with")),
    request_body = ProposedTitle,
    responses((status = 201, description = "It is proposed", body = Proposal), Changes)
)]
pub async fn propose(
    asked: Asked,
    Path(at): Path<AppPath>,
    IfMatch(expected): IfMatch,
    Body(sent): Body<ProposedTitle>,
) -> Result<Response, Refusal> {
    let version = match expected {
        Some(version) => version,
        None => opened(&asked, &at).await?.copy.version,
    };
    let view = working_copy::propose(asked.ctx(), &at.org, &at.project, &at.app, version, &sent.title)
        .await
        .or_refuse(&asked)?;
    Ok((StatusCode::CREATED, Json(Proposal::from(view))).into_response())
}
