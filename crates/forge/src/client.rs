//! The HTTP client beneath the `gitlab` crate's endpoints: timeouts, limits, redirects, and what a refusal means.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use gitlab::api::{ApiError, AsyncClient, RestClient};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use slipway_guard::Guard;
use slipway_portal::outgoing::OutOfBounds;
use slipway_portal::ports::{Bearer, Credential, Flow, ForgeAccess, ForgeError};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long GitLab may say nothing: somebody may wait for the answer in front of a page.
const SILENCE: Duration = Duration::from_secs(10);
/// How long an answer may take, from the first byte sent to the last byte received.
const ANSWER: Duration = Duration::from_secs(30);
/// The largest answer: a log of this size is read whole.
const LARGEST: usize = 64 * 1024 * 1024;
/// The largest refusal that is read.
const SMALL: usize = 64 * 1024;
/// How often an answer may point elsewhere.
const REDIRECTS: usize = 3;
/// What to wait after a 429 that does not say, in seconds.
const WAIT: u64 = 30;
/// The longest wait that is believed, in seconds.
const LONGEST_WAIT: u64 = 3600;

/// A client for one GitLab, with what opens it.
pub struct Client {
    http: reqwest::Client,
    rest: Url,
    key: Key,
    /// `None`: the operator wrote the access, and it may lead anywhere.
    guard: Option<Guard>,
}

/// What opens a GitLab, ready to be sent.
enum Key {
    Token(HeaderValue),
    Bearer(Arc<dyn Bearer>),
}

/// What a request is opened with, and the bearer token in it.
struct Opened {
    name: HeaderName,
    value: HeaderValue,
    bears: Option<String>,
}

impl Opened {
    fn token(token: &HeaderValue) -> Self {
        Self {
            name: HeaderName::from_static("private-token"),
            value: token.clone(),
            bears: None,
        }
    }

    fn bearer(token: String) -> Result<Self, ForgeError> {
        Ok(Self {
            name: header::AUTHORIZATION,
            value: secret(&format!("Bearer {token}"))?,
            bears: Some(token),
        })
    }
}

/// A header that no log shows.
fn secret(text: &str) -> Result<HeaderValue, ForgeError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| ForgeError::BadToken)?;
    value.set_sensitive(true);
    Ok(value)
}

/// An HTTP client, kept in bounds by `guard` if there is one.
///
/// # Errors
/// The system has no usable TLS.
pub fn http(guard: Option<&Guard>) -> Result<reqwest::Client, ForgeError> {
    let mut http = reqwest::Client::builder();
    if let Some(guard) = guard {
        http = guard.keep(http);
    }
    http.connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .timeout(ANSWER)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("slipway/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| ForgeError::Unreachable(error.to_string()))
}

/// The address of `path` below a GitLab's base URL.
///
/// # Errors
/// It is none.
pub fn below(base_url: &str, path: &str) -> Result<Url, ForgeError> {
    let base = base_url.trim_end_matches('/');
    Url::parse(&format!("{base}/{path}"))
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| ForgeError::Unreachable(format!("{base} is not an address")))
}

/// What [`AsyncClient`] answers for a call that did not succeed.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Failure(pub ForgeError);

impl Client {
    /// A client. Does not connect yet.
    ///
    /// # Errors
    /// The URL is none, or the token has characters that no token has.
    pub fn new(
        access: &ForgeAccess,
        http: reqwest::Client,
        guard: Option<Guard>,
    ) -> Result<Self, ForgeError> {
        Ok(Self {
            http,
            rest: below(&access.base_url, "api/v4/")?,
            key: match &access.credential {
                Credential::Token(token) => Key::Token(secret(token.trim())?),
                Credential::Bearer(bearer) => Key::Bearer(Arc::clone(bearer)),
            },
            guard,
        })
    }

    /// Whether it is opened by tokens of OAuth 2.
    pub fn is_bearer(&self) -> bool {
        matches!(self.key, Key::Bearer(_))
    }

    /// The address of what stands beside the API, as `oauth/token/info`.
    pub fn beside(&self, path: &str) -> Result<Url, ForgeError> {
        self.address(&format!("../../{path}"))
    }

    /// The address of an endpoint.
    pub fn address(&self, endpoint: &str) -> Result<Url, ForgeError> {
        self.rest
            .join(endpoint)
            .map_err(|error| ForgeError::Refused(error.to_string()))
    }

