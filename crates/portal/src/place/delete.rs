//! The end of a place: it asks for the name, and is refused while something runs.

use super::archive::unfinished_promotions;
use super::{called, entry, tell, words};
use crate::access::{self, At, Managed};
use crate::connection::revocation;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::jobs::Job;
use crate::shelf;
use slipway_domain::project::Place;
use slipway_domain::text::Text;

/// Deletes a place with everything in it: an app, or without one a project, or without either an organization. Its
/// rows of the audit log stay. Answers where it was.
///
/// # Errors
/// [`Error::Forbidden`]; `confirm` is not the name of the place; `deployed` while something of it runs in an environment;
/// `unfinished` while promotions in it have not ended.
pub async fn delete(
    ctx: &OpCtx,
    org: &str,
    project: Option<&str>,
    app: Option<&str>,
    confirm: &str,
) -> Result<Place> {
    let place = access::managed_place(ctx, At::new(org, project, app)).await?;
    let (_, known) = called(&place);
    if confirm.trim() != known {
        return Err(Error::field(
            "confirm",
            Text::new(
                format!("this is not its name; type “{known}” to delete it"),
                format!("名称不符，请输入“{known}”以确认删除"),
            ),
        ));
    }
    let mut change = ctx.change().await?;
    let deployed = change.tx().deployed_in(&place).await?;
    if !deployed.is_empty() {
        return Err(still_there(&deployed));
    }
    let unfinished = change.tx().unfinished_in(&place).await?;
    if unfinished > 0 {
        return Err(unfinished_promotions(unfinished));
    }
    let at = place.place();
    change
        .audit(entry(words(&place).delete, &place, &at, serde_json::json!({})))
        .await?;
    if let Managed::Org(org) = &place {
        for record in change.tx().connections(org.id()).await? {
            if let Some(grant) = &record.grant {
                revocation::begin(&mut change, &record, grant).await?;
            }
        }
    }
    change.tx().delete_place(&place, ctx.now()).await?;
    change
        .enqueue(&Job::SweepShelf, ctx.now(), Some(shelf::JOB))
        .await?;
    tell(&mut change, &place);
    change.commit().await?;
    Ok(at)
}

fn still_there(deployed: &[(String, String)]) -> Error {
    let list = |between: &str, of: fn(&(String, String)) -> String| {
        deployed.iter().map(of).collect::<Vec<_>>().join(between)
    };
    Error::refused(
        "deployed",
        format!(
            "Something of it is deployed: {}. Remove the workloads from the cluster; Slipway sees within a minute that \
             they are gone. Or archive it instead.",
            list(", ", |(app, environment)| format!("{app} in {environment}"))
        ),
        format!(
            "其中仍有部署：{}。请先从集群中移除工作负载，Slipway 会在一分钟内发现。也可以改为归档。",
            list("、", |(app, environment)| format!("{environment} 中的 {app}"))
        ),
    )
}
