//! The rules of server-side apply, for any configuration.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Writer, apply, managers, merge, same_but_times};
use crate::kubernetes::fieldset::{FieldSet, fields_of};
use crate::kubernetes::schema::{At, Schema, Shape};

fn deployment() -> Shape {
    Schema::get().shape("Deployment")
}

fn writer(manager: &str) -> Writer<'_> {
    Writer {
        manager,
        api_version: "apps/v1",
        subresource: "",
    }
}

fn applied(live: &Value, config: &Value, manager: &str, force: bool) -> Result<Value, super::ApiError> {
    let shape = deployment();
    let (mut object, ownership) =
        apply(live, config, At::root(&shape), &writer(manager), force, true)?.into_parts();
    ownership.write(&mut object);
    Ok(object)
}

/// Labels, replicas, and containers with environments: maps, scalars and lists with keys.
fn configs() -> impl Strategy<Value = Value> {
    let labels = proptest::collection::btree_map("[abc]", "[xy]", 0..3);
    let environment = proptest::collection::btree_map("[PQR]", "[01]", 0..3);
    let container = ("[12]", proptest::option::of(0..3u8), environment);
    let containers = proptest::collection::btree_map("[mnk]", container, 0..3);
    (labels, proptest::option::of(0..3u8), containers).prop_map(|(labels, replicas, containers)| {
        let containers: Vec<Value> = containers
            .into_iter()
            .map(|(name, (image, port, environment))| {
                let mut container = json!({ "name": name, "image": image });
                if let Some(port) = port {
                    container["ports"] = json!([{ "containerPort": port }]);
                }
                if !environment.is_empty() {
                    container["env"] = environment
                        .iter()
                        .map(|(k, v)| json!({ "name": k, "value": v }))
                        .collect();
                }
                container
            })
            .collect();
        let mut config =
            json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" } });
        if !labels.is_empty() {
            config["metadata"]["labels"] = json!(labels);
        }
        if let Some(replicas) = replicas {
            config["spec"]["replicas"] = json!(replicas);
        }
        if !containers.is_empty() {
            config["spec"]["template"]["spec"]["containers"] = containers.into();
        }
        config
    })
}

fn leaves(value: &Value) -> FieldSet {
    let shape = deployment();
    fields_of(value, Some(At::root(&shape)))
}

/// The members of `set` whose value is a leaf, so that they can conflict.
fn without_identity(mut set: FieldSet) -> Vec<String> {
    for path in [
        &["f:apiVersion"][..],
        &["f:kind"],
        &["f:metadata", "f:name"],
        &["f:metadata", "f:managedFields"],
    ] {
        set.remove(path);
    }
    set.paths()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn applying_twice_changes_nothing(config in configs()) {
        let once = applied(&json!({}), &config, "a", false).expect("nobody else owns anything");
        let twice = applied(&once, &config, "a", false).expect("no conflict with oneself");
        prop_assert!(same_but_times(&once, &twice));
    }

    #[test]
    fn the_last_configuration_of_a_lone_manager_is_the_object(first in configs(), second in configs()) {
        let live = applied(&json!({}), &first, "a", false).expect("first");
        let live = applied(&live, &second, "a", false).expect("second");
        prop_assert_eq!(without_identity(leaves(&live)), without_identity(leaves(&second)));
    }

    #[test]
    fn a_field_that_is_no_longer_applied_stays_iff_another_manager_owns_it(first in configs(), other in configs()) {
        let live = applied(&json!({}), &first, "a", false).expect("first");
        let live = applied(&live, &other, "b", true).expect("forced");
        let bare = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" } });
        let live = applied(&live, &bare, "a", false).expect("giving up never conflicts");
        prop_assert_eq!(without_identity(leaves(&live)), without_identity(leaves(&other)));
        prop_assert!(managers(&live).iter().all(|m| m.name != "a"));
    }

    #[test]
    fn an_apply_conflicts_iff_another_manager_owns_a_field_with_another_value(first in configs(), other in configs()) {
        let shape = deployment();
        let live = applied(&json!({}), &first, "a", false).expect("first");
        let merged = merge(&live, &other, Some(At::root(&shape)));
        let changed = super::compare(&live, &merged, At::root(&shape)).modified;
        let owned = managers(&live).into_iter().fold(FieldSet::default(), |all, m| all.union(&m.fields));
        let clash = !changed.intersection(&owned).is_empty();
        let result = applied(&live, &other, "b", false);
        prop_assert_eq!(result.is_err(), clash);
        if let Err(error) = result {
            prop_assert_eq!(error.code, 409);
            prop_assert_eq!(&error.details["causes"][0]["reason"], "FieldManagerConflict");
        }
    }

    #[test]
    fn a_forced_apply_takes_the_fields_over(first in configs(), other in configs()) {
        let live = applied(&json!({}), &first, "a", false).expect("first");
        let live = applied(&live, &other, "b", true).expect("forced");
        let again = applied(&live, &other, "b", false).expect("it owns them now");
        prop_assert!(same_but_times(&live, &again));
    }

    #[test]
    fn field_sets_survive_their_wire_form(config in configs()) {
        let set = leaves(&config);
        prop_assert_eq!(FieldSet::from_json(&set.to_json()), set);
    }
}

#[test]
fn conflicts_are_worded_as_the_api_server_words_them() {
    let config = |image: &str, replicas: u8| {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" },
            "spec": { "replicas": replicas, "template": { "spec": { "containers": [{ "name": "web", "image": image }] } } },
        })
    };
    let live = applied(&json!({}), &config("a", 1), "first", false).expect("first");
    let one = applied(&live, &config("a", 2), "second", false).expect_err("a conflict");
    assert_eq!(
        one.message,
        "Apply failed with 1 conflict: conflict with \"first\": .spec.replicas"
    );
    let two = applied(&live, &config("b", 2), "second", false).expect_err("conflicts");
    assert_eq!(
        two.message,
        "Apply failed with 2 conflicts: conflicts with \"first\":\n- .spec.replicas\n- .spec.template.spec.containers[name=\"web\"].image"
    );
    assert_eq!(
        two.details["causes"][1]["field"],
        ".spec.template.spec.containers[name=\"web\"].image"
    );
}
