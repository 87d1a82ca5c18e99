//! Places and roles.

use crate::connect::SqlTx;
use crate::error::map;
use crate::member::{MEMBERS, member};
use crate::role::held;
use crate::row::{Columns, columns};
use async_trait::async_trait;
use slipway_domain::access::{Action, Role, ScopeKind};
use slipway_domain::app::AppRef;
use slipway_domain::id::{AppId, OrgId, ProjectId, UserId};
use slipway_domain::member::{Holder, Member};
use slipway_domain::org::OrgRef;
use slipway_domain::person::PersonRef;
use slipway_domain::project::ProjectRef;
use slipway_portal::access::{AppScope, OrgScope, ProjectScope};
use slipway_portal::ports::{AccessTx, Binding, NewBinding, StoreResult};
use sqlx::any::AnyRow;
use sqlx::query;
use std::collections::BTreeMap;

const PROJECT_BY_SLUGS: &str = "SELECT o.id AS org_id, o.slug AS org_slug, o.name AS org_name, p.id AS project_id, \
     p.slug AS project_slug, p.name AS project_name, p.item_key, p.internal \
     FROM projects p JOIN organizations o ON o.id = p.org_id WHERE o.slug = $1 AND p.slug = $2";

const PROJECT_BY_ID: &str = "SELECT o.id AS org_id, o.slug AS org_slug, o.name AS org_name, p.id AS project_id, \
     p.slug AS project_slug, p.name AS project_name, p.item_key, p.internal \
     FROM projects p JOIN organizations o ON o.id = p.org_id WHERE p.id = $1";

const APP_BY_SLUGS: &str = "SELECT o.id AS org_id, o.slug AS org_slug, o.name AS org_name, p.id AS project_id, \
     p.slug AS project_slug, p.name AS project_name, p.item_key, p.internal, \
     a.id AS app_id, a.slug AS app_slug, a.name AS app_name \
     FROM apps a JOIN projects p ON p.id = a.project_id JOIN organizations o ON o.id = p.org_id \
     WHERE o.slug = $1 AND p.slug = $2 AND a.slug = $3";

const APP_BY_ID: &str = "SELECT o.id AS org_id, o.slug AS org_slug, o.name AS org_name, p.id AS project_id, \
     p.slug AS project_slug, p.name AS project_name, p.item_key, p.internal, \
     a.id AS app_id, a.slug AS app_slug, a.name AS app_name \
     FROM apps a JOIN projects p ON p.id = a.project_id JOIN organizations o ON o.id = p.org_id WHERE a.id = $1";

pub(crate) fn org(c: Columns<'_>) -> StoreResult<OrgRef> {
    Ok(OrgRef {
        id: c.id("org_id")?,
        slug: c.text("org_slug")?,
        name: c.text("org_name")?,
    })
}

pub(crate) fn project(row: &AnyRow) -> StoreResult<ProjectScope> {
    let c = columns("projects", row);
    Ok(ProjectScope {
        org: org(c)?,
        project: ProjectRef {
            id: c.id("project_id")?,
            slug: c.text("project_slug")?,
            name: c.text("project_name")?,
            key: c.text("item_key")?,
        },
        internal: c.flag("internal")?,
    })
}

pub(crate) fn app(row: &AnyRow) -> StoreResult<AppScope> {
    let c = columns("apps", row);
    Ok(AppScope {
        within: project(row)?,
        app: AppRef {
            id: c.id("app_id")?,
            slug: c.text("app_slug")?,
            name: c.text("app_name")?,
        },
    })
}

pub(crate) fn person(c: Columns<'_>) -> StoreResult<PersonRef> {
    Ok(PersonRef {
        id: c.id("user_id")?,
        username: c.text("username")?,
        name: c.text("name")?,
    })
}

