//! Putting the use cases together with the outside: the database, GitLab, the clusters, the clock.

use crate::config::{Database, Secrets};
use crate::http::discovery::Discovery;
use crate::http::exchange::Line;
use anyhow::Context as _;
use slipway_portal::outgoing::Outgoing;
use slipway_portal::ports::{
    ClusterConnector, Courier, ForgeConnector, MailAccess, Mailer, ProviderConnector, Shelving, SystemClock,
};
use slipway_portal::provider::SignIn;
use slipway_portal::seal::Sealer;
use slipway_portal::{Portal, PortalParts};
use slipway_store::SqlStore;
use std::sync::Arc;

/// Connects to the database and brings its schema up to date.
///
/// # Errors
/// The database does not answer, or a newer Slipway was here.
pub async fn database(config: &Database) -> anyhow::Result<SqlStore> {
    let store = SqlStore::connect(&config.url)
        .await
        .with_context(|| format!("cannot open the database {}; see database.url", config.shown()))?;
    store
        .migrate()
        .await
        .with_context(|| format!("cannot use the database {}", config.shown()))?;
    Ok(store)
}

/// What seals secrets at rest.
pub fn sealer(config: &Secrets) -> Sealer {
    let previous: Vec<String> = config
        .previous_keys
        .iter()
        .map(|key| key.expose().to_owned())
        .collect();
    Sealer::new(config.key.expose(), &previous)
}

/// Makes clients for GitLab.
pub fn forges(outgoing: Outgoing) -> Arc<dyn ForgeConnector> {
    Arc::new(slipway_forge::GitlabConnector::new(outgoing))
}

/// Makes clients for clusters.
pub fn clusters(outgoing: Outgoing) -> Arc<dyn ClusterConnector> {
    Arc::new(slipway_cluster::KubeConnector::new(outgoing))
}

/// Sends webhooks.
pub fn courier(outgoing: Outgoing) -> Arc<dyn Courier> {
    Arc::new(slipway_courier::HttpCourier::new(outgoing))
}

/// Sends mail.
pub fn mailer(outgoing: Outgoing, public_url: &str) -> Arc<dyn Mailer> {
    Arc::new(slipway_mail::SmtpMailer::new(outgoing, public_url))
}

/// Asks the providers of sign-in that operators set up.
///
/// # Errors
/// The system has no usable TLS.
pub fn providers(outgoing: Outgoing) -> anyhow::Result<Arc<dyn ProviderConnector>> {
    let line = Line::guarded(outgoing).context("the HTTP client of sign-in")?;
    Ok(Arc::new(Discovery::new(line)))
}

/// What of the configuration the use cases are told.
#[derive(Default)]
pub struct Told {
    /// For organizations without a mail server of their own.
    pub mail_server: Option<MailAccess>,
    /// Where the files of items lie.
    pub shelving: Shelving,
    /// The ways in.
    pub sign_in: SignIn,
}

/// The use cases, around `store`, reached at `public_url`. With PostgreSQL, replicas hear of each other's changes.
///
/// # Errors
/// The database does not answer.
pub async fn portal(
    store: SqlStore,
    sealer: Sealer,
    outgoing: Outgoing,
    told: Told,
    public_url: String,
) -> anyhow::Result<Portal> {
    let notifier = store
        .notifier()
        .await
        .context("cannot listen to the database for the changes of other replicas")?;
    Ok(Portal::new(PortalParts {
        store: Arc::new(store),
        forges: forges(outgoing.clone()),
        clusters: clusters(outgoing.clone()),
        courier: courier(outgoing.clone()),
        mailer: mailer(outgoing.clone(), &public_url),
        mail_server: told.mail_server,
        shelving: told.shelving,
        providers: providers(outgoing)?,
        sign_in: told.sign_in,
        clock: Arc::new(SystemClock),
        notifier,
        sealer,
        public_url,
        wake: tokio::sync::Notify::new(),
    }))
}
