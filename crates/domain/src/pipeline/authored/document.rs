//! A template's document, in the form of the built-in ones: JSON with the form's parameters, the jobs, and what is locked.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

use super::super::model::Stage;
use super::super::param::Param;
use super::super::problem::Severity;
use super::super::template::{Detect, FileParam, Graph, GraphJob, LockedField, Template, shared_params};
use super::check::check;
use super::finding::{TemplateFinding, TemplateIssue};
use super::place::{Places, Step};
use crate::text::Text;

/// The largest document, in bytes.
pub const LARGEST: usize = 256 * 1024;

/// What the parts of a document may hold.
const TOP: [&str; 9] = [
    "key",
    "semver",
    "names",
    "summary",
    "detect",
    "params",
    "graph",
    "changelog",
    "locked_fields",
];
const PARAM: [&str; 13] = [
    "id",
    "kind",
    "label",
    "help",
    "default",
    "required",
    "pattern",
    "min",
    "max",
    "options",
    "visible_if",
    "advanced",
    "shared",
];
const GRAPH: [&str; 2] = ["stages", "jobs"];
const JOB: [&str; 13] = [
    "id",
    "name",
    "stage",
    "if",
    "needs",
    "immediate",
    "on",
    "manual",
    "image",
    "tags",
    "environment",
    "retry",
    "timeout",
];

/// A document that was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Document {
    /// The template as far as it could be read; none: it is no document at all. Its version and changelog are those that
    /// the caller gave.
    pub template: Option<Template>,
    /// What is wrong, in the order of the file.
    pub findings: Vec<TemplateFinding>,
}

impl Document {
    /// Whether it can be published.
    pub fn is_good(&self) -> bool {
        self.template.is_some()
            && !self
                .findings
                .iter()
                .any(|finding| finding.severity == Severity::Error)
    }

    /// The first error.
    pub fn first_error(&self) -> Option<&TemplateFinding> {
        self.findings
            .iter()
            .find(|finding| finding.severity == Severity::Error)
    }
}

/// Reads a document. `key`: the template's key with its scope, `version`: the one it is read as; what the document says
/// of its own key must be the part after the scope, of version and changelog it is not asked.
pub fn read(text: &str, key: &str, version: &str) -> Document {
    let mut reader = Reader {
        places: Places::of(text),
        findings: Vec::new(),
    };
    let template = reader.template(text, key, version);
    if let Some(template) = &template {
        check(template, &reader.places, &mut reader.findings);
    }
    for (key, line, column) in reader.places.duplicates() {
        reader.findings.push(TemplateFinding {
            line,
            column,
            severity: Severity::Warning,
            issue: TemplateIssue::Twice { key },
        });
    }
    reader
        .findings
        .sort_by_key(|finding| (finding.line, finding.column));
    Document {
        template,
        findings: reader.findings,
    }
}

struct Reader<'t> {
    places: Places<'t>,
    findings: Vec<TemplateFinding>,
}

