//! The audit log.

use crate::access::{self, may};
use crate::context::OpCtx;
use crate::error::Result;
use crate::ports::AuditFilter;
use slipway_domain::audit::AuditRow;
use slipway_domain::project::Place;

/// Rows a page.
pub const PAGE: i64 = 50;

/// Which part of the log to read.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// The organization.
    pub org: String,
    /// Only this project.
    pub project: Option<String>,
    /// Only this app of the project.
    pub app: Option<String>,
    /// Only actions that start with this, as in `promotion`.
    pub action: Option<String>,
    /// The number to go on before.
    pub before: Option<i64>,
}

/// Reads a page of the log, newest first.
///
/// # Errors
/// As [`access::org`]; [`crate::Error::Forbidden`] for those who may not read that part.
pub async fn read(ctx: &OpCtx, query: &Query) -> Result<(Place, Vec<AuditRow>)> {
    let mut filter = AuditFilter {
        action: query.action.clone(),
        before: query.before,
        limit: PAGE,
        ..AuditFilter::default()
    };
    let (place, org) = match (&query.project, &query.app) {
        (Some(project), Some(app)) => {
            let app = access::app::<may::AuditRead>(ctx, &query.org, project, app).await?;
            filter.app = Some(app.id());
            (app.place(), access::audit_of_app(&app))
        }
        (Some(project), None) => {
            let project = access::project::<may::AuditRead>(ctx, &query.org, project).await?;
            filter.project = Some(project.id());
            (project.place(), access::audit_of_project(&project))
        }
        (None, _) => {
            let org = access::org::<may::AuditRead>(ctx, &query.org).await?;
            (org.place(), org)
        }
    };
    let rows = ctx.read().await?.audit_rows(&org, &filter).await?;
    Ok((place, rows))
}
