//! Comparisons, where a commit is, and what was deployed to an environment.

use super::Answer;
use super::ask::{Asked, OrRefuse as _, Path, Query};
use super::paging::{Page, Paged};
use super::place::{AppPath, EnvironmentName, Person};
use super::refusals::Reads;
use super::release::Commit;
use super::settings::EnvironmentPath;
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use slipway_domain::comparison::{HistoryRow, ItemLine};
use slipway_domain::diff::{DiffKind, DiffView};
use slipway_domain::release::ReleaseRef;
use slipway_domain::text::Locale;
use slipway_domain::time::Timestamp;
use slipway_portal::Error;
use utoipa::{IntoParams, ToSchema};

/// The routes.
pub const ROUTES: &[Route] = &[
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/comparison",
        Access::SignedIn,
        || get(compare),
    ),
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/commits/{sha}",
        Access::SignedIn,
        || get(commit),
    ),
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/environments/{environment}/deployments",
        Access::SignedIn,
        || get(deployments),
    ),
];

/// What is compared.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Sides {
    /// A version, or `@` and the key of an environment for what runs there.
    from: String,
    /// As `from`.
    to: String,
}

/// Two releases side by side.
#[derive(Serialize, ToSchema)]
pub struct Comparison {
    /// The version on the left.
    from: String,
    /// The version on the right.
    to: String,
    /// Whether the right one is older.
    back: bool,
    /// The commits between them, newest first.
    commits: Vec<Commit>,
    /// The work items that they name.
    items: Vec<Item>,
    /// How their configurations differ, as lines that begin with `+`, `-` or a blank.
    configuration: Vec<String>,
    /// How their manifests differ, as `configuration`.
    manifests: Vec<String>,
}

/// A work item in a line.
#[derive(Serialize, ToSchema)]
pub struct Item {
    /// As in `CHK-12`.
    key: String,
    /// In one line; none: there is no such item.
    title: Option<String>,
    /// Where it stands.
    state: Option<String>,
}

impl Item {
    pub(super) fn of(item: ItemLine) -> Self {
        Self {
            key: item.key,
            title: item.title,
            state: item.state.map(|state| state.key().to_owned()),
        }
    }
}

fn lines(view: &DiffView) -> Vec<String> {
    let lines = view.hunks.iter().flat_map(|hunk| &hunk.lines);
    lines
        .map(|line| {
            let sign = match line.kind {
                DiffKind::Same => ' ',
                DiffKind::Added => '+',
                DiffKind::Removed => '-',
            };
            format!("{sign}{}", line.text)
        })
        .collect()
}

/// Compares two releases, or what runs in two environments.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/comparison",
    tag = "Releases",
    operation_id = "releases.compare",
    params(AppPath, Sides),
    responses((status = 200, description = "How they differ", body = Comparison), Reads)
)]
pub async fn compare(
    asked: Asked,
    Path(at): Path<AppPath>,
    Query(sides): Query<Sides>,
) -> Answer<Comparison> {
    let place = (at.org.as_str(), at.project.as_str(), at.app.as_str());
    let view = slipway_portal::comparison::compare(asked.ctx(), place, &sides.from, &sides.to)
        .await
        .or_refuse(&asked)?;
    let difference = view.difference.ok_or(Error::NotFound).or_refuse(&asked)?;
    Ok(Json(Comparison {
        from: difference.from.release.version,
        to: difference.to.release.version,
        back: difference.back,
        commits: difference.commits.into_iter().map(Commit::of).collect(),
        items: difference.items.into_iter().map(Item::of).collect(),
        configuration: lines(&difference.configuration),
        manifests: lines(&difference.manifests),
    }))
}

/// The path of a commit.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct CommitPath {
    /// The organization's slug.
    org: String,
    /// The project's slug.
    project: String,
    /// The app's slug.
    app: String,
    /// Its hash or the beginning of it, at least 7 digits.
    sha: String,
}

