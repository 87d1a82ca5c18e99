//! Iterations: their list, the page of one with its charts, and the backlog.

pub mod api;
mod backlog;
mod report;
mod show;

pub use backlog::backlog_page;
pub use report::report_page;
pub use show::iteration_page;

use self::api::{PlanIteration, ReadIterations};
use crate::board::parts::day_field;
use crate::design::button::{Weight, submit};
use crate::design::field::Field;
use crate::design::flash::Flash;
use crate::design::form::{Form, place_fields};
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::design::status::{Status, pill};
use crate::design::table::{row, table};
use crate::design::tabs::{Tab, tabs};
use crate::design::time::day;
use crate::i18n::say;
use crate::live::{Topics, refresh_without_js};
use crate::load::load;
use crate::places::param;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::iteration::{IterationLine, IterationList, IterationState};
use slipway_domain::project::Place;

/// The pages about the project's work.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum WorkTab {
    /// `P/board`
    Board,
    /// `P/backlog`
    Backlog,
    /// `P/iterations`
    Iterations,
    /// `P/table`
    Table,
    /// `P/roadmap`
    Roadmap,
}

/// The tabs of the pages about the project's work.
pub fn work_tabs(place: &Place, here: WorkTab) -> AnyView {
    let base = place.path();
    let all = [
        (WorkTab::Board, tr!(iteration.board), "board"),
        (WorkTab::Backlog, tr!(iteration.backlog), "backlog"),
        (WorkTab::Table, tr!(table.title), "table"),
        (WorkTab::Iterations, tr!(iteration.iterations), "iterations"),
        (WorkTab::Roadmap, tr!(roadmap.title), "roadmap"),
    ];
    let all = all.into_iter().map(|(tab, word, path)| Tab {
        word,
        href: format!("{base}/{path}"),
        current: tab == here,
    });
    tabs(tr!(iteration.tabs), all.collect())
}

/// What makes the pages of a project's iterations stale.
fn topics(place: &Place) -> Topics {
    place.project.iter().fold(Topics::default(), |topics, project| {
        topics.and("board", project.id)
    })
}

/// Where an iteration stands.
fn state(state: IterationState) -> AnyView {
    let look = match state {
        IterationState::Planned => Status::Queued,
        IterationState::Running => Status::Running,
        IterationState::Closed => Status::Success,
    };
    pill(look, say(&state.text()))
}

/// `3 of 9 points, 1 of 3 items`.
fn progress(line: &IterationLine) -> String {
    tr!(
        iteration.progress,
        done = line.done.points,
        all = line.scope.points,
        items = line.done.items,
        of = line.scope.items
    )
}

/// `17 Nov – 28 Nov`.
fn dates(line: &IterationLine) -> String {
    format!(
        "{} – {}",
        day(&line.iteration.starts_on),
        day(&line.iteration.ends_on)
    )
}

/// `P/iterations`.
pub fn iterations_page() -> AnyView {
    let (org, project) = (param("org"), param("project"));
    load(move || ReadIterations {
        org: org(),
        project: project(),
    })
    .watching(|list: &IterationList| topics(&list.place))
    .view(|list| show_list(&list))
}

fn show_list(list: &IterationList) -> AnyView {
    let base = list.place.path();
    let body = if list.iterations.is_empty() {
        view! { <EmptyState title=tr!(iteration.list_empty) hint=tr!(iteration.list_empty_hint)/> }.into_any()
    } else {
        let heads = [
            tr!(iteration.iteration),
            tr!(iteration.state),
            tr!(iteration.when),
            tr!(iteration.done),
        ];
        let rows = list.iterations.iter().map(|line| {
            let one = &line.iteration;
            let name = view! { <a class="link" href=format!("{base}/iterations/{}", one.number)>{one.name.clone()}</a> };
            row(
                name.into_any(),
                vec![
                    (tr!(iteration.state), state(line.state)),
                    (tr!(iteration.when), dates(line).into_any()),
                    (tr!(iteration.done), progress(line).into_any()),
                ],
            )
        });
        table(
            tr!(iteration.iterations),
            heads.into_iter().map(IntoAny::into_any).collect(),
            rows.collect(),
        )
    };
    let plan = list.may_plan.then(|| plan_form(&list.place));
    view! {
        {refresh_without_js()}
        <PageHead title=tr!(iteration.iterations)/>
        {work_tabs(&list.place, WorkTab::Iterations)}
        {plan}
        <div class="box">{body}</div>
    }
    .into_any()
}

fn plan_form(place: &Place) -> AnyView {
    let hidden = place_fields(place);
    let fields = move || {
        view! {
            {hidden}
            <Field name="name" label=tr!(iteration.name) required=true/>
            <Field name="goal" label=tr!(iteration.goal)/>
            {day_field("starts_on", tr!(iteration.starts_on))}
            {day_field("ends_on", tr!(iteration.ends_on))}
            {submit(Weight::Plain, tr!(iteration.plan_it))}
        }
    };
    let open = Flash::of(PlanIteration::PATH).is_some();
    view! {
        <details class="box gap-below" open=open>
            <summary class="box-head">{tr!(iteration.plan)}</summary>
            <Form action=PlanIteration::PATH class="form-row box-body-row" done=tr!(iteration.planned_now)>{fields()}</Form>
        </details>
    }
    .into_any()
}
