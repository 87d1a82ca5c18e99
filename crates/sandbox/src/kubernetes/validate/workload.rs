//! Workloads: replicas, selectors, strategies, pods and containers.

use serde_json::Value;

use super::super::error::Cause;
use super::super::object;
use super::super::quantity::Quantity;
use super::super::selector::LabelSelector;
use super::names::{DNS_LABEL, is_dns_label};

pub(super) fn non_negative(target: &Value, path: &str, causes: &mut Vec<Cause>) {
    if let Some(number) = object::int(target, &format!("/{}", path.replace('.', "/")))
        && number < 0
    {
        causes.push(Cause::invalid(
            path,
            &number.into(),
            "must be greater than or equal to 0",
        ));
    }
}

pub(super) fn workload(target: &Value, causes: &mut Vec<Cause>) {
    for path in [
        "spec.replicas",
        "spec.minReadySeconds",
        "spec.revisionHistoryLimit",
    ] {
        non_negative(target, path, causes);
    }
    let selector = target.pointer("/spec/selector").cloned().unwrap_or_default();
    let labels = target
        .pointer("/spec/template/metadata/labels")
        .cloned()
        .unwrap_or_default();
    let parsed = LabelSelector::of(&selector);
    if selector.is_object() && parsed.is_empty() {
        causes.push(Cause::invalid(
            "spec.selector",
            &selector,
            "empty selector is invalid for deployment",
        ));
    } else if selector.is_object() && !parsed.matches_labels(&labels) {
        causes.push(Cause::invalid(
            "spec.template.metadata.labels",
            &labels,
            "`selector` does not match template `labels`",
        ));
    }
    super::labels(target, "spec.template.metadata", causes);
    pod_spec(target, "spec.template.spec", Some(&["Always"]), causes);
}

pub(super) fn deployment_strategy(target: &Value, causes: &mut Vec<Cause>) {
    let kind = object::text(target, "/spec/strategy/type");
    match kind {
        "Recreate" if target.pointer("/spec/strategy/rollingUpdate").is_some() => {
            let detail = "may not be specified when strategy `type` is 'Recreate'";
            causes.push(Cause::forbidden("spec.strategy.rollingUpdate", detail));
        }
        "Recreate" => {}
        "RollingUpdate" => {
            let zero = |field: &str| {
                let value = target.pointer(&format!("/spec/strategy/rollingUpdate/{field}"));
                value.is_some_and(|v| {
                    v.as_i64() == Some(0) || v.as_str() == Some("0%") || v.as_str() == Some("0")
                })
            };
            if zero("maxUnavailable") && zero("maxSurge") {
                let value = target
                    .pointer("/spec/strategy/rollingUpdate/maxUnavailable")
                    .cloned()
                    .unwrap_or_default();
                let detail = "may not be 0 when `maxSurge` is 0";
                causes.push(Cause::invalid(
                    "spec.strategy.rollingUpdate.maxUnavailable",
                    &value,
                    detail,
                ));
            }
        }
        other => causes.push(Cause::unsupported(
            "spec.strategy.type",
            other,
            &["Recreate", "RollingUpdate"],
        )),
    }
    let deadline = object::int(target, "/spec/progressDeadlineSeconds").unwrap_or(600);
    if deadline <= object::int(target, "/spec/minReadySeconds").unwrap_or(0) {
        let detail = "must be greater than minReadySeconds";
        causes.push(Cause::invalid(
            "spec.progressDeadlineSeconds",
            &deadline.into(),
            detail,
        ));
    }
}

