//! A file as the canvas draws it: stages as columns, jobs as nodes, needs as edges; and of each job the
//! fields that a form can set, with their values, and why the others are kept.

mod fields;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::super::layout::{GraphNode, Layout, layout};
use super::super::model::{Job, Need};
use super::super::source::SourceError;
use super::cut::{Cut, CutKind, Locked, Marker, Reason};
use super::edit::job_at;
use super::effective::{Config, Effective, Value};
use super::finding::Finding;
use super::import::{Import, ImportedJob, import_tree};
use super::job::{is_job, needs};
use super::named::{config, is_disabled, takers};
use super::tree::{NodeId, Tree, parse};
use crate::text::Text;

pub use fields::{Field, FieldKind};

/// A file to draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canvas {
    /// The columns, left to right.
    pub stages: Vec<CanvasStage>,
    /// Why stages can be neither added, moved, renamed nor taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stages_locked: Option<Text>,
    /// The nodes, in the order of the file. Disabled jobs are among them, under their names with the dot.
    pub jobs: Vec<CanvasJob>,
    /// The edges, each from a node to a node.
    pub edges: Vec<CanvasEdge>,
    /// Variables of the whole file.
    pub variables: Vec<Field>,
    /// Hidden jobs and keywords that are kept as they are, in the order of the file.
    pub others: Vec<CanvasPiece>,
    /// What GitLab would refuse or take otherwise than meant; [`Canvas::job_at`] pins them to nodes.
    pub findings: Vec<Finding>,
    /// The share of bytes that is kept as it is, in percent.
    pub opaque_percent: usize,
    /// Whether so much is opaque that a file of Slipway's own is the better way.
    pub side_file: bool,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanvasStage {
    /// Its name; empty for jobs whose stage another file says.
    pub name: String,
    /// Whether it stands in the file's list, or is one of those GitLab takes where there is none.
    pub listed: bool,
    /// The names of its jobs, in the order of the file.
    pub jobs: Vec<String>,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanvasJob {
    /// Its key in the file: what every [`Edit`](super::Edit) calls it.
    pub name: String,
    /// The id that Slipway gave it, or its name.
    pub id: String,
    /// Its stage; none where another file says it.
    pub stage: Option<String>,
    /// What can be done with it.
    pub kind: CutKind,
    /// Why it is not wholly Slipway's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Its first line, that of its key, from 1.
    pub first_line: usize,
    /// Its last line, included.
    pub last_line: usize,
    /// Its first byte with the comments before it, and the byte after its last.
    pub bytes: (usize, usize),
    /// What Slipway wrote above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<Marker>,
    /// It never runs: its name begins with a dot, or its only rule says so.
    pub disabled: bool,
    /// It waits for a person.
    pub manual: bool,
    /// What it waits for; none: for all jobs of the stages before.
    pub needs: Option<Vec<Need>>,
    /// Why its needs can be neither added to nor taken from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs_locked: Option<Text>,
    /// What it extends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extends: Vec<String>,
    /// What a form shows, in its order; none of an opaque job.
    pub fields: Vec<Field>,
    /// Fields of the first level that are kept as they are, with the reasons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locked: Vec<Locked>,
    /// Who locked the job as a whole, and why: it can be neither changed, renamed, disabled nor taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<Text>,
    /// The job as far as the model knows it, for forms with presets such as when it runs: changed, it is
    /// what [`Edit::ReplaceJob`](super::Edit::ReplaceJob) takes. Needs are names.
    pub own: Job,
}

impl CanvasJob {
    /// How many lines it has.
    pub fn lines(&self) -> usize {
        self.last_line.saturating_sub(self.first_line) + 1
    }

    /// The field at a path.
    pub fn field(&self, path: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.path == path)
    }
}

/// An edge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanvasEdge {
    /// The job that is done first, by the name of its node.
    pub from: String,
    /// The job that waits.
    pub to: String,
    /// What stands in its needs: `from`, a part of it such as `from 1/3`, or the name without the dot of
    /// a disabled job. [`Edit::RemoveNeed`](super::Edit::RemoveNeed) takes `from` without a dot.
    pub need: Need,
}

