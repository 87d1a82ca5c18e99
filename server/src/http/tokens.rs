//! Makes API tokens, a person's own and a project's. That is no server function because the answer has a secret in it:
//! it is sealed into the session, and the page it leads to shows it once.

use super::visit::Visit;
use super::{Edge, flash, problem};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Form};
use http::HeaderMap;
use slipway_app::token::{ACTION, MADE, PROJECT_ACTION};
use slipway_app::{AppError, Flash};
use slipway_domain::token::Scope;
use slipway_portal::token::{self, Input, Made};

/// What the secret is sealed for while it waits for its page.
const CONTEXT: &str = "a token on its way to the page";

/// The longest value that is kept of a field.
const KEPT: usize = 200;

/// Makes a token of the reader's own and leads to the page that shows it.
pub async fn create(
    State(edge): State<Edge>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    Form(fields): Form<Vec<(String, String)>>,
) -> Response {
    let made = token::create(&visit.ctx, input(&fields)).await;
    answer(&edge, &visit, &headers, (ACTION, ACTION), made, fields).await
}

/// Makes a token of the project and leads to the page that shows it.
pub async fn create_for_project(
    State(edge): State<Edge>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    Form(fields): Form<Vec<(String, String)>>,
) -> Response {
    let own = input(&fields);
    let of = |name| value(&fields, name).unwrap_or_default().to_owned();
    let (org, project) = (of("org"), of("project"));
    let input = token::project::Input {
        name: own.name,
        role: of("role"),
        scopes: own.scopes,
        days: own.days,
    };
    let made = token::project::create(&visit.ctx, &org, &project, input).await;
    let page = format!("{}/settings/tokens", slipway_app::places::project(&org, &project));
    answer(&edge, &visit, &headers, (PROJECT_ACTION, &page), made, fields).await
}

/// Leads to the page that shows the token, or what is wrong with the form that posted to `action`.
async fn answer(
    edge: &Edge,
    visit: &Visit,
    headers: &HeaderMap,
    (action, page): (&str, &str),
    made: slipway_portal::Result<Made>,
    fields: Vec<(String, String)>,
) -> Response {
    match made {
        Ok(made) => {
            let sealed = edge.portal.sealer.seal(CONTEXT, &made.secret);
            let flash = Flash {
                form: format!("{action}{MADE}"),
                shown: None,
                error: AppError::default(),
                fields: vec![(String::from("secret"), sealed)],
            };
            flash::leave(edge, visit, flash, page).await
        }
        Err(error) if problem::wants_html(headers) => {
            let kept = |(name, value): (String, String)| (name, value.chars().take(KEPT).collect());
            let flash = Flash {
                form: action.to_owned(),
                shown: None,
                error: flash::shown(visit, &error),
                fields: fields.into_iter().take(20).map(kept).collect(),
            };
            flash::leave(edge, visit, flash, page).await
        }
        Err(error) => problem::Refusal::of(visit, error).into_response(),
    }
}

fn value<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields
        .iter()
        .find(|(field, _)| field == name)
        .map(|(_, value)| value.as_str())
}

fn input(fields: &[(String, String)]) -> Input {
    let scopes = fields
        .iter()
        .filter(|(name, _)| name == "scopes")
        .filter_map(|(_, key)| Scope::from_key(key))
        .collect();
    Input {
        name: value(fields, "name").unwrap_or_default().to_owned(),
        scopes,
        days: value(fields, "days")
            .and_then(|days| days.parse().ok())
            .unwrap_or(0),
    }
}

/// The flash as its page shows it: a token that was just made is opened.
pub fn opened(edge: &Edge, mut flash: Flash) -> Flash {
    if flash.form.ends_with(MADE) {
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
