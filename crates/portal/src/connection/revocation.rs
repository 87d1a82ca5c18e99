//! Taking tokens back at GitLab that nobody will use again: their connection is gone, or was authorized anew.
//!
//! What is to be taken back is written down in the transaction that gives it up, so that no crash forgets it.

use super::sealing;
use crate::change::Change;
use crate::context::{OpCtx, Portal};
use crate::error::{Error, Result};
use crate::jobs::{Job, Next};
use crate::ports::{
    ConnectionRecord, GrantError, GrantRecord, OauthApplication, OauthTokens, RevocationRecord,
};
use serde::{Deserialize, Serialize};
use slipway_domain::id::RevocationId;
use slipway_domain::time::{DAY, MINUTE};

/// How long a GitLab that does not answer is asked, in µs.
const PATIENCE: i64 = 7 * DAY;

/// How long to wait between, in µs.
const PAUSE: i64 = 10 * MINUTE;

/// What it takes.
#[derive(Serialize, Deserialize)]
struct Secrets {
    application: String,
    token: String,
}

/// Has the tokens of a grant taken back, if it has some: they are given up in this change.
///
/// # Errors
/// The database does not answer.
pub(crate) async fn begin(
    change: &mut Change<'_>,
    record: &ConnectionRecord,
    grant: &GrantRecord,
) -> Result<()> {
    let Some(tokens) = &grant.tokens else {
        return Ok(());
    };
    let (portal, id) = (change.ctx().portal().clone(), record.connection.id);
    let opened = || -> Option<Secrets> {
        let application =
            sealing::open(&portal, &sealing::application(id), &grant.application_secret).ok()?;
        // The refresh token ends the access token as well; where there is none, there is only that one.
        let token = if tokens.refresh.is_empty() {
            sealing::open(&portal, &sealing::access(id), &tokens.access).ok()?
        } else {
            sealing::open(&portal, &sealing::refresh(id), &tokens.refresh).ok()?
        };
        Some(Secrets { application, token })
    };
    // Without its key there is nothing to take back by; the log has said so.
    let Some(secrets) = opened() else { return Ok(()) };
    let (base_url, application) = (&record.connection.base_url, &grant.application_id);
    write(change, base_url, application, &secrets).await
}

/// As [`begin`], of tokens that came too late to be kept.
///
/// # Errors
/// The database does not answer.
pub(super) async fn of_late(ctx: &OpCtx, application: &OauthApplication, tokens: &OauthTokens) -> Result<()> {
    let secrets = Secrets {
        application: application.secret.clone(),
        token: tokens.refresh.clone().unwrap_or_else(|| tokens.access.clone()),
    };
    let mut change = ctx.change().await?;
    change.bookkeeping();
    write(&mut change, &application.base_url, &application.id, &secrets).await?;
    change.commit().await
}

async fn write(
    change: &mut Change<'_>,
    base_url: &str,
    application_id: &str,
    secrets: &Secrets,
) -> Result<()> {
    let (id, now) = (change.ctx().id::<RevocationId>(), change.ctx().now());
    let text = serde_json::to_string(secrets).map_err(Error::internal)?;
    let record = RevocationRecord {
        id,
        base_url: base_url.to_owned(),
        application_id: application_id.to_owned(),
        sealed: change.ctx().portal().sealer.seal(&sealing::revocation(id), &text),
        created_at: now,
    };
    change.tx().insert_revocation(&record).await?;
    change.enqueue(&Job::Revoke { revocation: id }, now, None).await
}

/// Takes tokens back. GitLab answers alike whether it knew them, so that asking twice does no harm.
pub(crate) async fn run(ctx: &OpCtx, id: RevocationId) -> Result<Next> {
    let Some(record) = ctx.read().await?.revocation(id).await? else {
        return Ok(Next::Done);
    };
    match ask(ctx.portal(), &record).await {
        Ok(()) => {}
        Err(GrantError::Forge(error))
            if error.is_passing() && ctx.now().since(record.created_at) < PATIENCE =>
        {
            tracing::info!(%error, gitlab = record.base_url, "tokens are taken back later");
            return Ok(Next::At(ctx.now().plus(PAUSE)));
        }
        Err(error) => {
            tracing::warn!(%error, gitlab = record.base_url, "tokens could not be taken back; they end there with their application");
        }
    }
    let mut change = ctx.change().await?;
    change.bookkeeping();
    change.tx().delete_revocation(id).await?;
    change.commit().await?;
    Ok(Next::Done)
}

async fn ask(portal: &Portal, record: &RevocationRecord) -> Result<(), GrantError> {
    let text = sealing::open(portal, &sealing::revocation(record.id), &record.sealed)?;
    let secrets: Secrets = serde_json::from_str(&text)
        .map_err(|_| GrantError::Refused(String::from("what was kept of the tokens cannot be read")))?;
    let application = OauthApplication {
        base_url: record.base_url.clone(),
        id: record.application_id.clone(),
        secret: secrets.application,
    };
    portal.forges.revoke(&application, &secrets.token).await
}
