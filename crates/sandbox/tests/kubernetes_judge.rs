//! kubectl judges the sandbox's Kubernetes: what it prints and how it exits is the verdict.
//!
//! Without kubectl on PATH every test says that it is skipped and passes.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use slipway_sandbox::kubernetes::{self, KubernetesConfig, KubernetesHandle, Speed};

struct Judge {
    handle: Option<KubernetesHandle>,
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
}

impl Judge {
    /// A fresh cluster with the namespace `dev`; none when there is no kubectl.
    fn start() -> Option<Self> {
        if Command::new("kubectl")
            .args(["version", "--client"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_err()
        {
            println!("skipped: kubectl is not installed");
            return None;
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let folder = tempfile::tempdir().expect("a folder");
        let registry = folder.path().join("registry");
        std::fs::create_dir_all(registry.join("shop/web")).expect("a registry");
        let record = serde_json::json!({
            "repository": "shop/web", "digest": "sha256:abc", "tags": ["v1"], "env": {}, "cmd": ["node", "server.js"],
            "labels": { "org.opencontainers.image.version": "1.4.2" },
        });
        std::fs::write(registry.join("shop/web/sha256:abc.json"), record.to_string()).expect("a record");
        let config = KubernetesConfig {
            name: "judge".into(),
            addr: "127.0.0.1:0".parse().expect("an address"),
            data: None,
            registry: Some(registry),
            speed: Speed::Fast,
        };
        let handle = runtime.block_on(kubernetes::start(config)).expect("a cluster");
        std::fs::write(
            folder.path().join("kubeconfig"),
            kubernetes::kubeconfig(&[&handle]),
        )
        .expect("a kubeconfig");
        let judge = Self {
            handle: Some(handle),
            runtime,
            folder,
        };
        judge.ok(&["create", "namespace", "dev"]);
        Some(judge)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("kubectl");
        command
            .env("KUBECONFIG", self.folder.path().join("kubeconfig"))
            .env("HOME", self.folder.path());
        command
            .args(["--request-timeout=20s", "--namespace=dev"])
            .args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("kubectl runs")
    }

    /// Runs kubectl, which must succeed; what it printed.
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "kubectl {arguments:?}:\n{out}\n{err}");
        out.into_owned()
    }

    /// Runs kubectl, which must fail; what it complained of.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(
            !output.status.success(),
            "kubectl {arguments:?} should fail: {}",
            String::from_utf8_lossy(&output.stdout)
        );
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        std::fs::File::create(&path)
            .and_then(|mut f| f.write_all(text.as_bytes()))
            .expect("a manifest");
        path.to_string_lossy().into_owned()
    }

    /// Asks until the answer holds `wanted`.
    fn until(&self, arguments: &[&str], wanted: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let output = self.run(arguments);
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            if text.contains(wanted) {
                return text;
            }
            assert!(
                Instant::now() < deadline,
                "kubectl {arguments:?} never said {wanted:?}, last: {text}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take() {
            self.runtime.block_on(handle.shutdown());
        }
    }
}

fn deployment(name: &str, image: &str, replicas: u8, annotations: &str) -> String {
    format!(
        r"
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  labels: {{ app: {name} }}
spec:
  replicas: {replicas}
  progressDeadlineSeconds: 3
  selector:
    matchLabels: {{ app: {name} }}
  template:
    metadata:
      labels: {{ app: {name} }}
      annotations: {{ {annotations} }}
    spec:
      containers:
        - name: web
          image: {image}
          ports: [{{ containerPort: 8080 }}]
          resources: {{ requests: {{ cpu: 100m, memory: 64Mi }}, limits: {{ cpu: 200m, memory: 128Mi }} }}
"
    )
}

