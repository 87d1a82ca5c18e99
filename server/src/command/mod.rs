//! What the program can do: one file per command.

mod audit;
pub mod check;
mod demo;
mod migrate;
mod pipeline;
mod sandbox;
mod secrets;
mod serve;
mod user;

use crate::config::Config;
use std::path::PathBuf;
use std::process::ExitCode;

/// The configuration to read.
#[derive(clap::Args)]
pub struct ConfigFile {
    /// The configuration file; without it slipway.toml, if it is there
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl ConfigFile {
    fn load(&self) -> anyhow::Result<Config> {
        Ok(Config::load(self.config.as_deref())?)
    }
}

/// The commands.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Serve Slipway
    Serve(ConfigFile),
    /// Serve a seeded Slipway with its own GitLab and Kubernetes, to try
    Demo(demo::Options),
    /// Bring the database up to date
    Migrate(ConfigFile),
    /// Test the configuration and every connection in it
    CheckConfig(ConfigFile),
    /// People
    #[command(subcommand)]
    User(user::Command),
    /// Serve only the demo's GitLab and Kubernetes
    Sandbox(sandbox::Options),
    /// Secrets at rest
    #[command(subcommand)]
    Secrets(secrets::Command),
    /// Read, check, change and make pipelines; needs no server
    Pipeline(pipeline::Options),
    /// The audit log
    #[command(subcommand)]
    Audit(audit::Command),
}

impl Command {
    /// Runs the command to its end.
    ///
    /// # Errors
    /// What went wrong and what to do, for the terminal.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Serve(file) => serve::run(&file).await,
            Self::Demo(options) => demo::run(options).await,
            Self::Migrate(file) => migrate::run(&file).await,
            Self::CheckConfig(file) => check::run(&file).await,
            Self::User(command) => user::run(command).await,
            Self::Sandbox(options) => sandbox::run(options).await,
            Self::Secrets(command) => secrets::run(command).await,
            Self::Pipeline(options) => pipeline::run(&options),
            Self::Audit(command) => audit::run(command).await,
        }
    }
}
