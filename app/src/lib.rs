//! Slipway's interface: the shell, the app and the one route table.
//!
//! The same code renders on the server (feature `ssr`) and takes the page over in the browser (feature
//! `hydrate`). A noun's folder has its pages in `mod.rs`, its server functions in `api.rs` and the parts
//! of its pages in `parts.rs`.

pub mod application;
pub mod artifact;
pub mod audit;
pub mod beside;
pub mod board;
mod browser;
pub mod cluster;
pub mod connection;
pub mod design;
pub mod drift;
pub mod editor;
pub mod environment;
mod error;
pub mod freeze;
pub mod group;
pub mod home;
pub mod i18n;
pub mod import;
pub mod insight;
pub mod intake;
pub mod invitation;
pub mod iteration;
mod json;
pub mod live;
pub mod load;
pub mod mail;
pub mod me;
pub mod member;
mod mirror;
pub mod notice;
pub mod operator;
pub mod org;
mod part;
pub mod pipeline;
pub mod place;
pub mod places;
pub mod pod;
pub mod project;
pub mod promotion;
pub mod release;
pub mod report;
pub mod roadmap;
pub mod role;
mod route;
pub mod run;
pub mod schedule;
pub mod search;
pub mod session;
pub mod subscriber;
pub mod table;
pub mod template;
pub mod token;
mod trail;
pub mod variable;
pub mod workload;

pub use design::flash::Flash;
pub use error::AppError;
pub use session::{DemoPerson, SignInOptions};

use design::nav::Frame;
use design::raw_text::raw_text;
use design::state::ErrorState;
use leptos::children::ToChildren;
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos::server::codee::{Decoder, Encoder};
use leptos_meta::{MetaTags, Title, provide_meta_context};
use leptos_router::components::{FlatRoutes, FlatRoutesProps, Router};
use route::{RouteTable, apart};
use serde::{Deserialize, Serialize};

/// What the server knows of a page before it renders it, and the browser must know as well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed {
    /// `light`, `dark` or `system`.
    pub theme: String,
    /// What a failed plain form left behind.
    pub flash: Option<Flash>,
    /// When the page was made, in µs since the epoch.
    pub made_at: i64,
}

/// [`Seed`] as JSON.
struct SeedCodec;

impl Encoder<Seed> for SeedCodec {
    type Error = serde_json::Error;
    type Encoded = String;
    fn encode(seed: &Seed) -> Result<String, Self::Error> {
        serde_json::to_string(seed)
    }
}

impl Decoder<Seed> for SeedCodec {
    type Error = String;
    type Encoded = str;
    fn decode(text: &str) -> Result<Seed, Self::Error> {
        json::parse(text)
    }
}

