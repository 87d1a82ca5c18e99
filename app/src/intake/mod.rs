//! Importing work items from a file: upload, mapping with a preview, progress. All of it works as plain forms.

pub mod api;

use crate::design::button::{Weight, submit};
use crate::design::flash::Flash;
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::design::status::{Status, pill, tag};
use crate::design::table::{row, table};
use crate::design::time::time;
use crate::i18n::say;
use crate::live::{Topics, refresh_without_js};
use crate::load::load;
use crate::places::param;
use crate::tr;
use api::{ChooseIntake, ReadIntake, ReadIntakes, StartIntake, StopIntake};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use server_fn::ServerFn;
use slipway_domain::id::{IntakeId, TypedId};
use slipway_domain::intake::{
    Column, IntakeList, IntakeRow, IntakeState, IntakeView, Meaning, PreviewRow, RowError, Source, WordChoice,
};
use slipway_domain::item::{Category, ItemKind, Priority, Severity};

/// Where files are sent to.
pub const UPLOAD: &str = "/item-imports";

/// What the selects of the mapping send.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Chosen {
    /// A column is under a heading.
    Column(Column, Option<String>),
    /// A word means something.
    Word(Column, String, Option<Meaning>),
}

fn written(chosen: &Chosen) -> String {
    serde_json::to_string(chosen).unwrap_or_default()
}

/// A choice of the mapping, as a select wrote it.
#[cfg(feature = "ssr")]
fn choice_of(text: &str) -> Option<slipway_portal::intake::Choice> {
    use slipway_portal::intake::Choice;
    Some(match serde_json::from_str(text).ok()? {
        Chosen::Column(column, header) => Choice::Column(column, header),
        Chosen::Word(column, word, meaning) => Choice::Word(column, word, meaning),
    })
}

/// `P/items/import`.
pub fn imports_page() -> AnyView {
    let (org, project) = (param("org"), param("project"));
    load(move || ReadIntakes {
        org: org(),
        project: project(),
    })
    .view(|list| show_list(&list))
}

fn show_list(list: &IntakeList) -> AnyView {
    let base = list.place.path();
    if !list.may_import {
        return view! {
            <PageHead title=tr!(intake.title)/>
            <EmptyState title=tr!(common.forbidden_title) hint=tr!(intake.may_not)/>
        }
        .into_any();
    }
    let wrong = Flash::of(UPLOAD).map(|flash| {
        let words = flash.error.fields.first().map(|(_, words)| words.clone());
        view! { <p class="error" role="alert">{words.unwrap_or(flash.error.message)}</p> }
    });
    let sources = Source::ALL
        .iter()
        .map(|source| view! { <option value=source.key()>{say(&source.text())}</option> })
        .collect::<Vec<_>>();
    let rows = list
        .imports
        .iter()
        .map(|import| import_row(&base, import))
        .collect::<Vec<_>>();
    let earlier = if rows.is_empty() {
        view! { <EmptyState title=tr!(intake.none) hint=tr!(intake.none_hint)/> }.into_any()
    } else {
        let heads = [tr!(intake.file), tr!(intake.state), tr!(intake.result)];
        table(
            tr!(intake.earlier),
            heads.into_iter().map(IntoAny::into_any).collect(),
            rows,
        )
    };
    let at = place_fields(&list.place);
    view! {
        <PageHead title=tr!(intake.title)/>
        <div class="stack wide">
            <Panel title=tr!(intake.upload)>
                <form method="post" action=UPLOAD enctype="multipart/form-data" class="form narrow box-body">
                    {at}
                    <p class="muted">{tr!(intake.hint)}</p>
                    <label class="field"><span>{tr!(intake.source)}</span><select class="input" name="source">{sources}</select></label>
                    <label class="field"><span>{tr!(intake.file)}</span><input class="input" type="file" name="file" accept=".csv,text/csv" required/></label>
                    {wrong}
                    <p>{submit(Weight::Primary, tr!(intake.preview))}</p>
                </form>
            </Panel>
            <div class="box">{earlier}</div>
        </div>
    }
    .into_any()
}

fn state(state: IntakeState) -> AnyView {
    let look = match state {
        IntakeState::Draft => Status::Waiting,
        IntakeState::Running => Status::Running,
        IntakeState::Done => Status::Success,
        IntakeState::Stopped => Status::Cancelled,
    };
    pill(look, say(&state.text()))
}

