//! The reader's API tokens.

pub mod api;
mod project;

pub use project::{PROJECT_ACTION, project_tokens_page};

use crate::Flash;
use crate::design::button::{Weight, submit};
use crate::design::field::{Control, Field};
use crate::design::form::Form;
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::design::status::{Status, pill, tag};
use crate::design::table::{row, table};
use crate::design::time::time;
use crate::i18n::say;
use crate::load::load;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::time::Timestamp;
use slipway_domain::token::{Scope, TokenList, TokenRow, TokenState};

/// Where the form posts to: the page's own address, since the answer is the page with the secret in it.
pub const ACTION: &str = "/me/tokens";

/// The name under which the server leaves a token that was just made, for the next page alone: the form's address and
/// this.
pub const MADE: &str = "#made";

/// `/me/tokens`.
pub fn tokens_page() -> AnyView {
    load(|| api::ReadTokens {}).view(|list| show(&list))
}

fn show(list: &TokenList) -> AnyView {
    let body = if list.tokens.is_empty() {
        view! { <EmptyState title=tr!(token.none) hint=tr!(token.none_hint)/> }.into_any()
    } else {
        let heads = [
            tr!(token.name),
            tr!(token.scopes),
            tr!(token.state),
            tr!(token.last_used),
            tr!(token.expires),
            tr!(token.end),
        ];
        table(
            tr!(token.title),
            heads.into_iter().map(IntoAny::into_any).collect(),
            list.tokens
                .iter()
                .map(|token| token_row(token, list.as_of))
                .collect(),
        )
    };
    view! {
        <PageHead title=tr!(token.title) line=tr!(token.line).into_any()/>
        {crate::me::own_tabs("/me/tokens")}
        <div class="stack wide">
            {made(ACTION)}
            <div class="box">{body}</div>
            {form(list.scopes.clone())}
            {how()}
        </div>
    }
    .into_any()
}

/// How programs use a token.
fn how() -> AnyView {
    view! {
        <p class="small muted">
            {tr!(token.how)}" "<code>"Authorization: Bearer slw_…"</code>" · "
            <a href="/api/v1/docs" rel="external">{tr!(token.docs)}</a>
        </p>
    }
    .into_any()
}

/// The token that the form at `action` just made, if it did.
fn made(action: &str) -> Option<AnyView> {
    let flash = Flash::of(&format!("{action}{MADE}"))?;
    flash.typed("secret").map(|secret| fresh(secret.to_owned()))
}

/// The token that was just made: shown now and never again.
fn fresh(secret: String) -> AnyView {
    view! {
        <section class="note warn stack" role="status" aria-labelledby="fresh">
            <h2 id="fresh">{tr!(token.made)}</h2>
            <p>{tr!(token.copy_now)}</p>
            <input
                class="input code" id="f-secret" type="text" readonly aria-label=tr!(token.made) value=secret
                autocomplete="off" spellcheck="false"
            />
        </section>
    }
    .into_any()
}

fn token_row(token: &TokenRow, now: Timestamp) -> AnyView {
    let id = token.id.to_string();
    let end = (token.state(now) == TokenState::Active).then(|| {
        let name = token.name.clone();
        view! {
            <Form
                action=api::RevokeToken::PATH class="inline" key=("id", id) done=tr!(token.ended)
                confirm=tr!(token.sure, name = name)
            >
                {submit(Weight::Danger, tr!(token.revoke))}
            </Form>
        }
    });
    let mut cells = facts(token, now);
    cells.push((tr!(token.end), end.into_any()));
    row(name_of(token), cells)
}

fn name_of(token: &TokenRow) -> AnyView {
    view! { <span class="strong break">{token.name.clone()}</span> }.into_any()
}

/// Scopes, state, use and end.
fn facts(token: &TokenRow, now: Timestamp) -> Vec<(String, AnyView)> {
    let shown = match token.state(now) {
        TokenState::Active => pill(Status::Success, tr!(token.active)),
        TokenState::Expired => pill(Status::Cancelled, tr!(token.expired)),
        TokenState::Revoked => pill(Status::Cancelled, tr!(token.revoked)),
    };
    let scopes = token
        .scopes
        .iter()
        .map(|scope| tag(scope.key().to_owned()))
        .collect_view();
    let used = match token.last_used_at {
        Some(at) => time(at),
        None => view! { <span class="muted">{tr!(token.never)}</span> }.into_any(),
    };
    vec![
        (
            tr!(token.scopes),
            view! { <span class="row wrap">{scopes}</span> }.into_any(),
        ),
        (tr!(token.state), shown),
        (tr!(token.last_used), used),
        (tr!(token.expires), time(token.expires_at)),
    ]
}

/// For how long it works.
fn life() -> AnyView {
    let days = [7, 30, 90, 365]
        .into_iter()
        .map(|days| (days.to_string(), tr!(common.days, n = days)))
        .collect::<Vec<_>>();
    view! { <Field name="days" label=tr!(token.life) control=Control::Select(days) value=String::from("30")/> }
        .into_any()
}

fn form(offered: Vec<Scope>) -> AnyView {
    let fields = move || {
        view! {
            <div class="form-row">
                <Field name="name" label=tr!(token.name) help=tr!(token.name_help) required=true/>
                {life()}
            </div>
            {scopes(ACTION, &offered)}
            <p>{submit(Weight::Primary, tr!(token.make))}</p>
        }
    };
    view! {
        <Panel title=tr!(token.new)>
            <div class="box-body"><Form action=ACTION plain=true>{fields()}</Form></div>
        </Panel>
    }
    .into_any()
}

/// A box for each of these scopes. What was ticked before the form at `action` was refused stays ticked.
fn scopes(action: &str, offered: &[Scope]) -> AnyView {
    let before = Flash::of(action);
    let ticked = |scope: Scope| {
        scope == Scope::Read
            || before.as_ref().is_some_and(|flash| {
                flash
                    .fields
                    .iter()
                    .any(|(name, value)| name == "scopes" && value == scope.key())
            })
    };
    let boxes = offered
        .iter()
        .map(|scope| {
            view! {
                <label class="check">
                    <input
                        type="checkbox" name="scopes" value=scope.key() checked=ticked(*scope)
                        disabled=*scope == Scope::Read
                    />
                    <span><code>{scope.key()}</code>" "{say(&scope.text())}</span>
                </label>
            }
        })
        .collect_view();
    view! {
        <fieldset class="field">
            <legend>{tr!(token.scopes)}</legend>
            <p class="help">{tr!(token.scopes_help)}</p>
            {boxes}
        </fieldset>
    }
    .into_any()
}
