//! Connections to GitLab: making, testing and using them. Those that get in by OAuth 2 have their way in [`oauth`], and
//! their tokens are kept fresh by `renewal`.

pub mod oauth;
mod renewal;
pub(crate) mod revocation;
pub(crate) mod sealing;
pub mod ways;

use crate::access::{self, App, At, Authorized, Managed, Org, may};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{
    ConnectionRecord, Credential, ForgeAccess, ForgeError, GrantRecord, RepositoryLink, SourceForge,
    StoreError, TokenInfo,
};
use crate::version;
use parking_lot::Mutex;
use renewal::Renewal;
use slipway_domain::connection::{Connection, ConnectionList, ConnectionReport, SCOPE};
use slipway_domain::id::{ConnectionId, OrgId};
use slipway_domain::name::NameError;
use slipway_domain::text::Text;
use slipway_domain::time::{SECOND, Timestamp};
use std::sync::Arc;

/// How old the note of the last good call may be before it is written again, in µs.
const NOTE_EVERY: i64 = 30 * SECOND;

/// A connection to be made or changed.
#[derive(Clone, Debug)]
pub struct Input {
    /// For people.
    pub name: String,
    /// The base URL, without `/api/v4`.
    pub base_url: String,
    /// The access token; nothing: the one it has.
    pub token: String,
}

/// Makes a connection.
///
/// # Errors
/// [`Error::Forbidden`], a wrong or taken name, an address that is wrong or out of bounds, or the database does not
/// answer.
pub async fn create(ctx: &OpCtx, org: &str, input: Input) -> Result<ConnectionId> {
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    let (name, base_url) = checked(ctx, &input.name, &input.base_url).await?;
    if input.token.trim().is_empty() {
        return Err(Error::field(
            "token",
            Text::new("a token is needed", "请填写令牌"),
        ));
    }
    let id = ctx.id::<ConnectionId>();
    let record = ConnectionRecord {
        connection: Connection {
            id,
            name,
            base_url,
            last_ok_at: None,
            trouble: None,
            operator: false,
            report: None,
            oauth: None,
        },
        org: org.id(),
        token: ctx.portal().sealer.seal(&id.to_string(), input.token.trim()),
        grant: None,
    };
    keep(ctx, &org, record, "connection.create").await?;
    Ok(id)
}

/// Changes a connection. Without a token the one it has stays, as long as the address does: a token is never sent
/// to another server than the one it was given for.
///
/// # Errors
/// As [`create`]; [`Error::NotFound`]; `operator` for one that the configuration brought along; `by_oauth`.
pub async fn edit(ctx: &OpCtx, org: &str, id: ConnectionId, input: Input) -> Result<()> {
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    let mut record = known(ctx, org.id(), id).await?;
    not_the_operators(record.connection.operator)?;
    if record.grant.is_some() {
        return Err(by_oauth());
    }
    let (name, base_url) = checked(ctx, &input.name, &input.base_url).await?;
    if input.token.trim().is_empty() {
        if base_url != record.connection.base_url {
            return Err(Error::field(
                "token",
                Text::new(
                    "another address needs its own token",
                    "更换地址后，请填写新地址的令牌",
                ),
            ));
        }
    } else {
        record.token = ctx.portal().sealer.seal(&id.to_string(), input.token.trim());
    }
    record.connection.name = name;
    record.connection.base_url = base_url;
    keep(ctx, &org, record, "connection.edit").await
}

fn by_oauth() -> Error {
    Error::refused(
        "by_oauth",
        "This connection gets in by OAuth, not by a token. Change its application, or let it get in by a token first.",
        "该连接通过 OAuth 接入，不使用令牌。请修改其应用，或先将其改为令牌接入。",
    )
}

