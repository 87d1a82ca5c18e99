//! The drawer of a template's document: its names, stages and parameters while no job is chosen, and the locks of a job.

use super::change::LOCK;
use super::param;
use crate::design::button::{Weight, submit};
use crate::editor::drawer::change_form;
use crate::editor::fieldset::{Control, field, line};
use crate::editor::sheet::Sheet;
use crate::editor::state::Studio;
use crate::editor::whole::{first, stages};
use crate::tr;
use leptos::prelude::*;
use slipway_domain::pipeline::LockedField;
use slipway_domain::text::Text;

/// The keywords that are offered to be locked, in the order of a job's form.
const KEYWORDS: [&str; 8] = [
    "script",
    "image",
    "stage",
    "needs",
    "rules",
    "tags",
    "artifacts",
    "environment",
];

/// The drawer while no job is chosen.
pub(in crate::editor) fn drawer(studio: Studio, sheet: &Sheet, chosen: Signal<Option<String>>) -> AnyView {
    if let Some(id) = chosen.get() {
        return param::form_of(studio, sheet, &id);
    }
    let Some(template) = &sheet.template else {
        return ().into_any();
    };
    let (names, summary) = (template.names.clone(), template.summary.clone());
    let may_edit = studio.may_edit;
    let words = change_form(studio, "names", &[], "form", move || {
        let apply = may_edit.then(|| view! { <p>{submit(Weight::Plain, tr!(editor.apply))}</p> });
        view! {
            {line("names_en", tr!(template.name_en), &names.en)}
            {line("names_zh", tr!(template.name_zh), &names.zh)}
            {field("summary_en", tr!(template.summary_en), None, Control::Line, &summary.en)}
            {field("summary_zh", tr!(template.summary_zh), None, Control::Line, &summary.zh)}
            {apply}
        }
        .into_any()
    });
    view! {
        <header><h2>{tr!(template.whole)}</h2></header>
        {first(studio, sheet).map(|first| view! { <div class="drawer-part">{first}</div> })}
        {param::list(studio, sheet)}
        {stages(studio, sheet)}
        <section class="drawer-part"><h3>{tr!(template.words)}</h3>{words}</section>
    }
    .into_any()
}

/// What of a job those who use the template cannot change: a tick for each keyword, and why.
pub(in crate::editor) fn locks(studio: Studio, sheet: &Sheet, job: &str) -> AnyView {
    let Some(template) = &sheet.template else {
        return ().into_any();
    };
    let own: Vec<&LockedField> = template
        .locked_fields
        .iter()
        .filter(|lock| lock.parts().0 == job)
        .collect();
    let ticked = |keyword: Option<&str>| own.iter().any(|lock| lock.parts().1 == keyword);
    let why: Text = own.first().map(|lock| lock.why.clone()).unwrap_or_default();
    // What the document locks beside those that are offered is kept.
    let others = own.iter().filter_map(|lock| lock.parts().1);
    let others = others.filter(|keyword| !KEYWORDS.contains(keyword));
    let mut ticks = vec![(String::new(), tr!(template.lock_whole), ticked(None))];
    ticks.extend(
        KEYWORDS
            .into_iter()
            .chain(others)
            .map(|keyword| (keyword.to_owned(), keyword.to_owned(), ticked(Some(keyword)))),
    );
    let any = !own.is_empty();
    let may_edit = studio.may_edit;
    let content = move || {
        let ticks = ticks
            .into_iter()
            .map(|(keyword, word, on)| {
                let text = if on { "true" } else { "false" };
                field(&format!("{LOCK}{keyword}"), word, None, Control::Switch, text)
            })
            .collect::<Vec<_>>();
        let apply = may_edit.then(|| view! { <p>{submit(Weight::Plain, tr!(editor.apply))}</p> });
        view! {
            <div class="row wrap">{ticks}</div>
            {line("why_en", tr!(template.lock_why_en), &why.en)}
            {line("why_zh", tr!(template.lock_why_zh), &why.zh)}
            {apply}
        }
        .into_any()
    };
    view! {
        <details class="more drawer-part" open=any>
            <summary>{tr!(template.lock)}</summary>
            <p class="small muted">{tr!(template.lock_hint)}</p>
            {change_form(studio, "locks", &[("job", job.to_owned())], "form", content)}
        </details>
    }
    .into_any()
}
