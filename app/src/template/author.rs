//! The document of a template as its authors write it: findings at their lines, the form it asks, the file it makes, and
//! what publishing it takes. In the browser all of it follows every key.

use super::api::{PublishTemplate, SaveTemplate};
use super::{page_of, step};
use crate::design::button::{Weight, submit};
use crate::design::field::{Control, Field};
use crate::design::form::{Form, FormState, hidden, place_fields};
use crate::design::raw_text::raw_text;
use crate::design::status::{Status, pill};
use crate::design::time::time;
use crate::i18n::{locale, say};
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::pipeline::authored::{
    Bump, Comparison, Document, ParamState, TemplateFinding, compare, next, parse_version, read,
};
use slipway_domain::pipeline::{Params, Severity, Template, compile, form, instantiate};
use slipway_domain::template::{DraftView, Standing, TemplateView};

/// What is typed, kept while the page is read again.
#[derive(Clone, Copy)]
pub(super) struct Kept {
    owner: StoredValue<Option<Owner>>,
    text: StoredValue<Option<(String, i64, RwSignal<String>)>>,
}

impl Kept {
    pub(super) fn new() -> Self {
        Self {
            owner: StoredValue::new(Owner::current()),
            text: StoredValue::new(None),
        }
    }

    /// The text of the page: what is typed, or what was saved where that is another template or a newer version.
    fn of(self, key: &str, draft: &DraftView) -> RwSignal<String> {
        if let Some((known, version, text)) = self.text.get_value()
            && known == key
            && version == draft.version
        {
            return text;
        }
        let make = || RwSignal::new(draft.text.clone());
        let text = match self.owner.get_value() {
            Some(owner) => owner.with(make),
            None => make(),
        };
        self.text.set_value(Some((key.to_owned(), draft.version, text)));
        text
    }
}

/// The document, what it comes to, and the way to publish it.
pub(super) fn editor(page: &TemplateView, draft: &DraftView, kept: &Kept) -> AnyView {
    let key = page.key.clone();
    let text = kept.of(&key, draft);
    let document = Memo::new(move |_| text.with(|text| read(text, &key, "0.0.0")));
    let newest = StoredValue::new(page.newest.clone());
    let saved = draft.updated_by.as_ref().map(|by| by.name.clone());
    let canvas = format!("{}/edit", page_of(&page.place, &page.key));
    // Fields are made inside of their form, which may outlive what is borrowed here.
    let (of, shown) = (page.clone(), draft.clone());
    view! {
        <div class="columns editor">
            <section class="box">
                <header>
                    <h2>{tr!(template.document)}</h2>
                    <a class="btn small" href=canvas>{tr!(template.to_canvas)}</a>
                    <span class="small muted">{saved}" "{time(draft.updated_at)}</span>
                </header>
                <Form action=SaveTemplate::PATH class="form box-body" done=tr!(template.saved)>
                    {area(&of, &shown, text)}
                </Form>
                {move || document.with(|document| findings(&document.findings))}
            </section>
            <div class="stack wide preview">{move || document.with(preview)}</div>
        </div>
        {(!draft.is_published).then(|| publish(page, draft, document, newest))}
    }
    .into_any()
}

fn area(page: &TemplateView, draft: &DraftView, text: RwSignal<String>) -> AnyView {
    let state = FormState::here();
    // What came back from a refused post goes before what was saved.
    if let Some(typed) = state.typed("text") {
        text.set(typed);
    }
    let id = state.id_of("text");
    let wrong = move || {
        state
            .wrong("text")
            .map(|wrong| view! { <p class="error">{wrong}</p> })
    };
    view! {
        {place_fields(&page.place)}
        {hidden("template", page.key.clone())}
        {hidden("version", draft.version.to_string())}
        <label class="visually-hidden" for=id.clone()>{tr!(template.document)}</label>
        <textarea
            class="input code" id=id name="text" rows="24" spellcheck="false" autocomplete="off" wrap="off"
            on:input:target=move |ev| text.set(ev.target().value())
        >{raw_text(&text.get_untracked())}</textarea>
        {wrong}
        <div class="row wrap">
            {submit(Weight::Plain, tr!(template.save))}
            <span class="small muted">{tr!(template.save_hint)}</span>
        </div>
    }
    .into_any()
}

fn findings(all: &[TemplateFinding]) -> AnyView {
    if all.is_empty() {
        return view! { <p class="box-body small">{pill(Status::Success, tr!(template.no_findings))}</p> }
            .into_any();
    }
    let rows = all
        .iter()
        .map(|finding| {
            let look = match finding.severity {
                Severity::Error => pill(Status::Failed, tr!(pipeline.error)),
                Severity::Warning => pill(Status::Degraded, tr!(pipeline.warning)),
            };
            view! { <li>{look}<code>{format!("{}:{}", finding.line, finding.column)}</code><span>{finding.message(locale())}</span></li> }
        })
        .collect_view();
    view! { <ul class="checks box-body problems" aria-label=tr!(template.findings)>{rows}</ul> }.into_any()
}

