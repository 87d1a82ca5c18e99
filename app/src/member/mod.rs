//! Members: who holds which role, and what each role may do.

pub mod api;
pub mod parts;
mod person;

pub use person::person_page;

use crate::design::avatar::initials;
use crate::design::button::{Weight, submit};
use crate::design::field::{Control, Field};
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::design::status::tag;
use crate::design::table::{row, table};
use crate::i18n::say;
use crate::live::Topics;
use crate::load::load;
use crate::places::{self, param};
use crate::tr;
use api::{GrantRole, RevokeRole};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use server_fn::ServerFn;
use slipway_domain::access::ScopeKind;
use slipway_domain::member::{GroupHolding, Holder, Member, MemberPage};
use slipway_domain::person::PersonRef;
use slipway_domain::project::Place;

/// The members of a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberList {
    /// Where.
    pub place: Place,
    /// One entry a role that somebody holds.
    pub members: Vec<Member>,
}

/// The address of the members' page of a place.
pub fn address(org: &str, project: Option<&str>, app: Option<&str>) -> String {
    let named = |name: Option<&'_ str>| name.filter(|name| !name.is_empty()).map(str::to_owned);
    let place = match (named(project), named(app)) {
        (None, _) => places::org(org),
        (Some(project), None) => places::project(org, &project),
        (Some(project), Some(app)) => places::app(org, &project, &app),
    };
    format!("{place}/members")
}

/// A name of the route, if it has one.
fn named(name: String) -> Option<String> {
    Some(name).filter(|name| !name.is_empty())
}

/// `…/members` of an organization, a project or an app.
pub fn members_page() -> AnyView {
    let (org, project, app) = (param("org"), param("project"), param("app"));
    load(move || api::ReadMemberPage {
        org: org(),
        project: named(project()),
        app: named(app()),
    })
    .watching(|page: &MemberPage| topics(&page.place))
    .view(|page| show(&page))
}

/// What changes when roles at the place or above it do.
fn topics(place: &Place) -> Topics {
    let mut topics = Topics::of("members", place.org.id).and("roles", place.org.id);
    if let Some(project) = &place.project {
        topics = topics.and("members", project.id);
    }
    if let Some(app) = &place.app {
        topics = topics.and("members", app.id);
    }
    topics
}

/// A person with all roles they hold here.
type Roles<'a> = (&'a PersonRef, Vec<&'a Member>);

fn holders(members: &[Member]) -> Vec<Roles<'_>> {
    let mut holders: Vec<Roles<'_>> = Vec::new();
    for member in members {
        match holders
            .iter_mut()
            .find(|(person, _)| person.id == member.person.id)
        {
            Some((_, roles)) => roles.push(member),
            None => holders.push((&member.person, vec![member])),
        }
    }
    holders
}

fn show(page: &MemberPage) -> AnyView {
    let holders = holders(&page.members);
    let line = match holders.len() {
        1 => tr!(member.one_person),
        n => tr!(member.n_people, n = n),
    };
    let people = if holders.is_empty() {
        view! { <EmptyState title=tr!(member.none) hint=tr!(member.none_hint)/> }.into_any()
    } else {
        let heads = vec![tr!(member.person).into_any(), tr!(member.roles).into_any()];
        let root = page.place.path();
        table(
            tr!(common.nav_members),
            heads,
            holders.iter().map(|holder| person_row(&root, holder)).collect(),
        )
    };
    let scopes: &[ScopeKind] = match (&page.place.project, &page.place.app) {
        (None, _) => &[ScopeKind::Org],
        (Some(_), None) => &[ScopeKind::Project, ScopeKind::App],
        (Some(_), Some(_)) => &[ScopeKind::App],
    };
    let matrices = scopes
        .iter()
        .map(|scope| parts::matrix(*scope, &page.custom_roles))
        .collect::<Vec<_>>();
    let tabs = page
        .place
        .project
        .is_none()
        .then(|| parts::org_tabs(&page.place.org.slug, "members"));
    view! {
        <PageHead title=tr!(common.nav_members) line=line.into_any()/>
        {tabs}
        <div class="stack wide">
            {crate::invitation::requests(page)}
            <div class="box">{people}</div>
            {groups(page)}
            {page.may_manage.then(|| add(page))}
            {page.may_manage.then(|| crate::invitation::invite(page))}
            {crate::invitation::ask(page)}
            {matrices}
            <p class="small muted">{tr!(member.union)}</p>
        </div>
    }
    .into_any()
}

