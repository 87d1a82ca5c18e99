//! Server functions about workloads.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::workload::{WorkloadForm, WorkloadView};

/// How an app runs, and what that becomes in each environment.
#[server(name = ReadWorkload, prefix = "/api/fn", endpoint = "workload/view", input = GetUrl)]
pub async fn read_workload(org: String, project: String, app: String) -> Result<WorkloadView, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::workload::view(&ctx, &org, &project, &app).await?)
}

/// Sets how an app runs, as it was at `mark`, from the next release on.
#[server(name = SetWorkload, prefix = "/api/fn", endpoint = "workload/set")]
pub async fn set_workload(
    org: String,
    project: String,
    app: String,
    mark: String,
    form: WorkloadForm,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::workload::set_typed(&ctx, &org, &project, &app, &mark, &form).await?)
}

/// What the page would show once this was saved, which it is not.
#[server(name = PreviewWorkload, prefix = "/api/fn", endpoint = "workload/preview")]
pub async fn preview_workload(
    org: String,
    project: String,
    app: String,
    form: WorkloadForm,
) -> Result<WorkloadView, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::workload::preview(&ctx, &org, &project, &app, &form).await?)
}
