//! The settings of a project: what it is called, its features, its quotas, its end.

use super::api::{EditProject, ReadProjectSettings, SetQuota, SwitchFeatures};
use crate::design::button::{Weight, submit};
use crate::design::environment::env_badge;
use crate::design::field::{Control, Field};
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::i18n::say;
use crate::live::Topics;
use crate::load::load;
use crate::place::{archived_note, check_box, danger, name_fields, project_tabs};
use crate::places::param;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::feature::Feature;
use slipway_domain::project::{Place, ProjectRef, ProjectSettings};
use slipway_domain::quota::{Quota, QuotaRow};

/// `P/settings`.
pub fn project_settings_page() -> AnyView {
    let (org, project) = (param("org"), param("project"));
    load(move || ReadProjectSettings {
        org: org(),
        project: project(),
    })
    .watching(|settings: &ProjectSettings| {
        let project = settings.place.project.iter();
        project.fold(Topics::default(), |topics, project| {
            topics.and("project", project.id)
        })
    })
    .view(|settings| show(&settings))
}

fn show(settings: &ProjectSettings) -> AnyView {
    let Some(project) = &settings.place.project else {
        return ().into_any();
    };
    view! {
        <PageHead title=tr!(place.settings) line=project.name.clone().into_any()/>
        {project_tabs(&settings.place, "")}
        {archived_note(&settings.place)}
        <div class="stack wide">
            {general(settings, project)}
            {features(&settings.place, project)}
            {quotas(settings)}
            {danger(&settings.place)}
        </div>
    }
    .into_any()
}

fn general(settings: &ProjectSettings, project: &ProjectRef) -> AnyView {
    let at = place_fields(&settings.place);
    let (name, slug) = (project.name.clone(), project.slug.clone());
    let (description, internal) = (settings.description.clone(), settings.internal);
    view! {
        <Panel title=tr!(place.general)>
            <Form action=EditProject::PATH class="form narrow box-body" done=tr!(place.saved)>
                {at}
                {name_fields(name, slug, tr!(place.slug_moves))}
                <Field name="description" label=tr!(place.description) value=description control=Control::Area(2)/>
                {check_box("internal", "true", internal, tr!(project.internal), tr!(project.internal_help))}
                <p>{submit(Weight::Primary, tr!(place.save))}</p>
            </Form>
        </Panel>
    }
    .into_any()
}

/// The switches of features that have pages; what is chosen of the others is sent back as it was.
fn features(place: &Place, project: &ProjectRef) -> AnyView {
    let at = place_fields(place);
    let (shown, later): (Vec<Feature>, Vec<Feature>) = Feature::ALL
        .into_iter()
        .partition(|feature| !matches!(feature, Feature::Insights | Feature::Chat));
    let boxes = shown
        .into_iter()
        .map(|feature| {
            let on = project.features.has(feature);
            check_box(
                feature.key(),
                "true",
                on,
                say(&feature.text()),
                say(&feature.help()),
            )
        })
        .collect::<Vec<_>>();
    let kept = later
        .into_iter()
        .filter(|feature| project.features.has(*feature))
        .map(|feature| hidden(feature.key(), String::from("true")))
        .collect::<Vec<_>>();
    view! {
        <Panel title=tr!(project.features)>
            <Form action=SwitchFeatures::PATH class="form narrow box-body" done=tr!(place.saved)>
                {at}{kept}
                <p class="muted">{tr!(project.features_hint)}</p>
                <fieldset class="choice-list">
                    <legend class="visually-hidden">{tr!(project.features)}</legend>
                    {boxes}
                </fieldset>
                <p>{submit(Weight::Plain, tr!(project.features_save))}</p>
            </Form>
        </Panel>
    }
    .into_any()
}

fn quotas(settings: &ProjectSettings) -> AnyView {
    let body = if settings.quotas.is_empty() {
        view! { <EmptyState title=tr!(environment.none) hint=tr!(environment.none_hint)/> }.into_any()
    } else {
        let rows = settings
            .quotas
            .iter()
            .map(|row| {
                if settings.may_set_quotas {
                    quota_form(&settings.place, row)
                } else {
                    quota_words(row)
                }
            })
            .collect::<Vec<_>>();
        view! { <div class="box-body"><p class="muted">{tr!(project.quota_hint)}</p>{rows}</div> }.into_any()
    };
    view! { <Panel title=tr!(project.quotas)>{body}</Panel> }.into_any()
}

fn quota_form(place: &Place, row: &QuotaRow) -> AnyView {
    let at = place_fields(place);
    let badge = env_badge(&row.environment);
    let (cpu, memory, pods) = (
        row.quota.cpu_text(),
        row.quota.memory_text(),
        row.quota.pods_text(),
    );
    let label = tr!(project.quota_of, env = row.environment.name.clone());
    let now = taken(row);
    view! {
        <Form action=SetQuota::PATH class="form" done=tr!(place.saved) key=("environment", row.environment.key.clone())>
            {at}
            <fieldset class="form-row">
                <legend class="row">
                    {badge}<span class="visually-hidden">{label}</span><span class="muted">{now}</span>
                </legend>
                <Field name="cpu" label=tr!(project.cpu) value=cpu/>
                <Field name="memory" label=tr!(project.memory) value=memory/>
                <Field name="pods" label=tr!(project.pods) value=pods/>
                {submit(Weight::Plain, tr!(place.save))}
            </fieldset>
        </Form>
    }
    .into_any()
}

/// What the apps of the environment ask for now.
fn taken(row: &QuotaRow) -> String {
    if row.taken.pods == 0 {
        return tr!(project.none_taken);
    }
    let now = Quota {
        cpu_millis: Some(row.taken.cpu_millis),
        memory_mib: Some(row.taken.memory_mib),
        pods: Some(row.taken.pods),
    };
    tr!(
        project.taken,
        cpu = now.cpu_text(),
        memory = now.memory_text(),
        pods = now.pods_text()
    )
}

fn quota_words(row: &QuotaRow) -> AnyView {
    let or_none = |text: String| {
        if text.is_empty() {
            tr!(project.no_limit)
        } else {
            text
        }
    };
    view! {
        <dl class="facts">
            <dt>{env_badge(&row.environment)}</dt>
            <dd>
                {tr!(project.cpu)}" "{or_none(row.quota.cpu_text())}" · "
                {tr!(project.memory)}" "{or_none(row.quota.memory_text())}" · "
                {tr!(project.pods)}" "{or_none(row.quota.pods_text())}
                <span class="muted">" "{taken(row)}</span>
            </dd>
        </dl>
    }
    .into_any()
}
