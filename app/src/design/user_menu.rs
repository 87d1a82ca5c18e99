//! The menu of the signed-in person: theme, language, sign out. Plain forms, so it works without
//! JavaScript; switching loads the page anew.

use super::avatar::initials;
use crate::Seed;
use crate::i18n;
use crate::tr;
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use slipway_domain::person::PersonRef;
use slipway_domain::text::Locale;

/// A choice of the menu: a button that posts `name=value`.
fn choice(name: &'static str, value: &'static str, word: String, current: bool) -> AnyView {
    view! {
        <button type="submit" class="btn small" name=name value=value aria-pressed=if current { "true" } else { "false" }>{word}</button>
    }
    .into_any()
}

/// The switches of theme and language, also on the sign-in page.
#[component]
pub fn Preferences() -> AnyView {
    let theme = use_context::<Seed>().unwrap_or_default().theme;
    let location = use_location();
    let next = move || {
        let search = location.search.get();
        let path = location.pathname.get();
        if search.is_empty() {
            path
        } else {
            format!("{path}?{search}")
        }
    };
    let locale = i18n::locale();
    view! {
        <form method="post" action="/preferences" class="preferences">
            <input type="hidden" name="next" value=next/>
            <div>
            <span class="small muted">{tr!(common.theme)}</span>
            <span class="choices">
                {choice("theme", "light", tr!(common.theme_light), theme == "light")}
                {choice("theme", "dark", tr!(common.theme_dark), theme == "dark")}
                {choice("theme", "system", tr!(common.theme_system), theme == "system")}
            </span>
            </div>
            <div>
            <span class="small muted">{tr!(common.language)}</span>
            <span class="choices">
                {choice("locale", "en", String::from("English"), locale == Locale::En)}
                {choice("locale", "zh-CN", String::from("中文"), locale == Locale::ZhCn)}
            </span>
            </div>
        </form>
    }
    .into_any()
}

/// The menu.
#[component]
pub fn UserMenu(
    /// Who is signed in.
    person: PersonRef,
    /// Whether they are an operator of the whole server.
    operator: bool,
) -> AnyView {
    let server = operator.then(|| {
        view! { <a class="btn quiet" href=crate::operator::ROOT>{tr!(operator.title)}</a> }
    });
    view! {
        <details class="menu">
            <summary>
                {initials(&person)}
                <span class="visually-hidden">{tr!(common.account_of, name = person.name.clone())}</span>
            </summary>
            <div class="menu-panel">
                <div>
                    <p class="strong">{person.name.clone()}</p>
                    <p class="small muted">{person.username}</p>
                </div>
                <a class="btn quiet" href="/me">{tr!(common.profile)}</a>
                <a class="btn quiet" href="/me/sessions">{tr!(common.sessions)}</a>
                <a class="btn quiet" href="/me/tokens">{tr!(token.title)}</a>
                {server}
                <Preferences/>
                <form method="post" action="/sign-out">
                    <button type="submit" class="btn">{tr!(common.sign_out)}</button>
                </form>
            </div>
        </details>
    }
    .into_any()
}
