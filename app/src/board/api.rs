//! Server functions about work items, the board and iterations.

#![expect(clippy::too_many_arguments, reason = "one a field of the form")]

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::board::ColumnKey;
use slipway_domain::id::{AppId, AttachmentId, CommentId, EnvironmentId, ItemId, IterationId, UserId};
use slipway_domain::item::{
    BoardView, BugList, ItemEdit, ItemKind, ItemView, LaneBy, Priority, Relation, Severity, StateKey,
};

/// The board of the iteration that runs, with the cards that are asked for.
#[server(name = ReadBoard, prefix = "/api/fn", endpoint = "item/board", input = GetUrl)]
pub async fn read_board(
    org: String,
    project: String,
    kind: Option<ItemKind>,
    assignee: Option<UserId>,
    label: Option<String>,
    words: Option<String>,
    lanes: Option<LaneBy>,
    view: Option<String>,
) -> Result<BoardView, AppError> {
    let ctx = crate::ctx()?;
    let filter = slipway_domain::item::BoardFilter {
        kind,
        assignee,
        label: label.unwrap_or_default(),
        words: words.unwrap_or_default(),
    };
    let asked = slipway_portal::item::BoardAsked {
        filter,
        lanes_by: lanes,
        by_default: view.is_none(),
    };
    Ok(slipway_portal::item::board_of(&ctx, &org, &project, asked).await?)
}

/// The project's bugs.
#[server(name = ReadBugs, prefix = "/api/fn", endpoint = "item/bugs", input = GetUrl)]
pub async fn read_bugs(
    org: String,
    project: String,
    #[server(default)] asked: String,
    view: Option<String>,
) -> Result<BugList, AppError> {
    let ctx = crate::ctx()?;
    let filter = slipway_domain::item::BugFilter::read(&asked);
    Ok(slipway_portal::item::bugs_of(&ctx, &org, &project, (filter, view.is_none())).await?)
}

/// One item, by its key as in `CHK-12`. A key that is none reads as not found.
#[server(name = ReadItem, prefix = "/api/fn", endpoint = "item/view", input = GetUrl)]
pub async fn read_item(org: String, project: String, key: String) -> Result<ItemView, AppError> {
    let ctx = crate::ctx()?;
    let number = super::number_of(&key).ok_or(slipway_portal::Error::NotFound)?;
    Ok(slipway_portal::item::view(&ctx, &org, &project, number).await?)
}

/// The item that is open in a drawer, by its key; none where no key is given.
#[server(name = ReadDrawer, prefix = "/api/fn", endpoint = "item/drawer", input = GetUrl)]
pub async fn read_drawer(
    org: String,
    project: String,
    key: Option<String>,
) -> Result<Option<ItemView>, AppError> {
    let ctx = crate::ctx()?;
    let Some(key) = key.filter(|key| !key.is_empty()) else {
        return Ok(None);
    };
    let number = super::number_of(&key).ok_or(slipway_portal::Error::NotFound)?;
    Ok(Some(
        slipway_portal::item::view(&ctx, &org, &project, number).await?,
    ))
}

/// Adds a card to the iteration that runs, by its title alone, into a column.
#[server(name = AddCard, prefix = "/api/fn", endpoint = "item/add")]
pub async fn add_card(
    org: String,
    project: String,
    title: String,
    kind: ItemKind,
    column: Option<ColumnKey>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let item = slipway_portal::item::NewItem {
        kind,
        title,
        description: String::new(),
        priority: Priority::Normal,
        severity: None,
        assignee: None,
        points: None,
        into_iteration: true,
        column,
        more: slipway_portal::item::Edit::default(),
    };
    slipway_portal::item::create(&ctx, &org, &project, item).await?;
    Ok(())
}

/// Makes an item and leads to its page.
#[server(name = CreateItem, prefix = "/api/fn", endpoint = "item/create")]
pub async fn create_item(
    org: String,
    project: String,
    kind: ItemKind,
    title: String,
    description: String,
    priority: Priority,
    severity: Option<Severity>,
    assignee: Option<UserId>,
    points: Option<i64>,
    into_iteration: Option<bool>,
    #[server(default)] labels: String,
    #[server(default)] starts_on: String,
    #[server(default)] due_on: String,
    #[server(default)] parent: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let into_iteration = into_iteration.unwrap_or_default();
    let more = slipway_portal::item::Edit {
        labels: Some(labels),
        starts_on: Some(starts_on),
        due_on: Some(due_on),
        parent: Some(parent),
        ..slipway_portal::item::Edit::default()
    };
    let item = slipway_portal::item::NewItem {
        kind,
        title,
        description,
        priority,
        severity,
        assignee,
        points,
        into_iteration,
        column: None,
        more,
    };
    let number = slipway_portal::item::create(&ctx, &org, &project, item).await?;
    leptos_axum::redirect(&format!(
        "{}/items/{number}",
        crate::places::project(&org, &project)
    ));
    Ok(())
}

/// Moves a card to a column, or within its own, under `after` and above `before`.
#[server(name = MoveItem, prefix = "/api/fn", endpoint = "item/move")]
pub async fn move_item(
    org: String,
    project: String,
    number: i64,
    column: Option<ColumnKey>,
    after: Option<ItemId>,
    before: Option<ItemId>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let input = slipway_portal::item::MoveInput {
        number,
        column,
        after,
        before,
        expected: None,
    };
    Ok(slipway_portal::item::move_to(&ctx, &org, &project, input).await?)
}

