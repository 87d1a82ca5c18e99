//! `O/templates` and `P/templates`, and the form for a new one.

use super::api::{CreateTemplate, ReadTemplates};
use super::{given, name, page_of, standing, topics};
use crate::design::button::{Weight, button_link, submit};
use crate::design::field::{Control, Field};
use crate::design::form::{Form, place_fields};
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::design::table::{row, table};
use crate::i18n::say;
use crate::load::load;
use crate::places::{param, query};
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::project::Place;
use slipway_domain::template::{TemplateList, TemplateRow};

/// `O/templates` and `P/templates`.
pub fn templates_page() -> AnyView {
    let (org, project) = (param("org"), param("project"));
    load(move || ReadTemplates {
        org: org(),
        project: given(project()),
    })
    .watching(|list: &TemplateList| topics(&list.place))
    .view(|list| show(&list))
}

fn show(list: &TemplateList) -> AnyView {
    let place = &list.place;
    let new = list.may_publish.then(|| {
        button_link(
            Weight::Primary,
            format!("{}/templates/new", place.path()),
            tr!(template.new),
        )
    });
    let own = if list.own.is_empty() {
        view! { <EmptyState title=tr!(template.none) hint=tr!(template.none_hint)/> }.into_any()
    } else {
        rows(place, tr!(template.own), &list.own)
    };
    let above = (!list.above.is_empty()).then(|| {
        view! {
            <section class="stack"><h2>{tr!(template.of_org)}</h2><div class="box">{rows(place, tr!(template.of_org), &list.above)}</div></section>
        }
    });
    view! {
        <PageHead title=tr!(template.title) line=name(place).into_any() actions=view! { {new} }.into_any()/>
        <div class="stack wide">
            <p class="muted">{tr!(template.line)}</p>
            <section class="stack"><h2>{tr!(template.own)}</h2><div class="box">{own}</div></section>
            {above}
            <section class="stack">
                <h2>{tr!(template.built_in)}</h2><div class="box">{rows(place, tr!(template.built_in), &list.built_in)}</div>
            </section>
        </div>
    }
    .into_any()
}

fn rows(place: &Place, caption: String, all: &[TemplateRow]) -> AnyView {
    let heads = [
        tr!(template.name),
        tr!(template.version),
        tr!(template.standing),
        tr!(template.usage),
    ];
    let heads = heads.into_iter().map(IntoAny::into_any).collect();
    table(
        caption,
        heads,
        all.iter().map(|one| list_row(place, one)).collect(),
    )
}

fn list_row(place: &Place, one: &TemplateRow) -> AnyView {
    let href = page_of(place, &one.key);
    let link = view! {
        <span class="stack tight">
            <a class="strong" href=href.clone()>{say(&one.names)}</a>
            <span class="small muted">{say(&one.summary)}</span>
            <code class="small">{one.key.clone()}</code>
        </span>
    };
    let version = one.newest.clone().map(|version| view! { <code>{version}</code> });
    let behind = (one.behind > 0).then(|| format!(" · {}", tr!(template.n_behind, n = one.behind)));
    let uses = if one.uses == 0 {
        view! { <span class="muted">{tr!(template.n_uses, n = one.uses)}</span> }.into_any()
    } else {
        view! { <a href=format!("{href}/usage")>{tr!(template.n_uses, n = one.uses)}{behind}</a> }.into_any()
    };
    row(
        link.into_any(),
        vec![
            (tr!(template.version), view! { {version} }.into_any()),
            (tr!(template.standing), standing(one.standing)),
            (tr!(template.usage), uses),
        ],
    )
}

/// `O/templates/new` and `P/templates/new`.
pub fn new_page() -> AnyView {
    let (org, project, from) = (param("org"), param("project"), query("from"));
    load(move || ReadTemplates {
        org: org(),
        project: given(project()),
    })
    .view(move |list| form(&list, &untrack(from).unwrap_or_default()))
}

fn form(list: &TemplateList, from: &str) -> AnyView {
    let place = &list.place;
    if !list.may_publish {
        return view! { <PageHead title=tr!(template.new)/><p class="note">{tr!(template.may_not)}</p> }
            .into_any();
    }
    let mut choices = vec![
        (String::from("scratch"), tr!(template.from_scratch)),
        (String::from("app"), tr!(template.from_app)),
    ];
    let all = list.own.iter().chain(&list.above).chain(&list.built_in);
    choices.extend(all.map(|one| {
        let words = tr!(template.like, name = say(&one.names));
        (one.key.clone(), format!("{words} ({})", one.key))
    }));
    let begin = if from.is_empty() {
        String::from("scratch")
    } else {
        from.to_owned()
    };
    let fields = place_fields(place);
    let app_help = if place.project.is_some() {
        tr!(template.app_help)
    } else {
        tr!(template.app_help_org)
    };
    view! {
        <PageHead title=tr!(template.new) line=name(place).into_any()/>
        <div class="box">
            <Form action=CreateTemplate::PATH class="form box-body">
                {fields}
                <Field name="slug" label=tr!(template.slug) help=tr!(template.slug_help) required=true/>
                <Field name="name" label=tr!(template.name) help=tr!(template.name_help)/>
                <Field name="begin" label=tr!(template.begin) control=Control::Select(choices) value=begin/>
                <Field name="app" label=tr!(template.app) help=app_help/>
                <div class="row wrap">{submit(Weight::Primary, tr!(template.create))}</div>
            </Form>
        </div>
    }
    .into_any()
}
