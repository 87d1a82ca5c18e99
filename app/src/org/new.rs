//! A new organization.

use super::api::{CreateOrg, MayCreateOrg};
use crate::design::button::{Weight, submit};
use crate::design::form::Form;
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::load::load;
use crate::place::name_fields;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;

/// `/orgs/new`.
pub fn new_org_page() -> AnyView {
    load(|| MayCreateOrg {}).view(show)
}

fn show(may: bool) -> AnyView {
    let body = if may {
        view! {
            <Form action=CreateOrg::PATH class="form narrow">
                {name_fields(String::new(), String::new(), tr!(place.slug_help))}
                <p>{submit(Weight::Primary, tr!(org.create))}</p>
            </Form>
        }
        .into_any()
    } else {
        view! { <EmptyState title=tr!(org.may_not_create) hint=tr!(org.may_not_create_hint)/> }.into_any()
    };
    view! { <PageHead title=tr!(org.new_org)/>{body} }.into_any()
}
