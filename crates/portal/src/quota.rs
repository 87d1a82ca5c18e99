//! Quotas of a project's environments.

use crate::access::{self, Authorized, Project, may};
use crate::change::Entry;
use crate::context::OpCtx;
use crate::environment::look_at_pending;
use crate::error::{Error, FieldError, Result};
use crate::ports::{PlacedWorkload, Tx};
use crate::version;
use slipway_domain::environment::EnvironmentRef;
use slipway_domain::id::AppId;
use slipway_domain::quota::{self, Quota, QuotaError, Requests};
use slipway_domain::release::Workload;
use std::collections::BTreeMap;

/// What an app has in an environment.
#[derive(Default)]
struct Placed {
    runs: Option<Workload>,
    coming: Option<Workload>,
}

/// What the apps of an environment ask for now, beside `but`: while one is being deployed, the most that it asks for on
/// the way.
pub(crate) async fn taken(
    tx: &mut dyn Tx,
    project: &Authorized<Project, may::See>,
    environment: &EnvironmentRef,
    but: Option<AppId>,
) -> Result<Requests> {
    let mut apps: BTreeMap<AppId, Placed> = BTreeMap::new();
    for PlacedWorkload {
        app,
        workload,
        coming,
    } in tx.workloads(project, environment.id).await?
    {
        let placed = apps.entry(app).or_default();
        if coming {
            placed.coming = Some(workload);
        } else {
            placed.runs = Some(workload);
        }
    }
    let key = &environment.key;
    let beside = apps.iter().filter(|(app, _)| Some(**app) != but);
    let requests = beside.map(|(_, placed)| match (&placed.runs, &placed.coming) {
        (runs, Some(coming)) => quota::peak(runs.as_ref(), coming, key),
        (Some(runs), None) => quota::requests(runs, key),
        (None, None) => Requests::default(),
    });
    Ok(requests.sum())
}

/// A quota as it was typed; nothing typed is no limit.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// As in `4` or `500m`.
    pub cpu: String,
    /// As in `8Gi`.
    pub memory: String,
    /// As in `20`.
    pub pods: String,
}

/// Sets the quota of an environment, by its key.
///
/// # Errors
/// [`Error::Forbidden`] for those who may not create projects; wrong amounts, field by field; [`Error::NotFound`] where
/// there is no such environment; `archived`.
pub async fn set(ctx: &OpCtx, org: &str, project: &str, environment: &str, input: &Input) -> Result<()> {
    let project = access::project::<may::ProjectCreate>(ctx, org, project).await?;
    let quota = read(input)?;
    let mut change = ctx.change().await?;
    change.tx().lock_org(project.org_id()).await?;
    let row = change
        .tx()
        .quotas(&project.see())
        .await?
        .into_iter()
        .find(|row| row.environment.key == environment)
        .ok_or(Error::NotFound)?;
    change.only_on(version::quota(&row.quota))?;
    change
        .tx()
        .set_quota(&project.modify(), row.environment.id, &quota)
        .await?;
    let place = project.place();
    let words = |quota: &Quota| {
        serde_json::json!({
            "cpu": quota.cpu_text(), "memory": quota.memory_text(), "pods": quota.pods_text(),
        })
    };
    let summary = serde_json::json!({ "before": words(&row.quota), "after": words(&quota) });
    change
        .audit(Entry::done(
            "quota.set",
            "environment",
            row.environment.id,
            row.environment.name,
            &place,
            summary,
        ))
        .await?;
    change.touch("project", project.id(), &place);
    // What waits for room may have it now.
    look_at_pending(ctx, &mut change, project.org_id()).await?;
    change.commit().await
}

fn read(input: &Input) -> Result<Quota> {
    let mut wrong = Vec::new();
    let mut take = |field: &str, read: std::result::Result<Option<i64>, QuotaError>| match read {
        Ok(amount) => amount,
        Err(error) => {
            wrong.push(FieldError {
                field: field.to_owned(),
                text: error.text(),
            });
            None
        }
    };
    let quota = Quota {
        cpu_millis: take("cpu", quota::cpu(&input.cpu)),
        memory_mib: take("memory", quota::memory(&input.memory)),
        pods: take("pods", quota::pods(&input.pods)),
    };
    if wrong.is_empty() {
        Ok(quota)
    } else {
        Err(Error::Invalid(wrong))
    }
}
