//! Which jobs of a file Slipway's forms can show, and which fields of them are kept as they are.

use std::collections::BTreeMap;

use super::super::model::{Artifacts, Cache, Environment, Image, Job, Need, Reports, Step, Trigger};
use super::super::value::Value as ParamValue;
use super::cut::{CutKind, Locked, Reason, ReasonCode};
use super::effective::{Effective, Value};
use super::tree::{Kind, NodeId, Style, Tree};
use super::value::{list_of_texts, text_of};

/// A job as the forms see it.
pub(super) struct Classified {
    pub(super) kind: CutKind,
    pub(super) reason: Option<Reason>,
    pub(super) locked: Vec<Locked>,
    pub(super) job: Job,
}

/// Why a value can only be kept: something in it is shared with other places, or tagged.
pub(super) fn shared(tree: &Tree<'_>, id: NodeId) -> Option<ReasonCode> {
    if !tree.shares {
        return None;
    }
    let node = tree.node(id);
    if let Some(anchor) = node.anchor {
        return Some(ReasonCode::Anchor {
            name: tree.anchor_name(anchor).to_owned(),
        });
    }
    if let Some(tag) = node.tag.as_deref().filter(|tag| *tag != "!!str") {
        return Some(ReasonCode::Tag { tag: tag.to_owned() });
    }
    match &node.kind {
        Kind::Alias(anchor) => Some(ReasonCode::Alias {
            name: tree.anchor_name(*anchor).to_owned(),
        }),
        Kind::Scalar { .. } => None,
        Kind::List { items, .. } => items.iter().find_map(|item| shared(tree, *item)),
        Kind::Map { entries, .. } => entries.iter().find_map(|(key, value)| {
            let merges = tree.scalar(*key) == Some("<<");
            if merges {
                Some(ReasonCode::MergeKey)
            } else {
                shared(tree, *key).or_else(|| shared(tree, *value))
            }
        }),
    }
}

/// Looks at one top-level entry that may be a job. `own`: the entry as written, `rules`: with its
/// references written out.
pub(super) fn classify(tree: &Tree<'_>, name: &str, key: NodeId, value: NodeId) -> Classified {
    let mut job = Job {
        id: name.to_owned(),
        name: name.to_owned(),
        stage: "test".to_owned(),
        ..Job::default()
    };
    let opaque = |code: ReasonCode, job: Job| Classified {
        kind: CutKind::Opaque,
        reason: Some(Reason::of(code)),
        locked: Vec::new(),
        job,
    };
    let node = tree.node(value);
    if let Kind::Alias(anchor) = node.kind {
        return opaque(
            ReasonCode::Alias {
                name: tree.anchor_name(anchor).to_owned(),
            },
            job,
        );
    }
    if !matches!(node.kind, Kind::Map { .. }) {
        return opaque(ReasonCode::NotAMapping, job);
    }
    for anchor in [tree.node(key).anchor, node.anchor].into_iter().flatten() {
        if tree.is_used(anchor) {
            return opaque(
                ReasonCode::Anchor {
                    name: tree.anchor_name(anchor).to_owned(),
                },
                job,
            );
        }
    }
    if let Some(tag) = node.tag.as_deref() {
        return opaque(ReasonCode::Tag { tag: tag.to_owned() }, job);
    }
    if name.starts_with('.') {
        return opaque(ReasonCode::HiddenJob, job);
    }
    if tree.get(value, "trigger").is_some() {
        return opaque(ReasonCode::Trigger, job);
    }
    let mut locked: Vec<Locked> = Vec::new();
    for (key, field) in tree.entries(value) {
        let name = tree.scalar(*key).unwrap_or_default();
        if let Some(code) = read_field(tree, &mut job, name, *key, *field, value)
            && !locked.iter().any(|known| known.field == name)
        {
            locked.push(Locked {
                field: name.to_owned(),
                reason: Reason::of(code),
            });
        }
    }
    Classified {
        kind: if locked.is_empty() {
            CutKind::Managed
        } else {
            CutKind::Partial
        },
        reason: locked_reason(&locked),
        locked,
        job,
    }
}

