//! Roles that organizations make, and reading any role of a binding.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::{Columns, columns, document};
use async_trait::async_trait;
use slipway_domain::access::{Role, ScopeKind};
use slipway_domain::id::{OrgId, RoleId};
use slipway_domain::role::{CustomRole, HeldRole, custom_key};
use slipway_domain::time::Timestamp;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{Authorized, Org};
use slipway_portal::ports::{RoleRecord, RoleTx, StoreResult};
use sqlx::query;

/// The role of a row that has `role` and, from `custom_roles`, `role_id`, `role_name`, `role_scope` and
/// `role_actions`.
pub(crate) fn held(c: Columns<'_>) -> StoreResult<HeldRole> {
    match c.opt_id("role_id")? {
        Some(id) => Ok(HeldRole::Custom(CustomRole {
            id,
            name: c.text("role_name")?,
            scope: c.key("role_scope", ScopeKind::from_key)?,
            actions: c.json("role_actions")?,
        })),
        None => c.key("role", Role::from_key).map(HeldRole::BuiltIn),
    }
}

fn custom(c: Columns<'_>) -> StoreResult<CustomRole> {
    Ok(CustomRole {
        id: c.id("id")?,
        name: c.text("name")?,
        scope: c.key("scope", ScopeKind::from_key)?,
        actions: c.json("actions")?,
    })
}

#[async_trait]
impl RoleTx for SqlTx {
    async fn custom_roles(&mut self, org: OrgId) -> StoreResult<Vec<CustomRole>> {
        let rows =
            query("SELECT id, name, scope, actions FROM custom_roles WHERE org_id = $1 ORDER BY name, id")
                .bind(org.to_string())
                .fetch_all(self.conn())
                .await
                .map_err(map)?;
        rows.iter()
            .map(|row| custom(columns("custom_roles", row)))
            .collect()
    }

    async fn custom_role(
        &mut self,
        org: &Authorized<Org, See>,
        id: RoleId,
    ) -> StoreResult<Option<RoleRecord>> {
        let row = query(
            "SELECT c.id, c.name, c.scope, c.actions, c.version, \
             (SELECT COUNT(*) FROM role_bindings b WHERE b.role = c.role_key) \
             + (SELECT COUNT(*) FROM invitations i WHERE i.role = c.role_key AND i.accepted_at IS NULL AND i.revoked_at IS NULL) \
             + (SELECT COUNT(*) FROM role_requests r WHERE r.role = c.role_key AND r.decided_at IS NULL) AS uses \
             FROM custom_roles c WHERE c.org_id = $1 AND c.id = $2",
        )
        .bind(org.id().to_string())
        .bind(id.to_string())
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        row.map(|row| {
            let c = columns("custom_roles", &row);
            Ok(RoleRecord {
                role: custom(c)?,
                version: c.int("version")?,
                uses: c.int("uses")?,
            })
        })
        .transpose()
    }

    async fn insert_custom_role(
        &mut self,
        org: &Authorized<Org, Modify>,
        role: &CustomRole,
        at: Timestamp,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO custom_roles (id, org_id, role_key, scope, name, actions, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(role.id.to_string())
        .bind(org.id().to_string())
        .bind(custom_key(role.id))
        .bind(role.scope.key())
        .bind(&role.name)
        .bind(document(&role.actions)?)
        .bind(at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn update_custom_role(
        &mut self,
        org: &Authorized<Org, Modify>,
        role: &CustomRole,
        version: i64,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE custom_roles SET name = $3, actions = $4, version = version + 1 \
             WHERE org_id = $1 AND id = $2 AND version = $5",
        )
        .bind(org.id().to_string())
        .bind(role.id.to_string())
        .bind(&role.name)
        .bind(document(&role.actions)?)
        .bind(version)
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn delete_custom_role(&mut self, org: &Authorized<Org, Modify>, id: RoleId) -> StoreResult<()> {
        let done = query("DELETE FROM custom_roles WHERE org_id = $1 AND id = $2")
            .bind(org.id().to_string())
            .bind(id.to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }
}
