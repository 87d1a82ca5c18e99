//! Bringing one app to another version of its template: what is new, what becomes of what was filled in, and a merge
//! request. What was changed by hand in the repository stays.

use super::{Catalog, usage};
use crate::access::{self, App, Authorized, may};
use crate::connection::{self, Link};
use crate::context::OpCtx;
use crate::error::{Error, FieldError, Result};
use crate::ports::ProposalRecord;
use crate::proposal::{self, FILE, Found, Wanted, look_up};
use slipway_domain::access::Action;
use slipway_domain::diff::diff_lines;
use slipway_domain::pipeline::authored::{
    Bump, Migration, Upgrade, UpgradeError, UpgradeInput, compare, migrate, upgrade,
};
use slipway_domain::pipeline::file::merge::Choice;
use slipway_domain::pipeline::{
    Params, Severity, Template, TemplateRef, compile, form, instantiate, validate,
};
use slipway_domain::run::ProposalView;
use slipway_domain::template::{AppUpgrade, Suggested, UpgradeChange, after, behind, suggested};
use slipway_domain::text::{Locale, Text};
use std::collections::BTreeMap;

/// What somebody decided about an upgrade.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// The version to go to; empty: the one that is suggested.
    pub to: String,
    /// The texts of the newer form, by parameter; empty: what is carried over.
    pub inputs: BTreeMap<String, String>,
    /// Whose version stands where both changed, by job or keyword.
    pub choices: BTreeMap<String, Choice>,
    /// Whether a file that Slipway does not know may be replaced.
    pub replace: bool,
}

/// What there is for an app: a newer version of its template, or that the template is deprecated or withdrawn.
pub(crate) async fn suggestion(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    catalog: &Catalog,
) -> Result<Option<Suggested>> {
    let Some(from) = usage::reference(ctx, app).await? else {
        return Ok(None);
    };
    Ok(suggest(catalog, from).filter(|one| one.to.is_some() || one.warning.is_some()))
}

/// As [`suggestion`], for the app's own page.
pub(crate) async fn for_app(ctx: &OpCtx, app: &Authorized<App, may::See>) -> Result<Option<Suggested>> {
    // Most apps use none; the templates need not be read for them.
    if usage::reference(ctx, app).await?.is_none() {
        return Ok(None);
    }
    let catalog = Catalog::of(ctx, app).await?;
    suggestion(ctx, app, &catalog).await
}

fn suggest(catalog: &Catalog, from: TemplateRef) -> Option<Suggested> {
    if !catalog.knows(&from.key) {
        return None;
    }
    let versions = catalog.versions(&from.key);
    let told = catalog.standing(&from.key);
    let offered = told.is_none_or(|told| told.standing.is_offered());
    let names = versions.iter().map(|(version, _)| version.as_str());
    let to = suggested(&from.version, names.clone()).filter(|_| offered);
    let later = after(&from.version, names);
    let bump = to.and_then(|to| behind(&from.version, to));
    let changelog = later
        .into_iter()
        .filter(|version| to.is_some_and(|to| *version == to || behind(version, to).is_some()));
    let changelog = changelog.filter_map(|version| versions.iter().find(|(one, _)| one == version).cloned());
    Some(Suggested {
        names: catalog.newest(&from.key).map(|one| one.names).unwrap_or_default(),
        to: to.map(str::to_owned),
        bump,
        changelog: changelog.collect(),
        warning: told.and_then(slipway_domain::template::Told::warning),
        from,
    })
}

/// An upgrade that is being looked at.
struct Plan {
    catalog: Catalog,
    used: usage::Used,
    old: Option<Template>,
    to: Template,
    bump: Bump,
    migration: Migration,
}

