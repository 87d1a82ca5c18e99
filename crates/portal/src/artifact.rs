//! The files that a job kept: looked into, and downloaded through Slipway by whoever sees the run.

use crate::access::{self, App, Authorized, may};
use crate::connection::{self, Link};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{ForgeError, JobRecord, SnapshotKind};
use crate::run::JobAt;
use crate::snapshot;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use slipway_domain::artifact::{Archive, ArtifactView, entries, file_name, is_inside};

/// A file on its way to the reader.
pub struct Download {
    /// What to call it.
    pub name: String,
    /// In bytes, where GitLab says it.
    pub size: Option<u64>,
    /// It, in pieces.
    pub pieces: BoxStream<'static, Result<Vec<u8>>>,
}

/// A job of a run that the reader sees.
struct Found {
    app: Authorized<App, may::See>,
    job: JobRecord,
}

async fn found(ctx: &OpCtx, at: &JobAt<'_>) -> Result<Found> {
    let app = access::app::<may::SeePipelines>(ctx, at.org, at.project, at.app)
        .await?
        .see();
    let mut tx = ctx.read().await?;
    let run = tx.run_by_number(&app, at.number).await?.ok_or(Error::NotFound)?;
    let job = tx.job(&app, run.row.id, at.job).await?.ok_or(Error::NotFound)?;
    drop(tx);
    Ok(Found { app, job })
}

/// The files of a job, in `folder` of its archive.
///
/// # Errors
/// As [`access::app`]; there is no such run, job or folder. That GitLab does not answer stands in the view.
pub async fn view(ctx: &OpCtx, at: &JobAt<'_>, folder: &str) -> Result<ArtifactView> {
    let Found { app, job } = found(ctx, at).await?;
    if !folder.is_empty() && !is_inside(folder) {
        return Err(Error::NotFound);
    }
    let subject = job.row.id.to_string();
    let key = (SnapshotKind::Artifacts, subject.as_str());
    let known = match connection::link(ctx, &app).await {
        Ok(link) => {
            let answer = link.forge.archive(link.project(), job.row.forge_id).await;
            snapshot::known(ctx, &app, &link, key, answer).await?
        }
        Err(error @ (Error::Unavailable { .. } | Error::Refused { .. })) => {
            snapshot::last(ctx, &app, key, error.text()).await?
        }
        Err(error) => return Err(error),
    };
    let archive: Option<Archive> = known.value.flatten();
    let shown = match &archive {
        Some(archive) => entries(&archive.files, folder).ok_or(Error::NotFound)?,
        None => Vec::new(),
    };
    let past = |archive: &Archive| archive.expires_at.is_some_and(|at| at <= ctx.now());
    Ok(ArtifactView {
        place: app.place(),
        number: at.number,
        job: job.row.id,
        job_name: job.row.name,
        folder: folder.to_owned(),
        entries: shown,
        expired: archive.as_ref().is_some_and(past),
        archive: archive.map(|archive| Archive {
            files: Vec::new(),
            ..archive
        }),
        as_of: known.as_of,
        trouble: known.trouble,
    })
}

/// The archive of a job with its files, kept for later.
pub(crate) async fn fetch(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    link: &Link,
    job: &JobRecord,
) -> Result<std::result::Result<Option<Archive>, ForgeError>> {
    let answer = link.forge.archive(link.project(), job.row.forge_id).await;
    match answer {
        Ok(archive) => {
            let subject = job.row.id.to_string();
            let key = (SnapshotKind::Artifacts, subject.as_str());
            snapshot::known(ctx, app, link, key, Ok(archive.clone())).await?;
            Ok(Ok(archive))
        }
        Err(error) => Ok(Err(error)),
    }
}

/// A file of a job's archive; without a path, the archive itself.
///
/// # Errors
/// As [`access::app`]; there is no such run, job or file; GitLab refuses or does not answer.
pub async fn download(ctx: &OpCtx, at: &JobAt<'_>, path: Option<&str>) -> Result<Download> {
    let Found { app, job } = found(ctx, at).await?;
    if path.is_some_and(|path| !is_inside(path)) {
        return Err(Error::NotFound);
    }
    let link = connection::link(ctx, &app).await?;
    let (project, id) = (link.project(), job.row.forge_id);
    let (name, answer) = if let Some(path) = path {
        (file_name(path), link.forge.file_bytes(project, id, path).await)
    } else {
        let name = format!("{}-{}-{}.zip", app.app.slug, at.number, job.row.name);
        let archive = link.forge.archive_bytes(project, id).await;
        (file_name(&name.replace('/', "-")), archive)
    };
    let flow = link.asked(ctx, answer).await?.ok_or(Error::NotFound)?;
    let pieces = flow.pieces.map(|piece| match piece {
        Ok(bytes) => Ok(bytes.to_vec()),
        Err(error) => Err(connection::refused(&error)),
    });
    Ok(Download {
        name,
        size: flow.size,
        pieces: pieces.boxed(),
    })
}