/// The route table: every page of Slipway.
#[expect(clippy::too_many_lines, reason = "a table: one page a line")]
fn routes() -> RouteTable {
    vec![
        apart("/sign-in", part::sign_in()),
        // `new` and `settings` before the parameters that would take them for names.
        apart("/orgs/new", part::new_org()),
        apart("/orgs/:org/settings", part::org_settings()),
        apart("/orgs/:org/settings/gitlab", part::connections()),
        apart("/orgs/:org/settings/clusters", part::clusters()),
        apart("/orgs/:org/settings/webhooks", part::subscribers()),
        apart("/orgs/:org/settings/webhooks/:webhook", part::subscriber()),
        apart(
            "/orgs/:org/settings/webhooks/:webhook/deliveries/:delivery",
            part::message(),
        ),
        apart("/orgs/:org/settings/mail", part::mail()),
        apart("/orgs/:org/projects/new", part::new_project()),
        apart("/orgs/:org/templates", part::templates()),
        apart("/orgs/:org/templates/new", part::new_template()),
        apart("/orgs/:org/templates/upgrades/:id", part::template_upgrade()),
        apart("/orgs/:org/templates/:template", part::template()),
        apart("/orgs/:org/templates/:template/edit", part::document()),
        apart("/orgs/:org/templates/:template/usage", part::template_usage()),
        apart("/orgs/:org/projects/:project/templates", part::templates()),
        apart("/orgs/:org/projects/:project/templates/new", part::new_template()),
        apart(
            "/orgs/:org/projects/:project/templates/upgrades/:id",
            part::template_upgrade(),
        ),
        apart(
            "/orgs/:org/projects/:project/templates/:template",
            part::template(),
        ),
        apart(
            "/orgs/:org/projects/:project/templates/:template/edit",
            part::document(),
        ),
        apart(
            "/orgs/:org/projects/:project/templates/:template/usage",
            part::template_usage(),
        ),
        apart("/orgs/:org/projects/:project/settings", part::project_settings()),
        apart(
            "/orgs/:org/projects/:project/settings/automation",
            part::automation(),
        ),
        apart(
            "/orgs/:org/projects/:project/settings/tokens",
            part::project_tokens(),
        ),
        apart(
            "/orgs/:org/projects/:project/settings/webhooks",
            part::subscribers(),
        ),
        apart(
            "/orgs/:org/projects/:project/settings/webhooks/:webhook",
            part::subscriber(),
        ),
        apart(
            "/orgs/:org/projects/:project/settings/webhooks/:webhook/deliveries/:delivery",
            part::message(),
        ),
        apart("/orgs/:org/projects/:project/apps/new", part::new_app()),
        apart(
            "/orgs/:org/projects/:project/apps/:app/settings",
            part::app_settings(),
        ),
        apart(
            "/orgs/:org/projects/:project/apps/:app/settings/workload",
            part::workload(),
        ),
        apart("/", part::home()),
        apart("/approvals", part::approvals()),
        apart("/approvals/:id", part::approval()),
        apart("/a/:id", part::approval()),
        apart("/me/tokens", part::tokens()),
        apart("/orgs/:org", part::org()),
        apart("/orgs/:org/members", part::members()),
        apart("/orgs/:org/audit", part::audit()),
        apart("/orgs/:org/projects/:project", part::project()),
        apart("/orgs/:org/projects/:project/board", part::board()),
        apart("/orgs/:org/projects/:project/board/setup", part::board_setup()),
        apart("/orgs/:org/projects/:project/board/setup/:kind", part::workflow()),
        apart("/orgs/:org/projects/:project/bugs", part::bugs()),
        apart("/orgs/:org/projects/:project/items/new", part::new_item()),
        apart("/orgs/:org/projects/:project/items/import", part::intakes()),
        apart("/orgs/:org/projects/:project/items/import/:id", part::intake()),
        apart("/orgs/:org/projects/:project/items/:key", part::item()),
        apart("/orgs/:org/projects/:project/items/:key/edit", part::edit_item()),
        apart("/orgs/:org/projects/:project/table", part::items_table()),
        apart("/orgs/:org/projects/:project/roadmap", part::roadmap()),
        apart("/orgs/:org/projects/:project/backlog", part::backlog()),
        apart("/orgs/:org/projects/:project/insights", part::insights()),
        apart("/orgs/:org/projects/:project/insights/dora", part::delivery()),
        apart(
            "/orgs/:org/projects/:project/insights/stream",
            part::value_stream(),
        ),
        apart(
            "/orgs/:org/projects/:project/insights/items",
            part::counted_items(),
        ),
        apart(
            "/orgs/:org/projects/:project/iterations/:number/report",
            part::iteration_report(),
        ),
        apart("/orgs/:org/projects/:project/iterations", part::iterations()),
        apart(
            "/orgs/:org/projects/:project/iterations/:number",
            part::iteration(),
        ),
        apart("/orgs/:org/projects/:project/import", part::import()),
        apart("/orgs/:org/projects/:project/imports/:id", part::one_import()),
        apart("/orgs/:org/projects/:project/members", part::members()),
        apart("/orgs/:org/projects/:project/audit", part::audit()),
        apart("/orgs/:org/projects/:project/environments", part::environments()),
        apart(
            "/orgs/:org/projects/:project/environments/:environment",
            part::history(),
        ),
        apart(
            "/orgs/:org/projects/:project/environments/:environment/approvers",
            part::approvers(),
        ),
        apart("/orgs/:org/freezes", part::freezes()),
        apart("/orgs/:org/projects/:project/freezes", part::freezes()),
        apart("/orgs/:org/projects/:project/apps/:app/freezes", part::freezes()),
        apart("/orgs/:org/projects/:project/apps/:app", part::application()),
        apart(
            "/orgs/:org/projects/:project/apps/:app/releases",
            part::releases(),
        ),
        apart(
            "/orgs/:org/projects/:project/apps/:app/releases/compare",
            part::comparison(),
        ),
        apart(
            "/orgs/:org/projects/:project/apps/:app/releases/commit",
            part::commit(),
        ),
        apart(
            "/orgs/:org/projects/:project/apps/:app/releases/:version",
            part::release(),
        ),
        apart(
            "/orgs/:org/projects/:project/apps/:app/promotions/:id",
            part::promotion(),
        ),
        apart(
            "/orgs/:org/projects/:project/apps/:app/environments/:environment/drift",
            part::stop_drift(),
        ),
        apart(
            "/orgs/:org/projects/:project/apps/:app/environments/:environment",
            part::pods(),
        ),
        apart(
            "/orgs/:org/projects/:project/apps/:app/environments/:environment/pods/:pod",
            part::pod_log(),
        ),
        apart("/orgs/:org/projects/:project/apps/:app/audit", part::audit()),
        apart("/orgs/:org/projects/:project/apps/:app/pipelines", part::runs()),
        apart(
            "/orgs/:org/projects/:project/apps/:app/pipelines/edit",
            part::editor(),
        ),
        apart(
            "/orgs/:org/projects/:project/apps/:app/pipelines/edit/copy",
            part::copy_job(),
        ),
        apart(
            "/orgs/:org/projects/:project/apps/:app/pipelines/drift",
            part::drift(),
        ),
        apart(
            "/orgs/:org/projects/:project/apps/:app/pipelines/upgrade",
            part::app_upgrade(),
        ),
        apart(
            "/orgs/:org/projects/:project/apps/:app/pipelines/new",
            part::gallery(),
        ),
        apart(
            "/orgs/:org/projects/:project/apps/:app/pipelines/new/:template",
            part::form(),
        ),
        apart(
            "/orgs/:org/projects/:project/apps/:app/settings/mirror",
            part::mirror(),
        ),
        apart(
            "/orgs/:org/projects/:project/apps/:app/settings/variables",
            part::variables(),
        ),
        apart(
            "/orgs/:org/projects/:project/apps/:app/schedules",
            part::schedules(),
        ),
        apart(
            "/orgs/:org/projects/:project/apps/:app/schedules/new",
            part::new_schedule(),
        ),
        apart(
            "/orgs/:org/projects/:project/apps/:app/schedules/:schedule",
            part::schedule(),
        ),
        apart("/orgs/:org/projects/:project/apps/:app/runs/new", part::new_run()),
        apart("/orgs/:org/projects/:project/apps/:app/runs/:number", part::run()),
        apart(
            "/orgs/:org/projects/:project/apps/:app/runs/:number/reports",
            part::reports(),
        ),
        apart(
            "/orgs/:org/projects/:project/apps/:app/runs/:number/jobs/:job/files",
            part::artifacts(),
        ),
        apart("/sign-in/code", part::sign_in_code()),
        apart("/me", part::profile()),
        apart("/me/security", part::security()),
        apart("/me/sessions", part::sessions()),
        apart("/me/confirm", part::confirm()),
        apart("/join", part::join()),
        apart("/operator", part::accounts()),
        apart("/operator/sign-in", part::providers()),
        apart("/operator/sign-in/:provider", part::provider()),
        apart("/operator/audit", part::server_audit()),
        apart("/search", part::search()),
        apart("/notifications", part::notices()),
        apart("/notifications/settings", part::notice_settings()),
        apart("/orgs/:org/members/:person", part::person()),
        apart("/orgs/:org/groups", part::groups()),
        apart("/orgs/:org/groups/:group", part::group()),
        apart("/orgs/:org/roles", part::roles()),
        apart("/orgs/:org/roles/:role", part::role()),
        apart("/orgs/:org/projects/:project/members/:person", part::person()),
        apart("/orgs/:org/projects/:project/apps/:app/members", part::members()),
        apart(
            "/orgs/:org/projects/:project/apps/:app/members/:person",
            part::person(),
        ),
    ]
}

