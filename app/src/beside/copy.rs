//! A job for another app.

use super::api::{CopyJob, ReadDestinations};
use crate::design::button::{Weight, button_link, submit};
use crate::design::field::{Control, Field};
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::editor::{editor_href, job_query};
use crate::load::load;
use crate::places::{app_params, query};
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::working_copy::Destinations;

/// `App/pipelines/edit/copy?job=NAME`.
pub fn copy_page() -> AnyView {
    let params = app_params();
    let job = query("job");
    load(move || {
        let (org, project, app) = params();
        ReadDestinations { org, project, app }
    })
    .view(move |found| show(&found, &job().unwrap_or_default()))
}

fn show(found: &Destinations, job: &str) -> AnyView {
    let back = editor_href(&found.place, Some(&job_query(job)));
    let title = tr!(editor.copy_title, job = job);
    if found.apps.is_empty() {
        let action = button_link(Weight::Plain, back, tr!(editor.back));
        return view! {
            <PageHead title/>
            <EmptyState title=tr!(editor.copy_nowhere) hint=tr!(editor.copy_nowhere_hint) action/>
        }
        .into_any();
    }
    let mut options = vec![(String::new(), tr!(editor.copy_choose))];
    options.extend(found.apps.iter().filter_map(|place| {
        let (project, app) = (place.project.as_ref()?, place.app.as_ref()?);
        let value = format!("{}/{}", project.slug, app.slug);
        Some((value, format!("{} / {}", project.name, app.name)))
    }));
    let (place, job) = (found.place.clone(), job.to_owned());
    view! {
        <PageHead title/>
        <Panel title=tr!(editor.copy_where)>
            <Form action=CopyJob::PATH class="form box-body">
                {place_fields(&place)}
                {hidden("job", job)}
                <Field name="to" label=tr!(editor.copy_app) help=tr!(editor.copy_help) required=true control=Control::Select(options)/>
                <p class="row wrap">
                    {submit(Weight::Primary, tr!(editor.copy_there))}
                    {button_link(Weight::Plain, back, tr!(editor.back))}
                </p>
            </Form>
        </Panel>
    }
    .into_any()
}
