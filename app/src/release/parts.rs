//! The parts of a release's page.

use super::api::MarkDefective;
use crate::design::button::{Weight, submit};
use crate::design::environment::env_badge;
use crate::design::field::{Control, Field};
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::Panel;
use crate::design::state::EmptyState;
use crate::design::status::{Status, pill};
use crate::i18n::say;
use crate::places::encode;
use crate::promotion::api::RequestPromotion;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::comparison::{configuration as configuration_of, notes as notes_of};
use slipway_domain::release::{Evidence, PromotionChoice, ReleaseView};
use slipway_domain::report::scan::{ScanSummary, Severity};
use slipway_domain::signature::Signature;

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
            {skip(release, choice)}
        </li>
    }
    .into_any()
}

/// The way past the environment before, for who says why.
fn skip(release: &ReleaseView, choice: &PromotionChoice) -> Option<AnyView> {
    let before = choice.skips.clone().filter(|_| choice.blocked.is_none())?;
    let open = crate::Flash::of(RequestPromotion::PATH).is_some_and(|flash| {
        flash.typed("waiver").is_some()
            && flash.typed("environment") == Some(choice.environment.id.to_string().as_str())
    });
    let fields = view! {
        {place_fields(&release.place)}
        {hidden("release", release.release.id.to_string())}
    };
    Some(
        view! {
            <details class="wide" open=open>
                <summary>{tr!(release.skip_env, env = before)}</summary>
                <p class="small muted">{tr!(release.skip_words)}</p>
                <Form action=RequestPromotion::PATH class="form" key=("environment", choice.environment.id.to_string())>
                    {fields}
                    <Field name="waiver" label=tr!(release.waiver) required=true/>
                    <p>{submit(Weight::Plain, tr!(release.skip))}</p>
                </Form>
            </details>
        }
        .into_any(),
    )
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
    let since = release
        .previous
        .as_ref()
        .map(|version| tr!(release.since, version = version.clone()).into_any());
    let body = if release.commits.is_empty() {
        view! { <EmptyState title=tr!(release.no_commits)/> }.into_any()
    } else {
        super::compare::commit_list(&release.commits)
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

/// How it was set to run, and how that differs from the release before.
pub fn configuration(release: &ReleaseView) -> AnyView {
    let text = configuration_of(&release.workload);
    let base = release.place.path();
    let compare = release.previous.as_ref().map(|previous| {
        let href = format!(
            "{base}/releases/compare?from={}&to={}",
            encode(previous),
            encode(&release.release.version)
        );
        view! { <a href=href>{tr!(release.compare_with, version = previous.clone())}</a> }.into_any()
    });
    let unused: Vec<String> = release
        .workload
        .unused_images(&release.images)
        .into_iter()
        .map(|image| image.repository.clone())
        .collect();
    let unused = (!unused.is_empty())
        .then(|| view! { <p class="note warn">{tr!(workload.unused, images = unused.join(", "))}</p> });
    let aside = compare.unwrap_or_else(|| ().into_any());
    view! {
        <Panel title=tr!(release.configuration) aside>
            <div class="box-body stack">
                {unused}
                <details class="wide"><summary>{tr!(release.show_configuration)}</summary><pre class="mono small scroll">{text}</pre></details>
            </div>
        </Panel>
    }
    .into_any()
}

/// What was rendered of it, by environment, each with its hash.
pub fn manifests(release: &ReleaseView) -> AnyView {
    if release.manifests.is_empty() {
        return view! { <Panel title=tr!(release.manifests)><p class="box-body small muted">{tr!(release.no_manifests)}</p></Panel> }
            .into_any();
    }
    let rows = release
        .manifests
        .iter()
        .map(|one| {
            let short: String = one.hash.chars().take(12).collect();
            view! {
                <div class="box-body stack tight">
                    <span class="row wrap">{env_badge(&one.environment)}<code class="small muted">"sha256:"{short}</code></span>
                    <details class="wide"><summary>{tr!(workload.yaml)}</summary><pre class="mono small scroll">{one.yaml.clone()}</pre></details>
                </div>
            }
        })
        .collect_view();
    view! { <Panel title=tr!(release.manifests)>{rows}</Panel> }.into_any()
}

/// What it brings, as Markdown to be taken along.
pub fn notes(release: &ReleaseView) -> AnyView {
    let text = notes_of(
        &release.release,
        release.previous.as_deref(),
        &release.items,
        &release.commits,
        crate::i18n::locale(),
    );
    view! {
        <Panel title=tr!(release.notes)>
            <details class="wide box-body"><summary>{tr!(release.show_notes)}</summary><pre class="mono small scroll">{text}</pre></details>
        </Panel>
    }
    .into_any()
}

/// What its pipeline's scanners found, in numbers.
pub fn evidence(evidence: &Evidence) -> AnyView {
    let rows = evidence.scans.iter().map(scan).collect_view();
    let signed = evidence.signatures.iter().map(signature).collect_view();
    let none = evidence
        .scans
        .is_empty()
        .then(|| view! { <p class="box-body small muted">{tr!(release.no_scans)}</p> });
    let body = (!evidence.scans.is_empty() || !evidence.signatures.is_empty())
        .then(|| view! { <ul class="list">{rows}{signed}</ul> });
    let body = view! { {none}{body} };
    view! { <Panel title=tr!(release.evidence)><p class="box-body small muted">{tr!(release.evidence_words)}</p>{body}</Panel> }
        .into_any()
}

/// A signature of an image: which, by which job. Whose it is, each environment judges by the keys that it trusts.
fn signature(signature: &Signature) -> AnyView {
    let about = if let Some(trouble) = &signature.trouble {
        pill(Status::Degraded, say(trouble))
    } else {
        let digests = signature
            .digests
            .iter()
            .map(|digest| digest.chars().take(19).collect::<String>());
        view! { <code class="small">{digests.collect::<Vec<_>>().join(", ")}</code> }.into_any()
    };
    view! {
        <li class="row wrap">
            <span class="grow">{tr!(release.signature)}" "<span class="muted small">{signature.job.clone()}" · "{signature.file.clone()}</span></span>
            {about}
        </li>
    }
    .into_any()
}

/// One scan: what, by which job, and how many findings of each severity.
pub fn scan(scan: &ScanSummary) -> AnyView {
    let found = if scan.trouble.is_some() {
        pill(Status::Degraded, tr!(release.scan_unread))
    } else if scan.counts.is_empty() {
        pill(Status::Success, tr!(release.no_findings))
    } else {
        let pills = scan
            .counts
            .iter()
            .map(|(severity, n)| {
                let look = if *severity <= Severity::High {
                    Status::Failed
                } else {
                    Status::Degraded
                };
                pill(look, format!("{} {n}", say(&severity.text())))
            })
            .collect::<Vec<_>>();
        view! { <span class="row wrap">{pills}</span> }.into_any()
    };
    let by = [Some(scan.job.clone()), scan.scanner.clone()]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" · ");
    view! {
        <li class="list-row">
            <span class="row wrap"><span>{say(&scan.kind.text())}</span><code class="small muted">{by}</code></span>
            {found}
        </li>
    }
    .into_any()
}

/// The form that marks it defective.
pub fn mark(release: &ReleaseView) -> AnyView {
    if !release.may_mark {
        return ().into_any();
    }
    let at = place_fields(&release.place);
    let version = hidden("version", release.release.version.clone());
    let open = crate::Flash::of(MarkDefective::PATH).is_some();
    view! {
        <Panel title=tr!(release.defective)>
            <details class="wide box-body" open=open>
                <summary>{tr!(release.mark)}</summary>
                <p class="small muted">{tr!(release.mark_words)}</p>
                <Form action=MarkDefective::PATH class="form" done=tr!(release.marked) confirm=tr!(release.mark_confirm)>
                    {at}
                    {version}
                    <Field name="why" label=tr!(release.why) required=true control=Control::Area(2)/>
                    <p>{submit(Weight::Danger, tr!(release.mark))}</p>
                </Form>
            </details>
        </Panel>
    }
    .into_any()
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