    /// Sends a request and reads the answer. Only 2xx and `also` are answers; all else is an error. A bearer token that
    /// GitLab takes no longer is exchanged for another one, once: what was refused was not done.
    pub async fn send(
        &self,
        request: http::request::Builder,
        body: Vec<u8>,
        also: &[StatusCode],
    ) -> Result<Response<Bytes>, ForgeError> {
        let (parts, ()) = request
            .body(())
            .map_err(|error| ForgeError::Refused(error.to_string()))?
            .into_parts();
        let body = Bytes::from(body);
        let bearer = match &self.key {
            Key::Token(token) => return self.call(&parts, &body, also, &Opened::token(token)).await,
            Key::Bearer(bearer) => bearer,
        };
        let opened = Opened::bearer(bearer.token().await?)?;
        match (self.call(&parts, &body, also, &opened).await, &opened.bears) {
            (Err(ForgeError::BadToken), Some(refused)) => {
                let opened = Opened::bearer(bearer.another(refused).await?)?;
                self.call(&parts, &body, also, &opened).await
            }
            (answer, _) => answer,
        }
    }

    /// As [`send`](Self::send) for a GET, but the body comes as it comes, for as long as `patience`.
    pub async fn stream(&self, url: &str, patience: Duration) -> Result<Flow, ForgeError> {
        let request = http::Request::builder().method(Method::GET).uri(url);
        let (parts, ()) = request
            .body(())
            .map_err(|error| ForgeError::Refused(error.to_string()))?
            .into_parts();
        let nothing = Bytes::new();
        let opened = match &self.key {
            Key::Token(token) => Opened::token(token),
            Key::Bearer(bearer) => Opened::bearer(bearer.token().await?)?,
        };
        let mut answer = self.open(&parts, &nothing, &opened, Some(patience)).await?;
        if let (StatusCode::UNAUTHORIZED, true, Key::Bearer(bearer), Some(refused)) =
            (answer.0.status(), answer.1, &self.key, &opened.bears)
        {
            let opened = Opened::bearer(bearer.another(refused).await?)?;
            answer = self.open(&parts, &nothing, &opened, Some(patience)).await?;
        }
        let (answer, at_home) = answer;
        let (status, headers) = (answer.status(), answer.headers().clone());
        if status.is_success() {
            let size = answer.content_length();
            let pieces = futures::stream::try_unfold(answer, |mut answer| async move {
                let piece = answer.chunk().await.map_err(|error| unreachable(&error))?;
                Ok(piece.map(|piece| (piece, answer)))
            });
            return Ok(Flow {
                size,
                pieces: Box::pin(pieces),
            });
        }
        let body = whole(answer, SMALL).await?;
        Err(refused_at(status, &headers, &body, at_home))
    }

    async fn call(
        &self,
        parts: &http::request::Parts,
        body: &Bytes,
        also: &[StatusCode],
        opened: &Opened,
    ) -> Result<Response<Bytes>, ForgeError> {
        let (answer, at_home) = self.open(parts, body, opened, None).await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = whole(answer, LARGEST).await?;
        if status.is_success() || also.contains(&status) {
            let mut response = Response::new(body);
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            return Ok(response);
        }
        Err(refused_at(status, &headers, &body, at_home))
    }

    /// Sends a request and follows where it leads. Whether the answer is GitLab's own stands beside it.
    async fn open(
        &self,
        parts: &http::request::Parts,
        body: &Bytes,
        opened: &Opened,
        patience: Option<Duration>,
    ) -> Result<(reqwest::Response, bool), ForgeError> {
        let mut url =
            Url::parse(&parts.uri.to_string()).map_err(|error| ForgeError::Refused(error.to_string()))?;
        for _ in 0..=REDIRECTS {
            if let Some(guard) = &self.guard {
                guard.literal(&url).map_err(out_of_bounds)?;
            }
            let mut headers = parts.headers.clone();
            // What GitLab keeps in object storage has its own signature: the token stays at home.
            let at_home = url.origin() == self.rest.origin();
            if at_home {
                headers.insert(opened.name.clone(), opened.value.clone());
            }
            let mut call = self
                .http
                .request(parts.method.clone(), url.clone())
                .headers(headers);
            if let Some(patience) = patience {
                call = call.timeout(patience);
            }
            if !body.is_empty() {
                call = call.body(body.clone());
            }
            let answer = call.send().await.map_err(|error| unreachable(&error))?;
            let status = answer.status();
            if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
                url = elsewhere(&parts.method, &url, status, answer.headers())?;
                continue;
            }
            return Ok((answer, at_home));
        }
        Err(ForgeError::Broken(format!("more than {REDIRECTS} redirects")))
    }
}

