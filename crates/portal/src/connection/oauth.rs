//! Connections that get in by OAuth 2 (RFC 6749, with PKCE, RFC 7636): making them, sending a person to GitLab to
//! authorize one, and taking in what they come back with.
//!
//! Where somebody left from is in the database: an answer counts for the connection it was asked for, in the session
//! that asked, once, and for [`AWAY`].

use super::{checked, known, not_the_operators, only_on, refused, report, revocation, sealing, taken};
use crate::access::{self, Authorized, Org, may};
use crate::change::Entry;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{
    AskingGrant, Bearer, CodeGrant, ConnectionRecord, Credential, ForgeAccess, ForgeError, GrantError,
    GrantRecord, NewGrant, OauthApplication, OauthTokens, StoreError, TokenInfo, TripRecord,
};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use slipway_domain::connection::{Connection, SCOPE};
use slipway_domain::id::ConnectionId;
use slipway_domain::org::OrgRef;
use slipway_domain::text::Text;
use slipway_domain::time::{DAY, MINUTE};
use std::sync::Arc;

/// The path that GitLab sends people back to.
pub const CALLBACK: &str = "/connections/gitlab/callback";

/// How long somebody may stay away, in µs.
const AWAY: i64 = 10 * MINUTE;

/// The longest id and the longest secret of an application that are kept, in bytes.
const APPLICATION_MAX: usize = 500;

/// The address that GitLab sends people back to: to be entered there at the application.
pub(super) fn redirect_uri(ctx: &OpCtx) -> String {
    format!("{}{CALLBACK}", ctx.portal().public_url)
}

/// The page of Slipway on which a person sends themselves to GitLab to authorize a connection.
pub fn authorize_page(ctx: &OpCtx, org: &str, id: ConnectionId) -> String {
    format!("{}/orgs/{org}/settings/gitlab#{id}", ctx.portal().public_url)
}

/// A connection by OAuth to be made or changed.
#[derive(Clone, Debug)]
pub struct Input {
    /// For people.
    pub name: String,
    /// The base URL, without `/api/v4`.
    pub base_url: String,
    /// The id of the application that is registered in GitLab.
    pub application_id: String,
    /// Its secret; nothing: the one it has.
    pub application_secret: String,
}

