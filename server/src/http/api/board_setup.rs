//! The board, and how it is set up: workflows, columns, limits, switches.

use super::Answer;
use super::ask::{Asked, Body, IfMatch, OrRefuse as _, Path};
use super::item::{Item, Iteration, categories, kinds};
use super::place::{ProjectPath, one_of};
use super::refusals::{Changes, Reads};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use slipway_domain::access::Role;
use slipway_domain::board::{BoardSetupView, ColumnKey, ColumnSetup, Limit, SetupEdit};
use slipway_domain::item::{self, Category, Color, Field, ItemKind, ItemState, StateKey};
use slipway_domain::text::Text;
use std::collections::BTreeMap;
use utoipa::openapi::schema::{Array, ArrayBuilder, Object};
use utoipa::{IntoParams, ToSchema};

const SETUP: &str = "/api/v1/orgs/{org}/projects/{project}/board-setup";
const FLOW: &str = "/api/v1/orgs/{org}/projects/{project}/board-setup/workflows/{kind}";

/// The routes.
pub const ROUTES: &[Route] = &[
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/board",
        Access::SignedIn,
        || get(board),
    ),
    route("GET", SETUP, Access::SignedIn, || get(show)),
    route("PUT", SETUP, Access::SignedIn, || put(set_board)),
    route("PUT", FLOW, Access::SignedIn, || put(set_workflow)),
];

/// `…/workflows/{kind}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct WorkflowPath {
    /// The organization's slug.
    org: String,
    /// The project's slug.
    project: String,
    /// Of which kind of work: `epic`, `requirement`, `task` or `bug`.
    #[param(value_type = String)]
    kind: ItemKind,
}

fn colors() -> Object {
    one_of(Color::ALL.iter().map(|color| color.key()))
}

fn fields() -> Object {
    one_of(Field::ALL.iter().map(|field| field.key()))
}

fn roles() -> Object {
    one_of(item::Transition::roles_of_choice().map(Role::key))
}

fn field_list() -> Array {
    ArrayBuilder::new().items(fields()).build()
}

fn role_list() -> Array {
    ArrayBuilder::new().items(roles()).build()
}

/// A state of a workflow.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Its key: 1 to 24 of `a-z0-9_`.
    key: String,
    /// What it is called in English.
    name_en: String,
    /// What it is called in Chinese; where it is left out, as in English.
    #[serde(default)]
    name_zh: String,
    /// What it counts as.
    #[schema(schema_with = categories)]
    category: Category,
    /// Its color; where it is left out, that of its category.
    #[schema(schema_with = colors)]
    color: Option<Color>,
}

impl State {
    fn of(state: &ItemState) -> Self {
        let name = state.text();
        Self {
            key: state.key().to_owned(),
            name_en: name.en,
            name_zh: name.zh,
            category: state.category(),
            color: Some(state.color()),
        }
    }

    fn read(self) -> Result<ItemState, slipway_portal::Error> {
        let key = StateKey::parse(&self.key).ok_or_else(|| {
            let text = Text::new(
                "a key has 1 to 24 of a-z, 0-9 and _",
                "编号只能包含 a-z、0-9 和 _，共 1 到 24 个字符",
            );
            slipway_portal::Error::field("states", text)
        })?;
        let color = self.color.unwrap_or(self.category.color());
        Ok(ItemState::new(
            key,
            self.category,
            color,
            Text::new(self.name_en, self.name_zh),
        ))
    }
}

/// A way from one state to another.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    /// The key of the state it leads from.
    #[schema(value_type = String)]
    from: StateKey,
    /// The key of the state it leads to.
    #[schema(value_type = String)]
    to: StateKey,
    /// Who may take it: whoever holds one of these roles or one that can do all that one of these can; none: whoever may
    /// move the item.
    #[serde(default)]
    #[schema(schema_with = role_list)]
    roles: Vec<Role>,
    /// What must be filled.
    #[serde(default)]
    #[schema(schema_with = field_list)]
    fields: Vec<Field>,
}

