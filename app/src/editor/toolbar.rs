//! The head of the editor: how the draft stands, who else edits it, undo, and the way to the proposal.

use super::api::DiscardWorkingCopy;
use super::state::{Saving, Studio};
use super::{Chosen, document, sync};
use crate::design::button::{Weight, submit};
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::PageHead;
use crate::design::status::{Status, pill};
use crate::design::time::time;
use crate::i18n::say;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::pipeline::file::side::path_of;
use slipway_domain::template::TemplateView;
use slipway_domain::working_copy::EditorView;

/// The head.
pub(super) fn head(view: &EditorView, studio: Studio, chosen: Chosen) -> AnyView {
    let line = view! {
        <code>{path_of(&view.copy.text)}</code>" · "<code>{view.copy.branch.clone()}</code>" · "{move || standing(studio)}
        {view.copy.updated_at.map(|at| view! { <span class="only-without-js">" · "{time(at)}</span> })}
        {sync::others(studio)}
    }
    .into_any();
    view! { <PageHead title=tr!(editor.title) line actions=actions(view, studio, chosen)/> }.into_any()
}

/// The head of a template's document.
pub(super) fn of_template(view: &TemplateView, studio: Studio, key: &str) -> AnyView {
    let title = studio.sheet.with_untracked(|sheet| {
        let template = sheet.template.as_ref();
        template.map_or_else(|| key.to_owned(), |template| say(&template.names))
    });
    let line =
        view! { <code>{key.to_owned()}</code>" · "{view.told.place.clone()}" · "{move || standing(studio)}{sync::others(studio)} }
            .into_any();
    let to_text = document::page_of(&view.place, key);
    let undo = studio.may_edit.then(|| undo(studio));
    let actions = view! {
        {undo}
        <a class="btn" href=to_text.clone()>{tr!(template.to_text)}</a>
        {studio.may_edit.then(|| view! { <a class="btn primary" href=format!("{to_text}#publish")>{tr!(template.publish)}</a> })}
    }
    .into_any();
    view! { <PageHead title line actions/> }.into_any()
}

/// How the draft stands: unchanged, saved, on its way, or not saved and why.
fn standing(studio: Studio) -> AnyView {
    if !studio.is_changed() && studio.saving.with(|saving| *saving == Saving::Saved) {
        return match studio.template() {
            Some(_) => tr!(editor.saved).into_any(),
            None => tr!(editor.unchanged).into_any(),
        };
    }
    studio.saving.with(|saving| match saving {
        Saving::Saved => tr!(editor.saved).into_any(),
        Saving::Pending => tr!(editor.saving).into_any(),
        Saving::Failed(error) => {
            view! { {pill(Status::Failed, tr!(editor.not_saved))}" "{error.message.clone()} }.into_any()
        }
        Saving::Conflict(_) => pill(Status::Degraded, tr!(editor.not_saved)).into_any(),
    })
}

fn actions(view: &EditorView, studio: Studio, chosen: Chosen) -> AnyView {
    if !studio.may_edit {
        return ().into_any();
    }
    let place = view.place.clone();
    let undo = undo(studio);
    let discard = {
        let place = place.clone();
        move || {
            let version = studio.known.with(|known| known.version);
            (version > 0 && studio.is_changed()).then(|| {
                let place = place.clone();
                view! {
                    <Form action=DiscardWorkingCopy::PATH class="" confirm=tr!(editor.discard_confirm) done=tr!(editor.discarded)>
                        {place_fields(&place)}
                        {hidden("version", version.to_string())}
                        {submit(Weight::Plain, tr!(editor.discard))}
                    </Form>
                }
            })
        }
    };
    let review = move || {
        if chosen.review.get() {
            let back = studio.href(None);
            return view! { <a class="btn" href=back>{tr!(editor.back)}</a> }.into_any();
        }
        let to = studio.href(Some("review=1"));
        if studio.is_changed() {
            view! { <a class="btn primary" href=to>{tr!(editor.review)}</a> }.into_any()
        } else {
            view! { <button type="button" class="btn primary" disabled>{tr!(editor.review)}</button> }
                .into_any()
        }
    };
    view! { {undo}{discard}{review} }.into_any()
}

/// One step back, one forward.
fn undo(studio: Studio) -> AnyView {
    view! {
        <button
            type="button" class="btn needs-js" aria-keyshortcuts="Control+Z"
            disabled=move || studio.steps.with(|(back, _)| *back == 0)
            on:click=move |_| studio.undo()
        >{tr!(editor.undo)}</button>
        <button
            type="button" class="btn needs-js" aria-keyshortcuts="Control+Shift+Z"
            disabled=move || studio.steps.with(|(_, forward)| *forward == 0)
            on:click=move |_| studio.redo()
        >{tr!(editor.redo)}</button>
    }
    .into_any()
}
