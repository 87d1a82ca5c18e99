//! Pipeline runs: what GitLab CI does with a commit.
//!
//! [`sync`] keeps what Slipway knows of a run close to GitLab's truth; [`log`] keeps and shows the logs of its jobs.
//! Here is what people ask and do.

mod log;
mod start;
mod sync;
mod window;

pub use log::{Download, JobAt, MOST_LINES, download, find, log};
pub use start::{Given, Start, form, start};
pub(crate) use start::{asked_of, checked_inputs, checked_ref, checked_variables};
pub(crate) use sync::sync;
pub(crate) use window::LogCache;

use crate::access::{self, App, Authorized, may};
use crate::change::{Change, Entry};
use crate::connection::{self, Link};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::jobs::Job;
use crate::ports::{ForgeError, JobRecord, RunRecord};
use slipway_domain::access::Action;
use slipway_domain::id::{AppId, JobId};
use slipway_domain::run::{RunList, RunRow, RunView};
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;
use std::collections::BTreeMap;

/// How many runs a page has.
const PAGE: i64 = 30;
/// How many runs the median is of.
const MEDIAN_OF: i64 = 20;

/// A page of an app's runs: those with a smaller number than `before`, newest first.
///
/// # Errors
/// As [`access::app`].
pub async fn list(ctx: &OpCtx, org: &str, project: &str, app: &str, before: Option<i64>) -> Result<RunList> {
    let app = access::app::<may::SeePipelines>(ctx, org, project, app)
        .await?
        .see();
    let held = access::rights_in(ctx, &app).await?;
    let mut tx = ctx.read().await?;
    let mut runs = tx.runs(&app, before, PAGE + 1).await?;
    let state = tx.repository_state(&app).await?;
    let (_, repository, _) = tx.app_detail(&app).await?;
    let more = runs.len() > usize::try_from(PAGE).unwrap_or(usize::MAX);
    runs.truncate(usize::try_from(PAGE).unwrap_or(usize::MAX));
    Ok(RunList {
        place: app.place(),
        older_than: runs.last().filter(|_| more).map(|run| run.row.number),
        runs: runs.into_iter().map(|run| run.row).collect(),
        connected: repository.is_some(),
        may_run: held.has(Action::PipelineRun),
        may_edit: held.has(Action::PipelineEdit),
        as_of: state.synced_at,
        trouble: state.trouble.or(state.hook_trouble),
    })
}

/// The newest runs of an app, for its page.
///
/// # Errors
/// The database does not answer.
pub async fn newest(ctx: &OpCtx, app: &Authorized<App, may::See>, count: i64) -> Result<Vec<RunRow>> {
    let runs = ctx.read().await?.runs(app, None, count).await?;
    Ok(runs.into_iter().map(|run| run.row).collect())
}

/// What the run's page shows.
///
/// # Errors
/// As [`access::app`]; [`Error::NotFound`] where there is no such run.
pub async fn view(ctx: &OpCtx, org: &str, project: &str, app: &str, number: i64) -> Result<RunView> {
    let app = access::app::<may::SeePipelines>(ctx, org, project, app)
        .await?
        .see();
    let held = access::rights_in(ctx, &app).await?;
    let mut tx = ctx.read().await?;
    let run = tx.run_by_number(&app, number).await?.ok_or(Error::NotFound)?;
    let jobs = tx.jobs_of_run(&app, run.row.id).await?;
    let release = tx.release_of_run(&app, run.row.id).await?;
    let mut durations = tx.run_durations(&app, &run.row.git_ref, MEDIAN_OF).await?;
    let state = tx.repository_state(&app).await?;
    drop(tx);
    let right = if run.protected {
        Action::PipelineRunProtected
    } else {
        Action::PipelineRun
    };
    // What has ended stays as it is for as long as the repository answers.
    let as_of = if run.settled_at.is_some() {
        state.synced_at.max(Some(run.seen_at))
    } else {
        Some(run.seen_at)
    };
    Ok(RunView {
        place: app.place(),
        stages: stages(&jobs),
        with_files: jobs
            .iter()
            .filter(|job| job.has_artifacts)
            .map(|job| job.row.id)
            .collect(),
        jobs: in_stages(jobs),
        release: release.map(|release| (release.id, release.version)),
        release_trouble: run.release_trouble,
        median: median(&mut durations),
        web_url: run.web_url,
        may_run: held.has(right),
        as_of: as_of.unwrap_or(run.seen_at),
        trouble: run.failure.or(state.trouble),
        run: run.row,
    })
}

