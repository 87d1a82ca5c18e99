//! Server functions about the reports of a run.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::report::ReportsView;

/// The reports of a run, with the test cases that the filter takes.
#[server(name = ReadReports, prefix = "/api/fn", endpoint = "report/view", input = GetUrl)]
pub async fn read_reports(
    org: String,
    project: String,
    app: String,
    number: String,
    status: Option<String>,
    find: Option<String>,
) -> Result<ReportsView, AppError> {
    use slipway_domain::report::CaseFilter;
    let ctx = crate::ctx()?;
    let number = number.parse().map_err(|_| slipway_portal::Error::NotFound)?;
    let filter = CaseFilter {
        status: status.unwrap_or_default(),
        find: find.unwrap_or_default(),
    };
    Ok(slipway_portal::report::view(&ctx, (&org, &project, &app), number, &filter).await?)
}
