//! Kubernetes clusters: making, testing and using them.

use crate::access::{self, may};
use crate::change::Entry;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{Cluster, ClusterAccess, ClusterError, ClusterRecord, NEEDS, StoreError};
use slipway_domain::connection;
use slipway_domain::id::{ClusterId, OrgId};
use slipway_domain::name::NameError;
use slipway_domain::text::Text;
use slipway_domain::time::{MINUTE, Timestamp};
use std::sync::Arc;

/// How old the note of the last good call may be before it is written again, in µs.
const NOTE_EVERY: i64 = MINUTE;

/// A cluster to be made or changed.
#[derive(Clone, Debug)]
pub struct Input {
    /// For people.
    pub name: String,
    /// The kubeconfig (YAML); empty: the service account of the pod Slipway runs in.
    pub kubeconfig: String,
    /// The context in it; `None`: its current one.
    pub context: Option<String>,
}

/// How a test of a cluster went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Which cluster.
    pub cluster: connection::Cluster,
    /// The version it reports.
    pub version: Option<String>,
    /// What Slipway needs and may not do there, as in `patch deployments.apps`.
    pub denied: Vec<String>,
    /// What is wrong, and what to do; `None`: it works.
    pub trouble: Option<Text>,
}

/// Makes a cluster.
///
/// # Errors
/// [`Error::Forbidden`], a wrong or taken name, or the database does not answer.
pub async fn create(ctx: &OpCtx, org: &str, input: Input) -> Result<ClusterId> {
    put(ctx, org, ctx.id(), input, "cluster.create").await
}

/// Changes the credentials or the name of a cluster.
///
/// # Errors
/// As [`create`]; [`Error::NotFound`].
pub async fn edit(ctx: &OpCtx, org: &str, id: ClusterId, input: Input) -> Result<()> {
    let place = access::org::<may::OrgManage>(ctx, org).await?;
    ctx.read()
        .await?
        .cluster(place.id(), id)
        .await?
        .ok_or(Error::NotFound)?;
    put(ctx, org, id, input, "cluster.edit").await?;
    Ok(())
}

async fn put(ctx: &OpCtx, org: &str, id: ClusterId, input: Input, action: &'static str) -> Result<ClusterId> {
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    let name = input.name.trim().to_owned();
    if name.is_empty() {
        return Err(Error::name("name", NameError::Empty));
    }
    let kubeconfig = if input.kubeconfig.trim().is_empty() {
        String::new()
    } else {
        ctx.portal().sealer.seal(&id.to_string(), &input.kubeconfig)
    };
    let cluster = connection::Cluster {
        id,
        name: name.clone(),
        last_ok_at: None,
        trouble: None,
    };
    let record = ClusterRecord {
        cluster,
        org: org.id(),
        kubeconfig,
        context: input.context,
        operator: false,
    };
    let place = org.place();
    let mut change = ctx.change().await?;
    change
        .tx()
        .put_cluster(&record)
        .await
        .map_err(|error| match error {
            StoreError::Constraint(_) => {
                Error::field("name", Text::new("this name is taken", "该名称已被使用"))
            }
            other => other.into(),
        })?;
    let summary =
        serde_json::json!({ "context": record.context, "in_cluster": record.kubeconfig.is_empty() });
    change
        .audit(Entry::done(action, "cluster", id, name, &place, summary))
        .await?;
    change.touch("org", org.id(), &place);
    change.commit().await?;
    Ok(id)
}

/// The clusters of an organization, by name.
///
/// # Errors
/// As [`access::org`].
pub async fn list(ctx: &OpCtx, org: &str) -> Result<Vec<connection::Cluster>> {
    let org = access::org::<may::See>(ctx, org).await?;
    Ok(ctx
        .read()
        .await?
        .clusters(org.id())
        .await?
        .into_iter()
        .map(|record| record.cluster)
        .collect())
}

/// Tests every cluster of the organization: whether it answers, and whether Slipway may do in `namespace` what
/// it needs.
///
/// # Errors
/// As [`access::org`]. A cluster that does not answer is no error: its report says so.
pub async fn check(ctx: &OpCtx, org: &str, namespace: &str) -> Result<Vec<Report>> {
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    let mut reports = Vec::new();
    for record in ctx.read().await?.clusters(org.id()).await? {
        let answer = ask(ctx, &record, namespace).await;
        let mut report = Report {
            cluster: record.cluster.clone(),
            version: None,
            denied: Vec::new(),
            trouble: None,
        };
        match &answer {
            Ok((version, denied)) => {
                report.version = Some(version.clone());
                report.denied.clone_from(denied);
            }
            Err(error) => report.trouble = Some(error.text()),
        }
        note(ctx, &record, answer.err().as_ref()).await?;
        reports.push(report);
    }
    Ok(reports)
}

async fn ask(
    ctx: &OpCtx,
    record: &ClusterRecord,
    namespace: &str,
) -> std::result::Result<(String, Vec<String>), ClusterError> {
    let client = client(ctx, record).await?;
    let version = client.version().await?;
    let denied = client.denied(namespace, NEEDS).await?;
    let words = denied.iter().map(|need| {
        let dot = if need.group.is_empty() { "" } else { "." };
        format!("{} {}{dot}{}", need.verb, need.resource, need.group)
    });
    Ok((version, words.collect()))
}

async fn client(ctx: &OpCtx, record: &ClusterRecord) -> std::result::Result<Arc<dyn Cluster>, ClusterError> {
    let kubeconfig = if record.kubeconfig.is_empty() {
        None
    } else {
        let opened = ctx
            .portal()
            .sealer
            .open(&record.cluster.id.to_string(), &record.kubeconfig);
        Some(opened.map_err(|error| ClusterError::Forbidden(error.to_string()))?)
    };
    ctx.portal()
        .clusters
        .connect(&ClusterAccess {
            kubeconfig,
            context: record.context.clone(),
            operator: record.operator,
        })
        .await
}

/// A client for the cluster of that id, in the organization. The outer error is Slipway's, the inner one the
/// cluster's.
pub(crate) async fn connect(
    ctx: &OpCtx,
    org: OrgId,
    id: ClusterId,
) -> Result<(ClusterRecord, std::result::Result<Arc<dyn Cluster>, ClusterError>)> {
    let record = ctx.read().await?.cluster(org, id).await?.ok_or(Error::NotFound)?;
    let client = client(ctx, &record).await;
    Ok((record, client))
}

/// Remembers how the last call went, where that is news.
pub(crate) async fn note(ctx: &OpCtx, record: &ClusterRecord, error: Option<&ClusterError>) -> Result<()> {
    let now = ctx.now();
    // What was refused by its own rules was still an answer.
    let trouble = error
        .filter(|e| e.is_passing() || matches!(e, ClusterError::Forbidden(_)))
        .map(ClusterError::text);
    let stale = |at: Option<Timestamp>| at.is_none_or(|at| now.since(at) > NOTE_EVERY);
    if trouble == record.cluster.trouble && (trouble.is_some() || !stale(record.cluster.last_ok_at)) {
        return Ok(());
    }
    let mut change = ctx.change().await?;
    change.bookkeeping();
    change
        .tx()
        .note_cluster(record.cluster.id, now, trouble.as_ref())
        .await?;
    change.commit().await
}
