//! Rows are the same in all columns, so the lanes between rows and the channels between columns are
//! free of nodes. Edges run only there; each gets its own track, and edges that leave the same node
//! share theirs. Lanes and channels grow with their tracks.

use std::collections::BTreeMap;

use super::{Column, Edge, GraphNode, HEAD, Layout, MARGIN, NODE_HEIGHT, NODE_WIDTH, PlacedNode, Point};

const CHANNEL: i32 = 64;
const LANE: i32 = 24;
const TRACK: i32 = 8;

/// What is to be drawn, by index.
pub(super) struct Grid<'a> {
    pub columns: usize,
    pub column_of: &'a [usize],
    pub rows: &'a [usize],
    pub links: &'a [(usize, usize)],
}

/// How an edge gets across the columns between its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Through the channel after its source.
    Near,
    /// Along the source's row.
    SourceRow,
    /// Along the target's row.
    TargetRow,
    /// Along a lane; lane `n` lies above row `n`.
    Lane(usize),
}

/// Tracks of a channel or a lane: who shares one has the same key.
type Tracks = BTreeMap<(bool, usize), usize>;

fn take(tracks: &mut Tracks, key: (bool, usize)) {
    let next = tracks.len();
    tracks.entry(key).or_insert(next);
}

/// The place of a track inside of a gap.
fn offset(tracks: &Tracks, key: (bool, usize), gap: i32) -> i32 {
    let place = tracks.get(&key).copied().unwrap_or(0);
    gap * small(place + 1) / small(tracks.len() + 1)
}

fn small(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn gap(least: i32, tracks: &Tracks) -> i32 {
    least.max(small(tracks.len() + 1).saturating_mul(TRACK))
}

/// In a channel, tracks belong to the source of an edge that leaves, and to the target of one that
/// arrives from afar.
const LEAVES: bool = true;
const ARRIVES: bool = false;

struct Plan {
    ways: Vec<Way>,
    channels: Vec<Tracks>,
    lanes: Vec<Tracks>,
}

fn plan(grid: &Grid<'_>) -> Plan {
    let mut heights = vec![0; grid.columns];
    for column in grid.column_of {
        heights[*column] += 1;
    }
    let most = heights.iter().copied().max().unwrap_or(0);
    let mut plan = Plan {
        ways: Vec::new(),
        channels: vec![Tracks::new(); grid.columns],
        lanes: vec![Tracks::new(); most + 1],
    };
    for (from, to) in grid.links.iter().copied() {
        let (start, end) = (grid.column_of[from], grid.column_of[to]);
        let (row, target) = (grid.rows[from], grid.rows[to]);
        let between = heights.get(start + 1..end).unwrap_or_default();
        let way = if end <= start + 1 {
            Way::Near
        } else if between.iter().all(|height| *height <= row) {
            Way::SourceRow
        } else if between.iter().all(|height| *height <= target) {
            Way::TargetRow
        } else {
            Way::Lane(if target >= row { target } else { target + 1 })
        };
        if way != Way::SourceRow {
            take(&mut plan.channels[start], (LEAVES, from));
        }
        if matches!(way, Way::SourceRow | Way::Lane(_)) {
            take(&mut plan.channels[end - 1], (ARRIVES, to));
        }
        if let Way::Lane(lane) = way {
            take(&mut plan.lanes[lane], (LEAVES, from));
        }
        plan.ways.push(way);
    }
    plan
}

/// Draws nodes and edges.
pub(super) fn draw(grid: &Grid<'_>, names: &[&str], nodes: &[GraphNode]) -> Layout {
    let plan = plan(grid);
    let mut lefts = Vec::new();
    let mut x = MARGIN;
    for channel in &plan.channels {
        lefts.push(x);
        x += NODE_WIDTH + gap(CHANNEL, channel);
    }
    let mut tops = Vec::new();
    let mut lane_tops = Vec::new();
    let mut y = MARGIN + HEAD;
    for lane in &plan.lanes {
        lane_tops.push(y);
        y += gap(LANE, lane);
        tops.push(y);
        y += NODE_HEIGHT;
    }
    let height = y - NODE_HEIGHT + MARGIN;
    let last_is_used = plan.channels.last().is_some_and(|tracks| !tracks.is_empty());
    let last_gap = plan.channels.last().map_or(0, |tracks| gap(CHANNEL, tracks));
    let width = if last_is_used {
        x + MARGIN
    } else {
        x - last_gap + MARGIN
    };

    let middle = |node: usize| tops[grid.rows[node]] + NODE_HEIGHT / 2;
    let right = |node: usize| lefts[grid.column_of[node]] + NODE_WIDTH;
    let track = |channel: usize, key: (bool, usize)| {
        let tracks = &plan.channels[channel];
        lefts[channel] + NODE_WIDTH + offset(tracks, key, gap(CHANNEL, tracks))
    };
    let mut edges = Vec::new();
    for ((from, to), way) in grid.links.iter().copied().zip(&plan.ways) {
        let (start, end) = (grid.column_of[from], grid.column_of[to]);
        let (source_y, target_y) = (middle(from), middle(to));
        let out = || track(start, (LEAVES, from));
        let mut corners = vec![(right(from), source_y)];
        match *way {
            Way::Near | Way::TargetRow => corners.extend([(out(), source_y), (out(), target_y)]),
            Way::SourceRow => {
                let x = track(end - 1, (ARRIVES, to));
                corners.extend([(x, source_y), (x, target_y)]);
            }
            Way::Lane(lane) => {
                let tracks = &plan.lanes[lane];
                let y = lane_tops[lane] + offset(tracks, (LEAVES, from), gap(LANE, tracks));
                let x = track(end - 1, (ARRIVES, to));
                corners.extend([(out(), source_y), (out(), y), (x, y), (x, target_y)]);
            }
        }
        // Within a column the edge comes back to the side it left from.
        corners.push((if start == end { right(to) } else { lefts[end] }, target_y));
        edges.push(Edge {
            from: nodes[from].id.clone(),
            to: nodes[to].id.clone(),
            points: tidy(&corners),
        });
    }
    let mut placed: Vec<PlacedNode> = nodes
        .iter()
        .enumerate()
        .map(|(index, node)| {
            let (column, row) = (grid.column_of[index], grid.rows[index]);
            PlacedNode {
                id: node.id.clone(),
                column,
                row,
                x: lefts[column],
                y: tops[row],
            }
        })
        .collect();
    placed.sort_by_key(|node| (node.column, node.row));
    let columns = names.iter().zip(&lefts).map(|(name, x)| Column {
        stage: (*name).to_owned(),
        x: *x,
    });
    Layout {
        width,
        height,
        columns: columns.collect(),
        nodes: placed,
        edges,
    }
}

/// Leaves out corners that are none.
fn tidy(corners: &[(i32, i32)]) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    for (x, y) in corners.iter().copied() {
        let point = Point { x, y };
        if points.last() == Some(&point) {
            continue;
        }
        if let [.., before, last] = points.as_slice()
            && ((before.x == last.x && last.x == x) || (before.y == last.y && last.y == y))
        {
            points.pop();
        }
        points.push(point);
    }
    points
}
