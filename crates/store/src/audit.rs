//! The audit log: one chain an organization, locked by the organization's row.

use crate::connect::SqlTx;
use crate::error::map;
use crate::row::{Columns, columns, document};
use async_trait::async_trait;
use slipway_domain::audit::{AuditRow, Outcome, chain_hash};
use slipway_domain::id::OrgId;
use slipway_portal::access::may::AuditRead;
use slipway_portal::access::{Authorized, Org};
use slipway_portal::ports::{AuditFilter, AuditRecord, AuditTx, StoreResult};
use sqlx::query;

const COLUMNS_OF_PAGE: &str = "SELECT id, seq, at, actor, via, request_id, action, target_kind, target_id, target, \
     summary, outcome FROM audit_log \
     WHERE org_id = $1 AND ($2 = '' OR project_id = $2) AND ($3 = '' OR app_id = $3) \
     AND ($4 = '' OR action LIKE $4) AND seq < $5 ORDER BY seq DESC LIMIT $6";

fn row_of(c: Columns<'_>) -> StoreResult<AuditRow> {
    Ok(AuditRow {
        id: c.id("id")?,
        seq: c.int("seq")?,
        at: c.time("at")?,
        actor: c.text("actor")?,
        via: c.text("via")?,
        request_id: c.text("request_id")?,
        action: c.text("action")?,
        target_kind: c.text("target_kind")?,
        target_id: c.text("target_id")?,
        target: c.text("target")?,
        summary: c.json("summary")?,
        outcome: c.key("outcome", Outcome::from_key)?,
    })
}

#[async_trait]
impl AuditTx for SqlTx {
    async fn append_audit(&mut self, record: &AuditRecord) -> StoreResult<()> {
        let org = record.org.to_string();
        let head = query(
            "UPDATE organizations SET audit_seq = audit_seq + 1 WHERE id = $1 RETURNING id, audit_seq, audit_hash",
        )
        .bind(&org)
        .fetch_one(self.conn())
        .await
        .map_err(map)?;
        let head = columns("organizations", &head);
        let (seq, previous) = (head.int("audit_seq")?, head.text("audit_hash")?);
        let text = |id: Option<String>| id.unwrap_or_default();
        let project = record.project.map(|p| p.to_string());
        let app = record.app.map(|a| a.to_string());
        let actor_id = record.actor_id.map(|u| u.to_string());
        let summary = document(&record.summary)?;
        let fields = [
            &record.id.to_string(),
            &org,
            &seq.to_string(),
            &text(project.clone()),
            &text(app.clone()),
            &record.at.micros().to_string(),
            &text(actor_id.clone()),
            &record.actor,
            &record.via,
            &record.request_id,
            record.action,
            record.target_kind,
            &record.target_id,
            &record.target,
            &summary,
            record.outcome.key(),
        ];
        let hash = chain_hash(&previous, &fields);
        query(
            "INSERT INTO audit_log (id, org_id, seq, project_id, app_id, at, actor_id, actor, via, request_id, \
             action, target_kind, target_id, target, summary, outcome, previous_hash, hash) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        )
        .bind(record.id.to_string())
        .bind(&org)
        .bind(seq)
        .bind(project)
        .bind(app)
        .bind(record.at.micros())
        .bind(actor_id)
        .bind(&record.actor)
        .bind(&record.via)
        .bind(&record.request_id)
        .bind(record.action)
        .bind(record.target_kind)
        .bind(&record.target_id)
        .bind(&record.target)
        .bind(&summary)
        .bind(record.outcome.key())
        .bind(&previous)
        .bind(&hash)
        .execute(self.conn())
        .await
        .map_err(map)?;
        query("UPDATE organizations SET audit_hash = $2 WHERE id = $1")
            .bind(&org)
            .bind(&hash)
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(())
    }

    async fn audit_rows(
        &mut self,
        org: &Authorized<Org, AuditRead>,
        filter: &AuditFilter,
    ) -> StoreResult<Vec<AuditRow>> {
        let prefix = filter
            .action
            .as_deref()
            .unwrap_or_default()
            .replace(['%', '_'], "");
        let rows = query(COLUMNS_OF_PAGE)
            .bind(org.id().to_string())
            .bind(filter.project.map_or_else(String::new, |p| p.to_string()))
            .bind(filter.app.map_or_else(String::new, |a| a.to_string()))
            .bind(if prefix.is_empty() {
                prefix
            } else {
                format!("{prefix}%")
            })
            .bind(filter.before.unwrap_or(i64::MAX))
            .bind(filter.limit)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(|row| row_of(columns("audit_log", row))).collect()
    }

    async fn verify_audit(&mut self, org: OrgId) -> StoreResult<Option<i64>> {
        let mut expected = (1, String::new());
        loop {
            let rows =
                query("SELECT * FROM audit_log WHERE org_id = $1 AND seq >= $2 ORDER BY seq LIMIT 1000")
                    .bind(org.to_string())
                    .bind(expected.0)
                    .fetch_all(self.conn())
                    .await
                    .map_err(map)?;
            for row in &rows {
                let c = columns("audit_log", row);
                let seq = c.int("seq")?;
                let fields: [String; 16] = [
                    c.text("id")?,
                    c.text("org_id")?,
                    seq.to_string(),
                    c.opt_text("project_id")?.unwrap_or_default(),
                    c.opt_text("app_id")?.unwrap_or_default(),
                    c.int("at")?.to_string(),
                    c.opt_text("actor_id")?.unwrap_or_default(),
                    c.text("actor")?,
                    c.text("via")?,
                    c.text("request_id")?,
                    c.text("action")?,
                    c.text("target_kind")?,
                    c.text("target_id")?,
                    c.text("target")?,
                    c.text("summary")?,
                    c.text("outcome")?,
                ];
                let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
                let hash = chain_hash(&expected.1, &fields);
                if seq != expected.0 || c.text("previous_hash")? != expected.1 || c.text("hash")? != hash {
                    return Ok(Some(expected.0));
                }
                expected = (seq + 1, hash);
            }
            if rows.len() < 1000 {
                break;
            }
        }
        let head = query("SELECT id, audit_seq, audit_hash FROM organizations WHERE id = $1")
            .bind(org.to_string())
            .fetch_one(self.conn())
            .await
            .map_err(map)?;
        let head = columns("organizations", &head);
        let whole = head.int("audit_seq")? == expected.0 - 1 && head.text("audit_hash")? == expected.1;
        Ok((!whole).then_some(expected.0))
    }
}