/// Makes a connection. It works once somebody has authorized it.
///
/// # Errors
/// [`Error::Forbidden`], a wrong or taken name, an address that is wrong or out of bounds, an application without id or
/// secret, or the database does not answer.
pub async fn create(ctx: &OpCtx, org: &str, input: Input) -> Result<ConnectionId> {
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    let (name, base_url) = checked(ctx, &input.name, &input.base_url).await?;
    let (application_id, secret) = application_of(&input)?;
    let id = ctx.id::<ConnectionId>();
    let record = ConnectionRecord {
        connection: Connection {
            id,
            name: name.clone(),
            base_url: base_url.clone(),
            last_ok_at: None,
            trouble: None,
            operator: false,
            report: None,
            oauth: None,
        },
        org: org.id(),
        token: String::new(),
        grant: None,
    };
    let sealed = ctx.portal().sealer.seal(&sealing::application(id), &secret);
    let place = org.place();
    let mut change = ctx.change().await?;
    change.tx().put_connection(&record).await.map_err(taken)?;
    change
        .tx()
        .insert_grant(org.id(), id, &application_id, &sealed)
        .await?;
    let summary = serde_json::json!({ "base_url": base_url, "oauth_application": application_id });
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

/// Changes a connection. Another address or application has to be authorized anew, and needs its own secret: neither a
/// secret nor a token is sent to another server than the one it was given for.
///
/// # Errors
/// As [`create`]; [`Error::NotFound`]; `operator` for one that the configuration brought along; `by_token`.
pub async fn edit(ctx: &OpCtx, org: &str, id: ConnectionId, input: Input) -> Result<()> {
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    let mut record = known(ctx, org.id(), id).await?;
    not_the_operators(record.connection.operator)?;
    let grant = record.grant.take().ok_or_else(by_token)?;
    let (name, base_url) = checked(ctx, &input.name, &input.base_url).await?;
    let application_id = application_id(&input)?;
    let forget = base_url != record.connection.base_url || application_id != grant.application_id;
    let sealed = match secret(&input)? {
        Some(secret) => ctx.portal().sealer.seal(&sealing::application(id), &secret),
        None if forget => {
            return Err(Error::field(
                "application_secret",
                Text::new(
                    "another address or application needs its own secret",
                    "更换地址或应用后，请填写对应的密钥",
                ),
            ));
        }
        None => grant.application_secret.clone(),
    };
    let place = org.place();
    let mut change = ctx.change().await?;
    only_on(&mut change, org.id(), id).await?;
    if forget {
        revocation::begin(&mut change, &record, &grant).await?;
    }
    change
        .tx()
        .set_application(org.id(), id, &application_id, &sealed, forget)
        .await?;
    record.connection.name.clone_from(&name);
    record.connection.base_url.clone_from(&base_url);
    change.tx().put_connection(&record).await.map_err(taken)?;
    let summary = serde_json::json!({
        "base_url": base_url, "oauth_application": application_id, "to_be_authorized": forget,
        "new_secret": !input.application_secret.trim().is_empty(),
    });
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

/// The application's id and its secret, which must be there.
pub(super) fn application_of(input: &Input) -> Result<(String, String)> {
    let id = application_id(input)?;
    let secret = secret(input)?.ok_or_else(|| {
        Error::field(
            "application_secret",
            Text::new("the application's secret is needed", "请填写应用的密钥"),
        )
    })?;
    Ok((id, secret))
}

pub(super) fn by_token() -> Error {
    Error::refused(
        "by_token",
        "This connection gets in by a token, not by OAuth. Change its token, or let it get in by OAuth first.",
        "该连接使用令牌接入，不通过 OAuth。请修改其令牌，或先将其改为 OAuth 接入。",
    )
}

fn application_id(input: &Input) -> Result<String> {
    let id = input.application_id.trim();
    let fine = !id.is_empty() && id.len() <= APPLICATION_MAX && id.bytes().all(|b| b.is_ascii_graphic());
    fine.then(|| id.to_owned()).ok_or_else(|| {
        Error::field(
            "application_id",
            Text::new(
                "copy the application id that GitLab shows",
                "请复制 GitLab 显示的应用 ID",
            ),
        )
    })
}

/// The secret that was typed, if one was.
fn secret(input: &Input) -> Result<Option<String>> {
    let secret = input.application_secret.trim();
    if secret.len() > APPLICATION_MAX {
        return Err(Error::field(
            "application_secret",
            Text::new(
                "copy the secret that GitLab shows: this is longer than any",
                "请复制 GitLab 显示的密钥：填写的内容过长",
            ),
        ));
    }
    Ok((!secret.is_empty()).then(|| secret.to_owned()))
}

fn random() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

fn hash(state: &str) -> String {
    hex::encode(Sha256::digest(state.as_bytes()))
}

/// Where to send the actor, who is to authorize a connection at GitLab: a URL that works in their session alone.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`]; `by_token`; `no_session` for programs, which have none.
pub async fn authorize(ctx: &OpCtx, org: &str, id: ConnectionId) -> Result<String> {
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    let record = known(ctx, org.id(), id).await?;
    let grant = record.grant.ok_or_else(by_token)?;
    let user = ctx.user()?.id;
    let session = ctx.session().ok_or_else(|| {
        Error::refused(
            "no_session",
            "A connection is authorized by a person in the browser. Open its organization's settings there.",
            "连接须由用户在浏览器中授权。请在浏览器中打开组织设置。",
        )
    })?;
    let (state, verifier) = (random(), random());
    let redirect_uri = redirect_uri(ctx);
    let asking = AskingGrant {
        base_url: &record.connection.base_url,
        application: &grant.application_id,
        redirect_uri: &redirect_uri,
        scope: SCOPE,
        state: &state,
        challenge: &URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())),
    };
    let url = ctx
        .portal()
        .forges
        .authorize_url(&asking)
        .map_err(|error| refused(&error))?;
    let state_hash = hash(&state);
    let trip = TripRecord {
        verifier: ctx
            .portal()
            .sealer
            .seal(&sealing::verifier(&state_hash), &verifier),
        state_hash,
        org: org.id(),
        connection: id,
        user,
        session: session.key.to_string(),
        begun_at: ctx.now(),
    };
    let mut change = ctx.change().await?;
    change.bookkeeping();
    change.tx().delete_trips(ctx.now().plus(-DAY)).await?;
    change.tx().insert_trip(&trip).await?;
    change.commit().await?;
    Ok(url)
}

