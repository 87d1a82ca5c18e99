//! Files that are attached to work items.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::columns;
use async_trait::async_trait;
use slipway_domain::id::{AttachmentId, ItemId};
use slipway_domain::person::PersonRef;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{Authorized, Project};
use slipway_portal::ports::{AttachmentRecord, AttachmentTx, StoreResult};
use sqlx::any::AnyRow;
use sqlx::query;

const ATTACHMENTS: &str = "SELECT f.id, f.name AS file_name, f.media_type, f.size, f.created_at, f.object_key, \
     u.id AS user_id, u.username, u.name FROM item_attachments f JOIN users u ON u.id = f.author_id \
     WHERE f.org_id = $1 AND f.project_id = $2 AND f.item_id = $3 ORDER BY f.created_at, f.id";

const ATTACHMENT: &str = "SELECT f.id, f.name AS file_name, f.media_type, f.size, f.created_at, f.object_key, \
     u.id AS user_id, u.username, u.name FROM item_attachments f JOIN users u ON u.id = f.author_id \
     WHERE f.org_id = $1 AND f.project_id = $2 AND f.item_id = $3 AND f.id = $4";

fn attachment(row: &AnyRow) -> StoreResult<AttachmentRecord> {
    let c = columns("item_attachments", row);
    Ok(AttachmentRecord {
        id: c.id("id")?,
        name: c.text("file_name")?,
        media_type: c.text("media_type")?,
        size: c.int("size")?,
        author: PersonRef {
            id: c.id("user_id")?,
            username: c.text("username")?,
            name: c.text("name")?,
        },
        created_at: c.time("created_at")?,
        object: c.opt_text("object_key")?,
    })
}

#[async_trait]
impl AttachmentTx for SqlTx {
    async fn attachments(
        &mut self,
        project: &Authorized<Project, See>,
        item: ItemId,
    ) -> StoreResult<Vec<AttachmentRecord>> {
        let rows = query(ATTACHMENTS)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(item.to_string())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(attachment).collect()
    }

    async fn attachment(
        &mut self,
        project: &Authorized<Project, See>,
        item: ItemId,
        id: AttachmentId,
    ) -> StoreResult<Option<AttachmentRecord>> {
        let row = query(ATTACHMENT)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(item.to_string())
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(attachment).transpose()
    }

    async fn attachment_content(
        &mut self,
        project: &Authorized<Project, See>,
        id: AttachmentId,
    ) -> StoreResult<Option<Vec<u8>>> {
        let row = query(
            "SELECT attachment_id AS id, content FROM attachment_contents \
             WHERE org_id = $1 AND project_id = $2 AND attachment_id = $3",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(id.to_string())
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        row.map(|row| columns("attachment_contents", &row).bytes("content"))
            .transpose()
    }

    async fn insert_attachment(
        &mut self,
        project: &Authorized<Project, Modify>,
        item: ItemId,
        attachment: &AttachmentRecord,
        content: &[u8],
    ) -> StoreResult<()> {
        let done = query(
            "INSERT INTO item_attachments (id, org_id, project_id, item_id, name, media_type, size, author_id, created_at, object_key) \
             SELECT $1, i.org_id, i.project_id, i.id, $5, $6, $7, $8, $9, $10 FROM items i \
             WHERE i.org_id = $2 AND i.project_id = $3 AND i.id = $4",
        )
        .bind(attachment.id.to_string())
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(item.to_string())
        .bind(&attachment.name)
        .bind(&attachment.media_type)
        .bind(attachment.size)
        .bind(attachment.author.id.to_string())
        .bind(attachment.created_at.micros())
        .bind(attachment.object.clone())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())?;
        if attachment.object.is_some() {
            return Ok(());
        }
        query(
            "INSERT INTO attachment_contents (attachment_id, org_id, project_id, content) VALUES ($1, $2, $3, $4)",
        )
        .bind(attachment.id.to_string())
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(content.to_vec())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn delete_attachment(
        &mut self,
        project: &Authorized<Project, Modify>,
        id: AttachmentId,
    ) -> StoreResult<()> {
        query("DELETE FROM attachment_contents WHERE org_id = $1 AND project_id = $2 AND attachment_id = $3")
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(id.to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        let done = query("DELETE FROM item_attachments WHERE org_id = $1 AND project_id = $2 AND id = $3")
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(id.to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }
}
