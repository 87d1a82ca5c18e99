//! A working copy on its way into the repository: asked about, and proposed.

use super::{changed, check_text, commit_of, file_changed, standing, words};
use crate::access::{self, App, Authorized, may};
use crate::connection::{self, Link};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::ForgeError;
use crate::proposal::{self, Wanted};
use crate::template::locks_in;
use slipway_domain::diff::{DiffView, diff_lines};
use slipway_domain::pipeline::Severity;
use slipway_domain::pipeline::authored::broken_locks;
use slipway_domain::pipeline::file::merge;
use slipway_domain::pipeline::file::side::{ROOT_FILE, is_side, path_of, together};
use slipway_domain::pipeline::file::{Finding, import};
use slipway_domain::proposal::LintView;
use slipway_domain::run::ProposalView;
use slipway_domain::template::used_in;
use slipway_domain::text::{Locale, Text};
use slipway_domain::working_copy::WorkingCopy;
use std::borrow::Cow;

/// The longest title of a proposal, in characters.
const TITLE_MAX: usize = 200;

/// What GitLab's lint says of a text, and how it differs from the file on the branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// GitLab's word.
    pub lint: LintView,
    /// From the file on the branch to this one; `None`: GitLab does not answer.
    pub diff: Option<DiffView>,
}

/// Asks GitLab's lint about a text. It says so where GitLab does not answer.
///
/// # Errors
/// As [`access::app`]; the text is too large or no YAML.
pub async fn check(ctx: &OpCtx, org: &str, project: &str, app: &str, text: &str) -> Result<Checked> {
    let app = access::app::<may::PipelineEdit>(ctx, org, project, app).await?;
    check_text(text)?;
    let unavailable = |text: Text| Checked {
        lint: LintView::Unavailable(text),
        diff: None,
    };
    let link = match connection::link(ctx, &app).await {
        Ok(link) => link,
        Err(Error::Refused { text, .. } | Error::Unavailable { text, .. }) => return Ok(unavailable(text)),
        Err(error) => return Err(error),
    };
    let whole = whole(&link, text).await;
    let said = match whole {
        Ok(whole) => link.forge.lint(link.project(), &whole).await,
        Err(error) => Err(error),
    };
    let said = link.heard(ctx, said).await;
    let diff = match link.heard(ctx, standing(&link, path_of(text)).await).await {
        Ok(Some(found)) => Some(diff_lines(&found.text(), text)),
        Ok(None) | Err(_) => None,
    };
    Ok(Checked {
        lint: match said {
            Ok(answer) => proposal::lint_view(&answer),
            Err(error) => LintView::Unavailable(error.text()),
        },
        diff,
    })
}

/// Proposes the working copy as a merge request; an open one of Slipway is updated. An empty title is made up.
///
/// # Errors
/// As [`access::app`]; `working_copy_changed`, `file_changed`; nothing is changed; GitLab would refuse the file, by
/// Slipway's rules or its own lint; GitLab does not answer (the working copy stays).
pub async fn propose(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    app: &str,
    version: i64,
    title: &str,
) -> Result<ProposalView> {
    let app = access::app::<may::PipelineEdit>(ctx, org, project, app).await?;
    let title = title.trim();
    if title.chars().count() > TITLE_MAX || title.chars().any(char::is_control) {
        return Err(Error::field(
            "title",
            Text::new(
                "one line of at most 200 characters",
                "请填写一行，最多 200 个字符",
            ),
        ));
    }
    let stored = ctx.read().await?.working_copy(&app.see()).await?;
    let copy = match stored {
        Some(copy) if copy.version == version => copy,
        None if version == 0 => return Err(nothing_changes()),
        other => return Err(changed(other.as_ref())),
    };
    accepted(&copy.text)?;
    let link = connection::link(ctx, &app).await?;
    let found = link
        .asked(ctx, standing(&link, path_of(&copy.text)).await)
        .await?
        .ok_or_else(connection::empty_repository)?;
    if found.text() == copy.text {
        return Err(nothing_changes());
    }
    if commit_of(&found) != copy.base_commit {
        return Err(file_changed());
    }
    keeps_locks(ctx, &app.see(), &copy).await?;
    let whole = link.asked(ctx, whole(&link, &copy.text).await).await?;
    let answer = link
        .asked(ctx, link.forge.lint(link.project(), &whole).await)
        .await?;
    if !answer.valid {
        let words = answer.errors.join("; ");
        return Err(Error::refused(
            "lint",
            format!("GitLab would refuse this pipeline: {words}"),
            format!("GitLab 会拒绝此流水线：{words}"),
        ));
    }
    let title = if title.is_empty() {
        made_up_title(&copy)
    } else {
        title.to_owned()
    };
    let wanted = Wanted {
        target: copy.branch.clone(),
        base: copy.base_commit.clone(),
        template: used_in(&copy.text)
            .map(|used| format!("{}@{}", used.key, used.version))
            .unwrap_or_default(),
        params: None,
        forgets_draft: true,
        content: copy.text,
        title,
    };
    proposal::submit(ctx, &app, &link, wanted).await
}

