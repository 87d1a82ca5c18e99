//! Grants of GitLab connections by OAuth 2, fenced by version and claim; trips to GitLab; tokens to be taken back.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::{Columns, columns};
use async_trait::async_trait;
use slipway_domain::connection::{Authorization, Oauth};
use slipway_domain::id::{ConnectionId, OrgId, RevocationId};
use slipway_domain::time::Timestamp;
use slipway_portal::ports::{
    GrantRecord, NewGrant, OauthTx, RenewalFailure, RevocationRecord, SealedTokens, StoreResult, TripRecord,
};
use sqlx::query;

/// The grant in the row of a connection.
pub(crate) fn grant(c: Columns<'_>) -> StoreResult<Option<GrantRecord>> {
    let Some(application_id) = c.opt_text("application_id")? else {
        return Ok(None);
    };
    let access = c.text("access_token")?;
    let tokens = if access.is_empty() {
        None
    } else {
        Some(SealedTokens {
            access,
            refresh: c.text("refresh_token")?,
            renew_at: c.opt_time("renew_at")?,
            ends_at: c.opt_time("ends_at")?,
        })
    };
    let failure = match c.opt_time("retry_at")? {
        Some(at) => Some((at, c.key("failure", RenewalFailure::from_key)?)),
        None => None,
    };
    Ok(Some(GrantRecord {
        application_id,
        application_secret: c.text("application_secret")?,
        tokens,
        version: c.int("version")?,
        failure,
    }))
}

/// What people see of it.
pub(crate) fn oauth(c: Columns<'_>) -> StoreResult<Option<Oauth>> {
    let Some(application_id) = c.opt_text("application_id")? else {
        return Ok(None);
    };
    let authorized = match (
        c.opt_text("username")?,
        c.opt_text("authorized_name")?,
        c.opt_time("authorized_at")?,
    ) {
        (Some(username), Some(by), Some(at)) => Some(Authorization { username, by, at }),
        _ => None,
    };
    Ok(Some(Oauth {
        application_id,
        authorized,
        in_force: !c.text("access_token")?.is_empty(),
        token_until_then: !c.text("token")?.is_empty(),
    }))
}

