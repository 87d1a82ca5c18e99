//! Server functions about API tokens. Making one is no server function: its answer has a secret in it.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::id::TokenId;
use slipway_domain::token::{ProjectTokenList, TokenList};

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

/// The tokens of a project.
#[server(name = ReadProjectTokens, prefix = "/api/fn", endpoint = "token/of_project", input = GetUrl)]
pub async fn read_project_tokens(org: String, project: String) -> Result<ProjectTokenList, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::token::project::list(&ctx, &org, &project).await?)
}

/// Ends a token of a project.
#[server(name = RevokeProjectToken, prefix = "/api/fn", endpoint = "token/revoke_of_project")]
pub async fn revoke_project_token(org: String, project: String, id: TokenId) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::token::project::revoke(&ctx, &org, &project, id).await?)
}
