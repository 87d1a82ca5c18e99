//! Generated forms: which fields are shown, and how raw texts become typed values.

mod shape;

use std::collections::BTreeMap;

use self::shape::{is_cron, is_duration, is_image, is_relative_path};
use super::message::{FieldError, FieldMessage};
use super::param::{Options, Param, ParamKind, Pattern, effective};
use super::value::{Params, Value};

/// One field to draw.
#[derive(Debug, Clone, PartialEq)]
pub struct Field<'a> {
    /// The parameter.
    pub param: &'a Param,
    /// Its value, or the default.
    pub value: Value,
    /// Whether it is shown for the present values.
    pub visible: bool,
}

/// The fields in order, hidden ones included, so that a page can switch them without the server.
pub fn fields<'a>(params: &'a [Param], values: &Params) -> Vec<Field<'a>> {
    let all = effective(params, values);
    let field = |param: &'a Param| Field {
        param,
        value: all
            .get(&param.id)
            .cloned()
            .unwrap_or_else(|| param.default_value()),
        visible: param.is_visible(&all),
    };
    params.iter().map(field).collect()
}

/// What a form contains.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parsed {
    /// A value for every parameter; the default stands where the text was refused.
    pub values: Params,
    /// What was refused, in the order of the form.
    pub errors: Vec<FieldError>,
}

/// Reads the texts of an HTML form. A parameter that is absent keeps its default; one that is
/// there and empty is empty. A switch is sent as `true`, `on`, `1`, `yes` or `false`, `off`, `0`,
/// `no`, empty: put a hidden `false` before its checkbox. Hidden fields are not checked and take
/// their defaults.
pub fn parse(params: &[Param], inputs: &BTreeMap<String, String>) -> Parsed {
    let mut parsed = Parsed::default();
    for param in params {
        let visible = param.is_visible(&parsed.values);
        let raw = inputs.get(&param.id).filter(|_| visible);
        let read = match raw {
            None => Ok(param.default_value()),
            Some(raw) => parse_value(param, raw),
        };
        let checked = read.and_then(|value| {
            if visible {
                check(param, &value)?;
            }
            Ok(value)
        });
        let value = checked.unwrap_or_else(|message| {
            parsed.errors.push(FieldError {
                param: param.id.clone(),
                message,
            });
            param.default_value()
        });
        parsed.values.insert(param.id.clone(), value);
    }
    parsed
}

/// Checks typed values, as they come from a stored draft or from JSON.
pub fn check_values(params: &[Param], given: &Params) -> Vec<FieldError> {
    let values = effective(params, given);
    let mut errors = Vec::new();
    for param in params.iter().filter(|param| param.is_visible(&values)) {
        let checked = values.get(&param.id).map_or(Ok(()), |value| check(param, value));
        if let Err(message) = checked {
            errors.push(FieldError {
                param: param.id.clone(),
                message,
            });
        }
    }
    for id in given
        .keys()
        .filter(|id| params.iter().all(|param| param.id != **id))
    {
        errors.push(FieldError {
            param: id.clone(),
            message: FieldMessage::Unknown,
        });
    }
    errors
}

/// The texts that show these values in an HTML form.
pub fn raw(values: &Params) -> BTreeMap<String, String> {
    values
        .iter()
        .map(|(id, value)| (id.clone(), value.to_raw()))
        .collect()
}

fn parse_value(param: &Param, raw: &str) -> Result<Value, FieldMessage> {
    let raw = raw.replace("\r\n", "\n");
    let trimmed = raw.trim();
    Ok(match param.kind {
        ParamKind::Bool => match trimmed.to_ascii_lowercase().as_str() {
            "true" | "on" | "1" | "yes" => Value::Bool(true),
            "" | "false" | "off" | "0" | "no" => Value::Bool(false),
            _ => return Err(FieldMessage::NotASwitch),
        },
        ParamKind::Int if trimmed.is_empty() => match &param.default {
            Some(default) if !param.required => default.clone(),
            _ => return Err(FieldMessage::Required),
        },
        ParamKind::Int => Value::Int(trimmed.parse().map_err(|_| FieldMessage::NotANumber)?),
        ParamKind::List => {
            let items = raw.split('\n').map(str::trim).filter(|item| !item.is_empty());
            Value::List(items.map(str::to_owned).collect())
        }
        ParamKind::Map => Value::Map(parse_pairs(&raw)?),
        ParamKind::Text | ParamKind::Script => Value::Text(raw.trim_end().to_owned()),
        _ => Value::Text(trimmed.to_owned()),
    })
}

