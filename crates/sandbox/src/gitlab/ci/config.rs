//! From a configuration's text to its resolved jobs: inputs, `include`, `!reference`, `extends`, `default`.

use std::collections::BTreeMap;

use globset::GlobBuilder;
use regex::Regex;
use serde_json::{Value, json};

use super::validate;
use super::yaml::{self, Node};

/// Keys of the document that are not jobs.
pub const GLOBAL_KEYS: [&str; 12] = [
    "after_script",
    "before_script",
    "cache",
    "default",
    "image",
    "include",
    "services",
    "spec",
    "stages",
    "types",
    "variables",
    "workflow",
];

/// What `default` (or the document itself) may give to every job.
const INHERITED: [&str; 12] = [
    "image",
    "services",
    "before_script",
    "after_script",
    "cache",
    "artifacts",
    "retry",
    "timeout",
    "interruptible",
    "tags",
    "hooks",
    "id_tokens",
];

/// Where `include:local` and `rules:exists` look.
pub trait Files {
    fn read(&self, path: &str) -> Option<String>;
    fn paths(&self) -> Vec<String>;
}

/// A resolved configuration without errors.
#[derive(Clone, Debug)]
pub struct Config {
    pub root: Node,
    /// `.pre`, the stages, `.post`.
    pub stages: Vec<String>,
    /// Visible jobs with the defaults applied.
    pub jobs: Vec<(String, Node)>,
    pub variables: Vec<(String, String)>,
}

/// What a text turned out to be.
#[derive(Debug, Default)]
pub struct Loaded {
    pub config: Option<Config>,
    pub errors: Vec<String>,
    pub warnings: Vec<String>,
    pub merged_yaml: Option<String>,
    pub includes: Vec<Value>,
}

pub fn load(text: &str, files: &dyn Files, inputs: &BTreeMap<String, Node>) -> Loaded {
    let mut loaded = Loaded::default();
    match resolve(text, files, inputs, &mut loaded) {
        Ok(root) => {
            loaded.merged_yaml = Some(root.to_yaml());
            loaded.errors = validate::check(&root);
            if loaded.errors.is_empty() {
                loaded.config = Some(config(root));
            }
        }
        Err(error) => loaded.errors.push(error),
    }
    loaded
}

fn resolve(
    text: &str,
    files: &dyn Files,
    inputs: &BTreeMap<String, Node>,
    loaded: &mut Loaded,
) -> Result<Node, String> {
    let document = read(text, ".gitlab-ci.yml", inputs, loaded)?;
    let document = include(document, files, loaded, 0)?;
    let document = references(&document, &document, 0)?;
    extend(document)
}

/// One file's document, with the inputs of its `spec` header put in.
fn read(
    text: &str,
    name: &str,
    inputs: &BTreeMap<String, Node>,
    loaded: &mut Loaded,
) -> Result<Node, String> {
    if text.trim().is_empty() {
        return Err("Please provide content of .gitlab-ci.yml".into());
    }
    let mut read = yaml::parse(text).map_err(|error| {
        format!(
            "(<unknown>): {} at line {} column {}",
            error.message, error.line, error.column
        )
    })?;
    if let Some(twice) = read.duplicates.first() {
        let yaml::YamlError {
            message,
            line,
            column,
        } = twice;
        return Err(format!("{name}: {message} at line {line} column {column}"));
    }
    let header = (read.documents.len() > 1 && read.documents[0].get("spec").is_some())
        .then(|| read.documents.remove(0));
    let document = read.documents.into_iter().next().unwrap_or(Node::Null);
    if !document.is_map() {
        return Err("Invalid configuration format".into());
    }
    match header {
        Some(header) => interpolate(&document, &header, name, inputs, loaded),
        None => Ok(document),
    }
}

fn interpolate(
    document: &Node,
    header: &Node,
    name: &str,
    given: &BTreeMap<String, Node>,
    _loaded: &mut Loaded,
) -> Result<Node, String> {
    let mut values: BTreeMap<String, Node> = BTreeMap::new();
    let specs = header
        .get("spec")
        .and_then(|spec| spec.get("inputs"))
        .cloned()
        .unwrap_or(Node::Null);
    let unknown: Vec<&str> = given
        .keys()
        .filter(|key| specs.get(key).is_none())
        .map(String::as_str)
        .collect();
    if !unknown.is_empty() {
        return Err(format!(
            "`{name}`: unknown input arguments: {}",
            unknown.join(", ")
        ));
    }
    for (input, spec) in specs.entries() {
        let value = match (given.get(input), spec.get("default")) {
            (Some(value), _) => value.clone(),
            (None, Some(default)) => default.clone(),
            (None, None) => {
                return Err(format!(
                    "`{name}`: `{input}` input: required value has not been provided"
                ));
            }
        };
        fits(spec, &value).map_err(|wrong| format!("`{name}`: `{input}` input: {wrong}"))?;
        values.insert(input.clone(), value);
    }
    let pattern = Regex::new(r"\$\[\[\s*inputs\.([\w-]+)[^\]]*\]\]").map_err(|error| error.to_string())?;
    let unknown = std::cell::RefCell::new(None);
    let result = document.map_texts(&|text| {
        if let Some(found) = pattern.captures(text)
            && found.get(0).is_some_and(|all| all.as_str() == text.trim())
            && let Some(value) = values.get(&found[1])
        {
            return value.clone();
        }
        let replaced = pattern.replace_all(text, |found: &regex::Captures<'_>| {
            if let Some(value) = values.get(&found[1]) {
                interpolated(value)
            } else {
                *unknown.borrow_mut() = Some(found[1].to_owned());
                String::new()
            }
        });
        Node::Text(replaced.into_owned())
    });
    match unknown.into_inner() {
        Some(input) => Err(format!("`{name}`: unknown interpolation key: `{input}`")),
        None => Ok(result),
    }
}