/// Changes an item's state from its page.
#[server(name = SetItemState, prefix = "/api/fn", endpoint = "item/state")]
pub async fn set_item_state(
    org: String,
    project: String,
    number: i64,
    state: StateKey,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::item::set_state(&ctx, &org, &project, number, &state, None).await?)
}

/// Deletes an item and leads to the board.
#[server(name = DeleteItem, prefix = "/api/fn", endpoint = "item/delete")]
pub async fn delete_item(org: String, project: String, number: i64) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    slipway_portal::item::delete(&ctx, &org, &project, number, None).await?;
    leptos_axum::redirect(&format!("{}/board", crate::places::project(&org, &project)));
    Ok(())
}

/// Starts an iteration.
#[server(name = StartIteration, prefix = "/api/fn", endpoint = "iteration/start")]
pub async fn start_iteration(
    org: String,
    project: String,
    name: String,
    goal: String,
    starts_on: String,
    ends_on: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let input = slipway_portal::item::IterationInput {
        name,
        goal,
        starts_on,
        ends_on,
    };
    slipway_portal::item::start_iteration(&ctx, &org, &project, input).await?;
    Ok(())
}

/// What the form of an item shows.
#[server(name = ReadItemEdit, prefix = "/api/fn", endpoint = "item/edit", input = GetUrl)]
pub async fn read_item_edit(org: String, project: String, key: String) -> Result<ItemEdit, AppError> {
    let ctx = crate::ctx()?;
    let number = super::number_of(&key).ok_or(slipway_portal::Error::NotFound)?;
    Ok(slipway_portal::item::edit(&ctx, &org, &project, number).await?)
}

/// Changes what is written into an item, from its version `version`, and leads to its page.
#[server(name = UpdateItem, prefix = "/api/fn", endpoint = "item/update")]
pub async fn update_item(
    org: String,
    project: String,
    number: i64,
    version: i64,
    title: String,
    #[server(default)] description: String,
    priority: Priority,
    severity: Option<Severity>,
    assignee: Option<UserId>,
    iteration: Option<IterationId>,
    app: Option<AppId>,
    #[server(default)] parent: String,
    #[server(default)] labels: String,
    points: Option<i64>,
    #[server(default)] starts_on: String,
    #[server(default)] due_on: String,
    #[server(default)] found_release: String,
    found_environment: Option<EnvironmentId>,
    #[server(default)] fixed_release: String,
    fixed_environment: Option<EnvironmentId>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let edit = slipway_portal::item::Edit {
        title: Some(title),
        description: Some(description),
        priority: Some(priority),
        severity,
        assignee: assignee.into(),
        iteration: iteration.into(),
        app: app.into(),
        parent: Some(parent),
        labels: Some(labels),
        points: points.into(),
        starts_on: Some(starts_on),
        due_on: Some(due_on),
        found_release: Some(found_release),
        found_environment: found_environment.into(),
        fixed_release: Some(fixed_release),
        fixed_environment: fixed_environment.into(),
    };
    let base = slipway_portal::item::Base::Since(version);
    slipway_portal::item::update(&ctx, &org, &project, number, edit, base).await?;
    leptos_axum::redirect(&format!(
        "{}/items/{number}",
        crate::places::project(&org, &project)
    ));
    Ok(())
}

/// Says something about an item.
#[server(name = AddComment, prefix = "/api/fn", endpoint = "comment/add")]
pub async fn add_comment(org: String, project: String, number: i64, body: String) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    slipway_portal::item::add_comment(&ctx, &org, &project, number, &body).await?;
    Ok(())
}

/// Changes what a comment says.
#[server(name = EditComment, prefix = "/api/fn", endpoint = "comment/edit")]
pub async fn edit_comment(
    org: String,
    project: String,
    number: i64,
    comment: CommentId,
    version: i64,
    body: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let which = (number, comment);
    Ok(slipway_portal::item::edit_comment(&ctx, &org, &project, which, &body, Some(version)).await?)
}

/// Takes a comment away.
#[server(name = DeleteComment, prefix = "/api/fn", endpoint = "comment/delete")]
pub async fn delete_comment(
    org: String,
    project: String,
    number: i64,
    comment: CommentId,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::item::delete_comment(&ctx, &org, &project, number, comment).await?)
}

/// Takes a file away.
#[server(name = RemoveAttachment, prefix = "/api/fn", endpoint = "attachment/delete")]
pub async fn remove_attachment(
    org: String,
    project: String,
    number: i64,
    attachment: AttachmentId,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::attachment::remove(&ctx, &org, &project, number, attachment).await?)
}

/// Links an item to another one.
#[server(name = LinkItem, prefix = "/api/fn", endpoint = "item/link")]
pub async fn link_item(
    org: String,
    project: String,
    number: i64,
    relation: Relation,
    other: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::item::link(&ctx, &org, &project, number, (relation, &other, true)).await?)
}

/// Takes a link to another item away.
#[server(name = UnlinkItem, prefix = "/api/fn", endpoint = "item/unlink")]
pub async fn unlink_item(
    org: String,
    project: String,
    number: i64,
    relation: Relation,
    other: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::item::link(&ctx, &org, &project, number, (relation, &other, false)).await?)
}

/// Begins or ends watching an item.
#[server(name = WatchItem, prefix = "/api/fn", endpoint = "item/watch")]
pub async fn watch_item(org: String, project: String, number: i64, watching: bool) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::item::watch(&ctx, &org, &project, number, watching).await?)
}
