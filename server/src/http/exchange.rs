//! Calls to providers of sign-in, over one HTTP client of our own.

use anyhow::ensure;
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::ClientBuilder;
use serde::de::DeserializeOwned;
use slipway_guard::{Guard, behind};
use slipway_portal::outgoing::{OutOfBounds, Outgoing};
use std::pin::Pin;
use std::time::Duration;
use url::Url;

/// The largest answer that is read, in bytes.
const ANSWER_MAX: usize = 1024 * 1024;

/// A client that follows no redirect: one of the token endpoint would carry the code elsewhere.
fn client() -> ClientBuilder {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(10))
}

/// The way to providers.
#[derive(Clone)]
pub struct Line {
    client: reqwest::Client,
    /// Asked about every address; none: it may lead anywhere.
    guard: Option<Guard>,
}

impl Line {
    /// To those of the configuration, wherever they are.
    ///
    /// # Errors
    /// The system has no usable TLS.
    pub fn anywhere() -> reqwest::Result<Self> {
        Ok(Self {
            client: client().build()?,
            guard: None,
        })
    }

    /// To those that operators typed in the browser: in bounds.
    ///
    /// # Errors
    /// As [`anywhere`](Self::anywhere).
    pub fn guarded(outgoing: Outgoing) -> reqwest::Result<Self> {
        let guard = Guard::new(outgoing);
        Ok(Self {
            client: guard.keep(client()).build()?,
            guard: Some(guard),
        })
    }

    /// Whether an address may be asked as names resolve now.
    ///
    /// # Errors
    /// It leads out of bounds.
    pub async fn admits(&self, url: &Url) -> Result<(), OutOfBounds> {
        match &self.guard {
            Some(guard) => guard.admits(url).await,
            None => Ok(()),
        }
    }

    /// Asks for `url`, as the bearer of `token` if there is one.
    ///
    /// # Errors
    /// Nobody answers, or it leads out of bounds.
    pub async fn get(&self, url: &str, token: Option<&str>) -> Result<reqwest::Response, Trouble> {
        let mut request = self.client.get(url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        self.send(request.build()?).await
    }

    async fn send(&self, request: reqwest::Request) -> Result<reqwest::Response, Trouble> {
        if let Some(guard) = &self.guard {
            guard.literal(request.url())?;
        }
        self.client
            .execute(request)
            .await
            .map_err(|error| match behind(&error) {
                Some(out) => Trouble::OutOfBounds(out),
                None => Trouble::Silent(error),
            })
    }
}

/// Carries requests of `oauth2` over that client.
pub struct Exchange(pub Line);

impl<'c> AsyncHttpClient<'c> for Exchange {
    type Error = Trouble;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Trouble>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let mut answer = self.0.send(request.try_into()?).await?;
            let mut response = HttpResponse::new(Vec::new());
            *response.status_mut() = answer.status();
            *response.headers_mut() = std::mem::take(answer.headers_mut());
            *response.body_mut() = body(answer).await?;
            Ok(response)
        })
    }
}

/// The HTTP client could not do it.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// No answer.
    #[error("the provider does not answer")]
    Silent(#[from] reqwest::Error),
    /// It may not be asked.
    #[error(transparent)]
    OutOfBounds(#[from] OutOfBounds),
    /// Too much of one.
    #[error("the provider's answer is larger than 1 MiB")]
    Large,
}

/// The whole body of an answer.
///
/// # Errors
/// It ends early, or is too large.
pub async fn body(mut answer: reqwest::Response) -> Result<Vec<u8>, Trouble> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > ANSWER_MAX {
            return Err(Trouble::Large);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The JSON of an answer.
///
/// # Errors
/// It is too large, or no such JSON.
pub async fn read_json<T: DeserializeOwned>(answer: reqwest::Response) -> anyhow::Result<T> {
    let status = answer.status();
    ensure!(status.is_success(), "the provider answers {status}");
    Ok(serde_json::from_slice(&body(answer).await?)?)
}
