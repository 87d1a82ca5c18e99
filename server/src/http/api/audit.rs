//! The audit log: read in pages, exported as a file.

use super::ask::{Asked, OrRefuse as _, Path, Query};
use super::paging::{Page, Paged};
use super::place::{OrgPath, one_of};
use super::refusals::Reads;
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::header;
use serde::{Deserialize, Serialize};
use slipway_domain::audit::{AuditRow, CSV_HEAD};
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", "/api/v1/orgs/{org}/audit", Access::SignedIn, || get(list)),
    route("GET", "/api/v1/orgs/{org}/audit/export", Access::SignedIn, || {
        get(export)
    }),
];

/// Which part of the log.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only of this project.
    project: Option<String>,
    /// Only of this app of the project.
    app: Option<String>,
    /// Only actions that start with this, as in `promotion.`.
    action: Option<String>,
}

/// The kind of a file.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Format {
    /// `csv` (RFC 4180) or `json`.
    #[param(schema_with = formats)]
    format: FileKind,
}

/// See [`Format`].
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FileKind {
    Csv,
    Json,
}

fn formats() -> Object {
    one_of(["csv", "json"].into_iter())
}

impl Filter {
    fn query(self, org: String, before: Option<i64>) -> slipway_portal::audit::Query {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        slipway_portal::audit::Query {
            org,
            project: given(self.project),
            app: given(self.app),
            action: given(self.action),
            before,
        }
    }
}

/// A row of the audit log.
#[derive(Serialize, ToSchema)]
pub struct AuditEntry {
    /// Its number in the organization's chain, from 1.
    seq: i64,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// Who: a display name; `slipway` for the system itself.
    actor: String,
    /// By which channel, and by which token.
    via: String,
    /// The request.
    request_id: String,
    /// What, as in `promotion.request`.
    action: String,
    /// The kind of the target.
    target_kind: String,
    /// The target's id.
    target_id: String,
    /// The target's name then.
    target: String,
    /// `done`, `refused` or `failed`.
    outcome: &'static str,
    /// What changed, without secrets.
    #[schema(value_type = Object)]
    summary: serde_json::Value,
}

impl AuditEntry {
    pub(super) fn of(row: AuditRow) -> Self {
        Self {
            seq: row.seq,
            at: row.at.rfc3339(),
            actor: row.actor,
            via: row.via,
            request_id: row.request_id,
            action: row.action,
            target_kind: row.target_kind,
            target_id: row.target_id,
            target: row.target,
            outcome: row.outcome.key(),
            summary: row.summary,
        }
    }
}

/// The audit log of an organization, the newest first. Without a project it takes a role that may read all of it.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/audit",
    tag = "Audit",
    operation_id = "audit.list",
    params(OrgPath, Filter, Page),
    responses((status = 200, description = "A page of it", body = Vec<AuditEntry>), Reads)
)]
pub async fn list(
    asked: Asked,
    Path(at): Path<OrgPath>,
    Query(filter): Query<Filter>,
    page: Page,
) -> Result<Paged<AuditEntry>, Refusal> {
    let before = page.from().or_refuse(&asked)?;
    let (_, rows) = slipway_portal::audit::read(asked.ctx(), &filter.query(at.org, before))
        .await
        .or_refuse(&asked)?;
    let more = i64::try_from(rows.len()).is_ok_and(|count| count >= slipway_portal::audit::PAGE);
    Ok(page
        .take(rows, more, |row| row.seq.to_string())
        .map(AuditEntry::of))
}

/// The audit log as a file, the newest row first.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/audit/export",
    tag = "Audit",
    operation_id = "audit.export",
    params(OrgPath, Filter, Format),
    responses(
        (status = 200, description = "The file", content(
            (Vec<AuditEntry> = "application/json"),
            (String = "text/csv; charset=utf-8"),
        )),
        Reads
    )
)]
pub async fn export(
    asked: Asked,
    Path(at): Path<OrgPath>,
    Query(filter): Query<Filter>,
    Query(file): Query<Format>,
) -> Result<Response, Refusal> {
    let name = format!("audit-{}", at.org);
    let pages = slipway_portal::audit::export(asked.ctx(), filter.query(at.org, None))
        .await
        .or_refuse(&asked)?;
    Ok(self::file(&name, &file, pages))
}

/// The rows of a log as a file of that name.
pub(super) fn file(
    name: &str,
    file: &Format,
    pages: BoxStream<'static, slipway_portal::Result<Vec<AuditRow>>>,
) -> Response {
    let rows = pages
        .map_ok(|rows| stream::iter(rows.into_iter().map(Ok::<AuditRow, slipway_portal::Error>)))
        .try_flatten();
    let (kind, ending, body) = match file.format {
        FileKind::Csv => {
            let head = stream::once(async { Ok(String::from(CSV_HEAD)) });
            let lines = rows.map_ok(|row: AuditRow| row.csv());
            ("text/csv; charset=utf-8", "csv", head.chain(lines).boxed())
        }
        FileKind::Json => {
            let head = stream::once(async { Ok(String::from("[")) });
            let entries = rows.enumerate().map(|(nth, row)| {
                let entry =
                    serde_json::to_string(&AuditEntry::of(row?)).map_err(slipway_portal::Error::internal)?;
                Ok(format!("{}\n{entry}", if nth == 0 { "" } else { "," }))
            });
            let end = stream::once(async { Ok(String::from("\n]\n")) });
            let entries = head.chain(entries);
            ("application/json", "json", entries.chain(end).boxed())
        }
    };
    let headers = [
        (header::CONTENT_TYPE, String::from(kind)),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}.{ending}\""),
        ),
    ];
    let body = Body::from_stream(body.map_ok(Bytes::from));
    (headers, body).into_response()
}
