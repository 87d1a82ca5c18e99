//! `slipway audit`

use super::ConfigFile;
use crate::outside;
use slipway_portal::ports::Store as _;
use std::process::ExitCode;

/// What to do with the audit log.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Walk the chain of every organization and name the first broken row
    Verify(ConfigFile),
}

pub(super) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let Command::Verify(file) = command;
    let store = outside::database(&file.load()?.database).await?;
    let mut tx = store.read().await?;
    let mut whole = true;
    for (org, slug) in tx.audited_orgs().await? {
        match tx.verify_audit(org).await? {
            None => println!("{slug}: the chain is whole"),
            Some(row) => {
                whole = false;
                println!("{slug}: row {row} was changed, or a row before it is gone");
            }
        }
    }
    Ok(if whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
