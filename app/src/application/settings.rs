//! The settings of an app: what it is called, its repository, its end.

use super::api::{EditApp, ReadAppSettings};
use crate::design::button::{Weight, button_link, submit};
use crate::design::field::{Control, Field};
use crate::design::form::{Form, place_fields};
use crate::design::page::{PageHead, Panel};
use crate::live::Topics;
use crate::load::load;
use crate::place::{archived_note, danger, name_fields};
use crate::places::app_params;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::app::AppSettings;

/// `P/apps/{app}/settings`.
pub fn app_settings_page() -> AnyView {
    let params = app_params();
    load(move || {
        let (org, project, app) = params();
        ReadAppSettings { org, project, app }
    })
    .watching(|settings: &AppSettings| {
        let app = settings.place.app.iter();
        app.fold(Topics::default(), |topics, app| topics.and("app", app.id))
    })
    .view(|settings| show(&settings))
}

fn show(settings: &AppSettings) -> AnyView {
    let Some(app) = &settings.place.app else {
        return ().into_any();
    };
    let at = place_fields(&settings.place);
    let (name, slug, description) = (app.name.clone(), app.slug.clone(), settings.description.clone());
    let workload = settings.workload.clone();
    let variables = format!("{}/settings/variables", settings.place.path());
    let shape = format!("{}/settings/workload", settings.place.path());
    let freezes = button_link(
        Weight::Plain,
        format!("{}/freezes", settings.place.path()),
        tr!(environment.freezes),
    );
    let mirror = format!("{}/settings/mirror", settings.place.path());
    let repository = settings.repository.as_ref().map(|repository| {
        view! {
            <dt>{tr!(app.repository)}</dt>
            <dd><a href=repository.web_url.clone() rel="external noreferrer">{repository.path.clone()}</a></dd>
            <dt></dt>
            <dd><a href=variables>{tr!(app.variables)}</a>" · "<a href=mirror>{tr!(mirror.title)}</a></dd>
        }
    });
    view! {
        <PageHead title=tr!(place.settings) line=app.name.clone().into_any() actions=freezes/>
        {archived_note(&settings.place)}
        <div class="stack wide">
            <Panel title=tr!(place.general)>
                <Form action=EditApp::PATH class="form narrow box-body" done=tr!(place.saved)>
                    {at}
                    {name_fields(name, slug, tr!(app.slug_moves))}
                    <Field name="description" label=tr!(place.description) value=description control=Control::Area(2)/>
                    <p>{submit(Weight::Primary, tr!(place.save))}</p>
                </Form>
                <dl class="facts box-body">
                    {repository}
                    <dt>{tr!(app.workload)}</dt>
                    <dd><code>{workload}</code>" "<a class="link" href=shape>{tr!(app.workload_form)}</a></dd>
                </dl>
            </Panel>
            {danger(&settings.place)}
        </div>
    }
    .into_any()
}
