//! Environments.

use super::ask::{Asked, OrRefuse as _, Path};
use super::paging::{Page, Paged};
use super::place::{EnvironmentName, Person, ProjectPath};
use super::refusals::Reads;
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::routing::get;
use serde::Serialize;
use slipway_domain::environment::EnvironmentView;
use slipway_domain::text::Locale;
use slipway_domain::time::Timestamp;
use utoipa::ToSchema;

/// The routes.
pub const ROUTES: &[Route] = &[route(
    "GET",
    "/api/v1/orgs/{org}/projects/{project}/environments",
    Access::SignedIn,
    || get(list),
)];

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

impl Environment {
    fn of(view: &EnvironmentView, locale: Locale) -> Self {
        let rules = view.rules.iter().map(|rule| ApprovalRule {
            id: rule.rule.id.clone(),
            name: rule.rule.name.get(locale).to_owned(),
            required: rule.rule.required,
            people: rule.people.iter().map(Person::of).collect(),
        });
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
        }
    }
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
