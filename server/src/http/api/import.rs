//! Imports of GitLab groups.

use super::ask::{Asked, Body, OrRefuse as _, Path};
use super::paging::{Page, Paged};
use super::place::{AppName, Made, Person, ProjectPath, Slugs, one_of};
use super::refusals::{Changes, Reads};
use super::{Answer, created};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_domain::id::{ConnectionId, ImportId};
use slipway_domain::import::{ImportItem, ImportRow, ImportState, ImportView, ItemState};
use slipway_domain::text::Locale;
use slipway_domain::time::Timestamp;
use slipway_portal::import;
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};

const LIST: &str = "/api/v1/orgs/{org}/projects/{project}/imports";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", LIST, Access::SignedIn, || get(list)),
    route("POST", LIST, Access::SignedIn, || post(create)),
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/imports/{import}",
        Access::SignedIn,
        || get(show),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/projects/{project}/imports/{import}/retry",
        Access::SignedIn,
        || post(retry),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/projects/{project}/imports/{import}/stop",
        Access::SignedIn,
        || post(stop),
    ),
];

/// `/orgs/{org}/projects/{project}/imports/{import}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ImportPath {
    /// The organization's slug.
    pub org: String,
    /// The project's slug.
    pub project: String,
    /// The import's id.
    #[param(value_type = String, format = "uuid")]
    pub import: ImportId,
}

fn import_states() -> Object {
    one_of(ImportState::ALL.iter().map(|state| state.key()))
}

fn item_states() -> Object {
    one_of(ItemState::ALL.iter().map(|state| state.key()))
}

/// An import: the repositories of a GitLab group become apps.
#[derive(Serialize, ToSchema)]
pub struct Import {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// The path of the group.
    group: String,
    /// Where it stands.
    #[schema(schema_with = import_states)]
    state: &'static str,
    /// How many repositories it has.
    total: i64,
    /// How many wait.
    waiting: i64,
    /// How many have their apps.
    done: i64,
    /// How many failed.
    failed: i64,
    /// How many were skipped, since an app was connected to them already.
    skipped: i64,
    /// In whose name it runs.
    by: Person,
    /// When it was begun.
    #[schema(format = DateTime)]
    created_at: String,
}

/// An import with its repositories.
#[derive(Serialize, ToSchema)]
pub struct ImportDetail {
    /// The import.
    #[serde(flatten)]
    import: Import,
    /// Where it is.
    place: Slugs,
    /// Why it stopped.
    reason: Option<String>,
    /// What it waits for.
    trouble: Option<String>,
    /// When it goes on.
    #[schema(format = DateTime)]
    retry_at: Option<String>,
    /// When no repository waited any more, or it was stopped.
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// The repositories, by path.
    repositories: Vec<Imported>,
}

/// A repository of an import.
#[derive(Serialize, ToSchema)]
pub struct Imported {
    /// GitLab's numeric project id.
    repository: i64,
    /// The path, as in `acme/shop/order-api`.
    path: String,
    /// The slug that its app gets or got.
    slug: String,
    /// The name that its app gets or got.
    name: String,
    /// Where it stands.
    #[schema(schema_with = item_states)]
    state: &'static str,
    /// Its app, while that is there.
    app: Option<AppName>,
    /// Why it failed or was skipped, or what there is to know of its app.
    reason: Option<String>,
}

impl Import {
    fn of(row: &ImportRow) -> Self {
        Self {
            id: row.id.to_string(),
            group: row.group.clone(),
            state: row.state.key(),
            total: row.counts.total(),
            waiting: row.counts.waiting,
            done: row.counts.done,
            failed: row.counts.failed,
            skipped: row.counts.skipped,
            by: Person::of(&row.by),
            created_at: row.created_at.rfc3339(),
        }
    }
}

impl ImportDetail {
    fn of(view: ImportView, locale: Locale) -> Self {
        let said = |text: Option<slipway_domain::text::Text>| text.map(|text| text.get(locale).to_owned());
        Self {
            import: Import::of(&view.row),
            place: Slugs::of(&view.place),
            reason: said(view.reason),
            trouble: said(view.trouble),
            retry_at: view.retry_at.map(Timestamp::rfc3339),
            ended_at: view.ended_at.map(Timestamp::rfc3339),
            repositories: view
                .items
                .items
                .into_iter()
                .map(|item| Imported::of(item, locale))
                .collect(),
        }
    }
}

