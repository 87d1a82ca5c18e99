//! What a page does at every key: compile, check and draw a pipeline; and what it does with a file.

use criterion::{Criterion, criterion_group, criterion_main};
use slipway_domain::pipeline::file::{Assignment, Draft, Edit, NewValue, apply, canvas, edit, import};
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

/// A file of the largest size that GitLab takes.
fn a_mebibyte() -> String {
    let mut text = String::from("stages: [build, test]\n\n");
    let mut index = 0;
    while text.len() < 1024 * 1024 - 512 {
        let job = format!(
            "# job {index}\njob-{index}:\n  stage: test\n  image: \"node:22\"\n  tags: [docker, amd64]\n  variables:\n    A: one\n  script:\n    - npm ci\n    - |\n      npm test -- --shard {index}\n      echo done\n  rules:\n    - if: $CI_COMMIT_TAG\n\n"
        );
        text.push_str(&job);
        index += 1;
    }
    text
}

fn file(criterion: &mut Criterion) {
    let text = a_mebibyte();
    criterion.bench_function("import 1 MiB", |b| b.iter(|| import(black_box(&text), false)));
    let assignment = Assignment::read(&text, "job-7.image=node:24").expect("a field");
    criterion.bench_function("change a field in 1 MiB", |b| {
        b.iter(|| edit(black_box(&text), &assignment));
    });
    criterion.bench_function("draw 1 MiB", |b| b.iter(|| canvas(black_box(&text), false)));
}

/// What the studio does at every change: a file of fifty jobs, drawn, changed, and a draft of twenty
/// changes read again.
fn studio(criterion: &mut Criterion) {
    let text: String = a_mebibyte().split_inclusive("\n\n").take(51).collect();
    criterion.bench_function("draw 50 jobs", |b| b.iter(|| canvas(black_box(&text), false)));
    let rename = Edit::RenameJob {
        job: "job-7".into(),
        to: "renamed".into(),
    };
    criterion.bench_function("rename one of 50 jobs", |b| {
        b.iter(|| apply(black_box(&text), std::slice::from_ref(&rename)));
    });
    let mut draft = Draft::default();
    for index in 0..20 {
        draft.push(Edit::Set {
            job: format!("job-{index}"),
            path: vec!["image".into()],
            value: NewValue::Text("node:24".into()),
        });
    }
    criterion.bench_function("a draft of 20 changes", |b| {
        b.iter(|| draft.text(black_box(&text)));
    });
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

criterion_group!(benches, pipeline, file, studio);
criterion_main!(benches);
