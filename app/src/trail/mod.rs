//! The trail of a work item, from its branch to where it is live, and what moves items by itself.

pub mod api;

use crate::design::button::{Weight, submit};
use crate::design::environment::env_badge;
use crate::design::field::{Control, Field};
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::{PageHead, Panel};
use crate::design::status::{self, Status, pill};
use crate::design::time::time;
use crate::i18n::say;
use crate::live::Topics;
use crate::load::load;
use crate::place::{archived_note, check_box, project_tabs};
use crate::places::param;
use crate::tr;
use api::{ReadAutomation, SetAutomation};
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::item::ItemView;
use slipway_domain::trail::{
    AppTrail, AutomationView, Mark, MarkKind, MarkState, Presence, TrailStop, Trigger,
};

/// Where the fix is: what names the item, the releases that brought it, and where they run.
pub fn panel(item: &ItemView) -> Option<AnyView> {
    if item.trail.is_empty() {
        return None;
    }
    let base = item.place.path();
    let apps = item
        .trail
        .iter()
        .map(|app| one_app(&base, app))
        .collect::<Vec<_>>();
    Some(view! { <Panel title=tr!(trail.title)><div class="stack box-body">{apps}</div></Panel> }.into_any())
}

fn one_app(base: &str, app: &AppTrail) -> AnyView {
    let href = format!("{base}/apps/{}", app.slug);
    let marks = app
        .marks
        .iter()
        .map(|mark| marked(&href, mark))
        .collect::<Vec<_>>();
    let releases = app
        .releases
        .iter()
        .map(|release| {
            let at = format!("{href}/releases/{}", crate::places::encode(&release.version));
            view! { <li><a class="link" href=at>{release.version.clone()}</a>" "<span class="small muted">{time(release.at)}</span></li> }
        })
        .collect::<Vec<_>>();
    let releases = if releases.is_empty() {
        view! { <p class="small muted">{tr!(trail.no_release)}</p> }.into_any()
    } else {
        view! { <p class="small muted">{tr!(trail.releases)}</p><ul class="checks">{releases}</ul> }
            .into_any()
    };
    let stops = app.stops.iter().map(stop).collect::<Vec<_>>();
    let stops = (!stops.is_empty()).then(|| {
        view! { <p class="small muted">{tr!(trail.environments)}</p><ol class="checks" aria-label=tr!(trail.environments)>{stops}</ol> }
    });
    view! {
        <section class="stack tight">
            <h3><a class="link" href=href.clone()>{app.name.clone()}</a></h3>
            <ul class="checks">{marks}</ul>
            {releases}
            {stops}
        </section>
    }
    .into_any()
}

fn marked(app: &str, mark: &Mark) -> AnyView {
    let look = match (mark.kind, mark.state) {
        (_, MarkState::Merged) => Some(Status::Success),
        (MarkKind::MergeRequest, MarkState::Open) => Some(Status::Waiting),
        (_, MarkState::Gone) => Some(Status::Cancelled),
        _ => None,
    };
    let state = look.map(|look| pill(look, say(&mark.state.text(mark.kind))));
    // What GitLab calls an address is followed only where it is one of the web.
    let web = mark.web_url.starts_with("https://") || mark.web_url.starts_with("http://");
    let short = mark.short();
    let name = if web {
        view! { <a class="link" href=mark.web_url.clone() rel="noreferrer"><code>{short}</code></a> }
            .into_any()
    } else {
        view! { <code>{short}</code> }.into_any()
    };
    let title = (mark.kind != MarkKind::Branch).then(|| view! { <span>{mark.title.clone()}</span> });
    let run = mark.run.map(|(number, at)| {
        view! { <a class="link small" href=format!("{app}/runs/{number}")>"#"{number}" "{status::run_icon(at)}</a> }
    });
    let when = mark.merged_at.unwrap_or(mark.at);
    let when = (when.micros() > 0).then(|| view! { <span class="small muted">{time(when)}</span> });
    view! {
        <li class="row wrap">
            <span class="visually-hidden">{say(&mark.kind.text())}</span>
            {name}{title}{state}{run}{when}
        </li>
    }
    .into_any()
}

