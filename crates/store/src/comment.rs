//! Comments on work items, their links and their watchers.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::{Columns, columns};
use async_trait::async_trait;
use slipway_domain::id::{CommentId, ItemId, UserId};
use slipway_domain::item::{ItemKind, ItemLine, LinkedItem, Relation};
use slipway_domain::person::PersonRef;
use slipway_domain::time::Timestamp;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{Authorized, Project};
use slipway_portal::ports::{CommentRecord, CommentTx, StoreResult};
use sqlx::any::AnyRow;
use sqlx::query;

const COMMENTS: &str = "SELECT c.id, c.body, c.version, c.created_at, c.edited_at, u.id AS user_id, u.username, \
     COALESCE(c.said_by, u.name) AS name FROM item_comments c JOIN users u ON u.id = c.author_id \
     WHERE c.org_id = $1 AND c.project_id = $2 AND c.item_id = $3 ORDER BY c.created_at, c.id";

const COMMENT: &str = "SELECT c.id, c.body, c.version, c.created_at, c.edited_at, u.id AS user_id, u.username, \
     COALESCE(c.said_by, u.name) AS name FROM item_comments c JOIN users u ON u.id = c.author_id \
     WHERE c.org_id = $1 AND c.project_id = $2 AND c.item_id = $3 AND c.id = $4";

const LINKS: &str = "SELECT i.id, l.relation, 0 AS turned, i.number, i.kind, i.title, i.state, i.category, i.state_said, \
     CASE WHEN i.deleted_at IS NULL THEN 0 ELSE 1 END AS deleted, p.item_key \
     FROM item_links l JOIN items i ON i.id = l.other_id JOIN projects p ON p.id = i.project_id \
     WHERE l.org_id = $1 AND l.project_id = $2 AND l.item_id = $3 \
     UNION ALL SELECT i.id, l.relation, 1 AS turned, i.number, i.kind, i.title, i.state, i.category, i.state_said, \
     CASE WHEN i.deleted_at IS NULL THEN 0 ELSE 1 END AS deleted, p.item_key \
     FROM item_links l JOIN items i ON i.id = l.item_id JOIN projects p ON p.id = i.project_id \
     WHERE l.org_id = $1 AND l.project_id = $2 AND l.other_id = $3 \
     ORDER BY 2, 3, 4";

const PARTS: &str = "SELECT i.id, i.number, i.kind, i.title, i.state, i.category, i.state_said, \
     CASE WHEN i.deleted_at IS NULL THEN 0 ELSE 1 END AS deleted, p.item_key \
     FROM items i JOIN projects p ON p.id = i.project_id \
     WHERE i.org_id = $1 AND i.project_id = $2 AND i.parent_id = $3 ORDER BY i.number LIMIT 200";

const WATCHERS: &str = "SELECT u.id AS user_id, u.username, u.name FROM item_watchers w JOIN users u ON u.id = w.user_id \
     WHERE w.org_id = $1 AND w.project_id = $2 AND w.item_id = $3 ORDER BY u.name, u.id";

fn person(c: Columns<'_>) -> StoreResult<PersonRef> {
    Ok(PersonRef {
        id: c.id("user_id")?,
        username: c.text("username")?,
        name: c.text("name")?,
    })
}

fn comment(row: &AnyRow) -> StoreResult<CommentRecord> {
    let c = columns("item_comments", row);
    Ok(CommentRecord {
        id: c.id("id")?,
        author: person(c)?,
        body: c.text("body")?,
        created_at: c.time("created_at")?,
        edited_at: c.opt_time("edited_at")?,
        version: c.int("version")?,
    })
}

fn line(c: Columns<'_>) -> StoreResult<ItemLine> {
    Ok(ItemLine {
        key: format!("{}-{}", c.text("item_key")?, c.int("number")?),
        kind: c.key("kind", ItemKind::from_key)?,
        title: c.text("title")?,
        state: crate::item::state(c)?,
        deleted: c.flag("deleted")?,
    })
}

#[async_trait]
impl CommentTx for SqlTx {
    async fn comments(
        &mut self,
        project: &Authorized<Project, See>,
        item: ItemId,
    ) -> StoreResult<Vec<CommentRecord>> {
        let rows = query(COMMENTS)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(item.to_string())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(comment).collect()
    }

    async fn comment(
        &mut self,
        project: &Authorized<Project, See>,
        item: ItemId,
        id: CommentId,
    ) -> StoreResult<Option<CommentRecord>> {
        let row = query(COMMENT)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(item.to_string())
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(comment).transpose()
    }

