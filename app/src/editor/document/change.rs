//! A change of a template's document as a form sends it: the same in the browser and on the server.

use super::sheet::{references, rows};
use super::words::conditions;
use crate::AppError;
use crate::editor::change::{Change, FIELD, Step, get, refused, step, with_switches};
use crate::editor::job_query;
use crate::editor::sheet::{Row, RowKind};
use crate::i18n::say;
use crate::tr;
use slipway_domain::pipeline::authored::{read, rewrite};
use slipway_domain::pipeline::{
    Environment, GraphJob, GraphStep, Image, LockedField, Param, ParamKind, Stage, Template, Value, step_type,
};
use slipway_domain::text::Text;

/// What stands before a keyword that is locked or not; nothing behind it: the job as a whole.
pub const LOCK: &str = "k:";

/// Makes a change in the document of the template `key`.
///
/// # Errors
/// It cannot be made; the words say why, by field where a field is to blame.
pub fn apply(text: &str, key: &str, change: &Change) -> Result<Step, AppError> {
    let change = with_switches(change);
    let Some(mut template) = read(text, key, "0.0.0").template else {
        return Err(plain(tr!(template.unreadable)));
    };
    let then = made(&mut template, &change)?;
    let text = rewrite(text, key, &template).map_err(|error| plain(say(&error.text())))?;
    Ok(Step { text, then })
}

fn plain(words: String) -> AppError {
    refused(words, None, String::new())
}

pub(super) fn wrong(field: &str, words: String) -> AppError {
    refused(words, Some(format!("change[{field}]")), String::new())
}

type Then = Result<Option<String>, AppError>;

fn made(template: &mut Template, change: &Change) -> Then {
    match get(change, "op") {
        "set" => set(template, change),
        "add" => add(template, change),
        "need" | "unneed" => need(template, change),
        "rename" => rename(template, change),
        "duplicate" => duplicate(template, change),
        "remove" => remove(template, change),
        "locks" => locks(template, change),
        "names" => {
            template.names = both(change, "names");
            template.summary = both(change, "summary");
            Ok(None)
        }
        op if op.starts_with("stage-") => stage(template, change, op),
        op if op.starts_with("param-") => super::param::change(template, change, op),
        other => Err(plain(tr!(editor.no_such_change, name = other))),
    }
}

/// A text in both languages, from the fields `…_zh` and `…_en`.
pub(super) fn both(change: &Change, field: &str) -> Text {
    Text::new(
        get(change, &format!("{field}_en")),
        get(change, &format!("{field}_zh")),
    )
}

fn job_at(template: &Template, name: &str) -> Result<usize, AppError> {
    let place = template.graph.jobs.iter().position(|job| job.id == name);
    place.ok_or_else(|| plain(tr!(editor.no_such_job, name = name)))
}

fn set(template: &mut Template, change: &Change) -> Then {
    let place = job_at(template, get(change, "job"))?;
    let mut job = template.graph.jobs[place].clone();
    let rows = rows(template, &job);
    for (key, text) in change {
        let Some(path) = key.strip_prefix(FIELD) else {
            continue;
        };
        let text = text.replace("\r\n", "\n");
        let row = rows.iter().find(|row| row.path == path);
        // What comes back as it was shown is left as it was written.
        let is_same = |row: &Row| {
            let off = row.kind == RowKind::Switch && row.text.is_empty() && text == "false";
            row.text.trim_end() == text.trim_end() || off
        };
        if row.is_some_and(|row| !is_same(row)) {
            field(template, &mut job, path, &text).map_err(|words| wrong(key, words))?;
        }
    }
    template.graph.jobs[place] = job;
    Ok(None)
}

/// Sets one field of a job; the error is what is wrong with its text.
fn field(template: &Template, job: &mut GraphJob, path: &str, text: &str) -> Result<(), String> {
    let line = text.trim();
    let given = (!line.is_empty()).then(|| line.to_owned());
    if let Some(step) = path.strip_prefix("steps.") {
        return step_field(template, job, step, text);
    }
    match path {
        "stage" => line.clone_into(&mut job.stage),
        "on" => job.on = given,
        "name" => job.name = given,
        "if" => job.conditions = conditions(text, &template.params)?,
        "manual" => job.manual = line == "true",
        "immediate" => job.immediate = line == "true",
        "image" => {
            job.image = given.map(|name| Image {
                name,
                ..job.image.clone().unwrap_or_else(|| Image::new(String::new()))
            });
        }
        "tags" => job.tags = given.map(|_| list(text)),
        "timeout" => job.timeout = given,
        "retry" => {
            job.retry = match given {
                Some(text) => Some(text.parse().map_err(|_| tr!(editor.whole_number))?),
                None => None,
            };
        }
        "environment.name" => {
            job.environment = given.map(|name| Environment {
                name,
                url: job.environment.as_ref().and_then(|one| one.url.clone()),
            });
        }
        // An address without an environment is nothing.
        "environment.url" => {
            if let Some(environment) = &mut job.environment {
                environment.url = given;
            }
        }
        _ => {}
    }
    Ok(())
}

