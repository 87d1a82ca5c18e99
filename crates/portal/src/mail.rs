//! Mail: the server that an organization sends through, its test, and sending.
//!
//! Mail is sent outside of any transaction. That somebody has one sent is counted before, so that nobody sends more by
//! asking faster.

use crate::access::{self, At, Managed, may};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{Mail, MailAccess, MailError, MailServerRecord, StoreError, Tx};
use crate::version;
use slipway_domain::id::OrgId;
use slipway_domain::mail::{self, MailServer, MailSettings, PER_HOUR, Security, Sender};
use slipway_domain::text::Text;
use slipway_domain::time::{HOUR, MINUTE};

/// The longest name and the longest password that are kept, in bytes.
const LOGIN_MAX: usize = 500;

/// What the password of an organization's mail server is sealed for.
pub(crate) fn sealed_for(org: OrgId) -> String {
    format!("mail server of {org}")
}

/// A mail server as it was typed.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// Its name or address.
    pub host: String,
    /// Its port; nothing: the one that the security has.
    pub port: String,
    /// `tls`, `starttls` or `none`.
    pub security: String,
    /// Who to sign in as; nothing: nobody signs in.
    pub username: String,
    /// The password; nothing: the one it has.
    pub password: String,
    /// Who mail comes from: an address, or a name and an address.
    pub sender: String,
}

/// The mail settings of an organization: never a password.
///
/// # Errors
/// [`Error::Forbidden`], or the database does not answer.
pub async fn settings(ctx: &OpCtx, org: &str) -> Result<MailSettings> {
    let Managed::Org(org) = access::managed_place(ctx, At::new(org, None, None)).await? else {
        return Err(Error::NotFound);
    };
    let mut tx = ctx.read().await?;
    let own = tx.mail_server(org.id()).await?;
    let reader = tx.person(ctx.user()?.id).await?;
    Ok(MailSettings {
        org: org.org.clone(),
        own: own.map(|record| record.server),
        operator: ctx
            .portal()
            .mail_server
            .as_ref()
            .map(|access| access.server.sender.clone()),
        address: reader.and_then(|person| person.email),
    })
}

/// Makes the organization's own mail server, or changes it. Without a password the one it has stays, as long as the
/// server and the name do: a password is never sent to another server than the one it was given for.
///
/// # Errors
/// [`Error::Forbidden`]; wrong fields, one of them a host out of bounds; the database does not answer.
pub async fn edit(ctx: &OpCtx, org: &str, input: Input) -> Result<()> {
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    let server = checked(ctx, &input).await?;
    let before = ctx.read().await?.mail_server(org.id()).await?;
    let known = version::mail(before.as_ref().map(|record| &record.server));
    let password = password(ctx, org.id(), &server, &input.password, before.as_ref())?;
    let place = org.place();
    let summary = serde_json::json!({
        "host": server.host, "port": server.port, "security": server.security.key(),
        "username": server.username, "sender": server.sender.shown(), "new_password": !input.password.is_empty(),
    });
    let mut change = ctx.change().await?;
    change.tx().lock_org(org.id()).await?;
    let now = change.tx().mail_server(org.id()).await?;
    let now = version::mail(now.as_ref().map(|record| &record.server));
    change.only_on(now)?;
    if now != known {
        // The password that stays was the other server's.
        return Err(Error::version_mismatch());
    }
    let name = server.host.clone();
    let record = MailServerRecord { server, password };
    change.tx().put_mail_server(&org.modify(), &record).await?;
    let entry = Entry::done("mail.edit", "mail_server", org.id(), name, &place, summary);
    change.audit(entry).await?;
    change.touch("org", org.id(), &place);
    change.commit().await
}

/// Forgets the organization's own mail server: the operator's is in force again, where there is one.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`] where there is none.
pub async fn remove(ctx: &OpCtx, org: &str) -> Result<()> {
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    let before = ctx.read().await?.mail_server(org.id()).await?;
    let name = before.ok_or(Error::NotFound)?.server.host;
    let place = org.place();
    let mut change = ctx.change().await?;
    let gone = change.tx().delete_mail_server(&org.modify()).await;
    gone.map_err(|error| match error {
        StoreError::Gone => Error::NotFound,
        other => other.into(),
    })?;
    let summary = serde_json::json!({});
    let entry = Entry::done("mail.remove", "mail_server", org.id(), name, &place, summary);
    change.audit(entry).await?;
    change.touch("org", org.id(), &place);
    change.commit().await
}

/// Sends a test to the actor's own address, through the server that is in force; the address.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::Refused`] `no_mail_server`, `no_address`, `too_many_mails`, or what
/// [`refused`] makes of the server's answer.
pub async fn test(ctx: &OpCtx, org: &str) -> Result<String> {
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    let by = ctx.user()?;
    let access = in_force(ctx, org.id()).await?.ok_or_else(|| {
        Error::refused(
            "no_mail_server",
            "There is no mail server yet. Set one up first.",
            "尚未设置邮件服务器，请先设置。",
        )
    })?;
    let person = ctx.read().await?.person(by.id).await?;
    let to = person.and_then(|person| person.email).ok_or_else(|| {
        Error::refused(
            "no_address",
            "Your account has no e-mail address. Add one to your profile, then try again.",
            "你的账号没有邮箱地址。请先在个人资料中填写，然后重试。",
        )
    })?;
    let mut change = ctx.change().await?;
    change.bookkeeping();
    count(&mut change).await?;
    change.commit().await?;
    let letter = mail::test(ctx.locale(), &by.name, &org.org.name);
    let mail = Mail {
        to: to.clone(),
        letter,
    };
    send(ctx, &access, &mail).await.map_err(|error| refused(&error))?;
    Ok(to)
}

