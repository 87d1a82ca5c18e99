//! Environments.

use super::ask::{Asked, Body, IfMatch, OrRefuse as _, Path};
use super::gating::SigningKey;
use super::paging::{Page, Paged};
use super::place::{EnvironmentName, Person, ProjectPath};
use super::refusals::{Changes, Reads};
use super::settings::EnvironmentPath;
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::routing::{get, put};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_domain::environment::{EnvironmentView, RulePeople};
use slipway_domain::freeze::Hours;
use slipway_domain::id::ClusterId;
use slipway_domain::report::scan::Severity;
use slipway_domain::text::Locale;
use slipway_domain::time::{MINUTE, Timestamp};
use slipway_portal::Error;
use slipway_portal::environment::bind::Input;
use utoipa::ToSchema;

/// The routes.
pub const ROUTES: &[Route] = &[
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/environments",
        Access::SignedIn,
        || get(list),
    ),
    route(
        "PUT",
        "/api/v1/orgs/{org}/projects/{project}/environments/{environment}",
        Access::SignedIn,
        || put(bind),
    ),
    route(
        "PUT",
        "/api/v1/orgs/{org}/projects/{project}/environment-order",
        Access::SignedIn,
        || put(reorder),
    ),
];

/// The order of the chain.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentOrder {
    /// The key of every environment, once.
    keys: Vec<String>,
}

/// Where an environment runs, and what goes there by itself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentUpdate {
    /// The id of the cluster; none: nothing can be deployed.
    #[schema(value_type = Option<String>, format = "uuid")]
    cluster: Option<ClusterId>,
    /// The namespace in it.
    #[serde(default)]
    namespace: String,
    /// Ref patterns whose green pipelines go there by themselves.
    #[serde(default)]
    branches: Vec<String>,
    /// Whether whoever approves must have proved lately that it is them.
    #[serde(default)]
    step_up: bool,
}

/// An environment of the chain.
#[derive(Serialize, ToSchema)]
pub struct Environment {
    /// Which.
    #[serde(flatten)]
    name: EnvironmentName,
    /// Grows with every edit.
    version: i64,
    /// Where it runs; none: nothing can be deployed yet.
    binding: Option<Binding>,
    /// Ref patterns whose green pipelines go there by themselves.
    branches: Vec<String>,
    /// Who is asked before a deployment, in order.
    rules: Vec<ApprovalRule>,
    /// Its allowed hours, each as in `Mon-Fri 09:00-18:00 Asia/Shanghai`.
    hours: Vec<String>,
    /// How many minutes a release must have been healthy in the environment before.
    soak_minutes: i64,
    /// Which of several promotions that wait goes on: `newest` or `in_order`.
    queue: &'static str,
    /// Whether a pipeline without tests is not enough.
    tests_needed: bool,
    /// What must have been scanned.
    scans_needed: Vec<&'static str>,
    /// The mildest finding that stands in the way; none: none does.
    worst: Option<&'static str>,
    /// How many findings of that severity or worse are let through.
    findings_allowed: u32,
    /// Keys of which one must have signed each image.
    signers: Vec<SigningKey>,
    /// What is done where a rollout fails: `leave` or `roll_back`.
    on_failure: &'static str,
}

/// Where an environment's workloads run.
#[derive(Serialize, ToSchema)]
pub struct Binding {
    /// The name of the cluster.
    cluster: String,
    /// The namespace in it.
    namespace: String,
    /// When the cluster last answered.
    #[schema(format = DateTime)]
    last_ok_at: Option<String>,
    /// What went wrong since.
    trouble: Option<String>,
}

/// An approval rule and whom it names now.
#[derive(Serialize, ToSchema)]
pub struct ApprovalRule {
    /// Its key.
    id: String,
    /// For people.
    name: String,
    /// How many must approve.
    required: u32,
    /// Who may.
    people: Vec<Person>,
}

impl ApprovalRule {
    /// As the API says it.
    pub fn of(rule: &RulePeople, locale: Locale) -> Self {
        Self {
            id: rule.rule.id.clone(),
            name: rule.rule.name.get(locale).to_owned(),
            required: rule.rule.required,
            people: rule.people.iter().map(Person::of).collect(),
        }
    }
}

