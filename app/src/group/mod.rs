//! Groups: named sets of people that can hold roles.

pub mod api;

use crate::design::avatar::initials;
use crate::design::button::{Weight, submit};
use crate::design::field::{Control, Field};
use crate::design::form::{Form, hidden};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::design::status::tag;
use crate::design::table::{row, table};
use crate::i18n::say;
use crate::live::Topics;
use crate::load::load;
use crate::member::parts::org_tabs;
use crate::places::{self, param};
use crate::tr;
use api::{AddToGroup, CreateGroup, DeleteGroup, ReadGroup, ReadGroups, TakeOutOfGroup, UpdateGroup};
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::group::{GroupList, GroupRole, GroupRow, GroupView};
use slipway_domain::person::PersonRef;

/// `/orgs/{org}/groups`.
pub fn groups_page() -> AnyView {
    let org = param("org");
    load(move || ReadGroups { org: org() })
        .watching(|list: &GroupList| Topics::of("groups", list.org.id))
        .view(|list| show_list(&list))
}

fn show_list(list: &GroupList) -> AnyView {
    let slug = list.org.slug.clone();
    let body = if list.groups.is_empty() {
        view! { <EmptyState title=tr!(member.no_groups) hint=tr!(member.no_groups_hint)/> }.into_any()
    } else {
        let heads = vec![
            tr!(member.group).into_any(),
            tr!(member.people).into_any(),
            tr!(member.roles).into_any(),
        ];
        let rows = list.groups.iter().map(|group| group_row(&slug, group)).collect();
        table(tr!(member.groups), heads, rows)
    };
    let make = list.may_manage.then(|| {
        // Made in the form: a field made before it would not know what was typed or is wrong.
        let fields = move || {
            view! {
                {hidden("org", slug)}
                <div class="form-row">
                    <Field name="name" label=tr!(member.group_name) required=true/>
                    {submit(Weight::Primary, tr!(member.make_group))}
                </div>
            }
        };
        view! {
            <Panel title=tr!(member.new_group)>
                <Form action=CreateGroup::PATH class="form box-body">{fields()}</Form>
            </Panel>
        }
    });
    view! {
        <PageHead title=tr!(member.groups) line=tr!(member.groups_line).into_any()/>
        {org_tabs(&list.org.slug, "groups")}
        <div class="stack wide">
            <div class="box">{body}</div>
            {make}
        </div>
    }
    .into_any()
}

fn group_row(org: &str, group: &GroupRow) -> AnyView {
    let href = format!("{}/groups/{}", places::org(org), group.group.id);
    let name = view! { <a class="strong" href=href>{group.group.name.clone()}</a> };
    row(
        name.into_any(),
        vec![
            (tr!(member.people), group.people.to_string().into_any()),
            (tr!(member.roles), group.roles.to_string().into_any()),
        ],
    )
}

/// `/orgs/{org}/groups/{group}`.
pub fn group_page() -> AnyView {
    let (org, group) = (param("org"), param("group"));
    load(move || ReadGroup {
        org: org(),
        group: group(),
    })
    .watching(|group: &GroupView| Topics::of("groups", group.org.id))
    .view(|group| show(&group))
}

/// The hidden fields that say which group a form is about.
fn group_fields(group: &GroupView) -> AnyView {
    view! { {hidden("org", group.org.slug.clone())}{hidden("group", group.group.id.to_string())} }.into_any()
}

fn show(group: &GroupView) -> AnyView {
    let people = if group.people.is_empty() {
        view! { <EmptyState title=tr!(member.nobody_in) hint=tr!(member.nobody_in_hint)/> }.into_any()
    } else {
        let rows = group
            .people
            .iter()
            .map(|person| person_row(group, person))
            .collect_view();
        view! { <ul class="list">{rows}</ul> }.into_any()
    };
    let roles = if group.roles.is_empty() {
        view! { <EmptyState title=tr!(member.no_role) hint=tr!(member.group_role_hint)/> }.into_any()
    } else {
        let rows = group.roles.iter().map(role_row).collect_view();
        view! { <ul class="list">{rows}</ul> }.into_any()
    };
    view! {
        <PageHead title=group.group.name.clone() line=tr!(member.groups_line).into_any()/>
        <div class="columns">
            <div class="stack wide">
                <Panel title=tr!(member.people)>{people}</Panel>
                {(group.may_manage && !group.others.is_empty()).then(|| add(group))}
            </div>
            <div class="stack wide">
                <Panel title=tr!(member.roles)>{roles}</Panel>
                {group.may_manage.then(|| change(group))}
            </div>
        </div>
    }
    .into_any()
}

fn person_row(group: &GroupView, person: &PersonRef) -> AnyView {
    let take = group.may_manage.then(|| {
        let fields = view! { {group_fields(group)}{submit(Weight::Plain, tr!(member.take_out))} };
        view! { <Form action=TakeOutOfGroup::PATH class="row" key=("person", person.id.to_string())>{fields}</Form> }
    });
    view! {
        <li class="list-row">
            <span class="row">{initials(person)}<span class="strong">{person.name.clone()}</span><span class="muted">{person.username.clone()}</span></span>
            {take}
        </li>
    }
    .into_any()
}

fn role_row(role: &GroupRole) -> AnyView {
    view! {
        <li class="list-row">
            <span class="row wrap">
                {tag(say(&role.role.text()))}
                <span class="small muted">{say(&role.at.text())}</span>
                <a href=role.path.clone()>{role.place.clone()}</a>
            </span>
        </li>
    }
    .into_any()
}

fn add(group: &GroupView) -> AnyView {
    let mut people = vec![(String::new(), tr!(member.choose))];
    people.extend(
        group
            .others
            .iter()
            .map(|p| (p.id.to_string(), format!("{} ({})", p.name, p.username))),
    );
    let place = group_fields(group);
    // Made in the form: a field made before it would not know what was typed or is wrong.
    let fields = move || {
        view! {
            {place}
            <div class="form-row">
                <Field name="person" label=tr!(member.person) control=Control::Select(people) required=true/>
                {submit(Weight::Primary, tr!(member.put_in))}
            </div>
        }
    };
    view! {
        <Panel title=tr!(member.add_person)>
            <Form action=AddToGroup::PATH class="form box-body">{fields()}</Form>
        </Panel>
    }
    .into_any()
}

fn change(group: &GroupView) -> AnyView {
    let (place, name) = (group_fields(group), group.group.name.clone());
    // Made in the form: a field made before it would not know what was typed or is wrong.
    let fields = move || {
        view! {
            {place}
            <Field name="name" label=tr!(member.group_name) value=name required=true/>
            <p>{submit(Weight::Plain, tr!(member.save))}</p>
        }
    };
    let ask = tr!(member.delete_group_ask, name = group.group.name);
    let delete = view! { {group_fields(group)}{submit(Weight::Danger, tr!(member.delete_group))} };
    view! {
        <Panel title=tr!(member.change_group)>
            <Form action=UpdateGroup::PATH class="form box-body" done=tr!(member.saved)>{fields()}</Form>
            <Form action=DeleteGroup::PATH class="form box-body" confirm=ask>{delete}</Form>
        </Panel>
    }
    .into_any()
}
