//! Importing work items from a file: the file is kept, its columns and words are mapped, what would become of it is
//! shown, and a job makes the items, some at a time. What a row is known by is noted with its item, so that a second
//! import of the file, or of a newer one, makes only what is not there yet.

use crate::access::may::See;
use crate::access::{self, Authorized, Project, may};
use crate::change::Entry;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::fault;
use crate::item::edit::{row, rows};
use crate::jobs::{Job, Next};
use crate::ports::{IntakeRecord, NewIntake, NewItemEvent, NewItemRow};
use slipway_domain::access::Action;
use slipway_domain::board::BoardSetup;
use slipway_domain::id::{IntakeId, ItemEventId, ItemId, ProjectId, UserId};
use slipway_domain::intake::{
    Column, FILE_MAX, Incoming, IntakeList, IntakeState, IntakeView, Mapping, Meaning, Namesake, PreviewRow,
    Progress, ROWS_MOST, Reader, Source, Table, WORDS_MOST, WordChoice,
};
use slipway_domain::item::{Category, Content, ItemKind, ItemState, Named, Value, plain_name, rank_between};
use slipway_domain::person::PersonRef;
use slipway_domain::text::Text;
use std::collections::BTreeMap;

/// How many rows one turn of the job works on.
const BATCH: usize = 250;
/// How many rows a page shows as they would become.
const PREVIEW: usize = 20;
/// How many errors are kept and shown.
const ERRORS: usize = 100;

/// The project's imports.
///
/// # Errors
/// As [`access::project`].
pub async fn list(ctx: &OpCtx, org: &str, project: &str) -> Result<IntakeList> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let held = ctx.rights().await?.in_project(&project);
    let imports = ctx.read().await?.intakes(&project).await?;
    Ok(IntakeList {
        place: project.place(),
        imports,
        may_import: held.has(Action::BoardEdit),
    })
}

fn wrong_file(en: &str, zh: &str) -> Error {
    Error::field("file", Text::new(en, zh))
}

/// A file as a table (RFC 4180, with commas, semicolons or tabs).
///
/// # Errors
/// [`Error::Invalid`] `file`: it is too large, no text, or has no heading or no row.
fn table(content: &str) -> Result<Table> {
    let head = content.lines().next().unwrap_or_default();
    let count = |mark: char| head.matches(mark).count();
    let mark = [',', ';', '\t']
        .into_iter()
        .max_by_key(|mark| (count(*mark), *mark == ','));
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(mark.and_then(|mark| u8::try_from(mark).ok()).unwrap_or(b','))
        .flexible(true)
        .from_reader(content.as_bytes());
    let unreadable = |_| wrong_file("this is no CSV file", "不是 CSV 文件");
    let headers: Vec<String> = reader
        .headers()
        .map_err(unreadable)?
        .iter()
        .map(|header| header.trim().to_owned())
        .collect();
    let mut rows = Vec::new();
    for record in reader.records() {
        let cells: Vec<String> = record.map_err(unreadable)?.iter().map(str::to_owned).collect();
        if cells.iter().any(|cell| !cell.trim().is_empty()) {
            rows.push(cells);
        }
        if rows.len() > ROWS_MOST {
            return Err(wrong_file(
                "the file has more than 20,000 rows; import it in parts",
                "文件超过 20000 行，请分批导入",
            ));
        }
    }
    if headers.iter().all(String::is_empty) || rows.is_empty() {
        return Err(wrong_file(
            "the file has no row below its headings",
            "文件中表头之下没有任何行",
        ));
    }
    Ok(Table { headers, rows })
}

/// Keeps a file as an import that is being prepared.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::Invalid`] `file`.
pub async fn begin(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    source: Source,
    (name, content): (&str, &[u8]),
) -> Result<IntakeId> {
    let project = access::project::<may::BoardEdit>(ctx, org, project).await?;
    if content.len() > FILE_MAX {
        return Err(wrong_file("the file is larger than 10 MiB", "文件超过 10 MiB"));
    }
    let content = std::str::from_utf8(content)
        .map_err(|_| {
            wrong_file(
                "the file is not in UTF-8; save it so",
                "文件不是 UTF-8 编码，请另存为 UTF-8",
            )
        })?
        .trim_start_matches('\u{feff}')
        .replace('\0', "");
    let table = table(&content)?;
    let new = NewIntake {
        id: ctx.id(),
        source,
        name: plain_name(name),
        mapping: Mapping::guess(&table.headers),
        progress: Progress {
            rows: table.rows.len(),
            ..Progress::default()
        },
        content,
        author: ctx.user()?.id,
        at: ctx.now(),
    };
    let place = project.place();
    let mut change = ctx.change().await?;
    change.tx().insert_intake(&project.modify(), &new).await?;
    let summary = serde_json::json!({ "file": new.name, "source": source.key(), "rows": new.progress.rows });
    let entry = Entry::done("item.import_begin", "import", new.id, new.name, &place, summary);
    change.audit(entry).await?;
    change.commit().await?;
    Ok(new.id)
}

