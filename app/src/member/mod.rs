//! Members: who holds which role, and what each role may do.

pub mod api;

use crate::design::avatar::initials;
use crate::design::icon::{Icon, icon};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::design::status::tag;
use crate::design::table::{row, table};
use crate::i18n::say;
use crate::live::Topics;
use crate::load::load;
use crate::places::param;
use crate::tr;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use slipway_domain::access::{Action, Role, ScopeKind};
use slipway_domain::org::Member;
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

/// `P/members`, and `/orgs/{org}/members`.
pub fn members_page() -> AnyView {
    let (org, project) = (param("org"), param("project"));
    load(move || api::ReadMembers {
        org: org(),
        project: Some(project()).filter(|project| !project.is_empty()),
    })
    .watching(topics)
    .view(|list| show(&list))
}

fn topics(list: &MemberList) -> Topics {
    let org = Topics::of("members", list.place.org.id);
    list.place
        .project
        .iter()
        .fold(org, |topics, project| topics.and("members", project.id))
}

/// A person with all roles they hold here.
type Holder<'a> = (&'a PersonRef, Vec<&'a Member>);

fn holders(members: &[Member]) -> Vec<Holder<'_>> {
    let mut holders: Vec<Holder<'_>> = Vec::new();
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

fn show(list: &MemberList) -> AnyView {
    let holders = holders(&list.members);
    let line = match holders.len() {
        1 => tr!(member.one_person),
        n => tr!(member.n_people, n = n),
    };
    let body = if holders.is_empty() {
        view! { <EmptyState title=tr!(member.none) hint=tr!(member.none_hint)/> }.into_any()
    } else {
        let heads = vec![tr!(member.person).into_any(), tr!(member.roles).into_any()];
        table(
            tr!(common.nav_members),
            heads,
            holders.iter().map(holder).collect(),
        )
    };
    let scopes: &[ScopeKind] = if list.place.project.is_some() {
        &[ScopeKind::Project, ScopeKind::App]
    } else {
        &[ScopeKind::Org]
    };
    view! {
        <PageHead title=tr!(common.nav_members) line=line.into_any()/>
        <div class="stack wide">
            <div class="box">{body}</div>
            {scopes.iter().map(|scope| matrix(*scope)).collect::<Vec<_>>()}
            <p class="small muted">{tr!(member.union)}</p>
        </div>
    }
    .into_any()
}

fn holder((person, roles): &Holder<'_>) -> AnyView {
    let name = view! {
        <span class="row">{initials(person)}<span class="strong">{person.name.clone()}</span><span class="muted">{person.username.clone()}</span></span>
    };
    let roles = roles
        .iter()
        .map(|member| {
            let from = member
                .inherited
                .then(|| view! { <span class="small muted">{tr!(member.inherited)}</span> });
            view! { <span class="row">{tag(say(&member.role.text()))}{from}</span> }
        })
        .collect_view();
    row(
        name.into_any(),
        vec![(
            tr!(member.roles),
            view! { <span class="row wrap">{roles}</span> }.into_any(),
        )],
    )
}

/// What the roles of a scope may do: a row an action, a column a role.
fn matrix(scope: ScopeKind) -> AnyView {
    let roles: Vec<Role> = Role::ALL
        .iter()
        .copied()
        .filter(|role| role.scope() == scope)
        .collect();
    let title = match scope {
        ScopeKind::Org => tr!(member.matrix_org),
        ScopeKind::Project => tr!(member.matrix_project),
        ScopeKind::App => tr!(member.matrix_app),
    };
    let heads = roles
        .iter()
        .map(|role| view! { <th scope="col">{say(&role.text())}</th> })
        .collect::<Vec<_>>();
    let granted = |action: &Action| roles.iter().any(|role| role.actions().has(*action));
    let rows = Action::ALL
        .iter()
        .filter(|action| granted(action))
        .map(|action| action_row(*action, &roles))
        .collect::<Vec<_>>();
    view! {
        <Panel title>
            <div class="table-wrap" tabindex="0" role="group" aria-label=tr!(member.matrix)>
                <table class="table matrix">
                    <thead><tr><th scope="col">{tr!(member.action)}</th>{heads}</tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </Panel>
    }
    .into_any()
}

fn action_row(action: Action, roles: &[Role]) -> AnyView {
    let cells = roles
        .iter()
        .map(|role| {
            let mark = if role.actions().has(action) {
                view! { {icon(Icon::Check)}<span class="visually-hidden">{tr!(member.may)}</span> }.into_any()
            } else {
                view! { <span class="visually-hidden">{tr!(member.may_not)}</span> }.into_any()
            };
            view! { <td>{mark}</td> }
        })
        .collect::<Vec<_>>();
    view! { <tr><th scope="row">{say(&action.text())}</th>{cells}</tr> }.into_any()
}
