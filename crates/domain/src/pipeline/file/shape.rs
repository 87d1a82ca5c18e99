//! Which keys and which kinds of values GitLab takes.

use std::fmt::Display;

use super::effective::{Effective, INCOMPLETE, Value};
use super::finding::FindingCode;
use super::lint::Lint;
use crate::text::Text;

/// In their order.
const JOB_KEYS: [&str; 41] = [
    INCOMPLETE,
    "after_script",
    "allow_failure",
    "artifacts",
    "before_script",
    "cache",
    "coverage",
    "dast_configuration",
    "dependencies",
    "environment",
    "except",
    "extends",
    "hooks",
    "id_tokens",
    "identity",
    "image",
    "inherit",
    "inputs",
    "interruptible",
    "manual_confirmation",
    "needs",
    "only",
    "pages",
    "parallel",
    "publish",
    "release",
    "resource_group",
    "retry",
    "rules",
    "run",
    "script",
    "secrets",
    "services",
    "stage",
    "start_in",
    "tags",
    "timeout",
    "trigger",
    "type",
    "variables",
    "when",
];
/// In their order.
const DEFAULT_KEYS: [&str; 14] = [
    "after_script",
    "artifacts",
    "before_script",
    "cache",
    "hooks",
    "id_tokens",
    "identity",
    "image",
    "interruptible",
    "retry",
    "secrets",
    "services",
    "tags",
    "timeout",
];
const WHENS: [&str; 6] = ["on_success", "on_failure", "always", "manual", "delayed", "never"];
/// How deep lists of commands may nest.
const DEEPEST_SCRIPT: usize = 10;

/// Checks the keywords of the file.
pub(super) fn globals(lint: &mut Lint<'_, '_>, root: &Effective) {
    if let Some(stages) = root.get("stages") {
        texts(lint, &"stages", stages);
    }
    for key in ["before_script", "after_script"] {
        if let Some(value) = root.get(key) {
            script(lint, &key, value);
        }
    }
    if let Some(value) = root.get("image") {
        image(lint, &"image", value);
    }
    if let Some(value) = root.get("variables") {
        variables(lint, &"variables", value);
    }
    if let Some(default) = root.get("default") {
        match &default.value {
            Value::Map(_) => {
                known_keys(lint, &"default", default, &DEFAULT_KEYS);
                shared(lint, "default", default);
            }
            Value::Null | Value::Unknown => {}
            _ => wrong(lint, &"default", default, ("a mapping", "映射")),
        }
    }
    if let Some(workflow) = root.get("workflow")
        && let Some(value) = workflow.get("rules")
    {
        rules(lint, &"workflow:rules", value);
    }
}

