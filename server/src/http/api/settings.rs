//! Settings of organizations, projects and apps: what they are called, switches, quotas, their end.

use super::ask::{Asked, Body, IfMatch, OrRefuse as _, Path, Query};
use super::place::{AppPath, At, Made, OrgPath, ProjectPath, one_of};
use super::refusals::{Changes, Reads};
use super::{Answer, created, etag};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use slipway_domain::feature::{Feature, Features};
use slipway_domain::project::ProjectSettings;
use slipway_domain::quota::{QuotaRow, Requests};
use slipway_portal::place::{self, AppInput, OrgInput, ProjectInput};
use slipway_portal::{Error, OpCtx, version};
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};

const ORG: &str = "/api/v1/orgs/{org}";
const PROJECT: &str = "/api/v1/orgs/{org}/projects/{project}";
const SETTINGS: &str = "/api/v1/orgs/{org}/projects/{project}/settings";
const FEATURES: &str = "/api/v1/orgs/{org}/projects/{project}/features";
const QUOTA: &str = "/api/v1/orgs/{org}/projects/{project}/environments/{environment}/quota";
const APP: &str = "/api/v1/orgs/{org}/projects/{project}/apps/{app}";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("POST", "/api/v1/orgs", Access::SignedIn, || post(create_org)),
    route("PUT", ORG, Access::SignedIn, || put(update_org)),
    route("DELETE", ORG, Access::SignedIn, || delete(remove)),
    route("POST", "/api/v1/orgs/{org}/archive", Access::SignedIn, || {
        post(archive)
    }),
    route("POST", "/api/v1/orgs/{org}/restore", Access::SignedIn, || {
        post(restore)
    }),
    route("GET", SETTINGS, Access::SignedIn, || get(show)),
    route("PUT", PROJECT, Access::SignedIn, || put(update_project)),
    route("PUT", FEATURES, Access::SignedIn, || put(switch)),
    route("PUT", QUOTA, Access::SignedIn, || put(set_quota)),
    route("PUT", APP, Access::SignedIn, || put(update_app)),
];

fn features() -> Object {
    one_of(Feature::ALL.iter().map(|feature| feature.key()))
}

/// What an organization is called.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrgUpdate {
    /// In URLs: 2 to 40 of `a-z0-9-`. An old one leads on to it.
    slug: String,
    /// For people.
    name: String,
}

/// What a project is called, and who sees it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectUpdate {
    /// In URLs: 2 to 40 of `a-z0-9-`. An old one leads on to it.
    slug: String,
    /// For people.
    name: String,
    /// What it is for.
    #[serde(default)]
    description: String,
    /// Whether all members of the organization see it.
    #[serde(default)]
    internal: bool,
}

/// What an app is called.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppUpdate {
    /// In URLs: 2 to 40 of `a-z0-9-`. An old one leads on to it; its workload keeps its name.
    slug: String,
    /// For people.
    name: String,
    /// What it is for.
    #[serde(default)]
    description: String,
}

/// A feature's switch.
#[derive(Serialize, ToSchema)]
pub struct Switch {
    /// Which.
    #[schema(schema_with = features)]
    feature: &'static str,
    /// Whether its pages show and its calls are taken.
    on: bool,
}

/// The features of a project.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FeaturesUpdate {
    /// Those that are on; the others go, and their data stays.
    #[schema(schema_with = on)]
    on: Vec<Feature>,
}

fn on() -> utoipa::openapi::schema::Array {
    utoipa::openapi::schema::ArrayBuilder::new()
        .items(features())
        .build()
}

/// Amounts as Kubernetes writes them.
#[derive(Serialize, ToSchema)]
pub struct Amounts {
    /// CPU, as in `4` or `500m`; empty: no limit.
    cpu: String,
    /// Memory, as in `8Gi`; empty: no limit.
    memory: String,
    /// Pods; empty: no limit.
    pods: String,
}

/// The quota of an environment, and what its apps ask for now.
#[derive(Serialize, ToSchema)]
pub struct EnvironmentQuota {
    /// The key of the environment.
    environment: String,
    /// Its version, for the `If-Match` of a new quota.
    etag: String,
    /// What they may ask for together.
    quota: Amounts,
    /// CPU that they ask for, in thousandths of a core.
    taken_cpu_millis: i64,
    /// Memory that they ask for, in MiB.
    taken_memory_mib: i64,
    /// Their pods.
    taken_pods: i64,
}

impl EnvironmentQuota {
    fn of(row: &QuotaRow) -> Self {
        let Requests {
            cpu_millis,
            memory_mib,
            pods,
        } = row.taken;
        Self {
            environment: row.environment.key.clone(),
            etag: etag(version::quota(&row.quota)),
            quota: Amounts {
                cpu: row.quota.cpu_text(),
                memory: row.quota.memory_text(),
                pods: row.quota.pods_text(),
            },
            taken_cpu_millis: cpu_millis,
            taken_memory_mib: memory_mib,
            taken_pods: pods,
        }
    }
}

