//! The audit log of an organization, a project or an app.

pub mod api;

use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::design::status::{Status, pill, tag};
use crate::design::table::{row, table};
use crate::design::time::time;
use crate::load::load;
use crate::places::{encode, param, query};
use crate::tr;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use slipway_domain::audit::{AuditRow, Outcome};
use slipway_domain::project::Place;

/// A page of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    /// Where.
    pub place: Place,
    /// Newest first.
    pub rows: Vec<AuditRow>,
    /// The number to go on before; `None`: there are no older ones.
    pub older_than: Option<i64>,
}

/// `/orgs/{org}/audit`, `P/audit` and `App/audit`.
pub fn audit_page() -> AnyView {
    let (org, project, app) = (param("org"), param("project"), param("app"));
    let (action, before) = (query("action"), query("before"));
    let given = |text: String| Some(text).filter(|text| !text.is_empty());
    load(move || api::ReadAudit {
        org: org(),
        project: given(project()),
        app: given(app()),
        action: action().and_then(given),
        before: before().and_then(|before| before.parse().ok()),
    })
    .view(move |page| show(&page, &action().unwrap_or_default()))
}

/// What actions start with, and the word for it.
type Kinds = Vec<(&'static str, String)>;

fn kinds() -> Kinds {
    vec![
        ("", tr!(audit.all)),
        ("promotion.", tr!(audit.promotions)),
        ("release.", tr!(audit.releases)),
        ("pipeline.", tr!(audit.pipelines)),
        ("run.", tr!(audit.runs)),
        ("job.", tr!(audit.jobs)),
        ("item.", tr!(audit.items)),
        ("environment.", tr!(audit.environments)),
        ("member.", tr!(audit.members)),
        ("app.", tr!(audit.apps)),
    ]
}

fn show(page: &AuditPage, chosen: &str) -> AnyView {
    view! {
        <PageHead title=tr!(common.nav_audit) line=tr!(audit.line).into_any()/>
        {log(kinds(), &page.rows, page.older_than, chosen)}
    }
    .into_any()
}

/// A page of a log, below the ways to filter it; `chosen` is what its actions start with.
pub(crate) fn log(kinds: Kinds, rows: &[AuditRow], older_than: Option<i64>, chosen: &str) -> AnyView {
    let filters = kinds
        .into_iter()
        .map(|(key, word)| {
            let href = if key.is_empty() {
                String::from("?")
            } else {
                format!("?action={key}")
            };
            view! { <a class="btn small" href=href aria-current=(key == chosen).then_some("true")>{word}</a> }
        })
        .collect_view();
    let body = if rows.is_empty() {
        view! { <EmptyState title=tr!(audit.none) hint=tr!(audit.none_hint)/> }.into_any()
    } else {
        let heads = [
            tr!(audit.at),
            tr!(audit.actor),
            tr!(audit.action),
            tr!(audit.target),
            tr!(audit.outcome),
            tr!(common.details),
        ];
        table(
            tr!(common.nav_audit),
            heads.into_iter().map(IntoAny::into_any).collect(),
            rows.iter().map(audit_row).collect(),
        )
    };
    let older = older_than.map(|older| {
        let href = format!("?action={}&before={older}", encode(chosen));
        view! { <p class="foot"><a class="btn" href=href>{tr!(audit.older)}</a></p> }
    });
    view! {
        <nav class="row wrap gap-below" aria-label=tr!(audit.filter)>{filters}</nav>
        <div class="box">{body}</div>
        {older}
    }
    .into_any()
}

fn audit_row(entry: &AuditRow) -> AnyView {
    let outcome = match entry.outcome {
        Outcome::Done => pill(Status::Success, tr!(audit.done)),
        Outcome::Refused => pill(Status::Degraded, tr!(audit.refused)),
        Outcome::Failed => pill(Status::Failed, tr!(audit.failed)),
    };
    let actor = view! { <span class="row nowrap"><span>{entry.actor.clone()}</span>{(entry.via != "web").then(|| tag(entry.via.clone()))}</span> };
    let target = view! { <span>{entry.target.clone()}" "<span class="small muted">{entry.target_kind.clone()}</span></span> };
    let details = view! {
        <details class="audit-details">
            <summary class="small muted clip">{summary(&entry.summary)}</summary>
            <p class="small break">{tr!(common.request_id)}" "<code>{entry.request_id.clone()}</code>" · #"{entry.seq}</p>
            <pre class="small break">{serde_json::to_string_pretty(&entry.summary).unwrap_or_default()}</pre>
        </details>
    };
    row(
        view! { <span class="muted nowrap">{time(entry.at)}</span> }.into_any(),
        vec![
            (tr!(audit.actor), actor.into_any()),
            (
                tr!(audit.action),
                view! { <code>{entry.action.clone()}</code> }.into_any(),
            ),
            (tr!(audit.target), target.into_any()),
            (tr!(audit.outcome), outcome),
            (tr!(common.details), details.into_any()),
        ],
    )
}

/// The summary in one line: `version 2.4.1 · to live`.
fn summary(summary: &serde_json::Value) -> String {
    let words: Vec<String> = summary
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| match value {
            serde_json::Value::String(text) => format!("{name} {text}"),
            other => format!("{name} {other}"),
        })
        .collect();
    if words.is_empty() {
        tr!(common.details)
    } else {
        words.join(" · ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_reads_as_one_line() {
        assert_eq!(
            summary(&serde_json::json!({"from": "pending", "points": 3})),
            "from pending · points 3"
        );
    }
}
