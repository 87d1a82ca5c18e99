//! One connection to a mail server, step by step, so that each refusal is known for what it is.

use crate::message::Written;
use crate::refusal::{self, Step};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use slipway_domain::mail::{MailServer, Security};
use slipway_portal::ports::{MailAccess, MailError};
use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long one of several addresses may take to connect to.
const CONNECT: Duration = Duration::from_secs(8);

/// How long a server may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(1);

/// The ways to sign in, the better one first.
const LOGINS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// A server that has greeted, over a connection that is as protected as it must be.
pub struct Conversation(AsyncSmtpConnection);

impl Conversation {
    /// Connects to one of `addresses` and lets the server greet.
    pub async fn open(
        server: &MailServer,
        addresses: &[SocketAddr],
        hello: &ClientId,
    ) -> Result<Self, MailError> {
        let tls = || {
            let built = TlsParameters::builder(server.host.clone()).build();
            built.map_err(|error| refusal::translate(&error, Step::Protect))
        };
        let (first, step) = match server.security {
            Security::Tls => (Some(tls()?), Step::Protect),
            Security::StartTls | Security::None => (None, Step::Greet),
        };
        let opened = AsyncSmtpConnection::connect_tokio1(addresses, Some(CONNECT), hello, first, None).await;
        let mut connection = opened.map_err(|error| refusal::translate(&error, step))?;
        if server.security == Security::StartTls {
            if !connection.can_starttls() {
                leave(&mut connection).await;
                return Err(MailError::NoStartTls);
            }
            let upgraded = connection.starttls(tls()?, hello).await;
            upgraded.map_err(|error| refusal::translate(&error, Step::Protect))?;
        }
        // Never a password or a link in the clear where TLS was asked for.
        if server.security != Security::None && !connection.is_encrypted() {
            return Err(MailError::NoStartTls);
        }
        Ok(Self(connection))
    }

    /// Signs in, if there is a name.
    pub async fn sign_in(&mut self, access: &MailAccess) -> Result<(), MailError> {
        let username = &access.server.username;
        if username.is_empty() {
            return Ok(());
        }
        if self.0.server_info().get_auth_mechanism(&LOGINS).is_none() {
            leave(&mut self.0).await;
            return Err(MailError::NoLogin);
        }
        let credentials = Credentials::new(username.clone(), access.password.clone());
        let signed_in = self.0.auth(&LOGINS, &credentials).await;
        self.done(signed_in, Step::Login).await
    }

    /// Hands a message over. `handed_over` becomes true once the server could take it.
    pub async fn send(&mut self, written: &Written, handed_over: &AtomicBool) -> Result<(), MailError> {
        let from = Mail::new(Some(written.from.clone()), Vec::new());
        self.command(from, Step::Sender).await?;
        let to = Rcpt::new(written.to.clone(), Vec::new());
        self.command(to, Step::Recipient).await?;
        self.command(Data, Step::Content).await?;
        handed_over.store(true, Ordering::Relaxed);
        let taken = self.0.message(&written.bytes).await;
        self.done(taken, Step::Confirm).await
    }

    /// Says goodbye.
    pub async fn leave(mut self) -> Result<(), MailError> {
        leave(&mut self.0).await;
        Ok(())
    }

    async fn command<C: Display>(&mut self, command: C, step: Step) -> Result<(), MailError> {
        let answered = self.0.command(command).await;
        self.done(answered, step).await
    }

    async fn done<T>(
        &mut self,
        answered: Result<T, lettre::transport::smtp::Error>,
        step: Step,
    ) -> Result<(), MailError> {
        match answered {
            Ok(_) => Ok(()),
            Err(error) => {
                if error.status().is_some() {
                    leave(&mut self.0).await;
                }
                Err(refusal::translate(&error, step))
            }
        }
    }
}

/// Says goodbye, as long as the server listens.
async fn leave(connection: &mut AsyncSmtpConnection) {
    let _ = tokio::time::timeout(FAREWELL, connection.quit()).await;
}
