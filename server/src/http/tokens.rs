//! `POST /me/tokens`: makes an API token. It is no server function because the answer has a secret in it: that is
//! sealed into the session, and the page it leads to shows it once.

use super::visit::Visit;
use super::{Edge, flash, problem};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Form};
use http::HeaderMap;
use slipway_app::token::{ACTION, MADE};
use slipway_app::{AppError, Flash};
use slipway_domain::token::Scope;
use slipway_portal::token::{self, Input};

/// What the secret is sealed for while it waits for its page.
const CONTEXT: &str = "a token on its way to the page";

/// The longest value that is kept of a field.
const KEPT: usize = 200;

/// Makes a token and leads to the page that shows it.
pub async fn create(
    State(edge): State<Edge>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    Form(fields): Form<Vec<(String, String)>>,
) -> Response {
    match token::create(&visit.ctx, input(&fields)).await {
        Ok(made) => {
            let sealed = edge.portal.sealer.seal(CONTEXT, &made.secret);
            let flash = Flash {
                form: MADE.to_owned(),
                shown: None,
                error: AppError::default(),
                fields: vec![(String::from("secret"), sealed)],
            };
            flash::leave(&edge, &visit, flash, ACTION).await
        }
        Err(error) if problem::wants_html(&headers) => {
            let kept = |(name, value): (String, String)| (name, value.chars().take(KEPT).collect());
            let flash = Flash {
                form: ACTION.to_owned(),
                shown: None,
                error: flash::shown(&visit, &error),
                fields: fields.into_iter().take(20).map(kept).collect(),
            };
            flash::leave(&edge, &visit, flash, ACTION).await
        }
        Err(error) => problem::Refusal::of(&visit, error).into_response(),
    }
}

fn input(fields: &[(String, String)]) -> Input {
    let value = |name: &str| {
        fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    };
    let scopes = fields
        .iter()
        .filter(|(name, _)| name == "scopes")
        .filter_map(|(_, key)| Scope::from_key(key))
        .collect();
    Input {
        name: value("name").unwrap_or_default().to_owned(),
        scopes,
        days: value("days").and_then(|days| days.parse().ok()).unwrap_or(0),
    }
}

/// The flash as its page shows it: a token that was just made is opened.
pub fn opened(edge: &Edge, mut flash: Flash) -> Flash {
    if flash.form == MADE {
        for (_, value) in &mut flash.fields {
            match edge.portal.sealer.open(CONTEXT, value) {
                Ok(secret) => *value = secret,
                // The key was taken away meanwhile: the token must be made again.
                Err(error) => {
                    tracing::error!(%error, "a token on its way to its page does not open");
                    value.clear();
                }
            }
        }
    }
    flash
}
