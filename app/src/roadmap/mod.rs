//! The roadmap: epics on a line of time, and the same as a list, which is what a screen reader and a phone have.

pub mod api;

use self::api::ReadRoadmap;
use crate::board::{parts, topics};
use crate::design::button::{Weight, button_link};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::design::status::{Status, pill};
use crate::design::time::day;
use crate::iteration::{WorkTab, work_tabs};
use crate::live::refresh_without_js;
use crate::load::load;
use crate::places::param;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::roadmap::{Roadmap, RoadmapRow, day_number, months};

/// The picture, in its own units.
const WIDE: i64 = 1000;
const HIGH: i64 = 44;
const TOP: i64 = 28;

/// `P/roadmap`.
pub fn roadmap_page() -> AnyView {
    let (org, project) = (param("org"), param("project"));
    load(move || ReadRoadmap {
        org: org(),
        project: project(),
    })
    .watching(|roadmap: &Roadmap| topics(&roadmap.place))
    .view(|roadmap| show(&roadmap))
}

fn show(roadmap: &Roadmap) -> AnyView {
    let base = roadmap.place.path();
    let new = roadmap.may_create.then(|| {
        button_link(
            Weight::Primary,
            format!("{base}/items/new?kind=epic"),
            tr!(roadmap.new_epic),
        )
    });
    let body = if roadmap.rows.is_empty() {
        view! { <div class="box"><EmptyState title=tr!(roadmap.empty) hint=tr!(roadmap.empty_hint)/></div> }
            .into_any()
    } else {
        let rows = roadmap
            .rows
            .iter()
            .map(|row| line(roadmap, &base, row))
            .collect::<Vec<_>>();
        view! {
            {picture(roadmap)}
            <Panel title=tr!(roadmap.epics)><ol class="setup-list">{rows}</ol></Panel>
        }
        .into_any()
    };
    view! {
        {refresh_without_js()}
        <PageHead title=tr!(roadmap.title) line=tr!(roadmap.line).into_any() actions=view! { {new} }.into_any()/>
        {work_tabs(&roadmap.place, WorkTab::Roadmap)}
        <div class="stack wide">{body}</div>
    }
    .into_any()
}

/// The epics that have days, on a line of time.
fn picture(roadmap: &Roadmap) -> Option<AnyView> {
    let drawn: Vec<(&RoadmapRow, (i64, i64))> = roadmap
        .rows
        .iter()
        .filter_map(|row| Some((row, row.span()?)))
        .collect();
    let from = drawn.iter().map(|(_, (from, _))| *from).min()?;
    let to = drawn.iter().map(|(_, (_, to))| *to).max()?;
    let months = months(from, to);
    let (first, last) = (months.first()?.0, months.last()?.0);
    let at = |day: i64| (day - first) * WIDE / (last - first).max(1);
    let height = TOP + HIGH * i64::try_from(drawn.len()).unwrap_or(0) + 8;
    // A name for each month where there is room, else for each quarter.
    let every = if months.len() <= 14 { 1 } else { 3 };
    let ticks = months
        .iter()
        .enumerate()
        .map(|(index, (day, name))| {
            let x = at(*day);
            let word = (index % every == 0 && index + 1 < months.len())
                .then(|| view! { <text class="tick" x={x + 4} y="16">{name.clone()}</text> });
            view! { <line class="grid" x1=x y1="0" x2=x y2=height></line>{word} }
        })
        .collect::<Vec<_>>();
    let bars = drawn
        .iter()
        .enumerate()
        .map(|(index, (row, (from, to)))| {
            let y = TOP + HIGH * i64::try_from(index).unwrap_or(0);
            let (x, width) = (at(*from), (at(*to + 1) - at(*from)).max(6));
            let done = width * row.percent() / 100;
            // A name that would begin near the right end stands to the left of where its bar begins.
            let (anchor, label) = if x > WIDE * 3 / 5 { ("end", x + width) } else { ("start", x) };
            view! {
                <text class="name" x=label y={y + 12} text-anchor=anchor>{format!("{} {}", row.card.key, row.card.title)}</text>
                <rect class="bar" x=x y={y + 18} width=width height="14" rx="4"></rect>
                <rect class="bar-done" x=x y={y + 18} width=done height="14" rx="4"></rect>
            }
        })
        .collect::<Vec<_>>();
    let today = day_number(&roadmap.today)
        .filter(|day| (first..=last).contains(day))
        .map(|day| view! { <line class="today" x1={at(day)} y1="0" x2={at(day)} y2=height></line> });
    Some(
        view! {
            <div class="box roadmap" aria-hidden="true">
                <svg viewBox=format!("0 0 {WIDE} {height}")>{ticks}{bars}{today}</svg>
            </div>
        }
        .into_any(),
    )
}

fn line(roadmap: &Roadmap, base: &str, row: &RoadmapRow) -> AnyView {
    let card = &row.card;
    let when = match (&row.starts_on, &row.ends_on) {
        (Some(from), Some(to)) => format!("{} – {}", day(from), day(to)),
        (Some(from), None) => tr!(roadmap.from, day = day(from)),
        (None, Some(to)) => tr!(roadmap.until, day = day(to)),
        (None, None) => tr!(roadmap.no_days),
    };
    let progress = tr!(
        roadmap.progress,
        percent = row.percent(),
        done = row.done.items,
        all = row.scope.items,
        points = row.done.points,
        of = row.scope.points
    );
    let late = card
        .is_overdue(&roadmap.today)
        .then(|| pill(Status::Failed, tr!(board.overdue)));
    view! {
        <li>
            <a class="row wrap" href=format!("{base}/items/{}", card.key)>
                <code class="muted nowrap">{card.key.clone()}</code><span>{card.title.clone()}</span>
            </a>
            {parts::state(&card.state)}{late}
            <span class="small">{when}</span>
            <progress max="100" value=row.percent() aria-label=tr!(roadmap.done)></progress>
            <span class="small muted">{progress}</span>
        </li>
    }
    .into_any()
}
