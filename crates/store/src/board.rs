//! How boards are set up.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::item::state;
use crate::row::{columns, document};
use async_trait::async_trait;
use slipway_domain::board::{BoardSetup, ItemTemplate, Restate, StateCount};
use slipway_domain::id::{ItemId, ItemTemplateId, IterationId, UserId};
use slipway_domain::item::{BugGroup, ItemKind, ItemState, LaneBy, StateKey};
use slipway_domain::time::Timestamp;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{Authorized, Project};
use slipway_portal::ports::{BoardTx, DueItem, StoreResult};
use sqlx::query;

/// A part of an epic, or a part of a part of one.
const EPICS: &str = "SELECT i.id, COALESCE(e.title, g.title) AS name FROM items i \
     LEFT JOIN items e ON e.id = i.parent_id AND e.kind = 'epic' \
     LEFT JOIN items r ON r.id = i.parent_id AND r.kind <> 'epic' \
     LEFT JOIN items g ON g.id = r.parent_id \
     WHERE i.org_id = $1 AND i.project_id = $2 AND COALESCE(i.iteration_id, '') = $3 AND i.parent_id IS NOT NULL";

const APPS: &str = "SELECT i.id, a.name FROM items i JOIN apps a ON a.id = i.app_id \
     WHERE i.org_id = $1 AND i.project_id = $2 AND COALESCE(i.iteration_id, '') = $3";

const BUG_GROUPS: &str = "SELECT a.name AS app, fa.slug || ' ' || fr.version AS release_name, \
     CAST(SUM(CASE WHEN i.category IN ('done', 'wont_do') THEN 0 ELSE 1 END) AS BIGINT) AS open_bugs, \
     COUNT(*) AS all_bugs FROM items i LEFT JOIN apps a ON a.id = i.app_id \
     LEFT JOIN releases fr ON fr.id = i.found_release_id LEFT JOIN apps fa ON fa.id = fr.app_id \
     WHERE i.org_id = $1 AND i.project_id = $2 AND i.kind = 'bug' AND i.deleted_at IS NULL \
     GROUP BY a.name, fa.slug, fr.version ORDER BY 3 DESC, 4 DESC, 1, 2 LIMIT 50";

/// One row of history for each item; the same as `append_item_events` writes.
const RESTATED: &str = "INSERT INTO item_events (id, org_id, project_id, item_id, at, actor_id, field, value_before, \
     value_after, said_before, said_after, category, version, step) \
     SELECT i.id || ':' || (i.version + 1) || ':state', i.org_id, i.project_id, i.id, $5, $6, 'state', $4, \
     $7, $8, $9, $10, i.version + 1, i.number || $11 || (i.version + 1) || $12 || i.kind FROM items i \
     WHERE i.org_id = $1 AND i.project_id = $2 AND i.kind = $3 AND i.state = $4";

