//! How the board is set up: its columns with their limits, and the workflow of each kind of work. Everything is a plain
//! form; each keeps the version that it was made from.

pub mod api;
mod columns;
mod graph;
mod templates;
mod ways;

use self::api::{ReadBoardSetup, RemoveState, SaveState, StateUp};
use super::parts;
use crate::design::button::{Weight, button_link, submit};
use crate::design::field::{Control, Field};
use crate::design::flash::Flash;
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::{PageHead, Panel};
use crate::design::status::tag;
use crate::design::tabs::{Tab, tabs};
use crate::i18n::say;
use crate::load::load;
use crate::places::param;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::board::BoardSetupView;
use slipway_domain::item::{Category, Color, ItemKind, ItemState, Workflow};

/// `P/board/setup`.
pub fn setup_page() -> AnyView {
    let (org, project) = (param("org"), param("project"));
    load(move || ReadBoardSetup {
        org: org(),
        project: project(),
    })
    .watching(|view: &BoardSetupView| super::topics(&view.place))
    .view(|view| columns::show(&view))
}

/// `P/board/setup/{kind}`.
pub fn workflow_page() -> AnyView {
    let (org, project, kind) = (param("org"), param("project"), param("kind"));
    load(move || ReadBoardSetup {
        org: org(),
        project: project(),
    })
    .watching(|view: &BoardSetupView| super::topics(&view.place))
    .view(move |view| show(&view, ItemKind::from_key(&kind()).unwrap_or(ItemKind::Task)))
}

/// The tabs of the setup: the columns, and one a kind of work.
fn setup_tabs(view: &BoardSetupView, here: Option<ItemKind>) -> AnyView {
    let base = format!("{}/board/setup", view.place.path());
    let mut all = vec![Tab {
        word: tr!(flow.columns),
        href: base.clone(),
        current: here.is_none(),
    }];
    all.extend(ItemKind::ALL.iter().map(|kind| Tab {
        word: say(&kind.text()),
        href: format!("{base}/{}", kind.key()),
        current: here == Some(*kind),
    }));
    tabs(tr!(flow.tabs), all)
}

/// The hidden fields that say what a form changes, and from which version.
fn setup_fields(view: &BoardSetupView) -> AnyView {
    view! { {place_fields(&view.place)}{hidden("version", view.version.to_string())} }.into_any()
}

fn show(view: &BoardSetupView, kind: ItemKind) -> AnyView {
    let flow = view.setup.flow(kind);
    let title = tr!(flow.title, kind = say(&kind.text()));
    let back = button_link(
        Weight::Quiet,
        format!("{}/board", view.place.path()),
        tr!(flow.to_board),
    );
    let line = if view.may_edit {
        tr!(flow.line)
    } else {
        tr!(flow.read_only)
    };
    let states = flow
        .states
        .iter()
        .enumerate()
        .map(|(at, state)| state_row(view, kind, &flow, (at, state)))
        .collect::<Vec<_>>();
    let new = view.may_edit.then(|| new_state(view, kind));
    let picture = graph::graph(&flow, tr!(flow.graph_words, kind = say(&kind.text())));
    let (ways, templates) = (ways::panel(view, kind, &flow), templates::panel(view, kind));
    view! {
        <PageHead title line=line.into_any() actions=back/>
        {setup_tabs(view, Some(kind))}
        <div class="stack wide">
            <Panel title=tr!(flow.graph)>{picture}</Panel>
            <Panel title=tr!(flow.states)><ul class="setup-list">{states}</ul>{new}</Panel>
            {ways}
            {templates}
        </div>
    }
    .into_any()
}

