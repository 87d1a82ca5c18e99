//! The board of the iteration that runs, the bug list, and the pages of work items.

pub mod api;
mod card;
mod edit;
pub mod file;
mod history;
mod item;
mod moves;
mod order;
pub mod parts;
mod talk;

pub use edit::edit_item_page;
pub use item::{item_page, new_item_page};

use crate::design::button::{Weight, button_link, submit};
use crate::design::field::Field;
use crate::design::flash::Flash;
use crate::design::form::{Form, hidden};
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::design::table::{row, table};
use crate::design::time::{day, time};
use crate::iteration::{WorkTab, work_tabs};
use crate::live::{Topics, refresh_without_js};
use crate::load::load;
use crate::places::{param, query};
use crate::tr;
use leptos::prelude::*;
use moves::Moves;
use server_fn::ServerFn;
use slipway_domain::id::{TypedId, UserId};
use slipway_domain::item::{BoardFilter, BoardView, BugList, BugRow, ItemKind, ItemState, IterationRef};
use slipway_domain::person::PersonRef;
use slipway_domain::project::Place;

/// The number in a key such as `CHK-12`; a bare number is one as well.
pub(crate) fn number_of(key: &str) -> Option<i64> {
    key.rsplit('-').next().and_then(|number| number.parse().ok())
}

/// What makes the pages of a project's items stale.
fn topics(place: &Place) -> Topics {
    place.project.iter().fold(Topics::default(), |topics, project| {
        topics.and("board", project.id)
    })
}

/// `P/board`.
pub fn board_page() -> AnyView {
    let (org, project) = (param("org"), param("project"));
    let (kind, assignee, label, words) = (query("kind"), query("assignee"), query("label"), query("words"));
    let board = load(move || api::ReadBoard {
        org: org(),
        project: project(),
        kind: kind().and_then(|kind| ItemKind::from_key(&kind)),
        assignee: assignee().and_then(|id| id.parse().ok()).map(UserId::from_uuid),
        label: label(),
        words: words(),
    });
    let moves = Moves::new(org, project, board.redraw());
    board
        .watching(|board: &BoardView| topics(&board.place))
        .view(move |board| show(board, moves))
}

fn show(board: BoardView, moves: Moves) -> AnyView {
    let base = board.place.path();
    let title = board
        .iteration
        .as_ref()
        .map_or_else(|| tr!(common.nav_board), |iteration| iteration.name.clone());
    let line = board.iteration.as_ref().map_or_else(
        || tr!(board.no_iteration).into_any(),
        |iteration| iteration_line(iteration, board.points),
    );
    let new_item = board
        .may_create
        .then(|| button_link(Weight::Primary, format!("{base}/items/new"), tr!(board.new_item)));
    let plan = (board.iteration.is_none() && board.may_plan).then(|| start_form(moves));
    let failed = Flash::of(api::MoveItem::PATH)
        .map(|flash| view! { <p class="note bad gap-below" role="alert">{flash.error.message}</p> });
    let (may_create, may_move) = (board.may_create, board.may_edit || board.may_create);
    moves.refresh(board.columns);
    view! {
        {refresh_without_js()}
        <PageHead title line actions=view! { {new_item} }.into_any()/>
        {work_tabs(&board.place, WorkTab::Board)}
        {failed}
        {plan}
        {filter(&board.filter, &board.people)}
        {moves.view(&base, may_create, may_move)}
    }
    .into_any()
}

/// `“goal” · 17 Nov – 28 Nov · 34 of 55 points done`.
fn iteration_line(iteration: &IterationRef, (done, all): (i64, i64)) -> AnyView {
    let goal = (!iteration.goal.is_empty()).then(|| tr!(board.goal, goal = iteration.goal.clone()));
    let dates = format!("{} – {}", day(&iteration.starts_on), day(&iteration.ends_on));
    let points = (all > 0).then(|| tr!(board.points_done, done = done, all = all));
    goal.into_iter()
        .chain([dates])
        .chain(points)
        .collect::<Vec<_>>()
        .join(" · ")
        .into_any()
}

fn start_form(moves: Moves) -> AnyView {
    let fields = move || {
        view! {
        {moves.place_fields()}
        <Field name="name" label=tr!(board.iteration_name) required=true/>
        <Field name="goal" label=tr!(board.iteration_goal)/>
        {parts::day_field("starts_on", tr!(board.starts_on))}
        {parts::day_field("ends_on", tr!(board.ends_on))}
        {submit(Weight::Plain, tr!(board.start))}
        }
    };
    let open = Flash::of(api::StartIteration::PATH).is_some();
    view! {
        <details class="box gap-below" open=open>
            <summary class="box-head">{tr!(board.start_iteration)}</summary>
            <Form action=api::StartIteration::PATH class="form-row box-body-row" done=tr!(board.started)>{fields()}</Form>
        </details>
    }
    .into_any()
}

