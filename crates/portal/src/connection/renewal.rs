//! Keeping the tokens of a connection by OAuth 2 fresh.
//!
//! GitLab takes a refresh token once, so that one worker of all replicas renews at a time: who does claims it in the
//! database, and writes what came only over the version that it began with. Everybody else reads again. No transaction
//! is open while GitLab is asked.
//!
//! Whoever dies between GitLab's answer and the commit takes the new tokens along: the next renewal is refused then,
//! and the connection says that it has to be authorized again. So it does when GitLab's answer is lost on its way.

use super::{oauth, revocation, sealing};
use crate::change::Entry;
use crate::context::{OpCtx, Portal};
use crate::error::{Error, Result};
use crate::ports::{
    Bearer, ConnectionRecord, ForgeError, GrantError, GrantRecord, OauthApplication, OauthTokens,
    RenewalFailure, SealedTokens, StoreError,
};
use async_trait::async_trait;
use parking_lot::Mutex;
use slipway_domain::audit::Outcome;
use slipway_domain::connection::{Connection, Oauth};
use slipway_domain::id::{ConnectionId, OrgId};
use slipway_domain::project::Place;
use slipway_domain::text::Text;
use slipway_domain::time::{MINUTE, SECOND, Timestamp};
use std::time::{Duration, Instant};

/// How long before its end an access token is renewed, in µs; half its life, if it does not live twice as long.
const AHEAD: i64 = 5 * MINUTE;

/// How long a renewal is claimed, in µs: longer than GitLab may take to answer.
const CLAIM: i64 = MINUTE;

/// How long to wait after GitLab did not answer, in µs.
const PAUSE: i64 = 10 * SECOND;

/// How long to wait after GitLab did not know the application, in µs.
const LONG_PAUSE: i64 = MINUTE;

/// How long one call waits for the renewal of another.
const PATIENCE: Duration = Duration::from_secs(45);

/// How often it looks meanwhile.
const LOOK: Duration = Duration::from_millis(100);

/// How often tokens are tried to be kept: they are nowhere else.
const TRIES: u32 = 5;

/// The tokens of a connection, as one client sends them.
pub(super) struct Renewal {
    portal: Portal,
    org: OrgId,
    id: ConnectionId,
    /// Where they may be sent, whatever the connection is changed to meanwhile.
    base_url: String,
    held: Mutex<(Option<Oauth>, Option<GrantRecord>)>,
}

/// What came of one try.
enum Tried {
    /// It was renewed.
    Fresh(String),
    /// Something else is there than before.
    Look,
    /// Somebody else renews them.
    Busy,
    /// Not now.
    Failed(ForgeError),
}

/// Tokens as they are kept, with the instants at which they are renewed and end.
pub(super) fn sealed(
    portal: &Portal,
    id: ConnectionId,
    tokens: &OauthTokens,
    now: Timestamp,
) -> SealedTokens {
    let seal = |context: String, token: &str| portal.sealer.seal(&context, token);
    let lives = tokens.lives.map(|seconds| seconds.saturating_mul(SECOND));
    SealedTokens {
        access: seal(sealing::access(id), &tokens.access),
        refresh: tokens
            .refresh
            .as_ref()
            .map(|token| seal(sealing::refresh(id), token))
            .unwrap_or_default(),
        renew_at: lives.map(|lives| now.plus((lives - AHEAD).max(lives / 2))),
        ends_at: lives.map(|lives| now.plus(lives)),
    }
}

impl Renewal {
    /// The tokens of a connection, as they were read.
    pub(super) fn new(portal: &Portal, record: &ConnectionRecord) -> Self {
        Self {
            portal: portal.clone(),
            org: record.org,
            id: record.connection.id,
            base_url: record.connection.base_url.clone(),
            held: Mutex::new((record.connection.oauth.clone(), record.grant.clone())),
        }
    }

    /// Reads again what is kept.
    async fn read(&self) -> Result<ConnectionRecord, ForgeError> {
        let found = async {
            let mut tx = self.portal.store.read().await?;
            tx.connection(self.org, self.id).await
        };
        let record = found.await.map_err(|error| away(&error))?;
        let record = record.filter(|record| record.connection.base_url == self.base_url);
        let record = record.ok_or_else(|| {
            ForgeError::Unauthorized(Text::new(
                "The connection was changed or removed meanwhile. Try again.",
                "连接已被修改或移除，请重试。",
            ))
        })?;
        *self.held.lock() = (record.connection.oauth.clone(), record.grant.clone());
        Ok(record)
    }

    fn access(&self, tokens: &SealedTokens) -> Result<String, ForgeError> {
        sealing::open(&self.portal, &sealing::access(self.id), &tokens.access)
    }

