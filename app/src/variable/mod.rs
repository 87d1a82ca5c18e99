//! `App/settings/variables`: what GitLab gives to the jobs of the repository. Values go in and never come out.

pub mod api;

use crate::design::button::{Weight, button_link, submit};
use crate::design::field::{Control, Field};
use crate::design::form::{Form, FormState, hidden, place_fields};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::design::status::tag;
use crate::design::time::clock;
use crate::i18n::say;
use crate::live::Topics;
use crate::load::load;
use crate::places::app_params;
use crate::tr;
use api::{ReadVariables, RemoveVariable, SaveVariable};
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::variable::{VariableKind, VariableList, VariableRow, Visibility, check_key};

/// `App/settings/variables`.
pub fn variables_page() -> AnyView {
    let params = app_params();
    load(move || {
        let (org, project, app) = params();
        ReadVariables { org, project, app }
    })
    .watching(|list: &VariableList| {
        let app = list.place.app.iter();
        app.fold(Topics::default(), |topics, app| topics.and("app", app.id))
    })
    .view(|list| show(&list))
}

fn show(list: &VariableList) -> AnyView {
    let back = button_link(
        Weight::Quiet,
        format!("{}/settings", list.place.path()),
        tr!(variable.back),
    );
    let trouble = list
        .trouble
        .as_ref()
        .map(|trouble| view! { <p class="note warn gap-below">{say(trouble)}</p> });
    let body = if list.variables.is_empty() {
        view! { <EmptyState title=tr!(variable.none) hint=tr!(variable.none_hint)/> }.into_any()
    } else {
        let items: Vec<AnyView> = list
            .variables
            .iter()
            .map(|variable| entry(list, variable))
            .collect();
        view! { <ul class="plain entries">{items}</ul> }.into_any()
    };
    let line = list
        .place
        .app
        .as_ref()
        .map(|app| app.name.clone())
        .unwrap_or_default();
    view! {
        <PageHead title=tr!(variable.title) line=line.into_any() actions=back/>
        {trouble}
        <div class="stack wide">
            <div class="box">{body}</div>
            {add(list)}
        </div>
        {list.as_of.map(|at| view! { <p class="small muted foot">{tr!(common.as_of)}" "{clock(at)}</p> })}
    }
    .into_any()
}

/// What tells variables apart: name and environments. It stands in ids, which have no spaces.
fn which(key: &str, scope: &str) -> String {
    format!("{key}:{}", scope.replace(' ', "\u{a0}"))
}

/// The name and the environments that [`which`] put together; of a new variable there are none.
#[cfg(any(feature = "ssr", test))]
fn named(which: &str) -> Option<(&str, String)> {
    let (key, scope) = which.split_once(':')?;
    Some((key, scope.replace('\u{a0}', " ")))
}

/// What is said of a variable in a word each.
fn tags(variable: &VariableRow) -> Vec<AnyView> {
    let visibility = match variable.visibility {
        Visibility::Visible => None,
        Visibility::Masked => Some(tr!(variable.masked)),
        Visibility::Hidden => Some(tr!(variable.hidden)),
    };
    [
        visibility,
        variable.protected.then(|| tr!(variable.protected)),
        (variable.kind == VariableKind::File).then(|| tr!(run.kind_file)),
        variable.raw.then(|| tr!(variable.raw)),
    ]
    .into_iter()
    .flatten()
    .map(tag)
    .collect()
}

fn entry(list: &VariableList, variable: &VariableRow) -> AnyView {
    let (key, scope) = (variable.key.clone(), variable.scope.clone());
    let which = which(&key, &scope);
    let description = (!variable.description.is_empty())
        .then(|| view! { <p class="small muted break">{variable.description.clone()}</p> });
    let change = {
        let place = place_fields(&list.place);
        let variable = variable.clone();
        let scopes = list.scopes.clone();
        let fields = move || {
            view! {
                {place}
                {fields(Some(&variable), &scopes)}
                <p>{submit(Weight::Primary, tr!(variable.save))}</p>
            }
        };
        view! {
            <Form action=SaveVariable::PATH key=("which", which.clone()) done=tr!(variable.saved)>{fields()}</Form>
        }
    };
    let remove = {
        let place = place_fields(&list.place);
        let sure = tr!(variable.remove_confirm, name = key.clone());
        let (key, scope) = (key.clone(), scope.clone());
        view! {
            <Form
                action=RemoveVariable::PATH class="inline" key=("which", which.clone()) done=tr!(variable.removed)
                confirm=sure
            >
                {place}{hidden("key", key)}{hidden("scope", scope)}
                {submit(Weight::Danger, tr!(variable.remove))}
            </Form>
        }
    };
    let open = crate::Flash::of(SaveVariable::PATH)
        .is_some_and(|flash| flash.typed("which") == Some(which.as_str()));
    view! {
        <li class="entry">
            <div class="row wrap">
                <code class="strong break">{key}</code>
                <span class="small muted">{tr!(variable.for_scope)}" "<code>{scope}</code></span>
                {tags(variable)}
            </div>
            {description}
            <details class="more" open=open>
                <summary>{tr!(variable.change)}</summary>
                <div class="stack">{change}{remove}</div>
            </details>
        </li>
    }
    .into_any()
}

