//! The caller's notices, and what they want to be told.

use super::ask::{Asked, Body, IfMatch, OrRefuse as _, Query};
use super::etag;
use super::paging::{Page, Paged};
use super::place::one_of;
use super::refusals::{Changes, Reads};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use slipway_domain::id::{NoticeId, ProjectId};
use slipway_domain::notice::{NoticeKind, Thread};
use slipway_domain::text::Locale;
use slipway_domain::time::Timestamp;
use slipway_portal::notice;
use slipway_portal::ports::Which;
use slipway_portal::version;
use utoipa::openapi::schema::{Array, ArrayBuilder, Object};
use utoipa::{IntoParams, ToSchema};

const SETTINGS: &str = "/api/v1/me/notice-settings";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", "/api/v1/me/notices", Access::SignedIn, || get(list)),
    route("POST", "/api/v1/me/notices/mark", Access::SignedIn, || post(mark)),
    route("GET", SETTINGS, Access::SignedIn, || get(settings)),
    route("PUT", SETTINGS, Access::SignedIn, || put(choose)),
];

fn kinds() -> Object {
    one_of(NoticeKind::ALL.iter().map(|kind| kind.key()))
}

fn kind_list() -> Array {
    ArrayBuilder::new().items(kinds()).build()
}

/// Which notices.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only those that were not read.
    #[serde(default)]
    #[param(required = false)]
    unread: bool,
}

/// A notice.
#[derive(Serialize, ToSchema)]
pub struct Notice {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// What it is about.
    #[schema(schema_with = kinds)]
    kind: &'static str,
    /// What happened, in a sentence.
    text: String,
    /// The thing it is about: notices of one thread have it in common.
    thread: String,
    /// What that is called.
    subject: String,
    /// Where that is.
    within: String,
    /// Its page.
    path: String,
    /// When.
    #[schema(format = "date-time")]
    at: String,
    /// When it was read; none: it is unread.
    #[schema(format = "date-time")]
    read_at: Option<String>,
}

/// A notice and its thread.
type Told = (Thread, slipway_domain::notice::Notice);

impl Notice {
    fn of((thread, notice): Told, locale: Locale) -> Self {
        Self {
            id: notice.id.to_string(),
            kind: notice.kind.key(),
            text: notice.words.get(locale).to_owned(),
            thread: thread.key,
            subject: thread.subject,
            within: thread.within,
            path: thread.path,
            at: notice.at.rfc3339(),
            read_at: notice.read_at.map(Timestamp::rfc3339),
        }
    }
}

/// What is to be marked: one notice, else a thread, else all.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Marks {
    /// The id of a notice.
    #[schema(value_type = Option<String>, format = "uuid")]
    notice: Option<NoticeId>,
    /// The thread of notices.
    thread: Option<String>,
    /// Whether they are read; otherwise unread.
    #[serde(default = "yes")]
    read: bool,
}

const fn yes() -> bool {
    true
}

/// A kind of notice and whether it is told.
#[derive(Serialize, ToSchema)]
pub struct KindChoice {
    /// Which.
    #[schema(schema_with = kinds)]
    kind: &'static str,
    /// Whether it is told.
    on: bool,
}

/// A project and whether its notices are told.
#[derive(Serialize, ToSchema)]
pub struct ProjectChoice {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// In URLs.
    slug: String,
    /// The organization's name.
    org: String,
    /// Whether nothing of it is told.
    muted: bool,
}

/// What the caller wants to be told.
#[derive(Serialize, ToSchema)]
pub struct NoticeChoices {
    /// Every kind.
    kinds: Vec<KindChoice>,
    /// Every project that the caller sees.
    projects: Vec<ProjectChoice>,
}

/// What the caller should be told: all but this.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticeChoicesUpdate {
    /// Kinds that are not told.
    #[serde(default)]
    #[schema(schema_with = kind_list)]
    off: Vec<NoticeKind>,
    /// The ids of projects of which nothing is told.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    muted: Vec<ProjectId>,
}

/// The caller's notices, the newest first; of places that they still see.
#[utoipa::path(
    get,
    path = "/api/v1/me/notices",
    tag = "You",
    operation_id = "notices.list",
    params(Filter, Page),
    responses((status = 200, description = "A page of them", body = Vec<Notice>), Reads)
)]
pub async fn list(asked: Asked, Query(filter): Query<Filter>, page: Page) -> Result<Paged<Notice>, Refusal> {
    let before = page.from().or_refuse(&asked)?.map(Timestamp);
    let found = notice::list(asked.ctx(), filter.unread, before)
        .await
        .or_refuse(&asked)?;
    let mut all: Vec<Told> = Vec::new();
    for mut thread in found.threads {
        for notice in std::mem::take(&mut thread.notices) {
            all.push((thread.clone(), notice));
        }
    }
    all.sort_by_key(|(_, notice)| (std::cmp::Reverse(notice.at), std::cmp::Reverse(notice.id)));
    let locale = asked.locale();
    let instant = |(_, notice): &Told| notice.at.micros();
    Ok(page
        .take_by_instant(all, found.older_than.map(Timestamp::micros), instant)
        .map(|told| Notice::of(told, locale)))
}

/// Marks notices of the caller as read, or as unread. What is not theirs changes nothing and says nothing.
#[utoipa::path(
    post,
    path = "/api/v1/me/notices/mark",
    tag = "You",
    operation_id = "notices.mark",
    request_body = Marks,
    responses((status = 204, description = "They are marked"), Changes)
)]
pub async fn mark(asked: Asked, Body(marks): Body<Marks>) -> Result<StatusCode, Refusal> {
    let which = Which::of(marks.notice, marks.thread);
    notice::mark(asked.ctx(), &which, marks.read)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the caller wants to be told.
#[utoipa::path(
    get,
    path = "/api/v1/me/notice-settings",
    tag = "You",
    operation_id = "notices.settings",
    responses((status = 200, description = "It", body = NoticeChoices, headers(("ETag" = String))), Reads)
)]
pub async fn settings(asked: Asked) -> Result<Response, Refusal> {
    let found = notice::settings(asked.ctx()).await.or_refuse(&asked)?;
    let tag = [(header::ETAG, etag(version::notices(&found)))];
    let kinds = found
        .kinds
        .into_iter()
        .map(|(kind, on)| KindChoice { kind: kind.key(), on });
    let projects = found.projects.into_iter().map(|choice| ProjectChoice {
        id: choice.project.id.to_string(),
        slug: choice.project.slug,
        org: choice.org,
        muted: choice.muted,
    });
    let choices = NoticeChoices {
        kinds: kinds.collect(),
        projects: projects.collect(),
    };
    Ok((tag, Json(choices)).into_response())
}

/// Sets all that the caller wants to be told.
#[utoipa::path(
    put,
    path = "/api/v1/me/notice-settings",
    tag = "You",
    operation_id = "notices.choose",
    params(("If-Match" = Option<String>, Header, description = "The ETag it was read with")),
    request_body = NoticeChoicesUpdate,
    responses((status = 204, description = "It is set"), Changes)
)]
pub async fn choose(
    asked: Asked,
    IfMatch(expected): IfMatch,
    Body(new): Body<NoticeChoicesUpdate>,
) -> Result<StatusCode, Refusal> {
    notice::choose(&asked.ctx().only_on(expected), &new.off, &new.muted)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
