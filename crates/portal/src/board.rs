//! How a board is set up: workflows, columns, limits and switches.

use crate::access::{self, may};
use crate::change::Entry;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::StoreError;
use slipway_domain::access::Action;
use slipway_domain::board::{BoardSetupView, ItemTemplate, SetupEdit, restates};
use slipway_domain::id::ItemTemplateId;
use slipway_domain::item::{ItemKind, ItemState};
use slipway_domain::text::Text;

/// How the project's board is set up, and how many items stand where.
///
/// # Errors
/// As [`access::project`].
pub async fn setup(ctx: &OpCtx, org: &str, project: &str) -> Result<BoardSetupView> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let held = ctx.rights().await?.in_project(&project);
    let mut tx = ctx.read().await?;
    let (setup, version) = tx.board_setup(&project).await?;
    let counts = tx.state_counts(&project).await?;
    let templates = tx.item_templates(&project).await?;
    Ok(BoardSetupView {
        templates,
        place: project.place(),
        setup,
        version,
        counts,
        may_edit: held.has(Action::BoardEdit),
    })
}

/// Sets the board up anew; with `expected`, only where that is still its version. Items of a state that goes move to the
/// one that the edit names, each with a row of its history.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::Invalid`] where the setup could not work, `to` where items would have no state;
/// [`Error::Conflict`] `version` where somebody else changed it.
pub async fn edit(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    edit: SetupEdit,
    expected: Option<i64>,
) -> Result<()> {
    let project = access::project::<may::BoardEdit>(ctx, org, project).await?;
    let (proof, see, place) = (project.modify(), project.see(), project.place());
    let what = said(&edit);
    let mut change = ctx.change().await?;
    // Nobody moves or makes an item meanwhile: none is left behind in a state that goes.
    change.tx().lock_board(&proof).await?;
    let (before, version) = change.tx().board_setup(&see).await?;
    if expected.is_some_and(|expected| expected != version) {
        return Err(Error::version_mismatch());
    }
    let (after, moves) = before
        .edited(edit)
        .map_err(|wrong| Error::field(wrong.field, wrong.text))?;
    if after == before {
        return Ok(());
    }
    let mut changes = match restates(&before, &after, &moves) {
        Ok(changes) => changes,
        Err(homeless) => {
            // Where nothing stands in them, nothing needs a place to go.
            let counts = change.tx().state_counts(&see).await?;
            let full = homeless.iter().find(|(kind, state)| {
                counts
                    .iter()
                    .any(|count| count.kind == *kind && count.state == *state.state_key() && count.items > 0)
            });
            if let Some((_, state)) = full {
                return Err(needs_a_place(state));
            }
            let empty: Vec<_> = homeless
                .iter()
                .map(|(kind, state)| {
                    (
                        *kind,
                        state.state_key().clone(),
                        after.flow(*kind).first().state_key().clone(),
                    )
                })
                .collect();
            let all: Vec<_> = moves.iter().cloned().chain(empty).collect();
            restates(&before, &after, &all).unwrap_or_default()
        }
    };
    let (by, now) = (ctx.user().ok().map(|person| person.id), ctx.now());
    let mut carried = 0;
    // What stays under its key goes before: what joins it is not changed twice.
    changes.sort_by_key(|one| one.before.state_key() != one.after.state_key());
    for one in &changes {
        let items = change.tx().restate_items(&proof, one, by, now).await?;
        if one.is_history() {
            carried += items;
        }
    }
    change
        .tx()
        .save_board_setup(&proof, &after, version, now)
        .await
        .map_err(|error| match error {
            StoreError::Gone | StoreError::Constraint(_) => Error::version_mismatch(),
            other => other.into(),
        })?;
    let summary = serde_json::json!({ "what": what, "items": carried, "after": after });
    let name = project.project.name.clone();
    change
        .audit(Entry::done(
            "board.edit",
            "board",
            project.id(),
            name,
            &place,
            summary,
        ))
        .await?;
    change.touch("board", project.id(), &place);
    change.commit().await
}

/// What the descriptions of new items can begin with, by name.
///
/// # Errors
/// As [`access::project`].
pub async fn templates(ctx: &OpCtx, org: &str, project: &str) -> Result<Vec<ItemTemplate>> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    Ok(ctx.read().await?.item_templates(&project).await?)
}

