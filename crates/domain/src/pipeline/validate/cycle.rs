//! Rings of needs.

use std::collections::{BTreeMap, BTreeSet};

use crate::pipeline::fix::Fix;
use crate::pipeline::model::Pipeline;
use crate::pipeline::problem::{Problem, ProblemCode};

/// Takes away, again and again, the jobs that wait for nobody; what remains leads into a ring.
pub(super) fn check_cycles(pipeline: &Pipeline, problems: &mut Vec<Problem>) {
    let mut open: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for job in &pipeline.jobs {
        let needs = job.needs.iter().map(|need| need.job.as_str());
        open.insert(
            &job.id,
            needs.filter(|need| pipeline.job(need).is_some()).collect(),
        );
    }
    loop {
        let done: Vec<&str> = open
            .iter()
            .filter(|(_, needs)| !needs.iter().any(|need| open.contains_key(need)))
            .map(|(id, _)| *id)
            .collect();
        if done.is_empty() {
            break;
        }
        for id in done {
            open.remove(id);
        }
    }
    let mut reported: BTreeSet<&str> = BTreeSet::new();
    while let Some(start) = open.keys().find(|id| !reported.contains(*id)).copied() {
        let mut path = vec![start];
        reported.insert(start);
        let mut at = start;
        let ring = loop {
            let next = open
                .get(at)
                .and_then(|needs| needs.iter().find(|need| open.contains_key(*need)).copied());
            let Some(next) = next else { break None };
            if let Some(begin) = path.iter().position(|id| *id == next) {
                break Some(path[begin..].to_vec());
            }
            if !reported.insert(next) {
                break None;
            }
            path.push(next);
            at = next;
        };
        if let Some(ring) = ring {
            problems.push(cycle_problem(pipeline, &ring));
        }
    }
}

fn cycle_problem(pipeline: &Pipeline, ring: &[&str]) -> Problem {
    let name = |id: &str| {
        pipeline
            .job(id)
            .map_or_else(|| id.to_owned(), |job| job.name.clone())
    };
    let mut names: Vec<String> = ring.iter().map(|id| name(id)).collect();
    names.push(name(ring[0]));
    let last = ring[ring.len() - 1];
    let fix = Fix::RemoveNeed {
        job: last.to_owned(),
        need: ring[0].to_owned(),
    };
    let code = ProblemCode::Cycle {
        path: names.join(" → "),
    };
    Problem::error(code)
        .at_job(ring[0])
        .at_field("needs")
        .with_fix(fix)
}
