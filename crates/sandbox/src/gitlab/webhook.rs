//! Webhook deliveries: one queue per hook, in order, with retries and a log.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use parking_lot::Mutex;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use uuid::Uuid;

use super::ci::variables::text;
use super::push::Moved;
use super::state::{MergeRequest, Project, State, now};
use super::webhook_bodies as bodies;
use super::{App, VERSION};
use crate::faults::{Fault, Faults};

/// Pauses before the second and later attempts.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(3),
];
const LOGGED: usize = 100;

type Log = Arc<Mutex<HashMap<u64, VecDeque<Value>>>>;

/// One event on its way to one hook.
#[derive(Clone, Debug)]
pub struct Delivery {
    hook: u64,
    url: String,
    event: String,
    body: String,
    token: Option<String>,
    signing_token: Option<String>,
    instance: String,
    event_uuid: String,
    idempotency_key: String,
}

/// The queues of all hooks.
#[derive(Default)]
pub struct Queues {
    senders: Mutex<HashMap<u64, UnboundedSender<Delivery>>>,
    log: Log,
}

impl Queues {
    /// What was delivered to a hook, the newest first.
    pub fn log(&self, hook: u64) -> Vec<Value> {
        self.log
            .lock()
            .get(&hook)
            .map(|log| log.iter().rev().cloned().collect())
            .unwrap_or_default()
    }

    fn send(&self, app: &App, delivery: Delivery) {
        let mut senders = self.senders.lock();
        let sender = senders.entry(delivery.hook).or_insert_with(|| {
            let (sender, receiver) = unbounded_channel();
            app.runtime
                .spawn(deliver_all(receiver, app.faults.clone(), Arc::clone(&self.log)));
            sender
        });
        if sender.send(delivery).is_err() {
            tracing::warn!("a hook's queue is closed");
        }
    }
}

async fn deliver_all(mut queue: UnboundedReceiver<Delivery>, faults: Faults, log: Log) {
    let client = match reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .no_proxy()
        .build()
    {
        Ok(client) => client,
        Err(error) => return tracing::error!(%error, "webhooks cannot be sent"),
    };
    while let Some(delivery) = queue.recv().await {
        match faults.take_webhook(&delivery.url) {
            Some(Fault::WebhookDuplicate) => {
                deliver(&client, &delivery, &log).await;
                deliver(&client, &delivery, &log).await;
            }
            Some(Fault::WebhookReorder) => {
                // Without a next event the held one goes out by itself.
                if let Ok(Some(next)) = tokio::time::timeout(Duration::from_secs(5), queue.recv()).await {
                    deliver(&client, &next, &log).await;
                }
                deliver(&client, &delivery, &log).await;
            }
            _ => deliver(&client, &delivery, &log).await,
        }
    }
}

async fn deliver(client: &reqwest::Client, delivery: &Delivery, log: &Log) {
    let mut pauses = PAUSES.iter();
    loop {
        let begun = Instant::now();
        let headers = headers(delivery);
        let request = client
            .post(&delivery.url)
            .headers(headers.clone())
            .body(delivery.body.clone());
        let (status, answer) = match request.send().await {
            Ok(response) => {
                let status = response.status().as_u16();
                (Some(status), response.text().await.unwrap_or_default())
            }
            Err(error) => (None, error.to_string()),
        };
        record(log, delivery, &headers, status, &answer, begun.elapsed());
        let again = status.is_none_or(|status| status == 429 || status >= 500);
        match pauses.next().filter(|_| again) {
            Some(pause) => tokio::time::sleep(*pause).await,
            None => return,
        }
    }
}

