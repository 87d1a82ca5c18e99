//! Reports of a run: fetched when it ends, kept with it, and shown from there.

use crate::access::{self, App, Authorized, may};
use crate::artifact;
use crate::connection::{self, Link};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{ForgeError, JobRecord, RunRecord, SnapshotKind};
use crate::schedule::At;
use crate::signature;
use crate::snapshot;
use slipway_domain::report::{CaseFilter, Reports, ReportsView, TestReport, scan};
use slipway_domain::signature::{Signature, is_signature, payload_of};
use slipway_domain::text::Text;

/// The largest report of a scanner that is read, in bytes.
const LARGEST: usize = 16 * 1024 * 1024;
/// How many test cases a page shows.
const SHOWN: usize = 200;
/// The most scans of a run that are read.
const MOST_SCANS: usize = 20;

/// The reports of a run. Of one that ended they are those that were kept; of one that goes on, what GitLab has by now.
///
/// # Errors
/// As [`access::app`]; there is no such run. That GitLab does not answer stands in the view.
pub async fn view(
    ctx: &OpCtx,
    (org, project, app): At<'_>,
    number: i64,
    filter: &CaseFilter,
) -> Result<ReportsView> {
    let app = access::app::<may::SeePipelines>(ctx, org, project, app)
        .await?
        .see();
    let mut tx = ctx.read().await?;
    let run = tx.run_by_number(&app, number).await?.ok_or(Error::NotFound)?;
    drop(tx);
    let mut sums = None;
    let subject = run.row.id.to_string();
    let kept = snapshot::last(ctx, &app, (SnapshotKind::Reports, &subject), Text::default()).await?;
    let fresh = run.settled_at.is_some() && kept.value.is_some();
    let (link, known) = match connection::link(ctx, &app).await {
        Ok(link) if fresh => (
            Some(link),
            snapshot::Known {
                trouble: None,
                ..kept
            },
        ),
        Ok(link) => {
            let answer = fetch(ctx, &app, &link, &run).await?;
            let known = snapshot::known(ctx, &app, &link, (SnapshotKind::Reports, &subject), answer).await?;
            (Some(link), known)
        }
        Err(error @ (Error::Unavailable { .. } | Error::Refused { .. })) => {
            let trouble = (!fresh).then(|| error.text());
            (None, snapshot::Known { trouble, ..kept })
        }
        Err(error) => return Err(error),
    };
    let files_url = link.map(|link| {
        let repository = &link.repository.repository;
        format!(
            "{}/-/blob/{}/",
            repository.web_url.trim_end_matches('/'),
            run.row.sha
        )
    });
    let reports = known.value.map(|mut reports: Reports| {
        sums = reports.tests.as_ref().map(TestReport::sums);
        reports.tests = reports.tests.map(|tests| tests.filtered(filter, SHOWN));
        reports
    });
    Ok(ReportsView {
        place: app.place(),
        run: run.row,
        sums,
        reports,
        files_url,
        as_of: known.as_of,
        trouble: known.trouble,
    })
}

/// Fetches what GitLab reports of a run and keeps it.
pub(crate) async fn keep(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    link: &Link,
    run: &RunRecord,
) -> Result<std::result::Result<(), ForgeError>> {
    match fetch(ctx, app, link, run).await? {
        Ok(reports) => {
            let subject = run.row.id.to_string();
            snapshot::known(ctx, app, link, (SnapshotKind::Reports, &subject), Ok(reports)).await?;
            Ok(Ok(()))
        }
        Err(error) => Ok(Err(error)),
    }
}

/// What GitLab reports of a run. What the token may not read is left out.
async fn fetch(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    link: &Link,
    run: &RunRecord,
) -> Result<std::result::Result<Reports, ForgeError>> {
    let (forge, project) = (&link.forge, link.project());
    let tests = match optional(forge.test_cases(project, run.forge_id).await) {
        Ok(tests) => tests.flatten(),
        Err(error) => return Ok(Err(error)),
    };
    let coverage = match optional(forge.coverage(project, run.forge_id).await) {
        Ok(coverage) => coverage.unwrap_or_default(),
        Err(error) => return Ok(Err(error)),
    };
    let jobs = ctx.read().await?.jobs_of_run(app, run.row.id).await?;
    let mut scans = Vec::new();
    let mut signatures = Vec::new();
    for job in jobs.iter().filter(|job| job.has_artifacts) {
        let archive = match artifact::fetch(ctx, app, link, job).await? {
            Ok(Some(archive)) => archive,
            Err(error) if error.is_passing() => return Ok(Err(error)),
            Ok(None) | Err(_) => continue,
        };
        for file in &archive.files {
            if is_signature(&file.path) && signatures.len() < signature::MOST {
                match signatures_in(link, job, &file.path).await {
                    Ok(found) => signatures.extend(found),
                    Err(error) => return Ok(Err(error)),
                }
            }
            let Some(kind) = scan::kind_of(&file.path) else {
                continue;
            };
            if scans.len() >= MOST_SCANS {
                break;
            }
            match optional(forge.artifact(project, job.row.forge_id, &file.path).await) {
                Ok(Some(Some(bytes))) if bytes.len() <= LARGEST => {
                    scans.push(scan::read(kind, &job.row.name, &String::from_utf8_lossy(&bytes)));
                }
                Ok(_) => {}
                Err(error) => return Ok(Err(error)),
            }
        }
    }
    scans.sort_by(|a, b| (a.kind, &a.job).cmp(&(b.kind, &b.job)));
    Ok(Ok(Reports {
        tests,
        coverage: coverage.whole,
        jobs: coverage.jobs,
        scans,
        signatures,
    }))
}

/// The signatures in a file that a job kept.
async fn signatures_in(
    link: &Link,
    job: &JobRecord,
    path: &str,
) -> std::result::Result<Vec<Signature>, ForgeError> {
    let (forge, project, id) = (&link.forge, link.project(), job.row.forge_id);
    let small = |bytes: &Vec<u8>| bytes.len() <= signature::LARGEST;
    let Some(bytes) = optional(forge.artifact(project, id, path).await)?
        .flatten()
        .filter(small)
    else {
        return Ok(Vec::new());
    };
    let payload = match payload_of(path) {
        Some(beside) => optional(forge.artifact(project, id, &beside).await)?
            .flatten()
            .filter(small),
        None => None,
    };
    Ok(signature::read(&job.row.name, path, &bytes, payload.as_deref()))
}

/// What may not be read is `None`; what may be there in a while is an error.
fn optional<T>(answer: std::result::Result<T, ForgeError>) -> std::result::Result<Option<T>, ForgeError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(ForgeError::NotFound(_) | ForgeError::Forbidden(_) | ForgeError::Refused(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
