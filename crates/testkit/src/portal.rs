//! A portal around a store.

use async_trait::async_trait;
use futures::StreamExt as _;
use slipway_domain::mail::MailServer;
use slipway_domain::provider::Discovered;
use slipway_portal::live::LocalNotifier;
use slipway_portal::ports::{
    AskingGrant, Clock, Cluster, ClusterAccess, ClusterConnector, ClusterError, CodeGrant, Courier,
    CourierError, ForgeAccess, ForgeConnector, ForgeError, GrantError, Mail, MailAccess, MailError, Mailer,
    OauthApplication, OauthTokens, Parcel, ProviderConnector, ProviderError, Receipt, Shelving, SourceForge,
    Store,
};
use slipway_portal::provider::SignIn;
use slipway_portal::run::Download;
use slipway_portal::seal::Sealer;
use slipway_portal::{Portal, PortalParts};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Connects to nothing: for use cases that stay inside the database.
#[derive(Clone, Copy, Debug)]
pub struct Unconnected;

#[async_trait]
impl ForgeConnector for Unconnected {
    async fn admits(&self, _: &str) -> Result<(), ForgeError> {
        Ok(())
    }

    fn connect(&self, _: &ForgeAccess) -> Result<Arc<dyn SourceForge>, ForgeError> {
        Err(no_gitlab())
    }

    fn authorize_url(&self, asking: &AskingGrant<'_>) -> Result<String, ForgeError> {
        Ok(format!(
            "{}/oauth/authorize?state={}",
            asking.base_url, asking.state
        ))
    }

    async fn redeem(&self, _: &OauthApplication, _: &CodeGrant<'_>) -> Result<OauthTokens, GrantError> {
        Err(no_gitlab().into())
    }

    async fn refresh(&self, _: &OauthApplication, _: &str, _: &str) -> Result<OauthTokens, GrantError> {
        Err(no_gitlab().into())
    }

    async fn revoke(&self, _: &OauthApplication, _: &str) -> Result<(), GrantError> {
        Err(no_gitlab().into())
    }
}

fn no_gitlab() -> ForgeError {
    ForgeError::Unreachable(String::from("this test has no GitLab"))
}

#[async_trait]
impl ClusterConnector for Unconnected {
    fn in_cluster(&self) -> bool {
        false
    }

    async fn admits(&self, _: &ClusterAccess) -> Result<(), ClusterError> {
        Ok(())
    }

    async fn connect(&self, _: &ClusterAccess) -> Result<Arc<dyn Cluster>, ClusterError> {
        Err(ClusterError::Unreachable(String::from(
            "this test has no cluster",
        )))
    }
}

#[async_trait]
impl Courier for Unconnected {
    async fn admits(&self, _: &str) -> Result<(), CourierError> {
        Ok(())
    }

    async fn send(&self, _: &Parcel) -> Result<Receipt, CourierError> {
        Err(CourierError::Unreachable(String::from(
            "this test has no receiver",
        )))
    }
}

#[async_trait]
impl Mailer for Unconnected {
    async fn admits(&self, _: &MailServer) -> Result<(), MailError> {
        Ok(())
    }

    async fn greet(&self, _: &MailAccess) -> Result<(), MailError> {
        Err(no_mail_server())
    }

    async fn send(&self, _: &MailAccess, _: &Mail) -> Result<(), MailError> {
        Err(no_mail_server())
    }
}

#[async_trait]
impl ProviderConnector for Unconnected {
    async fn admits(&self, _: &str) -> Result<(), ProviderError> {
        Ok(())
    }

    async fn discover(&self, issuer: &str) -> Result<Discovered, ProviderError> {
        Err(ProviderError::Unreachable {
            url: issuer.to_owned(),
            why: String::from("this test has no provider"),
        })
    }
}

fn no_mail_server() -> MailError {
    MailError::Unreachable(String::from("this test has no mail server"))
}

/// Has no cluster either, and counts who asks for one.
#[derive(Debug, Default)]
pub struct Counted(AtomicUsize);

