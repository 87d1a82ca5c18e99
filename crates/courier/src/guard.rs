//! Keeps webhooks in bounds: every address is asked about when it is connected to.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use slipway_portal::outgoing::{OutOfBounds, Outgoing};
use slipway_portal::ports::CourierError;
use std::net::{IpAddr, SocketAddr};
use url::{Host, Url};

/// Resolves names, and refuses those that lead out of bounds.
#[derive(Clone)]
pub(crate) struct Guard(pub(crate) Outgoing);

impl Guard {
    /// Whether a URL's host is an address that is out of bounds: addresses are not resolved, so nobody else asks.
    pub(crate) fn literal(&self, url: &Url) -> Result<(), CourierError> {
        let address = match url.host() {
            Some(Host::Ipv4(v4)) => IpAddr::V4(v4),
            Some(Host::Ipv6(v6)) => IpAddr::V6(v6),
            _ => return Ok(()),
        };
        self.0.pass(address).map_err(refused)
    }

    /// Whether a URL leads out of bounds as names resolve now. A name that does not resolve leads nowhere.
    pub(crate) async fn admits(&self, url: &Url) -> Result<(), CourierError> {
        self.literal(url)?;
        let (Some(Host::Domain(name)), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Ok(());
        };
        let Ok(found) = tokio::net::lookup_host((name, port)).await else {
            return Ok(());
        };
        self.0
            .pass_all(found.collect(), SocketAddr::ip)
            .map(drop)
            .map_err(refused)
    }
}

fn refused(error: OutOfBounds) -> CourierError {
    CourierError::OutOfBounds(error.0)
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
