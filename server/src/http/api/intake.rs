//! Imports of work items from a file.

use super::ask::{Asked, OrRefuse as _, Path, Query};
use super::place::{Made, ProjectPath, one_of};
use super::refusals::{Changes, Reads};
use super::{Answer, created};
use crate::http::attachments;
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::body::Bytes;
use axum::response::Response;
use axum::routing::{delete, get, post};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_domain::id::IntakeId;
use slipway_domain::intake::{IntakeRow, IntakeState, RowError, Source};
use slipway_domain::text::Locale;
use slipway_portal::intake;
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};

const LIST: &str = "/api/v1/orgs/{org}/projects/{project}/item-imports";
const ONE: &str = "/api/v1/orgs/{org}/projects/{project}/item-imports/{import}";
const START: &str = "/api/v1/orgs/{org}/projects/{project}/item-imports/{import}/start";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", LIST, Access::SignedIn, || get(list)),
    route("POST", LIST, Access::SignedIn, || {
        post(begin).layer(attachments::limit())
    }),
    route("GET", ONE, Access::SignedIn, || get(show)),
    route("POST", START, Access::SignedIn, || post(start)),
    route("DELETE", ONE, Access::SignedIn, || delete(stop)),
];

/// `…/item-imports/{import}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct IntakePath {
    /// The organization's slug.
    org: String,
    /// The project's slug.
    project: String,
    /// The import's id.
    #[param(value_type = String, format = "uuid")]
    import: IntakeId,
}

fn sources() -> Object {
    one_of(Source::ALL.iter().map(|source| source.key()))
}

fn states() -> Object {
    one_of(IntakeState::ALL.iter().map(|state| state.key()))
}

/// What a file is.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FileKind {
    /// What it is called.
    name: String,
    /// Who wrote it.
    #[param(schema_with = sources)]
    source: Source,
}

/// An import of work items.
#[derive(Serialize, ToSchema)]
pub struct ItemImport {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// What the file was called.
    name: String,
    /// Who wrote the file.
    #[schema(schema_with = sources)]
    source: &'static str,
    /// Where it stands.
    #[schema(schema_with = states)]
    state: &'static str,
    /// Rows of the file.
    rows: usize,
    /// Rows that were worked on.
    done: usize,
    /// Items that were made; of one that is being prepared, that would be.
    made: usize,
    /// Rows whose items are there already.
    known: usize,
    /// Rows with something wrong, which are left out.
    wrong: usize,
    /// When it was begun.
    #[schema(format = DateTime)]
    created_at: String,
}

/// An import with what is wrong in its file.
#[derive(Serialize, ToSchema)]
pub struct ItemImportDetail {
    /// The import.
    #[serde(flatten)]
    import: ItemImport,
    /// What is wrong in which row, at most 100.
    errors: Vec<WrongRow>,
    /// Words whose meaning is to be chosen on the page, as in `assignee: bob`.
    unknown: Vec<String>,
}

/// What is wrong in a row.
#[derive(Serialize, ToSchema)]
pub struct WrongRow {
    /// The row in the file; the headings are row 1.
    row: usize,
    /// Which column.
    column: &'static str,
    /// What stands there.
    cell: String,
    /// What is wrong.
    error: String,
}

impl ItemImport {
    fn of(row: IntakeRow) -> Self {
        Self {
            id: row.id.to_string(),
            name: row.name,
            source: row.source.key(),
            state: row.state.key(),
            rows: row.progress.rows,
            done: row.progress.done,
            made: row.progress.made,
            known: row.progress.known,
            wrong: row.progress.wrong,
            created_at: row.created_at.rfc3339(),
        }
    }
}

fn wrong(error: RowError, locale: Locale) -> WrongRow {
    WrongRow {
        row: error.row,
        column: error.column.key(),
        cell: error.cell,
        error: error.text.get(locale).to_owned(),
    }
}

/// The imports of work items, the newest first; at most 20.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/item-imports",
    tag = "Work items",
    operation_id = "item_imports.list",
    params(ProjectPath),
    responses((status = 200, description = "They", body = Vec<ItemImport>), Reads)
)]
pub async fn list(asked: Asked, Path(at): Path<ProjectPath>) -> Answer<Vec<ItemImport>> {
    let list = intake::list(asked.ctx(), &at.org, &at.project)
        .await
        .or_refuse(&asked)?;
    Ok(Json(list.imports.into_iter().map(ItemImport::of).collect()))
}

/// Prepares an import: the body is the CSV file, in UTF-8. Nothing is made before it is started.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/item-imports",
    tag = "Work items",
    operation_id = "item_imports.create",
    params(ProjectPath, FileKind),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 201, description = "It is prepared", body = Made), Changes)
)]
pub async fn begin(
    asked: Asked,
    Path(at): Path<ProjectPath>,
    Query(file): Query<FileKind>,
    content: Bytes,
) -> Result<Response, Refusal> {
    let named = (file.name.as_str(), &content[..]);
    let id = intake::begin(asked.ctx(), &at.org, &at.project, file.source, named)
        .await
        .or_refuse(&asked)?;
    let url = format!(
        "/api/v1/orgs/{}/projects/{}/item-imports/{id}",
        at.org, at.project
    );
    Ok(created(id.to_string(), url))
}

/// How far an import is; of one that is being prepared, what it would make, and what is wrong with it.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/item-imports/{import}",
    tag = "Work items",
    operation_id = "item_imports.show",
    params(IntakePath),
    responses((status = 200, description = "The import", body = ItemImportDetail), Reads)
)]
pub async fn show(asked: Asked, Path(at): Path<IntakePath>) -> Answer<ItemImportDetail> {
    let view = intake::view(asked.ctx(), &at.org, &at.project, at.import)
        .await
        .or_refuse(&asked)?;
    let unknown = view.words.iter().filter(|word| word.chosen.is_none());
    Ok(Json(ItemImportDetail {
        unknown: unknown
            .map(|word| format!("{}: {}", word.column.key(), word.word))
            .collect(),
        errors: view
            .errors
            .into_iter()
            .map(|error| wrong(error, asked.locale()))
            .collect(),
        import: ItemImport::of(view.row),
    }))
}

/// Starts an import that is prepared. Rows with something wrong are left out, and rows whose items are there are left alone.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/item-imports/{import}/start",
    tag = "Work items",
    operation_id = "item_imports.start",
    params(IntakePath),
    responses((status = 204, description = "It runs"), Changes)
)]
pub async fn start(asked: Asked, Path(at): Path<IntakePath>) -> Result<StatusCode, Refusal> {
    intake::start(asked.ctx(), &at.org, &at.project, at.import, None)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends an import. What it made stays.
#[utoipa::path(
    delete,
    path = "/api/v1/orgs/{org}/projects/{project}/item-imports/{import}",
    tag = "Work items",
    operation_id = "item_imports.stop",
    params(IntakePath),
    responses((status = 204, description = "It has ended"), Changes)
)]
pub async fn stop(asked: Asked, Path(at): Path<IntakePath>) -> Result<StatusCode, Refusal> {
    intake::stop(asked.ctx(), &at.org, &at.project, at.import)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
