//! How an app runs: what is set, what is refused, what is rendered, judged by Kubernetes' own schemas.

mod plain;

use proptest::prelude::*;
use serde_json::Value;
use slipway_domain::manifest::{Target, left_behind, render, runs_pods, yaml};
use slipway_domain::release::Image;
use slipway_domain::workload::{
    Autoscaling, ConfigFile, Container, Ingress, SecretVariable, Times, Volume, Workload, WorkloadForm,
    WorkloadKind, WorkloadOverride,
};

fn images() -> Vec<Image> {
    ["order-api", "order-migrations"]
        .map(|name| Image {
            repository: format!("registry.example.com/acme/{name}"),
            digest: format!("sha256:{:064x}", name.len()),
        })
        .to_vec()
}

fn target(environment: &str) -> Target<'_> {
    Target {
        app: "order-api",
        project: "checkout",
        environment,
        namespace: "checkout-live",
    }
}

/// A workload that uses everything.
fn whole(kind: WorkloadKind) -> Workload {
    Workload {
        kind,
        command: vec![String::from("serve"), String::from("--verbose")],
        live_path: Some(String::from("/live")),
        cpu_limit_millis: Some(500),
        variables: [(String::from("LOG_LEVEL"), String::from("info"))].into(),
        secrets: vec![SecretVariable {
            variable: String::from("DB_PASSWORD"),
            secret: String::from("orders-db"),
            key: String::from("password"),
        }],
        files: vec![ConfigFile {
            path: String::from("/etc/order/config.yaml"),
            content: String::from("a: 1\n"),
        }],
        volumes: vec![
            Volume {
                name: String::from("data"),
                path: String::from("/var/lib/order"),
                mib: Some(5120),
            },
            Volume {
                name: String::from("scratch"),
                path: String::from("/tmp"),
                mib: None,
            },
        ],
        containers: vec![Container {
            name: String::from("migrate"),
            init: true,
            image: String::from("order-migrations"),
            cpu_millis: 200,
            memory_mib: 64,
            ..Container::default()
        }],
        ingress: Some(Ingress {
            host: String::from("orders.example.com"),
            path: String::from("/"),
            class: String::from("nginx"),
            tls_secret: String::from("orders-tls"),
        }),
        autoscaling: kind.scales().then_some(Autoscaling {
            min: 2,
            max: 6,
            cpu_percent: 70,
        }),
        schedule: (kind == WorkloadKind::CronJob).then(|| Times {
            cron: String::from("0 2 * * *"),
            zone: String::from("Asia/Shanghai"),
        }),
        ..Workload::default()
    }
}

#[test]
fn everything_of_a_workload_is_rendered() {
    for kind in [
        WorkloadKind::Deployment,
        WorkloadKind::StatefulSet,
        WorkloadKind::CronJob,
    ] {
        insta::assert_snapshot!(kind.key(), yaml(&render(target("live"), &images(), &whole(kind))));
    }
}

#[test]
fn every_image_a_container_names_is_rendered_by_digest() {
    for kind in WorkloadKind::ALL {
        let text = yaml(&render(target("live"), &images(), &whole(*kind)));
        for image in images() {
            assert!(text.contains(&image.reference()), "{kind:?}: {text}");
        }
    }
    let workload = Workload::default();
    let images = images();
    assert_eq!(workload.unused_images(&images), [&images[1]]);
    assert!(whole(WorkloadKind::Job).unused_images(&images).is_empty());
    let other = Workload {
        image: String::from("payments"),
        ..Workload::default()
    };
    assert_eq!(other.missing_images(&images), ["payments"]);
}

#[test]
fn a_secret_is_named_and_never_valued() {
    let text = yaml(&render(
        target("live"),
        &images(),
        &whole(WorkloadKind::Deployment),
    ));
    assert!(text.contains("secretKeyRef") && text.contains("orders-db"));
    let form = WorkloadForm {
        secrets: String::from("DB_PASSWORD=hunter2"),
        ..WorkloadForm::of(&Workload::default(), &[])
    };
    let wrong = form.read().expect_err("a value is no reference");
    assert!(
        wrong
            .iter()
            .all(|(_, text)| !text.en.contains("hunter2") && !text.zh.contains("hunter2"))
    );
}

