//! A file, imported: its pieces, its jobs, and what is wrong with it.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::super::model::{Job, Need, Pipeline, Segment, Stage};
use super::super::source::SourceError;
use super::classify::{Classified, classify, stage_of};
use super::cut::{Cut, CutKind, Reason, ReasonCode, cuts, line_breaks};
use super::effective::{Config, Effective, effective};
use super::finding::Finding;
use super::job::{is_job, needs, stages};
use super::lint::check;
use super::tree::{NodeId, Tree, parse};
use crate::text::Locale;

/// Above this share of opaque bytes a file of Slipway's own is offered, in percent.
pub const SIDE_FILE_FROM: usize = 30;

/// An imported file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Its length.
    pub bytes: usize,
    /// Whether it begins with a byte order mark.
    pub byte_order_mark: bool,
    /// `lf`, `crlf` or `mixed`.
    pub line_ending: String,
    /// Whether its last line ends.
    pub final_newline: bool,
    /// How many documents hold anything.
    pub documents: usize,
    /// The pieces, in order and without a gap: together they are the file.
    pub segments: Vec<Cut>,
    /// The share of bytes in opaque pieces, in percent.
    pub opaque_percent: usize,
    /// Whether so much is opaque that a file of Slipway's own is the better way.
    pub side_file: bool,
    /// The stages in order; those of the jobs where an included file lists them.
    pub stages: Vec<String>,
    /// Jobs that can run, with what they inherit by `extends`, anchors and references.
    pub jobs: Vec<ImportedJob>,
    /// The jobs that each job waits for, by name.
    pub needs: BTreeMap<String, Vec<String>>,
    /// What GitLab would refuse, and what it would take otherwise than meant.
    pub findings: Vec<Finding>,
}

/// A job of an imported file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedJob {
    /// Its name.
    pub name: String,
    /// Its line, from 1.
    pub line: usize,
    /// What Slipway can do with it.
    pub kind: CutKind,
    /// Its stage; none where an included file says it.
    pub stage: Option<String>,
    /// What it waits for; none: for all jobs of the stages before.
    pub needs: Option<Vec<Need>>,
    /// The image's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// `on_success` and so on, where it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Its commands, those of lists in lists one after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub script: Vec<String>,
    /// What it extends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extends: Vec<String>,
    /// The job as Slipway's forms show it: what stands in the file itself.
    pub own: Job,
}

/// Imports a file. `included`: other files include it, so not all has to be in it.
///
/// # Errors
/// Where it is not YAML.
pub fn import(text: &str, included: bool) -> Result<Import, SourceError> {
    let tree = parse(text)?;
    Ok(import_tree(&tree, included))
}

/// Imports a file that was read.
pub fn import_tree(tree: &Tree<'_>, included: bool) -> Import {
    let text = tree.text;
    let mut findings = Vec::new();
    let config = effective(tree, included, &mut findings);
    let (segments, own) = classified(tree);
    let opaque: usize = segments
        .iter()
        .filter(|cut| cut.kind == CutKind::Opaque && cut.key.is_some())
        .map(|cut| cut.end - cut.start)
        .sum();
    let opaque_percent = (opaque * 100).checked_div(text.len()).unwrap_or_default();
    let jobs = config
        .as_ref()
        .map(|config| jobs(tree, config, own))
        .unwrap_or_default();
    let listed = config.as_ref().and_then(stages);
    Import {
        bytes: text.len(),
        byte_order_mark: text.starts_with('\u{feff}'),
        line_ending: line_ending(text).to_owned(),
        final_newline: text.ends_with('\n'),
        documents: tree.documents.len(),
        opaque_percent,
        side_file: opaque_percent > SIDE_FILE_FROM,
        stages: shown_stages(listed, &jobs),
        needs: jobs.iter().filter_map(edges).collect(),
        segments,
        jobs,
        findings: check(tree, config.as_ref(), findings),
    }
}

