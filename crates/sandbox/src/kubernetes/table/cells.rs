//! The cells of one row, per kind, as the API server prints them.

use serde_json::{Value, json};

use super::super::object::{self, int, text};

#[expect(clippy::too_many_lines, reason = "a table of all kinds")]
pub fn cells(kind: &str, o: &Value) -> Vec<Value> {
    let name = json!(object::name(o));
    let age = json!(age(text(o, "/metadata/creationTimestamp")));
    let number = |pointer: &str| json!(int(o, pointer).unwrap_or(0));
    let workload = || -> [Value; 2] { [json!(containers(o, "name")), json!(containers(o, "image"))] };
    let selector = || json!(selector(o));
    match kind {
        "pods" => pod(o, name, age),
        "deployments" => {
            let ready = format!(
                "{}/{}",
                int(o, "/status/readyReplicas").unwrap_or(0),
                int(o, "/spec/replicas").unwrap_or(0)
            );
            let [names, images] = workload();
            vec![
                name,
                json!(ready),
                number("/status/updatedReplicas"),
                number("/status/availableReplicas"),
                age,
                names,
                images,
                selector(),
            ]
        }
        "replicasets" => {
            let [names, images] = workload();
            let ready = number("/status/readyReplicas");
            vec![
                name,
                number("/spec/replicas"),
                number("/status/replicas"),
                ready,
                age,
                names,
                images,
                selector(),
            ]
        }
        "statefulsets" => {
            let ready = format!(
                "{}/{}",
                int(o, "/status/readyReplicas").unwrap_or(0),
                int(o, "/spec/replicas").unwrap_or(0)
            );
            let [names, images] = workload();
            vec![name, json!(ready), age, names, images]
        }
        "daemonsets" => {
            let [names, images] = workload();
            let s = |field: &str| number(&format!("/status/{field}"));
            vec![
                name,
                s("desiredNumberScheduled"),
                s("currentNumberScheduled"),
                s("numberReady"),
                s("updatedNumberScheduled"),
                s("numberAvailable"),
                json!("<none>"),
                age,
                names,
                images,
                selector(),
            ]
        }
        "jobs" => job(o, name, age, workload(), selector()),
        "cronjobs" => {
            let names = |field: &str| {
                let list = object::list(o, "/spec/jobTemplate/spec/template/spec/containers");
                json!(
                    list.iter()
                        .map(|c| text(c, &format!("/{field}")))
                        .collect::<Vec<_>>()
                        .join(",")
                )
            };
            let zone = Some(text(o, "/spec/timeZone"))
                .filter(|z| !z.is_empty())
                .unwrap_or("<none>");
            let suspend = if object::flag(o, "/spec/suspend") {
                "True"
            } else {
                "False"
            };
            let last = self::age(text(o, "/status/lastScheduleTime"));
            let last = if last == "<unknown>" {
                "<none>".to_owned()
            } else {
                last
            };
            let active = object::list(o, "/status/active").len();
            vec![
                name,
                json!(text(o, "/spec/schedule")),
                json!(zone),
                json!(suspend),
                json!(active),
                json!(last),
                age,
                names("name"),
                names("image"),
                json!("<none>"),
            ]
        }
        "services" => service(o, name, age),
        "namespaces" => vec![name, json!(text(o, "/status/phase")), age],
        "configmaps" => vec![name, json!(size(o, "/data") + size(o, "/binaryData")), age],
        "secrets" => vec![name, json!(text(o, "/type")), json!(size(o, "/data")), age],
        "serviceaccounts" => vec![name, json!(object::list(o, "/secrets").len()), age],
        "resourcequotas" => quota(o, name, age),
        "events" => event(o, name),
        "nodes" => node(o, name, age),
        "horizontalpodautoscalers" => {
            let reference = format!(
                "{}/{}",
                text(o, "/spec/scaleTargetRef/kind"),
                text(o, "/spec/scaleTargetRef/name")
            );
            vec![
                name,
                json!(reference),
                json!(targets(o)),
                number("/spec/minReplicas"),
                number("/spec/maxReplicas"),
                number("/status/currentReplicas"),
                age,
            ]
        }
        "ingresses" => ingress(o, name, age),
        "poddisruptionbudgets" => {
            let or_none = |p: &str| match o.pointer(p) {
                Some(Value::String(s)) => json!(s),
                Some(Value::Number(n)) => json!(n.to_string()),
                _ => json!("N/A"),
            };
            vec![
                name,
                or_none("/spec/minAvailable"),
                or_none("/spec/maxUnavailable"),
                number("/status/disruptionsAllowed"),
                age,
            ]
        }
        "persistentvolumeclaims" => {
            let modes: Vec<&str> = object::list(o, "/spec/accessModes")
                .iter()
                .filter_map(Value::as_str)
                .collect();
            let class = text(o, "/spec/storageClassName");
            vec![
                name,
                json!(text(o, "/status/phase")),
                json!(text(o, "/spec/volumeName")),
                json!(text(o, "/status/capacity/storage")),
                json!(modes.join(",")),
                json!(class),
                json!("<unset>"),
                age,
                json!(text(o, "/spec/volumeMode")),
            ]
        }
        "limitranges" => vec![name, json!(text(o, "/metadata/creationTimestamp"))],
        _ => vec![name, age],
    }
}

