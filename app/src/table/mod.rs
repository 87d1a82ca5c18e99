//! The table of work items: sorted by any column, filtered by its address, page by page; chosen rows are changed together.

pub mod api;
pub mod views;

use self::api::ReadTable;
use crate::board::drawer::{Drawer, drawer};
use crate::board::{number_of, parts, topics};
use crate::design::button::{Weight, button_link, submit};
use crate::design::field::{Control, Field};
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::design::status::{Status, pill, tag};
use crate::design::table::{row, table};
use crate::design::time::{day, time};
use crate::i18n::say;
use crate::iteration::api::ChangeItems;
use crate::iteration::{WorkTab, work_tabs};
use crate::live::refresh_without_js;
use crate::load::load;
use crate::places::{param, query};
use crate::tr;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use server_fn::ServerFn;
use slipway_domain::id::TypedId;
use slipway_domain::item::{ItemKind, Named, Priority};
use slipway_domain::table::{Column, Due, TableQuery, TableRow, TableView, ViewPage};

/// `P/table`.
pub fn table_page() -> AnyView {
    let (org, project, after) = (param("org"), param("project"), query("after"));
    let asked = use_query_map();
    let beside = Drawer::here();
    let page = load(move || ReadTable {
        org: org(),
        project: project(),
        asked: without_item(&asked.read().to_query_string()),
        cursor: after(),
    })
    .watching(|view: &TableView| topics(&view.place))
    .view(move |view| show(&view, beside));
    view! { {page}{drawer(beside)} }.into_any()
}

/// What is open beside the table changes nothing of what it shows: it is not read again.
fn without_item(query: &str) -> String {
    let pairs = query
        .trim_start_matches('?')
        .split('&')
        .filter(|pair| !pair.starts_with("item="));
    pairs.collect::<Vec<_>>().join("&")
}

fn show(view: &TableView, beside: Drawer) -> AnyView {
    let base = view.place.path();
    let asked = view.asked.written();
    let file = format!("/api/v1{base}/items-export?{asked}");
    let export =
        view! { <a class="btn quiet" href=file rel="external" download="">{tr!(iteration.export)}</a> };
    let body = if view.rows.is_empty() {
        view! { <div class="box"><EmptyState title=tr!(table.empty) hint=tr!(table.empty_hint)/></div> }
            .into_any()
    } else {
        rows(view, beside)
    };
    let next = view.next.as_ref().map(|next| {
        button_link(
            Weight::Plain,
            format!("?{asked}&after={next}"),
            tr!(iteration.next),
        )
    });
    let first = button_link(Weight::Quiet, format!("?{asked}"), tr!(iteration.first));
    view! {
        {refresh_without_js()}
        <PageHead title=tr!(table.title) line=tr!(table.line).into_any() actions=export.into_any()/>
        {work_tabs(&view.place, WorkTab::Table)}
        {views::bar(&view.place, ViewPage::Table, (&view.views, view.may_share), &asked)}
        {filter(view)}
        {view.may_edit.then(|| change(view))}
        {body}
        <p class="row wrap">{first}{next}</p>
    }
    .into_any()
}

fn named<I: TypedId>(all: &[Named<I>]) -> Vec<(String, String)> {
    all.iter()
        .map(|one| (one.id.to_string(), one.name.clone()))
        .collect()
}

