//! `App/pipelines/upgrade`: what another version changes for an app, the form with what is carried over, and the merge
//! request. Without JavaScript every step is a page of its own.

use super::api::{ProposeAppUpgrade, ReadAppUpgrade};
use super::author::changes;
use super::step;
use crate::design::button::{Weight, button_link, submit};
use crate::design::diff::diff;
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::design::status::{Status, pill};
use crate::i18n::{locale, say};
use crate::load::load;
use crate::pipeline::{Draft, from_query, param_field};
use crate::places::{app_params, query};
use crate::tr;
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};
use server_fn::ServerFn;
use slipway_domain::pipeline::authored::Carried;
use slipway_domain::pipeline::file::merge::Difference;
use slipway_domain::template::{AppUpgrade, UpgradeChange};

/// `App/pipelines/upgrade`.
pub fn upgrade_page() -> AnyView {
    let (params, to) = (app_params(), query("to"));
    let asked = use_query_map();
    let location = use_location();
    load(move || {
        let (org, project, app) = params();
        ReadAppUpgrade {
            org,
            project,
            app,
            to: to().filter(|to| !to.is_empty()),
            inputs: asked.with(from_query),
        }
    })
    .view(move |view| show(&view, &location.pathname.get_untracked()))
}

fn show(view: &AppUpgrade, path: &str) -> AnyView {
    let from = &view.suggested.from;
    let line =
        view! { {say(&view.suggested.names)}" "<code>{from.key.clone()}"@"{from.version.clone()}</code> }
            .into_any();
    let back = button_link(Weight::Plain, view.place.path(), tr!(template.back_to_app));
    let warning = view
        .suggested
        .warning
        .as_ref()
        .map(|warning| view! { <p class="note warn gap-below">{say(warning)}</p> });
    let trouble = view
        .trouble
        .as_ref()
        .map(|trouble| view! { <p class="note warn gap-below">{say(trouble)}</p> });
    let body = match &view.change {
        Some(change) => changed(view, change, path),
        None => view! { <EmptyState title=tr!(template.up_to_date) hint=tr!(template.up_to_date_hint)/> }
            .into_any(),
    };
    view! {
        <PageHead title=tr!(template.upgrade_app) line actions=back/>
        {warning}{trouble}{body}
    }
    .into_any()
}

fn changed(view: &AppUpgrade, change: &UpgradeChange, path: &str) -> AnyView {
    let changelog = view
        .suggested
        .changelog
        .iter()
        .map(|(version, words)| view! { <li><code>{version.clone()}</code><span class="break">{say(words)}</span></li> })
        .collect_view();
    let comparison = change.comparison.as_ref().map(|comparison| {
        view! {
            <section class="box">
                <header><h2>{tr!(template.form_changes)}</h2></header>
                {changes(comparison, &view.suggested.from.version)}
            </section>
        }
    });
    let difference = change.diff.as_ref().map(|difference| {
        view! {
            <section class="box">
                <header><h2 class="mono">".gitlab-ci.yml"</h2></header>
                {diff(difference)}
                {(!change.kept.is_empty())
                    .then(|| view! { <p class="box-body small">{tr!(template.kept, jobs = change.kept.join(", "))}</p> })}
            </section>
        }
    });
    view! {
        <div class="stack wide">
            {versions(view, change)}
            <section class="box">
                <header><h2>{tr!(template.changelog)}</h2></header><ul class="checks box-body">{changelog}</ul>
            </section>
            {comparison}
            {migration(change)}
            {form(view, change, path)}
            {difference}
        </div>
    }
    .into_any()
}

fn versions(view: &AppUpgrade, change: &UpgradeChange) -> AnyView {
    let options = view
        .versions
        .iter()
        .map(|version| {
            view! { <option value=version.clone() selected=*version == change.to.semver>{version.clone()}</option> }
        })
        .collect_view();
    view! {
        <form class="row wrap" method="get">
            <label for="to">{tr!(template.to_version)}</label>
            <select class="input" id="to" name="to">{options}</select>
            {submit(Weight::Plain, tr!(template.show))}
            {step(change.bump)}
        </form>
    }
    .into_any()
}

