//! Organizations.

use super::ask::{Asked, OrRefuse as _, Path};
use super::paging::{Page, Paged};
use super::place::OrgPath;
use super::refusals::Reads;
use super::{Answer, etag};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::routing::get;
use serde::Serialize;
use slipway_domain::org::OrgRef;
use slipway_portal::version;
use utoipa::ToSchema;

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", "/api/v1/orgs", Access::SignedIn, || get(list)),
    route("GET", "/api/v1/orgs/{org}", Access::SignedIn, || get(show)),
];

/// An organization.
#[derive(Serialize, ToSchema)]
pub struct Org {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// In URLs.
    slug: String,
    /// For people.
    name: String,
    /// For the `If-Match` of an update.
    etag: String,
}

impl Org {
    fn of(org: &OrgRef) -> Self {
        Self {
            etag: etag(version::org(org)),
            id: org.id.to_string(),
            slug: org.slug.clone(),
            name: org.name.clone(),
        }
    }
}

/// An organization, and what the caller may do there.
#[derive(Serialize, ToSchema)]
pub struct OrgDetail {
    /// The organization.
    #[serde(flatten)]
    org: Org,
    /// Whether the caller may create projects.
    may_create_project: bool,
    /// Whether the caller may read the audit log.
    may_read_audit: bool,
}

/// The organizations that the caller is in, by slug.
#[utoipa::path(
    get,
    path = "/api/v1/orgs",
    tag = "Organizations",
    operation_id = "orgs.list",
    params(Page),
    responses((status = 200, description = "A page of them", body = Vec<Org>), Reads)
)]
pub async fn list(asked: Asked, page: Page) -> Result<Paged<Org>, Refusal> {
    let orgs = slipway_portal::org::list(asked.ctx()).await.or_refuse(&asked)?;
    Ok(page.cut(orgs, |org| org.slug.clone()).map(|org| Org::of(&org)))
}

/// An organization.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}",
    tag = "Organizations",
    operation_id = "orgs.show",
    params(OrgPath),
    responses((status = 200, description = "The organization", body = OrgDetail), Reads)
)]
pub async fn show(asked: Asked, Path(at): Path<OrgPath>) -> Answer<OrgDetail> {
    let overview = slipway_portal::org::overview(asked.ctx(), &at.org)
        .await
        .or_refuse(&asked)?;
    Ok(Json(OrgDetail {
        org: Org::of(&overview.org),
        may_create_project: overview.may_create_project,
        may_read_audit: overview.may_read_audit,
    }))
}
