//! Connections to GitLab: making, testing and using them.

use crate::access::{self, App, Authorized, may};
use crate::change::Entry;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{
    ConnectionRecord, ForgeAccess, ForgeError, RepositoryLink, SourceForge, StoreError, TokenInfo,
};
use parking_lot::Mutex;
use slipway_domain::connection::Connection;
use slipway_domain::id::ConnectionId;
use slipway_domain::name::NameError;
use slipway_domain::text::Text;
use slipway_domain::time::{SECOND, Timestamp};
use std::sync::Arc;

/// The scope a token must have: Slipway reads, commits, and makes merge requests, pipelines and webhooks.
const SCOPE: &str = "api";

/// How old the note of the last good call may be before it is written again, in µs.
const NOTE_EVERY: i64 = 30 * SECOND;

/// A connection to be made or changed.
#[derive(Clone, Debug)]
pub struct Input {
    /// For people.
    pub name: String,
    /// The base URL, without `/api/v4`.
    pub base_url: String,
    /// The access token.
    pub token: String,
}

/// How a test of a connection went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Which connection.
    pub connection: Connection,
    /// Who its token is; `None`: GitLab did not say.
    pub username: Option<String>,
    /// Scopes that the token lacks.
    pub missing: Vec<String>,
    /// When the token ends: a date, `YYYY-MM-DD`.
    pub expires_at: Option<String>,
    /// What is wrong, and what to do; `None`: it works.
    pub trouble: Option<Text>,
}

/// Makes a connection.
///
/// # Errors
/// [`Error::Forbidden`], a wrong or taken name, a wrong address, or the database does not answer.
pub async fn create(ctx: &OpCtx, org: &str, input: Input) -> Result<ConnectionId> {
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    let name = input.name.trim().to_owned();
    if name.is_empty() {
        return Err(Error::name("name", NameError::Empty));
    }
    let base_url = input.base_url.trim().trim_end_matches('/').to_owned();
    if !(base_url.starts_with("https://") || base_url.starts_with("http://")) || base_url.len() > 300 {
        return Err(Error::field(
            "base_url",
            Text::new("start with https:// or http://", "请以 https:// 或 http:// 开头"),
        ));
    }
    if input.token.trim().is_empty() {
        return Err(Error::field(
            "token",
            Text::new("a token is needed", "请填写令牌"),
        ));
    }
    let id = ctx.id::<ConnectionId>();
    let token = ctx.portal().sealer.seal(&id.to_string(), input.token.trim());
    let connection = Connection {
        id,
        name: name.clone(),
        base_url: base_url.clone(),
        last_ok_at: None,
        trouble: None,
    };
    let place = org.place();
    let mut change = ctx.change().await?;
    change
        .tx()
        .put_connection(&ConnectionRecord {
            connection,
            org: org.id(),
            token,
        })
        .await
        .map_err(taken)?;
    let summary = serde_json::json!({ "base_url": base_url });
    change
        .audit(Entry::done(
            "connection.create",
            "connection",
            id,
            name,
            &place,
            summary,
        ))
        .await?;
    change.touch("org", org.id(), &place);
    change.commit().await?;
    Ok(id)
}

fn taken(error: StoreError) -> Error {
    match error {
        StoreError::Constraint(_) => Error::field(
            "name",
            Text::new("another connection has this name", "已有同名连接"),
        ),
        other => other.into(),
    }
}

/// Tests every connection of the organization: for the settings and `check-config`.
///
/// # Errors
/// [`Error::Forbidden`], or the database does not answer. What GitLab says stands in the reports.
pub async fn test(ctx: &OpCtx, org: &str) -> Result<Vec<Report>> {
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    let records = ctx.read().await?.connections(org.id()).await?;
    let mut reports = Vec::new();
    for record in records {
        let answer = match open(ctx, &record) {
            Ok(forge) => forge.token().await,
            Err(error) => Err(error),
        };
        note(ctx, &record, ctx.now(), answer.as_ref().err()).await?;
        reports.push(report(record.connection, answer));
    }
    Ok(reports)
}

fn report(connection: Connection, answer: Result<TokenInfo, ForgeError>) -> Report {
    match answer {
        Ok(info) => {
            // An OAuth 2 token does not tell its scopes.
            let lacks = !info.scopes.is_empty() && !info.scopes.iter().any(|scope| scope == SCOPE);
            let missing: Vec<String> = if lacks { vec![SCOPE.to_owned()] } else { Vec::new() };
            let trouble = lacks.then(|| {
                Text::new(
                    format!(
                        "The token lacks the scope “{SCOPE}”. Make one with it and renew the connection."
                    ),
                    format!("令牌缺少“{SCOPE}”权限范围，请重新创建令牌并更新连接。"),
                )
            });
            Report {
                connection,
                username: Some(info.username),
                missing,
                expires_at: info.expires_at,
                trouble,
            }
        }
        Err(error) => Report {
            connection,
            username: None,
            missing: Vec::new(),
            expires_at: None,
            trouble: Some(detailed(&error)),
        },
    }
}

