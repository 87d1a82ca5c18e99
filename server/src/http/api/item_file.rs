//! The work items of a project as a file, and its epics over time.

use super::Answer;
use super::ask::{Asked, OrRefuse as _, Path};
use super::item::Item;
use super::place::ProjectPath;
use super::refusals::Reads;
use super::saved_view::TableParams;
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::extract::RawQuery;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header;
use serde::Serialize;
use slipway_domain::audit::csv_cell;
use slipway_domain::item::{Card, Severity};
use slipway_domain::table::{Column, TableQuery};
use utoipa::ToSchema;

const EXPORT: &str = "/api/v1/orgs/{org}/projects/{project}/items-export";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", EXPORT, Access::SignedIn, || get(export)),
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/roadmap",
        Access::SignedIn,
        || get(roadmap),
    ),
];

/// The first line of the file.
const HEAD: &str = "key,type,title,state,priority,severity,assignee,points,labels,due_on,starts_on\r\n";

fn line(card: &Card) -> String {
    let assignee = card.assignee.as_ref().map(|person| person.username.clone());
    let cells = [
        card.key.clone(),
        card.kind.key().to_owned(),
        card.title.clone(),
        card.state.key().to_owned(),
        card.priority.key().to_owned(),
        card.severity.map(Severity::key).unwrap_or_default().to_owned(),
        assignee.unwrap_or_default(),
        card.points.map(|points| points.to_string()).unwrap_or_default(),
        card.labels.typed(),
        card.due_on.clone().unwrap_or_default(),
        card.starts_on.clone().unwrap_or_default(),
    ];
    let cells: Vec<String> = cells.iter().map(|cell| csv_cell(cell)).collect();
    format!("{}\r\n", cells.join(","))
}

/// Work items of a project as CSV (RFC 4180): all of them by number, or those that the table shows with the same query,
/// in its order. What a spreadsheet would run is written as a text.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/items-export",
    tag = "Work items",
    operation_id = "items.export",
    params(ProjectPath, TableParams),
    responses((status = 200, description = "The items", body = String, content_type = "text/csv"), Reads)
)]
pub async fn export(
    asked: Asked,
    Path(at): Path<ProjectPath>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let mut text = String::from(HEAD);
    let query = query.unwrap_or_default();
    // Without a query everything is listed, also what is over.
    let of = if query.is_empty() {
        TableQuery {
            all: true,
            sort: Some(Column::Key),
            ..TableQuery::default()
        }
    } else {
        TableQuery::read(&query)
    };
    let mut after: Option<String> = None;
    loop {
        let (rows, more) =
            slipway_portal::table::list(asked.ctx(), &at.org, &at.project, &of, after.as_deref())
                .await
                .or_refuse(&asked)?;
        text.extend(rows.iter().map(|(row, _)| line(&row.card)));
        after = rows.last().map(|(_, cursor)| cursor.written());
        if !more || after.is_none() {
            break;
        }
    }
    let headers = [
        (header::CONTENT_TYPE, String::from("text/csv; charset=utf-8")),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{}-items.csv\"", at.project),
        ),
    ];
    Ok((headers, text).into_response())
}

/// An epic on the roadmap.
#[derive(Serialize, ToSchema)]
pub struct Epic {
    /// The epic.
    #[serde(flatten)]
    item: Item,
    /// The first day of the first iteration of it and its parts.
    #[schema(format = Date)]
    starts_on: Option<String>,
    /// The day it is due, or the last day of the last of those iterations.
    #[schema(format = Date)]
    ends_on: Option<String>,
    /// Its parts and theirs, without what will not be done.
    items: i64,
    /// The points of its parts.
    points_of_parts: i64,
    /// What of the parts is done.
    done_items: i64,
    /// Their points.
    done_points: i64,
    /// How much is done, in percent.
    percent: i64,
}

/// The epics of a project over time, at most 200.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/roadmap",
    tag = "Work items",
    operation_id = "roadmap.show",
    params(ProjectPath),
    responses((status = 200, description = "The epics", body = Vec<Epic>), Reads)
)]
pub async fn roadmap(asked: Asked, Path(at): Path<ProjectPath>) -> Answer<Vec<Epic>> {
    let roadmap = slipway_portal::roadmap::view(asked.ctx(), &at.org, &at.project)
        .await
        .or_refuse(&asked)?;
    let epics = roadmap.rows.into_iter().map(|row| Epic {
        percent: row.percent(),
        item: Item::of(row.card),
        starts_on: row.starts_on,
        ends_on: row.ends_on,
        items: row.scope.items,
        points_of_parts: row.scope.points,
        done_items: row.done.items,
        done_points: row.done.points,
    });
    Ok(Json(epics.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use slipway_domain::id::{ItemId, TypedId};
    use slipway_domain::item::{ItemKind, ItemState, Labels, Priority, StateKey};

    #[test]
    fn what_people_write_is_no_formula_and_stays_in_its_column() {
        let card = Card {
            id: ItemId::from_uuid(uuid::Uuid::nil()),
            key: String::from("CHK-1"),
            kind: ItemKind::Bug,
            title: String::from("=HYPERLINK(\"https://a.example\",\"x\")"),
            state: ItemState::known(StateKey::PENDING),
            priority: Priority::Normal,
            severity: None,
            assignee: None,
            points: Some(3),
            labels: Labels::parse("@a, b").unwrap(),
            starts_on: Some(String::from("2026-11-21")),
            due_on: None,
            version: 1,
        };
        assert_eq!(
            line(&card),
            "CHK-1,bug,\"'=HYPERLINK(\"\"https://a.example\"\",\"\"x\"\")\",pending,normal,,,3,\"'@a, b\",,2026-11-21\r\n"
        );
    }
}
