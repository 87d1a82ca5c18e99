//! The context of one operation: who acts, through what, in which language, at what time.

use crate::access::Rights;
use crate::error::{Error, Result};
use crate::live::Notifier;
use crate::ports::{
    Clock, ClusterConnector, Courier, ForgeConnector, MailAccess, Mailer, ProviderConnector, Shelving, Store,
    Tx,
};
use crate::provider::SignIn;
use crate::seal::Sealer;
use crate::token::TokenUse;
use slipway_domain::id::TypedId;
use slipway_domain::person::PersonRef;
use slipway_domain::text::Locale;
use slipway_domain::time::Timestamp;
use slipway_domain::token::Scope;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{Notify, OnceCell};

/// Everything a use case needs of the outside. Cheap to clone.
#[derive(Clone)]
pub struct Portal(Arc<Whole>);

struct Whole {
    parts: PortalParts,
    memory: Memory,
}

/// What this process keeps between calls and may lose at any time.
#[derive(Default)]
pub(crate) struct Memory {
    /// Logs that were read lately.
    pub(crate) logs: crate::run::LogCache,
    /// Who read which pod's log lately.
    pub(crate) readings: crate::pod::Readings,
    /// Which clusters are watched, and what was touched there.
    pub(crate) watched: crate::watch::Watched,
    /// Webhooks that wait for the next transaction.
    pub(crate) webhooks: crate::webhook::Gate,
    /// How often sessions were ended, or somebody's account changed.
    pub(crate) sessions: AtomicU64,
    /// How many passwords were verified.
    pub(crate) verified: AtomicU64,
}

/// What a [`Portal`] is made of.
pub struct PortalParts {
    /// The database.
    pub store: Arc<dyn Store>,
    /// Makes clients for GitLab connections.
    pub forges: Arc<dyn ForgeConnector>,
    /// Makes clients for clusters.
    pub clusters: Arc<dyn ClusterConnector>,
    /// Sends webhooks.
    pub courier: Arc<dyn Courier>,
    /// Sends mail.
    pub mailer: Arc<dyn Mailer>,
    /// The mail server of the configuration: for organizations that have none of their own.
    pub mail_server: Option<MailAccess>,
    /// Where the files of items lie.
    pub shelving: Shelving,
    /// Asks the providers of sign-in that operators set up.
    pub providers: Arc<dyn ProviderConnector>,
    /// The ways in of the configuration.
    pub sign_in: SignIn,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Invalidations.
    pub notifier: Arc<dyn Notifier>,
    /// Secrets at rest.
    pub sealer: Sealer,
    /// The URL people and GitLab reach Slipway at, without a slash at the end.
    pub public_url: String,
    /// Wakes the workers of this process.
    pub wake: Notify,
}

impl Portal {
    /// A portal of `parts`.
    pub fn new(parts: PortalParts) -> Self {
        Self(Arc::new(Whole {
            parts,
            memory: Memory::default(),
        }))
    }

    /// What this process remembers.
    pub(crate) fn memory(&self) -> &Memory {
        &self.0.memory
    }

    /// Another number whenever this process has ended sessions or changed an account: what was looked up before is
    /// no longer to be believed.
    pub fn sessions_epoch(&self) -> u64 {
        self.0.memory.sessions.load(Ordering::Acquire)
    }

    /// How many passwords this process has verified: as many for names that nobody has.
    pub fn passwords_verified(&self) -> u64 {
        self.0.memory.verified.load(Ordering::Relaxed)
    }

    /// Makes [`sessions_epoch`](Self::sessions_epoch) another number.
    pub(crate) fn forget_sessions(&self) {
        self.0.memory.sessions.fetch_add(1, Ordering::AcqRel);
    }

    /// The context of a request by `actor`.
    pub fn ctx(&self, actor: Actor, via: Via, request_id: impl Into<String>, locale: Locale) -> OpCtx {
        self.ctx_of(actor, via, None, request_id.into(), locale)
    }

    /// The context of a program's request in the name of `owner`, by their token.
    pub fn ctx_by_token(
        &self,
        owner: PersonRef,
        token: TokenUse,
        request_id: impl Into<String>,
        locale: Locale,
    ) -> OpCtx {
        self.ctx_of(
            Actor::User(owner),
            Via::Api,
            Some(token),
            request_id.into(),
            locale,
        )
    }

    fn ctx_of(
        &self,
        actor: Actor,
        via: Via,
        token: Option<TokenUse>,
        request_id: String,
        locale: Locale,
    ) -> OpCtx {
        OpCtx(Arc::new(Inner {
            portal: self.clone(),
            actor,
            via,
            token,
            request_id,
            locale,
            session: None,
            expected: None,
            rights: OnceCell::new(),
        }))
    }

    /// The context of Slipway's own work.
    pub fn system(&self, request_id: impl Into<String>) -> OpCtx {
        self.ctx(Actor::System, Via::System, request_id, Locale::En)
    }
}

impl std::ops::Deref for Portal {
    type Target = PortalParts;
    fn deref(&self) -> &PortalParts {
        &self.0.parts
    }
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Nobody is signed in.
    Anonymous,
    /// A person.
    User(PersonRef),
    /// Slipway itself: workers and reconcilers.
    System,
}

/// Through what somebody acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// A browser.
    Web,
    /// The REST API.
    Api,
    /// The command line of the server.
    Cli,
    /// Slipway itself.
    System,
}

impl Via {
    /// The word in the audit log.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Api => "api",
            Self::Cli => "cli",
            Self::System => "system",
        }
    }
}

