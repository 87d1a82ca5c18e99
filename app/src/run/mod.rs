//! Pipeline runs of an app: the list, and one run with its jobs and their logs.

pub mod api;
mod dag;
pub(crate) mod field;
mod jobs;
mod list;
mod log;
pub(crate) mod new;
mod show;

pub use list::runs_page;
pub use new::new_run_page;
pub use show::run_page;

use crate::design::form::hidden;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use slipway_domain::project::Place;
use slipway_domain::run::{JobRow, LogWindow, RunStatus, RunView};

/// Lines of a log's window; the server gives no more.
pub(crate) const WINDOW: usize = 500;

/// What the run's page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunPage {
    /// The run.
    pub run: RunView,
    /// A window of the log of the chosen job; `None`: the run has no job.
    pub log: Option<LogWindow>,
}

/// The job of that name; else the one to look at first: failed, else running, else the last that ran.
pub(crate) fn chosen<'a>(run: &'a RunView, name: Option<&str>) -> Option<&'a JobRow> {
    let named = run.jobs.iter().find(|job| Some(job.name.as_str()) == name);
    let of = |status: RunStatus| {
        run.jobs
            .iter()
            .find(|job| job.status == status && !job.allow_failure)
    };
    named
        .or_else(|| of(RunStatus::Failed))
        .or_else(|| of(RunStatus::Running))
        .or_else(|| run.jobs.iter().rev().find(|job| job.started_at.is_some()))
        .or_else(|| run.jobs.first())
}

/// The hidden fields that say which app a form is about.
pub(crate) fn place_fields(place: &Place) -> AnyView {
    let project = place
        .project
        .as_ref()
        .map(|project| project.slug.clone())
        .unwrap_or_default();
    let app = place.app.as_ref().map(|app| app.slug.clone()).unwrap_or_default();
    view! { {hidden("org", place.org.slug.clone())}{hidden("project", project)}{hidden("app", app)} }
        .into_any()
}
