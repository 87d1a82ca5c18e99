//! The page of a work item, and the form for a new one.

use super::api::{CreateItem, DeleteItem, ReadBoard, ReadItem, SetItemState};
use super::parts::{self, choices};
use super::setup::api::ReadTemplates;
use super::{file, history, talk};
use crate::design::button::{Weight, button_link, submit};
use crate::design::field::{Control, Field};
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::design::status::{Status, pill, tag};
use crate::design::time::{day, time};
use crate::i18n::say;
use crate::live::{Topics, refresh_without_js};
use crate::load::{Load, load};
use crate::member::MemberList;
use crate::member::api::ReadMembers;
use crate::places::{param, query};
use crate::{mirror, tr, trail};
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::board::ItemTemplate;
use slipway_domain::item::{BoardView, ItemKind, ItemView, Priority, Severity};
use slipway_domain::member::Member;

/// `P/items/{key}`.
pub fn item_page() -> AnyView {
    let (org, project, key) = (param("org"), param("project"), param("key"));
    load(move || ReadItem {
        org: org(),
        project: project(),
        key: key(),
    })
    .watching(|item: &ItemView| Topics::of("item", item.card.id))
    .view(|item| show(&item))
}

fn show(item: &ItemView) -> AnyView {
    let card = &item.card;
    let mark = view! { {parts::state(&card.state)} }.into_any();
    let line = view! { <code>{card.key.clone()}</code>" · "{item.reporter.name.clone()}" · "{time(item.created_at)} }.into_any();
    let edit = edit_link(item);
    view! {
        {refresh_without_js()}
        <PageHead title=card.title.clone() mark line actions=view! { {talk::watch(item)}{edit} }.into_any()/>
        {inside(item)}
    }
    .into_any()
}

/// The link to the item's form, for who may edit it.
pub fn edit_link(item: &ItemView) -> Option<AnyView> {
    let href = format!("{}/items/{}/edit", item.place.path(), item.card.key);
    item.may_edit
        .then(|| button_link(Weight::Plain, href, tr!(board.edit)))
}

/// Everything about an item below its title: on its page, and in a drawer.
pub fn inside(item: &ItemView) -> AnyView {
    let description = if item.html.is_empty() {
        view! { <p class="muted box-body">{tr!(board.no_description)}</p> }.into_any()
    } else {
        view! { <div class="box-body markdown" inner_html=item.html.clone()></div> }.into_any()
    };
    let (states, facts, events) = (states(item), facts(item), history::list(&item.events));
    view! {
        <div class="columns">
            <div class="stack wide">
                <Panel title=tr!(board.description)>{description}</Panel>
                {trail::panel(item)}
                {talk::parts(item)}
                {file::panel(item)}
                {talk::comments(item)}
                <Panel title=tr!(board.history)>{events}</Panel>
            </div>
            <div class="stack wide">
                <Panel title=tr!(board.state)>{states}</Panel>
                <Panel title=tr!(common.details)>{facts}</Panel>
                {mirror::panel(item)}
                {talk::links(item)}
                {item.may_delete.then(|| delete_form(item))}
            </div>
        </div>
    }
    .into_any()
}

/// Takes the item away, after asking.
fn delete_form(item: &ItemView) -> AnyView {
    let number = super::number_of(&item.card.key).unwrap_or_default();
    let fields = view! {
        {place_fields(&item.place)}
        {hidden("number", number.to_string())}
        <p class="small muted">{tr!(board.delete_words)}</p>
        {submit(Weight::Danger, tr!(board.delete))}
    };
    view! {
        <Panel title=tr!(board.delete)>
            <Form action=DeleteItem::PATH class="form box-body" confirm=tr!(board.delete_sure)>{fields}</Form>
        </Panel>
    }
    .into_any()
}

/// One button for every state the item can go to.
fn states(item: &ItemView) -> AnyView {
    let held_back = item
        .held_back
        .iter()
        .map(|(state, why)| view! { <li>{parts::state(state)}<span>{say(why)}</span></li> })
        .collect::<Vec<_>>();
    let held_back = (!held_back.is_empty()).then(|| view! { <ul class="checks box-body">{held_back}</ul> });
    if item.next.is_empty() {
        if held_back.is_some() {
            return held_back.into_any();
        }
        let words = if item.may_edit {
            tr!(board.no_way_on)
        } else {
            tr!(board.may_not_edit)
        };
        return view! { <p class="muted box-body">{words}</p> }.into_any();
    }
    let slug = item
        .place
        .project
        .as_ref()
        .map(|project| project.slug.clone())
        .unwrap_or_default();
    let buttons = item
        .next
        .iter()
        .map(|state| view! { <button type="submit" class="btn" name="state" value=state.key().to_owned()>{say(&state.text())}</button> })
        .collect::<Vec<_>>();
    let fields = view! {
        {super::place_fields(item.place.org.slug.clone(), slug)}
        {hidden("number", super::number_of(&item.card.key).unwrap_or_default().to_string())}
        <p class="small muted">{tr!(board.move_to)}</p>
        <div class="row wrap">{buttons}</div>
    };
    view! { <Form action=SetItemState::PATH class="form box-body" done=tr!(board.state_changed)>{fields}</Form>{held_back} }.into_any()
}

