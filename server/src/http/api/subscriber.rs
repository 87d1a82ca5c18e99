//! Webhooks that Slipway sends: of an organization itself, or by `?project=` of a project in it.

use super::Answer;
use super::ask::{Asked, Body, IfMatch, OrRefuse as _, Path, Query};
use super::created;
use super::paging::{Page, Paged};
use super::place::{Made, OrgPath, one_of};
use super::refusals::{Changes, Reads};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use slipway_domain::id::{MessageId, SubscriberId};
use slipway_domain::message::{Message, MessageState, MessageView};
use slipway_domain::subscriber::{DESCRIPTION_MAX, EventKind, Subscriber, URL_MAX};
use slipway_domain::text::Locale;
use slipway_domain::time::Timestamp;
use slipway_portal::access::At;
use slipway_portal::subscriber::{self, Input};
use std::collections::BTreeMap;
use utoipa::openapi::schema::{Array, ArrayBuilder, Object};
use utoipa::{IntoParams, ToSchema};

const LIST: &str = "/api/v1/orgs/{org}/webhooks";
const ONE: &str = "/api/v1/orgs/{org}/webhooks/{webhook}";
const DELIVERIES: &str = "/api/v1/orgs/{org}/webhooks/{webhook}/deliveries";

/// The most deliveries of a page, and one more to know whether there are others.
const MOST: usize = 101;

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", LIST, Access::SignedIn, || get(list)),
    route("POST", LIST, Access::SignedIn, || post(create)),
    route("GET", ONE, Access::SignedIn, || get(show)),
    route("PUT", ONE, Access::SignedIn, || put(update)),
    route("DELETE", ONE, Access::SignedIn, || delete(remove)),
    route(
        "POST",
        "/api/v1/orgs/{org}/webhooks/{webhook}/secret",
        Access::SignedIn,
        || post(rotate),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/webhooks/{webhook}/test",
        Access::SignedIn,
        || post(test),
    ),
    route("GET", DELIVERIES, Access::SignedIn, || get(deliveries)),
    route(
        "GET",
        "/api/v1/orgs/{org}/webhooks/{webhook}/deliveries/{delivery}",
        Access::SignedIn,
        || get(delivery),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/webhooks/{webhook}/deliveries/{delivery}/resend",
        Access::SignedIn,
        || post(resend),
    ),
];

/// `/orgs/{org}/webhooks/{webhook}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct WebhookPath {
    /// The organization's slug.
    org: String,
    /// The webhook's id.
    #[param(value_type = String, format = "uuid")]
    webhook: SubscriberId,
}

/// `/orgs/{org}/webhooks/{webhook}/deliveries/{delivery}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct DeliveryPath {
    /// The organization's slug.
    org: String,
    /// The webhook's id.
    #[param(value_type = String, format = "uuid")]
    webhook: SubscriberId,
    /// The delivery's id: its `webhook-id`.
    #[param(value_type = String, format = "uuid")]
    delivery: MessageId,
}

/// Whose webhooks are meant; without a project, those of the organization itself.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Whose {
    /// The slug of a project of the organization.
    project: Option<String>,
}

impl Whose {
    fn of<'a>(&'a self, org: &'a str) -> At<'a> {
        At::new(org, self.project.as_deref(), None)
    }

    /// The address of `rest` below the webhooks of the place.
    fn url(&self, org: &str, rest: &str) -> String {
        let at = self.of(org);
        match at.project {
            Some(project) => format!("/api/v1/orgs/{org}/webhooks/{rest}?project={project}"),
            None => format!("/api/v1/orgs/{org}/webhooks/{rest}"),
        }
    }
}

fn kinds() -> Array {
    ArrayBuilder::new()
        .items(one_of(EventKind::chosen().map(EventKind::key)))
        .build()
}

fn states() -> Object {
    one_of(MessageState::ALL.into_iter().map(MessageState::key))
}

