//! Applications.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::{columns, document};
use async_trait::async_trait;
use slipway_domain::app::{LaneStop, Repository};
use slipway_domain::id::{AppId, ConnectionId};
use slipway_domain::release::Workload;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{App, Authorized, Project};
use slipway_portal::ports::{AppTx, NewApp, RepositoryLink, StoreResult};
use sqlx::query;

#[async_trait]
impl AppTx for SqlTx {
    async fn insert_app(&mut self, project: &Authorized<Project, Modify>, app: &NewApp) -> StoreResult<()> {
        query(
            "INSERT INTO apps (id, org_id, project_id, slug, name, description, workload, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(app.id.to_string())
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(&app.slug)
        .bind(&app.name)
        .bind(&app.description)
        .bind(document(&app.workload)?)
        .bind(app.at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn app_detail(
        &mut self,
        app: &Authorized<App, See>,
    ) -> StoreResult<(String, Option<RepositoryLink>, Workload)> {
        let row = query(
            "SELECT a.id, a.description, a.workload, a.connection_id, a.repo_id, a.repo_path, a.repo_branch, \
             a.repo_url, a.hook_id, a.hook_secret, c.name AS connection_name \
             FROM apps a LEFT JOIN connections c ON c.id = a.connection_id \
             WHERE a.org_id = $1 AND a.id = $2",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .fetch_one(self.conn())
        .await
        .map_err(map)?;
        let c = columns("apps", &row);
        let link = match (c.opt_id::<ConnectionId>("connection_id")?, c.opt_int("repo_id")?) {
            (Some(connection), Some(project_id)) => Some(RepositoryLink {
                connection,
                repository: Repository {
                    connection: c.opt_text("connection_name")?.unwrap_or_default(),
                    project_id,
                    path: c.opt_text("repo_path")?.unwrap_or_default(),
                    default_branch: c.opt_text("repo_branch")?,
                    web_url: c.opt_text("repo_url")?.unwrap_or_default(),
                },
                hook_id: c.opt_int("hook_id")?,
                hook_secret: c.opt_text("hook_secret")?,
            }),
            _ => None,
        };
        Ok((c.text("description")?, link, c.json("workload")?))
    }

    async fn app_lane(&mut self, app: &Authorized<App, See>) -> StoreResult<Vec<LaneStop>> {
        crate::lane::lane(self, app).await
    }

    async fn set_repository(
        &mut self,
        app: &Authorized<App, Modify>,
        link: &RepositoryLink,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE apps SET connection_id = $3, repo_id = $4, repo_path = $5, repo_branch = $6, repo_url = $7, \
             hook_id = $8, hook_secret = $9 WHERE org_id = $1 AND id = $2",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(link.connection.to_string())
        .bind(link.repository.project_id)
        .bind(&link.repository.path)
        .bind(&link.repository.default_branch)
        .bind(&link.repository.web_url)
        .bind(link.hook_id)
        .bind(&link.hook_secret)
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn set_workload(&mut self, app: &Authorized<App, Modify>, workload: &Workload) -> StoreResult<()> {
        let done = query("UPDATE apps SET workload = $3 WHERE org_id = $1 AND id = $2")
            .bind(app.org_id().to_string())
            .bind(app.id().to_string())
            .bind(document(workload)?)
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn apps_of_repository(
        &mut self,
        connection: ConnectionId,
        project_id: i64,
    ) -> StoreResult<Vec<AppId>> {
        let rows = query("SELECT id FROM apps WHERE connection_id = $1 AND repo_id = $2 ORDER BY id")
            .bind(connection.to_string())
            .bind(project_id)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(|row| columns("apps", row).id("id")).collect()
    }

    async fn repositories_in_use(&mut self, connection: ConnectionId) -> StoreResult<Vec<(i64, AppId)>> {
        let rows = query(
            "SELECT id, repo_id FROM apps WHERE connection_id = $1 AND repo_id IS NOT NULL ORDER BY repo_id, id",
        )
        .bind(connection.to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("apps", row);
                Ok((c.int("repo_id")?, c.id("id")?))
            })
            .collect()
    }

    async fn connected_apps(&mut self) -> StoreResult<Vec<AppId>> {
        let rows = query("SELECT id FROM apps WHERE repo_id IS NOT NULL ORDER BY id")
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(|row| columns("apps", row).id("id")).collect()
    }
}
