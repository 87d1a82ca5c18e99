//! Sending webhooks to other systems.

use async_trait::async_trait;
use slipway_domain::text::Text;
use std::net::IpAddr;

/// One request to be posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Where to.
    pub url: String,
    /// Names and values, in the order they were written down.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// What came back, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The HTTP status.
    pub status: u16,
    /// The seconds of `Retry-After`, if it says any: a number, or what is left until a date.
    pub retry_after: Option<i64>,
    /// The beginning of the body, at most [`slipway_domain::message::ANSWER_MAX`] bytes; what is no UTF-8 is replaced.
    pub body: String,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CourierError {
    /// The address is none.
    #[error("not an address")]
    BadAddress,
    /// It cannot be signed, so it was not sent.
    #[error("the signing secret does not open")]
    Sealed,
    /// The address leads to where nobody may send.
    #[error("out of bounds: {0}")]
    OutOfBounds(IpAddr),
    /// It took too long.
    #[error("timed out")]
    TimedOut,
    /// The receiver cannot be reached, or the connection was lost; never the address itself.
    #[error("unreachable: {0}")]
    Unreachable(String),
}

impl CourierError {
    /// What happened, and what to do, for people.
    pub fn text(&self) -> Text {
        match self {
            Self::BadAddress => Text::new(
                "this is not an address that can be sent to",
                "该地址无法用于发送请求",
            ),
            Self::Sealed => Text::new(
                "its signing secret cannot be opened with this server's keys, so nothing was sent. Rotate the secret, or have whoever runs the server put the key back (secrets.keys)",
                "本服务器的密钥无法打开签名密钥，因此未发送。请轮换签名密钥，或请服务器管理员恢复原密钥（secrets.keys）",
            ),
            Self::OutOfBounds(address) => Text::new(
                format!(
                    "this address leads to {address}: Slipway's own machine, its link or a metadata service. If it is meant, whoever runs the server adds it to outgoing.allow"
                ),
                format!(
                    "该地址指向 {address}，属于 Slipway 本机、本地链路或元数据服务。如确需使用，请服务器管理员将其加入 outgoing.allow"
                ),
            ),
            Self::TimedOut => Text::new(
                "there was no answer in time; answer at once, and work on it afterwards",
                "未在规定时间内应答；请先应答，再处理事件",
            ),
            Self::Unreachable(what) => Text::new(
                format!("the receiver cannot be reached: {what}"),
                format!("无法连接接收方：{what}"),
            ),
        }
    }
}

/// Sends webhooks.
#[async_trait]
pub trait Courier: Send + Sync {
    /// Whether an address may be sent to, as names resolve now. Asked again at every connection.
    async fn admits(&self, url: &str) -> Result<(), CourierError>;
    /// Posts it, follows no redirect, and waits for the answer as long as a try may take.
    async fn send(&self, parcel: &Parcel) -> Result<Receipt, CourierError>;
}