#[async_trait]
impl AccessTx for SqlTx {
    async fn role_bindings_of(&mut self, user: UserId) -> StoreResult<Vec<Binding>> {
        let rows = query(
            "SELECT b.id, b.org_id, b.project_id, b.app_id, b.role, c.id AS role_id, c.name AS role_name, \
             c.scope AS role_scope, c.actions AS role_actions FROM role_bindings b \
             JOIN users u ON u.id = $1 AND u.deactivated_at IS NULL \
             LEFT JOIN custom_roles c ON c.role_key = b.role \
             WHERE b.user_id = $1 \
             UNION ALL \
             SELECT b.id, b.org_id, b.project_id, b.app_id, b.role, c.id, c.name, c.scope, c.actions \
             FROM group_members m \
             JOIN role_bindings b ON b.group_id = m.group_id \
             JOIN users u ON u.id = m.user_id AND u.deactivated_at IS NULL \
             LEFT JOIN custom_roles c ON c.role_key = b.role \
             WHERE m.user_id = $1",
        )
        .bind(user.to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("role_bindings", row);
                Ok(Binding {
                    org: c.id("org_id")?,
                    project: c.opt_id("project_id")?,
                    app: c.opt_id("app_id")?,
                    role: held(c)?,
                })
            })
            .collect()
    }

    async fn insert_binding(&mut self, new: &NewBinding) -> StoreResult<()> {
        let (user, group) = match new.holder {
            Holder::Person(user) => (Some(user.to_string()), None),
            Holder::Group(group) => (None, Some(group.to_string())),
        };
        query(
            "INSERT INTO role_bindings (id, org_id, project_id, app_id, user_id, group_id, role, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        )
        .bind(new.id.to_string())
        .bind(new.binding.org.to_string())
        .bind(new.binding.project.map(|p| p.to_string()))
        .bind(new.binding.app.map(|a| a.to_string()))
        .bind(user)
        .bind(group)
        .bind(new.binding.role.key())
        .bind(new.at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn find_org(&mut self, slug: &str) -> StoreResult<Option<OrgScope>> {
        let row = query(
            "SELECT id AS org_id, slug AS org_slug, name AS org_name FROM organizations WHERE slug = $1",
        )
        .bind(slug)
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        row.map(|row| {
            Ok(OrgScope {
                org: org(columns("organizations", &row))?,
            })
        })
        .transpose()
    }

    async fn find_project(&mut self, org: &str, slug: &str) -> StoreResult<Option<ProjectScope>> {
        let row = query(PROJECT_BY_SLUGS)
            .bind(org)
            .bind(slug)
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(project).transpose()
    }

    async fn find_project_by_id(&mut self, id: ProjectId) -> StoreResult<Option<ProjectScope>> {
        let row = query(PROJECT_BY_ID)
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(project).transpose()
    }

    async fn find_app(&mut self, org: &str, project: &str, slug: &str) -> StoreResult<Option<AppScope>> {
        let row = query(APP_BY_SLUGS)
            .bind(org)
            .bind(project)
            .bind(slug)
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(app).transpose()
    }

    async fn find_app_by_id(&mut self, id: AppId) -> StoreResult<Option<AppScope>> {
        let row = query(APP_BY_ID)
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(app).transpose()
    }

    async fn granters(
        &mut self,
        org: OrgId,
        project: Option<ProjectId>,
        action: Action,
    ) -> StoreResult<Vec<String>> {
        let managing = if action == Action::OrgManage {
            Action::OrgManage
        } else {
            Action::ProjectManage
        };
        let mut names = Vec::new();
        for member in self.members(org, project).await? {
            if member.role.actions().has(managing) && !names.contains(&member.person.name) {
                names.push(member.person.name);
            }
        }
        names.truncate(5);
        Ok(names)
    }

    async fn members(&mut self, org: OrgId, project: Option<ProjectId>) -> StoreResult<Vec<Member>> {
        let rows = query(MEMBERS)
            .bind(org.to_string())
            .bind(project.map_or_else(String::new, |p| p.to_string()))
            .bind(String::new())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        let here = if project.is_some() {
            ScopeKind::Project
        } else {
            ScopeKind::Org
        };
        rows.iter()
            .map(|row| member(columns("role_bindings", row), here))
            .collect()
    }

    async fn holders(
        &mut self,
        org: OrgId,
        project: ProjectId,
        role: Role,
    ) -> StoreResult<BTreeMap<UserId, PersonRef>> {
        let rows = query(
            "SELECT u.id AS user_id, u.username, u.name FROM role_bindings b \
             JOIN users u ON u.id = b.user_id AND u.deactivated_at IS NULL \
             WHERE b.org_id = $1 AND b.app_id IS NULL AND (b.project_id IS NULL OR b.project_id = $2) AND b.role = $3 \
             UNION \
             SELECT u.id AS user_id, u.username, u.name FROM role_bindings b \
             JOIN group_members m ON m.group_id = b.group_id \
             JOIN users u ON u.id = m.user_id AND u.deactivated_at IS NULL \
             WHERE b.org_id = $1 AND b.app_id IS NULL AND (b.project_id IS NULL OR b.project_id = $2) AND b.role = $3",
        )
        .bind(org.to_string())
        .bind(project.to_string())
        .bind(role.key())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let found = person(columns("users", row))?;
                Ok((found.id, found))
            })
            .collect()
    }
}
