//! The table of work items, and saved views.

use crate::access::{self, Authorized, Project, may};
use crate::change::Entry;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{Tx, ViewRecord};
use may::See;
use slipway_domain::access::Action;
use slipway_domain::id::SavedViewId;
use slipway_domain::table::{SavedView, TableCursor, TableQuery, TableRow, TableView, VIEWS_MOST, ViewPage};
use slipway_domain::text::Text;
use slipway_domain::time::{DAY, Timestamp};

/// Rows a page.
const PAGE: usize = 50;

/// The day of an instant in UTC, `YYYY-MM-DD`.
pub(crate) fn day_of(at: Timestamp) -> String {
    at.rfc3339().chars().take(10).collect()
}

/// A page of the table, from after `cursor`. Without a query, as the reader's or the project's default view has it.
///
/// # Errors
/// As [`access::project`]; [`Error::Invalid`] `cursor`.
pub async fn page(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    asked: &str,
    cursor: Option<&str>,
) -> Result<TableView> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let held = ctx.rights().await?.in_project(&project);
    let after = read_cursor(cursor)?;
    let mut tx = ctx.read().await?;
    let views = views_of(ctx, &project, &mut *tx, Some(ViewPage::Table)).await?;
    let asked = match SavedView::default_of(&views) {
        Some(view) if SavedView::asks_for_nothing(asked) => TableQuery::read(&view.query),
        _ => TableQuery::read(asked),
    };
    let (rows, more) = rows(ctx, &project, &mut *tx, (&asked, after.as_ref()), PAGE).await?;
    let next = rows.last().filter(|_| more).map(|(_, cursor)| cursor.written());
    let rows = rows.into_iter().map(|(row, _)| row).collect();
    let mut choices = tx.item_choices(&project).await?;
    for member in tx.members(project.org_id(), Some(project.id())).await? {
        if choices.people.iter().all(|known| known.id != member.person.id) {
            choices.people.push(member.person);
        }
    }
    Ok(TableView {
        place: project.place(),
        asked,
        rows,
        next,
        choices,
        today: day_of(ctx.now()),
        views,
        may_edit: held.has(Action::ItemEdit),
        may_share: held.has(Action::BoardEdit),
    })
}

fn read_cursor(cursor: Option<&str>) -> Result<Option<TableCursor>> {
    match cursor.filter(|cursor| !cursor.is_empty()) {
        None => Ok(None),
        Some(cursor) => TableCursor::read(cursor).map(Some).ok_or_else(|| {
            let text = Text::new("begin at the first page", "请从第一页开始");
            Error::field("cursor", text)
        }),
    }
}

/// Rows a page for programs.
const MOST: usize = 200;

/// A page of rows for a program, each with where a page that ends with it goes on, and whether there are others behind
/// them: as [`page`], without what else its page shows and without a default view.
///
/// # Errors
/// As [`page`].
pub async fn list(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    asked: &TableQuery,
    cursor: Option<&str>,
) -> Result<(Vec<(TableRow, TableCursor)>, bool)> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let after = read_cursor(cursor)?;
    let mut tx = ctx.read().await?;
    rows(ctx, &project, &mut *tx, (asked, after.as_ref()), MOST).await
}

async fn rows(
    ctx: &OpCtx,
    project: &Authorized<Project, See>,
    tx: &mut dyn Tx,
    (asked, after): (&TableQuery, Option<&TableCursor>),
    most: usize,
) -> Result<(Vec<(TableRow, TableCursor)>, bool)> {
    let (today, week) = (day_of(ctx.now()), day_of(ctx.now().plus(7 * DAY)));
    let limit = i64::try_from(most + 1).unwrap_or(i64::MAX);
    let rows = tx
        .table_page(project, asked, (&today, &week), after, limit)
        .await?;
    let more = rows.len() > most;
    let with_cursor = |(row, value): (TableRow, String)| {
        let number = row
            .card
            .key
            .rsplit('-')
            .next()
            .and_then(|number| number.parse().ok());
        let number = number.unwrap_or_default();
        (row, TableCursor { value, number })
    };
    Ok((rows.into_iter().take(most).map(with_cursor).collect(), more))
}

/// The views that the reader has of a page of the project, or of all.
///
/// # Errors
/// As [`access::project`].
pub async fn views(ctx: &OpCtx, org: &str, project: &str, page: Option<ViewPage>) -> Result<Vec<SavedView>> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let mut tx = ctx.read().await?;
    views_of(ctx, &project, &mut *tx, page).await
}

pub(crate) async fn views_of(
    ctx: &OpCtx,
    project: &Authorized<Project, See>,
    tx: &mut dyn Tx,
    page: Option<ViewPage>,
) -> Result<Vec<SavedView>> {
    let Ok(me) = ctx.user() else {
        return Ok(Vec::new());
    };
    let may_share = ctx.rights().await?.in_project(project).has(Action::BoardEdit);
    let views = tx.saved_views(project, me.id, page).await?;
    let seen = |view: ViewRecord| SavedView {
        id: view.id,
        page: view.page,
        name: view.name,
        query: view.query,
        shared: view.shared,
        is_default: view.is_default,
        mine: view.owner.id == me.id,
        may_edit: if view.shared {
            may_share
        } else {
            view.owner.id == me.id
        },
        owner: view.owner,
        version: view.version,
    };
    Ok(views.into_iter().map(seen).collect())
}

