//! A pipeline's way into a repository: gallery, form, check, merge request, merge.
//!
//! What somebody decides is stored first ([`propose`]); branch, commit and merge request follow outside of any
//! transaction ([`carry_out`]), step by step, each asking GitLab first what is there already. So a crash between two
//! steps is finished by the job, and doing it twice does it once.

mod carry_out;
mod source;

pub(crate) use carry_out::{carry_out, refresh_open};
pub(crate) use source::{Found, look_up};

use crate::access::{self, App, Authorized, may};
use crate::change::{Change, Entry};
use crate::connection::{self, Link};
use crate::context::OpCtx;
use crate::error::{Error, FieldError, Result};
use crate::fault;
use crate::jobs::{Job, Next};
use crate::ports::{ForgeError, Lint, ProposalRecord, StoreError};
use crate::template::{self, Catalog};
use slipway_domain::access::Action;
use slipway_domain::diff::diff_lines;
use slipway_domain::id::{AppId, ProposalId};
use slipway_domain::pipeline::{
    Compiled, FieldError as ParamError, Locale, Params, Problem, Severity, Template, compile, detect_among,
    form, instantiate, validate,
};
use slipway_domain::proposal::{CheckView, Draft, Gallery, LintFinding, LintView, ProposalState};
use slipway_domain::run::ProposalView;
use slipway_domain::template::Told;
use slipway_domain::text::Text;
use slipway_domain::time::{SECOND, Timestamp};
use source::existing;
use std::collections::BTreeMap;

/// Where GitLab looks for a pipeline.
pub(crate) const FILE: &str = slipway_domain::pipeline::file::side::ROOT_FILE;
/// When the job takes over from the request that should have done it, in µs.
const TAKE_OVER: i64 = 20 * SECOND;
/// The most text of a form that is kept, in bytes.
const LARGEST_FORM: usize = 256 * 1024;

/// A template and the texts of its form.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// The template's key.
    pub template: String,
    /// The texts of the form, by parameter, as an HTML form sends them.
    pub inputs: BTreeMap<String, String>,
    /// Whether a file that Slipway did not make, or that was changed by hand, may be replaced.
    pub replace: bool,
}

/// What suits the repository, all templates, and what the reader typed before.
///
/// # Errors
/// As [`access::app`]. What GitLab does not answer is missing, and said.
pub async fn gallery(ctx: &OpCtx, org: &str, project: &str, app: &str) -> Result<Gallery> {
    let app = access::app::<may::SeePipelines>(ctx, org, project, app)
        .await?
        .see();
    let held = access::rights_in(ctx, &app).await?;
    let draft = match ctx.user() {
        Ok(person) => ctx.read().await?.draft(&app, person.id).await?,
        Err(_) => None,
    };
    let copy = ctx.read().await?.working_copy(&app).await?;
    let catalog = Catalog::of(ctx, &app).await?;
    // A template that went while somebody filled in its form is shown to them with what they typed.
    let typed = draft.as_ref().map(|draft| draft.template.as_str());
    let mut gallery = Gallery {
        told: catalog.told(typed),
        suggested: template::upgrade::suggestion(ctx, &app, &catalog).await?,
        edited: copy.is_some_and(|copy| copy.is_changed()),
        place: app.place(),
        repository: None,
        suggestions: Vec::new(),
        templates: catalog.offered(typed),
        draft,
        existing: None,
        trouble: None,
        may_edit: held.has(Action::PipelineEdit),
    };
    let link = match connection::link(ctx, &app).await {
        Ok(link) => link,
        Err(Error::Refused { text, .. } | Error::Unavailable { text, .. }) => {
            gallery.trouble = Some(text);
            return Ok(gallery);
        }
        Err(error) => return Err(error),
    };
    gallery.repository = Some(link.repository.repository.clone());
    match link.heard(ctx, suit(&link).await).await {
        Ok(None) => gallery.trouble = Some(connection::empty_repository().text()),
        Ok(Some((files, languages, found))) => {
            let paths: Vec<&str> = files.iter().map(String::as_str).collect();
            gallery.suggestions = detect_among(&catalog.offered(None), &paths, &languages);
            gallery.existing = existing(ctx, &app, &found).await?;
        }
        Err(error) => gallery.trouble = Some(error.text()),
    }
    Ok(gallery)
}