fn step_field(template: &Template, job: &mut GraphJob, path: &str, text: &str) -> Result<(), String> {
    let Some((index, id)) = path.split_once('.') else {
        return Ok(());
    };
    let step = index
        .parse()
        .ok()
        .and_then(|index: usize| job.steps.get_mut(index));
    let Some(step) = step else { return Ok(()) };
    if id == "if" {
        step.conditions = conditions(text, &template.params)?;
        return Ok(());
    }
    let kind = step_type(&step.step_type);
    let Some(param) = kind.and_then(|kind| kind.params.iter().find(|param| param.id == id)) else {
        return Ok(());
    };
    if text.trim().is_empty() {
        step.params.remove(id);
    } else {
        step.params.insert(id.to_owned(), value(template, param, text)?);
    }
    Ok(())
}

/// A value, or the reference to a parameter that will hold one.
fn value(template: &Template, param: &Param, text: &str) -> Result<Value, String> {
    let line = text.trim();
    if references(template).iter().any(|reference| reference == line) {
        return Ok(Value::from(line));
    }
    Ok(match param.kind {
        ParamKind::Bool => Value::Bool(line == "true"),
        ParamKind::Int => Value::Int(line.parse().map_err(|_| tr!(editor.whole_number))?),
        ParamKind::List => list(text),
        ParamKind::Map => {
            let pairs = text.lines().filter_map(|line| line.split_once('='));
            let pairs = pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
            Value::Map(pairs.collect())
        }
        ParamKind::Text | ParamKind::Script => Value::from(text.trim_end()),
        _ => Value::from(line),
    })
}

/// One a line; a reference alone stays one, and becomes the list that its parameter holds.
fn list(text: &str) -> Value {
    let items = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let items: Vec<String> = items.map(str::to_owned).collect();
    match items.as_slice() {
        [one] if one.starts_with("$[[") => Value::from(one.as_str()),
        _ => Value::List(items),
    }
}

/// Whether a job can be called so.
fn free(template: &Template, name: &str, field: &str) -> Result<String, AppError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.is_empty() || !name.chars().all(plain) {
        return Err(wrong(field, tr!(template.job_id_wrong)));
    }
    if template.graph.jobs.iter().any(|job| job.id == name) {
        return Err(wrong(field, tr!(template.taken, name = name)));
    }
    Ok(name.to_owned())
}

fn add(template: &mut Template, change: &Change) -> Then {
    let id = free(template, get(change, "name"), "name")?;
    let kind = change.get("kind").map_or("script@1", String::as_str);
    let mut params = step(change)?.params;
    // What is as it is by default is not written.
    if let Some(kind) = step_type(kind) {
        params.retain(|id, value| {
            let param = kind.params.iter().find(|param| param.id == *id);
            param.is_none_or(|param| param.default_value() != *value)
        });
    }
    let (beside, at) = (get(change, "job").to_owned(), get(change, "at").to_owned());
    let add = get(change, "add");
    let known = template.graph.jobs.iter().position(|job| job.id == beside);
    let needs = match (add, known) {
        ("after" | "between", Some(_)) => vec![beside.clone()],
        ("beside", Some(place)) => template.graph.jobs[place].needs.clone(),
        _ => Vec::new(),
    };
    let job = GraphJob {
        id: id.clone(),
        name: None,
        stage: get(change, "stage").to_owned(),
        conditions: Vec::new(),
        needs,
        immediate: false,
        on: None,
        manual: false,
        image: None,
        tags: None,
        environment: None,
        retry: None,
        timeout: None,
        steps: vec![GraphStep {
            step_type: kind.to_owned(),
            conditions: Vec::new(),
            params,
        }],
    };
    let end = template.graph.jobs.len();
    let place = known.filter(|_| add != "stage").map_or(end, |place| place + 1);
    template.graph.jobs.insert(place, job);
    if add == "between"
        && let Some(next) = template.graph.jobs.iter_mut().find(|job| job.id == at)
    {
        next.needs.retain(|need| *need != beside);
        next.needs.push(id.clone());
    }
    Ok(Some(job_query(&id)))
}

