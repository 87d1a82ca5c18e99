//! Work items and iterations.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::iteration::iteration;
use crate::row::{Columns, columns, document};
use async_trait::async_trait;
use slipway_domain::id::{ItemId, IterationId, ReleaseId, TypedId, UserId};
use slipway_domain::item::{
    BugRow, Card, Category, Content, ItemChoices, ItemEvent, ItemKind, ItemState, IterationRef, Labels,
    Named, Priority, Severity, StateKey, Value,
};
use slipway_domain::person::PersonRef;
use slipway_domain::time::Timestamp;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{Authorized, Project};
use slipway_portal::ports::{ItemRecord, ItemTx, NewItemEvent, NewItemRow, NewIteration, StoreResult};
use sqlx::any::AnyRow;
use sqlx::query;

macro_rules! card_columns {
    () => {
        "i.id, i.number, i.kind, i.title, i.state, i.category, i.state_said, i.priority, i.severity, i.points, i.labels, i.begins_on, i.due_on, i.version, \
         p.item_key, u.id AS user_id, u.username, u.name"
    };
}

pub(crate) use card_columns;

const CARDS: &str = concat!(
    "SELECT ",
    card_columns!(),
    " FROM items i JOIN projects p ON p.id = i.project_id LEFT JOIN users u ON u.id = i.assignee_id \
     WHERE i.org_id = $1 AND i.project_id = $2 AND COALESCE(i.iteration_id, '') = $3 AND i.deleted_at IS NULL \
     ORDER BY i.item_rank, i.id"
);

const ITEMS: &str = concat!(
    "SELECT ",
    card_columns!(),
    " FROM items i JOIN projects p ON p.id = i.project_id LEFT JOIN users u ON u.id = i.assignee_id \
     WHERE i.org_id = $1 AND i.project_id = $2 AND i.number > $3 AND i.deleted_at IS NULL \
     ORDER BY i.number LIMIT $4"
);

const BUGS: &str = concat!(
    "SELECT ",
    card_columns!(),
    ", i.created_at, r.id AS reporter_id, r.username AS reporter_username, r.name AS reporter_name \
     FROM items i JOIN projects p ON p.id = i.project_id LEFT JOIN users u ON u.id = i.assignee_id \
     JOIN users r ON r.id = i.reporter_id \
     WHERE i.org_id = $1 AND i.project_id = $2 AND i.kind = 'bug' AND i.deleted_at IS NULL \
     ORDER BY CASE WHEN i.category IN ('done', 'wont_do') THEN 1 ELSE 0 END, \
     CASE i.severity WHEN 'fatal' THEN 0 WHEN 'serious' THEN 1 WHEN 'normal' THEN 2 WHEN 'minor' THEN 3 ELSE 4 END, \
     i.created_at, i.id LIMIT $3"
);

const ITEM: &str = concat!(
    "SELECT ",
    card_columns!(),
    ", i.created_at, i.description, i.item_rank, \
     r.id AS reporter_id, r.username AS reporter_username, r.name AS reporter_name, \
     i.iteration_id, it.name AS iteration_name, i.app_id, a.name AS app_name, \
     i.parent_id, p.item_key || '-' || pa.number AS parent_name, \
     i.found_release_id, fa.slug || ' ' || fr.version AS found_release_name, \
     i.found_environment_id, fe.name AS found_environment_name, \
     i.fixed_release_id, xa.slug || ' ' || xr.version AS fixed_release_name, \
     i.fixed_environment_id, xe.name AS fixed_environment_name \
     FROM items i JOIN projects p ON p.id = i.project_id LEFT JOIN users u ON u.id = i.assignee_id \
     JOIN users r ON r.id = i.reporter_id \
     LEFT JOIN iterations it ON it.id = i.iteration_id \
     LEFT JOIN apps a ON a.id = i.app_id \
     LEFT JOIN items pa ON pa.id = i.parent_id \
     LEFT JOIN releases fr ON fr.id = i.found_release_id LEFT JOIN apps fa ON fa.id = fr.app_id \
     LEFT JOIN environments fe ON fe.id = i.found_environment_id \
     LEFT JOIN releases xr ON xr.id = i.fixed_release_id LEFT JOIN apps xa ON xa.id = xr.app_id \
     LEFT JOIN environments xe ON xe.id = i.fixed_environment_id \
     WHERE i.org_id = $1 AND i.project_id = $2 AND i.number = $3 AND i.deleted_at IS NULL"
);