/// A value inside of a text; a list stands there as JSON.
fn interpolated(value: &Node) -> String {
    match value {
        Node::List(_) | Node::Map(_) => value.to_json().to_string(),
        scalar => scalar.to_text(),
    }
}

/// Whether an input's value is of its type, among its options and as its pattern wants it.
fn fits(spec: &Node, value: &Node) -> Result<(), String> {
    let kind = spec
        .get("type")
        .map_or_else(|| "string".to_owned(), Node::to_text);
    let right = match kind.as_str() {
        "string" => matches!(value, Node::Text(_) | Node::Null),
        "number" => matches!(value, Node::Int(_) | Node::Float(_)),
        "boolean" => matches!(value, Node::Bool(_)),
        "array" => matches!(value, Node::List(_)),
        other => return Err(format!("unknown type `{other}`")),
    };
    if !right {
        let article = if kind == "array" { "an" } else { "a" };
        return Err(format!("provided value is not {article} {kind}"));
    }
    let options = spec.get("options").map(Node::to_lines).unwrap_or_default();
    if !options.is_empty() && !options.contains(&value.to_text()) {
        let text = value.to_text();
        return Err(format!(
            "`{text}` cannot be used because it is not in the list of allowed options"
        ));
    }
    if let Some(pattern) = spec.get("regex").map(Node::to_text) {
        let pattern = Regex::new(&pattern).map_err(|_| "invalid regular expression".to_owned())?;
        if !pattern.is_match(&value.to_text()) {
            return Err("provided value does not match required RegEx pattern".into());
        }
    }
    Ok(())
}

fn include(mut document: Node, files: &dyn Files, loaded: &mut Loaded, depth: usize) -> Result<Node, String> {
    let Some(wanted) = document.remove("include") else {
        return Ok(document);
    };
    if depth > 10 {
        return Err("Maximum of 150 nested includes are allowed!".into());
    }
    let items = match wanted {
        Node::List(items) => items,
        other => vec![other],
    };
    let mut base = Node::Map(Vec::new());
    for item in items {
        let local = match &item {
            Node::Text(path) if !path.starts_with("http") => path.clone(),
            Node::Map(_) if item.get("local").is_some() => {
                item.get("local").map(Node::to_text).unwrap_or_default()
            }
            other => {
                let kind = other.entries().first().map_or("remote", |(key, _)| key.as_str());
                return Err(format!(
                    "The sandbox supports include:local only, not include:{kind}"
                ));
            }
        };
        let inputs = item.get("inputs").map(Node::entries).unwrap_or_default();
        let inputs = inputs.iter().cloned().collect();
        for path in local_paths(&local, files) {
            let text = files
                .read(&path)
                .filter(|text| !text.trim().is_empty())
                .ok_or_else(|| format!("Local file `{path}` does not exist!"))?;
            loaded.includes.push(json!({ "type": "local", "location": path, "blob": null, "raw": null, "extra": {}, "context_project": null, "context_sha": null }));
            let part = read(&text, &path, &inputs, loaded).map_err(|error| {
                format!("Included file `{path}` does not have valid YAML syntax! {error}")
            })?;
            base = base.merged_with(&include(part, files, loaded, depth + 1)?);
        }
    }
    Ok(base.merged_with(&document))
}

fn local_paths(local: &str, files: &dyn Files) -> Vec<String> {
    let path = local.trim_start_matches('/');
    if !path.contains('*') {
        return vec![path.to_owned()];
    }
    let Ok(glob) = GlobBuilder::new(path).literal_separator(true).build() else {
        return vec![path.to_owned()];
    };
    let glob = glob.compile_matcher();
    files
        .paths()
        .into_iter()
        .filter(|path| glob.is_match(path))
        .collect()
}

