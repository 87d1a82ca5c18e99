//! Work items that mirror GitLab issues.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::{columns, document};
use async_trait::async_trait;
use slipway_domain::id::{CommentId, ConnectionId, ItemId};
use slipway_domain::mirror::{ConflictRow, LinkState, MirrorLink, Taking};
use slipway_domain::time::Timestamp;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{App, Authorized, Project};
use slipway_portal::ports::{LinkRecord, MirrorRecord, MirrorTarget, MirrorTx, NoteRecord, StoreResult};
use sqlx::any::AnyRow;
use sqlx::query;

const LINK_OF_ISSUE: &str = "SELECT l.*, l.item_id AS id, i.number FROM mirror_links l JOIN items i ON i.id = l.item_id \
     WHERE l.org_id = $1 AND l.app_id = $2 AND l.connection_id = $3 AND l.repository_id = $4 AND l.iid = $5";

const LINK_OF_ITEM: &str = "SELECT l.*, l.item_id AS id, i.number FROM mirror_links l JOIN items i ON i.id = l.item_id \
     WHERE l.org_id = $1 AND l.project_id = $2 AND l.item_id = $3";

/// Who is to hear of a change: the app that has the item's issue; or else the one that the item is about, where that
/// makes issues of new items.
const TARGET: &str = "SELECT m.app_id AS id, m.bot_id, m.since, m.rules, i.created_at, \
     CASE WHEN l.item_id IS NULL THEN 0 ELSE 1 END AS linked \
     FROM items i LEFT JOIN mirror_links l ON l.item_id = i.id \
     JOIN mirrors m ON m.app_id = COALESCE(l.app_id, i.app_id) AND m.since IS NOT NULL \
     WHERE i.org_id = $1 AND i.project_id = $2 AND i.id = $3 AND i.deleted_at IS NULL";

const LAGGING: &str = "SELECT l.item_id AS id FROM mirror_links l JOIN items i ON i.id = l.item_id \
     WHERE l.org_id = $1 AND l.app_id = $2 AND i.deleted_at IS NULL AND l.state IN ('making', 'linked') \
     AND (l.iid IS NULL OR l.trouble IS NOT NULL OR i.version <> l.item_version) ORDER BY i.number LIMIT $3";

const CONFLICTS: &str = "SELECT l.item_id AS id, l.iid, l.conflicts, l.version, i.number, i.title, p.item_key \
     FROM mirror_links l JOIN items i ON i.id = l.item_id JOIN projects p ON p.id = i.project_id \
     WHERE l.org_id = $1 AND l.app_id = $2 AND l.conflict_count > 0 AND i.deleted_at IS NULL \
     ORDER BY i.number LIMIT $3";

fn mirror(row: &AnyRow) -> StoreResult<MirrorRecord> {
    let c = columns("mirrors", row);
    let (at, pages, made) = (c.int("taking")?, c.int("taken_pages")?, c.int("taken_items")?);
    Ok(MirrorRecord {
        since: c.opt_time("since")?,
        rules: c.json("rules")?,
        bot: c.id("bot_id")?,
        connection: c.id("connection_id")?,
        repository: c.int("repository_id")?,
        since_iid: c.int("since_iid")?,
        cursor: c.opt_time("cursor_at")?,
        reconciled_at: c.opt_time("reconciled_at")?,
        taking: (at != 0).then_some(Taking {
            pages,
            made,
            done: at < 0,
        }),
        trouble: c.opt_json("trouble")?,
        version: c.int("version")?,
    })
}

/// How `taking` is stored: 0 nobody asked for it, 1 it is under way, -1 it is done.
fn taking(mirror: &MirrorRecord) -> (i64, i64, i64) {
    mirror.taking.map_or((0, 0, 0), |taking| {
        (if taking.done { -1 } else { 1 }, taking.pages, taking.made)
    })
}

