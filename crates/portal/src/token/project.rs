//! Tokens of a project: for programs that work in nobody's name and go on when people leave.
//!
//! Behind each is an account of its own that nobody signs in to. It holds one role in the project, so that the audit log,
//! the members' page and every check know it as they know people; it is in no list of people to choose from, and no
//! approval rule counts it.

use super::{Made, by_a_person, checked, hash, secret, tell};
use crate::access::{self, Anywhere, At, Authorized, may};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::member::{self, may_give, role_at};
use crate::ports::{BotRecord, NewPerson, TokenRecord};
use slipway_domain::access::{Role, ScopeKind};
use slipway_domain::id::{TokenId, TypedId as _, UserId};
use slipway_domain::member::Holder;
use slipway_domain::person::Person;
use slipway_domain::role::HeldRole;
use slipway_domain::text::Text;
use slipway_domain::token::{ProjectTokenList, Scope, Scopes, TokenRow};

/// The most tokens a project may have at a time.
const MOST: usize = 100;

/// A token to be made.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// What it is called: its account is called so too.
    pub name: String,
    /// The key of the role it holds in the project.
    pub role: String,
    /// What it may do of what the role allows; seeing is always part of it.
    pub scopes: Vec<Scope>,
    /// After how many days it ends.
    pub days: i64,
}

async fn managed(ctx: &OpCtx, org: &str, project: &str) -> Result<Authorized<Anywhere, may::Modify>> {
    access::managed(ctx, At::new(org, Some(project), None)).await
}

/// Whether a token may hold the role: owners are people.
fn is_for_tokens(role: &HeldRole) -> bool {
    !role.is(Role::ProjectOwner)
}

/// The tokens of the project, those that ended within 30 days among them, and the roles that the reader may give to one.
///
/// # Errors
/// As [`access::managed`].
pub async fn list(ctx: &OpCtx, org: &str, project: &str) -> Result<ProjectTokenList> {
    let place = managed(ctx, org, project).await?;
    let granter = ctx.rights().await?.granter(place.scope());
    let as_of = ctx.now();
    let mut tx = ctx.read().await?;
    let custom = tx.custom_roles(place.org_id()).await?;
    let mut roles = member::roles_of(ScopeKind::Project, &custom);
    roles.retain(|role| is_for_tokens(role) && granter.may_give(role));
    Ok(ProjectTokenList {
        place: place.place(),
        tokens: tx.project_tokens(&place.see(), as_of.plus(-super::SHOWN)).await?,
        roles,
        as_of,
    })
}

/// Makes a token of the project.
///
/// # Errors
/// As [`access::managed`]; wrong fields; [`Error::Refused`] `more_than_you_hold`, `by_token`, `too_many_tokens`.
pub async fn create(ctx: &OpCtx, org: &str, project: &str, input: Input) -> Result<Made> {
    by_a_person(ctx)?;
    let place = managed(ctx, org, project).await?;
    let project = place.project_id().ok_or(Error::NotFound)?;
    let name = input.name.trim().to_owned();
    let expires_at = checked(ctx, &name, input.days)?;
    let mut change = ctx.change().await?;
    let role = role_at(change.tx(), &place, &input.role).await?;
    if !is_for_tokens(&role) {
        return Err(Error::field(
            "role",
            Text::new("a token cannot own a project", "令牌不能担任项目所有者"),
        ));
    }
    may_give(ctx, &place, &role).await?;
    let active = change.tx().project_tokens(&place.see(), ctx.now()).await?;
    let active = active.iter().filter(|token| token.token.revoked_at.is_none());
    if active.count() >= MOST {
        return Err(Error::refused(
            "too_many_tokens",
            format!("The project has {MOST} tokens. End one that is not used any more, then try again."),
            format!("项目已有 {MOST} 个令牌。请先吊销不再使用的令牌，再重试。"),
        ));
    }
    let (bot, secret): (UserId, String) = (ctx.id(), secret());
    let account = BotRecord {
        account: NewPerson {
            person: Person {
                id: bot,
                username: format!("bot.{}", bot.uuid().simple()),
                name: name.clone(),
                email: None,
                locale: None,
                created_at: ctx.now(),
                deactivated_at: None,
            },
            password_hash: None,
        },
        project,
        made_by: ctx.user()?.id,
    };
    change.tx().insert_bot(&account).await?;
    member::bind(&mut change, &place, Holder::Person(bot), role.clone()).await?;
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
        user: bot,
        project: Some(project),
        secret_hash: hash(&secret),
    };
    change.tx().insert_token(&record).await?;
    let summary = serde_json::json!({
        "role": role.key(),
        "scopes": record.row.scopes,
        "expires_at": expires_at.rfc3339(),
    });
    tell(
        &mut change,
        "token.create",
        &record.row,
        &[place.place()],
        &summary,
    )
    .await?;
    member::touch(&mut change, &place.place());
    change.commit().await?;
    Ok(Made {
        id: record.row.id,
        secret,
    })
}

/// Ends a token of the project, at once; its account loses its role.
///
/// # Errors
/// As [`create`]; [`Error::NotFound`] for a token of something else.
pub async fn revoke(ctx: &OpCtx, org: &str, project: &str, id: TokenId) -> Result<()> {
    by_a_person(ctx)?;
    let place = managed(ctx, org, project).await?;
    let mut change = ctx.change().await?;
    let Some((bot, token)) = change.tx().project_token(&place.see(), id).await? else {
        return Err(Error::NotFound);
    };
    if token.revoked_at.is_some() {
        // The same click twice.
        return Ok(());
    }
    let now = ctx.now();
    change.tx().revoke_token(bot, id, now).await?;
    change.tx().delete_roles_within(&place, bot).await?;
    change.tx().set_deactivated(bot, Some(now)).await?;
    tell(
        &mut change,
        "token.revoke",
        &token,
        &[place.place()],
        &serde_json::json!({}),
    )
    .await?;
    member::touch(&mut change, &place.place());
    change.commit().await
}
