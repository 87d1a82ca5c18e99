//! `App/runs/{n}`: what happened, the jobs as a graph, and the log of one of them.

use super::api::{CancelRun, ReadRun, RetryRun};
use super::{RunPage, chosen, dag, jobs, list, log, place_fields};
use crate::design::button::{Weight, button_link, submit};
use crate::design::form::{Form, hidden};
use crate::design::lane::short_sha;
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::design::status;
use crate::design::time::{clock, duration, time};
use crate::i18n::say;
use crate::live::{Topics, refresh_without_js};
use crate::load::load;
use crate::places::{app_params, encode, param, query};
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::run::{RunStatus, RunView};

/// `App/runs/{n}`.
pub fn run_page() -> AnyView {
    let (params, number) = (app_params(), param("number"));
    let (job, from) = (query("job"), query("from"));
    let (find, nth) = (query("find"), query("nth"));
    let follow = log::Follow::new();
    load(move || {
        let (org, project, app) = params();
        ReadRun {
            org,
            project,
            app,
            number: number(),
            job: job(),
            from: from().and_then(|from| from.parse().ok()),
            find: find(),
            nth: nth().and_then(|nth| nth.parse().ok()),
        }
    })
    .watching(|page: &RunPage| {
        page.log
            .iter()
            .fold(Topics::of("run", page.run.run.id), |topics, log| {
                topics.and("log", log.job)
            })
    })
    .view(move |page| {
        show(
            &page,
            job().as_deref(),
            from().is_some() || find().is_some(),
            follow,
        )
    })
}

fn show(page: &RunPage, job: Option<&str>, pinned: bool, follow: log::Follow) -> AnyView {
    let run = &page.run;
    let job = chosen(run, job);
    let body = match (job, &page.log) {
        (Some(job), Some(window)) => view! {
            <div class="box run">
                {dag::canvas(run, job.id)}
                <div class="run-panes">
                    {jobs::list(run, job.id)}
                    {log::pane(run, job, window, pinned, follow)}
                </div>
            </div>
        }
        .into_any(),
        _ => view! { <div class="box"><EmptyState title=tr!(run.no_jobs) hint=tr!(run.no_jobs_hint)/></div> }
            .into_any(),
    };
    let live = (!run.run.status.is_final()).then(refresh_without_js);
    view! {
        {live}
        <PageHead
            title=tr!(run.title, number = run.run.number)
            mark=status::run(run.run.status, None)
            line=line(run)
            actions=actions(run)
        />
        {notes(run)}
        {body}
        <p class="small muted foot">
            {tr!(common.as_of)}" "{clock(run.as_of)}" · "
            <a class="link" href=run.web_url.clone() rel="external noreferrer">{tr!(run.in_gitlab)}</a>
        </p>
    }
    .into_any()
}

/// `Bump tokio b7710e4 on main · dev-3 · 14 min ago · 1m 02s, median 4m 18s`.
fn line(run: &RunView) -> AnyView {
    let row = &run.run;
    let median = run.median.map(|median| {
        let words = tr!(run.median, time = duration(median));
        match against(run, median) {
            Some(beside) => format!("{words} ({beside})"),
            None => words,
        }
    });
    let length = row.started_at.map(|_| {
        view! { " · "{list::took(row)}{median.map(|median| format!(", {median}"))} }
    });
    view! {
        {row.title.clone()}" "<code>{short_sha(&row.sha)}</code>" "{tr!(run.on)}" "<code>{row.git_ref.clone()}</code>
        " · "{row.author.clone()}" · "{time(row.created_at)}{length}
    }
    .into_any()
}

/// How much longer or shorter than the median a run took, where it is a tenth or more; of one that goes on nothing.
fn against(run: &RunView, median: i64) -> Option<String> {
    let took = run.run.finished_at?.since(run.run.started_at?);
    let percent = took
        .saturating_sub(median)
        .saturating_mul(100)
        .checked_div(median)?;
    match percent {
        10.. => Some(tr!(run.slower, n = percent)),
        ..=-10 => Some(tr!(run.faster, n = -percent)),
        _ => None,
    }
}

fn actions(run: &RunView) -> AnyView {
    let href = format!("{}/runs/{}/reports", run.place.path(), run.run.number);
    let reports = button_link(Weight::Quiet, href, tr!(run.reports));
    if !run.may_run {
        return reports;
    }
    let fields = || view! { {place_fields(&run.place)}{hidden("number", run.run.number.to_string())} };
    let cancel = (!run.run.status.is_final() && run.run.status != RunStatus::Canceling).then(|| {
        let fields = fields();
        view! {
            <Form action=CancelRun::PATH class="" done=tr!(run.canceling) confirm=tr!(run.cancel_confirm)>
                {fields}{submit(Weight::Danger, tr!(run.cancel))}
            </Form>
        }
    });
    let failed = run
        .jobs
        .iter()
        .any(|job| matches!(job.status, RunStatus::Failed | RunStatus::Canceled));
    let retry = failed.then(|| {
        let fields = fields();
        view! {
            <Form action=RetryRun::PATH class="" done=tr!(run.retried)>
                {fields}{submit(Weight::Primary, tr!(run.retry_failed))}
            </Form>
        }
    });
    view! { {reports}{cancel}{retry} }.into_any()
}

/// What went wrong with GitLab, and the release that the run made or should have made.
fn notes(run: &RunView) -> AnyView {
    let trouble = run.trouble.as_ref().map(|trouble| {
        view! { <p class="note warn gap-below">{say(trouble)}" "{tr!(common.as_of)}" "{clock(run.as_of)}</p> }
    });
    let release = run.release.as_ref().map(|(_, version)| {
        let href = format!("{}/releases/{}", run.place.path(), encode(version));
        view! { <p class="note gap-below">{tr!(run.made_release)}" "<a class="link strong" href=href>{version.clone()}</a></p> }
    });
    let missing = run
        .release_trouble
        .as_ref()
        .map(|why| view! { <p class="note warn gap-below">{say(why)}</p> });
    view! { {trouble}{release}{missing} }.into_any()
}
