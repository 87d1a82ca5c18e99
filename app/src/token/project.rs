//! The API tokens of a project.

use super::{api, facts, how, life, made, name_of, scopes};
use crate::design::button::{Weight, submit};
use crate::design::field::{Control, Field};
use crate::design::form::{Form, place_fields};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::design::table::{row, table};
use crate::i18n::say;
use crate::live::Topics;
use crate::load::load;
use crate::place::{archived_note, project_tabs};
use crate::places::param;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::token::{ProjectToken, ProjectTokenList, Scope, TokenState};

/// `P/settings/tokens`.
pub fn project_tokens_page() -> AnyView {
    let (org, project) = (param("org"), param("project"));
    load(move || api::ReadProjectTokens {
        org: org(),
        project: project(),
    })
    .watching(|list: &ProjectTokenList| {
        let project = list.place.project.iter();
        project.fold(Topics::default(), |topics, project| {
            topics.and("members", project.id)
        })
    })
    .view(|list| show(&list))
}

/// Where the form posts to.
pub const PROJECT_ACTION: &str = "/project-tokens";

fn show(list: &ProjectTokenList) -> AnyView {
    if list.place.project.is_none() {
        return ().into_any();
    }
    let body = if list.tokens.is_empty() {
        view! { <EmptyState title=tr!(token.project_none) hint=tr!(token.project_none_hint)/> }.into_any()
    } else {
        let heads = [
            tr!(token.name),
            tr!(token.role),
            tr!(token.scopes),
            tr!(token.state),
            tr!(token.last_used),
            tr!(token.expires),
            tr!(token.made_by),
            tr!(token.end),
        ];
        table(
            tr!(token.title),
            heads.into_iter().map(IntoAny::into_any).collect(),
            list.tokens.iter().map(|token| token_row(token, list)).collect(),
        )
    };
    view! {
        <PageHead title=tr!(token.project_title) line=tr!(token.project_line).into_any()/>
        {project_tabs(&list.place, "tokens")}
        {archived_note(&list.place)}
        <div class="stack wide">
            {made(PROJECT_ACTION)}
            <div class="box">{body}</div>
            {form(list)}
            {how()}
        </div>
    }
    .into_any()
}

fn token_row(row_of: &ProjectToken, list: &ProjectTokenList) -> AnyView {
    let token = &row_of.token;
    let (at, id) = (place_fields(&list.place), token.id.to_string());
    let end = (token.state(list.as_of) == TokenState::Active).then(|| {
        let name = token.name.clone();
        view! {
            <Form
                action=api::RevokeProjectToken::PATH class="inline" key=("id", id) done=tr!(token.ended)
                confirm=tr!(token.sure, name = name)
            >
                {at}
                {submit(Weight::Danger, tr!(token.revoke))}
            </Form>
        }
    });
    let role = match &row_of.role {
        Some(role) => say(role).into_any(),
        None => view! { <span class="muted">{tr!(token.no_role)}</span> }.into_any(),
    };
    let mut cells = vec![(tr!(token.role), role)];
    cells.extend(facts(token, list.as_of));
    cells.push((tr!(token.made_by), row_of.made_by.name.clone().into_any()));
    cells.push((tr!(token.end), end.into_any()));
    row(name_of(token), cells)
}

fn form(list: &ProjectTokenList) -> AnyView {
    let roles: Vec<_> = list
        .roles
        .iter()
        .map(|role| (role.key(), say(&role.text())))
        .collect();
    let least = slipway_domain::access::Role::ProjectViewer.key().to_owned();
    let offered: Vec<_> = Scope::ALL
        .iter()
        .copied()
        .filter(|scope| scope.is_for_projects())
        .collect();
    let at = place_fields(&list.place);
    let boxes = scopes(PROJECT_ACTION, &offered);
    view! {
        <Panel title=tr!(token.new)>
            <div class="box-body">
                <Form action=PROJECT_ACTION plain=true>
                    {at}
                    <div class="form-row">
                        <Field name="name" label=tr!(token.name) help=tr!(token.name_help) required=true/>
                        <Field name="role" label=tr!(token.role) help=tr!(token.role_help) control=Control::Select(roles) value=least/>
                        {life()}
                    </div>
                    {boxes}
                    <p>{submit(Weight::Primary, tr!(token.make))}</p>
                </Form>
            </div>
        </Panel>
    }
    .into_any()
}
