//! One scalar as text, written so that it fits where it goes.

use serde::{Deserialize, Serialize};

use super::super::yaml::{double_quoted, is_printable, is_reserved, quoted};
use super::effective::{Value, typed};
use super::tree::Style;

/// What a field becomes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum NewValue {
    /// A text.
    Text(String),
    /// `true` or `false`.
    Switch(bool),
    /// A whole number.
    Number(i64),
    /// Texts.
    List(Vec<String>),
    /// Takes the field away.
    Absent,
}

/// Where a scalar goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// Inside of `[]` or `{}`.
    pub(super) flow: bool,
    /// The column, from 0, at which lines of a block scalar begin.
    pub(super) indent: usize,
    /// The line break of the file.
    pub(super) newline: &'a str,
    /// How what it replaces is written.
    pub(super) style: Style,
}

/// Writes a text.
pub(super) fn text(value: &str, place: Place<'_>) -> String {
    if value.contains('\n') && !place.flow && fits_block(value) {
        return block(value, place);
    }
    let printable = value.chars().all(is_printable);
    match place.style {
        Style::Single if printable => quoted(value),
        Style::Double => double_quoted(value),
        _ if is_plain(value, place.flow) => value.to_owned(),
        _ if printable => quoted(value),
        _ => double_quoted(value),
    }
}

/// Whether a literal block can hold it without an indentation indicator and without a line break of
/// the file becoming part of it.
fn fits_block(value: &str) -> bool {
    let body = value.strip_suffix('\n').unwrap_or(value);
    !body.is_empty()
        && !body.starts_with([' ', '\t', '\n'])
        && !body.ends_with('\n')
        && body.chars().all(|c| c == '\n' || c == '\t' || is_printable(c))
        && body.lines().all(|line| !line.ends_with([' ', '\t']))
        && body
            .split('\n')
            .all(|line| line.is_empty() || !line.trim().is_empty())
}

fn block(value: &str, place: Place<'_>) -> String {
    let (head, body) = match value.strip_suffix('\n') {
        Some(body) => ("|", body),
        None => ("|-", value),
    };
    let mut out = head.to_owned();
    for line in body.split('\n') {
        out.push_str(place.newline);
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', place.indent));
            out.push_str(line);
        }
    }
    out
}

/// Whether a text can stand without quotes, to readers of YAML 1.1 and 1.2.
pub(super) fn is_plain(value: &str, flow: bool) -> bool {
    let starts_well = |c: char| c.is_alphanumeric() || matches!(c, '/' | '$' | '_' | '.' | '(' | '+');
    let allowed = |c: char| {
        c == ' '
            || (is_printable(c) && !c.is_whitespace() && !(flow && matches!(c, ',' | '[' | ']' | '{' | '}')))
    };
    let bare = value.strip_prefix(['.', '+']).unwrap_or(value);
    value.starts_with(starts_well)
        && !value.ends_with([' ', ':'])
        && value.chars().all(allowed)
        && !value.contains(": ")
        && !value.contains(" #")
        && (!flow || !value.contains(':'))
        && !is_reserved(bare)
        && !is_sexagesimal(value)
        && matches!(typed(value, Style::Plain, None), Value::Text(_))
        // What one reader takes for a number in another base or notation.
        && value.parse::<f64>().is_err()
}

/// `1:30` is 90 to GitLab's reader.
fn is_sexagesimal(value: &str) -> bool {
    value.contains(':')
        && value
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, ':' | '.' | '_' | '+'))
}
