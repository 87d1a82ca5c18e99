//! Moving items: from column to column and from state to state, by the rules of the board's setup.

use super::edit;
use crate::access::may::{Modify, See};
use crate::access::{self, Authorized, Project, may};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::mirror;
use crate::notice::tell as notice;
use crate::ports::{ItemRecord, NewItemEvent};
use crate::subscriber::event;
use slipway_domain::access::Action;
use slipway_domain::board::{BoardSetup, ColumnKey, ColumnSetup};
use slipway_domain::id::{ItemId, IterationId};
use slipway_domain::item::{Content, ItemKind, ItemState, StateKey, Transition, Value, rank_between};
use slipway_domain::text::Text;
use slipway_domain::time::HOUR;
use slipway_domain::trail::Cause;

/// Where an item goes on the board.
#[derive(Clone, Debug)]
pub struct MoveInput {
    /// Which item.
    pub number: i64,
    /// Into which column; `None`: it stays in its own.
    pub column: Option<ColumnKey>,
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
/// [`Error::Forbidden`]; [`Error::Refused`] `transition` where the workflow does not allow it, `transition_role` and
/// `transition_field` where the transition asks for more, `wip_limit` where the column is full.
pub async fn move_to(ctx: &OpCtx, org: &str, project: &str, input: MoveInput) -> Result<()> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let mut change = ctx.change().await?;
    change.tx().lock_board(&access::own_item(&project)?).await?;
    let item = change
        .tx()
        .item(&project, input.number)
        .await?
        .ok_or(Error::NotFound)?;
    same_version(&item, input.expected)?;
    let (setup, _) = change.tx().board_setup(&project).await?;
    let (kind, from) = (item.card.kind, &item.card.state);
    let (state, way) = match &input.column {
        None => (from.clone(), None),
        Some(key) => into_column(&setup, (kind, from), key)?,
    };
    let proof = proof_to_enter(ctx, &project, &item, &state).await?;
    if let Some(way) = &way {
        asked_for(ctx, &project, (way, &item.card.state, &state), &item.content).await?;
        room(&mut change, &project, item.iteration(), (&setup, &state)).await?;
    }
    let under = match (input.after, input.before) {
        (Some(id), _) => change.tx().item_rank(&project, id).await?,
        (None, Some(_)) => None,
        (None, None) => change.tx().last_rank(&project, item.iteration()).await?,
    };
    let above = match input.before {
        Some(id) => change.tx().item_rank(&project, id).await?,
        None => None,
    };
    let rank = rank_between(under.as_deref(), above.as_deref());
    write_move(ctx, change, (&proof, &project), &setup, &item, (&state, &rank)).await
}

/// A change that was made from an older version is refused where the caller asked for that.
pub(super) fn same_version(item: &ItemRecord, expected: Option<i64>) -> Result<()> {
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
    state: &StateKey,
    expected: Option<i64>,
) -> Result<()> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let mut change = ctx.change().await?;
    change.tx().lock_board(&access::own_item(&project)?).await?;
    let item = change.tx().item(&project, number).await?.ok_or(Error::NotFound)?;
    same_version(&item, expected)?;
    let (setup, _) = change.tx().board_setup(&project).await?;
    let flow = setup.flow(item.card.kind);
    let to = flow.state(state).cloned().ok_or_else(|| {
        let text = Text::new("the workflow has no such state", "流程没有此状态");
        Error::field("state", text)
    })?;
    let proof = proof_to_enter(ctx, &project, &item, &to).await?;
    let from = &item.card.state;
    let way = flow
        .transition(from.state_key(), state)
        .ok_or_else(|| no_way(&setup, item.card.kind, from, &to.text()))?;
    asked_for(ctx, &project, (way, from, &to), &item.content).await?;
    room(&mut change, &project, item.iteration(), (&setup, &to)).await?;
    let last = change.tx().last_rank(&project, item.iteration()).await?;
    let rank = rank_between(last.as_deref(), None);
    write_move(ctx, change, (&proof, &project), &setup, &item, (&to, &rank)).await
}

/// Where a new item stands: where new ones do, or in `column`, if its workflow leads there.
pub(super) async fn begins(
    ctx: &OpCtx,
    change: &mut Change<'_>,
    project: &Authorized<Project, See>,
    (kind, content): (ItemKind, &Content),
    column: Option<&ColumnKey>,
) -> Result<ItemState> {
    let (setup, _) = change.tx().board_setup(project).await?;
    let first = setup.flow(kind).first();
    let state = match column {
        None => first,
        Some(key) => {
            let (state, way) = into_column(&setup, (kind, &first), key)?;
            if let Some(way) = way {
                asked_for(ctx, project, (&way, &first, &state), content).await?;
            }
            state
        }
    };
    let iteration = content.iteration.as_ref().map(|iteration| iteration.id);
    room(change, project, iteration, (&setup, &state)).await?;
    Ok(state)
}

