//! Which repositories: the connection, the group, and the boxes to tick. One form holds the ticks, the filter and the
//! pages, so that every button keeps what is ticked.

use super::Filter;
use super::api::ChooseRepositories;
use super::progress::state;
use crate::Flash;
use crate::design::button::{Weight, button_link, submit, submit_as};
use crate::design::form::{Form, FormState, hidden, place_fields};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::design::status::tag;
use crate::design::table::{row, table};
use crate::design::time::time;
use crate::i18n::say;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::import::{GroupChoice, ImportChoice, ImportChooser, ImportRow, PageOf};
use std::collections::BTreeSet;

pub(super) fn show(chooser: &ImportChooser, filter: &Filter) -> AnyView {
    let line = chooser
        .place
        .project
        .as_ref()
        .map_or_else(String::new, |project| project.name.clone());
    let trouble = chooser
        .trouble
        .as_ref()
        .filter(|_| !chooser.connections.is_empty())
        .map(|trouble| view! { <p class="note bad" role="alert">{say(trouble)}</p> });
    let body = if chooser.connections.is_empty() {
        view! { <div class="box"><EmptyState title=tr!(import.no_connection) hint=tr!(import.no_connection_hint)/></div> }
            .into_any()
    } else if filter.group.is_some() {
        repositories(chooser, filter)
    } else {
        groups(chooser, filter)
    };
    view! {
        <PageHead title=tr!(import.title) line=line.into_any()/>
        <div class="stack wide">
            {trouble}
            {body}
            {before(chooser)}
        </div>
    }
    .into_any()
}

/// The connection and the words for a group: a plain form that changes the address.
fn finder(chooser: &ImportChooser, filter: &Filter) -> AnyView {
    let via = chooser.connection;
    let select = (chooser.connections.len() > 1).then(|| {
        let options = chooser
            .connections
            .iter()
            .map(|one| {
                view! { <option value=one.id.to_string() selected=Some(one.id) == via>{one.name.clone()}</option> }
            })
            .collect_view();
        view! { <select class="input" name="connection" aria-label=tr!(app.connection)>{options}</select> }
    });
    view! {
        <form method="get" class="form-row box-body">
            {select}
            <div class="field">
                <label class="visually-hidden" for="f-search">{tr!(import.find_group)}</label>
                <input
                    class="input" type="search" id="f-search" name="search" value=filter.search.clone()
                    placeholder=tr!(import.find_group)
                />
            </div>
            {submit(Weight::Plain, tr!(app.find))}
        </form>
    }
    .into_any()
}

fn groups(chooser: &ImportChooser, filter: &Filter) -> AnyView {
    let via = chooser.connection.map(|id| id.to_string());
    let list = chooser.groups.as_ref().map(|page| {
        if page.items.is_empty() {
            return view! { <EmptyState title=tr!(import.no_groups) hint=tr!(import.no_groups_hint)/> }
                .into_any();
        }
        let rows = page
            .items
            .iter()
            .map(|group| group_row(group, via.clone()))
            .collect();
        let heads = [tr!(import.group), tr!(import.path)];
        let heads = heads.into_iter().map(IntoAny::into_any).collect();
        view! { {table(tr!(import.groups), heads, rows)}{group_pages(page, filter)} }.into_any()
    });
    let finder = finder(chooser, filter);
    view! { <Panel title=tr!(import.choose_group)>{finder}{list}</Panel> }.into_any()
}

fn group_row(group: &GroupChoice, connection: Option<String>) -> AnyView {
    let to = Filter {
        connection,
        group: Some(group.id.to_string()),
        subgroups: true,
        search: String::new(),
    };
    row(
        view! { <a href=to.href(1)>{group.name.clone()}</a> }.into_any(),
        vec![(
            tr!(import.path),
            view! { <code class="break">{group.path.clone()}</code> }.into_any(),
        )],
    )
}

fn group_pages(page: &PageOf<GroupChoice>, filter: &Filter) -> AnyView {
    let previous = (page.page > 1).then(|| {
        button_link(
            Weight::Plain,
            filter.href(page.page.saturating_sub(1)),
            tr!(import.previous),
        )
    });
    let next = page.more.then(|| {
        button_link(
            Weight::Plain,
            filter.href(page.page.saturating_add(1)),
            tr!(import.next),
        )
    });
    let any = previous.is_some() || next.is_some();
    any.then(|| view! { <p class="row box-body">{previous}{next}</p> })
        .into_any()
}

fn repositories(chooser: &ImportChooser, filter: &Filter) -> AnyView {
    let other = Filter {
        connection: filter.connection.clone(),
        ..Filter::default()
    };
    let other = view! { <a class="link" href=other.href(1)>{tr!(import.other_group)}</a> }.into_any();
    let (Some(group), Some(page), Some(connection)) =
        (&chooser.group, &chooser.repositories, chooser.connection)
    else {
        return view! { <p>{other}</p> }.into_any();
    };
    let before = Flash::of(ChooseRepositories::PATH).map(|flash| {
        let ticked = flash
            .fields
            .iter()
            .filter(|(name, _)| name.starts_with("chosen["));
        ticked
            .filter_map(|(_, id)| id.parse::<i64>().ok())
            .collect::<BTreeSet<_>>()
    });
    let shown: Vec<String> = page.items.iter().map(|one| one.repository.to_string()).collect();
    let draft = chooser
        .draft
        .filter(|draft| draft.chosen > 0)
        .map(|draft| view! { <span class="small muted">{tr!(import.n_chosen, n = draft.chosen)}</span> });
    let place = place_fields(&chooser.place);
    let fields = move |filter: Filter, page: PageOf<ImportChoice>, group: GroupChoice| {
        view! {
            {place}
            {hidden("connection", connection.to_string())}
            {hidden("group", group.id.to_string())}
            {hidden("page", page.page.to_string())}
            {hidden("shown", shown.join(","))}
            {hidden("subgroups", filter.subgroups.to_string())}
            {hidden("search", filter.search.clone())}
            {narrow(&filter)}
            {boxes(&page, before.as_ref())}
            {buttons(&page)}
        }
    };
    let title = tr!(import.repositories_of, group = group.path);
    let (filter, page, group) = (filter.clone(), page.clone(), group.clone());
    view! {
        <Panel title aside=other>
            <Form action=ChooseRepositories::PATH class="form box-body">
                {fields(filter, page, group)}
                {draft}
            </Form>
        </Panel>
    }
    .into_any()
}

