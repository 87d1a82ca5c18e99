//! Server functions about projects.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
#[cfg(feature = "ssr")]
use slipway_domain::feature::Feature;
use slipway_domain::project::{ProjectGrid, ProjectSettings};

/// The grid of app × environment.
#[server(name = ReadGrid, prefix = "/api/fn", endpoint = "project/grid", input = GetUrl)]
pub async fn read_grid(org: String, project: String) -> Result<ProjectGrid, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::project::grid(&ctx, &org, &project).await?)
}

/// Makes a project, with the default chain of environments.
#[server(name = CreateProject, prefix = "/api/fn", endpoint = "project/create")]
pub async fn create_project(
    org: String,
    slug: String,
    name: String,
    description: String,
    key: String,
    internal: Option<bool>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let path = crate::places::project(&org, slug.trim());
    let input = slipway_portal::project::Input {
        slug,
        name,
        description,
        key,
        internal: internal.unwrap_or_default(),
    };
    slipway_portal::project::create_with_chain(&ctx, &org, input).await?;
    leptos_axum::redirect(&path);
    Ok(())
}

/// The settings of a project.
#[server(name = ReadProjectSettings, prefix = "/api/fn", endpoint = "project/settings", input = GetUrl)]
pub async fn read_project_settings(org: String, project: String) -> Result<ProjectSettings, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::project::settings(&ctx, &org, &project).await?)
}

/// Changes what a project is called and who sees it.
#[server(name = EditProject, prefix = "/api/fn", endpoint = "project/edit")]
pub async fn edit_project(
    org: String,
    project: String,
    slug: String,
    name: String,
    description: String,
    internal: Option<bool>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let input = slipway_portal::place::ProjectInput {
        slug,
        name,
        description,
        internal: internal.unwrap_or_default(),
    };
    let place = slipway_portal::place::edit_project(&ctx, &org, &project, input).await?;
    leptos_axum::redirect(&format!("{}/settings", place.path()));
    Ok(())
}

/// Switches the features of a project: those that are named stay on.
#[server(name = SwitchFeatures, prefix = "/api/fn", endpoint = "project/features")]
pub async fn switch_features(
    org: String,
    project: String,
    boards: Option<bool>,
    pipelines: Option<bool>,
    releases: Option<bool>,
    insights: Option<bool>,
    chat: Option<bool>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let named = [
        (Feature::Boards, boards),
        (Feature::Pipelines, pipelines),
        (Feature::Releases, releases),
        (Feature::Insights, insights),
        (Feature::Chat, chat),
    ];
    let on: Vec<Feature> = named
        .into_iter()
        .filter_map(|(feature, on)| on.unwrap_or_default().then_some(feature))
        .collect();
    Ok(slipway_portal::feature::switch(&ctx, &org, &project, &on).await?)
}

/// Sets the quota of an environment.
#[server(name = SetQuota, prefix = "/api/fn", endpoint = "project/quota")]
pub async fn set_quota(
    org: String,
    project: String,
    environment: String,
    cpu: String,
    memory: String,
    pods: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let input = slipway_portal::quota::Input { cpu, memory, pods };
    Ok(slipway_portal::quota::set(&ctx, &org, &project, &environment, &input).await?)
}
