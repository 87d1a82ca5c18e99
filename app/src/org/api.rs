//! Server functions about organizations.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::org::OrgOverview;

/// An organization and its projects.
#[server(name = ReadOrg, prefix = "/api/fn", endpoint = "org/overview", input = GetUrl)]
pub async fn read_org(org: String) -> Result<OrgOverview, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::org::overview(&ctx, &org).await?)
}
