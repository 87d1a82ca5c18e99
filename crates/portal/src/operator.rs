//! Operators: who they are, and what they may do with accounts.
//!
//! Somebody always is one: in the browser the last who can sign in cannot be taken. Whoever runs the server makes
//! another at any time (`slipway user grant-operator`).

use crate::access::{self, Authorized, Server, may};
use crate::change::{Change, ServerEntry};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::member;
use slipway_domain::id::UserId;
use slipway_domain::operator::{Account, AccountPage, SHOWN};
use slipway_domain::person::PersonRef;

/// What operators and accounts are told by.
const TOPIC: &str = "operators";

/// The operators, and the accounts whose names have `search` in them.
///
/// # Errors
/// As [`access::operator`].
pub async fn page(ctx: &OpCtx, search: &str) -> Result<AccountPage> {
    let server = access::operator(ctx).await?;
    let mut tx = ctx.read().await?;
    let most = i64::try_from(SHOWN).unwrap_or(i64::MAX);
    let mut found = tx.accounts(&server, search.trim(), most + 1).await?;
    let more = found.len() > SHOWN;
    found.truncate(SHOWN);
    Ok(AccountPage {
        reader: ctx.user()?.clone(),
        operators: tx.operators(&server).await?,
        found,
        more,
    })
}

/// The operators, by name.
///
/// # Errors
/// As [`access::operator`].
pub async fn list(ctx: &OpCtx) -> Result<Vec<Account>> {
    let server = access::operator(ctx).await?;
    Ok(ctx.read().await?.operators(&server).await?)
}

/// Whether nobody has begun to use the server: there was never an organization, and nobody is an operator. Whoever comes
/// first becomes one.
///
/// # Errors
/// Not for people: [`Error::NotFound`].
pub async fn is_untouched(ctx: &OpCtx) -> Result<bool> {
    for_the_command_line(ctx)?;
    let mut tx = ctx.read().await?;
    Ok(tx.audited_orgs().await?.is_empty() && tx.count_operators().await? == 0)
}

/// How many operators can sign in.
///
/// # Errors
/// Not for people: [`Error::NotFound`].
pub async fn count(ctx: &OpCtx) -> Result<i64> {
    for_the_command_line(ctx)?;
    Ok(ctx.read().await?.count_operators().await?)
}

fn for_the_command_line(ctx: &OpCtx) -> Result<()> {
    if ctx.is_system() {
        Ok(())
    } else {
        Err(Error::NotFound)
    }
}

/// Makes somebody an operator.
///
/// # Errors
/// As [`access::operating`]; [`Error::NotFound`]; [`Error::Refused`] `by_token`, `deactivated`.
pub async fn grant(ctx: &OpCtx, user: UserId) -> Result<()> {
    let server = by_a_person(ctx).await?;
    let (mut change, account) = begin(ctx, &server, user).await?;
    if account.deactivated_at.is_some() {
        return Err(Error::refused(
            "deactivated",
            "This account is switched off. Switch it on first.",
            "该账号已停用，请先启用。",
        ));
    }
    if account.operator_since.is_some() {
        // The same click twice.
        return Ok(());
    }
    let at = Some(ctx.now());
    change.tx().set_operator(&server, user, at).await?;
    told(&mut change, "operator.grant", &account.person).await?;
    change.commit().await
}

/// Somebody is no operator any more.
///
/// # Errors
/// As [`grant`]; [`Error::Refused`] `last_operator`, but for the command line.
pub async fn revoke(ctx: &OpCtx, user: UserId) -> Result<()> {
    let server = by_a_person(ctx).await?;
    let (mut change, account) = begin(ctx, &server, user).await?;
    if account.operator_since.is_none() {
        return Ok(());
    }
    change.tx().set_operator(&server, user, None).await?;
    keep_an_operator(&mut change, &account).await?;
    told(&mut change, "operator.revoke", &account.person).await?;
    change.commit().await
}

/// Switches an account off, or on again.
///
/// # Errors
/// As [`grant`]; [`Error::Refused`] `own_account`, `last_operator`, `last_owner`.
pub async fn set_active(ctx: &OpCtx, user: UserId, active: bool) -> Result<()> {
    let server = by_a_person(ctx).await?;
    if !active && ctx.user().is_ok_and(|own| own.id == user) {
        return Err(Error::refused(
            "own_account",
            "This is your own account. Another operator can switch it off.",
            "这是你自己的账号，只能由其他服务器管理员停用。",
        ));
    }
    let (mut change, account) = begin(ctx, &server, user).await?;
    if account.deactivated_at.is_none() == active {
        return Ok(());
    }
    member::switch(&mut change, &account.person, active).await?;
    keep_an_operator(&mut change, &account).await?;
    change.touch_server(TOPIC);
    change.commit().await
}

/// A token makes no operator and switches nobody off: what leaks must not be able to stay.
async fn by_a_person(ctx: &OpCtx) -> Result<Authorized<Server, may::Modify>> {
    let server = access::operating(ctx).await?;
    if ctx.token().is_none() {
        return Ok(server);
    }
    Err(Error::refused(
        "by_token",
        "A token cannot change operators and accounts. Do it in the browser.",
        "令牌不能更改服务器管理员和账号，请在浏览器中操作。",
    ))
}

/// Begins a change of the account.
async fn begin<'c>(
    ctx: &'c OpCtx,
    server: &Authorized<Server, may::Modify>,
    user: UserId,
) -> Result<(Change<'c>, Account)> {
    let mut change = ctx.change().await?;
    change.tx().lock_server().await?;
    let account = change.tx().account(&server.see(), user).await?;
    Ok((change, account.ok_or(Error::NotFound)?))
}

/// Refuses what took the server its last operator. The server is locked, so that two at once cannot each leave it to
/// the other; whoever runs the server may.
async fn keep_an_operator(change: &mut Change<'_>, account: &Account) -> Result<()> {
    let lost = account.operates() && change.tx().count_operators().await? == 0;
    if !lost || change.ctx().is_system() {
        return Ok(());
    }
    Err(Error::refused(
        "last_operator",
        "This is the last operator of the server. Make somebody else an operator first.",
        "这是最后一位服务器管理员。请先将其他人设为服务器管理员。",
    ))
}

async fn told(change: &mut Change<'_>, action: &'static str, person: &PersonRef) -> Result<()> {
    change
        .audit_server(ServerEntry {
            action,
            target_kind: "person",
            target_id: person.id.to_string(),
            target: person.name.clone(),
            summary: serde_json::json!({ "username": person.username }),
        })
        .await?;
    change.touch_server(TOPIC);
    change.touch_person("person", person.id, None);
    Ok(())
}
