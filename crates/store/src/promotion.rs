//! Promotions and the decisions on them. Their deployments are in [`deployment`].

mod deployment;

use crate::connect::SqlTx;
use crate::environment::reference;
use crate::error::{affected, map};
use crate::row::{columns, document};
use async_trait::async_trait;
use slipway_domain::approval::{Decision, Represented, Verdict};
use slipway_domain::comparison::HistoryRow;
use slipway_domain::id::{
    AppId, DeploymentId, EnvironmentId, OrgId, PromotionId, ReleaseId, TypedId, UserId,
};
use slipway_domain::person::PersonRef;
use slipway_domain::promotion::{DeploymentState, PromotionKind, PromotionRow, PromotionState};
use slipway_domain::release::ReleaseRef;
use slipway_domain::time::Timestamp;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{App, Authorized, Project};
use slipway_portal::ports::{DeploymentRecord, PromotionRecord, PromotionTx, StoreResult};
use sqlx::any::AnyRow;
use sqlx::query;

const PENDING: &str = "SELECT * FROM promotions WHERE org_id = $1 AND app_id = $2 \
     AND state IN ('requested', 'waiting', 'queued') ORDER BY requested_at, id";

const PENDING_IN: &str = "SELECT * FROM promotions WHERE org_id = $1 AND app_id = $2 AND environment_id = $3 \
     AND state IN ('requested', 'waiting', 'queued') ORDER BY requested_at, id";

const ROW: &str = "SELECT p.id, p.kind, p.state, p.reason, p.requested_at, p.expires_at, \
     r.id AS release_id, r.version, r.sha, e.id AS env_id, e.env_key, e.name AS env_name, e.tier, e.position, \
     u.id AS user_id, u.username, u.name AS user_name, c.version AS running \
     FROM promotions p \
     JOIN releases r ON r.id = p.release_id \
     JOIN environments e ON e.id = p.environment_id \
     LEFT JOIN users u ON u.id = p.requested_by \
     LEFT JOIN stops s ON s.app_id = p.app_id AND s.environment_id = p.environment_id \
     LEFT JOIN releases c ON c.id = s.release_id \
     WHERE p.org_id = $1 AND p.app_id = $2 AND p.id = $3";

const ROWS: &str = "SELECT p.id, p.kind, p.state, p.reason, p.requested_at, p.expires_at, \
     r.id AS release_id, r.version, r.sha, e.id AS env_id, e.env_key, e.name AS env_name, e.tier, e.position, \
     u.id AS user_id, u.username, u.name AS user_name, c.version AS running \
     FROM promotions p \
     JOIN releases r ON r.id = p.release_id \
     JOIN environments e ON e.id = p.environment_id \
     LEFT JOIN users u ON u.id = p.requested_by \
     LEFT JOIN stops s ON s.app_id = p.app_id AND s.environment_id = p.environment_id \
     LEFT JOIN releases c ON c.id = s.release_id \
     WHERE p.org_id = $1 AND p.app_id = $2 AND p.requested_at < $3 \
     ORDER BY p.requested_at DESC, p.id DESC LIMIT $4";

fn promotion(row: &AnyRow) -> StoreResult<PromotionRecord> {
    let c = columns("promotions", row);
    Ok(PromotionRecord {
        id: c.id("id")?,
        release: c.id("release_id")?,
        environment: c.id("environment_id")?,
        kind: c.key("kind", PromotionKind::from_key)?,
        state: c.key("state", PromotionState::from_key)?,
        version: c.int("version")?,
        reason: c.opt_json("reason")?,
        subjects: c.json("subjects")?,
        gates: c.json("gates")?,
        evaluation: c.opt_json("evaluation")?,
        waiver: c.opt_text("waiver")?,
        requested_by: c.opt_id("requested_by")?,
        requested_at: c.time("requested_at")?,
        expires_at: c.time("expires_at")?,
        tries: c.int("tries")?,
        base: c.opt_id("base_release_id")?,
        ended_at: c.opt_time("ended_at")?,
        idempotency_key: c.opt_text("idempotency_key")?,
        pauses: c.json("pauses")?,
        on_behalf_of: c.opt_id("on_behalf_of")?,
    })
}

