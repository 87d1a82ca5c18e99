//! What changed between two versions of a template: the form, parameter by parameter, and what the jobs become.

use serde::{Deserialize, Serialize};

use super::super::compile::compile;
use super::super::instantiate::instantiate;
use super::super::param::{Options, Param};
use super::super::template::Template;
use super::super::value::{Params, Value};
use super::migrate::migrate;
use super::version::Bump;
use crate::diff::{DiffView, diff_lines};
use crate::text::Text;

/// Two versions of a template, compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// Parameters that are not the same, in the order of the newer form, then those that are gone.
    pub params: Vec<ParamChange>,
    /// Whether the jobs are not the same.
    pub jobs: bool,
    /// Whether what is locked is not the same.
    pub locks: bool,
    /// Whether names, summary or what it is suggested for are not the same.
    pub words: bool,
    /// The smallest step that may carry the newer one; none: nothing is changed.
    pub needed: Option<Bump>,
}

/// A parameter that is not the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParamChange {
    /// Its id.
    pub id: String,
    /// Its label, the newer one where there are two.
    pub label: Text,
    /// What happened to it.
    pub state: ParamState,
    /// The smallest step that may carry this.
    pub bump: Bump,
    /// What of it changed: which property, before, after; empty of one that came or went.
    pub aspects: Vec<Aspect>,
}

/// What happened to a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParamState {
    /// Only the newer one has it.
    Added,
    /// Only the older one has it.
    Removed,
    /// Both have it, not the same.
    Changed,
}

/// A property of a parameter that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aspect {
    /// Its key in the document, such as `default`.
    pub key: String,
    /// What it is called.
    pub name: Text,
    /// Before; empty: it was not there.
    pub before: String,
    /// After; empty: it is not there.
    pub after: String,
}

/// Compares two versions.
pub fn compare(old: &Template, new: &Template) -> Comparison {
    let mut params: Vec<ParamChange> = new
        .params
        .iter()
        .filter_map(|param| match find(&old.params, &param.id) {
            Some(before) => changed(before, param),
            None => Some(added(param)),
        })
        .collect();
    let gone = old
        .params
        .iter()
        .filter(|param| find(&new.params, &param.id).is_none());
    params.extend(gone.map(|param| ParamChange {
        id: param.id.clone(),
        label: param.label.clone(),
        state: ParamState::Removed,
        bump: Bump::Major,
        aspects: Vec::new(),
    }));
    let jobs = old.graph != new.graph;
    let locks = old.locked_fields != new.locked_fields;
    let words = old.names != new.names || old.summary != new.summary || old.detect != new.detect;
    let moved = order(&old.params, &new.params) != order(&new.params, &old.params);
    // A lock takes something away that could be changed before.
    let locked_more = new
        .locked_fields
        .iter()
        .any(|lock| !old.locked_fields.iter().any(|one| one.field == lock.field));
    let of_locks = if locked_more { Bump::Minor } else { Bump::Patch };
    let needed = params
        .iter()
        .map(|change| change.bump)
        .chain((jobs || words || moved).then_some(Bump::Patch))
        .chain(locks.then_some(of_locks))
        .max();
    Comparison {
        params,
        jobs,
        locks,
        words,
        needed,
    }
}

/// The files that two versions make of the same values, those of the older form; what cannot be carried over stands at
/// its default.
pub fn yaml_diff(old: &Template, new: &Template, values: &Params) -> Option<DiffView> {
    let carried = migrate(&old.params, &new.params, values).values;
    let before = compile(&instantiate(old, values).ok()?).text;
    let after = compile(&instantiate(new, &carried).ok()?).text;
    Some(diff_lines(&before, &after))
}

fn find<'a>(params: &'a [Param], id: &str) -> Option<&'a Param> {
    params.iter().find(|param| param.id == id)
}

/// The ids of `params` that `other` has too, in order.
fn order<'a>(params: &'a [Param], other: &[Param]) -> Vec<&'a str> {
    let ids = params.iter().map(|param| param.id.as_str());
    ids.filter(|id| find(other, id).is_some()).collect()
}

/// Whether a form with this parameter can be left as it stands.
fn asks(param: &Param) -> bool {
    let value = param.default.as_ref();
    param.required
        && !matches!(value, Some(value) if value.is_truthy() || matches!(value, Value::Bool(_)))
        && param.kind != super::super::param::ParamKind::Bool
}

fn added(param: &Param) -> ParamChange {
    ParamChange {
        id: param.id.clone(),
        label: param.label.clone(),
        state: ParamState::Added,
        bump: if asks(param) { Bump::Major } else { Bump::Minor },
        aspects: Vec::new(),
    }
}