/// What a status other than 2xx means, of GitLab's own or of the store that it points to.
fn refused_at(status: StatusCode, headers: &HeaderMap, body: &[u8], at_home: bool) -> ForgeError {
    match refusal(status, headers, body) {
        // It was not even sent there.
        ForgeError::BadToken if !at_home => {
            ForgeError::Refused(String::from("the store that it points to does not let it in"))
        }
        refusal => refusal,
    }
}

impl RestClient for Client {
    type Error = Failure;

    fn rest_endpoint(&self, endpoint: &str) -> Result<Url, ApiError<Failure>> {
        self.address(endpoint)
            .map_err(|error| ApiError::client(Failure(error)))
    }
}

#[async_trait]
impl AsyncClient for Client {
    async fn rest_async(
        &self,
        request: http::request::Builder,
        body: Vec<u8>,
    ) -> Result<Response<Bytes>, ApiError<Failure>> {
        self.send(request, body, &[])
            .await
            .map_err(|error| ApiError::client(Failure(error)))
    }
}

/// What the `gitlab` crate says, in the words of the port.
pub fn from_api(error: ApiError<Failure>) -> ForgeError {
    match error {
        ApiError::Client { source } => source.0,
        // Everything below is an answer of 2xx that cannot be read; the texts of other systems stay out of it.
        ApiError::GitlabService { .. } => ForgeError::Broken(String::from("an answer that is not JSON")),
        ApiError::DataType { .. } | ApiError::Json { .. } => {
            ForgeError::Broken(String::from("an answer of another shape than documented"))
        }
        other => ForgeError::Broken(short(&other.to_string())),
    }
}

