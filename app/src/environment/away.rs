//! While somebody is away: their approvals, given to another for a time.

use super::api::{GiveApprovals, TakeBack};
use crate::design::button::{Weight, submit};
use crate::design::environment::env_badge;
use crate::design::field::{Control, Field};
use crate::design::form::{Form, place_fields};
use crate::design::page::Panel;
use crate::design::time::time;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::delegation::DelegationView;
use slipway_domain::environment::EnvironmentList;

/// What the reader gave and got, and the form to give.
pub fn away(list: &EnvironmentList) -> AnyView {
    let rows = list.delegations.iter().map(one).collect_view();
    let at = place_fields(&list.place);
    let none = (String::new(), tr!(environment.every_environment));
    let chain = list
        .environments
        .iter()
        .map(|one| (one.environment.key.clone(), one.environment.name.clone()));
    let chain = std::iter::once(none).chain(chain).collect();
    let open = crate::Flash::of(GiveApprovals::PATH).is_some();
    view! {
        <Panel title=tr!(environment.away)>
            <ul class="list">{rows}</ul>
            <details class="box-body" open=open>
                <summary>{tr!(environment.give)}</summary>
                <p class="muted">{tr!(environment.give_words)}</p>
                <Form action=GiveApprovals::PATH class="form narrow" done=tr!(environment.given)>
                    {at}
                    <Field name="to" label=tr!(environment.give_to) help=tr!(environment.give_to_help) required=true/>
                    <Field name="only" label=tr!(environment.give_only) control=Control::Select(chain)/>
                    <Field name="days" label=tr!(environment.give_days) control=Control::Number value=String::from("14")/>
                    <Field name="reason" label=tr!(environment.give_reason)/>
                    <p>{submit(Weight::Plain, tr!(environment.give))}</p>
                </Form>
            </details>
        </Panel>
    }
    .into_any()
}

fn one(view: &DelegationView) -> AnyView {
    let given = &view.delegation;
    let words = if view.mine {
        tr!(environment.given_to, name = given.to.name.clone())
    } else {
        tr!(environment.given_by, name = given.from.name.clone())
    };
    let take = view.mine.then(|| {
        view! {
            <Form action=TakeBack::PATH class="" done=tr!(environment.taken_back) key=("delegation", given.id.to_string())>
                {submit(Weight::Plain, tr!(environment.take_back))}
            </Form>
        }
    });
    view! {
        <li class="list-row">
            <span class="row wrap"><span class="strong">{words}</span>{view.environment.as_ref().map(env_badge)}</span>
            {take}
            <span class="small muted wide">{tr!(environment.given_until)}" "{time(given.ends_at)}" "{given.reason.clone()}</span>
        </li>
    }
    .into_any()
}