/// A piece that is no node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanvasPiece {
    /// Its key.
    pub name: String,
    /// Why it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Its first line, from 1.
    pub first_line: usize,
    /// Its last line, included.
    pub last_line: usize,
    /// Jobs that take from it.
    pub used_by: Vec<String>,
}

/// Reads a file as the canvas draws it. `included`: other files include it, so not all has to be in it.
///
/// # Errors
/// Where it is not YAML.
pub fn canvas(text: &str, included: bool) -> Result<Canvas, SourceError> {
    let tree = parse(text)?;
    Ok(canvas_of(&tree, &import_tree(&tree, included)))
}

/// The same of a file that was read and imported.
pub fn canvas_of(tree: &Tree<'_>, import: &Import) -> Canvas {
    let Some(config) = config(tree) else {
        return empty(import);
    };
    let taken = takers(tree);
    let imported: HashMap<&str, &ImportedJob> =
        import.jobs.iter().map(|job| (job.name.as_str(), job)).collect();
    let root = tree.content().map_or(0, |document| document.root);
    let keys = tree.entries(root).iter().enumerate();
    let places: HashMap<&str, usize> = keys
        .filter_map(|(place, (key, _))| Some((tree.scalar(*key)?, place)))
        .collect();
    let mut seen = BTreeSet::new();
    let mut jobs = Vec::new();
    let mut others = Vec::new();
    for cut in &import.segments {
        let Some(name) = cut.key.as_deref() else { continue };
        let is_node = is_job(name) || is_disabled(tree, &config, &taken, name);
        match config.get(name).filter(|_| is_node) {
            // Of two entries of one name the last counts, in the place of the first.
            Some(job) if seen.insert(name) => {
                let drawn = Drawn {
                    tree,
                    config: &config,
                    stages: &import.stages,
                    root,
                    place: places.get(name).copied().unwrap_or_default(),
                    name,
                    job,
                };
                jobs.push(node(&drawn, cut, imported.get(name).map(|job| &job.own)));
            }
            _ => others.push(CanvasPiece {
                name: name.to_owned(),
                reason: cut.reason.clone(),
                first_line: cut.first_line,
                last_line: cut.last_line,
                used_by: taken
                    .get(name)
                    .map(|by| by.iter().cloned().collect())
                    .unwrap_or_default(),
            }),
        }
    }
    Canvas {
        stages: columns(&import.stages, &jobs),
        stages_locked: super::stages::locked(tree),
        edges: edges(&jobs),
        jobs,
        variables: fields::of_file(tree),
        others,
        findings: import.findings.clone(),
        opaque_percent: import.opaque_percent,
        side_file: import.side_file,
    }
}

fn empty(import: &Import) -> Canvas {
    Canvas {
        stages: Vec::new(),
        stages_locked: None,
        jobs: Vec::new(),
        edges: Vec::new(),
        variables: Vec::new(),
        others: Vec::new(),
        findings: import.findings.clone(),
        opaque_percent: import.opaque_percent,
        side_file: import.side_file,
    }
}

/// A job that is being drawn.
struct Drawn<'a, 't> {
    tree: &'a Tree<'t>,
    config: &'a Config<'a>,
    stages: &'a [String],
    root: NodeId,
    /// Its place among the entries.
    place: usize,
    name: &'a str,
    /// With everything it takes from others.
    job: &'a Effective<'a>,
}

fn node(drawn: &Drawn<'_, '_>, cut: &Cut, own: Option<&Job>) -> CanvasJob {
    let Drawn { tree, name, job, .. } = *drawn;
    let (key, value) = tree.entries(drawn.root)[drawn.place];
    let found = job_at(tree, drawn.root, drawn.place, name);
    let end = tree.node(value).end.max(tree.node(key).end);
    let body = tree.text.get(tree.node(key).start..end).unwrap_or_default();
    let needed = job.get("needs").map(|_| {
        let all = needs(job).into_iter().map(|need| Need {
            job: need.job,
            artifacts: need.artifacts,
            optional: need.optional,
        });
        all.collect()
    });
    let opaque = cut.kind == CutKind::Opaque;
    let when = job.get("when").and_then(Effective::text);
    CanvasJob {
        id: own.map_or_else(|| name.to_owned(), |own| own.id.clone()),
        stage: super::classify::stage_of(job),
        kind: cut.kind,
        reason: cut.reason.clone(),
        first_line: tree.node(key).line,
        last_line: tree.node(key).line + body.trim_end().matches('\n').count(),
        bytes: (cut.start, cut.end),
        marker: cut.marker.clone(),
        disabled: name.starts_with('.') || own.is_some_and(|own| own.disabled),
        manual: when == Some("manual") || own.is_some_and(|own| own.when.manual),
        needs: needed,
        needs_locked: fields::locked(tree, &found, "needs"),
        extends: extends(job),
        locked: cut.locked.clone(),
        lock: None,
        own: own.cloned().unwrap_or_else(|| Job {
            id: name.to_owned(),
            name: name.to_owned(),
            ..Job::default()
        }),
        fields: if opaque {
            Vec::new()
        } else {
            fields::of_job(drawn, &found, value)
        },
        name: name.to_owned(),
    }
}

