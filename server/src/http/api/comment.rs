//! Comments on work items, their links, and watching them.

use super::ask::{Asked, Body, OrRefuse as _, Path};
use super::created;
use super::item::ItemPath;
use super::place::{Made, Person, one_of};
use super::refusals::Changes;
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::response::Response;
use axum::routing::{delete, post, put};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_domain::id::CommentId;
use slipway_domain::item::{self, LinkedItem, Relation};
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};

const COMMENTS: &str = "/api/v1/orgs/{org}/projects/{project}/items/{number}/comments";
const COMMENT: &str = "/api/v1/orgs/{org}/projects/{project}/items/{number}/comments/{comment}";
const LINK: &str = "/api/v1/orgs/{org}/projects/{project}/items/{number}/links/{relation}/{other}";
const WATCH: &str = "/api/v1/orgs/{org}/projects/{project}/items/{number}/watch";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("POST", COMMENTS, Access::SignedIn, || post(add)),
    route("PUT", COMMENT, Access::SignedIn, || put(edit)),
    route("DELETE", COMMENT, Access::SignedIn, || delete(remove)),
    route("PUT", LINK, Access::SignedIn, || put(link)),
    route("DELETE", LINK, Access::SignedIn, || delete(unlink)),
    route("PUT", WATCH, Access::SignedIn, || put(watch)),
    route("DELETE", WATCH, Access::SignedIn, || delete(unwatch)),
];

/// `…/items/{number}/comments/{comment}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct CommentPath {
    /// The organization's slug.
    org: String,
    /// The project's slug.
    project: String,
    /// The item's number in the project.
    number: i64,
    /// The comment's id.
    #[param(value_type = String, format = "uuid")]
    comment: CommentId,
}

/// `…/items/{number}/links/{relation}/{other}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct LinkPath {
    /// The organization's slug.
    org: String,
    /// The project's slug.
    project: String,
    /// The item's number in the project.
    number: i64,
    /// What the item is to the other one.
    #[param(value_type = String)]
    relation: Relation,
    /// The other one's key, as in `CHK-12`.
    other: String,
}

fn relations() -> Object {
    one_of(Relation::ALL.iter().map(|relation| relation.key()))
}

/// A comment.
#[derive(Serialize, ToSchema)]
pub struct Comment {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// Who wrote it.
    author: Person,
    /// Markdown.
    body: String,
    /// The same as HTML that can do no harm.
    html: String,
    /// When it was written.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was changed last.
    #[schema(format = DateTime)]
    edited_at: Option<String>,
    /// Grows with every change.
    version: i64,
}

impl Comment {
    /// As the API says it.
    pub fn of(comment: item::Comment) -> Self {
        Self {
            id: comment.id.to_string(),
            author: Person::of(&comment.author),
            body: comment.body,
            html: comment.html,
            created_at: comment.created_at.rfc3339(),
            edited_at: comment.edited_at.map(slipway_domain::time::Timestamp::rfc3339),
            version: comment.version,
        }
    }
}

/// A link to another item.
#[derive(Serialize, ToSchema)]
pub struct Link {
    /// What this item is to the other one.
    #[schema(schema_with = relations)]
    relation: &'static str,
    /// The other one's key.
    item: String,
}

impl Link {
    /// As the API says it.
    pub fn of(link: LinkedItem) -> Self {
        Self {
            relation: link.relation.key(),
            item: link.item.key,
        }
    }
}

/// What somebody says.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewComment {
    /// Markdown, at most 20,000 characters.
    body: String,
}

/// Says something about a work item.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/items/{number}/comments",
    tag = "Work items",
    operation_id = "comments.create",
    params(ItemPath),
    request_body = NewComment,
    responses((status = 201, description = "It was said", body = Made), Changes)
)]
pub async fn add(
    asked: Asked,
    Path(at): Path<ItemPath>,
    Body(new): Body<NewComment>,
) -> Result<Response, Refusal> {
    let id = slipway_portal::item::add_comment(asked.ctx(), &at.org, &at.project, at.number, &new.body)
        .await
        .or_refuse(&asked)?;
    let item = format!(
        "/api/v1/orgs/{}/projects/{}/items/{}",
        at.org, at.project, at.number
    );
    Ok(created(id.to_string(), item))
}

