//! The `Shelf` port over S3-compatible storage: `rusty-s3` signs (AWS Signature Version 4, in the query), `reqwest` sends.
//!
//! The storage is the operator's, so its address is not asked about. No error holds an address: it carries a signature.

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use reqwest::header::LOCATION;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, StatusCode};
use rusty_s3::{Bucket, BucketError, Credentials, S3Action as _, UrlStyle};
use slipway_portal::ports::{Held, Shelf, ShelfError};
use std::time::Duration;
use url::Url;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an upload or a deletion may take, and the silence of a download.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a signature counts: the clocks of two machines may differ by as much.
const SIGNED_FOR: Duration = Duration::from_mins(15);
/// How much of a refusal is read, in bytes.
const REFUSAL_MAX: usize = 8 * 1024;

/// Where a bucket is, and by which key it is used.
#[derive(Clone, Debug)]
pub struct Place {
    /// The endpoint, as in `https://s3.eu-central-1.amazonaws.com`.
    pub endpoint: Url,
    /// Its region, as the signature names it.
    pub region: String,
    /// The bucket's name.
    pub bucket: String,
    /// What stands before every key; empty, or ending in `/`.
    pub prefix: String,
    /// Whether the bucket is a part of the path, not of the host.
    pub path_style: bool,
    /// The id of the access key.
    pub access_key: String,
}

/// A bucket of an S3-compatible storage.
pub struct S3Shelf {
    bucket: Bucket,
    credentials: Credentials,
    prefix: String,
    http: Client,
    patience: Duration,
}

impl S3Shelf {
    /// The bucket at `place`, used by the secret of its access key.
    ///
    /// # Errors
    /// The endpoint and the name make no address, or the system has no usable TLS; says which.
    pub fn new(place: Place, secret_key: &str) -> Result<Self, String> {
        Self::waiting(place, secret_key, PATIENCE)
    }

    /// As [`new`](Self::new), waiting so long for an answer: for tests.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn waiting(place: Place, secret_key: &str, patience: Duration) -> Result<Self, String> {
        let style = if place.path_style {
            UrlStyle::Path
        } else {
            UrlStyle::VirtualHost
        };
        let bucket =
            Bucket::new(place.endpoint, style, place.bucket, place.region).map_err(|error| match error {
                BucketError::UnsupportedScheme => String::from("the endpoint is neither http nor https"),
                BucketError::MissingHost => String::from("the endpoint has no host"),
                BucketError::ParseError(error) => format!(
                    "the bucket cannot be a part of the endpoint's host ({error}); set path_style = true"
                ),
            })?;
        let http = Client::builder()
            .connect_timeout(CONNECT.min(patience))
            .read_timeout(patience)
            .redirect(Policy::none())
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            bucket,
            credentials: Credentials::new(place.access_key, secret_key),
            prefix: place.prefix,
            http,
            patience,
        })
    }

    /// The key in the bucket. A key that a path would lead away from is none.
    fn key(&self, key: &str) -> Result<String, ShelfError> {
        let whole = format!("{}{key}", self.prefix);
        let led_away = whole.is_empty()
            || whole
                .split('/')
                .any(|part| part.is_empty() || part == "." || part == "..");
        if led_away {
            return Err(ShelfError::NoObject);
        }
        Ok(whole)
    }

    /// Sends a call, and answers what it answered where that is a success.
    async fn call(&self, method: Method, url: Url, body: Option<Bytes>) -> Result<Response, ShelfError> {
        let mut call = self.http.request(method, url);
        if let Some(body) = body {
            call = call.body(body);
        }
        let answered = tokio::time::timeout(self.patience, call.send()).await;
        let answer = answered
            .map_err(|_| ShelfError::TimedOut)?
            .map_err(|error| lost(&error))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(refused(answer).await)
    }
}

#[async_trait]
impl Shelf for S3Shelf {
    async fn put(&self, key: &str, content: Bytes) -> Result<(), ShelfError> {
        let key = self.key(key)?;
        let url = self
            .bucket
            .put_object(Some(&self.credentials), &key)
            .sign(SIGNED_FOR);
        self.call(Method::PUT, url, Some(content)).await.map(drop)
    }

