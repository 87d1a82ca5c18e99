//! `App/pipelines/new/{template}`: one generated form, and beside it the file that it makes.

use super::TemplatePage;
use super::api::{ProposePipeline, ReadTemplate};
use super::draft::{Draft, from_query};
use super::field::param_field;
use super::preview::{self, File};
use crate::design::button::{Weight, button_link, submit, submit_as};
#[cfg(feature = "hydrate")]
use crate::design::form::prefix_of;
use crate::design::form::{Form, hidden};
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::i18n::say;
use crate::load::load;
use crate::places::{app_params, param};
use crate::run::place_fields;
use crate::tr;
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};
use server_fn::ServerFn;
use slipway_domain::pipeline::Param;
#[cfg(feature = "hydrate")]
use slipway_domain::pipeline::ParamKind;
use slipway_domain::proposal::ExistingFile;
use slipway_domain::template::Told;

/// What is typed, kept while the page is read again.
#[derive(Clone)]
struct Kept {
    template: String,
    draft: Draft,
    file: File,
}

/// `App/pipelines/new/{template}`.
pub fn form_page() -> AnyView {
    let (params, template) = (app_params(), param("template"));
    let asked = from_query(&use_query_map().get_untracked());
    let all_left = !asked.is_empty();
    let location = use_location();
    let owner = Owner::current();
    let kept = StoredValue::new(None::<Kept>);
    load(move || {
        let (org, project, app) = params();
        ReadTemplate {
            org,
            project,
            app,
            template: template(),
            inputs: asked.clone(),
        }
    })
    .view(move |page| {
        let known = kept.get_value().filter(|kept| kept.template == page.template.key);
        let now = known.unwrap_or_else(|| begin(&page, all_left, owner.as_ref()));
        kept.set_value(Some(now.clone()));
        show(&page, &now, &location.pathname.get_untracked())
    })
}

/// The form as the page has it. It lives as long as the page, not as long as one reading of it.
fn begin(page: &TemplatePage, all_left: bool, owner: Option<&Owner>) -> Kept {
    let make = || {
        let draft = Draft::new(page.template.params.clone(), page.typed.clone(), all_left);
        Kept {
            template: page.template.key.clone(),
            draft,
            file: File::new(page, draft),
        }
    };
    match owner {
        Some(owner) => owner.with(make),
        None => make(),
    }
}

fn show(page: &TemplatePage, &Kept { draft, file, .. }: &Kept, path: &str) -> AnyView {
    let template = &page.template;
    let line =
        view! { {say(&template.summary)}" "<code>{template.key.clone()}"@"{template.semver.clone()}</code> }
            .into_any();
    let base = page.place.path();
    let all = button_link(
        Weight::Plain,
        format!("{base}/pipelines/new"),
        tr!(pipeline.other_template),
    );
    let body = if page.connected {
        view! {
            {page.trouble.as_ref().map(|trouble| view! { <p class="note warn gap-below">{say(trouble)}</p> })}
            <div class="columns editor">
                {form(page, draft, path)}
                {preview::pane(page, draft, file)}
            </div>
        }
        .into_any()
    } else {
        let action = button_link(Weight::Primary, base, tr!(run.connect));
        let hint = page
            .trouble
            .as_ref()
            .map_or_else(|| tr!(run.not_connected_hint), say);
        view! { <EmptyState title=tr!(run.not_connected) hint action/> }.into_any()
    };
    let warning = page
        .told
        .as_ref()
        .and_then(Told::warning)
        .map(|warning| view! { <p class="note warn gap-below">{say(&warning)}</p> });
    view! { <PageHead title=say(&template.names) line actions=all/>{warning}{body} }.into_any()
}

