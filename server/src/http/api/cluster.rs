//! Kubernetes clusters of an organization.

use super::ask::{Asked, Body, IfMatch, OrRefuse as _, Path};
use super::paging::{Page, Paged};
use super::place::{Made, OrgPath};
use super::refusals::{Changes, Reads};
use super::{Answer, created, etag};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_domain::connection;
use slipway_domain::id::ClusterId;
use slipway_domain::text::Locale;
use slipway_domain::time::Timestamp;
use slipway_portal::cluster as clusters;
use slipway_portal::version;
use utoipa::{IntoParams, ToSchema};

const LIST: &str = "/api/v1/orgs/{org}/clusters";
const ONE: &str = "/api/v1/orgs/{org}/clusters/{cluster}";
const TEST: &str = "/api/v1/orgs/{org}/clusters/{cluster}/test";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", LIST, Access::SignedIn, || get(list)),
    route("POST", LIST, Access::SignedIn, || post(create)),
    route("PUT", ONE, Access::SignedIn, || put(update)),
    route("DELETE", ONE, Access::SignedIn, || delete(remove)),
    route("POST", TEST, Access::SignedIn, || post(test)),
];

/// `/orgs/{org}/clusters/{cluster}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ClusterPath {
    /// The organization's slug.
    org: String,
    /// The cluster's id.
    #[param(value_type = String, format = "uuid")]
    cluster: ClusterId,
}

/// A cluster. Its kubeconfig is never shown.
#[derive(Serialize, ToSchema)]
pub struct Cluster {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// For people.
    name: String,
    /// The context of its kubeconfig; none: the current one.
    context: Option<String>,
    /// Whether the operator's configuration brought it along; then it is changed there.
    operator: bool,
    /// When it last answered.
    #[schema(format = "date-time")]
    last_ok_at: Option<String>,
    /// What went wrong since.
    trouble: Option<String>,
    /// For the `If-Match` of an update.
    etag: String,
}

impl Cluster {
    fn of(one: &connection::Cluster, locale: Locale) -> Self {
        Self {
            id: one.id.to_string(),
            etag: etag(version::cluster(one)),
            name: one.name.clone(),
            context: one.context.clone(),
            operator: one.operator,
            last_ok_at: one.last_ok_at.map(Timestamp::rfc3339),
            trouble: one.trouble.as_ref().map(|text| text.get(locale).to_owned()),
        }
    }
}

/// How a test went.
#[derive(Serialize, ToSchema)]
pub struct ClusterTest {
    /// The version that it reports.
    version: Option<String>,
    /// What Slipway needs and may not do in the namespace, as in `patch deployments.apps`.
    denied: Vec<String>,
    /// What is wrong, and what to do; none: it answers.
    trouble: Option<String>,
}

/// What is to be tested.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NamespaceName {
    /// The namespace that Slipway should be able to deploy to.
    namespace: String,
}

/// A cluster to be made or changed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterUpdate {
    /// For people; unique in the organization.
    name: String,
    /// The kubeconfig (YAML); nothing: the one it has, and for a new one the cluster that Slipway runs in, where the
    /// server's operator lets people choose that (`outgoing.in_cluster`).
    #[serde(default)]
    kubeconfig: String,
    /// The context in it; none: its current one.
    context: Option<String>,
}

impl From<ClusterUpdate> for clusters::Input {
    fn from(new: ClusterUpdate) -> Self {
        Self {
            name: new.name,
            kubeconfig: new.kubeconfig,
            context: new.context.filter(|context| !context.is_empty()),
        }
    }
}

/// The clusters, by name.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/clusters",
    tag = "Organizations",
    operation_id = "clusters.list",
    params(OrgPath, Page),
    responses((status = 200, description = "A page of them", body = Vec<Cluster>), Reads)
)]
pub async fn list(asked: Asked, Path(at): Path<OrgPath>, page: Page) -> Result<Paged<Cluster>, Refusal> {
    let found = clusters::settings(asked.ctx(), &at.org).await.or_refuse(&asked)?;
    let locale = asked.locale();
    let key = |one: &connection::Cluster| format!("{} {}", one.name, one.id);
    Ok(page.cut(found.clusters, key).map(|one| Cluster::of(&one, locale)))
}

/// Makes a cluster known.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/clusters",
    tag = "Organizations",
    operation_id = "clusters.create",
    params(OrgPath),
    request_body = ClusterUpdate,
    responses((status = 201, description = "It was made", body = Made), Changes)
)]
pub async fn create(
    asked: Asked,
    Path(at): Path<OrgPath>,
    Body(new): Body<ClusterUpdate>,
) -> Result<Response, Refusal> {
    let id = clusters::create(asked.ctx(), &at.org, new.into())
        .await
        .or_refuse(&asked)?;
    let url = format!("/api/v1/orgs/{}/clusters/{id}", at.org);
    Ok(created(id.to_string(), url))
}

/// Changes a cluster; with `If-Match`, only where that is still its `etag`.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/clusters/{cluster}",
    tag = "Organizations",
    operation_id = "clusters.update",
    params(ClusterPath, ("If-Match" = Option<String>, Header, description = "The `etag` it was read with")),
    request_body = ClusterUpdate,
    responses((status = 204, description = "It is changed"), Changes)
)]
pub async fn update(
    asked: Asked,
    Path(at): Path<ClusterPath>,
    IfMatch(expected): IfMatch,
    Body(new): Body<ClusterUpdate>,
) -> Result<StatusCode, Refusal> {
    let ctx = asked.ctx().only_on(expected);
    clusters::edit(&ctx, &at.org, at.cluster, new.into())
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a cluster that no environment uses.
#[utoipa::path(
    delete,
    path = "/api/v1/orgs/{org}/clusters/{cluster}",
    tag = "Organizations",
    operation_id = "clusters.delete",
    params(ClusterPath),
    responses((status = 204, description = "It is gone"), Changes)
)]
pub async fn remove(asked: Asked, Path(at): Path<ClusterPath>) -> Result<StatusCode, Refusal> {
    clusters::remove(asked.ctx(), &at.org, at.cluster)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tests a cluster: whether it answers, and what Slipway may not do in a namespace of it.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/clusters/{cluster}/test",
    tag = "Organizations",
    operation_id = "clusters.test",
    params(ClusterPath),
    request_body = NamespaceName,
    responses((status = 200, description = "How it went", body = ClusterTest), Changes)
)]
pub async fn test(
    asked: Asked,
    Path(at): Path<ClusterPath>,
    Body(of): Body<NamespaceName>,
) -> Answer<ClusterTest> {
    let report = clusters::test(asked.ctx(), &at.org, at.cluster, &of.namespace)
        .await
        .or_refuse(&asked)?;
    let locale = asked.locale();
    Ok(Json(ClusterTest {
        version: report.version,
        denied: report.denied,
        trouble: report.trouble.map(|text| text.get(locale).to_owned()),
    }))
}
