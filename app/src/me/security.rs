//! How one signs in: the password, the second step, identities elsewhere, and the proof that what is hard to take back
//! asks for.

use super::api::{ChangePassword, Prove, ReadSecurity};
use super::factor::factor_panel;
use super::identity::identities;
use super::{own_tabs, password_field};
use crate::Flash;
use crate::design::button::{Weight, button_link, submit};
use crate::design::field::{Control, Field};
use crate::design::form::Form;
use crate::design::page::{PageHead, Panel};
use crate::load::load;
use crate::tr;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use server_fn::ServerFn;
use slipway_domain::factor::{Factor, Security};
use slipway_domain::provider::Offered;

/// Where one proves that it is them.
const CONFIRM: &str = "/me/confirm";

/// Where the way to a provider leads back to, unless it was to sign in.
pub const BACK: &str = "/me/security";

/// What the way to a provider leaves its refusals under.
pub const FROM_PROVIDER: &str = "/sign-in/provider";

/// How the reader signs in, and the providers that they could.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityPage {
    /// How they do.
    pub security: Security,
    /// The providers that there are.
    pub providers: Vec<Offered>,
}

/// `/me/security`.
pub fn security_page() -> AnyView {
    load(|| ReadSecurity {}).view(|page| show(&page))
}

fn show(page: &SecurityPage) -> AnyView {
    let security = &page.security;
    let refused = Flash::of(FROM_PROVIDER).map(|flash| {
        view! { <div class="error-summary gap-below" role="alert"><p class="strong">{flash.error.message}</p></div> }
    });
    view! {
        <PageHead title=tr!(me.security) line=tr!(me.security_line).into_any()/>
        {own_tabs("/me/security")}
        {refused}
        {(!security.proved).then(ask_for_proof)}
        <div class="columns even">
            {password(security)}
            {factor_panel(security)}
            {identities(page)}
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
    load(|| ReadSecurity {}).view(|page| confirm(&page))
}

fn confirm(page: &SecurityPage) -> AnyView {
    let security = &page.security;
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
    } else if elsewhere(page).is_empty() {
        view! { <p>{tr!(me.confirm_elsewhere)}</p> }.into_any()
    } else {
        ().into_any()
    };
    let ways = (!security.proved).then(|| elsewhere(page));
    view! {
        <PageHead title=tr!(me.confirm_title) line=tr!(me.confirm_line).into_any()/>
        {body}
        <div class="row wrap">{ways}</div>
    }
    .into_any()
}

/// Links to the providers that can ask who the reader is, and that the reader has an identity of.
fn elsewhere(page: &SecurityPage) -> Vec<AnyView> {
    let linked = |provider: &&Offered| {
        provider.anew
            && page
                .security
                .identities
                .iter()
                .any(|own| own.issuer == provider.issuer)
    };
    let link = |provider: &Offered| {
        let href = format!("/sign-in/{}?purpose=confirm", provider.key);
        view! { <a class="btn" href=href rel="external">{tr!(me.confirm_with, name = provider.name)}</a> }
            .into_any()
    };
    page.providers.iter().filter(linked).map(link).collect()
}
