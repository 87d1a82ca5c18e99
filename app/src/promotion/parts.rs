//! Parts that several pages about promotions share.

use crate::design::environment::env_badge;
use crate::design::page::Panel;
use crate::design::status::{self, Status, pill};
use crate::design::time::time;
use crate::i18n::say;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::approval::RuleStanding;
use slipway_domain::drift::FieldChange;
use slipway_domain::project::Place;
use slipway_domain::promotion::{Gate, GateKind, PromotionKind, PromotionRow};

/// The name of the app of a place.
pub fn title_of(place: &Place) -> String {
    place
        .app
        .as_ref()
        .map_or_else(|| place.org.name.clone(), |app| app.name.clone())
}

/// `order-api 2.4.1 → LIVE`.
pub fn what_goes_where(row: &PromotionRow) -> AnyView {
    view! {
        <span>{title_of(&row.place)}" "{row.release.version.clone()}" "<span aria-label=tr!(promotion.to)>"→"</span></span>
        {env_badge(&row.environment)}
    }
    .into_any()
}

/// `2.4.1 → LIVE`.
pub fn version_to(row: &PromotionRow) -> AnyView {
    view! { <span>{row.release.version.clone()}" "<span aria-label=tr!(promotion.to)>"→"</span></span>{env_badge(&row.environment)} }
        .into_any()
}

/// Who asked.
pub fn requester(row: &PromotionRow) -> String {
    match (&row.requested_by, row.kind) {
        (Some(by), _) => by.name.clone(),
        (None, PromotionKind::Rollback) => tr!(promotion.by_policy),
        (None, _) => tr!(common.by_branch_rule),
    }
}

/// Who asked, and when; the languages put the verb at different ends.
pub fn request(row: &PromotionRow) -> AnyView {
    view! {
        {tr!(promotion.requested_before, name = requester(row))}" "{time(row.requested_at)}" "{tr!(promotion.requested_after)}
    }
    .into_any()
}

/// When it expires.
pub fn expiry(row: &PromotionRow) -> AnyView {
    view! { {tr!(promotion.expires_before)}" "{time(row.expires_at)}" "{tr!(promotion.expires_after)} }
        .into_any()
}

/// `now 2.3.9`, or that nothing runs there.
pub fn current(row: &PromotionRow) -> String {
    match &row.current {
        Some(version) => tr!(promotion.now_there, version = version.clone()),
        None => tr!(promotion.first_there),
    }
}

/// A list of promotions; `href` says where each leads.
pub fn promotion_list(rows: &[PromotionRow], href: fn(&PromotionRow) -> String) -> AnyView {
    let items = rows
        .iter()
        .map(|row| {
            view! {
                <li class="list-row">
                    <a class="row wrap strong" href=href(row)>{what_goes_where(row)}</a>
                    {status::promotion(row.state)}
                    <span class="muted small">{current(row)}" · "{requester(row)}" · "{time(row.requested_at)}</span>
                    {row.reason.as_ref().map(|reason| view! { <span class="small wide">{say(reason)}</span> })}
                </li>
            }
        })
        .collect_view();
    view! { <ul class="list">{items}</ul> }.into_any()
}

/// Why a release goes somewhere, where it is not a plain promotion.
pub fn kind(kind: PromotionKind) -> Option<AnyView> {
    match kind {
        PromotionKind::Promotion => None,
        PromotionKind::Automatic => Some(status::tag(tr!(promotion.automatic))),
        PromotionKind::Rollback => Some(pill(Status::Degraded, tr!(promotion.rollback))),
        PromotionKind::Revert => Some(pill(Status::Degraded, tr!(promotion.revert))),
        PromotionKind::Adopt => Some(pill(Status::Degraded, tr!(promotion.adopt))),
    }
}

pub(super) fn gate_name(kind: GateKind) -> String {
    match kind {
        GateKind::Approvals => tr!(promotion.gate_approvals),
        GateKind::Previous => tr!(promotion.gate_previous),
        GateKind::Evidence => tr!(promotion.gate_evidence),
        GateKind::Scans => tr!(promotion.gate_scans),
        GateKind::Signatures => tr!(promotion.gate_signatures),
        GateKind::Defective => tr!(promotion.gate_defective),
        GateKind::Lock => tr!(promotion.gate_lock),
        GateKind::Hold => tr!(promotion.gate_hold),
        GateKind::Quota => tr!(promotion.gate_quota),
        GateKind::Soak => tr!(promotion.gate_soak),
        GateKind::Freeze => tr!(promotion.gate_freeze),
        GateKind::Hours => tr!(promotion.gate_hours),
        GateKind::Binding => tr!(promotion.gate_binding),
        GateKind::Order => tr!(promotion.gate_order),
    }
}

/// The gates, each with its reason.
pub fn gates(gates: &[Gate]) -> AnyView {
    let items = gates
        .iter()
        .map(|gate| {
            let look = match (gate.open, gate.kind) {
                (true, _) => Status::Success,
                (false, GateKind::Approvals) => Status::Waiting,
                (false, GateKind::Hold | GateKind::Freeze | GateKind::Hours) => Status::Frozen,
                (false, GateKind::Lock | GateKind::Order | GateKind::Soak) => Status::Queued,
                (false, _) => Status::Failed,
            };
            view! {
                <li>
                    {pill(look, gate_name(gate.kind))}
                    <span>{say(&gate.reason)}</span>
                    {gate.opens_at.map(|at| view! { <span class="muted">{tr!(promotion.opens)}" "{time(at)}</span> })}
                </li>
            }
        })
        .collect_view();
    view! { <ul class="checks">{items}</ul> }.into_any()
}

/// The drift that it settles; nothing where it brings a release.
pub fn drift(changes: &[FieldChange]) -> Option<AnyView> {
    if changes.is_empty() {
        return None;
    }
    let list = crate::drift::changes(changes);
    Some(view! { <Panel title=tr!(promotion.drift)>{list}</Panel> }.into_any())
}

/// What the cluster remarked on while it took the objects.
pub fn warnings(warnings: &[String]) -> Option<AnyView> {
    if warnings.is_empty() {
        return None;
    }
    let items = warnings
        .iter()
        .map(|one| view! { <li>{one.clone()}</li> })
        .collect_view();
    Some(view! { <div class="note warn"><p class="strong">{tr!(promotion.warnings)}</p><ul>{items}</ul></div> }.into_any())
}

/// The approval rules, in order, and where each stands.
pub fn rules(rules: &[RuleStanding]) -> AnyView {
    let items = rules
        .iter()
        .map(|rule| {
            let look = match (rule.satisfied(), rule.turn) {
                (true, _) => Status::Success,
                (false, true) => Status::Waiting,
                (false, false) => Status::Queued,
            };
            view! { <li>{pill(look, say(&rule.name))}<span>{say(&rule.words)}</span></li> }
        })
        .collect_view();
    view! { <ol class="checks">{items}</ol> }.into_any()
}
