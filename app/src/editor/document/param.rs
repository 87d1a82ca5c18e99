//! The parameters of a template: a list, and a form for each.

use super::change::{both, wrong};
use super::words::{conditions, conditions_text, options, options_text};
use crate::AppError;
use crate::design::button::{Weight, submit};
use crate::editor::change::{Change, get, refused};
use crate::editor::drawer::change_form;
use crate::editor::fieldset::{Control, chosen_of, field, line};
use crate::editor::sheet::Sheet;
use crate::editor::state::Studio;
use crate::i18n::{locale, say};
use crate::places::encode;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::pipeline::{Options, Param, ParamKind, Pattern, Template, Value, form, references};
use slipway_domain::text::Text;
use std::collections::BTreeMap;

const KINDS: [(&str, ParamKind); 14] = [
    ("string", ParamKind::String),
    ("text", ParamKind::Text),
    ("int", ParamKind::Int),
    ("bool", ParamKind::Bool),
    ("enum", ParamKind::Enum),
    ("list", ParamKind::List),
    ("map", ParamKind::Map),
    ("duration", ParamKind::Duration),
    ("cron", ParamKind::Cron),
    ("image", ParamKind::Image),
    ("path", ParamKind::Path),
    ("secret_ref", ParamKind::SecretRef),
    ("env_ref", ParamKind::EnvRef),
    ("script", ParamKind::Script),
];

const PATTERNS: [(&str, Pattern); 4] = [
    ("slug", Pattern::Slug),
    ("variable_name", Pattern::VariableName),
    ("version", Pattern::Version),
    ("glob", Pattern::Glob),
];

const SOURCES: [(&str, Options); 4] = [
    ("branches", Options::Branches),
    ("runner_tags", Options::RunnerTags),
    ("environments", Options::Environments),
    ("registries", Options::Registries),
];

/// The word of a kind.
fn kind_word(kind: &str) -> String {
    match kind {
        "string" => tr!(template.kind_string),
        "text" => tr!(template.kind_text),
        "int" => tr!(template.kind_int),
        "bool" => tr!(template.kind_bool),
        "enum" => tr!(template.kind_enum),
        "list" => tr!(template.kind_list),
        "map" => tr!(template.kind_map),
        "duration" => tr!(template.kind_duration),
        "cron" => tr!(template.kind_cron),
        "image" => tr!(template.kind_image),
        "path" => tr!(template.kind_path),
        "secret_ref" => tr!(template.kind_secret_ref),
        "env_ref" => tr!(template.kind_env_ref),
        _ => tr!(template.kind_script),
    }
}

/// What the form of a parameter sends; the change that sets it to what it is.
pub(super) fn fields(param: &Param) -> Change {
    let kind = KINDS.iter().find(|(_, kind)| *kind == param.kind);
    let pattern = PATTERNS.iter().find(|(_, one)| Some(*one) == param.pattern);
    let source = SOURCES
        .iter()
        .find(|(_, one)| Some(one) == param.options.as_ref());
    let items = match &param.options {
        Some(Options::Static { items }) => options_text(items),
        _ => String::new(),
    };
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    let switch = |on: bool| String::from(if on { "true" } else { "false" });
    [
        ("op", String::from("param-set")),
        ("param", param.id.clone()),
        ("id", param.id.clone()),
        ("kind", kind.map_or("string", |(key, _)| key).to_owned()),
        ("label_zh", param.label.zh.clone()),
        ("label_en", param.label.en.clone()),
        ("help_zh", param.help.zh.clone()),
        ("help_en", param.help.en.clone()),
        (
            "default",
            param.default.as_ref().map(Value::to_raw).unwrap_or_default(),
        ),
        (
            "empty_default",
            switch(param.default.as_ref().is_some_and(|one| one.to_raw().is_empty())),
        ),
        ("required", switch(param.required)),
        ("advanced", switch(param.advanced)),
        ("options", items),
        ("source", source.map_or("", |(key, _)| key).to_owned()),
        ("visible_if", conditions_text(&param.visible_if)),
        ("pattern", pattern.map_or("", |(key, _)| key).to_owned()),
        ("min", number(param.min)),
        ("max", number(param.max)),
    ]
    .map(|(key, text)| (key.to_owned(), text))
    .into()
}

