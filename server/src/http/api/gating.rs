//! What an environment asks for: whom, and what else.

use super::Answer;
use super::ask::{Asked, Body, IfMatch, OrRefuse as _, Path, Query};
use super::environment::{ApprovalRule, version_of};
use super::place::{EnvironmentName, ProjectPath, one_of};
use super::refusals::{Changes, Reads};
use super::settings::EnvironmentPath;
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::routing::{delete, get, post, put};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_domain::environment::{Gating, OnFailure, Queue};
use slipway_domain::freeze::Hours;
use slipway_domain::report::scan::{ScanKind, Severity};
use slipway_domain::signature::Signer;
use slipway_domain::time::{HOUR, MINUTE};
use slipway_portal::Error;
use slipway_portal::environment::settings::{self, RulesInput};
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};

const ONE: &str = "/api/v1/orgs/{org}/projects/{project}/environments/{environment}";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("DELETE", ONE, Access::SignedIn, || delete(remove)),
    route(
        "PUT",
        "/api/v1/orgs/{org}/projects/{project}/environments/{environment}/gating",
        Access::SignedIn,
        || put(set_gating),
    ),
    route(
        "PUT",
        "/api/v1/orgs/{org}/projects/{project}/environments/{environment}/rules",
        Access::SignedIn,
        || put(set_rules),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/projects/{project}/environments/{environment}/rules/preview",
        Access::SignedIn,
        || post(preview),
    ),
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/routes",
        Access::SignedIn,
        || get(routes),
    ),
];

fn queues() -> Object {
    one_of([Queue::Newest, Queue::InOrder].iter().map(|queue| queue.key()))
}

fn policies() -> Object {
    one_of(OnFailure::ALL.iter().map(|policy| policy.key()))
}

/// A key whose signatures count.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SigningKey {
    /// Whose it is.
    name: String,
    /// The public key, as PEM (`SubjectPublicKeyInfo`).
    key: String,
}

impl SigningKey {
    /// As it is shown.
    pub fn of(signer: &Signer) -> Self {
        Self {
            name: signer.name.clone(),
            key: signer.key.clone(),
        }
    }
}

/// What an environment asks for beside approvals.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GatingUpdate {
    /// Allowed hours, each as in `Mon-Fri 09:00-18:00 Asia/Shanghai`; none: at any time.
    #[serde(default)]
    hours: Vec<String>,
    /// How many minutes a release must have been healthy in the environment before.
    #[serde(default)]
    soak_minutes: i64,
    /// Which of several promotions that wait goes on.
    #[schema(schema_with = queues)]
    queue: Queue,
    /// Whether a pipeline without tests is not enough.
    #[serde(default)]
    tests_needed: bool,
    /// What must have been scanned: `secrets`, `dependencies`, `image` or `code`.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    scans_needed: Vec<ScanKind>,
    /// The mildest finding that stands in the way: `critical`, `high`, `medium`, `low`, `unknown` or `info`; none: none does.
    #[schema(value_type = Option<String>)]
    worst: Option<Severity>,
    /// How many findings of that severity or worse are let through.
    #[serde(default)]
    findings_allowed: u32,
    /// Keys of which one must have signed each image; none: images need not be signed.
    #[serde(default)]
    signers: Vec<SigningKey>,
    /// What is done where a rollout fails: nothing (`leave`), or `roll_back` to what was verified there last.
    #[serde(default)]
    #[schema(schema_with = policies)]
    on_failure: OnFailure,
}

/// The approval rules of an environment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RulesUpdate {
    /// One rule each, as in `ops: 1 of project.ops, @dana, group:Release crew`.
    rules: Vec<String>,
    /// Whether they are asked one after the other.
    ordered: bool,
    /// Whether the requester cannot approve.
    forbid_requester: bool,
    /// Whether authors of the commits cannot approve.
    forbid_authors: bool,
    /// How many hours a request waits for decisions.
    lifetime_hours: i64,
    /// How many hours approvals hold until the start.
    validity_hours: i64,
}

impl From<RulesUpdate> for RulesInput {
    fn from(new: RulesUpdate) -> Self {
        Self {
            lines: new.rules.join("\n"),
            ordered: new.ordered,
            forbid_requester: new.forbid_requester,
            forbid_authors: new.forbid_authors,
            lifetime: new.lifetime_hours.saturating_mul(HOUR),
            validity: new.validity_hours.saturating_mul(HOUR),
        }
    }
}

/// What rules would mean.
#[derive(Serialize, ToSchema)]
pub struct RulesPreview {
    /// Each rule, and whom it names now.
    rules: Vec<ApprovalRule>,
    /// Why they cannot be kept; none: they can.
    refused: Option<String>,
}

/// Where a ref goes.
#[derive(Serialize, ToSchema)]
pub struct RefRoute {
    /// The environment.
    environment: EnvironmentName,
    /// The pattern that sends it there; none: it does not go there by itself.
    pattern: Option<String>,
}

/// A branch or tag.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct GitRef {
    /// Its name, as in `release/1.2`.
    #[serde(rename = "ref")]
    git_ref: String,
}

