//! `App/pipelines`: the runs of an app.

use super::api::{ReadRuns, StartRun};
use super::place_fields;
use crate::application::parts::app_head;
use crate::design::button::{Weight, button_link, submit};
use crate::design::field::Field;
use crate::design::flash::Flash;
use crate::design::form::Form;
use crate::design::lane::short_sha;
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::design::status;
use crate::design::table::{row, table};
use crate::design::time::{clock, duration, time};
use crate::i18n::say;
use crate::live::{Topics, refresh_without_js};
use crate::load::load;
use crate::places::{app_params, encode, query};
use crate::promotion::parts::title_of;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::run::{RunList, RunRow};

/// `App/pipelines`.
pub fn runs_page() -> AnyView {
    let params = app_params();
    let (before, status, git_ref) = (query("before"), query("status"), query("ref"));
    load(move || {
        let (org, project, app) = params();
        let before = before().and_then(|before| before.parse().ok());
        ReadRuns {
            org,
            project,
            app,
            before,
        }
    })
    .watching(|list: &RunList| {
        list.place
            .app
            .iter()
            .fold(Topics::default(), |topics, app| topics.and("app", app.id))
    })
    .view(move |list| {
        show(
            &list,
            &Filter {
                status: status().unwrap_or_default(),
                git_ref: git_ref().unwrap_or_default(),
            },
        )
    })
}

/// The filter of the address. It picks from the page of runs that the server sent.
#[derive(Clone, Default)]
struct Filter {
    status: String,
    git_ref: String,
}

impl Filter {
    fn href(&self, before: Option<i64>) -> String {
        let mut parts = Vec::new();
        if !self.status.is_empty() {
            parts.push(format!("status={}", encode(&self.status)));
        }
        if !self.git_ref.is_empty() {
            parts.push(format!("ref={}", encode(&self.git_ref)));
        }
        parts.extend(before.map(|before| format!("before={before}")));
        format!("?{}", parts.join("&"))
    }

    fn takes(&self, run: &RunRow) -> bool {
        let status = match self.status.as_str() {
            "" => true,
            "running" => !run.status.is_final(),
            status => run.status.key() == status,
        };
        status && (self.git_ref.is_empty() || run.git_ref == self.git_ref)
    }

    fn is_empty(&self) -> bool {
        self.status.is_empty() && self.git_ref.is_empty()
    }
}

fn show(list: &RunList, filter: &Filter) -> AnyView {
    let base = list.place.path();
    let runs: Vec<&RunRow> = list.runs.iter().filter(|run| filter.takes(run)).collect();
    let body = if runs.is_empty() {
        nothing(list, &base, filter)
    } else {
        let heads = [
            tr!(run.run),
            tr!(run.status),
            tr!(run.commit),
            tr!(run.git_ref),
            tr!(run.by),
            tr!(run.took),
            tr!(run.made),
        ];
        let rows = runs.into_iter().map(|run| run_row(&base, filter, run)).collect();
        table(
            tr!(common.nav_pipelines),
            heads.into_iter().map(IntoAny::into_any).collect(),
            rows,
        )
    };
    let older = list.older_than.map(|older| {
        view! { <p class="foot"><a class="btn" href=filter.href(Some(older))>{tr!(run.older)}</a></p> }
    });
    let filters = (!list.runs.is_empty() || !filter.is_empty()).then(|| filters(filter));
    view! {
        {refresh_without_js()}
        <PageHead title=title_of(&list.place) actions=actions(list, &base)/>
        {app_head(&list.place, "pipelines")}
        {list.trouble.as_ref().map(|trouble| view! { <p class="note warn gap-below">{say(trouble)}</p> })}
        {filters}
        <div class="box">{body}</div>
        {older}
        {list.as_of.map(|at| view! { <p class="small muted foot">{tr!(common.as_of)}" "{clock(at)}" · "{tr!(common.updates_live)}</p> })}
    }
    .into_any()
}

fn actions(list: &RunList, base: &str) -> AnyView {
    let edit = (list.connected && list.may_edit).then(|| {
        if list.runs.is_empty() {
            let href = format!("{base}/pipelines/new");
            button_link(Weight::Primary, href, tr!(run.create_pipeline))
        } else {
            let href = format!("{base}/pipelines/edit");
            button_link(Weight::Plain, href, tr!(run.change_pipeline))
        }
    });
    let run = (list.connected && list.may_run && !list.runs.is_empty()).then(|| run_form(list));
    let schedules = list
        .connected
        .then(|| button_link(Weight::Quiet, format!("{base}/schedules"), tr!(run.schedules)));
    view! { {schedules}{edit}{run} }.into_any()
}