    async fn insert_comment(
        &mut self,
        project: &Authorized<Project, Modify>,
        item: ItemId,
        comment: &CommentRecord,
    ) -> StoreResult<()> {
        let done = query(
            "INSERT INTO item_comments (id, org_id, project_id, item_id, author_id, body, version, created_at) \
             SELECT $1, i.org_id, i.project_id, i.id, $5, $6, $7, $8 FROM items i \
             WHERE i.org_id = $2 AND i.project_id = $3 AND i.id = $4",
        )
        .bind(comment.id.to_string())
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(item.to_string())
        .bind(comment.author.id.to_string())
        .bind(&comment.body)
        .bind(comment.version)
        .bind(comment.created_at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn update_comment(
        &mut self,
        project: &Authorized<Project, Modify>,
        id: CommentId,
        version: i64,
        body: &str,
        at: Timestamp,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE item_comments SET body = $5, edited_at = $6, version = version + 1 \
             WHERE org_id = $1 AND project_id = $2 AND id = $3 AND version = $4",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(id.to_string())
        .bind(version)
        .bind(body)
        .bind(at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn delete_comment(
        &mut self,
        project: &Authorized<Project, Modify>,
        id: CommentId,
    ) -> StoreResult<()> {
        let done = query("DELETE FROM item_comments WHERE org_id = $1 AND project_id = $2 AND id = $3")
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(id.to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn item_links(
        &mut self,
        project: &Authorized<Project, See>,
        item: ItemId,
    ) -> StoreResult<Vec<LinkedItem>> {
        let rows = query(LINKS)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(item.to_string())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("item_links", row);
                let relation = c.key("relation", Relation::from_key)?;
                Ok(LinkedItem {
                    relation: if c.flag("turned")? {
                        relation.inverse()
                    } else {
                        relation
                    },
                    item: line(c)?,
                })
            })
            .collect()
    }

    async fn link_items(
        &mut self,
        project: &Authorized<Project, Modify>,
        (relation, item, other): (Relation, ItemId, ItemId),
        at: Timestamp,
    ) -> StoreResult<bool> {
        let done = query(
            "INSERT INTO item_links (org_id, project_id, item_id, relation, other_id, created_at) \
             SELECT i.org_id, i.project_id, i.id, $4, o.id, $6 FROM items i JOIN items o ON o.project_id = i.project_id \
             WHERE i.org_id = $1 AND i.project_id = $2 AND i.id = $3 AND o.id = $5 \
             ON CONFLICT (item_id, relation, other_id) DO NOTHING",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(item.to_string())
        .bind(relation.key())
        .bind(other.to_string())
        .bind(at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(done.rows_affected() > 0)
    }

    async fn unlink_items(
        &mut self,
        project: &Authorized<Project, Modify>,
        (relation, item, other): (Relation, ItemId, ItemId),
    ) -> StoreResult<bool> {
        let done = query(
            "DELETE FROM item_links \
             WHERE org_id = $1 AND project_id = $2 AND item_id = $3 AND relation = $4 AND other_id = $5",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(item.to_string())
        .bind(relation.key())
        .bind(other.to_string())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(done.rows_affected() > 0)
    }

    async fn item_parts(
        &mut self,
        project: &Authorized<Project, See>,
        item: ItemId,
    ) -> StoreResult<Vec<ItemLine>> {
        let rows = query(PARTS)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(item.to_string())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(|row| line(columns("items", row))).collect()
    }

    async fn watchers(
        &mut self,
        project: &Authorized<Project, See>,
        item: ItemId,
    ) -> StoreResult<Vec<PersonRef>> {
        let rows = query(WATCHERS)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(item.to_string())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| person(columns("item_watchers", row)))
            .collect()
    }

    async fn set_watching(
        &mut self,
        project: &Authorized<Project, See>,
        item: ItemId,
        who: UserId,
        watching: bool,
        at: Timestamp,
    ) -> StoreResult<bool> {
        let sql = if watching {
            "INSERT INTO item_watchers (org_id, project_id, item_id, user_id, created_at) \
             SELECT i.org_id, i.project_id, i.id, $4, $5 FROM items i \
             WHERE i.org_id = $1 AND i.project_id = $2 AND i.id = $3 \
             ON CONFLICT (item_id, user_id) DO NOTHING"
        } else {
            "DELETE FROM item_watchers WHERE org_id = $1 AND project_id = $2 AND item_id = $3 AND user_id = $4 \
             AND created_at <= $5"
        };
        let done = query(sql)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(item.to_string())
            .bind(who.to_string())
            .bind(at.micros())
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(done.rows_affected() > 0)
    }
}
