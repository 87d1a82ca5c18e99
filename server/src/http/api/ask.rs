//! What a handler is given: the path, the query and the body of a request. What does not fit is refused as a problem,
//! like everything else.

use crate::http::problem::Refusal;
use crate::http::visit::Visit;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use http::header;
use http::request::Parts;
use serde::de::DeserializeOwned;
use slipway_domain::text::{Locale, Text};
use slipway_portal::{Error, OpCtx};

/// Who asks, and how refusals are told to them.
pub struct Asked(pub Visit);

impl Asked {
    /// The context for the use case.
    pub fn ctx(&self) -> &OpCtx {
        &self.0.ctx
    }

    /// The reader's language.
    pub fn locale(&self) -> Locale {
        self.0.ctx.locale()
    }

    /// The refusal of this request.
    pub fn refuse(&self, error: Error) -> Refusal {
        Refusal::of(&self.0, error)
    }
}

impl IfMatch {
    /// Refuses an update that was made from another version than `now`. Where there is none any more, the update itself
    /// says so.
    ///
    /// # Errors
    /// 412, as a problem.
    pub fn still(self, asked: &Asked, now: Option<i64>) -> Result<(), Refusal> {
        match (self.0, now) {
            (Some(expected), Some(now)) if expected != now => Err(asked.refuse(Error::version_mismatch())),
            _ => Ok(()),
        }
    }
}

/// The visit that the edge put into the request.
fn visit(parts: &Parts) -> Option<Visit> {
    parts.extensions.get::<Visit>().cloned()
}

fn refusal(parts: &Parts, error: Error) -> Refusal {
    visit(parts).map_or_else(Refusal::unknown, |visit| Refusal::of(&visit, error))
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        visit(parts).map(Self).ok_or_else(Refusal::unknown)
    }
}

/// The parameters of the path. One that is of another shape names nothing that is there.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(found)) => Ok(Self(found)),
            Err(_) => Err(refusal(parts, Error::NotFound)),
        }
    }
}

/// The parameters of the query.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(found)) => Ok(Self(found)),
            Err(wrong) => Err(refusal(
                parts,
                Error::field("query", Text::verbatim(wrong.body_text())),
            )),
        }
    }
}

/// The body: one JSON document.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refusal;
    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let visit = request.extensions().get::<Visit>().cloned();
        match Json::from_request(request, state).await {
            Ok(Json(read)) => Ok(Self(read)),
            Err(wrong) => Err(visit.map_or_else(Refusal::unknown, |visit| {
                Refusal::of(&visit, Error::field("body", unreadable(&wrong)))
            })),
        }
    }
}

fn unreadable(wrong: &JsonRejection) -> Text {
    match wrong {
        JsonRejection::MissingJsonContentType(_) => Text::new(
            "send one JSON document with Content-Type: application/json",
            "请以 Content-Type: application/json 发送一个 JSON 文档",
        ),
        other => Text::verbatim(other.body_text()),
    }
}

/// The version that an update was made from, of `If-Match`; `None`: whatever is there may be changed.
pub struct IfMatch(pub Option<i64>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let Some(sent) = parts.headers.get(header::IF_MATCH) else {
            return Ok(Self(None));
        };
        let text = sent.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Self(None));
        }
        let version = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        match version.and_then(|version| version.parse().ok()) {
            Some(version) => Ok(Self(Some(version))),
            // No version of anything here has such a tag.
            None => Err(refusal(parts, Error::version_mismatch())),
        }
    }
}

/// A result that is told to who asked.
pub trait OrRefuse<T> {
    /// The refusal of `asked` where it is an error.
    ///
    /// # Errors
    /// The error, as a problem.
    fn or_refuse(self, asked: &Asked) -> Result<T, Refusal>;
}

impl<T> OrRefuse<T> for slipway_portal::Result<T> {
    fn or_refuse(self, asked: &Asked) -> Result<T, Refusal> {
        self.map_err(|error| asked.refuse(error))
    }
}
