//! The values of a form for another version of its template.

use serde::{Deserialize, Serialize};

use super::super::form::check_values;
use super::super::message::FieldMessage;
use super::super::param::{Param, effective};
use super::super::value::{Params, Value};
use crate::text::Text;

/// What becomes of an app's values.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Migration {
    /// Each parameter of the newer form: what was carried over, else its default.
    pub values: Params,
    /// What holds on from before, in the order of the newer form.
    pub kept: Vec<Carried>,
    /// What is new and stands at its default.
    pub defaulted: Vec<Carried>,
    /// What somebody has to fill in: why the value it would have is refused.
    pub needs: Vec<Carried>,
    /// What was filled in and has no place any more. Values that were defaults are not among them.
    pub dropped: Vec<Carried>,
}

/// A parameter and its value on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// The parameter's id.
    pub id: String,
    /// Its label.
    pub label: Text,
    /// The value before, as a form shows it; none: it had none.
    pub before: Option<String>,
    /// The value after, as a form shows it; none: it has none.
    pub after: Option<String>,
    /// Why it must be filled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<FieldMessage>,
}

/// Carries values of `old` over to `new`. A value is kept where the parameter of the same id takes it; a value that was
/// the older default and was not shown becomes the newer default, so that a better default reaches whom nobody asked.
pub fn migrate(old: &[Param], new: &[Param], values: &Params) -> Migration {
    let before = effective(old, values);
    let mut migration = Migration::default();
    for param in new {
        let was = old.iter().find(|other| other.id == param.id);
        let had = before.get(&param.id).filter(|_| was.is_some());
        let taken = had.and_then(|value| converted(param, value));
        let value = taken.clone().unwrap_or_else(|| param.default_value());
        let carried = |why| Carried {
            id: param.id.clone(),
            label: param.label.clone(),
            before: had.map(Value::to_raw),
            after: Some(value.to_raw()),
            why,
        };
        match (&taken, had) {
            (Some(_), _) => migration.kept.push(carried(None)),
            (None, None) => migration.defaulted.push(carried(None)),
            (None, Some(was)) => {
                let given = Params::from([(param.id.clone(), was.clone())]);
                let refused = check_values(std::slice::from_ref(&shown(param)), &given);
                let why = refused.into_iter().next().map(|error| error.message);
                migration
                    .needs
                    .push(carried(Some(why.unwrap_or(FieldMessage::WrongKind))));
            }
        }
        migration.values.insert(param.id.clone(), value);
    }
    for error in check_values(new, &migration.values) {
        if migration.needs.iter().any(|need| need.id == error.param) {
            continue;
        }
        let Some(param) = new.iter().find(|param| param.id == error.param) else {
            continue;
        };
        migration.kept.retain(|one| one.id != error.param);
        migration.defaulted.retain(|one| one.id != error.param);
        migration.needs.push(Carried {
            id: param.id.clone(),
            label: param.label.clone(),
            before: before.get(&param.id).map(Value::to_raw),
            after: migration.values.get(&param.id).map(Value::to_raw),
            why: Some(error.message),
        });
    }
    for param in old
        .iter()
        .filter(|param| new.iter().all(|other| other.id != param.id))
    {
        let value = before
            .get(&param.id)
            .cloned()
            .unwrap_or_else(|| param.default_value());
        if value == param.default_value() {
            continue;
        }
        migration.dropped.push(Carried {
            id: param.id.clone(),
            label: param.label.clone(),
            before: Some(value.to_raw()),
            after: None,
            why: None,
        });
    }
    migration
}

/// The parameter, shown whatever else is filled in.
fn shown(param: &Param) -> Param {
    Param {
        visible_if: Vec::new(),
        ..param.clone()
    }
}

/// The value as the parameter takes it: itself, or the same words where the kind changed between texts, lists and the
/// like; none: it is refused.
fn converted(param: &Param, value: &Value) -> Option<Value> {
    let shown = shown(param);
    let takes = |value: &Value| {
        let optional = Param {
            required: false,
            ..shown.clone()
        };
        let given = Params::from([(param.id.clone(), value.clone())]);
        check_values(&[optional], &given).is_empty()
    };
    if takes(value) {
        return Some(value.clone());
    }
    let raw = std::collections::BTreeMap::from([(param.id.clone(), value.to_raw())]);
    let parsed = super::super::form::parse(std::slice::from_ref(&shown), &raw);
    if !parsed.errors.is_empty() {
        return None;
    }
    parsed.values.get(&param.id).filter(|value| takes(value)).cloned()
}
