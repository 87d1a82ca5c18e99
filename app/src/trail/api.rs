//! Server functions about what moves items by itself.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::id::EnvironmentId;
use slipway_domain::trail::AutomationView;

/// How a project's automation is set.
#[server(name = ReadAutomation, prefix = "/api/fn", endpoint = "automation/view", input = GetUrl)]
pub async fn read_automation(org: String, project: String) -> Result<AutomationView, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::trail::automation::view(&ctx, &org, &project).await?)
}

/// Switches the parts of a project's automation on and off.
#[server(name = SetAutomation, prefix = "/api/fn", endpoint = "automation/set")]
pub async fn set_automation(
    org: String,
    project: String,
    linked: Option<bool>,
    merged: Option<bool>,
    deployed_to: Option<EnvironmentId>,
    version: i64,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let input = slipway_portal::trail::automation::Input {
        linked: linked.unwrap_or_default(),
        merged: merged.unwrap_or_default(),
        deployed_to,
        expected: Some(version),
    };
    Ok(slipway_portal::trail::automation::set(&ctx, &org, &project, input).await?)
}
