//! Server functions about drift.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::drift::{DriftPage, Settlement};

/// What the cluster of an environment has against what was deployed there.
#[server(name = ReadStopDrift, prefix = "/api/fn", endpoint = "drift/page", input = GetUrl)]
pub async fn read_stop_drift(
    org: String,
    project: String,
    app: String,
    environment: String,
) -> Result<DriftPage, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::drift::page(&ctx, &org, &project, &app, &environment).await?)
}

/// Asks for a drift to be settled, and leads to the promotion that does it.
#[server(name = SettleDrift, prefix = "/api/fn", endpoint = "drift/settle")]
pub async fn settle_drift(
    org: String,
    project: String,
    app: String,
    environment: String,
    how: Settlement,
    digest: String,
    #[server(default)] reason: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let at = (org.as_str(), project.as_str(), app.as_str());
    let id = slipway_portal::drift::settle(&ctx, at, &environment, how, &digest, &reason).await?;
    leptos_axum::redirect(&format!(
        "{}/promotions/{id}",
        crate::places::app(&org, &project, &app)
    ));
    Ok(())
}
