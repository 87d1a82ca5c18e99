//! Who uses a template, and the form that upgrades many apps.

use super::api::{ReadTemplateUsage, StartUpgrade};
use super::bulk::state;
use super::{given, page_of, step, topics};
use crate::design::button::{Weight, button_link, submit};
use crate::design::field::{Control, Field};
use crate::design::form::{Form, FormState, hidden, place_fields};
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::design::table::{row, table};
use crate::design::time::time;
use crate::i18n::say;
use crate::load::load;
use crate::places::param;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::template::{UpgradeRow, Usage, UseRow};

/// `O/templates/{template}/usage` and `P/templates/{template}/usage`.
pub fn usage_page() -> AnyView {
    let (org, project, template) = (param("org"), param("project"), param("template"));
    load(move || ReadTemplateUsage {
        org: org(),
        project: given(project()),
        template: template(),
    })
    .watching(|usage: &Usage| topics(&usage.place))
    .view(|usage| show(&usage))
}

fn show(usage: &Usage) -> AnyView {
    let behind = usage.behind();
    let mut line = tr!(template.n_uses, n = usage.rows.len());
    if behind > 0 {
        line = format!("{line} · {}", tr!(template.n_behind, n = behind));
    }
    if usage.unseen > 0 {
        line = format!("{line} · {}", tr!(template.n_unseen, n = usage.unseen));
    }
    let back = button_link(
        Weight::Plain,
        page_of(&usage.place, &usage.key),
        tr!(template.back_to, name = say(&usage.names)),
    );
    let body = if usage.rows.is_empty() {
        view! { <EmptyState title=tr!(template.unused) hint=tr!(template.unused_hint)/> }.into_any()
    } else if usage.rows.iter().any(|row| row.behind.is_some() && row.may_edit) {
        upgrade_form(usage)
    } else {
        view! { <div class="box">{uses(usage, None)}</div> }.into_any()
    };
    view! {
        <PageHead title=tr!(template.usage_of, name = say(&usage.names)) line=line.into_any() actions=back/>
        <div class="stack wide">{body}{(!usage.upgrades.is_empty()).then(|| upgrades(usage))}</div>
    }
    .into_any()
}

fn upgrade_form(usage: &Usage) -> AnyView {
    let fields = place_fields(&usage.place);
    let template = hidden("template", usage.key.clone());
    let versions = usage
        .versions
        .iter()
        .map(|version| (version.clone(), version.clone()));
    let choices = Control::Select(versions.collect());
    let usage = usage.clone();
    view! {
        <div class="box">
            <Form action=StartUpgrade::PATH class="form box-body">
                {fields}{template}
                {uses(&usage, Some(FormState::here()))}
                <Field name="to" label=tr!(template.to_version) control=choices/>
                <div class="row wrap">
                    {submit(Weight::Primary, tr!(template.start))}
                    <span class="small muted">{tr!(template.start_hint)}</span>
                </div>
            </Form>
        </div>
    }
    .into_any()
}

fn uses(usage: &Usage, form: Option<FormState>) -> AnyView {
    let heads = [
        tr!(template.app),
        tr!(template.version),
        tr!(template.behind),
        tr!(template.seen),
    ];
    let heads = heads.into_iter().map(IntoAny::into_any).collect();
    table(
        tr!(template.usage),
        heads,
        usage.rows.iter().map(|one| use_row(one, form)).collect(),
    )
}

fn use_row(one: &UseRow, form: Option<FormState>) -> AnyView {
    let href = one.place.path();
    let app = one.place.app.as_ref();
    let label = one.place.names();
    let id = app.map(|app| app.id.to_string()).unwrap_or_default();
    let can = form.is_some() && one.behind.is_some() && one.may_edit;
    let link = if can {
        let field = form.map_or_else(String::new, |form| form.id_of(&format!("apps-{id}")));
        let target = field.clone();
        view! {
            <span class="row wrap">
                <label class="check" for=target>
                    <input type="checkbox" id=field name="apps[]" value=id checked=true/>{label}
                </label>
                <a class="small" href=format!("{href}/pipelines/upgrade")>{tr!(template.look_at_upgrade)}</a>
            </span>
        }
        .into_any()
    } else {
        let may_not = (one.behind.is_some() && !one.may_edit)
            .then(|| view! { <span class="small muted">{tr!(template.may_not_propose)}</span> });
        view! { <span class="stack tight"><a href=href>{label}</a>{may_not}</span> }.into_any()
    };
    let behind = match one.behind {
        Some(bump) => step(bump),
        None => view! { <span class="muted">{tr!(template.newest)}</span> }.into_any(),
    };
    row(
        link,
        vec![
            (
                tr!(template.version),
                view! { <code>{one.version.clone()}</code> }.into_any(),
            ),
            (tr!(template.behind), behind),
            (tr!(template.seen), time(one.seen_at)),
        ],
    )
}

fn upgrades(usage: &Usage) -> AnyView {
    let base = format!("{}/templates/upgrades", usage.place.path());
    let rows = usage.upgrades.iter().map(|one| upgrade_row(&base, one)).collect();
    let heads = [
        tr!(template.to_version),
        tr!(template.standing),
        tr!(template.progress),
    ];
    let heads = heads.into_iter().map(IntoAny::into_any).collect();
    view! {
        <section class="stack">
            <h2>{tr!(template.upgrades)}</h2><div class="box">{table(tr!(template.upgrades), heads, rows)}</div>
        </section>
    }
    .into_any()
}

fn upgrade_row(base: &str, one: &UpgradeRow) -> AnyView {
    let link = view! {
        <span class="stack tight">
            <a class="strong" href=format!("{base}/{}", one.id)>{one.to.clone()}</a>
            <span class="small muted">{one.by.name.clone()}" · "{time(one.created_at)}</span>
        </span>
    };
    let progress = tr!(template.n_of_m, n = one.counts.ended(), m = one.counts.total());
    row(
        link.into_any(),
        vec![
            (tr!(template.standing), state(one.state)),
            (tr!(template.progress), progress.into_any()),
        ],
    )
}