fn pod(o: &Value, name: Value, age: Value) -> Vec<Value> {
    let statuses = object::list(o, "/status/containerStatuses");
    let total = object::list(o, "/spec/containers").len();
    let ready = statuses.iter().filter(|s| object::flag(s, "/ready")).count();
    let restarts: i64 = statuses
        .iter()
        .map(|s| int(s, "/restartCount").unwrap_or(0))
        .sum();
    let last = statuses
        .iter()
        .map(|s| text(s, "/lastState/terminated/finishedAt"))
        .max()
        .unwrap_or_default();
    let restarts = if restarts > 0 && !last.is_empty() {
        json!(format!("{restarts} ({} ago)", self::age(last)))
    } else {
        json!(restarts.to_string())
    };
    let or_none = |p: &str| json!(Some(text(o, p)).filter(|t| !t.is_empty()).unwrap_or("<none>"));
    vec![
        name,
        json!(format!("{ready}/{total}")),
        json!(pod_status(o)),
        restarts,
        age,
        or_none("/status/podIP"),
        or_none("/spec/nodeName"),
        json!("<none>"),
        json!("<none>"),
    ]
}

/// The one word that `kubectl get pods` shows.
fn pod_status(o: &Value) -> String {
    let mut status = text(o, "/status/phase").to_owned();
    if !text(o, "/status/reason").is_empty() {
        text(o, "/status/reason").clone_into(&mut status);
    }
    let mut running = false;
    for container in object::list(o, "/status/containerStatuses").iter().rev() {
        let waiting = text(container, "/state/waiting/reason");
        let ended = text(container, "/state/terminated/reason");
        if !waiting.is_empty() {
            waiting.clone_into(&mut status);
        } else if !ended.is_empty() {
            ended.clone_into(&mut status);
        } else if object::flag(container, "/ready") && container.pointer("/state/running").is_some() {
            running = true;
        }
    }
    if status == "Completed" && running {
        "Running".clone_into(&mut status);
    }
    if object::is_deleting(o) {
        "Terminating".to_owned()
    } else {
        status
    }
}

