//! Roles as they are held at a place.

use crate::access::person;
use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::role::held;
use crate::row::{Columns, columns};
use async_trait::async_trait;
use slipway_domain::access::{Role, ScopeKind};
use slipway_domain::group::GroupRef;
use slipway_domain::id::{AppId, BindingId, GroupId, OrgId, ProjectId, UserId};
use slipway_domain::member::{GroupHolding, Holder, Member};
use slipway_domain::person::PersonRef;
use slipway_domain::role::HeldRole;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{Anywhere, Authorized, Org};
use slipway_portal::ports::{HeldBinding, MemberTx, StoreResult};
use sqlx::query;

/// Roles of people at an organization ($1), a project ($2; empty: none) and an app ($3), or above.
pub(crate) const MEMBERS: &str = "SELECT b.id, b.project_id, b.app_id, b.role, c.id AS role_id, c.name AS role_name, \
     c.scope AS role_scope, c.actions AS role_actions, u.id AS user_id, u.username, u.name, \
     g.id AS group_id, g.name AS group_name \
     FROM role_bindings b \
     LEFT JOIN groups g ON g.id = b.group_id \
     LEFT JOIN group_members m ON m.group_id = b.group_id \
     JOIN users u ON u.id = COALESCE(b.user_id, m.user_id) AND u.deactivated_at IS NULL \
     LEFT JOIN custom_roles c ON c.role_key = b.role \
     WHERE b.org_id = $1 AND (b.project_id IS NULL OR b.project_id = $2) AND (b.app_id IS NULL OR b.app_id = $3) \
     ORDER BY u.name, u.id, b.app_id IS NULL, b.project_id IS NULL, b.role, b.id";

const GROUPS: &str = "SELECT b.id, b.project_id, b.app_id, b.role, c.id AS role_id, c.name AS role_name, \
     c.scope AS role_scope, c.actions AS role_actions, g.id AS group_id, g.name AS group_name, \
     (SELECT COUNT(*) FROM group_members m JOIN users u ON u.id = m.user_id AND u.deactivated_at IS NULL \
     WHERE m.group_id = g.id) AS people \
     FROM role_bindings b JOIN groups g ON g.id = b.group_id \
     LEFT JOIN custom_roles c ON c.role_key = b.role \
     WHERE b.org_id = $1 AND (b.project_id IS NULL OR b.project_id = $2) AND (b.app_id IS NULL OR b.app_id = $3) \
     ORDER BY g.name, g.id, b.role, b.id";

/// The one held right at a place: under an id, at a project or at none, at an app or at none.
const BINDING: &str = "SELECT b.id, b.role, b.user_id, b.group_id, COALESCE(u.name, g.name) AS holder, c.id AS role_id, \
     c.name AS role_name, c.scope AS role_scope, c.actions AS role_actions \
     FROM role_bindings b LEFT JOIN users u ON u.id = b.user_id LEFT JOIN groups g ON g.id = b.group_id \
     LEFT JOIN custom_roles c ON c.role_key = b.role \
     WHERE b.org_id = $1 AND COALESCE(b.project_id, '') = $2 AND COALESCE(b.app_id, '') = $3 AND b.id = $4";

const PEOPLE: &str = "SELECT u.id AS user_id, u.username, u.name FROM users u \
     WHERE u.deactivated_at IS NULL AND u.bot_of IS NULL AND u.id IN ( \
     SELECT b.user_id FROM role_bindings b WHERE b.org_id = $1 AND b.user_id IS NOT NULL \
     UNION SELECT m.user_id FROM group_members m JOIN groups g ON g.id = m.group_id WHERE g.org_id = $1) \
     ORDER BY u.name, u.id";

const PERSON: &str = "SELECT u.id AS user_id, u.username, u.name FROM users u WHERE u.username = $2 AND u.id IN ( \
     SELECT b.user_id FROM role_bindings b WHERE b.org_id = $1 AND b.user_id IS NOT NULL \
     UNION SELECT m.user_id FROM group_members m JOIN groups g ON g.id = m.group_id WHERE g.org_id = $1)";

const ORGS: &str = "SELECT b.org_id FROM role_bindings b WHERE b.user_id = $1 \
     UNION SELECT g.org_id FROM group_members m JOIN groups g ON g.id = m.group_id WHERE m.user_id = $1";

