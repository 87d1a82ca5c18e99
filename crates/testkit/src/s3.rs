//! An S3-compatible storage at the wire, with one bucket: it verifies every signature (AWS Signature Version 4 in the
//! query) by its own code, keeps objects in memory, and fails as it is told.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State as Shared};
use axum::response::{IntoResponse as _, Response};
use futures::stream;
use hmac::{Hmac, Mac as _};
use jiff::Timestamp;
use jiff::fmt::strtime;
use parking_lot::Mutex;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The bucket that is there.
pub const BUCKET: &str = "files";
/// The id of the access key.
pub const ACCESS_KEY: &str = "AKIATESTKIT";
/// Its secret.
pub const SECRET_KEY: &str = "a secret/key+of tests";
/// The region that signatures must name.
pub const REGION: &str = "eu-test-1";

/// What RFC 3986 leaves as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// What a storage does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum S3Fault {
    /// 403 `AccessDenied`.
    Denied,
    /// 404 `NoSuchBucket`.
    NoBucket,
    /// 301 to another region.
    Elsewhere,
    /// 500 `InternalError`; nothing is done.
    Broken,
    /// 502 of a proxy, in HTML.
    Proxy,
    /// It does what it is asked and never answers.
    Silent,
    /// It sends half of an object and closes the connection.
    Cut,
    /// It sends half of an object as if that were the whole.
    Half,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Bytes>,
    fault: Option<(&'static str, S3Fault)>,
    calls: Vec<String>,
}

/// A storage that listens on loopback until it is dropped.
pub struct S3Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl S3Server {
    /// A storage on a free port.
    ///
    /// # Panics
    /// There is no free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State::default()));
        let router = Router::new()
            .fallback(serve)
            .layer(DefaultBodyLimit::max(64 * 1024 * 1024))
            .with_state(Arc::clone(&state));
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self { address, state, task }
    }

    /// Its endpoint.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on calls with this method fail so; with an empty method, all.
    pub fn fails(&self, method: &'static str, fault: S3Fault) {
        self.state.lock().fault = Some((method, fault));
    }

    /// From now on nothing fails.
    pub fn recovers(&self) {
        self.state.lock().fault = None;
    }

    /// The keys of its objects.
    pub fn keys(&self) -> Vec<String> {
        self.state.lock().objects.keys().cloned().collect()
    }

    /// An object.
    pub fn object(&self, key: &str) -> Option<Bytes> {
        self.state.lock().objects.get(key).cloned()
    }

    /// Loses an object.
    pub fn loses(&self, key: &str) {
        self.state.lock().objects.remove(key);
    }

    /// The calls that came with a good signature, as in `PUT key`.
    pub fn calls(&self) -> Vec<String> {
        self.state.lock().calls.clone()
    }
}

async fn serve(Shared(state): Shared<Arc<Mutex<State>>>, request: axum::extract::Request) -> Response {
    let (head, body) = request.into_parts();
    let host = head
        .headers
        .get("host")
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let (method, path) = (head.method.as_str().to_owned(), head.uri.path().to_owned());
    if let Err(code) = verified(&method, &path, head.uri.query().unwrap_or_default(), &host) {
        return refusal(403, code);
    }
    let Some(key) = path
        .strip_prefix(&format!("/{BUCKET}/"))
        .filter(|key| !key.is_empty())
    else {
        return refusal(404, "NoSuchBucket");
    };
    let key = percent_encoding::percent_decode_str(key)
        .decode_utf8_lossy()
        .into_owned();
    let Ok(content) = axum::body::to_bytes(body, usize::MAX).await else {
        return refusal(400, "IncompleteBody");
    };
    let fault = {
        let mut state = state.lock();
        state.calls.push(format!("{method} {key}"));
        state
            .fault
            .filter(|(of, _)| of.is_empty() || *of == method)
            .map(|(_, fault)| fault)
    };
    match fault {
        Some(S3Fault::Denied) => return refusal(403, "AccessDenied"),
        Some(S3Fault::NoBucket) => return refusal(404, "NoSuchBucket"),
        Some(S3Fault::Broken) => return refusal(500, "InternalError"),
        Some(S3Fault::Proxy) => {
            let page = "<html><h1>502 Bad Gateway</h1></html>";
            return (code_of(502), page).into_response();
        }
        Some(S3Fault::Elsewhere) => {
            let mut response = refusal(301, "PermanentRedirect");
            let region = axum::http::HeaderValue::from_static("ap-test-9");
            response.headers_mut().insert("x-amz-bucket-region", region);
            return response;
        }
        Some(S3Fault::Silent | S3Fault::Cut | S3Fault::Half) | None => {}
    }
    let answer = done(&state, &method, key, content, fault);
    if fault == Some(S3Fault::Silent) {
        tokio::time::sleep(Duration::from_hours(1)).await;
    }
    answer
}

