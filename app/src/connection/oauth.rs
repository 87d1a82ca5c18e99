//! Connections that get in by OAuth: how each stands, the form that makes one, the way to GitLab and back.

use super::api::{AddOauthConnection, AuthorizeConnection, EditOauthConnection, UseOauth, UseToken};
use crate::Flash;
use crate::design::button::{Weight, submit};
use crate::design::copy::copyable;
use crate::design::field::{Control, Field};
use crate::design::form::{Form, hidden};
use crate::design::page::Panel;
use crate::design::time::time;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::connection::{Connection, Oauth, SCOPE};

/// Where GitLab sends people back to, and what their return leaves its words under.
pub const FROM_GITLAB: &str = "/connections/gitlab/callback";

/// The page of an organization's connections.
pub fn connections_of(org: &str) -> String {
    format!("{}/settings/gitlab", crate::places::org(org))
}

/// What came of the reader's way to GitLab, or that they are on it.
pub(super) fn way() -> AnyView {
    if let Some(url) = leaving() {
        return go_on(url);
    }
    match Flash::of(FROM_GITLAB) {
        Some(flash) if flash.error.message.is_empty() => arrived(&flash),
        Some(flash) => view! {
            <div class="error-summary gap-below" role="alert" tabindex="-1">
                <p class="strong">{flash.error.message}</p>
            </div>
        }
        .into_any(),
        None => ().into_any(),
    }
}

fn arrived(flash: &Flash) -> AnyView {
    let word = |name: &str| flash.typed(name).unwrap_or_default().to_owned();
    let text = tr!(
        connection.arrived,
        connection = word("connection"),
        username = word("username")
    );
    view! { <p class="note gap-below" role="status">{text}</p> }.into_any()
}

/// Where one of the forms below leads to at GitLab.
fn leaving() -> Option<String> {
    let shown = |action: &str| Flash::of(action).and_then(|flash| flash.shown);
    let forms = [
        AddOauthConnection::PATH,
        AuthorizeConnection::PATH,
        UseOauth::PATH,
    ];
    forms.into_iter().find_map(shown)
}

