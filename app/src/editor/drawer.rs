//! The drawer: the form of the chosen job, of a job that is to be added, or of the whole file. Each is a plain form that
//! posts one change; in the browser the change is made at once.

use super::api::ChangeWorkingCopy;
use super::change::{DROP, FIELD, PARAM};
use super::document::api::ChangeTemplate;
use super::graph::look;
use super::review::draft_fields;
use super::sheet::{Note, RUNS, Row, RowKind, Sheet};
use super::state::Studio;
use super::{Chosen, document, fieldset, here, job_query, whole};
use crate::AppError;
use crate::design::button::{Weight, submit};
use crate::design::form::{Form, hidden};
use crate::design::icon::icon;
use crate::design::status::{Status, pill};
use crate::i18n::say;
use crate::places::encode;
use crate::tr;
use fieldset::{Control, line, typed_field};
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::pipeline::file::CutKind;
use slipway_domain::pipeline::file::canvas::CanvasJob;
use slipway_domain::pipeline::{ParamKind, step_type, step_types};
use slipway_domain::project::Place;

/// The sentence that says who locked a job.
const LOCK: &str = "locked-by";

/// The drawer.
pub(super) fn drawer(studio: Studio, chosen: Chosen) -> AnyView {
    // Drawn anew when something else is chosen, or something else than its own form changed what it shows.
    let content = move || {
        studio.drawn.track();
        let sheet = studio.sheet.get_untracked();
        if let Some(add) = chosen.add.get().filter(|_| studio.may_edit) {
            return adding(studio, chosen, &sheet, &add);
        }
        match chosen.job.get() {
            Some(name) => match sheet.job(&name) {
                Some(job) => of_job(studio, &sheet, job),
                None => gone(studio, &name),
            },
            None if studio.template().is_some() => document::form::drawer(studio, &sheet, chosen.param),
            None => whole::form(studio, &sheet),
        }
    };
    view! { <aside class="studio-drawer" id="drawer" aria-label=tr!(editor.drawer)>{content}</aside> }
        .into_any()
}

