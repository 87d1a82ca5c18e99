//! What people say about an item, what it is linked to, and who watches it.

use super::edit::{mention, number_of, proof_to_edit, row};
use crate::access::{self, may};
use crate::change::Entry;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::mirror;
use crate::notice::tell as notice;
use crate::ports::{CommentRecord, NewItemEvent};
use slipway_domain::access::Action;
use slipway_domain::id::CommentId;
use slipway_domain::item::{Relation, Value, wrong_comment};
use slipway_domain::text::Text;

fn checked(body: &str) -> Result<String> {
    match wrong_comment(body) {
        Some(text) => Err(Error::field("body", text)),
        None => Ok(body.replace("\r\n", "\n").trim_end().to_owned()),
    }
}

/// Says something about an item. Whoever does watches it from then on.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::Invalid`] `body`.
pub async fn add_comment(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    number: i64,
    body: &str,
) -> Result<CommentId> {
    let project = access::project::<may::ItemCreate>(ctx, org, project).await?;
    let (see, author) = (project.see(), ctx.user()?.clone());
    let mut change = ctx.change().await?;
    let item = change.tx().item(&see, number).await?.ok_or(Error::NotFound)?;
    let me = author.id;
    let comment = CommentRecord {
        id: ctx.id(),
        author,
        body: checked(body)?,
        created_at: ctx.now(),
        edited_at: None,
        version: 1,
    };
    let (card, place) = (&item.card, project.place());
    change
        .tx()
        .insert_comment(&project.modify(), card.id, &comment)
        .await?;
    change
        .tx()
        .set_watching(&see, card.id, me, true, ctx.now())
        .await?;
    let summary = serde_json::json!({ "key": card.key, "comment": comment.id });
    let entry = Entry::done(
        "item.comment",
        "item",
        card.id,
        card.title.clone(),
        &place,
        summary,
    );
    change.audit(entry).await?;
    mention(&mut change, &see, card, ("", &comment.body)).await?;
    notice::item_commented(&mut change, &see, card, item.reporter.id).await?;
    mirror::item_changed(&mut change, &see, card.id).await?;
    change.touch("item", card.id, &place);
    change.commit().await?;
    Ok(comment.id)
}

/// Changes what a comment says; the history keeps what it said.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] `not_yours` for whoever did not write it; [`Error::Invalid`] `body`;
/// [`Error::Conflict`] where it is not at `version` any more.
pub async fn edit_comment(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    (number, id): (i64, CommentId),
    body: &str,
    version: Option<i64>,
) -> Result<()> {
    let project = access::project::<may::ItemCreate>(ctx, org, project).await?;
    let see = project.see();
    let mut change = ctx.change().await?;
    let item = change.tx().item(&see, number).await?.ok_or(Error::NotFound)?;
    let comment = change
        .tx()
        .comment(&see, item.card.id, id)
        .await?
        .ok_or(Error::NotFound)?;
    if comment.author.id != ctx.user()?.id {
        return Err(not_yours());
    }
    if version.is_some_and(|version| version != comment.version) {
        return Err(Error::version_mismatch());
    }
    let body = checked(body)?;
    if body == comment.body {
        return Ok(());
    }
    let (card, place) = (&item.card, project.place());
    change
        .tx()
        .update_comment(&project.modify(), id, comment.version, &body, ctx.now())
        .await?;
    let event = NewItemEvent {
        before: Value::plain(comment.body.clone()),
        after: Value::plain(body.clone()),
        ..row(ctx, "comment", card.version)
    };
    change
        .tx()
        .append_item_events(&project.modify(), card.id, &[event])
        .await?;
    let summary = serde_json::json!({ "key": card.key, "comment": id });
    let entry = Entry::done(
        "item.comment_edit",
        "item",
        card.id,
        card.title.clone(),
        &place,
        summary,
    );
    change.audit(entry).await?;
    mention(&mut change, &see, card, (&comment.body, &body)).await?;
    mirror::item_changed(&mut change, &see, card.id).await?;
    change.touch("item", card.id, &place);
    change.commit().await
}

fn not_yours() -> Error {
    Error::Barred {
        code: "not_yours",
        text: Text::new(
            "Only whoever wrote a comment changes it. Write one of your own.",
            "只有评论作者可以修改评论，你可以另写一条。",
        ),
    }
}

