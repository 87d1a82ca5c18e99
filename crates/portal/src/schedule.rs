//! Pipeline schedules: GitLab keeps and runs them; here they are read, checked and changed.

use crate::access::{self, App, Authorized, may};
use crate::change::Entry;
use crate::connection::{self, Link};
use crate::context::OpCtx;
use crate::error::{Error, FieldError, Result};
use crate::ports::{ForgeError, ForgeSchedule, NewSchedule, SnapshotKind};
use crate::run::{Given, asked_of, checked_inputs, checked_ref, checked_variables, is_protected};
use crate::snapshot;
use serde_json::Value;
use slipway_domain::access::Action;
use slipway_domain::pipeline::inputs::Asked;
use slipway_domain::schedule::cron::Cron;
use slipway_domain::schedule::{
    CronPreview, LONGEST_DESCRIPTION, LastRun, NEXT, ScheduleForm, ScheduleInput, ScheduleList, ScheduleRow,
};
use slipway_domain::text::Text;
use slipway_domain::variable::Variable;
use std::collections::BTreeMap;

/// A schedule to be made or changed.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// What it is for.
    pub description: String,
    /// The branch or tag.
    pub git_ref: String,
    /// When: five fields.
    pub cron: String,
    /// By the clocks of which zone: a name of the IANA time zone database.
    pub zone: String,
    /// Whether it runs by itself.
    pub active: bool,
    /// Its inputs.
    pub inputs: Given,
    /// Variables that it gets, or gets another value for.
    pub variables: Vec<Variable>,
    /// Names of variables that it has no more.
    pub dropped: Vec<String>,
}

/// Which app, by slugs: organization, project, app.
pub type At<'a> = (&'a str, &'a str, &'a str);

/// The schedules of an app's repository.
///
/// # Errors
/// As [`access::app`]. That GitLab does not answer stands in the list.
pub async fn list(ctx: &OpCtx, (org, project, app): At<'_>) -> Result<ScheduleList> {
    let app = access::app::<may::SeePipelines>(ctx, org, project, app)
        .await?
        .see();
    let held = access::rights_in(ctx, &app).await?;
    let mut list = ScheduleList {
        place: app.place(),
        schedules: Vec::new(),
        connected: true,
        may_edit: held.has(Action::PipelineEdit),
        may_run: held.has(Action::PipelineRun),
        as_of: None,
        trouble: None,
    };
    let link = match connection::link(ctx, &app).await {
        Ok(link) => link,
        Err(Error::Refused {
            code: "no_repository",
            ..
        }) => {
            list.connected = false;
            return Ok(list);
        }
        Err(error @ (Error::Unavailable { .. } | Error::Refused { .. })) => {
            let known = snapshot::last(ctx, &app, (SnapshotKind::Schedules, ""), error.text()).await?;
            return Ok(with(list, known));
        }
        Err(error) => return Err(error),
    };
    let answer = match link.forge.schedules(link.project()).await {
        Ok(schedules) => Ok(rows(ctx, &app, &link, schedules).await?),
        Err(error) => Err(error),
    };
    let known = snapshot::known(ctx, &app, &link, (SnapshotKind::Schedules, ""), answer).await?;
    Ok(with(list, known))
}

fn with(mut list: ScheduleList, known: snapshot::Known<Vec<ScheduleRow>>) -> ScheduleList {
    list.schedules = known.value.unwrap_or_default();
    list.as_of = known.as_of;
    list.trouble = known.trouble;
    list
}

async fn rows(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    link: &Link,
    schedules: Vec<ForgeSchedule>,
) -> Result<Vec<ScheduleRow>> {
    let mut rows = Vec::new();
    for schedule in schedules {
        rows.push(row(ctx, app, link, schedule).await?);
    }
    rows.sort_by(|a, b| a.description.cmp(&b.description).then(a.id.cmp(&b.id)));
    Ok(rows)
}

async fn row(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    link: &Link,
    schedule: ForgeSchedule,
) -> Result<ScheduleRow> {
    let last = match schedule.last {
        Some((forge_id, status)) => {
            let run = ctx.read().await?.run_of_pipeline(app, forge_id).await?;
            Some(LastRun {
                forge_id,
                number: run.as_ref().map(|run| run.row.number),
                status: status.or(run.map(|run| run.row.status)),
            })
        }
        None => None,
    };
    let next = match Cron::parse(&schedule.cron, &schedule.zone) {
        Ok(cron) if schedule.active => cron.next(ctx.now(), NEXT),
        _ => Vec::new(),
    };
    let report = link.connection.connection.report.as_ref();
    let us = report.and_then(|report| report.username.as_deref());
    Ok(ScheduleRow {
        id: schedule.id,
        ours: us.is_none() || schedule.owner.as_deref() == us,
        description: schedule.description,
        git_ref: schedule.git_ref,
        cron: schedule.cron,
        zone: schedule.zone,
        active: schedule.active,
        next,
        next_run_at: schedule.next_run_at.filter(|_| schedule.active),
        owner: schedule.owner,
        last,
        variables: schedule.variables,
        inputs: schedule.inputs,
    })
}

