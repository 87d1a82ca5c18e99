//! Work items and iterations.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::{Columns, columns};
use async_trait::async_trait;
use slipway_domain::id::{ItemId, IterationId, UserId};
use slipway_domain::item::{
    BugRow, Card, Category, ItemEvent, ItemKind, ItemState, IterationRef, Priority, Severity,
};
use slipway_domain::person::PersonRef;
use slipway_domain::time::Timestamp;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{Authorized, Project};
use slipway_portal::ports::{ItemRecord, ItemTx, NewItemRow, NewIteration, StoreError, StoreResult};
use sqlx::any::AnyRow;
use sqlx::query;

const CARDS: &str = "SELECT i.id, i.number, i.kind, i.title, i.state, i.priority, i.severity, i.points, i.version, \
     p.item_key, u.id AS user_id, u.username, u.name \
     FROM items i JOIN projects p ON p.id = i.project_id LEFT JOIN users u ON u.id = i.assignee_id \
     WHERE i.org_id = $1 AND i.project_id = $2 AND COALESCE(i.iteration_id, '') = $3 \
     ORDER BY i.category, i.item_rank, i.id";

const ITEMS: &str = "SELECT i.id, i.number, i.kind, i.title, i.state, i.priority, i.severity, i.points, i.version, \
     p.item_key, u.id AS user_id, u.username, u.name \
     FROM items i JOIN projects p ON p.id = i.project_id LEFT JOIN users u ON u.id = i.assignee_id \
     WHERE i.org_id = $1 AND i.project_id = $2 AND i.number > $3 ORDER BY i.number LIMIT $4";

const BUGS: &str = "SELECT i.id, i.number, i.kind, i.title, i.state, i.priority, i.severity, i.points, i.version, \
     i.created_at, p.item_key, u.id AS user_id, u.username, u.name, \
     r.id AS reporter_id, r.username AS reporter_username, r.name AS reporter_name \
     FROM items i JOIN projects p ON p.id = i.project_id LEFT JOIN users u ON u.id = i.assignee_id \
     JOIN users r ON r.id = i.reporter_id \
     WHERE i.org_id = $1 AND i.project_id = $2 AND i.kind = 'bug' \
     ORDER BY CASE WHEN i.category IN ('done', 'wont_do') THEN 1 ELSE 0 END, \
     CASE i.severity WHEN 'fatal' THEN 0 WHEN 'serious' THEN 1 WHEN 'normal' THEN 2 WHEN 'minor' THEN 3 ELSE 4 END, \
     i.created_at, i.id LIMIT $3";

const ITEM: &str = "SELECT i.id, i.number, i.kind, i.title, i.state, i.priority, i.severity, i.points, i.version, \
     i.created_at, i.description, i.iteration_id, i.item_rank, p.item_key, u.id AS user_id, u.username, u.name, \
     r.id AS reporter_id, r.username AS reporter_username, r.name AS reporter_name \
     FROM items i JOIN projects p ON p.id = i.project_id LEFT JOIN users u ON u.id = i.assignee_id \
     JOIN users r ON r.id = i.reporter_id \
     WHERE i.org_id = $1 AND i.project_id = $2 AND i.number = $3";

fn assignee(c: Columns<'_>) -> StoreResult<Option<PersonRef>> {
    let Some(id) = c.opt_id::<UserId>("user_id")? else {
        return Ok(None);
    };
    Ok(Some(PersonRef {
        id,
        username: c.text("username")?,
        name: c.text("name")?,
    }))
}

fn reporter(c: Columns<'_>) -> StoreResult<PersonRef> {
    Ok(PersonRef {
        id: c.id("reporter_id")?,
        username: c.text("reporter_username")?,
        name: c.text("reporter_name")?,
    })
}

fn card(c: Columns<'_>) -> StoreResult<Card> {
    let severity = match c.opt_text("severity")? {
        Some(_) => Some(c.key("severity", Severity::from_key)?),
        None => None,
    };
    Ok(Card {
        id: c.id("id")?,
        key: format!("{}-{}", c.text("item_key")?, c.int("number")?),
        kind: c.key("kind", ItemKind::from_key)?,
        title: c.text("title")?,
        state: c.key("state", ItemState::from_key)?,
        priority: c.key("priority", Priority::from_key)?,
        severity,
        assignee: assignee(c)?,
        points: c.opt_int("points")?,
        version: c.int("version")?,
    })
}

