//! What an environment asks for, and the forms that change it; where a ref would go.

use super::api::{RemoveEnvironment, SetGating, SetRules};
use crate::design::button::{Weight, button_link, submit};
use crate::design::environment::env_badge;
use crate::design::field::{Control, Field};
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::Panel;
use crate::design::time::span;
use crate::i18n::say;
use crate::place::check_box;
use crate::places::query;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::environment::{EnvironmentList, EnvironmentView, OnFailure, Queue, routes};
use slipway_domain::freeze::Hours;
use slipway_domain::report::scan::{ScanKind, Severity};
use slipway_domain::signature::keys_text;
use slipway_domain::time::{HOUR, MINUTE};

/// Ways on from the page.
pub fn links(list: &EnvironmentList) -> AnyView {
    button_link(
        Weight::Plain,
        format!("{}/freezes", list.place.path()),
        tr!(environment.freezes),
    )
}

/// What it asks for beside approvals, in words.
pub fn summary(one: &EnvironmentView) -> AnyView {
    let gating = &one.gating;
    let mut lines: Vec<String> = gating.hours.iter().map(|hours| say(&hours.text())).collect();
    if gating.soak > 0 {
        lines.push(tr!(environment.soak_is, time = span(gating.soak)));
    }
    if gating.queue == Queue::InOrder {
        lines.push(tr!(environment.in_order_is));
    }
    if gating.tests_needed {
        lines.push(tr!(environment.tests_needed));
    }
    if !gating.scans_needed.is_empty() {
        let kinds: Vec<String> = gating.scans_needed.iter().map(|kind| say(&kind.text())).collect();
        lines.push(tr!(environment.scans_are, kinds = kinds.join(", ")));
    }
    if let Some(worst) = gating.worst {
        lines.push(tr!(
            environment.findings_are,
            severity = say(&worst.text()),
            n = gating.findings_allowed
        ));
    }
    if !gating.signers.is_empty() {
        let names: Vec<&str> = gating.signers.iter().map(|signer| signer.name.as_str()).collect();
        lines.push(tr!(environment.signers_are, names = names.join(", ")));
    }
    if gating.on_failure == OnFailure::RollBack {
        lines.push(tr!(environment.rolls_back_is));
    }
    if lines.is_empty() {
        lines.push(tr!(environment.asks_nothing));
    }
    view! {
        <dl class="facts box-body">
            <dt>{tr!(environment.asks)}</dt>
            <dd>{lines.join("; ")}</dd>
        </dl>
    }
    .into_any()
}

/// The forms, folded away; open after a refusal.
pub fn forms(one: &EnvironmentView, list: &EnvironmentList) -> AnyView {
    view! { {gating(one, list)}{rules(one, list)}{remove(one, list)} }.into_any()
}

fn refused(action: &'static str, key: &str) -> bool {
    crate::Flash::of(action).is_some_and(|flash| flash.typed("environment") == Some(key))
}

fn gating(one: &EnvironmentView, list: &EnvironmentList) -> AnyView {
    let key = one.environment.key.clone();
    let open = refused(SetGating::PATH, &key);
    let at = place_fields(&list.place);
    let version = hidden("version", one.version.to_string());
    let gating = &one.gating;
    let hours = gating
        .hours
        .iter()
        .map(Hours::line)
        .collect::<Vec<_>>()
        .join("\n");
    let queues = vec![
        (String::from("newest"), tr!(environment.queue_newest)),
        (String::from("in_order"), tr!(environment.queue_in_order)),
    ];
    let policies = vec![
        (String::from("leave"), tr!(environment.on_failure_leave)),
        (String::from("roll_back"), tr!(environment.on_failure_roll_back)),
    ];
    let on_failure = gating.on_failure.key().to_owned();
    let (soak, queue) = ((gating.soak / MINUTE).to_string(), gating.queue.key().to_owned());
    let tests = check_box(
        "tests_needed",
        "true",
        gating.tests_needed,
        tr!(environment.tests_needed),
        tr!(environment.tests_needed_help),
    );
    let kinds = ScanKind::ALL
        .into_iter()
        .enumerate()
        .map(|(i, kind)| {
            let on = gating.scans_needed.contains(&kind);
            view! {
                <label class="choice">
                    <input type="checkbox" name=format!("scans[{i}]") value=kind.key() checked=on/>
                    <span>{say(&kind.text())}</span>
                </label>
            }
        })
        .collect_view();
    let none = (String::new(), tr!(environment.no_threshold));
    let severities = std::iter::once(none)
        .chain(
            Severity::ALL
                .into_iter()
                .map(|severity| (severity.key().to_owned(), say(&severity.text()))),
        )
        .collect();
    let worst = gating
        .worst
        .map_or_else(String::new, |worst| worst.key().to_owned());
    let allowed = gating.findings_allowed.to_string();
    let signers = keys_text(&gating.signers);
    view! {
        <details class="box-body" open=open>
            <summary>{tr!(environment.settings)}</summary>
            <Form action=SetGating::PATH class="form narrow" done=tr!(environment.changed) key=("environment", key)>
                {at}
                {version}
                <Field name="hours" label=tr!(environment.hours) help=tr!(environment.hours_help) control=Control::Area(2) value=hours/>
                <Field name="soak" label=tr!(environment.soak) help=tr!(environment.soak_help) control=Control::Number value=soak/>
                <Field name="queue" label=tr!(environment.queue) control=Control::Select(queues) value=queue/>
                {tests}
                <fieldset class="field"><legend>{tr!(environment.scans)}</legend>{kinds}</fieldset>
                <Field name="worst" label=tr!(environment.worst) help=tr!(environment.worst_help) control=Control::Select(severities) value=worst/>
                <Field name="findings_allowed" label=tr!(environment.findings_allowed) control=Control::Number value=allowed/>
                <Field name="signers" label=tr!(environment.signers) help=tr!(environment.signers_help) control=Control::Area(3) value=signers/>
                <Field name="on_failure" label=tr!(environment.on_failure) help=tr!(environment.on_failure_help) control=Control::Select(policies) value=on_failure/>
                <p>{submit(Weight::Plain, tr!(environment.save))}</p>
            </Form>
        </details>
    }
    .into_any()
}

