//! `slipway secrets`

use super::ConfigFile;
use crate::outside::{self, Told};
use slipway_domain::text::Locale;
use slipway_portal::{Actor, Via};
use std::process::ExitCode;

/// What to do with the secrets at rest.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Seal every secret anew with the current key, so that the ones before it can go
    Rotate(ConfigFile),
}

pub(super) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let Command::Rotate(file) = command;
    let config = file.load()?;
    let store = outside::database(&config.database).await?;
    let sealer = outside::sealer(&config.secrets);
    let portal = outside::portal(
        store,
        sealer,
        config.outgoing.rule(),
        Told::default(),
        config.server.url(),
    )
    .await?;
    let ctx = portal.ctx(Actor::System, Via::Cli, "secrets-rotate", Locale::En);
    let rotation = slipway_portal::secret::rotate(&ctx).await?;
    println!(
        "{} sealed anew, {} had the current key already.",
        rotation.renewed, rotation.current
    );
    if rotation.broken.is_empty() {
        println!("secrets.previous_keys can go.");
        return Ok(ExitCode::SUCCESS);
    }
    for broken in &rotation.broken {
        println!("{broken}");
    }
    println!("Keep secrets.previous_keys until these open, or enter them anew.");
    Ok(ExitCode::FAILURE)
}