/// What is known of the project while a file is read.
struct Known {
    people: Vec<Namesake>,
    keys: BTreeMap<String, i64>,
}

async fn known(ctx: &OpCtx, project: &Authorized<Project, See>, source: Source) -> Result<Known> {
    let mut tx = ctx.read().await?;
    let mut people: Vec<Namesake> = Vec::new();
    for member in tx.members(project.org_id(), Some(project.id())).await? {
        if people.iter().all(|known| known.person.id != member.person.id) {
            let email = tx.person(member.person.id).await?.and_then(|person| person.email);
            people.push(Namesake {
                person: member.person,
                email,
            });
        }
    }
    Ok(Known {
        people,
        keys: tx.external_keys(project, source).await?,
    })
}

/// What an import would make, without making it.
///
/// # Errors
/// As [`access::project`]; [`Error::NotFound`].
pub async fn view(ctx: &OpCtx, org: &str, project: &str, id: IntakeId) -> Result<IntakeView> {
    let project = access::project::<may::BoardEdit>(ctx, org, project).await?.see();
    let record = ctx
        .read()
        .await?
        .intake(&project, id)
        .await?
        .ok_or(Error::NotFound)?;
    let mut view = IntakeView {
        place: project.place(),
        row: record.row.clone(),
        headers: Vec::new(),
        columns: record.mapping.columns.clone(),
        words: Vec::new(),
        people: Vec::new(),
        preview: Vec::new(),
        errors: record.errors.clone(),
        version: record.version,
    };
    if record.row.state != IntakeState::Draft {
        return Ok(view);
    }
    let table = table(&record.content)?;
    let known = known(ctx, &project, record.row.source).await?;
    for header in &table.headers {
        if !header.is_empty() && !view.headers.contains(header) {
            view.headers.push(header.clone());
        }
    }
    let mut reader = Reader::new(&table, &record.mapping, &known.people);
    for (column, words) in reader.unknown() {
        let chosen = |word: &String| {
            let of = record.mapping.words.get(&column)?;
            of.get(&word.trim().to_lowercase()).cloned()
        };
        let words = words.into_iter().take(WORDS_MOST);
        view.words.extend(words.map(|word| WordChoice {
            column,
            chosen: chosen(&word),
            word,
        }));
    }
    view.errors.clear();
    let key = &project.project.key;
    for at in 0..table.rows.len() {
        match reader.read(at) {
            Ok(incoming) => {
                let there = known.keys.get(&incoming.key);
                match there {
                    Some(_) => view.row.progress.known += 1,
                    None => view.row.progress.made += 1,
                }
                if view.preview.len() < PREVIEW {
                    view.preview.push(PreviewRow {
                        row: at + 2,
                        known: there.map(|number| format!("{key}-{number}")),
                        title: incoming.title,
                        kind: incoming.kind,
                        state: incoming.state,
                    });
                }
            }
            Err(errors) => {
                view.row.progress.wrong += 1;
                let room = ERRORS.saturating_sub(view.errors.len());
                view.errors.extend(errors.into_iter().take(room));
            }
        }
    }
    view.people = known.people.into_iter().map(|one| one.person).collect();
    Ok(view)
}

/// What a column or a word is to mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// A column is the one with this heading; `None`: there is none.
    Column(Column, Option<String>),
    /// A word of a column means this; `None`: what is known of it.
    Word(Column, String, Option<Meaning>),
}

