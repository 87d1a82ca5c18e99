//! Variables of an app's repository. Their values go in and never come out.

use super::ask::{Asked, Body, IfMatch, OrRefuse as _, Path, Query};
use super::place::AppPath;
use super::refusals::{Changes, Reads};
use super::{Answer, etag};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::routing::{get, post, put};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_domain::time::Timestamp;
use slipway_domain::variable::{VariableKind, VariableRow, Visibility};
use slipway_portal::variable::Input;
use utoipa::{IntoParams, ToSchema};

const LIST: &str = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/variables";
const ONE: &str = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/variables/{key}";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", LIST, Access::SignedIn, || get(list)),
    route("POST", LIST, Access::SignedIn, || post(create)),
    route("PUT", ONE, Access::SignedIn, || put(update)),
    route("DELETE", ONE, Access::SignedIn, || axum::routing::delete(remove)),
];

/// A variable's path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct VariablePath {
    /// The organization's slug.
    org: String,
    /// The project's slug.
    project: String,
    /// The app's slug.
    app: String,
    /// The variable's name.
    key: String,
}

/// Which of the variables of a name.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WhichScope {
    /// The environments that get it; `*` when left out.
    scope: Option<String>,
}

/// A variable, without its value.
#[derive(Serialize, ToSchema)]
pub struct Variable {
    /// Its name.
    key: String,
    /// The environments that get it.
    scope: String,
    /// `env_var` or `file`.
    kind: &'static str,
    /// `visible`, `masked` or `hidden`.
    visibility: &'static str,
    /// Whether only protected branches and tags get it.
    protected: bool,
    /// Whether `$` in it is left as it is.
    raw: bool,
    /// What it is for.
    description: String,
    /// For the `If-Match` of an update.
    etag: String,
}

/// Another one whenever what an update changes is, but for the value, which nobody sees.
fn version(row: &VariableRow) -> i64 {
    slipway_portal::version::of(&serde_json::json!([
        row.scope,
        row.kind.key(),
        row.visibility.key(),
        row.protected,
        row.raw,
        row.description
    ]))
}

impl Variable {
    fn of(row: VariableRow) -> Self {
        Self {
            etag: etag(version(&row)),
            key: row.key,
            scope: row.scope,
            kind: row.kind.key(),
            visibility: row.visibility.key(),
            protected: row.protected,
            raw: row.raw,
            description: row.description,
        }
    }
}

/// The variables of a repository.
#[derive(Serialize, ToSchema)]
pub struct Variables {
    /// They, by name, then by environments.
    #[serde(rename = "variables")]
    items: Vec<Variable>,
    /// When GitLab said this.
    #[schema(format = DateTime)]
    as_of: Option<String>,
    /// Why GitLab says nothing now.
    trouble: Option<String>,
}

/// A variable to be made or changed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VariableInput {
    /// Its name; a changed one keeps the name of its path.
    #[serde(default)]
    key: String,
    /// Its value; of a changed one, left out: the value it has.
    #[serde(default)]
    #[schema(write_only)]
    value: String,
    /// The environments that get it; `*` when left out.
    #[serde(default)]
    scope: String,
    /// `env_var` (also when left out) or `file`.
    #[serde(default)]
    #[schema(value_type = String)]
    kind: VariableKind,
    /// `visible` (also when left out), `masked` or `hidden`.
    #[serde(default)]
    #[schema(value_type = String)]
    visibility: Visibility,
    /// Whether only protected branches and tags get it.
    #[serde(default)]
    protected: bool,
    /// Whether `$` in it is left as it is.
    #[serde(default)]
    raw: bool,
    /// What it is for.
    #[serde(default)]
    description: String,
}

impl VariableInput {
    fn input(self) -> Input {
        Input {
            key: self.key,
            value: self.value,
            scope: self.scope,
            kind: self.kind,
            visibility: self.visibility,
            protected: self.protected,
            raw: self.raw,
            description: self.description,
        }
    }
}

/// The variables of an app's repository, without their values.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/variables",
    tag = "Variables",
    operation_id = "variables.list",
    params(AppPath),
    responses((status = 200, description = "They, last known where GitLab is away", body = Variables), Reads)
)]
pub async fn list(asked: Asked, Path(at): Path<AppPath>) -> Answer<Variables> {
    let list = slipway_portal::variable::list(asked.ctx(), (&at.org, &at.project, &at.app))
        .await
        .or_refuse(&asked)?;
    Ok(Json(Variables {
        items: list.variables.into_iter().map(Variable::of).collect(),
        as_of: list.as_of.map(Timestamp::rfc3339),
        trouble: list.trouble.map(|text| text.get(asked.locale()).to_owned()),
    }))
}

/// Makes a variable.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/variables",
    tag = "Variables",
    operation_id = "variables.create",
    params(AppPath),
    request_body = VariableInput,
    responses((status = 204, description = "It was made"), Changes)
)]
pub async fn create(
    asked: Asked,
    Path(at): Path<AppPath>,
    Body(new): Body<VariableInput>,
) -> Result<StatusCode, Refusal> {
    let place = (at.org.as_str(), at.project.as_str(), at.app.as_str());
    slipway_portal::variable::create(asked.ctx(), place, &new.input())
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes a variable; with `If-Match`, only where that is still its `etag`.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/variables/{key}",
    tag = "Variables",
    operation_id = "variables.update",
    params(VariablePath, WhichScope, ("If-Match" = Option<String>, Header, description = "The `etag` it was read with")),
    request_body = VariableInput,
    responses((status = 204, description = "It was changed"), Changes)
)]
pub async fn update(
    asked: Asked,
    Path(at): Path<VariablePath>,
    Query(which): Query<WhichScope>,
    expected: IfMatch,
    Body(new): Body<VariableInput>,
) -> Result<StatusCode, Refusal> {
    let place = (at.org.as_str(), at.project.as_str(), at.app.as_str());
    let scope = which.scope.as_deref().unwrap_or("*");
    if expected.0.is_some() {
        let list = slipway_portal::variable::list(asked.ctx(), place)
            .await
            .or_refuse(&asked)?;
        let now = list
            .variables
            .iter()
            .find(|row| row.key == at.key && row.scope == scope);
        expected.still(&asked, now.map(version))?;
    }
    slipway_portal::variable::update(asked.ctx(), place, (&at.key, scope), &new.input())
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a variable.
#[utoipa::path(
    delete,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/variables/{key}",
    tag = "Variables",
    operation_id = "variables.remove",
    params(VariablePath, WhichScope),
    responses((status = 204, description = "It is gone"), Changes)
)]
pub async fn remove(
    asked: Asked,
    Path(at): Path<VariablePath>,
    Query(which): Query<WhichScope>,
) -> Result<StatusCode, Refusal> {
    let place = (at.org.as_str(), at.project.as_str(), at.app.as_str());
    let scope = which.scope.as_deref().unwrap_or("*");
    slipway_portal::variable::remove(asked.ctx(), place, (&at.key, scope))
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