/// A form of one change. `op`, `key`: what tells it from the other forms of the page.
pub(in crate::editor) fn change_form(
    studio: Studio,
    op: &'static str,
    about: &[(&'static str, String)],
    class: &'static str,
    children: impl FnOnce() -> AnyView + Send + 'static,
) -> AnyView {
    let key = about
        .iter()
        .map(|(_, value)| value.as_str())
        .fold(String::from(op), |key, value| format!("{key} {value}"));
    let action = if studio.template().is_some() {
        ChangeTemplate::PATH
    } else {
        ChangeWorkingCopy::PATH
    };
    let about = about
        .iter()
        .map(|(name, value)| hidden_named(format!("change[{name}]"), value.clone()))
        .collect::<Vec<_>>();
    view! {
        <Form action=action class=class key=("form", key) here=here::change(studio)>
            {draft_fields(studio)}
            {hidden("change[op]", op.to_owned())}
            {about}
            {children()}
        </Form>
    }
    .into_any()
}

fn hidden_named(name: String, value: String) -> AnyView {
    view! { <input type="hidden" name=name value=value/> }.into_any()
}

fn head(studio: Studio, title: AnyView, mark: AnyView) -> AnyView {
    let close = studio.href(None);
    view! {
        <header>
            {title}{mark}
            <a class="btn quiet small" href=close>{tr!(common.close)}</a>
        </header>
    }
    .into_any()
}

fn gone(studio: Studio, name: &str) -> AnyView {
    let title = view! { <h2>{name.to_owned()}</h2> }.into_any();
    view! {
        {head(studio, title, ().into_any())}
        <p class="drawer-part">{tr!(editor.no_such_job, name = name)}</p>
    }
    .into_any()
}

fn of_job(studio: Studio, sheet: &Sheet, job: &CanvasJob) -> AnyView {
    let mark = match job.kind {
        _ if job.lock.is_some() => pill(Status::Cancelled, tr!(editor.locked)),
        CutKind::Managed => ().into_any(),
        CutKind::Partial => pill(Status::Degraded, tr!(editor.partial)),
        CutKind::Opaque => pill(Status::Cancelled, tr!(editor.custom)),
    };
    let title = view! { <h2 class="row">{icon(look(job))}<span>{job.name.clone()}</span></h2> }.into_any();
    let body = if job.kind == CutKind::Opaque {
        kept(studio, job)
    } else {
        form(studio, sheet, job)
    };
    let edges = needs(studio, sheet, job);
    let acts = studio.may_edit.then(|| acts(studio, sheet, job));
    let locks = studio
        .template()
        .is_some()
        .then(|| document::form::locks(studio, sheet, &job.name));
    let lock = job.lock.as_ref().map(|why| {
        view! { <p class="note small" id=LOCK>{tr!(editor.job_locked, why = say(why))}</p> }
    });
    view! { {head(studio, title, mark)}{lock}{findings(studio, sheet, job)}{body}{edges}{locks}{acts} }
        .into_any()
}

fn findings(studio: Studio, sheet: &Sheet, job: &CanvasJob) -> AnyView {
    let rows = sheet
        .notes(job)
        .into_iter()
        .map(|note| {
            let class = match note.severity {
                slipway_domain::pipeline::Severity::Error => "note bad small",
                slipway_domain::pipeline::Severity::Warning => "note warn small",
            };
            view! { <div class=class><p>{note.words.clone()}</p>{mend(studio, note)}</div> }
        })
        .collect::<Vec<_>>();
    let name = job.name.clone();
    let linted = move || {
        let found = studio.linted(&name).into_iter();
        found
            .map(|finding| {
                let class = if finding.warning {
                    "note warn small"
                } else {
                    "note bad small"
                };
                view! { <p class=class>{tr!(editor.gitlab_says, words = say(&finding.text))}</p> }
            })
            .collect::<Vec<_>>()
    };
    view! { <div class="drawer-part findings">{rows}{linted}</div> }.into_any()
}

/// The button that mends what is wrong, where there is one.
pub(super) fn mend(studio: Studio, note: &Note) -> Option<AnyView> {
    let fix = note.fix.as_ref().filter(|_| studio.may_edit)?;
    let word = fix.word.clone();
    let button = move || view! { <button type="submit" class="btn small">{word}</button> }.into_any();
    Some(change_form(studio, fix.op, &fix.about, "", button))
}

/// A job that is kept as it is: why, and its lines.
fn kept(studio: Studio, job: &CanvasJob) -> AnyView {
    let (start, end) = job.bytes;
    let text = studio
        .text
        .with_untracked(|text| text.get(start..end).unwrap_or_default().trim_end().to_owned());
    let reason = job
        .reason
        .as_ref()
        .map(|reason| view! { <p>{say(&reason.text)}</p> });
    view! {
        <div class="drawer-part locked">
            <p class="strong">{tr!(editor.opaque, n = job.lines())}</p>
            {reason}
            <code tabindex="0">{text}</code>
        </div>
    }
    .into_any()
}

fn form(studio: Studio, sheet: &Sheet, job: &CanvasJob) -> AnyView {
    let (first, more): (Vec<Row>, Vec<Row>) = sheet.rows(job).into_iter().partition(|row| !row.more);
    let variables_open = studio.template().is_none()
        && job.lock.is_none()
        && job
            .fields
            .iter()
            .all(|field| !field.path.starts_with("variables.") || field.locked.is_none());
    let name = job.name.clone();
    let may_edit = studio.may_edit;
    let named = name.clone();
    let content = move || {
        let row = |row: &Row| job_field(studio, &name, row);
        let first = first.iter().map(row).collect::<Vec<_>>();
        let more = more.iter().map(row).collect::<Vec<_>>();
        view! {
            {first}
            <details class="more">
                <summary>{tr!(pipeline.more)}</summary>
                <div class="form">{more}</div>
            </details>
            {may_edit.then(|| view! { <p class="only-without-js">{submit(Weight::Primary, tr!(editor.apply))}</p> })}
        }
        .into_any()
    };
    let body = change_form(studio, "set", &[("job", named.clone())], "form", content);
    let variable = (studio.may_edit && variables_open).then(|| {
        change_form(studio, "job-variable", &[("job", named)], "form", || {
            view! {
                <div class="row wrap">
                    {line("name", tr!(editor.new_variable), "")}
                    {line("value", tr!(editor.value), "")}
                    {submit(Weight::Plain, tr!(editor.add))}
                </div>
            }
            .into_any()
        })
    });
    view! { {body}{variable} }.into_any()
}

/// One field of a job. In the browser it changes the file with every key.
fn job_field(studio: Studio, job: &str, row: &Row) -> AnyView {
    let label = row.label.clone().unwrap_or_else(|| label_of(&row.path));
    if let Some(why) = &row.locked {
        let text = (!row.text.is_empty()).then(|| view! { <code tabindex="0">{row.text.clone()}</code> });
        return view! {
            <div class="field locked">
                <span class="strong">{label}</span>
                {text}
                <p class="small muted">{tr!(editor.kept_because, why = say(why))}</p>
            </div>
        }
        .into_any();
    }
    let control = match &row.kind {
        RowKind::Line => Control::Line,
        RowKind::Number => Control::Number,
        RowKind::Switch => Control::Switch,
        RowKind::Area | RowKind::Lines | RowKind::Script => Control::Lines,
        RowKind::Choice(options) if row.path == "stage" => {
            let mut all = studio.source.with_value(|(_, stages)| stages.clone());
            all.extend(
                options
                    .iter()
                    .filter(|option| !all.contains(option))
                    .cloned()
                    .collect::<Vec<_>>(),
            );
            Control::Choice(choices(row, &all))
        }
        RowKind::Choice(options) => Control::Choice(choices(row, options)),
        RowKind::Runs => Control::Choice(whens(&row.text)),
    };
    let help = match &row.inherited {
        Some(inherited) if row.text.is_empty() => {
            let first = inherited.lines().next().unwrap_or_default();
            Some(tr!(editor.inherited, value = first))
        }
        _ => row.help.clone().or_else(|| help_of(&row.path)),
    };
    let job = job.to_owned();
    let field = format!("{FIELD}{}", row.path);
    let sent = field.clone();
    let typed = move |text: String| -> Result<(), AppError> {
        let change = [
            (String::from("op"), String::from("set")),
            (String::from("job"), job.clone()),
            (sent.clone(), text),
        ];
        studio.change(&change.into_iter().collect(), false).map(drop)
    };
    typed_field(&field, label, help, control, &row.text, studio.may_edit, typed)
}

/// The values of a choice; a field that is not there is a choice as well, but for the stage.
fn choices(row: &Row, options: &[String]) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = options
        .iter()
        .map(|option| (option.clone(), option.clone()))
        .collect();
    if row.path == "stage" && row.text.is_empty() {
        all.insert(0, (String::new(), tr!(editor.stage_default)));
    } else if row.path != "stage" {
        all.insert(0, (String::new(), tr!(editor.not_set)));
    }
    if !row.text.is_empty() && !options.contains(&row.text) {
        all.push((row.text.clone(), row.text.clone()));
    }
    all
}

fn whens(now: &str) -> Vec<(String, String)> {
    let word = |key: &str| match key {
        "every_push" => tr!(editor.when_every_push),
        "default_branch" => tr!(editor.when_default_branch),
        "tags" => tr!(editor.when_tags),
        "default_branch_and_tags" => tr!(editor.when_default_branch_and_tags),
        "merge_requests" => tr!(editor.when_merge_requests),
        _ => tr!(editor.when_branches),
    };
    let mut keys = vec![
        "every_push",
        "default_branch",
        "tags",
        "default_branch_and_tags",
        "merge_requests",
    ];
    if now.starts_with("branches") {
        keys.insert(0, "branches");
    }
    let manual = |key: &str| (format!("{key}+manual"), tr!(editor.by_hand, when = word(key)));
    keys.iter()
        .map(|key| ((*key).to_owned(), word(key)))
        .chain(keys.iter().map(|key| manual(key)))
        .collect()
}

fn label_of(path: &str) -> String {
    match path {
        "stage" => tr!(editor.stage),
        "image" => tr!(editor.image),
        "before_script" => tr!(editor.before_script),
        "script" => tr!(editor.script),
        "after_script" => tr!(editor.after_script),
        RUNS => tr!(editor.when),
        "when" => tr!(editor.when_state),
        "start_in" => tr!(editor.start_in),
        "interruptible" => tr!(editor.interruptible),
        "resource_group" => tr!(editor.resource_group),
        "parallel" => tr!(editor.parallel),
        "services" => tr!(editor.services),
        "coverage" => tr!(editor.coverage),
        "artifacts.paths" => tr!(editor.artifacts),
        "artifacts.exclude" => tr!(editor.artifacts_exclude),
        "artifacts.when" => tr!(editor.artifacts_when),
        "artifacts.expire_in" => tr!(editor.artifacts_expire),
        "artifacts.reports.junit" => tr!(editor.junit),
        "artifacts.reports.dotenv" => tr!(editor.dotenv),
        "environment.name" => tr!(editor.environment),
        "environment.url" => tr!(editor.environment_url),
        "cache.key" => tr!(editor.cache_key),
        "cache.paths" => tr!(editor.cache),
        "tags" => tr!(editor.tags),
        "timeout" => tr!(editor.timeout),
        "retry" => tr!(editor.retry),
        "allow_failure" => tr!(editor.allow_failure),
        other => other.strip_prefix("variables.").unwrap_or(other).to_owned(),
    }
}

fn help_of(path: &str) -> Option<String> {
    Some(match path {
        "script" | "before_script" | "after_script" => tr!(editor.script_help),
        "image" => tr!(editor.image_help),
        "artifacts.paths" | "artifacts.exclude" | "cache.paths" | "artifacts.reports.junit" | "services" => {
            tr!(editor.lines_help)
        }
        "tags" => tr!(editor.tags_help),
        "timeout" | "artifacts.expire_in" => tr!(editor.duration_help),
        "retry" => tr!(editor.retry_help),
        _ => return None,
    })
}

/// What a job waits for, in words; and what waits for it.
fn needs(studio: Studio, sheet: &Sheet, job: &CanvasJob) -> AnyView {
    let changeable = studio.may_edit && job.needs_locked.is_none() && !job.disabled;
    let link = |name: &str| {
        let href = studio.href(Some(&job_query(name)));
        view! { <a class="link" href=href><code>{name.to_owned()}</code></a> }
    };
    let locked = job
        .needs_locked
        .as_ref()
        .map(|why| view! { <p class="small muted">{tr!(editor.kept_because, why = say(why))}</p> });
    let waits = match &job.needs {
        None => view! { <p class="small muted">{tr!(editor.waits_for_stages)}</p> }.into_any(),
        Some(needs) if needs.is_empty() => {
            view! { <p class="small muted">{tr!(editor.waits_for_nothing)}</p> }.into_any()
        }
        Some(needs) => {
            let items = needs
                .iter()
                .map(|need| {
                    let remove = changeable.then(|| {
                        let about = [("job", job.name.clone()), ("need", need.job.clone())];
                        let word = tr!(editor.unlink, name = need.job);
                        change_form(studio, "unneed", &about, "", move || {
                            view! { <button type="submit" class="btn quiet small" aria-label=word>{tr!(editor.remove)}</button> }
                                .into_any()
                        })
                    });
                    let optional = need.optional.then(|| view! { <span class="small muted">{tr!(editor.optional)}</span> });
                    view! { <li>{link(&need.job)}{optional}{remove}</li> }
                })
                .collect::<Vec<_>>();
            view! { <ul class="need-list">{items}</ul> }.into_any()
        }
    };
    let taken: Vec<&str> = job.needs.iter().flatten().map(|need| need.job.as_str()).collect();
    let free: Vec<(String, String)> = sheet
        .canvas
        .jobs
        .iter()
        .filter(|other| other.name != job.name && !other.disabled && !taken.contains(&other.name.as_str()))
        .map(|other| (other.name.clone(), other.name.clone()))
        .collect();
    let add = (changeable && !free.is_empty()).then(|| {
        change_form(studio, "need", &[("job", job.name.clone())], "", move || {
            view! {
                <div class="row wrap" data-link="">
                    {fieldset::choice("need", tr!(editor.link_to), free)}
                    {submit(Weight::Plain, tr!(editor.link))}
                </div>
            }
            .into_any()
        })
    });
    let after = sheet
        .canvas
        .dependents(&job.name)
        .into_iter()
        .map(|other| view! { <li>{link(other)}</li> })
        .collect::<Vec<_>>();
    let after = (!after.is_empty()).then(|| {
        view! { <h3>{tr!(editor.waited_for_by)}</h3><ul class="need-list">{after}</ul> }
    });
    view! { <section class="drawer-part"><h3>{tr!(editor.waits_for)}</h3>{waits}{locked}{add}{after}</section> }.into_any()
}

/// Rename, duplicate, switch off, take out; and where a job can be added beside it.
fn acts(studio: Studio, sheet: &Sheet, job: &CanvasJob) -> AnyView {
    let about = || vec![("job", job.name.clone())];
    let button = |op: &'static str, word: String, weight: Weight| {
        change_form(studio, op, &about(), "", move || submit(weight, word))
    };
    let rename = {
        let name = job.name.clone();
        change_form(studio, "rename", &about(), "", move || {
            view! {
                <div class="row wrap">
                    {line("to", tr!(editor.name), &name)}
                    {submit(Weight::Plain, tr!(editor.rename))}
                </div>
            }
            .into_any()
        })
    };
    if job.lock.is_some() {
        return locked_acts(
            studio,
            job,
            button("duplicate", tr!(editor.duplicate), Weight::Plain),
        );
    }
    let has_dependents = !sheet.canvas.dependents(&job.name).is_empty();
    let remove = change_form(studio, "remove", &about(), "", move || {
        let drop = has_dependents.then(|| hidden("change[dependents]", DROP.to_owned()));
        let told =
            has_dependents.then(|| view! { <span class="small muted">{tr!(editor.remove_drops)}</span> });
        view! { {drop}<span class="row wrap">{submit(Weight::Danger, tr!(editor.remove_job))}{told}</span> }
            .into_any()
    });
    let switch = studio.template().is_none().then(|| {
        if job.disabled {
            button("enable", tr!(editor.enable), Weight::Plain)
        } else {
            button("disable", tr!(editor.disable), Weight::Plain)
        }
    });
    let (beside, copy) = (beside(studio, job), copy(studio, job));
    view! {
        <section class="drawer-part">
            <h3>{tr!(editor.this_job)}</h3>
            {rename}
            <div class="row wrap">{beside}{button("duplicate", tr!(editor.duplicate), Weight::Plain)}{switch}{copy}</div>
            {remove}
        </section>
    }
    .into_any()
}