/// What a view is to be.
#[derive(Clone, Debug)]
pub struct ViewInput {
    /// What it is called.
    pub name: String,
    /// What stands in the address behind `?`.
    pub query: String,
    /// Whether everybody in the project has it.
    pub shared: bool,
    /// Whether the page opens with it.
    pub is_default: bool,
}

fn checked(input: ViewInput) -> Result<ViewInput> {
    let ViewInput {
        name,
        query,
        shared,
        is_default,
    } = input;
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let query = SavedView::kept(&query);
    match SavedView::wrong(&name, &query) {
        Some((field, text)) => Err(Error::field(field, text)),
        None => Ok(ViewInput {
            name,
            query,
            shared,
            is_default,
        }),
    }
}

/// Who may share a view may change how the board is set up: everybody sees it.
async fn may_share(ctx: &OpCtx, org: &str, project: &str, shared: bool) -> Result<()> {
    if shared {
        access::project::<may::BoardEdit>(ctx, org, project).await?;
    }
    Ok(())
}

/// Saves a view; its id.
///
/// # Errors
/// [`Error::Forbidden`] for one that is shared; wrong fields; [`Error::Refused`] `too_many_views`.
pub async fn save_view(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    page: ViewPage,
    input: ViewInput,
) -> Result<SavedViewId> {
    let see = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    may_share(ctx, org, project, input.shared).await?;
    let input = checked(input)?;
    let mut change = ctx.change().await?;
    let owner = ctx.user()?.clone();
    let kept = change.tx().saved_views(&see, owner.id, Some(page)).await?;
    let own = kept.iter().filter(|view| view.owner.id == owner.id).count();
    if i64::try_from(own).is_ok_and(|own| own >= VIEWS_MOST) {
        return Err(Error::refused(
            "too_many_views",
            "You keep 50 views of this page already. Remove one first.",
            "你在此页面已保存 50 个视图，请先删除一个。",
        ));
    }
    let view = ViewRecord {
        id: ctx.id(),
        owner,
        page,
        name: input.name,
        query: input.query,
        shared: input.shared,
        is_default: input.is_default,
        version: 1,
        created_at: ctx.now(),
    };
    change.tx().insert_view(&see, &view).await?;
    settle(change, &see, "view.save", &view).await?;
    Ok(view.id)
}

/// Audits a change of a view and commits it. One's own is one's own bookkeeping.
async fn settle(
    mut change: crate::change::Change<'_>,
    see: &Authorized<Project, See>,
    action: &'static str,
    view: &ViewRecord,
) -> Result<()> {
    if view.is_default && action != "view.remove" {
        change.tx().clear_default_view(see, view).await?;
    }
    let place = see.place();
    if view.shared {
        let summary =
            serde_json::json!({ "page": view.page.key(), "query": view.query, "default": view.is_default });
        change
            .audit(Entry::done(
                action,
                "view",
                view.id,
                view.name.clone(),
                &place,
                summary,
            ))
            .await?;
        change.touch("board", see.id(), &place);
    } else {
        change.bookkeeping();
    }
    change.commit().await
}

/// The view of that id, for who may change it. What is somebody else's own is not there.
async fn own(
    ctx: &OpCtx,
    change: &mut crate::change::Change<'_>,
    (org, project): (&str, &str),
    see: &Authorized<Project, See>,
    id: SavedViewId,
) -> Result<ViewRecord> {
    let me = ctx.user()?.id;
    let view = change.tx().saved_view(see, id).await?;
    let view = view
        .filter(|view| view.shared || view.owner.id == me)
        .ok_or(Error::NotFound)?;
    may_share(ctx, org, project, view.shared).await?;
    Ok(view)
}

/// Changes a view; with `expected`, only where that is still its version.
///
/// # Errors
/// As [`save_view`]; [`Error::NotFound`]; [`Error::Conflict`] where somebody else changed it.
pub async fn update_view(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    id: SavedViewId,
    input: ViewInput,
    expected: Option<i64>,
) -> Result<()> {
    let see = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let mut change = ctx.change().await?;
    let view = own(ctx, &mut change, (org, project), &see, id).await?;
    if expected.is_some_and(|expected| expected != view.version) {
        return Err(Error::version_mismatch());
    }
    may_share(ctx, org, project, input.shared).await?;
    let input = checked(input)?;
    let view = ViewRecord {
        name: input.name,
        query: input.query,
        shared: input.shared,
        is_default: input.is_default,
        ..view
    };
    change.tx().update_view(&see, &view).await?;
    settle(change, &see, "view.edit", &view).await
}

/// Takes a view away.
///
/// # Errors
/// As [`update_view`].
pub async fn remove_view(ctx: &OpCtx, org: &str, project: &str, id: SavedViewId) -> Result<()> {
    let see = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let mut change = ctx.change().await?;
    let view = own(ctx, &mut change, (org, project), &see, id).await?;
    change.tx().delete_view(&see, id).await?;
    settle(change, &see, "view.remove", &view).await
}