fn rules(one: &EnvironmentView, list: &EnvironmentList) -> AnyView {
    let key = one.environment.key.clone();
    let open = refused(SetRules::PATH, &key);
    let at = place_fields(&list.place);
    let version = hidden("version", one.version.to_string());
    let (policy, lines) = (&one.policy, one.lines.clone());
    let switch = |name, on, word: String| check_box(name, "true", on, word, String::new());
    let ordered = switch("ordered", policy.ordered, tr!(environment.in_order));
    let requester = switch(
        "forbid_requester",
        policy.forbid_requester,
        tr!(environment.not_requester),
    );
    let authors = switch(
        "forbid_authors",
        policy.forbid_authors,
        tr!(environment.not_authors),
    );
    let (lifetime, validity) = (
        (policy.lifetime / HOUR).to_string(),
        (policy.validity / HOUR).to_string(),
    );
    let (preview, typed) = (
        format!("{}/environments/{key}/approvers", list.place.path()),
        lines.clone(),
    );
    view! {
        <details class="box-body" open=open>
            <summary>{tr!(environment.rules_form)}</summary>
            <Form action=SetRules::PATH class="form narrow" done=tr!(environment.changed) key=("environment", key)>
                {at}
                {version}
                <Field name="rules" label=tr!(environment.rules_lines) help=tr!(environment.rules_lines_help) control=Control::Area(4) value=lines/>
                {ordered}
                {requester}
                {authors}
                <Field name="lifetime" label=tr!(environment.lifetime) control=Control::Number value=lifetime/>
                <Field name="validity" label=tr!(environment.validity) control=Control::Number value=validity/>
                <p>{submit(Weight::Plain, tr!(environment.save))}</p>
            </Form>
            <form method="get" action=preview class="row wrap">
                <input type="hidden" name="rules" value=typed/>
                {submit(Weight::Quiet, tr!(environment.preview))}
            </form>
        </details>
    }
    .into_any()
}

fn remove(one: &EnvironmentView, list: &EnvironmentList) -> AnyView {
    let key = one.environment.key.clone();
    let open = refused(RemoveEnvironment::PATH, &key);
    let at = place_fields(&list.place);
    let version = hidden("version", one.version.to_string());
    view! {
        <details class="box-body" open=open>
            <summary>{tr!(environment.remove)}</summary>
            <p class="muted">{tr!(environment.remove_words)}</p>
            <Form action=RemoveEnvironment::PATH class="" done=tr!(environment.removed) confirm=tr!(environment.remove_confirm) key=("environment", key)>
                {at}
                {version}
                {submit(Weight::Danger, tr!(environment.remove))}
            </Form>
        </details>
    }
    .into_any()
}

/// Where a branch or tag would go: a plain form, answered from what the page has read.
pub fn tester(list: &EnvironmentList) -> AnyView {
    let asked = query("ref")().unwrap_or_default();
    let chain = list
        .environments
        .iter()
        .map(|one| (&one.environment, one.branches.as_slice()));
    let answers = (!asked.trim().is_empty()).then(|| {
        routes(chain, asked.trim())
            .into_iter()
            .map(|route| {
                let words = match route.pattern {
                    Some(pattern) => tr!(environment.by_pattern, pattern = pattern),
                    None => tr!(environment.goes_nowhere),
                };
                view! { <li class="row wrap">{env_badge(&route.environment)}<span>{words}</span></li> }
            })
            .collect_view()
    });
    view! {
        <Panel title=tr!(environment.try_ref)>
            <div class="box-body stack">
                <form method="get" class="row wrap">
                    <label class="row wrap"><span>{tr!(environment.try_ref_label)}</span>
                        <input class="input" name="ref" value=asked autocomplete="off"/>
                    </label>
                    {submit(Weight::Plain, tr!(environment.try_word))}
                </form>
                {answers.map(|answers| view! { <ul class="stack tight">{answers}</ul> })}
            </div>
        </Panel>
    }
    .into_any()
}
