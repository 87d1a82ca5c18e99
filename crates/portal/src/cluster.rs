//! Kubernetes clusters: making, testing and using them.

use crate::access::{self, At, Authorized, Managed, Org, may};
use crate::change::Entry;
use crate::connection::not_the_operators;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{Cluster, ClusterAccess, ClusterError, ClusterRecord, NEEDS, StoreError};
use crate::version;
use slipway_domain::connection::{self, ClusterList, ClusterReport};
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
    /// The kubeconfig (YAML); empty: the one it has, and for a new one the service account of the pod Slipway runs in,
    /// where that may be chosen.
    pub kubeconfig: String,
    /// The context in it; `None`: its current one.
    pub context: Option<String>,
}

/// Makes a cluster.
///
/// # Errors
/// [`Error::Forbidden`], a wrong or taken name, a kubeconfig that cannot be used or leads out of bounds, or the database
/// does not answer.
pub async fn create(ctx: &OpCtx, org: &str, input: Input) -> Result<ClusterId> {
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    let id = ctx.id();
    let record = checked(ctx, &org, id, input, None).await?;
    keep(ctx, &org, record, "cluster.create").await?;
    Ok(id)
}

/// Changes the credentials or the name of a cluster. Without a kubeconfig the one it has stays.
///
/// # Errors
/// As [`create`]; [`Error::NotFound`]; `operator` for one that the configuration brought along.
pub async fn edit(ctx: &OpCtx, org: &str, id: ClusterId, input: Input) -> Result<()> {
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    let before = known(ctx, org.id(), id).await?;
    not_the_operators(before.cluster.operator)?;
    let record = checked(ctx, &org, id, input, Some(before)).await?;
    keep(ctx, &org, record, "cluster.edit").await
}

async fn known(ctx: &OpCtx, org: OrgId, id: ClusterId) -> Result<ClusterRecord> {
    ctx.read().await?.cluster(org, id).await?.ok_or(Error::NotFound)
}

/// What was typed, as it is kept.
async fn checked(
    ctx: &OpCtx,
    org: &Authorized<Org, may::OrgManage>,
    id: ClusterId,
    input: Input,
    before: Option<ClusterRecord>,
) -> Result<ClusterRecord> {
    let name = input.name.trim().to_owned();
    if name.is_empty() {
        return Err(Error::name("name", NameError::Empty));
    }
    let context = input.context.filter(|context| !context.trim().is_empty());
    let sealer = &ctx.portal().sealer;
    let typed = input.kubeconfig.trim();
    let text = match &before {
        Some(before) if typed.is_empty() && !before.kubeconfig.is_empty() => {
            let opened = sealer.open(&id.to_string(), &before.kubeconfig);
            Some(opened.map_err(Error::internal)?)
        }
        _ => Some(typed.to_owned()).filter(|text| !text.is_empty()),
    };
    if text.is_none() && !ctx.portal().clusters.in_cluster() {
        return Err(Error::field(
            "kubeconfig",
            Text::new(
                "paste the cluster's kubeconfig: Slipway's own service account cannot be chosen here",
                "请粘贴集群的 kubeconfig：此处不能选择 Slipway 自身的服务账号",
            ),
        ));
    }
    let access = ClusterAccess {
        kubeconfig: text,
        context: context.clone(),
        operator: false,
    };
    if let Err(error) = ctx.portal().clusters.admits(&access).await {
        return Err(Error::field("kubeconfig", error.text()));
    }
    Ok(ClusterRecord {
        cluster: connection::Cluster {
            id,
            name,
            last_ok_at: before.as_ref().and_then(|b| b.cluster.last_ok_at),
            trouble: before.as_ref().and_then(|b| b.cluster.trouble.clone()),
            operator: false,
            context,
            report: before.and_then(|b| b.cluster.report),
        },
        org: org.id(),
        kubeconfig: access
            .kubeconfig
            .map(|text| sealer.seal(&id.to_string(), &text))
            .unwrap_or_default(),
    })
}