const EVENTS: &str = "SELECT e.id, e.at, e.field, e.value_before, e.value_after, e.said_before, e.said_after, \
     e.version, e.cause, u.id AS user_id, u.username, u.name \
     FROM item_events e JOIN items i ON i.id = e.item_id LEFT JOIN users u ON u.id = e.actor_id \
     WHERE i.org_id = $1 AND i.project_id = $2 AND i.id = $3 AND e.version > $4 \
     ORDER BY e.at DESC, e.version DESC, e.id DESC LIMIT 500";

pub(crate) fn assignee(c: Columns<'_>) -> StoreResult<Option<PersonRef>> {
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

/// The state of an item, of its columns `state`, `category` and `state_said`.
pub(crate) fn state(c: Columns<'_>) -> StoreResult<ItemState> {
    let (key, category) = (
        c.key("state", StateKey::parse)?,
        c.key("category", Category::from_key)?,
    );
    Ok(ItemState::stored(key, category, &c.text("state_said")?))
}

pub(crate) fn card(c: Columns<'_>) -> StoreResult<Card> {
    let severity = match c.opt_text("severity")? {
        Some(_) => Some(c.key("severity", Severity::from_key)?),
        None => None,
    };
    Ok(Card {
        id: c.id("id")?,
        key: format!("{}-{}", c.text("item_key")?, c.int("number")?),
        kind: c.key("kind", ItemKind::from_key)?,
        title: c.text("title")?,
        state: state(c)?,
        priority: c.key("priority", Priority::from_key)?,
        severity,
        assignee: assignee(c)?,
        points: c.opt_int("points")?,
        labels: Labels::from_stored(&c.text("labels")?),
        starts_on: c.opt_text("begins_on")?,
        due_on: c.opt_text("due_on")?,
        version: c.int("version")?,
    })
}

fn named<I: TypedId>(c: Columns<'_>, id: &'static str, name: &'static str) -> StoreResult<Option<Named<I>>> {
    let Some(id) = c.opt_id(id)? else {
        return Ok(None);
    };
    // What is gone has no name any more.
    Ok(c.opt_text(name)?.map(|name| Named { id, name }))
}

fn content(c: Columns<'_>, card: &Card) -> StoreResult<Content> {
    Ok(Content {
        title: card.title.clone(),
        description: c.text("description")?,
        priority: card.priority,
        severity: card.severity,
        assignee: card.assignee.as_ref().map(|person| Named {
            id: person.id,
            name: person.name.clone(),
        }),
        iteration: named(c, "iteration_id", "iteration_name")?,
        app: named(c, "app_id", "app_name")?,
        parent: named(c, "parent_id", "parent_name")?,
        labels: card.labels.clone(),
        points: card.points,
        starts_on: card.starts_on.clone(),
        due_on: card.due_on.clone(),
        found_release: named(c, "found_release_id", "found_release_name")?,
        found_environment: named(c, "found_environment_id", "found_environment_name")?,
        fixed_release: named(c, "fixed_release_id", "fixed_release_name")?,
        fixed_environment: named(c, "fixed_environment_id", "fixed_environment_name")?,
    })
}

/// What charts read of an event, between its item's number and kind; nothing where they do not.
fn step(event: &NewItemEvent) -> String {
    let charted = [
        "created",
        "state",
        "iteration",
        "points",
        "found_environment",
        "deleted",
    ];
    if !charted.contains(&event.field.as_str()) {
        return String::new();
    }
    let value = match event.category {
        Some(category) => category.key(),
        None => event.after.key.as_str(),
    };
    format!(
        " {} {} {} {value} ",
        event.at.micros(),
        event.version,
        event.field
    )
}

fn id_of<I: TypedId>(named: Option<&Named<I>>) -> Option<String> {
    named.map(|named| named.id.to_string())
}

fn event(row: &AnyRow) -> StoreResult<ItemEvent> {
    let c = columns("item_events", row);
    let value = |key, said| -> StoreResult<Value> {
        Ok(Value {
            key: c.text(key)?,
            said: c.text(said)?,
        })
    };
    Ok(ItemEvent {
        at: c.time("at")?,
        by: assignee(c)?,
        field: c.text("field")?,
        before: value("value_before", "said_before")?,
        after: value("value_after", "said_after")?,
        version: c.int("version")?,
        cause: c.opt_json("cause")?,
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
             WHERE org_id = $1 AND project_id = $2 AND state = 'running'",
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
        let content = &item.content;
        query(
            "INSERT INTO items (id, org_id, project_id, number, kind, title, description, state, category, priority, \
             severity, assignee_id, reporter_id, iteration_id, points, item_rank, version, created_at, updated_at, \
             app_id, parent_id, labels, due_on, found_release_id, found_environment_id, fixed_release_id, \
             fixed_environment_id, state_said, begins_on) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 1, $17, $17, \
             $18, $19, $20, $21, $22, $23, $24, $25, $26, $27)",
        )
        .bind(item.id.to_string())
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(number)
        .bind(item.kind.key())
        .bind(&content.title)
        .bind(&content.description)
        .bind(item.state.key())
        .bind(item.state.category().key())
        .bind(content.priority.key())
        .bind(content.severity.map(Severity::key))
        .bind(id_of(content.assignee.as_ref()))
        .bind(item.reporter.to_string())
        .bind(id_of(content.iteration.as_ref()))
        .bind(content.points)
        .bind(&item.rank)
        .bind(item.at.micros())
        .bind(id_of(content.app.as_ref()))
        .bind(id_of(content.parent.as_ref()))
        .bind(content.labels.stored())
        .bind(&content.due_on)
        .bind(id_of(content.found_release.as_ref()))
        .bind(id_of(content.found_environment.as_ref()))
        .bind(id_of(content.fixed_release.as_ref()))
        .bind(id_of(content.fixed_environment.as_ref()))
        .bind(item.state.said())
        .bind(&content.starts_on)
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
            let card = card(c)?;
            Ok(ItemRecord {
                content: content(c, &card)?,
                card,
                reporter: reporter(c)?,
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
    ) -> StoreResult<Option<String>> {
        let row = query(
            "SELECT id, item_rank FROM items WHERE org_id = $1 AND project_id = $2 \
             AND COALESCE(iteration_id, '') = $3 ORDER BY item_rank DESC LIMIT 1",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(iteration.map_or_else(String::new, |i| i.to_string()))
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
        state: &ItemState,
        rank: &str,
        at: Timestamp,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE items SET state = $5, category = $6, item_rank = $7, version = version + 1, updated_at = $8, \
             state_said = $9 \
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
        .bind(state.said())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn update_item(
        &mut self,
        project: &Authorized<Project, Modify>,
        id: ItemId,
        version: i64,
        content: &Content,
        at: Timestamp,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE items SET title = $5, description = $6, priority = $7, severity = $8, assignee_id = $9, \
             iteration_id = $10, app_id = $11, parent_id = $12, labels = $13, points = $14, due_on = $15, \
             found_release_id = $16, found_environment_id = $17, fixed_release_id = $18, \
             fixed_environment_id = $19, version = version + 1, updated_at = $20, begins_on = $21 \
             WHERE org_id = $1 AND project_id = $2 AND id = $3 AND version = $4",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(id.to_string())
        .bind(version)
        .bind(&content.title)
        .bind(&content.description)
        .bind(content.priority.key())
        .bind(content.severity.map(Severity::key))
        .bind(id_of(content.assignee.as_ref()))
        .bind(id_of(content.iteration.as_ref()))
        .bind(id_of(content.app.as_ref()))
        .bind(id_of(content.parent.as_ref()))
        .bind(content.labels.stored())
        .bind(content.points)
        .bind(&content.due_on)
        .bind(id_of(content.found_release.as_ref()))
        .bind(id_of(content.found_environment.as_ref()))
        .bind(id_of(content.fixed_release.as_ref()))
        .bind(id_of(content.fixed_environment.as_ref()))
        .bind(at.micros())
        .bind(&content.starts_on)
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn delete_item(
        &mut self,
        project: &Authorized<Project, Modify>,
        id: ItemId,
        version: i64,
        at: Timestamp,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE items SET deleted_at = $5, version = version + 1, updated_at = $5 \
             WHERE org_id = $1 AND project_id = $2 AND id = $3 AND version = $4 AND deleted_at IS NULL",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(id.to_string())
        .bind(version)
        .bind(at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn append_item_events(
        &mut self,
        project: &Authorized<Project, Modify>,
        id: ItemId,
        events: &[NewItemEvent],
    ) -> StoreResult<()> {
        for event in events {
            let done = query(
                "INSERT INTO item_events (id, org_id, project_id, item_id, at, actor_id, field, value_before, \
                 value_after, said_before, said_after, category, version, step, cause) \
                 SELECT $1, i.org_id, i.project_id, i.id, $5, $6, $7, $8, $9, $10, $11, $12, $13, \
                 CASE WHEN $14 = '' THEN NULL ELSE i.number || $14 || i.kind END, $15 FROM items i \
                 WHERE i.org_id = $2 AND i.project_id = $3 AND i.id = $4",
            )
            .bind(event.id.to_string())
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(id.to_string())
            .bind(event.at.micros())
            .bind(event.by.map(|user| user.to_string()))
            .bind(&event.field)
            .bind(&event.before.key)
            .bind(&event.after.key)
            .bind(&event.before.said)
            .bind(&event.after.said)
            .bind(event.category.map(Category::key))
            .bind(event.version)
            .bind(step(event))
            .bind(event.cause.as_ref().map(document).transpose()?)
            .execute(self.conn())
            .await
            .map_err(map)?;
            affected(done.rows_affected())?;
        }
        Ok(())
    }

    async fn item_events(
        &mut self,
        project: &Authorized<Project, See>,
        id: ItemId,
    ) -> StoreResult<Vec<ItemEvent>> {
        self.events_after(project, id, 0).await
    }

    async fn item_changes_after(
        &mut self,
        project: &Authorized<Project, See>,
        id: ItemId,
        version: i64,
    ) -> StoreResult<Vec<ItemEvent>> {
        let mut events = self.events_after(project, id, version).await?;
        events.reverse();
        Ok(events)
    }

    async fn item_choices(&mut self, project: &Authorized<Project, See>) -> StoreResult<ItemChoices> {
        let iterations = self
            .choices(
                project,
                "SELECT id, name FROM iterations WHERE org_id = $1 AND project_id = $2 AND closed_at IS NULL \
                 ORDER BY number DESC",
            )
            .await?;
        let apps = self
            .choices(
                project,
                "SELECT id, name FROM apps WHERE org_id = $1 AND project_id = $2 ORDER BY name, id",
            )
            .await?;
        let environments = self
            .choices(
                project,
                "SELECT id, name FROM environments WHERE org_id = $1 AND project_id = $2 AND removed_at IS NULL \
                 ORDER BY position, id",
            )
            .await?;
        let releases: Vec<Named<ReleaseId>> = self
            .choices(
                project,
                "SELECT r.id, a.slug || ' ' || r.version AS name FROM releases r JOIN apps a ON a.id = r.app_id \
                 WHERE r.org_id = $1 AND r.project_id = $2 ORDER BY r.created_at DESC, r.id DESC LIMIT 100",
            )
            .await?;
        Ok(ItemChoices {
            iterations,
            apps,
            environments,
            releases: releases.into_iter().map(|release| release.name).collect(),
            people: Vec::new(),
        })
    }

    async fn release_called(
        &mut self,
        project: &Authorized<Project, See>,
        app: &str,
        version: &str,
    ) -> StoreResult<Option<ReleaseId>> {
        let row = query(
            "SELECT r.id FROM releases r JOIN apps a ON a.id = r.app_id \
             WHERE r.org_id = $1 AND r.project_id = $2 AND a.slug = $3 AND r.version = $4",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(app)
        .bind(version)
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        row.map(|row| columns("releases", &row).id("id")).transpose()
    }
}

impl SqlTx {
    async fn events_after(
        &mut self,
        project: &Authorized<Project, See>,
        id: ItemId,
        version: i64,
    ) -> StoreResult<Vec<ItemEvent>> {
        let rows = query(EVENTS)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(id.to_string())
            .bind(version)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(event).collect()
    }

    async fn choices<I: TypedId>(
        &mut self,
        project: &Authorized<Project, See>,
        sql: &'static str,
    ) -> StoreResult<Vec<Named<I>>> {
        let rows = query(sql)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("items", row);
                Ok(Named {
                    id: c.id("id")?,
                    name: c.text("name")?,
                })
            })
            .collect()
    }
}
