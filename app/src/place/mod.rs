//! What the settings of every kind of place have in common: the way between them, archiving, deleting.

pub mod api;

use crate::design::button::{Weight, submit};
use crate::design::field::Field;
use crate::design::form::{Form, place_fields};
use crate::design::page::Panel;
use crate::design::tabs::{Tab, tabs};
use crate::{places, tr};
use api::{ArchivePlace, DeletePlace, RestorePlace};
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::access::ScopeKind;
use slipway_domain::name::Slug;
use slipway_domain::project::Place;

/// What is wrong with a slug, if anything: said while it is typed.
pub fn check_slug(text: &str) -> Option<String> {
    Slug::parse(text.trim())
        .err()
        .map(|error| crate::i18n::say(&error.text()))
}

/// The fields that every place has: its name, and its slug.
pub fn name_fields(name: String, slug: String, slug_help: String) -> AnyView {
    view! {
        <Field name="name" label=tr!(place.name) value=name required=true/>
        <Field name="slug" label=tr!(place.slug) help=slug_help value=slug required=true check=check_slug/>
    }
    .into_any()
}

/// A check box of a form, with a line below it.
pub fn check_box(name: &'static str, value: &'static str, on: bool, word: String, help: String) -> AnyView {
    view! {
        <label class="choice">
            <input type="checkbox" name=name value=value checked=on/>
            <span class="stack tight"><span class="strong">{word}</span><span class="small muted">{help}</span></span>
        </label>
    }
    .into_any()
}

/// The tabs of an organization's settings; `current` is the last part of the address, empty for the general ones.
pub fn org_tabs(org: &str, current: &str) -> AnyView {
    let base = format!("{}/settings", places::org(org));
    let tab = |key: &str, word: String| Tab {
        word,
        href: if key.is_empty() {
            base.clone()
        } else {
            format!("{base}/{key}")
        },
        current: key == current,
    };
    tabs(
        tr!(place.settings),
        vec![
            tab("", tr!(place.general)),
            tab("gitlab", String::from("GitLab")),
            tab("clusters", tr!(place.clusters)),
            tab("mail", tr!(mail.mail)),
            tab("webhooks", tr!(subscriber.title)),
        ],
    )
}

/// As [`org_tabs`], of a project's settings.
pub fn project_tabs(place: &Place, current: &str) -> AnyView {
    let base = format!("{}/settings", place.path());
    tabs(
        tr!(place.settings),
        vec![
            Tab {
                word: tr!(place.general),
                href: base.clone(),
                current: current.is_empty(),
            },
            Tab {
                word: tr!(trail.automation),
                href: format!("{base}/automation"),
                current: current == "automation",
            },
            Tab {
                word: tr!(token.title),
                href: format!("{base}/tokens"),
                current: current == "tokens",
            },
            Tab {
                word: tr!(subscriber.title),
                href: format!("{base}/webhooks"),
                current: current == "webhooks",
            },
        ],
    )
}

/// Says that the place, or one above it, is archived.
pub fn archived_note(place: &Place) -> AnyView {
    let words = match place.archived() {
        None => return ().into_any(),
        Some(ScopeKind::Org) => tr!(place.org_archived),
        Some(ScopeKind::Project) => tr!(place.project_archived),
        Some(ScopeKind::App) => tr!(place.app_archived),
    };
    view! { <p class="note warn gap-below">{words}</p> }.into_any()
}

/// The name of a place and whether it is archived itself.
fn itself(place: &Place) -> (String, bool) {
    match (&place.project, &place.app) {
        (_, Some(app)) => (app.name.clone(), app.archived),
        (Some(project), None) => (project.name.clone(), project.archived),
        (None, None) => (place.org.name.clone(), place.org.archived),
    }
}

/// Archiving, restoring and deleting: at the end of every settings page.
pub fn danger(place: &Place) -> AnyView {
    let (name, archived) = itself(place);
    let archive = if archived {
        let at = place_fields(place);
        view! {
            <Form action=RestorePlace::PATH class="form box-body" done=tr!(place.restored)>
                {at}
                <p class="muted">{tr!(place.restore_hint)}</p>
                <p>{submit(Weight::Plain, tr!(place.restore))}</p>
            </Form>
        }
        .into_any()
    } else {
        let at = place_fields(place);
        view! {
            <Form action=ArchivePlace::PATH class="form box-body" done=tr!(place.archived_done)>
                {at}
                <p class="muted">{tr!(place.archive_hint)}</p>
                <p>{submit(Weight::Plain, tr!(place.archive))}</p>
            </Form>
        }
        .into_any()
    };
    let at = place_fields(place);
    let label = tr!(place.type_name, name = name);
    view! {
        <Panel title=tr!(place.archive_title)>{archive}</Panel>
        <Panel title=tr!(place.delete_title)>
            <Form action=DeletePlace::PATH class="form narrow box-body" done=tr!(place.deleted)>
                {at}
                <p class="muted">{tr!(place.delete_hint)}</p>
                <Field name="confirm" label required=true/>
                <p>{submit(Weight::Danger, tr!(place.delete))}</p>
            </Form>
        </Panel>
    }
    .into_any()
}