/// Fetches the part of the WASM that the page at `path` is in. Hydration has to find it there: while it waits for a
/// part, a click would change the page under it.
pub async fn fetch_part(path: &str) {
    route::fetch(routes(), path).await;
}

/// Slipway's mark; in the page, since it is smaller than a request.
pub const FAVICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16' fill='none' \
    stroke='%232450d6' stroke-width='1.8' stroke-linecap='round'%3E%3Cpath d='M2 12 14 5.3M4 8.7l2-4.7 6 2-2 3.3M2 14h12'/%3E%3C/svg%3E";

/// The document around the app, for the server.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let seed = seed();
    let nonce = use_nonce();
    view! {
        <!DOCTYPE html>
        <html lang=i18n::locale().tag() data-theme=seed.theme.clone()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" href=FAVICON type="image/svg+xml"/>
                <link rel="stylesheet" href=format!("/{}/{}.css", options.site_pkg_dir, options.output_name) nonce=nonce/>
                <HydrationScripts options/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// The seed of this page: from the request on the server, from the page in the browser.
fn seed() -> Seed {
    #[cfg(feature = "ssr")]
    {
        let cookie =
            use_context::<http::request::Parts>().and_then(|parts| cookie(&parts.headers, "slipway_theme"));
        let theme = cookie.filter(|theme| theme == "light" || theme == "dark");
        Seed {
            theme: theme.unwrap_or_else(|| String::from("system")),
            flash: use_context::<Option<Flash>>().flatten(),
            made_at: use_context::<slipway_portal::OpCtx>().map_or(0, |ctx| ctx.now().micros()),
        }
    }
    #[cfg(not(feature = "ssr"))]
    Seed::default()
}

/// A cookie of the request.
#[cfg(feature = "ssr")]
fn cookie(headers: &http::HeaderMap, name: &str) -> Option<String> {
    let pairs = headers
        .get_all(http::header::COOKIE)
        .into_iter()
        .filter_map(|v| v.to_str().ok());
    pairs
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}

/// The app.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    #[cfg(feature = "ssr")]
    provide_context(use_context::<slipway_portal::OpCtx>().map_or_else(Default::default, |ctx| ctx.locale()));
    provide_context(SharedValue::<_, SeedCodec>::new_with_encoding(seed).into_inner());
    let (routing, set_routing) = signal(false);
    view! {
        <Title formatter=|title: String| if title.is_empty() { title } else { format!("{} · Slipway", raw_text(&title)) }/>
        <Router set_is_routing=set_routing>
            <Frame routing>{table()}</Frame>
        </Router>
    }
}

fn table() -> AnyView {
    let props = FlatRoutesProps::builder()
        .fallback(|| view! { <ErrorState error=AppError::not_found()/> })
        .children(ToChildren::to_children(|| route::children(routes())))
        .build();
    FlatRoutes(props).into_any()
}

/// The context of a server function: who asks, and everything a use case needs.
///
/// # Errors
/// 401 where nobody is signed in.
#[cfg(feature = "ssr")]
pub fn ctx() -> Result<slipway_portal::OpCtx, AppError> {
    let ctx = anyones_ctx()?;
    ctx.user()?;
    Ok(ctx)
}

/// The context of a server function that anybody may call, signed in or not.
///
/// # Errors
/// There is none: a bug.
#[cfg(feature = "ssr")]
pub fn anyones_ctx() -> Result<slipway_portal::OpCtx, AppError> {
    let ctx = use_context::<slipway_portal::OpCtx>();
    let ctx = ctx.ok_or_else(|| AppError::from(slipway_portal::Error::internal("no operation context")))?;
    provide_context(ctx.locale());
    Ok(ctx)
}
