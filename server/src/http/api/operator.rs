//! What concerns every organization: for operators of the server. A token acts as one only by the scope `operate`.

use super::ask::{Asked, Body, IfMatch, OrRefuse as _, Path, Query};
use super::audit::{AuditEntry, Format, file};
use super::paging::{Page, Paged};
use super::place::{Made, Person, one_of};
use super::refusals::{Changes, Reads};
use super::{Answer, created};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use slipway_domain::operator::Account;
use slipway_domain::provider::{Configured, Provider, USUAL_SCOPES};
use slipway_domain::text::{Locale, Text};
use slipway_domain::time::Timestamp;
use slipway_portal::audit::ServerQuery;
use slipway_portal::{Error, OpCtx, operator, provider as providers};
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};

const PROVIDERS: &str = "/api/v1/operator/sign-in-providers";
const PROVIDER: &str = "/api/v1/operator/sign-in-providers/{provider}";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", "/api/v1/operator/operators", Access::SignedIn, || {
        get(operators)
    }),
    route("GET", PROVIDERS, Access::SignedIn, || get(list)),
    route("POST", PROVIDERS, Access::SignedIn, || post(create)),
    route("GET", PROVIDER, Access::SignedIn, || get(show)),
    route("PUT", PROVIDER, Access::SignedIn, || put(update)),
    route("DELETE", PROVIDER, Access::SignedIn, || delete(remove)),
    route(
        "POST",
        "/api/v1/operator/sign-in-providers/{provider}/test",
        Access::SignedIn,
        || post(test),
    ),
    route("GET", "/api/v1/operator/audit", Access::SignedIn, || get(audit)),
    route("GET", "/api/v1/operator/audit/export", Access::SignedIn, || {
        get(export)
    }),
];

/// `/operator/sign-in-providers/{provider}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ProviderPath {
    /// The provider's key.
    provider: String,
}

/// An operator.
#[derive(Serialize, ToSchema)]
pub struct Operator {
    /// Who.
    #[serde(flatten)]
    person: Person,
    /// Since when.
    #[schema(format = "date-time")]
    since: Option<String>,
    /// Whether the account is on.
    active: bool,
}

impl Operator {
    fn of(account: &Account) -> Self {
        Self {
            person: Person::of(&account.person),
            since: account.operator_since.map(Timestamp::rfc3339),
            active: account.deactivated_at.is_none(),
        }
    }
}

fn sources() -> Object {
    one_of(["configuration", "operators"].into_iter())
}

/// A provider of sign-in.
#[derive(Serialize, ToSchema)]
pub struct SignInProvider {
    /// The last part of its address, `/sign-in/{key}`, and the first of the groups that it fills.
    key: String,
    /// For people.
    name: String,
    /// What its people's identities are linked under.
    issuer: String,
    /// Where it comes from: only what operators set up is changed here.
    #[schema(schema_with = sources)]
    source: &'static str,
    /// Whether people can sign in with it.
    enabled: bool,
}

/// A provider of either kind, in one list.
enum Either {
    Configured(Configured),
    Kept(Box<Provider>, bool),
}

impl Either {
    fn key(&self) -> String {
        // Of two with one key, the configuration's goes before.
        match self {
            Self::Configured(one) => format!("{} 0", one.key),
            Self::Kept(one, _) => format!("{} 1", one.key),
        }
    }

    fn shown(self) -> SignInProvider {
        match self {
            Self::Configured(one) => SignInProvider {
                key: one.key,
                name: one.name,
                issuer: one.issuer,
                source: "configuration",
                enabled: true,
            },
            Self::Kept(one, hidden) => SignInProvider {
                enabled: one.off_since.is_none() && !hidden,
                key: one.key,
                name: one.name,
                issuer: one.issuer,
                source: "operators",
            },
        }
    }
}

