//! Templates that organizations and projects write, which app uses which, and bulk upgrades.

mod upgrade;

use crate::access::{app, app_columns, org_columns, project_columns};
use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::{Columns, columns, document};
use crate::working_copy::editor_of;
use async_trait::async_trait;
use slipway_domain::id::{TemplateId, UpgradeId, UserId};
use slipway_domain::person::PersonRef;
use slipway_domain::pipeline::TemplateRef;
use slipway_domain::template::{Standing, UpgradeState};
use slipway_domain::time::Timestamp;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{AnyScope, Anywhere, App, AppScope, Authorized};
use slipway_portal::ports::{
    StoreResult, TemplateRecord, TemplateTx, TemplateVersionRecord, UpgradeRecord, UpgradeStepRecord,
    UseRecord,
};
use sqlx::any::AnyRow;
use sqlx::query;

macro_rules! templates {
    ($rest:literal) => {
        concat!(
            "SELECT t.*, u.username AS by_username, u.name AS by_name FROM templates t \
             LEFT JOIN users u ON u.id = t.updated_by ",
            $rest
        )
    };
}

/// One template at a time, so that the statement is the same for any number.
const VERSIONS: &str = "SELECT v.template_id AS id, v.*, u.username AS by_username, u.name AS by_name \
     FROM template_versions v LEFT JOIN users u ON u.id = v.published_by \
     WHERE v.org_id = $1 AND v.template_id = $2 ORDER BY v.published_at DESC, v.version DESC";

/// Apps of a place with what they use.
macro_rules! uses {
    ($rest:literal) => {
        concat!(
            "SELECT ", org_columns!(), ", ", project_columns!(), ", ", app_columns!(),
            ", t.template, t.version, t.commit_sha, t.seen_at FROM template_uses t JOIN apps a ON a.id = t.app_id \
             JOIN projects p ON p.id = a.project_id JOIN organizations o ON o.id = p.org_id \
             WHERE t.org_id = $1 AND ($2 = '' OR p.id = $2) AND t.template <> '' \
             AND a.archived_at IS NULL AND p.archived_at IS NULL ",
            $rest,
            " ORDER BY p.name, p.id, a.name, a.id"
        )
    };
}

/// The person of the columns `<id>`, `by_username` and `by_name`.
fn by(c: Columns<'_>, id: &'static str) -> StoreResult<Option<PersonRef>> {
    match c.opt_id(id)? {
        Some(id) => Ok(Some(PersonRef {
            id,
            username: c.text("by_username")?,
            name: c.text("by_name")?,
        })),
        None => Ok(None),
    }
}

fn template(row: &AnyRow) -> StoreResult<TemplateRecord> {
    let c = columns("templates", row);
    Ok(TemplateRecord {
        id: c.id("id")?,
        project: c.opt_id("project_id")?,
        slug: c.text("slug")?,
        text: c.text("content")?,
        version: c.int("version")?,
        standing: c.key("standing", Standing::from_key)?,
        notice: c.opt_json("notice")?,
        created_at: c.time("created_at")?,
        updated_at: c.time("updated_at")?,
        updated_by: by(c, "updated_by")?,
    })
}

fn version(row: &AnyRow) -> StoreResult<TemplateVersionRecord> {
    let c = columns("template_versions", row);
    Ok(TemplateVersionRecord {
        template: c.id("template_id")?,
        version: c.text("version")?,
        text: c.text("content")?,
        changelog: c.json("changelog")?,
        published_at: c.time("published_at")?,
        published_by: by(c, "published_by")?,
    })
}

fn used(c: Columns<'_>) -> StoreResult<UseRecord> {
    let key = c.text("template")?;
    let version = c.text("version")?;
    Ok(UseRecord {
        used: (!key.is_empty()).then_some(TemplateRef { key, version }),
        commit: c.text("commit_sha")?,
        seen_at: c.time("seen_at")?,
    })
}

/// The id that a slug is unique under.
fn place_id<P>(place: &Authorized<Anywhere, P>) -> String {
    place
        .project_id()
        .map_or_else(|| place.org_id().to_string(), |project| project.to_string())
}

fn project_or_all<P>(place: &Authorized<Anywhere, P>) -> String {
    place
        .project_id()
        .map(|project| project.to_string())
        .unwrap_or_default()
}

impl SqlTx {
    async fn templates_of(&mut self, org: String, place: String) -> StoreResult<Vec<TemplateRecord>> {
        let rows = query(templates!(
            "WHERE t.org_id = $1 AND t.place_id = $2 ORDER BY t.slug"
        ))
        .bind(org)
        .bind(place)
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter().map(template).collect()
    }

    async fn versions_of(
        &mut self,
        org: String,
        templates: &[TemplateId],
    ) -> StoreResult<Vec<TemplateVersionRecord>> {
        let mut all = Vec::new();
        for id in templates {
            let rows = query(VERSIONS)
                .bind(&org)
                .bind(id.to_string())
                .fetch_all(self.conn())
                .await
                .map_err(map)?;
            for row in &rows {
                all.push(version(row)?);
            }
        }
        Ok(all)
    }
}

