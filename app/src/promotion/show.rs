//! The page that shows how a promotion goes: gates, attempts, people, and what to do when it failed.

use super::api::{CancelPromotion, ReadPromotion, RetryPromotion, RollBack};
use super::approval::decisions;
use super::emergency;
use super::parts::{current, drift, gates, kind, request, title_of, warnings};
use super::rollout::attempts;
use crate::design::button::{Weight, button_link, submit};
use crate::design::environment::env_badge;
use crate::design::form::{Form, hidden};
use crate::design::lane::short_sha;
use crate::design::page::{PageHead, Panel};
use crate::design::status;
use crate::design::time::time;
use crate::i18n::say;
use crate::live::refresh_without_js;
use crate::load::load;
use crate::places::{encode, param};
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::promotion::{PromotionState, PromotionView};

/// `P/apps/{app}/promotions/{id}`.
pub fn promotion_page() -> AnyView {
    let id = param("id");
    load(move || ReadPromotion { id: id() })
        .watching(super::topics)
        .view(|promotion| page(&promotion))
}

fn page(promotion: &PromotionView) -> AnyView {
    let row = &promotion.row;
    let title = format!(
        "{} {} → {}",
        title_of(&row.place),
        row.release.version,
        row.environment.key
    );
    let mark = view! { {status::promotion(row.state)}{kind(row.kind)} }.into_any();
    let line = view! { {current(row)}" · "{request(row)} }.into_any();
    let gates = gates(&promotion.gates);
    view! {
        {refresh_without_js()}
        <PageHead title mark line actions=actions(promotion)/>
        <div class="columns">
            <div class="stack wide">
                {why(promotion)}
                {warnings(&promotion.warnings)}
                {drift(&promotion.drift)}
                {attempts(&promotion.deployments)}
                <Panel title=tr!(promotion.gates)><div class="box-body">{gates}</div></Panel>
                {emergency::holds(promotion)}
                {emergency::glasses(promotion)}
            </div>
            <div class="stack wide">
                <div class="card">{decisions(promotion)}</div>
                {facts(promotion)}
            </div>
        </div>
    }
    .into_any()
}

fn actions(promotion: &PromotionView) -> AnyView {
    let row = &promotion.row;
    let id = row.id.to_string();
    let decide = (promotion.rights.approve.is_some())
        .then(|| button_link(Weight::Primary, format!("/approvals/{id}"), tr!(promotion.review)));
    let cancel = (promotion.rights.reject && row.state.is_pending()).then(|| {
        let confirm = tr!(promotion.cancel_confirm);
        view! {
            <Form action=CancelPromotion::PATH class="" done=tr!(promotion.cancelled) confirm key=("id", id.clone())>
                {submit(Weight::Plain, tr!(promotion.cancel))}
            </Form>
        }
    });
    let retry = promotion.rights.retry.then(|| {
        view! {
            <Form action=RetryPromotion::PATH class="" done=tr!(promotion.retried) key=("id", id.clone())>
                {submit(Weight::Plain, tr!(promotion.retry))}
            </Form>
        }
    });
    let rollback = promotion.rights.rollback.as_ref().map(|release| {
        let word = tr!(promotion.roll_back_to, version = release.version.clone());
        let weight = if row.state == PromotionState::Failed {
            Weight::Primary
        } else {
            Weight::Danger
        };
        let reason = tr!(promotion.rollback_reason, version = row.release.version.clone());
        let fields = view! { {hidden("release", release.id.to_string())}{hidden("reason", reason)} };
        view! {
            <Form action=RollBack::PATH class="" key=("id", id.clone())>
                {fields}
                {submit(weight, word)}
            </Form>
        }
    });
    view! { {cancel}{retry}{decide}{rollback} }.into_any()
}

/// Why it stands where it stands.
fn why(promotion: &PromotionView) -> AnyView {
    let Some(reason) = &promotion.row.reason else {
        return ().into_any();
    };
    let class = match promotion.row.state {
        PromotionState::Failed | PromotionState::Rejected => "note bad",
        PromotionState::Unknown => "note warn",
        _ => "note",
    };
    view! { <p class=class>{say(reason)}</p> }.into_any()
}

fn facts(promotion: &PromotionView) -> AnyView {
    let row = &promotion.row;
    let release = format!("{}/releases/{}", row.place.path(), encode(&row.release.version));
    let list = view! {
            <dl class="facts box-body">
                <dt>{tr!(promotion.release)}</dt>
                <dd><a class="link" href=release>{row.release.version.clone()}</a>" "<code class="muted">{short_sha(&row.release.sha)}</code></dd>
                <dt>{tr!(promotion.environment)}</dt>
                <dd>{env_badge(&row.environment)}</dd>
                <dt>{tr!(promotion.tests)}</dt>
                <dd>{tests(promotion)}</dd>
                {row.state.is_pending().then(|| view! { <dt>{tr!(promotion.expiry)}</dt><dd>{time(row.expires_at)}</dd> })}
                <dt>{tr!(promotion.subject)}</dt>
                <dd><code>{promotion.subject.chars().take(16).collect::<String>()}</code></dd>
            </dl>
    };
    view! { <Panel title=tr!(promotion.details)>{list}</Panel> }.into_any()
}

fn tests(promotion: &PromotionView) -> String {
    let evidence = &promotion.evidence;
    if evidence.tests_passed + evidence.tests_failed == 0 {
        return tr!(promotion.no_tests);
    }
    tr!(
        promotion.tests_of,
        passed = evidence.tests_passed,
        failed = evidence.tests_failed
    )
}
