//! What is set of an environment beside where it runs: whom it asks, what else it asks for, and that it goes.

use super::{eligible, keep, rule_people, said, wrong_gating, wrong_policy};
use crate::access::{self, Authorized, Project, may};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::EnvironmentRecord;
use slipway_domain::approval::ApprovalPolicy;
use slipway_domain::environment::{Gating, RefRoute, RulePeople, RulesPreview, routes, shifted};
use slipway_domain::text::Text;

async fn known(
    change: &mut Change<'_>,
    project: &Authorized<Project, may::EnvironmentEdit>,
    key: &str,
) -> Result<EnvironmentRecord> {
    let chain = change.tx().environments(&project.see()).await?;
    chain
        .into_iter()
        .find(|e| e.environment.key == key)
        .ok_or(Error::NotFound)
}

/// Sets what the environment asks for beside approvals, as it was at `version`. What waits is looked at again.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`]; wrong fields; [`Error::Conflict`] where somebody else changed it meanwhile.
pub async fn set_gating(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    key: &str,
    version: i64,
    gating: Gating,
) -> Result<()> {
    let project = access::project::<may::EnvironmentEdit>(ctx, org, project).await?;
    let mut change = ctx.change().await?;
    let old = known(&mut change, &project, key).await?;
    let wrong = wrong_gating(&gating);
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    let record = EnvironmentRecord {
        gating,
        ..old.clone()
    };
    keep(ctx, change, &project, &old, record, version).await
}

/// Sets whom the environment asks, as it was at `version`. What was approved by other rules is asked for anew.
///
/// # Errors
/// As [`set_gating`]; rules that nobody could satisfy.
pub async fn set_policy(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    key: &str,
    version: i64,
    policy: ApprovalPolicy,
) -> Result<()> {
    let project = access::project::<may::EnvironmentEdit>(ctx, org, project).await?;
    let mut change = ctx.change().await?;
    let old = known(&mut change, &project, key).await?;
    let people = eligible(change.tx(), project.org_id(), project.id(), &policy).await?;
    if let Some(text) = wrong_policy(&policy, &people) {
        return Err(Error::Invalid(vec![said("policy", text)]));
    }
    let record = EnvironmentRecord {
        policy,
        ..old.clone()
    };
    keep(ctx, change, &project, &old, record, version).await
}

/// Who could approve now if these were the rules, rule by rule, and what is wrong with them: for trying rules out before they
/// are kept. Nothing is changed.
///
/// # Errors
/// As [`access::project`].
pub async fn who_could(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    policy: &ApprovalPolicy,
) -> Result<(Vec<RulePeople>, Option<Text>)> {
    let project = access::project::<may::EnvironmentEdit>(ctx, org, project).await?;
    rule_people(&mut *ctx.read().await?, &project.see(), policy).await
}

/// Where a green pipeline of a branch or tag would send its release by itself.
///
/// # Errors
/// As [`access::project`].
pub async fn where_to(ctx: &OpCtx, org: &str, project: &str, git_ref: &str) -> Result<Vec<RefRoute>> {
    let project = access::project::<may::See>(ctx, org, project).await?;
    let chain = ctx.read().await?.environments(&project).await?;
    Ok(routes(
        chain.iter().map(|e| (&e.environment, e.branches.as_slice())),
        git_ref.trim(),
    ))
}

/// Takes the environment out of the chain, as it was at `version`. What waits for it is cancelled with the reason; its history
/// stays, and so does what runs in its namespace.
///
/// # Errors
/// As [`set_gating`]; [`Error::Refused`] `deploying` while something is being deployed there.
pub async fn remove(ctx: &OpCtx, org: &str, project: &str, key: &str, version: i64) -> Result<()> {
    let project = access::project::<may::EnvironmentEdit>(ctx, org, project).await?;
    let mut change = ctx.change().await?;
    let old = known(&mut change, &project, key).await?;
    if old.version != version {
        return Err(crate::ports::StoreError::Gone.into());
    }
    let name = old.environment.name.clone();
    if change
        .tx()
        .deploying_to(&project.see(), old.environment.id, ctx.now())
        .await?
    {
        return Err(Error::refused(
            "deploying",
            format!("Something is being deployed to {name}. Wait until it has ended."),
            format!("{name} 正在部署，请等待结束。"),
        ));
    }
    change
        .tx()
        .remove_environment(&project.modify(), old.environment.id, ctx.now())
        .await?;
    let place = project.place();
    let summary = serde_json::json!({ "key": key });
    let id = old.environment.id;
    change
        .audit(Entry::done(
            "environment.remove",
            "environment",
            id,
            name,
            &place,
            summary,
        ))
        .await?;
    change.touch("project", project.id(), &place);
    super::look_at_pending(ctx, &mut change, project.org_id()).await?;
    change.commit().await
}