type Suit = (Vec<String>, Vec<(String, f32)>, Found);

/// What the repository has; `None`: no commits.
async fn suit(link: &Link) -> Result<Option<Suit>, ForgeError> {
    let project = link.forge.project(link.project()).await?;
    let Some(branch) = project.default_branch else {
        return Ok(None);
    };
    let files = match link.forge.root_files(link.project(), &branch).await {
        // GitLab answers 404 for the tree of a repository without commits.
        Err(ForgeError::NotFound(_)) => return Ok(None),
        other => other?,
    };
    let languages = link.forge.languages(link.project()).await?;
    Ok(Some((files, languages, look_up(link, FILE, branch).await?)))
}

/// Keeps what the reader typed.
///
/// # Errors
/// As [`access::app`]; it is too much.
pub async fn save_draft(ctx: &OpCtx, org: &str, project: &str, app: &str, input: &Input) -> Result<()> {
    let app = access::app::<may::PipelineEdit>(ctx, org, project, app).await?;
    keep(ctx, &app, input).await
}

async fn keep(ctx: &OpCtx, app: &Authorized<App, may::PipelineEdit>, input: &Input) -> Result<()> {
    let size: usize = input
        .inputs
        .iter()
        .map(|(name, text)| name.len() + text.len())
        .sum();
    if size + input.template.len() > LARGEST_FORM {
        return Err(Error::field(
            "inputs",
            Text::new("this is too much text for a form", "表单内容过多"),
        ));
    }
    let person = ctx.user()?.id;
    let draft = Draft {
        template: input.template.clone(),
        inputs: input.inputs.clone(),
        updated_at: ctx.now(),
    };
    let mut change = ctx.change().await?;
    change.bookkeeping();
    change.tx().put_draft(&app.modify(), person, &draft).await?;
    change.commit().await
}

/// A form, read and compiled.
struct Made {
    fields: Vec<ParamError>,
    compiled: Option<Compiled>,
    problems: Vec<Problem>,
}

impl Made {
    fn has_errors(&self) -> bool {
        !self.fields.is_empty()
            || self
                .problems
                .iter()
                .any(|problem| problem.severity == Severity::Error)
    }
}

/// The newest version of a template that an app may use, also of one that is withdrawn.
async fn known(ctx: &OpCtx, app: &Authorized<App, may::See>, key: &str) -> Result<(Template, Option<Told>)> {
    let catalog = Catalog::of(ctx, app).await?;
    let found = catalog.newest(key);
    let found = found
        .ok_or_else(|| Error::field("template", Text::new("there is no such template", "没有该模板")))?;
    Ok((found, catalog.standing(key).cloned()))
}

/// No app begins to use a template that is withdrawn.
fn offered(told: Option<&Told>) -> Result<()> {
    match told {
        Some(told) if !told.standing.is_offered() => Err(Error::Refused {
            code: "template_withdrawn",
            text: told.warning().unwrap_or_default(),
        }),
        _ => Ok(()),
    }
}

fn make(template: &Template, inputs: &BTreeMap<String, String>) -> Made {
    let parsed = form::parse(&template.params, inputs);
    if !parsed.errors.is_empty() {
        return Made {
            fields: parsed.errors,
            compiled: None,
            problems: Vec::new(),
        };
    }
    match instantiate(template, &parsed.values) {
        Ok(pipeline) => Made {
            fields: Vec::new(),
            problems: validate(&pipeline),
            compiled: Some(compile(&pipeline)),
        },
        Err(problems) => Made {
            fields: Vec::new(),
            compiled: None,
            problems,
        },
    }
}

