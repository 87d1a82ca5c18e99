//! Server functions about members and their roles.

use super::MemberList;
use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::id::{BindingId, UserId};
use slipway_domain::member::{MemberPage, PersonHere};
#[cfg(feature = "ssr")]
use slipway_portal::access::At;

/// Who holds which role in the organization, or in one of its projects.
#[server(name = ReadMembers, prefix = "/api/fn", endpoint = "member/list", input = GetUrl)]
pub async fn read_members(org: String, project: Option<String>) -> Result<MemberList, AppError> {
    let ctx = crate::ctx()?;
    let (place, members) = slipway_portal::org::members(&ctx, &org, project.as_deref()).await?;
    Ok(MemberList { place, members })
}

/// The members' page of an organization, a project or an app.
#[server(name = ReadMemberPage, prefix = "/api/fn", endpoint = "member/page", input = GetUrl)]
pub async fn read_member_page(
    org: String,
    project: Option<String>,
    app: Option<String>,
) -> Result<MemberPage, AppError> {
    let ctx = crate::ctx()?;
    let at = At::new(&org, project.as_deref(), app.as_deref());
    Ok(slipway_portal::member::page(&ctx, at).await?)
}

/// What a person may do at a place, and why.
#[server(name = ReadPersonHere, prefix = "/api/fn", endpoint = "member/person", input = GetUrl)]
pub async fn read_person_here(
    org: String,
    project: Option<String>,
    app: Option<String>,
    person: String,
) -> Result<PersonHere, AppError> {
    let ctx = crate::ctx()?;
    let at = At::new(&org, project.as_deref(), app.as_deref());
    Ok(slipway_portal::member::person(&ctx, at, &person).await?)
}

/// Gives a person or a group (`who`, as `domain::member::Holder` writes it) a role.
#[server(name = GrantRole, prefix = "/api/fn", endpoint = "member/grant")]
pub async fn grant_role(
    org: String,
    project: Option<String>,
    app: Option<String>,
    who: String,
    role: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let at = At::new(&org, project.as_deref(), app.as_deref());
    Ok(slipway_portal::member::grant(&ctx, at, &who, &role).await?)
}

/// Puts another role in the place of one that is held.
#[server(name = ChangeRole, prefix = "/api/fn", endpoint = "member/change")]
pub async fn change_role(
    org: String,
    project: Option<String>,
    app: Option<String>,
    binding: BindingId,
    role: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let at = At::new(&org, project.as_deref(), app.as_deref());
    Ok(slipway_portal::member::change_role(&ctx, at, binding, &role).await?)
}

/// Takes a role away.
#[server(name = RevokeRole, prefix = "/api/fn", endpoint = "member/revoke")]
pub async fn revoke_role(
    org: String,
    project: Option<String>,
    app: Option<String>,
    binding: BindingId,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let at = At::new(&org, project.as_deref(), app.as_deref());
    Ok(slipway_portal::member::revoke(&ctx, at, binding).await?)
}

/// Removes somebody from the place and everything below it, and leads to its members.
#[server(name = RemoveMember, prefix = "/api/fn", endpoint = "member/remove")]
pub async fn remove_member(
    org: String,
    project: Option<String>,
    app: Option<String>,
    person: UserId,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let own = ctx.user()?.id == person;
    let at = At::new(&org, project.as_deref(), app.as_deref());
    slipway_portal::member::remove(&ctx, at, person).await?;
    // Who has left may not see the place any more.
    let next = if own {
        String::from("/")
    } else {
        super::address(&org, project.as_deref(), app.as_deref())
    };
    leptos_axum::redirect(&next);
    Ok(())
}
