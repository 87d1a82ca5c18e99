//! Ways to a role: invitations by a link, and requests.

pub mod api;

use crate::Flash;
use crate::design::avatar::initials;
use crate::design::button::{Weight, submit};
use crate::design::field::{Control, Field};
use crate::design::form::{Form, hidden, place_fields};
use crate::design::icon::{Icon, icon};
use crate::design::page::Panel;
use crate::design::status::tag;
use crate::design::time::time;
use crate::design::user_menu::Preferences;
use crate::i18n::say;
use crate::load::load;
use crate::member::parts::role_choices;
use crate::places::{encode, query};
use crate::tr;
use api::{AskForRole, DecideRoleRequest, Invite, ReadInvitation, RevokeInvitation};
use leptos::prelude::*;
use leptos_meta::Title;
use serde::{Deserialize, Serialize};
use server_fn::ServerFn;
use slipway_domain::invitation::{FreshInvitation, Invitation, InvitationView, RoleRequest};
use slipway_domain::member::MemberPage;
use slipway_domain::project::Place;

/// Where the form of the page posts to that a link leads to.
const JOIN: &str = "/join";

/// What the page shows that a link leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinPage {
    /// The invitation, if the link works.
    pub invitation: Option<InvitationView>,
    /// Why it does not.
    pub refusal: String,
    /// Whether an account with a password can be made.
    pub local: bool,
}

#[cfg(feature = "ssr")]
impl JoinPage {
    fn of(found: slipway_portal::Result<InvitationView>, local: bool) -> Result<Self, crate::AppError> {
        match found {
            Ok(invitation) => Ok(Self {
                invitation: Some(invitation),
                refusal: String::new(),
                local,
            }),
            Err(slipway_portal::Error::Refused { text, .. }) => Ok(Self {
                invitation: None,
                refusal: say(&text),
                local,
            }),
            Err(other) => Err(other.into()),
        }
    }
}

/// The panel that invites people, with the invitations that are open.
pub fn invite(page: &MemberPage) -> AnyView {
    let fresh = Flash::of(Invite::PATH)
        .and_then(|flash| flash.shown)
        .and_then(|shown| crate::json::parse::<FreshInvitation>(&shown).ok())
        .map(|made| fresh_link(&made));
    let (place, roles, mails) = (page.place.clone(), role_choices(&page.grantable), page.mails);
    let hint = if mails {
        tr!(member.invite_hint_mail)
    } else {
        tr!(member.invite_hint)
    };
    // Made in the form: a field made before it would not know what was typed or is wrong.
    let fields = move || {
        view! {
            {place_fields(&place)}
            <div class="form-row">
                <Field name="role" label=tr!(member.role) control=Control::Select(roles) required=true/>
                <Field name="note" label=tr!(member.note) help=tr!(member.note_help)/>
                <Field name="days" label=tr!(member.days) control=Control::Number value=String::from("7") required=true/>
                {mails.then(|| view! { <Field name="email" label=tr!(member.mail_to) help=tr!(member.mail_to_help)/> })}
                {submit(Weight::Plain, tr!(member.make_link))}
            </div>
        }
    };
    let open = page
        .invitations
        .iter()
        .map(|invitation| open_invitation(&page.place, invitation))
        .collect_view();
    view! {
        <Panel title=tr!(member.invite)>
            <div class="box-body">
                {fresh}
                <p class="small muted">{hint}</p>
                <Form action=Invite::PATH plain=true>{fields()}</Form>
            </div>
            <ul class="list">{open}</ul>
        </Panel>
    }
    .into_any()
}

/// The link of an invitation that was just made, and what became of its mail.
fn fresh_link(made: &FreshInvitation) -> AnyView {
    let link = made.link.clone();
    let mail = made.mail.as_ref().map(|mail| match &mail.trouble {
        None => view! { <p class="strong">{tr!(member.mailed, address = mail.to)}</p> }.into_any(),
        Some(trouble) => view! {
            <p class="strong fault">{tr!(member.not_mailed, address = mail.to)}</p>
            <p>{say(trouble)}</p>
        }
        .into_any(),
    });
    let label = if made.mail.as_ref().is_some_and(|mail| mail.trouble.is_none()) {
        tr!(member.link_once_mailed)
    } else {
        tr!(member.link_once)
    };
    view! {
        <div class="note gap-below" role="status">
            {mail}
            <label for="f-link" class="strong">{label}</label>
            <input class="input" id="f-link" readonly value=link/>
            <p class="small">{tr!(member.link_hint)}</p>
        </div>
    }
    .into_any()
}

/// Where the link of an invitation was mailed to.
fn mailed_to(invitation: &Invitation) -> Option<AnyView> {
    let address = invitation.email.as_ref()?;
    Some(match invitation.mailed_at {
        Some(_) => {
            view! { <span class="small break">{tr!(member.sent_to, address = address)}</span> }.into_any()
        }
        None => view! { <span class="small fault break">{tr!(member.not_sent_to, address = address)}</span> }
            .into_any(),
    })
}

fn open_invitation(place: &Place, invitation: &Invitation) -> AnyView {
    let fields = view! { {place_fields(place)}{submit(Weight::Danger, tr!(member.take_back))} };
    view! {
        <li class="list-row">
            <span class="row wrap">
                {tag(say(&invitation.role.text()))}
                <span>{invitation.note.clone()}</span>
                {mailed_to(invitation)}
                <span class="small muted">{tr!(member.ends)}" "{time(invitation.expires_at)}" · "{invitation.by.name.clone()}</span>
            </span>
            <Form action=RevokeInvitation::PATH class="row" key=("invitation", invitation.id.to_string())>{fields}</Form>
        </li>
    }
    .into_any()
}