/// A quota to be set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuotaUpdate {
    /// CPU, as in `4` or `500m`; empty: no limit.
    #[serde(default)]
    cpu: String,
    /// Memory, as in `8Gi`; empty: no limit.
    #[serde(default)]
    memory: String,
    /// Pods; empty: no limit.
    #[serde(default)]
    pods: String,
}

/// The settings of a project.
#[derive(Serialize, ToSchema)]
pub struct ProjectSettingsDetail {
    /// In URLs.
    slug: String,
    /// For people.
    name: String,
    /// What it is for.
    description: String,
    /// Whether all members of the organization see it.
    internal: bool,
    /// Whether it is archived.
    archived: bool,
    /// The version of the switches, for the `If-Match` of new ones.
    features_etag: String,
    /// Its features.
    features: Vec<Switch>,
    /// The quotas, in the order of the chain.
    quotas: Vec<EnvironmentQuota>,
}

/// `/environments/{environment}` of a project.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct EnvironmentPath {
    /// The organization's slug.
    pub org: String,
    /// The project's slug.
    pub project: String,
    /// The environment's key.
    pub environment: String,
}

/// What is typed so that nothing is deleted by mistake.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Confirm {
    /// The name of the place.
    confirm: String,
}

fn moved(id: String, url: String) -> Json<Made> {
    Json(Made { id, url })
}

async fn settings(ctx: &OpCtx, at: &ProjectPath) -> slipway_portal::Result<ProjectSettings> {
    slipway_portal::project::settings(ctx, &at.org, &at.project).await
}

/// Makes an organization that the caller owns; whoever owns one may.
#[utoipa::path(
    post,
    path = "/api/v1/orgs",
    tag = "Organizations",
    operation_id = "orgs.create",
    request_body = OrgUpdate,
    responses((status = 201, description = "It was made", body = Made), Changes)
)]
pub async fn create_org(asked: Asked, Body(new): Body<OrgUpdate>) -> Result<Response, Refusal> {
    let org = slipway_portal::org::create_own(asked.ctx(), &new.slug, &new.name)
        .await
        .or_refuse(&asked)?;
    let url = format!("/api/v1/orgs/{}", org.slug);
    Ok(created(org.slug, url))
}

/// Changes what an organization is called; with `If-Match`, only where that is still its `etag`.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}",
    tag = "Organizations",
    operation_id = "orgs.update",
    params(OrgPath, ("If-Match" = Option<String>, Header, description = "The `etag` it was read with")),
    request_body = OrgUpdate,
    responses((status = 200, description = "Where it is from now on", body = Made), Changes)
)]
pub async fn update_org(
    asked: Asked,
    Path(at): Path<OrgPath>,
    IfMatch(expected): IfMatch,
    Body(new): Body<OrgUpdate>,
) -> Answer<Made> {
    let ctx = asked.ctx().only_on(expected);
    let input = OrgInput {
        slug: new.slug,
        name: new.name,
    };
    let place = place::edit_org(&ctx, &at.org, input).await.or_refuse(&asked)?;
    let url = format!("/api/v1/orgs/{}", place.org.slug);
    Ok(moved(place.org.slug, url))
}

/// Deletes an organization, or the project or app of it that the query names, with everything in it. Refused while
/// something of it is deployed.
#[utoipa::path(
    delete,
    path = "/api/v1/orgs/{org}",
    tag = "Organizations",
    operation_id = "places.delete",
    params(OrgPath, At, Confirm),
    responses((status = 204, description = "It is gone"), Changes)
)]
pub async fn remove(
    asked: Asked,
    Path(path): Path<OrgPath>,
    Query(at): Query<At>,
    Query(sure): Query<Confirm>,
) -> Result<StatusCode, Refusal> {
    let at = at.of(&path.org).or_refuse(&asked)?;
    place::delete(asked.ctx(), at.org, at.project, at.app, &sure.confirm)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Archives an organization, or the project or app of it that the query names: all stays readable, nothing changes.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/archive",
    tag = "Organizations",
    operation_id = "places.archive",
    params(OrgPath, At),
    responses((status = 204, description = "It is archived"), Changes)
)]
pub async fn archive(
    asked: Asked,
    Path(path): Path<OrgPath>,
    Query(at): Query<At>,
) -> Result<StatusCode, Refusal> {
    let at = at.of(&path.org).or_refuse(&asked)?;
    place::archive(asked.ctx(), at.org, at.project, at.app)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Restores what was archived.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/restore",
    tag = "Organizations",
    operation_id = "places.restore",
    params(OrgPath, At),
    responses((status = 204, description = "It is as it was"), Changes)
)]
pub async fn restore(
    asked: Asked,
    Path(path): Path<OrgPath>,
    Query(at): Query<At>,
) -> Result<StatusCode, Refusal> {
    let at = at.of(&path.org).or_refuse(&asked)?;
    place::restore(asked.ctx(), at.org, at.project, at.app)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The settings of a project. Their `ETag` is for the `If-Match` of an update.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/settings",
    tag = "Projects",
    operation_id = "projects.settings",
    params(ProjectPath),
    responses(
        (status = 200, description = "They", body = ProjectSettingsDetail, headers(("ETag" = String))),
        Reads
    )
)]
pub async fn show(asked: Asked, Path(at): Path<ProjectPath>) -> Result<Response, Refusal> {
    let found = settings(asked.ctx(), &at).await.or_refuse(&asked)?;
    let project = found.place.project.ok_or(Error::NotFound).or_refuse(&asked)?;
    let version = version::project(&project.slug, &project.name, &found.description, found.internal);
    let tag = [(header::ETAG, etag(version))];
    let on: Features = project.features;
    let detail = ProjectSettingsDetail {
        slug: project.slug,
        name: project.name,
        description: found.description,
        internal: found.internal,
        archived: project.archived,
        features_etag: etag(version::features(on)),
        features: Feature::ALL
            .into_iter()
            .map(|feature| Switch {
                feature: feature.key(),
                on: on.has(feature),
            })
            .collect(),
        quotas: found.quotas.iter().map(EnvironmentQuota::of).collect(),
    };
    Ok((tag, Json(detail)).into_response())
}