/// Which cards are shown: a form that leads to an address.
fn filter(filter: &BoardFilter, people: &[PersonRef]) -> AnyView {
    let people: Vec<_> = people
        .iter()
        .map(|person| (person.id.to_string(), person.name.clone()))
        .collect();
    let kinds = parts::choices(ItemKind::ALL, |kind| (kind.key(), kind.text()));
    let kind = filter.kind.map(ItemKind::key).unwrap_or_default();
    let assignee = filter.assignee.map(|id| id.to_string()).unwrap_or_default();
    view! {
        <form method="get" class="form-row gap-below">
            {parts::pick("kind", tr!(iteration.kind), kinds, kind)}
            {parts::pick("assignee", tr!(iteration.assignee), people, &assignee)}
            <label class="field"><span>{tr!(iteration.label)}</span><input class="input" name="label" value=filter.label.clone()/></label>
            <label class="field"><span>{tr!(iteration.words)}</span><input class="input" name="words" value=filter.words.clone()/></label>
            {submit(Weight::Plain, tr!(iteration.search))}
        </form>
    }
    .into_any()
}

/// The form at the foot of the first column.
fn quick_add(moves: Moves) -> AnyView {
    let kinds = [ItemKind::Task, ItemKind::Requirement, ItemKind::Bug];
    let options = parts::options(&kinds, ItemKind::Task, |kind| (kind.key(), kind.text()));
    let fields = view! {
        {moves.place_fields()}
        <input class="input" name="title" aria-label=tr!(board.quick_add) placeholder=tr!(board.quick_add) required maxlength="200" autocomplete="off"/>
        <span class="row">
            <select class="input" name="kind" aria-label=tr!(board.kind)>{options}</select>
            {submit(Weight::Plain, tr!(board.add))}
        </span>
    };
    view! { <Form action=api::AddCard::PATH class="quick-add">{fields}</Form> }.into_any()
}

/// `P/bugs`.
pub fn bugs_page() -> AnyView {
    let (org, project) = (param("org"), param("project"));
    load(move || api::ReadBugs {
        org: org(),
        project: project(),
    })
    .watching(|list: &BugList| topics(&list.place))
    .view(|list| bug_list(&list))
}

const fn is_open(state: ItemState) -> bool {
    !matches!(
        state,
        ItemState::Closed | ItemState::Done | ItemState::WontFix | ItemState::Duplicate
    )
}

fn bug_list(list: &BugList) -> AnyView {
    let base = list.place.path();
    let open = list.bugs.iter().filter(|bug| is_open(bug.card.state)).count();
    let line = tr!(board.bugs_open, open = open, all = list.bugs.len());
    let report = list.may_create.then(|| {
        button_link(
            Weight::Primary,
            format!("{base}/items/new?kind=bug"),
            tr!(board.report_bug),
        )
    });
    let body = if list.bugs.is_empty() {
        view! { <EmptyState title=tr!(board.no_bugs) hint=tr!(board.no_bugs_hint)/> }.into_any()
    } else {
        let heads = [
            tr!(board.bug),
            tr!(board.state),
            tr!(board.severity),
            tr!(board.assignee),
            tr!(board.reported),
        ];
        let rows = list.bugs.iter().map(|bug| bug_row(&base, bug)).collect();
        table(
            tr!(common.nav_bugs),
            heads.into_iter().map(IntoAny::into_any).collect(),
            rows,
        )
    };
    view! {
        {refresh_without_js()}
        <PageHead title=tr!(common.nav_bugs) line=line.into_any() actions=view! { {report} }.into_any()/>
        <div class="box">{body}</div>
    }
    .into_any()
}

fn bug_row(base: &str, bug: &BugRow) -> AnyView {
    let card = &bug.card;
    let name = view! {
        <a class="row wrap" href=format!("{base}/items/{}", card.key)>
            <code class="muted nowrap">{card.key.clone()}</code><span>{card.title.clone()}</span>
        </a>
    };
    let reported =
        view! { <span class="muted">{bug.reporter.name.clone()}" · "{time(bug.created_at)}</span> };
    row(
        name.into_any(),
        vec![
            (tr!(board.state), parts::state(card.state)),
            (
                tr!(board.severity),
                view! { <span class="row wrap">{parts::urgency(card)}</span> }.into_any(),
            ),
            (tr!(board.assignee), parts::assignee(card.assignee.as_ref())),
            (tr!(board.reported), reported.into_any()),
        ],
    )
}

/// The hidden fields that say which project a form is about.
fn place_fields(org: String, project: String) -> AnyView {
    view! { {hidden("org", org)}{hidden("project", project)} }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_or_a_bare_number_names_an_item() {
        assert_eq!(number_of("CHK-12"), Some(12));
        assert_eq!(number_of("12"), Some(12));
        assert_eq!(number_of("CHK"), None);
        assert_eq!(number_of("CHK-"), None);
    }
}
