//! The providers of sign-in: those of the configuration, and those that operators set up here.

use super::api::{
    AddProvider, EditProvider, ReadProvider, ReadProviders, RemoveProvider, SwitchProvider, TestProvider,
};
use super::{ROOT, head};
use crate::design::button::{Weight, submit};
use crate::design::field::{Control, Field};
use crate::design::form::{Form, hidden};
use crate::design::page::Panel;
use crate::design::state::EmptyState;
use crate::design::status::{Status, pill, tag};
use crate::design::time::time;
use crate::i18n::say;
use crate::live::Topics;
use crate::load::load;
use crate::places::param;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::operator::SERVER;
use slipway_domain::provider::{
    self, Configured, LockedOut, Provider, ProviderList, ProviderPage, ProviderReport, USUAL_SCOPES,
};
use slipway_domain::text::Text;

/// The page of a provider.
pub fn address(key: &str) -> String {
    format!("{ROOT}/sign-in/{key}")
}

/// What is wrong with a text that was typed, if anything.
fn wrong<T>(checked: Result<T, Text>) -> Option<String> {
    checked.err().map(|text| say(&text))
}

/// `/operator/sign-in`.
pub fn providers_page() -> AnyView {
    load(|| ReadProviders {})
        .watching(|_: &ProviderList| Topics::of("providers", SERVER))
        .view(|list| show_all(&list))
}

fn show_all(list: &ProviderList) -> AnyView {
    let configured = list.configured.iter().map(configured_row).collect_view();
    let local = list
        .local
        .then(|| view! { <li class="list-row"><span class="strong">{tr!(operator.passwords)}</span>{tag(String::from("[sign_in]"))}</li> });
    let nothing = (list.configured.is_empty() && !list.local)
        .then(|| view! { <p class="box-body muted">{tr!(operator.none_configured)}</p> });
    let kept = if list.providers.is_empty() {
        view! { <EmptyState title=tr!(operator.no_providers) hint=tr!(operator.no_providers_hint)/> }
            .into_any()
    } else {
        let rows = list
            .providers
            .iter()
            .map(|one| row(one, list.is_hidden(one)))
            .collect_view();
        view! { <ul class="list">{rows}</ul> }.into_any()
    };
    view! {
        {head("sign-in")}
        <div class="stack wide">
            <Panel title=tr!(operator.providers)>{kept}</Panel>
            <Panel title=tr!(operator.configured)>
                <p class="box-body muted">{tr!(operator.configured_hint)}</p>
                <ul class="list">{local}{configured}</ul>
                {nothing}
            </Panel>
            <Panel title=tr!(operator.add_provider)>
                <Form action=AddProvider::PATH class="form narrow box-body" done=tr!(operator.provider_added)>
                    {new_fields()}
                </Form>
            </Panel>
        </div>
    }
    .into_any()
}

fn configured_row(one: &Configured) -> AnyView {
    view! {
        <li class="list-row">
            <span class="stack tight">
                <span class="strong break">{one.name.clone()}" "<code>{one.key.clone()}</code></span>
                <span class="small muted break">{one.issuer.clone()}</span>
            </span>
            {tag(one.kind.section().to_owned())}
        </li>
    }
    .into_any()
}

fn row(one: &Provider, is_hidden: bool) -> AnyView {
    view! {
        <li class="list-row">
            <span class="stack tight">
                <span class="strong break"><a href=address(&one.key)>{one.name.clone()}</a>" "<code>{one.key.clone()}</code></span>
                <span class="small muted break">{one.issuer.clone()}</span>
            </span>
            <span class="row wrap">{state(one, is_hidden)}</span>
        </li>
    }
    .into_any()
}

fn state(one: &Provider, is_hidden: bool) -> AnyView {
    if one.off_since.is_some() {
        return pill(Status::Cancelled, tr!(operator.provider_off));
    }
    if is_hidden {
        return pill(Status::Degraded, tr!(operator.provider_hidden));
    }
    match &one.report {
        Some(report) if !report.trouble.is_empty() => pill(Status::Failed, tr!(operator.provider_trouble)),
        Some(_) => pill(Status::Success, tr!(operator.provider_good)),
        None => pill(Status::Queued, tr!(operator.provider_untested)),
    }
}

