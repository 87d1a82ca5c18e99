//! Jobs of a pipeline run.

use crate::http::problem::Refusal;
use crate::http::visit::Visit;
use axum::Extension;
use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::header;
use slipway_portal::Error;
use slipway_portal::run::JobAt;

/// A job's log as it was written, to be saved as a file.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/jobs/{job}/log",
    params(
        ("org" = String, Path, description = "Slug"),
        ("project" = String, Path, description = "Slug"),
        ("app" = String, Path, description = "Slug"),
        ("number" = i64, Path, description = "The run's number in the app"),
        ("job" = String, Path, description = "The job's id"),
    ),
    responses(
        (status = 200, description = "The log", content_type = "text/plain"),
        (status = 401),
        (status = 404)
    )
)]
pub async fn log(
    Extension(visit): Extension<Visit>,
    Path((org, project, app, number, job)): Path<(String, String, String, String, String)>,
) -> Result<Response, Refusal> {
    let refused = |error: Error| Refusal::of(&visit, error);
    let (Ok(number), Ok(job)) = (number.parse(), job.parse()) else {
        return Err(refused(Error::NotFound));
    };
    let at = JobAt {
        org: &org,
        project: &project,
        app: &app,
        number,
        job,
    };
    let file = slipway_portal::run::download(&visit.ctx, &at)
        .await
        .map_err(refused)?;
    let headers = [
        (header::CONTENT_TYPE, String::from("text/plain; charset=utf-8")),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{}\"", file.name),
        ),
        // A file that ends too early is seen to.
        (header::CONTENT_LENGTH, file.size.to_string()),
    ];
    Ok((headers, Body::from_stream(file.pieces)).into_response())
}
