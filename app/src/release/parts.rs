//! The parts of a release's page.

use crate::design::button::{Weight, submit};
use crate::design::environment::env_badge;
use crate::design::form::{Form, hidden, place_fields};
use crate::design::lane::short_sha;
use crate::design::page::Panel;
use crate::design::state::EmptyState;
use crate::i18n::say;
use crate::promotion::api::RequestPromotion;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::release::{PromotionChoice, ReleaseView};

/// Where the release could go, each with its button or why not.
pub fn choices(release: &ReleaseView) -> AnyView {
    if release.choices.is_empty() {
        return view! { <EmptyState title=tr!(release.no_environments) hint=tr!(release.no_environments_hint)/> }.into_any();
    }
    let rows = release
        .choices
        .iter()
        .map(|choice| choice_row(release, choice))
        .collect_view();
    view! { <ul class="list">{rows}</ul> }.into_any()
}

fn choice_row(release: &ReleaseView, choice: &PromotionChoice) -> AnyView {
    let now = match &choice.current {
        Some(version) => tr!(promotion.now_there, version = version.clone()),
        None => tr!(promotion.first_there),
    };
    let approvals = match choice.approvals {
        0 => tr!(release.no_approvals),
        1 => tr!(release.one_approval),
        n => tr!(release.n_approvals, n = n),
    };
    let act = match &choice.blocked {
        Some(reason) => view! { <span class="small muted wide">{say(reason)}</span> }.into_any(),
        None => promote(release, choice),
    };
    view! {
        <li class="list-row">
            <span class="row wrap">{env_badge(&choice.environment)}<span class="small muted">{now}" · "{approvals}</span></span>
            {act}
        </li>
    }
    .into_any()
}

fn promote(release: &ReleaseView, choice: &PromotionChoice) -> AnyView {
    let word = tr!(
        release.promote_to,
        version = release.release.version.clone(),
        env = choice.environment.name.clone()
    );
    let fields = view! {
        {place_fields(&release.place)}
        {hidden("release", release.release.id.to_string())}
    };
    view! {
        <Form action=RequestPromotion::PATH class="" key=("environment", choice.environment.id.to_string())>
            {fields}
            {submit(Weight::Plain, word)}
        </Form>
    }
    .into_any()
}

/// The commits since the release before.
pub fn commits(release: &ReleaseView) -> AnyView {
    let rows = release
        .commits
        .iter()
        .map(|commit| {
            view! {
                <li class="list-row">
                    <span>{commit.title.clone()}</span>
                    <span class="small muted"><code>{short_sha(&commit.sha)}</code>" · "{commit.author.clone()}</span>
                </li>
            }
        })
        .collect_view();
    let since = release
        .previous
        .as_ref()
        .map(|version| tr!(release.since, version = version.clone()).into_any());
    let body = if release.commits.is_empty() {
        view! { <EmptyState title=tr!(release.no_commits)/> }.into_any()
    } else {
        view! { <ul class="list">{rows}</ul> }.into_any()
    };
    let aside = since.unwrap_or_else(|| tr!(release.first).into_any());
    view! { <Panel title=tr!(release.commits) aside>{body}</Panel> }.into_any()
}

/// The images, by digest.
pub fn images(release: &ReleaseView) -> AnyView {
    let rows = release
        .images
        .iter()
        .map(|image| {
            view! {
                <li class="list-row">
                    <span class="mono">{image.repository.clone()}</span>
                    <code class="small muted wide break">{image.digest.clone()}</code>
                </li>
            }
        })
        .collect_view();
    view! { <Panel title=tr!(release.images)><ul class="list">{rows}</ul></Panel> }.into_any()
}

/// Where it came from and how it runs.
pub fn facts(release: &ReleaseView) -> AnyView {
    let base = release.place.path();
    let run = release.run.map(|(_, number)| {
        view! { <dt>{tr!(release.run)}</dt><dd><a class="link" href=format!("{base}/runs/{number}")>"#"{number}</a></dd> }
    });
    let template = release.template.clone().map(|template| {
        view! { <dt>{tr!(release.template)}</dt><dd><code>{template}</code></dd> }
    });
    let workload = &release.workload;
    let requests = format!("{}m CPU · {} MiB", workload.cpu_millis, workload.memory_mib);
    let port = workload
        .port
        .map(|port| view! { <dt>{tr!(release.port)}</dt><dd>{port}</dd> });
    let list = view! {
            <dl class="facts box-body">
                <dt>{tr!(release.tests)}</dt>
                <dd>{super::evidence(release)}</dd>
                {run}
                {template}
                <dt>{tr!(release.replicas)}</dt>
                <dd>{workload.replicas}</dd>
                <dt>{tr!(release.resources)}</dt>
                <dd>{requests}</dd>
                {port}
            </dl>
    };
    view! { <Panel title=tr!(release.details)>{list}</Panel> }.into_any()
}