fn import_row(base: &str, import: &IntakeRow) -> AnyView {
    let name =
        view! { <a class="link" href=format!("{base}/items/import/{}", import.id)>{import.name.clone()}</a> };
    let result = view! { <span>{counts(import)}" "<span class="muted small">{import.author.name.clone()}" · "{time(import.created_at)}</span></span> };
    row(
        name.into_any(),
        vec![
            (tr!(intake.state), state(import.state)),
            (tr!(intake.result), result.into_any()),
        ],
    )
}

fn counts(import: &IntakeRow) -> String {
    let progress = import.progress;
    tr!(
        intake.counts,
        made = progress.made,
        known = progress.known,
        wrong = progress.wrong,
        rows = progress.rows
    )
}

/// `P/items/import/{id}`.
pub fn import_page() -> AnyView {
    let (org, project, id) = (param("org"), param("project"), param("id"));
    load(move || ReadIntake {
        org: org(),
        project: project(),
        import: IntakeId::from_uuid(id().parse().unwrap_or_default()),
    })
    .watching(|view: &IntakeView| Topics::of("intake", view.row.id))
    .view(|view| show(&view))
}

fn show(view: &IntakeView) -> AnyView {
    let running = view.row.state == IntakeState::Running;
    let draft = view.row.state == IntakeState::Draft;
    let progress = view.row.progress;
    let meter = (!draft).then(|| {
        view! { <progress class="import-meter" value=progress.done.to_string() max=progress.rows.to_string() aria-label=tr!(intake.done)></progress> }
    });
    let mapping = draft.then(|| mapping(view));
    let preview = draft.then(|| preview(&view.preview));
    view! {
        {running.then(refresh_without_js)}
        <PageHead title=tr!(intake.of_file, name = view.row.name) mark=state(view.row.state) line=counts(&view.row).into_any() actions=actions(view)/>
        <div class="stack wide">
            {meter}
            {mapping}
            {errors(&view.errors)}
            {preview}
        </div>
    }
    .into_any()
}

fn which(view: &IntakeView) -> AnyView {
    view! {
        {place_fields(&view.place)}
        {hidden("import", view.row.id.to_string())}
        {hidden("version", view.version.to_string())}
    }
    .into_any()
}

fn actions(view: &IntakeView) -> AnyView {
    let start = (view.row.state == IntakeState::Draft && view.row.progress.made > 0).then(|| {
        let fields =
            view! { {which(view)}{submit(Weight::Primary, tr!(intake.start, n = view.row.progress.made))} };
        view! { <Form action=StartIntake::PATH class="inline-form">{fields}</Form> }
    });
    let stop = matches!(view.row.state, IntakeState::Draft | IntakeState::Running).then(|| {
        let fields = view! {
            {place_fields(&view.place)}
            {hidden("import", view.row.id.to_string())}
            {submit(Weight::Plain, tr!(intake.stop))}
        };
        view! { <Form action=StopIntake::PATH class="inline-form">{fields}</Form> }
    });
    view! { {stop}{start} }.into_any()
}

fn mapping(view: &IntakeView) -> AnyView {
    let columns = Column::ALL
        .iter()
        .enumerate()
        .map(|(at, column)| column_select(view, at, *column))
        .collect::<Vec<_>>();
    let begin = Column::ALL.len();
    let words = view
        .words
        .iter()
        .enumerate()
        .map(|(at, word)| word_select(view, begin + at, word))
        .collect::<Vec<_>>();
    let words = (!words.is_empty()).then(|| {
        view! { <h3>{tr!(intake.words)}</h3><p class="muted">{tr!(intake.words_hint)}</p><div class="form-row">{words}</div> }
    });
    let fields = view! {
        {which(view)}
        <h3>{tr!(intake.columns)}</h3>
        <div class="form-row">{columns}</div>
        {words}
        <p>{submit(Weight::Plain, tr!(intake.again))}</p>
    };
    view! {
        <Panel title=tr!(intake.mapping)>
            <Form action=ChooseIntake::PATH class="form box-body">{fields}</Form>
        </Panel>
    }
    .into_any()
}

fn select(at: usize, label: AnyView, options: Vec<(Chosen, String, bool)>) -> AnyView {
    let options = options
        .into_iter()
        .map(|(chosen, word, selected)| view! { <option value=written(&chosen) selected=selected>{word}</option> })
        .collect::<Vec<_>>();
    view! { <label class="field"><span>{label}</span><select class="input" name=format!("choice[{at}]")>{options}</select></label> }
        .into_any()
}