const OWNERS: &str = "SELECT COUNT(DISTINCT u.id) AS owners FROM role_bindings b \
     LEFT JOIN group_members m ON m.group_id = b.group_id \
     JOIN users u ON u.id = COALESCE(b.user_id, m.user_id) AND u.deactivated_at IS NULL \
     WHERE b.org_id = $1 AND b.project_id IS NULL AND b.role = $2";

/// The kind of place that the binding stands at.
fn level(c: Columns<'_>) -> StoreResult<ScopeKind> {
    let project: Option<ProjectId> = c.opt_id("project_id")?;
    let app: Option<AppId> = c.opt_id("app_id")?;
    Ok(match (project, app) {
        (None, _) => ScopeKind::Org,
        (Some(_), None) => ScopeKind::Project,
        (Some(_), Some(_)) => ScopeKind::App,
    })
}

fn group(c: Columns<'_>) -> StoreResult<Option<GroupRef>> {
    let Some(id) = c.opt_id("group_id")? else {
        return Ok(None);
    };
    Ok(Some(GroupRef {
        id,
        name: c.text("group_name")?,
    }))
}

/// A row of [`MEMBERS`], asked for at a place of kind `here`.
pub(crate) fn member(c: Columns<'_>, here: ScopeKind) -> StoreResult<Member> {
    let at = level(c)?;
    Ok(Member {
        binding: c.id("id")?,
        person: person(c)?,
        role: held(c)?,
        at,
        inherited: at != here,
        via: group(c)?,
    })
}

/// The ids of a place as [`MEMBERS`] and [`BINDING`] want them.
fn ids<P>(place: &Authorized<Anywhere, P>) -> (String, String, String) {
    let text = |id: Option<String>| id.unwrap_or_default();
    (
        place.org_id().to_string(),
        text(place.project_id().map(|p| p.to_string())),
        text(place.app_id().map(|a| a.to_string())),
    )
}

