//! Server functions of the sign-in page.

use super::SignInOptions;
use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;

/// The ways to sign in here. Anyone may ask.
#[server(name = SignInWays, prefix = "/api/fn", endpoint = "session/ways", input = GetUrl)]
pub async fn sign_in_ways() -> Result<SignInOptions, AppError> {
    let ctx = crate::anyones_ctx()?;
    let providers = slipway_portal::provider::offered(&ctx).await?;
    let options = use_context::<SignInOptions>().unwrap_or_default();
    Ok(SignInOptions { providers, ..options })
}
