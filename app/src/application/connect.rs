//! Connecting an app to its repository: the first thing to do with a new app.

use super::api::{ConnectRepository, ReadConnections, ReadRepositories};
use crate::design::button::{Weight, submit};
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::Panel;
use crate::design::state::EmptyState;
use crate::design::status::tag;
use crate::load::load;
use crate::places::query;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::app::{AppOverview, RepositoryChoice};
use slipway_domain::connection::Connection;

/// The way from nothing to a first run, with its first step open.
pub fn connect(app: &AppOverview) -> AnyView {
    if !app.rights.manage {
        return view! { <EmptyState title=tr!(app.not_connected) hint=tr!(app.not_connected_hint)/> }
            .into_any();
    }
    let finder = finder(app);
    let choices = choices(app);
    view! {
        <div class="columns">
            <Panel title=tr!(app.connect_title)>{finder}{choices}</Panel>
            <Panel title=tr!(app.next_steps)>
                <ol class="steps box-body">
                    <li class="strong">{tr!(app.step_connect)}</li>
                    <li>{tr!(app.step_pipeline)}</li>
                    <li>{tr!(app.step_run)}</li>
                    <li>{tr!(app.step_promote)}</li>
                </ol>
            </Panel>
        </div>
    }
    .into_any()
}

/// The slugs of organization, project and app.
fn slugs(app: &AppOverview) -> (String, String, String) {
    let place = &app.place;
    let project = place.project.as_ref().map(|project| project.slug.clone());
    let slug = place.app.as_ref().map(|app| app.slug.clone());
    (
        place.org.slug.clone(),
        project.unwrap_or_default(),
        slug.unwrap_or_default(),
    )
}

/// Which connection, and words to look for: a plain form that changes the address.
fn finder(app: &AppOverview) -> AnyView {
    let (chosen, search) = (query("connection"), query("search"));
    let slugs = slugs(app);
    let connections = load(move || {
        let (org, project, app) = slugs.clone();
        ReadConnections { org, project, app }
    });
    let form = move |connections: Vec<Connection>| {
        let chosen = chosen().unwrap_or_default();
        let several = connections.len() > 1;
        let options = connections
            .into_iter()
            .map(|one| {
                let id = one.id.to_string();
                view! { <option value=id.clone() selected=id == chosen>{one.name}</option> }
            })
            .collect_view();
        let select = several.then(|| {
            view! { <select class="input" name="connection" aria-label=tr!(app.connection)>{options}</select> }
        });
        view! {
            <form method="get" class="form-row box-body">
                {select}
                <div class="field">
                    <label class="visually-hidden" for="f-search">{tr!(app.find_repository)}</label>
                    <input
                        class="input" type="search" id="f-search" name="search" value=search().unwrap_or_default()
                        placeholder=tr!(app.find_repository)
                    />
                </div>
                {submit(Weight::Plain, tr!(app.find))}
            </form>
        }
        .into_any()
    };
    connections.view_or(form, |_| ().into_any())
}

fn choices(app: &AppOverview) -> AnyView {
    let (chosen, search) = (query("connection"), query("search"));
    let slugs = slugs(app);
    let place = app.place.clone();
    let choices = load(move || {
        let (org, project, app) = slugs.clone();
        let connection = chosen().and_then(|id| id.parse().ok());
        ReadRepositories {
            org,
            project,
            app,
            connection,
            search: search(),
        }
    });
    choices.view(move |choices: Vec<RepositoryChoice>| {
        if choices.is_empty() {
            return view! { <EmptyState title=tr!(app.no_repositories) hint=tr!(app.no_repositories_hint)/> }
                .into_any();
        }
        let place = place_fields(&place);
        let via = chosen().map(|id| hidden("connection", id));
        view! {
            <Form action=ConnectRepository::PATH class="form box-body" done=tr!(app.connected)>
                {place}{via}
                <fieldset class="choice-list">
                    <legend class="visually-hidden">{tr!(app.repository)}</legend>
                    {choices.iter().map(choice).collect_view()}
                </fieldset>
                <p>{submit(Weight::Primary, tr!(app.connect))}</p>
            </Form>
        }
        .into_any()
    })
}

fn choice(choice: &RepositoryChoice) -> AnyView {
    let taken = choice.used_by.clone().map(|app| tag(tr!(app.used_by, app = app)));
    let branch = match &choice.default_branch {
        Some(branch) => view! { <code class="small muted">{branch.clone()}</code> }.into_any(),
        None => view! { <span class="small muted">{tr!(app.no_commits)}</span> }.into_any(),
    };
    view! {
        <label class="choice">
            <input type="radio" name="repository" value=choice.project_id.to_string() required disabled=choice.used_by.is_some()/>
            <span class="stack tight">
                <span class="row wrap"><span class="strong">{choice.path.clone()}</span>{branch}{taken}</span>
                <span class="small muted">{choice.description.clone()}</span>
            </span>
        </label>
    }
    .into_any()
}
