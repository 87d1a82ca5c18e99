//! The attempts of a promotion: how each rollout goes, and the pods in trouble with their logs.

use crate::design::page::Panel;
use crate::design::status::{self, Status, pill};
use crate::design::time::{clock, duration, time};
use crate::i18n::say;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::promotion::{DeploymentState, DeploymentView, PodTrouble};

/// The attempts, newest first; the newest one open.
pub fn attempts(deployments: &[DeploymentView]) -> AnyView {
    deployments.iter().map(attempt).collect::<Vec<_>>().into_any()
}

pub(crate) fn state(state: DeploymentState) -> AnyView {
    use DeploymentState as S;
    match state {
        S::Applying => pill(Status::Running, tr!(common.promotion_deploying)),
        S::Watching => pill(Status::Running, tr!(common.promotion_verifying)),
        S::Succeeded => pill(Status::Success, tr!(common.promotion_succeeded)),
        S::Failed => pill(Status::Failed, tr!(common.promotion_failed)),
        S::Unknown => pill(Status::Degraded, tr!(common.promotion_unknown)),
    }
}

fn attempt(deployment: &DeploymentView) -> AnyView {
    let took = deployment.finished_at.map(|end| {
        view! { <span class="muted">{duration(end.since(deployment.started_at))}</span> }
    });
    let seen = deployment.observed_at.map(|at| {
        view! { <p class="small muted">{tr!(common.as_of)}" "{clock(at)}</p> }
    });
    let body = view! {
            <div class="box-body">
                <p class="row wrap">
                    {status::health(deployment.health)}
                    <span>{tr!(common.ready, ready = deployment.ready, desired = deployment.desired)}</span>
                    {took}
                </p>
                {deployment.reason.as_ref().map(|reason| view! { <p>{say(reason)}</p> })}
                {deployment.trouble.iter().map(pod).collect_view()}
                {seen}
            </div>
    };
    let title = tr!(promotion.attempt, n = deployment.attempt);
    view! {
        <Panel title mark=state(deployment.state) aside=time(deployment.started_at)>{body}</Panel>
    }
    .into_any()
}

/// A pod in trouble: why, and the end of its log.
fn pod(pod: &PodTrouble) -> AnyView {
    let lines = pod
        .log
        .lines()
        .enumerate()
        .map(|(i, line)| view! { <div><span class="n">{i + 1}</span><span class="t">{line.to_owned()}</span></div> })
        .collect_view();
    let log = (!pod.log.is_empty()).then(|| {
        let label = tr!(promotion.log_of, pod = pod.pod.clone());
        view! { <div class="box"><div class="log short" tabindex="0" role="group" aria-label=label>{lines}</div></div> }
    });
    let restarts = (pod.restarts > 0)
        .then(|| view! { <span class="muted">{tr!(promotion.restarts, n = pod.restarts)}</span> });
    view! {
        <div class="stack">
            <p class="row wrap">
                {pill(Status::Failed, pod.reason.clone())}
                <code>{pod.pod.clone()}" / "{pod.container.clone()}</code>
                {restarts}
            </p>
            {(!pod.message.is_empty()).then(|| view! { <p class="small">{pod.message.clone()}</p> })}
            {log}
        </div>
    }
    .into_any()
}
