//! Places and roles.

use crate::connect::SqlTx;
use crate::error::map;
use crate::member::{MEMBERS, member};
use crate::role::held;
use crate::row::{Columns, columns};
use async_trait::async_trait;
use slipway_domain::access::{Action, ScopeKind};
use slipway_domain::app::AppRef;
use slipway_domain::id::{AppId, OrgId, ProjectId, UserId};
use slipway_domain::member::{Holder, Member};
use slipway_domain::org::OrgRef;
use slipway_domain::person::PersonRef;
use slipway_domain::project::ProjectRef;
use slipway_portal::access::may::See;
use slipway_portal::access::{App, AppScope, Authorized, OrgScope, ProjectScope, WorkloadNames};
use slipway_portal::ports::{AccessTx, Binding, NewBinding, StoreResult};
use sqlx::any::AnyRow;
use sqlx::query;
use std::collections::BTreeMap;

/// The columns that an organization is read from, by [`org`].
macro_rules! org_columns {
    () => {
        "o.id AS org_id, o.slug AS org_slug, o.name AS org_name, o.archived_at AS org_archived_at"
    };
}
/// The columns that a project is read from, by [`project_ref`].
macro_rules! project_columns {
    () => {
        "p.id AS project_id, p.slug AS project_slug, p.name AS project_name, p.item_key, p.internal, \
         p.archived_at AS project_archived_at, p.features_off, COALESCE(p.first_slug, p.slug) AS part_of"
    };
}
/// The columns that an app is read from, by [`app_ref`].
macro_rules! app_columns {
    () => {
        "a.id AS app_id, a.slug AS app_slug, a.name AS app_name, a.archived_at AS app_archived_at, \
         COALESCE(a.first_slug, a.slug) AS workload_name"
    };
}
pub(crate) use {app_columns, org_columns, project_columns};

macro_rules! of_org {
    ($where:literal) => {
        concat!(
            "SELECT ",
            org_columns!(),
            " FROM organizations o WHERE o.deleted_at IS NULL AND ",
            $where
        )
    };
}
macro_rules! of_project {
    ($where:literal) => {
        concat!(
            "SELECT ",
            org_columns!(),
            ", ",
            project_columns!(),
            " FROM projects p JOIN organizations o ON o.id = p.org_id WHERE ",
            $where
        )
    };
}
macro_rules! of_app {
    ($where:literal) => {
        concat!(
            "SELECT ", org_columns!(), ", ", project_columns!(), ", ", app_columns!(),
            " FROM apps a JOIN projects p ON p.id = a.project_id JOIN organizations o ON o.id = p.org_id WHERE ",
            $where
        )
    };
}

const ORG_BY_SLUG: &str = of_org!("o.slug = $1");
const PROJECT_BY_SLUGS: &str = of_project!("o.slug = $1 AND p.slug = $2");
const PROJECT_BY_ID: &str = of_project!("p.id = $1");
const APP_BY_SLUGS: &str = of_app!("o.slug = $1 AND p.slug = $2 AND a.slug = $3");
const APP_BY_ID: &str = of_app!("a.id = $1");

// By slugs of which some are old. Asked only where the slugs as they are now find nothing.
const ORG_BY_OLD_SLUG: &str =
    of_org!("o.id = (SELECT place_id FROM old_slugs WHERE kind = 'org' AND parent_id = '' AND slug = $1)");
const PROJECT_BY_OLD_SLUGS: &str = of_project!(
    "o.id IN (SELECT id FROM organizations WHERE slug = $1 UNION ALL \
         SELECT place_id FROM old_slugs WHERE kind = 'org' AND parent_id = '' AND slug = $1) \
     AND p.id IN (SELECT id FROM projects WHERE org_id = o.id AND slug = $2 UNION ALL \
         SELECT place_id FROM old_slugs WHERE kind = 'project' AND parent_id = o.id AND slug = $2)"
);
const APP_BY_OLD_SLUGS: &str = of_app!(
    "o.id IN (SELECT id FROM organizations WHERE slug = $1 UNION ALL \
         SELECT place_id FROM old_slugs WHERE kind = 'org' AND parent_id = '' AND slug = $1) \
     AND p.id IN (SELECT id FROM projects WHERE org_id = o.id AND slug = $2 UNION ALL \
         SELECT place_id FROM old_slugs WHERE kind = 'project' AND parent_id = o.id AND slug = $2) \
     AND a.id IN (SELECT id FROM apps WHERE project_id = p.id AND slug = $3 UNION ALL \
         SELECT place_id FROM old_slugs WHERE kind = 'app' AND parent_id = p.id AND slug = $3)"
);

