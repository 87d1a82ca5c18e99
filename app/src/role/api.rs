//! Server functions about the roles that an organization makes.

use super::{RoleList, RoleView};
use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::access::ScopeKind;
use slipway_domain::id::RoleId;

/// The organization's own roles.
#[server(name = ReadRoles, prefix = "/api/fn", endpoint = "role/list", input = GetUrl)]
pub async fn read_roles(org: String) -> Result<RoleList, AppError> {
    let ctx = crate::ctx()?;
    let (org, roles, may_manage) = slipway_portal::role::list(&ctx, &org).await?;
    Ok(RoleList {
        org,
        roles,
        may_manage,
    })
}

/// One of them. An id that is none reads as not found.
#[server(name = ReadRole, prefix = "/api/fn", endpoint = "role/view", input = GetUrl)]
pub async fn read_role(org: String, role: String) -> Result<RoleView, AppError> {
    let ctx = crate::ctx()?;
    let id = role.parse().map_err(|_| slipway_portal::Error::NotFound)?;
    let (org, role, version, uses) = slipway_portal::role::view(&ctx, &org, id).await?;
    Ok(RoleView {
        org,
        role,
        version,
        uses,
    })
}

/// Makes a role.
#[server(name = CreateRole, prefix = "/api/fn", endpoint = "role/create")]
pub async fn create_role(
    org: String,
    name: String,
    scope: ScopeKind,
    #[server(default)] actions: Vec<String>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let input = slipway_portal::role::Input { name, scope, actions };
    slipway_portal::role::create(&ctx, &org, &input).await?;
    leptos_axum::redirect(&format!("{}/roles", crate::places::org(&org)));
    Ok(())
}

/// Changes a role that still has `version`.
#[server(name = UpdateRole, prefix = "/api/fn", endpoint = "role/update")]
pub async fn update_role(
    org: String,
    role: RoleId,
    version: i64,
    name: String,
    scope: ScopeKind,
    #[server(default)] actions: Vec<String>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let input = slipway_portal::role::Input { name, scope, actions };
    slipway_portal::role::update(&ctx, &org, role, version, &input).await?;
    leptos_axum::redirect(&format!("{}/roles", crate::places::org(&org)));
    Ok(())
}

/// Deletes a role that nobody holds.
#[server(name = DeleteRole, prefix = "/api/fn", endpoint = "role/delete")]
pub async fn delete_role(org: String, role: RoleId) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    slipway_portal::role::delete(&ctx, &org, role).await?;
    leptos_axum::redirect(&format!("{}/roles", crate::places::org(&org)));
    Ok(())
}
