//! Tables, which become lists of cards on a phone.

use leptos::prelude::*;

/// A table with `heads` over `rows`; each row comes from [`row`].
pub fn table(caption: String, heads: Vec<AnyView>, rows: Vec<AnyView>) -> AnyView {
    let heads = heads
        .into_iter()
        .map(|head| view! { <th scope="col">{head}</th> })
        .collect_view();
    view! {
        <div class="table-wrap">
            <table class="table cards-on-phone">
                <caption class="visually-hidden">{caption}</caption>
                <thead><tr>{heads}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// A row: its name, then cells with the words that stand before them on a phone.
pub fn row(name: AnyView, cells: Vec<(String, AnyView)>) -> AnyView {
    let cells = cells
        .into_iter()
        .map(|(label, cell)| view! { <td data-label=label>{cell}</td> })
        .collect_view();
    view! { <tr><th scope="row">{name}</th>{cells}</tr> }.into_any()
}
