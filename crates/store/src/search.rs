//! Looking through everything that somebody sees of an organization.
//!
//! What they see comes as one text of ids, `,id,id,`, against which places are compared, so that the statements stay
//! static and no rule about roles is told twice: `portal::access` alone decides.

use crate::access::{app, app_columns, org_columns, person, project, project_columns};
use crate::connect::SqlTx;
use crate::error::map;
use crate::row::columns;
use async_trait::async_trait;
use slipway_domain::environment::{EnvironmentRef, Tier};
use slipway_domain::id::UserId;
use slipway_domain::item::ItemKind;
use slipway_domain::person::PersonRef;
use slipway_domain::run::RunStatus;
use slipway_domain::search::Query;
use slipway_portal::access::may::See;
use slipway_portal::access::sight::Sight;
use slipway_portal::access::{AppScope, Authorized, Org, ProjectScope};
use slipway_portal::ports::{FoundEnvironment, FoundItem, FoundRelease, FoundRun, SearchTx, StoreResult};
use sqlx::any::AnyRow;
use sqlx::query;

const EVERY_PROJECT: &str = concat!(
    "SELECT ",
    org_columns!(),
    ", ",
    project_columns!(),
    " FROM projects p JOIN organizations o ON o.id = p.org_id WHERE o.id = $1 ORDER BY p.name, p.id"
);

const EVERY_APP: &str = concat!(
    "SELECT ",
    org_columns!(),
    ", ",
    project_columns!(),
    ", ",
    app_columns!(),
    " FROM apps a JOIN projects p ON p.id = a.project_id JOIN organizations o ON o.id = p.org_id \
     WHERE o.id = $1 ORDER BY a.name, a.id"
);

/// $2: the projects; $3, $4: the title as it may be written; $5: the key; $6: the whole key; $7, $8: beginnings.
const ITEMS: &str = "SELECT i.id, i.project_id, i.number, i.kind, i.title, i.state, i.category, i.state_said, p.item_key \
     FROM projects p JOIN items i ON i.project_id = p.id AND i.deleted_at IS NULL \
     WHERE p.org_id = $1 AND i.org_id = $1 AND $2 LIKE '%,' || p.id || ',%' \
     AND (LOWER(i.title) LIKE $3 ESCAPE '!' OR LOWER(i.title) LIKE $4 ESCAPE '!' \
     OR LOWER(p.item_key || '-' || i.number) LIKE $5 ESCAPE '!') \
     ORDER BY CASE WHEN LOWER(p.item_key || '-' || i.number) LIKE $6 ESCAPE '!' THEN 0 \
     WHEN LOWER(p.item_key || '-' || i.number) LIKE $7 ESCAPE '!' OR LOWER(i.title) LIKE $7 ESCAPE '!' \
     OR LOWER(i.title) LIKE $8 ESCAPE '!' THEN 1 ELSE 2 END, i.updated_at DESC, i.id LIMIT $9";

const ITEMS_OF: &str = "SELECT i.id, i.project_id, i.number, i.kind, i.title, i.state, i.category, i.state_said, p.item_key \
     FROM items i JOIN projects p ON p.id = i.project_id \
     WHERE i.org_id = $1 AND $2 LIKE '%,' || p.id || ',%' AND (i.assignee_id = $3 OR i.reporter_id = $3) AND i.deleted_at IS NULL \
     ORDER BY i.updated_at DESC, i.id LIMIT $4";

const RELEASES: &str = "SELECT r.id, r.app_id, r.version, r.created_at \
     FROM apps a JOIN releases r ON r.app_id = a.id \
     WHERE a.org_id = $1 AND r.org_id = $1 AND $2 LIKE '%,' || a.id || ',%' AND LOWER(r.version) LIKE $3 ESCAPE '!' \
     ORDER BY CASE WHEN LOWER(r.version) = $4 THEN 0 WHEN LOWER(r.version) LIKE $5 ESCAPE '!' THEN 1 ELSE 2 END, \
     r.created_at DESC, r.id LIMIT $6";

