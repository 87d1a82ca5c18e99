//! Server functions about members.

use super::MemberList;
use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;

/// Who holds which role in the organization, or in one of its projects.
#[server(name = ReadMembers, prefix = "/api/fn", endpoint = "member/list", input = GetUrl)]
pub async fn read_members(org: String, project: Option<String>) -> Result<MemberList, AppError> {
    let ctx = crate::ctx()?;
    let (place, members) = slipway_portal::org::members(&ctx, &org, project.as_deref()).await?;
    Ok(MemberList { place, members })
}