fn need(template: &mut Template, change: &Change) -> Then {
    let (name, need) = (get(change, "job"), get(change, "need").to_owned());
    let place = job_at(template, name)?;
    if get(change, "op") == "unneed" {
        template.graph.jobs[place].needs.retain(|one| *one != need);
        return Ok(None);
    }
    job_at(template, &need)?;
    if waits(template, &need, name) {
        return Err(wrong("need", tr!(template.circle, first = need, second = name)));
    }
    let needs = &mut template.graph.jobs[place].needs;
    if !needs.contains(&need) {
        needs.push(need);
    }
    Ok(None)
}

/// Whether a job waits for another one, at once or through others.
fn waits(template: &Template, job: &str, other: &str) -> bool {
    let mut open = vec![job];
    let mut seen = Vec::new();
    while let Some(name) = open.pop() {
        if name == other {
            return true;
        }
        if seen.contains(&name) {
            continue;
        }
        seen.push(name);
        let found = template.graph.jobs.iter().find(|job| job.id == name);
        open.extend(found.iter().flat_map(|job| job.needs.iter().map(String::as_str)));
    }
    false
}

fn rename(template: &mut Template, change: &Change) -> Then {
    let (job, to) = (get(change, "job").to_owned(), get(change, "to"));
    let place = job_at(template, &job)?;
    if job == to {
        return Ok(None);
    }
    let to = free(template, to, "to")?;
    template.graph.jobs[place].id.clone_from(&to);
    for other in &mut template.graph.jobs {
        for need in other.needs.iter_mut().filter(|need| **need == job) {
            need.clone_from(&to);
        }
    }
    for lock in &mut template.locked_fields {
        let (of, keyword) = lock.parts();
        if of == job {
            lock.field = keyword.map_or_else(|| to.clone(), |keyword| format!("{to}.{keyword}"));
        }
    }
    Ok(Some(job_query(&to)))
}

fn duplicate(template: &mut Template, change: &Change) -> Then {
    let job = get(change, "job");
    let place = job_at(template, job)?;
    let taken = |id: &str| template.graph.jobs.iter().any(|job| job.id == id);
    let most = template.graph.jobs.len() + 2;
    let id = (2..=most)
        .map(|number| format!("{job}-{number}"))
        .find(|id| !taken(id))
        .unwrap_or_default();
    let copy = GraphJob {
        id: id.clone(),
        ..template.graph.jobs[place].clone()
    };
    template.graph.jobs.insert(place + 1, copy);
    Ok(Some(job_query(&id)))
}

fn remove(template: &mut Template, change: &Change) -> Then {
    let job = get(change, "job");
    let place = job_at(template, job)?;
    let waiting: Vec<&str> = template
        .graph
        .jobs
        .iter()
        .filter(|other| other.needs.iter().any(|need| need == job))
        .map(|other| other.id.as_str())
        .collect();
    if !waiting.is_empty() && get(change, "dependents") != crate::editor::change::DROP {
        return Err(plain(tr!(template.waited_for, jobs = waiting.join(", "))));
    }
    template.graph.jobs.remove(place);
    for other in &mut template.graph.jobs {
        other.needs.retain(|need| need != job);
    }
    template.locked_fields.retain(|lock| lock.parts().0 != job);
    Ok(Some(String::new()))
}

/// What of a job those who use the template cannot change, and why.
fn locks(template: &mut Template, change: &Change) -> Then {
    let job = get(change, "job");
    job_at(template, job)?;
    let why = both(change, "why");
    let ticked = change
        .iter()
        .filter(|(_, on)| *on == "true")
        .filter_map(|(key, _)| key.strip_prefix(LOCK));
    let locked: Vec<LockedField> = ticked
        .map(|keyword| LockedField {
            field: if keyword.is_empty() {
                job.to_owned()
            } else {
                format!("{job}.{keyword}")
            },
            why: why.clone(),
        })
        .collect();
    let first = template
        .locked_fields
        .iter()
        .position(|lock| lock.parts().0 == job);
    template.locked_fields.retain(|lock| lock.parts().0 != job);
    let at = first.unwrap_or(template.locked_fields.len());
    template.locked_fields.splice(at..at, locked);
    Ok(None)
}

