//! Faults on request: what a test switches on to see how a client bears a bad day.
//!
//! Both servers carry the same middleware. A fault is asked for either on one request, with the
//! header `X-Sandbox-Fault`, or by a rule that an administrator posts to `/-/sandbox/faults` and that
//! applies to the next `times` matching requests (to all of them when `times` is absent).
//!
//! | Header form | JSON form | What happens |
//! | --- | --- | --- |
//! | `latency=500` | `{"kind":"latency","ms":500}` | the answer starts 500 ms late |
//! | `status=503` | `{"kind":"status","code":503}` | that status, before the request is looked at |
//! | `429=3` | `{"kind":"rate_limited","retry_after":3}` | 429 with `Retry-After: 3` |
//! | `drop` | `{"kind":"drop"}` | the connection closes without an answer |
//! | `truncate` | `{"kind":"truncate"}` | the answer's head, half of its first bytes, then a closed connection |
//! | `watch-expired` | `{"kind":"watch_expired"}` | a Kubernetes watch answers 410 Gone |
//! | | `{"kind":"webhook_duplicate"}` | the next webhook is delivered twice |
//! | | `{"kind":"webhook_reorder"}` | the next webhook is held back until the one after it has gone out |
//!
//! In a rule, `fault` may also be the header form as a string.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use futures::{StreamExt, stream};
use parking_lot::Mutex;
use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The request header that asks for a fault on this one request.
pub const FAULT_HEADER: &str = "x-sandbox-fault";

/// One way to misbehave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// Answer late, by this many milliseconds.
    Latency { ms: u64 },
    /// Answer with this HTTP status instead of handling the request.
    Status { code: u16 },
    /// Answer 429 with `Retry-After`, in seconds.
    RateLimited { retry_after: u64 },
    /// Close the connection without an answer.
    Drop,
    /// Handle the request, then close the connection in the middle of the answer's body.
    Truncate,
    /// Kubernetes only: a watch answers 410 Gone ("too old resource version").
    WatchExpired,
    /// GitLab only: deliver a webhook twice.
    WebhookDuplicate,
    /// GitLab only: hold a webhook back until the next one of the same hook has been delivered.
    WebhookReorder,
}

impl Fault {
    /// Reads the header form, for example `latency=500` or `drop`.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, value) = text.trim().split_once('=').unwrap_or((text.trim(), ""));
        match name.trim() {
            "latency" => value.trim().parse().ok().map(|ms| Self::Latency { ms }),
            "status" => value
                .trim()
                .parse()
                .ok()
                .filter(|code| StatusCode::from_u16(*code).is_ok())
                .map(|code| Self::Status { code }),
            "429" => value
                .trim()
                .parse()
                .ok()
                .map(|retry_after| Self::RateLimited { retry_after }),
            "drop" => Some(Self::Drop),
            "truncate" => Some(Self::Truncate),
            "watch-expired" => Some(Self::WatchExpired),
            "webhook-duplicate" => Some(Self::WebhookDuplicate),
            "webhook-reorder" => Some(Self::WebhookReorder),
            _ => None,
        }
    }

    /// Whether the middleware applies it by itself; the others are taken by the code they concern.
    fn is_http(self) -> bool {
        !matches!(
            self,
            Self::WatchExpired | Self::WebhookDuplicate | Self::WebhookReorder
        )
    }
}

/// Which requests a rule concerns; an absent part matches everything.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct FaultMatch {
    /// HTTP method, upper case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Regular expression over the path (with its query), or over the target URL for webhooks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_regex: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum FaultForm {
    Document(Fault),
    Header(String),
}

#[derive(Deserialize)]
struct NewRule {
    #[serde(default, rename = "match")]
    matching: FaultMatch,
    fault: FaultForm,
    #[serde(default)]
    times: Option<u32>,
}

/// A fault that stands ready, as the administrative endpoint lists it.
#[derive(Clone, Debug, Serialize)]
pub struct FaultRule {
    pub id: u64,
    #[serde(rename = "match")]
    pub matching: FaultMatch,
    pub fault: Fault,
    /// How many times it still applies; none is without end.
    pub times: Option<u32>,
    /// How many times it has applied.
    pub hits: u64,
    #[serde(skip)]
    path: Option<Regex>,
}

impl FaultRule {
    fn matches(&self, method: &Method, path: &str) -> bool {
        self.times != Some(0)
            && self
                .matching
                .method
                .as_deref()
                .is_none_or(|wanted| method.as_str().eq_ignore_ascii_case(wanted))
            && self.path.as_ref().is_none_or(|regex| regex.is_match(path))
    }

