//! Templates that an organization writes, or by `?project=` a project in it: documents, versions, and what becomes of
//! them.

use super::Answer;
use super::ask::{Asked, Body, IfMatch, OrRefuse as _, Path, Query};
use super::created;
use super::place::{Made, OrgPath, Slugs};
use super::refusals::{Changes, Reads};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use slipway_domain::pipeline::authored::read;
use slipway_domain::template::{TemplateRow, TemplateView, VersionRow};
use slipway_domain::text::{Locale, Text};
use slipway_portal::access::At;
use slipway_portal::template::author::{self, Begin, New, Publication};
use slipway_portal::template::farewell::{self, Farewell};
use slipway_portal::template::usage;
use utoipa::{IntoParams, ToSchema};

const LIST: &str = "/api/v1/orgs/{org}/templates";
const ONE: &str = "/api/v1/orgs/{org}/templates/{template}";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", LIST, Access::SignedIn, || get(list)),
    route("POST", LIST, Access::SignedIn, || post(create)),
    route("GET", ONE, Access::SignedIn, || get(show)),
    route("PUT", ONE, Access::SignedIn, || put(save)),
    route("DELETE", ONE, Access::SignedIn, || delete(remove)),
    route(
        "POST",
        "/api/v1/orgs/{org}/templates/{template}/versions",
        Access::SignedIn,
        || post(publish),
    ),
    route(
        "GET",
        "/api/v1/orgs/{org}/templates/{template}/versions/{version}",
        Access::SignedIn,
        || get(version),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/templates/{template}/deprecate",
        Access::SignedIn,
        || post(deprecate),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/templates/{template}/withdraw",
        Access::SignedIn,
        || post(withdraw),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/templates/{template}/restore",
        Access::SignedIn,
        || post(restore),
    ),
    route(
        "GET",
        "/api/v1/orgs/{org}/templates/{template}/uses",
        Access::SignedIn,
        || get(uses),
    ),
];

/// `/orgs/{org}/templates/{template}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct TemplatePath {
    /// The organization's slug.
    pub(super) org: String,
    /// The template's key, as in `org.java`, `project.java` or, of Slipway itself, `java-maven`.
    pub(super) template: String,
}

/// `/orgs/{org}/templates/{template}/versions/{version}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct VersionPath {
    /// The organization's slug.
    org: String,
    /// The template's key.
    template: String,
    /// Semantic version.
    version: String,
}

/// Whose templates are meant; without a project, those of the organization itself.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Whose {
    /// The slug of a project of the organization.
    project: Option<String>,
}

impl Whose {
    pub(super) fn of<'a>(&'a self, org: &'a str) -> At<'a> {
        At::new(org, self.project.as_deref(), None)
    }

    /// The address of `rest` below the templates of the place.
    pub(super) fn url(&self, org: &str, rest: &str) -> String {
        match &self.project {
            Some(project) => format!("/api/v1/orgs/{org}/templates/{rest}?project={project}"),
            None => format!("/api/v1/orgs/{org}/templates/{rest}"),
        }
    }
}

/// A template in a list.
#[derive(Serialize, ToSchema)]
pub struct TemplateSummary {
    /// Its key, with whose it is: `org.java`, `project.java`, or `node` of Slipway itself.
    key: String,
    /// For people.
    name: String,
    /// What it does.
    summary: String,
    /// The newest version; none: only a draft.
    newest: Option<String>,
    /// `draft`, `published`, `deprecated` or `withdrawn`.
    standing: &'static str,
    /// The key of what to use instead.
    successor: Option<String>,
    /// How many apps that the caller sees use it.
    uses: usize,
    /// How many of them use an older version.
    behind: usize,
}

impl TemplateSummary {
    fn of(row: TemplateRow, locale: Locale) -> Self {
        Self {
            name: row.names.get(locale).to_owned(),
            summary: row.summary.get(locale).to_owned(),
            standing: row.standing.key(),
            key: row.key,
            newest: row.newest,
            successor: row.successor,
            uses: row.uses,
            behind: row.behind,
        }
    }
}

