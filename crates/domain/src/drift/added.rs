//! What others set beside what Slipway applied: fields of its objects, by their managed fields, and objects of their own.
//!
//! A field is somebody's own where a manager that is neither Slipway nor a controller of Kubernetes claims it on the object
//! itself, and nobody else claims it, what it is in, or anything in it. It is named as high up as that holds, but for labels,
//! annotations and lists with keys, where each entry is somebody's own. A finalizer is a claim on the object's end, and only
//! whoever made it may lift it: it is not told of.

use super::{Author, FieldChange, FieldPath, Step, author, keyed, keys_in, managed, put};
use crate::manifest::{FIELD_MANAGER, OWN_MANAGERS};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Annotations that `kubectl` keeps for itself: what was restarted when, what it applied last.
const NOTES: &str = "kubectl.kubernetes.io/";

/// Whether a manager's claim is somebody's own doing.
fn is_foreign(entry: &Value) -> bool {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
    let manager = text("manager");
    let by = Author {
        manager: manager.to_owned(),
        subresource: String::new(),
        at: None,
    };
    let ours = manager == FIELD_MANAGER || manager.starts_with(OWN_MANAGERS);
    text("subresource").is_empty() && !ours && !by.is_controller()
}

/// The fields that somebody set and that are not within what is known to differ. `entries` are the managed fields of what is
/// there, `after` those that it would have once it were applied again: whoever writes a field takes it from Slipway, even with
/// the value that it has.
pub(super) fn beside(
    live: &Value,
    entries: &[Value],
    after: &[Value],
    known: &[(FieldPath, Option<Value>, Option<Value>)],
) -> Vec<(FieldPath, Value)> {
    let claims = |entry: &'_ Value| entry.get("fieldsV1").cloned();
    let foreign: Vec<Value> = entries
        .iter()
        .filter(|entry| is_foreign(entry))
        .filter_map(claims)
        .collect();
    let others = entries.iter().chain(after).filter(|entry| !is_foreign(entry));
    let held: Vec<Value> = others.filter_map(claims).collect();
    let (foreign, held): (Vec<&Value>, Vec<&Value>) = (foreign.iter().collect(), held.iter().collect());
    let mut found = Vec::new();
    walk(&FieldPath::default(), live, &foreign, &held, &mut found);
    // What is known to differ is Slipway's, and so is what it is in.
    let apart =
        |path: &FieldPath, other: &FieldPath| !path.0.starts_with(&other.0) && !other.0.starts_with(&path.0);
    found.retain(|(path, _): &(FieldPath, Value)| known.iter().all(|(other, ..)| apart(path, other)));
    found
}

/// Looks into `live` along what `foreign` claims, beside what is `held` by Slipway, by controllers and of the status.
fn walk(
    path: &FieldPath,
    live: &Value,
    foreign: &[&Value],
    held: &[&Value],
    found: &mut Vec<(FieldPath, Value)>,
) {
    let keys: BTreeSet<&String> = foreign
        .iter()
        .filter_map(|claims| claims.as_object())
        .flat_map(Map::keys)
        .collect();
    for key in keys {
        let Some((step, there)) = into(path, live, key) else {
            continue;
        };
        let here = path.then(step);
        // An empty list is what is left of one.
        if !counts(&here) || there.as_array().is_some_and(Vec::is_empty) {
            continue;
        }
        let foreign: Vec<&Value> = foreign.iter().filter_map(|claims| claims.get(key)).collect();
        let held: Vec<&Value> = held.iter().filter_map(|claims| claims.get(key)).collect();
        let of_entries = is_of_entries(&here, there);
        if held.is_empty() && !of_entries {
            found.push((here, there.clone()));
        } else if of_entries || !held.iter().any(|claims| is_leaf(claims)) {
            walk(&here, there, &foreign, &held, found);
        }
    }
}

/// A leaf is claimed whole, with all that is in it.
fn is_leaf(claims: &Value) -> bool {
    claims.as_object().is_some_and(Map::is_empty)
}

/// Into what a claim's key leads; `None`: it is not there any more, or is claimed with what it is in.
fn into<'a>(path: &FieldPath, live: &'a Value, key: &str) -> Option<(Step, &'a Value)> {
    if let Some(name) = key.strip_prefix("f:") {
        return Some((Step::Field(name.to_owned()), live.get(name)?));
    }
    let keys: Map<String, Value> = serde_json::from_str(key.strip_prefix("k:")?).ok()?;
    let mut items = live.as_array()?.iter();
    let item = items.find(|item| keys_in(path, item).as_ref() == Some(&keys))?;
    Some((Step::Item(keys), item))
}

