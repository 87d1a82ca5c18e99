//! Server functions of the front page.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::org::MyWork;

/// What waits for the reader.
#[server(name = ReadWork, prefix = "/api/fn", endpoint = "home/work", input = GetUrl)]
pub async fn read_work() -> Result<MyWork, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::home::work(&ctx).await?)
}
