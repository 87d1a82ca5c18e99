//! Templates, and the pipelines that are made of them.

use super::Answer;
use super::ask::{Asked, Body, OrRefuse as _, Path};
use super::place::AppPath;
use super::refusals::{Changes, Reads};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_domain::id::ProposalId;
use slipway_domain::proposal::{Gallery, LintView};
use slipway_domain::run::ProposalView;
use slipway_domain::text::Locale;
use slipway_portal::proposal::Input;
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// The routes.
pub const ROUTES: &[Route] = &[
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/templates",
        Access::SignedIn,
        || get(templates),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/proposals/check",
        Access::SignedIn,
        || post(check),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/proposals",
        Access::SignedIn,
        || post(propose),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/proposals/{id}/merge",
        Access::SignedIn,
        || post(merge),
    ),
];

/// A proposal's path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ProposalPath {
    /// The organization's slug.
    org: String,
    /// The project's slug.
    project: String,
    /// The app's slug.
    app: String,
    /// The proposal's id.
    #[param(value_type = String, format = "uuid")]
    id: ProposalId,
}

/// A template of a pipeline.
#[derive(Serialize, ToSchema)]
pub struct Template {
    /// Its key.
    key: String,
    /// Its version.
    version: String,
    /// For people.
    name: String,
    /// What it does.
    summary: String,
    /// Whether it suits the app's repository.
    suggested: bool,
    /// What its form asks.
    parameters: Vec<Parameter>,
}

/// A field of a template's form.
#[derive(Serialize, ToSchema)]
pub struct Parameter {
    /// Its name in `inputs`.
    id: String,
    /// For people.
    label: String,
    /// What to write.
    help: String,
    /// Whether an empty value is refused.
    required: bool,
}

impl Template {
    fn all(gallery: &Gallery, locale: Locale) -> Vec<Self> {
        let suggested = |key: &str| gallery.suggestions.iter().any(|one| one.template == key);
        let of = |template: &slipway_domain::pipeline::Template| Self {
            key: template.key.clone(),
            version: template.semver.clone(),
            name: template.names.get(locale).to_owned(),
            summary: template.summary.get(locale).to_owned(),
            suggested: suggested(&template.key),
            parameters: template
                .params
                .iter()
                .map(|param| Parameter {
                    id: param.id.clone(),
                    label: param.label.get(locale).to_owned(),
                    help: param.help.get(locale).to_owned(),
                    required: param.required,
                })
                .collect(),
        };
        gallery.templates.iter().map(of).collect()
    }
}

/// A filled form.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FilledForm {
    /// The template's key.
    template: String,
    /// The values, by parameter; a switch is `true` or left out.
    #[serde(default)]
    inputs: BTreeMap<String, String>,
    /// Whether a file that was not made here, or was changed by hand, may be replaced.
    #[serde(default)]
    replace: bool,
}

impl FilledForm {
    fn input(self) -> Input {
        Input {
            template: self.template,
            inputs: self.inputs,
            replace: self.replace,
        }
    }
}

/// What is said of a filled form.
#[derive(Serialize, ToSchema)]
pub struct Checked {
    /// Whether it could be proposed as it is.
    ready: bool,
    /// The file; none while the form has errors.
    yaml: Option<String>,
    /// Parameters with an error.
    wrong: Vec<String>,
    /// What GitLab's lint says; none where it was not asked or did not answer.
    lint: Option<Lint>,
}

/// What GitLab's lint says.
#[derive(Serialize, ToSchema)]
pub struct Lint {
    /// Whether GitLab would take the file.
    valid: bool,
    /// In its own words.
    findings: Vec<String>,
}

/// A proposed pipeline.
#[derive(Serialize, ToSchema)]
pub struct Proposal {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// Its title.
    title: String,
    /// Where it stands.
    state: String,
    /// The branch it comes from.
    branch: String,
    /// Where GitLab shows its merge request.
    web_url: String,
}

impl From<ProposalView> for Proposal {
    fn from(view: ProposalView) -> Self {
        Self {
            id: view.id.to_string(),
            title: view.title,
            state: view.state,
            branch: view.branch,
            web_url: view.web_url,
        }
    }
}

/// The templates, and which of them suit the app's repository.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/templates",
    tag = "Pipelines",
    operation_id = "templates.list",
    params(AppPath),
    responses((status = 200, description = "All of them", body = Vec<Template>), Reads)
)]
pub async fn templates(asked: Asked, Path(at): Path<AppPath>) -> Answer<Vec<Template>> {
    let gallery = slipway_portal::proposal::gallery(asked.ctx(), &at.org, &at.project, &at.app)
        .await
        .or_refuse(&asked)?;
    Ok(Json(Template::all(&gallery, asked.locale())))
}

/// Checks a filled form, and keeps it as the caller's draft.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/proposals/check",
    tag = "Pipelines",
    operation_id = "proposals.check",
    params(AppPath),
    request_body = FilledForm,
    responses((status = 200, description = "What is said of it", body = Checked), Changes)
)]
pub async fn check(asked: Asked, Path(at): Path<AppPath>, Body(form): Body<FilledForm>) -> Answer<Checked> {
    let view = slipway_portal::proposal::check(asked.ctx(), &at.org, &at.project, &at.app, &form.input())
        .await
        .or_refuse(&asked)?;
    let locale = asked.locale();
    let lint = match view.lint {
        LintView::Answered { valid, findings } => Some(Lint {
            valid,
            findings: findings
                .iter()
                .map(|finding| finding.text.get(locale).to_owned())
                .collect(),
        }),
        LintView::NotAsked | LintView::Unavailable(_) => None,
    };
    Ok(Json(Checked {
        ready: view.ready,
        yaml: view.compiled.map(|compiled| compiled.text),
        wrong: view.fields.into_iter().map(|field| field.param).collect(),
        lint,
    }))
}

/// Proposes the pipeline as a merge request.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/proposals",
    tag = "Pipelines",
    operation_id = "proposals.propose",
    params(AppPath),
    request_body = FilledForm,
    responses((status = 201, description = "It is proposed", body = Proposal), Changes)
)]
pub async fn propose(
    asked: Asked,
    Path(at): Path<AppPath>,
    Body(form): Body<FilledForm>,
) -> Result<Response, Refusal> {
    let view = slipway_portal::proposal::propose(asked.ctx(), &at.org, &at.project, &at.app, &form.input())
        .await
        .or_refuse(&asked)?;
    Ok((StatusCode::CREATED, Json(Proposal::from(view))).into_response())
}

/// Merges the merge request of a proposed pipeline.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/proposals/{id}/merge",
    tag = "Pipelines",
    operation_id = "proposals.merge",
    params(ProposalPath),
    responses((status = 204, description = "It is merged"), Changes)
)]
pub async fn merge(asked: Asked, Path(at): Path<ProposalPath>) -> Result<StatusCode, Refusal> {
    slipway_portal::proposal::merge(asked.ctx(), &at.org, &at.project, &at.app, at.id)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
