//! The report of an iteration, to be read, printed and passed on: every number opens what it counts.

use super::api::ReadIterationReport;
use super::{WorkTab, dates, state, topics, work_tabs};
use crate::design::button::{Weight, button_link};
use crate::design::chart::{Look, Series, chart};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::design::table::{row, table};
use crate::i18n::say;
use crate::load::load;
use crate::places::{encode, param, query};
use crate::tr;
use leptos::prelude::*;
use slipway_domain::insight::{Amount, Fate, IterationDay, Outcome, Velocity, Which};
use slipway_domain::iteration::IterationReport;
use slipway_domain::time::Timestamp;

/// `P/iterations/{number}/report`; `?zone=Asia/Shanghai`.
pub fn report_page() -> AnyView {
    let (org, project, number) = (param("org"), param("project"), param("number"));
    let zone = query("zone");
    load(move || ReadIterationReport {
        org: org(),
        project: project(),
        number: number(),
        zone: zone(),
    })
    .watching(|report: &IterationReport| topics(&report.place))
    .view(|report| show(&report))
}

fn show(report: &IterationReport) -> AnyView {
    let line = &report.line;
    let title = tr!(summary.title, name = line.iteration.name.clone());
    let goal = (!line.iteration.goal.is_empty()).then(|| {
        view! { <p class="report-goal gap-below">{tr!(board.goal, goal = line.iteration.goal.clone())}</p> }
    });
    let body = match &report.outcome {
        None => view! { <div class="box"><EmptyState title=tr!(iteration.no_chart) hint=tr!(summary.none_hint)/></div> }
            .into_any(),
        Some(outcome) => told(report, outcome),
    };
    view! {
        <article class="report">
            <PageHead title mark=state(line.state) line=dates(line).into_any() actions=actions(report)/>
            {work_tabs(&report.place, WorkTab::Iterations)}
            {goal}
            {body}
        </article>
    }
    .into_any()
}

/// The address of the iteration's own page.
fn page(report: &IterationReport) -> String {
    format!(
        "{}/iterations/{}",
        report.place.path(),
        report.line.iteration.number
    )
}

fn actions(report: &IterationReport) -> AnyView {
    let page = page(report);
    let file = |format: &str| {
        format!(
            "/api/v1{page}/report-export?format={format}&zone={}",
            encode(&report.zone)
        )
    };
    view! {
        {button_link(Weight::Quiet, page.clone(), tr!(summary.back))}
        <a class="btn quiet" href=file("markdown") rel="external" download="">"Markdown"</a>
        <a class="btn quiet" href=file("csv") rel="external" download="">"CSV"</a>
        <button type="button" class="btn primary needs-script" on:click=|_| crate::browser::print()>{tr!(summary.print)}</button>
    }
    .into_any()
}

fn told(report: &IterationReport, outcome: &Outcome) -> AnyView {
    let lists = outcome
        .lists()
        .into_iter()
        .map(|(which, fates)| list(report, which, fates))
        .collect::<Vec<_>>();
    view! {
        <div class="stack wide">
            {sums(report, outcome)}
            {charts(report)}
            {velocity(report)}
            {lists}
            {bugs(report, "bugs-reported", tr!(summary.bugs_reported), &report.bugs_reported)}
            {bugs(report, "bugs-closed", tr!(summary.bugs_closed), &report.bugs_closed)}
        </div>
    }
    .into_any()
}

/// The numbers, each of which leads to its list.
fn sums(report: &IterationReport, outcome: &Outcome) -> AnyView {
    let number = |href: String, items: usize, points: Option<i64>| {
        let points = points.map(|points| format!(" · {}", crate::board::parts::points(points)));
        view! { <a class="link" href=href>{tr!(iteration.number_of_items, n = items)}{points}</a> }.into_any()
    };
    let mut rows: Vec<AnyView> = outcome
        .lists()
        .into_iter()
        .map(|(which, fates)| {
            let points = fates.iter().map(|fate| fate.points).sum();
            let link = number(format!("#{}", which.key()), fates.len(), Some(points));
            row(say(&which.text()).into_any(), vec![(tr!(iteration.items), link)])
        })
        .collect();
    for (href, word, bugs) in [
        (
            "#bugs-reported",
            tr!(summary.bugs_reported),
            &report.bugs_reported,
        ),
        ("#bugs-closed", tr!(summary.bugs_closed), &report.bugs_closed),
    ] {
        let link = number(href.to_owned(), bugs.len(), None);
        rows.push(row(word.into_any(), vec![(tr!(iteration.items), link)]));
    }
    let heads = vec![tr!(summary.what).into_any(), tr!(iteration.items).into_any()];
    let title = tr!(summary.sums);
    view! { <Panel title=title.clone()>{table(title, heads, rows)}</Panel> }.into_any()
}

