//! Server functions about environments.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::environment::EnvironmentList;
#[cfg(feature = "ssr")]
use slipway_domain::text::Text;

/// The chain of a project: where each environment runs and who approves.
#[server(name = ReadEnvironments, prefix = "/api/fn", endpoint = "environment/list", input = GetUrl)]
pub async fn read_environments(org: String, project: String) -> Result<EnvironmentList, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::environment::list(&ctx, &org, &project).await?)
}

/// Says where an environment runs, which branches go there by themselves, one a line, and whether approvers prove who
/// they are.
#[server(name = BindEnvironment, prefix = "/api/fn", endpoint = "environment/bind")]
pub async fn bind_environment(
    org: String,
    project: String,
    environment: String,
    version: i64,
    cluster: String,
    namespace: String,
    branches: String,
    step_up: Option<bool>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let cluster = match cluster.trim() {
        "" => None,
        id => Some(id.parse().map_err(|_| {
            slipway_portal::Error::field(
                "cluster",
                Text::new("choose one of the organization's clusters", "请选择组织内的集群"),
            )
        })?),
    };
    let lines = branches.lines().map(str::trim).filter(|line| !line.is_empty());
    let input = slipway_portal::environment::bind::Input {
        cluster,
        namespace,
        branches: lines.map(str::to_owned).collect(),
        step_up: step_up.unwrap_or_default(),
    };
    Ok(slipway_portal::environment::bind::bind(&ctx, &org, &project, &environment, version, input).await?)
}
