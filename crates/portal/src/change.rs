//! A change: one transaction with its audit rows and outbox rows, told to everyone once committed.

use crate::context::{Actor, OpCtx};
use crate::error::{Error, Result};
use crate::jobs::Job;
use crate::live::Invalidation;
use crate::ports::{AuditRecord, Chain, Tx};
use slipway_domain::audit::Outcome;
use slipway_domain::id::{AuditId, OrgId, OutboxId, UserId};
use slipway_domain::operator::SERVER;
use slipway_domain::project::Place;
use slipway_domain::time::Timestamp;
use slipway_domain::token::Scope;

/// Whether an update was compared with the version that it is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compared {
    /// It is for whatever is there.
    NeedsNot,
    /// Not yet.
    NotYet,
    /// It was.
    Done,
}

/// A write transaction. Dropping it without [`commit`](Self::commit) rolls it back.
pub struct Change<'a> {
    ctx: &'a OpCtx,
    tx: Box<dyn Tx>,
    audited: bool,
    woken: bool,
    sessions: bool,
    compared: Compared,
    told: Vec<Invalidation>,
}

/// What an audit row says beside who, when and through what.
pub struct Entry<'a> {
    /// A stable key such as `promotion.request`.
    pub action: &'static str,
    /// The kind of the target.
    pub target_kind: &'static str,
    /// Its id.
    pub target_id: String,
    /// Its name now.
    pub target: String,
    /// Where.
    pub place: &'a Place,
    /// What changed, without secrets: a JSON object.
    pub summary: serde_json::Value,
    /// How it ended.
    pub outcome: Outcome,
}

impl<'a> Entry<'a> {
    /// An act that was done.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "ids are small and copied; callers read better without &"
    )]
    pub fn done(
        action: &'static str,
        target_kind: &'static str,
        target_id: impl ToString,
        target: impl Into<String>,
        place: &'a Place,
        summary: serde_json::Value,
    ) -> Self {
        Self {
            action,
            target_kind,
            target_id: target_id.to_string(),
            target: target.into(),
            place,
            summary,
            outcome: Outcome::Done,
        }
    }
}

/// What a row of the server's own chain says beside who, when and through what. See [`Entry`].
pub struct ServerEntry {
    /// A stable key such as `operator.grant`.
    pub action: &'static str,
    /// The kind of the target.
    pub target_kind: &'static str,
    /// Its id.
    pub target_id: String,
    /// Its name now.
    pub target: String,
    /// What changed, without secrets: a JSON object.
    pub summary: serde_json::Value,
}

impl OpCtx {
    /// Begins a change.
    ///
    /// # Errors
    /// [`Error::Scope`] for a token that only reads, whatever the use case asked of it; the database does not answer.
    pub async fn change(&self) -> Result<Change<'_>> {
        if self.token().is_some_and(|token| !token.scopes.change()) {
            return Err(Error::Scope(Scope::Items));
        }
        let tx = self.portal().store.write().await?;
        Ok(Change {
            ctx: self,
            tx,
            audited: false,
            woken: false,
            sessions: false,
            compared: match self.expected() {
                Some(_) => Compared::NotYet,
                None => Compared::NeedsNot,
            },
            told: Vec::new(),
        })
    }
}

