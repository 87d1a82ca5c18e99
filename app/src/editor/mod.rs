//! The pipeline editor: the file of the repository as a graph of jobs, changed without ever damaging what it holds.
//!
//! Every change is a small map of texts ([`change::Change`]), the same whether a form posts it without JavaScript or a
//! click makes it in the browser; one function turns it into an edit of the file. What is drawn comes from the file's
//! text alone, so the page is the same wherever it is made.

#![cfg_attr(
    not(target_arch = "wasm32"),
    expect(
        clippy::large_types_passed_by_value,
        reason = "the studio is a handful of signals, which are copied like one"
    )
)]

pub mod api;
mod change;
mod conflict;
pub mod document;
mod drawer;
mod effective;
mod fieldset;
mod gates;
mod graph;
mod here;
mod keys;
mod outline;
mod review;
mod sheet;
mod state;
mod sync;
mod toolbar;
mod views;
mod whole;

use crate::AppError;
use crate::design::button::{Weight, button_link};
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::i18n::say;
use crate::load::load;
use crate::places::{app_params, encode, query};
use crate::tr;
use api::{ReadEditor, ReadMerged, ReadPresence};
use leptos::prelude::*;
use slipway_domain::pipeline::file::side::path_of;
use slipway_domain::project::Place;
use slipway_domain::working_copy::EditorView;
use state::Studio;

/// The editor's address; `then`: what is chosen in it, as a query.
pub(crate) fn editor_href(place: &Place, then: Option<&str>) -> String {
    let base = format!("{}/pipelines/edit", place.path());
    match then {
        Some(query) if !query.is_empty() => format!("{base}?{query}"),
        _ => base,
    }
}

/// The query that chooses a job.
pub(crate) fn job_query(job: &str) -> String {
    format!("job={}", encode(job))
}

/// What a form without JavaScript leads to: what its change says, or the job that it was about, unless that is gone.
#[cfg(feature = "ssr")]
pub(crate) fn afterwards(then: Option<String>, change: &change::Change) -> Option<String> {
    then.or_else(|| {
        let job = change.get("job").filter(|job| !job.is_empty())?;
        let is_gone = change.get("op").is_some_and(|op| op == "remove");
        (!is_gone).then(|| job_query(job))
    })
}

/// What only the editor's page looks like; in the folder that the server serves as /pkg.
const STYLE: &str = "/pkg/editor.css";

/// The editor's state while the page is there.
type Kept = StoredValue<Option<Studio>>;

/// What the reader chose, from the address.
#[derive(Clone, Copy)]
pub(crate) struct Chosen {
    /// A job.
    pub job: Signal<Option<String>>,
    /// Where a job is to be added: `stage`, `after`, `beside`, `between`.
    pub add: Signal<Option<String>>,
    /// The stage, or the other job, where one is to be added.
    pub at: Signal<Option<String>>,
    /// The type of step that is to be added.
    pub kind: Signal<Option<String>>,
    /// What stands below: `yaml`, `problems`, `changes`.
    pub view: Signal<Option<String>>,
    /// Whether the changes are being reviewed.
    pub review: Signal<bool>,
    /// A parameter of a template; empty: one that is to be added.
    pub param: Signal<Option<String>>,
}

impl Chosen {
    fn here() -> Self {
        let (job, add, at, kind) = (query("job"), query("add"), query("at"), query("kind"));
        let (view, review, param) = (query("view"), query("review"), query("param"));
        Self {
            job: Signal::derive(job),
            add: Signal::derive(add),
            at: Signal::derive(at),
            kind: Signal::derive(kind),
            view: Signal::derive(view),
            review: Signal::derive(move || review().is_some()),
            param: Signal::derive(param),
        }
    }
}

