//! The value stream of a project.

use super::Answer;
use super::ask::{Asked, OrRefuse as _, Path, Query};
use super::iteration::Days;
use super::place::ProjectPath;
use super::refusals::Reads;
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header;
use serde::Serialize;
use slipway_domain::audit::csv_cell;
use slipway_domain::insight::{Stage, ValueStream};
use slipway_domain::text::Locale;
use utoipa::ToSchema;

const STREAM: &str = "/api/v1/orgs/{org}/projects/{project}/value-stream";
const EXPORT: &str = "/api/v1/orgs/{org}/projects/{project}/value-stream-export";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", STREAM, Access::SignedIn, || get(show)),
    route("GET", EXPORT, Access::SignedIn, || get(export)),
];

/// How long finished items took from stage to stage.
#[derive(Serialize, ToSchema)]
pub struct Stream {
    /// The first day.
    #[schema(format = Date)]
    from: String,
    /// The last day.
    #[schema(format = Date)]
    until: String,
    /// How many items were finished.
    finished: usize,
    /// The stages, in order.
    stages: Vec<StreamStage>,
}

/// How long finished items took from one stop to the next; times in µs.
#[derive(Serialize, ToSchema)]
pub struct StreamStage {
    /// Where it begins.
    from: String,
    /// Where it ends.
    to: String,
    /// The median.
    median: Option<i64>,
    /// The 85th percentile.
    p85: Option<i64>,
    /// The time in which the items were in progress or in test.
    work: i64,
    /// The rest.
    wait: i64,
    /// The items it counts, the slowest first.
    items: Vec<StreamItem>,
}

/// An item in a stage.
#[derive(Serialize, ToSchema)]
pub struct StreamItem {
    /// As in `CHK-12`.
    key: String,
    /// How long it took, in µs.
    took: i64,
}

fn stage(stage: Stage, key: &str, locale: Locale) -> StreamStage {
    let items = stage.items.into_iter().map(|(number, took)| StreamItem {
        key: format!("{key}-{number}"),
        took,
    });
    StreamStage {
        from: stage.from.get(locale).to_owned(),
        to: stage.to.get(locale).to_owned(),
        median: stage.median,
        p85: stage.p85,
        work: stage.work,
        wait: stage.wait,
        items: items.collect(),
    }
}

async fn asked_for(asked: &Asked, at: &ProjectPath, days: &Days) -> Result<ValueStream, Refusal> {
    let zone = days.zone.as_deref();
    slipway_portal::insight::stream(asked.ctx(), &at.org, &at.project, zone, days.days)
        .await
        .or_refuse(asked)
}

/// How long the items that were finished in the last days took from stage to stage.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/value-stream",
    tag = "Work items",
    operation_id = "value_stream.show",
    params(ProjectPath, Days),
    responses((status = 200, description = "The stages", body = Stream), Reads)
)]
pub async fn show(asked: Asked, Path(at): Path<ProjectPath>, Query(days): Query<Days>) -> Answer<Stream> {
    let stream = asked_for(&asked, &at, &days).await?;
    let (key, locale) = (stream.key, asked.locale());
    Ok(Json(Stream {
        from: stream.span.0,
        until: stream.span.1,
        finished: stream.finished,
        stages: stream
            .stages
            .into_iter()
            .map(|one| stage(one, &key, locale))
            .collect(),
    }))
}

/// The same as a file: one row for an item and a stage.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/value-stream-export",
    tag = "Work items",
    operation_id = "value_stream.export",
    params(ProjectPath, Days),
    responses(
        (status = 200, description = "The numbers (RFC 4180)", body = String, content_type = "text/csv"),
        Reads
    )
)]
pub async fn export(
    asked: Asked,
    Path(at): Path<ProjectPath>,
    Query(days): Query<Days>,
) -> Result<Response, Refusal> {
    let stream = asked_for(&asked, &at, &days).await?;
    let mut text = String::from("from,to,item,seconds\r\n");
    for one in &stream.stages {
        for (number, took) in &one.items {
            let cells = [
                csv_cell(one.from.get(asked.locale())),
                csv_cell(one.to.get(asked.locale())),
                format!("{}-{number}", stream.key),
                (took / 1_000_000).to_string(),
            ];
            text.push_str(&cells.join(","));
            text.push_str("\r\n");
        }
    }
    let headers = [
        (header::CONTENT_TYPE, String::from("text/csv; charset=utf-8")),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{}-value-stream.csv\"", at.project),
        ),
    ];
    Ok((headers, text).into_response())
}
