//! Files that are attached to work items. Their rights are the item's: who sees it saves them, who comments on it
//! attaches them, and who may change it, or attached them, takes them away.

use crate::access::{self, Authorized, Project, may};
use crate::change::Entry;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::item::edit::{proof_to_edit, row};
use crate::jobs::Job;
use crate::ports::{AttachmentRecord, ItemRecord, NewItemEvent, StoreError, Tx};
use crate::shelf::{self, Pieces};
use futures::StreamExt as _;
use futures::stream;
use slipway_domain::id::AttachmentId;
use slipway_domain::item::{ATTACHMENT_MAX, ATTACHMENTS_MOST, Attachment, Value, plain_name};
use slipway_domain::text::Text;

/// Attaches a file to an item. Its bytes go where the configuration says: into the database, or before it into an object
/// storage.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::Invalid`] `file` where it is empty, larger than [`ATTACHMENT_MAX`], a program, or one
/// too many; [`Error::Unavailable`] where the object storage does not answer.
pub async fn add(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    number: i64,
    (name, content): (&str, &[u8]),
) -> Result<AttachmentId> {
    let project = access::project::<may::ItemCreate>(ctx, org, project).await?;
    let (see, author) = (project.see(), ctx.user()?.clone());
    let wrong = |en: &str, zh: &str| Err(Error::field("file", Text::new(en, zh)));
    if content.is_empty() {
        return wrong("choose a file that is not empty", "请选择非空文件");
    }
    if content.len() > ATTACHMENT_MAX {
        return wrong(
            "the file is larger than 10 MiB; attach a smaller one, or link to it",
            "文件超过 10 MiB，请上传较小的文件或填写链接",
        );
    }
    let (kind, program) = media_type(content);
    if program {
        return wrong(
            "this is a program, whatever its name says; attach it in an archive",
            "这是可执行程序（无论名称如何），请打包后上传",
        );
    }
    let id = ctx.id();
    let object = if ctx.portal().shelving.takes_new {
        room_for_one(&mut *ctx.read().await?, &see, number).await?;
        Some(shelf::send(ctx, &project.place(), id, content).await?)
    } else {
        None
    };
    let mut change = ctx.change().await?;
    let item = room_for_one(change.tx(), &see, number).await?;
    let record = AttachmentRecord {
        id,
        name: plain_name(name),
        media_type: kind.to_owned(),
        size: i64::try_from(content.len()).unwrap_or(i64::MAX),
        author,
        created_at: ctx.now(),
        object,
    };
    let (proof, card, place) = (project.modify(), &item.card, project.place());
    if let Some(key) = &record.object {
        arrived(change.tx(), key).await?;
    }
    change
        .tx()
        .insert_attachment(&proof, card.id, &record, content)
        .await?;
    let said = Value {
        key: record.id.to_string(),
        said: record.name.clone(),
    };
    let event = NewItemEvent {
        after: said,
        ..row(ctx, "attachment", card.version)
    };
    change.tx().append_item_events(&proof, card.id, &[event]).await?;
    let summary = serde_json::json!({
        "key": card.key, "file": record.name, "attachment": record.id, "size": record.size, "type": kind,
    });
    let entry = Entry::done(
        "item.attach",
        "item",
        card.id,
        card.title.clone(),
        &place,
        summary,
    );
    change.audit(entry).await?;
    change.touch("item", card.id, &place);
    change.commit().await?;
    Ok(record.id)
}

/// The item, which has room for another file.
async fn room_for_one(
    tx: &mut dyn Tx,
    project: &Authorized<Project, may::See>,
    number: i64,
) -> Result<ItemRecord> {
    let item = tx.item(project, number).await?.ok_or(Error::NotFound)?;
    if tx.attachments(project, item.card.id).await?.len() >= ATTACHMENTS_MOST {
        return Err(Error::field(
            "file",
            Text::new(
                "the item has 50 files already; take one away first",
                "该事项已有 50 个附件，请先移除一个",
            ),
        ));
    }
    Ok(item)
}

/// A file names its object from now on.
async fn arrived(tx: &mut dyn Tx, key: &str) -> Result<()> {
    match tx.object_arrived(key).await {
        Err(StoreError::Gone) => Err(Error::conflict(
            "upload_given_up",
            "The upload took too long and was given up. Attach the file again.",
            "上传耗时过长，已被放弃。请重新上传该文件。",
        )),
        done => Ok(done?),
    }
}

/// A file with its bytes.
pub struct Opened {
    /// What is known of it.
    pub attachment: Attachment,
    /// Its bytes, read as they are asked for: as many as its size says, or an error.
    pub content: Pieces,
}