fn done(state: &Mutex<State>, method: &str, key: String, content: Bytes, fault: Option<S3Fault>) -> Response {
    let mut state = state.lock();
    match method {
        "PUT" => {
            state.objects.insert(key, content);
            code_of(200).into_response()
        }
        "DELETE" => {
            state.objects.remove(&key);
            code_of(204).into_response()
        }
        "GET" => {
            let Some(content) = state.objects.get(&key).cloned() else {
                return refusal(404, "NoSuchKey");
            };
            let half = content.slice(..content.len() / 2);
            match fault {
                Some(S3Fault::Half) => half.into_response(),
                Some(S3Fault::Cut) => {
                    let pieces = [Ok(half), Err(std::io::Error::other("cut"))];
                    let length = [("content-length", content.len().to_string())];
                    (length, Body::from_stream(stream::iter(pieces))).into_response()
                }
                _ => content.into_response(),
            }
        }
        _ => refusal(405, "MethodNotAllowed"),
    }
}

fn code_of(status: u16) -> axum::http::StatusCode {
    axum::http::StatusCode::from_u16(status).unwrap_or_default()
}

fn refusal(status: u16, code: &str) -> Response {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>a message</Message>\
         <RequestId>4442587FB7D0A2F9</RequestId></Error>"
    );
    (code_of(status), [("content-type", "application/xml")], body).into_response()
}

/// Verifies a call that is signed in its query, by the Amazon S3 REST API, "Authenticating Requests: Using Query
/// Parameters". The code of the refusal otherwise.
fn verified(method: &str, path: &str, query: &str, host: &str) -> Result<(), &'static str> {
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let value = |wanted: &str| {
        pairs
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.as_str())
    };
    if value("X-Amz-Algorithm") != Some("AWS4-HMAC-SHA256") {
        return Err("AccessDenied");
    }
    let date = value("X-Amz-Date").ok_or("AuthorizationQueryParametersError")?;
    let day = date.get(..8).ok_or("AuthorizationQueryParametersError")?;
    let scope = format!("{day}/{REGION}/s3/aws4_request");
    let credential = value("X-Amz-Credential").ok_or("AuthorizationQueryParametersError")?;
    match credential.split_once('/') {
        Some((ACCESS_KEY, signed)) if signed == scope => {}
        Some((ACCESS_KEY, _)) => return Err("AuthorizationHeaderMalformed"),
        _ => return Err("InvalidAccessKeyId"),
    }
    let signed_at = strtime::parse("%Y%m%dT%H%M%SZ", date)
        .and_then(|parts| parts.to_datetime())
        .and_then(|at| at.in_tz("UTC"))
        .map_err(|_| "AuthorizationQueryParametersError")?
        .timestamp();
    let age = Timestamp::now().as_second() - signed_at.as_second();
    let lasts: i64 = value("X-Amz-Expires")
        .and_then(|seconds| seconds.parse().ok())
        .ok_or("AuthorizationQueryParametersError")?;
    if age < -900 || age > lasts {
        return Err("RequestTimeTooSkewed");
    }
    if value("X-Amz-SignedHeaders") != Some("host") {
        return Err("AccessDenied");
    }
    let encode = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
    let mut signed: Vec<String> = pairs
        .iter()
        .filter(|(name, _)| name != "X-Amz-Signature")
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    signed.sort();
    let canonical = format!(
        "{method}\n{path}\n{}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD",
        signed.join("&")
    );
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{date}\n{scope}\n{}",
        hex::encode(Sha256::digest(canonical))
    );
    let key = [day, REGION, "s3", "aws4_request"]
        .into_iter()
        .fold(format!("AWS4{SECRET_KEY}").into_bytes(), |key, part| {
            keyed(&key, part)
        });
    let wanted = hex::encode(keyed(&key, &to_sign));
    if value("X-Amz-Signature") == Some(&wanted) {
        Ok(())
    } else {
        Err("SignatureDoesNotMatch")
    }
}

fn keyed(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length is taken");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_derived_as_the_documentation_has_it() {
        // The example of "Examples of how to derive a signing key for Signature Version 4".
        let key = ["20120215", "us-east-1", "iam", "aws4_request"].into_iter().fold(
            b"AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_vec(),
            |key, part| keyed(&key, part),
        );
        assert_eq!(
            hex::encode(key),
            "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d"
        );
    }
}