fn person_row(root: &str, (person, roles): &Roles<'_>) -> AnyView {
    let href = format!("{root}/members/{}", person.username);
    let name = view! {
        <span class="row">
            {initials(person)}
            <a class="strong" href=href>{person.name.clone()}</a>
            <span class="muted">{person.username.clone()}</span>
        </span>
    };
    let roles = roles.iter().map(|member| parts::held(member)).collect_view();
    row(
        name.into_any(),
        vec![(
            tr!(member.roles),
            view! { <span class="row wrap">{roles}</span> }.into_any(),
        )],
    )
}

/// The roles that groups hold here and above.
fn groups(page: &MemberPage) -> AnyView {
    if page.groups.is_empty() {
        return ().into_any();
    }
    let heads = vec![tr!(member.group).into_any(), tr!(member.role).into_any()];
    let rows = page
        .groups
        .iter()
        .map(|holding| group_row(page, holding))
        .collect();
    view! { <Panel title=tr!(member.groups_here)>{table(tr!(member.groups_here), heads, rows)}</Panel> }
        .into_any()
}

fn group_row(page: &MemberPage, holding: &GroupHolding) -> AnyView {
    let href = format!(
        "{}/groups/{}",
        places::org(&page.place.org.slug),
        holding.group.id
    );
    let count = match holding.people {
        1 => tr!(member.one_person),
        n => tr!(member.n_people, n = n),
    };
    let name = view! { <span class="row"><a class="strong" href=href>{holding.group.name.clone()}</a><span class="muted">{count}</span></span> };
    let from = holding.inherited.then(
        || view! { <span class="small muted">{tr!(member.from, place = say(&holding.at.text()))}</span> },
    );
    let take = (!holding.inherited && page.grantable.contains(&holding.role)).then(|| {
        let fields = view! {
            {place_fields(&page.place)}
            <button type="submit" class="btn small">{tr!(member.take_away)}</button>
        };
        view! {
            <Form action=RevokeRole::PATH class="inline" key=("binding", holding.binding.to_string())>{fields}</Form>
        }
    });
    let role = view! { <span class="row wrap">{tag(say(&holding.role.text()))}{from}{take}</span> };
    row(name.into_any(), vec![(tr!(member.role), role.into_any())])
}

/// The form that gives a role.
fn add(page: &MemberPage) -> AnyView {
    let mut who = vec![(String::new(), tr!(member.choose))];
    who.extend(
        page.people
            .iter()
            .map(|p| (Holder::Person(p.id).key(), format!("{} ({})", p.name, p.username))),
    );
    who.extend(
        page.all_groups
            .iter()
            .map(|g| (Holder::Group(g.id).key(), tr!(member.group_named, group = g.name))),
    );
    let (place, roles) = (page.place.clone(), parts::role_choices(&page.grantable));
    // Made in the form: a field made before it would not know what was typed or is wrong.
    let fields = move || {
        view! {
            {place_fields(&place)}
            <div class="form-row">
                <Field name="who" label=tr!(member.who) help=tr!(member.who_help) control=Control::Select(who) required=true/>
                <Field name="role" label=tr!(member.role) control=Control::Select(roles) required=true/>
                {submit(Weight::Primary, tr!(member.give))}
            </div>
        }
    };
    view! {
        <Panel title=tr!(member.add)>
            <Form action=GrantRole::PATH class="form box-body" done=tr!(member.given)>{fields()}</Form>
        </Panel>
    }
    .into_any()
}

/// The hidden field that names a role that is held.
fn binding_field(id: slipway_domain::id::BindingId) -> AnyView {
    hidden("binding", id.to_string())
}
