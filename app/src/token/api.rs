//! Server functions about API tokens. Making one is no server function: its answer has a secret in it.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::id::TokenId;
use slipway_domain::token::TokenList;

/// The reader's tokens.
#[server(name = ReadTokens, prefix = "/api/fn", endpoint = "token/list", input = GetUrl)]
pub async fn read_tokens() -> Result<TokenList, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::token::list(&ctx).await?)
}

/// Ends a token of the reader's own.
#[server(name = RevokeToken, prefix = "/api/fn", endpoint = "token/revoke")]
pub async fn revoke_token(id: TokenId) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::token::revoke(&ctx, id).await?)
}
