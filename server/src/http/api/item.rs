//! Work items, the board and iterations.

use super::ask::{Asked, Body, IfMatch, OrRefuse as _, Path};
use super::comment::{Comment, Link};
use super::paging::{Page, Paged};
use super::place::{Made, Person, ProjectPath, one_of};
use super::refusals::{Changes, Reads};
use super::{Answer, created};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post, put};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Deserializer, Serialize};
use slipway_domain::board::ColumnKey;
use slipway_domain::id::{AppId, EnvironmentId, ItemId, IterationId, UserId};
use slipway_domain::item::{self, Card, Category, ItemKind, ItemView, Named, Priority, Severity, StateKey};
use slipway_portal::item::{Base, Edit, IterationInput, MoveInput, NewItem, Set};
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};

const LIST: &str = "/api/v1/orgs/{org}/projects/{project}/items";

const ONE: &str = "/api/v1/orgs/{org}/projects/{project}/items/{number}";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", LIST, Access::SignedIn, || get(list)),
    route("POST", LIST, Access::SignedIn, || post(create)),
    route("GET", ONE, Access::SignedIn, || get(show)),
    route("PATCH", ONE, Access::SignedIn, || patch(edit)),
    route("DELETE", ONE, Access::SignedIn, || delete(remove)),
    route(
        "PUT",
        "/api/v1/orgs/{org}/projects/{project}/items/{number}/state",
        Access::SignedIn,
        || put(set_state),
    ),
    route(
        "PUT",
        "/api/v1/orgs/{org}/projects/{project}/items/{number}/place",
        Access::SignedIn,
        || put(set_place),
    ),
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/bugs",
        Access::SignedIn,
        || get(bugs),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/projects/{project}/iterations",
        Access::SignedIn,
        || post(start_iteration),
    ),
];

/// An item's path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ItemPath {
    /// The organization's slug.
    pub(super) org: String,
    /// The project's slug.
    pub(super) project: String,
    /// The item's number in the project.
    pub(super) number: i64,
}

pub(super) fn kinds() -> Object {
    one_of(ItemKind::ALL.iter().map(|kind| kind.key()))
}

pub(super) fn categories() -> Object {
    one_of(Category::ALL.iter().map(|category| category.key()))
}

fn priorities() -> Object {
    one_of(Priority::ALL.iter().map(|priority| priority.key()))
}

fn severities() -> Object {
    one_of(Severity::ALL.iter().map(|severity| severity.key()))
}

/// A work item.
#[derive(Serialize, ToSchema)]
pub struct Item {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// As in `CHK-12`.
    key: String,
    /// What kind of work.
    #[schema(schema_with = kinds)]
    kind: &'static str,
    /// In one line.
    title: String,
    /// The key of the state it stands in.
    state: String,
    /// What the state counts as.
    #[schema(schema_with = categories)]
    category: &'static str,
    /// How soon it is wanted.
    #[schema(schema_with = priorities)]
    priority: &'static str,
    /// How bad, for bugs.
    severity: Option<&'static str>,
    /// Who does it.
    assignee: Option<Person>,
    /// The estimate.
    points: Option<i64>,
    /// Its labels.
    labels: Vec<String>,
    /// The day it begins.
    #[schema(format = Date)]
    starts_on: Option<String>,
    /// The day it is due.
    #[schema(format = Date)]
    due_on: Option<String>,
    /// Grows with every change: its `ETag`.
    version: i64,
}

impl Item {
    /// As the API says it.
    pub fn of(card: Card) -> Self {
        Self {
            id: card.id.to_string(),
            key: card.key,
            kind: card.kind.key(),
            title: card.title,
            category: card.state.category().key(),
            state: card.state.state_key().to_string(),
            priority: card.priority.key(),
            severity: card.severity.map(Severity::key),
            assignee: card.assignee.as_ref().map(Person::of),
            points: card.points,
            labels: card.labels.iter().map(str::to_owned).collect(),
            starts_on: card.starts_on,
            due_on: card.due_on,
            version: card.version,
        }
    }
}

