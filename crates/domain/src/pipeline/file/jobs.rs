//! Jobs that come, go, stand twice, hide, and get other names.

use std::collections::BTreeMap;

use super::super::compile::{body_of, marker_of};
use super::super::model::{Job, TemplateRef};
use super::super::step_type::StepTypes;
use super::super::yaml::Yaml;
use super::assignment::Assignment;
use super::change::{Dependents, JobPlace};
use super::edges;
use super::edit::edit;
use super::effective::INCOMPLETE;
use super::finding::{Finding, FindingCode};
use super::import::{Import, import_tree};
use super::job::is_job;
use super::named::{How, changeable, config, named};
use super::plan::Plan;
use super::refusal::Refusal;
use super::scalar::{NewValue, Place, text as scalar_text};
use super::top::{self, At, New};
use super::tree::{Kind, Tree, parse};
use super::value::Meaning;
use super::work::{Work, check_job_name};
use crate::text::Text;

const EDGES: [How; 3] = [How::Need, How::Dependency, How::Other];
const SOURCES: [How; 2] = [How::Extends, How::Reference];

/// The jobs of a file by id, and by name where no job has it as its id.
fn jobs_of(import: &Import) -> BTreeMap<String, Job> {
    let own = |job: &super::ImportedJob| Job {
        name: job.name.clone(),
        ..job.own.clone()
    };
    let mut all: BTreeMap<String, Job> = import
        .jobs
        .iter()
        .map(|job| (job.name.clone(), own(job)))
        .collect();
    all.extend(import.jobs.iter().map(|job| (job.own.id.clone(), own(job))));
    all
}

pub(super) fn add(
    work: &mut Work,
    job: &Job,
    template: Option<&TemplateRef>,
    place: &JobPlace,
) -> Result<(), Refusal> {
    work.touch(&job.name);
    work.step(&job.name, |tree| {
        check_job_name(tree, &job.name, false)?;
        let import = import_tree(tree, true);
        let jobs = jobs_of(&import);
        let names: BTreeMap<&str, &Job> = jobs.iter().map(|(id, job)| (id.as_str(), job)).collect();
        let body = body_of(job, &names, StepTypes::built_in());
        let mut new = New::of(&job.name, &body);
        new.text.insert_str(0, &marker_of(job, template));
        top::insert(tree, &new, at(tree, &import, job, place)?)
    })
}

fn at(tree: &Tree<'_>, import: &Import, job: &Job, place: &JobPlace) -> Result<At, Refusal> {
    let last = tree
        .content()
        .map_or(0, |document| tree.entries(document.root).len());
    let end = At::After(last.saturating_sub(1));
    Ok(match place {
        JobPlace::End => end,
        JobPlace::After(other) => At::After(top::find(tree, other)?.place),
        JobPlace::Before(other) => At::Before(top::find(tree, other)?.place),
        JobPlace::Stage => {
            let rank = |stage: &str| import.stages.iter().position(|one| one == stage);
            let own = rank(&job.stage);
            let mut earlier = import.jobs.iter().filter(|other| {
                let other = other.stage.as_deref().and_then(rank);
                other.is_some_and(|other| own.is_some_and(|own| other <= own))
            });
            // The last in the file of the latest stage that has any.
            let stage = earlier
                .clone()
                .filter_map(|job| rank(job.stage.as_deref()?))
                .max();
            let after = earlier.rfind(|job| job.stage.as_deref().and_then(rank) == stage);
            match after {
                Some(after) => At::After(top::find(tree, &after.name)?.place),
                None => end,
            }
        }
    })
}

/// Refuses where the job's work stands in another file: the entry here only changes it.
fn refuse_if_elsewhere(tree: &Tree<'_>, name: &str) -> Result<(), Refusal> {
    let Some(config) = config(tree) else { return Ok(()) };
    let root = tree.content().map(|document| document.root);
    let includes = root.is_some_and(|root| tree.get(root, "include").is_some());
    let Some(job) = config.get(name).filter(|_| includes) else {
        return Ok(());
    };
    let works = ["script", "run", "trigger", INCOMPLETE];
    if name.starts_with('.') || works.iter().any(|key| job.get(key).is_some()) {
        return Ok(());
    }
    Err(Refusal::NotAJob {
        name: name.to_owned(),
        reason: Text::new(
            "it changes a job of an included file, which goes by this name",
            "它修改引入文件中的同名作业",
        ),
    })
}

