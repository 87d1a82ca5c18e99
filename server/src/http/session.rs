//! Sessions, kept in the database under the SHA-256 of a 256-bit id that only the browser has.
//!
//! A session that was looked up is remembered for [`REMEMBERED`], so that a page and the calls it makes
//! cost one look. What ends a session forgets it here as well. That it was used is written down once in
//! [`TOUCH`], not at every request.

use super::cookie;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use slipway_app::Flash;
use slipway_domain::id::UserId;
use slipway_domain::person::Person;
use slipway_domain::time::{HOUR, MINUTE, SECOND, Timestamp};
use slipway_portal::ports::{SessionRow, StoreError};
use slipway_portal::{Portal, Result};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a looked-up session is believed. Another replica hears of a sign-out after this at the latest.
const REMEMBERED: Duration = Duration::from_secs(5);

/// How many are remembered at most.
const REMEMBERED_MAX: usize = 20_000;

/// How often the use of a session is written down, in µs.
const TOUCH: i64 = 5 * MINUTE;

/// How long a session lives that nobody signed in to, in µs: it only carries a failed form to its page.
const ANONYMOUS: i64 = 15 * MINUTE;

/// What a secret that is shown once is sealed for.
const SHOWN_ONCE: &str = "shown once";

/// What a session remembers beside whose it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Data {
    started_at: Timestamp,
    seen_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flash: Option<Flash>,
}

/// A session of this request.
#[derive(Clone, Debug)]
pub struct Session {
    key: Arc<str>,
    person: Option<Arc<Person>>,
    expires_at: Timestamp,
    data: Data,
}

impl Session {
    /// What it is kept under: a hash of what the browser has.
    pub fn key(&self) -> Arc<str> {
        Arc::clone(&self.key)
    }

    /// Who signed in to it.
    pub fn person(&self) -> Option<&Person> {
        self.person.as_deref()
    }
}

/// All sessions.
pub struct Sessions {
    portal: Portal,
    secure: bool,
    idle: i64,
    absolute: i64,
    remembered: Mutex<Remembered>,
}

#[derive(Default)]
struct Remembered {
    /// Grows whenever something is forgotten, so that a look that began before is not remembered after.
    epoch: u64,
    sessions: HashMap<Arc<str>, (Instant, Session)>,
}

impl Sessions {
    /// Sessions that end `idle_minutes` after their last use and `hours` after their start.
    pub fn new(portal: Portal, secure: bool, idle_minutes: u32, hours: u32) -> Self {
        Self {
            portal,
            secure,
            idle: i64::from(idle_minutes) * MINUTE,
            absolute: i64::from(hours) * HOUR,
            remembered: Mutex::default(),
        }
    }

