//! Server functions of operators.

use super::AuditPage;
use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::id::UserId;
use slipway_domain::operator::AccountPage;
use slipway_domain::provider::{ProviderList, ProviderPage};

/// The operators, and the accounts whose names have `q` in them.
#[server(name = ReadAccounts, prefix = "/api/fn", endpoint = "operator/accounts", input = GetUrl)]
pub async fn read_accounts(#[server(default)] q: String) -> Result<AccountPage, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::operator::page(&ctx, &q).await?)
}

/// Makes somebody an operator.
#[server(name = GrantOperator, prefix = "/api/fn", endpoint = "operator/grant")]
pub async fn grant_operator(user: UserId) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::operator::grant(&ctx, user).await?)
}

/// Somebody is no operator any more.
#[server(name = RevokeOperator, prefix = "/api/fn", endpoint = "operator/revoke")]
pub async fn revoke_operator(user: UserId) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::operator::revoke(&ctx, user).await?)
}

/// Switches an account off, or on again.
#[server(name = SwitchAccount, prefix = "/api/fn", endpoint = "operator/switch_account")]
pub async fn switch_account(user: UserId, active: bool) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::operator::set_active(&ctx, user, active).await?)
}

/// A page of the server's own audit log, newest first.
#[server(name = ReadServerAudit, prefix = "/api/fn", endpoint = "operator/audit", input = GetUrl)]
pub async fn read_server_audit(action: Option<String>, before: Option<i64>) -> Result<AuditPage, AppError> {
    let ctx = crate::ctx()?;
    let query = slipway_portal::audit::ServerQuery { action, before };
    let rows = slipway_portal::audit::read_server(&ctx, &query).await?;
    let full = i64::try_from(rows.len()).is_ok_and(|count| count >= slipway_portal::audit::PAGE);
    let older_than = rows.last().filter(|_| full).map(|row| row.seq);
    Ok(AuditPage { rows, older_than })
}

/// The providers of sign-in.
#[server(name = ReadProviders, prefix = "/api/fn", endpoint = "operator/providers", input = GetUrl)]
pub async fn read_providers() -> Result<ProviderList, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::provider::list(&ctx).await?)
}

/// One that operators set up.
#[server(name = ReadProvider, prefix = "/api/fn", endpoint = "operator/provider", input = GetUrl)]
pub async fn read_provider(key: String) -> Result<ProviderPage, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::provider::view(&ctx, &key).await?)
}

/// Sets a provider up.
#[server(name = AddProvider, prefix = "/api/fn", endpoint = "operator/add_provider")]
pub async fn add_provider(
    key: String,
    name: String,
    issuer: String,
    client_id: String,
    client_secret: String,
    scopes: String,
    groups_claim: String,
    allowed_domains: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let input = slipway_portal::provider::Input {
        name,
        issuer,
        client_id,
        client_secret,
        scopes,
        groups_claim,
        allowed_domains,
    };
    let key = slipway_portal::provider::create(&ctx, &key, input).await?;
    leptos_axum::redirect(&super::provider::address(&key));
    Ok(())
}

/// Changes a provider that still has that version; without a secret the one it has stays. `confirm`: how many people
/// cannot sign in afterwards, as far as the reader knows.
#[server(name = EditProvider, prefix = "/api/fn", endpoint = "operator/edit_provider")]
pub async fn edit_provider(
    key: String,
    version: i64,
    name: String,
    issuer: String,
    client_id: String,
    client_secret: String,
    scopes: String,
    groups_claim: String,
    allowed_domains: String,
    confirm: Option<i64>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let input = slipway_portal::provider::Input {
        name,
        issuer,
        client_id,
        client_secret,
        scopes,
        groups_claim,
        allowed_domains,
    };
    Ok(slipway_portal::provider::edit(&ctx, &key, Some(version), input, None, confirm).await?)
}

/// Switches a provider off, or on again.
#[server(name = SwitchProvider, prefix = "/api/fn", endpoint = "operator/switch_provider")]
pub async fn switch_provider(key: String, on: bool, confirm: Option<i64>) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::provider::switch(&ctx, &key, on, confirm).await?)
}

/// Asks a provider what it says of itself; the report stands on its page.
#[server(name = TestProvider, prefix = "/api/fn", endpoint = "operator/test_provider")]
pub async fn test_provider(key: String) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    slipway_portal::provider::test(&ctx, &key).await?;
    Ok(())
}

/// Forgets a provider.
#[server(name = RemoveProvider, prefix = "/api/fn", endpoint = "operator/remove_provider")]
pub async fn remove_provider(key: String, confirm: Option<i64>) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    slipway_portal::provider::remove(&ctx, &key, confirm).await?;
    leptos_axum::redirect(&format!("{}/sign-in", super::ROOT));
    Ok(())
}