impl Plan {
    async fn of(
        ctx: &OpCtx,
        app: &Authorized<App, may::See>,
        catalog: Catalog,
        to: &str,
    ) -> Result<Option<Self>> {
        let Some(from) = usage::reference(ctx, app).await? else {
            return Ok(None);
        };
        let Some(offer) = suggest(&catalog, from.clone()) else {
            return Ok(None);
        };
        let to = if to.is_empty() {
            offer.to.unwrap_or_default()
        } else {
            to.to_owned()
        };
        let Some(bump) = behind(&from.version, &to) else {
            return Ok(None);
        };
        let reference = TemplateRef {
            key: from.key.clone(),
            version: to,
        };
        let Some(to) = catalog.version(&reference) else {
            return Ok(None);
        };
        let old = catalog.version(&from);
        let used = usage::used(ctx, app, from).await?;
        let given = used.params.clone().unwrap_or_default();
        // Without the older form, what was filled in is read by the newer one.
        let before = old.as_ref().map_or(&to.params, |old| &old.params);
        let migration = migrate(before, &to.params, &given);
        Ok(Some(Self {
            catalog,
            used,
            old,
            to,
            bump,
            migration,
        }))
    }

    /// The file as the older version made it; `None`: nobody knows.
    fn base(&self) -> Option<String> {
        if let (Some(old), Some(params)) = (&self.old, &self.used.params)
            && let Ok(pipeline) = instantiate(old, params)
        {
            return Some(compile(&pipeline).text);
        }
        self.used.merged.clone()
    }

    /// The texts of the form: what was typed over what was carried over.
    fn inputs(&self, typed: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut inputs = form::raw(&self.migration.values);
        inputs.extend(typed.clone());
        inputs
    }

    /// The upgraded file. `None` for `base`: it is replaced.
    fn upgraded(
        &self,
        base: Option<&str>,
        repository: &str,
        values: &Params,
        choices: &BTreeMap<String, Choice>,
    ) -> Result<Upgrade> {
        let input = UpgradeInput {
            from: &self.used.reference,
            base: base.unwrap_or(repository),
            repository,
            to: &self.to,
            values,
            choices,
        };
        upgrade(&input).map_err(|error| match error {
            UpgradeError::Values(problems) => {
                let first = problems.first();
                let words = |locale| first.map(|problem| problem.message(locale)).unwrap_or_default();
                Error::Refused {
                    code: "pipeline_problems",
                    text: Text::new(words(Locale::En), words(Locale::ZhCn)),
                }
            }
            UpgradeError::Source(error) => Error::Refused {
                code: "not_yaml",
                text: Text::new(error.message(Locale::En), error.message(Locale::ZhCn)),
            },
        })
    }
}

/// An upgrade of an app, to be looked at: the form with what is carried over, and what would change.
///
/// # Errors
/// As [`access::app`]. What GitLab does not answer is missing, and said.
pub async fn view(ctx: &OpCtx, org: &str, project: &str, app: &str, input: &Input) -> Result<AppUpgrade> {
    let app = access::app::<may::SeePipelines>(ctx, org, project, app)
        .await?
        .see();
    let may_edit = access::rights_in(ctx, &app).await?.has(Action::PipelineEdit);
    let catalog = Catalog::of(ctx, &app).await?;
    let from = usage::reference(ctx, &app).await?.ok_or(Error::NotFound)?;
    let offer = suggest(&catalog, from.clone()).ok_or(Error::NotFound)?;
    let all = catalog.versions(&from.key);
    let versions = after(&from.version, all.iter().map(|(version, _)| version.as_str()));
    let mut view = AppUpgrade {
        place: app.place(),
        versions: versions.into_iter().map(str::to_owned).collect(),
        suggested: offer,
        change: None,
        trouble: None,
        may_edit,
    };
    let Some(plan) = Plan::of(ctx, &app, catalog, &input.to).await? else {
        return if input.to.is_empty() {
            Ok(view)
        } else {
            Err(Error::NotFound)
        };
    };
    let inputs = plan.inputs(&input.inputs);
    let parsed = form::parse(&plan.to.params, &inputs);
    let mut change = UpgradeChange {
        bump: plan.bump,
        comparison: plan.old.as_ref().map(|old| compare(old, &plan.to)),
        migration: plan.migration.clone(),
        values_known: plan.used.params.is_some(),
        fields: parsed.errors.clone(),
        inputs,
        diff: None,
        conflicts: Vec::new(),
        kept: Vec::new(),
        foreign: false,
        to: plan.to.clone(),
    };
    match there(ctx, &app).await {
        Ok((_, found)) => {
            let base = plan.base();
            change.foreign = base.is_none();
            if change.fields.is_empty() {
                show(
                    &plan,
                    base.as_deref(),
                    &found,
                    &parsed.values,
                    &input.choices,
                    &mut change,
                )?;
            }
        }
        Err(Error::Refused { text, .. } | Error::Unavailable { text, .. }) => view.trouble = Some(text),
        Err(error) => return Err(error),
    }
    view.change = Some(change);
    Ok(view)
}

