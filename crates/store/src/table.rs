//! The table of work items, and saved views.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::item::{card, card_columns};
use crate::iteration::like;
use crate::row::columns;
use async_trait::async_trait;
use slipway_domain::id::{SavedViewId, UserId};
use slipway_domain::insight::Amount;
use slipway_domain::item::{ItemKind, Priority};
use slipway_domain::person::PersonRef;
use slipway_domain::roadmap::RoadmapRow;
use slipway_domain::table::{Column, Due, TableCursor, TableQuery, TableRow, ViewPage};
use slipway_portal::access::may::See;
use slipway_portal::access::{Authorized, Project};
use slipway_portal::ports::{StoreResult, TableTx, ViewRecord};
use sqlx::any::AnyRow;
use sqlx::query;

/// The statement that sorts by a text, from where `$cursor` says, in the order of `$order`. Of the cursor, `$3` is what the
/// last item was sorted by, and `$4` its number: both together are compared, as they stand in the index (migration 0030).
macro_rules! sorted {
    ($by:expr, $cursor:expr, $order:expr) => {
        concat!(
            "SELECT ",
            card_columns!(),
            ", it.name AS iteration_name, a.name AS app_name, i.created_at, i.updated_at, ",
            $by,
            " AS sorted_by FROM items i JOIN projects p ON p.id = i.project_id \
             LEFT JOIN users u ON u.id = i.assignee_id LEFT JOIN iterations it ON it.id = i.iteration_id \
             LEFT JOIN apps a ON a.id = i.app_id \
             WHERE i.org_id = $1 AND i.project_id = $2 AND i.deleted_at IS NULL AND ",
            $cursor,
            " AND ($5 = '' OR i.kind = $5) AND ($6 = '' OR i.assignee_id = $6) AND ($7 = '' OR i.priority = $7) \
             AND ($8 = '' OR i.iteration_id = $8) AND ($9 = '' OR i.app_id = $9) \
             AND ($10 = '' OR i.labels LIKE $10 ESCAPE '!') \
             AND ($11 = '' OR LOWER(i.title) LIKE $11 ESCAPE '!' OR LOWER(p.item_key || '-' || i.number) = $12) \
             AND ($13 = 'all' OR i.category NOT IN ('done', 'wont_do')) \
             AND ($14 = '' OR ($14 = 'none' AND i.due_on IS NULL) \
             OR ($14 = 'overdue' AND i.due_on < $15 AND i.category NOT IN ('done', 'wont_do')) \
             OR ($14 = 'week' AND i.due_on >= $15 AND i.due_on <= $16)) \
             ORDER BY ",
            $order,
            " LIMIT $17"
        )
    };
}

/// The first page begins nowhere: what would say where is empty. SQLite begins in the index by the first comparison alone.
macro_rules! ways {
    ($by:expr, $descending:expr, $first:expr) => {
        match ($descending, $first) {
            (false, true) => sorted!($by, "$3 = '' AND $4 = 0", concat!($by, ", i.number")),
            (false, false) => sorted!(
                $by,
                concat!($by, " >= $3 AND (", $by, ", i.number) > ($3, $4)"),
                concat!($by, ", i.number")
            ),
            (true, true) => sorted!($by, "$3 = '' AND $4 = 0", concat!($by, " DESC, i.number DESC")),
            (true, false) => sorted!(
                $by,
                concat!($by, " <= $3 AND (", $by, ", i.number) < ($3, $4)"),
                concat!($by, " DESC, i.number DESC")
            ),
        }
    };
}

macro_rules! number {
    () => {
        "CAST(i.number AS TEXT)"
    };
}

macro_rules! sorts {
    ($($column:ident = $by:literal;)+) => {
        const fn statement(column: Column, descending: bool, first: bool) -> &'static str {
            match column {
                $(Column::$column => ways!($by, descending, first),)+
                Column::Key | Column::Labels => match (descending, first) {
                    (false, true) => sorted!(number!(), "$3 = '' AND $4 = 0", "i.number"),
                    (false, false) => sorted!(number!(), "$3 = $3 AND i.number > $4", "i.number"),
                    (true, true) => sorted!(number!(), "$3 = '' AND $4 = 0", "i.number DESC"),
                    (true, false) => sorted!(number!(), "$3 = $3 AND i.number < $4", "i.number DESC"),
                },
            }
        }
    };
}

