//! REST v1: every use case, for programs. A handler is context → one use case → JSON. Each noun has its routes, its
//! shapes and their description in the file of its name.

#![expect(
    unused_qualifications,
    reason = "what utoipa writes around handlers names their types by long paths"
)]

pub mod application;
pub mod approval;
pub mod artifact;
pub mod ask;
pub mod attachment;
pub mod audit;
pub mod beside;
pub mod board_setup;
pub mod cluster;
pub mod comment;
pub mod comparison;
pub mod connection;
pub mod delegation;
mod digest;
pub mod docs;
pub mod drift;
pub mod environment;
mod freeze;
mod gating;
pub mod group;
mod hold;
pub mod import;
mod intake;
pub mod invitation;
pub mod item;
pub mod item_file;
pub mod iteration;
pub mod iteration_report;
pub mod job;
pub mod limit;
pub mod mail;
pub mod me;
pub mod member;
mod mirror;
pub mod notice;
pub mod once;
pub mod operator;
pub mod org;
pub mod paging;
pub mod place;
pub mod planning;
mod pod;
pub mod project;
pub mod promotion;
pub mod proposal;
pub mod refusals;
pub mod release;
pub mod role;
pub mod run;
pub mod sample;
pub mod saved_view;
pub mod schedule;
mod search;
pub mod settings;
pub mod subscriber;
pub mod template;
pub mod template_upgrade;
mod trail;
mod value_stream;
pub mod variable;
pub mod working_copy;
pub mod workload;

use super::problem::{Problem, Refusal};
use super::route::Route;
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

/// The answer of a handler.
pub type Answer<T> = Result<Json<T>, Refusal>;

/// The routes of every noun.
pub const ROUTES: &[&[Route]] = &[
    application::ROUTES,
    approval::ROUTES,
    artifact::ROUTES,
    audit::ROUTES,
    beside::ROUTES,
    cluster::ROUTES,
    comment::ROUTES,
    connection::ROUTES,
    delegation::ROUTES,
    digest::ROUTES,
    drift::ROUTES,
    environment::ROUTES,
    freeze::ROUTES,
    gating::ROUTES,
    group::ROUTES,
    hold::ROUTES,
    import::ROUTES,
    intake::ROUTES,
    invitation::ROUTES,
    item::ROUTES,
    board_setup::ROUTES,
    saved_view::ROUTES,
    item_file::ROUTES,
    iteration::ROUTES,
    iteration_report::ROUTES,
    planning::ROUTES,
    job::ROUTES,
    mail::ROUTES,
    me::ROUTES,
    mirror::ROUTES,
    member::ROUTES,
    notice::ROUTES,
    operator::ROUTES,
    org::ROUTES,
    pod::ROUTES,
    project::ROUTES,
    promotion::ROUTES,
    proposal::ROUTES,
    working_copy::ROUTES,
    release::ROUTES,
    role::ROUTES,
    run::ROUTES,
    schedule::ROUTES,
    search::ROUTES,
    settings::ROUTES,
    subscriber::ROUTES,
    template::ROUTES,
    template_upgrade::ROUTES,
    trail::ROUTES,
    value_stream::ROUTES,
    attachment::ROUTES,
    variable::ROUTES,
    comparison::ROUTES,
    workload::ROUTES,
];

