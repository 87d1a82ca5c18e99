//! Bringing apps to another version of their template: one, or many one after the other.

use super::Answer;
use super::ask::{Asked, Body, OrRefuse as _, Path, Query};
use super::created;
use super::place::{AppPath, Made, Slugs};
use super::proposal::Proposal;
use super::refusals::{Changes, Reads};
use super::template::{TemplatePath, Whose, said};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_domain::id::{AppId, UpgradeId};
use slipway_domain::pipeline::authored::Bump;
use slipway_domain::pipeline::file::merge::Choice;
use slipway_domain::template::{AppUpgrade, UpgradeView};
use slipway_domain::text::Locale;
use slipway_domain::time::Timestamp;
use slipway_portal::template::{bulk, upgrade};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// The routes.
pub const ROUTES: &[Route] = &[
    route(
        "POST",
        "/api/v1/orgs/{org}/templates/{template}/upgrades",
        Access::SignedIn,
        || post(start),
    ),
    route(
        "GET",
        "/api/v1/orgs/{org}/template-upgrades/{upgrade}",
        Access::SignedIn,
        || get(show),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/template-upgrades/{upgrade}/retry",
        Access::SignedIn,
        || post(retry),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/template-upgrades/{upgrade}/stop",
        Access::SignedIn,
        || post(stop),
    ),
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/template-upgrade",
        Access::SignedIn,
        || get(of_app),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/template-upgrade",
        Access::SignedIn,
        || post(propose),
    ),
];

/// `/orgs/{org}/template-upgrades/{upgrade}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct UpgradePath {
    /// The organization's slug.
    org: String,
    /// The id of the bulk upgrade.
    #[param(value_type = String, format = "uuid")]
    upgrade: UpgradeId,
}

/// A bulk upgrade to be started.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewUpgrade {
    /// The version; left out: the newest.
    to: String,
    /// The ids of the apps; left out: all that are behind and where the caller may propose.
    #[schema(value_type = Vec<String>)]
    apps: Vec<AppId>,
}

/// A bulk upgrade with its apps.
#[derive(Serialize, ToSchema)]
pub struct TemplateUpgrade {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// The template's key.
    template: String,
    /// The version that apps are brought to.
    to: String,
    /// `running`, `stopped` or `done`.
    state: &'static str,
    /// Why it stopped.
    reason: Option<String>,
    /// The username of who started it, in whose name it runs.
    by: String,
    /// How many apps it has.
    total: usize,
    /// How many have their answer.
    ended: usize,
    /// When it was started.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it ended.
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// The apps that the caller sees.
    apps: Vec<UpgradedApp>,
}

/// An app of a bulk upgrade.
#[derive(Serialize, ToSchema)]
pub struct UpgradedApp {
    /// The app.
    place: Slugs,
    /// The version it used.
    from: String,
    /// `waiting`, `proposed`, `skipped` or `refused`.
    state: &'static str,
    /// Why it is refused or skipped, or what it waits for.
    reason: Option<String>,
    /// Where GitLab shows its merge request.
    web_url: Option<String>,
}

impl TemplateUpgrade {
    fn of(view: UpgradeView, locale: Locale) -> Self {
        let counts = view.row.counts;
        Self {
            id: view.row.id.to_string(),
            template: view.key,
            to: view.row.to,
            state: view.row.state.key(),
            reason: said(view.reason.as_ref(), locale),
            by: view.row.by.username,
            total: counts.total(),
            ended: counts.ended(),
            created_at: view.row.created_at.rfc3339(),
            ended_at: view.row.ended_at.map(Timestamp::rfc3339),
            apps: view
                .steps
                .into_iter()
                .map(|step| UpgradedApp {
                    place: Slugs::of(&step.place),
                    from: step.from,
                    state: step.state.key(),
                    reason: said(step.reason.as_ref(), locale),
                    web_url: step.web_url,
                })
                .collect(),
        }
    }
}

/// Which version of an app's template is meant.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Target {
    /// The version; left out: the one that is suggested.
    to: Option<String>,
}

