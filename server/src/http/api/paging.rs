//! Lists in pages: `?cursor=` and `?limit=` in, `Link: <…>; rel="next"` out (RFC 8288).

use super::ask::Asked;
use crate::http::problem::Refusal;
use axum::Json;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;
use http::{HeaderValue, header};
use serde::Serialize;
use slipway_domain::text::Text;
use slipway_portal::Error;
use utoipa::IntoParams;

/// The most entries of a page.
const MOST: usize = 100;

/// How many entries a page has that names no number.
const USUAL: usize = 30;

/// Which page of a list is asked for. An answer may hold fewer entries than `limit`; whether there are more says its
/// header `Link`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Where to go on: taken from the `Link` of the page before.
    #[param(required = false)]
    cursor: Option<String>,
    /// At most so many entries.
    #[param(required = false, minimum = 1, maximum = 100, default = 30)]
    limit: usize,
    #[param(ignore)]
    path: String,
    #[param(ignore)]
    query: Vec<(String, String)>,
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let asked = Asked::from_request_parts(parts, state).await?;
        Self::read(parts.uri.path(), parts.uri.query().unwrap_or_default())
            .map_err(|error| asked.refuse(error))
    }
}

impl Page {
    fn read(path: &str, query: &str) -> Result<Self, Error> {
        let mut page = Self {
            cursor: None,
            limit: USUAL,
            path: path.to_owned(),
            query: Vec::new(),
        };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "cursor" => page.cursor = Some(decode(&value).ok_or_else(wrong_cursor)?),
                "limit" => page.limit = limit(&value)?,
                _ => page.query.push((name.into_owned(), value.into_owned())),
            }
        }
        Ok(page)
    }

    /// Where to go on, as the list understands it.
    ///
    /// # Errors
    /// A cursor that no list gave.
    pub fn from<T: std::str::FromStr>(&self) -> Result<Option<T>, Error> {
        let parsed = self.cursor.as_deref().map(str::parse).transpose();
        parsed.map_err(|_| wrong_cursor())
    }

    /// The entries of this page, of a list that is read as a whole. It is in the order of `key`, which names each entry.
    pub fn cut<T>(self, mut all: Vec<T>, key: impl Fn(&T) -> String) -> Paged<T> {
        all.sort_by_cached_key(&key);
        if let Some(after) = &self.cursor {
            all.retain(|entry| key(entry) > *after);
        }
        self.take(all, false, key)
    }

    /// The entries of this page, of a list that was read from the cursor on; `more`: there are others behind them.
    pub fn take<T>(self, mut entries: Vec<T>, more: bool, key: impl Fn(&T) -> String) -> Paged<T> {
        let more = more || entries.len() > self.limit;
        entries.truncate(self.limit);
        let next = entries.last().filter(|_| more).map(|last| self.link(&key(last)));
        Paged { entries, next }
    }

    /// The entries of this page, of a list that says itself where it goes on.
    pub fn as_read<T>(self, entries: Vec<T>, next: Option<&str>) -> Paged<T> {
        let next = next.map(|next| self.link(next));
        Paged { entries, next }
    }

    /// As [`take`](Self::take), of a list that goes on before an instant (µs since the epoch): a page never ends between
    /// two entries of one instant, unless it has no others. `older`: where the list that was read goes on.
    pub fn take_by_instant<T>(
        self,
        mut entries: Vec<T>,
        older: Option<i64>,
        instant: impl Fn(&T) -> i64,
    ) -> Paged<T> {
        if let Some(first_beyond) = entries.get(self.limit).map(&instant) {
            let end = entries.partition_point(|entry| instant(entry) > first_beyond);
            let end = if end == 0 {
                entries.partition_point(|entry| instant(entry) >= first_beyond)
            } else {
                end
            };
            entries.truncate(end);
            let next = entries.last().map(|last| self.link(&instant(last).to_string()));
            return Paged { entries, next };
        }
        let next = older.map(|older| self.link(&older.to_string()));
        Paged { entries, next }
    }

    fn link(&self, cursor: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query
            .extend_pairs(&self.query)
            .append_pair("limit", &self.limit.to_string())
            .append_pair("cursor", &URL_SAFE_NO_PAD.encode(cursor));
        format!("<{}?{}>; rel=\"next\"", self.path, query.finish())
    }
}

