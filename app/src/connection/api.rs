//! Server functions about GitLab connections.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::connection::ConnectionList;
use slipway_domain::id::ConnectionId;

/// The GitLab connections of an organization.
#[server(name = ReadConnections, prefix = "/api/fn", endpoint = "connection/list", input = GetUrl)]
pub async fn read_connections(org: String) -> Result<ConnectionList, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::connection::list(&ctx, &org).await?)
}

/// Makes a connection.
#[server(name = AddConnection, prefix = "/api/fn", endpoint = "connection/add")]
pub async fn add_connection(
    org: String,
    name: String,
    base_url: String,
    token: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let input = slipway_portal::connection::Input {
        name,
        base_url,
        token,
    };
    slipway_portal::connection::create(&ctx, &org, input).await?;
    Ok(())
}

/// Changes a connection; without a token the one it has stays.
#[server(name = EditConnection, prefix = "/api/fn", endpoint = "connection/edit")]
pub async fn edit_connection(
    org: String,
    id: ConnectionId,
    name: String,
    base_url: String,
    token: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let input = slipway_portal::connection::Input {
        name,
        base_url,
        token,
    };
    Ok(slipway_portal::connection::edit(&ctx, &org, id, input).await?)
}

/// Makes a connection by OAuth, and leads to the page that sends the reader to GitLab to authorize it.
#[server(name = AddOauthConnection, prefix = "/api/fn", endpoint = "connection/add_oauth")]
pub async fn add_oauth_connection(
    org: String,
    name: String,
    base_url: String,
    application_id: String,
    application_secret: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let input = slipway_portal::connection::oauth::Input {
        name,
        base_url,
        application_id,
        application_secret,
    };
    let id = slipway_portal::connection::oauth::create(&ctx, &org, input).await?;
    let url = slipway_portal::connection::oauth::authorize(&ctx, &org, id).await?;
    crate::design::flash::show_once(url);
    Ok(())
}

/// Changes a connection by OAuth; without a secret the one it has stays.
#[server(name = EditOauthConnection, prefix = "/api/fn", endpoint = "connection/edit_oauth")]
pub async fn edit_oauth_connection(
    org: String,
    id: ConnectionId,
    name: String,
    base_url: String,
    application_id: String,
    application_secret: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let input = slipway_portal::connection::oauth::Input {
        name,
        base_url,
        application_id,
        application_secret,
    };
    Ok(slipway_portal::connection::oauth::edit(&ctx, &org, id, input).await?)
}

/// Leads to the page that sends the reader to GitLab to authorize a connection, for the first time or again.
#[server(name = AuthorizeConnection, prefix = "/api/fn", endpoint = "connection/authorize")]
pub async fn authorize_connection(org: String, id: ConnectionId) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let url = slipway_portal::connection::oauth::authorize(&ctx, &org, id).await?;
    crate::design::flash::show_once(url);
    Ok(())
}

/// Lets a connection by a token get in by OAuth, and leads to the page that sends the reader to GitLab.
#[server(name = UseOauth, prefix = "/api/fn", endpoint = "connection/use_oauth")]
pub async fn use_oauth(
    org: String,
    id: ConnectionId,
    application_id: String,
    application_secret: String,
) -> Result<(), AppError> {
    use slipway_portal::connection::{oauth, ways};
    let ctx = crate::ctx()?;
    ways::use_oauth(&ctx, &org, id, application_id, application_secret).await?;
    let url = oauth::authorize(&ctx, &org, id).await?;
    crate::design::flash::show_once(url);
    Ok(())
}

/// Lets a connection by OAuth get in by a token; without one, by that of before.
#[server(name = UseToken, prefix = "/api/fn", endpoint = "connection/use_token")]
pub async fn use_token(org: String, id: ConnectionId, token: String) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::connection::ways::use_token(&ctx, &org, id, &token).await?)
}

/// Tests a connection; the report stands beside it.
#[server(name = TestConnection, prefix = "/api/fn", endpoint = "connection/test")]
pub async fn test_connection(org: String, id: ConnectionId) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    slipway_portal::connection::test(&ctx, &org, id).await?;
    Ok(())
}

/// Forgets a connection that no app uses.
#[server(name = RemoveConnection, prefix = "/api/fn", endpoint = "connection/remove")]
pub async fn remove_connection(org: String, id: ConnectionId) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::connection::remove(&ctx, &org, id).await?)
}
