//! The GitLab connections and clusters that the configuration brings along, kept in the database like the
//! ones that people add. Their ids come from organization and name, so that a restart changes, never
//! duplicates.

use crate::config::{Cluster, Config, Gitlab};
use anyhow::Context as _;
use sha2::{Digest as _, Sha256};
use slipway_domain::connection;
use slipway_domain::id::{ClusterId, ConnectionId, OrgId, TypedId};
use slipway_domain::org::OrgRef;
use slipway_portal::Portal;
use slipway_portal::ports::{ClusterRecord, ConnectionRecord, Tx};

/// Keeps what the configuration names. What is for an organization that is not there yet is left for the
/// next start, with a warning.
///
/// # Errors
/// A token or kubeconfig file cannot be read, or the database does not answer.
pub async fn keep(portal: &Portal, config: &Config) -> anyhow::Result<()> {
    if config.gitlab.is_empty() && config.clusters.is_empty() {
        return Ok(());
    }
    let orgs = portal.store.read().await?.orgs().await?;
    let mut tx = portal.store.write().await?;
    for gitlab in &config.gitlab {
        let Some(org) = org_of(&orgs, gitlab.organization.as_deref(), &gitlab.name) else {
            continue;
        };
        keep_gitlab(portal, &mut *tx, org.id, gitlab).await?;
    }
    for cluster in &config.clusters {
        let Some(org) = org_of(&orgs, cluster.organization.as_deref(), &cluster.name) else {
            continue;
        };
        keep_cluster(portal, &mut *tx, org.id, cluster).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The organization of that slug; without one, the only one there is.
fn org_of<'a>(orgs: &'a [OrgRef], slug: Option<&str>, name: &str) -> Option<&'a OrgRef> {
    let found = match (slug, orgs) {
        (Some(slug), orgs) => orgs.iter().find(|org| org.slug == slug),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    if found.is_none() {
        let wanted = slug.unwrap_or("(none named)");
        tracing::warn!(
            name,
            organization = wanted,
            "this connection is for an organization that is not there; make it with `slipway user create-owner`, or set `organization`"
        );
    }
    found
}

async fn keep_gitlab(portal: &Portal, tx: &mut dyn Tx, org: OrgId, gitlab: &Gitlab) -> anyhow::Result<()> {
    let token = gitlab
        .token()
        .map_err(anyhow::Error::msg)
        .with_context(|| format!("gitlab `{}`", gitlab.name))?;
    put_gitlab(portal, tx, org, &gitlab.name, gitlab.base(), &token).await
}

/// Keeps a GitLab connection.
///
/// # Errors
/// The database does not answer.
pub async fn put_gitlab(
    portal: &Portal,
    tx: &mut dyn Tx,
    org: OrgId,
    name: &str,
    base_url: String,
    token: &str,
) -> anyhow::Result<()> {
    let id: ConnectionId = stable("gitlab", org, name);
    let before = tx.connection(org, id).await?.map(|record| record.connection);
    let record = ConnectionRecord {
        connection: connection::Connection {
            id,
            name: name.to_owned(),
            base_url,
            last_ok_at: before.as_ref().and_then(|b| b.last_ok_at),
            trouble: before.as_ref().and_then(|b| b.trouble.clone()),
            operator: true,
            report: before.and_then(|b| b.report),
            oauth: None,
        },
        org,
        token: portal.sealer.seal(&id.to_string(), token),
        grant: None,
    };
    tx.put_connection(&record).await?;
    Ok(())
}

async fn keep_cluster(portal: &Portal, tx: &mut dyn Tx, org: OrgId, cluster: &Cluster) -> anyhow::Result<()> {
    let kubeconfig = cluster
        .kubeconfig()
        .map_err(anyhow::Error::msg)
        .with_context(|| format!("cluster `{}`", cluster.name))?;
    put_cluster(
        portal,
        tx,
        org,
        &cluster.name,
        kubeconfig.as_deref(),
        cluster.context.clone(),
    )
    .await
}

/// Keeps a cluster.
///
/// # Errors
/// The database does not answer.
pub async fn put_cluster(
    portal: &Portal,
    tx: &mut dyn Tx,
    org: OrgId,
    name: &str,
    kubeconfig: Option<&str>,
    context: Option<String>,
) -> anyhow::Result<()> {
    let id: ClusterId = stable("cluster", org, name);
    let before = tx.cluster(org, id).await?.map(|record| record.cluster);
    let record = ClusterRecord {
        cluster: connection::Cluster {
            id,
            name: name.to_owned(),
            last_ok_at: before.as_ref().and_then(|b| b.last_ok_at),
            trouble: before.as_ref().and_then(|b| b.trouble.clone()),
            operator: true,
            context,
            report: before.and_then(|b| b.report),
        },
        org,
        kubeconfig: kubeconfig
            .map(|text| portal.sealer.seal(&id.to_string(), text))
            .unwrap_or_default(),
    };
    tx.put_cluster(&record).await?;
    Ok(())
}

/// The id of what is called `name` in `org`: a `UUIDv8` (RFC 9562) of the hash of its names.
pub fn stable<T: TypedId>(kind: &str, org: OrgId, name: &str) -> T {
    let digest = Sha256::digest(format!("{kind}\n{org}\n{name}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    T::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_depend_on_kind_organization_and_name_and_on_nothing_else() {
        let org = OrgId::from_uuid(uuid::Uuid::from_u128(1));
        let id: ConnectionId = stable("gitlab", org, "main");
        assert_eq!(id, stable("gitlab", org, "main"));
        assert_ne!(id, stable("gitlab", org, "other"));
        assert_ne!(
            id,
            stable("gitlab", OrgId::from_uuid(uuid::Uuid::from_u128(2)), "main")
        );
    }
}
