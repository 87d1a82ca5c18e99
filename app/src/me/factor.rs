//! The second step of signing in: switching it on, its recovery codes, switching it off.

use super::api::{BeginFactor, ConfirmFactor, RemoveFactor, RenewRecoveryCodes};
use crate::Flash;
use crate::design::button::{Weight, submit};
use crate::design::field::Field;
use crate::design::form::Form;
use crate::design::page::Panel;
use crate::design::status::{Status, pill};
use crate::design::time::time;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::factor::{Enrolment, Factor, Qr, Security};
use slipway_domain::time::Timestamp;

/// Where the reader's second step stands, and what they can do about it.
pub fn factor_panel(security: &Security) -> AnyView {
    let may = security.proved;
    let body = match &security.factor {
        Factor::Off => off(security.has_password, may),
        Factor::Pending(enrolment) if may => pending(enrolment),
        Factor::Pending(_) => view! { <p class="box-body muted">{tr!(me.factor_pending)}</p> }.into_any(),
        Factor::On { since, codes_left } => on(*since, *codes_left, may),
    };
    view! { <Panel title=tr!(me.factor)>{fresh_codes()}{body}</Panel> }.into_any()
}

fn off(has_password: bool, may: bool) -> AnyView {
    let words = if has_password {
        tr!(me.factor_off)
    } else {
        tr!(me.factor_elsewhere)
    };
    let begin = (has_password && may).then(|| {
        view! {
            <Form action=BeginFactor::PATH class="form box-body">
                <p>{submit(Weight::Plain, tr!(me.factor_begin))}</p>
            </Form>
        }
    });
    view! { <p class="box-body muted">{words}</p>{begin} }.into_any()
}

fn pending(enrolment: &Enrolment) -> AnyView {
    // Made in the form: a field made before it would not know what was typed or is wrong.
    let fields = || {
        view! {
            <Field name="code" label=tr!(me.first_code) help=tr!(me.first_code_help) required=true autocomplete="one-time-code"/>
            <p>{submit(Weight::Primary, tr!(me.factor_confirm))}</p>
        }
    };
    view! {
        <div class="box-body">
            <p>{tr!(me.factor_scan)}</p>
            {picture(&enrolment.qr)}
            <p class="small muted">{tr!(me.factor_type)}</p>
            <p><code class="break" id="totp-secret">{enrolment.secret.clone()}</code></p>
        </div>
        <Form action=ConfirmFactor::PATH class="form box-body" plain=true>{fields()}</Form>
        <Form action=BeginFactor::PATH class="form box-body"><p>{submit(Weight::Quiet, tr!(me.factor_again))}</p></Form>
    }
    .into_any()
}

/// Dark on light in both themes: that is what cameras read.
fn picture(qr: &Qr) -> AnyView {
    let size = qr.size;
    view! {
        <svg class="qr" viewBox=format!("0 0 {size} {size}") role="img" aria-label=tr!(me.factor_picture)>
            <rect width=size height=size fill="#fff"/>
            <path d=qr.path.clone() fill="#000"/>
        </svg>
    }
    .into_any()
}

fn on(since: Timestamp, codes_left: i64, may: bool) -> AnyView {
    let few = (codes_left < 3).then(|| view! { <p class="note warn">{tr!(me.codes_few)}</p> });
    let change = may.then(|| {
        view! {
            <Form action=RenewRecoveryCodes::PATH class="form box-body" plain=true>
                <p>{submit(Weight::Plain, tr!(me.codes_renew))}</p>
            </Form>
            <Form action=RemoveFactor::PATH class="form box-body" done=tr!(me.factor_removed) confirm=tr!(me.factor_remove_ask)>
                <p>{submit(Weight::Danger, tr!(me.factor_remove))}</p>
            </Form>
        }
    });
    view! {
        <div class="box-body">
            <p>{pill(Status::Success, tr!(me.factor_on))}" "<span class="small muted">{tr!(me.since)}" "{time(since)}</span></p>
            <p class="muted">{tr!(me.codes_left, n = codes_left)}</p>
            {few}
        </div>
        {change}
    }
    .into_any()
}

/// Recovery codes that were just made: shown once.
fn fresh_codes() -> Option<AnyView> {
    let made = |action| Flash::of(action).and_then(|flash| flash.shown);
    let codes = made(ConfirmFactor::PATH).or_else(|| made(RenewRecoveryCodes::PATH))?;
    let items = codes
        .lines()
        .map(|code| view! { <li><code>{code.to_owned()}</code></li> })
        .collect_view();
    let shown = view! {
        <div class="note box-body" role="status">
            <p class="strong">{tr!(me.codes_fresh)}</p>
            <p class="small">{tr!(me.codes_hint)}</p>
            <ul class="codes">{items}</ul>
        </div>
    };
    Some(shown.into_any())
}
