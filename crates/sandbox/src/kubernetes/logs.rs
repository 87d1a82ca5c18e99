//! Container logs: lines that follow from the pod's own history, so that nothing has to be kept.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Response, header};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::Cluster;
use super::error::{ApiError, ApiResult};
use super::http::Call;
use super::images::environment;
use super::{object, resource};

type Line = (Timestamp, String);

/// How often a healthy container says something.
const HEARTBEAT: i64 = 10;
/// Heartbeats that are still told of.
const KEPT: i64 = 200;

pub fn serve(cluster: &Arc<Cluster>, call: &Call) -> ApiResult<Response<Body>> {
    let pod = find(cluster, call)?;
    let container = container_name(call, &pod)?;
    let previous = call.asks("previous");
    let lines = lines(cluster, &pod, &container, previous)?;
    let shown = chosen(call, lines);
    let stamps = call.asks("timestamps");
    let mut text: String = shown.iter().map(|line| printed(line, stamps)).collect();
    if let Some(limit) = call.query("limitBytes").and_then(|l| l.parse().ok()) {
        let limit: usize = text.floor_char_boundary(limit);
        text.truncate(limit);
    }
    let running = status_of(&pod, &container).is_some_and(|s| s.pointer("/state/running").is_some());
    let body = if call.asks("follow") && !previous && running {
        let last = shown.last().map_or_else(Timestamp::now, |(at, _)| *at);
        follow(cluster, call, container, text, last, stamps)
    } else {
        Body::from(text)
    };
    Ok(Response::builder()
        .header(header::CONTENT_TYPE, "text/plain")
        .body(body)
        .expect("a valid response"))
}

fn find(cluster: &Cluster, call: &Call) -> ApiResult<Arc<Value>> {
    let found = cluster
        .registry
        .lock()
        .state
        .get(resource::PODS, &call.namespace, &call.name)
        .cloned();
    found.ok_or_else(|| ApiError::not_found(call.resource, &call.name))
}

fn container_name(call: &Call, pod: &Value) -> ApiResult<String> {
    let names: Vec<&str> = object::list(pod, "/spec/containers")
        .iter()
        .map(|c| object::text(c, "/name"))
        .collect();
    match call.query("container") {
        Some(name) if names.contains(&name) => Ok(name.to_owned()),
        Some(name) => Err(ApiError::bad_request(format!(
            "container {name} is not valid for pod {}",
            call.name
        ))),
        None if names.len() == 1 => Ok(names[0].to_owned()),
        None => Err(ApiError::bad_request(format!(
            "a container name must be specified for pod {}, choose one of: [{}]",
            call.name,
            names.join(" ")
        ))),
    }
}

fn status_of<'a>(pod: &'a Value, container: &str) -> Option<&'a Value> {
    object::list(pod, "/status/containerStatuses")
        .iter()
        .find(|s| object::text(s, "/name") == container)
}

fn printed((at, text): &Line, stamps: bool) -> String {
    if stamps {
        format!("{} {text}\n", at.strftime("%Y-%m-%dT%H:%M:%S%.9fZ"))
    } else {
        format!("{text}\n")
    }
}

fn chosen(call: &Call, mut lines: Vec<Line>) -> Vec<Line> {
    let since = call
        .query("sinceSeconds")
        .and_then(|s| s.parse::<i64>().ok())
        .map(|s| Timestamp::now() - SignedDuration::from_secs(s))
        .or_else(|| call.query("sinceTime").and_then(|t| t.parse().ok()));
    if let Some(since) = since {
        lines.retain(|(at, _)| *at >= since);
    }
    if let Some(tail) = call.query("tailLines").and_then(|t| t.parse::<usize>().ok()) {
        lines.drain(..lines.len().saturating_sub(tail));
    }
    lines
}

/// Everything that the container, or the one before it, has said so far.
fn lines(cluster: &Cluster, pod: &Value, container: &str, previous: bool) -> ApiResult<Vec<Line>> {
    let waits = |reason: &str| {
        ApiError::bad_request(format!(
            "container {container:?} in pod {:?} is waiting to start: {reason}",
            object::name(pod)
        ))
    };
    let Some(status) = status_of(pod, container) else {
        return Err(waits("ContainerCreating"));
    };
    let state = if previous {
        let last = status.get("lastState").filter(|s| s.get("terminated").is_some());
        last.ok_or_else(|| {
            let message = format!(
                "previous terminated container {container:?} in pod {:?} not found",
                object::name(pod)
            );
            ApiError::bad_request(message)
        })?
    } else {
        let current = status.get("state").unwrap_or(&Value::Null);
        if current.get("waiting").is_some() && status.pointer("/lastState/terminated").is_some() {
            &status["lastState"]
        } else {
            current
        }
    };
    if let Some(reason) = state.pointer("/waiting/reason").and_then(Value::as_str) {
        let reason = match reason {
            "ErrImagePull" => "image can't be pulled",
            "ImagePullBackOff" => "trying and failing to pull image",
            other => other,
        };
        return Err(waits(reason));
    }
    let started = ["/running/startedAt", "/terminated/startedAt"]
        .iter()
        .find_map(|p| state.pointer(p)?.as_str()?.parse().ok());
    let started: Timestamp = started.unwrap_or_else(Timestamp::now);
    let image = object::list(pod, "/spec/containers")
        .iter()
        .find(|c| object::text(c, "/name") == container)
        .map(|c| object::text(c, "/image"))
        .unwrap_or_default();
    let record = cluster.images.record(image).unwrap_or_default();
    let mut lines = opening(pod, container, image, &record, started);
    match state.pointer("/terminated/reason").and_then(Value::as_str) {
        Some("Error") => crash(&mut lines, started, &record),
        Some("OOMKilled") => lines.push((
            after(started, 400),
            "warn: heap is growing fast, 97% of the limit is in use".into(),
        )),
        Some(_) => lines.push((after(started, 500), "done".into())),
        None => heartbeats(&mut lines, started, super::controllers::is_ready(pod)),
    }
    Ok(lines)
}