/// Makes a template, or changes the one of that id and version; its id.
///
/// # Errors
/// [`Error::Forbidden`]; wrong fields, `name` also where another one of the kind is called so; [`Error::NotFound`];
/// [`Error::Conflict`] where somebody else changed it.
pub async fn save_template(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    which: Option<(ItemTemplateId, Option<i64>)>,
    (kind, name, body): (ItemKind, &str, &str),
) -> Result<ItemTemplateId> {
    let project = access::project::<may::BoardEdit>(ctx, org, project).await?;
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let body = body.replace("\r\n", "\n");
    if let Some(wrong) = ItemTemplate::wrong(&name, &body) {
        return Err(Error::field(wrong.field, wrong.text));
    }
    let (proof, see, place) = (project.modify(), project.see(), project.place());
    let mut change = ctx.change().await?;
    let (template, action) = match which {
        None => {
            let (id, version) = (ctx.id(), 1);
            (
                ItemTemplate {
                    id,
                    kind,
                    name,
                    body,
                    version,
                },
                "item_template.add",
            )
        }
        Some((id, expected)) => {
            let known = change.tx().item_templates(&see).await?;
            let known = known
                .into_iter()
                .find(|known| known.id == id)
                .ok_or(Error::NotFound)?;
            if expected.is_some_and(|expected| expected != known.version) {
                return Err(Error::version_mismatch());
            }
            (ItemTemplate { name, body, ..known }, "item_template.edit")
        }
    };
    let written = match which {
        None => {
            change
                .tx()
                .insert_item_template(&proof, &template, ctx.now())
                .await
        }
        Some(_) => change.tx().update_item_template(&proof, &template).await,
    };
    written.map_err(|error| match error {
        StoreError::Constraint(_) => {
            let text = Text::new("another template of this type is called so", "该类型已有同名模板");
            Error::field("name", text)
        }
        StoreError::Gone => Error::version_mismatch(),
        other => other.into(),
    })?;
    let summary = serde_json::json!({ "kind": template.kind.key(), "name": template.name });
    let entry = Entry::done(
        action,
        "item_template",
        template.id,
        template.name,
        &place,
        summary,
    );
    change.audit(entry).await?;
    change.touch("board", project.id(), &place);
    change.commit().await?;
    Ok(template.id)
}

/// Takes a template away. Items that began with it keep what they hold.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`].
pub async fn remove_template(ctx: &OpCtx, org: &str, project: &str, id: ItemTemplateId) -> Result<()> {
    let project = access::project::<may::BoardEdit>(ctx, org, project).await?;
    let place = project.place();
    let mut change = ctx.change().await?;
    let known = change.tx().item_templates(&project.see()).await?;
    let template = known
        .into_iter()
        .find(|known| known.id == id)
        .ok_or(Error::NotFound)?;
    change.tx().delete_item_template(&project.modify(), id).await?;
    let summary = serde_json::json!({ "kind": template.kind.key(), "name": template.name });
    let entry = Entry::done(
        "item_template.remove",
        "item_template",
        id,
        template.name,
        &place,
        summary,
    );
    change.audit(entry).await?;
    change.touch("board", project.id(), &place);
    change.commit().await
}

fn needs_a_place(state: &ItemState) -> Error {
    let name = state.text();
    Error::field(
        "to",
        Text::new(
            format!("items stand in “{}”: say which state they go to", name.en),
            format!("状态“{}”中还有事项，请选择它们移到哪个状态", name.zh),
        ),
    )
}

/// What an edit is, for the audit log.
fn said(edit: &SetupEdit) -> String {
    match edit {
        SetupEdit::Workflow { kind, .. } => format!("workflow {}", kind.key()),
        SetupEdit::State { kind, key, .. } => {
            format!(
                "state {} {}",
                kind.key(),
                key.as_ref().map_or("new", |key| key.as_str())
            )
        }
        SetupEdit::StateUp { kind, key } => format!("order {} {key}", kind.key()),
        SetupEdit::RemoveState { kind, key, to } => format!("remove {} {key} to {to}", kind.key()),
        SetupEdit::Transition { kind, way } => {
            format!("transition {} {} to {}", kind.key(), way.from, way.to)
        }
        SetupEdit::RemoveTransition { kind, from, to } => {
            format!("remove transition {} {from} to {to}", kind.key())
        }
        SetupEdit::Board { .. } => String::from("columns"),
        SetupEdit::Column { key, .. } => {
            format!("column {}", key.as_ref().map_or("new", |key| key.as_str()))
        }
        SetupEdit::ColumnUp(key) => format!("order column {}", key.as_str()),
        SetupEdit::RemoveColumn(key) => format!("remove column {}", key.as_str()),
        SetupEdit::ParentFollows(on) => format!("parent follows {on}"),
    }
}
