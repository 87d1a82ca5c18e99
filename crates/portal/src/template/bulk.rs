//! Bringing many apps to a version of their template: one after the other, one merge request an app, in the name of
//! whoever started it. A turn may die anywhere: a proposal that is stored is found again, and what was not done is done.

use super::{seen, upgrade, usage};
use crate::access::{self, Anywhere, At, Authorized, may};
use crate::change::{Change, Entry};
use crate::context::{Actor, OpCtx, Via};
use crate::error::{Error, Result};
use crate::fault;
use crate::jobs::{Job, Next};
use crate::ports::{StoreError, UpgradeRecord, UpgradeStepRecord};
use slipway_domain::access::Action;
use slipway_domain::audit::Outcome;
use slipway_domain::id::{AppId, UpgradeId};
use slipway_domain::project::Place;
use slipway_domain::proposal::ProposalState;
use slipway_domain::run::ProposalView;
use slipway_domain::template::{
    StepState, UpgradeCounts, UpgradeRow, UpgradeState, UpgradeStep, UpgradeView, behind,
};
use slipway_domain::text::{Locale, Text};
use slipway_domain::time::SECOND;

/// How often GitLab may fail to answer about one app before it is given up.
const TRIES: i64 = 5;
/// The most apps of one bulk upgrade.
const MOST: usize = 500;

/// Starts a bulk upgrade of these apps; of all that are behind, as far as the actor may propose there, where none is
/// named. `to`: the version; empty: the newest.
///
/// # Errors
/// As [`access::anywhere`]; [`Error::NotFound`]; there is no such version; `nothing_behind`: no app is left; the actor may
/// not propose in any of them; another one of this template runs here.
pub async fn start(ctx: &OpCtx, at: At<'_>, key: &str, to: &str, apps: &[AppId]) -> Result<UpgradeId> {
    let see = seen(ctx, at).await?;
    let usage = usage::usage(ctx, at, key).await?;
    let to = if to.trim().is_empty() {
        usage.versions.first().cloned().ok_or(Error::NotFound)?
    } else {
        to.trim().to_owned()
    };
    if !usage.versions.contains(&to) {
        return Err(Error::field(
            "to",
            Text::new("there is no such version", "没有该版本"),
        ));
    }
    let id_of = |place: &Place| place.app.as_ref().map(|app| app.id);
    let mut chosen: Vec<_> = usage
        .rows
        .iter()
        .filter(|row| behind(&row.version, &to).is_some())
        .filter(|row| match id_of(&row.place) {
            Some(id) if !apps.is_empty() => apps.contains(&id),
            _ => row.may_edit,
        })
        .collect();
    chosen.truncate(MOST);
    if chosen.is_empty() {
        return Err(Error::refused(
            "nothing_behind",
            "No app here that you may propose to uses an older version. There is nothing to do.",
            "此处没有你可提交且使用旧版本的应用，无需升级。",
        ));
    }
    if !chosen.iter().any(|row| row.may_edit) {
        // The words of a refusal name the roles that would allow it.
        let place = &chosen[0].place;
        let slug = |slug: Option<&str>| slug.unwrap_or_default().to_owned();
        let project = slug(place.project.as_ref().map(|one| one.slug.as_str()));
        let app = slug(place.app.as_ref().map(|one| one.slug.as_str()));
        access::app::<may::PipelineEdit>(ctx, at.org, &project, &app).await?;
    }
    let place = access::upgrading(&see)?;
    let record = UpgradeRecord {
        id: ctx.id(),
        key: key.to_owned(),
        to,
        state: UpgradeState::Running,
        by: ctx.user()?.clone(),
        reason: None,
        created_at: ctx.now(),
        ended_at: None,
    };
    let steps: Vec<UpgradeStepRecord> = chosen
        .iter()
        .filter_map(|row| {
            Some(UpgradeStepRecord {
                app: id_of(&row.place)?,
                from: row.version.clone(),
                state: StepState::Waiting,
                reason: None,
                proposal: None,
                tries: 0,
                ended_at: None,
            })
        })
        .collect();
    let mut change = ctx.change().await?;
    let running = change.tx().template_upgrades(&see, key, 20).await?;
    if running.iter().any(|one| one.state == UpgradeState::Running) {
        return Err(Error::conflict(
            "running",
            "A bulk upgrade of this template runs here. Wait for its end, or stop it first.",
            "该模板的批量升级正在此处运行，请等待其结束或先停止。",
        ));
    }
    change
        .tx()
        .insert_template_upgrade(&place, &record, &steps)
        .await?;
    let summary = serde_json::json!({ "to": record.to, "apps": steps.len() });
    told(
        &mut change,
        &place,
        "template.upgrade",
        &record,
        Outcome::Done,
        summary,
    )
    .await?;
    enqueue(&mut change, record.id, ctx.now()).await?;
    change.commit().await?;
    Ok(record.id)
}

