//! Addresses of pages, built in one place.

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

/// Percent-encodes everything but letters, digits, `-`, `_`, `.` and `~` (RFC 3986, unreserved).
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            encoded.push('%');
            encoded.push(char::from(HEX[usize::from(byte >> 4)]));
            encoded.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    encoded
}

/// `/orgs/{org}`.
pub fn org(org: &str) -> String {
    format!("/orgs/{org}")
}

/// `/orgs/{org}/projects/{project}`.
pub fn project(org: &str, project: &str) -> String {
    format!("/orgs/{org}/projects/{project}")
}

/// `/orgs/{org}/projects/{project}/apps/{app}`.
pub fn app(org: &str, project: &str, app: &str) -> String {
    format!("/orgs/{org}/projects/{project}/apps/{app}")
}

/// The page of the sign-in form that leads back to `next`.
pub fn sign_in(next: &str) -> String {
    if next.is_empty() || next == "/" {
        String::from("/sign-in")
    } else {
        format!("/sign-in?next={}", encode(next))
    }
}

/// A parameter of the route, followed as it changes; empty when the route has none of that name.
pub fn param(name: &'static str) -> impl Fn() -> String + Copy + Send + Sync + 'static {
    let params = use_params_map();
    move || params.read().get(name).unwrap_or_default()
}

/// A parameter of the query, followed as it changes.
pub fn query(name: &'static str) -> impl Fn() -> Option<String> + Copy + Send + Sync + 'static {
    let query = use_query_map();
    move || query.read().get(name)
}

/// The parameters that say which app a page is about.
pub fn app_params() -> impl Fn() -> (String, String, String) + Copy + Send + Sync + 'static {
    let (org, project, app) = (param("org"), param("project"), param("app"));
    move || (org(), project(), app())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_next_address_cannot_break_out_of_the_query() {
        assert_eq!(sign_in("/a?b=c&d=e#f"), "/sign-in?next=%2Fa%3Fb%3Dc%26d%3De%23f");
        assert_eq!(sign_in("/"), "/sign-in");
    }
}
