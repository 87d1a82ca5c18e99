//! Server functions about pods.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::pod::{LogPage, PodsPage};

/// The pods of an app in an environment, and what happened to them.
#[server(name = ReadPods, prefix = "/api/fn", endpoint = "pod/list", input = GetUrl)]
pub async fn read_pods(
    org: String,
    project: String,
    app: String,
    environment: String,
) -> Result<PodsPage, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::pod::page(&ctx, (&org, &project, &app), &environment).await?)
}

/// The end of a container's log.
#[server(name = ReadPodLog, prefix = "/api/fn", endpoint = "pod/log", input = GetUrl)]
pub async fn read_pod_log(
    org: String,
    project: String,
    app: String,
    environment: String,
    pod: String,
    container: Option<String>,
    previous: Option<String>,
    lines: Option<String>,
) -> Result<LogPage, AppError> {
    use slipway_domain::pod::{LINES, LogAsk};
    let ctx = crate::ctx()?;
    let lines = lines.and_then(|lines| lines.parse().ok());
    let ask = LogAsk {
        pod,
        container: container.unwrap_or_default(),
        previous: previous.is_some_and(|previous| previous == "true"),
        lines: lines.filter(|lines| LINES.contains(lines)).unwrap_or(LINES[1]),
    };
    Ok(slipway_portal::pod::log(&ctx, (&org, &project, &app), &environment, ask).await?)
}

/// Asks for so many pods.
#[server(name = ScaleWorkload, prefix = "/api/fn", endpoint = "pod/scale")]
pub async fn scale_workload(
    org: String,
    project: String,
    app: String,
    environment: String,
    replicas: String,
) -> Result<(), AppError> {
    use slipway_domain::text::Text;
    let ctx = crate::ctx()?;
    let replicas = replicas.trim().parse().map_err(|_| {
        slipway_portal::Error::field("replicas", Text::new("give a number of pods", "请填写 Pod 数量"))
    })?;
    slipway_portal::pod::scale(&ctx, (&org, &project, &app), &environment, replicas).await?;
    Ok(())
}

/// Starts the pods anew, one after the other.
#[server(name = RestartWorkload, prefix = "/api/fn", endpoint = "pod/restart")]
pub async fn restart_workload(
    org: String,
    project: String,
    app: String,
    environment: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::pod::restart(&ctx, (&org, &project, &app), &environment).await?)
}