    fn hit(&mut self) {
        self.hits += 1;
        self.times = self.times.map(|left| left.saturating_sub(1));
    }
}

#[derive(Debug, Default)]
struct Inner {
    rules: Mutex<Vec<FaultRule>>,
    next_id: AtomicU64,
}

/// The faults of one server; clones share the same rules.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Inner>);

impl Faults {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule and returns its id; fails when `path_regex` is not a regular expression.
    pub fn add(&self, matching: FaultMatch, fault: Fault, times: Option<u32>) -> Result<u64, regex::Error> {
        let path = matching.path_regex.as_deref().map(Regex::new).transpose()?;
        let id = self.0.next_id.fetch_add(1, Ordering::Relaxed) + 1;
        self.0.rules.lock().push(FaultRule {
            id,
            matching,
            fault,
            times,
            hits: 0,
            path,
        });
        Ok(id)
    }

    /// Removes one rule; false when there is none of that id.
    pub fn remove(&self, id: u64) -> bool {
        let mut rules = self.0.rules.lock();
        let before = rules.len();
        rules.retain(|rule| rule.id != id);
        rules.len() != before
    }

    pub fn clear(&self) {
        self.0.rules.lock().clear();
    }

    pub fn list(&self) -> Vec<FaultRule> {
        self.0.rules.lock().clone()
    }

    /// Takes the first matching fault that `wanted` accepts, and counts it as used.
    fn take(&self, method: &Method, path: &str, wanted: impl Fn(Fault) -> bool) -> Option<Fault> {
        let mut rules = self.0.rules.lock();
        let rule = rules
            .iter_mut()
            .find(|rule| wanted(rule.fault) && rule.matches(method, path))?;
        rule.hit();
        Some(rule.fault)
    }

    /// Whether this watch request (path with its query) must answer 410 Gone.
    pub fn take_watch_expiry(&self, headers: &HeaderMap, path: &str) -> bool {
        header_faults(headers).contains(&Fault::WatchExpired)
            || self
                .take(&Method::GET, path, |fault| fault == Fault::WatchExpired)
                .is_some()
    }

    /// The fault to apply to a webhook that is about to be sent to `url`.
    pub fn take_webhook(&self, url: &str) -> Option<Fault> {
        self.take(&Method::POST, url, |fault| {
            matches!(fault, Fault::WebhookDuplicate | Fault::WebhookReorder)
        })
    }

    /// Puts the middleware around `router` and adds the administrative endpoint `/-/sandbox/faults`,
    /// which itself never fails on request.
    pub fn wrap(&self, router: Router) -> Router {
        let admin = Router::new()
            .route(
                "/-/sandbox/faults",
                get(list_rules).post(add_rule).delete(clear_rules),
            )
            .route("/-/sandbox/faults/{id}", delete(remove_rule))
            .with_state(self.clone());
        router
            .layer(middleware::from_fn_with_state(self.clone(), apply))
            .merge(admin)
    }
}

fn header_faults(headers: &HeaderMap) -> Vec<Fault> {
    headers
        .get_all(FAULT_HEADER)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(Fault::parse)
        .collect()
}

/// The middleware: applies what the header asks for, then at most one latency and one other rule.
async fn apply(State(faults): State<Faults>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let path = request
        .uri()
        .path_and_query()
        .map_or_else(String::new, ToString::to_string);
    let mut wanted = header_faults(request.headers());
    wanted.extend(faults.take(&method, &path, |fault| matches!(fault, Fault::Latency { .. })));
    wanted.extend(faults.take(&method, &path, |fault| {
        fault.is_http() && !matches!(fault, Fault::Latency { .. })
    }));

    let mut truncated = false;
    for fault in wanted {
        match fault {
            Fault::Latency { ms } => tokio::time::sleep(Duration::from_millis(ms)).await,
            Fault::Status { code } => return refusal(code, None),
            Fault::RateLimited { retry_after } => return refusal(429, Some(retry_after)),
            Fault::Drop => return dropped(),
            Fault::Truncate => truncated = true,
            Fault::WatchExpired | Fault::WebhookDuplicate | Fault::WebhookReorder => {}
        }
    }
    let response = next.run(request).await;
    if truncated { truncate(response) } else { response }
}

fn refusal(code: u16, retry_after: Option<u64>) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let reason = status.canonical_reason().unwrap_or("Fault");
    let mut response = (
        status,
        axum::Json(json!({ "message": format!("{code} {reason}") })),
    )
        .into_response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// A body that fails before its first byte: hyper closes the connection without flushing the head.
