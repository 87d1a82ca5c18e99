//! Bulk upgrades of apps to another version of their template.

use super::by;
use crate::access::{app, app_columns, org, org_columns, project_columns, project_ref};
use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::{Columns, columns, document};
use slipway_domain::id::UpgradeId;
use slipway_domain::template::{StepState, UpgradeState};
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{AnyScope, Anywhere, AppScope, Authorized};
use slipway_portal::ports::{StoreError, StoreResult, UpgradeRecord, UpgradeStepRecord};
use sqlx::any::AnyRow;
use sqlx::query;

macro_rules! upgrades {
    ($rest:literal) => {
        concat!(
            "SELECT g.*, u.username AS by_username, u.name AS by_name FROM template_upgrades g \
             JOIN users u ON u.id = g.user_id WHERE g.org_id = $1 AND COALESCE(g.project_id, '') = $2 ",
            $rest
        )
    };
}

const STEPS: &str = concat!(
    "SELECT ",
    org_columns!(),
    ", ",
    project_columns!(),
    ", ",
    app_columns!(),
    ", s.app_id AS id, s.from_version, s.state, s.reason, s.proposal_id, s.tries, s.ended_at, r.web_url \
     FROM template_upgrade_steps s JOIN apps a ON a.id = s.app_id JOIN projects p ON p.id = a.project_id \
     JOIN organizations o ON o.id = p.org_id LEFT JOIN proposals r ON r.id = s.proposal_id AND r.app_id = s.app_id \
     WHERE s.org_id = $1 AND s.upgrade_id = $2 ORDER BY p.name, p.id, a.name, a.id"
);

const NEXT: &str = "SELECT s.app_id AS id, s.* FROM template_upgrade_steps s WHERE s.org_id = $1 AND s.upgrade_id = $2 \
     AND s.state = 'waiting' ORDER BY s.tries, s.app_id LIMIT 1";

const SETTLE: &str = "UPDATE template_upgrade_steps SET state = $4, reason = $5, proposal_id = $6, tries = $7, ended_at = $8 \
     WHERE org_id = $1 AND upgrade_id = $2 AND app_id = $3 AND state = 'waiting' \
     AND EXISTS (SELECT 1 FROM template_upgrades g WHERE g.id = $2 AND g.state = 'running')";

const PLACE: &str = concat!(
    "SELECT ",
    org_columns!(),
    ", ",
    project_columns!(),
    " FROM template_upgrades g JOIN organizations o ON o.id = g.org_id JOIN projects p ON p.id = g.project_id \
     WHERE g.id = $1"
);

const ORG: &str = concat!(
    "SELECT ",
    org_columns!(),
    " FROM template_upgrades g JOIN organizations o ON o.id = g.org_id WHERE g.id = $1 AND g.project_id IS NULL"
);

fn upgrade(row: &AnyRow) -> StoreResult<UpgradeRecord> {
    let c = columns("template_upgrades", row);
    Ok(UpgradeRecord {
        id: c.id("id")?,
        key: c.text("template")?,
        to: c.text("to_version")?,
        state: c.key("state", UpgradeState::from_key)?,
        by: by(c, "user_id")?.ok_or_else(|| inconsistent(c))?,
        reason: c.opt_json("reason")?,
        created_at: c.time("created_at")?,
        ended_at: c.opt_time("ended_at")?,
    })
}

fn inconsistent(c: Columns<'_>) -> StoreError {
    StoreError::Inconsistent {
        table: "template_upgrades",
        column: "user_id",
        row: c.text("id").unwrap_or_default(),
    }
}

fn step(c: Columns<'_>) -> StoreResult<UpgradeStepRecord> {
    Ok(UpgradeStepRecord {
        app: c.id("id")?,
        from: c.text("from_version")?,
        state: c.key("state", StepState::from_key)?,
        reason: c.opt_json("reason")?,
        proposal: c.opt_id("proposal_id")?,
        tries: c.int("tries")?,
        ended_at: c.opt_time("ended_at")?,
    })
}

fn project<P>(place: &Authorized<Anywhere, P>) -> String {
    place
        .project_id()
        .map(|project| project.to_string())
        .unwrap_or_default()
}

