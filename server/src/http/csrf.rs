//! Changes must come from Slipway's own pages: no other site's form or script may make them in somebody's
//! name.
//!
//! Browsers say where a request comes from in `Sec-Fetch-Site` and `Origin`, which pages cannot forge.
//! Calls that bring their own proof (a bearer token, a webhook's token) read no cookie and are exempt.

use super::observe::RequestId;
use super::{Edge, problem};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, Method, header};
use slipway_domain::text::Locale;
use slipway_portal::Error;

/// The middleware.
pub async fn same_origin(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if reads || is_exempt(&request) || is_ours(request.headers(), &edge.portal.public_url) {
        return next.run(request).await;
    }
    let error = refusal();
    let mut response = problem::answer(
        &error,
        Locale::En,
        request.headers(),
        &RequestId::of(request.extensions()),
    );
    *response.status_mut() = http::StatusCode::FORBIDDEN;
    response
}

/// What is said to a request from elsewhere.
pub fn refusal() -> Error {
    Error::refused(
        "cross_origin",
        "This request did not come from a page of Slipway, so nothing was changed. Open the page and try again there.",
        "该请求并非来自 Slipway 页面，未做任何更改。请打开页面后重试。",
    )
}

/// Whether a link was followed on a page of ours. Browsers that do not say so in `Sec-Fetch-Site` (it needs https) send
/// a `Referer` to the same origin, as the pages' policy tells them.
pub fn is_own_page(headers: &HeaderMap, public_url: &str) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text("referer")) {
        (Some(site), _) => site == "same-origin",
        (None, Some(referer)) => referer
            .strip_prefix(public_url)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        (None, None) => false,
    }
}

fn is_exempt(request: &Request) -> bool {
    let path = request.uri().path();
    path.starts_with("/hooks/")
        || (path.starts_with("/api/v1/") && request.headers().contains_key(header::AUTHORIZATION))
}

fn is_ours(headers: &HeaderMap, public_url: &str) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let Some(origin) = text("origin") else {
        return false;
    };
    // A port forward or an address beside the public one: then the host that was asked counts.
    let asked = text("host").unwrap_or_default();
    origin == public_url
        || origin
            .split_once("://")
            .is_some_and(|(_, host)| !host.is_empty() && host == asked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn ours(pairs: &[(&'static str, &'static str)]) -> bool {
        let headers = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        is_ours(&headers, "https://slipway.example.com")
    }

    #[test]
    fn a_link_of_another_site_is_none_of_ours() {
        let own = |pairs: &[(&'static str, &'static str)]| {
            let headers = pairs
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect();
            is_own_page(&headers, "https://slipway.example.com")
        };
        assert!(own(&[("sec-fetch-site", "same-origin")]));
        assert!(own(&[("referer", "https://slipway.example.com/me/security")]));
        assert!(!own(&[("referer", "https://slipway.example.com.evil.example/")]));
        assert!(!own(&[
            ("sec-fetch-site", "cross-site"),
            ("referer", "https://slipway.example.com/")
        ]));
        assert!(!own(&[("sec-fetch-site", "none")]), "typed or pasted");
        assert!(!own(&[]));
    }

    #[test]
    fn only_requests_from_our_own_pages_may_change_anything() {
        assert!(ours(&[("sec-fetch-site", "same-origin")]));
        assert!(ours(&[("origin", "https://slipway.example.com")]));
        assert!(ours(&[
            ("origin", "http://10.0.0.1:3000"),
            ("host", "10.0.0.1:3000")
        ]));
        assert!(!ours(&[("sec-fetch-site", "cross-site")]));
        assert!(!ours(&[
            ("sec-fetch-site", "same-site"),
            ("origin", "https://slipway.example.com")
        ]));
        assert!(!ours(&[("sec-fetch-site", "none")]));
        assert!(!ours(&[
            ("origin", "https://evil.example"),
            ("host", "slipway.example.com")
        ]));
        assert!(!ours(&[("origin", "null"), ("host", "")]));
        assert!(!ours(&[]));
    }
}
