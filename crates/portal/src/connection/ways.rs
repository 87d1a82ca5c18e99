//! Another way in for a connection that is there: from a token to OAuth and back. The apps that use it stay with it.

use super::oauth::{self, Input as Application};
use super::{known, not_the_operators, revocation, sealing};
use crate::access::{self, may};
use crate::change::Entry;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use slipway_domain::id::ConnectionId;
use slipway_domain::text::Text;

/// Lets a connection get in by OAuth. Its token is used until somebody has authorized it, and is then forgotten.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`]; `operator`; `by_oauth` for one that does already; an application without
/// id or secret.
pub async fn use_oauth(
    ctx: &OpCtx,
    org: &str,
    id: ConnectionId,
    application_id: String,
    application_secret: String,
) -> Result<()> {
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    let record = known(ctx, org.id(), id).await?;
    not_the_operators(record.connection.operator)?;
    if record.grant.is_some() {
        return Err(super::by_oauth());
    }
    let input = Application {
        name: record.connection.name.clone(),
        base_url: record.connection.base_url.clone(),
        application_id,
        application_secret,
    };
    let (application, secret) = oauth::application_of(&input)?;
    let sealed = ctx.portal().sealer.seal(&sealing::application(id), &secret);
    let place = org.place();
    let mut change = ctx.change().await?;
    change
        .tx()
        .insert_grant(org.id(), id, &application, &sealed)
        .await?;
    let summary = serde_json::json!({
        "base_url": input.base_url, "oauth_application": application, "to_be_authorized": true,
    });
    change
        .audit(Entry::done(
            "connection.edit",
            "connection",
            id,
            input.name,
            &place,
            summary,
        ))
        .await?;
    change.touch("org", org.id(), &place);
    change.commit().await
}

/// Lets a connection get in by a token. What GitLab gave it before is taken back there.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`]; `operator`; `by_token` for one that does already; no token, where it has
/// none of before.
pub async fn use_token(ctx: &OpCtx, org: &str, id: ConnectionId, token: &str) -> Result<()> {
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    let mut record = known(ctx, org.id(), id).await?;
    not_the_operators(record.connection.operator)?;
    let grant = record.grant.take().ok_or_else(oauth::by_token)?;
    let token = token.trim();
    if !token.is_empty() {
        record.token = ctx.portal().sealer.seal(&id.to_string(), token);
    } else if record.token.is_empty() {
        return Err(Error::field(
            "token",
            Text::new("a token is needed", "请填写令牌"),
        ));
    }
    let place = org.place();
    let mut change = ctx.change().await?;
    revocation::begin(&mut change, &record, &grant).await?;
    change.tx().delete_grant(org.id(), id).await?;
    change.tx().put_connection(&record).await?;
    let (name, base_url) = (record.connection.name, record.connection.base_url);
    let summary = serde_json::json!({ "base_url": base_url, "by": "token" });
    change
        .audit(Entry::done(
            "connection.edit",
            "connection",
            id,
            name,
            &place,
            summary,
        ))
        .await?;
    change.touch("org", org.id(), &place);
    change.commit().await
}
