//! The HTTP server: reads a request, finds its route, checks the token, answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::App;
use super::call::{Actor, Answer, Call, Outcome, Refusal};
use super::routes::{self, Found};
use super::state::now;
use super::{form, oauth, registry, smart_http};

/// Requests per minute that `RateLimit-Limit` names; the sandbox counts and does not enforce.
const RATE: u64 = 2000;
const LARGEST_BODY: usize = 256 * 1024 * 1024;

pub async fn serve(app: Arc<App>, listener: TcpListener, stop: CancellationToken) {
    let router = Router::new().fallback(handle).with_state(Arc::clone(&app));
    let router = app.faults.wrap(router);
    let force = stop.clone();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move { stop.cancelled().await });
    tokio::select! {
        result = async { server.await } => {
            if let Err(error) = result {
                tracing::error!(%error, "the sandbox's GitLab stopped");
            }
        }
        // Clients that keep their connections open must not hold the shutdown.
        () = async { force.cancelled().await; tokio::time::sleep(Duration::from_millis(300)).await } => {}
    }
}

async fn handle(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(raw) = to_bytes(body, LARGEST_BODY).await else {
        return Answer::from(Refusal::message(413, "413 Request Entity Too Large")).into_response();
    };
    let begun = Instant::now();
    let target = parts
        .uri
        .path_and_query()
        .map_or_else(|| "/".to_owned(), ToString::to_string);
    let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
        .into_owned()
        .collect();
    let call = Call {
        app,
        actor: None,
        method: parts.method,
        target,
        headers: parts.headers,
        params: std::collections::BTreeMap::new(),
        query,
        body: Map::new(),
        raw,
    };
    // git and the disk are waited for, so every request has a blocking thread.
    let answer = tokio::task::spawn_blocking(move || answer(call, begun)).await;
    match answer {
        Ok(answer) => answer.into_response(),
        Err(error) => {
            tracing::error!(%error, "a handler panicked");
            Answer::from(Refusal::message(500, "500 Internal Server Error")).into_response()
        }
    }
}

fn answer(mut call: Call, begun: Instant) -> Answer {
    let path = call.target.split('?').next().unwrap_or_default().to_owned();
    if !path.starts_with("/api/v4/") {
        return outside_api(call, &path).unwrap_or_else(Answer::from);
    }
    let app = Arc::clone(&call.app);
    let mut counted = 0;
    let outcome = identify(&call).and_then(|actor| {
        counted = actor.as_ref().map_or(0, |actor| actor.token_id);
        call.actor = actor;
        api(&mut call, &path)
    });
    if call.method != Method::GET && call.method != Method::HEAD {
        app.touched();
    }
    let answer = outcome.unwrap_or_else(Answer::from);
    let answer = rate_headers(&app, counted, answer);
    answer
        .with("x-request-id", super::random(26).to_uppercase())
        .with("x-runtime", format!("{:.6}", begun.elapsed().as_secs_f64()))
        .with("x-gitlab-meta", json!({ "version": "1" }).to_string())
        .with("vary", "Origin")
}

fn api(call: &mut Call, path: &str) -> Outcome {
    let segments: Vec<&str> = path["/api/v4/".len()..]
        .trim_end_matches('/')
        .split('/')
        .collect();
    let method = if call.method == Method::HEAD {
        Method::GET
    } else {
        call.method.clone()
    };
    let (handler, params) = match routes::find(&method, &segments) {
        Found::Route(handler, params) => (handler, params),
        Found::OtherMethod => return Err(Refusal::new(405, json!({ "error": "405 Not Allowed" }))),
        Found::Nothing => return Err(Refusal::new(404, json!({ "error": "404 Not Found" }))),
    };
    call.params = params;
    call.body = read_body(&call.headers, &call.raw)?;
    check_scope(call)?;
    handler(call)
}

fn read_body(headers: &HeaderMap, raw: &[u8]) -> Result<Map<String, Value>, Refusal> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if raw.is_empty() || kind.starts_with("application/octet-stream") || kind.starts_with("multipart/") {
        return Ok(Map::new());
    }
    if kind.starts_with("application/json") {
        return match serde_json::from_slice(raw) {
            Ok(Value::Object(map)) => Ok(map),
            Ok(_) => Ok(Map::new()),
            Err(_) => Err(Refusal::new(
                400,
                json!({ "error": "The request body is not valid JSON" }),
            )),
        };
    }
    Ok(form::parse(&String::from_utf8_lossy(raw)))
}

/// A token that may read only does not write.
fn check_scope(call: &Call) -> Result<(), Refusal> {
    let Some(actor) = &call.actor else { return Ok(()) };
    let has = |scope: &str| actor.scopes.iter().any(|own| own == scope);
    let reading = call.method == Method::GET || call.method == Method::HEAD;
    let own_record = call.target.starts_with("/api/v4/user")
        || call.target.starts_with("/api/v4/personal_access_tokens/self");
    let allowed = has("api") || (reading && (has("read_api") || (own_record && has("read_user"))));
    if allowed || (reading && own_record && has("self_rotate")) {
        return Ok(());
    }
    Err(Refusal::new(
        403,
        json!({
            "error": "insufficient_scope",
            "error_description": "The request requires higher privileges than provided by the access token.",
            "scope": if reading { "api read_api" } else { "api" },
        }),
    ))
}

