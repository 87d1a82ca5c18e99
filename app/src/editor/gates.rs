//! Where a release goes after the pipeline: the environments, and on the edges between them who has to say yes. Slipway
//! guards these edges; no job of the file does.

use crate::design::icon::{Icon, icon};
use crate::i18n::say;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::working_copy::{EditorView, Gate};

/// The chain, behind the canvas.
pub(super) fn chain(view: &EditorView) -> AnyView {
    if view.chain.is_empty() {
        return ().into_any();
    }
    let project = view
        .place
        .project
        .as_ref()
        .map_or("", |project| project.slug.as_str());
    let settings = format!("/orgs/{}/projects/{project}/environments", view.place.org.slug);
    let stops = view
        .chain
        .iter()
        .map(|gate| stop(gate, &format!("{settings}#{}", gate.key)))
        .collect::<Vec<_>>();
    view! {
        <section class="box gap-above">
            <header><h2>{tr!(editor.gates)}</h2></header>
            <div class="box-body stack">
                <p class="small muted">{tr!(editor.gates_hint)}</p>
                <ol class="gates">
                    <li class="gate-stop">{icon(Icon::Layers)}<span class="strong">{tr!(editor.gates_release)}</span></li>
                    {stops}
                </ol>
            </div>
        </section>
    }
    .into_any()
}

fn stop(gate: &Gate, href: &str) -> AnyView {
    let words = guard(gate);
    let look = match (gate.approvals.is_empty(), gate.branches.is_empty()) {
        (false, _) => Icon::Lock,
        (true, true) => Icon::Waiting,
        (true, false) => Icon::Check,
    };
    view! {
        <li class="gate-stop">
            <span class="gate-edge">{icon(look)}<span class="small">{words}</span></span>
            <a class="link strong" href=href.to_owned()>{gate.name.clone()}</a>
        </li>
    }
    .into_any()
}

/// What lets a release through, in words.
fn guard(gate: &Gate) -> String {
    let rules = gate.approvals.iter().map(|rule| {
        if rule.needed > 1 {
            tr!(editor.gate_several, name = say(&rule.name), n = rule.needed)
        } else {
            say(&rule.name)
        }
    });
    let rules: Vec<String> = rules.collect();
    match (rules.is_empty(), gate.branches.is_empty()) {
        (false, _) => tr!(editor.gate_asks, names = rules.join(" → ")),
        (true, false) => tr!(editor.gate_by_itself, refs = gate.branches.join(", ")),
        (true, true) => tr!(editor.gate_on_request),
    }
}