async fn enqueue(change: &mut Change<'_>, id: UpgradeId, at: slipway_domain::time::Timestamp) -> Result<()> {
    change
        .enqueue(&Job::Upgrade { upgrade: id }, at, Some(&format!("upgrade:{id}")))
        .await
}

async fn told(
    change: &mut Change<'_>,
    place: &Authorized<Anywhere, may::Modify>,
    action: &'static str,
    record: &UpgradeRecord,
    outcome: Outcome,
    summary: serde_json::Value,
) -> Result<()> {
    let at = place.place();
    let entry = Entry::done(
        action,
        "template_upgrade",
        record.id,
        record.key.clone(),
        &at,
        summary,
    );
    change.audit(Entry { outcome, ..entry }).await?;
    touch(change, place, record.id);
    Ok(())
}

fn touch(change: &mut Change<'_>, place: &Authorized<Anywhere, may::Modify>, id: UpgradeId) {
    change.touch("template_upgrade", id, &place.place());
}

/// A bulk upgrade with the apps that the actor sees.
///
/// # Errors
/// As [`access::anywhere`]; [`Error::NotFound`].
pub async fn view(ctx: &OpCtx, at: At<'_>, id: UpgradeId) -> Result<UpgradeView> {
    let place = seen(ctx, at).await?;
    let rights = ctx.rights().await?;
    let mut tx = ctx.read().await?;
    let record = tx.template_upgrade(&place, id).await?.ok_or(Error::NotFound)?;
    let steps = tx.template_upgrade_steps(&place, id).await?;
    let counts = UpgradeCounts::of(steps.iter().map(|(_, step, _)| step.state));
    let mut may_change = false;
    let mut shown = Vec::new();
    for (app, step, web_url) in steps {
        let held = rights.in_app(&app);
        may_change |= held.has(Action::PipelineEdit);
        if held.has(Action::See) {
            shown.push(UpgradeStep {
                place: app.place(),
                from: step.from,
                state: step.state,
                reason: step.reason,
                web_url,
            });
        }
    }
    Ok(UpgradeView {
        place: place.place(),
        key: record.key,
        row: UpgradeRow {
            id,
            to: record.to,
            by: record.by,
            state: record.state,
            counts,
            created_at: record.created_at,
            ended_at: record.ended_at,
        },
        reason: record.reason,
        steps: shown,
        may_change,
    })
}

/// The upgrade, if the actor may propose in one of its apps.
async fn changeable(
    ctx: &OpCtx,
    at: At<'_>,
    id: UpgradeId,
) -> Result<(Authorized<Anywhere, may::Modify>, UpgradeRecord)> {
    let see = seen(ctx, at).await?;
    let view = view(ctx, at, id).await?;
    if !view.may_change {
        let Some(step) = view.steps.first() else {
            return Err(Error::NotFound);
        };
        let slug = |slug: Option<&str>| slug.unwrap_or_default().to_owned();
        let project = slug(step.place.project.as_ref().map(|one| one.slug.as_str()));
        let app = slug(step.place.app.as_ref().map(|one| one.slug.as_str()));
        access::app::<may::PipelineEdit>(ctx, at.org, &project, &app).await?;
    }
    let record = ctx
        .read()
        .await?
        .template_upgrade(&see, id)
        .await?
        .ok_or(Error::NotFound)?;
    Ok((access::upgrading(&see)?, record))
}

/// Stops a bulk upgrade: merge requests that are open stay open, what waits is not proposed.
///
/// # Errors
/// As [`view`]; `not_running`; [`Error::Forbidden`] to whoever may propose in none of its apps.
pub async fn stop(ctx: &OpCtx, at: At<'_>, id: UpgradeId) -> Result<()> {
    let (place, record) = changeable(ctx, at, id).await?;
    if record.state != UpgradeState::Running {
        return Err(Error::conflict(
            "not_running",
            "This bulk upgrade does not run, so there is nothing to stop.",
            "该批量升级未在运行，无需停止。",
        ));
    }
    let by = ctx.user()?.name.clone();
    let stopped = UpgradeRecord {
        state: UpgradeState::Stopped,
        reason: Some(Text::new(
            format!("{by} stopped it."),
            format!("{by} 停止了升级。"),
        )),
        ended_at: Some(ctx.now()),
        ..record
    };
    let mut change = ctx.change().await?;
    change
        .tx()
        .update_template_upgrade(&place, &stopped, UpgradeState::Running)
        .await?;
    told(
        &mut change,
        &place,
        "template.upgrade.stop",
        &stopped,
        Outcome::Done,
        serde_json::json!({}),
    )
    .await?;
    change.commit().await
}