/// The ways to a job behind it or beside it.
fn beside(studio: Studio, job: &CanvasJob) -> Option<AnyView> {
    let href = |query: String| studio.href(Some(&query));
    let name = encode(&job.name);
    (!job.disabled).then(|| {
        view! {
            <a class="btn" href=href(format!("add=after&job={name}"))>{tr!(editor.add_after_short)}</a>
            <a class="btn" href=href(format!("add=beside&job={name}"))>{tr!(editor.add_beside)}</a>
        }
        .into_any()
    })
}

fn copy(studio: Studio, job: &CanvasJob) -> Option<AnyView> {
    let path = studio.place.with_value(Place::path);
    studio.template().is_none().then(|| {
        let href = format!("{path}/pipelines/edit/copy?{}", job_query(&job.name));
        view! { <a class="btn" href=href>{tr!(editor.copy_to)}</a> }.into_any()
    })
}

/// What can be done with a job that a template locks; the rest is there and says why it cannot.
fn locked_acts(studio: Studio, job: &CanvasJob, duplicate: AnyView) -> AnyView {
    let (beside, copy) = (beside(studio, job), copy(studio, job));
    let off = |word: String| {
        view! { <button type="button" class="btn" disabled aria-describedby=LOCK>{word}</button> }.into_any()
    };
    view! {
        <section class="drawer-part">
            <h3>{tr!(editor.this_job)}</h3>
            <div class="row wrap">{beside}{duplicate}{copy}</div>
            <div class="row wrap">
                {off(tr!(editor.rename))}{off(tr!(editor.disable))}{off(tr!(editor.remove_job))}
            </div>
        </section>
    }
    .into_any()
}

