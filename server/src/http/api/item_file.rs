//! The work items of a project as a file.

use super::ask::{Asked, OrRefuse as _, Path};
use super::place::ProjectPath;
use super::refusals::Reads;
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header;
use slipway_domain::audit::csv_cell;
use slipway_domain::item::{Card, Severity};
use slipway_portal::item::MOST;

const EXPORT: &str = "/api/v1/orgs/{org}/projects/{project}/items-export";

/// The routes.
pub const ROUTES: &[Route] = &[route("GET", EXPORT, Access::SignedIn, || get(export))];

/// The first line of the file.
const HEAD: &str = "key,type,title,state,priority,severity,assignee,points,labels,due_on\r\n";

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
    ];
    let cells: Vec<String> = cells.iter().map(|cell| csv_cell(cell)).collect();
    format!("{}\r\n", cells.join(","))
}

/// All work items of a project as CSV (RFC 4180), by number. What a spreadsheet would run is written as a text.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/items-export",
    tag = "Work items",
    operation_id = "items.export",
    params(ProjectPath),
    responses((status = 200, description = "The items", body = String, content_type = "text/csv"), Reads)
)]
pub async fn export(asked: Asked, Path(at): Path<ProjectPath>) -> Result<Response, Refusal> {
    let mut text = String::from(HEAD);
    let mut after = 0;
    loop {
        let cards = slipway_portal::item::list(asked.ctx(), &at.org, &at.project, after, MOST)
            .await
            .or_refuse(&asked)?;
        let number = |card: &Card| card.key.rsplit('-').next().and_then(|number| number.parse().ok());
        let Some(last) = cards.last().and_then(number) else {
            break;
        };
        after = last;
        text.extend(cards.iter().map(line));
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

#[cfg(test)]
mod tests {
    use super::*;
    use slipway_domain::id::{ItemId, TypedId};
    use slipway_domain::item::{ItemKind, ItemState, Labels, Priority};

    #[test]
    fn what_people_write_is_no_formula_and_stays_in_its_column() {
        let card = Card {
            id: ItemId::from_uuid(uuid::Uuid::nil()),
            key: String::from("CHK-1"),
            kind: ItemKind::Bug,
            title: String::from("=HYPERLINK(\"https://a.example\",\"x\")"),
            state: ItemState::Pending,
            priority: Priority::Normal,
            severity: None,
            assignee: None,
            points: Some(3),
            labels: Labels::parse("@a, b").unwrap(),
            due_on: None,
            version: 1,
        };
        assert_eq!(
            line(&card),
            "CHK-1,bug,\"'=HYPERLINK(\"\"https://a.example\"\",\"\"x\"\")\",pending,normal,,,3,\"'@a, b\",\r\n"
        );
    }
}
