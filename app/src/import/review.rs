//! A draft: what each app is to be called. What was typed is kept, right or wrong, and what is wrong stands at its
//! field.

use super::Filter;
use super::api::ReviewImport;
use crate::design::button::submit_as;
use crate::design::form::{Form, FormState, hidden, place_fields};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::design::status::tag;
use crate::i18n::say;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::import::{ImportItem, ImportView};
use slipway_domain::text::Text;

pub(super) fn show(view: &ImportView) -> AnyView {
    let line = view
        .place
        .project
        .as_ref()
        .map_or_else(String::new, |project| project.name.clone());
    let back = Filter {
        connection: Some(view.connection.to_string()),
        group: Some(view.group.to_string()),
        subgroups: true,
        search: String::new(),
    };
    let back = format!("{}/import{}", view.place.path(), back.href(1));
    let back = view! { <a class="link" href=back>{tr!(import.choose_others)}</a> }.into_any();
    let body = if view.row.counts.total() == 0 {
        view! { <EmptyState title=tr!(import.nothing_chosen) hint=tr!(import.nothing_chosen_hint)/> }
            .into_any()
    } else {
        form(view)
    };
    view! {
        <PageHead title=tr!(import.review_title) line=line.into_any()/>
        <Panel title=tr!(import.repositories_of, group = view.row.group) aside=back>{body}</Panel>
    }
    .into_any()
}

fn form(view: &ImportView) -> AnyView {
    let place = place_fields(&view.place);
    let (id, page) = (view.row.id.to_string(), view.items.page);
    let wrong = (view.wrong > 0)
        .then(|| view! { <p class="note warn" role="status">{tr!(import.n_wrong, n = view.wrong)}</p> });
    let (items, more, count) = (view.items.items.clone(), view.items.more, view.row.counts.total());
    let fields = move || {
        let previous = (page > 1).then(|| submit_as("btn", "then", "previous", tr!(import.previous)));
        let next = more.then(|| submit_as("btn", "then", "next", tr!(import.next)));
        let form = FormState::here();
        view! {
            {place}
            {hidden("id", id)}
            {hidden("page", page.to_string())}
            <For each=move || items.clone() key=|one| one.repository children=move |one| names(&one, form)/>
            <p class="row wrap">
                {submit_as("btn primary", "then", "start", tr!(import.start, n = count))}
                {submit_as("btn", "then", "save", tr!(import.save))}
                {previous}
                {next}
            </p>
        }
    };
    view! {
        <Form action=ReviewImport::PATH class="form box-body">
            {wrong}
            <p class="help">{tr!(import.review_help)}</p>
            {fields()}
        </Form>
    }
    .into_any()
}

/// The two fields of one repository.
fn names(one: &ImportItem, form: FormState) -> AnyView {
    let archived = one.archived.then(|| tag(tr!(import.archived)));
    view! {
        <fieldset class="field">
            <legend class="row wrap"><code class="break">{one.path.clone()}</code>{archived}</legend>
            <div class="form-row">
                {field(form, "slugs", one.repository, tr!(place.slug), &one.slug, one.wrong_slug.as_ref())}
                {field(form, "names", one.repository, tr!(place.name), &one.name, one.wrong_name.as_ref())}
            </div>
        </fieldset>
    }
    .into_any()
}

fn field(
    form: FormState,
    noun: &str,
    repository: i64,
    label: String,
    value: &str,
    wrong: Option<&Text>,
) -> AnyView {
    let name = format!("{noun}[r{repository}]");
    let id = form.id_of(&name);
    let error_id = format!("{id}-error");
    let described = wrong.map(|_| error_id.clone());
    let error = wrong.map(|wrong| view! { <p class="error" id=error_id>{say(wrong)}</p> });
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <input
                class="input" type="text" id=id name=name value=value.to_owned() autocomplete="off"
                aria-invalid=wrong.map(|_| "true") aria-describedby=described
            />
            {error}
        </div>
    }
    .into_any()
}