    /// A token that is not `refused`, and good for a while.
    async fn renew(&self, refused: Option<&str>) -> Result<String, ForgeError> {
        let end = Instant::now() + PATIENCE;
        loop {
            let record = self.read().await?;
            let oauth = record.connection.oauth.as_ref();
            let (grant, tokens) = standing(oauth, record.grant.as_ref())?;
            let token = self.access(tokens)?;
            let now = self.portal.clock.now();
            let other = refused.is_none_or(|refused| refused != token);
            if other && tokens.renew_at.is_none_or(|at| now < at) {
                return Ok(token);
            }
            let usable = other && tokens.ends_at.is_none_or(|at| now < at);
            match self.attempt(&record, grant, tokens, now).await? {
                Tried::Fresh(token) => {
                    if let Err(error) = self.read().await {
                        tracing::warn!(%error, "renewed tokens are read again by the next call");
                    }
                    return Ok(token);
                }
                Tried::Look => {}
                // It still does while somebody renews it.
                Tried::Busy | Tried::Failed(_) if usable => return Ok(token),
                Tried::Failed(error) => return Err(error),
                Tried::Busy if Instant::now() >= end => {
                    return Err(ForgeError::Unreachable(String::from(
                        "the token that is being renewed did not come in time",
                    )));
                }
                Tried::Busy => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// One try, as a task of its own: a request that is given up in the middle must not take the tokens along.
    async fn attempt(
        &self,
        record: &ConnectionRecord,
        grant: &GrantRecord,
        tokens: &SealedTokens,
        now: Timestamp,
    ) -> Result<Tried, ForgeError> {
        if let Some((at, failure)) = grant.failure.filter(|(at, _)| now < *at) {
            return Ok(Tried::Failed(failed(failure, at.since(now))));
        }
        let attempt = Attempt {
            ctx: self.portal.system("renew-connection"),
            record: record.clone(),
            grant: grant.clone(),
            tokens: tokens.clone(),
            renewer: hex::encode(rand::random::<[u8; 16]>()),
        };
        match tokio::spawn(attempt.run(now)).await {
            Ok(tried) => tried.map_err(|error| away(&error)),
            Err(error) => Err(away(&error)),
        }
    }
}

#[async_trait]
impl Bearer for Renewal {
    async fn token(&self) -> Result<String, ForgeError> {
        let (oauth, grant) = self.held.lock().clone();
        let (_, tokens) = standing(oauth.as_ref(), grant.as_ref())?;
        if tokens.renew_at.is_none_or(|at| self.portal.clock.now() < at) {
            return self.access(tokens);
        }
        self.renew(None).await
    }

    async fn another(&self, refused: &str) -> Result<String, ForgeError> {
        self.renew(Some(refused)).await
    }
}

/// One try to renew.
struct Attempt {
    ctx: OpCtx,
    record: ConnectionRecord,
    grant: GrantRecord,
    tokens: SealedTokens,
    renewer: String,
}

impl Attempt {
    async fn run(self, now: Timestamp) -> Result<Tried> {
        let mut change = self.ctx.change().await?;
        change.bookkeeping();
        let claimed = change
            .tx()
            .claim_renewal(self.id(), self.grant.version, &self.renewer, now, now.plus(CLAIM))
            .await?;
        change.commit().await?;
        if claimed {
            self.ask().await
        } else {
            Ok(Tried::Busy)
        }
    }

    fn id(&self) -> ConnectionId {
        self.record.connection.id
    }

    /// Asks GitLab. Nobody else does.
    async fn ask(&self) -> Result<Tried> {
        let portal = self.ctx.portal();
        if self.tokens.refresh.is_empty() {
            return self.end().await;
        }
        let opened = oauth::application(&self.ctx, &self.record, &self.grant).and_then(|application| {
            let context = sealing::refresh(self.id());
            let refresh = sealing::open(portal, &context, &self.tokens.refresh)?;
            Ok((application, refresh))
        });
        let (application, refresh) = match opened {
            Ok(opened) => opened,
            Err(error) => return self.postpone(RenewalFailure::Unanswered, LONG_PAUSE, error).await,
        };
        let redirect_uri = oauth::redirect_uri(&self.ctx);
        let answer = portal.forges.refresh(&application, &refresh, &redirect_uri).await;
        match answer {
            Ok(fresh) => self.finish(&application, &fresh).await,
            Err(GrantError::Refused(why)) => {
                tracing::warn!(connection = %self.id(), why, "GitLab takes the refresh token of a connection no longer");
                self.end().await
            }
            Err(GrantError::Application(_)) => {
                let error = ForgeError::Unauthorized(oauth::wrong_application());
                self.postpone(RenewalFailure::Application, LONG_PAUSE, error)
                    .await
            }
            Err(GrantError::Forge(error)) => {
                let pause = match &error {
                    ForgeError::Limited { retry_after } => {
                        i64::try_from(*retry_after).unwrap_or(60).saturating_mul(SECOND)
                    }
                    error if error.is_passing() => PAUSE,
                    _ => LONG_PAUSE,
                };
                self.postpone(RenewalFailure::Unanswered, pause, error).await
            }
        }
    }

    /// Keeps what GitLab gave. The old tokens work no longer, so that these are tried to be kept for a while.
    async fn finish(&self, application: &OauthApplication, fresh: &OauthTokens) -> Result<Tried> {
        let (id, version) = (self.id(), self.grant.version);
        let tokens = sealed(self.ctx.portal(), id, fresh, self.ctx.now());
        let (mut tried, mut pause) = (0, Duration::from_millis(200));
        loop {
            tried += 1;
            let keep = async {
                let mut change = self.ctx.change().await?;
                change.bookkeeping();
                change
                    .tx()
                    .finish_renewal(id, version, &self.renewer, &tokens)
                    .await?;
                change.commit().await
            };
            match keep.await {
                Ok(()) => return Ok(Tried::Fresh(fresh.access.clone())),
                Err(Error::Conflict { .. }) => {
                    // It was authorized anew, changed or removed meanwhile.
                    revocation::of_late(&self.ctx, application, fresh).await?;
                    return Ok(Tried::Look);
                }
                Err(error) if tried == TRIES => return Err(error),
                Err(error) => tracing::warn!(%error, connection = %id, "renewed tokens are not kept yet"),
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    async fn postpone(&self, failure: RenewalFailure, pause: i64, error: ForgeError) -> Result<Tried> {
        let (id, version) = (self.id(), self.grant.version);
        let retry_at = self.ctx.now().plus(pause);
        let mut change = self.ctx.change().await?;
        change.bookkeeping();
        let put = change
            .tx()
            .postpone_renewal(id, version, &self.renewer, retry_at, failure);
        match put.await {
            Ok(()) => change.commit().await?,
            Err(StoreError::Gone) => return Ok(Tried::Look),
            Err(error) => return Err(error.into()),
        }
        Ok(Tried::Failed(error))
    }

    /// The authorization is over: says so at the connection and in the audit log.
    async fn end(&self) -> Result<Tried> {
        let (id, version, now) = (self.id(), self.grant.version, self.ctx.now());
        let text = ended(self.record.connection.oauth.as_ref());
        let mut change = self.ctx.change().await?;
        match change.tx().end_grant(id, version, &self.renewer).await {
            Ok(()) => {}
            Err(StoreError::Gone) => return Ok(Tried::Look),
            Err(error) => return Err(error.into()),
        }
        change.tx().note_connection(id, now, Some(&text)).await?;
        let org = change
            .tx()
            .orgs()
            .await?
            .into_iter()
            .find(|org| org.id == self.record.org);
        if let Some(org) = org {
            let place = Place {
                org,
                project: None,
                app: None,
            };
            let Connection {
                name,
                base_url,
                oauth,
                ..
            } = self.record.connection.clone();
            let user = oauth.and_then(|oauth| oauth.authorized).map(|by| by.username);
            let summary = serde_json::json!({ "base_url": base_url, "gitlab_user": user });
            let entry = Entry::done("connection.renew", "connection", id, name, &place, summary);
            let entry = Entry {
                outcome: Outcome::Failed,
                ..entry
            };
            change.audit(entry).await?;
            change.touch("org", place.org.id, &place);
        } else {
            change.bookkeeping();
        }
        change.commit().await?;
        Ok(Tried::Look)
    }
}

/// The grant and its tokens, if it is in force.
fn standing<'g>(
    oauth: Option<&Oauth>,
    grant: Option<&'g GrantRecord>,
) -> Result<(&'g GrantRecord, &'g SealedTokens), ForgeError> {
    grant
        .and_then(|grant| Some((grant, grant.tokens.as_ref()?)))
        .ok_or_else(|| ForgeError::Unauthorized(ended(oauth)))
}

/// That a connection has to be authorized: again, where it was before.
fn ended(oauth: Option<&Oauth>) -> Text {
    match oauth.and_then(|oauth| oauth.authorized.as_ref()) {
        Some(by) => Text::new(
            format!(
                "GitLab no longer takes the authorization that {} gave as @{}. An owner or admin of the organization has to \
                 authorize the connection again (Settings → GitLab).",
                by.by, by.username
            ),
            format!(
                "GitLab 不再接受 {} 以 @{} 的身份授予的授权。请组织所有者或管理员在“设置 → GitLab”中重新授权该连接。",
                by.by, by.username
            ),
        ),
        None => Text::new(
            "Nobody has authorized this connection at GitLab yet. An owner or admin of the organization does it in the \
             settings (Settings → GitLab).",
            "该连接尚未在 GitLab 授权。请组织所有者或管理员在“设置 → GitLab”中完成授权。",
        ),
    }
}

/// What is said while a failure is not tried again.
fn failed(failure: RenewalFailure, micros: i64) -> ForgeError {
    match failure {
        RenewalFailure::Unanswered => ForgeError::Unreachable(format!(
            "the token could not be renewed; it is tried again in {} s",
            micros / SECOND + 1
        )),
        RenewalFailure::Application => ForgeError::Unauthorized(oauth::wrong_application()),
    }
}

/// Slipway's own database stands in the way.
fn away(error: &dyn std::error::Error) -> ForgeError {
    tracing::error!(%error, "the tokens of a connection could not be read or kept");
    ForgeError::Unreachable(String::from(
        "Slipway's database did not answer when the token was needed",
    ))
}