/// What is said of an expression while it is typed. An expression that hardly ever comes is looked for through four
/// years, so it is not done where requests are waited for.
///
/// # Errors
/// It cannot be done at all: a bug.
pub async fn preview(ctx: &OpCtx, cron: &str, zone: &str) -> Result<CronPreview> {
    let (now, cron, zone) = (ctx.now(), cron.to_owned(), zone.to_owned());
    let look = move || match Cron::parse(&cron, &zone) {
        Ok(cron) => CronPreview {
            next: cron.next(now, NEXT),
            ..CronPreview::default()
        },
        Err(error) => CronPreview {
            next: Vec::new(),
            cron: error.cron,
            zone: error.zone,
        },
    };
    tokio::task::spawn_blocking(look).await.map_err(Error::internal)
}

/// The form of a schedule, or of a new one; `git_ref`: with the inputs of another branch or tag.
///
/// # Errors
/// As [`access::app`]; there is no such schedule; GitLab does not answer.
pub async fn form(
    ctx: &OpCtx,
    (org, project, app): At<'_>,
    id: Option<i64>,
    git_ref: Option<&str>,
) -> Result<ScheduleForm> {
    let app = access::app::<may::PipelineEdit>(ctx, org, project, app).await?;
    let see = app.see();
    let link = connection::link(ctx, &app).await?;
    let schedule = match id {
        Some(id) => {
            let found = found(ctx, &link, id).await?;
            Some(row(ctx, &see, &link, found).await?)
        }
        None => None,
    };
    let named = git_ref.map(str::trim).filter(|name| !name.is_empty());
    let git_ref = match (named, &schedule) {
        (Some(name), _) => checked_ref(name)?.to_owned(),
        (None, Some(schedule)) => schedule.git_ref.clone(),
        (None, None) => link.default_branch()?.to_owned(),
    };
    let branches = match link.forge.branches(link.project()).await {
        Err(ForgeError::NotFound(_)) => Ok(Vec::new()),
        other => other,
    };
    let branches = link.asked(ctx, branches).await?;
    let (asked, trouble) = link.asked(ctx, asked_of(&link, &git_ref).await).await?;
    Ok(ScheduleForm {
        place: app.place(),
        schedule,
        refs: branches.into_iter().map(|branch| branch.name).collect(),
        git_ref,
        asked,
        trouble,
    })
}

async fn found(ctx: &OpCtx, link: &Link, id: i64) -> Result<ForgeSchedule> {
    match link.forge.schedule(link.project(), id).await {
        Err(ForgeError::NotFound(_)) => Err(Error::NotFound),
        answer => link.asked(ctx, answer).await,
    }
}

/// What was checked of an input.
struct Checked {
    new: NewSchedule,
    variables: Vec<Variable>,
}

/// Checks everything at once, so that all that is wrong is told together.
fn checked(input: &Input, asked: &Asked, before: Option<&ForgeSchedule>) -> Result<Checked> {
    let mut errors = Vec::new();
    let mut wrong = |field: &str, text: Text| {
        errors.push(FieldError {
            field: field.to_owned(),
            text,
        });
    };
    let description = input.description.trim();
    if description.is_empty() || description.chars().count() > LONGEST_DESCRIPTION {
        wrong(
            "description",
            Text::new(
                "say what it is for, in up to 255 characters",
                "请填写用途，最多 255 个字符",
            ),
        );
    }
    let cron = Cron::parse(&input.cron, &input.zone);
    let zone = cron
        .as_ref()
        .map(|cron| cron.zone().to_owned())
        .unwrap_or_default();
    if let Err(error) = cron {
        if let Some(text) = error.cron {
            wrong("cron", text);
        }
        if let Some(text) = error.zone {
            wrong("zone", text);
        }
    }
    let mut keep = |result: Error| match result {
        Error::Invalid(more) => {
            errors.extend(more);
            Ok(())
        }
        other => Err(other),
    };
    let inputs = match checked_inputs(asked, &input.inputs) {
        Ok(inputs) => inputs,
        Err(error) => {
            keep(error)?;
            BTreeMap::new()
        }
    };
    let variables = match checked_variables(&input.variables, "variables") {
        Ok(variables) => variables,
        Err(error) => {
            keep(error)?;
            Vec::new()
        }
    };
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let dropped = before.map(|before| gone(before, &inputs)).unwrap_or_default();
    Ok(Checked {
        new: NewSchedule {
            description: description.to_owned(),
            git_ref: input.git_ref.trim().to_owned(),
            cron: input.cron.split_whitespace().collect::<Vec<_>>().join(" "),
            zone,
            active: input.active,
            inputs: inputs
                .into_iter()
                .map(|(name, value)| ScheduleInput { name, value })
                .collect(),
            dropped,
        },
        variables,
    })
}