/// Makes a change of the parameters.
pub(super) fn change(template: &mut Template, change: &Change, op: &str) -> Result<Option<String>, AppError> {
    let known = get(change, "param");
    let at = template.params.iter().position(|param| param.id == known);
    match (op, at) {
        ("param-set", _) => set(template, change, at),
        ("param-up", Some(at)) if at > 0 => {
            template.params.swap(at, at - 1);
            Ok(None)
        }
        ("param-down", Some(at)) if at + 1 < template.params.len() => {
            template.params.swap(at, at + 1);
            Ok(None)
        }
        ("param-remove", Some(at)) => {
            let used = users(template, known);
            if !used.is_empty() {
                let words = tr!(template.param_used, name = known, places = used.join(", "));
                return Err(refused(words, None, String::new()));
            }
            template.params.remove(at);
            Ok(Some(String::new()))
        }
        _ => Ok(None),
    }
}

/// The jobs and parameters that speak of a parameter.
fn users(template: &Template, id: &str) -> Vec<String> {
    let jobs = template.graph.jobs.iter().filter(|job| {
        let text = serde_json::to_string(job).unwrap_or_default();
        let asks = |conditions: &[slipway_domain::pipeline::Condition]| {
            conditions.iter().any(|condition| condition.param == id)
        };
        references(&text).contains(&id)
            || asks(&job.conditions)
            || job.steps.iter().any(|step| asks(&step.conditions))
    });
    let params = template
        .params
        .iter()
        .filter(|param| param.visible_if.iter().any(|condition| condition.param == id));
    jobs.map(|job| job.id.clone())
        .chain(params.map(|param| param.id.clone()))
        .collect()
}

fn set(template: &mut Template, change: &Change, at: Option<usize>) -> Result<Option<String>, AppError> {
    let as_it_was = at.is_some_and(|at| {
        let known = fields(&template.params[at]);
        known
            .iter()
            .all(|(key, text)| get(change, key) == text.replace("\r\n", "\n").trim())
    });
    if as_it_was {
        return Ok(None);
    }
    let param = read(template, change, at)?;
    let id = param.id.clone();
    match at {
        Some(at) => {
            let old = std::mem::replace(&mut template.params[at], param);
            if old.id != id {
                renamed(template, &old.id, &id);
            }
        }
        None => template.params.push(param),
    }
    Ok(Some(format!("param={}", encode(&id))))
}

/// The parameter that a form says.
fn read(template: &Template, change: &Change, at: Option<usize>) -> Result<Param, AppError> {
    let id = get(change, "id").to_owned();
    if !Pattern::VariableName.matches(&id) {
        return Err(wrong("id", tr!(editor.variable_name)));
    }
    let others = template
        .params
        .iter()
        .enumerate()
        .filter(|(place, _)| Some(*place) != at);
    if others.clone().any(|(_, other)| other.id == id) {
        return Err(wrong("id", tr!(template.taken, name = id)));
    }
    let number = |field: &str| match get(change, field) {
        "" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|_| wrong(field, tr!(editor.whole_number))),
    };
    let kind = KINDS.iter().find(|(key, _)| *key == get(change, "kind"));
    let kind = kind.map_or(ParamKind::String, |(_, kind)| *kind);
    let source = SOURCES.iter().find(|(key, _)| *key == get(change, "source"));
    let items = options(get(change, "options"));
    let conditions = conditions(get(change, "visible_if"), &template.params);
    let mut param = Param {
        id,
        kind,
        label: labelled(both(change, "label")),
        help: both(change, "help"),
        default: None,
        required: get(change, "required") == "true",
        pattern: PATTERNS
            .iter()
            .find(|(key, _)| *key == get(change, "pattern"))
            .map(|(_, pattern)| *pattern),
        min: number("min")?,
        max: number("max")?,
        options: match source {
            Some((_, source)) => Some(source.clone()),
            None => (!items.is_empty()).then_some(Options::Static { items }),
        },
        visible_if: conditions.map_err(|words| wrong("visible_if", words))?,
        advanced: get(change, "advanced") == "true",
    };
    let raw = change
        .get("default")
        .map(|text| text.replace("\r\n", "\n"))
        .unwrap_or_default();
    if !raw.trim().is_empty() || get(change, "empty_default") == "true" {
        param.default = Some(default(&param, &raw)?);
    }
    Ok(param)
}