fn headers(delivery: &Delivery) -> HeaderMap {
    let mut pairs = vec![
        ("content-type", "application/json".to_owned()),
        ("user-agent", format!("GitLab/{VERSION}")),
        ("idempotency-key", delivery.idempotency_key.clone()),
        ("x-gitlab-event", delivery.event.clone()),
        ("x-gitlab-webhook-uuid", Uuid::new_v4().to_string()),
        ("x-gitlab-instance", delivery.instance.clone()),
        ("x-gitlab-event-uuid", delivery.event_uuid.clone()),
    ];
    if let Some(token) = &delivery.token {
        pairs.push(("x-gitlab-token", token.clone()));
    }
    let timestamp = jiff::Timestamp::now().as_second().to_string();
    pairs.push(("webhook-id", delivery.idempotency_key.clone()));
    pairs.push(("webhook-timestamp", timestamp.clone()));
    if let Some(signature) = delivery
        .signing_token
        .as_ref()
        .and_then(|token| sign(token, &delivery.idempotency_key, &timestamp, &delivery.body))
    {
        pairs.push(("webhook-signature", signature));
    }
    pairs
        .into_iter()
        .filter_map(|(name, value)| {
            Some((HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?))
        })
        .collect()
}

/// Standard Webhooks: `v1,` and the base64 HMAC-SHA256 of `{id}.{timestamp}.{body}`.
pub fn sign(signing_token: &str, id: &str, timestamp: &str, body: &str) -> Option<String> {
    let key = STANDARD.decode(signing_token.strip_prefix("whsec_")?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

fn record(
    log: &Log,
    delivery: &Delivery,
    headers: &HeaderMap,
    status: Option<u16>,
    answer: &str,
    took: Duration,
) {
    let mut log = log.lock();
    let entries = log.entry(delivery.hook).or_default();
    let id = entries
        .back()
        .and_then(|last| last["id"].as_u64())
        .unwrap_or_default()
        + 1;
    let shown: serde_json::Map<String, Value> = headers
        .iter()
        .filter(|(name, _)| *name != "x-gitlab-token" && *name != "webhook-signature")
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().into()))
        .collect();
    entries.push_back(json!({
        "id": id,
        "url": delivery.url,
        "trigger": format!("{}_hooks", delivery.event.trim_end_matches(" Hook").to_lowercase().replace(' ', "_")),
        "request_headers": shown,
        "request_data": serde_json::from_str::<Value>(&delivery.body).unwrap_or_default(),
        "response_headers": {},
        "response_body": answer.chars().take(2000).collect::<String>(),
        "execution_duration": took.as_secs_f64(),
        "response_status": status.map_or_else(|| "internal error".to_owned(), |status| status.to_string()),
        "created_at": now(),
    }));
    if entries.len() > LOGGED {
        entries.pop_front();
    }
}

/// Queues an event for one hook.
pub fn send_to(app: &App, hook: &Value, event: &str, body: &Value) {
    let secret = |key: &str| Some(text(hook, key)).filter(|text| !text.is_empty());
    let delivery = Delivery {
        hook: hook["id"].as_u64().unwrap_or_default(),
        url: text(hook, "url"),
        event: event.to_owned(),
        body: body.to_string(),
        token: secret("_token"),
        signing_token: secret("_signing_token"),
        instance: app.url.clone(),
        event_uuid: Uuid::new_v4().to_string(),
        idempotency_key: Uuid::new_v4().to_string(),
    };
    app.hooks.send(app, delivery);
}

/// Queues an event for every hook of the project that wants it.
fn emit(
    app: &App,
    state: &State,
    project: u64,
    flag: &str,
    event: &str,
    body: impl FnOnce() -> Option<Value>,
) {
    let hooks = state
        .shelves
        .get(&project)
        .map(|shelf| shelf.hooks.as_slice())
        .unwrap_or_default();
    let wanting: Vec<&Value> = hooks.iter().filter(|hook| hook[flag] == true).collect();
    if wanting.is_empty() {
        return;
    }
    if let Some(body) = body() {
        for hook in wanting {
            send_to(app, hook, event, &body);
        }
    }
}

