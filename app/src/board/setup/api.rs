//! Server functions about how the board is set up.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::access::Role;
use slipway_domain::board::{BoardSetupView, ColumnKey, ItemTemplate};
use slipway_domain::id::ItemTemplateId;
use slipway_domain::item::{Category, Color, Field, ItemKind, StateKey};

/// How the board is set up.
#[server(name = ReadBoardSetup, prefix = "/api/fn", endpoint = "board/setup", input = GetUrl)]
pub async fn read_board_setup(org: String, project: String) -> Result<BoardSetupView, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::board::setup(&ctx, &org, &project).await?)
}

/// Makes a state, or changes what it is called and what it counts as.
#[server(name = SaveState, prefix = "/api/fn", endpoint = "board/state")]
pub async fn save_state(
    org: String,
    project: String,
    version: i64,
    kind: ItemKind,
    key: Option<StateKey>,
    #[server(default)] name_en: String,
    #[server(default)] name_zh: String,
    category: Category,
    color: Option<Color>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let name = slipway_domain::text::Text::new(name_en, name_zh);
    let key = key.filter(|key| !key.as_str().is_empty());
    let edit = slipway_domain::board::SetupEdit::State {
        kind,
        key,
        name,
        category,
        color,
    };
    Ok(slipway_portal::board::edit(&ctx, &org, &project, edit, Some(version)).await?)
}

/// Puts a state one place up.
#[server(name = StateUp, prefix = "/api/fn", endpoint = "board/state_up")]
pub async fn state_up(
    org: String,
    project: String,
    version: i64,
    kind: ItemKind,
    key: StateKey,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let edit = slipway_domain::board::SetupEdit::StateUp { kind, key };
    Ok(slipway_portal::board::edit(&ctx, &org, &project, edit, Some(version)).await?)
}

/// Takes a state away; its items go to another one.
#[server(name = RemoveState, prefix = "/api/fn", endpoint = "board/state_remove")]
pub async fn remove_state(
    org: String,
    project: String,
    version: i64,
    kind: ItemKind,
    key: StateKey,
    to: StateKey,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let edit = slipway_domain::board::SetupEdit::RemoveState { kind, key, to };
    Ok(slipway_portal::board::edit(&ctx, &org, &project, edit, Some(version)).await?)
}

/// Makes a transition, or changes what it asks for.
#[server(name = SaveTransition, prefix = "/api/fn", endpoint = "board/transition")]
pub async fn save_transition(
    org: String,
    project: String,
    version: i64,
    kind: ItemKind,
    from: StateKey,
    to: StateKey,
    #[server(default)] roles: Vec<Role>,
    #[server(default)] fields: Vec<Field>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let way = slipway_domain::item::Transition {
        from,
        to,
        roles,
        fields,
    };
    let edit = slipway_domain::board::SetupEdit::Transition { kind, way };
    Ok(slipway_portal::board::edit(&ctx, &org, &project, edit, Some(version)).await?)
}

/// Takes a transition away.
#[server(name = RemoveTransition, prefix = "/api/fn", endpoint = "board/transition_remove")]
pub async fn remove_transition(
    org: String,
    project: String,
    version: i64,
    kind: ItemKind,
    from: StateKey,
    to: StateKey,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let edit = slipway_domain::board::SetupEdit::RemoveTransition { kind, from, to };
    Ok(slipway_portal::board::edit(&ctx, &org, &project, edit, Some(version)).await?)
}

/// Makes a column, or changes it.
#[server(name = SaveColumn, prefix = "/api/fn", endpoint = "board/column")]
pub async fn save_column(
    org: String,
    project: String,
    version: i64,
    key: Option<ColumnKey>,
    #[server(default)] name_en: String,
    #[server(default)] name_zh: String,
    category: Category,
    #[server(default)] states: Vec<StateKey>,
    limit: Option<i64>,
    blocks: Option<bool>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let edit = slipway_domain::board::SetupEdit::Column {
        key: key.filter(|key| !key.as_str().is_empty()),
        name: slipway_domain::text::Text::new(name_en, name_zh),
        category,
        states,
        limit: limit.map(|most| slipway_domain::board::Limit {
            most,
            blocks: blocks.unwrap_or_default(),
        }),
    };
    Ok(slipway_portal::board::edit(&ctx, &org, &project, edit, Some(version)).await?)
}

/// Puts a column one place to the left.
#[server(name = ColumnUp, prefix = "/api/fn", endpoint = "board/column_up")]
pub async fn column_up(org: String, project: String, version: i64, key: ColumnKey) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let edit = slipway_domain::board::SetupEdit::ColumnUp(key);
    Ok(slipway_portal::board::edit(&ctx, &org, &project, edit, Some(version)).await?)
}

/// Takes a column away. Its cards stay where they are, and are seen where another column holds them.
#[server(name = RemoveColumn, prefix = "/api/fn", endpoint = "board/column_remove")]
pub async fn remove_column(
    org: String,
    project: String,
    version: i64,
    key: ColumnKey,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let edit = slipway_domain::board::SetupEdit::RemoveColumn(key);
    Ok(slipway_portal::board::edit(&ctx, &org, &project, edit, Some(version)).await?)
}

/// What the descriptions of new items can begin with.
#[server(name = ReadTemplates, prefix = "/api/fn", endpoint = "board/templates", input = GetUrl)]
pub async fn read_item_templates(org: String, project: String) -> Result<Vec<ItemTemplate>, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::board::templates(&ctx, &org, &project).await?)
}

/// Makes a template, or changes one.
#[server(name = SaveTemplate, prefix = "/api/fn", endpoint = "board/template")]
pub async fn save_item_template(
    org: String,
    project: String,
    kind: ItemKind,
    id: Option<ItemTemplateId>,
    version: Option<i64>,
    #[server(default)] name: String,
    #[server(default)] body: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let which = id.map(|id| (id, version));
    slipway_portal::board::save_template(&ctx, &org, &project, which, (kind, &name, &body)).await?;
    Ok(())
}

/// Takes a template away.
#[server(name = RemoveTemplate, prefix = "/api/fn", endpoint = "board/template_remove")]
pub async fn remove_item_template(org: String, project: String, id: ItemTemplateId) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::board::remove_template(&ctx, &org, &project, id).await?)
}

/// Says whether an item follows its parts.
#[server(name = SetFollows, prefix = "/api/fn", endpoint = "board/follows")]
pub async fn set_follows(
    org: String,
    project: String,
    version: i64,
    parent_follows: bool,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let edit = slipway_domain::board::SetupEdit::ParentFollows(parent_follows);
    Ok(slipway_portal::board::edit(&ctx, &org, &project, edit, Some(version)).await?)
}
