//! Keeps mail servers that people typed in bounds: every address is asked about when it is connected to.

use slipway_domain::mail::MailServer;
use slipway_portal::outgoing::{OutOfBounds, Outgoing};
use slipway_portal::ports::MailError;
use std::net::SocketAddr;

/// The addresses of a server, all of them in `bounds` where there are any.
pub async fn resolve(server: &MailServer, bounds: Option<&Outgoing>) -> Result<Vec<SocketAddr>, MailError> {
    let found = tokio::net::lookup_host((server.host.as_str(), server.port)).await;
    let found = found.map_err(|error| MailError::Unreachable(format!("{}: {error}", server.host)))?;
    let found: Vec<_> = found.collect();
    if found.is_empty() {
        return Err(MailError::Unreachable(format!("{} has no address", server.host)));
    }
    match bounds {
        Some(bounds) => bounds.pass_all(found, SocketAddr::ip).map_err(refused),
        None => Ok(found),
    }
}

fn refused(error: OutOfBounds) -> MailError {
    MailError::OutOfBounds(error.0)
}
