//! Work items, the board and iterations.

use crate::access::may::{Modify, See};
use crate::access::{self, Authorized, Project, may};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::error::{Error, FieldError, Result};
use crate::markdown::{self, Around};
use crate::notice::tell as notice;
use crate::ports::{ItemRecord, NewItemEvent, NewItemRow, NewIteration, StoreError};
use crate::subscriber::event;
use slipway_domain::access::Action;
use slipway_domain::id::{ItemId, UserId};
use slipway_domain::item::{
    BoardColumn, BoardFilter, BoardView, BugList, Card, Category, Comment, Content, ItemKind, ItemState,
    ItemView, Named, Priority, Severity, Value, rank_between,
};
use slipway_domain::person::PersonRef;
use slipway_domain::text::Text;
use slipway_domain::trail::Cause;

mod comment;
pub(crate) mod edit;

pub use comment::{add_comment, delete_comment, edit_comment, link, watch};
pub use edit::{BULK_MOST, Base, Edit, Set, bulk, edit, update};

/// Bugs a page.
const BUGS: i64 = 200;

/// What the board of the running iteration shows; without one, the items that are planned for none.
///
/// # Errors
/// As [`access::project`].
pub async fn board(ctx: &OpCtx, org: &str, project: &str) -> Result<BoardView> {
    board_of(ctx, org, project, BoardFilter::default()).await
}

/// As [`board`], with the cards that `filter` shows. Points are those of the cards that are shown.
///
/// # Errors
/// As [`access::project`].
pub async fn board_of(ctx: &OpCtx, org: &str, project: &str, filter: BoardFilter) -> Result<BoardView> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let held = ctx.rights().await?.in_project(&project);
    let mut tx = ctx.read().await?;
    let iteration = tx.running_iteration(&project).await?;
    let mut cards = tx.cards(&project, iteration.as_ref().map(|i| i.id)).await?;
    drop(tx);
    let mut people: Vec<PersonRef> = Vec::new();
    for person in cards.iter().filter_map(|card| card.assignee.as_ref()) {
        if people.iter().all(|known| known.id != person.id) {
            people.push(person.clone());
        }
    }
    people.sort_by(|one, other| one.name.cmp(&other.name));
    if !filter.is_empty() {
        cards.retain(|card| filter.shows(card));
    }
    let sum = |done: bool| {
        cards
            .iter()
            .filter(|c| !done || c.state.category() == Category::Done)
            .filter_map(|c| c.points)
            .sum::<i64>()
    };
    let points = (sum(true), sum(false));
    let mut columns: Vec<BoardColumn> = Category::ALL
        .iter()
        .map(|category| BoardColumn {
            category: *category,
            cards: Vec::new(),
        })
        .collect();
    for card in cards {
        if let Some(column) = columns.iter_mut().find(|c| c.category == card.state.category()) {
            column.cards.push(card);
        }
    }
    Ok(BoardView {
        place: project.place(),
        iteration,
        columns,
        filter,
        people,
        points,
        may_create: held.has(Action::ItemCreate),
        may_edit: held.has(Action::ItemEdit),
        may_plan: held.has(Action::IterationEdit),
    })
}

/// The project's bugs.
///
/// # Errors
/// As [`access::project`].
pub async fn bugs(ctx: &OpCtx, org: &str, project: &str) -> Result<BugList> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let held = ctx.rights().await?.in_project(&project);
    let bugs = ctx.read().await?.bugs(&project, BUGS).await?;
    Ok(BugList {
        place: project.place(),
        bugs,
        may_create: held.has(Action::ItemCreate),
    })
}

/// The most items that one look reads.
pub const MOST: i64 = 100;

/// The items with a number above `after`, by number: at most `limit`, at most [`MOST`].
///
/// # Errors
/// As [`access::project`].
pub async fn list(ctx: &OpCtx, org: &str, project: &str, after: i64, limit: i64) -> Result<Vec<Card>> {
    let project = access::project::<See>(ctx, org, project).await?;
    Ok(ctx
        .read()
        .await?
        .items_after(&project, after, limit.clamp(1, MOST))
        .await?)
}

