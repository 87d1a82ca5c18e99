//! Places of every kind.

use crate::connect::SqlTx;
use crate::environment::reference;
use crate::error::{affected, map};
use crate::row::{Columns, columns, document};
use async_trait::async_trait;
use slipway_domain::access::ScopeKind;
use slipway_domain::feature::Features;
use slipway_domain::id::{AppId, EnvironmentId, OrgId};
use slipway_domain::quota::{Quota, QuotaRow, Requests};
use slipway_domain::time::Timestamp;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{App, Authorized, Managed, Org, Project};
use slipway_portal::ports::{AppEdit, PlaceTx, PlacedWorkload, ProjectEdit, StoreResult};
use sqlx::query;

/// The apps of a place: `$1` is its organization, `$2` its project or empty, `$3` its app or empty.
macro_rules! apps {
    () => {
        "(SELECT id FROM apps WHERE org_id = $1 AND ($2 = '' OR project_id = $2) AND ($3 = '' OR id = $3))"
    };
}
/// The projects of a place: none for an app.
macro_rules! projects {
    () => {
        "(SELECT id FROM projects WHERE org_id = $1 AND ($2 = '' OR id = $2) AND $3 = '')"
    };
}
macro_rules! of_apps {
    ($table:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE org_id = $1 AND app_id IN ",
            apps!()
        )
    };
}
macro_rules! of_projects {
    ($table:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE org_id = $1 AND project_id IN ",
            projects!()
        )
    };
}
macro_rules! of_org {
    ($table:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE org_id = $1 AND $2 = '' AND $3 = ''"
        )
    };
}