fn after(start: Timestamp, millis: i64) -> Timestamp {
    start + SignedDuration::from_millis(millis)
}

fn opening(pod: &Value, container: &str, image: &str, record: &Value, started: Timestamp) -> Vec<Line> {
    let label = |name: &str| {
        record
            .get("labels")
            .and_then(|l| l.get(name))
            .and_then(Value::as_str)
    };
    let version = label("org.opencontainers.image.version")
        .or_else(|| label("org.opencontainers.image.revision"))
        .map(str::to_owned)
        .or_else(|| environment(record, "APP_VERSION"))
        .unwrap_or_else(|| {
            image
                .rsplit(['@', ':'])
                .next()
                .unwrap_or_default()
                .chars()
                .take(12)
                .collect()
        });
    let template = object::list(pod, "/spec/containers")
        .iter()
        .find(|c| object::text(c, "/name") == container);
    let port = template
        .and_then(|c| object::int(c, "/ports/0/containerPort"))
        .map_or_else(
            || environment(record, "PORT").unwrap_or_else(|| "8080".into()),
            |port| port.to_string(),
        );
    let mut lines = vec![(
        after(started, 12),
        format!("starting {container} {version} on {}", object::name(pod)),
    )];
    if let Some(command) = record.get("cmd").and_then(Value::as_array) {
        let words: Vec<&str> = command.iter().filter_map(Value::as_str).collect();
        lines.push((after(started, 20), format!("running {}", words.join(" "))));
    }
    lines.push((after(started, 31), "configuration loaded".into()));
    lines.push((after(started, 104), format!("listening on 0.0.0.0:{port}")));
    lines
}

fn crash(lines: &mut Vec<Line>, started: Timestamp, record: &Value) {
    lines.pop();
    let setting = environment(record, "SANDBOX_CRASH_SETTING").unwrap_or_else(|| "DATABASE_URL".into());
    for (i, text) in [
        format!("error: required setting {setting} is not set"),
        "Error: cannot connect to the database: connection refused (127.0.0.1:5432)".into(),
        "    at Database.connect (/app/lib/database.js:41:11)".into(),
        "    at async start (/app/server.js:18:3)".into(),
        "    at async main (/app/server.js:52:5)".into(),
        "exiting with code 1".into(),
    ]
    .into_iter()
    .enumerate()
    {
        lines.push((after(started, 210 + i64::try_from(i).unwrap_or(0)), text));
    }
}

fn heartbeats(lines: &mut Vec<Line>, started: Timestamp, ready: bool) {
    let code = if ready { 200 } else { 503 };
    let beats = Timestamp::now().duration_since(started).as_secs() / HEARTBEAT;
    for beat in (beats - KEPT).max(0)..beats {
        let at = started + SignedDuration::from_secs((beat + 1) * HEARTBEAT);
        lines.push((at, format!("GET /healthz {code} {}ms", 1 + beat % 3)));
    }
}

struct Follow {
    cluster: Arc<Cluster>,
    namespace: String,
    name: String,
    uid: String,
    container: String,
    last: Timestamp,
    stamps: bool,
    first: Option<String>,
}

fn follow(
    cluster: &Arc<Cluster>,
    call: &Call,
    container: String,
    text: String,
    last: Timestamp,
    stamps: bool,
) -> Body {
    let uid = find(cluster, call)
        .map(|p| object::uid(&p).to_owned())
        .unwrap_or_default();
    let state = Follow {
        cluster: Arc::clone(cluster),
        namespace: call.namespace.clone(),
        name: call.name.clone(),
        uid,
        container,
        last,
        stamps,
        first: Some(text),
    };
    Body::from_stream(futures::stream::unfold(state, |mut state| async move {
        let text = state.next().await?;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(text)), state))
    }))
}

impl Follow {
    /// The next lines; none once the container has ended.
    async fn next(&mut self) -> Option<String> {
        if let Some(text) = self.first.take().filter(|t| !t.is_empty()) {
            return Some(text);
        }
        let mut ended = false;
        loop {
            let found = self
                .cluster
                .registry
                .lock()
                .state
                .get(resource::PODS, &self.namespace, &self.name)
                .cloned();
            let pod = found.filter(|p| object::uid(p) == self.uid)?;
            let running =
                status_of(&pod, &self.container).is_some_and(|s| s.pointer("/state/running").is_some());
            let lines = lines(&self.cluster, &pod, &self.container, false).unwrap_or_default();
            let fresh: Vec<&Line> = lines
                .iter()
                .filter(|(at, _)| *at > self.last && *at <= Timestamp::now())
                .collect();
            if let Some((at, _)) = fresh.last() {
                self.last = *at;
                return Some(fresh.iter().map(|line| printed(line, self.stamps)).collect());
            }
            if ended {
                return None;
            }
            ended = !running;
            if ended {
                continue;
            }
            let mut signal = self.cluster.registry.lock().state.subscribe(resource::PODS);
            tokio::select! {
                () = self.cluster.stop.cancelled() => return None,
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
                _ = signal.changed() => {}
            }
        }
    }
}