/// Refuses what a template locks and the copy changes.
async fn keeps_locks(ctx: &OpCtx, app: &Authorized<App, may::See>, copy: &WorkingCopy) -> Result<()> {
    let locks = locks_in(ctx, app, &copy.base).await?;
    let broken =
        broken_locks(&copy.base, &copy.text, &locks).map_err(|error| Error::field("text", words(&error)))?;
    match broken.first() {
        None => Ok(()),
        Some(first) => Err(Error::Refused {
            code: "locked",
            text: first.text(),
        }),
    }
}

/// What GitLab's lint is asked about. It sees no file but the one it is sent and those of the default branch: Slipway's
/// own file is sent together with the one that includes it, as far as both can be one.
pub(super) async fn whole<'t>(link: &Link, text: &'t str) -> Result<Cow<'t, str>, ForgeError> {
    if !is_side(text) {
        return Ok(Cow::Borrowed(text));
    }
    let root = standing(link, ROOT_FILE).await?;
    let root = root.as_ref().map(|found| found.text());
    let both = together(root.as_deref().unwrap_or_default(), text);
    Ok(both.map_or(Cow::Borrowed(text), Cow::Owned))
}

fn nothing_changes() -> Error {
    Error::refused(
        "nothing_changes",
        "Nothing is changed: the repository has exactly this pipeline already.",
        "没有任何修改：仓库中的流水线与此完全相同。",
    )
}

/// Refuses what Slipway knows that GitLab would refuse.
fn accepted(text: &str) -> Result<()> {
    check_text(text)?;
    let imported = import(text, is_side(text)).map_err(|error| Error::field("text", words(&error)))?;
    let first: Option<&Finding> = imported
        .findings
        .iter()
        .find(|finding| finding.severity == Severity::Error);
    if is_side(text) && imported.jobs.is_empty() {
        return Err(Error::refused(
            "no_job",
            "There is no job in this file yet. Add one, then propose it.",
            "此文件中还没有作业。请先添加作业，再提交。",
        ));
    }
    match first {
        Some(finding) => Err(Error::refused(
            "pipeline_problems",
            finding.message(Locale::En),
            finding.message(Locale::ZhCn),
        )),
        None => Ok(()),
    }
}

/// `Pipeline: build, test`: the jobs and keywords that are changed.
fn made_up_title(copy: &WorkingCopy) -> String {
    const NAMED: usize = 4;
    let Ok(differences) = merge::compare(&copy.base, &copy.base, &copy.text) else {
        return String::from("Pipeline");
    };
    let keys: Vec<String> = differences
        .into_iter()
        .filter(|one| one.state != merge::State::Same)
        .map(|one| one.key)
        .collect();
    let mut named = keys.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if keys.len() > NAMED {
        named.push_str(", …");
    }
    let mut title = if copy.base.trim().is_empty() || named.is_empty() {
        String::from("Pipeline")
    } else {
        format!("Pipeline: {named}")
    };
    if let Some((cut, _)) = title.char_indices().nth(TITLE_MAX) {
        title.truncate(cut);
    }
    title
}