/// Whether each entry of it is somebody's own.
fn is_of_entries(path: &FieldPath, there: &Value) -> bool {
    match (path.0.last(), there) {
        (Some(Step::Field(name)), Value::Object(_)) => {
            matches!(name.as_str(), "metadata" | "labels" | "annotations")
        }
        (_, Value::Array(items)) => !items.is_empty() && keyed(path, items).is_some(),
        _ => false,
    }
}

/// Whether a field there would be somebody's own: not the status, nor what the server keeps.
fn counts(path: &FieldPath) -> bool {
    let field = |at: usize| match path.0.get(at) {
        Some(Step::Field(name)) => Some(name.as_str()),
        _ => None,
    };
    let outside = match (field(0), field(1)) {
        (Some("status" | "apiVersion" | "kind"), _) => true,
        (Some("metadata"), Some(name)) => !matches!(name, "labels" | "annotations"),
        _ => false,
    };
    let end = path.0.len();
    let note = end > 1
        && field(end - 2) == Some("annotations")
        && field(end - 1).is_some_and(|name| name.starts_with(NOTES));
    !outside && !note
}

/// The merge patch (RFC 7386) that takes the fields out of an object that are there as `changes` saw them; `None`: there are none.
pub fn removal(live: &Value, changes: &[FieldChange]) -> Option<Value> {
    let mut target = live.clone();
    for change in changes.iter().filter(|change| !change.path.0.is_empty()) {
        if change.live.is_some() && at(&target, &change.path) == change.live.as_ref() {
            put(&mut target, &FieldPath::default(), &change.path.0, None);
        }
    }
    let patch = merge_patch(live, &target);
    patch
        .as_object()
        .is_some_and(|fields| !fields.is_empty())
        .then_some(patch)
}

/// Whether the change is something that is there and that `object` has not.
pub fn adds(change: &FieldChange, object: &Value) -> bool {
    change.live.is_some() && !change.path.0.is_empty() && at(object, &change.path).is_none()
}

/// What is at a path.
fn at<'a>(object: &'a Value, path: &FieldPath) -> Option<&'a Value> {
    let mut here = FieldPath::default();
    let mut value = object;
    for step in &path.0 {
        here = here.then(step.clone());
        value = match step {
            Step::Field(name) => value.get(name)?,
            Step::Item(keys) => {
                // The keys are those of the list that it is in.
                let list = FieldPath(here.0[..here.0.len() - 1].to_vec());
                let mut items = value.as_array()?.iter();
                items.find(|item| keys_in(&list, item).as_ref() == Some(keys))?
            }
        };
    }
    Some(value)
}

/// What makes `from` to `to`; lists are one value each.
fn merge_patch(from: &Value, to: &Value) -> Value {
    let (Some(old), Some(new)) = (from.as_object(), to.as_object()) else {
        return to.clone();
    };
    let gone = old.keys().filter(|key| !new.contains_key(*key));
    let mut patch: Map<String, Value> = gone.map(|key| (key.clone(), Value::Null)).collect();
    for (key, value) in new.iter().filter(|(key, value)| old.get(*key) != Some(value)) {
        patch.insert(
            key.clone(),
            merge_patch(&old.get(key).cloned().unwrap_or_default(), value),
        );
    }
    Value::Object(patch)
}

/// Whether Slipway ever applied the object, by its managed fields.
pub fn was_applied(object: &Value) -> bool {
    let text = |entry: &Value, key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
    managed(object).iter().any(|entry| {
        text(entry, "manager").as_deref() == Some(FIELD_MANAGER)
            && text(entry, "operation").as_deref() == Some("Apply")
    })
}

