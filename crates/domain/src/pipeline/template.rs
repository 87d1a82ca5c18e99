//! Templates: reviewed text files that become pipelines.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::model::{Environment, Image, Stage, TemplateRef};
use super::param::{Condition, Param, is_false};
use super::value::{Params, Value};
use crate::text::Text;

/// A recipe for a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// The key, stable over all versions.
    pub key: String,
    /// Semantic version.
    pub semver: String,
    /// The name in the gallery.
    pub names: Text,
    /// What it does, in a sentence.
    pub summary: Text,
    /// What suggests it for a repository.
    #[serde(default)]
    pub detect: Detect,
    /// The one form.
    pub params: Vec<Param>,
    /// The jobs.
    pub graph: Graph,
    /// What changed, newest first.
    pub changelog: Vec<Change>,
    /// What those who use the template cannot change in Slipway.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locked_fields: Vec<LockedField>,
}

/// A part of a job that those who use a template cannot change.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedField {
    /// A job's id, for all of it, or `job.keyword` with a keyword of GitLab's, as in `build-image.script`.
    pub field: String,
    /// Why, for those who meet it.
    #[serde(default)]
    pub why: Text,
}

impl LockedField {
    /// The job's id, and the keyword; none: the whole job.
    pub fn parts(&self) -> (&str, Option<&str>) {
        match self.field.split_once('.') {
            Some((job, keyword)) => (job, Some(keyword)),
            None => (&self.field, None),
        }
    }
}

impl Template {
    /// The key and version.
    pub fn reference(&self) -> TemplateRef {
        TemplateRef {
            key: self.key.clone(),
            version: self.semver.clone(),
        }
    }
}

/// What suggests a template for a repository.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Detect {
    /// Files in the root and how much each says, 0 to 100. `*` stands for any characters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, u8>,
    /// Languages as GitLab names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
}

/// What changed in a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The version.
    pub version: String,
    /// What changed.
    pub text: Text,
}

/// The jobs of a template, with `$[[ inputs.name ]]` where the form's values go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Graph {
    /// The stages; those without a job are left out.
    pub stages: Vec<Stage>,
    /// The jobs.
    #[serde(default)]
    pub jobs: Vec<GraphJob>,
}

/// A job of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphJob {
    /// The job's id and, when it has none, its name.
    pub id: String,
    /// The job's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its stage.
    pub stage: String,
    /// Part of the pipeline when all of these hold.
    #[serde(default, rename = "if", skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Ids of jobs before it. One that is left out is replaced by what that one needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// Starts at once although it needs nothing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub immediate: bool,
    /// The key of a [`Trigger`](super::Trigger), or a reference to a parameter with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// Waits for a person.
    #[serde(default, skip_serializing_if = "is_false")]
    pub manual: bool,
    /// Overrides the image of the steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// Runner tags: a list, or a reference to a parameter with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Value>,
    /// Where a deployment goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// How often GitLab tries again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<u8>,
    /// GitLab's duration, or a reference to a parameter with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// What it does.
    pub steps: Vec<GraphStep>,
}

/// A step of a job of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphStep {
    /// `key@version`.
    #[serde(rename = "type")]
    pub step_type: String,
    /// Part of the job when all of these hold.
    #[serde(default, rename = "if", skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The values of its parameters.
    #[serde(default, skip_serializing_if = "Params::is_empty")]
    pub params: Params,
}

/// A parameter of a template file: written out, or the name of one that several templates share,
/// with another default.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum FileParam {
    Shared(String),
    SharedWith {
        shared: String,
        #[serde(default)]
        default: Option<Value>,
    },
    Own(Box<Param>),
}

#[derive(Deserialize)]
struct File {
    key: String,
    semver: String,
    names: Text,
    summary: Text,
    #[serde(default)]
    detect: Detect,
    params: Vec<FileParam>,
    graph: Graph,
    changelog: Vec<Change>,
    #[serde(default)]
    locked_fields: Vec<LockedField>,
}

const SHARED: &str = include_str!("../../templates/params.json");

/// In the order of the gallery.
const BUILT_IN: [&str; 15] = [
    include_str!("../../templates/node.json"),
    include_str!("../../templates/python.json"),
    include_str!("../../templates/java-maven.json"),
    include_str!("../../templates/java-gradle.json"),
    include_str!("../../templates/go.json"),
    include_str!("../../templates/rust.json"),
    include_str!("../../templates/dotnet.json"),
    include_str!("../../templates/php.json"),
    include_str!("../../templates/static-site.json"),
    include_str!("../../templates/docker-image.json"),
    include_str!("../../templates/buildpacks.json"),
    include_str!("../../templates/binary-image.json"),
    include_str!("../../templates/helm-chart.json"),
    include_str!("../../templates/library.json"),
    include_str!("../../templates/empty.json"),
];

/// The parameters that templates share, by id.
pub(super) fn shared_params() -> &'static [Param] {
    static PARAMS: OnceLock<Vec<Param>> = OnceLock::new();
    PARAMS.get_or_init(|| serde_json::from_str(SHARED).unwrap_or_default())
}

impl FileParam {
    /// The parameter, or the id of a shared one that is not there.
    pub(super) fn resolve(self, shared: &[Param]) -> Result<Param, String> {
        let find = |id: String| shared.iter().find(|param| param.id == id).cloned().ok_or(id);
        match self {
            Self::Shared(id) => find(id),
            Self::SharedWith { shared, default } => Ok(Param {
                default,
                ..find(shared)?
            }),
            Self::Own(param) => Ok(*param),
        }
    }
}

fn read(file: &str, shared: &[Param]) -> Result<Template, String> {
    let file: File = serde_json::from_str(file).map_err(|error| error.to_string())?;
    let params = file.params.into_iter().map(|param| {
        let missing = |id| format!("no shared parameter {id}");
        param.resolve(shared).map_err(missing)
    });
    let mut params = params.collect::<Result<Vec<Param>, String>>()?;
    // A shared parameter may depend on one that this template does without.
    let ids: Vec<String> = params.iter().map(|param| param.id.clone()).collect();
    for param in &mut params {
        param
            .visible_if
            .retain(|condition| ids.contains(&condition.param));
    }
    Ok(Template {
        key: file.key,
        semver: file.semver,
        names: file.names,
        summary: file.summary,
        detect: file.detect,
        params,
        graph: file.graph,
        changelog: file.changelog,
        locked_fields: file.locked_fields,
    })
}

/// The templates that come with Slipway, in the order of the gallery.
pub fn templates() -> &'static [Template] {
    static TEMPLATES: OnceLock<Vec<Template>> = OnceLock::new();
    TEMPLATES.get_or_init(|| {
        BUILT_IN
            .iter()
            .filter_map(|file| read(file, shared_params()).ok())
            .collect()
    })
}

/// The built-in template of this key.
pub fn template(key: &str) -> Option<&'static Template> {
    templates().iter().find(|template| template.key == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_file_is_read() {
        let shared: Vec<Param> = serde_json::from_str(SHARED).expect("params.json is a list of parameters");
        for file in BUILT_IN {
            let read = read(file, &shared);
            assert!(read.is_ok(), "{:?} in {}", read.err(), &file[..60]);
        }
    }
}
