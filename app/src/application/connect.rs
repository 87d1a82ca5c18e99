//! Connecting an app to its repository: the first thing to do with a new app.

use super::Choices;
use super::api::ConnectRepository;
use crate::AppError;
use crate::design::button::{Weight, submit};
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::Panel;
use crate::design::state::EmptyState;
use crate::design::status::tag;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::app::RepositoryChoice;
use slipway_domain::connection::Connection;
use slipway_domain::project::Place;

/// What the address asks for.
pub struct Asked {
    /// The connection's id.
    pub connection: Option<String>,
    /// Words to look for.
    pub search: Option<String>,
}

/// The way from nothing to a first run, with its first step open.
pub fn connect(place: &Place, choices: Option<&Choices>, asked: &Asked) -> AnyView {
    let Some(choices) = choices else {
        return view! {
            <div class="box"><EmptyState title=tr!(app.not_connected) hint=tr!(app.not_connected_hint)/></div>
        }
        .into_any();
    };
    let finder = finder(&choices.connections, asked);
    let repositories = match &choices.repositories {
        Ok(repositories) => repository_form(place, repositories, asked.connection.clone()),
        Err(error) => trouble(error),
    };
    view! {
        <div class="columns">
            <Panel title=tr!(app.connect_title)>{finder}{repositories}</Panel>
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

/// Which connection, and words to look for: a plain form that changes the address.
fn finder(connections: &[Connection], asked: &Asked) -> AnyView {
    let select = (connections.len() > 1).then(|| {
        let options = connections
            .iter()
            .map(|one| {
                let id = one.id.to_string();
                let selected = asked.connection.as_ref() == Some(&id);
                view! { <option value=id selected=selected>{one.name.clone()}</option> }
            })
            .collect_view();
        view! { <select class="input" name="connection" aria-label=tr!(app.connection)>{options}</select> }
    });
    view! {
        <form method="get" class="form-row box-body">
            {select}
            <div class="field">
                <label class="visually-hidden" for="f-search">{tr!(app.find_repository)}</label>
                <input
                    class="input" type="search" id="f-search" name="search" value=asked.search.clone().unwrap_or_default()
                    placeholder=tr!(app.find_repository)
                />
            </div>
            {submit(Weight::Plain, tr!(app.find))}
        </form>
    }
    .into_any()
}

/// Why the connection did not tell its repositories.
fn trouble(error: &AppError) -> AnyView {
    view! {
        <div class="box-body"><p class="note bad" role="alert">{error.message.clone()}" "{error.hint.clone()}</p></div>
    }
    .into_any()
}

fn repository_form(place: &Place, choices: &[RepositoryChoice], connection: Option<String>) -> AnyView {
    if choices.is_empty() {
        return view! { <EmptyState title=tr!(app.no_repositories) hint=tr!(app.no_repositories_hint)/> }
            .into_any();
    }
    let place = place_fields(place);
    let via = connection.map(|id| hidden("connection", id));
    let rows = choices.iter().map(choice).collect_view();
    view! {
        <Form action=ConnectRepository::PATH class="form box-body" done=tr!(app.connected)>
            {place}{via}
            <fieldset class="choice-list">
                <legend class="visually-hidden">{tr!(app.repository)}</legend>
                {rows}
            </fieldset>
            <p>{submit(Weight::Primary, tr!(app.connect))}</p>
        </Form>
    }
    .into_any()
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