fn state_row(
    view: &BoardSetupView,
    kind: ItemKind,
    flow: &Workflow,
    (at, state): (usize, &ItemState),
) -> AnyView {
    let key = state.state_key();
    let items = view
        .counts
        .iter()
        .find(|count| count.kind == kind && count.state == *key)
        .map_or(0, |count| count.items);
    let first = (at == 0).then(|| tag(tr!(flow.first)));
    let lost =
        (!flow.is_reached(key)).then(|| view! { <span class="small muted">{tr!(flow.unreached)}</span> });
    let acts = view.may_edit.then(|| {
        let up = (at > 0).then(|| {
            let fields = view! { {setup_fields(view)}{hidden("kind", kind.key().to_owned())}{submit(Weight::Quiet, tr!(flow.up))} };
            view! { <Form action=StateUp::PATH class="inline-form" key=("key", key.to_string())>{fields}</Form> }
        });
        let at = ("key", key.as_str());
        let open = Flash::refused(SaveState::PATH, at) || Flash::refused(RemoveState::PATH, at);
        view! {
            {up}
            <details class="setup-edit" open=open>
                <summary>{tr!(flow.change)}</summary>
                {state_form(view, kind, Some(state))}
                {remove_state(view, kind, flow, (state, items))}
            </details>
        }
    });
    view! {
        <li>
            {parts::state(state)}
            <code class="small muted">{key.to_string()}</code>
            <span class="small">{say(&state.category().text())}</span>
            <span class="small muted">{tr!(flow.items, n = items)}</span>
            {first}{lost}
            {acts}
        </li>
    }
    .into_any()
}

/// The form of a state: of one that is there, or of a new one.
fn state_form(view: &BoardSetupView, kind: ItemKind, state: Option<&ItemState>) -> AnyView {
    let fields_of = setup_fields(view);
    let key = state.map(|state| state.key().to_owned()).unwrap_or_default();
    let name = state.map(ItemState::text).unwrap_or_default();
    let category = state.map_or(Category::InProgress, ItemState::category);
    let color = state
        .filter(|state| state.color() != state.category().color())
        .map(|state| state.color().key().to_owned())
        .unwrap_or_default();
    let categories = parts::choices(Category::ALL, |one| (one.key(), one.text()));
    let mut colors = vec![(String::new(), tr!(flow.color_of_category))];
    colors.extend(parts::choices(Color::ALL, |one| (one.key(), one.text())));
    let word = if state.is_some() {
        tr!(flow.save)
    } else {
        tr!(flow.add_state)
    };
    let fields = move || {
        view! {
            {fields_of}
            {hidden("kind", kind.key().to_owned())}
            <Field name="name_en" label=tr!(flow.name_en) value=name.en/>
            <Field name="name_zh" label=tr!(flow.name_zh) value=name.zh/>
            <Field name="category" label=tr!(flow.category) control=Control::Select(categories) value=category.key().to_owned()/>
            <Field name="color" label=tr!(flow.color) control=Control::Select(colors) value=color/>
            {submit(Weight::Plain, word)}
        }
    };
    view! { <Form action=SaveState::PATH class="form-row" key=("key", key) done=tr!(flow.saved)>{fields()}</Form> }.into_any()
}

fn new_state(view: &BoardSetupView, kind: ItemKind) -> AnyView {
    let open = Flash::refused(SaveState::PATH, ("key", ""));
    view! {
        <details class="setup-new" open=open>
            <summary>{tr!(flow.new_state)}</summary>
            {state_form(view, kind, None)}
        </details>
    }
    .into_any()
}

/// The form that takes a state away: it asks where the items go.
fn remove_state(
    view: &BoardSetupView,
    kind: ItemKind,
    flow: &Workflow,
    (state, items): (&ItemState, i64),
) -> AnyView {
    let others: Vec<(String, String)> = flow
        .states
        .iter()
        .filter(|other| other.state_key() != state.state_key())
        .map(|other| (other.key().to_owned(), say(&other.text())))
        .collect();
    let fields_of = setup_fields(view);
    let label = tr!(flow.items_go, n = items);
    let fields = move || {
        view! {
            {fields_of}
            {hidden("kind", kind.key().to_owned())}
            <Field name="to" label=label control=Control::Select(others)/>
            {submit(Weight::Danger, tr!(flow.remove_state))}
        }
    };
    view! { <Form action=RemoveState::PATH class="form-row" key=("key", state.key().to_owned()) done=tr!(flow.removed)>{fields()}</Form> }
        .into_any()
}
