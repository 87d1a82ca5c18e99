//! `App/schedules/new` and `App/schedules/{id}`.

use super::api::{PreviewCron, ReadSchedule, SaveSchedule};
use super::next_times;
use crate::application::parts::app_head;
use crate::design::button::{Weight, button_link, submit};
use crate::design::field::Field;
use crate::design::flash::Flash;
use crate::design::form::{Form, FormState, hidden};
use crate::design::page::{PageHead, Panel};
use crate::i18n::say;
use crate::load::load;
use crate::places::{app_params, param, query};
use crate::run::new::{typed_input, variable_row, which_ref};
use crate::run::place_fields;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::pipeline::inputs::{Input, text_of};
use slipway_domain::schedule::{CronPreview, ScheduleForm, ScheduleRow, ZONES};

/// How many rows there are for new variables.
const ROWS: usize = 3;
/// What a new schedule begins with.
const EVERY_NIGHT: &str = "0 2 * * *";

/// `App/schedules/new`.
pub fn new_schedule_page() -> AnyView {
    let params = app_params();
    let git_ref = query("ref");
    load(move || {
        let (org, project, app) = params();
        ReadSchedule {
            org,
            project,
            app,
            id: None,
            git_ref: git_ref(),
        }
    })
    .view(|form| show(&form))
}

/// `App/schedules/{id}`.
pub fn schedule_page() -> AnyView {
    let params = app_params();
    let (id, git_ref) = (param("schedule"), query("ref"));
    load(move || {
        let (org, project, app) = params();
        ReadSchedule {
            org,
            project,
            app,
            id: Some(id()),
            git_ref: git_ref(),
        }
    })
    .view(|form| show(&form))
}

fn show(form: &ScheduleForm) -> AnyView {
    let title = match &form.schedule {
        Some(schedule) => schedule.description.clone(),
        None => tr!(schedule.new),
    };
    let back = button_link(
        Weight::Quiet,
        format!("{}/schedules", form.place.path()),
        tr!(schedule.back),
    );
    let foreign = form.schedule.as_ref().filter(|schedule| !schedule.ours).map(|_| {
        view! { <p class="note warn gap-below">{tr!(schedule.take_over_first)}</p> }
    });
    let (which, body) = (which_ref(&form.git_ref, &form.refs), body(form));
    view! {
        <PageHead title line=tr!(schedule.form_line).into_any() actions=back/>
        {app_head(&form.place, "pipelines")}
        {foreign}
        <div class="stack wide">
            <Panel title=tr!(run.run_on)>{which}</Panel>
            <Panel title=tr!(schedule.settings)>{body}</Panel>
        </div>
    }
    .into_any()
}

fn body(form: &ScheduleForm) -> AnyView {
    let place = place_fields(&form.place);
    let trouble = form
        .trouble
        .as_ref()
        .map(|trouble| view! { <p class="note warn">{say(trouble)}</p> });
    let form = form.clone();
    let fields = move || {
        let schedule = form.schedule.as_ref();
        let id = schedule.map(|schedule| hidden("id", schedule.id.to_string()));
        let description = schedule.map(|s| s.description.clone()).unwrap_or_default();
        let inputs: Vec<AnyView> = form
            .asked
            .inputs
            .iter()
            .map(|input| input_of(input, schedule))
            .collect();
        view! {
            {place}{id}{hidden("ref", form.git_ref.clone())}
            <Field name="description" label=tr!(schedule.description) help=tr!(schedule.description_help) value=description required=true/>
            {when(schedule)}
            {active(schedule.is_none_or(|schedule| schedule.active))}
            {inputs}
            {variables(schedule)}
            <p class="row wrap">
                {submit(Weight::Primary, tr!(schedule.save))}
                <button type="submit" class="btn only-without-js" name="check" value="true">{tr!(schedule.check)}</button>
            </p>
        }
    };
    view! {
        <div class="box-body stack">
            {trouble}
            <Form action=SaveSchedule::PATH>{fields()}</Form>
        </div>
    }
    .into_any()
}

/// The field of an input: what the schedule has, else the file's default.
fn input_of(input: &Input, schedule: Option<&ScheduleRow>) -> AnyView {
    let kept = schedule.and_then(|s| s.inputs.iter().find(|kept| kept.name == input.name));
    let value = kept.map_or_else(|| input.shown(), |kept| text_of(&kept.value));
    typed_input(input, value).field()
}

