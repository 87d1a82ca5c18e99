//! `App/pipelines/new`: the templates, those that suit the repository first.

use super::api::ReadGallery;
use crate::design::button::{Weight, button_link};
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::design::status::{Status, pill, tag};
use crate::i18n::say;
use crate::load::load;
use crate::places::{app_params, encode, query};
use crate::template::{standing, suggestion};
use crate::tr;
use leptos::prelude::*;
use slipway_domain::pipeline::{Suggestion, Template};
use slipway_domain::proposal::{ExistingFile, Gallery};
use slipway_domain::template::{Standing, Told};
use slipway_domain::text::Text;

/// `App/pipelines/new`.
pub fn gallery_page() -> AnyView {
    let params = app_params();
    let wanted = query("q");
    load(move || {
        let (org, project, app) = params();
        ReadGallery { org, project, app }
    })
    .view(move |gallery| show(&gallery, wanted().unwrap_or_default()))
}

/// Suggestions beyond these only stand among all templates.
const SUGGESTED: usize = 3;

fn show(gallery: &Gallery, wanted: String) -> AnyView {
    let base = gallery.place.path();
    if gallery.repository.is_none() {
        let action = button_link(Weight::Primary, base, tr!(run.connect));
        return view! {
            <PageHead title=tr!(pipeline.gallery)/>
            <EmptyState title=tr!(run.not_connected) hint=tr!(run.not_connected_hint) action/>
        }
        .into_any();
    }
    let repository = gallery
        .repository
        .as_ref()
        .map(|repository| repository.path.clone())
        .unwrap_or_default();
    let suggested = suggestions(gallery, &base);
    let wanted = RwSignal::new(wanted);
    let cards = gallery
        .templates
        .iter()
        .filter(|template| offered(gallery, &template.key))
        .map(|template| listed(template, gallery.told.get(&template.key), &base, wanted))
        .collect_view();
    let none = {
        let texts: Vec<String> = gallery.templates.iter().map(searched).collect();
        move || {
            let found = wanted.with(|wanted| texts.iter().any(|text| matches(text, wanted)));
            (!found).then(
                || view! { <EmptyState title=tr!(pipeline.none_found) hint=tr!(pipeline.none_found_hint)/> },
            )
        }
    };
    view! {
        <PageHead title=tr!(pipeline.gallery) line=tr!(pipeline.gallery_line, repository = repository).into_any()/>
        {gallery.suggested.as_ref().map(|suggested| suggestion(&gallery.place, suggested))}
        {gallery.trouble.as_ref().map(|trouble| view! { <p class="note warn gap-below">{say(trouble)}</p> })}
        {gallery.existing.as_ref().map(|file| existing(file, &base, gallery.edited))}
        {(!gallery.may_edit).then(|| view! { <p class="note gap-below">{tr!(pipeline.may_not_propose)}</p> })}
        {draft(gallery, &base)}
        {suggested}
        <section class="stack gallery">
            <div class="row spread wrap">
                <h2>{tr!(pipeline.all_templates)}</h2>
                <form class="row" role="search">
                    <input
                        class="input" type="search" name="q" placeholder=tr!(pipeline.search) aria-label=tr!(pipeline.search)
                        value=wanted.get_untracked() on:input:target=move |ev| wanted.set(ev.target().value())
                    />
                </form>
            </div>
            <ul class="cards">{cards}</ul>
            {none}
        </section>
    }
    .into_any()
}

fn existing(file: &ExistingFile, base: &str, edited: bool) -> AnyView {
    if let Some(broken) = &file.broken {
        return view! { <p class="note warn gap-below">{tr!(pipeline.existing_broken)}" "{say(broken)}</p> }
            .into_any();
    }
    let words = match (&file.template, file.by_slipway) {
        (Some(template), true) => tr!(pipeline.existing_template, template = template.clone()),
        (_, true) => tr!(pipeline.existing_ours),
        (_, false) => tr!(pipeline.existing_foreign),
    };
    let draft = edited.then(|| tr!(pipeline.draft_there));
    view! {
        <p class="note row wrap spread gap-below">
            <span>{words}" "{draft}</span>
            {button_link(Weight::Plain, format!("{base}/pipelines/edit"), tr!(pipeline.edit))}
        </p>
    }
    .into_any()
}

