//! Promotions and their approvals: the queue of an approver, the page where they decide, and the page
//! that shows how a promotion goes.

pub mod api;
mod approval;
mod emergency;
pub(crate) mod parts;
pub(crate) mod rollout;
mod show;

pub use approval::approval_page;
pub use show::promotion_page;

use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::live::{Topics, refresh_without_js};
use crate::load::load;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::promotion::Inbox;
use slipway_domain::promotion::PromotionView;

/// `/approvals`.
pub fn approvals_page() -> AnyView {
    load(|| api::ReadInbox {})
        .watching(|inbox: &Inbox| Topics::of("person", inbox.person.id))
        .view(|inbox| queue(&inbox))
}

fn queue(inbox: &Inbox) -> AnyView {
    let waiting = if inbox.waiting.is_empty() {
        view! { <EmptyState title=tr!(promotion.queue_empty) hint=tr!(promotion.queue_empty_hint)/> }
            .into_any()
    } else {
        parts::promotion_list(&inbox.waiting, |row| format!("/approvals/{}", row.id))
    };
    let decided = (!inbox.decided.is_empty()).then(|| {
        let list = parts::promotion_list(&inbox.decided, |row| format!("/approvals/{}", row.id));
        view! { <Panel title=tr!(promotion.decided)>{list}</Panel> }
    });
    view! {
        {refresh_without_js()}
        <PageHead title=tr!(common.nav_approvals)/>
        <div class="stack wide">
            <Panel title=tr!(promotion.waiting_for_you)>{waiting}</Panel>
            {decided}
        </div>
    }
    .into_any()
}

/// What makes a promotion's pages stale.
fn topics(promotion: &PromotionView) -> Topics {
    let own = Topics::of("promotion", promotion.row.id);
    match &promotion.row.place.app {
        Some(app) => own.and("app", app.id),
        None => own,
    }
}
