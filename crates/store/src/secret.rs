//! Sealed secrets, wherever they are kept. Rotation goes through all tenants: it is the operator's.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::columns;
use async_trait::async_trait;
use slipway_domain::id::{ConnectionId, TypedId as _};
use slipway_portal::ports::{SecretTx, StoreResult};
use slipway_portal::secret::{Sealed, SecretKind};
use sqlx::query;

/// Id and text of every secret of the kind.
const fn all(kind: SecretKind) -> &'static str {
    match kind {
        SecretKind::Connection => "SELECT id, token AS sealed FROM connections WHERE token <> '' ORDER BY id",
        SecretKind::Cluster => {
            "SELECT id, kubeconfig AS sealed FROM clusters WHERE kubeconfig <> '' ORDER BY id"
        }
        SecretKind::Hook => {
            "SELECT id, hook_secret AS sealed FROM apps WHERE hook_secret IS NOT NULL ORDER BY id"
        }
        SecretKind::Totp => {
            "SELECT id, totp_secret AS sealed FROM users WHERE totp_secret IS NOT NULL ORDER BY id"
        }
        SecretKind::Subscriber => "SELECT id, secret AS sealed FROM subscribers ORDER BY id",
        SecretKind::SubscriberBefore => {
            "SELECT id, old_secret AS sealed FROM subscribers WHERE old_secret IS NOT NULL ORDER BY id"
        }
        SecretKind::OauthApplication => {
            "SELECT connection_id AS id, application_secret AS sealed FROM oauth_grants ORDER BY connection_id"
        }
        SecretKind::OauthAccess => {
            "SELECT connection_id AS id, access_token AS sealed FROM oauth_grants WHERE access_token <> '' \
             ORDER BY connection_id"
        }
        SecretKind::OauthRefresh => {
            "SELECT connection_id AS id, refresh_token AS sealed FROM oauth_grants WHERE refresh_token <> '' \
             ORDER BY connection_id"
        }
        SecretKind::OauthRevocation => "SELECT id, sealed FROM oauth_revocations ORDER BY id",
        SecretKind::Mail => {
            "SELECT org_id AS id, password AS sealed FROM mail_servers WHERE password <> '' ORDER BY org_id"
        }
        SecretKind::Provider => "SELECT id, client_secret AS sealed FROM sign_in_providers ORDER BY id",
    }
}

/// Puts `$3` in the place of `$2` in the row `$1`.
const fn replace(kind: SecretKind) -> &'static str {
    match kind {
        SecretKind::Connection => "UPDATE connections SET token = $3 WHERE id = $1 AND token = $2",
        SecretKind::Cluster => "UPDATE clusters SET kubeconfig = $3 WHERE id = $1 AND kubeconfig = $2",
        SecretKind::Hook => "UPDATE apps SET hook_secret = $3 WHERE id = $1 AND hook_secret = $2",
        SecretKind::Totp => "UPDATE users SET totp_secret = $3 WHERE id = $1 AND totp_secret = $2",
        SecretKind::Subscriber => "UPDATE subscribers SET secret = $3 WHERE id = $1 AND secret = $2",
        SecretKind::SubscriberBefore => {
            "UPDATE subscribers SET old_secret = $3 WHERE id = $1 AND old_secret = $2"
        }
        SecretKind::OauthApplication => {
            "UPDATE oauth_grants SET application_secret = $3 WHERE connection_id = $1 AND application_secret = $2"
        }
        SecretKind::OauthAccess => {
            "UPDATE oauth_grants SET access_token = $3 WHERE connection_id = $1 AND access_token = $2"
        }
        SecretKind::OauthRefresh => {
            "UPDATE oauth_grants SET refresh_token = $3 WHERE connection_id = $1 AND refresh_token = $2"
        }
        SecretKind::OauthRevocation => {
            "UPDATE oauth_revocations SET sealed = $3 WHERE id = $1 AND sealed = $2"
        }
        SecretKind::Mail => "UPDATE mail_servers SET password = $3 WHERE org_id = $1 AND password = $2",
        SecretKind::Provider => {
            "UPDATE sign_in_providers SET client_secret = $3 WHERE id = $1 AND client_secret = $2"
        }
    }
}

#[async_trait]
impl SecretTx for SqlTx {
    async fn sealed(&mut self, kind: SecretKind) -> StoreResult<Vec<Sealed>> {
        let rows = query(all(kind)).fetch_all(self.conn()).await.map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("secrets", row);
                Ok(Sealed {
                    kind,
                    // Every kind of id is a UUID beneath.
                    id: c.id::<ConnectionId>("id")?.uuid(),
                    text: c.text("sealed")?,
                })
            })
            .collect()
    }

    async fn reseal(&mut self, secret: &Sealed, text: &str) -> StoreResult<()> {
        let done = query(replace(secret.kind))
            .bind(secret.id.to_string())
            .bind(&secret.text)
            .bind(text)
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }
}