/// An object that carries Slipway's labels and that it never applied, as a change: its `live` says which it is, by its uid.
pub fn stranger(object: &Value) -> FieldChange {
    let text = |pointer: &str| {
        object
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let metadata = json!({
        "name": text("/metadata/name"), "namespace": text("/metadata/namespace"), "uid": text("/metadata/uid"),
    });
    FieldChange {
        kind: text("/kind"),
        name: text("/metadata/name"),
        path: FieldPath::default(),
        applied: None,
        live: Some(json!({ "apiVersion": text("/apiVersion"), "kind": text("/kind"), "metadata": metadata })),
        by: author(managed(object), &FieldPath::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{adopted, compare, digest, managers, not_adoptable};
    use super::*;
    use proptest::prelude::*;

    fn applied() -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "web", "namespace": "dev", "labels": { "app": "web" }, "annotations": { "slipway.dev/fence": "2" } },
            "spec": {
                "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": "25%" } },
                "template": {
                    "metadata": { "labels": { "app": "web" } },
                    "spec": { "securityContext": {}, "containers": [{
                        "name": "web", "image": "r/web@sha256:1", "imagePullPolicy": "IfNotPresent",
                        "env": [{ "name": "A", "value": "1" }],
                    }] },
                },
            },
        })
    }

    fn ours() -> Value {
        json!({
            "manager": "slipway", "operation": "Apply", "time": "2026-11-01T10:00:00Z", "fieldsV1": {
                "f:metadata": { "f:labels": { "f:app": {} }, "f:annotations": { "f:slipway.dev/fence": {} } },
                "f:spec": { "f:template": {
                    "f:metadata": { "f:labels": { "f:app": {} } },
                    "f:spec": { "f:containers": { "k:{\"name\":\"web\"}": {
                        ".": {}, "f:name": {}, "f:image": {},
                        "f:env": { "k:{\"name\":\"A\"}": { ".": {}, "f:name": {}, "f:value": {} } },
                    } } },
                } },
            },
        })
    }

    fn by(manager: &str, subresource: &str, fields: &Value) -> Value {
        json!({
            "manager": manager, "operation": "Update", "time": "2026-11-02T10:00:00Z", "subresource": subresource, "fieldsV1": fields,
        })
    }

    fn in_pod(fields: &Value) -> Value {
        json!({ "f:spec": { "f:template": { "f:spec": fields } } })
    }

    fn in_container(fields: &Value) -> Value {
        in_pod(&json!({ "f:containers": { "k:{\"name\":\"web\"}": fields } }))
    }

    fn seen(live: &Value, entries: Vec<Value>) -> Vec<FieldChange> {
        let mut live = live.clone();
        let managed: Vec<Value> = std::iter::once(ours()).chain(entries).collect();
        live["metadata"]["managedFields"] = managed.into();
        compare(Some(&live), &without_managed(&live))
    }

    /// The dry run keeps what others set.
    fn without_managed(live: &Value) -> Value {
        let mut wanted = live.clone();
        wanted["metadata"]
            .as_object_mut()
            .expect("metadata")
            .remove("managedFields");
        wanted
    }

    fn paths(changes: &[FieldChange]) -> Vec<String> {
        changes.iter().map(|change| change.path.to_string()).collect()
    }

    /// A variable, a probe, a sidecar, a label and an annotation, as `kubectl edit` claims them.
    fn edited() -> (Value, Vec<Value>) {
        let mut live = applied();
        live["metadata"]["labels"]["team"] = json!("blue");
        live["metadata"]["annotations"]["note"] = json!("mine");
        let pod = &mut live["spec"]["template"]["spec"];
        pod["containers"][0]["env"] =
            json!([{ "name": "A", "value": "1" }, { "name": "DEBUG", "value": "yes" }]);
        pod["containers"][0]["livenessProbe"] =
            json!({ "httpGet": { "path": "/", "port": 80, "scheme": "HTTP" }, "timeoutSeconds": 1 });
        pod["containers"]
            .as_array_mut()
            .expect("containers")
            .push(json!({ "name": "shell", "image": "busybox" }));
        let claims = json!({
            "f:metadata": { "f:labels": { "f:team": {} }, "f:annotations": { "f:note": {} } },
            "f:spec": { "f:template": { "f:spec": { "f:containers": {
                "k:{\"name\":\"web\"}": {
                    "f:env": { "k:{\"name\":\"DEBUG\"}": { ".": {}, "f:name": {}, "f:value": {} } },
                    "f:livenessProbe": { "f:httpGet": { "f:path": {}, "f:port": {} } },
                },
                "k:{\"name\":\"shell\"}": { ".": {}, "f:name": {}, "f:image": {} },
            } } } },
        });
        (live, vec![by("kubectl-edit", "", &claims)])
    }

    #[test]
    fn what_somebody_added_is_seen_whole_with_who_did_it() {
        let (live, entries) = edited();
        let changes = seen(&live, entries);
        let container = ".spec.template.spec.containers[name=\"web\"]";
        assert_eq!(
            paths(&changes),
            [
                String::from(".metadata.annotations.note"),
                String::from(".metadata.labels.team"),
                String::from(".spec.template.spec.containers[name=\"shell\"]"),
                format!("{container}.env[name=\"DEBUG\"]"),
                format!("{container}.livenessProbe"),
            ]
        );
        assert!(
            changes
                .iter()
                .all(|change| change.applied.is_none() && change.live.is_some())
        );
        assert_eq!(managers(&changes), ["kubectl-edit"]);
        assert_eq!(not_adoptable(&changes), None);
    }

    #[test]
    fn what_was_added_is_taken_away_with_its_defaults_and_nothing_else_is() {
        let (live, entries) = edited();
        let changes = seen(&live, entries);
        let patch = removal(&live, &changes).expect("a patch");
        let mut left = live.clone();
        merge(&mut left, &patch);
        assert_eq!(left, applied());
        // What has another value by now is not what was seen.
        let mut other = live;
        other["metadata"]["labels"]["team"] = json!("red");
        let patch = removal(&other, &changes).expect("a patch");
        assert_eq!(patch["metadata"], json!({ "annotations": { "note": null } }));
        assert_eq!(removal(&applied(), &changes), None);
    }

    /// RFC 7386.
    fn merge(target: &mut Value, patch: &Value) {
        let Some(fields) = patch.as_object() else {
            *target = patch.clone();
            return;
        };
        for (key, value) in fields {
            if value.is_null() {
                target.as_object_mut().expect("an object").remove(key);
            } else {
                merge(&mut target[key.as_str()], value);
            }
        }
    }

    #[test]
    fn what_was_added_is_part_of_what_an_adoption_records() {
        let (live, entries) = edited();
        let changes = seen(&live, entries);
        assert_eq!(adopted(&[applied()], &changes), [live]);
    }

    #[test]
    fn a_default_that_somebody_changed_is_named_where_nobody_else_has_anything_in_it() {
        let mut live = applied();
        live["spec"]["strategy"]["rollingUpdate"]["maxSurge"] = json!("50%");
        live["spec"]["template"]["spec"]["securityContext"] = json!({ "runAsUser": 0 });
        live["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = json!("Never");
        let entries = vec![
            by(
                "vim",
                "",
                &json!({ "f:spec": { "f:strategy": { "f:rollingUpdate": { "f:maxSurge": {} } } } }),
            ),
            by(
                "vim",
                "",
                &in_pod(&json!({ "f:securityContext": { "f:runAsUser": {} } })),
            ),
            by("vim", "", &in_container(&json!({ "f:imagePullPolicy": {} }))),
        ];
        let found = paths(&seen(&live, entries));
        assert_eq!(
            found,
            [
                ".spec.strategy",
                ".spec.template.spec.containers[name=\"web\"].imagePullPolicy",
                ".spec.template.spec.securityContext",
            ]
        );
    }

    #[test]
    fn what_controllers_kubectls_notes_and_slipway_itself_set_is_no_drift() {
        let mut live = applied();
        live["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = json!("3");
        live["metadata"]["finalizers"] = json!(["example.com/lb"]);
        live["spec"]["replicas"] = json!(4);
        live["spec"]["template"]["metadata"]["annotations"] =
            json!({ "kubectl.kubernetes.io/restartedAt": "now", "slipway.dev/x": "1" });
        live["status"] = json!({ "replicas": 4 });
        let restarted = |key: &str| json!({ "f:spec": { "f:template": { "f:metadata": { "f:annotations": { ".": {}, format!("f:{key}"): {} } } } } });
        let revision = json!({ "f:metadata": { "f:annotations": { "f:deployment.kubernetes.io/revision": {} } }, "f:status": { "f:replicas": {} } });
        let entries = vec![
            by("kube-controller-manager", "", &revision),
            by(
                "kubectl-rollout",
                "",
                &restarted("kubectl.kubernetes.io/restartedAt"),
            ),
            by("slipway-restart", "", &restarted("slipway.dev/x")),
            by(
                "lb",
                "",
                &json!({ "f:metadata": { "f:finalizers": { ".": {}, "v:\"example.com/lb\"": {} } } }),
            ),
            by("operator", "status", &json!({ "f:status": { "f:replicas": {} } })),
            by("kubectl", "scale", &json!({ "f:spec": { "f:replicas": {} } })),
            // What is claimed and is not there any more.
            by("vim", "", &json!({ "f:spec": { "f:paused": {} } })),
        ];
        assert_eq!(seen(&live, entries), []);
    }

    #[test]
    fn a_field_that_somebody_changed_and_changed_back_is_no_drift() {
        // The API server takes what somebody writes from whoever had it.
        let mut theirs = ours();
        let container = "/fieldsV1/f:spec/f:template/f:spec/f:containers/k:{\"name\":\"web\"}";
        let fields = theirs.pointer_mut(container).and_then(Value::as_object_mut);
        fields.expect("fields").remove("f:image");
        let edit = by("kubectl-edit", "", &in_container(&json!({ "f:image": {} })));
        let mut live = applied();
        live["metadata"]["managedFields"] = json!([theirs, edit]);
        let mut wanted = applied();
        wanted["metadata"]["managedFields"] = json!([ours()]);
        assert_eq!(compare(Some(&live), &wanted), []);
        assert_eq!(
            paths(&compare(Some(&live), &applied())).len(),
            1,
            "only the dry run knows"
        );
    }

    #[test]
    fn a_field_of_slipways_that_another_claims_too_is_compared_and_not_added() {
        let both = by(
            "vim",
            "",
            &in_container(&json!({ "f:image": {}, "f:env": { "k:{\"name\":\"A\"}": { "f:value": {} } } })),
        );
        assert_eq!(seen(&applied(), vec![both.clone()]), []);
        let mut live = applied();
        live["spec"]["template"]["spec"]["containers"][0]["image"] = json!("r/web:latest");
        live["metadata"]["managedFields"] = json!([ours(), both]);
        let changes = compare(Some(&live), &applied());
        assert_eq!(
            paths(&changes),
            [".spec.template.spec.containers[name=\"web\"].image"]
        );
    }

    #[test]
    fn an_object_that_slipway_never_applied_is_told_and_cannot_be_adopted() {
        let mut object = json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": { "name": "mine", "namespace": "dev", "uid": "u-1", "managedFields": [
                { "manager": "kubectl-create", "operation": "Update", "time": "2026-11-02T10:00:00Z", "fieldsV1": { "f:spec": {} } },
            ] },
        });
        assert!(!was_applied(&object));
        let change = stranger(&object);
        assert!(change.is_stranger() && !change.is_gone());
        assert_eq!(
            change.by.as_ref().map(|by| by.manager.as_str()),
            Some("kubectl-create")
        );
        let why = not_adoptable(std::slice::from_ref(&change)).expect("a reason");
        assert!(why.en.contains("Job mine was never part of a release"), "{why:?}");
        assert_eq!(adopted(&[applied()], std::slice::from_ref(&change)), [applied()]);
        object["metadata"]["uid"] = json!("u-2");
        assert_ne!(
            digest(&[change]),
            digest(&[stranger(&object)]),
            "another one is another difference"
        );
        object["metadata"]["managedFields"][0] = ours();
        assert!(was_applied(&object));
    }

    proptest! {
        /// Whatever variables Slipway and somebody else have, in whatever order: theirs are seen, and reverting leaves exactly
        /// Slipway's.
        #[test]
        fn exactly_what_others_added_is_seen_and_taken_away(
            names in proptest::collection::btree_map("[A-Z]{1,3}", any::<bool>(), 0..8),
            values in proptest::collection::vec("[a-z]{0,3}", 8),
        ) {
            let item = |(name, value): (&String, &String)| json!({ "name": name, "value": value });
            let env: Vec<(Value, bool)> = names.iter().zip(&values)
                .map(|((name, ours), value)| (item((name, value)), *ours)).collect();
            let claim = |ours: bool| -> Value {
                let mut fields = Map::new();
                for (item, _) in env.iter().filter(|(_, is)| *is == ours) {
                    let key = format!("k:{}", json!({ "name": item["name"] }));
                    fields.insert(key, json!({ ".": {}, "f:name": {}, "f:value": {} }));
                }
                in_container(&json!({ ".": {}, "f:name": {}, "f:env": fields }))
            };
            let mut live = applied();
            let container = |object: &mut Value, env: Vec<Value>| object["spec"]["template"]["spec"]["containers"][0]["env"] = env.into();
            container(&mut live, env.iter().map(|(item, _)| item.clone()).collect());
            let mut wanted = applied();
            container(&mut wanted, env.iter().filter(|(_, ours)| *ours).map(|(item, _)| item.clone()).collect());
            let mut slipway = by("slipway", "", &claim(true));
            slipway["operation"] = json!("Apply");
            let mut managed = live.clone();
            managed["metadata"]["managedFields"] = json!([slipway, by("vim", "", &claim(false))]);
            let changes = compare(Some(&managed), &live);
            let theirs = env.iter().filter(|(_, ours)| !ours).count();
            prop_assert_eq!(changes.len(), theirs);
            let mut left = live.clone();
            if let Some(patch) = removal(&live, &changes) {
                merge(&mut left, &patch);
            }
            prop_assert_eq!(&left, &wanted);
            prop_assert_eq!(adopted(&[wanted], &changes).pop().map(sorted), Some(sorted(live)));
        }
    }

    /// An adoption adds at the end of a list.
    fn sorted(mut object: Value) -> Value {
        let env = object
            .pointer_mut("/spec/template/spec/containers/0/env")
            .and_then(Value::as_array_mut);
        if let Some(env) = env {
            env.sort_by_key(|item| item["name"].as_str().map(str::to_owned));
        }
        object
    }
}