fn parse_pairs(raw: &str) -> Result<BTreeMap<String, String>, FieldMessage> {
    let mut pairs = BTreeMap::new();
    for (index, line) in raw.split('\n').enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let pair = line
            .split_once('=')
            .map(|(name, value)| (name.trim(), value.trim()));
        match pair.filter(|(name, _)| Pattern::VariableName.matches(name)) {
            Some((name, value)) => pairs.insert(name.to_owned(), value.to_owned()),
            None => return Err(FieldMessage::NotAPair { line: index + 1 }),
        };
    }
    Ok(pairs)
}

/// Checks one typed value against its parameter.
pub fn check(param: &Param, value: &Value) -> Result<(), FieldMessage> {
    match (param.kind, value) {
        (ParamKind::Bool, Value::Bool(_)) => Ok(()),
        (ParamKind::Int, Value::Int(number)) => in_range(param, *number),
        (ParamKind::List, Value::List(items)) => {
            require(param, !items.is_empty())?;
            items.iter().try_for_each(|item| check_shape(param, item))?;
            in_length(param, items.len())
        }
        (ParamKind::Map, Value::Map(pairs)) => {
            require(param, !pairs.is_empty())?;
            in_length(param, pairs.len())
        }
        (ParamKind::Bool | ParamKind::Int | ParamKind::List | ParamKind::Map, _) => {
            Err(FieldMessage::WrongKind)
        }
        (_, Value::Text(text)) => {
            require(param, !text.trim().is_empty())?;
            if text.is_empty() {
                return Ok(());
            }
            check_shape(param, text)?;
            in_length(param, text.chars().count())
        }
        _ => Err(FieldMessage::WrongKind),
    }
}

fn require(param: &Param, given: bool) -> Result<(), FieldMessage> {
    if param.required && !given {
        Err(FieldMessage::Required)
    } else {
        Ok(())
    }
}

fn in_range(param: &Param, number: i64) -> Result<(), FieldMessage> {
    match (param.min, param.max) {
        (Some(min), _) if number < min => Err(FieldMessage::TooSmall { min }),
        (_, Some(max)) if number > max => Err(FieldMessage::TooLarge { max }),
        _ => Ok(()),
    }
}

fn in_length(param: &Param, length: usize) -> Result<(), FieldMessage> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    match (param.min, param.max) {
        (Some(min), _) if length < min => Err(FieldMessage::TooShort { min }),
        (_, Some(max)) if length > max => Err(FieldMessage::TooLong { max }),
        _ => Ok(()),
    }
}

fn check_shape(param: &Param, text: &str) -> Result<(), FieldMessage> {
    let many_lines = matches!(param.kind, ParamKind::Text | ParamKind::Script);
    if text
        .chars()
        .any(|c| c.is_control() && !(many_lines && matches!(c, '\n' | '\t')))
    {
        return Err(FieldMessage::NotOneLine);
    }
    let holds = |holds: bool, message: FieldMessage| if holds { Ok(()) } else { Err(message) };
    match param.kind {
        ParamKind::Enum => check_option(param, text)?,
        ParamKind::Duration => holds(is_duration(text), FieldMessage::NotADuration)?,
        ParamKind::Cron => holds(is_cron(text), FieldMessage::NotACron)?,
        ParamKind::Image => holds(is_image(text), FieldMessage::NotAnImage)?,
        ParamKind::Path => holds(is_relative_path(text), FieldMessage::NotARelativePath)?,
        ParamKind::SecretRef => {
            holds(
                Pattern::VariableName.matches(text),
                FieldMessage::NotAVariableName,
            )?;
        }
        _ => {}
    }
    match param.pattern {
        Some(pattern) => holds(pattern.matches(text), FieldMessage::NotOfPattern { pattern }),
        None => Ok(()),
    }
}

/// Choices that the server looks up (branches, runner tags …) are not checked here.
fn check_option(param: &Param, text: &str) -> Result<(), FieldMessage> {
    let Some(Options::Static { items }) = &param.options else {
        return Ok(());
    };
    if items.iter().any(|choice| choice.value == text) {
        return Ok(());
    }
    let options: Vec<&str> = items.iter().map(|choice| choice.value.as_str()).collect();
    Err(FieldMessage::NotAnOption {
        options: options.join(", "),
    })
}
