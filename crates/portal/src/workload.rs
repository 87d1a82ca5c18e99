//! Workloads: how an app runs. A change holds from the next release on: what was released stays as it was made.

use crate::access::{self, App, Authorized, may};
use crate::change::Entry;
use crate::context::OpCtx;
use crate::error::{Error, FieldError, Result};
use crate::ports::{EnvironmentRecord, StoreError};
use slipway_domain::access::Action;
use slipway_domain::diff::diff_lines;
use slipway_domain::manifest::{self, Target, render};
use slipway_domain::release::Image;
use slipway_domain::workload::{RenderedIn, Workload, WorkloadForm, WorkloadView};
use std::collections::BTreeMap;

/// How the app runs, and what that becomes in each environment with the images of the newest release.
///
/// # Errors
/// As [`access::app`].
pub async fn view(ctx: &OpCtx, org: &str, project: &str, app: &str) -> Result<WorkloadView> {
    let app = access::app::<may::SeeReleases>(ctx, org, project, app)
        .await?
        .see();
    shown_with(ctx, &app, None).await
}

/// The page with what is set, or with what was `typed`; its mark is that of what is set.
async fn shown_with(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    typed: Option<Workload>,
) -> Result<WorkloadView> {
    let may_edit = access::rights_in(ctx, app).await?.has(Action::AppManage);
    let mut tx = ctx.read().await?;
    let (_, _, set) = tx.app_detail(app).await?;
    let mark = set.mark();
    let workload = typed.unwrap_or(set);
    let chain = tx.environments(&access::project_of(app)).await?;
    let newest = tx.releases(app, None, 1).await?.into_iter().next();
    drop(tx);
    let images = newest.map(|release| release.images).unwrap_or_default();
    let environments = if workload.manifests.is_empty() {
        chain
            .into_iter()
            .map(|one| shown(app, &workload, &images, one))
            .collect()
    } else {
        Vec::new()
    };
    Ok(WorkloadView {
        place: app.place(),
        mark,
        workload,
        may_edit,
        images,
        environments,
    })
}

fn shown(
    app: &Authorized<App, may::See>,
    workload: &Workload,
    images: &[Image],
    one: EnvironmentRecord,
) -> RenderedIn {
    let target = Target {
        app: &app.workload.name,
        project: &app.workload.part_of,
        environment: &one.environment.key,
        namespace: one.binding.as_ref().map_or("", |b| b.namespace.as_str()),
    };
    let plain = Workload {
        overrides: BTreeMap::new(),
        ..workload.clone()
    };
    let yaml = manifest::yaml(&render(target, images, workload));
    let over = diff_lines(&manifest::yaml(&render(target, images, &plain)), &yaml);
    RenderedIn {
        environment: one.environment,
        yaml,
        over,
    }
}

/// What the page of [`view`] would show once this form was saved, which it is not: for who may change how the app runs.
///
/// # Errors
/// As [`access::app`]; what cannot be read or is not valid, by the names of the fields, as in `form[port]`.
pub async fn preview(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    app: &str,
    form: &WorkloadForm,
) -> Result<WorkloadView> {
    let app = access::app::<may::AppManage>(ctx, org, project, app).await?.see();
    let workload = read(form)?;
    refuse_wrong(&workload)?;
    shown_with(ctx, &app, Some(workload)).await
}

/// What the form says.
fn read(form: &WorkloadForm) -> Result<Workload> {
    form.read().map_err(|wrong| {
        let said = |(field, text)| FieldError {
            field: format!("form[{field}]"),
            text,
        };
        Error::Invalid(wrong.into_iter().map(said).collect())
    })
}

fn refuse_wrong(workload: &Workload) -> Result<()> {
    let wrong = workload.check();
    if wrong.is_empty() {
        return Ok(());
    }
    let said = |(field, text)| FieldError { field, text };
    Err(Error::Invalid(wrong.into_iter().map(said).collect()))
}

/// As [`set`], from the fields of the form; what is wrong is told by their names, as in `form[port]`.
///
/// # Errors
/// As [`set`]; a field that cannot be read.
pub async fn set_typed(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    app: &str,
    mark: &str,
    form: &WorkloadForm,
) -> Result<()> {
    // Whether one may is said before what is wrong.
    access::app::<may::AppManage>(ctx, org, project, app).await?;
    set(ctx, org, project, app, mark, &read(form)?).await
}

/// Sets how the app runs, where it is still as it was at `mark`.
///
/// # Errors
/// As [`access::app`]; what is not valid, field by field; [`Error::Conflict`] where somebody else changed it meanwhile.
pub async fn set(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    app: &str,
    mark: &str,
    workload: &Workload,
) -> Result<()> {
    let app = access::app::<may::AppManage>(ctx, org, project, app).await?;
    refuse_wrong(workload)?;
    let mut change = ctx.change().await?;
    let (_, _, old) = change.tx().app_detail(&app.see()).await?;
    if old.mark() != mark {
        return Err(StoreError::Gone.into());
    }
    if old == *workload {
        return Ok(());
    }
    change.tx().set_workload(&app.modify(), workload).await?;
    let place = app.place();
    // Names only: what a variable holds may be a secret that somebody typed by mistake.
    let summary = serde_json::json!({
        "kind": workload.kind,
        "mark": { "before": old.mark(), "after": workload.mark() },
        "variables": workload.variables.keys().collect::<Vec<_>>(),
        "environments": workload.overrides.keys().collect::<Vec<_>>(),
        "manifests": workload.manifests,
    });
    let name = app.app.name.clone();
    change
        .audit(Entry::done(
            "app.workload",
            "app",
            app.id(),
            name,
            &place,
            summary,
        ))
        .await?;
    change.touch("app", app.id(), &place);
    change.commit().await
}
