//! Server functions about what history says.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::insight::{CountedItems, Delivery, Insights, ValueStream};

/// The flow of work over the last days.
#[server(name = ReadInsights, prefix = "/api/fn", endpoint = "insight/work", input = GetUrl)]
pub async fn read_insights(
    org: String,
    project: String,
    zone: Option<String>,
    days: Option<i64>,
) -> Result<Insights, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::insight::work(&ctx, &org, &project, zone.as_deref(), days).await?)
}

/// The items that a number of a chart counts.
#[server(name = ReadCounted, prefix = "/api/fn", endpoint = "insight/items", input = GetUrl)]
pub async fn read_counted(
    org: String,
    project: String,
    what: String,
    day: String,
    zone: Option<String>,
    page: Option<usize>,
) -> Result<CountedItems, AppError> {
    let ctx = crate::ctx()?;
    let of = slipway_portal::insight::Of {
        what: &what,
        day: &day,
        zone: zone.as_deref(),
        page: page.unwrap_or(1),
    };
    Ok(slipway_portal::insight::counted(&ctx, &org, &project, of).await?)
}

/// How delivery went over the last days.
#[server(name = ReadDelivery, prefix = "/api/fn", endpoint = "insight/delivery", input = GetUrl)]
pub async fn read_delivery(
    org: String,
    project: String,
    zone: Option<String>,
    days: Option<i64>,
) -> Result<Delivery, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::insight::delivery(&ctx, &org, &project, zone.as_deref(), days).await?)
}

/// How long the items that were finished in the last days took from stage to stage.
#[server(name = ReadStream, prefix = "/api/fn", endpoint = "insight/stream", input = GetUrl)]
pub async fn read_stream(
    org: String,
    project: String,
    zone: Option<String>,
    days: Option<i64>,
) -> Result<ValueStream, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::insight::stream(&ctx, &org, &project, zone.as_deref(), days).await?)
}
