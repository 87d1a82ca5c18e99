//! Completes answers that say no, so that all of them are a Kubernetes `Status` with its code.
//!
//! Proxies and load balancers in front of an API server answer with HTML or bare JSON, and the `Retry-After` header
//! is lost once `kube` has read a body. Both are put into the `Status` here.

use bytes::Bytes;
use futures::TryFutureExt as _;
use futures::future::{BoxFuture, ready};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use kube::client::DynBody;
use kube::core::Status;
use kube::core::response::{StatusDetails, StatusSummary};
use tower::BoxError;

use crate::warning;

/// Bytes of a refusal that are read: a `Status` with many causes is far below.
const READ: usize = 1 << 20;
/// Characters of a text that is not a `Status` that are shown.
const SHOWN: usize = 300;

/// Turns a failed answer's body into a complete `Status`; answers that succeed pass as they are.
pub fn complete(
    response: Response<Box<DynBody>>,
) -> BoxFuture<'static, Result<Response<Box<DynBody>>, BoxError>> {
    warning::note(response.headers());
    let code = response.status();
    if !code.is_client_error() && !code.is_server_error() {
        return Box::pin(ready(Ok(response)));
    }
    let (mut parts, body) = response.into_parts();
    let body = Limited::new(body, READ).collect();
    Box::pin(body.map_ok(move |body| {
        let status = status(code, &parts.headers, &body.to_bytes());
        let status = serde_json::to_vec(&status).unwrap_or_default();
        parts.headers.remove(TRANSFER_ENCODING);
        parts
            .headers
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        parts.headers.insert(CONTENT_LENGTH, status.len().into());
        let body = Full::new(Bytes::from(status)).map_err(BoxError::from);
        Response::from_parts(parts, Box::new(body) as Box<DynBody>)
    }))
}

fn status(code: StatusCode, headers: &HeaderMap, body: &[u8]) -> Status {
    let mut status = serde_json::from_slice::<Status>(body)
        .ok()
        .filter(|status| !status.message.is_empty() || !status.reason.is_empty())
        .unwrap_or_else(|| Status {
            message: shown(code, body),
            ..Status::default()
        });
    status.status = Some(StatusSummary::Failure);
    status.code = code.as_u16();
    let retry_after = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok());
    if let Some(seconds) = retry_after {
        let details = status.details.get_or_insert_with(|| StatusDetails {
            name: String::new(),
            group: String::new(),
            kind: String::new(),
            uid: String::new(),
            causes: Vec::new(),
            retry_after_seconds: 0,
        });
        if details.retry_after_seconds == 0 {
            details.retry_after_seconds = seconds;
        }
    }
    status
}

/// What to show of a body that is no `Status`: its text, or the code's name where it is a page or empty.
fn shown(code: StatusCode, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.is_empty() || text.starts_with('<') {
        return code.to_string();
    }
    format!("{code}: {}", text.chars().take(SHOWN).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: u16, retry_after: Option<&'static str>, body: &str) -> Status {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(value));
        }
        status(
            StatusCode::from_u16(code).expect("a code"),
            &headers,
            body.as_bytes(),
        )
    }

    #[test]
    fn a_page_of_a_proxy_becomes_a_status_of_its_code() {
        let found = of(502, None, "<html><body>oops</body></html>");
        assert_eq!((found.code, found.message.as_str()), (502, "502 Bad Gateway"));
        assert_eq!(of(503, None, "").message, "503 Service Unavailable");
        assert_eq!(of(400, None, "bad token").message, "400 Bad Request: bad token");
        assert_eq!(of(500, None, "{}").message, "500 Internal Server Error: {}");
    }

    #[test]
    fn the_header_tells_how_long_to_wait_unless_the_status_does() {
        let seconds = |status: Status| status.details.map(|d| d.retry_after_seconds);
        assert_eq!(
            seconds(of(429, Some("7"), "{\"message\":\"slow down\"}")),
            Some(7)
        );
        assert_eq!(
            seconds(of(
                429,
                Some("7"),
                "{\"reason\":\"TooManyRequests\",\"details\":{\"retryAfterSeconds\":3}}"
            )),
            Some(3)
        );
        assert_eq!(seconds(of(429, Some("soon"), "")), None);
    }
}
