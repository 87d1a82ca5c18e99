//! The identities that one signs in with elsewhere.

use super::api::UnlinkIdentity;
use super::security::SecurityPage;
use crate::design::button::{Weight, not_now, submit};
use crate::design::form::{Form, hidden};
use crate::design::page::Panel;
use crate::design::time::time;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::identity::IdentityView;
use slipway_domain::provider::Offered;

/// The reader's identities, and the providers that they can link one of.
pub fn identities(page: &SecurityPage) -> AnyView {
    let own = &page.security.identities;
    if own.is_empty() && page.providers.is_empty() {
        return ().into_any();
    }
    let may = page.security.proved;
    let rows = own.iter().map(|identity| row(identity, may)).collect_view();
    let none = own
        .is_empty()
        .then(|| view! { <p class="box-body muted">{tr!(me.no_identity)}</p> });
    let links = page.providers.iter().map(link).collect_view();
    let link =
        (may && !page.providers.is_empty()).then(|| view! { <p class="box-body row wrap">{links}</p> });
    view! { <Panel title=tr!(me.identities)>{none}<ul class="list">{rows}</ul>{link}</Panel> }.into_any()
}

fn link(provider: &Offered) -> AnyView {
    let href = format!("/sign-in/{}?purpose=link", provider.key);
    view! { <a class="btn" href=href rel="external">{tr!(me.link, name = provider.name)}</a> }.into_any()
}

fn row(identity: &IdentityView, may: bool) -> AnyView {
    let used = identity
        .used_at
        .map(|at| view! { " · "{tr!(me.seen)}" "{time(at)} });
    let unlink = may.then(|| unlink(identity));
    view! {
        <li class="list-row">
            <span class="stack tight">
                <span class="strong">{identity.provider.clone()}" · "{identity.label.clone()}</span>
                <span class="small muted">{tr!(me.linked)}" "{time(identity.linked_at)}{used}</span>
            </span>
            {unlink}
        </li>
    }
    .into_any()
}

fn unlink(identity: &IdentityView) -> AnyView {
    if identity.last {
        return not_now(tr!(me.unlink), tr!(me.last_way_in));
    }
    let (issuer, subject) = (identity.issuer.clone(), identity.subject.clone());
    let ask = tr!(me.unlink_ask, name = identity.provider);
    view! {
        <Form action=UnlinkIdentity::PATH class="row" key=("subject", subject) confirm=ask done=tr!(me.unlinked)>
            {hidden("issuer", issuer)}
            {submit(Weight::Plain, tr!(me.unlink))}
        </Form>
    }
    .into_any()
}