/// Changes what a comment says: its author may.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/projects/{project}/items/{number}/comments/{comment}",
    tag = "Work items",
    operation_id = "comments.update",
    params(CommentPath),
    request_body = NewComment,
    responses((status = 204, description = "It says that"), Changes)
)]
pub async fn edit(
    asked: Asked,
    Path(at): Path<CommentPath>,
    Body(new): Body<NewComment>,
) -> Result<StatusCode, Refusal> {
    let which = (at.number, at.comment);
    slipway_portal::item::edit_comment(asked.ctx(), &at.org, &at.project, which, &new.body, None)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a comment away: its author may, and whoever may delete items.
#[utoipa::path(
    delete,
    path = "/api/v1/orgs/{org}/projects/{project}/items/{number}/comments/{comment}",
    tag = "Work items",
    operation_id = "comments.remove",
    params(CommentPath),
    responses((status = 204, description = "It is gone"), Changes)
)]
pub async fn remove(asked: Asked, Path(at): Path<CommentPath>) -> Result<StatusCode, Refusal> {
    slipway_portal::item::delete_comment(asked.ctx(), &at.org, &at.project, at.number, at.comment)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn set_link(asked: &Asked, at: &LinkPath, linked: bool) -> Result<StatusCode, Refusal> {
    let link = (at.relation, at.other.as_str(), linked);
    slipway_portal::item::link(asked.ctx(), &at.org, &at.project, at.number, link)
        .await
        .or_refuse(asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Links a work item to another one of the project.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/projects/{project}/items/{number}/links/{relation}/{other}",
    tag = "Work items",
    operation_id = "items.link",
    params(LinkPath),
    responses((status = 204, description = "They are linked"), Changes)
)]
pub async fn link(asked: Asked, Path(at): Path<LinkPath>) -> Result<StatusCode, Refusal> {
    set_link(&asked, &at, true).await
}

/// Takes a link of a work item away.
#[utoipa::path(
    delete,
    path = "/api/v1/orgs/{org}/projects/{project}/items/{number}/links/{relation}/{other}",
    tag = "Work items",
    operation_id = "items.unlink",
    params(LinkPath),
    responses((status = 204, description = "They are not linked so any more"), Changes)
)]
pub async fn unlink(asked: Asked, Path(at): Path<LinkPath>) -> Result<StatusCode, Refusal> {
    set_link(&asked, &at, false).await
}

async fn set_watching(asked: &Asked, at: &ItemPath, watching: bool) -> Result<StatusCode, Refusal> {
    slipway_portal::item::watch(asked.ctx(), &at.org, &at.project, at.number, watching)
        .await
        .or_refuse(asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Begins to watch a work item: the caller is told of what happens to it.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/projects/{project}/items/{number}/watch",
    tag = "Work items",
    operation_id = "items.watch",
    params(ItemPath),
    responses((status = 204, description = "The caller watches it"), Changes)
)]
pub async fn watch(asked: Asked, Path(at): Path<ItemPath>) -> Result<StatusCode, Refusal> {
    set_watching(&asked, &at, true).await
}

/// Ends watching a work item.
#[utoipa::path(
    delete,
    path = "/api/v1/orgs/{org}/projects/{project}/items/{number}/watch",
    tag = "Work items",
    operation_id = "items.unwatch",
    params(ItemPath),
    responses((status = 204, description = "The caller does not watch it"), Changes)
)]
pub async fn unwatch(asked: Asked, Path(at): Path<ItemPath>) -> Result<StatusCode, Refusal> {
    set_watching(&asked, &at, false).await
}
