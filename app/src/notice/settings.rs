//! `/notifications/settings`: kinds that are on or off, projects that are muted.

use super::api::{MuteProject, ReadNoticeSettings, SetDigest, SetNoticeKind};
use crate::design::button::{Weight, submit};
use crate::design::field::Field;
use crate::design::form::{Form, hidden};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::i18n::say;
use crate::live::Topics;
use crate::load::load;
use crate::place::check_box;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::digest::DigestSettings;
use slipway_domain::notice::{NoticeKind, NoticeSettings, ProjectChoice};

/// The page.
pub fn settings_page() -> AnyView {
    load(|| ReadNoticeSettings {})
        .watching(|settings: &NoticeSettings| Topics::of("person", settings.person))
        .view(|settings| show(&settings))
}

fn show(settings: &NoticeSettings) -> AnyView {
    let kinds = settings
        .kinds
        .iter()
        .map(|(kind, on)| kind_row(*kind, *on))
        .collect_view();
    let projects = if settings.projects.is_empty() {
        view! { <EmptyState title=tr!(notice.no_projects) hint=tr!(notice.no_projects_hint)/> }.into_any()
    } else {
        let rows = settings.projects.iter().map(project_row).collect_view();
        view! { <ul class="list">{rows}</ul> }.into_any()
    };
    view! {
        <PageHead title=tr!(notice.settings) line=tr!(notice.settings_line).into_any()/>
        <div class="columns even">
            <div class="stack wide"><Panel title=tr!(notice.kinds)><ul class="list">{kinds}</ul></Panel></div>
            <div class="stack wide"><Panel title=tr!(notice.projects)>{projects}</Panel>{digest(&settings.digest)}</div>
        </div>
    }
    .into_any()
}

/// Whether a mail comes each morning, and where that is.
fn digest(settings: &DigestSettings) -> AnyView {
    let (on, zone) = (settings.on, settings.zone.clone());
    let impossible =
        (!settings.possible).then(|| view! { <p class="note warn">{tr!(notice.digest_impossible)}</p> });
    // Made in the form: a field made before it would not know what was typed or is wrong.
    let fields = move || {
        view! {
            {impossible}
            {check_box("on", "true", on, tr!(notice.digest_on), tr!(notice.digest_help))}
            <Field name="zone" label=tr!(notice.zone) help=tr!(notice.zone_help) value=zone required=true/>
            <p>{submit(Weight::Plain, tr!(place.save))}</p>
        }
    };
    view! {
        <Panel title=tr!(notice.digest)>
            <Form action=SetDigest::PATH class="form box-body" done=tr!(place.saved)>{fields()}</Form>
        </Panel>
    }
    .into_any()
}

/// A button that switches; `label` says what, its word how it is now.
fn switch(label: String, on: bool) -> AnyView {
    let word = if on { tr!(notice.on) } else { tr!(notice.off) };
    view! {
        <button type="submit" class="switch" role="switch" aria-checked=if on { "true" } else { "false" } aria-label=label>
            <span aria-hidden="true">{word}</span>
        </button>
    }
    .into_any()
}

fn kind_row(kind: NoticeKind, on: bool) -> AnyView {
    let words = say(&kind.text());
    let fields = view! {
        {hidden("kind", kind.key().to_owned())}
        {hidden("on", (!on).to_string())}
        {switch(words.clone(), on)}
    };
    view! {
        <li class="list-row">
            <span>{words}</span>
            <Form action=SetNoticeKind::PATH class="row">{fields}</Form>
        </li>
    }
    .into_any()
}

fn project_row(choice: &ProjectChoice) -> AnyView {
    let id = choice.project.id.to_string();
    let label = tr!(notice.from_project, project = choice.project.name);
    let fields = view! {
        {hidden("project", id)}
        {hidden("muted", (!choice.muted).to_string())}
        {switch(label, !choice.muted)}
    };
    view! {
        <li class="list-row">
            <span>{choice.project.name.clone()}" "<span class="small muted">{choice.org.clone()}</span></span>
            <Form action=MuteProject::PATH class="row">{fields}</Form>
        </li>
    }
    .into_any()
}