fn id<I: TypedId>(id: Option<I>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

/// What is shown, as a form that leads to an address.
fn filter(view: &TableView) -> AnyView {
    let asked = &view.asked;
    let kinds = parts::choices(ItemKind::ALL, |kind| (kind.key(), kind.text()));
    let priorities = parts::choices(Priority::ALL, |priority| (priority.key(), priority.text()));
    let dues = parts::choices(Due::ALL, |due| (due.key(), due.text()));
    let people = view
        .choices
        .people
        .iter()
        .map(|person| (person.id.to_string(), person.name.clone()))
        .collect();
    let sign = if asked.descending { "-" } else { "" };
    let sort = asked
        .sort
        .map(|sort| hidden("sort", format!("{sign}{}", sort.key())));
    let shown = asked.shown();
    let columns = Column::ALL
        .iter()
        .filter(|column| !matches!(column, Column::Key | Column::Title))
        .map(|column| {
            let checked = shown.contains(column);
            view! { <label class="check"><input type="checkbox" name="columns" value=column.key() checked=checked/>{say(&column.text())}</label> }
        })
        .collect::<Vec<_>>();
    view! {
        <form method="get" class="form-row gap-below">
            {sort}
            {parts::pick("kind", tr!(iteration.kind), kinds, asked.kind.map(ItemKind::key).unwrap_or_default())}
            {parts::pick("assignee", tr!(iteration.assignee), people, &id(asked.assignee))}
            {parts::pick("priority", tr!(iteration.priority), priorities, asked.priority.map(Priority::key).unwrap_or_default())}
            {parts::pick("iteration", tr!(table.iteration), named(&view.choices.iterations), &id(asked.iteration))}
            {parts::pick("app", tr!(table.app), named(&view.choices.apps), &id(asked.app))}
            {parts::pick("due", tr!(table.due), dues, asked.due.map(Due::key).unwrap_or_default())}
            <label class="field"><span>{tr!(iteration.label)}</span><input class="input" name="label" value=asked.label.clone()/></label>
            <label class="field"><span>{tr!(iteration.words)}</span><input class="input" name="words" value=asked.words.clone()/></label>
            <label class="check"><input type="checkbox" name="all" value="true" checked=asked.all/>{tr!(table.all)}</label>
            <details>
                <summary class="btn quiet small">{tr!(table.columns)}</summary>
                <fieldset class="boxes box box-body"><legend class="visually-hidden">{tr!(table.columns)}</legend>{columns}</fieldset>
            </details>
            {submit(Weight::Plain, tr!(iteration.search))}
        </form>
    }
    .into_any()
}

/// What becomes of the chosen rows.
fn change(view: &TableView) -> AnyView {
    let leave = |none: bool| {
        let mut all = vec![(String::new(), tr!(iteration.leave))];
        if none {
            all.push((String::from("none"), tr!(iteration.clear)));
        }
        all
    };
    let place = place_fields(&view.place);
    let (mut iterations, mut people, mut priorities) = (leave(true), leave(true), leave(false));
    iterations.extend(named(&view.choices.iterations));
    people.extend(
        view.choices
            .people
            .iter()
            .map(|person| (person.id.to_string(), person.name.clone())),
    );
    priorities.extend(parts::choices(Priority::ALL, |priority| {
        (priority.key(), priority.text())
    }));
    let fields = move || {
        view! {
            {place}
            <Field name="iteration" label=tr!(table.iteration) control=Control::Select(iterations)/>
            <Field name="assignee" label=tr!(iteration.assignee) control=Control::Select(people)/>
            <Field name="priority" label=tr!(iteration.priority) control=Control::Select(priorities)/>
            {submit(Weight::Plain, tr!(iteration.change))}
        }
    };
    view! { <Form action=ChangeItems::PATH class="form-row gap-below" id="change-items" done=tr!(iteration.changed)>{fields()}</Form> }
        .into_any()
}

/// The head of a column: a link that sorts by it.
fn head(asked: &TableQuery, column: Column) -> AnyView {
    let word = say(&column.text());
    if !column.sorts() {
        return view! { {word} }.into_any();
    }
    let (sort, descending) = asked.order();
    let mark = (sort == column).then(|| {
        let (sign, told) = if descending {
            ("↓", tr!(table.descending))
        } else {
            ("↑", tr!(table.ascending))
        };
        view! { <span aria-hidden="true">{sign}</span><span class="visually-hidden">{told}</span> }
    });
    view! { <a class="sort-link" href=format!("?{}", asked.sorted_by(column).written())>{word}{mark}</a> }
        .into_any()
}

fn rows(view: &TableView, beside: Drawer) -> AnyView {
    let base = view.place.path();
    let shown = view.asked.shown();
    let heads = [Column::Title]
        .iter()
        .chain(&shown)
        .map(|column| head(&view.asked, *column))
        .collect();
    let rows = view
        .rows
        .iter()
        .enumerate()
        .map(|(at, one)| {
            let card = &one.card;
            let choose = view.may_edit.then(|| {
                let number = number_of(&card.key).unwrap_or_default();
                view! {
                    <input
                        type="checkbox" form="change-items" name=format!("numbers[{at}]") value=number
                        aria-label=tr!(iteration.choose, key = card.key.clone())
                    />
                }
            });
            let opened = card.key.clone();
            let name = view! {
                <span class="row">
                    {choose}
                    <a
                        class="row wrap" href=format!("{base}/items/{}", card.key) data-opens=card.key.clone()
                        on:click=move |ev: leptos::ev::MouseEvent| beside.open(&opened, &ev)
                    ><code class="muted nowrap">{card.key.clone()}</code><span>{card.title.clone()}</span></a>
                </span>
            };
            let cells = shown
                .iter()
                .map(|column| (say(&column.text()), cell(view, one, *column)))
                .collect();
            row(name.into_any(), cells)
        })
        .collect();
    view! { <div class="box">{table(tr!(table.title), heads, rows)}</div> }.into_any()
}

fn cell(view: &TableView, one: &TableRow, column: Column) -> AnyView {
    let card = &one.card;
    let words = |words: Option<String>| view! { <span>{words}</span> }.into_any();
    match column {
        Column::Key => words(Some(card.key.clone())),
        Column::Title => words(Some(card.title.clone())),
        Column::Kind => tag(say(&card.kind.text())),
        Column::State => parts::state(&card.state),
        Column::Priority => words(Some(say(&card.priority.text()))),
        Column::Severity => words(card.severity.map(|severity| say(&severity.text()))),
        Column::Assignee => parts::assignee(card.assignee.as_ref()),
        Column::Iteration => words(one.iteration.clone()),
        Column::App => words(one.app.clone()),
        Column::Points => words(card.points.map(|points| points.to_string())),
        Column::Due => {
            let late = card.is_overdue(&view.today);
            let mark = late.then(|| pill(Status::Failed, tr!(board.overdue)));
            view! { <span class="row wrap">{card.due_on.as_deref().map(day)}{mark}</span> }.into_any()
        }
        Column::Labels => {
            let labels = card
                .labels
                .iter()
                .map(|label| tag(label.to_owned()))
                .collect::<Vec<_>>();
            view! { <span class="row wrap">{labels}</span> }.into_any()
        }
        Column::Created => time(one.created_at),
        Column::Updated => time(one.updated_at),
    }
}
