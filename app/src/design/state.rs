//! What a page shows instead of its content: nothing yet, nothing at all, an error, a refusal.

use super::icon::{Icon, icon};
use crate::error::AppError;
use crate::tr;
use leptos::prelude::*;
use leptos_meta::Title;

/// A place that has nothing in it, what it is for, and the way on.
#[component]
pub fn EmptyState(
    /// What there would be.
    title: String,
    /// How it comes to be.
    #[prop(optional)]
    hint: Option<String>,
    /// The way on.
    #[prop(optional)]
    action: Option<AnyView>,
) -> AnyView {
    view! {
        <div class="state small-state">
            {icon(Icon::Tray)}
            <h2>{title}</h2>
            {hint.map(|hint| view! { <p>{hint}</p> })}
            {action}
        </div>
    }
    .into_any()
}

/// What happened, what to do, and the request to quote. Gives the page its HTTP status.
#[component]
pub fn ErrorState(
    /// The error.
    error: AppError,
) -> AnyView {
    error.tell_page_status();
    if error.status == 401 {
        return view! { <ToSignIn/> }.into_any();
    }
    let (sign, title) = match error.status {
        _ if error.code == "feature_off" => (Icon::Lock, tr!(common.switched_off_title)),
        403 => (Icon::Lock, tr!(common.forbidden_title)),
        404 => (Icon::Search, tr!(common.not_found_title)),
        0 => (Icon::Warning, tr!(common.offline_title)),
        _ => (Icon::Warning, tr!(common.error_title)),
    };
    let request = (!error.request_id.is_empty()).then(|| {
        view! { <p class="request-id">{tr!(common.request_id)}" "<code>{error.request_id.clone()}</code></p> }
    });
    let again = !matches!(error.status, 403 | 404 | 422);
    view! {
        <Title text=title.clone()/>
        <div class="state" role="alert">
            {icon(sign)}
            <h1 tabindex="-1">{title}</h1>
            <p>{error.message}</p>
            {(!error.hint.is_empty()).then(|| view! { <p>{error.hint}</p> })}
            {request}
            <p class="row">
                {again.then(|| view! { <a class="btn" href="" rel="external">{tr!(common.try_again)}</a> })}
                <a class="btn" href="/">{tr!(common.to_my_work)}</a>
            </p>
        </div>
    }
    .into_any()
}

/// Sends an anonymous reader to the sign-in page, and back here afterwards.
#[component]
fn ToSignIn() -> AnyView {
    let here = leptos_router::hooks::use_location();
    let href = crate::places::sign_in(&here.pathname.get_untracked());
    #[cfg(feature = "ssr")]
    leptos_axum::redirect(&href);
    let away = href.clone();
    Effect::new(move || crate::browser::leave_for(&away));
    view! {
        <div class="state">
            {icon(Icon::Lock)}
            <h1 tabindex="-1">{tr!(common.sign_in_first)}</h1>
            <a class="btn primary" href=href rel="external">{tr!(common.sign_in)}</a>
        </div>
    }
    .into_any()
}

/// A page that is on its way: grey shapes of about its size, after 300 ms.
#[component]
pub fn Skeleton() -> AnyView {
    view! {
        <div class="skeleton" aria-busy="true" aria-label=tr!(common.loading)>
            <i class="title"></i>
            <i></i>
            <i class="block"></i>
            <i class="block"></i>
        </div>
    }
    .into_any()
}
