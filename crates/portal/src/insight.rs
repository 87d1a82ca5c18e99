//! What history says about the work and its delivery.

mod counted;

pub use counted::{Counting, Of, counted};

use crate::access::{self, may};
use crate::context::OpCtx;
use crate::error::Result;
use crate::iteration::{days, zone_or_utc};
use slipway_domain::environment::EnvironmentRef;
use slipway_domain::id::EnvironmentId;
use slipway_domain::insight::{
    Delivery, Facts, Insights, Step, ValueStream, bug_report, dora, flow, journeys, stages, velocity,
};
use slipway_domain::item::BugFigures;
use slipway_domain::time::Timestamp;
use std::collections::HashSet;

/// How many days are looked at where nothing else is asked for, and at most.
const DAYS: i64 = 90;
const DAYS_MOST: i64 = 740;
/// How many iterations a velocity is shown for.
const ITERATIONS: usize = 12;

/// The last so many days in a zone, up to today.
struct Span {
    zone: String,
    tz: jiff::tz::TimeZone,
    first: jiff::civil::Date,
    last: jiff::civil::Date,
    count: i64,
}

fn span(now: Timestamp, zone_name: Option<&str>, count: Option<i64>) -> Span {
    let (zone, tz) = zone_or_utc(zone_name);
    let last = jiff::Timestamp::from_microsecond(now.micros())
        .unwrap_or_default()
        .to_zoned(tz.clone())
        .date();
    let count = count.unwrap_or(DAYS).clamp(1, DAYS_MOST);
    let first = last
        .checked_sub(jiff::Span::new().days(count - 1))
        .unwrap_or(last);
    Span {
        zone,
        tz,
        first,
        last,
        count,
    }
}

/// The flow of work over the last `count` days of a zone: cumulative flow, bugs, velocity.
///
/// # Errors
/// As [`access::project`].
pub async fn work(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    zone_name: Option<&str>,
    count: Option<i64>,
) -> Result<Insights> {
    let project = access::project::<may::SeeInsights>(ctx, org, project)
        .await?
        .see();
    let mut tx = ctx.read().await?;
    let steps = tx.steps(&project, None).await?;
    let mut iterations = tx.iteration_spans(&project).await?;
    let environments = tx.item_choices(&project).await?.environments;
    drop(tx);
    let now = ctx.now();
    let span = span(now, zone_name, count);
    let all = days(span.first, span.last, &span.tz);
    iterations.drain(..iterations.len().saturating_sub(ITERATIONS));
    let name = |id| {
        let found = environments.iter().find(|one| Some(one.id) == id);
        found.map(|one| one.name.clone()).unwrap_or_default()
    };
    Ok(Insights {
        place: project.place(),
        zone: span.zone,
        span: (span.first.to_string(), span.last.to_string()),
        key: project.project.key.clone(),
        flow: flow(&steps, &all, now),
        bugs: bug_report(&steps, &all, now, name),
        velocity: velocity(&steps, &iterations, now),
    })
}

/// What the last 90 days, in UTC, say about bugs.
pub(crate) fn bug_figures(steps: &[Step], now: Timestamp) -> BugFigures {
    let span = span(now, None, None);
    let all = days(span.first, span.last, &span.tz);
    let report = bug_report(steps, &all, now, |_| String::new());
    let count = |bugs: &Vec<i64>| i64::try_from(bugs.len()).unwrap_or(i64::MAX);
    BugFigures {
        days: span.count,
        reported: report.days.iter().map(|day| day.reported).sum(),
        closed: count(&report.closed),
        reopened: count(&report.reopened),
        ages: [0, 1, 2, 3].map(|at| count(&report.ages[at])),
    }
}

/// How delivery went over the last `count` days of a zone: the four measures of DORA.
///
/// # Errors
/// As [`access::project`].
pub async fn delivery(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    zone_name: Option<&str>,
    count: Option<i64>,
) -> Result<Delivery> {
    let project = access::project::<may::SeeInsights>(ctx, org, project)
        .await?
        .see();
    let now = ctx.now();
    let span = span(now, zone_name, count);
    let all = days(span.first, span.last, &span.tz);
    let from = all.first().map_or(now, |day| day.from);
    let mut tx = ctx.read().await?;
    let mut deployed = tx.deployed_since(&project, from).await?;
    let incidents = tx.incidents_since(&project, from).await?;
    drop(tx);
    // A release brings its commits once: neither a second deployment of it nor a way back brings them again.
    let mut brought = HashSet::new();
    for one in &mut deployed {
        if one.worked && (one.rollback || !brought.insert(one.release)) {
            one.commits.clear();
        }
    }
    Ok(Delivery {
        place: project.place(),
        zone: span.zone,
        span: (span.first.to_string(), span.last.to_string()),
        days: span.count,
        dora: dora(&deployed, &incidents, from, now.plus(1)),
    })
}

/// How long the items that were finished in the last `count` days of a zone took from stage to stage.
///
/// # Errors
/// As [`access::project`].
pub async fn stream(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    zone_name: Option<&str>,
    count: Option<i64>,
) -> Result<ValueStream> {
    let project = access::project::<may::SeeInsights>(ctx, org, project)
        .await?
        .see();
    let now = ctx.now();
    let span = span(now, zone_name, count);
    let all = days(span.first, span.last, &span.tz);
    let from = all.first().map_or(now, |day| day.from);
    let mut tx = ctx.read().await?;
    let facts = Facts {
        steps: tx.steps(&project, None).await?,
        worked: tx.worked(&project).await?,
        brought: tx.brought(&project).await?,
        landed: tx.landed(&project).await?,
    };
    let chain: Vec<EnvironmentRef> = tx
        .environments(&project)
        .await?
        .into_iter()
        .map(|one| one.environment)
        .collect();
    drop(tx);
    let ids: Vec<EnvironmentId> = chain.iter().map(|one| one.id).collect();
    let journeys = journeys(&facts, &ids, from, now.plus(1));
    Ok(ValueStream {
        place: project.place(),
        zone: span.zone,
        span: (span.first.to_string(), span.last.to_string()),
        days: span.count,
        key: project.project.key.clone(),
        finished: journeys.len(),
        stages: stages(&journeys, &chain),
    })
}
