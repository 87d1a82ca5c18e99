//! Step types: what a step asks for and what it adds to its job, as data.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::interpolate::{interpolate, whole};
use super::model::{Artifacts, Cache, Image, Reports};
use super::param::{Condition, Param, is_false};
use super::template::Template;
use super::value::{Params, Value};
use crate::text::Text;

/// A kind of step at a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepType {
    /// The key, without the version.
    pub key: String,
    /// Grows when a pipeline made with the one before would change.
    pub version: u32,
    /// What it is for; decides which steps may share a job.
    pub kind: StepKind,
    /// The name.
    pub names: Text,
    /// What it asks for.
    #[serde(default)]
    pub params: Vec<Param>,
    /// The image it runs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// The commands.
    #[serde(default)]
    pub script: Vec<ScriptLine>,
    /// Variables it sets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// What it keeps between pipelines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<Cache>,
    /// What it hands on; texts that come out empty are left out.
    #[serde(default)]
    pub artifacts: StepArtifacts,
    /// GitLab's regular expression for the coverage in the log; the first that holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<ScriptLine>,
    /// Files of earlier jobs it cannot do without.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consumes: Vec<String>,
    /// A finding does not fail the pipeline.
    #[serde(default, skip_serializing_if = "is_false")]
    pub allow_failure: bool,
}

/// Files a step hands on; entries may stand under a condition.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StepArtifacts {
    /// Paths and globs.
    pub paths: Vec<ScriptLine>,
    /// `on_success`, `on_failure` or `always`.
    pub when: Option<String>,
    /// GitLab's duration.
    pub expire_in: Option<String>,
    /// Report files.
    pub reports: StepReports,
}

/// Report files of a step.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StepReports {
    /// `JUnit` XML.
    pub junit: Vec<ScriptLine>,
    /// Variables for later jobs.
    pub dotenv: Option<String>,
    /// Cobertura XML; the first that holds.
    pub cobertura: Vec<ScriptLine>,
    /// Software bills of materials.
    pub cyclonedx: Vec<ScriptLine>,
}

/// What a step is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Compiles or packs.
    Build,
    /// Runs tests.
    Test,
    /// Checks style.
    Lint,
    /// Looks for known weaknesses or secrets.
    Scan,
    /// Builds and pushes a container image.
    Image,
    /// Brings something to an environment.
    Deploy,
    /// Tells people.
    Notify,
    /// Free commands.
    Script,
}

impl StepKind {
    /// Whether such a step must have its job for itself.
    pub fn stands_alone(self) -> bool {
        matches!(self, Self::Scan | Self::Image | Self::Deploy)
    }
}

/// A line of a script, several lines that are one item, or lines under a condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ScriptLine {
    /// One item. When it is one reference and nothing else, a list becomes several items.
    Line(String),
    /// The lines of one item.
    Block(Vec<String>),
    /// Only when all conditions hold.
    Guarded {
        /// The conditions.
        #[serde(rename = "if")]
        conditions: Vec<Condition>,
        /// The lines.
        lines: Vec<ScriptLine>,
    },
}

impl ScriptLine {
    fn render_into(&self, values: &Params, out: &mut Vec<String>) {
        match self {
            Self::Line(line) => match whole(line, values) {
                Some(Value::List(items)) => out.extend(items.iter().cloned()),
                _ => push_line(out, &interpolate(line, values)),
            },
            Self::Block(lines) => push_line(out, &interpolate(&lines.join("\n"), values)),
            Self::Guarded { conditions, lines } => {
                if conditions.iter().all(|condition| condition.holds(values)) {
                    for line in lines {
                        line.render_into(values, out);
                    }
                }
            }
        }
    }
}

fn push_line(out: &mut Vec<String>, text: &str) {
    let text = text.trim_end();
    if !text.is_empty() {
        out.push(text.to_owned());
    }
}

/// What one step adds to its job, with all values placed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fragment {
    /// The image, when the step asks for one.
    pub image: Option<Image>,
    /// Items of `script`.
    pub script: Vec<String>,
    /// Variables.
    pub variables: BTreeMap<String, String>,
    /// The cache, when it keeps anything.
    pub cache: Option<Cache>,
    /// Artifacts.
    pub artifacts: Artifacts,
    /// Coverage expression.
    pub coverage: Option<String>,
    /// Files it cannot do without.
    pub consumes: Vec<String>,
    /// Whether a failure is tolerated.
    pub allow_failure: bool,
}