/// The words for people, with what the adapter saw.
fn detailed(error: &ForgeError) -> Text {
    let text = error.text();
    match error {
        ForgeError::Unreachable(what) => {
            Text::new(format!("{} ({what})", text.en), format!("{}（{what}）", text.zh))
        }
        _ => text,
    }
}

/// A client for a connection.
pub(crate) fn open(ctx: &OpCtx, record: &ConnectionRecord) -> Result<Arc<dyn SourceForge>, ForgeError> {
    let id = record.connection.id.to_string();
    let token = ctx.portal().sealer.open(&id, &record.token).map_err(|error| {
        tracing::error!(%error, connection = id, "the token of a connection does not open");
        ForgeError::BadToken
    })?;
    ctx.portal().forges.connect(&ForgeAccess {
        base_url: record.connection.base_url.clone(),
        token,
    })
}

/// What GitLab said, as the answer of a use case.
pub(crate) fn refused(error: &ForgeError) -> Error {
    let text = error.text();
    match error {
        ForgeError::Forbidden(_) => Error::Refused {
            code: "gitlab_forbidden",
            text,
        },
        ForgeError::NotFound(_) => Error::Refused {
            code: "gitlab_not_found",
            text,
        },
        ForgeError::Refused(_) => Error::Refused {
            code: "gitlab_refused",
            text,
        },
        ForgeError::BadToken
        | ForgeError::Unreachable(_)
        | ForgeError::Limited { .. }
        | ForgeError::Broken(_) => Error::Unavailable { code: "gitlab", text },
    }
}

/// An app's way to its repository.
pub(crate) struct Link {
    /// GitLab.
    pub(crate) forge: Arc<dyn SourceForge>,
    /// Through which connection.
    pub(crate) connection: ConnectionRecord,
    /// Which repository.
    pub(crate) repository: RepositoryLink,
    noted: Mutex<Option<bool>>,
}

/// The way of an app to its repository.
///
/// # Errors
/// [`Error::Refused`] `no_repository` where none is connected; the connection's token does not open.
pub(crate) async fn link<P: may::Permission>(ctx: &OpCtx, app: &Authorized<App, P>) -> Result<Link> {
    let mut tx = ctx.read().await?;
    let (_, repository, _) = tx.app_detail(&app.see()).await?;
    let repository = repository.ok_or_else(|| {
        Error::refused(
            "no_repository",
            "No repository is connected. Connect one first.",
            "尚未连接代码仓库，请先连接。",
        )
    })?;
    let connection = tx
        .connection(app.org_id(), repository.connection)
        .await?
        .ok_or(Error::NotFound)?;
    drop(tx);
    let forge = open(ctx, &connection).map_err(|error| refused(&error))?;
    Ok(Link {
        forge,
        connection,
        repository,
        noted: Mutex::new(None),
    })
}

impl Link {
    /// GitLab's numeric project id.
    pub(crate) fn project(&self) -> i64 {
        self.repository.repository.project_id
    }

    /// Remembers at the connection how a call went, and hands the answer on.
    pub(crate) async fn heard<T: Send>(
        &self,
        ctx: &OpCtx,
        answer: Result<T, ForgeError>,
    ) -> Result<T, ForgeError> {
        let ok = answer.as_ref().err().is_none_or(|error| !is_trouble(error));
        if self.noted.lock().replace(ok) != Some(ok)
            && let Err(error) = note(ctx, &self.connection, ctx.now(), answer.as_ref().err()).await
        {
            tracing::warn!(%error, "how a call went could not be noted");
        }
        answer
    }

    /// As [`heard`](Self::heard), for a use case of a person.
    pub(crate) async fn asked<T: Send>(&self, ctx: &OpCtx, answer: Result<T, ForgeError>) -> Result<T> {
        self.heard(ctx, answer).await.map_err(|error| refused(&error))
    }

    /// The default branch.
    ///
    /// # Errors
    /// [`Error::Refused`] `empty_repository` while there are no commits.
    pub(crate) fn default_branch(&self) -> Result<&str> {
        self.repository
            .repository
            .default_branch
            .as_deref()
            .ok_or_else(empty_repository)
    }
}

/// What to do about a repository without commits.
pub(crate) fn empty_repository() -> Error {
    Error::refused(
        "empty_repository",
        "The repository has no commits yet. Push a first commit, then try again.",
        "仓库还没有任何提交。请先推送一次提交，然后重试。",
    )
}

pub(crate) const fn is_trouble(error: &ForgeError) -> bool {
    error.is_passing() || matches!(error, ForgeError::BadToken)
}

async fn note(
    ctx: &OpCtx,
    record: &ConnectionRecord,
    now: Timestamp,
    error: Option<&ForgeError>,
) -> Result<()> {
    let trouble = error.filter(|e| is_trouble(e)).map(ForgeError::text);
    let known = &record.connection;
    let fresh = known.last_ok_at.is_some_and(|at| now.since(at) < NOTE_EVERY);
    if known.trouble == trouble && (trouble.is_some() || fresh) {
        return Ok(());
    }
    let mut change = ctx.change().await?;
    change.bookkeeping();
    change
        .tx()
        .note_connection(known.id, now, trouble.as_ref())
        .await?;
    change.commit().await
}