fn facts(item: &ItemView) -> AnyView {
    let card = &item.card;
    let held = &item.content;
    let base = item.place.path();
    let severity = card.severity.map(|severity| {
        view! { <dt>{tr!(board.severity)}</dt><dd>{say(&severity.text())}</dd> }
    });
    let points = card
        .points
        .map(|points| view! { <dt>{tr!(board.estimate)}</dt><dd>{parts::points(points)}</dd> });
    let iteration = held
        .iteration
        .as_ref()
        .map_or_else(|| tr!(board.not_planned), |iteration| iteration.name.clone());
    let parent = held.parent.as_ref().map(|parent| {
        let href = format!("{base}/items/{}", parent.name);
        let name = view! { <code>{parent.name.clone()}</code> };
        let name = if item.parent_deleted {
            view! { {name}" "{pill(Status::Cancelled, tr!(board.deleted))} }.into_any()
        } else {
            view! { <a class="link" href=href>{name}</a> }.into_any()
        };
        view! { <dt>{tr!(board.parent)}</dt><dd>{name}</dd> }
    });
    let fact = |name: String, value: Option<String>| {
        value.map(|value| view! { <dt>{name}</dt><dd>{value}</dd> }.into_any())
    };
    let app = fact(tr!(board.app), held.app.as_ref().map(|app| app.name.clone()));
    let seen = |release: Option<String>, environment: Option<String>| {
        let both: Vec<String> = release.into_iter().chain(environment).collect();
        (!both.is_empty()).then(|| both.join(" · "))
    };
    let found = seen(
        held.found_release.as_ref().map(|release| release.name.clone()),
        held.found_environment
            .as_ref()
            .map(|environment| environment.name.clone()),
    );
    let fixed = seen(
        held.fixed_release.as_ref().map(|release| release.name.clone()),
        held.fixed_environment
            .as_ref()
            .map(|environment| environment.name.clone()),
    );
    let due = held.due_on.as_ref().map(|due| day(due));
    let start = held.starts_on.as_ref().map(|start| day(start));
    let labels = (!held.labels.is_empty()).then(|| {
        let tags = held
            .labels
            .iter()
            .map(|label| tag(label.to_owned()))
            .collect::<Vec<_>>();
        view! { <dt>{tr!(board.labels)}</dt><dd><span class="row wrap">{tags}</span></dd> }
    });
    let watchers = item
        .watchers
        .iter()
        .map(|person| person.name.clone())
        .collect::<Vec<_>>();
    let watchers = (!watchers.is_empty()).then(|| watchers.join(", "));
    view! {
        <dl class="facts box-body">
            <dt>{tr!(board.kind)}</dt>
            <dd>{tag(say(&card.kind.text()))}</dd>
            <dt>{tr!(board.priority)}</dt>
            <dd>{say(&card.priority.text())}</dd>
            {severity}
            <dt>{tr!(board.assignee)}</dt>
            <dd>{parts::assignee(card.assignee.as_ref())}</dd>
            {points}
            <dt>{tr!(board.iteration)}</dt>
            <dd>{iteration}</dd>
            {parent}
            {app}
            {labels}
            {fact(tr!(board.begins), start)}
            {fact(tr!(board.due), due)}
            {fact(tr!(board.found_in), found)}
            {fact(tr!(board.fixed_in), fixed)}
            {fact(tr!(board.watchers), watchers)}
        </dl>
    }
    .into_any()
}

/// `P/items/new`.
pub fn new_item_page() -> AnyView {
    let (org, project) = (param("org"), param("project"));
    // Made here: the server draws what stands in a view more than once, and the browser must count the same loads.
    let people = load(move || ReadMembers {
        org: org(),
        project: Some(project()),
    });
    let templates = load(move || ReadTemplates {
        org: org(),
        project: project(),
    });
    load(move || ReadBoard {
        org: org(),
        project: project(),
        kind: None,
        assignee: None,
        label: None,
        words: None,
        lanes: None,
        view: None,
    })
    .view(move |board| new_item(&board, people, templates))
}

