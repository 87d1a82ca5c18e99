//! Iterations, the backlog, and the log that charts are counted from.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::item::{assignee, card, card_columns};
use crate::row::columns;
use async_trait::async_trait;
use serde::Deserialize;
use slipway_domain::id::{EnvironmentId, IterationId, TypedId, UserId};
use slipway_domain::insight::{Amount, Deployed, Incident, IterationSpan, Step, What};
use slipway_domain::item::{Card, Category, ItemKind, IterationRef};
use slipway_domain::iteration::{BacklogCursor, BacklogFilter, IterationLine, IterationState};
use slipway_domain::person::PersonRef;
use slipway_domain::promotion::{DeploymentState, PromotionKind};
use slipway_domain::time::Timestamp;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{Authorized, Project};
use slipway_portal::ports::{CARDS_MOST, IterationTx, NewIteration, StoreError, StoreResult};
use sqlx::any::AnyRow;
use sqlx::query;

macro_rules! lines {
    ($which:literal) => {
        concat!(
            "SELECT t.id, t.number, t.name, t.goal, t.starts_on, t.ends_on, t.state, t.started_at, t.closed_at, \
             CAST(COALESCE(SUM(CASE WHEN i.category <> 'wont_do' THEN 1 ELSE 0 END), 0) AS BIGINT) AS scope_items, \
             CAST(COALESCE(SUM(CASE WHEN i.category <> 'wont_do' THEN i.points ELSE 0 END), 0) AS BIGINT) AS scope_points, \
             CAST(COALESCE(SUM(CASE WHEN i.category = 'done' THEN 1 ELSE 0 END), 0) AS BIGINT) AS done_items, \
             CAST(COALESCE(SUM(CASE WHEN i.category = 'done' THEN i.points ELSE 0 END), 0) AS BIGINT) AS done_points \
             FROM iterations t LEFT JOIN items i ON i.iteration_id = t.id AND i.deleted_at IS NULL \
             WHERE t.org_id = $1 AND t.project_id = $2 AND ",
            $which,
            " GROUP BY t.id, t.number, t.name, t.goal, t.starts_on, t.ends_on, t.state, t.started_at, t.closed_at \
             ORDER BY t.number DESC LIMIT $3"
        )
    };
}

const LINES: &str = lines!("1 = 1");
const OPEN: &str = lines!("t.state <> 'closed'");
const LINE: &str = lines!("t.number = $4");

const BACKLOG: &str = concat!(
    "SELECT ",
    card_columns!(),
    ", i.item_rank FROM items i JOIN projects p ON p.id = i.project_id LEFT JOIN users u ON u.id = i.assignee_id \
     WHERE i.org_id = $1 AND i.project_id = $2 AND i.iteration_id IS NULL \
     AND i.category <> 'done' AND i.category <> 'wont_do' AND i.deleted_at IS NULL \
     AND (i.item_rank > $3 OR (i.item_rank = $3 AND i.number > $4)) \
     AND ($5 = '' OR i.kind = $5) AND ($6 = '' OR i.assignee_id = $6) \
     AND ($7 = '' OR i.labels LIKE $7 ESCAPE '!') AND ($8 = '' OR LOWER(i.title) LIKE $8 ESCAPE '!') \
     ORDER BY i.item_rank, i.number LIMIT $9"
);

/// One value for the whole log: a row for each change would cost more than everything else together.
/// A hundred numbers, some of them of nothing.
const NUMBERED: &str = concat!(
    "SELECT ",
    card_columns!(),
    " FROM items i JOIN projects p ON p.id = i.project_id LEFT JOIN users u ON u.id = i.assignee_id \
     WHERE i.org_id = $1 AND i.project_id = $2 AND i.deleted_at IS NULL AND i.number IN ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, \
     $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, \
     $44, $45, $46, $47, $48, $49, $50, $51, $52, $53, $54, $55, $56, $57, $58, $59, $60, $61, $62, $63, \
     $64, $65, $66, $67, $68, $69, $70, $71, $72, $73, $74, $75, $76, $77, $78, $79, $80, $81, $82, $83, \
     $84, $85, $86, $87, $88, $89, $90, $91, $92, $93, $94, $95, $96, $97, $98, $99, $100, $101, $102) \
     ORDER BY i.number"
);

