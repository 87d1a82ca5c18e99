//! The GitLab connections of an organization: how each is, its test, and its form.

pub mod api;
mod oauth;

pub use oauth::{FROM_GITLAB, connections_of};

use crate::design::button::{Weight, submit};
use crate::design::field::{Control, Field};
use crate::design::form::{Form, hidden};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::design::status::{Status, pill, tag};
use crate::design::time::time;
use crate::i18n::say;
use crate::live::Topics;
use crate::load::load;
use crate::place::org_tabs;
use crate::places::param;
use crate::tr;
use api::{
    AddConnection, EditConnection, EditOauthConnection, ReadConnections, RemoveConnection, TestConnection,
    UseOauth, UseToken,
};
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::connection::{Connection, ConnectionList, ConnectionReport};
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;

/// `/orgs/{org}/settings/gitlab`.
pub fn connections_page() -> AnyView {
    let org = param("org");
    let page = load(move || ReadConnections { org: org() })
        .watching(|list: &ConnectionList| Topics::of("org", list.org.id))
        .view(|list| show(&list));
    // Above the page, which whoever lost the right meanwhile does not see.
    view! { {oauth::way()}{page} }.into_any()
}

fn show(list: &ConnectionList) -> AnyView {
    let org = list.org.slug.clone();
    let cards = if list.connections.is_empty() {
        view! { <EmptyState title=tr!(place.no_gitlab) hint=tr!(place.no_gitlab_hint)/> }.into_any()
    } else {
        let cards = list
            .connections
            .iter()
            .map(|one| card(&org, one, &list.redirect_uri))
            .collect::<Vec<_>>();
        view! { <div class="stack wide">{cards}</div> }.into_any()
    };
    let by_oauth = oauth::panel(org.clone(), list.redirect_uri.clone());
    view! {
        <PageHead title=tr!(place.settings) line=list.org.name.clone().into_any()/>
        {org_tabs(&org, "gitlab")}
        <div class="stack wide">
            {cards}
            <Panel title=tr!(place.add_gitlab)>
                <Form action=AddConnection::PATH class="form narrow box-body" done=tr!(place.gitlab_added)>
                    {hidden("org", org)}
                    <Field name="name" label=tr!(place.name) required=true/>
                    <Field name="base_url" label=tr!(place.base_url) help=tr!(place.base_url_help) required=true/>
                    <Field name="token" label=tr!(place.token) help=tr!(place.token_help) control=Control::Password required=true/>
                    <p>{submit(Weight::Primary, tr!(place.add))}</p>
                </Form>
            </Panel>
            {by_oauth}
        </div>
    }
    .into_any()
}

/// Whether it answers, and since when.
pub(crate) fn status(trouble: Option<&Text>, last_ok_at: Option<Timestamp>) -> AnyView {
    match (trouble, last_ok_at) {
        (Some(_), _) => pill(Status::Failed, tr!(environment.no_answer)),
        (None, Some(_)) => pill(Status::Success, tr!(environment.answers)),
        (None, None) => pill(Status::Queued, tr!(environment.not_asked)),
    }
}

/// When it answered last.
pub(crate) fn last_call(at: Option<Timestamp>) -> AnyView {
    match at {
        Some(at) => time(at).into_any(),
        None => tr!(place.never).into_any(),
    }
}

fn card(org: &str, one: &Connection, redirect_uri: &str) -> AnyView {
    let id = one.id.to_string();
    let at = org.to_owned();
    let authorize = one.oauth.as_ref().map(|by| oauth::authorize(org, one, by));
    let test = view! {
        <Form action=TestConnection::PATH class="form box-body" done=tr!(place.tested) key=("id", id.clone())>
            {hidden("org", at)}
            <p>{submit(Weight::Plain, tr!(place.test))}</p>
        </Form>
    };
    let change = if one.operator {
        view! { <p class="small muted box-body">{tr!(place.operators)}</p> }.into_any()
    } else {
        forms(org, one, redirect_uri)
    };
    view! {
        <section class="box" id=one.id.to_string()>
            <header><h2>{one.name.clone()}</h2>{status(one.trouble.as_ref(), one.last_ok_at)}</header>
            <div class="box-body">
                {one.trouble.as_ref().map(|trouble| view! { <p class="note bad">{say(trouble)}</p> })}
                <dl class="facts">
                    <dt>{tr!(place.base_url)}</dt>
                    <dd><code>{one.base_url.clone()}</code></dd>
                    {oauth::facts(one)}
                    <dt>{tr!(place.last_call)}</dt>
                    <dd>{last_call(one.last_ok_at)}</dd>
                    {one.report.as_ref().map(report)}
                </dl>
            </div>
            {authorize}
            {test}
            {change}
        </section>
    }
    .into_any()
}

fn report(report: &ConnectionReport) -> AnyView {
    let who = report
        .username
        .as_ref()
        .map(|name| tr!(place.token_of, name = name));
    let ends = report
        .expires_at
        .as_ref()
        .map(|day| tr!(place.token_ends, day = day));
    let missing = (!report.missing.is_empty()).then(|| {
        let scopes = report
            .missing
            .iter()
            .map(|scope| tag(scope.clone()))
            .collect::<Vec<_>>();
        view! { <span class="row wrap">{tr!(place.scopes_missing)}" "{scopes}</span> }
    });
    view! {
        <dt>{tr!(place.last_test)}</dt>
        <dd class="stack tight">
            <span>{time(report.at)}</span>
            {who.map(|who| view! { <span>{who}</span> })}
            {ends.map(|ends| view! { <span>{ends}</span> })}
            {missing}
            {report.trouble.as_ref().map(|trouble| view! { <span class="fault">{say(trouble)}</span> })}
        </dd>
    }
    .into_any()
}

fn forms(org: &str, one: &Connection, redirect_uri: &str) -> AnyView {
    let id = one.id.to_string();
    let open = [
        EditConnection::PATH,
        EditOauthConnection::PATH,
        UseOauth::PATH,
        UseToken::PATH,
    ]
    .into_iter()
    .any(|action| oauth::refused(action, &id));
    let removed = org.to_owned();
    let (edit, way) = match &one.oauth {
        Some(by) => (oauth::edit(org, one, by), oauth::by_token(org, one, by)),
        None => (edit(org, one), oauth::instead(org, one, redirect_uri)),
    };
    view! {
        <details class="box-body" open=open>
            <summary>{tr!(place.change)}</summary>
            {edit}
            {way}
            <Form action=RemoveConnection::PATH class="form" done=tr!(place.removed) confirm=tr!(place.remove_ask) key=("id", id.clone())>
                {hidden("org", removed)}
                <p>{submit(Weight::Danger, tr!(place.remove))}</p>
            </Form>
        </details>
    }
    .into_any()
}

/// The form that changes a connection by a token.
fn edit(org: &str, one: &Connection) -> AnyView {
    let (org, id) = (org.to_owned(), one.id.to_string());
    let (name, base_url) = (one.name.clone(), one.base_url.clone());
    view! {
        <Form action=EditConnection::PATH class="form narrow" done=tr!(place.saved) key=("id", id)>
            {hidden("org", org)}
            <Field name="name" label=tr!(place.name) value=name/>
            <Field name="base_url" label=tr!(place.base_url) value=base_url/>
            <Field name="token" label=tr!(place.new_token) control=Control::Password/>
            <p>{submit(Weight::Plain, tr!(place.save))}</p>
        </Form>
    }
    .into_any()
}
