//! Server functions about clusters.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::connection::ClusterList;
use slipway_domain::id::ClusterId;

/// The clusters of an organization, for its settings.
#[server(name = ReadClusters, prefix = "/api/fn", endpoint = "cluster/list", input = GetUrl)]
pub async fn read_clusters(org: String) -> Result<ClusterList, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::cluster::settings(&ctx, &org).await?)
}

/// Makes a cluster; without a kubeconfig, the one that Slipway runs in.
#[server(name = AddCluster, prefix = "/api/fn", endpoint = "cluster/add")]
pub async fn add_cluster(
    org: String,
    name: String,
    kubeconfig: String,
    context: Option<String>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let input = slipway_portal::cluster::Input {
        name,
        kubeconfig,
        context,
    };
    slipway_portal::cluster::create(&ctx, &org, input).await?;
    Ok(())
}

/// Changes a cluster; without a kubeconfig the one it has stays.
#[server(name = EditCluster, prefix = "/api/fn", endpoint = "cluster/edit")]
pub async fn edit_cluster(
    org: String,
    id: ClusterId,
    name: String,
    kubeconfig: String,
    context: Option<String>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let input = slipway_portal::cluster::Input {
        name,
        kubeconfig,
        context,
    };
    Ok(slipway_portal::cluster::edit(&ctx, &org, id, input).await?)
}

/// Tests a cluster in a namespace; the report stands beside it.
#[server(name = TestCluster, prefix = "/api/fn", endpoint = "cluster/test")]
pub async fn test_cluster(org: String, id: ClusterId, namespace: String) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    slipway_portal::cluster::test(&ctx, &org, id, &namespace).await?;
    Ok(())
}

/// Forgets a cluster that nothing is bound to.
#[server(name = RemoveCluster, prefix = "/api/fn", endpoint = "cluster/remove")]
pub async fn remove_cluster(org: String, id: ClusterId) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::cluster::remove(&ctx, &org, id).await?)
}