/// Gives a job another name, with these of the places that name it.
fn rename_with(work: &mut Work, job: &str, to: &str, hows: &[How]) -> Result<(), Refusal> {
    work.touch(job);
    work.touch(to);
    let mut touched = Vec::new();
    work.one(job, |tree| {
        let top = top::find(tree, job)?;
        let mut plan = Plan::default();
        top::rename(tree, &mut plan, &top, to)?;
        let Some(config) = config(tree) else {
            return Ok(plan);
        };
        let mut done = Vec::new();
        for one in named(tree, &config, job) {
            if !hows.contains(&one.how) || done.contains(&one.node) {
                continue;
            }
            changeable(tree, &one)?;
            let Kind::Scalar { style, .. } = &tree.node(one.node).kind else {
                continue;
            };
            let place = Place {
                flow: tree.in_flow(one.node),
                indent: 0,
                newline: "\n",
                style: *style,
            };
            // A part of a parallel job keeps its part.
            let new = format!("{to}{}", &one.text[job.len()..]);
            plan.set(tree, one.node, scalar_text(&new, place), Meaning::text(&new));
            done.push(one.node);
            touched.push(one.by);
        }
        Ok(plan)
    })?;
    for name in &touched {
        work.touch(name);
    }
    Ok(())
}

pub(super) fn rename(work: &mut Work, job: &str, to: &str) -> Result<(), Refusal> {
    if job == to {
        return Ok(());
    }
    let tree = parse(&work.text)?;
    top::find(&tree, job)?;
    if !is_job(job) {
        return Err(not_a_job(job));
    }
    check_job_name(&tree, to, false)?;
    refuse_if_elsewhere(&tree, job)?;
    drop(tree);
    rename_with(work, job, to, &[EDGES.as_slice(), SOURCES.as_slice()].concat())
}

fn not_a_job(name: &str) -> Refusal {
    let code = if name.starts_with('.') {
        super::ReasonCode::HiddenJob
    } else {
        super::ReasonCode::Keyword
    };
    Refusal::NotAJob {
        name: name.to_owned(),
        reason: super::Reason::of(code).text,
    }
}

/// Has those that wait for a job do without it.
fn let_go(work: &mut Work, job: &str, dependents: Dependents) -> Result<(), Refusal> {
    let tree = parse(&work.text)?;
    let refused: &[How] = match dependents {
        Dependents::Refuse => &EDGES,
        _ => &[How::Other],
    };
    edges::refuse_if_used(&tree, job, refused)?;
    drop(tree);
    match dependents {
        Dependents::Refuse => Ok(()),
        Dependents::Drop => edges::drop_all(work, job),
        Dependents::Optional => edges::make_optional(work, job),
    }
}

pub(super) fn remove(work: &mut Work, job: &str, dependents: Dependents) -> Result<(), Refusal> {
    work.touch(job);
    let tree = parse(&work.text)?;
    top::find(&tree, job)?;
    if !is_job(job) && !job.starts_with('.') {
        return Err(not_a_job(job));
    }
    edges::refuse_if_used(&tree, job, &SOURCES)?;
    drop(tree);
    let_go(work, job, dependents)?;
    work.step(job, |tree| {
        let top = top::find(tree, job)?;
        if tree.entries(top.root).len() == 1 {
            let finding = Finding::error(tree, top.key, FindingCode::NoJobs);
            return Err(Refusal::WouldBreak {
                finding: Box::new(finding),
            });
        }
        top::remove(tree, &top, job)
    })
}