impl StepType {
    /// `key@version`.
    pub fn reference(&self) -> String {
        format!("{}@{}", self.key, self.version)
    }

    /// Places the values (defaults filled in) into what the step adds to its job.
    pub fn render(&self, values: &Params) -> Fragment {
        let text = |text: &String| interpolate(text, values).trim().to_owned();
        let some = |value: &Option<String>| value.as_ref().map(text).filter(|value| !value.is_empty());
        let image = self.image.as_ref().map(|image| Image {
            name: text(&image.name),
            ..image.clone()
        });
        let cache = self.cache.as_ref().map(|cache| Cache {
            key_files: texts(&cache.key_files, values),
            key: text(&cache.key),
            paths: texts(&cache.paths, values),
        });
        let reports = &self.artifacts.reports;
        Fragment {
            image: image.filter(|image| !image.name.is_empty()),
            script: lines(&self.script, values),
            variables: self
                .variables
                .iter()
                .map(|(name, value)| (name.clone(), text(value)))
                .collect(),
            cache: cache.filter(|cache| !cache.paths.is_empty()),
            artifacts: Artifacts {
                paths: lines(&self.artifacts.paths, values),
                when: some(&self.artifacts.when),
                expire_in: some(&self.artifacts.expire_in),
                reports: Reports {
                    junit: lines(&reports.junit, values),
                    dotenv: some(&reports.dotenv),
                    cobertura: lines(&reports.cobertura, values).into_iter().next(),
                    cyclonedx: lines(&reports.cyclonedx, values),
                },
            },
            coverage: self
                .coverage
                .as_ref()
                .and_then(|line| lines(std::slice::from_ref(line), values).into_iter().next()),
            consumes: texts(&self.consumes, values),
            allow_failure: self.allow_failure,
        }
    }
}

fn lines(lines: &[ScriptLine], values: &Params) -> Vec<String> {
    let mut out = Vec::new();
    for line in lines {
        line.render_into(values, &mut out);
    }
    out
}

/// Places the values; lists spread, empty texts are left out.
fn texts(lines: &[String], values: &Params) -> Vec<String> {
    let mut out = Vec::new();
    for line in lines {
        match whole(line, values) {
            Some(Value::List(items)) => out.extend(items.iter().cloned()),
            _ => push_line(&mut out, interpolate(line, values).trim()),
        }
    }
    out
}

const BUILT_IN: [&str; 5] = [
    include_str!("../../templates/steps/general.json"),
    include_str!("../../templates/steps/scripting.json"),
    include_str!("../../templates/steps/compiled.json"),
    include_str!("../../templates/steps/delivery.json"),
    include_str!("../../templates/steps/packages.json"),
];

/// The step types that come with Slipway.
pub fn step_types() -> &'static [StepType] {
    static TYPES: OnceLock<Vec<StepType>> = OnceLock::new();
    TYPES.get_or_init(|| {
        let files = BUILT_IN
            .iter()
            .filter_map(|file| serde_json::from_str::<Vec<StepType>>(file).ok());
        files.flatten().collect()
    })
}

/// The step type of a `key@version` reference, of those that come with Slipway.
pub fn step_type(reference: &str) -> Option<&'static StepType> {
    StepTypes(step_types()).get(reference)
}

/// Step types that references are looked up in. A page that shows one template has those that it uses, and leaves the
/// others and their reader on the server.
#[derive(Clone, Copy, Debug)]
pub struct StepTypes<'a>(pub &'a [StepType]);

impl StepTypes<'static> {
    /// Those that come with Slipway.
    pub fn built_in() -> Self {
        Self(step_types())
    }
}

impl<'a> StepTypes<'a> {
    /// The one of a `key@version` reference.
    pub fn get(self, reference: &str) -> Option<&'a StepType> {
        let (key, version) = reference.split_once('@')?;
        let version: u32 = version.parse().ok()?;
        self.0.iter().find(|one| one.key == key && one.version == version)
    }

    /// Those that the jobs of a template name, each once.
    pub fn of(self, template: &Template) -> Vec<StepType> {
        let steps = template.graph.jobs.iter().flat_map(|job| &job.steps);
        let names: BTreeSet<&str> = steps.map(|step| step.step_type.as_str()).collect();
        names
            .into_iter()
            .filter_map(|name| self.get(name))
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_file_is_read() {
        for file in BUILT_IN {
            let read: Result<Vec<StepType>, _> = serde_json::from_str(file);
            assert!(read.is_ok(), "{:?} in {}", read.err(), &file[..80]);
        }
    }
}