/// Checks a form by Slipway's rules and by GitLab's lint, and keeps what was typed.
///
/// # Errors
/// As [`access::app`]; there is no such template. That GitLab does not answer stands in the view.
pub async fn check(ctx: &OpCtx, org: &str, project: &str, app: &str, input: &Input) -> Result<CheckView> {
    let app = access::app::<may::PipelineEdit>(ctx, org, project, app).await?;
    let (template, _) = known(ctx, &app.see(), &input.template).await?;
    let made = make(&template, &input.inputs);
    keep(ctx, &app, input).await?;
    let mut view = CheckView {
        lint: LintView::NotAsked,
        existing: None,
        diff: None,
        ready: false,
        fields: made.fields.clone(),
        compiled: made.compiled.clone(),
        problems: made.problems.clone(),
    };
    let Some(compiled) = &made.compiled else {
        return Ok(view);
    };
    let link = match connection::link(ctx, &app).await {
        Ok(link) => link,
        Err(Error::Refused { text, .. } | Error::Unavailable { text, .. }) => {
            view.lint = LintView::Unavailable(text);
            return Ok(view);
        }
        Err(error) => return Err(error),
    };
    if link.repository.repository.default_branch.is_none() {
        view.lint = LintView::Unavailable(connection::empty_repository().text());
        return Ok(view);
    }
    if !made.has_errors() {
        view.lint = match link
            .heard(ctx, link.forge.lint(link.project(), &compiled.text).await)
            .await
        {
            Ok(answer) => lint_view(&answer),
            Err(error) => LintView::Unavailable(error.text()),
        };
    }
    if let Ok(branch) = link.default_branch()
        && let Ok(found) = link
            .heard(ctx, look_up(&link, FILE, branch.to_owned()).await)
            .await
    {
        view.existing = existing(ctx, &app.see(), &found).await?;
        view.diff = Some(diff_lines(&found.text(), &compiled.text));
    }
    view.ready = matches!(view.lint, LintView::Answered { valid: true, .. })
        && view.diff.as_ref().is_none_or(|diff| !diff.is_empty());
    Ok(view)
}

/// What GitLab's lint said, as the pages show it.
pub(crate) fn lint_view(answer: &Lint) -> LintView {
    let errors = answer.errors.iter().map(|words| finding(words, false));
    let warnings = answer.warnings.iter().map(|words| finding(words, true));
    LintView::Answered {
        valid: answer.valid,
        findings: errors.chain(warnings).collect(),
    }
}

/// GitLab names a job as in `jobs:build:script config …` or `build job: …`.
fn finding(words: &str, warning: bool) -> LintFinding {
    let job = words
        .strip_prefix("jobs:")
        .and_then(|rest| rest.split([':', ' ']).next())
        .or_else(|| words.split_once(" job:").map(|(name, _)| name))
        .or_else(|| words.strip_prefix("job ").and_then(|rest| rest.split(':').next()))
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty());
    LintFinding {
        job,
        warning,
        text: Text::new(format!("GitLab: {words}"), format!("GitLab：{words}")),
    }
}

/// The file that a form makes, and keeps what was typed.
///
/// # Errors
/// As [`access::app`]; the form or the pipeline has errors.
pub async fn compiled(ctx: &OpCtx, org: &str, project: &str, app: &str, input: &Input) -> Result<String> {
    let app = access::app::<may::PipelineEdit>(ctx, org, project, app).await?;
    let (template, told) = known(ctx, &app.see(), &input.template).await?;
    let made = make(&template, &input.inputs);
    keep(ctx, &app, input).await?;
    offered(told.as_ref())?;
    Ok(ready(made)?.text)
}

/// Proposes a pipeline as a merge request; an open one of Slipway is updated. Returns once the merge request is there,
/// or with a view that says why it is not there yet.
///
/// # Errors
/// As [`access::app`]; the form or the pipeline has errors; the repository has no commits; the file that is there
/// needs the reader's word to be replaced; GitLab does not answer (what was typed is kept).
pub async fn propose(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    app: &str,
    input: &Input,
) -> Result<ProposalView> {
    let app = access::app::<may::PipelineEdit>(ctx, org, project, app).await?;
    let (template, told) = known(ctx, &app.see(), &input.template).await?;
    let made = make(&template, &input.inputs);
    let params = form::parse(&template.params, &input.inputs).values;
    keep(ctx, &app, input).await?;
    offered(told.as_ref())?;
    let content = ready(made)?.text;
    let link = connection::link(ctx, &app).await?;
    let found = link.asked(ctx, link.forge.project(link.project()).await).await?;
    let target = found.default_branch.ok_or_else(connection::empty_repository)?;
    let there = link.asked(ctx, look_up(&link, FILE, target).await).await?;
    if there.text() == content {
        return Err(Error::refused(
            "nothing_changes",
            "The repository has exactly this pipeline already.",
            "仓库中的流水线与此完全相同。",
        ));
    }
    if !input.replace {
        there.may_be_replaced(ctx, &app.see()).await?;
    }
    let reference = template.reference();
    let wanted = Wanted {
        content,
        target: there.branch.clone(),
        base: there.file.as_ref().map(|file| file.last_commit_id.clone()),
        template: format!("{}@{}", reference.key, reference.version),
        title: format!(
            "Pipeline from Slipway: {} {}",
            template.names.en, reference.version
        ),
        params: Some(params),
        forgets_draft: true,
    };
    submit(ctx, &app, &link, wanted).await
}