/// The form of a job that is to be added.
fn adding(studio: Studio, chosen: Chosen, sheet: &Sheet, add: &str) -> AnyView {
    let (job, at) = (
        chosen.job.get_untracked().unwrap_or_default(),
        chosen.at.get_untracked().unwrap_or_default(),
    );
    let all_kinds = chosen.kind.with(Option::is_none);
    let kind = chosen.kind.get().unwrap_or_else(|| String::from("script@1"));
    let kind_word = step_type(&kind)
        .map(|known| say(&known.names))
        .unwrap_or_default();
    let place = match add {
        "after" => tr!(editor.add_after, job = job),
        "between" => tr!(editor.add_between, first = job, second = at),
        "beside" => tr!(editor.add_beside_job, job = job),
        _ => tr!(editor.add_to_stage, stage = at),
    };
    let kinds = step_types()
        .iter()
        .map(|known| {
            let key = format!("{}@{}", known.key, known.version);
            let query = format!(
                "add={add}&job={}&at={}&kind={}",
                encode(&job),
                encode(&at),
                encode(&key)
            );
            let href = studio.href(Some(&query));
            let current = (key == kind).then_some("true");
            view! { <a href=href aria-current=current>{say(&known.names)}</a> }
        })
        .collect::<Vec<_>>();
    let stage = match add {
        "after" => stage_after(sheet, &job),
        "between" => stage_of(sheet, &at),
        "beside" => stage_of(sheet, &job),
        _ => at.clone(),
    };
    let about = vec![
        ("add", add.to_owned()),
        ("job", job),
        ("at", at),
        ("kind", kind.clone()),
    ];
    let stages: Vec<(String, String)> = all_stages(studio, sheet)
        .into_iter()
        .map(|stage| (stage.clone(), stage))
        .collect();
    let name = sheet.free_name(kind.split('@').next().unwrap_or("job"));
    let content = move || {
        let params = step_type(&kind)
            .map(|known| known.params.as_slice())
            .unwrap_or_default();
        let params = params.iter().map(param).collect::<Vec<_>>();
        view! {
            {line("name", tr!(editor.name), &name)}
            {fieldset::chosen_of("stage", tr!(editor.stage), stages, &stage)}
            {params}
            <p>{submit(Weight::Primary, tr!(editor.add_job))}</p>
        }
        .into_any()
    };
    let title = view! { <h2>{tr!(editor.add_job)}</h2> }.into_any();
    view! {
        {head(studio, title, ().into_any())}
        <p class="drawer-part small muted">{place}</p>
        <details class="more kinds-box" open=all_kinds>
            <summary>{tr!(editor.kinds)}": "{kind_word}</summary>
            <nav class="kinds" aria-label=tr!(editor.kinds)>{kinds}</nav>
        </details>
        {change_form(studio, "add", &about, "form", content)}
    }
    .into_any()
}