const WHO_STEPPED: &str = "SELECT i.number, e.at, u.id AS user_id, u.username, u.name FROM item_events e \
     JOIN items i ON i.id = e.item_id LEFT JOIN users u ON u.id = e.actor_id \
     WHERE e.org_id = $1 AND e.project_id = $2 AND e.step IS NOT NULL AND e.at >= $4 AND e.at < $5 \
     AND e.item_id IN (SELECT m.item_id FROM item_events m WHERE m.field = 'iteration' AND m.value_after = $3) \
     ORDER BY e.at, e.version, e.id";

const LOG: &str = "SELECT STRING_AGG(e.step, ';') AS log FROM item_events e \
     WHERE e.org_id = $1 AND e.project_id = $2 AND e.step IS NOT NULL";

const LOG_OF_ITERATION: &str = "SELECT STRING_AGG(e.step, ';') AS log FROM item_events e \
     WHERE e.org_id = $1 AND e.project_id = $2 AND e.step IS NOT NULL \
     AND e.item_id IN (SELECT m.item_id FROM item_events m WHERE m.field = 'iteration' AND m.value_after = $3)";

const DEPLOYED: &str = "SELECT d.id, d.app_id, d.release_id, d.promotion_id, d.finished_at, d.state, m.kind, a.slug, \
     r.commits FROM deployments d JOIN environments e ON e.id = d.environment_id AND e.tier = 'production' \
     JOIN promotions m ON m.id = d.promotion_id JOIN releases r ON r.id = d.release_id JOIN apps a ON a.id = d.app_id \
     WHERE d.org_id = $1 AND d.project_id = $2 AND d.finished_at >= $3 AND d.state IN ('succeeded', 'failed') \
     ORDER BY d.finished_at, d.id";

/// An incident is over when its bug was closed last, by its history; not while it is open.
const INCIDENTS: &str = "SELECT i.id, i.number, i.created_at, i.found_release_id, p.item_key, \
     CASE WHEN i.category IN ('done', 'wont_do') THEN (SELECT MAX(v.at) FROM item_events v WHERE v.item_id = i.id \
     AND v.field = 'state' AND v.category IN ('done', 'wont_do')) ELSE NULL END AS over_at \
     FROM items i JOIN projects p ON p.id = i.project_id \
     JOIN environments e ON e.id = i.found_environment_id AND e.tier = 'production' \
     WHERE i.org_id = $1 AND i.project_id = $2 AND i.kind = 'bug' AND i.severity IN ('fatal', 'serious') \
     AND i.created_at >= $3 AND i.deleted_at IS NULL ORDER BY i.created_at, i.id";

/// What is read of a commit.
#[derive(Deserialize)]
struct Written {
    at: Timestamp,
}