/// Where webhooks are sent to. Its secret is not shown.
#[derive(Serialize, ToSchema)]
pub struct Webhook {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// Where to.
    url: String,
    /// What it is for.
    description: String,
    /// Which kinds of events are sent.
    #[schema(schema_with = kinds)]
    events: Vec<&'static str>,
    /// Whether anything is sent.
    enabled: bool,
    /// Why Slipway switched it off.
    off_reason: Option<String>,
    /// Since when nothing was delivered.
    #[schema(format = DateTime)]
    failing_since: Option<String>,
    /// Until when the secret before the last rotation signs too.
    #[schema(format = DateTime)]
    old_secret_until: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// Grows with every edit.
    version: i64,
}

impl Webhook {
    fn of(subscriber: Subscriber, locale: Locale) -> Self {
        Self {
            id: subscriber.id.to_string(),
            url: subscriber.url,
            description: subscriber.description,
            events: subscriber.kinds.iter().map(EventKind::key).collect(),
            enabled: subscriber.enabled,
            off_reason: subscriber.off_reason.map(|why| why.get(locale).to_owned()),
            failing_since: subscriber.failing_since.map(Timestamp::rfc3339),
            old_secret_until: subscriber.old_secret_until.map(Timestamp::rfc3339),
            created_at: subscriber.created_at.rfc3339(),
            version: subscriber.version,
        }
    }
}

const fn yes() -> bool {
    true
}

/// A webhook to be made, or what one should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// Where to: `https://` or `http://`, not to Slipway's own machine.
    #[schema(max_length = 2000)]
    url: String,
    /// What it is for.
    #[serde(default)]
    #[schema(max_length = 200)]
    description: String,
    /// Which kinds of events are sent.
    #[schema(schema_with = kinds)]
    events: Vec<String>,
    /// Whether anything is sent; left out: it is.
    #[serde(default = "yes")]
    enabled: bool,
}

const _: () = assert!(URL_MAX == 2000 && DESCRIPTION_MAX == 200, "as the schema says");

impl From<NewWebhook> for Input {
    fn from(new: NewWebhook) -> Self {
        Self {
            url: new.url,
            description: new.description,
            kinds: new.events,
            enabled: new.enabled,
        }
    }
}

/// A webhook's secret. It is shown now and never again.
#[derive(Serialize, ToSchema)]
pub struct WebhookSecret {
    /// The webhook's id.
    #[schema(format = "uuid")]
    id: String,
    /// Where it is, also in `Location`.
    url: String,
    /// What signatures are checked with: `whsec_` and base64 (Standard Webhooks).
    secret: String,
}

impl WebhookSecret {
    fn of(made: subscriber::Made, at: &Whose, org: &str) -> Self {
        let id = made.id.to_string();
        Self {
            url: at.url(org, &id),
            id,
            secret: made.secret,
        }
    }
}

/// A delivery.
#[derive(Serialize, ToSchema)]
pub struct Delivery {
    /// Its id: the `webhook-id` of every try.
    #[schema(format = "uuid")]
    id: String,
    /// The kind of the event.
    event: &'static str,
    /// How it stands.
    #[schema(schema_with = states)]
    state: &'static str,
    /// When what it tells happened.
    #[schema(format = DateTime)]
    created_at: String,
    /// How often it was tried.
    tries: i64,
    /// When it was tried last.
    #[schema(format = DateTime)]
    tried_at: Option<String>,
    /// When it is tried next.
    #[schema(format = DateTime)]
    next_try_at: Option<String>,
    /// The HTTP status of the last answer.
    status: Option<i64>,
    /// How long the last try took, in ms.
    took_ms: Option<i64>,
    /// Why there was no answer, or what was wrong with it.
    trouble: Option<String>,
}

impl Delivery {
    fn of(message: Message, locale: Locale) -> Self {
        Self {
            id: message.id.to_string(),
            event: message.kind.key(),
            state: message.state.key(),
            created_at: message.created_at.rfc3339(),
            tries: message.tries,
            tried_at: message.tried_at.map(Timestamp::rfc3339),
            next_try_at: message.next_try_at.map(Timestamp::rfc3339),
            status: message.status,
            took_ms: message.took_ms,
            trouble: message.trouble.map(|trouble| trouble.get(locale).to_owned()),
        }
    }
}