const RUNS: &str = "SELECT r.id, r.app_id, r.number, r.title, r.status, r.created_at \
     FROM apps a JOIN runs r ON r.app_id = a.id AND r.number = $3 \
     WHERE a.org_id = $1 AND r.org_id = $1 AND $2 LIKE '%,' || a.id || ',%' \
     ORDER BY r.created_at DESC, r.id LIMIT $4";

const ENVIRONMENTS: &str = "SELECT e.id, e.project_id, e.env_key, e.name, e.tier, e.position \
     FROM projects p JOIN environments e ON e.project_id = p.id \
     WHERE p.org_id = $1 AND e.org_id = $1 AND e.removed_at IS NULL AND $2 LIKE '%,' || p.id || ',%' \
     AND (LOWER(e.env_key) LIKE $3 ESCAPE '!' OR LOWER(e.name) LIKE $3 ESCAPE '!' OR LOWER(e.name) LIKE $4 ESCAPE '!') \
     ORDER BY CASE WHEN LOWER(e.env_key) = $5 OR LOWER(e.name) = $5 THEN 0 \
     WHEN LOWER(e.env_key) LIKE $6 ESCAPE '!' OR LOWER(e.name) LIKE $6 ESCAPE '!' THEN 1 ELSE 2 END, \
     e.position, p.name, e.id LIMIT $7";

const PEOPLE: &str = "SELECT u.id AS user_id, u.username, u.name FROM users u \
     WHERE u.deactivated_at IS NULL AND u.bot_of IS NULL AND u.id IN ( \
     SELECT b.user_id FROM role_bindings b WHERE b.org_id = $1 AND b.user_id IS NOT NULL \
     UNION SELECT m.user_id FROM group_members m JOIN groups g ON g.id = m.group_id WHERE g.org_id = $1) \
     AND (LOWER(u.username) LIKE $2 ESCAPE '!' OR LOWER(u.name) LIKE $2 ESCAPE '!' OR LOWER(u.name) LIKE $3 ESCAPE '!') \
     ORDER BY CASE WHEN LOWER(u.username) = $4 OR LOWER(u.name) = $4 THEN 0 \
     WHEN LOWER(u.username) LIKE $5 ESCAPE '!' OR LOWER(u.name) LIKE $5 ESCAPE '!' THEN 1 ELSE 2 END, \
     u.name, u.id LIMIT $6";

/// `text` with what means something to `LIKE … ESCAPE '!'` taken literally.
fn literal(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '!') {
            escaped.push('!');
        }
        escaped.push(c);
    }
    escaped
}

/// A query as patterns.
struct Patterns {
    /// Somewhere inside, in small letters.
    inside: String,
    /// Somewhere inside, only letters of ASCII in small letters: `SQLite` knows no others.
    inside_ascii: String,
    /// At the beginning; both ways.
    start: String,
    start_ascii: String,
}

impl Patterns {
    fn of(query: &Query) -> Self {
        let folded = literal(query.folded());
        let ascii = literal(&query.text().to_ascii_lowercase());
        Self {
            inside: format!("%{folded}%"),
            inside_ascii: format!("%{ascii}%"),
            start: format!("{folded}%"),
            start_ascii: format!("{ascii}%"),
        }
    }
}

fn projects_of(of: &Sight) -> String {
    text(of.projects().iter().map(|scope| scope.project.id.to_string()))
}

fn apps_of(of: &Sight) -> String {
    text(of.apps().iter().map(|scope| scope.app.id.to_string()))
}

/// `,id,id,`.
fn text(ids: impl Iterator<Item = String>) -> String {
    let mut text = String::from(",");
    for id in ids {
        text.push_str(&id);
        text.push(',');
    }
    text
}

fn item(row: &AnyRow) -> StoreResult<FoundItem> {
    let c = columns("items", row);
    Ok(FoundItem {
        project: c.id("project_id")?,
        key: format!("{}-{}", c.text("item_key")?, c.int("number")?),
        title: c.text("title")?,
        kind: c.key("kind", ItemKind::from_key)?,
        state: crate::item::state(c)?,
    })
}

#[async_trait]
impl SearchTx for SqlTx {
    async fn every_project(&mut self, org: &Authorized<Org, See>) -> StoreResult<Vec<ProjectScope>> {
        let rows = query(EVERY_PROJECT)
            .bind(org.id().to_string())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(project).collect()
    }