/// One item, by its number.
///
/// # Errors
/// As [`access::project`]; [`Error::NotFound`] for a number nobody has.
pub async fn view(ctx: &OpCtx, org: &str, project: &str, number: i64) -> Result<ItemView> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let held = ctx.rights().await?.in_project(&project);
    let mut tx = ctx.read().await?;
    let item = tx.item(&project, number).await?.ok_or(Error::NotFound)?;
    let id = item.card.id;
    let events = tx.item_events(&project, id).await?;
    let iteration = match item.iteration() {
        Some(id) => tx.iteration(&project, id).await?,
        None => None,
    };
    let (links, parts) = (
        tx.item_links(&project, id).await?,
        tx.item_parts(&project, id).await?,
    );
    let (said, watchers) = (tx.comments(&project, id).await?, tx.watchers(&project, id).await?);
    let names_anybody = item.content.description.contains('@') || said.iter().any(|c| c.body.contains('@'));
    let people: Vec<PersonRef> = if names_anybody {
        let members = tx.members(project.org_id(), Some(project.id())).await?;
        members.into_iter().map(|member| member.person).collect()
    } else {
        Vec::new()
    };
    let attachments = tx.attachments(&project, id).await?;
    let trail = crate::trail::of_item(&mut *tx, &project, id).await?;
    drop(tx);
    let me = ctx.user().ok().map(|person| person.id);
    let may_edit = may_move(ctx, &project, &item).await?;
    let mut next = Vec::new();
    if may_edit {
        for state in item.card.kind.workflow().next(item.card.state) {
            if may_enter(ctx, &project, &item, state).await? {
                next.push(state);
            }
        }
    }
    let place = project.place();
    let base = place.path();
    let around = Around {
        base: &base,
        key: &project.project.key,
        people: &people,
    };
    let may_comment = held.has(Action::ItemCreate);
    let comment = |comment: crate::ports::CommentRecord| {
        let own = may_comment && me == Some(comment.author.id);
        Comment {
            id: comment.id,
            html: markdown::render(&comment.body, around),
            body: comment.body,
            author: comment.author,
            created_at: comment.created_at,
            edited_at: comment.edited_at,
            version: comment.version,
            may_edit: own,
            may_delete: own || held.has(comment::DELETES),
        }
    };
    Ok(ItemView {
        html: markdown::render(&item.content.description, around),
        comments: said.into_iter().map(comment).collect(),
        attachments: attachments
            .into_iter()
            .map(|one| one.shown(may_edit || (may_comment && me == Some(one.author.id))))
            .collect(),
        watching: watchers.iter().any(|person| me == Some(person.id)),
        place,
        card: item.card,
        content: item.content,
        reporter: item.reporter,
        created_at: item.created_at,
        iteration,
        links,
        trail,
        parts,
        events,
        watchers,
        next,
        may_edit,
        may_comment,
    })
}

/// An item to be made.
#[derive(Clone, Debug)]
pub struct NewItem {
    /// What kind of work.
    pub kind: ItemKind,
    /// In one line.
    pub title: String,
    /// In as many words as it takes: Markdown.
    pub description: String,
    /// How soon it is wanted.
    pub priority: Priority,
    /// How bad, for bugs.
    pub severity: Option<Severity>,
    /// Who does it: someone with a role in the project or above.
    pub assignee: Option<UserId>,
    /// The estimate, 0 to 100.
    pub points: Option<i64>,
    /// Whether it joins the iteration that runs.
    pub into_iteration: bool,
    /// What else is written into it; what stands above goes before.
    pub more: Edit,
}

impl NewItem {
    /// A title, and nothing else.
    pub fn titled(kind: ItemKind, title: impl Into<String>) -> Self {
        Self {
            kind,
            title: title.into(),
            description: String::new(),
            priority: Priority::Normal,
            severity: None,
            assignee: None,
            points: None,
            into_iteration: false,
            more: Edit::default(),
        }
    }
}