fn add(list: &VariableList) -> AnyView {
    let (place, scopes) = (place_fields(&list.place), list.scopes.clone());
    let fields = move || {
        view! {
            {place}
            {fields(None, &scopes)}
            <p>{submit(Weight::Primary, tr!(variable.add))}</p>
        }
    };
    view! {
        <Panel title=tr!(variable.add)>
            <div class="box-body">
                <Form action=SaveVariable::PATH key=("which", String::new()) done=tr!(variable.saved)>{fields()}</Form>
            </div>
        </Panel>
    }
    .into_any()
}

fn wrong_key(key: &str) -> Option<String> {
    check_key(key.trim()).err().map(|wrong| say(&wrong))
}

/// The fields of a variable; `None`: of a new one.
fn fields(variable: Option<&VariableRow>, scopes: &[String]) -> AnyView {
    let row = variable.cloned().unwrap_or_else(|| VariableRow {
        scope: String::from("*"),
        visibility: Visibility::Masked,
        protected: true,
        ..VariableRow::default()
    });
    let key = variable.is_none().then(|| {
        view! { <Field name="key" label=tr!(run.key) help=tr!(variable.key_help) required=true check=wrong_key/> }
    });
    let mut scope_help = tr!(variable.scope_help);
    if !scopes.is_empty() {
        scope_help = format!("{scope_help} · {}", scopes.join(", "));
    }
    let value_help = if variable.is_some() {
        tr!(variable.value_kept)
    } else {
        tr!(variable.value_help)
    };
    // GitLab hides a variable when it is made, and for good.
    let choices = match variable.map(|variable| variable.visibility) {
        None => Visibility::ALL.to_vec(),
        Some(Visibility::Hidden) => vec![Visibility::Hidden],
        Some(_) => vec![Visibility::Visible, Visibility::Masked],
    };
    let choices = choices
        .into_iter()
        .map(|choice| (choice.key().to_owned(), visibility_word(choice)))
        .collect::<Vec<_>>();
    let kinds = vec![
        (String::from("env_var"), tr!(run.kind_env)),
        (String::from("file"), tr!(run.kind_file)),
    ];
    let box_for = |name: &'static str, on: bool, word: String, help: String| {
        let form = FormState::here();
        let on = if form.came_back() {
            form.typed(name).is_some()
        } else {
            on
        };
        view! {
            <label class="choice">
                <input type="checkbox" name=name value="true" checked=on/>
                <span class="stack tight"><span class="strong">{word}</span><span class="small muted">{help}</span></span>
            </label>
        }
        .into_any()
    };
    view! {
        {key}
        <Field name="secret_value" label=tr!(run.value) help=value_help control=Control::Area(2)/>
        <div class="form-row">
            <Field name="visibility" label=tr!(variable.visibility) help=tr!(variable.visibility_help) value=row.visibility.key().to_owned() control=Control::Select(choices)/>
            <Field name="kind" label=tr!(run.kind) value=row.kind.key().to_owned() control=Control::Select(kinds)/>
        </div>
        <Field name="scope" label=tr!(variable.scope) help=scope_help value=row.scope/>
        <Field name="description" label=tr!(variable.description) value=row.description/>
        {box_for("protected", row.protected, tr!(variable.protected), tr!(variable.protected_help))}
        {box_for("raw", row.raw, tr!(variable.raw), tr!(variable.raw_help))}
    }
    .into_any()
}

fn visibility_word(visibility: Visibility) -> String {
    match visibility {
        Visibility::Visible => tr!(variable.visible),
        Visibility::Masked => tr!(variable.masked),
        Visibility::Hidden => tr!(variable.hidden),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_found_by_what_its_form_posts() {
        for scope in ["*", "review/*", "two words"] {
            let posted = which("KEY", scope);
            assert!(!posted.contains(' '));
            assert_eq!(named(&posted), Some(("KEY", scope.to_owned())));
        }
        assert_eq!(named(""), None);
    }
}
