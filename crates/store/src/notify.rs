//! Invalidations between replicas, by PostgreSQL's `LISTEN` and `NOTIFY`.
//!
//! What this replica publishes reaches its own listeners at once and the others through the database. A replica that
//! may have missed something ends all its subscriptions: whoever listened connects and reads again.

use crate::error::map;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use slipway_portal::live::{Invalidation, LocalNotifier, Notifier};
use slipway_portal::ports::StoreResult;
use sqlx::postgres::{PgListener, PgPool, PgPoolOptions};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// The channel of all replicas of one database.
const CHANNEL: &str = "slipway_live";

/// How many invalidations travel together: far below the 8,000 bytes of a `NOTIFY`.
const TOGETHER: usize = 16;

/// How many may wait to be sent. With more, the others are told to read everything again.
const QUEUE: usize = 4096;

/// How often a replica says something, so that a connection that is dead without a word is noticed.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// How long a replica hears nothing, not even itself, until it listens anew.
const SILENCE: Duration = Duration::from_mins(1);

/// The pause after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// How long the end of a process waits for what is still to be sent.
const FLUSH: Duration = Duration::from_secs(2);

/// What travels.
#[derive(Serialize, Deserialize)]
struct Note {
    /// The replica that says it; it does not listen to itself.
    from: String,
    /// Whether something was lost on the way, so that everything is to be read again.
    #[serde(default)]
    all: bool,
    /// What changed.
    told: Vec<Invalidation>,
}

enum Outgoing {
    Told(Invalidation),
    /// Answered once all before it has left.
    Flush(oneshot::Sender<()>),
}

/// A [`Notifier`] that reaches every replica of one PostgreSQL database.
pub(crate) struct PostgresNotifier {
    local: Arc<LocalNotifier>,
    queue: mpsc::Sender<Outgoing>,
    missed: Arc<AtomicBool>,
    /// Ends with the notifier.
    _tasks: JoinSet<()>,
}

impl PostgresNotifier {
    /// Listens from now on.
    ///
    /// # Errors
    /// The database does not answer.
    pub(crate) async fn connect(url: &str) -> StoreResult<Self> {
        // One connection to listen, one to speak.
        let pool = PgPoolOptions::new()
            .max_connections(2)
            .connect_lazy(url)
            .map_err(map)?;
        let ears = listen(&pool).await.map_err(map)?;
        let (queue, waiting) = mpsc::channel(QUEUE);
        let (local, missed) = (
            Arc::new(LocalNotifier::default()),
            Arc::new(AtomicBool::new(false)),
        );
        let me: String = sqlx::query_scalar("SELECT gen_random_uuid()::text")
            .fetch_one(&pool)
            .await
            .map_err(map)?;
        let mut tasks = JoinSet::new();
        tasks.spawn(hear(pool.clone(), ears, me.clone(), Arc::clone(&local)));
        tasks.spawn(speak(pool, me, waiting, Arc::clone(&missed)));
        Ok(Self {
            local,
            queue,
            missed,
            _tasks: tasks,
        })
    }
}

#[async_trait]
impl Notifier for PostgresNotifier {
    fn publish(&self, invalidation: Invalidation) {
        self.local.publish(invalidation.clone());
        if self.queue.try_send(Outgoing::Told(invalidation)).is_err() {
            self.missed.store(true, Ordering::Release);
        }
    }

    fn subscribe(&self) -> Receiver<Invalidation> {
        self.local.subscribe()
    }

    fn lately(&self, since: i64) -> Vec<Invalidation> {
        self.local.lately(since)
    }

    async fn flush(&self) {
        let (sent, left) = oneshot::channel();
        let flushed = async {
            if self.queue.send(Outgoing::Flush(sent)).await.is_ok() {
                // An error means that nobody speaks any more.
                let _ = left.await;
            }
        };
        if tokio::time::timeout(FLUSH, flushed).await.is_err() {
            tracing::warn!("other replicas may not have heard of the last changes");
        }
    }
}

async fn listen(pool: &PgPool) -> Result<PgListener, sqlx::Error> {
    let mut ears = PgListener::connect_with(pool).await?;
    ears.listen(CHANNEL).await?;
    Ok(ears)
}

