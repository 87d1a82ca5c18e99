//! The HTTP edge: sessions, same-origin rule, pages, server functions, REST, live updates, health.
//!
//! Every route that is not a page or a server function stands in the table of [`route`]. A request passes
//! [`observe`] (its id, its time, its end), [`headers`], [`csrf`] and [`visit`] (who asks), in this order.

pub mod api;
pub mod attachments;
pub mod connection;
pub mod cookie;
pub mod csrf;
pub mod discovery;
pub mod exchange;
pub mod flash;
pub mod gitlab_oauth;
pub mod headers;
pub mod health;
pub mod id_token;
pub mod join;
pub mod listen;
pub mod live;
pub mod local;
pub mod oauth;
pub mod observe;
pub mod oidc;
pub mod page;
pub mod preferences;
pub mod problem;
pub mod provider;
pub mod rendered;
pub mod route;
pub mod second_step;
pub mod session;
pub mod sign_in;
pub mod tokens;
pub mod visit;
pub mod webhooks;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use http_body_util::Limited;
use leptos::config::LeptosOptions;
use metrics_exporter_prometheus::PrometheusHandle;
use session::Sessions;
use slipway_app::SignInOptions;
use slipway_portal::Portal;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate as _, SizeAbove};

/// The largest body of a request, in bytes.
const BODY_MAX: usize = 2 * 1024 * 1024;

/// What the edge works with. Cheap to clone.
#[derive(Clone)]
pub struct Edge(Arc<EdgeParts>);

/// What an [`Edge`] is made of.
pub struct EdgeParts {
    /// The use cases.
    pub portal: Portal,
    /// Where the built pages are, and their names.
    pub pages: LeptosOptions,
    /// Who is signed in.
    pub sessions: Sessions,
    /// What the sign-in page offers.
    pub ways: SignInOptions,
    /// Whether local accounts sign in by password.
    pub local_accounts: bool,
    /// The providers that people sign in with.
    pub providers: provider::Providers,
    /// Whether a proxy stands in front.
    pub behind_proxy: bool,
    /// Where metrics are read.
    pub metrics: Option<PrometheusHandle>,
    /// Who reads metrics must send this.
    pub metrics_token: Option<String>,
    /// How often programs and people ask the REST API.
    pub limits: api::limit::Limits,
    /// Pages that were made a moment ago.
    pub rendered: rendered::Rendered,
    /// The open live streams.
    pub streams: live::Streams,
    /// Becomes true when the server is about to stop.
    pub stop: watch::Receiver<bool>,
}

impl Edge {
    /// An edge of `parts`.
    pub fn new(parts: EdgeParts) -> Self {
        Self(Arc::new(parts))
    }

    /// Whether people reach Slipway by https.
    pub fn is_https(&self) -> bool {
        self.portal.public_url.starts_with("https:")
    }
}

impl std::ops::Deref for Edge {
    type Target = EdgeParts;
    fn deref(&self) -> &EdgeParts {
        &self.0
    }
}

/// The names and places of the built pages in the folder `site`.
pub fn pages_in(site: &std::path::Path) -> LeptosOptions {
    let root: Arc<str> = Arc::from(site.to_string_lossy().as_ref());
    LeptosOptions::builder()
        .output_name("slipway")
        .site_root(root)
        .site_pkg_dir("pkg")
        .build()
}

/// The folder of the built pages: as configured, as the environment says, or beside the program.
pub fn find_site(configured: Option<&PathBuf>) -> PathBuf {
    if let Some(site) = configured {
        return site.clone();
    }
    if let Some(site) = std::env::var_os("LEPTOS_SITE_ROOT") {
        return PathBuf::from(site);
    }
    let program = std::env::current_exe().unwrap_or_default();
    let beside = |up: usize| {
        program
            .ancestors()
            .nth(up)
            .map(|folder| folder.join("site"))
            .filter(|site| site.is_dir())
    };
    beside(1)
        .or_else(|| beside(2))
        .unwrap_or_else(|| PathBuf::from("target/site"))
}

/// Bounds the body of a request: a file may be larger than everything else.
async fn limit_body(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let most = if attachments::is_upload(path) {
        attachments::UPLOAD_MAX
    } else {
        BODY_MAX
    };
    let declared = request.headers().get(header::CONTENT_LENGTH);
    let declared = declared.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > most) {
        return (StatusCode::PAYLOAD_TOO_LARGE, "length limit exceeded").into_response();
    }
    next.run(request.map(|body| Body::new(Limited::new(body, most))))
        .await
}

/// The router of everything.
pub fn router(edge: Edge) -> Router {
    let large_enough = DefaultPredicate::new().and(SizeAbove::new(1024));
    // Fastest: a page is compressed for every reader anew.
    let compression = CompressionLayer::new()
        .quality(tower_http::CompressionLevel::Fastest)
        .compress_when(large_enough);
    route::routes(page::routes(&edge), &edge)
        .layer(compression)
        .layer(from_fn_with_state(edge.clone(), visit::identify))
        .layer(from_fn_with_state(edge.clone(), csrf::same_origin))
        .layer(from_fn(limit_body))
        .layer(from_fn_with_state(edge.clone(), headers::secure))
        .layer(from_fn(observe::observe))
        .with_state(edge)
}
