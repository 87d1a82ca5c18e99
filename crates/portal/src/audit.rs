//! The audit log.

use crate::access::{self, may};
use crate::context::OpCtx;
use crate::error::Result;
use crate::ports::AuditFilter;
use futures::stream::{self, BoxStream};
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

/// The whole of that part of the log, newest first, in pages that are read as they are asked for. What the reader may
/// see is looked up anew for each page, so that an export ends where a role does.
///
/// # Errors
/// As [`read`]; a later page that cannot be read ends the stream with its error.
pub async fn export(ctx: &OpCtx, query: Query) -> Result<BoxStream<'static, Result<Vec<AuditRow>>>> {
    let (_, first) = read(ctx, &query).await?;
    let ctx = ctx.clone();
    let pages = stream::try_unfold(Some((first, query)), move |state| {
        let ctx = ctx.anew();
        async move {
            let Some((rows, mut query)) = state else {
                return Ok(None);
            };
            let full = i64::try_from(rows.len()).is_ok_and(|count| count >= PAGE);
            let Some(last) = rows.last().map(|row| row.seq) else {
                return Ok(None);
            };
            if !full {
                return Ok(Some((rows, None)));
            }
            query.before = Some(last);
            let (_, next) = read(&ctx, &query).await?;
            Ok(Some((rows, Some((next, query)))))
        }
    });
    Ok(Box::pin(pages))
}