#[async_trait]
impl OauthTx for SqlTx {
    async fn insert_grant(
        &mut self,
        org: OrgId,
        connection: ConnectionId,
        application_id: &str,
        application_secret: &str,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO oauth_grants (connection_id, org_id, application_id, application_secret) \
             VALUES ($1, $2, $3, $4)",
        )
        .bind(connection.to_string())
        .bind(org.to_string())
        .bind(application_id)
        .bind(application_secret)
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn set_application(
        &mut self,
        org: OrgId,
        connection: ConnectionId,
        application_id: &str,
        application_secret: &str,
        forget: bool,
    ) -> StoreResult<()> {
        // What a renewal brings meanwhile is still the same application's, unless it is to be forgotten.
        let statement = if forget {
            "UPDATE oauth_grants SET application_id = $3, application_secret = $4, access_token = '', \
             refresh_token = '', renew_at = NULL, ends_at = NULL, username = NULL, authorized_by = NULL, \
             authorized_at = NULL, version = version + 1, renewer = NULL, renewer_until = NULL, retry_at = NULL, \
             failure = NULL WHERE org_id = $1 AND connection_id = $2"
        } else {
            "UPDATE oauth_grants SET application_id = $3, application_secret = $4, retry_at = NULL, failure = NULL \
             WHERE org_id = $1 AND connection_id = $2"
        };
        let done = query(statement)
            .bind(org.to_string())
            .bind(connection.to_string())
            .bind(application_id)
            .bind(application_secret)
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn authorize_grant(
        &mut self,
        org: OrgId,
        connection: ConnectionId,
        version: i64,
        new: &NewGrant,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE oauth_grants SET access_token = $4, refresh_token = $5, renew_at = $6, ends_at = $7, \
             username = $8, authorized_by = $9, authorized_at = $10, version = version + 1, renewer = NULL, \
             renewer_until = NULL, retry_at = NULL, failure = NULL \
             WHERE org_id = $1 AND connection_id = $2 AND version = $3",
        )
        .bind(org.to_string())
        .bind(connection.to_string())
        .bind(version)
        .bind(&new.tokens.access)
        .bind(&new.tokens.refresh)
        .bind(new.tokens.renew_at.map(Timestamp::micros))
        .bind(new.tokens.ends_at.map(Timestamp::micros))
        .bind(&new.username)
        .bind(new.by.to_string())
        .bind(new.at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn delete_grant(&mut self, org: OrgId, connection: ConnectionId) -> StoreResult<()> {
        for statement in [
            "DELETE FROM oauth_trips WHERE org_id = $1 AND connection_id = $2",
            "DELETE FROM oauth_grants WHERE org_id = $1 AND connection_id = $2",
        ] {
            query(statement)
                .bind(org.to_string())
                .bind(connection.to_string())
                .execute(self.conn())
                .await
                .map_err(map)?;
        }
        Ok(())
    }

    async fn claim_renewal(
        &mut self,
        connection: ConnectionId,
        version: i64,
        renewer: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> StoreResult<bool> {
        // One guarded UPDATE: whoever waits for the row judges it again once the other's claim is committed.
        let done = query(
            "UPDATE oauth_grants SET renewer = $3, renewer_until = $5 \
             WHERE connection_id = $1 AND version = $2 AND (renewer IS NULL OR renewer_until <= $4) \
             AND (retry_at IS NULL OR retry_at <= $4)",
        )
        .bind(connection.to_string())
        .bind(version)
        .bind(renewer)
        .bind(now.micros())
        .bind(until.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(done.rows_affected() > 0)
    }

    async fn finish_renewal(
        &mut self,
        connection: ConnectionId,
        version: i64,
        renewer: &str,
        tokens: &SealedTokens,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE oauth_grants SET access_token = $4, refresh_token = $5, renew_at = $6, ends_at = $7, \
             version = version + 1, renewer = NULL, renewer_until = NULL, retry_at = NULL, failure = NULL \
             WHERE connection_id = $1 AND version = $2 AND renewer = $3",
        )
        .bind(connection.to_string())
        .bind(version)
        .bind(renewer)
        .bind(&tokens.access)
        .bind(&tokens.refresh)
        .bind(tokens.renew_at.map(Timestamp::micros))
        .bind(tokens.ends_at.map(Timestamp::micros))
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn postpone_renewal(
        &mut self,
        connection: ConnectionId,
        version: i64,
        renewer: &str,
        retry_at: Timestamp,
        failure: RenewalFailure,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE oauth_grants SET renewer = NULL, renewer_until = NULL, retry_at = $4, failure = $5 \
             WHERE connection_id = $1 AND version = $2 AND renewer = $3",
        )
        .bind(connection.to_string())
        .bind(version)
        .bind(renewer)
        .bind(retry_at.micros())
        .bind(failure.key())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn end_grant(&mut self, connection: ConnectionId, version: i64, renewer: &str) -> StoreResult<()> {
        let done = query(
            "UPDATE oauth_grants SET access_token = '', refresh_token = '', renew_at = NULL, ends_at = NULL, \
             version = version + 1, renewer = NULL, renewer_until = NULL, retry_at = NULL, failure = NULL \
             WHERE connection_id = $1 AND version = $2 AND renewer = $3",
        )
        .bind(connection.to_string())
        .bind(version)
        .bind(renewer)
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn insert_trip(&mut self, trip: &TripRecord) -> StoreResult<()> {
        query(
            "INSERT INTO oauth_trips (state_hash, org_id, connection_id, user_id, session_key, verifier, begun_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&trip.state_hash)
        .bind(trip.org.to_string())
        .bind(trip.connection.to_string())
        .bind(trip.user.to_string())
        .bind(&trip.session)
        .bind(&trip.verifier)
        .bind(trip.begun_at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn trip(&mut self, state_hash: &str) -> StoreResult<Option<TripRecord>> {
        let row = query("SELECT * FROM oauth_trips WHERE state_hash = $1")
            .bind(state_hash)
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.map(|row| {
            let c = columns("oauth_trips", &row);
            Ok(TripRecord {
                state_hash: c.text("state_hash")?,
                org: c.id("org_id")?,
                connection: c.id("connection_id")?,
                user: c.id("user_id")?,
                session: c.text("session_key")?,
                verifier: c.text("verifier")?,
                begun_at: c.time("begun_at")?,
            })
        })
        .transpose()
    }

    async fn use_trip(&mut self, state_hash: &str, now: Timestamp) -> StoreResult<bool> {
        let done = query("UPDATE oauth_trips SET used_at = $2 WHERE state_hash = $1 AND used_at IS NULL")
            .bind(state_hash)
            .bind(now.micros())
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(done.rows_affected() > 0)
    }

    async fn delete_trips(&mut self, before: Timestamp) -> StoreResult<()> {
        query("DELETE FROM oauth_trips WHERE begun_at < $1")
            .bind(before.micros())
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(())
    }

    async fn insert_revocation(&mut self, revocation: &RevocationRecord) -> StoreResult<()> {
        query(
            "INSERT INTO oauth_revocations (id, base_url, application_id, sealed, created_at) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(revocation.id.to_string())
        .bind(&revocation.base_url)
        .bind(&revocation.application_id)
        .bind(&revocation.sealed)
        .bind(revocation.created_at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn revocation(&mut self, id: RevocationId) -> StoreResult<Option<RevocationRecord>> {
        let row = query("SELECT * FROM oauth_revocations WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.map(|row| {
            let c = columns("oauth_revocations", &row);
            Ok(RevocationRecord {
                id: c.id("id")?,
                base_url: c.text("base_url")?,
                application_id: c.text("application_id")?,
                sealed: c.text("sealed")?,
                created_at: c.time("created_at")?,
            })
        })
        .transpose()
    }

    async fn delete_revocation(&mut self, id: RevocationId) -> StoreResult<()> {
        query("DELETE FROM oauth_revocations WHERE id = $1")
            .bind(id.to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(())
    }
}