// All of them are texts that sort as what they stand for: numbers have the same length. What is of the item itself is an
// expression of an index, word for word; the names of people, iterations and apps are joined and sorted.
sorts! {
    Title = "LOWER(i.title)";
    Kind = "CASE i.kind WHEN 'epic' THEN '0' WHEN 'requirement' THEN '1' WHEN 'task' THEN '2' ELSE '3' END";
    State = "(CASE i.category WHEN 'todo' THEN '0' WHEN 'in_progress' THEN '1' WHEN 'in_test' THEN '2' WHEN 'done' THEN '3' ELSE '4' END || i.state)";
    Priority = "CASE i.priority WHEN 'urgent' THEN '0' WHEN 'high' THEN '1' WHEN 'normal' THEN '2' ELSE '3' END";
    Severity = "CASE i.severity WHEN 'fatal' THEN '0' WHEN 'serious' THEN '1' WHEN 'normal' THEN '2' WHEN 'minor' THEN '3' WHEN 'suggestion' THEN '4' ELSE '5' END";
    Assignee = "CASE WHEN u.name IS NULL THEN '1' ELSE '0' || LOWER(u.name) END";
    Iteration = "CAST(1000000000 + COALESCE(it.number, 0) AS TEXT)";
    App = "CASE WHEN a.name IS NULL THEN '1' ELSE '0' || LOWER(a.name) END";
    Points = "CAST(1000 + COALESCE(i.points, -1) AS TEXT)";
    Due = "COALESCE(i.due_on, '9999-12-31')";
    Created = "CAST(i.created_at AS TEXT)";
    Updated = "CAST(i.updated_at AS TEXT)";
}

/// An epic's parts are an item's whose parent it is, and theirs.
const ROADMAP: &str = concat!(
    "SELECT ",
    card_columns!(),
    ", COALESCE(i.begins_on, own.starts_on, s.starts_on) AS starts_on, COALESCE(i.due_on, own.ends_on, s.ends_on) AS ends_on, \
     COALESCE(s.items, 0) AS items, COALESCE(s.points_all, 0) AS points_all, COALESCE(s.items_done, 0) AS items_done, \
     COALESCE(s.points_done, 0) AS points_done \
     FROM items i JOIN projects p ON p.id = i.project_id LEFT JOIN users u ON u.id = i.assignee_id \
     LEFT JOIN iterations own ON own.id = i.iteration_id \
     LEFT JOIN (SELECT d.epic_id, MIN(t.starts_on) AS starts_on, MAX(t.ends_on) AS ends_on, \
     CAST(SUM(CASE WHEN d.category <> 'wont_do' THEN 1 ELSE 0 END) AS BIGINT) AS items, \
     CAST(SUM(CASE WHEN d.category <> 'wont_do' THEN COALESCE(d.points, 0) ELSE 0 END) AS BIGINT) AS points_all, \
     CAST(SUM(CASE WHEN d.category = 'done' THEN 1 ELSE 0 END) AS BIGINT) AS items_done, \
     CAST(SUM(CASE WHEN d.category = 'done' THEN COALESCE(d.points, 0) ELSE 0 END) AS BIGINT) AS points_done \
     FROM (SELECT e.id AS epic_id, a.category, a.points, a.iteration_id FROM items e \
     JOIN items a ON a.parent_id = e.id AND a.deleted_at IS NULL \
     WHERE e.org_id = $1 AND e.project_id = $2 AND e.kind = 'epic' \
     UNION ALL SELECT e.id AS epic_id, b.category, b.points, b.iteration_id FROM items e \
     JOIN items a ON a.parent_id = e.id JOIN items b ON b.parent_id = a.id AND b.deleted_at IS NULL \
     WHERE e.org_id = $1 AND e.project_id = $2 AND e.kind = 'epic') d \
     LEFT JOIN iterations t ON t.id = d.iteration_id GROUP BY d.epic_id) s ON s.epic_id = i.id \
     WHERE i.org_id = $1 AND i.project_id = $2 AND i.kind = 'epic' AND i.deleted_at IS NULL \
     ORDER BY CASE WHEN i.category IN ('done', 'wont_do') THEN 1 ELSE 0 END, i.number LIMIT $3"
);

const VIEWS: &str = "SELECT v.id, v.page, v.name, v.query, v.shared, v.is_default, v.version, v.created_at, \
     u.id AS user_id, u.username, u.name AS person FROM saved_views v JOIN users u ON u.id = v.owner_id \
     WHERE v.org_id = $1 AND v.project_id = $2 AND (v.shared = 1 OR v.owner_id = $3) AND ($4 = '' OR v.page = $4) \
     ORDER BY v.shared, v.name, v.id";