#[test]
fn a_deployment_is_applied_rolled_out_and_undone() {
    let Some(judge) = Judge::start() else { return };
    let first = judge.file(
        "web.yaml",
        &deployment("web", "127.0.0.1:1/shop/web@sha256:abc", 3, ""),
    );
    assert!(
        judge
            .ok(&["apply", "--server-side", "-f", &first])
            .contains("deployment.apps/web serverside-applied")
    );
    assert!(
        judge
            .ok(&["rollout", "status", "deployment/web", "--timeout=20s"])
            .contains("successfully rolled out")
    );
    let wide = judge.ok(&["get", "deployment", "web", "-o", "wide"]);
    let titles: Vec<&str> = wide
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    assert_eq!(
        titles,
        [
            "NAME",
            "READY",
            "UP-TO-DATE",
            "AVAILABLE",
            "AGE",
            "CONTAINERS",
            "IMAGES",
            "SELECTOR"
        ]
    );
    assert!(
        wide.contains("3/3") && wide.contains("shop/web@sha256:abc") && wide.contains("app=web"),
        "{wide}"
    );
    let pods = judge.ok(&["get", "pods", "-o", "wide"]);
    assert_eq!(pods.matches("Running").count(), 3, "{pods}");
    assert!(pods.contains("sandbox-node") && pods.contains("1/1"), "{pods}");

    let version = judge.ok(&[
        "get",
        "deployment",
        "web",
        "-o",
        "jsonpath={.metadata.resourceVersion}",
    ]);
    judge.ok(&["apply", "--server-side", "-f", &first]);
    let again = judge.ok(&[
        "get",
        "deployment",
        "web",
        "-o",
        "jsonpath={.metadata.resourceVersion}",
    ]);
    assert_eq!(version, again, "an identical apply must not write");

    judge.ok(&["set", "image", "deployment/web", "web=nginx:1.27"]);
    judge.ok(&["rollout", "status", "deployment/web", "--timeout=20s"]);
    let history = judge.ok(&["rollout", "history", "deployment/web"]);
    assert!(history.contains("1 ") && history.contains("2 "), "{history}");
    judge.ok(&["rollout", "undo", "deployment/web"]);
    judge.ok(&["rollout", "status", "deployment/web", "--timeout=20s"]);
    assert!(
        judge
            .ok(&["get", "deployment", "web", "-o", "jsonpath={..image}"])
            .contains("shop/web")
    );
    assert!(
        judge
            .ok(&["rollout", "history", "deployment/web", "--revision=3"])
            .contains("shop/web@sha256:abc")
    );
    judge.ok(&["rollout", "restart", "deployment/web"]);
    judge.ok(&["rollout", "status", "deployment/web", "--timeout=20s"]);
    assert!(judge.ok(&["get", "replicasets"]).lines().count() >= 3);
    judge.ok(&["rollout", "pause", "deployment/web"]);
    judge.until(
        &[
            "get",
            "deployment",
            "web",
            "-o",
            "jsonpath={.status.conditions[*].reason}",
        ],
        "DeploymentPaused",
    );
    judge.ok(&["rollout", "resume", "deployment/web"]);
}

#[test]
fn field_managers_conflict_and_force_takes_over() {
    let Some(judge) = Judge::start() else { return };
    let mine = judge.file("mine.yaml", &deployment("web", "nginx:1.26", 2, ""));
    let theirs = judge.file("theirs.yaml", &deployment("web", "nginx:1.27", 2, ""));
    judge.ok(&["apply", "--server-side", "--field-manager=slipway", "-f", &mine]);
    let complaint = judge.refused(&["apply", "--server-side", "--field-manager=other", "-f", &theirs]);
    assert!(
        complaint.contains("Apply failed with 1 conflict: conflict with \"slipway\""),
        "{complaint}"
    );
    assert!(
        complaint.contains(".spec.template.spec.containers[name=\"web\"].image"),
        "{complaint}"
    );
    judge.ok(&[
        "apply",
        "--server-side",
        "--field-manager=other",
        "--force-conflicts",
        "-f",
        &theirs,
    ]);
    let managers = judge.ok(&[
        "get",
        "deployment",
        "web",
        "--show-managed-fields",
        "-o",
        "jsonpath={.metadata.managedFields[*].manager}",
    ]);
    assert!(
        managers.contains("slipway")
            && managers.contains("other")
            && managers.contains("kube-controller-manager"),
        "{managers}"
    );
}

#[test]
fn client_side_apply_and_diff_work_too() {
    let Some(judge) = Judge::start() else { return };
    let first = judge.file("web.yaml", &deployment("web", "nginx:1.26", 2, ""));
    assert!(judge.ok(&["apply", "-f", &first]).contains("created"));
    judge.ok(&["rollout", "status", "deployment/web", "--timeout=20s"]);
    assert!(judge.ok(&["apply", "-f", &first]).contains("unchanged"));
    assert_eq!(
        judge.run(&["diff", "-f", &first]).status.code(),
        Some(0),
        "no difference"
    );
    let second = judge.file("web2.yaml", &deployment("web", "nginx:1.27", 2, ""));
    let diff = judge.run(&["diff", "-f", &second]);
    let text = String::from_utf8_lossy(&diff.stdout).into_owned();
    assert_eq!(diff.status.code(), Some(1), "{text}");
    assert!(
        text.contains("-      - image: nginx:1.26") && text.contains("+      - image: nginx:1.27"),
        "{text}"
    );
    assert!(judge.ok(&["apply", "-f", &second]).contains("configured"));
    // kubectl moves the ownership over when it changes to server-side apply.
    judge.ok(&["apply", "--server-side", "-f", &second]);
    judge.ok(&[
        "patch",
        "deployment",
        "web",
        "-p",
        r#"{"spec":{"template":{"spec":{"containers":[{"name":"web","env":[{"name":"A","value":"1"}]}]}}}}"#,
    ]);
    let environment = judge.ok(&[
        "get",
        "deployment",
        "web",
        "-o",
        "jsonpath={..env[0].name},{..containers[0].image}",
    ]);
    assert_eq!(
        environment, "A,nginx:1.27",
        "the strategic merge joins containers by name"
    );
    judge.ok(&["create", "configmap", "settings", "--from-literal=a=b"]);
    judge.ok(&["label", "configmap", "settings", "team=blue"]);
    judge.ok(&["annotate", "configmap", "settings", "note=yes"]);
    assert!(
        judge
            .ok(&["get", "configmaps", "-l", "team=blue"])
            .contains("settings")
    );
    assert!(
        judge
            .ok(&["get", "configmaps", "--field-selector=metadata.name=settings"])
            .contains("settings")
    );
}

