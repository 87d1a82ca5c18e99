//! Pods of an app in an environment: their state, their logs, scaling and restarting.

use super::Answer;
use super::ask::{Asked, Body, OrRefuse as _, Path, Query};
use super::drift::StopPath;
use super::refusals::{Changes, Reads};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::IntoResponse;
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::routing::{get, post};
use futures::StreamExt as _;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_domain::pod::{LogAsk, PodsPage};
use slipway_domain::text::Locale;
use slipway_domain::time::Timestamp;
use std::convert::Infallible;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

/// How often a line is sent where nothing is said, so that proxies keep the connection.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long one log is followed; whoever wants more asks again.
const FOLLOWED: Duration = Duration::from_hours(1);

/// Lines that are given where nobody says how many.
const LINES: u32 = 500;

/// The most lines of one answer.
const MOST_LINES: u32 = 5000;

/// The routes.
pub const ROUTES: &[Route] = &[
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/environments/{environment}/pods",
        Access::SignedIn,
        || get(list),
    ),
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/environments/{environment}/pods/{pod}/log",
        Access::SignedIn,
        || get(log),
    ),
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/environments/{environment}/pods/{pod}/log/stream",
        Access::SignedIn,
        || get(stream),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/environments/{environment}/scale",
        Access::SignedIn,
        || post(scale),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/environments/{environment}/restart",
        Access::SignedIn,
        || post(restart),
    ),
];

/// `…/environments/{environment}/pods/{pod}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct PodPath {
    /// The organization's slug.
    org: String,
    /// The project's slug.
    project: String,
    /// The app's slug.
    app: String,
    /// The environment's key.
    environment: String,
    /// The pod's name.
    pod: String,
}

/// What is asked of a log.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LogQuery {
    /// The container; the first where it is left out.
    #[serde(default)]
    container: String,
    /// Whether it is the run before.
    #[serde(default)]
    previous: bool,
    /// How many lines of its end, at most 5000.
    lines: Option<u32>,
}

impl LogQuery {
    fn of(self, pod: String) -> LogAsk {
        LogAsk {
            pod,
            container: self.container,
            previous: self.previous,
            lines: self.lines.unwrap_or(LINES).min(MOST_LINES),
        }
    }
}

/// A container of a pod.
#[derive(Serialize, ToSchema)]
pub struct PodContainer {
    /// Its name.
    name: String,
    /// Whether it runs to its end before the others start.
    init: bool,
    /// Its image.
    image: String,
    /// `Running`, or why it waits or ended, in Kubernetes' words.
    state: String,
    /// Whether it is ready.
    ready: bool,
    /// How often it was restarted.
    restarts: i64,
}

/// A pod.
#[derive(Serialize, ToSchema)]
pub struct Pod {
    /// Its name.
    name: String,
    /// Its state in a word, as `kubectl get pods` shows it.
    status: String,
    /// Whether all of its containers are ready.
    ready: bool,
    /// Whether it is of the newest revision.
    newest: bool,
    /// How often its containers were restarted.
    restarts: i64,
    /// The node it runs on.
    node: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: Option<String>,
    /// Its containers.
    containers: Vec<PodContainer>,
}

/// Something that happened, as Kubernetes tells it.
#[derive(Serialize, ToSchema)]
pub struct PodEvent {
    /// Whether it is a warning.
    warning: bool,
    /// As in `BackOff`.
    reason: String,
    /// In a sentence.
    message: String,
    /// What it happened to, as in `Pod order-api-1`.
    object: String,
    /// How often.
    count: i64,
    /// When it happened last.
    #[schema(format = DateTime)]
    at: Option<String>,
}

/// The pods of an app in an environment.
#[derive(Serialize, ToSchema)]
pub struct WhatRuns {
    /// The version that was deployed; none: nothing yet.
    version: Option<String>,
    /// How many pods are asked for.
    desired: Option<i64>,
    /// The pods, those of the newest revision first.
    pods: Vec<Pod>,
    /// What happened, the newest first.
    events: Vec<PodEvent>,
    /// Why the cluster did not tell.
    trouble: Option<String>,
    /// When it was asked.
    #[schema(format = DateTime)]
    as_of: String,
}

impl WhatRuns {
    fn of(page: PodsPage, locale: Locale) -> Self {
        let pods = page.pods.into_iter().map(|pod| Pod {
            name: pod.name,
            status: pod.status,
            ready: pod.ready,
            newest: pod.newest,
            restarts: pod.restarts,
            node: pod.node,
            created_at: pod.created_at.map(Timestamp::rfc3339),
            containers: pod
                .containers
                .into_iter()
                .map(|container| PodContainer {
                    name: container.name,
                    init: container.init,
                    image: container.image,
                    state: container.state,
                    ready: container.ready,
                    restarts: container.restarts,
                })
                .collect(),
        });
        let events = page.events.into_iter().map(|event| PodEvent {
            warning: event.warning,
            reason: event.reason,
            message: event.message,
            object: event.object,
            count: event.count,
            at: event.at.map(Timestamp::rfc3339),
        });
        Self {
            version: page.current.map(|current| current.version),
            desired: page.desired,
            pods: pods.collect(),
            events: events.collect(),
            trouble: page.trouble.map(|trouble| trouble.get(locale).to_owned()),
            as_of: page.as_of.rfc3339(),
        }
    }
}

