//! The last look before the proposal: what changes, and under which title.

use super::api::ProposeWorkingCopy;
use super::state::{Saving, Studio};
use super::sync;
use crate::design::diff::diff;
use crate::design::field::Field;
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::Panel;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::diff::diff_lines;

/// The review.
pub(super) fn page(studio: Studio) -> AnyView {
    let difference = studio
        .text
        .with(|text| studio.base.with(|base| diff_lines(base, text)));
    let counts = tr!(
        editor.lines_changed,
        added = difference.added,
        removed = difference.removed
    );
    let place = studio.place.get_value();
    let version = move || studio.known.with(|known| known.version).to_string();
    view! {
        <div class="columns">
            <div class="stack wide">
                <p class="muted">{counts}</p>
                {diff(&difference)}
            </div>
            <div class="stack wide">
                <Panel title=tr!(editor.propose)>
                    <Form action=ProposeWorkingCopy::PATH class="form box-body">
                        {place_fields(&place)}
                        <input type="hidden" name="version" value=version/>
                        <Field name="title" label=tr!(editor.merge_request_title) help=tr!(editor.merge_request_title_help)/>
                        <p>
                            <button type="submit" class="btn primary" disabled=move || studio.saving.with(|saving| *saving != Saving::Saved)>
                                {tr!(editor.propose)}
                            </button>
                        </p>
                        <p class="small muted">{tr!(pipeline.propose_hint)}</p>
                    </Form>
                </Panel>
                <section class="box needs-js"><header><h2>{tr!(pipeline.checks)}</h2></header>{sync::lint(studio)}</section>
            </div>
        </div>
    }
    .into_any()
}

/// Fields that every change of the draft sends.
pub(super) fn draft_fields(studio: Studio) -> AnyView {
    let place = studio.place.get_value();
    let version = view! { <input type="hidden" name="version" value=move || studio.known.with(|known| known.version).to_string()/> };
    if let Some(key) = studio.template() {
        return view! { {place_fields(&place)}{hidden("template", key)}{version} }.into_any();
    }
    view! {
        {place_fields(&place)}
        {hidden("base_commit", studio.base_commit.get_untracked().unwrap_or_default())}
        {version}
    }
    .into_any()
}