    async fn get(&self, key: &str) -> Result<Held, ShelfError> {
        let key = self.key(key)?;
        let url = self
            .bucket
            .get_object(Some(&self.credentials), &key)
            .sign(SIGNED_FOR);
        let answer = self.call(Method::GET, url, None).await?;
        Ok(Held {
            size: answer.content_length(),
            pieces: stream::unfold(Some(answer), |answer| async move {
                let mut answer = answer?;
                match answer.chunk().await {
                    Ok(Some(piece)) => Some((Ok(piece), Some(answer))),
                    Ok(None) => None,
                    Err(error) => Some((Err(lost(&error)), None)),
                }
            })
            .boxed(),
        })
    }

    async fn delete(&self, key: &str) -> Result<(), ShelfError> {
        let key = self.key(key)?;
        let url = self
            .bucket
            .delete_object(Some(&self.credentials), &key)
            .sign(SIGNED_FOR);
        match self.call(Method::DELETE, url, None).await {
            Ok(_) | Err(ShelfError::NoObject) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// What a refusal means. Its body is XML with a `Code`, or nothing.
async fn refused(mut answer: Response) -> ShelfError {
    let status = answer.status();
    let leads = answer
        .headers()
        .get("x-amz-bucket-region")
        .or_else(|| answer.headers().get(LOCATION).filter(|_| status.is_redirection()))
        .and_then(|value| value.to_str().ok())
        .map(plain);
    let mut body = Vec::new();
    while body.len() < REFUSAL_MAX {
        match answer.chunk().await {
            Ok(Some(piece)) => body.extend_from_slice(&piece),
            Ok(None) | Err(_) => break,
        }
    }
    let code = code(&String::from_utf8_lossy(&body));
    match (status, code.as_str()) {
        (_, "NoSuchBucket") => ShelfError::NoBucket,
        (_, "AuthorizationHeaderMalformed" | "PermanentRedirect" | "TemporaryRedirect") => {
            ShelfError::Elsewhere(leads.unwrap_or(code))
        }
        (status, _) if status.is_redirection() => ShelfError::Elsewhere(leads.unwrap_or(code)),
        (StatusCode::NOT_FOUND, "NoSuchKey" | "") => ShelfError::NoObject,
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => {
            let said = if code.is_empty() {
                status.as_u16().to_string()
            } else {
                code
            };
            ShelfError::Denied(said)
        }
        _ => ShelfError::Refused {
            status: status.as_u16(),
            code,
        },
    }
}

/// The `Code` of an error document (Amazon S3 REST API, "Error responses"); empty where there is none.
fn code(body: &str) -> String {
    body.split_once("<Code>")
        .and_then(|(_, rest)| rest.split_once("</Code>"))
        .map(|(code, _)| plain(code))
        .unwrap_or_default()
}

/// What somebody else wrote, as a word that may stand in a log: without the query of an address, where signatures stand.
fn plain(said: &str) -> String {
    let said = said.split('?').next().unwrap_or_default();
    said.chars()
        .filter(|letter| letter.is_ascii_graphic() && !"<>\"'&".contains(*letter))
        .take(120)
        .collect()
}

/// Why there was no answer. Never the address: it carries a signature.
fn lost(error: &reqwest::Error) -> ShelfError {
    if error.is_timeout() {
        return ShelfError::TimedOut;
    }
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    ShelfError::Unreachable(
        cause.map_or_else(|| String::from("the connection was lost"), ToString::to_string),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_a_refusal_is_a_word_whatever_stands_there() {
        let body =
            "<?xml version=\"1.0\"?><Error><Code>SignatureDoesNotMatch</Code><Message>x</Message></Error>";
        assert_eq!(code(body), "SignatureDoesNotMatch");
        assert_eq!(code("<Code>a\r\n<script>b</Code>"), "ascriptb");
        for none in ["", "<Code>", "</Code><Code>", "502 Bad Gateway"] {
            assert_eq!(code(none), "", "{none}");
        }
        assert_eq!(
            plain("https://s3.eu.example/x?X-Amz-Signature=abc"),
            "https://s3.eu.example/x"
        );
    }

    #[test]
    fn no_key_leads_out_of_the_bucket() {
        let place = Place {
            endpoint: "http://127.0.0.1:9000".parse().unwrap(),
            region: String::from("us-east-1"),
            bucket: String::from("files"),
            prefix: String::from("slipway/"),
            path_style: true,
            access_key: String::from("key"),
        };
        let shelf = S3Shelf::new(place, "secret").unwrap();
        for wrong in ["", "..", "a/../../b", "a//b", "./a", "a/"] {
            assert_eq!(shelf.key(wrong), Err(ShelfError::NoObject), "{wrong}");
        }
        assert_eq!(shelf.key("a/b.c"), Ok(String::from("slipway/a/b.c")));
    }
}
