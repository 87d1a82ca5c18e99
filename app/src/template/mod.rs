//! Templates that organizations and projects write: their lists, their pages, who uses them, and upgrades of apps.

pub mod api;
mod author;
mod bulk;
mod list;
mod show;
mod upgrade;
mod usage;

pub use bulk::bulk_page;
pub use list::{new_page, templates_page};
pub use show::template_page;
pub use upgrade::upgrade_page;
pub use usage::usage_page;

use crate::design::status::{Status, pill};
use crate::i18n::say;
use crate::live::Topics;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::pipeline::authored::Bump;
use slipway_domain::project::Place;
use slipway_domain::template::{Standing, Suggested};

/// The name of the place whose templates are shown.
fn name(place: &Place) -> String {
    match &place.project {
        Some(project) => project.name.clone(),
        None => place.org.name.clone(),
    }
}

/// What changes a page of the place's templates.
fn topics(place: &Place) -> Topics {
    match &place.project {
        Some(project) => Topics::of("templates", project.id),
        None => Topics::of("templates", place.org.id),
    }
}

/// A part of the address; none where it is left out.
fn given(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// The page of a template as it is looked at in a place.
fn page_of(place: &Place, key: &str) -> String {
    format!("{}/templates/{key}", place.path())
}

/// How a template stands.
pub(crate) fn standing(standing: Standing) -> AnyView {
    match standing {
        Standing::Draft => pill(Status::Waiting, tr!(template.draft)),
        Standing::Published => pill(Status::Success, tr!(template.published)),
        Standing::Deprecated => pill(Status::Degraded, tr!(template.deprecated)),
        Standing::Withdrawn => pill(Status::Cancelled, tr!(template.withdrawn)),
    }
}

/// How large a step is.
fn step(bump: Bump) -> AnyView {
    let status = match bump {
        Bump::Patch | Bump::Minor => Status::Queued,
        Bump::Major => Status::Degraded,
    };
    pill(status, say(&bump.text()))
}

/// That there is a newer version for an app, or what else there is to know of its template.
pub(crate) fn suggestion(place: &Place, suggested: &Suggested) -> AnyView {
    let from = format!("{}@{}", suggested.from.key, suggested.from.version);
    let newer = suggested.to.as_ref().map(|to| {
        let latest = suggested.changelog.first().map(|(_, words)| say(words));
        view! {
            <span>{tr!(template.newer, name = say(&suggested.names), to = to)}" "{suggested.bump.map(step)}" "{latest}</span>
            <a class="btn" href=format!("{}/pipelines/upgrade", place.path())>{tr!(template.look_at_upgrade)}</a>
        }
    });
    let warning = suggested
        .warning
        .as_ref()
        .map(|warning| view! { <span>{say(warning)}</span> });
    view! {
        <section class="note row wrap spread gap-below" aria-label=tr!(template.of_pipeline)>
            <code>{from}</code>{warning}{newer}
        </section>
    }
    .into_any()
}