fn charts(report: &IterationReport) -> AnyView {
    let base = page(report);
    let zone = encode(&report.zone);
    let href = |day: &str| Some(format!("{base}?zone={zone}&on={day}"));
    let over = |of: fn(&IterationDay) -> Amount| {
        report
            .chart
            .iter()
            .map(|day| of(day).points)
            .collect::<Vec<i64>>()
    };
    let first = report.chart.first().map_or(0, |day| day.scope.points);
    let steps = i64::try_from(report.days.len()).unwrap_or(1).max(2) - 1;
    let ideal = (0..=steps).map(|day| first - first * day / steps).collect();
    let burndown = chart(
        tr!(iteration.burndown),
        &report.days,
        &[
            series(tr!(iteration.ideal), "c-ideal", ideal),
            series(tr!(iteration.left), "c-2", over(IterationDay::left)),
        ],
        Look::Lines,
        href,
    );
    let burnup = chart(
        tr!(iteration.burnup),
        &report.days,
        &[
            series(tr!(iteration.done), "c-4", over(|day| day.done)),
            series(tr!(iteration.scope), "c-1", over(|day| day.scope)),
        ],
        Look::Lines,
        href,
    );
    view! {
        <div class="columns even">
            <Panel title=tr!(iteration.burndown)>{burndown}</Panel>
            <Panel title=tr!(iteration.burnup)>{burnup}</Panel>
        </div>
    }
    .into_any()
}

fn series(name: String, class: &'static str, values: Vec<i64>) -> Series {
    Series { name, class, values }
}

fn velocity(report: &IterationReport) -> Option<AnyView> {
    if report.velocity.is_empty() {
        return None;
    }
    let base = report.place.path();
    let one = |velocity: &Velocity| {
        let number = velocity.iteration.number;
        let name = view! { <a class="link" href=format!("{base}/iterations/{number}/report")>{velocity.iteration.name.clone()}</a> };
        row(
            name.into_any(),
            vec![
                (tr!(iteration.committed), velocity.committed.points.into_any()),
                (tr!(iteration.done), velocity.done.points.into_any()),
            ],
        )
    };
    let rows = report.velocity.iter().map(one).collect();
    let heads = [
        tr!(iteration.iteration),
        tr!(iteration.committed),
        tr!(iteration.done),
    ];
    let heads = heads.into_iter().map(IntoAny::into_any).collect();
    let title = tr!(iteration.velocity);
    Some(view! { <Panel title=title.clone()>{table(title, heads, rows)}</Panel> }.into_any())
}

/// The item as a link, or what it was called where it is deleted.
fn item(report: &IterationReport, number: i64) -> AnyView {
    let key = format!("{}-{number}", report.key);
    match report.card(number) {
        Some(card) => {
            let href = format!("{}/items/{key}", report.place.path());
            view! {
                <a class="row wrap" href=href><code class="muted nowrap">{key}</code><span class="break">{card.title.clone()}</span></a>
            }
            .into_any()
        }
        None => view! { <span class="row wrap muted"><code class="nowrap">{key}</code>{tr!(summary.deleted)}</span> }
            .into_any(),
    }
}

/// An instant to the minute, in UTC: paper has no “two hours ago”.
fn stamp(at: Timestamp) -> AnyView {
    let iso = at.rfc3339();
    let minute: String = iso.chars().take(16).collect();
    let text = format!("{} UTC", minute.replace('T', " "));
    view! { <time class="nowrap" datetime=iso>{text}</time> }.into_any()
}

fn list(report: &IterationReport, which: Which, fates: &[Fate]) -> AnyView {
    let title = say(&which.text());
    let body = if fates.is_empty() {
        view! { <p class="muted box-body">{tr!(summary.nothing)}</p> }.into_any()
    } else {
        // Nobody did what was so from the start.
        let acts = which != Which::Planned;
        let rows = fates
            .iter()
            .map(|fate| {
                let mut cells = vec![(tr!(iteration.points), fate.points.into_any())];
                if acts {
                    let by = fate.by.as_ref().map(|who| who.name.clone());
                    cells.push((tr!(iteration.when), fate.at.map(stamp).into_any()));
                    cells.push((tr!(summary.by), by.into_any()));
                }
                row(item(report, fate.item), cells)
            })
            .collect();
        let mut heads = vec![tr!(iteration.item), tr!(iteration.points)];
        if acts {
            heads.extend([tr!(iteration.when), tr!(summary.by)]);
        }
        table(
            title.clone(),
            heads.into_iter().map(IntoAny::into_any).collect(),
            rows,
        )
    };
    view! { <div id=which.key()><Panel title>{body}</Panel></div> }.into_any()
}

fn bugs(report: &IterationReport, id: &'static str, title: String, numbers: &[i64]) -> AnyView {
    let body = if numbers.is_empty() {
        view! { <p class="muted box-body">{tr!(summary.nothing)}</p> }.into_any()
    } else {
        let rows = numbers
            .iter()
            .map(|number| {
                let state = report.card(*number).map(|card| say(&card.state.text()));
                row(
                    item(report, *number),
                    vec![(tr!(iteration.state), state.into_any())],
                )
            })
            .collect();
        let heads = vec![tr!(iteration.item).into_any(), tr!(iteration.state).into_any()];
        table(title.clone(), heads, rows)
    };
    view! { <div id=id><Panel title>{body}</Panel></div> }.into_any()
}
