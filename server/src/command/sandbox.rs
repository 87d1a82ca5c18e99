//! `slipway sandbox`

use crate::config::Log;
use crate::{running, telemetry};
use anyhow::Context as _;
use slipway_sandbox::{Sandbox, SandboxConfig, Speed};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// Where the sandbox keeps its things and listens.
#[derive(clap::Args)]
pub struct Options {
    /// Where repositories, logs and clusters are kept
    #[arg(long, value_name = "DIR", default_value = "slipway-sandbox")]
    data: PathBuf,
    /// The address of its GitLab; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    gitlab: SocketAddr,
    /// The address of its Kubernetes; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    kubernetes: SocketAddr,
    /// Where to write the kubeconfig; in the data folder where it is not given
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

/// The line that says that the sandbox is ready.
#[derive(serde::Serialize)]
struct Ready<'a> {
    gitlab_url: String,
    gitlab_token: &'a str,
    kubernetes_url: String,
    kubeconfig: &'a std::path::Path,
}

pub(super) async fn run(options: Options) -> anyhow::Result<ExitCode> {
    telemetry::log(&Log::default());
    let mut told = running::until_told();
    let sandbox = Sandbox::start(SandboxConfig {
        kubeconfig: options
            .kubeconfig
            .unwrap_or_else(|| options.data.join("kubeconfig")),
        data: options.data,
        gitlab: options.gitlab,
        kubernetes: vec![(String::from("sandbox"), options.kubernetes)],
        speed: Speed::Real,
    })
    .await?;
    sandbox.gitlab().seed_samples(&[])?;
    let kubeconfig = sandbox
        .kubeconfig()
        .canonicalize()
        .context("the kubeconfig was not written")?;
    let ready = Ready {
        gitlab_url: sandbox.gitlab_url(),
        gitlab_token: sandbox.gitlab_token(),
        kubernetes_url: sandbox.kubernetes_urls().into_iter().next().unwrap_or_default(),
        kubeconfig: &kubeconfig,
    };
    println!("{}", serde_json::to_string(&ready)?);
    let _ = told.wait_for(|stop| *stop).await;
    sandbox.shutdown().await;
    Ok(ExitCode::SUCCESS)
}
