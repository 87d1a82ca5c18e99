//! A change as a form sends it, and the edit of the file that it means: the same in the browser and on the server.

use super::job_query;
use super::sheet::{Row, RowKind, Sheet, commands, lines, sheet};
use crate::AppError;
use crate::i18n::{locale, say};
use crate::tr;
use slipway_domain::pipeline::authored::{Lock, broken_locks};
use slipway_domain::pipeline::file::canvas::CanvasJob;
use slipway_domain::pipeline::file::{Dependents, Edit, JobPlace, NewValue, apply as write};
use slipway_domain::pipeline::form;
use slipway_domain::pipeline::{Job, Need, Step as JobStep, Trigger, step_type};
use std::collections::BTreeMap;

/// The fields of a form: `op` says what it is about, `job` which job.
pub type Change = BTreeMap<String, String>;

/// What stands before a path in the name of a job's field.
pub const FIELD: &str = "f:";
/// What stands before the id of a step's parameter.
pub const PARAM: &str = "p:";
/// What becomes of those that wait for a job that goes: they wait no longer.
pub const DROP: &str = "drop";

/// A change that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The file afterwards.
    pub text: String,
    /// What is chosen afterwards, as a query; `None`: what was.
    pub then: Option<String>,
}

/// Whether a change goes on with the one before: typing into one field is one step to undo.
pub fn goes_on(before: &Change, now: &Change) -> bool {
    let is_set = |change: &Change| change.get("op").is_some_and(|op| op == "set");
    is_set(before) && is_set(now) && before.keys().eq(now.keys()) && before.get("job") == now.get("job")
}

/// Makes a change in a file. `locks`: what nobody can change here.
///
/// # Errors
/// It cannot be made; the words say why, by field where a field is to blame.
pub fn apply(text: &str, change: &Change, locks: &[Lock]) -> Result<Step, AppError> {
    let sheet = sheet(text).map_err(|error| refused(error.message(locale()), None, String::new()))?;
    apply_on(&sheet.locked(locks), text, change, locks)
}

/// Makes a change in a file that was drawn already, with its locks.
///
/// # Errors
/// As [`apply`].
pub fn apply_on(sheet: &Sheet, text: &str, change: &Change, locks: &[Lock]) -> Result<Step, AppError> {
    let (edits, then) = edits(sheet, &with_switches(change))?;
    if edits.is_empty() {
        return Ok(Step {
            text: text.to_owned(),
            then,
        });
    }
    let single = (edits.len() == 1).then(|| edits[0].clone());
    let edit = single.unwrap_or(Edit::All { edits });
    match write(text, std::slice::from_ref(&edit)) {
        Ok(written) => {
            // A job that is locked is changed by more than its own form: by what happens to those it waits for.
            let broken = broken_locks(text, &written.text, locks).unwrap_or_default();
            match broken.first() {
                Some(broken) => Err(refused(
                    say(&broken.reason()),
                    blamed(change, &edit),
                    String::new(),
                )),
                None => Ok(Step {
                    text: written.text,
                    then,
                }),
            }
        }
        Err(stopped) => {
            let patch = stopped.patch.map(|patch| {
                let line = |line: &slipway_domain::diff::DiffLine| {
                    let sign = match line.kind {
                        slipway_domain::diff::DiffKind::Same => ' ',
                        slipway_domain::diff::DiffKind::Removed => '-',
                        slipway_domain::diff::DiffKind::Added => '+',
                    };
                    format!("{sign} {}\n", line.text)
                };
                patch
                    .hunks
                    .iter()
                    .flat_map(|hunk| &hunk.lines)
                    .map(line)
                    .collect()
            });
            let field = blamed(change, &edit);
            Err(refused(
                stopped.refusal.message(locale()),
                field,
                patch.unwrap_or_default(),
            ))
        }
    }
}

/// The field of the form that an edit came from, where there is only one.
fn blamed(change: &Change, edit: &Edit) -> Option<String> {
    match edit {
        Edit::Set { path, .. } => Some(format!("change[{FIELD}{}]", path.join("."))),
        Edit::RenameJob { .. } | Edit::DuplicateJob { .. } | Edit::RenameStage { .. } => {
            Some(String::from("change[to]"))
        }
        Edit::SetVariable { .. } => Some(String::from("change[name]")),
        Edit::AddStage { .. } => Some(String::from("change[stage]")),
        _ if change.get("op").is_some_and(|op| op == "add") => Some(String::from("change[name]")),
        _ => None,
    }
}

