//! `App/runs/new`: a pipeline is run with what its file asks for, and with variables.

use super::api::{ReadRunForm, StartRun};
use super::field::{Typed, Typing};
use super::place_fields;
use crate::application::parts::app_head;
use crate::design::button::{Weight, button_link, submit};
use crate::design::flash::Flash;
use crate::design::form::{Form, hidden};
use crate::design::page::{PageHead, Panel};
use crate::i18n::say;
use crate::load::load;
use crate::places::{app_params, query};
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::pipeline::inputs::{Input, InputKind, Prefilled, text_of};
use slipway_domain::run::RunForm;

/// How many rows there are for variables of one's own.
const ROWS: usize = 4;

/// `App/runs/new`.
pub fn new_run_page() -> AnyView {
    let params = app_params();
    let git_ref = query("ref");
    load(move || {
        let (org, project, app) = params();
        ReadRunForm {
            org,
            project,
            app,
            git_ref: git_ref(),
        }
    })
    .view(|form| show(&form))
}

fn show(form: &RunForm) -> AnyView {
    let back = button_link(
        Weight::Quiet,
        format!("{}/pipelines", form.place.path()),
        tr!(run.back),
    );
    let (which, body) = (which_ref(&form.git_ref, &form.refs), body(form));
    view! {
        <PageHead title=tr!(run.run_pipeline) line=tr!(run.form_line).into_any() actions=back/>
        {app_head(&form.place, "pipelines")}
        <div class="stack wide">
            <Panel title=tr!(run.run_on)>{which}</Panel>
            <Panel title=tr!(run.with)>{body}</Panel>
        </div>
    }
    .into_any()
}

/// Another branch has another file: a form of its own, which reads the page again.
pub(crate) fn which_ref(git_ref: &str, refs: &[String]) -> AnyView {
    let options: Vec<AnyView> = refs
        .iter()
        .map(|name| view! { <option value=name.clone()></option> }.into_any())
        .collect();
    view! {
        <form method="get" class="form box-body">
            <div class="field">
                <label for="run-ref">{tr!(run.run_on_help)}</label>
                <div class="row wrap">
                    <input
                        class="input code" id="run-ref" name="ref" list="run-refs" value=git_ref.to_owned() required
                        autocomplete="off" spellcheck="false"
                    />
                    <datalist id="run-refs">{options}</datalist>
                    {submit(Weight::Plain, tr!(run.read_ref))}
                </div>
            </div>
        </form>
    }
    .into_any()
}

fn body(form: &RunForm) -> AnyView {
    let trouble = form
        .trouble
        .as_ref()
        .map(|trouble| view! { <p class="note warn">{say(trouble)}</p> });
    if !form.may_run {
        return view! { <div class="box-body stack">{trouble}<p class="note">{tr!(run.protected)}</p></div> }
            .into_any();
    }
    let place = place_fields(&form.place);
    let (asked, git_ref) = (form.asked.clone(), form.git_ref.clone());
    let fields = move || {
        let nothing = asked.inputs.is_empty() && asked.variables.is_empty();
        let inputs: Vec<AnyView> = asked.inputs.iter().map(input_field).collect();
        let offered: Vec<AnyView> = asked
            .variables
            .iter()
            .enumerate()
            .map(|(at, variable)| prefilled(at, variable))
            .collect();
        view! {
            {place}{hidden("ref", git_ref)}
            {nothing.then(|| view! { <p class="muted">{tr!(run.asks_nothing)}</p> })}
            {asked.more_elsewhere.then(|| view! { <p class="note">{tr!(run.more_elsewhere)}</p> })}
            {inputs}{offered}
            {own_variables(asked.variables.len())}
            <p>{submit(Weight::Primary, tr!(run.start))}</p>
        }
    };
    view! {
        <div class="box-body stack">
            {trouble}
            <Form action=StartRun::PATH>{fields()}</Form>
        </div>
    }
    .into_any()
}

/// One input. What it takes is said below it.
pub(super) fn input_field(input: &Input) -> AnyView {
    typed_input(input, input.shown()).field()
}

