//! The table of work items, and saved views.

use super::ask::{Asked, Body, IfMatch, OrRefuse as _, Path};
use super::item::Item;
use super::paging::{Page, Paged};
use super::place::{Made, Person, ProjectPath, one_of};
use super::refusals::{Changes, Reads};
use super::{Answer, created};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::extract::RawQuery;
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_domain::id::SavedViewId;
use slipway_domain::table::{SavedView, TableQuery, TableRow, ViewPage};
use slipway_portal::table::ViewInput;
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};

const TABLE: &str = "/api/v1/orgs/{org}/projects/{project}/items-table";
const LIST: &str = "/api/v1/orgs/{org}/projects/{project}/saved-views";
const ONE: &str = "/api/v1/orgs/{org}/projects/{project}/saved-views/{view}";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", TABLE, Access::SignedIn, || get(table)),
    route("GET", LIST, Access::SignedIn, || get(list)),
    route("POST", LIST, Access::SignedIn, || post(create)),
    route("PUT", ONE, Access::SignedIn, || put(update)),
    route("DELETE", ONE, Access::SignedIn, || delete(remove)),
];

/// `…/saved-views/{view}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ViewPath {
    /// The organization's slug.
    org: String,
    /// The project's slug.
    project: String,
    /// The view's id.
    #[param(value_type = String, format = "uuid")]
    view: SavedViewId,
}

fn pages() -> Object {
    one_of(ViewPage::ALL.iter().map(|page| page.key()))
}

/// A row of the table.
#[derive(Serialize, ToSchema)]
pub struct Row {
    /// The item.
    #[serde(flatten)]
    item: Item,
    /// The name of the iteration it is planned for.
    iteration: Option<String>,
    /// The name of the app it is about.
    app: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was changed last.
    #[schema(format = DateTime)]
    updated_at: String,
}

impl Row {
    fn of(row: TableRow) -> Self {
        Self {
            item: Item::of(row.card),
            iteration: row.iteration,
            app: row.app,
            created_at: row.created_at.rfc3339(),
            updated_at: row.updated_at.rfc3339(),
        }
    }
}

/// What of a page is shown, under a name.
#[derive(Serialize, ToSchema)]
pub struct View {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// Of which page.
    #[schema(schema_with = pages)]
    page: &'static str,
    /// What it is called.
    name: String,
    /// What stands in the page's address behind `?`.
    query: String,
    /// Whether everybody in the project has it.
    shared: bool,
    /// Whether the page opens with it.
    is_default: bool,
    /// Who made it.
    owner: Person,
    /// Grows with every change.
    version: i64,
}

impl View {
    fn of(view: SavedView) -> Self {
        Self {
            id: view.id.to_string(),
            page: view.page.key(),
            owner: Person::of(&view.owner),
            name: view.name,
            query: view.query,
            shared: view.shared,
            is_default: view.is_default,
            version: view.version,
        }
    }
}

/// What a view is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetView {
    /// What it is called, at most 60 characters.
    name: String,
    /// What stands in the page's address behind `?`.
    query: String,
    /// Whether everybody in the project has it: for owners, leads and product managers.
    #[serde(default)]
    shared: bool,
    /// Whether the page opens with it.
    #[serde(default)]
    is_default: bool,
}

impl SetView {
    fn input(self) -> ViewInput {
        ViewInput {
            name: self.name,
            query: self.query,
            shared: self.shared,
            is_default: self.is_default,
        }
    }
}

/// A view to be saved.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewView {
    /// Of which page.
    #[schema(schema_with = pages)]
    page: ViewPage,
    /// What it is called, at most 60 characters.
    name: String,
    /// What stands in the page's address behind `?`.
    query: String,
    /// Whether everybody in the project has it: for owners, leads and product managers.
    #[serde(default)]
    shared: bool,
    /// Whether the page opens with it.
    #[serde(default)]
    is_default: bool,
}