/// Stores a proposal and carries it out as far as GitLab lets; the job goes on where it does not.
pub(crate) async fn submit(
    ctx: &OpCtx,
    app: &Authorized<App, may::PipelineEdit>,
    link: &Link,
    wanted: Wanted,
) -> Result<ProposalView> {
    let id = intend(ctx, app, link, wanted).await?;
    fault::point("proposal.intended");
    match carry_out(ctx, app.id(), id).await {
        Ok(Next::Done) => {}
        Ok(Next::At(at)) => {
            let mut change = ctx.change().await?;
            change.bookkeeping();
            enqueue(&mut change, app.id(), id, at).await?;
            change.commit().await?;
        }
        Err(error) => {
            tracing::warn!(%error, proposal = %id, "a proposal could not be carried out at once; the job goes on");
        }
    }
    let record = ctx
        .read()
        .await?
        .proposal(&app.see(), id)
        .await?
        .ok_or(Error::NotFound)?;
    if record.state == ProposalState::Failed {
        let why = record.blocked.unwrap_or_default();
        return Err(Error::Conflict {
            code: "proposal_failed",
            text: why,
        });
    }
    Ok(shown(&record, true))
}

fn ready(made: Made) -> Result<Compiled> {
    if !made.fields.is_empty() {
        let field = |error: ParamError| FieldError {
            text: Text::new(error.message.text(Locale::En), error.message.text(Locale::ZhCn)),
            field: error.param,
        };
        return Err(Error::Invalid(made.fields.into_iter().map(field).collect()));
    }
    if let Some(problem) = made
        .problems
        .iter()
        .find(|problem| problem.severity == Severity::Error)
    {
        let text = Text::new(problem.message(Locale::En), problem.message(Locale::ZhCn));
        return Err(Error::Refused {
            code: "pipeline_problems",
            text,
        });
    }
    made.compiled
        .ok_or_else(|| Error::internal("a pipeline without problems was not compiled"))
}

/// A file on its way into the repository.
pub(crate) struct Wanted {
    /// Its text.
    pub(crate) content: String,
    /// The branch it is to be merged into.
    pub(crate) target: String,
    /// The last commit that changed the file there, as far as its author knows.
    pub(crate) base: Option<String>,
    /// `key@version` of its template; empty: it has none.
    pub(crate) template: String,
    /// The title of the merge request.
    pub(crate) title: String,
    /// What its template's form was filled in with.
    pub(crate) params: Option<Params>,
    /// Whether it is what its author typed into a form, which need not be kept any more.
    pub(crate) forgets_draft: bool,
}

/// How many taken branch names are stepped over.
const MOST_TAKEN: i64 = 100;

