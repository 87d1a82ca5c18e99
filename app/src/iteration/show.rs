//! The page of an iteration: its goal, its burndown and burnup, what came in and went out, its items, and its end.

use super::api::{BeginIteration, CloseIteration, EditIteration, ReadIteration};
use super::{WorkTab, dates, progress, state, topics, work_tabs};
use crate::board::parts;
use crate::design::button::{Weight, button_link, submit};
use crate::design::chart::{Look, Series, chart};
use crate::design::field::{Control, Field};
use crate::design::flash::Flash;
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::{PageHead, Panel};
use crate::design::table::{row, table};
use crate::live::refresh_without_js;
use crate::load::load;
use crate::places::{encode, param, query};
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::insight::{Amount, IterationDay, Velocity};
use slipway_domain::iteration::{IterationState, IterationView};

/// `P/iterations/{number}`; `?zone=Asia/Shanghai&by=items&on=2026-11-21`.
pub fn iteration_page() -> AnyView {
    let (org, project, number) = (param("org"), param("project"), param("number"));
    let (zone, on, by) = (query("zone"), query("on"), query("by"));
    load(move || ReadIteration {
        org: org(),
        project: project(),
        number: number(),
        zone: zone(),
        on: on(),
    })
    .watching(|view: &IterationView| topics(&view.place))
    .view(move |view| show(&view, by().as_deref() == Some("items")))
}

fn show(view: &IterationView, by_items: bool) -> AnyView {
    let line = &view.line;
    let goal = (!line.iteration.goal.is_empty()).then(|| tr!(board.goal, goal = line.iteration.goal.clone()));
    let words: Vec<String> = goal.into_iter().chain([dates(line), progress(line)]).collect();
    let mark = state(line.state);
    let acts = view.may_plan.then(|| acts(view));
    let report = format!(
        "{}/iterations/{}/report",
        view.place.path(),
        line.iteration.number
    );
    let report = button_link(Weight::Quiet, report, tr!(summary.report));
    view! {
        {refresh_without_js()}
        <PageHead title=line.iteration.name.clone() mark line=words.join(" · ").into_any() actions=report/>
        {work_tabs(&view.place, WorkTab::Iterations)}
        {acts}
        {charts(view, by_items)}
        <div class="columns">
            <div class="stack wide">{items(view)}</div>
            <div class="stack wide">{velocity(view, by_items)}{scope_changes(view)}</div>
        </div>
    }
    .into_any()
}

/// The address of the page with another day.
fn at(view: &IterationView, by_items: bool, on: Option<&str>) -> String {
    let by = if by_items { "items" } else { "points" };
    let on = on.map(|on| format!("&on={on}")).unwrap_or_default();
    format!("?zone={}&by={by}{on}", encode(&view.zone))
}

fn charts(view: &IterationView, by_items: bool) -> AnyView {
    if view.chart.is_empty() {
        return view! { <Panel title=tr!(iteration.burndown)><p class="muted box-body">{tr!(iteration.no_chart)}</p></Panel> }
            .into_any();
    }
    let pick = |amount: Amount| if by_items { amount.items } else { amount.points };
    let over =
        |of: fn(&IterationDay) -> Amount| view.chart.iter().map(|day| pick(of(day))).collect::<Vec<i64>>();
    let left = over(IterationDay::left);
    // An even pace from what was there on the first day to nothing on the last.
    let first = pick(view.chart[0].scope);
    let steps = i64::try_from(view.days.len()).unwrap_or(1).max(2) - 1;
    let ideal = (0..=steps).map(|day| first - first * day / steps).collect();
    let href = |day: &str| Some(at(view, by_items, Some(day)));
    let burndown = chart(
        tr!(iteration.burndown),
        &view.days,
        &[
            series(tr!(iteration.ideal), "c-ideal", ideal),
            series(tr!(iteration.left), "c-2", left),
        ],
        Look::Lines,
        href,
    );
    let burnup = chart(
        tr!(iteration.burnup),
        &view.days,
        &[
            series(tr!(iteration.done), "c-4", over(|day| day.done)),
            series(tr!(iteration.scope), "c-1", over(|day| day.scope)),
        ],
        Look::Lines,
        href,
    );
    let other = if by_items {
        (tr!(iteration.by_points), at(view, false, view.on.as_deref()))
    } else {
        (tr!(iteration.by_items), at(view, true, view.on.as_deref()))
    };
    view! {
        <form method="get" class="row wrap gap-below">
            <input type="hidden" name="by" value=if by_items { "items" } else { "points" }/>
            <label class="row"><span class="small nowrap">{tr!(iteration.zone)}</span>
                <input class="input" name="zone" value=view.zone.clone() autocomplete="off"/>
            </label>
            {submit(Weight::Plain, tr!(iteration.search))}
            <a class="link" href=other.1>{other.0}</a>
        </form>
        <div class="columns even">
            <Panel title=tr!(iteration.burndown)>{burndown}</Panel>
            <Panel title=tr!(iteration.burnup)>{burnup}</Panel>
        </div>
    }
    .into_any()
}

