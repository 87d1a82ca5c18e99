//! `cargo xtask demo`: from a clone to a page.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Result, anyhow};

use crate::build::{self, Profile};
use crate::pages::Size;
use crate::setup::{self, Scope};
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub struct Options {
    /// Passed on to `slipway demo`, for example `--reset` or `--port 8080`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<String>,
}

pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    setup::install(workspace, Scope::Demo)?;
    let binary = build::everything(workspace, (Profile::Dev, Size::Small), false)?;
    let mut command = Command::new(&binary);
    command
        .current_dir(&workspace.root)
        .arg("demo")
        .args(&options.arguments);
    site_settings(workspace, &mut command);
    // Takes this process's place, so that Ctrl-C and signals reach the server itself.
    Err(anyhow!(
        "could not start {}: {}",
        binary.display(),
        command.exec()
    ))
}

/// Where the server finds the built pages, in the variables that Leptos reads.
pub fn site_settings(workspace: &Workspace, command: &mut Command) {
    command
        .env("LEPTOS_OUTPUT_NAME", "slipway")
        .env("LEPTOS_SITE_ROOT", workspace.site())
        .env("LEPTOS_SITE_PKG_DIR", "pkg");
}
