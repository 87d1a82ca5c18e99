//! What history says: the flow of work, and how delivery goes. Every number opens what it counts.

pub mod api;
mod counted;
mod stream;

pub use counted::counted_page;
pub use stream::stream_page;

use self::api::{ReadDelivery, ReadInsights};
use crate::design::button::{Weight, submit};
use crate::design::chart::{Look, Series, chart, chart_of};
use crate::design::page::{PageHead, Panel};
use crate::design::table::{row, table};
use crate::design::tabs::{Tab, tabs};
use crate::i18n::say;
use crate::load::load;
use crate::places::{encode, param, query};
use crate::tr;
use leptos::prelude::*;
use slipway_domain::insight::{BugDay, BugReport, BugTurn, Delivery, Dora, Insights, Velocity};
use slipway_domain::item::Category;
use slipway_domain::project::Place;
use slipway_domain::time::{DAY, HOUR, MINUTE};

/// Which of the pages about measures it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Measures {
    Work,
    Delivery,
    Stream,
}

fn head(place: &Place, current: Measures, zone: &str, days: i64, span: &(String, String)) -> AnyView {
    let base = format!("{}/insights", place.path());
    let all = vec![
        Tab {
            word: tr!(insight.work),
            href: base.clone(),
            current: current == Measures::Work,
        },
        Tab {
            word: tr!(insight.delivery),
            href: format!("{base}/dora"),
            current: current == Measures::Delivery,
        },
        Tab {
            word: tr!(insight.stream),
            href: format!("{base}/stream"),
            current: current == Measures::Stream,
        },
    ];
    let line = tr!(insight.span, first = span.0.clone(), last = span.1.clone());
    let title = match current {
        Measures::Work => tr!(insight.insights),
        Measures::Delivery => tr!(insight.delivery),
        Measures::Stream => tr!(insight.stream),
    };
    view! {
        <PageHead title line=line.into_any()/>
        {tabs(tr!(insight.tabs), all)}
        <form method="get" class="row wrap gap-below">
            <label class="row"><span class="small nowrap">{tr!(insight.days)}</span>
                <input class="input" type="number" name="days" min="1" max="740" value=days.to_string()/>
            </label>
            <label class="row"><span class="small nowrap">{tr!(iteration.zone)}</span>
                <input class="input" name="zone" value=zone.to_owned() autocomplete="off"/>
            </label>
            {submit(Weight::Plain, tr!(insight.show))}
        </form>
    }
    .into_any()
}

/// `P/insights`; `?days=90&zone=Asia/Shanghai`.
pub fn insights_page() -> AnyView {
    let (org, project) = (param("org"), param("project"));
    let (zone, days) = (query("zone"), query("days"));
    load(move || ReadInsights {
        org: org(),
        project: project(),
        zone: zone(),
        days: days().and_then(|days| days.parse().ok()),
    })
    .view(|insights| show(&insights))
}

fn show(insights: &Insights) -> AnyView {
    let base = insights.place.path();
    let days: Vec<String> = insights.flow.iter().map(|day| day.day.clone()).collect();
    let classes = ["c-1", "c-2", "c-3", "c-4", "c-5"];
    // What is over stands at the bottom, and grows.
    let flow = [3, 4, 2, 1, 0].map(|at: usize| Series {
        name: say(&Category::ALL[at].text()),
        class: classes[at],
        values: insights.flow.iter().map(|day| day.counts[at]).collect(),
    });
    let zone = encode(&insights.zone);
    let counted = |what: &str, day: &str| format!("{base}/insights/items?what={what}&day={day}&zone={zone}");
    let standing = |day: &str, place: usize| {
        let category = ["done", "wont_do", "in_test", "in_progress", "todo"].get(place)?;
        Some(counted(category, day))
    };
    let caption = tr!(insight.flow);
    let flow = chart_of(caption, &days, &flow, Look::Stacked, |_| None, standing);
    let over = |of: fn(&BugDay) -> i64| insights.bugs.days.iter().map(of).collect::<Vec<i64>>();
    let bugs = [
        series(tr!(insight.open), "c-6", over(|day| day.open)),
        series(tr!(insight.reported), "c-3", over(|day| day.reported)),
        series(tr!(insight.closed), "c-4", over(|day| day.closed)),
        series(tr!(insight.reopened), "c-2", over(|day| day.reopened)),
    ];
    let turned = |day: &str, place: usize| Some(counted(BugTurn::ALL.get(place)?.key(), day));
    let caption = tr!(insight.bug_trend);
    let bugs = chart_of(caption, &days, &bugs, Look::Lines, |_| None, turned);
    let count = i64::try_from(days.len()).unwrap_or_default();
    let velocity = velocity(&base, &insights.velocity);
    view! {
        {head(&insights.place, Measures::Work, &insights.zone, count, &insights.span)}
        <div class="columns even">
            <Panel title=tr!(insight.flow) aside=csv(insights, "flow")>{flow}</Panel>
            <Panel title=tr!(insight.bug_trend) aside=csv(insights, "bugs")>{bugs}</Panel>
            <Panel title=tr!(iteration.velocity) aside=csv(insights, "velocity")>{velocity}</Panel>
            {bug_numbers(&format!("{base}/items/{}", insights.key), &insights.bugs)}
        </div>
    }
    .into_any()
}