pub(super) fn refused(message: String, field: Option<String>, hint: String) -> AppError {
    AppError {
        code: String::from("edit_refused"),
        status: 422,
        fields: field.map(|field| (field, message.clone())).into_iter().collect(),
        message,
        hint,
        ..AppError::default()
    }
}

type Edits = Result<(Vec<Edit>, Option<String>), AppError>;

/// What stands before the name of a switch: a browser sends nothing for one that is off.
pub const SWITCH: &str = "s:";

/// The change with `false` for every switch that is off.
pub(super) fn with_switches(change: &Change) -> Change {
    let mut all = change.clone();
    for switch in change.keys().filter_map(|key| key.strip_prefix(SWITCH)) {
        all.entry(switch.to_owned())
            .or_insert_with(|| String::from("false"));
    }
    all
}

/// One field of a change, without blanks around it.
pub(super) fn get<'a>(change: &'a Change, key: &str) -> &'a str {
    change.get(key).map(|text| text.trim()).unwrap_or_default()
}

#[expect(clippy::unnecessary_wraps, reason = "the arms of a match")]
fn one(edit: Vec<Edit>, then: Option<String>) -> Edits {
    Ok((edit, then))
}

fn edits(sheet: &Sheet, change: &Change) -> Edits {
    let op = get(change, "op");
    match op {
        "set" => {
            let name = get(change, "job");
            let job = sheet
                .job(name)
                .ok_or_else(|| refused(tr!(editor.no_such_job, name = name), None, String::new()))?;
            set(sheet, job, change)
        }
        "add" => add(sheet, change),
        "need" | "unneed" => needs(change, op),
        "variable" | "job-variable" => variable(change, op),
        _ if op.starts_with("stage-") => stage(sheet, change, op),
        _ => of_job(sheet, change, op),
    }
}

/// What is done with a job as a whole.
fn of_job(sheet: &Sheet, change: &Change, op: &str) -> Edits {
    let (job, to) = (get(change, "job").to_owned(), get(change, "to").to_owned());
    let given = get(change, "dependents");
    match op {
        "rename" if to == job => one(Vec::new(), None),
        "rename" => {
            let then = job_query(&to);
            one(vec![Edit::RenameJob { job, to }], Some(then))
        }
        "duplicate" => {
            let to = if to.is_empty() { sheet.free_name(&job) } else { to };
            let then = job_query(&to);
            one(vec![Edit::DuplicateJob { job, to }], Some(then))
        }
        "remove" => {
            let dependents = dependents(given);
            one(vec![Edit::RemoveJob { job, dependents }], Some(String::new()))
        }
        "disable" => {
            let dependents = if given.is_empty() {
                Dependents::Optional
            } else {
                dependents(given)
            };
            let then = job_query(&format!(".{job}"));
            one(vec![Edit::DisableJob { job, dependents }], Some(then))
        }
        "enable" => {
            let then = job_query(job.trim_start_matches('.'));
            one(vec![Edit::EnableJob { job }], Some(then))
        }
        other => Err(refused(
            tr!(editor.no_such_change, name = other),
            None,
            String::new(),
        )),
    }
}

fn needs(change: &Change, op: &str) -> Edits {
    let (job, need) = (get(change, "job").to_owned(), get(change, "need").to_owned());
    let edit = if op == "need" {
        Edit::AddNeed {
            job,
            need: Need::new(need),
        }
    } else {
        Edit::RemoveNeed { job, need }
    };
    one(vec![edit], None)
}

fn variable(change: &Change, op: &str) -> Edits {
    let name = get(change, "name");
    let value = change.get("value").cloned().unwrap_or_default();
    let edit = if op == "variable" {
        Edit::SetVariable {
            name: name.to_owned(),
            value: get(change, "remove").is_empty().then_some(value),
        }
    } else {
        Edit::Set {
            job: get(change, "job").to_owned(),
            path: vec![String::from("variables"), variable_name(name)?],
            value: NewValue::Text(value),
        }
    };
    one(vec![edit], None)
}