/// Moves one environment a place up or down. `seen` is the order that the page showed, keys with blanks between, and `moved`
/// is `up` or `down` and a key: where the order is another by now, nothing is moved.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::Conflict`] where somebody else changed the order meanwhile; there is no such step.
pub async fn shift(ctx: &OpCtx, org: &str, project: &str, seen: &str, moved: &str) -> Result<()> {
    let found = access::project::<may::EnvironmentEdit>(ctx, org, project).await?;
    let chain = ctx.read().await?.environments(&found.see()).await?;
    let keys: Vec<String> = chain.into_iter().map(|one| one.environment.key).collect();
    if seen.split_whitespace().ne(keys.iter().map(String::as_str)) {
        return Err(crate::ports::StoreError::Gone.into());
    }
    let step = moved
        .split_once(' ')
        .and_then(|(way, key)| shifted(&keys, key, way == "up"));
    let Some(keys) = step else {
        return Err(Error::field(
            "moved",
            Text::new("there is no place to move it to", "无法继续移动"),
        ));
    };
    super::reorder(ctx, org, project, &keys).await
}

/// Who could approve now if these lines were the environment's rules.
///
/// # Errors
/// As [`set_rules`]; a line that cannot be read stands in the preview.
pub async fn preview(ctx: &OpCtx, org: &str, project: &str, key: &str, lines: &str) -> Result<RulesPreview> {
    let found = access::project::<may::EnvironmentEdit>(ctx, org, project).await?;
    let chain = ctx.read().await?.environments(&found.see()).await?;
    let old = chain
        .into_iter()
        .find(|e| e.environment.key == key)
        .ok_or(Error::NotFound)?;
    let input = RulesInput {
        lines: lines.to_owned(),
        ordered: old.policy.ordered,
        forbid_requester: old.policy.forbid_requester,
        forbid_authors: old.policy.forbid_authors,
        lifetime: old.policy.lifetime,
        validity: old.policy.validity,
    };
    let (rules, trouble) = match try_rules(ctx, org, project, key, &input).await {
        Ok(answer) => answer,
        Err(Error::Invalid(wrong)) => (Vec::new(), wrong.into_iter().next().map(|wrong| wrong.text)),
        Err(error) => return Err(error),
    };
    Ok(RulesPreview {
        place: found.place(),
        environment: old.environment,
        lines: lines.to_owned(),
        rules,
        trouble,
    })
}

/// Whom an environment asks, as its page lets people write it.
#[derive(Clone, Debug, Default)]
pub struct RulesInput {
    /// One rule a line, as in `ops: 1 of project.ops, @dana, group:Release crew`.
    pub lines: String,
    /// Whether they are asked one after the other.
    pub ordered: bool,
    /// Whether the requester cannot approve.
    pub forbid_requester: bool,
    /// Whether authors of the commits cannot approve.
    pub forbid_authors: bool,
    /// How long a request waits, in µs.
    pub lifetime: i64,
    /// How long approvals hold until the start, in µs.
    pub validity: i64,
}

async fn meant(
    ctx: &OpCtx,
    project: &Authorized<Project, may::EnvironmentEdit>,
    key: &str,
    input: &RulesInput,
) -> Result<ApprovalPolicy> {
    let mut tx = ctx.read().await?;
    let chain = tx.environments(&project.see()).await?;
    let old = chain
        .into_iter()
        .find(|e| e.environment.key == key)
        .ok_or(Error::NotFound)?;
    let rules = super::lines::read(&mut *tx, &project.see(), &input.lines, &old.policy.rules).await?;
    Ok(ApprovalPolicy {
        ordered: input.ordered,
        rules,
        forbid_requester: input.forbid_requester,
        forbid_authors: input.forbid_authors,
        lifetime: input.lifetime,
        validity: input.validity,
        step_up: old.policy.step_up,
    })
}

/// As [`set_policy`], from the lines that people write.
///
/// # Errors
/// As [`set_policy`]; a line that cannot be read.
pub async fn set_rules(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    key: &str,
    version: i64,
    input: &RulesInput,
) -> Result<()> {
    let found = access::project::<may::EnvironmentEdit>(ctx, org, project).await?;
    let policy = meant(ctx, &found, key, input).await?;
    set_policy(ctx, org, project, key, version, policy).await
}

/// As [`who_could`], from the lines that people write.
///
/// # Errors
/// As [`set_rules`].
pub async fn try_rules(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    key: &str,
    input: &RulesInput,
) -> Result<(Vec<RulePeople>, Option<Text>)> {
    let found = access::project::<may::EnvironmentEdit>(ctx, org, project).await?;
    let policy = meant(ctx, &found, key, input).await?;
    who_could(ctx, org, project, &policy).await
}