/// Whoever writes one language alone is read in it by everybody.
fn labelled(label: Text) -> Text {
    let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
    let (zh, en) = (label.zh.clone(), label.en.clone());
    Text::new(or(label.en, &zh), or(label.zh, &en))
}

/// The default, as the form of the template would read it.
fn default(param: &Param, raw: &str) -> Result<Value, AppError> {
    let asked = Param {
        required: false,
        visible_if: Vec::new(),
        default: None,
        ..param.clone()
    };
    let inputs = BTreeMap::from([(param.id.clone(), raw.to_owned())]);
    let mut parsed = form::parse(std::slice::from_ref(&asked), &inputs);
    if let Some(error) = parsed.errors.first() {
        return Err(wrong("default", error.message.text(locale())));
    }
    Ok(parsed
        .values
        .remove(&param.id)
        .unwrap_or_else(|| param.kind.empty()))
}

/// Another name for a parameter, wherever it is spoken of.
fn renamed(template: &mut Template, old: &str, new: &str) {
    let text = |text: &str| with_name(text, old, new);
    let value = |value: &mut Value| match value {
        Value::Text(inner) => *inner = text(inner),
        Value::List(items) => items.iter_mut().for_each(|item| *item = text(item)),
        Value::Map(items) => items.values_mut().for_each(|item| *item = text(item)),
        Value::Bool(_) | Value::Int(_) => {}
    };
    let asks = |conditions: &mut Vec<slipway_domain::pipeline::Condition>| {
        for condition in conditions.iter_mut().filter(|condition| condition.param == old) {
            new.clone_into(&mut condition.param);
        }
    };
    let maybe = |inner: &mut Option<String>| {
        if let Some(inner) = inner {
            *inner = text(inner);
        }
    };
    for param in &mut template.params {
        asks(&mut param.visible_if);
    }
    for job in &mut template.graph.jobs {
        asks(&mut job.conditions);
        maybe(&mut job.name);
        maybe(&mut job.on);
        maybe(&mut job.timeout);
        if let Some(tags) = &mut job.tags {
            value(tags);
        }
        if let Some(image) = &mut job.image {
            image.name = text(&image.name);
        }
        if let Some(environment) = &mut job.environment {
            environment.name = text(&environment.name);
            maybe(&mut environment.url);
        }
        for step in &mut job.steps {
            asks(&mut step.conditions);
            step.params.values_mut().for_each(value);
        }
    }
}

