//! The form of a work item: everything that people write into it.

use super::api::{ReadItemEdit, UpdateItem};
use super::parts::choices;
use crate::design::button::{Weight, button_link, submit};
use crate::design::field::{Control, Field};
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::load::load;
use crate::places::param;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::id::TypedId;
use slipway_domain::item::{Content, ItemChoices, ItemEdit, ItemKind, Named, Priority, Severity};

/// `P/items/{key}/edit`. It does not follow what others do: the form keeps the version that it was made from, and what
/// both changed is told when it is sent.
pub fn edit_item_page() -> AnyView {
    let (org, project, key) = (param("org"), param("project"), param("key"));
    load(move || ReadItemEdit {
        org: org(),
        project: project(),
        key: key(),
    })
    .view(|edit| show(&edit))
}

fn show(edit: &ItemEdit) -> AnyView {
    let back = format!("{}/items/{}", edit.place.path(), edit.card.key);
    let title = tr!(board.edit_item, key = edit.card.key.clone());
    if !edit.may_edit {
        return view! {
            <PageHead title/>
            <EmptyState title=tr!(common.forbidden_title) hint=tr!(board.may_not_edit)/>
        }
        .into_any();
    }
    let number = super::number_of(&edit.card.key).unwrap_or_default();
    let (place, version) = (edit.place.clone(), edit.card.version);
    let (kind, held, of) = (edit.card.kind, edit.content.clone(), edit.choices.clone());
    // Made in the form: a field made before it would not know what was typed or is wrong.
    let fields = move || {
        view! {
            {place_fields(&place)}
            {hidden("number", number.to_string())}
            {hidden("version", version.to_string())}
            {words(kind, &held)}
            {planned(&held, &of)}
            {seen(&held, &of)}
            <p class="row wrap">{submit(Weight::Primary, tr!(board.save))}{button_link(Weight::Quiet, back, tr!(board.back))}</p>
        }
    };
    view! {
        <PageHead title/>
        <Form action=UpdateItem::PATH class="form narrow" plain=true>{fields()}</Form>
    }
    .into_any()
}

fn words(kind: ItemKind, held: &Content) -> AnyView {
    let priorities = choices(Priority::ALL, |priority| (priority.key(), priority.text()));
    let severity = (kind == ItemKind::Bug).then(|| {
        let severities = choices(Severity::ALL, |severity| (severity.key(), severity.text()));
        let value = held
            .severity
            .map(|severity| severity.key().to_owned())
            .unwrap_or_default();
        view! { <Field name="severity" label=tr!(board.severity) control=Control::Select(severities) value/> }
    });
    view! {
        <Field name="title" label=tr!(board.title) value=held.title.clone() required=true/>
        <Field name="description" label=tr!(board.description) help=tr!(board.markdown_help) value=held.description.clone() control=Control::Area(12)/>
        <div class="form-row">
            <Field name="priority" label=tr!(board.priority) control=Control::Select(priorities) value=held.priority.key().to_owned()/>
            {severity}
            <Field name="points" label=tr!(board.estimate) help=tr!(board.estimate_help) value=held.points.map(|points| points.to_string()).unwrap_or_default() control=Control::Number/>
        </div>
    }
    .into_any()
}

/// The choices of a field that may be empty; what it holds stays among them.
fn named<I: TypedId + PartialEq>(
    held: Option<&Named<I>>,
    of: &[Named<I>],
    none: String,
) -> (Control, String) {
    let mut all = vec![(String::new(), none)];
    if let Some(held) = held.filter(|held| !of.contains(held)) {
        all.push((held.id.to_string(), held.name.clone()));
    }
    all.extend(of.iter().map(|one| (one.id.to_string(), one.name.clone())));
    let value = held.map(|held| held.id.to_string()).unwrap_or_default();
    (Control::Select(all), value)
}

fn planned(held: &Content, of: &ItemChoices) -> AnyView {
    let people: Vec<_> = of
        .people
        .iter()
        .map(|person| Named {
            id: person.id,
            name: person.name.clone(),
        })
        .collect();
    let (people, assignee) = named(held.assignee.as_ref(), &people, tr!(board.nobody));
    let (iterations, iteration) = named(held.iteration.as_ref(), &of.iterations, tr!(board.not_planned));
    let (apps, app) = named(held.app.as_ref(), &of.apps, tr!(board.none));
    let parent = held
        .parent
        .as_ref()
        .map(|parent| parent.name.clone())
        .unwrap_or_default();
    view! {
        <div class="form-row">
            <Field name="assignee" label=tr!(board.assignee) control=people value=assignee/>
            <Field name="iteration" label=tr!(board.iteration) control=iterations value=iteration/>
            <Field name="starts_on" label=tr!(board.begins) value=held.starts_on.clone().unwrap_or_default() control=Control::Date/>
            <Field name="due_on" label=tr!(board.due) value=held.due_on.clone().unwrap_or_default() control=Control::Date/>
        </div>
        <div class="form-row">
            <Field name="app" label=tr!(board.app) control=apps value=app/>
            <Field name="parent" label=tr!(board.parent) help=tr!(board.parent_help) value=parent/>
            <Field name="labels" label=tr!(board.labels) help=tr!(board.labels_help) value=held.labels.typed()/>
        </div>
    }
    .into_any()
}

fn releases(held: Option<String>, of: &ItemChoices) -> (Control, String) {
    let value = held.unwrap_or_default();
    let mut all = vec![(String::new(), tr!(board.none))];
    if !value.is_empty() && !of.releases.contains(&value) {
        all.push((value.clone(), value.clone()));
    }
    all.extend(
        of.releases
            .iter()
            .map(|release| (release.clone(), release.clone())),
    );
    (Control::Select(all), value)
}

fn seen(held: &Content, of: &ItemChoices) -> AnyView {
    let (found_in, found) = releases(
        held.found_release.as_ref().map(|release| release.name.clone()),
        of,
    );
    let (fixed_in, fixed) = releases(
        held.fixed_release.as_ref().map(|release| release.name.clone()),
        of,
    );
    let (found_where, found_at) = named(held.found_environment.as_ref(), &of.environments, tr!(board.none));
    let (fixed_where, fixed_at) = named(held.fixed_environment.as_ref(), &of.environments, tr!(board.none));
    view! {
        <div class="form-row">
            <Field name="found_release" label=tr!(board.found_release) control=found_in value=found/>
            <Field name="found_environment" label=tr!(board.found_environment) control=found_where value=found_at/>
        </div>
        <div class="form-row">
            <Field name="fixed_release" label=tr!(board.fixed_release) control=fixed_in value=fixed/>
            <Field name="fixed_environment" label=tr!(board.fixed_environment) control=fixed_where value=fixed_at/>
        </div>
    }
    .into_any()
}
