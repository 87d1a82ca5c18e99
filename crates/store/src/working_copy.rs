//! Working copies of pipelines, and who edits them.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::columns;
use async_trait::async_trait;
use slipway_domain::id::UserId;
use slipway_domain::person::PersonRef;
use slipway_domain::time::Timestamp;
use slipway_domain::working_copy::WorkingCopy;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{App, Authorized};
use slipway_portal::ports::{StoreResult, WorkingCopyTx};
use sqlx::any::AnyRow;
use sqlx::query;

fn copy(row: &AnyRow) -> StoreResult<WorkingCopy> {
    let c = columns("pipeline_working_copies", row);
    let by = match c.opt_id("updated_by")? {
        Some(id) => Some(PersonRef {
            id,
            username: c.text("username")?,
            name: c.text("name")?,
        }),
        None => None,
    };
    Ok(WorkingCopy {
        branch: c.text("branch")?,
        base: c.text("base")?,
        base_commit: c.opt_text("base_commit")?,
        text: c.text("content")?,
        version: c.int("version")?,
        updated_at: c.opt_time("updated_at")?,
        updated_by: by,
    })
}

#[async_trait]
impl WorkingCopyTx for SqlTx {
    async fn working_copy(&mut self, app: &Authorized<App, See>) -> StoreResult<Option<WorkingCopy>> {
        let row = query(
            "SELECT c.app_id AS id, c.*, u.username, u.name FROM pipeline_working_copies c \
             LEFT JOIN users u ON u.id = c.updated_by WHERE c.org_id = $1 AND c.app_id = $2",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        row.as_ref().map(copy).transpose()
    }

    async fn insert_working_copy(
        &mut self,
        app: &Authorized<App, Modify>,
        by: UserId,
        copy: &WorkingCopy,
    ) -> StoreResult<()> {
        let done = query(
            "INSERT INTO pipeline_working_copies (app_id, org_id, branch, base, base_commit, content, version, \
             updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8) ON CONFLICT (app_id) DO NOTHING",
        )
        .bind(app.id().to_string())
        .bind(app.org_id().to_string())
        .bind(&copy.branch)
        .bind(&copy.base)
        .bind(&copy.base_commit)
        .bind(&copy.text)
        .bind(copy.updated_at.map_or(0, Timestamp::micros))
        .bind(by.to_string())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn update_working_copy(
        &mut self,
        app: &Authorized<App, Modify>,
        by: UserId,
        copy: &WorkingCopy,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE pipeline_working_copies SET branch = $4, base = $5, base_commit = $6, content = $7, \
             updated_at = $8, updated_by = $9, version = version + 1 \
             WHERE org_id = $1 AND app_id = $2 AND version = $3",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(copy.version)
        .bind(&copy.branch)
        .bind(&copy.base)
        .bind(&copy.base_commit)
        .bind(&copy.text)
        .bind(copy.updated_at.map_or(0, Timestamp::micros))
        .bind(by.to_string())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn delete_working_copy(&mut self, app: &Authorized<App, Modify>, version: i64) -> StoreResult<()> {
        let done =
            query("DELETE FROM pipeline_working_copies WHERE org_id = $1 AND app_id = $2 AND version = $3")
                .bind(app.org_id().to_string())
                .bind(app.id().to_string())
                .bind(version)
                .execute(self.conn())
                .await
                .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn note_editor(
        &mut self,
        app: &Authorized<App, Modify>,
        who: UserId,
        at: Timestamp,
        since: Timestamp,
    ) -> StoreResult<bool> {
        let known = query(
            "SELECT user_id AS id FROM pipeline_editors \
             WHERE org_id = $1 AND app_id = $2 AND user_id = $3 AND seen_at >= $4",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(who.to_string())
        .bind(since.micros())
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        query(
            "INSERT INTO pipeline_editors (app_id, user_id, org_id, seen_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (app_id, user_id) DO UPDATE SET seen_at = excluded.seen_at \
             WHERE pipeline_editors.org_id = excluded.org_id",
        )
        .bind(app.id().to_string())
        .bind(who.to_string())
        .bind(app.org_id().to_string())
        .bind(at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(known.is_none())
    }

    async fn editors(&mut self, app: &Authorized<App, See>, since: Timestamp) -> StoreResult<Vec<PersonRef>> {
        let rows = query(
            "SELECT u.id, u.username, u.name FROM pipeline_editors e JOIN users u ON u.id = e.user_id \
             WHERE e.org_id = $1 AND e.app_id = $2 AND e.seen_at >= $3 ORDER BY u.name, u.username",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(since.micros())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter().map(editor_of).collect()
    }
}

/// A person of the columns `id`, `username` and `name`.
pub(crate) fn editor_of(row: &AnyRow) -> StoreResult<PersonRef> {
    let c = columns("users", row);
    Ok(PersonRef {
        id: c.id("id")?,
        username: c.text("username")?,
        name: c.text("name")?,
    })
}