pub(super) fn pod_spec(target: &Value, path: &str, policies: Option<&[&str]>, causes: &mut Vec<Cause>) {
    let Some(spec) = target.pointer(&format!("/{}", path.replace('.', "/"))) else {
        return;
    };
    let policy = object::text(spec, "/restartPolicy");
    let supported = policies.unwrap_or(&["Always", "OnFailure", "Never"]);
    if !supported.contains(&policy) {
        if supported == ["OnFailure", "Never"] && policy == "Always" {
            let detail = "valid values: \"OnFailure\", \"Never\"";
            causes.push(Cause::required(format!("{path}.restartPolicy"), detail));
        } else {
            causes.push(Cause::unsupported(
                format!("{path}.restartPolicy"),
                policy,
                supported,
            ));
        }
    }
    if spec.get("containers").is_some() && object::list(spec, "/containers").is_empty() {
        causes.push(Cause::required(format!("{path}.containers"), ""));
    }
    let volumes: Vec<&str> = object::list(spec, "/volumes")
        .iter()
        .map(|v| object::text(v, "/name"))
        .collect();
    for (i, name) in volumes.iter().enumerate() {
        if volumes[..i].contains(name) {
            causes.push(Cause::duplicate(
                format!("{path}.volumes[{i}].name"),
                &(*name).into(),
            ));
        }
        if !name.is_empty() && !is_dns_label(name) {
            causes.push(Cause::invalid(
                format!("{path}.volumes[{i}].name"),
                &(*name).into(),
                DNS_LABEL,
            ));
        }
    }
    let mut names: Vec<&str> = Vec::new();
    for list in ["initContainers", "containers"] {
        for (i, container) in object::list(spec, &format!("/{list}")).iter().enumerate() {
            let at = format!("{path}.{list}[{i}]");
            let name = object::text(container, "/name");
            if names.contains(&name) {
                causes.push(Cause::duplicate(format!("{at}.name"), &name.into()));
            }
            names.push(name);
            self::container(container, &at, &volumes, causes);
        }
    }
}

pub(super) fn container(container: &Value, at: &str, volumes: &[&str], causes: &mut Vec<Cause>) {
    let name = object::text(container, "/name");
    if !name.is_empty() && !is_dns_label(name) {
        causes.push(Cause::invalid(format!("{at}.name"), &name.into(), DNS_LABEL));
    }
    let image = object::text(container, "/image");
    if image.is_empty() {
        causes.push(Cause::required(format!("{at}.image"), ""));
    } else if image.trim() != image {
        causes.push(Cause::invalid(
            format!("{at}.image"),
            &image.into(),
            "must not have leading or trailing whitespace",
        ));
    }
    let policy = object::text(container, "/imagePullPolicy");
    if !["Always", "IfNotPresent", "Never"].contains(&policy) {
        causes.push(Cause::unsupported(
            format!("{at}.imagePullPolicy"),
            policy,
            &["Always", "IfNotPresent", "Never"],
        ));
    }
    for (i, port) in object::list(container, "/ports").iter().enumerate() {
        if let Some(number) = object::int(port, "/containerPort") {
            port_range(number, &format!("{at}.ports[{i}].containerPort"), causes);
        }
        let protocol = object::text(port, "/protocol");
        if !["SCTP", "TCP", "UDP"].contains(&protocol) {
            causes.push(Cause::unsupported(
                format!("{at}.ports[{i}].protocol"),
                protocol,
                &["SCTP", "TCP", "UDP"],
            ));
        }
    }
    for (i, variable) in object::list(container, "/env").iter().enumerate() {
        let name = object::text(variable, "/name");
        let good = name.bytes().all(|b| b.is_ascii_graphic() && b != b'=');
        if name.is_empty() || !good {
            let detail = "a valid environment variable name must consist only of printable ASCII characters other than '='";
            causes.push(Cause::invalid(
                format!("{at}.env[{i}].name"),
                &name.into(),
                detail,
            ));
        }
        if !object::text(variable, "/value").is_empty() && variable.get("valueFrom").is_some() {
            let detail = "may not be specified when `value` is not empty";
            causes.push(Cause::invalid(
                format!("{at}.env[{i}].valueFrom"),
                &"".into(),
                detail,
            ));
        }
    }
    for (i, mount) in object::list(container, "/volumeMounts").iter().enumerate() {
        let name = object::text(mount, "/name");
        if !volumes.contains(&name) {
            causes.push(Cause::not_found(
                format!("{at}.volumeMounts[{i}].name"),
                &name.into(),
            ));
        }
    }
    for resource in ["cpu", "memory", "ephemeral-storage"] {
        let get = |side: &str| container.pointer(&format!("/resources/{side}/{resource}"));
        if let (Some(request), Some(limit)) = (get("requests"), get("limits"))
            && let (Some(r), Some(l)) = (Quantity::of(request), Quantity::of(limit))
            && r.milli > l.milli
        {
            let detail = format!("must be less than or equal to {resource} limit of {l}");
            causes.push(Cause::invalid(
                format!("{at}.resources.requests"),
                request,
                detail,
            ));
        }
    }
}

pub(super) fn port_range(number: i64, path: &str, causes: &mut Vec<Cause>) {
    if !(1..=65535).contains(&number) {
        causes.push(Cause::invalid(
            path,
            &number.into(),
            "must be between 1 and 65535, inclusive",
        ));
    }
}
