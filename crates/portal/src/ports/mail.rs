//! Mail: sending one, the server of an organization, and who sent how many lately.

use super::StoreResult;
use crate::access::may::Modify;
use crate::access::{Authorized, Org};
use async_trait::async_trait;
use slipway_domain::id::{MailId, OrgId, UserId};
use slipway_domain::mail::{Letter, MailServer};
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;
use std::net::IpAddr;

/// How to reach a mail server, and as whom.
#[derive(Clone, PartialEq, Eq)]
pub struct MailAccess {
    /// The server, with the name to sign in as; an empty one: nobody signs in.
    pub server: MailServer,
    /// The password of that name.
    pub password: String,
    /// Whether the operator of Slipway's machine wrote it, so that it may lead anywhere.
    pub operator: bool,
}

impl std::fmt::Debug for MailAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailAccess")
            .field("server", &self.server)
            .field("operator", &self.operator)
            .finish_non_exhaustive()
    }
}

/// A mail to one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The address it goes to.
    pub to: String,
    /// What it says.
    pub letter: Letter,
}

/// Why a mail was not sent. What a mail server said is in its own words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// Nobody listens there, the name leads nowhere, or the connection was cut.
    #[error("the mail server does not answer: {0}")]
    Unreachable(String),
    /// It took longer than [`PATIENCE`].
    #[error("the mail server did not answer within {} s", PATIENCE.as_secs())]
    TimedOut,
    /// The connection cannot be protected: a certificate that is not to be trusted, or no TLS.
    #[error("TLS with the mail server fails: {0}")]
    Tls(String),
    /// STARTTLS is required, and the server has none.
    #[error("the mail server does not offer STARTTLS")]
    NoStartTls,
    /// Name or password are wrong.
    #[error("the mail server refuses the login: {0}")]
    BadLogin(String),
    /// A name is set, and the server lets nobody sign in by a password here.
    #[error("the mail server offers no login by password")]
    NoLogin,
    /// It does not send from this address.
    #[error("the mail server refuses the sender: {0}")]
    SenderRefused(String),
    /// It does not take mail for this address.
    #[error("the mail server refuses the recipient: {0}")]
    RecipientRefused(String),
    /// It cannot take the mail now (4xx).
    #[error("the mail server cannot take the mail now: {0}")]
    Later(String),
    /// It does not take the mail (5xx).
    #[error("the mail server refuses the mail: {0}")]
    Refused(String),
    /// It answers what no mail server would.
    #[error("the answer is not a mail server's: {0}")]
    Broken(String),
    /// The connection ended after the mail was handed over, and nobody said what became of it.
    #[error("the mail server did not confirm the mail: {0}")]
    Unconfirmed(String),
    /// The address leads where connections that people type may not.
    #[error("the address leads out of bounds: {0}")]
    OutOfBounds(IpAddr),
}

/// How long one call may take, from the connection to its end.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