/// Goes on with a bulk upgrade that ended: what was refused is tried again. From now on it runs in the actor's name.
///
/// # Errors
/// As [`stop`]; `running`; `nothing_to_retry`.
pub async fn retry(ctx: &OpCtx, at: At<'_>, id: UpgradeId) -> Result<()> {
    let (place, record) = changeable(ctx, at, id).await?;
    if record.state == UpgradeState::Running {
        return Err(Error::conflict(
            "running",
            "This bulk upgrade runs. Wait for its end, or stop it first.",
            "该批量升级正在运行，请等待其结束或先停止。",
        ));
    }
    let was = record.state;
    let again = UpgradeRecord {
        state: UpgradeState::Running,
        by: ctx.user()?.clone(),
        reason: None,
        ended_at: None,
        ..record
    };
    let see = seen(ctx, at).await?;
    let mut change = ctx.change().await?;
    change.tx().update_template_upgrade(&place, &again, was).await?;
    let refused = change.tx().retry_template_upgrade_steps(&place, id).await?;
    if change.tx().next_template_upgrade_step(&see, id).await?.is_none() {
        return Err(Error::conflict(
            "nothing_to_retry",
            "Every app of this bulk upgrade has its merge request or needs none: there is nothing to try again.",
            "该批量升级中的应用均已有合并请求或无需升级，没有可重试的内容。",
        ));
    }
    let summary = serde_json::json!({ "refused": refused });
    told(
        &mut change,
        &place,
        "template.upgrade.retry",
        &again,
        Outcome::Done,
        summary,
    )
    .await?;
    enqueue(&mut change, id, ctx.now()).await?;
    change.commit().await
}

/// A bulk upgrade, and Slipway's own right to write down how far it is.
struct Turn<'a> {
    system: &'a OpCtx,
    place: Authorized<Anywhere, may::Modify>,
    see: Authorized<Anywhere, may::See>,
    record: UpgradeRecord,
}

/// Takes the next turn of a bulk upgrade.
pub(crate) async fn run(system: &OpCtx, id: UpgradeId) -> Result<Next> {
    let Some(place) = access::place_of_upgrade(system, id).await? else {
        return Ok(Next::Done);
    };
    let see = place.see();
    let mut tx = system.read().await?;
    let Some(record) = tx.template_upgrade(&see, id).await? else {
        return Ok(Next::Done);
    };
    if record.state != UpgradeState::Running {
        return Ok(Next::Done);
    }
    let step = tx.next_template_upgrade_step(&see, id).await?;
    drop(tx);
    let turn = Turn {
        system,
        place,
        see,
        record,
    };
    match step {
        Some(step) => turn.take(step).await,
        None => turn.end().await,
    }
}