/// Says what columns and words mean.
///
/// # Errors
/// As [`begin`]; [`Error::NotFound`]; [`Error::Conflict`] where it is not at `version` any more or was started.
pub async fn choose(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    (id, version): (IntakeId, Option<i64>),
    choices: Vec<Choice>,
) -> Result<()> {
    let project = access::project::<may::BoardEdit>(ctx, org, project).await?;
    let mut change = ctx.change().await?;
    let mut record = draft(change.tx().intake(&project.see(), id).await?, version)?;
    for choice in choices {
        let mapping = &mut record.mapping;
        match choice {
            Choice::Column(column, Some(header)) => drop(mapping.columns.insert(column, header)),
            Choice::Column(column, None) => drop(mapping.columns.remove(&column)),
            Choice::Word(column, word, Some(meaning)) => {
                let words = mapping.words.entry(column).or_default();
                words.insert(word.trim().to_lowercase(), meaning);
            }
            Choice::Word(column, word, None) => {
                if let Some(words) = mapping.words.get_mut(&column) {
                    words.remove(&word.trim().to_lowercase());
                }
            }
        }
    }
    change
        .tx()
        .update_intake(&project.modify(), &record, IntakeState::Draft)
        .await?;
    // What a file is thought to mean is no fact that an auditor would ask for: what was made of it is.
    change.bookkeeping();
    change.commit().await
}

fn draft(record: Option<IntakeRecord>, version: Option<i64>) -> Result<IntakeRecord> {
    let record = record.ok_or(Error::NotFound)?;
    if record.row.state != IntakeState::Draft {
        return Err(Error::conflict(
            "import_started",
            "This import was started already. Upload the file again to import it once more.",
            "该导入已开始。如需再次导入，请重新上传文件。",
        ));
    }
    if version.is_some_and(|version| version != record.version) {
        return Err(Error::version_mismatch());
    }
    Ok(record)
}

/// Starts an import: rows with something wrong are left out, and rows whose items are there are left alone.
///
/// # Errors
/// As [`choose`].
pub async fn start(ctx: &OpCtx, org: &str, project: &str, id: IntakeId, version: Option<i64>) -> Result<()> {
    let project = access::project::<may::BoardEdit>(ctx, org, project).await?;
    let place = project.place();
    let mut change = ctx.change().await?;
    let record = draft(change.tx().intake(&project.see(), id).await?, version)?;
    change
        .tx()
        .update_intake(&project.modify(), &record, IntakeState::Running)
        .await?;
    let job = Job::TakeItems {
        project: project.id(),
        intake: id,
    };
    change
        .enqueue(&job, ctx.now(), Some(&format!("take:{id}")))
        .await?;
    let summary = serde_json::json!({ "file": record.row.name, "rows": record.row.progress.rows });
    let entry = Entry::done("item.import", "import", id, record.row.name, &place, summary);
    change.audit(entry).await?;
    change.touch("intake", id, &place);
    change.commit().await
}

/// Ends an import that is being prepared or runs; what it made stays.
///
/// # Errors
/// As [`begin`]; [`Error::NotFound`]; it has ended.
pub async fn stop(ctx: &OpCtx, org: &str, project: &str, id: IntakeId) -> Result<()> {
    let project = access::project::<may::BoardEdit>(ctx, org, project).await?;
    let place = project.place();
    let mut change = ctx.change().await?;
    let record = change
        .tx()
        .intake(&project.see(), id)
        .await?
        .ok_or(Error::NotFound)?;
    if matches!(record.row.state, IntakeState::Done | IntakeState::Stopped) {
        return Err(Error::conflict(
            "import_ended",
            "This import has ended already.",
            "该导入已结束。",
        ));
    }
    change
        .tx()
        .update_intake(&project.modify(), &record, IntakeState::Stopped)
        .await?;
    let summary = serde_json::json!({ "made": record.row.progress.made });
    let entry = Entry::done("item.import_stop", "import", id, record.row.name, &place, summary);
    change.audit(entry).await?;
    change.touch("intake", id, &place);
    change.commit().await
}

