//! Freeze windows of an organization, a project or an app: a month of them, each with its next occurrences, and the forms.

pub mod api;

use self::api::{KeepFreeze, ReadFreezes, RemoveFreeze};
use crate::design::button::{Weight, submit};
use crate::design::field::{Control, Field};
use crate::design::form::{Form, place_fields};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::design::status::{Status, pill, tag};
use crate::design::time::time;
use crate::environment::tier;
use crate::i18n::say;
use crate::live::{Topics, refresh_without_js};
use crate::load::load;
use crate::places::{encode, param, query};
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::environment::Tier;
use slipway_domain::freeze::{CalendarDay, Effect, FreezeCalendar, FreezeView, Recurrence, Span};
use slipway_domain::project::Place;

/// `/orgs/{org}/freezes`, `P/freezes` and `App/freezes`; `?month=2026-12&zone=Asia/Shanghai`.
pub fn freezes_page() -> AnyView {
    let (org, project, app) = (param("org"), param("project"), param("app"));
    let (month, zone) = (query("month"), query("zone"));
    let given = |text: String| Some(text).filter(|text| !text.is_empty());
    load(move || ReadFreezes {
        org: org(),
        project: given(project()),
        app: given(app()),
        month: month(),
        zone: zone(),
    })
    .watching(|calendar: &FreezeCalendar| {
        let place = &calendar.place;
        let topics = Topics::of("org", place.org.id);
        match (&place.project, &place.app) {
            (Some(project), Some(app)) => topics.and("project", project.id).and("app", app.id),
            (Some(project), None) => topics.and("project", project.id),
            (None, _) => topics,
        }
    })
    .view(|calendar| show(&calendar))
}

fn show(calendar: &FreezeCalendar) -> AnyView {
    let list = if calendar.freezes.is_empty() {
        view! { <EmptyState title=tr!(freeze.none) hint=tr!(freeze.none_hint)/> }.into_any()
    } else {
        let rows = calendar
            .freezes
            .iter()
            .map(|view| one(view, calendar))
            .collect_view();
        view! { <ul class="list">{rows}</ul> }.into_any()
    };
    let new = calendar.may_edit.then(|| {
        let form = form(&calendar.place, None, &calendar.zone);
        view! { <Panel title=tr!(freeze.new)><div class="box-body">{form}</div></Panel> }
    });
    let (shown, table) = (calendar.month.clone(), month(calendar));
    view! {
        {refresh_without_js()}
        <PageHead title=tr!(freeze.title) line=tr!(freeze.line).into_any()/>
        <div class="stack wide">
            <Panel title=shown>{table}</Panel>
            <Panel title=tr!(freeze.windows)>{list}</Panel>
            {new}
        </div>
    }
    .into_any()
}

