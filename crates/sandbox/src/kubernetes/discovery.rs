//! Discovery: what is served, per version and aggregated.

use serde_json::{Value, json};

use super::resource::{GROUPS, RESOURCES, Resource, group_version};

/// The version that the server claims to be.
pub const VERSION: &str = "v1.36.2";

const VERBS: [&str; 8] = [
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];
const STATUS_VERBS: [&str; 3] = ["get", "patch", "update"];

pub fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "gitVersion": VERSION, "gitCommit": "0000000000000000000000000000000000000000",
        "gitTreeState": "clean", "buildDate": "2026-01-01T00:00:00Z", "goVersion": "go1.25.0", "compiler": "gc",
        "platform": "linux/amd64", "emulationMajor": "1", "emulationMinor": "36", "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "35",
    })
}

pub fn api_versions(address: &str) -> Value {
    json!({
        "kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": address }],
    })
}

fn group_body(name: &str, versions: &[&str]) -> Value {
    let each: Vec<Value> = versions
        .iter()
        .map(|v| json!({ "groupVersion": group_version(name, v), "version": v }))
        .collect();
    json!({ "name": name, "versions": each, "preferredVersion": each[0] })
}

pub fn group_list() -> Value {
    let groups: Vec<Value> = GROUPS
        .iter()
        .map(|(name, versions)| group_body(name, versions))
        .collect();
    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })
}

pub fn group(name: &str) -> Option<Value> {
    let (name, versions) = GROUPS.iter().find(|(n, _)| *n == name)?;
    let mut body = group_body(name, versions);
    body["kind"] = "APIGroup".into();
    body["apiVersion"] = "v1".into();
    Some(body)
}

/// A subresource, or a resource that is only created: name, kind, its group and version, verbs.
struct Extra {
    name: String,
    kind: &'static str,
    of: Option<(&'static str, &'static str)>,
    namespaced: bool,
    verbs: &'static [&'static str],
    singular: &'static str,
}

fn extras(group: &str) -> Vec<Extra> {
    let extra = |name: &str, kind, of, namespaced, verbs, singular| Extra {
        name: name.to_owned(),
        kind,
        of,
        namespaced,
        verbs,
        singular,
    };
    let create: &[&str] = &["create"];
    match group {
        "" => vec![
            extra(
                "pods/eviction",
                "Eviction",
                Some(("policy", "v1")),
                true,
                create,
                "",
            ),
            extra("pods/log", "Pod", None, true, &["get"], ""),
            extra(
                "serviceaccounts/token",
                "TokenRequest",
                Some(("authentication.k8s.io", "v1")),
                true,
                create,
                "",
            ),
            extra("namespaces/finalize", "Namespace", None, false, &["update"], ""),
        ],
        "authorization.k8s.io" => vec![
            extra(
                "selfsubjectaccessreviews",
                "SelfSubjectAccessReview",
                None,
                false,
                create,
                "selfsubjectaccessreview",
            ),
            extra(
                "selfsubjectrulesreviews",
                "SelfSubjectRulesReview",
                None,
                false,
                create,
                "selfsubjectrulesreview",
            ),
        ],
        "authentication.k8s.io" => vec![extra(
            "selfsubjectreviews",
            "SelfSubjectReview",
            None,
            false,
            create,
            "selfsubjectreview",
        )],
        _ => Vec::new(),
    }
}

fn entry(resource: &Resource) -> Value {
    let mut entry = json!({
        "name": resource.name, "singularName": resource.singular, "namespaced": resource.namespaced, "kind": resource.kind,
        "verbs": if resource.name == "namespaces" { VERBS.iter().filter(|v| **v != "deletecollection").collect::<Vec<_>>() } else { VERBS.iter().collect() },
        "storageVersionHash": storage_hash(resource),
    });
    if !resource.short.is_empty() {
        entry["shortNames"] = json!(resource.short);
    }
    if resource.in_all {
        entry["categories"] = json!(["all"]);
    }
    entry
}

fn storage_hash(resource: &Resource) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(format!("{}/{}", resource.api_version(), resource.kind));
    base64::Engine::encode(&base64::prelude::BASE64_STANDARD, &digest[..8])
}

