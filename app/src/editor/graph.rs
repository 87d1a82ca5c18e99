//! The canvas: stages as columns, jobs as nodes, needs as edges, and a `+` wherever a job can go. Nodes are links, so the
//! tab key and a screen reader find them; edges say nothing that the drawer does not say in words.

use super::sheet::{Sheet, image};
use super::state::Studio;
use super::{Chosen, job_query};
use crate::browser::timed;
use crate::design::icon::{Icon, icon};
use crate::i18n::say;
use crate::places::encode;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::pipeline::Severity;
use slipway_domain::pipeline::file::CutKind;
use slipway_domain::pipeline::file::canvas::CanvasJob;
use slipway_domain::pipeline::layout::{Edge, Layout, NODE_HEIGHT, NODE_WIDTH, PlacedNode};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

/// How wide the circle of a `+` is with its margin.
const PLUS: i32 = 28;

/// The canvas. Places change with jobs and needs, what stands in the nodes with every key: each is drawn by itself.
pub(super) fn canvas(studio: Studio, chosen: Chosen) -> AnyView {
    let graph = Memo::new(move |_| {
        let layout = || studio.sheet.with(|sheet| sheet.canvas.layout());
        Arc::new(timed("layout", layout))
    });
    let size = move |of: fn(&Layout) -> i32| graph.with(|graph| of(graph) + PLUS);
    let (width, height) = (
        move || size(|graph| graph.width),
        move || size(|graph| graph.height),
    );
    let edges = move || {
        graph.with(|graph| {
            let heads = graph
                .columns
                .iter()
                .map(|column| view! { <text x=column.x + 4 y="26">{column.stage.clone()}</text> })
                .collect::<Vec<_>>();
            let edges = graph
                .edges
                .iter()
                .map(|edge| line(edge, chosen))
                .collect::<Vec<_>>();
            view! { {heads}{edges} }
        })
    };
    // Most keys change nothing that stands in a node: then none is drawn anew.
    let shown = Memo::new(move |_| studio.sheet.with(|sheet| graph.with(|graph| nodes(sheet, graph))));
    let linted = Memo::new(move |_| studio.linted_worst());
    let nodes = move || {
        shown.with(|shown| {
            let drawn = |node: &Node| {
                let link = studio.href(Some(&job_query(&node.name)));
                let (width, height) = (NODE_WIDTH + 8, NODE_HEIGHT + 8);
                foreign(
                    node.x - 4,
                    node.y - 4,
                    width,
                    height,
                    draw(node, link, chosen, linted),
                )
            };
            shown.iter().map(drawn).collect::<Vec<_>>()
        })
    };
    let pluses = move || {
        let href = |query: String| studio.href(Some(&query));
        studio.may_edit.then(|| graph.with(|graph| pluses(graph, &href)))
    };
    view! {
        <div class="studio-canvas" tabindex="0" role="group" aria-label=tr!(editor.canvas)>
            <svg width=width height=height viewBox=move || format!("0 0 {} {}", width(), height())>
                <g aria-hidden="true">{edges}</g>
                {nodes}
                {pluses}
            </svg>
        </div>
    }
    .into_any()
}

/// What stands in a node, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Node {
    name: String,
    x: i32,
    y: i32,
    class: &'static str,
    look: Icon,
    line: String,
    lock: Option<String>,
    worst: Option<Severity>,
}

fn nodes(sheet: &Sheet, graph: &Layout) -> Vec<Node> {
    let placed = graph.nodes.iter();
    placed
        .filter_map(|place| {
            let job = sheet.job(&place.id)?;
            Some(Node {
                name: job.name.clone(),
                x: place.x,
                y: place.y,
                class: match (job.kind, job.disabled) {
                    (_, true) => "node-card off",
                    (CutKind::Opaque, _) => "node-card opaque",
                    _ => "node-card",
                },
                look: look(job),
                line: second_line(job),
                lock: job
                    .lock
                    .as_ref()
                    .map(|why| tr!(editor.job_locked, why = say(why))),
                worst: sheet.worst(job),
            })
        })
        .collect()
}

fn line(edge: &Edge, chosen: Chosen) -> AnyView {
    let (from, to) = (edge.from.clone(), edge.to.clone());
    let lit = move || {
        chosen
            .job
            .with(|job| job.as_ref().is_some_and(|job| *job == from || *job == to))
    };
    let class = move || if lit() { "edge lit" } else { "edge" };
    view! { <path class=class d=path(edge)></path> }.into_any()
}

fn path(edge: &Edge) -> String {
    let mut path = String::new();
    for (index, point) in edge.points.iter().enumerate() {
        let begin = if index == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{begin}{} {}", point.x, point.y);
    }
    path
}