/// A published version. It never changes.
#[derive(Serialize, ToSchema)]
pub struct TemplateVersion {
    /// Semantic version.
    version: String,
    /// What changed.
    changelog: String,
    /// When it was published; none: it came with Slipway.
    #[schema(format = DateTime)]
    published_at: Option<String>,
    /// The username of who published it.
    published_by: Option<String>,
}

impl TemplateVersion {
    fn of(row: VersionRow, locale: Locale) -> Self {
        Self {
            changelog: row.changelog.get(locale).to_owned(),
            published_at: row.published_by.is_some().then(|| row.published_at.rfc3339()),
            published_by: row.published_by.map(|by| by.username),
            version: row.version,
        }
    }
}

/// A published version with its document.
#[derive(Serialize, ToSchema)]
pub struct TemplateVersionDetail {
    /// The version.
    #[serde(flatten)]
    version: TemplateVersion,
    /// The document as it was published.
    document: String,
}

/// Something wrong with a document.
#[derive(Serialize, ToSchema)]
pub struct DocumentFinding {
    /// The line, from 1.
    line: usize,
    /// The column in characters, from 1.
    column: usize,
    /// Whether it keeps the document from being published.
    error: bool,
    /// What is wrong, and what to do.
    text: String,
}

/// A template with its versions and, for its authors, the document that is being written.
#[derive(Serialize, ToSchema)]
pub struct TemplateDetail {
    /// Its key.
    key: String,
    /// For people.
    name: String,
    /// `draft`, `published`, `deprecated` or `withdrawn`.
    standing: &'static str,
    /// Why, and what to use instead.
    notice: Option<String>,
    /// Its versions, newest first.
    versions: Vec<TemplateVersion>,
    /// The document that is being written; none for those who may not.
    document: Option<String>,
    /// Raised by every save: the `ETag`.
    draft_version: Option<i64>,
    /// What is wrong with the document.
    findings: Vec<DocumentFinding>,
    /// The step that publishing it needs at least: `patch`, `minor` or `major`; none: nothing changed, or it is the first.
    #[schema(value_type = Option<String>)]
    needed: Option<slipway_domain::pipeline::authored::Bump>,
}

impl TemplateDetail {
    fn of(view: TemplateView, locale: Locale) -> Self {
        let draft = view.draft.as_ref();
        let findings = draft
            .map(|draft| read(&draft.text, &view.key, "0.0.0").findings)
            .unwrap_or_default();
        let needed = draft.and_then(|draft| author::needed(view.newest.as_ref(), &view.key, &draft.text));
        Self {
            name: view
                .newest
                .as_ref()
                .map(|newest| newest.names.get(locale).to_owned())
                .unwrap_or_default(),
            standing: view.told.standing.key(),
            notice: view.told.warning().map(|warning| warning.get(locale).to_owned()),
            document: draft.map(|draft| draft.text.clone()),
            draft_version: draft.map(|draft| draft.version),
            findings: findings
                .into_iter()
                .map(|one| DocumentFinding {
                    line: one.line,
                    column: one.column,
                    error: one.severity == slipway_domain::pipeline::Severity::Error,
                    text: one.message(locale),
                })
                .collect(),
            needed,
            key: view.key,
            versions: view
                .versions
                .into_iter()
                .map(|row| TemplateVersion::of(row, locale))
                .collect(),
        }
    }
}

/// A template to be begun: with `document`, else like `template`, else like the pipeline of `app`, else with one job.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTemplate {
    /// Its slug, 2 to 40 of `a-z0-9-`, for good.
    slug: String,
    /// For people; the document says it from then on.
    #[serde(default)]
    name: String,
    /// The document.
    document: Option<String>,
    /// The key of a template to begin with.
    template: Option<String>,
    /// The app whose pipeline to begin with.
    app: Option<OfApp>,
}

