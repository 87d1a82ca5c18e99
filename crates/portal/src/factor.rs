//! Second factors: after the password, a code of an authenticator or a recovery code.

use crate::change::Change;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::identity;
use crate::person::{self, count, unlocked};
use crate::ports::FactorRow;
use crate::{session, totp};
use sha2::{Digest as _, Sha256};
use slipway_domain::factor::{ENROLMENT_LASTS, Enrolment, Factor, RECOVERY_CODES, Security};
use slipway_domain::id::UserId;
use slipway_domain::person::PersonRef;
use slipway_domain::text::Text;

/// The name that an authenticator shows.
const ISSUER: &str = "Slipway";

/// The length of a recovery code, in bytes: nobody guesses 80 bits, so that a plain hash keeps it.
const RECOVERY: usize = 10;

/// Under which wrong codes are counted: apart from passwords, so that knowing the password forgets none of them.
fn code_key(user: UserId) -> String {
    format!("code:{user}")
}

/// What a secret is sealed for.
pub(crate) fn sealed_for(user: UserId) -> String {
    format!("totp of {user}")
}

/// How the actor signs in.
///
/// # Errors
/// Nobody is signed in.
pub async fn security(ctx: &OpCtx) -> Result<Security> {
    let user = ctx.user()?;
    let identities = identity::list(ctx).await?;
    let mut tx = ctx.read().await?;
    let credentials = tx.credentials(&user.username).await?;
    let row = tx.factor(user.id).await?;
    drop(tx);
    Ok(Security {
        username: user.username.clone(),
        has_password: credentials.is_some_and(|c| c.password_hash.is_some()),
        factor: standing(ctx, user, row)?,
        proved: session::proved(ctx).is_ok(),
        identities,
    })
}

fn standing(ctx: &OpCtx, user: &PersonRef, row: Option<FactorRow>) -> Result<Factor> {
    let Some(row) = row else { return Ok(Factor::Off) };
    if let Some(since) = row.confirmed_at {
        return Ok(Factor::On {
            since,
            codes_left: row.codes_left,
        });
    }
    if ctx.now().since(row.begun_at) >= ENROLMENT_LASTS {
        return Ok(Factor::Off);
    }
    let secret = opened(ctx, user.id, &row.secret)?;
    let uri = totp::uri(&secret, &user.username, ISSUER);
    let qr = totp::qr(&uri).ok_or_else(|| Error::internal("a sign-in name that fits into no QR code"))?;
    Ok(Factor::Pending(Enrolment {
        secret: totp::grouped(&totp::base32(&secret), ' '),
        uri,
        qr,
    }))
}

fn opened(ctx: &OpCtx, user: UserId, sealed: &str) -> Result<Vec<u8>> {
    let text = ctx.portal().sealer.open(&sealed_for(user), sealed);
    hex::decode(text.map_err(Error::internal)?).map_err(Error::internal)
}

/// Makes a secret for the actor that waits for its first code.
///
/// # Errors
/// [`Error::Refused`] `step_up`, `no_password`; [`Error::Conflict`] `has_factor`.
pub async fn begin(ctx: &OpCtx) -> Result<()> {
    let user = ctx.user()?.clone();
    session::proved(ctx)?;
    let secret = hex::encode(rand::random::<[u8; totp::SECRET]>());
    let sealed = ctx.portal().sealer.seal(&sealed_for(user.id), &secret);
    let mut change = ctx.change().await?;
    let credentials = change.tx().credentials(&user.username).await?;
    if credentials.is_none_or(|c| c.password_hash.is_none()) {
        return Err(Error::refused(
            "no_password",
            "You sign in elsewhere, where a second step is asked for or not. Set a password first if you want one here.",
            "你通过其他系统登录，第二步验证由该系统负责。如需在此启用，请先设置密码。",
        ));
    }
    if change
        .tx()
        .factor(user.id)
        .await?
        .is_some_and(|row| row.confirmed_at.is_some())
    {
        return Err(Error::conflict(
            "has_factor",
            "Your second step is on already. Switch it off first to use another authenticator.",
            "两步验证已启用。如需更换验证器，请先将其关闭。",
        ));
    }
    // It has no effect before its first code.
    change.bookkeeping();
    change.tx().put_factor(user.id, &sealed, ctx.now()).await?;
    change.commit().await
}

/// The first code of the actor's new secret: from now on it is asked for. Answers with the recovery codes, which are
/// kept only as hashes.
///
/// # Errors
/// [`Error::Refused`] `step_up`; a wrong `code`; [`Error::Conflict`] `not_begun`; [`Error::Limited`].
pub async fn confirm(ctx: &OpCtx, typed: &str) -> Result<Vec<String>> {
    let user = ctx.user()?.clone();
    session::proved(ctx)?;
    let keys = [code_key(user.id)];
    unlocked(ctx, &keys).await?;
    let row = ctx.read().await?.factor(user.id).await?;
    let waits =
        |row: &FactorRow| row.confirmed_at.is_none() && ctx.now().since(row.begun_at) < ENROLMENT_LASTS;
    let Some(row) = row.filter(waits) else {
        return Err(Error::conflict(
            "not_begun",
            "There is no new secret that waits for a code. Begin again.",
            "没有等待验证的新密钥，请重新开始。",
        ));
    };
    let secret = opened(ctx, user.id, &row.secret)?;
    let step = totp::step_of(&secret, &plain(typed), ctx.now());
    count(ctx, &keys, step.is_some()).await?;
    let step = step.ok_or_else(wrong)?;
    let mut change = ctx.change().await?;
    change.tx().confirm_factor(user.id, ctx.now(), step).await?;
    let codes = fresh_codes(&mut change, user.id).await?;
    person::told(&mut change, user.id, "factor.on").await?;
    change.commit().await?;
    Ok(codes)
}