/// What goes with a place, table by table: what refers to others goes before them. That no table is forgotten is
/// tested below.
const GOES: &[(&str, &str)] = &[
    (
        "promotion_turns",
        concat!(
            "DELETE FROM promotion_turns WHERE promotion_id IN (SELECT id FROM promotions WHERE org_id = $1 AND app_id IN ",
            apps!(),
            ")"
        ),
    ),
    ("decisions", of_apps!("decisions")),
    ("break_glasses", of_apps!("break_glasses")),
    ("holds", of_apps!("holds")),
    ("soaks", of_apps!("soaks")),
    ("freezes", of_apps!("freezes")),
    ("stops", of_apps!("stops")),
    ("deployments", of_apps!("deployments")),
    ("promotions", of_apps!("promotions")),
    ("release_manifests", of_apps!("release_manifests")),
    ("item_releases", of_apps!("item_releases")),
    ("item_commits", of_apps!("item_commits")),
    ("item_marks", of_apps!("item_marks")),
    ("trail_states", of_apps!("trail_states")),
    ("releases", of_apps!("releases")),
    (
        "job_logs",
        concat!(
            "DELETE FROM job_logs WHERE org_id = $1 AND job_id IN (SELECT id FROM jobs WHERE org_id = $1 AND app_id IN ",
            apps!(),
            ")"
        ),
    ),
    ("jobs", of_apps!("jobs")),
    ("runs", of_apps!("runs")),
    (
        "template_upgrade_steps",
        concat!(
            "DELETE FROM template_upgrade_steps WHERE org_id = $1 AND (app_id IN ",
            apps!(),
            " OR ($3 = '' AND upgrade_id IN (SELECT id FROM template_upgrades WHERE org_id = $1 AND ($2 = '' OR project_id = $2))))"
        ),
    ),
    (
        "template_upgrades",
        "DELETE FROM template_upgrades WHERE org_id = $1 AND $3 = '' AND ($2 = '' OR project_id = $2)",
    ),
    ("template_uses", of_apps!("template_uses")),
    (
        "template_versions",
        "DELETE FROM template_versions WHERE org_id = $1 AND $3 = '' AND template_id IN \
         (SELECT id FROM templates WHERE org_id = $1 AND ($2 = '' OR project_id = $2))",
    ),
    (
        "template_editors",
        "DELETE FROM template_editors WHERE org_id = $1 AND $3 = '' AND template_id IN \
         (SELECT id FROM templates WHERE org_id = $1 AND ($2 = '' OR project_id = $2))",
    ),
    (
        "templates",
        "DELETE FROM templates WHERE org_id = $1 AND $3 = '' AND ($2 = '' OR project_id = $2)",
    ),
    ("proposals", of_apps!("proposals")),
    ("mirror_notes", of_apps!("mirror_notes")),
    ("mirror_links", of_apps!("mirror_links")),
    ("mirrors", of_apps!("mirrors")),
    ("forge_snapshots", of_apps!("forge_snapshots")),
    ("pipeline_drafts", of_apps!("pipeline_drafts")),
    ("pipeline_working_copies", of_apps!("pipeline_working_copies")),
    ("pipeline_editors", of_apps!("pipeline_editors")),
    ("webhook_deliveries", of_apps!("webhook_deliveries")),
    ("repository_states", of_apps!("repository_states")),
    (
        "messages",
        "DELETE FROM messages WHERE org_id = $1 AND $3 = '' AND subscriber_id IN \
         (SELECT id FROM subscribers WHERE org_id = $1 AND ($2 = '' OR project_id = $2))",
    ),
    (
        "subscribers",
        "DELETE FROM subscribers WHERE org_id = $1 AND $3 = '' AND ($2 = '' OR project_id = $2)",
    ),
    ("invitations", of_apps!("invitations")),
    ("role_requests", of_apps!("role_requests")),
    ("role_bindings", of_apps!("role_bindings")),
    (
        "old_slugs",
        concat!(
            "DELETE FROM old_slugs WHERE org_id = $1 AND (place_id IN ",
            apps!(),
            " OR place_id IN ",
            projects!(),
            " OR ($2 = '' AND $3 = ''))"
        ),
    ),
    (
        "apps",
        concat!("DELETE FROM apps WHERE org_id = $1 AND id IN ", apps!()),
    ),
    ("item_automations", of_projects!("item_automations")),
    ("item_intakes", of_projects!("item_intakes")),
    ("item_external_keys", of_projects!("item_external_keys")),
    ("item_triggers", of_projects!("item_triggers")),
    // Their objects outside of the database are taken away by a job.
    (
        "shelf_objects",
        concat!(
            "INSERT INTO shelf_objects (object_key, leaving, since) SELECT object_key, 1, 0 FROM item_attachments \
             WHERE org_id = $1 AND object_key IS NOT NULL AND project_id IN ",
            projects!(),
            " ON CONFLICT (object_key) DO UPDATE SET leaving = 1"
        ),
    ),
    ("attachment_contents", of_projects!("attachment_contents")),
    ("item_attachments", of_projects!("item_attachments")),
    ("item_comments", of_projects!("item_comments")),
    ("item_links", of_projects!("item_links")),
    ("item_watchers", of_projects!("item_watchers")),
    (
        "item_events",
        concat!(
            "DELETE FROM item_events WHERE org_id = $1 AND item_id IN (SELECT id FROM items WHERE org_id = $1 AND project_id IN ",
            projects!(),
            ")"
        ),
    ),
    ("items", of_projects!("items")),
    ("iterations", of_projects!("iterations")),
    ("boards", of_projects!("boards")),
    ("saved_views", of_projects!("saved_views")),
    ("item_templates", of_projects!("item_templates")),
    (
        "item_numbers",
        concat!("DELETE FROM item_numbers WHERE project_id IN ", projects!()),
    ),
    (
        "import_items",
        concat!(
            "DELETE FROM import_items WHERE org_id = $1 AND import_id IN (SELECT id FROM imports WHERE org_id = $1 AND project_id IN ",
            projects!(),
            ")"
        ),
    ),
    ("imports", of_projects!("imports")),
    ("quotas", of_projects!("quotas")),
    (
        "api_tokens",
        concat!("DELETE FROM api_tokens WHERE project_id IN ", projects!()),
    ),
    ("delegations", of_projects!("delegations")),
    ("freezes", of_projects!("freezes")),
    ("environments", of_projects!("environments")),
    ("invitations", of_projects!("invitations")),
    ("role_requests", of_projects!("role_requests")),
    ("role_bindings", of_projects!("role_bindings")),
    (
        "projects",
        concat!("DELETE FROM projects WHERE org_id = $1 AND id IN ", projects!()),
    ),
    ("oauth_trips", of_org!("oauth_trips")),
    ("oauth_grants", of_org!("oauth_grants")),
    ("connections", of_org!("connections")),
    ("clusters", of_org!("clusters")),
    ("freezes", of_org!("freezes")),
    ("digests_sent", of_org!("digests_sent")),
    ("mail_servers", of_org!("mail_servers")),
    ("invitations", of_org!("invitations")),
    ("role_requests", of_org!("role_requests")),
    ("role_bindings", of_org!("role_bindings")),
    ("custom_roles", of_org!("custom_roles")),
    (
        "group_members",
        "DELETE FROM group_members WHERE $2 = '' AND $3 = '' AND group_id IN (SELECT id FROM groups WHERE org_id = $1)",
    ),
    ("groups", of_org!("groups")),
];

