//! Work items, the board and iterations.

use crate::access::may::{Modify, See};
use crate::access::{self, Authorized, Project, may};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::error::{Error, FieldError, Result};
use crate::notice::tell as notice;
use crate::ports::{ItemRecord, NewItemRow, NewIteration, StoreError};
use crate::subscriber::event;
use slipway_domain::access::Action;
use slipway_domain::id::{ItemId, UserId};
use slipway_domain::item::{
    BoardColumn, BoardView, BugList, Card, Category, ItemEvent, ItemKind, ItemState, ItemView, Priority,
    Severity, rank_between,
};
use slipway_domain::text::Text;

/// Bugs a page.
const BUGS: i64 = 200;

/// What the board of the running iteration shows; without one, the items that are planned for none.
///
/// # Errors
/// As [`access::project`].
pub async fn board(ctx: &OpCtx, org: &str, project: &str) -> Result<BoardView> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let held = ctx.rights().await?.in_project(&project);
    let mut tx = ctx.read().await?;
    let iteration = tx.running_iteration(&project).await?;
    let cards = tx.cards(&project, iteration.as_ref().map(|i| i.id)).await?;
    drop(tx);
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
    let mut tx = ctx.read().await?;
    let item = tx.item(&project, number).await?.ok_or(Error::NotFound)?;
    let events = tx.item_events(&project, item.card.id).await?;
    let iteration = match item.iteration {
        Some(id) => tx.iteration(&project, id).await?,
        None => None,
    };
    drop(tx);
    let may_edit = may_move(ctx, &project, &item).await?;
    let mut next = Vec::new();
    if may_edit {
        for state in item.card.kind.workflow().next(item.card.state) {
            if may_enter(ctx, &project, &item, state).await? {
                next.push(state);
            }
        }
    }
    Ok(ItemView {
        place: project.place(),
        card: item.card,
        description: item.description,
        reporter: item.reporter,
        created_at: item.created_at,
        iteration,
        events,
        next,
        may_edit,
    })
}

/// An item to be made.
#[derive(Clone, Debug)]
pub struct NewItem {
    /// What kind of work.
    pub kind: ItemKind,
    /// In one line.
    pub title: String,
    /// In as many words as it takes.
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
}

/// The longest title, in characters.
const TITLE_MAX: usize = 200;
/// The longest description, in characters.
const DESCRIPTION_MAX: usize = 50_000;

fn checked(input: &NewItem) -> Result<()> {
    let mut wrong = Vec::new();
    let mut field = |field: &str, en: &str, zh: &str| {
        wrong.push(FieldError {
            field: field.to_owned(),
            text: Text::new(en, zh),
        });
    };
    if input.title.trim().is_empty() {
        field("title", "say in one line what it is", "请用一句话说明内容");
    } else if input.title.chars().count() > TITLE_MAX {
        field(
            "title",
            "use at most 200 characters; the rest fits in the description",
            "标题最多 200 个字符，其余请写在描述中",
        );
    }
    if input.description.chars().count() > DESCRIPTION_MAX {
        field(
            "description",
            "use at most 50,000 characters",
            "描述最多 50000 个字符",
        );
    }
    if input.points.is_some_and(|p| !(0..=100).contains(&p)) {
        field(
            "points",
            "use a number from 0 to 100",
            "请填写 0 到 100 之间的数字",
        );
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(wrong))
    }
}

