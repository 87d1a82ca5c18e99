//! A new project.

use super::api::CreateProject;
use crate::design::button::{Weight, submit};
use crate::design::field::{Control, Field};
use crate::design::form::{Form, hidden};
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::load::load;
use crate::org::api::ReadOrg;
use crate::place::{check_box, name_fields};
use crate::places::param;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::org::OrgOverview;

/// `/orgs/{org}/projects/new`.
pub fn new_project_page() -> AnyView {
    let org = param("org");
    load(move || ReadOrg { org: org() }).view(|org| show(&org))
}

fn show(org: &OrgOverview) -> AnyView {
    let slug = org.org.slug.clone();
    let body = if org.may_create_project {
        view! {
            <Form action=CreateProject::PATH class="form narrow">
                {hidden("org", slug)}
                {name_fields(String::new(), String::new(), tr!(place.slug_help))}
                <Field name="key" label=tr!(project.key) help=tr!(project.key_help) required=true/>
                <Field name="description" label=tr!(place.description) control=Control::Area(2)/>
                {check_box("internal", "true", false, tr!(project.internal), tr!(project.internal_help))}
                <p class="small muted">{tr!(project.chain_hint)}</p>
                <p>{submit(Weight::Primary, tr!(project.create))}</p>
            </Form>
        }
        .into_any()
    } else {
        view! { <EmptyState title=tr!(project.may_not_create) hint=tr!(project.may_not_create_hint)/> }
            .into_any()
    };
    view! { <PageHead title=tr!(project.new_project) line=org.org.name.clone().into_any()/>{body} }.into_any()
}
