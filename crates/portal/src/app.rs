//! Applications.

use crate::access::{self, App, At, Authorized, Managed, Project, may};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::place::{self, taken};
use crate::ports::NewApp;
use crate::{promotion, proposal, run, template};
use slipway_domain::access::{Action, ActionSet};
use slipway_domain::app::{AppOverview, AppPage, AppRights, AppSettings};
use slipway_domain::feature::Feature;
use slipway_domain::id::AppId;
use slipway_domain::release::Workload;

/// Runs on the app's page.
const RUNS: i64 = 5;

/// An app to be made.
#[derive(Clone, Debug)]
pub struct Input {
    /// In URLs, and the name of its workload.
    pub slug: String,
    /// For people.
    pub name: String,
    /// What it is for.
    pub description: String,
}

/// Makes an app.
///
/// # Errors
/// [`Error::Forbidden`], a wrong or taken name, or the database does not answer.
pub async fn create(ctx: &OpCtx, org: &str, project: &str, input: Input) -> Result<AppId> {
    let project = access::project::<may::AppCreate>(ctx, org, project).await?;
    let id = ctx.id::<AppId>();
    let mut change = ctx.change().await?;
    insert(&mut change, &project, id, &input).await?;
    change.commit().await?;
    Ok(id)
}

/// Makes an app of that id in an open change, with its audit row.
///
/// # Errors
/// As [`create`].
pub(crate) async fn insert(
    change: &mut Change<'_>,
    project: &Authorized<Project, may::AppCreate>,
    id: AppId,
    input: &Input,
) -> Result<()> {
    let typed = place::checked(&input.slug, &input.name, &input.description)?;
    let slug = typed.slug.clone();
    let new = NewApp {
        id,
        slug: typed.slug,
        name: typed.name,
        description: typed.description,
        workload: Workload::default(),
        at: change.ctx().now(),
    };
    let place = project.place();
    let modify = project.modify();
    place::free_for_app(change, project, &slug, None).await?;
    change.tx().claim_app_slug(&modify, &slug).await?;
    change.tx().insert_app(&modify, &new).await.map_err(taken)?;
    change
        .audit(Entry::done(
            "app.create",
            "app",
            id,
            new.name,
            &place,
            serde_json::json!({ "slug": slug }),
        ))
        .await?;
    change.touch("project", project.id(), &place);
    Ok(())
}

/// The app, its repository and its lane.
///
/// # Errors
/// As [`access::app`].
pub async fn overview(ctx: &OpCtx, org: &str, project: &str, slug: &str) -> Result<AppOverview> {
    let app = access::app::<may::See>(ctx, org, project, slug).await?;
    overview_of(ctx, &app).await
}

async fn overview_of(ctx: &OpCtx, app: &Authorized<App, may::See>) -> Result<AppOverview> {
    let held = access::rights_in(ctx, app).await?;
    let mut tx = ctx.read().await?;
    let (description, link, _) = tx.app_detail(app).await?;
    let lane = tx.app_lane(app).await?;
    drop(tx);
    let mut rights = rights(held);
    rights.settings = access::may_manage_app(ctx, app).await?;
    Ok(AppOverview {
        place: app.place(),
        description,
        repository: link.map(|l| l.repository),
        lane,
        next: None,
        rights,
        as_of: ctx.now(),
    })
}

/// What the app's page shows, all of it.
///
/// # Errors
/// As [`access::app`].
pub async fn page(ctx: &OpCtx, org: &str, project: &str, slug: &str) -> Result<AppPage> {
    let app = access::app::<may::See>(ctx, org, project, slug).await?;
    let mut overview = overview_of(ctx, &app).await?;
    let (released, piped) = (
        app.place().has(Feature::Releases),
        app.place().has(Feature::Pipelines),
    );
    let (mut open, mut runs, mut proposal, mut suggested) = (None, Vec::new(), None, None);
    if released {
        overview.next = promotion::next(ctx, &app, &overview.lane).await?;
        open = promotion::open_in(ctx, &app, &overview.lane).await?;
    }
    if piped {
        runs = run::newest(ctx, &app, RUNS).await?;
        proposal = proposal::open(ctx, &app).await?;
        suggested = template::upgrade::for_app(ctx, &app).await?;
    }
    Ok(AppPage {
        overview,
        runs,
        open,
        proposal,
        suggested,
        trouble: ctx.read().await?.repository_state(&app).await?.trouble,
    })
}

/// What the settings of an app show, archived or not.
///
/// # Errors
/// As [`access::managed_place`].
pub async fn settings(ctx: &OpCtx, org: &str, project: &str, slug: &str) -> Result<AppSettings> {
    let Managed::App(app) = access::managed_place(ctx, At::new(org, Some(project), Some(slug))).await? else {
        return Err(Error::NotFound);
    };
    let (description, link, _) = ctx.read().await?.app_detail(&app.see()).await?;
    Ok(AppSettings {
        place: app.place(),
        description,
        repository: link.map(|l| l.repository),
        workload: app.workload.name.clone(),
    })
}

/// The rights as the page shows them.
pub fn rights(held: ActionSet) -> AppRights {
    AppRights {
        manage: held.has(Action::AppManage),
        settings: held.has(Action::AppManage),
        edit_pipeline: held.has(Action::PipelineEdit),
        run_pipeline: held.has(Action::PipelineRun),
        promote_test: held.has(Action::PromoteTest),
        promote_production: held.has(Action::PromoteProduction),
        rollback: held.has(Action::Rollback),
        read_audit: held.has(Action::AuditRead),
    }
}
