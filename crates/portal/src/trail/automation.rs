//! What moves items without anybody doing it: a link, a merge, a deployment.

use crate::access::may::{Modify, See};
use crate::access::{self, Authorized, Project, may};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::fault;
use crate::item::moved_to;
use crate::jobs::Next;
use crate::ports::StoreError;
use slipway_domain::access::Action;
use slipway_domain::feature::Feature;
use slipway_domain::id::{AppId, DeploymentId, EnvironmentId};
use slipway_domain::item::rank_between;
use slipway_domain::promotion::DeploymentState;
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;
use slipway_domain::trail::{Automation, AutomationView, Cause, Trigger, is_whole_in, way_forward};

/// How many earlier deployments are looked at for what ran before.
const EARLIER: i64 = 50;

/// How a project's automation is set.
///
/// # Errors
/// As [`access::project`].
pub async fn view(ctx: &OpCtx, org: &str, project: &str) -> Result<AutomationView> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let held = ctx.rights().await?.in_project(&project);
    let mut tx = ctx.read().await?;
    let automation = tx.automation(&project).await?;
    let chain = tx.environments(&project).await?;
    Ok(AutomationView {
        place: project.place(),
        automation,
        environments: chain.into_iter().map(|one| one.environment).collect(),
        may_edit: held.has(Action::BoardEdit),
    })
}

/// What is to be on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// A link moves an item to in progress.
    pub linked: bool,
    /// A merge moves it to in test.
    pub merged: bool,
    /// Being deployed there moves it to done; `None`: no deployment moves it.
    pub deployed_to: Option<EnvironmentId>,
    /// Only where this is still its version.
    pub expected: Option<i64>,
}

/// Switches the parts of a project's automation on and off. What was on stays on since when it was.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::Invalid`] `deployed_to` for an environment that the project has not.
pub async fn set(ctx: &OpCtx, org: &str, project: &str, input: Input) -> Result<()> {
    let project = access::project::<may::BoardEdit>(ctx, org, project).await?;
    let (see, place, now) = (project.see(), project.place(), ctx.now());
    let mut change = ctx.change().await?;
    let before = change.tx().automation(&see).await?;
    if input.expected.is_some_and(|version| version != before.version) {
        return Err(Error::version_mismatch());
    }
    let deployed = match input.deployed_to {
        None => None,
        Some(id) => {
            let chain = change.tx().environments(&see).await?;
            let found = chain
                .into_iter()
                .find(|one| one.environment.id == id)
                .ok_or_else(|| {
                    let text = Text::new("this is not an environment of the project", "该项目中没有此环境");
                    Error::field("deployed_to", text)
                })?;
            match &before.deployed {
                Some((since, same)) if same.id == id => Some((*since, found.environment)),
                _ => Some((now, found.environment)),
            }
        }
    };
    let wanted = Automation {
        linked: input.linked.then(|| before.linked.unwrap_or(now)),
        merged: input.merged.then(|| before.merged.unwrap_or(now)),
        deployed,
        version: before.version,
    };
    if wanted == before {
        return Ok(());
    }
    change.tx().set_automation(&project.modify(), &wanted).await?;
    let said = |automation: &Automation| {
        serde_json::json!({
            "linked": automation.linked.is_some(),
            "merged": automation.merged.is_some(),
            "deployed": automation.deployed.as_ref().map(|(_, environment)| environment.key.clone()),
        })
    };
    let summary = serde_json::json!({ "before": said(&before), "after": said(&wanted) });
    let name = project.project.name.clone();
    let entry = Entry::done("board.automation", "project", project.id(), name, &place, summary);
    change.audit(entry).await?;
    change.touch("board", project.id(), &place);
    change.commit().await
}