/// Makes the next items of an import.
pub(crate) async fn run(ctx: &OpCtx, project: ProjectId, id: IntakeId) -> Result<Next> {
    let project = match access::project_by_id::<may::BoardEdit>(ctx, project).await {
        Ok(project) => project,
        Err(Error::NotFound) => return Ok(Next::Done),
        Err(error) => return Err(error),
    };
    let (see, proof, place) = (project.see(), project.modify(), project.place());
    let Some(mut record) = ctx.read().await?.intake(&see, id).await? else {
        return Ok(Next::Done);
    };
    if record.row.state != IntakeState::Running {
        return Ok(Next::Done);
    }
    let table = table(&record.content)?;
    let known = known(ctx, &see, record.row.source).await?;
    let mut reader = Reader::new(&table, &record.mapping, &known.people);
    let from = record.row.progress.done;
    // Keys of rows that say the same depend on the rows before.
    for at in 0..from.min(table.rows.len()) {
        drop(reader.read(at));
    }
    let until = (from + BATCH).min(table.rows.len());
    let mut ready = Vec::new();
    for at in from..until {
        match reader.read(at) {
            Ok(incoming) if known.keys.contains_key(&incoming.key) => record.row.progress.known += 1,
            Ok(incoming) => ready.push(incoming),
            Err(errors) => {
                record.row.progress.wrong += 1;
                let room = ERRORS.saturating_sub(record.errors.len());
                record.errors.extend(errors.into_iter().take(room));
            }
        }
    }
    record.row.progress.done = until;
    let mut change = ctx.change().await?;
    change.tx().lock_board(&proof).await?;
    let (setup, _) = change.tx().board_setup(&see).await?;
    let (mut below, mut first, mut last) = (change.tx().last_rank(&see, None).await?, None, None);
    for incoming in ready {
        let state = state_in(&setup, incoming.kind, incoming.state);
        let rank = rank_between(below.as_deref(), None);
        below = Some(rank.clone());
        let item: ItemId = ctx.id();
        let key = incoming.key.clone();
        let made = NewItemRow {
            id: item,
            kind: incoming.kind,
            state,
            content: content(incoming, &known.people),
            reporter: record.row.author.id,
            rank,
            at: ctx.now(),
        };
        let number = change.tx().insert_item(&proof, &made).await?;
        if !change
            .tx()
            .put_external_key(&proof, record.row.source, &key, item)
            .await?
        {
            // Another import of the same row was faster: this turn is done again, and finds its item.
            return Ok(Next::At(ctx.now()));
        }
        let events = events(ctx, record.row.author.id, &made);
        change.tx().append_item_events(&proof, item, &events).await?;
        record.row.progress.made += 1;
        first = first.or(Some(number));
        last = Some(number);
    }
    let ended = until >= table.rows.len();
    let state = if ended {
        IntakeState::Done
    } else {
        IntakeState::Running
    };
    change.tx().update_intake(&proof, &record, state).await?;
    if let (Some(first), Some(last)) = (first, last) {
        let project = &see.project.key;
        let summary = serde_json::json!({
            "from": format!("{project}-{first}"), "to": format!("{project}-{last}"), "file": record.row.name,
        });
        let entry = Entry::done(
            "item.imported",
            "import",
            id,
            record.row.name.clone(),
            &place,
            summary,
        );
        change.audit(entry).await?;
        change.touch("board", see.id(), &place);
    } else {
        change.bookkeeping();
    }
    change.touch("intake", id, &place);
    change.commit().await?;
    fault::point("intake.batch");
    Ok(if ended { Next::Done } else { Next::At(ctx.now()) })
}

/// The first state of a kind's workflow in a column; where it has none, the one that new items begin in.
fn state_in(setup: &BoardSetup, kind: ItemKind, column: Category) -> ItemState {
    let flow = setup.flow(kind);
    let found = flow.states.iter().find(|state| state.category() == column);
    found.cloned().unwrap_or_else(|| flow.first())
}

fn content(incoming: Incoming, people: &[Namesake]) -> Content {
    let named = |id: UserId| {
        let person = people
            .iter()
            .map(|one| &one.person)
            .find(|person: &&PersonRef| person.id == id)?;
        Some(Named {
            id,
            name: person.name.clone(),
        })
    };
    Content {
        description: incoming.description,
        priority: incoming.priority,
        severity: incoming.severity,
        assignee: incoming.assignee.and_then(named),
        labels: incoming.labels,
        points: incoming.points,
        starts_on: incoming.starts_on,
        due_on: incoming.due_on,
        ..Content::titled(incoming.title)
    }
}

/// The history of an item that came from a file: who imported it made it.
fn events(ctx: &OpCtx, author: UserId, made: &NewItemRow) -> Vec<NewItemEvent> {
    let mut events = vec![NewItemEvent {
        after: Value::plain(made.content.title.clone()),
        category: Some(made.state.category()),
        ..row(ctx, "created", 1)
    }];
    let bare = Content::titled(made.content.title.clone());
    events.extend(rows(ctx, &bare.changes(&made.content), 1));
    for event in &mut events {
        event.by = Some(author);
        event.id = ctx.id::<ItemEventId>();
    }
    events
}
