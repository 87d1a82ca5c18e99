//! The demo: a folder that survives restarts, the sandbox, and what stands in a Slipway that is tried.

mod chain;
mod folder;
pub mod people;
mod places;
mod work;

pub use folder::Folder;

use anyhow::Context as _;
use slipway_portal::Portal;
use slipway_sandbox::{Sandbox, SandboxConfig, Speed};
use std::fmt::Write as _;
use std::net::SocketAddr;

/// The clusters of the sandbox: for dev, qa and uat, and for live.
pub const CLUSTERS: [&str; 2] = ["dev-cluster", "live-cluster"];

/// Starts the sandbox where it listened the last time, or on free ports where that is taken.
///
/// # Errors
/// Its files cannot be read.
pub async fn sandbox(folder: &Folder) -> anyhow::Result<Sandbox> {
    let config = |addresses: [SocketAddr; 3]| SandboxConfig {
        data: folder.path().join("sandbox"),
        gitlab: addresses[0],
        kubernetes: CLUSTERS
            .iter()
            .map(|name| (*name).to_owned())
            .zip(addresses[1..].iter().copied())
            .collect(),
        speed: Speed::Real,
        kubeconfig: folder.kubeconfig(),
    };
    let before = folder.addresses();
    let free = [SocketAddr::from(([127, 0, 0, 1], 0)); 3];
    let usable = before.filter(|addresses| addresses.iter().all(|a| std::net::TcpListener::bind(a).is_ok()));
    let sandbox = Sandbox::start(config(usable.unwrap_or(free)))
        .await
        .context("the sandbox did not start")?;
    let mut urls = vec![sandbox.gitlab_url()];
    urls.extend(sandbox.kubernetes_urls());
    folder.remember_addresses(&urls)?;
    Ok(sandbox)
}

/// Fills what is empty. Every step looks first, so that a start that was cut goes on where it ended.
///
/// # Errors
/// A use case refused, which is a bug, or the disk is full.
pub async fn seed(portal: &Portal, sandbox: &Sandbox, folder: &Folder) -> anyhow::Result<()> {
    let people = if folder.is_seeded() {
        None
    } else {
        let people = people::seed(portal, sandbox).await?;
        places::seed(portal, &people).await?;
        Some(people)
    };
    // The sandbox's addresses and tokens are those of this start.
    places::connect(portal, sandbox).await?;
    people::link(portal, sandbox).await?;
    people::operate(portal).await?;
    if let Some(people) = people {
        chain::seed(&places::owner(portal, &people)?).await?;
        work::seed(portal, &people).await?;
    }
    folder.set_seeded()
}

/// What the terminal says when everything is ready.
pub fn welcome(url: &str, sandbox: &Sandbox, folder: &std::path::Path) -> String {
    let mut text = format!(
        "\nSlipway is ready: {url}\n\nSign in as (password {}):\n",
        people::PASSWORD
    );
    for person in people::PEOPLE {
        let _ = writeln!(text, "  {:<9} {:<12} {}", person.username, person.name, person.en);
    }
    let _ = writeln!(
        text,
        "\nGitLab of the sandbox: {} (the same people, without a password)",
        sandbox.gitlab_url()
    );
    let _ = write!(
        text,
        "Data: {} (begin anew with --reset). Stop with Ctrl-C.",
        folder.display()
    );
    text
}
