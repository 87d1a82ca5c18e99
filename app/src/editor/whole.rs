//! The drawer while no job is chosen: the stages, the variables, and what is kept as it is.

use super::drawer::change_form;
use super::fieldset::line;
use super::sheet::{Sheet, shown};
use super::state::Studio;
use crate::design::button::{Weight, submit};
use crate::i18n::say;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::pipeline::file::CutKind;

/// The whole file: its stages, its variables, and how much of it can be changed here.
pub(super) fn form(studio: Studio, sheet: &Sheet) -> AnyView {
    let canvas = &sheet.canvas;
    let kept = canvas
        .jobs
        .iter()
        .filter(|job| job.kind == CutKind::Opaque && !job.disabled);
    let counts = tr!(
        editor.counts,
        jobs = canvas.jobs.len(),
        kept = kept.count(),
        percent = canvas.opaque_percent
    );
    let side = canvas
        .side_file
        .then(|| view! { <p class="note small">{tr!(editor.side_file)}</p> });
    let kept: Vec<_> = canvas
        .others
        .iter()
        .filter(|piece| piece.reason.is_some())
        .collect();
    let others = (!kept.is_empty()).then(|| {
        let items = kept
            .iter()
            .map(|piece| {
                let why = piece.reason.as_ref().map(|reason| say(&reason.text));
                let lines = tr!(editor.lines, from = piece.first_line, to = piece.last_line);
                view! { <li class="row wrap"><code>{piece.name.clone()}</code><span class="small muted">{lines}" "{why}</span></li> }
            })
            .collect::<Vec<_>>();
        view! { <section class="drawer-part"><h3>{tr!(editor.others)}</h3><ul class="need-list">{items}</ul></section> }
    });
    view! {
        <header><h2>{tr!(editor.whole)}</h2></header>
        <div class="drawer-part"><p>{counts}</p>{side}</div>
        {stages(studio, sheet)}
        {variables(studio, sheet)}
        {others}
    }
    .into_any()
}

fn stages(studio: Studio, sheet: &Sheet) -> AnyView {
    let canvas = &sheet.canvas;
    let changeable = studio.may_edit && canvas.stages_locked.is_none();
    let rows = canvas
        .stages
        .iter()
        .filter(|stage| !stage.name.is_empty())
        .map(|stage| {
            let (name, jobs) = (&stage.name, stage.jobs.len());
            let act = |op: &'static str, sign: &'static str, word: String| {
                change_form(studio, op, &[("stage", name.clone())], "", move || {
                    view! { <button type="submit" class="btn quiet small" aria-label=word.clone() title=word.clone()>{sign}</button> }
                        .into_any()
                })
            };
            let acts = (changeable && stage.listed && name != ".pre" && name != ".post").then(|| {
                let remove = (jobs == 0).then(|| act("stage-remove", "×", tr!(editor.stage_remove, stage = name)));
                view! {
                    <span class="row">
                        {act("stage-up", "↑", tr!(editor.stage_up, stage = name))}
                        {act("stage-down", "↓", tr!(editor.stage_down, stage = name))}
                        {remove}
                    </span>
                }
            });
            view! {
                <li class="row wrap">
                    <code>{name.clone()}</code>
                    <span class="small muted">{tr!(editor.n_jobs, n = jobs)}</span>
                    {acts}
                </li>
            }
        })
        .collect::<Vec<_>>();
    let add = changeable.then(|| {
        change_form(studio, "stage-add", &[], "", || {
            view! {
                <div class="row wrap">
                    {line("stage", tr!(editor.new_stage), "")}
                    {submit(Weight::Plain, tr!(editor.add))}
                </div>
            }
            .into_any()
        })
    });
    let locked = canvas
        .stages_locked
        .as_ref()
        .map(|why| view! { <p class="small muted">{tr!(editor.kept_because, why = say(why))}</p> });
    view! { <section class="drawer-part"><h3>{tr!(editor.stages)}</h3><ul class="need-list">{rows}</ul>{locked}{add}</section> }
        .into_any()
}

fn variables(studio: Studio, sheet: &Sheet) -> AnyView {
    let rows = sheet
        .canvas
        .variables
        .iter()
        .map(|field| {
            let name = field.path.strip_prefix("variables.").unwrap_or(&field.path).to_owned();
            let value = field.value.as_ref().map(shown).unwrap_or_default();
            if let Some(why) = &field.locked {
                let why = tr!(editor.kept_because, why = say(why));
                return view! { <li><code>{name}</code>" "<span class="small muted">{why}</span></li> }.into_any();
            }
            if !studio.may_edit {
                return view! { <li><code>{name}</code>" "<span class="small">{value}</span></li> }.into_any();
            }
            let label = name.clone();
            let set = change_form(studio, "variable", &[("name", name)], "", move || {
                view! {
                    <div class="row wrap">
                        {line("value", label, &value)}
                        {submit(Weight::Plain, tr!(editor.apply))}
                        <button type="submit" class="btn quiet" name="change[remove]" value="true">{tr!(editor.remove)}</button>
                    </div>
                }
                .into_any()
            });
            view! { <li>{set}</li> }.into_any()
        })
        .collect::<Vec<_>>();
    let add = studio.may_edit.then(|| {
        change_form(studio, "variable", &[], "", || {
            view! {
                <div class="row wrap">
                    {line("name", tr!(editor.new_variable), "")}
                    {line("value", tr!(editor.value), "")}
                    {submit(Weight::Plain, tr!(editor.add))}
                </div>
            }
            .into_any()
        })
    });
    view! { <section class="drawer-part"><h3>{tr!(editor.variables)}</h3><ul class="stack">{rows}</ul>{add}</section> }
        .into_any()
}