fn promotion_row(app: &Authorized<App, See>, row: &AnyRow) -> StoreResult<PromotionRow> {
    let c = columns("promotions", row);
    let requested_by = match c.opt_id("user_id")? {
        Some(id) => Some(PersonRef {
            id,
            username: c.text("username")?,
            name: c.text("user_name")?,
        }),
        None => None,
    };
    Ok(PromotionRow {
        id: c.id("id")?,
        place: app.place(),
        release: ReleaseRef {
            id: c.id("release_id")?,
            version: c.text("version")?,
            sha: c.text("sha")?,
        },
        environment: reference(c)?,
        kind: c.key("kind", PromotionKind::from_key)?,
        state: c.key("state", PromotionState::from_key)?,
        reason: c.opt_json("reason")?,
        requested_by,
        requested_at: c.time("requested_at")?,
        expires_at: c.time("expires_at")?,
        current: c.opt_text("running")?,
    })
}

fn pair(row: &AnyRow) -> StoreResult<(PromotionId, AppId)> {
    let c = columns("promotions", row);
    Ok((c.id("promotion_id")?, c.id("app_id")?))
}

fn text<T: TypedId>(id: Option<T>) -> Option<String> {
    id.map(|id| id.to_string())
}

#[async_trait]
impl PromotionTx for SqlTx {
    async fn app_of_promotion(&mut self, id: PromotionId) -> StoreResult<Option<AppId>> {
        let row = query("SELECT id, app_id FROM promotions WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.map(|row| columns("promotions", &row).id("app_id"))
            .transpose()
    }

    async fn insert_promotion(
        &mut self,
        app: &Authorized<App, Modify>,
        new: &PromotionRecord,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO promotions (id, org_id, project_id, app_id, release_id, environment_id, kind, state, version, \
             reason, subjects, gates, evaluation, waiver, requested_by, requested_at, expires_at, tries, \
             base_release_id, ended_at, idempotency_key, pauses, on_behalf_of) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, \
             $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)",
        )
        .bind(new.id.to_string())
        .bind(app.org_id().to_string())
        .bind(app.project_id().to_string())
        .bind(app.id().to_string())
        .bind(new.release.to_string())
        .bind(new.environment.to_string())
        .bind(new.kind.key())
        .bind(new.state.key())
        .bind(new.version)
        .bind(new.reason.as_ref().map(document).transpose()?)
        .bind(document(&new.subjects)?)
        .bind(document(&new.gates)?)
        .bind(new.evaluation.as_ref().map(document).transpose()?)
        .bind(&new.waiver)
        .bind(text(new.requested_by))
        .bind(new.requested_at.micros())
        .bind(new.expires_at.micros())
        .bind(new.tries)
        .bind(text(new.base))
        .bind(new.ended_at.map(Timestamp::micros))
        .bind(&new.idempotency_key)
        .bind(document(&new.pauses)?)
        .bind(text(new.on_behalf_of))
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn update_promotion(
        &mut self,
        app: &Authorized<App, Modify>,
        promotion: &PromotionRecord,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE promotions SET version = version + 1, state = $5, reason = $6, subjects = $7, gates = $8, \
             evaluation = $9, expires_at = $10, tries = $11, base_release_id = $12, ended_at = $13, pauses = $14 \
             WHERE org_id = $1 AND app_id = $2 AND id = $3 AND version = $4",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(promotion.id.to_string())
        .bind(promotion.version)
        .bind(promotion.state.key())
        .bind(promotion.reason.as_ref().map(document).transpose()?)
        .bind(document(&promotion.subjects)?)
        .bind(document(&promotion.gates)?)
        .bind(promotion.evaluation.as_ref().map(document).transpose()?)
        .bind(promotion.expires_at.micros())
        .bind(promotion.tries)
        .bind(text(promotion.base))
        .bind(promotion.ended_at.map(Timestamp::micros))
        .bind(document(&promotion.pauses)?)
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn promotion(
        &mut self,
        app: &Authorized<App, See>,
        id: PromotionId,
    ) -> StoreResult<Option<PromotionRecord>> {
        let row = query("SELECT * FROM promotions WHERE org_id = $1 AND app_id = $2 AND id = $3")
            .bind(app.org_id().to_string())
            .bind(app.id().to_string())
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(promotion).transpose()
    }

    async fn promotion_of_key(
        &mut self,
        app: &Authorized<App, See>,
        key: &str,
    ) -> StoreResult<Option<PromotionId>> {
        let row =
            query("SELECT id FROM promotions WHERE org_id = $1 AND app_id = $2 AND idempotency_key = $3")
                .bind(app.org_id().to_string())
                .bind(app.id().to_string())
                .bind(key)
                .fetch_optional(self.conn())
                .await
                .map_err(map)?;
        row.map(|row| columns("promotions", &row).id("id")).transpose()
    }

    async fn pending_promotions(
        &mut self,
        app: &Authorized<App, See>,
        environment: Option<EnvironmentId>,
    ) -> StoreResult<Vec<PromotionRecord>> {
        let statement = if environment.is_some() {
            query(PENDING_IN)
        } else {
            query(PENDING)
        };
        let mut statement = statement
            .bind(app.org_id().to_string())
            .bind(app.id().to_string());
        if let Some(environment) = environment {
            statement = statement.bind(environment.to_string());
        }
        let rows = statement.fetch_all(self.conn()).await.map_err(map)?;
        rows.iter().map(promotion).collect()
    }

    async fn promotion_row(
        &mut self,
        app: &Authorized<App, See>,
        id: PromotionId,
    ) -> StoreResult<Option<PromotionRow>> {
        let row = query(ROW)
            .bind(app.org_id().to_string())
            .bind(app.id().to_string())
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.map(|row| promotion_row(app, &row)).transpose()
    }

    async fn promotion_rows(
        &mut self,
        app: &Authorized<App, See>,
        before: Option<Timestamp>,
        limit: i64,
    ) -> StoreResult<Vec<PromotionRow>> {
        let rows = query(ROWS)
            .bind(app.org_id().to_string())
            .bind(app.id().to_string())
            .bind(before.map_or(i64::MAX, Timestamp::micros))
            .bind(limit)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(|row| promotion_row(app, row)).collect()
    }

    async fn pending_in(&mut self, org: OrgId) -> StoreResult<Vec<(PromotionId, AppId)>> {
        let rows = query(
            "SELECT id AS promotion_id, app_id FROM promotions \
             WHERE org_id = $1 AND state IN ('requested', 'waiting', 'queued') ORDER BY requested_at, id",
        )
        .bind(org.to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter().map(pair).collect()
    }

    async fn unfinished_of(&mut self, user: UserId, limit: i64) -> StoreResult<Vec<(PromotionId, AppId)>> {
        let rows = query(
            "SELECT id AS promotion_id, app_id FROM promotions WHERE requested_by = $1 \
             AND state IN ('requested', 'waiting', 'queued', 'deploying', 'verifying', 'unknown', 'failed') \
             ORDER BY requested_at DESC, id DESC LIMIT $2",
        )
        .bind(user.to_string())
        .bind(limit)
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter().map(pair).collect()
    }

    async fn decided_by(&mut self, user: UserId, limit: i64) -> StoreResult<Vec<(PromotionId, AppId)>> {
        let rows = query(
            "SELECT promotion_id, app_id, MAX(at) AS last FROM decisions WHERE user_id = $1 \
             GROUP BY promotion_id, app_id ORDER BY last DESC LIMIT $2",
        )
        .bind(user.to_string())
        .bind(limit)
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter().map(pair).collect()
    }

    async fn turns_of(&mut self, user: UserId) -> StoreResult<i64> {
        let row = query("SELECT COUNT(*) AS turns FROM promotion_turns WHERE user_id = $1")
            .bind(user.to_string())
            .fetch_one(self.conn())
            .await
            .map_err(map)?;
        columns("promotion_turns", &row).int("turns")
    }

    async fn set_turns(&mut self, promotion: PromotionId, users: &[UserId]) -> StoreResult<Vec<UserId>> {
        let rows = query("SELECT user_id FROM promotion_turns WHERE promotion_id = $1")
            .bind(promotion.to_string())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        let before: Vec<UserId> = rows
            .iter()
            .map(|row| columns("promotion_turns", row).id("user_id"))
            .collect::<StoreResult<_>>()?;
        let mut changed = Vec::new();
        for gone in before.iter().filter(|user| !users.contains(user)) {
            query("DELETE FROM promotion_turns WHERE promotion_id = $1 AND user_id = $2")
                .bind(promotion.to_string())
                .bind(gone.to_string())
                .execute(self.conn())
                .await
                .map_err(map)?;
            changed.push(*gone);
        }
        for new in users.iter().filter(|user| !before.contains(user)) {
            query(
                "INSERT INTO promotion_turns (promotion_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            )
            .bind(promotion.to_string())
            .bind(new.to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
            changed.push(*new);
        }
        Ok(changed)
    }

    async fn insert_decision(
        &mut self,
        app: &Authorized<App, Modify>,
        promotion: PromotionId,
        decision: &Decision,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO decisions (id, org_id, app_id, promotion_id, user_id, rule_id, verdict, comment, subject, at, \
             represents, delegation_id, named_as) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(decision.id.to_string())
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(promotion.to_string())
        .bind(decision.by.id.to_string())
        .bind(&decision.rule)
        .bind(decision.verdict.key())
        .bind(&decision.comment)
        .bind(&decision.subject)
        .bind(decision.at.micros())
        .bind(decision.represents.as_ref().map(|other| other.person.id.to_string()))
        .bind(decision.represents.as_ref().map(|other| other.delegation.to_string()))
        .bind(&decision.named_as)
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn decisions(
        &mut self,
        app: &Authorized<App, See>,
        promotion: PromotionId,
    ) -> StoreResult<Vec<Decision>> {
        let rows = query(
            "SELECT d.id, d.rule_id, d.verdict, d.comment, d.subject, d.at, u.id AS user_id, u.username, u.name, \
             d.represents, d.delegation_id, d.named_as, o.username AS other_username, o.name AS other_name \
             FROM decisions d JOIN users u ON u.id = d.user_id LEFT JOIN users o ON o.id = d.represents \
             WHERE d.org_id = $1 AND d.app_id = $2 AND d.promotion_id = $3 ORDER BY d.at, d.id",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(promotion.to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("decisions", row);
                let represents = match (c.opt_id("represents")?, c.opt_id("delegation_id")?) {
                    (Some(id), Some(delegation)) => Some(Represented {
                        person: PersonRef {
                            id,
                            username: c.text("other_username")?,
                            name: c.text("other_name")?,
                        },
                        delegation,
                    }),
                    _ => None,
                };
                Ok(Decision {
                    id: c.id("id")?,
                    by: PersonRef {
                        id: c.id("user_id")?,
                        username: c.text("username")?,
                        name: c.text("name")?,
                    },
                    rule: c.opt_text("rule_id")?,
                    verdict: c.key("verdict", Verdict::from_key)?,
                    comment: c.text("comment")?,
                    subject: c.text("subject")?,
                    at: c.time("at")?,
                    represents,
                    named_as: c.opt_text("named_as")?,
                })
            })
            .collect()
    }

    async fn insert_deployment(
        &mut self,
        app: &Authorized<App, Modify>,
        new: &DeploymentRecord,
    ) -> StoreResult<()> {
        deployment::insert(self, app, new).await
    }

    async fn update_deployment(
        &mut self,
        app: &Authorized<App, Modify>,
        record: &DeploymentRecord,
        was: DeploymentState,
    ) -> StoreResult<()> {
        deployment::update(self, app, record, was).await
    }

    async fn deployments(
        &mut self,
        app: &Authorized<App, See>,
        promotion: PromotionId,
    ) -> StoreResult<Vec<DeploymentRecord>> {
        deployment::of_promotion(self, app, promotion).await
    }

    async fn deployment(
        &mut self,
        app: &Authorized<App, See>,
        id: DeploymentId,
    ) -> StoreResult<Option<DeploymentRecord>> {
        deployment::by_id(self, app, id).await
    }

    async fn deployments_in(
        &mut self,
        app: &Authorized<App, See>,
        environment: EnvironmentId,
        limit: i64,
    ) -> StoreResult<Vec<DeploymentRecord>> {
        deployment::of_environment(self, app, environment, limit).await
    }

    async fn history_of(
        &mut self,
        project: &Authorized<Project, See>,
        environment: EnvironmentId,
        before: Option<Timestamp>,
        limit: i64,
    ) -> StoreResult<Vec<HistoryRow>> {
        deployment::history(self, project, environment, before, limit).await
    }

    async fn verified_in(
        &mut self,
        app: &Authorized<App, See>,
        environment: EnvironmentId,
        release: ReleaseId,
    ) -> StoreResult<bool> {
        deployment::verified(self, app, environment, release).await
    }

    async fn last_verified(
        &mut self,
        app: &Authorized<App, See>,
        environment: EnvironmentId,
        made_before: Timestamp,
    ) -> StoreResult<Option<ReleaseId>> {
        deployment::last_verified(self, app, environment, made_before).await
    }
}