/// Changes what a project is called and who sees it; with `If-Match`, only where that is still its version.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/projects/{project}",
    tag = "Projects",
    operation_id = "projects.update",
    params(ProjectPath, ("If-Match" = Option<String>, Header, description = "The ETag of its settings")),
    request_body = ProjectUpdate,
    responses((status = 200, description = "Where it is from now on", body = Made), Changes)
)]
pub async fn update_project(
    asked: Asked,
    Path(at): Path<ProjectPath>,
    IfMatch(expected): IfMatch,
    Body(new): Body<ProjectUpdate>,
) -> Answer<Made> {
    let input = ProjectInput {
        slug: new.slug,
        name: new.name,
        description: new.description,
        internal: new.internal,
    };
    let place = place::edit_project(&asked.ctx().only_on(expected), &at.org, &at.project, input)
        .await
        .or_refuse(&asked)?;
    let slug = place.project.map_or(at.project, |project| project.slug);
    let url = format!("/api/v1/orgs/{}/projects/{slug}", at.org);
    Ok(moved(slug, url))
}

/// Switches the features of a project.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/projects/{project}/features",
    tag = "Projects",
    operation_id = "projects.features",
    params(ProjectPath, ("If-Match" = Option<String>, Header, description = "The `features_etag` of the settings")),
    request_body = FeaturesUpdate,
    responses((status = 204, description = "They are switched"), Changes)
)]
pub async fn switch(
    asked: Asked,
    Path(at): Path<ProjectPath>,
    IfMatch(expected): IfMatch,
    Body(new): Body<FeaturesUpdate>,
) -> Result<StatusCode, Refusal> {
    slipway_portal::feature::switch(&asked.ctx().only_on(expected), &at.org, &at.project, &new.on)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets the quota of an environment.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/projects/{project}/environments/{environment}/quota",
    tag = "Projects",
    operation_id = "environments.quota",
    params(EnvironmentPath, ("If-Match" = Option<String>, Header, description = "The quota's `etag` in the settings")),
    request_body = QuotaUpdate,
    responses((status = 204, description = "It is set"), Changes)
)]
pub async fn set_quota(
    asked: Asked,
    Path(at): Path<EnvironmentPath>,
    IfMatch(expected): IfMatch,
    Body(new): Body<QuotaUpdate>,
) -> Result<StatusCode, Refusal> {
    let input = slipway_portal::quota::Input {
        cpu: new.cpu,
        memory: new.memory,
        pods: new.pods,
    };
    slipway_portal::quota::set(
        &asked.ctx().only_on(expected),
        &at.org,
        &at.project,
        &at.environment,
        &input,
    )
    .await
    .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes what an app is called; with `If-Match`, only where that is still its `etag`.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}",
    tag = "Apps",
    operation_id = "apps.update",
    params(AppPath, ("If-Match" = Option<String>, Header, description = "The `etag` it was read with")),
    request_body = AppUpdate,
    responses((status = 200, description = "Where it is from now on", body = Made), Changes)
)]
pub async fn update_app(
    asked: Asked,
    Path(at): Path<AppPath>,
    IfMatch(expected): IfMatch,
    Body(new): Body<AppUpdate>,
) -> Answer<Made> {
    let ctx = asked.ctx().only_on(expected);
    let input = AppInput {
        slug: new.slug,
        name: new.name,
        description: new.description,
    };
    let place = place::edit_app(&ctx, &at.org, &at.project, &at.app, input)
        .await
        .or_refuse(&asked)?;
    let slug = place.app.map_or(at.app, |app| app.slug);
    let url = format!("/api/v1/orgs/{}/projects/{}/apps/{slug}", at.org, at.project);
    Ok(moved(slug, url))
}
