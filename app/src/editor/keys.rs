//! The keyboard on the canvas and the outline: arrows follow edges, and one letter does what a button does.

use super::Chosen;
use super::state::Studio;

/// Listens to the keys that are pressed in the editor.
pub(super) fn handler(studio: Studio, chosen: Chosen) -> impl Fn(leptos::ev::KeyboardEvent) + 'static {
    real::handler(studio, chosen)
}

#[cfg(not(feature = "hydrate"))]
mod real {
    use super::{Chosen, Studio};

    pub(super) fn handler(_: Studio, _: Chosen) -> impl Fn(leptos::ev::KeyboardEvent) + 'static {
        |_| {}
    }
}

#[cfg(feature = "hydrate")]
mod real {
    use super::super::change::{self, Change};
    use super::super::{job_query, sync};
    use super::{Chosen, Studio};
    use crate::places::encode;
    use leptos::prelude::*;
    use leptos_router::NavigateOptions;
    use leptos_router::hooks::use_navigate;
    use wasm_bindgen::JsCast;

    /// The first field of the drawer; what can only be read, where it has none.
    const FIRST_FIELD: &str = "#drawer .field :is(input, select, textarea):not([type=hidden]), #drawer code";
    /// Where the name of a new job goes.
    const NAME_FIELD: &str = "#drawer [name='change[name]']";

    pub(super) fn handler(studio: Studio, chosen: Chosen) -> impl Fn(leptos::ev::KeyboardEvent) + 'static {
        let navigate = use_navigate();
        move |ev| {
            let go = |query: &str| {
                let href = studio.href(Some(query));
                let options = NavigateOptions {
                    scroll: false,
                    ..NavigateOptions::default()
                };
                navigate(&href, options);
            };
            let control = ev.ctrl_key() || ev.meta_key();
            let key = ev.key();
            if control && !ev.alt_key() {
                match key.to_lowercase().as_str() {
                    // A field has an undo of its own while it is typed into.
                    "z" if !types(&ev) => {
                        ev.prevent_default();
                        if ev.shift_key() {
                            studio.redo();
                        } else {
                            studio.undo();
                        }
                    }
                    "y" if !types(&ev) => {
                        ev.prevent_default();
                        studio.redo();
                    }
                    "s" => {
                        ev.prevent_default();
                        sync::save_now(studio);
                    }
                    _ => {}
                }
                return;
            }
            if key == "Escape" {
                // From the form back to the node that it is about.
                if let Some(job) = chosen.job.get_untracked() {
                    focus(&job);
                }
                return;
            }
            if types(&ev) || ev.alt_key() {
                return;
            }
            let Some(job) = node(&ev) else { return };
            let name = encode(&job);
            let act = |op: &str| {
                Change::from([("op", op), ("job", job.as_str())].map(|(k, v)| (k.to_owned(), v.to_owned())))
            };
            match key.as_str() {
                "ArrowRight" | "ArrowLeft" | "ArrowUp" | "ArrowDown" => {
                    ev.prevent_default();
                    if let Some(next) = neighbour(studio, &job, &key) {
                        focus(&next);
                    }
                }
                "Enter" => {
                    go(&job_query(&job));
                    crate::browser::focus(FIRST_FIELD);
                }
                "a" if studio.may_edit => {
                    go(&format!("add=after&job={name}"));
                    crate::browser::focus(NAME_FIELD);
                }
                "A" if studio.may_edit => {
                    go(&format!("add=beside&job={name}"));
                    crate::browser::focus(NAME_FIELD);
                }
                "l" if studio.may_edit => {
                    go(&job_query(&job));
                    crate::browser::focus("[data-link] select");
                }
                "x" if studio.may_edit && studio.template().is_none() => {
                    let op = if job.starts_with('.') { "enable" } else { "disable" };
                    let _ = studio.change(&act(op), true);
                }
                "Delete" if studio.may_edit => {
                    let mut change = act("remove");
                    change.insert(String::from("dependents"), String::from(change::DROP));
                    if studio.change(&change, true).is_ok()
                        && chosen.job.get_untracked().as_ref() == Some(&job)
                    {
                        go("");
                    }
                }
                _ => return,
            }
            ev.prevent_default();
        }
    }

    /// Whether the key goes into a field.
    fn types(ev: &leptos::ev::KeyboardEvent) -> bool {
        let target = ev
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        target.is_some_and(|target| matches!(target.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"))
    }

    /// The job of the node that has the focus.
    fn node(ev: &leptos::ev::KeyboardEvent) -> Option<String> {
        let target = ev.target()?.dyn_into::<web_sys::Element>().ok()?;
        target.closest("[data-node]").ok()??.get_attribute("data-node")
    }

    fn focus(job: &str) {
        let Ok(all) = document().query_selector_all(".studio-canvas [data-node]") else {
            return;
        };
        for at in 0..all.length() {
            let node = all
                .item(at)
                .and_then(|node| node.dyn_into::<web_sys::HtmlElement>().ok());
            if let Some(node) = node.filter(|node| node.get_attribute("data-node").as_deref() == Some(job)) {
                let _ = node.focus();
                return;
            }
        }
    }

    /// Where an arrow leads: along an edge, or up and down in the column.
    fn neighbour(studio: Studio, job: &str, key: &str) -> Option<String> {
        let graph = studio.sheet.with_untracked(|sheet| sheet.canvas.layout());
        let here = graph.node(job)?;
        let towards = |name: &str| {
            graph
                .node(name)
                .map(|node| ((node.y - here.y).abs(), node.id.clone()))
        };
        match key {
            "ArrowRight" => graph
                .edges
                .iter()
                .filter(|edge| edge.from == job)
                .filter_map(|edge| towards(&edge.to))
                .min()
                .or_else(|| beside(&graph, here, 1))
                .map(|(_, name)| name),
            "ArrowLeft" => graph
                .edges
                .iter()
                .filter(|edge| edge.to == job)
                .filter_map(|edge| towards(&edge.from))
                .min()
                .or_else(|| beside(&graph, here, -1))
                .map(|(_, name)| name),
            _ => {
                let step: i32 = if key == "ArrowDown" { 1 } else { -1 };
                graph
                    .nodes
                    .iter()
                    .filter(|node| node.x == here.x && (node.y - here.y).signum() == step)
                    .min_by_key(|node| (node.y - here.y).abs())
                    .map(|node| node.id.clone())
            }
        }
    }

    /// The nearest node of the next column with any.
    fn beside(
        graph: &slipway_domain::pipeline::layout::Layout,
        here: &slipway_domain::pipeline::layout::PlacedNode,
        step: i32,
    ) -> Option<(i32, String)> {
        let ahead = graph
            .nodes
            .iter()
            .filter(|node| (node.x - here.x).signum() == step);
        let column = ahead.clone().map(|node| (node.x - here.x).abs()).min()?;
        ahead
            .filter(|node| (node.x - here.x).abs() == column)
            .map(|node| ((node.y - here.y).abs(), node.id.clone()))
            .min()
    }
}
