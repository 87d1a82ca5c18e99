//! The columns of the board, their limits, and the switches.

use super::api::{ColumnUp, RemoveColumn, SaveColumn, SetFollows};
use super::ways::{all_states, boxed, looks};
use super::{setup_fields, setup_tabs};
use crate::board::parts;
use crate::design::button::{Weight, button_link, submit};
use crate::design::field::{Control, Field};
use crate::design::flash::Flash;
use crate::design::form::{Form, hidden};
use crate::design::page::{PageHead, Panel};
use crate::i18n::say;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::board::{BoardSetupView, ColumnSetup};
use slipway_domain::item::Category;

/// The page.
pub fn show(view: &BoardSetupView) -> AnyView {
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
    let rows = view
        .setup
        .columns()
        .iter()
        .enumerate()
        .map(|(at, column)| row(view, at, column))
        .collect::<Vec<_>>();
    let new = view.may_edit.then(|| {
        let open = Flash::refused(SaveColumn::PATH, ("key", ""));
        view! { <details class="setup-new" open=open><summary>{tr!(flow.new_column)}</summary>{form(view, None)}</details> }
    });
    let switches = switches(view);
    view! {
        <PageHead title=tr!(flow.setup) line=line.into_any() actions=back/>
        {setup_tabs(view, None)}
        <div class="stack wide">
            <Panel title=tr!(flow.columns)><ol class="setup-list">{rows}</ol>{new}</Panel>
            <Panel title=tr!(flow.switches)>{switches}</Panel>
        </div>
    }
    .into_any()
}

fn row(view: &BoardSetupView, at: usize, column: &ColumnSetup) -> AnyView {
    let limit = column.limit.map(|limit| {
        let rule = if limit.blocks {
            tr!(flow.blocks)
        } else {
            tr!(flow.warns)
        };
        view! { <span class="small">{tr!(flow.limit_of, n = limit.most)}" · "{rule}</span> }
    });
    let holds = if column.states.is_empty() {
        view! { <span class="small muted">{tr!(flow.holds_category, category = say(&column.category.text()))}</span> }.into_any()
    } else {
        view! { <span class="row wrap">{looks(view, &column.states)}</span> }.into_any()
    };
    let acts = view.may_edit.then(|| {
        let key = column.key.as_str().to_owned();
        let up = (at > 0).then(|| {
            let fields = view! { {setup_fields(view)}{submit(Weight::Quiet, tr!(flow.left))} };
            view! { <Form action=ColumnUp::PATH class="inline-form" key=("key", key.clone())>{fields}</Form> }
        });
        let remove = view! { {setup_fields(view)}{submit(Weight::Danger, tr!(flow.remove_column))} };
        let at = ("key", column.key.as_str());
        let open = Flash::refused(SaveColumn::PATH, at) || Flash::refused(RemoveColumn::PATH, at);
        view! {
            {up}
            <details class="setup-edit" open=open>
                <summary>{tr!(flow.change)}</summary>
                {form(view, Some(column))}
                <Form action=RemoveColumn::PATH class="inline-form" done=tr!(flow.removed) key=("key", key)>{remove}</Form>
            </details>
        }
    });
    view! { <li><span class="strong">{say(&column.name)}</span>{holds}{limit}{acts}</li> }.into_any()
}

/// The form of a column: of one that is there, or of a new one.
fn form(view: &BoardSetupView, column: Option<&ColumnSetup>) -> AnyView {
    let fields_of = setup_fields(view);
    let key = column
        .map(|column| column.key.as_str().to_owned())
        .unwrap_or_default();
    let name = column.map(|column| column.name.clone()).unwrap_or_default();
    let category = column.map_or(Category::InProgress, |column| column.category);
    let limit = column.and_then(|column| column.limit);
    let most = limit.map(|limit| limit.most.to_string()).unwrap_or_default();
    let blocks = limit.is_some_and(|limit| limit.blocks);
    let categories = parts::choices(Category::ALL, |one| (one.key(), one.text()));
    let rules = vec![
        (String::from("false"), tr!(flow.warns)),
        (String::from("true"), tr!(flow.blocks)),
    ];
    let own: Vec<String> = column
        .map(|column| column.states.iter().map(ToString::to_string).collect())
        .unwrap_or_default();
    let all = all_states(view);
    let states = move || {
        let boxes = all.into_iter().enumerate();
        boxes
            .map(|(at, (state, word))| boxed(format!("states[{at}]"), &state, word, own.contains(&state)))
            .collect::<Vec<_>>()
    };
    let word = if column.is_some() {
        tr!(flow.save)
    } else {
        tr!(flow.add_column)
    };
    let fields = move || {
        view! {
            {fields_of}
            <div class="form-row">
                <Field name="name_en" label=tr!(flow.name_en) value=name.en/>
                <Field name="name_zh" label=tr!(flow.name_zh) value=name.zh/>
                <Field name="category" label=tr!(flow.category) control=Control::Select(categories) value=category.key().to_owned()/>
            </div>
            <fieldset class="boxes"><legend>{tr!(flow.column_states)}</legend>{states()}</fieldset>
            <div class="form-row">
                <Field name="limit" label=tr!(flow.limit) help=tr!(flow.limit_help) control=Control::Number value=most/>
                <Field name="blocks" label=tr!(flow.over_limit) control=Control::Select(rules) value=blocks.to_string()/>
            </div>
            <p>{submit(Weight::Plain, word)}</p>
        }
    };
    view! { <Form action=SaveColumn::PATH class="form" key=("key", key) done=tr!(flow.saved)>{fields()}</Form> }.into_any()
}

fn switches(view: &BoardSetupView) -> AnyView {
    let on = view.setup.parent_follows;
    let state = if on {
        tr!(flow.follows_on)
    } else {
        tr!(flow.follows_off)
    };
    let form = view.may_edit.then(|| {
        let word = if on { tr!(flow.switch_off) } else { tr!(flow.switch_on) };
        let fields = view! { {setup_fields(view)}{hidden("parent_follows", (!on).to_string())}{submit(Weight::Plain, word)} };
        view! { <Form action=SetFollows::PATH class="inline-form" done=tr!(flow.saved)>{fields}</Form> }
    });
    view! {
        <div class="box-body stack">
            <p>{tr!(flow.follows)}</p>
            <div class="row wrap"><span class="strong">{state}</span>{form}</div>
        </div>
    }
    .into_any()
}