/// Where an item gets by being moved to a column, and along which transition.
fn into_column(
    setup: &BoardSetup,
    (kind, from): (ItemKind, &ItemState),
    key: &ColumnKey,
) -> Result<(ItemState, Option<Transition>)> {
    let column = setup.column(key).ok_or_else(|| {
        let text = Text::new("the board has no such column", "看板没有这一列");
        Error::field("column", text)
    })?;
    setup
        .into_column(kind, from, key)
        .ok_or_else(|| no_way(setup, kind, from, &column.name))
}

/// The workflow has no such transition: where it leads instead.
fn no_way(setup: &BoardSetup, kind: ItemKind, from: &ItemState, to: &Text) -> Error {
    let flow = setup.flow(kind);
    let next: Vec<Text> = flow
        .next(from.state_key())
        .map(|(_, state)| state.text())
        .collect();
    let list = |pick: fn(&Text) -> &str, open: &str, close: &str, between: &str| {
        let names: Vec<String> = next
            .iter()
            .map(|name| format!("{open}{}{close}", pick(name)))
            .collect();
        names.join(between)
    };
    let (kind, from) = (kind.text(), from.text());
    let (en, zh) = if next.is_empty() {
        (
            String::from("It leads nowhere from there: ask who sets the board up for a transition."),
            String::from("此状态没有后续流转，请联系看板管理者添加。"),
        )
    } else {
        (
            format!(
                "It leads to {}: move it there first.",
                list(|t| &t.en, "“", "”", ", ")
            ),
            format!("可以先移动到{}。", list(|t| &t.zh, "“", "”", "、")),
        )
    };
    Error::refused(
        "transition",
        format!(
            "The workflow of “{}” does not lead from “{}” to “{}”. {en}",
            kind.en, from.en, to.en
        ),
        format!("“{}”的流程不允许从“{}”移动到“{}”。{zh}", kind.zh, from.zh, to.zh),
    )
}