fn iteration(row: &AnyRow) -> StoreResult<IterationRef> {
    let c = columns("iterations", row);
    Ok(IterationRef {
        id: c.id("id")?,
        number: c.int("number")?,
        name: c.text("name")?,
        goal: c.text("goal")?,
        starts_on: c.text("starts_on")?,
        ends_on: c.text("ends_on")?,
    })
}

#[async_trait]
impl ItemTx for SqlTx {
    async fn running_iteration(
        &mut self,
        project: &Authorized<Project, See>,
    ) -> StoreResult<Option<IterationRef>> {
        let row = query(
            "SELECT id, number, name, goal, starts_on, ends_on FROM iterations \
             WHERE org_id = $1 AND project_id = $2 AND closed_at IS NULL",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        row.as_ref().map(iteration).transpose()
    }

    async fn iteration(
        &mut self,
        project: &Authorized<Project, See>,
        id: IterationId,
    ) -> StoreResult<Option<IterationRef>> {
        let row = query(
            "SELECT id, number, name, goal, starts_on, ends_on FROM iterations \
             WHERE org_id = $1 AND project_id = $2 AND id = $3",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(id.to_string())
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        row.as_ref().map(iteration).transpose()
    }

    async fn insert_iteration(
        &mut self,
        project: &Authorized<Project, Modify>,
        new: &NewIteration,
    ) -> StoreResult<i64> {
        let row = query(
            "INSERT INTO iterations (id, org_id, project_id, number, name, goal, starts_on, ends_on, started_at) \
             SELECT $1, $2, $3, COALESCE(MAX(number), 0) + 1, $4, $5, $6, $7, $8 FROM iterations WHERE project_id = $3 \
             RETURNING id, number",
        )
        .bind(new.id.to_string())
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(&new.name)
        .bind(&new.goal)
        .bind(&new.starts_on)
        .bind(&new.ends_on)
        .bind(new.at.micros())
        .fetch_one(self.conn())
        .await
        .map_err(map)?;
        columns("iterations", &row).int("number")
    }

    async fn cards(
        &mut self,
        project: &Authorized<Project, See>,
        iteration: Option<IterationId>,
    ) -> StoreResult<Vec<Card>> {
        let rows = query(CARDS)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(iteration.map_or_else(String::new, |i| i.to_string()))
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(|row| card(columns("items", row))).collect()
    }

    async fn bugs(&mut self, project: &Authorized<Project, See>, limit: i64) -> StoreResult<Vec<BugRow>> {
        let rows = query(BUGS)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(limit)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("items", row);
                Ok(BugRow {
                    card: card(c)?,
                    reporter: reporter(c)?,
                    created_at: c.time("created_at")?,
                })
            })
            .collect()
    }

    async fn items_after(
        &mut self,
        project: &Authorized<Project, See>,
        after: i64,
        limit: i64,
    ) -> StoreResult<Vec<Card>> {
        let rows = query(ITEMS)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(after)
            .bind(limit)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(|row| card(columns("items", row))).collect()
    }