impl Reader<'_> {
    fn error(&mut self, path: &[Step<'_>], issue: TemplateIssue) {
        let (line, column) = self.places.value(path);
        self.findings.push(TemplateFinding {
            line,
            column,
            severity: Severity::Error,
            issue,
        });
    }

    fn template(&mut self, text: &str, key: &str, version: &str) -> Option<Template> {
        if text.len() > LARGEST {
            self.error(&[], TemplateIssue::TooLarge);
            return None;
        }
        let root: Json = match serde_json::from_str(text) {
            Ok(root) => root,
            Err(error) => {
                self.findings.push(TemplateFinding {
                    line: error.line().max(1),
                    column: error.column().max(1),
                    severity: Severity::Error,
                    issue: TemplateIssue::NotJson {
                        detail: words_of(&error),
                    },
                });
                return None;
            }
        };
        let Json::Object(root) = root else {
            self.error(
                &[],
                TemplateIssue::Shape {
                    detail: String::from("expected an object"),
                },
            );
            return None;
        };
        self.unknown_keys(&root, &TOP, &[]);
        self.own_key(&root, key);
        let names = self.names(&root);
        let summary = self.part(&root, "summary", &[]).unwrap_or_default();
        let detect: Detect = self.part(&root, "detect", &[]).unwrap_or_default();
        let params = self.params(&root);
        let graph = self.graph(&root);
        let locked_fields = self.locked(&root);
        Some(Template {
            key: key.to_owned(),
            semver: version.to_owned(),
            names,
            summary,
            detect,
            params,
            graph,
            changelog: Vec::new(),
            locked_fields,
        })
    }

    fn unknown_keys(&mut self, object: &Map<String, Json>, known: &[&str], path: &[Step<'_>]) {
        for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
            let mut path = path.to_vec();
            path.push(Step::Key(name));
            let (line, column) = self.places.key(&path);
            self.findings.push(TemplateFinding {
                line,
                column,
                severity: Severity::Error,
                issue: TemplateIssue::UnknownKey { key: name.clone() },
            });
        }
    }

    fn own_key(&mut self, root: &Map<String, Json>, key: &str) {
        let own = key.split_once('.').map_or(key, |(_, own)| own);
        match root.get("key") {
            None => {}
            Some(Json::String(said)) if said == own || said == key => {}
            Some(_) => self.error(
                &[Step::Key("key")],
                TemplateIssue::OtherKey { own: own.to_owned() },
            ),
        }
    }

    /// A part; none where it is absent or has another shape, which is told.
    fn part<T: DeserializeOwned>(
        &mut self,
        object: &Map<String, Json>,
        key: &str,
        path: &[Step<'_>],
    ) -> Option<T> {
        let value = object.get(key)?;
        let mut path = path.to_vec();
        path.push(Step::Key(key));
        self.shaped(value, &path)
    }

    fn shaped<T: DeserializeOwned>(&mut self, value: &Json, path: &[Step<'_>]) -> Option<T> {
        match T::deserialize(value) {
            Ok(part) => Some(part),
            Err(error) => {
                self.error(
                    path,
                    TemplateIssue::Shape {
                        detail: words_of(&error),
                    },
                );
                None
            }
        }
    }

    fn missing(&mut self, key: &str, path: &[Step<'_>]) {
        self.error(path, TemplateIssue::Missing { key: key.to_owned() });
    }

    fn names(&mut self, root: &Map<String, Json>) -> Text {
        if !root.contains_key("names") {
            self.missing("names", &[]);
            return Text::default();
        }
        let names: Text = self.part(root, "names", &[]).unwrap_or_default();
        if names.en.trim().is_empty() || names.zh.trim().is_empty() {
            self.missing("names.zh, names.en", &[Step::Key("names")]);
        }
        names
    }

    fn list<'a>(&mut self, value: Option<&'a Json>, path: &[Step<'_>]) -> &'a [Json] {
        match value {
            None => &[],
            Some(Json::Array(items)) => items,
            Some(_) => {
                self.error(
                    path,
                    TemplateIssue::Shape {
                        detail: String::from("expected a list"),
                    },
                );
                &[]
            }
        }
    }

    fn params(&mut self, root: &Map<String, Json>) -> Vec<Param> {
        let mut params: Vec<Param> = Vec::new();
        for (index, value) in self
            .list(root.get("params"), &[Step::Key("params")])
            .iter()
            .enumerate()
        {
            let path = [Step::Key("params"), Step::Item(index)];
            let param = match value {
                Json::Object(object) if !object.contains_key("shared") => {
                    self.unknown_keys(object, &PARAM, &path);
                    self.shaped::<Param>(value, &path)
                }
                _ => self
                    .shaped::<FileParam>(value, &path)
                    .and_then(|param| self.resolved(param, &path)),
            };
            params.extend(param);
        }
        // A shared parameter may depend on one that this template does without.
        let ids: Vec<String> = params.iter().map(|param| param.id.clone()).collect();
        for param in &mut params {
            if shared_params().iter().any(|shared| shared.id == param.id) {
                param
                    .visible_if
                    .retain(|condition| ids.contains(&condition.param));
            }
        }
        params
    }

    fn resolved(&mut self, param: FileParam, path: &[Step<'_>]) -> Option<Param> {
        match param.resolve(shared_params()) {
            Ok(param) => Some(param),
            Err(name) => {
                let what = Text::new("shared parameter", "共用参数");
                self.error(path, TemplateIssue::Unknown { what, name });
                None
            }
        }
    }

    fn graph(&mut self, root: &Map<String, Json>) -> Graph {
        let empty = Graph {
            stages: Vec::new(),
            jobs: Vec::new(),
        };
        let here = [Step::Key("graph")];
        let Some(Json::Object(graph)) = root.get("graph") else {
            if root.contains_key("graph") {
                let detail = String::from("expected an object");
                self.error(&here, TemplateIssue::Shape { detail });
            } else {
                self.missing("graph", &[]);
            }
            return empty;
        };
        self.unknown_keys(graph, &GRAPH, &here);
        let stages: Vec<Stage> = self.part(graph, "stages", &here).unwrap_or_default();
        let mut jobs: Vec<GraphJob> = Vec::new();
        let items = self.list(graph.get("jobs"), &[Step::Key("graph"), Step::Key("jobs")]);
        for (index, value) in items.iter().enumerate() {
            let path = [Step::Key("graph"), Step::Key("jobs"), Step::Item(index)];
            if let Json::Object(object) = value {
                let known: Vec<&str> = JOB.iter().copied().chain(["steps"]).collect();
                self.unknown_keys(object, &known, &path);
            }
            jobs.extend(self.shaped::<GraphJob>(value, &path));
        }
        Graph { stages, jobs }
    }

    /// Written as `"job.field"`, or with the reason as `{"field": …, "why": …}`.
    fn locked(&mut self, root: &Map<String, Json>) -> Vec<LockedField> {
        let mut locked = Vec::new();
        let items = self.list(root.get("locked_fields"), &[Step::Key("locked_fields")]);
        for (index, value) in items.iter().enumerate() {
            let path = [Step::Key("locked_fields"), Step::Item(index)];
            locked.extend(match value {
                Json::String(field) => Some(LockedField {
                    field: field.clone(),
                    why: Text::default(),
                }),
                other => self.shaped::<LockedField>(other, &path),
            });
        }
        locked
    }
}

/// What the reader says, without its own words about the place.
fn words_of(error: &serde_json::Error) -> String {
    let words = error.to_string();
    match words.rsplit_once(" at line ") {
        Some((words, _)) => words.to_owned(),
        None => words,
    }
}
