//! Where a file names a job or a stage.

use std::collections::{BTreeMap, BTreeSet};

use super::classify::shared;
use super::cut::Reason;
use super::effective::{Config, Effective, Value, effective};
use super::job::{dependencies, is_job, needs};
use super::refusal::Refusal;
use super::tree::{Kind, NodeId, Style, Tree};
use crate::text::Text;

/// A place that names a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// The scalar, or what stands for it.
    pub(super) node: NodeId,
    /// The top-level entry it stands in.
    pub(super) by: String,
    /// What it does there.
    pub(super) how: How,
    /// What stands there: the name, or a part of a parallel job such as `name 1/3`.
    pub(super) text: String,
}

/// What a name does where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum How {
    Need,
    Dependency,
    Extends,
    Reference,
    /// `environment:on_stop`, and the job of a child pipeline's file.
    Other,
}

impl How {
    pub(super) fn field(self) -> &'static str {
        match self {
            Self::Need => "needs",
            Self::Dependency => "dependencies",
            Self::Extends => "extends",
            Self::Reference => "!reference",
            Self::Other => "on_stop, include",
        }
    }
}

/// The file written out, whatever is wrong with it.
pub(super) fn config<'t>(tree: &'t Tree<'_>) -> Option<Config<'t>> {
    effective(tree, true, &mut Vec::new())
}

/// Every place that names a job, each once, in the order of the file.
pub(super) fn named(tree: &Tree<'_>, config: &Config, name: &str) -> Vec<Named> {
    let mut found: Vec<(NodeId, How, String)> = Vec::new();
    for (_, _, job) in config.root.entries() {
        for need in needs(job).into_iter().filter(|need| is_part(&need.job, name)) {
            found.push((need.node, How::Need, need.job));
        }
        for (text, node) in dependencies(job)
            .into_iter()
            .filter(|(text, _)| is_part(text, name))
        {
            found.push((node, How::Dependency, text));
        }
        let extends = job.get("extends").into_iter();
        let extends = extends.flat_map(|one| std::iter::once(one).chain(one.items()));
        let stop = job
            .get("environment")
            .and_then(|environment| environment.get("on_stop"));
        let include = job
            .get("trigger")
            .and_then(|trigger| trigger.get("include"))
            .into_iter();
        let children = include
            .flat_map(Effective::items)
            .filter_map(|item| item.get("job"));
        let exactly = |value: &&Effective| value.text() == Some(name);
        found.extend(
            extends
                .filter(exactly)
                .map(|value| (value.node, How::Extends, name.to_owned())),
        );
        let others = stop.into_iter().chain(children).filter(exactly);
        found.extend(others.map(|value| (value.node, How::Other, name.to_owned())));
    }
    for node in tree
        .nodes
        .iter()
        .filter(|node| node.tag.as_deref() == Some("!reference"))
    {
        if let Kind::List { items, .. } = &node.kind
            && let Some(first) = items
                .first()
                .filter(|first| tree.scalar(tree.target(**first)) == Some(name))
        {
            found.push((*first, How::Reference, name.to_owned()));
        }
    }
    let mut seen = BTreeSet::new();
    let mut all: Vec<Named> = found
        .into_iter()
        .map(|(node, how, text)| (tree.target(node), how, text))
        .filter(|(node, how, _)| seen.insert((*node, *how)))
        .map(|(node, how, text)| Named {
            node,
            by: holder(tree, node),
            how,
            text,
        })
        .collect();
    all.sort_by_key(|one| tree.node(one.node).start);
    all
}

