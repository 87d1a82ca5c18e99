//! The demo's iteration: what a small team has on its board.

use super::places::{ORG, PROJECT};
use slipway_domain::id::UserId;
use slipway_domain::item::{ItemKind, Priority, Severity, StateKey};
use slipway_domain::person::PersonRef;
use slipway_domain::text::Locale;
use slipway_domain::time::{DAY, Timestamp};
use slipway_portal::item::{self, IterationInput, NewItem};
use slipway_portal::{Actor, Portal, Via};
use std::collections::HashMap;

/// An item: kind, title, priority, severity, who does it, points, and how far it got.
type Row = (
    ItemKind,
    &'static str,
    Priority,
    Option<Severity>,
    Option<&'static str>,
    i64,
    &'static [StateKey],
);

use ItemKind::{Bug, Requirement, Task};
const IN_PROGRESS: StateKey = StateKey::IN_PROGRESS;
const IN_TEST: StateKey = StateKey::IN_TEST;

const ITEMS: &[Row] = &[
    (
        Requirement,
        "Refund button on the order page",
        Priority::Urgent,
        None,
        Some("dora"),
        5,
        &[],
    ),
    (
        Task,
        "Document the refund states",
        Priority::Normal,
        None,
        Some("devon"),
        2,
        &[],
    ),
    (
        Task,
        "Retry the card capture once",
        Priority::High,
        None,
        Some("dora"),
        3,
        &[IN_PROGRESS],
    ),
    (
        Bug,
        "Capture timeouts are not counted",
        Priority::High,
        Some(Severity::Serious),
        Some("devon"),
        2,
        &[IN_PROGRESS],
    ),
    (
        Requirement,
        "Partial refunds",
        Priority::High,
        None,
        Some("dora"),
        8,
        &[IN_PROGRESS, IN_TEST],
    ),
    (
        Bug,
        "Refund e-mail shows the gross amount",
        Priority::Normal,
        Some(Severity::Normal),
        Some("devon"),
        1,
        &[IN_PROGRESS, StateKey::RESOLVED],
    ),
    (
        Task,
        "Idempotent refund calls",
        Priority::Normal,
        None,
        Some("dora"),
        3,
        &[IN_PROGRESS, IN_TEST, StateKey::DONE],
    ),
    (
        Bug,
        "The total is rounded twice",
        Priority::Low,
        Some(Severity::Minor),
        None,
        1,
        &[],
    ),
];

fn day(at: Timestamp) -> String {
    at.rfc3339().chars().take(10).collect()
}

/// Starts an iteration and fills its board, where none runs.
///
/// # Errors
/// A use case refused, which is a bug, or the database does not answer.
pub async fn seed(portal: &Portal, people: &HashMap<&str, PersonRef>) -> anyhow::Result<()> {
    let (Some(lead), Some(tester)) = (people.get("devon"), people.get("quinn")) else {
        return Ok(());
    };
    let context = |who: &PersonRef| portal.ctx(Actor::User(who.clone()), Via::Cli, "demo-seed", Locale::En);
    let (lead, tester) = (context(lead), context(tester));
    if item::board(&lead, ORG, PROJECT).await?.iteration.is_some() {
        return Ok(());
    }
    let now = lead.now();
    let days = IterationInput {
        name: String::from("Iteration 1"),
        goal: String::from("Refunds without a phone call"),
        starts_on: day(now.plus(-4 * DAY)),
        ends_on: day(now.plus(9 * DAY)),
    };
    item::start_iteration(&lead, ORG, PROJECT, days).await?;
    for (kind, title, priority, severity, assignee, points, states) in ITEMS {
        let assignee: Option<UserId> = assignee.and_then(|name| people.get(name)).map(|p| p.id);
        let new = NewItem {
            kind: *kind,
            title: (*title).to_owned(),
            description: String::new(),
            priority: *priority,
            severity: *severity,
            assignee,
            points: Some(*points),
            into_iteration: true,
            column: None,
            more: item::Edit::default(),
        };
        let author = if *kind == Bug { &tester } else { &lead };
        let number = item::create(author, ORG, PROJECT, new).await?;
        for state in *states {
            item::set_state(&lead, ORG, PROJECT, number, state, None).await?;
        }
    }
    Ok(())
}
