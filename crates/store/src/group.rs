//! Groups of people.

use crate::access::person;
use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::role::held;
use crate::row::{Columns, columns};
use async_trait::async_trait;
use slipway_domain::group::{GroupRef, GroupRow};
use slipway_domain::id::{GroupId, OrgId, UserId};
use slipway_domain::person::PersonRef;
use slipway_domain::time::Timestamp;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{Authorized, Org};
use slipway_portal::ports::{GroupBinding, GroupTx, StoreResult};
use sqlx::query;

/// The groups of an organization ($1), or the one of them with an id ($2; empty: all).
const GROUPS: &str = "SELECT g.id, g.name, g.claim, \
     (SELECT COUNT(*) FROM group_members m JOIN users u ON u.id = m.user_id AND u.deactivated_at IS NULL \
     WHERE m.group_id = g.id) AS people, \
     (SELECT COUNT(*) FROM role_bindings b WHERE b.group_id = g.id) AS roles \
     FROM groups g WHERE g.org_id = $1 AND ($2 = '' OR g.id = $2) ORDER BY g.name, g.id";

fn group(c: Columns<'_>) -> StoreResult<GroupRow> {
    Ok(GroupRow {
        group: GroupRef {
            id: c.id("id")?,
            name: c.text("name")?,
        },
        people: c.int("people")?,
        roles: c.int("roles")?,
        claim: c.opt_text("claim")?,
    })
}

#[async_trait]
impl GroupTx for SqlTx {
    async fn groups(&mut self, org: &Authorized<Org, See>) -> StoreResult<Vec<GroupRow>> {
        let rows = query(GROUPS)
            .bind(org.id().to_string())
            .bind(String::new())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(|row| group(columns("groups", row))).collect()
    }

    async fn group(&mut self, org: &Authorized<Org, See>, id: GroupId) -> StoreResult<Option<GroupRow>> {
        let row = query(GROUPS)
            .bind(org.id().to_string())
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.map(|row| group(columns("groups", &row))).transpose()
    }

    async fn group_members(
        &mut self,
        org: &Authorized<Org, See>,
        id: GroupId,
    ) -> StoreResult<Vec<PersonRef>> {
        let rows = query(
            "SELECT u.id AS user_id, u.username, u.name FROM groups g JOIN group_members m ON m.group_id = g.id \
             JOIN users u ON u.id = m.user_id AND u.deactivated_at IS NULL \
             WHERE g.org_id = $1 AND g.id = $2 ORDER BY u.name, u.id",
        )
        .bind(org.id().to_string())
        .bind(id.to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter().map(|row| person(columns("users", row))).collect()
    }

    async fn claimed_members(&mut self, org: &Authorized<Org, See>, id: GroupId) -> StoreResult<Vec<UserId>> {
        let rows = query(
            "SELECT m.user_id FROM groups g JOIN group_members m ON m.group_id = g.id AND m.by_claim = 1 \
             WHERE g.org_id = $1 AND g.id = $2 ORDER BY m.user_id",
        )
        .bind(org.id().to_string())
        .bind(id.to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| columns("group_members", row).id("user_id"))
            .collect()
    }

    async fn group_bindings(&mut self, org: OrgId, id: GroupId) -> StoreResult<Vec<GroupBinding>> {
        let rows = query(
            "SELECT b.id, b.project_id, b.app_id, b.role, c.id AS role_id, c.name AS role_name, c.scope AS role_scope, \
             c.actions AS role_actions FROM role_bindings b LEFT JOIN custom_roles c ON c.role_key = b.role \
             WHERE b.org_id = $1 AND b.group_id = $2 \
             ORDER BY COALESCE(b.project_id, ''), COALESCE(b.app_id, ''), b.role",
        )
        .bind(org.to_string())
        .bind(id.to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("role_bindings", row);
                Ok(GroupBinding {
                    id: c.id("id")?,
                    project: c.opt_id("project_id")?,
                    app: c.opt_id("app_id")?,
                    role: held(c)?,
                })
            })
            .collect()
    }

    async fn insert_group(
        &mut self,
        org: &Authorized<Org, Modify>,
        group: &GroupRef,
        at: Timestamp,
    ) -> StoreResult<()> {
        query("INSERT INTO groups (id, org_id, name, created_at) VALUES ($1, $2, $3, $4)")
            .bind(group.id.to_string())
            .bind(org.id().to_string())
            .bind(&group.name)
            .bind(at.micros())
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(())
    }

    async fn update_group(
        &mut self,
        org: &Authorized<Org, Modify>,
        group: &GroupRef,
        claim: Option<&str>,
    ) -> StoreResult<()> {
        let done = query("UPDATE groups SET name = $3, claim = $4 WHERE org_id = $1 AND id = $2")
            .bind(org.id().to_string())
            .bind(group.id.to_string())
            .bind(&group.name)
            .bind(claim)
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn delete_group(&mut self, org: &Authorized<Org, Modify>, id: GroupId) -> StoreResult<()> {
        query("DELETE FROM role_bindings WHERE org_id = $1 AND group_id = $2")
            .bind(org.id().to_string())
            .bind(id.to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        query("DELETE FROM group_members WHERE group_id IN (SELECT id FROM groups WHERE org_id = $1 AND id = $2)")
            .bind(org.id().to_string())
            .bind(id.to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        let done = query("DELETE FROM groups WHERE org_id = $1 AND id = $2")
            .bind(org.id().to_string())
            .bind(id.to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn insert_group_member(
        &mut self,
        org: &Authorized<Org, Modify>,
        id: GroupId,
        user: UserId,
    ) -> StoreResult<()> {
        // By hand from now on, also where a claim had put them in.
        query(
            "INSERT INTO group_members (group_id, user_id) SELECT id, $3 FROM groups WHERE org_id = $1 AND id = $2 \
             ON CONFLICT (group_id, user_id) DO UPDATE SET by_claim = 0",
        )
        .bind(org.id().to_string())
        .bind(id.to_string())
        .bind(user.to_string())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn delete_group_member(
        &mut self,
        org: &Authorized<Org, Modify>,
        id: GroupId,
        user: UserId,
    ) -> StoreResult<bool> {
        let done = query(
            "DELETE FROM group_members \
             WHERE group_id IN (SELECT id FROM groups WHERE org_id = $1 AND id = $2) AND user_id = $3",
        )
        .bind(org.id().to_string())
        .bind(id.to_string())
        .bind(user.to_string())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(done.rows_affected() > 0)
    }
}