/// A workflow.
#[derive(Serialize, ToSchema)]
pub struct Workflow {
    /// Of which kind of work.
    #[schema(schema_with = kinds)]
    kind: &'static str,
    /// Its states; new items stand in the first one.
    states: Vec<State>,
    /// Its transitions; of two into one column, the first is taken.
    transitions: Vec<Transition>,
}

/// The workflow that a kind of work should have.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWorkflow {
    /// Its states; new items stand in the first one.
    states: Vec<State>,
    /// Its transitions.
    transitions: Vec<Transition>,
    /// Where the items of states go that are there no more: from key to key.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    moves: BTreeMap<StateKey, StateKey>,
}

/// A column of the board.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetColumn {
    /// Its key: 1 to 24 of `a-z0-9_`.
    #[schema(value_type = String)]
    key: ColumnKey,
    /// What it is called in English.
    name_en: String,
    /// What it is called in Chinese; where it is left out, as in English.
    #[serde(default)]
    name_zh: String,
    /// What it counts as.
    #[schema(schema_with = categories)]
    category: Category,
    /// The keys of its states; none: whatever counts so and no other column names.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    states: Vec<StateKey>,
    /// How many cards it is meant to hold.
    limit: Option<i64>,
    /// Whether another card than those is refused.
    #[serde(default)]
    blocks: bool,
}

/// The columns and switches of a board.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBoardSetup {
    /// The columns, from the left.
    columns: Vec<SetColumn>,
    /// Whether an item follows its parts.
    parent_follows: bool,
}

/// How a board is set up.
#[derive(Serialize, ToSchema)]
pub struct Setup {
    /// The columns, from the left.
    columns: Vec<SetColumn>,
    /// Whether an item follows its parts.
    parent_follows: bool,
    /// The workflow of each kind of work.
    workflows: Vec<Workflow>,
    /// Grows with every change: its `ETag`.
    version: i64,
}

impl Setup {
    fn of(view: &BoardSetupView) -> Self {
        let columns = view.setup.columns().into_iter().map(|column| SetColumn {
            key: column.key,
            name_en: column.name.en,
            name_zh: column.name.zh,
            category: column.category,
            states: column.states,
            limit: column.limit.map(|limit| limit.most),
            blocks: column.limit.is_some_and(|limit| limit.blocks),
        });
        let workflows = ItemKind::ALL.iter().map(|kind| {
            let flow = view.setup.flow(*kind);
            Workflow {
                kind: kind.key(),
                states: flow.states.iter().map(State::of).collect(),
                transitions: flow
                    .transitions
                    .into_iter()
                    .map(|way| Transition {
                        from: way.from,
                        to: way.to,
                        roles: way.roles,
                        fields: way.fields,
                    })
                    .collect(),
            }
        });
        Self {
            columns: columns.collect(),
            parent_follows: view.setup.parent_follows,
            workflows: workflows.collect(),
            version: view.version,
        }
    }
}

/// The board of the iteration that runs.
#[derive(Serialize, ToSchema)]
pub struct Board {
    /// The iteration; none: none was started, and the board shows what is planned for none.
    iteration: Option<Iteration>,
    /// Its columns.
    columns: Vec<Column>,
}

/// A column of the board.
#[derive(Serialize, ToSchema)]
pub struct Column {
    /// Its key.
    #[serde(rename = "column")]
    key: String,
    /// What it is called, in the language that was asked for.
    name: String,
    /// What it counts as.
    #[schema(schema_with = categories)]
    category: &'static str,
    /// How many cards it is meant to hold.
    limit: Option<i64>,
    /// Whether another card than those is refused.
    blocks: bool,
    /// Its items, from the top.
    items: Vec<Item>,
}