/// A provider that operators set up. Its secret is never shown.
#[derive(Serialize, ToSchema)]
pub struct SignInProviderDetail {
    /// The last part of its address, `/sign-in/{key}`, and the first of the groups that it fills.
    key: String,
    /// For people.
    name: String,
    /// The issuer, exactly as it calls itself.
    issuer: String,
    /// What Slipway is registered as.
    client_id: String,
    /// What is asked for beside `openid`.
    scopes: Vec<String>,
    /// The claim that lists somebody's groups; none: it fills none.
    groups_claim: Option<String>,
    /// Only people with a verified address of one of these come in; none: everybody.
    allowed_domains: Vec<String>,
    /// Whether it is switched on.
    enabled: bool,
    /// Whether the configuration has a provider of the same key, which goes before this one.
    hidden: bool,
    /// What is to be registered with it.
    redirect_uri: String,
    /// How many people it is the only way in for: they have no password and no other identity that counts.
    only_way_in_for: i64,
    /// How its last test went; none: it was not tested.
    report: Option<SignInProviderTest>,
}

/// How a test went.
#[derive(Serialize, ToSchema)]
pub struct SignInProviderTest {
    /// When.
    #[schema(format = "date-time")]
    at: String,
    /// What keeps people from signing in, and what to do; none: nothing that can be told from here.
    trouble: Vec<String>,
    /// What is worth knowing beside it.
    notes: Vec<String>,
}

impl SignInProviderTest {
    fn of(report: &slipway_domain::provider::ProviderReport, locale: Locale) -> Self {
        let words = |texts: &[Text]| texts.iter().map(|text| text.get(locale).to_owned()).collect();
        Self {
            at: report.at.rfc3339(),
            trouble: words(&report.trouble),
            notes: words(&report.notes),
        }
    }
}

fn usual_scopes() -> Vec<String> {
    USUAL_SCOPES.split(' ').map(str::to_owned).collect()
}

const fn yes() -> bool {
    true
}

/// A provider to be set up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSignInProvider {
    /// The last part of its address, and the first of the groups that it fills: 2 to 40 of `a-z0-9-`. It never changes.
    key: String,
    /// For people.
    name: String,
    /// The issuer, exactly as it calls itself.
    issuer: String,
    /// What Slipway is registered as, with the redirect URI `…/sign-in/{key}/callback`.
    client_id: String,
    /// The secret of that. It is sealed and never shown again.
    client_secret: String,
    /// What is asked for beside `openid`.
    #[serde(default = "usual_scopes")]
    scopes: Vec<String>,
    /// The claim that lists somebody's groups.
    groups_claim: Option<String>,
    /// Only people with a verified address of one of these come in; none: everybody.
    #[serde(default)]
    allowed_domains: Vec<String>,
}

/// What a provider should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInProviderUpdate {
    /// For people.
    name: String,
    /// The issuer, exactly as it calls itself.
    issuer: String,
    /// What Slipway is registered as.
    client_id: String,
    /// The secret of that; nothing: the one it has, if issuer and client id stay.
    #[serde(default)]
    client_secret: String,
    /// What is asked for beside `openid`.
    #[serde(default = "usual_scopes")]
    scopes: Vec<String>,
    /// The claim that lists somebody's groups.
    groups_claim: Option<String>,
    /// Only people with a verified address of one of these come in; none: everybody.
    #[serde(default)]
    allowed_domains: Vec<String>,
    /// Whether people can sign in with it.
    #[serde(default = "yes")]
    enabled: bool,
    /// How many people cannot sign in afterwards, as far as the caller knows: `only_way_in_for`.
    confirm: Option<i64>,
}

/// What is said so that nobody is locked out by mistake.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Known {
    /// How many people cannot sign in afterwards, as far as the caller knows: `only_way_in_for`.
    #[param(minimum = 0)]
    confirm: Option<i64>,
}

/// Which rows.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ServerFilter {
    /// Only actions that start with this, as in `provider.`.
    action: Option<String>,
}

impl ServerFilter {
    fn query(self, before: Option<i64>) -> ServerQuery {
        ServerQuery {
            action: self.action.filter(|action| !action.is_empty()),
            before,
        }
    }
}