/// The field of an input that holds `value`.
pub(crate) fn typed_input(input: &Input, value: String) -> Typed {
    let options: Vec<String> = input.options.iter().map(text_of).collect();
    let typing = match input.kind {
        InputKind::Array => Typing::Lines(value.lines().count().clamp(3, 8)),
        _ if !options.is_empty() => {
            // Nothing is chosen for somebody who must choose.
            let mut all = if input.is_required() {
                vec![String::new()]
            } else {
                Vec::new()
            };
            all.extend(options);
            Typing::Choice(all)
        }
        InputKind::Boolean if input.is_required() => {
            Typing::Choice(["", "true", "false"].map(String::from).to_vec())
        }
        InputKind::Boolean => Typing::Choice(["true", "false"].map(String::from).to_vec()),
        InputKind::Number => Typing::Number,
        InputKind::String if value.contains('\n') => Typing::Lines(value.lines().count().clamp(2, 8)),
        InputKind::String => Typing::Line,
    };
    let takes = match input.kind {
        InputKind::Array => tr!(run.takes_list),
        InputKind::Number => tr!(run.takes_number),
        InputKind::Boolean | InputKind::String => String::new(),
    };
    let pattern = input
        .regex
        .as_ref()
        .map(|regex| tr!(run.takes_pattern, pattern = regex.clone()));
    let help = [input.description.clone(), takes, pattern.unwrap_or_default()];
    let help: Vec<String> = help.into_iter().filter(|part| !part.is_empty()).collect();
    let name = input.name.clone();
    Typed {
        name: format!("inputs[{name}]"),
        label: view! { <code>{name}</code> }.into_any(),
        help: help.join(" · "),
        value,
        required: input.is_required(),
        typing,
    }
}

/// A variable that the file offers.
fn prefilled(at: usize, variable: &Prefilled) -> AnyView {
    let typing = if variable.options.is_empty() {
        Typing::Line
    } else {
        Typing::Choice(variable.options.clone())
    };
    let key = variable.name.clone();
    let field = Typed {
        name: format!("variables[{at}][value]"),
        label: view! { <code>{key.clone()}</code> }.into_any(),
        help: variable.description.clone(),
        value: variable.value.clone(),
        required: false,
        typing,
    };
    view! { <input type="hidden" name=format!("variables[{at}][key]") value=key/>{field.field()} }.into_any()
}

/// Rows for variables of one's own, after `first` others. As many as came back, and some that are empty.
fn own_variables(first: usize) -> AnyView {
    let before = Flash::of(StartRun::PATH);
    let filled = |at: &usize| {
        before.as_ref().is_some_and(|flash| {
            flash
                .typed(&format!("variables[{at}][key]"))
                .is_some_and(|key| !key.is_empty())
        })
    };
    let used = (first..first + 100).filter(filled).count();
    let rows: Vec<AnyView> = (first..first + used + ROWS)
        .map(|at| variable_row("variables", at))
        .collect();
    view! {
        <details class="more" open={used > 0}>
            <summary>{tr!(run.variables)}</summary>
            <div class="form">
                <p class="help">{tr!(run.variables_help)}</p>
                {rows}
            </div>
        </details>
    }
    .into_any()
}

/// One row for a variable.
pub(crate) fn variable_row(list: &str, at: usize) -> AnyView {
    let field = |part: &str, label: String, typing: Typing| {
        Typed {
            name: format!("{list}[{at}][{part}]"),
            label: label.into_any(),
            help: String::new(),
            value: String::new(),
            required: false,
            typing,
        }
        .field()
    };
    let kinds = vec![
        (String::from("env_var"), tr!(run.kind_env)),
        (String::from("file"), tr!(run.kind_file)),
    ];
    view! {
        <div class="form-row variable">
            {field("key", tr!(run.key), Typing::Line)}
            {field("value", tr!(run.value), Typing::Lines(1))}
            {field("kind", tr!(run.kind), Typing::Words(kinds))}
        </div>
    }
    .into_any()
}
