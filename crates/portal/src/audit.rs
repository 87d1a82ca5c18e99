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

/// Which part of the server's own log to read.
#[derive(Clone, Debug, Default)]
pub struct ServerQuery {
    /// Only actions that start with this, as in `provider`.
    pub action: Option<String>,
    /// The number to go on before.
    pub before: Option<i64>,
}

/// Reads a page of the server's own log, newest first: for operators.
///
/// # Errors
/// As [`access::operator`].
pub async fn read_server(ctx: &OpCtx, query: &ServerQuery) -> Result<Vec<AuditRow>> {
    let server = access::operator(ctx).await?;
    let filter = AuditFilter {
        action: query.action.clone(),
        before: query.before,
        limit: PAGE,
        ..AuditFilter::default()
    };
    Ok(ctx.read().await?.server_audit_rows(&server, &filter).await?)
}

/// The whole of that part of the server's own log. See [`export`].
///
/// # Errors
/// As [`read_server`].
pub async fn export_server(
    ctx: &OpCtx,
    query: ServerQuery,
) -> Result<BoxStream<'static, Result<Vec<AuditRow>>>> {
    let first = read_server(ctx, &query).await?;
    Ok(in_pages(ctx, first, move |ctx, last| {
        let query = ServerQuery {
            before: Some(last),
            ..query.clone()
        };
        async move { read_server(&ctx, &query).await }
    }))
}

/// The whole of that part of the log, newest first, in pages that are read as they are asked for. What the reader may
/// see is looked up anew for each page, so that an export ends where a role does.
///
/// # Errors
/// As [`read`]; a later page that cannot be read ends the stream with its error.
pub async fn export(ctx: &OpCtx, query: Query) -> Result<BoxStream<'static, Result<Vec<AuditRow>>>> {
    let (_, first) = read(ctx, &query).await?;
    Ok(in_pages(ctx, first, move |ctx, last| {
        let query = Query {
            before: Some(last),
            ..query.clone()
        };
        async move { Ok(read(&ctx, &query).await?.1) }
    }))
}

/// The rows after `first`, by `next`, which reads the page before a row of that number.
fn in_pages<N, F>(ctx: &OpCtx, first: Vec<AuditRow>, next: N) -> BoxStream<'static, Result<Vec<AuditRow>>>
where
    N: Fn(OpCtx, i64) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Vec<AuditRow>>> + Send + 'static,
{
    let ctx = ctx.clone();
    let pages = stream::try_unfold(Some(first), move |state| {
        let full = |rows: &Vec<AuditRow>| i64::try_from(rows.len()).is_ok_and(|count| count >= PAGE);
        let last = state.as_ref().and_then(|rows| rows.last()).map(|row| row.seq);
        let more = last.filter(|_| state.as_ref().is_some_and(full));
        let next = more.map(|last| next(ctx.anew(), last));
        async move {
            let Some(rows) = state.filter(|rows| !rows.is_empty()) else {
                return Ok(None);
            };
            match next {
                Some(next) => Ok(Some((rows, Some(next.await?)))),
                None => Ok(Some((rows, None))),
            }
        }
    });
    Box::pin(pages)
}
