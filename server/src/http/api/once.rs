//! `Idempotency-Key` on POST: a request that succeeded is answered with the same answer for a day, however often it
//! is sent. What was refused changed nothing, so it is asked anew. Answers are kept sealed: some have a secret in them.

use super::limit;
use crate::http::Edge;
use crate::http::problem::Refusal;
use crate::http::visit::Visit;
use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use sha2::{Digest as _, Sha256};
use slipway_domain::text::Text;
use slipway_domain::time::MINUTE;
use slipway_portal::ports::{KeptReply, Once, OnceRequest};
use slipway_portal::{Error, Result};

/// The header that carries the key.
pub const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// The header that says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// How long the first request may take, in µs. A process that died leaves the key free after it.
const LEASE: i64 = MINUTE;

/// The longest key, in characters.
const KEY_MAX: usize = 255;

/// The largest body of a request or an answer, in bytes.
const BODY_MAX: usize = 2 * 1024 * 1024;

/// What an answer is sealed for while it is kept.
const CONTEXT: &str = "an answer that may be asked for again";

/// The headers that belong to an answer.
const KEPT: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];

/// The middleware.
pub async fn once(
    State(edge): State<Edge>,
    Extension(visit): Extension<Visit>,
    request: Request,
    next: Next,
) -> Response {
    let posted = *request.method() == Method::POST;
    let (Some(sent), true, Some(caller)) = (request.headers().get(HEADER), posted, limit::caller(&visit))
    else {
        return next.run(request).await;
    };
    let refuse = |error| Refusal::of(&visit, error).into_response();
    let Some(key) = key(sent) else {
        let text = Text::new(
            format!("use 1 to {KEY_MAX} visible ASCII characters"),
            format!("请使用 1 到 {KEY_MAX} 个可见 ASCII 字符"),
        );
        return refuse(Error::field("Idempotency-Key", text));
    };
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, BODY_MAX).await else {
        return refuse(Error::field("body", Text::new("it is too large", "请求正文过大")));
    };
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let fingerprint = fingerprint(&[target.as_bytes(), &bytes]);
    let now = visit.ctx.now();
    let begun = OnceRequest {
        caller,
        key,
        fingerprint,
        lease_until: now.plus(LEASE),
        at: now,
    };
    match begin(&edge, &begun).await {
        Ok(Once::First) => {
            let request = Request::from_parts(parts, Body::from(bytes));
            let response = next.run(request).await;
            keep(&edge, &begun, response).await.unwrap_or_else(refuse)
        }
        Ok(Once::Answered(reply)) => match edge.portal.sealer.open(CONTEXT, &reply.body) {
            Ok(body) => replay(&reply, body),
            // The key it was sealed with was taken away meanwhile.
            Err(error) => refuse(Error::internal(error)),
        },
        Ok(Once::Different) => refuse(Error::refused(
            "idempotency_key_reused",
            "This idempotency key was used for another request. Choose a new one for each request.",
            "该幂等键已用于其他请求，请为每个请求使用新的键。",
        )),
        Ok(Once::UnderWay) => refuse(Error::conflict(
            "request_under_way",
            "The first request with this idempotency key is still under way. Ask again in a moment.",
            "使用该幂等键的首个请求仍在处理，请稍后再试。",
        )),
        Err(error) => refuse(error),
    }
}

fn key(sent: &HeaderValue) -> Option<String> {
    let text = sent.to_str().ok()?;
    let visible = text.bytes().all(|b| (0x21..=0x7e).contains(&b));
    ((1..=KEY_MAX).contains(&text.len()) && visible).then(|| text.to_owned())
}

/// SHA-256 over the parts, each with its length before it.
fn fingerprint(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hex::encode(hasher.finalize())
}

async fn begin(edge: &Edge, request: &OnceRequest) -> Result<Once> {
    let mut tx = edge.portal.store.write().await?;
    let once = tx.begin_once(request).await?;
    tx.commit().await?;
    Ok(once)
}

/// Keeps an answer that succeeded, and frees the key of one that did not.
async fn keep(edge: &Edge, request: &OnceRequest, response: Response) -> Result<Response> {
    if !response.status().is_success() {
        let mut tx = edge.portal.store.write().await?;
        tx.forget_once(&request.caller, &request.key).await?;
        tx.commit().await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, BODY_MAX).await.map_err(Error::internal)?;
    let headers = KEPT
        .iter()
        .filter_map(|name| {
            let value = parts.headers.get(name)?.to_str().ok()?;
            Some((name.as_str().to_owned(), value.to_owned()))
        })
        .collect();
    let reply = KeptReply {
        status: i64::from(parts.status.as_u16()),
        headers,
        body: edge.portal.sealer.seal(CONTEXT, &String::from_utf8_lossy(&bytes)),
    };
    let mut tx = edge.portal.store.write().await?;
    tx.keep_reply(&request.caller, &request.key, &reply).await?;
    tx.commit().await?;
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn replay(reply: &KeptReply, body: String) -> Response {
    let status = u16::try_from(reply.status)
        .ok()
        .and_then(|status| StatusCode::from_u16(status).ok())
        .unwrap_or(StatusCode::OK);
    let mut response = (status, body).into_response();
    response.headers_mut().remove(header::CONTENT_TYPE);
    for (name, value) in &reply.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
        .headers_mut()
        .insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