/// The form as it would be asked, and the file that its defaults make.
fn preview(document: &Document) -> AnyView {
    let Some(template) = &document.template else {
        return ().into_any();
    };
    let fields = form::fields(&template.params, &Params::new());
    let rows = fields
        .iter()
        .filter(|field| field.visible)
        .map(|field| {
            let help = say(&field.param.help);
            view! {
                <li>
                    <span class="strong">{say(&field.param.label)}</span>
                    {field.param.required.then(|| view! { <span aria-hidden="true">"*"</span> })}
                    <code class="break">{field.value.to_text()}</code>
                    <span class="small muted">{help}</span>
                </li>
            }
        })
        .collect_view();
    let yaml = instantiate(template, &Params::new()).map(|pipeline| compile(&pipeline).text);
    let yaml = match yaml {
        Ok(yaml) => {
            let lines: Vec<_> = yaml.lines().map(line).collect();
            view! { <div class="yaml" tabindex="0" role="group" aria-label=tr!(pipeline.preview)>{lines}</div> }.into_any()
        }
        Err(_) => view! { <p class="box-body muted small">{tr!(template.no_file)}</p> }.into_any(),
    };
    view! {
        <section class="box"><header><h2>{tr!(template.form)}</h2></header><ul class="checks box-body">{rows}</ul></section>
        <section class="box"><header><h2 class="mono">".gitlab-ci.yml"</h2></header>{yaml}</section>
    }
    .into_any()
}

fn line(line: &str) -> AnyView {
    view! { <div class="l"><span class="t">{crate::pipeline::preview::tinted(line)}</span></div> }.into_any()
}

/// What changed since the newest version, the step that it needs, and the form that publishes.
fn publish(
    page: &TemplateView,
    draft: &DraftView,
    document: Memo<Document>,
    newest: StoredValue<Option<Template>>,
) -> AnyView {
    if !matches!(page.told.standing, Standing::Draft | Standing::Published) {
        return ().into_any();
    }
    let since = move || {
        document.with(|document| {
            let written = document.template.as_ref()?;
            newest.with_value(|newest| {
                newest
                    .as_ref()
                    .map(|newest| changes(&compare(newest, written), &newest.semver))
            })
        })
    };
    let least = least(page, &draft.text);
    let place = place_fields(&page.place);
    let template = hidden("template", page.key.clone());
    let version = hidden("draft", draft.version.to_string());
    view! {
        <section class="box" id="publish">
            <header><h2>{tr!(template.publish)}</h2></header>
            {since}
            <Form action=PublishTemplate::PATH class="form box-body">
                {place}{template}{version}
                <Field name="version" label=tr!(template.version) help=tr!(template.version_help) value=least/>
                <Field name="changelog_zh" label=tr!(template.changelog_zh) control=Control::Area(2)/>
                <Field name="changelog_en" label=tr!(template.changelog_en) control=Control::Area(2)/>
                <div class="row wrap">
                    {submit(Weight::Primary, tr!(template.publish))}
                    <span class="small muted">{tr!(template.publish_hint)}</span>
                </div>
            </Form>
        </section>
    }
    .into_any()
}

/// The smallest version that the saved document may have.
fn least(page: &TemplateView, text: &str) -> String {
    let Some(newest) = &page.newest else {
        return String::from("1.0.0");
    };
    let written = read(text, &page.key, "0.0.0").template;
    let needed = written.and_then(|written| compare(newest, &written).needed);
    match (parse_version(&newest.semver), needed) {
        (Ok(version), Some(needed)) => next(&version, needed).to_string(),
        _ => String::new(),
    }
}

/// Two versions, parameter by parameter.
pub(super) fn changes(comparison: &Comparison, since: &str) -> AnyView {
    let params = comparison
        .params
        .iter()
        .map(|change| {
            let (look, word) = match change.state {
                ParamState::Added => (Status::Success, tr!(template.param_added)),
                ParamState::Removed => (Status::Failed, tr!(template.param_removed)),
                ParamState::Changed => (Status::Queued, tr!(template.param_changed)),
            };
            let aspects = change.aspects.iter().map(|aspect| {
                view! {
                    <li class="small">
                        {say(&aspect.name)}": "<del class="break">{aspect.before.clone()}</del>" → "<ins class="break">{aspect.after.clone()}</ins>
                    </li>
                }
            });
            view! {
                <li>
                    {pill(look, word)}<span class="strong">{say(&change.label)}</span><code>{change.id.clone()}</code>
                    {(change.bump == Bump::Major).then(|| step(change.bump))}
                    <ul>{aspects.collect_view()}</ul>
                </li>
            }
        })
        .collect_view();
    let jobs = comparison
        .jobs
        .then(|| view! { <li>{tr!(template.jobs_changed)}</li> });
    let locks = comparison
        .locks
        .then(|| view! { <li>{tr!(template.locks_changed)}</li> });
    let words = comparison
        .words
        .then(|| view! { <li>{tr!(template.words_changed)}</li> });
    let needed = match comparison.needed {
        Some(needed) => view! { <li>{tr!(template.needs, since = since)}" "{step(needed)}</li> }.into_any(),
        None => view! { <li>{tr!(template.nothing_changed, since = since)}</li> }.into_any(),
    };
    view! { <ul class="checks box-body changes" aria-label=tr!(template.changes)>{needed}{params}{jobs}{locks}{words}</ul> }
        .into_any()
}