fn locked_reason(locked: &[Locked]) -> Option<Reason> {
    let first = locked.first()?;
    if locked.len() == 1 {
        let mut reason = first.reason.clone();
        reason.text.en = format!("{}: {}", first.field, reason.text.en);
        reason.text.zh = format!("{}：{}", first.field, reason.text.zh);
        return Some(reason);
    }
    let mut reason = Reason::of(ReasonCode::LockedFields);
    let list = |locale| {
        let one = |one: &Locked| format!("{} ({})", one.field, one.reason.text.get(locale));
        locked.iter().map(one).collect::<Vec<_>>()
    };
    reason.text.en = list(crate::text::Locale::En).join("; ");
    reason.text.zh = list(crate::text::Locale::ZhCn).join("；");
    Some(reason)
}

/// Reads a field into the job.
///
/// Gives the reason where it can only be kept.
fn read_field(
    tree: &Tree<'_>,
    job: &mut Job,
    name: &str,
    key: NodeId,
    value: NodeId,
    map: NodeId,
) -> Option<ReasonCode> {
    match name {
        "<<" => return Some(ReasonCode::MergeKey),
        "extends" => return Some(ReasonCode::Extends),
        "parallel" if tree.get(value, "matrix").is_some() => return Some(ReasonCode::Matrix),
        _ => {}
    }
    if tree
        .duplicates
        .iter()
        .any(|twice| twice.map == map && tree.scalar(twice.key) == Some(name))
    {
        return Some(ReasonCode::Duplicate);
    }
    if let Some(code) = shared(tree, key).or_else(|| shared(tree, value)) {
        return Some(code);
    }
    let understood = match name {
        "stage" => set(&mut job.stage, text_of(tree, value)),
        "image" => set_some(&mut job.image, image(tree, value)),
        "tags" => set(&mut job.tags, list_of_texts(tree, value)),
        "needs" => needs(tree, job, value),
        "rules" => {
            return if rules(tree, job, value) {
                None
            } else {
                Some(ReasonCode::Rules)
            };
        }
        "when" => match tree.scalar(value) {
            Some("on_success") => true,
            Some("manual") => {
                job.when.manual = true;
                true
            }
            _ => false,
        },
        "allow_failure" => set(&mut job.allow_failure, switch(tree, value)),
        "retry" => set_some(
            &mut job.retry,
            tree.scalar(value).and_then(|text| text.parse().ok()),
        ),
        "timeout" => set_some(&mut job.timeout, text_of(tree, value)),
        "environment" => set_some(&mut job.environment, environment(tree, value)),
        "variables" => set(&mut job.variables, variables(tree, value)),
        "cache" => set(&mut job.cache, caches(tree, value)),
        "artifacts" => set(&mut job.artifacts, artifacts(tree, value)),
        "script" => {
            match list_of_texts(tree, value).or_else(|| text_of(tree, value).map(|text| vec![text])) {
                Some(lines) => {
                    job.steps = vec![Step {
                        id: "script".to_owned(),
                        step_type: "script@1".to_owned(),
                        params: BTreeMap::from([("script".to_owned(), ParamValue::Text(lines.join("\n")))]),
                    }];
                    true
                }
                None => false,
            }
        }
        _ => false,
    };
    (!understood).then_some(ReasonCode::NoForm)
}

fn set<T>(place: &mut T, value: Option<T>) -> bool {
    let understood = value.is_some();
    if let Some(value) = value {
        *place = value;
    }
    understood
}

fn set_some<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    let understood = value.is_some();
    *place = value;
    understood
}

