//! Server functions about invitations and requests for roles.

use super::JoinPage;
use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::id::{InvitationId, RoleRequestId};
#[cfg(feature = "ssr")]
use slipway_portal::access::At;

/// Makes an invitation, and mails its link where there is an address. The link is shown once, on the next page.
#[server(name = Invite, prefix = "/api/fn", endpoint = "invitation/create")]
pub async fn invite(
    org: String,
    project: Option<String>,
    app: Option<String>,
    role: String,
    note: String,
    days: i64,
    email: Option<String>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let at = At::new(&org, project.as_deref(), app.as_deref());
    let input = slipway_portal::invitation::Input {
        role,
        note,
        days,
        email: email.unwrap_or_default(),
    };
    let made = slipway_portal::invitation::create(&ctx, at, input).await?;
    let shown = serde_json::to_string(&made).map_err(slipway_portal::Error::internal)?;
    crate::design::flash::show_once(shown);
    Ok(())
}

/// Takes an invitation back.
#[server(name = RevokeInvitation, prefix = "/api/fn", endpoint = "invitation/revoke")]
pub async fn revoke_invitation(
    org: String,
    project: Option<String>,
    app: Option<String>,
    invitation: InvitationId,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let at = At::new(&org, project.as_deref(), app.as_deref());
    Ok(slipway_portal::invitation::revoke(&ctx, at, invitation).await?)
}

/// What whoever has a link sees. Anyone may ask; a link that does not work says why.
#[server(name = ReadInvitation, prefix = "/api/fn", endpoint = "invitation/view", input = GetUrl)]
pub async fn read_invitation(token: String) -> Result<JoinPage, AppError> {
    let ctx = crate::anyones_ctx()?;
    let found = slipway_portal::invitation::view(&ctx, &token).await;
    JoinPage::of(
        found,
        use_context::<crate::SignInOptions>().unwrap_or_default().local,
    )
}

/// Asks for a role.
#[server(name = AskForRole, prefix = "/api/fn", endpoint = "role_request/create")]
pub async fn ask_for_role(
    org: String,
    project: Option<String>,
    app: Option<String>,
    role: String,
    reason: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let at = At::new(&org, project.as_deref(), app.as_deref());
    Ok(slipway_portal::invitation::ask(&ctx, at, &role, &reason).await?)
}

/// Decides a request for a role: `decision` is `grant`, or anything else to end it.
#[server(name = DecideRoleRequest, prefix = "/api/fn", endpoint = "role_request/decide")]
pub async fn decide_role_request(
    org: String,
    project: Option<String>,
    app: Option<String>,
    request: RoleRequestId,
    decision: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let at = At::new(&org, project.as_deref(), app.as_deref());
    Ok(slipway_portal::invitation::decide(&ctx, at, request, decision == "grant").await?)
}