fn form(page: &TemplatePage, draft: Draft, path: &str) -> AnyView {
    let (more, first): (Vec<&Param>, Vec<&Param>) =
        page.template.params.iter().partition(|param| param.advanced);
    take_early_typing(&page.template.params, draft);
    let place = place_fields(&page.place);
    let template = hidden("template", page.template.key.clone());
    let more: Vec<Param> = more.into_iter().cloned().collect();
    let first: Vec<Param> = first.into_iter().cloned().collect();
    let gone = page.told.as_ref().is_some_and(|told| !told.standing.is_offered());
    let actions = if gone {
        ().into_any()
    } else if page.may_edit {
        view! {
            {page.existing.as_ref().filter(|file| !file.by_slipway).map(replace)}
            {page.edited.then(draft_there)}
            <div class="row wrap">
                {submit(Weight::Primary, tr!(pipeline.propose))}
                {submit_as("btn", "go", "editor", tr!(pipeline.to_editor))}
                <button type="submit" class="btn only-without-js" formmethod="get" formaction=path.to_owned()>{tr!(pipeline.update_preview)}</button>
            </div>
            <p class="small muted">{tr!(pipeline.propose_hint)}</p>
        }
        .into_any()
    } else {
        view! { <p class="note">{tr!(pipeline.may_not_propose)}</p> }.into_any()
    };
    view! {
        <div class="box">
            <Form action=ProposePipeline::PATH class="form box-body">
                {place}{template}
                {first.iter().map(|param| param_field(param, draft)).collect::<Vec<_>>()}
                {(!more.is_empty()).then(|| advanced(&more, draft))}
                {actions}
            </Form>
        </div>
    }
    .into_any()
}

/// Takes over what the fields hold before they are listened to: what was typed while the page still loaded, or
/// what the browser kept from before.
#[cfg(feature = "hydrate")]
fn take_early_typing(params: &[Param], draft: Draft) {
    use wasm_bindgen::JsCast;
    let fields: Vec<_> = params
        .iter()
        .map(|param| (param.id.clone(), param.kind == ParamKind::Bool))
        .collect();
    let prefix = prefix_of(ProposePipeline::PATH, None);
    Effect::new(move || {
        for (id, is_switch) in &fields {
            let Some(element) = document().get_element_by_id(&format!("{prefix}-{id}")) else {
                continue;
            };
            // A text area and a choice have a value as an input does.
            let input = element.unchecked_into::<web_sys::HtmlInputElement>();
            let text = if *is_switch {
                input.checked().to_string()
            } else {
                input.value()
            };
            if text != draft.text(id) {
                draft.typed(id, text);
            }
        }
    });
}

#[cfg(not(feature = "hydrate"))]
const fn take_early_typing(_params: &[Param], _draft: Draft) {}

/// The fields that few need, folded away.
fn advanced(params: &[Param], draft: Draft) -> AnyView {
    let ids: Vec<String> = params.iter().map(|param| param.id.clone()).collect();
    let wrong = ids.iter().any(|id| draft.wrong_now(id));
    let fields = params
        .iter()
        .map(|param| param_field(param, draft))
        .collect::<Vec<_>>();
    view! {
        <details class="more" open=wrong>
            <summary>{tr!(pipeline.more)}</summary>
            <div class="form">{fields}</div>
        </details>
    }
    .into_any()
}

/// The word that a draft in the editor may be replaced.
fn draft_there() -> AnyView {
    view! {
        <div class="note stack">
            <p>{tr!(pipeline.draft_there)}</p>
            <label class="check"><input type="checkbox" name="replace" value="true"/>{tr!(pipeline.replace)}</label>
        </div>
    }
    .into_any()
}

/// The word that a file which Slipway did not make may be replaced.
fn replace(file: &ExistingFile) -> AnyView {
    view! {
        <div class="note warn stack">
            <p>{tr!(pipeline.existing_foreign)}</p>
            {file.broken.as_ref().map(|broken| view! { <p>{say(broken)}</p> })}
            <label class="check"><input type="checkbox" name="replace" value="true"/>{tr!(pipeline.replace)}</label>
        </div>
    }
    .into_any()
}
