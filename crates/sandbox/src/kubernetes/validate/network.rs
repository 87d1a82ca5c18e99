//! Services and ingresses.

use serde_json::Value;

use super::super::error::Cause;
use super::super::object;
use super::workload::port_range;

pub(super) fn service(target: &Value, causes: &mut Vec<Cause>) {
    let kind = object::text(target, "/spec/type");
    let kinds = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    if !kinds.contains(&kind) {
        causes.push(Cause::unsupported("spec.type", kind, &kinds));
    }
    let ports = object::list(target, "/spec/ports");
    let headless = object::text(target, "/spec/clusterIP") == "None";
    if ports.is_empty() && !headless && kind != "ExternalName" {
        causes.push(Cause::required("spec.ports", ""));
    }
    for (i, port) in ports.iter().enumerate() {
        if let Some(number) = object::int(port, "/port") {
            port_range(number, &format!("spec.ports[{i}].port"), causes);
        }
        if ports.len() > 1 && object::text(port, "/name").is_empty() {
            causes.push(Cause::required(format!("spec.ports[{i}].name"), ""));
        }
    }
}

pub(super) fn ingress(target: &Value, causes: &mut Vec<Cause>) {
    if object::list(target, "/spec/rules").is_empty() && target.pointer("/spec/defaultBackend").is_none() {
        let value = target.get("spec").cloned().unwrap_or_default();
        causes.push(Cause::invalid(
            "spec",
            &value,
            "either `defaultBackend` or `rules` must be specified",
        ));
    }
    for (r, rule) in object::list(target, "/spec/rules").iter().enumerate() {
        for (p, path) in object::list(rule, "/http/paths").iter().enumerate() {
            let at = format!("spec.rules[{r}].http.paths[{p}]");
            let kind = object::text(path, "/pathType");
            let kinds = ["Exact", "ImplementationSpecific", "Prefix"];
            if !kind.is_empty() && !kinds.contains(&kind) {
                causes.push(Cause::unsupported(format!("{at}.pathType"), kind, &kinds));
            }
            let text = object::text(path, "/path");
            if matches!(kind, "Exact" | "Prefix") && !text.starts_with('/') {
                causes.push(Cause::invalid(
                    format!("{at}.path"),
                    &text.into(),
                    "must be an absolute path",
                ));
            }
        }
    }
}