/// A work item with its history.
#[derive(Serialize, ToSchema)]
pub struct ItemDetail {
    /// The item.
    #[serde(flatten)]
    item: Item,
    /// In as many words as it takes: Markdown.
    description: String,
    /// The same as HTML that can do no harm.
    description_html: String,
    /// What else it refers to.
    #[serde(flatten)]
    refers: Refers,
    /// The items it is linked to.
    links: Vec<Link>,
    /// The keys of its parts.
    parts: Vec<String>,
    /// What is said about it, the oldest first.
    comments: Vec<Comment>,
    /// Who watches it.
    watchers: Vec<Person>,
    /// Who wrote it.
    reporter: Person,
    /// When.
    #[schema(format = DateTime)]
    created_at: String,
    /// The iteration it is planned for.
    iteration: Option<Iteration>,
    /// The states it can go to, for the caller.
    next: Vec<String>,
    /// What happened to it, the newest first.
    events: Vec<Event>,
}

/// Something by its id, with what it is called.
#[derive(Serialize, ToSchema)]
pub struct Ref {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// What it is called: a name, a key such as `CHK-12`, or a release as in `order-api 2.4.1`.
    name: String,
}

impl Ref {
    fn of<I: ToString>(named: Option<&Named<I>>) -> Option<Self> {
        named.map(|named| Self {
            id: named.id.to_string(),
            name: named.name.clone(),
        })
    }
}

/// What an item refers to, besides people.
#[derive(Serialize, ToSchema)]
pub struct Refers {
    /// The app it is about.
    app: Option<Ref>,
    /// What it is a part of.
    parent: Option<Ref>,
    /// The release it was found in.
    found_release: Option<Ref>,
    /// The environment it was found in.
    found_environment: Option<Ref>,
    /// The release it is fixed in.
    fixed_release: Option<Ref>,
    /// The environment the fix was seen in.
    fixed_environment: Option<Ref>,
}

/// A change of an item.
#[derive(Serialize, ToSchema)]
pub struct Event {
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// Who; none: Slipway itself.
    by: Option<Person>,
    /// Which field.
    field: String,
    /// Its value before.
    before: String,
    /// Its value after.
    after: String,
}

/// An iteration.
#[derive(Serialize, ToSchema)]
pub struct Iteration {
    /// Its number in the project.
    number: i64,
    /// For people.
    name: String,
    /// What it is for.
    goal: String,
    /// Its first day.
    #[schema(format = Date)]
    starts_on: String,
    /// Its last day.
    #[schema(format = Date)]
    ends_on: String,
}

impl Iteration {
    pub(super) fn of(iteration: item::IterationRef) -> Self {
        Self {
            number: iteration.number,
            name: iteration.name,
            goal: iteration.goal,
            starts_on: iteration.starts_on,
            ends_on: iteration.ends_on,
        }
    }
}

impl ItemDetail {
    fn of(view: ItemView) -> Self {
        let events = view.events.into_iter().map(|event| Event {
            at: event.at.rfc3339(),
            by: event.by.as_ref().map(Person::of),
            field: event.field,
            before: event.before.key,
            after: event.after.key,
        });
        let held = &view.content;
        let refers = Refers {
            app: Ref::of(held.app.as_ref()),
            parent: Ref::of(held.parent.as_ref()),
            found_release: Ref::of(held.found_release.as_ref()),
            found_environment: Ref::of(held.found_environment.as_ref()),
            fixed_release: Ref::of(held.fixed_release.as_ref()),
            fixed_environment: Ref::of(held.fixed_environment.as_ref()),
        };
        Self {
            item: Item::of(view.card),
            description: view.content.description,
            description_html: view.html,
            refers,
            links: view.links.into_iter().map(Link::of).collect(),
            parts: view.parts.into_iter().map(|part| part.key).collect(),
            comments: view.comments.into_iter().map(Comment::of).collect(),
            watchers: view.watchers.iter().map(Person::of).collect(),
            reporter: Person::of(&view.reporter),
            created_at: view.created_at.rfc3339(),
            iteration: view.iteration.map(Iteration::of),
            next: view.next.iter().map(|state| state.key().to_owned()).collect(),
            events: events.collect(),
        }
    }
}

