//! Server functions about work items, the board and iterations.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::id::{ItemId, UserId};
use slipway_domain::item::{BoardView, BugList, Category, ItemKind, ItemState, ItemView, Priority, Severity};

/// The board of the iteration that runs.
#[server(name = ReadBoard, prefix = "/api/fn", endpoint = "item/board", input = GetUrl)]
pub async fn read_board(org: String, project: String) -> Result<BoardView, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::item::board(&ctx, &org, &project).await?)
}

/// The project's bugs.
#[server(name = ReadBugs, prefix = "/api/fn", endpoint = "item/bugs", input = GetUrl)]
pub async fn read_bugs(org: String, project: String) -> Result<BugList, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::item::bugs(&ctx, &org, &project).await?)
}

/// One item, by its key as in `CHK-12`. A key that is none reads as not found.
#[server(name = ReadItem, prefix = "/api/fn", endpoint = "item/view", input = GetUrl)]
pub async fn read_item(org: String, project: String, key: String) -> Result<ItemView, AppError> {
    let ctx = crate::ctx()?;
    let number = super::number_of(&key).ok_or(slipway_portal::Error::NotFound)?;
    Ok(slipway_portal::item::view(&ctx, &org, &project, number).await?)
}

/// Adds a card to the iteration that runs, by its title alone.
#[server(name = AddCard, prefix = "/api/fn", endpoint = "item/add")]
pub async fn add_card(org: String, project: String, title: String, kind: ItemKind) -> Result<(), AppError> {
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
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let into_iteration = into_iteration.unwrap_or_default();
    let item = slipway_portal::item::NewItem {
        kind,
        title,
        description,
        priority,
        severity,
        assignee,
        points,
        into_iteration,
    };
    let number = slipway_portal::item::create(&ctx, &org, &project, item).await?;
    leptos_axum::redirect(&format!(
        "{}/items/{number}",
        crate::places::project(&org, &project)
    ));
    Ok(())
}

/// Moves a card to a column, under `after` and above `before`.
#[server(name = MoveItem, prefix = "/api/fn", endpoint = "item/move")]
pub async fn move_item(
    org: String,
    project: String,
    number: i64,
    column: Category,
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
    state: ItemState,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::item::set_state(&ctx, &org, &project, number, state, None).await?)
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