/// Where a commit is.
#[derive(Serialize, ToSchema)]
pub struct CommitPlaces {
    /// The commit; none: it is not known.
    commit: Option<Commit>,
    /// The version of the release that brought it first.
    first: Option<String>,
    /// What runs in each environment, in chain order.
    environments: Vec<CommitIn>,
    /// Why something is not known.
    trouble: Option<String>,
}

/// Whether a commit is in an environment.
#[derive(Serialize, ToSchema)]
pub struct CommitIn {
    /// The environment.
    environment: EnvironmentName,
    /// The version that runs there.
    running: Option<String>,
    /// Whether the commit is in it; none: not known.
    there: Option<bool>,
}

/// Where a commit is: which release brought it, and in which environments it runs.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/commits/{sha}",
    tag = "Releases",
    operation_id = "releases.commit",
    params(CommitPath),
    responses((status = 200, description = "Where it is", body = CommitPlaces), Reads)
)]
pub async fn commit(asked: Asked, Path(at): Path<CommitPath>) -> Answer<CommitPlaces> {
    let place = (at.org.as_str(), at.project.as_str(), at.app.as_str());
    let view = slipway_portal::comparison::where_is(asked.ctx(), place, &at.sha)
        .await
        .or_refuse(&asked)?;
    let version = |release: ReleaseRef| release.version;
    let locale = asked.locale();
    Ok(Json(CommitPlaces {
        commit: view.commit.map(Commit::of),
        first: view.first.map(version),
        environments: view
            .environments
            .into_iter()
            .map(|one| CommitIn {
                environment: EnvironmentName::of(&one.environment),
                running: one.running.map(version),
                there: one.there,
            })
            .collect(),
        trouble: view.trouble.map(|trouble| trouble.get(locale).to_owned()),
    }))
}

/// A deployment to an environment.
#[derive(Serialize, ToSchema)]
pub struct Deployment {
    /// The app's slug.
    app: String,
    /// The promotion's id.
    #[schema(format = "uuid")]
    promotion: String,
    /// Which try of it, from 1.
    attempt: i64,
    /// The version.
    version: String,
    /// `promotion`, `automatic` or `rollback`.
    kind: &'static str,
    /// `applying`, `watching`, `succeeded`, `failed` or `unknown`.
    state: &'static str,
    /// Why, in one line.
    reason: Option<String>,
    /// Who asked; none: a branch rule.
    requested_by: Option<Person>,
    /// When it began.
    #[schema(format = DateTime)]
    started_at: String,
    /// When it ended.
    #[schema(format = DateTime)]
    finished_at: Option<String>,
}

impl Deployment {
    fn of(row: HistoryRow, locale: Locale) -> Self {
        Self {
            app: row.app,
            promotion: row.promotion.to_string(),
            attempt: row.attempt,
            version: row.release.version,
            kind: row.kind.key(),
            state: row.state.key(),
            reason: row.reason.map(|reason| reason.get(locale).to_owned()),
            requested_by: row.requested_by.as_ref().map(Person::of),
            started_at: row.started_at.rfc3339(),
            finished_at: row.finished_at.map(Timestamp::rfc3339),
        }
    }
}

/// What was deployed to an environment, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/environments/{environment}/deployments",
    tag = "Projects",
    operation_id = "environments.deployments",
    params(EnvironmentPath, Page),
    responses((status = 200, description = "A page of it", body = Vec<Deployment>), Reads)
)]
pub async fn deployments(
    asked: Asked,
    Path(at): Path<EnvironmentPath>,
    page: Page,
) -> Result<Paged<Deployment>, Refusal> {
    let before: Option<i64> = page.from().or_refuse(&asked)?;
    let view =
        slipway_portal::comparison::history(asked.ctx(), &at.org, &at.project, &at.environment, before)
            .await
            .or_refuse(&asked)?;
    let locale = asked.locale();
    Ok(page
        .take_by_instant(view.rows, view.older_than, |row| row.started_at.micros())
        .map(|row| Deployment::of(row, locale)))
}