#[test]
fn a_crash_loop_shows_in_pods_events_logs_and_the_rollout() {
    let Some(judge) = Judge::start() else { return };
    let broken = judge.file(
        "broken.yaml",
        &deployment("web", "nginx:1", 1, "sandbox.slipway.dev/behavior: crash-loop"),
    );
    judge.ok(&["apply", "--server-side", "-f", &broken]);
    judge.until(&["get", "pods"], "CrashLoopBackOff");
    judge.until(
        &[
            "get",
            "pods",
            "-o",
            "jsonpath={.items[0].status.containerStatuses[0].restartCount}",
        ],
        "2",
    );
    let last = judge.ok(&[
        "get",
        "pods",
        "-o",
        "jsonpath={.items[0].status.containerStatuses[0].lastState.terminated.exitCode}",
    ]);
    assert_eq!(last, "1");
    assert!(
        judge
            .until(&["get", "events"], "BackOff")
            .contains("Back-off restarting failed container web in pod web-")
    );
    let log = judge.until(&["logs", "deployment/web", "--previous"], "exiting with code 1");
    assert!(
        log.contains("Error: cannot connect to the database") && log.contains("    at "),
        "{log}"
    );
    let complaint = judge.refused(&["rollout", "status", "deployment/web", "--timeout=20s"]);
    assert!(
        complaint.contains("exceeded its progress deadline"),
        "{complaint}"
    );
    judge.until(&["describe", "pods"], "CrashLoopBackOff");
}

#[test]
fn an_image_that_the_registry_does_not_hold_is_not_pulled() {
    let Some(judge) = Judge::start() else { return };
    let missing = judge.file(
        "missing.yaml",
        &deployment("web", "127.0.0.1:1/shop/web@sha256:def", 1, ""),
    );
    judge.ok(&["apply", "--server-side", "-f", &missing]);
    judge.until(&["get", "pods"], "ImagePullBackOff");
    assert!(
        judge
            .until(&["get", "events"], "Failed to pull image")
            .contains("not found")
    );
    // It is tried again and again: the moment decides which of the two is said.
    let said = judge.refused(&["logs", "deployment/web"]);
    assert!(
        said.contains("trying and failing to pull image") || said.contains("image can't be pulled"),
        "{said}"
    );
    let fixed = judge.file(
        "fixed.yaml",
        &deployment("web", "127.0.0.1:1/shop/web@sha256:abc", 1, ""),
    );
    judge.ok(&["apply", "--server-side", "-f", &fixed]);
    judge.ok(&["rollout", "status", "deployment/web", "--timeout=20s"]);
    let log = judge.ok(&["logs", "deployment/web"]);
    assert!(
        log.contains("starting web 1.4.2")
            && log.contains("running node server.js")
            && log.contains("listening on 0.0.0.0:8080"),
        "{log}"
    );
    assert_eq!(
        judge.ok(&["logs", "deployment/web", "--tail=1"]).lines().count(),
        1
    );
}

