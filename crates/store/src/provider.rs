//! Providers of sign-in that operators set up.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::{columns, document};
use async_trait::async_trait;
use slipway_domain::id::{ProviderId, UserId};
use slipway_domain::provider::{Provider, ProviderReport};
use slipway_domain::time::Timestamp;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{Authorized, Server};
use slipway_portal::ports::{ProviderRecord, ProviderTx, StoreResult};
use sqlx::any::AnyRow;
use sqlx::query;

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn record(row: &AnyRow) -> StoreResult<ProviderRecord> {
    let c = columns("sign_in_providers", row);
    Ok(ProviderRecord {
        provider: Provider {
            id: c.id("id")?,
            key: c.text("provider_key")?,
            name: c.text("name")?,
            issuer: c.text("issuer")?,
            client_id: c.text("client_id")?,
            scopes: words(&c.text("scopes")?),
            groups_claim: c.opt_text("groups_claim")?,
            allowed_domains: words(&c.text("allowed_domains")?),
            off_since: c.opt_time("off_since")?,
            report: c.opt_json("report")?,
            version: c.int("version")?,
        },
        client_secret: c.text("client_secret")?,
        created_at: c.time("created_at")?,
    })
}

#[async_trait]
impl ProviderTx for SqlTx {
    async fn providers(&mut self, _: &Authorized<Server, See>) -> StoreResult<Vec<ProviderRecord>> {
        let rows = query("SELECT * FROM sign_in_providers ORDER BY provider_key")
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(record).collect()
    }

    async fn provider(
        &mut self,
        _: &Authorized<Server, See>,
        key: &str,
    ) -> StoreResult<Option<ProviderRecord>> {
        let row = query("SELECT * FROM sign_in_providers WHERE provider_key = $1")
            .bind(key)
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(record).transpose()
    }

    async fn providers_on(&mut self) -> StoreResult<Vec<ProviderRecord>> {
        let rows = query("SELECT * FROM sign_in_providers WHERE off_since IS NULL ORDER BY provider_key")
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(record).collect()
    }

    async fn insert_provider(
        &mut self,
        _: &Authorized<Server, Modify>,
        record: &ProviderRecord,
    ) -> StoreResult<()> {
        let provider = &record.provider;
        query(
            "INSERT INTO sign_in_providers (id, provider_key, name, issuer, client_id, client_secret, scopes, \
             groups_claim, allowed_domains, off_since, created_at, version) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(provider.id.to_string())
        .bind(&provider.key)
        .bind(&provider.name)
        .bind(&provider.issuer)
        .bind(&provider.client_id)
        .bind(&record.client_secret)
        .bind(provider.scopes.join(" "))
        .bind(&provider.groups_claim)
        .bind(provider.allowed_domains.join(" "))
        .bind(provider.off_since.map(Timestamp::micros))
        .bind(record.created_at.micros())
        .bind(provider.version)
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn update_provider(
        &mut self,
        _: &Authorized<Server, Modify>,
        record: &ProviderRecord,
    ) -> StoreResult<()> {
        let provider = &record.provider;
        let done = query(
            "UPDATE sign_in_providers SET name = $3, issuer = $4, client_id = $5, client_secret = $6, scopes = $7, \
             groups_claim = $8, allowed_domains = $9, off_since = $10, version = version + 1 \
             WHERE id = $1 AND version = $2",
        )
        .bind(provider.id.to_string())
        .bind(provider.version)
        .bind(&provider.name)
        .bind(&provider.issuer)
        .bind(&provider.client_id)
        .bind(&record.client_secret)
        .bind(provider.scopes.join(" "))
        .bind(&provider.groups_claim)
        .bind(provider.allowed_domains.join(" "))
        .bind(provider.off_since.map(Timestamp::micros))
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn report_provider(
        &mut self,
        _: &Authorized<Server, See>,
        id: ProviderId,
        report: &ProviderReport,
    ) -> StoreResult<()> {
        let done = query("UPDATE sign_in_providers SET report = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(document(report)?)
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn delete_provider(&mut self, _: &Authorized<Server, Modify>, id: ProviderId) -> StoreResult<()> {
        let done = query("DELETE FROM sign_in_providers WHERE id = $1")
            .bind(id.to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn identities_beside(
        &mut self,
        _: &Authorized<Server, See>,
        issuer: &str,
        passwords: bool,
    ) -> StoreResult<Vec<(UserId, String)>> {
        let rows = query(
            "SELECT i.user_id, i.issuer FROM identities i JOIN users u ON u.id = i.user_id \
             WHERE u.deactivated_at IS NULL AND ($2 = 0 OR u.password_hash IS NULL) \
             AND i.user_id IN (SELECT user_id FROM identities WHERE issuer = $1) ORDER BY i.user_id, i.issuer",
        )
        .bind(issuer)
        .bind(i64::from(passwords))
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("identities", row);
                Ok((c.id("user_id")?, c.text("issuer")?))
            })
            .collect()
    }
}
