//! Iterations: planning, starting and closing them; the backlog; and the charts of an iteration.

mod report;

pub(crate) use report::cards_of;
pub use report::{markdown, report};

use crate::access::may::{Modify, See};
use crate::access::{self, Authorized, Project, may};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::item::{IterationInput, checked_iteration, one_runs};
use crate::ports::{NewIteration, StoreError};
use crate::version;
use slipway_domain::access::Action;
use slipway_domain::freeze::zone;
use slipway_domain::id::IterationId;
use slipway_domain::insight::{Amount, Day, IterationSpan, iteration_chart, members_at, velocity};
use slipway_domain::item::IterationRef;
use slipway_domain::iteration::{
    Backlog, BacklogCursor, BacklogFilter, CannotStep, IterationLine, IterationList, IterationState,
    IterationView,
};
use slipway_domain::project::Place;
use slipway_domain::table::{SavedView, ViewPage};
use slipway_domain::time::Timestamp;

/// Iterations that a list shows.
const ITERATIONS: i64 = 100;
/// Items a page of the backlog.
const PAGE: usize = 50;
/// How many iterations a velocity is seen against.
const BEFORE: usize = 5;
/// The most days of a chart.
const DAYS_MOST: usize = 400;

/// The project's iterations, the newest first.
///
/// # Errors
/// As [`access::project`].
pub async fn list(ctx: &OpCtx, org: &str, project: &str) -> Result<IterationList> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let held = ctx.rights().await?.in_project(&project);
    let iterations = ctx.read().await?.iterations(&project, false, ITERATIONS).await?;
    Ok(IterationList {
        place: project.place(),
        iterations,
        may_plan: held.has(Action::IterationEdit),
    })
}

/// The zone of that name, or UTC.
pub(crate) fn zone_or_utc(name: Option<&str>) -> (String, jiff::tz::TimeZone) {
    name.and_then(|name| Some((name.to_owned(), zone(name)?)))
        .unwrap_or_else(|| (String::from("UTC"), jiff::tz::TimeZone::UTC))
}

/// The days from `first` to `last` in a zone: each begins where the one before ends, also where clocks change.
pub(crate) fn days(first: jiff::civil::Date, last: jiff::civil::Date, zone: &jiff::tz::TimeZone) -> Vec<Day> {
    let begins = |date: jiff::civil::Date| {
        date.to_zoned(zone.clone())
            .map(|at| Timestamp(at.timestamp().as_microsecond()))
            .ok()
    };
    let mut days = Vec::new();
    let mut date = first;
    while date <= last && days.len() < DAYS_MOST * 2 {
        let Ok(next) = date.tomorrow() else { break };
        if let (Some(from), Some(until)) = (begins(date), begins(next)) {
            days.push(Day {
                name: date.to_string(),
                from,
                until,
            });
        }
        date = next;
    }
    days
}

/// The days of an iteration, and up to when it is counted.
struct Span {
    zone: String,
    days: Vec<Day>,
    counted: Timestamp,
}

/// The days of an iteration in a zone. It may be started early and closed late: they go as far as it went.
fn spanned(line: &IterationLine, zone_name: Option<&str>, now: Timestamp) -> Span {
    let ends = line.closed_at.unwrap_or(now);
    let (zone, tz) = zone_or_utc(zone_name);
    let date = |text: &str| text.parse::<jiff::civil::Date>().unwrap_or_default();
    let (first, last) = (date(&line.iteration.starts_on), date(&line.iteration.ends_on));
    let local = |at: Timestamp| {
        jiff::Timestamp::from_microsecond(at.micros())
            .unwrap_or_default()
            .to_zoned(tz.clone())
            .date()
    };
    let (first, last) = match line.state {
        IterationState::Planned => (first, last),
        IterationState::Running | IterationState::Closed => {
            (first.min(local(line.started_at)), last.max(local(ends)))
        }
    };
    Span {
        days: days(first, last, &tz),
        zone,
        // What was moved in the instant of closing was there until then.
        counted: line.closed_at.map_or(now, |closed| closed.plus(-1)),
    }
}

