//! The jobs of a run as a graph: HTML nodes over SVG edges that say nothing to a screen reader. Places are
//! attributes of SVG, since the page's policy allows no inline styles.

use super::jobs::{href, took};
use crate::design::status::run_icon;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::id::JobId;
use slipway_domain::pipeline::layout::{Edge, GraphNode, NODE_HEIGHT, NODE_WIDTH, PlacedNode, layout};
use slipway_domain::run::{JobRow, RunView};
use std::fmt::Write;

/// Beyond it the list by stage is easier to read.
const MOST_NODES: usize = 60;

/// The graph; nothing for a run of too many jobs, or of one.
pub fn canvas(run: &RunView, chosen: JobId) -> AnyView {
    if run.jobs.len() < 2 || run.jobs.len() > MOST_NODES {
        return ().into_any();
    }
    let stages: Vec<&str> = run.stages.iter().map(String::as_str).collect();
    let nodes: Vec<GraphNode> = run
        .jobs
        .iter()
        .map(|job| GraphNode {
            id: job.name.clone(),
            stage: job.stage.clone(),
            needs: job.needs.clone(),
        })
        .collect();
    let placed = layout(&stages, &nodes);
    let edges = placed
        .edges
        .iter()
        .map(|edge| view! { <path d=path(edge)></path> })
        .collect::<Vec<_>>();
    let heads = placed
        .columns
        .iter()
        .map(|column| view! { <text x=column.x y="26">{column.stage.clone()}</text> })
        .collect::<Vec<_>>();
    let nodes = placed
        .nodes
        .iter()
        .filter_map(|node| Some((node, run.jobs.iter().find(|job| job.name == node.id)?)))
        .map(|(place, job)| foreign(place, node(job, chosen)))
        .collect::<Vec<_>>();
    view! {
        <div class="canvas dag" tabindex="0" role="group" aria-label=tr!(run.graph)>
            <svg width=placed.width height=placed.height viewBox=format!("0 0 {} {}", placed.width, placed.height)>
                <g aria-hidden="true">{heads}{edges}</g>
                {nodes}
            </svg>
        </div>
    }
    .into_any()
}

fn path(edge: &Edge) -> String {
    let mut path = String::new();
    for (index, point) in edge.points.iter().enumerate() {
        let _ = write!(
            path,
            "{}{} {}",
            if index == 0 { 'M' } else { 'L' },
            point.x,
            point.y
        );
    }
    path
}

fn foreign(place: &PlacedNode, inside: AnyView) -> AnyView {
    // A margin, so that the ring of the focus is not cut off.
    view! {
        <foreignObject x=place.x - 4 y=place.y - 4 width=NODE_WIDTH + 8 height=NODE_HEIGHT + 8>{inside}</foreignObject>
    }
    .into_any()
}

fn node(job: &JobRow, chosen: JobId) -> AnyView {
    let current = (job.id == chosen).then_some("true");
    view! {
        <a class="dag-node" href=href(job) aria-current=current>
            {run_icon(job.status)}
            <span class="clip">{job.name.clone()}</span>
            <span class="small muted nowrap">{took(job)}</span>
        </a>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use slipway_domain::pipeline::layout::Point;

    #[test]
    fn an_edge_is_one_line_through_its_corners() {
        let points = vec![Point { x: 1, y: 2 }, Point { x: 5, y: 2 }, Point { x: 5, y: 9 }];
        let edge = Edge {
            from: String::from("a"),
            to: String::from("b"),
            points,
        };
        assert_eq!(path(&edge), "M1 2L5 2L5 9");
    }
}