    async fn insert_item(
        &mut self,
        project: &Authorized<Project, Modify>,
        item: &NewItemRow,
    ) -> StoreResult<i64> {
        let row = query(
            "INSERT INTO item_numbers (project_id, last_number) VALUES ($1, 1) \
             ON CONFLICT (project_id) DO UPDATE SET last_number = item_numbers.last_number + 1 \
             RETURNING last_number",
        )
        .bind(project.id().to_string())
        .fetch_one(self.conn())
        .await
        .map_err(map)?;
        let number = columns("item_numbers", &row).int("last_number")?;
        query(
            "INSERT INTO items (id, org_id, project_id, number, kind, title, description, state, category, priority, \
             severity, assignee_id, reporter_id, iteration_id, points, item_rank, version, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 1, $17, $17)",
        )
        .bind(item.id.to_string())
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(number)
        .bind(item.kind.key())
        .bind(&item.title)
        .bind(&item.description)
        .bind(item.state.key())
        .bind(item.state.category().key())
        .bind(item.priority.key())
        .bind(item.severity.map(Severity::key))
        .bind(item.assignee.map(|u| u.to_string()))
        .bind(item.reporter.to_string())
        .bind(item.iteration.map(|i| i.to_string()))
        .bind(item.points)
        .bind(&item.rank)
        .bind(item.at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(number)
    }

    async fn item(
        &mut self,
        project: &Authorized<Project, See>,
        number: i64,
    ) -> StoreResult<Option<ItemRecord>> {
        let row = query(ITEM)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(number)
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.map(|row| {
            let c = columns("items", &row);
            Ok(ItemRecord {
                card: card(c)?,
                description: c.text("description")?,
                reporter: reporter(c)?,
                iteration: c.opt_id("iteration_id")?,
                rank: c.text("item_rank")?,
                created_at: c.time("created_at")?,
            })
        })
        .transpose()
    }

    async fn item_rank(
        &mut self,
        project: &Authorized<Project, See>,
        id: ItemId,
    ) -> StoreResult<Option<String>> {
        let row = query("SELECT id, item_rank FROM items WHERE org_id = $1 AND project_id = $2 AND id = $3")
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.map(|row| columns("items", &row).text("item_rank"))
            .transpose()
    }

    async fn last_rank(
        &mut self,
        project: &Authorized<Project, See>,
        iteration: Option<IterationId>,
        category: Category,
    ) -> StoreResult<Option<String>> {
        let row = query(
            "SELECT id, item_rank FROM items WHERE org_id = $1 AND project_id = $2 \
             AND COALESCE(iteration_id, '') = $3 AND category = $4 ORDER BY item_rank DESC LIMIT 1",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(iteration.map_or_else(String::new, |i| i.to_string()))
        .bind(category.key())
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        row.map(|row| columns("items", &row).text("item_rank"))
            .transpose()
    }

    async fn move_item(
        &mut self,
        project: &Authorized<Project, Modify>,
        id: ItemId,
        version: i64,
        state: ItemState,
        rank: &str,
        at: Timestamp,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE items SET state = $5, category = $6, item_rank = $7, version = version + 1, updated_at = $8 \
             WHERE org_id = $1 AND project_id = $2 AND id = $3 AND version = $4",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(id.to_string())
        .bind(version)
        .bind(state.key())
        .bind(state.category().key())
        .bind(rank)
        .bind(at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn append_item_event(
        &mut self,
        project: &Authorized<Project, Modify>,
        id: ItemId,
        event: &ItemEvent,
    ) -> StoreResult<()> {
        let done = query(
            "INSERT INTO item_events (id, org_id, item_id, at, actor_id, field, value_before, value_after) \
             SELECT $1, i.org_id, i.id, $5, $6, $7, $8, $9 FROM items i \
             WHERE i.org_id = $2 AND i.project_id = $3 AND i.id = $4",
        )
        .bind(event_id(id, event))
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(id.to_string())
        .bind(event.at.micros())
        .bind(event.by.as_ref().map(|p| p.id.to_string()))
        .bind(&event.field)
        .bind(&event.before)
        .bind(&event.after)
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn item_events(
        &mut self,
        project: &Authorized<Project, See>,
        id: ItemId,
    ) -> StoreResult<Vec<ItemEvent>> {
        let rows = query(
            "SELECT e.id, e.at, e.field, e.value_before, e.value_after, u.id AS user_id, u.username, u.name \
             FROM item_events e JOIN items i ON i.id = e.item_id LEFT JOIN users u ON u.id = e.actor_id \
             WHERE i.org_id = $1 AND i.project_id = $2 AND i.id = $3 ORDER BY e.at DESC, e.id DESC LIMIT 200",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(id.to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("item_events", row);
                Ok(ItemEvent {
                    at: c.time("at")?,
                    by: assignee(c)?,
                    field: c.text("field")?,
                    before: c.text("value_before")?,
                    after: c.text("value_after")?,
                })
            })
            .collect::<Result<_, StoreError>>()
    }
}

/// One event an item, a field and an instant.
fn event_id(item: ItemId, event: &ItemEvent) -> String {
    format!("{item}:{}:{}", event.at.micros(), event.field)
}
