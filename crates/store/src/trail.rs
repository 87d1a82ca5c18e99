//! What in the repositories names work items, and what moves items by itself.

use crate::connect::SqlTx;
use crate::environment::reference;
use crate::error::{affected, map};
use crate::row::{Columns, columns, document};
use async_trait::async_trait;
use slipway_domain::id::{AppId, EnvironmentId, ItemId, ReleaseId};
use slipway_domain::insight::{Landed, Worked};
use slipway_domain::run::RunStatus;
use slipway_domain::time::Timestamp;
use slipway_domain::trail::{Automation, Mark, MarkKind, MarkState, Trigger};
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{App, Authorized, Project};
use slipway_portal::ports::{MarkRecord, StoreResult, TrailRelease, TrailState, TrailTx};
use sqlx::query;
use std::collections::HashMap;

const MARKS: &str = "SELECT m.item_id AS id, m.app_id, m.kind, m.reference, m.title, m.state, m.web_url, m.author, m.sha, \
     m.at, m.merged_at, a.slug, a.name, r.number AS run_number, r.status AS run_status \
     FROM item_marks m JOIN apps a ON a.id = m.app_id LEFT JOIN runs r ON r.id = \
     (SELECT id FROM runs WHERE app_id = m.app_id AND sha = m.sha ORDER BY number DESC LIMIT 1) \
     WHERE m.org_id = $1 AND m.project_id = $2 AND m.item_id = $3 \
     ORDER BY a.name, a.id, CASE m.kind WHEN 'merge_request' THEN 0 WHEN 'branch' THEN 1 ELSE 2 END, m.at DESC, m.reference \
     LIMIT 200";

fn mark(c: Columns<'_>) -> StoreResult<MarkRecord> {
    let run = match c.opt_int("run_number")? {
        Some(number) => Some((number, c.key("run_status", RunStatus::from_key)?)),
        None => None,
    };
    Ok(MarkRecord {
        app: c.id("app_id")?,
        slug: c.text("slug")?,
        name: c.text("name")?,
        mark: Mark {
            kind: c.key("kind", MarkKind::from_key)?,
            reference: c.text("reference")?,
            title: c.text("title")?,
            state: c.key("state", MarkState::from_key)?,
            web_url: c.text("web_url")?,
            author: c.text("author")?,
            sha: c.text("sha")?,
            at: c.time("at")?,
            merged_at: c.opt_time("merged_at")?,
            run,
        },
    })
}

#[async_trait]
impl TrailTx for SqlTx {
    async fn has_items(&mut self, project: &Authorized<Project, See>) -> StoreResult<bool> {
        let row = query("SELECT id FROM items WHERE org_id = $1 AND project_id = $2 LIMIT 1")
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        Ok(row.is_some())
    }