/// Checks a job that can run.
pub(super) fn job(lint: &mut Lint<'_, '_>, name: &str, job: &Effective) {
    known_keys(lint, &name, job, &JOB_KEYS);
    if let Some(value) = job.get("script") {
        let empty = match &value.value {
            Value::Null => true,
            Value::Text(text) => text.trim().is_empty(),
            Value::List(items) => items.is_empty(),
            _ => false,
        };
        if empty {
            let wanted = ("one command or more", "至少一条命令");
            wrong(lint, &format_args!("{name}:script"), value, wanted);
        } else {
            script(lint, &format_args!("{name}:script"), value);
        }
    }
    if let Some(value) = job
        .get("stage")
        .filter(|stage| !matches!(&stage.value, Value::Unknown | Value::Null | Value::Text(_)))
    {
        wrong(lint, &format_args!("{name}:stage"), value, TEXT);
    }
    if let Some(value) = job.get("rules") {
        rules(lint, &format_args!("{name}:rules"), value);
        for key in ["only", "except"] {
            let other = job.get(key).filter(|other| !matches!(&other.value, Value::Null));
            if let Some(other) = other.filter(|_| !matches!(&value.value, Value::Null)) {
                let (job, key) = (name.to_owned(), key.to_owned());
                lint.error(other.node, FindingCode::RulesBesideOnly { job, key });
            }
        }
    }
    if let Some(value) = job.get("variables") {
        variables(lint, &format_args!("{name}:variables"), value);
    }
    if let Some(value) = job.get("when") {
        one_of(lint, &format_args!("{name}:when"), value, &WHENS[..5]);
    }
    if let Some(value) = job.get("allow_failure") {
        let right = match &value.value {
            Value::Bool(_) | Value::Unknown | Value::Null => true,
            Value::Map(_) => value.get("exit_codes").is_some(),
            Value::Text(text) => text.contains("$[["),
            _ => false,
        };
        if !right {
            wrong(lint, &format_args!("{name}:allow_failure"), value, SWITCH);
        }
    }
    if let Some(value) = job.get("parallel") {
        let right = match &value.value {
            Value::Int(count) => (1..=200).contains(count),
            Value::Map(_) => value.get("matrix").is_some(),
            Value::Unknown | Value::Null => true,
            Value::Text(text) => text.contains("$[["),
            _ => false,
        };
        if !right {
            let wanted = ("a number from 1 to 200, or a matrix", " 1 到 200 的整数或 matrix");
            wrong(lint, &format_args!("{name}:parallel"), value, wanted);
        }
    }
    if let Some(value) = job.get("dependencies") {
        texts(lint, &format_args!("{name}:dependencies"), value);
    }
    shared(lint, name, job);
}

/// Checks what `default` and a job have in common.
fn shared(lint: &mut Lint<'_, '_>, place: &str, holder: &Effective) {
    for key in ["before_script", "after_script"] {
        if let Some(value) = holder.get(key) {
            script(lint, &format_args!("{place}:{key}"), value);
        }
    }
    if let Some(value) = holder.get("image") {
        image(lint, &format_args!("{place}:image"), value);
    }
    if let Some(value) = holder.get("tags") {
        texts(lint, &format_args!("{place}:tags"), value);
    }
    if let Some(value) = holder.get("timeout") {
        duration(lint, &format_args!("{place}:timeout"), value);
    }
    if let Some(value) = holder.get("interruptible") {
        switch(lint, &format_args!("{place}:interruptible"), value);
    }
    if let Some(retry) = holder.get("retry") {
        let value = retry.get("max").unwrap_or(retry);
        let right = match &value.value {
            Value::Int(count) => (0..=2).contains(count),
            Value::Map(_) | Value::Unknown | Value::Null => true,
            Value::Text(text) => text.contains("$[["),
            _ => false,
        };
        if !right {
            wrong(
                lint,
                &format_args!("{place}:retry"),
                value,
                ("0, 1 or 2", " 0、1 或 2"),
            );
        }
    }
    if let Some(artifacts) = holder.get("artifacts") {
        match &artifacts.value {
            Value::Map(_) => artifact(lint, &format_args!("{place}:artifacts"), artifacts),
            Value::Unknown | Value::Null => {}
            _ => wrong(
                lint,
                &format_args!("{place}:artifacts"),
                artifacts,
                ("a mapping", "映射"),
            ),
        }
    }
}

fn artifact(lint: &mut Lint<'_, '_>, place: &dyn Display, artifacts: &Effective) {
    for key in ["paths", "exclude"] {
        if let Some(value) = artifacts.get(key) {
            texts(lint, &format_args!("{place}:{key}"), value);
        }
    }
    if let Some(value) = artifacts.get("when") {
        one_of(
            lint,
            &format_args!("{place}:when"),
            value,
            &["on_success", "on_failure", "always"],
        );
    }
    if let Some(value) = artifacts
        .get("expire_in")
        .filter(|value| value.text() != Some("never"))
    {
        duration(lint, &format_args!("{place}:expire_in"), value);
    }
}

const TEXT: (&str, &str) = ("a text", "文本");
const SWITCH: (&str, &str) = ("true or false", " true 或 false");

