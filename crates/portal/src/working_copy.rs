//! The pipeline of an app as it is being edited: taken from the repository, saved by its editors, brought together with
//! what changed there meanwhile, and proposed.
//!
//! One working copy an app, for everybody who may edit it. Every save names the version that it was made from, so that
//! nobody overwrites what they have not seen.

mod carry;
mod drift;
mod merged;
mod propose;
mod switch;

pub use carry::{copy_job, destinations};
pub use drift::{drifted, restore};
pub use merged::merged;
pub use propose::{Checked, check, propose};
pub use switch::{File, switch};

use crate::access::{self, App, Authorized, may};
use crate::change::Change;
use crate::connection::{self, Link};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{ForgeError, ProposalRecord, StoreError};
use crate::proposal::{self, Found, look_up};
use crate::template::locks_in;
use slipway_domain::access::Action;
use slipway_domain::pipeline::file::import;
use slipway_domain::pipeline::file::merge::{self, Choice};
use slipway_domain::pipeline::file::side::{MARK, ROOT_FILE, SIDE_FILE, is_included, is_side, path_of};
use slipway_domain::pipeline::file::tree::parse;
use slipway_domain::pipeline::source::{SourceError, check_source};
use slipway_domain::text::{Locale, Text};
use slipway_domain::working_copy::{
    EditorView, Gate, GateRule, LARGEST, Moved, PRESENT, Presence, WorkingCopy,
};
use std::collections::{BTreeMap, BTreeSet};

/// The topic of the invalidations of a working copy; their id is the app's.
pub const TOPIC: &str = "working_copy";

/// The longest name of a branch, in bytes, that git takes on every file system.
const LONGEST_BRANCH: usize = 244;

/// A save: what it was made from, and the file.
#[derive(Clone, Debug, Default)]
pub struct Save {
    /// The version that it was made from; 0: none was saved.
    pub version: i64,
    /// The last commit that changed the file that it was taken from; `None`: there was no file.
    pub base_commit: Option<String>,
    /// The file that it was taken from, for a first save while GitLab does not answer.
    pub base: Option<Base>,
    /// The whole file.
    pub text: String,
}

/// The file on its branch as an editor saw it.
#[derive(Clone, Debug)]
pub struct Base {
    /// The branch.
    pub branch: String,
    /// The file.
    pub text: String,
}

/// The working copy as it stands, beside what the repository has now.
///
/// # Errors
/// As [`access::app`]. What GitLab does not answer is missing, and said.
pub async fn open(ctx: &OpCtx, org: &str, project: &str, app: &str) -> Result<EditorView> {
    let app = access::app::<may::SeePipelines>(ctx, org, project, app)
        .await?
        .see();
    let mut view = beside_repository(ctx, &app).await?;
    let marks = format!("{}\n{}", view.copy.base, view.copy.text);
    view.locks = locks_in(ctx, &app, &marks).await?;
    view.chain = gates(ctx, &app).await?;
    Ok(view)
}

async fn beside_repository(ctx: &OpCtx, app: &Authorized<App, may::See>) -> Result<EditorView> {
    let held = access::rights_in(ctx, app).await?;
    let stored = ctx.read().await?.working_copy(app).await?;
    let editors = others(ctx, app).await?;
    let proposal = proposal::open(ctx, app).await?;
    let mut view = EditorView {
        place: app.place(),
        connected: true,
        copy: WorkingCopy::default(),
        moved: None,
        editors,
        locks: Vec::new(),
        proposal,
        trouble: None,
        drifted: 0,
        stages: Vec::new(),
        protected: Vec::new(),
        chain: Vec::new(),
        may_edit: held.has(Action::PipelineEdit),
    };
    let link = match connection::link(ctx, app).await {
        Ok(link) => link,
        Err(Error::Refused { code, text }) => {
            view.connected = code != "no_repository";
            view.trouble = Some(text);
            view.copy = stored.unwrap_or_default();
            return Ok(view);
        }
        Err(Error::Unavailable { text, .. }) => {
            view.trouble = Some(text);
            view.copy = stored.unwrap_or_default();
            return Ok(view);
        }
        Err(error) => return Err(error),
    };
    let found = match link.heard(ctx, chosen(&link, stored.as_ref()).await).await {
        Ok(Some((found, root))) => {
            view.stages = root.as_deref().map(stages_of).unwrap_or_default();
            found
        }
        Ok(None) => {
            view.trouble = Some(connection::empty_repository().text());
            view.copy = stored.unwrap_or_default();
            return Ok(view);
        }
        Err(error) => {
            view.trouble = Some(error.text());
            view.copy = stored.unwrap_or_default();
            return Ok(view);
        }
    };
    if let Some(unreadable) = unreadable(&found) {
        view.trouble = Some(unreadable);
    }
    let stored = stored.filter(|copy| path_of(&copy.text) == found.path || copy.is_changed());
    let now = Moved {
        text: found.text().into_owned(),
        commit: commit_of(&found),
    };
    let written = drift::written(ctx, app, found.path).await?;
    view.drifted = written
        .as_ref()
        .map_or(0, |written| drift::count(&written.content, &now.text));
    let is_merged = |copy: &WorkingCopy| {
        written
            .as_ref()
            .is_some_and(|written| written.content == copy.text)
    };
    view.copy = match stored {
        Some(copy) if copy.base_commit == now.commit => copy,
        // What was proposed has been merged, or somebody else did the same.
        Some(copy) if copy.text == now.text || !copy.is_changed() || is_merged(&copy) => WorkingCopy {
            version: copy.version,
            updated_at: copy.updated_at,
            updated_by: copy.updated_by,
            ..fresh(&found)
        },
        Some(copy) => {
            view.moved = Some(now);
            copy
        }
        None => begun(ctx, app, &found).await?,
    };
    view.protected = protected_in(&link, &view.copy).await;
    Ok(view)
}