fn foreign(x: i32, y: i32, width: i32, height: i32, inside: AnyView) -> AnyView {
    // A margin, so that the ring of the focus is not cut off.
    view! { <foreignObject x=x y=y width=width height=height>{inside}</foreignObject> }.into_any()
}

/// A node. `linted`: the worst that GitLab's lint says of each job.
fn draw(node: &Node, href: String, chosen: Chosen, linted: Memo<BTreeMap<String, Severity>>) -> AnyView {
    let name = node.name.clone();
    let current = {
        let name = name.clone();
        move || {
            chosen
                .job
                .with(|chosen| chosen.as_ref() == Some(&name))
                .then_some("true")
        }
    };
    let (own, about) = (node.worst, name.clone());
    let mark = move || {
        let found = [own, linted.with(|linted| linted.get(&about).copied())];
        let (class, word) = if found.contains(&Some(Severity::Error)) {
            ("mark", tr!(pipeline.error))
        } else if found.contains(&Some(Severity::Warning)) {
            ("mark warn", tr!(pipeline.warning))
        } else {
            return None;
        };
        Some(view! {
            <span class=class title=word.clone()>{icon(Icon::Warning)}<span class="visually-hidden">{word.clone()}</span></span>
        })
    };
    let locked = node
        .lock
        .clone()
        .map(|words| view! { <span class="visually-hidden">{words}</span> });
    view! {
        <a class=node.class href=href aria-current=current data-node=node.name.clone()>
            {icon(node.look)}
            <span class="words"><span class="clip">{name}</span><span class="clip">{node.line.clone()}</span></span>
            {locked}{mark}
        </a>
    }
    .into_any()
}

/// A picture of what a job does, as far as its stage and name tell.
pub(super) fn look(job: &CanvasJob) -> Icon {
    match job.kind {
        CutKind::Opaque => Icon::Lock,
        _ if job.lock.is_some() => Icon::Lock,
        _ if job.disabled => Icon::Skipped,
        _ if job.manual => Icon::Waiting,
        _ => Icon::Layers,
    }
}

/// `Custom YAML · 14 lines · kept as is`, or the image.
pub(super) fn second_line(job: &CanvasJob) -> String {
    if job.disabled {
        return tr!(editor.disabled);
    }
    match job.kind {
        CutKind::Opaque => tr!(editor.opaque, n = job.lines()),
        _ => image(job).unwrap_or_default(),
    }
}

/// A `+` on every edge, behind every node, below every column.
fn pluses(graph: &Layout, href: &impl Fn(String) -> String) -> Vec<AnyView> {
    let plus = |x: i32, y: i32, query: String, word: String| {
        let link = view! { <a class="add-here" href=href(query) aria-label=word.clone() title=word>"+"</a> };
        foreign(x - PLUS / 2, y - PLUS / 2, PLUS, PLUS, link.into_any())
    };
    let mut all = Vec::new();
    for edge in &graph.edges {
        if let Some((x, y)) = middle(edge) {
            let query = format!("add=between&job={}&at={}", encode(&edge.from), encode(&edge.to));
            let word = tr!(editor.add_between, first = edge.from, second = edge.to);
            all.push(plus(x, y, query, word));
        }
    }
    for node in &graph.nodes {
        if !graph.edges.iter().any(|edge| edge.from == node.id) {
            let query = format!("add=after&job={}", encode(&node.id));
            let word = tr!(editor.add_after, job = node.id);
            all.push(plus(
                node.x + NODE_WIDTH + PLUS / 2 + 2,
                node.y + NODE_HEIGHT / 2,
                query,
                word,
            ));
        }
    }
    for column in &graph.columns {
        let lowest = graph
            .nodes
            .iter()
            .filter(|node| node.x == column.x)
            .map(below)
            .max()
            .unwrap_or(slipway_domain::pipeline::layout::HEAD + PLUS / 2);
        let query = format!("add=stage&at={}", encode(&column.stage));
        let word = tr!(editor.add_to_stage, stage = column.stage);
        all.push(plus(column.x + NODE_WIDTH / 2, lowest, query, word));
    }
    all
}

fn below(node: &PlacedNode) -> i32 {
    node.y + NODE_HEIGHT + PLUS / 2 + 2
}

/// The middle of the longest piece of an edge.
fn middle(edge: &Edge) -> Option<(i32, i32)> {
    edge.points
        .windows(2)
        .max_by_key(|pair| (pair[0].x - pair[1].x).abs() + (pair[0].y - pair[1].y).abs())
        .map(|pair| {
            (
                i32::midpoint(pair[0].x, pair[1].x),
                i32::midpoint(pair[0].y, pair[1].y),
            )
        })
}