/// The ids that name a place in the statements above.
fn ids(place: &Managed) -> [String; 3] {
    [
        place.org_id().to_string(),
        place.project_id().map_or_else(String::new, |id| id.to_string()),
        place.app_id().map_or_else(String::new, |id| id.to_string()),
    ]
}

/// Parent, id and slug of a place, as `old_slugs` keeps them.
fn addressed(place: &Managed) -> (String, String, String) {
    match place {
        Managed::Org(org) => (String::new(), org.id().to_string(), org.org.slug.clone()),
        Managed::Project(project) => (
            project.org_id().to_string(),
            project.id().to_string(),
            project.project.slug.clone(),
        ),
        Managed::App(app) => (
            app.project_id().to_string(),
            app.id().to_string(),
            app.app.slug.clone(),
        ),
    }
}

impl SqlTx {
    /// Has a slug lead to no renamed place.
    async fn claim(&mut self, kind: ScopeKind, parent: &str, slug: &str) -> StoreResult<()> {
        query("DELETE FROM old_slugs WHERE kind = $1 AND parent_id = $2 AND slug = $3")
            .bind(kind.key())
            .bind(parent.to_owned())
            .bind(slug.to_owned())
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(())
    }
}

#[async_trait]
impl PlaceTx for SqlTx {
    async fn edit_org(&mut self, org: &Authorized<Org, Modify>, slug: &str, name: &str) -> StoreResult<()> {
        let done = query("UPDATE organizations SET slug = $2, name = $3 WHERE id = $1")
            .bind(org.id().to_string())
            .bind(slug)
            .bind(name)
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn edit_project(
        &mut self,
        project: &Authorized<Project, Modify>,
        edit: &ProjectEdit,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE projects SET first_slug = COALESCE(first_slug, slug), slug = $3, name = $4, description = $5, \
             internal = $6 WHERE org_id = $1 AND id = $2",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(&edit.slug)
        .bind(&edit.name)
        .bind(&edit.description)
        .bind(i64::from(edit.internal))
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn edit_app(&mut self, app: &Authorized<App, Modify>, edit: &AppEdit) -> StoreResult<()> {
        let done = query(
            "UPDATE apps SET first_slug = COALESCE(first_slug, slug), slug = $3, name = $4, description = $5 \
             WHERE org_id = $1 AND id = $2",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(&edit.slug)
        .bind(&edit.name)
        .bind(&edit.description)
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn retire_slug(&mut self, place: &Managed, slug: &str, at: Timestamp) -> StoreResult<()> {
        let (parent, id, old) = addressed(place);
        self.claim(place.kind(), &parent, slug).await?;
        query(
            "INSERT INTO old_slugs (kind, parent_id, slug, place_id, org_id, retired_at) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(place.kind().key())
        .bind(parent)
        .bind(old)
        .bind(id)
        .bind(place.org_id().to_string())
        .bind(at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn claim_org_slug(&mut self, slug: &str) -> StoreResult<()> {
        self.claim(ScopeKind::Org, "", slug).await
    }

    async fn claim_project_slug(&mut self, org: &Authorized<Org, Modify>, slug: &str) -> StoreResult<()> {
        self.claim(ScopeKind::Project, &org.id().to_string(), slug).await
    }

    async fn claim_app_slug(&mut self, project: &Authorized<Project, Modify>, slug: &str) -> StoreResult<()> {
        self.claim(ScopeKind::App, &project.id().to_string(), slug).await
    }

    async fn workload_of(
        &mut self,
        project: &Authorized<Project, See>,
        slug: &str,
        but: Option<AppId>,
    ) -> StoreResult<Option<String>> {
        let row = query(
            "SELECT id, name FROM apps WHERE org_id = $1 AND project_id = $2 AND first_slug = $3 AND id <> $4 LIMIT 1",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(slug)
        .bind(but.map_or_else(String::new, |app| app.to_string()))
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        row.map(|row| columns("apps", &row).text("name")).transpose()
    }

    async fn set_archived(&mut self, place: &Managed, at: Option<Timestamp>) -> StoreResult<()> {
        let [org, project, app] = ids(place);
        let at = at.map(Timestamp::micros);
        let done = match place {
            Managed::Org(_) => query("UPDATE organizations SET archived_at = $2 WHERE id = $1")
                .bind(org)
                .bind(at),
            Managed::Project(_) => {
                query("UPDATE projects SET archived_at = $3 WHERE org_id = $1 AND id = $2")
                    .bind(org)
                    .bind(project)
                    .bind(at)
            }
            Managed::App(_) => query("UPDATE apps SET archived_at = $3 WHERE org_id = $1 AND id = $2")
                .bind(org)
                .bind(app)
                .bind(at),
        }
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn deployed_in(&mut self, place: &Managed) -> StoreResult<Vec<(String, String)>> {
        let [org, project, app] = ids(place);
        let rows = query(concat!(
            "SELECT a.id, a.name AS app_name, e.name AS env_name FROM stops s JOIN apps a ON a.id = s.app_id \
             JOIN environments e ON e.id = s.environment_id \
             WHERE s.org_id = $1 AND s.release_id IS NOT NULL AND (s.health IS NULL OR s.health <> 'missing') \
             AND s.app_id IN ",
            apps!(),
            " ORDER BY a.name, e.position LIMIT 10"
        ))
        .bind(org)
        .bind(project)
        .bind(app)
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("stops", row);
                Ok((c.text("app_name")?, c.text("env_name")?))
            })
            .collect()
    }

    async fn unfinished_in(&mut self, place: &Managed) -> StoreResult<i64> {
        let [org, project, app] = ids(place);
        let row = query(concat!(
            "SELECT COUNT(*) AS open FROM promotions WHERE org_id = $1 AND ended_at IS NULL AND app_id IN ",
            apps!()
        ))
        .bind(org)
        .bind(project)
        .bind(app)
        .fetch_one(self.conn())
        .await
        .map_err(map)?;
        columns("promotions", &row).int("open")
    }

    async fn connected_in(&mut self, place: &Managed) -> StoreResult<Vec<AppId>> {
        let [org, project, app] = ids(place);
        let rows = query(concat!(
            "SELECT id FROM apps WHERE org_id = $1 AND repo_id IS NOT NULL AND id IN ",
            apps!(),
            " ORDER BY id"
        ))
        .bind(org)
        .bind(project)
        .bind(app)
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter().map(|row| columns("apps", row).id("id")).collect()
    }

    async fn delete_place(&mut self, place: &Managed, at: Timestamp) -> StoreResult<()> {
        let [org, project, app] = ids(place);
        for (_, statement) in GOES {
            query(*statement)
                .bind(org.clone())
                .bind(project.clone())
                .bind(app.clone())
                .execute(self.conn())
                .await
                .map_err(map)?;
        }
        if matches!(place, Managed::Org(_)) {
            // The row holds the audit chain; its slug is free again.
            query("UPDATE organizations SET slug = id, deleted_at = $2 WHERE id = $1")
                .bind(org)
                .bind(at.micros())
                .execute(self.conn())
                .await
                .map_err(map)?;
        }
        Ok(())
    }

    async fn audited_orgs(&mut self) -> StoreResult<Vec<(OrgId, String)>> {
        let rows = query("SELECT id, slug FROM organizations ORDER BY slug, id")
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("organizations", row);
                Ok((c.id("id")?, c.text("slug")?))
            })
            .collect()
    }

    async fn set_features(
        &mut self,
        project: &Authorized<Project, Modify>,
        features: Features,
    ) -> StoreResult<()> {
        let done = query("UPDATE projects SET features_off = $3 WHERE org_id = $1 AND id = $2")
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(document(&features)?)
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn quotas(&mut self, project: &Authorized<Project, See>) -> StoreResult<Vec<QuotaRow>> {
        let rows = query(
            "SELECT e.id AS env_id, e.env_key, e.name AS env_name, e.tier, e.position, \
             q.cpu_millis, q.memory_mib, q.pods \
             FROM environments e LEFT JOIN quotas q ON q.environment_id = e.id \
             WHERE e.org_id = $1 AND e.project_id = $2 AND e.removed_at IS NULL ORDER BY e.position, e.id",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("quotas", row);
                Ok(QuotaRow {
                    environment: reference(c)?,
                    quota: limits(c)?,
                    taken: Requests::default(),
                })
            })
            .collect()
    }

    async fn quota(
        &mut self,
        project: &Authorized<Project, See>,
        environment: EnvironmentId,
    ) -> StoreResult<Option<Quota>> {
        let row = query(
            "SELECT cpu_millis, memory_mib, pods FROM quotas \
             WHERE org_id = $1 AND project_id = $2 AND environment_id = $3",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(environment.to_string())
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        row.map(|row| limits(columns("quotas", &row))).transpose()
    }

    async fn workloads(
        &mut self,
        project: &Authorized<Project, See>,
        environment: EnvironmentId,
    ) -> StoreResult<Vec<PlacedWorkload>> {
        let rows = query(
            "SELECT s.app_id, r.workload, CAST(0 AS BIGINT) AS coming FROM stops s JOIN releases r ON r.id = s.release_id \
             WHERE s.org_id = $1 AND s.project_id = $2 AND s.environment_id = $3 \
             UNION ALL \
             SELECT p.app_id, r.workload, CAST(1 AS BIGINT) AS coming FROM promotions p JOIN releases r ON r.id = p.release_id \
             WHERE p.org_id = $1 AND p.project_id = $2 AND p.environment_id = $3 \
             AND p.state IN ('deploying', 'verifying', 'unknown')",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(environment.to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("releases", row);
                Ok(PlacedWorkload {
                    app: c.id("app_id")?,
                    workload: c.json("workload")?,
                    coming: c.int("coming")? == 1,
                })
            })
            .collect()
    }

    async fn set_quota(
        &mut self,
        project: &Authorized<Project, Modify>,
        environment: EnvironmentId,
        quota: &Quota,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO quotas (environment_id, org_id, project_id, cpu_millis, memory_mib, pods) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (environment_id) DO UPDATE SET \
             cpu_millis = excluded.cpu_millis, memory_mib = excluded.memory_mib, pods = excluded.pods",
        )
        .bind(environment.to_string())
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(quota.cpu_millis)
        .bind(quota.memory_mib)
        .bind(quota.pods)
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }
}

fn limits(c: Columns<'_>) -> StoreResult<Quota> {
    Ok(Quota {
        cpu_millis: c.opt_int("cpu_millis")?,
        memory_mib: c.opt_int("memory_mib")?,
        pods: c.opt_int("pods")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SqlStore;
    use sqlx::Row as _;
    use std::collections::BTreeSet;

    /// A table that refers to a place, or to what goes with one, goes too: else the place could not be deleted.
    #[tokio::test]
    async fn no_table_is_forgotten_when_a_place_goes() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("slipway.db").display());
        let store = SqlStore::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        let mut tx = store.reading().await.unwrap();
        let rows = query(
            "SELECT DISTINCT m.name AS name, f.\"table\" AS target FROM sqlite_master m \
             JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'",
        )
        .fetch_all(tx.conn())
        .await
        .unwrap();
        let goes: BTreeSet<&str> = GOES.iter().map(|(table, _)| *table).collect();
        let mut seen = BTreeSet::new();
        for row in rows {
            let (table, target): (String, String) = (row.get("name"), row.get("target"));
            let refers = goes.contains(target.as_str()) || target == "organizations";
            if refers && table != "audit_log" {
                assert!(
                    goes.contains(table.as_str()),
                    "{table} refers to {target} and stays"
                );
            }
            seen.insert(target);
        }
        for target in ["apps", "projects", "organizations", "promotions"] {
            assert!(seen.contains(target), "nothing refers to {target}");
        }
    }
}