/// Forgets a connection that no app uses.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`]; `operator`; `in_use`.
pub async fn remove(ctx: &OpCtx, org: &str, id: ConnectionId) -> Result<()> {
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    let record = known(ctx, org.id(), id).await?;
    not_the_operators(record.connection.operator)?;
    let place = org.place();
    let mut change = ctx.change().await?;
    if let Some(grant) = &record.grant {
        revocation::begin(&mut change, &record, grant).await?;
        change.tx().delete_grant(org.id(), id).await?;
    }
    change
        .tx()
        .delete_connection(org.id(), id)
        .await
        .map_err(|error| match error {
            StoreError::Constraint(_) => Error::refused(
                "in_use",
                "Apps use this connection. Connect them to other repositories first.",
                "仍有应用使用该连接，请先为这些应用更换仓库。",
            ),
            other => other.into(),
        })?;
    let name = record.connection.name;
    change
        .audit(Entry::done(
            "connection.remove",
            "connection",
            id,
            name,
            &place,
            serde_json::json!({}),
        ))
        .await?;
    change.touch("org", org.id(), &place);
    change.commit().await
}

/// The connections of an organization, by name: never their tokens.
///
/// # Errors
/// [`Error::Forbidden`], or the database does not answer.
pub async fn list(ctx: &OpCtx, org: &str) -> Result<ConnectionList> {
    let Managed::Org(org) = access::managed_place(ctx, At::new(org, None, None)).await? else {
        return Err(Error::NotFound);
    };
    let records = ctx.read().await?.connections(org.id()).await?;
    Ok(ConnectionList {
        org: org.org.clone(),
        connections: records.into_iter().map(|record| record.connection).collect(),
        redirect_uri: oauth::redirect_uri(ctx),
    })
}

async fn known(ctx: &OpCtx, org: OrgId, id: ConnectionId) -> Result<ConnectionRecord> {
    ctx.read()
        .await?
        .connection(org, id)
        .await?
        .ok_or(Error::NotFound)
}

/// Refuses to change what the next start would put back.
pub(crate) fn not_the_operators(operator: bool) -> Result<()> {
    if !operator {
        return Ok(());
    }
    Err(Error::refused(
        "operator",
        "The server's configuration brings this along. Whoever runs the server changes it there.",
        "该项来自服务器配置，请联系服务器管理员修改配置。",
    ))
}

/// Name and address as they are kept.
async fn checked(ctx: &OpCtx, name: &str, base_url: &str) -> Result<(String, String)> {
    let name = name.trim().to_owned();
    if name.is_empty() {
        return Err(Error::name("name", NameError::Empty));
    }
    let base_url = base_url.trim().trim_end_matches('/').to_owned();
    if !(base_url.starts_with("https://") || base_url.starts_with("http://")) || base_url.len() > 300 {
        return Err(Error::field(
            "base_url",
            Text::new("start with https:// or http://", "请以 https:// 或 http:// 开头"),
        ));
    }
    if base_url.contains(['@', '?', '#']) {
        return Err(Error::field(
            "base_url",
            Text::new(
                "use the address alone, without a name, a password or a query",
                "只需填写地址，请去掉用户名、密码和查询参数",
            ),
        ));
    }
    if let Err(error) = ctx.portal().forges.admits(&base_url).await {
        return Err(Error::field("base_url", error.text()));
    }
    Ok((name, base_url))
}

async fn keep(
    ctx: &OpCtx,
    org: &Authorized<Org, may::OrgManage>,
    record: ConnectionRecord,
    action: &'static str,
) -> Result<()> {
    let place = org.place();
    let mut change = ctx.change().await?;
    only_on(&mut change, org.id(), record.connection.id).await?;
    change.tx().put_connection(&record).await.map_err(taken)?;
    let Connection {
        id, name, base_url, ..
    } = record.connection;
    let summary = serde_json::json!({ "base_url": base_url });
    change
        .audit(Entry::done(action, "connection", id, name, &place, summary))
        .await?;
    change.touch("org", org.id(), &place);
    change.commit().await
}

