//! Work items that mirror GitLab issues.

use super::Answer;
use super::ask::{Asked, Body, IfMatch, OrRefuse as _, Path};
use super::place::AppPath;
use super::refusals::{Changes, Reads};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use slipway_domain::item::ItemKind;
use slipway_domain::mirror::{self, MirrorField, MirrorView};
use slipway_domain::time::Timestamp;
use utoipa::{IntoParams, ToSchema};

const MIRROR: &str = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/mirror";
const CONFLICTS: &str = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/mirror/conflicts";
const SETTLE: &str = "/api/v1/orgs/{org}/projects/{project}/items/{number}/mirror/{field}";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", MIRROR, Access::SignedIn, || get(show)),
    route("PUT", MIRROR, Access::SignedIn, || put(set)),
    route("GET", CONFLICTS, Access::SignedIn, || get(conflicts)),
    route("POST", SETTLE, Access::SignedIn, || post(settle)),
];

/// A label that says what an issue becomes.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MirrorLabel {
    /// The label, in any case.
    label: String,
    /// `epic`, `requirement`, `task` or `bug`.
    kind: String,
}

/// How an app's issues are mirrored.
#[derive(Serialize, ToSchema)]
pub struct IssueMirror {
    /// Whether they are.
    on: bool,
    /// The repository's path.
    repository: Option<String>,
    /// What an issue becomes that no label names.
    kind: &'static str,
    /// Labels that say more; the first one that fits counts.
    labels: Vec<MirrorLabel>,
    /// Whether items that are made here for the app are made as issues there.
    creates: bool,
    /// How far the issues from before are taken over.
    taking: Option<MirrorTaking>,
    /// When GitLab was last asked what changed.
    #[schema(format = DateTime)]
    reconciled_at: Option<String>,
    /// How many items have an issue.
    linked: i64,
    /// How many of them have something to settle, at most 50.
    conflicts: usize,
    /// Why the last look came to nothing.
    trouble: Option<String>,
}

/// How far the issues from before are taken over.
#[derive(Serialize, ToSchema)]
pub struct MirrorTaking {
    /// The pages of issues that were read.
    pages: i64,
    /// The items that were made of them.
    made: i64,
    /// Whether all of them were read.
    done: bool,
}

/// How an app's issues are to be mirrored.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMirror {
    /// Whether they are.
    on: bool,
    /// What an issue becomes that no label names: `epic`, `requirement`, `task` or `bug`.
    #[schema(value_type = String)]
    kind: ItemKind,
    /// Labels that say more; the first one that fits counts.
    #[serde(default)]
    labels: Vec<MirrorLabel>,
    /// Whether items that are made here for the app are made as issues there.
    #[serde(default)]
    creates: bool,
    /// Whether the open issues from before become items, too.
    #[serde(default)]
    take: bool,
}

/// An item with something to settle.
#[derive(Serialize, ToSchema)]
pub struct MirrorConflicts {
    /// As in `CHK-12`.
    key: String,
    /// In one line.
    title: String,
    /// The issue's number.
    issue: Option<i64>,
    /// What it is settled on.
    version: i64,
    /// What differs.
    fields: Vec<MirrorConflict>,
}

/// A field that both sides changed to something else.
#[derive(Serialize, ToSchema)]
pub struct MirrorConflict {
    /// `title`, `description`, `state`, `labels`, `assignee` or `due_on`.
    field: &'static str,
    /// What it holds here.
    ours: String,
    /// What it holds in GitLab.
    theirs: String,
}

/// A field of an item.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct FieldPath {
    /// The organization.
    org: String,
    /// The project.
    project: String,
    /// The item's number.
    number: i64,
    /// `title`, `description`, `state`, `labels`, `assignee` or `due_on`.
    #[param(value_type = String)]
    field: MirrorField,
}

/// Which side is kept.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Settling {
    /// `true`: what stands here; `false`: what stands in GitLab.
    ours: bool,
    /// The version at which the conflict was shown; none: whatever it is now.
    version: Option<i64>,
}