/// The iteration and a few before it.
fn lately(mut spans: Vec<IterationSpan>, id: IterationId) -> Vec<IterationSpan> {
    if let Some(at) = spans.iter().position(|span| span.id == id) {
        spans.truncate(at + 1);
        spans.drain(..at.saturating_sub(BEFORE));
    }
    spans
}

/// The page of an iteration. Its days are those of `zone_name`, or of UTC; its items, those at the end of the day `on`, or
/// now.
///
/// # Errors
/// As [`access::project`]; [`Error::NotFound`] for a number nobody has.
pub async fn view(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    number: i64,
    (zone_name, on): (Option<&str>, Option<&str>),
) -> Result<IterationView> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let held = ctx.rights().await?.in_project(&project);
    let mut tx = ctx.read().await?;
    let line = tx
        .iteration_line(&project, number)
        .await?
        .ok_or(Error::NotFound)?;
    let id = line.iteration.id;
    let steps = tx.steps(&project, Some(id)).await?;
    let spans = lately(tx.iteration_spans(&project).await?, id);
    // Of the iterations before, other items count.
    let all_steps = if spans.len() > 1 {
        tx.steps(&project, None).await?
    } else {
        steps.clone()
    };
    let cards = tx.cards(&project, Some(id)).await?;
    let open = tx.iterations(&project, true, ITERATIONS).await?;
    drop(tx);
    let now = ctx.now();
    let Span {
        zone,
        days: all,
        counted,
    } = spanned(&line, zone_name, now);
    let chart = match line.state {
        IterationState::Planned => Vec::new(),
        _ => iteration_chart(&steps, id, &all, counted),
    };
    let next = open
        .into_iter()
        .map(|line| line.iteration)
        .filter(|other| other.id != id);
    let shown = on.and_then(|on| all.iter().find(|day| day.name == on));
    let until = shown.map_or(counted.plus(1), |day| day.until.min(counted.plus(1)));
    Ok(IterationView {
        on: shown.map(|day| day.name.clone()),
        place: project.place(),
        zone,
        days: all.into_iter().map(|day| day.name).collect(),
        velocity: velocity(&all_steps, &spans, now),
        members: members_at(&steps, id, until),
        chart,
        cards,
        next: next.collect(),
        may_plan: held.has(Action::IterationEdit),
        line,
    })
}

/// Plans an iteration, to be started later; its number.
///
/// # Errors
/// [`Error::Forbidden`], wrong fields.
pub async fn plan(ctx: &OpCtx, org: &str, project: &str, input: IterationInput) -> Result<i64> {
    let project = access::project::<may::IterationEdit>(ctx, org, project).await?;
    let new = checked_iteration(ctx, input)?;
    let place = project.place();
    let mut change = ctx.change().await?;
    let number = change.tx().plan_iteration(&project.modify(), &new).await?;
    let summary = serde_json::json!({ "number": number, "from": new.starts_on, "to": new.ends_on });
    told(&mut change, &place, "iteration.plan", &new, summary).await?;
    change.touch("board", project.id(), &place);
    change.commit().await?;
    Ok(number)
}

async fn told(
    change: &mut Change<'_>,
    place: &Place,
    action: &'static str,
    of: &NewIteration,
    summary: serde_json::Value,
) -> Result<()> {
    let entry = Entry::done(action, "iteration", of.id, of.name.clone(), place, summary);
    change.audit(entry).await
}

async fn found(
    change: &mut Change<'_>,
    project: &Authorized<Project, See>,
    number: i64,
) -> Result<IterationLine> {
    change
        .tx()
        .iteration_line(project, number)
        .await?
        .ok_or(Error::NotFound)
}

/// Changes what an iteration is called, what it is for, and its days.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`], wrong fields.
pub async fn update(ctx: &OpCtx, org: &str, project: &str, number: i64, input: IterationInput) -> Result<()> {
    let project = access::project::<may::IterationEdit>(ctx, org, project).await?;
    let new = checked_iteration(ctx, input)?;
    let (see, place) = (project.see(), project.place());
    let mut change = ctx.change().await?;
    change.tx().lock_org(project.org_id()).await?;
    let line = found(&mut change, &see, number).await?;
    change.only_on(version::iteration(&line.iteration))?;
    let new = NewIteration {
        id: line.iteration.id,
        ..new
    };
    change.tx().update_iteration(&project.modify(), &new).await?;
    let was = &line.iteration;
    let summary = serde_json::json!({
        "number": number,
        "before": [was.name, was.goal, was.starts_on, was.ends_on],
        "after": [new.name, new.goal, new.starts_on, new.ends_on],
    });
    told(&mut change, &place, "iteration.edit", &new, summary).await?;
    change.touch("board", project.id(), &place);
    change.commit().await
}

