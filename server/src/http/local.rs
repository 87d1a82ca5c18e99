//! Addresses of this very site: the only ones that a redirect may lead to.

/// `next`, if it is a path of this site; else `/`.
pub fn path(next: &str) -> &str {
    if is_path(next) { next } else { "/" }
}

fn is_path(next: &str) -> bool {
    // Browsers read `//host` and `/\host` as other hosts, and drop tabs and newlines before they read.
    let mut characters = next.chars();
    characters.next() == Some('/')
        && !matches!(characters.next(), Some('/' | '\\'))
        && !next.chars().any(|c| c.is_control() || c == '\\')
        && next.is_ascii()
}

/// Path and query of an absolute `url` of this site, as a `Referer` has it.
pub fn of_url(url: &str) -> String {
    let Ok(url) = url::Url::parse(url) else {
        return path(url).to_owned();
    };
    let full = match url.query() {
        Some(query) if !query.is_empty() => format!("{}?{query}", url.path()),
        _ => url.path().to_owned(),
    };
    path(&full).to_owned()
}

/// `path` with `name=value` added to its query.
pub fn with(path: &str, name: &str, value: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    let pair: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair(name, value)
        .finish();
    format!("{path}{separator}{pair}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_followed() {
        assert_eq!(path("/orgs/acme?tab=x"), "/orgs/acme?tab=x");
        for evil in [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "",
            "orgs",
            "/\t/evil.example",
            "/a\\b",
            "/\r\nset-cookie: a=b",
        ] {
            assert_eq!(path(evil), "/", "{evil:?}");
        }
    }

    #[test]
    fn a_referrer_is_cut_down_to_its_path() {
        assert_eq!(of_url("http://127.0.0.1:3000/orgs/acme?x=1#f"), "/orgs/acme?x=1");
        assert_eq!(of_url("https://evil.example//evil.example"), "/");
        assert_eq!(with("/a?b=c", "d", "e f"), "/a?b=c&d=e+f");
    }
}
