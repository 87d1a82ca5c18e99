//! Values as text at a place of the file.

use super::super::yaml::Yaml;
use super::scalar::{Place, text as scalar_text};
use super::tree::Style;

/// `key: value` on lines of its own, each with its line break.
pub(super) fn entry(key: &str, value: &Yaml, column: usize, newline: &str) -> String {
    indented(
        &Yaml::Map(vec![(key.to_owned(), value.clone())]).write(),
        column,
        newline,
    )
}

/// `- value` on lines of its own, each with its line break.
pub(super) fn item(value: &Yaml, column: usize, newline: &str) -> String {
    indented(&Yaml::List(vec![value.clone()]).write(), column, newline)
}

/// The same without the column, the dash and the last line break: what stands behind the dash.
pub(super) fn behind_dash(value: &Yaml, column: usize, newline: &str) -> String {
    let lines = item(value, column, newline);
    lines[(column + 2).min(lines.len())..]
        .trim_end_matches(['\r', '\n'])
        .to_owned()
}

/// A value in one line, as it stands in brackets and braces.
pub(super) fn flow(value: &Yaml) -> String {
    match value {
        Yaml::Text(text) => flow_text(text),
        Yaml::Int(value) => value.to_string(),
        Yaml::Bool(value) => value.to_string(),
        Yaml::List(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Yaml::Map(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| flow_entry(key, value))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// `key: value` in one line.
pub(super) fn flow_entry(key: &str, value: &Yaml) -> String {
    format!("{}: {}", flow_text(key), flow(value))
}

fn flow_text(text: &str) -> String {
    let place = Place {
        flow: true,
        indent: 0,
        newline: "\n",
        style: Style::Plain,
    };
    scalar_text(text, place)
}

/// Lines moved to a column; empty ones, which only texts of several lines have, stay empty.
fn indented(lines: &str, column: usize, newline: &str) -> String {
    let mut out = String::with_capacity(lines.len() + column * 4);
    for line in lines.split_terminator('\n') {
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', column));
            out.push_str(line);
        }
        out.push_str(newline);
    }
    out
}
