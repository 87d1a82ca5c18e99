//! Where an environment runs, what goes there by itself, and whether approvers prove who they are.

use super::{branches_of, keep, placed};
use crate::access::{self, may};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use slipway_domain::id::ClusterId;

/// What is changed of an environment.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// The cluster it runs on; `None`: none, so nothing can be deployed.
    pub cluster: Option<ClusterId>,
    /// The namespace in it.
    pub namespace: String,
    /// Ref patterns whose green pipelines go there by themselves.
    pub branches: Vec<String>,
    /// Whether whoever approves must have proved lately that it is them.
    pub step_up: bool,
}

/// Changes the environment `key` as it was at `version`; its name, tier and approval rules stay.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`]; wrong fields; [`Error::Conflict`] where somebody else changed it meanwhile.
pub async fn bind(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    key: &str,
    version: i64,
    input: Input,
) -> Result<()> {
    let project = access::project::<may::EnvironmentEdit>(ctx, org, project).await?;
    let mut change = ctx.change().await?;
    let chain = change.tx().environments(&project.see()).await?;
    let old = chain
        .into_iter()
        .find(|environment| environment.environment.key == key)
        .ok_or(Error::NotFound)?;
    let mut wrong = Vec::new();
    let mut record = old.clone();
    let binding = input
        .cluster
        .map(|cluster| (cluster, input.namespace.trim().to_owned()));
    record.binding = placed(&mut change, project.org_id(), binding, &mut wrong).await?;
    record.branches = branches_of(&input.branches, &mut wrong);
    record.policy.step_up = input.step_up;
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    keep(ctx, change, &project, &old, record, version).await
}