/// The variables that the file names and that GitLab gives to protected branches and tags alone. Where GitLab does not
/// say, nothing is warned of.
async fn protected_in(link: &Link, copy: &WorkingCopy) -> Vec<String> {
    let all = link.forge.variables(link.project()).await.unwrap_or_default();
    let named = |key: &str| copy.text.contains(key) || copy.base.contains(key);
    let protected: BTreeSet<String> = all
        .into_iter()
        .filter(|row| row.protected && named(&row.key))
        .map(|row| row.key)
        .collect();
    protected.into_iter().collect()
}

/// Where a release goes after the pipeline, and who guards the way.
async fn gates(ctx: &OpCtx, app: &Authorized<App, may::See>) -> Result<Vec<Gate>> {
    let chain = ctx.read().await?.environments(&access::project_of(app)).await?;
    let gates = chain.into_iter().map(|record| Gate {
        key: record.environment.key,
        name: record.environment.name,
        branches: record.branches,
        approvals: record
            .policy
            .rules
            .into_iter()
            .map(|rule| GateRule {
                name: rule.name,
                needed: rule.required,
            })
            .collect(),
    });
    Ok(gates.collect())
}

/// A file on the default branch; `None`: there are no commits.
async fn standing(link: &Link, path: &'static str) -> Result<Option<Found>, ForgeError> {
    let project = link.forge.project(link.project()).await?;
    match project.default_branch {
        Some(branch) => look_up(link, path, branch).await.map(Some),
        None => Ok(None),
    }
}

/// The file that is edited: the one that somebody chose last; else Slipway's own where it is included, else GitLab's. With
/// Slipway's own, the text of the other.
async fn chosen(
    link: &Link,
    stored: Option<&WorkingCopy>,
) -> Result<Option<(Found, Option<String>)>, ForgeError> {
    let Some(root) = standing(link, ROOT_FILE).await? else {
        return Ok(None);
    };
    let is_side = match stored {
        Some(copy) => is_side(&copy.text),
        None => is_included(&root.text()),
    };
    if !is_side {
        return Ok(Some((root, None)));
    }
    let text = root.text().into_owned();
    let side = look_up(link, SIDE_FILE, root.branch.clone()).await?;
    if side.file.is_none() && stored.is_none() {
        return Ok(Some((root, None)));
    }
    Ok(Some((side, Some(text))))
}

/// The stages of the file that includes Slipway's own; where another file may list them, also those that GitLab takes.
fn stages_of(root: &str) -> Vec<String> {
    const DEFAULT: [&str; 5] = [".pre", "build", "test", "deploy", ".post"];
    let known = import(root, false)
        .map(|import| import.stages)
        .unwrap_or_default();
    let is_listed = parse(root).is_ok_and(|tree| {
        let found = tree
            .content()
            .and_then(|document| tree.get(document.root, "stages"));
        found.is_some()
    });
    if is_listed {
        return known;
    }
    let more = known
        .into_iter()
        .filter(|stage| !DEFAULT.contains(&stage.as_str()));
    DEFAULT.map(str::to_owned).into_iter().chain(more).collect()
}