fn stop(stop: &TrailStop) -> AnyView {
    let (look, word) = match stop.presence {
        Presence::Whole => (Status::Success, tr!(trail.whole)),
        Presence::Part => (Status::Degraded, tr!(trail.part)),
        Presence::Absent => (Status::Cancelled, tr!(trail.absent)),
    };
    let running = match (&stop.running, stop.since) {
        (Some(version), Some(since)) => {
            view! { <span class="small muted">{tr!(trail.runs, version = version)}" · "{time(since)}</span> }
                .into_any()
        }
        _ => view! { <span class="small muted">{tr!(trail.nothing_runs)}</span> }.into_any(),
    };
    view! { <li class="row wrap">{env_badge(&stop.environment)}{pill(look, word)}{running}</li> }.into_any()
}

/// `P/settings/automation`.
pub fn automation_page() -> AnyView {
    let (org, project) = (param("org"), param("project"));
    load(move || ReadAutomation {
        org: org(),
        project: project(),
    })
    .watching(|page: &AutomationView| {
        let project = page.place.project.iter();
        project.fold(Topics::default(), |topics, project| {
            topics.and("board", project.id)
        })
    })
    .view(|page| show(&page))
}

fn show(page: &AutomationView) -> AnyView {
    let name = page.place.project.as_ref().map(|project| project.name.clone());
    let body = if page.may_edit { form(page) } else { facts(page) };
    view! {
        <PageHead title=tr!(trail.automation) line=name.unwrap_or_default().into_any()/>
        {project_tabs(&page.place, "automation")}
        {archived_note(&page.place)}
        <Panel title=tr!(trail.automation)>{body}</Panel>
    }
    .into_any()
}

fn form(page: &AutomationView) -> AnyView {
    let at = place_fields(&page.place);
    let set = page.automation.clone();
    let mut environments = vec![(String::new(), tr!(trail.no_environment))];
    environments.extend(
        page.environments
            .iter()
            .map(|one| (one.id.to_string(), one.name.clone())),
    );
    let chosen = set.deployed.as_ref().map(|(_, one)| one.id.to_string());
    // Made in the form: a field made before it would not know what was typed or is wrong.
    let fields = move || {
        view! {
            {at}
            {hidden("version", set.version.to_string())}
            <p class="muted">{tr!(trail.hint)}</p>
            <fieldset class="choice-list">
                <legend class="visually-hidden">{tr!(trail.automation)}</legend>
                {check_box("linked", "true", set.linked.is_some(), tr!(trail.linked), tr!(trail.linked_help))}
                {check_box("merged", "true", set.merged.is_some(), tr!(trail.merged), tr!(trail.merged_help))}
            </fieldset>
            <Field
                name="deployed_to" label=tr!(trail.deployed) help=tr!(trail.deployed_help)
                control=Control::Select(environments) value=chosen.unwrap_or_default()
            />
            <p>{submit(Weight::Primary, tr!(place.save))}</p>
        }
    };
    view! { <Form action=SetAutomation::PATH class="form narrow box-body" done=tr!(place.saved)>{fields()}</Form> }
        .into_any()
}

/// What is on, for who may not change it.
fn facts(page: &AutomationView) -> AnyView {
    let set = &page.automation;
    let rows = Trigger::ALL
        .into_iter()
        .map(|trigger| {
            let word = match trigger {
                Trigger::Linked => tr!(trail.linked),
                Trigger::Merged => tr!(trail.merged),
                Trigger::Deployed => tr!(trail.deployed),
            };
            let state = match (trigger, set.since(trigger)) {
                (_, None) => tr!(trail.off),
                (Trigger::Deployed, Some(_)) => {
                    let environment = set.deployed.as_ref().map(|(_, one)| one.name.clone());
                    environment.unwrap_or_default()
                }
                (_, Some(_)) => tr!(trail.on),
            };
            view! { <dt>{word}</dt><dd>{state}</dd> }
        })
        .collect::<Vec<_>>();
    view! {
        <div class="box-body stack">
            <dl class="facts">{rows}</dl>
            <p class="muted">{tr!(trail.may_not)}</p>
        </div>
    }
    .into_any()
}
