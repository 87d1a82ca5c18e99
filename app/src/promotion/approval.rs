//! The page where an approver decides, for a 360 px phone first: what goes where, what changes, risk,
//! checks, earlier decisions, and one form with two buttons.

use super::api::{Decide, ReadPromotion};
use super::parts::{current, drift, expiry, gates, kind, request, rules, title_of, what_goes_where};
use crate::design::avatar::initials;
use crate::design::button::submit_as;
use crate::design::diff::diff;
use crate::design::field::{Control, Field};
use crate::design::form::{Form, hidden};
use crate::design::lane::short_sha;
use crate::design::status::{self, Status, pill};
use crate::design::time::time;
use crate::i18n::say;
use crate::load::load;
use crate::places::param;
use crate::release::scan;
use crate::tr;
use leptos::prelude::*;
use leptos_meta::Title;
use server_fn::ServerFn;
use slipway_domain::approval::Verdict;
use slipway_domain::item::ItemKind;
use slipway_domain::promotion::{Changes, DecisionView, PromotionRights, PromotionState, PromotionView};

/// `/approvals/{id}` and `/a/{id}`.
pub fn approval_page() -> AnyView {
    let id = param("id");
    load(move || ReadPromotion { id: id() })
        .watching(super::topics)
        .view(|promotion| page(&promotion))
}

fn page(promotion: &PromotionView) -> AnyView {
    let facts = view! {
        {subject(promotion)}
        {changes(promotion)}
        {risks(promotion)}
        {checks(promotion)}
        {decisions(promotion)}
    };
    let rights = &promotion.rights;
    if rights.approve.is_none() && !rights.reject {
        return view! { <div class="decide">{facts}{no_decision(promotion)}</div> }.into_any();
    }
    let (rights, subject) = (rights.clone(), promotion.subject.clone());
    // The form holds the whole page, so that its buttons stay in sight from the first line to the last.
    view! {
        <Form action=Decide::PATH class="decide" done=tr!(promotion.decision_kept) key=("id", promotion.row.id.to_string())>
            {facts}{decision_fields(&rights, subject)}
        </Form>
    }
    .into_any()
}

fn subject(promotion: &PromotionView) -> AnyView {
    let row = &promotion.row;
    let yours = promotion.rights.approve.is_some();
    let state = if yours {
        pill(Status::Waiting, tr!(promotion.waits_for_you))
    } else {
        status::promotion(row.state)
    };
    let ends = row.state.is_pending().then(|| {
        view! { <span class="small muted">{expiry(row)}</span> }
    });
    let title = format!(
        "{} {} → {}",
        title_of(&row.place),
        row.release.version,
        row.environment.key
    );
    view! {
        <section>
            <Title text=title/>
            <div class="row spread wrap"><span class="row">{state}{kind(row.kind)}</span>{ends}</div>
            <h1 tabindex="-1" class="row wrap">{what_goes_where(row)}</h1>
            <p class="muted">
                {current(row)}" · "{request(row)}
            </p>
            <p><a class="link small" href=format!("{}/promotions/{}", row.place.path(), row.id)>{tr!(promotion.open_promotion)}</a></p>
        </section>
    }
    .into_any()
}

/// What changes: counts, items, commits, then the difference of the manifests.
fn changes(promotion: &PromotionView) -> AnyView {
    let changes = &promotion.changes;
    let bugs = changes
        .items
        .iter()
        .filter(|item| item.kind == Some(ItemKind::Bug))
        .count();
    let counts = [
        match changes.commits.len() {
            1 => tr!(promotion.one_commit),
            n => tr!(promotion.n_commits, n = n),
        },
        match changes.items.len() - bugs {
            1 => tr!(promotion.one_item),
            n => tr!(promotion.n_items, n = n),
        },
        match bugs {
            1 => tr!(promotion.one_bug),
            n => tr!(promotion.n_bugs, n = n),
        },
    ]
    .join(" · ");
    let project = promotion.row.place.project.as_ref();
    let board = project
        .map(|p| crate::places::project(&promotion.row.place.org.slug, &p.slug))
        .unwrap_or_default();
    let items = changes
        .items
        .iter()
        .map(|item| {
            let href = format!("{board}/items/{}", item.key);
            view! { <li><a href=href><code>{item.key.clone()}</code></a>" "{item.title.clone()}</li> }
        })
        .collect_view();
    view! {
        <section>
            <h2>{tr!(promotion.changes)}</h2>
            <p class="small">{counts}</p>
            {(!changes.items.is_empty()).then(|| view! { <ul class="stack tight small">{items}</ul> })}
            {commits(changes)}
            {images(changes)}
            {(!changes.configuration.is_empty()).then(|| {
                let shown = diff(&changes.configuration);
                view! { <h3>{tr!(promotion.configuration)}</h3><div class="box">{shown}</div> }
            })}
            {drift(&promotion.drift)}
            <h3>{tr!(promotion.manifests)}</h3>
            {diff(&changes.manifests)}
        </section>
    }
    .into_any()
}

