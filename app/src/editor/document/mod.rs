//! The document of a template in the same editor: its jobs on the canvas, its parameters as a list, its locks ticked.
//!
//! A change is made in the template that the document says, and only the parts that differ are written anew; the text
//! stays the author's, and is there beside it.

pub mod api;
pub(super) mod change;
pub(super) mod form;
mod param;
pub(super) mod sheet;
mod words;

use super::state::Studio;
use super::{Chosen, STYLE, conflict, refusal, sync, toolbar, workplace};
use crate::design::button::{Weight, button_link};
use crate::design::state::EmptyState;
use crate::load::load;
use crate::places::param as part;
use crate::template::api::ReadOwnTemplate;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::project::Place;
use slipway_domain::template::TemplateView;

/// The editor's address.
pub(super) fn href(place: &Place, key: &str, then: Option<&str>) -> String {
    let base = format!("{}/edit", page_of(place, key));
    match then {
        Some(query) if !query.is_empty() => format!("{base}?{query}"),
        _ => base,
    }
}

/// The template's own page, with the text and what publishing takes.
pub(super) fn page_of(place: &Place, key: &str) -> String {
    format!("{}/templates/{key}", place.path())
}

/// `O/templates/{template}/edit` and `P/templates/{template}/edit`.
pub fn document_page() -> AnyView {
    let (org, project, template) = (part("org"), part("project"), part("template"));
    let owner = Owner::current();
    let kept = StoredValue::new(None::<Studio>);
    let chosen = Chosen::here();
    let page = load(move || ReadOwnTemplate {
        org: org(),
        project: Some(project()).filter(|project| !project.is_empty()),
        template: template(),
    });
    let body = page.view(move |view| {
        let Some(draft) = view.draft.as_ref() else {
            return not_here(&view);
        };
        let same = |studio: &Studio| {
            studio.template().as_ref() == Some(&view.key)
                && studio.place.with_value(|place| place.path() == view.place.path())
        };
        let studio = if let Some(studio) = kept.get_value().filter(same) {
            sync::read_draft(studio, draft);
            studio
        } else {
            let make = || {
                let studio = Studio::of_template(&view, draft);
                sync::keep_saved(studio, None);
                studio
            };
            match &owner {
                Some(owner) => owner.with(make),
                None => make(),
            }
        };
        kept.set_value(Some(studio));
        show(&view, studio, chosen)
    });
    let authors = sync::authors(
        move || ReadOwnTemplate {
            org: org(),
            project: Some(project()).filter(|project| !project.is_empty()),
            template: template(),
        },
        kept,
    );
    view! { <link rel="stylesheet" href=STYLE/>{body}{authors} }.into_any()
}

fn not_here(view: &TemplateView) -> AnyView {
    let action = button_link(
        Weight::Plain,
        page_of(&view.place, &view.key),
        tr!(template.to_text),
    );
    view! { <EmptyState title=tr!(template.may_not) hint=tr!(template.copy_hint) action/> }.into_any()
}

fn show(view: &TemplateView, studio: Studio, chosen: Chosen) -> AnyView {
    let is_read = move || studio.sheet.with(|sheet| sheet.template.is_some());
    let (path, key) = (page_of(&view.place, &view.key), view.key.clone());
    let body = move || {
        if is_read() {
            return workplace(studio, chosen);
        }
        let action = button_link(Weight::Primary, path.clone(), tr!(template.to_text));
        view! { <EmptyState title=tr!(template.unreadable) hint=tr!(template.unreadable_hint) action/> }
            .into_any()
    };
    view! {
        {toolbar::of_template(view, studio, &key)}
        {move || conflict::with_editor(studio)}
        {move || studio.refused.get().map(refusal)}
        {body}
    }
    .into_any()
}