#[async_trait]
impl TemplateTx for SqlTx {
    async fn templates(&mut self, place: &Authorized<Anywhere, See>) -> StoreResult<Vec<TemplateRecord>> {
        self.templates_of(place.org_id().to_string(), place_id(place))
            .await
    }

    async fn templates_above(
        &mut self,
        place: &Authorized<Anywhere, See>,
    ) -> StoreResult<Vec<TemplateRecord>> {
        let org = place.org_id().to_string();
        self.templates_of(org.clone(), org).await
    }

    async fn templates_for(&mut self, app: &Authorized<App, See>) -> StoreResult<Vec<TemplateRecord>> {
        let org = app.org_id().to_string();
        let mut all = self.templates_of(org.clone(), org.clone()).await?;
        all.extend(self.templates_of(org, app.project_id().to_string()).await?);
        Ok(all)
    }

    async fn insert_template(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        template: &TemplateRecord,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO templates (id, org_id, project_id, place_id, slug, content, version, standing, notice, created_at, \
             updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(template.id.to_string())
        .bind(place.org_id().to_string())
        .bind(place.project_id().map(|project| project.to_string()))
        .bind(place_id(place))
        .bind(&template.slug)
        .bind(&template.text)
        .bind(template.version)
        .bind(template.standing.key())
        .bind(template.notice.as_ref().map(document).transpose()?)
        .bind(template.created_at.micros())
        .bind(template.updated_at.micros())
        .bind(template.updated_by.as_ref().map(|by| by.id.to_string()))
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn update_template(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        template: &TemplateRecord,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE templates SET content = $5, standing = $6, notice = $7, updated_at = $8, updated_by = $9, \
             version = version + 1 WHERE org_id = $1 AND place_id = $2 AND id = $3 AND version = $4",
        )
        .bind(place.org_id().to_string())
        .bind(place_id(place))
        .bind(template.id.to_string())
        .bind(template.version)
        .bind(&template.text)
        .bind(template.standing.key())
        .bind(template.notice.as_ref().map(document).transpose()?)
        .bind(template.updated_at.micros())
        .bind(template.updated_by.as_ref().map(|by| by.id.to_string()))
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn delete_template(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        id: TemplateId,
        version: i64,
    ) -> StoreResult<()> {
        query(
            "DELETE FROM template_editors WHERE org_id = $1 AND template_id IN \
             (SELECT id FROM templates WHERE org_id = $1 AND place_id = $2 AND id = $3)",
        )
        .bind(place.org_id().to_string())
        .bind(place_id(place))
        .bind(id.to_string())
        .execute(self.conn())
        .await
        .map_err(map)?;
        let done = query(
            "DELETE FROM templates WHERE org_id = $1 AND place_id = $2 AND id = $3 AND version = $4 \
             AND NOT EXISTS (SELECT 1 FROM template_versions v WHERE v.template_id = templates.id)",
        )
        .bind(place.org_id().to_string())
        .bind(place_id(place))
        .bind(id.to_string())
        .bind(version)
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn note_template_editor(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        template: TemplateId,
        who: UserId,
        at: Timestamp,
        since: Timestamp,
    ) -> StoreResult<bool> {
        let known = query(
            "SELECT user_id AS id FROM template_editors \
             WHERE org_id = $1 AND template_id = $2 AND user_id = $3 AND seen_at >= $4",
        )
        .bind(place.org_id().to_string())
        .bind(template.to_string())
        .bind(who.to_string())
        .bind(since.micros())
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        let done = query(
            "INSERT INTO template_editors (template_id, user_id, org_id, seen_at) \
             SELECT t.id, CAST($4 AS TEXT), t.org_id, CAST($5 AS BIGINT) FROM templates t \
             WHERE t.org_id = $1 AND t.place_id = $2 AND t.id = $3 \
             ON CONFLICT (template_id, user_id) DO UPDATE SET seen_at = excluded.seen_at",
        )
        .bind(place.org_id().to_string())
        .bind(place_id(place))
        .bind(template.to_string())
        .bind(who.to_string())
        .bind(at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())?;
        Ok(known.is_none())
    }

    async fn template_editors(
        &mut self,
        place: &Authorized<Anywhere, See>,
        template: TemplateId,
        since: Timestamp,
    ) -> StoreResult<Vec<PersonRef>> {
        let rows = query(
            "SELECT u.id, u.username, u.name FROM template_editors e JOIN users u ON u.id = e.user_id \
             WHERE e.org_id = $1 AND e.template_id = $2 AND e.seen_at >= $3 ORDER BY u.name, u.username",
        )
        .bind(place.org_id().to_string())
        .bind(template.to_string())
        .bind(since.micros())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter().map(editor_of).collect()
    }

    async fn template_versions(
        &mut self,
        place: &Authorized<Anywhere, See>,
        templates: &[TemplateId],
    ) -> StoreResult<Vec<TemplateVersionRecord>> {
        self.versions_of(place.org_id().to_string(), templates).await
    }

    async fn template_versions_for(
        &mut self,
        app: &Authorized<App, See>,
        templates: &[TemplateId],
    ) -> StoreResult<Vec<TemplateVersionRecord>> {
        self.versions_of(app.org_id().to_string(), templates).await
    }

    async fn insert_template_version(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        version: &TemplateVersionRecord,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO template_versions (template_id, version, org_id, content, changelog, published_at, published_by) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(version.template.to_string())
        .bind(&version.version)
        .bind(place.org_id().to_string())
        .bind(&version.text)
        .bind(document(&version.changelog)?)
        .bind(version.published_at.micros())
        .bind(version.published_by.as_ref().map(|by| by.id.to_string()))
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn template_use(&mut self, app: &Authorized<App, See>) -> StoreResult<Option<UseRecord>> {
        let row = query(
            "SELECT app_id AS id, template, version, commit_sha, seen_at FROM template_uses \
             WHERE org_id = $1 AND app_id = $2",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        row.map(|row| used(columns("template_uses", &row))).transpose()
    }

    async fn put_template_use(&mut self, app: &Authorized<App, Modify>, seen: &UseRecord) -> StoreResult<()> {
        let (key, version) = seen
            .used
            .as_ref()
            .map_or(("", ""), |used| (used.key.as_str(), used.version.as_str()));
        query(
            "INSERT INTO template_uses (app_id, org_id, template, version, commit_sha, seen_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (app_id) DO UPDATE SET template = excluded.template, \
             version = excluded.version, commit_sha = excluded.commit_sha, seen_at = excluded.seen_at \
             WHERE template_uses.org_id = excluded.org_id",
        )
        .bind(app.id().to_string())
        .bind(app.org_id().to_string())
        .bind(key)
        .bind(version)
        .bind(&seen.commit)
        .bind(seen.seen_at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn template_uses(
        &mut self,
        place: &Authorized<Anywhere, See>,
        key: &str,
    ) -> StoreResult<Vec<(AppScope, UseRecord)>> {
        let rows = query(uses!("AND t.template = $3"))
            .bind(place.org_id().to_string())
            .bind(project_or_all(place))
            .bind(key)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| Ok((app(row)?, used(columns("template_uses", row))?)))
            .collect()
    }

    async fn all_template_uses(
        &mut self,
        place: &Authorized<Anywhere, See>,
    ) -> StoreResult<Vec<(AppScope, TemplateRef)>> {
        let rows = query(uses!(""))
            .bind(place.org_id().to_string())
            .bind(project_or_all(place))
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        let mut all = Vec::new();
        for row in &rows {
            if let Some(reference) = used(columns("template_uses", row))?.used {
                all.push((app(row)?, reference));
            }
        }
        Ok(all)
    }

    async fn insert_template_upgrade(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        upgrade: &UpgradeRecord,
        steps: &[UpgradeStepRecord],
    ) -> StoreResult<()> {
        self.insert_upgrade(place, upgrade, steps).await
    }

    async fn update_template_upgrade(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        upgrade: &UpgradeRecord,
        was: UpgradeState,
    ) -> StoreResult<()> {
        self.update_upgrade(place, upgrade, was).await
    }

    async fn template_upgrade(
        &mut self,
        place: &Authorized<Anywhere, See>,
        id: UpgradeId,
    ) -> StoreResult<Option<UpgradeRecord>> {
        self.upgrade(place, id).await
    }

    async fn template_upgrades(
        &mut self,
        place: &Authorized<Anywhere, See>,
        key: &str,
        limit: i64,
    ) -> StoreResult<Vec<UpgradeRecord>> {
        self.upgrades(place, key, limit).await
    }

    async fn template_upgrade_steps(
        &mut self,
        place: &Authorized<Anywhere, See>,
        id: UpgradeId,
    ) -> StoreResult<Vec<(AppScope, UpgradeStepRecord, Option<String>)>> {
        self.steps(place, id).await
    }

    async fn next_template_upgrade_step(
        &mut self,
        place: &Authorized<Anywhere, See>,
        id: UpgradeId,
    ) -> StoreResult<Option<UpgradeStepRecord>> {
        self.next_step(place, id).await
    }

    async fn settle_template_upgrade_step(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        id: UpgradeId,
        step: &UpgradeStepRecord,
    ) -> StoreResult<()> {
        self.settle_step(place, id, step).await
    }

    async fn retry_template_upgrade_steps(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        id: UpgradeId,
    ) -> StoreResult<i64> {
        self.retry_steps(place, id).await
    }

    async fn place_of_template_upgrade(&mut self, id: UpgradeId) -> StoreResult<Option<AnyScope>> {
        self.place_of_upgrade(id).await
    }
}