fn job(o: &Value, name: Value, age: Value, [names, images]: [Value; 2], selector: Value) -> Vec<Value> {
    let status = if object::condition(o, "Complete").is_some() {
        "Complete"
    } else if object::condition(o, "Failed").is_some() {
        "Failed"
    } else if object::flag(o, "/spec/suspend") {
        "Suspended"
    } else {
        "Running"
    };
    let completions = format!(
        "{}/{}",
        int(o, "/status/succeeded").unwrap_or(0),
        int(o, "/spec/completions").unwrap_or(1)
    );
    let start: Option<jiff::Timestamp> = text(o, "/status/startTime").parse().ok();
    let end: Option<jiff::Timestamp> = text(o, "/status/completionTime").parse().ok();
    let duration = start.map_or(String::new(), |s| {
        human(
            end.unwrap_or_else(jiff::Timestamp::now)
                .duration_since(s)
                .as_secs(),
        )
    });
    vec![
        name,
        json!(status),
        json!(completions),
        json!(duration),
        age,
        names,
        images,
        selector,
    ]
}

fn service(o: &Value, name: Value, age: Value) -> Vec<Value> {
    let kind = text(o, "/spec/type");
    let balancers: Vec<&str> = object::list(o, "/status/loadBalancer/ingress")
        .iter()
        .map(|i| text(i, "/ip"))
        .collect();
    let external = match kind {
        "LoadBalancer" if balancers.is_empty() => "<pending>".to_owned(),
        "LoadBalancer" => balancers.join(","),
        "ExternalName" => text(o, "/spec/externalName").to_owned(),
        _ => "<none>".to_owned(),
    };
    let ports: Vec<String> = object::list(o, "/spec/ports")
        .iter()
        .map(|p| {
            let (port, protocol) = (int(p, "/port").unwrap_or(0), text(p, "/protocol"));
            int(p, "/nodePort").map_or_else(
                || format!("{port}/{protocol}"),
                |n| format!("{port}:{n}/{protocol}"),
            )
        })
        .collect();
    let ports = if ports.is_empty() {
        "<none>".to_owned()
    } else {
        ports.join(",")
    };
    let ip = Some(text(o, "/spec/clusterIP"))
        .filter(|t| !t.is_empty())
        .unwrap_or("<none>");
    let selector: Vec<String> = object::entries(o, "/spec/selector")
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    let selector = if selector.is_empty() {
        "<none>".to_owned()
    } else {
        selector.join(",")
    };
    vec![
        name,
        json!(kind),
        json!(ip),
        json!(external),
        json!(ports),
        age,
        json!(selector),
    ]
}

fn quota(o: &Value, name: Value, age: Value) -> Vec<Value> {
    let mut requests = Vec::new();
    let mut limits = Vec::new();
    for (key, hard) in object::entries(o, "/status/hard") {
        let used = o["status"]["used"]
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or("0");
        let text = format!("{key}: {used}/{hard}");
        if key.starts_with("limits") {
            limits.push(text);
        } else {
            requests.push(text);
        }
    }
    vec![name, json!(requests.join(", ")), json!(limits.join(", ")), age]
}

fn event(o: &Value, name: Value) -> Vec<Value> {
    let about = ["/involvedObject", "/regarding"]
        .into_iter()
        .find(|p| o.pointer(p).is_some())
        .unwrap_or("/involvedObject");
    let part = |p: &str| text(o, &format!("{about}/{p}")).to_owned();
    let either = |a: &str, b: &str| {
        Some(text(o, a))
            .filter(|t| !t.is_empty())
            .unwrap_or_else(|| text(o, b))
            .to_owned()
    };
    let count = int(o, "/count")
        .or_else(|| int(o, "/deprecatedCount"))
        .unwrap_or(1);
    let seen = either("/lastTimestamp", "/deprecatedLastTimestamp");
    let first = either("/firstTimestamp", "/deprecatedFirstTimestamp");
    vec![
        json!(age(&seen)),
        json!(text(o, "/type")),
        json!(text(o, "/reason")),
        json!(format!("{}/{}", part("kind").to_lowercase(), part("name"))),
        json!(part("fieldPath")),
        json!(either("/source/component", "/reportingController")),
        json!(either("/message", "/note").trim()),
        json!(age(&first)),
        json!(count),
        name,
    ]
}