fn stage(sheet: &Sheet, change: &Change, op: &str) -> Edits {
    let stage = get(change, "stage").to_owned();
    let edits = match op {
        "stage-add" => vec![Edit::AddStage { stage, before: None }],
        "stage-remove" => vec![Edit::RemoveStage { stage, jobs_to: None }],
        "stage-rename" => vec![Edit::RenameStage {
            stage,
            to: get(change, "to").to_owned(),
        }],
        _ => move_stage(sheet, &stage, op == "stage-up"),
    };
    one(edits, None)
}

fn dependents(key: &str) -> Dependents {
    match key {
        DROP => Dependents::Drop,
        "optional" => Dependents::Optional,
        _ => Dependents::Refuse,
    }
}

fn variable_name(name: &str) -> Result<String, AppError> {
    let good = |name: &str| {
        name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
    };
    if good(name) {
        return Ok(name.to_owned());
    }
    Err(refused(
        tr!(editor.variable_name),
        Some(String::from("change[name]")),
        String::new(),
    ))
}

/// A stage one place to the left or to the right.
fn move_stage(sheet: &Sheet, stage: &str, up: bool) -> Vec<Edit> {
    let mut own = sheet.stages();
    own.retain(|stage| *stage != ".pre" && *stage != ".post");
    let Some(at) = own.iter().position(|known| *known == stage) else {
        return Vec::new();
    };
    let before = if up {
        match at.checked_sub(1) {
            Some(before) => Some(own[before].to_owned()),
            None => return Vec::new(),
        }
    } else {
        if at + 1 >= own.len() {
            return Vec::new();
        }
        own.get(at + 2).map(|stage| (*stage).to_owned())
    };
    vec![Edit::MoveStage {
        stage: stage.to_owned(),
        before,
    }]
}

/// The fields of a job's form that hold something else than the file.
fn set(sheet: &Sheet, job: &CanvasJob, change: &Change) -> Edits {
    let rows = sheet.rows(job);
    let mut edits = Vec::new();
    for (key, text) in change {
        let Some(path) = key.strip_prefix(FIELD) else {
            continue;
        };
        let Some(row) = rows.iter().find(|row| row.path == path) else {
            continue;
        };
        // A browser sends the lines of a text area with carriage returns.
        let text = text.replace("\r\n", "\n");
        let text = match row.kind {
            RowKind::Line | RowKind::Number => text.trim().to_owned(),
            _ => text,
        };
        let off = row.kind == RowKind::Switch && row.text.is_empty() && text == "false";
        if text.trim_end() == row.text.trim_end() || off {
            continue;
        }
        if let Some(why) = &row.locked {
            let words = tr!(editor.kept_because, why = say(why));
            return Err(refused(words, Some(format!("change[{key}]")), String::new()));
        }
        edits.push(edit_of(sheet, job, row, &text)?);
    }
    // `environment: {url: …}` without a name is nothing: the name is set first.
    edits.sort_by_key(
        |edit| matches!(edit, Edit::Set { path, .. } if path.last().is_some_and(|last| last == "url")),
    );
    Ok((edits, None))
}

fn edit_of(sheet: &Sheet, job: &CanvasJob, row: &Row, text: &str) -> Result<Edit, AppError> {
    let wrong = |words: String| refused(words, Some(format!("change[{FIELD}{}]", row.path)), String::new());
    let set = |value: NewValue| Edit::Set {
        job: job.name.clone(),
        path: row.path.split('.').map(str::to_owned).collect(),
        value,
    };
    let list = |items: Vec<String>| {
        if items.is_empty() {
            NewValue::Absent
        } else {
            NewValue::List(items)
        }
    };
    Ok(match row.kind {
        RowKind::Runs => {
            let mut new = sheet.own(&job.name).cloned().unwrap_or_default();
            set_when(&mut new, text);
            Edit::ReplaceJob {
                job: job.name.clone(),
                new: Box::new(new),
                template: None,
            }
        }
        RowKind::Choice(_) if row.path == "stage" => Edit::MoveJob {
            job: job.name.clone(),
            stage: text.to_owned(),
        },
        // A variable may be empty; anything else that is empty is not there.
        RowKind::Line if row.path.starts_with("variables.") => set(NewValue::Text(text.to_owned())),
        RowKind::Lines => set(list(lines(text))),
        RowKind::Script => set(list(commands(text))),
        _ if text.is_empty() => set(NewValue::Absent),
        RowKind::Number => set(NewValue::Number(
            text.parse().map_err(|_| wrong(tr!(editor.whole_number)))?,
        )),
        RowKind::Switch => set(NewValue::Switch(text == "true")),
        RowKind::Line | RowKind::Area | RowKind::Choice(_) => set(NewValue::Text(text.to_owned())),
    })
}