pub(crate) fn org(c: Columns<'_>) -> StoreResult<OrgRef> {
    Ok(OrgRef {
        id: c.id("org_id")?,
        slug: c.text("org_slug")?,
        name: c.text("org_name")?,
        archived: c.opt_int("org_archived_at")?.is_some(),
    })
}

pub(crate) fn project_ref(c: Columns<'_>) -> StoreResult<ProjectRef> {
    Ok(ProjectRef {
        id: c.id("project_id")?,
        slug: c.text("project_slug")?,
        name: c.text("project_name")?,
        key: c.text("item_key")?,
        archived: c.opt_int("project_archived_at")?.is_some(),
        features: c.json("features_off")?,
    })
}

pub(crate) fn app_ref(c: Columns<'_>) -> StoreResult<AppRef> {
    Ok(AppRef {
        id: c.id("app_id")?,
        slug: c.text("app_slug")?,
        name: c.text("app_name")?,
        archived: c.opt_int("app_archived_at")?.is_some(),
    })
}

fn org_scope(row: &AnyRow) -> StoreResult<OrgScope> {
    Ok(OrgScope {
        org: org(columns("organizations", row))?,
    })
}

pub(crate) fn project(row: &AnyRow) -> StoreResult<ProjectScope> {
    let c = columns("projects", row);
    Ok(ProjectScope {
        org: org(c)?,
        project: project_ref(c)?,
        internal: c.flag("internal")?,
    })
}

pub(crate) fn app(row: &AnyRow) -> StoreResult<AppScope> {
    let c = columns("apps", row);
    Ok(AppScope {
        within: project(row)?,
        app: app_ref(c)?,
        workload: WorkloadNames {
            name: c.text("workload_name")?,
            part_of: c.text("part_of")?,
        },
    })
}

impl SqlTx {
    /// The row of the first of the statements that finds one; all take the same slugs.
    async fn by_slugs(
        &mut self,
        statements: [&'static str; 2],
        slugs: &[&str],
    ) -> StoreResult<Option<AnyRow>> {
        for statement in statements {
            let mut asked = query(statement);
            for slug in slugs {
                asked = asked.bind((*slug).to_owned());
            }
            let row = asked.fetch_optional(self.conn()).await.map_err(map)?;
            if row.is_some() {
                return Ok(row);
            }
        }
        Ok(None)
    }
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
        let row = self.by_slugs([ORG_BY_SLUG, ORG_BY_OLD_SLUG], &[slug]).await?;
        row.as_ref().map(org_scope).transpose()
    }

    async fn find_project(&mut self, org: &str, slug: &str) -> StoreResult<Option<ProjectScope>> {
        let row = self
            .by_slugs([PROJECT_BY_SLUGS, PROJECT_BY_OLD_SLUGS], &[org, slug])
            .await?;
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
        let row = self
            .by_slugs([APP_BY_SLUGS, APP_BY_OLD_SLUGS], &[org, project, slug])
            .await?;
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

    async fn owners_of(&mut self, app: &Authorized<App, See>) -> StoreResult<Vec<UserId>> {
        let rows = query(
            "SELECT DISTINCT u.id FROM role_bindings b \
             LEFT JOIN group_members m ON m.group_id = b.group_id \
             JOIN users u ON u.id = COALESCE(b.user_id, m.user_id) AND u.deactivated_at IS NULL AND u.bot_of IS NULL \
             WHERE b.org_id = $1 AND (b.role = 'org.owner' OR (b.role = 'project.owner' AND b.project_id = $2) \
             OR (b.role = 'app.owner' AND b.app_id = $3)) ORDER BY u.id",
        )
        .bind(app.org_id().to_string())
        .bind(app.project_id().to_string())
        .bind(app.id().to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter().map(|row| columns("users", row).id("id")).collect()
    }

    async fn holders(
        &mut self,
        org: OrgId,
        project: ProjectId,
        role: &str,
    ) -> StoreResult<BTreeMap<UserId, PersonRef>> {
        let rows = query(
            "SELECT u.id AS user_id, u.username, u.name FROM role_bindings b \
             JOIN users u ON u.id = b.user_id AND u.deactivated_at IS NULL AND u.bot_of IS NULL \
             WHERE b.org_id = $1 AND b.app_id IS NULL AND (b.project_id IS NULL OR b.project_id = $2) AND b.role = $3 \
             UNION \
             SELECT u.id AS user_id, u.username, u.name FROM role_bindings b \
             JOIN group_members m ON m.group_id = b.group_id \
             JOIN users u ON u.id = m.user_id AND u.deactivated_at IS NULL AND u.bot_of IS NULL \
             WHERE b.org_id = $1 AND b.app_id IS NULL AND (b.project_id IS NULL OR b.project_id = $2) AND b.role = $3",
        )
        .bind(org.to_string())
        .bind(project.to_string())
        .bind(role)
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
