//! Signing in. The form is plain HTML: it works before and without JavaScript, and a password never
//! passes through it.

pub mod api;

use crate::Flash;
use crate::design::avatar::initials;
use crate::design::field::{Control, Field};
use crate::design::form::{Form, hidden};
use crate::design::icon::{Icon, icon};
use crate::design::user_menu::Preferences;
use crate::load::load;
use crate::places::query;
use crate::tr;
use leptos::prelude::*;
use leptos_meta::Title;
use serde::{Deserialize, Serialize};
use slipway_domain::id::{TypedId, UserId};
use slipway_domain::person::PersonRef;
use slipway_domain::provider::Offered;
use slipway_domain::text::{Locale, Text};

/// Someone who can sign in to the demo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoPerson {
    /// The sign-in name.
    pub username: String,
    /// The display name.
    pub name: String,
    /// What they do, in English.
    pub role_en: String,
    /// What they do, in Chinese.
    pub role_zh: String,
}

/// The ways in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInOptions {
    /// Whether local accounts sign in by password.
    pub local: bool,
    /// The people of the demo; none outside of it.
    pub demo_people: Vec<DemoPerson>,
    /// Their password; none outside of the demo.
    pub demo_password: Option<String>,
    /// Providers; read anew for every page.
    pub providers: Vec<Offered>,
}

/// Where the form posts to.
const ACTION: &str = "/sign-in";

/// `/sign-in`.
pub fn sign_in_page() -> AnyView {
    let (next, error) = (query("next"), query("error"));
    load(|| api::SignInWays {}).view(move |ways| {
        let next = next()
            .filter(|next| next.starts_with('/') && !next.starts_with("//"))
            .unwrap_or_default();
        sign_in(&ways, &next, error().as_deref())
    })
}

fn sign_in(ways: &SignInOptions, next: &str, error: Option<&str>) -> AnyView {
    let demo = ways
        .demo_password
        .as_ref()
        .filter(|_| !ways.demo_people.is_empty());
    let providers = ways
        .providers
        .iter()
        .map(|provider| {
            let href = format!("/sign-in/{}?next={}", provider.key, crate::places::encode(next));
            view! { <a class="btn big" href=href rel="external">{tr!(session.with_provider, name = provider.name.clone())}</a> }
        })
        .collect_view();
    view! {
        <Title text=tr!(session.title)/>
        <div class="sign-in">
            <div class="brand">{icon(Icon::Brand)}"Slipway"</div>
            <h1 tabindex="-1">{tr!(session.title)}</h1>
            {error.map(trouble)}
            {ways.local.then(|| password_form(next))}
            {(ways.local && !ways.providers.is_empty()).then(|| view! { <p class="or">{tr!(session.or)}</p> })}
            {providers}
            {demo.map(|password| demo_people(&ways.demo_people, password, next))}
            <Preferences/>
        </div>
    }
    .into_any()
}

/// Where the form of the second step posts to, and its page.
const CODE: &str = "/sign-in/code";

/// `/sign-in/code`: the code after the password.
pub fn code_page() -> AnyView {
    // Made in the form: a field made before it would not know what is wrong.
    let fields = || {
        view! {
            <Field name="code" label=tr!(session.code) help=tr!(session.code_help) required=true autocomplete="one-time-code"/>
            <button type="submit" class="btn primary big">{tr!(session.code_submit)}</button>
        }
    };
    view! {
        <Title text=tr!(session.code_title)/>
        <div class="sign-in">
            <div class="brand">{icon(Icon::Brand)}"Slipway"</div>
            <h1 tabindex="-1">{tr!(session.code_title)}</h1>
            <Form action=CODE plain=true>{fields()}</Form>
            <p><a href=ACTION rel="external">{tr!(session.code_back)}</a></p>
            <Preferences/>
        </div>
    }
    .into_any()
}

/// Why the last try failed: in the server's words where it left some.
fn trouble(code: &str) -> AnyView {
    let said = last_try()
        .map(|flash| flash.error.message)
        .filter(|said| !said.is_empty());
    let words = said.unwrap_or_else(|| match code {
        "too_many_tries" => tr!(session.limited),
        "not_allowed" => tr!(session.not_allowed),
        "deactivated" => tr!(session.deactivated),
        "provider" => tr!(session.provider_failed),
        "expired" => tr!(session.expired),
        _ => tr!(session.wrong),
    });
    view! { <div class="error-summary" role="alert">{words}</div> }.into_any()
}

/// What the last try left behind.
fn last_try() -> Option<Flash> {
    Flash::of(ACTION)
}

fn password_form(next: &str) -> AnyView {
    let typed = last_try()
        .and_then(|flash| flash.typed("username").map(str::to_owned))
        .unwrap_or_default();
    view! {
        <form method="post" action=ACTION class="form">
            {hidden("next", next.to_owned())}
            <Field name="username" label=tr!(session.username) value=typed required=true autocomplete="username"/>
            <Field
                name="password" label=tr!(session.password) control=Control::Password required=true
                autocomplete="current-password"
            />
            <button type="submit" class="btn primary big">{tr!(session.submit)}</button>
        </form>
    }
    .into_any()
}

fn demo_people(people: &[DemoPerson], password: &str, next: &str) -> AnyView {
    let buttons = people
        .iter()
        .map(|person| {
            let role = Text::new(person.role_en.clone(), person.role_zh.clone());
            let shown = PersonRef {
                id: UserId::from_uuid(uuid::Uuid::nil()),
                username: person.username.clone(),
                name: person.name.clone(),
            };
            view! {
                <li>
                    <form method="post" action=ACTION>
                        {hidden("username", person.username.clone())}
                        {hidden("password", password.to_owned())}
                        {hidden("next", next.to_owned())}
                        <button type="submit" class="person">
                            {initials(&shown)}
                            <span class="stack tight">
                                <span class="strong">{person.name.clone()}</span>
                                <span class="small muted">{crate::i18n::say(&role)}</span>
                            </span>
                        </button>
                    </form>
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="stack">
            <h2>{tr!(session.demo_title)}</h2>
            <p class="small muted">{tr!(session.demo_hint, password = password.to_owned())}</p>
            <ul class="people">{buttons}</ul>
        </section>
    }
    .into_any()
}

/// The role in the page's language.
impl DemoPerson {
    /// What they do.
    pub fn role(&self, locale: Locale) -> &str {
        match locale {
            Locale::En => &self.role_en,
            Locale::ZhCn => &self.role_zh,
        }
    }
}