/// What GitLab sends along with somebody who comes back (RFC 6749, 4.1.2).
#[derive(Clone, Debug, Default)]
pub struct ComingBack {
    /// What they left with.
    pub state: String,
    /// What tokens are given for.
    pub code: Option<String>,
    /// Why there is none.
    pub error: Option<String>,
}

/// Somebody who came back.
#[derive(Debug)]
pub struct Arrival {
    /// The slug of the organization whose connections they belong to; `None` where they may not know it.
    pub org: Option<String>,
    /// What came of it.
    pub came: Result<Came>,
}

/// A connection that was just authorized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Came {
    /// Its name.
    pub connection: String,
    /// Who authorized it, at GitLab.
    pub username: String,
}

/// Takes in what somebody comes back from GitLab with: redeems the code and keeps the tokens. They must still be who
/// left, in the session they left from, with the right to change the organization's connections.
pub async fn come_back(ctx: &OpCtx, sent: ComingBack) -> Arrival {
    let found = match trip_of(ctx, &sent.state).await {
        Ok(found) => found,
        Err(error) => {
            return Arrival {
                org: None,
                came: Err(error),
            };
        }
    };
    let (trip, org) = found;
    // Only the owner of the trip and whoever manages the organization learn where it was to lead.
    let own = ctx.user().is_ok_and(|user| user.id == trip.user);
    let right = access::org::<may::OrgManage>(ctx, &org.slug).await;
    Arrival {
        org: (own || right.is_ok()).then(|| org.slug.clone()),
        came: match right {
            Ok(right) => arrive(ctx, &right, &trip, sent).await,
            Err(error) if own => Err(lost(error)),
            Err(_) => Err(elsewhere()),
        },
    }
}

async fn trip_of(ctx: &OpCtx, state: &str) -> Result<(TripRecord, OrgRef)> {
    ctx.user()?;
    let mut tx = ctx.read().await?;
    let trip = tx.trip(&hash(state)).await?.ok_or_else(|| {
        Error::refused(
            "unknown_state",
            "Slipway did not ask GitLab for this answer, or long ago. Nothing was changed. Open the GitLab settings of \
             your organization and authorize the connection there.",
            "这不是 Slipway 请求的授权结果，或请求时间过久，未做任何更改。请打开组织的 GitLab 设置，在那里授权连接。",
        )
    })?;
    let org = tx.orgs().await?.into_iter().find(|org| org.id == trip.org);
    Ok((trip, org.ok_or(Error::NotFound)?))
}

/// Whoever comes back may no longer do it; the roles that may stand in the error, where the actor sees the place.
fn lost(error: Error) -> Error {
    match error {
        Error::Forbidden(_) | Error::NotFound => Error::refused(
            "right_lost",
            "You may no longer change the GitLab connections of this organization. Nothing was authorized. An owner or \
             admin of the organization can do it.",
            "你已无权修改该组织的 GitLab 连接，未完成授权。请由组织所有者或管理员操作。",
        ),
        other => other,
    }
}

fn elsewhere() -> Error {
    Error::refused(
        "other_session",
        "This authorization was begun in another session or by somebody else. Nothing was changed. Begin it again here.",
        "该授权由其他会话或其他人发起，未做任何更改。请在此重新发起。",
    )
}

