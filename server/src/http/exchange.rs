//! Calls to providers of sign-in, over one HTTP client of our own.

use anyhow::ensure;
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use serde::de::DeserializeOwned;
use std::pin::Pin;
use std::time::Duration;

/// The largest answer that is read, in bytes.
const ANSWER_MAX: usize = 1024 * 1024;

/// A client that follows no redirect: one of the token endpoint would carry the code elsewhere.
///
/// # Errors
/// The system has no usable TLS.
pub fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(10))
        .build()
}

/// Carries requests of `oauth2` over that client.
pub struct Exchange(pub reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Exchange {
    type Error = Trouble;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Trouble>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let mut answer = self.0.execute(request.try_into()?).await?;
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
    /// Too much of one.
    #[error("the provider's answer is larger than 1 MiB")]
    Large,
}

async fn body(mut answer: reqwest::Response) -> Result<Vec<u8>, Trouble> {
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
