//! Files that are attached to work items.

use super::ask::{Asked, OrRefuse as _, Path, Query};
use super::item::ItemPath;
use super::place::{Made, Person};
use super::refusals::{Changes, Reads};
use super::{Answer, created};
use crate::http::attachments;
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use slipway_domain::id::AttachmentId;
use slipway_portal::attachment::{self, Opened};
use utoipa::{IntoParams, ToSchema};

const LIST: &str = "/api/v1/orgs/{org}/projects/{project}/items/{number}/attachments";
const ONE: &str = "/api/v1/orgs/{org}/projects/{project}/items/{number}/attachments/{attachment}";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", LIST, Access::SignedIn, || get(list)),
    route("POST", LIST, Access::SignedIn, || {
        post(add).layer(attachments::limit())
    }),
    route("GET", ONE, Access::SignedIn, || get(show)),
    route("DELETE", ONE, Access::SignedIn, || delete(remove)),
];

/// `…/items/{number}/attachments/{attachment}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct AttachmentPath {
    /// The organization's slug.
    org: String,
    /// The project's slug.
    project: String,
    /// The item's number in the project.
    number: i64,
    /// The file's id.
    #[param(value_type = String, format = "uuid")]
    attachment: AttachmentId,
}

/// What a file is called.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FileName {
    /// As in `screenshot.png`; a path is cut off.
    name: String,
}

/// A file that is attached to an item.
#[derive(Serialize, ToSchema)]
pub struct Attachment {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// What it is called.
    name: String,
    /// What its bytes are, whatever its name says.
    media_type: String,
    /// In bytes.
    size: i64,
    /// Who attached it.
    author: Person,
    /// When.
    #[schema(format = DateTime)]
    created_at: String,
    /// Where its bytes are.
    url: String,
}

/// The files of a work item, the oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/items/{number}/attachments",
    tag = "Work items",
    operation_id = "attachments.list",
    params(ItemPath),
    responses((status = 200, description = "They", body = Vec<Attachment>), Reads)
)]
pub async fn list(asked: Asked, Path(at): Path<ItemPath>) -> Answer<Vec<Attachment>> {
    let view = slipway_portal::item::view(asked.ctx(), &at.org, &at.project, at.number)
        .await
        .or_refuse(&asked)?;
    let base = format!(
        "/api/v1/orgs/{}/projects/{}/items/{}/attachments",
        at.org, at.project, at.number
    );
    let files = view.attachments.into_iter().map(|one| Attachment {
        url: format!("{base}/{}", one.id),
        id: one.id.to_string(),
        name: one.name,
        media_type: one.media_type,
        size: one.size,
        author: Person::of(&one.author),
        created_at: one.created_at.rfc3339(),
    });
    Ok(Json(files.collect()))
}

/// Attaches a file to a work item: the body is the file, of at most 10 MiB.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/items/{number}/attachments",
    tag = "Work items",
    operation_id = "attachments.add",
    params(ItemPath, FileName),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, description = "It is attached", body = Made), Changes)
)]
pub async fn add(
    asked: Asked,
    Path(at): Path<ItemPath>,
    Query(file): Query<FileName>,
    content: Bytes,
) -> Result<Response, Refusal> {
    let named = (file.name.as_str(), &content[..]);
    let id = attachment::add(asked.ctx(), &at.org, &at.project, at.number, named)
        .await
        .or_refuse(&asked)?;
    let url = format!(
        "/api/v1/orgs/{}/projects/{}/items/{}/attachments/{id}",
        at.org, at.project, at.number
    );
    Ok(created(id.to_string(), url))
}

/// A file. Pictures are shown where they are asked for by a page; everything else is saved.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/items/{number}/attachments/{attachment}",
    tag = "Work items",
    operation_id = "attachments.show",
    params(AttachmentPath),
    responses(
        (status = 200, description = "Its bytes", body = Vec<u8>, content_type = "application/octet-stream"),
        Reads
    )
)]
pub async fn show(asked: Asked, Path(at): Path<AttachmentPath>) -> Result<Response, Refusal> {
    let file = attachment::open(asked.ctx(), &at.org, &at.project, at.number, at.attachment)
        .await
        .or_refuse(&asked)?;
    Ok(sent(file))
}

/// Bytes that somebody else made. A picture keeps its type, as its own bytes say it; anything else is a row of bytes to
/// be saved, so that no browser runs or draws it. Nothing in it may load or run anything.
fn sent(file: Opened) -> Response {
    let one = file.attachment;
    let (kind, way) = if one.is_image() {
        (one.media_type.clone(), "inline")
    } else {
        (String::from("application/octet-stream"), "attachment")
    };
    // RFC 6266: the plain name for old programs, and RFC 8187 for the rest.
    let plain: String = one
        .name
        .chars()
        .map(|letter| {
            if letter.is_ascii_graphic() && !"\"\\".contains(letter) {
                letter
            } else {
                '_'
            }
        })
        .collect();
    let encoded = slipway_app::places::encode(&one.name);
    let headers = [
        (header::CONTENT_TYPE, kind),
        (
            header::CONTENT_DISPOSITION,
            format!("{way}; filename=\"{plain}\"; filename*=UTF-8''{encoded}"),
        ),
        (header::X_CONTENT_TYPE_OPTIONS, String::from("nosniff")),
        (
            HeaderName::from_static("content-security-policy"),
            String::from("default-src 'none'; sandbox"),
        ),
        (header::CACHE_CONTROL, String::from("private, no-cache")),
    ];
    let mut response = (headers, Body::from_stream(file.content)).into_response();
    // A file that ends too early is seen to.
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, HeaderValue::from(one.size));
    response
}

/// Takes a file away.
#[utoipa::path(
    delete,
    path = "/api/v1/orgs/{org}/projects/{project}/items/{number}/attachments/{attachment}",
    tag = "Work items",
    operation_id = "attachments.remove",
    params(AttachmentPath),
    responses((status = 204, description = "It is gone"), Changes)
)]
pub async fn remove(asked: Asked, Path(at): Path<AttachmentPath>) -> Result<StatusCode, Refusal> {
    attachment::remove(asked.ctx(), &at.org, &at.project, at.number, at.attachment)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