/// Takes a comment away: its author may, and who may delete items. The history keeps what it said.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`].
pub async fn delete_comment(ctx: &OpCtx, org: &str, project: &str, number: i64, id: CommentId) -> Result<()> {
    let seen = access::project::<may::ItemCreate>(ctx, org, project).await?;
    let see = seen.see();
    let mut change = ctx.change().await?;
    let item = change.tx().item(&see, number).await?.ok_or(Error::NotFound)?;
    let comment = change
        .tx()
        .comment(&see, item.card.id, id)
        .await?
        .ok_or(Error::NotFound)?;
    let proof = if comment.author.id == ctx.user()?.id {
        seen.modify()
    } else {
        access::project::<may::ItemDelete>(ctx, org, project)
            .await?
            .modify()
    };
    let (card, place) = (&item.card, seen.place());
    change.tx().delete_comment(&proof, id).await?;
    let event = NewItemEvent {
        before: Value::plain(comment.body),
        ..row(ctx, "comment", card.version)
    };
    change.tx().append_item_events(&proof, card.id, &[event]).await?;
    let summary = serde_json::json!({ "key": card.key, "comment": id, "author": comment.author.username });
    let entry = Entry::done(
        "item.comment_delete",
        "item",
        card.id,
        card.title.clone(),
        &place,
        summary,
    );
    change.audit(entry).await?;
    change.touch("item", card.id, &place);
    change.commit().await
}

/// Links an item to another one of the project, or takes that link away. It shows at both ends.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::Invalid`] `other` for a key that nobody has, or the item's own;
/// [`Error::NotFound`] for a link to be taken away that is not there.
pub async fn link(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    number: i64,
    (relation, other, linked): (Relation, &str, bool),
) -> Result<()> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let mut change = ctx.change().await?;
    let item = change.tx().item(&project, number).await?.ok_or(Error::NotFound)?;
    let proof = proof_to_edit(ctx, &project, &item).await?;
    let found = match number_of(other, &project.project.key) {
        Some(number) => change.tx().item(&project, number).await?,
        None => None,
    };
    let wrong = |en: &str, zh: &str| Error::field("other", Text::new(en, zh));
    let Some(other) = found else {
        return Err(wrong(
            "there is no such item in this project; use a key such as ABC-12",
            "该项目中没有此事项，请填写如 ABC-12 的编号",
        ));
    };
    if other.card.id == item.card.id {
        return Err(wrong("an item is not linked to itself", "事项不能关联自身"));
    }
    let link = relation.stored(item.card.id, other.card.id);
    let new = if linked {
        change.tx().link_items(&proof, link, ctx.now()).await?
    } else {
        change.tx().unlink_items(&proof, link).await?
    };
    if !new {
        // It is as it should be, unless a link was to go that is not there.
        return if linked { Ok(()) } else { Err(Error::NotFound) };
    }
    let place = project.place();
    for (at, relation, to) in [
        (&item.card, relation, &other.card),
        (&other.card, relation.inverse(), &item.card),
    ] {
        let said = Value {
            key: format!("{}:{}", relation.key(), to.id),
            said: format!("{} {}", relation.key(), to.key),
        };
        let empty = row(ctx, "link", at.version);
        let event = if linked {
            NewItemEvent { after: said, ..empty }
        } else {
            NewItemEvent {
                before: said,
                ..empty
            }
        };
        change.tx().append_item_events(&proof, at.id, &[event]).await?;
        change.touch("item", at.id, &place);
    }
    let action = if linked { "item.link" } else { "item.unlink" };
    let card = &item.card;
    let summary = serde_json::json!({ "key": card.key, "relation": relation.key(), "other": other.card.key });
    let entry = Entry::done(action, "item", card.id, card.title.clone(), &place, summary);
    change.audit(entry).await?;
    change.commit().await
}

/// Begins or ends watching an item: whoever watches is told of what happens to it.
///
/// # Errors
/// As [`access::project`]; [`Error::NotFound`] for a number nobody has.
pub async fn watch(ctx: &OpCtx, org: &str, project: &str, number: i64, watching: bool) -> Result<()> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let me = ctx.user()?.id;
    let mut change = ctx.change().await?;
    let item = change.tx().item(&project, number).await?.ok_or(Error::NotFound)?;
    change
        .tx()
        .set_watching(&project, item.card.id, me, watching, ctx.now())
        .await?;
    // What somebody wants to hear is theirs, and no fact that an auditor would ask for.
    change.bookkeeping();
    change.touch("item", item.card.id, &project.place());
    change.commit().await
}

/// Whether the reader may take anybody's comment away.
pub(super) const DELETES: Action = Action::ItemDelete;