impl Turn<'_> {
    async fn take(&self, step: UpgradeStepRecord) -> Result<Next> {
        if let Err(Error::Refused { text, .. }) = access::upgrading(&self.see) {
            return self.stop(text).await;
        }
        let person = self.record.by.clone();
        let ctx = self
            .system
            .portal()
            .ctx(Actor::User(person), Via::System, "job-upgrade", Locale::En);
        let answer = self.propose(&ctx, &step).await;
        fault::point("upgrade.proposed");
        match answer {
            Ok(Some(proposal)) => {
                let settled = UpgradeStepRecord {
                    state: StepState::Proposed,
                    reason: None,
                    proposal: Some(proposal),
                    ..step
                };
                self.settle(settled).await
            }
            Ok(None) => {
                self.end_with(step, StepState::Skipped, has_it(&self.record.to))
                    .await
            }
            Err(Error::Unavailable { text, .. }) => self.again(step, text).await,
            Err(Error::Limited { retry_after }) => {
                let pause = i64::try_from(retry_after).unwrap_or(60).saturating_mul(SECOND);
                Ok(Next::At(self.system.now().plus(pause)))
            }
            Err(Error::Refused {
                code: "nothing_changes",
                text,
            }) => self.end_with(step, StepState::Skipped, text).await,
            Err(error @ Error::Internal(_)) => Err(error),
            Err(error) => {
                let why = self.why(&error);
                self.end_with(step, StepState::Refused, why).await
            }
        }
    }

    /// Makes the proposal; `None`: the app has the version.
    async fn propose(
        &self,
        ctx: &OpCtx,
        step: &UpgradeStepRecord,
    ) -> Result<Option<slipway_domain::id::ProposalId>> {
        let app = access::app_by_id::<may::PipelineEdit>(ctx, step.app).await?;
        let see = app.see();
        let wanted = format!("{}@{}", self.record.key, self.record.to);
        let newest = ctx.read().await?.proposals(&see, 1).await?.into_iter().next();
        // A turn that died after it had stored its proposal.
        if let Some(open) = newest.filter(|one| {
            one.template == wanted && matches!(one.state, ProposalState::Intended | ProposalState::Opened)
        }) {
            return Ok(Some(open.id));
        }
        let used = usage::reference(ctx, &see).await?;
        let is_older = used.is_some_and(|used| {
            used.key == self.record.key && behind(&used.version, &self.record.to).is_some()
        });
        if !is_older {
            return Ok(None);
        }
        let input = upgrade::Input {
            to: self.record.to.clone(),
            ..upgrade::Input::default()
        };
        let made: ProposalView = upgrade::propose_in(ctx, &app, &input, true).await?;
        Ok(Some(made.id))
    }

    fn why(&self, error: &Error) -> Text {
        let name = &self.record.by.name;
        match error {
            Error::NotFound | Error::Unauthenticated => Text::new(
                format!("{name} does not see this app any more. Somebody who may propose here can go on."),
                format!("{name} 已无法查看该应用。有权限的人可以继续。"),
            ),
            Error::Forbidden(_) => Text::new(
                format!(
                    "{name} may not propose pipelines here. Somebody who may can go on, or upgrade this app alone."
                ),
                format!("{name} 无权在此提交流水线。有权限的人可以继续，或单独升级该应用。"),
            ),
            other => other.text(),
        }
    }

    async fn again(&self, mut step: UpgradeStepRecord, text: Text) -> Result<Next> {
        step.tries += 1;
        if step.tries >= TRIES {
            let why = Text::new(
                format!(
                    "GitLab did not answer {TRIES} times: {} Try again once it does.",
                    text.en
                ),
                format!("GitLab 连续 {TRIES} 次未能应答：{}待其恢复后请重试。", text.zh),
            );
            return self.end_with(step, StepState::Refused, why).await;
        }
        let pause = SECOND << step.tries.clamp(1, 10);
        step.reason = Some(text);
        self.settle(step).await?;
        Ok(Next::At(self.system.now().plus(pause)))
    }

    async fn end_with(&self, step: UpgradeStepRecord, state: StepState, why: Text) -> Result<Next> {
        let settled = UpgradeStepRecord {
            state,
            reason: Some(why),
            ..step
        };
        self.settle(settled).await
    }

    async fn settle(&self, mut step: UpgradeStepRecord) -> Result<Next> {
        if step.state != StepState::Waiting {
            step.ended_at = Some(self.system.now());
        }
        let mut change = self.system.change().await?;
        match change
            .tx()
            .settle_template_upgrade_step(&self.place, self.record.id, &step)
            .await
        {
            Ok(()) => {}
            // Another worker was faster, or it was stopped meanwhile.
            Err(StoreError::Gone) => return Ok(Next::At(self.system.now())),
            Err(error) => return Err(error.into()),
        }
        let outcome = match step.state {
            StepState::Refused => Outcome::Refused,
            _ => Outcome::Done,
        };
        if step.state == StepState::Waiting {
            change.bookkeeping();
            touch(&mut change, &self.place, self.record.id);
        } else {
            let summary = serde_json::json!({
                "app": step.app.to_string(), "from": step.from, "to": self.record.to, "state": step.state.key(),
                "reason": step.reason.as_ref().map(|reason| &reason.en), "for": self.record.by.username,
            });
            told(
                &mut change,
                &self.place,
                "template.upgrade.app",
                &self.record,
                outcome,
                summary,
            )
            .await?;
        }
        change.commit().await?;
        fault::point("upgrade.settled");
        Ok(Next::At(self.system.now()))
    }

    async fn stop(&self, reason: Text) -> Result<Next> {
        self.finish(UpgradeState::Stopped, Some(reason)).await
    }

    async fn end(&self) -> Result<Next> {
        self.finish(UpgradeState::Done, None).await
    }

    async fn finish(&self, state: UpgradeState, reason: Option<Text>) -> Result<Next> {
        let ended = UpgradeRecord {
            state,
            reason,
            ended_at: Some(self.system.now()),
            ..self.record.clone()
        };
        let mut change = self.system.change().await?;
        match change
            .tx()
            .update_template_upgrade(&self.place, &ended, UpgradeState::Running)
            .await
        {
            Ok(()) => {}
            Err(StoreError::Gone) => return Ok(Next::Done),
            Err(error) => return Err(error.into()),
        }
        let summary = serde_json::json!({ "state": state.key() });
        told(
            &mut change,
            &self.place,
            "template.upgrade.end",
            &ended,
            Outcome::Done,
            summary,
        )
        .await?;
        change.commit().await?;
        Ok(Next::Done)
    }
}

fn has_it(version: &str) -> Text {
    Text::new(
        format!("It has {version} or a later version, or does not use the template any more."),
        format!("该应用已是 {version} 或更高版本，或已不再使用该模板。"),
    )
}
