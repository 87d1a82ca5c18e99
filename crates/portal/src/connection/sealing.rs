//! What the secrets of a connection by OAuth 2 are sealed for: none opens in another's place.

use crate::context::Portal;
use crate::ports::ForgeError;
use slipway_domain::id::{ConnectionId, RevocationId};

/// The secret of the application.
pub(crate) fn application(id: ConnectionId) -> String {
    format!("application secret of connection {id}")
}

/// The access token.
pub(crate) fn access(id: ConnectionId) -> String {
    format!("access token of connection {id}")
}

/// The refresh token.
pub(crate) fn refresh(id: ConnectionId) -> String {
    format!("refresh token of connection {id}")
}

/// Tokens that are to be taken back.
pub(crate) fn revocation(id: RevocationId) -> String {
    format!("revocation {id}")
}

/// The verifier of somebody who is at GitLab.
pub(super) fn verifier(state_hash: &str) -> String {
    format!("verifier of {state_hash}")
}

/// Opens a secret of a connection.
///
/// # Errors
/// [`ForgeError::BadToken`] where the key is not there any more; the log says which.
pub(super) fn open(portal: &Portal, context: &str, sealed: &str) -> Result<String, ForgeError> {
    portal.sealer.open(context, sealed).map_err(|error| {
        tracing::error!(%error, context, "a secret of a connection does not open");
        ForgeError::BadToken
    })
}
