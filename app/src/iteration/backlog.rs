//! The backlog: by rank, filtered by its address, page by page; chosen items are planned and changed together.

use super::api::{ChangeItems, ReadBacklog};
use super::{WorkTab, progress, topics, work_tabs};
use crate::board::api::MoveItem;
use crate::board::drawer::{Drawer, drawer};
use crate::board::{number_of, parts};
use crate::design::button::{Weight, button_link, submit};
use crate::design::field::{Control, Field};
use crate::design::form::{Form, hidden, place_fields};
use crate::design::icon::{Icon, icon};
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::design::status::tag;
use crate::i18n::say;
use crate::live::refresh_without_js;
use crate::load::load;
use crate::places::{param, query};
use crate::table::views;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::id::{TypedId, UserId};
use slipway_domain::item::{Card, ItemKind, Priority};
use slipway_domain::iteration::Backlog;
use slipway_domain::table::ViewPage;

/// `P/backlog`; `?kind=bug&assignee=…&label=…&words=…&after=…`.
pub fn backlog_page() -> AnyView {
    let (org, project) = (param("org"), param("project"));
    let (kind, assignee, label, words) = (query("kind"), query("assignee"), query("label"), query("words"));
    let (view, after) = (query("view"), query("after"));
    let beside = Drawer::here();
    let page = load(move || ReadBacklog {
        org: org(),
        project: project(),
        kind: kind().and_then(|kind| ItemKind::from_key(&kind)),
        assignee: assignee().and_then(|id| id.parse().ok()).map(UserId::from_uuid),
        label: label(),
        words: words(),
        view: view(),
        cursor: after(),
    })
    .watching(|backlog: &Backlog| topics(&backlog.place))
    .view(move |backlog| show(&backlog, beside));
    view! { {page}{drawer(beside)} }.into_any()
}

fn show(backlog: &Backlog, beside: Drawer) -> AnyView {
    let base = backlog.place.path();
    let new_item = backlog
        .may_create
        .then(|| button_link(Weight::Primary, format!("{base}/items/new"), tr!(board.new_item)));
    let file = format!("/api/v1{base}/items-export");
    let export =
        view! { <a class="btn quiet" href=file rel="external" download="">{tr!(iteration.export)}</a> };
    let capacity = backlog
        .velocity
        .map(|velocity| view! { <p class="muted">{tr!(iteration.capacity, points = velocity.points)}</p> });
    let planned = backlog
        .planned
        .iter()
        .map(|line| {
            let href = format!("{base}/iterations/{}", line.iteration.number);
            view! { <li><a class="link" href=href>{line.iteration.name.clone()}</a><span class="muted">{progress(line)}</span></li> }
        })
        .collect::<Vec<_>>();
    let body = if backlog.cards.is_empty() {
        view! { <div class="box"><EmptyState title=tr!(iteration.backlog_empty) hint=tr!(iteration.backlog_empty_hint)/></div> }
            .into_any()
    } else {
        rows(backlog, beside)
    };
    let first = backlog.filter.written();
    let next = backlog.next.as_ref().map(|next| {
        button_link(
            Weight::Plain,
            format!("?{first}&after={next}"),
            tr!(iteration.next),
        )
    });
    let import = button_link(
        Weight::Quiet,
        format!("{}/items/import", backlog.place.path()),
        tr!(intake.import_items),
    );
    view! {
        {refresh_without_js()}
        <PageHead title=tr!(iteration.backlog) line=tr!(iteration.backlog_line).into_any() actions=view! { {import}{export}{new_item} }.into_any()/>
        {work_tabs(&backlog.place, WorkTab::Backlog)}
        {capacity}
        <ul class="checks gap-below">{planned}</ul>
        {views::bar(&backlog.place, ViewPage::Backlog, (&backlog.views, backlog.may_share), &first)}
        {filter(backlog)}
        {body}
        <p class="row wrap">{button_link(Weight::Quiet, format!("?{first}"), tr!(iteration.first))}{next}</p>
    }
    .into_any()
}

/// What is shown, as a form that leads to an address.
fn filter(backlog: &Backlog) -> AnyView {
    let kinds = parts::choices(ItemKind::ALL, |kind| (kind.key(), kind.text()));
    let people = backlog.choices.people.iter();
    let people = people
        .map(|person| (person.id.to_string(), person.name.clone()))
        .collect();
    let asked = &backlog.filter;
    let kind = asked.kind.map(ItemKind::key).unwrap_or_default();
    let assignee = asked.assignee.map(|id| id.to_string()).unwrap_or_default();
    view! {
        <form method="get" class="form-row gap-below">
            <input type="hidden" name="view" value="all"/>
            {parts::pick("kind", tr!(iteration.kind), kinds, kind)}
            {parts::pick("assignee", tr!(iteration.assignee), people, &assignee)}
            <label class="field"><span>{tr!(iteration.label)}</span><input class="input" name="label" value=asked.label.clone()/></label>
            <label class="field"><span>{tr!(iteration.words)}</span><input class="input" name="words" value=asked.words.clone()/></label>
            {submit(Weight::Plain, tr!(iteration.search))}
        </form>
    }
    .into_any()
}