fn commits(changes: &Changes) -> AnyView {
    let rows = changes
        .commits
        .iter()
        .map(|commit| {
            view! {
                <li>
                    <code class="muted">{short_sha(&commit.sha)}</code>
                    <span>{commit.title.clone()}" "<span class="muted">{commit.author.clone()}</span></span>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="commits">{rows}</ul> }.into_any()
}

fn images(changes: &Changes) -> AnyView {
    let gone = changes
        .images_before
        .iter()
        .filter(|image| !changes.images_after.contains(image));
    let same = changes.images_before == changes.images_after;
    let gone = gone
        .map(|image| view! { <div class="del">{format!("- {}…", image.short())}</div> })
        .collect_view();
    let new = changes
        .images_after
        .iter()
        .filter(|image| !changes.images_before.contains(image));
    let new = new
        .map(|image| view! { <div class="add">{format!("+ {} {}…", image.repository, image.short())}</div> });
    let new = new.collect_view();
    if same {
        return view! { <p class="small muted">{tr!(promotion.same_images)}</p> }.into_any();
    }
    view! { <div class="box"><div class="diff"><div class="gap">{tr!(promotion.images)}</div>{gone}{new}</div></div> }.into_any()
}

fn risks(promotion: &PromotionView) -> AnyView {
    let pills = promotion
        .risks
        .iter()
        .map(|risk| {
            pill(
                match (risk.frozen, risk.warns) {
                    (true, _) => Status::Frozen,
                    (false, true) => Status::Degraded,
                    (false, false) => Status::Success,
                },
                say(&risk.text),
            )
        })
        .collect::<Vec<_>>();
    let body = if pills.is_empty() {
        view! { <p class="small muted">{tr!(promotion.no_risks)}</p> }.into_any()
    } else {
        view! { <div class="row wrap">{pills}</div> }.into_any()
    };
    view! { <section><h2>{tr!(promotion.risk)}</h2>{body}</section> }.into_any()
}

fn checks(promotion: &PromotionView) -> AnyView {
    let scans = promotion.evidence.scans.iter().map(scan).collect_view();
    let scans = (!promotion.evidence.scans.is_empty()).then(|| view! { <ul class="list">{scans}</ul> });
    view! { <section><h2>{tr!(promotion.checks)}</h2>{gates(&promotion.gates)}{scans}</section> }.into_any()
}

/// The rules in order, then what people said.
pub(super) fn decisions(promotion: &PromotionView) -> AnyView {
    let said = promotion.decisions.iter().map(decision).collect_view();
    view! {
        <section class="stack">
            <h2>{tr!(promotion.decisions)}</h2>
            {rules(&promotion.evaluation.rules)}
            {(!promotion.decisions.is_empty()).then(|| view! { <ul class="checks">{said}</ul> })}
            <p class="small muted">{say(&promotion.evaluation.words)}</p>
        </section>
    }
    .into_any()
}

fn decision(decision: &DecisionView) -> AnyView {
    let said = match decision.verdict {
        Verdict::Approve => tr!(promotion.approved_by, name = decision.by.name.clone()),
        Verdict::Reject => tr!(promotion.rejected_by, name = decision.by.name.clone()),
    };
    let quote = (!decision.comment.is_empty()).then(|| view! { <q>{decision.comment.clone()}</q> });
    let other = decision
        .represents
        .as_ref()
        .map(|other| status::tag(tr!(promotion.in_place_of, name = other.name.clone())));
    let void = (!decision.counts).then(|| status::tag(tr!(promotion.does_not_count)));
    view! { <li>{initials(&decision.by)}<span>{said}</span><span class="muted">{time(decision.at)}</span>{quote}{other}{void}</li> }
        .into_any()
}

/// Why the reader has nothing to decide.
fn no_decision(promotion: &PromotionView) -> AnyView {
    let words = if promotion.row.state.is_pending() {
        promotion.rights.approve_refused.as_ref().map(say)
    } else {
        Some(ended(promotion.row.state))
    };
    view! { {words.map(|words| view! { <section><p class="note">{words}</p></section> })} }.into_any()
}

/// The comment and the two buttons; who may only reject is told why.
fn decision_fields(rights: &PromotionRights, subject: String) -> AnyView {
    let refused = rights
        .approve_refused
        .as_ref()
        .filter(|_| rights.approve.is_none());
    let approve = rights
        .approve
        .is_some()
        .then(|| submit_as("btn primary big", "decision", "approve", tr!(promotion.approve)));
    view! {
        {hidden("subject", subject)}
        <section>
            {refused.map(|words| view! { <p class="note">{say(words)}</p> })}
            <Field name="comment" label=tr!(promotion.comment) control=Control::Area(2)/>
        </section>
        <div class="decide-bar">
            {submit_as("btn danger big", "decision", "reject", tr!(promotion.reject))}
            {approve}
        </div>
    }
    .into_any()
}

fn ended(state: PromotionState) -> String {
    match state {
        PromotionState::Deploying | PromotionState::Verifying | PromotionState::Unknown => {
            tr!(promotion.under_way)
        }
        _ => tr!(promotion.ended),
    }
}
