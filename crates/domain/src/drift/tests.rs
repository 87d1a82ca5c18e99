use super::*;
use crate::id::TypedId;
use proptest::prelude::*;

fn wanted() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "name": "web", "namespace": "dev", "generation": 3, "resourceVersion": "8",
            "labels": { "app": "web" }, "annotations": { "slipway.dev/fence": "2" },
        },
        "spec": { "replicas": 2, "template": { "spec": { "containers": [{
            "name": "web", "image": "r/web@sha256:1", "imagePullPolicy": "IfNotPresent",
            "env": [{ "name": "A", "value": "1" }, { "name": "B", "value": "2" }],
            "ports": [{ "containerPort": 8080, "protocol": "TCP" }], "args": ["x", "y"],
        }] } } },
        "status": { "replicas": 2 },
    })
}

fn entry(manager: &str, subresource: &str, time: &str, fields: &Value) -> Value {
    json!({
        "manager": manager, "operation": "Update", "apiVersion": "apps/v1", "time": time, "subresource": subresource,
        "fieldsType": "FieldsV1", "fieldsV1": fields,
    })
}

fn shown(changes: &[FieldChange]) -> Vec<(String, Option<&str>)> {
    let one = |change: &FieldChange| {
        let by = change.by.as_ref().map(|author| author.manager.as_str());
        (
            change.path.to_string(),
            by.map(|name| {
                if name == "kubectl-edit" {
                    "kubectl-edit"
                } else {
                    "another"
                }
            }),
        )
    };
    changes.iter().map(one).collect()
}

#[test]
fn what_the_server_keeps_is_no_drift() {
    let mut live = wanted();
    live["status"] = json!({ "replicas": 1 });
    live["metadata"]["generation"] = json!(7);
    live["metadata"]["managedFields"] = json!([]);
    live["metadata"]["uid"] = json!("u");
    assert_eq!(compare(Some(&live), &wanted()), []);
}