fn changed(old: &Param, new: &Param) -> Option<ParamChange> {
    let aspects = aspects(old, new);
    if aspects.is_empty() {
        return None;
    }
    Some(ParamChange {
        id: new.id.clone(),
        label: new.label.clone(),
        state: ParamState::Changed,
        bump: bump(old, new),
        aspects,
    })
}

/// A value that was good must be good under the same major version, and mean the same kind of thing.
fn bump(old: &Param, new: &Param) -> Bump {
    let asks_now = asks(new) && !asks(old);
    let narrower = (new.required && !old.required && asks(new))
        || new
            .min
            .is_some_and(|min| old.min.is_none_or(|before| min > before))
        || new
            .max
            .is_some_and(|max| old.max.is_none_or(|before| max < before))
        || (new.pattern.is_some() && new.pattern != old.pattern)
        || lost_option(old.options.as_ref(), new.options.as_ref());
    if old.kind != new.kind || asks_now || narrower {
        return Bump::Major;
    }
    let shape = old.default != new.default
        || old.options != new.options
        || old.visible_if != new.visible_if
        || old.required != new.required
        || old.min != new.min
        || old.max != new.max
        || old.pattern != new.pattern;
    if shape { Bump::Minor } else { Bump::Patch }
}

fn lost_option(old: Option<&Options>, new: Option<&Options>) -> bool {
    match (old, new) {
        (Some(Options::Static { items: before }), Some(Options::Static { items: after })) => before
            .iter()
            .any(|choice| !after.iter().any(|one| one.value == choice.value)),
        (before, Some(Options::Static { .. })) => !matches!(before, Some(Options::Static { .. })),
        _ => false,
    }
}

fn aspects(old: &Param, new: &Param) -> Vec<Aspect> {
    let mut aspects = Vec::new();
    let mut add = |key: &str, en: &str, zh: &str, before: String, after: String| {
        if before != after {
            aspects.push(Aspect {
                key: key.to_owned(),
                name: Text::new(en, zh),
                before,
                after,
            });
        }
    };
    let json = |value: serde_json::Result<serde_json::Value>| match value {
        Ok(serde_json::Value::Null) | Err(_) => String::new(),
        Ok(serde_json::Value::String(text)) => text,
        Ok(value) => value.to_string(),
    };
    let both = |text: &Text| format!("{} / {}", text.zh, text.en);
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    add("label", "label", "标签", both(&old.label), both(&new.label));
    add(
        "kind",
        "kind",
        "类型",
        json(serde_json::to_value(old.kind)),
        json(serde_json::to_value(new.kind)),
    );
    add("help", "help", "说明", both(&old.help), both(&new.help));
    let default = |param: &Param| param.default.as_ref().map(Value::to_raw).unwrap_or_default();
    add("default", "default", "默认值", default(old), default(new));
    add(
        "required",
        "required",
        "必填",
        old.required.to_string(),
        new.required.to_string(),
    );
    add(
        "pattern",
        "shape",
        "格式",
        json(serde_json::to_value(old.pattern)),
        json(serde_json::to_value(new.pattern)),
    );
    add("min", "smallest", "最小", number(old.min), number(new.min));
    add("max", "largest", "最大", number(old.max), number(new.max));
    add(
        "options",
        "options",
        "候选项",
        options(old.options.as_ref()),
        options(new.options.as_ref()),
    );
    add(
        "visible_if",
        "shown when",
        "显示条件",
        json(serde_json::to_value(
            (!old.visible_if.is_empty()).then_some(&old.visible_if),
        )),
        json(serde_json::to_value(
            (!new.visible_if.is_empty()).then_some(&new.visible_if),
        )),
    );
    add(
        "advanced",
        "under “More”",
        "收在“更多”中",
        old.advanced.to_string(),
        new.advanced.to_string(),
    );
    aspects
}

fn options(options: Option<&Options>) -> String {
    match options {
        None => String::new(),
        Some(Options::Static { items }) => {
            let words = items.iter().map(|item| {
                if item.label.en.is_empty() && item.label.zh.is_empty() {
                    item.value.clone()
                } else {
                    format!("{} ({} / {})", item.value, item.label.zh, item.label.en)
                }
            });
            words.collect::<Vec<_>>().join(", ")
        }
        Some(Options::Branches) => String::from("branches"),
        Some(Options::RunnerTags) => String::from("runner_tags"),
        Some(Options::Environments) => String::from("environments"),
        Some(Options::Registries) => String::from("registries"),
    }
}