/// The numbers of a chart as a file.
fn csv(insights: &Insights, chart: &str) -> AnyView {
    let href = format!(
        "/api/v1{}/insights/{chart}?days={}&zone={}",
        insights.place.path(),
        insights.flow.len(),
        encode(&insights.zone)
    );
    view! { <a class="link" href=href rel="external" download="">"CSV"</a> }.into_any()
}

fn series(name: String, class: &'static str, values: Vec<i64>) -> Series {
    Series { name, class, values }
}

fn velocity(base: &str, all: &[Velocity]) -> AnyView {
    if all.is_empty() {
        return view! { <p class="muted box-body">{tr!(insight.no_iterations)}</p> }.into_any();
    }
    let names: Vec<String> = all.iter().map(|one| one.iteration.name.clone()).collect();
    let of = |pick: fn(&Velocity) -> i64| all.iter().map(pick).collect::<Vec<i64>>();
    let shown = [
        series(tr!(iteration.committed), "c-1", of(|one| one.committed.points)),
        series(tr!(iteration.done), "c-4", of(|one| one.done.points)),
    ];
    let href = |name: &str| {
        let found = all.iter().find(|one| one.iteration.name == name);
        found.map(|one| format!("{base}/iterations/{}", one.iteration.number))
    };
    chart(tr!(iteration.velocity), &names, &shown, Look::Lines, href)
}

/// A number that opens what it counts: links to items by number.
fn opened(items: &str, numbers: &[i64]) -> AnyView {
    let links = numbers
        .iter()
        .map(|number| view! { <a class="link" href=format!("{items}-{number}")>{number.to_string()}</a>" " })
        .collect::<Vec<_>>();
    if links.is_empty() {
        return view! { "0" }.into_any();
    }
    view! { <details class="fold"><summary class="link">{numbers.len()}</summary><p class="small">{links}</p></details> }
        .into_any()
}

fn bug_numbers(items: &str, bugs: &BugReport) -> AnyView {
    let names = [
        tr!(insight.age_0),
        tr!(insight.age_1),
        tr!(insight.age_2),
        tr!(insight.age_3),
    ];
    let ages = names
        .into_iter()
        .zip(&bugs.ages)
        .map(|(name, numbers)| row(name.into_any(), vec![(tr!(insight.open), opened(items, numbers))]))
        .collect();
    let ages = table(
        tr!(insight.ages),
        vec![tr!(insight.age).into_any(), tr!(insight.open).into_any()],
        ages,
    );
    let found = bugs
        .found
        .iter()
        .map(|(name, numbers)| {
            let name = if name.is_empty() {
                tr!(insight.found_nowhere)
            } else {
                name.clone()
            };
            row(
                name.into_any(),
                vec![(tr!(insight.reported), opened(items, numbers))],
            )
        })
        .collect::<Vec<_>>();
    let found = if found.is_empty() {
        view! { <p class="muted box-body">{tr!(insight.no_bugs)}</p> }.into_any()
    } else {
        let heads = vec![
            tr!(board.found_environment).into_any(),
            tr!(insight.reported).into_any(),
        ];
        table(tr!(insight.found), heads, found)
    };
    let (closed, reopened) = (opened(items, &bugs.closed), opened(items, &bugs.reopened));
    let rate = tr!(
        insight.reopen_rate,
        n = bugs.reopened.len(),
        all = bugs.closed.len()
    );
    view! {
        <Panel title=tr!(insight.ages)>{ages}</Panel>
        <Panel title=tr!(insight.found) aside=rate.into_any()>
            {found}
            <dl class="facts box-body">
                <dt>{tr!(insight.closed)}</dt><dd>{closed}</dd>
                <dt>{tr!(insight.reopened)}</dt><dd>{reopened}</dd>
            </dl>
        </Panel>
    }
    .into_any()
}

