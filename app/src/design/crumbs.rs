//! Breadcrumbs: where the reader is, from the address and the names of the place.

use crate::i18n::say;
use crate::places;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::item::ItemKind;
use slipway_domain::project::Place;

/// One step: its word, and its page unless it is this one.
type Crumb = (String, String);

/// The trail to `path`; `place` has the names of organization and project.
fn trail(path: &str, place: Option<&Place>) -> Vec<Crumb> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let mut crumbs = Vec::new();
    let mut rest = parts.as_slice();
    if let ["orgs", "new"] = rest {
        rest = &["new"];
    } else if let ["orgs", org, more @ ..] = rest {
        rest = more;
        let name = place.map_or_else(|| (*org).to_owned(), |place| place.org.name.clone());
        crumbs.push((name, places::org(org)));
        if let ["projects", project, more @ ..] = rest
            && *project != "new"
        {
            rest = more;
            let known = place.and_then(|place| place.project.as_ref());
            let name = known.map_or_else(|| (*project).to_owned(), |project| project.name.clone());
            crumbs.push((name, places::project(org, project)));
            if let ["apps", app, more @ ..] = rest
                && *app != "new"
            {
                rest = more;
                crumbs.push(((*app).to_owned(), places::app(org, project, app)));
            }
        }
    }
    let mut href = crumbs.last().map_or_else(String::new, |(_, href)| href.clone());
    let mut before = "";
    // The environments of an app have no list of their own: that is its lane.
    let in_app = crumbs.len() == 3;
    for part in rest {
        if in_app && (*part == "environments" || *part == "pods") {
            href = format!("{href}/{part}");
            continue;
        }
        if *part == "runs" {
            // The list of runs has another name in its address.
            crumbs.push((tr!(common.nav_pipelines), format!("{href}/pipelines")));
        }
        href = format!("{href}/{part}");
        if let Some(word) = word(before, part) {
            crumbs.push((word, href.clone()));
        }
        before = part;
    }
    crumbs
}

/// The word for a part of an address that stands after `before`; `None`: it is no page of its own.
fn word(before: &str, part: &str) -> Option<String> {
    Some(match part {
        "approvals" => tr!(common.nav_approvals),
        "pipelines" => tr!(common.nav_pipelines),
        "releases" => tr!(common.nav_releases),
        "environments" => tr!(common.nav_environments),
        "board" => tr!(common.nav_board),
        "bugs" => tr!(common.nav_bugs),
        "members" => tr!(common.nav_members),
        "audit" => tr!(common.nav_audit),
        "notifications" => tr!(common.notifications),
        "settings" => tr!(common.nav_settings),
        "gitlab" => String::from("GitLab"),
        "clusters" => tr!(place.clusters),
        "mail" => tr!(mail.mail),
        "webhooks" => tr!(subscriber.title),
        "import" if before == "items" => tr!(intake.title),
        "import" => tr!(import.import_link),
        "automation" => tr!(trail.automation),
        "mirror" => tr!(mirror.title),
        "stream" => tr!(insight.stream),
        "new" => tr!(common.crumb_new),
        "edit" => tr!(common.crumb_edit),
        "operator" => tr!(operator.title),
        "sign-in" => tr!(operator.sign_in),
        "me" => tr!(common.crumb_me),
        "security" => tr!(common.crumb_security),
        "sessions" => tr!(common.crumb_sessions),
        "confirm" => tr!(common.crumb_confirm),
        "tokens" => tr!(token.title),
        "schedules" => tr!(schedule.title),
        "variables" => tr!(variable.title),
        "freezes" => tr!(freeze.title),
        "templates" => tr!(template.title),
        "drift" if before == "pipelines" => tr!(editor.drift_title),
        "drift" => tr!(drift.title),
        "copy" => tr!(editor.copy_there),
        "workload" => tr!(workload.title),
        "backlog" => tr!(iteration.backlog),
        "iterations" => tr!(iteration.iterations),
        "insights" => tr!(common.nav_insights),
        "dora" => tr!(insight.delivery),
        "setup" => tr!(board.set_up),
        "table" => tr!(table.title),
        "roadmap" => tr!(roadmap.title),
        "report" => tr!(summary.report),
        "compare" => tr!(release.compare),
        "runs" | "promotions" | "items" | "projects" | "apps" | "a" | "r" | "deliveries" | "imports" => {
            return None;
        }
        _ if before == "imports" => tr!(import.import_link),
        _ if before == "import" => tr!(intake.one),
        kind if before == "setup" => {
            ItemKind::from_key(kind).map_or_else(|| kind.to_owned(), |kind| say(&kind.text()))
        }
        _ if before == "webhooks" => tr!(subscriber.one),
        _ if before == "deliveries" => tr!(subscriber.delivery),
        other if other.len() == 36 => tr!(common.crumb_promotion),
        other if other.bytes().all(|b| b.is_ascii_digit()) => format!("#{other}"),
        other => other.to_owned(),
    })
}

/// The breadcrumbs of the page at `path`.
pub fn crumbs(path: &str, place: Option<&Place>) -> AnyView {
    let trail = trail(path, place);
    let last = trail.len();
    let items = trail
        .into_iter()
        .enumerate()
        .map(|(i, (word, href))| {
            if i + 1 == last {
                view! { <li><span aria-current="page">{word}</span></li> }.into_any()
            } else {
                view! { <li><a href=href>{word}</a></li> }.into_any()
            }
        })
        .collect_view();
    view! { <nav class="crumbs" aria-label=tr!(common.crumbs)><ol>{items}</ol></nav> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trail_leaves_out_what_is_no_page() {
        let words: Vec<_> = trail("/orgs/acme/projects/checkout/apps/order-api/runs/1841", None)
            .into_iter()
            .map(|c| c.0)
            .collect();
        assert_eq!(words, ["acme", "checkout", "order-api", "Pipelines", "#1841"]);
        let trail = trail("/approvals/0192", None);
        assert_eq!(trail[0].1, "/approvals");
    }
}
