//! CI/CD variables of projects and groups.

use serde_json::{Value, json};

use super::call::{Answer, Call, MAINTAINER, Outcome, Refusal};
use super::groups::group;
use super::page;

/// Whether a value can be masked: 8 characters without spaces, and only harmless ones where it is expanded.
fn maskable(value: &str, raw: bool) -> bool {
    value.chars().count() >= 8
        && if raw {
            !value.chars().any(char::is_whitespace)
        } else {
            value
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+/=@:.~_-".contains(c))
        }
}

fn invalid(field: &str, text: &str) -> Refusal {
    Refusal::new(400, json!({ "message": { field: [text] } }))
}

fn read(call: &Call) -> Result<Value, Refusal> {
    let key = call.str("key")?;
    let scope = call.opt_str("environment_scope").unwrap_or_else(|| "*".into());
    let fitting = |c: char| c.is_ascii_alphanumeric() || "_-/${}. *".contains(c);
    if scope.is_empty() || scope.len() > 255 || !scope.chars().all(fitting) {
        return Err(invalid(
            "environment_scope",
            "can contain only letters, digits, '-', '_', '/', '$', '{', '}', '.', '*' and spaces",
        ));
    }
    if key.is_empty() || key.len() > 255 || !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(invalid("key", "can contain only letters, digits and '_'."));
    }
    let value = call
        .opt_str("value")
        .ok_or_else(|| Refusal::new(400, json!({ "error": "value is missing" })))?;
    let hidden = call.flag("masked_and_hidden");
    let masked = call.flag("masked") || hidden;
    if masked && !maskable(&value, call.flag("raw")) {
        return Err(invalid("value", "is invalid"));
    }
    Ok(json!({
        "variable_type": call.opt_str("variable_type").unwrap_or_else(|| "env_var".into()),
        "key": key,
        "value": value,
        "hidden": hidden,
        "protected": call.flag("protected"),
        "masked": masked,
        "raw": call.flag("raw"),
        "environment_scope": scope,
        "description": call.opt_str("description"),
    }))
}

fn shown(variable: &Value) -> Value {
    let mut variable = variable.clone();
    if variable["hidden"] == true {
        variable["value"] = Value::Null;
    }
    variable
}

pub fn list(call: &Call) -> Outcome {
    let project = call.project(MAINTAINER)?;
    let items = call.with(|state| state.shelf(project.id).variables.iter().map(shown).collect());
    page::answer(call, items)
}

pub fn create(call: &Call) -> Outcome {
    let project = call.project(MAINTAINER)?;
    let variable = read(call)?;
    call.with(|state| {
        let variables = &mut state.shelf(project.id).variables;
        let same = |other: &Value| {
            other["key"] == variable["key"] && other["environment_scope"] == variable["environment_scope"]
        };
        if variables.iter().any(same) {
            return Err(invalid(
                "key",
                &format!(
                    "({}) has already been taken",
                    variable["key"].as_str().unwrap_or_default()
                ),
            ));
        }
        variables.push(variable.clone());
        Ok(())
    })?;
    Answer::created(shown(&variable))
}

/// The place of the variable that the path and `filter[environment_scope]` name.
fn position(call: &Call, variables: &[Value]) -> Result<usize, Refusal> {
    let key = call.param("key");
    let scope = call
        .query
        .iter()
        .find(|(name, _)| name == "filter[environment_scope]")
        .map(|(_, v)| v.clone());
    let scope = scope.or_else(|| {
        Some(
            call.body
                .get("filter")?
                .get("environment_scope")?
                .as_str()?
                .to_owned(),
        )
    });
    let found: Vec<usize> = variables
        .iter()
        .enumerate()
        .filter(|(_, variable)| variable["key"] == key)
        .filter(|(_, variable)| {
            scope
                .as_deref()
                .is_none_or(|scope| variable["environment_scope"] == scope)
        })
        .map(|(index, _)| index)
        .collect();
    match found[..] {
        [index] => Ok(index),
        [] => Err(Refusal::missing("Variable")),
        _ => Err(Refusal::message(
            409,
            "There are multiple variables with provided parameters. Please use 'filter[environment_scope]'",
        )),
    }
}

pub fn get(call: &Call) -> Outcome {
    let project = call.project(MAINTAINER)?;
    let variable = call.with(|state| {
        let variables = &state.shelf(project.id).variables;
        position(call, variables).map(|index| shown(&variables[index]))
    })?;
    Answer::ok(variable)
}

pub fn update(call: &Call) -> Outcome {
    let project = call.project(MAINTAINER)?;
    let variable = call.with(|state| {
        let variables = &mut state.shelf(project.id).variables;
        let index = position(call, variables)?;
        let mut variable = variables[index].clone();
        for key in ["variable_type", "value", "environment_scope", "description"] {
            if let Some(value) = call.opt_str(key) {
                variable[key] = value.into();
            }
        }
        for key in ["protected", "masked", "raw"] {
            if let Some(value) = call.opt_bool(key) {
                variable[key] = value.into();
            }
        }
        if variable["hidden"] == true && variable["masked"] == false {
            return Err(invalid("masked", "masked must be true when hidden is true"));
        }
        let raw = variable["raw"] == true;
        if variable["masked"] == true && !maskable(variable["value"].as_str().unwrap_or_default(), raw) {
            return Err(invalid("value", "is invalid"));
        }
        let taken = |(place, other): (usize, &Value)| {
            place != index
                && other["key"] == variable["key"]
                && other["environment_scope"] == variable["environment_scope"]
        };
        if variables.iter().enumerate().any(taken) {
            let key = variable["key"].as_str().unwrap_or_default();
            return Err(invalid("key", &format!("({key}) has already been taken")));
        }
        variables[index] = variable.clone();
        Ok(variable)
    })?;
    Answer::ok(shown(&variable))
}

pub fn delete(call: &Call) -> Outcome {
    let project = call.project(MAINTAINER)?;
    call.with(|state| {
        let variables = &mut state.shelf(project.id).variables;
        position(call, variables).map(|index| variables.remove(index))
    })?;
    Answer::no_content()
}

pub fn of_group(call: &Call) -> Outcome {
    let group = group(call, MAINTAINER)?;
    page::answer(call, group.variables.iter().map(shown).collect())
}

pub fn add_to_group(call: &Call) -> Outcome {
    let group = group(call, MAINTAINER)?;
    let variable = read(call)?;
    call.with(|state| {
        state
            .groups
            .get_mut(&group.id)
            .map(|group| group.variables.push(variable.clone()))
    });
    Answer::created(shown(&variable))
}