/// Makes an item; its number in the project.
///
/// # Errors
/// [`Error::Forbidden`], wrong fields, or the database does not answer.
pub async fn create(ctx: &OpCtx, org: &str, project: &str, input: NewItem) -> Result<i64> {
    let project = access::project::<may::ItemCreate>(ctx, org, project).await?;
    let reporter = ctx.user()?.clone();
    checked(&input)?;
    let see = project.see();
    let mut change = ctx.change().await?;
    if let Some(assignee) = input.assignee {
        let members = change.tx().members(project.org_id(), Some(project.id())).await?;
        if !members.iter().any(|m| m.person.id == assignee) {
            return Err(Error::field(
                "assignee",
                Text::new("this person has no role here", "此人在该项目中没有角色"),
            ));
        }
    }
    let iteration = if input.into_iteration {
        change.tx().running_iteration(&see).await?.map(|i| i.id)
    } else {
        None
    };
    let state = input.kind.workflow().states[0];
    let last = change.tx().last_rank(&see, iteration, state.category()).await?;
    let row = NewItemRow {
        id: ctx.id(),
        kind: input.kind,
        title: input.title.trim().to_owned(),
        description: input.description,
        state,
        priority: input.priority,
        severity: (input.kind == ItemKind::Bug).then(|| input.severity.unwrap_or(Severity::Normal)),
        assignee: input.assignee,
        reporter: reporter.id,
        iteration,
        points: input.points,
        rank: rank_between(last.as_deref(), None),
        at: ctx.now(),
    };
    let number = change.tx().insert_item(&project.modify(), &row).await?;
    let event = ItemEvent {
        at: row.at,
        by: Some(reporter),
        field: String::from("created"),
        before: String::new(),
        after: row.title.clone(),
    };
    change
        .tx()
        .append_item_event(&project.modify(), row.id, &event)
        .await?;
    let key = format!("{}-{number}", project.project.key);
    let place = project.place();
    let summary = serde_json::json!({ "key": key, "kind": row.kind.key() });
    change
        .audit(Entry::done(
            "item.create",
            "item",
            row.id,
            row.title.clone(),
            &place,
            summary,
        ))
        .await?;
    let created = event::Item {
        id: row.id,
        key: &key,
        kind: row.kind,
        state,
        before: None,
    };
    event::item(&mut change, &place, created).await?;
    if let Some(assignee) = row.assignee {
        notice::item_assigned(&mut change, &project, row.id, (&key, &row.title), assignee).await?;
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
            .last_rank(&project, item.iteration, input.column)
            .await?
    } else {
        under
    };
    let rank = rank_between(under.as_deref(), above.as_deref());
    write_move(ctx, change, &proof, &project, &item, state, &rank).await
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
        .last_rank(&project, item.iteration, state.category())
        .await?;
    let rank = rank_between(last.as_deref(), None);
    write_move(ctx, change, &proof, &project, &item, state, &rank).await
}

async fn write_move(
    ctx: &OpCtx,
    mut change: Change<'_>,
    proof: &Authorized<Project, Modify>,
    project: &Authorized<Project, See>,
    item: &ItemRecord,
    state: ItemState,
    rank: &str,
) -> Result<()> {
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
        let event = ItemEvent {
            at: now,
            by: ctx.user().ok().cloned(),
            field: String::from("state"),
            before: item.card.state.key().to_owned(),
            after: state.key().to_owned(),
        };
        change.tx().append_item_event(proof, item.card.id, &event).await?;
        let summary =
            serde_json::json!({ "key": item.card.key, "from": item.card.state.key(), "to": state.key() });
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
        event::item(&mut change, &place, changed).await?;
        notice::item_moved(&mut change, project, &item.card, item.reporter.id, state).await?;
    }
    change.touch("board", project.id(), &place);
    change.touch("item", item.card.id, &place);
    change.commit().await
}

/// Who may move an item: editors, its reporter and its assignee.
async fn may_move(ctx: &OpCtx, project: &Authorized<Project, See>, item: &ItemRecord) -> Result<bool> {
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

/// Starts an iteration; its number.
///
/// # Errors
/// [`Error::Forbidden`], wrong fields, [`Error::Conflict`] where one runs.
pub async fn start_iteration(ctx: &OpCtx, org: &str, project: &str, input: IterationInput) -> Result<i64> {
    let project = access::project::<may::IterationEdit>(ctx, org, project).await?;
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
    let new = NewIteration {
        id: ctx.id(),
        name: input.name.trim().to_owned(),
        goal: input.goal.trim().to_owned(),
        starts_on: input.starts_on,
        ends_on: input.ends_on,
        at: ctx.now(),
    };
    let place = project.place();
    let mut change = ctx.change().await?;
    let number = change
        .tx()
        .insert_iteration(&project.modify(), &new)
        .await
        .map_err(|error| match error {
            StoreError::Constraint(_) => Error::conflict(
                "iteration_running",
                "An iteration runs already. Close it before you start the next one.",
                "已有迭代正在进行，请先结束它。",
            ),
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