/// `P/insights/dora`; `?days=90&zone=Asia/Shanghai`.
pub fn delivery_page() -> AnyView {
    let (org, project) = (param("org"), param("project"));
    let (zone, days) = (query("zone"), query("days"));
    load(move || ReadDelivery {
        org: org(),
        project: project(),
        zone: zone(),
        days: days().and_then(|days| days.parse().ok()),
    })
    .view(|delivery| show_delivery(&delivery))
}

/// As `3 d 4 h`, `5 h 6 min` or `7 min`.
fn span_of(micros: i64) -> String {
    let (days, hours, minutes) = (micros / DAY, micros % DAY / HOUR, micros % HOUR / MINUTE);
    match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, hours) => format!("{hours} h {minutes} min"),
        (days, hours) => format!("{days} d {hours} h"),
    }
}

fn show_delivery(delivery: &Delivery) -> AnyView {
    let Dora {
        deployments,
        lead_time,
        lead_time_p85,
        failed,
        restore,
        restored,
    } = &delivery.dora;
    let base = delivery.place.path();
    let or_nothing = |micros: &Option<i64>| micros.map_or_else(|| tr!(insight.no_data), span_of);
    let frequency = tr!(insight.per_week, n = deployments.len(), days = delivery.days);
    let rate = tr!(insight.of, n = failed.of.len(), all = failed.all);
    view! {
        {head(&delivery.place, Measures::Delivery, &delivery.zone, delivery.days, &delivery.span)}
        <div class="columns even">
            {measure(tr!(insight.frequency), frequency, &base, deployments)}
            {measure(tr!(insight.lead_time), or_nothing(lead_time), &base, deployments)}
            {measure(tr!(insight.lead_time_p85), or_nothing(lead_time_p85), &base, deployments)}
            {measure(tr!(insight.failure_rate), rate, &base, &failed.of)}
            {measure(tr!(insight.restore), or_nothing(restore), &base, restored)}
        </div>
    }
    .into_any()
}

/// A measure with what it counts: addresses of promotions, and keys of items.
fn measure(title: String, value: String, base: &str, counted: &[String]) -> AnyView {
    let links = counted
        .iter()
        .map(|one| {
            let href = if one.starts_with('/') {
                one.clone()
            } else {
                format!("{base}/items/{one}")
            };
            let word = one.rsplit('/').next().unwrap_or_default().to_owned();
            view! { <li><a class="link" href=href><code>{word}</code></a></li> }
        })
        .collect::<Vec<_>>();
    let counted = (!links.is_empty()).then(|| {
        view! {
            <details class="fold box-body">
                <summary class="btn quiet small">{tr!(insight.counted)}" ("{links.len()}")"</summary>
                <ul class="checks">{links}</ul>
            </details>
        }
    });
    view! { <Panel title><p class="box-body strong">{value}</p>{counted}</Panel> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_said_in_its_two_largest_units() {
        assert_eq!(span_of(3 * DAY + 4 * HOUR + MINUTE), "3 d 4 h");
        assert_eq!(span_of(5 * HOUR + 6 * MINUTE), "5 h 6 min");
        assert_eq!(span_of(7 * MINUTE), "7 min");
    }
}