fn set_when(job: &mut Job, key: &str) {
    let (on, manual) = match key.strip_suffix("+manual") {
        Some(on) => (on, true),
        None => (key, false),
    };
    if let Some(on) = Trigger::from_key(on) {
        job.when.on = on;
    }
    job.when.manual = manual;
}

/// A new job, and the edges around it.
fn add(sheet: &Sheet, change: &Change) -> Edits {
    let (beside, at) = (get(change, "job"), get(change, "at"));
    let name = get(change, "name").to_owned();
    let mut new = Job {
        id: id_of(&name),
        name: name.clone(),
        stage: get(change, "stage").to_owned(),
        steps: vec![step(change)?],
        ..Job::default()
    };
    let needs_of = |job: &str| {
        let edges = sheet.canvas.edges.iter().filter(|edge| edge.to == job);
        edges.map(|edge| edge.need.clone()).collect::<Vec<_>>()
    };
    let mut place = JobPlace::Stage;
    let mut more = Vec::new();
    match get(change, "add") {
        "after" => {
            new.needs = vec![Need::new(beside)];
            place = JobPlace::After(beside.to_owned());
        }
        "between" => {
            new.needs = vec![Need::new(beside)];
            place = JobPlace::After(beside.to_owned());
            more.push(Edit::AddNeed {
                job: at.to_owned(),
                need: Need::new(name.clone()),
            });
            more.push(Edit::RemoveNeed {
                job: at.to_owned(),
                need: beside.to_owned(),
            });
        }
        "beside" => {
            new.needs = needs_of(beside);
            place = JobPlace::After(beside.to_owned());
        }
        _ => {}
    }
    let mut edits = vec![Edit::AddJob {
        job: Box::new(new),
        template: None,
        place,
    }];
    edits.extend(more);
    Ok((edits, Some(job_query(&name))))
}

/// An id for a job's marker: what of its name may stand there.
fn id_of(name: &str) -> String {
    let id: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let id = id.trim_matches('-').to_owned();
    if id.is_empty() { String::from("job") } else { id }
}

