//! Invitations, and requests for roles.

use crate::access::{app_columns, app_ref, org, org_columns, person, project_columns, project_ref};
use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::role::held;
use crate::row::{Columns, columns};
use async_trait::async_trait;
use slipway_domain::id::{AppId, InvitationId, ProjectId, RoleRequestId, UserId};
use slipway_domain::invitation::{Invitation, InvitationTimes};
use slipway_domain::role::HeldRole;
use slipway_domain::time::Timestamp;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{AnyScope, Anywhere, Authorized};
use slipway_portal::ports::{InvitationRecord, InvitationTx, RequestRecord, StoreError, StoreResult};
use sqlx::query;

const OPEN: &str = "SELECT i.id, i.role, i.note, i.created_at, i.expires_at, i.email, i.mailed_at, u.id AS user_id, u.username, u.name, \
     c.id AS role_id, c.name AS role_name, c.scope AS role_scope, c.actions AS role_actions \
     FROM invitations i JOIN users u ON u.id = i.created_by \
     LEFT JOIN custom_roles c ON c.role_key = i.role \
     WHERE i.org_id = $1 AND COALESCE(i.project_id, '') = $2 AND COALESCE(i.app_id, '') = $3 \
     AND i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > $4 ORDER BY i.created_at DESC, i.id";

const BY_HASH: &str = concat!(
    "SELECT i.id, i.role, i.expires_at, i.accepted_at, i.revoked_at, u.id AS user_id, u.username, u.name, ",
    org_columns!(),
    ", ",
    project_columns!(),
    ", ",
    app_columns!(),
    ", COALESCE(p.internal, 0) AS shown_to_all, \
     c.id AS role_id, c.name AS role_name, c.scope AS role_scope, c.actions AS role_actions \
     FROM invitations i JOIN users u ON u.id = i.created_by JOIN organizations o ON o.id = i.org_id \
     LEFT JOIN projects p ON p.id = i.project_id LEFT JOIN apps a ON a.id = i.app_id \
     LEFT JOIN custom_roles c ON c.role_key = i.role WHERE i.token_hash = $1"
);

const WAITING: &str = "SELECT r.id, r.role, r.reason, r.created_at, u.id AS user_id, u.username, u.name, \
     c.id AS role_id, c.name AS role_name, c.scope AS role_scope, c.actions AS role_actions \
     FROM role_requests r JOIN users u ON u.id = r.user_id AND u.deactivated_at IS NULL \
     LEFT JOIN custom_roles c ON c.role_key = r.role \
     WHERE r.org_id = $1 AND COALESCE(r.project_id, '') = $2 AND COALESCE(r.app_id, '') = $3 \
     AND r.decided_at IS NULL ORDER BY r.created_at, r.id";

fn scope(c: Columns<'_>) -> StoreResult<AnyScope> {
    let project = c.opt_id::<ProjectId>("project_id")?;
    let app = c.opt_id::<AppId>("app_id")?;
    Ok(AnyScope {
        org: org(c)?,
        project: project.map(|_| project_ref(c)).transpose()?,
        app: app.map(|_| app_ref(c)).transpose()?,
        internal: c.flag("shown_to_all")?,
    })
}

/// The role, unless the organization has deleted it meanwhile.
fn still(role: StoreResult<HeldRole>) -> StoreResult<Option<HeldRole>> {
    match role {
        Ok(role) => Ok(Some(role)),
        Err(StoreError::Inconsistent { column: "role", .. }) => Ok(None),
        Err(other) => Err(other),
    }
}