impl MailError {
    /// Whether trying again later may help.
    pub const fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_) | Self::TimedOut | Self::Later(_) | Self::Unconfirmed(_)
        )
    }

    /// What happened, and what to do.
    pub fn text(&self) -> Text {
        match self {
            Self::Unreachable(what) => Text::new(
                format!(
                    "The mail server does not answer ({what}). Check its host and port in the mail settings."
                ),
                format!("邮件服务器无响应（{what}）。请检查邮件设置中的主机和端口。"),
            ),
            Self::TimedOut => Text::new(
                format!(
                    "The mail server did not answer within {} seconds. Check host, port and security in the mail settings.",
                    PATIENCE.as_secs()
                ),
                format!(
                    "邮件服务器在 {} 秒内没有响应。请检查邮件设置中的主机、端口和加密方式。",
                    PATIENCE.as_secs()
                ),
            ),
            Self::Tls(what) => Text::new(
                format!(
                    "The connection to the mail server cannot be protected ({what}). Check the security in the mail settings, and the server's certificate."
                ),
                format!("无法与邮件服务器建立加密连接（{what}）。请检查邮件设置中的加密方式以及服务器证书。"),
            ),
            Self::NoStartTls => Text::new(
                "The mail server does not offer STARTTLS, so nothing was sent. Choose another security in the mail settings.",
                "邮件服务器不支持 STARTTLS，未发送任何内容。请在邮件设置中选择其他加密方式。",
            ),
            Self::BadLogin(what) => Text::new(
                format!(
                    "The mail server refuses the login ({what}). Check username and password in the mail settings."
                ),
                format!("邮件服务器拒绝登录（{what}）。请检查邮件设置中的用户名和密码。"),
            ),
            Self::NoLogin => Text::new(
                "The mail server lets nobody sign in by a password on this connection. Choose another security in the mail settings, or leave the username empty.",
                "邮件服务器在此连接上不支持密码登录。请在邮件设置中选择其他加密方式，或将用户名留空。",
            ),
            Self::SenderRefused(what) => Text::new(
                format!(
                    "The mail server does not send from this address ({what}). Check the sender in the mail settings."
                ),
                format!("邮件服务器不允许使用该发件地址（{what}）。请检查邮件设置中的发件人。"),
            ),
            Self::RecipientRefused(what) => Text::new(
                format!("The mail server does not take mail for this address ({what}). Check the address."),
                format!("邮件服务器不接受发往该地址的邮件（{what}）。请检查收件地址。"),
            ),
            Self::Later(what) => Text::new(
                format!("The mail server cannot take the mail now ({what}). Try again later."),
                format!("邮件服务器暂时无法接收邮件（{what}）。请稍后重试。"),
            ),
            Self::Refused(what) => Text::new(
                format!("The mail server refuses the mail ({what})."),
                format!("邮件服务器拒绝了邮件（{what}）。"),
            ),
            Self::Broken(what) => Text::new(
                format!(
                    "What answers there is not a mail server, or the security is wrong ({what}). Check host, port and security in the mail settings."
                ),
                format!(
                    "该地址的响应不像邮件服务器，或加密方式不对（{what}）。请检查邮件设置中的主机、端口和加密方式。"
                ),
            ),
            Self::Unconfirmed(what) => Text::new(
                format!(
                    "The mail was handed over, but the mail server did not confirm it ({what}). It may arrive or not."
                ),
                format!("邮件已提交，但邮件服务器没有确认（{what}），可能送达也可能没有送达。"),
            ),
            Self::OutOfBounds(address) => Text::new(
                format!(
                    "This host leads to {address}: Slipway's own machine, its network link or a metadata service. \
                     Use the host of a mail server, or ask the server's operator to allow it (outgoing.allow)."
                ),
                format!(
                    "该主机指向 {address}，即 Slipway 所在机器、其链路或云元数据服务。请填写邮件服务器的主机，\
                     或请服务器管理员放行（outgoing.allow）。"
                ),
            ),
        }
    }
}

/// Sends mail. Every call ends within [`PATIENCE`].
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Whether a host that somebody typed may be used: it does not lead out of bounds
    /// ([`Outgoing`](crate::outgoing::Outgoing)) as names resolve now. Every connection asks again.
    async fn admits(&self, server: &MailServer) -> Result<(), MailError>;
    /// Connects, signs in and leaves again.
    async fn greet(&self, access: &MailAccess) -> Result<(), MailError>;
    /// Sends one mail.
    async fn send(&self, access: &MailAccess, mail: &Mail) -> Result<(), MailError>;
}

/// The mail server of an organization with its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailServerRecord {
    /// What people see.
    pub server: MailServer,
    /// The password, sealed for the organization; empty: none.
    pub password: String,
}

/// Mail.
#[async_trait]
pub trait MailTx: Send {
    /// Makes the organization's mail server, or replaces it.
    async fn put_mail_server(
        &mut self,
        org: &Authorized<Org, Modify>,
        record: &MailServerRecord,
    ) -> StoreResult<()>;
    /// The organization's mail server. Whoever invites in it sends through it.
    async fn mail_server(&mut self, org: OrgId) -> StoreResult<Option<MailServerRecord>>;
    /// Forgets the organization's mail server. `Gone` where it has none.
    async fn delete_mail_server(&mut self, org: &Authorized<Org, Modify>) -> StoreResult<()>;
    /// How many mails the person had sent since `since`, and when the first of them was. Holds the person's row to the
    /// end of the transaction: of two at once, the second counts the first.
    async fn mails_since(&mut self, user: UserId, since: Timestamp) -> StoreResult<(i64, Option<Timestamp>)>;
    /// Notes that the person has a mail sent at `at`, and forgets theirs from before `since`.
    async fn note_mail(
        &mut self,
        id: MailId,
        user: UserId,
        at: Timestamp,
        since: Timestamp,
    ) -> StoreResult<()>;
}
