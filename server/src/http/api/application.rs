//! Applications.

use super::ask::{Asked, Body, OrRefuse as _, Path};
use super::paging::{Page, Paged};
use super::place::{AppName, AppPath, EnvironmentName, Made, Person, ProjectPath, Slugs};
use super::refusals::{Changes, Reads};
use super::{Answer, created, etag};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_domain::app::{AppOverview, LaneStop};
use slipway_domain::project::GridRow;
use slipway_domain::text::Locale;
use slipway_portal::version;
use utoipa::ToSchema;

const LIST: &str = "/api/v1/orgs/{org}/projects/{project}/apps";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", LIST, Access::SignedIn, || get(list)),
    route("POST", LIST, Access::SignedIn, || post(create)),
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}",
        Access::SignedIn,
        || get(show),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/repository",
        Access::SignedIn,
        || post(connect),
    ),
];

/// An app: its repository and its lane.
#[derive(Serialize, ToSchema)]
pub struct App {
    /// Which.
    #[serde(flatten)]
    name: AppName,
    /// Where it is.
    place: Slugs,
    /// What it is for.
    description: String,
    /// The repository, once connected.
    repository: Option<Repository>,
    /// The environments in chain order, and what runs there.
    lane: Vec<Stop>,
    /// For the `If-Match` of an update.
    etag: String,
}

/// The repository that an app is built from.
#[derive(Serialize, ToSchema)]
pub struct Repository {
    /// The name of the connection.
    connection: String,
    /// GitLab's numeric project id.
    project_id: i64,
    /// The path, as in `acme/order-api`.
    path: String,
    /// The default branch; none while there are no commits.
    default_branch: Option<String>,
    /// Where people see it.
    web_url: String,
}

/// An environment of the lane.
#[derive(Serialize, ToSchema)]
pub struct Stop {
    /// The environment.
    environment: EnvironmentName,
    /// What runs there; none: nothing was ever deployed.
    current: Option<Running>,
    /// The promotion that is on its way, or ended without success since.
    promotion: Option<OnItsWay>,
    /// What Kubernetes reported last.
    observed: Option<Observed>,
}

/// A release where it runs.
#[derive(Serialize, ToSchema)]
pub struct Running {
    /// Its version.
    version: String,
    /// Its commit.
    sha: String,
    /// Since when.
    #[schema(format = DateTime)]
    since: String,
    /// Who asked for it; none: a branch rule.
    by: Option<Person>,
}

/// A promotion at its stop.
#[derive(Serialize, ToSchema)]
pub struct OnItsWay {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// The version.
    version: String,
    /// Where it stands.
    state: &'static str,
    /// Why, in one line.
    reason: Option<String>,
}

/// What Kubernetes reported.
#[derive(Serialize, ToSchema)]
pub struct Observed {
    /// `healthy`, `suspended`, `progressing`, `missing`, `degraded` or `unknown`.
    health: &'static str,
    /// Why, in one line.
    reason: Option<String>,
    /// Pods that are ready.
    ready: i64,
    /// Pods that are asked for.
    desired: i64,
    /// When.
    #[schema(format = DateTime)]
    at: String,
}

impl Stop {
    fn of(stop: LaneStop, locale: Locale) -> Self {
        let said = |text: Option<slipway_domain::text::Text>| text.map(|text| text.get(locale).to_owned());
        Self {
            environment: EnvironmentName::of(&stop.environment),
            current: stop.current.map(|current| Running {
                version: current.version,
                sha: current.sha,
                since: current.at.rfc3339(),
                by: current.by.as_ref().map(Person::of),
            }),
            promotion: stop.open.map(|open| OnItsWay {
                id: open.id.to_string(),
                version: open.version,
                state: open.state.key(),
                reason: said(open.reason),
            }),
            observed: stop.observed.map(|observed| Observed {
                health: observed.health.key(),
                reason: said(observed.reason),
                ready: observed.ready,
                desired: observed.desired,
                at: observed.at.rfc3339(),
            }),
        }
    }
}