fn decode(text: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    String::from_utf8(bytes).ok()
}

fn wrong_cursor() -> Error {
    Error::field(
        "cursor",
        Text::new(
            "take the cursor from the Link header of the page before",
            "请使用上一页 Link 响应头中的游标",
        ),
    )
}

fn limit(text: &str) -> Result<usize, Error> {
    let number = text.parse().ok().filter(|number| (1..=MOST).contains(number));
    number.ok_or_else(|| {
        Error::field(
            "limit",
            Text::new(
                format!("use a number from 1 to {MOST}"),
                format!("请填写 1 到 {MOST} 之间的数字"),
            ),
        )
    })
}

/// A page of a list, with the way to the next one.
pub struct Paged<T> {
    entries: Vec<T>,
    next: Option<String>,
}

impl<T> Paged<T> {
    /// The same page of what the entries are made into.
    pub fn map<U>(self, into: impl FnMut(T) -> U) -> Paged<U> {
        Paged {
            entries: self.entries.into_iter().map(into).collect(),
            next: self.next,
        }
    }
}

impl<T: Serialize> IntoResponse for Paged<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.entries).into_response();
        let link = self.next.and_then(|next| HeaderValue::try_from(next).ok());
        if let Some(link) = link {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(query: &str) -> Page {
        Page::read("/api/v1/x", query).unwrap_or_else(|_| panic!("{query} is refused"))
    }

    #[test]
    fn following_the_links_shows_every_entry_once_also_when_one_goes_away() {
        let all: Vec<u32> = (10..45).collect();
        let key = |n: &u32| n.to_string();
        let first = page("limit=20&kind=a%26b").cut(all.clone(), key);
        assert_eq!(first.entries, (10..30).collect::<Vec<_>>());
        let link = first.next.expect("there are more");
        assert!(
            link.starts_with("</api/v1/x?kind=a%26b&limit=20&cursor="),
            "{link}"
        );
        let query = link.trim_start_matches("</api/v1/x?").split('>').next().unwrap();
        let rest = page(query).cut(all.into_iter().filter(|n| *n != 29).collect(), key);
        assert_eq!(rest.entries, (30..45).collect::<Vec<_>>());
        assert!(rest.next.is_none());
    }

    #[test]
    fn a_page_never_ends_within_an_instant() {
        // The newest first; three at the instant 7.
        let all = [(9, 'a'), (8, 'b'), (7, 'c'), (7, 'd'), (7, 'e'), (6, 'f')];
        let read = |before: Option<i64>| {
            let rest = all
                .iter()
                .copied()
                .filter(|(at, _)| before.is_none_or(|before| *at < before));
            rest.collect::<Vec<_>>()
        };
        let shown = |limit: usize| {
            let (mut seen, mut before) = (String::new(), None);
            loop {
                let query = format!("limit={limit}");
                let part = page(&query).take_by_instant(read(before), None, |(at, _)| *at);
                seen.extend(part.entries.iter().map(|(_, name)| *name));
                let Some(next) = part.next else { return seen };
                let query = next.split(['?', '>']).nth(1).unwrap().to_owned();
                before = page(&query).from::<i64>().ok().flatten();
            }
        };
        for limit in 1..=6 {
            assert_eq!(shown(limit), "abcdef", "{limit}");
        }
    }

    #[test]
    fn what_was_given_by_no_list_is_refused() {
        for query in ["cursor=%21", "limit=0", "limit=101", "limit=x", "limit="] {
            assert!(Page::read("/", query).is_err(), "{query}");
        }
        assert!(page("cursor=eA").from::<i64>().is_err(), "x is no number");
        assert_eq!(page("cursor=NDI").from::<i64>().ok().flatten(), Some(42));
    }
}