/// Sets what an environment asks for beside approvals; with `If-Match`, only where its `version` is still that.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/projects/{project}/environments/{environment}/gating",
    tag = "Projects",
    operation_id = "environments.set_gating",
    params(
        EnvironmentPath,
        ("If-Match" = Option<String>, Header, description = "Its `version`, in quotation marks")
    ),
    request_body = GatingUpdate,
    responses((status = 204, description = "It is changed"), Changes)
)]
pub async fn set_gating(
    asked: Asked,
    Path(at): Path<EnvironmentPath>,
    IfMatch(expected): IfMatch,
    Body(new): Body<GatingUpdate>,
) -> Result<StatusCode, Refusal> {
    let hours: Result<_, _> = new.hours.iter().map(|line| Hours::parse(line)).collect();
    let gating = Gating {
        hours: hours
            .map_err(|text| Error::field("hours", text))
            .or_refuse(&asked)?,
        soak: new.soak_minutes.saturating_mul(MINUTE),
        queue: new.queue,
        tests_needed: new.tests_needed,
        scans_needed: new.scans_needed,
        worst: new.worst,
        findings_allowed: new.findings_allowed,
        signers: new
            .signers
            .into_iter()
            .map(|SigningKey { name, key }| Signer { name, key })
            .collect(),
        on_failure: new.on_failure,
    };
    let version = version_of(&asked, &at, expected).await?;
    settings::set_gating(
        asked.ctx(),
        &at.org,
        &at.project,
        &at.environment,
        version,
        gating,
    )
    .await
    .map_err(|error| mismatch(expected, error))
    .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Somebody else changed it meanwhile, and the caller named a version.
fn mismatch(expected: Option<i64>, error: Error) -> Error {
    match (expected, error) {
        (
            Some(_),
            Error::Conflict {
                code: "changed_meanwhile",
                ..
            },
        ) => Error::version_mismatch(),
        (_, error) => error,
    }
}

/// Sets whom an environment asks; with `If-Match`, only where its `version` is still that.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/projects/{project}/environments/{environment}/rules",
    tag = "Projects",
    operation_id = "environments.set_rules",
    params(
        EnvironmentPath,
        ("If-Match" = Option<String>, Header, description = "Its `version`, in quotation marks")
    ),
    request_body = RulesUpdate,
    responses((status = 204, description = "It is changed"), Changes)
)]
pub async fn set_rules(
    asked: Asked,
    Path(at): Path<EnvironmentPath>,
    IfMatch(expected): IfMatch,
    Body(new): Body<RulesUpdate>,
) -> Result<StatusCode, Refusal> {
    let version = version_of(&asked, &at, expected).await?;
    settings::set_rules(
        asked.ctx(),
        &at.org,
        &at.project,
        &at.environment,
        version,
        &new.into(),
    )
    .await
    .map_err(|error| mismatch(expected, error))
    .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who could approve now if these were the rules. Nothing is changed.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/environments/{environment}/rules/preview",
    tag = "Projects",
    operation_id = "environments.preview_rules",
    params(EnvironmentPath),
    request_body = RulesUpdate,
    responses((status = 200, description = "What they mean", body = RulesPreview), Changes)
)]
pub async fn preview(
    asked: Asked,
    Path(at): Path<EnvironmentPath>,
    Body(new): Body<RulesUpdate>,
) -> Answer<RulesPreview> {
    let input = new.into();
    let (rules, wrong) = settings::try_rules(asked.ctx(), &at.org, &at.project, &at.environment, &input)
        .await
        .or_refuse(&asked)?;
    let locale = asked.locale();
    Ok(Json(RulesPreview {
        rules: rules.iter().map(|rule| ApprovalRule::of(rule, locale)).collect(),
        refused: wrong.map(|text| text.get(locale).to_owned()),
    }))
}

/// Where a green pipeline of a branch or tag would send its release by itself.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/routes",
    tag = "Projects",
    operation_id = "environments.routes",
    params(ProjectPath, GitRef),
    responses((status = 200, description = "For each environment", body = Vec<RefRoute>), Reads)
)]
pub async fn routes(
    asked: Asked,
    Path(at): Path<ProjectPath>,
    Query(asks): Query<GitRef>,
) -> Answer<Vec<RefRoute>> {
    let found = settings::where_to(asked.ctx(), &at.org, &at.project, &asks.git_ref)
        .await
        .or_refuse(&asked)?;
    let route = |route: slipway_domain::environment::RefRoute| RefRoute {
        environment: EnvironmentName::of(&route.environment),
        pattern: route.pattern,
    };
    Ok(Json(found.into_iter().map(route).collect()))
}

/// Takes an environment out of the chain; with `If-Match`, only where its `version` is still that. What waits for it is
/// cancelled.
#[utoipa::path(
    delete,
    path = "/api/v1/orgs/{org}/projects/{project}/environments/{environment}",
    tag = "Projects",
    operation_id = "environments.remove",
    params(
        EnvironmentPath,
        ("If-Match" = Option<String>, Header, description = "Its `version`, in quotation marks")
    ),
    responses((status = 204, description = "It is gone"), Changes)
)]
pub async fn remove(
    asked: Asked,
    Path(at): Path<EnvironmentPath>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Refusal> {
    let version = version_of(&asked, &at, expected).await?;
    settings::remove(asked.ctx(), &at.org, &at.project, &at.environment, version)
        .await
        .map_err(|error| mismatch(expected, error))
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
