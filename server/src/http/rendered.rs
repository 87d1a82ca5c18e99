//! Pages that were made a moment ago. Making a page costs a thousand times what sending it costs; while nothing in the
//! database has changed, the same reader gets the same page again (docs/adr/0009).
//!
//! A page is kept for one session, address, language and theme, for [`FRESH`], and only where the database can say
//! that nothing has changed. Each answer carries a nonce of its own.

use super::headers::page_policy;
use super::visit::Visit;
use super::{Edge, cookie};
use axum::body::{Body, Bytes, to_bytes};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use parking_lot::Mutex;
use slipway_domain::text::Locale;
use slipway_domain::time::{SECOND, Timestamp};
use std::collections::HashMap;
use std::sync::Arc;

/// How long a page is sent again, in µs: what it shows of the clock may be that late.
const FRESH: i64 = SECOND;

/// How many bytes of pages are kept.
const ROOM: usize = 32 * 1024 * 1024;

/// A page larger than this, in bytes, is not kept.
const PAGE_MAX: usize = 2 * 1024 * 1024;

/// Whose page, and which.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    session: Arc<str>,
    address: String,
    locale: Locale,
    theme: Option<String>,
}

impl Key {
    /// The key of a page that depends on nothing but the database and the reader; `None` for all others.
    pub fn of(visit: &Visit, parts: &Parts) -> Option<Self> {
        let session = visit.session.as_ref().filter(|s| s.person().is_some())?;
        Some(Self {
            session: session.key(),
            address: parts.uri.path_and_query()?.as_str().to_owned(),
            locale: visit.ctx.locale(),
            theme: cookie::read(&parts.headers, "slipway_theme").map(str::to_owned),
        })
    }
}

/// A page in pieces, between which the nonce stands.
#[derive(Clone)]
struct Page {
    revision: i64,
    made_at: Timestamp,
    headers: HeaderMap,
    pieces: Arc<[Bytes]>,
}

impl Page {
    fn size(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }

    /// The page with a nonce that was never used before.
    fn answer(&self) -> Option<Response> {
        let nonce = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>());
        let mut body = Vec::with_capacity(self.size() + self.pieces.len() * nonce.len());
        for (index, piece) in self.pieces.iter().enumerate() {
            if index > 0 {
                body.extend_from_slice(nonce.as_bytes());
            }
            body.extend_from_slice(piece);
        }
        let policy = HeaderValue::try_from(page_policy(&nonce)).ok()?;
        let mut response = Response::new(Body::from(body));
        *response.headers_mut() = self.headers.clone();
        response
            .headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, policy);
        Some(response)
    }
}

#[derive(Default)]
struct Kept {
    pages: HashMap<Key, Page>,
    bytes: usize,
}

impl Kept {
    /// Makes room for a page of `size` bytes: first of what is too old, then of everything.
    fn make_room(&mut self, size: usize, now: Timestamp) {
        if self.bytes + size > ROOM {
            self.pages.retain(|_, page| is_fresh(page, now));
            self.bytes = self.pages.values().map(Page::size).sum();
        }
        if self.bytes + size > ROOM {
            *self = Self::default();
        }
    }
}

fn is_fresh(page: &Page, now: Timestamp) -> bool {
    (0..FRESH).contains(&now.since(page.made_at))
}

/// The pages of all readers.
#[derive(Default)]
pub struct Rendered(Mutex<Kept>);

impl Rendered {
    fn find(&self, key: &Key, revision: i64, now: Timestamp) -> Option<Page> {
        let kept = self.0.lock();
        let page = kept.pages.get(key)?;
        (page.revision == revision && is_fresh(page, now)).then(|| page.clone())
    }

    fn keep(&self, key: Key, page: Page, now: Timestamp) {
        let size = page.size();
        let mut kept = self.0.lock();
        kept.make_room(size, now);
        kept.bytes += size;
        if let Some(old) = kept.pages.insert(key, page) {
            kept.bytes -= old.size();
        }
    }
}

/// The page of `key` if it was made a moment ago and still holds; else what `render` makes, which is kept.
pub async fn or_else<F>(edge: &Edge, key: Option<Key>, render: F) -> Response
where
    F: Future<Output = Response>,
{
    let Some(key) = key else { return render.await };
    // Before the page is made: what changes meanwhile changes the revision as well.
    let Ok(Some(revision)) = edge.portal.store.revision().await else {
        return render.await;
    };
    let now = edge.portal.clock.now();
    if let Some(answer) = edge
        .rendered
        .find(&key, revision, now)
        .and_then(|page| page.answer())
    {
        return answer;
    }
    let (parts, body) = render.await.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if let Some(page) = page_of(&parts, &bytes, revision, now) {
        edge.rendered.keep(key, page, now);
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// The page in an answer; `None` where it must not be sent again.
fn page_of(parts: &http::response::Parts, bytes: &Bytes, revision: i64, made_at: Timestamp) -> Option<Page> {
    let repeatable = parts.status == StatusCode::OK && !parts.headers.contains_key(header::SET_COOKIE);
    if !repeatable || bytes.len() > PAGE_MAX {
        return None;
    }
    let policy = parts
        .headers
        .get(header::CONTENT_SECURITY_POLICY)?
        .to_str()
        .ok()?;
    let (_, rest) = policy.split_once("'nonce-")?;
    let (nonce, _) = rest.split_once('\'')?;
    let mut pieces = Vec::new();
    let mut start = 0;
    for (at, _) in std::str::from_utf8(bytes).ok()?.match_indices(nonce) {
        pieces.push(bytes.slice(start..at));
        start = at + nonce.len();
    }
    pieces.push(bytes.slice(start..));
    let mut headers = parts.headers.clone();
    headers.remove(header::CONTENT_LENGTH);
    Some(Page {
        revision,
        made_at,
        headers,
        pieces: pieces.into(),
    })
}
