//! How often a caller may ask: so many requests a minute for each token, or for each person in a browser.

use crate::http::Edge;
use crate::http::problem::Refusal;
use crate::http::visit::Visit;
use axum::Extension;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue};
use parking_lot::Mutex;
use slipway_domain::time::{MINUTE, SECOND, Timestamp};
use slipway_portal::Error;
use std::collections::HashMap;

/// Requests a minute.
pub const PER_MINUTE: u32 = 600;

/// How many callers are counted at most; beyond, those whose minute is over are forgotten first.
const CALLERS_MAX: usize = 50_000;

/// The requests of this minute, by caller. Each replica counts its own.
#[derive(Default)]
pub struct Limits(Mutex<HashMap<String, Window>>);

#[derive(Clone, Copy)]
struct Window {
    ends_at: Timestamp,
    used: u32,
}

/// What is left to a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Left {
    /// Requests until the reset; `None`: this one was too many.
    requests: Option<u32>,
    /// Seconds until all of them are there again.
    reset: u64,
}

impl Limits {
    fn count(&self, caller: &str, now: Timestamp) -> Left {
        let mut windows = self.0.lock();
        if windows.len() >= CALLERS_MAX {
            windows.retain(|_, window| window.ends_at > now);
        }
        let fresh = Window {
            ends_at: now.plus(MINUTE),
            used: 0,
        };
        let window = windows.entry(caller.to_owned()).or_insert(fresh);
        if window.ends_at <= now {
            *window = fresh;
        }
        window.used = window.used.saturating_add(1);
        let micros = u64::try_from(window.ends_at.since(now)).unwrap_or(0);
        Left {
            requests: PER_MINUTE.checked_sub(window.used),
            reset: micros.div_ceil(SECOND.unsigned_abs()),
        }
    }
}

/// Who is counted and kept apart: the token, or the person in a browser.
pub fn caller(visit: &Visit) -> Option<String> {
    match visit.ctx.token() {
        Some(token) => Some(format!("token:{}", token.id)),
        None => visit.ctx.user().ok().map(|user| format!("user:{}", user.id)),
    }
}

/// The middleware.
pub async fn limit(
    State(edge): State<Edge>,
    Extension(visit): Extension<Visit>,
    request: Request,
    next: Next,
) -> Response {
    let Some(caller) = caller(&visit) else {
        return next.run(request).await;
    };
    let left = edge.limits.count(&caller, visit.ctx.now());
    let mut response = if left.requests.is_some() {
        next.run(request).await
    } else {
        let error = Error::Limited {
            retry_after: left.reset,
        };
        Refusal::of(&visit, error).into_response()
    };
    let mut tell = |name: &'static str, value: u64| {
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), HeaderValue::from(value));
    };
    tell("ratelimit-limit", u64::from(PER_MINUTE));
    tell("ratelimit-remaining", u64::from(left.requests.unwrap_or(0)));
    tell("ratelimit-reset", left.reset);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_has_so_many_requests_and_the_next_one_as_many_again() {
        let limits = Limits::default();
        let start = Timestamp(7);
        for used in 1..=PER_MINUTE {
            let left = limits.count("a", start);
            assert_eq!(left.requests, Some(PER_MINUTE - used));
        }
        let later = start.plus(20 * SECOND);
        let refused = Left {
            requests: None,
            reset: 40,
        };
        assert_eq!(limits.count("a", later), refused);
        assert_eq!(
            limits.count("b", later).requests,
            Some(PER_MINUTE - 1),
            "others are not touched"
        );
        assert_eq!(
            limits.count("a", start.plus(MINUTE)).requests,
            Some(PER_MINUTE - 1)
        );
    }
}