impl App {
    fn of(overview: AppOverview, locale: Locale) -> Option<Self> {
        let app = overview.place.app.as_ref()?;
        Some(Self {
            etag: etag(version::app(&app.slug, &app.name, &overview.description)),
            name: AppName::of(app),
            place: Slugs::of(&overview.place),
            description: overview.description,
            repository: overview.repository.map(|repository| Repository {
                connection: repository.connection,
                project_id: repository.project_id,
                path: repository.path,
                default_branch: repository.default_branch,
                web_url: repository.web_url,
            }),
            lane: overview
                .lane
                .into_iter()
                .map(|stop| Stop::of(stop, locale))
                .collect(),
        })
    }
}

/// An app to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApp {
    /// In URLs, and the name of its workload: 2 to 40 of `a-z0-9-`.
    slug: String,
    /// For people.
    name: String,
    /// What it is for.
    #[serde(default)]
    description: String,
}

/// The repository to connect.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRepository {
    /// The id of the connection; the first one by name where it is left out.
    #[schema(value_type = Option<String>, format = "uuid")]
    connection: Option<slipway_domain::id::ConnectionId>,
    /// GitLab's numeric project id.
    repository: i64,
}

/// The apps of a project that the caller sees, by slug.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps",
    tag = "Apps",
    operation_id = "apps.list",
    params(ProjectPath, Page),
    responses((status = 200, description = "A page of them", body = Vec<AppName>), Reads)
)]
pub async fn list(asked: Asked, Path(at): Path<ProjectPath>, page: Page) -> Result<Paged<AppName>, Refusal> {
    let grid = slipway_portal::project::grid(asked.ctx(), &at.org, &at.project)
        .await
        .or_refuse(&asked)?;
    let key = |row: &GridRow| row.app.slug.clone();
    Ok(page.cut(grid.rows, key).map(|row| AppName::of(&row.app)))
}

/// Makes an app.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps",
    tag = "Apps",
    operation_id = "apps.create",
    params(ProjectPath),
    request_body = NewApp,
    responses((status = 201, description = "It was made", body = Made), Changes)
)]
pub async fn create(
    asked: Asked,
    Path(at): Path<ProjectPath>,
    Body(new): Body<NewApp>,
) -> Result<Response, Refusal> {
    let slug = new.slug.clone();
    let input = slipway_portal::app::Input {
        slug: new.slug,
        name: new.name,
        description: new.description,
    };
    slipway_portal::app::create(asked.ctx(), &at.org, &at.project, input)
        .await
        .or_refuse(&asked)?;
    let url = format!("/api/v1/orgs/{}/projects/{}/apps/{slug}", at.org, at.project);
    Ok(created(slug, url))
}

/// An app: its repository and its lane.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}",
    tag = "Apps",
    operation_id = "apps.show",
    params(AppPath),
    responses((status = 200, description = "The app", body = App), Reads)
)]
pub async fn show(asked: Asked, Path(at): Path<AppPath>) -> Answer<App> {
    let overview = slipway_portal::app::overview(asked.ctx(), &at.org, &at.project, &at.app)
        .await
        .or_refuse(&asked)?;
    let app = App::of(overview, asked.locale());
    app.map(Json)
        .ok_or_else(|| asked.refuse(slipway_portal::Error::NotFound))
}

/// Connects the app to a repository of GitLab.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/repository",
    tag = "Apps",
    operation_id = "apps.connect",
    params(AppPath),
    request_body = NewRepository,
    responses((status = 204, description = "It is connected"), Changes)
)]
pub async fn connect(
    asked: Asked,
    Path(at): Path<AppPath>,
    Body(new): Body<NewRepository>,
) -> Result<StatusCode, Refusal> {
    let (org, project, app) = (&at.org, &at.project, &at.app);
    slipway_portal::repository::connect(asked.ctx(), org, project, app, new.connection, new.repository)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