/// The end of a log.
#[derive(Serialize, ToSchema)]
pub struct Log {
    /// The container.
    container: String,
    /// Whether it is the run before.
    previous: bool,
    /// The lines.
    text: String,
    /// Why the cluster did not tell.
    trouble: Option<String>,
    /// When it was asked.
    #[schema(format = DateTime)]
    as_of: String,
}

/// How many pods there are to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// From 0 to 200.
    replicas: u32,
}

/// How many pods there were to be.
#[derive(Serialize, ToSchema)]
pub struct Scaled {
    /// Before.
    before: i64,
}

/// The pods of an app in an environment, and what happened to them, as Kubernetes has it now.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/environments/{environment}/pods",
    tag = "Apps",
    operation_id = "pods.list",
    params(StopPath),
    responses((status = 200, description = "The pods", body = WhatRuns), Reads)
)]
pub async fn list(asked: Asked, Path(at): Path<StopPath>) -> Answer<WhatRuns> {
    let of = (at.org.as_str(), at.project.as_str(), at.app.as_str());
    let page = slipway_portal::pod::page(asked.ctx(), of, &at.environment)
        .await
        .or_refuse(&asked)?;
    Ok(Json(WhatRuns::of(page, asked.locale())))
}

/// The end of a container's log. Reading it is written into the audit log.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/environments/{environment}/pods/{pod}/log",
    tag = "Apps",
    operation_id = "pods.log",
    params(PodPath, LogQuery),
    responses((status = 200, description = "The end of it", body = Log), Reads)
)]
pub async fn log(asked: Asked, Path(at): Path<PodPath>, Query(asks): Query<LogQuery>) -> Answer<Log> {
    let of = (at.org.as_str(), at.project.as_str(), at.app.as_str());
    let page = slipway_portal::pod::log(asked.ctx(), of, &at.environment, asks.of(at.pod.clone()))
        .await
        .or_refuse(&asked)?;
    Ok(Json(Log {
        container: page.container,
        previous: page.previous,
        text: page.text,
        trouble: page.trouble.map(|trouble| trouble.get(asked.locale()).to_owned()),
        as_of: page.as_of.rfc3339(),
    }))
}

/// A container's log as it grows: server-sent events whose data are whole lines; `end` says that it has ended, and `trouble`
/// why no more comes. It is followed for an hour at most.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/environments/{environment}/pods/{pod}/log/stream",
    tag = "Apps",
    operation_id = "pods.follow",
    params(PodPath, LogQuery),
    responses((status = 200, description = "Its lines", content_type = "text/event-stream"), Reads)
)]
pub async fn stream(
    asked: Asked,
    Path(at): Path<PodPath>,
    Query(asks): Query<LogQuery>,
) -> Result<impl IntoResponse, Refusal> {
    let of = (at.org.as_str(), at.project.as_str(), at.app.as_str());
    let lines = slipway_portal::pod::follow(asked.ctx(), of, &at.environment, asks.of(at.pod.clone()))
        .await
        .or_refuse(&asked)?;
    let locale = asked.locale();
    let said = lines.map(move |piece| match piece {
        Ok(text) => Sent::default().data(text.trim_end_matches('\n')),
        Err(error) => Sent::default().event("trouble").data(error.text().get(locale)),
    });
    let end = futures::stream::once(std::future::ready(Sent::default().event("end").data("end")));
    let all = said
        .chain(end)
        .take_until(tokio::time::sleep(FOLLOWED))
        .map(Ok::<_, Infallible>);
    Ok(Sse::new(all).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

/// Asks for so many pods until the next deployment. It is drift from what was deployed until it is adopted.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/environments/{environment}/scale",
    tag = "Apps",
    operation_id = "pods.scale",
    params(StopPath),
    request_body = Scale,
    responses((status = 200, description = "How many were asked for before", body = Scaled), Changes)
)]
pub async fn scale(asked: Asked, Path(at): Path<StopPath>, Body(new): Body<Scale>) -> Answer<Scaled> {
    let of = (at.org.as_str(), at.project.as_str(), at.app.as_str());
    let before = slipway_portal::pod::scale(asked.ctx(), of, &at.environment, new.replicas)
        .await
        .or_refuse(&asked)?;
    Ok(Json(Scaled { before }))
}

/// Starts the pods anew, one after the other, as they are.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/environments/{environment}/restart",
    tag = "Apps",
    operation_id = "pods.restart",
    params(StopPath),
    responses((status = 204, description = "They are being replaced"), Changes)
)]
pub async fn restart(asked: Asked, Path(at): Path<StopPath>) -> Result<StatusCode, Refusal> {
    let of = (at.org.as_str(), at.project.as_str(), at.app.as_str());
    slipway_portal::pod::restart(asked.ctx(), of, &at.environment)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
