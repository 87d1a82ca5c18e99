//! `[server]`: where Slipway listens and how people reach it.

use super::{Problem, Secret};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;
use url::Url;

/// `[server]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// The address and port to listen on.
    pub listen: String,
    /// The URL that people and GitLab use. Where it is not set: `http://` and the address above.
    pub public_url: Option<String>,
    /// Whether a proxy stands in front, whose last `X-Forwarded-For` entry names the client.
    pub behind_proxy: bool,
    /// The folder of the built pages; found beside the program where it is not set.
    pub site: Option<PathBuf>,
    /// Who reads `/metrics` must send this as a bearer token; open where it is not set.
    pub metrics_token: Option<Secret>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: String::from("127.0.0.1:3000"),
            public_url: None,
            behind_proxy: false,
            site: None,
            metrics_token: None,
        }
    }
}

impl Server {
    /// The address to listen on.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listen.parse().ok()
    }

    /// The public URL, without a slash at the end.
    pub fn url(&self) -> String {
        let url = self
            .public_url
            .clone()
            .unwrap_or_else(|| format!("http://{}", self.listen));
        url.trim_end_matches('/').to_owned()
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.address().is_none() {
            let what = format!(
                "`{}` is not an address and a port; write for example 127.0.0.1:3000",
                self.listen
            );
            problems.push(Problem::new("server.listen", what));
        } else if !Url::parse(&self.url()).is_ok_and(|url| usable(&url)) {
            let what = format!(
                "`{}` is not a URL without a path; write for example https://slipway.example.com",
                self.url()
            );
            problems.push(Problem::new("server.public_url", what));
        }
        problems
    }
}

/// Cookies and links want the root of a host.
fn usable(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host() && url.path() == "/" && url.query().is_none()
}
