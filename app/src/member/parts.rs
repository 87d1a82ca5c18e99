//! Parts that the pages about members, groups and roles share.

use crate::design::icon::{Icon, icon};
use crate::design::page::Panel;
use crate::design::status::tag;
use crate::design::tabs::{Tab, tabs};
use crate::i18n::say;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::access::{Action, Role, ScopeKind};
use slipway_domain::member::Member;
use slipway_domain::role::{CustomRole, HeldRole};

/// The tabs of an organization's people: members, groups, roles.
pub fn org_tabs(org: &str, current: &str) -> AnyView {
    let root = crate::places::org(org);
    let tab = |word: String, end: &str| Tab {
        word,
        href: format!("{root}/{end}"),
        current: end == current,
    };
    tabs(
        tr!(common.nav_members),
        vec![
            tab(tr!(common.nav_members), "members"),
            tab(tr!(member.groups), "groups"),
            tab(tr!(member.roles), "roles"),
        ],
    )
}

/// Roles as the choices of a field, after one that says to choose: nobody becomes an owner by not looking.
pub fn role_choices(roles: &[HeldRole]) -> Vec<(String, String)> {
    let none = (String::new(), tr!(member.choose));
    let roles = roles.iter().map(|role| (role.key(), say(&role.text())));
    std::iter::once(none).chain(roles).collect()
}

/// A role that somebody holds, and where it comes from.
pub fn held(member: &Member) -> AnyView {
    view! { <span class="row">{tag(say(&member.role.text()))}{source(member)}</span> }.into_any()
}

/// Where a role comes from, unless it is held right here by the person.
pub fn source(member: &Member) -> AnyView {
    let above = member
        .inherited
        .then(|| tr!(member.from, place = say(&member.at.text())));
    let group = member
        .via
        .as_ref()
        .map(|group| tr!(member.through, group = group.name));
    let words: Vec<_> = above.into_iter().chain(group).collect();
    (!words.is_empty())
        .then(|| view! { <span class="small muted">{words.join(", ")}</span> })
        .into_any()
}

/// What the roles of a scope may do: a row an action, a column a role. Made of `domain::access`, which decides.
pub fn matrix(scope: ScopeKind, custom: &[CustomRole]) -> AnyView {
    let built_in = Role::ALL.iter().copied().map(HeldRole::BuiltIn);
    let own = custom.iter().cloned().map(HeldRole::Custom);
    let roles: Vec<HeldRole> = built_in.chain(own).filter(|role| role.scope() == scope).collect();
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

fn action_row(action: Action, roles: &[HeldRole]) -> AnyView {
    let cells = roles
        .iter()
        .map(|role| view! { <td>{yes_or_no(role.actions().has(action))}</td> })
        .collect::<Vec<_>>();
    view! { <tr><th scope="row">{say(&action.text())}</th>{cells}</tr> }.into_any()
}

/// A check mark, or nothing, with its word for those who cannot see it.
pub fn yes_or_no(yes: bool) -> AnyView {
    if yes {
        view! { {icon(Icon::Check)}<span class="visually-hidden">{tr!(member.may)}</span> }.into_any()
    } else {
        view! { <span class="visually-hidden">{tr!(member.may_not)}</span> }.into_any()
    }
}
