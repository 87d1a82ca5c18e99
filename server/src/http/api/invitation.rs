//! Invitations by a link, and requests for roles: of an organization, or by `?project=` and `?app=` of a place in it.

use super::ask::{Asked, Body, OrRefuse as _, Path, Query};
use super::paging::{Page, Paged};
use super::place::{At, HeldRole, OrgPath, Person};
use super::refusals::{Changes, Reads};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_domain::id::{InvitationId, RoleRequestId};
use slipway_domain::text::Locale;
use slipway_portal::{invitation, member};
use utoipa::{IntoParams, ToSchema};

const LIST: &str = "/api/v1/orgs/{org}/invitations";
const REQUESTS: &str = "/api/v1/orgs/{org}/role-requests";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", LIST, Access::SignedIn, || get(list)),
    route("POST", LIST, Access::SignedIn, || post(create)),
    route(
        "DELETE",
        "/api/v1/orgs/{org}/invitations/{invitation}",
        Access::SignedIn,
        || delete(revoke),
    ),
    route("GET", REQUESTS, Access::SignedIn, || get(requests)),
    route("POST", REQUESTS, Access::SignedIn, || post(ask)),
    route(
        "POST",
        "/api/v1/orgs/{org}/role-requests/{request}/decision",
        Access::SignedIn,
        || post(decide),
    ),
];

/// `/orgs/{org}/invitations/{invitation}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct InvitationPath {
    /// The organization's slug.
    org: String,
    /// The invitation's id.
    #[param(value_type = String, format = "uuid")]
    invitation: InvitationId,
}

/// `/orgs/{org}/role-requests/{request}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct RequestPath {
    /// The organization's slug.
    org: String,
    /// The request's id.
    #[param(value_type = String, format = "uuid")]
    request: RoleRequestId,
}

/// An invitation that can still be used.
#[derive(Serialize, ToSchema)]
pub struct Invitation {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// The role it gives.
    role: HeldRole,
    /// Whom it is meant for.
    note: String,
    /// Who made it.
    by: Person,
    /// When.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it ends.
    #[schema(format = DateTime)]
    expires_at: String,
    /// The address that its link was to be mailed to.
    email: Option<String>,
    /// When the mail server took the mail; null beside an address: it did not.
    #[schema(format = DateTime)]
    mailed_at: Option<String>,
}

impl Invitation {
    fn of(invitation: &slipway_domain::invitation::Invitation, locale: Locale) -> Self {
        Self {
            id: invitation.id.to_string(),
            role: HeldRole::of(&invitation.role, locale),
            note: invitation.note.clone(),
            by: Person::of(&invitation.by),
            created_at: invitation.created_at.rfc3339(),
            expires_at: invitation.expires_at.rfc3339(),
            email: invitation.email.clone(),
            mailed_at: invitation.mailed_at.map(slipway_domain::time::Timestamp::rfc3339),
        }
    }
}

/// An invitation to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// The key of the role it gives, as in `project.developer`.
    role: String,
    /// Whom it is meant for.
    #[serde(default)]
    note: String,
    /// How many days it holds.
    #[schema(minimum = 1, maximum = 30)]
    days: i64,
    /// The address that the link is mailed to, in the caller's language; without it you pass the link on yourself.
    /// Needs a mail server of the organization or of the installation. At most 20 mails a person and hour.
    #[serde(default)]
    email: String,
}

/// The link of an invitation. Nobody can look it up afterwards.
#[derive(Serialize, ToSchema)]
pub struct InvitationLink {
    /// Send it to whom you invite; it works once.
    link: String,
    /// What became of the mail; null where no address was given.
    mail: Option<InvitationMail>,
}

/// What became of the mail of an invitation. The invitation stays, whatever became of it.
#[derive(Serialize, ToSchema)]
pub struct InvitationMail {
    /// Where to.
    to: String,
    /// Whether the mail server took it.
    sent: bool,
    /// Why not, and what to do; null where it did.
    trouble: Option<String>,
}

impl InvitationLink {
    fn of(made: slipway_domain::invitation::FreshInvitation, locale: Locale) -> Self {
        Self {
            link: made.link,
            mail: made.mail.map(|mail| InvitationMail {
                to: mail.to,
                sent: mail.trouble.is_none(),
                trouble: mail.trouble.map(|text| text.get(locale).to_owned()),
            }),
        }
    }
}

/// Somebody's request for a role.
#[derive(Serialize, ToSchema)]
pub struct RoleRequest {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// Who asks.
    person: Person,
    /// For which role.
    role: HeldRole,
    /// Why.
    reason: String,
    /// When.
    #[schema(format = DateTime)]
    created_at: String,
    /// Whether the caller may decide it.
    may_decide: bool,
    /// Whether it is the caller's own.
    own: bool,
}