/// Makes an item; its number in the project.
///
/// # Errors
/// [`Error::Forbidden`], wrong fields, or the database does not answer.
pub async fn create(ctx: &OpCtx, org: &str, project: &str, input: NewItem) -> Result<i64> {
    let project = access::project::<may::ItemCreate>(ctx, org, project).await?;
    let reporter = ctx.user()?.clone();
    let see = project.see();
    let mut change = ctx.change().await?;
    let edit = Edit {
        title: Some(input.title),
        description: Some(input.description),
        priority: Some(input.priority),
        severity: input.severity,
        assignee: input.assignee.into(),
        points: input.points.into(),
        ..input.more
    };
    let mut content = edit::resolve(&mut change, &see, input.kind, Content::titled(""), edit).await?;
    if input.into_iteration && content.iteration.is_none() {
        content.iteration = change.tx().running_iteration(&see).await?.map(|running| Named {
            id: running.id,
            name: running.name,
        });
    }
    let iteration = content.iteration.as_ref().map(|iteration| iteration.id);
    let state = input.kind.workflow().states[0];
    let last = change.tx().last_rank(&see, iteration, state.category()).await?;
    let row = NewItemRow {
        id: ctx.id(),
        kind: input.kind,
        state,
        content,
        reporter: reporter.id,
        rank: rank_between(last.as_deref(), None),
        at: ctx.now(),
    };
    insert(ctx, change, &project, &row).await
}

async fn insert(
    ctx: &OpCtx,
    mut change: Change<'_>,
    project: &Authorized<Project, may::ItemCreate>,
    row: &NewItemRow,
) -> Result<i64> {
    let (proof, see) = (project.modify(), project.see());
    let number = change.tx().insert_item(&proof, row).await?;
    // The first row says that it is there; the rest, what it held from the start and charts ask for.
    let mut events = vec![NewItemEvent {
        after: Value::plain(row.content.title.clone()),
        category: Some(row.state.category()),
        ..edit::row(ctx, "created", 1)
    }];
    let bare = Content {
        title: row.content.title.clone(),
        ..Content::titled("")
    };
    events.extend(edit::rows(ctx, &bare.changes(&row.content), 1));
    change.tx().append_item_events(&proof, row.id, &events).await?;
    let (key, place) = (format!("{}-{number}", project.project.key), project.place());
    let title = &row.content.title;
    let summary = serde_json::json!({ "key": key, "kind": row.kind.key() });
    let entry = Entry::done("item.create", "item", row.id, title.clone(), &place, summary);
    change.audit(entry).await?;
    let created = event::Item {
        id: row.id,
        key: &key,
        kind: row.kind,
        state: row.state,
        before: None,
    };
    event::item(&mut change, &place, created).await?;
    if let Some(assignee) = &row.content.assignee {
        notice::item_assigned(&mut change, project, row.id, (&key, title), assignee.id).await?;
    }
    if row.content.description.contains('@')
        && let Some(item) = change.tx().item(&see, number).await?
    {
        edit::mention(&mut change, &see, &item.card, ("", &row.content.description)).await?;
    }
    change.touch("board", project.id(), &place);
    change.commit().await?;
    Ok(number)
}

/// Where an item goes on the board.
#[derive(Clone, Debug)]
pub struct MoveInput {
    /// Which item.
    pub number: i64,
    /// Into which column.
    pub column: Category,
    /// Under this card.
    pub after: Option<ItemId>,
    /// Above that card.
    pub before: Option<ItemId>,
    /// Only where this is still its version.
    pub expected: Option<i64>,
}

/// Moves an item on the board. Where two people move at once both moves hold: ranks are taken between
/// the neighbors as they are when the move is written.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::Refused`] `transition` where the workflow does not allow it.
pub async fn move_to(ctx: &OpCtx, org: &str, project: &str, input: MoveInput) -> Result<()> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let mut change = ctx.change().await?;
    let item = change
        .tx()
        .item(&project, input.number)
        .await?
        .ok_or(Error::NotFound)?;
    same_version(&item, input.expected)?;
    let state = item
        .card
        .kind
        .workflow()
        .into_column(item.card.state, input.column)
        .map_err(|_| {
            let (kind, from, to) = (item.card.kind.text(), item.card.state.text(), input.column.text());
            Error::refused(
                "transition",
                format!(
                    "The workflow of “{}” does not lead from “{}” to “{}”.",
                    kind.en, from.en, to.en
                ),
                format!("“{}”的流程不允许从“{}”移动到“{}”。", kind.zh, from.zh, to.zh),
            )
        })?;
    let proof = proof_to_enter(ctx, &project, &item, state).await?;
    let under = match input.after {
        Some(id) => change.tx().item_rank(&project, id).await?,
        None => None,
    };
    let above = match input.before {
        Some(id) => change.tx().item_rank(&project, id).await?,
        None => None,
    };
    let under = if input.after.is_none() && input.before.is_none() {
        change
            .tx()
            .last_rank(&project, item.iteration(), input.column)
            .await?
    } else {
        under
    };
    let rank = rank_between(under.as_deref(), above.as_deref());
    write_move(&mut change, &proof, &project, &item, (state, &rank, None)).await?;
    change.commit().await
}

