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
