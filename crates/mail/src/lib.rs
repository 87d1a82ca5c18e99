//! The `Mailer` port over `lettre` (SMTP).
//!
//! [`conversation`] is one connection from its greeting to its end, [`message`] writes a letter down as RFC 5322 wants
//! it, [`refusal`] decides what an error means, and [`guard`] keeps servers that people typed in bounds.

mod conversation;
mod guard;
mod message;
mod refusal;

use async_trait::async_trait;
use conversation::Conversation;
use lettre::transport::smtp::extension::ClientId;
use slipway_domain::mail::MailServer;
use slipway_portal::outgoing::Outgoing;
use slipway_portal::ports::{MAIL_PATIENCE, Mail, MailAccess, MailError, Mailer};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use url::{Host, Url};

/// Sends each mail over a connection of its own.
pub struct SmtpMailer {
    outgoing: Outgoing,
    hello: ClientId,
    patience: Duration,
}

impl SmtpMailer {
    /// A mailer whose connections stay in `outgoing`'s bounds, unless the operator wrote the server. It greets servers
    /// by the name that people reach Slipway at.
    pub fn new(outgoing: Outgoing, public_url: &str) -> Self {
        let url = Url::parse(public_url).ok();
        let hello = match url.as_ref().and_then(Url::host) {
            Some(Host::Domain(name)) => ClientId::Domain(name.to_owned()),
            Some(Host::Ipv4(address)) => ClientId::Ipv4(address),
            Some(Host::Ipv6(address)) => ClientId::Ipv6(address),
            None => ClientId::Domain(String::from("localhost")),
        };
        Self {
            outgoing,
            hello,
            patience: MAIL_PATIENCE,
        }
    }

    /// The same, with less patience: for tests of servers that are silent.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience.min(MAIL_PATIENCE);
        self
    }

    async fn open(&self, access: &MailAccess) -> Result<Conversation, MailError> {
        let addresses = guard::resolve(&access.server, (!access.operator).then_some(&self.outgoing)).await?;
        let mut conversation = Conversation::open(&access.server, &addresses, &self.hello).await?;
        conversation.sign_in(access).await?;
        Ok(conversation)
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn admits(&self, server: &MailServer) -> Result<(), MailError> {
        match tokio::time::timeout(self.patience, guard::resolve(server, Some(&self.outgoing))).await {
            // A name that does not resolve leads nowhere.
            Ok(Err(error @ MailError::OutOfBounds(_))) => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    async fn greet(&self, access: &MailAccess) -> Result<(), MailError> {
        let greeted = async { self.open(access).await?.leave().await };
        tokio::time::timeout(self.patience, greeted)
            .await
            .unwrap_or(Err(MailError::TimedOut))
    }

    async fn send(&self, access: &MailAccess, mail: &Mail) -> Result<(), MailError> {
        let written = message::write(&access.server.sender, mail)?;
        let handed_over = AtomicBool::new(false);
        let sent = async {
            let mut conversation = self.open(access).await?;
            conversation.send(&written, &handed_over).await?;
            // It is sent, whatever the server says now.
            let _ = conversation.leave().await;
            Ok(())
        };
        match tokio::time::timeout(self.patience, sent).await {
            Ok(sent) => sent,
            Err(_) if handed_over.load(Ordering::Relaxed) => Err(MailError::Unconfirmed(format!(
                "no answer within {} s",
                self.patience.as_secs()
            ))),
            Err(_) => Err(MailError::TimedOut),
        }
    }
}