fn wrong(lint: &mut Lint<'_, '_>, place: &dyn Display, value: &Effective, wanted: (&str, &str)) {
    let wanted = Text::new(wanted.0, wanted.1);
    lint.error(
        value.node,
        FindingCode::WrongShape {
            place: place.to_string(),
            wanted,
        },
    );
}

fn known_keys(lint: &mut Lint<'_, '_>, place: &dyn Display, holder: &Effective, known: &[&str]) {
    for (key, node, _) in holder.entries() {
        if known.binary_search(&&**key).is_err() {
            lint.error(
                *node,
                FindingCode::UnknownKey {
                    place: place.to_string(),
                    key: key.to_string(),
                },
            );
        }
    }
}

fn script(lint: &mut Lint<'_, '_>, place: &dyn Display, value: &Effective) {
    commands(lint, place, value, 0);
}

fn commands(lint: &mut Lint<'_, '_>, place: &dyn Display, value: &Effective, depth: usize) {
    match &value.value {
        Value::List(items) if depth <= DEEPEST_SCRIPT => {
            for item in items.iter() {
                commands(lint, place, item, depth + 1);
            }
        }
        Value::Text(_) | Value::Unknown | Value::Date => {}
        Value::Map(_) if depth > 0 => {
            lint.error(
                value.node,
                FindingCode::CommandIsMapping {
                    place: place.to_string(),
                },
            );
        }
        // An empty `before_script:` is taken for none.
        Value::Null if depth == 0 => {}
        _ => wrong(
            lint,
            place,
            value,
            (
                "a text or a list of texts; put quotes around what is none",
                "文本或文本列表，其他值请加引号",
            ),
        ),
    }
}

fn image(lint: &mut Lint<'_, '_>, place: &dyn Display, value: &Effective) {
    match &value.value {
        Value::Text(_) | Value::Unknown | Value::Null => {}
        Value::Map(_) if value.get("name").is_some_and(is_text) => {}
        _ => wrong(
            lint,
            place,
            value,
            ("a text, or a mapping with a name", "文本，或带 name 的映射"),
        ),
    }
}

fn is_text(value: &Effective) -> bool {
    matches!(&value.value, Value::Text(_) | Value::Unknown)
}

fn texts(lint: &mut Lint<'_, '_>, place: &dyn Display, value: &Effective) {
    fn right(value: &Effective) -> bool {
        match &value.value {
            Value::List(items) => items.iter().all(right),
            Value::Text(_) | Value::Unknown => true,
            _ => false,
        }
    }
    let scalar = value.text().is_some_and(|text| !text.contains("$[["));
    if value.value != Value::Null && (scalar || !right(value)) {
        wrong(lint, place, value, ("a list of texts", "文本列表"));
    }
}

fn variables(lint: &mut Lint<'_, '_>, place: &dyn Display, value: &Effective) {
    match &value.value {
        Value::Map(entries) => {
            for (key, _, value) in entries.iter() {
                let right = match &value.value {
                    Value::List(_) => false,
                    Value::Map(_) => value
                        .entries()
                        .iter()
                        .all(|(key, ..)| matches!(&**key, "value" | "description" | "expand" | "options")),
                    _ => true,
                };
                if !right {
                    wrong(lint, &format_args!("{place}:{key}"), value, ("a text", "文本"));
                }
            }
        }
        Value::Null | Value::Unknown => {}
        _ => wrong(
            lint,
            place,
            value,
            ("a mapping of names to texts", "名称到文本的映射"),
        ),
    }
}

fn rules(lint: &mut Lint<'_, '_>, place: &dyn Display, value: &Effective) {
    match &value.value {
        Value::List(items) => {
            for item in items.iter() {
                rule(lint, place, item);
            }
        }
        Value::Null | Value::Unknown => {}
        _ => wrong(lint, place, value, ("a list of rules", "规则列表")),
    }
}

