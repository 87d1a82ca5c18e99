//! Objects that carry Slipway's own labels and that Slipway never applied.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use kube::api::{ApiResource, DynamicObject, ListParams, ObjectMeta};
use kube::core::GroupVersionKind;
use kube::{Api, Client};
use serde_json::{Value, json};
use slipway_domain::drift::{FieldChange, stranger, was_applied};
use slipway_portal::ports::ClusterError;

use crate::manifest::KNOWN;
use crate::refusal::translate;

/// Kinds that are not looked for: what is in volumes stays after a deployment, on purpose; the others Slipway makes none of with
/// the labels of an app.
const NOT: [&str; 5] = [
    "Namespace",
    "PersistentVolumeClaim",
    "ResourceQuota",
    "Secret",
    "ServiceAccount",
];

/// More of one kind is not asked for: whoever made so many sees them without Slipway.
const MOST: u32 = 500;

/// The objects with these labels that Slipway never applied and no controller made.
pub async fn find(
    client: &Client,
    namespace: &str,
    labels: &BTreeMap<String, String>,
) -> Result<Vec<FieldChange>, ClusterError> {
    let selector: Vec<String> = labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let params = ListParams::default().labels(&selector.join(",")).limit(MOST);
    let kinds = KNOWN.iter().filter(|(_, _, kind, ..)| !NOT.contains(kind)).map(
        |(group, version, kind, plural, _)| {
            ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
        },
    );
    let kinds: Vec<ApiResource> = kinds.collect();
    let found = try_join_all(kinds.iter().map(|kind| of_kind(client, namespace, kind, &params))).await?;
    Ok(found.into_iter().flatten().collect())
}

async fn of_kind(
    client: &Client,
    namespace: &str,
    kind: &ApiResource,
    params: &ListParams,
) -> Result<Vec<FieldChange>, ClusterError> {
    let api = Api::<DynamicObject>::namespaced_with(client.clone(), namespace, kind);
    let listed = match api.list_metadata(params).await.map_err(|error| translate(&error)) {
        Ok(listed) => listed.items,
        // What may not be listed, or is not served, cannot be told of.
        Err(ClusterError::Forbidden(_) | ClusterError::NotFound(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for one in listed
        .into_iter()
        .filter(|one| !is_made_by_a_controller(&one.metadata))
    {
        let metadata =
            serde_json::to_value(&one.metadata).map_err(|error| ClusterError::Broken(error.to_string()))?;
        let object: Value =
            json!({ "apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata });
        if !was_applied(&object) {
            found.push(stranger(&object));
        }
    }
    Ok(found)
}

fn is_made_by_a_controller(metadata: &ObjectMeta) -> bool {
    let owners = metadata.owner_references.as_deref().unwrap_or_default();
    owners.iter().any(|owner| owner.controller == Some(true))
}