fn commit_of(found: &Found) -> Option<String> {
    found.file.as_ref().map(|file| file.last_commit_id.clone())
}

/// Why a file cannot be edited as text.
fn unreadable(found: &Found) -> Option<Text> {
    let file = found.file.as_ref()?;
    if file.content.len() > LARGEST {
        return Some(too_large());
    }
    if found.path == SIDE_FILE && !is_side(&found.text()) {
        return Some(unmarked());
    }
    if std::str::from_utf8(&file.content).is_err() {
        return found.broken();
    }
    None
}

fn unavailable_to_see() -> Text {
    Text::new(
        "This GitLab does not say what it makes of the file.",
        "此 GitLab 未返回合并后的配置。",
    )
}

fn unmarked() -> Text {
    Text::new(
        format!(
            "The first line of {SIDE_FILE} must be `{MARK}`: by it the file is known. Put it back in git."
        ),
        format!("{SIDE_FILE} 的第一行必须是 `{MARK}`，用于识别此文件。请在 git 中恢复该行。"),
    )
}

fn too_large() -> Text {
    Text::new(
        "The file is larger than 1 MiB. Split it into several with `include`, then edit it here.",
        "文件超过 1 MiB。请先用 `include` 拆分为多个文件，再在此编辑。",
    )
}

fn fresh(found: &Found) -> WorkingCopy {
    let text = found.text().into_owned();
    WorkingCopy {
        branch: found.branch.clone(),
        base: text.clone(),
        base_commit: commit_of(found),
        text,
        ..WorkingCopy::default()
    }
}

/// A new working copy: what is proposed already, else the repository's file.
async fn begun(ctx: &OpCtx, app: &Authorized<App, may::See>, found: &Found) -> Result<WorkingCopy> {
    let mut copy = fresh(found);
    let newest = ctx.read().await?.proposals(app, 1).await?.into_iter().next();
    let is_this = |proposal: &ProposalRecord| {
        proposal.state.is_open()
            && proposal.target == found.branch
            && path_of(&proposal.content) == found.path
    };
    if let Some(open) = newest.filter(is_this) {
        copy.text = open.content;
    }
    Ok(copy)
}

async fn others(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
) -> Result<Vec<slipway_domain::person::PersonRef>> {
    let me = ctx.user().ok().map(|person| person.id);
    let since = ctx.now().plus(-PRESENT);
    let mut editors = ctx.read().await?.editors(app, since).await?;
    editors.retain(|editor| Some(editor.id) != me);
    Ok(editors)
}

/// What changes while somebody looks: the newest version, and who else edits.
///
/// # Errors
/// As [`access::app`].
pub async fn presence(ctx: &OpCtx, org: &str, project: &str, app: &str) -> Result<Presence> {
    let app = access::app::<may::SeePipelines>(ctx, org, project, app)
        .await?
        .see();
    let stored = ctx.read().await?.working_copy(&app).await?.unwrap_or_default();
    Ok(Presence {
        app: app.id(),
        version: stored.version,
        updated_at: stored.updated_at,
        updated_by: stored.updated_by,
        editors: others(ctx, &app).await?,
    })
}

/// The working copy as it was saved last, without a look at the repository; `None`: none was.
///
/// # Errors
/// As [`access::app`].
pub async fn saved(ctx: &OpCtx, org: &str, project: &str, app: &str) -> Result<Option<WorkingCopy>> {
    let app = access::app::<may::SeePipelines>(ctx, org, project, app)
        .await?
        .see();
    Ok(ctx.read().await?.working_copy(&app).await?)
}

/// Says that the actor's editor is open. To be repeated while it is.
///
/// # Errors
/// As [`access::app`].
pub async fn arrive(ctx: &OpCtx, org: &str, project: &str, app: &str) -> Result<()> {
    let app = access::app::<may::PipelineEdit>(ctx, org, project, app).await?;
    let (me, now) = (ctx.user()?.id, ctx.now());
    let mut change = ctx.change().await?;
    change.bookkeeping();
    let is_new = change
        .tx()
        .note_editor(&app.modify(), me, now, now.plus(-PRESENT))
        .await?;
    if is_new {
        change.touch(TOPIC, app.id(), &app.place());
    }
    change.commit().await
}