pub fn elsewhere(
    method: &Method,
    url: &Url,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Url, ForgeError> {
    let target = headers
        .get(header::LOCATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|location| url.join(location).ok())
        .ok_or_else(|| ForgeError::Broken(format!("HTTP {status} without an address")))?;
    if *method != Method::GET {
        let host = target.host_str().unwrap_or_default();
        return Err(ForgeError::Refused(format!(
            "it has moved to {}://{host}; change the address of the connection",
            target.scheme()
        )));
    }
    Ok(target)
}

/// The body of an answer, of at most `most` bytes.
pub async fn whole(mut answer: reqwest::Response, most: usize) -> Result<Bytes, ForgeError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| unreachable(&error))? {
        if body.len() + chunk.len() > most {
            return Err(ForgeError::Refused(format!(
                "the answer is larger than {} MiB",
                most / 1024 / 1024
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Why there was no answer. Never the URL: its query could hold what is not for everyone.
pub fn unreachable(error: &reqwest::Error) -> ForgeError {
    if let Some(out) = slipway_guard::behind(error) {
        return out_of_bounds(out);
    }
    let what = if error.is_timeout() {
        "it took too long"
    } else if error.is_connect() {
        "the connection was refused"
    } else if error.is_body() || error.is_decode() {
        "the answer was cut"
    } else {
        "the connection was lost"
    };
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    let detail = cause.map(|c| format!(" ({c})")).unwrap_or_default();
    ForgeError::Unreachable(format!("{what}{detail}"))
}

/// What a guard said, in the words of the port.
pub const fn out_of_bounds(out: OutOfBounds) -> ForgeError {
    ForgeError::OutOfBounds(out.0)
}

/// What a status other than 2xx means.
pub fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> ForgeError {
    let said = || message(status, body);
    match status.as_u16() {
        401 => ForgeError::BadToken,
        403 => ForgeError::Forbidden(said()),
        404 => ForgeError::NotFound(said()),
        408 => ForgeError::Unreachable(said()),
        429 => ForgeError::Limited {
            retry_after: retry_after(headers),
        },
        500..=599 => ForgeError::Broken(said()),
        _ => ForgeError::Refused(said()),
    }
}

fn retry_after(headers: &HeaderMap) -> u64 {
    headers
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok())
        .unwrap_or(WAIT)
        .clamp(1, LONGEST_WAIT)
}

/// What GitLab says in the body of a refusal: `message` or `error`, a text, a list or texts by field.
pub fn message(status: StatusCode, body: &[u8]) -> String {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(body) else {
        return format!("HTTP {}", status.as_u16());
    };
    let said = value
        .get("message")
        .or_else(|| value.get("error_description"))
        .or_else(|| value.get("error"));
    let mut words = Vec::new();
    flatten(said.unwrap_or(&serde_json::Value::Null), "", &mut words);
    if words.is_empty() {
        format!("HTTP {}", status.as_u16())
    } else {
        short(&words.join("; "))
    }
}

fn flatten(value: &serde_json::Value, field: &str, words: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) if field.is_empty() || field == "base" => words.push(text.clone()),
        serde_json::Value::String(text) => words.push(format!("{field} {text}")),
        serde_json::Value::Array(items) => items.iter().for_each(|item| flatten(item, field, words)),
        serde_json::Value::Object(fields) => {
            fields.iter().for_each(|(name, item)| flatten(item, name, words));
        }
        _ => {}
    }
}

fn short(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().count() <= 300 {
        text
    } else {
        text.chars().take(299).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slipway_portal::outgoing::Outgoing;

    fn refused(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> ForgeError {
        let headers = headers
            .iter()
            .map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v)))
            .collect();
        refusal(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes())
    }

    #[test]
    fn each_status_has_its_own_meaning() {
        assert!(matches!(refused(401, &[], ""), ForgeError::BadToken));
        assert!(
            matches!(refused(403, &[], r#"{"message":"403 Forbidden"}"#), ForgeError::Forbidden(m) if m == "403 Forbidden")
        );
        assert!(
            matches!(refused(404, &[], r#"{"error":"404 Not Found"}"#), ForgeError::NotFound(m) if m == "404 Not Found")
        );
        assert!(
            matches!(refused(409, &[], r#"{"message":["one","two"]}"#), ForgeError::Refused(m) if m == "one; two")
        );
        assert!(matches!(
            refused(400, &[], r#"{"message":{"base":["no"],"ref":["is missing","is odd"]}}"#),
            ForgeError::Refused(m) if m == "no; ref is missing; ref is odd"
        ));
        assert!(
            matches!(refused(502, &[], "<html>bad gateway</html>"), ForgeError::Broken(m) if m == "HTTP 502")
        );
    }

    #[test]
    fn a_limit_says_how_long() {
        let wait = |headers: &[(&'static str, &'static str)]| match refused(429, headers, "Retry later") {
            ForgeError::Limited { retry_after } => retry_after,
            other => panic!("{other}"),
        };
        assert_eq!(wait(&[("retry-after", "7")]), 7);
        assert_eq!(wait(&[]), WAIT);
        assert_eq!(wait(&[("retry-after", "soon")]), WAIT);
        assert_eq!(wait(&[("retry-after", "99999999")]), LONGEST_WAIT);
        assert_eq!(wait(&[("retry-after", "0")]), 1);
    }

    #[test]
    fn an_address_that_is_none_is_refused_without_connecting() {
        let guard = Guard::new(Outgoing::default());
        let client = |url: &str, token: &str| {
            let access = ForgeAccess {
                base_url: url.into(),
                credential: Credential::Token(token.into()),
                operator: false,
            };
            Client::new(&access, http(Some(&guard)).unwrap(), Some(guard.clone()))
        };
        assert!(matches!(
            client("not an address", "t"),
            Err(ForgeError::Unreachable(_))
        ));
        assert!(matches!(
            client("ftp://gitlab.example.com", "t"),
            Err(ForgeError::Unreachable(_))
        ));
        assert!(matches!(
            client("https://gitlab.example.com", "a\nb"),
            Err(ForgeError::BadToken)
        ));
        let client = client("https://example.com/gitlab/", "t").unwrap();
        assert_eq!(
            client.address("projects/1").unwrap().as_str(),
            "https://example.com/gitlab/api/v4/projects/1"
        );
        assert_eq!(
            client.beside("oauth/token/info").unwrap().as_str(),
            "https://example.com/gitlab/oauth/token/info"
        );
    }
}