fn extends(job: &Effective) -> Vec<String> {
    let Some(extends) = job.get("extends") else {
        return Vec::new();
    };
    match &extends.value {
        Value::List(items) => items.iter().filter_map(Effective::to_text).collect(),
        _ => extends.to_text().into_iter().collect(),
    }
}

fn columns(stages: &[String], jobs: &[CanvasJob]) -> Vec<CanvasStage> {
    let mut all: Vec<CanvasStage> = stages
        .iter()
        .map(|name| CanvasStage {
            name: name.clone(),
            listed: true,
            jobs: Vec::new(),
        })
        .collect();
    for job in jobs {
        let name = job.stage.clone().unwrap_or_default();
        let place = all.iter().position(|stage| stage.name == name);
        let place = place.unwrap_or_else(|| {
            all.push(CanvasStage {
                name,
                listed: false,
                jobs: Vec::new(),
            });
            all.len() - 1
        });
        all[place].jobs.push(job.name.clone());
    }
    all
}

fn edges(jobs: &[CanvasJob]) -> Vec<CanvasEdge> {
    let names: BTreeSet<&str> = jobs.iter().map(|job| job.name.as_str()).collect();
    let node = |need: &str| -> Option<String> {
        let whole = names.contains(need).then(|| need.to_owned());
        let hidden = || {
            let hidden = format!(".{need}");
            names.contains(hidden.as_str()).then_some(hidden)
        };
        let part = || {
            let base = need
                .split_once(": [")
                .or_else(|| need.rsplit_once(' '))
                .map(|(base, _)| base)?;
            names.contains(base).then(|| base.to_owned())
        };
        whole.or_else(hidden).or_else(part)
    };
    let mut all: Vec<CanvasEdge> = Vec::new();
    for job in jobs {
        for need in job.needs.iter().flatten() {
            if let Some(from) = node(&need.job) {
                all.push(CanvasEdge {
                    from,
                    to: job.name.clone(),
                    need: need.clone(),
                });
            }
        }
    }
    all
}

impl Canvas {
    /// The node of a name.
    pub fn job(&self, name: &str) -> Option<&CanvasJob> {
        self.jobs.iter().find(|job| job.name == name)
    }

    /// The node that a line belongs to, from 1: for findings and for the text beside the canvas.
    pub fn job_at(&self, line: usize) -> Option<&CanvasJob> {
        self.jobs
            .iter()
            .find(|job| job.first_line <= line && line <= job.last_line)
    }

    /// The jobs that wait for a job.
    pub fn dependents(&self, name: &str) -> Vec<&str> {
        let edges = self.edges.iter().filter(|edge| edge.from == name);
        edges.map(|edge| edge.to.as_str()).collect()
    }

    /// What the layout takes.
    pub fn nodes(&self) -> Vec<GraphNode> {
        let mut needs: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for edge in &self.edges {
            needs.entry(&edge.to).or_default().push(edge.from.clone());
        }
        let node = |job: &CanvasJob| GraphNode {
            id: job.name.clone(),
            stage: job.stage.clone().unwrap_or_default(),
            needs: needs.remove(job.name.as_str()).unwrap_or_default(),
        };
        self.jobs.iter().map(node).collect()
    }

    /// The places of nodes and edges.
    pub fn layout(&self) -> Layout {
        let stages: Vec<&str> = self.stages.iter().map(|stage| stage.name.as_str()).collect();
        layout(&stages, &self.nodes())
    }
}