#[async_trait]
impl MemberTx for SqlTx {
    async fn members_at(&mut self, place: &Authorized<Anywhere, See>) -> StoreResult<Vec<Member>> {
        let (org, project, app) = ids(place);
        let rows = query(MEMBERS)
            .bind(org)
            .bind(project)
            .bind(app)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| member(columns("role_bindings", row), place.kind()))
            .collect()
    }

    async fn groups_at(&mut self, place: &Authorized<Anywhere, See>) -> StoreResult<Vec<GroupHolding>> {
        let (org, project, app) = ids(place);
        let rows = query(GROUPS)
            .bind(org)
            .bind(project)
            .bind(app)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("role_bindings", row);
                let at = level(c)?;
                Ok(GroupHolding {
                    binding: c.id("id")?,
                    group: GroupRef {
                        id: c.id("group_id")?,
                        name: c.text("group_name")?,
                    },
                    role: held(c)?,
                    at,
                    inherited: at != place.kind(),
                    people: c.int("people")?,
                })
            })
            .collect()
    }

    async fn people_of_org(&mut self, org: &Authorized<Org, See>) -> StoreResult<Vec<PersonRef>> {
        let rows = query(PEOPLE)
            .bind(org.id().to_string())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(|row| person(columns("users", row))).collect()
    }

    async fn person_of_org(
        &mut self,
        org: &Authorized<Org, See>,
        username: &str,
    ) -> StoreResult<Option<PersonRef>> {
        let row = query(PERSON)
            .bind(org.id().to_string())
            .bind(username)
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.map(|row| person(columns("users", &row))).transpose()
    }

    async fn has_app_inside(&mut self, place: &Authorized<Anywhere, See>, user: UserId) -> StoreResult<bool> {
        let (org, project, _) = ids(place);
        let row = query(
            "SELECT COUNT(*) AS inside FROM role_bindings b LEFT JOIN group_members m ON m.group_id = b.group_id \
             WHERE b.org_id = $1 AND b.project_id = $2 AND b.app_id IS NOT NULL \
             AND COALESCE(b.user_id, m.user_id) = $3",
        )
        .bind(org)
        .bind(project)
        .bind(user.to_string())
        .fetch_one(self.conn())
        .await
        .map_err(map)?;
        columns("role_bindings", &row).flag("inside")
    }

    async fn binding(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        id: BindingId,
    ) -> StoreResult<Option<HeldBinding>> {
        let (org, project, app) = ids(place);
        let row = query(BINDING)
            .bind(org)
            .bind(project)
            .bind(app)
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.map(|row| {
            let c = columns("role_bindings", &row);
            let holder = match c.opt_id("group_id")? {
                Some(group) => Holder::Group(group),
                None => Holder::Person(c.id("user_id")?),
            };
            Ok(HeldBinding {
                id,
                holder,
                name: c.text("holder")?,
                role: held(c)?,
            })
        })
        .transpose()
    }

    async fn delete_binding(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        id: BindingId,
    ) -> StoreResult<()> {
        let (org, project, app) = ids(place);
        let done = query(
            "DELETE FROM role_bindings \
             WHERE org_id = $1 AND COALESCE(project_id, '') = $2 AND COALESCE(app_id, '') = $3 AND id = $4",
        )
        .bind(org)
        .bind(project)
        .bind(app)
        .bind(id.to_string())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn roles_within(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        user: UserId,
    ) -> StoreResult<Vec<HeldRole>> {
        let (org, project, app) = ids(place);
        let rows = query(
            "SELECT b.id, b.role, c.id AS role_id, c.name AS role_name, c.scope AS role_scope, c.actions AS role_actions \
             FROM role_bindings b LEFT JOIN custom_roles c ON c.role_key = b.role \
             WHERE b.org_id = $1 AND ($2 = '' OR b.project_id = $2) AND ($3 = '' OR b.app_id = $3) AND b.user_id = $4",
        )
        .bind(org)
        .bind(project)
        .bind(app)
        .bind(user.to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| held(columns("role_bindings", row)))
            .collect()
    }

    async fn delete_roles_within(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        user: UserId,
    ) -> StoreResult<u64> {
        let (org, project, app) = ids(place);
        let done = query(
            "DELETE FROM role_bindings \
             WHERE org_id = $1 AND ($2 = '' OR project_id = $2) AND ($3 = '' OR app_id = $3) AND user_id = $4",
        )
        .bind(org)
        .bind(project)
        .bind(app)
        .bind(user.to_string())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(done.rows_affected())
    }

    async fn groups_of(&mut self, org: OrgId, user: UserId) -> StoreResult<Vec<GroupRef>> {
        let rows = query(
            "SELECT g.id AS group_id, g.name AS group_name FROM groups g JOIN group_members m ON m.group_id = g.id \
             WHERE g.org_id = $1 AND m.user_id = $2 ORDER BY g.name, g.id",
        )
        .bind(org.to_string())
        .bind(user.to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        let groups = rows.iter().map(|row| group(columns("groups", row)));
        groups.filter_map(Result::transpose).collect()
    }

    async fn roles_of_group(&mut self, org: OrgId, group: GroupId) -> StoreResult<Vec<HeldRole>> {
        let rows = query(
            "SELECT b.id, b.role, c.id AS role_id, c.name AS role_name, c.scope AS role_scope, c.actions AS role_actions \
             FROM role_bindings b LEFT JOIN custom_roles c ON c.role_key = b.role \
             WHERE b.org_id = $1 AND b.group_id = $2",
        )
        .bind(org.to_string())
        .bind(group.to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| held(columns("role_bindings", row)))
            .collect()
    }

    async fn lock_org(&mut self, org: OrgId) -> StoreResult<()> {
        // The row that the audit chain locks as well: one order of locks for everybody.
        let done = query("UPDATE organizations SET audit_seq = audit_seq WHERE id = $1")
            .bind(org.to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn owners(&mut self, org: OrgId) -> StoreResult<i64> {
        let row = query(OWNERS)
            .bind(org.to_string())
            .bind(Role::OrgOwner.key())
            .fetch_one(self.conn())
            .await
            .map_err(map)?;
        columns("role_bindings", &row).int("owners")
    }

    async fn orgs_of(&mut self, user: UserId) -> StoreResult<Vec<OrgId>> {
        let rows = query(ORGS)
            .bind(user.to_string())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| columns("role_bindings", row).id("org_id"))
            .collect()
    }
}
