//! What stands below the canvas: the file, what is wrong with it, and what differs from the branch.

use super::drawer::mend;
use super::sheet::{Note, Sheet};
use super::state::Studio;
use super::{Chosen, job_query, sync};
use crate::design::diff::diff;
use crate::design::status::{Status, pill};
use crate::design::tabs::{Tab, tabs};
use crate::pipeline::preview::tinted;
use crate::places::encode;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::diff::diff_lines;
use slipway_domain::pipeline::{Params, Severity, compile, instantiate};
use std::ops::RangeInclusive;

/// The tabs and what they show.
pub(super) fn below(studio: Studio, chosen: Chosen) -> AnyView {
    let view = move || chosen.view.get().unwrap_or_else(|| String::from("yaml"));
    let bar = move || {
        let (job, current) = (chosen.job.get(), view());
        let href = |view: &str| {
            let mut query = format!("view={view}");
            if let Some(job) = &job {
                query = format!("{}&{query}", job_query(job));
            }
            studio.href(Some(&query))
        };
        let problems = studio.sheet.with(|sheet| sheet.notes.len());
        let tab = |key: &'static str, word: String| Tab {
            word,
            href: href(key),
            current: current == key,
        };
        tabs(
            tr!(editor.below),
            if studio.template().is_some() {
                vec![
                    tab("yaml", tr!(template.document)),
                    tab("file", tr!(editor.yaml)),
                    tab("problems", tr!(editor.problems, n = problems)),
                    tab("changes", tr!(editor.changes)),
                ]
            } else {
                vec![
                    tab("yaml", tr!(editor.yaml)),
                    tab("problems", tr!(editor.problems, n = problems)),
                    tab("changes", tr!(editor.changes)),
                    tab("effective", tr!(editor.effective)),
                ]
            },
        )
    };
    let body = move || match view().as_str() {
        "problems" => problems(studio),
        "changes" => changes(studio),
        "file" if studio.template().is_some() => made(studio),
        // It is read from GitLab, and stands below.
        "effective" => ().into_any(),
        _ => yaml(studio, chosen),
    };
    view! { <section class="studio-below">{bar}{body}</section> }.into_any()
}

fn yaml(studio: Studio, chosen: Chosen) -> AnyView {
    let pieces = move || {
        let sheet = studio.sheet.get();
        let lit = chosen.job.with(|job| lines_of(&sheet, job.as_deref()?));
        studio.text.with(|text| pieces(text, lit.as_ref()))
    };
    // A key changes a line or two: the other pieces stay as they are drawn.
    view! {
        <div class="box">
            <div class="yaml" tabindex="0" role="group" aria-label=tr!(pipeline.preview)>
                <For each=pieces key=Clone::clone children=|piece: Piece| piece.view()/>
            </div>
        </div>
    }
    .into_any()
}

/// How many lines are drawn together.
const TOGETHER: usize = 24;

/// Some lines of a file.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Piece {
    /// The number of the first.
    first: usize,
    /// The lines, each with whether it stands out.
    lines: Vec<(String, bool)>,
}

impl Piece {
    fn view(&self) -> AnyView {
        let lines = self.lines.iter().enumerate();
        lines
            .map(|(index, (line, lit))| numbered(self.first + index, line, *lit))
            .collect::<Vec<_>>()
            .into_any()
    }
}

fn pieces(text: &str, lit: Option<&RangeInclusive<usize>>) -> Vec<Piece> {
    let is_lit = |number: usize| lit.is_some_and(|lit| lit.contains(&number));
    let lines: Vec<&str> = text.lines().collect();
    let piece = |(index, lines): (usize, &[&str])| {
        let first = index * TOGETHER + 1;
        let line = |(place, line): (usize, &&str)| ((*line).to_owned(), is_lit(first + place));
        Piece {
            first,
            lines: lines.iter().enumerate().map(line).collect(),
        }
    };
    lines.chunks(TOGETHER).enumerate().map(piece).collect()
}

fn numbered(number: usize, line: &str, lit: bool) -> AnyView {
    let class = if lit { "l lit" } else { "l" };
    view! { <div class=class><span class="n" aria-hidden="true">{number}</span><span class="t">{tinted(line)}</span></div> }
        .into_any()
}

/// The file that a template makes of its defaults.
fn made(studio: Studio) -> AnyView {
    let shown = move || {
        let sheet = studio.sheet.get();
        let made = sheet
            .template
            .as_ref()
            .and_then(|template| instantiate(template, &Params::new()).ok());
        match made {
            Some(pipeline) => file(&compile(&pipeline).text, None),
            None => view! { <div class="box"><p class="box-body muted">{tr!(template.no_file)}</p></div> }
                .into_any(),
        }
    };
    view! { {shown} }.into_any()
}

/// The lines of a job, from 1.
fn lines_of(sheet: &Sheet, job: &str) -> Option<RangeInclusive<usize>> {
    let job = sheet.job(job)?;
    Some(job.first_line..=job.last_line)
}

/// A file with the numbers of its lines; some of them stand out.
pub(super) fn file(text: &str, lit: Option<&RangeInclusive<usize>>) -> AnyView {
    let lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| {
            let number = index + 1;
            numbered(number, line, lit.is_some_and(|lit| lit.contains(&number)))
        })
        .collect::<Vec<_>>();
    view! {
        <div class="box">
            <div class="yaml" tabindex="0" role="group" aria-label=tr!(pipeline.preview)>{lines}</div>
        </div>
    }
    .into_any()
}

fn problems(studio: Studio) -> AnyView {
    // GitLab is asked about files, not about templates.
    let lint = studio.template().is_none().then(|| sync::lint(studio));
    let own = move || {
        let sheet = studio.sheet.get();
        let rows = sheet
            .notes
            .iter()
            .map(|note| row(studio, &sheet, note))
            .collect::<Vec<_>>();
        if rows.is_empty() {
            view! { <p class="box-body muted">{tr!(editor.no_problems)}</p> }.into_any()
        } else {
            view! { <ul class="checks box-body">{rows}</ul> }.into_any()
        }
    };
    view! { <div class="box">{own}{lint}</div> }.into_any()
}

fn row(studio: Studio, sheet: &Sheet, note: &Note) -> AnyView {
    let mark = match note.severity {
        Severity::Error => pill(Status::Failed, tr!(pipeline.error)),
        Severity::Warning => pill(Status::Degraded, tr!(pipeline.warning)),
    };
    let job = sheet.canvas.job_at(note.line).map(|job| {
        let query = format!("job={}&view=problems", encode(&job.name));
        let href = studio.href(Some(&query));
        view! { <a class="link" href=href><code>{job.name.clone()}</code></a> }
    });
    let place = tr!(editor.line, n = note.line);
    view! { <li>{mark}{job}<span>{note.words.clone()}" "<span class="small muted">{place}</span></span>{mend(studio, note)}</li> }
        .into_any()
}

fn changes(studio: Studio) -> AnyView {
    let shown = move || {
        let difference = studio
            .text
            .with(|text| studio.base.with(|base| diff_lines(base, text)));
        if difference.is_empty() {
            view! { <div class="box"><p class="box-body muted">{tr!(editor.no_changes)}</p></div> }.into_any()
        } else {
            diff(&difference)
        }
    };
    view! { {shown} }.into_any()
}
