//! Imports of GitLab groups.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::{columns, document};
use async_trait::async_trait;
use slipway_domain::app::AppRef;
use slipway_domain::id::{AppId, ConnectionId, ImportId, UserId};
use slipway_domain::import::{ImportCounts, ImportState, ItemState};
use slipway_domain::person::PersonRef;
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{Authorized, Project};
use slipway_portal::ports::{ImportItemRecord, ImportRecord, ImportTx, StoreResult};
use sqlx::any::AnyRow;
use sqlx::query;

/// The columns of an import with the person it runs for.
macro_rules! import {
    ($rest:literal) => {
        concat!(
            "SELECT i.*, u.username AS by_username, u.name AS by_name FROM imports i JOIN users u ON u.id = i.user_id ",
            $rest
        )
    };
}

fn import(row: &AnyRow) -> StoreResult<ImportRecord> {
    let c = columns("imports", row);
    Ok(ImportRecord {
        id: c.id("id")?,
        connection: c.id("connection_id")?,
        group: c.int("group_id")?,
        group_path: c.text("group_path")?,
        state: c.key("state", ImportState::from_key)?,
        by: PersonRef {
            id: c.id("user_id")?,
            username: c.text("by_username")?,
            name: c.text("by_name")?,
        },
        reason: c.opt_json("reason")?,
        trouble: c.opt_json("trouble")?,
        retry_at: c.opt_time("retry_at")?,
        exhausted: c.int("exhausted")?,
        created_at: c.time("created_at")?,
        started_at: c.opt_time("started_at")?,
        ended_at: c.opt_time("ended_at")?,
    })
}

fn item(row: &AnyRow) -> StoreResult<ImportItemRecord> {
    let c = columns("import_items", row);
    Ok(ImportItemRecord {
        repository: c.int("repo_id")?,
        path: c.text("repo_path")?,
        archived: c.flag("archived")?,
        slug: c.text("slug")?,
        name: c.text("name")?,
        state: c.key("state", ItemState::from_key)?,
        app: c.opt_id::<AppId>("app_id")?,
        reason: c.opt_json("reason")?,
        tries: c.int("tries")?,
        ended_at: c.opt_time("ended_at")?,
    })
}

fn item_with_app(row: &AnyRow) -> StoreResult<(ImportItemRecord, Option<AppRef>)> {
    let c = columns("import_items", row);
    let app = match c.opt_id::<AppId>("there_id")? {
        Some(id) => Some(AppRef {
            id,
            slug: c.text("there_slug")?,
            name: c.text("there_name")?,
            archived: c.opt_time("there_archived")?.is_some(),
        }),
        None => None,
    };
    Ok((item(row)?, app))
}

