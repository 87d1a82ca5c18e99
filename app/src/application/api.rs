//! Server functions about apps.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::app::AppPage;
use slipway_domain::app::RepositoryChoice;
use slipway_domain::connection::Connection;
use slipway_domain::id::{ConnectionId, ProposalId};

/// An app with its lane, last runs and open promotion.
#[server(name = ReadApp, prefix = "/api/fn", endpoint = "app/page", input = GetUrl)]
pub async fn read_app(org: String, project: String, app: String) -> Result<AppPage, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::app::page(&ctx, &org, &project, &app).await?)
}

/// The connections whose repositories one could connect.
#[server(name = ReadConnections, prefix = "/api/fn", endpoint = "app/connections", input = GetUrl)]
pub async fn read_connections(
    org: String,
    project: String,
    app: String,
) -> Result<Vec<Connection>, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::repository::connections(&ctx, &org, &project, &app).await?)
}

/// The repositories one could connect; `connection`: of the first one by name without it.
#[server(name = ReadRepositories, prefix = "/api/fn", endpoint = "app/repositories", input = GetUrl)]
pub async fn read_repositories(
    org: String,
    project: String,
    app: String,
    connection: Option<ConnectionId>,
    search: Option<String>,
) -> Result<Vec<RepositoryChoice>, AppError> {
    let ctx = crate::ctx()?;
    let search = search.as_deref();
    Ok(slipway_portal::repository::choices(&ctx, &org, &project, &app, connection, search).await?)
}

/// Connects the app to a repository.
#[server(name = ConnectRepository, prefix = "/api/fn", endpoint = "app/connect")]
pub async fn connect_repository(
    org: String,
    project: String,
    app: String,
    connection: Option<ConnectionId>,
    repository: i64,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::repository::connect(&ctx, &org, &project, &app, connection, repository).await?)
}

/// Merges the merge request of a proposed pipeline.
#[server(name = MergeProposal, prefix = "/api/fn", endpoint = "proposal/merge")]
pub async fn merge_proposal(
    org: String,
    project: String,
    app: String,
    id: ProposalId,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::proposal::merge(&ctx, &org, &project, &app, id).await?)
}
