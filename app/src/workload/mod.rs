//! How an app runs: the form, and what it becomes in each environment.

pub mod api;
mod parts;
mod preview;

use crate::design::button::{Weight, submit};
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::PageHead;
use crate::live::Topics;
use crate::load::load;
use crate::place::archived_note;
use crate::places::app_params;
use crate::promotion::parts::title_of;
use crate::tr;
use api::{ReadWorkload, SetWorkload};
use leptos::prelude::*;
use preview::Preview;
use server_fn::ServerFn;
use slipway_domain::workload::{WorkloadForm, WorkloadView};

/// `App/settings/workload`.
pub fn workload_page() -> AnyView {
    let params = app_params();
    load(move || {
        let (org, project, app) = params();
        ReadWorkload { org, project, app }
    })
    .watching(|view: &WorkloadView| {
        let app = view.place.app.iter();
        app.fold(Topics::default(), |topics, app| topics.and("app", app.id))
    })
    .view(|view| show(&view))
}

fn show(view: &WorkloadView) -> AnyView {
    let preview = Preview::of(view);
    let form = if view.may_edit {
        form(view, preview)
    } else {
        view! { <p class="note">{tr!(workload.may_not)}</p> }.into_any()
    };
    let unused: Vec<String> = view
        .workload
        .unused_images(&view.images)
        .into_iter()
        .map(|image| image.repository.clone())
        .collect();
    let unused = (!unused.is_empty()).then(|| {
        let images = unused.join(", ");
        view! { <p class="note warn">{tr!(workload.unused, images = images)}</p> }
    });
    view! {
        <PageHead title=tr!(workload.title) line=title_of(&view.place).into_any()/>
        {archived_note(&view.place)}
        <div class="stack wide">
            {unused}
            <p class="muted">{tr!(workload.words)}</p>
            {form}
            {preview.view()}
        </div>
    }
    .into_any()
}

fn form(view: &WorkloadView, preview: Preview) -> AnyView {
    let keys: Vec<String> = view
        .environments
        .iter()
        .map(|one| one.environment.key.clone())
        .chain(view.workload.overrides.keys().cloned())
        .collect();
    let mut keys_once = Vec::new();
    for key in keys {
        if !keys_once.contains(&key) {
            keys_once.push(key);
        }
    }
    let typed = WorkloadForm::of(&view.workload, &keys_once);
    let (at, mark) = (place_fields(&view.place), view.mark.clone());
    let images: Vec<String> = view.images.iter().map(|image| image.repository.clone()).collect();
    view! {
        <div on:input=move |event| preview.typed(&event)>
        <Form action=SetWorkload::PATH class="form" done=tr!(workload.saved)>
            {at}
            {hidden("mark", mark)}
            {parts::main(&typed, &images)}
            {parts::configuration(&typed)}
            {parts::reach(&typed)}
            {parts::containers(&typed)}
            {parts::overrides(&typed)}
            {parts::plain(&typed)}
            <p>{submit(Weight::Primary, tr!(workload.save))}</p>
        </Form>
        </div>
    }
    .into_any()
}