/// The operators of the server, by username. They are made in the browser and by `slipway user grant-operator`.
#[utoipa::path(
    get,
    path = "/api/v1/operator/operators",
    tag = "Server",
    operation_id = "operators.list",
    params(Page),
    responses((status = 200, description = "A page of them", body = Vec<Operator>), Reads)
)]
pub async fn operators(asked: Asked, page: Page) -> Result<Paged<Operator>, Refusal> {
    let all = operator::list(asked.ctx()).await.or_refuse(&asked)?;
    Ok(page
        .cut(all, |one| one.person.username.clone())
        .map(|one| Operator::of(&one)))
}

/// The providers of sign-in, by key: those of the configuration, and those that operators set up.
#[utoipa::path(
    get,
    path = "/api/v1/operator/sign-in-providers",
    tag = "Server",
    operation_id = "sign_in_providers.list",
    params(Page),
    responses((status = 200, description = "A page of them", body = Vec<SignInProvider>), Reads)
)]
pub async fn list(asked: Asked, page: Page) -> Result<Paged<SignInProvider>, Refusal> {
    let found = providers::list(asked.ctx()).await.or_refuse(&asked)?;
    let kept = found.providers.iter().map(|one| {
        let hidden = found.is_hidden(one);
        Either::Kept(Box::new(one.clone()), hidden)
    });
    let configured = found.configured.iter().cloned().map(Either::Configured);
    Ok(page
        .cut(configured.chain(kept).collect(), Either::key)
        .map(Either::shown))
}

/// Sets an `OpenID` Connect provider up; people can sign in with it at once.
#[utoipa::path(
    post,
    path = "/api/v1/operator/sign-in-providers",
    tag = "Server",
    operation_id = "sign_in_providers.create",
    request_body = NewSignInProvider,
    responses((status = 201, description = "It was made", body = Made), Changes)
)]
pub async fn create(asked: Asked, Body(new): Body<NewSignInProvider>) -> Result<Response, Refusal> {
    let input = providers::Input {
        name: new.name,
        issuer: new.issuer,
        client_id: new.client_id,
        client_secret: new.client_secret,
        scopes: new.scopes.join(" "),
        groups_claim: new.groups_claim.unwrap_or_default(),
        allowed_domains: new.allowed_domains.join(" "),
    };
    let key = providers::create(asked.ctx(), &new.key, input)
        .await
        .or_refuse(&asked)?;
    let url = format!("{PROVIDERS}/{key}");
    Ok(created(key, url))
}

/// A provider that operators set up. Its `ETag` is for the `If-Match` of an update.
#[utoipa::path(
    get,
    path = "/api/v1/operator/sign-in-providers/{provider}",
    tag = "Server",
    operation_id = "sign_in_providers.show",
    params(ProviderPath),
    responses(
        (status = 200, description = "The provider", body = SignInProviderDetail, headers(("ETag" = String))),
        Reads
    )
)]
pub async fn show(asked: Asked, Path(at): Path<ProviderPath>) -> Result<Response, Refusal> {
    let page = providers::view(asked.ctx(), &at.provider)
        .await
        .or_refuse(&asked)?;
    let locale = asked.locale();
    let one = page.provider;
    let tag = [(header::ETAG, format!("\"{}\"", one.version))];
    let detail = SignInProviderDetail {
        key: one.key,
        name: one.name,
        issuer: one.issuer,
        client_id: one.client_id,
        scopes: one.scopes,
        groups_claim: one.groups_claim,
        allowed_domains: one.allowed_domains,
        enabled: one.off_since.is_none(),
        hidden: page.hidden,
        redirect_uri: page.redirect_uri,
        only_way_in_for: page.locked_out.people,
        report: one
            .report
            .as_ref()
            .map(|report| SignInProviderTest::of(report, locale)),
    };
    Ok((tag, Json(detail)).into_response())
}

async fn version(ctx: &OpCtx, key: &str) -> slipway_portal::Result<i64> {
    Ok(providers::view(ctx, key).await?.provider.version)
}