fn edges(job: &ImportedJob) -> Option<(String, Vec<String>)> {
    let needs = job.needs.as_ref()?;
    Some((
        job.name.clone(),
        needs.iter().map(|need| need.job.clone()).collect(),
    ))
}

fn line_ending(text: &str) -> &'static str {
    if !text.contains('\r') {
        return "lf";
    }
    let all = line_breaks(text);
    match text.matches("\r\n").count() {
        0 => "lf",
        some if some == all => "crlf",
        _ => "mixed",
    }
}

/// `.pre` and `.post` only where a job is in them.
fn shown_stages(listed: Option<Vec<String>>, jobs: &[ImportedJob]) -> Vec<String> {
    let used = |stage: &String| jobs.iter().any(|job| job.stage.as_ref() == Some(stage));
    if let Some(listed) = listed {
        let edge = |stage: &String| stage == ".pre" || stage == ".post";
        return listed
            .into_iter()
            .filter(|stage| !edge(stage) || used(stage))
            .collect();
    }
    let mut seen: Vec<String> = Vec::new();
    for stage in jobs.iter().filter_map(|job| job.stage.as_ref()) {
        if !seen.contains(stage) {
            seen.push(stage.clone());
        }
    }
    seen
}

/// The jobs as the forms show them.
#[derive(Default)]
struct Own<'t> {
    /// What Slipway can do with each, and its fields; none of one that stands again later.
    all: Vec<Option<(CutKind, Job)>>,
    /// Their places, by name.
    places: HashMap<&'t str, usize>,
}

impl<'t> Own<'t> {
    fn put(&mut self, name: &'t str, kind: CutKind, job: Job) {
        if let Some(before) = self.places.insert(name, self.all.len()) {
            self.all[before] = None;
        }
        self.all.push(Some((kind, job)));
    }

    fn take(&mut self, name: &str) -> Option<(CutKind, Job)> {
        self.all[*self.places.get(name)?].take()
    }
}

/// The pieces with their kinds, and the jobs as the forms show them.
fn classified<'t>(tree: &'t Tree<'_>) -> (Vec<Cut>, Own<'t>) {
    let mut segments = cuts(tree);
    let mut own = Own::default();
    let Some(document) = tree.content() else {
        return (segments, own);
    };
    let entries = tree.entries(document.root);
    own.all.reserve(entries.len());
    own.places.reserve(entries.len());
    for (key, value) in entries {
        let Some(name) = tree.scalar(tree.target(*key)) else {
            continue;
        };
        let at = tree.node(*key).start;
        let index = segments.partition_point(|cut| cut.end <= at);
        let cut = segments
            .get_mut(index)
            .filter(|cut| cut.key.as_deref() == Some(name));
        let hidden = name.starts_with('.');
        if !is_job(name) && !hidden {
            if let Some(cut) = cut {
                keyword(tree, cut, name, *value);
            }
            continue;
        }
        let Classified {
            kind,
            reason,
            locked,
            mut job,
        } = classify(tree, name, *key, *value);
        let twice = tree
            .duplicates
            .iter()
            .any(|twice| twice.map == document.root && tree.scalar(twice.key) == Some(name));
        let mut known = CutKind::Opaque;
        if let Some(cut) = cut {
            (cut.kind, cut.reason, cut.locked) = (kind, reason, locked);
            cut.job = (!hidden).then(|| name.to_owned());
            if twice {
                cut.kind = CutKind::Opaque;
                cut.reason = Some(Reason::of(ReasonCode::Duplicate));
            }
            if let Some(marker) = &cut.marker {
                job.id.clone_from(&marker.id);
            }
            known = cut.kind;
        }
        if !hidden {
            own.put(name, known, job);
        }
    }
    (segments, own)
}