impl SqlTx {
    pub(super) async fn insert_upgrade(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        upgrade: &UpgradeRecord,
        steps: &[UpgradeStepRecord],
    ) -> StoreResult<()> {
        query(
            "INSERT INTO template_upgrades (id, org_id, project_id, template, to_version, state, user_id, reason, \
             created_at, ended_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(upgrade.id.to_string())
        .bind(place.org_id().to_string())
        .bind(place.project_id().map(|project| project.to_string()))
        .bind(&upgrade.key)
        .bind(&upgrade.to)
        .bind(upgrade.state.key())
        .bind(upgrade.by.id.to_string())
        .bind(upgrade.reason.as_ref().map(document).transpose()?)
        .bind(upgrade.created_at.micros())
        .bind(upgrade.ended_at.map(slipway_domain::time::Timestamp::micros))
        .execute(self.conn())
        .await
        .map_err(map)?;
        for step in steps {
            query(
                "INSERT INTO template_upgrade_steps (upgrade_id, app_id, org_id, from_version, state, reason, proposal_id, \
                 tries, ended_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            )
            .bind(upgrade.id.to_string())
            .bind(step.app.to_string())
            .bind(place.org_id().to_string())
            .bind(&step.from)
            .bind(step.state.key())
            .bind(step.reason.as_ref().map(document).transpose()?)
            .bind(step.proposal.map(|proposal| proposal.to_string()))
            .bind(step.tries)
            .bind(step.ended_at.map(slipway_domain::time::Timestamp::micros))
            .execute(self.conn())
            .await
            .map_err(map)?;
        }
        Ok(())
    }

    pub(super) async fn update_upgrade(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        upgrade: &UpgradeRecord,
        was: UpgradeState,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE template_upgrades SET state = $5, user_id = $6, reason = $7, ended_at = $8 \
             WHERE org_id = $1 AND COALESCE(project_id, '') = $2 AND id = $3 AND state = $4",
        )
        .bind(place.org_id().to_string())
        .bind(project(place))
        .bind(upgrade.id.to_string())
        .bind(was.key())
        .bind(upgrade.state.key())
        .bind(upgrade.by.id.to_string())
        .bind(upgrade.reason.as_ref().map(document).transpose()?)
        .bind(upgrade.ended_at.map(slipway_domain::time::Timestamp::micros))
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    pub(super) async fn upgrade(
        &mut self,
        place: &Authorized<Anywhere, See>,
        id: UpgradeId,
    ) -> StoreResult<Option<UpgradeRecord>> {
        let row = query(upgrades!("AND g.id = $3"))
            .bind(place.org_id().to_string())
            .bind(project(place))
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(upgrade).transpose()
    }

    pub(super) async fn upgrades(
        &mut self,
        place: &Authorized<Anywhere, See>,
        key: &str,
        limit: i64,
    ) -> StoreResult<Vec<UpgradeRecord>> {
        let rows = query(upgrades!(
            "AND g.template = $3 ORDER BY g.created_at DESC, g.id DESC LIMIT $4"
        ))
        .bind(place.org_id().to_string())
        .bind(project(place))
        .bind(key)
        .bind(limit)
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter().map(upgrade).collect()
    }

    pub(super) async fn steps(
        &mut self,
        place: &Authorized<Anywhere, See>,
        id: UpgradeId,
    ) -> StoreResult<Vec<(AppScope, UpgradeStepRecord, Option<String>)>> {
        let rows = query(STEPS)
            .bind(place.org_id().to_string())
            .bind(id.to_string())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("template_upgrade_steps", row);
                Ok((app(row)?, step(c)?, c.opt_text("web_url")?))
            })
            .collect()
    }

    pub(super) async fn next_step(
        &mut self,
        place: &Authorized<Anywhere, See>,
        id: UpgradeId,
    ) -> StoreResult<Option<UpgradeStepRecord>> {
        let row = query(NEXT)
            .bind(place.org_id().to_string())
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.map(|row| step(columns("template_upgrade_steps", &row)))
            .transpose()
    }

    pub(super) async fn settle_step(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        id: UpgradeId,
        step: &UpgradeStepRecord,
    ) -> StoreResult<()> {
        let done = query(SETTLE)
            .bind(place.org_id().to_string())
            .bind(id.to_string())
            .bind(step.app.to_string())
            .bind(step.state.key())
            .bind(step.reason.as_ref().map(document).transpose()?)
            .bind(step.proposal.map(|proposal| proposal.to_string()))
            .bind(step.tries)
            .bind(step.ended_at.map(slipway_domain::time::Timestamp::micros))
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    pub(super) async fn retry_steps(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        id: UpgradeId,
    ) -> StoreResult<i64> {
        let done = query(
            "UPDATE template_upgrade_steps SET state = 'waiting', reason = NULL, tries = 0, ended_at = NULL \
             WHERE org_id = $1 AND upgrade_id = $2 AND state = 'refused'",
        )
        .bind(place.org_id().to_string())
        .bind(id.to_string())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(i64::try_from(done.rows_affected()).unwrap_or(i64::MAX))
    }

    pub(super) async fn place_of_upgrade(&mut self, id: UpgradeId) -> StoreResult<Option<AnyScope>> {
        let row = query(PLACE)
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        if let Some(row) = row {
            let c = columns("template_upgrades", &row);
            return Ok(Some(AnyScope {
                org: org(c)?,
                project: Some(project_ref(c)?),
                app: None,
                internal: c.flag("internal")?,
            }));
        }
        let row = query(ORG)
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.map(|row| {
            Ok(AnyScope {
                org: org(columns("template_upgrades", &row))?,
                project: None,
                app: None,
                internal: false,
            })
        })
        .transpose()
    }
}