#[test]
fn a_field_is_named_as_kubernetes_names_it_with_who_wrote_it_last() {
    let mut live = wanted();
    live["spec"]["template"]["spec"]["containers"][0]["image"] = json!("r/web:latest");
    live["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{ "name": "B", "value": "3" }]);
    live["metadata"]["managedFields"] = json!([
        { "manager": "slipway", "operation": "Apply", "apiVersion": "apps/v1", "time": "2026-11-01T10:00:00Z", "fieldsType": "FieldsV1",
          "fieldsV1": { "f:spec": { "f:replicas": {} } } },
        entry("kubectl-edit", "", "2026-11-02T10:00:00Z", &json!({ "f:spec": { "f:template": { "f:spec": { "f:containers": {
            "k:{\"name\":\"web\"}": { "f:image": {}, "f:env": { "k:{\"name\":\"B\"}": { "f:value": {} } } },
        } } } } })),
    ]);
    let changes = compare(Some(&live), &wanted());
    let container = ".spec.template.spec.containers[name=\"web\"]";
    assert_eq!(
        shown(&changes),
        [
            (format!("{container}.env[name=\"B\"].value"), Some("kubectl-edit")),
            // Taken away: nobody has what is not there.
            (format!("{container}.env[name=\"A\"]"), None),
            (format!("{container}.image"), Some("kubectl-edit")),
        ]
    );
    let at = changes[0].by.as_ref().and_then(|author| author.at);
    assert_eq!(at, Timestamp::parse_rfc3339("2026-11-02T10:00:00Z"));
    assert_eq!(managers(&changes), ["kubectl-edit"]);
}

#[test]
fn what_a_controller_scales_is_its_own() {
    let mut live = wanted();
    live["spec"]["replicas"] = json!(9);
    let scale = json!({ "f:spec": { "f:replicas": {} } });
    live["metadata"]["managedFields"] = json!([entry(
        "kube-controller-manager",
        "scale",
        "2026-11-02T10:00:00Z",
        &scale
    )]);
    assert_eq!(compare(Some(&live), &wanted()), []);
    live["metadata"]["managedFields"] = json!([entry("kubectl", "scale", "2026-11-02T10:00:00Z", &scale)]);
    let changes = compare(Some(&live), &wanted());
    assert_eq!(
        shown(&changes),
        [(String::from(".spec.replicas"), Some("another"))]
    );
    assert_eq!(
        changes[0].by.as_ref().map(|author| author.subresource.as_str()),
        Some("scale")
    );
    assert_eq!(
        (&changes[0].applied, &changes[0].live),
        (&Some(json!(2)), &Some(json!(9)))
    );
}

#[test]
fn an_object_that_is_gone_is_one_change_and_cannot_be_adopted() {
    let changes = compare(None, &wanted());
    assert!(changes.len() == 1 && changes[0].is_gone());
    assert!(not_adoptable(&changes).is_some_and(|text| text.en.contains("Deployment web was deleted")));
    assert_eq!(adopted(&[wanted()], &changes), Vec::<Value>::new());
}

#[test]
fn ports_are_told_apart_by_number_and_protocol_and_lists_without_keys_are_one_value() {
    let mut live = wanted();
    let container = &mut live["spec"]["template"]["spec"]["containers"][0];
    container["ports"] = json!([{ "containerPort": 9090, "protocol": "TCP" }]);
    container["args"] = json!(["x"]);
    let paths: Vec<String> = compare(Some(&live), &wanted())
        .iter()
        .map(|c| c.path.to_string())
        .collect();
    let container = ".spec.template.spec.containers[name=\"web\"]";
    assert_eq!(
        paths,
        [
            format!("{container}.args"),
            format!("{container}.ports[containerPort=9090,protocol=\"TCP\"]"),
            format!("{container}.ports[containerPort=8080,protocol=\"TCP\"]"),
        ]
    );
}

#[test]
fn a_drift_is_the_same_whoever_looks_at_it_when() {
    let mut live = wanted();
    live["spec"]["replicas"] = json!(9);
    let one = compare(Some(&live), &wanted());
    let mut other = one.clone();
    other[0].by = Some(Author {
        manager: String::from("kubectl"),
        subresource: String::new(),
        at: Some(Timestamp(5)),
    });
    assert_eq!(digest(&one), digest(&other));
    other[0].live = Some(json!(10));
    assert_ne!(digest(&one), digest(&other));
    let drift = Drift {
        deployment: TypedId::from_uuid(uuid::Uuid::nil()),
        looked_at: Timestamp(9),
        since: Some(Timestamp(4)),
        changes: one,
        trouble: None,
        listed_at: None,
    };
    assert_eq!(
        drift.brief().map(|brief| (brief.fields, brief.since)),
        Some((1, Timestamp(4)))
    );
    assert_eq!(
        Drift {
            changes: Vec::new(),
            ..drift
        }
        .brief(),
        None
    );
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![(0..4i64).prop_map(Value::from), "[ab]{1}".prop_map(Value::from)]
}

fn items() -> impl Strategy<Value = Value> {
    proptest::collection::btree_map("[AB]", scalar(), 0..3).prop_map(|map| {
        map.into_iter()
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect()
    })
}

prop_compose! {
    fn deployment()(
        replicas in scalar(), image in scalar(), env in items(), labels in proptest::collection::btree_map("[xy]", scalar(), 0..3),
        args in proptest::option::of(proptest::collection::vec(scalar(), 0..3)),
    ) -> Value {
        let mut object = wanted();
        object["spec"]["replicas"] = replicas;
        object["metadata"]["labels"] = json!(labels);
        let container = &mut object["spec"]["template"]["spec"]["containers"][0];
        container["image"] = image;
        container["env"] = env;
        if let Some(args) = args {
            container["args"] = json!(args);
        }
        object
    }
}

proptest! {
    #[test]
    fn what_is_adopted_drifts_no_more(live in deployment(), wanted in deployment()) {
        let changes = compare(Some(&live), &wanted);
        let adopted = adopted(std::slice::from_ref(&wanted), &changes);
        prop_assert_eq!(compare(Some(&live), &adopted[0]), Vec::new());
        prop_assert_eq!(changes.is_empty(), compare(Some(&wanted), &live).is_empty());
    }

    #[test]
    fn nothing_drifts_from_itself(live in deployment()) {
        prop_assert_eq!(compare(Some(&live), &live), Vec::new());
    }
}
