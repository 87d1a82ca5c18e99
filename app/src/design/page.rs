//! The header of a page: its title, a line below it, and what one can do here.

use leptos::prelude::*;
use leptos_meta::Title;

/// The header of a page. `title` is also the title of the browser's tab.
#[component]
pub fn PageHead(
    /// The page's name.
    title: String,
    /// A status beside the name.
    #[prop(optional)]
    mark: Option<AnyView>,
    /// One line below the name.
    #[prop(optional)]
    line: Option<AnyView>,
    /// What one can do here.
    #[prop(optional)]
    actions: Option<AnyView>,
) -> AnyView {
    view! {
        <Title text=title.clone()/>
        <div class="page-head">
            <div>
                <h1 tabindex="-1">{title}{mark}</h1>
                {line.map(|line| view! { <p class="muted">{line}</p> })}
            </div>
            {actions.map(|actions| view! { <div class="page-actions">{actions}</div> })}
        </div>
    }
    .into_any()
}

/// A framed part of a page with a heading; `aside` stands at the right end of the heading.
#[component]
pub fn Panel(
    /// The heading.
    title: String,
    /// Beside the heading.
    #[prop(optional)]
    mark: Option<AnyView>,
    /// At the right end of the heading.
    #[prop(optional)]
    aside: Option<AnyView>,
    /// What is inside.
    children: Children,
) -> AnyView {
    view! {
        <section class="box">
            <header><h2>{title}</h2>{mark}{aside.map(|aside| view! { <span class="small muted">{aside}</span> })}</header>
            {children()}
        </section>
    }
    .into_any()
}
