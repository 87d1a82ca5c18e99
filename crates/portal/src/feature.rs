//! The switches of a project's features.

use crate::access::{self, may};
use crate::change::Entry;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::version;
use slipway_domain::feature::{Feature, Features};

/// Switches the features of a project: those of `on` stay or come back with their data, the others go.
///
/// # Errors
/// [`Forbidden`](crate::Error::Forbidden); `archived`.
pub async fn switch(ctx: &OpCtx, org: &str, project: &str, on: &[Feature]) -> Result<()> {
    let project = access::project::<may::ProjectManage>(ctx, org, project).await?;
    let features = Features::without(Feature::ALL.into_iter().filter(|feature| !on.contains(feature)));
    let mut change = ctx.change().await?;
    change.tx().lock_org(project.org_id()).await?;
    let now = change.tx().find_project_by_id(project.id()).await?;
    let before = now.ok_or(Error::NotFound)?.project.features;
    change.only_on(version::features(before))?;
    if features == before {
        return Ok(());
    }
    let keys = |features: Features| features.off().map(Feature::key).collect::<Vec<_>>();
    let summary = serde_json::json!({ "off_before": keys(before), "off": keys(features) });
    let place = project.place();
    change.tx().set_features(&project.modify(), features).await?;
    let name = project.project.name.clone();
    change
        .audit(Entry::done(
            "project.features",
            "project",
            project.id(),
            name,
            &place,
            summary,
        ))
        .await?;
    change.touch("project", project.id(), &place);
    change.commit().await
}