/// What a transition asks for: a role, filled fields.
async fn asked_for(
    ctx: &OpCtx,
    project: &Authorized<Project, See>,
    (way, from, to): (&Transition, &ItemState, &ItemState),
    content: &Content,
) -> Result<()> {
    let (from, to) = (from.text(), to.text());
    let rights = ctx.rights().await?;
    if !way.roles.is_empty() && !way.roles.iter().any(|role| rights.covers(project, *role)) {
        let names: Vec<Text> = way.roles.iter().map(|role| role.text()).collect();
        let en: Vec<&str> = names.iter().map(|name| name.en.as_str()).collect();
        let zh: Vec<&str> = names.iter().map(|name| name.zh.as_str()).collect();
        return Err(Error::refused(
            "transition_role",
            format!(
                "From “{}” to “{}” is for: {}. Ask one of them to move it.",
                from.en,
                to.en,
                en.join(", ")
            ),
            format!(
                "从“{}”到“{}”需要角色：{}。请由其中一人移动。",
                from.zh,
                to.zh,
                zh.join("、")
            ),
        ));
    }
    let missing: Vec<Text> = way.missing(content).iter().map(|field| field.text()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let en: Vec<String> = missing.iter().map(|field| format!("“{}”", field.en)).collect();
    let zh: Vec<String> = missing.iter().map(|field| format!("“{}”", field.zh)).collect();
    Err(Error::refused(
        "transition_field",
        format!(
            "From “{}” to “{}” needs {}: fill it on the item, then move it.",
            from.en,
            to.en,
            en.join(", ")
        ),
        format!(
            "从“{}”到“{}”需要填写{}，请先在事项中填写，再移动。",
            from.zh,
            to.zh,
            zh.join("、")
        ),
    ))
}

/// Whether the column that `state` stands in takes another card. The board is locked: nobody else counts meanwhile.
async fn room(
    change: &mut Change<'_>,
    project: &Authorized<Project, See>,
    iteration: Option<IterationId>,
    (setup, state): (&BoardSetup, &ItemState),
) -> Result<()> {
    let columns = setup.columns();
    let Some((column, limit)) = BoardSetup::column_of(&columns, state)
        .and_then(|column: &ColumnSetup| Some((column, column.limit.filter(|limit| limit.blocks)?)))
    else {
        return Ok(());
    };
    let running = change
        .tx()
        .running_iteration(project)
        .await?
        .map(|running| running.id);
    if running != iteration {
        return Ok(());
    }
    let counts = change.tx().states_on_board(project, iteration).await?;
    let there: i64 = counts
        .iter()
        .filter(|(state, _)| BoardSetup::column_of(&columns, state).is_some_and(|one| one.key == column.key))
        .map(|(_, items)| items)
        .sum();
    if there < limit.most {
        return Ok(());
    }
    let (name, most) = (&column.name, limit.most);
    Err(Error::refused(
        "wip_limit",
        format!(
            "“{}” holds {there} cards, and its limit is {most}. Finish or move one of them first.",
            name.en
        ),
        format!(
            "“{}”已有 {there} 张卡片，上限为 {most}。请先完成或移走其中一张。",
            name.zh
        ),
    ))
}

/// Whether the board takes an item that is planned into an iteration: its column must have room, as for a card that is
/// moved there. The board is locked.
pub(super) async fn room_to_plan(
    change: &mut Change<'_>,
    project: &Authorized<Project, See>,
    item: &ItemRecord,
    wanted: &Content,
) -> Result<()> {
    let into = wanted.iteration.as_ref().map(|iteration| iteration.id);
    if into == item.iteration() {
        return Ok(());
    }
    let (setup, _) = change.tx().board_setup(project).await?;
    room(change, project, into, (&setup, &item.card.state)).await
}

/// A state as history has it: what it was called then.
fn named(state: &ItemState) -> Value {
    Value {
        key: state.key().to_owned(),
        said: state.said_in_history(),
    }
}

async fn write_move(
    ctx: &OpCtx,
    mut change: Change<'_>,
    by: (&Authorized<Project, Modify>, &Authorized<Project, See>),
    setup: &BoardSetup,
    item: &ItemRecord,
    (state, rank): (&ItemState, &str),
) -> Result<()> {
    moved_to(ctx, &mut change, by, setup, item, (state, rank, None)).await?;
    change.commit().await
}

/// Moves an item to a state and a rank, with all that goes with it. It is not committed yet. Whoever calls has looked
/// whether the workflow leads there, and has locked the board; the cause is why nobody did it.
pub(crate) async fn moved_to(
    ctx: &OpCtx,
    change: &mut Change<'_>,
    (proof, project): (&Authorized<Project, Modify>, &Authorized<Project, See>),
    setup: &BoardSetup,
    item: &ItemRecord,
    (state, rank, cause): (&ItemState, &str, Option<&Cause>),
) -> Result<()> {
    let place = project.place();
    let now = ctx.now();
    let (card, version) = (&item.card, item.card.version);
    change
        .tx()
        .move_item(proof, card.id, version, state, rank, now)
        .await?;
    if *state == card.state {
        // A place in a column is no fact that an auditor would ask for.
        change.bookkeeping();
    } else {
        // Every item is written before the audit log, which everybody waits for.
        let followed = follow(ctx, change, (proof, project), setup, item).await?;
        told(ctx, change, (proof, project), item, (state, cause)).await?;
        for (parent, state) in &followed {
            told(ctx, change, (proof, project), parent, (state, None)).await?;
            change.touch("item", parent.card.id, &place);
        }
    }
    change.touch("board", project.id(), &place);
    change.touch("item", card.id, &place);
    Ok(())
}

/// Writes what a change of state leaves behind: history, audit, news.
async fn told(
    ctx: &OpCtx,
    change: &mut Change<'_>,
    (proof, project): (&Authorized<Project, Modify>, &Authorized<Project, See>),
    item: &ItemRecord,
    (state, cause): (&ItemState, Option<&Cause>),
) -> Result<()> {
    let (card, place) = (&item.card, project.place());
    let event = NewItemEvent {
        before: named(&card.state),
        after: named(state),
        category: Some(state.category()),
        cause: cause.cloned(),
        ..edit::row(ctx, "state", card.version + 1)
    };
    change.tx().append_item_events(proof, card.id, &[event]).await?;
    let mut summary = serde_json::json!({ "key": card.key, "from": card.state.key(), "to": state.key() });
    if let Some(cause) = cause {
        summary["automation"] = cause.trigger.key().into();
        summary["cause"] = cause.said.clone().into();
    }
    let entry = Entry::done("item.move", "item", card.id, card.title.clone(), &place, summary);
    change.audit(entry).await?;
    let changed = event::Item {
        id: card.id,
        key: &card.key,
        kind: card.kind,
        state,
        before: Some(&card.state),
    };
    event::item(change, &place, changed).await?;
    mirror::item_changed(change, project, card.id).await?;
    notice::item_moved(change, project, card, item.reporter.id, state).await
}

/// Moves what the item is a part of, and what that is a part of, where the board says that they follow: each with the
/// state that it goes to.
async fn follow(
    ctx: &OpCtx,
    change: &mut Change<'_>,
    (proof, project): (&Authorized<Project, Modify>, &Authorized<Project, See>),
    setup: &BoardSetup,
    item: &ItemRecord,
) -> Result<Vec<(ItemRecord, ItemState)>> {
    let mut moved = Vec::new();
    if !setup.parent_follows {
        return Ok(moved);
    }
    let mut parent = item.content.parent.clone();
    while let Some(named) = parent.take() {
        let Some(number) = edit::number_of(&named.name, &project.project.key) else {
            break;
        };
        let Some(whole) = change.tx().item(project, number).await? else {
            break;
        };
        let parts = change.tx().item_parts(project, whole.card.id).await?;
        let categories: Vec<_> = parts.iter().map(|part| part.state.category()).collect();
        let from = &whole.card.state;
        let Some(to) = slipway_domain::board::followed(from.category(), &categories)
            .and_then(|category| setup.flow(whole.card.kind).walk(from.state_key(), category))
        else {
            break;
        };
        let (id, version) = (whole.card.id, whole.card.version);
        change
            .tx()
            .move_item(proof, id, version, &to, &whole.rank, ctx.now())
            .await?;
        parent.clone_from(&whole.content.parent);
        moved.push((whole, to));
    }
    Ok(moved)
}

/// Who may delete an item: leads and owners; its reporter, within an hour (`access.md` of the design).
pub(super) async fn may_delete(
    ctx: &OpCtx,
    project: &Authorized<Project, See>,
    item: &ItemRecord,
) -> Result<bool> {
    let held = ctx.rights().await?.in_project(project);
    let fresh = ctx.now().since(item.created_at) <= HOUR;
    let own = fresh && ctx.user().is_ok_and(|me| me.id == item.reporter.id);
    Ok(held.has(Action::ItemDelete) || (own && held.has(Action::ItemCreate)))
}

/// Deletes an item. Its history stays, so that what is counted from it stays true: up to now it was there. What it was
/// linked to and its parts say that it was deleted. With `expected`, only where that is still its version.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`].
pub async fn delete(ctx: &OpCtx, org: &str, project: &str, number: i64, expected: Option<i64>) -> Result<()> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let mut change = ctx.change().await?;
    let item = change.tx().item(&project, number).await?.ok_or(Error::NotFound)?;
    let proof = if may_delete(ctx, &project, &item).await? {
        access::own_item(&project)?
    } else {
        let (org, slug) = (&project.org.slug, &project.project.slug);
        access::project::<may::ItemDelete>(ctx, org, slug).await?.modify()
    };
    same_version(&item, expected)?;
    let (card, place) = (&item.card, project.place());
    change
        .tx()
        .delete_item(&proof, card.id, card.version, ctx.now())
        .await?;
    let event = NewItemEvent {
        after: Value::plain("gone"),
        ..edit::row(ctx, "deleted", card.version + 1)
    };
    change.tx().append_item_events(&proof, card.id, &[event]).await?;
    let summary = serde_json::json!({ "key": card.key, "kind": card.kind.key() });
    let entry = Entry::done(
        "item.delete",
        "item",
        card.id,
        card.title.clone(),
        &place,
        summary,
    );
    change.audit(entry).await?;
    change.touch("board", project.id(), &place);
    change.touch("item", card.id, &place);
    change.commit().await
}