    async fn every_app(&mut self, org: &Authorized<Org, See>) -> StoreResult<Vec<AppScope>> {
        let rows = query(EVERY_APP)
            .bind(org.id().to_string())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(app).collect()
    }

    async fn find_items(&mut self, of: &Sight, asked: &Query, limit: i64) -> StoreResult<Vec<FoundItem>> {
        let patterns = Patterns::of(asked);
        // A number alone means the item of that number, in whichever project.
        let (key, whole_key) = match asked.number() {
            Some(number) => (format!("%-{number}%"), format!("%-{number}")),
            None => (patterns.inside.clone(), literal(asked.folded())),
        };
        let rows = query(ITEMS)
            .bind(of.org_id().to_string())
            .bind(projects_of(of))
            .bind(&patterns.inside)
            .bind(&patterns.inside_ascii)
            .bind(key)
            .bind(whole_key)
            .bind(&patterns.start)
            .bind(&patterns.start_ascii)
            .bind(limit)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(item).collect()
    }

    async fn find_releases(
        &mut self,
        of: &Sight,
        asked: &Query,
        limit: i64,
    ) -> StoreResult<Vec<FoundRelease>> {
        let version = literal(asked.version());
        let rows = query(RELEASES)
            .bind(of.org_id().to_string())
            .bind(apps_of(of))
            .bind(format!("%{version}%"))
            .bind(asked.version())
            .bind(format!("{version}%"))
            .bind(limit)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("releases", row);
                Ok(FoundRelease {
                    app: c.id("app_id")?,
                    version: c.text("version")?,
                    created_at: c.time("created_at")?,
                })
            })
            .collect()
    }

    async fn find_runs(&mut self, of: &Sight, number: i64, limit: i64) -> StoreResult<Vec<FoundRun>> {
        let rows = query(RUNS)
            .bind(of.org_id().to_string())
            .bind(apps_of(of))
            .bind(number)
            .bind(limit)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("runs", row);
                Ok(FoundRun {
                    app: c.id("app_id")?,
                    number: c.int("number")?,
                    title: c.text("title")?,
                    status: c.key("status", RunStatus::from_key)?,
                    created_at: c.time("created_at")?,
                })
            })
            .collect()
    }

    async fn find_environments(
        &mut self,
        of: &Sight,
        asked: &Query,
        limit: i64,
    ) -> StoreResult<Vec<FoundEnvironment>> {
        let patterns = Patterns::of(asked);
        let rows = query(ENVIRONMENTS)
            .bind(of.org_id().to_string())
            .bind(projects_of(of))
            .bind(&patterns.inside)
            .bind(&patterns.inside_ascii)
            .bind(asked.folded())
            .bind(&patterns.start)
            .bind(limit)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("environments", row);
                Ok(FoundEnvironment {
                    project: c.id("project_id")?,
                    environment: EnvironmentRef {
                        id: c.id("id")?,
                        key: c.text("env_key")?,
                        name: c.text("name")?,
                        tier: c.key("tier", Tier::from_key)?,
                        position: c.int("position")?,
                    },
                })
            })
            .collect()
    }

    async fn find_people(&mut self, of: &Sight, asked: &Query, limit: i64) -> StoreResult<Vec<PersonRef>> {
        let patterns = Patterns::of(asked);
        let rows = query(PEOPLE)
            .bind(of.org_id().to_string())
            .bind(&patterns.inside)
            .bind(&patterns.inside_ascii)
            .bind(asked.folded())
            .bind(&patterns.start)
            .bind(limit)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(|row| person(columns("users", row))).collect()
    }

    async fn items_of(&mut self, of: &Sight, person: UserId, limit: i64) -> StoreResult<Vec<FoundItem>> {
        let rows = query(ITEMS_OF)
            .bind(of.org_id().to_string())
            .bind(projects_of(of))
            .bind(person.to_string())
            .bind(limit)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(item).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_to_like_is_taken_literally() {
        assert_eq!(literal("100%_of!"), "100!%!_of!!");
        assert_eq!(literal("退款"), "退款");
    }
}
