//! The `Courier` port over HTTP: posts one webhook, follows nothing, and keeps away from where it must not lead.

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use slipway_domain::message::ANSWER_MAX;
use slipway_guard::Guard;
use slipway_portal::outgoing::{OutOfBounds, Outgoing};
use slipway_portal::ports::{Courier, CourierError, Parcel, Receipt};
use std::sync::OnceLock;
use std::time::Duration;
use url::Url;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a try may take, from the first byte sent to the last byte read.
const ANSWER: Duration = Duration::from_secs(15);

/// Posts webhooks.
pub struct HttpCourier {
    guard: Guard,
    patience: Duration,
    http: OnceLock<reqwest::Client>,
}

impl HttpCourier {
    /// A courier that stays within `outgoing`'s bounds and waits 15 s for an answer.
    pub fn new(outgoing: Outgoing) -> Self {
        Self::waiting(outgoing, ANSWER)
    }

    /// As [`new`](Self::new), waiting so long for an answer: for tests.
    pub fn waiting(outgoing: Outgoing, patience: Duration) -> Self {
        Self {
            guard: Guard::new(outgoing),
            patience,
            http: OnceLock::new(),
        }
    }

    /// The client; made at the first use.
    fn http(&self) -> Result<&reqwest::Client, CourierError> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let made = self
            .guard
            .keep(reqwest::Client::builder())
            .connect_timeout(CONNECT.min(self.patience))
            .timeout(self.patience)
            .redirect(Policy::none())
            .build()
            .map_err(|error| CourierError::Unreachable(error.to_string()))?;
        Ok(self.http.get_or_init(|| made))
    }
}

#[async_trait]
impl Courier for HttpCourier {
    async fn admits(&self, url: &str) -> Result<(), CourierError> {
        self.guard.admits(&parsed(url)?).await.map_err(out_of_bounds)
    }

    async fn send(&self, parcel: &Parcel) -> Result<Receipt, CourierError> {
        let url = parsed(&parcel.url)?;
        self.guard.literal(&url).map_err(out_of_bounds)?;
        let mut call = self.http()?.post(url).body(parcel.body.clone());
        for (name, value) in &parcel.headers {
            call = call.header(name, value);
        }
        let mut answer = call.send().await.map_err(|error| refused(&error))?;
        let status = answer.status().as_u16();
        let retry_after = retry_after(answer.headers(), Timestamp::now());
        let mut body = Vec::new();
        // The status is the answer. A body that is cut, slow or endless is kept as far as it came.
        while body.len() < ANSWER_MAX {
            match answer.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) | Err(_) => break,
            }
        }
        Ok(Receipt {
            status,
            retry_after,
            body: beginning(&body),
        })
    }
}

fn parsed(url: &str) -> Result<Url, CourierError> {
    Url::parse(url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or(CourierError::BadAddress)
}

/// At most [`ANSWER_MAX`] bytes of text; what is none is replaced, and a NUL, which no database keeps, as well.
fn beginning(body: &[u8]) -> String {
    let cut = body.get(..ANSWER_MAX).unwrap_or(body);
    let mut text = String::from_utf8_lossy(cut).replace('\0', "\u{fffd}");
    while text.len() > ANSWER_MAX {
        text.pop();
    }
    text
}

/// The seconds of `Retry-After`: a number, or what is left until an HTTP date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<i64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<i64>() {
        return (seconds >= 0).then_some(seconds);
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some((at.as_second() - now.as_second()).max(0))
}

const fn out_of_bounds(error: OutOfBounds) -> CourierError {
    CourierError::OutOfBounds(error.0)
}

/// Why there was no answer. Never the address: it may be a secret.
fn refused(error: &reqwest::Error) -> CourierError {
    if let Some(out) = slipway_guard::behind(error) {
        return out_of_bounds(out);
    }
    if error.is_timeout() {
        return CourierError::TimedOut;
    }
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    CourierError::Unreachable(
        cause.map_or_else(|| String::from("the connection was lost"), ToString::to_string),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_a_number_or_a_date() {
        let now: Timestamp = "1994-11-06T08:49:30Z".parse().unwrap();
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers, now)
        };
        assert_eq!(read("120"), Some(120));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), Some(7));
        assert_eq!(read("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        for wrong in ["", "soon", "-5", "1.5"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn the_beginning_of_an_answer_is_text_of_a_bounded_length() {
        assert_eq!(beginning(b"ok\0"), "ok\u{fffd}");
        for body in [
            vec![0xff; 10_000],
            vec![0; 10_000],
            "发".repeat(5_000).into_bytes(),
        ] {
            assert!(beginning(&body).len() <= ANSWER_MAX);
        }
        assert_eq!(beginning(&[b'a'; 10_000]).len(), ANSWER_MAX);
    }

    #[test]
    fn only_http_is_sent_to() {
        for wrong in ["", "x", "file:///etc/passwd", "ftp://example.com", "http://"] {
            assert_eq!(parsed(wrong), Err(CourierError::BadAddress), "{wrong}");
        }
    }
}
