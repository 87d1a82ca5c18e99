//! Server functions about imports of work items from a file.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::id::IntakeId;
use slipway_domain::intake::{IntakeList, IntakeView};

/// The project's imports.
#[server(name = ReadIntakes, prefix = "/api/fn", endpoint = "intake/list", input = GetUrl)]
pub async fn read_intakes(org: String, project: String) -> Result<IntakeList, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::intake::list(&ctx, &org, &project).await?)
}

/// What an import would make.
#[server(name = ReadIntake, prefix = "/api/fn", endpoint = "intake/view", input = GetUrl)]
pub async fn read_intake(org: String, project: String, import: IntakeId) -> Result<IntakeView, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::intake::view(&ctx, &org, &project, import).await?)
}

/// Says what columns and words mean; each choice is JSON as the page's selects write it.
#[server(name = ChooseIntake, prefix = "/api/fn", endpoint = "intake/choose")]
pub async fn choose_intake(
    org: String,
    project: String,
    import: IntakeId,
    version: i64,
    #[server(default)] choice: Vec<String>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    // What another page wrote is nothing.
    let choices = choice.iter().filter_map(|text| super::choice_of(text)).collect();
    let which = (import, Some(version));
    Ok(slipway_portal::intake::choose(&ctx, &org, &project, which, choices).await?)
}

/// Starts an import as it was prepared.
#[server(name = StartIntake, prefix = "/api/fn", endpoint = "intake/start")]
pub async fn start_intake(
    org: String,
    project: String,
    import: IntakeId,
    version: i64,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::intake::start(&ctx, &org, &project, import, Some(version)).await?)
}

/// Ends an import; what it made stays.
#[server(name = StopIntake, prefix = "/api/fn", endpoint = "intake/stop")]
pub async fn stop_intake(org: String, project: String, import: IntakeId) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::intake::stop(&ctx, &org, &project, import).await?)
}