/// `APIResourceList` of one group version.
pub fn resources(group: &str, version: &str) -> Option<Value> {
    let known = (group.is_empty() && version == "v1")
        || GROUPS.iter().any(|(g, vs)| *g == group && vs.contains(&version));
    if !known {
        return None;
    }
    let mut list: Vec<Value> = Vec::new();
    for resource in RESOURCES
        .iter()
        .filter(|r| r.group == group && r.version == version)
    {
        list.push(entry(resource));
        let sub = |name: &str| json!({ "name": format!("{}/{name}", resource.name), "singularName": "", "namespaced": resource.namespaced });
        if resource.scale {
            let mut scale = sub("scale");
            scale["group"] = "autoscaling".into();
            scale["version"] = "v1".into();
            scale["kind"] = "Scale".into();
            scale["verbs"] = json!(STATUS_VERBS);
            list.push(scale);
        }
        if resource.status {
            let mut status = sub("status");
            status["kind"] = resource.kind.into();
            status["verbs"] = json!(STATUS_VERBS);
            list.push(status);
        }
    }
    for extra in extras(group) {
        let mut entry = json!({
            "name": extra.name, "singularName": extra.singular, "namespaced": extra.namespaced, "kind": extra.kind, "verbs": extra.verbs,
        });
        if let Some((group, version)) = extra.of {
            entry["group"] = group.into();
            entry["version"] = version.into();
        }
        list.push(entry);
    }
    list.sort_by(|a, b| a["name"].as_str().cmp(&b["name"].as_str()));
    let mut body = json!({ "kind": "APIResourceList", "groupVersion": group_version(group, version), "resources": list });
    if !group.is_empty() {
        body["apiVersion"] = "v1".into();
    }
    Some(body)
}

/// `APIGroupDiscoveryList`: the core group for `/api`, the others for `/apis`.
pub fn aggregated(core: bool) -> Value {
    let groups: Vec<(&str, &[&str])> = if core {
        vec![("", &["v1"])]
    } else {
        GROUPS.to_vec()
    };
    let items: Vec<Value> = groups
        .into_iter()
        .map(|(group, versions)| {
            let versions: Vec<Value> = versions
                .iter()
                .map(|version| json!({ "version": version, "freshness": "Current", "resources": aggregated_resources(group, version) }))
                .collect();
            let mut metadata = json!({ "creationTimestamp": null });
            if !group.is_empty() {
                metadata["name"] = group.into();
            }
            json!({ "metadata": metadata, "versions": versions })
        })
        .collect();
    json!({ "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items })
}

fn aggregated_resources(group: &str, version: &str) -> Vec<Value> {
    let kind =
        |group: &str, version: &str, kind: &str| json!({ "group": group, "version": version, "kind": kind });
    let scope = |namespaced: bool| if namespaced { "Namespaced" } else { "Cluster" };
    let mut list: Vec<Value> = Vec::new();
    for resource in RESOURCES
        .iter()
        .filter(|r| r.group == group && r.version == version)
    {
        let own = entry(resource);
        let mut item = json!({
            "resource": resource.name, "responseKind": kind(group, version, resource.kind), "scope": scope(resource.namespaced),
            "singularResource": resource.singular, "verbs": own["verbs"],
        });
        for field in ["shortNames", "categories"] {
            if let Some(value) = own.get(field) {
                item[field] = value.clone();
            }
        }
        let mut subresources = Vec::new();
        if resource.scale {
            let verbs = json!(STATUS_VERBS);
            subresources.push(json!({ "subresource": "scale", "responseKind": kind("autoscaling", "v1", "Scale"), "verbs": verbs }));
        }
        if resource.status {
            subresources.push(json!({ "subresource": "status", "responseKind": kind(group, version, resource.kind), "verbs": STATUS_VERBS }));
        }
        for extra in extras(group) {
            if let Some(name) = extra
                .name
                .strip_prefix(resource.name)
                .and_then(|n| n.strip_prefix('/'))
            {
                let (g, v) = extra.of.unwrap_or((group, "v1"));
                subresources.push(json!({ "subresource": name, "responseKind": kind(g, v, extra.kind), "verbs": extra.verbs }));
            }
        }
        if !subresources.is_empty() {
            item["subresources"] = subresources.into();
        }
        list.push(item);
    }
    for extra in extras(group).iter().filter(|e| !e.name.contains('/')) {
        list.push(json!({
            "resource": extra.name, "responseKind": kind(group, version, extra.kind), "scope": scope(extra.namespaced),
            "singularResource": extra.singular, "verbs": extra.verbs,
        }));
    }
    list
}
