//! A new app.

use super::api::CreateApp;
use crate::design::button::{Weight, submit};
use crate::design::field::{Control, Field};
use crate::design::form::{Form, place_fields};
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::load::load;
use crate::place::name_fields;
use crate::places::param;
use crate::project::api::ReadGrid;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::project::ProjectGrid;

/// `P/apps/new`.
pub fn new_app_page() -> AnyView {
    let (org, project) = (param("org"), param("project"));
    load(move || ReadGrid {
        org: org(),
        project: project(),
    })
    .view(|grid| show(&grid))
}

fn show(grid: &ProjectGrid) -> AnyView {
    let at = place_fields(&grid.place);
    let body = if grid.may_create_app {
        view! {
            <Form action=CreateApp::PATH class="form narrow">
                {at}
                {name_fields(String::new(), String::new(), tr!(app.slug_help))}
                <Field name="description" label=tr!(place.description) control=Control::Area(2)/>
                <p>{submit(Weight::Primary, tr!(app.create))}</p>
            </Form>
        }
        .into_any()
    } else {
        view! { <EmptyState title=tr!(app.may_not_create) hint=tr!(app.may_not_create_hint)/> }.into_any()
    };
    let line = grid
        .place
        .project
        .as_ref()
        .map_or_else(String::new, |p| p.name.clone());
    view! { <PageHead title=tr!(app.new_app) line=line.into_any()/>{body} }.into_any()
}
