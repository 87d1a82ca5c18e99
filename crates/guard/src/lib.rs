//! Keeps HTTP connections that people typed in bounds: every address is asked about when it is connected to.

use reqwest::ClientBuilder;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use slipway_portal::outgoing::{OutOfBounds, Outgoing};
use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use url::{Host, Url};

/// Resolves names, and refuses those that lead out of bounds.
#[derive(Clone)]
pub struct Guard(Outgoing);

impl Guard {
    /// A guard of these bounds.
    pub const fn new(outgoing: Outgoing) -> Self {
        Self(outgoing)
    }

    /// A client that this guard keeps: it asks about every name's addresses, and no proxy connects in its place, where
    /// nobody would ask. Addresses are not resolved: see [`literal`](Self::literal).
    pub fn keep(&self, client: ClientBuilder) -> ClientBuilder {
        client.dns_resolver(Arc::new(self.clone())).no_proxy()
    }

    /// Lets a URL pass whose host is a name, or an address in bounds. To be asked before every request, also of where an
    /// answer points: an address is not resolved, so nobody else asks.
    ///
    /// # Errors
    /// The address is out of bounds.
    pub fn literal(&self, url: &Url) -> Result<(), OutOfBounds> {
        let address = match url.host() {
            Some(Host::Ipv4(v4)) => IpAddr::V4(v4),
            Some(Host::Ipv6(v6)) => IpAddr::V6(v6),
            _ => return Ok(()),
        };
        self.0.pass(address)
    }

    /// Lets a URL pass that leads nowhere out of bounds, as names resolve now. A name that does not resolve leads
    /// nowhere.
    ///
    /// # Errors
    /// One of the addresses is out of bounds.
    pub async fn admits(&self, url: &Url) -> Result<(), OutOfBounds> {
        self.literal(url)?;
        let (Some(Host::Domain(name)), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Ok(());
        };
        let Ok(found) = tokio::net::lookup_host((name, port)).await else {
            return Ok(());
        };
        self.0.pass_all(found.collect(), SocketAddr::ip).map(drop)
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let outgoing = self.0.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let found = outgoing.pass_all(found, SocketAddr::ip)?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// What a guard said, if that is why a request failed.
pub fn behind(error: &reqwest::Error) -> Option<OutOfBounds> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<OutOfBounds>() {
            return Some(*found);
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[tokio::test]
    async fn a_name_or_an_address_of_this_machine_does_not_pass() {
        let guard = Guard::new(Outgoing::default());
        for inside in [
            "http://127.0.0.1:1/",
            "https://[::1]/",
            "http://169.254.169.254/latest",
        ] {
            assert!(guard.literal(&url(inside)).is_err(), "{inside}");
            assert!(guard.admits(&url(inside)).await.is_err(), "{inside}");
        }
        assert!(
            guard.literal(&url("http://localhost:1/")).is_ok(),
            "names are asked about later"
        );
        assert!(guard.admits(&url("http://localhost:1/")).await.is_err());
        assert!(guard.admits(&url("http://10.0.0.1/")).await.is_ok());
        let allowed = Guard::new(Outgoing::with_loopback());
        assert!(allowed.admits(&url("http://localhost:1/")).await.is_ok());
    }

    #[tokio::test]
    async fn a_kept_client_says_what_was_out_of_bounds() {
        let guard = Guard::new(Outgoing::default());
        let client = guard.keep(reqwest::Client::builder()).build().unwrap();
        let error = client.get("http://localhost:1/").send().await.unwrap_err();
        assert!(behind(&error).is_some_and(|out| out.0.is_loopback()), "{error:?}");
    }
}
