//! Around every request: its id, its time limit, its metrics, and an answer even where the code panics.

use super::problem;
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use futures::FutureExt as _;
use http::{Extensions, HeaderMap, HeaderValue};
use slipway_domain::text::{Locale, Text};
use slipway_portal::Error;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The header that carries the request's id in and out.
pub const HEADER: &str = "x-request-id";

/// How long an answer may take until its head is there.
const PATIENCE: Duration = Duration::from_secs(30);

/// The request's id.
#[derive(Clone, Debug)]
pub struct RequestId(pub Arc<str>);

impl RequestId {
    /// The id of the request with these extensions.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_else(Self::fresh)
    }

    fn fresh() -> Self {
        Self(Arc::from(hex::encode(rand::random::<[u8; 8]>())))
    }

    /// The id that a proxy gave it, if it looks like one.
    fn given(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(HEADER)?.to_str().ok()?;
        let tame = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        ((8..=64).contains(&text.len()) && text.bytes().all(tame)).then(|| Self(Arc::from(text)))
    }
}

/// The middleware.
pub async fn observe(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::given(request.headers()).unwrap_or_else(RequestId::fresh);
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let accept = accept_of(request.headers());
    request.extensions_mut().insert(id.clone());

    let run = AssertUnwindSafe(next.run(request)).catch_unwind();
    let mut response = match tokio::time::timeout(PATIENCE, run).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => {
            let error = Error::internal(format!("panicked: {}", said(&*panic)));
            problem::answer(&error, Locale::En, &accept, &id)
        }
        Err(_) => problem::answer(&too_slow(), Locale::En, &accept, &id),
    };
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(HEADER, value);
    }

    let took = started.elapsed();
    let status = response.status().as_u16();
    let route = route.as_ref().map_or("-", MatchedPath::as_str).to_owned();
    let labels = [
        ("method", method.to_string()),
        ("route", route),
        ("status", status.to_string()),
    ];
    metrics::counter!("slipway_http_requests_total", &labels).increment(1);
    metrics::histogram!("slipway_http_request_seconds", &labels[..2]).record(took.as_secs_f64());
    if status >= 500 {
        tracing::warn!(request_id = &*id.0, %method, path, status, ?took, "answered with a server error");
    } else {
        tracing::debug!(request_id = &*id.0, %method, path, status, ?took, "answered");
    }
    response
}

/// The one header that the shape of a late answer depends on.
fn accept_of(headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::new();
    if let Some(accept) = headers.get(http::header::ACCEPT) {
        kept.insert(http::header::ACCEPT, accept.clone());
    }
    kept
}

fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no words")
}

fn too_slow() -> Error {
    Error::Unavailable {
        code: "timeout",
        text: Text::new(
            "This took too long. Nothing may have changed; look again in a moment.",
            "处理超时，可能未做任何更改。请稍后再查看。",
        ),
    }
}