fn switch(tree: &Tree<'_>, value: NodeId) -> Option<bool> {
    match &tree.node(value).kind {
        Kind::Scalar {
            text,
            style: Style::Plain,
        } => match super::effective::typed(text, Style::Plain, None) {
            Value::Bool(value) => Some(value),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a mapping has no other keys than these.
fn only(tree: &Tree<'_>, map: NodeId, keys: &[&str]) -> bool {
    let entries = tree.entries(map);
    !entries.is_empty()
        && entries
            .iter()
            .all(|(key, _)| tree.scalar(*key).is_some_and(|key| keys.contains(&key)))
}

fn image(tree: &Tree<'_>, value: NodeId) -> Option<Image> {
    if let Some(name) = text_of(tree, value) {
        return Some(Image::new(name));
    }
    if !only(tree, value, &["name", "entrypoint"]) {
        return None;
    }
    Some(Image {
        name: text_of(tree, tree.get(value, "name")?)?,
        entrypoint: match tree.get(value, "entrypoint") {
            Some(list) => list_of_texts(tree, list)?,
            None => Vec::new(),
        },
    })
}

fn needs(tree: &Tree<'_>, job: &mut Job, value: NodeId) -> bool {
    let Kind::List { items, .. } = &tree.node(value).kind else {
        return false;
    };
    let needs: Option<Vec<Need>> = items.iter().map(|item| need(tree, *item)).collect();
    job.immediate = items.is_empty();
    set(&mut job.needs, needs)
}

fn need(tree: &Tree<'_>, item: NodeId) -> Option<Need> {
    if let Some(name) = text_of(tree, item) {
        return Some(Need::new(name));
    }
    if !only(tree, item, &["job", "artifacts", "optional"]) {
        return None;
    }
    let flag = |key: &str, absent: bool| match tree.get(item, key) {
        Some(value) => switch(tree, value),
        None => Some(absent),
    };
    Some(Need {
        job: text_of(tree, tree.get(item, "job")?)?,
        artifacts: flag("artifacts", true)?,
        optional: flag("optional", false)?,
    })
}

fn environment(tree: &Tree<'_>, value: NodeId) -> Option<Environment> {
    if let Some(name) = text_of(tree, value) {
        return Some(Environment { name, url: None });
    }
    if !only(tree, value, &["name", "url"]) {
        return None;
    }
    Some(Environment {
        name: text_of(tree, tree.get(value, "name")?)?,
        url: match tree.get(value, "url") {
            Some(url) => Some(text_of(tree, url)?),
            None => None,
        },
    })
}

fn variables(tree: &Tree<'_>, value: NodeId) -> Option<BTreeMap<String, String>> {
    if !matches!(tree.node(value).kind, Kind::Map { .. }) {
        return None;
    }
    let entries = tree.entries(value).iter();
    entries
        .map(|(key, value)| {
            let name = tree.scalar(*key)?.to_owned();
            match &tree.node(*value).kind {
                Kind::Scalar { text, style } if *style != Style::Absent => Some((name, text.to_string())),
                _ => None,
            }
        })
        .collect()
}

fn caches(tree: &Tree<'_>, value: NodeId) -> Option<Vec<Cache>> {
    match &tree.node(value).kind {
        Kind::List { items, .. } => items.iter().map(|item| cache(tree, *item)).collect(),
        _ => Some(vec![cache(tree, value)?]),
    }
}

fn cache(tree: &Tree<'_>, value: NodeId) -> Option<Cache> {
    if !only(tree, value, &["key", "paths"]) {
        return None;
    }
    let mut cache = Cache {
        paths: list_of_texts(tree, tree.get(value, "paths")?)?,
        ..Cache::default()
    };
    if let Some(key) = tree.get(value, "key") {
        if let Some(text) = text_of(tree, key) {
            cache.key = text;
        } else {
            if !only(tree, key, &["files", "prefix"]) {
                return None;
            }
            cache.key_files = list_of_texts(tree, tree.get(key, "files")?)?;
            if let Some(prefix) = tree.get(key, "prefix") {
                cache.key = text_of(tree, prefix)?;
            }
        }
    }
    Some(cache)
}

fn artifacts(tree: &Tree<'_>, value: NodeId) -> Option<Artifacts> {
    if !only(tree, value, &["paths", "when", "expire_in", "reports"]) {
        return None;
    }
    let text = |key: &str| match tree.get(value, key) {
        Some(value) => text_of(tree, value).map(Some),
        None => Some(None),
    };
    Some(Artifacts {
        paths: match tree.get(value, "paths") {
            Some(list) => list_of_texts(tree, list)?,
            None => Vec::new(),
        },
        when: text("when")?,
        expire_in: text("expire_in")?,
        reports: match tree.get(value, "reports") {
            Some(map) => reports(tree, map)?,
            None => Reports::default(),
        },
    })
}

fn reports(tree: &Tree<'_>, value: NodeId) -> Option<Reports> {
    if !only(tree, value, &["junit", "dotenv", "coverage_report", "cyclonedx"]) {
        return None;
    }
    let files = |key: &str| match tree.get(value, key) {
        Some(value) => list_of_texts(tree, value).or_else(|| text_of(tree, value).map(|text| vec![text])),
        None => Some(Vec::new()),
    };
    let cobertura = match tree.get(value, "coverage_report") {
        Some(map) => {
            let format = tree
                .get(map, "coverage_format")
                .and_then(|format| tree.scalar(format));
            if format != Some("cobertura") || !only(tree, map, &["coverage_format", "path"]) {
                return None;
            }
            Some(text_of(tree, tree.get(map, "path")?)?)
        }
        None => None,
    };
    Some(Reports {
        junit: files("junit")?,
        dotenv: match tree.get(value, "dotenv") {
            Some(value) => Some(text_of(tree, value)?),
            None => None,
        },
        cobertura,
        cyclonedx: files("cyclonedx")?,
    })
}

/// Recognizes what the compiler writes for the presets.
fn rules(tree: &Tree<'_>, job: &mut Job, value: NodeId) -> bool {
    let Kind::List { items, .. } = &tree.node(value).kind else {
        return false;
    };
    let mut conditions = Vec::new();
    let mut manual = 0;
    for item in items {
        if !only(tree, *item, &["if", "when"]) {
            return false;
        }
        let when = tree.get(*item, "when").and_then(|when| tree.scalar(when));
        match (
            tree.get(*item, "if").and_then(|condition| tree.scalar(condition)),
            when,
        ) {
            (None, Some("never")) if items.len() == 1 => {
                job.disabled = true;
                return true;
            }
            (Some(condition), Some("manual")) => {
                manual += 1;
                conditions.push(condition);
            }
            (Some(condition), None) => conditions.push(condition),
            _ => return false,
        }
    }
    if manual != 0 && manual != conditions.len() {
        return false;
    }
    let on = match conditions.as_slice() {
        [DEFAULT_BRANCH] => Trigger::DefaultBranch,
        [TAGS] => Trigger::Tags,
        [DEFAULT_BRANCH, TAGS] => Trigger::DefaultBranchAndTags,
        [MERGE_REQUESTS] => Trigger::MergeRequests,
        [] => return false,
        branches => match branches.iter().map(|condition| branch(condition)).collect() {
            Some(names) => Trigger::Branches(names),
            None => return false,
        },
    };
    job.when.on = on;
    job.when.manual |= manual > 0;
    true
}

const DEFAULT_BRANCH: &str = "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH";
const TAGS: &str = "$CI_COMMIT_TAG";
const MERGE_REQUESTS: &str = "$CI_PIPELINE_SOURCE == \"merge_request_event\"";

fn branch(condition: &str) -> Option<String> {
    let name = condition.strip_prefix("$CI_COMMIT_BRANCH == ")?;
    let quoted = |quote: char| name.strip_prefix(quote)?.strip_suffix(quote);
    let name = quoted('"').or_else(|| quoted('\''))?;
    let plain = !name.is_empty() && !name.contains(['"', '\'', '\\', '*', '$', '&', '|']);
    plain.then(|| name.to_owned())
}

/// The stage a job is in, with what it extends; none where another file says it.
pub(super) fn stage_of(job: &Effective) -> Option<String> {
    match job.get("stage") {
        Some(stage) => stage.text().map(str::to_owned),
        None if job.get(super::effective::INCOMPLETE).is_some() => None,
        None => Some("test".to_owned()),
    }
}