async fn arrive(
    ctx: &OpCtx,
    org: &Authorized<Org, may::OrgManage>,
    trip: &TripRecord,
    sent: ComingBack,
) -> Result<Came> {
    let here = ctx.session().map(|session| &*session.key);
    if ctx.user()?.id != trip.user || here != Some(trip.session.as_str()) {
        return Err(elsewhere());
    }
    if ctx.now().since(trip.begun_at) >= AWAY {
        return Err(Error::refused(
            "expired",
            "It took longer than ten minutes, so the answer no longer counts. Nothing was changed. Authorize again.",
            "操作超过十分钟，授权结果已失效，未做任何更改。请重新授权。",
        ));
    }
    let mut change = ctx.change().await?;
    change.bookkeeping();
    let fresh = change.tx().use_trip(&trip.state_hash, ctx.now()).await?;
    change.commit().await?;
    if !fresh {
        return Err(Error::refused(
            "state_used",
            "This answer of GitLab was used already. If the connection is not authorized, authorize it again.",
            "该授权结果已被使用。如果连接仍未授权，请重新授权。",
        ));
    }
    if let Some(error) = &sent.error {
        return Err(denied(error));
    }
    let code = sent.code.ok_or_else(|| denied("no code"))?;
    let record = known(ctx, org.id(), trip.connection).await?;
    let grant = record.grant.clone().ok_or_else(by_token)?;
    let application = application(ctx, &record, &grant).map_err(|error| refused(&error))?;
    let context = sealing::verifier(&trip.state_hash);
    let verifier =
        sealing::open(ctx.portal(), &context, &trip.verifier).map_err(|_| denied("no verifier"))?;
    let asked = CodeGrant {
        code: &code,
        verifier: &verifier,
        redirect_uri: &redirect_uri(ctx),
    };
    let tokens = ctx
        .portal()
        .forges
        .redeem(&application, &asked)
        .await
        .map_err(|error| not_given(&error))?;
    match owner_of(ctx, &record, &tokens).await {
        Ok(who) => {
            let kept = keep_tokens(ctx, org, &record, &grant, &tokens, who).await;
            if kept.is_err() {
                given_up(ctx, &application, &tokens).await;
            }
            kept
        }
        Err(error) => {
            given_up(ctx, &application, &tokens).await;
            Err(not_given(&GrantError::Forge(error)))
        }
    }
}

/// Tokens that nobody will use are not left behind.
async fn given_up(ctx: &OpCtx, application: &OauthApplication, tokens: &OauthTokens) {
    if let Err(error) = revocation::of_late(ctx, application, tokens).await {
        tracing::warn!(%error, "tokens that were not kept are not taken back either");
    }
}

/// The application of a connection, its secret opened.
pub(super) fn application(
    ctx: &OpCtx,
    record: &ConnectionRecord,
    grant: &GrantRecord,
) -> Result<OauthApplication, ForgeError> {
    let context = sealing::application(record.connection.id);
    Ok(OauthApplication {
        base_url: record.connection.base_url.clone(),
        id: grant.application_id.clone(),
        secret: sealing::open(ctx.portal(), &context, &grant.application_secret)?,
    })
}

/// A token that was given just now.
struct Fresh(String);

#[async_trait]
impl Bearer for Fresh {
    async fn token(&self) -> Result<String, ForgeError> {
        Ok(self.0.clone())
    }

    async fn another(&self, _: &str) -> Result<String, ForgeError> {
        Err(ForgeError::BadToken)
    }
}

/// Who authorized it, and what it may do.
async fn owner_of(
    ctx: &OpCtx,
    record: &ConnectionRecord,
    tokens: &OauthTokens,
) -> Result<TokenInfo, ForgeError> {
    let access = ForgeAccess {
        base_url: record.connection.base_url.clone(),
        credential: Credential::Bearer(Arc::new(Fresh(tokens.access.clone()))),
        operator: false,
    };
    ctx.portal().forges.connect(&access)?.token().await
}