#[async_trait]
impl ImportTx for SqlTx {
    async fn insert_import(
        &mut self,
        project: &Authorized<Project, Modify>,
        import: &ImportRecord,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO imports (id, org_id, project_id, connection_id, group_id, group_path, state, user_id, reason, \
             trouble, retry_at, exhausted, created_at, started_at, ended_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        )
        .bind(import.id.to_string())
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(import.connection.to_string())
        .bind(import.group)
        .bind(&import.group_path)
        .bind(import.state.key())
        .bind(import.by.id.to_string())
        .bind(import.reason.as_ref().map(document).transpose()?)
        .bind(import.trouble.as_ref().map(document).transpose()?)
        .bind(import.retry_at.map(Timestamp::micros))
        .bind(import.exhausted)
        .bind(import.created_at.micros())
        .bind(import.started_at.map(Timestamp::micros))
        .bind(import.ended_at.map(Timestamp::micros))
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn update_import(
        &mut self,
        project: &Authorized<Project, Modify>,
        import: &ImportRecord,
        was: ImportState,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE imports SET state = $5, user_id = $6, reason = $7, trouble = $8, retry_at = $9, exhausted = $10, \
             started_at = $11, ended_at = $12 WHERE org_id = $1 AND project_id = $2 AND id = $3 AND state = $4",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(import.id.to_string())
        .bind(was.key())
        .bind(import.state.key())
        .bind(import.by.id.to_string())
        .bind(import.reason.as_ref().map(document).transpose()?)
        .bind(import.trouble.as_ref().map(document).transpose()?)
        .bind(import.retry_at.map(Timestamp::micros))
        .bind(import.exhausted)
        .bind(import.started_at.map(Timestamp::micros))
        .bind(import.ended_at.map(Timestamp::micros))
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn import(
        &mut self,
        project: &Authorized<Project, See>,
        id: ImportId,
    ) -> StoreResult<Option<ImportRecord>> {
        let row = query(import!("WHERE i.org_id = $1 AND i.project_id = $2 AND i.id = $3"))
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(import).transpose()
    }

    async fn import_draft(
        &mut self,
        project: &Authorized<Project, See>,
        user: UserId,
        connection: ConnectionId,
        group: i64,
    ) -> StoreResult<Option<ImportRecord>> {
        let row = query(import!(
            "WHERE i.org_id = $1 AND i.project_id = $2 AND i.user_id = $3 AND i.connection_id = $4 \
             AND i.group_id = $5 AND i.state = 'draft'"
        ))
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(user.to_string())
        .bind(connection.to_string())
        .bind(group)
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        row.as_ref().map(import).transpose()
    }

    async fn imports(
        &mut self,
        project: &Authorized<Project, See>,
        limit: i64,
    ) -> StoreResult<Vec<(ImportRecord, ImportCounts)>> {
        let rows = query(import!(
            "WHERE i.org_id = $1 AND i.project_id = $2 AND i.state <> 'draft' \
             ORDER BY i.created_at DESC, i.id DESC LIMIT $3"
        ))
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(limit)
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        let mut found = Vec::new();
        for row in &rows {
            let record = import(row)?;
            let counted = query(
                "SELECT state AS id, state, COUNT(*) AS n FROM import_items WHERE org_id = $1 AND import_id = $2 \
                 GROUP BY state",
            )
            .bind(project.org_id().to_string())
            .bind(record.id.to_string())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
            let mut counts = ImportCounts::default();
            for row in &counted {
                let c = columns("import_items", row);
                counts.add(c.key("state", ItemState::from_key)?, c.int("n")?);
            }
            found.push((record, counts));
        }
        Ok(found)
    }

    async fn delete_import_drafts(
        &mut self,
        project: &Authorized<Project, Modify>,
        before: Timestamp,
    ) -> StoreResult<()> {
        query(
            "DELETE FROM import_items WHERE org_id = $1 AND import_id IN (SELECT id FROM imports \
             WHERE org_id = $1 AND project_id = $2 AND state = 'draft' AND created_at < $3)",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(before.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        query(
            "DELETE FROM imports WHERE org_id = $1 AND project_id = $2 AND state = 'draft' AND created_at < $3",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(before.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn put_import_item(
        &mut self,
        project: &Authorized<Project, Modify>,
        import: ImportId,
        item: &ImportItemRecord,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO import_items (import_id, repo_id, org_id, repo_path, archived, slug, name, state, \
             tries) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
             ON CONFLICT (import_id, repo_id) DO UPDATE SET slug = excluded.slug, name = excluded.name, \
             repo_path = excluded.repo_path, archived = excluded.archived \
             WHERE import_items.org_id = excluded.org_id AND import_items.state = 'waiting'",
        )
        .bind(import.to_string())
        .bind(item.repository)
        .bind(project.org_id().to_string())
        .bind(&item.path)
        .bind(i64::from(item.archived))
        .bind(&item.slug)
        .bind(&item.name)
        .bind(item.state.key())
        .bind(item.tries)
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn remove_import_item(
        &mut self,
        project: &Authorized<Project, Modify>,
        import: ImportId,
        repository: i64,
    ) -> StoreResult<()> {
        query(
            "DELETE FROM import_items WHERE org_id = $1 AND import_id = $3 AND repo_id = $4 \
             AND EXISTS (SELECT 1 FROM imports i WHERE i.id = import_items.import_id AND i.project_id = $2 \
             AND i.state = 'draft')",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(import.to_string())
        .bind(repository)
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn import_items(
        &mut self,
        project: &Authorized<Project, See>,
        import: ImportId,
    ) -> StoreResult<Vec<(ImportItemRecord, Option<AppRef>)>> {
        let rows = query(
            "SELECT t.*, t.import_id AS id, a.id AS there_id, a.slug AS there_slug, a.name AS there_name, \
             a.archived_at AS there_archived FROM import_items t \
             JOIN imports i ON i.id = t.import_id \
             LEFT JOIN apps a ON a.id = t.app_id AND a.project_id = i.project_id \
             WHERE t.org_id = $1 AND i.project_id = $2 AND t.import_id = $3 ORDER BY t.repo_path, t.repo_id",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(import.to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter().map(item_with_app).collect()
    }

    async fn next_import_item(
        &mut self,
        project: &Authorized<Project, See>,
        import: ImportId,
    ) -> StoreResult<Option<ImportItemRecord>> {
        let row = query(
            "SELECT t.*, t.import_id AS id FROM import_items t JOIN imports i ON i.id = t.import_id \
             WHERE t.org_id = $1 AND i.project_id = $2 AND t.import_id = $3 AND t.state = 'waiting' \
             ORDER BY t.repo_path, t.repo_id LIMIT 1",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(import.to_string())
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        row.as_ref().map(item).transpose()
    }

    async fn settle_import_item(
        &mut self,
        project: &Authorized<Project, Modify>,
        import: ImportId,
        item: &ImportItemRecord,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE import_items SET slug = $5, name = $6, repo_path = $7, state = $8, app_id = $9, reason = $10, \
             tries = $11, ended_at = $12 \
             WHERE org_id = $1 AND import_id = $3 AND repo_id = $4 AND state = 'waiting' \
             AND EXISTS (SELECT 1 FROM imports i WHERE i.id = import_items.import_id AND i.project_id = $2 \
             AND i.state = 'running')",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(import.to_string())
        .bind(item.repository)
        .bind(&item.slug)
        .bind(&item.name)
        .bind(&item.path)
        .bind(item.state.key())
        .bind(item.app.map(|app| app.to_string()))
        .bind(item.reason.as_ref().map(document).transpose()?)
        .bind(item.tries)
        .bind(item.ended_at.map(Timestamp::micros))
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn note_import_item(
        &mut self,
        project: &Authorized<Project, Modify>,
        import: ImportId,
        repository: i64,
        note: &Text,
    ) -> StoreResult<()> {
        query(
            "UPDATE import_items SET reason = $5 WHERE org_id = $1 AND import_id = $3 AND repo_id = $4 \
             AND state = 'done' AND EXISTS (SELECT 1 FROM imports i WHERE i.id = import_items.import_id \
             AND i.project_id = $2)",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(import.to_string())
        .bind(repository)
        .bind(document(note)?)
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn retry_import_items(
        &mut self,
        project: &Authorized<Project, Modify>,
        import: ImportId,
    ) -> StoreResult<i64> {
        let done = query(
            "UPDATE import_items SET state = 'waiting', reason = NULL, tries = 0, ended_at = NULL \
             WHERE org_id = $1 AND import_id = $3 AND state = 'failed' \
             AND EXISTS (SELECT 1 FROM imports i WHERE i.id = import_items.import_id AND i.project_id = $2)",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(import.to_string())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(i64::try_from(done.rows_affected()).unwrap_or(i64::MAX))
    }

    async fn taken_app_slugs(&mut self, project: &Authorized<Project, See>) -> StoreResult<Vec<String>> {
        let rows = query(
            "SELECT id, slug, first_slug FROM apps WHERE org_id = $1 AND project_id = $2 ORDER BY slug",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        let mut taken = Vec::new();
        for row in &rows {
            let c = columns("apps", row);
            taken.push(c.text("slug")?);
            taken.extend(c.opt_text("first_slug")?);
        }
        Ok(taken)
    }
}