/// Inputs that the schedule has and shall not have: their defaults hold again.
fn gone(before: &ForgeSchedule, inputs: &BTreeMap<String, Value>) -> Vec<String> {
    let had = before.inputs.iter().map(|input| &input.name);
    had.filter(|name| !inputs.contains_key(*name)).cloned().collect()
}

/// Makes a schedule; GitLab's id. One with variables is made inactive, and switched on when it has them all.
///
/// # Errors
/// As [`access::app`]; a field is wrong; the branch is protected and the actor may not run on it; GitLab refuses or does
/// not answer.
pub async fn create(ctx: &OpCtx, (org, project, app): At<'_>, input: &Input) -> Result<i64> {
    let app = access::app::<may::PipelineEdit>(ctx, org, project, app).await?;
    let (link, checked) = ready(ctx, &app, input, None).await?;
    let mut new = checked.new;
    let later = new.active && !checked.variables.is_empty();
    new.active = new.active && !later;
    let made = link
        .asked(ctx, link.forge.create_schedule(link.project(), &new).await)
        .await?;
    for variable in &checked.variables {
        let put = link
            .forge
            .put_schedule_variable(link.project(), made.id, variable, true)
            .await;
        half_done(link.asked(ctx, put).await, &variable.key)?;
    }
    if later {
        new.active = true;
        new.inputs.clear();
        let on = link.forge.update_schedule(link.project(), made.id, &new).await;
        half_done(link.asked(ctx, on).await, "active")?;
    }
    let summary = summary(&new, &checked.variables, &[]);
    audit(ctx, &app, "schedule.create", made.id, &new.description, summary).await?;
    Ok(made.id)
}

/// Changes a schedule.
///
/// # Errors
/// As [`create`]; there is no such schedule, or somebody else owns it.
pub async fn update(ctx: &OpCtx, (org, project, app): At<'_>, id: i64, input: &Input) -> Result<()> {
    let app = access::app::<may::PipelineEdit>(ctx, org, project, app).await?;
    let (link, checked) = ready(ctx, &app, input, Some(id)).await?;
    let before = found(ctx, &link, id).await?;
    let had = |key: &str| before.variables.iter().any(|variable| variable.key == key);
    let answer = link.forge.update_schedule(link.project(), id, &checked.new).await;
    link.asked(ctx, answer).await.map_err(not_ours)?;
    let dropped: Vec<&String> = input.dropped.iter().filter(|key| had(key)).collect();
    for key in &dropped {
        // One that gets another value is not dropped.
        if checked.variables.iter().any(|variable| variable.key == **key) {
            continue;
        }
        let answer = link.forge.delete_schedule_variable(link.project(), id, key).await;
        half_done(link.asked(ctx, answer).await, key)?;
    }
    for variable in &checked.variables {
        let put = link
            .forge
            .put_schedule_variable(link.project(), id, variable, !had(&variable.key))
            .await;
        half_done(link.asked(ctx, put).await, &variable.key)?;
    }
    let summary = summary(&checked.new, &checked.variables, &dropped);
    audit(ctx, &app, "schedule.edit", id, &checked.new.description, summary).await
}

/// The way to GitLab and the checked input, once the actor may have this run on that ref.
async fn ready(
    ctx: &OpCtx,
    app: &Authorized<App, may::PipelineEdit>,
    input: &Input,
    id: Option<i64>,
) -> Result<(Link, Checked)> {
    let git_ref = checked_ref(&input.git_ref)?;
    let link = connection::link(ctx, app).await?;
    link.default_branch()?;
    let before = match id {
        Some(id) => Some(found(ctx, &link, id).await?),
        None => None,
    };
    let refs = [
        Some(git_ref),
        before.as_ref().map(|before| before.git_ref.as_str()),
    ];
    for git_ref in refs.into_iter().flatten() {
        if is_protected(&link, ctx, git_ref).await? {
            access::also::<may::PipelineRunProtected>(ctx, &app.see()).await?;
        }
    }
    let (asked, _) = link.asked(ctx, asked_of(&link, git_ref).await).await?;
    let checked = checked(input, &asked, before.as_ref())?;
    Ok((link, checked))
}

/// Names are enough to know what was asked: values may be secrets.
fn summary(new: &NewSchedule, variables: &[Variable], dropped: &[&String]) -> Value {
    let keys: Vec<&String> = variables.iter().map(|variable| &variable.key).collect();
    let inputs: Vec<&String> = new.inputs.iter().map(|input| &input.name).collect();
    serde_json::json!({
        "ref": new.git_ref, "cron": new.cron, "zone": new.zone, "active": new.active, "inputs": inputs,
        "variables": keys, "dropped": dropped,
    })
}