#[test]
fn a_quota_holds_pods_back() {
    let Some(judge) = Judge::start() else { return };
    judge.ok(&["create", "quota", "team", "--hard=pods=2,requests.cpu=1"]);
    let manifest = judge.file("web.yaml", &deployment("web", "nginx:1", 3, ""));
    judge.ok(&["apply", "--server-side", "-f", &manifest]);
    judge.until(&["get", "deployment", "web"], "2/3");
    let events = judge.until(&["get", "events"], "FailedCreate");
    assert!(
        events
            .contains("is forbidden: exceeded quota: team, requested: pods=1, used: pods=2, limited: pods=2"),
        "{events}"
    );
    judge.until(
        &[
            "get",
            "deployment",
            "web",
            "-o",
            "jsonpath={.status.conditions[*].type}",
        ],
        "ReplicaFailure",
    );
    judge.until(&["get", "quota", "team"], "pods: 2/2");
    let complaint = judge.refused(&["run", "extra", "--image=nginx:1"]);
    assert!(
        complaint.contains("(Forbidden)")
            && complaint.contains("failed quota: team: must specify requests.cpu for: extra"),
        "{complaint}"
    );
    judge.ok(&["delete", "quota", "team"]);
    judge.until(&["get", "deployment", "web"], "3/3");
}

#[test]
fn scaling_and_deleting_follow_through() {
    let Some(judge) = Judge::start() else { return };
    let manifest = judge.file("web.yaml", &deployment("web", "nginx:1", 1, ""));
    judge.ok(&["create", "-f", &manifest]);
    judge.ok(&["rollout", "status", "deployment/web", "--timeout=20s"]);
    judge.ok(&["scale", "deployment/web", "--replicas=4"]);
    judge.until(&["get", "deployment", "web"], "4/4");
    judge.ok(&["scale", "deployment/web", "--replicas=1"]);
    judge.until(&["get", "deployment", "web"], "1/1");
    judge.ok(&[
        "delete",
        "deployment",
        "web",
        "--cascade=foreground",
        "--timeout=20s",
    ]);
    assert_eq!(
        judge.ok(&["get", "replicasets,pods", "-o", "name"]),
        "",
        "foreground deletion takes the pods first"
    );
    judge.ok(&["create", "-f", &manifest]);
    judge.ok(&["rollout", "status", "deployment/web", "--timeout=20s"]);
    judge.ok(&["delete", "deployment", "web", "--cascade=orphan"]);
    assert!(
        judge
            .ok(&["get", "replicasets", "-o", "name"])
            .contains("replicaset.apps/web-")
    );
    judge.ok(&["delete", "namespace", "dev", "--timeout=20s"]);
    assert!(judge.refused(&["get", "namespace", "dev"]).contains("NotFound"));
}

#[test]
fn other_workloads_come_up() {
    let Some(judge) = Judge::start() else { return };
    let pod = "{ containers: [{ name: web, image: \"nginx:1\" }] }";
    let kinds = format!(
        r#"
apiVersion: apps/v1
kind: StatefulSet
metadata: {{ name: db }}
spec:
  replicas: 2
  serviceName: db
  selector: {{ matchLabels: {{ app: db }} }}
  template: {{ metadata: {{ labels: {{ app: db }} }}, spec: {pod} }}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {{ name: agent }}
spec:
  selector: {{ matchLabels: {{ app: agent }} }}
  template: {{ metadata: {{ labels: {{ app: agent }} }}, spec: {pod} }}
---
apiVersion: batch/v1
kind: Job
metadata: {{ name: migrate }}
spec:
  template: {{ spec: {{ restartPolicy: Never, containers: [{{ name: web, image: "nginx:1" }}] }} }}
---
apiVersion: batch/v1
kind: CronJob
metadata: {{ name: nightly }}
spec:
  schedule: "0 3 * * *"
  jobTemplate: {{ spec: {{ template: {{ spec: {{ restartPolicy: Never, containers: [{{ name: web, image: "nginx:1" }}] }} }} }} }}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{ name: web }}
spec:
  rules:
    - host: shop.example.com
      http: {{ paths: [{{ path: /, pathType: Prefix, backend: {{ service: {{ name: web, port: {{ number: 80 }} }} }} }}] }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{ name: web }}
spec: {{ maxReplicas: 3, scaleTargetRef: {{ apiVersion: apps/v1, kind: Deployment, name: web }} }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{ name: web }}
spec: {{ minAvailable: 1, selector: {{ matchLabels: {{ app: web }} }} }}
"#
    );
    let file = judge.file("kinds.yaml", &kinds);
    judge.ok(&["apply", "--server-side", "-f", &file]);
    judge.ok(&["rollout", "status", "statefulset/db", "--timeout=20s"]);
    judge.ok(&["rollout", "status", "daemonset/agent", "--timeout=20s"]);
    judge.ok(&["wait", "--for=condition=complete", "job/migrate", "--timeout=20s"]);
    assert!(judge.ok(&["get", "jobs"]).contains("Complete"));
    assert!(judge.ok(&["get", "pods"]).contains("db-1"));
    for kind in [
        "cronjobs",
        "ingresses",
        "hpa",
        "pdb",
        "serviceaccounts",
        "nodes",
        "secrets",
        "limitranges",
        "pvc",
        "services",
        "endpoints",
    ] {
        judge.ok(&["get", kind, "-o", "wide"]);
        judge.ok(&["describe", kind]);
    }
    judge.ok(&["create", "service", "clusterip", "web", "--tcp=80:8080"]);
    judge.ok(&["get", "all", "--all-namespaces"]);
}

