//! Places for a graph of jobs: stages are columns, edges run in the gaps between nodes. Pure and
//! deterministic; the canvas and the page of a run both draw it.

mod route;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::model::Pipeline;

/// Width of a node, in CSS pixels like everything here.
pub const NODE_WIDTH: i32 = 208;
/// Height of a node.
pub const NODE_HEIGHT: i32 = 48;
/// Free space around everything.
pub const MARGIN: i32 = 16;
/// Space above the first row, for the names of the stages.
pub const HEAD: i32 = 40;

/// A job to place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphNode {
    /// Its id, or its name where there is no id.
    pub id: String,
    /// Its stage.
    pub stage: String,
    /// Ids of the jobs it waits for.
    pub needs: Vec<String>,
}

/// Everything placed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Layout {
    /// Width of the whole.
    pub width: i32,
    /// Height of the whole.
    pub height: i32,
    /// The stages, left to right.
    pub columns: Vec<Column>,
    /// The jobs, column by column, top to bottom.
    pub nodes: Vec<PlacedNode>,
    /// The needs, in the order of the jobs given.
    pub edges: Vec<Edge>,
}

impl Layout {
    /// The node of this id.
    pub fn node(&self, id: &str) -> Option<&PlacedNode> {
        self.nodes.iter().find(|node| node.id == id)
    }
}

/// A stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub stage: String,
    /// Its left edge; it is [`NODE_WIDTH`] wide.
    pub x: i32,
}

/// A job with its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedNode {
    /// Its id.
    pub id: String,
    /// Its column, from 0.
    pub column: usize,
    /// Its row, from 0.
    pub row: usize,
    /// Left edge.
    pub x: i32,
    /// Top edge.
    pub y: i32,
}

/// A need, drawn from the job that is done first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// The job that is done first.
    pub from: String,
    /// The job that waits.
    pub to: String,
    /// Corners of a line of horizontal and vertical pieces; first and last touch the nodes.
    pub points: Vec<Point>,
}

/// A place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Point {
    /// From the left.
    pub x: i32,
    /// From the top.
    pub y: i32,
}

/// Places the jobs of a pipeline.
pub fn layout_pipeline(pipeline: &Pipeline) -> Layout {
    let stages: Vec<&str> = pipeline.stages.iter().map(|stage| stage.name.as_str()).collect();
    let nodes: Vec<GraphNode> = pipeline
        .jobs
        .iter()
        .map(|job| GraphNode {
            id: job.id.clone(),
            stage: job.stage.clone(),
            needs: job.needs.iter().map(|need| need.job.clone()).collect(),
        })
        .collect();
    layout(&stages, &nodes)
}

/// Places any graph of jobs. Stages that are not listed come last, in the order they are met; stages
/// without jobs keep their column. Needs of unknown jobs and of jobs of later stages have no edge, nor
/// has a second need of the same job: [`validate`](super::validate()) speaks of them. Of several nodes
/// with one id, needs mean the first.
pub fn layout(stages: &[&str], nodes: &[GraphNode]) -> Layout {
    let mut names: Vec<&str> = Vec::new();
    for name in stages
        .iter()
        .copied()
        .chain(nodes.iter().map(|node| node.stage.as_str()))
    {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let column_of: Vec<usize> = nodes
        .iter()
        .map(|node| names.iter().position(|name| *name == node.stage).unwrap_or(0))
        .collect();
    let mut index_of: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        index_of.entry(&node.id).or_insert(index);
    }
    let mut links: Vec<(usize, usize)> = Vec::new();
    for (to, node) in nodes.iter().enumerate() {
        for need in &node.needs {
            let Some(&from) = index_of.get(need.as_str()) else {
                continue;
            };
            if from != to && column_of[from] <= column_of[to] && !links.contains(&(from, to)) {
                links.push((from, to));
            }
        }
    }
    let rows = order_rows(names.len(), &column_of, &links);
    let grid = route::Grid {
        columns: names.len(),
        column_of: &column_of,
        rows: &rows,
        links: &links,
    };
    route::draw(&grid, &names, nodes)
}

/// The row of each node. Nodes stand near the middle of what they need; those that need nothing keep
/// the order they came in.
fn order_rows(columns: usize, column_of: &[usize], links: &[(usize, usize)]) -> Vec<usize> {
    let mut needs: Vec<Vec<usize>> = vec![Vec::new(); column_of.len()];
    for (from, to) in links {
        if column_of[*from] < column_of[*to] {
            needs[*to].push(*from);
        }
    }
    let mut rows = vec![0; column_of.len()];
    for column in 0..columns {
        let mut members: Vec<usize> = (0..column_of.len())
            .filter(|node| column_of[*node] == column)
            .collect();
        let weights: BTreeMap<usize, usize> = members
            .iter()
            .enumerate()
            .map(|(place, node)| {
                let needed = &needs[*node];
                // In thousandths of a row, so that the order does not hang on rounding.
                let sum: usize = needed.iter().map(|one| rows[*one] * 1000).sum();
                (
                    *node,
                    if needed.is_empty() {
                        place * 1000
                    } else {
                        sum / needed.len()
                    },
                )
            })
            .collect();
        members.sort_by_key(|node| (weights[node], *node));
        for (row, node) in members.into_iter().enumerate() {
            rows[node] = row;
        }
    }
    rows
}