/// Gives the actor new recovery codes; those before are worth nothing.
///
/// # Errors
/// [`Error::Refused`] `step_up`; [`Error::NotFound`] without a second factor.
pub async fn renew_codes(ctx: &OpCtx) -> Result<Vec<String>> {
    let user = ctx.user()?.clone();
    session::proved(ctx)?;
    let mut change = ctx.change().await?;
    let row = change.tx().factor(user.id).await?;
    if row.is_none_or(|row| row.confirmed_at.is_none()) {
        return Err(Error::NotFound);
    }
    let codes = fresh_codes(&mut change, user.id).await?;
    person::told(&mut change, user.id, "factor.renew_codes").await?;
    change.commit().await?;
    Ok(codes)
}

async fn fresh_codes(change: &mut Change<'_>, user: UserId) -> Result<Vec<String>> {
    let code = |()| totp::grouped(&totp::base32(&rand::random::<[u8; RECOVERY]>()), '-');
    let codes: Vec<String> = std::iter::repeat_n((), RECOVERY_CODES).map(code).collect();
    let hashes: Vec<String> = codes.iter().map(|code| hash(code)).collect();
    change.tx().put_recovery_codes(user, &hashes).await?;
    Ok(codes)
}

/// Switches the actor's second factor off.
///
/// # Errors
/// [`Error::Refused`] `step_up`.
pub async fn remove(ctx: &OpCtx) -> Result<()> {
    let user = ctx.user()?.id;
    session::proved(ctx)?;
    forget(ctx, user, "factor.off").await
}

/// Switches somebody's second factor off (`slipway user reset-totp`).
///
/// # Errors
/// Not for people: [`Error::NotFound`].
pub async fn reset(ctx: &OpCtx, person: UserId) -> Result<()> {
    if !ctx.is_system() {
        return Err(Error::NotFound);
    }
    forget(ctx, person, "factor.reset").await
}

async fn forget(ctx: &OpCtx, user: UserId, action: &'static str) -> Result<()> {
    let mut change = ctx.change().await?;
    if ctx.is_system() {
        change.tx().lock_server().await?;
    }
    change.tx().delete_factor(user).await?;
    change.tx().set_failures(&code_key(user), 0, None).await?;
    if ctx.is_system() {
        person::told_by_operator(&mut change, user, action).await?;
    } else {
        person::told(&mut change, user, action).await?;
    }
    change.commit().await
}

/// Whether somebody who knows their password is asked for a code as well.
pub(crate) async fn is_asked(ctx: &OpCtx, user: UserId) -> Result<bool> {
    let row = ctx.read().await?.factor(user).await?;
    Ok(row.is_some_and(|row| row.confirmed_at.is_some()))
}

/// Lets pass whoever has the second factor of `user`: a code that was not used before, or a recovery code, which is
/// used up. `address` is where they come from; `None`: they are signed in already.
///
/// # Errors
/// A wrong `code`; [`Error::Limited`] after too many.
pub async fn check(ctx: &OpCtx, user: UserId, typed: &str, address: Option<&str>) -> Result<()> {
    let keys: Vec<String> = std::iter::once(code_key(user))
        .chain(address.map(person::address_key))
        .collect();
    unlocked(ctx, &keys).await?;
    let right = passes(ctx, user, &plain(typed)).await?;
    count(ctx, &keys, right).await?;
    if right { Ok(()) } else { Err(wrong()) }
}

async fn passes(ctx: &OpCtx, user: UserId, typed: &str) -> Result<bool> {
    let row = ctx.read().await?.factor(user).await?;
    let Some(row) = row.filter(|row| row.confirmed_at.is_some()) else {
        return Ok(false);
    };
    let step = totp::step_of(&opened(ctx, user, &row.secret)?, typed, ctx.now());
    let mut change = ctx.change().await?;
    // A code that was used is no code any more: nobody who looked over a shoulder can use it.
    let right = match step {
        Some(step) => change.tx().use_step(user, step).await?,
        None => {
            change
                .tx()
                .use_recovery_code(user, &hash(typed), ctx.now())
                .await?
        }
    };
    if right && step.is_none() {
        person::told(&mut change, user, "factor.use_recovery_code").await?;
    }
    change.bookkeeping();
    change.commit().await?;
    Ok(right)
}

/// What was typed without the spaces and hyphens that make it readable.
fn plain(typed: &str) -> String {
    typed
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .take(64)
        .collect()
}

fn hash(code: &str) -> String {
    hex::encode(Sha256::digest(plain(code).as_bytes()))
}

fn wrong() -> Error {
    Error::field(
        "code",
        Text::new(
            "this code is wrong, was used or has expired; type the newest one, and check the clock of your phone",
            "验证码错误、已使用或已过期；请输入最新的验证码，并检查手机时间是否准确",
        ),
    )
}
