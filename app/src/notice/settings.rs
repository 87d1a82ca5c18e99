//! `/notifications/settings`: kinds that are on or off, projects that are muted.

use super::api::{MuteProject, ReadNoticeSettings, SetNoticeKind};
use crate::design::form::{Form, hidden};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::i18n::say;
use crate::live::Topics;
use crate::load::load;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
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
            <div class="stack wide"><Panel title=tr!(notice.projects)>{projects}</Panel></div>
        </div>
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