/// Who may move an item: editors, its reporter and its assignee.
pub(super) async fn may_move(
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

/// The states that the item can go to now, for who may move it; and the others that its workflow leads to, with what to
/// do about each.
pub(super) async fn ways(
    ctx: &OpCtx,
    project: &Authorized<Project, See>,
    setup: &BoardSetup,
    item: &ItemRecord,
) -> Result<(Vec<ItemState>, Vec<(ItemState, Text)>)> {
    let flow = setup.flow(item.card.kind);
    let (mut next, mut held_back) = (Vec::new(), Vec::new());
    for (way, state) in flow.next(item.card.state.state_key()) {
        if !may_enter(ctx, project, item, state).await? {
            continue;
        }
        match asked_for(ctx, project, (way, &item.card.state, state), &item.content).await {
            Ok(()) => next.push(state.clone()),
            Err(Error::Refused { text, .. }) => held_back.push((state.clone(), text)),
            Err(other) => return Err(other),
        }
    }
    Ok((next, held_back))
}

/// Whether closing or reopening a bug is open to the reader, on top of moving it.
async fn may_enter(
    ctx: &OpCtx,
    project: &Authorized<Project, See>,
    item: &ItemRecord,
    state: &ItemState,
) -> Result<bool> {
    let (from, to) = (item.card.state.category(), state.category());
    if !item.card.kind.closes_or_reopens(from, to) {
        return Ok(true);
    }
    let held = ctx.rights().await?.in_project(project);
    Ok(held.has(Action::BugClose) || ctx.user().is_ok_and(|me| me.id == item.reporter.id))
}

async fn proof_to_enter(
    ctx: &OpCtx,
    project: &Authorized<Project, See>,
    item: &ItemRecord,
    state: &ItemState,
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