/// An item to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWorkItem {
    /// What kind of work.
    #[schema(schema_with = kinds)]
    kind: ItemKind,
    /// In one line, at most 200 characters.
    title: String,
    /// In as many words as it takes.
    #[serde(default)]
    description: String,
    /// How soon it is wanted; `normal` where it is left out.
    #[schema(schema_with = priorities)]
    priority: Option<Priority>,
    /// How bad, for bugs.
    #[schema(schema_with = severities)]
    severity: Option<Severity>,
    /// The id of who does it.
    #[schema(value_type = Option<String>, format = "uuid")]
    assignee: Option<UserId>,
    /// The estimate, 0 to 100.
    points: Option<i64>,
    /// Whether it joins the iteration that runs.
    #[serde(default)]
    into_iteration: bool,
    /// The key of the column of the board that it is put into; where it is left out, it stands where new items do.
    #[schema(value_type = Option<String>)]
    column: Option<ColumnKey>,
}

/// What becomes of an item: what is left out stays as it is, and `null` empties.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditedItem {
    /// In one line, at most 200 characters.
    title: Option<String>,
    /// Markdown.
    description: Option<String>,
    /// How soon it is wanted.
    #[schema(schema_with = priorities)]
    priority: Option<Priority>,
    /// How bad, for bugs.
    #[schema(schema_with = severities)]
    severity: Option<Severity>,
    /// The id of who does it.
    #[serde(default, deserialize_with = "set")]
    #[schema(value_type = Option<String>, format = "uuid")]
    assignee: Set<UserId>,
    /// The id of an iteration that is not closed.
    #[serde(default, deserialize_with = "set")]
    #[schema(value_type = Option<String>, format = "uuid")]
    iteration: Set<IterationId>,
    /// The id of the app it is about.
    #[serde(default, deserialize_with = "set")]
    #[schema(value_type = Option<String>, format = "uuid")]
    app: Set<AppId>,
    /// The key of what it is a part of; empty: nothing.
    parent: Option<String>,
    /// Its labels.
    labels: Option<Vec<String>>,
    /// The estimate, 0 to 100.
    #[serde(default, deserialize_with = "set")]
    #[schema(value_type = Option<i64>)]
    points: Set<i64>,
    /// The day it begins, not after the day it is due; empty: none.
    starts_on: Option<String>,
    /// The day it is due; empty: none.
    due_on: Option<String>,
    /// An app and a version, as in `order-api 2.4.1`; empty: none.
    found_release: Option<String>,
    /// The id of the environment it was found in.
    #[serde(default, deserialize_with = "set")]
    #[schema(value_type = Option<String>, format = "uuid")]
    found_environment: Set<EnvironmentId>,
    /// An app and a version, as in `order-api 2.4.1`; empty: none.
    fixed_release: Option<String>,
    /// The id of the environment the fix was seen in.
    #[serde(default, deserialize_with = "set")]
    #[schema(value_type = Option<String>, format = "uuid")]
    fixed_environment: Set<EnvironmentId>,
}

fn set<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Set<T>, D::Error> {
    Option::<T>::deserialize(from).map(Set::from)
}

/// The state that an item should have.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewState {
    /// Its key; the item's workflow must lead there.
    #[schema(value_type = String)]
    state: StateKey,
}

/// The place on the board that an item should have.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPlace {
    /// The key of the column; where it is left out, the item stays in its own.
    #[schema(value_type = Option<String>)]
    column: Option<ColumnKey>,
    /// The id of the item above it.
    #[schema(value_type = Option<String>, format = "uuid")]
    after: Option<ItemId>,
    /// The id of the item below it.
    #[schema(value_type = Option<String>, format = "uuid")]
    before: Option<ItemId>,
}

/// An iteration to be started.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIteration {
    /// For people.
    name: String,
    /// What it is for.
    #[serde(default)]
    goal: String,
    /// Its first day.
    #[schema(format = Date)]
    starts_on: String,
    /// Its last day.
    #[schema(format = Date)]
    ends_on: String,
}