/// The step of a new job, from the texts of its parameters.
pub(super) fn step(change: &Change) -> Result<JobStep, AppError> {
    let kind = change.get("kind").map_or("script@1", String::as_str);
    let wrong = |words: String, field: &str| refused(words, Some(format!("change[{field}]")), String::new());
    let known = step_type(kind).ok_or_else(|| wrong(tr!(editor.no_such_kind), "kind"))?;
    let inputs: BTreeMap<String, String> = change
        .iter()
        .filter_map(|(key, text)| Some((key.strip_prefix(PARAM)?.to_owned(), text.clone())))
        .collect();
    let parsed = form::parse(&known.params, &inputs);
    if !parsed.errors.is_empty() {
        let fields: Vec<(String, String)> = parsed
            .errors
            .iter()
            .map(|error| {
                let name = format!("change[{PARAM}{}]", error.param);
                (name, error.message.text(locale()))
            })
            .collect();
        return Err(AppError {
            message: fields.first().map(|(_, words)| words.clone()).unwrap_or_default(),
            fields,
            ..refused(String::new(), None, String::new())
        });
    }
    Ok(JobStep {
        id: known.key.clone(),
        step_type: kind.to_owned(),
        params: parsed.values,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use slipway_domain::text::Text;

    const FILE: &str = "stages: [build, test]\n\nbuild: # first\n  stage: build\n  script:\n    - make   # all\n    - |\n      if true; then\n        echo yes\n      fi\n\ntest:\n  stage: test\n  needs: [build]\n  script: make test\n";

    fn apply(text: &str, change: &Change) -> Result<Step, AppError> {
        super::apply(text, change, &[])
    }

    fn change(fields: &[(&str, &str)]) -> Change {
        fields
            .iter()
            .map(|(key, text)| ((*key).to_owned(), (*text).to_owned()))
            .collect()
    }

    fn done(fields: &[(&str, &str)]) -> Step {
        apply(FILE, &change(fields)).unwrap()
    }

    #[test]
    fn a_form_that_comes_back_as_it_was_changes_nothing() {
        let sheet = sheet(FILE).unwrap();
        for job in &sheet.canvas.jobs {
            let mut sent = change(&[("op", "set"), ("job", &job.name)]);
            for row in sheet.rows(job) {
                // As a browser sends it.
                sent.insert(format!("{FIELD}{}", row.path), row.text.replace('\n', "\r\n"));
            }
            assert_eq!(apply(FILE, &sent).unwrap().text, FILE, "{}", job.name);
        }
    }

    #[test]
    fn one_field_changes_its_own_lines() {
        let step = done(&[
            ("op", "set"),
            ("job", "build"),
            ("f:script", "make\nif true; then\n    echo no\n  fi"),
        ]);
        assert!(step.text.contains("build: # first"), "{}", step.text);
        assert!(step.text.contains("echo no"), "{}", step.text);
        assert!(step.text.contains("- make   # all"), "{}", step.text);
        let step = done(&[("op", "set"), ("job", "test"), ("f:image", "node:24")]);
        assert!(step.text.contains("image: node:24"));
        let on = [
            ("op", "set"),
            ("job", "test"),
            ("s:f:allow_failure", "off"),
            ("f:allow_failure", "true"),
        ];
        assert!(done(&on).text.contains("allow_failure: true"));
        let step = done(&[("op", "set"), ("job", "test"), ("s:f:allow_failure", "off")]);
        assert_eq!(step.text, FILE);
        let step = done(&[
            ("op", "set"),
            ("job", "test"),
            ("f:rules", "default_branch+manual"),
        ]);
        assert!(
            step.text.contains("CI_DEFAULT_BRANCH") && step.text.contains("manual"),
            "{}",
            step.text
        );
    }

    #[test]
    fn a_job_is_added_between_two_others_and_chosen() {
        let step = done(&[
            ("op", "add"),
            ("add", "between"),
            ("job", "build"),
            ("at", "test"),
            ("name", "lint code"),
            ("stage", "test"),
            ("kind", "script@1"),
            ("p:script", "npm run lint"),
        ]);
        assert_eq!(step.then.as_deref(), Some("job=lint%20code"));
        let sheet = sheet(&step.text).unwrap();
        let edges: Vec<(&str, &str)> = sheet
            .canvas
            .edges
            .iter()
            .map(|edge| (edge.from.as_str(), edge.to.as_str()))
            .collect();
        assert!(edges.contains(&("build", "lint code")) && edges.contains(&("lint code", "test")));
        assert!(!edges.contains(&("build", "test")), "{}", step.text);
        let nothing = change(&[
            ("op", "add"),
            ("add", "stage"),
            ("at", "test"),
            ("name", "x"),
            ("stage", "test"),
            ("p:script", ""),
        ]);
        let error = apply(FILE, &nothing).unwrap_err();
        assert!(error.field("change[p:script]").is_some(), "{error:?}");
    }

    #[test]
    fn jobs_and_stages_come_and_go() {
        let renamed = done(&[("op", "rename"), ("job", "build"), ("to", "compile")]);
        assert!(renamed.text.contains("needs: [compile]"));
        let off = done(&[("op", "disable"), ("job", "build")]);
        assert_eq!(off.then.as_deref(), Some("job=.build"));
        let on = apply(&off.text, &change(&[("op", "enable"), ("job", ".build")])).unwrap();
        assert!(on.text.contains("\nbuild: # first"));
        let refused = apply(FILE, &change(&[("op", "remove"), ("job", "build")])).unwrap_err();
        assert!(refused.message.contains("test"), "{}", refused.message);
        let gone = done(&[("op", "remove"), ("job", "build"), ("dependents", DROP)]);
        assert!(!gone.text.contains("make   # all"));
        let later = change(&[("op", "stage-down"), ("stage", "build")]);
        let refused = apply(FILE, &later).unwrap_err();
        assert!(refused.message.contains("later stage"), "{}", refused.message);
        let added = done(&[("op", "stage-add"), ("stage", "qa")]);
        let moved = apply(&added.text, &change(&[("op", "stage-up"), ("stage", "qa")])).unwrap();
        assert!(moved.text.contains("stages: [build, qa, test]"), "{}", moved.text);
        let variable = done(&[("op", "variable"), ("name", "PORT"), ("value", "80")]);
        assert!(variable.text.contains("PORT"));
        assert!(apply(FILE, &change(&[("op", "dance")])).is_err());
    }

    #[test]
    fn what_is_safe_to_mend_is_mended_by_one_change() {
        let file = "stages: [build]\n\nbuild:\n  stage: build\n  needs: [gone]\n  script: make\n\nship:\n  stage: ship\n  script: make ship\n";
        let mut text = file.to_owned();
        for _ in 0..2 {
            let drawn = sheet(&text).unwrap();
            let fix = drawn.notes.iter().find_map(|note| note.fix.clone()).unwrap();
            let mut fields = fix.about.clone();
            fields.push(("op", fix.op.to_owned()));
            let fields = fields.into_iter().map(|(key, text)| (key.to_owned(), text));
            let before = drawn.notes.len();
            text = apply(&text, &fields.collect()).unwrap().text;
            assert_eq!(sheet(&text).unwrap().notes.len(), before - 1, "{text}");
        }
        assert!(!text.contains("gone") && text.contains("[build, ship]"), "{text}");
    }

    #[test]
    fn a_job_that_a_template_locks_is_neither_changed_nor_taken_out() {
        let file = FILE.replace("\ntest:", "\n# slipway: job=check template=org.make@1.0.0\ntest:");
        let lock = |field: &str| Lock {
            template: String::from("org.make@1.0.0"),
            field: slipway_domain::pipeline::LockedField {
                field: field.to_owned(),
                why: Text::new("the auditors read it", "审计需要"),
            },
            by: String::from("Olivia"),
            place: String::from("Acme"),
            name: Text::new("Make", "Make"),
        };
        let locks = [lock("check")];
        let refused =
            |fields: &[(&str, &str)]| super::apply(&file, &change(fields), &locks).unwrap_err().message;
        for fields in [
            [("op", "set"), ("job", "test"), ("f:image", "node:24")].as_slice(),
            &[("op", "set"), ("job", "test"), ("f:script", "make no")],
            &[("op", "rename"), ("job", "test"), ("to", "tests")],
            &[("op", "disable"), ("job", "test")],
            &[("op", "remove"), ("job", "test")],
            &[("op", "unneed"), ("job", "test"), ("need", "build")],
            // What it waits for takes it along.
            &[("op", "remove"), ("job", "build"), ("dependents", DROP)],
            &[("op", "rename"), ("job", "build"), ("to", "compile")],
        ] {
            let words = refused(fields);
            assert!(
                words.contains("Olivia") && words.contains("the auditors read it"),
                "{fields:?}: {words}"
            );
        }
        let other = change(&[("op", "set"), ("job", "build"), ("f:image", "node:24")]);
        assert!(super::apply(&file, &other, &locks).is_ok());
        let copy = change(&[("op", "duplicate"), ("job", "test")]);
        assert!(super::apply(&file, &copy, &locks).is_ok());
        // A lock of one keyword leaves the others.
        let locks = [lock("check.script")];
        let image = change(&[("op", "set"), ("job", "test"), ("f:image", "node:24")]);
        assert!(super::apply(&file, &image, &locks).is_ok());
        let drawn = sheet(&file).unwrap().locked(&[lock("check")]);
        assert!(drawn.job("test").is_some_and(|job| job.lock.is_some()));
    }

    #[test]
    fn typing_into_one_field_is_one_step_to_undo() {
        let typed = |job, field, text| change(&[("op", "set"), ("job", job), (field, text)]);
        assert!(goes_on(
            &typed("test", "f:image", "n"),
            &typed("test", "f:image", "no")
        ));
        assert!(!goes_on(
            &typed("test", "f:image", "n"),
            &typed("build", "f:image", "n")
        ));
        assert!(!goes_on(
            &typed("test", "f:image", "n"),
            &typed("test", "f:stage", "n")
        ));
        let twice = change(&[("op", "duplicate"), ("job", "a")]);
        assert!(!goes_on(&twice, &twice));
    }
}
