//! The front page: what waits for the reader.

pub mod api;
mod parts;

use crate::design::page::PageHead;
use crate::live::{Topics, refresh_without_js};
use crate::load::load;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::org::MyWork;

/// `/`.
pub fn home_page() -> AnyView {
    load(|| api::ReadWork {})
        .watching(|work: &MyWork| Topics::of("person", work.person.id))
        .view(|work| my_work(&work))
}

fn my_work(work: &MyWork) -> AnyView {
    let first = work.approvals.first().map(|row| {
        view! { <a class="btn primary" href=format!("/approvals/{}", row.id)>{tr!(home.review_next)}</a> }
            .into_any()
    });
    let head = if let Some(first) = first {
        view! { <PageHead title=tr!(home.title) line=parts::summary(work) actions=first/> }
    } else {
        view! { <PageHead title=tr!(home.title) line=parts::summary(work)/> }
    };
    view! {
        {refresh_without_js()}
        {head}
        <div class="columns">
            <div class="stack wide">{parts::approvals(work)}{parts::promotions(work)}{parts::failing(work)}</div>
            <div class="stack wide">{parts::apps(work)}{parts::projects(work)}</div>
        </div>
    }
    .into_any()
}