fn column_select(view: &IntakeView, at: usize, column: Column) -> AnyView {
    let now = view.columns.get(&column);
    let mut options = vec![(Chosen::Column(column, None), tr!(intake.no_column), now.is_none())];
    options.extend(view.headers.iter().map(|header| {
        (
            Chosen::Column(column, Some(header.clone())),
            header.clone(),
            now == Some(header),
        )
    }));
    select(at, say(&column.text()).into_any(), options)
}

fn word_select(view: &IntakeView, at: usize, word: &WordChoice) -> AnyView {
    let column = word.column;
    let meanings: Vec<(Meaning, String)> = match column {
        Column::Kind => ItemKind::ALL
            .iter()
            .map(|kind| (Meaning::Kind(*kind), say(&kind.text())))
            .collect(),
        Column::State => Category::ALL
            .iter()
            .map(|state| (Meaning::State(*state), say(&state.text())))
            .collect(),
        Column::Priority => {
            let all = Priority::ALL.iter();
            all.map(|priority| (Meaning::Priority(*priority), say(&priority.text())))
                .collect()
        }
        Column::Severity => {
            let all = Severity::ALL.iter();
            all.map(|severity| (Meaning::Severity(*severity), say(&severity.text())))
                .collect()
        }
        _ => {
            let all = view.people.iter();
            all.map(|person| (Meaning::Person(person.id), person.name.clone()))
                .collect()
        }
    };
    let chosen = |meaning: Option<&Meaning>| word.chosen.as_ref() == meaning;
    let one = |meaning: Option<Meaning>| Chosen::Word(column, word.word.clone(), meaning);
    let mut options = vec![
        (one(None), tr!(intake.unknown), chosen(None)),
        (
            one(Some(Meaning::Nothing)),
            tr!(intake.leave_out),
            chosen(Some(&Meaning::Nothing)),
        ),
    ];
    options.extend(meanings.into_iter().map(|(meaning, words)| {
        let selected = chosen(Some(&meaning));
        (one(Some(meaning)), words, selected)
    }));
    let label = view! { <span class="muted">{say(&column.text())}": "</span>{word.word.clone()} };
    select(at, label.into_any(), options)
}

fn errors(errors: &[RowError]) -> Option<AnyView> {
    if errors.is_empty() {
        return None;
    }
    let rows = errors
        .iter()
        .map(|error| {
            row(
                view! { {error.row.to_string()} }.into_any(),
                vec![
                    (tr!(intake.column), say(&error.column.text()).into_any()),
                    (
                        tr!(intake.cell),
                        view! { <code class="break">{error.cell.clone()}</code> }.into_any(),
                    ),
                    (tr!(intake.error), say(&error.text).into_any()),
                ],
            )
        })
        .collect();
    let heads = [
        tr!(intake.row),
        tr!(intake.column),
        tr!(intake.cell),
        tr!(intake.error),
    ];
    let list = table(
        tr!(intake.errors),
        heads.into_iter().map(IntoAny::into_any).collect(),
        rows,
    );
    Some(view! { <Panel title=tr!(intake.errors)><p class="muted box-body">{tr!(intake.errors_hint)}</p>{list}</Panel> }.into_any())
}

fn preview(rows: &[PreviewRow]) -> AnyView {
    let lines = rows
        .iter()
        .map(|one| {
            let known = one
                .known
                .clone()
                .map_or_else(|| tr!(intake.new), |key| tr!(intake.is_there, key = key));
            row(
                view! { {one.title.clone()} }.into_any(),
                vec![
                    (tr!(intake.row), view! { {one.row.to_string()} }.into_any()),
                    (tr!(board.kind), tag(say(&one.kind.text()))),
                    (tr!(intake.state), say(&one.state.text()).into_any()),
                    (tr!(intake.result), known.into_any()),
                ],
            )
        })
        .collect();
    let heads = [
        tr!(board.title),
        tr!(intake.row),
        tr!(board.kind),
        tr!(intake.state),
        tr!(intake.result),
    ];
    let list = table(
        tr!(intake.first_rows),
        heads.into_iter().map(IntoAny::into_any).collect(),
        lines,
    );
    view! { <Panel title=tr!(intake.first_rows)>{list}</Panel> }.into_any()
}
