//! Probes and metrics.

use super::Edge;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use subtle::ConstantTimeEq as _;

/// `GET /healthz`: the process runs.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: requests may be sent here. The schema was brought up to date before the server listened.
pub async fn readyz(State(edge): State<Edge>) -> Response {
    if *edge.stop.borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    match edge.portal.store.ping().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
        }
    }
}

/// `GET /metrics`: Prometheus' text format.
pub async fn metrics(State(edge): State<Edge>, headers: HeaderMap) -> Response {
    if let Some(token) = &edge.metrics_token {
        let sent = headers
            .get(header::AUTHORIZATION)
            .and_then(|v| v.to_str().ok())
            .and_then(|v| v.strip_prefix("Bearer "));
        if !sent.is_some_and(|sent| bool::from(sent.as_bytes().ct_eq(token.as_bytes()))) {
            return (
                StatusCode::UNAUTHORIZED,
                [(header::WWW_AUTHENTICATE, "Bearer")],
                "send the metrics token\n",
            )
                .into_response();
        }
    }
    if let Ok(mut tx) = edge.portal.store.read().await
        && let Ok((waiting, oldest)) = tx.backlog().await
    {
        metrics::gauge!("slipway_outbox_waiting").set(float(waiting));
        let age = oldest.map_or(0, |at| edge.portal.clock.now().since(at).max(0) / 1_000_000);
        metrics::gauge!("slipway_outbox_oldest_seconds").set(float(age));
    }
    metrics::gauge!("slipway_live_streams").set(float(edge.streams.open()));
    let Some(handle) = &edge.metrics else {
        return (StatusCode::NOT_FOUND, "metrics are not recorded\n").into_response();
    };
    let mut response = handle.render().into_response();
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}

#[expect(clippy::cast_precision_loss, reason = "a gauge of counts far below 2^52")]
fn float(count: i64) -> f64 {
    count as f64
}
