//! The mail settings of an organization: which server is in force, its test, and the organization's own.

pub mod api;

use crate::Flash;
use crate::design::button::{Weight, submit};
use crate::design::field::{Control, Field};
use crate::design::form::{Form, hidden};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::i18n::say;
use crate::live::Topics;
use crate::load::load;
use crate::place::org_tabs;
use crate::places::param;
use crate::tr;
use api::{EditMail, ReadMail, RemoveMail, TestMail};
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::mail::{MailServer, MailSettings, Security, Sender};

/// `/orgs/{org}/settings/mail`.
pub fn mail_page() -> AnyView {
    let org = param("org");
    load(move || ReadMail { org: org() })
        .watching(|settings: &MailSettings| Topics::of("org", settings.org.id))
        .view(|settings| show(&settings))
}

fn show(settings: &MailSettings) -> AnyView {
    let org = settings.org.slug.clone();
    view! {
        <PageHead title=tr!(place.settings) line=settings.org.name.clone().into_any()/>
        {org_tabs(&org, "mail")}
        <div class="stack wide">
            {in_force(settings)}
            {own(&org, settings.own.as_ref())}
        </div>
    }
    .into_any()
}

/// Which server mail goes through, and its test.
fn in_force(settings: &MailSettings) -> AnyView {
    let (server, sender, note) = match (&settings.own, &settings.operator) {
        (Some(own), operator) => {
            let server = view! { <code>{format!("{}:{}", own.host, own.port)}</code> }.into_any();
            let note = operator.as_ref().map(|_| tr!(mail.own_wins));
            (server, &own.sender, note)
        }
        (None, Some(sender)) => (tr!(mail.operators).into_any(), sender, None),
        (None, None) => {
            return view! {
                <div class="box"><EmptyState title=tr!(mail.none) hint=tr!(mail.none_hint)/></div>
            }
            .into_any();
        }
    };
    let (sender, test) = (sender.shown(), test(settings));
    view! {
        <Panel title=tr!(mail.in_force)>
            <div class="box-body">
                <dl class="facts">
                    <dt>{tr!(mail.server)}</dt>
                    <dd>{server}</dd>
                    <dt>{tr!(mail.sender)}</dt>
                    <dd class="break">{sender}</dd>
                </dl>
                {note.map(|note| view! { <p class="small muted">{note}</p> })}
            </div>
            {test}
        </Panel>
    }
    .into_any()
}

/// The form that sends a test to the reader.
fn test(settings: &MailSettings) -> AnyView {
    let org = settings.org.slug.clone();
    let sent = Flash::of(TestMail::PATH)
        .and_then(|flash| flash.shown)
        .map(|address| view! { <p class="note gap-below" role="status">{tr!(mail.test_sent, address = address)}</p> });
    let button = match &settings.address {
        Some(address) => {
            let words = tr!(mail.test, address = address);
            view! { <p>{submit(Weight::Plain, words)}</p> }.into_any()
        }
        None => view! {
            <p class="small">{tr!(mail.no_address)}" "<a href="/me">{tr!(mail.to_profile)}</a></p>
        }
        .into_any(),
    };
    view! {
        <div class="box-body">
            {sent}
            <Form action=TestMail::PATH plain=true>
                {hidden("org", org)}
                {button}
            </Form>
        </div>
    }
    .into_any()
}

/// The organization's own server: its form, and the way to be without it.
fn own(org: &str, own: Option<&MailServer>) -> AnyView {
    let remove = own.map(|_| {
        let org = org.to_owned();
        view! {
            <Form action=RemoveMail::PATH class="form box-body" done=tr!(place.removed) confirm=tr!(mail.remove_ask)>
                {hidden("org", org)}
                <p class="muted">{tr!(mail.remove_hint)}</p>
                <p>{submit(Weight::Danger, tr!(place.remove))}</p>
            </Form>
        }
    });
    let (host, port, security, username, sender) = own.map_or_else(Default::default, |own| {
        (
            own.host.clone(),
            own.port.to_string(),
            own.security,
            own.username.clone(),
            own.sender.shown(),
        )
    });
    let ways = Security::ALL
        .into_iter()
        .map(|way| (way.key().to_owned(), say(&way.text())))
        .collect::<Vec<_>>();
    let password = if own.is_some_and(|own| !own.username.is_empty()) {
        tr!(mail.new_password)
    } else {
        tr!(mail.password)
    };
    let org = org.to_owned();
    view! {
        <Panel title=tr!(mail.own)>
            <Form action=EditMail::PATH class="form narrow box-body" done=tr!(place.saved)>
                {hidden("org", org)}
                <p class="muted">{tr!(mail.own_hint)}</p>
                <Field name="host" label=tr!(mail.host) help=tr!(mail.host_help) value=host required=true/>
                <Field
                    name="security" label=tr!(mail.security) help=tr!(mail.security_help)
                    value=security.key().to_owned() control=Control::Select(ways)
                />
                <Field name="port" label=tr!(mail.port) help=tr!(mail.port_help) value=port/>
                <Field name="username" label=tr!(mail.username) help=tr!(mail.username_help) value=username/>
                <Field
                    name="password" label=password help=tr!(mail.password_help) control=Control::Password
                    autocomplete="new-password"
                />
                <Field
                    name="sender" label=tr!(mail.sender) help=tr!(mail.sender_help) value=sender required=true
                    check=check_sender
                />
                <p>{submit(Weight::Primary, tr!(place.save))}</p>
            </Form>
            {remove}
        </Panel>
    }
    .into_any()
}

/// What is wrong with a sender, if anything: said while it is typed.
fn check_sender(text: &str) -> Option<String> {
    Sender::parse(text).err().map(|wrong| say(&wrong))
}