/// A change that was made from an older version is refused where the caller asked for that.
fn same_version(item: &ItemRecord, expected: Option<i64>) -> Result<()> {
    match expected {
        Some(version) if version != item.card.version => Err(Error::version_mismatch()),
        _ => Ok(()),
    }
}

/// Changes an item's state, from its page; with `expected`, only where that is still its version.
///
/// # Errors
/// As [`move_to`].
pub async fn set_state(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    number: i64,
    state: ItemState,
    expected: Option<i64>,
) -> Result<()> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let mut change = ctx.change().await?;
    let item = change.tx().item(&project, number).await?.ok_or(Error::NotFound)?;
    same_version(&item, expected)?;
    let proof = proof_to_enter(ctx, &project, &item, state).await?;
    if !item
        .card
        .kind
        .workflow()
        .next(item.card.state)
        .any(|next| next == state)
    {
        let (from, to) = (item.card.state.text(), state.text());
        return Err(Error::refused(
            "transition",
            format!("The workflow does not lead from “{}” to “{}”.", from.en, to.en),
            format!("流程不允许从“{}”变为“{}”。", from.zh, to.zh),
        ));
    }
    let last = change
        .tx()
        .last_rank(&project, item.iteration(), state.category())
        .await?;
    let rank = rank_between(last.as_deref(), None);
    write_move(&mut change, &proof, &project, &item, (state, &rank, None)).await?;
    change.commit().await
}

/// Moves an item to a state and a rank, with all that goes with it. It is not committed yet. Whoever calls has looked
/// whether the workflow leads there; `cause` is why nobody did it.
pub(crate) async fn write_move(
    change: &mut Change<'_>,
    proof: &Authorized<Project, Modify>,
    project: &Authorized<Project, See>,
    item: &ItemRecord,
    (state, rank, cause): (ItemState, &str, Option<&Cause>),
) -> Result<()> {
    let ctx = change.ctx().clone();
    let now = ctx.now();
    change
        .tx()
        .move_item(proof, item.card.id, item.card.version, state, rank, now)
        .await?;
    let place = project.place();
    if state == item.card.state {
        // A place in a column is no fact that an auditor would ask for.
        change.bookkeeping();
    } else {
        let named = |state: ItemState| Value {
            key: state.key().to_owned(),
            said: state.text().en,
        };
        let event = NewItemEvent {
            before: named(item.card.state),
            after: named(state),
            category: Some(state.category()),
            cause: cause.cloned(),
            ..edit::row(&ctx, "state", item.card.version + 1)
        };
        change
            .tx()
            .append_item_events(proof, item.card.id, &[event])
            .await?;
        let mut summary =
            serde_json::json!({ "key": item.card.key, "from": item.card.state.key(), "to": state.key() });
        if let Some(cause) = cause {
            summary["automation"] = cause.trigger.key().into();
            summary["cause"] = cause.said.clone().into();
        }
        change
            .audit(Entry::done(
                "item.move",
                "item",
                item.card.id,
                item.card.title.clone(),
                &place,
                summary,
            ))
            .await?;
        let changed = event::Item {
            id: item.card.id,
            key: &item.card.key,
            kind: item.card.kind,
            state,
            before: Some(item.card.state),
        };
        event::item(change, &place, changed).await?;
        notice::item_moved(change, project, &item.card, item.reporter.id, state).await?;
    }
    change.touch("board", project.id(), &place);
    change.touch("item", item.card.id, &place);
    Ok(())
}

/// Who may move an item: editors, its reporter and its assignee.
pub(crate) async fn may_move(
    ctx: &OpCtx,
    project: &Authorized<Project, See>,
    item: &ItemRecord,
) -> Result<bool> {
    let held = ctx.rights().await?.in_project(project);
    let own = ctx.user().is_ok_and(|me| {
        me.id == item.reporter.id || item.card.assignee.as_ref().is_some_and(|a| a.id == me.id)
    });
    Ok(held.has(Action::ItemEdit) || (own && held.has(Action::ItemCreate)))
}

