//! The drawer while no job is chosen: the stages, the variables, and what is kept as it is.

use super::api::SwitchFile;
use super::drawer::{all_stages, change_form};
use super::fieldset::line;
use super::sheet::{Sheet, shown};
use super::state::Studio;
use crate::design::button::{Weight, button_link, submit};
use crate::design::form::{Form, hidden, place_fields};
use crate::i18n::say;
use crate::places::encode;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::pipeline::file::CutKind;
use slipway_domain::pipeline::file::side::is_side;

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
    let side = which_file(studio, canvas.side_file);
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
    let first = first(studio, sheet);
    view! {
        <header><h2>{tr!(editor.whole)}</h2></header>
        <div class="drawer-part"><p>{counts}</p>{first}{side}</div>
        {stages(studio, sheet)}
        {variables(studio, sheet)}
        {others}
    }
    .into_any()
}

/// Where there is no job yet, no edge and no column offers a place for one.
pub(super) fn first(studio: Studio, sheet: &Sheet) -> Option<AnyView> {
    (studio.may_edit && sheet.canvas.jobs.is_empty()).then(|| {
        let stages = all_stages(studio, sheet);
        let stage = stages
            .iter()
            .find(|stage| *stage != ".pre")
            .map_or("test", String::as_str);
        let query = format!("add=stage&at={}", encode(stage));
        let href = studio.href(Some(&query));
        view! { <p>{button_link(Weight::Primary, href, tr!(editor.add_job))}</p> }.into_any()
    })
}

/// Which of the two files this is, and the way to the other.
fn which_file(studio: Studio, mostly_kept: bool) -> AnyView {
    let is_side = studio.text.with_untracked(|text| is_side(text));
    let word = match (is_side, mostly_kept) {
        (true, _) => tr!(editor.side_this),
        (false, true) => tr!(editor.side_file),
        (false, false) => return ().into_any(),
    };
    let (to, act) = if is_side {
        ("root", tr!(editor.side_to_root))
    } else {
        ("side", tr!(editor.side_begin))
    };
    let place = studio.place.get_value();
    let switch = studio.may_edit.then(|| {
        view! {
            <Form action=SwitchFile::PATH class="" plain=true>
                {place_fields(&place)}
                {hidden("file", to.to_owned())}
                {submit(Weight::Plain, act)}
            </Form>
        }
    });
    view! { <div class="note small stack"><p>{word}</p>{switch}</div> }.into_any()
}

pub(super) fn stages(studio: Studio, sheet: &Sheet) -> AnyView {
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
