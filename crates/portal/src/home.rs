//! The frame around every page, and the front page.

use crate::access::{self, AppScope, may};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::{notice, org, promotion};
use slipway_domain::access::{Action, ActionSet};
use slipway_domain::feature::Feature;
use slipway_domain::id::AppId;
use slipway_domain::org::{Chrome, FailingRun, MyWork, OrgProjects};
use slipway_domain::project::Place;
use slipway_domain::promotion::PromotionRow;
use std::collections::HashMap;

/// How many apps the front page shows.
const APPS: usize = 8;
/// How many of one's own promotions the front page shows.
const PROMOTIONS: i64 = 10;

/// What the frame shows. An organization, project or app that the reader may not see is left out of it; the
/// page inside the frame says so.
///
/// # Errors
/// [`Error::Unauthenticated`], or the database does not answer.
pub async fn chrome(
    ctx: &OpCtx,
    org: Option<&str>,
    project: Option<&str>,
    app: Option<&str>,
) -> Result<Chrome> {
    let person = ctx.user()?.clone();
    let approvals_waiting = ctx.read().await?.turns_of(person.id).await?;
    let (place, held, may_manage) = place_of(ctx, org, project, app).await?;
    Ok(Chrome {
        person,
        approvals_waiting,
        notices_unread: notice::unread_count(ctx).await?,
        place,
        may_read_audit: held.has(Action::AuditRead),
        may_manage,
        operator: access::is_operator(ctx).await?,
    })
}

/// The place of those names, what the reader may do there, and whether they may change its settings; a place they may
/// not see is none.
pub(crate) async fn place_of(
    ctx: &OpCtx,
    org: Option<&str>,
    project: Option<&str>,
    app: Option<&str>,
) -> Result<(Option<Place>, ActionSet, bool)> {
    let rights = ctx.rights().await?;
    if let (Some(org), Some(project), Some(app)) = (org, project, app)
        && let Some(app) = seen(access::app::<may::See>(ctx, org, project, app).await)?
    {
        let manage = access::may_manage(ctx, &app.within).await?;
        return Ok((Some(app.place()), rights.in_project(&app.within), manage));
    }
    let nothing = (None, ActionSet::EMPTY, false);
    Ok(match (org, project) {
        (Some(org), Some(project)) => match seen(access::project::<may::See>(ctx, org, project).await)? {
            Some(project) => {
                let manage = access::may_manage(ctx, &project).await?;
                (Some(project.place()), rights.in_project(&project), manage)
            }
            None => nothing,
        },
        (Some(org), None) => match seen(access::org::<may::See>(ctx, org).await)? {
            Some(org) => {
                let held = rights.at_org(org.id());
                (Some(org.place()), held, held.has(Action::OrgManage))
            }
            None => nothing,
        },
        (None, _) => nothing,
    })
}

/// `None` for what the reader may not see.
fn seen<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound | Error::Forbidden(_)) => Ok(None),
        Err(other) => Err(other),
    }
}

/// What the front page shows.
///
/// # Errors
/// [`Error::Unauthenticated`], or the database does not answer.
pub async fn work(ctx: &OpCtx) -> Result<MyWork> {
    let person = ctx.user()?.clone();
    let rights = ctx.rights().await?;
    let approvals = promotion::inbox(ctx).await?.waiting;
    let promotions = own_promotions(ctx).await?;
    let (mut apps, mut failing, mut orgs) = (Vec::new(), Vec::new(), Vec::new());
    for found in org::list(ctx).await? {
        let authorized = access::org::<may::See>(ctx, &found.slug).await?;
        let mut tx = ctx.read().await?;
        let mut visible: Vec<AppScope> = tx.apps_in(&authorized).await?;
        visible.retain(|app| rights.in_app(app).has(Action::See));
        let places: HashMap<AppId, Place> = visible.iter().map(|app| (app.app.id, app.place())).collect();
        for (app, run) in tx.failing_in(&authorized).await? {
            if let Some(place) = places.get(&app).filter(|place| place.has(Feature::Pipelines)) {
                failing.push(FailingRun {
                    place: place.clone(),
                    run,
                });
            }
        }
        let mut projects = tx.projects(&authorized).await?;
        projects.retain(|c| {
            !c.project.archived
                && rights
                    .in_project_of(found.id, c.project.id, c.internal)
                    .has(Action::See)
        });
        apps.extend(visible.iter().map(AppScope::place));
        orgs.push(OrgProjects {
            org: found,
            projects: projects.into_iter().map(|c| c.project).collect(),
        });
    }
    apps.truncate(APPS);
    Ok(MyWork {
        person,
        approvals,
        promotions,
        failing,
        apps,
        orgs,
    })
}

/// What the reader asked for and has not succeeded, newest first, in apps they still see.
async fn own_promotions(ctx: &OpCtx) -> Result<Vec<PromotionRow>> {
    let unfinished = ctx
        .read()
        .await?
        .unfinished_of(ctx.user()?.id, PROMOTIONS)
        .await?;
    let mut rows = Vec::new();
    for (promotion, app) in unfinished {
        let Some(app) = seen(access::app_by_id::<may::See>(ctx, app).await)? else {
            continue;
        };
        rows.extend(ctx.read().await?.promotion_row(&app, promotion).await?);
    }
    Ok(rows)
}