/// The caller by token; nobody when none is given, 401 when it is wrong.
fn identify(call: &Call) -> Result<Option<Actor>, Refusal> {
    let bearer = call
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "));
    let query = |name: &str| {
        call.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let private = |given| (given, Sent::Private);
    let bears = |given| (given, Sent::Bearer);
    let given = call
        .header("private-token")
        .map(private)
        .or_else(|| bearer.map(bears))
        .or_else(|| call.header("job-token").map(private))
        .or_else(|| query("private_token").map(private))
        .or_else(|| query("access_token").map(bears))
        .or_else(|| query("job_token").map(private));
    let Some((given, sent)) = given else {
        return Ok(None);
    };
    by_token(&call.app, given.trim(), sent).map(Some)
}

/// How a token was sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// As `PRIVATE-TOKEN` or `JOB-TOKEN`, where tokens of OAuth are not looked for.
    Private,
    /// As `Authorization: Bearer` or a password, where all kinds are.
    Bearer,
}

/// The caller that a token stands for.
pub fn by_token(app: &App, given: &str, sent: Sent) -> Result<Actor, Refusal> {
    let instant = app.unix();
    let mut state = app.state.lock();
    let users = state.users.clone();
    let found = state
        .tokens
        .iter_mut()
        .find(|token| token.value == given && (sent == Sent::Bearer || token.application_id.is_none()));
    let token = found.ok_or_else(Refusal::unauthorized)?;
    let today = &now()[..10];
    let expired = token.expires_at.as_deref().is_some_and(|date| date <= today)
        || token.expires_unix.is_some_and(|at| at <= instant);
    if token.revoked || expired {
        let (error, text) = if token.revoked {
            (
                "invalid_token",
                "Token was revoked. You have to re-authorize from the user.",
            )
        } else {
            (
                "invalid_token",
                "Token is expired. You can either do re-authorization or token refresh.",
            )
        };
        return Err(Refusal::new(
            401,
            json!({ "error": error, "error_description": text }),
        ));
    }
    token.last_used_at = Some(now());
    let user = users
        .get(&token.user_id)
        .cloned()
        .ok_or_else(Refusal::unauthorized)?;
    Ok(Actor {
        user,
        token_id: token.id,
        scopes: token.scopes.clone(),
        oauth: token.application_id.is_some(),
        job_id: token.job_id,
    })
}

/// The caller by HTTP Basic, as git and registry clients sign in: the password is a token.
pub fn by_basic(app: &App, headers: &HeaderMap) -> Option<Actor> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    if let Some(token) = value.strip_prefix("Bearer ") {
        return by_token(app, token, Sent::Bearer).ok();
    }
    let decoded = STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (_, password) = text.split_once(':')?;
    by_token(app, password, Sent::Bearer).ok()
}

fn rate_headers(app: &App, token: u64, answer: Answer) -> Answer {
    let instant = jiff::Timestamp::now().as_second();
    let minute = instant / 60;
    let observed = {
        let mut rates = app.rates.lock();
        let entry = rates.entry(token).or_insert((minute, 0));
        if entry.0 != minute {
            *entry = (minute, 0);
        }
        entry.1 += 1;
        entry.1
    };
    let reset = (minute + 1) * 60;
    let reset_time = jiff::Timestamp::from_second(reset)
        .map(|at| at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
        .unwrap_or_default();
    answer
        .with("ratelimit-limit", RATE.to_string())
        .with("ratelimit-name", "throttle_authenticated_api")
        .with("ratelimit-observed", observed.to_string())
        .with("ratelimit-remaining", RATE.saturating_sub(observed).to_string())
        .with("ratelimit-reset", reset.to_string())
        .with("ratelimit-resettime", reset_time)
}

fn outside_api(mut call: Call, path: &str) -> Outcome {
    if path.starts_with("/oauth/") || path.starts_with("/.well-known/") {
        call.body = read_body(&call.headers, &call.raw)?;
        let app = Arc::clone(&call.app);
        let outcome = oauth::answer(&call, path);
        app.touched();
        return outcome;
    }
    if path == "/v2" || path.starts_with("/v2/") {
        return registry::distribution(&call, path);
    }
    if path.contains(".git/") {
        return smart_http::answer(&call, path);
    }
    if path == "/-/sandbox/seed" && call.method == Method::POST {
        call.body = read_body(&call.headers, &call.raw)?;
        call.actor = identify(&call)?;
        return super::seed::answer(&call);
    }
    match path {
        "/-/health" | "/-/liveness" | "/-/readiness" => Ok(Answer::json(200, &json!({ "status": "ok" }))),
        "/" => Ok(Answer::bytes(
            "text/plain; charset=utf-8",
            "Slipway sandbox: GitLab REST v4 under /api/v4\n",
        )),
        _ => Err(Refusal::new(404, json!({ "error": "404 Not Found" }))),
    }
}