/// The description of this API.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Slipway",
        description = "Everything that Slipway's pages do, for programs. Send an API token as a bearer token. Refusals \
                       are RFC 9457 problems. A POST with an `Idempotency-Key` that succeeded is answered alike for 24 \
                       hours. `RateLimit-*` headers say how many requests of this minute are left."
    ),
    paths(
        application::list, application::create, application::show, application::connect,
        approval::inbox, approval::decide,
        artifact::reports, artifact::list, artifact::archive, artifact::file,
        audit::list, audit::export,
        beside::merged, beside::copy_job, beside::drift, beside::restore, beside::switch,
        cluster::list, cluster::create, cluster::update, cluster::remove, cluster::test,
        connection::list, connection::create, connection::update, connection::remove, connection::test,
        digest::show, digest::update, delegation::list, delegation::give, delegation::take_back,
        drift::show, drift::settle,
        environment::list, environment::bind, environment::reorder,
        freeze::list, freeze::create, freeze::update, freeze::remove,
        gating::set_gating, gating::set_rules, gating::preview, gating::routes, gating::remove,
        hold::list, hold::put, hold::lift,
        group::list, group::create, group::show, group::update, group::remove, group::add, group::take_out,
        import::list, import::create, import::show, import::retry, import::stop,
        invitation::list, invitation::create, invitation::revoke, invitation::requests, invitation::ask,
        invitation::decide,
        comment::add, comment::edit, comment::remove, comment::link, comment::unlink, comment::watch,
        comment::unwatch,
        item::list, item::create, item::show, item::edit, item::set_state, item::set_place, item::bugs,
        item::start_iteration,
        board_setup::board, board_setup::show, board_setup::set_board, board_setup::set_workflow,
        saved_view::table, saved_view::list, saved_view::create, saved_view::update, saved_view::remove, item::remove,
        item_file::roadmap,
        mirror::show, mirror::set, mirror::conflicts, mirror::settle,
        trail::show, trail::brought, trail::show_automation, trail::set_automation,
        value_stream::show, value_stream::export,
        intake::list, intake::begin, intake::show, intake::start, intake::stop,
        attachment::list, attachment::add, attachment::show, attachment::remove,
        item_file::export,
        iteration_report::show, iteration_report::export, iteration_report::counted,
        iteration::list, iteration::start, iteration::close, iteration::chart,
        planning::work, planning::delivery, planning::plan, planning::show, planning::update, planning::backlog,
        planning::bulk,
        job::log, job::retry, job::cancel, job::play,
        mail::show, mail::update, mail::remove, mail::test,
        me::show, me::profile, me::update, me::sessions, me::end, me::end_others, me::identities, me::unlink,
        member::list, member::grant, member::change, member::revoke, member::person, member::remove,
        notice::list, notice::mark, notice::settings, notice::choose,
        operator::operators, operator::list, operator::create, operator::show, operator::update, operator::remove,
        operator::test, operator::audit, operator::export,
        org::list, org::show,
        pod::list, pod::log, pod::stream, pod::scale, pod::restart,
        project::list, project::create, project::show,
        promotion::list, promotion::request, promotion::roll_back, promotion::show, promotion::cancel,
        promotion::retry,
        proposal::templates, proposal::check, proposal::propose, proposal::merge,
        working_copy::show, working_copy::save, working_copy::discard, working_copy::propose,
        release::list, release::show, release::notes, release::manifests, release::mark_defective,
        comparison::compare, comparison::commit, comparison::deployments,
        workload::show, workload::update,
        role::list, role::create, role::show, role::update, role::remove,
        run::list, run::start, run::inputs, run::show, run::retry, run::cancel,
        schedule::list, schedule::create, schedule::update, schedule::remove, schedule::own, schedule::play,
        schedule::preview,
        search::find,
        settings::create_org, settings::update_org, settings::remove, settings::archive, settings::restore,
        settings::show, settings::update_project, settings::switch, settings::set_quota, settings::update_app,
        subscriber::list, subscriber::create, subscriber::show, subscriber::update, subscriber::remove,
        subscriber::rotate, subscriber::test, subscriber::deliveries, subscriber::delivery, subscriber::resend,
        template::list, template::create, template::show, template::save, template::remove, template::publish,
        template::version, template::deprecate, template::withdraw, template::restore, template::uses,
        template_upgrade::start, template_upgrade::show, template_upgrade::retry, template_upgrade::stop,
        template_upgrade::of_app, template_upgrade::propose,
        variable::list, variable::create, variable::update, variable::remove,
    ),
    components(schemas(Problem)),
    security(("token" = [])),
    modifiers(&Token)
)]
pub struct Description;

/// How callers say who they are.
struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("slw_…")
            .description(Some("An API token, made on the page /me/tokens"))
            .build();
        if let Some(components) = &mut document.components {
            components.add_security_scheme("token", SecurityScheme::Http(token));
        }
    }
}

/// `GET /api/v1/openapi.json`
pub async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(Description::openapi())
}

/// As an `ETag` has it.
fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// The answer to a request that made something.
fn created(id: String, url: String) -> Response {
    let location = [(header::LOCATION, url.clone())];
    (StatusCode::CREATED, location, Json(place::Made { id, url })).into_response()
}