#[async_trait]
impl InvitationTx for SqlTx {
    async fn insert_invitation(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        invitation: &Invitation,
        token_hash: &str,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO invitations (id, org_id, project_id, app_id, role, note, token_hash, created_by, created_at, \
             expires_at, email) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(invitation.id.to_string())
        .bind(place.org_id().to_string())
        .bind(place.project_id().map(|p| p.to_string()))
        .bind(place.app_id().map(|a| a.to_string()))
        .bind(invitation.role.key())
        .bind(&invitation.note)
        .bind(token_hash)
        .bind(invitation.by.id.to_string())
        .bind(invitation.created_at.micros())
        .bind(invitation.expires_at.micros())
        .bind(&invitation.email)
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn open_invitations(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        now: Timestamp,
    ) -> StoreResult<Vec<Invitation>> {
        let rows = query(OPEN)
            .bind(place.org_id().to_string())
            .bind(place.project_id().map_or_else(String::new, |p| p.to_string()))
            .bind(place.app_id().map_or_else(String::new, |a| a.to_string()))
            .bind(now.micros())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("invitations", row);
                Ok(Invitation {
                    id: c.id("id")?,
                    role: held(c)?,
                    note: c.text("note")?,
                    by: person(c)?,
                    created_at: c.time("created_at")?,
                    expires_at: c.time("expires_at")?,
                    email: c.opt_text("email")?,
                    mailed_at: c.opt_time("mailed_at")?,
                })
            })
            .collect()
    }

    async fn invitation_mailed(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        id: InvitationId,
        at: Timestamp,
    ) -> StoreResult<()> {
        let done = query("UPDATE invitations SET mailed_at = $3 WHERE org_id = $1 AND id = $2")
            .bind(place.org_id().to_string())
            .bind(id.to_string())
            .bind(at.micros())
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn invitation_by_hash(&mut self, token_hash: &str) -> StoreResult<Option<InvitationRecord>> {
        let row = query(BY_HASH)
            .bind(token_hash)
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.map(|row| {
            let c = columns("invitations", &row);
            Ok(InvitationRecord {
                id: c.id("id")?,
                scope: scope(c)?,
                role: still(held(c))?,
                by: person(c)?,
                times: InvitationTimes {
                    expires_at: c.time("expires_at")?,
                    accepted_at: c.opt_time("accepted_at")?,
                    revoked_at: c.opt_time("revoked_at")?,
                },
            })
        })
        .transpose()
    }

    async fn accept_invitation(&mut self, id: InvitationId, user: UserId, at: Timestamp) -> StoreResult<()> {
        let done = query(
            "UPDATE invitations SET accepted_at = $2, accepted_by = $3 \
             WHERE id = $1 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > $2",
        )
        .bind(id.to_string())
        .bind(at.micros())
        .bind(user.to_string())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn revoke_invitation(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        id: InvitationId,
        at: Timestamp,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE invitations SET revoked_at = $5 \
             WHERE org_id = $1 AND COALESCE(project_id, '') = $2 AND COALESCE(app_id, '') = $3 AND id = $4 \
             AND accepted_at IS NULL AND revoked_at IS NULL",
        )
        .bind(place.org_id().to_string())
        .bind(place.project_id().map_or_else(String::new, |p| p.to_string()))
        .bind(place.app_id().map_or_else(String::new, |a| a.to_string()))
        .bind(id.to_string())
        .bind(at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn insert_role_request(
        &mut self,
        place: &Authorized<Anywhere, See>,
        request: &RequestRecord,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO role_requests (id, org_id, project_id, app_id, user_id, role, reason, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(request.id.to_string())
        .bind(place.org_id().to_string())
        .bind(place.project_id().map(|p| p.to_string()))
        .bind(place.app_id().map(|a| a.to_string()))
        .bind(request.person.id.to_string())
        .bind(request.role.key())
        .bind(&request.reason)
        .bind(request.created_at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn role_requests(&mut self, place: &Authorized<Anywhere, See>) -> StoreResult<Vec<RequestRecord>> {
        let rows = query(WAITING)
            .bind(place.org_id().to_string())
            .bind(place.project_id().map_or_else(String::new, |p| p.to_string()))
            .bind(place.app_id().map_or_else(String::new, |a| a.to_string()))
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("role_requests", row);
                Ok(RequestRecord {
                    id: c.id("id")?,
                    person: person(c)?,
                    role: held(c)?,
                    reason: c.text("reason")?,
                    created_at: c.time("created_at")?,
                })
            })
            .collect()
    }

    async fn decide_role_request(
        &mut self,
        place: &Authorized<Anywhere, See>,
        id: RoleRequestId,
        by: UserId,
        granted: bool,
        at: Timestamp,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE role_requests SET decided_at = $3, decided_by = $4, granted = $5 \
             WHERE org_id = $1 AND id = $2 AND decided_at IS NULL",
        )
        .bind(place.org_id().to_string())
        .bind(id.to_string())
        .bind(at.micros())
        .bind(by.to_string())
        .bind(i64::from(granted))
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }
}
