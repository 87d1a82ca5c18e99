//! Server functions about the signed-in person.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::org::Chrome;

/// What the frame of a page shows: the person, what waits for them, and the place.
#[server(name = ReadChrome, prefix = "/api/fn", endpoint = "me/chrome", input = GetUrl)]
pub async fn read_chrome(
    org: Option<String>,
    project: Option<String>,
    app: Option<String>,
) -> Result<Chrome, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::home::chrome(&ctx, org.as_deref(), project.as_deref(), app.as_deref()).await?)
}