/// The stages in the order in which GitLab made their first jobs.
fn stages(jobs: &[JobRecord]) -> Vec<String> {
    let mut stages: Vec<String> = Vec::new();
    for job in jobs {
        if !stages.contains(&job.row.stage) {
            stages.push(job.row.stage.clone());
        }
    }
    stages
}

fn in_stages(jobs: Vec<JobRecord>) -> Vec<slipway_domain::run::JobRow> {
    let stages = stages(&jobs);
    let mut rows: Vec<_> = jobs.into_iter().map(|job| job.row).collect();
    rows.sort_by_key(|row| stages.iter().position(|stage| *stage == row.stage));
    rows
}

fn median(values: &mut [i64]) -> Option<i64> {
    values.sort_unstable();
    let middle = values.len() / 2;
    match values {
        [] => None,
        values if values.len() % 2 == 1 => Some(values[middle]),
        values => Some(values[middle - 1].midpoint(values[middle])),
    }
}

/// Asks for a look at a pipeline of an app at `at`.
pub(crate) async fn enqueue_sync(
    change: &mut Change<'_>,
    app: AppId,
    pipeline: i64,
    at: Timestamp,
) -> Result<()> {
    change
        .enqueue(
            &Job::SyncRun { app, pipeline },
            at,
            Some(&format!("run:{app}:{pipeline}")),
        )
        .await
}

/// Something to do with a run or one of its jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Runs the failed and canceled jobs again.
    Retry,
    /// Stops every job.
    Cancel,
    /// Runs one job again.
    RetryJob(JobId),
    /// Stops one job.
    CancelJob(JobId),
    /// Starts a manual job, with variables.
    Play(JobId, BTreeMap<String, String>),
}

impl Act {
    const fn key(&self) -> &'static str {
        match self {
            Self::Retry => "run.retry",
            Self::Cancel => "run.cancel",
            Self::RetryJob(_) => "job.retry",
            Self::CancelJob(_) => "job.cancel",
            Self::Play(..) => "job.play",
        }
    }

    /// Whether it makes something run.
    const fn starts(&self) -> bool {
        matches!(self, Self::Retry | Self::RetryJob(_) | Self::Play(..))
    }

    const fn job(&self) -> Option<JobId> {
        match self {
            Self::Retry | Self::Cancel => None,
            Self::RetryJob(job) | Self::CancelJob(job) | Self::Play(job, _) => Some(*job),
        }
    }
}

/// Retries, cancels or plays. On a protected ref it takes [`Action::PipelineRunProtected`].
///
/// # Errors
/// As [`access::app`]; there is no such run or job; a variable has a wrong name; GitLab refuses or does not answer.
pub async fn act(ctx: &OpCtx, org: &str, project: &str, app: &str, number: i64, act: &Act) -> Result<()> {
    let app = access::app::<may::PipelineRun>(ctx, org, project, app).await?;
    let see = app.see();
    let mut tx = ctx.read().await?;
    let run = tx.run_by_number(&see, number).await?.ok_or(Error::NotFound)?;
    let job = match act.job() {
        Some(id) => Some(tx.job(&see, run.row.id, id).await?.ok_or(Error::NotFound)?),
        None => None,
    };
    drop(tx);
    let link = connection::link(ctx, &app).await?;
    if protected_now(ctx, &link, &run).await? {
        access::also::<may::PipelineRunProtected>(ctx, &see).await?;
    }
    let (forge, at) = (&link.forge, link.project());
    let answer = match (act, &job) {
        (Act::Retry, _) => forge.retry_pipeline(at, run.forge_id).await.map(drop),
        (Act::Cancel, _) => forge.cancel_pipeline(at, run.forge_id).await.map(drop),
        (Act::RetryJob(_), Some(job)) => forge.retry_job(at, job.row.forge_id).await,
        (Act::CancelJob(_), Some(job)) => forge.cancel_job(at, job.row.forge_id).await,
        (Act::Play(_, variables), Some(job)) => {
            check_variables(variables)?;
            forge.play_job(at, job.row.forge_id, variables).await
        }
        (Act::RetryJob(_) | Act::CancelJob(_) | Act::Play(..), None) => return Err(Error::NotFound),
    };
    link.asked(ctx, answer).await?;
    let place = app.place();
    let name = job.as_ref().map(|job| job.row.name.clone());
    let variables: Vec<&String> = match act {
        Act::Play(_, variables) => variables.keys().collect(),
        _ => Vec::new(),
    };
    let summary = serde_json::json!({ "ref": run.row.git_ref, "job": name, "variables": variables });
    let mut change = ctx.change().await?;
    change
        .audit(Entry::done(
            act.key(),
            "run",
            run.row.id,
            format!("#{number}"),
            &place,
            summary,
        ))
        .await?;
    if act.starts() {
        remember_starter(ctx, &mut change, &see, run.forge_id).await?;
    }
    enqueue_sync(&mut change, app.id(), run.forge_id, ctx.now()).await?;
    change.commit().await
}