impl RoleRequest {
    fn of(request: slipway_domain::invitation::RoleRequest, locale: Locale) -> Self {
        Self {
            id: request.id.to_string(),
            person: Person::of(&request.person),
            role: HeldRole::of(&request.role, locale),
            reason: request.reason,
            created_at: request.created_at.rfc3339(),
            may_decide: request.may_decide,
            own: request.own,
        }
    }
}

/// A role that is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoleRequest {
    /// The role's key, as in `project.ops`.
    role: String,
    /// Why.
    #[serde(default)]
    reason: String,
}

/// What becomes of a request for a role.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleDecision {
    /// Whether the role is given. Whoever asked takes the request back by `false`.
    granted: bool,
}

/// The invitations to the place that can still be used, the oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/invitations",
    tag = "People",
    operation_id = "invitations.list",
    params(OrgPath, At, Page),
    responses((status = 200, description = "A page of them", body = Vec<Invitation>), Reads)
)]
pub async fn list(
    asked: Asked,
    Path(path): Path<OrgPath>,
    Query(at): Query<At>,
    page: Page,
) -> Result<Paged<Invitation>, Refusal> {
    let place = at.of(&path.org).or_refuse(&asked)?;
    let open = invitation::list(asked.ctx(), place).await.or_refuse(&asked)?;
    let shown = open.iter().map(|one| Invitation::of(one, asked.locale()));
    Ok(page.cut(shown.collect(), |one| format!("{} {}", one.created_at, one.id)))
}

/// Makes an invitation to a role at the place, and mails its link where an address is given.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/invitations",
    tag = "People",
    operation_id = "invitations.create",
    params(OrgPath, At),
    request_body = NewInvitation,
    responses((status = 201, description = "It was made", body = InvitationLink), Changes)
)]
pub async fn create(
    asked: Asked,
    Path(path): Path<OrgPath>,
    Query(at): Query<At>,
    Body(new): Body<NewInvitation>,
) -> Result<Response, Refusal> {
    let place = at.of(&path.org).or_refuse(&asked)?;
    let input = invitation::Input {
        role: new.role,
        note: new.note,
        days: new.days,
        email: new.email,
    };
    let made = invitation::create(asked.ctx(), place, input)
        .await
        .or_refuse(&asked)?;
    let made = InvitationLink::of(made, asked.locale());
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

/// Takes an invitation back that nobody has used.
#[utoipa::path(
    delete,
    path = "/api/v1/orgs/{org}/invitations/{invitation}",
    tag = "People",
    operation_id = "invitations.revoke",
    params(InvitationPath, At),
    responses((status = 204, description = "It works no more"), Changes)
)]
pub async fn revoke(
    asked: Asked,
    Path(path): Path<InvitationPath>,
    Query(at): Query<At>,
) -> Result<StatusCode, Refusal> {
    let place = at.of(&path.org).or_refuse(&asked)?;
    invitation::revoke(asked.ctx(), place, path.invitation)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The requests for roles at the place that the caller may decide or has made, the oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/role-requests",
    tag = "People",
    operation_id = "role_requests.list",
    params(OrgPath, At, Page),
    responses((status = 200, description = "A page of them", body = Vec<RoleRequest>), Reads)
)]
pub async fn requests(
    asked: Asked,
    Path(path): Path<OrgPath>,
    Query(at): Query<At>,
    page: Page,
) -> Result<Paged<RoleRequest>, Refusal> {
    let place = at.of(&path.org).or_refuse(&asked)?;
    let waiting = member::page(asked.ctx(), place).await.or_refuse(&asked)?.requests;
    let locale = asked.locale();
    let shown = waiting.into_iter().map(|one| RoleRequest::of(one, locale));
    Ok(page.cut(shown.collect(), |one| format!("{} {}", one.created_at, one.id)))
}

/// Asks for a role at a place that the caller sees.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/role-requests",
    tag = "People",
    operation_id = "role_requests.create",
    params(OrgPath, At),
    request_body = NewRoleRequest,
    responses((status = 204, description = "It waits for whoever may give the role"), Changes)
)]
pub async fn ask(
    asked: Asked,
    Path(path): Path<OrgPath>,
    Query(at): Query<At>,
    Body(new): Body<NewRoleRequest>,
) -> Result<StatusCode, Refusal> {
    let place = at.of(&path.org).or_refuse(&asked)?;
    invitation::ask(asked.ctx(), place, &new.role, &new.reason)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Decides a request for a role. Open to whoever may give the role; whoever asked may take it back.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/role-requests/{request}/decision",
    tag = "People",
    operation_id = "role_requests.decide",
    params(RequestPath, At),
    request_body = RoleDecision,
    responses((status = 204, description = "It is decided"), Changes)
)]
pub async fn decide(
    asked: Asked,
    Path(path): Path<RequestPath>,
    Query(at): Query<At>,
    Body(decision): Body<RoleDecision>,
) -> Result<StatusCode, Refusal> {
    let place = at.of(&path.org).or_refuse(&asked)?;
    invitation::decide(asked.ctx(), place, path.request, decision.granted)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
