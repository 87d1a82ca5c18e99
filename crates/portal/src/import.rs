//! Imports of GitLab groups: choosing repositories, and making an app of each, one after the other.
//!
//! What is chosen and how far it is stands in rows, so that a job that dies goes on where it was. An app, its
//! repository and the row that says so are one transaction: no repository becomes an app twice.

pub(crate) mod carry_out;
mod choose;
mod draft;
mod view;

pub use choose::{Asked, chooser};
pub use draft::{Edit, New, NewItem, Ticks, choose, create, edit, start};
pub use view::{list, view};

use crate::access::{self, Authorized, Project, may};
use crate::change::{Change, Entry};
use crate::connection;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::jobs::Job;
use crate::ports::{ConnectionRecord, ForgeError, ImportRecord, SourceForge};
use slipway_domain::id::{ConnectionId, ImportId, OrgId, ProjectId};
use slipway_domain::import::ImportState;
use slipway_domain::project::Place;
use slipway_domain::text::Text;
use slipway_domain::time::{DAY, Timestamp};
use std::sync::Arc;

/// How long a draft is kept, in µs.
const KEEP_DRAFTS: i64 = 7 * DAY;

/// The project, if the actor may make apps in it and sees the connections that lead to their repositories.
async fn allowed(ctx: &OpCtx, org: &str, project: &str) -> Result<Authorized<Project, may::AppCreate>> {
    let project = access::project::<may::AppCreate>(ctx, org, project).await?;
    access::sees_connections(ctx, &project).await?;
    Ok(project)
}

/// An import of the project that the actor may know: drafts are their owner's alone.
async fn known<P: may::Permission>(
    ctx: &OpCtx,
    project: &Authorized<Project, P>,
    id: ImportId,
) -> Result<ImportRecord> {
    let found = ctx.read().await?.import(&project.see(), id).await?;
    let import = found.ok_or(Error::NotFound)?;
    if import.state == ImportState::Draft && import.by.id != ctx.user()?.id {
        return Err(Error::NotFound);
    }
    Ok(import)
}

/// The connection `via`, or without it the first one by name.
async fn connection_of(ctx: &OpCtx, org: OrgId, via: Option<ConnectionId>) -> Result<ConnectionRecord> {
    let mut tx = ctx.read().await?;
    match via {
        Some(id) => tx.connection(org, id).await?.ok_or(Error::NotFound),
        None => tx
            .connections(org)
            .await?
            .into_iter()
            .next()
            .ok_or_else(no_connection),
    }
}

fn no_connection() -> Error {
    Error::refused(
        "no_connection",
        "The organization has no connection to GitLab. An organization admin can add one in the settings.",
        "组织尚未连接 GitLab，请组织管理员在设置中添加。",
    )
}

fn open(ctx: &OpCtx, record: &ConnectionRecord) -> Result<Arc<dyn SourceForge>> {
    connection::open(ctx, record).map_err(|error| connection::refused(&error))
}

/// What GitLab said about a group or its projects, as the answer of a use case.
fn refused(error: &ForgeError) -> Error {
    match error {
        ForgeError::NotFound(_) => Error::field(
            "group",
            Text::new(
                "GitLab has no such group, or the connection's token may not see it",
                "GitLab 中没有该群组，或连接所用的令牌无权查看",
            ),
        ),
        other => connection::refused(other),
    }
}

fn too_many() -> Error {
    let most = slipway_domain::import::MOST;
    Error::refused(
        "too_many",
        format!(
            "An import takes at most {most} repositories. Choose fewer, start it, then import the others."
        ),
        format!("一次最多导入 {most} 个仓库。请减少选择，开始导入后再导入其余仓库。"),
    )
}

/// Has the worker go on with an import at `at`.
async fn enqueue(change: &mut Change<'_>, project: ProjectId, id: ImportId, at: Timestamp) -> Result<()> {
    let job = Job::Import { project, import: id };
    change.enqueue(&job, at, Some(&format!("import:{id}"))).await
}

/// The audit row of what was done to an import.
fn entry<'a>(
    action: &'static str,
    import: &ImportRecord,
    place: &'a Place,
    summary: serde_json::Value,
) -> Entry<'a> {
    Entry::done(
        action,
        "import",
        import.id,
        import.group_path.clone(),
        place,
        summary,
    )
}

/// Stops an import: what is being made ends, what waits still waits.
///
/// # Errors
/// As [`access::project`]; [`Error::NotFound`]; `not_running`.
pub async fn stop(ctx: &OpCtx, org: &str, project: &str, id: ImportId) -> Result<()> {
    let project = allowed(ctx, org, project).await?;
    let import = known(ctx, &project, id).await?;
    if import.state != ImportState::Running {
        return Err(Error::conflict(
            "not_running",
            "This import does not run, so there is nothing to stop.",
            "该导入未在运行，无需停止。",
        ));
    }
    let by = ctx.user()?.name.clone();
    let stopped = ImportRecord {
        state: ImportState::Stopped,
        reason: Some(Text::new(
            format!("{by} stopped it."),
            format!("{by} 停止了导入。"),
        )),
        trouble: None,
        retry_at: None,
        ended_at: Some(ctx.now()),
        ..import.clone()
    };
    let place = project.place();
    let mut change = ctx.change().await?;
    change
        .tx()
        .update_import(&project.modify(), &stopped, ImportState::Running)
        .await?;
    change
        .audit(entry("import.stop", &import, &place, serde_json::json!({})))
        .await?;
    change.touch("import", id, &place);
    change.commit().await
}

/// Goes on with an import that ended: what failed is tried again, what waited goes on waiting its turn. From now on it
/// runs in the actor's name.
///
/// # Errors
/// As [`access::project`]; [`Error::NotFound`]; `running` while it runs; `nothing_to_retry`.
pub async fn retry(ctx: &OpCtx, org: &str, project: &str, id: ImportId) -> Result<()> {
    let project = allowed(ctx, org, project).await?;
    let import = known(ctx, &project, id).await?;
    match import.state {
        ImportState::Draft => return Err(Error::NotFound),
        ImportState::Running => {
            return Err(Error::conflict(
                "running",
                "This import runs. Wait for its end, or stop it first.",
                "该导入正在运行，请等待其结束或先停止。",
            ));
        }
        ImportState::Stopped | ImportState::Done => {}
    }
    let again = ImportRecord {
        state: ImportState::Running,
        by: ctx.user()?.clone(),
        reason: None,
        trouble: None,
        retry_at: None,
        exhausted: 0,
        ended_at: None,
        ..import.clone()
    };
    let place = project.place();
    let modify = project.modify();
    let mut change = ctx.change().await?;
    change.tx().update_import(&modify, &again, import.state).await?;
    let failed = change.tx().retry_import_items(&modify, id).await?;
    if change.tx().next_import_item(&project.see(), id).await?.is_none() {
        return Err(Error::conflict(
            "nothing_to_retry",
            "Every repository of this import has its app or was skipped: there is nothing to try again.",
            "该导入中的仓库均已创建应用或被跳过，没有可重试的内容。",
        ));
    }
    let summary = serde_json::json!({ "failed": failed });
    change
        .audit(entry("import.retry", &import, &place, summary))
        .await?;
    enqueue(&mut change, project.id(), id, ctx.now()).await?;
    change.touch("import", id, &place);
    change.commit().await
}