pub(crate) fn iteration(row: &AnyRow) -> StoreResult<IterationRef> {
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

fn line(row: &AnyRow) -> StoreResult<IterationLine> {
    let c = columns("iterations", row);
    let amount = |items, points| -> StoreResult<Amount> {
        Ok(Amount {
            items: c.int(items)?,
            points: c.int(points)?,
        })
    };
    Ok(IterationLine {
        iteration: iteration(row)?,
        state: c.key("state", IterationState::from_key)?,
        started_at: c.time("started_at")?,
        closed_at: c.opt_time("closed_at")?,
        scope: amount("scope_items", "scope_points")?,
        done: amount("done_items", "done_points")?,
    })
}

/// `%…%` for LIKE with `!` as its escape; nothing where nothing is asked for.
pub(crate) fn like(before: &str, text: &str, after: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let escaped = text.replace('!', "!!").replace('%', "!%").replace('_', "!_");
    format!("%{before}{escaped}{after}%")
}

fn id<T: TypedId>(text: &str) -> Option<T> {
    uuid::Uuid::parse_str(text).ok().map(T::from_uuid)
}

/// One change of the log, with the version that it made.
fn step(text: &str) -> Option<(Step, i64)> {
    let mut words = text.split(' ');
    let (item, at, version) = (
        words.next()?.parse().ok()?,
        words.next()?.parse().ok()?,
        words.next()?,
    );
    let (field, value, kind) = (words.next()?, words.next()?, words.next()?);
    let what = match field {
        "created" => What::Created(ItemKind::from_key(kind)?, Category::from_key(value)?),
        "state" => What::Category(Category::from_key(value)?),
        "iteration" => What::Iteration(id::<IterationId>(value)),
        "points" => What::Points(value.parse().ok()),
        "deleted" => What::Gone,
        _ => What::Found(id::<EnvironmentId>(value)),
    };
    let at = Timestamp(at);
    Some((Step { item, at, what }, version.parse().ok()?))
}

#[async_trait]
impl IterationTx for SqlTx {
    async fn iterations(
        &mut self,
        project: &Authorized<Project, See>,
        open: bool,
        limit: i64,
    ) -> StoreResult<Vec<IterationLine>> {
        let rows = query(if open { OPEN } else { LINES })
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(limit)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(line).collect()
    }

    async fn iteration_line(
        &mut self,
        project: &Authorized<Project, See>,
        number: i64,
    ) -> StoreResult<Option<IterationLine>> {
        let row = query(LINE)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(1_i64)
            .bind(number)
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(line).transpose()
    }

    async fn iteration_spans(
        &mut self,
        project: &Authorized<Project, See>,
    ) -> StoreResult<Vec<IterationSpan>> {
        let rows = query(
            "SELECT id, number, name, started_at, closed_at FROM iterations \
             WHERE org_id = $1 AND project_id = $2 AND state <> 'planned' ORDER BY started_at, number",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("iterations", row);
                Ok(IterationSpan {
                    id: c.id("id")?,
                    number: c.int("number")?,
                    name: c.text("name")?,
                    started_at: c.time("started_at")?,
                    closed_at: c.opt_time("closed_at")?,
                })
            })
            .collect()
    }

    async fn plan_iteration(
        &mut self,
        project: &Authorized<Project, Modify>,
        new: &NewIteration,
    ) -> StoreResult<i64> {
        let row = query(
            "INSERT INTO iterations (id, org_id, project_id, number, name, goal, starts_on, ends_on, started_at, state) \
             SELECT $1, $2, $3, COALESCE(MAX(number), 0) + 1, $4, $5, $6, $7, $8, 'planned' FROM iterations \
             WHERE project_id = $3 RETURNING id, number",
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

    async fn update_iteration(
        &mut self,
        project: &Authorized<Project, Modify>,
        new: &NewIteration,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE iterations SET name = $4, goal = $5, starts_on = $6, ends_on = $7 \
             WHERE org_id = $1 AND project_id = $2 AND id = $3",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(new.id.to_string())
        .bind(&new.name)
        .bind(&new.goal)
        .bind(&new.starts_on)
        .bind(&new.ends_on)
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn step_iteration(
        &mut self,
        project: &Authorized<Project, Modify>,
        id: IterationId,
        was: IterationState,
        is: IterationState,
        at: Timestamp,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE iterations SET state = $5, \
             started_at = CASE WHEN $5 = 'running' THEN $6 ELSE started_at END, \
             closed_at = CASE WHEN $5 = 'closed' THEN $6 ELSE closed_at END \
             WHERE org_id = $1 AND project_id = $2 AND id = $3 AND state = $4",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(id.to_string())
        .bind(was.key())
        .bind(is.key())
        .bind(at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn cards_numbered(
        &mut self,
        project: &Authorized<Project, See>,
        numbers: &[i64],
    ) -> StoreResult<Vec<Card>> {
        let mut asked = query(NUMBERED)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string());
        // No item has the number 0.
        for at in 0..CARDS_MOST {
            asked = asked.bind(numbers.get(at).copied().unwrap_or(0));
        }
        let rows = asked.fetch_all(self.conn()).await.map_err(map)?;
        rows.iter().map(|row| card(columns("items", row))).collect()
    }

    async fn who_stepped(
        &mut self,
        project: &Authorized<Project, See>,
        iteration: IterationId,
        from: Timestamp,
        until: Timestamp,
    ) -> StoreResult<Vec<(i64, Timestamp, Option<PersonRef>)>> {
        let rows = query(WHO_STEPPED)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(iteration.to_string())
            .bind(from.micros())
            .bind(until.micros())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("item_events", row);
                Ok((c.int("number")?, c.time("at")?, assignee(c)?))
            })
            .collect()
    }

    async fn carry_over(
        &mut self,
        project: &Authorized<Project, Modify>,
        (from, from_name): (IterationId, &str),
        to: Option<(IterationId, &str)>,
        by: Option<UserId>,
        at: Timestamp,
    ) -> StoreResult<u64> {
        let to_id = to.map(|(id, _)| id.to_string());
        query(
            "INSERT INTO item_events (id, org_id, project_id, item_id, at, actor_id, field, value_before, value_after, \
             said_before, said_after, version, step) \
             SELECT i.id || ':' || (i.version + 1) || ':carried', i.org_id, i.project_id, i.id, $4, $5, 'iteration', $3, \
             $6, $7, $8, i.version + 1, i.number || $9 || (i.version + 1) || $10 || i.kind FROM items i \
             WHERE i.org_id = $1 AND i.project_id = $2 AND i.iteration_id = $3 AND i.deleted_at IS NULL \
             AND i.category <> 'done' AND i.category <> 'wont_do'",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(from.to_string())
        .bind(at.micros())
        .bind(by.map(|user| user.to_string()))
        .bind(to_id.clone().unwrap_or_default())
        .bind(from_name)
        .bind(to.map(|(_, name)| name).unwrap_or_default())
        .bind(format!(" {} ", at.micros()))
        .bind(format!(" iteration {} ", to_id.clone().unwrap_or_default()))
        .execute(self.conn())
        .await
        .map_err(map)?;
        let done = query(
            "UPDATE items SET iteration_id = $4, version = version + 1, updated_at = $5 \
             WHERE org_id = $1 AND project_id = $2 AND iteration_id = $3 AND deleted_at IS NULL \
             AND category <> 'done' AND category <> 'wont_do'",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(from.to_string())
        .bind(to_id)
        .bind(at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(done.rows_affected())
    }

    async fn backlog_page(
        &mut self,
        project: &Authorized<Project, See>,
        filter: &BacklogFilter,
        after: Option<&BacklogCursor>,
        limit: i64,
    ) -> StoreResult<Vec<(Card, String)>> {
        let rows = query(BACKLOG)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(after.map(|after| after.rank.clone()).unwrap_or_default())
            .bind(after.map_or(0, |after| after.number))
            .bind(filter.kind.map(ItemKind::key).unwrap_or_default())
            .bind(filter.assignee.map(|user| user.to_string()).unwrap_or_default())
            .bind(like("|", &filter.label, "|"))
            .bind(like("", &filter.words.to_lowercase(), ""))
            .bind(limit)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("items", row);
                Ok((card(c)?, c.text("item_rank")?))
            })
            .collect()
    }

    async fn steps(
        &mut self,
        project: &Authorized<Project, See>,
        iteration: Option<IterationId>,
    ) -> StoreResult<Vec<Step>> {
        let asked = query(if iteration.is_some() {
            LOG_OF_ITERATION
        } else {
            LOG
        })
        .bind(project.org_id().to_string())
        .bind(project.id().to_string());
        let asked = match iteration {
            Some(iteration) => asked.bind(iteration.to_string()),
            None => asked,
        };
        let row = asked.fetch_one(self.conn()).await.map_err(map)?;
        let log = columns("item_events", &row).opt_text("log")?.unwrap_or_default();
        let mut steps = Vec::with_capacity(log.len() / 48);
        for text in log.split(';').filter(|text| !text.is_empty()) {
            let wrong = || StoreError::Inconsistent {
                table: "item_events",
                column: "value_after",
                row: text.to_owned(),
            };
            steps.push(step(text).ok_or_else(wrong)?);
        }
        // Of one instant: an item is made before anything else happens to it.
        steps.sort_by_key(|(step, version)| {
            (
                step.at,
                step.item,
                *version,
                !matches!(step.what, What::Created(..)),
            )
        });
        Ok(steps.into_iter().map(|(step, _)| step).collect())
    }

    async fn deployed_since(
        &mut self,
        project: &Authorized<Project, See>,
        from: Timestamp,
    ) -> StoreResult<Vec<Deployed>> {
        let rows = query(DEPLOYED)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(from.micros())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        let place = project.place().path();
        rows.iter()
            .map(|row| {
                let c = columns("deployments", row);
                let commits: Vec<Written> = c.json("commits")?;
                let (slug, promotion) = (c.text("slug")?, c.text("promotion_id")?);
                Ok(Deployed {
                    path: format!("{place}/apps/{slug}/promotions/{promotion}"),
                    app: c.id("app_id")?,
                    release: c.id("release_id")?,
                    at: c.time("finished_at")?,
                    worked: c.text("state")? == DeploymentState::Succeeded.key(),
                    rollback: c.text("kind")? == PromotionKind::Rollback.key(),
                    commits: commits.into_iter().map(|commit| commit.at).collect(),
                })
            })
            .collect()
    }

    async fn incidents_since(
        &mut self,
        project: &Authorized<Project, See>,
        from: Timestamp,
    ) -> StoreResult<Vec<Incident>> {
        let rows = query(INCIDENTS)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(from.micros())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("items", row);
                Ok(Incident {
                    key: format!("{}-{}", c.text("item_key")?, c.int("number")?),
                    release: c.opt_id("found_release_id")?,
                    from: c.time("created_at")?,
                    until: c.opt_time("over_at")?,
                })
            })
            .collect()
    }
}
