//! The signed-in person: their profile, how they sign in, and where.

pub mod api;
pub mod factor;
pub mod identity;
pub mod security;

use crate::design::button::{Weight, submit};
use crate::design::field::{Control, Field};
use crate::design::form::Form;
use crate::design::page::{PageHead, Panel};
use crate::design::status::{Status, pill};
use crate::design::tabs::{Tab, tabs};
use crate::design::time::time;
use crate::design::user_menu::Preferences;
use crate::load::load;
use crate::tr;
use api::{ReadProfile, ReadSessions, RevokeOtherSessions, RevokeSession, UpdateProfile};
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::person::Person;
use slipway_domain::session::SessionView;

/// The tabs of what is one's own; `current` is the last part of the address.
pub fn own_tabs(current: &str) -> AnyView {
    let tab = |word: String, href: &str| Tab {
        word,
        href: href.to_owned(),
        current: href == current,
    };
    tabs(
        tr!(me.tabs),
        vec![
            tab(tr!(me.profile), "/me"),
            tab(tr!(me.security), "/me/security"),
            tab(tr!(me.sessions), "/me/sessions"),
            tab(tr!(token.title), "/me/tokens"),
        ],
    )
}

/// `/me`.
pub fn profile_page() -> AnyView {
    load(|| ReadProfile {}).view(profile)
}

fn profile(person: Person) -> AnyView {
    let username = person.username.clone();
    // Made in the form: a field made before it would not know what was typed or is wrong.
    let fields = move || {
        view! {
            <Field name="name" label=tr!(me.name) value=person.name required=true autocomplete="name"/>
            <Field
                name="email" label=tr!(me.email) help=tr!(me.email_help) value=person.email.unwrap_or_default()
                autocomplete="email" check=email_wrong
            />
            <p>{submit(Weight::Primary, tr!(me.save))}</p>
        }
    };
    view! {
        <PageHead title=tr!(me.profile) line=tr!(me.signed_in_as, name = username).into_any()/>
        {own_tabs("/me")}
        <div class="columns">
            <Panel title=tr!(me.about_you)>
                <Form action=UpdateProfile::PATH class="form box-body" done=tr!(me.saved)>{fields()}</Form>
            </Panel>
            <Panel title=tr!(me.look)>
                <div class="box-body"><Preferences/></div>
            </Panel>
        </div>
    }
    .into_any()
}

fn email_wrong(text: &str) -> Option<String> {
    let wrong = slipway_domain::person::email(text).err()?;
    Some(crate::i18n::say(&wrong))
}

/// `/me/sessions`.
pub fn sessions_page() -> AnyView {
    load(|| ReadSessions {}).view(|list| sessions(&list))
}

fn sessions(list: &[SessionView]) -> AnyView {
    let rows = list.iter().map(session_row).collect_view();
    let others = (list.len() > 1).then(|| {
        view! {
            <Form action=RevokeOtherSessions::PATH class="form box-body" done=tr!(me.others_ended) confirm=tr!(me.end_others_ask)>
                <p>{submit(Weight::Danger, tr!(me.end_others))}</p>
            </Form>
        }
    });
    view! {
        <PageHead title=tr!(me.sessions) line=tr!(me.sessions_line).into_any()/>
        {own_tabs("/me/sessions")}
        <div class="box">
            <ul class="list">{rows}</ul>
            {others}
        </div>
    }
    .into_any()
}

fn session_row(session: &SessionView) -> AnyView {
    let device = session.device.clone().unwrap_or_else(|| tr!(me.unknown_device));
    let end = if session.current {
        pill(Status::Success, tr!(me.this_one))
    } else {
        let key = session.key.clone();
        view! {
            <Form action=RevokeSession::PATH class="row" key=("session", key)>{submit(Weight::Plain, tr!(me.end))}</Form>
        }
        .into_any()
    };
    view! {
        <li class="list-row">
            <span class="stack tight">
                <span class="strong">{device}</span>
                <span class="small muted">
                    {session.address.clone()}" · "{tr!(me.begun)}" "{time(session.started_at)}" · "{tr!(me.seen)}" "{time(session.seen_at)}
                </span>
            </span>
            {end}
        </li>
    }
    .into_any()
}

/// A field for the password that the reader has now, in a form that asks for it.
fn password_field() -> AnyView {
    view! {
        <Field
            name="password" label=tr!(me.current_password) control=Control::Password required=true
            autocomplete="current-password"
        />
    }
    .into_any()
}