#[test]
fn another_file_is_another_config_map_and_the_old_one_is_left_behind() {
    let old = render(target("live"), &images(), &whole(WorkloadKind::Deployment));
    let mut workload = whole(WorkloadKind::Deployment);
    workload.files[0].content = String::from("a: 2\n");
    workload.volumes.clear();
    workload.ingress = None;
    let new = render(target("live"), &images(), &workload);
    let kinds: Vec<_> = left_behind(&old, &new)
        .iter()
        .map(|object| object["kind"].as_str().unwrap_or_default().to_owned())
        .collect();
    // The claim stays: what is in it cannot be made again.
    assert_eq!(kinds, ["Ingress", "ConfigMap"]);
    assert!(left_behind(&new, &new).is_empty());
}

#[test]
fn a_pod_asks_for_its_containers_together_or_for_the_largest_before_them() {
    let mut workload = whole(WorkloadKind::Deployment);
    assert_eq!(workload.pod_in("live"), (200, 128));
    workload.containers[0].init = false;
    assert_eq!(workload.pod_in("live"), (300, 192));
    assert_eq!(workload.replicas_in("live"), 6);
    assert_eq!(whole(WorkloadKind::Job).replicas_in("live"), 1);
}

#[test]
fn what_kubernetes_would_refuse_is_refused_in_its_field() {
    let wrong = |change: fn(&mut Workload)| {
        let mut workload = whole(WorkloadKind::Deployment);
        change(&mut workload);
        workload
            .check()
            .into_iter()
            .map(|(field, _)| field)
            .collect::<Vec<_>>()
    };
    assert_eq!(wrong(|_| ()), Vec::<String>::new());
    assert_eq!(wrong(|w| w.image = String::from("nginx:latest")), ["image"]);
    assert_eq!(
        wrong(|w| w.port = None),
        ["probe_path", "live_path", "ingress_host"]
    );
    assert_eq!(wrong(|w| w.cpu_limit_millis = Some(1)), ["cpu_limit"]);
    assert_eq!(wrong(|w| w.files[0].path = String::from("/a/../b")), ["files"]);
    assert_eq!(
        wrong(|w| w.volumes[1].path = w.volumes[0].path.clone()),
        ["volumes"]
    );
    assert_eq!(
        wrong(|w| w.kind = WorkloadKind::CronJob),
        ["ingress_host", "most", "cron"]
    );
    let clash = |w: &mut Workload| {
        w.variables.insert(String::from("DB_PASSWORD"), String::new());
    };
    assert_eq!(wrong(clash), ["secrets"]);
    let over = |w: &mut Workload| {
        let over = WorkloadOverride {
            memory_mib: Some(1),
            ..WorkloadOverride::default()
        };
        w.overrides.insert(String::from("live"), over);
    };
    assert_eq!(wrong(over), ["overrides"]);
    assert_eq!(
        wrong(|w| w.manifests = vec![String::from("../x.yaml")]),
        ["manifests"]
    );
}

#[test]
fn a_workload_that_was_stored_before_there_was_more_to_it_reads_the_same() {
    let old = r#"{"replicas":3,"port":80,"probe_path":null,"cpu_millis":50,"memory_mib":64,"variables":{},"overrides":{"live":{"replicas":4,"variables":{}}}}"#;
    let read: Workload = serde_json::from_str(old).expect("readable");
    assert_eq!(
        (read.replicas, read.kind, read.replicas_in("live")),
        (3, WorkloadKind::Deployment, 4)
    );
}

/// Kubernetes' own schemas, by kind. `None` where they are not there.
fn schemas() -> Option<(Value, std::path::PathBuf)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/contract/k8s/jsonschema-v1.37-strict");
    let text = std::fs::read_to_string(folder.join("_definitions.json")).ok()?;
    Some((serde_json::from_str(&text).expect("JSON"), folder))
}

/// The schema of a kind with the definitions inside it.
fn schema_of(kind: &str, definitions: &Value, folder: &std::path::Path) -> Option<Value> {
    let file = match kind {
        "ConfigMap" => "configmap-v1.json",
        "Deployment" => "deployment-apps-v1.json",
        "HorizontalPodAutoscaler" => "horizontalpodautoscaler-autoscaling-v2.json",
        "Ingress" => "ingress-networking-v1.json",
        "Service" => "service-v1.json",
        "StatefulSet" => "statefulset-apps-v1.json",
        _ => return None,
    };
    let text = std::fs::read_to_string(folder.join(file)).ok()?;
    let local = |text: &str| text.replace("/api/_definitions.json#/$defs/", "#/$defs/");
    let mut schema: Value = serde_json::from_str(&local(&text)).expect("JSON");
    let definitions: Value = serde_json::from_str(&local(&definitions.to_string())).expect("JSON");
    schema["$defs"] = definitions["$defs"].clone();
    Some(schema)
}