/// `App/pipelines/edit`.
pub fn editor_page() -> AnyView {
    let params = app_params();
    let owner = Owner::current();
    let kept: Kept = StoredValue::new(None);
    let chosen = Chosen::here();
    let page = load(move || {
        let (org, project, app) = params();
        ReadEditor { org, project, app }
    });
    let presence = sync::presence(
        move || {
            let (org, project, app) = params();
            ReadPresence { org, project, app }
        },
        kept,
    );
    let effective = effective::section(chosen.view, move || {
        let (org, project, app) = params();
        ReadMerged { org, project, app }
    });
    let body = page.view(move |view| {
        let same = |studio: &Studio| {
            let app = |place: &Place| place.app.as_ref().map(|app| app.id);
            // Another file is another page.
            let path = studio.text.with_untracked(|text| path_of(text));
            path == path_of(&view.copy.text)
                && studio.place.with_value(|place| app(place) == app(&view.place))
        };
        let studio = if let Some(studio) = kept.get_value().filter(same) {
            studio.read_again(&view);
            studio
        } else {
            let make = || {
                let studio = Studio::new(&view);
                sync::keep_saved(studio, Some(page));
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
    view! { <link rel="stylesheet" href=STYLE/>{body}{effective}{presence} }.into_any()
}

fn show(view: &EditorView, studio: Studio, chosen: Chosen) -> AnyView {
    let base = view.place.path();
    if !view.connected {
        let action = button_link(Weight::Primary, base, tr!(run.connect));
        return view! {
            <PageHead title=tr!(editor.title)/>
            <EmptyState title=tr!(run.not_connected) hint=tr!(run.not_connected_hint) action/>
        }
        .into_any();
    }
    let trouble = view
        .trouble
        .as_ref()
        .map(|trouble| view! { <p class="note warn gap-below" role="status">{say(trouble)}</p> });
    if studio.text.with_untracked(|text| text.trim().is_empty()) && !view.copy.is_changed() {
        return empty(view, trouble.into_any());
    }
    if let Err(error) = slipway_domain::pipeline::source::check_source(&studio.text.get_untracked()) {
        return broken(view, &error.message(crate::i18n::locale()));
    }
    let drifted = (view.drifted > 0).then(|| {
        let href = format!("{base}/pipelines/drift");
        view! {
            <p class="note gap-below">
                {tr!(editor.drifted, n = view.drifted)}" "<a class="link" href=href>{tr!(editor.drift_see)}</a>
            </p>
        }
    });
    let may_not =
        (!view.may_edit).then(|| view! { <p class="note gap-below">{tr!(pipeline.may_not_propose)}</p> });
    let moved = view
        .moved
        .as_ref()
        .map(|moved| conflict::with_repository(view, studio, moved));
    let body = move || {
        if chosen.review.get() && studio.may_edit {
            review::page(studio)
        } else {
            workplace(studio, chosen)
        }
    };
    view! {
        {toolbar::head(view, studio, chosen)}
        {trouble}
        {drifted}
        {may_not}
        {moved}
        {move || conflict::with_editor(studio)}
        {move || studio.refused.get().map(refusal)}
        {sync::at_large(studio)}
        {body}
        {gates::chain(view)}
    }
    .into_any()
}

fn workplace(studio: Studio, chosen: Chosen) -> AnyView {
    view! {
        <div class="studio" on:keydown=keys::handler(studio, chosen)>
            {outline::tree(studio, chosen)}
            {graph::canvas(studio, chosen)}
            {drawer::drawer(studio, chosen)}
        </div>
        {views::below(studio, chosen)}
    }
    .into_any()
}

/// Why the last change was not made.
fn refusal(error: AppError) -> AnyView {
    view! {
        <div class="note bad gap-below" role="alert">
            <p>{error.message}</p>
            {(!error.hint.is_empty()).then(|| view! { <pre class="small">{error.hint}</pre> })}
        </div>
    }
    .into_any()
}

fn empty(view: &EditorView, trouble: AnyView) -> AnyView {
    let base = view.place.path();
    let action = view.may_edit.then(|| {
        button_link(
            Weight::Primary,
            format!("{base}/pipelines/new"),
            tr!(editor.from_template),
        )
    });
    view! {
        <PageHead title=tr!(editor.title)/>
        {trouble}
        <EmptyState title=tr!(editor.empty) hint=tr!(editor.empty_hint) action=view! { {action} }.into_any()/>
    }
    .into_any()
}

/// A file that is no YAML: where, and what to do.
fn broken(view: &EditorView, why: &str) -> AnyView {
    let base = view.place.path();
    let action = button_link(
        Weight::Plain,
        format!("{base}/pipelines/new"),
        tr!(editor.from_template),
    );
    view! {
        <PageHead title=tr!(editor.title)/>
        <EmptyState title=tr!(editor.broken) hint=why.to_owned() action/>
        {views::file(&view.copy.text, None)}
    }
    .into_any()
}