/// The requests for roles that wait for the reader, and their own.
pub fn requests(page: &MemberPage) -> AnyView {
    if page.requests.is_empty() {
        return ().into_any();
    }
    let rows = page
        .requests
        .iter()
        .map(|request| waiting(&page.place, request))
        .collect_view();
    view! { <Panel title=tr!(member.requests)><ul class="list">{rows}</ul></Panel> }.into_any()
}

fn waiting(place: &Place, request: &RoleRequest) -> AnyView {
    let buttons = if request.may_decide {
        view! {
            <button type="submit" class="btn primary" name="decision" value="grant">{tr!(member.grant)}</button>
            <button type="submit" class="btn" name="decision" value="refuse">{tr!(member.refuse)}</button>
        }
        .into_any()
    } else {
        view! { <button type="submit" class="btn" name="decision" value="withdraw">{tr!(member.take_back)}</button> }
            .into_any()
    };
    let fields = view! { {place_fields(place)}<span class="row">{buttons}</span> };
    let reason = (!request.reason.is_empty())
        .then(|| view! { <span class="break wide">{request.reason.clone()}</span> });
    view! {
        <li class="list-row">
            <span class="row wrap">
                {initials(&request.person)}
                <span class="strong">{request.person.name.clone()}</span>
                <span>{tr!(member.asks_for)}</span>
                {tag(say(&request.role.text()))}
                <span class="small muted">{time(request.created_at)}</span>
            </span>
            <Form action=DecideRoleRequest::PATH class="row" key=("request", request.id.to_string())>{fields}</Form>
            {reason}
        </li>
    }
    .into_any()
}

/// The form that asks for a role, for those who lack one.
pub fn ask(page: &MemberPage) -> AnyView {
    if page.askable.is_empty() {
        return ().into_any();
    }
    let (place, roles) = (page.place.clone(), role_choices(&page.askable));
    // Made in the form: a field made before it would not know what was typed or is wrong.
    let fields = move || {
        view! {
            {place_fields(&place)}
            <div class="form-row">
                <Field name="role" label=tr!(member.role) control=Control::Select(roles) required=true/>
                <Field name="reason" label=tr!(member.reason)/>
                {submit(Weight::Plain, tr!(member.ask))}
            </div>
        }
    };
    view! {
        <Panel title=tr!(member.ask_title)>
            <Form action=AskForRole::PATH class="form box-body" done=tr!(member.asked)>{fields()}</Form>
        </Panel>
    }
    .into_any()
}

/// `/join`: where the link of an invitation leads.
pub fn join_page() -> AnyView {
    let token = query("token");
    load(move || ReadInvitation {
        token: token().unwrap_or_default(),
    })
    .view(move |page| join(&page, &token().unwrap_or_default()))
}

fn join(page: &JoinPage, token: &str) -> AnyView {
    let body = match &page.invitation {
        Some(invitation) => invited(invitation, token, page.local),
        None => view! {
            <div class="error-summary" role="alert">{page.refusal.clone()}</div>
            <p><a class="btn" href="/" rel="external">{tr!(common.to_my_work)}</a></p>
        }
        .into_any(),
    };
    view! {
        <Title text=tr!(member.join_title)/>
        <div class="sign-in">
            <div class="brand">{icon(Icon::Brand)}"Slipway"</div>
            <h1 tabindex="-1">{tr!(member.join_title)}</h1>
            {body}
            <Preferences/>
        </div>
    }
    .into_any()
}

fn invited(invitation: &InvitationView, token: &str, local: bool) -> AnyView {
    let words = tr!(
        member.invited_by,
        who = invitation.by.name,
        role = say(&invitation.role.text()),
        place = invitation.place.names()
    );
    let way = match &invitation.reader {
        Some(reader) => {
            let fields = view! {
                {hidden("token", token.to_owned())}
                <button type="submit" class="btn primary big">{tr!(member.accept_as, name = reader.name)}</button>
            };
            view! { <Form action=JOIN plain=true>{fields}</Form> }.into_any()
        }
        None => strangers_ways(token, local),
    };
    view! {
        <p>{words}</p>
        <p class="small muted">{tr!(member.ends)}" "{time(invitation.expires_at)}</p>
        {way}
    }
    .into_any()
}

/// For who is not signed in: sign in, or make an account.
fn strangers_ways(token: &str, local: bool) -> AnyView {
    let back = format!("{JOIN}?token={}", encode(token));
    let sign_in = crate::places::sign_in(&back);
    let token = token.to_owned();
    // Made in the form: a field made before it would not know what was typed or is wrong.
    let fields = move || {
        view! {
            {hidden("token", token)}
            <Field name="name" label=tr!(member.your_name) required=true autocomplete="name"/>
            <Field name="username" label=tr!(session.username) required=true autocomplete="username"/>
            <Field
                name="password" label=tr!(session.password) control=Control::Password required=true
                autocomplete="new-password"
            />
            <button type="submit" class="btn primary big">{tr!(member.make_account)}</button>
        }
    };
    let account = local.then(|| {
        view! {
            <p class="or">{tr!(session.or)}</p>
            <Form action=JOIN plain=true>{fields()}</Form>
        }
    });
    view! {
        <a class="btn big" href=sign_in rel="external">{tr!(member.have_account)}</a>
        {account}
    }
    .into_any()
}