/// The schedule is there, and one part of it is not.
fn half_done<T>(answer: Result<T>, part: &str) -> Result<T> {
    answer.map_err(|error| {
        let text = error.text();
        let text = Text::new(
            format!(
                "The schedule is saved, but not “{part}”: {} Open the schedule and save it again.",
                text.en
            ),
            format!(
                "定时任务已保存，但“{part}”未保存：{} 请打开该任务重新保存。",
                text.zh
            ),
        );
        match error {
            Error::Refused { code, .. } => Error::Refused { code, text },
            Error::Unavailable { code, .. } => Error::Unavailable { code, text },
            other => other,
        }
    })
}

/// GitLab lets only its owner change a schedule.
fn not_ours(error: Error) -> Error {
    match error {
        Error::Refused {
            code: code @ "gitlab_forbidden",
            ..
        } => Error::refused(
            code,
            "GitLab lets only its owner change a schedule, and Slipway's account is not. Take it over first.",
            "GitLab 只允许所有者修改定时任务，而 Slipway 的账号不是其所有者。请先接管。",
        ),
        other => other,
    }
}

/// Something to do with a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Deletes it.
    Delete,
    /// Makes Slipway's account its owner, so that it runs with that account's rights and Slipway can change it.
    Own,
    /// Runs it now.
    Play,
}

/// Deletes, takes over or plays. On a protected ref it takes [`Action::PipelineRunProtected`].
///
/// # Errors
/// As [`access::app`]; there is no such schedule; GitLab refuses or does not answer.
pub async fn act(ctx: &OpCtx, (org, project, app): At<'_>, id: i64, act: Act) -> Result<()> {
    let app = match act {
        Act::Play => access::app::<may::PipelineRun>(ctx, org, project, app)
            .await?
            .see(),
        Act::Delete | Act::Own => access::app::<may::PipelineEdit>(ctx, org, project, app)
            .await?
            .see(),
    };
    let link = connection::link(ctx, &app).await?;
    let schedule = found(ctx, &link, id).await?;
    if is_protected(&link, ctx, &schedule.git_ref).await? {
        access::also::<may::PipelineRunProtected>(ctx, &app).await?;
    }
    let (forge, at) = (&link.forge, link.project());
    let (key, answer) = match act {
        Act::Delete => ("schedule.delete", forge.delete_schedule(at, id).await),
        Act::Own => ("schedule.own", forge.own_schedule(at, id).await),
        Act::Play => ("schedule.play", forge.play_schedule(at, id).await),
    };
    let answer = link.asked(ctx, answer).await;
    if act == Act::Delete {
        answer.map_err(not_ours)?;
    } else {
        answer?;
    }
    let summary = serde_json::json!({ "ref": schedule.git_ref, "owner": schedule.owner });
    let place = app.place();
    let mut change = ctx.change().await?;
    change
        .audit(Entry::done(
            key,
            "schedule",
            id,
            schedule.description,
            &place,
            summary,
        ))
        .await?;
    change.touch("app", app.id(), &place);
    change.commit().await
}

async fn audit(
    ctx: &OpCtx,
    app: &Authorized<App, may::PipelineEdit>,
    key: &'static str,
    id: i64,
    description: &str,
    summary: Value,
) -> Result<()> {
    let place = app.place();
    let mut change = ctx.change().await?;
    change
        .audit(Entry::done(key, "schedule", id, description, &place, summary))
        .await?;
    change.touch("app", app.id(), &place);
    change.commit().await
}

/// What is said where a form was only to be checked: when it would run, or what is wrong.
pub fn only_checked(ctx: &OpCtx, cron: &str, zone: &str) -> Error {
    match Cron::parse(cron, zone) {
        Ok(cron) => {
            let times: Vec<String> = cron
                .next(ctx.now(), NEXT)
                .into_iter()
                .map(|time| time.local)
                .collect();
            let (en, zh) = if times.is_empty() {
                (String::from("never"), String::from("永不"))
            } else {
                (times.join(", "), times.join("、"))
            };
            Error::refused(
                "only_checked",
                format!("Nothing is saved yet. It would run next: {en}."),
                format!("尚未保存。接下来的运行时间：{zh}。"),
            )
        }
        Err(error) => {
            let fields = [("cron", error.cron), ("zone", error.zone)];
            let wrong = |(field, text): (&str, Option<Text>)| {
                Some(FieldError {
                    field: field.to_owned(),
                    text: text?,
                })
            };
            Error::Invalid(fields.into_iter().filter_map(wrong).collect())
        }
    }
}
