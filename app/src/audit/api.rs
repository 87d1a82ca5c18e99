//! Server functions about the audit log.

use super::AuditPage;
use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;

/// A page of the audit log of an organization, a project or an app, newest first.
#[server(name = ReadAudit, prefix = "/api/fn", endpoint = "audit/list", input = GetUrl)]
pub async fn read_audit(
    org: String,
    project: Option<String>,
    app: Option<String>,
    action: Option<String>,
    before: Option<i64>,
) -> Result<AuditPage, AppError> {
    let ctx = crate::ctx()?;
    let query = slipway_portal::audit::Query {
        org,
        project,
        app,
        action,
        before,
    };
    let (place, rows) = slipway_portal::audit::read(&ctx, &query).await?;
    let full = i64::try_from(rows.len()).is_ok_and(|count| count >= slipway_portal::audit::PAGE);
    let older_than = rows.last().filter(|_| full).map(|row| row.seq);
    Ok(AuditPage {
        place,
        rows,
        older_than,
    })
}