fn rule(lint: &mut Lint<'_, '_>, place: &dyn Display, value: &Effective) {
    match &value.value {
        Value::List(items) => items.iter().for_each(|item| rule(lint, place, item)),
        Value::Map(_) => {
            if let Some(value) = value.get("when") {
                one_of(lint, &format_args!("{place}:when"), value, &WHENS);
            }
        }
        Value::Unknown => {}
        _ => wrong(
            lint,
            place,
            value,
            ("a mapping such as “if: …”", "映射，例如“if: …”"),
        ),
    }
}

fn one_of(lint: &mut Lint<'_, '_>, place: &dyn Display, value: &Effective, options: &[&str]) {
    let Some(text) = value.to_text() else {
        if !matches!(&value.value, Value::Null | Value::Unknown) {
            wrong(lint, place, value, TEXT);
        }
        return;
    };
    if !options.contains(&text.as_str()) && !text.contains("$[[") {
        let code = FindingCode::NotOneOf {
            place: place.to_string(),
            found: text,
            options: options.join(", "),
        };
        lint.error(value.node, code);
    }
}

fn switch(lint: &mut Lint<'_, '_>, place: &dyn Display, value: &Effective) {
    let open = value.text().is_some_and(|text| text.contains("$[["));
    if !open && !matches!(&value.value, Value::Bool(_) | Value::Null | Value::Unknown) {
        wrong(lint, place, value, SWITCH);
    }
}

fn duration(lint: &mut Lint<'_, '_>, place: &dyn Display, value: &Effective) {
    if matches!(&value.value, Value::Null | Value::Unknown) {
        return;
    }
    let Some(found) = value.to_text() else {
        wrong(
            lint,
            place,
            value,
            ("a duration such as 30 minutes", "时长，例如 30 minutes"),
        );
        return;
    };
    if !found.contains('$') && !is_duration(&found) {
        lint.error(
            value.node,
            FindingCode::NotADuration {
                place: place.to_string(),
                found,
            },
        );
    }
}

/// Durations as GitLab reads them: `90`, `1h 30m`, `2 hrs 20 min`, `1 week and 2 days`, `1:30:00`.
pub fn is_duration(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    if text.is_empty() {
        return false;
    }
    if text.chars().all(|c| c.is_ascii_digit() || c == ':') {
        return text.chars().any(|c| c.is_ascii_digit());
    }
    let mut units = 0;
    for word in words(&text) {
        let is_number = word.chars().all(|c| c.is_ascii_digit() || c == '.');
        let unit = matches!(
            word.as_str(),
            "s" | "sec"
                | "secs"
                | "second"
                | "seconds"
                | "m"
                | "min"
                | "mins"
                | "minute"
                | "minutes"
                | "h"
                | "hr"
                | "hrs"
                | "hour"
                | "hours"
                | "d"
                | "dy"
                | "day"
                | "days"
                | "w"
                | "wk"
                | "wks"
                | "week"
                | "weeks"
                | "mo"
                | "mon"
                | "mos"
                | "month"
                | "months"
                | "y"
                | "yr"
                | "yrs"
                | "year"
                | "years"
        );
        units += usize::from(unit);
        let filler = matches!(word.as_str(), "and" | "with" | "plus" | "a" | "an" | "," | "");
        if !is_number && !unit && !filler && !is_number_word(&word) {
            return false;
        }
    }
    units > 0
}

fn is_number_word(word: &str) -> bool {
    matches!(
        word,
        "one" | "two" | "three" | "four" | "five" | "six" | "seven" | "eight" | "nine" | "ten" | "half"
    )
}

/// Numbers and words, also where nothing stands between them.
fn words(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut last = ' ';
    for c in text.chars() {
        let kind = |c: char| if c.is_ascii_digit() || c == '.' { 'n' } else { 'w' };
        if c.is_whitespace() || c == ',' {
            last = ' ';
            continue;
        }
        match all.last_mut() {
            Some(word) if last != ' ' && kind(last) == kind(c) => word.push(c),
            _ => all.push(c.to_string()),
        }
        last = c;
    }
    all
}