/// Stores what is to be done, and the job that does it if nobody else does.
async fn intend(
    ctx: &OpCtx,
    app: &Authorized<App, may::PipelineEdit>,
    link: &Link,
    wanted: Wanted,
) -> Result<ProposalId> {
    let see = app.see();
    let newest = ctx.read().await?.proposals(&see, 1).await?.into_iter().next();
    let mut number = newest.as_ref().map_or(1, |proposal| proposal.number + 1);
    if newest.as_ref().is_none_or(|proposal| !proposal.state.is_open()) {
        // A branch of this name may be left of an earlier life of the app.
        let last = number + MOST_TAKEN;
        while number < last
            && link
                .asked(ctx, link.forge.branch(link.project(), &branch_name(number)).await)
                .await?
                .is_some()
        {
            number += 1;
        }
    }
    let person = ctx.user()?.id;
    let place = app.place();
    let mut change = ctx.change().await?;
    let open = change
        .tx()
        .proposals(&see, 1)
        .await?
        .into_iter()
        .next()
        .filter(|proposal| proposal.state.is_open());
    let record = if let Some(open) = open {
        let record = ProposalRecord {
            content: wanted.content,
            target: wanted.target,
            base: wanted.base,
            template: wanted.template,
            params: wanted.params,
            title: wanted.title,
            state: ProposalState::Intended,
            blocked: None,
            author: Some(person),
            ..open
        };
        change.tx().update_proposal(&app.modify(), &record).await?;
        record
    } else {
        let record = ProposalRecord {
            id: ctx.id::<ProposalId>(),
            number,
            branch: branch_name(number),
            target: wanted.target,
            title: wanted.title,
            content: wanted.content,
            template: wanted.template,
            params: wanted.params,
            base: wanted.base,
            committed: None,
            state: ProposalState::Intended,
            iid: None,
            sha: None,
            web_url: None,
            blocked: None,
            author: Some(person),
            created_at: ctx.now(),
            version: 1,
        };
        change
            .tx()
            .insert_proposal(&app.modify(), &record)
            .await
            .map_err(|error| match error {
                StoreError::Constraint(_) => StoreError::Gone,
                other => other,
            })?;
        record
    };
    if wanted.forgets_draft {
        change.tx().delete_draft(&app.modify(), person).await?;
    }
    let summary = serde_json::json!({ "template": record.template, "branch": record.branch });
    change
        .audit(Entry::done(
            "pipeline.propose",
            "proposal",
            record.id,
            record.title.clone(),
            &place,
            summary,
        ))
        .await?;
    enqueue(&mut change, app.id(), record.id, ctx.now().plus(TAKE_OVER)).await?;
    change.touch("app", app.id(), &place);
    change.commit().await?;
    Ok(record.id)
}

async fn enqueue(change: &mut Change<'_>, app: AppId, proposal: ProposalId, at: Timestamp) -> Result<()> {
    change
        .enqueue(
            &Job::Propose { app, proposal },
            at,
            Some(&format!("propose:{proposal}")),
        )
        .await
}

fn branch_name(number: i64) -> String {
    format!("slipway/pipeline-{number}")
}

/// The newest proposal while it is on its way, for the app's page.
///
/// # Errors
/// The database does not answer.
pub async fn open(ctx: &OpCtx, app: &Authorized<App, may::See>) -> Result<Option<ProposalView>> {
    let held = access::rights_in(ctx, app).await?;
    let newest = ctx.read().await?.proposals(app, 1).await?.into_iter().next();
    let on_its_way =
        |proposal: &ProposalRecord| proposal.state.is_open() || proposal.state == ProposalState::Failed;
    Ok(newest
        .filter(on_its_way)
        .map(|proposal| shown(&proposal, held.has(Action::PipelineEdit))))
}

fn shown(proposal: &ProposalRecord, may_edit: bool) -> ProposalView {
    let blocked = match proposal.state {
        ProposalState::Intended => Some(
            proposal
                .blocked
                .clone()
                .unwrap_or_else(|| Text::new("Its merge request is being made.", "正在创建合并请求。")),
        ),
        _ => proposal.blocked.clone(),
    };
    ProposalView {
        id: proposal.id,
        iid: proposal.iid.unwrap_or_default(),
        title: proposal.title.clone(),
        state: proposal.state.key().to_owned(),
        branch: proposal.branch.clone(),
        web_url: proposal.web_url.clone().unwrap_or_default(),
        may_merge: may_edit && proposal.state == ProposalState::Opened && blocked.is_none(),
        blocked,
    }
}

/// Merges the merge request of a proposal.
///
/// # Errors
/// As [`access::app`]; there is no such proposal; GitLab cannot merge it (conflicts, a red pipeline, approvals that
/// are missing) or does not answer.
pub async fn merge(ctx: &OpCtx, org: &str, project: &str, app: &str, id: ProposalId) -> Result<()> {
    let app = access::app::<may::PipelineEdit>(ctx, org, project, app).await?;
    carry_out::merge(ctx, &app, id).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_pinned_to_the_job_it_names() {
        assert_eq!(
            finding("jobs:build:script config should be a string", false)
                .job
                .as_deref(),
            Some("build")
        );
        assert_eq!(
            finding("jobs build config should implement a script", false).job,
            None
        );
        assert_eq!(
            finding("test job: chosen stage does not exist", false)
                .job
                .as_deref(),
            Some("test")
        );
        assert_eq!(finding("root config contains unknown keys", false).job, None);
        assert_eq!(finding("root config", true).text.zh, "GitLab：root config");
    }
}