/// Who runs something here hears of it when it fails: GitLab knows only the owner of the connection's token.
async fn remember_starter(
    ctx: &OpCtx,
    change: &mut Change<'_>,
    app: &Authorized<App, may::See>,
    pipeline: i64,
) -> Result<()> {
    let person = ctx.user()?.id;
    Ok(change.tx().insert_run_starter(app, pipeline, person).await?)
}

fn check_variables(variables: &BTreeMap<String, String>) -> Result<()> {
    let good = |name: &str| {
        name.len() <= 255
            && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    match variables.keys().find(|name| !good(name)) {
        None => Ok(()),
        Some(name) => Err(Error::field(
            "variables",
            Text::new(
                format!("“{name}” is no name of a variable: use letters, digits and _"),
                format!("“{name}”不是合法的变量名，只能使用字母、数字和 _"),
            ),
        )),
    }
}

/// Whether a branch or tag is protected.
pub(crate) async fn is_protected(link: &Link, ctx: &OpCtx, git_ref: &str) -> Result<bool> {
    match link
        .asked(ctx, link.forge.branch(link.project(), git_ref).await)
        .await?
    {
        Some(branch) => Ok(branch.protected),
        None => {
            link.asked(ctx, link.forge.is_protected_tag(link.project(), git_ref).await)
                .await
        }
    }
}

/// Whether the ref of a run is protected now.
async fn protected_now(ctx: &OpCtx, link: &Link, run: &RunRecord) -> Result<bool> {
    if run.row.git_ref.starts_with("refs/merge-requests/") {
        return Ok(false);
    }
    if run.tag {
        return link
            .asked(
                ctx,
                link.forge
                    .is_protected_tag(link.project(), &run.row.git_ref)
                    .await,
            )
            .await;
    }
    let branch = link
        .asked(ctx, link.forge.branch(link.project(), &run.row.git_ref).await)
        .await?;
    // A branch that is gone is as protected as it was.
    Ok(branch.map_or(run.protected, |branch| branch.protected))
}

/// The branches one can run a pipeline on, by name.
///
/// # Errors
/// As [`access::app`]; GitLab does not answer.
pub async fn refs(ctx: &OpCtx, org: &str, project: &str, app: &str) -> Result<Vec<String>> {
    let app = access::app::<may::PipelineRun>(ctx, org, project, app).await?;
    let link = connection::link(ctx, &app).await?;
    let answer = match link.forge.branches(link.project()).await {
        Err(ForgeError::NotFound(_)) => Ok(Vec::new()),
        other => other,
    };
    Ok(link
        .asked(ctx, answer)
        .await?
        .into_iter()
        .map(|branch| branch.name)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_of_what_there_is() {
        assert_eq!(median(&mut []), None);
        assert_eq!(median(&mut [5]), Some(5));
        assert_eq!(median(&mut [9, 1]), Some(5));
        assert_eq!(median(&mut [9, 1, 2]), Some(2));
    }

    #[test]
    fn a_variable_has_a_name_that_a_shell_takes() {
        let one = |name: &str| check_variables(&BTreeMap::from([(name.to_owned(), String::from("x"))]));
        assert!(one("DEPLOY_TO").is_ok());
        assert!(one("A=B").is_err());
        assert!(one("").is_err());
        assert!(one("1A").is_err());
    }
}
