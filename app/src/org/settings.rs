//! The general settings of an organization.

use super::api::{EditOrg, ReadOrgSettings};
use crate::design::button::{Weight, submit};
use crate::design::form::{Form, place_fields};
use crate::design::page::{PageHead, Panel};
use crate::live::Topics;
use crate::load::load;
use crate::place::{archived_note, danger, name_fields, org_tabs};
use crate::places::param;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::org::OrgSettings;
use slipway_domain::project::Place;

/// `/orgs/{org}/settings`.
pub fn org_settings_page() -> AnyView {
    let org = param("org");
    load(move || ReadOrgSettings { org: org() })
        .watching(|settings: &OrgSettings| Topics::of("org", settings.org.id))
        .view(|settings| show(&settings))
}

fn show(settings: &OrgSettings) -> AnyView {
    let org = &settings.org;
    let place = Place {
        org: org.clone(),
        project: None,
        app: None,
    };
    let (at, name, slug) = (place_fields(&place), org.name.clone(), org.slug.clone());
    view! {
        <PageHead title=tr!(place.settings) line=org.name.clone().into_any()/>
        {org_tabs(&org.slug, "")}
        {archived_note(&place)}
        <div class="stack wide">
            <Panel title=tr!(place.general)>
                <Form action=EditOrg::PATH class="form narrow box-body" done=tr!(place.saved)>
                    {at}
                    {name_fields(name, slug, tr!(place.slug_moves))}
                    <p>{submit(Weight::Primary, tr!(place.save))}</p>
                </Form>
            </Panel>
            {danger(&place)}
        </div>
    }
    .into_any()
}
