//! The environments of a project: the chain, where each runs, and who approves what goes there.

pub mod api;
mod away;
mod bind;
mod history;
mod order;
mod preview;
mod settings;

pub use history::history_page;
pub use preview::preview_page;

use crate::design::avatar::avatar;
use crate::design::environment::env_badge;
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::design::status::{Status, pill, tag};
use crate::design::time::{span, time};
use crate::i18n::say;
use crate::live::{Topics, refresh_without_js};
use crate::load::load;
use crate::places::param;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::environment::{BindingView, EnvironmentList, EnvironmentView, RulePeople, Tier};

/// `P/environments`.
pub fn environments_page() -> AnyView {
    let (org, project) = (param("org"), param("project"));
    load(move || api::ReadEnvironments {
        org: org(),
        project: project(),
    })
    .watching(|list: &EnvironmentList| {
        list.place
            .project
            .iter()
            .fold(Topics::default(), |topics, project| {
                topics.and("project", project.id)
            })
    })
    .view(|list| show(&list))
}

fn show(list: &EnvironmentList) -> AnyView {
    let chain: Vec<String> = list
        .environments
        .iter()
        .map(|one| one.environment.key.clone())
        .collect();
    let body = if list.environments.is_empty() {
        view! { <EmptyState title=tr!(environment.none) hint=tr!(environment.none_hint)/> }.into_any()
    } else {
        let cards = list.environments.iter().map(|one| card(one, list)).collect_view();
        view! { <ol class="stack wide">{cards}</ol> }.into_any()
    };
    view! {
        {refresh_without_js()}
        <PageHead title=tr!(common.nav_environments) line=chain.join(" → ").into_any() actions=settings::links(list)/>
        {body}
        {order::order(list)}
        {settings::tester(list)}
        {away::away(list)}
    }
    .into_any()
}

pub(crate) fn tier(tier: Tier) -> String {
    match tier {
        Tier::Development => tr!(environment.development),
        Tier::Testing => tr!(environment.testing),
        Tier::Staging => tr!(environment.staging),
        Tier::Production => tr!(environment.production),
    }
}

fn card(one: &EnvironmentView, list: &EnvironmentList) -> AnyView {
    let history = format!("{}/environments/{}", list.place.path(), one.environment.key);
    let branches = if one.branches.is_empty() {
        view! { <span class="muted">{tr!(environment.no_branches)}</span> }.into_any()
    } else {
        let patterns = one
            .branches
            .iter()
            .map(|branch| view! { <code>{branch.clone()}</code> })
            .collect::<Vec<_>>();
        view! { <span class="row wrap">{patterns}</span> }.into_any()
    };
    view! {
        <li class="box">
            <header>
                <h2 class="row">{env_badge(&one.environment)}{one.environment.name.clone()}</h2>
                <span class="row wrap">{tag(tier(one.environment.tier))}<a class="link small" href=history>{tr!(environment.history)}</a></span>
            </header>
            <div class="columns even box-body">
                <dl class="facts">
                    <dt>{tr!(environment.runs_on)}</dt>
                    <dd>{binding(one.binding.as_ref())}</dd>
                    <dt>{tr!(environment.branches)}</dt>
                    <dd>{branches}</dd>
                </dl>
                <div class="stack">
                    <h3>{tr!(environment.approvals)}</h3>
                    {rules(one)}
                </div>
            </div>
            {settings::summary(one)}
            {list.may_edit.then(|| bind::form(one, list))}
            {list.may_edit.then(|| settings::forms(one, list))}
        </li>
    }
    .into_any()
}

fn binding(binding: Option<&BindingView>) -> AnyView {
    let Some(binding) = binding else {
        return view! { <span class="muted">{tr!(environment.unbound)}</span> }.into_any();
    };
    let state = match (&binding.trouble, binding.last_ok_at) {
        (Some(trouble), _) => view! { {pill(Status::Failed, tr!(environment.no_answer))}<span class="small">{say(trouble)}</span> }.into_any(),
        (None, Some(at)) => view! { {pill(Status::Success, tr!(environment.answers))}<span class="small muted">{time(at)}</span> }.into_any(),
        (None, None) => pill(Status::Queued, tr!(environment.not_asked)),
    };
    view! {
        <span class="stack tight">
            <code>{binding.cluster_name.clone()}" / "{binding.namespace.clone()}</code>
            <span class="row wrap">{state}</span>
        </span>
    }
    .into_any()
}

/// The approval rules in words.
fn rules(one: &EnvironmentView) -> AnyView {
    let policy = &one.policy;
    if one.rules.is_empty() {
        return view! { <p class="muted">{tr!(environment.nobody_asked)}</p> }.into_any();
    }
    let order = if policy.ordered && one.rules.len() > 1 {
        tr!(environment.in_order)
    } else {
        tr!(environment.any_order)
    };
    let rows = one.rules.iter().map(rule).collect_view();
    let not = match (policy.forbid_requester, policy.forbid_authors) {
        (true, true) => Some(tr!(environment.not_requester_nor_authors)),
        (true, false) => Some(tr!(environment.not_requester)),
        (false, true) => Some(tr!(environment.not_authors)),
        (false, false) => None,
    };
    let times = tr!(
        environment.times,
        wait = span(policy.lifetime),
        hold = span(policy.validity)
    );
    view! {
        <p class="small">{order}</p>
        <ol class="steps">{rows}</ol>
        {not.map(|not| view! { <p class="small muted">{not}</p> })}
        {policy.step_up.then(|| view! { <p class="small muted">{tr!(environment.step_up)}</p> })}
        <p class="small muted">{times}</p>
    }
    .into_any()
}

pub(super) fn rule(rule: &RulePeople) -> AnyView {
    let named: Vec<String> = rule.named.iter().map(say).collect();
    let required = match rule.rule.required {
        1 => tr!(environment.one_of, who = say(&rule.rule.name)),
        n => tr!(environment.n_of, n = n, who = say(&rule.rule.name)),
    };
    let people = if rule.people.is_empty() {
        view! { <span class="small fault">{tr!(environment.nobody_could)}</span> }.into_any()
    } else {
        let people = rule
            .people
            .iter()
            .map(|person| view! { <span class="row">{avatar(person)}<span class="small" aria-hidden="true">{person.name.clone()}</span></span> })
            .collect_view();
        view! { <span class="row wrap">{people}</span> }.into_any()
    };
    view! {
        <li>
            <span class="stack tight">
                <span><span class="strong">{required}</span>" "<span class="small muted">{named.join(", ")}</span></span>
                {people}
            </span>
        </li>
    }
    .into_any()
}
