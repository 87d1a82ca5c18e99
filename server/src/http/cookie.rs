//! Cookies, read and written.

use http::{HeaderMap, HeaderValue, header};

/// The value of the cookie `name`.
pub fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// A `Set-Cookie` for the whole site, out of reach of scripts, and not sent along by other sites' posts.
///
/// # Panics
/// `value` has characters that no cookie may have: a bug of the caller.
pub fn set(name: &str, value: &str, seconds: i64, secure: bool) -> HeaderValue {
    let secure = if secure { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::try_from(text).expect("cookies are made of tokens")
}

/// A `Set-Cookie` that removes the cookie.
pub fn remove(name: &str, secure: bool) -> HeaderValue {
    set(name, "", 0, secure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("a=1; slipway_theme=dark"),
        );
        headers.append(header::COOKIE, HeaderValue::from_static("theme=light"));
        assert_eq!(read(&headers, "slipway_theme"), Some("dark"));
        assert_eq!(read(&headers, "theme"), Some("light"));
        assert_eq!(read(&headers, "me"), None);
    }
}
