//! Two releases side by side, or what runs in two environments.

use super::api::ReadComparison;
use crate::design::button::{Weight, submit};
use crate::design::diff::diff;
use crate::design::environment::env_badge;
use crate::design::lane::short_sha;
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::design::status::tag;
use crate::design::time::time;
use crate::i18n::say;
use crate::live::Topics;
use crate::load::load;
use crate::places::{app_params, encode, query};
use crate::promotion::parts::title_of;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::comparison::{Compared, ComparisonView, Difference, ItemLine};
use slipway_domain::diff::DiffView;
use slipway_domain::project::Place;
use slipway_domain::release::Commit;

/// `App/releases/compare?from=&to=`.
pub fn comparison_page() -> AnyView {
    let params = app_params();
    let (from, to) = (query("from"), query("to"));
    load(move || {
        let (org, project, app) = params();
        ReadComparison {
            org,
            project,
            app,
            from: from().unwrap_or_default(),
            to: to().unwrap_or_default(),
        }
    })
    .watching(|view: &ComparisonView| {
        let app = view.place.app.iter();
        app.fold(Topics::default(), |topics, app| topics.and("app", app.id))
    })
    .view(|view| show(&view))
}

fn show(view: &ComparisonView) -> AnyView {
    let trouble = view
        .trouble
        .as_ref()
        .map(|trouble| view! { <p class="note warn" role="alert">{say(trouble)}</p> });
    let body = match &view.difference {
        Some(difference) => between(&view.place, difference),
        None if view.trouble.is_some() => ().into_any(),
        None => view! { <div class="box"><EmptyState title=tr!(release.choose_two) hint=tr!(release.choose_two_hint)/></div> }.into_any(),
    };
    view! {
        <PageHead title=tr!(release.compare) line=title_of(&view.place).into_any()/>
        <div class="stack wide">
            {chooser(view)}
            {trouble}
            {body}
        </div>
    }
    .into_any()
}

/// A plain form that changes the address.
fn chooser(view: &ComparisonView) -> AnyView {
    let (from, to) = &view.asked;
    view! {
        <form method="get" class="form-row box box-body">
            {select(view, "from", tr!(release.compare_from), from)}
            {select(view, "to", tr!(release.compare_to), to)}
            {submit(Weight::Primary, tr!(release.compare))}
        </form>
    }
    .into_any()
}

fn select(view: &ComparisonView, name: &'static str, word: String, chosen: &str) -> AnyView {
    let environments = view
        .environments
        .iter()
        .map(|one| {
            let key = format!("@{}", one.key);
            let here = key == chosen;
            view! { <option value=key selected=here>{one.name.clone()}</option> }
        })
        .collect_view();
    // One that is older than the choices stays chosen.
    let older =
        (!chosen.is_empty() && !chosen.starts_with('@') && !view.versions.iter().any(|one| one == chosen))
            .then(|| chosen.to_owned());
    let versions = older
        .iter()
        .chain(&view.versions)
        .map(|version| {
            let here = version == chosen;
            view! { <option value=version.clone() selected=here>{version.clone()}</option> }
        })
        .collect_view();
    let id = format!("compare-{name}");
    view! {
        <div class="field">
            <label for=id.clone()>{word}</label>
            <select class="input" id=id.clone() name=name>
                <option value="">"–"</option>
                <optgroup label=tr!(release.runs_in)>{environments}</optgroup>
                <optgroup label=tr!(common.nav_releases)>{versions}</optgroup>
            </select>
        </div>
    }
    .into_any()
}

fn between(place: &Place, difference: &Difference) -> AnyView {
    let same = difference.from.release.id == difference.to.release.id;
    let note = if same {
        Some(view! { <p class="note">{tr!(release.same_release)}</p> })
    } else {
        difference
            .back
            .then(|| view! { <p class="note warn">{tr!(release.goes_back)}</p> })
    };
    let manifests_for = match &difference.manifests_in {
        Some(one) => view! { {tr!(release.manifests_for)}" "{env_badge(one)} }.into_any(),
        None => tr!(release.manifests_each).into_any(),
    };
    let commits = match difference.commits.len() {
        0 => view! { <EmptyState title=tr!(release.no_commits)/> }.into_any(),
        _ => commit_list(&difference.commits),
    };
    let (configuration, manifests) = (changed(&difference.configuration), changed(&difference.manifests));
    let count = difference.commits.len().to_string().into_any();
    view! {
        {note}
        <div class="columns even">{side(place, &difference.from)}{side(place, &difference.to)}</div>
        {(!difference.items.is_empty()).then(|| items_panel(place, &difference.items))}
        <Panel title=tr!(release.commits) aside=count>{commits}</Panel>
        <Panel title=tr!(release.configuration)>{configuration}</Panel>
        <Panel title=tr!(release.manifests) aside=manifests_for>{manifests}</Panel>
    }
    .into_any()
}

fn changed(view: &DiffView) -> AnyView {
    if view.is_empty() {
        return view! { <p class="box-body muted">{tr!(release.no_difference)}</p> }.into_any();
    }
    diff(view)
}

fn side(place: &Place, side: &Compared) -> AnyView {
    let href = format!("{}/releases/{}", place.path(), encode(&side.release.version));
    let images = side
        .images
        .iter()
        .map(|image| view! { <li class="small break"><code>{image.repository.clone()}</code>" "<code class="muted">{image.short().to_owned()}</code></li> })
        .collect_view();
    view! {
        <section class="box box-body stack tight">
            <h2 class="row wrap"><a class="link" href=href>{side.release.version.clone()}</a>{side.environment.as_ref().map(env_badge)}</h2>
            <p class="small muted"><code>{short_sha(&side.release.sha)}</code>" · "{side.git_ref.clone()}" · "{time(side.created_at)}</p>
            {side.template.clone().map(tag)}
            <ul>{images}</ul>
        </section>
    }
    .into_any()
}

/// The work items, each with its title.
pub fn items_panel(place: &Place, items: &[ItemLine]) -> AnyView {
    let project = place
        .project
        .as_ref()
        .map(|project| crate::places::project(&place.org.slug, &project.slug))
        .unwrap_or_default();
    let rows = items
        .iter()
        .map(|item| {
            let href = format!("{project}/items/{}", item.key);
            view! {
                <li class="list-row">
                    <a class="link" href=href><code>{item.key.clone()}</code></a>
                    <span>{item.title.clone()}</span>
                    {item.state.as_ref().map(crate::board::parts::state)}
                </li>
            }
        })
        .collect_view();
    view! { <Panel title=tr!(release.items)><ul class="list">{rows}</ul></Panel> }.into_any()
}

/// Commits, one a line.
pub fn commit_list(commits: &[Commit]) -> AnyView {
    let rows = commits
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
    view! { <ul class="list">{rows}</ul> }.into_any()
}