/// Runs a pipeline on a branch or tag; the newest run's stands there already.
fn run_form(list: &RunList) -> AnyView {
    let git_ref = list
        .runs
        .first()
        .map(|run| run.git_ref.clone())
        .unwrap_or_default();
    let place = place_fields(&list.place);
    let fields = move || {
        view! {
        {place}
        <Field name="ref" label=tr!(run.run_on) value=git_ref required=true/>
        {submit(Weight::Primary, tr!(run.start))}
        }
    };
    let with_inputs = format!("{}/runs/new", list.place.path());
    let open = Flash::of(StartRun::PATH).is_some();
    view! {
        <details class="menu" open=open>
            <summary class="btn primary">{tr!(run.run_pipeline)}</summary>
            <div class="menu-panel">
                <Form action=StartRun::PATH>{fields()}</Form>
                <p><a class="link" href=with_inputs>{tr!(run.with_inputs)}</a></p>
            </div>
        </details>
    }
    .into_any()
}

/// The statuses one filters by.
fn filters(filter: &Filter) -> AnyView {
    let words = [
        ("", tr!(run.all)),
        ("running", tr!(common.run_running)),
        ("success", tr!(common.run_passed)),
        ("failed", tr!(common.run_failed)),
        ("canceled", tr!(common.run_canceled)),
        ("manual", tr!(common.run_manual)),
    ];
    let links = words
        .into_iter()
        .map(|(status, word)| {
            let other = Filter {
                status: status.to_owned(),
                ..filter.clone()
            };
            let current = (filter.status == status).then_some("true");
            view! { <a class="btn small" href=other.href(None) aria-current=current>{word}</a> }
        })
        .collect_view();
    let git_ref = (!filter.git_ref.is_empty()).then(|| {
        let without = Filter { git_ref: String::new(), ..filter.clone() };
        view! { <a class="btn small" aria-current="true" href=without.href(None)><code>{filter.git_ref.clone()}</code>" ×"</a> }
    });
    view! { <nav class="row wrap gap-below" aria-label=tr!(run.filter)>{links}{git_ref}</nav> }.into_any()
}

fn nothing(list: &RunList, base: &str, filter: &Filter) -> AnyView {
    if !list.connected {
        let action = button_link(Weight::Primary, base.to_owned(), tr!(run.connect));
        return view! { <EmptyState title=tr!(run.not_connected) hint=tr!(run.not_connected_hint) action/> }
            .into_any();
    }
    if !filter.is_empty() {
        return view! { <EmptyState title=tr!(run.none_match) hint=tr!(run.none_match_hint)/> }.into_any();
    }
    let action = if list.may_edit {
        button_link(
            Weight::Primary,
            format!("{base}/pipelines/new"),
            tr!(run.create_pipeline),
        )
    } else {
        ().into_any()
    };
    view! { <EmptyState title=tr!(run.none) hint=tr!(run.none_hint) action/> }.into_any()
}

/// How long a run took, or when it started.
pub(super) fn took(run: &RunRow) -> AnyView {
    match (run.started_at, run.finished_at) {
        (Some(start), Some(end)) => duration(end.since(start)).into_any(),
        (Some(start), None) => time(start),
        _ => "–".into_any(),
    }
}

fn run_row(base: &str, filter: &Filter, run: &RunRow) -> AnyView {
    let name =
        view! { <a class="mono strong" href=format!("{base}/runs/{}", run.number)>"#"{run.number}</a> }
            .into_any();
    let commit =
        view! { <span>{run.title.clone()}" "<code class="muted">{short_sha(&run.sha)}</code></span> };
    let only = Filter {
        git_ref: run.git_ref.clone(),
        ..filter.clone()
    };
    let git_ref = view! { <a href=only.href(None)><code>{run.git_ref.clone()}</code></a> };
    row(
        name,
        vec![
            (
                tr!(run.status),
                status::run(run.status, run.failed_job.as_deref()),
            ),
            (tr!(run.commit), commit.into_any()),
            (tr!(run.git_ref), git_ref.into_any()),
            (tr!(run.by), run.author.clone().into_any()),
            (
                tr!(run.took),
                view! { <span class="muted nowrap">{took(run)}</span> }.into_any(),
            ),
            (
                tr!(run.made),
                view! { <span class="muted nowrap">{time(run.created_at)}</span> }.into_any(),
            ),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_keeps_both_of_its_parts_in_the_address() {
        let filter = Filter {
            status: String::from("failed"),
            git_ref: String::from("feat/a b"),
        };
        assert_eq!(filter.href(Some(7)), "?status=failed&ref=feat%2Fa%20b&before=7");
        assert_eq!(Filter::default().href(None), "?");
    }
}
