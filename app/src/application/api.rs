//! Server functions about apps.

use super::AppView;
#[cfg(feature = "ssr")]
use super::Choices;
use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::app::AppSettings;
use slipway_domain::id::{ConnectionId, ProposalId};

/// An app with its lane, last runs and open promotion. Where it has no repository yet: those it could have, of
/// `connection` (without it: of the first one by name), by the words of `search`.
#[server(name = ReadApp, prefix = "/api/fn", endpoint = "app/page", input = GetUrl)]
pub async fn read_app(
    org: String,
    project: String,
    app: String,
    connection: Option<String>,
    search: Option<String>,
) -> Result<AppView, AppError> {
    let ctx = crate::ctx()?;
    let page = slipway_portal::app::page(&ctx, &org, &project, &app).await?;
    let overview = &page.overview;
    let choices = if overview.repository.is_none() && overview.rights.manage {
        let connections = slipway_portal::repository::connections(&ctx, &org, &project, &app).await?;
        let connection = connection.and_then(|id| id.parse().ok());
        let search = search.as_deref();
        let repositories =
            slipway_portal::repository::choices(&ctx, &org, &project, &app, connection, search).await;
        Some(Choices {
            connections,
            repositories: repositories.map_err(AppError::from),
        })
    } else {
        None
    };
    Ok(AppView { page, choices })
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

/// Makes an app.
#[server(name = CreateApp, prefix = "/api/fn", endpoint = "app/create")]
pub async fn create_app(
    org: String,
    project: String,
    slug: String,
    name: String,
    description: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let path = crate::places::app(&org, &project, slug.trim());
    let input = slipway_portal::app::Input {
        slug,
        name,
        description,
    };
    slipway_portal::app::create(&ctx, &org, &project, input).await?;
    leptos_axum::redirect(&path);
    Ok(())
}

/// The settings of an app.
#[server(name = ReadAppSettings, prefix = "/api/fn", endpoint = "app/settings", input = GetUrl)]
pub async fn read_app_settings(org: String, project: String, app: String) -> Result<AppSettings, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::app::settings(&ctx, &org, &project, &app).await?)
}

/// Changes what an app is called.
#[server(name = EditApp, prefix = "/api/fn", endpoint = "app/edit")]
pub async fn edit_app(
    org: String,
    project: String,
    app: String,
    slug: String,
    name: String,
    description: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let input = slipway_portal::place::AppInput {
        slug,
        name,
        description,
    };
    let place = slipway_portal::place::edit_app(&ctx, &org, &project, &app, input).await?;
    leptos_axum::redirect(&format!("{}/settings", place.path()));
    Ok(())
}