/// The context of one operation. Cheap to clone; clones share the loaded rights.
#[derive(Clone)]
pub struct OpCtx(Arc<Inner>);

struct Inner {
    portal: Portal,
    actor: Actor,
    via: Via,
    token: Option<TokenUse>,
    request_id: String,
    locale: Locale,
    session: Option<InSession>,
    expected: Option<i64>,
    rights: OnceCell<Rights>,
}

/// The session that somebody acts in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InSession {
    /// What it is kept under.
    pub key: Arc<str>,
    /// When the person last proved in it that it is them.
    pub proved_at: Timestamp,
}

impl OpCtx {
    /// The outside.
    pub fn portal(&self) -> &Portal {
        &self.0.portal
    }

    /// Who acts.
    pub fn actor(&self) -> &Actor {
        &self.0.actor
    }

    /// The person who acts.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] where nobody is signed in; also for Slipway itself, which owns nothing.
    pub fn user(&self) -> Result<&PersonRef> {
        match &self.0.actor {
            Actor::User(person) => Ok(person),
            Actor::Anonymous | Actor::System => Err(Error::Unauthenticated),
        }
    }

    /// The person who acts on what is their own: a project's token has nothing.
    ///
    /// # Errors
    /// As [`user`](Self::user); [`Error::NotFound`] for a project's token.
    pub fn oneself(&self) -> Result<&PersonRef> {
        if self.token().is_some_and(|token| token.project.is_some()) {
            return Err(Error::NotFound);
        }
        self.user()
    }

    /// As [`oneself`](Self::oneself), for changes of one's own account: a token needs [`Scope::Manage`].
    ///
    /// # Errors
    /// As [`oneself`](Self::oneself); [`Error::Scope`].
    pub fn changing_oneself(&self) -> Result<&PersonRef> {
        let person = self.oneself()?;
        self.needs_scope(Scope::Manage)?;
        Ok(person)
    }

    /// Whether Slipway itself acts.
    pub fn is_system(&self) -> bool {
        self.0.actor == Actor::System
    }

    /// The same context, of a request in `session`.
    #[must_use]
    pub fn in_session(&self, session: InSession) -> Self {
        self.again(Some(session), self.0.expected)
    }

    /// The same context, of an update that is to be made only where [`version`](crate::version) is still `expected`;
    /// `None`: on whatever is there.
    #[must_use]
    pub fn only_on(&self, expected: Option<i64>) -> Self {
        self.again(self.0.session.clone(), expected)
    }

    /// The version that an update is to be made on.
    pub fn expected(&self) -> Option<i64> {
        self.0.expected
    }

    fn again(&self, session: Option<InSession>, expected: Option<i64>) -> Self {
        Self(Arc::new(Inner {
            portal: self.0.portal.clone(),
            actor: self.0.actor.clone(),
            via: self.0.via,
            token: self.0.token.clone(),
            request_id: self.0.request_id.clone(),
            locale: self.0.locale,
            session,
            expected,
            rights: OnceCell::new(),
        }))
    }

    /// The session that the person acts in; none for tokens and for Slipway itself.
    pub fn session(&self) -> Option<&InSession> {
        self.0.session.as_ref()
    }

    /// Through what.
    pub fn via(&self) -> Via {
        self.0.via
    }

    /// The token that the request brought; `None`: a person acts themselves.
    pub fn token(&self) -> Option<&TokenUse> {
        self.0.token.as_ref()
    }

    /// Lets pass whoever brought no token, or one with `scope`: for what is not decided by rights alone.
    ///
    /// # Errors
    /// [`Error::Scope`] where the token lacks it.
    pub fn needs_scope(&self, scope: Scope) -> Result<()> {
        match self.token() {
            Some(token) if !token.scopes.has(scope) => Err(Error::Scope(scope)),
            _ => Ok(()),
        }
    }

    /// The request, for logs, the audit log and error pages.
    pub fn request_id(&self) -> &str {
        &self.0.request_id
    }

    /// The reader's language.
    pub fn locale(&self) -> Locale {
        self.0.locale
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.0.portal.clock.now()
    }

    /// A fresh id: a `UUIDv7` of now.
    pub fn id<T: TypedId>(&self) -> T {
        T::from_uuid(uuid_v7(self.now()))
    }

    /// The same request, with rights that are loaded anew: for what goes on for long.
    #[must_use]
    pub fn anew(&self) -> Self {
        self.again(self.0.session.clone(), self.0.expected)
    }

    /// Reads: one connection, no transaction.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn read(&self) -> Result<Box<dyn Tx>> {
        Ok(self.0.portal.store.read().await?)
    }

    /// What the actor may do where, loaded once a context by one query.
    ///
    /// # Errors
    /// The database does not answer; [`Error::Unauthenticated`] where nobody is signed in.
    pub async fn rights(&self) -> Result<&Rights> {
        self.0
            .rights
            .get_or_try_init(|| async {
                match &self.0.actor {
                    Actor::System => Ok(Rights::system()),
                    Actor::Anonymous => Err(Error::Unauthenticated),
                    Actor::User(person) => {
                        let mut tx = self.read().await?;
                        let rights = Rights::of(tx.role_bindings_of(person.id).await?);
                        Ok(match self.token() {
                            Some(token) => rights.within(token.scopes.actions(), token.project),
                            None => rights,
                        })
                    }
                }
            })
            .await
    }
}

/// A `UUIDv7` (RFC 9562): 48 bits of ms since the epoch, then random bits.
fn uuid_v7(now: Timestamp) -> uuid::Uuid {
    let millis = u64::try_from(now.micros() / 1000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid()
}