fn link(row: &AnyRow) -> StoreResult<LinkRecord> {
    let c = columns("mirror_links", row);
    Ok(LinkRecord {
        item: c.id("item_id")?,
        number: c.int("number")?,
        connection: c.id("connection_id")?,
        repository: c.int("repository_id")?,
        link: MirrorLink {
            app: c.id("app_id")?,
            iid: c.opt_int("iid")?,
            web_url: c.text("web_url")?,
            author: c.text("author")?,
            state: c.key("state", LinkState::from_key)?,
            conflicts: c.json("conflicts")?,
            remark: c.opt_json("remark")?,
            trouble: c.opt_json("trouble")?,
            synced_at: c.opt_time("synced_at")?,
            version: c.int("version")?,
        },
        made_here: c.flag("made_here")?,
        base: c.json("base")?,
        written: c.json("written")?,
        lease_until: c.opt_time("lease_until")?,
        item_version: c.int("item_version")?,
        seen_at: c.opt_time("seen_at")?,
    })
}

fn maybe<T: serde::Serialize>(value: Option<&T>) -> StoreResult<Option<String>> {
    value.map(document).transpose()
}

#[async_trait]
impl MirrorTx for SqlTx {
    async fn mirror(&mut self, app: &Authorized<App, See>) -> StoreResult<Option<MirrorRecord>> {
        let row = query("SELECT m.*, m.app_id AS id FROM mirrors m WHERE m.org_id = $1 AND m.app_id = $2")
            .bind(app.org_id().to_string())
            .bind(app.id().to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(mirror).transpose()
    }

    async fn put_mirror(&mut self, app: &Authorized<App, Modify>, mirror: &MirrorRecord) -> StoreResult<()> {
        let (at, pages, made) = taking(mirror);
        let done = query(
            "INSERT INTO mirrors (app_id, org_id, project_id, since, rules, bot_id, connection_id, repository_id, \
             since_iid, cursor_at, reconciled_at, taking, taken_pages, taken_items, trouble, version) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16 + 1) \
             ON CONFLICT (app_id) DO UPDATE SET since = excluded.since, rules = excluded.rules, \
             connection_id = excluded.connection_id, repository_id = excluded.repository_id, \
             since_iid = excluded.since_iid, cursor_at = excluded.cursor_at, reconciled_at = excluded.reconciled_at, \
             taking = excluded.taking, taken_pages = excluded.taken_pages, taken_items = excluded.taken_items, \
             trouble = excluded.trouble, version = excluded.version WHERE mirrors.version = $16",
        )
        .bind(app.id().to_string())
        .bind(app.org_id().to_string())
        .bind(app.project_id().to_string())
        .bind(mirror.since.map(Timestamp::micros))
        .bind(document(&mirror.rules)?)
        .bind(mirror.bot.to_string())
        .bind(mirror.connection.to_string())
        .bind(mirror.repository)
        .bind(mirror.since_iid)
        .bind(mirror.cursor.map(Timestamp::micros))
        .bind(mirror.reconciled_at.map(Timestamp::micros))
        .bind(at)
        .bind(pages)
        .bind(made)
        .bind(maybe(mirror.trouble.as_ref())?)
        .bind(mirror.version)
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn note_mirror(&mut self, app: &Authorized<App, Modify>, mirror: &MirrorRecord) -> StoreResult<()> {
        let (at, pages, made) = taking(mirror);
        query(
            "UPDATE mirrors SET cursor_at = $4, reconciled_at = $5, taking = $6, taken_pages = $7, taken_items = $8, \
             trouble = $9 WHERE org_id = $1 AND app_id = $2 AND version = $3",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(mirror.version)
        .bind(mirror.cursor.map(Timestamp::micros))
        .bind(mirror.reconciled_at.map(Timestamp::micros))
        .bind(at)
        .bind(pages)
        .bind(made)
        .bind(maybe(mirror.trouble.as_ref())?)
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn mirror_of_item(
        &mut self,
        project: &Authorized<Project, See>,
        item: ItemId,
    ) -> StoreResult<Option<MirrorTarget>> {
        let row = query(TARGET)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(item.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        let Some(row) = row else { return Ok(None) };
        let c = columns("mirrors", &row);
        let rules: slipway_domain::mirror::MirrorRules = c.json("rules")?;
        let new = rules.creates && c.time("created_at")? >= c.time("since")?;
        Ok(Some(MirrorTarget {
            app: c.id("id")?,
            bot: c.id("bot_id")?,
            wanted: c.flag("linked")? || new,
        }))
    }

    async fn link_of_issue(
        &mut self,
        app: &Authorized<App, See>,
        (connection, repository): (ConnectionId, i64),
        iid: i64,
    ) -> StoreResult<Option<LinkRecord>> {
        let row = query(LINK_OF_ISSUE)
            .bind(app.org_id().to_string())
            .bind(app.id().to_string())
            .bind(connection.to_string())
            .bind(repository)
            .bind(iid)
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(link).transpose()
    }

    async fn link_of_item(
        &mut self,
        project: &Authorized<Project, See>,
        item: ItemId,
    ) -> StoreResult<Option<LinkRecord>> {
        let row = query(LINK_OF_ITEM)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(item.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(link).transpose()
    }

    async fn insert_link(&mut self, app: &Authorized<App, Modify>, of: &LinkRecord) -> StoreResult<()> {
        let link = &of.link;
        let done = query(
            "INSERT INTO mirror_links (item_id, org_id, project_id, app_id, connection_id, repository_id, iid, made_here, \
             web_url, author, state, base, written, lease_until, conflicts, conflict_count, remark, trouble, \
             item_version, seen_at, synced_at, version) \
             SELECT i.id, i.org_id, i.project_id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, \
             $18, $19, $20, 1 FROM items i WHERE i.org_id = $1 AND i.id = $2 AND i.project_id = $21",
        )
        .bind(app.org_id().to_string())
        .bind(of.item.to_string())
        .bind(app.id().to_string())
        .bind(of.connection.to_string())
        .bind(of.repository)
        .bind(link.iid)
        .bind(i64::from(of.made_here))
        .bind(&link.web_url)
        .bind(&link.author)
        .bind(link.state.key())
        .bind(document(&of.base)?)
        .bind(document(&of.written)?)
        .bind(of.lease_until.map(Timestamp::micros))
        .bind(document(&link.conflicts)?)
        .bind(i64::try_from(link.conflicts.len()).unwrap_or(i64::MAX))
        .bind(maybe(link.remark.as_ref())?)
        .bind(maybe(link.trouble.as_ref())?)
        .bind(of.item_version)
        .bind(of.seen_at.map(Timestamp::micros))
        .bind(link.synced_at.map(Timestamp::micros))
        .bind(app.project_id().to_string())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn update_link(
        &mut self,
        project: &Authorized<Project, Modify>,
        of: &LinkRecord,
    ) -> StoreResult<()> {
        let link = &of.link;
        let done = query(
            "UPDATE mirror_links SET iid = $4, web_url = $5, author = $6, state = $7, base = $8, written = $9, \
             lease_until = $10, conflicts = $11, conflict_count = $12, remark = $13, trouble = $14, item_version = $15, \
             seen_at = $16, synced_at = $17, version = version + 1 \
             WHERE org_id = $1 AND project_id = $2 AND item_id = $3 AND version = $18",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(of.item.to_string())
        .bind(link.iid)
        .bind(&link.web_url)
        .bind(&link.author)
        .bind(link.state.key())
        .bind(document(&of.base)?)
        .bind(document(&of.written)?)
        .bind(of.lease_until.map(Timestamp::micros))
        .bind(document(&link.conflicts)?)
        .bind(i64::try_from(link.conflicts.len()).unwrap_or(i64::MAX))
        .bind(maybe(link.remark.as_ref())?)
        .bind(maybe(link.trouble.as_ref())?)
        .bind(of.item_version)
        .bind(of.seen_at.map(Timestamp::micros))
        .bind(link.synced_at.map(Timestamp::micros))
        .bind(link.version)
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn lagging_links(&mut self, app: &Authorized<App, See>, limit: i64) -> StoreResult<Vec<ItemId>> {
        let rows = query(LAGGING)
            .bind(app.org_id().to_string())
            .bind(app.id().to_string())
            .bind(limit)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| columns("mirror_links", row).id("id"))
            .collect()
    }

    async fn links_of_app(
        &mut self,
        app: &Authorized<App, See>,
        limit: i64,
    ) -> StoreResult<(i64, Vec<ConflictRow>)> {
        let count = query(
            "SELECT COUNT(*) AS links FROM mirror_links l JOIN items i ON i.id = l.item_id \
             WHERE l.org_id = $1 AND l.app_id = $2 AND i.deleted_at IS NULL",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .fetch_one(self.conn())
        .await
        .map_err(map)?;
        let rows = query(CONFLICTS)
            .bind(app.org_id().to_string())
            .bind(app.id().to_string())
            .bind(limit)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        let read = |row: &AnyRow| {
            let c = columns("mirror_links", row);
            Ok(ConflictRow {
                key: format!("{}-{}", c.text("item_key")?, c.int("number")?),
                title: c.text("title")?,
                iid: c.opt_int("iid")?,
                conflicts: c.json("conflicts")?,
                version: c.int("version")?,
            })
        };
        let conflicts: StoreResult<Vec<_>> = rows.iter().map(read).collect();
        Ok((columns("mirror_links", &count).int("links")?, conflicts?))
    }

    async fn number_of_item(&mut self, app: &Authorized<App, See>, item: ItemId) -> StoreResult<Option<i64>> {
        let row = query(
            "SELECT id, number FROM items WHERE org_id = $1 AND project_id = $2 AND id = $3 AND deleted_at IS NULL",
        )
        .bind(app.org_id().to_string())
        .bind(app.project_id().to_string())
        .bind(item.to_string())
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        row.map(|row| columns("items", &row).int("number")).transpose()
    }

    async fn notes_of(&mut self, app: &Authorized<App, See>, item: ItemId) -> StoreResult<Vec<NoteRecord>> {
        let rows = query(
            "SELECT comment_id AS id, note_id, base FROM mirror_notes \
             WHERE org_id = $1 AND app_id = $2 AND item_id = $3 ORDER BY comment_id",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(item.to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("mirror_notes", row);
                Ok(NoteRecord {
                    comment: c.id("id")?,
                    note: c.opt_int("note_id")?,
                    base: c.text("base")?,
                })
            })
            .collect()
    }

    async fn put_note(
        &mut self,
        app: &Authorized<App, Modify>,
        item: ItemId,
        note: &NoteRecord,
    ) -> StoreResult<()> {
        let done = query(
            "INSERT INTO mirror_notes (comment_id, org_id, app_id, item_id, note_id, base) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (comment_id) DO UPDATE SET \
             note_id = COALESCE(excluded.note_id, mirror_notes.note_id), base = excluded.base \
             WHERE mirror_notes.org_id = $2 AND mirror_notes.app_id = $3",
        )
        .bind(note.comment.to_string())
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(item.to_string())
        .bind(note.note)
        .bind(&note.base)
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn set_said_by(
        &mut self,
        project: &Authorized<Project, Modify>,
        comment: CommentId,
        name: &str,
    ) -> StoreResult<()> {
        let done =
            query("UPDATE item_comments SET said_by = $4 WHERE org_id = $1 AND project_id = $2 AND id = $3")
                .bind(project.org_id().to_string())
                .bind(project.id().to_string())
                .bind(comment.to_string())
                .bind(name)
                .execute(self.conn())
                .await
                .map_err(map)?;
        affected(done.rows_affected())
    }
}