fn stage(template: &mut Template, change: &Change, op: &str) -> Then {
    let name = get(change, "stage");
    let stages = &mut template.graph.stages;
    let at = stages.iter().position(|stage| stage.name == name);
    match (op, at) {
        ("stage-add", None) if !name.is_empty() => stages.push(Stage::new(name)),
        ("stage-add", _) => return Err(wrong("stage", tr!(template.taken, name = name))),
        ("stage-up", Some(at)) if at > 0 => stages.swap(at, at - 1),
        ("stage-down", Some(at)) if at + 1 < stages.len() => stages.swap(at, at + 1),
        ("stage-remove", Some(at)) => {
            if template.graph.jobs.iter().any(|job| job.stage == name) {
                return Err(plain(tr!(template.stage_in_use, name = name)));
            }
            stages.remove(at);
        }
        _ => {}
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use slipway_domain::pipeline::authored::{from_template, scratch};
    use slipway_domain::pipeline::{Params, templates};

    fn change(fields: &[(&str, &str)]) -> Change {
        fields
            .iter()
            .map(|(key, text)| ((*key).to_owned(), (*text).to_owned()))
            .collect()
    }

    fn template(text: &str) -> Template {
        read(text, "org.x", "0.0.0").template.unwrap()
    }

    #[test]
    fn a_form_that_comes_back_as_it_was_changes_nothing() {
        for built_in in templates() {
            let text = from_template(built_in, &Params::new());
            let sheet = super::super::sheet::sheet(&text, "org.x").unwrap();
            for job in &sheet.canvas.jobs {
                let mut sent = change(&[("op", "set"), ("job", &job.name)]);
                for row in sheet.rows(job) {
                    sent.insert(format!("{FIELD}{}", row.path), row.text.replace('\n', "\r\n"));
                }
                let step = apply(&text, "org.x", &sent).unwrap();
                assert_eq!(
                    template(&step.text),
                    template(&text),
                    "{} {}",
                    built_in.key,
                    job.name
                );
            }
            for param in &built_in.params {
                let sent = super::super::param::fields(param);
                let step = apply(&text, "org.x", &sent).unwrap();
                assert_eq!(
                    template(&step.text),
                    template(&text),
                    "{} {}",
                    built_in.key,
                    param.id
                );
            }
        }
    }

    #[test]
    fn jobs_are_added_linked_renamed_locked_and_removed() {
        let text = scratch("Mine");
        let add = change(&[
            ("op", "add"),
            ("add", "after"),
            ("job", "build"),
            ("name", "check"),
            ("stage", "build"),
            ("p:script", "make check"),
        ]);
        let step = apply(&text, "org.x", &add).unwrap();
        assert_eq!(step.then.as_deref(), Some("job=check"));
        let added = template(&step.text);
        assert_eq!(added.graph.jobs[1].needs, ["build"]);
        let circle = change(&[("op", "need"), ("job", "build"), ("need", "check")]);
        assert!(apply(&step.text, "org.x", &circle).is_err());
        let image = change(&[
            ("op", "set"),
            ("job", "check"),
            ("f:steps.0.script", "$[[ inputs.script ]]"),
            ("f:tags", "$[[ inputs.runner_tags ]]"),
        ]);
        let step = apply(&step.text, "org.x", &image).unwrap();
        let job = &template(&step.text).graph.jobs[1];
        assert_eq!(job.tags, Some(Value::from("$[[ inputs.runner_tags ]]")));
        let lock = change(&[
            ("op", "locks"),
            ("job", "check"),
            ("k:script", "true"),
            ("s:k:image", "off"),
            ("why_en", "audit"),
            ("why_zh", "审计"),
        ]);
        let step = apply(&step.text, "org.x", &lock).unwrap();
        assert_eq!(template(&step.text).locked_fields[0].field, "check.script");
        let rename = change(&[("op", "rename"), ("job", "build"), ("to", "compile")]);
        let step = apply(&step.text, "org.x", &rename).unwrap();
        assert_eq!(template(&step.text).graph.jobs[1].needs, ["compile"]);
        let gone = change(&[("op", "remove"), ("job", "compile")]);
        assert!(apply(&step.text, "org.x", &gone).is_err());
        let gone = change(&[("op", "remove"), ("job", "check")]);
        let step = apply(&step.text, "org.x", &gone).unwrap();
        assert!(template(&step.text).locked_fields.is_empty());
        // What was not touched is as it was written: the names of shared parameters, and the head.
        assert!(
            step.text.contains("\"runner_tags\", \"timeout\""),
            "{}",
            step.text
        );
    }

    #[test]
    fn a_parameter_that_is_renamed_is_so_wherever_it_is_used() {
        let text = scratch("Mine");
        let mut sent = super::super::param::fields(&template(&text).params[0]);
        sent.insert(String::from("id"), String::from("commands"));
        let step = apply(&text, "org.x", &sent).unwrap();
        let renamed = template(&step.text);
        assert_eq!(renamed.params[0].id, "commands");
        let script = &renamed.graph.jobs[0].steps[0].params["script"];
        assert_eq!(*script, Value::from("$[[ inputs.commands ]]"));
        let wrong = change(&[
            ("op", "param-set"),
            ("param", ""),
            ("id", "9"),
            ("kind", "string"),
        ]);
        let error = apply(&text, "org.x", &wrong).unwrap_err();
        assert!(error.field("change[id]").is_some(), "{error:?}");
        let used = change(&[("op", "param-remove"), ("param", "script")]);
        assert!(apply(&text, "org.x", &used).is_err());
    }
}