/// Listens for as long as the notifier lives.
async fn hear(pool: PgPool, mut ears: PgListener, me: String, local: Arc<LocalNotifier>) {
    loop {
        match tokio::time::timeout(SILENCE, ears.try_recv()).await {
            Ok(Ok(Some(heard))) => take_in(heard.payload(), &me, &local),
            lost => {
                let why = match lost {
                    Ok(Err(error)) => error.to_string(),
                    Ok(_) => String::from("the connection was lost"),
                    Err(_) => String::from("nothing was heard"),
                };
                tracing::warn!(why, "this replica does not hear the others; it listens anew");
                ears = listen_anew(&pool).await;
                // What was said meanwhile is not known: everybody reads again.
                local.end_all();
            }
        }
    }
}

async fn listen_anew(pool: &PgPool) -> PgListener {
    loop {
        match listen(pool).await {
            Ok(ears) => return ears,
            Err(error) => {
                tracing::warn!(%error, "PostgreSQL is not to be listened to");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn take_in(payload: &str, me: &str, local: &LocalNotifier) {
    match serde_json::from_str::<Note>(payload) {
        Ok(note) if note.from == me => {}
        Ok(note) if note.all => local.end_all(),
        Ok(note) => {
            for told in note.told {
                local.publish(told);
            }
        }
        // The words of a newer replica.
        Err(_) => local.end_all(),
    }
}

/// Tells the others for as long as the notifier lives.
async fn speak(pool: PgPool, me: String, mut waiting: mpsc::Receiver<Outgoing>, missed: Arc<AtomicBool>) {
    loop {
        let mut next = None;
        if !missed.load(Ordering::Acquire) {
            next = match tokio::time::timeout(HEARTBEAT, waiting.recv()).await {
                Ok(None) => return,
                Ok(some) => some,
                Err(_) => None,
            };
        }
        let (mut told, mut flushed) = (Vec::new(), Vec::new());
        while let Some(outgoing) = next {
            match outgoing {
                Outgoing::Told(invalidation) => told.push(invalidation),
                Outgoing::Flush(sent) => flushed.push(sent),
            }
            next = if told.len() < TOGETHER {
                waiting.try_recv().ok()
            } else {
                None
            };
        }
        let all = missed.swap(false, Ordering::AcqRel);
        let note = Note {
            from: me.clone(),
            all,
            told,
        };
        if let Err(error) = notify(&pool, &note).await {
            tracing::warn!(%error, "the other replicas do not hear of a change; they will read everything again");
            missed.store(true, Ordering::Release);
            tokio::time::sleep(PAUSE).await;
        }
        for sent in flushed {
            // An error means that nobody waits for it any more.
            let _ = sent.send(());
        }
    }
}

async fn notify(pool: &PgPool, note: &Note) -> Result<(), sqlx::Error> {
    let payload = serde_json::to_string(note).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    sqlx::query("SELECT pg_notify($1, $2)")
        .bind(CHANNEL)
        .bind(payload)
        .execute(pool)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use slipway_domain::id::{OrgId, TypedId};
    use tokio::sync::broadcast::error::TryRecvError;
    use uuid::Uuid;

    fn told(id: &str) -> Invalidation {
        Invalidation {
            topic: String::from("item"),
            id: id.to_owned(),
            version: i64::MAX,
            org: Some(OrgId::from_uuid(Uuid::nil())),
            project: None,
            app: None,
            user: None,
        }
    }

    #[test]
    fn what_travels_together_fits_into_one_notify() {
        let uuid = Uuid::nil();
        let full = Invalidation {
            topic: "x".repeat(40),
            project: Some(TypedId::from_uuid(uuid)),
            app: Some(TypedId::from_uuid(uuid)),
            user: Some(TypedId::from_uuid(uuid)),
            ..told(&uuid.to_string())
        };
        let note = Note {
            from: uuid.to_string(),
            all: true,
            told: vec![full; TOGETHER],
        };
        assert!(serde_json::to_string(&note).unwrap().len() < 8000);
    }

    #[test]
    fn a_replica_hears_the_others_and_reads_again_what_it_does_not_understand() {
        let local = LocalNotifier::default();
        let mut ears = local.subscribe();
        let say = |from: &str, all, id: &str| {
            let note = Note {
                from: from.to_owned(),
                all,
                told: vec![told(id)],
            };
            take_in(&serde_json::to_string(&note).unwrap(), "me", &local);
        };
        say("me", false, "mine");
        say("other", false, "theirs");
        assert_eq!(ears.try_recv().unwrap().id, "theirs");
        assert_eq!(ears.try_recv(), Err(TryRecvError::Empty));
        say("other", true, "");
        assert_eq!(ears.try_recv(), Err(TryRecvError::Closed));
        let mut ears = local.subscribe();
        take_in("{\"v\":2}", "me", &local);
        assert_eq!(ears.try_recv(), Err(TryRecvError::Closed));
    }
}