/// An app by its slugs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfApp {
    /// The slug of its project.
    project: String,
    /// Its slug.
    app: String,
}

/// A document to be saved.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SavedDocument {
    /// All of it.
    document: String,
}

/// A version to be published.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVersion {
    /// Semantic version; left out: the smallest that what changed allows.
    #[serde(default)]
    version: String,
    /// What changed, in English; one of both must be given.
    #[serde(default)]
    changelog_en: String,
    /// What changed, in Chinese.
    #[serde(default)]
    changelog_zh: String,
}

/// What was published.
#[derive(Serialize, ToSchema)]
pub struct Published {
    /// The version.
    version: String,
}

/// Why a template should not be used any more.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TemplateFarewell {
    /// Why.
    why: String,
    /// The key of the template to use instead.
    successor: String,
}

impl TemplateFarewell {
    fn said(self) -> Farewell {
        Farewell {
            why: self.why,
            successor: self.successor,
        }
    }
}

/// An app that uses a template.
#[derive(Serialize, ToSchema)]
pub struct TemplateUse {
    /// The app.
    place: Slugs,
    /// The version it uses.
    version: String,
    /// How far the newest one is ahead: `patch`, `minor` or `major`; none: it is the newest.
    #[schema(value_type = Option<String>)]
    behind: Option<slipway_domain::pipeline::authored::Bump>,
    /// Whether the caller may propose pipelines there.
    may_propose: bool,
    /// When that was seen.
    #[schema(format = DateTime)]
    seen_at: String,
}

/// The templates that can be used in a place: its own, its organization's, and Slipway's.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/templates",
    tag = "Templates",
    operation_id = "own_templates.list",
    params(OrgPath, Whose),
    responses((status = 200, description = "All of them", body = Vec<TemplateSummary>), Reads)
)]
pub async fn list(
    asked: Asked,
    Path(at): Path<OrgPath>,
    Query(whose): Query<Whose>,
) -> Answer<Vec<TemplateSummary>> {
    let list = author::list(asked.ctx(), whose.of(&at.org))
        .await
        .or_refuse(&asked)?;
    let locale = asked.locale();
    let all = list.own.into_iter().chain(list.above).chain(list.built_in);
    Ok(Json(all.map(|row| TemplateSummary::of(row, locale)).collect()))
}

/// Begins a template. No app sees it before a version is published.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/templates",
    tag = "Templates",
    operation_id = "own_templates.create",
    params(OrgPath, Whose),
    request_body = NewTemplate,
    responses((status = 201, description = "It is begun; its id is its key", body = Made), Changes)
)]
pub async fn create(
    asked: Asked,
    Path(at): Path<OrgPath>,
    Query(whose): Query<Whose>,
    Body(new): Body<NewTemplate>,
) -> Result<Response, Refusal> {
    let begin = match (new.document, new.template, new.app) {
        (Some(document), _, _) => Begin::Text(document),
        (None, Some(template), _) => Begin::Template(template),
        (None, None, Some(of)) => Begin::App(of.project, of.app),
        (None, None, None) => Begin::Scratch,
    };
    let new = New {
        slug: new.slug,
        name: new.name,
        begin,
    };
    let made = author::create(asked.ctx(), whose.of(&at.org), &new)
        .await
        .or_refuse(&asked)?;
    let url = whose.url(&at.org, &made.key);
    Ok(created(made.key, url))
}

async fn opened(asked: &Asked, at: &TemplatePath, whose: &Whose) -> Result<TemplateView, Refusal> {
    author::view(asked.ctx(), whose.of(&at.org), &at.template)
        .await
        .or_refuse(asked)
}

