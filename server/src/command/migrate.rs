//! `slipway migrate`

use super::ConfigFile;
use crate::outside;
use std::process::ExitCode;

pub(super) async fn run(file: &ConfigFile) -> anyhow::Result<ExitCode> {
    let config = file.load()?;
    outside::database(&config.database).await?;
    println!("{} is up to date.", config.database.shown());
    Ok(ExitCode::SUCCESS)
}