async fn keep(
    ctx: &OpCtx,
    org: &Authorized<Org, may::OrgManage>,
    record: ClusterRecord,
    action: &'static str,
) -> Result<()> {
    let place = org.place();
    let mut change = ctx.change().await?;
    change.tx().lock_org(org.id()).await?;
    if let Some(now) = change.tx().cluster(org.id(), record.cluster.id).await? {
        change.only_on(version::cluster(&now.cluster))?;
    }
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
        serde_json::json!({ "context": record.cluster.context, "in_cluster": record.kubeconfig.is_empty() });
    let (id, name) = (record.cluster.id, record.cluster.name);
    change
        .audit(Entry::done(action, "cluster", id, name, &place, summary))
        .await?;
    change.touch("org", org.id(), &place);
    change.commit().await
}

/// Forgets a cluster that nothing is bound to and nothing was deployed to.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`]; `operator`; `in_use`.
pub async fn remove(ctx: &OpCtx, org: &str, id: ClusterId) -> Result<()> {
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    let record = known(ctx, org.id(), id).await?;
    not_the_operators(record.cluster.operator)?;
    let place = org.place();
    let mut change = ctx.change().await?;
    change
        .tx()
        .delete_cluster(org.id(), id)
        .await
        .map_err(|error| match error {
            StoreError::Constraint(_) => Error::refused(
                "in_use",
                "Environments or deployments refer to this cluster, so it stays.",
                "仍有环境或部署记录引用该集群，无法移除。",
            ),
            other => other.into(),
        })?;
    let name = record.cluster.name;
    change
        .audit(Entry::done(
            "cluster.remove",
            "cluster",
            id,
            name,
            &place,
            serde_json::json!({}),
        ))
        .await?;
    change.touch("org", org.id(), &place);
    change.commit().await
}

/// The clusters of an organization, by name: for its members.
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

/// The clusters of an organization as its settings show them: never their credentials.
///
/// # Errors
/// [`Error::Forbidden`], or the database does not answer.
pub async fn settings(ctx: &OpCtx, org: &str) -> Result<ClusterList> {
    let Managed::Org(org) = access::managed_place(ctx, At::new(org, None, None)).await? else {
        return Err(Error::NotFound);
    };
    let records = ctx.read().await?.clusters(org.id()).await?;
    Ok(ClusterList {
        org: org.org.clone(),
        clusters: records.into_iter().map(|record| record.cluster).collect(),
        in_cluster: ctx.portal().clusters.in_cluster(),
    })
}

/// Tests a cluster and keeps the report: whether it answers, and whether Slipway may do in `namespace` what it needs.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`]. A cluster that does not answer is no error: its report says so.
pub async fn test(ctx: &OpCtx, org: &str, id: ClusterId, namespace: &str) -> Result<ClusterReport> {
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    let record = known(ctx, org.id(), id).await?;
    let namespace = Some(namespace.trim())
        .filter(|n| !n.is_empty())
        .unwrap_or("default");
    let answer = ask(ctx, &record, namespace).await;
    note(ctx, &record, answer.as_ref().err()).await?;
    let mut report = ClusterReport {
        at: ctx.now(),
        namespace: namespace.to_owned(),
        version: None,
        denied: Vec::new(),
        trouble: None,
    };
    match answer {
        Ok((version, denied)) => {
            report.version = Some(version);
            report.denied = denied;
        }
        Err(error) => report.trouble = Some(error.text()),
    }
    let place = org.place();
    let mut change = ctx.change().await?;
    change.bookkeeping();
    change.tx().report_cluster(org.id(), id, &report).await?;
    change.touch("org", org.id(), &place);
    change.commit().await?;
    Ok(report)
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
            context: record.cluster.context.clone(),
            operator: record.cluster.operator,
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