/// Sends the reader to GitLab. A form may lead nowhere else than to this site (the pages' policy), so that this page is
/// between.
fn go_on(url: String) -> AnyView {
    let to = url.clone();
    Effect::new(move || crate::browser::leave_once_for(&to));
    let escaped = url
        .replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let refresh = format!(r#"<meta http-equiv="refresh" content="0; url={escaped}">"#);
    view! {
        <div class="note gap-below" role="status">
            <p>{tr!(connection.leaving)}</p>
            <p><a class="btn" href=url rel="external noreferrer">{tr!(connection.go_on)}</a></p>
        </div>
        <noscript inner_html=refresh></noscript>
    }
    .into_any()
}

/// The panel with the form that makes a connection, and what to enter at GitLab before.
pub(super) fn panel(org: String, redirect_uri: String) -> AnyView {
    // Made in the form: a field made before it would not know what was typed or is wrong.
    let fields = move || {
        view! {
            {hidden("org", org)}
            <Field name="name" label=tr!(place.name) required=true/>
            <Field name="base_url" label=tr!(place.base_url) help=tr!(place.base_url_help) required=true/>
            <Field name="application_id" label=tr!(connection.application_id) required=true/>
            <Field
                name="application_secret" label=tr!(connection.application_secret) help=tr!(connection.secret_help)
                control=Control::Password required=true
            />
            <p>{submit(Weight::Plain, tr!(connection.add))}</p>
        }
    };
    view! {
        <Panel title=tr!(connection.by_oauth)>
            <div class="form narrow box-body">
                <p>{tr!(connection.register)}</p>
                {copyable("redirect-uri", tr!(connection.redirect_uri), redirect_uri)}
                {copyable("oauth-scope", tr!(connection.scope), SCOPE.to_owned())}
                <p class="small muted">{tr!(connection.acts_as)}</p>
            </div>
            <Form action=AddOauthConnection::PATH class="form narrow box-body" plain=true>{fields()}</Form>
        </Panel>
    }
    .into_any()
}

/// What a connection gets in by, and who let it in.
pub(super) fn facts(one: &Connection) -> AnyView {
    let stands = match &one.oauth {
        None => tr!(connection.by_token).into_any(),
        Some(oauth) => standing(oauth),
    };
    view! { <dt>{tr!(connection.way)}</dt><dd class="stack tight">{stands}</dd> }.into_any()
}

fn standing(oauth: &Oauth) -> AnyView {
    let Some(authorized) = &oauth.authorized else {
        let until_then = oauth.token_until_then.then(|| tr!(connection.token_until_then));
        return view! {
            <span class="fault">{tr!(connection.not_authorized)}</span>
            {until_then.map(|words| view! { <span class="small muted">{words}</span> })}
        }
        .into_any();
    };
    let username = &authorized.username;
    let (class, word) = if oauth.in_force {
        ("", tr!(connection.authorized_by, username = username))
    } else {
        ("fault", tr!(connection.no_longer, username = username))
    };
    view! {
        <span class=class>{word}", "{time(authorized.at)}</span>
        <span class="small muted">{tr!(connection.here_by, name = authorized.by)}</span>
    }
    .into_any()
}

/// The button that sends the reader to GitLab.
pub(super) fn authorize(org: &str, one: &Connection, oauth: &Oauth) -> AnyView {
    let (org, id) = (org.to_owned(), one.id.to_string());
    let (weight, word) = match (&oauth.authorized, oauth.in_force) {
        (None, _) => (Weight::Primary, tr!(connection.authorize)),
        (Some(_), false) => (Weight::Primary, tr!(connection.again)),
        (Some(_), true) => (Weight::Plain, tr!(connection.again)),
    };
    view! {
        <Form action=AuthorizeConnection::PATH class="form box-body" key=("id", id) plain=true>
            {hidden("org", org)}
            <p>{submit(weight, word)}</p>
        </Form>
    }
    .into_any()
}

/// The form that changes a connection.
pub(super) fn edit(org: &str, one: &Connection, oauth: &Oauth) -> AnyView {
    let (org, id) = (org.to_owned(), one.id.to_string());
    let (name, base_url, application) = (
        one.name.clone(),
        one.base_url.clone(),
        oauth.application_id.clone(),
    );
    view! {
        <Form action=EditOauthConnection::PATH class="form narrow" done=tr!(place.saved) key=("id", id)>
            {hidden("org", org)}
            <Field name="name" label=tr!(place.name) value=name/>
            <Field name="base_url" label=tr!(place.base_url) value=base_url/>
            <Field name="application_id" label=tr!(connection.application_id) value=application/>
            <Field name="application_secret" label=tr!(connection.new_secret) control=Control::Password/>
            <p>{submit(Weight::Plain, tr!(place.save))}</p>
        </Form>
    }
    .into_any()
}

/// The form that lets a connection by a token get in by OAuth.
pub(super) fn instead(org: &str, one: &Connection, redirect_uri: &str) -> AnyView {
    let (org, id) = (org.to_owned(), one.id.to_string());
    let (open, uri) = (refused(UseOauth::PATH, &id), redirect_uri.to_owned());
    view! {
        <details class="gap-below" open=open>
            <summary>{tr!(connection.use_oauth)}</summary>
            <p class="small muted">{tr!(connection.use_oauth_help, scope = SCOPE)}</p>
            <p class="small">{tr!(connection.redirect_uri)}" "<code>{uri}</code></p>
            <Form action=UseOauth::PATH class="form narrow" key=("id", id) plain=true>
                {hidden("org", org)}
                <Field name="application_id" label=tr!(connection.application_id) required=true/>
                <Field
                    name="application_secret" label=tr!(connection.application_secret) help=tr!(connection.secret_help)
                    control=Control::Password required=true
                />
                <p>{submit(Weight::Plain, tr!(connection.use_oauth_do))}</p>
            </Form>
        </details>
    }
    .into_any()
}

/// The form that lets a connection by OAuth get in by a token.
pub(super) fn by_token(org: &str, one: &Connection, oauth: &Oauth) -> AnyView {
    let (org, id, has) = (org.to_owned(), one.id.to_string(), oauth.token_until_then);
    let open = refused(UseToken::PATH, &id);
    let label = if has {
        tr!(place.new_token)
    } else {
        tr!(place.token)
    };
    view! {
        <details class="gap-below" open=open>
            <summary>{tr!(connection.use_token)}</summary>
            <Form action=UseToken::PATH class="form narrow" done=tr!(place.saved) key=("id", id)>
                {hidden("org", org)}
                <Field name="token" label=label help=tr!(place.token_help) control=Control::Password required=!has/>
                <p>{submit(Weight::Plain, tr!(connection.use_token_do))}</p>
            </Form>
        </details>
    }
    .into_any()
}

/// Whether the form of that connection was refused just now.
pub(super) fn refused(action: &str, id: &str) -> bool {
    Flash::of(action).is_some_and(|flash| !flash.error.message.is_empty() && flash.typed("id") == Some(id))
}
