//! The board of the iteration that runs, the bug list, and the pages of work items.

pub mod api;
mod card;
pub mod drawer;
mod edit;
pub mod file;
mod history;
mod item;
mod moves;
mod order;
pub mod parts;
pub mod setup;
mod talk;

pub use edit::edit_item_page;
pub use item::{item_page, new_item_page};

use crate::design::button::{Weight, button_link, submit};
use crate::design::field::Field;
use crate::design::flash::Flash;
use crate::design::form::{Form, hidden};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::design::table::{row, table};
use crate::design::time::{day, time};
use crate::iteration::{WorkTab, work_tabs};
use crate::live::{Topics, refresh_without_js};
use crate::load::load;
use crate::places::{encode, param, query};
use crate::table::views;
use crate::tr;
use drawer::Drawer;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use moves::Moves;
use server_fn::ServerFn;
use slipway_domain::board::ColumnKey;
use slipway_domain::id::{TypedId, UserId};
use slipway_domain::item::{
    BoardLane, BoardView, BugFilter, BugList, BugRow, ItemKind, IterationRef, LaneBy, Severity,
};
use slipway_domain::project::Place;
use slipway_domain::table::ViewPage;
use slipway_domain::time::{DAY, Timestamp};

/// The number in a key such as `CHK-12`; a bare number is one as well.
pub(crate) fn number_of(key: &str) -> Option<i64> {
    key.rsplit('-').next().and_then(|number| number.parse().ok())
}

/// What makes the pages of a project's items stale.
pub(crate) fn topics(place: &Place) -> Topics {
    place.project.iter().fold(Topics::default(), |topics, project| {
        topics.and("board", project.id)
    })
}