fn stands(CannotStep(state): CannotStep) -> Error {
    let text = state.text();
    Error::refused(
        "iteration_state",
        format!("The iteration is “{}”: reload the page and look again.", text.en),
        format!("迭代当前状态为“{}”，请刷新页面后再看。", text.zh),
    )
}

/// Starts a planned iteration.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`]; [`Error::Conflict`] `iteration_running` where another runs;
/// [`Error::Refused`] `iteration_state` where it is not planned.
pub async fn start(ctx: &OpCtx, org: &str, project: &str, number: i64) -> Result<()> {
    let project = access::project::<may::IterationEdit>(ctx, org, project).await?;
    let (see, place) = (project.see(), project.place());
    let mut change = ctx.change().await?;
    let line = found(&mut change, &see, number).await?;
    let to = line.state.start().map_err(stands)?;
    step(&mut change, &project.modify(), &line, to, ctx.now()).await?;
    let of = &line.iteration;
    let summary =
        serde_json::json!({ "number": number, "items": line.scope.items, "points": line.scope.points });
    let entry = Entry::done(
        "iteration.start",
        "iteration",
        of.id,
        of.name.clone(),
        &place,
        summary,
    );
    change.audit(entry).await?;
    change.touch("board", project.id(), &place);
    change.commit().await
}

async fn step(
    change: &mut Change<'_>,
    project: &Authorized<Project, Modify>,
    line: &IterationLine,
    to: IterationState,
    at: Timestamp,
) -> Result<()> {
    change
        .tx()
        .step_iteration(project, line.iteration.id, line.state, to, at)
        .await
        .map_err(|error| match error {
            StoreError::Constraint(_) => one_runs(),
            other => other.into(),
        })
}

/// Closes the iteration that runs. What is not over goes to the iteration of number `carry_to`, or to the backlog; how
/// many items did.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`]; [`Error::Refused`] `iteration_state` where it does not run;
/// [`Error::Invalid`] `carry_to` for an iteration that is not there, is closed, or is this one.
pub async fn close(ctx: &OpCtx, org: &str, project: &str, number: i64, carry_to: Option<i64>) -> Result<u64> {
    let project = access::project::<may::IterationEdit>(ctx, org, project).await?;
    let (see, place) = (project.see(), project.place());
    let mut change = ctx.change().await?;
    let line = found(&mut change, &see, number).await?;
    let to = line.state.close().map_err(stands)?;
    let next = match carry_to {
        None => None,
        Some(next) => Some(carried_to(&mut change, &see, number, next).await?),
    };
    let (proof, of) = (project.modify(), &line.iteration);
    let by = ctx.user().ok().map(|person| person.id);
    // One instant: what is carried over was there until the end.
    let now = ctx.now();
    let target = next.as_ref().map(|next| (next.id, next.name.as_str()));
    let carried = change
        .tx()
        .carry_over(&proof, (of.id, &of.name), target, by, now)
        .await?;
    step(&mut change, &proof, &line, to, now).await?;
    let summary = serde_json::json!({
        "number": number, "done": line.done.items, "carried": carried, "to": next.as_ref().map(|next| next.number),
    });
    let entry = Entry::done(
        "iteration.close",
        "iteration",
        of.id,
        of.name.clone(),
        &place,
        summary,
    );
    change.audit(entry).await?;
    change.touch("board", project.id(), &place);
    change.commit().await?;
    Ok(carried)
}