/// The fields of a provider that is set up.
fn new_fields() -> AnyView {
    view! {
        <p class="muted">{tr!(operator.add_hint)}</p>
        <Field
            name="key" label=tr!(operator.key) help=tr!(operator.key_help) required=true
            check=|text| wrong(provider::key(text))
        />
        {common_fields(None)}
        <Field
            name="client_secret" label=tr!(operator.client_secret) help=tr!(operator.client_secret_help)
            control=Control::Password required=true autocomplete="new-password"
        />
        <p>{submit(Weight::Primary, tr!(operator.add))}</p>
    }
    .into_any()
}

/// The fields that can be changed afterwards, beside the secret.
fn common_fields(before: Option<&Provider>) -> AnyView {
    let of = |pick: fn(&Provider) -> String| before.map(pick).unwrap_or_default();
    let scopes = before.map_or_else(|| USUAL_SCOPES.to_owned(), |one| one.scopes.join(" "));
    view! {
        <Field
            name="name" label=tr!(operator.name) help=tr!(operator.name_help) value=of(|one| one.name.clone())
            required=true check=|text| wrong(provider::name(text))
        />
        <Field
            name="issuer" label=tr!(operator.issuer) help=tr!(operator.issuer_help) value=of(|one| one.issuer.clone())
            required=true check=|text| wrong(provider::issuer(text))
        />
        <Field
            name="client_id" label=tr!(operator.client_id) value=of(|one| one.client_id.clone()) required=true
            check=|text| wrong(provider::client_id(text))
        />
        <Field
            name="scopes" label=tr!(operator.scopes) help=tr!(operator.scopes_help) value=scopes
            check=|text| wrong(provider::scopes(text))
        />
        <Field
            name="groups_claim" label=tr!(operator.groups_claim) help=tr!(operator.groups_claim_help)
            value=of(|one| one.groups_claim.clone().unwrap_or_default()) check=|text| wrong(provider::claim(text))
        />
        <Field
            name="allowed_domains" label=tr!(operator.allowed_domains) help=tr!(operator.allowed_domains_help)
            value=of(|one| one.allowed_domains.join(" ")) check=|text| wrong(provider::domains(text))
        />
    }
    .into_any()
}

/// `/operator/sign-in/{key}`.
pub fn provider_page() -> AnyView {
    let key = param("provider");
    load(move || ReadProvider { key: key() })
        .watching(|_: &ProviderPage| Topics::of("providers", SERVER))
        .view(|page| show(&page))
}

fn show(page: &ProviderPage) -> AnyView {
    let one = &page.provider;
    let key = one.key.clone();
    let hidden_note = page
        .hidden
        .then(|| view! { <p class="note warn">{tr!(operator.hidden_hint)}</p> });
    let off = one
        .off_since
        .map(|at| view! { <dt>{tr!(operator.off_since)}</dt><dd>{time(at)}</dd> });
    view! {
        {head("sign-in")}
        <div class="stack wide">
            {hidden_note}
            <section class="box">
                <header><h2>{one.name.clone()}</h2>{state(one, page.hidden)}</header>
                <div class="box-body">
                    <dl class="facts">
                        <dt>{tr!(operator.key)}</dt>
                        <dd><code>{key.clone()}</code></dd>
                        <dt>{tr!(operator.redirect_uri)}</dt>
                        <dd class="break"><code>{page.redirect_uri.clone()}</code></dd>
                        {off}
                        {one.report.as_ref().map(report)}
                    </dl>
                </div>
                <Form action=TestProvider::PATH class="form box-body" done=tr!(operator.tested)>
                    {hidden("key", key)}
                    <p>{submit(Weight::Plain, tr!(operator.test))}</p>
                </Form>
            </section>
            {change(one, page.locked_out)}
            {end(one, page.locked_out)}
        </div>
    }
    .into_any()
}

