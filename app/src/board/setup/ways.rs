//! The transitions of a workflow, as a table, and their forms.

use super::api::{RemoveTransition, SaveTransition};
use super::setup_fields;
use crate::board::parts;
use crate::design::button::{Weight, submit};
use crate::design::field::{Control, Field as Input};
use crate::design::flash::Flash;
use crate::design::form::{Form, FormState, hidden};
use crate::design::page::Panel;
use crate::i18n::say;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::board::BoardSetupView;
use slipway_domain::item::{Field, ItemKind, Transition, Workflow};

/// What a transition can ask to be filled; the others are never empty.
const FIELDS: [Field; 12] = [
    Field::Assignee,
    Field::Description,
    Field::Points,
    Field::Due,
    Field::Iteration,
    Field::App,
    Field::Parent,
    Field::Labels,
    Field::FoundRelease,
    Field::FoundEnvironment,
    Field::FixedRelease,
    Field::FixedEnvironment,
];

/// All transitions, and the form for another one.
pub fn panel(view: &BoardSetupView, kind: ItemKind, flow: &Workflow) -> AnyView {
    let rows = flow
        .transitions
        .iter()
        .map(|way| row(view, kind, flow, way))
        .collect::<Vec<_>>();
    let new = view.may_edit.then(|| {
        let states = || -> Vec<(String, String)> {
            let states = flow.states.iter();
            states.map(|state| (state.key().to_owned(), say(&state.text()))).collect()
        };
        let (from, to, fields_of) = (states(), states(), setup_fields(view));
        let fields = move || {
            view! {
                {fields_of}
                {hidden("kind", kind.key().to_owned())}
                <div class="form-row">
                    <Input name="from" label=tr!(flow.from) control=Control::Select(from)/>
                    <Input name="to" label=tr!(flow.to) control=Control::Select(to)/>
                </div>
                {asks(&[], &[])}
                <p>{submit(Weight::Plain, tr!(flow.add_way))}</p>
            }
        };
        let open = Flash::refused(SaveTransition::PATH, ("way", "new"));
        view! {
            <details class="setup-new" open=open>
                <summary>{tr!(flow.new_way)}</summary>
                <Form action=SaveTransition::PATH class="form" done=tr!(flow.saved) key=("way", String::from("new"))>{fields()}</Form>
            </details>
        }
    });
    view! { <Panel title=tr!(flow.ways)><ul class="setup-list">{rows}</ul>{new}</Panel> }.into_any()
}

fn row(view: &BoardSetupView, kind: ItemKind, flow: &Workflow, way: &Transition) -> AnyView {
    let name = |key| {
        flow.state(key)
            .map(|state| say(&state.text()))
            .unwrap_or_default()
    };
    let (from, to) = (name(&way.from), name(&way.to));
    let roles: Vec<String> = way.roles.iter().map(|role| say(&role.text())).collect();
    let fields: Vec<String> = way.fields.iter().map(|field| say(&field.text())).collect();
    let for_roles = (!roles.is_empty()).then(|| tr!(flow.for_roles, roles = roles.join(", ")));
    let for_fields = (!fields.is_empty()).then(|| tr!(flow.for_fields, fields = fields.join(", ")));
    let words = for_roles
        .into_iter()
        .chain(for_fields)
        .collect::<Vec<_>>()
        .join(" · ");
    let of_category = |key| flow.state(key).map(slipway_domain::item::ItemState::category);
    let bug_rule = of_category(&way.from)
        .zip(of_category(&way.to))
        .is_some_and(|(from, to)| kind.closes_or_reopens(from, to))
        .then(|| view! { <span class="small muted">{tr!(flow.bug_rule)}</span> });
    let acts = view.may_edit.then(|| {
        let id = format!("{}-{}", way.from, way.to);
        let ends = || {
            view! { {setup_fields(view)}{hidden("kind", kind.key().to_owned())}{hidden("from", way.from.to_string())}{hidden("to", way.to.to_string())} }
        };
        let (of, roles, fields) = (ends(), way.roles.clone(), way.fields.clone());
        let save = move || view! { {of}{asks(&roles, &fields)}<p>{submit(Weight::Plain, tr!(flow.save))}</p> };
        let open = Flash::refused(SaveTransition::PATH, ("way", &id))
            || Flash::refused(RemoveTransition::PATH, ("way", &id));
        let remove = view! { {ends()}{submit(Weight::Danger, tr!(flow.remove_way))} };
        view! {
            <details class="setup-edit" open=open>
                <summary>{tr!(flow.change)}</summary>
                <Form action=SaveTransition::PATH class="form" done=tr!(flow.saved) key=("way", id.clone())>
                    {save()}
                </Form>
                <Form action=RemoveTransition::PATH class="inline-form" done=tr!(flow.removed) key=("way", id)>{remove}</Form>
            </details>
        }
    });
    view! { <li><span class="strong">{from}" → "{to}</span><span class="small">{words}</span>{bug_rule}{acts}</li> }.into_any()
}

/// What a transition asks for: boxes.
fn asks(roles: &[slipway_domain::access::Role], fields: &[Field]) -> AnyView {
    let role_boxes = Transition::roles_of_choice()
        .enumerate()
        .map(|(at, role)| {
            boxed(
                format!("roles[{at}]"),
                role.key(),
                say(&role.text()),
                roles.contains(&role),
            )
        })
        .collect::<Vec<_>>();
    let field_boxes = FIELDS
        .iter()
        .enumerate()
        .map(|(at, field)| {
            boxed(
                format!("fields[{at}]"),
                field.key(),
                say(&field.text()),
                fields.contains(field),
            )
        })
        .collect::<Vec<_>>();
    view! {
        <fieldset class="boxes"><legend>{tr!(flow.roles)}</legend>{role_boxes}</fieldset>
        <fieldset class="boxes"><legend>{tr!(flow.fields)}</legend>{field_boxes}</fieldset>
    }
    .into_any()
}

/// A box to tick, in a form: ticked as it was sent where the form came back.
pub fn boxed(name: String, value: &str, word: String, stored: bool) -> AnyView {
    let form = FormState::here();
    let checked = if form.came_back() {
        form.typed(&name).is_some()
    } else {
        stored
    };
    let value = value.to_owned();
    view! { <label class="check"><input type="checkbox" name=name value=value checked=checked/>{word}</label> }.into_any()
}

/// The states of all kinds of work that a column can name, each once.
pub fn all_states(view: &BoardSetupView) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for kind in ItemKind::ALL {
        for state in view.setup.flow(*kind).states {
            if all.iter().all(|(key, _)| key != state.key()) {
                all.push((state.key().to_owned(), say(&state.text())));
            }
        }
    }
    all
}

/// The looks of states, for a list.
pub fn looks(view: &BoardSetupView, keys: &[slipway_domain::item::StateKey]) -> Vec<AnyView> {
    let flows: Vec<Workflow> = ItemKind::ALL.iter().map(|kind| view.setup.flow(*kind)).collect();
    keys.iter()
        .filter_map(|key| flows.iter().find_map(|flow| flow.state(key)))
        .map(parts::state)
        .collect()
}
