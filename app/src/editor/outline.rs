//! The outline: the same jobs as a list by stage; on a phone it stands in the place of the canvas.

use super::graph::{look, second_line};
use super::sheet::Sheet;
use super::state::Studio;
use super::{Chosen, job_query};
use crate::design::icon::{Icon, icon};
use crate::places::encode;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::pipeline::Severity;
use slipway_domain::pipeline::file::canvas::CanvasJob;

/// The outline.
pub(super) fn tree(studio: Studio, chosen: Chosen) -> AnyView {
    let list = move || {
        let sheet = studio.sheet.get();
        sheet
            .canvas
            .stages
            .iter()
            .map(|stage| {
                let jobs = stage.jobs.iter().filter_map(|name| sheet.job(name));
                let items = jobs.map(|job| item(studio, chosen, &sheet, job)).collect();
                if stage.name.is_empty() {
                    group(studio, tr!(editor.no_stage), None, items)
                } else {
                    group(studio, stage.name.clone(), Some(&stage.name), items)
                }
            })
            .collect::<Vec<_>>()
    };
    view! {
        <nav class="studio-outline" aria-label=tr!(editor.outline)>
            <a
                class="outline-job"
                href=studio.href(None)
                aria-current=move || (chosen.job.with(Option::is_none) && chosen.add.with(Option::is_none)).then_some("true")
            >
                {icon(Icon::Gear)}<span class="clip">{tr!(editor.whole)}</span>
            </a>
            {list}
        </nav>
    }
    .into_any()
}

fn group(studio: Studio, word: String, stage: Option<&str>, items: Vec<AnyView>) -> AnyView {
    let add = stage.filter(|_| studio.may_edit).map(|stage| {
        let query = format!("add=stage&at={}", encode(stage));
        let href = studio.href(Some(&query));
        let word = tr!(editor.add_to_stage, stage = stage);
        view! { <a class="add-here" href=href aria-label=word.clone() title=word>"+"</a> }
    });
    view! {
        <h2 class="outline-stage"><span class="clip">{word}</span>{add}</h2>
        <ul>{items}</ul>
    }
    .into_any()
}

fn item(studio: Studio, chosen: Chosen, sheet: &Sheet, job: &CanvasJob) -> AnyView {
    let href = studio.href(Some(&job_query(&job.name)));
    let name = job.name.clone();
    let current = move || {
        chosen
            .job
            .with(|chosen| chosen.as_ref() == Some(&name))
            .then_some("true")
    };
    let mark = sheet.worst(job).map(|severity| {
        let word = match severity {
            Severity::Error => tr!(pipeline.error),
            Severity::Warning => tr!(pipeline.warning),
        };
        view! { <span class="small muted">{word}</span> }
    });
    view! {
        <li>
            <a class="outline-job" href=href aria-current=current title=second_line(job)>
                {icon(look(job))}<span class="clip">{job.name.clone()}</span>{mark}
            </a>
        </li>
    }
    .into_any()
}