/// Moves an item on because of what happened at `at`, where the project wants that and the item is not that far. The
/// caller has made sure that nobody acted on it before, in the same transaction.
pub(super) async fn move_on(
    change: &mut Change<'_>,
    proof: &Authorized<Project, Modify>,
    see: &Authorized<Project, See>,
    (number, at): (i64, Timestamp),
    cause: &Cause,
) -> Result<()> {
    if !change.tx().automation(see).await?.acts(cause.trigger, at) {
        return Ok(());
    }
    change.tx().lock_board(proof).await?;
    let Some(item) = change.tx().item(see, number).await? else {
        return Ok(());
    };
    let (setup, _) = change.tx().board_setup(see).await?;
    let flow = setup.flow(item.card.kind);
    let Some(state) = way_forward(&flow, item.card.state.state_key(), cause.trigger.column()) else {
        return Ok(());
    };
    let last = change.tx().last_rank(see, item.iteration()).await?;
    let rank = rank_between(last.as_deref(), None);
    let ctx = change.ctx().clone();
    moved_to(
        &ctx,
        change,
        (proof, see),
        &setup,
        &item,
        (&state, &rank, Some(cause)),
    )
    .await
}

/// A deployment succeeded: the items that are wholly there now are done, where the project chose that environment.
pub(crate) async fn deployed(ctx: &OpCtx, app: AppId, deployment: DeploymentId) -> Result<Next> {
    let app = match access::app_by_id::<See>(ctx, app).await {
        Ok(app) => app,
        Err(Error::NotFound) => return Ok(Next::Done),
        Err(error) => return Err(error),
    };
    if !app.place().has(Feature::Boards) {
        return Ok(Next::Done);
    }
    let project = access::project_by_id::<may::ItemEdit>(ctx, app.project_id()).await?;
    let see = project.see();
    let mut tx = ctx.read().await?;
    let automation = tx.automation(&see).await?;
    let Some(done) = tx.deployment(&app, deployment).await? else {
        return Ok(Next::Done);
    };
    let chosen = automation
        .deployed
        .filter(|(_, environment)| environment.id == done.environment);
    let (Some((_, environment)), DeploymentState::Succeeded) = (chosen, done.state) else {
        return Ok(Next::Done);
    };
    let Some(release) = tx.release(&app, done.release).await? else {
        return Ok(Next::Done);
    };
    let at = done.finished_at.unwrap_or(done.started_at);
    let earlier = tx.deployments_in(&app, done.environment, EARLIER).await?;
    let before = earlier
        .iter()
        .filter(|one| one.state == DeploymentState::Succeeded && one.id != done.id)
        .filter(|one| one.finished_at.is_some_and(|ended| ended <= at))
        .max_by_key(|one| one.finished_at);
    let after = match before {
        Some(before) => tx
            .release(&app, before.release)
            .await?
            .map(|release| release.created_at),
        None => None,
    };
    let numbers = tx.items_of_releases(&app, after, release.created_at).await?;
    drop(tx);
    let cause = Cause {
        trigger: Trigger::Deployed,
        said: format!("{} {} → {}", app.app.slug, release.version, environment.name),
        url: format!("{}/releases/{}", app.place().path(), release.version),
    };
    for number in numbers {
        // Another change of the item at the same moment: the next try of this job finds it as it is then.
        match arrive(
            ctx,
            &project.modify(),
            &see,
            (number, at, &environment.key, deployment),
            &cause,
        )
        .await
        {
            Err(Error::Conflict { .. }) => return Ok(Next::At(ctx.now())),
            other => other?,
        }
        fault::point("automation.moved");
    }
    Ok(Next::Done)
}

async fn arrive(
    ctx: &OpCtx,
    proof: &Authorized<Project, Modify>,
    see: &Authorized<Project, See>,
    (number, at, key, deployment): (i64, Timestamp, &str, DeploymentId),
    cause: &Cause,
) -> Result<()> {
    let mut change = ctx.change().await?;
    change.bookkeeping();
    let Some(item) = change.tx().item(see, number).await? else {
        return Ok(());
    };
    let trail = super::of_item(change.tx(), see, item.card.id).await?;
    if !is_whole_in(&trail, key) {
        return Ok(());
    }
    let noted = change
        .tx()
        .note_trigger(
            proof,
            item.card.id,
            Trigger::Deployed,
            &deployment.to_string(),
            at,
        )
        .await;
    match noted {
        Ok(true) => {}
        Ok(false) | Err(StoreError::Gone) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    move_on(&mut change, proof, see, (number, at), cause).await?;
    change.commit().await
}