/// The server that an organization's mail goes through: its own, or else the operator's.
///
/// # Errors
/// The database does not answer; the password does not open.
pub(crate) async fn in_force(ctx: &OpCtx, org: OrgId) -> Result<Option<MailAccess>> {
    let Some(record) = ctx.read().await?.mail_server(org).await? else {
        return Ok(ctx.portal().mail_server.clone());
    };
    let password = match record.password.as_str() {
        "" => String::new(),
        sealed => ctx
            .portal()
            .sealer
            .open(&sealed_for(org), sealed)
            .map_err(|error| {
                tracing::error!(%error, %org, "the password of a mail server does not open");
                Error::refused(
                    "mail_password",
                    "The stored password of the mail server does not open. Enter it anew in the mail settings.",
                    "无法解开已保存的邮件服务器密码，请在邮件设置中重新填写。",
                )
            })?,
    };
    Ok(Some(MailAccess {
        server: record.server,
        password,
        operator: false,
    }))
}

/// Whether mail can be sent from places of the organization.
///
/// # Errors
/// The database does not answer.
pub(crate) async fn is_set_up(ctx: &OpCtx, tx: &mut dyn Tx, org: OrgId) -> Result<bool> {
    Ok(ctx.portal().mail_server.is_some() || tx.mail_server(org).await?.is_some())
}

/// Counts a mail that the actor is about to have sent.
///
/// # Errors
/// [`Error::Refused`] `too_many_mails`.
pub(crate) async fn count(change: &mut Change<'_>) -> Result<()> {
    let ctx = change.ctx();
    let (id, user, now) = (ctx.id(), ctx.user()?.id, ctx.now());
    let since = now.plus(-HOUR);
    let (sent, first) = change.tx().mails_since(user, since).await?;
    if sent >= PER_HOUR {
        let wait = first.map_or(HOUR, |first| first.plus(HOUR).since(now));
        // Rounded up: after that many minutes it works.
        let minutes = (wait.max(1) + MINUTE - 1) / MINUTE;
        return Err(Error::refused(
            "too_many_mails",
            format!(
                "You had {PER_HOUR} mails sent within an hour, and may have no more. Try again in {minutes} minutes, \
                 or invite without an address and pass the link on yourself."
            ),
            format!(
                "你在一小时内已发送 {PER_HOUR} 封邮件，达到上限。请在 {minutes} 分钟后重试，\
                 或不填写邮箱，自行转发邀请链接。"
            ),
        ));
    }
    change.tx().note_mail(id, user, now, since).await?;
    Ok(())
}

/// Sends a mail, and says in the log how that went.
pub(crate) async fn send(ctx: &OpCtx, access: &MailAccess, mail: &Mail) -> Result<(), MailError> {
    let sent = ctx.portal().mailer.send(access, mail).await;
    if let Err(error) = &sent {
        let host = &access.server.host;
        tracing::warn!(%error, host, operator = access.operator, "a mail was not sent");
    }
    sent
}

/// Why a mail was not sent, as the answer of a use case.
pub(crate) fn refused(error: &MailError) -> Error {
    let text = error.text();
    if error.is_passing() {
        return Error::Unavailable { code: "mail", text };
    }
    Error::Refused {
        code: "mail_refused",
        text,
    }
}

/// The server as it is kept.
async fn checked(ctx: &OpCtx, input: &Input) -> Result<MailServer> {
    let wrong = |field: &'static str| move |text: Text| Error::field(field, text);
    let security = Security::from_key(input.security.trim()).ok_or_else(|| {
        Error::field(
            "security",
            Text::new("choose tls, starttls or none", "请选择 tls、starttls 或 none"),
        )
    })?;
    let server = MailServer {
        host: mail::host(&input.host).map_err(wrong("host"))?,
        port: mail::port(&input.port, security).map_err(wrong("port"))?,
        security,
        username: input.username.trim().to_owned(),
        sender: Sender::parse(&input.sender).map_err(wrong("sender"))?,
    };
    for (field, text) in [("username", &server.username), ("password", &input.password)] {
        if text.len() > LOGIN_MAX || text.chars().any(char::is_control) {
            return Err(Error::field(
                field,
                Text::new(
                    format!("use at most {LOGIN_MAX} bytes, on one line"),
                    format!("最多 {LOGIN_MAX} 字节，且不能换行"),
                ),
            ));
        }
    }
    let admitted = ctx.portal().mailer.admits(&server).await;
    admitted.map_err(|error| Error::field("host", error.text()))?;
    Ok(server)
}

/// The password as it is kept: sealed, or nothing.
fn password(
    ctx: &OpCtx,
    org: OrgId,
    server: &MailServer,
    typed: &str,
    before: Option<&MailServerRecord>,
) -> Result<String> {
    if server.username.is_empty() {
        return if typed.is_empty() {
            Ok(String::new())
        } else {
            Err(Error::field(
                "username",
                Text::new("a password needs its username", "填写密码时也需填写用户名"),
            ))
        };
    }
    if !typed.is_empty() {
        return Ok(ctx.portal().sealer.seal(&sealed_for(org), typed));
    }
    let goes_to = |server: &MailServer| {
        (
            server.host.clone(),
            server.port,
            server.security,
            server.username.clone(),
        )
    };
    match before {
        Some(before) if !before.password.is_empty() && goes_to(&before.server) == goes_to(server) => {
            Ok(before.password.clone())
        }
        Some(before) if !before.password.is_empty() => Err(Error::field(
            "password",
            Text::new(
                "another server, security or username needs its own password",
                "更换服务器、加密方式或用户名后，请重新填写密码",
            ),
        )),
        _ => Err(Error::field(
            "password",
            Text::new("this username needs its password", "请填写该用户名的密码"),
        )),
    }
}
