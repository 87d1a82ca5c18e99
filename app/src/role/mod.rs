//! The roles of an organization: the built-in ones, and those that it makes.

pub mod api;

use crate::design::button::{Weight, button_link, submit};
use crate::design::field::Field;
use crate::design::form::{Form, hidden};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::i18n::say;
use crate::live::Topics;
use crate::load::load;
use crate::member::parts::{matrix, org_tabs};
use crate::places::{self, param, query};
use crate::tr;
use api::{CreateRole, DeleteRole, ReadRole, ReadRoles, UpdateRole};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use server_fn::ServerFn;
use slipway_domain::access::{Action, ActionSet, ScopeKind};
use slipway_domain::org::OrgRef;
use slipway_domain::role::CustomRole;

/// The organization's own roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleList {
    /// Where.
    pub org: OrgRef,
    /// By name.
    pub roles: Vec<CustomRole>,
    /// Whether the reader may make and change roles.
    pub may_manage: bool,
}

/// One of them, to be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleView {
    /// Where.
    pub org: OrgRef,
    /// Which.
    pub role: CustomRole,
    /// The version that the form changes.
    pub version: i64,
    /// How many hold it or are offered it.
    pub uses: i64,
}

/// `/orgs/{org}/roles`.
pub fn roles_page() -> AnyView {
    let (org, scope) = (param("org"), query("scope"));
    load(move || ReadRoles { org: org() })
        .watching(|list: &RoleList| Topics::of("roles", list.org.id))
        .view(move |list| show_list(&list, scope().as_deref()))
}

fn show_list(list: &RoleList, scope: Option<&str>) -> AnyView {
    let own = if list.roles.is_empty() {
        view! { <EmptyState title=tr!(member.no_own_roles) hint=tr!(member.no_own_roles_hint)/> }.into_any()
    } else {
        let rows = list.roles.iter().map(|role| role_row(list, role)).collect_view();
        view! { <ul class="list">{rows}</ul> }.into_any()
    };
    let matrices: Vec<AnyView> = ScopeKind::ALL
        .iter()
        .map(|scope| matrix(*scope, &list.roles))
        .collect();
    let slug = &list.org.slug;
    view! {
        <PageHead title=tr!(member.roles) line=tr!(member.roles_line).into_any()/>
        {org_tabs(slug, "roles")}
        <div class="stack wide">
            <Panel title=tr!(member.own_roles)>{own}</Panel>
            {list.may_manage.then(|| make(slug, scope))}
            {matrices}
        </div>
    }
    .into_any()
}

fn role_row(list: &RoleList, role: &CustomRole) -> AnyView {
    let name = if list.may_manage {
        let href = format!("{}/roles/{}", places::org(&list.org.slug), role.id);
        view! { <a class="strong" href=href>{role.name.clone()}</a> }.into_any()
    } else {
        view! { <span class="strong">{role.name.clone()}</span> }.into_any()
    };
    let count = role.actions.iter().count();
    view! {
        <li class="list-row">
            <span class="row">{name}<span class="muted">{say(&role.scope.text())}</span></span>
            <span class="small muted">{tr!(member.n_actions, n = count)}</span>
        </li>
    }
    .into_any()
}

/// The form for a new role: first the kind of place, which decides what it can be made of.
fn make(org: &str, scope: Option<&str>) -> AnyView {
    let Some(scope) = scope.and_then(ScopeKind::from_key) else {
        let links: Vec<AnyView> = ScopeKind::ALL
            .into_iter()
            .map(|kind| button_link(Weight::Plain, format!("?scope={}", kind.key()), say(&kind.text())))
            .collect();
        return view! {
            <Panel title=tr!(member.new_role)>
                <div class="box-body">
                    <p>{tr!(member.where_held)}</p>
                    <p class="row wrap">{links}</p>
                </div>
            </Panel>
        }
        .into_any();
    };
    let org = org.to_owned();
    let fields = move || {
        view! {
            {hidden("org", org)}
            {hidden("scope", scope.key().to_owned())}
            <Field name="name" label=tr!(member.role_name) required=true/>
            {actions(scope, ActionSet::EMPTY)}
            <p>{submit(Weight::Primary, tr!(member.make_role))}</p>
        }
    };
    view! {
        <Panel title=tr!(member.new_role_at, place = say(&scope.text()))>
            <Form action=CreateRole::PATH class="form box-body">{fields()}</Form>
        </Panel>
    }
    .into_any()
}

/// A box for each action that a role of the scope can have. To see is part of every role.
fn actions(scope: ScopeKind, chosen: ActionSet) -> AnyView {
    let boxes = scope
        .actions()
        .iter()
        .filter(|action| *action != Action::See)
        .enumerate()
        .map(|(i, action)| {
            let name = format!("actions[{i}]");
            view! {
                <label class="check">
                    <input type="checkbox" name=name value=action.key() checked=chosen.has(action)/>
                    {say(&action.text())}
                </label>
            }
        })
        .collect_view();
    view! { <fieldset class="field" id="f-actions"><legend>{tr!(member.actions)}</legend>{boxes}</fieldset> }
        .into_any()
}

/// `/orgs/{org}/roles/{role}`.
pub fn role_page() -> AnyView {
    let (org, role) = (param("org"), param("role"));
    load(move || ReadRole {
        org: org(),
        role: role(),
    })
    .watching(|role: &RoleView| Topics::of("roles", role.org.id))
    .view(|role| show(&role))
}

fn show(view: &RoleView) -> AnyView {
    let (org, id, role) = (view.org.slug.clone(), view.role.id.to_string(), view.role.clone());
    let version = view.version.to_string();
    let fields = {
        let (org, id) = (org.clone(), id.clone());
        move || {
            view! {
                {hidden("org", org)}
                {hidden("role", id)}
                {hidden("version", version)}
                {hidden("scope", role.scope.key().to_owned())}
                <Field name="name" label=tr!(member.role_name) value=role.name.clone() required=true/>
                {actions(role.scope, role.actions)}
                <p>{submit(Weight::Primary, tr!(member.save))}</p>
            }
        }
    };
    let delete = if view.uses > 0 {
        view! { <p class="muted box-body">{tr!(member.role_used, n = view.uses)}</p> }.into_any()
    } else {
        let fields = view! { {hidden("org", org)}{hidden("role", id)}{submit(Weight::Danger, tr!(member.delete_role))} };
        view! { <Form action=DeleteRole::PATH class="form box-body" confirm=tr!(member.delete_role_ask, name = view.role.name)>{fields}</Form> }
            .into_any()
    };
    view! {
        <PageHead title=view.role.name.clone() line=say(&view.role.scope.text()).into_any()/>
        <div class="stack wide">
            <Panel title=tr!(member.change_role)><Form action=UpdateRole::PATH class="form box-body">{fields()}</Form></Panel>
            <Panel title=tr!(member.delete_role)>{delete}</Panel>
        </div>
    }
    .into_any()
}