async fn keep_tokens(
    ctx: &OpCtx,
    org: &Authorized<Org, may::OrgManage>,
    record: &ConnectionRecord,
    grant: &GrantRecord,
    tokens: &OauthTokens,
    who: TokenInfo,
) -> Result<Came> {
    let (id, name, now) = (record.connection.id, record.connection.name.clone(), ctx.now());
    let new = NewGrant {
        tokens: super::renewal::sealed(ctx.portal(), id, tokens, now),
        username: who.username.clone(),
        by: ctx.user()?.id,
        at: now,
    };
    let came = Came {
        connection: name.clone(),
        username: who.username.clone(),
    };
    let place = org.place();
    let summary = serde_json::json!({ "base_url": record.connection.base_url, "gitlab_user": who.username });
    let mut change = ctx.change().await?;
    // What a renewal brought since is to be taken back, not what was there when the trip began.
    let before = change
        .tx()
        .connection(org.id(), id)
        .await?
        .ok_or(Error::NotFound)?;
    let known = before.grant.as_ref().ok_or_else(by_token)?;
    if !before.token.is_empty() {
        // It got in by a token until now.
        let without = ConnectionRecord {
            token: String::new(),
            ..before.clone()
        };
        change.tx().put_connection(&without).await?;
    }
    if before.connection.base_url != record.connection.base_url
        || known.application_id != grant.application_id
    {
        return Err(StoreError::Gone.into());
    }
    change
        .tx()
        .authorize_grant(org.id(), id, known.version, &new)
        .await?;
    revocation::begin(&mut change, &before, known).await?;
    change.tx().note_connection(id, now, None).await?;
    change
        .tx()
        .report_connection(org.id(), id, &report(now, true, Ok(who)))
        .await?;
    change
        .audit(Entry::done(
            "connection.authorize",
            "connection",
            id,
            name,
            &place,
            summary,
        ))
        .await?;
    change.touch("org", org.id(), &place);
    change.commit().await?;
    Ok(came)
}

/// Why GitLab sent somebody back without a code.
fn denied(error: &str) -> Error {
    match error {
        "access_denied" => Error::refused(
            "denied",
            "It was denied at GitLab. Nothing was changed. Authorize again to try once more.",
            "授权在 GitLab 中被拒绝，未做任何更改。如需重试，请重新授权。",
        ),
        "invalid_scope" => Error::refused(
            "invalid_scope",
            format!(
                "The application in GitLab has not the scope “{SCOPE}”. Give it that scope there, then authorize again."
            ),
            format!("GitLab 中的应用没有“{SCOPE}”权限范围。请在 GitLab 中为其勾选，然后重新授权。"),
        ),
        other => {
            let said: String = other
                .chars()
                .filter(|c| c.is_ascii_graphic() || *c == ' ')
                .take(100)
                .collect();
            Error::refused(
                "not_authorized",
                format!("GitLab did not authorize it ({said}). Nothing was changed. Authorize again."),
                format!("GitLab 未完成授权（{said}），未做任何更改。请重新授权。"),
            )
        }
    }
}

/// Why there are no tokens for a code.
fn not_given(error: &GrantError) -> Error {
    match error {
        GrantError::Refused(_) => Error::refused(
            "grant_refused",
            "GitLab did not take the answer that its own page gave. Nothing was changed. Authorize again.",
            "GitLab 未接受其页面返回的授权码，未做任何更改。请重新授权。",
        ),
        GrantError::Application(_) => Error::Refused {
            code: "wrong_application",
            text: wrong_application(),
        },
        GrantError::Forge(error) if error.is_passing() => Error::Unavailable {
            code: "gitlab",
            text: Text::new(
                format!(
                    "GitLab could not be reached to finish the authorization ({error}). Nothing was changed. Authorize \
                     again in a moment."
                ),
                format!("无法连接 GitLab 以完成授权（{error}），未做任何更改。请稍后重新授权。"),
            ),
        },
        GrantError::Forge(error) => refused(error),
    }
}

/// What to do about an id or a secret that GitLab does not know.
pub(super) fn wrong_application() -> Text {
    Text::new(
        "GitLab does not know the application of this connection, or its secret is another one. An owner or admin of \
         the organization has to enter id and secret as GitLab shows them (Settings → GitLab → Change).",
        "GitLab 不认识该连接的应用，或密钥不符。请组织所有者或管理员在“设置 → GitLab → 修改”中填写 GitLab 显示的应用 ID 和密钥。",
    )
}
