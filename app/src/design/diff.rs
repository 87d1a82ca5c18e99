//! Differences of two texts, line by line; unchanged stretches shrink to a line that counts them.

use crate::tr;
use leptos::prelude::*;
use slipway_domain::diff::{DiffKind, DiffLine, DiffView};

fn gap(hidden: usize) -> Option<AnyView> {
    (hidden > 0)
        .then(|| view! { <div class="gap">{tr!(common.lines_unchanged, n = hidden)}</div> }.into_any())
}

fn line(line: &DiffLine) -> AnyView {
    let (class, sign) = match line.kind {
        DiffKind::Same => ("", ' '),
        DiffKind::Removed => ("del", '-'),
        DiffKind::Added => ("add", '+'),
    };
    view! { <div class=class>{format!("{sign} {}", line.text)}</div> }.into_any()
}

/// A difference.
pub fn diff(difference: &DiffView) -> AnyView {
    let rows: Vec<AnyView> = difference
        .hunks
        .iter()
        .flat_map(|hunk| {
            gap(hunk.hidden_before)
                .into_iter()
                .chain(hunk.lines.iter().map(line))
        })
        .chain(gap(difference.hidden_after))
        .collect();
    view! { <div class="box"><div class="diff" tabindex="0" role="group" aria-label=tr!(common.difference)>{rows}</div></div> }
        .into_any()
}
