//! Branch, commit, merge request, merge: each step asks GitLab first what is there.

use crate::access::{self, App, Authorized, may};
use crate::change::Entry;
use crate::connection::{self, Link};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::fault;
use crate::jobs::Next;
use crate::ports::{FileWrite, ForgeError, ForgeMergeRequest, NewCommit, NewMergeRequest, ProposalRecord};
use crate::repository::{self, jittered};
use crate::template;
use sha2::{Digest, Sha256};
use slipway_domain::id::{AppId, ProposalId};
use slipway_domain::pipeline::file::side::{ROOT_FILE, SIDE_FILE, path_of, with_include};
use slipway_domain::proposal::ProposalState;
use slipway_domain::text::{Locale, Text};
use slipway_domain::time::SECOND;

/// The pause after GitLab did not answer, in µs.
const PAUSE: i64 = 10 * SECOND;
/// How often a merge request that GitLab still checks is looked at.
const CHECKING: i64 = 2 * SECOND;

/// Why a step was not done.
enum Stop {
    /// GitLab's answer.
    Forge(ForgeError),
    /// It can never be done as it was meant.
    Never(Text),
}

impl From<ForgeError> for Stop {
    fn from(error: ForgeError) -> Self {
        Self::Forge(error)
    }
}

/// Makes branch, commit and merge request of a proposal, as far as they are not there.
pub(crate) async fn carry_out(ctx: &OpCtx, app: AppId, id: ProposalId) -> Result<Next> {
    let app = match access::app_by_id::<may::PipelineEdit>(&ctx.portal().system(ctx.request_id()), app).await
    {
        Ok(app) => app,
        Err(Error::NotFound) => return Ok(Next::Done),
        Err(error) => return Err(error),
    };
    let Some(mut record) = ctx.read().await?.proposal(&app.see(), id).await? else {
        return Ok(Next::Done);
    };
    if record.state == ProposalState::Opened {
        return refresh(ctx, &app, record).await;
    }
    if record.state != ProposalState::Intended {
        return Ok(Next::Done);
    }
    if let Err(Error::Refused { text, .. }) = access::alive(&app.place()) {
        return fail(ctx, &app, record, text).await;
    }
    let link = match connection::link(ctx, &app).await {
        Ok(link) => link,
        Err(Error::Unavailable { text, .. }) => return wait(ctx, &app, record, text, jittered(PAUSE)).await,
        Err(Error::Refused { text, .. }) => return fail(ctx, &app, record, text).await,
        Err(error) => return Err(error),
    };
    match steps(ctx, &app, &link, &mut record).await? {
        Ok(request) => {
            take(&mut record, &request);
            let opened = record.state == ProposalState::Opened;
            save(ctx, &app, &record).await?;
            fault::point("proposal.opened");
            let checking = opened && record.blocked.is_some();
            Ok(if checking {
                Next::At(ctx.now().plus(CHECKING))
            } else {
                Next::Done
            })
        }
        Err(Stop::Never(text)) => fail(ctx, &app, record, text).await,
        Err(Stop::Forge(error)) => {
            // Noted at the connection, and said at the proposal.
            let _ = link.heard::<()>(ctx, Err(error.clone())).await;
            let pause = match &error {
                ForgeError::Limited { retry_after } => {
                    i64::try_from(*retry_after).unwrap_or(60).saturating_mul(SECOND)
                }
                ForgeError::BadToken | ForgeError::Unauthorized(_) => jittered(PAUSE),
                error if error.is_passing() => jittered(PAUSE),
                _ => return fail(ctx, &app, record, error.text()).await,
            };
            wait(ctx, &app, record, error.text(), pause).await
        }
    }
}

async fn steps(
    ctx: &OpCtx,
    app: &Authorized<App, may::PipelineEdit>,
    link: &Link,
    record: &mut ProposalRecord,
) -> Result<Result<ForgeMergeRequest, Stop>> {
    match commit(link, record).await {
        Ok(committed) => {
            if record.committed.as_ref() != Some(&committed) {
                record.committed = Some(committed);
                save(ctx, app, record).await?;
                record.version += 1;
            }
            fault::point("proposal.committed");
        }
        Err(stop) => return Ok(Err(stop)),
    }
    Ok(request(link, record).await)
}