/// The version of the draft that a change is made from: the one that was sent, else the one of now.
async fn draft_version(
    asked: &Asked,
    at: &TemplatePath,
    whose: &Whose,
    expected: Option<i64>,
) -> Result<i64, Refusal> {
    if let Some(version) = expected {
        return Ok(version);
    }
    match author::view(asked.ctx(), whose.of(&at.org), &at.template).await {
        Ok(view) => Ok(view.draft.map_or(0, |draft| draft.version)),
        // Whether one may change it is said before whether it is there.
        Err(slipway_portal::Error::NotFound) => Ok(0),
        Err(error) => Err(error).or_refuse(asked),
    }
}

/// A template with its versions and, for its authors, its document. The `ETag` is for the `If-Match` of a save.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/templates/{template}",
    tag = "Templates",
    operation_id = "own_templates.show",
    params(TemplatePath, Whose),
    responses((status = 200, description = "It", body = TemplateDetail, headers(("ETag" = String))), Reads)
)]
pub async fn show(
    asked: Asked,
    Path(at): Path<TemplatePath>,
    Query(whose): Query<Whose>,
) -> Result<Response, Refusal> {
    let detail = TemplateDetail::of(opened(&asked, &at, &whose).await?, asked.locale());
    let tag = detail
        .draft_version
        .map(|version| HeaderValue::try_from(format!("\"{version}\"")));
    let mut response = Json(detail).into_response();
    if let Some(Ok(tag)) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// Saves the document, good or not; with `If-Match`, only where that is still its version. Only publishing leads to apps.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/templates/{template}",
    tag = "Templates",
    operation_id = "own_templates.save",
    params(TemplatePath, Whose, ("If-Match" = Option<String>, Header, description = "The ETag it was read with")),
    request_body = SavedDocument,
    responses((status = 200, description = "It is saved", body = TemplateDetail), Changes)
)]
pub async fn save(
    asked: Asked,
    Path(at): Path<TemplatePath>,
    Query(whose): Query<Whose>,
    IfMatch(expected): IfMatch,
    Body(sent): Body<SavedDocument>,
) -> Answer<TemplateDetail> {
    let version = draft_version(&asked, &at, &whose, expected).await?;
    author::save(
        asked.ctx(),
        whose.of(&at.org),
        &at.template,
        version,
        &sent.document,
    )
    .await
    .or_refuse(&asked)?;
    let view = opened(&asked, &at, &whose).await?;
    Ok(Json(TemplateDetail::of(view, asked.locale())))
}

/// Forgets a draft of which no version was ever published.
#[utoipa::path(
    delete,
    path = "/api/v1/orgs/{org}/templates/{template}",
    tag = "Templates",
    operation_id = "own_templates.remove",
    params(TemplatePath, Whose, ("If-Match" = Option<String>, Header, description = "The ETag it was read with")),
    responses((status = 204, description = "It is gone"), Changes)
)]
pub async fn remove(
    asked: Asked,
    Path(at): Path<TemplatePath>,
    Query(whose): Query<Whose>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Refusal> {
    let version = draft_version(&asked, &at, &whose, expected).await?;
    author::delete(asked.ctx(), whose.of(&at.org), &at.template, version)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Publishes the document as a version; with `If-Match`, only where that is still its version. No app changes by it.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/templates/{template}/versions",
    tag = "Templates",
    operation_id = "own_templates.publish",
    params(TemplatePath, Whose, ("If-Match" = Option<String>, Header, description = "The ETag it was read with")),
    request_body = NewVersion,
    responses((status = 201, description = "It is published", body = Published), Changes)
)]
pub async fn publish(
    asked: Asked,
    Path(at): Path<TemplatePath>,
    Query(whose): Query<Whose>,
    IfMatch(expected): IfMatch,
    Body(new): Body<NewVersion>,
) -> Result<Response, Refusal> {
    let draft = draft_version(&asked, &at, &whose, expected).await?;
    let new = Publication {
        draft,
        version: new.version,
        changelog_zh: new.changelog_zh,
        changelog_en: new.changelog_en,
    };
    let version = author::publish(asked.ctx(), whose.of(&at.org), &at.template, &new)
        .await
        .or_refuse(&asked)?;
    Ok((StatusCode::CREATED, Json(Published { version })).into_response())
}