fn show(
    plan: &Plan,
    base: Option<&str>,
    found: &Found,
    values: &Params,
    choices: &BTreeMap<String, Choice>,
    change: &mut UpgradeChange,
) -> Result<()> {
    let repository = found.text();
    let upgraded = plan.upgraded(base, &repository, values, choices)?;
    change.diff = Some(diff_lines(&repository, &upgraded.text));
    change.conflicts = upgraded.conflicts;
    change.kept = upgraded.kept;
    Ok(())
}

/// The file on the default branch.
async fn there(ctx: &OpCtx, app: &Authorized<App, may::See>) -> Result<(Link, Found)> {
    let link = connection::link(ctx, app).await?;
    let project = link.asked(ctx, link.forge.project(link.project()).await).await?;
    let branch = project.default_branch.ok_or_else(connection::empty_repository)?;
    let found = link.asked(ctx, look_up(&link, FILE, branch).await).await?;
    Ok((link, found))
}

/// Proposes an upgrade of an app as a merge request.
///
/// # Errors
/// As [`access::app`]; there is no such version, or nothing to do; the form or the pipeline has errors; both changed
/// something and nobody chose; the file is not what Slipway knows, and nobody said that it may be replaced; another
/// merge request of Slipway is open; GitLab would refuse it or does not answer.
pub async fn propose(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    app: &str,
    input: &Input,
) -> Result<ProposalView> {
    let app = access::app::<may::PipelineEdit>(ctx, org, project, app).await?;
    propose_in(ctx, &app, input, false).await
}

/// As [`propose`]. `alone`: nobody looks at the form, so nothing may be asked and nothing may fall away.
pub(super) async fn propose_in(
    ctx: &OpCtx,
    app: &Authorized<App, may::PipelineEdit>,
    input: &Input,
    alone: bool,
) -> Result<ProposalView> {
    let see = app.see();
    let catalog = Catalog::of(ctx, &see).await?;
    let plan = Plan::of(ctx, &see, catalog, &input.to)
        .await?
        .ok_or_else(nothing_to_do)?;
    offered(&plan)?;
    if alone {
        unattended(&plan)?;
    }
    no_other(ctx, &see, &plan).await?;
    let values = filled(&plan, &input.inputs)?;
    let (link, found) = there(ctx, &see).await?;
    let repository = found.text().into_owned();
    let base = plan.base();
    if base.is_none() && !input.replace {
        return Err(Error::refused(
            "not_slipways",
            "Slipway does not know what this file was like when its template made it. Look at the difference, then say that it may be replaced.",
            "Slipway 不了解该文件由模板生成时的内容。请查看差异，并确认可以替换。",
        ));
    }
    let upgraded = plan.upgraded(base.as_deref(), &repository, &values, &input.choices)?;
    if !upgraded.open.is_empty() {
        let names = upgraded.open.join(", ");
        return Err(Error::refused(
            "choose",
            format!(
                "{names} changed by hand and in the template. Open the upgrade of this app and choose one of both."
            ),
            format!("{names} 既被手工修改，模板也有改动。请打开该应用的升级页面选择其一。"),
        ));
    }
    if upgraded.text == repository {
        return Err(nothing_to_do());
    }
    accepted(ctx, &link, &plan, &values, &upgraded.text).await?;
    let wanted = Wanted {
        target: found.branch.clone(),
        base: found.file.as_ref().map(|file| file.last_commit_id.clone()),
        template: format!("{}@{}", plan.to.key, plan.to.semver),
        title: format!(
            "Pipeline: {} {} → {}",
            plan.to.names.en, plan.used.reference.version, plan.to.semver
        ),
        content: upgraded.text,
        params: Some(values),
        forgets_draft: false,
    };
    proposal::submit(ctx, app, &link, wanted).await
}

fn nothing_to_do() -> Error {
    Error::refused(
        "nothing_changes",
        "The app has this version already, or there is no such version. There is nothing to propose.",
        "该应用已是此版本，或没有该版本，无需提交。",
    )
}

