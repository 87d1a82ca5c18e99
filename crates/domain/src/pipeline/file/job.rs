//! The jobs of a written-out file, and what they wait for.

use std::collections::{BTreeMap, BTreeSet};

use super::effective::{Config, Effective, Value};
use super::lint::GLOBAL_KEYS;
use super::tree::NodeId;

/// A job that another waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededJob {
    /// Its name.
    pub job: String,
    /// Whether its artifacts are downloaded.
    pub artifacts: bool,
    /// Whether it may be absent.
    pub optional: bool,
    /// Where it is named.
    pub node: NodeId,
}

/// Whether a top-level key names a job that can run.
pub fn is_job(name: &str) -> bool {
    !name.starts_with('.') && !GLOBAL_KEYS.contains(&name) && name != "<<"
}

/// `.pre`, the stages and `.post`; none where another file may define them.
pub fn stages(config: &Config) -> Option<Vec<String>> {
    let listed = match config.get("stages").or_else(|| config.get("types")) {
        Some(stages) if matches!(&stages.value, Value::Null) => None,
        Some(stages) => Some(flat(stages)?),
        None => None,
    };
    let listed = match listed {
        Some(listed) => listed,
        None if config.has_includes => return None,
        None => ["build", "test", "deploy"].map(String::from).to_vec(),
    };
    let named = listed
        .into_iter()
        .filter(|stage| stage != ".pre" && stage != ".post");
    let mut all = vec![".pre".to_owned()];
    all.extend(named);
    all.push(".post".to_owned());
    Some(all)
}

fn flat(list: &Effective) -> Option<Vec<String>> {
    let mut all = Vec::new();
    for item in list.items() {
        match &item.value {
            Value::List(_) => all.extend(flat(item)?),
            Value::Unknown => return None,
            _ => {
                let text = item.to_text()?;
                if text.contains("$[[") {
                    return None;
                }
                all.push(text);
            }
        }
    }
    Some(all)
}

/// The jobs in `needs`, without those of other projects and pipelines.
pub fn needs(job: &Effective) -> Vec<NeededJob> {
    let mut all = Vec::new();
    if let Some(needs) = job.get("needs") {
        collect_needs(needs, &mut all);
    }
    all
}

fn collect_needs(needs: &Effective, all: &mut Vec<NeededJob>) {
    match &needs.value {
        Value::List(items) => items.iter().for_each(|item| collect_needs(item, all)),
        Value::Map(_) => {
            if needs.get("project").is_some() || needs.get("pipeline").is_some() {
                return;
            }
            if let Some(job) = needs.get("job").and_then(Effective::to_text) {
                let flag = |key: &str, absent: bool| match needs.get(key).map(|value| &value.value) {
                    Some(Value::Bool(value)) => *value,
                    _ => absent,
                };
                all.push(NeededJob {
                    job,
                    artifacts: flag("artifacts", true),
                    optional: flag("optional", false),
                    node: needs.get("job").map_or(needs.node, |job| job.node),
                });
            }
        }
        _ => {
            if let Some(job) = needs.to_text() {
                all.push(NeededJob {
                    job,
                    artifacts: true,
                    optional: false,
                    node: needs.node,
                });
            }
        }
    }
}

/// The jobs in `dependencies`.
pub fn dependencies(job: &Effective) -> Vec<(String, NodeId)> {
    let items = job.get("dependencies").map(Effective::items).unwrap_or_default();
    items
        .iter()
        .filter_map(|item| Some((item.to_text()?, item.node)))
        .collect()
}

/// Rings of jobs that wait for each other, each once.
pub fn cycles(config: &Config<'_>) -> Vec<Vec<String>> {
    let mut graph: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, _, job) in config.jobs() {
        let needed = needs(job);
        if !needed.is_empty() {
            graph.insert(name, needed.into_iter().map(|need| need.job).collect());
        }
    }
    if graph.is_empty() {
        return Vec::new();
    }
    let mut done = BTreeSet::new();
    let mut found = Vec::new();
    for (name, ..) in config.jobs() {
        walk(name, &graph, &mut done, &mut found);
    }
    found
}

/// Depth first without recursion: chains of needs may be as long as the file.
fn walk(
    start: &str,
    graph: &BTreeMap<&str, Vec<String>>,
    done: &mut BTreeSet<String>,
    found: &mut Vec<Vec<String>>,
) {
    if done.contains(start) {
        return;
    }
    let mut path: Vec<(String, usize)> = vec![(start.to_owned(), 0)];
    let mut open = BTreeSet::from([start.to_owned()]);
    while let Some((name, next)) = path.last_mut() {
        let Some(need) = graph.get(name.as_str()).and_then(|needs| needs.get(*next)) else {
            open.remove(name.as_str());
            done.insert(name.clone());
            path.pop();
            continue;
        };
        *next += 1;
        if open.contains(need) {
            let from = path.iter().position(|(name, _)| name == need).unwrap_or_default();
            let mut ring: Vec<String> = path[from..].iter().map(|(name, _)| name.clone()).collect();
            ring.push(need.clone());
            found.push(ring);
        } else if !done.contains(need) {
            open.insert(need.clone());
            path.push((need.clone(), 0));
        }
    }
}
