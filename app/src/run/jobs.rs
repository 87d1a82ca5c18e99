//! The jobs of a run as a list by stage, which is also the graph's form on a phone.

use crate::design::status;
use crate::design::time::{duration, time};
use crate::i18n::say;
use crate::places::encode;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::id::JobId;
use slipway_domain::run::{JobRow, RunView};

/// The address of a job's log on the page of its run.
pub fn href(job: &JobRow) -> String {
    format!("?job={}", encode(&job.name))
}

/// How long a job took, or since when it runs.
pub fn took(job: &JobRow) -> Option<AnyView> {
    match (job.started_at, job.finished_at) {
        (Some(start), Some(end)) => Some(duration(end.since(start)).into_any()),
        (Some(start), None) => Some(time(start)),
        _ => None,
    }
}

/// The list; the chosen job is marked.
pub fn list(run: &RunView, chosen: JobId) -> AnyView {
    let stages = run
        .stages
        .iter()
        .filter_map(|stage| {
            let jobs: Vec<AnyView> = run
                .jobs
                .iter()
                .filter(|job| job.stage == *stage)
                .map(|job| entry(job, chosen))
                .collect();
            (!jobs.is_empty()).then(|| {
                view! { <li><p class="small muted">{stage.clone()}</p><ul>{jobs}</ul></li> }
            })
        })
        .collect_view();
    view! { <nav class="run-jobs" aria-label=tr!(run.jobs)><ul>{stages}</ul></nav> }.into_any()
}

fn entry(job: &JobRow, chosen: JobId) -> AnyView {
    let current = (job.id == chosen).then_some("true");
    let allowed = job
        .allow_failure
        .then(|| view! { <span class="small muted">{tr!(run.may_fail)}</span> });
    view! {
        <li>
            <a class="run-job" href=href(job) aria-current=current>
                <span class="run-job-name">{job.name.clone()}{allowed}</span>
                <span class="small muted">{took(job)}</span>
                {status::run(job.status, None)}
                {job.reason.as_ref().map(|reason| view! { <span class="small muted reason">{say(reason)}</span> })}
            </a>
        </li>
    }
    .into_any()
}
