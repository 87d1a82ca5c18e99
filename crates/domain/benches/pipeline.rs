//! What a page does at every key: compile, check and draw a pipeline.

use criterion::{Criterion, criterion_group, criterion_main};
use slipway_domain::pipeline::layout::{GraphNode, layout};
use slipway_domain::pipeline::{Job, Pipeline, Stage, Step, compile, validate};
use std::hint::black_box;

fn two_hundred_jobs() -> Pipeline {
    let jobs = (0..200).map(|index| Job {
        id: format!("job-{index}"),
        name: format!("job-{index}"),
        stage: String::from("test"),
        steps: vec![Step {
            id: String::from("s1"),
            step_type: String::from(if index == 0 { "image@1" } else { "node-test@1" }),
            params: [].into(),
        }],
        ..Job::default()
    });
    Pipeline {
        stages: vec![Stage::new("test")],
        jobs: jobs.collect(),
        ..Pipeline::default()
    }
}

fn a_hundred_nodes(stages: &[&str]) -> Vec<GraphNode> {
    let node = |index: usize| GraphNode {
        id: format!("job-{index}"),
        stage: stages[index / 20].to_owned(),
        needs: (0..index / 20 * 20)
            .step_by(7)
            .map(|need| format!("job-{need}"))
            .collect(),
    };
    (0..100).map(node).collect()
}

fn pipeline(criterion: &mut Criterion) {
    let jobs = two_hundred_jobs();
    criterion.bench_function("compile 200 jobs", |b| b.iter(|| compile(black_box(&jobs))));
    criterion.bench_function("validate 200 jobs", |b| b.iter(|| validate(black_box(&jobs))));
    let stages = ["build", "test", "image", "scan", "deploy"];
    let nodes = a_hundred_nodes(&stages);
    criterion.bench_function("lay out 100 jobs", |b| {
        b.iter(|| layout(black_box(&stages), black_box(&nodes)));
    });
}

criterion_group!(benches, pipeline);
criterion_main!(benches);