/// What of the items is listed, and in which order: as in the address of the table's page.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "read from the query as a whole, as the page does; here for the description"
)]
pub struct TableParams {
    /// Only of this kind.
    #[param(required = false)]
    kind: String,
    /// Only of the person with this id.
    #[param(required = false)]
    assignee: String,
    /// Only of this priority.
    #[param(required = false)]
    priority: String,
    /// Only of the iteration with this id.
    #[param(required = false)]
    iteration: String,
    /// Only about the app with this id.
    #[param(required = false)]
    app: String,
    /// `overdue`, `week` or `none`.
    #[param(required = false)]
    due: String,
    /// `true`: also what is over.
    #[param(required = false)]
    all: bool,
    /// Only with this label.
    #[param(required = false)]
    label: String,
    /// Only with this in the title, or with this key.
    #[param(required = false)]
    words: String,
    /// A column, with `-` before it from the end: `-updated`, say.
    #[param(required = false)]
    sort: String,
}

/// The work items of a project as a table: filtered and sorted.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/items-table",
    tag = "Work items",
    operation_id = "items.table",
    params(ProjectPath, TableParams, Page),
    responses((status = 200, description = "A page of it", body = Vec<Row>), Reads)
)]
pub async fn table(
    asked: Asked,
    Path(at): Path<ProjectPath>,
    RawQuery(query): RawQuery,
    page: Page,
) -> Result<Paged<Row>, Refusal> {
    let of = TableQuery::read(query.as_deref().unwrap_or_default());
    let after = page.from::<String>().or_refuse(&asked)?;
    let (rows, more) = slipway_portal::table::list(asked.ctx(), &at.org, &at.project, &of, after.as_deref())
        .await
        .or_refuse(&asked)?;
    Ok(page
        .take(rows, more, |(_, cursor)| cursor.written())
        .map(|(row, _)| Row::of(row)))
}

/// The saved views that the caller has in a project: their own, and those that everybody has.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/saved-views",
    tag = "Work items",
    operation_id = "saved_views.list",
    params(ProjectPath),
    responses((status = 200, description = "The views", body = Vec<View>), Reads)
)]
pub async fn list(asked: Asked, Path(at): Path<ProjectPath>) -> Answer<Vec<View>> {
    let views = slipway_portal::table::views(asked.ctx(), &at.org, &at.project, None)
        .await
        .or_refuse(&asked)?;
    Ok(Json(views.into_iter().map(View::of).collect()))
}

/// Saves a view.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/saved-views",
    tag = "Work items",
    operation_id = "saved_views.create",
    params(ProjectPath),
    request_body = NewView,
    responses((status = 201, description = "It is saved", body = Made), Changes)
)]
pub async fn create(
    asked: Asked,
    Path(at): Path<ProjectPath>,
    Body(new): Body<NewView>,
) -> Result<Response, Refusal> {
    let input = ViewInput {
        name: new.name,
        query: new.query,
        shared: new.shared,
        is_default: new.is_default,
    };
    let id = slipway_portal::table::save_view(asked.ctx(), &at.org, &at.project, new.page, input)
        .await
        .or_refuse(&asked)?;
    let url = format!("/api/v1/orgs/{}/projects/{}/saved-views", at.org, at.project);
    Ok(created(id.to_string(), url))
}

/// Changes a saved view; with `If-Match`, only where that is still its version.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/projects/{project}/saved-views/{view}",
    tag = "Work items",
    operation_id = "saved_views.update",
    params(ViewPath, ("If-Match" = Option<String>, Header, description = "The version it was read with")),
    request_body = SetView,
    responses((status = 204, description = "It is that"), Changes)
)]
pub async fn update(
    asked: Asked,
    Path(at): Path<ViewPath>,
    IfMatch(expected): IfMatch,
    Body(new): Body<SetView>,
) -> Result<StatusCode, Refusal> {
    slipway_portal::table::update_view(asked.ctx(), &at.org, &at.project, at.view, new.input(), expected)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a saved view away.
#[utoipa::path(
    delete,
    path = "/api/v1/orgs/{org}/projects/{project}/saved-views/{view}",
    tag = "Work items",
    operation_id = "saved_views.remove",
    params(ViewPath),
    responses((status = 204, description = "It is gone"), Changes)
)]
pub async fn remove(asked: Asked, Path(at): Path<ViewPath>) -> Result<StatusCode, Refusal> {
    slipway_portal::table::remove_view(asked.ctx(), &at.org, &at.project, at.view)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
