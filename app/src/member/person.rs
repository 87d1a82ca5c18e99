//! A person at a place: their roles, what these let them do and why, and the forms that change them.

use super::api::{ChangeRole, ReadPersonHere, RemoveMember, RevokeRole};
use super::{binding_field, named, parts, topics};
use crate::design::button::{Weight, submit};
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::design::table::{row, table};
use crate::i18n::say;
use crate::load::load;
use crate::places::param;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::member::{Ability, Member, PersonHere, Reason};
use slipway_domain::project::Place;

/// `…/members/{username}`.
pub fn person_page() -> AnyView {
    let (org, project, app) = (param("org"), param("project"), param("app"));
    let person = param("person");
    load(move || ReadPersonHere {
        org: org(),
        project: named(project()),
        app: named(app()),
        person: person(),
    })
    .watching(|here: &PersonHere| topics(&here.place))
    .view(|here| show(&here))
}

/// The name of the place itself.
fn place_name(place: &Place) -> String {
    match (&place.project, &place.app) {
        (_, Some(app)) => app.name.clone(),
        (Some(project), None) => project.name.clone(),
        (None, None) => place.org.name.clone(),
    }
}

fn show(here: &PersonHere) -> AnyView {
    let place = place_name(&here.place);
    let line = tr!(member.person_line, username = here.person.username, place = place);
    let (abilities, roles) = (abilities(&here.abilities), roles(here));
    view! {
        <PageHead title=here.person.name.clone() line=line.into_any()/>
        <div class="columns">
            <div class="stack wide">
                <Panel title=tr!(member.may_do)>{abilities}</Panel>
                <p class="small muted">{tr!(member.union)}</p>
            </div>
            <div class="stack wide">
                <Panel title=tr!(member.roles)>{roles}</Panel>
                {here.may_remove.then(|| remove(here, &place))}
            </div>
        </div>
    }
    .into_any()
}

fn abilities(abilities: &[Ability]) -> AnyView {
    let heads = vec![
        tr!(member.action).into_any(),
        tr!(member.may).into_any(),
        tr!(member.why).into_any(),
    ];
    let rows = abilities.iter().map(ability).collect();
    table(tr!(member.may_do), heads, rows)
}

fn ability(ability: &Ability) -> AnyView {
    let reasons = ability.reasons.iter().map(reason).collect::<Vec<_>>();
    let why = if reasons.is_empty() {
        view! { <span class="muted">{tr!(member.no_role)}</span> }.into_any()
    } else {
        view! { <span class="row wrap">{reasons}</span> }.into_any()
    };
    row(
        say(&ability.action.text()).into_any(),
        vec![
            (tr!(member.may), parts::yes_or_no(!ability.reasons.is_empty())),
            (tr!(member.why), why),
        ],
    )
}

fn reason(reason: &Reason) -> AnyView {
    let words = match reason {
        Reason::Role(member) => return parts::held(member),
        Reason::Internal => tr!(member.because_internal),
        Reason::AppInside => tr!(member.because_app),
    };
    view! { <span class="small muted">{words}</span> }.into_any()
}

fn roles(here: &PersonHere) -> AnyView {
    if here.roles.is_empty() {
        return view! { <EmptyState title=tr!(member.no_role) hint=tr!(member.no_role_hint)/> }.into_any();
    }
    let rows = here
        .roles
        .iter()
        .map(|member| view! { <li class="list-row">{parts::held(member)}{change(here, member)}</li> })
        .collect_view();
    view! { <ul class="list">{rows}</ul> }.into_any()
}

/// The forms that change a role or take it away, where the reader may.
fn change(here: &PersonHere, member: &Member) -> AnyView {
    if !here.removable.contains(&member.binding) {
        return ().into_any();
    }
    let (place, id, current) = (here.place.clone(), member.binding, member.role.key());
    let options = parts::role_choices(&here.grantable)
        .into_iter()
        .map(|(key, word)| view! { <option value=key.clone() selected=key == current>{word}</option> })
        .collect_view();
    let change = view! {
        {place_fields(&place)}
        <select class="input" name="role" aria-label=tr!(member.role)>{options}</select>
        {submit(Weight::Plain, tr!(member.change))}
    };
    let take = view! {
        {place_fields(&place)}
        {binding_field(id)}
        {submit(Weight::Danger, tr!(member.take_away))}
    };
    view! {
        <div class="row wrap wide">
            <Form action=ChangeRole::PATH class="row" key=("binding", id.to_string()) done=tr!(member.changed)>{change}</Form>
            <Form action=RevokeRole::PATH class="row" done=tr!(member.taken)>{take}</Form>
        </div>
    }
    .into_any()
}

fn remove(here: &PersonHere, place: &str) -> AnyView {
    let (title, word, ask) = if here.own {
        (
            tr!(member.leave_title),
            tr!(member.leave, place = place),
            tr!(member.leave_ask, place = place),
        )
    } else {
        (
            tr!(member.remove_title),
            tr!(member.remove, place = place),
            tr!(member.remove_ask, name = here.person.name, place = place),
        )
    };
    let fields = view! {
        {place_fields(&here.place)}
        {hidden("person", here.person.id.to_string())}
        <p class="small muted">{tr!(member.remove_hint)}</p>
        <p>{submit(Weight::Danger, word)}</p>
    };
    view! {
        <Panel title>
            <Form action=RemoveMember::PATH class="form box-body" confirm=ask>{fields}</Form>
        </Panel>
    }
    .into_any()
}