/// `P/board`.
pub fn board_page() -> AnyView {
    let (org, project) = (param("org"), param("project"));
    let (kind, assignee, label, words) = (query("kind"), query("assignee"), query("label"), query("words"));
    let (lanes, view) = (query("lanes"), query("view"));
    let board = load(move || api::ReadBoard {
        org: org(),
        project: project(),
        kind: kind().and_then(|kind| ItemKind::from_key(&kind)),
        assignee: assignee().and_then(|id| id.parse().ok()).map(UserId::from_uuid),
        label: label(),
        words: words(),
        lanes: lanes().and_then(|lanes| LaneBy::from_key(&lanes)),
        view: view(),
    });
    let beside = Drawer::here();
    let moves = Moves::new(org, project, board.redraw(), beside);
    let board = board
        .watching(|board: &BoardView| topics(&board.place))
        .view(move |board| show(board, moves));
    view! { {board}{drawer::drawer(beside)} }.into_any()
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
    let may_move = board.may_edit || board.may_create;
    let filter = filter(&board);
    let asked = board_query(&board);
    let views = views::bar(
        &board.place,
        ViewPage::Board,
        (&board.views, board.may_set_up),
        &asked,
    );
    let set_up = button_link(Weight::Quiet, format!("{base}/board/setup"), tr!(board.set_up));
    let lanes = if board.lanes_by.is_some() {
        board.lanes
    } else {
        let columns = board.columns;
        vec![BoardLane { name: None, columns }]
    };
    moves.refresh(lanes, board.ways, board.today);
    view! {
        {refresh_without_js()}
        <PageHead title line actions=view! { {set_up}{new_item} }.into_any()/>
        {work_tabs(&board.place, WorkTab::Board)}
        {failed}
        {plan}
        {views}
        {filter}
        {moves.view(&base, may_move)}
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
fn filter(board: &BoardView) -> AnyView {
    let filter = &board.filter;
    let people: Vec<_> = board
        .people
        .iter()
        .map(|person| (person.id.to_string(), person.name.clone()))
        .collect();
    let kinds = parts::choices(ItemKind::ALL, |kind| (kind.key(), kind.text()));
    let kind = filter.kind.map(ItemKind::key).unwrap_or_default();
    let assignee = filter.assignee.map(|id| id.to_string()).unwrap_or_default();
    let lanes = parts::choices(LaneBy::ALL, |by| (by.key(), by.text()));
    let by = board.lanes_by.map(LaneBy::key).unwrap_or_default();
    view! {
        <form method="get" class="form-row board-filter gap-below">
            {parts::pick("kind", tr!(iteration.kind), kinds, kind)}
            {parts::pick("assignee", tr!(iteration.assignee), people, &assignee)}
            <label class="field"><span>{tr!(iteration.label)}</span><input class="input" name="label" value=filter.label.clone()/></label>
            <label class="field"><span>{tr!(iteration.words)}</span><input class="input" name="words" value=filter.words.clone()/></label>
            {parts::pick_or(tr!(board.lanes_off), "lanes", tr!(board.lanes), lanes, by)}
            {submit(Weight::Plain, tr!(iteration.search))}
        </form>
    }
    .into_any()
}

/// What is shown, as it stands in the address.
fn board_query(board: &BoardView) -> String {
    let filter = &board.filter;
    let pairs = [
        (
            "kind",
            filter.kind.map(ItemKind::key).unwrap_or_default().to_owned(),
        ),
        (
            "assignee",
            filter.assignee.map(|id| id.to_string()).unwrap_or_default(),
        ),
        ("label", encode(&filter.label)),
        ("words", encode(&filter.words)),
        (
            "lanes",
            board.lanes_by.map(LaneBy::key).unwrap_or_default().to_owned(),
        ),
    ];
    let pairs = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    pairs
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("&")
}

/// The form at the foot of a column: a card by its title alone.
fn quick_add(moves: Moves, column: &ColumnKey) -> AnyView {
    let kinds = [ItemKind::Task, ItemKind::Requirement, ItemKind::Bug];
    let options = parts::options(&kinds, ItemKind::Task, |kind| (kind.key(), kind.text()));
    let column = column.as_str().to_owned();
    let refused =
        Flash::of(api::AddCard::PATH).is_some_and(|flash| flash.typed("column") == Some(column.as_str()));
    let name = ColumnKey::parse(&column)
        .map(|key| moves.name_of(&key))
        .unwrap_or_default();
    let fields = view! {
        {moves.place_fields()}
        <input class="input" name="title" aria-label=tr!(board.quick_add) placeholder=tr!(board.quick_add) required maxlength="200" autocomplete="off"/>
        <span class="row">
            <select class="input" name="kind" aria-label=tr!(board.kind)>{options}</select>
            {submit(Weight::Plain, tr!(board.add))}
        </span>
    };
    view! {
        <details class="quick-add-in" open=refused>
            <summary aria-label=tr!(board.add_to, column = name)>{tr!(board.add_card)}</summary>
            <Form action=api::AddCard::PATH class="quick-add" key=("column", column)>{fields}</Form>
        </details>
    }
    .into_any()
}

/// `P/bugs`.
pub fn bugs_page() -> AnyView {
    let (org, project) = (param("org"), param("project"));
    let (asked, view) = (use_query_map(), query("view"));
    load(move || api::ReadBugs {
        org: org(),
        project: project(),
        asked: BugFilter::read(&asked.read().to_query_string()).written(),
        view: view(),
    })
    .watching(|list: &BugList| topics(&list.place))
    .view(|list| bug_list(&list))
}

fn bug_list(list: &BugList) -> AnyView {
    let base = list.place.path();
    let open = list
        .bugs
        .iter()
        .filter(|bug| !bug.card.state.category().is_over())
        .count();
    let line = tr!(board.bugs_open, open = open, all = list.bugs.len());
    let report = list.may_create.then(|| {
        button_link(
            Weight::Primary,
            format!("{base}/items/new?kind=bug"),
            tr!(board.report_bug),
        )
    });
    let triage: Vec<&BugRow> = list.bugs.iter().filter(|bug| bug.waits_for_triage()).collect();
    let triage_rows = triage
        .iter()
        .map(|bug| bug_row(&base, bug, list.now))
        .collect::<Vec<_>>();
    let triage = (!triage_rows.is_empty()).then(|| {
        let title = tr!(board.triage, n = triage_rows.len());
        view! { <Panel title=title.clone()>{table(title, bug_heads(), triage_rows)}</Panel> }
    });
    let body = if list.bugs.is_empty() && !list.filter.is_empty() {
        view! { <EmptyState title=tr!(table.empty) hint=tr!(table.empty_hint)/> }.into_any()
    } else if list.bugs.is_empty() {
        view! { <EmptyState title=tr!(board.no_bugs) hint=tr!(board.no_bugs_hint)/> }.into_any()
    } else {
        let rows = list.bugs.iter().filter(|bug| !bug.waits_for_triage());
        let rows = rows.map(|bug| bug_row(&base, bug, list.now)).collect();
        table(tr!(common.nav_bugs), bug_heads(), rows)
    };
    view! {
        {refresh_without_js()}
        <PageHead title=tr!(common.nav_bugs) line=line.into_any() actions=view! { {report} }.into_any()/>
        {views::bar(&list.place, ViewPage::Bugs, (&list.views, list.may_share), &list.filter.written())}
        {bug_filter(list)}
        {figures(list)}
        <div class="stack wide">
            {triage}
            <div class="box">{body}</div>
            {groups(list)}
        </div>
    }
    .into_any()
}

/// Which bugs are shown: a form that leads to an address.
fn bug_filter(list: &BugList) -> AnyView {
    let filter = &list.filter;
    let severities = parts::choices(Severity::ALL, |severity| (severity.key(), severity.text()));
    let severity = filter.severity.map(Severity::key).unwrap_or_default();
    let people = list.people.iter();
    let people = people
        .map(|person| (person.id.to_string(), person.name.clone()))
        .collect();
    let assignee = filter.assignee.map(|id| id.to_string()).unwrap_or_default();
    view! {
        <form method="get" class="form-row board-filter gap-below">
            <input type="hidden" name="view" value="all"/>
            {parts::pick("severity", tr!(board.severity), severities, severity)}
            {parts::pick("assignee", tr!(board.assignee), people, &assignee)}
            <label class="field"><span>{tr!(iteration.label)}</span><input class="input" name="label" value=filter.label.clone()/></label>
            <label class="field"><span>{tr!(iteration.words)}</span><input class="input" name="words" value=filter.words.clone()/></label>
            <label class="check"><input type="checkbox" name="open" value="true" checked=filter.open/>{tr!(board.only_open)}</label>
            {submit(Weight::Plain, tr!(iteration.search))}
        </form>
    }
    .into_any()
}

fn bug_heads() -> Vec<AnyView> {
    let heads = [
        tr!(board.bug),
        tr!(board.state),
        tr!(board.severity),
        tr!(board.assignee),
        tr!(board.age),
        tr!(board.reported),
    ];
    heads.into_iter().map(IntoAny::into_any).collect()
}

/// What the last days say, from history.
fn figures(list: &BugList) -> AnyView {
    let figures = &list.figures;
    let rate = if figures.closed > 0 {
        format!("{} %", figures.reopened * 100 / figures.closed)
    } else {
        String::from("–")
    };
    let [week, month, quarter, older] = figures.ages;
    let insights = format!("{}/insights", list.place.path());
    view! {
        <dl class="facts box box-body gap-below">
            <dt>{tr!(board.reported_in, n = figures.days)}</dt><dd>{figures.reported}</dd>
            <dt>{tr!(board.closed_in, n = figures.days)}</dt><dd>{figures.closed}</dd>
            <dt>{tr!(board.reopen_rate)}</dt><dd>{rate}" "<span class="muted">{tr!(board.reopened_of, n = figures.reopened)}</span></dd>
            <dt>{tr!(board.ages)}</dt>
            <dd>{tr!(board.ages_words, week = week, month = month, quarter = quarter, older = older)}</dd>
            <dt>{tr!(board.trend)}</dt><dd><a class="link" href=insights>{tr!(common.nav_insights)}</a></dd>
        </dl>
    }
    .into_any()
}

/// By app and release.
fn groups(list: &BugList) -> Option<AnyView> {
    let rows: Vec<AnyView> = list
        .groups
        .iter()
        .map(|group| {
            let name = group.app.clone().unwrap_or_else(|| tr!(board.none));
            let release = group.release.clone().unwrap_or_else(|| tr!(board.none));
            row(
                name.into_any(),
                vec![
                    (tr!(board.found_release), release.into_any()),
                    (tr!(board.open_bugs), group.open.into_any()),
                    (tr!(board.all_bugs), group.all.into_any()),
                ],
            )
        })
        .collect();
    let heads = [
        tr!(board.app),
        tr!(board.found_release),
        tr!(board.open_bugs),
        tr!(board.all_bugs),
    ];
    let heads = heads.into_iter().map(IntoAny::into_any).collect();
    (!rows.is_empty()).then(|| {
        let title = tr!(board.by_app);
        view! { <Panel title=title.clone()>{table(title, heads, rows)}</Panel> }.into_any()
    })
}

fn bug_row(base: &str, bug: &BugRow, now: Timestamp) -> AnyView {
    let card = &bug.card;
    let name = view! {
        <a class="row wrap" href=format!("{base}/items/{}", card.key)>
            <code class="muted nowrap">{card.key.clone()}</code><span>{card.title.clone()}</span>
        </a>
    };
    let days = now.since(bug.created_at) / DAY;
    let age = (!card.state.category().is_over()).then(|| tr!(board.days_old, n = days));
    let reported =
        view! { <span class="muted">{bug.reporter.name.clone()}" · "{time(bug.created_at)}</span> };
    row(
        name.into_any(),
        vec![
            (tr!(board.state), parts::state(&card.state)),
            (
                tr!(board.severity),
                view! { <span class="row wrap">{parts::urgency(card)}</span> }.into_any(),
            ),
            (tr!(board.assignee), parts::assignee(card.assignee.as_ref())),
            (tr!(board.age), age.into_any()),
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