/// Whether closing or reopening a bug is open to the reader, on top of moving it.
async fn may_enter(
    ctx: &OpCtx,
    project: &Authorized<Project, See>,
    item: &ItemRecord,
    state: ItemState,
) -> Result<bool> {
    let closes = item.card.kind == ItemKind::Bug
        && state != item.card.state
        && matches!(state, ItemState::Closed | ItemState::Reopened);
    if !closes {
        return Ok(true);
    }
    let held = ctx.rights().await?.in_project(project);
    Ok(held.has(Action::BugClose) || ctx.user().is_ok_and(|me| me.id == item.reporter.id))
}

async fn proof_to_enter(
    ctx: &OpCtx,
    project: &Authorized<Project, See>,
    item: &ItemRecord,
    state: ItemState,
) -> Result<Authorized<Project, Modify>> {
    let (org, slug) = (project.org.slug.clone(), project.project.slug.clone());
    if !may_enter(ctx, project, item, state).await? {
        return access::project::<may::BugClose>(ctx, &org, &slug)
            .await
            .map(|p| p.modify());
    }
    if may_move(ctx, project, item).await? {
        return access::own_item(project);
    }
    access::project::<may::ItemEdit>(ctx, &org, &slug)
        .await
        .map(|p| p.modify())
}

/// An iteration to be started.
#[derive(Clone, Debug)]
pub struct IterationInput {
    /// For people.
    pub name: String,
    /// What it is for.
    pub goal: String,
    /// `YYYY-MM-DD`.
    pub starts_on: String,
    /// `YYYY-MM-DD`, not before the first day.
    pub ends_on: String,
}

/// An iteration as `input` has it.
///
/// # Errors
/// Every field that is wrong.
pub(crate) fn checked_iteration(ctx: &OpCtx, input: IterationInput) -> Result<NewIteration> {
    let mut wrong = Vec::new();
    if input.name.trim().is_empty() {
        wrong.push(FieldError {
            field: String::from("name"),
            text: Text::new("a name is needed", "请填写名称"),
        });
    }
    let day = |text: &str| text.parse::<jiff::civil::Date>().ok();
    for (field, text) in [("starts_on", &input.starts_on), ("ends_on", &input.ends_on)] {
        if day(text).is_none() {
            let text = Text::new("use a day such as 2026-11-21", "请填写日期，如 2026-11-21");
            wrong.push(FieldError {
                field: field.to_owned(),
                text,
            });
        }
    }
    if wrong.is_empty() && day(&input.ends_on) < day(&input.starts_on) {
        let text = Text::new("it ends before it starts", "结束日期早于开始日期");
        wrong.push(FieldError {
            field: String::from("ends_on"),
            text,
        });
    }
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    Ok(NewIteration {
        id: ctx.id(),
        name: input.name.trim().to_owned(),
        goal: input.goal.trim().to_owned(),
        starts_on: input.starts_on,
        ends_on: input.ends_on,
        at: ctx.now(),
    })
}

/// Starts an iteration; its number.
///
/// # Errors
/// [`Error::Forbidden`], wrong fields, [`Error::Conflict`] where one runs.
pub async fn start_iteration(ctx: &OpCtx, org: &str, project: &str, input: IterationInput) -> Result<i64> {
    let project = access::project::<may::IterationEdit>(ctx, org, project).await?;
    let new = checked_iteration(ctx, input)?;
    let place = project.place();
    let mut change = ctx.change().await?;
    let number = change
        .tx()
        .insert_iteration(&project.modify(), &new)
        .await
        .map_err(|error| match error {
            StoreError::Constraint(_) => one_runs(),
            other => other.into(),
        })?;
    let summary = serde_json::json!({ "number": number, "from": new.starts_on, "to": new.ends_on });
    change
        .audit(Entry::done(
            "iteration.start",
            "iteration",
            new.id,
            new.name,
            &place,
            summary,
        ))
        .await?;
    change.touch("board", project.id(), &place);
    change.commit().await?;
    Ok(number)
}

/// One iteration of a project runs at a time.
pub(crate) fn one_runs() -> Error {
    Error::conflict(
        "iteration_running",
        "An iteration runs already. Close it before you start the next one.",
        "已有迭代正在进行，请先结束它。",
    )
}