/// A published version with its document.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/templates/{template}/versions/{version}",
    tag = "Templates",
    operation_id = "own_templates.version",
    params(VersionPath, Whose),
    responses((status = 200, description = "It", body = TemplateVersionDetail), Reads)
)]
pub async fn version(
    asked: Asked,
    Path(at): Path<VersionPath>,
    Query(whose): Query<Whose>,
) -> Answer<TemplateVersionDetail> {
    let (document, _, row) = author::version(asked.ctx(), whose.of(&at.org), &at.template, &at.version)
        .await
        .or_refuse(&asked)?;
    Ok(Json(TemplateVersionDetail {
        version: TemplateVersion::of(row, asked.locale()),
        document,
    }))
}

/// Tells apps to use another template: they are told, and may use it on.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/templates/{template}/deprecate",
    tag = "Templates",
    operation_id = "own_templates.deprecate",
    params(TemplatePath, Whose),
    request_body = TemplateFarewell,
    responses((status = 204, description = "It is deprecated"), Changes)
)]
pub async fn deprecate(
    asked: Asked,
    Path(at): Path<TemplatePath>,
    Query(whose): Query<Whose>,
    Body(farewell): Body<TemplateFarewell>,
) -> Result<StatusCode, Refusal> {
    farewell::deprecate(asked.ctx(), whose.of(&at.org), &at.template, &farewell.said())
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has no app begin to use a template any more. Pipelines that are made of it stay as they are.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/templates/{template}/withdraw",
    tag = "Templates",
    operation_id = "own_templates.withdraw",
    params(TemplatePath, Whose),
    request_body = TemplateFarewell,
    responses((status = 204, description = "It is withdrawn"), Changes)
)]
pub async fn withdraw(
    asked: Asked,
    Path(at): Path<TemplatePath>,
    Query(whose): Query<Whose>,
    Body(farewell): Body<TemplateFarewell>,
) -> Result<StatusCode, Refusal> {
    farewell::withdraw(asked.ctx(), whose.of(&at.org), &at.template, &farewell.said())
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Offers a deprecated or withdrawn template again.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/templates/{template}/restore",
    tag = "Templates",
    operation_id = "own_templates.restore",
    params(TemplatePath, Whose),
    responses((status = 204, description = "It is offered"), Changes)
)]
pub async fn restore(
    asked: Asked,
    Path(at): Path<TemplatePath>,
    Query(whose): Query<Whose>,
) -> Result<StatusCode, Refusal> {
    farewell::restore(asked.ctx(), whose.of(&at.org), &at.template)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The apps of the place that use a template, as far as the caller sees them.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/templates/{template}/uses",
    tag = "Templates",
    operation_id = "own_templates.uses",
    params(TemplatePath, Whose),
    responses((status = 200, description = "They", body = Vec<TemplateUse>), Reads)
)]
pub async fn uses(
    asked: Asked,
    Path(at): Path<TemplatePath>,
    Query(whose): Query<Whose>,
) -> Answer<Vec<TemplateUse>> {
    let usage = usage::usage(asked.ctx(), whose.of(&at.org), &at.template)
        .await
        .or_refuse(&asked)?;
    let rows = usage.rows.into_iter().map(|row| TemplateUse {
        place: Slugs::of(&row.place),
        version: row.version,
        behind: row.behind,
        may_propose: row.may_edit,
        seen_at: row.seen_at.rfc3339(),
    });
    Ok(Json(rows.collect()))
}

/// The words of a text, where there is one.
pub(super) fn said(text: Option<&Text>, locale: Locale) -> Option<String> {
    text.map(|text| text.get(locale).to_owned())
}
