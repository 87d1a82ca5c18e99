//! How refusals are described in the OpenAPI document: every one is a problem (RFC 9457).

use std::collections::BTreeMap;
use utoipa::IntoResponses;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::{Ref, RefOr, Response, ResponseBuilder};

/// The refusals of what only reads.
pub struct Reads;

/// The refusals of what changes something.
pub struct Changes;

const READS: &[(&str, &str)] = &[
    ("401", "No session and no valid token was sent"),
    (
        "403",
        "You see this, but may not do it; or the token lacks the scope",
    ),
    ("404", "It is not there, or you may not see it"),
    ("422", "A parameter or a field is wrong; `errors` says which"),
    ("429", "Too many requests; `Retry-After` says when to go on"),
    (
        "503",
        "GitLab, a cluster or the database does not answer; nothing was changed",
    ),
];

const CHANGES: &[(&str, &str)] = &[
    (
        "409",
        "It is not in the state for that, or another request with the same key is under way",
    ),
    ("412", "It was changed since the version of `If-Match`"),
    ("413", "The body is too large"),
];

fn problem(description: &str) -> RefOr<Response> {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    let response = ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", content)
        .build();
    RefOr::T(response)
}

fn described(all: &[&[(&str, &str)]]) -> BTreeMap<String, RefOr<Response>> {
    all.iter()
        .flat_map(|some| some.iter())
        .map(|(status, description)| ((*status).to_owned(), problem(description)))
        .collect()
}

impl IntoResponses for Reads {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        described(&[READS])
    }
}

impl IntoResponses for Changes {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        described(&[READS, CHANGES])
    }
}