fn dropped() -> Response {
    let broken = stream::once(async { Err::<Bytes, _>(std::io::Error::other("dropped on request")) });
    Response::new(Body::from_stream(broken))
}

fn truncate(response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let mut first = body.into_data_stream();
    let cut = stream::once(async move {
        let bytes = first.next().await.transpose().ok().flatten().unwrap_or_default();
        Ok::<_, std::io::Error>(bytes.slice(..bytes.len() / 2))
    })
    .chain(stream::once(async {
        // The half must be on the wire before the connection goes; hyper flushes while the body is pending.
        tokio::time::sleep(Duration::from_millis(30)).await;
        Err(std::io::Error::other("truncated on request"))
    }));
    Response::from_parts(parts, Body::from_stream(cut))
}

async fn list_rules(State(faults): State<Faults>) -> Response {
    axum::Json(faults.list()).into_response()
}

async fn add_rule(State(faults): State<Faults>, axum::Json(rule): axum::Json<NewRule>) -> Response {
    let fault = match rule.fault {
        FaultForm::Document(fault) => Some(fault),
        FaultForm::Header(text) => Fault::parse(&text),
    };
    let Some(fault) = fault else {
        let message = "fault is none of latency=MS, status=CODE, 429=SECONDS, drop, truncate, watch-expired, \
                       webhook-duplicate, webhook-reorder";
        return (StatusCode::BAD_REQUEST, axum::Json(json!({ "message": message }))).into_response();
    };
    match faults.add(rule.matching, fault, rule.times) {
        Ok(id) => (StatusCode::CREATED, axum::Json(json!({ "id": id }))).into_response(),
        Err(error) => {
            let message = format!("match.path_regex: {error}");
            (StatusCode::BAD_REQUEST, axum::Json(json!({ "message": message }))).into_response()
        }
    }
}

async fn clear_rules(State(faults): State<Faults>) -> StatusCode {
    faults.clear();
    StatusCode::NO_CONTENT
}

async fn remove_rule(State(faults): State<Faults>, Path(id): Path<u64>) -> StatusCode {
    if faults.remove(id) {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::NOT_FOUND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_form_names_every_fault() {
        assert_eq!(Fault::parse("latency=500"), Some(Fault::Latency { ms: 500 }));
        assert_eq!(Fault::parse(" status=503 "), Some(Fault::Status { code: 503 }));
        assert_eq!(Fault::parse("429=3"), Some(Fault::RateLimited { retry_after: 3 }));
        assert_eq!(Fault::parse("drop"), Some(Fault::Drop));
        assert_eq!(Fault::parse("status=9"), None);
        assert_eq!(Fault::parse("sleep"), None);
    }

    #[test]
    fn a_rule_applies_as_often_as_it_says_and_only_where_it_matches() {
        let faults = Faults::new();
        let matching = FaultMatch {
            method: Some("GET".into()),
            path_regex: Some("^/api".into()),
        };
        faults.add(matching, Fault::Drop, Some(2)).expect("a valid rule");
        let take = |method: Method, path: &str| faults.take(&method, path, Fault::is_http);
        assert_eq!(take(Method::POST, "/api/v4"), None);
        assert_eq!(take(Method::GET, "/oauth"), None);
        assert_eq!(take(Method::GET, "/api/v4"), Some(Fault::Drop));
        assert_eq!(take(Method::GET, "/api/v4"), Some(Fault::Drop));
        assert_eq!(take(Method::GET, "/api/v4"), None);
        assert_eq!(faults.list()[0].hits, 2);
    }

    #[test]
    fn webhook_and_watch_faults_wait_for_their_own_code() {
        let faults = Faults::new();
        faults
            .add(FaultMatch::default(), Fault::WatchExpired, Some(1))
            .expect("a valid rule");
        faults
            .add(FaultMatch::default(), Fault::WebhookReorder, Some(1))
            .expect("a valid rule");
        assert_eq!(faults.take(&Method::GET, "/", Fault::is_http), None);
        assert_eq!(
            faults.take_webhook("http://127.0.0.1:1/hook"),
            Some(Fault::WebhookReorder)
        );
        assert!(faults.take_watch_expiry(&HeaderMap::new(), "/api/v1/pods?watch=1"));
        assert!(!faults.take_watch_expiry(&HeaderMap::new(), "/api/v1/pods?watch=1"));
    }
}
