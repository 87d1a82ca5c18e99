//! Addresses of pages, built in one place.

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};
use slipway_domain::project::Place;

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

/// The page of the place above: what stays when `place` goes.
pub fn above(place: &Place) -> String {
    match (&place.project, &place.app) {
        (Some(found), Some(_)) => project(&place.org.slug, &found.slug),
        (Some(_), None) => org(&place.org.slug),
        (None, _) => String::from("/"),
    }
}

/// The address of the page at `path` by the slugs that its place has now; `None`: it is there already.
pub fn moved(path: &str, place: &Place) -> Option<String> {
    let mut parts: Vec<&str> = path.split('/').collect();
    let now = [
        (2, Some(place.org.slug.as_str())),
        (4, place.project.as_ref().map(|project| project.slug.as_str())),
        (6, place.app.as_ref().map(|app| app.slug.as_str())),
    ];
    for (at, slug) in now {
        if let (Some(part), Some(slug)) = (parts.get_mut(at), slug) {
            *part = slug;
        }
    }
    let to = parts.join("/");
    (to != path).then_some(to)
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
    fn a_page_moves_with_its_place_and_keeps_the_rest_of_its_address() {
        use slipway_domain::id::{OrgId, ProjectId, TypedId};
        use slipway_domain::org::OrgRef;
        use slipway_domain::project::ProjectRef;
        let place = Place {
            org: OrgRef {
                id: OrgId::from_uuid(uuid::Uuid::nil()),
                slug: String::from("apex"),
                name: String::new(),
                archived: false,
            },
            project: Some(ProjectRef {
                id: ProjectId::from_uuid(uuid::Uuid::nil()),
                slug: String::from("till"),
                name: String::new(),
                key: String::new(),
                archived: false,
                features: slipway_domain::feature::Features::default(),
            }),
            app: None,
        };
        let to = |path| moved(path, &place);
        assert_eq!(to("/orgs/apex/projects/till/board"), None);
        assert_eq!(
            to("/orgs/acme/projects/checkout/board").as_deref(),
            Some("/orgs/apex/projects/till/board")
        );
        assert_eq!(
            to("/orgs/acme/projects/till/apps/x/runs/3").as_deref(),
            Some("/orgs/apex/projects/till/apps/x/runs/3")
        );
        assert_eq!(above(&place), "/orgs/apex");
    }

    #[test]
    fn a_next_address_cannot_break_out_of_the_query() {
        assert_eq!(sign_in("/a?b=c&d=e#f"), "/sign-in?next=%2Fa%3Fb%3Dc%26d%3De%23f");
        assert_eq!(sign_in("/"), "/sign-in");
    }
}