    /// The cookie's name. The prefix `__Host-` binds it to this host and to https; without https browsers
    /// refuse it.
    pub const fn cookie(&self) -> &'static str {
        if self.secure {
            "__Host-slipway"
        } else {
            "slipway_session"
        }
    }

    /// The session that the request's cookie names.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn of(&self, headers: &HeaderMap) -> Result<Option<Session>> {
        let Some(key) = cookie::read(headers, self.cookie()).and_then(key_of) else {
            return Ok(None);
        };
        let now = self.portal.clock.now();
        let found = match self.recall(&key, now) {
            Ok(session) => Some(session),
            Err(epoch) => self.look_up(key, now, epoch).await?,
        };
        let Some(session) = found else { return Ok(None) };
        if session.person.is_some() && now.since(session.data.seen_at) > TOUCH {
            // The answer does not depend on it.
            if let Err(error) = self.touch(&session, now).await {
                tracing::warn!(%error, "the use of a session was not written down");
            }
        }
        Ok(Some(session))
    }

    fn recall(&self, key: &str, now: Timestamp) -> Result<Session, u64> {
        let remembered = self.remembered.lock();
        match remembered.sessions.get(key) {
            Some((at, session)) if at.elapsed() < REMEMBERED && session.expires_at > now => {
                Ok(session.clone())
            }
            _ => Err(remembered.epoch),
        }
    }

    fn remember(&self, session: &Session, epoch: u64) {
        let mut remembered = self.remembered.lock();
        if remembered.epoch != epoch {
            return;
        }
        if remembered.sessions.len() >= REMEMBERED_MAX {
            remembered.sessions.retain(|_, (at, _)| at.elapsed() < REMEMBERED);
        }
        if remembered.sessions.len() < REMEMBERED_MAX {
            remembered
                .sessions
                .insert(Arc::clone(&session.key), (Instant::now(), session.clone()));
        }
    }

    fn forget(&self, key: &str) {
        let mut remembered = self.remembered.lock();
        remembered.epoch += 1;
        remembered.sessions.remove(key);
    }

    /// Looks every session of `person` up again at its next request: something about them has changed.
    pub fn forget_person(&self, person: UserId) {
        let mut remembered = self.remembered.lock();
        remembered.epoch += 1;
        remembered
            .sessions
            .retain(|_, (_, session)| session.person().is_none_or(|p| p.id != person));
    }

    async fn look_up(&self, key: String, now: Timestamp, epoch: u64) -> Result<Option<Session>> {
        let mut tx = self.portal.store.read().await?;
        let Some(row) = tx.session(&key, now).await? else {
            return Ok(None);
        };
        let person = match row.user {
            Some(id) => match tx.person(id).await? {
                Some(person) if person.deactivated_at.is_none() => Some(Arc::new(person)),
                _ => return Ok(None),
            },
            None => None,
        };
        drop(tx);
        let data = read(&row)?;
        let session = Session {
            key: Arc::from(key),
            person,
            expires_at: row.expires_at,
            data,
        };
        self.remember(&session, epoch);
        Ok(Some(session))
    }

    /// Begins a session for `person` and ends the one that the browser had: the id changes at sign-in.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn start(&self, person: UserId, before: Option<&Session>) -> Result<HeaderValue> {
        if let Some(before) = before {
            self.delete(before).await?;
        }
        let now = self.portal.clock.now();
        let data = Data {
            started_at: now,
            seen_at: now,
            flash: None,
        };
        self.insert(Some(person), data, self.end(now, now)).await
    }

    /// Ends a session.
    ///
    /// # Errors
    /// The database does not answer; the session then goes on.
    pub async fn end_of(&self, session: &Session) -> Result<HeaderValue> {
        self.delete(session).await?;
        Ok(cookie::remove(self.cookie(), self.secure))
    }

    /// Leaves `flash` for the next page of this browser. Without a session a short one begins.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn leave_flash(&self, session: Option<&Session>, flash: Flash) -> Result<Option<HeaderValue>> {
        // What is shown once is a secret, and the database keeps none in the open.
        let seal = |secret: String| self.portal.sealer.seal(SHOWN_ONCE, &secret);
        let flash = Flash {
            shown: flash.shown.map(seal),
            ..flash
        };
        let now = self.portal.clock.now();
        let Some(session) = session else {
            let data = Data {
                started_at: now,
                seen_at: now,
                flash: Some(flash),
            };
            return self.insert(None, data, now.plus(ANONYMOUS)).await.map(Some);
        };
        self.change(session, |data| data.flash = Some(flash)).await?;
        Ok(None)
    }

    /// Takes the flash out of the session: it is shown once.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn take_flash(&self, session: &Session) -> Result<Option<Flash>> {
        if session.data.flash.is_none() {
            return Ok(None);
        }
        let mut taken = None;
        self.change(session, |data| taken = data.flash.take()).await?;
        let open = |sealed: String| self.portal.sealer.open(SHOWN_ONCE, &sealed).ok();
        Ok(taken.map(|flash| Flash {
            shown: flash.shown.and_then(open),
            ..flash
        }))
    }

    fn end(&self, started_at: Timestamp, seen_at: Timestamp) -> Timestamp {
        seen_at.plus(self.idle).min(started_at.plus(self.absolute))
    }

    async fn insert(&self, user: Option<UserId>, data: Data, expires_at: Timestamp) -> Result<HeaderValue> {
        let id = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let row = SessionRow {
            key: hash(&id),
            user,
            data: write(&data)?,
            expires_at,
        };
        let mut tx = self.portal.store.write().await?;
        tx.put_session(&row).await?;
        tx.commit().await?;
        let lives = if user.is_some() { self.absolute } else { ANONYMOUS };
        Ok(cookie::set(self.cookie(), &id, lives / SECOND, self.secure))
    }

    async fn delete(&self, session: &Session) -> Result<()> {
        let mut tx = self.portal.store.write().await?;
        tx.delete_session(&session.key).await?;
        tx.commit().await?;
        self.forget(&session.key);
        Ok(())
    }

    async fn touch(&self, session: &Session, now: Timestamp) -> Result<()> {
        let end = self.end(session.data.started_at, now);
        self.rewrite(session, Some(end), |data| data.seen_at = now).await
    }

    async fn change(&self, session: &Session, edit: impl FnOnce(&mut Data) + Send) -> Result<()> {
        self.rewrite(session, None, edit).await
    }

    /// Reads the row again inside the transaction, so that a session that ended meanwhile stays ended.
    async fn rewrite(
        &self,
        session: &Session,
        expires_at: Option<Timestamp>,
        edit: impl FnOnce(&mut Data) + Send,
    ) -> Result<()> {
        let mut tx = self.portal.store.write().await?;
        if let Some(mut row) = tx.session(&session.key, self.portal.clock.now()).await? {
            let mut data = read(&row)?;
            edit(&mut data);
            row.data = write(&data)?;
            row.expires_at = expires_at.unwrap_or(row.expires_at);
            tx.put_session(&row).await?;
            tx.commit().await?;
        }
        self.forget(&session.key);
        Ok(())
    }
}

/// The key for the id in the cookie; `None` for what is no id of ours.
fn key_of(id: &str) -> Option<String> {
    (id.len() == 43
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'))
    .then(|| hash(id))
}

fn hash(id: &str) -> String {
    hex::encode(Sha256::digest(id.as_bytes()))
}

fn read(row: &SessionRow) -> Result<Data> {
    serde_json::from_str(&row.data).map_err(|_| {
        let inconsistent = StoreError::Inconsistent {
            table: "sessions",
            column: "data",
            row: row.key.clone(),
        };
        inconsistent.into()
    })
}

fn write(data: &Data) -> Result<String> {
    serde_json::to_string(data).map_err(slipway_portal::Error::internal)
}
