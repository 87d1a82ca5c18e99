//! A server that runs: listener, workers, live streams, and their orderly end.

use crate::config::SignIn;
use crate::http::api::limit::Limits;
use crate::http::live::Streams;
use crate::http::provider::Providers;
use crate::http::rendered::Rendered;
use crate::http::session::Sessions;
use crate::http::{Edge, EdgeParts, listen, pages_in, router};
use crate::telemetry;
use anyhow::Context as _;
use slipway_app::SignInOptions;
use slipway_portal::jobs::{self, Job};
use slipway_portal::{Portal, Result};
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What a server is started with.
pub struct Plan {
    /// The use cases.
    pub portal: Portal,
    /// The folder of the built pages.
    pub site: PathBuf,
    /// Session limits and whether local accounts sign in.
    pub sign_in: SignIn,
    /// What the sign-in page offers.
    pub ways: SignInOptions,
    /// The providers that people sign in with.
    pub providers: Providers,
    /// Whether a proxy stands in front.
    pub behind_proxy: bool,
    /// Who reads metrics must send this.
    pub metrics_token: Option<String>,
}

/// The edge of `plan`, which ends its streams when `stop` becomes true.
pub fn edge(plan: Plan, stop: watch::Receiver<bool>) -> Edge {
    let https = plan.portal.public_url.starts_with("https:");
    let sessions = Sessions::new(
        plan.portal.clone(),
        https,
        plan.sign_in.idle_minutes,
        plan.sign_in.session_hours,
    );
    Edge::new(EdgeParts {
        pages: pages_in(&plan.site),
        portal: plan.portal,
        sessions,
        ways: SignInOptions {
            local: plan.sign_in.local,
            ..plan.ways
        },
        local_accounts: plan.sign_in.local,
        providers: plan.providers,
        behind_proxy: plan.behind_proxy,
        metrics: telemetry::metrics(),
        metrics_token: plan.metrics_token,
        limits: Limits::default(),
        rendered: Rendered::default(),
        streams: Streams::default(),
        stop,
    })
}

/// Binds the address to listen on.
///
/// # Errors
/// The address is taken or not this machine's; says what to do.
pub async fn bind(address: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; is it in use? Choose another one with {key}"))
}

/// Serves until `stop` becomes true, and ends workers after the last request.
pub async fn serve(plan: Plan, listener: TcpListener, stop: watch::Receiver<bool>) -> Result<()> {
    begin_upkeep(&plan.portal).await?;
    let worker = work(plan.portal.clone(), stop.clone());
    let watches = tokio::spawn(slipway_portal::watch::work(plan.portal.clone(), stop.clone()));
    let notifier = std::sync::Arc::clone(&plan.portal.notifier);
    let edge = edge(plan, stop.clone());
    let upkeep = edge.metrics.clone().map(|handle| {
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(std::time::Duration::from_secs(5)).await;
                handle.run_upkeep();
            }
        })
    });
    listen::serve(listener, router(edge), stop).await;
    let _ = worker.await;
    let _ = watches.await;
    notifier.flush().await;
    if let Some(upkeep) = upkeep {
        upkeep.abort();
    }
    Ok(())
}

fn work(portal: Portal, stop: watch::Receiver<bool>) -> JoinHandle<()> {
    let owner = format!(
        "{}-{}",
        std::process::id(),
        hex::encode(rand::random::<[u8; 4]>())
    );
    tokio::spawn(jobs::work(portal, owner, stop))
}

/// Puts the jobs into the outbox that come again by themselves, unless they wait there.
async fn begin_upkeep(portal: &Portal) -> Result<()> {
    let ctx = portal.system("start");
    let mut change = ctx.change().await?;
    change.bookkeeping();
    change
        .enqueue(&Job::SweepSessions, ctx.now(), Some("sweep_sessions"))
        .await?;
    change
        .enqueue(&Job::SweepNotices, ctx.now(), Some("sweep_notices"))
        .await?;
    change
        .enqueue(&Job::RemindDue, ctx.now(), Some("remind_due"))
        .await?;
    change
        .enqueue(&Job::SweepDigests, ctx.now(), Some("sweep_digests"))
        .await?;
    change
        .enqueue(&Job::SweepShelf, ctx.now(), Some(slipway_portal::shelf::JOB))
        .await?;
    change
        .enqueue(&Job::SweepMessages, ctx.now(), Some("sweep_messages"))
        .await?;
    change.commit().await
}

/// Becomes true at SIGTERM or Ctrl-C; a second one ends the process at once.
pub fn until_told() -> watch::Receiver<bool> {
    let (stop, told) = watch::channel(false);
    tokio::spawn(async move {
        signal().await;
        tracing::info!("stopping: finishing what is under way");
        let _ = stop.send(true);
        signal().await;
        std::process::exit(130);
    });
    told
}

async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
