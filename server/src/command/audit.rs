//! `slipway audit`

use super::ConfigFile;
use crate::outside;
use slipway_portal::ports::Store as _;
use std::process::ExitCode;

/// What to do with the audit log.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Walk the chain of every organization and of the server itself, and name the first broken row
    Verify(ConfigFile),
}

pub(super) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let Command::Verify(file) = command;
    let store = outside::database(&file.load()?.database).await?;
    let mut tx = store.read().await?;
    let mut whole = true;
    let mut tell = |chain: &str, broken: Option<i64>| match broken {
        None => println!("{chain}: the chain is whole"),
        Some(row) => {
            whole = false;
            println!("{chain}: row {row} was changed, or a row before it is gone");
        }
    };
    for (org, slug) in tx.audited_orgs().await? {
        tell(&slug, tx.verify_audit(org).await?);
    }
    // No organization's slug has a space in it.
    tell("the server", tx.verify_server_audit().await?);
    Ok(if whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