fn digest(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

/// Makes the commit, and with it the branch; the digest of what stands there then.
async fn commit(link: &Link, record: &ProposalRecord) -> Result<String, Stop> {
    let (forge, project) = (&link.forge, link.project());
    let path = path_of(&record.content);
    let wanted = digest(record.content.as_bytes());
    let there = forge.branch(project, &record.branch).await?.is_some();
    let (start_branch, replaces) = if there {
        let file = forge.file(project, path, &record.branch).await?;
        let now = file.as_ref().map(|file| digest(&file.content));
        if now.as_ref() == Some(&wanted) {
            return Ok(wanted);
        }
        let ours = now.is_some() && now == record.committed;
        let untouched = file.as_ref().map(|file| &file.last_commit_id) == record.base.as_ref();
        if !ours && !untouched {
            return Err(Stop::Never(Text::new(
                format!(
                    "Somebody changed {path} on the branch {}. Close its merge request, then propose again.",
                    record.branch
                ),
                format!(
                    "分支 {} 上的 {path} 已被他人修改。请先关闭其合并请求，再重新提交。",
                    record.branch
                ),
            )));
        }
        (None, file.map(|file| file.last_commit_id))
    } else {
        let file = forge.file(project, path, &record.target).await?;
        if file.as_ref().map(|file| &file.last_commit_id) != record.base.as_ref() {
            return Err(Stop::Never(changed_meanwhile(path)));
        }
        (Some(record.target.clone()), record.base.clone())
    };
    let mut files = vec![FileWrite {
        path: path.to_owned(),
        content: record.content.clone(),
        replaces,
    }];
    if path == SIDE_FILE {
        let branch = if there { &record.branch } else { &record.target };
        files.extend(including(link, branch).await?);
    }
    let new = NewCommit {
        branch: record.branch.clone(),
        start_branch,
        message: format!("{}\n\nMade with Slipway.", record.title),
        files,
    };
    match forge.commit(project, &new).await {
        Ok(_) => Ok(wanted),
        Err(ForgeError::Refused(said)) => {
            // A try that GitLab had done before its answer was lost looks like this.
            let file = forge.file(project, path, &record.branch).await?;
            if file.is_some_and(|file| digest(&file.content) == wanted) {
                return Ok(wanted);
            }
            let words = said.to_lowercase();
            if words.contains("changed") || words.contains("exists") || words.contains("last_commit") {
                return Err(Stop::Never(changed_meanwhile(path)));
            }
            Err(Stop::Never(ForgeError::Refused(said).text()))
        }
        Err(error) => Err(error.into()),
    }
}

fn changed_meanwhile(path: &str) -> Text {
    Text::new(
        format!("Somebody changed {path} meanwhile. Look at the difference again, then propose again."),
        format!("{path} 已被他人修改。请重新查看差异，然后再次提交。"),
    )
}

/// GitLab's own file with an `include` of Slipway's; none where it has one.
async fn including(link: &Link, branch: &str) -> Result<Option<FileWrite>, Stop> {
    let file = link.forge.file(link.project(), ROOT_FILE, branch).await?;
    let now = file
        .as_ref()
        .map_or(Ok(""), |file| std::str::from_utf8(&file.content))
        .map_err(|_| {
            Stop::Never(Text::new(
                format!("{ROOT_FILE} is not UTF-8. Save the file as UTF-8."),
                format!("{ROOT_FILE} 不是 UTF-8 编码，请以 UTF-8 保存该文件。"),
            ))
        })?;
    let content = with_include(now).map_err(|refusal| {
        let (en, zh) = (refusal.message(Locale::En), refusal.message(Locale::ZhCn));
        Stop::Never(Text::new(
            format!("{ROOT_FILE}: {en}"),
            format!("{ROOT_FILE}：{zh}"),
        ))
    })?;
    if content == now {
        return Ok(None);
    }
    Ok(Some(FileWrite {
        path: ROOT_FILE.to_owned(),
        content,
        replaces: file.map(|file| file.last_commit_id),
    }))
}

/// Makes the merge request, or updates the one that is open.
async fn request(link: &Link, record: &ProposalRecord) -> Result<ForgeMergeRequest, Stop> {
    let (forge, project) = (&link.forge, link.project());
    let description = if record.template.is_empty() {
        String::from("Edited with Slipway.")
    } else {
        format!("Made with Slipway from the template `{}`.", record.template)
    };
    let new = NewMergeRequest {
        source_branch: record.branch.clone(),
        target_branch: record.target.clone(),
        title: record.title.clone(),
        description: description.clone(),
    };
    if let Some(found) = forge.find_merge_request(project, &record.branch).await? {
        match found.state.as_str() {
            "opened" if found.title == record.title => return Ok(found),
            "opened" => {
                return Ok(forge
                    .update_merge_request(project, found.iid, &record.title, &description)
                    .await?);
            }
            // Merged or closed before: only a new one carries a new commit. One that carried this commit is the end.
            _ if record.iid == Some(found.iid) && found.state == "merged" => return Ok(found),
            _ => {}
        }
    }
    match forge.create_merge_request(project, &new).await {
        Ok(made) => Ok(made),
        Err(ForgeError::Refused(said)) => match forge.find_merge_request(project, &record.branch).await? {
            Some(found) if found.state == "opened" => Ok(found),
            _ => Err(Stop::Never(ForgeError::Refused(said).text())),
        },
        Err(error) => Err(error.into()),
    }
}

/// Takes over what GitLab says of the merge request.
fn take(record: &mut ProposalRecord, request: &ForgeMergeRequest) {
    record.iid = Some(request.iid);
    record.web_url = Some(request.web_url.clone())
        .filter(|url| !url.is_empty())
        .or(record.web_url.take());
    record.sha = Some(request.sha.clone()).filter(|sha| !sha.is_empty());
    record.state = match request.state.as_str() {
        "merged" => ProposalState::Merged,
        "closed" => ProposalState::Closed,
        _ => ProposalState::Opened,
    };
    record.blocked = if record.state == ProposalState::Opened {
        blocked(&request.merge_status)
    } else {
        None
    };
}

/// GitLab's `detailed_merge_status` in words; `None`: it can be merged.
fn blocked(status: &str) -> Option<Text> {
    let (en, zh) = match status {
        "mergeable" => return None,
        "unchecked" | "checking" | "preparing" | "approvals_syncing" | "cannot_be_merged_recheck" => (
            "GitLab still checks whether it can be merged.",
            "GitLab 正在检查能否合并。",
        ),
        "ci_must_pass" => ("Its pipeline must be green first.", "须等其流水线通过。"),
        "ci_still_running" => ("Its pipeline still runs.", "其流水线仍在运行。"),
        "conflict" | "broken_status" => (
            "It conflicts with the target branch. Propose again, or solve it in GitLab.",
            "与目标分支冲突。请重新提交，或在 GitLab 中解决。",
        ),
        "need_rebase" => ("It must be rebased in GitLab first.", "须先在 GitLab 中变基。"),
        "discussions_not_resolved" => ("Discussions are open in GitLab.", "GitLab 中有未解决的讨论。"),
        "draft_status" => ("It is a draft in GitLab.", "它在 GitLab 中是草稿。"),
        "not_approved" | "requested_changes" => ("Approvals are missing in GitLab.", "GitLab 中尚缺批准。"),
        "blocked_status" | "merge_request_blocked" => {
            ("Another merge request blocks it.", "被其他合并请求阻塞。")
        }
        "not_open" => ("It is not open.", "它未处于打开状态。"),
        "policies_denied"
        | "external_status_checks"
        | "jira_association_missing"
        | "security_policy_violations" => (
            "A policy in GitLab does not allow it yet.",
            "GitLab 中的策略尚不允许合并。",
        ),
        other => {
            return Some(Text::new(
                format!("GitLab does not let it be merged: {other}."),
                format!("GitLab 不允许合并：{other}。"),
            ));
        }
    };
    Some(Text::new(en, zh))
}

async fn save(ctx: &OpCtx, app: &Authorized<App, may::PipelineEdit>, record: &ProposalRecord) -> Result<()> {
    let place = app.place();
    let mut change = ctx.change().await?;
    change.bookkeeping();
    change.tx().update_proposal(&app.modify(), record).await?;
    template::note_merged(&mut change, app, record).await?;
    change.touch("app", app.id(), &place);
    change.touch("proposal", record.id, &place);
    change.commit().await
}

async fn fail(
    ctx: &OpCtx,
    app: &Authorized<App, may::PipelineEdit>,
    mut record: ProposalRecord,
    why: Text,
) -> Result<Next> {
    record.state = ProposalState::Failed;
    record.blocked = Some(why);
    save(ctx, app, &record).await?;
    Ok(Next::Done)
}

async fn wait(
    ctx: &OpCtx,
    app: &Authorized<App, may::PipelineEdit>,
    mut record: ProposalRecord,
    why: Text,
    pause: i64,
) -> Result<Next> {
    if record.blocked.as_ref() != Some(&why) {
        record.blocked = Some(why);
        save(ctx, app, &record).await?;
    }
    Ok(Next::At(ctx.now().plus(pause)))
}

/// Looks where an open merge request stands.
async fn refresh(
    ctx: &OpCtx,
    app: &Authorized<App, may::PipelineEdit>,
    record: ProposalRecord,
) -> Result<Next> {
    let link = match connection::link(ctx, app).await {
        Ok(link) => link,
        Err(Error::Refused { .. } | Error::Unavailable { .. }) => return Ok(Next::Done),
        Err(error) => return Err(error),
    };
    look(ctx, app, &link, record).await
}

async fn look(
    ctx: &OpCtx,
    app: &Authorized<App, may::PipelineEdit>,
    link: &Link,
    record: ProposalRecord,
) -> Result<Next> {
    let Some(iid) = record.iid else {
        return Ok(Next::Done);
    };
    let mut after = record.clone();
    match link
        .heard(ctx, link.forge.merge_request(link.project(), iid).await)
        .await
    {
        Ok(request) => take(&mut after, &request),
        Err(ForgeError::NotFound(_)) => {
            after.state = ProposalState::Closed;
            after.blocked = None;
        }
        Err(_) => return Ok(Next::Done),
    }
    if after != record {
        save(ctx, app, &after).await?;
    }
    let checking = after.state == ProposalState::Opened && after.blocked == blocked("checking");
    Ok(if checking {
        Next::At(ctx.now().plus(CHECKING))
    } else {
        Next::Done
    })
}

/// Looks where the newest proposal stands, if it is open.
pub(crate) async fn refresh_open(
    ctx: &OpCtx,
    app: &Authorized<App, may::AppManage>,
    link: &Link,
) -> Result<()> {
    let newest = ctx
        .read()
        .await?
        .proposals(&app.see(), 1)
        .await?
        .into_iter()
        .next();
    if let Some(record) = newest.filter(|record| record.state == ProposalState::Opened) {
        let app = access::also::<may::PipelineEdit>(ctx, &app.see()).await?;
        look(ctx, &app, link, record).await?;
    }
    Ok(())
}

/// Merges.
pub(super) async fn merge(
    ctx: &OpCtx,
    app: &Authorized<App, may::PipelineEdit>,
    id: ProposalId,
) -> Result<()> {
    let record = ctx
        .read()
        .await?
        .proposal(&app.see(), id)
        .await?
        .ok_or(Error::NotFound)?;
    let (Some(iid), true) = (record.iid, record.state != ProposalState::Intended) else {
        return Err(Error::conflict(
            "not_proposed_yet",
            "The merge request is still being made. Try again in a moment.",
            "合并请求仍在创建，请稍后重试。",
        ));
    };
    let link = connection::link(ctx, app).await?;
    let now = link
        .asked(ctx, link.forge.merge_request(link.project(), iid).await)
        .await?;
    let merged = if now.state == "merged" {
        now
    } else {
        if let Some(why) = blocked(&now.merge_status).filter(|_| now.state == "opened") {
            return Err(Error::Conflict {
                code: "not_mergeable",
                text: why,
            });
        }
        match link.forge.merge(link.project(), iid, &now.sha).await {
            // 405, 409, 422: it changed between the two calls.
            Err(ForgeError::Refused(said)) => {
                return Err(Error::Conflict {
                    code: "not_mergeable",
                    text: ForgeError::Refused(said).text(),
                });
            }
            other => link.asked(ctx, other).await?,
        }
    };
    let place = app.place();
    let mut change = ctx.change().await?;
    // The job or a webhook may have seen the merge already.
    let mut record = change
        .tx()
        .proposal(&app.see(), id)
        .await?
        .ok_or(Error::NotFound)?;
    take(&mut record, &merged);
    change.tx().update_proposal(&app.modify(), &record).await?;
    template::note_merged(&mut change, app, &record).await?;
    let summary =
        serde_json::json!({ "merge_request": iid, "branch": record.branch, "target": record.target });
    change
        .audit(Entry::done(
            "pipeline.merge",
            "proposal",
            id,
            record.title.clone(),
            &place,
            summary,
        ))
        .await?;
    repository::enqueue_look(&mut change, app.id(), ctx.now()).await?;
    change.touch("app", app.id(), &place);
    change.touch("proposal", id, &place);
    change.commit().await
}