/// Keeps others from changing the connection, and refuses the update where it is not the one it was to be made on.
async fn only_on(change: &mut Change<'_>, org: OrgId, id: ConnectionId) -> Result<()> {
    change.tx().lock_org(org).await?;
    if let Some(now) = change.tx().connection(org, id).await? {
        change.only_on(version::connection(&now.connection))?;
    }
    Ok(())
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

/// Tests a connection and keeps the report: who the token is, which scopes it lacks, when it ends.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`]. What GitLab says stands in the report.
pub async fn test(ctx: &OpCtx, org: &str, id: ConnectionId) -> Result<ConnectionReport> {
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    let record = known(ctx, org.id(), id).await?;
    let answer = match open(ctx, &record) {
        Ok(forge) => forge.token().await,
        Err(error) => Err(error),
    };
    note(ctx, &record, ctx.now(), answer.as_ref().err()).await?;
    let report = report(ctx.now(), in_use(&record).is_some(), answer);
    let place = org.place();
    let mut change = ctx.change().await?;
    change.bookkeeping();
    change.tx().report_connection(org.id(), id, &report).await?;
    change.touch("org", org.id(), &place);
    change.commit().await?;
    Ok(report)
}

fn report(at: Timestamp, by_oauth: bool, answer: Result<TokenInfo, ForgeError>) -> ConnectionReport {
    match answer {
        Ok(info) => {
            let lacks = !info.scopes.is_empty() && !info.scopes.iter().any(|scope| scope == SCOPE);
            let missing: Vec<String> = if lacks { vec![SCOPE.to_owned()] } else { Vec::new() };
            let trouble = lacks.then(|| lacking(by_oauth));
            ConnectionReport {
                at,
                username: Some(info.username),
                missing,
                expires_at: info.expires_at,
                trouble,
            }
        }
        Err(error) => ConnectionReport {
            at,
            username: None,
            missing: Vec::new(),
            expires_at: None,
            trouble: Some(detailed(&error)),
        },
    }
}

/// What to do about a missing scope.
fn lacking(by_oauth: bool) -> Text {
    if by_oauth {
        Text::new(
            format!(
                "The authorization lacks the scope “{SCOPE}”. Give the application that scope in GitLab, then authorize \
                 the connection again."
            ),
            format!("授权缺少“{SCOPE}”权限范围。请在 GitLab 中为应用勾选该范围，然后重新授权。"),
        )
    } else {
        Text::new(
            format!("The token lacks the scope “{SCOPE}”. Make one with it and renew the connection."),
            format!("令牌缺少“{SCOPE}”权限范围，请重新创建令牌并更新连接。"),
        )
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

/// The grant by which a connection gets in: not before somebody authorized it, where it has a token until then.
fn in_use(record: &ConnectionRecord) -> Option<&GrantRecord> {
    let grant = record.grant.as_ref()?;
    (grant.tokens.is_some() || record.token.is_empty()).then_some(grant)
}

/// A client for a connection: the one way in, whatever the connection gets in by.
pub(crate) fn open(ctx: &OpCtx, record: &ConnectionRecord) -> Result<Arc<dyn SourceForge>, ForgeError> {
    let portal = ctx.portal();
    let credential = match in_use(record) {
        Some(_) => Credential::Bearer(Arc::new(Renewal::new(portal, record))),
        None => Credential::Token(sealing::open(
            portal,
            &record.connection.id.to_string(),
            &record.token,
        )?),
    };
    portal.forges.connect(&ForgeAccess {
        base_url: record.connection.base_url.clone(),
        credential,
        operator: record.connection.operator,
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
        ForgeError::OutOfBounds(_) => Error::Refused {
            code: "out_of_bounds",
            text,
        },
        ForgeError::Refused(_) => Error::Refused {
            code: "gitlab_refused",
            text,
        },
        ForgeError::BadToken
        | ForgeError::Unauthorized(_)
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
    error.is_passing()
        || matches!(
            error,
            ForgeError::BadToken | ForgeError::Unauthorized(_) | ForgeError::OutOfBounds(_)
        )
}

/// Remembers at a connection how a call went.
pub(crate) async fn note(
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
