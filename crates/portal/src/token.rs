//! API tokens: made and ended by a person in the browser, used by programs.

pub mod project;

use crate::access;
use crate::change::Entry;
use crate::context::{OpCtx, Portal};
use crate::error::{Error, FieldError, Result};
use crate::org;
use crate::ports::TokenRecord;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use slipway_domain::id::{ProjectId, TokenId};
use slipway_domain::person::Person;
use slipway_domain::project::Place;
use slipway_domain::text::Text;
use slipway_domain::time::{DAY, MINUTE};
use slipway_domain::token::{
    DAYS_MAX, NAME_MAX, PREFIX, Scope, Scopes, TokenList, TokenRow, TokenState, end_after, is_token,
};

/// How often the use of a token is written down, in µs.
const TOUCH: i64 = 5 * MINUTE;

/// How long a token is shown after it has ended, in µs.
const SHOWN: i64 = 30 * DAY;

/// The most tokens somebody may have at a time.
const MOST: i64 = 100;

/// What a request may do that brought a token: shared by everything that is done in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenUse {
    /// Which token.
    pub id: TokenId,
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// The only project it opens; `None`: all that its owner may see.
    pub project: Option<ProjectId>,
}

/// A token to be made.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// What its owner calls it.
    pub name: String,
    /// What it may do; seeing is always part of it.
    pub scopes: Vec<Scope>,
    /// After how many days it ends.
    pub days: i64,
}

/// A token that was made. The secret is known to nobody else, and never again.
pub struct Made {
    /// Which.
    pub id: TokenId,
    /// What to send as a bearer token.
    pub secret: String,
}

/// The reader's tokens; those that ended within 30 days among them.
///
/// # Errors
/// Nobody is signed in, or the database does not answer.
pub async fn list(ctx: &OpCtx) -> Result<TokenList> {
    let user = ctx.user()?.id;
    let as_of = ctx.now();
    let tokens = ctx.read().await?.tokens_of(user, as_of.plus(-SHOWN)).await?;
    Ok(TokenList {
        tokens,
        scopes: offered(ctx).await?,
        as_of,
    })
}

/// The scopes that the reader may give to a token: only an operator can have it act as one.
async fn offered(ctx: &OpCtx) -> Result<Vec<Scope>> {
    Ok(Scope::offered(access::is_operator(ctx).await?))
}

/// Makes a token of the reader's own.
///
/// # Errors
/// Wrong fields; [`Error::Refused`] `by_token` for a token that would make another, `too_many_tokens`.
pub async fn create(ctx: &OpCtx, input: Input) -> Result<Made> {
    let user = ctx.user()?.id;
    by_a_person(ctx)?;
    let name = input.name.trim().to_owned();
    let expires_at = checked(ctx, &name, input.days)?;
    let offered = offered(ctx).await?;
    if input.scopes.iter().any(|scope| !offered.contains(scope)) {
        return Err(Error::field(
            "scopes",
            Text::new(
                "only an operator of the server can have a token act as one",
                "只有服务器管理员才能创建以管理员身份操作的令牌",
            ),
        ));
    }
    let secret = secret();
    let record = TokenRecord {
        row: TokenRow {
            id: ctx.id(),
            name,
            scopes: Scopes::of(&input.scopes),
            created_at: ctx.now(),
            expires_at,
            last_used_at: None,
            revoked_at: None,
        },
        user,
        project: None,
        secret_hash: hash(&secret),
    };
    let summary = serde_json::json!({
        "scopes": record.row.scopes,
        "expires_at": expires_at.rfc3339(),
    });
    let places = places(ctx).await?;
    let mut change = ctx.change().await?;
    if change.tx().count_tokens(user, ctx.now()).await? >= MOST {
        return Err(Error::refused(
            "too_many_tokens",
            format!("You have {MOST} tokens. End one that is not used any more, then try again."),
            format!("你已有 {MOST} 个令牌。请先吊销不再使用的令牌，再重试。"),
        ));
    }
    change.tx().insert_token(&record).await?;
    tell(&mut change, "token.create", &record.row, &places, &summary).await?;
    change.commit().await?;
    Ok(Made {
        id: record.row.id,
        secret,
    })
}

fn secret() -> String {
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()))
}

