//! How one signs in: the password, the second step, and the proof that what is hard to take back asks for.

use super::api::{ChangePassword, Prove, ReadSecurity};
use super::factor::factor_panel;
use super::{own_tabs, password_field};
use crate::design::button::{Weight, button_link, submit};
use crate::design::field::{Control, Field};
use crate::design::form::Form;
use crate::design::page::{PageHead, Panel};
use crate::load::load;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::factor::{Factor, Security};

/// Where one proves that it is them.
const CONFIRM: &str = "/me/confirm";

/// `/me/security`.
pub fn security_page() -> AnyView {
    load(|| ReadSecurity {}).view(|security| show(&security))
}

fn show(security: &Security) -> AnyView {
    view! {
        <PageHead title=tr!(me.security) line=tr!(me.security_line).into_any()/>
        {own_tabs("/me/security")}
        {(!security.proved).then(ask_for_proof)}
        <div class="columns even">
            {password(security)}
            {factor_panel(security)}
        </div>
    }
    .into_any()
}

/// That this page changes nothing before one has proved who they are.
fn ask_for_proof() -> AnyView {
    view! {
        <div class="note warn gap-below">
            <p>{tr!(me.proof_needed)}</p>
            <p>{button_link(Weight::Plain, CONFIRM.to_owned(), tr!(me.confirm))}</p>
        </div>
    }
    .into_any()
}

fn password(security: &Security) -> AnyView {
    let has = security.has_password;
    if !has && !security.proved {
        return view! { <Panel title=tr!(me.password)><p class="box-body muted">{tr!(me.no_password)}</p></Panel> }
            .into_any();
    }
    // Made in the form: a field made before it would not know what was typed or is wrong.
    let fields = move || {
        view! {
            {has.then(password_field)}
            <Field
                name="new_password" label=tr!(me.new_password) help=tr!(me.password_help) control=Control::Password
                required=true autocomplete="new-password"
            />
            <p>{submit(Weight::Primary, tr!(me.change_password))}</p>
        }
    };
    let hint = (!has).then(|| view! { <p class="box-body muted">{tr!(me.no_password)}</p> });
    view! {
        <Panel title=tr!(me.password)>
            {hint}
            <Form action=ChangePassword::PATH class="form box-body" done=tr!(me.password_changed)>{fields()}</Form>
        </Panel>
    }
    .into_any()
}

/// `/me/confirm`: where one proves that it is them.
pub fn confirm_page() -> AnyView {
    load(|| ReadSecurity {}).view(|security| confirm(&security))
}

fn confirm(security: &Security) -> AnyView {
    let body = if security.proved {
        view! {
            <div class="note" role="status">
                <p>{tr!(me.confirmed)}</p>
                <p>{button_link(Weight::Plain, String::from("/me/security"), tr!(me.security))}</p>
            </div>
        }
        .into_any()
    } else if security.has_password {
        let code = matches!(security.factor, Factor::On { .. });
        // Made in the form: a field made before it would not know what was typed or is wrong.
        let fields = move || {
            view! {
                {password_field()}
                {code.then(|| view! { <Field name="code" label=tr!(session.code) help=tr!(session.code_help) required=true autocomplete="one-time-code"/> })}
                <p>{submit(Weight::Primary, tr!(me.confirm))}</p>
            }
        };
        view! { <Form action=Prove::PATH class="form narrow">{fields()}</Form> }.into_any()
    } else {
        view! { <p>{tr!(me.confirm_elsewhere)}</p> }.into_any()
    };
    view! {
        <PageHead title=tr!(me.confirm_title) line=tr!(me.confirm_line).into_any()/>
        {body}
    }
    .into_any()
}