/// The items; where the reader may edit, with a box to choose each and what becomes of the chosen ones.
fn rows(backlog: &Backlog, beside: Drawer) -> AnyView {
    if !backlog.may_edit {
        let items = backlog
            .cards
            .iter()
            .map(|card| line(backlog, card, None, beside))
            .collect::<Vec<_>>();
        return view! { <ol class="box backlog">{items}</ol> }.into_any();
    }
    let base = place_fields(&backlog.place);
    let orders = backlog
        .cards
        .iter()
        .enumerate()
        .map(|(at, _)| order(backlog, at))
        .collect::<Vec<_>>();
    let items = backlog
        .cards
        .iter()
        .zip(orders)
        .enumerate()
        .map(|(at, (card, order))| {
            let number = number_of(&card.key).unwrap_or_default();
            let choose = view! {
                <input
                    type="checkbox" form="change-items" name=format!("numbers[{at}]") value=number
                    aria-label=tr!(iteration.choose, key = card.key.clone())
                />
            };
            line(backlog, card, Some((choose.into_any(), order)), beside)
        })
        .collect::<Vec<_>>();
    let leave = |none: bool| {
        let mut all = vec![(String::new(), tr!(iteration.leave))];
        if none {
            all.push((String::from("none"), tr!(iteration.clear)));
        }
        all
    };
    let mut iterations = leave(false);
    iterations.extend(
        backlog
            .choices
            .iterations
            .iter()
            .map(|one| (one.id.to_string(), one.name.clone())),
    );
    let mut people = leave(true);
    people.extend(
        backlog
            .choices
            .people
            .iter()
            .map(|one| (one.id.to_string(), one.name.clone())),
    );
    let mut priorities = leave(false);
    priorities.extend(parts::choices(Priority::ALL, |priority| {
        (priority.key(), priority.text())
    }));
    let fields = move || {
        view! {
            {base}
            <Field name="iteration" label=tr!(iteration.add_to) control=Control::Select(iterations)/>
            <Field name="assignee" label=tr!(iteration.assignee) control=Control::Select(people)/>
            <Field name="priority" label=tr!(iteration.priority) control=Control::Select(priorities)/>
            {submit(Weight::Primary, tr!(iteration.change))}
        }
    };
    view! {
        <Form action=ChangeItems::PATH class="form-row gap-below" id="change-items" done=tr!(iteration.changed)>{fields()}</Form>
        <ol class="box backlog">{items}</ol>
    }
    .into_any()
}

fn line(backlog: &Backlog, card: &Card, acts: Option<(AnyView, AnyView)>, beside: Drawer) -> AnyView {
    let base = backlog.place.path();
    let opened = card.key.clone();
    let (choose, order) = acts.unzip();
    let labels = card
        .labels
        .iter()
        .map(|label| tag(label.to_owned()))
        .collect::<Vec<_>>();
    let points = card
        .points
        .map(|points| view! { <span class="small muted">{parts::points(points)}</span> });
    view! {
        <li class="backlog-row">
            {choose}
            <a
                class="backlog-name" href=format!("{base}/items/{}", card.key) data-opens=card.key.clone()
                on:click=move |ev: leptos::ev::MouseEvent| beside.open(&opened, &ev)
            >
                <code class="muted nowrap">{card.key.clone()}</code><span>{card.title.clone()}</span>
            </a>
            <span class="row wrap">{tag(say(&card.kind.text()))}{parts::urgency(card)}{labels}{points}{parts::assignee(card.assignee.as_ref())}</span>
            {order}
        </li>
    }
    .into_any()
}

/// The ways to give the item at `at` another place: plain forms, in a menu.
fn order(backlog: &Backlog, at: usize) -> AnyView {
    let cards = &backlog.cards;
    let card = &cards[at];
    let number = number_of(&card.key).unwrap_or_default();
    let id = |at: usize| cards.get(at).map(|card| card.id.to_string());
    // Above the one before, below the one after; and above all of them.
    let up = (at > 0).then(|| (tr!(iteration.up), at.checked_sub(2).and_then(id), id(at - 1)));
    let down = id(at + 1).map(|next| (tr!(iteration.down), Some(next), id(at + 2)));
    let top = (at > 1).then(|| (tr!(iteration.top), None, id(0)));
    let ways = [top, up, down].into_iter().flatten().map(|(word, after, before)| {
        let fields = view! {
            {place_fields(&backlog.place)}
            {after.map(|after| hidden("after", after))}
            {before.map(|before| hidden("before", before))}
            {submit(Weight::Quiet, word)}
        };
        view! { <Form action=MoveItem::PATH class="inline-form" key=("number", number.to_string())>{fields}</Form> }.into_any()
    });
    view! {
        <details class="menu">
            <summary aria-label=tr!(iteration.move_item, key = card.key.clone())>{icon(Icon::More)}</summary>
            <div class="menu-panel">{ways.collect::<Vec<_>>()}</div>
        </details>
    }
    .into_any()
}