impl Counted {
    /// How often a cluster was asked for.
    pub fn asked(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl ClusterConnector for Counted {
    fn in_cluster(&self) -> bool {
        false
    }

    async fn admits(&self, _: &ClusterAccess) -> Result<(), ClusterError> {
        Ok(())
    }

    async fn connect(&self, access: &ClusterAccess) -> Result<Arc<dyn Cluster>, ClusterError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        ClusterConnector::connect(&Unconnected, access).await
    }
}

/// A portal around `store`, which sends nothing.
pub fn portal(
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    forges: Arc<dyn ForgeConnector>,
    clusters: Arc<dyn ClusterConnector>,
) -> Portal {
    Portal::new(parts(store, clock, forges, clusters))
}

/// A portal around `store`, which sends by `courier` and keeps its secrets by `key`.
pub fn sending_portal(
    key: &str,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    forges: Arc<dyn ForgeConnector>,
    clusters: Arc<dyn ClusterConnector>,
    courier: Arc<dyn Courier>,
) -> Portal {
    Portal::new(PortalParts {
        courier,
        sealer: Sealer::new(key, &[]),
        ..parts(store, clock, forges, clusters)
    })
}

/// A portal around `store` that sends mail: by itself through `mail_server`, if there is one.
pub fn mailing(
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    mailer: Arc<dyn Mailer>,
    mail_server: Option<MailAccess>,
) -> Portal {
    let none = Arc::new(Unconnected);
    Portal::new(PortalParts {
        mailer,
        mail_server,
        ..parts(store, clock, none.clone(), none)
    })
}

/// A portal around `store` that keeps files as `shelving` says.
pub fn shelving(store: Arc<dyn Store>, clock: Arc<dyn Clock>, shelving: Shelving) -> Portal {
    let none = Arc::new(Unconnected);
    Portal::new(PortalParts {
        shelving,
        ..parts(store, clock, none.clone(), none)
    })
}

/// The same portal, with other ways in of the configuration.
pub fn signing_in(portal: &Portal, sign_in: SignIn) -> Portal {
    Portal::new(PortalParts {
        store: Arc::clone(&portal.store),
        forges: Arc::clone(&portal.forges),
        clusters: Arc::clone(&portal.clusters),
        courier: Arc::clone(&portal.courier),
        mailer: Arc::clone(&portal.mailer),
        mail_server: portal.mail_server.clone(),
        shelving: portal.shelving.clone(),
        providers: Arc::clone(&portal.providers),
        sign_in,
        clock: Arc::clone(&portal.clock),
        notifier: Arc::clone(&portal.notifier),
        sealer: portal.sealer.clone(),
        public_url: portal.public_url.clone(),
        wake: tokio::sync::Notify::new(),
    })
}

fn parts(
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    forges: Arc<dyn ForgeConnector>,
    clusters: Arc<dyn ClusterConnector>,
) -> PortalParts {
    PortalParts {
        store,
        forges,
        clusters,
        courier: Arc::new(Unconnected),
        mailer: Arc::new(Unconnected),
        mail_server: None,
        shelving: Shelving::default(),
        providers: Arc::new(Unconnected),
        sign_in: SignIn {
            local: true,
            providers: Vec::new(),
        },
        clock,
        notifier: Arc::new(LocalNotifier::default()),
        sealer: Sealer::new("a key for tests, never for people", &[]),
        public_url: String::from("http://127.0.0.1:3000"),
        wake: tokio::sync::Notify::new(),
    }
}

/// A job's log as a browser saves it, to its end. It comes in pieces, so that no log is in memory as a whole.
///
/// # Panics
/// The log ends early, or a piece is large.
pub async fn saved(file: Download) -> Vec<u8> {
    let (size, mut pieces, mut bytes) = (file.size, file.pieces, Vec::new());
    while let Some(piece) = pieces.next().await {
        let piece = piece.expect("a piece");
        assert!(piece.len() <= 256 * 1024, "a piece is small");
        bytes.extend(piece);
    }
    assert_eq!(i64::try_from(bytes.len()).expect("a length"), size, "it is whole");
    bytes
}