/// `stages` and `variables` have forms when they are plain.
fn keyword(tree: &Tree<'_>, cut: &mut Cut, name: &str, value: NodeId) {
    let plain = match name {
        "stages" => super::value::list_of_texts(tree, value).is_some(),
        "variables" => {
            let scalars = tree
                .entries(value)
                .iter()
                .all(|(_, value)| tree.scalar(*value).is_some());
            scalars && !tree.entries(value).is_empty()
        }
        _ => false,
    };
    if let Some(code) = super::classify::shared(tree, value) {
        cut.reason = Some(Reason::of(code));
    } else if plain {
        (cut.kind, cut.reason) = (CutKind::Managed, None);
    }
}

fn jobs(tree: &Tree<'_>, config: &Config<'_>, mut own: Own<'_>) -> Vec<ImportedJob> {
    let own_len = own.all.len();
    let one = |(name, key, job): (&str, NodeId, &Effective<'_>)| {
        let (kind, own) = own.take(name).unwrap_or((CutKind::Opaque, Job::default()));
        let needed = job.get("needs").map(|_| {
            let need = |need: super::job::NeededJob| Need {
                job: need.job,
                artifacts: need.artifacts,
                optional: need.optional,
            };
            needs(job).into_iter().map(need).collect()
        });
        let image = job
            .get("image")
            .and_then(|image| image.get("name").unwrap_or(image).to_text());
        ImportedJob {
            line: tree.node(key).line,
            kind,
            stage: stage_of(job),
            needs: needed,
            image,
            when: job.get("when").and_then(Effective::to_text),
            script: texts(job.get("script")),
            extends: texts(job.get("extends")),
            own,
            name: name.to_owned(),
        }
    };
    let mut jobs = Vec::with_capacity(own_len);
    jobs.extend(config.jobs().map(one));
    jobs
}

fn texts(value: Option<&Effective>) -> Vec<String> {
    let Some(value) = value else { return Vec::new() };
    match value.to_text() {
        Some(text) => vec![text],
        None => value.items().iter().flat_map(|item| texts(Some(item))).collect(),
    }
}

/// Puts the pieces together: the file, byte for byte.
pub fn write_back(text: &str, segments: &[Cut]) -> String {
    segments
        .iter()
        .filter_map(|cut| text.get(cut.start..cut.end))
        .collect()
}

impl Import {
    /// The pipeline as the editor shows it. Opaque jobs are part of it, as targets of needs.
    pub fn pipeline(&self, text: &str) -> Pipeline {
        let ids: BTreeMap<&str, &str> = self
            .jobs
            .iter()
            .map(|job| (job.name.as_str(), job.own.id.as_str()))
            .collect();
        let mut jobs: Vec<Job> = Vec::new();
        for job in &self.jobs {
            let mut shown = job.own.clone();
            if let Some(stage) = &job.stage {
                shown.stage.clone_from(stage);
            }
            if let Some(needs) = &job.needs {
                shown.needs.clone_from(needs);
            }
            for need in &mut shown.needs {
                if let Some(id) = ids.get(need.job.as_str()) {
                    (*id).clone_into(&mut need.job);
                }
            }
            jobs.push(shown);
        }
        let segments = self.segments.iter().map(|cut| match (&cut.kind, &cut.job) {
            (CutKind::Managed, Some(job)) => Segment::Managed {
                job: id_of(&ids, job),
            },
            (CutKind::Partial, Some(job)) => Segment::Partial {
                job: id_of(&ids, job),
                locked_fields: cut.locked.iter().map(|locked| locked.field.clone()).collect(),
            },
            _ => Segment::Opaque {
                text: text.get(cut.start..cut.end).unwrap_or_default().to_owned(),
                reason: cut.reason(Locale::En).unwrap_or_default().to_owned(),
            },
        });
        Pipeline {
            stages: self.stages.iter().map(Stage::new).collect(),
            segments: segments.collect(),
            jobs,
            ..Pipeline::default()
        }
    }
}

fn id_of(ids: &BTreeMap<&str, &str>, name: &str) -> String {
    ids.get(name).copied().unwrap_or(name).to_owned()
}
