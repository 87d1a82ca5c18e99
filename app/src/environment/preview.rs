//! Who could approve by rules that are not kept yet.

use super::api::TryRules;
use super::rule;
use crate::design::button::{Weight, submit};
use crate::design::environment::env_badge;
use crate::design::page::{PageHead, Panel};
use crate::design::raw_text::raw_text;
use crate::i18n::say;
use crate::load::load;
use crate::places::{param, query};
use crate::tr;
use leptos::prelude::*;
use slipway_domain::environment::RulesPreview;

/// `P/environments/{env}/approvers?rules=`.
pub fn preview_page() -> AnyView {
    let (org, project, environment) = (param("org"), param("project"), param("environment"));
    let rules = query("rules");
    load(move || TryRules {
        org: org(),
        project: project(),
        environment: environment(),
        rules: rules().unwrap_or_default(),
    })
    .view(|preview| show(&preview))
}

fn show(preview: &RulesPreview) -> AnyView {
    let base = format!("{}/environments", preview.place.path());
    let trouble = preview
        .trouble
        .as_ref()
        .map(|text| view! { <p class="note bad" role="alert">{say(text)}</p> });
    let people = if preview.rules.is_empty() {
        view! { <p class="muted">{tr!(environment.nobody_asked)}</p> }.into_any()
    } else {
        let rows = preview.rules.iter().map(rule).collect_view();
        view! { <ol class="steps">{rows}</ol> }.into_any()
    };
    let lines = raw_text(&preview.lines);
    let mark = env_badge(&preview.environment).into_any();
    view! {
        <PageHead title=tr!(environment.preview) mark line=tr!(environment.preview_words).into_any()/>
        <div class="stack wide">
            {trouble}
            <Panel title=tr!(environment.approvals)><div class="box-body">{people}</div></Panel>
            <Panel title=tr!(environment.rules_lines)>
                <form method="get" class="form narrow box-body">
                    <div class="field">
                        <label for="try-rules">{tr!(environment.rules_lines)}</label>
                        <textarea class="input mono" id="try-rules" name="rules" rows="4">{lines}</textarea>
                        <p class="help">{tr!(environment.rules_lines_help)}</p>
                    </div>
                    <p class="row wrap">{submit(Weight::Primary, tr!(environment.preview))}<a class="btn quiet" href=base>{tr!(environment.back)}</a></p>
                </form>
            </Panel>
        </div>
    }
    .into_any()
}