#[test]
fn discovery_explains_what_there_is() {
    let Some(judge) = Judge::start() else { return };
    let resources = judge.ok(&["api-resources"]);
    for line in [
        "deployments deploy apps/v1 true Deployment",
        "pods po v1 true Pod",
        "poddisruptionbudgets pdb policy/v1 true PodDisruptionBudget",
    ] {
        let found = resources
            .lines()
            .any(|l| l.split_whitespace().collect::<Vec<_>>().join(" ") == line);
        assert!(found, "{line} is missing in\n{resources}");
    }
    assert!(judge.ok(&["api-versions"]).contains("apps/v1"));
    assert!(
        judge
            .ok(&["explain", "deployment.spec.strategy.rollingUpdate"])
            .contains("maxSurge")
    );
    assert!(judge.ok(&["auth", "can-i", "delete", "pods"]).contains("yes"));
    assert!(judge.ok(&["create", "token", "default"]).starts_with("eyJ"));
    assert!(judge.ok(&["get", "--raw", "/readyz"]).contains("ok"));
}

#[test]
fn manifests_that_the_cluster_refuses_say_why() {
    let Some(judge) = Judge::start() else { return };
    let cases = [
        (
            "unknown field \"spec.replicaz\"",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {replicaz: 1}\n",
        ),
        (
            "spec.template.spec.containers[0].image: Required value",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c}]}}}\n",
        ),
        (
            "`selector` does not match template `labels`",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: c}}, spec: {containers: [{name: c, image: i}]}}}\n",
        ),
        (
            "a lowercase RFC 1123 subdomain",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Bad_Name}\n",
        ),
        (
            "must be between 1 and 65535, inclusive",
            "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {ports: [{port: 70000}]}\n",
        ),
    ];
    for (wanted, manifest) in cases {
        let file = judge.file("bad.yaml", manifest);
        for mode in [&["apply", "--server-side", "-f"][..], &["create", "-f"]] {
            let complaint = judge.refused(&[mode, &[file.as_str()]].concat());
            assert!(
                complaint.contains(wanted),
                "{mode:?} should say {wanted:?}: {complaint}"
            );
        }
    }
    let good = judge.file("good.yaml", &deployment("web", "nginx:1", 1, ""));
    judge.ok(&["create", "-f", &good]);
    let complaint = judge.refused(&[
        "patch",
        "deployment",
        "web",
        "--type=merge",
        "-p",
        r#"{"spec":{"selector":{"matchLabels":{"app":"x"}}}}"#,
    ]);
    assert!(complaint.contains("field is immutable"), "{complaint}");
    assert!(
        judge
            .refused(&["get", "pod", "nobody"])
            .contains("pods \"nobody\" not found")
    );
    assert!(
        judge
            .refused(&["-n", "nowhere", "create", "configmap", "x"])
            .contains("namespaces \"nowhere\" not found")
    );
}

#[test]
fn a_watch_prints_changes_as_they_come() {
    let Some(judge) = Judge::start() else { return };
    let manifest = judge.file("web.yaml", &deployment("web", "nginx:1", 1, ""));
    judge.ok(&["apply", "--server-side", "-f", &manifest]);
    let log = judge.folder.path().join("watch.txt");
    let file = std::fs::File::create(&log).expect("a file");
    let mut child = judge
        .command(&["get", "pods", "-w"])
        .stdout(file)
        .stderr(Stdio::null())
        .spawn()
        .expect("kubectl runs");
    let deadline = Instant::now() + Duration::from_mins(1);
    let until = |from: usize, words: &[&str]| loop {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        let new = text.get(from..).unwrap_or_default();
        if words.iter().all(|word| new.contains(word)) {
            break text.len();
        }
        assert!(Instant::now() < deadline, "the watch printed only {text}");
        std::thread::sleep(Duration::from_millis(50));
    };
    // The first pod is there: kubectl watches. What the second one goes through is printed as it comes.
    let begun = until(0, &["NAME", "1/1"]);
    judge.ok(&["scale", "deployment", "web", "--replicas=2"]);
    until(begun, &["ContainerCreating", "1/1"]);
    child.kill().expect("kubectl ends");
    child.wait().expect("kubectl ended");
}
