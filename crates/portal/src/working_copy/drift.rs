//! What became in git of the jobs that Slipway wrote.

use super::{Save, open, save};
use crate::access::{self, App, Authorized, may};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::ProposalRecord;
use slipway_domain::diff::diff_lines;
use slipway_domain::pipeline::file::drift::{self, DriftState};
use slipway_domain::pipeline::file::side::path_of;
use slipway_domain::proposal::ProposalState;
use slipway_domain::text::{Locale, Text};
use slipway_domain::working_copy::{DriftView, DriftedJob};

/// How far back the last proposal that was merged is looked for.
const LOOKED_AT: i64 = 50;

/// What Slipway wrote last into a file and was merged.
pub(super) async fn written(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    path: &str,
) -> Result<Option<ProposalRecord>> {
    let newest = ctx.read().await?.proposals(app, LOOKED_AT).await?;
    Ok(newest
        .into_iter()
        .find(|proposal| proposal.state == ProposalState::Merged && path_of(&proposal.content) == path))
}

/// How many jobs that Slipway wrote stand otherwise in the repository's file.
pub(super) fn count(written: &str, repository: &str) -> usize {
    let found = drift::drift(written, repository).unwrap_or_default();
    found.iter().filter(|one| is_otherwise(&one.state)).count()
}

fn is_otherwise(state: &DriftState) -> bool {
    !matches!(state, DriftState::AsWritten | DriftState::Unknown)
}

/// The jobs that Slipway wrote, as the last merged proposal had them, beside what the repository's file has now.
///
/// # Errors
/// As [`access::app`].
pub async fn drifted(ctx: &OpCtx, org: &str, project: &str, app: &str) -> Result<DriftView> {
    let scope = access::app::<may::SeePipelines>(ctx, org, project, app)
        .await?
        .see();
    let editor = open(ctx, org, project, app).await?;
    let written = written(ctx, &scope, path_of(&editor.copy.text)).await?;
    let mut view = DriftView {
        place: editor.place,
        connected: editor.connected,
        proposed_at: written.as_ref().map(|proposal| proposal.created_at),
        title: written.as_ref().map(|proposal| proposal.title.clone()),
        link: written.as_ref().and_then(|proposal| proposal.web_url.clone()),
        jobs: Vec::new(),
        trouble: editor.trouble,
        may_edit: editor.may_edit,
    };
    let (Some(written), None) = (written, &view.trouble) else {
        return Ok(view);
    };
    let now = editor.moved.map_or(editor.copy.base, |moved| moved.text);
    let draft = &editor.copy.text;
    match drift::drift(&written.content, &now) {
        Ok(found) => {
            view.jobs = found
                .into_iter()
                .filter(|one| is_otherwise(&one.state))
                .map(|one| {
                    let block = |text: &str| drift::block(text, &one.marker.id).unwrap_or_default();
                    let before = block(&written.content);
                    DriftedJob {
                        diff: diff_lines(&before, &block(&now)),
                        restored: block(draft) == before,
                        id: one.marker.id,
                        name: one.name,
                        state: one.state,
                    }
                })
                .collect();
        }
        Err(error) => {
            view.trouble = Some(Text::new(error.message(Locale::En), error.message(Locale::ZhCn)));
        }
    }
    Ok(view)
}

/// Puts a job back into the working copy as Slipway wrote it. Nothing is proposed.
///
/// # Errors
/// As [`access::app`]; there is no such job in what Slipway wrote last; it cannot be put back, with the reason; the
/// working copy changed at this moment.
pub async fn restore(ctx: &OpCtx, org: &str, project: &str, app: &str, id: &str) -> Result<String> {
    let scope = access::app::<may::PipelineEdit>(ctx, org, project, app).await?;
    let view = open(ctx, org, project, app).await?;
    if let (0, Some(text)) = (view.copy.version, view.trouble) {
        let code = "no_pipeline";
        return Err(Error::Refused { code, text });
    }
    let written = written(ctx, &scope.see(), path_of(&view.copy.text))
        .await?
        .ok_or_else(|| {
            Error::refused(
                "nothing_written",
                "No proposal of Slipway has been merged yet, so there is nothing to go back to.",
                "尚无已合并的提案，没有可恢复的内容。",
            )
        })?;
    let restored =
        drift::restore(&written.content, id, &view.copy.text).map_err(|refusal| Error::Refused {
            code: "job_not_restored",
            text: Text::new(refusal.message(Locale::En), refusal.message(Locale::ZhCn)),
        })?;
    let input = Save {
        version: view.copy.version,
        base_commit: view.copy.base_commit,
        base: None,
        text: restored.text,
    };
    save(ctx, org, project, app, &input).await?;
    Ok(restored.job)
}
