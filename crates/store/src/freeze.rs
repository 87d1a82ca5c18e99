//! Freeze windows.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::{columns, document};
use async_trait::async_trait;
use slipway_domain::access::ScopeKind;
use slipway_domain::freeze::{Effect, Freeze};
use slipway_domain::id::FreezeId;
use slipway_domain::person::PersonRef;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{Anywhere, App, Authorized};
use slipway_portal::ports::{FreezeRecord, FreezeTx, StoreResult};
use sqlx::any::AnyRow;
use sqlx::query;

const ABOVE: &str = "SELECT f.*, u.username, u.name AS user_name FROM freezes f LEFT JOIN users u ON u.id = f.made_by \
     WHERE f.org_id = $1 AND (f.project_id IS NULL OR f.project_id = $2) AND (f.app_id IS NULL OR f.app_id = $3) \
     ORDER BY CASE WHEN f.project_id IS NULL THEN 0 WHEN f.app_id IS NULL THEN 1 ELSE 2 END, f.created_at, f.id";

fn record(row: &AnyRow) -> StoreResult<FreezeRecord> {
    let c = columns("freezes", row);
    let (project, app) = (c.opt_id("project_id")?, c.opt_id("app_id")?);
    let made_by = match c.opt_id("made_by")? {
        Some(id) => Some(PersonRef {
            id,
            username: c.text("username")?,
            name: c.text("user_name")?,
        }),
        None => None,
    };
    Ok(FreezeRecord {
        freeze: Freeze {
            id: c.id("id")?,
            level: match (project.is_some(), app.is_some()) {
                (_, true) => ScopeKind::App,
                (true, false) => ScopeKind::Project,
                (false, false) => ScopeKind::Org,
            },
            name: c.text("name")?,
            reason: c.text("reason")?,
            effect: c.key("effect", Effect::from_key)?,
            window: c.json("span")?,
            tiers: c.json("tiers")?,
        },
        project,
        app,
        made_by,
        created_at: c.time("created_at")?,
    })
}

/// The ids that name a place: organization, project or nothing, app or nothing.
fn ids<P>(place: &Authorized<Anywhere, P>) -> (String, Option<String>, Option<String>) {
    (
        place.org_id().to_string(),
        place.project_id().map(|id| id.to_string()),
        place.app_id().map(|id| id.to_string()),
    )
}

#[async_trait]
impl FreezeTx for SqlTx {
    async fn insert_freeze(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        record: &FreezeRecord,
    ) -> StoreResult<()> {
        let (org, project, app) = ids(place);
        query(
            "INSERT INTO freezes (id, org_id, project_id, app_id, name, reason, effect, span, tiers, made_by, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(record.freeze.id.to_string())
        .bind(org)
        .bind(project)
        .bind(app)
        .bind(&record.freeze.name)
        .bind(&record.freeze.reason)
        .bind(record.freeze.effect.key())
        .bind(document(&record.freeze.window)?)
        .bind(document(&record.freeze.tiers)?)
        .bind(record.made_by.as_ref().map(|by| by.id.to_string()))
        .bind(record.created_at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn update_freeze(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        freeze: &Freeze,
    ) -> StoreResult<()> {
        let (org, project, app) = ids(place);
        let done = query(
            "UPDATE freezes SET name = $5, reason = $6, effect = $7, span = $8, tiers = $9 \
             WHERE org_id = $1 AND COALESCE(project_id, '') = $2 AND COALESCE(app_id, '') = $3 AND id = $4",
        )
        .bind(org)
        .bind(project.unwrap_or_default())
        .bind(app.unwrap_or_default())
        .bind(freeze.id.to_string())
        .bind(&freeze.name)
        .bind(&freeze.reason)
        .bind(freeze.effect.key())
        .bind(document(&freeze.window)?)
        .bind(document(&freeze.tiers)?)
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn delete_freeze(&mut self, place: &Authorized<Anywhere, Modify>, id: FreezeId) -> StoreResult<()> {
        let (org, project, app) = ids(place);
        let done = query(
            "DELETE FROM freezes \
             WHERE org_id = $1 AND COALESCE(project_id, '') = $2 AND COALESCE(app_id, '') = $3 AND id = $4",
        )
        .bind(org)
        .bind(project.unwrap_or_default())
        .bind(app.unwrap_or_default())
        .bind(id.to_string())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn freezes_at(&mut self, place: &Authorized<Anywhere, See>) -> StoreResult<Vec<FreezeRecord>> {
        let (org, project, app) = ids(place);
        let rows = query(ABOVE)
            .bind(org)
            .bind(project)
            .bind(app)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(record).collect()
    }

    async fn freezes_of(&mut self, app: &Authorized<App, See>) -> StoreResult<Vec<Freeze>> {
        let rows = query(ABOVE)
            .bind(app.org_id().to_string())
            .bind(app.project_id().to_string())
            .bind(app.id().to_string())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(|row| Ok(record(row)?.freeze)).collect()
    }
}