fn checked(ctx: &OpCtx, name: &str, days: i64) -> Result<slipway_domain::time::Timestamp> {
    let mut wrong = Vec::new();
    if name.is_empty() || name.chars().count() > NAME_MAX || name.chars().any(char::is_control) {
        wrong.push(FieldError {
            field: String::from("name"),
            text: Text::new(
                format!("say in 1 to {NAME_MAX} characters what it is for"),
                format!("请用 1 到 {NAME_MAX} 个字符说明用途"),
            ),
        });
    }
    let end = end_after(ctx.now(), days);
    if end.is_none() {
        wrong.push(FieldError {
            field: String::from("days"),
            text: Text::new(
                format!("choose a life of 1 to {DAYS_MAX} days"),
                format!("有效期须为 1 到 {DAYS_MAX} 天"),
            ),
        });
    }
    match end {
        Some(end) if wrong.is_empty() => Ok(end),
        _ => Err(Error::Invalid(wrong)),
    }
}

/// Ends a token of the reader's own, at once.
///
/// # Errors
/// [`Error::NotFound`] for a token that is not theirs; as [`create`].
pub async fn revoke(ctx: &OpCtx, id: TokenId) -> Result<()> {
    let user = ctx.user()?.id;
    by_a_person(ctx)?;
    let places = places(ctx).await?;
    let mut change = ctx.change().await?;
    let token = change.tx().token_of(user, id).await?.ok_or(Error::NotFound)?;
    if token.revoked_at.is_some() {
        // The same click twice.
        return Ok(());
    }
    change.tx().revoke_token(user, id, ctx.now()).await?;
    tell(
        &mut change,
        "token.revoke",
        &token,
        &places,
        &serde_json::json!({}),
    )
    .await?;
    change.commit().await
}

/// Who a token speaks for. Neither a wrong token nor one that has ended says why it is refused.
///
/// # Errors
/// [`Error::Unauthenticated`], or the database does not answer.
pub async fn authenticate(portal: &Portal, secret: &str) -> Result<(Person, TokenUse)> {
    if !is_token(secret) {
        return Err(Error::Unauthenticated);
    }
    let now = portal.clock.now();
    let mut tx = portal.store.read().await?;
    let token = tx
        .token_by_hash(&hash(secret))
        .await?
        .filter(|token| token.row.state(now) == TokenState::Active)
        .ok_or(Error::Unauthenticated)?;
    let person = tx.person(token.user).await?;
    drop(tx);
    let person = person
        .filter(|person| person.deactivated_at.is_none())
        .ok_or(Error::Unauthenticated)?;
    if token.row.last_used_at.is_none_or(|at| now.since(at) > TOUCH) {
        // The answer does not depend on it.
        if let Err(error) = touch(portal, token.row.id).await {
            tracing::warn!(%error, token = %token.row.id, "the use of a token was not written down");
        }
    }
    let used = TokenUse {
        id: token.row.id,
        name: token.row.name,
        scopes: token.row.scopes,
        project: token.project,
    };
    Ok((person, used))
}

async fn touch(portal: &Portal, id: TokenId) -> Result<()> {
    let ctx = portal.system("token");
    let mut change = ctx.change().await?;
    change.bookkeeping();
    change.tx().touch_token(id, ctx.now()).await?;
    change.commit().await
}

/// A token neither makes tokens nor ends them: what leaks must not be able to stay.
fn by_a_person(ctx: &OpCtx) -> Result<()> {
    match ctx.token() {
        None => Ok(()),
        Some(_) => Err(Error::refused(
            "by_token",
            "A token cannot make or end tokens. Do it in the browser.",
            "令牌不能创建或吊销令牌，请在浏览器中操作。",
        )),
    }
}

/// Tokens work everywhere that their owner may be, so the log of each organization has them.
async fn places(ctx: &OpCtx) -> Result<Vec<Place>> {
    let orgs = org::list(ctx).await?;
    let place = |org| Place {
        org,
        project: None,
        app: None,
    };
    Ok(orgs.into_iter().map(place).collect())
}

async fn tell(
    change: &mut crate::change::Change<'_>,
    action: &'static str,
    token: &TokenRow,
    places: &[Place],
    summary: &serde_json::Value,
) -> Result<()> {
    if places.is_empty() {
        // Somebody who is nowhere yet: there is no log that it could stand in.
        change.bookkeeping();
    }
    for place in places {
        change
            .audit(Entry::done(
                action,
                "token",
                token.id,
                token.name.clone(),
                place,
                summary.clone(),
            ))
            .await?;
    }
    Ok(())
}

fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}
