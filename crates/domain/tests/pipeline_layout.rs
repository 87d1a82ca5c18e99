//! Nodes never overlap, edges never cross a node and never run backwards.

use proptest::prelude::*;
use slipway_domain::pipeline::layout::{GraphNode, Layout, NODE_HEIGHT, NODE_WIDTH, Point, layout};

const STAGES: [&str; 5] = ["build", "test", "image", "scan", "deploy"];

fn graph(most: usize) -> impl Strategy<Value = Vec<GraphNode>> {
    let node = (0..STAGES.len(), prop::collection::vec(0..most + 2, 0..5));
    prop::collection::vec(node, 0..most).prop_map(|nodes| {
        let node = |(index, (stage, needs)): (usize, (usize, Vec<usize>))| GraphNode {
            id: format!("job-{index}"),
            stage: STAGES[stage].to_owned(),
            needs: needs.into_iter().map(|need| format!("job-{need}")).collect(),
        };
        nodes.into_iter().enumerate().map(node).collect()
    })
}

fn pieces(points: &[Point]) -> impl Iterator<Item = (Point, Point)> {
    points.windows(2).map(|pair| (pair[0], pair[1]))
}

fn check(layout: &Layout, nodes: &[GraphNode]) {
    assert_eq!(layout.nodes.len(), nodes.len());
    for (index, one) in layout.nodes.iter().enumerate() {
        assert!(
            one.x >= 0 && one.x + NODE_WIDTH <= layout.width,
            "{one:?} in {}",
            layout.width
        );
        assert!(
            one.y >= 0 && one.y + NODE_HEIGHT <= layout.height,
            "{one:?} in {}",
            layout.height
        );
        for other in &layout.nodes[index + 1..] {
            let apart = (one.x - other.x).abs() >= NODE_WIDTH || (one.y - other.y).abs() >= NODE_HEIGHT;
            assert!(apart, "{one:?} overlaps {other:?}");
        }
    }
    for edge in &layout.edges {
        let (from, to) = (
            layout.node(&edge.from).expect("source"),
            layout.node(&edge.to).expect("target"),
        );
        assert!(from.column <= to.column, "{edge:?} runs backwards");
        let (first, last) = (edge.points[0], edge.points[edge.points.len() - 1]);
        assert_eq!(
            first,
            Point {
                x: from.x + NODE_WIDTH,
                y: from.y + NODE_HEIGHT / 2
            }
        );
        let side = if from.column == to.column {
            to.x + NODE_WIDTH
        } else {
            to.x
        };
        assert_eq!(
            last,
            Point {
                x: side,
                y: to.y + NODE_HEIGHT / 2
            }
        );
        for (a, b) in pieces(&edge.points) {
            assert!(
                (a.x == b.x) != (a.y == b.y),
                "{edge:?} has a slanted or empty piece"
            );
            assert!(from.column == to.column || a.x <= b.x, "{edge:?} turns back");
            assert!(
                a.x.max(b.x) <= layout.width && a.y.max(b.y) <= layout.height,
                "{edge:?} leaves the picture"
            );
            for node in &layout.nodes {
                let inside_x = a.x.max(b.x) > node.x && a.x.min(b.x) < node.x + NODE_WIDTH;
                let inside_y = a.y.max(b.y) > node.y && a.y.min(b.y) < node.y + NODE_HEIGHT;
                assert!(!(inside_x && inside_y), "{edge:?} runs through {node:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn every_graph_is_drawn_cleanly(nodes in graph(24)) {
        let drawn = layout(&STAGES, &nodes);
        check(&drawn, &nodes);
        prop_assert_eq!(&drawn, &layout(&STAGES, &nodes));
        prop_assert_eq!(drawn.columns.len(), STAGES.len());
    }

    #[test]
    fn every_need_of_an_earlier_or_the_same_stage_has_its_edge(nodes in graph(16)) {
        let drawn = layout(&STAGES, &nodes);
        let place = |id: &str| nodes.iter().position(|node| node.id == id);
        let column = |index: usize| STAGES.iter().position(|stage| *stage == nodes[index].stage);
        for (to, node) in nodes.iter().enumerate() {
            for need in &node.needs {
                let wanted = place(need).is_some_and(|from| from != to && column(from) <= column(to));
                let count = drawn.edges.iter().filter(|edge| edge.from == *need && edge.to == node.id).count();
                prop_assert_eq!(count, usize::from(wanted));
            }
        }
    }
}

#[test]
fn stages_that_are_not_listed_come_last() {
    let node = |id: &str, stage: &str| GraphNode {
        id: id.into(),
        stage: stage.into(),
        needs: Vec::new(),
    };
    let drawn = layout(&["test"], &[node("a", "extra"), node("b", "test")]);
    let names: Vec<&str> = drawn.columns.iter().map(|column| column.stage.as_str()).collect();
    assert_eq!(names, ["test", "extra"]);
    assert!(layout(&[], &[]).nodes.is_empty());
}

#[test]
fn a_hundred_jobs_are_placed() {
    let nodes: Vec<GraphNode> = (0..100)
        .map(|index| GraphNode {
            id: format!("job-{index}"),
            stage: STAGES[index / 20].to_owned(),
            needs: (0..index / 20 * 20)
                .step_by(7)
                .map(|need| format!("job-{need}"))
                .collect(),
        })
        .collect();
    check(&layout(&STAGES, &nodes), &nodes);
}