/// Whether a need means a job: by its name, or by that of one of its parallel parts.
fn is_part(need: &str, name: &str) -> bool {
    let Some(rest) = need.strip_prefix(name) else {
        return false;
    };
    rest.is_empty()
        || rest.starts_with(": [")
        || rest.strip_prefix(' ').is_some_and(|count| {
            count
                .split_once('/')
                .is_some_and(|(one, all)| is_number(one) && is_number(all))
        })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The top-level entry that a value stands in.
pub(super) fn holder(tree: &Tree<'_>, node: NodeId) -> String {
    let at = tree.node(node).start;
    let Some(document) = tree.content() else {
        return String::new();
    };
    let entries = tree.entries(document.root);
    let place = entries.partition_point(|(key, _)| tree.node(*key).start <= at);
    place
        .checked_sub(1)
        .and_then(|place| tree.scalar(tree.target(entries[place].0)))
        .unwrap_or_default()
        .to_owned()
}

/// Refuses a place that cannot get another name.
pub(super) fn changeable(tree: &Tree<'_>, one: &Named) -> Result<(), Refusal> {
    let node = tree.node(one.node);
    let line = match &node.kind {
        Kind::Scalar { text, style } => {
            *text == one.text && !matches!(style, Style::Absent | Style::Literal | Style::Folded)
        }
        _ => false,
    };
    if line {
        return Ok(());
    }
    let why = shared(tree, one.node).map(Reason::of);
    let why = why.map_or_else(
        || Text::new("written in an unusual way", "写法特殊"),
        |why| why.text,
    );
    Err(Refusal::Kept {
        field: format!("{}.{}", one.by, one.how.field()),
        line: node.line,
        reason: Text::new(
            format!("names “{}” in a way that cannot be changed: {}", one.text, why.en),
            format!("以无法修改的方式提到“{}”：{}", one.text, why.zh),
        ),
    })
}

/// Every scalar that puts a job into a stage, each once. Also those of hidden jobs.
pub(super) fn staged(tree: &Tree<'_>, config: &Config, stage: &str) -> Vec<NodeId> {
    let mut all: Vec<NodeId> = Vec::new();
    for (name, _, job) in config.root.entries() {
        let Some(value) = job.get("stage").filter(|value| value.text() == Some(stage)) else {
            continue;
        };
        let node = tree.target(value.node);
        if (is_job(name) || name.starts_with('.')) && !all.contains(&node) {
            all.push(node);
        }
    }
    all
}

/// Jobs, disabled ones too, that are in “test” because they say nothing else.
pub(super) fn unstaged(tree: &Tree<'_>, config: &Config) -> Vec<String> {
    let taken = takers(tree);
    let jobs = config.root.entries().iter();
    jobs.filter(|(name, _, job)| {
        (is_job(name) || is_disabled(tree, config, &taken, name))
            && matches!(&job.value, Value::Map(_))
            && job.get("stage").is_none()
            && job.get(super::effective::INCOMPLETE).is_none()
    })
    .map(|(name, ..)| name.to_string())
    .collect()
}

/// The collection that holds each value as an entry's value or as an item, and its place there.
pub(super) fn holders(tree: &Tree<'_>) -> Vec<Option<(NodeId, usize)>> {
    let mut all = vec![None; tree.nodes.len()];
    for (id, node) in tree.nodes.iter().enumerate() {
        match &node.kind {
            Kind::List { items, .. } => {
                for (place, item) in items.iter().enumerate() {
                    all[*item] = Some((id, place));
                }
            }
            Kind::Map { entries, .. } => {
                for (place, (_, value)) in entries.iter().enumerate() {
                    all[*value] = Some((id, place));
                }
            }
            _ => {}
        }
    }
    all
}

/// Who takes from whom: by `extends`, `!reference` and anchors, by the name of what is taken from.
pub(super) fn takers(tree: &Tree<'_>) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut add = |from: &str, by: String| {
        if from != by {
            all.entry(from.to_owned()).or_default().insert(by);
        }
    };
    let root = tree.content().map(|document| document.root);
    for (key, value) in root.map_or(&[][..], |root| tree.entries(root)) {
        let by = tree.scalar(tree.target(*key)).unwrap_or_default();
        if let Some(extends) = tree.get(*value, "extends") {
            let one = std::iter::once(&extends).chain(tree.items(tree.target(extends)));
            for base in one.filter_map(|base| tree.scalar(tree.target(*base))) {
                add(base, by.to_owned());
            }
        }
    }
    for (id, node) in tree.nodes.iter().enumerate() {
        match &node.kind {
            Kind::List { items, .. } if node.tag.as_deref() == Some("!reference") => {
                if let Some(base) = items.first().and_then(|first| tree.scalar(tree.target(*first))) {
                    add(base, holder(tree, id));
                }
            }
            Kind::Alias(_) => {
                let from = holder(tree, tree.target(id));
                add(&from, holder(tree, id));
            }
            _ => {}
        }
    }
    all
}

/// A hidden job that would run without its dot, and that nothing takes from.
pub(super) fn is_disabled(
    tree: &Tree<'_>,
    config: &Config,
    taken: &BTreeMap<String, BTreeSet<String>>,
    name: &str,
) -> bool {
    let Some(bare) = name.strip_prefix('.').filter(|bare| is_job(bare)) else {
        return false;
    };
    let works = |job: &Effective| {
        ["script", "run", "trigger"]
            .iter()
            .any(|key| job.get(key).is_some())
    };
    let root = tree.content().map(|document| document.root);
    let is_free = root.is_some_and(|root| tree.get(root, bare).is_none());
    is_free && !taken.contains_key(name) && config.get(name).is_some_and(works)
}