fn node(o: &Value, name: Value, age: Value) -> Vec<Value> {
    let ready = object::condition(o, "Ready").is_some_and(|c| text(c, "/status") == "True");
    let info = |field: &str| json!(text(o, &format!("/status/nodeInfo/{field}")));
    let address = object::list(o, "/status/addresses")
        .iter()
        .find(|a| text(a, "/type") == "InternalIP")
        .map(|a| text(a, "/address"));
    vec![
        name,
        json!(if ready { "Ready" } else { "NotReady" }),
        json!("control-plane"),
        age,
        info("kubeletVersion"),
        json!(address.unwrap_or("<none>")),
        json!("<none>"),
        info("osImage"),
        info("kernelVersion"),
        info("containerRuntimeVersion"),
    ]
}

fn targets(o: &Value) -> String {
    let list: Vec<String> = object::list(o, "/spec/metrics")
        .iter()
        .map(|m| {
            let resource = text(m, "/resource/name");
            let target = int(m, "/resource/target/averageUtilization").map_or_else(
                || text(m, "/resource/target/averageValue").to_owned(),
                |percent| format!("{percent}%"),
            );
            format!("{resource}: <unknown>/{target}")
        })
        .collect();
    if list.is_empty() {
        "<none>".to_owned()
    } else {
        list.join(", ")
    }
}

fn ingress(o: &Value, name: Value, age: Value) -> Vec<Value> {
    let class = Some(text(o, "/spec/ingressClassName"))
        .filter(|c| !c.is_empty())
        .unwrap_or("<none>");
    let hosts: Vec<&str> = object::list(o, "/spec/rules")
        .iter()
        .map(|r| text(r, "/host"))
        .filter(|h| !h.is_empty())
        .collect();
    let hosts = if hosts.is_empty() {
        "*".to_owned()
    } else {
        hosts.join(",")
    };
    let addresses: Vec<&str> = object::list(o, "/status/loadBalancer/ingress")
        .iter()
        .map(|i| text(i, "/ip"))
        .collect();
    let ports = if object::list(o, "/spec/tls").is_empty() {
        "80"
    } else {
        "80, 443"
    };
    vec![
        name,
        json!(class),
        json!(hosts),
        json!(addresses.join(",")),
        json!(ports),
        age,
    ]
}

fn containers(o: &Value, field: &str) -> String {
    let list = object::list(o, "/spec/template/spec/containers");
    list.iter()
        .map(|c| text(c, &format!("/{field}")))
        .collect::<Vec<_>>()
        .join(",")
}

fn selector(o: &Value) -> String {
    let parts: Vec<String> = object::entries(o, "/spec/selector/matchLabels")
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    if parts.is_empty() {
        "<none>".to_owned()
    } else {
        parts.join(",")
    }
}

fn size(o: &Value, pointer: &str) -> usize {
    o.pointer(pointer)
        .and_then(Value::as_object)
        .map_or(0, serde_json::Map::len)
}

/// Time since an RFC 3339 instant, as kubectl words it.
fn age(since: &str) -> String {
    let then: Result<jiff::Timestamp, _> = since.parse();
    then.map_or_else(
        |_| "<unknown>".to_owned(),
        |then| human(jiff::Timestamp::now().duration_since(then).as_secs()),
    )
}

/// Seconds as `5s`, `3m20s`, `2h5m`, `3d`.
fn human(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let with = |big: i64, unit: char, small: i64, small_unit: char| {
        if small == 0 {
            format!("{big}{unit}")
        } else {
            format!("{big}{unit}{small}{small_unit}")
        }
    };
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => with(minutes, 'm', seconds % 60, 's'),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => with(hours, 'h', minutes % 60, 'm'),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => with(days, 'd', hours % 24, 'h'),
        _ => format!("{days}d"),
    }
}