/// A delivery with what was sent and what came back.
#[derive(Serialize, ToSchema)]
pub struct DeliveryDetail {
    /// Which, and how it stands.
    #[serde(flatten)]
    delivery: Delivery,
    /// Where it goes.
    url: String,
    /// The headers of the last try.
    request_headers: BTreeMap<String, String>,
    /// The body, as it is signed and sent.
    request_body: String,
    /// The beginning of the last answer, at most 4 KiB.
    answer: String,
}

impl DeliveryDetail {
    fn of(view: MessageView, locale: Locale) -> Self {
        Self {
            delivery: Delivery::of(view.message, locale),
            url: view.url,
            request_headers: view.headers.into_iter().collect(),
            request_body: view.body,
            answer: view.answer,
        }
    }
}

/// The webhooks of the place itself, the oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/webhooks",
    tag = "Webhooks",
    operation_id = "webhooks.list",
    params(OrgPath, Whose, Page),
    responses((status = 200, description = "A page of them", body = Vec<Webhook>), Reads)
)]
pub async fn list(
    asked: Asked,
    Path(path): Path<OrgPath>,
    Query(at): Query<Whose>,
    page: Page,
) -> Result<Paged<Webhook>, Refusal> {
    let list = subscriber::list(asked.ctx(), at.of(&path.org))
        .await
        .or_refuse(&asked)?;
    let locale = asked.locale();
    Ok(page
        .cut(list.subscribers, |one| one.id.to_string())
        .map(|one| Webhook::of(one, locale)))
}

/// Makes a webhook. Its secret is in this answer and nowhere else.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/webhooks",
    tag = "Webhooks",
    operation_id = "webhooks.create",
    params(OrgPath, Whose),
    request_body = NewWebhook,
    responses((status = 201, description = "It was made", body = WebhookSecret), Changes)
)]
pub async fn create(
    asked: Asked,
    Path(path): Path<OrgPath>,
    Query(at): Query<Whose>,
    Body(new): Body<NewWebhook>,
) -> Result<Response, Refusal> {
    let made = subscriber::create(asked.ctx(), at.of(&path.org), new.into())
        .await
        .or_refuse(&asked)?;
    let made = WebhookSecret::of(made, &at, &path.org);
    let location = [(header::LOCATION, made.url.clone())];
    Ok((StatusCode::CREATED, location, Json(made)).into_response())
}

/// A webhook.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/webhooks/{webhook}",
    tag = "Webhooks",
    operation_id = "webhooks.show",
    params(WebhookPath, Whose),
    responses((status = 200, description = "The webhook", body = Webhook, headers(("ETag" = String))), Reads)
)]
pub async fn show(
    asked: Asked,
    Path(path): Path<WebhookPath>,
    Query(at): Query<Whose>,
) -> Result<Response, Refusal> {
    let found = subscriber::show(asked.ctx(), at.of(&path.org), path.webhook)
        .await
        .or_refuse(&asked)?;
    let tag = HeaderValue::try_from(format!("\"{}\"", found.version));
    let mut response = Json(Webhook::of(found, asked.locale())).into_response();
    if let Ok(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// Changes a webhook; with `If-Match`, only where that is still its version. Switching it off cancels what waits.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/webhooks/{webhook}",
    tag = "Webhooks",
    operation_id = "webhooks.update",
    params(
        WebhookPath,
        Whose,
        ("If-Match" = Option<String>, Header, description = "The ETag it was read with")
    ),
    request_body = NewWebhook,
    responses((status = 204, description = "It is changed"), Changes)
)]
pub async fn update(
    asked: Asked,
    Path(path): Path<WebhookPath>,
    Query(at): Query<Whose>,
    IfMatch(expected): IfMatch,
    Body(new): Body<NewWebhook>,
) -> Result<StatusCode, Refusal> {
    let place = at.of(&path.org);
    subscriber::update(asked.ctx(), place, path.webhook, expected, new.into())
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a webhook and its deliveries.
#[utoipa::path(
    delete,
    path = "/api/v1/orgs/{org}/webhooks/{webhook}",
    tag = "Webhooks",
    operation_id = "webhooks.delete",
    params(WebhookPath, Whose),
    responses((status = 204, description = "It is gone"), Changes)
)]
pub async fn remove(
    asked: Asked,
    Path(path): Path<WebhookPath>,
    Query(at): Query<Whose>,
) -> Result<StatusCode, Refusal> {
    subscriber::delete(asked.ctx(), at.of(&path.org), path.webhook)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a webhook a new secret. The one before signs beside it for 24 hours.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/webhooks/{webhook}/secret",
    tag = "Webhooks",
    operation_id = "webhooks.rotate_secret",
    params(WebhookPath, Whose),
    responses((status = 200, description = "The new secret", body = WebhookSecret), Changes)
)]
pub async fn rotate(
    asked: Asked,
    Path(path): Path<WebhookPath>,
    Query(at): Query<Whose>,
) -> Answer<WebhookSecret> {
    let made = subscriber::rotate(asked.ctx(), at.of(&path.org), path.webhook)
        .await
        .or_refuse(&asked)?;
    Ok(Json(WebhookSecret::of(made, &at, &path.org)))
}

