//! The value stream: each stage as a bar of work and waiting, its median and its 85th percentile, and the items it counts.

use super::api::ReadStream;
use super::{Measures, head, span_of};
use crate::design::page::Panel;
use crate::design::state::EmptyState;
use crate::design::table::{row, table};
use crate::i18n::say;
use crate::load::load;
use crate::places::{encode, param, query};
use crate::tr;
use leptos::prelude::*;
use slipway_domain::insight::{Stage, ValueStream};

/// How many items of a stage are linked, the slowest first.
const LINKED: usize = 100;
/// The width of the longest bar, in the picture's units.
const WIDTH: i64 = 600;

/// `P/insights/stream`; `?days=90&zone=Asia/Shanghai`.
pub fn stream_page() -> AnyView {
    let (org, project) = (param("org"), param("project"));
    let (zone, days) = (query("zone"), query("days"));
    load(move || ReadStream {
        org: org(),
        project: project(),
        zone: zone(),
        days: days().and_then(|days| days.parse().ok()),
    })
    .view(|stream| show(&stream))
}

fn show(stream: &ValueStream) -> AnyView {
    let base = stream.place.path();
    let body = if stream.finished == 0 {
        view! { <EmptyState title=tr!(insight.no_data) hint=tr!(insight.stream_hint)/> }.into_any()
    } else {
        let items = format!("{base}/items/{}", stream.key);
        let longest = stream
            .stages
            .iter()
            .filter_map(|stage| stage.p85)
            .max()
            .unwrap_or(1)
            .max(1);
        // What no finished item went through has no length; the table names it.
        let measured = stream.stages.iter().filter(|stage| stage.median.is_some());
        let bars = measured.map(|stage| bar(stage, longest)).collect::<Vec<_>>();
        let bars = if bars.is_empty() {
            view! { <p class="muted">{tr!(insight.stream_hint)}</p> }.into_any()
        } else {
            view! { <div aria-hidden="true">{bars}</div> }.into_any()
        };
        let csv = format!(
            "/api/v1{base}/value-stream-export?days={}&zone={}",
            stream.days,
            encode(&stream.zone)
        );
        let numbers = numbers(&items, &stream.stages);
        let csv = view! { <a class="link" href=csv rel="external" download="">"CSV"</a> };
        view! {
            <Panel title=tr!(insight.stream) aside=csv.into_any()>
                <figure class="chart box-body">
                    <figcaption class="visually-hidden">{tr!(insight.stream)}</figcaption>
                    <ul class="legend small">
                        <li><span class="swatch c-4" aria-hidden="true"></span>{tr!(insight.working)}</li>
                        <li><span class="swatch c-2" aria-hidden="true"></span>{tr!(insight.waiting)}</li>
                    </ul>
                    {bars}
                </figure>
            </Panel>
            <Panel title=tr!(insight.stages)>{numbers}</Panel>
        }
        .into_any()
    };
    view! {
        {head(&stream.place, Measures::Stream, &stream.zone, stream.days, &stream.span)}
        <p class="muted gap-below">{tr!(insight.finished_items, n = stream.finished)}</p>
        <div class="stack wide">{body}</div>
    }
    .into_any()
}

/// The median of a stage as a bar, with the part that was work before the part that was waiting, and a mark at the 85th
/// percentile.
fn bar(stage: &Stage, longest: i64) -> AnyView {
    let wide = |micros: i64| micros.saturating_mul(WIDTH / 2) / (longest / 2).max(1);
    let (median, p85) = (wide(stage.median.unwrap_or(0)), wide(stage.p85.unwrap_or(0)));
    let all = (stage.work + stage.wait).max(1);
    let work = (i128::from(median) * i128::from(stage.work) / i128::from(all)).to_string();
    let area = |class: &str, from: &str, to: &str| {
        let points = format!("{from},2 {to},2 {to},14 {from},14");
        view! { <polygon class=format!("area {class}") points=points></polygon> }
    };
    let (worked, waited) = (area("c-4", "0", &work), area("c-2", &work, &median.to_string()));
    let name = format!("{} → {}", say(&stage.from), say(&stage.to));
    view! {
        <p class="small muted">{name}</p>
        <svg viewBox="0 0 600 16" preserveAspectRatio="none" class="stage-bar">
            {worked}{waited}
            <line class="grid" x1=p85.to_string() y1="0" x2=p85.to_string() y2="16"></line>
        </svg>
    }
    .into_any()
}

fn numbers(items: &str, stages: &[Stage]) -> AnyView {
    let rows = stages
        .iter()
        .map(|stage| {
            let name = format!("{} → {}", say(&stage.from), say(&stage.to));
            let or_nothing = |micros: Option<i64>| micros.map_or_else(|| String::from("–"), span_of);
            let share = (stage.work + stage.wait > 0)
                .then(|| format!("{} %", stage.work.saturating_mul(100) / (stage.work + stage.wait)));
            row(
                name.into_any(),
                vec![
                    (tr!(insight.median), or_nothing(stage.median).into_any()),
                    (tr!(insight.p85), or_nothing(stage.p85).into_any()),
                    (
                        tr!(insight.working),
                        share.unwrap_or_else(|| String::from("–")).into_any(),
                    ),
                    (tr!(insight.counted), counted(items, stage)),
                ],
            )
        })
        .collect();
    let heads = [
        tr!(insight.stage),
        tr!(insight.median),
        tr!(insight.p85),
        tr!(insight.working),
        tr!(insight.counted),
    ];
    table(
        tr!(insight.stages),
        heads.into_iter().map(IntoAny::into_any).collect(),
        rows,
    )
}

/// The items of a stage, the slowest first, each with its time.
fn counted(items: &str, stage: &Stage) -> AnyView {
    if stage.items.is_empty() {
        return view! { "0" }.into_any();
    }
    let links = stage
        .items
        .iter()
        .take(LINKED)
        .map(|(number, span)| view! { <a class="link nowrap" href=format!("{items}-{number}")>{number.to_string()}" ("{span_of(*span)}")"</a>" " })
        .collect::<Vec<_>>();
    view! { <details class="fold"><summary class="link">{stage.items.len()}</summary><p class="small">{links}</p></details> }
        .into_any()
}