/// Changes a provider; with `If-Match`, only where that is still its version. What would keep people from signing in who
/// have no other way needs `confirm`.
#[utoipa::path(
    put,
    path = "/api/v1/operator/sign-in-providers/{provider}",
    tag = "Server",
    operation_id = "sign_in_providers.update",
    params(ProviderPath, ("If-Match" = Option<String>, Header, description = "The ETag it was read with")),
    request_body = SignInProviderUpdate,
    responses((status = 204, description = "It is changed"), Changes)
)]
pub async fn update(
    asked: Asked,
    Path(at): Path<ProviderPath>,
    IfMatch(expected): IfMatch,
    Body(new): Body<SignInProviderUpdate>,
) -> Result<StatusCode, Refusal> {
    let now = version(asked.ctx(), &at.provider).await.or_refuse(&asked)?;
    if expected.is_some_and(|expected| expected != now) {
        return Err(asked.refuse(Error::version_mismatch()));
    }
    let input = providers::Input {
        name: new.name,
        issuer: new.issuer,
        client_id: new.client_id,
        client_secret: new.client_secret,
        scopes: new.scopes.join(" "),
        groups_claim: new.groups_claim.unwrap_or_default(),
        allowed_domains: new.allowed_domains.join(" "),
    };
    let on = Some(new.enabled);
    providers::edit(asked.ctx(), &at.provider, Some(now), input, on, new.confirm)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a provider. Accounts, sessions and linked identities stay. What would keep people from signing in who have no
/// other way needs `confirm`.
#[utoipa::path(
    delete,
    path = "/api/v1/operator/sign-in-providers/{provider}",
    tag = "Server",
    operation_id = "sign_in_providers.delete",
    params(ProviderPath, Known),
    responses((status = 204, description = "It is gone"), Changes)
)]
pub async fn remove(
    asked: Asked,
    Path(at): Path<ProviderPath>,
    Query(known): Query<Known>,
) -> Result<StatusCode, Refusal> {
    providers::remove(asked.ctx(), &at.provider, known.confirm)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tests a provider: what it says of itself, and its keys.
#[utoipa::path(
    post,
    path = "/api/v1/operator/sign-in-providers/{provider}/test",
    tag = "Server",
    operation_id = "sign_in_providers.test",
    params(ProviderPath),
    responses((status = 200, description = "How it went", body = SignInProviderTest), Changes)
)]
pub async fn test(asked: Asked, Path(at): Path<ProviderPath>) -> Answer<SignInProviderTest> {
    let report = providers::test(asked.ctx(), &at.provider)
        .await
        .or_refuse(&asked)?;
    Ok(Json(SignInProviderTest::of(&report, asked.locale())))
}

/// The server's own audit log, the newest first: what concerns every organization.
#[utoipa::path(
    get,
    path = "/api/v1/operator/audit",
    tag = "Server",
    operation_id = "server_audit.list",
    params(ServerFilter, Page),
    responses((status = 200, description = "A page of it", body = Vec<AuditEntry>), Reads)
)]
pub async fn audit(
    asked: Asked,
    Query(filter): Query<ServerFilter>,
    page: Page,
) -> Result<Paged<AuditEntry>, Refusal> {
    let before = page.from().or_refuse(&asked)?;
    let rows = slipway_portal::audit::read_server(asked.ctx(), &filter.query(before))
        .await
        .or_refuse(&asked)?;
    let more = i64::try_from(rows.len()).is_ok_and(|count| count >= slipway_portal::audit::PAGE);
    Ok(page
        .take(rows, more, |row| row.seq.to_string())
        .map(AuditEntry::of))
}

/// The server's own audit log as a file, the newest row first.
#[utoipa::path(
    get,
    path = "/api/v1/operator/audit/export",
    tag = "Server",
    operation_id = "server_audit.export",
    params(ServerFilter, Format),
    responses(
        (status = 200, description = "The file", content(
            (Vec<AuditEntry> = "application/json"),
            (String = "text/csv; charset=utf-8"),
        )),
        Reads
    )
)]
pub async fn export(
    asked: Asked,
    Query(filter): Query<ServerFilter>,
    Query(format): Query<Format>,
) -> Result<Response, Refusal> {
    let pages = slipway_portal::audit::export_server(asked.ctx(), filter.query(None))
        .await
        .or_refuse(&asked)?;
    Ok(file("audit-server", &format, pages))
}