/// Saves the working copy; the new version. It is not the pipeline yet: only [`propose`] leads to the repository.
///
/// # Errors
/// As [`access::app`]; `working_copy_changed`: somebody saved it since; `file_changed`: the repository's file is not
/// what it was taken from; the text is too large or no YAML; GitLab does not answer where it has to be asked.
pub async fn save(ctx: &OpCtx, org: &str, project: &str, app: &str, input: &Save) -> Result<i64> {
    let app = access::app::<may::PipelineEdit>(ctx, org, project, app).await?;
    check_text(&input.text)?;
    if let Some(base) = &input.base {
        check_base(base)?;
    }
    let copy = match current(ctx, &app, input).await {
        // What was typed is not lost because GitLab is away: its editor is believed until it is proposed, which asks
        // GitLab again.
        Err(Error::Unavailable { code, text }) => match &input.base {
            Some(base) => WorkingCopy {
                branch: base.branch.clone(),
                base: base.text.clone(),
                base_commit: input.base_commit.clone(),
                version: input.version,
                ..WorkingCopy::default()
            },
            None => return Err(Error::Unavailable { code, text }),
        },
        other => other?,
    };
    if path_of(&copy.text) != path_of(&input.text) {
        return Err(Error::field("text", other_file()));
    }
    let copy = WorkingCopy {
        text: input.text.clone(),
        ..copy
    };
    write(ctx, &app, copy).await
}

fn other_file() -> Text {
    Text::new(
        format!("keep the first line: `{MARK}` belongs to {SIDE_FILE}, and to no other file"),
        format!("请保留第一行：`{MARK}` 属于且仅属于 {SIDE_FILE}"),
    )
}

fn check_base(base: &Base) -> Result<()> {
    if base.text.len() > LARGEST || base.branch.len() > LONGEST_BRANCH {
        return Err(Error::field("base", too_large()));
    }
    Ok(())
}

fn check_text(text: &str) -> Result<()> {
    if text.len() > LARGEST {
        return Err(Error::field("text", too_large()));
    }
    match check_source(text) {
        Ok(()) => Ok(()),
        Err(error) => Err(Error::field("text", words(&error))),
    }
}

fn words(error: &SourceError) -> Text {
    Text::new(error.message(Locale::En), error.message(Locale::ZhCn))
}

/// The stored working copy if it has this version, taken from this commit; else one that is taken from it now.
async fn current(ctx: &OpCtx, app: &Authorized<App, may::PipelineEdit>, input: &Save) -> Result<WorkingCopy> {
    let (version, base_commit) = (input.version, input.base_commit.as_deref());
    let stored = ctx.read().await?.working_copy(&app.see()).await?;
    if stored.as_ref().map_or(0, |copy| copy.version) != version {
        return Err(changed(stored.as_ref()));
    }
    if let Some(copy) = stored
        && copy.base_commit.as_deref() == base_commit
    {
        return Ok(copy);
    }
    let link = connection::link(ctx, app).await?;
    let found = link
        .asked(ctx, standing(&link, path_of(&input.text)).await)
        .await?
        .ok_or_else(connection::empty_repository)?;
    if commit_of(&found).as_deref() != base_commit {
        return Err(file_changed());
    }
    Ok(WorkingCopy {
        version,
        ..fresh(&found)
    })
}

fn changed(stored: Option<&WorkingCopy>) -> Error {
    let Some(by) = stored.and_then(|copy| copy.updated_by.as_ref()) else {
        return Error::conflict(
            "working_copy_changed",
            "The draft was discarded or proposed meanwhile. Read it again; what you changed is still here.",
            "草稿已被放弃或提交。请重新读取，你的修改仍保留在此页面。",
        );
    };
    Error::conflict(
        "working_copy_changed",
        format!(
            "{} saved the draft meanwhile. Read it again; what you changed is still here.",
            by.name
        ),
        format!("{} 已保存该草稿。请重新读取，你的修改仍保留在此页面。", by.name),
    )
}

fn file_changed() -> Error {
    Error::conflict(
        "file_changed",
        "The pipeline changed in the repository meanwhile. Bring both together first; nothing is overwritten.",
        "仓库中的流水线已被修改。请先合并两边的修改，不会覆盖任何内容。",
    )
}

async fn write(ctx: &OpCtx, app: &Authorized<App, may::PipelineEdit>, mut copy: WorkingCopy) -> Result<i64> {
    copy.updated_at = Some(ctx.now());
    let by = ctx.user()?.id;
    let modify = app.modify();
    let mut change = ctx.change().await?;
    // Typing is no act that an auditor asks about: what is proposed and merged is.
    change.bookkeeping();
    let written = if copy.version == 0 {
        change.tx().insert_working_copy(&modify, by, &copy).await
    } else {
        change.tx().update_working_copy(&modify, by, &copy).await
    };
    match written {
        Ok(()) => {}
        Err(StoreError::Gone) => {
            drop(change);
            let stored = ctx.read().await?.working_copy(&app.see()).await?;
            return Err(changed(stored.as_ref()));
        }
        Err(error) => return Err(error.into()),
    }
    told(&mut change, app);
    change.commit().await?;
    Ok(copy.version + 1)
}

