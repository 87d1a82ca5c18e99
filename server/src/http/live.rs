//! `GET /live`: server-sent events that say what changed, never how.
//!
//! One stream a tab. An event passes only if the reader may see its place by rights that are at most
//! [`RECHECK`] old. The stream ends when the session does, when it cannot keep up (the browser then
//! connects and reads again), and when the server stops.

use super::Edge;
use super::problem::Refusal;
use super::session::Session;
use super::visit::Visit;
use axum::Extension;
use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use http::HeaderMap;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use slipway_domain::access::Action;
use slipway_domain::id::{ProjectId, UserId};
use slipway_portal::access::{self, ProjectScope};
use slipway_portal::live::Invalidation;
use slipway_portal::{Error, OpCtx};
use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

/// How old the rights may be by which an event passes.
const RECHECK: Duration = Duration::from_secs(3);

/// How often a line is sent where nothing happens, so that proxies keep the connection.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Streams that one person may have open.
const PER_PERSON: usize = 32;

/// The open streams.
#[derive(Clone, Default)]
pub struct Streams(Arc<Mutex<HashMap<UserId, usize>>>);

impl Streams {
    /// How many are open.
    pub fn open(&self) -> i64 {
        i64::try_from(self.0.lock().values().sum::<usize>()).unwrap_or(i64::MAX)
    }

    fn enter(&self, user: UserId) -> Option<Place> {
        let mut open = self.0.lock();
        let count = open.entry(user).or_default();
        if *count >= PER_PERSON {
            return None;
        }
        *count += 1;
        Some(Place {
            streams: self.clone(),
            user,
        })
    }
}

/// One open stream; dropping it makes room.
struct Place {
    streams: Streams,
    user: UserId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.0.lock();
        if let Some(count) = open.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.user);
            }
        }
    }
}

/// What of an invalidation reaches a browser.
#[derive(Serialize)]
struct Told<'a> {
    topic: &'a str,
    id: &'a str,
    version: i64,
}

/// What a browser asks for.
#[derive(Deserialize)]
pub struct Asked {
    /// When its page was made, in µs since the epoch: it wants to hear what changed since.
    since: Option<i64>,
}

/// A change is told with the moment it began; one that ended after a page was made may have begun this much before,
/// in µs.
const UNDER_WAY: i64 = 250_000;

/// The handler.
pub async fn stream(
    State(edge): State<Edge>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    let user = match visit.ctx.user() {
        Ok(person) => person.id,
        Err(error) => return Refusal::of(&visit, error).into_response(),
    };
    let Some(place) = edge.streams.enter(user) else {
        return Refusal::of(&visit, Error::Limited { retry_after: 30 }).into_response();
    };
    let events = edge.portal.notifier.subscribe();
    let missed = asked
        .since
        .map(|since| edge.portal.notifier.lately(since.saturating_sub(UNDER_WAY)))
        .unwrap_or_default();
    let listener = Listener {
        edge,
        headers,
        user,
        ctx: visit.ctx,
        checked: Instant::now(),
        projects: HashMap::new(),
        operator: None,
        _place: place,
    };
    let mut response = Sse::new(told(listener, missed.into(), events))
        .keep_alive(KeepAlive::new().interval(HEARTBEAT))
        .into_response();
    // Proxies must not hold events back.
    response
        .headers_mut()
        .insert("x-accel-buffering", http::HeaderValue::from_static("no"));
    response
}

/// Somebody who listens.
struct Listener {
    edge: Edge,
    headers: HeaderMap,
    user: UserId,
    /// Of the last check: holds the rights that were loaded then.
    ctx: OpCtx,
    checked: Instant,
    /// Projects that were looked up since the last check.
    projects: HashMap<ProjectId, Option<ProjectScope>>,
    /// Whether they are an operator, if that was looked up since the last check.
    operator: Option<bool>,
    _place: Place,
}

/// What a listener was woken by.
enum Heard {
    Event(Result<Invalidation, RecvError>),
    Nothing,
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // The sender is gone: then nobody will ever say it.
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn told(
    listener: Listener,
    missed: VecDeque<Invalidation>,
    events: Receiver<Invalidation>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let stop = listener.edge.stop.clone();
    let hello = futures::stream::once(async {
        Ok(Event::default()
            .comment("listening")
            .retry(Duration::from_secs(2)))
    });
    let rest = futures::stream::unfold(
        (listener, missed, events, stop),
        |(mut listener, mut missed, mut events, mut stop)| async move {
            loop {
                let heard = if let Some(event) = missed.pop_front() {
                    Heard::Event(Ok(event))
                } else {
                    // Nothing of the guards that select! holds may live until the awaits below.
                    tokio::select! {
                        event = events.recv() => Heard::Event(event),
                        () = tokio::time::sleep(HEARTBEAT) => Heard::Nothing,
                        () = stopped(&mut stop) => return None,
                    }
                };
                if !listener.still_there().await {
                    return None;
                }
                let event = match heard {
                    Heard::Event(Ok(event)) => event,
                    Heard::Event(Err(RecvError::Lagged(_) | RecvError::Closed)) => return None,
                    Heard::Nothing => continue,
                };
                if listener.may_hear(&event).await {
                    let told = Told {
                        topic: &event.topic,
                        id: &event.id,
                        version: event.version,
                    };
                    let Ok(message) = Event::default().json_data(told) else {
                        continue;
                    };
                    return Some((Ok(message), (listener, missed, events, stop)));
                }
            }
        },
    );
    futures::StreamExt::chain(hello, rest)
}

impl Listener {
    /// Whether the session goes on. Looks again when the last look is too old, and forgets the rights.
    async fn still_there(&mut self) -> bool {
        if self.checked.elapsed() < RECHECK {
            return true;
        }
        let session = self.edge.sessions.of(&self.headers).await.ok().flatten();
        let same = session
            .as_ref()
            .and_then(Session::person)
            .is_some_and(|person| person.id == self.user);
        if !same {
            return false;
        }
        let ctx = &self.ctx;
        self.ctx = self
            .edge
            .portal
            .ctx(ctx.actor().clone(), ctx.via(), ctx.request_id(), ctx.locale());
        self.projects.clear();
        self.operator = None;
        self.checked = Instant::now();
        true
    }

    async fn may_hear(&mut self, event: &Invalidation) -> bool {
        if let Some(user) = event.user {
            return user == self.user;
        }
        let ctx = self.ctx.clone();
        let Some(org) = event.org else {
            return self.operates().await;
        };
        let Ok(rights) = ctx.rights().await else {
            return false;
        };
        let Some(project) = event.project else {
            return rights.at_org(org).has(Action::See);
        };
        if !rights.at_org(org).has(Action::See) {
            return false;
        }
        let Some(scope) = self.project(project).await else {
            return false;
        };
        let held = match event.app {
            Some(app) => rights.in_app_of(scope, app),
            None => rights.in_project(scope),
        };
        held.has(Action::See)
    }

    /// Whether they are an operator of the whole server.
    async fn operates(&mut self) -> bool {
        if self.operator.is_none() {
            self.operator = access::is_operator(&self.ctx).await.ok();
        }
        self.operator == Some(true)
    }

    /// The project, to know whether all members see it.
    async fn project(&mut self, id: ProjectId) -> Option<&ProjectScope> {
        if !self.projects.contains_key(&id) {
            let found = match self.ctx.read().await {
                Ok(mut tx) => tx.find_project_by_id(id).await.ok().flatten(),
                Err(_) => None,
            };
            self.projects.insert(id, found);
        }
        self.projects.get(&id)?.as_ref()
    }
}
