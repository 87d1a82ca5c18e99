//! `App/schedules`: pipelines that GitLab runs by the clock.

pub mod api;
mod form;

pub use form::{new_schedule_page, schedule_page};

use crate::application::parts::app_head;
use crate::design::button::{Weight, button_link, submit};
use crate::design::form::Form;
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::design::status::{self, Status, pill};
use crate::design::table::{row, table};
use crate::design::time::{clock, time};
use crate::i18n::say;
use crate::live::Topics;
use crate::load::load;
use crate::places::app_params;
use crate::promotion::parts::title_of;
use crate::run::place_fields;
use crate::tr;
use api::{DeleteSchedule, OwnSchedule, PlaySchedule, ReadSchedules};
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::schedule::{NextTime, ScheduleList, ScheduleRow};

/// `App/schedules`.
pub fn schedules_page() -> AnyView {
    let params = app_params();
    load(move || {
        let (org, project, app) = params();
        ReadSchedules { org, project, app }
    })
    .watching(|list: &ScheduleList| {
        let app = list.place.app.iter();
        app.fold(Topics::default(), |topics, app| topics.and("app", app.id))
    })
    .view(|list| show(&list))
}

fn show(list: &ScheduleList) -> AnyView {
    let base = list.place.path();
    let new = (list.connected && list.may_edit).then(|| {
        button_link(
            Weight::Primary,
            format!("{base}/schedules/new"),
            tr!(schedule.new),
        )
    });
    let back = button_link(Weight::Quiet, format!("{base}/pipelines"), tr!(run.back));
    let trouble = list
        .trouble
        .as_ref()
        .map(|trouble| view! { <p class="note warn gap-below">{say(trouble)}</p> });
    let body = if !list.connected {
        let action = button_link(Weight::Primary, base.clone(), tr!(run.connect));
        view! { <EmptyState title=tr!(run.not_connected) hint=tr!(run.not_connected_hint) action/> }
            .into_any()
    } else if list.schedules.is_empty() {
        view! { <EmptyState title=tr!(schedule.none) hint=tr!(schedule.none_hint)/> }.into_any()
    } else {
        let heads = [
            tr!(schedule.description),
            tr!(run.git_ref),
            tr!(schedule.when),
            tr!(schedule.next),
            tr!(schedule.last),
            tr!(schedule.owner),
            tr!(schedule.acts),
        ];
        table(
            tr!(schedule.title),
            heads.into_iter().map(IntoAny::into_any).collect(),
            list.schedules
                .iter()
                .map(|schedule| schedule_row(list, &base, schedule))
                .collect(),
        )
    };
    view! {
        <PageHead title=title_of(&list.place) actions=view! { {back}{new} }.into_any()/>
        {app_head(&list.place, "pipelines")}
        <h2 class="gap-below">{tr!(schedule.title)}</h2>
        {trouble}
        <div class="box">{body}</div>
        {list.as_of.map(|at| view! { <p class="small muted foot">{tr!(common.as_of)}" "{clock(at)}</p> })}
    }
    .into_any()
}

/// The next times by the clocks of the schedule's zone; the first is shown, the others are unfolded.
pub(crate) fn next_times(next: &[NextTime]) -> AnyView {
    let items: Vec<AnyView> = next
        .iter()
        .map(|at| view! { <li><time datetime=at.at.rfc3339()>{at.local.clone()}</time></li> }.into_any())
        .collect();
    view! { <ol class="small next-times">{items}</ol> }.into_any()
}

fn next_cell(schedule: &ScheduleRow) -> AnyView {
    if !schedule.active {
        return pill(Status::Cancelled, tr!(schedule.inactive));
    }
    match (schedule.next.first(), schedule.next_run_at) {
        (Some(first), _) => view! {
            <details>
                <summary><time datetime=first.at.rfc3339()>{first.local.clone()}</time></summary>
                {next_times(&schedule.next[1..])}
            </details>
        }
        .into_any(),
        (None, Some(at)) => time(at),
        (None, None) => "–".into_any(),
    }
}

fn last_cell(base: &str, schedule: &ScheduleRow) -> AnyView {
    let Some(last) = &schedule.last else {
        return view! { <span class="muted">{tr!(schedule.never)}</span> }.into_any();
    };
    let number = last.number.map(|number| {
        view! { <a class="mono" href=format!("{base}/runs/{number}")>"#"{number}</a>" " }
    });
    let status = last.status.map(|status| status::run(status, None));
    view! { <span class="row wrap">{number}{status}</span> }.into_any()
}

fn owner_cell(schedule: &ScheduleRow) -> AnyView {
    let owner = schedule.owner.clone().unwrap_or_else(|| String::from("–"));
    let ours = (!schedule.ours).then(|| view! { <p class="small muted">{tr!(schedule.not_ours)}</p> });
    view! { <span>{owner}</span>{ours} }.into_any()
}

fn schedule_row(list: &ScheduleList, base: &str, schedule: &ScheduleRow) -> AnyView {
    let word = if schedule.description.is_empty() {
        format!("#{}", schedule.id)
    } else {
        schedule.description.clone()
    };
    let name = if list.may_edit {
        view! { <a class="strong break" href=format!("{base}/schedules/{}", schedule.id)>{word}</a> }
            .into_any()
    } else {
        view! { <span class="strong break">{word}</span> }.into_any()
    };
    let when = view! { <code class="nowrap">{schedule.cron.clone()}</code><p class="small muted">{schedule.zone.clone()}</p> };
    row(
        name,
        vec![
            (
                tr!(run.git_ref),
                view! { <code class="break">{schedule.git_ref.clone()}</code> }.into_any(),
            ),
            (tr!(schedule.when), when.into_any()),
            (tr!(schedule.next), next_cell(schedule)),
            (tr!(schedule.last), last_cell(base, schedule)),
            (tr!(schedule.owner), owner_cell(schedule)),
            (tr!(schedule.acts), acts(list, schedule)),
        ],
    )
}

fn acts(list: &ScheduleList, schedule: &ScheduleRow) -> AnyView {
    let id = schedule.id.to_string();
    let key = || ("id", id.clone());
    let play = list.may_run.then(|| {
        let place = place_fields(&list.place);
        view! {
            <Form action=PlaySchedule::PATH class="inline" key=key() done=tr!(schedule.played)>
                {place}{submit(Weight::Plain, tr!(schedule.play))}
            </Form>
        }
    });
    let own = (list.may_edit && !schedule.ours).then(|| {
        let place = place_fields(&list.place);
        view! {
            <Form
                action=OwnSchedule::PATH class="inline" key=key() done=tr!(schedule.owned)
                confirm=tr!(schedule.own_confirm)
            >
                {place}{submit(Weight::Plain, tr!(schedule.own))}
            </Form>
        }
    });
    let delete = list.may_edit.then(|| {
        let place = place_fields(&list.place);
        view! {
            <Form
                action=DeleteSchedule::PATH class="inline" key=key() done=tr!(schedule.deleted)
                confirm=tr!(schedule.delete_confirm, name = schedule.description.clone())
            >
                {place}{submit(Weight::Danger, tr!(schedule.delete))}
            </Form>
        }
    });
    view! { <span class="row wrap">{play}{own}{delete}</span> }.into_any()
}