fn new_item(board: &BoardView, people: Load<MemberList>, templates: Load<Vec<ItemTemplate>>) -> AnyView {
    if !board.may_create {
        return view! {
            <PageHead title=tr!(board.new_item)/>
            <EmptyState title=tr!(common.forbidden_title) hint=tr!(board.may_not_create)/>
        }
        .into_any();
    }
    let org = board.place.org.slug.clone();
    let project = board
        .place
        .project
        .as_ref()
        .map(|project| project.slug.clone())
        .unwrap_or_default();
    let kind = query("kind")()
        .and_then(|kind| ItemKind::from_key(&kind))
        .unwrap_or(ItemKind::Task);
    let running = board.iteration.as_ref().map(|iteration| iteration.name.clone());
    let join = running.map(|name| {
        view! {
            <label class="check">
                <input type="checkbox" name="into_iteration" value="true" checked/>
                {tr!(board.into_iteration, name = name)}
            </label>
        }
    });
    let kinds = choices(ItemKind::ALL, |kind| (kind.key(), kind.text()));
    let priorities = choices(Priority::ALL, |priority| (priority.key(), priority.text()));
    let mut severities = vec![(String::new(), tr!(board.not_a_bug))];
    severities.extend(choices(Severity::ALL, |severity| {
        (severity.key(), severity.text())
    }));
    let chosen = query("template");
    let chosen = move || chosen().unwrap_or_default();
    // Made in the form: a field made before it would not know what was typed or is wrong.
    let fields = move || {
        view! {
        {super::place_fields(org, project)}
        <Field name="title" label=tr!(board.title) required=true/>
        <div class="form-row">
            <Field name="kind" label=tr!(board.kind) control=Control::Select(kinds) value=kind.key().to_owned()/>
            <Field name="priority" label=tr!(board.priority) control=Control::Select(priorities) value=Priority::Normal.key().to_owned()/>
            <Field name="severity" label=tr!(board.severity) help=tr!(board.severity_help) control=Control::Select(severities)/>
        </div>
        {templates.view(move |templates| description(kind, &chosen(), &templates))}
        <div class="form-row">
            {people.view(|list| assignees(&list.members))}
            <Field name="points" label=tr!(board.estimate) help=tr!(board.estimate_help) control=Control::Number/>
            <Field name="starts_on" label=tr!(board.begins) control=Control::Date/>
            <Field name="due_on" label=tr!(board.due) control=Control::Date/>
        </div>
        <div class="form-row">
            <Field name="parent" label=tr!(board.parent) help=tr!(board.parent_help)/>
            <Field name="labels" label=tr!(board.labels) help=tr!(board.labels_help)/>
        </div>
        {join}
        <p>{submit(Weight::Primary, tr!(board.create))}</p>
        }
    };
    view! {
        <PageHead title=tr!(board.new_item)/>
        <Form action=CreateItem::PATH class="form narrow">{fields()}</Form>
    }
    .into_any()
}

/// The description, beginning with the template that the address names; and links to the others of the kind.
fn description(kind: ItemKind, chosen: &str, templates: &[ItemTemplate]) -> AnyView {
    let body = templates
        .iter()
        .find(|template| template.id.to_string() == chosen)
        .map(|template| template.body.clone())
        .unwrap_or_default();
    let offered = templates
        .iter()
        .filter(|template| template.kind == kind)
        .map(|template| {
            let id = template.id.to_string();
            let current = (id == chosen).then_some("true");
            let href = format!("?kind={}&template={id}", kind.key());
            view! { <a class="btn small" href=href aria-current=current>{template.name.clone()}</a> }
        })
        .collect::<Vec<_>>();
    let offered = (!offered.is_empty())
        .then(|| view! { <p class="row wrap"><span class="small muted">{tr!(board.begin_with)}</span>{offered}</p> });
    view! {
        {offered}
        <Field name="description" label=tr!(board.description) help=tr!(board.markdown_help) value=body control=Control::Area(6)/>
    }
    .into_any()
}

/// Who could do it: everybody with a role here, once.
fn assignees(members: &[Member]) -> AnyView {
    let mut people = vec![(String::new(), tr!(board.nobody))];
    for member in members {
        let id = member.person.id.to_string();
        if people.iter().all(|(known, _)| *known != id) {
            people.push((id, member.person.name.clone()));
        }
    }
    view! { <Field name="assignee" label=tr!(board.assignee) control=Control::Select(people)/> }.into_any()
}