impl Opened {
    /// All of its bytes at once.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where they are not there whole.
    pub async fn whole(mut self) -> Result<Vec<u8>> {
        let mut content = Vec::new();
        while let Some(piece) = self.content.next().await {
            content.extend_from_slice(&piece?);
        }
        Ok(content)
    }
}

/// Reads a file of an item.
///
/// # Errors
/// As [`access::project`]; [`Error::NotFound`]; [`Error::Unavailable`] where the object storage has it and does not
/// answer.
pub async fn open(ctx: &OpCtx, org: &str, project: &str, number: i64, id: AttachmentId) -> Result<Opened> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let mut tx = ctx.read().await?;
    let item = tx.item(&project, number).await?.ok_or(Error::NotFound)?;
    let record = tx
        .attachment(&project, item.card.id, id)
        .await?
        .ok_or(Error::NotFound)?;
    let content = match &record.object {
        None => {
            let content = tx
                .attachment_content(&project, id)
                .await?
                .ok_or(Error::NotFound)?;
            stream::iter([Ok(content.into())]).boxed()
        }
        Some(key) => {
            // No connection to the database waits for the storage.
            drop(tx);
            shelf::read(ctx, key, record.size).await?
        }
    };
    Ok(Opened {
        attachment: record.shown(false),
        content,
    })
}

/// Takes a file away. The history keeps what it was called.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`].
pub async fn remove(ctx: &OpCtx, org: &str, project: &str, number: i64, id: AttachmentId) -> Result<()> {
    let commenting = access::project::<may::ItemCreate>(ctx, org, project).await?;
    let project = commenting.see();
    let mut change = ctx.change().await?;
    let item = change.tx().item(&project, number).await?.ok_or(Error::NotFound)?;
    let record = change
        .tx()
        .attachment(&project, item.card.id, id)
        .await?
        .ok_or(Error::NotFound)?;
    let proof = if ctx.user().is_ok_and(|me| me.id == record.author.id) {
        commenting.modify()
    } else {
        proof_to_edit(ctx, &project, &item).await?
    };
    let (card, place) = (&item.card, project.place());
    change.tx().delete_attachment(&proof, id).await?;
    if let Some(key) = &record.object {
        change.tx().object_leaves(key, ctx.now()).await?;
        change
            .enqueue(&Job::SweepShelf, ctx.now(), Some(shelf::JOB))
            .await?;
    }
    let said = Value {
        key: id.to_string(),
        said: record.name.clone(),
    };
    let event = NewItemEvent {
        before: said,
        ..row(ctx, "attachment", card.version)
    };
    change.tx().append_item_events(&proof, card.id, &[event]).await?;
    let summary = serde_json::json!({ "key": card.key, "file": record.name, "attachment": id });
    let entry = Entry::done(
        "item.detach",
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

/// What the bytes of a file are, by their beginning: a media type, and whether a system would run it as a program.
/// Text is `text/plain` whatever it says, markup included.
pub fn media_type(bytes: &[u8]) -> (&'static str, bool) {
    // A header alone is enough for these two.
    if bytes.starts_with(b"\x7fELF") || bytes.starts_with(b"#!") {
        return ("application/octet-stream", true);
    }
    match infer::get(bytes) {
        Some(kind) if kind.matcher_type() == infer::MatcherType::Text => ("text/plain", false),
        Some(kind) => (kind.mime_type(), kind.matcher_type() == infer::MatcherType::App),
        None if std::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\0')) => ("text/plain", false),
        None => ("application/octet-stream", false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slipway_domain::item::INLINE;

    #[test]
    fn what_a_file_is_stands_in_its_bytes() {
        assert_eq!(media_type(b"\x89PNG\r\n\x1a\n...."), ("image/png", false));
        assert_eq!(media_type(b"%PDF-1.7\n"), ("application/pdf", false));
        for markup in [
            "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
            "<!DOCTYPE html><script>alert(1)</script>",
            "<?xml version='1.0'?><svg/>",
            "  <html>",
        ] {
            let (kind, _) = media_type(markup.as_bytes());
            assert!(
                !INLINE.contains(&kind) && kind == "text/plain",
                "{markup}: {kind}"
            );
        }
        assert!(media_type(b"\x7fELF\x02\x01\x01").1);
        assert!(media_type(b"#!/bin/sh\nrm -rf /").1);
        assert_eq!(media_type(b"\xff\x00\x01"), ("application/octet-stream", false));
        assert_eq!(media_type("修复".as_bytes()), ("text/plain", false));
    }
}