pub(super) fn duplicate(work: &mut Work, job: &str, to: &str) -> Result<(), Refusal> {
    work.touch(to);
    work.step(job, |tree| {
        let top = top::find(tree, job)?;
        if !is_job(job) {
            return Err(not_a_job(job));
        }
        check_job_name(tree, to, false)?;
        refuse_if_elsewhere(tree, job)?;
        let new = top::copy(tree, &top, job, to)?;
        top::insert(tree, &new, At::After(top.place))
    })
}

pub(super) fn disable(work: &mut Work, job: &str, dependents: Dependents) -> Result<(), Refusal> {
    let hidden = format!(".{job}");
    let tree = parse(&work.text)?;
    top::find(&tree, job)?;
    if !is_job(job) {
        return Err(not_a_job(job));
    }
    check_job_name(&tree, &hidden, true)?;
    refuse_if_elsewhere(&tree, job)?;
    drop(tree);
    let_go(work, job, dependents)?;
    rename_with(work, job, &hidden, &SOURCES)
}

pub(super) fn enable(work: &mut Work, job: &str) -> Result<(), Refusal> {
    let tree = parse(&work.text)?;
    let top = top::find(&tree, job)?;
    if let Some(name) = job.strip_prefix('.') {
        check_job_name(&tree, name, false)?;
        let name = name.to_owned();
        drop(tree);
        return rename_with(work, job, &name, &SOURCES);
    }
    let never = tree
        .get(top.value, "rules")
        .filter(|rules| match tree.items(*rules) {
            [rule] => {
                let entries = tree.entries(*rule);
                entries.len() == 1
                    && tree.get(*rule, "when").and_then(|when| tree.scalar(when)) == Some("never")
            }
            _ => false,
        });
    if never.is_none() {
        return Ok(());
    }
    drop(tree);
    work.touch(job);
    let assignment = Assignment {
        job: job.to_owned(),
        path: vec!["rules".to_owned()],
        value: NewValue::Absent,
    };
    work.text = edit(&work.text, &assignment)?.text;
    Ok(())
}

/// Makes a job what a form says: what differs between the two, as they would be written, is written.
pub(super) fn replace(
    work: &mut Work,
    job: &str,
    new: &Job,
    template: Option<&TemplateRef>,
) -> Result<(), Refusal> {
    rename(work, job, &new.name)?;
    let name = new.name.as_str();
    work.touch(name);
    let (old, wanted) = {
        let tree = parse(&work.text)?;
        let import = import_tree(&tree, true);
        let jobs = jobs_of(&import);
        let names: BTreeMap<&str, &Job> = jobs.iter().map(|(id, job)| (id.as_str(), job)).collect();
        let Some(own) = import.jobs.iter().find(|one| one.name == name) else {
            return Err(not_a_job(name));
        };
        {
            let body = |job| fields(body_of(job, &names, StepTypes::built_in()));
            (body(&own.own), body(new))
        }
    };
    let mut keys: Vec<&String> = wanted.iter().map(|(key, _)| key).collect();
    keys.extend(
        old.iter()
            .map(|(key, _)| key)
            .filter(|key| get(&wanted, key).is_none()),
    );
    for key in keys {
        let (before, after) = (get(&old, key), get(&wanted, key));
        if before != after {
            super::put::field(work, name, key, after)?;
        }
    }
    if let Some(template) = template {
        mark(work, name, new, template)?;
    }
    Ok(())
}

fn fields(yaml: Yaml) -> Vec<(String, Yaml)> {
    match yaml {
        Yaml::Map(entries) => entries,
        _ => Vec::new(),
    }
}

fn get<'y>(fields: &'y [(String, Yaml)], key: &str) -> Option<&'y Yaml> {
    fields
        .iter()
        .find(|(name, _)| name == key)
        .map(|(_, value)| value)
}

/// Puts the marker of a template above a job, in the place of one that is there.
fn mark(work: &mut Work, name: &str, job: &Job, template: &TemplateRef) -> Result<(), Refusal> {
    work.one(name, |tree| {
        let top = top::find(tree, name)?;
        let mut plan = Plan::default();
        plan.splice(top.marker(tree, &marker_of(job, Some(template))));
        Ok(plan)
    })
}
