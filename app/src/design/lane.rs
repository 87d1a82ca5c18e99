//! The lane of an app: its environments in chain order, what runs there and what is on its way.

use super::environment::env_badge;
use super::status::{self, Status, pill};
use super::time::time;
use crate::i18n::say;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::app::{LanePromotion, LaneStop, Observed};
use slipway_domain::promotion::PromotionState;

/// The first seven digits of a commit.
pub fn short_sha(sha: &str) -> String {
    sha.chars().take(7).collect()
}

/// The status of a stop in one pill: what is under way there, else its health.
pub fn stop_status(stop: &LaneStop) -> AnyView {
    use PromotionState as S;
    match (&stop.open, &stop.observed) {
        (Some(open), _) if open.state.is_running() || open.state == S::Failed => {
            status::promotion(open.state)
        }
        (_, Some(observed)) => status::health(observed.health),
        (Some(open), None) => status::promotion(open.state),
        (None, None) if stop.current.is_some() => pill(Status::Queued, tr!(common.health_unknown)),
        (None, None) => pill(Status::Cancelled, tr!(common.never)),
    }
}

/// `2 of 2 ready`.
fn ready(observed: &Observed) -> String {
    tr!(common.ready, ready = observed.ready, desired = observed.desired)
}

/// What is on its way to a stop, with its reason; leads to its page.
fn on_its_way(open: &LanePromotion, base: &str, current: Option<&str>) -> AnyView {
    let same = current == Some(open.version.as_str());
    let failed = open.state == PromotionState::Failed;
    // The pill at the top of the card says it already.
    let told = open.state.is_running() || failed;
    let word = if same {
        tr!(common.details)
    } else {
        open.version.clone()
    };
    view! {
        <div class="lane-act">
            <a class="row wrap" href=format!("{base}/promotions/{}", open.id)>
                <span class:strong=!same class:link=same>{word}</span>
                {(!told).then(|| status::promotion(open.state))}
            </a>
            {open.reason.as_ref().map(|reason| view! { <span class="small" class:fault=failed>{say(reason)}</span> })}
        </div>
    }
    .into_any()
}

fn stop_card(stop: &LaneStop, base: &str) -> AnyView {
    let waits = stop.open.as_ref().is_some_and(|open| open.state.is_pending());
    let current = stop.current.as_ref();
    let version = current.map_or_else(
        || view! { <p class="version muted">{tr!(common.nothing_deployed)}</p> }.into_any(),
        |current| {
            let href = format!("{base}/releases/{}", crate::places::encode(&current.version));
            view! {
                <p class="version"><a href=href>{current.version.clone()}</a>" "<code>{short_sha(&current.sha)}</code></p>
            }
            .into_any()
        },
    );
    let since = current.map(|current| {
        let who = current
            .by
            .as_ref()
            .map_or_else(|| tr!(common.by_branch_rule), |by| by.name.clone());
        view! { <span class="muted">{who}" · "{time(current.at)}</span> }
    });
    let trouble = stop
        .observed
        .as_ref()
        .and_then(|o| o.reason.as_ref())
        .map(|reason| {
            view! { <span>{say(reason)}</span> }
        });
    let badge = if current.is_some() {
        let href = format!(
            "{base}/environments/{}",
            crate::places::encode(&stop.environment.key)
        );
        view! { <a href=href>{env_badge(&stop.environment)}</a> }.into_any()
    } else {
        env_badge(&stop.environment)
    };
    view! {
        <li class="card" class:chosen=waits>
            <div class="row spread">{badge}{stop_status(stop)}</div>
            {version}
            <div class="lane-facts">
                {stop.observed.as_ref().map(|observed| view! { <span>{ready(observed)}</span> })}
                {since}
                {trouble}
            </div>
            {stop.drift.as_ref().map(|drift| crate::drift::brief(base, &stop.environment.key, drift))}
            {stop.open.as_ref().map(|open| on_its_way(open, base, current.map(|c| c.version.as_str())))}
        </li>
    }
    .into_any()
}

fn connector(ahead: Option<i64>) -> AnyView {
    let words = match ahead {
        None => String::new(),
        Some(0) => tr!(common.same),
        Some(1) => tr!(common.one_commit_ahead),
        Some(n) => tr!(common.commits_ahead, n = n),
    };
    view! { <li class="connector"><span>{words}</span></li> }.into_any()
}

/// The lane. `base` is the address of the app.
pub fn lane(stops: &[LaneStop], base: &str) -> AnyView {
    let last = stops.len().saturating_sub(1);
    let items = stops
        .iter()
        .enumerate()
        .map(|(i, stop)| view! { {stop_card(stop, base)}{(i < last).then(|| connector(stop.commits_ahead))} })
        .collect_view();
    view! { <ol class="lane" data-stops=stops.len().to_string() aria-label=tr!(common.lane)>{items}</ol> }
        .into_any()
}
