//! Server functions about environments.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::environment::EnvironmentList;

/// The chain of a project: where each environment runs and who approves.
#[server(name = ReadEnvironments, prefix = "/api/fn", endpoint = "environment/list", input = GetUrl)]
pub async fn read_environments(org: String, project: String) -> Result<EnvironmentList, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::environment::list(&ctx, &org, &project).await?)
}