fn month(calendar: &FreezeCalendar) -> AnyView {
    let link = |month: &str, word: String| {
        let href = format!("?month={month}&zone={}", encode(&calendar.zone));
        view! { <a class="btn small" href=href>{word}</a> }
    };
    let names = [
        tr!(freeze.mon),
        tr!(freeze.tue),
        tr!(freeze.wed),
        tr!(freeze.thu),
        tr!(freeze.fri),
        tr!(freeze.sat),
        tr!(freeze.sun),
    ];
    let heads = names
        .into_iter()
        .map(|name| view! { <th scope="col">{name}</th> })
        .collect_view();
    let weeks = calendar
        .days
        .chunks(7)
        .map(|week| {
            let days = week.iter().map(|day| one_day(day, calendar)).collect_view();
            view! { <tr>{days}</tr> }
        })
        .collect_view();
    view! {
        <div class="box-body stack">
            <form method="get" class="row wrap">
                {link(&calendar.before, tr!(freeze.before))}
                {link(&calendar.after, tr!(freeze.after))}
                <input type="hidden" name="month" value=calendar.month.clone()/>
                <label class="row"><span class="small nowrap">{tr!(freeze.zone)}</span>
                    <input class="input" name="zone" value=calendar.zone.clone() autocomplete="off"/>
                </label>
                {submit(Weight::Plain, tr!(freeze.show))}
            </form>
            <table class="calendar">
                <caption class="visually-hidden">{calendar.month.clone()}" "{calendar.zone.clone()}</caption>
                <thead><tr>{heads}</tr></thead>
                <tbody>{weeks}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn one_day(day: &CalendarDay, calendar: &FreezeCalendar) -> AnyView {
    let number = day
        .date
        .rsplit('-')
        .next()
        .unwrap_or_default()
        .trim_start_matches('0')
        .to_owned();
    let touching = day.freezes.iter().filter_map(|i| calendar.freezes.get(*i));
    let marks = touching
        .map(|view| {
            let class = match view.freeze.effect {
                Effect::Deny => "mark deny",
                Effect::Allow => "mark allow",
            };
            view! { <span class=class title=view.freeze.name.clone()>{view.freeze.name.clone()}</span> }
        })
        .collect_view();
    let class = if day.within { "" } else { "outside" };
    view! { <td class=class><time datetime=day.date.clone()>{number}</time>{marks}</td> }.into_any()
}

fn effect(effect: Effect) -> AnyView {
    match effect {
        Effect::Deny => pill(Status::Frozen, tr!(freeze.deny)),
        Effect::Allow => pill(Status::Success, tr!(freeze.allow)),
    }
}

fn span(span: &Span) -> AnyView {
    view! { <span class="small">{time(span.from)}" – "{time(span.to)}</span> }.into_any()
}

fn one(view: &FreezeView, calendar: &FreezeCalendar) -> AnyView {
    let freeze = &view.freeze;
    let window = &freeze.window;
    let tiers: Vec<String> = freeze.tiers.iter().map(|one| tier(*one)).collect();
    let tiers = if tiers.is_empty() {
        tr!(freeze.all_tiers)
    } else {
        tiers.join(", ")
    };
    let now = view.now.as_ref().map(|on| view! { <span class="row wrap"><span class="strong small">{tr!(freeze.now)}</span>{span(on)}</span> });
    let next = view
        .next
        .iter()
        .map(|on| view! { <li>{span(on)}</li> })
        .collect_view();
    let next = (!view.next.is_empty()).then(|| view! { <details class="wide"><summary class="small">{tr!(freeze.next)}</summary><ol>{next}</ol></details> });
    let repeats = window
        .repeats
        .as_ref()
        .map(|rule| view! { " · "<code>{rule.as_str().to_owned()}</code> });
    let edit = view.may_edit.then(|| {
        let at = place_fields(&calendar.place);
        let id = freeze.id.to_string();
        let form = form(&calendar.place, Some(view), &window.zone);
        view! {
            <details class="wide">
                <summary>{tr!(freeze.change)}</summary>
                {form}
                <Form action=RemoveFreeze::PATH class="" done=tr!(freeze.removed) confirm=tr!(freeze.remove_confirm) key=("id", id)>
                    {at}
                    {submit(Weight::Danger, tr!(freeze.remove))}
                </Form>
            </details>
        }
    });
    let level = say(&freeze.level.text());
    view! {
        <li class="list-row">
            <span class="row wrap"><span class="strong">{freeze.name.clone()}</span>{effect(freeze.effect)}{tag(level)}</span>
            {(!freeze.reason.is_empty()).then(|| view! { <span class="small wide">{freeze.reason.clone()}</span> })}
            <span class="small muted wide">
                {local(window.start)}" – "{local(window.end)}" · "{window.zone.clone()}{repeats}" · "{tiers}
            </span>
            {now}
            {next}
            {edit}
        </li>
    }
    .into_any()
}

/// A local time as it is typed: `2026-12-24T18:00`.
fn local(at: impl std::fmt::Display) -> String {
    let text = at.to_string();
    text.strip_suffix(":00").map(str::to_owned).unwrap_or(text)
}

fn form(place: &Place, view: Option<&FreezeView>, zone: &str) -> AnyView {
    let freeze = view.map(|view| &view.freeze);
    let id = freeze.map_or_else(String::new, |freeze| freeze.id.to_string());
    let at = place_fields(place);
    let window = freeze.map(|freeze| &freeze.window);
    let text = |pick: fn(&slipway_domain::freeze::Freeze) -> String| freeze.map_or_else(String::new, pick);
    let (name, reason) = (text(|f| f.name.clone()), text(|f| f.reason.clone()));
    let start = window.map_or_else(String::new, |window| local(window.start));
    let end = window.map_or_else(String::new, |window| local(window.end));
    let repeats = window
        .and_then(|window| window.repeats.as_ref())
        .map_or("", Recurrence::as_str)
        .to_owned();
    let effects = vec![
        (String::from("deny"), tr!(freeze.deny_long)),
        (String::from("allow"), tr!(freeze.allow_long)),
    ];
    let chosen = freeze.map_or("deny", |freeze| freeze.effect.key()).to_owned();
    let tiers = Tier::ALL
        .into_iter()
        .enumerate()
        .map(|(i, one)| {
            let on = freeze.is_some_and(|freeze| freeze.tiers.contains(&one));
            view! {
                <label class="choice">
                    <input type="checkbox" name=format!("tiers[{i}]") value=one.key() checked=on/>
                    <span>{tier(one)}</span>
                </label>
            }
        })
        .collect_view();
    let zone = zone.to_owned();
    view! {
        <Form action=KeepFreeze::PATH class="form narrow" done=tr!(freeze.kept) key=("id", id)>
            {at}
            <Field name="name" label=tr!(freeze.name) value=name required=true/>
            <Field name="reason" label=tr!(freeze.reason) help=tr!(freeze.reason_help) value=reason/>
            <Field name="effect" label=tr!(freeze.effect) control=Control::Select(effects) value=chosen/>
            <Field name="zone" label=tr!(freeze.zone) help=tr!(freeze.zone_help) value=zone required=true/>
            <Field name="start" label=tr!(freeze.start) help=tr!(freeze.start_help) value=start required=true/>
            <Field name="end" label=tr!(freeze.end) value=end required=true/>
            <Field name="repeats" label=tr!(freeze.repeats) help=tr!(freeze.repeats_help) value=repeats/>
            <fieldset class="field"><legend>{tr!(freeze.tiers)}</legend>{tiers}</fieldset>
            <p>{submit(Weight::Plain, tr!(freeze.keep))}</p>
        </Form>
    }
    .into_any()
}