async fn carried_to(
    change: &mut Change<'_>,
    project: &Authorized<Project, See>,
    number: i64,
    next: i64,
) -> Result<IterationRef> {
    let line = change.tx().iteration_line(project, next).await?;
    line.filter(|line| line.state != IterationState::Closed && next != number)
        .map(|line| line.iteration)
        .ok_or_else(|| {
            let text = slipway_domain::text::Text::new(
                "choose an iteration that is still open, or the backlog",
                "请选择未结束的迭代或待办列表",
            );
            Error::field("carry_to", text)
        })
}

/// A page of the backlog, from after `cursor`.
///
/// # Errors
/// As [`access::project`]; [`Error::Invalid`] `cursor`.
pub async fn backlog(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    filter: BacklogFilter,
    cursor: Option<&str>,
) -> Result<Backlog> {
    backlog_of(ctx, org, project, (filter, false), cursor).await
}

/// As [`backlog`]; where the filter shows all and `by_default` is said, as the default view of the page has it.
///
/// # Errors
/// As [`backlog`].
pub async fn backlog_of(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    (filter, by_default): (BacklogFilter, bool),
    cursor: Option<&str>,
) -> Result<Backlog> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let held = ctx.rights().await?.in_project(&project);
    let after = match cursor.filter(|cursor| !cursor.is_empty()) {
        None => None,
        Some(cursor) => Some(BacklogCursor::read(cursor).ok_or_else(|| {
            let text = slipway_domain::text::Text::new("begin at the first page", "请从第一页开始");
            Error::field("cursor", text)
        })?),
    };
    let mut tx = ctx.read().await?;
    let most = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
    let views = crate::table::views_of(ctx, &project, &mut *tx, Some(ViewPage::Backlog)).await?;
    let filter = match SavedView::default_of(&views) {
        Some(view) if by_default && filter.is_empty() => BacklogFilter::read(&view.query),
        _ => filter,
    };
    let mut rows = tx.backlog_page(&project, &filter, after.as_ref(), most).await?;
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next = rows.last().filter(|_| more).map(|(card, rank)| {
        let number = card.key.rsplit('-').next().and_then(|number| number.parse().ok());
        BacklogCursor {
            rank: rank.clone(),
            number: number.unwrap_or_default(),
        }
        .written()
    });
    let mut choices = tx.item_choices(&project).await?;
    for member in tx.members(project.org_id(), Some(project.id())).await? {
        if choices.people.iter().all(|known| known.id != member.person.id) {
            choices.people.push(member.person);
        }
    }
    let lines = tx.iterations(&project, false, 10).await?;
    drop(tx);
    let closed: Vec<Amount> = lines
        .iter()
        .filter(|line| line.state == IterationState::Closed)
        .take(3)
        .map(|line| line.done)
        .collect();
    let mean = |pick: fn(&Amount) -> i64| {
        closed.iter().map(pick).sum::<i64>() / i64::try_from(closed.len()).unwrap_or(1).max(1)
    };
    Ok(Backlog {
        place: project.place(),
        velocity: (!closed.is_empty()).then(|| Amount {
            items: mean(|amount| amount.items),
            points: mean(|amount| amount.points),
        }),
        cards: rows.into_iter().map(|(card, _)| card).collect(),
        next,
        choices,
        planned: lines
            .into_iter()
            .filter(|line| line.state != IterationState::Closed)
            .collect(),
        filter,
        may_edit: held.has(Action::ItemEdit),
        may_create: held.has(Action::ItemCreate),
        views,
        may_share: held.has(Action::BoardEdit),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_where_the_one_before_ends_also_where_clocks_change() {
        let (_, berlin) = zone_or_utc(Some("Europe/Berlin"));
        let date = |text: &str| text.parse::<jiff::civil::Date>().unwrap();
        for (first, last, hours) in [
            ("2026-03-28", "2026-03-30", [24, 23, 24]),
            ("2026-10-24", "2026-10-26", [24, 25, 24]),
        ] {
            let days = days(date(first), date(last), &berlin);
            let lengths: Vec<i64> = days
                .iter()
                .map(|day| day.until.since(day.from) / slipway_domain::time::HOUR)
                .collect();
            assert_eq!(lengths, hours);
            assert!(days.windows(2).all(|pair| pair[0].until == pair[1].from));
        }
        let (name, _) = zone_or_utc(Some("Nowhere/Land"));
        assert_eq!(name, "UTC");
    }
}
