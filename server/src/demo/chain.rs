//! The demo's environments: dev, qa and uat on one cluster, live on another behind three approvers.

use super::CLUSTERS;
use super::places::{ORG, PROJECT};
use anyhow::Context as _;
use slipway_domain::access::Role;
use slipway_domain::approval::{ApprovalPolicy, ApprovalRule, Eligible};
use slipway_domain::id::ClusterId;
use slipway_domain::text::Text;
use slipway_portal::{OpCtx, cluster, environment};

/// Makes the chain where the project has none.
///
/// # Errors
/// A use case refused, which is a bug, or the database does not answer.
pub async fn seed(owner: &OpCtx) -> anyhow::Result<()> {
    if !environment::list(owner, ORG, PROJECT)
        .await?
        .environments
        .is_empty()
    {
        return Ok(());
    }
    let clusters = cluster::list(owner, ORG).await?;
    let id = |name: &str| -> anyhow::Result<ClusterId> {
        Ok(clusters
            .iter()
            .find(|c| c.name == name)
            .context("a cluster of the sandbox is missing")?
            .id)
    };
    let (dev, live) = (id(CLUSTERS[0])?, id(CLUSTERS[1])?);
    environment::create_default_chain(owner, ORG, PROJECT, |key| {
        let cluster = if key == "live" { live } else { dev };
        Some((cluster, format!("checkout-{key}")))
    })
    .await?;
    name_the_approvers(owner).await
}

/// Live asks the development lead, then a tester, then operations.
async fn name_the_approvers(owner: &OpCtx) -> anyhow::Result<()> {
    let chain = environment::list(owner, ORG, PROJECT).await?;
    let live = chain
        .environments
        .iter()
        .find(|e| e.environment.key == "live")
        .context("the chain has no live")?;
    let rule = |id: &str, en: &str, zh: &str, role| ApprovalRule {
        id: id.to_owned(),
        name: Text::new(en, zh),
        eligible: vec![Eligible::Role(role)],
        required: 1,
    };
    let policy = ApprovalPolicy {
        rules: vec![
            rule("dev", "dev approver", "开发审批人", Role::ProjectLead),
            rule("qa", "qa approver", "测试审批人", Role::ProjectTester),
            rule("live", "live approver", "上线审批人", Role::ProjectOps),
        ],
        ..live.policy.clone()
    };
    let input = environment::Input {
        key: live.environment.key.clone(),
        name: live.environment.name.clone(),
        tier: live.environment.tier,
        binding: live.binding.as_ref().map(|b| (b.cluster, b.namespace.clone())),
        branches: live.branches.clone(),
        policy,
        gating: slipway_domain::environment::Gating::default(),
    };
    environment::edit(owner, ORG, PROJECT, "live", live.version, input).await?;
    Ok(())
}