/// What an app uses, and what another version would change.
#[derive(Serialize, ToSchema)]
pub struct AppTemplateUpgrade {
    /// The template's key.
    template: String,
    /// The version that the app uses.
    from: String,
    /// The version that is looked at; none: there is none to go to.
    to: Option<String>,
    /// How large the step is: `patch`, `minor` or `major`.
    #[schema(value_type = Option<String>)]
    bump: Option<Bump>,
    /// The versions after the one it uses, newest first.
    versions: Vec<String>,
    /// That the template is deprecated or withdrawn.
    warning: Option<String>,
    /// The texts of the form, as they are carried over.
    inputs: BTreeMap<String, String>,
    /// Parameters that somebody has to fill in.
    needs: Vec<String>,
    /// Parameters that were filled in and are no more.
    dropped: Vec<String>,
    /// Jobs and keywords that were changed by hand and in the template.
    conflicts: Vec<String>,
    /// Whether Slipway does not know what the file was like, so that replacing it needs the caller's word.
    foreign: bool,
    /// How many lines would be added and removed; none while GitLab does not answer.
    changes: Option<Lines>,
    /// Why something is missing.
    trouble: Option<String>,
}

/// How many lines change.
#[derive(Serialize, ToSchema)]
pub struct Lines {
    /// Lines that come.
    added: usize,
    /// Lines that go.
    removed: usize,
}

impl AppTemplateUpgrade {
    fn of(view: AppUpgrade, locale: Locale) -> Self {
        let change = view.change;
        let ids = |all: &[slipway_domain::pipeline::authored::Carried]| -> Vec<String> {
            all.iter().map(|one| one.id.clone()).collect()
        };
        Self {
            template: view.suggested.from.key,
            from: view.suggested.from.version,
            to: change.as_ref().map(|change| change.to.semver.clone()),
            bump: change.as_ref().map(|change| change.bump),
            versions: view.versions,
            warning: said(view.suggested.warning.as_ref(), locale),
            needs: change
                .as_ref()
                .map(|change| ids(&change.migration.needs))
                .unwrap_or_default(),
            dropped: change
                .as_ref()
                .map(|change| ids(&change.migration.dropped))
                .unwrap_or_default(),
            conflicts: change
                .as_ref()
                .map(|change| change.conflicts.iter().map(|one| one.key.clone()).collect())
                .unwrap_or_default(),
            foreign: change.as_ref().is_some_and(|change| change.foreign),
            changes: change
                .as_ref()
                .and_then(|change| change.diff.as_ref())
                .map(|diff| Lines {
                    added: diff.added,
                    removed: diff.removed,
                }),
            inputs: change.map(|change| change.inputs).unwrap_or_default(),
            trouble: said(view.trouble.as_ref(), locale),
        }
    }
}

/// An upgrade of an app to be proposed.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewAppUpgrade {
    /// The version; left out: the one that is suggested.
    to: String,
    /// Texts of the form that differ from what is carried over.
    inputs: BTreeMap<String, String>,
    /// Jobs and keywords whose version of the template is taken, although they were changed by hand.
    take_template: Vec<String>,
    /// Jobs and keywords that stay as they were changed by hand.
    keep_repository: Vec<String>,
    /// Whether a file that Slipway does not know may be replaced.
    replace: bool,
}

impl NewAppUpgrade {
    fn input(self) -> upgrade::Input {
        let draft = self.take_template.into_iter().map(|key| (key, Choice::Draft));
        let kept = self
            .keep_repository
            .into_iter()
            .map(|key| (key, Choice::Repository));
        upgrade::Input {
            to: self.to,
            inputs: self.inputs,
            choices: draft.chain(kept).collect(),
            replace: self.replace,
        }
    }
}

