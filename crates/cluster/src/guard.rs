//! Keeps kubeconfigs that people typed in bounds: every address is asked about when it is connected to.

use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioExecutor;
use kube::Config;
use kube::client::{Body, ClientBuilder, ConfigExt as _, DynBody};
use slipway_portal::outgoing::{OutOfBounds, Outgoing};
use slipway_portal::ports::ClusterError;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use tower::util::BoxService;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt as _};

use crate::{CONNECT_TIMEOUT, refusal};

/// A service that talks to the API server.
type Talk = BoxService<http::Request<Body>, http::Response<Box<DynBody>>, BoxError>;

/// Resolves names, and refuses those that lead out of bounds.
#[derive(Clone)]
struct Guard(Outgoing);

impl Service<Name> for Guard {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let outgoing = self.0.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(outgoing.pass_all(found, SocketAddr::ip)?.into_iter())
        })
    }
}

/// What the guard said when a name was resolved, if that is why there was no answer.
pub fn found(error: &(dyn std::error::Error + 'static)) -> Option<ClusterError> {
    let mut cause = Some(error);
    while let Some(deeper) = cause {
        if let Some(out) = deeper.downcast_ref::<OutOfBounds>() {
            return Some(refused(out.0));
        }
        cause = deeper.source();
    }
    None
}

/// What to say of a server that is out of bounds.
fn refused(address: IpAddr) -> ClusterError {
    ClusterError::Forbidden(format!(
        "the server of the kubeconfig leads to {address}: Slipway's own machine, its network link or a metadata service; \
         the server's operator can allow it (outgoing.allow)"
    ))
}

/// The host of the server, without the brackets of an IPv6 address.
fn host(config: &Config) -> &str {
    config
        .cluster_url
        .host()
        .unwrap_or_default()
        .trim_start_matches('[')
        .trim_end_matches(']')
}

/// Refuses a server that is an address out of bounds: addresses are not resolved, so nobody else asks.
fn literal(config: &Config, outgoing: &Outgoing) -> Result<(), ClusterError> {
    match host(config).parse::<IpAddr>() {
        Ok(address) => outgoing.pass(address).map_err(|error| refused(error.0)),
        Err(_) => Ok(()),
    }
}

/// Whether the server leads out of bounds as names resolve now. A name that does not resolve leads nowhere.
pub async fn admits(config: &Config, outgoing: &Outgoing) -> Result<(), ClusterError> {
    literal(config, outgoing)?;
    let Ok(found) = tokio::net::lookup_host((host(config), 0)).await else {
        return Ok(());
    };
    outgoing
        .pass_all(found.collect(), SocketAddr::ip)
        .map(drop)
        .map_err(|error| refused(error.0))
}

/// A client's builder whose connections stay in bounds.
pub fn builder(config: &Config, outgoing: &Outgoing) -> Result<ClientBuilder<Talk>, ClusterError> {
    literal(config, outgoing)?;
    let mut connector = HttpConnector::new_with_resolver(Guard(outgoing.clone()));
    connector.enforce_http(false);
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let broken = |error: kube::Error| refusal::translate(&error);
    let connector = config
        .rustls_https_connector_with_connector(connector)
        .map_err(broken)?;
    let client: Client<_, Body> = Client::builder(TokioExecutor::new()).build(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer().map_err(broken)?)
        .layer(config.extra_headers_layer().map_err(broken)?)
        .map_err(BoxError::from)
        .service(client)
        .map_response(|response: http::Response<hyper::body::Incoming>| {
            response.map(|body| Box::new(body.map_err(BoxError::from)) as Box<DynBody>)
        })
        .boxed();
    Ok(ClientBuilder::new(service, config.default_namespace.clone()))
}
