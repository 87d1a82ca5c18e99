//! Organizations and projects.

use crate::access::{org, org_columns, project_columns, project_ref};
use crate::connect::SqlTx;
use crate::error::map;
use crate::row::columns;
use async_trait::async_trait;
use slipway_domain::environment::{EnvironmentRef, Tier};
use slipway_domain::org::{OrgRef, ProjectCard};
use slipway_domain::project::GridRow;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{Authorized, Org, Project};
use slipway_portal::ports::{NewOrg, NewProject, OrgTx, ProjectTx, StoreResult};
use sqlx::query;

#[async_trait]
impl OrgTx for SqlTx {
    async fn insert_org(&mut self, org: &NewOrg) -> StoreResult<()> {
        query("INSERT INTO organizations (id, slug, name, created_at) VALUES ($1, $2, $3, $4)")
            .bind(org.id.to_string())
            .bind(&org.slug)
            .bind(&org.name)
            .bind(org.at.micros())
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(())
    }

    async fn orgs(&mut self) -> StoreResult<Vec<OrgRef>> {
        let rows = query(concat!(
            "SELECT ",
            org_columns!(),
            " FROM organizations o WHERE o.deleted_at IS NULL ORDER BY o.name, o.id"
        ))
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| org(columns("organizations", row)))
            .collect()
    }

    async fn projects(&mut self, org: &Authorized<Org, See>) -> StoreResult<Vec<ProjectCard>> {
        let rows = query(concat!(
            "SELECT ",
            project_columns!(),
            ", p.description, \
             (SELECT COUNT(*) FROM apps a WHERE a.project_id = p.id AND a.archived_at IS NULL) AS apps \
             FROM projects p WHERE p.org_id = $1 ORDER BY p.name, p.id"
        ))
        .bind(org.id().to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("projects", row);
                Ok(ProjectCard {
                    project: project_ref(c)?,
                    description: c.text("description")?,
                    apps: c.int("apps")?,
                    internal: c.flag("internal")?,
                })
            })
            .collect()
    }
}

#[async_trait]
impl ProjectTx for SqlTx {
    async fn insert_project(
        &mut self,
        org: &Authorized<Org, Modify>,
        project: &NewProject,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO projects (id, org_id, slug, item_key, name, description, internal, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(project.id.to_string())
        .bind(org.id().to_string())
        .bind(&project.slug)
        .bind(&project.key)
        .bind(&project.name)
        .bind(&project.description)
        .bind(i64::from(project.internal))
        .bind(project.at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn project_chain(
        &mut self,
        project: &Authorized<Project, See>,
    ) -> StoreResult<(String, Vec<EnvironmentRef>)> {
        let row = query("SELECT id, description FROM projects WHERE org_id = $1 AND id = $2")
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .fetch_one(self.conn())
            .await
            .map_err(map)?;
        let description = columns("projects", &row).text("description")?;
        let rows = query(
            "SELECT id, env_key, name, tier, position FROM environments \
             WHERE org_id = $1 AND project_id = $2 AND removed_at IS NULL ORDER BY position, id",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        let chain = rows
            .iter()
            .map(|row| {
                let c = columns("environments", row);
                Ok(EnvironmentRef {
                    id: c.id("id")?,
                    key: c.text("env_key")?,
                    name: c.text("name")?,
                    tier: c.key("tier", Tier::from_key)?,
                    position: c.int("position")?,
                })
            })
            .collect::<StoreResult<_>>()?;
        Ok((description, chain))
    }

    async fn project_grid(&mut self, project: &Authorized<Project, See>) -> StoreResult<Vec<GridRow>> {
        crate::lane::grid(self, project).await
    }
}