/// What was typed and not proposed yet.
fn draft(gallery: &Gallery, base: &str) -> Option<AnyView> {
    let draft = gallery.draft.as_ref()?;
    let template = gallery
        .templates
        .iter()
        .find(|template| template.key == draft.template)?;
    let words = tr!(pipeline.draft, template = say(&template.names));
    let href = form_href(base, &template.key);
    Some(
        view! {
            <p class="note row wrap spread gap-below">
                <span>{words}</span>
                {button_link(Weight::Plain, href, tr!(pipeline.go_on))}
            </p>
        }
        .into_any(),
    )
}

fn form_href(base: &str, key: &str) -> String {
    format!("{base}/pipelines/new/{}", encode(key))
}

fn suggestions(gallery: &Gallery, base: &str) -> Option<AnyView> {
    let cards: Vec<AnyView> = gallery
        .suggestions
        .iter()
        .take(SUGGESTED)
        .filter_map(|suggestion| {
            let template = gallery
                .templates
                .iter()
                .find(|template| template.key == suggestion.template)?;
            Some(card(template, base, Some(suggestion)))
        })
        .collect();
    (!cards.is_empty()).then(|| {
        view! {
            <section class="stack gallery">
                <h2>{tr!(pipeline.suggested)}</h2>
                <ul class="cards">{cards}</ul>
            </section>
        }
        .into_any()
    })
}

fn card(template: &Template, base: &str, suggestion: Option<&Suggestion>) -> AnyView {
    let reason = suggestion.map(|suggestion| pill(Status::Success, say(&suggestion.reason)));
    view! {
        <li class="card stack">
            <h3><a class="cover" href=form_href(base, &template.key)>{say(&template.names)}</a></h3>
            <p class="muted small">{say(&template.summary)}</p>
            <p class="row wrap small muted"><code>{template.key.clone()}"@"{template.semver.clone()}</code>{reason}</p>
        </li>
    }
    .into_any()
}

/// A card of the list, hidden while it is not what is searched for.
fn listed(template: &Template, told: Option<&Told>, base: &str, wanted: RwSignal<String>) -> AnyView {
    let text = searched(template);
    let hidden = move || !wanted.with(|wanted| matches(&text, wanted));
    view! {
        <li class="card stack" hidden=hidden>
            <h3><a class="cover" href=form_href(base, &template.key)>{say(&template.names)}</a></h3>
            <p class="muted small">{say(&template.summary)}</p>
            <p class="row wrap small muted"><code>{template.key.clone()}"@"{template.semver.clone()}</code>{told.map(whose)}</p>
        </li>
    }
    .into_any()
}

/// Whose a template is, and how it stands where it should not be used any more.
fn whose(told: &Told) -> AnyView {
    let state = (told.standing != Standing::Published).then(|| standing(told.standing));
    view! { {tag(told.place.clone())}{state} }.into_any()
}

/// Whether the list shows a template: one that is withdrawn is only in the gallery for what was typed into its form.
fn offered(gallery: &Gallery, key: &str) -> bool {
    gallery
        .told
        .get(key)
        .is_none_or(|told| told.standing.is_offered())
}

/// What a search looks at: key, name and summary in both languages, in lower case.
fn searched(template: &Template) -> String {
    let both = |text: &Text| format!("{} {}", text.en, text.zh);
    format!(
        "{} {} {}",
        template.key,
        both(&template.names),
        both(&template.summary)
    )
    .to_lowercase()
}

/// Whether every word of `wanted` occurs.
fn matches(text: &str, wanted: &str) -> bool {
    wanted
        .to_lowercase()
        .split_whitespace()
        .all(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_finds_all_words_in_either_language() {
        assert!(matches("node node service node 服务 tests", "Node 服务"));
        assert!(!matches("node node service", "node python"));
        assert!(matches("anything", "  "));
    }
}