impl Imported {
    fn of(item: ImportItem, locale: Locale) -> Self {
        Self {
            repository: item.repository,
            path: item.path,
            slug: item.slug,
            name: item.name,
            state: item.state.key(),
            app: item.app.as_ref().map(AppName::of),
            reason: item.reason.map(|reason| reason.get(locale).to_owned()),
        }
    }
}

/// An import to be made and started.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewImport {
    /// The id of the connection; the first one by name where it is left out.
    #[schema(value_type = Option<String>, format = "uuid")]
    connection: Option<ConnectionId>,
    /// GitLab's numeric id of the group.
    group: i64,
    /// Whether repositories of its subgroups are in it.
    #[serde(default)]
    include_subgroups: bool,
    /// Which repositories of the group, at most 1000; where it is left out, all that are neither archived nor connected.
    repositories: Option<Vec<NewImported>>,
}

/// A repository to be imported.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewImported {
    /// GitLab's numeric project id.
    repository: i64,
    /// The slug of its app, 2 to 40 of `a-z0-9-`; one that suits its path where it is left out.
    slug: Option<String>,
    /// The name of its app; GitLab's where it is left out.
    name: Option<String>,
}

/// The newest imports into a project.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/imports",
    tag = "Imports",
    operation_id = "imports.list",
    params(ProjectPath, Page),
    responses((status = 200, description = "A page of them", body = Vec<Import>), Reads)
)]
pub async fn list(asked: Asked, Path(at): Path<ProjectPath>, page: Page) -> Result<Paged<Import>, Refusal> {
    let rows = import::list(asked.ctx(), &at.org, &at.project)
        .await
        .or_refuse(&asked)?;
    // The newest first: ids grow with time.
    let key = |row: &ImportRow| format!("{:032x}", u128::MAX - id_of(row));
    Ok(page.cut(rows, key).map(|row| Import::of(&row)))
}

fn id_of(row: &ImportRow) -> u128 {
    use slipway_domain::id::TypedId as _;
    row.id.uuid().as_u128()
}

/// Starts an import: each repository becomes an app that is connected to it, one after the other.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/imports",
    tag = "Imports",
    operation_id = "imports.create",
    params(ProjectPath),
    request_body = NewImport,
    responses((status = 201, description = "It has started", body = Made), Changes)
)]
pub async fn create(
    asked: Asked,
    Path(at): Path<ProjectPath>,
    Body(new): Body<NewImport>,
) -> Result<Response, Refusal> {
    let named = new.repositories.map(|some| {
        let item = |one: NewImported| import::NewItem {
            repository: one.repository,
            slug: one.slug,
            name: one.name,
        };
        some.into_iter().map(item).collect()
    });
    let new = import::New {
        connection: new.connection,
        group: new.group,
        subgroups: new.include_subgroups,
        repositories: named,
    };
    let id = import::create(asked.ctx(), &at.org, &at.project, &new)
        .await
        .or_refuse(&asked)?;
    let url = format!("/api/v1/orgs/{}/projects/{}/imports/{id}", at.org, at.project);
    Ok(created(id.to_string(), url))
}

/// How far an import is, repository by repository.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/imports/{import}",
    tag = "Imports",
    operation_id = "imports.show",
    params(ImportPath),
    responses((status = 200, description = "The import", body = ImportDetail), Reads)
)]
pub async fn show(asked: Asked, Path(at): Path<ImportPath>) -> Answer<ImportDetail> {
    let view = import::view(asked.ctx(), &at.org, &at.project, at.import, 0)
        .await
        .or_refuse(&asked)?;
    Ok(Json(ImportDetail::of(view, asked.locale())))
}

/// Goes on with an import that ended: what failed is tried again. From now on it runs in the caller's name.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/imports/{import}/retry",
    tag = "Imports",
    operation_id = "imports.retry",
    params(ImportPath),
    responses((status = 204, description = "It goes on"), Changes)
)]
pub async fn retry(asked: Asked, Path(at): Path<ImportPath>) -> Result<StatusCode, Refusal> {
    import::retry(asked.ctx(), &at.org, &at.project, at.import)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stops an import: what waits still waits.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/imports/{import}/stop",
    tag = "Imports",
    operation_id = "imports.stop",
    params(ImportPath),
    responses((status = 204, description = "It is stopped"), Changes)
)]
pub async fn stop(asked: Asked, Path(at): Path<ImportPath>) -> Result<StatusCode, Refusal> {
    import::stop(asked.ctx(), &at.org, &at.project, at.import)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
