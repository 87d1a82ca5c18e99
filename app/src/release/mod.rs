//! Releases of an app: the timeline, and one release with where it can go.

pub mod api;
mod compare;
mod find;
mod parts;

pub use compare::comparison_page;
pub use find::commit_page;
pub(crate) use parts::scan;

use crate::application::parts::app_head;
use crate::design::lane::short_sha;
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::design::status::{self, Status, pill};
use crate::design::table::{row, table};
use crate::design::time::time;
use crate::design::{environment::env_badge, page::Panel};
use crate::live::{Topics, refresh_without_js};
use crate::load::load;
use crate::places::{app_params, encode, param};
use crate::promotion::parts::title_of;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::project::Place;
use slipway_domain::release::ReleaseList;
use slipway_domain::release::{ReleaseRow, ReleaseView};

/// What makes pages about an app's releases stale.
fn topics(place: &Place) -> Topics {
    place
        .app
        .iter()
        .fold(Topics::default(), |topics, app| topics.and("app", app.id))
}

/// `App/releases`.
pub fn releases_page() -> AnyView {
    let params = app_params();
    let older = crate::places::query("older");
    load(move || {
        let (org, project, app) = params();
        api::ReadReleases {
            org,
            project,
            app,
            older_than: older(),
        }
    })
    .watching(|list: &ReleaseList| topics(&list.place))
    .view(|list| timeline(&list))
}

fn timeline(list: &ReleaseList) -> AnyView {
    let base = list.place.path();
    let body = if list.releases.is_empty() {
        view! { <EmptyState title=tr!(release.none) hint=tr!(release.none_hint)/> }.into_any()
    } else {
        let heads = [
            tr!(release.version),
            tr!(release.change),
            tr!(release.from),
            tr!(release.runs_in),
            tr!(release.made),
        ];
        let rows = list
            .releases
            .iter()
            .map(|release| release_row(&base, release))
            .collect();
        table(
            tr!(common.nav_releases),
            heads.into_iter().map(IntoAny::into_any).collect(),
            rows,
        )
    };
    let older = list.older_than.as_ref().map(|older| {
        view! { <p><a class="btn" href=format!("?older={}", encode(older))>{tr!(release.older)}</a></p> }
    });
    view! {
        {refresh_without_js()}
        <PageHead title=title_of(&list.place)/>
        {app_head(&list.place, "releases")}
        <div class="box">{body}</div>
        {older}
        <div class="box box-body stack">
            {find::finder(&base, "")}
            <p><a class="link" href=format!("{base}/releases/compare")>{tr!(release.compare)}</a></p>
        </div>
    }
    .into_any()
}

fn release_row(base: &str, release: &ReleaseRow) -> AnyView {
    let href = format!("{base}/releases/{}", encode(&release.release.version));
    let defective = release
        .defective_at
        .map(|_| pill(Status::Failed, tr!(release.defective)));
    let name = view! { <span class="row wrap"><a class="strong" href=href>{release.release.version.clone()}</a>{defective}</span> };
    let change = view! { <span>{release.title.clone()}" "<code class="muted">{short_sha(&release.release.sha)}</code></span> };
    let runs_in = view! { <span class="row wrap">{release.running_in.iter().map(env_badge).collect::<Vec<_>>()}</span> };
    let git_ref = view! { <code>{release.git_ref.clone()}</code> };
    row(
        name.into_any(),
        vec![
            (tr!(release.change), change.into_any()),
            (tr!(release.from), git_ref.into_any()),
            (tr!(release.runs_in), runs_in.into_any()),
            (tr!(release.made), time(release.created_at)),
        ],
    )
}

/// `App/releases/{version}`.
pub fn release_page() -> AnyView {
    let (params, version) = (app_params(), param("version"));
    load(move || {
        let (org, project, app) = params();
        api::ReadRelease {
            org,
            project,
            app,
            version: version(),
        }
    })
    .watching(|release: &ReleaseView| topics(&release.place))
    .view(|release| page(&release))
}

fn page(release: &ReleaseView) -> AnyView {
    let by = release.created_by.as_ref().map(|by| format!("{} · ", by.name));
    let line = view! { {by}<code>{short_sha(&release.release.sha)}</code>" · "{release.git_ref.clone()}" · "{time(release.created_at)} };
    let mark = view! { {release.running_in.iter().map(env_badge).collect::<Vec<_>>()} };
    let title = format!("{} {}", title_of(&release.place), release.release.version);
    let defective = release.defective.as_ref().map(|(at, why)| {
        view! { <p class="note bad">{tr!(release.marked_defective)}" "{time(*at)}": "{why.clone()}</p> }
    });
    let choices = parts::choices(release);
    view! {
        {refresh_without_js()}
        <PageHead title mark=mark.into_any() line=line.into_any()/>
        <div class="stack wide">
            {defective}
            <div class="columns">
                <div class="stack wide">
                    {(!release.items.is_empty()).then(|| compare::items_panel(&release.place, &release.items))}
                    {parts::commits(release)}
                    {parts::images(release)}
                    {parts::configuration(release)}
                    {parts::manifests(release)}
                    {parts::notes(release)}
                </div>
                <div class="stack wide">
                    <Panel title=tr!(release.promote)>{choices}</Panel>
                    {parts::facts(release)}
                    {parts::evidence(&release.evidence)}
                    {parts::mark(release)}
                </div>
            </div>
        </div>
    }
    .into_any()
}

/// What the release's tests said, in one pill.
fn evidence(release: &ReleaseView) -> AnyView {
    let evidence = &release.evidence;
    if evidence.tests_failed > 0 {
        return pill(
            Status::Failed,
            tr!(release.tests_failed, n = evidence.tests_failed),
        );
    }
    if evidence.tests_passed == 0 {
        return status::tag(tr!(release.no_tests));
    }
    pill(
        Status::Success,
        tr!(release.tests_passed, n = evidence.tests_passed),
    )
}
