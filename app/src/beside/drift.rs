//! What became in git of the jobs that Slipway wrote, job by job.

use super::api::{ReadDrift, RestoreJob};
use crate::design::button::{Weight, button_link, submit};
use crate::design::diff::diff;
use crate::design::form::{Form, place_fields};
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::design::status::{Status, pill};
use crate::design::time::time;
use crate::editor::editor_href;
use crate::i18n::say;
use crate::live::{Topics, refresh_without_js};
use crate::load::load;
use crate::places::app_params;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::pipeline::file::drift::DriftState;
use slipway_domain::working_copy::{DriftView, DriftedJob};

/// `App/pipelines/drift`.
pub fn drift_page() -> AnyView {
    let params = app_params();
    load(move || {
        let (org, project, app) = params();
        ReadDrift { org, project, app }
    })
    .watching(|view: &DriftView| {
        let app = view.place.app.iter();
        app.fold(Topics::default(), |topics, app| {
            topics.and("app", app.id).and("working_copy", app.id)
        })
    })
    .view(|view| show(&view))
}

fn show(view: &DriftView) -> AnyView {
    let editor = button_link(Weight::Plain, editor_href(&view.place, None), tr!(editor.back));
    let trouble = view
        .trouble
        .as_ref()
        .map(|trouble| view! { <p class="note warn gap-below" role="status">{say(trouble)}</p> });
    let body = if view.trouble.is_some() {
        ().into_any()
    } else if view.proposed_at.is_none() {
        view! { <EmptyState title=tr!(editor.drift_never) hint=tr!(editor.drift_never_hint)/> }.into_any()
    } else if view.jobs.is_empty() {
        view! { <EmptyState title=tr!(editor.drift_none) hint=tr!(editor.drift_none_hint)/> }.into_any()
    } else {
        let jobs = view.jobs.iter().map(|job| one(view, job)).collect::<Vec<_>>();
        view! { <p class="muted gap-below">{tr!(editor.drift_hint)}</p><div class="stack wide">{jobs}</div> }
            .into_any()
    };
    let since = view.proposed_at.map(|at| {
        let title = view.title.clone().unwrap_or_default();
        let title = match &view.link {
            Some(link) => view! { <a class="link" href=link.clone()>{title}</a> }.into_any(),
            None => title.into_any(),
        };
        view! { {tr!(editor.drift_since)}" "{title}" · "{time(at)} }
    });
    view! {
        {refresh_without_js()}
        <PageHead title=tr!(editor.drift_title) line=view! { {since} }.into_any() actions=editor/>
        {trouble}
        {body}
    }
    .into_any()
}

fn one(view: &DriftView, job: &DriftedJob) -> AnyView {
    let mark = match &job.state {
        DriftState::Gone => pill(Status::Failed, tr!(editor.drift_gone)),
        DriftState::Renamed { from } => pill(Status::Degraded, tr!(editor.drift_renamed, from = from)),
        _ => pill(Status::Degraded, tr!(editor.drift_edited)),
    };
    let act = if job.restored {
        Some(view! { <p class="muted">{tr!(editor.drift_restored)}</p> }.into_any())
    } else {
        view.may_edit.then(|| {
            let place = view.place.clone();
            let key = ("id", job.id.clone());
            view! {
                <Form action=RestoreJob::PATH class="" key done=tr!(editor.drift_put_back)>
                    {place_fields(&place)}
                    {submit(Weight::Plain, tr!(editor.drift_restore))}
                </Form>
            }
            .into_any()
        })
    };
    view! {
        <section class="stack">
            <h2 class="row wrap"><code>{job.name.clone()}</code>{mark}</h2>
            {diff(&job.diff)}
            {act}
        </section>
    }
    .into_any()
}