fn report(report: &ProviderReport) -> AnyView {
    let good = report
        .trouble
        .is_empty()
        .then(|| view! { <span>{tr!(operator.in_order)}</span> });
    let trouble = report
        .trouble
        .iter()
        .map(|text| view! { <span class="fault">{say(text)}</span> })
        .collect_view();
    let notes = report
        .notes
        .iter()
        .map(|text| view! { <span class="muted">{say(text)}</span> })
        .collect_view();
    view! {
        <dt>{tr!(operator.last_test)}</dt>
        <dd class="stack tight"><span>{time(report.at)}</span>{good}{trouble}{notes}</dd>
    }
    .into_any()
}

fn change(one: &Provider, locked_out: LockedOut) -> AnyView {
    let (key, version) = (one.key.clone(), one.version.to_string());
    let before = one.clone();
    // Made in the form: a field made before it would not know what was typed or is wrong.
    let fields = move || {
        view! {
            {common_fields(Some(&before))}
            <Field
                name="client_secret" label=tr!(operator.new_secret) help=tr!(operator.new_secret_help)
                control=Control::Password autocomplete="new-password"
            />
            {(locked_out.people > 0).then(|| sure(locked_out, tr!(operator.sure_issuer, n = locked_out.people)))}
            <p>{submit(Weight::Primary, tr!(operator.save))}</p>
        }
    };
    view! {
        <Panel title=tr!(operator.change)>
            <Form action=EditProvider::PATH class="form narrow box-body" done=tr!(operator.saved)>
                {hidden("key", key)}
                {hidden("version", version)}
                {fields()}
            </Form>
        </Panel>
    }
    .into_any()
}

/// The box by which somebody says that they know how many people they lock out.
fn sure(locked_out: LockedOut, words: String) -> AnyView {
    view! {
        <label class="check">
            <input type="checkbox" name="confirm" value=locked_out.people.to_string()/>
            <span>{words}</span>
        </label>
    }
    .into_any()
}

/// Whom it is the only way in for.
fn warning(locked_out: LockedOut) -> Option<AnyView> {
    let words = match (locked_out.people, locked_out.reader) {
        (0, _) => return None,
        (1, true) => tr!(operator.locks_only_you),
        (n, true) => tr!(operator.locks_you_too, n = n),
        (1, false) => tr!(operator.locks_one),
        (n, false) => tr!(operator.locks_out, n = n),
    };
    Some(view! { <p class="note warn">{words}</p> }.into_any())
}

/// Switching it off or on, and deleting it.
fn end(one: &Provider, locked_out: LockedOut) -> AnyView {
    let (key, gone) = (one.key.clone(), one.key.clone());
    let is_on = one.off_since.is_none();
    let confirmed =
        move || (locked_out.people > 0).then(|| sure(locked_out, tr!(operator.sure, n = locked_out.people)));
    let (weight, word, hint) = if is_on {
        (
            Weight::Danger,
            tr!(operator.switch_off),
            tr!(operator.provider_off_hint),
        )
    } else {
        (
            Weight::Plain,
            tr!(operator.switch_on),
            tr!(operator.provider_on_hint),
        )
    };
    view! {
        <Panel title=tr!(operator.end)>
            <div class="box-body stack">
                {warning(locked_out)}
                <Form action=SwitchProvider::PATH class="form" done=tr!(operator.saved)>
                    {hidden("key", key)}
                    {hidden("on", (!is_on).to_string())}
                    <p class="muted">{hint}</p>
                    {is_on.then(confirmed)}
                    <p>{submit(weight, word)}</p>
                </Form>
                <Form action=RemoveProvider::PATH class="form" confirm=tr!(operator.delete_ask)>
                    {hidden("key", gone)}
                    <p class="muted">{tr!(operator.delete_hint)}</p>
                    {confirmed()}
                    <p>{submit(Weight::Danger, tr!(operator.delete))}</p>
                </Form>
            </div>
        </Panel>
    }
    .into_any()
}