/// Starts a bulk upgrade: one merge request an app, one after the other, in the caller's name.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/templates/{template}/upgrades",
    tag = "Templates",
    operation_id = "template_upgrades.start",
    params(TemplatePath, Whose),
    request_body = NewUpgrade,
    responses((status = 201, description = "It has started", body = Made), Changes)
)]
pub async fn start(
    asked: Asked,
    Path(at): Path<TemplatePath>,
    Query(whose): Query<Whose>,
    Body(new): Body<NewUpgrade>,
) -> Result<Response, Refusal> {
    let place = whose.of(&at.org);
    let id = bulk::start(asked.ctx(), place, &at.template, &new.to, &new.apps)
        .await
        .or_refuse(&asked)?;
    let query = place
        .project
        .map(|project| format!("?project={project}"))
        .unwrap_or_default();
    let url = format!("/api/v1/orgs/{}/template-upgrades/{id}{query}", at.org);
    Ok(created(id.to_string(), url))
}

/// How far a bulk upgrade is, app by app.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/template-upgrades/{upgrade}",
    tag = "Templates",
    operation_id = "template_upgrades.show",
    params(UpgradePath, Whose),
    responses((status = 200, description = "It", body = TemplateUpgrade), Reads)
)]
pub async fn show(
    asked: Asked,
    Path(at): Path<UpgradePath>,
    Query(whose): Query<Whose>,
) -> Answer<TemplateUpgrade> {
    let view = bulk::view(asked.ctx(), whose.of(&at.org), at.upgrade)
        .await
        .or_refuse(&asked)?;
    Ok(Json(TemplateUpgrade::of(view, asked.locale())))
}

/// Goes on with a bulk upgrade that ended: what was refused is tried again. From now on it runs in the caller's name.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/template-upgrades/{upgrade}/retry",
    tag = "Templates",
    operation_id = "template_upgrades.retry",
    params(UpgradePath, Whose),
    responses((status = 204, description = "It goes on"), Changes)
)]
pub async fn retry(
    asked: Asked,
    Path(at): Path<UpgradePath>,
    Query(whose): Query<Whose>,
) -> Result<StatusCode, Refusal> {
    bulk::retry(asked.ctx(), whose.of(&at.org), at.upgrade)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stops a bulk upgrade: merge requests that are open stay open.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/template-upgrades/{upgrade}/stop",
    tag = "Templates",
    operation_id = "template_upgrades.stop",
    params(UpgradePath, Whose),
    responses((status = 204, description = "It is stopped"), Changes)
)]
pub async fn stop(
    asked: Asked,
    Path(at): Path<UpgradePath>,
    Query(whose): Query<Whose>,
) -> Result<StatusCode, Refusal> {
    bulk::stop(asked.ctx(), whose.of(&at.org), at.upgrade)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// What an app uses, and what another version of its template would change.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/template-upgrade",
    tag = "Templates",
    operation_id = "template_upgrades.of_app",
    params(AppPath, Target),
    responses((status = 200, description = "It", body = AppTemplateUpgrade), Reads)
)]
pub async fn of_app(
    asked: Asked,
    Path(at): Path<AppPath>,
    Query(target): Query<Target>,
) -> Answer<AppTemplateUpgrade> {
    let input = upgrade::Input {
        to: target.to.unwrap_or_default(),
        ..upgrade::Input::default()
    };
    let view = upgrade::view(asked.ctx(), &at.org, &at.project, &at.app, &input)
        .await
        .or_refuse(&asked)?;
    Ok(Json(AppTemplateUpgrade::of(view, asked.locale())))
}

/// Proposes an app's upgrade as a merge request. What was changed by hand stays.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/template-upgrade",
    tag = "Templates",
    operation_id = "template_upgrades.propose",
    params(AppPath),
    request_body = NewAppUpgrade,
    responses((status = 201, description = "It is proposed", body = Proposal), Changes)
)]
pub async fn propose(
    asked: Asked,
    Path(at): Path<AppPath>,
    Body(new): Body<NewAppUpgrade>,
) -> Result<Response, Refusal> {
    let view = upgrade::propose(asked.ctx(), &at.org, &at.project, &at.app, &new.input())
        .await
        .or_refuse(&asked)?;
    Ok((StatusCode::CREATED, Json(Proposal::from(view))).into_response())
}