/// No app goes to a version of a template that is withdrawn.
fn offered(plan: &Plan) -> Result<()> {
    match plan.catalog.standing(&plan.to.key) {
        Some(told) if !told.standing.is_offered() => Err(Error::Refused {
            code: "template_withdrawn",
            text: told.warning().unwrap_or_default(),
        }),
        _ => Ok(()),
    }
}

/// Refuses what somebody has to look at.
fn unattended(plan: &Plan) -> Result<()> {
    let names = |all: &[slipway_domain::pipeline::authored::Carried], locale| {
        let labels: Vec<&str> = all.iter().map(|one| one.label.get(locale)).collect();
        labels.join(", ")
    };
    let migration = &plan.migration;
    if !migration.needs.is_empty() {
        return Err(Error::refused(
            "form_needed",
            format!(
                "The version asks for {}. Open the upgrade of this app and fill it in.",
                names(&migration.needs, Locale::En)
            ),
            format!(
                "该版本需要填写 {}。请打开该应用的升级页面填写。",
                names(&migration.needs, Locale::ZhCn)
            ),
        ));
    }
    if !migration.dropped.is_empty() {
        return Err(Error::refused(
            "form_needed",
            format!(
                "The version has no place for {} any more. Open the upgrade of this app and look at it.",
                names(&migration.dropped, Locale::En)
            ),
            format!(
                "该版本不再包含 {}。请打开该应用的升级页面确认。",
                names(&migration.dropped, Locale::ZhCn)
            ),
        ));
    }
    if plan.used.params.is_none() && plan.bump == Bump::Major {
        return Err(Error::refused(
            "form_needed",
            "Slipway does not know what the form of this app was filled in with. Open its upgrade and look at it.",
            "Slipway 不了解该应用表单的原有内容。请打开其升级页面确认。",
        ));
    }
    Ok(())
}

/// An open merge request with other changes is nobody's to replace here.
async fn no_other(ctx: &OpCtx, app: &Authorized<App, may::See>, plan: &Plan) -> Result<()> {
    let newest = ctx.read().await?.proposals(app, 1).await?.into_iter().next();
    let prefix = format!("{}@", plan.to.key);
    let other = |one: &ProposalRecord| one.state.is_open() && !one.template.starts_with(&prefix);
    let behind_it = |one: &ProposalRecord| {
        // An edited pipeline of the version that is used would be overwritten.
        one.state.is_open() && one.params.is_none()
    };
    match newest.filter(|one| other(one) || behind_it(one)) {
        None => Ok(()),
        Some(open) => Err(Error::conflict(
            "proposal_open",
            format!(
                "“{}” is proposed already and not merged. Merge or close it first.",
                open.title
            ),
            format!("“{}”已提交但尚未合并。请先合并或关闭。", open.title),
        )),
    }
}

fn filled(plan: &Plan, typed: &BTreeMap<String, String>) -> Result<Params> {
    let parsed = form::parse(&plan.to.params, &plan.inputs(typed));
    if parsed.errors.is_empty() {
        return Ok(parsed.values);
    }
    let field = |error: slipway_domain::pipeline::FieldError| FieldError {
        text: Text::new(error.message.text(Locale::En), error.message.text(Locale::ZhCn)),
        field: error.param,
    };
    Err(Error::Invalid(parsed.errors.into_iter().map(field).collect()))
}

/// Refuses what Slipway's rules or GitLab's lint would.
async fn accepted(ctx: &OpCtx, link: &Link, plan: &Plan, values: &Params, text: &str) -> Result<()> {
    let pipeline = instantiate(&plan.to, values).unwrap_or_default();
    if let Some(problem) = validate(&pipeline)
        .iter()
        .find(|one| one.severity == Severity::Error)
    {
        return Err(Error::refused(
            "pipeline_problems",
            problem.message(Locale::En),
            problem.message(Locale::ZhCn),
        ));
    }
    let answer = link
        .asked(ctx, link.forge.lint(link.project(), text).await)
        .await?;
    if answer.valid {
        return Ok(());
    }
    let words = answer.errors.join("; ");
    Err(Error::refused(
        "lint",
        format!("GitLab would refuse this pipeline: {words}"),
        format!("GitLab 会拒绝此流水线：{words}"),
    ))
}
