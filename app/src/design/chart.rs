//! Charts: lines and stacked areas in SVG, and the same numbers as a table. The picture is for the eye; a screen reader
//! has the table.

use super::table::{row, table};
use crate::tr;
use leptos::prelude::*;
use std::fmt::Write as _;

/// A line or an area of a chart.
pub struct Series {
    /// What it is called.
    pub name: String,
    /// Its look: `c-1` to `c-5`, or `c-ideal`.
    pub class: &'static str,
    /// A value for each of the first places of the chart; where it ends, there is none yet.
    pub values: Vec<i64>,
}

/// How the series stand to one another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Each from the bottom.
    Lines,
    /// Each on top of the one before.
    Stacked,
}

/// A chart's picture, in these units; it is stretched to its place.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 200.0;

#[expect(clippy::cast_precision_loss, reason = "counts of items are far below 2^53")]
fn float(value: i64) -> f64 {
    value as f64
}

fn places(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(1)
}

/// The points of a line over `count` places up to `top`.
fn points(values: &[i64], count: usize, top: i64) -> String {
    let mut points = String::new();
    let step = WIDTH / float(places(count).max(2) - 1);
    for (place, value) in (0_i64..).zip(values) {
        let (x, y) = (
            step * float(place),
            HEIGHT - HEIGHT * float(*value) / float(top.max(1)),
        );
        let _ = write!(points, "{x:.1},{y:.1} ");
        if count == 1 {
            // One place alone is drawn from side to side: a point would not be seen.
            let _ = write!(points, "{WIDTH:.1},{y:.1} ");
        }
    }
    points
}

/// A chart over `labels`, with its legend. `href` leads from a place of the table to what it counts.
pub fn chart(
    caption: String,
    labels: &[String],
    series: &[Series],
    look: Look,
    href: impl Fn(&str) -> Option<String>,
) -> AnyView {
    chart_of(caption, labels, series, look, href, |_, _| None)
}

/// As [`chart`]; `opens` leads from a number of the table to what it counts: by its label, and the place of its series.
pub fn chart_of(
    caption: String,
    labels: &[String],
    series: &[Series],
    look: Look,
    href: impl Fn(&str) -> Option<String>,
    opens: impl Fn(&str, usize) -> Option<String>,
) -> AnyView {
    let mut below: Vec<i64> = vec![0; labels.len()];
    let mut shapes = Vec::new();
    let tops: Vec<Vec<i64>> = series
        .iter()
        .map(|one| match look {
            Look::Lines => one.values.clone(),
            Look::Stacked => {
                let top: Vec<i64> = one
                    .values
                    .iter()
                    .zip(&below)
                    .map(|(value, below)| value + below)
                    .collect();
                below[..top.len()].copy_from_slice(&top);
                top
            }
        })
        .collect();
    let top = tops.iter().flatten().copied().max().unwrap_or(0);
    // The highest is drawn first, so that those under it stay to be seen.
    for (one, values) in series.iter().zip(&tops).rev() {
        let line = points(values, labels.len(), top);
        shapes.push(match look {
            Look::Lines => {
                view! { <polyline class=format!("line {}", one.class) points=line></polyline> }.into_any()
            }
            Look::Stacked => {
                let step = WIDTH / float(places(labels.len()).max(2) - 1);
                let last = if labels.len() == 1 {
                    WIDTH
                } else {
                    step * float(places(values.len()).max(1) - 1)
                };
                let area = format!("0,{HEIGHT} {line} {last:.1},{HEIGHT}");
                view! { <polygon class=format!("area {}", one.class) points=area></polygon> }.into_any()
            }
        });
    }
    let legend = series
        .iter()
        .map(|one| view! { <li><span class=format!("swatch {}", one.class) aria-hidden="true"></span>{one.name.clone()}</li> })
        .collect::<Vec<_>>();
    let ends = [labels.first(), labels.last()].map(|label| label.cloned().unwrap_or_default());
    let [first, last] = ends;
    view! {
        <figure class="chart">
            <figcaption class="visually-hidden">{caption.clone()}</figcaption>
            <ul class="legend small">{legend}</ul>
            <div class="chart-body" aria-hidden="true">
                <span class="chart-top small muted">{top}</span>
                <svg viewBox="0 0 600 200" preserveAspectRatio="none">
                    <line class="grid" x1="0" y1="0.5" x2="600" y2="0.5"></line>
                    <line class="grid" x1="0" y1="100" x2="600" y2="100"></line>
                    <line class="grid" x1="0" y1="199.5" x2="600" y2="199.5"></line>
                    {shapes}
                </svg>
                <span class="row spread small muted"><span>{first}</span><span>{last}</span></span>
            </div>
            <details class="fold">
                <summary class="btn quiet small">{tr!(common.as_table)}</summary>
                {numbers(caption, labels, series, href, opens)}
            </details>
        </figure>
    }
    .into_any()
}

fn numbers(
    caption: String,
    labels: &[String],
    series: &[Series],
    href: impl Fn(&str) -> Option<String>,
    opens: impl Fn(&str, usize) -> Option<String>,
) -> AnyView {
    let heads = [tr!(common.day)]
        .into_iter()
        .chain(series.iter().map(|one| one.name.clone()))
        .map(IntoAny::into_any)
        .collect();
    let count = series.iter().map(|one| one.values.len()).max().unwrap_or(0);
    let rows = labels
        .iter()
        .take(count)
        .enumerate()
        .map(|(place, label)| {
            let cells = series
                .iter()
                .enumerate()
                .map(|(which, one)| {
                    let value = one.values.get(place).copied();
                    // There is nothing to open behind a zero.
                    let href = value
                        .filter(|value| *value != 0)
                        .and_then(|_| opens(label, which));
                    let value = value.map(|value| value.to_string()).unwrap_or_default();
                    let cell = match href {
                        Some(href) => view! { <a class="link" href=href>{value}</a> }.into_any(),
                        None => value.into_any(),
                    };
                    (one.name.clone(), cell)
                })
                .collect();
            let name = match href(label) {
                Some(href) => view! { <a class="link" href=href>{label.clone()}</a> }.into_any(),
                None => label.clone().into_any(),
            };
            row(name, cells)
        })
        .collect();
    table(caption, heads, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_from_edge_to_edge_and_the_highest_value_touches_the_top() {
        assert_eq!(points(&[0, 5, 10], 3, 10), "0.0,200.0 300.0,100.0 600.0,0.0 ");
        assert_eq!(points(&[4], 1, 4), "0.0,0.0 600.0,0.0 ");
        assert_eq!(points(&[0, 0], 2, 0), "0.0,200.0 600.0,200.0 ");
    }
}