const VIEW: &str = "SELECT v.id, v.page, v.name, v.query, v.shared, v.is_default, v.version, v.created_at, \
     u.id AS user_id, u.username, u.name AS person FROM saved_views v JOIN users u ON u.id = v.owner_id \
     WHERE v.org_id = $1 AND v.project_id = $2 AND v.id = $3";

fn view(row: &AnyRow) -> StoreResult<ViewRecord> {
    let c = columns("saved_views", row);
    Ok(ViewRecord {
        id: c.id("id")?,
        owner: PersonRef {
            id: c.id("user_id")?,
            username: c.text("username")?,
            name: c.text("person")?,
        },
        page: c.key("page", ViewPage::from_key)?,
        name: c.text("name")?,
        query: c.text("query")?,
        shared: c.flag("shared")?,
        is_default: c.flag("is_default")?,
        version: c.int("version")?,
        created_at: c.time("created_at")?,
    })
}

fn text<I: ToString>(id: Option<I>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

#[async_trait]
impl TableTx for SqlTx {
    async fn table_page(
        &mut self,
        project: &Authorized<Project, See>,
        asked: &TableQuery,
        (today, week): (&str, &str),
        after: Option<&TableCursor>,
        limit: i64,
    ) -> StoreResult<Vec<(TableRow, String)>> {
        let (column, descending) = asked.order();
        let words = asked.words.to_lowercase();
        let rows = query(statement(column, descending, after.is_none()))
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(after.map(|after| after.value.clone()).unwrap_or_default())
            .bind(after.map_or(0, |after| after.number))
            .bind(asked.kind.map(ItemKind::key).unwrap_or_default())
            .bind(text(asked.assignee))
            .bind(asked.priority.map(Priority::key).unwrap_or_default())
            .bind(text(asked.iteration))
            .bind(text(asked.app))
            .bind(like("|", &asked.label, "|"))
            .bind(like("", &words, ""))
            .bind(&words)
            .bind(if asked.all { "all" } else { "" })
            .bind(asked.due.map(Due::key).unwrap_or_default())
            .bind(today)
            .bind(week)
            .bind(limit)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("items", row);
                let shown = TableRow {
                    card: card(c)?,
                    iteration: c.opt_text("iteration_name")?,
                    app: c.opt_text("app_name")?,
                    created_at: c.time("created_at")?,
                    updated_at: c.time("updated_at")?,
                };
                Ok((shown, c.text("sorted_by")?))
            })
            .collect()
    }

    async fn roadmap(
        &mut self,
        project: &Authorized<Project, See>,
        limit: i64,
    ) -> StoreResult<Vec<RoadmapRow>> {
        let rows = query(ROADMAP)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(limit)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("items", row);
                let amount = |items, points| -> StoreResult<Amount> {
                    Ok(Amount {
                        items: c.int(items)?,
                        points: c.int(points)?,
                    })
                };
                Ok(RoadmapRow {
                    card: card(c)?,
                    starts_on: c.opt_text("starts_on")?,
                    ends_on: c.opt_text("ends_on")?,
                    scope: amount("items", "points_all")?,
                    done: amount("items_done", "points_done")?,
                })
            })
            .collect()
    }

    async fn saved_views(
        &mut self,
        project: &Authorized<Project, See>,
        person: UserId,
        page: Option<ViewPage>,
    ) -> StoreResult<Vec<ViewRecord>> {
        let rows = query(VIEWS)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(person.to_string())
            .bind(page.map(ViewPage::key).unwrap_or_default())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(view).collect()
    }

    async fn saved_view(
        &mut self,
        project: &Authorized<Project, See>,
        id: SavedViewId,
    ) -> StoreResult<Option<ViewRecord>> {
        let row = query(VIEW)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(view).transpose()
    }

    async fn insert_view(&mut self, project: &Authorized<Project, See>, new: &ViewRecord) -> StoreResult<()> {
        query(
            "INSERT INTO saved_views (id, org_id, project_id, owner_id, page, name, query, shared, is_default, version, \
             created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10)",
        )
        .bind(new.id.to_string())
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(new.owner.id.to_string())
        .bind(new.page.key())
        .bind(&new.name)
        .bind(&new.query)
        .bind(i64::from(new.shared))
        .bind(i64::from(new.is_default))
        .bind(new.created_at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn update_view(&mut self, project: &Authorized<Project, See>, new: &ViewRecord) -> StoreResult<()> {
        let done = query(
            "UPDATE saved_views SET name = $5, query = $6, shared = $7, is_default = $8, version = version + 1 \
             WHERE org_id = $1 AND project_id = $2 AND id = $3 AND version = $4",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(new.id.to_string())
        .bind(new.version)
        .bind(&new.name)
        .bind(&new.query)
        .bind(i64::from(new.shared))
        .bind(i64::from(new.is_default))
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn delete_view(&mut self, project: &Authorized<Project, See>, id: SavedViewId) -> StoreResult<()> {
        let done = query("DELETE FROM saved_views WHERE org_id = $1 AND project_id = $2 AND id = $3")
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(id.to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn clear_default_view(
        &mut self,
        project: &Authorized<Project, See>,
        new: &ViewRecord,
    ) -> StoreResult<()> {
        query(
            "UPDATE saved_views SET is_default = 0, version = version + 1 \
             WHERE org_id = $1 AND project_id = $2 AND page = $3 AND id <> $4 AND shared = $5 AND is_default = 1 \
             AND ($5 = 1 OR owner_id = $6)",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(new.page.key())
        .bind(new.id.to_string())
        .bind(i64::from(new.shared))
        .bind(new.owner.id.to_string())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SqlStore;
    use slipway_domain::table::Column;
    use sqlx::{AssertSqlSafe, Row as _};

    /// What an item is sorted by that is its own.
    fn own() -> impl Iterator<Item = (Column, String)> {
        Column::ALL
            .iter()
            .copied()
            .filter(|column| column.sorts())
            .filter(|column| !matches!(column, Column::Assignee | Column::Iteration | Column::App))
            .map(|column| match column {
                Column::Key => (column, String::from("items_number_key")),
                other => (other, format!("items_sorted_by_{}", other.key())),
            })
    }

    /// How the database would read a page.
    async fn plan(tx: &mut SqlTx, explain: &str, statement: &str, first: bool) -> String {
        let asked = format!("{explain} {statement}");
        let mut asked = query(AssertSqlSafe(asked))
            .bind("org")
            .bind("project")
            .bind(if first { "" } else { "m" })
            .bind(if first { 0_i64 } else { 7 });
        for _ in 5..=12 {
            asked = asked.bind("");
        }
        let asked = asked.bind("all").bind("").bind("2026-11-21").bind("2026-11-28");
        let rows = asked.bind(51_i64).fetch_all(tx.conn()).await.unwrap();
        let column = usize::from(explain.contains("QUERY PLAN")) * 3;
        let lines: Vec<String> = rows.iter().map(|row| row.get(column)).collect();
        lines.join("\n")
    }

    #[tokio::test]
    async fn sqlite_reads_every_page_of_the_table_from_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("slipway.db").display());
        let store = SqlStore::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        let mut tx = store.reading().await.unwrap();
        for (column, index) in own() {
            for (descending, first) in [(false, true), (false, false), (true, true), (true, false)] {
                let sql = statement(column, descending, first);
                let plan = plan(&mut tx, "EXPLAIN QUERY PLAN", sql, first).await;
                assert!(
                    (plan.contains(&index) || plan.contains("sqlite_autoindex_items"))
                        && !plan.contains("TEMP B-TREE"),
                    "{} {descending} {first}: {plan}",
                    column.key()
                );
            }
        }
    }

    #[tokio::test]
    async fn postgresql_reads_every_page_of_the_table_from_an_index() {
        let Ok(server) = std::env::var("SLIPWAY_TEST_POSTGRES_URL") else {
            eprintln!("skipped on PostgreSQL: SLIPWAY_TEST_POSTGRES_URL is not set");
            return;
        };
        let url = SqlStore::new_database_for_tests(&server).await.unwrap();
        let store = SqlStore::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        let mut tx = store.reading().await.unwrap();
        // An empty table is read whole and sorted; whether the index could be used is what is asked here.
        for setting in ["enable_sort", "enable_seqscan", "enable_bitmapscan"] {
            let set = format!("SET {setting} = off");
            query(AssertSqlSafe(set)).execute(tx.conn()).await.unwrap();
        }
        for (column, index) in own() {
            for (descending, first) in [(false, true), (false, false), (true, true), (true, false)] {
                let sql = statement(column, descending, first);
                let plan = plan(&mut tx, "EXPLAIN", sql, first).await;
                assert!(
                    plan.contains(&index) && !plan.contains("Sort"),
                    "{} {descending} {first}: {plan}",
                    column.key()
                );
            }
        }
    }
}