    async fn trail_state(&mut self, app: &Authorized<App, See>) -> StoreResult<Option<TrailState>> {
        let row = query(
            "SELECT app_id AS id, requests_until, heads FROM trail_states WHERE org_id = $1 AND app_id = $2",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        row.map(|row| {
            let c = columns("trail_states", &row);
            Ok(TrailState {
                requests_until: c.opt_time("requests_until")?,
                heads: c.json("heads")?,
            })
        })
        .transpose()
    }

    async fn put_trail_state(
        &mut self,
        app: &Authorized<App, Modify>,
        state: &TrailState,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO trail_states (app_id, org_id, requests_until, heads) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (app_id) DO UPDATE SET requests_until = excluded.requests_until, heads = excluded.heads",
        )
        .bind(app.id().to_string())
        .bind(app.org_id().to_string())
        .bind(state.requests_until.map(Timestamp::micros))
        .bind(document(&state.heads)?)
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn put_mark(
        &mut self,
        app: &Authorized<App, Modify>,
        item: ItemId,
        mark: &Mark,
    ) -> StoreResult<bool> {
        let done = query(
            "INSERT INTO item_marks (org_id, project_id, item_id, app_id, kind, reference, title, state, web_url, author, \
             sha, at, merged_at) \
             SELECT i.org_id, i.project_id, i.id, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 FROM items i \
             WHERE i.org_id = $1 AND i.project_id = $2 AND i.id = $3 \
             ON CONFLICT (item_id, app_id, kind, reference) DO UPDATE SET title = excluded.title, \
             state = excluded.state, web_url = excluded.web_url, author = excluded.author, sha = excluded.sha, \
             merged_at = excluded.merged_at \
             WHERE item_marks.title <> excluded.title OR item_marks.state <> excluded.state \
             OR item_marks.sha <> excluded.sha OR item_marks.web_url <> excluded.web_url",
        )
        .bind(app.org_id().to_string())
        .bind(app.project_id().to_string())
        .bind(item.to_string())
        .bind(app.id().to_string())
        .bind(mark.kind.key())
        .bind(&mark.reference)
        .bind(&mark.title)
        .bind(mark.state.key())
        .bind(&mark.web_url)
        .bind(&mark.author)
        .bind(&mark.sha)
        .bind(mark.at.micros())
        .bind(mark.merged_at.map(Timestamp::micros))
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(done.rows_affected() > 0)
    }

    async fn marked_items(
        &mut self,
        app: &Authorized<App, See>,
        kind: MarkKind,
        reference: &str,
    ) -> StoreResult<Vec<ItemId>> {
        let rows = query(
            "SELECT item_id AS id FROM item_marks WHERE org_id = $1 AND app_id = $2 AND kind = $3 AND reference = $4 \
             ORDER BY item_id",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(kind.key())
        .bind(reference)
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| columns("item_marks", row).id("id"))
            .collect()
    }

    async fn delete_mark(
        &mut self,
        app: &Authorized<App, Modify>,
        item: ItemId,
        kind: MarkKind,
        reference: &str,
    ) -> StoreResult<()> {
        query(
            "DELETE FROM item_marks \
             WHERE org_id = $1 AND app_id = $2 AND item_id = $3 AND kind = $4 AND reference = $5",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(item.to_string())
        .bind(kind.key())
        .bind(reference)
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn lose_branch(&mut self, app: &Authorized<App, Modify>, branch: &str) -> StoreResult<Vec<ItemId>> {
        let rows = query(
            "UPDATE item_marks SET state = 'gone' \
             WHERE org_id = $1 AND app_id = $2 AND kind = 'branch' AND reference = $3 AND state <> 'gone' \
             RETURNING item_id AS id",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(branch)
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| columns("item_marks", row).id("id"))
            .collect()
    }

    async fn put_item_commit(
        &mut self,
        app: &Authorized<App, Modify>,
        item: ItemId,
        sha: &str,
    ) -> StoreResult<bool> {
        let done = query(
            "INSERT INTO item_commits (org_id, app_id, sha, item_id) SELECT i.org_id, $4, $5, i.id FROM items i \
             WHERE i.org_id = $1 AND i.project_id = $2 AND i.id = $3 ON CONFLICT (app_id, sha, item_id) DO NOTHING",
        )
        .bind(app.org_id().to_string())
        .bind(app.project_id().to_string())
        .bind(item.to_string())
        .bind(app.id().to_string())
        .bind(sha)
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(done.rows_affected() > 0)
    }

    async fn items_of_commit(&mut self, app: &Authorized<App, See>, sha: &str) -> StoreResult<Vec<ItemId>> {
        let rows = query(
            "SELECT item_id AS id FROM item_commits WHERE org_id = $1 AND app_id = $2 AND sha = $3 ORDER BY item_id",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(sha)
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| columns("item_commits", row).id("id"))
            .collect()
    }

    async fn put_item_release(
        &mut self,
        app: &Authorized<App, Modify>,
        item: ItemId,
        release: ReleaseId,
    ) -> StoreResult<bool> {
        let done = query(
            "INSERT INTO item_releases (org_id, project_id, app_id, item_id, release_id) \
             SELECT i.org_id, i.project_id, r.app_id, i.id, r.id FROM items i JOIN releases r ON r.project_id = i.project_id \
             WHERE i.org_id = $1 AND i.project_id = $2 AND i.id = $3 AND r.app_id = $4 AND r.id = $5 \
             ON CONFLICT (item_id, release_id) DO NOTHING",
        )
        .bind(app.org_id().to_string())
        .bind(app.project_id().to_string())
        .bind(item.to_string())
        .bind(app.id().to_string())
        .bind(release.to_string())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(done.rows_affected() > 0)
    }

    async fn items_of_releases(
        &mut self,
        app: &Authorized<App, See>,
        after: Option<Timestamp>,
        until: Timestamp,
    ) -> StoreResult<Vec<i64>> {
        let rows = query(
            "SELECT DISTINCT i.number FROM item_releases b JOIN releases r ON r.id = b.release_id \
             JOIN items i ON i.id = b.item_id \
             WHERE b.org_id = $1 AND b.app_id = $2 AND r.created_at > $3 AND r.created_at <= $4 AND i.deleted_at IS NULL \
             ORDER BY i.number LIMIT 1000",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(after.map_or(i64::MIN, Timestamp::micros))
        .bind(until.micros())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| columns("item_releases", row).int("number"))
            .collect()
    }

    async fn items_of_release(
        &mut self,
        app: &Authorized<App, See>,
        release: ReleaseId,
    ) -> StoreResult<Vec<i64>> {
        let rows = query(
            "SELECT i.number FROM item_releases b JOIN items i ON i.id = b.item_id \
             WHERE b.org_id = $1 AND b.app_id = $2 AND b.release_id = $3 AND i.deleted_at IS NULL ORDER BY i.number",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(release.to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| columns("item_releases", row).int("number"))
            .collect()
    }

    async fn marks(
        &mut self,
        project: &Authorized<Project, See>,
        item: ItemId,
    ) -> StoreResult<Vec<MarkRecord>> {
        let rows = query(MARKS)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(item.to_string())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(|row| mark(columns("item_marks", row))).collect()
    }

    async fn releases_of_item(
        &mut self,
        project: &Authorized<Project, See>,
        item: ItemId,
    ) -> StoreResult<Vec<TrailRelease>> {
        let rows = query(
            "SELECT r.id, r.app_id, a.slug, a.name, r.version, r.created_at FROM item_releases b \
             JOIN releases r ON r.id = b.release_id JOIN apps a ON a.id = r.app_id \
             WHERE b.org_id = $1 AND b.project_id = $2 AND b.item_id = $3 ORDER BY r.created_at, r.id",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(item.to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("releases", row);
                Ok(TrailRelease {
                    app: c.id("app_id")?,
                    slug: c.text("slug")?,
                    name: c.text("name")?,
                    version: c.text("version")?,
                    at: c.time("created_at")?,
                })
            })
            .collect()
    }

    async fn running_of(
        &mut self,
        project: &Authorized<Project, See>,
        app: AppId,
    ) -> StoreResult<Vec<(EnvironmentId, String, Timestamp, Timestamp)>> {
        let rows = query(
            "SELECT s.environment_id AS id, r.version, r.created_at, COALESCE(s.deployed_at, r.created_at) AS since \
             FROM stops s JOIN releases r ON r.id = s.release_id \
             WHERE s.org_id = $1 AND s.project_id = $2 AND s.app_id = $3",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(app.to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("stops", row);
                Ok((
                    c.id("id")?,
                    c.text("version")?,
                    c.time("created_at")?,
                    c.time("since")?,
                ))
            })
            .collect()
    }

    async fn worked(&mut self, project: &Authorized<Project, See>) -> StoreResult<HashMap<i64, Worked>> {
        let rows = query(
            "SELECT i.number, MIN(CASE WHEN m.kind = 'commit' THEN m.at END) AS first_commit, \
             MIN(CASE WHEN m.kind = 'merge_request' AND m.state <> 'gone' THEN m.at END) AS first_request, \
             MAX(m.merged_at) AS merged \
             FROM item_marks m JOIN items i ON i.id = m.item_id \
             WHERE m.org_id = $1 AND m.project_id = $2 GROUP BY i.number",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("item_marks", row);
                let worked = Worked {
                    commit: c.opt_time("first_commit")?,
                    request: c.opt_time("first_request")?,
                    merged: c.opt_time("merged")?,
                };
                Ok((c.int("number")?, worked))
            })
            .collect()
    }

    async fn brought(
        &mut self,
        project: &Authorized<Project, See>,
    ) -> StoreResult<HashMap<i64, Vec<(AppId, Timestamp)>>> {
        let rows = query(
            "SELECT i.number, b.app_id, r.created_at FROM item_releases b JOIN items i ON i.id = b.item_id \
             JOIN releases r ON r.id = b.release_id WHERE b.org_id = $1 AND b.project_id = $2",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        let mut all: HashMap<i64, Vec<(AppId, Timestamp)>> = HashMap::new();
        for row in &rows {
            let c = columns("item_releases", row);
            let one = (c.id("app_id")?, c.time("created_at")?);
            all.entry(c.int("number")?).or_default().push(one);
        }
        Ok(all)
    }

    async fn landed(&mut self, project: &Authorized<Project, See>) -> StoreResult<Vec<Landed>> {
        let rows = query(
            "SELECT d.id, d.app_id, d.environment_id, r.created_at, d.finished_at FROM deployments d \
             JOIN releases r ON r.id = d.release_id WHERE d.org_id = $1 AND d.project_id = $2 \
             AND d.state = 'succeeded' AND d.finished_at IS NOT NULL",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("deployments", row);
                Ok(Landed {
                    app: c.id("app_id")?,
                    environment: c.id("environment_id")?,
                    release: c.time("created_at")?,
                    at: c.time("finished_at")?,
                })
            })
            .collect()
    }

    async fn automation(&mut self, project: &Authorized<Project, See>) -> StoreResult<Automation> {
        let row = query(
            "SELECT s.project_id, s.linked_since, s.merged_since, s.deployed_since, s.version AS automation_version, \
             e.id AS env_id, e.env_key, e.name AS env_name, e.tier, e.position \
             FROM item_automations s LEFT JOIN environments e ON e.id = s.environment_id AND e.removed_at IS NULL \
             WHERE s.org_id = $1 AND s.project_id = $2",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        let Some(row) = row else {
            return Ok(Automation::default());
        };
        let c = columns("item_automations", &row);
        let deployed = match (c.opt_time("deployed_since")?, c.opt_text("env_id")?) {
            (Some(since), Some(_)) => Some((since, reference(c)?)),
            // An environment that was removed moves nothing.
            _ => None,
        };
        Ok(Automation {
            linked: c.opt_time("linked_since")?,
            merged: c.opt_time("merged_since")?,
            deployed,
            version: c.int("automation_version")?,
        })
    }

    async fn set_automation(
        &mut self,
        project: &Authorized<Project, Modify>,
        automation: &Automation,
    ) -> StoreResult<()> {
        let done = query(
            "INSERT INTO item_automations (project_id, org_id, linked_since, merged_since, deployed_since, environment_id, \
             version) VALUES ($1, $2, $3, $4, $5, $6, $7 + 1) \
             ON CONFLICT (project_id) DO UPDATE SET linked_since = excluded.linked_since, \
             merged_since = excluded.merged_since, deployed_since = excluded.deployed_since, \
             environment_id = excluded.environment_id, version = excluded.version \
             WHERE item_automations.version = $7",
        )
        .bind(project.id().to_string())
        .bind(project.org_id().to_string())
        .bind(automation.linked.map(Timestamp::micros))
        .bind(automation.merged.map(Timestamp::micros))
        .bind(automation.deployed.as_ref().map(|(since, _)| since.micros()))
        .bind(automation.deployed.as_ref().map(|(_, environment)| environment.id.to_string()))
        .bind(automation.version)
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn note_trigger(
        &mut self,
        project: &Authorized<Project, Modify>,
        item: ItemId,
        trigger: Trigger,
        cause: &str,
        at: Timestamp,
    ) -> StoreResult<bool> {
        let done = query(
            "INSERT INTO item_triggers (org_id, project_id, item_id, cause, at) \
             SELECT i.org_id, i.project_id, i.id, $4, $5 FROM items i \
             WHERE i.org_id = $1 AND i.project_id = $2 AND i.id = $3 ON CONFLICT (item_id, cause) DO NOTHING",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(item.to_string())
        .bind(format!("{} {cause}", trigger.key()))
        .bind(at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(done.rows_affected() > 0)
    }
}