/// A text whose references to `old` name `new`; filters stay.
fn with_name(text: &str, old: &str, new: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("$[[") {
        let Some((inner, behind)) = after.split_once("]]") else {
            break;
        };
        let (name, filters) = match inner.split_once('|') {
            Some((name, filters)) => (name, Some(filters)),
            None => (inner, None),
        };
        out.push_str(before);
        if name.trim() == format!("inputs.{old}") {
            out.push_str("$[[");
            out.push_str(&name.replace(&format!("inputs.{old}"), &format!("inputs.{new}")));
            if let Some(filters) = filters {
                out.push('|');
                out.push_str(filters);
            }
        } else {
            out.push_str("$[[");
            out.push_str(inner);
        }
        out.push_str("]]");
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// The list of parameters.
pub(super) fn list(studio: Studio, sheet: &Sheet) -> AnyView {
    let Some(template) = &sheet.template else {
        return ().into_any();
    };
    let rows = template
        .params
        .iter()
        .map(|param| {
            let id = param.id.clone();
            let act = |op: &'static str, sign: &'static str, word: String| {
                change_form(studio, op, &[("param", id.clone())], "", move || {
                    view! { <button type="submit" class="btn quiet small" aria-label=word.clone() title=word.clone()>{sign}</button> }
                        .into_any()
                })
            };
            let acts = studio.may_edit.then(|| {
                view! {
                    <span class="row">
                        {act("param-up", "↑", tr!(template.param_up, name = id))}
                        {act("param-down", "↓", tr!(template.param_down, name = id))}
                    </span>
                }
            });
            let href = studio.href(Some(&format!("param={}", encode(&param.id))));
            view! {
                <li class="row wrap">
                    <a class="link" href=href><code>{param.id.clone()}</code></a>
                    <span class="small muted">{say(&param.label)}</span>
                    {acts}
                </li>
            }
        })
        .collect::<Vec<_>>();
    let add = studio.may_edit.then(|| {
        let href = studio.href(Some("param="));
        view! { <p><a class="btn" href=href>{tr!(template.param_add)}</a></p> }
    });
    view! { <section class="drawer-part"><h3>{tr!(template.params)}</h3><ul class="need-list">{rows}</ul>{add}</section> }
        .into_any()
}

/// The form of one parameter; of a new one where no template has it.
pub(super) fn form_of(studio: Studio, sheet: &Sheet, id: &str) -> AnyView {
    let params = sheet.template.as_ref().map(|template| template.params.as_slice());
    let known = params.and_then(|params| params.iter().find(|param| param.id == id));
    let texts = known.map_or_else(
        || Change::from([(String::from("kind"), String::from("string"))]),
        fields,
    );
    let title = known.map_or_else(|| tr!(template.param_add), |param| param.id.clone());
    let about = vec![("param", known.map(|param| param.id.clone()).unwrap_or_default())];
    let content = move || form_fields(studio, &texts);
    let remove = (studio.may_edit && known.is_some()).then(|| {
        change_form(studio, "param-remove", &about, "drawer-part", || {
            submit(Weight::Danger, tr!(template.param_remove))
        })
    });
    view! {
        <header>
            <h2>{title}</h2>
            <a class="btn quiet small" href=studio.href(None)>{tr!(common.close)}</a>
        </header>
        {change_form(studio, "param-set", &about, "form", content)}
        {remove}
    }
    .into_any()
}

fn form_fields(studio: Studio, texts: &Change) -> AnyView {
    let text = |key: &str| texts.get(key).map_or("", String::as_str);
    let kinds = KINDS.map(|(key, _)| (key.to_owned(), kind_word(key))).to_vec();
    let none = || (String::new(), tr!(editor.not_set));
    let sources = std::iter::once(none()).chain(SOURCES.map(|(key, _)| {
        let word = match key {
            "branches" => tr!(template.source_branches),
            "runner_tags" => tr!(template.source_runner_tags),
            "environments" => tr!(template.source_environments),
            _ => tr!(template.source_registries),
        };
        (key.to_owned(), word)
    }));
    let patterns = std::iter::once(none()).chain(PATTERNS.map(|(key, _)| {
        let word = match key {
            "slug" => tr!(template.pattern_slug),
            "variable_name" => tr!(template.pattern_variable_name),
            "version" => tr!(template.pattern_version),
            _ => tr!(template.pattern_glob),
        };
        (key.to_owned(), word)
    }));
    let area =
        |key: &str, label: String, help: Option<String>| field(key, label, help, Control::Lines, text(key));
    let switch = |key: &str, label: String| field(key, label, None, Control::Switch, text(key));
    let more = view! {
        {chosen_of("pattern", tr!(template.pattern), patterns.collect(), text("pattern"))}
        {field("min", tr!(template.min), Some(tr!(template.min_help)), Control::Number, text("min"))}
        {field("max", tr!(template.max), None, Control::Number, text("max"))}
        {chosen_of("source", tr!(template.source), sources.collect(), text("source"))}
        {area("visible_if", tr!(template.shown_if), Some(tr!(template.conditions_help)))}
    };
    let apply = studio
        .may_edit
        .then(|| view! { <p>{submit(Weight::Primary, tr!(editor.apply))}</p> });
    view! {
        {field("id", tr!(template.param_id), Some(tr!(template.param_id_help)), Control::Line, text("id"))}
        {chosen_of("kind", tr!(template.kind), kinds, text("kind"))}
        {line("label_en", tr!(template.label_en), text("label_en"))}
        {line("label_zh", tr!(template.label_zh), text("label_zh"))}
        {line("help_en", tr!(template.help_en), text("help_en"))}
        {line("help_zh", tr!(template.help_zh), text("help_zh"))}
        {area("default", tr!(template.default), None)}
        <input type="hidden" name="change[empty_default]" value=text("empty_default").to_owned()/>
        {switch("required", tr!(template.required))}
        {switch("advanced", tr!(template.advanced))}
        {area("options", tr!(template.options), Some(tr!(template.options_help)))}
        <details class="more">
            <summary>{tr!(pipeline.more)}</summary>
            <div class="form">{more}</div>
        </details>
        {apply}
    }
    .into_any()
}