#[async_trait]
impl BoardTx for SqlTx {
    async fn board_setup(&mut self, project: &Authorized<Project, See>) -> StoreResult<(BoardSetup, i64)> {
        let row = query(
            "SELECT project_id AS id, setup, version FROM boards WHERE org_id = $1 AND project_id = $2",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        let Some(row) = row else {
            return Ok((BoardSetup::default(), 0));
        };
        let c = columns("boards", &row);
        Ok((c.json("setup")?, c.int("version")?))
    }

    async fn save_board_setup(
        &mut self,
        project: &Authorized<Project, Modify>,
        setup: &BoardSetup,
        version: i64,
        at: Timestamp,
    ) -> StoreResult<()> {
        let asked = if version == 0 {
            query(
                "INSERT INTO boards (org_id, project_id, setup, version, updated_at) VALUES ($1, $2, $3, 1, $4)",
            )
        } else {
            query(
                "UPDATE boards SET setup = $3, version = version + 1, updated_at = $4 \
                 WHERE org_id = $1 AND project_id = $2 AND version = $5",
            )
        };
        let asked = asked
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(document(setup)?)
            .bind(at.micros());
        let asked = if version == 0 { asked } else { asked.bind(version) };
        let done = asked.execute(self.conn()).await.map_err(map)?;
        affected(done.rows_affected())
    }

    async fn lock_board(&mut self, project: &Authorized<Project, Modify>) -> StoreResult<()> {
        // The row that numbers the project's items: there is one as soon as there are items.
        query(
            "INSERT INTO item_numbers (project_id, last_number) VALUES ($1, 0) \
             ON CONFLICT (project_id) DO UPDATE SET last_number = item_numbers.last_number",
        )
        .bind(project.id().to_string())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn restate_items(
        &mut self,
        project: &Authorized<Project, Modify>,
        change: &Restate,
        by: Option<UserId>,
        at: Timestamp,
    ) -> StoreResult<u64> {
        let (before, after) = (&change.before, &change.after);
        let history = change.is_history();
        if history {
            query(RESTATED)
                .bind(project.org_id().to_string())
                .bind(project.id().to_string())
                .bind(change.kind.key())
                .bind(before.key())
                .bind(at.micros())
                .bind(by.map(|user| user.to_string()))
                .bind(after.key())
                .bind(before.said_in_history())
                .bind(after.said_in_history())
                .bind(after.category().key())
                .bind(format!(" {} ", at.micros()))
                .bind(format!(" state {} ", after.category().key()))
                .execute(self.conn())
                .await
                .map_err(map)?;
        }
        let done = query(
            "UPDATE items SET state = $5, category = $6, state_said = $7, version = version + $8, updated_at = $9 \
             WHERE org_id = $1 AND project_id = $2 AND kind = $3 AND state = $4",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(change.kind.key())
        .bind(before.key())
        .bind(after.key())
        .bind(after.category().key())
        .bind(after.said())
        .bind(i64::from(history))
        .bind(at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(done.rows_affected())
    }

    async fn state_counts(&mut self, project: &Authorized<Project, See>) -> StoreResult<Vec<StateCount>> {
        let rows = query(
            "SELECT kind, state, COUNT(*) AS items FROM items WHERE org_id = $1 AND project_id = $2 AND deleted_at IS NULL \
             GROUP BY kind, state ORDER BY kind, state",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("items", row);
                Ok(StateCount {
                    kind: c.key("kind", ItemKind::from_key)?,
                    state: c.key("state", StateKey::parse)?,
                    items: c.int("items")?,
                })
            })
            .collect()
    }

    async fn states_on_board(
        &mut self,
        project: &Authorized<Project, See>,
        iteration: Option<IterationId>,
    ) -> StoreResult<Vec<(ItemState, i64)>> {
        let rows = query(
            "SELECT state, category, state_said, COUNT(*) AS items FROM items \
             WHERE org_id = $1 AND project_id = $2 AND COALESCE(iteration_id, '') = $3 AND deleted_at IS NULL \
             GROUP BY state, category, state_said",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(iteration.map_or_else(String::new, |i| i.to_string()))
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("items", row);
                Ok((state(c)?, c.int("items")?))
            })
            .collect()
    }

    async fn item_templates(&mut self, project: &Authorized<Project, See>) -> StoreResult<Vec<ItemTemplate>> {
        let rows = query(
            "SELECT id, kind, name, body, version FROM item_templates WHERE org_id = $1 AND project_id = $2 \
             ORDER BY kind, name, id",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("item_templates", row);
                Ok(ItemTemplate {
                    id: c.id("id")?,
                    kind: c.key("kind", ItemKind::from_key)?,
                    name: c.text("name")?,
                    body: c.text("body")?,
                    version: c.int("version")?,
                })
            })
            .collect()
    }

    async fn insert_item_template(
        &mut self,
        project: &Authorized<Project, Modify>,
        new: &ItemTemplate,
        at: Timestamp,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO item_templates (id, org_id, project_id, kind, name, body, version, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, 1, $7)",
        )
        .bind(new.id.to_string())
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(new.kind.key())
        .bind(&new.name)
        .bind(&new.body)
        .bind(at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn update_item_template(
        &mut self,
        project: &Authorized<Project, Modify>,
        new: &ItemTemplate,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE item_templates SET name = $5, body = $6, version = version + 1 \
             WHERE org_id = $1 AND project_id = $2 AND id = $3 AND version = $4",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(new.id.to_string())
        .bind(new.version)
        .bind(&new.name)
        .bind(&new.body)
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn delete_item_template(
        &mut self,
        project: &Authorized<Project, Modify>,
        id: ItemTemplateId,
    ) -> StoreResult<()> {
        let done = query("DELETE FROM item_templates WHERE org_id = $1 AND project_id = $2 AND id = $3")
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(id.to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn bug_groups(&mut self, project: &Authorized<Project, See>) -> StoreResult<Vec<BugGroup>> {
        let rows = query(BUG_GROUPS)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("items", row);
                Ok(BugGroup {
                    app: c.opt_text("app")?,
                    release: c.opt_text("release_name")?,
                    open: c.int("open_bugs")?,
                    all: c.int("all_bugs")?,
                })
            })
            .collect()
    }

    async fn items_due(&mut self, today: &str, tomorrow: &str, limit: i64) -> StoreResult<Vec<DueItem>> {
        let rows = query(
            "SELECT i.id, i.project_id, p.item_key, i.number, i.title, i.assignee_id, i.due_on \
             FROM items i JOIN projects p ON p.id = i.project_id \
             WHERE i.due_on <= $2 AND i.due_on IS NOT NULL AND i.assignee_id IS NOT NULL AND i.deleted_at IS NULL \
             AND i.category NOT IN ('done', 'wont_do') \
             AND ((i.due_on = $2 AND i.due_told NOT IN ('soon:' || i.due_on, 'over:' || i.due_on)) \
             OR (i.due_on < $1 AND i.due_told <> 'over:' || i.due_on)) ORDER BY i.due_on, i.id LIMIT $3",
        )
        .bind(today)
        .bind(tomorrow)
        .bind(limit)
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("items", row);
                Ok(DueItem {
                    project: c.id("project_id")?,
                    id: c.id("id")?,
                    key: format!("{}-{}", c.text("item_key")?, c.int("number")?),
                    title: c.text("title")?,
                    assignee: c.id("assignee_id")?,
                    due_on: c.text("due_on")?,
                })
            })
            .collect()
    }

    async fn mark_due_told(&mut self, id: ItemId, told: &str) -> StoreResult<()> {
        let done = query("UPDATE items SET due_told = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(told)
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn card_lanes(
        &mut self,
        project: &Authorized<Project, See>,
        iteration: Option<IterationId>,
        by: LaneBy,
    ) -> StoreResult<Vec<(ItemId, String)>> {
        let rows = query(if by == LaneBy::App { APPS } else { EPICS })
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(iteration.map_or_else(String::new, |i| i.to_string()))
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        let mut lanes = Vec::with_capacity(rows.len());
        for row in &rows {
            let c = columns("items", row);
            if let Some(name) = c.opt_text("name")? {
                lanes.push((c.id("id")?, name));
            }
        }
        Ok(lanes)
    }
}