/// Expression and zone, and below them the next times while they are typed.
fn when(schedule: Option<&ScheduleRow>) -> AnyView {
    let form = FormState::here();
    let cron = schedule.map_or_else(|| String::from(EVERY_NIGHT), |s| s.cron.clone());
    let zone = schedule.map_or_else(|| String::from("UTC"), |s| s.zone.clone());
    let cron = form.typed("when[cron]").unwrap_or(cron);
    let zone = form.typed("when[zone]").unwrap_or(zone);
    let first = schedule.map(|schedule| CronPreview {
        next: schedule.next.clone(),
        ..CronPreview::default()
    });
    let (cron_text, zone_text) = (RwSignal::new(cron.clone()), RwSignal::new(zone.clone()));
    let shown = RwSignal::new(first);
    preview_when_quiet(cron_text, zone_text, shown);
    let told = |pick: fn(&CronPreview) -> &Option<slipway_domain::text::Text>, name: &'static str| {
        Signal::derive(move || {
            let typed = shown.with(|shown| shown.as_ref().and_then(|shown| pick(shown).as_ref().map(say)));
            typed.or_else(|| form.wrong(name))
        })
    };
    let (cron_wrong, zone_wrong) = (told(|p| &p.cron, "cron"), told(|p| &p.zone, "zone"));
    let zones: Vec<AnyView> = ZONES
        .iter()
        .map(|zone| view! { <option value=*zone></option> }.into_any())
        .collect();
    let field = |name: &'static str,
                 label: String,
                 help: String,
                 value: String,
                 text: RwSignal<String>,
                 wrong: Signal<Option<String>>| {
        let id = form.id_of(name);
        let (help_id, error_id) = (format!("{id}-help"), format!("{id}-error"));
        let described = format!("{help_id} {error_id}");
        let list = (name == "zone").then_some("zones");
        view! {
            <div class="field">
                <label for=id.clone()>{label}</label>
                <input
                    class="input code" type="text" id=id name=format!("when[{name}]") value=value list=list required autocomplete="off"
                    spellcheck="false" aria-describedby=described
                    aria-invalid=move || wrong.with(Option::is_some).then_some("true")
                    on:input:target=move |ev| text.set(ev.target().value())
                />
                <p class="help" id=help_id>{help}</p>
                <p class="error" id=error_id>{move || wrong.get()}</p>
            </div>
        }
        .into_any()
    };
    view! {
        <div class="form-row">
            {field("cron", tr!(schedule.cron), tr!(schedule.cron_help), cron, cron_text, cron_wrong)}
            {field("zone", tr!(schedule.zone), tr!(schedule.zone_help), zone, zone_text, zone_wrong)}
        </div>
        <datalist id="zones">{zones}</datalist>
        <div role="status" aria-live="polite">
            {move || shown.get().filter(|shown| shown.cron.is_none() && shown.zone.is_none()).map(|shown| {
                if shown.next.is_empty() {
                    view! { <p class="small muted">{tr!(schedule.no_next)}</p> }.into_any()
                } else {
                    view! { <p class="small muted">{tr!(schedule.next)}</p>{next_times(&shown.next)} }.into_any()
                }
            })}
        </div>
    }
    .into_any()
}

/// Asks the server for the next times once the reader has paused for 300 ms.
#[cfg(feature = "hydrate")]
fn preview_when_quiet(cron: RwSignal<String>, zone: RwSignal<String>, shown: RwSignal<Option<CronPreview>>) {
    use crate::places::encode;
    use std::time::Duration;
    let round = StoredValue::new(0_u32);
    Effect::new(move || {
        let (cron, zone) = (cron.get(), zone.get());
        let this = round.get_value().wrapping_add(1);
        round.set_value(this);
        let ask = move || {
            if round.try_get_value() != Some(this) {
                return;
            }
            leptos::task::spawn_local(async move {
                let url = format!(
                    "{}?cron={}&zone={}",
                    PreviewCron::PATH,
                    encode(&cron),
                    encode(&zone)
                );
                let answer = crate::browser::get(&url).await.ok();
                let read = answer.and_then(|text| crate::json::parse::<CronPreview>(&text).ok());
                if round.try_get_value() == Some(this)
                    && let Some(read) = read
                {
                    shown.try_set(Some(read));
                }
            });
        };
        set_timeout(ask, Duration::from_millis(300));
    });
}

#[cfg(not(feature = "hydrate"))]
fn preview_when_quiet(_: RwSignal<String>, _: RwSignal<String>, _: RwSignal<Option<CronPreview>>) {
    // Its path is asked by the browser alone.
    let _ = PreviewCron::PATH;
}

fn active(on: bool) -> AnyView {
    let form = FormState::here();
    let on = if form.came_back() {
        form.typed("active").is_some()
    } else {
        on
    };
    view! {
        <label class="choice">
            <input type="checkbox" name="active" value="true" checked=on/>
            <span class="stack tight">
                <span class="strong">{tr!(schedule.active)}</span>
                <span class="small muted">{tr!(schedule.active_help)}</span>
            </span>
        </label>
    }
    .into_any()
}

/// What the schedule has, each with a box to take it out, and rows for new ones or other values.
fn variables(schedule: Option<&ScheduleRow>) -> AnyView {
    let before = Flash::of(SaveSchedule::PATH);
    let filled = |at: &usize| {
        before.as_ref().is_some_and(|flash| {
            flash
                .typed(&format!("variables[{at}][key]"))
                .is_some_and(|key| !key.is_empty())
        })
    };
    let used = (0..100).filter(filled).count();
    let rows: Vec<AnyView> = (0..used + ROWS).map(|at| variable_row("variables", at)).collect();
    let kept: Vec<AnyView> = schedule
        .map(|schedule| schedule.variables.as_slice())
        .unwrap_or_default()
        .iter()
        .enumerate()
        .map(|(at, variable)| {
            let name = format!("dropped[{at}]");
            let ticked = FormState::here().typed(&name).is_some();
            view! {
                <li>
                    <code>{variable.key.clone()}</code>" "
                    <label class="check">
                        <input type="checkbox" name=name value=variable.key.clone() checked=ticked/>
                        {tr!(schedule.drop)}
                    </label>
                </li>
            }
            .into_any()
        })
        .collect();
    let open = used > 0 || !kept.is_empty();
    view! {
        <details class="more" open=open>
            <summary>{tr!(schedule.variables)}</summary>
            <div class="form">
                <p class="help">{tr!(schedule.variables_help)}</p>
                {(!kept.is_empty()).then(|| view! { <ul class="plain">{kept}</ul> })}
                {rows}
            </div>
        </details>
    }
    .into_any()
}
