//! Server functions about groups.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::group::{GroupList, GroupView};
use slipway_domain::id::{GroupId, UserId};

/// The groups of an organization.
#[server(name = ReadGroups, prefix = "/api/fn", endpoint = "group/list", input = GetUrl)]
pub async fn read_groups(org: String) -> Result<GroupList, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::group::list(&ctx, &org).await?)
}

/// One group. An id that is none reads as not found.
#[server(name = ReadGroup, prefix = "/api/fn", endpoint = "group/view", input = GetUrl)]
pub async fn read_group(org: String, group: String) -> Result<GroupView, AppError> {
    let ctx = crate::ctx()?;
    let id = group.parse().map_err(|_| slipway_portal::Error::NotFound)?;
    Ok(slipway_portal::group::view(&ctx, &org, id).await?)
}

/// Makes a group and leads to its page.
#[server(name = CreateGroup, prefix = "/api/fn", endpoint = "group/create")]
pub async fn create_group(org: String, name: String) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let id = slipway_portal::group::create(&ctx, &org, &name).await?;
    leptos_axum::redirect(&format!("{}/groups/{id}", crate::places::org(&org)));
    Ok(())
}

/// Changes a group's name and what fills it.
#[server(name = UpdateGroup, prefix = "/api/fn", endpoint = "group/update")]
pub async fn update_group(
    org: String,
    group: GroupId,
    name: String,
    #[server(default)] claim: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::group::update(&ctx, &org, group, &name, &claim).await?)
}

/// Deletes a group and leads to the others.
#[server(name = DeleteGroup, prefix = "/api/fn", endpoint = "group/delete")]
pub async fn delete_group(org: String, group: GroupId) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    slipway_portal::group::delete(&ctx, &org, group).await?;
    leptos_axum::redirect(&format!("{}/groups", crate::places::org(&org)));
    Ok(())
}

/// Puts a person into a group.
#[server(name = AddToGroup, prefix = "/api/fn", endpoint = "group/add")]
pub async fn add_to_group(org: String, group: GroupId, person: UserId) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::group::add(&ctx, &org, group, person).await?)
}

/// Takes a person out of a group.
#[server(name = TakeOutOfGroup, prefix = "/api/fn", endpoint = "group/take_out")]
pub async fn take_out_of_group(org: String, group: GroupId, person: UserId) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::group::take_out(&ctx, &org, group, person).await?)
}
