//! Server functions about pipeline runs.

use super::RunPage;
use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::id::JobId;
use slipway_domain::run::{RunForm, RunList};
use slipway_domain::variable::Variable;
#[cfg(feature = "ssr")]
use slipway_portal::run::{Act, Given, Start};
use std::collections::BTreeMap;

/// An app's runs with a smaller number than `before`, newest first.
#[server(name = ReadRuns, prefix = "/api/fn", endpoint = "run/list", input = GetUrl)]
pub async fn read_runs(
    org: String,
    project: String,
    app: String,
    before: Option<i64>,
) -> Result<RunList, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::run::list(&ctx, &org, &project, &app, before).await?)
}

/// A run, and a window of the log of one of its jobs: the one named, else the one to look at first.
#[server(name = ReadRun, prefix = "/api/fn", endpoint = "run/page", input = GetUrl)]
pub async fn read_run(
    org: String,
    project: String,
    app: String,
    number: String,
    job: Option<String>,
    from: Option<usize>,
    find: Option<String>,
    nth: Option<usize>,
) -> Result<RunPage, AppError> {
    let ctx = crate::ctx()?;
    let number = number.parse().map_err(|_| slipway_portal::Error::NotFound)?;
    let run = slipway_portal::run::view(&ctx, &org, &project, &app, number).await?;
    let log = match super::chosen(&run, job.as_deref()) {
        Some(job) => {
            let at = slipway_portal::run::JobAt {
                org: &org,
                project: &project,
                app: &app,
                number,
                job: job.id,
            };
            let find = find.filter(|text| !text.is_empty());
            // Past the end is the last window: what a reader who named none wants to see.
            let from = from.unwrap_or(usize::MAX);
            let window = match find {
                Some(text) => {
                    slipway_portal::run::find(&ctx, &at, &text, nth.unwrap_or(1), super::WINDOW).await?
                }
                None => slipway_portal::run::log(&ctx, &at, from, super::WINDOW).await?,
            };
            Some(window)
        }
        None => None,
    };
    Ok(RunPage { run, log })
}

/// The form to run a pipeline with, for a branch or tag.
#[server(name = ReadRunForm, prefix = "/api/fn", endpoint = "run/form", input = GetUrl)]
pub async fn read_run_form(
    org: String,
    project: String,
    app: String,
    #[server(rename = "ref")] git_ref: Option<String>,
) -> Result<RunForm, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::run::form(&ctx, &org, &project, &app, git_ref.as_deref()).await?)
}

/// Starts a pipeline on a branch or tag, and leads to its page.
#[server(name = StartRun, prefix = "/api/fn", endpoint = "run/start")]
pub async fn start_run(
    org: String,
    project: String,
    app: String,
    #[server(rename = "ref")] git_ref: String,
    #[server(default)] inputs: BTreeMap<String, String>,
    #[server(default)] variables: Vec<Variable>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let start = Start {
        git_ref,
        inputs: Given::Typed(inputs),
        variables,
    };
    let number = slipway_portal::run::start(&ctx, &org, &project, &app, &start).await?;
    leptos_axum::redirect(&format!(
        "{}/runs/{number}",
        crate::places::app(&org, &project, &app)
    ));
    Ok(())
}

/// Runs the failed and canceled jobs of a run again.
#[server(name = RetryRun, prefix = "/api/fn", endpoint = "run/retry")]
pub async fn retry_run(org: String, project: String, app: String, number: i64) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::run::act(&ctx, &org, &project, &app, number, &Act::Retry).await?)
}

/// Stops a run.
#[server(name = CancelRun, prefix = "/api/fn", endpoint = "run/cancel")]
pub async fn cancel_run(org: String, project: String, app: String, number: i64) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::run::act(&ctx, &org, &project, &app, number, &Act::Cancel).await?)
}

/// Runs one job again.
#[server(name = RetryJob, prefix = "/api/fn", endpoint = "run/retry_job")]
pub async fn retry_job(
    org: String,
    project: String,
    app: String,
    number: i64,
    job: JobId,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::run::act(&ctx, &org, &project, &app, number, &Act::RetryJob(job)).await?)
}

/// Starts a job that waits for a person.
#[server(name = PlayJob, prefix = "/api/fn", endpoint = "run/play")]
pub async fn play_job(
    org: String,
    project: String,
    app: String,
    number: i64,
    job: JobId,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let play = Act::Play(job, BTreeMap::new());
    Ok(slipway_portal::run::act(&ctx, &org, &project, &app, number, &play).await?)
}
