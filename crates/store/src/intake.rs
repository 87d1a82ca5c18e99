//! Imports of work items from a file.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::{Columns, columns, document};
use async_trait::async_trait;
use slipway_domain::id::{IntakeId, ItemId};
use slipway_domain::intake::{IntakeRow, IntakeState, Source};
use slipway_domain::person::PersonRef;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{Authorized, Project};
use slipway_portal::ports::{IntakeRecord, IntakeTx, NewIntake, StoreResult};
use sqlx::query;
use std::collections::BTreeMap;

const INTAKES: &str = "SELECT t.id, t.source, t.name AS file_name, t.state, t.progress, t.created_at, \
     u.id AS user_id, u.username, u.name FROM item_intakes t JOIN users u ON u.id = t.author_id \
     WHERE t.org_id = $1 AND t.project_id = $2 ORDER BY t.created_at DESC, t.id DESC LIMIT 20";

const INTAKE: &str = "SELECT t.id, t.source, t.name AS file_name, t.state, t.progress, t.created_at, t.content, t.mapping, \
     t.errors, t.version, u.id AS user_id, u.username, u.name FROM item_intakes t JOIN users u ON u.id = t.author_id \
     WHERE t.org_id = $1 AND t.project_id = $2 AND t.id = $3";

fn line(c: Columns<'_>) -> StoreResult<IntakeRow> {
    Ok(IntakeRow {
        id: c.id("id")?,
        name: c.text("file_name")?,
        source: c.key("source", Source::from_key)?,
        state: c.key("state", IntakeState::from_key)?,
        progress: c.json("progress")?,
        author: PersonRef {
            id: c.id("user_id")?,
            username: c.text("username")?,
            name: c.text("name")?,
        },
        created_at: c.time("created_at")?,
    })
}

#[async_trait]
impl IntakeTx for SqlTx {
    async fn intakes(&mut self, project: &Authorized<Project, See>) -> StoreResult<Vec<IntakeRow>> {
        let rows = query(INTAKES)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| line(columns("item_intakes", row)))
            .collect()
    }

    async fn intake(
        &mut self,
        project: &Authorized<Project, See>,
        id: IntakeId,
    ) -> StoreResult<Option<IntakeRecord>> {
        let row = query(INTAKE)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.map(|row| {
            let c = columns("item_intakes", &row);
            Ok(IntakeRecord {
                row: line(c)?,
                content: c.text("content")?,
                mapping: c.json("mapping")?,
                errors: c.json("errors")?,
                version: c.int("version")?,
            })
        })
        .transpose()
    }

    async fn insert_intake(
        &mut self,
        project: &Authorized<Project, Modify>,
        intake: &NewIntake,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO item_intakes (id, org_id, project_id, source, name, content, mapping, state, progress, errors, \
             author_id, created_at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, 'draft', $8, '[]', $9, $10, 1)",
        )
        .bind(intake.id.to_string())
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(intake.source.key())
        .bind(&intake.name)
        .bind(&intake.content)
        .bind(document(&intake.mapping)?)
        .bind(document(&intake.progress)?)
        .bind(intake.author.to_string())
        .bind(intake.at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn update_intake(
        &mut self,
        project: &Authorized<Project, Modify>,
        record: &IntakeRecord,
        state: IntakeState,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE item_intakes SET mapping = $5, state = $6, progress = $7, errors = $8, version = version + 1, \
             content = CASE WHEN $6 IN ('draft', 'running') THEN content ELSE '' END \
             WHERE org_id = $1 AND project_id = $2 AND id = $3 AND version = $4",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(record.row.id.to_string())
        .bind(record.version)
        .bind(document(&record.mapping)?)
        .bind(state.key())
        .bind(document(&record.row.progress)?)
        .bind(document(&record.errors)?)
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn external_keys(
        &mut self,
        project: &Authorized<Project, See>,
        source: Source,
    ) -> StoreResult<BTreeMap<String, i64>> {
        let rows = query(
            "SELECT k.external_key, i.number FROM item_external_keys k JOIN items i ON i.id = k.item_id \
             WHERE k.org_id = $1 AND k.project_id = $2 AND k.source = $3",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(source.key())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("item_external_keys", row);
                Ok((c.text("external_key")?, c.int("number")?))
            })
            .collect()
    }

    async fn put_external_key(
        &mut self,
        project: &Authorized<Project, Modify>,
        source: Source,
        key: &str,
        item: ItemId,
    ) -> StoreResult<bool> {
        let done = query(
            "INSERT INTO item_external_keys (org_id, project_id, source, external_key, item_id) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (project_id, source, external_key) DO NOTHING",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(source.key())
        .bind(key)
        .bind(item.to_string())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(done.rows_affected() > 0)
    }
}
