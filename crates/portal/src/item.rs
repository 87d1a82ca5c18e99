//! Work items, the board and iterations.

use crate::access::may::See;
use crate::access::{self, Authorized, Project, may};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::error::{Error, FieldError, Result};
use crate::markdown::{self, Around};
use crate::notice::tell as notice;
use crate::ports::{NewItemEvent, NewItemRow, NewIteration, StoreError};
use crate::subscriber::event;
use slipway_domain::access::Action;
use slipway_domain::board::ColumnKey;
use slipway_domain::id::UserId;
use slipway_domain::item::{
    BugFilter, BugList, Card, Comment, Content, ItemKind, ItemView, Named, Priority, Severity, Value,
    rank_between,
};
use slipway_domain::person::PersonRef;
use slipway_domain::table::{SavedView, ViewPage};
use slipway_domain::text::Text;

mod board;
mod clash;
mod comment;
pub(crate) mod due;
pub(crate) mod edit;
mod moves;

pub use board::{BoardAsked, board, board_of};
pub use comment::{add_comment, delete_comment, edit_comment, link, watch};
pub use edit::{BULK_MOST, Base, Edit, Set, bulk, edit, update};
use moves::may_move;
pub(crate) use moves::moved_to;
pub use moves::{MoveInput, delete, move_to, set_state};

/// Bugs a page.
const BUGS: i64 = 200;

/// How many of them a filter looks through.
const BUGS_FILTERED: i64 = 5_000;

/// The project's bugs.
///
/// # Errors
/// As [`access::project`].
pub async fn bugs(ctx: &OpCtx, org: &str, project: &str) -> Result<BugList> {
    bugs_of(ctx, org, project, (BugFilter::default(), false)).await
}

/// The project's bugs: those that the filter shows; where it shows all and `by_default` is said, as the default view of
/// the page has it.
///
/// # Errors
/// As [`access::project`].
pub async fn bugs_of(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    (filter, by_default): (BugFilter, bool),
) -> Result<BugList> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let held = ctx.rights().await?.in_project(&project);
    let mut tx = ctx.read().await?;
    let views = crate::table::views_of(ctx, &project, &mut *tx, Some(ViewPage::Bugs)).await?;
    let filter = match SavedView::default_of(&views) {
        Some(view) if by_default && filter.is_empty() => BugFilter::read(&view.query),
        _ => filter,
    };
    let most = if filter.is_empty() { BUGS } else { BUGS_FILTERED };
    let mut bugs = tx.bugs(&project, most).await?;
    let mut people: Vec<PersonRef> = bugs.iter().filter_map(|bug| bug.card.assignee.clone()).collect();
    people.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    people.dedup();
    bugs.retain(|bug| filter.shows(&bug.card));
    bugs.truncate(usize::try_from(BUGS).unwrap_or(usize::MAX));
    let groups = tx.bug_groups(&project).await?;
    let steps = tx.steps(&project, None).await?;
    let figures = crate::insight::bug_figures(&steps, ctx.now());
    Ok(BugList {
        views,
        filter,
        people,
        groups,
        figures,
        now: ctx.now(),
        may_share: held.has(Action::BoardEdit),
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
    let (setup, _) = tx.board_setup(&project).await?;
    let may_delete = moves::may_delete(ctx, &project, &item).await?;
    let parent = item
        .content
        .parent
        .as_ref()
        .and_then(|parent| edit::number_of(&parent.name, &project.project.key));
    let parent_deleted = match parent {
        Some(number) => tx.item(&project, number).await?.is_none(),
        None => false,
    };
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
    let mirror = tx.link_of_item(&project, id).await?.map(|record| record.link);
    drop(tx);
    let me = ctx.user().ok().map(|person| person.id);
    let may_edit = may_move(ctx, &project, &item).await?;
    let (next, held_back) = if may_edit {
        moves::ways(ctx, &project, &setup, &item).await?
    } else {
        (Vec::new(), Vec::new())
    };
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
        mirror,
        parts,
        events,
        watchers,
        next,
        held_back,
        may_edit,
        may_comment,
        may_delete,
        parent_deleted,
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
    /// The column of the board that it is put into; `None`: it stands where new items do.
    pub column: Option<ColumnKey>,
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
            column: None,
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
    change.tx().lock_board(&project.modify()).await?;
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
    let state = moves::begins(
        ctx,
        &mut change,
        &see,
        (input.kind, &content),
        input.column.as_ref(),
    )
    .await?;
    let last = change.tx().last_rank(&see, iteration).await?;
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
        state: &row.state,
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
    crate::mirror::item_changed(&mut change, &see, row.id).await?;
    change.touch("board", project.id(), &place);
    change.commit().await?;
    Ok(number)
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