impl Change<'_> {
    /// Whose change it is.
    pub fn ctx(&self) -> &OpCtx {
        self.ctx
    }

    /// The transaction.
    pub fn tx(&mut self) -> &mut dyn Tx {
        &mut *self.tx
    }

    /// Refuses an update that was to be made on another version than `now`, which was read in this transaction after
    /// whatever keeps others from changing it meanwhile.
    ///
    /// # Errors
    /// [`Error::Conflict`].
    pub fn only_on(&mut self, now: i64) -> Result<()> {
        self.compared = Compared::Done;
        match self.ctx.expected() {
            Some(expected) if expected != now => Err(Error::version_mismatch()),
            _ => Ok(()),
        }
    }

    /// Writes an audit row into the chain of the place's organization.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn audit(&mut self, entry: Entry<'_>) -> Result<()> {
        let chain = Chain::Org {
            org: entry.place.org.id,
            project: entry.place.project.as_ref().map(|p| p.id),
            app: entry.place.app.as_ref().map(|a| a.id),
        };
        let said = ServerEntry {
            action: entry.action,
            target_kind: entry.target_kind,
            target_id: entry.target_id,
            target: entry.target,
            summary: entry.summary,
        };
        self.append(chain, said, entry.outcome).await
    }

    /// Writes an audit row into the chain of the server itself.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn audit_server(&mut self, entry: ServerEntry) -> Result<()> {
        self.append(Chain::Server, entry, Outcome::Done).await?;
        self.touch_server("server_audit");
        Ok(())
    }

    async fn append(&mut self, chain: Chain, entry: ServerEntry, outcome: Outcome) -> Result<()> {
        let (actor_id, actor) = match self.ctx.actor() {
            Actor::User(person) => (Some(person.id), person.name.clone()),
            Actor::System => (None, String::from("slipway")),
            Actor::Anonymous => (None, String::from("-")),
        };
        let via = match self.ctx.token() {
            Some(token) => format!("{}: {}", self.ctx.via().key(), token.name),
            None => self.ctx.via().key().to_owned(),
        };
        let mut summary = entry.summary;
        if let (Some(token), Some(summary)) = (self.ctx.token(), summary.as_object_mut()) {
            summary.insert(String::from("token"), token.id.to_string().into());
        }
        let record = AuditRecord {
            id: self.ctx.id::<AuditId>(),
            chain,
            at: self.ctx.now(),
            actor_id,
            actor,
            via,
            request_id: self.ctx.request_id().to_owned(),
            action: entry.action,
            target_kind: entry.target_kind,
            target_id: entry.target_id,
            target: entry.target,
            summary,
            outcome,
        };
        self.tx.append_audit(&record).await?;
        self.audited = true;
        Ok(())
    }

    /// Says that this change is the system's own bookkeeping (a lease, a cached observation, a session)
    /// and so has no audit row.
    pub fn bookkeeping(&mut self) {
        self.audited = true;
    }

    /// Puts work into the outbox, to be done at `at` or later. With a `key`, a waiting job of the same
    /// key is kept instead, at the earlier of the two times.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn enqueue(&mut self, job: &Job, at: Timestamp, key: Option<&str>) -> Result<()> {
        let payload = serde_json::to_string(job).map_err(Error::internal)?;
        let now = self.ctx.now();
        self.tx
            .enqueue_job(self.ctx.id::<OutboxId>(), job.kind(), &payload, at, key, now)
            .await?;
        self.woken |= at <= now;
        Ok(())
    }

    /// Has `job` run that many µs from now, unless it runs before.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn enqueue_after(&mut self, job: &Job, after: i64, key: &str) -> Result<()> {
        let at = self.ctx.now().plus(after);
        self.enqueue(job, at, Some(key)).await
    }

    /// Tells whoever sees `place` that the thing `topic`/`id` changed.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "ids are small and copied; callers read better without &"
    )]
    pub fn touch(&mut self, topic: &str, id: impl ToString, place: &Place) {
        self.told.push(Invalidation {
            topic: topic.to_owned(),
            id: id.to_string(),
            version: self.ctx.now().micros(),
            org: Some(place.org.id),
            project: place.project.as_ref().map(|p| p.id),
            app: place.app.as_ref().map(|a| a.id),
            user: None,
        });
    }

    /// Tells one person that something of theirs changed: `approvals`, say; `org`: where, if it is anywhere.
    pub fn touch_person(&mut self, topic: &str, user: UserId, org: impl Into<Option<OrgId>>) {
        self.told.push(Invalidation {
            topic: topic.to_owned(),
            id: user.to_string(),
            version: self.ctx.now().micros(),
            org: org.into(),
            project: None,
            app: None,
            user: Some(user),
        });
    }

    /// Tells the operators that something of the whole server changed: `operators`, say.
    pub fn touch_server(&mut self, topic: &str) {
        self.told.push(Invalidation {
            topic: topic.to_owned(),
            id: String::from(SERVER),
            version: self.ctx.now().micros(),
            org: None,
            project: None,
            app: None,
            user: None,
        });
    }

    /// Looks sessions up again once this is committed: one was ended, or an account changed.
    pub fn touch_sessions(&mut self) {
        self.sessions = true;
    }

    /// Commits, then tells everyone and wakes the workers.
    ///
    /// # Errors
    /// The database does not answer, or the change has no audit row, or the version that it is for was not looked at
    /// (bugs: nothing is committed then).
    pub async fn commit(self) -> Result<()> {
        if !self.audited {
            return Err(Error::internal("a change without an audit row was not committed"));
        }
        if self.compared == Compared::NotYet {
            return Err(Error::internal(
                "an update for one version was not committed: nothing compared the version",
            ));
        }
        self.tx.commit().await?;
        if self.sessions {
            self.ctx.portal().forget_sessions();
        }
        for invalidation in self.told {
            self.ctx.portal().notifier.publish(invalidation);
        }
        if self.woken {
            self.ctx.portal().wake.notify_waiters();
        }
        Ok(())
    }
}
