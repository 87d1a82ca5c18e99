//! The order of the chain: each environment one place up or down, by a button.

use super::api::MoveEnvironment;
use crate::design::button::submit_as;
use crate::design::environment::env_badge;
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::Panel;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::environment::{EnvironmentList, EnvironmentView};

/// The chain with its buttons; nothing for who may not edit it, or where there is nothing to order.
pub fn order(list: &EnvironmentList) -> AnyView {
    if !list.may_edit || list.environments.len() < 2 {
        return ().into_any();
    }
    let at = place_fields(&list.place);
    let keys: Vec<&str> = list
        .environments
        .iter()
        .map(|one| one.environment.key.as_str())
        .collect();
    // The order that the reader sees goes along: a button pressed on an old page moves nothing by surprise.
    let seen = hidden("keys", keys.join(" "));
    let end = list.environments.len() - 1;
    let rows = list
        .environments
        .iter()
        .enumerate()
        .map(|(i, one)| row(one, i > 0, i < end))
        .collect_view();
    view! {
        <Panel title=tr!(environment.order)>
            <p class="muted box-body">{tr!(environment.order_words)}</p>
            <Form action=MoveEnvironment::PATH class="" done=tr!(environment.changed)>
                {at}
                {seen}
                <ol class="list">{rows}</ol>
            </Form>
        </Panel>
    }
    .into_any()
}

fn row(one: &EnvironmentView, up: bool, down: bool) -> AnyView {
    let (key, name) = (&one.environment.key, &one.environment.name);
    let up = up.then(|| {
        submit_as(
            "btn quiet",
            "moved",
            format!("up {key}"),
            tr!(environment.move_up, name = name.clone()),
        )
    });
    let down = down.then(|| {
        submit_as(
            "btn quiet",
            "moved",
            format!("down {key}"),
            tr!(environment.move_down, name = name.clone()),
        )
    });
    view! {
        <li class="list-row">
            <span class="row wrap">{env_badge(&one.environment)}{name.clone()}</span>
            <span class="row wrap">{up}{down}</span>
        </li>
    }
    .into_any()
}