impl IssueMirror {
    fn of(view: MirrorView) -> Self {
        let label = |rule: mirror::LabelRule| MirrorLabel {
            label: rule.label,
            kind: rule.kind.key().to_owned(),
        };
        Self {
            on: view.since.is_some(),
            repository: view.repository,
            kind: view.rules.kind.key(),
            labels: view.rules.labels.into_iter().map(label).collect(),
            creates: view.rules.creates,
            taking: view.taking.map(|taking| MirrorTaking {
                pages: taking.pages,
                made: taking.made,
                done: taking.done,
            }),
            reconciled_at: view.reconciled_at.map(Timestamp::rfc3339),
            linked: view.linked,
            conflicts: view.conflicts.len(),
            trouble: view.trouble.map(|trouble| trouble.en),
        }
    }
}

/// How an app's issues are mirrored, and how that goes. Its `ETag` is for the `If-Match` of a change.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/mirror",
    tag = "Work items",
    operation_id = "mirror.show",
    params(AppPath),
    responses((status = 200, description = "The mirror", body = IssueMirror, headers(("ETag" = String))), Reads)
)]
pub async fn show(asked: Asked, Path(at): Path<AppPath>) -> Result<Response, Refusal> {
    let view = slipway_portal::mirror::view(asked.ctx(), &at.org, &at.project, &at.app)
        .await
        .or_refuse(&asked)?;
    let tag = HeaderValue::try_from(format!("\"{}\"", view.version));
    let mut response = Json(IssueMirror::of(view)).into_response();
    if let Ok(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// Sets how an app's issues are mirrored; with `If-Match`, only where that is still its version.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/mirror",
    tag = "Work items",
    operation_id = "mirror.set",
    params(AppPath, ("If-Match" = Option<String>, Header, description = "The ETag it was read with")),
    request_body = NewMirror,
    responses((status = 204, description = "It is set so"), Changes)
)]
pub async fn set(
    asked: Asked,
    Path(at): Path<AppPath>,
    IfMatch(expected): IfMatch,
    Body(new): Body<NewMirror>,
) -> Result<StatusCode, Refusal> {
    let lines = new
        .labels
        .iter()
        .map(|rule| format!("{} = {}", rule.label, rule.kind));
    let input = slipway_portal::mirror::Input {
        on: new.on,
        kind: new.kind,
        labels: lines.collect::<Vec<_>>().join("\n"),
        creates: new.creates,
        take: new.take,
        expected,
    };
    slipway_portal::mirror::set(asked.ctx(), &at.org, &at.project, &at.app, input)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The items of an app that have something to settle, by number, at most 50.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/mirror/conflicts",
    tag = "Work items",
    operation_id = "mirror.conflicts",
    params(AppPath),
    responses((status = 200, description = "They", body = Vec<MirrorConflicts>), Reads)
)]
pub async fn conflicts(asked: Asked, Path(at): Path<AppPath>) -> Answer<Vec<MirrorConflicts>> {
    let rows = slipway_portal::mirror::conflicts(asked.ctx(), &at.org, &at.project, &at.app)
        .await
        .or_refuse(&asked)?;
    let field = |one: mirror::Conflict| MirrorConflict {
        field: one.field.key(),
        ours: one.ours,
        theirs: one.theirs,
    };
    let row = |row: mirror::ConflictRow| MirrorConflicts {
        key: row.key,
        title: row.title,
        issue: row.iid,
        version: row.version,
        fields: row.conflicts.into_iter().map(field).collect(),
    };
    Ok(Json(rows.into_iter().map(row).collect()))
}

/// Settles a conflict of an item: what stands here goes to GitLab, or the other way round.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/items/{number}/mirror/{field}",
    tag = "Work items",
    operation_id = "mirror.settle",
    params(FieldPath),
    request_body = Settling,
    responses((status = 204, description = "It is settled"), Changes)
)]
pub async fn settle(
    asked: Asked,
    Path(at): Path<FieldPath>,
    Body(choice): Body<Settling>,
) -> Result<StatusCode, Refusal> {
    let of = (at.number, at.field);
    slipway_portal::mirror::settle(asked.ctx(), &at.org, &at.project, of, choice.ours, choice.version)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
