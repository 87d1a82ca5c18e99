//! Watches: what is there, then every change, as lines of JSON.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Response, header};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Cluster;
use super::error::{ApiError, ApiResult};
use super::http::{Call, shown};
use super::lists::{Selection, check_revision};
use super::object;
use super::resource::{self, Resource};
use super::state::Change;
use super::table::Form;

/// How often a bookmark tells a quiet watch the current resource version.
const BOOKMARK_EVERY: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_hours(1);

struct Watch {
    cluster: Arc<Cluster>,
    resource: &'static Resource,
    namespace: Option<String>,
    selection: Selection,
    form: Form,
    /// The newest change that was looked at.
    revision: u64,
    signal: tokio::sync::watch::Receiver<u64>,
    lines: VecDeque<Bytes>,
    bookmarks: bool,
    next_bookmark: Instant,
    end: Instant,
    /// Columns go out with the first table only.
    first: bool,
    ended: bool,
}

pub fn serve(cluster: &Arc<Cluster>, call: &Call) -> ApiResult<Response<Body>> {
    if cluster
        .faults
        .take_watch_expiry(&call.headers, &call.path_and_query)
    {
        return Err(ApiError::expired("too old resource version: 1 (2)"));
    }
    let selection = Selection::of(call)?;
    let timeout = match call.query("timeoutSeconds") {
        Some(seconds) => {
            let seconds = seconds
                .parse()
                .map_err(|_| ApiError::bad_request(format!("timeoutSeconds: Invalid value: {seconds:?}")))?;
            Duration::from_secs(seconds).min(LONGEST)
        }
        None => LONGEST,
    };
    let bookmarks = call.asks("allowWatchBookmarks");
    let initial = call.asks("sendInitialEvents");
    if initial && call.query("resourceVersionMatch") != Some("NotOlderThan") {
        return Err(ApiError::new(
            422,
            "Invalid",
            "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting \
             resourceVersionMatch to NotOlderThan",
        ));
    }
    let watch = {
        let registry = cluster.registry.lock();
        let state = &registry.state;
        let given = check_revision(state, call.query("resourceVersion"))?;
        let from_now = matches!(given, None | Some(0));
        let mut watch = Watch {
            cluster: Arc::clone(cluster),
            resource: call.resource,
            namespace: call.namespace().map(str::to_owned),
            selection,
            form: call.form,
            revision: if from_now || initial {
                state.revision()
            } else {
                given.unwrap_or(0)
            },
            signal: state.subscribe(call.resource),
            lines: VecDeque::new(),
            bookmarks,
            next_bookmark: Instant::now() + BOOKMARK_EVERY,
            end: Instant::now() + timeout,
            first: true,
            ended: false,
        };
        if initial || (from_now && !call.query.contains_key("sendInitialEvents")) {
            let present: Vec<Arc<Value>> = state
                .list(call.resource, call.namespace())
                .filter(|o| watch.selection.matches(o))
                .cloned()
                .collect();
            for target in present {
                let target = shown(call, &target);
                watch.push("ADDED", &target);
            }
            if initial && bookmarks {
                watch.bookmark(true);
            }
        }
        watch
    };
    let body = Body::from_stream(futures::stream::unfold(watch, |mut watch| async move {
        let line = watch.next().await?;
        Some((Ok::<_, std::convert::Infallible>(line), watch))
    }));
    Ok(Response::builder()
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CACHE_CONTROL, "no-cache, private")
        .body(body)
        .expect("a valid response"))
}

impl Watch {
    fn line(&mut self, kind: &str, object: &Value) {
        let mut bytes = serde_json::to_vec(&json!({ "type": kind, "object": object })).expect("JSON prints");
        bytes.push(b'\n');
        self.lines.push_back(bytes.into());
    }

    fn push(&mut self, kind: &str, target: &Value) {
        let mut body = self.form.object(self.resource, target);
        if self.form == Form::Table && !self.first {
            body["columnDefinitions"] = Value::Null;
        }
        self.first = false;
        self.line(kind, &body);
    }

    fn bookmark(&mut self, initial_done: bool) {
        let mut target = json!({
            "kind": self.resource.kind, "apiVersion": self.resource.api_version(),
            "metadata": { "resourceVersion": self.revision.to_string(), "creationTimestamp": null },
        });
        if initial_done {
            target["metadata"]["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
        }
        if self.resource.name == "pods" {
            target["spec"] = json!({ "containers": null });
        }
        let body = match self.form {
            Form::Table => json!({
                "kind": "Table", "apiVersion": "meta.k8s.io/v1", "columnDefinitions": null, "rows": [],
                "metadata": target["metadata"],
            }),
            Form::Metadata => {
                json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": target["metadata"] })
            }
            Form::Full => target,
        };
        self.line("BOOKMARK", &body);
        self.next_bookmark = Instant::now() + BOOKMARK_EVERY;
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Some(line);
            }
            if self.ended {
                return None;
            }
            self.signal.borrow_and_update();
            self.read_log();
            if !self.lines.is_empty() {
                continue;
            }
            let stop = self.cluster.stop.clone();
            tokio::select! {
                changed = self.signal.changed() => {
                    self.ended |= changed.is_err();
                }
                () = tokio::time::sleep_until(self.next_bookmark), if self.bookmarks => {
                    self.revision = self.cluster.registry.lock().state.revision().max(self.revision);
                    self.bookmark(false);
                }
                () = tokio::time::sleep_until(self.end) => {
                    self.ended = true;
                    if self.bookmarks {
                        self.bookmark(false);
                    }
                }
                () = stop.cancelled() => self.ended = true,
            }
        }
    }

    fn read_log(&mut self) {
        let changes = self
            .cluster
            .registry
            .lock()
            .state
            .changes_since(self.resource, self.revision);
        let Some(changes) = changes else {
            let current = self.cluster.registry.lock().state.revision();
            let error = ApiError::expired(format!("too old resource version: {} ({current})", self.revision));
            self.line("ERROR", &error.status());
            self.ended = true;
            return;
        };
        for change in changes {
            self.revision = change.revision;
            self.on_change(&change);
        }
    }

    fn on_change(&mut self, change: &Change) {
        if self
            .namespace
            .as_deref()
            .is_some_and(|n| n != change.key.namespace)
        {
            return;
        }
        let before = change.old.as_deref().is_some_and(|o| self.selection.matches(o));
        let after = change.new.as_deref().is_some_and(|o| self.selection.matches(o));
        let (kind, target) = match (&change.old, &change.new) {
            (_, Some(new)) if after => (if before { "MODIFIED" } else { "ADDED" }, (**new).clone()),
            (Some(old), new) if before => {
                // Out of sight: the last state that was seen, under the revision of the change.
                let mut last = (**old).clone();
                if new.is_some() {
                    object::set(
                        &mut last,
                        &["metadata", "resourceVersion"],
                        change.revision.to_string(),
                    );
                }
                ("DELETED", last)
            }
            _ => return,
        };
        let events = std::ptr::eq(self.resource, resource::EVENTS_K8S_IO);
        let target = if events {
            super::subresources::event_to_v1(&target)
        } else {
            target
        };
        self.push(kind, &target);
    }
}
