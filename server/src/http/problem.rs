//! Refusals as RFC 9457 `application/problem+json`; a plain page for those who ask for HTML.

use super::observe::RequestId;
use super::visit::Visit;
use axum::Json;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use slipway_domain::text::Locale;
use slipway_portal::Error;
use slipway_portal::error::VERSION_MISMATCH;
use utoipa::ToSchema;

/// A problem document (RFC 9457), with Slipway's members `code`, `request_id` and `errors`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem<'a> {
    /// A URI for the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP status in words.
    pub title: &'a str,
    /// The HTTP status.
    pub status: u16,
    /// What happened and what to do, in the reader's language.
    pub detail: &'a str,
    /// Stable and for programs, as in `not_found`.
    pub code: &'a str,
    /// The request, for those who look into the log.
    pub request_id: &'a str,
    /// What is wrong with which field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<WrongField<'a>>,
}

/// What is wrong with one field.
#[derive(Debug, Serialize, ToSchema)]
pub struct WrongField<'a> {
    /// Its name in the input.
    pub field: &'a str,
    /// What is wrong, and what to do.
    pub detail: &'a str,
}

/// The HTTP status that goes with an error: the one place where this is decided for REST and forms.
pub fn status(error: &Error) -> StatusCode {
    match error {
        Error::NotFound => StatusCode::NOT_FOUND,
        Error::Unauthenticated => StatusCode::UNAUTHORIZED,
        Error::Forbidden(_) | Error::Scope(_) | Error::Barred { .. } => StatusCode::FORBIDDEN,
        Error::Invalid(_) | Error::Refused { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Stale(_) => StatusCode::PRECONDITION_FAILED,
        Error::Conflict { code, .. } if *code == VERSION_MISMATCH => StatusCode::PRECONDITION_FAILED,
        Error::Conflict { .. } => StatusCode::CONFLICT,
        Error::Limited { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// An error with what its answer depends on.
#[derive(Debug)]
pub struct Refusal {
    error: Error,
    locale: Locale,
    request_id: String,
    wants_html: bool,
}

impl Refusal {
    /// The refusal of `visit`.
    pub fn of(visit: &Visit, error: Error) -> Self {
        Self {
            error,
            locale: visit.ctx.locale(),
            request_id: visit.ctx.request_id().to_owned(),
            wants_html: visit.wants_html,
        }
    }
}

impl Refusal {
    /// Of a request that went around the edge: a bug, which the log has.
    pub fn unknown() -> Self {
        Self {
            error: Error::internal("a request without a visit"),
            locale: Locale::En,
            request_id: String::new(),
            wants_html: false,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if self.wants_html {
            html(&self.error, self.locale, &self.request_id)
        } else {
            json(&self.error, self.locale, &self.request_id)
        }
    }
}

/// The answer to a request whose `headers` say whether a person or a program reads it.
pub fn answer(error: &Error, locale: Locale, headers: &HeaderMap, id: &RequestId) -> Response {
    if wants_html(headers) {
        html(error, locale, &id.0)
    } else {
        json(error, locale, &id.0)
    }
}

/// Whether a person reads the answer.
pub fn wants_html(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .is_some_and(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")))
}

/// What an internal error hides from readers stands in the log.
fn tell_log(error: &Error, request_id: &str) {
    if let Error::Internal(source) = error {
        tracing::error!(request_id, %source, "internal error");
    }
}

fn json(error: &Error, locale: Locale, request_id: &str) -> Response {
    tell_log(error, request_id);
    let (status, text) = (status(error), error.text());
    let errors = error
        .fields()
        .iter()
        .map(|f| WrongField {
            field: &f.field,
            detail: f.text.get(locale),
        })
        .collect();
    let problem = Problem {
        kind: format!("urn:slipway:problem:{}", error.code()),
        title: status.canonical_reason().unwrap_or_default(),
        status: status.as_u16(),
        detail: text.get(locale),
        code: error.code(),
        request_id,
        errors,
    };
    let mut response = (status, Json(problem)).into_response();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    retry_after(error, &mut response);
    response
}

fn html(error: &Error, locale: Locale, request_id: &str) -> Response {
    tell_log(error, request_id);
    let text = error.text();
    let (home, id) = match locale {
        Locale::En => ("To my work", "Request"),
        Locale::ZhCn => ("返回首页", "请求编号"),
    };
    let page = format!(
        "<!DOCTYPE html><html lang=\"{lang}\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>Slipway</title>\
         <h1>Slipway</h1><p>{detail}</p><p>{id} <code>{request_id}</code></p><p><a href=\"/\">{home}</a></p></html>",
        lang = locale.tag(),
        detail = escape(text.get(locale)),
        request_id = escape(request_id),
    );
    let mut response = (status(error), Html(page)).into_response();
    retry_after(error, &mut response);
    response
}

fn retry_after(error: &Error, response: &mut Response) {
    if let Error::Limited { retry_after } = error {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(*retry_after));
    }
}

/// Text as it stands in HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
