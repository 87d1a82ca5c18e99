//! Holds on what goes there, and breaking glass: what is on, and the forms for it.

use super::api::{Break, LiftHold, PutHold, ReviewGlass, SecondGlass};
use super::parts::gate_name;
use crate::design::button::{Weight, submit};
use crate::design::field::{Control, Field};
use crate::design::flash::Flash;
use crate::design::form::{Form, place_fields};
use crate::design::page::Panel;
use crate::design::status::{Status, pill};
use crate::design::time::time;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::break_glass::{GlassState, GlassView};
use slipway_domain::hold::{Held, HoldView};
use slipway_domain::promotion::PromotionView;

/// The holds on the environment, and the form that makes one.
pub fn holds(promotion: &PromotionView) -> AnyView {
    if promotion.holds.is_empty() && !promotion.rights.hold {
        return ().into_any();
    }
    let on = promotion
        .holds
        .iter()
        .map(|hold| one_hold(promotion, hold))
        .collect_view();
    let put = promotion.rights.hold.then(|| put(promotion));
    view! {
        <Panel title=tr!(promotion.holds)>
            <ul class="list">{on}</ul>
            {put}
        </Panel>
    }
    .into_any()
}

fn one_hold(promotion: &PromotionView, view: &HoldView) -> AnyView {
    let hold = &view.hold;
    let word = match hold.held {
        Held::All => tr!(promotion.held_all),
        Held::Automatic => tr!(promotion.held_automatic),
    };
    let at = place_fields(&promotion.row.place);
    let lift = view.may_lift.then(|| {
        view! {
            <Form action=LiftHold::PATH class="" done=tr!(promotion.lifted) key=("hold", hold.id.to_string())>
                {at}
                {submit(Weight::Plain, tr!(promotion.lift))}
            </Form>
        }
    });
    view! {
        <li class="list-row">
            <span class="row wrap">{pill(Status::Frozen, word)}<span>{hold.reason.clone()}</span></span>
            {lift}
            <span class="small muted wide">{hold.owner.name.clone()}" · "{time(hold.at)}</span>
        </li>
    }
    .into_any()
}

fn put(promotion: &PromotionView) -> AnyView {
    let at = place_fields(&promotion.row.place);
    let environment = promotion.row.environment.key.clone();
    let kinds = vec![
        (String::from("all"), tr!(promotion.held_all)),
        (String::from("automatic"), tr!(promotion.held_automatic)),
    ];
    let open = Flash::refused(PutHold::PATH, ("environment", &environment));
    view! {
        <details class="box-body" open=open>
            <summary>{tr!(promotion.put_hold)}</summary>
            <Form action=PutHold::PATH class="form narrow" done=tr!(promotion.held) key=("environment", environment)>
                {at}
                <Field name="held" label=tr!(promotion.hold_what) control=Control::Select(kinds) value=String::from("all")/>
                <Field name="reason" label=tr!(promotion.hold_reason) help=tr!(promotion.hold_help)/>
                <p>{submit(Weight::Plain, tr!(promotion.put_hold))}</p>
            </Form>
        </details>
    }
    .into_any()
}

/// The breakings of glass, and the form for one.
pub fn glasses(promotion: &PromotionView) -> AnyView {
    let may = !promotion.rights.break_glass.is_empty();
    if promotion.glasses.is_empty() && !may {
        return ().into_any();
    }
    let all = promotion.glasses.iter().map(one_glass).collect_view();
    let form = may.then(|| break_form(promotion));
    view! {
        <Panel title=tr!(promotion.glass)>
            <ul class="list">{all}</ul>
            {form}
        </Panel>
    }
    .into_any()
}

fn one_glass(view: &GlassView) -> AnyView {
    let glass = &view.glass;
    let (look, word) = match view.state {
        GlassState::NeedsSecond => (Status::Waiting, tr!(promotion.glass_needs_second)),
        GlassState::Open => (Status::Degraded, tr!(promotion.glass_open)),
        GlassState::Used => (Status::Degraded, tr!(promotion.glass_used)),
        GlassState::Over => (Status::Cancelled, tr!(promotion.glass_over)),
    };
    let gates: Vec<String> = glass.gates.iter().map(|kind| gate_name(*kind)).collect();
    let id = glass.id.to_string();
    let second = view.may_second.then(|| {
        view! {
            <Form action=SecondGlass::PATH class="" done=tr!(promotion.seconded) confirm=tr!(promotion.second_confirm) key=("glass", id.clone())>
                {submit(Weight::Danger, tr!(promotion.second))}
            </Form>
        }
    });
    let review = view.may_review.then(|| {
        view! {
            <Form action=ReviewGlass::PATH class="form narrow" done=tr!(promotion.reviewed) key=("glass", id.clone())>
                <Field name="words" label=tr!(promotion.review_words) control=Control::Area(2)/>
                <p>{submit(Weight::Plain, tr!(promotion.review_glass))}</p>
            </Form>
        }
    });
    let seconded = glass.second.as_ref().map(|(who, at)| {
        view! { <span class="small wide">{tr!(promotion.seconded_by, name = who.name.clone())}" · "{time(*at)}</span> }
    });
    let reviewed = glass.review.as_ref().map(|review| {
        let by = tr!(promotion.reviewed_by, name = review.by.name.clone());
        view! { <span class="small wide">{by}": "{review.words.clone()}" · "{time(review.at)}</span> }
    });
    let until = matches!(view.state, GlassState::NeedsSecond | GlassState::Open)
        .then(|| view! { " · "{tr!(promotion.glass_until)}" "{time(glass.until())} });
    view! {
        <li class="list-row">
            <span class="row wrap">{pill(look, word)}<span class="strong">{glass.reason.clone()}</span></span>
            {second}
            <span class="small wide">{gates.join(", ")}" · "<a class="link" href=glass.incident.clone() rel="noreferrer">{tr!(promotion.incident_link)}</a></span>
            <span class="small muted wide">{glass.by.name.clone()}" · "{time(glass.at)}{until}</span>
            {seconded}
            {reviewed}
            {review}
        </li>
    }
    .into_any()
}

fn break_form(promotion: &PromotionView) -> AnyView {
    let id = promotion.row.id.to_string();
    // Ticked as it was sent where the form came back.
    let sent = Flash::of(Break::PATH);
    let ticked = |i: usize| {
        sent.as_ref()
            .is_some_and(|sent| sent.typed(&format!("gates[{i}]")).is_some())
    };
    let gates = promotion
        .rights
        .break_glass
        .iter()
        .enumerate()
        .map(|(i, kind)| {
            view! {
                <label class="choice">
                    <input type="checkbox" name=format!("gates[{i}]") value=kind.key() checked=ticked(i)/>
                    <span>{gate_name(*kind)}</span>
                </label>
            }
        })
        .collect_view();
    let words = tr!(promotion.glass_words);
    let open = Flash::refused(Break::PATH, ("id", &id));
    view! {
        <details class="box-body" open=open>
            <summary>{tr!(promotion.break_glass)}</summary>
            <p class="note warn">{words}</p>
            <Form action=Break::PATH class="form narrow" done=tr!(promotion.glass_broken) key=("id", id)>
                <fieldset class="field"><legend>{tr!(promotion.glass_gates)}</legend>{gates}</fieldset>
                <Field name="reason" label=tr!(promotion.glass_reason) required=true/>
                <Field name="incident" label=tr!(promotion.glass_incident) help=tr!(promotion.glass_incident_help) required=true/>
                <p>{submit(Weight::Danger, tr!(promotion.break_glass))}</p>
            </Form>
        </details>
    }
    .into_any()
}