fn series(name: String, class: &'static str, values: Vec<i64>) -> Series {
    Series { name, class, values }
}

/// Its items at the end of the chosen day, or now.
fn items(view: &IterationView) -> AnyView {
    let base = view.place.path();
    let key = view
        .place
        .project
        .as_ref()
        .map(|project| project.key.clone())
        .unwrap_or_default();
    let title = match &view.on {
        Some(on) => tr!(iteration.items_on, day = on.clone()),
        None => tr!(iteration.items),
    };
    let back = view
        .on
        .is_some()
        .then(|| view! { <a class="link" href=at(view, false, None)>{tr!(iteration.now)}</a> }.into_any());
    if view.members.is_empty() {
        return view! { <Panel title aside=view! { {back} }.into_any()><p class="muted box-body">{tr!(iteration.no_items)}</p></Panel> }
            .into_any();
    }
    let heads = [tr!(iteration.item), tr!(iteration.state), tr!(iteration.points)];
    let rows = view.members.iter().map(|member| {
        let name = format!("{key}-{}", member.item);
        let card = view.cards.iter().find(|card| card.key == name);
        let title = card.map(|card| card.title.clone());
        let link = view! {
            <a class="row wrap" href=format!("{base}/items/{name}")>
                <code class="muted nowrap">{name.clone()}</code><span>{title}</span>
            </a>
        };
        let word = if member.done {
            tr!(iteration.done)
        } else {
            tr!(iteration.not_done)
        };
        row(
            link.into_any(),
            vec![
                (tr!(iteration.state), word.into_any()),
                (tr!(iteration.points), member.points.into_any()),
            ],
        )
    });
    let body = table(
        title.clone(),
        heads.into_iter().map(IntoAny::into_any).collect(),
        rows.collect(),
    );
    view! { <Panel title aside=view! { {back} }.into_any()>{body}</Panel> }.into_any()
}

fn velocity(view: &IterationView, by_items: bool) -> Option<AnyView> {
    if view.velocity.is_empty() {
        return None;
    }
    let base = view.place.path();
    let pick = move |amount: Amount| if by_items { amount.items } else { amount.points };
    let one = |velocity: &Velocity| {
        let number = velocity.iteration.number;
        let name = view! { <a class="link" href=format!("{base}/iterations/{number}")>{velocity.iteration.name.clone()}</a> };
        row(
            name.into_any(),
            vec![
                (tr!(iteration.committed), pick(velocity.committed).into_any()),
                (tr!(iteration.done), pick(velocity.done).into_any()),
            ],
        )
    };
    let rows = view.velocity.iter().map(one).collect();
    let heads = [
        tr!(iteration.iteration),
        tr!(iteration.committed),
        tr!(iteration.done),
    ];
    let heads = heads.into_iter().map(IntoAny::into_any).collect();
    Some(
        view! { <Panel title=tr!(iteration.velocity)>{table(tr!(iteration.velocity), heads, rows)}</Panel> }
            .into_any(),
    )
}

