//! A template's page: what it is, its versions, and for its authors the document and what can be done with it.

use super::api::{ReadOwnTemplate, SettleTemplate};
use super::{author, given, page_of, standing, topics};
use crate::design::button::{Weight, button_link, submit_as};
use crate::design::field::{Control, Field};
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::PageHead;
use crate::design::time::time;
use crate::i18n::say;
use crate::load::load;
use crate::places::{param, query};
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::pipeline::{Param, Template};
use slipway_domain::template::{Owner, Standing, TemplateView, VersionRow};

/// `O/templates/{template}` and `P/templates/{template}`.
pub fn template_page() -> AnyView {
    let (org, project, template) = (param("org"), param("project"), param("template"));
    let left = query("left");
    let kept = author::Kept::new();
    load(move || ReadOwnTemplate {
        org: org(),
        project: given(project()),
        template: template(),
    })
    .watching(|view: &TemplateView| topics(&view.place))
    .view(move |view| show(&view, &kept, untrack(left)))
}

fn show(view: &TemplateView, kept: &author::Kept, left: Option<String>) -> AnyView {
    let newest = view.newest.as_ref();
    let title = newest.map_or_else(|| view.key.clone(), |one| say(&one.names));
    let version = newest.map(|one| format!("@{}", one.semver));
    let line = view! { <code>{view.key.clone()}{version}</code>" · "{view.told.place.clone()} }.into_any();
    let href = page_of(&view.place, &view.key);
    let actions = view! {
        {(view.told.standing != Standing::Draft)
            .then(|| button_link(Weight::Plain, format!("{href}/usage"), tr!(template.usage)))}
        {(view.told.standing != Standing::Draft || view.may_publish).then(|| button_link(
            Weight::Plain,
            format!("{}/templates/new?from={}", view.place.path(), view.key),
            tr!(template.copy),
        ))}
    }
    .into_any();
    let left = left
        .filter(|left| !left.is_empty())
        .map(|left| view! { <p class="note warn gap-below">{tr!(template.left, jobs = left)}</p> });
    view! {
        <PageHead title mark=standing(view.told.standing) line actions/>
        {view.told.warning().map(|warning| view! { <p class="note warn gap-below">{say(&warning)}</p> })}
        {left}
        <div class="stack wide">
            {view.draft.as_ref().map(|draft| author::editor(view, draft, kept))}
            {newest.map(about)}
            {(!view.versions.is_empty()).then(|| versions(view))}
            {view.draft.as_ref().map(|draft| settle(view, draft.version))}
        </div>
    }
    .into_any()
}

/// What the newest version asks for, and what it locks.
fn about(newest: &Template) -> AnyView {
    let params = newest.params.iter().map(param_line).collect_view();
    let locks = newest
        .locked_fields
        .iter()
        .map(|lock| {
            view! { <li><code>{lock.field.clone()}</code>" "<span class="muted">{say(&lock.why)}</span></li> }
        })
        .collect_view();
    view! {
        <section class="box">
            <header><h2>{tr!(template.asks)}</h2></header>
            <ul class="checks box-body">{params}</ul>
            {(!newest.locked_fields.is_empty()).then(|| view! {
                <header><h2>{tr!(template.locks)}</h2></header>
                <ul class="checks box-body">{locks}</ul>
            })}
        </section>
    }
    .into_any()
}

fn param_line(param: &Param) -> AnyView {
    let default = param
        .default
        .as_ref()
        .map(slipway_domain::pipeline::Value::to_text);
    let default = default.filter(|default| !default.is_empty());
    view! {
        <li>
            <span class="strong">{say(&param.label)}</span><code>{param.id.clone()}</code>
            <span class="muted break">{default}</span>
        </li>
    }
    .into_any()
}

fn versions(view: &TemplateView) -> AnyView {
    let rows = view.versions.iter().map(version).collect_view();
    view! {
        <section class="box">
            <header><h2>{tr!(template.versions)}</h2></header>
            <ol class="checks box-body">{rows}</ol>
        </section>
    }
    .into_any()
}

fn version(row: &VersionRow) -> AnyView {
    let by = row.published_by.as_ref().map(|by| {
        view! { <span class="small muted">{by.name.clone()}" · "{time(row.published_at)}</span> }
    });
    view! { <li><code>{row.version.clone()}</code><span class="break">{say(&row.changelog)}</span>{by}</li> }
        .into_any()
}

/// What can be done with a template beside writing it.
fn settle(view: &TemplateView, version: i64) -> AnyView {
    if view.told.owner == Owner::BuiltIn {
        return ().into_any();
    }
    let fields = place_fields(&view.place);
    let template = hidden("template", view.key.clone());
    let version = hidden("version", version.to_string());
    let body = match view.told.standing {
        Standing::Draft => submit_as("btn danger", "act", "delete", tr!(template.delete)),
        Standing::Deprecated | Standing::Withdrawn => {
            submit_as("btn", "act", "restore", tr!(template.restore))
        }
        Standing::Published => ().into_any(),
    };
    let farewell = matches!(view.told.standing, Standing::Published | Standing::Deprecated);
    let published = view.told.standing == Standing::Published;
    view! {
        <details class="box" id="settle">
            <summary class="box-body">{tr!(template.more_acts)}</summary>
            <Form action=SettleTemplate::PATH class="form box-body">
                {fields}{template}{version}
                {farewell.then(|| view! {
                    <p class="muted small">{tr!(template.farewell_hint)}</p>
                    <Field name="why" label=tr!(template.why) control=Control::Area(2)/>
                    <Field name="successor" label=tr!(template.successor) help=tr!(template.successor_help)/>
                })}
                <div class="row wrap">
                    {published.then(|| submit_as("btn", "act", "deprecate", tr!(template.deprecate)))}
                    {farewell.then(|| submit_as("btn danger", "act", "withdraw", tr!(template.withdraw)))}
                    {body}
                </div>
            </Form>
        </details>
    }
    .into_any()
}