impl Environment {
    fn of(view: &EnvironmentView, locale: Locale) -> Self {
        let rules = view.rules.iter().map(|rule| ApprovalRule::of(rule, locale));
        let gating = &view.gating;
        Self {
            name: EnvironmentName::of(&view.environment),
            version: view.version,
            binding: view.binding.as_ref().map(|binding| Binding {
                cluster: binding.cluster_name.clone(),
                namespace: binding.namespace.clone(),
                last_ok_at: binding.last_ok_at.map(Timestamp::rfc3339),
                trouble: binding
                    .trouble
                    .as_ref()
                    .map(|trouble| trouble.get(locale).to_owned()),
            }),
            branches: view.branches.clone(),
            rules: rules.collect(),
            hours: gating.hours.iter().map(Hours::line).collect(),
            soak_minutes: gating.soak / MINUTE,
            queue: gating.queue.key(),
            tests_needed: gating.tests_needed,
            scans_needed: gating.scans_needed.iter().map(|kind| kind.key()).collect(),
            worst: gating.worst.map(Severity::key),
            findings_allowed: gating.findings_allowed,
            signers: gating.signers.iter().map(SigningKey::of).collect(),
            on_failure: gating.on_failure.key(),
        }
    }
}

/// The version that an environment is changed from: the expected one, else the newest.
pub async fn version_of(asked: &Asked, at: &EnvironmentPath, expected: Option<i64>) -> Result<i64, Refusal> {
    if let Some(version) = expected {
        return Ok(version);
    }
    let list = slipway_portal::environment::list(asked.ctx(), &at.org, &at.project)
        .await
        .or_refuse(asked)?;
    let found = list
        .environments
        .iter()
        .find(|one| one.environment.key == at.environment);
    // Whether one may change it is said before whether it is there.
    Ok(found.map_or(0, |one| one.version))
}

/// The chain of a project, in its order.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/environments",
    tag = "Projects",
    operation_id = "environments.list",
    params(ProjectPath, Page),
    responses((status = 200, description = "A page of it", body = Vec<Environment>), Reads)
)]
pub async fn list(
    asked: Asked,
    Path(at): Path<ProjectPath>,
    page: Page,
) -> Result<Paged<Environment>, Refusal> {
    let list = slipway_portal::environment::list(asked.ctx(), &at.org, &at.project)
        .await
        .or_refuse(&asked)?;
    let locale = asked.locale();
    let key = |view: &EnvironmentView| format!("{:06}", view.environment.position);
    Ok(page
        .cut(list.environments, key)
        .map(|view| Environment::of(&view, locale)))
}

/// Says where an environment runs, what goes there by itself, and whether approvers prove who they are; with `If-Match`,
/// only where its `version` is still that.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/projects/{project}/environments/{environment}",
    tag = "Projects",
    operation_id = "environments.update",
    params(
        EnvironmentPath,
        ("If-Match" = Option<String>, Header, description = "Its `version`, in quotation marks")
    ),
    request_body = EnvironmentUpdate,
    responses((status = 204, description = "It is changed"), Changes)
)]
pub async fn bind(
    asked: Asked,
    Path(at): Path<EnvironmentPath>,
    IfMatch(expected): IfMatch,
    Body(new): Body<EnvironmentUpdate>,
) -> Result<StatusCode, Refusal> {
    let version = version_of(&asked, &at, expected).await?;
    let input = Input {
        cluster: new.cluster,
        namespace: new.namespace,
        branches: new.branches,
        step_up: new.step_up,
    };
    slipway_portal::environment::bind::bind(
        asked.ctx(),
        &at.org,
        &at.project,
        &at.environment,
        version,
        input,
    )
    .await
    .map_err(|error| match (expected, error) {
        (
            Some(_),
            Error::Conflict {
                code: "changed_meanwhile",
                ..
            },
        ) => Error::version_mismatch(),
        (_, error) => error,
    })
    .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts the chain into another order; what waits is looked at again.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/projects/{project}/environment-order",
    tag = "Projects",
    operation_id = "environments.reorder",
    params(ProjectPath),
    request_body = EnvironmentOrder,
    responses((status = 204, description = "It is in that order"), Changes)
)]
pub async fn reorder(
    asked: Asked,
    Path(at): Path<ProjectPath>,
    Body(order): Body<EnvironmentOrder>,
) -> Result<StatusCode, Refusal> {
    slipway_portal::environment::reorder(asked.ctx(), &at.org, &at.project, &order.keys)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
