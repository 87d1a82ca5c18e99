//! Two versions of the file that have to be brought together: the repository's and the draft, or two editors' drafts.
//! What only one side changed needs no word; for the rest somebody chooses, job by job.

use super::api::TakeOver;
use super::state::{Conflict, Saving, Studio};
use crate::design::button::{Weight, submit};
use crate::design::form::{Form, place_fields};
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::pipeline::file::merge::{self, Choice, Difference, State};
use slipway_domain::working_copy::{EditorView, Moved};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The file changed in the repository since the draft was taken from it.
pub(super) fn with_repository(view: &EditorView, studio: Studio, moved: &Moved) -> AnyView {
    let copy = &view.copy;
    let differences = merge::compare(&copy.base, &moved.text, &copy.text).unwrap_or_default();
    let of = |state: State| differences.iter().filter(move |one| one.state == state);
    let theirs = of(State::Repository)
        .map(|one| one.key.clone())
        .collect::<Vec<_>>();
    let conflicts = of(State::Conflict)
        .map(|one| sides(one, "choices", tr!(editor.in_repository), tr!(editor.in_draft)))
        .collect::<Vec<_>>();
    let place = view.place.clone();
    let told = if conflicts.is_empty() {
        tr!(editor.moved_apart)
    } else {
        tr!(editor.moved_both)
    };
    let also = (!theirs.is_empty()).then(|| {
        view! { <p class="small">{tr!(editor.moved_theirs, names = theirs.join(", "))}</p> }
    });
    let act = view.may_edit.then(|| {
        view! {
            <Form action=TakeOver::PATH class="form" done=tr!(editor.brought_together)>
                {place_fields(&place)}
                <input type="hidden" name="version" value=move || studio.known.with(|known| known.version).to_string()/>
                {conflicts}
                <p>{submit(Weight::Primary, tr!(editor.bring_together))}</p>
            </Form>
        }
    });
    view! {
        <section class="note warn stack gap-below" aria-label=tr!(editor.moved)>
            <p class="strong">{tr!(editor.moved)}</p>
            <p>{told}</p>
            {also}
            {act}
        </section>
    }
    .into_any()
}

/// Both versions of one job, to choose from. `field`: the map of the post that the choice goes into.
fn sides(one: &Difference, field: &str, theirs: String, mine: String) -> AnyView {
    let name = format!("{field}[{}]", one.key);
    let side = |value: &'static str, word: String, text: Option<&String>| {
        let text = text.cloned().unwrap_or_else(|| tr!(editor.removed));
        view! {
            <label class="stack">
                <span class="check"><input type="radio" name=name.clone() value=value required/>{word}</span>
                <pre tabindex="0">{text}</pre>
            </label>
        }
        .into_any()
    };
    view! {
        <fieldset class="stack">
            <legend class="strong"><code>{one.key.clone()}</code></legend>
            <div class="sides">
                {side("repository", theirs, one.repository.as_ref())}
                {side("draft", mine, one.draft.as_ref())}
            </div>
        </fieldset>
    }
    .into_any()
}

/// Somebody else saved the draft, and both changed the same jobs.
pub(super) fn with_editor(studio: Studio) -> AnyView {
    let Saving::Conflict(conflict) = studio.saving.get() else {
        return ().into_any();
    };
    if studio.template().is_some() {
        return of_document(studio, conflict);
    }
    let mine = studio.text.get_untracked();
    let differences = merge::compare(&conflict.base, &conflict.theirs, &mine).unwrap_or_default();
    let rows = differences
        .iter()
        .filter(|one| one.state == State::Conflict)
        .map(|one| {
            sides(
                one,
                "side",
                tr!(editor.from_them, name = conflict.who),
                tr!(editor.from_me),
            )
        })
        .collect::<Vec<_>>();
    let told = tr!(
        editor.saved_meanwhile,
        name = conflict.who,
        names = conflict.keys.join(", ")
    );
    let settle = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        let choices = real::choices(&ev, &conflict.keys);
        settle(studio, &conflict, &choices);
    };
    view! {
        <form class="note warn stack gap-below" on:submit=settle>
            <p class="strong">{told}</p>
            {rows}
            <p>{submit(Weight::Primary, tr!(editor.bring_together))}</p>
        </form>
    }
    .into_any()
}

/// Two documents cannot be put together entry by entry: one of them is taken, and the other is one step back.
fn of_document(studio: Studio, conflict: Arc<Conflict>) -> AnyView {
    let told = tr!(template.saved_meanwhile, name = conflict.who);
    let theirs = Arc::clone(&conflict);
    let known = move |conflict: &Conflict| {
        studio.known.set(super::state::Known {
            version: conflict.version,
            text: Arc::from(conflict.theirs.as_str()),
        });
    };
    let keep = move |_| {
        known(&conflict);
        studio.saving.set(Saving::Pending);
        studio.text.notify();
    };
    let take = move |_| {
        known(&theirs);
        studio.saving.set(Saving::Pending);
        studio.take(Arc::from(theirs.theirs.as_str()));
    };
    view! {
        <section class="note warn stack gap-below" role="alert">
            <p class="strong">{told}</p>
            <p class="row wrap">
                <button type="button" class="btn primary" on:click=keep>{tr!(template.keep_mine)}</button>
                <button type="button" class="btn" on:click=take>{tr!(template.take_theirs)}</button>
            </p>
        </section>
    }
    .into_any()
}

/// Brings both drafts together as chosen; it is saved by itself.
fn settle(studio: Studio, conflict: &Conflict, choices: &BTreeMap<String, Choice>) {
    let mine = studio.text.get_untracked();
    let merged = merge::merge(&conflict.base, &conflict.theirs, &mine, choices);
    if let Ok(merged) = merged
        && merged.open.is_empty()
    {
        studio.known.set(super::state::Known {
            version: conflict.version,
            text: Arc::from(conflict.theirs.as_str()),
        });
        studio.saving.set(Saving::Pending);
        studio.take(Arc::from(merged.text));
    }
}

#[cfg(not(feature = "hydrate"))]
mod real {
    use super::{BTreeMap, Choice};

    pub(super) const fn choices(_ev: &leptos::ev::SubmitEvent, _keys: &[String]) -> BTreeMap<String, Choice> {
        BTreeMap::new()
    }
}

#[cfg(feature = "hydrate")]
mod real {
    use super::{BTreeMap, Choice};
    use wasm_bindgen::JsCast;

    /// What was chosen of each key.
    pub(super) fn choices(ev: &leptos::ev::SubmitEvent, keys: &[String]) -> BTreeMap<String, Choice> {
        let form = ev
            .target()
            .and_then(|target| target.dyn_into::<web_sys::HtmlFormElement>().ok());
        let data = form.and_then(|form| web_sys::FormData::new_with_form(&form).ok());
        keys.iter()
            .filter_map(|key| {
                let side = data.as_ref()?.get(&format!("side[{key}]")).as_string()?;
                let choice = if side == "repository" {
                    Choice::Repository
                } else {
                    Choice::Draft
                };
                Some((key.clone(), choice))
            })
            .collect()
    }
}