/// The stages of the file, and of the one that includes it.
pub(super) fn all_stages(studio: Studio, sheet: &Sheet) -> Vec<String> {
    let mut all = studio.source.with_value(|(_, stages)| stages.clone());
    for stage in sheet.stages() {
        if !all.iter().any(|one| one == stage) {
            all.push(stage.to_owned());
        }
    }
    all
}

fn stage_of(sheet: &Sheet, job: &str) -> String {
    let stage = sheet.job(job).and_then(|job| job.stage.clone());
    stage
        .or_else(|| sheet.stages().first().map(|stage| (*stage).to_owned()))
        .unwrap_or_else(|| String::from("test"))
}

/// The stage behind a job's; its own where there is none.
fn stage_after(sheet: &Sheet, job: &str) -> String {
    let own = stage_of(sheet, job);
    let stages = sheet.stages();
    let at = stages.iter().position(|stage| *stage == own);
    at.and_then(|at| stages.get(at + 1).map(|stage| (*stage).to_owned()))
        .unwrap_or(own)
}

/// One parameter of a step.
fn param(param: &slipway_domain::pipeline::Param) -> AnyView {
    let name = format!("{PARAM}{}", param.id);
    let text = param.default_value().to_raw();
    let help = Some(say(&param.help)).filter(|help| !help.is_empty());
    let control = match (param.kind, &param.options) {
        (ParamKind::Bool, _) => Control::Switch,
        (ParamKind::Int, _) => Control::Number,
        (ParamKind::Enum, Some(slipway_domain::pipeline::Options::Static { items })) => Control::Choice(
            items
                .iter()
                .map(|choice| {
                    let word = say(&choice.label);
                    (
                        choice.value.clone(),
                        if word.is_empty() {
                            choice.value.clone()
                        } else {
                            word
                        },
                    )
                })
                .collect(),
        ),
        (ParamKind::Text | ParamKind::List | ParamKind::Map | ParamKind::Script, _) => Control::Lines,
        _ => Control::Line,
    };
    fieldset::field(&name, say(&param.label), help, control, &text)
}
