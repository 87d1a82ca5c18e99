//! The one error a server function answers with, and every page shows.

use serde::{Deserialize, Serialize};
use server_fn::codec::JsonEncoding;
use server_fn::error::{FromServerFnError, ServerFnErrorErr};

/// What went wrong, what to do, and the id to quote. Words are in the reader's language already.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppError {
    /// Stable and for programs, as in `promotion.superseded`.
    pub code: String,
    /// The HTTP status that goes with it; 0 when no answer came.
    pub status: u16,
    /// What happened.
    pub message: String,
    /// What to do about it; may be empty.
    pub hint: String,
    /// Field name → what is wrong with it.
    pub fields: Vec<(String, String)>,
    /// The request, for those who look into the log.
    pub request_id: String,
}

impl AppError {
    /// No answer came from the server.
    pub fn offline() -> Self {
        Self {
            code: String::from("offline"),
            message: crate::tr!(common.offline),
            hint: crate::tr!(common.offline_hint),
            ..Self::default()
        }
    }

    /// There is nothing at this address, or the reader may not know of it.
    pub fn not_found() -> Self {
        Self {
            code: String::from("not_found"),
            status: 404,
            message: crate::tr!(common.not_found),
            hint: crate::tr!(common.not_found_hint),
            ..Self::default()
        }
    }

    /// The request could not be read.
    fn unreadable(detail: String) -> Self {
        Self {
            code: String::from("request.unreadable"),
            status: 400,
            message: crate::tr!(common.unreadable),
            hint: detail,
            ..Self::default()
        }
    }

    /// What is wrong with the field `name`, if anything.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, wrong)| wrong.as_str())
    }
}

impl std::fmt::Display for AppError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => Self::offline(),
            ServerFnErrorErr::Args(detail)
            | ServerFnErrorErr::MissingArg(detail)
            | ServerFnErrorErr::Deserialization(detail) => {
                let error = Self::unreadable(detail);
                error.tell_status();
                error
            }
            other => Self {
                code: String::from("internal"),
                status: 500,
                message: crate::tr!(common.internal),
                hint: other.to_string(),
                ..Self::default()
            },
        }
    }
}

#[cfg(feature = "ssr")]
mod status {
    use super::AppError;
    use leptos::prelude::use_context;

    fn set(status: u16) {
        if let (Some(response), Ok(status)) = (
            use_context::<leptos_axum::ResponseOptions>(),
            http::StatusCode::from_u16(status),
        ) {
            response.set_status(status);
        }
    }

    fn wants_html() -> bool {
        use_context::<http::request::Parts>().is_some_and(|parts| {
            let accept = parts.headers.get(http::header::ACCEPT);
            accept.is_some_and(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")))
        })
    }

    impl AppError {
        /// Gives the answer of a server function this error's HTTP status. A plain form gets a redirect.
        pub(crate) fn tell_status(&self) {
            if !wants_html() {
                set(self.status);
            }
        }

        /// Gives the page that shows this error its HTTP status.
        pub(crate) fn tell_page_status(&self) {
            set(if self.status == 0 { 503 } else { self.status });
        }
    }

    impl From<slipway_portal::Error> for AppError {
        fn from(error: slipway_portal::Error) -> Self {
            use slipway_portal::Error as E;
            let locale = crate::i18n::locale();
            let status = match &error {
                E::NotFound => 404,
                E::Unauthenticated => 401,
                E::Forbidden(_) | E::Scope(_) | E::Barred { .. } => 403,
                E::Invalid(_) | E::Refused { .. } => 422,
                E::Conflict { .. } | E::Stale(_) => 409,
                E::Limited { .. } => 429,
                E::Unavailable { .. } => 503,
                E::Internal(_) => 500,
            };
            let fields = error
                .fields()
                .iter()
                .map(|f| (f.field.clone(), f.text.get(locale).to_owned()))
                .collect();
            let request_id = use_context::<slipway_portal::OpCtx>().map(|ctx| ctx.request_id().to_owned());
            let shown = Self {
                code: error.code().to_owned(),
                status,
                message: error.text().get(locale).to_owned(),
                hint: String::new(),
                fields,
                request_id: request_id.unwrap_or_default(),
            };
            shown.tell_status();
            shown
        }
    }
}

#[cfg(not(feature = "ssr"))]
#[expect(clippy::unused_self, reason = "the browser has no answer to give a status to")]
impl AppError {
    pub(crate) const fn tell_status(&self) {}
    pub(crate) const fn tell_page_status(&self) {}
}