/// Puts in what `!reference` names, in nested lists as well.
fn references(node: &Node, root: &Node, depth: usize) -> Result<Node, String> {
    Ok(match node {
        Node::Reference(path) => {
            let shown = || {
                format!(
                    "!reference [{}]",
                    path.iter()
                        .map(|p| format!("\"{p}\""))
                        .collect::<Vec<_>>()
                        .join(", ")
                )
            };
            if depth > 10 {
                return Err(format!("{} is part of a circular chain", shown()));
            }
            let mut target = Some(root);
            for key in path {
                target = target.and_then(|node| node.get(key));
            }
            let target = target.ok_or_else(|| format!("{} could not be found", shown()))?;
            references(target, root, depth + 1)?
        }
        Node::List(items) => Node::List(
            items
                .iter()
                .map(|item| references(item, root, depth))
                .collect::<Result<_, _>>()?,
        ),
        Node::Map(entries) => Node::Map(
            entries
                .iter()
                .map(|(key, value)| Ok((key.clone(), references(value, root, depth)?)))
                .collect::<Result<_, String>>()?,
        ),
        other => other.clone(),
    })
}

fn extend(document: Node) -> Result<Node, String> {
    let mut result = Vec::new();
    for (name, node) in document.entries() {
        let node = if node.get("extends").is_some() {
            extended(name, &document, &mut Vec::new())?
        } else {
            node.clone()
        };
        result.push((name.clone(), node));
    }
    Ok(Node::Map(result))
}

fn extended(name: &str, document: &Node, chain: &mut Vec<String>) -> Result<Node, String> {
    let Some(node) = document.get(name) else {
        return Ok(Node::Null);
    };
    let Some(bases) = node.get("extends") else {
        return Ok(node.clone());
    };
    if chain.iter().any(|seen| seen == name) {
        return Err(format!("{}: circular dependency detected in `extends`", chain[0]));
    }
    chain.push(name.to_owned());
    if chain.len() > 11 {
        return Err(format!("{}: nesting too deep in `extends`", chain[0]));
    }
    let mut merged = Node::Map(Vec::new());
    for base in bases.to_lines() {
        if document.get(&base).is_none_or(|base| !base.is_map()) {
            return Err(format!("{name}: unknown keys in `extends` (`{base}`)"));
        }
        let mut inherited = extended(&base, document, chain)?;
        inherited.remove("extends");
        merged = merged.merged_with(&inherited);
    }
    chain.pop();
    Ok(merged.merged_with(node))
}

/// The stages of a document with `.pre` and `.post` around them.
pub fn stages(root: &Node) -> Vec<String> {
    let listed = root
        .get("stages")
        .or_else(|| root.get("types"))
        .map(Node::to_lines);
    let mut stages = listed.unwrap_or_else(|| ["build", "test", "deploy"].map(str::to_owned).to_vec());
    stages.retain(|stage| stage != ".pre" && stage != ".post");
    stages.insert(0, ".pre".into());
    stages.push(".post".into());
    stages
}

/// The visible jobs' names, in order.
pub fn job_names(root: &Node) -> Vec<String> {
    root.entries()
        .iter()
        .map(|(name, _)| name)
        .filter(|name| !name.starts_with('.') && !GLOBAL_KEYS.contains(&name.as_str()))
        .cloned()
        .collect()
}

/// `variables:` as pairs; the long form gives its `value`.
pub fn variables(node: Option<&Node>) -> Vec<(String, String)> {
    let entries = node.map(Node::entries).unwrap_or_default();
    entries
        .iter()
        .map(|(key, value)| {
            let value = if value.is_map() {
                value.get("value").map(Node::to_text)
            } else {
                Some(value.to_text())
            };
            (key.clone(), value.unwrap_or_default())
        })
        .collect()
}

fn config(root: Node) -> Config {
    let jobs = job_names(&root)
        .into_iter()
        .filter_map(|name| {
            root.get(&name)
                .map(|job| (name.clone(), with_defaults(job, &root)))
        })
        .collect();
    Config {
        stages: stages(&root),
        jobs,
        variables: variables(root.get("variables")),
        root,
    }
}

fn with_defaults(job: &Node, root: &Node) -> Node {
    let mut job = job.clone();
    let inherit = job
        .get("inherit")
        .and_then(|inherit| inherit.get("default"))
        .cloned();
    for key in INHERITED {
        let allowed = match &inherit {
            None | Some(Node::Bool(true)) => true,
            Some(Node::List(items)) => items.iter().any(|item| item.to_text() == key),
            Some(_) => false,
        };
        let given = root
            .get("default")
            .and_then(|default| default.get(key))
            .or_else(|| root.get(key));
        if let Some(value) = given.filter(|_| allowed && job.get(key).is_none()) {
            job.set(key, value.clone());
        }
    }
    job
}

/// The global variables that a job inherits.
pub fn inherited_variables(config: &Config, job: &Node) -> Vec<(String, String)> {
    match job.get("inherit").and_then(|inherit| inherit.get("variables")) {
        Some(Node::Bool(false)) => Vec::new(),
        Some(Node::List(items)) => {
            let wanted: Vec<String> = items.iter().map(Node::to_text).collect();
            config
                .variables
                .iter()
                .filter(|(key, _)| wanted.contains(key))
                .cloned()
                .collect()
        }
        _ => config.variables.clone(),
    }
}