/// The filter, in the form with the ticks.
fn narrow(filter: &Filter) -> AnyView {
    let form = FormState::here();
    let words = form.typed("find").unwrap_or_else(|| filter.search.clone());
    let subgroups = if form.came_back() {
        form.typed("with_subgroups").is_some()
    } else {
        filter.subgroups
    };
    view! {
        <div class="form-row">
            <div class="field">
                <label class="visually-hidden" for="import-find">{tr!(app.find_repository)}</label>
                <input
                    class="input" type="search" id="import-find" name="find" value=words
                    placeholder=tr!(app.find_repository)
                />
            </div>
            <label class="check">
                <input type="checkbox" name="with_subgroups" value="true" checked=subgroups/>
                <span>{tr!(import.with_subgroups)}</span>
            </label>
            {submit_as("btn", "then", "find", tr!(app.find))}
        </div>
    }
    .into_any()
}

fn boxes(page: &PageOf<ImportChoice>, before: Option<&BTreeSet<i64>>) -> AnyView {
    if page.items.is_empty() {
        return view! { <EmptyState title=tr!(import.no_repositories) hint=tr!(import.no_repositories_hint)/> }
            .into_any();
    }
    let items: Vec<(usize, ImportChoice)> = page
        .items
        .iter()
        .map(|one| ImportChoice {
            chosen: before.map_or(one.chosen, |ticked| ticked.contains(&one.repository)),
            ..one.clone()
        })
        .enumerate()
        .collect();
    // A box belongs to its repository: another page must not inherit what was ticked here.
    view! {
        <fieldset class="choice-list">
            <legend class="visually-hidden">{tr!(import.repositories)}</legend>
            <For each=move || items.clone() key=|(i, one)| (*i, one.repository) children=|(i, one)| tick(i, &one)/>
        </fieldset>
    }
    .into_any()
}

fn tick(i: usize, one: &ImportChoice) -> AnyView {
    let used = one.used_by.as_ref().map(|app| tag(tr!(app.used_by, app = app)));
    let archived = one.archived.then(|| tag(tr!(import.archived)));
    let active = one
        .last_activity
        .map(|at| view! { <span>{tr!(import.active)}" "{time(at)}</span> });
    view! {
        <label class="choice">
            <input
                type="checkbox" name=format!("chosen[{i}]") value=one.repository.to_string() checked=one.chosen
                disabled=one.used_by.is_some()
            />
            <span class="stack tight">
                <span class="row wrap"><span class="strong break">{one.name.clone()}</span>{archived}{used}</span>
                <span class="small muted row wrap"><code class="break">{one.path.clone()}</code>{active}</span>
            </span>
        </label>
    }
    .into_any()
}

fn buttons(page: &PageOf<ImportChoice>) -> AnyView {
    let previous = (page.page > 1).then(|| submit_as("btn", "then", "previous", tr!(import.previous)));
    let next = page
        .more
        .then(|| submit_as("btn", "then", "next", tr!(import.next)));
    view! {
        <p class="row wrap">
            {submit_as("btn primary", "then", "review", tr!(import.review))}
            {submit_as("btn", "then", "all", tr!(import.all))}
            {previous}
            {next}
        </p>
        <p class="help">{tr!(import.all_help)}</p>
    }
    .into_any()
}

/// The last imports.
fn before(chooser: &ImportChooser) -> AnyView {
    if chooser.imports.is_empty() {
        return ().into_any();
    }
    let base = chooser.place.path();
    let heads = [
        tr!(import.group),
        tr!(import.state),
        tr!(import.done),
        tr!(import.by),
    ];
    let heads = heads.into_iter().map(IntoAny::into_any).collect();
    let rows = chooser.imports.iter().map(|one| import_row(&base, one)).collect();
    view! { <Panel title=tr!(import.imports)>{table(tr!(import.imports), heads, rows)}</Panel> }.into_any()
}

fn import_row(base: &str, one: &ImportRow) -> AnyView {
    let name = view! { <a class="break" href=format!("{base}/imports/{}", one.id)>{one.group.clone()}</a> }
        .into_any();
    let far = tr!(import.n_of_m, n = one.counts.ended(), m = one.counts.total());
    let by = view! { <span>{one.by.name.clone()}" · "{time(one.created_at)}</span> }.into_any();
    row(
        name,
        vec![
            (tr!(import.state), state(one.state)),
            (tr!(import.done), far.into_any()),
            (tr!(import.by), by),
        ],
    )
}