fn scope_changes(view: &IterationView) -> Option<AnyView> {
    if view.chart.is_empty() {
        return None;
    }
    // What was there on the first day is what it began with.
    let changed = view
        .chart
        .iter()
        .skip(1)
        .filter(|day| day.added.items + day.removed.items > 0);
    let rows = changed
        .map(|day| {
            let href = at(view, false, Some(&day.day));
            let name = view! { <a class="link" href=href>{day.day.clone()}</a> };
            let amount = |amount: Amount| {
                format!(
                    "{} · {}",
                    tr!(iteration.number_of_items, n = amount.items),
                    parts::points(amount.points)
                )
            };
            row(
                name.into_any(),
                vec![
                    (tr!(iteration.scope_added), amount(day.added).into_any()),
                    (tr!(iteration.scope_removed), amount(day.removed).into_any()),
                ],
            )
        })
        .collect::<Vec<_>>();
    let body = if rows.is_empty() {
        view! { <p class="muted box-body">{tr!(iteration.scope_none)}</p> }.into_any()
    } else {
        let heads = [
            tr!(common.day),
            tr!(iteration.scope_added),
            tr!(iteration.scope_removed),
        ];
        let heads = heads.into_iter().map(IntoAny::into_any).collect();
        table(tr!(iteration.scope_changes), heads, rows)
    };
    Some(view! { <Panel title=tr!(iteration.scope_changes)>{body}</Panel> }.into_any())
}

/// What can be done with the iteration where it stands.
fn acts(view: &IterationView) -> AnyView {
    let step = match view.line.state {
        IterationState::Planned => Some(start_form(view)),
        IterationState::Running => Some(close_form(view)),
        IterationState::Closed => None,
    };
    view! { <div class="gap-below stack">{step}{edit_form(view)}</div> }.into_any()
}

fn fields(view: &IterationView) -> AnyView {
    view! { {place_fields(&view.place)}{hidden("number", view.line.iteration.number.to_string())} }.into_any()
}

fn start_form(view: &IterationView) -> AnyView {
    let inside = view! { {fields(view)}{submit(Weight::Primary, tr!(iteration.start))} };
    view! { <Form action=BeginIteration::PATH class="inline-form" done=tr!(iteration.started_now)>{inside}</Form> }.into_any()
}

fn close_form(view: &IterationView) -> AnyView {
    let hidden = fields(view);
    let mut targets = vec![(String::new(), tr!(iteration.to_backlog))];
    targets.extend(
        view.next
            .iter()
            .map(|next| (next.number.to_string(), next.name.clone())),
    );
    let inside = move || {
        view! {
            {hidden}
            <Field name="carry_to" label=tr!(iteration.close_hint) control=Control::Select(targets)/>
            {submit(Weight::Primary, tr!(iteration.close))}
        }
    };
    let open = Flash::of(CloseIteration::PATH).is_some();
    view! {
        <details class="box" open=open>
            <summary class="box-head">{tr!(iteration.close)}</summary>
            <Form action=CloseIteration::PATH class="form-row box-body-row" done=tr!(iteration.closed_now)>{inside()}</Form>
        </details>
    }
    .into_any()
}

fn edit_form(view: &IterationView) -> AnyView {
    let (hidden, of) = (fields(view), view.line.iteration.clone());
    let inside = move || {
        view! {
            {hidden}
            <Field name="name" label=tr!(iteration.name) value=of.name required=true/>
            <Field name="goal" label=tr!(iteration.goal) value=of.goal/>
            <Field name="starts_on" label=tr!(iteration.starts_on) value=of.starts_on control=Control::Date required=true/>
            <Field name="ends_on" label=tr!(iteration.ends_on) value=of.ends_on control=Control::Date required=true/>
            {submit(Weight::Plain, tr!(iteration.save))}
        }
    };
    let open = Flash::of(EditIteration::PATH).is_some();
    view! {
        <details class="box" open=open>
            <summary class="box-head">{tr!(iteration.edit)}</summary>
            <Form action=EditIteration::PATH class="form-row box-body-row" done=tr!(iteration.saved)>{inside()}</Form>
        </details>
    }
    .into_any()
}