pub fn push(app: &App, project: &Project, user: u64, moved: &Moved) {
    let tag = moved.reference.starts_with("refs/tags/");
    let (flag, event) = if tag {
        ("tag_push_events", "Tag Push Hook")
    } else {
        ("push_events", "Push Hook")
    };
    let commits = bodies::pushed_commits(app, project, moved);
    let state = app.state.lock();
    let branch = moved.reference.trim_start_matches("refs/heads/");
    let body = bodies::push(app, &state, project, user, moved, &commits);
    for hook in state
        .shelves
        .get(&project.id)
        .map(|shelf| shelf.hooks.as_slice())
        .unwrap_or_default()
    {
        if hook[flag] == true && (tag || branch_passes(hook, branch)) {
            send_to(app, hook, event, &body);
        }
    }
}

fn branch_passes(hook: &Value, branch: &str) -> bool {
    let filter = text(hook, "push_events_branch_filter");
    if filter.is_empty() {
        return true;
    }
    if text(hook, "branch_filter_strategy") == "regex" {
        return regex::Regex::new(&filter).is_ok_and(|regex| regex.is_match(branch));
    }
    match filter.split_once('*') {
        Some((start, end)) => branch.starts_with(start) && branch.ends_with(end),
        None => filter == branch,
    }
}

pub fn pipeline(app: &App, state: &State, id: u64) {
    let Some(pipeline) = state.pipelines.get(&id) else {
        return;
    };
    emit(
        app,
        state,
        pipeline.project_id,
        "pipeline_events",
        "Pipeline Hook",
        || bodies::pipeline(app, state, id),
    );
}

pub fn job(app: &App, state: &State, id: u64) {
    let Some(job) = state.jobs.get(&id) else { return };
    emit(app, state, job.project_id, "job_events", "Job Hook", || {
        bodies::job(app, state, id)
    });
}

pub fn deployment(app: &App, state: &State, project: u64, deployment: &Value) {
    emit(
        app,
        state,
        project,
        "deployment_events",
        "Deployment Hook",
        || bodies::deployment(app, state, project, deployment),
    );
}

pub fn merge_request(app: &App, request: &MergeRequest, user: u64, action: &str, changes: Value) {
    let facts = bodies::MergeFacts::read(app, request);
    let state = app.state.lock();
    emit(
        app,
        &state,
        request.project_id,
        "merge_requests_events",
        "Merge Request Hook",
        || bodies::merge_request(app, &state, request, user, action, &changes, &facts),
    );
}

pub fn issue(app: &App, project: &Project, issue: &Value, user: u64, action: &str, changes: Value) {
    let state = app.state.lock();
    let confidential = issue["confidential"] == true;
    let (flag, event) = if confidential {
        ("confidential_issues_events", "Confidential Issue Hook")
    } else {
        ("issues_events", "Issue Hook")
    };
    emit(app, &state, project.id, flag, event, || {
        Some(bodies::issue(app, &state, project, issue, user, action, &changes))
    });
}

pub fn note(app: &App, project: &Project, note: &Value, user: u64, action: &str) {
    let request = app.with(|state| {
        let id = note["noteable_id"]
            .as_u64()
            .filter(|_| note["noteable_type"] == "MergeRequest")?;
        state.merge_requests.get(&id).cloned()
    });
    let facts = request
        .as_ref()
        .map(|request| bodies::MergeFacts::read(app, request));
    let state = app.state.lock();
    let (flag, event) = if note["internal"] == true {
        ("confidential_note_events", "Confidential Note Hook")
    } else {
        ("note_events", "Note Hook")
    };
    emit(app, &state, project.id, flag, event, || {
        let of = request.as_ref().zip(facts.as_ref());
        let mut body = bodies::note(app, &state, project, note, user, of);
        body["object_attributes"]["action"] = action.into();
        body["object_attributes"]["internal"] = note["internal"].clone();
        Some(body)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_standard_webhooks() {
        // The example of the Standard Webhooks specification.
        let signature = sign(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            "{\"test\": 2432232314}",
        );
        assert_eq!(
            signature.as_deref(),
            Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        );
    }
}
