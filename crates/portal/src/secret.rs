//! Secrets at rest, all of them: for `slipway secrets rotate`.

use crate::connection::sealing;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::StoreError;
use crate::{factor, mail, provider, subscriber, webhook};
use slipway_domain::id::{
    AppId, ConnectionId, OrgId, ProviderId, RevocationId, SubscriberId, TypedId as _, UserId,
};

/// A kind of sealed secret, and where it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecretKind {
    /// The token of a GitLab connection.
    Connection,
    /// The kubeconfig of a cluster.
    Cluster,
    /// The secret of an app's webhook.
    Hook,
    /// What somebody's authenticator makes its codes from.
    Totp,
    /// What signs the webhooks to a subscriber.
    Subscriber,
    /// What signed them before, and still does for a while.
    SubscriberBefore,
    /// The password of an organization's mail server.
    Mail,
    /// The secret of the application that a GitLab connection gets in as.
    OauthApplication,
    /// The access token of such a connection.
    OauthAccess,
    /// What renews it.
    OauthRefresh,
    /// Tokens that are to be taken back, with the secret that it takes.
    OauthRevocation,
    /// The client secret of a provider of sign-in.
    Provider,
}

impl SecretKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Connection,
        Self::Cluster,
        Self::Hook,
        Self::Totp,
        Self::Subscriber,
        Self::SubscriberBefore,
        Self::Mail,
        Self::OauthApplication,
        Self::OauthAccess,
        Self::OauthRefresh,
        Self::OauthRevocation,
        Self::Provider,
    ];

    /// What it is called, for the terminal.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connection => "GitLab connection",
            Self::Cluster => "cluster",
            Self::Hook => "webhook of app",
            Self::Totp => "authenticator of person",
            Self::Subscriber => "outgoing webhook",
            Self::SubscriberBefore => "outgoing webhook (before its rotation)",
            Self::Mail => "mail server of organization",
            Self::OauthApplication => "application secret of GitLab connection",
            Self::OauthAccess => "access token of GitLab connection",
            Self::OauthRefresh => "refresh token of GitLab connection",
            Self::OauthRevocation => "tokens to be taken back at GitLab",
            Self::Provider => "sign-in provider",
        }
    }

    /// What a secret of the row `id` is sealed for.
    fn context(self, id: uuid::Uuid) -> String {
        match self {
            Self::Connection | Self::Cluster => id.to_string(),
            Self::Hook => webhook::secret_context(AppId::from_uuid(id)),
            Self::Totp => factor::sealed_for(UserId::from_uuid(id)),
            Self::Subscriber | Self::SubscriberBefore => {
                subscriber::secret_context(SubscriberId::from_uuid(id))
            }
            Self::Mail => mail::sealed_for(OrgId::from_uuid(id)),
            Self::OauthApplication => sealing::application(ConnectionId::from_uuid(id)),
            Self::OauthAccess => sealing::access(ConnectionId::from_uuid(id)),
            Self::OauthRefresh => sealing::refresh(ConnectionId::from_uuid(id)),
            Self::OauthRevocation => sealing::revocation(RevocationId::from_uuid(id)),
            Self::Provider => provider::sealed_for(ProviderId::from_uuid(id)),
        }
    }
}

/// A sealed secret where it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// What it is.
    pub kind: SecretKind,
    /// Its row.
    pub id: uuid::Uuid,
    /// The text.
    pub text: String,
}

/// How a rotation went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// Secrets that were sealed anew.
    pub renewed: usize,
    /// Secrets that had the current key already.
    pub current: usize,
    /// Secrets that do not open: which, and why.
    pub broken: Vec<String>,
}

/// Seals every secret anew with the current key, so that the keys before it can go. Each secret is written only where
/// it is still what was read, so that Slipway may run meanwhile; running it again goes on where it was cut.
///
/// # Errors
/// Not for people: [`Error::NotFound`]. The database does not answer.
pub async fn rotate(ctx: &OpCtx) -> Result<Rotation> {
    if !ctx.is_system() {
        return Err(Error::NotFound);
    }
    let sealer = &ctx.portal().sealer;
    let mut rotation = Rotation::default();
    for kind in SecretKind::ALL {
        for secret in ctx.read().await?.sealed(kind).await? {
            if sealer.is_current(&secret.text) {
                rotation.current += 1;
                continue;
            }
            let context = kind.context(secret.id);
            let opened = match sealer.open(&context, &secret.text) {
                Ok(opened) => opened,
                Err(error) => {
                    rotation
                        .broken
                        .push(format!("{} {}: {error}", kind.name(), secret.id));
                    continue;
                }
            };
            let mut change = ctx.change().await?;
            change.bookkeeping();
            let renewed = sealer.seal(&context, &opened);
            match change.tx().reseal(&secret, &renewed).await {
                Ok(()) => {}
                // Somebody gave it another value, sealed with the current key.
                Err(StoreError::Gone) => continue,
                Err(error) => return Err(error.into()),
            }
            change.commit().await?;
            rotation.renewed += 1;
        }
    }
    Ok(rotation)
}
