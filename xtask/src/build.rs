//! Building the pages and the server, side by side, and only what changed.

use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use anyhow::{Result, anyhow};

use crate::fingerprint::{self, Stamp};
use crate::pages::{self, Size};
use crate::process;
use crate::setup::{self, Scope};
use crate::workspace::Workspace;

/// What the server is compiled from.
const SERVER_SOURCES: &[&str] = &[
    "app",
    "server/Cargo.toml",
    "server/build.rs",
    "server/src",
    "crates",
    "migrations",
    "Cargo.toml",
    "Cargo.lock",
];

#[derive(clap::Args)]
pub struct Options {
    /// Build the server with the release profile
    #[arg(long)]
    release: bool,
    /// Build only the pages
    #[arg(long, conflicts_with = "release")]
    pages: bool,
    /// Build even if nothing changed
    #[arg(long)]
    force: bool,
}

/// How the server is compiled: `Dev` is built quickly, `Release` runs quickly.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Dev,
    Release,
}

pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    setup::install(workspace, Scope::Demo)?;
    if options.pages {
        return pages::build(workspace, options.force, Size::Small).map(drop);
    }
    let profile = if options.release {
        Profile::Release
    } else {
        Profile::Dev
    };
    let binary = everything(workspace, (profile, Size::Small), options.force)?;
    println!("{}", binary.display());
    Ok(())
}

/// Builds the pages and the server. Returns the file of the program `slipway`.
pub fn everything(workspace: &Workspace, (profile, size): (Profile, Size), force: bool) -> Result<PathBuf> {
    let started = Instant::now();
    // Wasm's link-time optimization keeps one core busy for a while; the server's build fills the other.
    let (pages, server) = thread::scope(|scope| {
        let pages = scope.spawn(|| pages::build(workspace, force, size));
        let server = server(workspace, profile, force);
        (
            pages
                .join()
                .unwrap_or_else(|_| Err(anyhow!("the build of the pages panicked"))),
            server,
        )
    });
    let (binary, server_built) = server?;
    if pages? || server_built {
        println!("Built in {:.0} s", started.elapsed().as_secs_f64());
    }
    Ok(binary)
}

/// Builds the program `slipway`. Returns its file and whether anything had to be built.
fn server(workspace: &Workspace, profile: Profile, force: bool) -> Result<(PathBuf, bool)> {
    let folder = if profile == Profile::Release {
        "release"
    } else {
        "debug"
    };
    let binary = workspace.target.join(folder).join("slipway");
    let products = [binary.clone()];
    let stamp = Stamp::new(workspace.target.join(format!("slipway-{folder}.stamp")));
    let fingerprint = fingerprint::of(&workspace.root, SERVER_SOURCES)?;
    if !force && stamp.matches(fingerprint, &products) {
        return Ok((binary, false));
    }
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--package", "slipway", "--bin", "slipway", "--locked"]);
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    process::run(&mut cargo)?;
    stamp.write(fingerprint, &products)?;
    Ok((binary, true))
}