impl From<EditedItem> for Edit {
    fn from(new: EditedItem) -> Self {
        Self {
            title: new.title,
            description: new.description,
            priority: new.priority,
            severity: new.severity,
            assignee: new.assignee,
            iteration: new.iteration,
            app: new.app,
            parent: new.parent,
            labels: new.labels.map(|labels| labels.join(",")),
            points: new.points,
            starts_on: new.starts_on,
            due_on: new.due_on,
            found_release: new.found_release,
            found_environment: new.found_environment,
            fixed_release: new.fixed_release,
            fixed_environment: new.fixed_environment,
        }
    }
}

impl From<NewIteration> for IterationInput {
    fn from(new: NewIteration) -> Self {
        Self {
            name: new.name,
            goal: new.goal,
            starts_on: new.starts_on,
            ends_on: new.ends_on,
        }
    }
}

/// The work items of a project, by number.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/items",
    tag = "Work items",
    operation_id = "items.list",
    params(ProjectPath, Page),
    responses((status = 200, description = "A page of them", body = Vec<Item>), Reads)
)]
pub async fn list(asked: Asked, Path(at): Path<ProjectPath>, page: Page) -> Result<Paged<Item>, Refusal> {
    let after = page.from().or_refuse(&asked)?.unwrap_or(0);
    let cards = slipway_portal::item::list(
        asked.ctx(),
        &at.org,
        &at.project,
        after,
        slipway_portal::item::MOST,
    )
    .await
    .or_refuse(&asked)?;
    let more = i64::try_from(cards.len()).is_ok_and(|count| count >= slipway_portal::item::MOST);
    let number = |card: &Card| card.key.rsplit('-').next().unwrap_or_default().to_owned();
    Ok(page.take(cards, more, number).map(Item::of))
}

/// Makes a work item.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/items",
    tag = "Work items",
    operation_id = "items.create",
    params(ProjectPath),
    request_body = NewWorkItem,
    responses((status = 201, description = "It was made", body = Made), Changes)
)]
pub async fn create(
    asked: Asked,
    Path(at): Path<ProjectPath>,
    Body(new): Body<NewWorkItem>,
) -> Result<Response, Refusal> {
    let input = NewItem {
        kind: new.kind,
        title: new.title,
        description: new.description,
        priority: new.priority.unwrap_or(Priority::Normal),
        severity: new.severity,
        assignee: new.assignee,
        points: new.points,
        into_iteration: new.into_iteration,
        column: new.column,
        more: slipway_portal::item::Edit::default(),
    };
    let number = slipway_portal::item::create(asked.ctx(), &at.org, &at.project, input)
        .await
        .or_refuse(&asked)?;
    let url = format!("/api/v1/orgs/{}/projects/{}/items/{number}", at.org, at.project);
    Ok(created(number.to_string(), url))
}