/// Judged by schemas that nobody here wrote: strict ones, which refuse a field that is unknown.
#[test]
fn what_is_rendered_is_valid_by_kubernetes_own_schemas() {
    let Some((definitions, folder)) = schemas() else {
        println!("skipped: ../shared/contract is not there");
        return;
    };
    let mut judged = std::collections::BTreeSet::new();
    for kind in WorkloadKind::ALL {
        for workload in [
            whole(*kind),
            Workload {
                kind: *kind,
                schedule: whole(*kind).schedule,
                ..Workload::default()
            },
        ] {
            for object in render(target("live"), &images(), &workload) {
                let name = object["kind"].as_str().unwrap_or_default().to_owned();
                let Some(schema) = schema_of(&name, &definitions, &folder) else {
                    continue;
                };
                let validator = jsonschema::validator_for(&schema).expect("a schema");
                let errors: Vec<String> = validator
                    .iter_errors(&object)
                    .map(|error| error.to_string())
                    .collect();
                assert!(errors.is_empty(), "{name}: {errors:?}\n{object:#}");
                judged.insert(name);
            }
        }
    }
    assert_eq!(judged.len(), 6, "{judged:?}");
}

fn names() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9]{0,8}"
}

fn workloads() -> impl Strategy<Value = Workload> {
    let kind = proptest::sample::select(WorkloadKind::ALL);
    let variables = proptest::collection::btree_map("[A-Z][A-Z0-9_]{0,8}", "[a-z0-9=/:]{0,8}", 0..4);
    let over = (
        proptest::option::of(0_u32..9),
        proptest::option::of(4_u32..99),
        variables.clone(),
    );
    let containers = proptest::collection::btree_map(names(), (any::<bool>(), 1_u32..99, 4_u32..99), 0..3);
    let files = proptest::collection::btree_map("/[a-z]{1,8}/[a-z]{1,8}", "[a-z: \n]{0,20}", 0..3);
    (
        kind,
        0_u32..9,
        variables,
        proptest::collection::btree_map(names(), over, 0..3),
        containers,
        files,
    )
        .prop_map(
            |(kind, replicas, variables, overrides, containers, files)| Workload {
                kind,
                replicas,
                variables,
                overrides: overrides
                    .into_iter()
                    .map(|(key, (replicas, memory_mib, variables))| {
                        let over = WorkloadOverride {
                            replicas,
                            memory_mib,
                            variables,
                            ..WorkloadOverride::default()
                        };
                        (key, over)
                    })
                    .filter(|(_, over)| *over != WorkloadOverride::default())
                    .collect(),
                containers: containers
                    .into_iter()
                    .map(|(name, (init, cpu_millis, memory_mib))| Container {
                        name,
                        init,
                        cpu_millis,
                        memory_mib,
                        ..Container::default()
                    })
                    .collect(),
                files: files
                    .into_iter()
                    .map(|(path, content)| ConfigFile { path, content })
                    .collect(),
                schedule: (kind == WorkloadKind::CronJob).then(|| Times {
                    cron: String::from("5 4 * * *"),
                    zone: String::from("UTC"),
                }),
                ..Workload::default()
            },
        )
}

proptest! {
    /// What a form shows of a workload reads back as that workload.
    #[test]
    fn a_form_keeps_the_workload(workload in workloads()) {
        let keys: Vec<String> = workload.overrides.keys().cloned().collect();
        prop_assert_eq!(WorkloadForm::of(&workload, &keys).read(), Ok(workload));
    }

    /// The same workload is rendered the same, another pod template is another text, and nothing is applied twice.
    #[test]
    fn rendering_is_a_function_of_the_workload_there(workload in workloads(), key in names()) {
        let objects = render(target(&key), &images(), &workload);
        prop_assert_eq!(&objects, &render(target(&key), &images(), &workload.in_environment(&key)));
        let mut seen = std::collections::BTreeSet::new();
        for object in &objects {
            let id = (object["kind"].to_string(), object["metadata"]["name"].to_string());
            prop_assert!(seen.insert(id), "twice: {}", object);
        }
        prop_assert_eq!(objects.iter().filter(|object| runs_pods(object)).count(), 1);
    }
}