/// What becomes of what was filled in.
fn migration(change: &UpgradeChange) -> AnyView {
    let lists = [
        (Status::Failed, tr!(template.needs_value), &change.migration.needs),
        (Status::Success, tr!(template.is_new), &change.migration.defaulted),
        (
            Status::Cancelled,
            tr!(template.falls_away),
            &change.migration.dropped,
        ),
        (Status::Queued, tr!(template.carried), &change.migration.kept),
    ];
    let rows = lists
        .into_iter()
        .flat_map(|(look, word, all)| all.iter().map(move |one| carried(look, word.clone(), one)))
        .collect_view();
    let unknown =
        (!change.values_known).then(|| view! { <p class="note warn">{tr!(template.values_unknown)}</p> });
    view! {
        <section class="box">
            <header><h2>{tr!(template.migration)}</h2></header>
            {unknown}<ul class="checks box-body" aria-label=tr!(template.migration)>{rows}</ul>
        </section>
    }
    .into_any()
}

fn carried(look: Status, word: String, one: &Carried) -> AnyView {
    let why = one.why.as_ref().map(|why| why.text(locale()));
    view! {
        <li>
            {pill(look, word)}<span class="strong">{say(&one.label)}</span>
            <code class="break">{one.after.clone().or_else(|| one.before.clone())}</code>
            <span class="small">{why}</span>
        </li>
    }
    .into_any()
}

fn form(view: &AppUpgrade, change: &UpgradeChange, path: &str) -> AnyView {
    if !view.may_edit {
        return view! { <p class="note">{tr!(pipeline.may_not_propose)}</p> }.into_any();
    }
    let draft = Draft::new(change.to.params.clone(), change.inputs.clone(), true);
    let place = place_fields(&view.place);
    let to = hidden("to", change.to.semver.clone());
    let params = change.to.params.clone();
    let conflicts = change.conflicts.clone();
    let foreign = change.foreign;
    let path = path.to_owned();
    view! {
        <section class="box">
            <header><h2>{tr!(template.form)}</h2></header>
            <Form action=ProposeAppUpgrade::PATH class="form box-body">
                {place}{to}
                {params.iter().map(|param| param_field(param, draft)).collect::<Vec<_>>()}
                {conflicts.iter().map(conflict).collect::<Vec<_>>()}
                {foreign.then(|| view! {
                    <div class="note warn stack">
                        <p>{tr!(template.foreign)}</p>
                        <label class="check"><input type="checkbox" name="replace" value="true"/>{tr!(pipeline.replace)}</label>
                    </div>
                })}
                <div class="row wrap">
                    {submit(Weight::Primary, tr!(template.propose))}
                    <button type="submit" class="btn" formmethod="get" formaction=path>{tr!(pipeline.update_preview)}</button>
                </div>
                <p class="small muted">{tr!(template.propose_hint)}</p>
            </Form>
        </section>
    }
    .into_any()
}

/// A job that was changed by hand and in the template: one of both is chosen.
fn conflict(one: &Difference) -> AnyView {
    let name = format!("choices[{}]", one.key);
    let side = |word: String, text: Option<&String>| {
        let text = text.cloned().unwrap_or_else(|| tr!(template.absent));
        view! { <div class="stack tight"><span class="small strong">{word}</span><pre class="code small">{text}</pre></div> }
    };
    view! {
        <fieldset class="note warn stack">
            <legend>{tr!(template.both_changed, job = one.key)}</legend>
            {side(tr!(template.in_repository), one.repository.as_ref())}
            {side(tr!(template.in_template), one.draft.as_ref())}
            <label class="check"><input type="radio" name=name.clone() value="repository" required=true/>{tr!(template.keep_repository)}</label>
            <label class="check"><input type="radio" name=name value="template"/>{tr!(template.take_template)}</label>
        </fieldset>
    }
    .into_any()
}