/// A work item with its history. Its `ETag` is for the `If-Match` of an update.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/items/{number}",
    tag = "Work items",
    operation_id = "items.show",
    params(ItemPath),
    responses(
        (status = 200, description = "The item", body = ItemDetail, headers(("ETag" = String))),
        Reads
    )
)]
pub async fn show(asked: Asked, Path(at): Path<ItemPath>) -> Result<Response, Refusal> {
    let view = slipway_portal::item::view(asked.ctx(), &at.org, &at.project, at.number)
        .await
        .or_refuse(&asked)?;
    let tag = HeaderValue::try_from(format!("\"{}\"", view.card.version));
    let mut response = Json(ItemDetail::of(view)).into_response();
    if let Ok(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// Changes what is written into a work item; with `If-Match`, only where that is still its version. A refusal tells both
/// values of every field that was changed since.
#[utoipa::path(
    patch,
    path = "/api/v1/orgs/{org}/projects/{project}/items/{number}",
    tag = "Work items",
    operation_id = "items.edit",
    params(ItemPath, ("If-Match" = Option<String>, Header, description = "The ETag it was read with")),
    request_body = EditedItem,
    responses((status = 204, description = "It holds that"), Changes)
)]
pub async fn edit(
    asked: Asked,
    Path(at): Path<ItemPath>,
    IfMatch(expected): IfMatch,
    Body(new): Body<EditedItem>,
) -> Result<StatusCode, Refusal> {
    let base = expected.map_or(Base::Any, Base::Exactly);
    slipway_portal::item::update(asked.ctx(), &at.org, &at.project, at.number, new.into(), base)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a work item; with `If-Match`, only where that is still its version. Its history stays and counts.
#[utoipa::path(
    delete,
    path = "/api/v1/orgs/{org}/projects/{project}/items/{number}",
    tag = "Work items",
    operation_id = "items.remove",
    params(ItemPath, ("If-Match" = Option<String>, Header, description = "The ETag it was read with")),
    responses((status = 204, description = "It is gone"), Changes)
)]
pub async fn remove(
    asked: Asked,
    Path(at): Path<ItemPath>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Refusal> {
    slipway_portal::item::delete(asked.ctx(), &at.org, &at.project, at.number, expected)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes the state of a work item; with `If-Match`, only where that is still its version.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/projects/{project}/items/{number}/state",
    tag = "Work items",
    operation_id = "items.set_state",
    params(ItemPath, ("If-Match" = Option<String>, Header, description = "The ETag it was read with")),
    request_body = NewState,
    responses((status = 204, description = "It has that state"), Changes)
)]
pub async fn set_state(
    asked: Asked,
    Path(at): Path<ItemPath>,
    IfMatch(expected): IfMatch,
    Body(new): Body<NewState>,
) -> Result<StatusCode, Refusal> {
    let (org, project) = (&at.org, &at.project);
    slipway_portal::item::set_state(asked.ctx(), org, project, at.number, &new.state, expected)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Moves a work item on the board; with `If-Match`, only where that is still its version.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/projects/{project}/items/{number}/place",
    tag = "Work items",
    operation_id = "items.set_place",
    params(ItemPath, ("If-Match" = Option<String>, Header, description = "The ETag it was read with")),
    request_body = NewPlace,
    responses((status = 204, description = "It stands there"), Changes)
)]
pub async fn set_place(
    asked: Asked,
    Path(at): Path<ItemPath>,
    IfMatch(expected): IfMatch,
    Body(new): Body<NewPlace>,
) -> Result<StatusCode, Refusal> {
    let input = MoveInput {
        number: at.number,
        column: new.column,
        after: new.after,
        before: new.before,
        expected,
    };
    slipway_portal::item::move_to(asked.ctx(), &at.org, &at.project, input)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The bugs of a project: the open ones first, by severity, then by age; at most 200.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/bugs",
    tag = "Work items",
    operation_id = "bugs.list",
    params(ProjectPath),
    responses((status = 200, description = "The bugs", body = Vec<Item>), Reads)
)]
pub async fn bugs(asked: Asked, Path(at): Path<ProjectPath>) -> Answer<Vec<Item>> {
    let list = slipway_portal::item::bugs(asked.ctx(), &at.org, &at.project)
        .await
        .or_refuse(&asked)?;
    Ok(Json(
        list.bugs.into_iter().map(|bug| Item::of(bug.card)).collect(),
    ))
}

/// Starts an iteration.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/iterations",
    tag = "Work items",
    operation_id = "iterations.start",
    params(ProjectPath),
    request_body = NewIteration,
    responses((status = 201, description = "It runs", body = Made), Changes)
)]
pub async fn start_iteration(
    asked: Asked,
    Path(at): Path<ProjectPath>,
    Body(new): Body<NewIteration>,
) -> Result<Response, Refusal> {
    let number = slipway_portal::item::start_iteration(asked.ctx(), &at.org, &at.project, new.into())
        .await
        .or_refuse(&asked)?;
    let url = format!("/api/v1/orgs/{}/projects/{}/board", at.org, at.project);
    Ok(created(number.to_string(), url))
}
