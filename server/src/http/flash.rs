//! Plain form posts to server functions: what was typed and why it was refused is kept in the session and
//! shown by the next page, once. Secrets are never kept.

use super::observe::RequestId;
use super::visit::Visit;
use super::{Edge, local, problem};
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderValue, Method, StatusCode, header};
use server_fn::error::ServerFnUrlError;
use slipway_app::{AppError, Flash};
use slipway_domain::text::{Locale, Text};
use slipway_portal::Error;

/// The largest form, in bytes.
const FORM_MAX: usize = 256 * 1024;

/// The longest value that is kept of a field, in bytes: the description of a work item is the longest text there is.
const VALUE_MAX: usize = 200 * 1024;

/// How many fields are kept: a page of boxes to tick has a hundred.
const FIELDS_MOST: usize = 256;

/// A posted form.
pub struct Form {
    action: String,
    referrer: String,
    fields: Vec<(String, String)>,
}

/// Whether a browser posts a form by itself, without a script.
pub fn is_plain_form(request: &Request) -> bool {
    let content = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    *request.method() == Method::POST
        && content.starts_with("application/x-www-form-urlencoded")
        && problem::wants_html(request.headers())
}

/// Reads the form and hands the request on as it was. A `Referer` is added where the browser sent none:
/// the server function redirects to it.
pub async fn read_form(edge: &Edge, request: Request) -> Result<(Request, Form), Response> {
    let id = RequestId::of(request.extensions());
    let (mut parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, FORM_MAX).await else {
        let error = Error::refused("form_too_large", "The form is too large.", "表单内容过大。");
        let mut response = problem::answer(&error, Locale::En, &parts.headers, &id);
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return Err(response);
    };
    let came_from = parts
        .headers
        .get(header::REFERER)
        .and_then(|v| v.to_str().ok())
        .map(local::of_url);
    let referrer = came_from.unwrap_or_else(|| String::from("/"));
    let full = format!("{}{referrer}", edge.portal.public_url);
    if let Ok(value) = HeaderValue::try_from(full) {
        parts.headers.insert(header::REFERER, value);
    }
    let fields = url::form_urlencoded::parse(&bytes).into_owned().collect();
    let form = Form {
        action: parts.uri.path().to_owned(),
        referrer,
        fields,
    };
    Ok((Request::from_parts(parts, Body::from(bytes)), form))
}

/// The error that the redirect of a refused form carries.
fn error_in(location: &str) -> Option<AppError> {
    let url = url::Url::parse(location).ok()?;
    let (_, encoded) = url.query_pairs().find(|(name, _)| name == "__err")?;
    Some(ServerFnUrlError::<AppError>::decode_err(&encoded))
}

/// Turns the answer to a plain form into a redirect that carries nothing in its address.
/// `once` is what a form that went well has to show: the next page does, and never again.
pub async fn keep_failure(
    edge: &Edge,
    visit: &Visit,
    form: Form,
    once: Option<String>,
    response: Response,
) -> Response {
    let location = response
        .headers()
        .get(header::LOCATION)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let Some(error) = error_in(&location) else {
        if once.is_some() {
            let flash = Flash {
                form: form.action,
                shown: once,
                ..Flash::default()
            };
            return leave(edge, visit, flash, &form.referrer).await;
        }
        // 302 and 303 mean the same to browsers; 303 says it.
        let mut response = response;
        if response.status() == StatusCode::FOUND {
            *response.status_mut() = StatusCode::SEE_OTHER;
            if let Ok(value) = HeaderValue::try_from(local_of(&location)) {
                response.headers_mut().insert(header::LOCATION, value);
            }
        }
        return response;
    };
    if error.status == 401 {
        let expired = local::with("/sign-in?error=expired", "next", &form.referrer);
        return Redirect::to(&expired).into_response();
    }
    let flash = Flash {
        form: form.action,
        error,
        fields: without_secrets(form.fields),
        shown: None,
    };
    leave(edge, visit, flash, &form.referrer).await
}

fn local_of(location: &str) -> String {
    if location.contains("://") {
        local::of_url(location)
    } else {
        local::path(location).to_owned()
    }
}

/// Leaves `flash` for the page at `path` and leads there.
pub async fn leave(edge: &Edge, visit: &Visit, flash: Flash, path: &str) -> Response {
    match edge.sessions.leave_flash(visit.session.as_ref(), flash).await {
        Ok(cookie) => {
            let mut response = Redirect::to(local::path(path)).into_response();
            if let Some(cookie) = cookie {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(error) => problem::Refusal::of(visit, error).into_response(),
    }
}

/// The error as the app shows it.
pub fn shown(visit: &Visit, error: &Error) -> AppError {
    let locale = visit.ctx.locale();
    let fields = error
        .fields()
        .iter()
        .map(|f| (f.field.clone(), text(&f.text, locale)))
        .collect();
    AppError {
        code: error.code().to_owned(),
        status: problem::status(error).as_u16(),
        message: text(&error.text(), locale),
        hint: String::new(),
        fields,
        request_id: visit.ctx.request_id().to_owned(),
    }
}

fn text(text: &Text, locale: Locale) -> String {
    text.get(locale).to_owned()
}

fn without_secrets(fields: Vec<(String, String)>) -> Vec<(String, String)> {
    let secret = |name: &str| {
        let name = name.to_ascii_lowercase();
        name == "code"
            || ["password", "secret", "token", "kubeconfig"]
                .iter()
                .any(|word| name.contains(word))
    };
    fields
        .into_iter()
        .filter(|(name, value)| !secret(name) && value.len() <= VALUE_MAX)
        .take(FIELDS_MOST)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_never_kept() {
        let pairs = |names: &[&str]| {
            names
                .iter()
                .map(|n| ((*n).to_owned(), String::from("x")))
                .collect::<Vec<_>>()
        };
        let kept = without_secrets(pairs(&[
            "name",
            "Password",
            "hook_token",
            "client_secret",
            "kubeconfig",
            "code",
            "comment",
        ]));
        assert_eq!(kept, pairs(&["name", "comment"]));
    }

    #[test]
    fn the_error_is_read_from_the_redirect_and_nowhere_else() {
        let error = AppError {
            code: String::from("x"),
            status: 409,
            ..AppError::default()
        };
        let url = ServerFnUrlError::new("/api/fn/x", error.clone())
            .to_url("http://127.0.0.1/orgs?a=b")
            .unwrap();
        assert_eq!(error_in(url.as_str()), Some(error));
        assert_eq!(error_in("http://127.0.0.1/orgs?a=b"), None);
        assert_eq!(error_in("/orgs"), None);
    }
}