/// Sends a test, an event of the kind `webhook.test`.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/webhooks/{webhook}/test",
    tag = "Webhooks",
    operation_id = "webhooks.test",
    params(WebhookPath, Whose),
    responses((status = 201, description = "Its delivery", body = Made), Changes)
)]
pub async fn test(
    asked: Asked,
    Path(path): Path<WebhookPath>,
    Query(at): Query<Whose>,
) -> Result<Response, Refusal> {
    let id = subscriber::test(asked.ctx(), at.of(&path.org), path.webhook)
        .await
        .or_refuse(&asked)?;
    let rest = format!("{}/deliveries/{id}", path.webhook);
    Ok(created(id.to_string(), at.url(&path.org, &rest)))
}

/// The deliveries of a webhook of the last 30 days, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/webhooks/{webhook}/deliveries",
    tag = "Webhooks",
    operation_id = "deliveries.list",
    params(WebhookPath, Whose, Page),
    responses((status = 200, description = "A page of them", body = Vec<Delivery>), Reads)
)]
pub async fn deliveries(
    asked: Asked,
    Path(path): Path<WebhookPath>,
    Query(at): Query<Whose>,
    page: Page,
) -> Result<Paged<Delivery>, Refusal> {
    let before = page.from().or_refuse(&asked)?;
    let rows = subscriber::messages(asked.ctx(), at.of(&path.org), path.webhook, before, MOST)
        .await
        .or_refuse(&asked)?;
    let locale = asked.locale();
    Ok(page
        .take(rows, false, |row| row.id.to_string())
        .map(|row| Delivery::of(row, locale)))
}

/// A delivery with what was sent and what came back.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/webhooks/{webhook}/deliveries/{delivery}",
    tag = "Webhooks",
    operation_id = "deliveries.show",
    params(DeliveryPath, Whose),
    responses((status = 200, description = "The delivery", body = DeliveryDetail), Reads)
)]
pub async fn delivery(
    asked: Asked,
    Path(path): Path<DeliveryPath>,
    Query(at): Query<Whose>,
) -> Answer<DeliveryDetail> {
    let view = subscriber::message(asked.ctx(), at.of(&path.org), path.webhook, path.delivery)
        .await
        .or_refuse(&asked)?;
    Ok(Json(DeliveryDetail::of(view, asked.locale())))
}

/// Sends a delivery again with the same `webhook-id`, whether or not it arrived.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/webhooks/{webhook}/deliveries/{delivery}/resend",
    tag = "Webhooks",
    operation_id = "deliveries.resend",
    params(DeliveryPath, Whose),
    responses((status = 204, description = "It is sent in a moment"), Changes)
)]
pub async fn resend(
    asked: Asked,
    Path(path): Path<DeliveryPath>,
    Query(at): Query<Whose>,
) -> Result<StatusCode, Refusal> {
    subscriber::resend(asked.ctx(), at.of(&path.org), path.webhook, path.delivery)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