fn told(change: &mut Change<'_>, app: &Authorized<App, may::PipelineEdit>) {
    change.touch(TOPIC, app.id(), &app.place());
}

/// Begins with this text, as a template's form makes it, in place of what the repository has.
///
/// # Errors
/// As [`save`]; `working_copy_is_there`: there are changes that nobody has proposed, and `replace` does not say that
/// they may go.
pub async fn begin(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    app: &str,
    text: &str,
    replace: bool,
) -> Result<()> {
    let app = access::app::<may::PipelineEdit>(ctx, org, project, app).await?;
    check_text(text)?;
    let stored = ctx.read().await?.working_copy(&app.see()).await?;
    if let Some(stored) = &stored
        && stored.is_changed()
        && stored.text != text
        && !replace
    {
        let who = stored.updated_by.as_ref().map_or("", |by| by.name.as_str());
        return Err(Error::conflict(
            "working_copy_is_there",
            format!(
                "There is a draft already, saved last by {who}. Open it, or say that it may be replaced."
            ),
            format!("已有草稿，最近由 {who} 保存。请打开该草稿，或确认可以替换。"),
        ));
    }
    let link = connection::link(ctx, &app).await?;
    let found = link
        .asked(ctx, standing(&link, path_of(text)).await)
        .await?
        .ok_or_else(connection::empty_repository)?;
    let copy = WorkingCopy {
        version: stored.map_or(0, |copy| copy.version),
        text: text.to_owned(),
        ..fresh(&found)
    };
    write(ctx, &app, copy).await.map(drop)
}

/// Brings the working copy together with the repository's file, job by job: what only one of them changed is taken from
/// it, what both did as `choices` say.
///
/// # Errors
/// As [`save`]; `choose`: both changed something and nobody chose.
pub async fn take_over(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    app: &str,
    version: i64,
    choices: &BTreeMap<String, Choice>,
) -> Result<()> {
    let app = access::app::<may::PipelineEdit>(ctx, org, project, app).await?;
    let stored = ctx.read().await?.working_copy(&app.see()).await?;
    let copy = match stored {
        Some(copy) if copy.version == version => copy,
        other => return Err(changed(other.as_ref())),
    };
    let link = connection::link(ctx, &app).await?;
    let found = link
        .asked(ctx, standing(&link, path_of(&copy.text)).await)
        .await?
        .ok_or_else(connection::empty_repository)?;
    if let Some(text) = unreadable(&found) {
        return Err(Error::Refused {
            code: "unreadable",
            text,
        });
    }
    let theirs = found.text();
    let merged = merge::merge(&copy.base, &theirs, &copy.text, choices).map_err(|error| Error::Refused {
        code: "not_yaml",
        text: words(&error),
    })?;
    if !merged.open.is_empty() {
        let names = merged.open.join(", ");
        return Err(Error::refused(
            "choose",
            format!("Both sides changed {names}. Choose one version of each."),
            format!("两边都修改了 {names}，请为每一项选择一个版本。"),
        ));
    }
    let text = merged.text;
    check_text(&text)?;
    write(
        ctx,
        &app,
        WorkingCopy {
            version,
            text,
            ..fresh(&found)
        },
    )
    .await
    .map(drop)
}

/// Forgets the working copy, so that the repository's file is shown again.
///
/// # Errors
/// As [`access::app`]; `working_copy_changed`: somebody saved it since.
pub async fn discard(ctx: &OpCtx, org: &str, project: &str, app: &str, version: i64) -> Result<()> {
    let app = access::app::<may::PipelineEdit>(ctx, org, project, app).await?;
    if version == 0 {
        return Ok(());
    }
    let mut change = ctx.change().await?;
    change.bookkeeping();
    match change.tx().delete_working_copy(&app.modify(), version).await {
        Ok(()) => {}
        Err(StoreError::Gone) => {
            drop(change);
            let stored = ctx.read().await?.working_copy(&app.see()).await?;
            return Err(changed(stored.as_ref()));
        }
        Err(error) => return Err(error.into()),
    }
    told(&mut change, &app);
    change.commit().await
}
