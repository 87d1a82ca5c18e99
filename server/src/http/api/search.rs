//! What is found of what the caller sees.

use super::Answer;
use super::ask::{Asked, OrRefuse as _, Query};
use super::refusals::Reads;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use slipway_domain::search::{Hit, HitGroup, HitKind};
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};

/// The routes.
pub const ROUTES: &[Route] = &[route("GET", "/api/v1/search", Access::SignedIn, || get(find))];

/// How many of a kind an answer has where nothing else is asked for.
const SOME: usize = 10;

/// What to look for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Words {
    /// A part of a name, a slug or a version, the key of a work item, `#` and the number of a run; none: the things of
    /// late.
    #[serde(default)]
    #[param(required = false)]
    q: String,
    /// At most so many of each kind.
    #[param(required = false, minimum = 1, maximum = 50, default = 10)]
    limit: Option<usize>,
}

fn kinds() -> Object {
    super::place::one_of(HitKind::ALL.iter().map(|kind| kind.key()))
}

/// Something that was found.
#[derive(Serialize, ToSchema)]
pub struct Thing {
    /// What it is known by: `CHK-12`, `#41`, `2.4.1`, a slug, a user name.
    key: String,
    /// Its name; empty where the key is all it has.
    title: String,
    /// Where it is, as in `Acme / Checkout`.
    within: String,
    /// The path of its page.
    path: String,
}

impl Thing {
    fn of(hit: Hit) -> Self {
        Self {
            key: hit.key,
            title: hit.title,
            within: hit.within,
            path: hit.path,
        }
    }
}

/// What was found of one kind.
#[derive(Serialize, ToSchema)]
pub struct Hits {
    /// Which.
    #[schema(schema_with = kinds)]
    kind: &'static str,
    /// The best first.
    found: Vec<Thing>,
    /// Whether there are more.
    more: bool,
}

impl Hits {
    fn of(group: HitGroup) -> Self {
        Self {
            kind: group.kind.key(),
            found: group.hits.into_iter().map(Thing::of).collect(),
            more: group.more,
        }
    }
}

/// Apps, projects, work items, releases, runs, environments, people and organizations that the caller sees, by kind, the
/// kind with the best fit first.
#[utoipa::path(
    get, path = "/api/v1/search", tag = "Search", operation_id = "search", params(Words),
    responses((status = 200, description = "What was found", body = Vec<Hits>), Reads)
)]
pub async fn find(asked: Asked, Query(words): Query<Words>) -> Answer<Vec<Hits>> {
    let limit = words.limit.unwrap_or(SOME);
    let found = slipway_portal::search::find(asked.ctx(), &words.q, limit)
        .await
        .or_refuse(&asked)?;
    Ok(Json(found.groups.into_iter().map(Hits::of).collect()))
}
