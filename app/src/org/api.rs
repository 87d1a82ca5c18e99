//! Server functions about organizations.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::org::{OrgOverview, OrgSettings};

/// An organization and its projects.
#[server(name = ReadOrg, prefix = "/api/fn", endpoint = "org/overview", input = GetUrl)]
pub async fn read_org(org: String) -> Result<OrgOverview, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::org::overview(&ctx, &org).await?)
}

/// Whether the reader may make organizations.
#[server(name = MayCreateOrg, prefix = "/api/fn", endpoint = "org/may_create", input = GetUrl)]
pub async fn may_create_org() -> Result<bool, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::org::may_create(&ctx).await?)
}

/// Makes an organization that the reader owns.
#[server(name = CreateOrg, prefix = "/api/fn", endpoint = "org/create")]
pub async fn create_org(slug: String, name: String) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let org = slipway_portal::org::create_own(&ctx, &slug, &name).await?;
    leptos_axum::redirect(&crate::places::org(&org.slug));
    Ok(())
}

/// The general settings of an organization.
#[server(name = ReadOrgSettings, prefix = "/api/fn", endpoint = "org/settings", input = GetUrl)]
pub async fn read_org_settings(org: String) -> Result<OrgSettings, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::org::settings(&ctx, &org).await?)
}

/// Changes what an organization is called.
#[server(name = EditOrg, prefix = "/api/fn", endpoint = "org/edit")]
pub async fn edit_org(org: String, slug: String, name: String) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let input = slipway_portal::place::OrgInput { slug, name };
    let place = slipway_portal::place::edit_org(&ctx, &org, input).await?;
    leptos_axum::redirect(&format!("{}/settings", place.path()));
    Ok(())
}
