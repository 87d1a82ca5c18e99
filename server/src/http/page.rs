//! Pages, server functions and the files of the built site.

use super::observe::RequestId;
use super::visit::Visit;
use super::{Edge, flash, headers, problem, rendered, tokens};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, on};
use axum::{Extension, handler::Handler as _};
use http::{HeaderValue, Method, header};
use leptos::nonce::use_nonce;
use leptos::prelude::{provide_context, use_context};
use leptos_axum::ResponseOptions;
use slipway_app::design::flash::Once;
use slipway_app::{App, Flash, shell};
use slipway_domain::text::Locale;
use slipway_portal::Error;
use tower_http::services::ServeDir;

/// Routes to every page and every server function, and to the files of the built site for the rest.
///
/// # Panics
/// Where a server function is neither read nor posted: a bug that the first start shows.
pub fn routes(edge: &Edge) -> Router<Edge> {
    let mut router = Router::new();
    for listing in leptos_axum::generate_route_list(App) {
        router = router.route(listing.path(), get(page));
    }
    for (path, method) in server_fn::axum::server_fn_paths() {
        let filter = method.try_into().expect("server functions are read or posted");
        router = router.route(path, on(filter, server_function));
    }
    let pkg = edge.pages.site_root.to_string();
    let files = ServeDir::new(pkg)
        .append_index_html_on_directories(false)
        .precompressed_br()
        .precompressed_gzip()
        .call_fallback_on_method_not_allowed(true)
        .fallback(missing.with_state(edge.clone()));
    let files = tower::ServiceBuilder::new().layer(from_fn(cached)).service(files);
    router.fallback_service(files)
}

/// File names stay the same from build to build, so browsers keep files but ask whether they changed.
async fn cached(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.headers().contains_key(header::LAST_MODIFIED) {
        response.headers_mut().insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("public, no-cache"),
        );
    }
    response
}

/// A page of the app. What a failed plain form left behind is shown, once.
async fn page(State(edge): State<Edge>, Extension(visit): Extension<Visit>, request: Request) -> Response {
    let taken = match &visit.session {
        Some(session) => edge.sessions.take_flash(session).await,
        None => Ok(None),
    };
    match taken {
        Ok(Some(flash)) => render(&edge, visit, Some(tokens::opened(&edge, flash)), request).await,
        Ok(None) => {
            let (parts, body) = request.into_parts();
            let key = rendered::Key::of(&visit, &parts);
            let request = Request::from_parts(parts, body);
            rendered::or_else(&edge, key, render(&edge, visit, None, request)).await
        }
        Err(error) => problem::answer(
            &error,
            visit.ctx.locale(),
            request.headers(),
            &RequestId::of(request.extensions()),
        ),
    }
}

async fn render(edge: &Edge, visit: Visit, flash: Option<Flash>, request: Request) -> Response {
    let (ctx, ways, pages) = (visit.ctx, edge.ways.clone(), edge.pages.clone());
    let context = move || {
        provide_context(ctx.clone());
        provide_context(ctx.locale());
        provide_context(flash.clone());
        provide_context(ways.clone());
        if let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>())
            && let Ok(policy) = HeaderValue::try_from(headers::page_policy(&nonce))
        {
            response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
    };
    leptos_axum::render_app_async_with_context(context, move || shell(pages.clone()))(request).await
}

/// What is neither a page nor a file: the app's own page for it, or a problem for programs.
async fn missing(State(edge): State<Edge>, request: Request) -> Response {
    let visit = request.extensions().get::<Visit>().cloned();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    match visit {
        Some(visit) if reads && problem::wants_html(request.headers()) => {
            let mut response = render(&edge, visit, None, request).await;
            if response.status().is_success() {
                *response.status_mut() = http::StatusCode::NOT_FOUND;
            }
            response
        }
        visit => {
            let locale = visit.map_or(Locale::En, |visit| visit.ctx.locale());
            let mut headers = request.headers().clone();
            headers.remove(header::ACCEPT);
            problem::answer(
                &Error::NotFound,
                locale,
                &headers,
                &RequestId::of(request.extensions()),
            )
        }
    }
}

/// A server function. A plain form's failure is kept for the page it came from.
async fn server_function(
    State(edge): State<Edge>,
    Extension(visit): Extension<Visit>,
    request: Request,
) -> Response {
    if !flash::is_plain_form(&request) {
        return call(&edge, &visit, Once::default(), request).await;
    }
    let (request, form) = match flash::read_form(&edge, request).await {
        Ok(read) => read,
        Err(response) => return response,
    };
    let once = Once::default();
    let response = call(&edge, &visit, once.clone(), request).await;
    flash::keep_failure(&edge, &visit, form, once.take(), response).await
}

async fn call(edge: &Edge, visit: &Visit, once: Once, request: Request<Body>) -> Response {
    let (ctx, ways) = (visit.ctx.clone(), edge.ways.clone());
    let context = move || {
        provide_context(ctx.clone());
        provide_context(ctx.locale());
        provide_context(ways.clone());
        provide_context(once.clone());
    };
    leptos_axum::handle_server_fns_with_context(context, request)
        .await
        .into_response()
}
