//! How an app runs: the form, and what it becomes in each environment.

pub mod api;
mod parts;

use crate::design::button::{Weight, submit};
use crate::design::diff::diff;
use crate::design::environment::env_badge;
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::live::Topics;
use crate::load::load;
use crate::place::archived_note;
use crate::places::app_params;
use crate::promotion::parts::title_of;
use crate::tr;
use api::{ReadWorkload, SetWorkload};
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::workload::{RenderedIn, WorkloadForm, WorkloadView};

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
    let form = if view.may_edit {
        form(view)
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
            {rendered(view)}
        </div>
    }
    .into_any()
}

fn form(view: &WorkloadView) -> AnyView {
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
    }
    .into_any()
}

/// What it becomes, environment by environment, and how that differs from what it is without what is set for it.
fn rendered(view: &WorkloadView) -> AnyView {
    if !view.workload.manifests.is_empty() {
        let paths = view.workload.manifests.join(", ");
        return view! {
            <Panel title=tr!(workload.manifests)>
                <p class="box-body">{tr!(workload.from_repository)}" "<code>{paths}</code></p>
            </Panel>
        }
        .into_any();
    }
    if view.environments.is_empty() {
        return view! { <EmptyState title=tr!(release.no_environments) hint=tr!(release.no_environments_hint)/> }.into_any();
    }
    let note = view
        .images
        .is_empty()
        .then(|| view! { <p class="small muted box-body">{tr!(workload.no_images)}</p> });
    let rows = view.environments.iter().map(one).collect_view();
    view! { <Panel title=tr!(workload.manifests)>{note}{rows}</Panel> }.into_any()
}

fn one(one: &RenderedIn) -> AnyView {
    let over = if one.over.is_empty() {
        view! { <p class="small muted">{tr!(workload.as_everywhere)}</p> }.into_any()
    } else {
        view! { <div class="box">{diff(&one.over)}</div> }.into_any()
    };
    view! {
        <div class="box-body stack">
            <h3 class="row">{env_badge(&one.environment)}{one.environment.name.clone()}</h3>
            {over}
            <details class="wide">
                <summary>{tr!(workload.yaml)}</summary>
                <pre class="mono small scroll">{one.yaml.clone()}</pre>
            </details>
        </div>
    }
    .into_any()
}