/// The board of the iteration that runs.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/board",
    tag = "Work items",
    operation_id = "board.show",
    params(ProjectPath),
    responses((status = 200, description = "The board", body = Board), Reads)
)]
pub async fn board(asked: Asked, Path(at): Path<ProjectPath>) -> Answer<Board> {
    let board = slipway_portal::item::board(asked.ctx(), &at.org, &at.project)
        .await
        .or_refuse(&asked)?;
    let locale = asked.ctx().locale();
    let columns = board.columns.into_iter().map(|column| Column {
        key: column.key.as_str().to_owned(),
        name: column.name.get(locale).to_owned(),
        category: column.category.key(),
        limit: column.limit.map(|limit| limit.most),
        blocks: column.limit.is_some_and(|limit| limit.blocks),
        items: column.cards.into_iter().map(Item::of).collect(),
    });
    Ok(Json(Board {
        iteration: board.iteration.map(Iteration::of),
        columns: columns.collect(),
    }))
}

/// How the board of a project is set up.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/board-setup",
    tag = "Work items",
    operation_id = "board_setup.show",
    params(ProjectPath),
    responses((status = 200, description = "The setup", body = Setup), Reads)
)]
pub async fn show(asked: Asked, Path(at): Path<ProjectPath>) -> Result<Response, Refusal> {
    let view = slipway_portal::board::setup(asked.ctx(), &at.org, &at.project)
        .await
        .or_refuse(&asked)?;
    let mut response = Json(Setup::of(&view)).into_response();
    if let Ok(tag) = HeaderValue::try_from(format!("\"{}\"", view.version)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// Sets the columns, their limits and the switches; with `If-Match`, only where that is still its version.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/projects/{project}/board-setup",
    tag = "Work items",
    operation_id = "board_setup.set",
    params(ProjectPath, ("If-Match" = Option<String>, Header, description = "The ETag it was read with")),
    request_body = NewBoardSetup,
    responses((status = 204, description = "It is set up so"), Changes)
)]
pub async fn set_board(
    asked: Asked,
    Path(at): Path<ProjectPath>,
    IfMatch(expected): IfMatch,
    Body(new): Body<NewBoardSetup>,
) -> Result<StatusCode, Refusal> {
    let columns = new.columns.into_iter().map(|column| ColumnSetup {
        key: column.key,
        name: Text::new(column.name_en, column.name_zh),
        category: column.category,
        states: column.states,
        limit: column.limit.map(|most| Limit {
            most,
            blocks: column.blocks,
        }),
    });
    let edit = SetupEdit::Board {
        columns: columns.collect(),
        parent_follows: new.parent_follows,
    };
    slipway_portal::board::edit(asked.ctx(), &at.org, &at.project, edit, expected)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets the workflow of a kind of work; with `If-Match`, only where that is still the setup's version. Items of a state
/// that goes move to the state that `moves` names, each with a row of its history.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/projects/{project}/board-setup/workflows/{kind}",
    tag = "Work items",
    operation_id = "board_setup.set_workflow",
    params(WorkflowPath, ("If-Match" = Option<String>, Header, description = "The ETag it was read with")),
    request_body = NewWorkflow,
    responses((status = 204, description = "Work of that kind goes so"), Changes)
)]
pub async fn set_workflow(
    asked: Asked,
    Path(at): Path<WorkflowPath>,
    IfMatch(expected): IfMatch,
    Body(new): Body<NewWorkflow>,
) -> Result<StatusCode, Refusal> {
    let states = new
        .states
        .into_iter()
        .map(State::read)
        .collect::<Result<Vec<_>, _>>()
        .or_refuse(&asked)?;
    let transitions = new.transitions.into_iter().map(|way| item::Transition {
        from: way.from,
        to: way.to,
        roles: way.roles,
        fields: way.fields,
    });
    let edit = SetupEdit::Workflow {
        kind: at.kind,
        flow: item::Workflow {
            states,
            transitions: transitions.collect(),
        },
        moves: new.moves.into_iter().collect(),
    };
    slipway_portal::board::edit(asked.ctx(), &at.org, &at.project, edit, expected)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
