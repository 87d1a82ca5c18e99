//! The pages of operators: accounts, the providers of sign-in, and the server's own audit log. For everybody else they
//! are not there.

pub mod api;
mod audit;
pub mod provider;

pub use audit::{AuditPage, audit_page};

use crate::design::avatar::initials;
use crate::design::button::{Weight, not_now, submit};
use crate::design::form::{Form, hidden};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::design::status::{Status, pill};
use crate::design::tabs::{Tab, tabs};
use crate::design::time::time;
use crate::live::Topics;
use crate::load::load;
use crate::places::query;
use crate::tr;
use api::{GrantOperator, ReadAccounts, RevokeOperator, SwitchAccount};
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::operator::{Account, AccountPage, SERVER, SHOWN};

/// Where the pages are.
pub const ROOT: &str = "/operator";

/// The header of every page of operators, and the way between them; `current` is the last part of the address.
pub(crate) fn head(current: &str) -> AnyView {
    let tab = |word: String, last: &str| Tab {
        word,
        href: match last {
            "" => ROOT.to_owned(),
            last => format!("{ROOT}/{last}"),
        },
        current: last == current,
    };
    let all = vec![
        tab(tr!(operator.accounts), ""),
        tab(tr!(operator.sign_in), "sign-in"),
        tab(tr!(common.nav_audit), "audit"),
    ];
    view! {
        <PageHead title=tr!(operator.title) line=tr!(operator.line).into_any()/>
        {tabs(tr!(operator.title), all)}
    }
    .into_any()
}

/// `/operator`.
pub fn accounts_page() -> AnyView {
    let typed = query("q");
    load(move || ReadAccounts {
        q: typed().unwrap_or_default(),
    })
    .watching(|_: &AccountPage| Topics::of("operators", SERVER))
    .view(move |page| show(&page, &typed().unwrap_or_default()))
}

fn show(page: &AccountPage, typed: &str) -> AnyView {
    let operators = page
        .operators
        .iter()
        .map(|account| row(page, account))
        .collect_view();
    let found = if page.found.is_empty() {
        view! { <EmptyState title=tr!(operator.nobody_found) hint=tr!(operator.nobody_found_hint)/> }
            .into_any()
    } else {
        let rows = page.found.iter().map(|account| row(page, account)).collect_view();
        view! { <ul class="list">{rows}</ul> }.into_any()
    };
    let more = page
        .more
        .then(|| view! { <p class="box-body small muted">{tr!(operator.more, n = SHOWN)}</p> });
    let typed = typed.to_owned();
    view! {
        {head("")}
        <div class="stack wide">
            <Panel title=tr!(operator.operators)>
                <p class="box-body muted">{tr!(operator.operators_hint)}</p>
                <ul class="list">{operators}</ul>
            </Panel>
            <Panel title=tr!(operator.all_accounts)>
                <form action=ROOT method="get" role="search" class="form form-row box-body">
                    <div class="field">
                        <label for="account-search">{tr!(operator.search)}</label>
                        <input class="input" type="search" id="account-search" name="q" value=typed autocomplete="off"/>
                    </div>
                    {submit(Weight::Plain, tr!(operator.find))}
                </form>
                {found}
                {more}
            </Panel>
        </div>
    }
    .into_any()
}

fn row(page: &AccountPage, account: &Account) -> AnyView {
    let since = account
        .operator_since
        .map(|at| view! { " · "{tr!(operator.since)}" "{time(at)} });
    view! {
        <li class="list-row">
            <span class="row">
                {initials(&account.person)}
                <span class="stack tight">
                    <span class="strong break">{account.person.name.clone()}</span>
                    <span class="small muted">{account.person.username.clone()}{since}</span>
                </span>
            </span>
            <span class="row wrap">{state(account)}{acts(page, account)}</span>
        </li>
    }
    .into_any()
}

fn state(account: &Account) -> Option<AnyView> {
    match (account.deactivated_at, account.operator_since) {
        (Some(_), _) => Some(pill(Status::Cancelled, tr!(operator.off))),
        (None, Some(_)) => Some(pill(Status::Success, tr!(operator.is_operator))),
        (None, None) => None,
    }
}

/// What can be done with the account.
fn acts(page: &AccountPage, account: &Account) -> AnyView {
    if page.is_last(account) {
        return not_now(tr!(operator.revoke), tr!(operator.last));
    }
    let key = || ("user", account.person.id.to_string());
    let name = account.person.name.clone();
    let own = account.person.id == page.reader.id;
    if account.deactivated_at.is_some() {
        return view! {
            <Form action=SwitchAccount::PATH class="row" key=key() done=tr!(operator.switched_on)>
                {hidden("active", String::from("true"))}
                {submit(Weight::Plain, tr!(operator.switch_on))}
            </Form>
        }
        .into_any();
    }
    let flag = if account.operator_since.is_some() {
        let ask = tr!(operator.revoke_ask, name = name);
        view! {
            <Form action=RevokeOperator::PATH class="row" key=key() done=tr!(operator.revoked) confirm=ask>
                {submit(Weight::Plain, tr!(operator.revoke))}
            </Form>
        }
        .into_any()
    } else {
        let ask = tr!(operator.grant_ask, name = name);
        view! {
            <Form action=GrantOperator::PATH class="row" key=key() done=tr!(operator.granted) confirm=ask>
                {submit(Weight::Plain, tr!(operator.grant))}
            </Form>
        }
        .into_any()
    };
    let off = (!own).then(|| {
        let ask = tr!(operator.switch_off_ask, name = name);
        view! {
            <Form action=SwitchAccount::PATH class="row" key=key() done=tr!(operator.switched_off) confirm=ask>
                {hidden("active", String::from("false"))}
                {submit(Weight::Danger, tr!(operator.switch_off))}
            </Form>
        }
    });
    view! { {flag}{off} }.into_any()
}
